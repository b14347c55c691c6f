# SPDX-License-Identifier: GPL-3.0-or-later
"""An animator's controls, against where the joints then are."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from ningyo.errors import UserError
from ningyo.synth_data.retarget import edit
from ningyo.synth_data.retarget.controls import Controls, edited
from ningyo.synth_data.retarget.feet import hold_feet
from ningyo.synth_data.retarget.kinematics import axis_angle_to_matrix, forward_kinematics, matrix_to_quaternion
from ningyo.synth_data.retarget.mirror import mirrored
from ningyo.synth_data.retarget.motion import Camera, Motion
from ningyo.synth_data.retarget.root import soles

FPS = 30.0
STRANGE = {"rolls": True, "object_scale": 0.01, "object_rotation": True, "object_location": (0.3, -0.2, 0.0), "extra_bones": True}


@pytest.fixture(params=[{}, STRANGE, {"mirrored": True, "rolls": True}], ids=["plain", "strange axes", "negative scale"])
def rig(request, make_rig):
    return make_rig(**request.param)


def motion_of(rig, rotation, root=None, fps=FPS, start=2.0, **more) -> Motion:
    """A motion of the bones with roles, seen by a camera 4 m in front that looks a little down."""
    frames = len(rotation)
    bones = tuple(bone.name for bone in rig.bones if bone.role is not None)
    if root is None:
        root = np.tile(rig.head("hips"), (frames, 1))
    pitch = axis_angle_to_matrix(np.array([1.0, 0, 0]), math.radians(-100))
    camera = Camera(800.0, 640, 480, np.c_[pitch, pitch @ -np.array([0.2, -4.0, 1.4])])
    values = {
        "contact": np.zeros((frames, 4)),
        "residual": np.ones(frames),
        "confidence": np.linspace(0, 1, frames),
        "camera": camera,
        **more,
    }
    return Motion(fps=fps, bones=bones, time=start + np.arange(frames) / fps, rotation=rotation, root_position=root, **values)


def wandering(rig, random_rotations, frames=40, angle=0.7, **more) -> Motion:
    count = sum(bone.role is not None for bone in rig.bones)
    root = rig.head("hips") + np.c_[np.linspace(0, 1.5, frames), np.sin(np.arange(frames) / 9), 0.1 * np.cos(np.arange(frames) / 4)]
    return motion_of(rig, random_rotations(frames, count, angle), root, **more)


def at_rest(rig, frames=30, **more) -> Motion:
    count = sum(bone.role is not None for bone in rig.bones)
    return motion_of(rig, np.tile((1.0, 0, 0, 0), (frames, count, 1)), **more)


def with_turn(motion, rig, role, turns) -> Motion:
    """With world `turns` (F, 3, 3) of a bone whose ancestors are at rest."""
    bone = rig.index_of_role[role]
    rest = rig.rest_rotations[bone]
    rotation = motion.rotation.copy()
    rotation[:, motion.bones.index(rig.names[bone])] = matrix_to_quaternion(rest.T @ turns @ rest)
    return dataclasses.replace(motion, rotation=rotation)


def heads(rig, motion):
    return forward_kinematics(rig, motion)[0]


class TestTime:
    def test_trim_keeps_the_frames_from_start_to_before_end_and_their_times(self, make_rig, random_rotations):
        motion = wandering(make_rig(), random_rotations)
        cut = edit.trim(motion, 2.5, 3.0)
        np.testing.assert_allclose(cut.time, 2.5 + np.arange(15) / FPS)
        np.testing.assert_array_equal(cut.rotation, motion.rotation[15:30])
        np.testing.assert_array_equal(cut.confidence, motion.confidence[15:30])
        assert edit.trim(motion, None, 3.0).frame_count == 30
        assert edit.trim(motion, 2.5).frame_count == 25

    def test_trim_says_how_long_the_motion_is_when_nothing_is_left(self, make_rig):
        with pytest.raises(UserError, match=r"from 2\.00 to 2\.97 s"):
            edit.trim(at_rest(make_rig()), 9.0)

    def test_a_rate_changes_neither_speed_nor_length(self, make_rig):
        """A bone that turns and a root that moves steadily are halfway between frames halfway through them."""
        rig = make_rig()
        frames = np.arange(31)
        turns = axis_angle_to_matrix(np.tile((1.0, 0, 0), (31, 1)), 0.1 * frames)
        motion = with_turn(at_rest(rig, 31), rig, "left_forearm", turns)
        motion = dataclasses.replace(motion, root_position=motion.root_position + np.c_[frames, frames, frames] * 0.01)
        faster = edit.at_rate(motion, 75)
        np.testing.assert_allclose(faster.time, 2.0 + np.arange(76) / 75)
        expected = axis_angle_to_matrix(np.tile((1.0, 0, 0), (76, 1)), 0.1 * np.arange(76) / 2.5)
        _, rotations = forward_kinematics(rig, faster)
        bone = rig.index_of_role["left_forearm"]
        np.testing.assert_allclose(rotations[:, bone], expected @ rig.rest_rotations[bone], atol=1e-6)
        np.testing.assert_allclose(faster.root_position[:, 0] - motion.root_position[0, 0], 0.01 * np.arange(76) / 2.5, atol=1e-6)

    def test_people_who_enter_at_different_times_share_the_new_frames(self, make_rig):
        rig = make_rig()
        early, late = (edit.at_rate(at_rest(rig, start=start), 24) for start in (0.0, 7 / 30))
        assert set(late.time[:5].round(6)) < set(early.time.round(6))
        assert late.time[0] >= 7 / 30 - 1e-9

    def test_the_own_rate_changes_nothing_and_zero_is_refused(self, make_rig):
        motion = at_rest(make_rig())
        assert edit.at_rate(motion, FPS) is motion
        with pytest.raises(UserError, match="above 0"):
            edit.at_rate(motion, 0)


class TestSmooth:
    def test_trembling_goes_and_the_motion_stays_without_lag(self, make_rig):
        rig = make_rig()
        t = np.arange(90) / FPS
        bone, axis = rig.index_of_role["left_upper_arm"], np.array([0.0, 1.0, 0.0])
        wanted, trembling = 1.2 * np.sin(2 * np.pi * 0.5 * t), 0.1 * (-1.0) ** np.arange(90)
        motion = with_turn(at_rest(rig, 90), rig, "left_upper_arm", axis_angle_to_matrix(np.tile(axis, (90, 1)), wanted + trembling))
        motion.rotation[::7] *= -1  # the same rotations
        smooth = edit.smoothed(motion, 0.4)
        true = axis_angle_to_matrix(np.tile(axis, (90, 1)), wanted) @ rig.rest_rotations[bone]
        cosine = (np.trace(forward_kinematics(rig, smooth)[1][:, bone] @ np.swapaxes(true, 1, 2), axis1=1, axis2=2) - 1) / 2
        assert np.degrees(np.arccos(np.clip(cosine, -1, 1)))[6:-6].max() < 1.0  # of 5.7 before

    def test_a_still_pose_stays_and_none_is_none(self, make_rig, random_rotations):
        motion = wandering(make_rig(), random_rotations)
        still = dataclasses.replace(motion, rotation=np.tile(motion.rotation[:1], (40, 1, 1)))
        np.testing.assert_allclose(edit.smoothed(still, 1.0).rotation, still.rotation, atol=1e-6)
        assert edit.smoothed(motion, 0) is motion
        with pytest.raises(UserError, match="from 0 to 60"):
            edit.smoothed(motion, -1)


class TestPlace:
    def test_in_place_takes_the_path_and_leaves_sway_and_height(self, rig):
        t = np.arange(150) / FPS
        sway, bob = 0.03 * np.sin(2 * np.pi * 1.0 * t), 0.02 * np.sin(2 * np.pi * 2.0 * t)
        walk = rig.head("hips") + np.c_[sway, -1.3 * t, bob]
        motion = at_rest(rig, 150)
        motion = dataclasses.replace(motion, root_position=walk, contact=np.ones((150, 4)))
        result = edit.in_place(motion, rig)
        np.testing.assert_allclose(result.root_position[:, 1], walk[0, 1], atol=0.01)
        np.testing.assert_allclose(result.root_position[:, 2], walk[:, 2], atol=1e-6)
        assert np.ptp(result.root_position[:, 0]) > 0.9 * np.ptp(sway)
        assert result.camera is None
        assert not result.contact.any()

    def test_heading_turns_every_joint_and_the_camera_about_the_start(self, rig, random_rotations):
        motion = wandering(rig, random_rotations)
        result = edit.heading(motion, rig, 90)
        pivot = motion.root_position[0].astype(float)
        quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
        body = [i for i, bone in enumerate(rig.bones) if bone.name != "Armature root"]
        before, after = heads(rig, motion)[:, body], heads(rig, result)[:, body]
        np.testing.assert_allclose(after, (before - pivot) @ quarter.T + pivot, atol=2e-6)
        np.testing.assert_allclose(result.camera.project(after)[0], motion.camera.project(before)[0], atol=0.01)

    def test_the_floor_goes_where_it_is_asked_to_with_the_camera(self, rig, random_rotations):
        motion = wandering(rig, random_rotations)
        motion = dataclasses.replace(motion, contact=(np.arange(40) % 20 < 10).astype(float)[:, None] * (1, 0, 0, 1))
        result = edit.at_floor(motion, rig, 0.25)
        assert edit.floor_of(rig, result) == pytest.approx(0.25, abs=1e-5)
        body = [i for i, bone in enumerate(rig.bones) if bone.name != "Armature root"]
        before, after = heads(rig, motion)[:, body], heads(rig, result)[:, body]
        lift = after - before
        np.testing.assert_allclose(lift[..., :2], 0, atol=2e-6)
        np.testing.assert_allclose(lift[..., 2], lift[0, 0, 2], atol=2e-6)
        np.testing.assert_allclose(result.camera.project(after)[0], motion.camera.project(before)[0], atol=0.01)

    def test_a_rig_that_stands_at_rest_stands_on_its_own_floor(self, rig):
        assert edit.floor_of(rig, at_rest(rig, contact=np.ones((30, 4)))) == pytest.approx(rig.floor, abs=1e-5)


class TestArms:
    @pytest.mark.parametrize("degrees", [30, -20])
    def test_hanging_arms_are_spread_by_the_angle_and_nothing_else_moves(self, rig, degrees):
        motion = at_rest(rig)
        for side, sign in (("left", 1), ("right", -1)):  # from the T-pose down
            down = axis_angle_to_matrix(np.tile((0.0, 1.0, 0.0), (30, 1)), sign * math.pi / 2)
            motion = with_turn(motion, rig, f"{side}_upper_arm", down)
        result = edit.arm_spread(motion, rig, degrees)
        before, after = heads(rig, motion)[0], heads(rig, result)[0]
        index = rig.index_of_role
        for side, sign in (("left", 1), ("right", -1)):
            arm = after[index[f"{side}_hand"]] - after[index[f"{side}_upper_arm"]]
            old = before[index[f"{side}_hand"]] - before[index[f"{side}_upper_arm"]]
            assert np.degrees(np.arctan2(sign * arm[0], -arm[2]) - np.arctan2(sign * old[0], -old[2])) == pytest.approx(degrees, abs=0.1)
        still = [bone for role, bone in index.items() if not any(word in role for word in ("arm", "hand", *edit_fingers()))]
        np.testing.assert_allclose(after[still], before[still], atol=1e-6)

    def test_arms_held_out_stay(self, make_rig):
        rig = make_rig()
        motion = at_rest(rig)  # the T-pose
        np.testing.assert_allclose(heads(rig, edit.arm_spread(motion, rig, 45)), heads(rig, motion), atol=0.02)  # its arms are 1° off

    def test_an_angle_out_of_range_is_refused(self, make_rig):
        with pytest.raises(UserError, match="between -90 and 90"):
            edit.arm_spread(at_rest(make_rig()), make_rig(), 120)


def edit_fingers():
    return ("thumb", "index", "middle", "ring", "pinky")


class TestInfluence:
    def test_one_changes_nothing_and_zero_is_rest(self, rig, random_rotations):
        motion = wandering(rig, random_rotations)
        np.testing.assert_allclose(heads(rig, edit.influence(motion, rig, dict.fromkeys(edit.PARTS, 1.0))), heads(rig, motion), atol=1e-5)
        parts = dict.fromkeys(set(edit.PARTS) - {"hips", "face"}, 0.0)
        tame = edit.influence(motion, rig, parts)
        rest = heads(rig, at_rest(rig))[0]
        hips, knee, elbow, finger = (rig.index_of_role[r] for r in ("hips", "left_shin", "right_forearm", "left_index2"))
        after = heads(rig, tame)
        np.testing.assert_allclose(after[:, hips], np.tile([*motion.root_position[0, :2], rig.head("hips")[2]], (40, 1)), atol=1e-5)
        for joint in (knee, elbow, finger):  # all hang from the hips as at rest
            distance = np.linalg.norm(after[:, joint] - after[:, hips], axis=1)
            np.testing.assert_allclose(distance, np.linalg.norm(rest[joint] - rest[hips]), atol=1e-5)

    def test_half_an_arm_is_half_the_angle_of_that_arm_alone(self, rig):
        turn = axis_angle_to_matrix(np.tile((0.0, 0.6, 0.8), (30, 1)), np.linspace(0, 1.4, 30))
        motion = with_turn(with_turn(at_rest(rig), rig, "left_forearm", turn), rig, "right_forearm", turn)
        result = edit.influence(motion, rig, {"left_arm": 0.5})
        _, rotations = forward_kinematics(rig, result)
        for side, angle in (("left", 0.7), ("right", 1.4)):
            bone = rig.index_of_role[f"{side}_forearm"]
            expected = axis_angle_to_matrix(np.array((0.0, 0.6, 0.8)), angle) @ rig.rest_rotations[bone]
            np.testing.assert_allclose(rotations[-1, bone], expected, atol=1e-5)

    def test_hips_lose_their_tilt_and_still_face_where_they_did_all_the_way_round(self, rig):
        facing = axis_angle_to_matrix(np.tile((0.0, 0, 1.0), (60, 1)), np.linspace(0, 2 * math.pi, 60))
        tilt = axis_angle_to_matrix(np.array([1.0, 0, 0]), 0.4)
        motion = with_turn(at_rest(rig, 60), rig, "hips", facing @ tilt)
        result = edit.influence(motion, rig, {"hips": 0.25})
        bone = rig.index_of_role["hips"]
        expected = facing @ axis_angle_to_matrix(np.array([1.0, 0, 0]), 0.1) @ rig.rest_rotations[bone]
        np.testing.assert_allclose(forward_kinematics(rig, result)[1][:, bone], expected, atol=1e-5)

    def test_feet_that_do_not_follow_are_not_in_contact_and_the_face_fades(self, make_rig):
        rig = make_rig()
        motion = at_rest(rig, contact=np.ones((30, 4)), expressions=("jawOpen",), expression=np.full((30, 1), 0.8))
        assert not edit.influence(motion, rig, {"legs": 0.5}).contact.any()
        assert edit.influence(motion, rig, {"legs": 0.5}).camera is motion.camera
        assert edit.influence(motion, rig, {"root": 0.5}).camera is None
        faded = edit.influence(motion, rig, {"face": 0.5, "torso": 0.2})
        assert faded.contact.all()
        np.testing.assert_allclose(faded.expression, 0.4, atol=1e-6)

    @pytest.mark.parametrize(("shares", "words"), [({"tail": 1.0}, "no part 'tail'"), ({"legs": 1.5}, "between 0 and 1")])
    def test_unknown_parts_and_shares_are_refused(self, make_rig, shares, words):
        with pytest.raises(UserError, match=words):
            edit.influence(at_rest(make_rig()), make_rig(), shares)


class TestMirror:
    @pytest.mark.parametrize("kind", [{}, STRANGE, {"mirrored": True, "heading": 2.0, "rolls": True}], ids=["plain", "strange", "turned"])
    def test_every_joint_is_where_a_mirror_shows_its_other_side(self, make_rig, random_rotations, kind):
        rig = make_rig(**kind)
        motion = wandering(rig, random_rotations, contact=np.tile((1.0, 0.5, 0.0, 0.25), (40, 1)))
        result = mirrored(motion, rig)
        before, after = heads(rig, motion), heads(rig, result)
        index, start = rig.index_of_role, motion.root_position[0]
        for role, bone in index.items():
            other = role.replace("left", "#").replace("right", "left").replace("#", "right")
            seen = before[:, index[other]] - start
            expected = start + seen - 2 * (seen @ rig.left)[..., None] * rig.left
            np.testing.assert_allclose(after[:, bone], expected, atol=2e-5, err_msg=role)
        np.testing.assert_allclose(result.contact[0], (0.0, 0.25, 1.0, 0.5))
        assert result.camera is None

    def test_twice_is_not_at_all(self, rig, random_rotations):
        motion = wandering(rig, random_rotations)
        np.testing.assert_allclose(heads(rig, mirrored(mirrored(motion, rig), rig)), heads(rig, motion), atol=2e-5)

    def test_on_a_rest_pose_that_is_not_symmetric_the_bones_directions_are_mirrored(self, make_rig, random_rotations):
        rig = make_rig(seed=4, rolls=True, bend=0.4)
        motion = wandering(rig, random_rotations)
        before, after = heads(rig, motion), heads(rig, mirrored(motion, rig))
        index = rig.index_of_role
        normal = rig.left - (rig.left @ rig.up) * rig.up
        normal /= np.linalg.norm(normal)
        for bone, end in (("upper_arm", "forearm"), ("forearm", "hand"), ("thigh", "shin"), ("shin", "foot"), ("index1", "index2")):
            left = unit(after[:, index[f"left_{end}"]] - after[:, index[f"left_{bone}"]])
            right = unit(before[:, index[f"right_{end}"]] - before[:, index[f"right_{bone}"]])
            np.testing.assert_allclose(left, right - 2 * (right @ normal)[:, None] * normal, atol=2e-5)

    def test_winks_change_eyes(self, make_rig):
        rig = make_rig()
        wink = np.tile((1.0, 0.0, 0.5), (30, 1))
        motion = at_rest(rig, expressions=("eyeBlinkLeft", "eyeBlinkRight", "jawOpen"), expression=wink)
        result = mirrored(motion, rig)
        assert result.expressions == ("eyeBlinkRight", "eyeBlinkLeft", "jawOpen")
        np.testing.assert_array_equal(result.expression, motion.expression)

    def test_a_missing_hand_is_carried_along(self, make_rig, random_rotations):
        full, rig = make_rig(), make_rig(without=("left_index", "left_thumb"))
        motion = wandering(rig, random_rotations)
        result = mirrored(motion, rig)
        assert np.isfinite(heads(rig, result)).all()
        bone = result.bones.index(rig.names[rig.index_of_role["right_index1"]])
        np.testing.assert_allclose(np.abs(result.rotation[:, bone, 0]), 1, atol=1e-6)
        assert len(full.bones) > len(rig.bones)


def unit(v):
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


def test_nothing_given_is_changed(make_rig, random_rotations):
    rig = make_rig()
    motion = wandering(rig, random_rotations)
    kept = {name: getattr(motion, name).copy() for name in ("time", "rotation", "root_position", "contact", "confidence")}
    edited(
        motion,
        rig,
        Controls(2.1, 3.0, 24, True, 0.3, 10, {"head": 0.5, "hips": 0.9}, True, 45, 0.1),
    )
    for name, values in kept.items():
        np.testing.assert_array_equal(getattr(motion, name), values)


@pytest.mark.parametrize(
    "controls",
    [Controls(smooth=0.5), Controls(fps=48), Controls(influence={"hips": 0.5})],
    ids=["smooth", "rate", "hips"],
)
def test_feet_hold_the_floor_again_where_a_control_moved_them(make_rig, controls):
    """Somebody who sways over feet that stand."""
    rig = make_rig()
    t = np.arange(60) / FPS
    motion = at_rest(rig, 60, contact=np.ones((60, 4)))
    lower = motion.root_position - np.array([0.0, 0.0, 0.03])
    motion = dataclasses.replace(motion, root_position=lower + 0.02 * np.sin(5 * t)[:, None] * (1, 0.5, 0))
    tilt = axis_angle_to_matrix(np.tile((0.0, 1.0, 0.0), (60, 1)), 0.08 * np.sin(9 * t))
    motion = hold_feet(rig, with_turn(motion, rig, "hips", tilt))
    result = edited(motion, rig, controls)
    standing = soles(rig, *edit.posed(rig, result))[:, (0, 1, 3, 4)]
    assert result.contact.mean() > 0.9
    both = (result.contact[1:] > 0.5) & (result.contact[:-1] > 0.5)
    np.testing.assert_allclose(np.diff(standing, axis=0)[both], 0, atol=1e-4)
    np.testing.assert_allclose(standing[..., 2][result.contact > 0.5], 0, atol=1e-4)


def test_no_controls_change_nothing(make_rig, random_rotations):
    rig = make_rig()
    motion = wandering(rig, random_rotations)
    assert edited(motion, rig, Controls()) is motion
