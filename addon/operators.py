# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""The buttons that start jobs and look after them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ..errors import UserError
from ..jobs.folder import LOG, write_atomically
from ..verbs.demo import VIDEO as DEMO_VIDEO
from . import environment, jobs, words
from .character import export_character, scene_armature
from .explained import Explained
from .language import said
from .people import capture_beside
from .plan import Plan, coming, promised, solves
from .preferences import worker_python
from .properties import output_base, plan_of, sequencer_scene

NO_WORKER = "Set up the worker first, above or in the add-on's preferences"


def worker_of(context: bpy.types.Context) -> Path:
    """The worker's Python. Raises UserError where there is none."""
    interpreter = worker_python(context)
    if interpreter is None:
        raise UserError(said(NO_WORKER))
    return interpreter


def obstacle(verb: str, plan: Plan, *, needs_worker: bool = True) -> str:
    """Why a stage cannot be started or queued, as a short sentence; empty where it can."""
    made = coming(plan, jobs.JOBS)
    reason = plan.blocked(verb, needs_worker=needs_worker, coming=promised(plan, jobs.JOBS))
    if not reason and verb in made:
        doing = "run" if "run" in made else verb
        reason = said("{job} is at work already", job=words.name_of(doing))
    return reason


def start(context: bpy.types.Context, verb: str, plan: Plan, arguments: list[str] | None = None, **more: Any) -> jobs.Job:
    """Start a stage, or all of them, on the worker, by the plan's `arguments` unless others are given; where a job is at work in the
    output folder, queue it after that one, for two would write over each other. Raises UserError.

    The job's note holds `more`.
    """
    reason = obstacle(verb, plan)
    if reason:
        raise UserError(reason)
    assert plan.worker is not None
    if arguments is None and context.scene.ningyo.character == "ARMATURE" and verb in ("retarget", "render", "run"):
        export_character(context, scene_armature(context, plan), Path(plan.rig))
    if verb == "render" and solves(plan, jobs.JOBS) and "retarget" not in coming(plan, jobs.JOBS):
        start(context, "retarget", plan)
    track = plan.made("capture")
    if verb in ("capture", "run") and not track.exists():
        other = capture_beside(plan.video, track)
        if other is not None:  # the capture keeps it, if it is of this content and with these settings
            write_atomically(track, other.read_bytes())
    note = {"scene": sequencer_scene(context).name, "blend": bpy.data.filepath, "video": str(plan.video), **more}
    return jobs.start_job(plan.worker, verb, arguments or plan.arguments(verb), plan.out, after=jobs.last_in(plan.out), **note)


class WorkerStage(Explained):
    """What the buttons of all stages share; `verb` is the command's."""

    verb = ""

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str:
        return obstacle(cls.verb, plan_of(context))

    def act(self, context: bpy.types.Context) -> str | None:
        job = start(context, self.verb, plan_of(context))
        return words.headline(job) if job.is_queued else None


class NINGYO_OT_capture(WorkerStage, bpy.types.Operator):
    """Find everyone in the video: body, hands and face in every frame"""

    bl_idname, bl_label, verb = "ningyo.capture", "Capture", "capture"


class NINGYO_OT_render(WorkerStage, bpy.types.Operator):
    """Render the character in the person's poses, as pictures to learn from"""

    bl_idname, bl_label, verb = "ningyo.render", "Render", "render"


class NINGYO_OT_train(WorkerStage, bpy.types.Operator):
    """Train the network that draws the character; run again, it goes on where it was"""

    bl_idname, bl_label, verb = "ningyo.train", "Train", "train"


class NINGYO_OT_generate(WorkerStage, bpy.types.Operator):
    """Draw the character in every frame of the video, and show the frames in the sequencer"""

    bl_idname, bl_label, verb = "ningyo.generate", "Generate", "generate"


class NINGYO_OT_run(WorkerStage, bpy.types.Operator):
    """All stages in turn, from the video to strips in the sequencer; what is done already is kept"""

    bl_idname, bl_label, verb = "ningyo.run", "Do It All", "run"


