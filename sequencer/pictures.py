# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""Which pictures an image strip shows, while more of them are being made (Blender 4.2 to 5.2)."""

from __future__ import annotations

from collections.abc import Sequence

import bpy

from .frames import FrameFolder
from .timeline import end_is_cut, is_retimed, lengthen, scene_fps, set_end, span

RATE = "ningyo_rate"  # on an image strip: how many of its pictures are a second


def set_pictures(scene: bpy.types.Scene, strip: bpy.types.Strip, names: Sequence[str]) -> None:
    """Have an image strip show these files of its folder, one a scene frame. Where it begins and ends stays.

    Not by `elements.append`, which leaves pictures' sizes to chance: Blender 5 crashes where such a file is missing.
    """
    editor = scene.sequence_editor
    active = editor.active_strip
    editor.active_strip = strip
    # Since Blender 5 operators of the sequencer look for a scene of its own.
    own = {"sequencer_scene": scene} if "sequencer_scene" in bpy.types.WorkSpace.bl_rna.properties else {}
    files, directory = [{"name": name} for name in names], strip.directory
    try:
        with bpy.context.temp_override(scene=scene, **own):
            bpy.ops.sequencer.change_path(directory=bpy.path.abspath(directory), files=files, relative_path=False, use_placeholders=False)
    finally:
        editor.active_strip = active
    strip.directory = directory  # as it was, which may be relative to the .blend


def pictures_now(scene: bpy.types.Scene, strip: bpy.types.Strip, folder: FrameFolder) -> list[str]:
    """The pictures that an image strip would show of what is in its folder by now."""
    rate = strip.get(RATE, scene_fps(scene))
    return folder.elements(rate, folder.offset_of(strip.elements[0].filename, rate))[1]


def show_newest(scene: bpy.types.Scene, strip: bpy.types.Strip, folder: FrameFolder) -> None:
    """Give an image strip the pictures that are in its folder by now, and have Blender forget those it keeps of their files.

    What was done to the strip stays. It grows with the pictures, unless its end was cut off: of a strip that was cut into pieces, the last
    one grows. It does not grow over the next strip in its channel, nor where its speed was changed.
    """
    before, after = [element.filename for element in strip.elements], pictures_now(scene, strip, folder)
    if after == before:
        strip.directory = strip.directory  # Blender forgets the pictures it keeps of a strip whose folder is set
        return
    end = span(strip)[1]
    grows = not end_is_cut(strip) and not is_retimed(strip)
    set_pictures(scene, strip, after)
    if grows and len(after) < len(before):
        set_end(strip, max(end + len(after) - len(before), span(strip)[0] + 1))
    elif grows:
        lengthen(scene, strip, end + len(after) - len(before))
