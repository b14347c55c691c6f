# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the body is: its place in front of the camera, and the floor under it.

Camera axes here are X right, Y into the scene, Z up, metres, the camera at the origin and level.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from .kinematics import Array
from .markers import MEASURED_LEG, rest_basis
from .rig import Rig

# A guess that fits phones held upright and cinema alike; a lens wrong by 0.7–1.4 costs 1–4 mm of pose.
VERTICAL_VIEW = math.radians(45)
STICK_SECONDS = 1.0  # in which a correction that keeps a foot in place is forgotten


def guessed_focal(height: int) -> float:
    """Focal length in pixels of the guessed lens for a picture `height` pixels high."""
    return 0.5 * height / math.tan(0.5 * VERTICAL_VIEW)


def place_before_camera(points: Array, pixels: Array, weights: Array, focal: float, size: tuple[int, int]) -> tuple[Array, Array]:
    """Translation (F, 3) that puts `points` (F, K, 3) over `pixels` (F, K, 2), and each point's remaining error (F, K) in pixels.

    Linear least squares on (x + t_x) = a·(y + t_y) and (z + t_z) = b·(y + t_y), with a and b the pixels' slopes, weighted by `weights`
    (F, K) and re-weighted so that single wrong landmarks do not count.
    """
    a = (pixels[..., 0] - 0.5 * size[0]) / focal
    b = (0.5 * size[1] - pixels[..., 1]) / focal
    x, y, z = np.moveaxis(points, -1, 0)
    zero, one = np.zeros_like(a), np.ones_like(a)
    rows = np.concatenate([np.stack([one, -a, zero], -1), np.stack([zero, -b, one], -1)], 1)
    values = np.concatenate([a * y - x, b * y - z], 1)
    spread = np.maximum(np.nanmedian(np.ptp(pixels[..., 1], axis=1)), 1.0)
    tolerance = 0.03 * spread
    robust, depth = np.ones_like(a), np.ones_like(a)
    t, error = np.zeros((len(points), 3)), np.zeros_like(a)
    for _ in range(5):
        w = np.tile(weights * robust / depth**2, (1, 2))
        normal = np.einsum("fki,fk,fkj->fij", rows, w, rows) + 1e-9 * np.eye(3)
        t = np.linalg.solve(normal, np.einsum("fki,fk,fk->fi", rows, w, values)[..., None])[..., 0]
        depth = np.maximum(y + t[:, 1:2], 0.1)
        misses = np.stack([(x + t[:, :1]) / depth - a, (z + t[:, 2:]) / depth - b], -1)
        error = focal * np.linalg.norm(misses, axis=-1)
        robust = 1 / (1 + (error / tolerance) ** 2)
    return t, error


def soles(rig: Rig, heads: Array, turns: Array) -> Array:
    """(F, 6, 3) the points a rig stands on: left heel, ball and tip of the toes, then right. At rest all lie on its floor."""
    basis, scale, index = rest_basis(rig), rig.leg_length / MEASURED_LEG, rig.index_of_role
    points = []
    for side in ("left", "right"):
        ankle = index[f"{side}_foot"]
        ball = index.get(f"{side}_toe", ankle)
        tip = index.get(f"{side}_toe_end", ball)
        reach = np.array([0.0, -0.126, 0.0]) * scale if ball == ankle else np.zeros(3)
        further = np.array([0.0, -0.06, 0.0]) * scale if tip == ball else np.zeros(3)
        for joint, carrier, offset in (
            (ankle, ankle, np.array([0.0, 0.04, 0.0]) * scale),
            (ball, ankle, reach),
            (tip, ball, reach + further),
        ):
            down = np.array([0.0, 0.0, rig.floor - float(rig.rest_heads[joint] @ rig.up)])
            points.append(heads[:, joint] + turns[:, carrier] @ (basis @ (offset + down)))
    return np.stack(points, 1)


def standing_height(rig: Rig) -> float:
    """World height, metres, of the floor the rig is to stand on: its own at rest; for one that lies at rest, its object's origin."""
    return rig.floor if rig.up[2] > 0.7 else float(rig.armature_matrix[2, 3])


def height_correction(points: Array, down: npt.NDArray[np.bool_]) -> Array:
    """(F,) metres to raise the body by, so that standing feet are at height 0: exact where a foot is down, straight lines in between."""
    lowest = points[..., 2].min(axis=1)
    standing = np.flatnonzero(down.any(axis=1))
    if len(standing) == 0:
        return np.full(len(points), -float(np.percentile(lowest, 10)))
    return np.interp(np.arange(len(points)), standing, -lowest[standing])


def sliding_correction(points: Array, down: npt.NDArray[np.bool_], fps: float) -> Array:
    """(F, 2) metres to shift the body by, so that standing feet do not slide, as far as one shift can do it for both.

    Minimises Σ c_t |Δp_t + Δs_t|² + ε|Δs|² + |s|²/τ² over the shifts s, with Δp the mean step of the points that are down in both frames
    and τ the time in which a shift is forgotten: a tridiagonal system.
    """
    frames = len(points)
    if frames < 2:
        return np.zeros((frames, 2))
    feet = points[:, (0, 1, 3, 4), :2]
    both = (down[1:] & down[:-1]).astype(np.float64)
    held = both.sum(axis=1)
    step = np.einsum("fk,fkc->fc", both, np.diff(feet, axis=0)) / np.maximum(held, 1)[:, None]
    stiff = np.where(held > 0, 1.0, 0.05)
    leak = 1.0 / (STICK_SECONDS * fps) ** 2
    diagonal = leak + np.r_[stiff, 0] + np.r_[0, stiff]
    pull = np.where(held[:, None] > 0, step, 0.0)
    right = np.zeros((frames, 2))
    right[:-1] += pull
    right[1:] -= pull
    return _solve_tridiagonal(diagonal, -stiff, right)


def _solve_tridiagonal(diagonal: Array, beside: Array, right: Array) -> Array:
    """x of the symmetric tridiagonal system with `diagonal` (N,) and `beside` (N−1,), right sides (N, C) (Thomas)."""
    count = len(diagonal)
    ratio, x = np.zeros(count), right.copy()
    pivot = diagonal[0]
    x[0] /= pivot
    for i in range(1, count):
        ratio[i - 1] = beside[i - 1] / pivot
        pivot = diagonal[i] - beside[i - 1] * ratio[i - 1]
        x[i] = (x[i] - beside[i - 1] * x[i - 1]) / pivot
    for i in range(count - 2, -1, -1):
        x[i] -= ratio[i] * x[i + 1]
    return x
