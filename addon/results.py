# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""Putting generated frames into the open scene's sequencer."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..errors import UserError
from ..sequencer.frames import FrameFolder
from ..sequencer.strips import add_strips, find_images, is_untouched, match_rate
from . import jobs
from .properties import plan_of, sequencer_scene

SHOWS_FRAMES = ("generate", "run", "demo")


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


CLASSES = (NINGYO_OT_add_strips,)
