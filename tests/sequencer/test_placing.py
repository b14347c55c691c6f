# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Blender is looked for first)
"""Frames lie over their movie, however its file says it is turned, and however it was moved: what Blender renders of both is the same."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from ningyo.sequencer.frames import FrameFolder
from ningyo.sequencer.orientation import UPRIGHT, turn_of
from ningyo.sequencer.strips import add_movie, add_overlay, add_strips, save_strip_blend
from ningyo.sequencer.timeline import every_strip
from ningyo.synth_data.dataset.png import decode_png, encode_png

Turn = tuple[int, int, int, int]  # a, b, c, d of the file's matrix: x' = a·x + c·y, y' = b·x + d·y
TURNS: list[Turn] = [
    (1, 0, 0, 1),
    (0, 1, -1, 0),
    (0, -1, 1, 0),
    (-1, 0, 0, -1),
    (-1, 0, 0, 1),
    (1, 0, 0, -1),
    (0, 1, 1, 0),
    (0, -1, -1, 0),
]
CORNERS = {(-1, -1): (230, 30, 30), (1, -1): (30, 230, 30), (-1, 1): (30, 30, 230), (1, 1): (230, 230, 230)}  # (x, y), y down
SIZE = 64, 48


def quadrants(size: tuple[int, int], turn: Turn = TURNS[0]) -> np.ndarray:
    """A picture with a colour in each corner; where a picture of the same with this turn has them when it is shown."""
    a, b, c, d = turn
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    for (x, y), colour in CORNERS.items():
        right, below = a * x + c * y > 0, b * x + d * y > 0
        rows = slice(size[1] // 2, None) if below else slice(size[1] // 2)
        picture[rows, slice(size[0] // 2, None) if right else slice(size[0] // 2)] = colour
    return picture


def write_turn(movie: Path, turn: Turn) -> None:
    """As a phone does, into the header of the only track."""
    data = bytearray(movie.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40
    assert struct.unpack_from(">9i", data, matrix) == (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    a, b, c, d = (value << 16 for value in turn)
    struct.pack_into(">9i", data, matrix, a, b, 0, c, d, 0, 0, 0, 1 << 30)
    movie.write_bytes(data)


def frames_of(folder: Path, movie: Path, turn: Turn, stretch: int = 1) -> tuple[Path, tuple[int, int]]:
    """Frames that are the movie's pictures as they are to be shown, with pixels made square from ones `stretch` times as wide."""
    width, height = SIZE[0] * stretch, SIZE[1]
    size = (width, height) if turn[0] else (height, width)
    folder.mkdir()
    for index in range(4):
        opaque = np.full((size[1], size[0], 1), 255, np.uint8)
        (folder / f"{index:06d}.png").write_bytes(encode_png(np.dstack([quadrants(size, turn), opaque])))
    (folder / "frames.json").write_text(json.dumps({"fps": 24.0, "count": 4, "size": size, "video": {"name": movie.name}}))
    return folder, size


def scene_of(size: tuple[int, int], percentage: int = 100) -> bpy.types.Scene:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.view_settings.view_transform = "Standard"
    scene.render.fps = 24
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.resolution_percentage = percentage
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.use_sequencer = True
    return scene


def picture_of(scene: bpy.types.Scene, strip: bpy.types.Strip, path: Path) -> np.ndarray:
    """What is rendered of one strip alone."""
    before = {other: other.mute for other in every_strip(scene)}
    for other in before:
        other.mute = other != strip
    scene.frame_set(2)
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    for other, mute in before.items():
        other.mute = mute
    return decode_png(path.read_bytes()).astype(int)


def assert_same(scene: bpy.types.Scene, movie: bpy.types.Strip, images: bpy.types.Strip, tmp_path: Path) -> np.ndarray:
    """The movie's picture, which is that of the frames too, but for edges and the movie's compression; returns where it lies."""
    one, other = (picture_of(scene, strip, tmp_path / "rendered.png") for strip in (movie, images))
    there, both = one[..., 3] > 128, (one[..., 3] > 128) & (other[..., 3] > 128)
    either = there | (other[..., 3] > 128)
    assert there.sum() > 300
    assert both.sum() > either.sum() - 0.6 * np.sqrt(16 * either.sum())  # but for a row of pixels around
    difference = np.abs(one - other)[both][:, :3].max(1)
    assert np.mean(difference > 60) < 0.12, "the colours lie in other corners"
    return there


