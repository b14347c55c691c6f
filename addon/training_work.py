# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""Training further and anew, and a dataset's characters one after the other: each becomes a model, which draws whoever is in the video."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import Any

import bpy

from ..errors import UserError
from ..jobs.folder import set_aside
from . import jobs, operators, words
from .dataset_folder import beside
from .dataset_job import has_numpy
from .dataset_sources import out_of, sources_of
from .dataset_work import BUSY, NO_SAMPLES, found, running_on
from .explained import Explained
from .language import said
from .looking import stamp
from .operators import NO_WORKER, worker_of
from .plan import files_of, first
from .preferences import worker_python
from .properties import plan_of, sequencer_scene
from .training_folder import Material, belongs, material_in, training_in, training_now
from .training_view import awaited, trained_by


class NINGYO_OT_train_more(Explained, bpy.types.Operator):
    """Train for so many minutes more: the training goes on where it ended"""

    bl_idname, bl_label = "ningyo.train_more", "Train More"
    bl_options = {"INTERNAL", "UNDO"}  # noqa: RUF012

    model: bpy.props.StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})
    minutes: bpy.props.FloatProperty(
        name="Minutes", description="How much longer to train", min=0.1, soft_max=600.0, default=10.0, precision=1
    )

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_props_dialog(self)

    def act(self, context: bpy.types.Context) -> None:
        _train_more(context, Path(self.model), self.minutes)


def _train_more(context: bpy.types.Context, model: Path, minutes: float) -> None:
    """Raises UserError."""
    training = training_now(model)
    if not training.is_model:
        raise UserError(said("There is no model to train further; press Train first"))
    total = math.ceil(training.seconds / 6) / 10 + round(minutes, 1)
    plan = plan_of(context)
    if plan.files.model == model:
        other = belongs(training, training.preset, plan.files.dataset)
        if other:
            raise UserError(said("{problem}; press Train, which begins anew", problem=other))
        settings = context.scene.ningyo
        settings.minutes, settings.preset = total, training.preset  # what the panel says is what there is then
        operators.start(context, "train", plan_of(context))
        return
    job, interpreter = trained_by(model), worker_of(context)
    if job is None:
        raise UserError(said("It is not known any more what this model was trained on; press Train Characters with more minutes"))
    if job.is_running:
        raise UserError(said("A job is at work on this model; wait for it, or stop it"))
    dataset = job.arguments[0] if job.verb == "train" else str(files_of(job).dataset)
    arguments = [dataset, "--out", str(model), "--character", training.character, "--preset", training.preset]
    arguments += ["--seed", str(training.seed), "--minutes", f"{total:g}"]
    note = {key: job.note[key] for key in ("scene", "blend", "video", "dataset", "made") if key in job.note}
    jobs.start_job(interpreter, "train", arguments, Path(job.note["out"]), **note)


class NINGYO_OT_set_model_aside(Explained, bpy.types.Operator):
    """Keep this model in a folder beside, so that the next training begins anew"""

    bl_idname, bl_label = "ningyo.set_model_aside", "Set Model Aside"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    model: bpy.props.StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})

    def act(self, _context: bpy.types.Context) -> str:
        model = Path(self.model)
        job = trained_by(model)
        if job is not None and job.is_running:
            raise UserError(said("This model is being trained; stop the training first"))
        return said("The model is now in {folder}", folder=set_aside(model).name)


def models_of(scene: bpy.types.Scene) -> Path:
    """The folder that a dataset's models are in, each in one of its own."""
    return beside(out_of(scene), "models")


def model_of(scene: bpy.types.Scene, character: str) -> Path:
    from ..synth_data.dataset.folder import safe_name

    return models_of(scene) / safe_name(character)


def results_of(model: Path, video: Path) -> Path:
    """The folder of what a dataset's model draws in a video."""
    return model.with_name(f"{model.name}-in-{video.stem}")


def material(scene: bpy.types.Scene) -> Material:
    """What there is to train on, or will be when the dataset has been rendered."""
    out = out_of(scene)
    there, job = material_in(out), running_on(out, "render")
    if there.characters or job is None or not has_numpy():
        return there
    file = Path(job.arguments[0])
    at = stamp(file)
    return _material_of_job(file, at) if at is not None else there


@lru_cache(maxsize=1)
def _material_of_job(file: Path, _stamp: tuple[int, int]) -> Material:
    from ..synth_data.render.job_file import job_data, load_job

    try:
        job = load_job(file)
    except UserError:
        return Material()  # the job that renders it says so
    return Material(tuple(character.name for character in job.characters), job.size, "background" in job_data(job))


def chosen(scene: bpy.types.Scene) -> list[str]:
    """The characters of the dataset that are to be trained."""
    left_out = scene.ningyo.dataset.left_out.splitlines()
    return [name for name in material(scene).characters if name not in left_out]


