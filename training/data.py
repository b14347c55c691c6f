# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs from a dataset folder: conditioning drawn from the stored joints, pictures premultiplied, in batches that depend on (seed,
step) alone.
"""

from __future__ import annotations

import itertools
import json
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ..errors import UserError, listed
from ..synth_data.dataset.folder import IMAGE, Dataset, Sample, is_next
from ..synth_data.dataset.sample import POINTS
from ..synth_data.pose.conditioning import RASTERISER_VERSION
from ..synth_data.pose.conditions import CAPSULES, Condition
from ..synth_data.pose.head import head_square
from ..synth_data.pose.noise import jittered
from ..synth_data.pose.transfer import FilmedTarget
from .batch import Batch, Poses
from .distributed import ALONE, World
from .networks import RGBA
from .presets import MULTIPLE, Preset
from .silhouette import margin
from .windows import corner_on_body, overlap, square_seen


def open_dataset(path: Path | str) -> Dataset:
    """The dataset, checked to be one that a generator can be trained or measured on. Raises UserError."""
    dataset = Dataset.open(path)
    width, height = dataset.size
    if dataset.header.get("rasteriser") != RASTERISER_VERSION:
        raise UserError(f"{path} was made with another version of the skeleton rasteriser; render it again with this Ningyo.")
    if width != height or width % MULTIPLE:
        raise UserError(f"{path} has pictures of {width}×{height}; make squares whose side is a multiple of {MULTIPLE} (--size 256).")
    if dataset.header.get("background"):
        raise UserError(f"{path} has painted backgrounds, and a model learns transparent pictures; render it again without a background.")
    if not dataset.header.get("characters"):
        raise UserError(f"{path} names no character; make the dataset again.")
    return dataset


def open_character(path: Path | str, character: str | None) -> Dataset:
    """What a dataset holds of one character (None: its only one), checked as by `open_dataset`. Raises UserError."""
    dataset = open_dataset(path)
    if character is None and len(dataset.characters) != 1:
        raise UserError(f"{path} holds several characters and a model learns one; say which one: {listed(dataset.characters)}.")
    dataset = dataset.of(dataset.character if character is None else character)
    if filmed_target(dataset) is None and not dataset.rig_path(dataset.character).is_file():
        raise UserError(f"{path} holds neither the rig of {dataset.character} nor how they were filmed; make the dataset again.")
    return dataset


def filmed_target(dataset: Dataset) -> FilmedTarget | None:
    """How the one person of the dataset was filmed; None where its pictures are renders. Raises UserError where that is said wrongly."""
    about = dataset.about(dataset.character)
    return FilmedTarget.from_json(about["filmed"], str(dataset.path)) if "filmed" in about else None


class Pairs:
    """Samples of one split as arrays; the dataset is of one character. Pictures once read are kept in a file that has no name, so memory
    grows by the joints alone and nothing is left behind, however the process ends.

    `drawing` is that of the conditioning, `margin` that of a Batch. `on_the_fly`: conditioning is not drawn here and kept with the
    pictures; batches have what it is drawn from, which only capsules can be (`training.raster.draw_windows`).
    """

    def __init__(
        self, dataset: Dataset, split: str, cache_folder: Path, drawing: Condition = CAPSULES, *, on_the_fly: bool = False
    ) -> None:  # fmt: skip
        assert drawing is CAPSULES or not on_the_fly
        self.dataset, self.samples = dataset, dataset.by_split[split]
        self.size = dataset.size[0]
        self.character = dataset.character
        self.height = dataset.height(self.character)
        self.margin = 0 if filmed_target(dataset) is None else margin(self.size)
        self.drawing, self.on_the_fly = drawing, on_the_fly
        self.packed = 0 if on_the_fly else drawing.packed
        count = len(self.samples)
        self._filled = np.zeros(count, bool)
        points = self.dataset.pose(self.samples[0]).drawn_points.shape if self.samples else (POINTS, 3)
        self._points, self._K = np.zeros((count, *points), np.float32), np.zeros((count, 3, 3), np.float32)
        self._heads = np.zeros((count, 3), np.float32)
        shape = (count, self.size, self.size, self.packed + RGBA)
        self._file = tempfile.TemporaryFile(dir=cache_folder)
        self._cache = np.memmap(self._file, np.uint8, "w+", shape=shape) if self.samples else np.empty(shape, np.uint8)

    def __len__(self) -> int:
        return len(self.samples)

    def pair(self, index: int) -> NDArray[np.uint8]:
        """(H, W, packed + 4): packed conditioning (no bytes where it is drawn on the fly), then premultiplied RGBA."""
        if not self._filled[index]:
            sample = self.samples[index]
            pose = self.dataset.pose(sample)
            if not self.on_the_fly:
                self._cache[index, ..., : self.packed] = self.drawing.draw(pose.drawn_points, pose.K, self.size, self.height)
            self._cache[index, ..., self.packed :] = premultiplied(read_rgba(self.dataset.file(sample, IMAGE), self.size))
            self._points[index], self._K[index] = pose.drawn_points, pose.K
            self._heads[index] = head_square(pose.points_camera, pose.K, self.height)
            self._filled[index] = True
        return self._cache[index]

    def joints(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(137 + 2·S, 3) camera-space metres, NaN unknown, and K (3, 3) in px of the whole picture."""
        self.pair(index)
        return self._points[index], self._K[index]

    def head(self, index: int) -> NDArray[np.float32]:
        """(3,) the square around the head: centre x, centre y and side in px; side 0: not seen."""
        self.pair(index)
        return self._heads[index]

    @cached_property
    def following(self) -> NDArray[np.int64]:
        """(N, 2) samples that show a moment of a clip and the next, through the same camera."""
        runs = consecutive(self.samples)
        return np.array([pair for run in runs for pair in itertools.pairwise(run)], np.int64).reshape(-1, 2)

    def batch(
        self, indices: NDArray[np.int64], corners: NDArray[np.int64] | None = None, side: int | None = None, points: NDArray | None = None
    ) -> tuple[Tensor | Poses, Tensor, Tensor]:
        """Packed conditioning (B, packed, side, side), or what it is drawn from, and premultiplied RGBA (B, 4, side, side), uint8, channels
        last in memory, and the heads' squares (B, 3) float32; those of which less than half is in the window have the side 0.

        `corners` (B, 2) are where the windows begin, x and y in px, the same for both sides of a pair; what lies outside the picture
        is empty. Of pictures without transparency nothing is known there, so windows are moved into them. `points` (B, 137 + 2·S, 3), where
        conditioning is drawn on the fly, are drawn instead of the samples' own.
        """
        assert self.on_the_fly or points is None
        side = self.size if side is None else side
        corners = np.zeros((len(indices), 2), np.int64) if corners is None else corners
        if self.margin:
            corners = corners.clip(0, self.size - side)
        out = np.zeros((len(indices), side, side, self.packed + RGBA), np.uint8)
        if not self.on_the_fly:
            out[..., : self.packed] = self.drawing.empty
        heads = np.zeros((len(indices), 3), np.float32)
        for i, index in enumerate(indices):
            x, y = (int(v) for v in corners[i])
            to_x, from_x = overlap(x, side, self.size)
            to_y, from_y = overlap(y, side, self.size)
            out[i, to_y, to_x] = self.pair(int(index))[from_y, from_x]
            square = self._heads[index] if points is None else head_square(points[i], self._K[index], self.height)
            heads[i] = square_seen(square - np.array([x, y, 0], np.float32), side)
        pictures = torch.from_numpy(out).permute(0, 3, 1, 2)
        conditioning, target = pictures[:, : self.packed], pictures[:, self.packed :]
        if self.on_the_fly:
            drawn = self._points[indices] if points is None else points.astype(np.float32)
            heights = torch.full((len(indices),), self.height)
            conditioning = Poses(torch.from_numpy(drawn), torch.from_numpy(self._K[indices]), heights, torch.from_numpy(corners), self.size)
        return conditioning, target, torch.from_numpy(heads)


