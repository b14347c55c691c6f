# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""The "Dataset" panels in the 3-D view's sidebar."""

from __future__ import annotations

from typing import Any

import bpy

from . import dataset_preview, jobs
from .dataset_folder import OWN_JOB
from .dataset_job import enabled, is_character, line_problem, title, wanted
from .dataset_properties import CHARACTERS, CLIPS
from .dataset_sources import out_of
from .dataset_work import asked, dataset_obstacle, found, render_obstacle, running_on
from .language import said
from .motion_panels import optional
from .panels import InView3D, draw_job, no_worker, say, split
from .preferences import worker_python
from .presets import NINGYO_PT_dataset_presets


class NINGYO_UL_dataset(bpy.types.UIList):
    """Characters or clips: whether they are taken, what they are, and what is wrong with them."""

    def draw_item(self, context, layout, _data, item, _icon, _active_data, _active_property, _index) -> None:
        row = layout.row(align=True)
        row.prop(item, "enabled", text="")
        name = row.row(align=True)
        name.active = item.enabled
        problem = line_problem(context.scene, item)
        icon = "ERROR" if problem else _icon_of(item)
        name.label(text=f"{title(item)}: {problem}" if problem and item.enabled else title(item), icon=icon)
        if not problem and note_of(item):
            note = name.row()
            note.alignment = "RIGHT"
            note.label(text=note_of(item))


def _icon_of(line: Any) -> str:
    kinds = CHARACTERS if is_character(line) else CLIPS
    return next(icon for kind, _, _, icon, _ in kinds if kind == line.kind)


def note_of(line: Any) -> str:
    """What of a line is worth a word in the list."""
    if is_character(line):
        return f"{line.many}×" if line.kind == "BUILTIN" and line.many > 1 else ""
    trimmed = f"{line.start}–{line.end or ''}" if line.trims else ""
    return ", ".join(word for word in (trimmed, said({"TEST": "held out", "TRAIN": "training"}.get(line.split, ""))) if word)


class NINGYO_MT_dataset_characters(bpy.types.Menu):
    bl_label = "Add Character"

    def draw(self, _context: bpy.types.Context) -> None:
        self.layout.operator("ningyo.dataset_add_builtin", icon="COMMUNITY")
        self.layout.operator("ningyo.dataset_add_characters", text="Files…", icon="FILE_3D")
        self.layout.operator("ningyo.dataset_add_armatures", icon="ARMATURE_DATA")


class NINGYO_MT_dataset_clips(bpy.types.Menu):
    bl_label = "Add Clip"

    def draw(self, _context: bpy.types.Context) -> None:
        self.layout.operator("ningyo.dataset_add_clips", text="Files…", icon="ACTION")
        self.layout.operator("ningyo.dataset_add_motions", icon="ARMATURE_DATA")


class NINGYO_PT_dataset(InView3D, bpy.types.Panel):
    bl_label = "Batch Dataset"
    bl_order = 1
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 (Blender reads it from the class)

    def draw_header_preset(self, _context: bpy.types.Context) -> None:
        NINGYO_PT_dataset_presets.draw_panel_header(self.layout)

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.ningyo.dataset
        say(layout, context, "Of many characters and clips at once. The path above makes one of its own, in step 5", "INFO")
        _draw_list(layout, settings, "characters", "character", "NINGYO_MT_dataset_characters")
        line = _chosen(settings.characters, settings.character)
        if line is not None:
            _draw_character(split(layout.column()), line)
        _draw_list(layout, settings, "clips", "clip", "NINGYO_MT_dataset_clips")
        line = _chosen(settings.clips, settings.clip)
        if line is not None:
            split(layout.column()).prop(line, "file" if line.kind == "FILE" else "armature")
        column = split(layout.column())
        column.prop(settings, "size")
        optional(column, settings, "counts", "count")
        row = layout.row(align=True)
        row.operator("ningyo.dataset_load_job", text="Load Job…", icon="FILE_FOLDER")
        row.operator("ningyo.dataset_save_job", text="Save Job…", icon="FILE_TICK")


def _draw_list(layout: bpy.types.UILayout, settings: Any, lines: str, chosen: str, menu: str) -> None:
    taken, listed = len(enabled(getattr(settings, lines))), len(getattr(settings, lines))
    name = said(lines.capitalize())
    layout.label(
        text=said("{name} ({taken} of {listed})", name=name, taken=taken, listed=listed) if taken < listed else name, translate=False
    )
    row = layout.row()
    row.template_list("NINGYO_UL_dataset", lines, settings, lines, settings, chosen, rows=2 if listed < 2 else 4)
    buttons = row.column(align=True)
    buttons.menu(menu, text="", icon="ADD")
    buttons.operator("ningyo.dataset_remove", text="", icon="REMOVE").which = lines.upper()
    if listed > 1:
        buttons.separator()
        for icon, by in (("TRIA_UP", -1), ("TRIA_DOWN", 1)):
            move = buttons.operator("ningyo.dataset_move", text="", icon=icon)
            move.which, move.by = lines.upper(), by


