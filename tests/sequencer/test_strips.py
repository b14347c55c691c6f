# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Blender is looked for first)
"""Strips in real sequencers: lengths, channels, what is seen when they are rendered, and what is stored in a .blend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from ningyo.errors import UserError
from ningyo.sequencer import timeline
from ningyo.sequencer.frames import frames_of_everyone
from ningyo.sequencer.strips import add_overlay, add_strips, find_images, find_movie, is_untouched, match_rate, save_strip_blend
from ningyo.synth_data.dataset.png import decode_png

# What Blender will remove must not be used in the versions that say so.
pytestmark = pytest.mark.filterwarnings("error::DeprecationWarning")

HAS_SOUND = bpy.app.build_options.audaspace  # Blender 4.2's Python module has none


def span(strip: Any) -> tuple[int, int]:
    first, last = timeline.span(strip)
    return int(first), int(last)


def all_strips(scene: Any) -> list[Any]:
    return list(timeline.strips_of(scene.sequence_editor))


def rendered(scene: Any, frame: int, path: Path) -> np.ndarray:
    scene.view_settings.view_transform = "Standard"
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 64, 48, 100
    if hasattr(scene.render.image_settings, "media_type"):
        scene.render.image_settings.media_type = "IMAGE"
    scene.render.image_settings.file_format = "PNG"
    scene.render.filepath = str(path / f"shown{frame}.png")
    scene.frame_set(frame)
    bpy.ops.render.render(write_still=True)
    return decode_png((path / f"shown{frame}.png").read_bytes())


def shown(scene: Any, frame: int, path: Path) -> tuple[float, float]:
    """Which generated picture, and which of the movie's, a scene frame shows."""
    image = rendered(scene, frame, path)
    left, right = image[24, 16], image[24, 48]
    assert left[0] < 6, "the generated picture is not on top"
    return (float(left[1]) - 20) / 4, (float(right[1]) - 20) / 4


@pytest.mark.parametrize("fps", [23, 24, 46, 12])
def test_frames_and_movie_stay_together_at_any_scene_rate(make_movie, frames_folder, tmp_path: Path, fps: int) -> None:
    movie, frames = make_movie(46, 23), frames_folder(46, 23.0)
    scene = bpy.context.scene
    scene.render.fps = fps
    scene.render.resolution_x, scene.render.resolution_y = 64, 48
    added = add_strips(scene, frames, video=movie, start_frame=11)
    assert span(added.images) == span(added.movie) == (11, 11 + 2 * fps)
    if HAS_SOUND:
        assert span(added.sound)[0] == 11
        assert span(added.sound)[1] - (11 + 2 * fps) <= 0.1 * fps
        assert added.sound.channel < added.movie.channel
    assert scene.render.fps == fps
    assert added.missing == 0
    assert added.movie.channel < added.images.channel
    assert (added.images.blend_type, added.images.alpha_mode) == ("ALPHA_OVER", "STRAIGHT")
    for frame in (11, 11 + fps, 11 + 2 * fps - 1):
        generated, original = shown(scene, frame, tmp_path)
        expected = int((frame - 11) / fps * 23 + 1e-6)
        assert generated == pytest.approx(expected, abs=0.3)
        assert original == pytest.approx(expected, abs=0.6)  # H.264 is not exact


def test_above_strips_that_are_there(make_movie, frames_folder) -> None:
    movie, frames = make_movie(10, 24), frames_folder(10, 24.0)
    scene = bpy.context.scene
    existing = timeline.strips_of(scene.sequence_editor_create()).new_effect
    length = {"length": 20} if bpy.app.version >= (5, 0) else {"frame_end": 25}
    existing(name="there", type="COLOR", channel=4, frame_start=5, **length)
    elsewhere = {"length": 20} if bpy.app.version >= (5, 0) else {"frame_end": 520}
    existing(name="elsewhere", type="COLOR", channel=9, frame_start=500, **elsewhere)
    added = add_strips(scene, frames, video=movie, start_frame=1)
    assert [strip.channel for strip in (added.sound, added.movie, added.images) if strip] == ([5, 6, 7] if HAS_SOUND else [6, 7])
    assert [strip.name for strip in all_strips(scene)][:2] == ["there", "elsewhere"]


def test_a_movie_in_the_sequencer_is_used_and_not_added_again(make_movie, frames_folder) -> None:
    movie, frames = make_movie(10, 24), frames_folder(10, 24.0)
    scene = bpy.context.scene
    mine = timeline.strips_of(scene.sequence_editor_create()).new_movie(name="mine", filepath=str(movie), channel=3, frame_start=77)
    assert find_movie(scene, movie) is not None
    added = add_strips(scene, frames, video=movie)
    assert added.movie is None
    assert added.sound is None
    assert span(added.images) == span(mine) == (77, 87)
    assert added.images.channel == 4
    assert find_images(scene, frames) == [added.images]
    assert find_images(scene, frames.parent) == []


