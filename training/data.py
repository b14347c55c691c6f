# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs from a dataset folder: conditioning drawn from the stored joints, pictures premultiplied, in batches that depend on (seed,
step) alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ..errors import UserError
from ..synth_data.dataset.folder import IMAGE, Dataset, Sample
from ..synth_data.pose.conditioning import PACKED, RASTERISER_VERSION, draw_packed
from ..synth_data.retarget.rig import Rig
from .networks import HEAD, MULTIPLE, RGBA
from .presets import Preset


def open_dataset(path: Path | str) -> Dataset:
    """The dataset, checked to be one that a generator can be trained or measured on. Raises UserError."""
    dataset = Dataset.open(path)
    width, height = dataset.size
    if dataset.header.get("rasteriser") != RASTERISER_VERSION:
        raise UserError(f"{path} was made with another version of the skeleton rasteriser; render it again with this Ningyo.")
    if width != height or width % MULTIPLE:
        raise UserError(f"{path} has pictures of {width}×{height}; render squares whose side is a multiple of {MULTIPLE} (--size 256).")
    if dataset.header.get("background"):
        raise UserError(f"{path} has painted backgrounds, and a model learns transparent pictures; render it again without a background.")
    if len(dataset.header["characters"]) != 1:
        raise UserError(f"{path} holds several characters and a model learns one; render one character into a folder of its own.")
    return dataset


class Pairs:
    """Samples of one split as arrays. What was drawn once is kept in a file that has no name, so memory does not grow and nothing is
    left behind, however the process ends.
    """

    def __init__(self, dataset: Dataset, split: str, cache_folder: Path) -> None:
        self.dataset, self.samples = dataset, dataset.by_split[split]
        self.size = dataset.size[0]
        self.character: str = next(iter(dataset.header["characters"]))
        self.height = float(Rig.load(dataset.rig_path(self.character)).height)
        shape = (len(self.samples), self.size, self.size, PACKED + RGBA)
        self._filled = np.zeros(len(self.samples), bool)
        self._file = tempfile.TemporaryFile(dir=cache_folder)
        self._cache = np.memmap(self._file, np.uint8, "w+", shape=shape) if self.samples else np.empty(shape, np.uint8)

    def __len__(self) -> int:
        return len(self.samples)

    def pair(self, index: int) -> NDArray[np.uint8]:
        """(H, W, PACKED + 4): packed conditioning, then premultiplied RGBA."""
        if not self._filled[index]:
            sample = self.samples[index]
            pose = self.dataset.pose(sample)
            self._cache[index, ..., :PACKED] = draw_packed(pose.points_camera, pose.K, self.size, self.height)
            self._cache[index, ..., PACKED:] = premultiplied(read_rgba(self.dataset.file(sample, IMAGE), self.size))
            self._filled[index] = True
        return self._cache[index]

    def batch(self, indices: NDArray[np.int64], corners: NDArray[np.int64] | None = None, side: int | None = None) -> tuple[Tensor, Tensor]:
        """Packed conditioning (B, PACKED, side, side) and premultiplied RGBA (B, 4, side, side), uint8, channels last in memory.

        `corners` (B, 2) are where the windows begin, x and y in px, the same for both sides of a pair; what lies outside the picture
        is empty.
        """
        side = self.size if side is None else side
        out = np.zeros((len(indices), side, side, PACKED + RGBA), np.uint8)
        out[..., 1:PACKED] = 128  # the packed form of 0
        for i, index in enumerate(indices):
            x, y = (0, 0) if corners is None else (int(v) for v in corners[i])
            to_x, from_x = _overlap(x, side, self.size)
            to_y, from_y = _overlap(y, side, self.size)
            out[i, to_y, to_x] = self.pair(int(index))[from_y, from_x]
        tensor = torch.from_numpy(out).permute(0, 3, 1, 2)
        return tensor[:, :PACKED], tensor[:, PACKED:]


