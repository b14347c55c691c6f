# SPDX-License-Identifier: GPL-3.0-or-later
"""Drawing lines and dots over a picture with opacity and smooth edges."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]
SUB = 4  # bits of a pixel's fraction that OpenCV draws with


class Layer:
    """A part of the picture to draw in with opacity: colours and opacity are collected, and mixed in once."""

    def __init__(self, out: NDArray[Any], box: NDArray[Any]) -> None:
        height, width = out.shape[:2]
        x0, y0 = np.clip(np.floor(box[:2]), 0, (width, height)).astype(int).tolist()
        x1, y1 = np.clip(np.ceil(box[2:]), 0, (width, height)).astype(int).tolist()
        self._view = out[y0:y1, x0:x1]
        self._colour = self._view.copy()
        self._alpha = np.zeros(self._view.shape[:2], np.uint8)
        self._origin = np.array([x0, y0]) + 0.5  # OpenCV counts from pixels' centres

    def line(self, points: NDArray[Any], colour: Colour, thick: int, opacity: float) -> None:
        """A line through points (N, 2) px of the whole picture."""
        if self._view.size == 0 or not np.isfinite(points).all():
            return
        # Far points would overflow OpenCV's integers.
        places = np.rint(np.clip(points - self._origin, -4096, 16384) * (1 << SUB)).astype(np.int32)[None]
        for image, value in ((self._colour, colour), (self._alpha, (round(255 * opacity),))):
            cv2.polylines(image, list(places), False, value, thick, cv2.LINE_AA, SUB)

    def dot(self, point: NDArray[Any], colour: Colour, radius: float, opacity: float, *, hollow: bool = False) -> None:
        if self._view.size == 0 or not np.isfinite(point).all():
            return
        place = np.rint(np.clip(point - self._origin, -4096, 16384) * (1 << SUB)).astype(int).tolist()
        thick = max(1, round(radius / 3)) if hollow else -1
        for image, value in ((self._colour, colour), (self._alpha, (round(255 * opacity),))):
            cv2.circle(image, place, round(radius * (1 << SUB)), value, thick, cv2.LINE_AA, SUB)

    def square(self, point: NDArray[Any], colour: Colour, side: float, opacity: float) -> None:
        """A filled square about a point (2,) px of the whole picture, its sides those of the picture."""
        if self._view.size == 0 or not np.isfinite(point).all():
            return
        corners = point - self._origin + 0.5 * side * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
        places = np.rint(np.clip(corners, -4096, 16384) * (1 << SUB)).astype(np.int32)
        for image, value in ((self._colour, colour), (self._alpha, (round(255 * opacity),))):
            cv2.fillPoly(image, [places], value, cv2.LINE_AA, SUB)

    def mix_in(self) -> None:
        if self._view.size:
            weight = self._alpha[..., None].astype(np.uint16)
            self._view[:] = (self._colour * weight + self._view * (255 - weight) + 127) // 255
