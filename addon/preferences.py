# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""The add-on's preferences: which Python the heavy stages run in, and whether it is fit for them."""

from __future__ import annotations

import textwrap
from pathlib import Path

import bpy

from ..errors import UserError
from . import jobs, worker


class NINGYO_preferences(bpy.types.AddonPreferences):
    bl_idname = jobs.ROOT_PACKAGE

    interpreter: bpy.props.StringProperty(
        name="Worker's Python",
        description="The Python that captures, renders, trains and generates (`make env` builds one). Empty: look for one",
        subtype="FILE_PATH",
    )

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        row = layout.row(align=True)
        row.prop(self, "interpreter")
        row.operator("ningyo.check_worker", icon="FILE_REFRESH")
        found = worker_python(context)
        if found is None:
            layout.label(text="No worker found: choose the Python of an environment that has torch and mediapipe.", icon="ERROR")
        elif not self.interpreter:
            layout.label(text=f"Found: {found}", icon="INFO")
        job = jobs.newest("doctor")
        if job is not None:
            draw_answer(layout.box(), job)


def draw_answer(layout: bpy.types.UILayout, job: jobs.Job) -> None:
    """What `ningyo doctor` found, a line a thing."""
    if job.is_running:
        layout.label(text="Looking…", icon="SORTTIME")
    elif job.view.state == "done":
        layout.label(text="This worker can do everything.", icon="CHECKMARK")
    for line in textwrap.wrap(job.view.error, 100):
        layout.label(text=line)
    for check in [event for event in job.events() if event.get("type") == "check"]:
        text = f"{check['name']}: {check['found']}" + ("" if check["ok"] else f". {check['advice']}")
        layout.label(text=text, icon="CHECKMARK" if check["ok"] else "ERROR")


def preferences(context: bpy.types.Context) -> NINGYO_preferences | None:
    """None where the add-on was registered without being enabled, as tests do."""
    addon = context.preferences.addons.get(jobs.ROOT_PACKAGE)
    return addon.preferences if addon else None


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
            self.report({"ERROR"}, "There is no worker to check; choose the Python of an environment that has torch and mediapipe")
            return {"CANCELLED"}
        try:
            jobs.start_job(interpreter, "doctor", [], jobs.home())
        except UserError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


CLASSES = (NINGYO_preferences, NINGYO_OT_check_worker)
