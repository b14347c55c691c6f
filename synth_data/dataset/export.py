# SPDX-License-Identifier: GPL-3.0-or-later
"""A dataset in the forms that other programs read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ...errors import UserError
from ...jobs.folder import write_atomically
from ...jobs.progress import SILENT, Reporter
from .folder import IMAGE, POSE, SKELETON, Dataset, Sample
from .png import encode_png
from .stats import picture

_WHITE = 255


def export(dataset: Dataset, form: str, out: Path | str, *, report: Reporter = SILENT) -> int:
    """Write all samples to the folder `out` as "openpose" or "pix2pix"; returns how many. Files that are there are written over.

    Raises UserError for an unknown form, an `out` that is a file, and samples that are missing or damaged.
    """
    out = Path(out)
    if form not in FORMS:
        raise UserError(f'There is no export to "{form}"; choose {" or ".join(FORMS)}.')
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file; choose another folder with --out.")
    if out.resolve() == dataset.path.resolve():
        raise UserError(f"{out} is the dataset itself; choose another folder with --out.")
    for done, sample in enumerate(dataset.samples, 1):
        FORMS[form](dataset, sample, out)
        report.progress(done, len(dataset.samples), "samples")
    return len(dataset.samples)


def _openpose(dataset: Dataset, sample: Sample, out: Path) -> None:
    """`train|test/NNNNNN_keypoints.json` as OpenPose's `--write_json` gives them, beside `NNNNNN.png`."""
    folder = out / sample.split
    pose = json.loads(dataset.file(sample, POSE).read_text("utf-8"))
    people = {"version": pose["version"], "people": pose["people"]}
    write_atomically(folder / f"{sample.id}_keypoints.json", json.dumps(people, separators=(",", ":")))
    write_atomically(folder / f"{sample.id}.png", dataset.file(sample, IMAGE).read_bytes())


def _pix2pix(dataset: Dataset, sample: Sample, out: Path) -> None:
    """`train|test/NNNNNN.png`: the image on white (A) and its skeleton (B) side by side."""
    image = picture(dataset, sample, IMAGE, _WHITE)
    pair = np.concatenate([image, picture(dataset, sample, SKELETON)], axis=1)
    write_atomically(out / sample.split / f"{sample.id}.png", encode_png(pair))


FORMS: dict[str, Callable[[Dataset, Sample, Path], None]] = {"openpose": _openpose, "pix2pix": _pix2pix}
