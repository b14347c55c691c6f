# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""One sample of the dataset, rendered here and shown in an image editor with its labels beside it."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..errors import UserError
from ..jobs.progress import Event, Reporter
from . import jobs
from .dataset_job import Wanted, wanted
from .dataset_properties import LABELS
from .dataset_sources import write_sources
from .explained import Explained
from .language import said
from .overlay import image_editor, show_whole

if TYPE_CHECKING:
    from ..synth_data.dataset.folder import Sample
    from ..synth_data.render.job import RenderJob
    from ..synth_data.render.preview import Previews

IMAGE = "Ningyo Preview"
_previews: Previews | None = None


@dataclass(frozen=True)
class Shown:
    """What was shown last: in which scene, of which job, and in words."""

    scene: str
    job: RenderJob
    lines: tuple[str, ...]


last: Shown | None = None


def folder() -> Path:
    """Blender's own folder for what is passing, which it removes when it ends."""
    return Path(bpy.app.tempdir) / "ningyo"


def previews() -> Previews:
    global _previews
    if _previews is None:
        from ..synth_data.render.preview import Previews

        _previews = Previews(folder() / "render.part")
    return _previews


def forget() -> None:
    global _previews, last
    _previews = last = None


def render_obstacle(context: bpy.types.Context) -> str:
    """Why Blender cannot render a sample here, as a short sentence; empty where it can."""
    if not hasattr(context.scene, "cycles"):
        return said("Cycles is switched off: enable it under Preferences, Add-ons")
    return said("Blender is rendering") if bpy.app.is_job_running("RENDER") else ""


class ShowsSample(Explained):
    """What buttons that show a sample share: `wanted` says of which job, `write` writes what it takes of the scene, `number` chooses."""

    def act(self, context: bpy.types.Context) -> str | None:
        from ..synth_data.dataset.label_pictures import strip
        from ..synth_data.dataset.png import DRAWN, encode_png
        from ..synth_data.dataset.sample import SamplePose

        global last
        began, ask = time.monotonic(), self.wanted(context)
        if ask.job is None:
            raise UserError(ask.problem)
        folder().mkdir(parents=True, exist_ok=True)
        report = Reporter(self._tell(context))
        _busy(context, True)
        try:
            self.write(context)
            total = previews().count(ask.job, report=report)
            number = self.number(context, total)
            sample, contents = previews().sample(ask.job, number, report=report)
            picture, kinds = strip(contents, ask.job.size)
            file = folder() / "preview.png"
            file.write_bytes(encode_png(picture, DRAWN))
        except OSError as error:
            text = "{error}: {path}; make room on the disk, or look at the path"
            raise UserError(said(text, error=error.strerror, path=error.filename)) from error
        finally:
            _busy(context, False)
        shown = show(context, file)
        seconds = time.monotonic() - began
        faces = SamplePose.from_json(contents["pose"].decode("utf-8"), "the sample").expression
        last = Shown(context.scene.name, ask.job, tuple(described(sample, kinds, list(faces), total, seconds)))
        jobs.redraw()
        return None if shown else said("Open an image editor to see the sample")

    def _tell(self, context: bpy.types.Context) -> Any:
        def tell(event: Event) -> None:
            if event["type"] == "warning":
                self.report({"WARNING"}, event["text"])
            elif event["type"] == "progress" and event["total"]:
                context.window_manager.progress_update(100 * event["done"] / event["total"])

        return tell