def train_obstacle(context: bpy.types.Context) -> str:
    """Why a dataset's characters cannot be trained, or the training cannot be queued, as a short sentence; empty where they can."""
    if not has_numpy():
        return said("This Blender's Python has no numpy: train with the command line")
    scene, settings, out = context.scene, context.scene.ningyo.dataset, out_of(context.scene)
    if worker_python(context) is None:
        return said(NO_WORKER)
    if running_on(out, "train") is not None:
        return said(BUSY)
    there = found(context)
    if running_on(out, "render") is None:
        if not there.done:
            return said(NO_SAMPLES)
        if there.done < there.total:
            return said("Render the rest first: {done} of {total} samples are there", done=there.done, total=there.total)
    problem = material(scene).problem
    if problem:
        return problem
    names = chosen(scene)
    if not names:
        return said("Choose a character")
    for name in names:
        other = belongs(training_in(model_of(scene, name)), settings.preset, out)
        if other:
            return f"{name}: {other[0].lower()}{other[1:]}"
    return ""


class NINGYO_OT_dataset_train(Explained, bpy.types.Operator):
    """Train a model for each chosen character, one after the other, when the dataset is rendered; run again, it goes on where it was"""

    bl_idname, bl_label = "ningyo.dataset_train", "Train Characters"

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str:
        return train_obstacle(context)

    def act(self, context: bpy.types.Context) -> str | None:
        scene, settings = context.scene, context.scene.ningyo.dataset
        dataset, names = out_of(scene), chosen(scene)
        # One character's model would become the folder itself; several get folders of their names in it.
        out = models_of(scene) if len(names) > 1 else model_of(scene, names[0])
        arguments = [str(dataset), "--out", str(out), "--preset", settings.preset, "--minutes", f"{round(settings.minutes, 1):g}"]
        if len(names) < len(material(scene).characters):
            arguments += [word for name in names for word in ("--character", name)]
        note = {"scene": scene.name, "blend": bpy.data.filepath, "dataset": str(dataset), "made": str(models_of(scene))}
        before = jobs.last_in(sources_of(scene))
        job = jobs.start_job(worker_of(context), "train", arguments, sources_of(scene), after=before, **note)
        return words.headline(job) if job.is_queued else None


class NINGYO_OT_dataset_model(bpy.types.Operator):
    """Choose this character"""

    bl_idname, bl_label = "ningyo.dataset_model", "Choose Character"
    bl_options = {"INTERNAL", "UNDO"}  # noqa: RUF012 (Blender reads it from the class)

    character: bpy.props.StringProperty(options={"HIDDEN", "SKIP_SAVE"})
    what: bpy.props.EnumProperty(
        items=(("TRAIN", "Train", "Whether it is trained"), ("SHOW", "Show", "Whether its training is shown below")),
        options={"HIDDEN", "SKIP_SAVE"},
    )

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: Any) -> str:
        return said("Show this character's training below" if properties.what == "SHOW" else "Whether this character is trained")

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = context.scene.ningyo.dataset
        if self.what == "SHOW":
            settings.shown = "" if settings.shown == self.character else self.character
            return {"FINISHED"}
        left_out = settings.left_out.splitlines()
        if self.character in left_out:
            left_out.remove(self.character)
        else:
            left_out.append(self.character)
        settings.left_out = "\n".join(left_out)
        return {"FINISHED"}


class NINGYO_OT_dataset_generate(Explained, bpy.types.Operator):
    """Have this character's model, once it is trained, draw it in every frame of the video, and show the frames in the sequencer"""

    bl_idname, bl_label = "ningyo.dataset_generate", "Generate"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    character: bpy.props.StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str:
        plan = plan_of(context)
        if plan.worker is None:
            return said(NO_WORKER)
        return plan.video_problem or ("" if plan.made("capture").exists() else first("capture"))

    def act(self, context: bpy.types.Context) -> str | None:
        plan, model = plan_of(context), model_of(context.scene, self.character)
        out = results_of(model, plan.video)
        files = plan.files
        arguments = [str(model), str(files.track), "--out", str(out / "frames"), "--mp4", str(out / files.movie.name)]
        arguments += ["--person", str(plan.person)]
        note = {"scene": sequencer_scene(context).name, "blend": bpy.data.filepath, "video": str(plan.video)}
        training = awaited(model)
        if training is None and not training_now(model).is_model:
            raise UserError(said("{character} has no model yet; train it first", character=self.character))
        if jobs.last_in(out) is not None:
            raise UserError(said("The frames are being generated; wait for them, or stop the job"))
        job = jobs.start_job(worker_of(context), "generate", arguments, out, after=training, **note)
        return f"{self.character}: {words.waits(job)}" if job.is_queued else None


CLASSES = (
    NINGYO_OT_train_more,
    NINGYO_OT_set_model_aside,
    NINGYO_OT_dataset_train,
    NINGYO_OT_dataset_model,
    NINGYO_OT_dataset_generate,
)
