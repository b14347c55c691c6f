# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo demo`: the whole way on what the package brings along."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..jobs.progress import Reporter
from .arguments import positive_integer, positive_number
from .run import Pipeline, run_pipeline

HELP = "The whole way on built-in defaults: the actor clip in samples/, the built-in character, a short training."
EXAMPLE = "ningyo demo --out out/demo"

VIDEO = Path(__file__).resolve().parents[1] / "samples" / "actor.mp4"
# Chosen so that two slow cores are done in under fifteen minutes.
MINUTES = 6.0
PICTURES = 480
SIZE = 192


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for everything that is made")
    parser.add_argument("--minutes", type=positive_number, default=MINUTES, metavar="M", help=f"training time (default: {MINUTES:g})")
    parser.add_argument(
        "--count", type=positive_integer, default=PICTURES, metavar="N", help=f"pictures to render for training (default: {PICTURES})"
    )


def run(args: argparse.Namespace, report: Reporter) -> dict[str, Any]:
    pipeline = Pipeline(
        video=VIDEO,
        rig="builtin",
        out=args.out,
        minutes=args.minutes,
        count=args.count,
        size=SIZE,
        preset="tiny",
        seed=0,
        scene_name="demo.blend",
    )
    return run_pipeline(pipeline, report)
