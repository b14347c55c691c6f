# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""Where strips lie, and moving their ends: what Blender 4.2 to 5.2 call by different names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy


def scene_fps(scene: bpy.types.Scene) -> float:
    return scene.render.fps / scene.render.fps_base


def strips_of(owner: bpy.types.SequenceEditor | bpy.types.MetaStrip) -> Any:
    """The strips that lie directly in a sequencer, or in a meta strip."""
    return owner.strips if hasattr(owner, "strips") else owner.sequences


def every_strip(scene: bpy.types.Scene) -> Iterator[bpy.types.Strip]:
    """All strips of a scene, those in meta strips too."""
    editor = scene.sequence_editor
    if editor is not None:
        yield from editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all


def siblings(scene: bpy.types.Scene, strip: bpy.types.Strip) -> Any:
    """What lies where a strip lies, itself too."""
    return strips_of(strip.parent_meta() or scene.sequence_editor)


def span(strip: bpy.types.Strip) -> tuple[float, float]:
    """First scene frame and one past the last."""
    if hasattr(strip, "left_handle"):
        return strip.left_handle, strip.right_handle
    return strip.frame_final_start, strip.frame_final_end


def first_frame(strip: bpy.types.Strip) -> int:
    """The scene frame of a movie's or an image strip's first picture, cut off or not."""
    return round(strip.content_start if hasattr(strip, "content_start") else strip.frame_start)


def end_is_cut(strip: bpy.types.Strip) -> bool:
    """Whether a strip ends before its last picture."""
    return (strip.right_handle_offset if hasattr(strip, "right_handle_offset") else strip.frame_offset_end) > 0


def is_retimed(strip: bpy.types.Strip) -> bool:
    """Whether an image strip's speed was changed."""
    if hasattr(strip, "retiming_keys"):
        return len(strip.retiming_keys) > 0
    # Blender 4.2 retimes image strips too, but only tells by their length.
    return strip.frame_final_duration + strip.frame_offset_start + strip.frame_offset_end != strip.frame_duration


def set_end(strip: bpy.types.Strip, end: float) -> None:
    """Move a strip's right handle; effects upon it follow."""
    if hasattr(strip, "right_handle"):
        strip.right_handle = round(end)
    else:
        strip.frame_final_end = round(end)


def lengthen(scene: bpy.types.Scene, strip: bpy.types.Strip, end: float) -> None:
    """Move a strip's end, no farther than to the next strip in its channel. A meta strip that ended with it goes along."""
    meta, before = strip.parent_meta(), span(strip)[1]
    later = [span(other)[0] for other in siblings(scene, strip) if other.channel == strip.channel and other != strip]
    set_end(strip, min([end, *(start for start in later if start >= before)]))
    if meta is not None and span(meta)[1] == before:
        lengthen(scene, meta, span(strip)[1])
