# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""The "Look" panel in the 3-D view's sidebar."""

from __future__ import annotations

import bpy

from .look import selected_meshes
from .motion_panels import optional
from .panels import InView3D, say, split


class NINGYO_PT_look(InView3D, bpy.types.Panel):
    bl_label = "Look"
    bl_parent_id = "NINGYO_PT_step_character"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 (Blender reads it from the class)

    def draw(self, context: bpy.types.Context) -> None:
        from ..synth_data.characters.cel import has_cel_look, light_nodes

        look = context.scene.ningyo.look
        column = split(self.layout.column())
        optional(column, look, "outline", "width")
        row = column.row()
        row.prop(look, "tones", expand=True)
        row = self.layout.row(align=True)
        on = row.operator("ningyo.cel_look", icon="SHADING_SOLID")
        on.outline, on.width, on.tones = look.outline, look.width, look.tones
        row.operator("ningyo.remove_cel_look", icon="X")
        if not any(has_cel_look(mesh) for mesh in selected_meshes(context)):
            return
        row = self.layout.row()
        row.label(text="Light, from above")
        for node in light_nodes()[:1]:
            row.prop(node.outputs["Normal"], "default_value", text="")
        shading = context.space_data.shading if context.space_data is not None else None
        if shading is not None and shading.type in ("WIREFRAME", "SOLID"):
            say(self.layout, context, "The tones are seen in Material Preview and Rendered view", "INFO")
        if context.scene.view_settings.view_transform != "Standard":
            say(self.layout, context, "Colors are what they are with the view transform Standard", "INFO")
            split(self.layout.column()).prop(context.scene.view_settings, "view_transform", text="View Transform")


CLASSES = (NINGYO_PT_look,)
