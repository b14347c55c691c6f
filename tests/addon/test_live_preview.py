# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Blender is looked for first)
"""The live preview: the pose of the video's frame while time moves, and nothing that stays of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from ningyo.addon import kept_pose, live_preview, motion_panels
from ningyo.addon.motions import shown_motion
from ningyo.addon.properties import plan_of
from ningyo.synth_data.characters.importing import load_character

FPS, FRAMES = 25.0, 12  # of `standing_track`
VIDEO = Path(__file__).parents[2] / "samples" / "actor.mp4"


@pytest.fixture
def armature(settings: Any, standing_track, tmp_path: Path) -> Any:
    """A character that was chosen and posed by hand in several rotation modes; the video was captured."""
    shutil.copyfile(VIDEO, tmp_path / "dance.mp4")
    found = load_character("builtin:1").armature
    settings.character, settings.armature = "ARMATURE", found
    scene = bpy.context.scene
    scene.render.fps, scene.frame_start, scene.frame_end = 25, 1, 250
    scene.frame_set(1)
    random = np.random.default_rng(0)
    for number, bone in enumerate(found.pose.bones):
        bone.rotation_mode = ("QUATERNION", "YXZ", "AXIS_ANGLE")[number % 3]
        for channel in ("location", "scale", rotation_of(bone)):
            setattr(bone, channel, random.uniform(0.5, 1.0, len(getattr(bone, channel))))
    standing_track(plan_of(bpy.context).files.track)
    return found


def rotation_of(bone: Any) -> str:
    return {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}.get(bone.rotation_mode, "rotation_euler")


def channels(armature: Any) -> dict[str, tuple[float, ...]]:
    """All that a pose is made of."""
    found = {}
    for bone in armature.pose.bones:
        for channel in ("location", "scale", rotation_of(bone)):
            found[f"{bone.name}.{channel}"] = tuple(getattr(bone, channel))
    return found


def handlers() -> dict[str, int]:
    lists = {name: getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers)}
    return {name: len(value) for name, value in lists.items() if isinstance(value, list)}


def hand_at(armature: Any, frame: int) -> np.ndarray:
    bpy.context.scene.frame_set(frame)
    posed = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return np.array(posed.matrix_world @ next(bone for bone in posed.pose.bones if bone.name.endswith("LeftHand")).head)


def toggle() -> None:
    assert bpy.ops.ningyo.live_preview() == {"FINISHED"}


def test_before_anything_is_captured_it_is_said_what_is_missing(settings: Any, drawn) -> None:
    assert not bpy.ops.ningyo.live_preview.poll()
    assert "Capture first" in drawn(motion_panels.NINGYO_PT_motion)
    with pytest.raises(RuntimeError, match="Capture first"):
        bpy.ops.ningyo.live_preview()


def test_it_shows_what_retargeting_would_and_nothing_stays_of_it(armature: Any, drawn) -> None:
    pose, registered, objects = channels(armature), handlers(), set(bpy.data.objects)
    toggle()
    assert live_preview.is_on()
    seen = [hand_at(armature, frame) for frame in (1, 6, FRAMES, 40)]
    assert np.linalg.norm(seen[2] - seen[0]) > 0.3
    np.testing.assert_allclose(seen[3], seen[2], atol=1e-6, err_msg="after the video's end, its last pose")
    assert not bpy.data.actions
    assert armature.animation_data is None
    assert f"{armature.name}: 0.44 s of the video" in " ".join(drawn(motion_panels.NINGYO_PT_motion))
    toggle()
    assert not live_preview.is_on()
    assert channels(armature) == pose, "to the last bit"
    assert kept_pose.KEPT not in armature
    assert handlers() == registered
    assert set(bpy.data.objects) == objects
    hand_at(armature, 3)
    assert channels(armature) == pose, "nothing follows any more"
    bpy.context.scene.ningyo.solving.method = "CLOSED_FORM"
    assert bpy.ops.ningyo.retarget() == {"FINISHED"}
    for frame, hand in zip((1, 6, FRAMES), seen, strict=False):
        np.testing.assert_allclose(hand_at(armature, frame), hand, atol=1e-4)


def test_its_action_plays_again_afterwards(armature: Any) -> None:
    hips = next(bone for bone in armature.pose.bones if bone.name.endswith("Hips"))
    for frame, x in ((1, 0.0), (11, 5.0)):
        hips.location.x = x
        hips.keyframe_insert("location", frame=frame)
    action = armature.animation_data.action
    bpy.context.scene.frame_set(1)
    toggle()
    bpy.context.scene.frame_set(11)
    assert abs(hips.location.x) < 3, "the Action does not show through"
    toggle()
    bpy.context.view_layer.update()
    assert armature.animation_data.action == action
    assert hips.location.x == pytest.approx(5.0), "where it is in this frame, not in the one in which the preview began"
    # In the frame in which it began, even what was not keyed comes back.
    bpy.context.scene.frame_set(1)
    hips.location.x = 0.25
    pose = channels(armature)
    toggle()
    bpy.context.scene.frame_set(5)
    bpy.context.scene.frame_set(1)
    toggle()
    assert channels(armature) == pose


@pytest.mark.parametrize(("fps", "base", "start"), [(25, 1.0, 1), (30, 1.001, 101), (50, 1.0, 0), (25, 2.5, 7)])
def test_the_video_is_beside_it_and_in_time_at_any_rate(armature: Any, fps: int, base: float, start: int) -> None:
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base, scene.frame_start = fps, base, start
    area = bpy.context.window_manager.windows[0].screen.areas[0]
    before, area.ui_type = area.ui_type, "IMAGE_EDITOR"
    try:
        space, mine = area.spaces.active, bpy.data.images.new("mine", 4, 4)
        space.image = mine
        toggle()
        assert Path(bpy.path.abspath(space.image.filepath)) == plan_of(bpy.context).video
        hands = {}
        for number in (0, 3, FRAMES - 1):
            frame = start + round(number / FPS * fps / base)
            hands[number] = hand_at(armature, frame)
            user = space.image_user
            assert abs(frame - user.frame_start + user.frame_offset - number) <= (1 if (fps / base) < FPS else 0)
        assert np.linalg.norm(hands[FRAMES - 1] - hands[0]) > 0.3
        toggle()
        assert space.image == mine
        assert [image.name for image in bpy.data.images if image.source == "MOVIE"] == []
        # What the user has it show meanwhile stays.
        toggle()
        space.image = other = bpy.data.images.new("other", 4, 4)
        toggle()
        assert space.image == other
    finally:
        area.ui_type = before


def test_the_file_has_the_pose_that_was_there(armature: Any, tmp_path: Path) -> None:
    pose, name = channels(armature), armature.name
    toggle()
    hand = hand_at(armature, 8)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"), copy=True)
    bpy.context.view_layer.update()
    assert live_preview.is_on()
    np.testing.assert_allclose(
        np.array(armature.matrix_world @ next(bone for bone in armature.pose.bones if bone.name.endswith("LeftHand")).head), hand, atol=1e-6
    )
    with bpy.data.libraries.load(str(tmp_path / "scene.blend")) as (_held, wanted):
        wanted.objects = [name]
    (saved,) = wanted.objects
    assert channels(saved) == pose
    assert kept_pose.KEPT not in saved
    toggle()
    assert channels(armature) == pose


def test_another_file_ends_it(armature: Any, tmp_path: Path) -> None:
    registered = handlers()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    toggle()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert not live_preview.is_on()
    assert handlers() == registered


def test_a_file_written_meanwhile_without_asking_is_put_right(armature: Any, tmp_path: Path) -> None:
    """As Blender's automatic saves are, which call nobody."""
    pose, name = channels(armature), armature.name
    toggle()
    hand_at(armature, 9)
    lists = bpy.app.handlers.save_pre, bpy.app.handlers.save_post
    kept = [list(one) for one in lists]
    for one in lists:
        one.clear()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "auto.blend"), copy=True)
    for one, before in zip(lists, kept, strict=True):
        one.extend(before)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "auto.blend"))
    assert channels(bpy.data.objects[name]) == pose
    assert kept_pose.KEPT not in bpy.data.objects[name]


