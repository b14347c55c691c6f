# SPDX-License-Identifier: GPL-3.0-or-later
"""What is behind a character: colours, or parts of pictures from a folder (bpy, which reads every kind of picture)."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import numpy.typing as npt

from ...errors import UserError
from .job import Background

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".tga")
_KEPT = 8  # pictures that are held in memory
_LEAST = 0.5  # of a picture's shorter side: the smallest part that is cut out


class Backgrounds:
    """Draws backgrounds as `background` says. Raises UserError when its folder has no pictures."""

    def __init__(self, background: Background) -> None:
        self._colours = [np.array(list(bytes.fromhex(colour)), np.uint8) for colour in background.colours]
        self._files: list[Path] = []
        if background.pictures is not None:
            folder = background.pictures
            if not folder.is_dir():
                raise UserError(f"There is no folder {folder} with pictures for the background; check the path.")
            self._files = sorted(file for file in folder.iterdir() if file.suffix.lower() in ENDINGS)
            if not self._files:
                raise UserError(f"The folder {folder} has no pictures for the background ({', '.join(ENDINGS)}); choose another.")
        self._open: OrderedDict[Path, npt.NDArray[np.uint8]] = OrderedDict()

    def draw(self, size: int, rng: np.random.Generator) -> npt.NDArray[np.uint8] | None:
        """A (size, size, 3) background; None for a transparent one. Raises UserError for a picture that cannot be read."""
        count = len(self._colours) + bool(self._files)
        if not count:
            return None
        which = int(rng.integers(count))
        if which < len(self._colours):
            return np.broadcast_to(self._colours[which], (size, size, 3))
        picture = self._picture(self._files[int(rng.integers(len(self._files)))])
        height, width = picture.shape[:2]
        side = max(round(min(height, width) * rng.uniform(_LEAST, 1)), 1)
        x, y = (int(rng.integers(whole - side + 1)) for whole in (width, height))
        return _resized(picture[y : y + side, x : x + side], size)

    def _picture(self, file: Path) -> npt.NDArray[np.uint8]:
        if file in self._open:
            self._open.move_to_end(file)
        else:
            self._open[file] = _read(file)
            if len(self._open) > _KEPT:
                self._open.popitem(last=False)
        return self._open[file]


def _read(file: Path) -> npt.NDArray[np.uint8]:
    """(H, W, 3) of a picture file, its transparency on white."""
    try:
        image: Any = bpy.data.images.load(str(file.absolute()))
    except RuntimeError as error:
        raise UserError(f"The background {file} cannot be read; take it out of the folder, or save it again.") from error
    try:
        image.colorspace_settings.name = "Non-Color"  # the values as they are in the file
        width, height = image.size
        if not width or not height:
            raise UserError(f"The background {file} cannot be read; take it out of the folder, or save it again.")
        pixels = np.empty(4 * width * height, np.float32)
        image.pixels.foreach_get(pixels)
    finally:
        bpy.data.images.remove(image)
    pixels = pixels.reshape(height, width, 4)[::-1]
    return np.rint(255 * np.clip(pixels[..., :3] * pixels[..., 3:] + 1 - pixels[..., 3:], 0, 1)).astype(np.uint8)


def _resized(picture: npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.uint8]:
    """A square picture at another size: each pixel the mean over its area (summed-area tables), or the nearest when it grows."""
    side = len(picture)
    edges = np.arange(size + 1) * side // size
    if side < size:
        return picture[edges[:-1]][:, edges[:-1]]
    sums = np.zeros((side + 1, side + 1, 3), np.int64)
    sums[1:, 1:] = picture.cumsum(0, dtype=np.int64).cumsum(1)
    corner = sums[edges][:, edges]
    total = corner[1:, 1:] - corner[:-1, 1:] - corner[1:, :-1] + corner[:-1, :-1]
    area = np.diff(edges)[:, None] * np.diff(edges)[None, :]
    return ((total + area[..., None] // 2) // area[..., None]).astype(np.uint8)
