# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""The "Motion" panels in the 3-D view's sidebar: how to solve, what is known of the filming, who else takes part, and the controls."""

from __future__ import annotations

import bpy

from . import facts, live_preview
from .language import said
from .motions import shown_motion
from .panels import InView3D, say, split
from .path_panels import Step, draw_fact, draw_stage
from .properties import plan_of
from .retarget import obstacle

SPANS_SHOWN = 6


def optional(layout: bpy.types.UILayout, data: object, switch: str, *values: str) -> None:
    """A name, a checkbox that says whether the value counts, and the value; below it the others that go with it."""
    column = layout.column(align=True)
    row = column.row(align=True, heading=data.bl_rna.properties[values[0]].name)
    row.prop(data, switch, text="")
    field = row.row(align=True)
    field.active = getattr(data, switch)
    field.prop(data, values[0], text="")
    others = column.column(align=True)
    others.active = getattr(data, switch)
    for value in values[1:]:
        others.prop(data, value)


class NINGYO_PT_motion(Step, InView3D, bpy.types.Panel):
    bl_label = "4. Motion"
    bl_order = 4
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 (Blender reads it from the class)
    verb = "retarget"

    def draw(self, context: bpy.types.Context) -> None:
        solving, plan = context.scene.ningyo.solving, plan_of(context)
        column = split(self.layout.column())
        column.prop(solving, "method")
        if solving.method == "SOLVER":
            column.prop(solving, "fast")
        draw_fact(self.layout, context, facts.of_motion(plan.files.motion))
        does = "Puts the person's motion on the character, and prepares it for the dataset"
        missing = obstacle(context, plan)
        draw_stage(self.layout, context, "retarget", does, icon="ARMATURE_DATA", reason=missing)
        self.layout.operator("ningyo.live_preview", icon="HIDE_OFF", depress=live_preview.is_on())
        reason = "" if live_preview.is_on() else live_preview.obstacle(context)
        for line in live_preview.described() or ([reason] if reason not in ("", missing) else []):
            say(self.layout, context, line, "INFO")
        shown = shown_motion(context)
        if shown is not None and shown.said:
            column = self.layout.column(align=True)
            column.scale_y = 0.8
            for line in shown.said.splitlines():
                name, _, value = line.partition(": ")
                value, _, how = value.rpartition(", ")
                row = column.split(factor=0.45)
                left = row.row()
                left.alignment = "RIGHT"
                left.label(text=name)
                row.label(text=f"{value}, {said(how)}", translate=False)


class OfMotion(InView3D):
    bl_parent_id = "NINGYO_PT_motion"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012 (Blender reads it from the class)


class NINGYO_PT_filming(OfMotion, bpy.types.Panel):
    bl_label = "Camera"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.scene.ningyo.solving.method == "SOLVER"

    def draw(self, context: bpy.types.Context) -> None:
        solving = context.scene.ningyo.solving
        say(self.layout, context, "What is not known is estimated", "INFO")
        column = split(self.layout.column())
        optional(column, solving, "knows_focal", "focal", "sensor")
        column.operator("ningyo.lens_from_camera", icon="CAMERA_DATA")
        optional(column, solving, "knows_height", "height")
        optional(column, solving, "knows_pitch", "pitch")
        optional(column, solving, "knows_person", "person_height")


class NINGYO_UL_pairs(bpy.types.UIList):
    def draw_item(self, _context, layout, _data, item, _icon, _active_data, _active_property, _index) -> None:
        row = layout.split(factor=0.3)
        row.prop(item, "person", text="", emboss=False, icon="USER")
        row.prop(item, "armature", text="")


