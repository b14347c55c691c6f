# SPDX-License-Identifier: GPL-3.0-or-later
"""Each figure on motions whose error is known beforehand."""

from __future__ import annotations

import numpy as np
import pytest
from ningyo.synth_data.retarget.kinematics import axis_angle_to_matrix
from truth import metrics

RANDOM = np.random.default_rng(3)
JOINTS = RANDOM.normal(0, 0.5, (20, 12, 3))
X, Y, Z = np.eye(3)


def turn(axis: np.ndarray, degrees: float) -> np.ndarray:
    return axis_angle_to_matrix(axis, np.radians(degrees))


def test_joint_error_is_the_mean_distance_in_mm() -> None:
    assert metrics.joint_error(JOINTS, JOINTS) == 0
    moved = JOINTS.copy()
    moved[:, 0] += (0.03, 0, 0.04)
    assert metrics.joint_error(moved, JOINTS) == pytest.approx(50 / 12)


def test_aligned_joint_error_forgives_a_similarity_and_no_mirror() -> None:
    similar = 1.7 * JOINTS @ turn(np.array([0.6, 0.0, 0.8]), 130).T + (1, 2, 3)
    assert metrics.aligned_joint_error(similar, JOINTS) == pytest.approx(0, abs=1e-9)
    assert metrics.aligned_joint_error(JOINTS * (-1, 1, 1), JOINTS) > 100


def test_aligned_joint_error_is_no_more_than_that_of_any_similarity() -> None:
    noisy = JOINTS + RANDOM.normal(0, 0.05, JOINTS.shape)
    centred = noisy - noisy.mean(axis=1, keepdims=True), JOINTS - JOINTS.mean(axis=1, keepdims=True)
    best = metrics.aligned_joint_error(noisy, JOINTS)
    assert 0 < best < metrics.joint_error(*centred)


@pytest.mark.parametrize("degrees", [0.0, 0.001, 35.0, 120.0, 179.9])
def test_rotation_error_counts_twist_and_is_exact_at_both_ends(degrees: float) -> None:
    base = turn(np.array([0.0, 0.6, 0.8]), 77)
    for axis in (X, Y, Z):
        assert metrics.rotation_error(base @ turn(axis, degrees), base) == pytest.approx(degrees, abs=1e-5)


def test_slide_counts_only_horizontal_motion_of_feet_that_stand_in_both_frames() -> None:
    points = np.zeros((5, 4, 3))
    points[:, 0, 0] = 0.02 * np.arange(5)  # 2 cm a frame
    points[:, 1, 2] = 0.02 * np.arange(5)  # rises
    points[:, 2, 1] = np.arange(5)  # fast, in the air
    down = np.zeros((5, 4), bool)
    down[:, (0, 1)] = True
    assert metrics.slide(points, down, fps=10) == pytest.approx((20 + 0) / 2)
    assert np.isnan(metrics.slide(points, np.zeros((5, 4), bool), fps=10))


def test_acceleration_error_ignores_even_motion() -> None:
    drifting = JOINTS + np.arange(20)[:, None, None] * 0.01
    assert metrics.acceleration_error(drifting, JOINTS) == pytest.approx(0, abs=1e-9)
    jerk = JOINTS.copy()
    jerk[10, :, 2] += 0.018  # second differences 18, −36, 18 mm in three of 18
    assert metrics.acceleration_error(jerk, JOINTS) == pytest.approx(4 * 18 / 18)


def test_drift_takes_the_mean_offset_away_and_distance_does_not() -> None:
    root = RANDOM.normal(0, 1, (30, 3))
    assert metrics.drift(root + np.array((0.3, 0, 0.4)), root) == pytest.approx(0, abs=1e-9)
    assert metrics.distance(root + np.array((0.3, 0, 0.4)), root) == pytest.approx(50)
    swinging = root + np.where(np.arange(30) % 2, 0.02, -0.02)[:, None] * X
    assert metrics.drift(swinging, root) == pytest.approx(2)


def test_penetration_begins_two_centimetres_below_the_floor() -> None:
    points = np.zeros((2, 2, 3))
    points[..., 2] = [[0.1, -0.02], [-0.03, -0.07]]
    assert metrics.penetration(points, floor=0.0) == pytest.approx((1.5, 5.0))
    assert metrics.penetration(points, floor=-0.06) == pytest.approx((0.0, 0.0))


def test_heading_turns_one_camera_onto_the_other_and_leaves_the_vertical() -> None:
    level = np.array([[1.0, 0, 0, 0], [0, 0, -1.0, 1], [0, 1.0, 0, 0]])
    pitched = np.array(level)
    pitched[:, :3] = turn(X, -12) @ level[:, :3]
    around = level.copy()
    around[:, :3] = level[:, :3] @ turn(Z, 60).T
    heading = metrics.heading_between(pitched, around)
    np.testing.assert_allclose(heading, turn(Z, 60), atol=1e-9)
    np.testing.assert_allclose(heading @ Z, Z)


def test_camera_centre() -> None:
    centre = np.array([1.0, -4.0, 1.2])
    rotation = turn(Y, 20) @ turn(X, 70)
    view = np.concatenate([rotation, -(rotation @ centre)[:, None]], 1)
    np.testing.assert_allclose(metrics.camera_centre(view), centre)


@pytest.mark.parametrize("degrees", [-20.0, 0.0, 45.0, 110.0])
def test_bend_is_the_rotation_about_its_axis_alone(degrees: float) -> None:
    parent = turn(np.array([0.36, 0.48, 0.8]), 50)[None]
    bent = parent @ turn(Y, degrees)
    assert metrics.bend(parent, bent, Y) == pytest.approx(degrees)
    spread = parent @ turn(Y, degrees) @ turn(Z, 15)
    assert abs(metrics.bend(parent, spread, Y)[0] - degrees) < 2.5
