# SPDX-License-Identifier: GPL-3.0-or-later
"""What is broken ends in one sentence that names the frame or the reason, and at the start where that is possible."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("av")

from ningyo.errors import UserError
from ningyo.synth_data.video.read import probe, read_frames
from PIL import Image

NOISE = np.random.default_rng(0).integers(0, 255, (30, 40, 3), np.uint8)


def pictures(folder: Path, count: int = 8) -> list[Path]:
    folder.mkdir()
    files = [folder / f"f{index:03d}.png" for index in range(count)]
    for index, file in enumerate(files):
        Image.fromarray(np.roll(NOISE, index, axis=0)).save(file)
    return files


def empty(tmp_path: Path, _: Callable[..., Path]) -> Path:
    (tmp_path / "a.mp4").touch()
    return tmp_path / "a.mp4"


def text(tmp_path: Path, _: Callable[..., Path]) -> Path:
    (tmp_path / "a.mp4").write_text("a letter to a friend\n" * 50)
    return tmp_path / "a.mp4"


def half(path: Path) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    return path


def scrambled(path: Path) -> Path:
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4000] = np.random.default_rng(1).bytes(4000)
    path.write_bytes(data)
    return path


def of_noise(make: Callable[..., Path], name: str, **options) -> Path:
    return make(name, size=(160, 120), frames=60, noise=True, **options)


def sound_only(_: Path, make: Callable[..., Path]) -> Path:
    return make("a.mp4", frames=0, sound=1.2)


def no_frames(tmp_path: Path, _: Callable[..., Path]) -> Path:
    import av

    path = tmp_path / "a.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()
    return path


def wrong_size(tmp_path: Path, _: Callable[..., Path]) -> Path:
    Image.fromarray(NOISE[:20]).save(pictures(tmp_path / "s")[5])
    return tmp_path / "s"


def cut_png(tmp_path: Path, _: Callable[..., Path]) -> Path:
    half(pictures(tmp_path / "s")[5])
    return tmp_path / "s"


def text_in_sequence(tmp_path: Path, _: Callable[..., Path]) -> Path:
    pictures(tmp_path / "s")[5].write_text("no picture")
    return tmp_path / "s"


def scrambled_png(tmp_path: Path, _: Callable[..., Path]) -> Path:
    file = pictures(tmp_path / "s")[5]
    data = bytearray(file.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 50] = bytes(50)
    file.write_bytes(data)
    return tmp_path / "s"


def folder_without_pictures(tmp_path: Path, _: Callable[..., Path]) -> Path:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "notes.txt").write_text("notes")
    return tmp_path / "s"


def animation(path: Path, **options) -> Path:
    images = [Image.fromarray(np.roll(NOISE, index, axis=0)) for index in range(8)]
    images[0].save(path, save_all=True, append_images=images[1:], duration=200, **options)
    return half(path)


def huge_png(tmp_path: Path, _: Callable[..., Path]) -> Path:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", 2_000_000, 2_000_000, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(b"\0" * 100)), chunk(b"IEND", b""))
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return tmp_path / "a.png"


def huge_movie(tmp_path: Path, make: Callable[..., Path]) -> Path:
    """Matroska's PixelWidth and PixelHeight (B0, BA), 2 bytes each, set to 65 000."""
    path = make("a.mkv", size=(320, 258), codec="ffv1", frames=2)
    data = path.read_bytes()
    changed = data.replace(b"\xb0\x82\x01\x40", b"\xb0\x82\xfd\xe8").replace(b"\xba\x82\x01\x02", b"\xba\x82\xfd\xe8")
    assert changed != data
    path.write_bytes(changed)
    return path


FAST_START = {"movflags": "+faststart"}
# What is broken, the words that are said of it, and whether it can be known before the work begins.
BROKEN: dict[str, tuple[Callable[[Path, Callable[..., Path]], Path], str, bool]] = {
    "empty": (empty, "is empty", True),
    "text": (text, "is not a video", True),
    "mp4, index at the end": (lambda _, make: half(of_noise(make, "a.mp4")), "cut short: its index", True),
    "mp4, index in front": (
        lambda _, make: half(of_noise(make, "a.mp4", options={"movflags": "+faststart"})),
        "cut short: its picture",
        True,
    ),
    "avi": (lambda _, make: half(of_noise(make, "a.avi", codec="mpeg4")), "cut short: its picture ends at 1", True),
    "mkv": (lambda _, make: half(of_noise(make, "a.mkv")), "cut short: its picture ends at 1", True),
    "scrambled mp4": (lambda _, make: scrambled(of_noise(make, "a.mp4")), r"(breaks off|damaged) at frame (2\d|3\d)", False),
    "scrambled mkv": (lambda _, make: scrambled(of_noise(make, "a.mkv")), r"(breaks off|damaged) (at|after) frame (2\d|3\d)", False),
    "scrambled avi": (lambda _, make: scrambled(of_noise(make, "a.avi", codec="mpeg4")), r"(breaks off|damaged) at frame (2\d|3\d)", False),
    "sound only": (sound_only, "no picture", True),
    "no frames": (no_frames, "no picture", True),
    "wrong size in a sequence": (wrong_size, r"Frame 5 .*f005.png is 40 × 20 .*--end 0\.2", True),
    "PNG cut short in a sequence": (cut_png, r"Frame 5 .*f005.png is cut short.*--end 0\.2", True),
    "text in a sequence": (text_in_sequence, r"Frame 5 .*f005.png is not a picture", True),
    "PNG scrambled in a sequence": (scrambled_png, r"Frame 5 .*f005.png is cut short or damaged", False),
    "folder without pictures": (folder_without_pictures, "without pictures", True),
    "gif": (lambda path, _: animation(path / "a.gif"), r"cut short: it ends after frame [34]; .*--end 0\.[89]|1\.0", True),
    "webp": (lambda path, _: animation(path / "a.webp", lossless=True), "is cut short", True),
    "apng": (lambda path, _: animation(path / "a.png"), r"cut short: it ends after frame \d", True),
    "huge picture": (huge_png, "claims", True),
    "huge movie": (huge_movie, "claims pictures|breaks off at frame 0", True),
}


def said_beforehand(path: Path) -> str | None:
    try:
        return probe(path).cut_short
    except UserError as error:
        return str(error)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", BROKEN)
def test_one_sentence(tmp_path: Path, make_movie, kind):
    make, words, is_known_before = BROKEN[kind]
    path = make(tmp_path, make_movie)
    seen = []
    with pytest.raises(UserError, match=words) as error:
        seen.extend(read_frames(path))
    message = str(error.value)
    assert "\n" not in message
    assert message.endswith(".")
    if is_known_before:
        assert not seen
        assert said_beforehand(path) == message
    else:
        assert seen
        assert probe(path).cut_short is None
    if "--end " in message:  # the way out that is offered leads out
        end = float(message.split("--end ")[1].split(" ")[0])
        frames = list(read_frames(path, end=end))
        assert frames
        assert frames[-1].time < end
