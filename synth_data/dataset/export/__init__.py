# SPDX-License-Identifier: GPL-3.0-or-later
"""A dataset in the forms that other programs read; docs/datasets.md shows each with the program it is for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ....errors import UserError
from ....jobs.progress import SILENT, Reporter
from ..folder import Dataset
from . import coco, dance_now, imagefolder, openpose, pix2pix, pix2pixhd, webdataset
from .work import Work

FORMS: dict[str, Callable[[Work], None]] = {
    "coco": coco.export,
    "dance_now": dance_now.export,
    "imagefolder": imagefolder.export,
    "openpose": openpose.export,
    "pix2pix": pix2pix.export,
    "pix2pixhd": pix2pixhd.export,
    "webdataset": webdataset.export,
}


def export(dataset: Dataset, form: str, out: Path | str, *, report: Reporter = SILENT) -> int:
    """Write all samples to the folder `out` in one of FORMS; returns how many there are.

    Samples are written one by one; an export that was stopped goes on, and a repeated one writes only what is new or gone. Raises UserError
    for an unknown form, a folder with something else in it, samples without what the form needs, and those that are missing or damaged.
    """
    if form not in FORMS:
        raise UserError(f'There is no export to "{form}"; choose {", ".join(list(FORMS)[:-1])} or {list(FORMS)[-1]}.')
    if not len(dataset.samples):
        raise UserError(f"{dataset.path} has no samples yet; run `ningyo render` to make some.")
    with Work(dataset, form, Path(out), report) as work:
        FORMS[form](work)
    return len(dataset.samples)
