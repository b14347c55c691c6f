# SPDX-License-Identifier: GPL-3.0-or-later
"""One character's samples, each made from its shot alone."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...jobs.folder import write_atomically
from ..dataset import folder as kinds
from ..dataset.folder import Sample
from ..dataset.labels import LEVEL
from ..dataset.png import encode_png
from ..dataset.sample import SamplePose
from ..pose.capsules import draw_capsules
from ..pose.skeleton import draw_limbs, draw_skeleton
from ..retarget.motion import Motion
from ..retarget.openpose_points import point_model
from .cameras import Aim, View, aim_of, drawn, head_view, orbit_of, view_of
from .job import RenderJob
from .labels import RASTERISED, Labels
from .plan import Shot, generator
from .poses import Pose, PoseSource, varied
from .scene import Stage
from .surface import SeenSurface, seen_through
from .visibility import OcclusionRule

_SAMPLE = 1  # purpose of a sample's random numbers


@dataclass(frozen=True, eq=False)
class Posed:
    """A pose with what follows from it: world heads (B, 3), rotations (B, 3, 3) and points (137, 3), metres; and the face's expression."""

    pose: Pose
    heads: npt.NDArray[np.float64]
    rotations: npt.NDArray[np.float64]
    points: npt.NDArray[np.float64]
    expression: Mapping[str, float]


class SampleMaker:
    """Makes the samples of the character on `stage`. `motions` are those of its clips, on its own rig, by the names of the clips' jobs;
    `job_clip` says of which job a clip is.
    """

    def __init__(self, stage: Stage, job: RenderJob, motions: Callable[[str], Motion], job_clip: Mapping[str, str], out: Path) -> None:
        self._stage, self._job, self._out, self._job_clip, self._motion = stage, job, out, job_clip, motions
        self._model = point_model(stage.rig)
        self._rule = OcclusionRule(stage.rig, self._model)
        self._sources: dict[tuple[str, bool], PoseSource] = {}

    def make(self, shot: Shot) -> Sample:
        """Render a sample and write its files. Raises UserError, OSError when the disk is full."""
        bare, contents = self.contents(shot)
        for kind, content in contents.items():
            path = bare.path_of(kind)
            write_atomically(self._out / path, content)
            bare.files[kind] = (path, hashlib.sha256(content).hexdigest())
        return bare

    def contents(self, shot: Shot) -> tuple[Sample, dict[str, bytes]]:
        """A sample without its files, and what they hold."""
        job, stage = self._job, self._stage
        rng = generator(job.seed, shot.number, _SAMPLE)
        now, after = self._posed(shot, rng)
        aim = self._aim(shot, rng)
        view = self._view(now, aim)
        wanted = set(job.labels) & set(RASTERISED)

        seen_after = None
        if kinds.FLOW in wanted and after is not None:
            seen_after = self._seen(after, self._view(after, aim))
        seen = self._seen(now, view)
        zbuffer = seen.rasterised()
        corners = seen.surface.topology.corners[zbuffer.triangle]
        labels = Labels(seen, zbuffer, stage.normals(corners) if kinds.NORMAL in wanted else None, seen_after)
        visibility = self._rule.visibility(now.points, now.rotations, seen, zbuffer)
        outline = drawn(job.look.outline, rng)
        image = self._picture(view, seen, outline)
        head = head_view(view, now.points, self._model.head_size, job.head_size) if kinds.HEAD in job.labels else None
        pose = SamplePose(now.points, visibility, view.K, view.world_to_camera, (job.size, job.size))
        box, truncated = labels.box()
        contents = {kinds.IMAGE: encode_png(image, LEVEL)}
        contents[kinds.POSE] = pose.to_json().encode("utf-8")
        contents |= self._drawn(pose) | labels.files(wanted)
        if head is not None:
            seen_closer = seen_through(head, seen.surface)
            contents[kinds.HEAD] = encode_png(self._picture(head, seen_closer, outline), LEVEL)
        details: dict[str, Any] = {"bbox": box, "truncated": truncated, "framing": view.framing}
        bare = Sample(
            shot.number, shot.character, shot.clip.name, shot.frame, view.summary(), str(shot.clip.split), shot.variation, shot.mirrored,
            {}, details,
        )  # fmt: skip
        return bare, contents

    def _drawn(self, pose: SamplePose) -> dict[str, bytes]:
        """The pictures of the pose that are wanted."""
        size, labels = self._job.size, self._job.labels
        made: dict[str, bytes] = {}
        if kinds.SKELETON in labels:
            made[kinds.SKELETON] = encode_png(draw_skeleton(pose.skeleton_points(), (size, size)), LEVEL)
        if kinds.LIMBS in labels:
            packed = io.BytesIO()
            np.savez_compressed(packed, limbs=draw_limbs(pose.skeleton_points(), (size, size)))
            made[kinds.LIMBS] = packed.getvalue()
        if kinds.CAPSULES in labels:
            made[kinds.CAPSULES] = encode_png(draw_capsules(pose.points_camera, pose.K, size, self._stage.rig.height), LEVEL)
        return made

    def _posed(self, shot: Shot, rng: np.random.Generator) -> tuple[Posed, Posed | None]:
        """The shot's pose, and that of the next frame."""
        source = self._source(self._job_clip[shot.clip.name], shot.mirrored)
        state = rng.bit_generator.state
        now = self._pose_at(source, shot, shot.frame, rng)
        end = rng.bit_generator.state
        rng.bit_generator.state = state  # the next frame is varied in the same way
        after = self._pose_at(source, shot, shot.frame + shot.speed, rng) if kinds.FLOW in self._job.labels else None
        rng.bit_generator.state = end
        return now, after

    def _pose_at(self, source: PoseSource, shot: Shot, frame: float, rng: np.random.Generator) -> Posed:
        rig = self._stage.rig
        pose = source.frame(frame)
        if shot.variation:
            pose = varied(rig, pose, rng, self._job.poses.spread)
        heads, rotations = pose.evaluate(rig)
        points = self._model.points(heads[None], rotations[None])[0]
        return Posed(pose, heads, rotations, points, source.expression(frame))

    def _aim(self, shot: Shot, rng: np.random.Generator) -> Aim:
        fitted = self._source(self._job_clip[shot.clip.name], shot.mirrored).fitted
        rig, cameras = self._stage.rig, self._job.cameras
        orbit = orbit_of(fitted, rig.height, cameras)
        return aim_of(orbit, shot.yaw, rig.height, self._model.head_size, cameras, None if shot.steady else rng)

    def _view(self, posed: Posed, aim: Aim) -> View:
        return view_of(posed.points, posed.pose.root, self._stage.rig.height, self._job.size, aim, self._model.head_size)

    def _seen(self, posed: Posed, view: View) -> SeenSurface:
        self._stage.set_expression(posed.expression)
        self._stage.set_pose(posed.pose, posed.rotations)
        return seen_through(view, self._stage.surface())

    def _picture(self, view: View, seen: SeenSurface, outline: float) -> npt.NDArray[np.uint8]:
        self._stage.set_outline(outline * view.pixel())
        self._stage.aim(view)
        return self._stage.render(seen, outline)

    def _source(self, clip: str, mirrored: bool) -> PoseSource:
        if (clip, mirrored) not in self._sources:
            self._sources[clip, mirrored] = PoseSource(self._stage.rig, self._motion(clip), mirrored=mirrored)
        return self._sources[clip, mirrored]
