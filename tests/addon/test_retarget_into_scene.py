# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Blender is looked for first)
"""Retargeting into scenes as people have them: any rate, animation that was there before, undo, and armatures of every kind."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from ningyo.addon import motion_panels
from ningyo.addon.apply import update
from ningyo.addon.motions import shown_motion
from ningyo.addon.properties import plan_of
from ningyo.jobs.progress import Reporter
from ningyo.synth_data.characters.importing import load_character, read_rig
from ningyo.synth_data.retarget.kinematics import forward_kinematics
from ningyo.synth_data.retarget.motion import Motion

FPS, FRAMES = 25.0, 12  # of `standing_track`


@pytest.fixture
def armature(closed_form: Any, standing_track) -> Any:
    """A character's armature that was chosen, with a track to retarget."""
    found = load_character("builtin:1").armature
    closed_form.character, closed_form.armature = "ARMATURE", found
    standing_track(plan_of(bpy.context).files.track)
    return found


def bone_of(armature: Any, name: str) -> Any:
    return next(bone for bone in armature.pose.bones if bone.name.endswith(name))


def pose_at(armature: Any, frame: int) -> np.ndarray:
    """(B, 4, 4) of the evaluated armature."""
    bpy.context.scene.frame_set(frame)
    posed = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return np.array([bone.matrix.copy() for bone in posed.pose.bones])


def key_count(action: Any) -> int:
    curves = action.fcurves if hasattr(action, "fcurves") else action.layers[0].strips[0].channelbags[0].fcurves
    return sum(len(curve.keyframe_points) for curve in curves)


def retarget() -> Any:
    assert bpy.ops.ningyo.retarget() == {"FINISHED"}
    return shown_motion(bpy.context)


