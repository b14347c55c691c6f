# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportArgumentType=false, reportOptionalMemberAccess=false
"""The video's frames beside the live preview: in an image editor that is open, or in a part of the 3-D view."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from .language import said
from .overlay import movie_image, show_whole

SECONDS_BETWEEN_TRIES = 0.5
VIDEO_SHARE = 0.35  # of a 3-D view's width, that the video takes
ROUNDED = 6e-4  # seconds: some containers count time in milliseconds, which Blender's rounding allows for


@dataclass
class Beside:
    """What shows the video. Data is kept by name: references to it do not outlive an undo step."""

    image: str
    loaded: bool  # whether the image came with the preview
    rate: float  # at which Blender counts the video's frames
    editor: int = 0  # the area that shows it, as a pointer; 0 where that was so before
    opened: bool = False  # whether the area was opened for it
    replaced: str = ""  # the image that the area showed before


@dataclass(frozen=True)
class Leftover:
    """An editor that was opened and is to be closed: itself, and all areas of its screen, which tell that from any other; as pointers."""

    screen: tuple[int, ...]
    editor: int


_leftovers: list[Leftover] = []


def show(context: bpy.types.Context, video: Path) -> tuple[Beside | None, str]:
    """Have the video in an image editor; also says what is in the way, or nothing."""
    if not video.is_file():
        return None, said("{video} is not there, so the pose is shown alone", video=video.name)
    known = len(bpy.data.images)
    image = movie_image(video)
    loaded = len(bpy.data.images) > known
    if not min(image.size):
        if loaded:
            bpy.data.images.remove(image)
        return None, said("Blender cannot read {video}, so the pose is shown alone", video=video.name)
    beside = Beside(image.name, loaded, _rate(video))
    if not any(_editors_of(image)):
        found = _editor(context)
        if found is None:
            return beside, "Open an image editor to see the video beside the pose"
        window, area, beside.opened = found
        shown = area.spaces.active.image
        beside.editor, beside.replaced = area.as_pointer(), shown.name if shown is not None else ""
        show_whole(context, window, area, image)
    return beside, ""


def follow(beside: Beside, scene: bpy.types.Scene, seconds: float) -> None:
    """Have the editors show what the video does at this time of its own."""
    image = bpy.data.images.get(beside.image)
    # Blender finds the frames of a variable rate by their times too, at the rate that it takes for the video's.
    number = max(math.ceil((seconds - ROUNDED) * beside.rate), 0)
    for _window, area in _editors_of(image):
        user = area.spaces.active.image_user
        user.frame_duration, user.use_cyclic, user.use_auto_refresh = max(image.frame_duration, 1), False, True
        # Blender counts one picture a scene frame; so it begins anew here, which is in time at any rate.
        user.frame_start, user.frame_offset = scene.frame_current, number
        area.tag_redraw()


def put_away(beside: Beside) -> None:
    """Have the editor show again what it did; one that was opened closes by itself a moment later."""
    image = bpy.data.images.get(beside.image)
    for screen in bpy.data.screens:  # the workspace may be another one by now
        area = next((area for area in screen.areas if area.as_pointer() == beside.editor), None)
        if area is not None and _is_image_editor(area) and area.spaces.active.image in (image, None):
            area.spaces.active.image = None if beside.opened else bpy.data.images.get(beside.replaced)
            if beside.opened:
                _close_later(screen, area)
    if image is not None and beside.loaded and not bpy.data.user_map(subset=[image])[image]:
        bpy.data.images.remove(image)


def forget() -> None:
    """For when the add-on goes: nothing is closed any more."""
    _leftovers.clear()
    if bpy.app.timers.is_registered(_close):
        bpy.app.timers.unregister(_close)


def _close_later(screen: bpy.types.Screen, area: bpy.types.Area) -> None:
    """Not at once: who ends the preview may be an undo step or an operator, which would lose their context."""
    _leftovers.append(Leftover(_pointers(screen), area.as_pointer()))
    if not bpy.app.timers.is_registered(_close):
        bpy.app.timers.register(_close, first_interval=0.0, persistent=True)  # loading a file leaves the windows as they are, if so wished


def _close() -> float | None:
    """Close what can be closed; the timer's answer: seconds until the next try, or None where nothing is left to close.

    Nothing is done to a screen that was changed meanwhile, nor to an editor that shows something by now.
    """
    for left in _leftovers[:]:
        screen = next((screen for screen in bpy.data.screens if _pointers(screen) == left.screen), None)
        area = next((area for area in screen.areas if area.as_pointer() == left.editor), None) if screen is not None else None
        window = next((window for window in bpy.context.window_manager.windows if window.screen == screen), None)
        is_empty = area is not None and _is_image_editor(area) and area.spaces.active.image is None
        if is_empty and window is None:
            continue  # until its workspace is in front again
        _leftovers.remove(left)
        if is_empty:
            with bpy.context.temp_override(window=window, area=area):
                close: Any = bpy.ops.screen.area_close
                if close.poll():
                    close()
    return SECONDS_BETWEEN_TRIES if _leftovers else None


def _pointers(screen: bpy.types.Screen) -> tuple[int, ...]:
    return tuple(area.as_pointer() for area in screen.areas)


def _is_image_editor(area: bpy.types.Area) -> bool:
    return area.ui_type == "IMAGE_EDITOR"


def _rate(video: Path) -> float:
    clip = bpy.data.movieclips.load(str(video))  # images do not say it
    rate = clip.fps
    bpy.data.movieclips.remove(clip)
    return rate


def _areas() -> Iterator[tuple[bpy.types.Window, bpy.types.Area]]:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            yield window, area


def _editors_of(image: bpy.types.Image | None) -> Iterator[tuple[bpy.types.Window, bpy.types.Area]]:
    """The image editors that show `image`."""
    return (
        (window, area) for window, area in _areas() if image is not None and _is_image_editor(area) and area.spaces.active.image == image
    )


def _editor(context: bpy.types.Context) -> tuple[bpy.types.Window, bpy.types.Area, bool] | None:
    """An image editor to show the video in, and whether it is a part that the 3-D view gave for it."""
    areas = sorted(_areas(), key=lambda pair: pair[0] != context.window)
    for window, area in areas:
        if _is_image_editor(area):
            return window, area, any(left.editor == area.as_pointer() for left in _leftovers)
    views = [pair for pair in areas if pair[1].type == "VIEW_3D"]
    if not views or bpy.app.background:
        return None
    window, view = max(views, key=lambda pair: (pair[1] == context.area, pair[1].width * pair[1].height))
    before = {area.as_pointer() for area in window.screen.areas}
    with context.temp_override(window=window, area=view):
        bpy.ops.screen.area_split(direction="VERTICAL", factor=VIDEO_SHARE)
    new = [area for area in window.screen.areas if area.as_pointer() not in before]
    if not new:
        return None
    editor = min((view, new[0]), key=lambda area: area.x)
    editor.ui_type = "IMAGE_EDITOR"
    editor.spaces.active.show_region_toolbar = editor.spaces.active.show_region_ui = False
    return window, editor, True
