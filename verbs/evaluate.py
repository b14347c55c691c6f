# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo evaluate`: a model beside its baselines on held-out clips."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..jobs.progress import Reporter
from .arguments import positive_number

HELP = (
    "Measure a model on a dataset's held-out clips, beside nearest-pose retrieval, the mean picture and, if there is time, what others "
    "would train: report.html, report.json, pictures and a movie. Run again to resume."
)
EXAMPLE = "ningyo evaluate model dataset --out report --baselines 10"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, metavar="MODEL", help="folder made by `ningyo train`")
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="folder made by `ningyo render`")
    parser.add_argument("--out", type=Path, required=True, metavar="REPORT", help="folder for the report")
    parser.add_argument(
        "--baselines", type=positive_number, metavar="MINUTES",
        help="also train pix2pix, dance_now and dance_now mended on the dataset, each for so many minutes (default: not)",
    )  # fmt: skip


def run(args: argparse.Namespace, report: Reporter) -> dict[str, Any]:
    from ..training.evaluate import evaluate

    with _detector() as detect:
        result = evaluate(args.model, args.dataset, args.out, baselines=args.baselines, detect=detect, report=report)
    return {"rows": result["rows"]}


@contextmanager
def _detector() -> Iterator[Any]:
    """What `ningyo capture` finds in a single picture of which nothing is known: the landmarks (33, 3) px of the surest body, or None."""
    from ..synth_data.capture.bodies import Searcher
    from ..synth_data.capture.landmarker import quiet_libraries

    with quiet_libraries():
        searcher = Searcher()

    def detect(rgb: Any) -> Any:
        bodies, _ = searcher(rgb, deep=False)
        return bodies[0].image if bodies else None

    try:
        yield detect
    finally:
        searcher.close()
