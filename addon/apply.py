# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""Solved motions onto armatures: as new Actions, and again with other controls, without solving again."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from math import degrees
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy_extras.io_utils import ExportHelper

from ..errors import UserError
from ..jobs.progress import SILENT, Event, Reporter
from ..sequencer.timeline import scene_fps
from . import live_preview
from .explained import Explained
from .language import said
from .motions import NINGYO_motion, motion_of, rig_beside, shown_motion
from .plan import first

if TYPE_CHECKING:
    from ..synth_data.retarget.motion import Motion
    from ..synth_data.retarget.rig import Rig

SAME_PLACE = 1e-3  # of the rig's height: rest poses that differ by less are the same


@dataclass(frozen=True)
class Solved:
    """Whose motion goes onto the armature of this name, and the file it lies in, with the rig beside it."""

    person: int
    armature: str
    motion: str


@dataclass(frozen=True)
class Request:
    """What was asked for, maybe while the `track` was still being captured: what only that tells is read when the motions are put on.

    `takes_rate` says whether the scene shall take over the video's rate, if it still has its own by then, which was `scene_fps`.
    """

    people: tuple[Solved, ...]
    video: str
    track: str
    takes_rate: bool
    scene_fps: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Request:
        """Raises UserError for what another Ningyo wrote."""
        try:
            return cls(**{**data, "people": tuple(Solved(**one) for one in data["people"])})
        except (KeyError, TypeError):
            raise UserError("This job was started by another version of Ningyo; retarget again.") from None


def take(context: bpy.types.Context, solved: Solved, video: str, track_start: float, report: Reporter) -> bpy.types.Action:
    """Remember a solved motion in the scene and put it onto its armature as a new Action. `track_start` is the time of the track's first
    frame, seconds of the video's clock. Raises UserError.
    """
    from ..synth_data.retarget.motion import Motion

    scene = context.scene
    armature = scene.objects.get(solved.armature)
    if armature is None or armature.type != "ARMATURE":
        raise UserError(f"There is no armature {solved.armature} in this scene any more; retarget again.")
    motion = Motion.load(solved.motion)
    live_preview.stop()
    remembered = motion_of(scene, armature) or scene.ningyo.motions.add()
    remembered.armature, remembered.person = armature, solved.person
    remembered.remember_before()
    remembered.action = None
    remembered.faces.clear()
    remembered.file, remembered.video, remembered.track_start = _relative(solved.motion), _relative(video), track_start
    remembered.said = "\n".join(found(motion, scene.ningyo.solving.sensor))
    if not remembered.trims:
        remembered.start, remembered.end = motion.time[0], motion.time[-1] + 1 / motion.fps
    return update(context, remembered, report)


def update(context: bpy.types.Context, remembered: NINGYO_motion, report: Reporter = SILENT) -> bpy.types.Action:
    """Make the Actions anew by the controls, in place of those that were made before; no others are touched. Raises UserError.

    What keeps the armature from showing the motion as it is, is told to `report` as a warning.
    """
    from ..synth_data.retarget.apply import KeyCount, apply_motion, refuse
    from ..synth_data.retarget.filming import NEAR

    live_preview.stop()
    scene, armature = context.scene, remembered.armature
    refuse(armature)
    motion, _ = controlled(remembered)
    fps = scene_fps(scene)
    first = remembered.first_frame(scene, motion.time[0])  # somebody who comes later in the video comes later here
    old = remembered.action
    name = old.name if old is not None else f"{Path(motion.source.get('video') or 'Ningyo').stem} {armature.name}"
    there, count = set(bpy.data.actions), KeyCount()
    action = apply_motion(
        armature,
        motion,
        name=name,
        start_frame=first,
        scene_fps=fps,
        key_reduction=degrees(remembered.tolerance) if remembered.reduces else 0.0,
        blend=remembered.blend(),
        keys=count,
        report=report,
    )
    playing = {keys: keys.animation_data.action for keys in bpy.data.shape_keys if keys.animation_data is not None}
    faces = {keys: played for keys, played in playing.items() if played is not None and played not in there}
    _replace(old, action)
    for face in remembered.faces:
        _replace(face.action, faces.get(face.keys))
    remembered.faces.clear()
    for keys, played in faces.items():
        face = remembered.faces.add()
        face.keys, face.action = keys, played
    remembered.action = action
    remembered.keys, remembered.all_keys = count.made, count.full
    remembered.doubtful.clear()
    for start, end in motion.untrusted:
        frames = [first + round((second - motion.time[0]) * fps) for second in (start, end)]
        last = remembered.doubtful[-1] if remembered.doubtful else None
        if last is None or frames[0] - last.last > NEAR * fps:
            last = remembered.doubtful.add()
            last.first = frames[0]
        last.last = frames[1]
    return action


