# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands and faces, each followed from frame to frame in a crop that the body places, turned upright.

MediaPipe's detectors miss them in the full picture of a whole person. The crops move with the body, so inside of them a hand or face hardly
moves and is followed more easily than in the full picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .crops import Box, face_box, hand_box
from .detect import Body
from .landmarker import Landmarker, points

CROP_PIXELS = 256  # the landmark models see 192 to 256 px

# Metres between where the body and where the hand or face model sees the wrist, or eyes and nose: agreement falls as exp(−(d / near)²), and
# beyond `far` it is another hand or face. On real footage the median is 0.03 m for wrists and 0.02 m for faces.
HAND_NEAR, HAND_FAR = 0.10, 0.15
FACE_NEAR, FACE_FAR = 0.06, 0.12

# Below MediaPipe's own 0.5: the body has already said that there is a hand or a face, and agreement with it throws out what is wrong.
PART_CONFIDENCE = 0.3


@dataclass(frozen=True)
class Hand:
    """`image` (21, 3) px, `world` (21, 3) metres, `score` 0…1: the hand model's certainty times its agreement with the body."""

    image: NDArray[Any]
    world: NDArray[Any]
    score: float


@dataclass(frozen=True)
class Face:
    """`image` (478, 3) px, `score` 0…1: agreement of mesh and body on where nose and eyes are."""

    image: NDArray[Any]
    score: float


class HandDetector:
    """Follows one hand of the body: `side` 0 the left, 1 the right. Which hand it is, the body's wrist says, not the model's label."""

    def __init__(self, side: int) -> None:
        self._side = side
        self._follow = Landmarker(
            "hand",
            video=True,
            num_hands=1,
            min_hand_detection_confidence=PART_CONFIDENCE,
            min_hand_presence_confidence=PART_CONFIDENCE,
            min_tracking_confidence=PART_CONFIDENCE,
        )

    def __call__(self, rgb: NDArray[Any], time: float, body: Body) -> Hand | None:
        scale = body.scale
        box = hand_box(body.image, scale, self._side)
        if not _touches(box, rgb):
            return None
        result = self._follow(box.cut(rgb, CROP_PIXELS), time)
        if not result.hand_landmarks:
            return None
        image = box.to_image(points(result.hand_landmarks[0]))
        apart = float(np.linalg.norm(image[0, :2] - body.image[15 + self._side, :2])) / scale
        if apart > HAND_FAR:
            return None
        world = box.turn_world(points(result.hand_world_landmarks[0]))
        return Hand(image, world, float(result.handedness[0][0].score) * _agreement(apart, HAND_NEAR))

    def close(self) -> None:
        self._follow.close()


class FaceDetector:
    """Follows the body's face."""

    def __init__(self) -> None:
        self._follow = Landmarker(
            "face",
            video=True,
            num_faces=1,
            min_face_detection_confidence=PART_CONFIDENCE,
            min_face_presence_confidence=PART_CONFIDENCE,
            min_tracking_confidence=PART_CONFIDENCE,
        )

    def __call__(self, rgb: NDArray[Any], time: float, body: Body) -> Face | None:
        scale = body.scale
        box = face_box(body.image, scale)
        if not _touches(box, rgb):
            return None
        result = self._follow(box.cut(rgb, CROP_PIXELS), time)
        if not result.face_landmarks:
            return None
        image = box.to_image(points(result.face_landmarks[0]))
        # Nose tip, right and left iris on the mesh; nose, right and left eye of the body.
        apart = float(np.linalg.norm(image[[1, 468, 473], :2] - body.image[[0, 5, 2], :2], axis=1).mean()) / scale
        return None if apart > FACE_FAR else Face(image, _agreement(apart, FACE_NEAR))

    def close(self) -> None:
        self._follow.close()


def one_hand_each(left: Hand | None, right: Hand | None) -> tuple[Hand | None, Hand | None]:
    """Where both crops show the same hand, it belongs to the wrist that it fits better."""
    if left is None or right is None:
        return left, right
    size = np.linalg.norm(np.ptp(left.image[:, :2], axis=0))
    if np.linalg.norm(left.image[:, :2] - right.image[:, :2], axis=1).mean() > 0.25 * size:
        return left, right
    return (left, None) if left.score >= right.score else (None, right)


def _agreement(apart: float, near: float) -> float:
    return float(np.exp(-((apart / near) ** 2)))


def _touches(box: Box, rgb: NDArray[Any]) -> bool:
    """Whether the box is big enough to show something and its centre is in the picture."""
    return box.side >= 8 and 0 <= box.x < rgb.shape[1] and 0 <= box.y < rgb.shape[0]
