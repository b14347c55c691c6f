# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""The add-on's preferences: which Python the heavy stages run in, and whether it is fit for them."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..errors import UserError
from . import jobs, worker
from .environment import chosen_python, draw_setup, preferences
from .explained import Explained
from .language import said

COMPUTES = (
    ("CPU", "CPU", "Smaller to download; runs everywhere"),
    ("CUDA", "CUDA", "For NVIDIA graphics cards: several gigabytes more to download, and much faster training"),
)


class NINGYO_preferences(bpy.types.AddonPreferences):
    bl_idname = jobs.ROOT_PACKAGE

    interpreter: bpy.props.StringProperty(
        name="Worker's Python",
        description="A Python that has all the worker needs, to use instead of the one that Set Up Worker makes. Empty: look for one",
        subtype="FILE_PATH",
    )
    compute: bpy.props.EnumProperty(name="Compute", description="What training and generating run on", items=COMPUTES)
    base_python: bpy.props.StringProperty(
        name="Base Python",
        description="The Python 3.11 to set up the worker with. Empty: look for one on this computer, or fetch one",
        subtype="FILE_PATH",
    )
    wheels: bpy.props.StringProperty(
        name="Wheels",
        description="A folder with all packages as wheels, to set up the worker without a network. Empty: download them",
        subtype="DIR_PATH",
    )
    proxy: bpy.props.StringProperty(
        name="Proxy",
        description="Address of a proxy to download through, such as http://host:8080. Empty: the system's settings",
    )

    def draw(self, context: bpy.types.Context) -> None:
        from .panels import say  # which needs this

        layout = self.layout
        row = layout.row(align=True)
        row.use_property_split = True
        row.use_property_decorate = False
        row.prop(self, "interpreter")
        row.operator("ningyo.check_worker", icon="FILE_REFRESH")
        found = worker_python(context)
        if found is None and not self.interpreter:
            layout.label(text="There is no worker yet: set it up below, or choose a Python that has all it needs", icon="ERROR")
        elif not self.interpreter:
            say(layout, context, said("Found: {path}", path=found), "INFO")
        box = layout.box()
        settings = box.column()
        settings.use_property_split = True
        settings.use_property_decorate = False
        settings.row().prop(self, "compute", expand=True)
        settings.prop(self, "base_python")
        settings.prop(self, "wheels")
        settings.prop(self, "proxy")
        draw_setup(box, context)
        job = jobs.newest("doctor", "setup")
        # An answer about another Python than the one that is chosen now would mislead.
        if job is not None and (job.note.get("checked") == str(found) if job.verb == "doctor" else not self.interpreter):
            draw_answer(layout, context, job)


def draw_answer(layout: bpy.types.UILayout, context: bpy.types.Context, job: jobs.Job) -> None:
    """What `ningyo doctor` found, a line a thing: by itself, or at the end of setting up, which says by itself what failed."""
    from .panels import say

    checks = [event for event in job.events() if event.get("type") == "check"]
    if job.verb == "setup" and (job.is_running or not checks):
        return
    box = layout.box()
    if job.is_running:
        box.label(text="Looking…", icon="SORTTIME")
    elif job.view.state == "done":
        box.label(text="This worker can do everything", icon="CHECKMARK")
    elif job.verb == "doctor" and job.view.error:
        say(box, context, job.view.error, "ERROR")
    for check in checks:
        text = f"{check['name']}: {check['found']}" + ("" if check["ok"] else f". {check['advice']}")
        say(box, context, text, "CHECKMARK" if check["ok"] else "ERROR")


def worker_python(context: bpy.types.Context) -> Path | None:
    """The chosen interpreter, or else one that is found; None where there is none, or no program where the chosen one should be."""
    chosen = preferences(context)
    if chosen is not None and chosen.interpreter:
        return chosen_python(chosen)
    return worker.find_interpreter([worker.ROOT, jobs.home()])


class NINGYO_OT_check_worker(Explained, bpy.types.Operator):
    """See whether the worker's Python has everything the stages need"""

    bl_idname = "ningyo.check_worker"
    bl_label = "Check"

    def act(self, context: bpy.types.Context) -> None:
        interpreter = worker_python(context)
        if interpreter is None:
            raise UserError(said("There is no worker to check; set it up first"))
        jobs.start_job(interpreter, "doctor", [], jobs.home(), checked=str(interpreter))


CLASSES = (NINGYO_preferences, NINGYO_OT_check_worker)