def test_movies_at_their_own_speed_beside_other_strips(make_movie, frames_folder) -> None:
    """Blender 5.2 crashed in this when strips without retiming keys were there."""
    movie, frames = make_movie(20, 24), frames_folder(20, 24.0)
    scene = bpy.data.scenes.new("not the window's") if bpy.app.version >= (5, 0) else bpy.context.scene
    scene.render.fps = 30
    length = {"length": 50} if bpy.app.version >= (5, 0) else {"frame_end": 51}
    timeline.strips_of(scene.sequence_editor_create()).new_effect(name="there", type="COLOR", channel=1, frame_start=1, **length)
    before = scene.view_settings.view_transform, {area.type for area in bpy.context.window_manager.windows[0].screen.areas}
    added = add_strips(scene, frames, video=movie, start_frame=1)
    assert span(added.movie) == span(added.images) == (1, 26)
    assert before == (scene.view_settings.view_transform, {area.type for area in bpy.context.window_manager.windows[0].screen.areas})


def test_an_overlay_lies_over_its_movie(make_movie, tmp_path: Path) -> None:
    movie, overlay = make_movie(20, 24), make_movie(10, 24, name="overlay.mp4")
    scene = bpy.context.scene
    scene.render.fps = 24
    mine = timeline.strips_of(scene.sequence_editor_create()).new_movie(name="mine", filepath=str(movie), channel=3, frame_start=77)
    strip = add_overlay(scene, overlay, video=movie, start=0.25)
    assert len(all_strips(scene)) == 2
    assert (strip.channel, span(strip)) == (4, (83, 93))
    assert rendered(scene, 85, tmp_path)[24, 32, 1] == pytest.approx(20 + 4 * 2, abs=3)
    strip.mute = True
    assert rendered(scene, 85, tmp_path)[24, 32, 1] == pytest.approx(20 + 4 * 8, abs=3)
    assert add_overlay(scene, overlay, video=movie, start=0.25) == strip
    assert not strip.mute
    assert span(mine) == (77, 97)


def test_an_overlay_brings_its_movie_along(make_movie) -> None:
    movie, overlay = make_movie(20, 24), make_movie(10, 24, name="overlay.mp4")
    scene = bpy.context.scene
    scene.render.fps = 48
    strip = add_overlay(scene, overlay, video=movie)
    assert sorted(one.type for one in all_strips(scene)) == ["MOVIE", "MOVIE"] + ["SOUND"] * HAS_SOUND
    source = find_movie(scene, movie)
    assert source.channel < strip.channel
    assert (span(source), span(strip)) == ((1, 41), (1, 21))
    assert not list(add_overlay(scene, overlay).elements)[1:]


def test_an_overlay_that_was_made_anew_is_read_again(make_movie, tmp_path: Path) -> None:
    overlay, other = make_movie(10, 24, name="overlay.mp4"), make_movie(16, 24, name="other.mp4")
    scene = bpy.context.scene
    scene.render.fps = 24
    strip = add_overlay(scene, overlay)
    assert rendered(scene, 5, tmp_path)[24, 32, 1] == pytest.approx(20 + 4 * 4, abs=3)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    other.replace(overlay)
    strip = add_overlay(scene, overlay)
    assert len(all_strips(scene)) == 1
    assert span(strip) == (1, 17)
    assert rendered(scene, 14, tmp_path)[24, 32, 1] == pytest.approx(20 + 4 * 13, abs=3)


def test_a_movie_without_sound_gets_no_sound_strip(make_movie, frames_folder) -> None:
    movie, frames = make_movie(10, 24, sound=False), frames_folder(10, 24.0)
    added = add_strips(bpy.context.scene, frames, video=movie)
    assert added.sound is None
    assert len(bpy.data.sounds) == 0
    assert sorted(strip.type for strip in all_strips(bpy.context.scene)) == ["IMAGE", "MOVIE"]


def test_missing_frames_and_a_later_start(empty_blender, frames_folder) -> None:
    frames = frames_folder(12, 24.0, missing=(3, 11), start=1.0)
    added = add_strips(bpy.context.scene, frames, start_frame=1)
    assert added.missing == 2
    assert span(added.images) == (25, 36)
    assert [element.filename for element in added.images.elements][2:5] == ["000002.png", "000002.png", "000004.png"]


def test_wrong_input_leaves_the_scene_as_it_was(empty_blender, frames_folder, tmp_path: Path) -> None:
    frames = frames_folder(3, 24.0)
    scene = bpy.context.scene
    broken = tmp_path / "broken.mp4"
    broken.write_text("not a movie")
    with pytest.raises(UserError, match="no video"):
        add_strips(scene, frames, video=tmp_path / "none.mp4")
    with pytest.raises(UserError, match="cannot read"):
        add_strips(scene, frames, video=broken)
    with pytest.raises(UserError, match="not a folder"):
        add_strips(scene, tmp_path / "nothing")
    assert not scene.sequence_editor or not all_strips(scene)
    with pytest.raises(UserError, match=r"end in \.blend"):
        save_strip_blend([frames], broken, tmp_path / "scene.txt")
    with pytest.raises(UserError, match="cannot read"):
        save_strip_blend([frames], broken, tmp_path / "scene.blend")
    assert not list(tmp_path.glob("*scene*"))


