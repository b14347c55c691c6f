# SPDX-License-Identifier: GPL-3.0-or-later
"""A motion of one rig on another, on rigs made of numbers."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from ningyo.errors import UserError
from ningyo.jobs.progress import Reporter
from ningyo.synth_data.retarget.edit import posed
from ningyo.synth_data.retarget.kinematics import axis_angle_to_matrix, matrix_to_quaternion, pose, rotation_vector_to_matrix, unit
from ningyo.synth_data.retarget.motion import Camera, Motion
from ningyo.synth_data.retarget.rest_frames import same_skeleton
from ningyo.synth_data.retarget.rig import Rig
from ningyo.synth_data.retarget.roles import FINGERS
from ningyo.synth_data.retarget.root import soles
from ningyo.synth_data.retarget.transfer import on_rig, transfer

FRAMES = 40
LIMBS = [
    (f"{side}_{bone}", f"{side}_{end}")
    for side in ("left", "right")
    for bone, end in [("upper_arm", "forearm"), ("forearm", "hand"), ("thigh", "shin"), ("shin", "foot"), ("hand", "middle1")]
    + [(f"{finger}{joint}", f"{finger}{joint + 1}") for finger in FINGERS for joint in (1, 2, 3)]
]


def moving(rig, *, seed=0, angle=0.7, contact=None, **more):
    """Every bone turns, the hips travel."""
    random = np.random.default_rng(seed)
    axes = unit(random.normal(size=(len(rig.bones), 3)))
    swing = angle * np.sin(np.linspace(0, 4, FRAMES)[:, None] + random.uniform(0, 6, len(rig.bones)))
    local = axis_angle_to_matrix(np.broadcast_to(axes, (FRAMES, *axes.shape)), swing)
    root = rig.head("hips") + np.stack([0.4 * np.sin(np.linspace(0, 3, FRAMES)), np.linspace(0, -1, FRAMES), np.zeros(FRAMES)], -1)
    zeros = np.zeros(FRAMES)
    return Motion(
        fps=30.0, bones=rig.names, time=np.arange(FRAMES) / 30, rotation=matrix_to_quaternion(local), root_position=root,
        contact=np.zeros((FRAMES, 4)) if contact is None else contact, residual=zeros, confidence=zeros + 1, rig=rig, **more,
    )  # fmt: skip


def at(rig, heads, role):
    return heads[:, rig.index_of_role[role]]


def directions(motion, pairs=LIMBS):
    heads, _ = posed(motion.rig, motion)
    return np.stack([unit(at(motion.rig, heads, end) - at(motion.rig, heads, bone)) for bone, end in pairs], 1)


def posed_twin(rig: Rig, angles: dict[str, tuple[float, float, float]]) -> Rig:
    """The same skeleton, whose rest pose is another: own rotations by role, rotation vectors."""
    local = np.broadcast_to(np.eye(3), (1, len(rig.bones), 3, 3)).copy()
    for role, vector in angles.items():
        local[0, rig.index_of_role[role]] = rotation_vector_to_matrix(np.array(vector))
    heads, rotations = pose(rig, local, rig.head("hips")[None])
    bones = []
    for bone, head, rotation in zip(rig.bones, heads[0], rotations[0], strict=True):
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = rotation, head
        bones.append(dataclasses.replace(bone, matrix=matrix))
    return dataclasses.replace(rig, bones=tuple(bones), source_sha256="twin")


def another(rig: Rig) -> Rig:
    """The rig without one of its roles, so that it does not count as the skeleton that it was."""
    return dataclasses.replace(
        rig, bones=tuple(dataclasses.replace(bone, role=None if bone.role == "left_toe_end" else bone.role) for bone in rig.bones)
    )


class TestOneSkeleton:
    def test_on_its_own_rig_it_is_returned_as_it_is(self, make_rig):
        rig = make_rig(rolls=True)
        motion = moving(rig)
        assert transfer(motion, rig) is motion
        assert transfer(motion, Rig.from_json(json.loads(json.dumps(rig.to_json())), "test")) is motion

    def test_in_another_rest_pose_every_bone_is_where_it_was(self, make_rig):
        """Arms let down and twisted, knees bent, fingers curled, a bent back: nothing of the posed skeleton may change."""
        rig = make_rig(rolls=True, extra_bones=True)
        angles = {"spine1": (0.2, 0.1, 0.0), "left_upper_arm": (0.9, 0.4, -0.3), "right_upper_arm": (-0.5, 0.8, 0.2)}
        angles |= {"left_forearm": (0.3, 0.2, 0.6), "right_shin": (0.5, 0.1, 0.2), "left_foot": (0.2, 0.3, 0.1), "head": (0.3, 0.2, 0.1)}
        angles |= {f"left_{finger}{joint}": (0.3, 0.2, 0.1) for finger in FINGERS for joint in (1, 2, 3)}
        twin = posed_twin(rig, angles)
        assert same_skeleton(rig, twin)
        motion = moving(rig)
        result = transfer(motion, twin)
        before, turns = posed(rig, motion)
        after, turned = posed(twin, result)
        np.testing.assert_allclose(after, before, atol=2e-6)
        np.testing.assert_allclose(turned @ twin.rest_rotations, turns @ rig.rest_rotations, atol=1e-5)
        assert result.rig is twin

    def test_where_its_object_stands_does_not_matter(self, make_rig):
        here, there = make_rig(rolls=True), make_rig(rolls=True, object_location=(2.0, 1.0, 0.0), object_scale=0.01)
        motion = moving(here)
        result = transfer(motion, there)
        np.testing.assert_allclose(posed(there, result)[0], posed(here, motion)[0], atol=2e-6)

    @pytest.mark.parametrize(
        "other", [{"rolls": False}, {"object_scale": 0.01, "object_rotation": True}, {"prefix": "", "seed": 7, "rolls": True}]
    )
    def test_with_other_axes_joints_are_where_they_were(self, make_rig, other):
        one, two = make_rig(rolls=True), make_rig(**other)
        motion = moving(one)
        np.testing.assert_allclose(posed(two, transfer(motion, two))[0], posed(one, motion)[0], atol=2e-6)


class TestAnotherSkeleton:
    def test_limbs_and_fingers_point_where_they_did_whatever_the_rest_poses(self, make_rig):
        """Other bones' lengths, axes and rest poses: one stands in a T-pose, one in a random one, turned about the vertical."""
        one, two = make_rig(rolls=True), make_rig(seed=4, proportions=0.25, bend=0.35, rolls=True, heading=0.8, prefix="")
        motion = moving(one)
        for source, target in ((motion, two), (moving(two), one)):
            result = transfer(source, target)
            np.testing.assert_allclose(directions(result), directions(source), atol=1e-5)

    def test_there_and_back_is_where_it_began(self, make_rig):
        one, two = make_rig(rolls=True), make_rig(seed=4, proportions=0.2, bend=0.2, rolls=True)
        motion = moving(one)
        back = transfer(transfer(motion, two), one)
        np.testing.assert_allclose(directions(back), directions(motion), atol=1e-5)
        np.testing.assert_allclose(back.root_position, motion.root_position, atol=0.02)

    def test_the_way_grows_with_the_legs_and_soles_stay_as_near_to_the_floor(self, make_rig):
        one, two = make_rig(rolls=True), make_rig(seed=2, proportions=0.3, rolls=True)
        motion = moving(one, angle=0.35)
        result = transfer(motion, two)
        size = two.leg_length / one.leg_length
        assert abs(size - 1) > 0.05
        way = [m.root_position[-1, :2] - m.root_position[0, :2] for m in (motion, result)]
        np.testing.assert_allclose(way[1], size * way[0], atol=0.02)
        low = [soles(m.rig, *posed(m.rig, m))[..., 2].min(axis=1) - m.rig.floor for m in (motion, result)]
        near = low[0] < 0.1 * one.leg_length
        assert near.sum() > 10
        np.testing.assert_allclose(low[1][near], size * low[0][near], atol=1e-5)

    def test_feet_in_contact_hold_the_floor(self, make_rig):
        one, two = make_rig(rolls=True), make_rig(seed=2, proportions=0.3, rolls=True)
        motion = moving(one, angle=0.0)
        root = motion.root_position * (0, 0, 1) + np.stack([0.05 * np.sin(np.linspace(0, 6, FRAMES)), *np.zeros((2, FRAMES))], -1)
        motion = dataclasses.replace(motion, root_position=root, contact=np.ones((FRAMES, 4)))
        result = transfer(motion, two)
        feet = soles(two, *posed(two, result))[:, (0, 1, 3, 4)]
        assert result.contact.min() == 1
        np.testing.assert_allclose(feet[..., 2], two.floor, atol=1e-4)
        assert np.ptp(feet[..., :2], axis=0).max() < 1e-4

    def test_seen_through_its_camera_the_body_lies_where_it_lay(self, make_rig):
        one, two = make_rig(rolls=True), make_rig(seed=2, proportions=0.3, rolls=True)
        look = np.array([[1.0, 0, 0, 0.2], [0, 0, -1, 1.2], [0, 1.0, 0, 4]])
        motion = moving(one, camera=Camera(700.0, 640, 480, look))
        result = transfer(motion, two)
        pixels = []
        for m in (motion, result):
            heads, _ = posed(m.rig, m)
            pixels.append(m.camera.project(0.5 * (at(m.rig, heads, "left_thigh") + at(m.rig, heads, "right_thigh")))[0])
        np.testing.assert_allclose(pixels[1][:, 0], pixels[0][:, 0], atol=0.5)
        assert np.abs(pixels[1][:, 1] - pixels[0][:, 1]).max() < 25  # what lifts the soles to the floor

    def test_palms_and_feet_face_where_they_did_whatever_way_they_face_at_rest(self, make_rig):
        """Palms forward and toes outward at rest. A forearm goes with its hand, lest the skin be wrung between them."""
        one = make_rig()
        angles = {"left_forearm": (1.2, 0.0, 0.0), "right_forearm": (1.2, 0.0, 0.0), "left_foot": (0.0, 0.5, 0.0)}
        two = another(posed_twin(one, angles))
        motion = moving(one)
        result = transfer(motion, two)
        across = [(f"{side}_pinky1", f"{side}_index1") for side in ("left", "right")]
        np.testing.assert_allclose(directions(result, across), directions(motion, across), atol=1e-5)
        (_, before), (_, after) = posed(one, motion), posed(two, result)
        wrung = [
            np.swapaxes(t[:, r.index_of_role["left_forearm"]], 1, 2) @ t[:, r.index_of_role["left_hand"]]
            for r, t in ((one, before), (two, after))
        ]
        angle = [np.arccos((np.trace(m, axis1=1, axis2=2) - 1) / 2) for m in wrung]
        np.testing.assert_allclose(angle[1], angle[0], atol=1e-5)
        standing = moving(one, angle=0.0)
        toes = [("left_foot", "left_toe")]
        np.testing.assert_allclose(directions(transfer(standing, two), toes), directions(standing, toes), atol=1e-5)

    def test_a_hunched_rest_pose_does_not_bend_a_straight_back(self, make_rig):
        straight = make_rig()
        hunched = another(posed_twin(straight, {f"spine{n}": (0.28, 0.0, 0.0) for n in ("", "1", "2")}))
        assert not same_skeleton(straight, hunched)
        standing = moving(straight, angle=0.0)
        heads, _ = posed(hunched, transfer(standing, hunched))
        back = unit(at(hunched, heads, "neck") - at(hunched, heads, "hips"))
        rest = unit(hunched.head("neck") - hunched.head("hips"))
        assert rest @ (0, 0, 1) < np.cos(np.radians(20))
        assert (back @ (0, 0, 1)).min() > np.cos(np.radians(6))


