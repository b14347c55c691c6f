# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies in the files of the path, in half a line each, for panels that are drawn often. No Blender in here."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from . import words
from .language import said
from .looking import Looked, stamp
from .people import cast_of

METHODS = {"clip": "solver", "closed_form": "closed form"}
MANY = 100  # files that are remembered

Known = tuple[Any, ...]  # what is read of a file; empty where it is not there or cannot be read
Asked = tuple[Callable[[Path], Known], Path]


def known_of(path: Path, read: Callable[[Path], Known]) -> Known:
    """What `read` finds in a file, looked for at most twice a second and read again when the file is another."""
    return _looked((read, path))


def _look(asked: Asked) -> Known:
    at = stamp(asked[1])
    try:
        return _known(*asked, at) if at is not None else ()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ModuleNotFoundError):
        return ()


_looked: Looked[Asked, Known] = Looked(_look, MANY)


@lru_cache(maxsize=MANY)
def _known(read: Callable[[Path], Known], path: Path, _stamp: tuple[int, int]) -> Known:
    return read(path)


def of_video(known: Sequence[float]) -> str:
    """ "1280×720, 500 frames, 25 fps", of width, height, frames and rate; empty where they are zeros."""
    width, height, count, fps = known
    return f"{width:.0f}×{height:.0f}, {frames(round(count), fps)}" if count else ""


def of_person(track: Path, person: int) -> str:
    """ "Person 0 of 2, seen 20 s"; empty before the capture."""
    cast = cast_of(track)
    seen = next((one for one in cast.people if one.id == person), None)
    if seen is None:
        return ""
    return said("Person {person} of {people}, seen {time}", person=person, people=len(cast.people), time=words.clock(seen.seconds))


def of_character(path: Path) -> str:
    """ "ybot.fbx, 2.1 MB"."""
    known = known_of(path, _size)
    return f"{path.name}, {known[0] / 1e6:.1f} MB" if known else ""


def _size(path: Path) -> Known:
    return (path.stat().st_size,)


def of_motion(path: Path) -> str:
    """ "500 frames, 25 fps, solver"."""
    known = known_of(path, _motion)
    return f"{frames(*known[:2])}, {said(METHODS.get(str(known[2]), str(known[2])))}" if known else ""


def _motion(path: Path) -> Known:
    import numpy as np

    with np.load(path, allow_pickle=False) as file:
        header = json.loads(str(file["header"][()]))
        return len(file["time"]), float(header["fps"]), str(header["method"])


def of_dataset(folder: Path) -> str:
    """ "1,200 pictures, 2 clips, 256 px", and how many of them are there while it is being rendered."""
    about, lines = known_of(folder / "dataset.json", _dataset), known_of(folder / "index.jsonl", _lines)
    if not about:
        return ""
    total, clips, size = about
    done = lines[0] if lines else 0
    pictures = said("{count} pictures", count=f"{total:,}")
    if done != total:
        pictures = said("{done} of {total} pictures", done=f"{done:,}", total=f"{total:,}")
    return f"{pictures}, {said('1 clip') if clips == 1 else said('{count} clips', count=clips)}, {size} px"


def _dataset(path: Path) -> Known:
    header = _json(path)
    clips = len([name for name in header["clips"] if not name.endswith(".tail")])  # a clip's held-out end
    return int(header["count"]), clips, int(header["size"][0])


def _lines(path: Path) -> Known:
    with open(path, "rb") as file:
        return (sum(1 for _ in file),)


def of_frames(header: Path) -> str:
    """ "500 frames, 25 fps"."""
    known = known_of(header, _frames)
    return frames(*known) if known else ""


def _frames(header: Path) -> Known:
    about = _json(header)
    return int(about["count"]), float(about["fps"])


def frames(count: int, fps: float) -> str:
    return said("{count} frames, {rate} fps", count=f"{count:,}", rate=f"{fps:.4g}")


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8"))
