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
from ...jobs.progress import SILENT, Reporter
from ..dataset import folder as kinds
from ..dataset.folder import Sample
from ..dataset.png import ANYTHING, DRAWN, VALUES, encode_png
from ..dataset.sample import SamplePose
from ..pose.capsules import draw_capsules
from ..pose.skeleton import draw_limbs, draw_skeleton
from ..retarget.motion import Motion
from ..retarget.openpose_points import point_model
from ..retarget.secondary_points import secondary_points
from .backgrounds import Backgrounds
from .cameras import Aim, View, aim_of, direction, drawn, head_view, held, orbit_of, view_of
from .faces import random_expression
from .job import RenderJob
from .labels import RASTERISED, Labels, over
from .plan import Shot, generator
from .poses import Pose, PoseSource, varied
from .raster import ZBuffer
from .sampled import sampled_pose
from .scene import Stage
from .selfcheck import EVERY, check_labels
from .surface import SeenSurface, seen_through
from .visibility import OcclusionRule

# Purposes of a sample's random numbers, each of which has its own, so that asking for one thing more changes no other. In a run of
# consecutive frames all but the pose's are those of the sample that opens it.
_POSE, _CAMERA, _LOOK, _BACKGROUND, _FACE = 1, 3, 4, 5, 6


@dataclass(frozen=True, eq=False)
class Posed:
    """A pose with what follows from it: world heads (B, 3), rotations (B, 3, 3) and points (137, 3), metres; and the face's expression."""

    pose: Pose
    heads: npt.NDArray[np.float64]
    rotations: npt.NDArray[np.float64]
    points: npt.NDArray[np.float64]
    expression: Mapping[str, float]


@dataclass(frozen=True)
class Dress:
    """How a picture is drawn: where the light comes from (yaw, elevation; degrees), the outline in px, tones, and which palette."""

    light: tuple[float, float]
    outline: float
    tones: int
    palette: int

    def summary(self) -> dict[str, Any]:
        """For the dataset's index."""
        return {
            "light": [round(angle, 2) for angle in self.light],
            "outline": round(self.outline, 3),
            "tones": self.tones,
            "palette": self.palette,
        }


