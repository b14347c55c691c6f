# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs from a dataset folder: conditioning drawn from the stored joints, pictures premultiplied, in batches that depend on (seed,
step) alone.
"""

from __future__ import annotations

import tempfile
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
from .networks import MULTIPLE, RGBA


def open_dataset(path: Path | str) -> Dataset:
    """The dataset, checked to be one that a generator can be trained or measured on. Raises UserError."""
    dataset = Dataset.open(path)
    width, height = dataset.size
    if dataset.header.get("rasteriser") != RASTERISER_VERSION:
        raise UserError(f"{path} was made with another version of the skeleton rasteriser; render it again with this Ningyo.")
    if width != height or width % MULTIPLE:
        raise UserError(f"{path} has pictures of {width}×{height}; render squares whose side is a multiple of {MULTIPLE} (--size 256).")
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

    def batch(self, indices: NDArray[np.int64], shifts: NDArray[np.int64] | None = None) -> tuple[Tensor, Tensor]:
        """Packed conditioning (B, PACKED, H, W) and premultiplied RGBA (B, 4, H, W), uint8, channels last in memory.

        `shifts` (B, 2) moves both sides of a pair alike by whole pixels (right, down); what comes in is empty.
        """
        out = np.zeros((len(indices), self.size, self.size, PACKED + RGBA), np.uint8)
        out[..., 1:PACKED] = 128  # the packed form of 0
        for i, index in enumerate(indices):
            dx, dy = (0, 0) if shifts is None else (int(v) for v in shifts[i])
            to_x, from_x = _overlap(dx, self.size)
            to_y, from_y = _overlap(dy, self.size)
            out[i, to_y, to_x] = self.pair(int(index))[from_y, from_x]
        tensor = torch.from_numpy(out).permute(0, 3, 1, 2)
        return tensor[:, :PACKED], tensor[:, PACKED:]


class Sampler:
    """The batches of a training, endless: every epoch a new order, every picture a new shift, each a function of (seed, step).
    Resuming is starting at a step.
    The next batch is made while the current one is learnt from.
    """

    def __init__(self, pairs: Pairs, batch: int, shift: float, seed: int, start: int = 0) -> None:
        self.pairs, self.size, self.seed, self.step = pairs, batch, seed, start
        self.reach = int(shift * pairs.size)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._next = self._pool.submit(self._make, start)

    def __next__(self) -> tuple[Tensor, Tensor]:
        batch = self._next.result()
        self.step += 1
        self._next = self._pool.submit(self._make, self.step)
        return batch

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _make(self, step: int) -> tuple[Tensor, Tensor]:
        count = len(self.pairs)
        positions = range(step * self.size, (step + 1) * self.size)
        indices = np.array([_order(self.seed, p // count, count)[p % count] for p in positions])
        shifts = np.random.default_rng((self.seed, 1, step)).integers(-self.reach, self.reach + 1, (self.size, 2))
        return self.pairs.batch(indices, shifts)


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, 0, epoch)).permutation(count)


def _overlap(shift: int, size: int) -> tuple[slice, slice]:
    """Where to, and where from, along one axis."""
    return slice(max(shift, 0), size + min(shift, 0)), slice(max(-shift, 0), size - max(shift, 0))


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