def found(motion: Motion, sensor: float) -> list[str]:
    """What the solver says of the filming, as "name: value" for a narrow panel; `sensor` in mm along the picture's longer side."""
    from ..synth_data.retarget.filming import focal_mm

    estimate = motion.estimate
    given = set(estimate.get("given", ()))
    values = {}
    if motion.camera is not None and "focal_px" in estimate:
        size = motion.camera.width, motion.camera.height
        values["focal_px"] = f"Focal Length: {focal_mm(estimate['focal_px'], size, sensor):.1f} mm"
    if "camera_height" in estimate:
        values["camera_height"] = f"Camera Height: {estimate['camera_height']:.2f} m"
    if "camera_pitch" in estimate:
        values["camera_pitch"] = f"Camera Pitch: {estimate['camera_pitch']:.1f}°"
    return [f"{text}, {'given' if name in given else 'estimated'}" for name, text in values.items()]


def _replace(old: bpy.types.Action | None, new: bpy.types.Action | None) -> None:
    """Have `new` take the place of `old` everywhere, in NLA strips too, and its name."""
    if old is None or new is None or len(getattr(old, "slots", ())) > 1:  # other slots are somebody else's animation
        return
    name = old.name
    old.user_remap(new)
    bpy.data.actions.remove(old)
    new.name = name


def controlled(remembered: NINGYO_motion) -> tuple[Motion, Rig]:
    """The motion as the controls change it, where the armature is now, and the rig it was solved for. Raises UserError."""
    import numpy as np

    from ..synth_data.characters.importing import read_rig
    from ..synth_data.retarget.controls import edited
    from ..synth_data.retarget.motion import Motion
    from ..synth_data.retarget.rig import Rig

    path, armature = remembered.path, remembered.armature
    if not path.is_file():
        raise UserError(said("The solved motion {path} is not there any more; retarget again.", path=path))
    rig, now = Rig.load(rig_beside(path)), read_rig(armature)
    same = rig.names == now.names and np.abs(rig.rest - now.rest).max() < SAME_PLACE * np.abs(rig.rest).max()
    if not same:
        raise UserError(said("The bones of {name} were changed since its motion was solved; retarget again.", name=armature.name))
    motion = Motion.load(path)
    # The armature may have been moved since, and its motion with it.
    place = now.to_world(rig.to_armature(motion.root_position.astype(np.float64)))
    return edited(replace(motion, root_position=place, rig=now), now, remembered.controls()), now


def _relative(path: str) -> str:
    if not bpy.data.filepath:
        return path
    try:
        return bpy.path.relpath(path)
    except ValueError:
        return path  # another drive on Windows


def warning_reporter(operator: bpy.types.Operator) -> Reporter:
    """Has warnings shown as the operator's own."""

    def show(event: Event) -> None:
        if event["type"] == "warning":
            operator.report({"WARNING"}, event["text"])

    return Reporter(show)


class OfShownMotion(Explained):
    """What the buttons about the panel's motion share."""

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str:
        shown = shown_motion(context)
        return first("retarget") if shown is None or shown.armature is None else ""


class NINGYO_OT_apply(OfShownMotion, bpy.types.Operator):
    """Make the Action anew by these controls, without solving again. Keys changed by hand are lost: to keep them, duplicate the Action"""

    bl_idname, bl_label = "ningyo.apply", "Apply"
    bl_options = {"UNDO"}  # noqa: RUF012 (Blender reads it from the class)

    def act(self, context: bpy.types.Context) -> str:
        action = update(context, shown_motion(context), warning_reporter(self))
        first, last = f"{action.frame_start:g}", f"{action.frame_end:g}"
        return said("{actions}: frames {first} to {last}", actions=action.name, first=first, last=last)