class NINGYO_OT_dataset_preview(ShowsSample, bpy.types.Operator):
    """Render one sample of this dataset here, as the whole dataset will have it, and show it with its labels in an image editor"""

    bl_idname, bl_label = "ningyo.dataset_preview", "Preview"

    which: bpy.props.EnumProperty(
        name="Which",
        items=(
            ("SAME", "This Sample", "The sample of this number"),
            ("NEXT", "Next", "The sample after it"),
            ("RANDOM", "Random", "Any sample"),
        ),
        options={"SKIP_SAVE"},
    )

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: Any) -> str:
        how = said({"SAME": "this sample", "NEXT": "the next sample", "RANDOM": "a sample by chance"}[properties.which])
        return said("Render {sample} here, as the whole dataset will have it, and show it with its labels in an image editor", sample=how)

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str:
        return wanted(context.scene, folder()).problem or render_obstacle(context)

    def wanted(self, context: bpy.types.Context) -> Wanted:
        return wanted(context.scene, folder())

    def write(self, context: bpy.types.Context) -> None:
        write_sources(context, folder())

    def number(self, context: bpy.types.Context, total: int) -> int:
        settings = context.scene.ningyo.dataset
        settings.number = {"SAME": settings.number, "NEXT": settings.number + 1, "RANDOM": random.randrange(total)}[self.which] % total
        return settings.number


def _busy(context: bpy.types.Context, begins: bool) -> None:
    """Have the pointer say that Blender is at work."""
    manager = context.window_manager
    if begins:
        manager.progress_begin(0, 100)
    else:
        manager.progress_end()


def show(context: bpy.types.Context, file: Path) -> bool:
    """Show a picture in an image editor; False where there is none and none can be opened."""
    image = bpy.data.images.get(IMAGE)
    if image is None or image.source != "FILE":
        image = bpy.data.images.load(str(file))
        image.name = IMAGE
    before = tuple(image.size)
    image.filepath_raw = str(file)
    image.reload()
    if not image.packed_file:
        image.pack()  # the file goes when Blender ends, and the .blend must not miss it
    return put_in_editor(context, image, tuple(image.size) != before)


def put_in_editor(context: bpy.types.Context, image: bpy.types.Image, is_new: bool) -> bool:
    """Have an image editor show an image, the whole of it where it is new to the editor; False where there is no editor and none can be
    opened.
    """
    found = image_editor(context, image)
    if found is None:
        return False
    window, area = found
    if area.spaces.active.image != image or is_new:
        show_whole(context, window, area, image)
    area.tag_redraw()
    return True


def described(sample: Sample, kinds: list[str], faces: list[str], total: int, seconds: float) -> list[str]:
    """A sample in a few lines."""
    from ..synth_data.render.job import SAMPLED

    look, camera = sample.details.get("look", {}), sample.camera
    turn = camera["yaw"] % 360
    turn -= 360 * (turn > 180)
    front, left, right = "From {angle}°", "From {angle}° left", "From {angle}° right"
    place = said(front if abs(turn) < 0.5 else left if turn > 0 else right, angle=f"{abs(turn):.0f}")
    of_clip = said("a pose from no clip")
    if sample.clip != SAMPLED:
        of_clip = said("{clip}, frame {frame}", clip=sample.clip, frame=f"{sample.frame:g}")
    more = [
        said(word)
        for word, holds in (("varied", sample.variation), ("mirrored", sample.mirrored), ("held out", sample.split == "test"))
        if holds
    ]
    return [
        said(
            "Sample {number} of {total} (0 to {last}), {seconds} s",
            number=sample.number,
            total=total,
            last=total - 1,
            seconds=f"{seconds:.1f}",
        ),
        f"{sample.character}: {', '.join([of_clip, *more])}",
        said("{place}, {angle}° up, {distance} m", place=place, angle=f"{camera['elevation']:.0f}", distance=f"{camera['distance']:.1f}"),
        *([said("Face: {expressions}", expressions=", ".join(faces))] if faces else []),
        *([said("Palette {number}, {tones} tones", number=look["palette"], tones=look["tones"])] if look.get("palette") else []),
        said("Shown: {labels}", labels=", ".join([said("Picture"), *(said(LABELS[kind][0]) for kind in kinds if kind in LABELS)]).lower()),
    ]


CLASSES = (NINGYO_OT_dataset_preview,)
