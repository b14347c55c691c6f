# SPDX-License-Identifier: GPL-3.0-or-later
"""Landmark sets and the way from one to another."""

from __future__ import annotations

import numpy as np
import pytest
from ningyo.synth_data.pose import landmarks
from ningyo.synth_data.pose.landmarks import (
    BODY_25,
    BODY_25_FROM_MEDIAPIPE,
    COCO_17,
    COCO_17_FROM_MEDIAPIPE,
    COCO_18,
    COCO_18_FROM_MEDIAPIPE,
    FACE_70_FROM_MEDIAPIPE,
    MEDIAPIPE_33,
    face_70,
    from_mediapipe,
)


def test_sizes_and_known_places():
    assert [len(names) for names in (MEDIAPIPE_33, BODY_25, COCO_18, COCO_17, landmarks.HAND_21)] == [33, 25, 18, 17, 21]
    # From the published tables.
    known = {15: "left_wrist", 16: "right_wrist", 24: "right_hip", 27: "left_ankle", 32: "right_foot_index", 7: "left_ear"}
    assert {index: MEDIAPIPE_33[index] for index in known} == known
    known = {
        1: "neck",
        4: "right_wrist",
        7: "left_wrist",
        8: "mid_hip",
        9: "right_hip",
        14: "left_ankle",
        19: "left_big_toe",
        24: "right_heel",
    }
    assert {index: BODY_25[index] for index in known} == known
    assert COCO_18[8] == "right_hip"
    assert COCO_18[17] == "left_ear"
    assert COCO_17[9] == "left_wrist"


@pytest.mark.parametrize(
    ("names", "table"), [(BODY_25, BODY_25_FROM_MEDIAPIPE), (COCO_18, COCO_18_FROM_MEDIAPIPE), (COCO_17, COCO_17_FROM_MEDIAPIPE)]
)
def test_points_keep_their_names(names, table):
    points = np.random.default_rng(0).normal(size=(4, 33, 3))
    visibility = np.random.default_rng(1).random((4, 33))
    mapped, confidence = from_mediapipe(points, visibility, table)
    assert mapped.shape == (4, len(names), 3)
    at = {name: points[:, MEDIAPIPE_33.index(name)] for name in MEDIAPIPE_33}
    sure = {name: visibility[:, MEDIAPIPE_33.index(name)] for name in MEDIAPIPE_33}
    for index, name in enumerate(names):
        if name in at:
            np.testing.assert_array_equal(mapped[:, index], at[name])
            np.testing.assert_array_equal(confidence[:, index], sure[name])
        elif name in ("neck", "mid_hip"):
            part = "shoulder" if name == "neck" else "hip"
            np.testing.assert_allclose(mapped[:, index], (at[f"left_{part}"] + at[f"right_{part}"]) / 2)
            np.testing.assert_array_equal(confidence[:, index], np.minimum(sure[f"left_{part}"], sure[f"right_{part}"]))
        else:
            np.testing.assert_array_equal(mapped[:, index], at[f"{name.split('_')[0]}_foot_index"])


def test_unseen_stays_unseen():
    points = np.full((33, 2), 5.0)
    points[11] = np.nan  # left shoulder
    mapped, _ = from_mediapipe(points, np.ones(33), BODY_25_FROM_MEDIAPIPE)
    assert np.flatnonzero(np.isnan(mapped).any(axis=1)).tolist() == [BODY_25.index("neck"), BODY_25.index("left_shoulder")]


def test_limbs_join_what_is_there():
    sets = (
        (landmarks.MEDIAPIPE_LIMBS, 33),
        (landmarks.BODY_25_LIMBS, 25),
        (landmarks.COCO_18_LIMBS, 18),
        (landmarks.HAND_LIMBS, 21),
        (landmarks.FACE_70_LIMBS, 70),
    )
    for limbs, count in sets:
        assert all(0 <= a < count and 0 <= b < count and a != b for a, b in limbs)
        assert len({frozenset(pair) for pair in limbs}) == len(limbs)
    assert len(landmarks.BODY_25_LIMBS) == 24
    assert (0, 5) in landmarks.HAND_LIMBS
    assert (19, 20) in landmarks.HAND_LIMBS
    assert (67, 60) in landmarks.FACE_70_LIMBS


def test_face_points_are_70_different_ones():
    assert len(set(FACE_70_FROM_MEDIAPIPE.tolist())) == 70
    mesh = np.arange(478 * 2).reshape(1, 478, 2)
    assert face_70(mesh).shape == (1, 70, 2)
    assert face_70(mesh)[0, 30].tolist() == [8, 9]  # the nose's tip is point 4 of the mesh
    assert face_70(mesh)[0, 68:, 0].tolist() == [2 * 468, 2 * 473]  # right pupil, left pupil
