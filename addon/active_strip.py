# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""The active strip where it shows generated frames: how they were made, making them again, what lies under them, proxies."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import bpy

from ..errors import UserError
from ..sequencer.background import COLOR, FILE, NOTHING, VIDEO, background_of, made_under, set_background
from ..sequencer.frames import HEADER, FrameFolder
from ..sequencer.proxies import SIZES, set_up_proxies
from ..sequencer.strips import STANDARD, folder_of
from . import jobs, words
from .explained import Explained
from .language import said
from .looking import Looked
from .operators import worker_of
from .panels import say
from .properties import sequencer_scene
from .results import JOB, SHOWS_FRAMES, frames_of

UNCHANGED = (STANDARD, "Raw")  # view transforms that no movie is spoilt by
NOT_ACTIVE = "Select a strip of generated frames"
BACKGROUNDS = (
    (VIDEO, "Video", "Show the video that the frames were made from"),
    (COLOR, "Color", "Show a plain color"),
    (FILE, "File", "Show a picture or a movie of yours"),
    (NOTHING, "None", "Show nothing: the video is muted, and what is rendered is transparent"),
)


def active_frames(context: bpy.types.Context) -> tuple[bpy.types.Strip, FrameFolder] | None:
    """The active strip and its frames; None where it shows no generated ones."""
    editor = sequencer_scene(context).sequence_editor
    strip = editor.active_strip if editor else None
    if strip is None or strip.type != "IMAGE":
        return None
    folder = _looked(folder_of(strip))
    return (strip, folder) if folder else None


def _frames_in(path: Path) -> FrameFolder | None:
    try:
        return FrameFolder.read(path)
    except (UserError, OSError):
        return None


_looked: Looked[Path, FrameFolder | None] = Looked(_frames_in)


def forget() -> None:
    _looked.forget()


def job_of(folder: FrameFolder) -> jobs.Job | None:
    """The running job that makes these frames."""
    running = (job for job in jobs.JOBS if job.is_running and job.verb in SHOWS_FRAMES)
    return next((job for job in running if frames_of(job).resolve() == folder.path), None)


def arguments_again(folder: FrameFolder) -> list[str]:
    """The command line that makes these frames again. Raises UserError where that is not known, or a file for it is gone."""
    made_by = folder.header.get("made_by", {})
    if "model" not in made_by or "track" not in made_by:
        raise UserError(said("These frames do not say how they were made; press Generate"))
    paths = {kind: (folder.path / path).resolve() for kind, path in made_by.items()}
    for kind in ("model", "track"):
        if not paths[kind].exists():
            raise UserError(said("There is no {path} any more; put it back, or press Generate", path=paths[kind]))
    arguments = [str(paths["model"]), str(paths["track"]), "--out", str(folder.path), "--person", str(folder.person)]
    if "motion" in paths and paths["motion"].exists():
        arguments += ["--motion", str(paths["motion"])]
    if "mp4" in paths:
        arguments += ["--mp4", str(paths["mp4"])]
    return arguments


class OnActiveStrip(Explained):
    """What the buttons for the active strip share. Each has `change`, which does the work."""

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str:
        return said(NOT_ACTIVE) if active_frames(context) is None else ""

    def act(self, context: bpy.types.Context) -> str | None:
        found = active_frames(context)
        if found is None:
            raise UserError(said(NOT_ACTIVE))
        return self.change(context, *found)


class NINGYO_OT_redo_strip(OnActiveStrip, bpy.types.Operator):
    """Make these frames again, with the model and the capture as they are now; frames that would be the same are kept"""

    bl_idname, bl_label = "ningyo.redo_strip", "Redo"
    bl_options = {"UNDO"}  # noqa: RUF012

    def change(self, context: bpy.types.Context, strip: bpy.types.Strip, folder: FrameFolder) -> str:
        interpreter, out = worker_of(context), folder.path.parent
        if jobs.last_in(out) is not None:
            raise UserError(said("A job is at work in this output folder; wait for it, or stop it"))
        arguments = arguments_again(folder)
        note = {"scene": sequencer_scene(context).name, "blend": bpy.data.filepath, "video": folder.header["video"]["path"]}
        job = jobs.start_job(interpreter, "generate", arguments, out, shown=True, **note)
        strip[JOB] = job.folder.name
        return "The frames are being made again"