class NINGYO_OT_demo(Explained, bpy.types.Operator):
    """The whole way on a built-in clip with a built-in character: some fifteen minutes on a slow machine"""

    bl_idname, bl_label = "ningyo.demo", "Demo"

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str:
        job = jobs.newest("demo")
        return said(NO_WORKER if worker_python(context) is None else "The demo is running" if job and job.is_running else "")

    def act(self, context: bpy.types.Context) -> None:
        out = output_base(context.scene.ningyo) / "demo"
        note = {"scene": sequencer_scene(context).name, "blend": bpy.data.filepath, "video": str(DEMO_VIDEO)}
        jobs.start_job(worker_of(context), "demo", ["--out", str(out)], out, **note)


class OfJob(Explained):
    """What the buttons of one job share."""

    job: bpy.props.StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def found(self) -> jobs.Job:
        """Raises UserError."""
        job = jobs.find(self.job)
        if job is None:
            raise UserError(said("This job is not known any more"))
        return job


class NINGYO_OT_cancel(OfJob, bpy.types.Operator):
    """Ask the job to stop; what it has done is kept, and starting it again goes on from there"""

    bl_idname, bl_label = "ningyo.cancel", "Stop"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    def act(self, _context: bpy.types.Context) -> None:
        self.found().cancel()
        jobs.redraw()


class NINGYO_OT_retry(OfJob, bpy.types.Operator):
    """Start the same job again; it goes on where it was"""

    bl_idname, bl_label = "ningyo.retry", "Go On"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    def act(self, context: bpy.types.Context) -> None:
        job = self.found()
        if job.verb == "setup":
            environment.start(context)
            return
        out = str(job.note.get("out", job.folder.parent.parent))
        note = {key: job.note[key] for key in ("scene", "blend", "video", "show", "retarget", "dataset", "made") if key in job.note}
        jobs.start_job(worker_of(context), job.verb, job.arguments, Path(out), after=jobs.last_in(out), **note)


class NINGYO_OT_clear_jobs(Explained, bpy.types.Operator):
    """Take the jobs that have ended off the list; nothing is deleted from the disk"""

    bl_idname, bl_label = "ningyo.clear_jobs", "Clear Finished"

    @classmethod
    def obstacle(cls, _context: bpy.types.Context) -> str:
        return said("No job has ended") if all(job.is_running for job in jobs.JOBS) else ""

    def act(self, _context: bpy.types.Context) -> None:
        jobs.forget_ended()
        jobs.redraw()


class NINGYO_OT_show_log(OfJob, bpy.types.Operator):
    """Everything the worker said, in a text editor"""

    bl_idname, bl_label = "ningyo.show_log", "Log"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    def act(self, context: bpy.types.Context) -> None:
        job = self.found()
        log = job.folder / LOG
        logged = log.read_text("utf-8", "replace") if log.exists() else ""
        name = f"{job.folder.name}.log"
        text = bpy.data.texts.get(name) or bpy.data.texts.new(name)
        text.from_string(f"{job.verb} {' '.join(job.arguments)}\n{job.view.error}\n\n{logged}")
        if not bpy.app.background:
            bpy.ops.wm.window_new()
            area = context.window_manager.windows[-1].screen.areas[0]
            area.type = "TEXT_EDITOR"
            area.spaces.active.text = text


class NINGYO_OT_open_folder(Explained, bpy.types.Operator):
    """Show the folder in the system's file manager"""

    bl_idname, bl_label = "ningyo.open_folder", "Open Folder"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    folder: bpy.props.StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})

    def act(self, _context: bpy.types.Context) -> None:
        if not Path(self.folder).is_dir():
            raise UserError(said("There is no folder {folder} yet", folder=self.folder))
        bpy.ops.wm.path_open(filepath=self.folder)


CLASSES = (
    NINGYO_OT_capture,
    NINGYO_OT_render,
    NINGYO_OT_train,
    NINGYO_OT_generate,
    NINGYO_OT_run,
    NINGYO_OT_demo,
    NINGYO_OT_cancel,
    NINGYO_OT_retry,
    NINGYO_OT_clear_jobs,
    NINGYO_OT_show_log,
    NINGYO_OT_open_folder,
)
