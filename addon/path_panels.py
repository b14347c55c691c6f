# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""The path from a video to anime in the "Ningyo" tab: a panel a step, which says what is there, what comes next and what is missing."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..sequencer.strips import find_images
from . import facts, jobs, words
from .dataset_folder import is_there
from .environment import draw_setup, is_outdated
from .language import said
from .operators import obstacle
from .panels import InSequencer, InView3D, Jobs, People, no_worker, say, split
from .plan import STAGES, Plan, Status, first
from .presets import NINGYO_PT_path_presets
from .properties import NINGYO_settings, plan_of, sequencer_scene, statuses

ICONS = {
    "blocked": "RADIOBUT_OFF",
    "todo": "RADIOBUT_OFF",
    "queued": "TIME",
    "running": "SORTTIME",
    "stopped": "PAUSE",
    "failed": "ERROR",
    "stale": "FILE_REFRESH",
    "done": "CHECKMARK",
}
# What stands in a header, where there is little room.
SHORT = {"blocked": "", "todo": "To Do", "queued": "Queued", "running": "Running", "stopped": "Stopped", "failed": "Failed"} | {
    "stale": "Out of Date",
    "done": "",
}


class Main:
    """What is for all steps: everything at once, the demo, and where the files go."""

    bl_label = "Ningyo"

    def draw_header_preset(self, _context: bpy.types.Context) -> None:
        NINGYO_PT_path_presets.draw_panel_header(self.layout)

    def draw(self, context: bpy.types.Context) -> None:
        layout: bpy.types.UILayout = self.layout
        settings, plan = context.scene.ningyo, plan_of(context)
        row = layout.row(align=True)
        row.scale_y = 1.4
        row.operator("ningyo.run", icon="PLAY")
        row.operator("ningyo.demo", icon="GHOST_ENABLED")
        reason = obstacle("run", plan)
        if plan.worker is None:
            no_worker(layout, context)
        elif is_outdated(context):
            draw_setup(layout, context)
        elif reason:
            say(layout, context, reason, "INFO")
        split(layout.column()).prop(settings, "output", placeholder=plan.out.parent.name)
        if is_there(plan.out):
            layout.operator("ningyo.open_folder", icon="FILE_FOLDER").folder = str(plan.out)


NO_VIDEO = "Blender found no video in this file: choose it again, or another one"


def video_status(settings: NINGYO_settings, plan: Plan) -> Status:
    if plan.video_problem:
        return Status("todo" if plan.video == Path() else "failed", plan.video_problem)
    return Status("done", "done") if facts.of_video(settings.video_facts) else Status("failed", said(NO_VIDEO))


def character_status(settings: NINGYO_settings, plan: Plan) -> Status:
    chosen = settings.rig_file if settings.character == "FILE" else ""
    return Status("failed" if chosen else "todo", plan.rig_problem) if plan.rig_problem else Status("done", "done")


class Step:
    """What all steps share: how far they are, in the header as an icon and a word. `verb` is the stage that a step's button starts."""

    bl_parent_id = "NINGYO_PT_view3d"
    verb = ""

    def status(self, context: bpy.types.Context) -> Status:
        return statuses(plan_of(context))[self.verb]

    def draw_header(self, context: bpy.types.Context) -> None:
        self.layout.label(text="", icon=ICONS[self.status(context).kind])

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        status = self.status(context)
        row = self.layout.row()
        row.alignment = "RIGHT"
        row.active = status.kind in ("running", "failed", "stale")
        fraction = status.job.view.fraction if status.kind == "running" else None
        if fraction is not None:
            row.label(text=f"{100 * fraction:.0f} %", translate=False)
        elif status.text in map(first, STAGES):
            row.label(text=status.text)
        else:
            row.label(text=SHORT[status.kind])
        if self.verb and status.kind in ("todo", "stale", "stopped", "failed") and getattr(bpy.ops.ningyo, self.verb).poll():
            row.operator(f"ningyo.{self.verb}", text="", icon="PLAY", emboss=False)


