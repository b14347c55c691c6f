# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""Generated frames as strips in Blender's sequencer, over the movie they were made from (Blender 4.2 to 5.2)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import bpy

from ..errors import UserError
from .frames import FrameFolder, free_channels
from .pictures import RATE, set_pictures
from .placing import place_movie, place_over, shown_size, size_of
from .timeline import every_strip, first_frame, scene_fps, set_end, siblings, span, strips_of

HIGHEST_CHANNEL = 128
STANDARD = "Standard"  # the view transform that shows colours as they are
CHOOSE = "choose the one the frames were made from"
MADE = "ningyo_made"  # on a strip: when its file was written


@dataclass(frozen=True)
class AddedStrips:
    """What `add_strips` put into the sequencer. `movie` and `sound` are None where there is none, or where the movie was there already.

    `missing` counts the pictures that were not there, in whose place the one before is held; `whole_end` is where the strip ends, or would
    with all of them. `size` is that of its pictures, px.
    """

    images: bpy.types.Strip
    movie: bpy.types.Strip | None
    sound: bpy.types.Strip | None
    start: int
    end: int
    whole_end: int
    missing: int
    size: tuple[int, int]


def add_strips(
    scene: bpy.types.Scene,
    frames: Path | str,
    *,
    video: Path | str | None = None,
    start_frame: int | None = None,
    name: str | None = None,
) -> AddedStrips:
    """Lay the frames over their movie, with its sound, in channels above whatever is there at that time, or will be when all frames are
    made. Frames with a background of their own hide it.

    `start_frame` is the scene frame of the video's first frame: where the movie lies already if it is in the sequencer, else the scene's
    first frame. The scene's own rate is kept: where it differs from the video's, the movie is retimed, and pictures are repeated or
    skipped, so that all strips keep their length in seconds. `name` is the strip's; where there is none, it says whom of several people
    the frames show. Raises UserError.
    """
    folder = FrameFolder.read(frames)
    name = name or (f"Ningyo person {folder.person}" if folder.person else "Ningyo")
    fps = scene_fps(scene)
    offset, elements = folder.elements(fps)
    video = None if video is None else _existing(video, CHOOSE)
    there = find_movie(scene, video) if video else None
    if start_frame is None:
        start_frame = first_frame(there) if there else scene.frame_start
    start, end = start_frame + offset, start_frame + offset + len(elements)
    adds_movie = video is not None and there is None

    strips = strips_of(scene.sequence_editor_create())
    whole_end = max(end, start_frame + round(folder.end * fps))
    lowest, highest = min(start, start_frame), whole_end
    occupied = [(strip.channel, *span(strip)) for strip in strips]
    channel = free_channels(occupied, lowest, highest, 3 if adds_movie else 1, HIGHEST_CHANNEL)
    movie = sound = None
    if adds_movie:
        there = movie = add_movie(scene, str(video), f"{name} movie", channel + 1, start_frame)
        if folder.size and not folder.alone:
            place_movie(scene, movie, folder.size)
        sound = _add_sound(strips, str(video), f"{name} sound", channel, start_frame)
        channel += 2
    images = strips.new_image(name=name, filepath=str(folder.path / elements[0]), channel=channel, frame_start=start, fit_method="FIT")
    size = size_of(images)  # known of the first alone, until others are seen
    if there is not None and not folder.alone:
        place_over(images, there, size)
    set_pictures(scene, images, elements)
    set_end(images, end)
    images[RATE] = fps
    # "REPLACE" also where they do not fill the picture: beside them the movie would be another room.
    images.blend_type = "REPLACE" if folder.alone else "ALPHA_OVER"
    images.alpha_mode = "STRAIGHT"
    if bpy.data.filepath and bpy.context.preferences.filepaths.use_relative_paths:
        make_relative((images, movie, sound), os.path.dirname(bpy.data.filepath))
    return AddedStrips(images, movie, sound, start, end, whole_end, folder.missing, size)


def add_overlay(scene: bpy.types.Scene, overlay: Path | str, *, video: Path | str | None = None, start: float = 0.0) -> bpy.types.Strip:
    """Lay the movie `overlay`, which shows the `video` from second `start` on, over it; where it lies already, unmute it.

    A strip whose file was made anew is replaced, since Blender would keep its old length. The video comes along, with its sound, if it is
    not there. Both play at their own speed. Raises UserError.
    """
    overlay = _existing(overlay, "make the overlay first")
    made = str(overlay.stat().st_mtime_ns)
    strip, channel = find_movie(scene, overlay), None
    if strip is not None and strip.get(MADE) == made:
        strip.mute = False
        return strip
    if strip is not None:
        stop_rendering_ahead(scene)
        channel = None if strip.parent_meta() else strip.channel
        siblings(scene, strip).remove(strip)
    video = None if video is None else _existing(video, CHOOSE)
    there = find_movie(scene, video) if video else None
    start_frame = first_frame(there) if there else scene.frame_start
    strips = strips_of(scene.sequence_editor_create())
    occupied = [(strip.channel, *span(strip)) for strip in strips]
    adds_movie = video is not None and there is None
    if channel is None or adds_movie:
        channel = free_channels(occupied, start_frame, float("inf"), 3 if adds_movie else 1, HIGHEST_CHANNEL)
    added: list[bpy.types.Strip | None] = []
    if adds_movie:
        there = add_movie(scene, str(video), f"{video.stem} movie", channel + 1, start_frame)
        added = [there]
        added.append(_add_sound(strips, str(video), f"{video.stem} sound", channel, start_frame))
        channel += 2
    strip = add_movie(scene, str(overlay), "Ningyo overlay", channel, start_frame + round(start * scene_fps(scene)))
    strip[MADE] = made
    if adds_movie:
        place_movie(scene, there, size_of(strip))
    if there is not None:
        place_over(strip, there, size_of(strip))
    if bpy.data.filepath and bpy.context.preferences.filepaths.use_relative_paths:
        make_relative((strip, *added), os.path.dirname(bpy.data.filepath))
    return strip


