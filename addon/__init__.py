# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""What a person sees of Ningyo in Blender. It starts jobs and reads their folders; the heavy stages run in the worker."""

from __future__ import annotations

import bpy

from . import (
    apply,
    dataset_lists,
    dataset_panels,
    dataset_preview,
    dataset_properties,
    dataset_work,
    jobs,
    look,
    look_panel,
    motion_panels,
    motions,
    operators,
    overlay,
    panels,
    path_preview,
    preferences,
    properties,
    results,
    retarget,
    swatches,
    training_panels,
    training_view,
    training_work,
)

CLASSES = (
    *motions.CLASSES,
    *look.CLASSES,
    *dataset_properties.CLASSES,
    *properties.CLASSES,
    *preferences.CLASSES,
    *operators.CLASSES,
    *retarget.CLASSES,
    *apply.CLASSES,
    *results.CLASSES,
    *overlay.CLASSES,
    *dataset_lists.CLASSES,
    *dataset_preview.CLASSES,
    *path_preview.CLASSES,
    *dataset_work.CLASSES,
    *training_view.CLASSES,
    *training_work.CLASSES,
    *panels.CLASSES,
    *motion_panels.CLASSES,
    *look_panel.CLASSES,
    *dataset_panels.CLASSES,
    *training_panels.CLASSES,
)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.ningyo = bpy.props.PointerProperty(type=properties.NINGYO_settings)
    jobs.on_end += [results.show_result, overlay.show_made, retarget.put_on_solved, dataset_work.show_page, training_view.refresh]
    jobs.on_look.append(training_view.refresh)
    jobs.find_again()


def unregister() -> None:
    jobs.forget()
    swatches.forget()
    dataset_preview.forget()
    training_view.forget()
    del bpy.types.Scene.ningyo
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
