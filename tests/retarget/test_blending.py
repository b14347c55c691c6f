# SPDX-License-Identifier: GPL-3.0-or-later
"""Motions that grow out of what was there before, and go back into it."""

from __future__ import annotations

import numpy as np
import pytest
from ningyo.synth_data.retarget.blending import Blend, shares
from ningyo.synth_data.retarget.keys import angle_between
from ningyo.synth_data.retarget.motion import Motion

PATH = 'pose.bones["Arm"].{}'


def about_z(degrees: np.ndarray) -> np.ndarray:
    half = np.radians(np.asarray(degrees, float)) / 2
    return np.stack([np.cos(half), 0 * half, 0 * half, np.sin(half)], -1)


def test_shares_rise_from_nothing_and_fall_to_nothing_without_a_jerk() -> None:
    share = shares(21, 4, 8)
    assert (share[0], share[2], share[-1], share[-5]) == (0, 0.5, 0, 0.5)
    assert (share[4:13] == 1).all()
    assert (np.diff(share[:5]) > 0).all()
    assert share[1] < 0.25, "slower at its beginning than an even blend"
    assert (shares(5, 0, 0) == 1).all()
    assert (shares(5, 100, 100) < 0.1).all(), "a motion shorter than its blends hardly shows"


def test_rotations_take_the_shorter_way_at_an_even_pace() -> None:
    """From 170° to −170° it is 20° over the back, not 340° over the front."""
    frames = np.arange(9.0)
    blend = Blend(begin=8, pose={PATH.format("rotation_euler"): (0, 0, np.radians(170))})
    after = about_z(np.full(9, -170.0))
    values = blend.rotations(PATH.format("rotation_euler"), "XYZ", frames, after)
    np.testing.assert_allclose(np.linalg.norm(values, axis=1), 1)
    from_start = angle_between(np.repeat(about_z(np.array([170.0])), 9, 0), values)
    np.testing.assert_allclose(from_start, 20 * shares(9, 8, 0), atol=1e-6)
    assert (np.sum(values[1:] * values[:-1], -1) > 0).all(), "signs run on, so that F-curves do not jump"


@pytest.mark.parametrize(
    ("mode", "channel", "value"),
    [
        ("QUATERNION", "rotation_quaternion", about_z(np.array(40.0))),
        ("ZYX", "rotation_euler", (0, 0, np.radians(40))),
        ("AXIS_ANGLE", "rotation_axis_angle", (np.radians(40), 0, 0, 1)),
    ],
)
def test_what_was_there_is_read_in_every_rotation_mode(mode: str, channel: str, value: np.ndarray) -> None:
    frames, path = np.arange(3.0), PATH.format(channel)
    after = about_z(np.zeros(3))
    there = Blend(begin=2, pose={path: value}).rotations(path, mode, frames, after)
    np.testing.assert_allclose(angle_between(there, about_z(np.array([40.0, 20.0, 0.0]))), 0, atol=1e-6)
    rest = Blend(begin=2).rotations(path, mode, frames, about_z(np.array([30.0, 30.0, 30.0])))
    np.testing.assert_allclose(angle_between(rest, about_z(np.array([0.0, 15.0, 30.0]))), 0, atol=1e-6)


def test_places_are_blended_evenly_and_untouched_frames_stay() -> None:
    path, frames = PATH.format("location"), np.arange(6.0)
    after = np.random.default_rng(0).normal(size=(6, 3))
    values = Blend(begin=2, end=1, pose={path: (1, 2, 3)}).values(path, frames, after)
    np.testing.assert_allclose(values[[0, 5]], [(1, 2, 3), (1, 2, 3)])
    np.testing.assert_allclose(values[1], 0.5 * (after[1] + (1, 2, 3)))
    assert (values[2:5] == after[2:5]).all()
    assert (Blend().values(path, frames, after) == after).all()


@pytest.fixture
def dancer(empty_blender, make_rig, make_armature, random_rotations):
    """(bpy, an armature that plays an Action of its own in all rotation modes, its rig, a motion of 24 frames)"""
    pytest.importorskip("bpy")
    from ningyo.synth_data.characters.importing import read_rig

    armature = make_armature(empty_blender, make_rig(rolls=True, bend=0.3, object_rotation=True, extra_bones=True))
    rig = read_rig(armature)
    random = np.random.default_rng(3)
    for number, bone in enumerate(armature.pose.bones):
        bone.rotation_mode = ("QUATERNION", "XYZ", "AXIS_ANGLE", "ZXY")[number % 4]
        channel = {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}.get(bone.rotation_mode, "rotation_euler")
        for frame in (1, 60):
            setattr(bone, channel, random.normal(size=len(getattr(bone, channel))))
            bone.keyframe_insert(channel, frame=frame)
            if bone.parent is None:
                bone.location = random.normal(size=3)
                bone.keyframe_insert("location", frame=frame)
    bones = tuple(bone.name for bone in rig.bones if bone.role is not None)
    t = np.arange(24) / 24
    motion = Motion(
        fps=24.0, bones=bones, time=t, rotation=random_rotations(24, len(bones), 2.0), contact=np.zeros((24, 4)), residual=np.zeros(24),
        root_position=np.stack([t, 0.5 * t, 1 + 0 * t], -1), confidence=np.ones(24),
    )  # fmt: skip
    return empty_blender, armature, rig, motion


def poses(bpy, armature, frames) -> np.ndarray:
    """(N, B, 4, 4) of the evaluated armature, but for a bone that no motion moves and nothing hangs from."""
    found = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        posed = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        found.append([bone.matrix.copy() for bone in posed.pose.bones if bone.name != "twist.L"])
    return np.array(found)


def test_a_motion_grows_out_of_an_action_and_goes_back_into_it(dancer) -> None:
    """At both ends all bones are where the Action has them, the bone above the hips too; between, where the motion has them."""
    from ningyo.synth_data.retarget.apply import apply_motion, curves_of

    bpy, armature, _, motion = dancer
    before = armature.animation_data.action
    wanted = poses(bpy, armature, range(11, 35))
    apply_motion(armature, motion, start_frame=11, scene_fps=24)
    plain = poses(bpy, armature, range(11, 35))
    assert np.abs(plain[0] - wanted[0]).max() > 0.2
    apply_motion(armature, motion, start_frame=11, scene_fps=24, blend=Blend(6, 5, curves_of(before)))
    blended = poses(bpy, armature, range(11, 35))
    np.testing.assert_allclose(blended[[0, -1]], wanted[[0, -1]], atol=1e-4)
    np.testing.assert_allclose(blended[6:19], plain[6:19], atol=1e-4)
    for between in (3, 21):
        assert np.abs(blended[between] - wanted[between]).max() > 0.05
        assert np.abs(blended[between] - plain[between]).max() > 0.05