class TestMissingRoles:
    def test_a_spine_of_fewer_or_more_bones_bends_as_far(self, make_rig):
        whole, short = make_rig(rolls=True), make_rig(rolls=True, without=("spine1", "spine2"))
        chest = {id(whole): "spine2", id(short): "spine"}
        for one, two in ((whole, short), (short, whole)):
            motion = moving(one)
            result = transfer(motion, two)
            turned = [posed(m.rig, m)[1][:, m.rig.index_of_role[chest[id(m.rig)]]] for m in (motion, result)]
            np.testing.assert_allclose(turned[1], turned[0], atol=2e-6)
            np.testing.assert_allclose(directions(result, LIMBS[:4]), directions(motion, LIMBS[:4]), atol=1e-5)
        turns = posed(whole, transfer(moving(short), whole))[1]
        half, full = (turns[:, whole.index_of_role[role]] for role in ("spine1", "spine2"))
        assert np.abs(half - full).max() > 0.05

    def test_hands_without_fingers_and_fingers_without_a_source_follow(self, make_rig):
        whole, bare = make_rig(rolls=True), make_rig(rolls=True, without=FINGERS)
        arms = [pair for pair in LIMBS if pair[1] in ("left_hand", "right_hand", "left_forearm", "right_forearm")]
        motion = moving(whole)
        np.testing.assert_allclose(directions(transfer(motion, bare), arms), directions(motion, arms), atol=1e-5)
        back = transfer(moving(bare), whole)
        _, turns = posed(whole, back)
        hand, finger = (turns[:, whole.index_of_role[f"left_{role}"]] for role in ("hand", "index2"))
        np.testing.assert_allclose(finger, hand, atol=2e-6)

    def test_a_neck_that_the_source_lacks_turns_half_as_far(self, make_rig):
        whole, bare = make_rig(rolls=True), make_rig(rolls=True, without=("neck",))
        motion = moving(bare)
        _, turns = posed(whole, transfer(motion, whole))
        chest, neck, head = (turns[:, whole.index_of_role[role]] for role in ("spine2", "neck", "head"))
        apart = [
            np.arccos(np.clip((np.trace(np.swapaxes(a, 1, 2) @ b, axis1=1, axis2=2) - 1) / 2, -1, 1))
            for a, b in ((chest, neck), (neck, head))
        ]
        np.testing.assert_allclose(apart[0], apart[1], atol=1e-5)

    def test_toes_and_shoulders_may_be_missing(self, make_rig):
        whole, bare = make_rig(rolls=True), make_rig(rolls=True, without=("toe", "shoulder"))
        motion = moving(whole)
        np.testing.assert_allclose(directions(transfer(motion, bare), LIMBS[:4]), directions(motion, LIMBS[:4]), atol=1e-5)
        np.testing.assert_allclose(directions(transfer(moving(bare), whole), LIMBS[:4]), directions(moving(bare), LIMBS[:4]), atol=1e-5)


