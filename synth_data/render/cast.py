# SPDX-License-Identifier: GPL-3.0-or-later
"""All of a job's samples over all its characters and clips, and what was prepared for them in the dataset's folder. No Blender in here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import UserError
from ..dataset.splits import Clip, split_clips
from ..retarget.motion import Motion
from .job import SAMPLED, CharacterJob, ClipJob, RenderJob
from .plan import Plan, Shot

CLIPS = "clips"  # the folder in a dataset that holds its motions


def motion_path(out: Path, clip: str) -> Path:
    return out / CLIPS / f"{clip}.npz"


@dataclass(frozen=True)
class Take:
    """A clip as it is split, and the job it is of."""

    clip: Clip
    job: ClipJob


class Cast:
    """The samples of `job` by their numbers. `frames` says how long each clip's motion is."""

    def __init__(self, job: RenderJob, frames: Mapping[str, int]) -> None:
        self.job = job
        whole = []
        for clip in job.clips:
            if clip.start >= frames[clip.name] or (clip.end or 0) > frames[clip.name]:
                raise UserError(f'Clip "{clip.name}" goes beyond the {frames[clip.name]} frames of {clip.motion}; mend its start and end.')
            whole.append(Clip(clip.name, clip.start, clip.end or frames[clip.name], clip.split))
        jobs = {clip.name: clip for clip in job.clips}
        # A clip's tail is of the same motion.
        self.takes = [Take(clip, jobs.get(clip.name) or jobs[clip.name.rpartition(".")[0]]) for clip in split_clips(whole)]
        self._plans = self._made_plans()
        self._starts = np.cumsum([0, *map(len, self._plans)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def numbers_of(self, character: int) -> range:
        """The numbers of a character's samples."""
        return range(int(self._starts[character]), int(self._starts[character + 1]))

    def character_of(self, number: int) -> int:
        return int(np.searchsorted(self._starts, number, side="right")) - 1

    def shot(self, number: int) -> Shot:
        character = self.character_of(number)
        return self._plans[character][number - int(self._starts[character])]

    def clip_job(self, shot: Shot) -> str | None:
        """The name of the clip's job that a shot is of; None for a sampled pose."""
        if shot.sampled:
            return None
        return next(take.job.name for take in self.takes if take.clip.name == shot.clip.name)

    def clip_jobs(self) -> dict[str, str]:
        """Clip → the name of its job."""
        return {take.clip.name: take.job.name for take in self.takes}

    def clips(self) -> list[Clip]:
        """All clips that samples can be of, for the splits."""
        sampled = [Clip(SAMPLED, 0, 1, "train")] if self.job.poses.sampled else []
        return [take.clip for take in self.takes] + sampled

    def _made_plans(self) -> list[Plan]:
        job, first, plans = self.job, 0, []
        count = len(job.characters)
        for i, character in enumerate(job.characters):
            takes = [take for take in self.takes if _is_for(take.job, character)]
            share = None if job.count is None else job.count // count + (i < job.count % count)
            plans.append(
                Plan(character.name, [t.clip for t in takes], [t.job for t in takes], share, first, job.seed, job.cameras, job.poses)
            )
            first += len(plans[-1])
        return plans


def _is_for(clip: ClipJob, character: CharacterJob) -> bool:
    return not clip.characters or character.name in clip.characters


def load_motions(job: RenderJob, out: Path) -> dict[str, Motion]:
    """The motions that were prepared in the dataset's folder, by the clips' names. Raises UserError when one is missing or damaged."""
    return {clip.name: Motion.load(motion_path(out, clip.name)) for clip in job.clips}
