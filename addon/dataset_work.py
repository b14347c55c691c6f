# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""What the worker does with datasets: renders them, checks them, says what is in them, and writes them for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ..errors import UserError
from . import jobs
from .dataset_folder import JOB_FILE, Found, beside, look
from .dataset_job import Wanted, has_numpy, wanted
from .dataset_sources import out_of, sources_of, write_sources
from .explained import Explained
from .language import said
from .operators import NO_WORKER, worker_of
from .preferences import worker_python

PAGE = "stats.html"
BUSY = "A job is at work on this dataset"
NO_SAMPLES = "Render first: there are no samples yet"


def asked(context: bpy.types.Context) -> Wanted:
    """The job as the worker gets it."""
    return wanted(context.scene, sources_of(context.scene))


def found(context: bpy.types.Context) -> Found:
    """What is in the dataset's folder."""
    return look(out_of(context.scene), asked(context).job) if has_numpy() else Found("new")


def running_on(out: Path, *verbs: str) -> jobs.Job | None:
    """The job that is at work on a dataset, or is going to be; of these verbs, where some are given."""
    running = (job for job in jobs.JOBS if job.is_running and job.note.get("dataset") == str(out))
    return next((job for job in running if not verbs or job.verb in verbs), None)


def render_obstacle(context: bpy.types.Context) -> str:
    """Why rendering cannot begin, as a short sentence; empty where it can."""
    if worker_python(context) is None:
        return said(NO_WORKER)
    ask = asked(context)
    if ask.job is None:
        return ask.problem
    if running_on(out_of(context.scene)) is not None:
        return said(BUSY)
    there = found(context)
    if there.kind == "finished":
        return said("All {count} samples are there", count=there.total)
    others = {
        "another": "The folder holds a dataset of another job: choose another folder, or load its job",
        "foreign": "The folder holds other things: choose another one",
    }
    return said(others.get(there.kind, ""))


def dataset_obstacle(context: bpy.types.Context) -> str:
    """Why nothing can be done with a dataset; empty where something can."""
    if worker_python(context) is None:
        return said(NO_WORKER)
    if running_on(out_of(context.scene)) is not None:
        return said(BUSY)
    return "" if found(context).done else said(NO_SAMPLES)


def _start(context: bpy.types.Context, verb: str, arguments: list[str], **note: Any) -> None:
    """Start a job on the dataset. Raises UserError."""
    interpreter, out = worker_of(context), out_of(context.scene)
    note = {"scene": context.scene.name, "blend": bpy.data.filepath, "dataset": str(out), **note}
    jobs.start_job(interpreter, verb, arguments, sources_of(context.scene), **note)


class NINGYO_OT_dataset_render(Explained, bpy.types.Operator):
    """Render the dataset on the worker, while Blender stays usable; where its folder holds a part of it already, go on with it"""

    bl_idname, bl_label = "ningyo.dataset_render", "Render Dataset"

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str:
        return render_obstacle(context)

    def act(self, context: bpy.types.Context) -> None:
        from ..synth_data.render.job_file import save_job

        settings, sources = context.scene.ningyo.dataset, sources_of(context.scene)
        try:
            ask = asked(context)
            if ask.job is None:
                raise UserError(ask.problem)
            write_sources(context, sources)
            save_job(ask.job, sources / JOB_FILE)
        except OSError as error:
            text = "{error}: {path}; choose another output folder"
            raise UserError(said(text, error=error.strerror, path=error.filename or sources)) from error
        workers = ["--workers", str(settings.workers)] if settings.limits_workers else []
        _start(context, "render", [str(sources / JOB_FILE), "--out", str(out_of(context.scene)), *workers])


class OfDataset(Explained):
    """What the buttons that look after a dataset share."""

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str:
        return dataset_obstacle(context)

    def act(self, context: bpy.types.Context) -> None:
        self.begin(context, out_of(context.scene))


class NINGYO_OT_dataset_verify(OfDataset, bpy.types.Operator):
    """Look at every file of the dataset: is anything missing, cut short or altered?"""

    bl_idname, bl_label = "ningyo.dataset_verify", "Verify"

    repair: bpy.props.BoolProperty(name="Repair", description="Render again what is wrong", options={"SKIP_SAVE"})

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: Any) -> str:
        return said("Render again just what is missing, cut short or altered" if properties.repair else str(cls.__doc__))

    def begin(self, context: bpy.types.Context, out: Path) -> None:
        _start(context, "dataset", ["verify", str(out), *(["--repair"] if self.repair else [])])


class NINGYO_OT_dataset_stats(OfDataset, bpy.types.Operator):
    """A page of pictures that says what is in the dataset and what it lacks; it opens in the browser when it is ready"""

    bl_idname, bl_label = "ningyo.dataset_stats", "Statistics"

    def begin(self, context: bpy.types.Context, out: Path) -> None:
        from ..synth_data.dataset.folder import INDEX

        page = beside(out, "stats") / PAGE
        if page.is_file() and page.stat().st_mtime > (out / INDEX).stat().st_mtime:
            open_page(page)
            return
        _start(context, "dataset", ["stats", str(out), "--out", str(page.parent)], made=str(page.parent))


class NINGYO_OT_dataset_export(OfDataset, bpy.types.Operator):
    """Write the dataset as other programs read it, in a folder beside it; the dataset stays as it is"""

    bl_idname, bl_label = "ningyo.dataset_export", "Export"

    def begin(self, context: bpy.types.Context, out: Path) -> None:
        form = context.scene.ningyo.dataset.form
        folder = beside(out, form)
        _start(context, "dataset", ["export", str(out), "--form", form, "--out", str(folder)], made=str(folder))


class NINGYO_OT_dataset_new_folder(bpy.types.Operator):
    """Leave what is in the folder as it is, and choose a new one beside it"""

    bl_idname, bl_label = "ningyo.dataset_new_folder", "New Folder"
    bl_options = {"UNDO"}  # noqa: RUF012 (Blender reads it from the class)

    def execute(self, context: bpy.types.Context) -> set[str]:
        out = out_of(context.scene)
        stem, _, number = out.name.rpartition("-")
        stem, first = (stem, int(number) + 1) if stem and number.isdigit() else (out.name, 2)
        names = (out.parent / f"{stem}-{following}" for following in range(first, first + 10_000))
        context.scene.ningyo.dataset.output = str(next(name for name in names if not name.exists()))
        return {"FINISHED"}


def open_page(page: Path) -> None:
    if not bpy.app.background:
        bpy.ops.wm.url_open(url=page.as_uri())


def show_page(job: jobs.Job) -> None:
    """When a page of statistics is ready, open it."""
    page = job.view.artefacts.get("page")
    if job.verb == "dataset" and job.view.state == "done" and page and not job.note.get("shown"):
        open_page(Path(page))
        job.remember(shown=True)


CLASSES = (
    NINGYO_OT_dataset_render,
    NINGYO_OT_dataset_verify,
    NINGYO_OT_dataset_stats,
    NINGYO_OT_dataset_export,
    NINGYO_OT_dataset_new_folder,
)
