# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo dataset`: look at a dataset, check it, hand it to other programs, and make one of what was filmed."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..jobs.progress import Reporter
from .arguments import person_id, positive_integer

HELP = "Check a dataset (verify), see what is in it (stats), write it for other programs (export), or make one of videos (film, import)."
EXAMPLE = "ningyo dataset verify dataset"

_LISTED = 50  # problems shown one by one
_NAMED = 8  # characters and clips shown one by one


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("verify", "stats", "export", "film", "import"))
    parser.add_argument(
        "sources",
        type=Path,
        nargs="+",
        metavar="DATASET",
        help="film: videos of one person or drawn character; import: a folder like dance_now's (train_img, train_label); else a dataset",
    )
    parser.add_argument("--repair", action="store_true", help="verify: render again what is missing, cut short or altered")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="stats: where to write stats.html, its figures and stats.json; export: where to write to; film, import: the dataset to make",
    )
    parser.add_argument("--person", type=person_id, default=0, metavar="ID", help="film: whom to take (default: 0, the main person)")
    parser.add_argument("--size", type=positive_integer, default=512, metavar="PX", help="film, import: the pictures' side (default: 512)")
    parser.add_argument(
        "--form",
        metavar="FORM",
        help="export: coco (keypoints), dance_now, imagefolder (Hugging Face, with captions, for ControlNet), openpose, pix2pix (A|B), "
        "pix2pixhd or webdataset (tar shards)",
    )


def run(args: argparse.Namespace, report: Reporter) -> dict[str, Any]:
    """Returns the figures; raises UserError when a dataset is not whole."""
    from ..synth_data.dataset.folder import Dataset

    if args.what == "film":
        return _film(args, report)
    if len(args.sources) > 1:
        raise UserError(f"`ningyo dataset {args.what}` takes one folder, not {len(args.sources)}.")
    (source,) = args.sources
    if args.what == "import":
        return _import(source, args, report)
    if args.what == "verify" and args.repair:
        return _repair(source, report)
    dataset = Dataset.open(source)
    if args.what == "verify":
        return _verify(dataset, report)
    if args.what == "stats":
        return _stats(dataset, args.out, report)
    return _export(dataset, args.form, args.out, report)


def _film(args: argparse.Namespace, report: Reporter) -> dict[str, Any]:
    from ..synth_data.filmed.film import film

    made = film(args.sources, _out(args), person=args.person, size=args.size, report=report)
    report.artefact("dataset", args.out)
    return made


def _import(source: Path, args: argparse.Namespace, report: Reporter) -> dict[str, Any]:
    from ..synth_data.filmed.dance_now import import_dance_now

    made = import_dance_now(source, _out(args), size=args.size, report=report)
    report.artefact("dataset", args.out)
    return made


def _out(args: argparse.Namespace) -> Path:
    if args.out is None:
        raise UserError("Say where to make the dataset with --out.")
    return args.out


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
        raise UserError(f"{path} does not keep its job ({JOB}); run the command that made it again.")
    render_dataset(load_job(path / JOB), path, mend=True, report=report)
    return _verify(Dataset.open(path), report)


def _export(dataset: Any, form: str | None, out: Path | None, report: Reporter) -> dict[str, Any]:
    from ..synth_data.dataset.export import FORMS, export

    if form is None:
        raise UserError(f"Say for what the export is with --form: {', '.join(FORMS)}.")
    if out is None:
        raise UserError("Say where to write the export with --out.")
    count = export(dataset, form, out, report=report)
    report.artefact("export", out)
    return {"samples": count, "form": form}


def _stats(dataset: Any, out: Path | None, report: Reporter) -> dict[str, Any]:
    from ..synth_data.dataset.findings import findings
    from ..synth_data.dataset.stats import figures as figures_of
    from ..synth_data.dataset.stats_page import PAGE, write_page
    from ..synth_data.dataset.survey import survey

    if out is not None and out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file; choose a folder with --out.")
    found = survey(dataset, report=report)
    figures = figures_of(found) if out is None else write_page(found, out, report=report)
    for name, text in _summary(figures):
        report.emit("check", name=name, ok=True, found=text)
    for text in findings(figures):
        report.warning(text)
    if out is not None:
        report.artefact("page", out / PAGE)
    return figures


def _summary(figures: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The figures for a terminal: names and short texts."""

    def shares(found: dict[str, float]) -> str:
        return ", ".join(f"{name} {share:.0%}" for name, share in found.items() if share) or "-"

    def counts(found: dict[str, int]) -> str:
        most = sorted(found.items(), key=lambda item: -item[1])
        return ", ".join(f"{name} {count}" for name, count in most[:_NAMED]) + (f", {len(most) - _NAMED} more" * (len(most) > _NAMED))

    width, height = figures["size"]
    yield "samples", f"{figures['samples']} of {figures['planned']}, {width} × {height} px"
    yield "poses", f"{figures['variations']} varied, {figures['mirrored']} mirrored"
    yield "consecutive pairs", counts(figures["pairs_of_consecutive_frames"])
    for what in ("split", "character", "clip"):
        yield f"by {what}", counts(figures[f"by_{what}"])
    for key, (low, high) in figures["cameras"].items():
        yield f"camera's {key}", f"{low:g} to {high:g} {'m' if key == 'distance' else '°'}"
    yield "seen from", shares(figures["seen_from"])
    yield "framing", shares(figures["framing"])
    yield "files", ", ".join(f"{kind} {of_kind['megabytes']:.1f} MB" for kind, of_kind in figures["files"].items())
    for name, of_joint in figures["joints"].items():
        yield name.replace("_", " "), shares(dict(reversed(of_joint.items())))
