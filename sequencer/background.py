# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""What lies under generated frames: their video, a colour, a picture or movie of the user, or nothing (Blender 4.2 to 5.2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from ..errors import UserError
from .frames import FrameFolder
from .pictures import RATE
from .strips import HIGHEST_CHANNEL, add_movie, find_images, stop_rendering_ahead
from .timeline import first_frame, scene_fps, set_end, span, strips_of

VIDEO, COLOR, FILE, NOTHING = "VIDEO", "COLOR", "FILE", "NOTHING"
BACKGROUND = "ningyo_background"  # on a strip that is one: which kind
LIGHT = (0.85, 0.85, 0.87)


def background_of(scene: bpy.types.Scene, images: bpy.types.Strip, folder: FrameFolder) -> str:
    """Which kind lies under an image strip now."""
    strips = made_under(scene, images)
    if strips:
        return strips[0][BACKGROUND]
    videos = videos_under(scene, images, folder)
    return NOTHING if videos and all(video.mute for video in videos) else VIDEO


def set_background(
    scene: bpy.types.Scene, images: bpy.types.Strip, folder: FrameFolder, kind: str, *, file: Path | None = None
) -> bpy.types.Strip | None:
    """Put another background under an image strip with the frames of `folder`, and under its like over the same video; returns the strip
    made for it.

    The video stays in its channel, and is muted where something else is to be seen; its sound is a strip of its own and plays on.
    Raises UserError.
    """
    if images.parent_meta():
        raise UserError("The strip is in a meta strip; take it out first (Ctrl+Alt+G).")
    if kind == FILE and (file is None or not file.is_file()):
        raise UserError(f"There is no file {file}; choose a picture or a movie.")
    if kind == FILE and file.suffix.lower() not in (*bpy.path.extensions_movie, *bpy.path.extensions_image):
        raise UserError(f"{file.name} is neither a picture nor a movie that Blender reads; choose another file.")
    made = None
    old = made_under(scene, images)
    if kind in (COLOR, FILE):
        start, end = _whole(scene, images, folder)
        channel = old[0].channel if old else _room_under(scene, images, folder, start, end)
        _remove(scene, old)  # only now, since there may have been no room
        if kind == COLOR:
            made = _add_colour(scene, channel, start, end)
        else:
            made = _add_file(scene, file, channel, start, end)
        made[BACKGROUND] = kind
    else:
        _remove(scene, old)
    for video in videos_under(scene, images, folder):
        video.mute = kind != VIDEO
    return made


def videos_under(scene: bpy.types.Scene, images: bpy.types.Strip, folder: FrameFolder) -> list[bpy.types.Strip]:
    """The movie strips of the video that the frames were made from, by its name, since projects are moved about."""
    name = folder.header.get("video", {}).get("name")
    below = (strip for strip in strips_of(scene.sequence_editor) if strip.type == "MOVIE" and strip.channel < images.channel)
    return [strip for strip in below if _overlap(span(strip), span(images)) and Path(bpy.path.abspath(strip.filepath)).name == name]


def made_under(scene: bpy.types.Scene, images: bpy.types.Strip) -> list[bpy.types.Strip]:
    """The strips made for backgrounds under an image strip."""
    strips = (strip for strip in strips_of(scene.sequence_editor) if BACKGROUND in strip)
    return [strip for strip in strips if strip.channel < images.channel and _overlap(span(strip), span(images))]


def _remove(scene: bpy.types.Scene, strips: list[bpy.types.Strip]) -> None:
    if strips:
        stop_rendering_ahead(scene)
    for strip in strips:
        strips_of(scene.sequence_editor).remove(strip)


def _overlap(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return a[0] < b[1] and b[0] < a[1]


def _whole(scene: bpy.types.Scene, images: bpy.types.Strip, folder: FrameFolder) -> tuple[int, int]:
    """From where to where a background is needed: under all pieces of the strip, and what is still to be made."""
    pieces = [strip for strip in find_images(scene, folder.path) if not strip.parent_meta()]
    start, end = min(span(piece)[0] for piece in pieces), max(span(piece)[1] for piece in pieces)
    if folder.missing:
        fps = images.get(RATE, scene_fps(scene))
        shown_first = folder.offset_of(images.elements[0].filename, fps) or 0
        end = max(end, first_frame(images) - shown_first + folder.end * fps)
    return round(start), round(end)


def _room_under(scene: bpy.types.Scene, images: bpy.types.Strip, folder: FrameFolder, start: int, end: int) -> int:
    """A free channel right under an image strip and its like over the same video. What lies there moves one channel up."""
    strips = list(strips_of(scene.sequence_editor))
    there = [strip for strip in strips if _overlap(span(strip), (start, end))]
    videos = videos_under(scene, images, folder)
    floor = max((video.channel for video in videos), default=0)
    channel = min(strip.channel for strip in there if strip == images or (RATE in strip and strip.channel > floor))
    if channel - 1 > floor and all(strip.channel != channel - 1 for strip in there):
        return channel - 1
    # Whatever shares time with what moves up moves with it: over each other they keep their order.
    moved = [strip for strip in there if strip.channel >= channel]
    for strip in moved:
        moved += [other for other in strips if other.channel > strip.channel and other not in moved and _overlap(span(other), span(strip))]
    if any(strip.channel >= HIGHEST_CHANNEL for strip in moved):
        raise UserError("There is no channel for a background; move the topmost strips down.")
    for strip in sorted(moved, key=lambda strip: strip.channel, reverse=True):
        strip.channel += 1
    return channel


def _add_colour(scene: bpy.types.Scene, channel: int, start: int, end: int) -> bpy.types.Strip:
    length: dict[str, Any] = {"length": end - start} if bpy.app.version >= (5, 0) else {"frame_end": end}
    strip = strips_of(scene.sequence_editor).new_effect(
        name="Ningyo background", type="COLOR", channel=channel, frame_start=start, **length
    )
    strip.color = LIGHT
    return strip


def _add_file(scene: bpy.types.Scene, file: Path, channel: int, start: int, end: int) -> bpy.types.Strip:
    """A movie at its own speed, which may end before; a picture for the whole time. Both fill the picture."""
    if file.suffix.lower() in bpy.path.extensions_movie:
        strip = add_movie(scene, str(file), "Ningyo background", channel, start, "FILL")
        if span(strip)[1] > end:
            set_end(strip, end)
        return strip
    strip = strips_of(scene.sequence_editor).new_image(
        name="Ningyo background", filepath=str(file), channel=channel, frame_start=start, fit_method="FILL"
    )
    set_end(strip, end)
    return strip