def test_undo_steps_made_meanwhile_bring_no_preview_back(armature: Any) -> None:
    pose, name, registered = channels(armature), armature.name, handlers()
    bpy.ops.ed.undo_push(message="before")
    toggle()
    hand_at(armature, 9)
    bpy.data.objects.new("something", None)
    bpy.ops.ed.undo_push(message="with the preview on")
    hand_at(armature, 10)
    toggle()
    bpy.data.objects.new("something else", None)
    bpy.ops.ed.undo_push(message="after it")
    bpy.ops.ed.undo()
    assert channels(bpy.data.objects[name]) == pose
    assert kept_pose.KEPT not in bpy.data.objects[name]
    bpy.ops.ed.undo()
    assert channels(bpy.data.objects[name]) == pose
    bpy.ops.ed.redo()
    assert channels(bpy.data.objects[name]) == pose
    toggle()
    hand_at(bpy.data.objects[name], 9)
    bpy.ops.ed.undo()
    assert not live_preview.is_on(), "undoing ends it"
    assert channels(bpy.data.objects[name]) == pose
    assert handlers() == registered


def test_disabling_the_addon_ends_it(armature: Any, addon: Any) -> None:
    pose = channels(armature)
    toggle()
    hand_at(armature, 9)
    addon.unregister()
    assert channels(armature) == pose
    assert not any(act.__module__.startswith("ningyo.") for name in handlers() for act in getattr(bpy.app.handlers, name))
    addon.register()


