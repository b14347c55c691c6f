# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""A training while it goes: its pictures and curves in image editors, made new whenever the worker writes them, and its state in panels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import bpy.utils.previews

from ..errors import UserError
from . import jobs, words
from .dataset_preview import put_in_editor
from .explained import Explained
from .language import said
from .looking import stamp
from .plan import WHOLE, files_of, options_of
from .training_folder import (
    Training,
    balance,
    described,
    minutes_of,
    pictures_of,
    time_spent,
    training_in,
)

LIVE = "ningyo_training"  # the custom property of images that are read again when their file is another
STAGE = re.compile(r"train (.*) \(\d+ of \d+\)")  # of a job that trains several characters
SCALE = 11.0  # of the picture in panels, in buttons' heights
PICTURES = (
    ("GRID", "Pictures", "Pictures it has not been trained on: skeleton, generated, render, and the difference of both"),
    ("CURVES", "Curves", "How like and how sharp those pictures are, losses, and how often the discriminators are right"),
)
_read: dict[str, tuple[int, int] | None] = {}  # of each such image: the file as it was read last
_icons: dict[str, Any] = {}
_drawn: dict[str, tuple[int, int]] = {}  # of each icon: the file as it was read last


class NINGYO_OT_show_training(Explained, bpy.types.Operator):
    """Show a training in an image editor, where it stays up to date"""

    bl_idname, bl_label = "ningyo.show_training", "Show Training"
    bl_options = {"INTERNAL"}  # noqa: RUF012

    model: bpy.props.StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})
    picture: bpy.props.EnumProperty(
        name="Picture",
        items=PICTURES,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: Any) -> str:
        text = next(text for key, _, text in PICTURES if key == properties.picture)
        return said("{picture}. In an image editor, where it stays up to date", picture=said(text))

    def act(self, context: bpy.types.Context) -> str | None:
        file = pictures_of(Path(self.model))[self.picture]
        if not file.is_file():
            raise UserError(said("There is nothing to see yet: the first pictures come after some ten seconds of training"))
        image = live_image(file) or bpy.data.images.load(str(file))
        before = tuple(image.size)
        image[LIVE] = True
        title = next(title for key, title, _ in PICTURES if key == self.picture)
        image.name = f"{training_in(file.parent).character or file.parent.name} {title}"
        _read_again(image, stamp(file))
        is_shown = put_in_editor(context, image, tuple(image.size) != before)
        return None if is_shown else said("Open an image editor to see the training")


def live_image(file: Path) -> bpy.types.Image | None:
    """The image that shows a training's file."""
    return next((image for image in bpy.data.images if image.get(LIVE) and _file_of(image) == file), None)


def _file_of(image: bpy.types.Image) -> Path:
    return Path(bpy.path.abspath(image.filepath))


def _read_again(image: bpy.types.Image, at: tuple[int, int] | None) -> None:
    image.reload()
    _read[image.name_full] = at


def refresh(_job: jobs.Job) -> None:
    """Read again what somebody looks at and the worker has written anew, while jobs run and at their end."""
    for area, image in _looked_at():
        at = stamp(_file_of(image))
        if at is not None and _read.get(image.name_full) != at:
            _read_again(image, at)
            area.tag_redraw()


def _looked_at() -> Iterator[tuple[bpy.types.Area, bpy.types.Image]]:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "IMAGE_EDITOR":
                image = area.spaces.active.image
                if image is not None and image.get(LIVE):
                    yield area, image


def icon(file: Path, at: tuple[int, int]) -> int:
    """The number of an icon that shows a picture file, whose `stamp` is `at`."""
    if "all" not in _icons:
        _icons["all"] = bpy.utils.previews.new()
    icons, name = _icons["all"], str(file)
    if name not in icons:
        icons.load(name, name, "IMAGE")
    elif _drawn.get(name) != at:
        icons[name].reload()
    _drawn[name] = at
    return icons[name].icon_id


def forget() -> None:
    if "all" in _icons:
        bpy.utils.previews.remove(_icons.pop("all"))
    _drawn.clear()
    _read.clear()


def trained_by(model: Path) -> jobs.Job | None:
    """The last job that trains into a model folder, alone or among others."""
    for job in reversed(jobs.JOBS):
        if job.verb == "train":
            if _out(job) == model or (_out(job) == model.parent and _is_among(model, options_of(job.arguments).get("--character", ()))):
                return job
        elif job.verb in WHOLE and files_of(job).model == model:
            return job
    return None