class Sampler:
    """The batches of a training, endless: every epoch in a new order, each a function of (seed, step, progress). Resuming is
    starting at a step.

    Until `preset.windows_until` of the training pictures are seen through windows of half their side, half of them around the head:
    most of a picture is background, and a step on a quarter of the pixels is four times as fast. Then whole pictures, shifted a
    little, so that the network is used as it was trained. The next batch is made while the current one is learnt from;
    `progress_at(step)` says how far the training will be then.
    """

    def __init__(self, pairs: Pairs, preset: Preset, seed: int, progress_at: Callable[[int], float], start: int = 0) -> None:
        self.pairs, self.preset, self.seed, self.step = pairs, preset, seed, start
        self._progress_at = progress_at
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._next = self._pool.submit(self._make, start, progress_at(start))

    def __next__(self) -> tuple[Tensor, Tensor]:
        batch = self._next.result()
        self.step += 1
        self._next = self._pool.submit(self._make, self.step, self._progress_at(self.step))
        return batch

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _make(self, step: int, progress: float) -> tuple[Tensor, Tensor]:
        count, batch, size = len(self.pairs), self.preset.batch, self.pairs.size
        positions = range(step * batch, (step + 1) * batch)
        indices = np.array([_order(self.seed, p // count, count)[p % count] for p in positions])
        rng = np.random.default_rng((self.seed, 1, step))
        window = min(max(round(size / 2 / MULTIPLE) * MULTIPLE, 2 * MULTIPLE), size)
        if progress < self.preset.windows_until and window < size:
            return self.pairs.batch(indices, np.array([self._corner(int(index), window, rng) for index in indices]), window)
        reach = int(self.preset.shift * size)
        return self.pairs.batch(indices, rng.integers(-reach, reach + 1, (batch, 2)))

    def _corner(self, index: int, window: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Of a window around the head, or around any pixel of the figure, not quite in its middle."""
        parts = self.pairs.pair(index)[..., 0]
        rows, columns = np.nonzero(parts == HEAD)
        if len(rows) == 0 or rng.random() < 0.5:
            rows, columns = np.nonzero(parts)
        if len(rows) == 0:
            return rng.integers(0, self.pairs.size - window + 1, 2)
        middle = rng.integers(len(rows))
        return np.array([columns[middle], rows[middle]]) - window // 2 + rng.integers(-window // 4, window // 4 + 1, 2)


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, 0, epoch)).permutation(count)


def _overlap(corner: int, side: int, size: int) -> tuple[slice, slice]:
    """Of a window that begins at `corner`: which of its pixels lie in the picture, and which of the picture's they are (one axis)."""
    start, stop = max(corner, 0), min(corner + side, size)
    if start >= stop:
        return slice(0, 0), slice(0, 0)
    return slice(start - corner, stop - corner), slice(start, stop)


def read_rgba(path: Path, size: int) -> NDArray[np.uint8]:
    """(size, size, 4) straight alpha. Raises UserError for a picture that is missing, damaged or of another size."""
    try:
        with Image.open(path) as image:
            picture = np.asarray(image.convert("RGBA"))
    except (OSError, SyntaxError, ValueError) as error:  # Pillow's errors for broken PNGs
        raise UserError(f"{path} is missing or damaged; run the same `ningyo render` command again to mend it.") from error
    if picture.shape != (size, size, RGBA):
        raise UserError(f"{path} is not {size}×{size} as its dataset says; render the dataset again.")
    return picture


def premultiplied(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Straight → premultiplied alpha, (…, 4) uint8."""
    alpha = rgba[..., 3:].astype(np.uint16)
    return np.concatenate([((rgba[..., :3] * alpha + 127) // 255).astype(np.uint8), rgba[..., 3:]], -1)


def straight(rgba: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Premultiplied float (…, 4) in 0…1 → straight uint8."""
    alpha = rgba[..., 3:]
    colour = np.divide(rgba[..., :3], alpha, out=np.zeros_like(rgba[..., :3]), where=alpha > 1e-3)
    return np.rint(np.clip(np.concatenate([colour, alpha], -1), 0, 1) * 255).astype(np.uint8)


def skeleton_points(dataset: Dataset, sample: Sample) -> NDArray[np.float64]:
    return dataset.pose(sample).skeleton_points()
