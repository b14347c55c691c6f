# SPDX-License-Identifier: GPL-3.0-or-later
"""Which samples a job is made of. Everything is decided from the job alone, so a sample can be made at any time, in any order, by
anyone; and each is computed when it is asked for, so that plans of any length take no memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from ..dataset.splits import TRAIN, Clip
from .job import SAMPLED, Cameras, ClipJob, Poses

_SHOT, _PASS = 0, 2  # purposes of random numbers; 1 is the sample's own


@dataclass(frozen=True)
class Shot:
    """One sample to make: a frame of a clip (of the motion, not counted from the clip's start), from `yaw` degrees around the orbit.

    The next frame is `speed` further. A `steady` one is without the cameras' jitters. `sampled`: a pose from no clip. `first` is the shot
    that opens the run of consecutive frames which this one continues: they share camera, look, background and face.
    """

    number: int
    character: str
    clip: Clip
    frame: float
    yaw: float
    speed: float = 1.0
    variation: bool = False
    mirrored: bool = False
    steady: bool = False
    sampled: bool = False
    first: Shot | None = None

    @property
    def opener(self) -> Shot:
        """The shot that opens its run, be it itself."""
        return self.first or self


@dataclass(frozen=True)
class _Go:
    """One going through the training clips: the speed of each, whether it is mirrored, and where its frames begin in the whole."""

    speeds: tuple[float, ...]
    mirrored: tuple[bool, ...]
    starts: tuple[int, ...]
    length: int


class Plan(Sequence[Shot]):
    """A character's samples, numbered from `first`.

    First come the training clips as they are: go after go over all frames, each run of `cameras.consecutive` from the next camera, the last
    go (or the only one) as runs that are spread evenly. Then their share of the held-out clips, as `held_out_runs` has it. Then variations
    of training frames and sampled poses fill up to `count`, or, without a count, to their share.
    """

    def __init__(
        self, character: str, clips: Sequence[Clip], jobs: Sequence[ClipJob], count: int | None, first: int, seed: int,
        cameras: Cameras, poses: Poses,
    ) -> None:  # fmt: skip
        """`jobs` are the clips' own jobs, in the same order."""
        self._character, self._first, self._seed, self._yaws, self._poses = character, first, seed, cameras.yaws, poses
        self._consecutive = cameras.consecutive
        pairs = list(zip(clips, jobs, strict=True))
        self._training = [clip for clip, _ in pairs if clip.split == TRAIN]
        self._jobs = [job for clip, job in pairs if clip.split == TRAIN]
        held_out = [clip for clip, _ in pairs if clip.split != TRAIN]
        self._goes: list[_Go] = []
        every_training = sum(self._go(k).length for k in range(len(self._yaws))) if self._training else 0
        held_frames = sum(clip.frames for clip in held_out)
        every = every_training + held_frames * len(self._yaws)
        share = poses.variations * bool(self._training) + poses.sampled
        as_they_are = every if count is None else min(every, max(1, round(count * (1 - share))))
        filled_up = bool(self._training) or poses.sampled > 0
        self._total = round(every / (1 - share)) if count is None else count if filled_up else as_they_are
        self._of_training = as_they_are - round(as_they_are * held_frames * len(self._yaws) / every) if self._training else 0
        self._runs: list[tuple[Clip, int, int, float, int]] = []  # clip, first frame, frames, yaw, the place of the first sample
        place = self._of_training
        seen = 0
        for clip in held_out:
            seen += clip.frames
            # Rounded over all clips together, so that the counts add up.
            until = self._of_training + round((as_they_are - self._of_training) * seen / held_frames)
            for start, length, yaw in held_out_runs(clip, until - place, self._yaws):
                self._runs.append((clip, start, length, yaw, place))
                place += length
        self._as_they_are = place

    def __len__(self) -> int:
        return self._total

    @overload
    def __getitem__(self, index: int) -> Shot: ...
    @overload
    def __getitem__(self, index: slice) -> list[Shot]: ...
    def __getitem__(self, index: int | slice) -> Shot | list[Shot]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        index %= len(self)
        if index < self._of_training:
            return self._as_it_is(index)
        if index < self._as_they_are:
            clip, start, _, yaw, place = next(run for run in self._runs if index < run[4] + run[2])
            return Shot(self._first + index, self._character, clip, start + index - place, yaw, steady=True)
        return self._filled_up(index)

    def _go(self, number: int) -> _Go:
        while len(self._goes) <= number:
            rng = generator(self._seed, len(self._goes), _PASS)
            # Whole speeds and no mirroring take no random numbers, so that asking for neither changes nothing.
            speeds = tuple(job.speed[0] if job.speed[0] == job.speed[1] else float(rng.uniform(*job.speed)) for job in self._jobs)
            mirrored = tuple(bool(job.mirrored and rng.random() < job.mirrored) for job in self._jobs)
            frames = [int(np.ceil(clip.frames / speed)) for clip, speed in zip(self._training, speeds, strict=True)]
            starts = tuple(np.cumsum([0, *frames]).tolist())
            self._goes.append(_Go(speeds, mirrored, starts[:-1], starts[-1]))
        return self._goes[number]

    def _as_it_is(self, index: int) -> Shot:
        number, before = 0, 0
        while index >= before + self._go(number).length:
            before += self._go(number).length
            number += 1
        go = self._go(number)
        of_this_go = min(go.length, self._of_training - before)
        i = index - before
        run, place = divmod(i, self._consecutive)
        runs = -(-of_this_go // self._consecutive)
        # What the go leaves out is shared out before, between and after the runs.
        at = i + ((2 * run + 1) * (go.length - of_this_go) + runs) // (2 * runs)
        k = int(np.searchsorted(go.starts, at, side="right")) - 1
        frame = round(self._training[k].start + (at - go.starts[k]) * go.speeds[k], 4)
        yaw = self._yaws[(run + number) % len(self._yaws)]
        place = min(place, at - go.starts[k])  # a run ends with its clip; what is left of it is a run of the next clip
        first = self._as_it_is(index - place) if place else None
        return Shot(
            self._first + index, self._character, self._training[k], frame, yaw, go.speeds[k], mirrored=go.mirrored[k], first=first
        )  # fmt: skip

    def _filled_up(self, index: int) -> Shot:
        poses = self._poses
        rng = generator(self._seed, self._first + index, _SHOT)
        if poses.sampled and (not self._training or rng.random() < poses.sampled / (poses.sampled + poses.variations)):
            yaw = self._yaws[int(rng.integers(len(self._yaws)))]
            return Shot(self._first + index, self._character, NO_CLIP, 0, yaw, sampled=True)
        frames = np.cumsum([clip.frames for clip in self._training])
        at = int(rng.integers(frames[-1]))
        k = int(np.searchsorted(frames, at, side="right"))
        clip = self._training[k]
        frame = clip.end - int(frames[k]) + at
        yaw = self._yaws[int(rng.integers(len(self._yaws)))]
        return Shot(self._first + index, self._character, clip, frame, yaw, variation=True, mirrored=bool(rng.random() < poses.mirrored))


NO_CLIP = Clip(SAMPLED, 0, 1, TRAIN)


def held_out_runs(clip: Clip, count: int, yaws: Sequence[float]) -> list[tuple[int, int, float]]:
    """`count` frames of a clip for evaluation, as (first frame, frames, yaw): from each camera one run of consecutive frames, as flicker
    shows only there, and the runs spread over the clip.
    """
    runs = []
    for k, yaw in enumerate(yaws):
        length = count // len(yaws) + (k < count % len(yaws))
        start = clip.start + (clip.frames - length) * k // max(len(yaws) - 1, 1)
        if length:
            runs.append((start, length, yaw))
    return runs


def generator(seed: int, number: int, purpose: int) -> np.random.Generator:
    """The random numbers of sample `number`: the same whatever was made before. Different purposes get independent ones."""
    return np.random.default_rng([seed, number, purpose])
