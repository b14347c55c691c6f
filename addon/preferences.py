# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""The add-on's preferences: which Python the heavy stages run in, and whether it is fit for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ..errors import UserError
from . import jobs, words, worker
from .environment import draw_setup, preferences
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
        layout = self.layout
        row = layout.row(align=True)
        row.prop(self, "interpreter")
        row.operator("ningyo.check_worker", icon="FILE_REFRESH")
        found = worker_python(context)
        if found is None:
            layout.label(text="There is no worker yet: set it up below, or choose a Python that has all it needs", icon="ERROR")
        elif not self.interpreter:
            layout.label(text=said("Found: {path}", path=found), icon="INFO")
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
        if job is not None and (job.verb == "doctor" or (not job.is_running and checks_of(job))):
            draw_answer(layout.box(), job)


def draw_answer(layout: bpy.types.UILayout, job: jobs.Job) -> None:
    """What `ningyo doctor` found, a line a thing."""
    if job.is_running:
        layout.label(text="Looking…", icon="SORTTIME")
    elif job.view.state == "done":
        layout.label(text="This worker can do everything", icon="CHECKMARK")
    if job.verb == "doctor":  # why setting up failed is said there
        for line in words.wrapped(said(job.view.error), 100):
            layout.label(text=line, translate=False)
    for check in checks_of(job):
        text = f"{check['name']}: {check['found']}" + ("" if check["ok"] else f". {check['advice']}")
        layout.label(text=text, icon="CHECKMARK" if check["ok"] else "ERROR")


def checks_of(job: jobs.Job) -> list[dict[str, Any]]:
    return [event for event in job.events() if event.get("type") == "check"]


def worker_python(context: bpy.types.Context) -> Path | None:
    """The chosen interpreter, or else one that is found; None where there is none."""
    chosen = preferences(context)
    if chosen is not None and chosen.interpreter:
        return Path(bpy.path.abspath(chosen.interpreter))
    return worker.find_interpreter([worker.ROOT, jobs.home()])


class NINGYO_OT_check_worker(bpy.types.Operator):
    """See whether the worker's Python has everything the stages need"""

    bl_idname = "ningyo.check_worker"
    bl_label = "Check"

    def execute(self, context: bpy.types.Context) -> set[str]:
        interpreter = worker_python(context)
        if interpreter is None:
            self.report({"ERROR"}, "There is no worker to check; set it up first")
            return {"CANCELLED"}
        try:
            jobs.start_job(interpreter, "doctor", [], jobs.home())
        except UserError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


CLASSES = (NINGYO_preferences, NINGYO_OT_check_worker)
