# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenPose's points on rigs."""

from __future__ import annotations

import numpy as np
import pytest
from ningyo.synth_data.pose.landmarks import BODY_25
from ningyo.synth_data.retarget.kinematics import forward_kinematics
from ningyo.synth_data.retarget.motion import Motion
from ningyo.synth_data.retarget.openpose_points import openpose_points

FACE, LEFT, RIGHT = slice(25, 95), slice(95, 116), slice(116, 137)


def posed(rig, rotation: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Heads, rotations and points (137, 3) of one pose; at rest without `rotation` (1, B, 4)."""
    if rotation is None:
        rotation = np.tile([1.0, 0, 0, 0], (1, len(rig.bones), 1))
    still = np.zeros(1)
    motion = Motion(25.0, rig.names, still, rotation, rig.head("hips")[None], np.zeros((1, 4)), still, still)
    heads, rotations = forward_kinematics(rig, motion)
    return heads, rotations, openpose_points(rig, heads, rotations)[0]


def body(points: np.ndarray, name: str) -> np.ndarray:
    return points[BODY_25.index(name)]


VARIANTS = [{}, {"rolls": True, "object_scale": 0.01, "object_rotation": True}, {"proportions": 0.3, "object_location": (1.0, 2.0, 0.0)}]


@pytest.mark.parametrize("variant", VARIANTS)
def test_joints_are_the_rigs(make_rig, variant):
    rig = make_rig(**variant)
    _, _, points = posed(rig)
    roles = {"shoulder": "upper_arm", "elbow": "forearm", "wrist": "hand", "hip": "thigh", "knee": "shin", "ankle": "foot"}
    for side in ("left", "right"):
        for joint, role in roles.items():
            np.testing.assert_allclose(body(points, f"{side}_{joint}"), rig.head(f"{side}_{role}"), atol=1e-6)
    for middle, role in (("neck", "upper_arm"), ("mid_hip", "thigh")):
        np.testing.assert_allclose(body(points, middle), (rig.head(f"left_{role}") + rig.head(f"right_{role}")) / 2, atol=1e-6)
    for hand, side in ((LEFT, "left"), (RIGHT, "right")):
        np.testing.assert_allclose(points[hand][0], rig.head(f"{side}_hand"), atol=1e-6)
        np.testing.assert_allclose(points[hand][[4, 5, 20]], [rig.head(f"{side}_{r}") for r in ("thumb4", "index1", "pinky4")], atol=1e-6)
    assert np.isfinite(points).all()


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_face_is_in_front_of_the_head_and_the_right_way_round(make_rig, variant):
    rig = make_rig(**variant)
    _, _, points = posed(rig)
    axes = np.stack([rig.left, rig.up, rig.facing])
    local = (points - rig.head("head")) @ axes.T
    face, height = local[FACE], rig.height
    assert (np.abs(face[:, 0]) < 0.06 * height).all()
    assert (face[:, 1] > -0.05 * height).all()
    assert (face[:, 1] < 0.12 * height).all()
    mirror = [(0, 16), (17, 26), (21, 22), (31, 35), (36, 45), (39, 42), (37, 44), (41, 46), (48, 54), (60, 64), (68, 69)]
    for right, left in mirror:
        assert face[right, 0] < 0 < face[left, 0]
        np.testing.assert_allclose(face[right] * (-1, 1, 1), face[left], atol=1e-4 * height)
    brows, eyes, nose, mouth, chin = face[17:27, 1].mean(), face[36:48, 1].mean(), face[30, 1], face[48:68, 1].mean(), face[8, 1]
    assert brows > eyes > nose > mouth > chin
    assert face[30, 2] == face[:, 2].max()  # the nose's tip
    assert local[BODY_25.index("left_ear"), 0] > 0 > local[BODY_25.index("right_ear"), 0]
    assert local[BODY_25.index("nose"), 2] > local[BODY_25.index("left_ear"), 2]


def test_the_head_carries_the_face(make_rig, random_rotations):
    """In every pose the face's points keep their distances to each other and to the head's joint."""
    rig = make_rig(rolls=True)
    _, _, rest = posed(rig)
    heads, _, points = posed(rig, random_rotations(1, len(rig.bones), 1.2, 4))
    head = heads[0, rig.index_of_role["head"]]
    np.testing.assert_allclose(
        np.linalg.norm(points[FACE] - head, axis=1), np.linalg.norm(rest[FACE] - rig.head("head"), axis=1), atol=1e-6
    )
    assert np.abs(points[FACE] - rest[FACE]).max() > 0.05


def test_feet_stand_on_the_floor(make_rig):
    rig = make_rig()
    _, _, points = posed(rig)
    for side, sign in (("left", 1), ("right", -1)):
        ankle, heel, big, small = (body(points, f"{side}_{name}") for name in ("ankle", "heel", "big_toe", "small_toe"))
        assert abs(heel @ rig.up - rig.floor) < 0.02 * rig.height
        assert heel @ rig.facing < ankle @ rig.facing < small @ rig.facing < big @ rig.facing
        assert sign * ((small - big) @ rig.left) > 0  # the small toe is on the outer side


def test_missing_bones(make_rig):
    """Without fingers there are no finger points; without toe and eye bones their places are guessed."""
    rig = make_rig(without=("thumb", "index", "middle", "ring", "pinky", "toe", "head_end"))
    _, _, points = posed(rig)
    for hand in (LEFT, RIGHT):
        assert np.isfinite(points[hand][0]).all()
        assert np.isnan(points[hand][1:]).all()
    assert np.isfinite(points[:95]).all()
    whole = posed(make_rig())[2]
    assert np.linalg.norm(points[:95] - whole[:95], axis=1).max() < 0.08


def test_a_finger_without_a_bone_at_its_tip_goes_on_straight(make_rig):
    rig, whole = make_rig(without=("index4",)), make_rig()
    tip, expected = posed(rig)[2][LEFT][8], posed(whole)[2][LEFT][8]
    assert 0 < np.linalg.norm(tip - rig.head("left_index3")) < 0.05
    assert np.linalg.norm(tip - expected) < 0.02
