# SPDX-License-Identifier: GPL-3.0-or-later
"""The head: from face and ear landmarks to the turns of neck and head."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from .kinematics import (
    Array,
    axis_angle_to_matrix,
    frame_from,
    limit_angle,
    matrix_to_axis_angle,
    slerp_matrices,
    swing,
    unit,
)
from .markers import LEFT_EAR, NOSE, RIGHT_EAR, rest_basis
from .rig import Rig
from .smoothing import local_lines

# Points of the face's mesh that expressions hardly move (brow's bone, bridge and tip of the nose, eyes' corners, cheek bones, outline):
# left, back, up, in thousandths of the face's width, of a head that is held level. The mean of two people's meshes over 780 frames, made
# symmetric. A face that the mesh shows upright, chin under forehead, belongs to a head that looks up by 14°: so says the median over
# rendered clips with exact turns, and so do the ears and the nose of the people filmed.
FACE = {
    1: (0, -229, -335),
    2: (0, -120, -354),
    4: (0, -249, -293),
    5: (0, -243, -231),
    6: (0, -171, -63),
    8: (0, -164, 45),
    9: (0, -183, 101),
    10: (0, -183, 363),
    33: (-330, -4, 11),
    54: (-426, 42, 283),
    67: (-249, -127, 353),
    93: (-493, 385, -153),
    98: (-119, -71, -323),
    103: (-355, -49, 327),
    109: (-135, -171, 363),
    116: (-448, 94, -88),
    117: (-379, 17, -98),
    127: (-505, 315, 53),
    130: (-346, 3, 13),
    132: (-475, 388, -270),
    133: (-136, -36, -10),
    151: (0, -190, 237),
    168: (0, -153, -2),
    195: (0, -218, -174),
    197: (0, -194, -120),
    234: (-500, 363, -46),
    263: (330, -4, 11),
    284: (426, 42, 283),
    297: (249, -127, 353),
    323: (493, 385, -153),
    327: (119, -71, -323),
    332: (355, -49, 327),
    338: (135, -171, 363),
    345: (448, 94, -88),
    346: (379, 17, -98),
    356: (505, 315, 53),
    359: (346, 3, 13),
    361: (475, 388, -270),
    362: (136, -36, -10),
    454: (500, 363, -46),
}
FACE_INDEX = tuple(FACE)
FACE_SHAPE = np.array(list(FACE.values())) * 0.001
# Where the ears show a head turned away from the camera by more than this, the mesh is believed less; at the second not at all. (On
# rendered heads turned by 35–75° the mesh is wrong by 27–59° and the ears by 22–29°.)
SIDEWAYS = math.radians(28), math.radians(50)
NECK_SHARE = 0.4  # of the head's turn
HEAD_LIMIT = math.radians(75)
SMOOTH_SECONDS = 0.3
# Ears and nose show heads looking up by so much (the mean over rendered clips); a clip of so many seconds tells half of a face's own pitch.
EARS_LOOK_UP, LEVEL_SECONDS = math.radians(2), 1.0


def face_turns(points: npt.NDArray[Any], size: tuple[int, int], focal: float) -> Array:
    """How faces are turned, (F, 3, 3), in the camera's axes (X right, Y away, Z up).

    `points` (F, N, 3) px: those of `FACE_INDEX` of MediaPipe's mesh with their relative depth, finite; `size` of the picture and `focal`
    length in px. The identity is a head held level that faces the camera's plane: its left is +X, its up +Z. A camera that is pitched or
    turned in the world premultiplies.

    The mesh is seen as if its middle were in the middle of the picture, so what fits it (`fitted`) is turned by the angle of the ray there.
    """
    points = np.asarray(points, np.float64)
    middle = points[..., :2].mean(axis=1)
    x, z = (middle[:, 0] - 0.5 * size[0]) / focal, (0.5 * size[1] - middle[:, 1]) / focal
    ray = unit(np.stack([x, np.ones_like(x), z], -1))
    return swing(np.array([0.0, 1.0, 0.0]), ray) @ fitted(points)[0]


def fitted(points: Array) -> tuple[Array, Array]:
    """Turn (F, 3, 3) and width in px (F,) of the faces whose points of `FACE_INDEX` (F, N, 3) are in px: the similarity that takes
    `FACE_SHAPE` to them with the least squared distance (Umeyama, IEEE TPAMI 13, 1991)."""
    p = np.stack([points[..., 0], points[..., 2], -points[..., 1]], -1)
    p = p - p.mean(axis=1, keepdims=True)
    shape = FACE_SHAPE - FACE_SHAPE.mean(axis=0)
    turn = nearest_rotations(np.einsum("fni,nj->fij", p, shape))
    return turn, np.einsum("fni,fij,nj->f", p, turn, shape) / np.sum(shape**2)


def nearest_rotations(matrices: Array) -> Array:
    """The rotations (…, 3, 3) nearest to matrices (the polar factors), such as means of rotations."""
    u, _, vt = np.linalg.svd(matrices)
    u[..., 2] *= np.sign(np.linalg.det(u @ vt))[..., None]
    return np.matmul(u, vt)


def smoothed(turns: Array, time: Array, seen: Array) -> Array:
    """Rotations (F, 3, 3) smoothed without lag; `time` (F,) seconds, `seen` (F,) ≥ 0 how much each counts."""
    return nearest_rotations(local_lines(turns.reshape(-1, 9), time, seen, SMOOTH_SECONDS).reshape(-1, 3, 3))


def ear_turns(points: Array) -> Array:
    """How heads are turned, (F, 3, 3), as `face_turns` says it, by ears and nose of the body's landmarks: `points` (F, 33, 3), Z up."""
    shown = frame_from(points[:, 7] - points[:, 8], points[:, 0] - 0.5 * (points[:, 7] + points[:, 8]))
    return shown @ frame_from(np.array([1.0, 0.0, 0.0]), NOSE - 0.5 * (LEFT_EAR + RIGHT_EAR)).T


