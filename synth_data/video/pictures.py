# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures: one alone, the pictures of an image sequence, and animated ones (GIF, APNG, WebP), by Pillow."""

from __future__ import annotations

import re
import struct
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from ...errors import UserError
from .animation import ANIMATIONS, Shown
from .source import MOST_PIXELS, Pending, VideoInfo, check_size, end_before, over_black

SEQUENCE_FPS = 25
SUFFIXES = {".png", ".apng", ".jpg", ".jpeg", ".jpe", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".jp2", ".pgm", ".ppm", ".pnm"}
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM")
# What a whole file of a format ends with; looked for near the end only, because some programs append things.
_TRAILERS = {"PNG": b"IEND", "JPEG": b"\xff\xd9", "MPO": b"\xff\xd9"}
_TAIL = 4096  # bytes
_SIDEWAYS = {5, 6, 7, 8}  # EXIF orientations that exchange width and height
# What Pillow's decoders raise of damaged files.
_DAMAGE = (OSError, EOFError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, RuntimeError, struct.error, zlib.error)
_PATTERN = re.compile(r"%(0\d+)?d")

# Sizes are checked here, and damage is told in a sentence.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def is_picture(path: Path) -> bool:
    """Whether the file's first bytes are those of a picture."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            return image.format != "AVIF" or not getattr(image, "is_animated", False)  # those are movies
    except Image.DecompressionBombError:
        return True
    except _DAMAGE:
        if path.suffix.lower() not in SUFFIXES:
            return False
        with open(path, "rb") as file:  # a broken one, unless it is one of the "GIFs" that are mp4 in truth
            return file.read(12)[4:8] != b"ftyp"


def is_sequence(path: Path) -> bool:
    """Whether the path means many pictures: a folder, or a printf pattern such as frames/%04d.png."""
    return path.is_dir() or (not path.exists() and _PATTERN.search(path.name) is not None)


def pictures_of(path: Path) -> list[Path]:
    """The pictures of a folder or pattern, in the natural order of the numbers in their names; hidden files and others are left out.

    UserError if there are none.
    """
    if path.is_dir():
        files = [file for file in path.iterdir() if file.suffix.lower() in SUFFIXES and not file.name.startswith(".") and file.is_file()]
        if not files:
            raise UserError(f"{path} is a folder without pictures; give a video file or a folder of pictures.")
        return sorted(files, key=lambda file: _natural(file.name))
    match = _PATTERN.search(path.name)
    digits = r"(\d+)" if match is None or not match[1] else rf"(\d{{{int(match[1])},}})"
    name = re.compile(digits.join(re.escape(part) for part in _split_once(path.name)))
    found = {}
    if path.parent.is_dir():
        found = {int(m[1]): file for file in path.parent.iterdir() if (m := name.fullmatch(file.name)) and file.is_file()}
    if not found:
        raise UserError(f"No picture is called like {path}; check the folder and the pattern.")
    return [found[number] for number in sorted(found)]


def stills_in(path: Path) -> list[Path]:
    """The pictures of a folder if they are single ones, of different sizes; empty for an image sequence."""
    if not path.is_dir():
        return []
    files = pictures_of(path)
    sizes = [_head(file)[0] for file in files]
    return files if _are_stills(files, sizes) else []


def probe_sequence(path: Path, fps: float | Fraction | None) -> VideoInfo:
    """What is known of an image sequence from its pictures' first and last bytes."""
    files = pictures_of(path)
    width, height, broken = _survey(path, files)
    rate = _rate(fps)
    cut_short = None if broken is None else _broken(files, *broken, rate)
    return VideoInfo(path, width, height, rate, float(len(files) / rate), len(files), False, cut_short)


