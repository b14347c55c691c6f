# SPDX-License-Identifier: GPL-3.0-or-later
"""Which samples a job is made of. Everything is decided from the job alone, so a sample can be made at any time, in any order, by
anyone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..dataset.splits import TRAIN, Clip
from .job import Cameras, Poses


@dataclass(frozen=True)
class Shot:
    """One sample to make: a frame of a clip (of the motion, not counted from the clip's start), from `yaw` degrees around the orbit."""

    number: int
    character: str
    clip: Clip
    frame: int
    yaw: float
    variation: bool = False
    mirrored: bool = False


def shots_of(character: str, clips: Sequence[Clip], count: int | None, first: int, seed: int, cameras: Cameras, poses: Poses) -> list[Shot]:
    """A character's samples, numbered from `first`.

    First come the clips as they are: pass after pass over all frames, each pass from the next camera, the last one (or the only one)
    spread evenly. Then variations of training frames fill up to `count`, or, without a count, to their share.
    """
    frames = [(clip, frame) for clip in clips for frame in range(clip.start, clip.end)]
    training = [(clip, frame) for clip, frame in frames if clip.split == TRAIN]
    share = poses.variations if training else 0.0
    every = len(frames) * len(cameras.yaws)
    as_they_are = every if count is None else min(every, max(1, round(count * (1 - share))))
    total = round(every / (1 - share)) if count is None else count if training else as_they_are
    shots: list[Shot] = []
    for turn in range(0, as_they_are, len(frames)):
        of_this_pass = min(len(frames), as_they_are - turn)
        for i in range(of_this_pass):
            clip, frame = frames[(2 * i + 1) * len(frames) // (2 * of_this_pass)]
            yaw = cameras.yaws[(i + turn // len(frames)) % len(cameras.yaws)]
            shots.append(Shot(first + len(shots), character, clip, frame, yaw))
    while len(shots) < total:
        number = first + len(shots)
        rng = generator(seed, number, 0)
        clip, frame = training[int(rng.integers(len(training)))]
        yaw = cameras.yaws[int(rng.integers(len(cameras.yaws)))]
        shots.append(Shot(number, character, clip, frame, yaw, True, bool(rng.random() < poses.mirrored)))
    return shots


def generator(seed: int, number: int, purpose: int) -> np.random.Generator:
    """The random numbers of sample `number`: the same whatever was made before. Different purposes get independent ones."""
    return np.random.default_rng([seed, number, purpose])
