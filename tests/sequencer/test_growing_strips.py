# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Blender is looked for first)
"""Strips that show frames while these are still being made: they grow, keep what was done to them, and are seen as rendered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from ningyo.sequencer import timeline
from ningyo.sequencer.frames import FrameFolder
from ningyo.sequencer.pictures import show_newest
from ningyo.sequencer.strips import add_strips, find_images
from ningyo.synth_data.dataset.png import decode_png, encode_png

pytestmark = pytest.mark.filterwarnings("error::DeprecationWarning")
FPS = 24


def picture(level: int) -> bytes:
    return encode_png(np.full((48, 64, 4), (0, level, 0, 255), np.uint8))


def make(folder: Path, *indices: int, level: int = 20) -> None:
    """Pictures of a level of green of their own: `level` + 4 · index."""
    for index in indices:
        (folder / f"{index:06d}.png").write_bytes(picture(level + 4 * index))


def grow(scene: Any, folder: Path) -> None:
    for strip in find_images(scene, folder):
        show_newest(scene, strip, FrameFolder.read(folder))


def span(strip: Any) -> tuple[int, int]:
    first, last = timeline.span(strip)
    return int(first), int(last)


def names(strip: Any) -> list[int]:
    return [int(element.filename[:6]) for element in strip.elements]


def green(scene: Any, frame: int, path: Path) -> int:
    """What is seen in a frame when the sequencer is rendered."""
    scene.view_settings.view_transform = "Standard"
    if hasattr(scene.render.image_settings, "media_type"):
        scene.render.image_settings.media_type = "IMAGE"
    scene.render.image_settings.file_format = "PNG"
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 64, 48, 100
    scene.render.filepath = str(path / "seen.png")
    scene.frame_set(frame)
    bpy.ops.render.render(write_still=True)
    return int(decode_png((path / "seen.png").read_bytes())[24, 32, 1])


def blur_over(strip: Any) -> Any:
    first, last = span(strip)
    length = {"length": last - first} if bpy.app.version >= (5, 0) else {"frame_end": last}
    over = {"seq1" if bpy.app.version < (4, 4) else "input1": strip}
    strips = timeline.strips_of(bpy.context.scene.sequence_editor)
    return strips.new_effect(name="blur", type="GAUSSIAN_BLUR", channel=strip.channel + 1, frame_start=first, **length, **over)


@pytest.fixture
def begun(empty_blender, frames_folder) -> tuple[Any, Path, Any]:
    """A scene, a folder of 20 frames of which 4 are made, and its strip."""
    scene = bpy.context.scene
    scene.render.fps = FPS
    folder = frames_folder(20, float(FPS), missing=tuple(range(20)))
    make(folder, 0, 1, 2, 3)
    return scene, folder, add_strips(scene, folder, start_frame=11).images


def test_a_strip_grows_to_what_is_made_and_shows_it(begun, tmp_path: Path) -> None:
    scene, folder, strip = begun
    assert span(strip) == (11, 15)
    strip.name, strip.channel, strip.blend_alpha = "mine", 5, 0.9
    make(folder, 4, 5)
    grow(scene, folder)
    assert span(strip) == (11, 17)
    make(folder, *range(6, 20))
    grow(scene, folder)
    assert find_images(scene, folder) == [strip]
    assert span(strip) == (11, 31)
    assert names(strip) == list(range(20))
    assert (strip.name, strip.channel, strip.blend_alpha) == ("mine", 5, pytest.approx(0.9))
    strip.blend_alpha = 1
    for frame in (11, 16, 30):
        assert green(scene, frame, tmp_path) == pytest.approx(20 + 4 * (frame - 11), abs=2)


def test_what_is_growing_has_room_to_its_end(begun, make_other) -> None:
    """Strips are put above what will be there, not what is there: two people's frames at once do not run into each other."""
    scene, folder, strip = begun
    other = make_other("frames-person-2", person=2)
    second = add_strips(scene, other, start_frame=20).images
    assert second.name == "Ningyo person 2"
    assert second.channel == strip.channel, "as yet nothing is there"
    third = add_strips(scene, folder, start_frame=21).images
    assert third.channel > second.channel, "the end of the second will be there"


