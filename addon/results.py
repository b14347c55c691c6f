# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""Putting results into the open scene: the motion onto the character, the frames into the sequencer."""

from __future__ import annotations

import importlib.util
import threading
from pathlib import Path
from typing import Any

import bpy

from ..errors import Cancelled, UserError
from ..jobs.progress import Reporter
from ..sequencer.frames import FrameFolder
from ..sequencer.strips import add_strips, find_images, is_untouched, match_rate, scene_fps
from . import jobs
from .character import scene_armature
from .operators import busy, start
from .properties import plan_of, sequencer_scene

SHOWS_FRAMES = ("generate", "run", "demo")


class NINGYO_OT_retarget(bpy.types.Operator):
    """Put the person's motion onto the character in this scene, and prepare it for rendering"""

    bl_idname = "ningyo.retarget"
    bl_label = "Retarget"
    bl_options = {"UNDO"}  # noqa: RUF012 (Blender reads it from the class)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        plan = plan_of(context)
        reason = plan.blocked("retarget", needs_worker=False) or ("A job is at work in this output folder" if busy(plan) else "")
        if reason:
            cls.poll_message_set(reason)
        return not reason

    def execute(self, context: bpy.types.Context) -> set[str]:
        """At once, for scripts."""
        if importlib.util.find_spec("numpy") is None:
            return self._on_the_worker_alone(context)
        if not self._begin(context):
            return {"CANCELLED"}
        self._thread.join()
        return self._end(context)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """In a thread, so that long videos do not freeze the window; Esc stops it."""
        if importlib.util.find_spec("numpy") is None:
            return self._on_the_worker_alone(context)
        if not self._begin(context):
            return {"CANCELLED"}
        manager = context.window_manager
        self._timer = manager.event_timer_add(0.1, window=context.window)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if event.type == "ESC":
            self._stop.set()
        if self._thread.is_alive():
            return {"PASS_THROUGH"}
        context.window_manager.event_timer_remove(self._timer)
        return self._end(context)

    def cancel(self, context: bpy.types.Context) -> None:
        """Called by Blender when the window goes or another file is loaded."""
        self._stop.set()
        context.window_manager.event_timer_remove(self._timer)

    def _on_the_worker_alone(self, context: bpy.types.Context) -> set[str]:
        """Some distributions' Blender comes without numpy: the later stages can go on, the character here stays as it is."""
        try:
            start(context, "retarget", plan_of(context))
        except UserError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"WARNING"}, "This Blender's Python has no numpy, so the character here gets no Action; the later stages need none")
        return {"FINISHED"}

    def _begin(self, context: bpy.types.Context) -> bool:
        # Numpy's part of Ningyo is loaded when it is used, so that enabling the add-on takes no time.
        from ..synth_data.characters.importing import read_rig
        from ..synth_data.pose.track import PoseTrack
        from ..synth_data.retarget.closed_form import retarget

        plan = plan_of(context)
        try:
            track = PoseTrack.load(plan.files.track, person=plan.person)
            # Asked before the character comes, whose file may bring animation.
            untouched = is_untouched(context.scene)
            armature = scene_armature(context, plan)
            rig = read_rig(armature)
        except UserError as error:
            self.report({"ERROR"}, str(error))
            return False
        self._stop = threading.Event()
        self._outcome: dict[str, Any] = {}
        self._armature = armature.name
        self._video_fps = track.fps if untouched else None
        self._track_start = float(track.time[0])
        report = Reporter(is_cancelled=self._stop.is_set)

        def work() -> None:
            try:
                self._outcome["motion"] = retarget(track, rig, person=plan.person, report=report)
            except (UserError, Cancelled) as error:
                self._outcome["error"] = error

        self._thread = threading.Thread(target=work, name="ningyo retarget", daemon=True)
        self._thread.start()
        return True

    def _end(self, context: bpy.types.Context) -> set[str]:
        from ..synth_data.retarget.apply import apply_motion

        motion, error = self._outcome.get("motion"), self._outcome.get("error")
        armature = context.scene.objects.get(self._armature)
        if motion is None or armature is None:
            if not isinstance(error, Cancelled):
                self.report({"ERROR"}, str(error) if error else "Retargeting failed; Blender's console says more")
            return {"CANCELLED"}
        plan = plan_of(context)
        scene = context.scene
        try:
            if self._video_fps is not None:
                match_rate(scene, self._video_fps)
            # Somebody who comes later in the video comes later here.
            start_frame = scene.frame_start + round((motion.time[0] - self._track_start) * scene_fps(scene))
            name = f"{plan.video.stem} {armature.name}"
            action = apply_motion(armature, motion, name=name, start_frame=start_frame, scene_fps=scene_fps(scene))
            if plan.worker is not None:
                # The worker's rig comes through a file, so its bones' axes need not be those of the scene's: it gets a motion of its own.
                start(context, "retarget", plan)
        except UserError as problem:
            self.report({"ERROR"}, str(problem))
            return {"CANCELLED"}
        if self._video_fps is not None:
            scene.frame_end = int(action.frame_end)
        self.report({"INFO"}, f"{action.name}: frames {action.frame_start:g} to {action.frame_end:g}")
        return {"FINISHED"}


