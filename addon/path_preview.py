# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""One picture of those that Render would make of the character in the person's poses, shown before any of them is rendered."""

from __future__ import annotations

import random
from pathlib import Path

import bpy

from ..errors import UserError
from .character import export_character, scene_armature
from .dataset_job import NO_NUMPY, Wanted, has_numpy
from .dataset_preview import ShowsSample, render_obstacle
from .language import said
from .properties import plan_of


class NINGYO_OT_path_preview(ShowsSample, bpy.types.Operator):
    """Render one picture by chance here, as Render will make it, and show it with its skeleton in an image editor"""

    bl_idname, bl_label = "ningyo.path_preview", "Preview a Picture"

    @classmethod
    def obstacle(cls, context: bpy.types.Context) -> str:
        reason = plan_of(context).blocked("render", needs_worker=False) or render_obstacle(context)
        return reason or ("" if has_numpy() else said(NO_NUMPY))

    def wanted(self, context: bpy.types.Context) -> Wanted:
        from ..synth_data.render.job import RenderJob

        plan = plan_of(context)
        try:
            return Wanted(RenderJob.from_flags([plan.rig], [plan.files.motion], size=plan.size, count=plan.count))
        except UserError as error:
            return Wanted(None, str(error))

    def write(self, context: bpy.types.Context) -> None:
        plan = plan_of(context)
        if context.scene.ningyo.character == "ARMATURE":
            export_character(context, scene_armature(context, plan), Path(plan.rig))

    def number(self, _context: bpy.types.Context, total: int) -> int:
        return random.randrange(total)


CLASSES = (NINGYO_OT_path_preview,)
