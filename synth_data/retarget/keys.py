# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of animation channels: rotations in a bone's rotation mode, and fewer keys that say nearly the same (numpy)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from .kinematics import Array, quaternion_multiply, unit


def rotation_of(mode: str, values: npt.NDArray[Any]) -> Array:
    """Unit quaternions (N, 4) of channel values: (N, 4) for Blender's modes QUATERNION and AXIS_ANGLE, (N, 3) radians for XYZ, ZYX …"""
    values = np.asarray(values, np.float64)
    if mode == "QUATERNION":
        return unit(values)
    if mode == "AXIS_ANGLE":
        half = 0.5 * values[:, :1]
        return np.concatenate([np.cos(half), np.sin(half) * unit(values[:, 1:])], -1)
    q = np.tile((1.0, 0.0, 0.0, 0.0), (len(values), 1))
    for letter in mode:  # the first letter's axis turns first
        axis = "XYZ".index(letter)
        turn = np.zeros((len(values), 4))
        turn[:, 0], turn[:, 1 + axis] = np.cos(0.5 * values[:, axis]), np.sin(0.5 * values[:, axis])
        q = quaternion_multiply(turn, q)
    return q


def angle_between(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> Array:
    """(N,) degrees between the rotations of unit quaternions (N, 4)."""
    # By the chord: the arc cosine cannot tell small angles.
    chord = np.minimum(np.linalg.norm(a - b, axis=-1), np.linalg.norm(a + b, axis=-1))
    return np.degrees(4 * np.arcsin(np.clip(0.5 * chord, 0.0, 1.0)))


def kept_keys(values: npt.NDArray[Any], distance: Callable[[Array, Array], Array], tolerance: float) -> npt.NDArray[np.int64]:
    """Indices of the rows of `values` (N, C) from which straight lines, component by component, meet all others within `tolerance`.

    `distance` gives the error (M,) of interpolated rows (M, C) against the true ones. First and last are kept; a stretch is halved where
    its worst row is until none is too far off (Ramer 1972, Douglas and Peucker 1973).
    """
    values = np.asarray(values, np.float64)
    last = len(values) - 1
    if last > 0 and (distance(np.broadcast_to(values[:1], values.shape), values) <= tolerance).all():
        return np.zeros(1, np.int64)
    keep = {0, last}
    stretches = [(0, last)]
    while stretches:
        start, end = stretches.pop()
        if end - start < 2:
            continue
        weight = np.arange(1, end - start)[:, None] / (end - start)
        straight = (1 - weight) * values[start] + weight * values[end]
        error = distance(straight, values[start + 1 : end])
        worst = int(np.argmax(error))
        if error[worst] > tolerance:
            middle = start + 1 + worst
            keep.add(middle)
            stretches += [(start, middle), (middle, end)]
    return np.array(sorted(keep), np.int64)