@pytest.mark.parametrize(("fps", "base", "start"), [(24, 1.0, 1), (30, 1.001, 101), (60, 1.0, 0), (25, 2.5, 7)])
def test_the_motion_is_in_time_at_any_rate_and_from_any_frame_on(armature: Any, fps: int, base: float, start: int) -> None:
    scene = bpy.context.scene
    bpy.data.actions.new("somebody else's")  # so the scene's rate counts
    scene.render.fps, scene.render.fps_base, scene.frame_start, scene.frame_end = fps, base, start, start + 400
    action = retarget().action
    rate = fps / base
    last = math.floor((FRAMES - 1) / FPS * rate + 1e-6)
    assert (action.frame_start, action.frame_end) == (start, start + last)
    assert (scene.render.fps, scene.render.fps_base, scene.frame_start, scene.frame_end) == (fps, pytest.approx(base), start, start + 400)
    motion, rig = Motion.load(shown_motion(bpy.context).path), read_rig(armature)
    hand = bone_of(armature, "LeftHand").name
    places = forward_kinematics(rig, motion)[0][:, rig.names.index(hand)]
    for frame in (0, last // 2, last):
        wanted = [np.interp(frame / rate, motion.time - motion.time[0], places[:, axis]) for axis in range(3)]
        scene.frame_set(start + frame)
        np.testing.assert_allclose(armature.matrix_world @ armature.pose.bones[hand].head, wanted, atol=0.02)


def animate_by_hand(armature: Any) -> Any:
    """An Action that turns an arm and moves the hips."""
    arm, hips = bone_of(armature, "RightArm"), bone_of(armature, "Hips")
    arm.rotation_mode = "XYZ"
    for frame, angle, height in ((1, 0.5, 0.2), (20, -0.5, 0.6)):
        arm.rotation_euler, hips.location = (angle, 0.3, 0.1), (0, height, 0.1)
        arm.keyframe_insert("rotation_euler", frame=frame)
        hips.keyframe_insert("location", frame=frame)
    return armature.animation_data.action


def test_it_grows_out_of_the_action_that_was_there_and_goes_back(armature: Any, drawn) -> None:
    before = animate_by_hand(armature)
    first, last = bpy.context.scene.frame_start, bpy.context.scene.frame_start + FRAMES - 1
    bpy.context.scene.render.fps = 25
    wanted = [pose_at(armature, frame) for frame in (first, last)]
    shown = retarget()
    assert shown.before == before
    plain = [pose_at(armature, frame) for frame in (first, first + 5, last)]
    assert np.abs(plain[0] - wanted[0]).max() > 0.1, "without blending it begins at once"
    shown.blend_in, shown.blend_out = 5, 4
    assert bpy.ops.ningyo.apply() == {"FINISHED"}
    np.testing.assert_allclose(pose_at(armature, first), wanted[0], atol=1e-4)
    np.testing.assert_allclose(pose_at(armature, last), wanted[1], atol=1e-4)
    np.testing.assert_allclose(pose_at(armature, first + 5), plain[1], atol=1e-4)
    # Solved again while Ningyo's own Action plays: the blend is with what was there before that.
    assert retarget().before == before
    np.testing.assert_allclose(pose_at(armature, first), wanted[0], atol=1e-4)
    drawn(motion_panels.NINGYO_PT_controls)
    # With none, it is the pose that the armature had then, off the Action: where bones were when it was retargeted.
    shown = shown_motion(bpy.context)
    shown.before = None
    assert bpy.ops.ningyo.apply() == {"FINISHED"}
    assert before.name in bpy.data.actions


def test_it_grows_out_of_a_pose_without_an_action(armature: Any) -> None:
    bpy.context.scene.render.fps = 25
    arm, hips = bone_of(armature, "LeftArm"), bone_of(armature, "Hips")
    arm.rotation_mode, arm.rotation_axis_angle = "AXIS_ANGLE", (1.0, 0.0, 0.6, 0.8)
    hips.location, hips.rotation_quaternion = (0.1, 0.2, 0.3), (0.8, 0.0, 0.6, 0.0)
    wanted = pose_at(armature, 1)
    retarget().blend_in = 3
    for _ in range(2):
        assert bpy.ops.ningyo.apply() == {"FINISHED"}
        np.testing.assert_allclose(pose_at(armature, 1), wanted, atol=1e-4)
    assert np.abs(pose_at(armature, 4) - wanted).max() > 0.1


def test_one_undo_takes_it_all_back_and_one_redo_brings_it_again(closed_form: Any, standing_track) -> None:
    """The character that came, its Action, the scene's rate and range, and what is remembered."""
    scene = bpy.context.scene
    standing_track(plan_of(bpy.context).files.track)
    bpy.ops.ed.undo_push(message="before")
    before = scene.render.fps, scene.frame_end, len(bpy.data.objects)
    assert "UNDO" in bpy.types.NINGYO_OT_retarget.bl_options
    assert bpy.ops.ningyo.retarget("EXEC_DEFAULT", True) == {"FINISHED"}
    after = scene.render.fps, scene.frame_end, len(bpy.data.objects)
    assert after != before
    bpy.ops.ed.undo()
    scene = bpy.context.scene
    assert (scene.render.fps, scene.frame_end, len(bpy.data.objects)) == before
    assert not bpy.data.actions
    assert not scene.ningyo.motions
    bpy.ops.ed.redo()
    scene = bpy.context.scene
    assert (scene.render.fps, scene.frame_end, len(bpy.data.objects)) == after
    shown = shown_motion(bpy.context)
    assert shown.armature.animation_data.action == shown.action
    bpy.ops.ed.undo_push(message="controls")
    name, start = shown.action.name, shown.action.frame_start
    shown.has_start_frame, shown.start_frame = True, 50
    assert bpy.ops.ningyo.apply("EXEC_DEFAULT", True) == {"FINISHED"}
    bpy.ops.ed.undo()
    shown = shown_motion(bpy.context)
    assert (shown.action.name, shown.action.frame_start, shown.has_start_frame) == (name, start, False)


def test_how_many_keys_there_are_is_said(armature: Any, drawn) -> None:
    shown = retarget()
    every = key_count(shown.action)
    assert shown.keys == shown.all_keys == every
    assert f"{every:,} keys" in drawn(motion_panels.NINGYO_PT_controls)
    shown.reduces, shown.tolerance = True, math.radians(2)
    assert bpy.ops.ningyo.apply() == {"FINISHED"}
    left = key_count(shown.action)
    assert left < 0.6 * every
    assert (shown.keys, shown.all_keys) == (left, every)
    assert f"{left:,} of {every:,} keys" in drawn(motion_panels.NINGYO_PT_controls)


def moves(armature: Any) -> bool:
    return bool(np.abs(pose_at(armature, 1) - pose_at(armature, FRAMES)).max() > 0.1)


def test_an_action_linked_from_another_file_stays_there(armature: Any, tmp_path: Path) -> None:
    own = animate_by_hand(armature)
    name, count = own.name, key_count(own)
    bpy.data.libraries.write(str(tmp_path / "library.blend"), {own})
    bpy.data.actions.remove(own)
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_held, wanted):
        wanted.actions = [name]
    linked = bpy.data.actions[name]
    armature.animation_data.action = linked
    if hasattr(linked, "slots"):
        armature.animation_data.action_slot = linked.slots[0]
    begins = pose_at(armature, 1)
    shown = retarget()
    assert shown.action.library is None
    assert shown.before == linked
    assert (key_count(linked), linked.use_fake_user) == (count, False)
    shown.blend_in = 4
    assert bpy.ops.ningyo.apply() == {"FINISHED"}
    np.testing.assert_allclose(pose_at(armature, 1), begins, atol=1e-4)
    assert key_count(linked) == count


def test_hidden_locked_and_shared_armatures_are_animated(armature: Any) -> None:
    other = bpy.data.objects.new("twin", armature.data)
    bpy.context.scene.collection.objects.link(other)
    still = pose_at(other, 1)
    for bone in armature.pose.bones:
        bone.lock_location, bone.lock_rotation, bone.lock_rotation_w, bone.lock_rotations_4d = (True,) * 3, (True,) * 3, True, True
    armature.hide_set(True)
    retarget()
    armature.hide_set(False)
    assert moves(armature)
    np.testing.assert_allclose(pose_at(other, FRAMES), still, atol=1e-6)
    assert other.animation_data is None or other.animation_data.action is None


def test_in_pose_mode_it_goes_on_and_in_edit_mode_it_is_said(armature: Any) -> None:
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(RuntimeError, match="edit mode"):
        bpy.ops.ningyo.retarget()
    assert not bpy.data.actions
    bpy.ops.object.mode_set(mode="POSE")
    retarget()
    assert armature.mode == "POSE"
    assert moves(armature)


def test_what_acts_on_top_of_the_motion_is_said(armature: Any) -> None:
    shown = retarget()
    events: list[Any] = []
    update(bpy.context, shown, Reporter(events.append))
    assert not [event for event in events if "Constraints" in event.get("text", "")]
    bone_of(armature, "LeftArm").constraints.new("COPY_ROTATION")
    bone_of(armature, "Head").driver_add("rotation_quaternion", 0)
    update(bpy.context, shown, Reporter(events.append))
    (text,) = (event["text"] for event in events if "Constraints" in event.get("text", ""))
    assert "LeftArm" in text
    assert "Head" in text
    assert "mute them" in text