def test_expressions_and_what_else_it_holds_stay(make_rig):
    one, two = make_rig(), make_rig(seed=2, proportions=0.2, rolls=True)
    motion = moving(
        one, expressions=("jawOpen",), expression=np.linspace(0, 1, FRAMES)[:, None], source={"video": "v.mp4"}, method="solver"
    )
    result = transfer(motion, two)
    np.testing.assert_array_equal(result.expression, motion.expression)
    assert (result.expressions, result.source, result.method, result.rig_name) == (("jawOpen",), {"video": "v.mp4"}, "solver", two.name)
    np.testing.assert_array_equal(result.time, motion.time)


def test_a_motion_that_does_not_know_its_rig(make_rig):
    rig = make_rig()
    motion = dataclasses.replace(moving(rig), rig=None)
    with pytest.raises(UserError, match="older Ningyo"):
        transfer(motion, rig)
    warnings = []
    report = Reporter(lambda event: warnings.append(event["text"]))
    assert on_rig(motion, rig, report=report) is motion
    assert not warnings
    assert on_rig(dataclasses.replace(motion, rig_sha256="else"), rig, report=report) is not None
    assert "feet and proportions" in warnings[0]


def test_a_transfer_is_told(make_rig):
    one, two = make_rig(), dataclasses.replace(make_rig(seed=2, rolls=True), name="hero", source_sha256="2")
    warnings = []
    result = on_rig(moving(one), two, report=Reporter(lambda event: warnings.append(event["text"])))
    assert result.rig is two
    assert warnings == ["The motion was made for test and is transferred to hero."]
