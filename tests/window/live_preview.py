# SPDX-License-Identifier: GPL-3.0-or-later
"""The live preview with the video beside it: whatever ends it, the editor that was opened for the video closes by itself, and no other."""

from __future__ import annotations

import sys

import bpy
from press import addon, jobs


def steps(hand):
    yield from hand.open_tab()
    preview = sys.modules[f"{addon()}.addon.live_preview"]
    hand.note(before=_areas(), left={}, on=[])

    def begin():
        yield from hand.settle()
        hand.press("ningyo.live_preview")
        yield from hand.until(preview.is_on, 120)
        bpy.context.scene.frame_set(bpy.context.scene.frame_start + 60)
        hand.noted["on"].append(_areas())

    def ended(how: str):
        yield from hand.settle(1.5)
        assert not preview.is_on(), how
        hand.noted["left"][how] = _areas()

    yield from begin()
    yield from hand.shot("preview")
    hand.press("ningyo.live_preview")
    yield from ended("pressed again")

    yield from begin()
    with _window():
        bpy.ops.ed.undo_push(message="something")
        bpy.ops.ed.undo()
    yield from ended("undone")

    yield from begin()
    bpy.context.scene.ningyo.solving.method = "CLOSED_FORM"
    hand.press("ningyo.retarget")
    yield from hand.until(lambda: not preview.is_on(), 120)
    yield from ended("retargeted")
    yield from hand.shot("retargeted")

    # Another workspace is in front: it closes when its own is again.
    yield from begin()
    window, layout = bpy.context.window_manager.windows[0], bpy.context.window.workspace
    window.workspace = next(one for one in bpy.data.workspaces if one != layout and not _has_images(one))
    yield from hand.settle(1.0)
    with _window():
        bpy.ops.ningyo.live_preview("INVOKE_DEFAULT")
    yield from hand.settle(1.5)
    hand.note(elsewhere=_areas())
    window.workspace = layout
    yield from ended("in another workspace")

    # What the user has put to another use stays.
    yield from begin()
    mine = bpy.data.images.new("mine", 8, 8)
    editor = hand.area("IMAGE_EDITOR")
    editor.spaces.active.image = mine
    hand.press("ningyo.live_preview")
    yield from ended("in use")
    hand.note(shows=editor.spaces.active.image.name)
    with bpy.context.temp_override(window=window, area=editor):
        bpy.ops.screen.area_close()
    bpy.data.images.remove(mine)

    # A file, with the windows as they are, and with its own.
    for load_ui in (False, True):
        yield from begin()
        with _window():
            bpy.ops.wm.open_mainfile(filepath=bpy.data.filepath, load_ui=load_ui)
        yield from ended(f"loaded {load_ui}")
    yield from hand.shot("loaded")
    yield from hand.until(lambda: not any(job.is_running for job in jobs().JOBS), 300)


def _window():
    return bpy.context.temp_override(window=bpy.context.window_manager.windows[0])


def _has_images(workspace: bpy.types.WorkSpace) -> bool:
    return any(area.type == "IMAGE_EDITOR" for screen in workspace.screens for area in screen.areas)


def _areas() -> list[str]:
    """The kinds of editors in the window."""
    return sorted(area.ui_type for area in bpy.context.window_manager.windows[0].screen.areas)
