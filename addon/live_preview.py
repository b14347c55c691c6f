# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""The video's poses and expressions on the character while one moves through time, before anything is keyed."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.app.handlers import persistent
from mathutils import Matrix, Quaternion

from ..errors import UserError
from ..jobs.progress import Reporter
from ..sequencer.strips import find_movie
from ..sequencer.timeline import every_strip, scene_fps
from . import jobs, live_video
from .character import scene_armature
from .kept_pose import KEPT, keep, put_back, shape_keys
from .language import said
from .live_video import Beside
from .motions import video_begins
from .plan import Plan
from .properties import plan_of
from .threaded import InThread

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..synth_data.pose.track import PoseTrack
    from ..synth_data.retarget.apply import Channels
    from ..synth_data.retarget.motion import Motion
    from ..synth_data.retarget.rig import Rig


@dataclass(frozen=True)
class Solved:
    """A person's motion on a rig, and what it was made of: the same again needs no solving."""

    made_of: tuple[Any, ...]
    motion: Motion
    video_time: npt.NDArray[Any]  # (F,) seconds of the video's clock of every frame of the track


@dataclass
class Preview:
    """What is shown where. Data is kept by name: references to it do not outlive an undo step."""

    scene: str
    armature: str
    bones: list[str]
    channels: Channels
    faces: dict[str, dict[str, npt.NDArray[Any]]]  # (F,) by shape keys and the key
    solved: Solved
    began: int  # the scene's frame
    strip: str  # the video's movie in the sequencer; its file is looked for once, for that takes a look at the disk
    beside: Beside | None = None
    at: int = 0  # the motion's frame that is shown


_preview: Preview | None = None
_solved: Solved | None = None


def is_on() -> bool:
    return _preview is not None


def obstacle(context: bpy.types.Context) -> str:
    """Why the preview cannot begin; empty where it can."""
    reason = plan_of(context).blocked("retarget", needs_worker=False)
    if not reason and importlib.util.find_spec("numpy") is None:
        reason = said("This Blender's Python has no numpy")
    return reason


def described() -> list[str]:
    """What is shown, in lines for a narrow panel."""
    if _preview is None:
        return []
    motion = _preview.solved.motion
    seconds, sure = float(motion.time[_preview.at]), float(motion.confidence[_preview.at])
    from ..synth_data.retarget.motion import TRUSTED

    lines = [said("{name}: {seconds} s of the video", name=_preview.armature, seconds=f"{seconds:.2f}")]
    return [*lines, said("Too little was seen here to be trusted")] if sure < TRUSTED else lines


class NINGYO_OT_live_preview(InThread, bpy.types.Operator):
    """Show the video's pose on the character as you move through time, with the video beside it; nothing is keyed. Press again to end"""

    bl_idname, bl_label = "ningyo.live_preview", "Live Preview"

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str:
        return "" if is_on() else obstacle(context)

    def _begin(self, context: bpy.types.Context) -> set[str]:
        if is_on():
            stop()
            return {"FINISHED"}
        from ..synth_data.characters.importing import read_rig
        from ..synth_data.retarget.apply import refuse

        plan = plan_of(context)
        known = len(bpy.data.objects)
        try:
            armature = scene_armature(context, plan)
            refuse(armature)
            rig = read_rig(armature)
            made_of = (plan.files.track, plan.files.track.stat().st_mtime_ns, plan.person, json.dumps(rig.to_json()))
        except OSError as error:
            raise UserError(str(error)) from error
        if len(bpy.data.objects) > known and not bpy.app.background:
            bpy.ops.ed.undo_push(message="Load Character")  # the preview itself is no step
        self._plan, self._armature, self._made_of = plan, armature.name, made_of
        if _solved is not None and _solved.made_of == made_of:
            return self._show(context)
        return self._run(lambda report: _solve(made_of, plan, rig, report))

    def _end(self, context: bpy.types.Context) -> set[str]:
        return {"CANCELLED"} if self._failed() else self._show(context)

    def _show(self, context: bpy.types.Context) -> set[str]:
        armature = context.scene.objects.get(self._armature)
        if armature is None or _solved is None or _solved.made_of != self._made_of:
            raise UserError(said("The scene was changed meanwhile; press Live Preview again"))
        begin(context, armature, _solved, self._plan.video)
        assert _preview is not None
        _preview.beside, problem = live_video.show(context, self._plan.video)
        _follow(context.scene)
        if problem:
            self.report({"INFO"}, problem)
        return {"FINISHED"}


def _solve(made_of: tuple[Any, ...], plan: Plan, rig: Rig, report: Reporter) -> None:
    from ..synth_data.pose.track import PoseTrack
    from ..synth_data.retarget.closed_form import retarget

    global _solved
    track: PoseTrack = PoseTrack.load(plan.files.track, person=plan.person)
    motion = retarget(track, rig, person=plan.person, report=report)
    _solved = Solved(made_of, motion, track.time)


