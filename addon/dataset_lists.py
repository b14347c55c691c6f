# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""Filling the Dataset panel: lines of its lists, and whole jobs from and to files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bpy_extras.io_utils import ExportHelper, ImportHelper

from ..errors import UserError
from .dataset_folder import beside
from .dataset_job import NO_NUMPY, has_numpy, take, wanted
from .dataset_sources import out_of, write_sources
from .explained import Explained
from .language import said
from .properties import CHARACTER_FILES

CLIP_FILES = (".npz", ".fbx", ".glb", ".gltf", ".vrma", ".bvh")
LISTS = (
    ("CHARACTERS", "Characters", "The list of characters"),
    ("CLIPS", "Clips", "The list of clips"),
    ("COLOURS", "Colors", "The background's colors"),
)


def _chosen(settings: Any, which: str) -> tuple[Any, str]:
    """A list, and the name of the property that says which of its lines is chosen."""
    if which == "COLOURS":
        return settings.background.colours, ""
    return (settings.characters, "character") if which == "CHARACTERS" else (settings.clips, "clip")


def _added(settings: Any, which: str, **values: Any) -> Any:
    lines, chosen = _chosen(settings, which)
    line = lines.add()
    for name, value in values.items():
        setattr(line, name, value)
    setattr(settings, chosen, len(lines) - 1)
    return line


class NINGYO_OT_dataset_add_builtin(bpy.types.Operator):
    """Add a built-in character, or several at once: every number is another one"""

    bl_idname, bl_label = "ningyo.dataset_add_builtin", "Built-in"
    bl_options = {"UNDO"}  # noqa: RUF012 (Blender reads it from the class)

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = context.scene.ningyo.dataset
        used = [line.seed + line.many for line in settings.characters if line.kind == "BUILTIN"]
        _added(settings, "CHARACTERS", kind="BUILTIN", seed=max(used, default=0))
        return {"FINISHED"}


class NINGYO_OT_dataset_add_armatures(Explained, bpy.types.Operator):
    """Add the selected armatures of this scene, or all of them where none is selected, with the meshes that they move"""

    bl_idname, bl_label = "ningyo.dataset_add_armatures", "From This Scene"
    bl_options = {"UNDO"}  # noqa: RUF012

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str:
        if _free_armatures(context):
            return ""
        there = any(obj.type == "ARMATURE" for obj in context.scene.objects)
        return said("All armatures of this scene are in the list" if there else "There is no armature in this scene")

    def act(self, context: bpy.types.Context) -> None:
        for armature in _free_armatures(context):
            _added(context.scene.ningyo.dataset, "CHARACTERS", kind="ARMATURE", armature=armature)


def _free_armatures(context: bpy.types.Context) -> list[bpy.types.Object]:
    """Those that can still be added: the selected ones of them where there are."""
    listed = [line.armature for line in context.scene.ningyo.dataset.characters if line.kind == "ARMATURE"]
    free = [obj for obj in context.scene.objects if obj.type == "ARMATURE" and obj not in listed]
    return [obj for obj in free if obj.select_get()] or free


class NINGYO_OT_dataset_add_motions(Explained, bpy.types.Operator):
    """Add the motions that the Motion panel put onto armatures of this scene, as its controls have them"""

    bl_idname, bl_label = "ningyo.dataset_add_motions", "From This Scene"
    bl_options = {"UNDO"}  # noqa: RUF012

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str:
        if _free_motions(context):
            return ""
        there = any(motion.armature and motion.armature.name in context.scene.objects for motion in context.scene.ningyo.motions)
        return said("All motions of this scene are in the list" if there else "Retarget first: the Motion panel has no motion")

    def act(self, context: bpy.types.Context) -> None:
        for armature in _free_motions(context):
            _added(context.scene.ningyo.dataset, "CLIPS", kind="MOTION", armature=armature)


def _free_motions(context: bpy.types.Context) -> list[bpy.types.Object]:
    settings = context.scene.ningyo
    listed = [line.armature for line in settings.dataset.clips if line.kind == "MOTION"]
    # What was deleted is remembered, so that undoing brings it back.
    there = [motion.armature for motion in settings.motions if motion.armature is not None]
    return [armature for armature in there if armature.name in context.scene.objects and armature not in listed]


