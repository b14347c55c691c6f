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
    """One sample to make: a frame of a clip (of the motion, not counted from the clip's start), from `yaw` degrees around the orbit; a
    `steady` one without the cameras' jitters.
    """

    number: int
    character: str
    clip: Clip
    frame: int
    yaw: float
    variation: bool = False
    mirrored: bool = False
    steady: bool = False


def shots_of(character: str, clips: Sequence[Clip], count: int | None, first: int, seed: int, cameras: Cameras, poses: Poses) -> list[Shot]:
    """A character's samples, numbered from `first`.

    First come the training clips as they are: pass after pass over all frames, each pass from the next camera, the last one (or the only
    one) spread evenly. Then their share of the held-out clips, as `held_out_frames` has it. Then variations of training frames fill up to
    `count`, or, without a count, to their share.
    """
    training = [(clip, frame) for clip in clips if clip.split == TRAIN for frame in range(clip.start, clip.end)]
    held_out = [clip for clip in clips if clip.split != TRAIN]
    frames = len(training) + sum(clip.frames for clip in held_out)
    share = poses.variations if training else 0.0
    every = frames * len(cameras.yaws)
    as_they_are = every if count is None else min(every, max(1, round(count * (1 - share))))
    total = round(every / (1 - share)) if count is None else count if training else as_they_are
    shots: list[Shot] = []

    def add(clip: Clip, frame: int, yaw: float, **kind: bool) -> None:
        shots.append(Shot(first + len(shots), character, clip, frame, yaw, **kind))

    of_training = as_they_are - round(as_they_are * (frames - len(training)) / frames) if training else 0
    for turn in range(0, of_training, max(len(training), 1)):
        of_this_pass = min(len(training), of_training - turn)
        for i in range(of_this_pass):
            clip, frame = training[(2 * i + 1) * len(training) // (2 * of_this_pass)]
            add(clip, frame, cameras.yaws[(i + turn // len(training)) % len(cameras.yaws)])
    seen = 0
    for clip in held_out:
        seen += clip.frames
        # Rounded over all clips together, so that the counts add up.
        until = round((as_they_are - of_training) * seen / (frames - len(training)))
        for frame, yaw in held_out_frames(clip, until - (len(shots) - of_training), cameras.yaws):
            add(clip, frame, yaw, steady=True)
    while len(shots) < total:
        rng = generator(seed, first + len(shots), 0)
        clip, frame = training[int(rng.integers(len(training)))]
        yaw = cameras.yaws[int(rng.integers(len(cameras.yaws)))]
        add(clip, frame, yaw, variation=True, mirrored=bool(rng.random() < poses.mirrored))
    return shots


def held_out_frames(clip: Clip, count: int, yaws: Sequence[float]) -> list[tuple[int, float]]:
    """`count` frames of a clip for evaluation, as (frame, yaw): from each camera one run of consecutive frames, as flicker shows only
    there, and the runs spread over the clip.
    """
    chosen = []
    for k, yaw in enumerate(yaws):
        length = count // len(yaws) + (k < count % len(yaws))
        start = clip.start + (clip.frames - length) * k // max(len(yaws) - 1, 1)
        chosen += [(frame, yaw) for frame in range(start, start + length)]
    return chosen


def generator(seed: int, number: int, purpose: int) -> np.random.Generator:
    """The random numbers of sample `number`: the same whatever was made before. Different purposes get independent ones."""
    return np.random.default_rng([seed, number, purpose])
