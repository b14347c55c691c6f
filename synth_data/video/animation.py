# SPDX-License-Identifier: GPL-3.0-or-later
"""How long each picture of an animated GIF, APNG or WebP is shown, and whether its end is there, read from the file's blocks.

Sources: GIF89a (W3C), PNG third edition (W3C), WebP container specification (RFC 9649).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ...errors import UserError

# Browsers show pictures that ask for less than 20 ms for 100 ms, and animations are made for browsers.
LEAST, INSTEAD = 0.02, 0.1  # seconds


@dataclass(frozen=True)
class Shown:
    """Seconds each picture is shown, of the whole ones; `skipped` are pictures before the animation that do not belong to it."""

    seconds: list[float]
    is_whole: bool
    skipped: int = 0


def read_gif(path: Path) -> Shown | None:
    """None if there is but one picture."""
    seconds: list[float] = []
    delay, whole = 0.0, False
    with open(path, "rb") as file:
        head = file.read(13)
        if len(head) == 13 and head[10] & 0x80:
            _skip(file, 3 << (head[10] & 7) + 1)
        while kind := file.read(1):
            if kind == b";":
                whole = True
                break
            if kind == b"!":
                label = file.read(1)
                block = _sub_blocks(file)
                if block is None:
                    break
                if label == b"\xf9" and len(block) >= 4:
                    delay = int.from_bytes(block[1:3], "little") / 100
            elif kind == b",":
                place = file.read(9)
                if len(place) < 9:
                    break
                _skip(file, (3 << (place[8] & 7) + 1 if place[8] & 0x80 else 0) + 1)
                if _sub_blocks(file) is None:
                    break
                seconds.append(_shown(delay))
            else:
                break  # not a block: damaged from here on
    return None if whole and len(seconds) == 1 else Shown(seconds, whole)


def read_png(path: Path) -> Shown | None:
    """None if it is not animated."""
    seconds: list[float] = []
    delay: float | None = None
    animated = started = False
    whole, skipped, size = False, 0, path.stat().st_size
    with open(path, "rb") as file:
        file.seek(8)
        while len(head := file.read(8)) == 8:
            length, kind = int.from_bytes(head[:4], "big"), head[4:]
            if file.tell() + length + 4 > size:
                break
            if kind == b"IDAT" and not animated:
                return None
            if kind == b"IEND":
                whole = True
                break
            if kind == b"acTL":
                animated = True
            if kind in (b"fcTL", b"IDAT", b"fdAT"):
                if kind == b"fcTL":
                    if delay is not None and started:
                        seconds.append(delay)
                    over, under = struct.unpack(">HH", file.read(26)[20:24])
                    file.seek(-26, 1)
                    delay, started = _shown(over / (under or 100)), False
                elif delay is None:
                    skipped = 1  # for programs that know no animations
                else:
                    started = True
            file.seek(length + 4, 1)
    if whole and delay is not None and started:
        seconds.append(delay)
    return Shown(seconds, whole, skipped) if animated else None


def read_webp(path: Path) -> Shown | None:
    """None if it is not animated. UserError if it is cut short: its decoder gives no picture of such a file."""
    seconds: list[float] = []
    size = path.stat().st_size
    with open(path, "rb") as file:
        head = file.read(30)
        if head[8:16] != b"WEBPVP8X" or len(head) < 30 or not head[20] & 2:
            return None
        end = 8 + int.from_bytes(head[4:8], "little")
        if end > size:
            raise UserError(f"{path} is cut short; copy or download it again.")
        file.seek(12)
        while file.tell() < end and len(head := file.read(8)) == 8:
            length = int.from_bytes(head[4:], "little")
            length += length % 2
            after = file.tell() + length
            if head[:4] == b"ANMF":
                seconds.append(_shown(int.from_bytes(file.read(16)[12:15], "little") / 1000))
            file.seek(after)
    return Shown(seconds, True)


def _shown(delay: float) -> float:
    return INSTEAD if delay < LEAST - 1e-9 else delay


def _skip(file: BinaryIO, count: int) -> None:
    file.seek(count, 1)


def _sub_blocks(file: BinaryIO) -> bytes | None:
    """The first of a GIF's sub-blocks (the others are passed over), or None where the file ends before they do."""
    first: bytes | None = None
    while True:
        length = file.read(1)
        if not length:
            return None
        if length == b"\0":
            return first or b""
        block = file.read(length[0])
        if len(block) < length[0]:
            return None
        first = block if first is None else first


# A file's first bytes → what reads it.
ANIMATIONS: dict[bytes, Callable[[Path], Shown | None]] = {
    b"GIF8": read_gif,
    b"\x89PNG\r\n\x1a\n": read_png,
    b"RIFF": read_webp,
}
