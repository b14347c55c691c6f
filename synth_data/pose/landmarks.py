# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and order of landmark sets, and how one set is made from another.

MediaPipe's orders are those of its pose (33), hand (21) and face mesh (478 with irises) models. OpenPose's are those of its output page
(BODY_25, COCO-18, face 70, hand 21); COCO-17 is the annotation order of the COCO keypoint task. "Left" is always the person's left.
MediaPipe's and OpenPose's hand orders are the same: wrist, then thumb to little finger, each from the palm to the tip.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


MEDIAPIPE_33 = _names(
    """nose left_eye_inner left_eye left_eye_outer right_eye_inner right_eye right_eye_outer left_ear right_ear mouth_left mouth_right
    left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist left_pinky right_pinky left_index right_index
    left_thumb right_thumb left_hip right_hip left_knee right_knee left_ankle right_ankle left_heel right_heel
    left_foot_index right_foot_index"""
)
BODY_25 = _names(
    """nose neck right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist mid_hip right_hip right_knee right_ankle
    left_hip left_knee left_ankle right_eye left_eye right_ear left_ear left_big_toe left_small_toe left_heel right_big_toe
    right_small_toe right_heel"""
)
COCO_18 = _names(
    """nose neck right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist right_hip right_knee right_ankle
    left_hip left_knee left_ankle right_eye left_eye right_ear left_ear"""
)
COCO_17 = _names(
    """nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist
    left_hip right_hip left_knee right_knee left_ankle right_ankle"""
)
HAND_21 = ("wrist", *(f"{finger}{joint}" for finger in ("thumb", "index", "middle", "ring", "pinky") for joint in (1, 2, 3, 4)))

# The order in which MediaPipe's 33 points are those of the mirror image.
MIRRORED_33 = np.array(
    [MEDIAPIPE_33.index(name.replace("left", "#").replace("right", "left").replace("#", "right")) for name in MEDIAPIPE_33]
)

FACE_POINTS = 478
FACE_70 = 70
POINTS = len(BODY_25) + FACE_70 + 2 * len(HAND_21)  # of a person in OpenPose's order: body, face, left hand, right hand

# Pairs of indices that are drawn as limbs.
MEDIAPIPE_LIMBS = (
    (11, 12), (11, 13), (13, 15), (12, 14), (14, 16), (15, 17), (15, 19), (17, 19), (15, 21), (16, 18), (16, 20), (18, 20), (16, 22),
    (11, 23), (12, 24), (23, 24), (23, 25), (25, 27), (24, 26), (26, 28), (27, 29), (29, 31), (27, 31), (28, 30), (30, 32), (28, 32),
    (0, 2), (2, 7), (0, 5), (5, 8), (9, 10),
)  # fmt: skip
BODY_25_LIMBS = (
    (1, 8), (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (8, 9), (9, 10), (10, 11), (8, 12), (12, 13), (13, 14), (1, 0), (0, 15),
    (15, 17), (0, 16), (16, 18), (14, 19), (19, 20), (14, 21), (11, 22), (22, 23), (11, 24),
)  # fmt: skip
COCO_18_LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13), (1, 0), (0, 14), (14, 16),
    (0, 15), (15, 17),
)  # fmt: skip
HAND_LIMBS = tuple((0 if joint == 0 else 4 * finger + joint, 4 * finger + joint + 1) for finger in range(5) for joint in range(4))
# Jaw, brows, nose bridge, nostrils, eyes, outer and inner lips of the 70 face points; the two pupils (68, 69) stand alone.
_FACE_70_CHAINS = ((0, 16, 0), (17, 21, 0), (22, 26, 0), (27, 30, 0), (31, 35, 0), (36, 41, 1), (42, 47, 1), (48, 59, 1), (60, 67, 1))
FACE_70_LIMBS = tuple(
    pair for first, last, closed in _FACE_70_CHAINS for pair in [(i, i + 1) for i in range(first, last)] + [(last, first)] * closed
)

# Points of other sets that MediaPipe has under another name, or not at all (then: the midpoint of two).
_NOT_BY_NAME: dict[str, tuple[str, ...]] = {
    "neck": ("left_shoulder", "right_shoulder"),
    "mid_hip": ("left_hip", "right_hip"),
    "left_big_toe": ("left_foot_index",),
    "right_big_toe": ("right_foot_index",),
    # MediaPipe has one toe a foot; a single view does not tell where the small one is, so both stand on it.
    "left_small_toe": ("left_foot_index",),
    "right_small_toe": ("right_foot_index",),
}


def _sources(names: tuple[str, ...]) -> NDArray[Any]:
    """For each name the one or two MediaPipe indices whose mean it is (the one twice): (N, 2) int."""
    pairs = [_NOT_BY_NAME.get(name, (name,)) for name in names]
    return np.array([[MEDIAPIPE_33.index(pair[0]), MEDIAPIPE_33.index(pair[-1])] for pair in pairs])


BODY_25_FROM_MEDIAPIPE = _sources(BODY_25)
COCO_18_FROM_MEDIAPIPE = _sources(COCO_18)
COCO_17_FROM_MEDIAPIPE = _sources(COCO_17)

# The other way: for each of MediaPipe's points its place in BODY_25, −1 for the 12 that OpenPose does not have.
_BIG_TOE = {"left_foot_index": "left_big_toe", "right_foot_index": "right_big_toe"}
MEDIAPIPE_FROM_BODY_25 = np.array([BODY_25.index(name) if name in BODY_25 else -1 for name in (_BIG_TOE.get(n, n) for n in MEDIAPIPE_33)])

# The 68 points of the iBUG/dlib mark-up on MediaPipe's mesh, then right and left pupil: jaw from the person's right ear to the left one,
# brows, nose, eyes, lips. Left and right are mirror images of each other on the mesh.
FACE_70_FROM_MEDIAPIPE = np.array((
    162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,  # jaw
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300,  # right brow, left brow
    168, 197, 5, 4, 75, 97, 2, 326, 305,  # nose bridge, nostrils
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,  # right eye, left eye
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,  # outer lips
    78, 82, 13, 312, 308, 317, 14, 87,  # inner lips
    468, 473,  # pupils
))  # fmt: skip


def from_mediapipe(points: NDArray[Any], visibility: NDArray[Any], sources: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Points of another body set from MediaPipe's.

    `points` (…, 33, D), `visibility` (…, 33), `sources` one of the `*_FROM_MEDIAPIPE` tables of this module: (N, 2).
    Returns (…, N, D) in the same units and (…, N), the lower of the sources' visibilities.
    """
    both = points[..., sources, :]
    return both.mean(axis=-2), visibility[..., sources].min(axis=-1)


def face_70(points: NDArray[Any]) -> NDArray[Any]:
    """OpenPose's 70 face points (…, 70, D) from MediaPipe's mesh with irises (…, 478, D)."""
    return points[..., FACE_70_FROM_MEDIAPIPE, :]
