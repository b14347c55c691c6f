# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo dataset`: look at a dataset, check it, and hand it to other programs."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..jobs.folder import write_atomically
from ..jobs.progress import Reporter

HELP = "Check a dataset (verify), see what is in it (stats), or write it for other programs (export)."
EXAMPLE = "ningyo dataset verify dataset"

_LISTED = 50  # problems shown one by one


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("verify", "stats", "export"))
    parser.add_argument("dataset", type=Path, metavar="DATASET")
    parser.add_argument("--repair", action="store_true", help="verify: render again what is missing, cut short or altered")
    parser.add_argument("--out", type=Path, metavar="PATH", help="export: a folder; stats: where to write stats.json and contact.png")
    parser.add_argument("--form", default="openpose", metavar="FORM", help="export: openpose or pix2pix (default: openpose)")


def run(args: argparse.Namespace, report: Reporter) -> dict[str, Any]:
    """Returns the figures; raises UserError when a dataset is not whole."""
    from ..synth_data.dataset.folder import Dataset

    if args.what == "verify" and args.repair:
        return _repair(args.dataset, report)
    dataset = Dataset.open(args.dataset)
    if args.what == "verify":
        return _verify(dataset, report)
    if args.what == "stats":
        return _stats(dataset, args.out, report)
    from ..synth_data.dataset.export import export

    if args.out is None:
        raise UserError("Say where to write the export with --out.")
    count = export(dataset, args.form, args.out, report=report)
    report.artefact("export", args.out)
    return {"samples": count, "form": args.form}


def _verify(dataset: Any, report: Reporter) -> dict[str, Any]:
    from ..synth_data.dataset.verify import verify

    problems = verify(dataset, report=report)
    for problem in problems[:_LISTED]:
        report.warning(problem.text)
    if len(problems) > _LISTED:
        report.warning(f"and {len(problems) - _LISTED} more")
    if problems:
        count = f"{len(problems)} fault{'s' if len(problems) > 1 else ''}"
        raise UserError(f"{dataset.path} has {count}; `ningyo dataset verify {dataset.path} --repair` renders again what is wrong.")
    return {"samples": len(dataset.samples), "whole": True}


def _repair(path: Path, report: Reporter) -> dict[str, Any]:
    """Render again just what is wrong, by the job that the dataset keeps."""
    from ..synth_data.dataset.folder import Dataset
    from ..synth_data.render.batch import render_dataset
    from ..synth_data.render.job_file import JOB, load_job

    if not path.is_dir():
        raise UserError(f"There is no dataset at {path}; check the path.")
    if not (path / JOB).is_file():
        raise UserError(f"{path} does not keep its job ({JOB}); run the `ningyo render` command that made it again.")
    render_dataset(load_job(path / JOB), path, mend=True, report=report)
    return _verify(Dataset.open(path), report)


def _stats(dataset: Any, out: Path | None, report: Reporter) -> dict[str, Any]:
    from ..synth_data.dataset.stats import contact_sheet, statistics

    figures = statistics(dataset, report=report)
    for name, value in figures.items():
        if name != "joints":
            text = ", ".join(f"{key} {number}" for key, number in value.items()) if isinstance(value, dict) else str(value)
            report.emit("check", name=name, ok=True, found=text)
    for name, shares in figures["joints"].items():
        report.emit("check", name=name, ok=True, found=f"visible {shares['visible']:.0%}, occluded {shares['occluded']:.0%}")
    if out is not None:
        if out.exists() and not out.is_dir():
            raise UserError(f"{out} is a file; choose a folder with --out.")
        write_atomically(out / "stats.json", json.dumps(figures, indent=1) + "\n")
        contact_sheet(dataset, out / "contact.png")
        report.artefact("figures", out / "stats.json")
        report.artefact("contact sheet", out / "contact.png")
    return figures
