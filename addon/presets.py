# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""Settings that the user keeps under a name, in Blender's own presets. Videos, characters and folders are no part of them."""

from __future__ import annotations

import bpy
from bl_operators.presets import AddPresetBase
from bl_ui.utils import PresetPanel

SOLVING = (
    *("method", "fast", "knows_focal", "focal", "sensor", "knows_height", "height"),
    *("knows_pitch", "pitch", "knows_person", "person_height"),
)
DATASET = ("size", "counts", "count", "has_head_size", "head_size", "limits_workers", "workers", "form")


class Presets(PresetPanel):
    def draw(self, context: bpy.types.Context) -> None:
        if not bpy.utils.preset_paths(self.preset_subdir):
            # As keeping the first one does: where there is no folder yet, Blender speaks of missing paths.
            bpy.utils.user_resource("SCRIPTS", path=f"presets/{self.preset_subdir}", create=True)
        super().draw(context)


class NINGYO_PT_path_presets(Presets, bpy.types.Panel):
    bl_label = "Ningyo Presets"
    preset_subdir = "ningyo/path"
    preset_operator = "script.execute_preset"
    preset_add_operator = "ningyo.path_preset_add"


class NINGYO_OT_path_preset_add(AddPresetBase, bpy.types.Operator):
    """Keep the steps' settings under a name, or remove the ones of a name"""

    bl_idname, bl_label = "ningyo.path_preset_add", "Add Ningyo Preset"
    preset_menu = "NINGYO_PT_path_presets"
    preset_subdir = NINGYO_PT_path_presets.preset_subdir
    preset_defines = ("settings = bpy.context.scene.ningyo",)
    preset_values = (
        *(f"settings.{name}" for name in ("fast", "count", "size", "preset", "minutes")),
        *(f"settings.solving.{name}" for name in SOLVING),
    )


class NINGYO_PT_dataset_presets(Presets, bpy.types.Panel):
    bl_label = "Dataset Presets"
    preset_subdir = "ningyo/dataset"
    preset_operator = "script.execute_preset"
    preset_add_operator = "ningyo.dataset_preset_add"


class NINGYO_OT_dataset_preset_add(AddPresetBase, bpy.types.Operator):
    """Keep the dataset's settings, without characters and clips, under a name, or remove the ones of a name"""

    bl_idname, bl_label = "ningyo.dataset_preset_add", "Add Dataset Preset"
    preset_menu = "NINGYO_PT_dataset_presets"
    preset_subdir = NINGYO_PT_dataset_presets.preset_subdir
    preset_defines = ("dataset = bpy.context.scene.ningyo.dataset",)
    preset_values = (
        *(f"dataset.{name}" for name in (*DATASET, "labels", "cameras", "poses", "look")),
        *(f"dataset.background.{name}" for name in ("kind", "colours")),
    )


CLASSES = (NINGYO_PT_path_presets, NINGYO_OT_path_preset_add, NINGYO_PT_dataset_presets, NINGYO_OT_dataset_preset_add)