def _chosen(lines: Any, number: int) -> Any:
    return lines[number] if 0 <= number < len(lines) else None


def _draw_character(column: bpy.types.UILayout, line: Any) -> None:
    if line.kind == "BUILTIN":
        column.prop(line, "seed")
        column.prop(line, "many")
    else:
        column.prop(line, "file" if line.kind == "FILE" else "armature")
    if line.kind != "BUILTIN" or line.many == 1:
        column.prop(line, "name", placeholder=title(line))


def span(column: bpy.types.UILayout, data: Any, name: str, text: str | None = None) -> None:
    """A range: its name, and its two ends side by side."""
    names, values = sides(column)
    names.label(text=data.bl_rna.properties[name].name if text is None else text)
    values.prop(data, name, index=0, text="")
    values.prop(data, name, index=1, text="")


def sides(column: bpy.types.UILayout) -> tuple[bpy.types.UILayout, bpy.types.UILayout]:
    """Two rows, where `use_property_split` has names and values."""
    halves = column.split(factor=0.4)
    left, right = halves.row(), halves.row(align=True)
    left.alignment = "RIGHT"
    right.use_property_split = False
    return left, right


class OfDataset(InView3D):
    bl_parent_id = "NINGYO_PT_dataset"


class Closed(OfDataset):
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012


class NINGYO_PT_dataset_clip(Closed, bpy.types.Panel):
    bl_label = "Chosen Clip"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        settings = context.scene.ningyo.dataset
        return _chosen(settings.clips, settings.clip) is not None

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.ningyo.dataset
        line, column = _chosen(settings.clips, settings.clip), split(self.layout.column())
        column.prop(line, "name", placeholder=title(line))
        optional(column, line, "trims", "start", "end")
        span(column, line, "speed")
        column.prop(line, "mirrored", slider=True)
        column.prop(line, "split")
        column.prop(line, "characters")


class NINGYO_PT_dataset_labels(Closed, bpy.types.Panel):
    bl_label = "Labels"

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.ningyo.dataset
        layout = split(self.layout)
        for heading, names in (
            ("Pose", ("skeleton", "limbs", "capsules")),
            ("Surface", ("mask", "parts", "depth", "normal", "uv")),
            ("Motion", ("flow",)),
            ("Camera", ("head",)),
        ):
            column = layout.column(heading=heading, align=True)
            for name in names:
                column.prop(settings.labels, name)
        if settings.labels.head:
            optional(layout.column(), settings, "has_head_size", "head_size")
        say(layout, context, "The picture and its exact joints in 2-D and 3-D are always written", "INFO")


class NINGYO_PT_dataset_cameras(Closed, bpy.types.Panel):
    bl_label = "Cameras"

    def draw(self, context: bpy.types.Context) -> None:
        cameras = context.scene.ningyo.dataset.cameras
        column = split(self.layout.column())
        column.prop(cameras, "around")
        column.prop(cameras, "orbit" if cameras.around == "ORBIT" else "angles")
        column.prop(cameras, "rise")
        if cameras.rise != "AUTO":
            span(column, cameras, cameras.rise.lower(), "")
        column.prop(cameras, "reach")
        if cameras.reach != "AUTO":
            span(column, cameras, cameras.reach.lower(), "")
        row = column.row(align=True, heading="Framing")
        row.prop(cameras, "framings")
        column.prop(cameras, "consecutive")
        jitters = column.column(align=True)
        jitters.prop(cameras, "yaw_jitter", text="Jitter Angle")
        for name in ("elevation_jitter", "distance_jitter", "framing_jitter"):
            jitters.prop(cameras, name)


class NINGYO_PT_dataset_poses(Closed, bpy.types.Panel):
    bl_label = "Poses"

    def draw(self, context: bpy.types.Context) -> None:
        poses = context.scene.ningyo.dataset.poses
        column = split(self.layout.column())
        column.prop(poses, "variations", slider=True)
        of_variations = column.column()
        of_variations.active = poses.variations > 0
        of_variations.prop(poses, "mirrored", slider=True)
        of_variations.prop(poses, "spread", slider=True)
        column.prop(poses, "sampled", slider=True)
        column.prop(poses, "expressions", slider=True)


class NINGYO_PT_dataset_look(Closed, bpy.types.Panel):
    bl_label = "Look"

    def draw(self, context: bpy.types.Context) -> None:
        look = context.scene.ningyo.dataset.look
        column = split(self.layout.column())
        for name in ("light_yaw", "light_elevation", "outline"):
            span(column, look, name)
        column.prop(look, "tones")
        column.prop(look, "palettes")


class NINGYO_PT_dataset_background(Closed, bpy.types.Panel):
    bl_label = "Background"

    def draw(self, context: bpy.types.Context) -> None:
        background = context.scene.ningyo.dataset.background
        column = split(self.layout.column())
        column.prop(background, "kind")
        if background.kind in ("COLOURS", "BOTH"):
            names, values = sides(column)
            names.label(text="Colors")
            colours = values.column(align=True)
            for number, colour in enumerate(background.colours):
                row = colours.row(align=True)
                row.prop(colour, "value", text="")
                remove = row.operator("ningyo.dataset_remove", text="", icon="X")
                remove.which, remove.number = "COLOURS", number
            colours.operator("ningyo.dataset_add_colour", text="Add", icon="ADD")
        if background.kind in ("PICTURES", "BOTH"):
            column.prop(background, "pictures")


