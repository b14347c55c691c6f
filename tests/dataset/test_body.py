# SPDX-License-Identifier: GPL-3.0-or-later
"""From where a body is seen and how it is bent, on figures whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from ningyo.synth_data.dataset.body import (
    ANGLES,
    CLOSE_UP,
    FULL_BODY,
    HEADLESS,
    HIDDEN,
    SEEN,
    TRUNCATED,
    UNKNOWN,
    UPPER_BODY,
    box_of,
    framing,
    in_trunk_axes,
    joint_angles,
    states_of,
    trunk_axes,
    view_angles,
)
from ningyo.synth_data.pose.landmarks import BODY_25

NAMES = list(ANGLES)


def turned(points: np.ndarray, axis: str, degrees: float) -> np.ndarray:
    """Around the world's z (to the left as seen from above), or x (backwards), through the hips."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = {"z": [[c, -s, 0], [s, c, 0], [0, 0, 1]], "x": [[1, 0, 0], [0, c, -s], [0, s, c]]}[axis]
    hips = points[BODY_25.index("mid_hip")]
    return (points - hips) @ np.array(matrix).T + hips


@pytest.mark.parametrize("yaw", [0.0, 90.0, -90.0, 170.0, -35.0])
def test_the_view_is_where_the_camera_stands(make_figure, yaw):
    pose = make_figure(yaw)
    np.testing.assert_allclose(view_angles(pose.points_3d, pose.world_to_camera), (yaw, 0), atol=1e-9)


def test_who_turns_around_is_seen_from_behind(make_figure):
    pose = make_figure(0.0)
    around = turned(pose.points_3d, "z", 180)
    assert abs(view_angles(around, pose.world_to_camera)[0]) == pytest.approx(180)
    # A quarter turn to the left shows the camera the right side.
    assert view_angles(turned(pose.points_3d, "z", 90), pose.world_to_camera)[0] == pytest.approx(-90)


def test_a_camera_above_is_above_even_of_someone_lying(make_figure):
    pose = make_figure(0.0)
    above = np.array([[1.0, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 5]])  # at z = 5, looking down
    assert view_angles(pose.points_3d, above)[1] == pytest.approx(90)
    lying = turned(pose.points_3d, "x", -90)  # on the back
    assert view_angles(lying, above) == pytest.approx((0, 90), abs=1e-6)


def test_many_at_once_and_unknown_trunks(make_figure):
    poses = [make_figure(yaw) for yaw in (0.0, 45.0)]
    points = np.stack([pose.points_3d for pose in poses])
    points[0, BODY_25.index("neck")] = np.nan
    angles = view_angles(points, np.stack([pose.world_to_camera for pose in poses]))
    assert np.isnan(angles[0]).all()
    np.testing.assert_allclose(angles[1], (45, 0), atol=1e-9)


def test_trunk_axes_go_with_the_body(make_figure):
    points = make_figure(0.0).points_3d
    np.testing.assert_allclose(trunk_axes(points), [[1, 0, 0], [0, -1, 0], [0, 0, 1]], atol=1e-12)
    moved = turned(turned(points, "x", 30), "z", 70) * 3 + (5, 6, 7)
    np.testing.assert_allclose(in_trunk_axes(moved), in_trunk_axes(points), atol=1e-9)
    np.testing.assert_allclose(in_trunk_axes(points)[BODY_25.index("neck")], (0, 0, 1), atol=1e-12)


@pytest.mark.parametrize("raised", [20.0, 90.0, 140.0])
def test_raised_arms(make_figure, raised):
    found = dict(zip(NAMES, joint_angles(make_figure(0.0, raised).points_3d), strict=True))
    assert found["left arm raised"] == found["right arm raised"] == pytest.approx(raised)
    assert found["left elbow bent"] == pytest.approx(0, abs=8)
    assert found["head turned"] == found["trunk twisted"] == found["trunk leaning"] == pytest.approx(0)


def test_bends_leans_twists_and_turns(make_figure):
    points = make_figure(0.0).points_3d
    index = BODY_25.index

    def angle(name: str, changed: np.ndarray) -> float:
        return float(joint_angles(changed)[NAMES.index(name)])

    sitting = points.copy()
    sitting[index("left_knee")] = sitting[index("left_hip")] + (0, -0.4, 0)
    sitting[index("left_ankle")] = sitting[index("left_knee")] + (0, 0, -0.4)
    assert angle("left knee bent", sitting) == pytest.approx(90)
    assert angle("left leg raised", sitting) == pytest.approx(90)
    assert angle("trunk leaning", turned(points, "x", 40)) == pytest.approx(40)
    twisted = points.copy()
    for name in ("neck", "left_shoulder", "right_shoulder"):
        twisted[index(name)] = turned(points, "z", 25)[index(name)]
    assert angle("trunk twisted", twisted) == pytest.approx(25)
    looking = points.copy()
    for name in ("nose", "left_ear", "right_ear"):
        looking[index(name)] = turned(points, "z", -50)[index(name)]
    assert angle("head turned", looking) == pytest.approx(-50)


def test_states_and_framing(make_figure):
    pose = make_figure(0.0)
    states = states_of(pose)
    assert states[BODY_25.index("nose")] == SEEN
    assert states[BODY_25.index("left_heel")] == HIDDEN
    assert states[BODY_25.index("left_small_toe")] == UNKNOWN
    assert framing(states) == FULL_BODY
    near = states_of(make_figure(0.0, distance=0.9))
    assert near[BODY_25.index("left_ankle")] == TRUNCATED
    for gone, words in (
        (("ankle",), UPPER_BODY),
        (("ankle", "hip"), CLOSE_UP),
        (("nose", "eye", "ear"), HEADLESS),
    ):
        cut = states.copy()
        cut[[i for i, name in enumerate(BODY_25) if name.endswith(gone)]] = TRUNCATED
        assert framing(cut) == words


def test_the_box_holds_what_is_in_the_picture(make_figure):
    pose = make_figure(0.0)
    left, top, right, bottom = box_of(pose.points_2d, states_of(pose))
    seen = pose.points_2d[pose.visibility > 0]
    assert (left, top) == tuple(seen.min(axis=0))
    assert (right, bottom) == tuple(seen.max(axis=0))
    assert box_of(pose.points_2d, np.zeros(137, np.uint8)) is None