def test_frames_with_a_background_of_their_own_hide_the_movie(make_movie, frames_folder, tmp_path: Path) -> None:
    movie, frames = make_movie(10, 24), frames_folder(10, 24.0, opaque=True)
    added = add_strips(bpy.context.scene, frames, video=movie, start_frame=1)
    assert added.images.blend_type == "REPLACE"
    picture = rendered(bpy.context.scene, 5, tmp_path)
    assert picture[24, 16, 1] == pytest.approx(20 + 4 * 4, abs=3)
    assert picture[24, 48, :3].max() < 3  # transparent there, and the movie is not to be seen through it
    square = frames_folder(10, 24.0, name="square", opaque=True, size=[32, 32])
    save_strip_blend([square], movie, tmp_path / "scene.blend")
    assert (bpy.context.scene.render.resolution_x, bpy.context.scene.render.resolution_y) == (32, 32)


def test_untouched_scenes(empty_blender, frames_folder) -> None:
    scene = bpy.context.scene
    assert is_untouched(scene)
    match_rate(scene, 30000 / 1001)
    assert (scene.render.fps, scene.render.fps_base) == (30, pytest.approx(1.001))
    match_rate(scene, 12.5)
    assert scene.render.fps / scene.render.fps_base == pytest.approx(12.5)
    add_strips(scene, frames_folder(3, 24.0))
    assert not is_untouched(scene)


def test_saved_blend(make_movie, frames_folder, tmp_path: Path) -> None:
    movie, frames = make_movie(20, 30, fps_base=1.001), frames_folder(20, 30000 / 1001)
    out = tmp_path / "result" / "scene.blend"
    assert save_strip_blend([frames], movie, out) == out
    assert [path.name for path in out.parent.iterdir()] == ["scene.blend"]
    moved = tmp_path.with_name(f"{tmp_path.name} moved")
    tmp_path.rename(moved)  # paths are relative: the folder may go elsewhere
    try:
        bpy.ops.wm.open_mainfile(filepath=str(moved / "result" / "scene.blend"))
        scene = bpy.context.scene
        assert (scene.render.fps, scene.render.fps_base) == (30, pytest.approx(1.001))
        assert (scene.render.resolution_x, scene.render.resolution_y) == (64, 48)
        assert (scene.frame_start, scene.frame_end) == (1, 20)
        kinds = {strip.type: strip for strip in all_strips(scene)}
        assert set(kinds) == {"IMAGE", "MOVIE", "SOUND"} - (set() if HAS_SOUND else {"SOUND"})
        assert span(kinds["IMAGE"]) == span(kinds["MOVIE"]) == (1, 21)
        assert kinds["IMAGE"].directory.startswith("//")
        assert kinds["MOVIE"].filepath.startswith("//")
        if HAS_SOUND:
            assert kinds["SOUND"].sound.filepath.startswith("//")
        generated, original = shown(scene, 10, moved)
        assert generated == pytest.approx(9, abs=0.3)
        assert original == pytest.approx(9, abs=0.6)
        assert "SEQUENCE_EDITOR" in {area.type for area in bpy.context.window_manager.windows[0].screen.areas}
    finally:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        moved.rename(tmp_path)


def test_saved_blend_with_several_people(make_movie, frames_folder, tmp_path: Path) -> None:
    movie = make_movie(10, 24)
    video = {"name": movie.name, "sha256": "of the movie"}
    second = frames_folder(10, 24.0, name="frames-person-2", person=2, video=video)
    tenth = frames_folder(6, 24.0, name="frames-person-10", person=10, video=video, start=0.25)
    main = frames_folder(8, 24.0, video=video)
    frames_folder(4, 24.0, name="frames-person-3", person=3, video={**video, "sha256": "of another one"})
    (tmp_path / "frames-person-4").mkdir()
    everyone = frames_of_everyone(tmp_path, video["sha256"])
    assert everyone == [main.resolve(), second.resolve(), tenth.resolve()]
    out = save_strip_blend(everyone[:1], movie, tmp_path / "scene.blend")
    before = out.read_bytes()
    assert save_strip_blend(everyone, movie, out) == out
    assert (tmp_path / "scene.blend1").read_bytes() == before
    bpy.ops.wm.open_mainfile(filepath=str(out))
    scene = bpy.context.scene
    images = sorted((strip for strip in all_strips(scene) if strip.type == "IMAGE"), key=lambda strip: strip.channel)
    assert [strip.name for strip in images] == ["Ningyo", "Ningyo person 2", "Ningyo person 10"]
    assert [span(strip) for strip in images] == [(1, 9), (1, 11), (7, 13)]
    assert len({strip.channel for strip in all_strips(scene)}) == len(all_strips(scene))
    assert sum(strip.type == "MOVIE" for strip in all_strips(scene)) == 1
    assert scene.frame_end == 12
    bpy.ops.wm.read_factory_settings(use_empty=True)
