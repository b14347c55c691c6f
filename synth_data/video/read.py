# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading movies frame by frame, as a player would show them, in constant memory (PyAV)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from av.sidedata.sidedata import Type as SideDataType
from av.stream import Disposition
from numpy.typing import NDArray

from ...errors import UserError

# A player turns and mirrors the decoded picture by the stream's display matrix; only quarter turns and mirrorings occur in practice.
_UPRIGHT = (1, 0, 0, 1)


@dataclass(frozen=True)
class VideoInfo:
    """What can be known of a movie without decoding all of it. Width and height are those of a frame as shown, px."""

    path: Path
    width: int
    height: int
    fps: Fraction  # the mean rate where it varies
    duration: float  # seconds, of the picture
    frame_count: int  # an estimate unless the file says
    has_audio: bool

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
    """One frame: `index` in decoding order (from 0), `time` in seconds from the video's first frame, `rgb` (H, W, 3) uint8."""

    index: int
    time: float
    rgb: NDArray[Any]


def exact_rate(fps: float | Fraction) -> Fraction:
    """The rate meant by a float: 29.97002997 is 30000/1001."""
    return Fraction(fps).limit_denominator(1001)


def probe(path: Path | str) -> VideoInfo:
    """Look at a movie: its first frame is decoded, so what is not a movie is found out here. UserError in one sentence."""
    path = Path(path)
    with _opened(path) as (container, stream):
        first = next(_decoded(path, container, stream), None)
        if first is None:
            raise UserError(f"{path} holds no picture that can be decoded; choose another video.")
        width, height = _shown_size(first, stream)
        fps = _rate(stream)
        if stream.duration is not None and stream.time_base is not None:
            duration = float(stream.duration * stream.time_base)
        else:
            duration = (container.duration or 0) / av.time_base
        frame_count = stream.frames or max(round(duration * fps), 1)
        duration = duration if duration > 0 else float(frame_count / fps)
        return VideoInfo(path, width, height, fps, duration, frame_count, bool(container.streams.audio))


def read_frames(path: Path | str, start: float | None = None, end: float | None = None) -> Iterator[Frame]:
    """The frames shown from `start` to before `end` (seconds from the first frame; None: all), one at a time.

    Rotation, mirroring and non-square pixels are applied; times are the stream's own, so a variable rate is kept. Frames before
    `start` are decoded but not converted: seeking would lose the count of frames. UserError if the file cannot be read, naming the
    frame where it breaks off.
    """
    path = Path(path)
    with _opened(path) as (container, stream):
        seconds_a_frame = 1 / _rate(stream)
        origin: int | None = None
        size: tuple[int, int] | None = None
        last = -1.0
        for index, picture in enumerate(_decoded(path, container, stream)):
            size = size or _shown_size(picture, stream)
            if picture.pts is None or picture.time_base is None:
                time = last + float(seconds_a_frame) if index else 0.0
            else:
                origin = picture.pts if origin is None else origin
                time = float((picture.pts - origin) * picture.time_base)
            if time <= last:  # a broken clock; times have to rise
                time = last + float(seconds_a_frame)
            last = time
            # Half a tick of tolerance: times are fractions, the user's bounds are decimals.
            if end is not None and time >= end - 1e-6:
                return
            if start is None or time >= start - 1e-6:
                yield Frame(index, time, _to_rgb(picture, size))


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """The container and its first real picture stream (a cover picture in a sound file is none)."""
    if not path.exists():
        raise UserError(f"There is no file {path}; check the name.")
    if path.is_dir():
        raise UserError(f"{path} is a folder; give a video file.")
    if path.stat().st_size == 0:
        raise UserError(f"{path} is empty; copy or download the video again.")
    try:
        container = av.open(str(path), metadata_errors="ignore")
    except PermissionError as error:
        raise UserError(f"{path} may not be read; change its permissions.") from error
    except (FFmpegError, OSError, ValueError) as error:
        raise UserError(f"{path} is not a video that can be read, or is cut short ({_reason(error)}); choose another file.") from error
    with container:
        streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
        if not streams:
            raise UserError(f"{path} has no picture, only sound or data; choose a video.")
        stream = streams[0]
        stream.thread_type = "AUTO"
        yield container, stream


def _decoded(path: Path, container: Any, stream: Any) -> Iterator[Any]:
    count = 0
    try:
        for picture in container.decode(stream):
            yield picture
            count += 1
    except (FFmpegError, OSError) as error:
        text = f"{path} breaks off at frame {count} ({_reason(error)}); copy or download it again{_way_out(stream, count)}."
        raise UserError(text) from error
    if _is_cut_short(path, container, stream):
        raise UserError(f"{path} is cut short: it ends after frame {count - 1}; copy or download it again{_way_out(stream, count)}.")


def _way_out(stream: Any, count: int) -> str:
    return f", or use --end {float(count / _rate(stream)):.1f} for what is before" if count > 1 else ""


def _is_cut_short(path: Path, container: Any, stream: Any) -> bool:
    """Whether the file is smaller than it says it is. libav ends such a file as if it were whole."""
    size = path.stat().st_size
    if "avi" in container.format.name:
        with open(path, "rb") as file:
            says = int.from_bytes(file.read(8)[4:], "little")
        return size - 8 < says < 0xFFFFFFF0  # a file written to a pipe does not know its size
    if "mp4" in container.format.name and len(stream.index_entries):
        last = stream.index_entries[len(stream.index_entries) - 1]
        return last.pos + last.size > size
    return False


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).split(":")[0].strip().lower()


def _rate(stream: Any) -> Fraction:
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate and 0 < rate <= 1000:
            return Fraction(rate)
    return Fraction(25)


def _turn(picture: Any) -> tuple[int, int, int, int]:
    """The display matrix's 2×2 part (a, b, c, d) rounded to a quarter turn or mirroring: x' = a·x + c·y, y' = b·x + d·y."""
    for data in picture.side_data:
        if data.type == SideDataType.DISPLAYMATRIX:
            matrix = np.frombuffer(bytes(data), np.int32)[:9].reshape(3, 3)[:2, :2] / 65536
            size = np.abs(matrix).max()
            if size > 0:
                a, b, c, d = (np.round(matrix / size)).astype(int).reshape(-1).tolist()
                if abs(a * d - b * c) == 1 and (a == d == 0 or b == c == 0):
                    return a, b, c, d
    return _UPRIGHT


def _shown_size(picture: Any, stream: Any) -> tuple[int, int]:
    """Width and height of the frame as shown: pixels made square, then turned."""
    aspect = stream.sample_aspect_ratio
    width = picture.width
    if aspect and 0.2 < aspect < 5:
        width = max(round(width * aspect), 1)
    return (width, picture.height) if _turn(picture)[0] else (picture.height, width)


def _to_rgb(picture: Any, size: tuple[int, int]) -> NDArray[Any]:
    a, b, c, d = _turn(picture)
    width, height = size if a else size[::-1]
    rgb = picture.reformat(width=width, height=height, format="rgb24").to_ndarray()
    if not a:
        rgb = rgb.transpose(1, 0, 2)  # x' now runs along what was y
        a, d = c, b
    if a < 0:
        rgb = rgb[:, ::-1]
    if d < 0:
        rgb = rgb[::-1]
    return np.ascontiguousarray(rgb)
