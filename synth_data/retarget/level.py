# SPDX-License-Identifier: GPL-3.0-or-later
"""Setting a person upright whom the landmarks lean towards the camera.

MediaPipe's depth tilts people towards the camera, the trunk by another angle than the legs, and points their feet down; the angles hardly
change within a clip, and nothing in the picture tells them from a real lean. What does is that people keep their balance: over a clip, the
body's centre is above the feet, the trunk is upright in depth, and the soles are flat. Medians over a clip say by how much to turn it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .kinematics import Array, axis_angle_to_matrix

# A shorter clip does not show how a person stands on average; it is left as it is.
LEAST_SECONDS = 1.0
BODY_LIMIT, TRUNK_LIMIT, FOOT_LIMIT = np.radians(20), np.radians(25), np.radians(30)
HEAD, ARMS = slice(0, 11), ((13, 15, 17, 19, 21), (14, 16, 18, 20, 22))


def lean(points: Array) -> tuple[float, float]:
    """Angles in radians about the picture's horizontal by which to turn trunk and legs, and then the trunk once more.

    `points` (F, 33, 3) landmarks with Z up. Frames in which a person lies or bends far over do not tell; where most are such, 0.
    """
    feet = points[:, (27, 28, 29, 30, 31, 32)].mean(axis=1)
    shoulders, hips = points[:, (11, 12)].mean(axis=1), points[:, (23, 24)].mean(axis=1)
    body = _median_tilt(0.5 * (shoulders + hips) - feet, BODY_LIMIT)
    trunk = _median_tilt((shoulders - hips) @ _about_horizontal(body).T, TRUNK_LIMIT)
    return body, trunk


def levelled(points: Array, angles: tuple[float, float]) -> Array:
    """`points` (F, 33, 3) with trunk and legs turned by the angles of `lean`.

    Arms and head are carried along without being turned: their directions are seen better than the trunk's (on rendered clips with exact
    joints, turning them too made arms 7° and heads 13–27° worse).
    """
    body, trunk = angles
    turned = points @ _about_horizontal(body).T
    hips = turned[:, (23, 24)].mean(axis=1, keepdims=True)
    shoulders = (turned[:, (11, 12)] - hips) @ _about_horizontal(trunk).T + hips
    moved = shoulders - points[:, (11, 12)]
    turned[:, (11, 12)] = shoulders
    turned[:, HEAD] = points[:, HEAD] + moved.mean(axis=1, keepdims=True)
    for side, arm in enumerate(ARMS):
        turned[:, arm] = points[:, arm] + moved[:, side : side + 1]
    return turned


def foot_droop(points: Array) -> float:
    """The pitch in radians by which the soles point down in the median frame; `points` (F, 33, 3) landmarks with Z up."""
    along = points[:, (31, 32)] - points[:, (29, 30)]
    pitch = np.arctan2(-along[..., 2], np.linalg.norm(along[..., :2], axis=-1))
    return float(np.clip(np.median(pitch), -FOOT_LIMIT, FOOT_LIMIT))


def _about_horizontal(angle: float) -> Array:
    return axis_angle_to_matrix(np.array([1.0, 0.0, 0.0]), angle)


def _median_tilt(up: npt.NDArray[np.float64], limit: float) -> float:
    upright = up[:, 2] > 0.8 * np.linalg.norm(up, axis=1)
    if upright.mean() <= 0.5:
        return 0.0
    return float(np.clip(np.median(np.arctan2(up[upright, 1], up[upright, 2])), -limit, limit))
