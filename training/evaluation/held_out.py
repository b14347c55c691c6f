# SPDX-License-Identifier: GPL-3.0-or-later
"""One split of a dataset, read sample by sample: what pictures are measured against. Nothing of it is kept in memory."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...synth_data.dataset import pictures
from ...synth_data.dataset.folder import FLOW, IMAGE, Dataset, Sample, Samples
from ...synth_data.dataset.labels import flow_of
from ...synth_data.dataset.sample import SamplePose
from ...synth_data.pose.conditions import CAPSULES, Condition
from ...synth_data.pose.head import head_square
from ..data import filmed_target, premultiplied, read_rgba
from ..silhouette import figure

PIECE = 12  # consecutive frames that are resampled as one where there are too few clips
LEAST_CLIPS = 3


class HeldOut:
    """The samples of `split` of a dataset of one character, by their place in it."""

    def __init__(self, dataset: Dataset, split: str = "test") -> None:
        self.dataset, self.samples, self.size = dataset, dataset.by_split[split], dataset.size[0]
        self.height = dataset.height(dataset.character)
        self.filmed = filmed_target(dataset) is not None
        self.pose = lru_cache(maxsize=4)(self._pose)

    def __len__(self) -> int:
        return len(self.samples)

    def _pose(self, index: int) -> SamplePose:
        return self.dataset.pose(self.samples[index])

    def truth(self, index: int) -> Tensor:
        """The render, or the video's frame, premultiplied RGBA (4, H, W) float32 in 0…1."""
        return truth_of(self.dataset, self.samples[index])

    def packed(self, index: int, drawing: Condition) -> NDArray[np.uint8]:
        """The conditioning (H, W, packed) uint8."""
        pose = self.pose(index)
        return drawing.draw(pose.drawn_points, pose.K, self.size, self.height)

    def head(self, index: int) -> NDArray[np.float32]:
        """The head's square (3,) px, as `pose.head.head_square`."""
        pose = self.pose(index)
        return head_square(pose.points_camera, pose.K, self.height)

    def figure(self, index: int) -> Tensor | None:
        """(H, W) bool: the figure by the conditioning, where the pictures have no transparency (`training.silhouette`); None where they
        say themselves where it is.
        """
        if not self.filmed:
            return None
        return figure(self.packed(index, CAPSULES))

    def flow(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]] | None:
        """(H, W, 2) px to the next frame and (H, W) whether the point is seen there, too; None where the dataset has no flow."""
        sample = self.samples[index]
        return flow_of(pictures.pixels(self.dataset, sample, FLOW)) if FLOW in sample.files else None

    def fps(self, index: int) -> float:
        return float(self.dataset.header["clips"].get(self.samples[index].clip, {}).get("fps", 25))


def truth_of(dataset: Dataset, sample: Sample) -> Tensor:
    """A sample's picture, premultiplied RGBA (4, H, W) float32 in 0…1."""
    rgba = premultiplied(read_rgba(dataset.file(sample, IMAGE), dataset.size[0]))
    return torch.from_numpy(rgba.astype(np.float32) / 255).permute(2, 0, 1)


def runs(samples: Samples) -> list[list[int]]:
    """Samples that follow each other, consecutive frames of a clip through the same camera; one that follows none is a run of its own."""
    tracks: dict[tuple[Any, ...], list[tuple[float, int]]] = {}
    for i, sample in enumerate(samples):
        alone = (i,) if sample.variation else ()
        tracks.setdefault((sample.clip, sample.mirrored, *sorted(sample.camera.items()), *alone), []).append((sample.frame, i))
    found: list[list[int]] = []
    for track in tracks.values():
        track.sort()
        last = -np.inf
        for frame, i in track:
            if frame != last + 1:
                found.append([])
            found[-1].append(i)
            last = frame
    return found


def in_order(found: list[list[int]]) -> Iterator[tuple[int, int | None]]:
    """All samples run after run, each with the one it follows."""
    for run in found:
        before: int | None = None
        for i in run:
            yield i, before
            before = i


def units(samples: Samples, found: list[list[int]]) -> tuple[NDArray[np.int64], str]:
    """What is resampled for intervals: of each sample, in the order of `in_order`, the number of its clip, or, where there are fewer than
    LEAST_CLIPS, of its piece of PIECE consecutive frames; and which of the two it is, in words.
    """
    clips = sorted({sample.clip for sample in samples})
    order = [i for run in found for i in run]
    if len(clips) >= LEAST_CLIPS:
        number = {clip: k for k, clip in enumerate(clips)}
        return np.array([number[samples[i].clip] for i in order], np.int64), f"{len(clips)} clips"
    numbers: list[int] = []
    for run in found:
        first = numbers[-1] + 1 if numbers else 0
        numbers += [first + k // PIECE for k in range(len(run))]
    count = numbers[-1] + 1 if numbers else 0
    return np.array(numbers, np.int64), f"{count} pieces of up to {PIECE} consecutive frames, as there are only {len(clips)} clips"