def test_a_character_that_goes_ends_it(armature: Any) -> None:
    registered = handlers()
    toggle()
    bpy.data.objects.remove(armature)
    bpy.context.scene.frame_set(5)
    assert not live_preview.is_on()
    assert handlers() == registered


def test_a_character_that_is_renamed_ends_it_and_has_its_pose_again(armature: Any) -> None:
    pose = channels(armature)
    toggle()
    hand_at(armature, 9)
    armature.name = "somebody else"
    bpy.context.scene.frame_set(5)
    assert not live_preview.is_on()
    assert channels(armature) == pose


def test_retargeting_ends_it_and_begins_from_the_pose_that_was_there(armature: Any) -> None:
    bpy.context.scene.ningyo.solving.method = "CLOSED_FORM"
    bpy.data.actions.new("somebody else's")  # so the scene's rate counts
    hips = next(bone for bone in armature.pose.bones if bone.name.endswith("Hips"))
    place = tuple(hips.location)
    toggle()
    hand_at(armature, 9)
    assert bpy.ops.ningyo.retarget() == {"FINISHED"}
    assert not live_preview.is_on()
    shown_motion(bpy.context).blend_in = 3
    assert bpy.ops.ningyo.apply() == {"FINISHED"}
    bpy.context.scene.frame_set(1)
    assert tuple(hips.location) == pytest.approx(place, abs=1e-5)


def test_a_character_that_is_not_there_yet_is_loaded(settings: Any, standing_track) -> None:
    standing_track(plan_of(bpy.context).files.track)
    toggle()
    (found,) = (obj for obj in bpy.context.scene.objects if obj.type == "ARMATURE")
    assert np.linalg.norm(hand_at(found, FRAMES) - hand_at(found, 1)) > 0.3
    toggle()


def test_what_cannot_be_shown_is_said(armature: Any, standing_track) -> None:
    settings = bpy.context.scene.ningyo
    settings.person = 4
    with pytest.raises(RuntimeError, match="no person 4"):
        bpy.ops.ningyo.live_preview()
    settings.person = 0
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(RuntimeError, match="edit mode"):
        bpy.ops.ningyo.live_preview()
    bpy.ops.object.mode_set(mode="OBJECT")
    assert not live_preview.is_on()
