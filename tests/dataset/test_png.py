# SPDX-License-Identifier: GPL-3.0-or-later
"""PNG: what is written is read back, by us and by others; what is not whole is found."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from ningyo.synth_data.dataset.png import (
    ANYTHING,
    DRAWN,
    IDS,
    SIGNATURE,
    VALUES,
    PngError,
    chunks,
    decode_png,
    encode_png,
    strip_png,
    text_at_end,
    with_text,
)


def smooth(channels: int, dtype: type = np.uint8, height: int = 19, width: int = 23) -> np.ndarray:
    """A picture on which every kind of row filter is of use."""
    y, x, c = np.mgrid[:height, :width, :channels]
    top = np.iinfo(dtype).max
    return ((x * 7 + y * 5 + x * y + 40 * c) % (top + 1)).astype(dtype)


@pytest.mark.parametrize("how", [ANYTHING, DRAWN, IDS, VALUES])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_written_and_read_back(channels, dtype, how):
    picture = smooth(channels, dtype)
    data = encode_png(picture, how)
    assert np.array_equal(decode_png(data), picture)
    assert encode_png(picture, how) == data


@pytest.mark.parametrize("how", [ANYTHING, DRAWN, IDS, VALUES])
@pytest.mark.parametrize("region", [(3, 4, 20, 11), (0, 0, 23, 19), (5, 0, 6, 19), (0, 18, 23, 19), (0, 0, 0, 0)])
def test_a_region_changes_no_byte(region, how):
    x0, y0, x1, y1 = region
    picture = np.zeros((19, 23, 3), np.uint16)
    picture[y0:y1, x0:x1] = smooth(3, np.uint16)[y0:y1, x0:x1]
    assert encode_png(picture, how, region) == encode_png(picture, how)


def test_grey_without_an_axis_for_channels():
    picture = smooth(1)
    assert encode_png(picture[..., 0]) == encode_png(picture)


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_another_reader_and_another_writer_agree(channels, mode):
    image = pytest.importorskip("PIL.Image")
    picture = smooth(channels, height=60, width=45)
    read = np.asarray(image.open(io.BytesIO(encode_png(picture))))
    assert np.array_equal(read.reshape(picture.shape), picture)
    written = io.BytesIO()
    image.fromarray(picture.squeeze(), mode).save(written, "png")
    assert np.array_equal(decode_png(written.getvalue()), picture)


@pytest.mark.parametrize("kind", range(5))
def test_each_row_filter(kind):
    """Filtered pixel by pixel as the specification has it, unfiltered by us."""
    picture = smooth(3).astype(np.int32)
    padded = np.pad(picture, ((1, 0), (1, 0), (0, 0)))
    left, up, corner = padded[1:, :-1], padded[:-1, 1:], padded[:-1, :-1]
    guess = left + up - corner
    distance = np.abs(np.stack([guess - left, guess - up, guess - corner]))
    paeth = np.choose(distance.argmin(axis=0), [left, up, corner])
    filtered = (picture - [0 * left, left, up, (left + up) // 2, paeth][kind]) % 256
    rows = np.concatenate([np.full((picture.shape[0], 1), kind), filtered.reshape(picture.shape[0], -1)], axis=1).astype(np.uint8)

    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", picture.shape[1], picture.shape[0], 8, 2, 0, 0, 0)
    data = SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows.tobytes())) + chunk(b"IEND", b"")
    assert np.array_equal(decode_png(data), picture)


def test_stripping_keeps_the_pixels_only():
    data = encode_png(smooth(4))
    text = b"Date\x002026"
    extra = struct.pack(">I", len(text)) + b"tEXt" + text + struct.pack(">I", zlib.crc32(b"tEXt" + text))
    end = data.rindex(b"IEND") - 4
    assert strip_png(data[:end] + extra + data[end:]) == data
    assert [name for name, _ in chunks(data)] == [b"IHDR", b"IDAT", b"IEND"]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda d: b"", "is empty"),
        (lambda d: b"GIF89a" + d, "is not a PNG"),
        (lambda d: d[:20], "is cut short"),
        (lambda d: d[:-1], "is cut short"),
        (lambda d: d[:60] + bytes([d[60] ^ 1]) + d[61:], "is damaged"),
        (lambda d: d + b"x", "has something after its end"),
    ],
)
def test_what_is_not_whole_is_named(spoil, words):
    with pytest.raises(PngError, match=words):
        strip_png(spoil(encode_png(smooth(4))))


def test_a_text_at_the_end_is_found_and_changes_no_pixel(tmp_path):
    picture = smooth(4)
    plain, path = encode_png(picture), tmp_path / "a é.png"
    path.write_bytes(with_text(plain, "made of", "this"))
    assert np.array_equal(decode_png(path.read_bytes()), picture)
    assert (b"tEXt", b"made of\0this") in chunks(path.read_bytes())
    assert strip_png(path.read_bytes()) == plain
    assert text_at_end(path, "made of", "this")
    for keyword, text in (("made of", "that"), ("made", "this"), ("made of", "this " * 500)):
        assert not text_at_end(path, keyword, text)
    path.write_bytes(path.read_bytes()[:-1])
    assert not text_at_end(path, "made of", "this"), "cut short"
    path.write_bytes(plain)
    assert not text_at_end(path, "made of", "this")
    assert not text_at_end(tmp_path / "nothing.png", "made of", "this")


def test_other_types_are_refused():
    with pytest.raises(ValueError, match="uint8 or uint16"):
        encode_png(np.zeros((2, 2), np.float32))
