# SPDX-License-Identifier: GPL-3.0-or-later
"""How far an estimated motion is from the true one (numpy). F frames, J joints, K points; metres in, the unit of each result is said."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


def heading_between(estimated: Array, true: Array) -> Array:
    """(3, 3) rotation about the vertical that takes the heading of one camera to that of the other; both world_to_camera (3, 4)."""
    a, b = estimated[2, :2], true[2, :2]
    angle = np.arctan2(a[0] * b[1] - a[1] * b[0], a @ b)
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def camera_centre(world_to_camera: Array) -> Array:
    """(3,) where the camera (3, 4) stands in the world."""
    return -world_to_camera[:, :3].T @ world_to_camera[:, 3]


def camera_pitch(world_to_camera: Array) -> float:
    """Degrees by which the camera (3, 4) looks down."""
    return float(np.degrees(np.arcsin(np.clip(-world_to_camera[2, 2], -1, 1))))


def joint_error(estimated: Array, true: Array) -> float:
    """MPJPE in mm: mean distance of the joints (F, J, 3), which are given relative to the hips."""
    return 1000 * float(np.linalg.norm(estimated - true, axis=-1).mean())


def aligned_joint_error(estimated: Array, true: Array) -> float:
    """PA-MPJPE in mm: the same after the best similarity of each frame (Umeyama, IEEE TPAMI 13, 1991)."""
    a, b = estimated - estimated.mean(axis=1, keepdims=True), true - true.mean(axis=1, keepdims=True)
    u, singular, vt = np.linalg.svd(np.swapaxes(a, -1, -2) @ b)
    sign = np.ones_like(singular)
    sign[:, 2] = np.sign(np.linalg.det(u @ vt))
    rotation = (u * sign[:, None]) @ vt
    scale = (singular * sign).sum(axis=-1) / np.maximum((a**2).sum(axis=(1, 2)), 1e-12)
    return joint_error(scale[:, None, None] * (a @ rotation), b)


def rotation_error(estimated: Array, true: Array) -> Array:
    """(…) geodesic angle in degrees between rotations (…, 3, 3): direction and twist."""
    between = np.swapaxes(estimated, -1, -2) @ true
    axis = np.stack([between[..., i, j] - between[..., j, i] for i, j in ((2, 1), (0, 2), (1, 0))], -1)
    # From sine and cosine, since near 0 and 180° the trace alone is badly conditioned.
    return np.degrees(np.arctan2(np.linalg.norm(axis, axis=-1), np.trace(between, axis1=-2, axis2=-1) - 1))


def slide(points: Array, down: Flags, fps: float) -> float:
    """cm/s: mean horizontal speed of `points` (F, K, 3) from one frame to the next while they stand in both; NaN if none ever does."""
    both = down[1:] & down[:-1]
    if not both.any():
        return float("nan")
    return 100 * fps * float(np.linalg.norm(np.diff(points[..., :2], axis=0), axis=-1)[both].mean())


def acceleration_error(estimated: Array, true: Array) -> float:
    """mm/frame²: mean difference between the second differences of joints (F, J, 3) in the world."""
    return 1000 * float(np.linalg.norm(np.diff(estimated - true, 2, axis=0), axis=-1).mean())


def drift(estimated: Array, true: Array) -> float:
    """cm: mean distance of the roots (F, 3) once their mean offset is taken away."""
    off = estimated - true
    return 100 * float(np.linalg.norm(off - off.mean(axis=0), axis=-1).mean())


def distance(estimated: Array, true: Array) -> float:
    """cm: mean distance of the roots (F, 3)."""
    return 100 * float(np.linalg.norm(estimated - true, axis=-1).mean())


def reprojection_error(estimated: Array, true: Array) -> float:
    """px: mean distance of the joints (F, J, 2) in the picture."""
    return float(np.linalg.norm(estimated - true, axis=-1).mean())


def penetration(points: Array, floor: float, allowed: float = 0.02) -> tuple[float, float]:
    """cm, mean over all points (F, K, 3) and greatest: how far they are deeper than `allowed` metres below the floor."""
    depth = 100 * np.maximum(floor - allowed - points[..., 2], 0.0)
    return float(depth.mean()), float(depth.max())


def bend(parent: Array, child: Array, axis: Array) -> Array:
    """(F,) degrees by which a bone is bent about `axis` (3,), a world axis at rest, from the turns (F, 3, 3) of its parent and its own.

    The part of the rotation about that axis alone (swing and twist).
    """
    m = np.swapaxes(parent, -1, -2) @ child
    sine = np.stack([m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]], -1) @ axis
    # tan of half the angle is the quaternion's part along the axis over its real part: sine / (1 + trace).
    return np.degrees(2 * np.arctan2(sine, 1 + np.trace(m, axis1=-2, axis2=-1)))
