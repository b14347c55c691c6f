# SPDX-License-Identifier: GPL-3.0-or-later
"""Mirrored and varied poses."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from ningyo.errors import UserError
from ningyo.synth_data.pose.landmarks import BODY_25
from ningyo.synth_data.render.poses import Pose, PoseSource, varied
from ningyo.synth_data.retarget.kinematics import matrix_to_axis_angle
from ningyo.synth_data.retarget.openpose_points import openpose_points
from ningyo.synth_data.retarget.rig import Rig
from ningyo.synth_data.retarget.transfer import transfer

BONES = [(1, 2), (2, 3), (3, 4), (1, 5), (5, 6), (6, 7), (8, 9), (9, 10), (10, 11), (8, 12), (12, 13), (13, 14)]


def points_of(rig: Rig, pose: Pose) -> np.ndarray:
    heads, rotations = pose.evaluate(rig)
    return openpose_points(rig, heads[None], rotations[None])[0]


def bend(points: np.ndarray, side: str, joints: tuple[str, str, str]) -> float:
    a, b, c = (points[BODY_25.index(f"{side}_{joint}")] for joint in joints)
    cosine = (b - a) @ (c - b) / np.linalg.norm(b - a) / np.linalg.norm(c - b)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


@pytest.mark.parametrize("variant", [{}, {"rolls": True, "object_scale": 0.01, "object_rotation": True}])
def test_a_mirrored_pose_is_the_picture_in_the_mirror(make_rig, make_motion, variant):
    rig = make_rig(**variant)
    motion = make_motion(rig)
    pose, in_mirror = (PoseSource(rig, motion, mirrored=flag).frame(5) for flag in (False, True))
    start = motion.root_position[0]
    straight, other = points_of(rig, pose) - start, points_of(rig, in_mirror) - start
    swapped = [name.replace("left", "#").replace("right", "left").replace("#", "right") if "_" in name else name for name in BODY_25]
    reflected = straight - 2 * (straight @ rig.left)[:, None] * rig.left
    for i, name in enumerate(swapped):
        np.testing.assert_allclose(other[i], reflected[BODY_25.index(name)], atol=2e-3, err_msg=name)
    np.testing.assert_allclose(other[95:116], reflected[116:137], atol=2e-3)


def test_poses_between_frames(make_rig, make_motion):
    rig = make_rig(rolls=True)
    source = PoseSource(rig, make_motion(rig))
    before, between, after = (source.frame(index) for index in (3, 3.25, 4))
    np.testing.assert_allclose(between.root, 0.75 * before.root + 0.25 * after.root)
    whole = matrix_to_axis_angle(np.swapaxes(before.local, 1, 2) @ after.local)
    part = matrix_to_axis_angle(np.swapaxes(before.local, 1, 2) @ between.local)
    np.testing.assert_allclose(part, 0.25 * whole, atol=1e-9)
    np.testing.assert_array_equal(source.frame(99).local, source.frame(11).local)
    np.testing.assert_array_equal(source.frame(-1).root, source.frame(0).root)


def test_expressions_between_frames(make_rig, make_motion):
    rig = make_rig()
    values = np.linspace(0, 1, 12)[:, None] * (1.0, 0.5)
    motion = dataclasses.replace(make_motion(rig), expressions=("jawOpen", "eyeBlinkLeft"), expression=values)
    found = PoseSource(rig, motion).expression(2.5)
    assert found == pytest.approx({"jawOpen": 2.5 / 11, "eyeBlinkLeft": 1.25 / 11})
    assert "eyeBlinkRight" in PoseSource(rig, motion, mirrored=True).expression(0)


def test_a_motion_of_another_rig_is_put_on_this_one(make_rig, make_motion):
    rig, other = make_rig(rolls=True), make_rig(seed=3, rolls=True, proportions=0.2, prefix="")
    motion = dataclasses.replace(make_motion(other), rig=other)
    pose = PoseSource(rig, motion).frame(4)
    np.testing.assert_allclose(pose.local, PoseSource(rig, transfer(motion, rig)).frame(4).local)
    with pytest.raises(UserError, match="does not have"):
        PoseSource(rig, make_motion(other))


def test_variations_differ_but_keep_the_bones(make_rig, make_motion):
    rig = make_rig(rolls=True)
    pose = PoseSource(rig, make_motion(rig)).frame(2)
    base = points_of(rig, pose)
    random = np.random.default_rng(0)
    moved = []
    for _ in range(20):
        points = points_of(rig, varied(rig, pose, random))
        for a, b in BONES:
            if 1 not in (a, b):  # the neck is between the shoulders, which are no bone
                assert np.linalg.norm(points[a] - points[b]) == pytest.approx(np.linalg.norm(base[a] - base[b]), abs=1e-6)
        moved.append(np.linalg.norm(points[[4, 7]] - base[[4, 7]], axis=1).mean())
    assert 0.05 < np.mean(moved) < 0.5


def test_no_spread_is_no_change_and_the_same_seed_the_same_pose(make_rig, make_motion):
    rig = make_rig()
    pose = PoseSource(rig, make_motion(rig)).frame(2)
    np.testing.assert_allclose(varied(rig, pose, np.random.default_rng(1), 0.0).local, pose.local, atol=1e-9)
    first, second = (varied(rig, pose, np.random.default_rng(1)).local for _ in range(2))
    assert np.array_equal(first, second)


def test_elbows_and_knees_bend_their_own_way_only(make_rig, make_motion):
    """From a straight limb the bend goes to the front for an elbow, to the back for a knee; from any pose it stays within the limit."""
    rig = make_rig(rolls=True)
    rest = Pose(np.broadcast_to(np.eye(3), (len(rig.bones), 3, 3)).copy(), rig.head("hips"))
    random = np.random.default_rng(3)
    arm, leg = ("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle")
    for _ in range(20):
        pose = rest
        for _ in range(6):  # variations of variations go far
            pose = varied(rig, pose, random, 1.5)
        points = points_of(rig, pose)
        for side in ("left", "right"):
            assert bend(points, side, arm) <= 146
            assert bend(points, side, leg) <= 141
    knees = np.mean(
        [np.mean([forward_of_knee(rig, varied(rig, rest, random, 2.0), side) for side in ("left", "right")]) for _ in range(20)]
    )
    assert knees < -0.02


def forward_of_knee(rig: Rig, pose: Pose, side: str) -> float:
    """How far the ankle is before the line of the thigh, in the thigh's own frame, metres."""
    heads, rotations = pose.evaluate(rig)
    thigh, shin, foot = (rig.index_of_role[f"{side}_{role}"] for role in ("thigh", "shin", "foot"))
    turn = rotations[thigh] @ rig.rest_rotations[thigh].T
    return float((turn.T @ (heads[foot] - heads[shin]) - (rig.rest_heads[foot] - rig.rest_heads[shin])) @ rig.facing)
