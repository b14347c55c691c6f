# SPDX-License-Identifier: GPL-3.0-or-later
"""The head: from face and ear landmarks to the turns of neck and head."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from ..pose.filters import savitzky_golay
from .kinematics import Array, frame_from, limit_angle, slerp_matrices
from .markers import LEFT_EAR, NOSE, RIGHT_EAR, rest_basis
from .rig import Rig

FACE_POINTS = (454, 234, 10, 152)  # the mesh's outline: person's left, right, top of the forehead, chin
NECK_SHARE = 0.4  # of the head's turn
HEAD_LIMIT = math.radians(75)
SMOOTH_SECONDS = 0.35


def face_turns(face: npt.NDArray[Any], size: tuple[int, int], focal: float) -> Array:
    """How faces are turned, (F, 3, 3), in the camera's axes (X right, Y away, Z up).

    `face` (F, 478, 3) px, MediaPipe's mesh with its relative depth, finite; `size` of the picture and `focal` length in px. The identity is
    a face that looks at a camera at −Y, level: its left is +X, its up +Z. A camera that is pitched or turned in the world premultiplies.
    """
    p = np.asarray(face, np.float64)[:, FACE_POINTS]
    p = np.stack([p[..., 0], p[..., 2], -p[..., 1]], -1)
    frame = frame_from(p[:, 0] - p[:, 1], p[:, 2] - p[:, 3])
    return np.stack([frame[..., 0], -frame[..., 2], frame[..., 1]], -1)


def smoothed(turns: Array, time: Array, window: float = SMOOTH_SECONDS) -> Array:
    """Rotations (F, 3, 3) smoothed without lag over `window` seconds; `time` (F,)."""
    return nearest_rotations(savitzky_golay(turns, window, time))


def nearest_rotations(matrices: Array) -> Array:
    """The rotations (…, 3, 3) nearest to matrices (the polar factors), such as means of rotations."""
    u, _, vt = np.linalg.svd(matrices)
    u[..., 2] *= np.sign(np.linalg.det(u @ vt))[..., None]
    return np.matmul(u, vt)


def head_turns(rig: Rig, chest: Array, points: Array, ears_seen: Array, face: Array, face_seen: Array, time: Array) -> dict[str, Array]:
    """Turns (F, 3, 3) of "head" and "neck".

    `chest` (F, 3, 3) is the chest's turn; `points` (F, 33, 3) the body's landmarks with Z up; `face` (F, 3, 3) from `face_turns`, in the
    same axes; `time` (F,) seconds. `ears_seen` and `face_seen` (F,) are 0…1: where the face was not seen the ears and the nose tell, and
    where those were not, the head follows the chest.
    """
    basis = rest_basis(rig)
    nose_rest = basis @ (NOSE - 0.5 * (LEFT_EAR + RIGHT_EAR))
    ears = frame_from(points[:, 7] - points[:, 8], points[:, 0] - 0.5 * (points[:, 7] + points[:, 8]))
    turn = ears @ frame_from(basis[:, 0], nose_rest).T
    turn = slerp_matrices(chest, turn, ears_seen)
    # A rig at rest may face anywhere; the face's identity looks along −Y.
    mesh = face @ basis.T
    turn = slerp_matrices(turn, np.where(face_seen[:, None, None] > 0, mesh, turn), face_seen)
    turn = chest @ limit_angle(np.swapaxes(chest, -1, -2) @ turn, HEAD_LIMIT)
    return {"neck": slerp_matrices(chest, turn, np.full(len(turn), NECK_SHARE)), "head": turn}
