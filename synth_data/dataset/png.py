# SPDX-License-Identifier: GPL-3.0-or-later
"""PNG with the standard library and numpy: Blender's Python has no imaging library, and a dataset's bytes must not depend on one.

Format: W3C "Portable Network Graphics (PNG) Specification (Second Edition)", 2003.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_COLOUR_TYPE = {1: 0, 2: 4, 3: 2, 4: 6}  # channels → PNG's code: grey, grey + alpha, RGB, RGBA
Region = tuple[int, int, int, int]  # x0, y0, x1, y1 in px, the ends not included
_CHANNELS = {code: channels for channels, code in _COLOUR_TYPE.items()}


class PngError(ValueError):
    """What is wrong with a PNG, as the end of a sentence that begins with its name ("is cut short")."""


class How(NamedTuple):
    """`filter` of all rows (0: none, 2: up; None: of each row the best of none, sub and up), zlib's level and strategy."""

    filter: int | None
    level: int
    strategy: int


# Measured on rendered samples (benchmarks/README.md): per kind of content, what is small and costs little time.
ANYTHING = How(None, 6, zlib.Z_DEFAULT_STRATEGY)  # small; ten times the time of the others
DRAWN = How(0, 1, zlib.Z_DEFAULT_STRATEGY)  # areas of one colour
IDS = How(0, 1, zlib.Z_RLE)  # areas of one number
VALUES = How(2, 1, zlib.Z_RLE)  # what changes gently from pixel to pixel


def encode_png(image: npt.NDArray[Any], how: How = ANYTHING, region: Region | None = None) -> bytes:
    """`image` (H, W) or (H, W, 1…4), uint8 or uint16, as a PNG file. The same pixels give the same bytes.

    The best filter of a row is that with the least sum of absolute differences, as the specification advises. Outside of `region` all must
    be 0; the file is the same with and without it, and sooner made with it.
    """
    if image.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"a PNG holds uint8 or uint16, not {image.dtype}")
    if image.ndim == 2:
        image = image[..., None]
    height, width, channels = image.shape
    depth = image.dtype.itemsize * 8
    step = channels * depth // 8
    x0, y0, x1, y1 = (0, 0, width, height) if region is None else region
    x0, x1 = max(x0 - 1, 0), min(x1 + 1, width)  # a difference to the left reaches one pixel further
    y1 = min(y1 + 1, height)  # and one upwards one further down
    lines = np.zeros((height, 1 + width * step), np.uint8)
    if how.filter is not None:
        lines[:, 0] = how.filter
    if x1 > x0 and y1 > y0:
        part = image[y0:y1, x0:x1]
        rows = np.ascontiguousarray(part, ">u2" if depth == 16 else np.uint8).view(np.uint8).reshape(y1 - y0, -1)
        inside = lines[y0:y1, 1 + x0 * step : 1 + x1 * step]
        if how.filter is None:
            filtered = np.repeat(rows[None], 3, axis=0)
            filtered[1, :, step:] -= rows[:, :-step]
            filtered[2, 1:] -= rows[:-1]
            cost = np.abs(filtered.view(np.int8).astype(np.int16)).sum(axis=2, dtype=np.int64)
            best = cost.argmin(axis=0)
            lines[y0:y1, 0] = best
            inside[:] = filtered[best, np.arange(y1 - y0)]
        else:
            inside[:] = rows
            if how.filter == 2:
                inside[1:] -= rows[:-1]
    header = struct.pack(">IIBBBBB", width, height, depth, _COLOUR_TYPE[channels], 0, 0, 0)
    packer = zlib.compressobj(how.level, strategy=how.strategy)
    data = packer.compress(lines.tobytes()) + packer.flush()
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """(kind, content) of a PNG's chunks. Raises PngError unless the file is whole, from its signature to IEND, by its checksums."""
    if not data.startswith(SIGNATURE):
        raise PngError("is empty" if not data else "is not a PNG")
    found: list[tuple[bytes, bytes]] = []
    offset = len(SIGNATURE)
    while not found or found[-1][0] != b"IEND":
        if offset + 12 > len(data):
            raise PngError("is cut short")
        (length,) = struct.unpack_from(">I", data, offset)
        kind, end = data[offset + 4 : offset + 8], offset + 12 + length
        if end > len(data):
            raise PngError("is cut short")
        if struct.unpack_from(">I", data, end - 4)[0] != zlib.crc32(data[offset + 4 : end - 4]):
            raise PngError("is damaged")
        found.append((kind, data[offset + 8 : end - 4]))
        offset = end
    if offset != len(data):
        raise PngError("has something after its end")
    return found


