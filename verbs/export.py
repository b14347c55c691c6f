# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo export`: a model becomes one ONNX file, which draws without torch."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..jobs.progress import Reporter

HELP = "Write a model as one ONNX file, for `ningyo generate` without torch, faster on CPUs."
EXAMPLE = "ningyo export model --out hero.onnx --precision int8 --calibrate dataset"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, metavar="MODEL", help="folder made by `ningyo train`")
    parser.add_argument("--out", type=Path, metavar="FILE.onnx", help="file for the model (default: model.onnx in its folder)")
    parser.add_argument(
        "--precision", default="fp32", metavar="P", help="fp32, fp16 (half the size, for GPUs) or int8 (a quarter, fastest on CPUs)"
    )
    parser.add_argument("--calibrate", type=Path, metavar="DATASET", help="what the model was trained on; int8 needs it")
    parser.add_argument("--size", type=int, metavar="PX", help="side of the pictures, a multiple of 32 (default: as trained)")


def run(args: argparse.Namespace, report: Reporter) -> dict[str, Any]:
    from ..training.export import export

    return export(args.model, args.out, precision=args.precision, dataset=args.calibrate, size=args.size, report=report)
