# SPDX-License-Identifier: GPL-3.0-or-later
"""Square crops placed by the body: where to look for a hand, a face, a lost person; and the way back to the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_TRUNK_AND_LIMBS = np.r_[11:17, 23:29]
_FACE = np.r_[0:11]

# Sides of the first regions in metres at the person's scale, for a hand (0.19 m) and a face (0.23 m): as large as MediaPipe's own graphs
# choose them when they follow one.
HAND_SIDE = 0.26
FACE_SIDE = 0.26
# How much larger the regions of the networks are than the points they span (the rectangle transformations of MediaPipe's graphs).
_HAND_MARGIN, _FACE_MARGIN = 2.0, 1.5
_PALM = np.array([0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18])  # wrist and the fingers' two lowest joints
# By how much the region of a body is larger than the circle around its hips that holds it (MediaPipe's own). With 1.4 landmarks of one
# person come nearer to exact joints, but people beside them are drawn in and found less often.
BODY_MARGIN = 1.25


@dataclass(frozen=True)
class Box:
    """A square in the picture: centre and side in px; `up` is where the crop's top points in the picture (radians clockwise from up)."""

    x: float
    y: float
    side: float
    up: float = 0.0

    def _axes(self) -> NDArray[Any]:
        """Columns: the crop's x and y directions in the picture."""
        cos, sin = np.cos(self.up), np.sin(self.up)
        return np.array([[cos, -sin], [sin, cos]])

    def cut(self, rgb: NDArray[Any], pixels: int) -> NDArray[Any]:
        """The crop (pixels, pixels, 3) uint8; black outside of the picture."""
        linear = self._axes() * (self.side / pixels)
        # OpenCV's pixel centres are at whole numbers, ours at halves.
        offset = np.array([self.x, self.y]) - linear @ np.full(2, (pixels - 1) / 2) - 0.5
        matrix = np.column_stack([linear, offset])
        return cv2.warpAffine(rgb, matrix, (pixels, pixels), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)

    def to_image(self, points: NDArray[Any]) -> NDArray[Any]:
        """Points (N, 3) in the crop's units (0…1, z in crop widths) to the picture's px."""
        out = np.empty_like(points)
        out[:, :2] = (points[:, :2] - 0.5) @ (self._axes().T * self.side) + (self.x, self.y)
        out[:, 2] = points[:, 2] * self.side
        return out

    def turn_world(self, points: NDArray[Any]) -> NDArray[Any]:
        """Metric points (N, 3) seen in the crop, turned to the picture's axes."""
        out = points.copy()
        out[:, :2] = points[:, :2] @ self._axes().T
        return out


def pixels_a_metre(image: NDArray[Any], world: NDArray[Any]) -> float:
    """The scale at which a body (33, 3) px and (33, 3) metres is seen: weak perspective, least squares over trunk and limbs."""
    a = image[_TRUNK_AND_LIMBS, :2] - image[_TRUNK_AND_LIMBS, :2].mean(axis=0)
    b = world[_TRUNK_AND_LIMBS, :2] - world[_TRUNK_AND_LIMBS, :2].mean(axis=0)
    return float(np.linalg.norm(a) / max(np.linalg.norm(b), 1e-6))


def hand_box(image: NDArray[Any], scale: float, side: int) -> Box:
    """Where to look for the hand of a body (33, 3) px seen at `scale` px a metre. `side` 0 is the left, 1 the right. Fingers point up."""
    elbow, wrist = image[13 + side, :2], image[15 + side, :2]
    knuckles = image[[17 + side, 19 + side], :2].mean(axis=0)
    x, y = wrist + 0.8 * (knuckles - wrist)
    # The knuckles are a guess when the hand is small; the forearm steadies their direction.
    dx, dy = (knuckles - wrist) + 0.25 * (wrist - elbow)
    return Box(float(x), float(y), HAND_SIDE * scale, float(np.arctan2(dx, -dy)))


def face_box(image: NDArray[Any], scale: float) -> Box:
    """Where to look for the face of a body (33, 3) px seen at `scale` px a metre. The forehead points up."""
    x, y = image[_FACE, :2].mean(axis=0)
    dx, dy = image[[2, 5], :2].mean(axis=0) - image[[9, 10], :2].mean(axis=0)
    return Box(float(x), float(y), FACE_SIDE * scale, float(np.arctan2(dx, -dy)))


def body_region(image: NDArray[Any]) -> Box:
    """The square in which the landmark model expects a body (33, 3) px: around the hips, the trunk upright, all of the body well inside."""
    hips, shoulders = image[[23, 24], :2].mean(axis=0), image[[11, 12], :2].mean(axis=0)
    dx, dy = shoulders - hips
    reach = float(np.linalg.norm(image[:, :2] - hips, axis=1).max())
    return Box(float(hips[0]), float(hips[1]), max(2 * BODY_MARGIN * reach, 8.0), float(np.arctan2(dx, -dy)))


def hand_region(image: NDArray[Any]) -> Box:
    """The square in which the landmark model expects a hand (21, 3) px: the palm in the middle, fingers up."""
    knuckles = 0.25 * (image[5, :2] + image[13, :2]) + 0.5 * image[9, :2]
    dx, dy = knuckles - image[0, :2]
    up = float(np.arctan2(dx, -dy))
    (x, y), (width, height) = _extent(image[_PALM, :2], up, shift=-0.1)
    return Box(x, y, max(_HAND_MARGIN * max(width, height), 1.0), up)


def face_region(image: NDArray[Any]) -> Box:
    """The square in which the landmark model expects a face (478, 3) px: all of it, the eyes level."""
    dx, dy = image[263, :2] - image[33, :2]  # the eyes' outer corners
    up = float(np.arctan2(dy, dx))
    (x, y), (width, height) = _extent(image[:, :2], up)
    return Box(x, y, max(_FACE_MARGIN * max(width, height), 1.0), up)


def _extent(points: NDArray[Any], up: float, shift: float = 0.0) -> tuple[tuple[float, float], tuple[float, float]]:
    """Centre and size of the smallest box around points (N, 2) whose top points `up`; moved down by `shift` of its height."""
    axes = Box(0, 0, 1, up)._axes()
    turned = points @ axes
    low, high = turned.min(axis=0), turned.max(axis=0)
    width, height = (high - low).tolist()
    x, y = (axes @ ((low + high) / 2 + (0, shift * height))).tolist()
    return (x, y), (width, height)
