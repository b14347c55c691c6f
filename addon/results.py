# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""Putting generated frames into the open scene's sequencer, from the first one on, while the others are being made."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path

import bpy

from ..errors import UserError
from ..sequencer.frames import FrameFolder
from ..sequencer.pictures import RATE, pictures_now, show_newest
from ..sequencer.strips import add_strips, find_images, folder_of, is_untouched, match_rate, show_own_colours
from ..sequencer.timeline import every_strip
from . import jobs
from .explained import Explained
from .language import said
from .plan import files_of, options_of
from .properties import plan_of, sequencer_scene

SHOWS_FRAMES = ("generate", "run", "demo")
JOB = "ningyo_job"  # on an image strip: the name of the folder of the job that made its frames
SECONDS_BETWEEN_LOOKS = 1.0
# Of Blender's time, the part that looking for new frames may take.
SHARE = 0.05
# Moving strips with the mouse and the like: what is being moved must stay as it is.
MODAL = ("TRANSFORM_OT_", "SEQUENCER_OT_")


class NINGYO_OT_add_strips(Explained, bpy.types.Operator):
    """Show the generated frames in the sequencer, over their movie"""

    bl_idname = "ningyo.add_strips"
    bl_label = "Add Strips"
    bl_options = {"UNDO"}  # noqa: RUF012

    job: bpy.props.StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def act(self, context: bpy.types.Context) -> str:
        job = jobs.find(self.job) if self.job else None
        if job is not None:
            frames, video = frames_of(job), Path(job.note["video"])
        else:
            plan = plan_of(context)
            frames, video = plan.files.frames, plan.video
        scene = (bpy.data.scenes.get(job.note.get("scene", "")) if job else None) or sequencer_scene(context)
        return show_frames(scene, frames, video, job)


def frames_of(job: jobs.Job) -> Path:
    """The folder of the frames that a job makes."""
    files, given = files_of(job), options_of(job.arguments)
    return files.out if job.verb == "generate" and given.get("--out") else files.frames


def show_frames(scene: bpy.types.Scene, frames: Path, video: Path, job: jobs.Job | None = None) -> str:
    """Add strips, or have those that show these frames already read them again; says what was done. Raises UserError."""
    folder = FrameFolder.read(frames)
    shown = find_images(scene, frames)
    for strip in shown:
        show_newest(scene, strip, folder)
        if job is not None:
            strip[JOB] = job.folder.name
    if not shown:
        untouched = is_untouched(scene)
        if untouched:
            match_rate(scene, folder.fps)
            show_own_colours(scene)
        added = add_strips(scene, frames, video=video if video.is_file() else None)
        if untouched:
            scene.frame_end = added.whole_end - 1
        if job is not None:
            added.images[JOB] = job.folder.name
        use_in_sequencers(scene)
    if job is not None and not job.note.get("shown"):
        job.remember(shown=True)
    if shown:
        return said("The strips show the new frames")
    text = said("Strips from frame {first} to {last}", first=added.start, last=added.end - 1)
    if added.missing:
        return said("{strips}; {count} frames are missing, the one before is held", strips=text, count=added.missing)
    return text


def use_in_sequencers(scene: bpy.types.Scene) -> None:
    """Since Blender 5.0 a sequencer shows the scene that its workspace names, and nothing while it names none."""
    for workspace in bpy.data.workspaces:
        if getattr(workspace, "sequencer_scene", scene) is None:
            workspace.sequencer_scene = scene


@dataclass
class _Look:
    """At a job's frames: which was the newest, and when to look again (`time.monotonic`)."""

    newest: str = ""
    next: float = 0.0


_looks: dict[Path, _Look] = {}


def show_progress(job: jobs.Job) -> None:
    """While a job makes frames and its scene is open, have the sequencer show those that are there.

    Strips are added once, as one step that can be undone; whoever undoes it, or deletes them, is not given them again.
    """
    newest = job.view.artefacts.get("frame", "")
    look = _looks.setdefault(job.folder, _Look())
    scene = _scene_of(job)
    if job.verb not in SHOWS_FRAMES or newest == look.newest or scene is None or time.monotonic() < look.next or _is_user_at_work():
        return
    began = time.monotonic()
    try:
        folder = FrameFolder.read(frames_of(job))
        if find_images(scene, folder.path):
            show_frames(scene, folder.path, Path(job.note["video"]), job)
        elif not job.note.get("shown") and folder.files[0]:
            _add(job)
    except UserError:
        return  # not yet
    if job.note.get("problem"):
        look.next = math.inf  # once more when all are made
        return
    now = time.monotonic()
    look.newest, look.next = newest, now + max(SECONDS_BETWEEN_LOOKS, (now - began) / SHARE)