def draw_fact(layout: bpy.types.UILayout, context: bpy.types.Context, text: str) -> None:
    """What a step has, where it has something."""
    if text:
        say(layout, context, text, "NONE")


def draw_stage(
    layout: bpy.types.UILayout, context: bpy.types.Context, verb: str, does: str, *, icon: str, reason: str | None = None
) -> None:
    """A stage's button, what it does or the `reason` why it cannot be pressed, and how far it is."""
    plan = plan_of(context)
    status = statuses(plan)[verb]
    layout.operator(f"ningyo.{verb}", icon=icon)
    draw_state(layout, context, status)
    if reason is None:
        reason = obstacle(verb, plan)
    if status.kind in ("todo", "blocked"):
        say(layout, context, does, "NONE")
    if reason and status.kind not in ("running", "queued"):
        say(layout, context, reason, "INFO")


def draw_state(layout: bpy.types.UILayout, context: bpy.types.Context, status: Status) -> None:
    """How far a stage is, where that is not plain from the rest."""
    job = status.job
    if status.kind == "running":
        row = layout.row(align=True)
        row.progress(factor=job.view.fraction or 0.0, type="BAR", text=words.progress(job.view) or "…")
        draw_stop(row, job)
    elif status.kind == "queued":
        row = layout.row(align=True)
        row.label(text=sentence(status.text), icon=ICONS["queued"])
        draw_stop(row, job)
    elif status.kind == "failed":
        say(layout, context, job.view.error or "Failed", "ERROR")
    elif status.kind in ("stale", "stopped"):
        say(layout, context, sentence(status.text), ICONS[status.kind])


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def draw_stop(row: bpy.types.UILayout, job: jobs.Job) -> None:
    stop = row.row(align=True)
    stop.enabled = job.stopping_since is None
    stop.operator("ningyo.cancel", text="", icon="X").job = str(job.folder)


class NINGYO_PT_view3d(Main, InView3D, bpy.types.Panel):
    bl_idname = "NINGYO_PT_view3d"


class NINGYO_PT_step_video(Step, InView3D, bpy.types.Panel):
    bl_label = "1. Video"
    bl_order = 1

    def status(self, context: bpy.types.Context) -> Status:
        return video_status(context.scene.ningyo, plan_of(context))

    def draw(self, context: bpy.types.Context) -> None:
        settings, plan = context.scene.ningyo, plan_of(context)
        split(self.layout.column()).prop(settings, "video")
        status = video_status(settings, plan)
        if status.kind != "done":
            say(self.layout, context, status.text, "INFO" if status.kind == "todo" else "ERROR")
        else:
            draw_fact(self.layout, context, facts.of_video(settings.video_facts))


class NINGYO_PT_step_person(Step, InView3D, bpy.types.Panel):
    bl_label = "2. Person"
    bl_order = 2
    verb = "capture"

    def draw(self, context: bpy.types.Context) -> None:
        settings, plan = context.scene.ningyo, plan_of(context)
        column = split(self.layout.column())
        column.prop(settings, "fast")
        draw_stage(self.layout, context, "capture", "Finds everyone in the video: body, hands and face", icon="VIEWZOOM")
        column = split(self.layout.column())
        column.prop(settings, "person")
        draw_fact(self.layout, context, facts.of_person(plan.files.track, settings.person))


class NINGYO_PT_step_character(Step, InView3D, bpy.types.Panel):
    bl_label = "3. Character"
    bl_order = 3

    def status(self, context: bpy.types.Context) -> Status:
        return character_status(context.scene.ningyo, plan_of(context))

    def draw(self, context: bpy.types.Context) -> None:
        settings, plan = context.scene.ningyo, plan_of(context)
        column = split(self.layout.column())
        column.prop(settings, "character", text="From")
        column.prop(settings, {"BUILTIN": "seed", "FILE": "rig_file", "ARMATURE": "armature"}[settings.character])
        if plan.rig_problem:
            say(self.layout, context, plan.rig_problem, "ERROR" if character_status(settings, plan).kind == "failed" else "INFO")
        elif settings.character == "FILE":
            draw_fact(self.layout, context, facts.of_character(Path(plan.rig)))
        elif settings.character == "ARMATURE":
            bones = len(settings.armature.data.bones)
            draw_fact(self.layout, context, said("{name}, {count} bones", name=settings.armature.name, count=bones))


