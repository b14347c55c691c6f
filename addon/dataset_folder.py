# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the dataset in a folder is, for a panel that is drawn often. No Blender in here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .looking import Looked, stamp

if TYPE_CHECKING:
    from ..synth_data.render.job import RenderJob

JOB_FILE, OWN_JOB = "job.toml", "job.json"  # the one that a dataset is rendered from, and the one that it keeps
MANY = 10_000  # paths that are remembered


@dataclass(frozen=True)
class Found:
    """`kind`: new (nothing is there yet), unfinished, finished, another (of another job) or foreign (something else); `done` of `total`
    samples are there.
    """

    kind: str
    done: int = 0
    total: int = 0


def beside(out: Path, what: str) -> Path:
    """A folder next to a dataset's, for what belongs to it but is not of it: "job", "stats", or a form of export."""
    return out.parent / f"{out.name}-{what}"  # a drive's root has no name, and gets one


def look(out: Path, job: RenderJob | None) -> Found:
    """What is in a folder, looked up at most twice a second."""
    return _looked((out, job))


def look_now(out: Path, job: RenderJob | None) -> Found:
    """The same, in any case. With `job` None every dataset is one of another job."""
    from ..synth_data.dataset.folder import HEADER, INDEX, read_json
    from ..synth_data.render.cast import CLIPS

    if not os.path.isdir(out):
        return Found("foreign" if os.path.exists(out) else "new")
    header = read_json(out / HEADER)
    if not isinstance(header, dict):
        try:
            contents = [name for name in os.listdir(out) if not name.startswith(".") and name != CLIPS]
        except OSError:
            return Found("foreign")
        return Found("foreign" if contents else "new")
    done, total = _lines(out / INDEX), _whole(header.get("count"))
    if job is None or read_json(out / OWN_JOB) != _data_of(job):
        return Found("another", done, total)
    return Found("finished" if done >= total else "unfinished", done, total)


@lru_cache(maxsize=2)
def _data_of(job: RenderJob) -> dict[str, Any]:
    from ..synth_data.render.job_file import job_data

    return job_data(job)


_looked: Looked[tuple[Path, RenderJob | None], Found] = Looked(lambda asked: look_now(*asked))
_there: Looked[Path, bool] = Looked(os.path.exists, MANY)


def is_there(path: Path) -> bool:
    """Whether there is such a file or folder, looked up at most twice a second."""
    return _there(path)


def _lines(file: Path) -> int:
    """How many lines a file has; counted again when it has changed."""
    try:
        at = stamp(file)
        return _counted(file, at) if at is not None else 0
    except OSError:
        return 0


@lru_cache(maxsize=1)
def _counted(file: Path, _stamp: tuple[int, int]) -> int:
    with open(file, "rb") as lines:
        return sum(piece.count(b"\n") for piece in iter(lambda: lines.read(1 << 20), b""))


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0
