# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""What a person sees of Ningyo in Blender. It starts jobs and reads their folders; the heavy stages run in the worker."""

from __future__ import annotations

import bpy

from . import (
    active_strip,
    apply,
    dataset_lists,
    dataset_panels,
    dataset_preview,
    dataset_properties,
    dataset_work,
    environment,
    jobs,
    live_preview,
    look,
    look_panel,
    motion_panels,
    motions,
    operators,
    overlay,
    path_panels,
    path_preview,
    preferences,
    presets,
    properties,
    results,
    retarget,
    status_bar,
    swatches,
    training_panels,
    training_view,
    training_work,
    translations,
)

CLASSES = (
    *motions.CLASSES,
    *look.CLASSES,
    *dataset_properties.CLASSES,
    *properties.CLASSES,
    *environment.CLASSES,
    *preferences.CLASSES,
    *operators.CLASSES,
    *retarget.CLASSES,
    *apply.CLASSES,
    *live_preview.CLASSES,
    *results.CLASSES,
    *active_strip.CLASSES,
    *overlay.CLASSES,
    *dataset_lists.CLASSES,
    *dataset_preview.CLASSES,
    *path_preview.CLASSES,
    *dataset_work.CLASSES,
    *training_view.CLASSES,
    *training_work.CLASSES,
    *presets.CLASSES,
    *path_panels.CLASSES,
    *motion_panels.CLASSES,
    *look_panel.CLASSES,
    *dataset_panels.CLASSES,
    *training_panels.CLASSES,
)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.ningyo = bpy.props.PointerProperty(type=properties.NINGYO_settings)
    jobs.on_end += [results.show_result, overlay.show_made, retarget.put_on_solved, dataset_work.show_page]
    jobs.on_end += [environment.use_made, training_view.refresh]
    jobs.on_look.append(training_view.refresh)
    status_bar.show()
    translations.register()
    results.watch()
    jobs.find_again()
    live_preview.watch()


def unregister() -> None:
    status_bar.hide()
    translations.unregister()
    live_preview.forget()
    jobs.forget()
    results.forget()
    active_strip.forget()
    swatches.forget()
    dataset_preview.forget()
    training_view.forget()
    del bpy.types.Scene.ningyo
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