class NINGYO_PT_dataset_preview(OfDataset, bpy.types.Panel):
    bl_label = "Preview"

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.ningyo.dataset
        ask = wanted(context.scene, dataset_preview.folder())
        column = split(layout.column())
        column.prop(settings, "number", slider=True)
        row = layout.row(align=True)
        row.scale_y = 1.4
        row.operator("ningyo.dataset_preview", icon="IMAGE_DATA").which = "SAME"
        row.operator("ningyo.dataset_preview", text="", icon="FRAME_NEXT").which = "NEXT"
        row.operator("ningyo.dataset_preview", text="", icon="FILE_REFRESH").which = "RANDOM"
        if ask.problem:
            say(layout, context, ask.problem, "INFO")
        last = dataset_preview.last
        if last is not None and last.scene == context.scene.name and last.job == ask.job:
            lines = layout.column(align=True)
            for line in last.lines:
                say(lines, context, line, "NONE")


class NINGYO_PT_dataset_render(OfDataset, bpy.types.Panel):
    bl_label = "Render"

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings, out = self.layout, context.scene.ningyo.dataset, out_of(context.scene)
        column = split(layout.column())
        column.prop(settings, "output", placeholder=f"{out.parent.name}/{out.name}")
        column.prop(settings, "seed")
        optional(column, settings, "limits_workers", "workers")
        there, job = found(context), running_on(out)
        row = layout.row()
        row.scale_y = 1.4
        goes_on = there.kind == "unfinished" and job is None
        row.operator("ningyo.dataset_render", text="Continue" if goes_on else "Render Dataset", icon="RENDER_ANIMATION")
        problem = render_obstacle(context)
        if worker_python(context) is None:
            no_worker(layout, context)
        elif job is None and problem:
            done = there.kind == "finished" and asked(context).job is not None
            say(layout, context, problem, "CHECKMARK" if done else "ERROR" if there.kind in ("another", "foreign") else "INFO")
            if there.kind in ("another", "foreign"):
                row = layout.row(align=True)
                row.operator("ningyo.dataset_new_folder", icon="NEWFOLDER")
                if there.kind == "another":
                    row.operator_context = "EXEC_DEFAULT"
                    row.operator("ningyo.dataset_load_job", text="Load Its Job", icon="FILE_REFRESH").filepath = str(out / OWN_JOB)
        elif goes_on:
            say(layout, context, said("{done} of {total} samples are there", done=there.done, total=there.total), "INFO")
        for known in shown_jobs(out):
            box = layout.box()
            draw_job(box, context, known)
            if known.view.result.get("whole"):
                say(
                    box,
                    context,
                    said("Every file of the {count} samples is as it was rendered", count=known.view.result["samples"]),
                    "NONE",
                )


def shown_jobs(out: Any) -> list[jobs.Job]:
    """Those that are at work on any dataset, and the last one of this dataset; trainings have a panel of their own."""
    known = [job for job in reversed(jobs.JOBS) if "dataset" in job.note and job.verb != "train"]
    own = next((job for job in known if job.note["dataset"] == str(out)), None)
    return [job for job in known if job.is_running or job is own]


class NINGYO_PT_dataset_made(Closed, bpy.types.Panel):
    bl_label = "Finished Samples"

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings, out = self.layout, context.scene.ningyo.dataset, out_of(context.scene)
        problem = dataset_obstacle(context)
        if problem:
            say(layout, context, problem, "INFO")
        column = layout.column(align=True)
        row = column.row(align=True)
        row.operator("ningyo.open_folder", icon="FILE_FOLDER").folder = str(out)
        row.operator("ningyo.dataset_stats", icon="GRAPH")
        row = column.row(align=True)
        row.operator("ningyo.dataset_verify", icon="CHECKMARK").repair = False
        row.operator("ningyo.dataset_verify", text="Repair", icon="TOOL_SETTINGS").repair = True
        row = split(layout.row(align=True))
        row.prop(settings, "form", text="Export")
        row.operator("ningyo.dataset_export", text="", icon="EXPORT")


CLASSES = (
    NINGYO_UL_dataset,
    NINGYO_MT_dataset_characters,
    NINGYO_MT_dataset_clips,
    NINGYO_PT_dataset,
    NINGYO_PT_dataset_clip,
    NINGYO_PT_dataset_labels,
    NINGYO_PT_dataset_cameras,
    NINGYO_PT_dataset_poses,
    NINGYO_PT_dataset_look,
    NINGYO_PT_dataset_background,
    NINGYO_PT_dataset_preview,
    NINGYO_PT_dataset_render,
    NINGYO_PT_dataset_made,
)
