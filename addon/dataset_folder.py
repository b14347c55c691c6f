# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the dataset in a folder is, for a panel that is drawn often. No Blender in here."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .people import SECONDS_BETWEEN_LOOKS

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


_looked: dict[Path, tuple[float, RenderJob | None, Found]] = {}
_counted: dict[Path, tuple[tuple[int, int], int]] = {}


def look(out: Path, job: RenderJob | None) -> Found:
    """What is in a folder, looked up at most twice a second."""
    now = time.monotonic()
    known = _looked.get(out)
    if known is None or known[1] is not job or now - known[0] > SECONDS_BETWEEN_LOOKS:
        known = (now, job, look_now(out, job))
        _looked.clear()
        _looked[out] = known
    return known[2]


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


_there: dict[Path, tuple[float, bool]] = {}


def is_there(path: Path) -> bool:
    """Whether there is such a file or folder, looked up at most twice a second."""
    now = time.monotonic()
    known = _there.get(path)
    if known is None or now - known[0] > SECONDS_BETWEEN_LOOKS:
        if len(_there) > MANY:
            _there.clear()
        known = _there[path] = now, os.path.exists(path)
    return known[1]


def _lines(file: Path) -> int:
    """How many lines a file has; counted again when it has changed."""
    try:
        stat = file.stat()
        stamp = stat.st_mtime_ns, stat.st_size
        if _counted.get(file, (None, 0))[0] != stamp:
            with open(file, "rb") as lines:
                count = sum(piece.count(b"\n") for piece in iter(lambda: lines.read(1 << 20), b""))
            _counted.clear()
            _counted[file] = stamp, count
        return _counted[file][1]
    except OSError:
        return 0


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0