class NINGYO_PT_others(OfMotion, bpy.types.Panel):
    bl_label = "More People"

    def draw(self, context: bpy.types.Context) -> None:
        settings = context.scene.ningyo
        solved = settings.solving.method == "SOLVER"
        together = "Together with person {person} and the character above, in one world"
        apart = "Together with person {person} and the character above, each beginning where their armature stands"
        say(self.layout, context, said(together if solved else apart, person=settings.person), "NONE")
        row = self.layout.row()
        row.template_list("NINGYO_UL_pairs", "", settings.solving, "others", settings.solving, "other", rows=2)
        buttons = row.column(align=True)
        buttons.operator("ningyo.add_pair", text="", icon="ADD")
        buttons.operator("ningyo.remove_pair", text="", icon="REMOVE")


class NINGYO_PT_controls(OfMotion, bpy.types.Panel):
    bl_label = "Controls"

    def draw(self, context: bpy.types.Context) -> None:
        shown = shown_motion(context)
        if shown is None:
            say(self.layout, context, "Retarget first: then the motion is shaped here, without solving again", "INFO")
            return
        self.layout.label(
            text=said("{name}, person {person}", name=shown.armature.name, person=shown.person), icon="ARMATURE_DATA", translate=False
        )
        column = split(self.layout.column())
        optional(column, shown, "trims", "start", "end")
        optional(column, shown, "has_rate", "rate")
        optional(column, shown, "has_start_frame", "start_frame")
        column.separator()
        column.prop(shown, "in_place")
        column.prop(shown, "mirror")
        column.prop(shown, "heading")
        optional(column, shown, "has_floor", "floor")
        column.separator()
        column.prop(shown, "smooth")
        column.prop(shown, "arm_spread")
        column.separator()
        blends = column.column(align=True)
        blends.prop(shown, "blend_in")
        blends.prop(shown, "blend_out")
        if shown.blend_in or shown.blend_out:
            blends.prop(shown, "before")
        column.separator()
        optional(column, shown, "reduces", "tolerance")
        if shown.keys:
            few = said("{count} keys", count=f"{shown.keys:,}")
            if shown.keys < shown.all_keys:
                few = said("{count} of {total} keys", count=f"{shown.keys:,}", total=f"{shown.all_keys:,}")
            column.label(text=few)
        row = self.layout.row(align=True)
        row.operator("ningyo.apply", icon="CHECKMARK")
        row.operator("ningyo.export_bvh", text="Export BVH…", icon="EXPORT")


class NINGYO_PT_influence(InView3D, bpy.types.Panel):
    bl_label = "Influence"
    bl_parent_id = "NINGYO_PT_controls"
    bl_options = {"DEFAULT_CLOSED"}  # noqa: RUF012

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return shown_motion(context) is not None

    def draw(self, context: bpy.types.Context) -> None:
        from ..synth_data.retarget.edit import PARTS

        shown = shown_motion(context)
        column = split(self.layout.column(align=True))
        for part in PARTS:
            column.prop(shown, part, slider=True)


class NINGYO_PT_doubtful(OfMotion, bpy.types.Panel):
    bl_label = "Doubtful Frames"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        shown = shown_motion(context)
        return shown is not None and len(shown.doubtful) > 0

    def draw(self, context: bpy.types.Context) -> None:
        spans = shown_motion(context).doubtful
        longest = sorted(spans, key=lambda span: span.last - span.first, reverse=True)[:SPANS_SHOWN]
        say(self.layout, context, "Look here before you trust them: too little was seen", "INFO")
        column = self.layout.column(align=True)
        for span in sorted(longest, key=lambda span: span.first):
            row = column.row(align=True)
            row.label(text=said("{first} to {last}", first=span.first, last=span.last) if span.last > span.first else str(span.first))
            row.operator("ningyo.jump", text="", icon="TRIA_RIGHT").frame = span.first
        if len(spans) > SPANS_SHOWN:
            column.label(text=said("And {count} shorter ones", count=len(spans) - SPANS_SHOWN))


CLASSES = (
    NINGYO_UL_pairs,
    NINGYO_PT_motion,
    NINGYO_PT_filming,
    NINGYO_PT_others,
    NINGYO_PT_controls,
    NINGYO_PT_influence,
    NINGYO_PT_doubtful,
)