def sequence(path: Path, end: float | None, fps: float | Fraction | None) -> Iterator[Pending]:
    """The pictures of a sequence as frames. UserError at once if one before `end` is broken or of another size."""
    files, rate = pictures_of(path), _rate(fps)
    width, height, broken = _survey(path, files)
    if broken is not None and (end is None or end > float(broken[0] / rate) + 1e-6):
        raise UserError(_broken(files, *broken, rate))

    def read(index: int) -> NDArray[Any]:
        try:
            rgb = read_picture(files[index])
        except UserError as error:
            raise UserError(_broken(files, index, _without_way_out(error), rate)) from error
        if rgb.shape != (height, width, 3):
            problem = f"{files[index]} is {rgb.shape[1]} × {rgb.shape[0]} pixels and the others are {width} × {height}"
            raise UserError(_broken(files, index, problem, rate))
        return rgb

    for index in range(len(files)):
        yield Pending(index, float(index / rate), float(1 / rate), partial(read, index))


def probe_picture(path: Path, fps: float | Fraction | None) -> VideoInfo:
    """What is known of one picture, still (one frame) or animated."""
    if (shown := _animation(path)) is None:
        rgb = read_picture(path)
        rate = _rate(fps)
        return VideoInfo(path, rgb.shape[1], rgb.shape[0], rate, float(1 / rate), 1, False)
    with _opened(path) as image:
        width, height = image.size
        _to_rgb(image)
    if not shown.seconds:
        raise UserError(f"{path} is cut short: not one of its pictures is whole; copy or download it again.")
    duration = sum(shown.seconds)
    rate = Fraction(len(shown.seconds) / duration).limit_denominator(1001)
    cut_short = None if shown.is_whole else _animation_cut_short(path, shown)
    return VideoInfo(path, width, height, rate, duration, len(shown.seconds), False, cut_short)


def frames(path: Path, end: float | None, fps: float | Fraction | None) -> Iterator[Pending]:
    """The frames of one picture: one, or an animation's. UserError at once if it is cut short before `end`."""
    if (shown := _animation(path)) is None:
        yield Pending(0, 0.0, float(1 / _rate(fps)), partial(read_picture, path))
        return
    if not shown.is_whole and (end is None or end > sum(shown.seconds) + 1e-6):
        raise UserError(_animation_cut_short(path, shown))
    time = 0.0
    with _opened(path) as image:
        for index, seconds in enumerate(shown.seconds):
            try:
                image.seek(index + shown.skipped)
                image.load()
            except _DAMAGE as error:
                raise UserError(f"{path} breaks off at frame {index}; copy or download it again{end_before(time)}.") from error
            yield Pending(index, time, seconds, partial(_to_rgb, image.copy()))  # the next is drawn over this one
            time += seconds


def read_picture(path: Path) -> NDArray[Any]:
    """(H, W, 3) uint8: upright by its EXIF orientation, over black where transparent, 16 bits a channel brought to 8."""
    with _opened(path) as image:
        return _to_rgb(ImageOps.exif_transpose(image))


