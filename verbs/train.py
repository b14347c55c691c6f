# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo train`: a dataset becomes a model."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..jobs.progress import Reporter
from .arguments import positive_number

HELP = "Train a generator on a dataset; the same command again resumes, and goes on when it is given more minutes."
EXAMPLE = "ningyo train dataset --out model --preset small --minutes 20"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="folder made by `ningyo render`")
    parser.add_argument("--out", type=Path, required=True, metavar="MODEL", help="folder for the model")
    parser.add_argument("--preset", default="tiny", metavar="NAME", help="tiny, small, medium, large or xl (default: tiny, for two cores)")
    parser.add_argument("--minutes", type=positive_number, metavar="M", help="how long to train, all runs together (default: the preset's)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--method", default="ours", metavar="NAME",
        help="ours (the default), or a baseline to compare with: pix2pix, dance_now or dance_now_mended",
    )  # fmt: skip


def run(args: argparse.Namespace, report: Reporter) -> dict[str, Any]:
    from ..training.loop import train

    result = train(
        args.dataset, args.out, preset=args.preset, minutes=args.minutes, seed=args.seed, method=args.method, report=report
    )  # fmt: skip
    report.artefact("model", args.out)
    return result
