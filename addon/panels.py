# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""What the panels in the "Ningyo" tab share, and those of people and of jobs."""

from __future__ import annotations

import bpy

from ..sequencer.strips import find_movie
from . import jobs, words
from .environment import draw_setup
from .language import said
from .people import Person, cast_of, listed
from .plan import about
from .properties import plan_of, sequencer_scene
from .results import SHOWS_FRAMES
from .swatches import swatch

ENDED_SHOWN = 5
POINTS_PER_LETTER = 6.5


class Tab:
    bl_region_type = "UI"
    bl_category = "Ningyo"


class InView3D(Tab):
    bl_space_type = "VIEW_3D"


class InSequencer(Tab):
    bl_space_type = "SEQUENCE_EDITOR"


def no_worker(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    draw_setup(layout, context)
    shown = layout.operator("preferences.addon_show", text="Preferences", icon="PREFERENCES")
    shown.module = jobs.ROOT_PACKAGE


class People:
    bl_label = "People"

    def draw(self, context: bpy.types.Context) -> None:
        layout: bpy.types.UILayout = self.layout
        settings = context.scene.ningyo
        plan = plan_of(context)
        cast = cast_of(plan.files.track)
        if not cast.people:
            say(
                layout,
                context,
                cast.problem or "Capture first: then everyone in the video is listed here",
                "ERROR" if cast.problem else "INFO",
            )
        else:
            people_table(layout, context, listed(cast.people, settings.person), settings.person)
            more = len(cast.people) - len(listed(cast.people, settings.person))
            if more:
                layout.label(text=said("And {count} more, by number", count=more))
            if not cast.has(settings.person):
                say(layout, context, said("The track has no person {person}: choose one of the list", person=settings.person), "ERROR")
        number = layout.column()
        number.use_property_split = True
        number.use_property_decorate = False
        number.prop(settings, "person")
        row = layout.row(align=True)
        row.operator("ningyo.show_overlay", icon="SEQ_SEQUENCER")
        row.operator("ningyo.overlay_frame", icon="IMAGE_DATA")
        strip = find_movie(sequencer_scene(context), plan.overlay)
        if strip is not None:
            row.prop(strip, "mute", text="", icon="HIDE_ON" if strip.mute else "HIDE_OFF")


COLUMNS = (
    ("Seen", "TIME"),
    ("Pixels", "DRIVER_DISTANCE"),
    ("Body", "ARMATURE_DATA"),
    ("Hands", "VIEW_PAN"),
    ("Face", "USER"),
)
WIDE = 330  # points; in narrower sidebars icons stand for the columns' names
NARROW = 260  # points; in narrower ones there is room for the first columns alone


def people_table(layout: bpy.types.UILayout, context: bpy.types.Context, people: list[Person], chosen: int) -> None:
    """A line a person: a button that chooses them, how long and how tall they are, and in which share of that time what of them is seen."""
    column = layout.column(align=True)
    points = region_points(context)
    wide, columns = points >= WIDE, COLUMNS if points >= NARROW else COLUMNS[:3]

    def line() -> tuple[bpy.types.UILayout, bpy.types.UILayout]:
        split = column.split(factor=0.28, align=True)
        return split.row(align=True), split.grid_flow(columns=len(columns), row_major=True, even_columns=True, align=True)

    titles = line()
    titles[0].label(text="Person")
    for title, icon in columns:
        titles[1].label(text=said(title) if wide else "", translate=False, icon="NONE" if wide else icon)
    for person in people:
        button, figures = line()
        name = said("{person} main", person=person.id) if person.id == 0 and points >= NARROW else str(person.id)
        pressed = person.id == chosen
        button.operator("ningyo.choose_person", text=name, icon_value=swatch(person.id), depress=pressed).person = person.id
        shares = (f"{100 * share:.0f}{'%' if wide else ''}" for share in (person.body, person.hands, person.face))
        for figure in (words.clock(person.seconds), f"{person.height:.0f}", *shares)[: len(columns)]:
            figures.label(text=figure)


class Jobs:
    bl_label = "Jobs"

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        return bool(shown_jobs())

    def draw(self, context: bpy.types.Context) -> None:
        layout: bpy.types.UILayout = self.layout
        for job in shown_jobs():
            draw_job(layout.box(), context, job)
        layout.operator("ningyo.clear_jobs", icon="TRASH")


def shown_jobs() -> list[jobs.Job]:
    """The running ones and the last that ended, the newest first; those of datasets have a place of their own."""
    known = [job for job in reversed(jobs.JOBS) if job.verb != "doctor" and "dataset" not in job.note]
    ended = [job for job in known if not job.is_running][:ENDED_SHOWN]
    return [job for job in known if job.is_running or job in ended]


def draw_job(layout: bpy.types.UILayout, context: bpy.types.Context, job: jobs.Job) -> None:
    view = job.view
    row = layout.row(align=True)
    icon = {"waiting": "SORTTIME", "running": "SORTTIME", "done": "CHECKMARK", "cancelled": "PAUSE"}.get(view.state, "ERROR")
    row.label(text=words.headline(job), icon="TIME" if job.is_queued else icon)
    if job.is_running:
        stop = row.row(align=True)
        stop.enabled = job.stopping_since is None
        stop.operator("ningyo.cancel", text="", icon="X").job = str(job.folder)
    elif view.state != "done":
        row.operator("ningyo.retry", text="", icon="FILE_REFRESH").job = str(job.folder)
    row.operator("ningyo.show_log", text="", icon="TEXT").job = str(job.folder)
    row.operator("ningyo.open_folder", text="", icon="FILE_FOLDER").folder = folder_of(job)
    whose = about(job)
    rate = words.rate(view) if job.is_running else ""
    if whose or rate:
        row = row_of_small(layout)
        row.label(text=whose, translate=False)
        right = row.row()
        right.alignment = "RIGHT"
        right.label(text=rate)
    if job.is_running and not job.is_queued:
        layout.progress(factor=view.fraction or 0.0, type="BAR", text=words.progress(view) or "…")
        if view.progress.get("note"):
            say(layout, context, view.progress["note"], "NONE")
    if view.error:
        say(layout, context, view.error, "ERROR")
    for warning in view.warnings[-2:]:
        say(layout, context, warning, "INFO")
    if job.note.get("problem"):
        say(layout, context, job.note["problem"], "ERROR")
    if view.state == "done" and job.verb in SHOWS_FRAMES and not job.note.get("shown"):
        layout.operator("ningyo.add_strips", icon="SEQ_STRIP_DUPLICATE").job = str(job.folder)
    if view.state == "done" and "retarget" in job.note and not job.note.get("shown"):
        layout.operator("ningyo.put_on", icon="ARMATURE_DATA").job = str(job.folder)


def row_of_small(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    row = layout.row()
    row.active = False  # greyed, as what is only for telling things apart
    row.scale_y = 0.8
    return row


def folder_of(job: jobs.Job) -> str:
    """The folder that the user looks for what a job makes in."""
    return str(job.note.get("made") or job.note.get("dataset") or job.note.get("out") or job.folder)


def split(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    """`layout` with names on the left and values on the right, as in Blender's own panels."""
    layout.use_property_split = True
    layout.use_property_decorate = False
    return layout


def region_points(context: bpy.types.Context) -> float:
    """The sidebar's width, whatever the interface is scaled to."""
    scale = context.preferences.system.ui_scale or 1.0  # 0 where there is no window
    return (context.region.width if context.region else 300) / scale


def say(layout: bpy.types.UILayout, context: bpy.types.Context, text: str, icon: str) -> None:
    """A sentence in as many lines as the sidebar needs."""
    letters = max(int(region_points(context) / POINTS_PER_LETTER) - (6 if icon == "NONE" else 8), 20)
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(words.wrapped(said(text), letters)):
        column.label(text=line, icon=icon if number == 0 or icon == "NONE" else "BLANK1", translate=False)
