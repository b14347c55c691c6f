# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""The chosen character in the open scene: found or loaded, and handed to the worker as a GLB."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy

from ..errors import UserError
from .language import said
from .plan import Plan

LOADED_AS = "ningyo_character"  # on an armature: what it was loaded from


def scene_armature(context: bpy.types.Context, plan: Plan) -> bpy.types.Object:
    """The character's armature in the scene; built-in ones and files are loaded the first time. Raises UserError."""
    settings = context.scene.ningyo
    if settings.character == "ARMATURE":
        armature = settings.armature
        if armature.name not in context.scene.objects:
            raise UserError(said("{name} is in another scene; choose an armature of this one.", name=armature.name))
        return armature
    for obj in context.scene.objects:
        if obj.type == "ARMATURE" and obj.get(LOADED_AS) == plan.rig:
            return obj
    from ..synth_data.characters.importing import load_character

    armature = load_character(plan.rig).armature
    shorten_bones(context, armature)
    armature[LOADED_AS] = plan.rig
    if settings.character == "BUILTIN":
        show_inside_outlines(context)
    return armature


def show_inside_outlines(context: bpy.types.Context) -> None:
    """Solid view shows both sides of faces unless told otherwise: the character would be hidden by its outline's black hull."""
    for shading in shadings():
        if not shading.show_backface_culling:
            shading.show_backface_culling = context.scene.ningyo.look.culls = True


def shadings() -> Iterator[bpy.types.View3DShading]:
    """Those of the 3-D views of all workspaces."""
    for screen in bpy.data.screens:
        for area in screen.areas:
            if area.type == "VIEW_3D":
                yield area.spaces.active.shading


def shorten_bones(context: bpy.types.Context, armature: bpy.types.Object) -> None:
    """Bring in tails that an importer put farther away than the whole skeleton is large: drawn so, bones hide the character.

    Where bones begin and how they are turned stays.
    """
    heads = [bone.head_local for bone in armature.data.bones]
    large = max(max(axis) - min(axis) for axis in zip(*heads, strict=True))
    if all(bone.length <= large for bone in armature.data.bones):
        return
    with _selected(context, [armature]):
        context.view_layer.objects.active = armature
        bpy.ops.object.mode_set(mode="EDIT")
        for bone in armature.data.edit_bones:
            if bone.length > large:
                bone.length = max(((child.head - bone.head).length for child in bone.children), default=0.0) or 0.05 * large
        bpy.ops.object.mode_set(mode="OBJECT")


def export_character(context: bpy.types.Context, armature: bpy.types.Object, path: Path) -> None:
    """Write the armature and the meshes it moves, at rest, as a GLB: the worker's Blender may be older than this one.
    What the bones' names do not tell of them goes into a bone map beside it.

    Raises UserError. The selection is put back.
    """
    if "gltf" not in dir(bpy.ops.export_scene):
        raise UserError("Blender's glTF add-on is switched off; enable it under Preferences, Add-ons.")
    meshes = [obj for obj in context.scene.objects if obj.type == "MESH" and moved_by(obj, armature)]
    if not meshes:
        raise UserError(said("{name} moves no mesh; choose the armature that carries the character.", name=armature.name))
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.stem}.part.glb")
    with _selected(context, [armature, *meshes]):
        bpy.ops.export_scene.gltf(
            filepath=str(beside),
            export_format="GLB",
            use_selection=True,
            use_active_scene=True,
            export_animations=False,
            export_rest_position_armature=True,
            export_yup=True,
        )
    os.replace(beside, path)
    from ..synth_data.characters.humanoid import save_roles_beside

    save_roles_beside(armature, path)


def moved_by(obj: bpy.types.Object, armature: bpy.types.Object) -> bool:
    """Whether an object belongs to the character of an armature."""
    if any(modifier.type == "ARMATURE" and modifier.object == armature for modifier in obj.modifiers):
        return True
    parent = obj.parent
    while parent is not None and parent != armature:
        parent = parent.parent
    return parent is not None


@contextmanager
def _selected(context: bpy.types.Context, objects: list[bpy.types.Object]) -> Iterator[None]:
    """Object mode with just `objects` selected, and everything as it was afterwards."""
    layer = context.view_layer
    active, mode = layer.objects.active, context.mode
    before = [obj for obj in layer.objects if obj.select_get()]
    hidden = [obj for obj in objects if obj.hide_get()]
    if active is not None and mode != "OBJECT":
        mode = active.mode
        bpy.ops.object.mode_set(mode="OBJECT")
    try:
        for obj in hidden:  # what is hidden cannot be selected
            obj.hide_set(False)
        for obj in layer.objects:
            obj.select_set(obj in objects)
        yield
    finally:
        for obj in layer.objects:
            obj.select_set(obj in before)
        for obj in hidden:
            obj.hide_set(True)
        layer.objects.active = active
        if active is not None and mode != "OBJECT":
            bpy.ops.object.mode_set(mode=mode)
