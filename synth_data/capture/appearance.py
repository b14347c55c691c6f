# SPDX-License-Identifier: GPL-3.0-or-later
"""What tells people apart when their places do not: the colours of head, trunk and legs; and what the camera did between two frames."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .bodies import Body

# Corners of quadrilaterals of joints, each sampled on a grid: trunk, upper arms with the trunk's sides, thighs and shins.
_TRUNK = (11, 12, 24, 23)
_LEGS = ((23, 25), (24, 26), (25, 27), (26, 28))
_ARMS = ((11, 13), (12, 14))
_GRID = np.linspace(0.1, 0.9, 7)
_BINS = (4, 6, 6)  # lightness, and CIELAB's a and b
_AB_RANGE = (-60.0, 60.0)

THUMBNAIL = 320  # px, the longer side of the picture in which the camera's motion is measured
_CUT = 0.45  # share of the grey levels' histogram that changes at once
_LIKE = 0.6  # correlation
_STILL = 12.0  # mean difference of grey levels, of 255, that no cut stays below


def colours(rgb: NDArray[Any], body: Body) -> NDArray[Any]:
    """Histograms of the colours of head, trunk with arms, and legs, each of sum 1 (or 0 where outside of the picture): (3, 144)."""
    joints = body.image[:, :2]
    face = joints[:11]
    centre, reach = face.mean(axis=0), 0.12 * body.size
    head = centre + reach * np.stack(np.meshgrid(_GRID - 0.5, _GRID - 0.7), -1).reshape(-1, 2)
    u, v = (grid.reshape(-1, 1) for grid in np.meshgrid(_GRID, _GRID))
    a, b, c, d = joints[list(_TRUNK)]
    trunk = (a * (1 - u) + b * u) * (1 - v) + (d * (1 - u) + c * u) * v
    arms, legs = ([joints[p] + _GRID[:, None] * (joints[q] - joints[p]) for p, q in limbs] for limbs in (_ARMS, _LEGS))
    return np.stack([_histogram(rgb, places) for places in (head, np.concatenate([trunk, *arms]), np.concatenate(legs))])


def _histogram(rgb: NDArray[Any], places: NDArray[Any]) -> NDArray[Any]:
    height, width = rgb.shape[:2]
    x, y = np.floor(places).astype(int).T
    inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    out = np.zeros(int(np.prod(_BINS)))
    if not inside.any():
        return out
    lab = cv2.cvtColor((rgb[y[inside], x[inside]][None] / 255).astype(np.float32), cv2.COLOR_RGB2LAB)[0]
    low, high = _AB_RANGE
    scaled = np.column_stack([lab[:, 0] / 100, (lab[:, 1:] - low) / (high - low)]) * _BINS - 0.5
    # Linear weights between neighbouring bins, so that a little more light does not move a colour from one bin to the next.
    base = np.floor(scaled)
    share = scaled - base
    for corner in np.ndindex(2, 2, 2):
        index = np.clip(base.astype(int) + corner, 0, np.array(_BINS) - 1)
        weight = np.where(np.array(corner), share, 1 - share).prod(axis=1)
        np.add.at(out, np.ravel_multi_index(tuple(index.T), _BINS), weight)
    return out / out.sum()


def unlike(a: NDArray[Any], b: NDArray[Any]) -> float:
    """0…1, Bhattacharyya's distance (Hellinger's form) between two people's colours, over the parts that both show."""
    shown = (a.sum(axis=1) > 0) & (b.sum(axis=1) > 0)
    if not shown.any():
        return 0.5
    overlap = np.sqrt(a[shown] * b[shown]).sum(axis=1)
    return float(np.sqrt(np.clip(1 - overlap, 0, 1)).mean())


def thumbnail(rgb: NDArray[Any]) -> NDArray[Any]:
    """A small grey picture (h, w) uint8."""
    height, width = rgb.shape[:2]
    scale = min(THUMBNAIL / max(height, width), 1)
    small = cv2.resize(rgb, (max(round(width * scale), 16), max(round(height * scale), 16)), interpolation=cv2.INTER_NEAREST)
    return cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)


def is_cut(before: NDArray[Any], now: NDArray[Any]) -> bool:
    """Whether two thumbnails are of different shots: other grey levels in most parts of the picture, and no likeness but for the light."""
    if float(cv2.absdiff(before, now).mean()) < _STILL:
        return False
    parts = []
    for picture in (before, now):
        blocks = [block for rows in np.array_split(picture, 3) for block in np.array_split(rows, 3, axis=1)]
        parts.append(np.stack([np.histogram(block, 16, (0, 256))[0] / block.size for block in blocks]))
    if float(np.median(0.5 * np.abs(parts[0] - parts[1]).sum(axis=1))) <= _CUT:
        return False
    a, b = (picture - picture.mean() for picture in (before, now))
    spread = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return spread == 0 or float((a * b).sum()) < _LIKE * spread


def camera_motion(before: NDArray[Any], now: NDArray[Any], scale: float) -> NDArray[Any]:
    """The background's motion between two thumbnails as 2 × 3 in px of the full picture (`scale` times larger): shift, turn and zoom.

    Features of Shi and Tomasi (1994) followed by Lucas and Kanade's method (1981), fitted with RANSAC; the identity if there are too few.
    """
    still = np.eye(2, 3)
    corners = cv2.goodFeaturesToTrack(before, 150, 0.01, 7)
    if corners is None or len(corners) < 8:
        return still
    # OpenCV's stubs do not know that the followed points may be left out.
    moved, found, _ = cv2.calcOpticalFlowPyrLK(before, now, corners, None)  # pyright: ignore
    kept = found.reshape(-1) == 1
    if kept.sum() < 8:
        return still
    matrix, _ = cv2.estimateAffinePartial2D(corners[kept], moved[kept], ransacReprojThreshold=1.5)
    if matrix is None or not 0.5 < np.linalg.norm(matrix[:, 0]) < 2:
        return still
    matrix = np.asarray(matrix, np.float64)
    matrix[:, 2] *= scale
    return matrix