class NINGYO_PT_step_dataset(Step, InView3D, bpy.types.Panel):
    bl_label = "5. Dataset"
    bl_order = 5
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 (Blender reads it from the class)
    verb = "render"

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.ningyo
        column = split(self.layout.column())
        column.prop(settings, "count")
        column.prop(settings, "size")
        draw_fact(self.layout, context, facts.of_dataset(plan_of(context).files.dataset))
        draw_stage(
            self.layout,
            context,
            "render",
            "Renders the character in the person's poses, to learn from",
            icon="RENDER_ANIMATION",
        )
        if statuses(plan_of(context))["render"].kind == "stale":
            say(self.layout, context, "Pictures of other settings are kept, in a folder of another name", "NONE")
        if bpy.ops.ningyo.path_preview.poll():
            self.layout.operator("ningyo.path_preview", icon="IMAGE_DATA")


class Generate:
    """The last step, in both tabs."""

    verb = "generate"

    def draw(self, context: bpy.types.Context) -> None:
        layout, plan = self.layout, plan_of(context)
        draw_fact(layout, context, facts.of_frames(plan.files.frames / "frames.json"))
        draw_stage(layout, context, "generate", "Draws the character in every frame, as a strip in the sequencer", icon="SHADERFX")
        there = is_there(plan.made("generate"))
        row = layout.row()
        row.enabled = there
        row.operator("ningyo.add_strips", icon="SEQ_STRIP_DUPLICATE")
        if not there:
            say(layout, context, "The strip needs frames: Generate first", "NONE")
        elif find_images(sequencer_scene(context), plan.files.frames):
            say(layout, context, "The frames are in the sequencer", "CHECKMARK")


class NINGYO_PT_step_generate(Generate, Step, InView3D, bpy.types.Panel):
    bl_label = "7. Generate"
    bl_order = 7
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012


class NINGYO_PT_view3d_people(People, InView3D, bpy.types.Panel):
    bl_parent_id = "NINGYO_PT_step_person"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012


class NINGYO_PT_view3d_jobs(Jobs, InView3D, bpy.types.Panel):
    bl_parent_id = "NINGYO_PT_view3d"
    bl_order = 8


class NINGYO_PT_sequencer(Main, InSequencer, bpy.types.Panel):
    bl_idname = "NINGYO_PT_sequencer"

    def draw(self, context: bpy.types.Context) -> None:
        split(self.layout.column()).prop(context.scene.ningyo, "video")
        Main.draw(self, context)


class NINGYO_PT_sequencer_generate(Generate, Step, InSequencer, bpy.types.Panel):
    bl_label = "Generate"
    bl_parent_id = "NINGYO_PT_sequencer"
    bl_order = 1


class NINGYO_PT_sequencer_people(People, InSequencer, bpy.types.Panel):
    bl_parent_id = "NINGYO_PT_sequencer"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012
    bl_order = 2


class NINGYO_PT_sequencer_jobs(Jobs, InSequencer, bpy.types.Panel):
    bl_parent_id = "NINGYO_PT_sequencer"
    bl_order = 3


CLASSES = (
    NINGYO_PT_view3d,
    NINGYO_PT_step_video,
    NINGYO_PT_step_person,
    NINGYO_PT_step_character,
    NINGYO_PT_step_dataset,
    NINGYO_PT_step_generate,
    NINGYO_PT_view3d_people,
    NINGYO_PT_view3d_jobs,
    NINGYO_PT_sequencer,
    NINGYO_PT_sequencer_generate,
    NINGYO_PT_sequencer_people,
    NINGYO_PT_sequencer_jobs,
)
