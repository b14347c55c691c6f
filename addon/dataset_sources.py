# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""What a dataset takes from the open scene, as files: characters as GLB, motions as .npz. And where the dataset itself is."""

from __future__ import annotations

import filecmp
import os
import tempfile
from pathlib import Path
from typing import Any

import bpy

from ..errors import UserError
from .apply import controlled
from .character import export_character
from .dataset_folder import beside
from .dataset_job import enabled, is_builtin, is_character, path_of, source_of
from .language import said
from .motions import motion_of
from .properties import output_base


def out_of(scene: bpy.types.Scene) -> Path:
    """The dataset's folder: the chosen one, or one among everything that is made."""
    chosen = scene.ningyo.dataset.output
    # A folder chosen in Blender's file browser ends with a slash.
    return path_of(chosen) if chosen else output_base(scene.ningyo) / "dataset"


def sources_of(scene: bpy.types.Scene) -> Path:
    """Where the worker finds what comes from the scene."""
    return beside(out_of(scene), "job")


def write_sources(context: bpy.types.Context, folder: Path) -> None:
    """Write the characters and motions of the scene that are enabled. Files that would be the same again are let be, so that a dataset can
    be gone on with.

    Raises UserError; OSError where they cannot be written.
    """
    settings = context.scene.ningyo.dataset
    lines = [line for line in enabled(settings.characters) if line.kind == "ARMATURE" and not is_builtin(line)]
    lines += [line for line in enabled(settings.clips) if line.kind == "MOTION"]
    if not lines:
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as made:
        for line in lines:
            _write(context, line, source_of(line, Path(made)))
        for new in sorted(Path(made).iterdir()):
            old = folder / new.name
            if not old.exists() or not filecmp.cmp(new, old, shallow=False):
                os.replace(new, old)


def _write(context: bpy.types.Context, line: Any, path: Path) -> None:
    if is_character(line):
        export_character(context, line.armature, path)
        return
    remembered = motion_of(context.scene, line.armature)
    if remembered is None:
        raise UserError(said("{name} has no motion from the Motion panel; retarget first, or take another clip.", name=line.armature.name))
    controlled(remembered)[0].save(path)
