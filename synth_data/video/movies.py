# SPDX-License-Identifier: GPL-3.0-or-later
"""Movies frame by frame, as a player would show them, in constant memory (PyAV)."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, partial
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import BlockingIOError as NotReady
from av.error import EOFError as EndOfStream
from av.error import FFmpegError, InvalidDataError
from av.filter import Graph
from av.sidedata.sidedata import Type as SideDataType
from av.stream import Disposition
from av.video.reformatter import ColorPrimaries, Colorspace, ColorTrc
from numpy.typing import NDArray

from ...errors import UserError
from .source import MOST_PIXELS, TOLERANCE, Pending, VideoInfo, check_size, end_before, over_black
from .truncation import breaks_index, measure, missing_from

# A player turns and mirrors the decoded picture by the stream's display matrix; only quarter turns and mirrorings occur in practice.
_UPRIGHT = (1, 0, 0, 1)
# Of these one packet is one frame in the containers named, so that frames can be counted without decoding. Not so VP8, whose hidden
# frames have packets of their own, nor AVI, which packs two frames into one.
_COUNTABLE_CODECS = {"h264", "hevc", "av1", "vp9", "mpeg4", "prores", "mjpeg", "ffv1"}
_COUNTABLE_CONTAINERS = ("mp4", "matroska")
_BROADCASTS = {"mpegts", "mpeg"}
_UNTAGGED = 2  # AVCOL_SPC_UNSPECIFIED
_HDR = {ColorTrc.SMPTE2084.value, ColorTrc.ARIB_STD_B67.value}


def probe(path: Path) -> VideoInfo:
    """Look at a movie: its first frame is decoded, so what is not a movie is found out here. UserError in one sentence."""
    with _begun(path) as (container, stream, first, _):
        width, height = _shown_size(first, stream)
        fps = _rate(stream)
        duration = _duration(path, container, stream)
        frame_count = stream.frames or max(round(duration * fps), 1)
        duration = duration if duration > 0 else float(frame_count / fps)
        missing = missing_from(path, container, stream, first.pts)
        cut_short = None if missing is None else _cut_short(path, stream, missing, duration)
        return VideoInfo(path, width, height, fps, duration, frame_count, bool(container.streams.audio), cut_short)


def frames(path: Path, start: float | None, end: float | None) -> Iterator[Pending]:
    """The frames from the last key frame before `start`, or from an earlier one, on; `index` and `time` count from the first frame.

    UserError at once if the file is cut short before `end`, and where it is damaged, naming the frame.
    """
    key = None
    with _begun(path) as (container, stream, first, is_strict):
        missing = missing_from(path, container, stream, first.pts)
        if missing is not None and (end is None or end > missing + TOLERANCE):
            raise UserError(_cut_short(path, stream, missing, _duration(path, container, stream)))
        if not first.interlaced_frame and start:
            key = _key_frame_before(path, container, stream, start)
    if key is not None:
        with _opened(path, is_strict) as (container, stream):
            container.seek(key.dts, stream=stream, backward=True)
            walk = _walk(path, container, stream, key, end)
            there = next(walk, None)
            if there is not None:
                yield there
                yield from walk
                return
    with _opened(path, is_strict) as (container, stream):
        yield from _walk(path, container, stream, None, end)


@contextmanager
def _begun(path: Path) -> Iterator[tuple[Any, Any, Any, bool]]:
    """Container, stream, first picture, and whether its decoder can be strict.

    A strict decoder reports damage instead of making something up, but also oddities that some programs write into whole files. Those
    are in the first picture already, so a movie whose first picture only a lenient decoder gives is read by that.
    """
    problem: UserError | None = None
    for is_strict in (True, False):
        with _opened(path, is_strict) as (container, stream):
            try:
                first = next(_decoded(path, container, stream), None)
            except _Broken as error:
                problem = problem or UserError(f"{path} breaks off at frame 0 ({error}); copy or download it again.")
                continue
            if first is not None:
                yield container, stream, first, is_strict
                return
    raise problem or UserError(f"{path} holds no picture that can be decoded; choose another video.")


@dataclass(frozen=True)
class _KeyFrame:
    pts: int
    dts: int
    index: int  # of the frame
    origin: int  # the first frame's pts


def _key_frame_before(path: Path, container: Any, stream: Any, start: float) -> _KeyFrame | None:
    """The last key frame shown by `start` seconds, found by counting packets; None where a packet may not be a frame."""
    if not any(name in container.format.name for name in _COUNTABLE_CONTAINERS):
        return None
    if stream.codec_context.codec.canonical_name not in _COUNTABLE_CODECS:
        return None
    shown = array("q")  # 8 bytes a frame
    keys: list[tuple[int, int]] = []
    with _opened(path, True) as (packets, counted):
        for packet in packets.demux(counted):
            if packet.pts is None or packet.dts is None:
                break
            if packet.is_discard:  # outside of the edit list
                continue
            if not shown and not packet.is_keyframe:
                return None
            shown.append(packet.pts)
            if float((packet.dts - shown[0]) * packet.time_base) > start:
                break  # a frame is decoded before it is shown, so those shown by `start` have been counted
            if packet.is_keyframe:
                keys.append((packet.pts, packet.dts))
    pts = np.array(shown, np.int64)
    if not len(pts) or pts.min() < pts[0] or len(np.unique(pts)) < len(pts):
        return None
    for key in reversed(keys):
        if float((key[0] - shown[0]) * stream.time_base) <= start:
            return _KeyFrame(*key, int((pts < key[0]).sum()), shown[0])
    return None


def _walk(path: Path, container: Any, stream: Any, key: _KeyFrame | None, end: float | None) -> Iterator[Pending]:
    """Number the frames; nothing at all if they do not begin with the key frame that was sought. What breaks after `end` is not told."""
    seconds_a_frame = float(1 / _rate(stream))
    origin = None if key is None else key.origin
    index = 0 if key is None else key.index
    found = key is None
    size, turn = (0, 0), _UPRIGHT
    last = -1.0
    try:
        for picture in _progressive(_decoded(path, container, stream)):
            if not found and key is not None:
                if picture.pts is None or picture.pts > key.pts:
                    return
                if picture.pts < key.pts:
                    continue
                found = True
            if last < 0:
                # Once, because a picture that was asked for its side data is kept alive by it until Python looks for cycles.
                size, turn = _shown_size(picture, stream), _turn(picture)
            if picture.pts is None or picture.time_base is None:
                time = last + seconds_a_frame if index else 0.0
            else:
                origin = picture.pts if origin is None else origin
                time = float((picture.pts - origin) * picture.time_base)
            if time <= last:  # a broken clock; times have to rise
                time = last + seconds_a_frame
            last = time
            damage = ""
            if picture.is_corrupt:  # what the decoder made up in place of data it could not read; told only of a frame that is wanted
                damage = f"{path} is damaged at frame {index}; copy or download it again{end_before(time)}."
            yield Pending(index, time, seconds_a_frame, partial(_to_rgb, picture, size, turn, damage))
            index += 1
    except _Broken as error:
        until = max(last, 0.0) + seconds_a_frame if found else 0.0
        if end is not None and until >= end - TOLERANCE:
            return
        raise UserError(f"{path} breaks off at frame {index} ({error}); copy or download it again{end_before(until)}.") from error


@contextmanager
def _opened(path: Path, is_strict: bool) -> Iterator[tuple[Any, Any]]:
    """The container and its first real picture stream (a cover picture in a sound file is none)."""
    if path.stat().st_size == 0:
        raise UserError(f"{path} is empty; copy or download the video again.")
    try:
        container = av.open(str(path), metadata_errors="ignore")
    except PermissionError as error:
        raise UserError(f"{path} may not be read; change its permissions.") from error
    except (FFmpegError, OSError, ValueError) as error:
        with open(path, "rb") as file:
            if file.read(12)[4:8] == b"ftyp":
                raise UserError(f"{path} is cut short: its index, which lies at the end, is missing; copy or download it again.") from error
        raise UserError(f"{path} is not a video that can be read, or is cut short ({_reason(error)}); choose another file.") from error
    with container:
        streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
        if not streams:
            raise UserError(f"{path} has no picture, only sound or data; choose a video.")
        stream = streams[0]
        if stream.codec_context is None:
            raise UserError(f"{path} has a kind of picture that cannot be decoded; convert it to an H.264 mp4.")
        check_size(path, stream.width, stream.height)
        stream.thread_type = "AUTO"
        stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)} | ({"err_detect": "explode"} if is_strict else {})
        yield container, stream


class _Broken(Exception):
    """The pictures do not go on; the text is the reason."""


def _decoded(path: Path, container: Any, stream: Any) -> Iterator[Any]:
    """The pictures as they come. Raises _Broken where they end too early."""
    # Broadcasts begin anywhere; players wait for the first key frame.
    waits = container.format.name in _BROADCASTS
    latest, position = 0.0, 0
    try:
        for packet in container.demux(stream):
            if packet.size and packet.pos is not None:
                position = max(position, packet.pos + packet.size)
            try:
                pictures = packet.decode()
            except InvalidDataError:
                if waits:
                    continue
                raise
            for picture in pictures:
                if waits and (picture.is_corrupt or not picture.key_frame):
                    continue
                waits = False
                yield picture
                latest = picture.time if picture.time is not None else latest
    except (FFmpegError, OSError) as error:
        raise _Broken(_reason(error)) from error
    if breaks_index(path, container, stream) or ("matroska" in container.format.name and _lost(path, container, stream, latest, position)):
        raise _Broken("what follows is missing")


def _lost(path: Path, container: Any, stream: Any, latest: float, position: int) -> bool:
    """Whether a Matroska file was given up in its middle: after damage libav looks for the next cluster and may not find it.

    Time and data have to be missing both: the last picture may be shown long, and sound or cues may follow it.
    """
    says_own = "DURATION" in stream.metadata or not container.streams.audio
    if not says_own or (container.duration is None and "DURATION" not in stream.metadata):
        return False
    rest, size = path.stat().st_size - position, path.stat().st_size
    return _duration(path, container, stream) - latest > 1 and (rest > 1 << 16 or rest > size / 10)


def _progressive(pictures: Iterator[Any]) -> Iterator[Any]:
    """The same pictures; from the first interlaced one on, those that are get their fields woven (bwdif, one picture for one)."""
    graph: Graph | None = None
    shape: tuple[int, int, str] | None = None
    waiting: deque[tuple[int | None, Any]] = deque()  # the filter holds one picture back; its clock is not ours
    for picture in pictures:
        if graph is None and not picture.interlaced_frame:
            yield picture
            continue
        if graph is None or shape != (picture.width, picture.height, picture.format.name):
            if graph is not None:
                graph.push(None)
                yield from _pulled(graph, waiting)
            shape = (picture.width, picture.height, picture.format.name)
            graph = _deinterlacer(picture)
        waiting.append((picture.pts, picture.time_base))
        graph.push(picture)
        yield from _pulled(graph, waiting)
    if graph is not None:
        graph.push(None)
        yield from _pulled(graph, waiting)


def _deinterlacer(picture: Any) -> Graph:
    graph = Graph()
    source = graph.add_buffer(width=picture.width, height=picture.height, format=picture.format, time_base=picture.time_base)
    weave, sink = graph.add("bwdif", "mode=send_frame:parity=auto:deint=interlaced"), graph.add("buffersink")
    source.link_to(weave)
    weave.link_to(sink)
    graph.configure()
    return graph


def _pulled(graph: Graph, waiting: deque[tuple[int | None, Any]]) -> Iterator[Any]:
    while waiting:
        try:
            picture: Any = graph.pull()
        except (EndOfStream, NotReady):
            return
        picture.pts, picture.time_base = waiting.popleft()
        yield picture


def _cut_short(path: Path, stream: Any, missing: float, duration: float) -> str:
    duration = max(duration, float(stream.frames / _rate(stream)))  # an AVI's duration is guessed from its size, its count is told
    return f"{path} is cut short: its picture ends at {missing:.1f} s of {duration:.1f} s; copy or download it again{end_before(missing)}."


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).split(":")[0].strip().lower()


def _rate(stream: Any) -> Fraction:
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate and 0 < rate <= 1000:
            return Fraction(rate)
    return Fraction(25)


def _duration(path: Path, container: Any, stream: Any) -> float:
    """Seconds of the picture; the container's where nothing says how long the picture is without the sound."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    hours, _, rest = stream.metadata.get("DURATION", "").partition(":")  # Matroska's, "00:00:01.500000000"
    minutes, _, seconds = rest.partition(":")
    try:
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        pass
    if container.duration is not None:
        return container.duration / av.time_base
    return measure(path, stream.start_time or 0)[0] + float(1 / _rate(stream))  # as browsers record


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