@pytest.mark.parametrize("turn", TURNS, ids=str)
@pytest.mark.parametrize(("size", "percentage"), [((160, 90), 100), ((80, 120), 50)])
def test_frames_over_a_movie_that_is_turned(make_movie, tmp_path: Path, turn: Turn, size: tuple[int, int], percentage: int) -> None:
    movie = make_movie(4, 24, sound=False, picture=quadrants(SIZE))
    write_turn(movie, turn)
    frames, shown = frames_of(tmp_path / "frames", movie, turn)
    assert FrameFolder.read(frames).size == shown
    scene = scene_of(size, percentage)
    added = add_strips(scene, frames, video=movie)
    there = assert_same(scene, added.movie, added.images, tmp_path)
    rows, columns = np.flatnonzero(there.any(1)), np.flatnonzero(there.any(0))
    scale = min(size[0] / shown[0], size[1] / shown[1]) * percentage / 100
    assert columns[-1] - columns[0] + 1 == pytest.approx(shown[0] * scale, abs=2), "it fits"
    assert rows[-1] - rows[0] + 1 == pytest.approx(shown[1] * scale, abs=2)


@pytest.mark.parametrize("turn", TURNS[:2], ids=str)
def test_pixels_that_are_not_square(make_movie, tmp_path: Path, turn: Turn) -> None:
    movie = make_movie(4, 24, sound=False, picture=quadrants(SIZE))
    write_turn(movie, turn)
    frames, shown = frames_of(tmp_path / "frames", movie, turn, stretch=2)
    scene = scene_of((200, 200))
    added = add_strips(scene, frames, video=movie)
    there = assert_same(scene, added.movie, added.images, tmp_path)
    assert there.any(0).sum() / there.any(1).sum() == pytest.approx(shown[0] / shown[1], rel=0.05)


@pytest.mark.parametrize("turn", TURNS, ids=str)
def test_frames_follow_a_movie_that_was_moved(make_movie, tmp_path: Path, turn: Turn) -> None:
    movie = make_movie(4, 24, sound=False, picture=quadrants(SIZE))
    write_turn(movie, turn)
    frames, _ = frames_of(tmp_path / "frames", movie, turn)
    scene = scene_of((200, 160))
    scene.sequence_editor_create()
    strip = add_movie(scene, str(movie), "mine", 1, 1)
    strip.transform.scale_x, strip.transform.scale_y = 1.4, 0.9
    strip.transform.rotation += 0.4
    strip.transform.offset_x, strip.transform.offset_y = 25, -12
    strip.use_flip_y = True
    if turn == TURNS[0]:
        strip.crop.min_x, strip.crop.max_y = 10, 6
        strip.transform.origin = (0.2, 0.7)
    added = add_strips(scene, frames, video=movie)
    assert added.movie is None
    assert_same(scene, strip, added.images, tmp_path)


def test_the_overlay_lies_over_a_movie_that_is_turned(make_movie, tmp_path: Path) -> None:
    movie, turn = make_movie(4, 24, sound=False, picture=quadrants(SIZE)), TURNS[1]
    write_turn(movie, turn)
    upright = make_movie(4, 24, sound=False, picture=quadrants(SIZE[::-1], turn), name="overlay.mp4")
    scene = scene_of((160, 90))
    overlay = add_overlay(scene, upright, video=movie)
    (strip,) = (other for other in every_strip(scene) if other != overlay)
    assert_same(scene, strip, overlay, tmp_path)


def test_a_saved_scene_has_the_size_that_is_shown(make_movie, tmp_path: Path) -> None:
    movie, turn = make_movie(4, 24, sound=False, picture=quadrants(SIZE)), TURNS[2]
    write_turn(movie, turn)
    frames, shown = frames_of(tmp_path / "frames", movie, turn)
    save_strip_blend([frames], movie, tmp_path / "scene.blend")
    scene = bpy.context.scene
    assert (scene.render.resolution_x, scene.render.resolution_y) == shown == (48, 64)
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_mode = "PNG", "RGBA"
    strips = {strip.type: strip for strip in every_strip(scene)}
    assert assert_same(scene, strips["MOVIE"], strips["IMAGE"], tmp_path).all()


def test_files_that_say_nothing_are_upright(make_movie, tmp_path: Path) -> None:
    movie = make_movie(4, 24, sound=False)
    assert turn_of(movie) == UPRIGHT
    write_turn(movie, TURNS[1])
    assert turn_of(movie) == ((0, -1), (1, 0))
    whole, other = movie.read_bytes(), tmp_path / "other.mp4"
    for content in (
        b"",
        b"RIFF\0\0\0\0AVI LIST",
        whole[:200],
        whole[: whole.index(b"tkhd") + 20],
        b"\0\0\0\1free" + b"\xff" * 8,
        bytes(40),
    ):
        other.write_bytes(content)
        assert turn_of(other) == UPRIGHT
    assert turn_of(tmp_path / "none.mp4") == UPRIGHT
    assert turn_of(tmp_path) == UPRIGHT