class NINGYO_OT_add_strips(bpy.types.Operator):
    """Show the generated frames in the sequencer, over their movie"""

    bl_idname = "ningyo.add_strips"
    bl_label = "Add Strips"
    bl_options = {"UNDO"}  # noqa: RUF012

    job: bpy.props.StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        job = jobs.find(self.job) if self.job else None
        if job is not None:
            frames, video = Path(job.note["out"]) / "frames", Path(job.note["video"])
        else:
            plan = plan_of(context)
            frames, video = plan.files.frames, plan.video
        scene = (bpy.data.scenes.get(job.note.get("scene", "")) if job else None) or sequencer_scene(context)
        try:
            text = show_frames(scene, frames, video)
        except UserError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if job is not None:
            job.remember(shown=True)
        self.report({"INFO"}, text)
        return {"FINISHED"}


def show_frames(scene: bpy.types.Scene, frames: Path, video: Path) -> str:
    """Add strips, or have those that show these frames already read them again; says what was done. Raises UserError."""
    folder = FrameFolder.read(frames)
    shown = find_images(scene, frames)
    if shown:
        for strip in shown:
            strip.directory = strip.directory  # Blender forgets the pictures it keeps of a strip whose folder is set
        return "The strips show the new frames"
    untouched = is_untouched(scene)
    if untouched:
        match_rate(scene, folder.fps)
    added = add_strips(scene, frames, video=video if video.is_file() else None)
    if untouched:
        scene.frame_end = added.end - 1
    use_in_sequencers(scene)
    held = f"; {added.missing} frames are missing, the one before is held" if added.missing else ""
    return f"Strips from frame {added.start} to {added.end - 1}{held}"


def use_in_sequencers(scene: bpy.types.Scene) -> None:
    """Since Blender 5.0 a sequencer shows the scene that its workspace names, and nothing while it names none."""
    for workspace in bpy.data.workspaces:
        if getattr(workspace, "sequencer_scene", scene) is None:
            workspace.sequencer_scene = scene


def show_result(job: jobs.Job) -> None:
    """When a job that makes frames ends well and its scene is open, show them; otherwise its button in the panel does."""
    if job.verb not in SHOWS_FRAMES or job.view.state != "done" or job.note.get("shown"):
        return
    if job.note.get("blend") != bpy.data.filepath or job.note.get("scene", "") not in bpy.data.scenes:
        return
    manager = bpy.context.window_manager
    with bpy.context.temp_override(window=manager.windows[0]):
        try:
            bpy.ops.ningyo.add_strips("EXEC_DEFAULT", True, job=str(job.folder))
        except RuntimeError as error:  # how an operator's error report arrives in Python
            job.remember(problem=str(error).removeprefix("Error: ").strip())


CLASSES = (NINGYO_OT_retarget, NINGYO_OT_add_strips)
