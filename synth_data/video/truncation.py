# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the end of a movie file is missing, and from when on: libav ends such a file as if it were whole."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError

_EBML, _SEGMENT, _INFO, _DURATION = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67", b"\x15\x49\xa9\x66", b"\x44\x89"
_HEAD = 1 << 16  # bytes at a Matroska file's beginning in which its header lies


def missing_from(path: Path, container: Any, stream: Any, origin: int | None) -> float | None:
    """From when on pictures are missing, seconds from the first frame (whose pts is `origin`); None if the file is as long as it says.

    Frames shown before that time are all there. Costs nothing for a whole file, or next to nothing.
    """
    name, size, zero = container.format.name, path.stat().st_size, origin or 0
    if "mp4" in name:
        entries = stream.index_entries
        if not len(entries) or not _lacks(entries[len(entries) - 1], size):
            return None
        first = next(entry for entry in (entries[i] for i in range(len(entries))) if _lacks(entry, size))
        # Decoding time is not later than showing time: what is shown before it was decoded before it too.
        return max(float((first.timestamp - zero) * stream.time_base), 0.0)
    if "avi" in name:
        return measure(path, zero)[0] if _riff_ends(path) > size else None
    if "matroska" in name:
        try:
            ends, seconds = _matroska_says(path)
        except (struct.error, IndexError):  # a damaged head, which libav could make something of
            return None
        if ends is not None:
            return measure(path, zero)[0] if ends > size else None
        if seconds is not None:  # a Segment of unknown size, but a duration
            complete, _, until = measure(path, zero)
            return complete if until < seconds - 1 else None
    return None


def breaks_index(path: Path, container: Any, stream: Any) -> bool:
    """Whether what was read of an MP4's index by now lies beyond the file's end (fragmented files tell late)."""
    entries = stream.index_entries
    return "mp4" in container.format.name and len(entries) > 0 and _lacks(entries[len(entries) - 1], path.stat().st_size)


def measure(path: Path, origin: int) -> tuple[float, int, float]:
    """Read all packets without decoding: when the last picture's comes (that one may be broken), their number, and when all is over.

    The first is in seconds from `origin` (in ticks of the picture's clock), the last in seconds of the container's clock, sound included.
    """
    last, count, until = 0.0, 0, 0.0
    with av.open(str(path), metadata_errors="ignore") as container:
        video = container.streams.video[0].index
        try:
            for packet in container.demux():
                ticks = packet.dts if packet.dts is not None else packet.pts
                if ticks is None or not packet.size or packet.time_base is None:
                    continue
                until = max(until, float((ticks + (packet.duration or 0)) * packet.time_base))
                if packet.stream_index == video:
                    last = max(last, float((ticks - origin) * packet.time_base))
                    count += 1
        except (FFmpegError, OSError):
            pass  # the end, then
    return last, count, until


def _lacks(entry: Any, size: int) -> bool:
    return entry.pos + entry.size > size


def _riff_ends(path: Path) -> int:
    """Where the last of an AVI's RIFF chunks says that it ends (above 1 GB there are several)."""
    size, end = path.stat().st_size, 0
    with open(path, "rb") as file:
        while end + 8 <= size:
            file.seek(end)
            head = file.read(8)
            length = int.from_bytes(head[4:], "little")
            if head[:4] != b"RIFF" or length >= 0xFFFFFFF0:  # a file written to a pipe does not know its size
                break
            end += 8 + length + length % 2
    return end - 1 if end > size and end - 1 == size else end


def _matroska_says(path: Path) -> tuple[int | None, float | None]:
    """The byte at which the Segment ends and the duration in seconds (of the default clock), each None where the file does not say."""
    with open(path, "rb") as file:
        head = file.read(_HEAD)
    if head[:4] != _EBML:
        return None, None
    length, width = _vint(head, 4)
    at = 4 + width + (length or 0)
    if head[at : at + 4] != _SEGMENT:
        return None, None
    length, width = _vint(head, at + 4)
    ends = None if length is None else at + 4 + width + length
    info = head.find(_INFO)
    at = head.find(_DURATION, info) if info >= 0 else -1
    if at < 0 or head[at + 2] not in (0x84, 0x88):
        return ends, None
    ticks = struct.unpack(">f" if head[at + 2] == 0x84 else ">d", head[at + 3 : at + 3 + (head[at + 2] & 15)])[0]
    return ends, ticks / 1000


def _vint(data: bytes, at: int) -> tuple[int | None, int]:
    """An EBML element's size (None: unknown) and how many bytes tell it."""
    width = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + width], "big") & ((1 << 7 * width) - 1)
    return (None if value == (1 << 7 * width) - 1 else value), width
