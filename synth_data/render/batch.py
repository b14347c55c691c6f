# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendering a whole dataset, resumable at any point."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import bpy

from ...errors import UserError
from ...jobs.folder import sha256_of, write_atomically
from ...jobs.lock import FileLock
from ...jobs.progress import SILENT, Reporter
from ..dataset.folder import (
    HEADER,
    IMAGE,
    POSE,
    SCHEMA,
    SKELETON,
    SPLITS,
    VERSION,
    Dataset,
    IndexWriter,
    Sample,
    leftovers,
    read_header,
    read_index,
    write_index,
)
from ..dataset.png import encode_png
from ..dataset.sample import SamplePose
from ..dataset.splits import Clip, split_clips, splits_of
from ..dataset.verify import damage
from ..pose.conditioning import RASTERISER_VERSION
from ..pose.skeleton import draw_skeleton
from ..retarget.motion import Motion
from ..retarget.openpose_points import point_model
from ..retarget.rig import Rig
from .cameras import orbit_of, view_of
from .job import CharacterJob, ClipJob, RenderJob
from .plan import Shot, generator, shots_of
from .poses import PoseSource, mirrored, varied
from .scene import SAMPLES, Stage, open_stage
from .visibility import OcclusionRule, seen_through

LOCK, SCRATCH = ".lock", ".render.png.part"
# What the header says → how to say it to a person.
_WORDS = {
    "rasteriser": "the version of the conditioning",
    "size": "the pictures' size",
    "count": "the count",
    "seed": "the seed",
    "characters": "the character",
    "clips": "the clips",
    "cameras": "the cameras",
    "poses": "the poses",
    "provenance": "the motions' content",
}


def render_dataset(job: RenderJob, out: Path | str, *, report: Reporter = SILENT) -> Dataset:
    """Render `job` into the folder `out` and return the dataset.

    Run again with the same job it goes on where it stopped, makes anew what is missing or damaged, and ends with the same bytes. Blender
    is left as it was. Raises UserError for what the user can mend, OSError when the disk is full, Cancelled; after all of these it can be
    resumed.
    """
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file; choose another folder with --out.")
    motions = {clip.name: _load_motion(clip) for clip in job.clips}
    _refuse_other_contents(out)
    is_new = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    lock = FileLock(out / LOCK)
    if not lock.acquire():
        raise UserError(f"Another render is at work in {out}; wait for it, or choose another folder with --out.")
    try:
        return _Batch(job, motions, out, report).run()
    finally:
        lock.release()
        if is_new and not (out / HEADER).exists():  # it failed before it began
            (out / LOCK).unlink()
            out.rmdir()


@dataclass(frozen=True, eq=False)
class _Cast:
    """A character's rig and samples."""

    character: CharacterJob
    rig: Rig
    shots: list[Shot]


