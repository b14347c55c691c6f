# SPDX-License-Identifier: GPL-3.0-or-later
"""What every source of pictures is read as: what is known of it beforehand, its frames, and the choice among them by time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError

# A file that claims larger pictures is damaged or hostile; 16K × 8K panoramas are within.
MOST_PIXELS = 1 << 27
# Times are fractions, the user's bounds are decimals.
TOLERANCE = 1e-6


@dataclass(frozen=True)
class VideoInfo:
    """What can be known of a source without decoding all of it. Width and height are those of a frame as shown, px."""

    path: Path
    width: int
    height: int
    fps: Fraction  # the mean rate where it varies
    duration: float  # seconds, of the picture
    frame_count: int  # an estimate unless the file says
    has_audio: bool
    cut_short: str | None = None  # a sentence with the way out, where the end of the source is missing

    def header(self, sha256: str) -> dict[str, Any]:
        """The "video" object of a PoseTrack's header."""
        return {
            "name": self.path.name,
            "path": str(self.path.absolute()),
            "sha256": sha256,
            "width": self.width,
            "height": self.height,
            "fps": float(self.fps),
            "frame_count": self.frame_count,
            "duration": self.duration,
            "has_audio": self.has_audio,
        }


@dataclass(frozen=True)
class Frame:
    """One frame: `index` in decoding order (from 0), `time` in seconds from the source's first frame, `rgb` (H, W, 3) uint8."""

    index: int
    time: float
    rgb: NDArray[Any]


@dataclass(frozen=True)
class Pending:
    """A frame that is not converted yet; `length` is how long it is shown if nothing follows, seconds."""

    index: int
    time: float
    length: float
    rgb: Callable[[], NDArray[Any]]


def exact_rate(fps: float | Fraction) -> Fraction:
    """The rate meant by a float: 29.97002997 is 30000/1001."""
    return Fraction(fps).limit_denominator(1001)


def chosen(frames: Iterator[Pending], start: float | None, end: float | None, fps: float | Fraction | None) -> Iterator[Frame]:
    """The frames shown from `start` to before `end`, and of these, with `fps`, the ones on show at k / fps seconds (k = 0, 1, …).

    Each is given once at most. Only what is given is converted.
    """
    held: Pending | None = None
    try:
        for frame in frames:
            if held is not None and _is_on_show(held, frame.time, fps):
                yield Frame(held.index, held.time, held.rgb())
            held = None
            if end is not None and frame.time >= end - TOLERANCE:
                return
            if start is None or frame.time >= start - TOLERANCE:
                if fps is None:
                    yield Frame(frame.index, frame.time, frame.rgb())
                else:
                    held = frame  # how long it is shown is known by the next one
    except UserError:
        if held is not None and _is_on_show(held, held.time + held.length, fps):
            yield Frame(held.index, held.time, held.rgb())
        raise
    if held is not None and _is_on_show(held, held.time + held.length, fps):
        yield Frame(held.index, held.time, held.rgb())


def _is_on_show(frame: Pending, until: float, fps: float | Fraction | None) -> bool:
    """Whether some k / fps lies from the frame's time to before `until`.

    Containers round times (Matroska to 1 ms): a frame counts as on show a tenth of its length, 1 ms at most, before its time.
    """
    assert fps is not None
    early = min(0.001, 0.1 * frame.length)
    tick = ceil((frame.time - early) * fps)
    return tick / fps < until - early


def end_before(seconds: float) -> str:
    """The words that offer what lies before `seconds`, or none."""
    tenths = floor(seconds * 10 + TOLERANCE)
    return f", or use --end {tenths / 10:.1f} for what is before" if tenths > 0 else ""


def over_black(rgba: NDArray[Any]) -> NDArray[Any]:
    """(H, W, 4) uint8 with straight alpha → (H, W, 3) uint8 over black."""
    alpha = rgba[..., 3:].astype(np.uint16)
    return ((rgba[..., :3] * alpha + 127) // 255).astype(np.uint8)


def check_size(path: Path, width: int, height: int) -> None:
    """UserError if the pictures are larger than any real one."""
    if width * height > MOST_PIXELS:
        raise UserError(f"{path} claims pictures of {width} × {height} pixels, more than can be handled; scale it down or choose another.")