class NINGYO_OT_strip_background(OnActiveStrip, bpy.types.Operator):
    """What is seen behind the character"""

    bl_idname, bl_label = "ningyo.strip_background", "Background"
    bl_options = {"UNDO"}  # noqa: RUF012 (Blender reads it from the class)

    kind: bpy.props.EnumProperty(name="Background", items=BACKGROUNDS, options={"SKIP_SAVE"})
    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"HIDDEN", "SKIP_SAVE"})
    filter_image: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_movie: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def description(cls, _context: bpy.types.Context, properties: Any) -> str:
        return said(next(text for kind, _, text in BACKGROUNDS if kind == properties.kind))

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        if self.kind != FILE or self.filepath:
            return self.execute(context)
        if bpy.data.filepath:  # otherwise the browser would offer the .blend itself
            self.filepath = bpy.path.abspath("//")
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def draw(self, _context: bpy.types.Context) -> None:
        """Nothing: in the file browser it is plain that it is a file."""

    def change(self, context: bpy.types.Context, strip: bpy.types.Strip, folder: FrameFolder) -> str:
        if folder.alone:
            raise UserError("These frames have a background of their own")
        file = Path(bpy.path.abspath(self.filepath)) if self.filepath else None
        set_background(sequencer_scene(context), strip, folder, self.kind, file=file)
        return ""


class NINGYO_OT_strip_proxies(OnActiveStrip, bpy.types.Operator):
    """Have Blender make smaller copies of the video, and of frames that have no transparency, so that the preview plays fluently"""

    bl_idname, bl_label = "ningyo.strip_proxies", "Proxies"
    bl_options = {"UNDO"}  # noqa: RUF012

    size: bpy.props.EnumProperty(
        name="Size",
        description="The copies' size",
        items=[(size, f"{size} %", f"{size} % of the full size") for size in SIZES],
        default="50",
    )

    def change(self, context: bpy.types.Context, strip: bpy.types.Strip, folder: FrameFolder) -> str:
        strips = set_up_proxies(sequencer_scene(context), strip, folder, self.size)
        return said("Proxies of {percent} % for {strips}", percent=self.size, strips=", ".join(one.name for one in strips))


class NINGYO_PT_strip(bpy.types.Panel):
    bl_space_type, bl_region_type, bl_category = "SEQUENCE_EDITOR", "UI", "Ningyo"
    bl_label = "Strip of Frames"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return active_frames(context) is not None

    def draw(self, context: bpy.types.Context) -> None:
        found = active_frames(context)
        if found is None:
            return
        strip, folder = found
        layout = self.layout
        column = layout.column(align=True)
        for name, value in described(folder):
            row = column.split(factor=0.3)
            row.label(text=name)
            row.label(text=value, translate=False)
        job = job_of(folder)
        if job is not None:
            layout.progress(factor=job.view.fraction or 0.0, type="BAR", text=words.progress(job.view) or "…")
        row = layout.row(align=True)
        row.operator("ningyo.redo_strip", icon="FILE_REFRESH")
        row.operator("ningyo.open_folder", text="Reveal Folder", icon="FILE_FOLDER").folder = str(folder.path)
        made = jobs.find(str(folder.path.parent / "jobs" / strip.get(JOB, ""))) if strip.get(JOB) else None
        if made is not None:
            row.operator("ningyo.show_log", text="", icon="TEXT").job = str(made.folder)
        colours = sequencer_scene(context).view_settings
        if colours.view_transform not in UNCHANGED:
            say(layout, context, "This view transform changes the colors of movie and frames", "INFO")
            layout.prop(colours, "view_transform")
        if folder.alone:
            layout.label(text="The frames have a background of their own", icon="INFO")
        else:
            draw_background(layout, sequencer_scene(context), strip, folder)
        layout.operator_menu_enum("ningyo.strip_proxies", "size", text="Make Proxies", icon="PREVIEW_RANGE")


def described(folder: FrameFolder) -> list[tuple[str, str]]:
    """What is known of how the frames were made, a line a thing."""
    header, made_by = folder.header, folder.header.get("made_by", {})
    done = len(folder.files) - folder.missing
    frames = str(done)
    if folder.missing:
        frames = said("{done} of {total}, {missing} missing", done=done, total=len(folder.files), missing=folder.missing)
    known = [
        ("Video", header.get("video", {}).get("name", "")),
        ("Character", header.get("character", "")),
        ("Model", Path(made_by["model"]).name if "model" in made_by else ""),
        ("Person", said("main") if folder.person == 0 else str(folder.person)),
        ("Made", f"{datetime.fromtimestamp((folder.path / HEADER).stat().st_mtime):%Y-%m-%d %H:%M}"),
        ("Frames", frames),
    ]
    return [(name, value) for name, value in known if value]


def draw_background(layout: bpy.types.UILayout, scene: bpy.types.Scene, strip: bpy.types.Strip, folder: FrameFolder) -> None:
    made = made_under(scene, strip)
    now = background_of(scene, strip, folder)
    layout.label(text="Background")
    row = layout.row(align=True)
    for kind, name, _ in BACKGROUNDS:
        row.operator("ningyo.strip_background", text=name, depress=kind == now).kind = kind
    if now == COLOR:
        layout.prop(made[0], "color", text="")


CLASSES = (NINGYO_OT_redo_strip, NINGYO_OT_strip_background, NINGYO_OT_strip_proxies, NINGYO_PT_strip)
