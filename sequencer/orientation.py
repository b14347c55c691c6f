# SPDX-License-Identifier: GPL-3.0-or-later
"""How a movie's pictures are turned for showing, as phones note it in the file, and what Blender leaves to be done of that. No Blender
in here."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

Matrix = tuple[tuple[int, int], tuple[int, int]]  # of image coordinates, y down
UPRIGHT: Matrix = ((1, 0), (0, 1))
QUARTER: Matrix = ((0, 1), (-1, 0))  # a quarter turn counter-clockwise
MIRROR: Matrix = ((-1, 0), (0, 1))
MOST_BYTES = 1 << 26  # of what a file says of its tracks; more is damaged


@dataclass(frozen=True)
class Orientation:
    """Turned by so many quarters counter-clockwise and then, if at all, mirrored left to right: the order in which Blender does both."""

    quarters: int = 0
    mirrored: bool = False

    @property
    def is_sideways(self) -> bool:
        return self.quarters % 2 == 1


def left_to_do(movie: Path, *, is_turned: bool) -> Orientation:
    """What makes Blender's picture of a movie the one that players show. `is_turned`: this Blender turns pictures itself (it mirrors none:
    a mirrored one it turns by where the file's matrix takes the x axis).
    """
    shown = turn_of(movie)
    (a, _), (b, _) = shown
    by_blender: Matrix = ((a, -b), (b, a)) if is_turned else UPRIGHT
    # The inverse of a turn is its transpose.
    rest = _times(shown, ((by_blender[0][0], by_blender[1][0]), (by_blender[0][1], by_blender[1][1])))
    mirrored = rest[0][0] * rest[1][1] - rest[0][1] * rest[1][0] < 0
    turned = _times(MIRROR, rest) if mirrored else rest
    quarters, so_far = 0, UPRIGHT
    while so_far != turned:
        quarters, so_far = quarters + 1, _times(QUARTER, so_far)
    return Orientation(quarters, mirrored)


def turn_of(movie: Path) -> Matrix:
    """The matrix in the header of an MP4 or MOV's video track, as a quarter turn or mirroring; upright where there is none."""
    try:
        with open(movie, "rb") as file:
            file.seek(0, 2)
            size, begin = file.tell(), 0
            while begin + 8 <= size:
                file.seek(begin)
                length, kind = struct.unpack(">I4s", file.read(8))
                head = 8
                if length == 1:
                    length, head = struct.unpack(">Q", file.read(8))[0], 16
                length = length or size - begin
                if kind == b"moov" and length <= MOST_BYTES:
                    return _turn_in(file.read(length - head))
                if length < head or (begin == 0 and not kind.isalpha()):
                    break  # another kind of file
                begin += length
    except (OSError, struct.error):
        pass
    return UPRIGHT


def _turn_in(moov: bytes) -> Matrix:
    for kind, track in _boxes(moov):
        if kind != b"trak":
            continue
        inside = dict(_boxes(track))
        handler = dict(_boxes(inside.get(b"mdia", b""))).get(b"hdlr", b"")
        header = inside.get(b"tkhd", b"")
        if handler[8:12] != b"vide" or not header:
            continue
        a, b, _, c, d = struct.unpack_from(">5i", header, 40 + 12 * (header[0] == 1))
        most = max(abs(a), abs(b), abs(c), abs(d), 1)
        a, b, c, d = (round(value / most) for value in (a, b, c, d))
        is_plain = abs(a * d - b * c) == 1 and (a == d == 0 or b == c == 0)
        return ((a, c), (b, d)) if is_plain else UPRIGHT
    return UPRIGHT


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    begin = 0
    while begin + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, begin)
        if length < 8:
            return
        yield kind, content[begin + 8 : begin + length]
        begin += length


def _times(one: Matrix, other: Matrix) -> Matrix:
    (a, b), (c, d) = one
    (e, f), (g, h) = other
    return (a * e + b * g, a * f + b * h), (c * e + d * g, c * f + d * h)
