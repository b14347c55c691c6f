# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""The cel look for the selected characters, on and off."""

from __future__ import annotations

import bpy

from .character import moved_by, shadings, show_inside_outlines
from .explained import Explained
from .language import said

TONES = (("2", "Two", "A lit and a shaded color"), ("3", "Three", "A second, deeper shade as well"))


class NINGYO_look(bpy.types.PropertyGroup):
    """`scene.ningyo.look`"""

    outline: bpy.props.BoolProperty(name="Outline", description="Draw a dark line around the character's parts", default=True)
    width: bpy.props.FloatProperty(
        name="Outline", description="How wide the line is, against what suits the character's size", min=0.05, soft_max=4.0, default=1.0
    )
    tones: bpy.props.EnumProperty(name="Tones", description="How many colors the light makes of one", items=TONES)
    culls: bpy.props.BoolProperty(options={"HIDDEN"})  # whether the views' backface culling was switched on for outlines


def selected_meshes(context: bpy.types.Context) -> list[bpy.types.Object]:
    """The meshes of the characters of which the armature or a mesh is selected, and other selected meshes."""
    found: dict[bpy.types.Object, None] = {}
    for obj in context.selected_objects:
        armature = obj if obj.type == "ARMATURE" else obj.find_armature() if obj.type == "MESH" else None
        if armature is not None:
            found.update(dict.fromkeys(other for other in context.scene.objects if other.type == "MESH" and moved_by(other, armature)))
        elif obj.type == "MESH":
            found[obj] = None
    return list(found)


class OfSelected(Explained):
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012 (Blender reads it from the class)

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str:
        meshes = selected_meshes(context)
        return said(cls.blocked(meshes) if meshes else "Select a character: its armature, or a mesh of it")

    @classmethod
    def blocked(cls, _meshes: list[bpy.types.Object]) -> str:
        return ""


class NINGYO_OT_cel_look(OfSelected, bpy.types.Operator):
    """Show the selected character in flat tones with an outline; its materials stay as they are, and come back with Remove"""

    bl_idname, bl_label = "ningyo.cel_look", "Cel Look"

    outline: bpy.props.BoolProperty(name="Outline", default=True)
    width: bpy.props.FloatProperty(name="Width", description="Against what suits the character's size", min=0.05, soft_max=4.0, default=1.0)
    tones: bpy.props.EnumProperty(name="Tones", items=TONES)

    def act(self, context: bpy.types.Context) -> None:
        from ..synth_data.characters.cel import apply_cel_look, default_width, set_outline_width

        meshes = selected_meshes(context)
        apply_cel_look(meshes, outline=self.outline, tones=int(self.tones))
        if self.outline:
            set_outline_width(meshes, self.width * default_width(meshes))
            show_inside_outlines(context)


class NINGYO_OT_remove_cel_look(OfSelected, bpy.types.Operator):
    """Show the selected character with its own materials again"""

    bl_idname, bl_label = "ningyo.remove_cel_look", "Remove"

    @classmethod
    def blocked(cls, meshes: list[bpy.types.Object]) -> str:
        from ..synth_data.characters.cel import LOOK, has_cel_look

        if any(LOOK in mesh.modifiers for mesh in meshes):
            return ""
        return "Built-in characters have no other look" if any(map(has_cel_look, meshes)) else "The selected character has no cel look"

    def act(self, context: bpy.types.Context) -> None:
        from ..synth_data.characters.cel import OUTLINE, remove_cel_look

        remove_cel_look(selected_meshes(context))
        settings = context.scene.ningyo.look
        if settings.culls and not any(OUTLINE in obj.modifiers for obj in context.scene.objects):
            settings.culls = False
            for shading in shadings():
                shading.show_backface_culling = False


CLASSES = (NINGYO_look, NINGYO_OT_cel_look, NINGYO_OT_remove_cel_look)