@pytest.fixture
def make_other(frames_folder) -> Any:
    def build(name: str, **header: object) -> Path:
        folder = frames_folder(20, float(FPS), name=name, missing=tuple(range(20)), **header)
        make(folder, 0, 1)
        return folder

    return build


def test_a_hole_is_held_until_it_is_filled(begun) -> None:
    scene, folder, strip = begun
    make(folder, 6, 7)
    grow(scene, folder)
    assert names(strip) == [0, 1, 2, 3, 3, 3, 6, 7]
    make(folder, 4, 5)
    grow(scene, folder)
    assert names(strip) == list(range(8))
    assert span(strip) == (11, 19)


def test_only_the_last_piece_of_a_cut_strip_grows(begun, tmp_path: Path) -> None:
    scene, folder, strip = begun
    tail = strip.split(frame=13, split_method="SOFT")
    assert (span(strip), span(tail)) == ((11, 13), (13, 15))
    tail.channel, tail.mute = 7, False
    strip.mute = True
    make(folder, 4, 5)
    grow(scene, folder)
    assert (span(strip), span(tail)) == ((11, 13), (13, 17))
    assert (strip.mute, tail.mute, tail.channel) == (True, False, 7)
    assert green(scene, 16, tmp_path) == pytest.approx(20 + 4 * 5, abs=2)
    timeline.strips_of(scene.sequence_editor).remove(tail)
    make(folder, 6)
    grow(scene, folder)
    assert span(strip) == (11, 13), "whoever threw the end away does not want it back"
    timeline.set_end(strip, 18)
    strip.mute = False
    assert green(scene, 17, tmp_path) == pytest.approx(20 + 4 * 6, abs=2), "but can pull it out again"


@pytest.mark.parametrize("cut", [0, 3])
def test_a_strip_whose_speed_was_changed_keeps_its_length(begun, cut: int) -> None:
    scene, folder, strip = begun
    assert not timeline.is_retimed(strip)
    strip.select, scene.sequence_editor.active_strip = True, strip
    own = {"sequencer_scene": scene} if bpy.app.version >= (5, 0) else {}
    with bpy.context.temp_override(scene=scene, **own):
        assert bpy.ops.sequencer.retiming_segment_speed_set(speed=50.0) == {"FINISHED"}
    timeline.set_end(strip, span(strip)[1] - cut)
    assert timeline.is_retimed(strip)
    before = span(strip)
    make(folder, 4, 5)
    grow(scene, folder)
    assert span(strip) == before
    assert names(strip) == list(range(6))


@pytest.mark.parametrize("by", [-2, 3])
def test_a_longer_or_shorter_strip_has_kept_its_speed(begun, by: int) -> None:
    _, _, strip = begun
    timeline.set_end(strip, span(strip)[1] + by)
    assert not timeline.is_retimed(strip)


def test_moved_strips_stay_where_they_were_put(begun) -> None:
    scene, folder, strip = begun
    if hasattr(strip, "content_start"):
        strip.content_start = 101
    else:
        strip.frame_start = 101
    make(folder, 4)
    grow(scene, folder)
    assert span(strip) == (101, 106)


def test_a_strip_does_not_grow_over_its_neighbour(begun) -> None:
    scene, folder, strip = begun
    length = {"length": 20} if bpy.app.version >= (5, 0) else {"frame_end": 37}
    there = timeline.strips_of(scene.sequence_editor).new_effect(
        name="there", type="COLOR", channel=strip.channel, frame_start=17, **length
    )
    make(folder, *range(4, 10))
    grow(scene, folder)
    assert (span(strip), span(there)) == ((11, 17), (17, 37))
    assert strip.channel == there.channel
    make(folder, 10)
    grow(scene, folder)
    assert span(strip) == (11, 17)


