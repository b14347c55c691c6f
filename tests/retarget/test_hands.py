# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands made of numbers: the joints of a posed rig's own hand as landmarks, seen along +Y."""

from __future__ import annotations

import numpy as np
import pytest
from ningyo.synth_data.retarget.hands import (
    AT_EASE,
    DEVIATION_LIMIT,
    FLEXION_LIMIT,
    PRONATION_LIMIT,
    _palm_frame,
    _rest_points,
    hand_turns,
    held,
    right_way_round,
)
from ningyo.synth_data.retarget.kinematics import matrix_to_axis_angle, rotation_vector_to_matrix
from ningyo.synth_data.retarget.roles import FINGERS
from ningyo.synth_data.retarget.smoothing import local_lines, robust_lines

SIDES = ("left", "right")
VIEW = np.array([0.0, 1.0, 0.0])
FRAMES = 40
TIME = np.arange(FRAMES) / 25


def turned(*degrees, frames=FRAMES):
    return np.repeat(rotation_vector_to_matrix(np.radians(np.array([degrees], float))), frames, 0)


def angle_between(a, b):
    return np.degrees(np.linalg.norm(matrix_to_axis_angle(np.swapaxes(a, -1, -2) @ b), axis=-1))


def posed_hand(rig, side, hand, curl):
    """(F, 21, 3) the rig's hand turned by `hand` (F, 3, 3), its fingers' three joints bent by `curl` (3,) degrees towards the palm."""
    rest = _rest_points(rig, side)
    axis = _palm_frame(rest[None], side)[0][:, 2]
    points = rest.copy()
    for finger in range(1, 5):
        bend = 0.0
        for joint in range(1, 4):
            bend += np.radians(curl[joint - 1])
            at = 1 + 4 * finger + joint
            points[at] = points[at - 1] + rotation_vector_to_matrix((bend * axis)[None])[0] @ (rest[at] - rest[at - 1])
    return np.einsum("fij,nj->fni", hand, points - points[0])


def arms_down(seed=0, frames=FRAMES):
    """Forearms that hang, swinging a little: their turns by role."""
    swing = rotation_vector_to_matrix(0.1 * np.sin(np.arange(frames)[:, None] / 9 + np.random.default_rng(seed).uniform(0, 6, 3)))
    return {f"{side}_forearm": swing @ turned(0, sign * 70, 0, frames=frames) for side, sign in (("left", 1), ("right", -1))}


def landmarks(rig, body, bend, curl=(30, 40, 24)):
    """(F, 2, 21, 3) both hands, each turned by `bend` (3, 3) relative to the forearm."""
    return np.stack([posed_hand(rig, side, body[f"{side}_forearm"] @ bend, curl) for side in SIDES], 1)


@pytest.mark.parametrize("seed", range(4))
def test_a_hand_taken_for_the_other_side_is_turned_back(make_rig, seed):
    rig, body = make_rig(seed=seed, rolls=True, proportions=0.15), arms_down(seed)
    points = landmarks(rig, body, turned(25, 10, 0))
    wrong = np.random.default_rng(seed).uniform(size=FRAMES) < 0.35
    seen = points.copy()
    seen[wrong] *= (1, -1, 1)
    for k, side in enumerate(SIDES):
        found = right_way_round(rig, seen[:, k], body[f"{side}_forearm"], np.ones(FRAMES), side, VIEW)
        np.testing.assert_allclose(found, points[:, k], atol=1e-9)


def test_wrist_and_fingers_follow_what_is_seen(make_rig):
    rig, body = make_rig(rolls=True, object_scale=0.01, object_rotation=True), arms_down()
    for bend in (turned(0, 0, 0), turned(40, 0, 0), turned(-50, 0, 0), turned(0, 35, 0), turned(0, 0, 20)):
        out = hand_turns(rig, landmarks(rig, body, bend), np.ones((FRAMES, 2)), body, TIME)
        for side in SIDES:
            own = np.swapaxes(body[f"{side}_forearm"], 1, 2) @ out[f"{side}_hand"]
            # Damped, but the same way.
            assert (angle_between(own, bend) <= 0.45 * angle_between(turned(0, 0, 0), bend) + 1).all()
            axis = _palm_frame(_rest_points(rig, side)[None], side)[0][:, 2]
            for joint, wanted in ((1, 30), (2, 40), (3, 24)):
                above = out[f"{side}_middle{joint - 1}" if joint > 1 else f"{side}_hand"]
                bent = np.degrees(matrix_to_axis_angle(np.swapaxes(above, 1, 2) @ out[f"{side}_middle{joint}"]) @ axis)
                np.testing.assert_allclose(bent, wanted, atol=5)