def face_trust(points: Array) -> Array:
    """(F,) 0…1: how far a face's mesh is to be believed, by how far the ears show the head turned away; `points` (F, 33, 3), Z up."""
    away = np.arccos(np.clip(ear_turns(points)[:, 1, 1], -1, 1))
    t = np.clip((SIDEWAYS[1] - away) / (SIDEWAYS[1] - SIDEWAYS[0]), 0, 1)
    return t * t * (3 - 2 * t)


def level_with_ears(face: Array, ears: Array, trust: Array, time: Array) -> Array:
    """`face` (F, 3, 3) from `face_turns`, pitched so that over the clip it looks up and down as the ears do on average: (F, 3, 3).

    The mesh follows a head better from frame to frame, but drawn and unusual faces look down by up to 11° more in it than they do; the
    ears and the nose, `ears` (F, 3, 3) from `ear_turns`, are right within 5°. `trust` (F,) 0…1 is that in the face; `time` (F,) seconds.
    """
    use = (trust > 0.5) & (face[:, 1, 1] > 0.85)
    if not use.any():
        return face
    apart = float(np.median(matrix_to_axis_angle(np.swapaxes(ears[use], -1, -2) @ face[use])[:, 0]))
    seconds = use.sum() * (float(np.median(np.diff(time))) if len(time) > 1 else 0.0)
    share = seconds / (seconds + LEVEL_SECONDS)
    return np.matmul(face, axis_angle_to_matrix(np.array([1.0, 0.0, 0.0]), -share * (apart - EARS_LOOK_UP)))


def head_turns(rig: Rig, chest: Array, points: Array, ears_seen: Array, face: Array, face_seen: Array, time: Array) -> dict[str, Array]:
    """Turns (F, 3, 3) of "head" and "neck".

    `chest` (F, 3, 3) is the chest's turn; `points` (F, 33, 3) the body's landmarks with Z up; `face` (F, 3, 3) from `face_turns`, in the
    same axes; `time` (F,) seconds. `ears_seen` and `face_seen` (F,) are 0…1: where the face was not seen the ears and the nose tell, and
    where those were not, the head follows the chest.
    """
    basis = rest_basis(rig)
    # A rig at rest may face anywhere; the face's identity looks along −Y.
    turn = slerp_matrices(chest, ear_turns(points) @ basis.T, ears_seen)
    turn = slerp_matrices(turn, np.where(face_seen[:, None, None] > 0, face @ basis.T, turn), face_seen)
    turn = chest @ limit_angle(np.swapaxes(chest, -1, -2) @ turn, HEAD_LIMIT)
    turn = smoothed(turn, time, np.ones(len(time)))
    return {"neck": slerp_matrices(chest, turn, np.full(len(turn), NECK_SHARE)), "head": turn}