class NINGYO_OT_export_bvh(OfShownMotion, bpy.types.Operator, ExportHelper):
    """Write the motion, changed by these controls, as a BVH file"""

    bl_idname, bl_label = "ningyo.export_bvh", "Export BVH"

    filename_ext = ".bvh"
    filter_glob: bpy.props.StringProperty(default="*.bvh", options={"HIDDEN"})

    def act(self, context: bpy.types.Context) -> str:
        from ..synth_data.retarget.bvh import write_bvh

        motion, rig = controlled(shown_motion(context))
        try:
            write_bvh(rig, motion, self.filepath)
        except OSError as error:
            raise UserError(said("{error}: {path}; choose another place", error=error.strerror, path=self.filepath)) from error
        return said("{path}: {count} frames, {rate} fps", path=self.filepath, count=motion.frame_count, rate=f"{motion.fps:g}")


class NINGYO_OT_jump(bpy.types.Operator):
    """Go to the first of these frames"""

    bl_idname, bl_label = "ningyo.jump", "Go There"
    bl_options = {"INTERNAL", "UNDO", "UNDO_GROUPED"}  # noqa: RUF012

    frame: bpy.props.IntProperty(options={"HIDDEN", "SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.scene.frame_set(self.frame)
        return {"FINISHED"}


class NINGYO_OT_lens_from_camera(Explained, bpy.types.Operator):
    """Take focal length and sensor from the scene's camera, and hold them"""

    bl_idname, bl_label = "ningyo.lens_from_camera", "From Scene Camera"
    bl_options = {"UNDO"}  # noqa: RUF012

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str:
        camera = context.scene.camera
        is_usable = camera is not None and camera.type == "CAMERA" and camera.data.type == "PERSP"
        return "" if is_usable else said("The scene has no camera in perspective")

    def act(self, context: bpy.types.Context) -> None:
        lens, solving = context.scene.camera.data, context.scene.ningyo.solving
        solving.focal, solving.sensor, solving.knows_focal = lens.lens, longer_side(context.scene), True


def longer_side(scene: bpy.types.Scene) -> float:
    """Millimetres of the scene camera's sensor along the picture's longer side."""
    lens, render = scene.camera.data, scene.render
    aspect = render.resolution_x * render.pixel_aspect_x / (render.resolution_y * render.pixel_aspect_y)
    if lens.sensor_fit == "VERTICAL":
        return lens.sensor_height * max(aspect, 1.0)
    return lens.sensor_width / (min(aspect, 1.0) if lens.sensor_fit == "HORIZONTAL" else 1.0)


class NINGYO_OT_add_pair(bpy.types.Operator):
    """Have another person of the video retargeted, onto an armature of this scene"""

    bl_idname, bl_label = "ningyo.add_pair", "Add a Person"
    bl_options = {"UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        solving = context.scene.ningyo.solving
        pair = solving.others.add()
        taken = {context.scene.ningyo.person, *(other.person for other in solving.others[:-1])}
        pair.person = next(person for person in range(len(taken) + 1) if person not in taken)
        solving.other = len(solving.others) - 1
        return {"FINISHED"}


class NINGYO_OT_remove_pair(Explained, bpy.types.Operator):
    """Take the person out of the list; their motion stays"""

    bl_idname, bl_label = "ningyo.remove_pair", "Remove"
    bl_options = {"UNDO"}  # noqa: RUF012

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str:
        is_chosen = 0 <= context.scene.ningyo.solving.other < len(context.scene.ningyo.solving.others)
        return "" if is_chosen else said("No person is chosen in the list")

    def act(self, context: bpy.types.Context) -> None:
        solving = context.scene.ningyo.solving
        solving.others.remove(solving.other)
        solving.other = max(solving.other - 1, 0)


CLASSES = (
    NINGYO_OT_apply,
    NINGYO_OT_export_bvh,
    NINGYO_OT_jump,
    NINGYO_OT_lens_from_camera,
    NINGYO_OT_add_pair,
    NINGYO_OT_remove_pair,
)