class _Batch:
    def __init__(self, job: RenderJob, motions: dict[str, Motion], out: Path, report: Reporter) -> None:
        self._job, self._motions, self._out, self._report = job, motions, out, report
        whole = [Clip(c.name, c.start, c.end or motions[c.name].frame_count, c.split) for c in job.clips]
        self._clips = split_clips(whole)
        # A clip's tail is of the same motion.
        self._job_clip = {clip.name: next(c for c in job.clips if clip.name in (c.name, c.name + ".tail")) for clip in self._clips}

    def run(self) -> Dataset:
        for path in leftovers(self._out):
            path.unlink()
        with ExitStack() as first_stage:
            # The first character is loaded once for its rig and its pictures; a cast of thousands does not fit into memory at once.
            first = first_stage.enter_context(open_stage(self._job.characters[0].rig, self._job.size, self._out / SCRATCH))
            rigs = [first.rig]
            for character in self._job.characters[1:]:
                with open_stage(character.rig, self._job.size, self._out / SCRATCH) as stage:
                    rigs.append(stage.rig)
            cast = self._cast(rigs)
            finished = self._prepare(cast)
            done, total = len(finished), sum(len(c.shots) for c in cast)
            self._report.progress(done, total, "samples")
            in_order = sorted(finished) == list(range(len(finished)))
            with IndexWriter(self._out) as index:
                for member in cast:
                    todo = [shot for shot in member.shots if shot.number not in finished]
                    if not todo:
                        continue
                    with ExitStack() as own_stage:
                        if member is cast[0]:
                            stage = first
                        else:
                            first_stage.close()
                            stage = own_stage.enter_context(open_stage(member.character.rig, self._job.size, self._out / SCRATCH))
                        maker = _SampleMaker(stage, self._job, self._motions, self._job_clip, self._out)
                        for shot in todo:
                            index.add(maker.make(shot))
                            done += 1
                            self._report.progress(done, total, "samples")
            if not in_order:
                write_index(self._out, read_index(self._out)[0])
        return Dataset.open(self._out)

    def _cast(self, rigs: Sequence[Rig]) -> list[_Cast]:
        job, first, cast = self._job, 0, []
        for i, (character, rig) in enumerate(zip(job.characters, rigs, strict=True)):
            wanted = {clip.name for clip in job.clips_of(character)}
            clips = [clip for clip in self._clips if self._job_clip[clip.name].name in wanted]
            count = None if job.count is None else job.count // len(rigs) + (i < job.count % len(rigs))
            shots = [] if count == 0 else shots_of(character.name, clips, count, first, job.seed, job.cameras, job.poses)
            first += len(shots)
            cast.append(_Cast(character, rig, shots))
        return cast

    def _prepare(self, cast: Sequence[_Cast]) -> set[int]:
        """Write the header, or check the one that is there, and return the numbers of the samples that are finished and whole."""
        header = json.loads(json.dumps(self._header(cast)))
        found = read_header(self._out)
        made_with = None if found is None else found.get("provenance", {}).get("made_with")
        if found is not None:
            # The versions matter only when samples remain to be made; a finished dataset is good whatever made it.
            found = found | {"provenance": {**found.get("provenance", {}), "made_with": header["provenance"]["made_with"]}}
        if found is not None and found != header:
            listed = ", ".join(words for key, words in _WORDS.items() if found.get(key) != header.get(key)) or "its format"
            raise UserError(
                f"{self._out} holds a dataset of another job (different: {listed}); choose another folder with --out, or repeat that job."
            )
        if found is None:
            write_atomically(self._out / HEADER, json.dumps(header, indent=1) + "\n")
        for member in cast:
            member.rig.save(self._out / header["characters"][member.character.name]["rig"])
        write_atomically(self._out / SPLITS, json.dumps(splits_of(self._clips), indent=1) + "\n")
        whole = self._whole_samples()
        if made_with not in (None, header["provenance"]["made_with"]) and len(whole) < header["count"]:
            raise UserError(
                f"{self._out} was begun with another version of Ningyo or Blender, whose pictures differ; choose another folder with --out."
            )
        return set(whole)

    def _whole_samples(self) -> dict[int, Sample]:
        """The samples whose files are as the index says; the index is rid of the others."""
        samples, bad = read_index(self._out)
        if bad:
            self._report.warning(f"{len(bad)} cut or damaged lines of the index are dropped; their samples are rendered again.")
        whole: dict[int, Sample] = {}
        for sample in samples:
            self._report.check()
            wrong = damage(self._out, sample)
            if wrong:
                self._report.warning(f"{wrong[0]}; sample {sample.id} is rendered again.")
            else:
                whole[sample.number] = sample
        if bad or len(whole) != len(samples):
            write_index(self._out, list(whole.values()))
        return whole

    def _header(self, cast: Sequence[_Cast]) -> dict[str, Any]:
        job = self._job
        return {
            "schema": SCHEMA,
            "version": VERSION,
            "rasteriser": RASTERISER_VERSION,
            "size": [job.size, job.size],
            "count": sum(len(member.shots) for member in cast),
            "characters": {
                member.character.name: {
                    "rig": f"{member.character.name}/rig.json",
                    "source": member.rig.source_name,
                    "sha256": member.rig.source_sha256,
                    "height": round(member.rig.height, 6),
                }
                for member in cast
            },
            "clips": {
                clip.name: {
                    "frames": clip.frames,
                    "fps": self._motions[self._job_clip[clip.name].name].fps,
                    "start": clip.start,
                    "motion": self._job_clip[clip.name].motion.name,
                }
                for clip in self._clips
            },
            "seed": job.seed,
            "look": "cel",
            "cameras": vars(job.cameras),
            "poses": vars(job.poses),
            "provenance": {
                "motions": {clip.motion.name: sha256_of(clip.motion) for clip in job.clips},
                "made_with": {"code": code_version(), "blender": bpy.app.version_string, "cycles_samples": SAMPLES},
            },
        }