def with_text(png: bytes, keyword: str, text: str) -> bytes:
    """The same picture with a text, the last thing in the file. Both words are Latin-1."""
    end = _chunk(b"IEND", b"")
    return png.removesuffix(end) + _text_and_end(keyword, text)


def text_at_end(path: Path, keyword: str, text: str) -> bool:
    """Whether a file is there and ends with the text that `with_text` gave it; quick, as only its end is read."""
    end = _text_and_end(keyword, text)
    try:
        with open(path, "rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - len(end), 0))
            return file.read() == end
    except FileNotFoundError:
        return False


def _text_and_end(keyword: str, text: str) -> bytes:
    return _chunk(b"tEXt", f"{keyword}\0{text}".encode("latin-1")) + _chunk(b"IEND", b"")


def strip_png(data: bytes) -> bytes:
    """The same picture without texts and times, which differ from run to run. Raises PngError if it is not whole."""
    return SIGNATURE + b"".join(_chunk(kind, content) for kind, content in chunks(data) if kind in _KEPT)


def decode_png(data: bytes) -> npt.NDArray[Any]:
    """(H, W, channels) uint8 or uint16 of a grey, RGB or RGBA PNG that is not interlaced. Raises PngError for any other."""
    parts = chunks(data)
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", parts[0][1])
    if depth not in (8, 16) or colour not in _CHANNELS or interlaced:
        raise PngError("is a kind of PNG that Ningyo does not read")
    channels = _CHANNELS[colour]
    step = channels * depth // 8
    try:
        raw = zlib.decompress(b"".join(content for kind, content in parts if kind == b"IDAT"))
    except zlib.error as error:
        raise PngError("is damaged") from error
    if len(raw) != height * (1 + width * step):
        raise PngError("is damaged")
    lines = np.frombuffer(raw, np.uint8).reshape(height, 1 + width * step)
    rows = _unfilter(lines[:, 0], lines[:, 1:].reshape(height, width, step)).reshape(height, -1)
    return rows.view(">u2" if depth == 16 else np.uint8).reshape(height, width, channels).astype(np.uint16 if depth == 16 else np.uint8)


def _unfilter(kinds: npt.NDArray[np.uint8], lines: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Undo the row filters (H,) of `lines` (H, W, bytes a pixel)."""
    if kinds.size and kinds.max() > 4:
        raise PngError("is damaged")
    if kinds.size and kinds.max() > 2:
        return _unfilter_by_diagonals(kinds, lines)
    # Without the filters that mix left and up, as in all that `encode_png` writes, whole rows are sums modulo 256.
    out = lines.copy()
    left = kinds == 1
    out[left] = np.cumsum(out[left], axis=1, dtype=np.uint8)
    for y in np.flatnonzero(kinds == 2):
        if y:
            out[y] += out[y - 1]
    return out


def _unfilter_by_diagonals(kinds: npt.NDArray[np.uint8], lines: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """A byte depends on its left, upper and upper-left neighbours, so all pixels of one anti-diagonal can be had at once.

    The picture is sheared, so that a diagonal is a row and its neighbours are parts of the two rows before.
    """
    height, width, step = lines.shape
    sheared = np.zeros((height + width + 1, height + 1, step), np.int16)  # a border of zeros: two diagonals before, one row above
    y, x = np.mgrid[:height, :width]
    sheared[y + x + 2, y + 1] = lines
    use_left, use_up, mean, paeth = ((kinds == kind).astype(np.int16)[:, None] for kind in (1, 2, 3, 4))
    for diagonal in range(height + width - 1):
        part = slice(max(0, diagonal - width + 1), min(height, diagonal + 1))
        above, here = part, slice(part.start + 1, part.stop + 1)
        left, up, corner = sheared[diagonal + 1, here], sheared[diagonal + 1, above], sheared[diagonal, above]
        from_left, from_up = up - corner, left - corner  # how far the guess left + up − corner lies from left, and from up
        far_left, far_up, far_corner = np.abs(from_left), np.abs(from_up), np.abs(from_left + from_up)
        nearest = np.where((far_left <= far_up) & (far_left <= far_corner), left, np.where(far_up <= far_corner, up, corner))
        add = use_left[part] * left + use_up[part] * up + mean[part] * ((left + up) >> 1) + paeth[part] * nearest
        sheared[diagonal + 2, here] = (sheared[diagonal + 2, here] + add) & 255
    return sheared[y + x + 2, y + 1].astype(np.uint8)