def test_effects_and_meta_strips_grow_along(begun) -> None:
    scene, folder, strip = begun
    strips = timeline.strips_of(scene.sequence_editor)
    effect = blur_over(strip)
    make(folder, 4)
    grow(scene, folder)
    assert span(effect) == span(strip) == (11, 16)
    strips.remove(effect)
    meta = strips.new_meta(name="meta", channel=4, frame_start=11)
    strip.move_to_meta(meta)
    timeline.set_end(meta, 16)
    make(folder, 5)
    grow(scene, folder)
    (strip,) = find_images(scene, folder)
    assert strip.parent_meta() == meta
    assert span(strip) == span(meta) == (11, 17)
    timeline.set_end(meta, 15)
    make(folder, 6)
    grow(scene, folder)
    assert span(find_images(scene, folder)[0]) == (11, 18)
    assert span(meta) == (11, 15), "the meta strip was cut"


@pytest.mark.parametrize(("video_fps", "fps"), [(24.0, 60), (30000 / 1001, 25), (50.0, 24)])
def test_growing_bit_by_bit_ends_as_adding_all_at_once(empty_blender, frames_folder, video_fps: float, fps: int) -> None:
    scene = bpy.context.scene
    scene.render.fps = fps
    folder = frames_folder(50, video_fps, missing=tuple(range(50)), start=0.5)
    make(folder, 0)
    strip = add_strips(scene, folder, start_frame=1).images
    scene.render.fps = 12  # whoever changes it later changes nothing about the strip
    for index in range(1, 50):
        make(folder, index, level=0)
        if index % 7 == 0 or index == 49:
            grow(scene, folder)
    grown = span(strip), names(strip)
    timeline.strips_of(scene.sequence_editor).remove(strip)
    scene.render.fps = fps
    whole = add_strips(scene, folder, start_frame=1).images
    assert (span(whole), names(whole)) == grown


def test_times_of_a_variable_rate_are_followed(empty_blender, frames_folder) -> None:
    scene = bpy.context.scene
    scene.render.fps = 10
    folder = frames_folder(4, 10.0, missing=(2, 3), times=[0.0, 0.1, 0.5, 0.6])
    strip = add_strips(scene, folder, start_frame=1).images
    assert names(strip) == [0, 1, 1, 1, 1]
    make(folder, 2, 3)
    grow(scene, folder)
    assert names(strip) == [0, 1, 1, 1, 1, 2, 3]
    assert span(strip) == (1, 8)


def test_pictures_that_were_made_anew_are_seen(begun, tmp_path: Path) -> None:
    scene, folder, strip = begun
    assert green(scene, 12, tmp_path) == pytest.approx(24, abs=2)
    make(folder, 1, level=200)
    grow(scene, folder)
    assert green(scene, 12, tmp_path) == pytest.approx(204, abs=2)
    assert green(scene, 13, tmp_path) == pytest.approx(28, abs=2)
    assert span(strip) == (11, 15)


def test_a_strip_shrinks_to_a_shorter_video(begun) -> None:
    scene, folder, strip = begun
    for index in (2, 3):
        (folder / f"{index:06d}.png").unlink()
    grow(scene, folder)
    assert (span(strip), names(strip)) == ((11, 13), [0, 1])


def test_what_is_missing_afterwards_does_not_kill_blender(begun, tmp_path: Path) -> None:
    """Blender 5 crashed where a file was gone whose picture had no size yet."""
    scene, folder, _ = begun
    make(folder, 4, 5)
    grow(scene, folder)
    for path in folder.glob("*.png"):
        path.unlink()
    assert [green(scene, frame, tmp_path) for frame in (11, 14, 16)] == [0, 0, 0]