def show_result(job: jobs.Job) -> None:
    """When a job ends that made frames for an open scene, show them all; those of one that failed or was stopped only where some were
    shown before. Otherwise the job's button in the panel does.
    """
    _looks.pop(job.folder, None)
    scene = _scene_of(job)
    if job.verb not in SHOWS_FRAMES or scene is None:
        return
    if job.note.get("shown"):
        try:
            if find_images(scene, frames_of(job)):
                show_frames(scene, frames_of(job), Path(job.note["video"]), job)
        except UserError as error:
            job.remember(problem=str(error))
    elif job.view.state == "done":
        job.note.pop("problem", None)
        _add(job)


def _scene_of(job: jobs.Job) -> bpy.types.Scene | None:
    """The scene a job's frames are for, where its file is open."""
    return bpy.data.scenes.get(job.note.get("scene", "")) if job.note.get("blend") == bpy.data.filepath else None


def _add(job: jobs.Job) -> None:
    manager = bpy.context.window_manager
    with bpy.context.temp_override(window=manager.windows[0]):
        try:
            bpy.ops.ningyo.add_strips("EXEC_DEFAULT", True, job=str(job.folder))
        except RuntimeError as error:
            job.remember(problem=jobs.reported(error))


def _is_user_at_work() -> bool:
    """Whether Blender renders, or strips are being moved."""
    if bpy.app.is_job_running("RENDER"):
        return True
    windows = bpy.context.window_manager.windows
    return any(one.bl_idname.startswith(MODAL) for window in windows for one in getattr(window, "modal_operators", ()))


@bpy.app.handlers.persistent
def _before_saving(*_: object) -> None:
    global _saved_from
    _saved_from = bpy.data.filepath


@bpy.app.handlers.persistent
def _after_saving(*_: object) -> None:
    """A file that was saved under another name is still the one the running jobs work for."""
    if bpy.data.filepath != _saved_from:
        for job in jobs.JOBS:
            if job.is_running and job.note.get("blend") == _saved_from:
                job.remember(blend=bpy.data.filepath)


_saved_from = ""


@bpy.app.handlers.persistent
def _after_undo(*_: object) -> None:
    if not bpy.app.timers.is_registered(show_again):
        bpy.app.timers.register(show_again)


def show_again() -> float | None:
    """Undo and redo bring strips back as long as they were at that time; have them grow to what is there. The answer is a timer's."""
    if _is_user_at_work():
        return SECONDS_BETWEEN_LOOKS
    for scene in bpy.data.scenes:
        for strip in [strip for strip in every_strip(scene) if strip.type == "IMAGE" and RATE in strip]:
            try:
                folder = FrameFolder.read(folder_of(strip))
            except UserError:
                continue
            if [element.filename for element in strip.elements] != pictures_now(scene, strip, folder):
                show_newest(scene, strip, folder)
    return None


def watch() -> None:
    """From now on, show what jobs make while they do."""
    jobs.on_look.append(show_progress)
    bpy.app.handlers.undo_post.append(_after_undo)
    bpy.app.handlers.redo_post.append(_after_undo)
    bpy.app.handlers.save_pre.append(_before_saving)
    bpy.app.handlers.save_post.append(_after_saving)


def forget() -> None:
    bpy.app.handlers.save_pre.remove(_before_saving)
    bpy.app.handlers.save_post.remove(_after_saving)
    bpy.app.handlers.undo_post.remove(_after_undo)
    bpy.app.handlers.redo_post.remove(_after_undo)
    if bpy.app.timers.is_registered(show_again):
        bpy.app.timers.unregister(show_again)
    _looks.clear()


CLASSES = (NINGYO_OT_add_strips,)
