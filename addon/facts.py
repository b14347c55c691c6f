# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies in the files of the path, in half a line each, for panels that are drawn often. No Blender in here."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from . import words
from .looking import Looked, stamp
from .people import cast_of

METHODS = {"clip": "solver", "closed_form": "closed form"}
MANY = 100  # files that are remembered


def of_file(path: Path, read: Callable[[Path], str]) -> str:
    """What `read` says of a file, looked for at most twice a second and read again when the file is another; empty where it is not there or
    cannot be read."""
    return _looked((read, path))


def _look(asked: tuple[Callable[[Path], str], Path]) -> str:
    at = stamp(asked[1])
    try:
        return _text(*asked, at) if at is not None else ""
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ModuleNotFoundError):
        return ""


_looked: Looked[tuple[Callable[[Path], str], Path], str] = Looked(_look, MANY)


@lru_cache(maxsize=MANY)
def _text(read: Callable[[Path], str], path: Path, _stamp: tuple[int, int]) -> str:
    return read(path)


def of_person(track: Path, person: int) -> str:
    """ "Person 0 of 2, seen 20 s"; empty before the capture."""
    cast = cast_of(track)
    seen = next((one for one in cast.people if one.id == person), None)
    return f"Person {person} of {len(cast.people)}, seen {words.clock(seen.seconds)}" if seen is not None else ""


def of_character(path: Path) -> str:
    """ "ybot.fbx, 2.1 MB"."""
    return f"{path.name}, {path.stat().st_size / 1e6:.1f} MB"


def of_motion(path: Path) -> str:
    """ "500 frames, 25 fps, solver"."""
    import numpy as np

    with np.load(path, allow_pickle=False) as file:
        header = json.loads(str(file["header"][()]))
        frames = len(file["time"])
    return f"{frames:,} frames, {header['fps']:.4g} fps, {METHODS.get(header['method'], header['method'])}"


def of_dataset(folder: Path) -> str:
    """ "1,200 pictures, 2 clips, 256 px", and how many of them are there while it is being rendered."""
    about, done = of_file(folder / "dataset.json", _dataset), of_file(folder / "index.jsonl", _lines)
    total, _, more = about.partition(";")
    if not about:
        return ""
    return f"{total} pictures, {more}" if done == total else f"{done or '0'} of {total} pictures, {more}"


def _dataset(path: Path) -> str:
    header = _json(path)
    clips = len([name for name in header["clips"] if not name.endswith(".tail")])  # a clip's held-out end
    return f"{int(header['count']):,};{clips} {'clip' if clips == 1 else 'clips'}, {header['size'][0]} px"


def _lines(path: Path) -> str:
    with open(path, "rb") as file:
        return f"{sum(1 for _ in file):,}"


def of_model(config: Path) -> str:
    """ "tiny, 10 min, 20.1 dB"."""
    about = _json(config)
    known = [str(about["preset"]), words.duration(about["training"]["seconds"])]
    report = config.with_name("report.json")
    if report.exists():
        known.append(f"{_json(report)['rows']['ours']['psnr_fg']:.1f} dB")
    return ", ".join(known)


def of_frames(header: Path) -> str:
    """ "500 frames, 25 fps"."""
    about = _json(header)
    return f"{int(about['count']):,} frames, {float(about['fps']):.4g} fps"


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8"))
