# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a source frame by frame, whatever it is: a movie, an animated picture, a picture, or a folder of pictures of one size."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from ...errors import UserError
from ...jobs.folder import sha256_of
from . import movies, pictures
from .pictures import pictures_of
from .source import Frame, VideoInfo, chosen, exact_rate

__all__ = ["Frame", "VideoInfo", "exact_rate", "hash_source", "probe", "read_frames", "stills_in"]


def probe(path: Path | str, fps: float | Fraction | None = None) -> VideoInfo:
    """Look at a source: what cannot be read is found out here, in one sentence (UserError).

    An image sequence or a picture has no rate of its own: it is played at `fps`, or at 25. A movie's rate is its own whatever `fps` is.
    Where the end of the source is missing, `cut_short` says so; `read_frames` then raises that sentence unless its `end` lies before.
    """
    path = _checked(path, fps)
    if pictures.is_sequence(path):
        return pictures.probe_sequence(path, fps)
    if pictures.is_picture(path):
        return pictures.probe_picture(path, fps)
    return movies.probe(path)


def read_frames(
    path: Path | str, start: float | None = None, end: float | None = None, fps: float | Fraction | None = None
) -> Iterator[Frame]:
    """The frames shown from `start` to before `end` (seconds from the first frame; None: all), one at a time.

    Rotation, mirroring and non-square pixels are applied; times are the source's own, so a variable rate is kept. `fps` of a movie or
    animation takes the frames on show at k / fps seconds, each once at most, with its own index and time; of an image sequence it is
    the rate at which the pictures are played, and all are taken. UserError if the source cannot be read: at once if its end is missing,
    else naming the frame where it breaks off.
    """
    path = _checked(path, fps)
    if pictures.is_sequence(path):
        return chosen(pictures.sequence(path, end, fps), start, end, None)
    if pictures.is_picture(path):
        return chosen(pictures.frames(path, end, fps), start, end, fps)
    return chosen(movies.frames(path, start, end), start, end, fps)


def stills_in(path: Path | str) -> list[Path]:
    """The pictures of a folder in which they have different sizes, so that each stands alone; empty for every other source."""
    return pictures.stills_in(Path(path))


def hash_source(path: Path | str) -> str:
    """SHA-256 of a source, hex: of the file; of an image sequence over its pictures' names and contents, in order."""
    path = _checked(path, None)
    if not pictures.is_sequence(path):
        return sha256_of(path)
    total = hashlib.sha256()
    for file in pictures_of(path):
        total.update(f"{sha256_of(file)} {file.name}\n".encode())
    return total.hexdigest()


def _checked(path: Path | str, fps: float | Fraction | None) -> Path:
    path = Path(path)
    if fps is not None and not 0 < fps <= 1000:
        raise UserError(f"{float(fps):g} frames a second are not possible; give a rate above 0 and up to 1000.")
    if not path.exists() and not pictures.is_sequence(path):
        raise UserError(f"There is no file {path}; check the name.")
    return path
