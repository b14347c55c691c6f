# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Blender is looked for first)
"""Where the video lies in the sequencer, Actions and the live preview are in time with it there, as generated frames are."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from ningyo.addon import live_preview, live_video
from ningyo.addon.motions import shown_motion
from ningyo.addon.properties import plan_of
from ningyo.sequencer.strips import add_movie, match_rate
from ningyo.sequencer.timeline import first_frame, scene_fps, strips_of
from ningyo.synth_data.characters.importing import load_character

FPS, FRAMES = 25.0, 12  # of `standing_track`
VIDEO = Path(__file__).parents[2] / "samples" / "actor.mp4"


@pytest.fixture
def armature(closed_form: Any, standing_track, tmp_path: Path) -> Any:
    """A character that was chosen; a video in which the person comes with the fourth frame."""
    shutil.copyfile(VIDEO, tmp_path / "dance.mp4")
    found = load_character("builtin:1").armature
    closed_form.character, closed_form.armature = "ARMATURE", found
    standing_track(plan_of(bpy.context).files.track, first=3)
    return found


def lay(scene: Any, frame: int) -> Any:
    """The video as a strip at its own speed, its first 40 frames cut off."""
    scene.sequence_editor_create()
    strip = add_movie(scene, str(plan_of(bpy.context).video), "movie", 1, frame)
    if hasattr(strip, "left_handle"):
        strip.left_handle = frame + 40
    else:
        strip.frame_final_start = frame + 40
    return strip


def hand_at(armature: Any, frame: int) -> np.ndarray:
    bpy.context.scene.frame_set(frame)
    return np.array(armature.matrix_world @ next(bone for bone in armature.pose.bones if bone.name.endswith("LeftHand")).head)


@pytest.mark.parametrize(("fps", "base"), [(25, 1.0), (30, 1.001), (50, 1.0), (12, 1.0)])
def test_action_and_preview_begin_where_the_video_does(armature: Any, fps: int, base: float) -> None:
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = fps, base
    lay(scene, 101)
    assert bpy.ops.ningyo.live_preview() == {"FINISHED"}
    rate = scene_fps(scene)
    begin, end = 101 + round(3 / FPS * rate), 101 + round(3 / FPS * rate) + int((FRAMES - 4) / FPS * rate)
    seen = [hand_at(armature, frame) for frame in (1, begin, end, end + 30)]
    np.testing.assert_allclose(seen[0], seen[1], atol=1e-6, err_msg="before the video, its first pose")
    assert np.linalg.norm(seen[2] - seen[1]) > 0.3
    assert bpy.ops.ningyo.live_preview() == {"FINISHED"}
    assert bpy.ops.ningyo.retarget() == {"FINISHED"}
    action = shown_motion(bpy.context).action
    assert (action.frame_start, action.frame_end) == (begin, end)
    assert (scene_fps(scene), scene.frame_start) == (rate, 1), "the scene's own stay"
    if rate >= FPS:  # keys are between the video's frames, poses of the preview on them
        half = np.linalg.norm(seen[2] - seen[1]) / (FRAMES - 4) * 0.6
        for frame, hand in ((begin, seen[1]), (end, seen[2])):
            assert np.linalg.norm(hand_at(armature, frame) - hand) < half


def test_controls_follow_a_strip_that_was_moved_and_a_start_frame_goes_before(armature: Any, tmp_path: Path) -> None:
    scene = bpy.context.scene
    match_rate(scene, FPS)
    strip = lay(scene, 101)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert bpy.ops.ningyo.retarget() == {"FINISHED"}
    shown = shown_motion(bpy.context)
    assert shown.video.startswith("//")
    if hasattr(strip, "content_start"):
        strip.content_start = 201
    else:
        strip.frame_start = 201
    assert first_frame(strip) == 201
    assert bpy.ops.ningyo.apply() == {"FINISHED"}
    assert shown.action.frame_start == 204
    shown.has_start_frame, shown.start_frame = True, 7
    assert bpy.ops.ningyo.apply() == {"FINISHED"}
    assert shown.action.frame_start == 7
    shown.has_start_frame = False
    strips_of(scene.sequence_editor).remove(strip)
    assert bpy.ops.ningyo.apply() == {"FINISHED"}
    assert shown.action.frame_start == scene.frame_start + 3, "without the video, it begins with the scene"


def test_other_videos_and_other_scenes_do_not_count(armature: Any, tmp_path: Path) -> None:
    scene, other = bpy.context.scene, bpy.data.scenes.new("edit")
    for one in (scene, other):
        match_rate(one, FPS)
    lay(other, 101)
    shutil.copyfile(VIDEO, tmp_path / "another.mp4")
    scene.sequence_editor_create()
    add_movie(scene, str(tmp_path / "another.mp4"), "another", 1, 301)
    if hasattr(bpy.context.workspace, "sequencer_scene"):
        bpy.context.workspace.sequencer_scene = other
    assert bpy.ops.ningyo.live_preview() == {"FINISHED"}
    seen = hand_at(armature, scene.frame_start + FRAMES - 1)
    assert bpy.ops.ningyo.live_preview() == {"FINISHED"}
    assert bpy.ops.ningyo.retarget() == {"FINISHED"}
    assert shown_motion(bpy.context).action.frame_start == scene.frame_start + 3
    np.testing.assert_allclose(hand_at(armature, scene.frame_start + FRAMES - 1), seen, atol=1e-4)


def test_the_preview_goes_along_with_a_strip_that_is_moved(armature: Any) -> None:
    scene = bpy.context.scene
    match_rate(scene, FPS)
    strip = lay(scene, 101)
    assert bpy.ops.ningyo.live_preview() == {"FINISHED"}
    hand = hand_at(armature, 108)
    if hasattr(strip, "content_start"):
        strip.content_start = 151
    else:
        strip.frame_start = 151
    assert np.linalg.norm(hand_at(armature, 108) - hand) > 0.1
    np.testing.assert_allclose(hand_at(armature, 158), hand, atol=1e-6)
    live_preview.stop()


def test_of_a_variable_rate_the_frame_of_that_time_is_shown(addon: Any, tmp_path: Path) -> None:
    """Blender counts the frames of such a video by their times, and not one by one."""
    av = pytest.importorskip("av", reason="Blender writes no variable rate")
    steps = [0.041, 0.037, 0.043] * 7 + [0.207, 0.22, 0.17] * 3  # so that no whole rate has them all
    times = np.cumsum([0, *steps]).round(3).tolist()  # of frames that become lighter
    with av.open(str(tmp_path / "variable.mp4"), "w") as movie:
        stream = movie.add_stream("libx264", rate=25, options={"crf": "4", "bf": "0"})
        stream.width = stream.height = 64
        stream.pix_fmt, stream.codec_context.time_base = "yuv420p", Fraction(1, 1000)
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 8 * number, np.uint8), "rgb24")
            frame.pts, frame.time_base = round(1000 * time), Fraction(1, 1000)
            movie.mux(stream.encode(frame))
        movie.mux(stream.encode())
    scene = bpy.context.scene
    area = bpy.context.window_manager.windows[0].screen.areas[0]
    before, area.ui_type = area.ui_type, "IMAGE_EDITOR"
    try:
        beside, problem = live_video.show(bpy.context, tmp_path / "variable.mp4")
        assert beside is not None, problem
        positions = []
        for time in times:
            live_video.follow(beside, scene, time)
            user = area.spaces.active.image_user
            positions.append(scene.frame_current - user.frame_start + user.frame_offset)
        live_video.put_away(beside)
    finally:
        area.ui_type = before
    shown = frames_at(tmp_path / "variable.mp4", positions)
    assert len(set(shown)) > len(times) / 2
    for number, time in zip(shown, times, strict=True):
        assert times[number] == pytest.approx(time, abs=0.05)


def frames_at(video: Path, positions: list[int]) -> list[int]:
    """Which frames Blender shows at these positions in a video: their numbers, which their lightness tells."""
    scene = bpy.context.scene
    scene.sequence_editor_create()
    strips_of(scene.sequence_editor).new_movie(name="movie", filepath=str(video), channel=1, frame_start=0)
    scene.view_settings.view_transform = "Standard"
    scene.render.resolution_x = scene.render.resolution_y = 16
    scene.render.image_settings.file_format = "PNG"
    scene.render.filepath = str(video.with_suffix(".png"))
    found = []
    for position in positions:
        scene.frame_set(position)
        bpy.ops.render.render(write_still=True)
        picture = bpy.data.images.load(scene.render.filepath)
        pixels = np.zeros(16 * 16 * 4, np.float32)
        picture.pixels.foreach_get(pixels)
        found.append(round(float(pixels.reshape(-1, 4)[:, 0].mean()) * 255 / 8))
        bpy.data.images.remove(picture)
    return found
