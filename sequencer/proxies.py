# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""Proxies for generated frames and their video: smaller copies for a fluent preview (Blender 4.2 to 5.2)."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..errors import UserError
from .background import videos_under
from .frames import FrameFolder
from .strips import in_a_sequencer
from .timeline import strips_of

SIZES = ("25", "50", "75", "100")
FOLDER = "proxies"


def set_up_proxies(scene: bpy.types.Scene, images: bpy.types.Strip, folder: FrameFolder, size: str) -> list[bpy.types.Strip]:
    """Have Blender make and use proxies of `size` percent for an image strip's video, and for the strip itself where its frames have a
    background of their own; returns these strips. The proxies lie in a folder beside the frames.

    Transparent frames get none: Blender keeps proxies as JPEG, which has no transparency. Raises UserError.
    """
    if images.parent_meta():
        raise UserError("The strip is in a meta strip; take it out first (Ctrl+Alt+G).")
    strips = videos_under(scene, images, folder)
    if folder.alone:
        strips.append(images)
    if not strips:
        raise UserError("There is nothing to make proxies of: the video is not in the sequencer, and transparent frames cannot have any.")
    for strip in strips:
        strip.use_proxy = True
        proxy = strip.proxy
        for one in SIZES:
            setattr(proxy, f"build_{one}", one == size)
        proxy.use_overwrite = True
        proxy.use_proxy_custom_directory = True
        proxy.directory = _path_in(bpy.data.filepath, folder.path.with_name(FOLDER) / (folder.path.name if strip == images else "video"))
    _rebuild(scene, strips)
    _use_in_previews(size)
    return strips


def _path_in(blend: str, folder: Path) -> str:
    if not blend or not bpy.context.preferences.filepaths.use_relative_paths:
        return str(folder)
    try:
        return bpy.path.relpath(str(folder), start=str(Path(blend).parent))
    except ValueError:
        return str(folder)  # another drive on Windows


def _rebuild(scene: bpy.types.Scene, strips: list[bpy.types.Strip]) -> None:
    """Blender makes those of the strips that are selected; in a window, in the background and with a bar of its own."""
    everything = list(strips_of(scene.sequence_editor))
    selected = [strip for strip in everything if strip.select]
    how = "EXEC_DEFAULT" if bpy.app.background else "INVOKE_DEFAULT"
    for strip in everything:
        strip.select = strip in strips
    try:
        in_a_sequencer(scene, lambda: bpy.ops.sequencer.rebuild_proxy(how))
    finally:
        for strip in everything:
            strip.select = strip in selected


def _use_in_previews(size: str) -> None:
    """Only sequencers whose preview asks for that size use proxies."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "SEQUENCE_EDITOR":
                area.spaces.active.use_proxies = True
                area.spaces.active.proxy_render_size = f"PROXY_{size}"