class AddsFiles(ImportHelper):
    """What the buttons that add files share."""

    bl_options = {"UNDO"}  # noqa: RUF012
    which, endings = "", ()

    files: bpy.props.CollectionProperty(type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"})
    directory: bpy.props.StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        named = [Path(self.directory, file.name) for file in self.files if file.name] or [Path(self.filepath)]
        fit = [path for path in named if path.suffix.lower() in self.endings and path.is_file()]
        for path in fit:
            _added(context.scene.ningyo.dataset, self.which, kind="FILE", file=str(path))
        if len(fit) < len(named):
            odd = next(path for path in named if path not in fit)
            self.report({"ERROR"}, said("{file} is not one of {endings}, or not there", file=odd.name, endings=", ".join(self.endings)))
        return {"FINISHED"} if fit else {"CANCELLED"}


class NINGYO_OT_dataset_add_characters(AddsFiles, bpy.types.Operator):
    """Add characters from files: .glb, .gltf, .vrm, .fbx or .blend; several may be chosen at once"""

    bl_idname, bl_label = "ningyo.dataset_add_characters", "Add Characters"
    which, endings = "CHARACTERS", CHARACTER_FILES
    filter_glob: bpy.props.StringProperty(default=";".join(f"*{ending}" for ending in CHARACTER_FILES), options={"HIDDEN"})


class NINGYO_OT_dataset_add_clips(AddsFiles, bpy.types.Operator):
    """Add clips from files: motions (.npz), or .fbx, .glb, .gltf, .vrma and .bvh of other programs; several may be chosen at once"""

    bl_idname, bl_label = "ningyo.dataset_add_clips", "Add Clips"
    which, endings = "CLIPS", CLIP_FILES
    filter_glob: bpy.props.StringProperty(default=";".join(f"*{ending}" for ending in CLIP_FILES), options={"HIDDEN"})


class OfList:
    which: bpy.props.EnumProperty(name="List", items=LISTS, options={"HIDDEN", "SKIP_SAVE"})


class NINGYO_OT_dataset_remove(OfList, Explained, bpy.types.Operator):
    """Take the chosen line out of the list; no file is touched"""

    bl_idname, bl_label = "ningyo.dataset_remove", "Remove"
    bl_options = {"INTERNAL", "UNDO"}  # noqa: RUF012

    number: bpy.props.IntProperty(name="Line", description="Which line; -1: the chosen one", default=-1, options={"HIDDEN", "SKIP_SAVE"})

    def act(self, context: bpy.types.Context) -> None:
        settings = context.scene.ningyo.dataset
        lines, chosen = _chosen(settings, self.which)
        number = self.number if self.number >= 0 or not chosen else getattr(settings, chosen)
        if not 0 <= number < len(lines):
            raise UserError(said("There is no line to remove"))
        lines.remove(number)
        if chosen:
            setattr(settings, chosen, max(min(getattr(settings, chosen), len(lines) - 1), 0))


class NINGYO_OT_dataset_move(OfList, bpy.types.Operator):
    """Move the chosen line: samples are numbered in the list's order"""

    bl_idname, bl_label = "ningyo.dataset_move", "Move"
    bl_options = {"INTERNAL", "UNDO"}  # noqa: RUF012

    by: bpy.props.IntProperty(name="By", description="So many lines down; up is negative", default=1, options={"HIDDEN", "SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        settings = context.scene.ningyo.dataset
        lines, chosen = _chosen(settings, self.which)
        old = getattr(settings, chosen)
        new = old + self.by
        if not (0 <= old < len(lines) and 0 <= new < len(lines)):
            return {"CANCELLED"}
        lines.move(old, new)
        setattr(settings, chosen, new)
        return {"FINISHED"}


class NINGYO_OT_dataset_add_colour(bpy.types.Operator):
    """Add a color that is behind the character in some of the pictures"""

    bl_idname, bl_label = "ningyo.dataset_add_colour", "Add Color"
    bl_options = {"UNDO"}  # noqa: RUF012

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.scene.ningyo.dataset.background.colours.add()
        return {"FINISHED"}


class NINGYO_OT_dataset_save_job(Explained, bpy.types.Operator, ExportHelper):
    """Write these settings as a job file, which the command line renders as well; what comes from this scene is written beside it"""

    bl_idname, bl_label = "ningyo.dataset_save_job", "Save Job"

    filename_ext = ".toml"
    filter_glob: bpy.props.StringProperty(default="*.toml", options={"HIDDEN"})

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str:
        return wanted(context.scene, Path()).problem

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        if not self.filepath:
            self.filepath = str(out_of(context.scene).with_suffix(".toml"))
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def act(self, context: bpy.types.Context) -> str:
        from ..synth_data.render.job_file import save_job

        path = Path(self.filepath)
        sources = beside(path.with_suffix(""), "files")
        try:
            ask = wanted(context.scene, sources)
            if ask.job is None:
                raise UserError(ask.problem)
            write_sources(context, sources)
            save_job(ask.job, path)
        except OSError as error:
            text = "{error}: {path}; choose another place"
            raise UserError(said(text, error=error.strerror, path=error.filename or path)) from error
        return said("Written: {path}", path=path)


class NINGYO_OT_dataset_load_job(Explained, bpy.types.Operator, ImportHelper):
    """Set this panel to a job file (.toml), or to the job of a dataset (its job.json)"""

    bl_idname, bl_label = "ningyo.dataset_load_job", "Load Job"
    bl_options = {"UNDO"}  # noqa: RUF012

    filter_glob: bpy.props.StringProperty(default="*.toml;*.json", options={"HIDDEN"})

    @classmethod
    def obstacle(cls, _context: bpy.types.Context) -> str:
        return "" if has_numpy() else said(NO_NUMPY)

    def act(self, context: bpy.types.Context) -> None:
        from ..synth_data.render.job_file import load_job

        lost = take(context.scene.ningyo.dataset, load_job(Path(self.filepath).absolute()))
        if lost:
            text = "The panel cannot hold these of the job just as they are: {parts}. Render such a job by its file"
            self.report({"WARNING"}, said(text, parts=", ".join(lost)))


CLASSES = (
    NINGYO_OT_dataset_add_builtin,
    NINGYO_OT_dataset_add_armatures,
    NINGYO_OT_dataset_add_motions,
    NINGYO_OT_dataset_add_characters,
    NINGYO_OT_dataset_add_clips,
    NINGYO_OT_dataset_remove,
    NINGYO_OT_dataset_move,
    NINGYO_OT_dataset_add_colour,
    NINGYO_OT_dataset_save_job,
    NINGYO_OT_dataset_load_job,
)