def test_what_no_hand_can_do_is_not_done(make_rig):
    rig, body, random = make_rig(), arms_down(), np.random.default_rng(3)
    points = random.normal(size=(FRAMES, 2, 21, 3)) * 0.05
    out = hand_turns(rig, points, np.ones((FRAMES, 2)), body, TIME)
    for side in SIDES:
        own = angle_between(body[f"{side}_forearm"], out[f"{side}_hand"])
        assert own.max() < np.degrees(np.hypot(FLEXION_LIMIT, DEVIATION_LIMIT) + PRONATION_LIMIT)
        for finger in FINGERS[1:]:
            for joint, limit in ((2, 111), (3, 90)):
                bend = angle_between(out[f"{side}_{finger}{joint - 1}"], out[f"{side}_{finger}{joint}"])
                assert bend.max() < limit


def test_an_unseen_hand_hangs_at_ease(make_rig):
    rig, body = make_rig(), arms_down()
    out = hand_turns(rig, np.zeros((FRAMES, 2, 21, 3)), np.zeros((FRAMES, 2)), body, TIME)
    for side in SIDES:
        np.testing.assert_allclose(angle_between(out[f"{side}_hand"], body[f"{side}_forearm"]), 0, atol=1e-3)
        np.testing.assert_allclose(out[f"{side}_forearm"], body[f"{side}_forearm"])
        for number, finger in enumerate(FINGERS[1:]):
            bend = angle_between(out[f"{side}_{finger}1"], out[f"{side}_{finger}2"])
            np.testing.assert_allclose(bend, np.degrees(AT_EASE[number, 1]), atol=1e-3)
        np.testing.assert_allclose(angle_between(out[f"{side}_hand"], out[f"{side}_thumb3"]), 0, atol=1e-3)


def test_a_short_gap_is_bridged_and_a_long_one_relaxes():
    time = np.arange(100) / 25
    seen = np.where((time < 1) | ((time > 1.2) & (time < 1.5)), 1.0, 0.0)
    trust = held(seen, time)
    assert trust[time < 1.5].min() > 0.6
    assert trust[-1] < 0.01
    assert np.abs(np.diff(trust)).max() < 0.2


def test_a_trembling_hand_does_not_jump(make_rig):
    """Half a turn about the forearm, where left and right are one, and noise: the hand may be wrong, but it is steady."""
    rig, body, random = make_rig(), arms_down(frames=120), np.random.default_rng(1)
    time = np.arange(120) / 25
    for bend in ((170, 0, 0), (0, 40, 0)):
        points = landmarks(rig, body, turned(*bend, frames=120)) + random.normal(size=(120, 2, 21, 3)) * 0.006
        out = hand_turns(rig, points, np.ones((120, 2)), body, time)
        for side in SIDES:
            assert angle_between(out[f"{side}_hand"][:-1], out[f"{side}_hand"][1:]).max() < 15
            assert angle_between(out[f"{side}_index2"][:-1], out[f"{side}_index2"][1:]).max() < 18


@pytest.mark.parametrize("without", [("index", "middle", "ring", "pinky", "thumb"), ("thumb",), ("ring",)])
def test_rigs_without_all_fingers(make_rig, without):
    rig, body = make_rig(without=without), arms_down()
    full = make_rig()
    out = hand_turns(rig, landmarks(full, body, turned(0, 0, 0)), np.ones((FRAMES, 2)), body, TIME)
    assert set(out) <= set(rig.index_of_role)
    for side in SIDES:
        np.testing.assert_allclose(angle_between(out[f"{side}_hand"], body[f"{side}_forearm"]), 0, atol=8)


def test_lines_are_kept_and_outliers_left_out():
    time = np.cumsum(np.random.default_rng(0).uniform(0.03, 0.05, 60))
    line = np.stack([2 * time, 1 - time], -1)
    np.testing.assert_allclose(local_lines(line, time, np.ones(60), 0.5), line, atol=1e-4)
    spoiled = line.copy()
    spoiled[::9] += 3
    np.testing.assert_allclose(robust_lines(spoiled, time, np.ones(60), 0.8, 0.3)[5:-5], line[5:-5], atol=0.12)
    weight = np.where(np.arange(60) % 9 == 0, 0.0, 1.0)
    np.testing.assert_allclose(local_lines(spoiled, time, weight, 0.5), line, atol=0.01)
