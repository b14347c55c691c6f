# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo evaluate`: a model beside its baselines on held-out clips."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..jobs.progress import Reporter

HELP = "Measure a model on a dataset's held-out clips, beside nearest-pose retrieval and the mean picture: report.json and grid.png."
EXAMPLE = "ningyo evaluate model dataset --out report"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, metavar="MODEL", help="folder made by `ningyo train`")
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="folder made by `ningyo render`")
    parser.add_argument("--out", type=Path, required=True, metavar="REPORT", help="folder for the report")


def run(args: argparse.Namespace, report: Reporter) -> dict[str, Any]:
    from ..training.evaluate import evaluate

    return {"rows": evaluate(args.model, args.dataset, args.out, report=report)["rows"]}