@cache
def _has_alpha(pixels: str) -> bool:
    return pixels == "pal8" or any(component.is_alpha for component in av.VideoFormat(pixels).components)


def _to_rgb(picture: Any, size: tuple[int, int], turn: tuple[int, int, int, int], damage: str) -> NDArray[Any]:
    if damage:
        raise UserError(damage)
    a, b, c, d = turn
    width, height = size if a else size[::-1]
    colours: dict[str, Any] = {}
    if picture.colorspace == _UNTAGGED and (picture.width >= 1280 or picture.height > 576):
        colours["src_colorspace"] = Colorspace.ITU709  # as players take it; smaller ones are BT.601
    if picture.color_trc in _HDR:
        colours |= {"dst_color_trc": ColorTrc.IEC61966_2_1, "dst_color_primaries": ColorPrimaries.BT709}
    has_alpha = _has_alpha(picture.format.name)
    rgb = picture.reformat(width=width, height=height, format="rgba" if has_alpha else "rgb24", **colours).to_ndarray()
    if has_alpha:
        rgb = over_black(rgb)
    if not a:
        rgb = rgb.transpose(1, 0, 2)  # x' now runs along what was y
        a, d = c, b
    if a < 0:
        rgb = rgb[:, ::-1]
    if d < 0:
        rgb = rgb[::-1]
    return np.ascontiguousarray(rgb)