def save_strip_blend(frames: Sequence[Path | str], video: Path | str, out: Path | str) -> Path:
    """A new .blend whose sequencer holds folders of frames, of one person each, over their movie; its rate, size and range are the movie's
    (its size is that of the first frames where they have a background of their own).

    A file of that name is kept as Blender keeps the one before: as `.blend1`. Replaces what is open in this process: for the worker, not
    for a Blender somebody works in. Raises UserError.
    """
    out = Path(out).resolve()
    if out.suffix != ".blend":
        raise UserError(f"{out.name} should end in .blend.")
    if out.is_dir():
        raise UserError(f"{out} is a folder; choose another name.")
    folder, *_ = folders = [FrameFolder.read(path) for path in frames]
    movie = _existing(video, CHOOSE)
    # The Video Editing template opens with the sequencer in view.
    bpy.ops.wm.read_homefile(app_template="Video_Editing", use_factory_startup=True)
    scene = bpy.context.scene
    match_rate(scene, folder.fps)
    everyone = [add_strips(scene, one.path, video=movie, start_frame=1) for one in folders]
    added = everyone[0]
    if added.movie is None:
        raise UserError(f"Blender cannot read {movie}.")
    size = folder.size or shown_size(added.movie)
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = *size, 100
    # They were fitted to the size the scene had before.
    place_movie(scene, added.movie, None if folder.alone else folder.size)
    for one, its in zip(everyone, folders, strict=True):
        if its.alone:
            _fit(scene, one.images, one.size)
        else:
            place_over(one.images, added.movie, one.size)
    scene.frame_start, scene.frame_end = 1, int(max(span(added.movie)[1], *(one.end for one in everyone))) - 1
    scene.frame_set(1)
    show_own_colours(scene)
    scene.render.use_sequencer = True
    scene.sync_mode = "AUDIO_SYNC"
    for workspace in bpy.data.workspaces:
        if hasattr(workspace, "sequencer_scene"):
            workspace.sequencer_scene = scene
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = out.with_name(f".{out.stem}.part.blend")
    # A file that was never saved has all its paths made relative by this.
    bpy.ops.wm.save_as_mainfile(filepath=str(beside), relative_remap=True, check_existing=False, copy=True)
    if out.exists():
        os.replace(out, out.with_suffix(".blend1"))
    os.replace(beside, out)
    return out


def match_rate(scene: bpy.types.Scene, fps: float) -> None:
    """Give the scene the video's rate, the fractional ones (30000/1001 and its like) included."""
    rate = Fraction(fps).limit_denominator(1001)
    whole = max(round(fps), 1)
    scene.render.fps = whole
    scene.render.fps_base = whole / float(rate)


def show_own_colours(scene: bpy.types.Scene) -> None:
    """Show strips in the colours that they have, not with a film look on top of them, as Blender's own Add Movie does."""
    with contextlib.suppress(TypeError):  # a studio's own configuration need not have it
        scene.view_settings.view_transform = STANDARD


def is_untouched(scene: bpy.types.Scene) -> bool:
    """Whether nothing depends on the scene's rate yet: no strips, no sound and no animation in the file."""
    editor = scene.sequence_editor
    return not (editor and len(strips_of(editor))) and not bpy.data.actions and not bpy.data.sounds


def find_movie(scene: bpy.types.Scene, video: Path) -> bpy.types.Strip | None:
    """The strip that shows `video`, if there is one."""
    for strip in every_strip(scene):
        if strip.type == "MOVIE" and Path(bpy.path.abspath(strip.filepath)).resolve() == video:
            return strip
    return None


def folder_of(strip: bpy.types.Strip) -> Path:
    """Where an image strip's pictures are."""
    return Path(bpy.path.abspath(strip.directory)).resolve()


def find_images(scene: bpy.types.Scene, frames: Path) -> list[bpy.types.Strip]:
    """The image strips that show pictures from the folder `frames`, in meta strips too."""
    frames = frames.resolve()
    return [strip for strip in every_strip(scene) if strip.type == "IMAGE" and folder_of(strip) == frames]