class SampleMaker:
    """Makes the samples of the character on `stage`. `motions` are those of its clips, on its own rig, by the names of the clips' jobs;
    `job_clip` says of which job a clip is. With `single` each sample is sooner made by itself: of long motions only what is around its
    frame is put on the rig, and labels are not held against Blender's own.
    """

    def __init__(
        self, stage: Stage, job: RenderJob, motions: Callable[[str], Motion], job_clip: Mapping[str, str], out: Path,
        report: Reporter = SILENT, *, single: bool = False,
    ) -> None:  # fmt: skip
        """Raises UserError when there are no backgrounds where the job says."""
        self._stage, self._job, self._out, self._job_clip, self._motion = stage, job, out, job_clip, motions
        self._model = point_model(stage.rig)
        self._rule = OcclusionRule(stage.rig, self._model)
        self._sources: dict[tuple[str, bool, float | None], PoseSource] = {}
        self._backgrounds = Backgrounds(job.background)
        self._report, self._single = report, single

    def make(self, shot: Shot) -> Sample:
        """Render a sample and write its files. Raises UserError, OSError when the disk is full."""
        bare, contents = self.contents(shot)
        for kind, content in contents.items():
            path = bare.path_of(kind)
            write_atomically(self._out / path, content)
            bare.files[kind] = (path, hashlib.sha256(content).hexdigest())
        return bare

    def placed(self, shot: Shot) -> tuple[Posed, View]:
        """A shot's pose and camera."""
        now = self._pose_at(shot, shot.frame)
        return now, self._view(now, self._aim(shot))

    def contents(self, shot: Shot) -> tuple[Sample, dict[str, bytes]]:
        """A sample without its files, and what they hold."""
        job, stage = self._job, self._stage
        wanted = set(job.labels) & set(RASTERISED)
        now, after = self._posed(shot)
        aim, look = self._aim(shot), self._look(shot)
        view = self._view(now, aim)
        seen_after = None if after is None else self._seen(after, self._view(after, aim))
        seen = self._seen(now, view)
        zbuffer = seen.rasterised()
        corners = seen.surface.topology.corners[zbuffer.triangle]
        labels = Labels(seen, zbuffer, stage.normals(corners) if kinds.NORMAL in wanted else None, seen_after)
        visibility = self._rule.visibility(now.points, now.rotations, seen, zbuffer)
        self._wear(look)
        drawn = DRAWN if job.background.pictures is None else ANYTHING
        contents = {kinds.IMAGE: encode_png(self._picture(view, seen, look, shot), drawn)}
        if shot.number % EVERY == 0 and not self._single:
            self._check(shot, seen, zbuffer)
        head = None
        if kinds.HEAD in job.labels:
            head = head_view(view, now.points, self._model.head_size, job.head_size)
            closer = self._picture(head, seen_through(head, seen.surface), look, shot)
            contents[kinds.HEAD] = encode_png(closer, drawn)
        pose = SamplePose(
            now.points, visibility, view.K, view.world_to_camera, (job.size, job.size), now.expression,
            None if head is None else head.K, 0 if head is None else head.size,
            secondary_points(stage.rig, now.heads[None], now.rotations[None])[0],
        )  # fmt: skip
        contents[kinds.POSE] = pose.to_json().encode("utf-8")
        contents |= self._drawn(pose) | labels.files(wanted)
        box, truncated = labels.box()
        details: dict[str, Any] = {
            "bbox": box,
            "truncated": truncated,
            "framing": view.framing,
            "speed": shot.speed,
            "look": look.summary(),
        }
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
            made[kinds.SKELETON] = encode_png(draw_skeleton(pose.skeleton_points(), (size, size)), DRAWN)
        if kinds.LIMBS in labels:
            packed = io.BytesIO()
            np.savez_compressed(packed, limbs=draw_limbs(pose.skeleton_points(), (size, size)))
            made[kinds.LIMBS] = packed.getvalue()
        if kinds.CAPSULES in labels:
            made[kinds.CAPSULES] = encode_png(draw_capsules(pose.drawn_points, pose.K, size, self._stage.rig.height), VALUES)
        return made

    def _posed(self, shot: Shot) -> tuple[Posed, Posed | None]:
        """The shot's pose, and that of the next frame where flow is asked for."""
        now = self._pose_at(shot, shot.frame)
        if shot.sampled or kinds.FLOW not in self._job.labels:
            return now, None
        return now, self._pose_at(shot, shot.frame + shot.speed)

    def _pose_at(self, shot: Shot, frame: float) -> Posed:
        """The same random numbers at every frame, so that the next one is varied as this one is."""
        rig, poses, known = self._stage.rig, self._job.poses, self._stage.expressions
        rng = generator(self._job.seed, shot.number, _POSE)
        expression: Mapping[str, float] = {}
        if shot.sampled:
            pose = sampled_pose(rig, rng)
        else:
            source = self._source(shot)
            pose, expression = source.frame(frame), source.expression(frame)
        if shot.variation:
            pose = varied(rig, pose, rng, poses.spread)
        face = generator(self._job.seed, shot.opener.number, _FACE)
        if not shot.steady and face.random() < poses.expressions:
            expression = random_expression(known, face)
        heads, rotations = pose.evaluate(rig)
        points = self._model.points(heads[None], rotations[None])[0]
        shown = {name: round(float(value), 3) for name, value in expression.items() if name in known and value > 0}
        return Posed(pose, heads, rotations, points, shown)

    def _aim(self, shot: Shot) -> Aim:
        shot = shot.opener
        rig, cameras = self._stage.rig, self._job.cameras
        if shot.sampled:
            orbit = orbit_of(None, rig.height, cameras)
        else:
            source = self._source(shot)
            orbit = orbit_of(source.fitted, rig.height, cameras, source.depth)
        rng = None if shot.steady else generator(self._job.seed, shot.number, _CAMERA)
        aim = aim_of(orbit, shot.yaw, rig.height, self._model.head_size, cameras, rng)
        if aim.height is None or cameras.consecutive == 1 or shot.steady:
            return aim
        # From one height it would nod as the hips go up and down, and each frame of a run would have a camera of its own.
        return held(aim, self._pose_at(shot, shot.frame).pose.root)

    def _look(self, shot: Shot) -> Dress:
        """What a shot's picture looks like; of a steady one the middle of all ranges."""
        look = self._job.look
        rng = None if shot.steady else generator(self._job.seed, shot.opener.number, _LOOK)
        light = drawn(look.light_yaw, rng), drawn(look.light_elevation, rng)
        outline = drawn(look.outline, rng)
        if rng is None:
            return Dress(light, outline, look.tones[0], 0)
        return Dress(
            light,
            outline,
            look.tones[int(rng.integers(len(look.tones)))],
            int(rng.integers(look.palettes)) if self._stage.has_palettes else 0,
        )

    def _wear(self, look: Dress) -> None:
        self._stage.set_look(direction(*look.light), look.tones, look.palette)

    def _check(self, shot: Shot, seen: SeenSurface, zbuffer: ZBuffer) -> None:
        found = check_labels(self._stage, seen, zbuffer)
        if not found.passed:
            self._report.warning(
                f"Labels of sample {shot.number:06d} differ from Blender's own in {found.parts} (parts) and {found.depth} (depth) of "
                f"{found.foreground} pixels."
            )

    def _view(self, posed: Posed, aim: Aim) -> View:
        return view_of(posed.points, posed.pose.root, self._stage.rig.height, self._job.size, aim, self._model.head_size)

    def _seen(self, posed: Posed, view: View) -> SeenSurface:
        self._stage.set_expression(posed.expression)
        self._stage.set_pose(posed.pose, posed.rotations)
        return seen_through(view, self._stage.surface())

    def _picture(self, view: View, seen: SeenSurface, look: Dress, shot: Shot) -> npt.NDArray[np.uint8]:
        """(H, W, 4), or (H, W, 3) on a background."""
        self._stage.set_outline(look.outline * view.pixel())
        self._stage.aim(view)
        image = self._stage.render(seen)
        # Steady pictures follow each other, so they have one background.
        background = self._backgrounds.draw(view.size, generator(self._job.seed, 0 if shot.steady else shot.opener.number, _BACKGROUND))
        return image if background is None else over(image, background)

    def _source(self, shot: Shot) -> PoseSource:
        key = self._job_clip[shot.clip.name], shot.mirrored, shot.frame if self._single else None
        if key not in self._sources:
            self._sources[key] = PoseSource(self._stage.rig, self._motion(key[0]), mirrored=shot.mirrored, around=key[2])
        return self._sources[key]