def begin(context: bpy.types.Context, armature: bpy.types.Object, solved: Solved, video: Path) -> None:
    """Show a motion on its armature from now on, in time with the video. Raises UserError."""
    from ..synth_data.retarget.apply import channels_of, faces_of

    global _preview
    stop()
    motion, scene = solved.motion, context.scene
    assert motion.rig is not None
    channels = channels_of(armature, motion.rig, motion)
    bones = [motion.rig.names[index] for index in channels.held]
    faces = {face.mesh.data.shape_keys: face.values for face in faces_of(armature, motion.expressions, motion.expression)}
    own = {keys.name: values for keys, values in faces.items() if keys.library is None}  # what is linked, Retarget leaves out as well
    movie = find_movie(scene, video)
    strip = movie.name if movie is not None else ""
    _preview = Preview(scene.name, armature.name, bones, channels, own, solved, scene.frame_current, strip)
    keep(armature, bones, own)
    for handlers, act in _handlers():
        handlers.append(act)
    _follow(scene)


def stop() -> None:
    """End the preview, if there is one: the pose, the Action and the editors are as they were."""
    global _preview
    if _preview is None:
        return
    ended, _preview = _preview, None
    for handlers, act in _handlers():
        if act in handlers:
            handlers.remove(act)
    scene = bpy.data.scenes.get(ended.scene)
    for data in put_back():
        if scene is not None and scene.frame_current != ended.began:
            data.update_tag(refresh={"TIME"})  # what its Action shows in this frame, and not in that one
    if ended.beside is not None:
        live_video.put_away(ended.beside)
    jobs.redraw()


def forget() -> None:
    """For when the add-on goes."""
    global _solved
    stop()
    live_video.forget()
    _solved = None
    for handlers in _read_anew():
        if _repair in handlers:
            handlers.remove(_repair)


def watch() -> None:
    """Have poses put back that come with an undo step or a file."""
    for handlers in _read_anew():
        handlers.append(_repair)


def _read_anew() -> tuple[list[Any], ...]:
    handlers = bpy.app.handlers
    return handlers.undo_post, handlers.redo_post, handlers.load_post


def _handlers() -> list[tuple[list[Any], Any]]:
    """Blender's lists, and what is in them while the preview is on."""
    handlers = bpy.app.handlers
    return [
        (handlers.frame_change_post, _follow),
        (handlers.save_pre, _before_saving),
        (handlers.save_post, _after_saving),
        (handlers.save_post_fail, _after_saving),
        (handlers.load_pre, _before_loading),
    ]


@persistent
def _follow(scene: bpy.types.Scene, *_: Any) -> None:
    """Show the pose and the video's frame of the scene's current time."""
    if _preview is None or scene.name != _preview.scene or bpy.app.is_job_running("RENDER"):  # a render has data of its own
        return
    armature = bpy.data.objects.get(_preview.armature)
    if armature is None or KEPT not in armature:
        stop()  # it was removed or renamed
        return
    solved = _preview.solved
    movie = next((strip for strip in every_strip(scene) if strip.name == _preview.strip), None)
    begin = video_begins(scene, movie, float(solved.video_time[0]))
    _preview.at = _nearest(solved.motion.time, (scene.frame_current_final - begin) / scene_fps(scene))
    _pose(armature, _preview)
    _show_faces(_preview)
    if _preview.beside is not None:
        at = _nearest(solved.video_time, float(solved.motion.time[_preview.at]))
        live_video.follow(_preview.beside, scene, float(solved.video_time[at]))


def _before_saving(*_: Any) -> None:
    if _preview is not None:
        put_back()


def _after_saving(*_: Any) -> None:
    armature = bpy.data.objects.get(_preview.armature) if _preview is not None else None
    if armature is not None and _preview is not None:
        keep(armature, _preview.bones, _preview.faces)
        _follow(bpy.data.scenes[_preview.scene])


def _before_loading(*_: Any) -> None:
    stop()


@persistent
def _repair(*_: Any) -> None:
    """Another state of the data is there, which may have been kept while a preview was on."""
    stop()
    put_back()


def _nearest(times: npt.NDArray[Any], seconds: float) -> int:
    import numpy as np

    return int(np.argmin(np.abs(times - seconds)))


def _pose(armature: bpy.types.Object, preview: Preview) -> None:
    channels = preview.channels
    quaternions, location = channels.quaternions[preview.at].tolist(), channels.location[preview.at].tolist()
    for index, name in zip(channels.held, preview.bones, strict=True):
        bone = armature.pose.bones.get(name)
        if bone is not None:  # Blender itself turns this into the bone's rotation mode
            bone.matrix_basis = Matrix.LocRotScale(location if index == channels.carrier else None, Quaternion(quaternions[index]), None)


def _show_faces(preview: Preview) -> None:
    for name, values in preview.faces.items():
        keys = shape_keys(name)
        for key, value in values.items() if keys is not None else ():
            if key in keys.key_blocks:
                keys.key_blocks[key].value = float(value[preview.at])


CLASSES = (NINGYO_OT_live_preview,)