def awaited(model: Path) -> jobs.Job | None:
    """The running job that a model becomes ready by; None where it is as ready as the last job shall make it."""
    job, training = trained_by(model), training_in(model)
    if job is None or not job.is_running:
        return None
    minutes = minutes_of(job.arguments)
    is_ready = training.is_model and minutes is not None and training.seconds >= 60 * minutes - 1
    return None if is_ready and not is_training(model, job) else job


def is_training(model: Path, job: jobs.Job | None) -> bool:
    """Whether a job that trains it is at this model just now."""
    if job is None or job.view.state != "running":
        return False
    if job.verb != "train":
        return job.view.stage == "train"
    whom = STAGE.fullmatch(job.view.stage)
    return _out(job) == model or (whom is not None and _is_among(model, [whom[1]]))


def _out(job: jobs.Job) -> Path | None:
    found = options_of(job.arguments).get("--out")
    return Path(found[-1]) if found else None


def _is_among(model: Path, characters: list[str]) -> bool:
    """Whether a folder is that of one of these characters; none stand for all of a dataset."""
    if not characters:
        return True
    from ..synth_data.dataset.folder import safe_name  # late, for it needs numpy

    return model.name in map(safe_name, characters)


def draw_training(layout: bpy.types.UILayout, context: bpy.types.Context, model: Path) -> None:
    """A training's picture, how far it is, how well it goes, and its buttons; nothing where none has begun."""
    training, job = training_in(model), trained_by(model)
    if not training.has_begun and (job is None or not is_training(model, job)):
        return
    box = layout.box()
    if training.preview is not None:
        picture = box.row()
        picture.alignment = "CENTER"
        picture.template_icon(icon_value=icon(pictures_of(model)["GRID"], training.preview), scale=SCALE)
    _draw_progress(box, model, training, job)
    lines = box.column(align=True)
    lines.scale_y = 0.8
    for line in described(training) if training.has_begun else [said("The pictures are being read")]:
        lines.label(text=line)
    from .panels import say  # late, because panels draw trainings

    sentence, wins = balance(training)
    if sentence:
        say(box, context, sentence, "ERROR" if wins else "NONE")
    if job is not None and job.view.error:
        say(box, context, job.view.error, "ERROR")
    _draw_buttons(box, model, training, job)


def _draw_progress(box: bpy.types.UILayout, model: Path, training: Training, job: jobs.Job | None) -> None:
    minutes = minutes_of(job.arguments) if job is not None and job.verb != "demo" else None
    text = time_spent(training, minutes)
    if not is_training(model, job):
        state = job.view.state if job is not None else "done"
        box.label(
            text=said("{time} trained", time=text), icon={"done": "CHECKMARK", "failed": "ERROR", "lost": "ERROR"}.get(state, "PAUSE")
        )
        return
    view = job.view
    if view.progress and view.progress.get("unit") != "seconds":
        box.progress(factor=view.fraction or 0.0, type="BAR", text=said("Measuring: {progress}", progress=words.progress(view)))
    else:
        box.progress(factor=min(training.seconds / (60 * minutes), 1.0) if minutes else view.fraction or 0.0, type="BAR", text=text)


def _draw_buttons(box: bpy.types.UILayout, model: Path, training: Training, job: jobs.Job | None) -> None:
    pictures = box.row(align=True)
    pictures.enabled = training.preview is not None
    for picture, text, symbol in (("GRID", "Show Training", "IMAGE_DATA"), ("CURVES", "Curves", "FCURVE")):
        button = pictures.operator("ningyo.show_training", text=text, icon=symbol)
        button.model, button.picture = str(model), picture
    row = box.row(align=True)
    if job is not None and job.is_running:
        row.enabled = job.stopping_since is None
        row.operator("ningyo.cancel", text="Stop", icon="SNAP_FACE").job = str(job.folder)
        return
    if job is not None and job.view.state != "done":
        row.operator("ningyo.retry", text="Go On", icon="PLAY").job = str(job.folder)
    elif training.is_model:
        row.operator("ningyo.train_more", text="Train More…", icon="ADD").model = str(model)


CLASSES = (NINGYO_OT_show_training,)