class _SampleMaker:
    """Makes a character's samples, each from its shot alone."""

    def __init__(self, stage: Stage, job: RenderJob, motions: dict[str, Motion], job_clip: dict[str, ClipJob], out: Path) -> None:
        self._stage, self._job, self._out, self._job_clip = stage, job, out, job_clip
        self._model = point_model(stage.rig)
        self._rule = OcclusionRule(stage.rig, self._model)
        self._motions = motions
        self._sources: dict[str, PoseSource] = {}

    def make(self, shot: Shot) -> Sample:
        """Render a sample and write its files."""
        job, rig = self._job, self._stage.rig
        rng = generator(job.seed, shot.number, 1)
        name = self._job_clip[shot.clip.name].name
        pose = self._source(name).frame(shot.frame)
        if shot.mirrored:
            pose = mirrored(rig, pose)
        if shot.variation:
            pose = varied(rig, pose, rng, job.poses.spread)
        heads, rotations = pose.evaluate(rig)
        points = self._model.points(heads[None], rotations[None])[0]
        orbit = orbit_of(self._motions[name], rig.height, job.cameras)
        view = view_of(points, pose.root, rig.height, job.size, orbit, shot.yaw, job.cameras, None if shot.steady else rng)

        self._stage.set_pose(pose, rotations)
        seen = seen_through(view, self._stage.surface())
        self._stage.aim(view, seen)
        visibility = self._rule.visibility(points, rotations, view, seen)
        sample_pose = SamplePose(points, visibility, view.K, view.world_to_camera, (job.size, job.size))
        skeleton = draw_skeleton(sample_pose.skeleton_points(), (job.size, job.size))
        contents = {
            IMAGE: self._stage.render(),
            SKELETON: encode_png(skeleton),
            POSE: sample_pose.to_json().encode("utf-8"),
        }
        split = str(shot.clip.split)
        bare = Sample(shot.number, shot.character, shot.clip.name, shot.frame, view.summary(), split, shot.variation, shot.mirrored, {})
        for kind, content in contents.items():
            path = bare.path_of(kind)
            write_atomically(self._out / path, content)
            bare.files[kind] = (path, hashlib.sha256(content).hexdigest())
        return bare

    def _source(self, clip: str) -> PoseSource:
        if clip not in self._sources:
            self._sources[clip] = PoseSource(self._stage.rig, self._motions[clip])
        return self._sources[clip]


@lru_cache(maxsize=1)
def code_version() -> str:
    """A hash of the code that decides what a sample looks like."""
    folder = Path(__file__).parents[1]
    content = hashlib.sha256()
    for part in ("characters", "dataset", "pose", "render", "retarget"):
        for path in sorted((folder / part).rglob("*.py")):
            content.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return content.hexdigest()[:16]


def _load_motion(clip: ClipJob) -> Motion:
    motion = Motion.load(clip.motion)
    if clip.start >= motion.frame_count or (clip.end or 0) > motion.frame_count:
        raise UserError(f'Clip "{clip.name}" goes beyond the {motion.frame_count} frames of {clip.motion}; mend its start and end.')
    return motion


def _refuse_other_contents(out: Path) -> None:
    """An output folder must be new, empty, or a dataset."""
    if out.is_dir() and not (out / HEADER).exists():
        foreign = next((path.name for path in sorted(out.iterdir()) if not path.name.startswith(".")), None)
        if foreign is not None:
            raise UserError(f"{out} already holds other things ({foreign}); choose a new folder with --out.")
