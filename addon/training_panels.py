# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""The step that trains the character of the video, and the "Training" panel of a dataset's characters."""

from __future__ import annotations

from pathlib import Path

import bpy

from . import jobs, words
from .dataset_panels import OfDataset
from .dataset_sources import out_of
from .language import said
from .panels import InView3D, draw_job, say, split
from .path_panels import Step, draw_stage, draw_stop
from .properties import plan_of
from .training_folder import belongs, minutes_of, time_spent, training_in
from .training_view import awaited, draw_training, is_training, trained_by
from .training_work import chosen, material, model_of, results_of, train_obstacle

LISTED = 40  # characters at most that get a line


class NINGYO_PT_step_train(Step, InView3D, bpy.types.Panel):
    bl_label = "6. Train"
    bl_order = 6
    verb = "train"

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings, plan = self.layout, context.scene.ningyo, plan_of(context)
        column = split(layout.column())
        column.prop(settings, "preset")
        column.prop(settings, "minutes", text="Minutes")
        if not _is_at_work(plan.files.model):  # whose box has progress and buttons of its own
            draw_stage(layout, context, "train", "Trains the network that draws the character", icon="NETWORK_DRIVE")
            problem = belongs(training_in(plan.files.model), plan.preset, plan.files.dataset)
            if problem:
                say(layout, context, said("{problem}: Train keeps it under another name, and begins anew", problem=problem), "INFO")
        draw_training(layout, context, plan.files.model)


def _draw_other(layout: bpy.types.UILayout, context: bpy.types.Context, model: Path, problem: str) -> None:
    """That the model there cannot be trained further, and the way out."""
    if problem and not _is_at_work(model):
        say(layout, context, said("{problem}: a training with these settings needs another place", problem=problem), "INFO")
        layout.operator("ningyo.set_model_aside", icon="NEWFOLDER").model = str(model)


class NINGYO_PT_dataset_training(OfDataset, bpy.types.Panel):
    bl_label = "Training"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 (Blender reads it from the class)

    def draw(self, context: bpy.types.Context) -> None:
        layout, scene, settings = self.layout, context.scene, context.scene.ningyo.dataset
        column = split(layout.column())
        column.prop(settings, "preset")
        column.prop(settings, "minutes")
        row = layout.row()
        row.scale_y = 1.4
        row.operator("ningyo.dataset_train", icon="PLAY")
        problem, job = train_obstacle(context), _last_job(out_of(scene))
        if job is not None and job.view.state != "done":
            draw_job(layout.box(), context, job)
        if problem and (job is None or not job.is_running):
            say(layout, context, problem, "INFO")
        names = material(scene).characters
        taken, video = chosen(scene), plan_of(context).video
        lines = layout.column(align=True)
        for name in names[:LISTED]:
            _draw_character(lines, context, name, name in taken)
            _draw_generating(lines, name, jobs.last_in(results_of(model_of(scene, name), video)))
        if len(names) > LISTED:
            lines.label(text=said("And {count} more", count=len(names) - LISTED))
        shown = _shown(scene, names)
        if shown:
            model = model_of(scene, shown)
            _draw_other(layout, context, model, belongs(training_in(model), settings.preset, out_of(scene)))
            draw_training(layout, context, model)


def _last_job(dataset: Path) -> jobs.Job | None:
    known = (job for job in reversed(jobs.JOBS) if job.verb == "train" and job.note.get("dataset") == str(dataset))
    return next(known, None)


def _draw_character(lines: bpy.types.UILayout, context: bpy.types.Context, name: str, is_taken: bool) -> None:
    model = model_of(context.scene, name)
    row = lines.row(align=True)
    choose = row.operator("ningyo.dataset_model", text="", icon="CHECKBOX_HLT" if is_taken else "CHECKBOX_DEHLT", emboss=False)
    choose.character, choose.what = name, "TRAIN"
    pressed = context.scene.ningyo.dataset.shown == name
    show = row.operator("ningyo.dataset_model", text=f"{name}: {state(model, is_taken)}", depress=pressed)
    show.character, show.what = name, "SHOW"
    generate = row.row(align=True)
    generate.enabled = training_in(model).is_model or awaited(model) is not None
    generate.operator("ningyo.dataset_generate", text="", icon="RENDER_ANIMATION").character = name


def _draw_generating(lines: bpy.types.UILayout, name: str, job: jobs.Job | None) -> None:
    """That a character is being drawn in the video, or is going to be."""
    if job is not None:
        row = lines.row(align=True)
        row.label(text=f"{name}: {words.headline(job)}", icon="TIME" if job.is_queued else "SORTTIME", translate=False)
        draw_stop(row, job)


def state(model: Path, is_taken: bool) -> str:
    """How far a character's training is, in a few words."""
    training, job = training_in(model), trained_by(model)
    minutes = minutes_of(job.arguments) if job is not None and job.verb == "train" else None
    if is_training(model, job):
        return time_spent(training, minutes)
    if not training.has_begun:
        return said("waits" if job is not None and job.is_running and is_taken else "to do")
    if minutes and training.seconds < 60 * minutes - 1:
        return f"{time_spent(training, minutes)}, {said('waits' if job.is_running else 'stopped')}"
    quality = f", {training.psnr:.1f} dB" if training.psnr is not None else ""
    return f"{words.duration(training.seconds)}{quality}"


def _shown(scene: bpy.types.Scene, names: tuple[str, ...]) -> str:
    """The character whose training is shown: the chosen one, or the one that is being trained, or the only one."""
    if scene.ningyo.dataset.shown in names:
        return scene.ningyo.dataset.shown
    at_work = (name for name in names if _is_at_work(model_of(scene, name)))
    return next(at_work, names[0] if len(names) == 1 else "")


def _is_at_work(model: Path) -> bool:
    return is_training(model, trained_by(model))


CLASSES = (NINGYO_PT_step_train, NINGYO_PT_dataset_training)
