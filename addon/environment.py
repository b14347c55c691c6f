# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""Set Up Worker: the button, and what the preferences and the side panels say of it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..environment.place import Place
from ..environment.requirements import size
from ..errors import UserError
from . import jobs, words, worker
from .explained import Explained
from .language import said

OFFLINE = "Allow online access in Preferences > System, or choose a folder of wheels"
OUTDATED = "The worker is of an older version: set it up again"
STOPPED = "Setting up the worker was stopped; what was downloaded is kept"
NO_SUCH_PYTHON = "Worker's Python in the preferences is not there: {path}. Choose another, or leave it empty and set the worker up"
WHAT_IT_IS = "The heavy stages run in a Python of their own, the worker."


@dataclass(frozen=True)
class Choices:
    """What the preferences say of the environment that is to be made."""

    compute: str = "cpu"
    base: str = ""
    wheels: str = ""
    proxy: str = ""


def preferences(context: bpy.types.Context) -> Any | None:
    """None where the add-on was registered without being enabled, as tests do."""
    addon = context.preferences.addons.get(jobs.ROOT_PACKAGE)
    return addon.preferences if addon else None


def chosen_python(chosen: Any) -> Path | None:
    """The program that is chosen as the worker's Python; None where there is none of this name."""
    program = shutil.which(bpy.path.abspath(chosen.interpreter))
    return None if program is None else Path(program)


def choices(context: bpy.types.Context) -> Choices:
    chosen = preferences(context)
    if chosen is None:
        return Choices()
    return Choices(chosen.compute.lower(), bpy.path.abspath(chosen.base_python), bpy.path.abspath(chosen.wheels), chosen.proxy.strip())


def running() -> jobs.Job | None:
    job = jobs.newest("setup")
    return job if job is not None and job.is_running else None


def hindrance(context: bpy.types.Context) -> str:
    """Why the worker cannot be set up now, as a short sentence; empty when it can."""
    if running() is not None:
        return said("The worker is being set up")
    if not bpy.app.online_access and not choices(context).wheels:
        return said(OFFLINE)
    return ""


def start(context: bpy.types.Context) -> jobs.Job:
    """Start setting up, as a job on Blender's own Python. Raises UserError."""
    reason = hindrance(context)
    if reason:
        raise UserError(reason)
    chosen = choices(context)
    interpreter = worker.blenders_python(bpy.app.binary_path) or (Path(chosen.base) if chosen.base else None)
    if interpreter is None:
        raise UserError("Blender's own Python was not found; install Python 3.11 from python.org and choose it as Base Python")
    arguments = ["--home", str(jobs.home()), "--compute", chosen.compute]
    arguments += ["--base", chosen.base] if chosen.base else []
    arguments += ["--wheels", chosen.wheels] if chosen.wheels else []
    # Not among the arguments, which are written down: it may hold a password.
    proxy = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), chosen.proxy) if chosen.proxy else {}
    return jobs.start_job(interpreter, "setup", arguments, jobs.home(), environment=proxy)


def use_made(job: jobs.Job) -> None:
    """Once the worker is set up, it is the worker, whatever was chosen before."""
    chosen = preferences(bpy.context)
    if job.verb == "setup" and job.view.state == "done" and chosen is not None:
        chosen.interpreter = ""


class NINGYO_OT_set_up_worker(Explained, bpy.types.Operator):
    """Make the Python environment that captures, renders, trains and generates. It can be stopped, and goes on where it was"""

    bl_idname = "ningyo.set_up_worker"
    bl_label = "Set Up Worker"

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str:
        return hindrance(context)

    def act(self, context: bpy.types.Context) -> None:
        start(context)


def draw_setup(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """What the worker is and takes, and the button; while it is made, how far it is; the error in words where that failed."""
    from .panels import say  # which draws this

    job = jobs.newest("setup")
    if job is not None and job.is_running:
        draw_progress(layout, context, job)
        return
    chosen = preferences(context)
    if chosen is not None and chosen.interpreter and chosen_python(chosen) is None:
        say(layout, context, said(NO_SUCH_PYTHON, path=chosen.interpreter), "ERROR")
    made = Place(jobs.home()).ready()
    if job is not None and job.view.error and job.view.state != "done":
        say(layout, context, job.view.error, "ERROR")
    elif made is not None and not made.is_current:
        say(layout, context, OUTDATED, "ERROR")
    elif job is not None and job.view.state == "cancelled":
        say(layout, context, STOPPED, "INFO")
    elif made is None:
        say(layout, context, f"{said(WHAT_IT_IS)} {amount(choices(context))}", "INFO")
    if hindrance(context):
        say(layout, context, hindrance(context), "ERROR")
        if not bpy.app.online_access_override:
            layout.prop(context.preferences.system, "use_online_access")
    draw_warnings(layout, context, job)
    row = layout.row(align=True)
    stopped = job is not None and job.view.state in ("failed", "cancelled", "lost")
    label = "Retry" if stopped and job.view.error else "Go On" if stopped else "Set Up Again" if made is not None else "Set Up Worker"
    row.operator("ningyo.set_up_worker", text=label, icon="FILE_REFRESH" if stopped else "IMPORT")
    if job is not None and stopped:
        row.operator("ningyo.show_log", text="", icon="TEXT").job = str(job.folder)


def is_outdated(context: bpy.types.Context) -> bool:
    """Whether the worker that Set Up Worker made, and that is used, is an older version's, or is being made anew."""
    chosen, made = preferences(context), Place(jobs.home()).ready()
    return made is not None and not made.is_current and not (chosen is not None and chosen.interpreter)


def draw_progress(layout: bpy.types.UILayout, context: bpy.types.Context, job: jobs.Job) -> None:
    row = layout.row(align=True)
    row.label(text=words.headline(job), icon="SORTTIME")
    stop = row.row(align=True)
    stop.enabled = job.stopping_since is None
    stop.operator("ningyo.cancel", text="", icon="X").job = str(job.folder)
    row.operator("ningyo.show_log", text="", icon="TEXT").job = str(job.folder)
    event = job.view.progress
    text = words.progress(job.view) or "…"
    if event.get("unit") == "MB" and event.get("rate"):
        text += f", {event['rate']:.1f} MB/s"
    layout.progress(factor=job.view.fraction or 0.0, type="BAR", text=text)
    if event.get("note"):
        layout.label(text=event["note"], translate=False)
    draw_warnings(layout, context, job)


def draw_warnings(layout: bpy.types.UILayout, context: bpy.types.Context, job: jobs.Job | None) -> None:
    from .panels import say  # which draws this

    for warning in [] if job is None else job.view.warnings:
        say(layout, context, warning, "INFO")


def amount(chosen: Choices) -> str:
    """How much is downloaded and what is free, in a sentence."""
    needed = size(chosen.compute)
    free = shutil.disk_usage(jobs.home()).free / 1e9
    sizes = {"download": f"{needed.download:g}", "disk": f"{needed.disk:g}", "free": f"{free:.0f}"}
    if chosen.wheels:
        return said("Nothing is downloaded; it takes up to {disk} GB on the disk ({free} GB are free).", **sizes)
    return said("Setting it up downloads about {download} GB and takes up to {disk} GB on the disk ({free} GB are free).", **sizes)


CLASSES = (NINGYO_OT_set_up_worker,)
