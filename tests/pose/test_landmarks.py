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
    MEDIAPIPE_FROM_BODY_25,
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


def test_every_point_of_openposes_bodies_comes_from_where_it_should():
    """Written out by hand from the published tables: for each point MediaPipe's index, or the two whose middle it is."""
    body = [0, (11, 12), 12, 14, 16, 11, 13, 15, (23, 24), 24, 26, 28, 23, 25, 27, 5, 2, 8, 7, 31, 31, 29, 32, 32, 30]
    coco = [0, (11, 12), 12, 14, 16, 11, 13, 15, 24, 26, 28, 23, 25, 27, 5, 2, 8, 7]
    coco_17 = [0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28]
    for table, expected in ((BODY_25_FROM_MEDIAPIPE, body), (COCO_18_FROM_MEDIAPIPE, coco), (COCO_17_FROM_MEDIAPIPE, coco_17)):
        assert [tuple(pair) for pair in table.tolist()] == [pair if isinstance(pair, tuple) else (pair, pair) for pair in expected]


def test_every_point_of_mediapipe_goes_back_where_it_came_from():
    missing = [1, 3, 4, 6, 9, 10, *range(17, 23)]  # inner and outer corners of the eyes, mouth, fingers
    assert np.flatnonzero(MEDIAPIPE_FROM_BODY_25 < 0).tolist() == missing
    for index, place in enumerate(MEDIAPIPE_FROM_BODY_25):
        if place >= 0:
            assert BODY_25_FROM_MEDIAPIPE[place].tolist() == [index, index]
    lost = {BODY_25[i] for i in set(range(25)) - set(MEDIAPIPE_FROM_BODY_25.tolist())}
    assert lost == {"neck", "mid_hip", "left_small_toe", "right_small_toe"}


def test_the_face_is_its_own_mirror_image():
    """Left and right of the 70 points, and of the mesh's points they come from (pairs of its outline, brows, eyes and lips)."""
    twins = [16 - i for i in range(17)] + [43 - i for i in range(17, 27)] + [27, 28, 29, 30] + [66 - i for i in range(31, 36)]
    twins += [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]  # eyes
    twins += [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65, 69, 68]  # lips, pupils
    mesh = {162: 389, 234: 454, 93: 323, 58: 288, 172: 397, 136: 365, 149: 378, 148: 377, 152: 152, 70: 300, 63: 293, 105: 334, 66: 296}
    mesh |= {107: 336, 168: 168, 197: 197, 5: 5, 4: 4, 75: 305, 97: 326, 2: 2, 33: 263, 160: 387, 158: 385, 133: 362, 153: 380, 144: 373}
    mesh |= {61: 291, 39: 269, 37: 267, 0: 0, 405: 181, 314: 84, 17: 17, 78: 308, 82: 312, 13: 13, 317: 87, 14: 14, 468: 473}
    mesh |= {right: left for left, right in mesh.items()}
    assert len(set(FACE_70_FROM_MEDIAPIPE.tolist())) == 70
    for index, point in enumerate(FACE_70_FROM_MEDIAPIPE.tolist()):
        assert FACE_70_FROM_MEDIAPIPE[twins[index]] == mesh[point], index
    # The person's right comes first.
    for right, left in ((0, 16), (17, 26), (36, 45), (48, 54), (60, 64), (68, 69)):
        assert FACE_70_FROM_MEDIAPIPE[[right, left]].tolist() in ([162, 389], [70, 300], [33, 263], [61, 291], [78, 308], [468, 473])


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
