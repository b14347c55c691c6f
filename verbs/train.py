# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo train`: a dataset becomes a model, or one for each of its characters."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..jobs.progress import Reporter
from .arguments import positive_number

HELP = (
    "Train a generator on a dataset, one for each of its characters; the same command again resumes, and goes on when it is given more "
    "minutes."
)
EXAMPLE = "ningyo train dataset --out model --preset small --minutes 20"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="folder made by `ningyo render` or `ningyo dataset film`")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="MODEL",
        help="folder for the model; where several characters are trained, each becomes a folder of its own name in it",
    )  # fmt: skip
    parser.add_argument(
        "--character", action="append", default=[], metavar="NAME",
        help="train this one of the dataset's characters; may be repeated (default: all); if it is given once, MODEL is that one's folder",
    )  # fmt: skip
    parser.add_argument("--preset", default="tiny", metavar="NAME", help="tiny, small, medium, large or xl (default: tiny, for two cores)")
    parser.add_argument(
        "--minutes", type=positive_number, metavar="M", help="how long to train each, all runs together (default: the preset's)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--method", default="ours", metavar="NAME",
        help="ours (the default), or a baseline to compare with: pix2pix, dance_now or dance_now_mended",
    )  # fmt: skip
    parser.add_argument(
        "--set-aside", action="store_true",
        help="where MODEL holds a model of another dataset, preset or seed, rename that to MODEL-1 and begin anew, instead of refusing",
    )  # fmt: skip
    parser.add_argument(
        "--ray", metavar="ADDRESS",
        help="train the characters at once on a Ray cluster, each on a GPU where there are, else on its share of the cores: auto for the "
        "one this machine is in, local for one of this machine alone (default: one after the other, here)",
    )  # fmt: skip


def run(args: argparse.Namespace, report: Reporter) -> dict[str, Any]:
    from ..training.many import train_characters

    return train_characters(
        args.dataset, args.out, characters=args.character, ray=args.ray, preset=args.preset, minutes=args.minutes, seed=args.seed,
        method=args.method, sets_aside=args.set_aside, report=report,
    )  # fmt: skip
