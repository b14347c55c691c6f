# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures, image sequences and animations are sources like movies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("av")

from ningyo.errors import UserError
from ningyo.synth_data.video.read import hash_source, probe, read_frames, stills_in
from PIL import Image


def save(path: Path, value: int = 100, size: tuple[int, int] = (40, 30)) -> Path:
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB", size, (value, 0, 0)).save(path)
    return path


def values(path: Path, *args, **kwargs) -> list[int]:
    return [int(frame.rgb[2, 2, 0]) for frame in read_frames(path, *args, **kwargs)]


def test_a_sequence_in_the_order_of_its_numbers(tmp_path: Path):
    folder = tmp_path / "frames"
    for number in (1, 2, 9, 10, 11, 100):
        save(folder / f"f{number}.png", number)
    (folder / "notes.txt").write_text("about the pictures")
    save(folder / ".f3.png", 3)
    (folder / "more").mkdir()
    assert values(folder) == [1, 2, 9, 10, 11, 100]
    info = probe(folder)
    assert (info.width, info.height, info.fps, info.frame_count, info.duration) == (40, 30, 25, 6, 0.24)
    assert (info.has_audio, info.cut_short, stills_in(folder)) == (False, None, [])
    frames = list(read_frames(folder, fps=10))
    assert [frame.time for frame in frames] == pytest.approx([k / 10 for k in range(6)])
    assert [frame.index for frame in read_frames(folder, 0.2, 0.4, fps=10)] == [2, 3]
    assert probe(folder, 10).duration == pytest.approx(0.6)
    assert float(probe(folder, 29.97002997).fps) == pytest.approx(30000 / 1001)


def test_a_pattern(tmp_path: Path):
    for number in (7, 8, 10):
        save(tmp_path / f"a_{number:04d}.png", number)
    save(tmp_path / "b_0009.png", 9)
    pattern = tmp_path / "a_%04d.png"
    assert values(pattern) == [7, 8, 10]
    assert probe(pattern).frame_count == 3
    assert hash_source(pattern) != hash_source(tmp_path)
    with pytest.raises(UserError, match="No picture is called like"):
        probe(tmp_path / "c_%04d.png")


def test_the_hash_is_over_names_and_contents(tmp_path: Path):
    a, b = save(tmp_path / "s" / "1.png", 1), save(tmp_path / "s" / "2.png", 2)
    first = hash_source(tmp_path / "s")
    (tmp_path / "s" / "Thumbs.db").write_text("junk")
    assert hash_source(tmp_path / "s") == first
    b.rename(tmp_path / "s" / "3.png")
    assert hash_source(tmp_path / "s") != first
    (tmp_path / "s" / "3.png").rename(b)
    save(a, 9)
    assert hash_source(tmp_path / "s") != first


def test_pictures_of_different_sizes_are_stills(tmp_path: Path):
    folder = tmp_path / "photos"
    files = [save(folder / "beach.png", size=(40, 30)), save(folder / "house.png", size=(30, 40)), save(folder / "man.png")]
    assert stills_in(folder) == files
    for call in (probe, lambda path: list(read_frames(path))):
        with pytest.raises(UserError, match=r"different sizes.* one by one"):
            call(folder)
    assert probe(files[1]).width == 30


def test_one_picture(tmp_path: Path):
    path = save(tmp_path / "a.jpg", 250, (33, 21))
    info = probe(path)
    assert (info.width, info.height, info.frame_count, info.duration) == (33, 21, 1, 0.04)
    (frame,) = read_frames(path)
    assert (frame.index, frame.time, frame.rgb.shape, frame.rgb.dtype) == (0, 0.0, (21, 33, 3), np.uint8)
    (tmp_path / "without_suffix").write_bytes(path.read_bytes())
    assert probe(tmp_path / "without_suffix").width == 33