def make_relative(strips: tuple[bpy.types.Strip | None, ...], folder: str) -> None:
    """Store the strips' paths relative to `folder` where that is possible."""
    for strip in strips:
        if strip is None:
            continue
        owner, key = (strip, "directory") if strip.type == "IMAGE" else (strip.sound if strip.type == "SOUND" else strip, "filepath")
        path = bpy.path.abspath(getattr(owner, key))
        try:
            relative = bpy.path.relpath(path, start=folder)
        except ValueError:
            continue  # another drive on Windows
        setattr(owner, key, relative + "/" if key == "directory" else relative)


def _existing(video: Path | str, way_out: str) -> Path:
    path = Path(video).resolve()
    if not path.is_file():
        raise UserError(f"There is no video {path}; {way_out}.")
    return path


def add_movie(scene: bpy.types.Scene, video: str, name: str, channel: int, start: int, fit: str = "FIT") -> bpy.types.Strip:
    """A movie strip that plays at the movie's own speed, whatever the scene's rate is. Raises UserError."""
    strips = strips_of(scene.sequence_editor)
    movie = strips.new_movie(name=name, filepath=video, channel=channel, frame_start=start, fit_method=fit)
    fps = scene_fps(scene)
    if not movie.fps:
        strips.remove(movie)
        raise UserError(f"Blender cannot read {video}; convert it to an H.264 mp4 first.")
    # `new_movie` shows one picture a scene frame.
    if abs(movie.fps - fps) < 1e-3:
        place_movie(scene, movie, fills=fit == "FILL")
        return movie
    # Only the operator gives a movie its own speed in all versions: retiming keys crash Blender 4 when they are added from Python, and
    # Blender 5 when they are moved while a strip without any is there.
    strips.remove(movie)
    before = {strip.name for strip in strips}
    view_transform = scene.view_settings.view_transform
    in_a_sequencer(scene, lambda: _add_movie_by_operator(video, channel, start, fit))
    scene.view_settings.view_transform = view_transform
    (movie,) = (strip for strip in strips if strip.name not in before)
    movie.name = name
    place_movie(scene, movie, fills=fit == "FILL")
    return movie


def _add_movie_by_operator(video: str, channel: int, start: int, fit: str) -> None:
    add: Any = bpy.ops.sequencer.movie_strip_add
    # Since Blender 5 strips that were added want to be moved with the mouse, which crashes where there is no window.
    still = {"move_strips": False} if "move_strips" in add.get_rna_type().properties else {}
    add(
        filepath=video,
        frame_start=start,
        channel=channel,
        fit_method=fit,
        sound=False,
        use_framerate=False,
        adjust_playback_rate=True,
        **still,
    )


def in_a_sequencer(scene: bpy.types.Scene, act: Callable[[], object]) -> None:
    """Call `act` where sequencer operators may run: in a sequencer area, or an area that is one for as long as that takes."""
    areas = [(window, area) for window in bpy.context.window_manager.windows for area in window.screen.areas]
    window, area = min(areas, key=lambda pair: pair[1].type != "SEQUENCE_EDITOR")
    before = area.type
    area.type = "SEQUENCE_EDITOR"
    region = next(region for region in area.regions if region.type == "WINDOW")
    # Since Blender 5 sequencers show a scene of their own.
    own = {"sequencer_scene": scene} if "sequencer_scene" in bpy.types.WorkSpace.bl_rna.properties else {}
    try:
        with bpy.context.temp_override(window=window, area=area, region=region, scene=scene, **own):
            act()
    finally:
        area.type = before


def stop_rendering_ahead(scene: bpy.types.Scene) -> None:
    """Before strips are removed: Blender, which renders ahead while a preview is open (since 5.0 unless told otherwise), crashes where it
    does not find them any more. It begins again by itself.
    """
    areas = (area.type for window in bpy.context.window_manager.windows for area in window.screen.areas)
    if scene.sequence_editor_create().use_prefetch and "SEQUENCE_EDITOR" in areas:
        in_a_sequencer(scene, lambda: bpy.ops.sequencer.refresh_all())


def _add_sound(strips: Any, video: str, name: str, channel: int, start: int) -> bpy.types.Strip | None:
    if not bpy.app.build_options.audaspace:
        return None
    strip = strips.new_sound(name=name, filepath=video, channel=channel, frame_start=start)
    if strip.sound.channels != "INVALID":
        return strip
    sound = strip.sound
    strips.remove(strip)
    bpy.data.sounds.remove(sound)
    return None


def _fit(scene: bpy.types.Scene, strip: bpy.types.Strip, size: tuple[int, int]) -> None:
    """Scale a strip so that its picture of `size` just fits into the render size, as fit_method="FIT" does on creation."""
    scale = min(scene.render.resolution_x / size[0], scene.render.resolution_y / size[1])
    strip.transform.scale_x = strip.transform.scale_y = scale