def consecutive(samples: Iterable[Sample]) -> list[list[int]]:
    """Runs of samples that follow each other: frames of a clip, one after the other, through the same camera and in the same look.
    Indices, each run in order.

    Renders of training clips take another camera for every frame unless there is one camera without jitters; held-out clips always have
    such runs.
    """
    tracks: dict[tuple[Any, ...], list[tuple[float, int]]] = {}
    for i, sample in enumerate(samples):
        if not sample.variation:
            look, speed = json.dumps([sample.details.get(name) for name in ("look", "framing")]), sample.details.get("speed", 1.0)
            key = (speed, sample.character, sample.clip, sample.mirrored, look, *sorted(sample.camera.items()))
            tracks.setdefault(key, []).append((sample.frame, i))
    runs: list[list[int]] = []
    for (speed, *_), track in tracks.items():
        track.sort()
        runs.append([track[0][1]])
        for (before, _), (now, i) in itertools.pairwise(track):
            if not is_next(now, before, speed):
                runs.append([])
            runs[-1].append(i)
    return [run for run in runs if len(run) > 1]


_ORDER, _WINDOWS, _PAIRS, _NOISE = 0, 1, 3, 4  # purposes of random numbers: (seed, purpose, …); 2 is the discriminators' views


class Sampler:
    """The batches of a training, endless: every epoch in a new order, each a function of (seed, step, progress). Resuming is
    starting at a step.

    Until `preset.windows_until` of the training pictures are seen through windows of half their side, half of them around the head:
    most of a picture is background, and a step on a quarter of the pixels is four times as fast. Then whole pictures, shifted a
    little, so that the network is used as it was trained. Every `preset.pairs_every`th batch is of pairs of consecutive frames, where
    the dataset has them. Where conditioning is drawn on the fly, every picture's pose has noise of its own (`preset.noise`). The next batch
    is made while the current one is learnt from; `progress_at(step)` says how far the training will be then.
    """

    def __init__(
        self, pairs: Pairs, preset: Preset, seed: int, progress_at: Callable[[int], float], start: int = 0,
        *, windows: bool = True, world: World = ALONE,
    ) -> None:  # fmt: skip
        self.pairs, self.preset, self.seed, self.step = pairs, preset, seed, start
        self._progress_at, self._windows, self._world = progress_at, windows, world
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._next = self._pool.submit(self._make, start, progress_at(start))

    def __next__(self) -> Batch:
        batch = self._next.result()
        self.step += 1
        self._next = self._pool.submit(self._make, self.step, self._progress_at(self.step))
        return batch

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _make(self, step: int, progress: float) -> Batch:
        """This process's rows of the batch."""
        batch, size, every = self.preset.batch, self.pairs.size, self.preset.pairs_every
        paired = batch // self._world.size > 1 and step % every == every - 1 and len(self.pairs.following) > 0
        if paired:
            count = batch // 2
            chosen = self._chosen(_PAIRS, step // every, count, len(self.pairs.following))
            rows = np.arange(count)[self._share(count)]
            indices = self.pairs.following[chosen[rows]]
        else:
            count = batch
            chosen = self._chosen(_ORDER, step, count, len(self.pairs))
            rows = np.arange(count)[self._share(count)]
            indices = chosen[rows, None]
        window = min(max(round(size / 2 / MULTIPLE) * MULTIPLE, 2 * MULTIPLE), size)
        # Every row has random numbers of its own, so that processes need not make each other's.
        draws = [np.random.default_rng((self.seed, _WINDOWS, step, int(row))) for row in rows]
        if self._windows and progress < self.preset.windows_until and window < size:
            side = window
            first = (int(of[0]) for of in indices)
            corners = np.array(
                [
                    corner_on_body(*self.pairs.joints(index), self.pairs.head(index), size, side, rng)
                    for index, rng in zip(first, draws, strict=True)
                ]
            )
        else:
            reach, side = int(self.preset.shift * size), size
            corners = np.array([rng.integers(-reach, reach + 1, 2) for rng in draws])
        # First all first frames, then all second ones.
        repeats = indices.shape[1]
        numbers = np.concatenate([rows + k * count for k in range(repeats)])
        points = self._noisy(step, indices.T.ravel(), numbers) if self.pairs.on_the_fly and self.preset.noise > 0 else None
        cut = self.pairs.batch(indices.T.ravel(), np.tile(corners, (repeats, 1)), side, points)
        return Batch(*cut, paired, numbers, batch, self.pairs.margin)

    def _chosen(self, purpose: int, turn: int, batch: int, count: int) -> NDArray[np.int64]:
        positions = range(turn * batch, (turn + 1) * batch)
        return np.array([_order(self.seed, purpose, p // count, count)[p % count] for p in positions])

    def _share(self, count: int) -> slice:
        each = count // self._world.size
        return slice(self._world.rank * each, (self._world.rank + 1) * each)

    def _noisy(self, step: int, indices: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """(B, 137 + 2·S, 3) the samples' points with noise, both frames of a pair with their own."""
        return np.stack(
            [
                jittered(self.pairs.joints(int(index))[0], np.random.default_rng((self.seed, _NOISE, step, int(row))), self.preset.noise)
                for index, row in zip(indices, rows, strict=True)
            ]
        )


@lru_cache(maxsize=8)
def _order(seed: int, purpose: int, epoch: int, count: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, purpose, epoch)).permutation(count)


def read_rgba(path: Path, size: int) -> NDArray[np.uint8]:
    """(size, size, 4) straight alpha. Raises UserError for a picture that is missing, damaged or of another size."""
    try:
        with Image.open(path) as image:
            picture = np.asarray(image.convert("RGBA"))
    except (OSError, SyntaxError, ValueError) as error:  # Pillow's errors for broken PNGs
        raise UserError(f"{path} is missing or damaged; run the command that made the dataset again to mend it.") from error
    if picture.shape != (size, size, RGBA):
        raise UserError(f"{path} is not {size}×{size} as its dataset says; make the dataset again.")
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