@pytest.mark.parametrize("folder", [False, True])
def test_exif_orientation(tmp_path: Path, folder):
    image = Image.new("RGB", (40, 20))
    image.paste((255, 0, 0), (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    path = tmp_path / "a.png"
    image.save(path, exif=exif)
    source = tmp_path if folder else path
    assert (probe(source).width, probe(source).height) == (20, 40)
    rgb = next(read_frames(source)).rgb
    assert rgb[:20].mean(axis=(0, 1)).tolist() == [255, 0, 0]
    assert rgb[20:].max() == 0


def grey16() -> np.ndarray:
    return np.full((8, 8), 128 * 257, np.uint16)


@pytest.mark.parametrize(
    ("name", "image", "expected"),
    [
        ("grey.png", lambda: Image.new("L", (8, 8), 128), (128, 128, 128)),
        ("grey16.png", lambda: Image.fromarray(grey16()), (128, 128, 128)),
        ("grey16.tif", lambda: Image.fromarray(grey16()), (128, 128, 128)),
        ("bits.png", lambda: Image.new("1", (8, 8), 1), (255, 255, 255)),
        ("alpha.png", lambda: Image.new("RGBA", (8, 8), (200, 100, 50, 128)), (100, 50, 25)),
        ("grey_alpha.png", lambda: Image.new("LA", (8, 8), (200, 128)), (100, 100, 100)),
        ("palette.png", lambda: Image.new("RGB", (8, 8), (200, 100, 50)).quantize(4), (200, 100, 50)),
        ("cmyk.jpg", lambda: Image.new("CMYK", (8, 8), (0, 255, 255, 0)), (254, 0, 0)),
        ("clear.webp", lambda: Image.new("RGBA", (8, 8), (200, 100, 50, 0)), (0, 0, 0)),
        ("float.tif", lambda: Image.fromarray(np.full((8, 8), 0.5, np.float32)), (128, 128, 128)),
        ("a.bmp", lambda: Image.new("RGB", (8, 8), (1, 2, 3)), (1, 2, 3)),
        ("a.avif", lambda: Image.new("RGB", (8, 8), (200, 200, 200)), (200, 200, 200)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_kinds_of_picture(tmp_path: Path, name, image, expected):
    image().save(tmp_path / name)
    (frame,) = read_frames(tmp_path / name)
    assert frame.rgb[4, 4].tolist() == pytest.approx(expected, abs=3)


def test_sixteen_bits_of_colour(tmp_path: Path):
    import av

    frame = av.VideoFrame.from_ndarray(np.full((8, 8, 3), (200 * 257, 100 * 257, 50 * 257), np.uint16), format="rgb48le")
    codec = av.CodecContext.create("png", "w")
    codec.width, codec.height, codec.pix_fmt, codec.time_base = 8, 8, "rgb48be", 1
    (tmp_path / "a.png").write_bytes(b"".join(bytes(p) for p in codec.encode(frame.reformat(format="rgb48be")) + codec.encode(None)))
    assert next(read_frames(tmp_path / "a.png")).rgb[4, 4].tolist() == pytest.approx((200, 100, 50), abs=1)


def animation(path: Path, clear: bool = False) -> Path:
    pictures = []
    for index in range(6):
        image = Image.new("RGBA", (33, 21), (40 * index, 0, 0, 255))
        image.paste((200, 200, 200, 0 if clear else 255), (16, 0, 33, 21))
        image.putpixel((0, 0), (index, 255, 0, 255))  # so that no two are alike
        pictures.append(image)
    extra = {"lossless": True} if path.suffix == ".webp" else {}
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=[100, 100, 200, 50, 100, 100], loop=0, disposal=1, **extra)
    return path


@pytest.mark.parametrize("clear", [False, True])
@pytest.mark.parametrize("suffix", ["gif", "png", "webp"])
def test_animations(tmp_path: Path, suffix, clear):
    path = tmp_path / f"a.{suffix}"
    if suffix == "webp":
        pytest.importorskip("PIL.WebPImagePlugin")
    animation(path, clear) if suffix != "webp" else animation_webp(path, clear)
    info = probe(path)
    frames = list(read_frames(path))
    assert (info.width, info.height, info.frame_count, info.cut_short) == (33, 21, 6, None)
    assert info.duration == pytest.approx(0.65)
    assert [frame.time for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.4, 0.45, 0.55])
    assert [int(frame.rgb[10, 5, 0]) for frame in frames] == pytest.approx([0, 40, 80, 120, 160, 200], abs=8)
    assert frames[3].rgb[10, 25].tolist() == pytest.approx([0] * 3 if clear else [200] * 3, abs=8)
    assert [frame.index for frame in read_frames(path, 0.2, 0.5)] == [2, 3, 4]
    chosen = list(read_frames(path, fps=5))
    assert [frame.index for frame in chosen] == [0, 2, 3, 5]
    assert all((frame.rgb == frames[frame.index].rgb).all() for frame in chosen)


def animation_webp(path: Path, clear: bool) -> None:
    pictures = []
    for index in range(6):
        image = Image.new("RGBA", (33, 21), (40 * index, 0, 0, 255))
        image.paste((200, 200, 200, 0 if clear else 255), (16, 0, 33, 21))
        pictures.append(image)
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=[100, 100, 200, 50, 100, 100], lossless=True)


def test_a_gif_of_one_picture_is_a_picture(tmp_path: Path):
    save(tmp_path / "a.gif", 100)
    assert probe(tmp_path / "a.gif").frame_count == 1
    assert values(tmp_path / "a.gif") == [100]