def _to_rgb(image: Image.Image) -> NDArray[Any]:
    if image.mode.startswith("I"):  # 16 bits of grey
        grey = np.asarray(image).astype(np.int64)
        return np.repeat(np.clip((grey + 128) // 257, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    if image.mode == "F":
        grey = np.clip(np.nan_to_num(np.asarray(image)), 0, 1)
        return np.repeat(np.rint(grey * 255).astype(np.uint8)[..., None], 3, axis=2)
    if image.has_transparency_data:
        return over_black(np.asarray(image.convert("RGBA")))
    return np.array(image.convert("RGB"))


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    if path.stat().st_size == 0:
        raise UserError(f"{path} is empty; copy or download it again.")
    try:
        with Image.open(path, formats=FORMATS) as image:
            check_size(path, *image.size)
            yield image
    except Image.DecompressionBombError as error:
        raise UserError(f"{path} claims to be a picture of more than {MOST_PIXELS} pixels; scale it down or choose another.") from error
    except PermissionError as error:
        raise UserError(f"{path} may not be read; change its permissions.") from error
    except UnidentifiedImageError as error:
        raise UserError(f"{path} is not a picture that can be read; convert it to PNG or leave it out.") from error
    except _DAMAGE as error:
        raise UserError(f"{path} is cut short or damaged ({_reason(error)}); copy or download it again.") from error


def _animation(path: Path) -> Shown | None:
    with open(path, "rb") as file:
        for starts, read in ANIMATIONS.items():
            file.seek(0)
            if file.read(len(starts)) == starts:
                try:
                    return read(path)
                except (struct.error, LookupError) as error:
                    raise UserError(f"{path} is cut short or damaged; copy or download it again.") from error
    return None


def _animation_cut_short(path: Path, shown: Shown) -> str:
    until = sum(shown.seconds)
    return f"{path} is cut short: it ends after frame {len(shown.seconds) - 1}; copy or download it again{end_before(until)}."


def _survey(path: Path, files: list[Path]) -> tuple[int, int, tuple[int, str] | None]:
    """The pictures' size as shown, and the first that is broken or of another size, with the reason. UserError if they are stills."""
    heads = [_head(file) for file in files]
    sizes = [size for size, _ in heads]
    if path.is_dir() and _are_stills(files, sizes):
        raise UserError(
            f"The pictures in {path} are of different sizes, so they are no image sequence; give them one by one, or make them one size."
        )
    known = Counter(size for size in sizes if size is not None)
    if not known:
        raise UserError(f"{heads[0][1]}, and no other picture in {path} can be read either; copy or download them again.")
    width, height = known.most_common(1)[0][0]
    for index, (size, problem) in enumerate(heads):
        if problem:
            return width, height, (index, problem)
        if size is not None and size != (width, height):
            return width, height, (index, f"{files[index]} is {size[0]} × {size[1]} pixels and the others are {width} × {height}")
    return width, height, None


def _broken(files: list[Path], index: int, problem: str, rate: Fraction) -> str:
    return f"Frame {index} of {len(files)} is wrong: {problem}; mend that file{end_before(float(index / rate))}."


def _head(file: Path) -> tuple[tuple[int, int] | None, str]:
    """A picture's size as shown and what is wrong with it, from its first and last bytes; only what looks wrong is decoded."""
    try:
        with _opened(file) as image:
            # PNG's own getexif would decode the picture to find what lies behind it.
            turned = Image.Image.getexif(image).get(ExifTags.Base.Orientation) in _SIDEWAYS
            width, height = image.size
            size = (height, width) if turned else (width, height)
            trailer = _TRAILERS.get(image.format or "")
        if trailer is None or trailer in _tail(file):
            return size, ""
    except UserError as error:
        return None, _without_way_out(error)
    try:
        read_picture(file)
    except UserError as error:
        return size, _without_way_out(error)
    return size, ""


def _tail(file: Path) -> bytes:
    with open(file, "rb") as opened:
        opened.seek(max(file.stat().st_size - _TAIL, 0))
        return opened.read()


def _are_stills(files: list[Path], sizes: list[tuple[int, int] | None]) -> bool:
    """Whether pictures of different sizes are single ones, and not a sequence with something wrong in it.

    A sequence's names differ in nothing but a number that counts up by one, and most of its pictures have one size.
    """
    known = Counter(size for size in sizes if size is not None)
    if len(known) < 2:
        return False
    stems = [re.split(r"(\d+)(?=\D*$)", file.name) for file in files]
    counts_up = all(len(stem) == 3 and (stem[0], stem[2]) == (stems[0][0], stems[0][2]) for stem in stems) and all(
        int(b[1]) - int(a[1]) == 1 for a, b in pairwise(stems)
    )
    return not (counts_up and known.most_common(1)[0][1] > len(files) / 2)


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Sorts frame2 before frame10."""
    return [(0, int(part), part) if part.isdigit() else (1, 0, part.lower()) for part in re.split(r"(\d+)", name) if part]


def _split_once(name: str) -> tuple[str, str]:
    match = _PATTERN.search(name)
    assert match is not None
    return name[: match.start()], name[match.end() :]


def _rate(fps: float | Fraction | None) -> Fraction:
    return Fraction(SEQUENCE_FPS) if fps is None else Fraction(fps).limit_denominator(1001)


def _without_way_out(error: UserError) -> str:
    return str(error).rsplit("; ", 1)[0]


def _reason(error: Exception) -> str:
    return str(error).split("\n")[0].split(":")[0].strip().rstrip(".").lower() or "it ends too early"
