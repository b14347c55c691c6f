# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotations, and where a posed rig's joints are (numpy; agrees with Blender's own evaluation)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import UserError
from .motion import Motion
from .rig import Rig

Array = npt.NDArray[np.float64]


def quaternion_to_matrix(q: npt.NDArray[Any]) -> Array:
    """Unit quaternions (…, 4) as (w, x, y, z) → rotation matrices (…, 3, 3)."""
    w, x, y, z = np.moveaxis(np.asarray(q, np.float64), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, -1) for row in rows], -2)


def matrix_to_quaternion(m: npt.NDArray[Any]) -> Array:
    """Rotation matrices (…, 3, 3) → unit quaternions (…, 4), w ≥ 0.

    Each quaternion's four products with its largest component are read off the matrix (Shepperd 1978), so no angle is badly conditioned.
    """
    m = np.asarray(m, np.float64)
    a, b, c = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    x, y, z = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    xy, xz, yz = m[..., 1, 0] + m[..., 0, 1], m[..., 0, 2] + m[..., 2, 0], m[..., 2, 1] + m[..., 1, 2]
    candidates = np.stack(
        [
            np.stack([1 + a + b + c, x, y, z], -1),
            np.stack([x, 1 + a - b - c, xy, xz], -1),
            np.stack([y, xy, 1 - a + b - c, yz], -1),
            np.stack([z, xz, yz, 1 - a - b + c], -1),
        ],
        -2,
    )
    best = np.argmax(np.stack([candidates[..., i, i] for i in range(4)], -1), -1)
    q = np.take_along_axis(candidates, best[..., None, None], -2)[..., 0, :]
    q = q / np.linalg.norm(q, axis=-1, keepdims=True)
    return np.where(q[..., :1] < 0, -q, q)


def quaternion_multiply(p: npt.NDArray[Any], q: npt.NDArray[Any]) -> Array:
    """Hamilton product (…, 4): the rotation q, then p."""
    pw, px, py, pz = np.moveaxis(np.asarray(p, np.float64), -1, 0)
    qw, qx, qy, qz = np.moveaxis(np.asarray(q, np.float64), -1, 0)
    return np.stack(
        [
            pw * qw - px * qx - py * qy - pz * qz,
            pw * qx + px * qw + py * qz - pz * qy,
            pw * qy - px * qz + py * qw + pz * qx,
            pw * qz + px * qy - py * qx + pz * qw,
        ],
        -1,
    )


def quaternion_conjugate(q: npt.NDArray[Any]) -> Array:
    return np.asarray(q, np.float64) * (1.0, -1.0, -1.0, -1.0)


def continuous(q: npt.NDArray[Any]) -> Array:
    """Quaternions (F, …, 4) with each sign chosen to be near the one before, so that interpolation takes the short way."""
    q = np.array(q, np.float64)
    if len(q) > 1:
        flips = np.sum(q[1:] * q[:-1], -1) < 0
        q[1:][np.cumsum(flips, axis=0) % 2 == 1] *= -1
    return q


def unit(v: npt.NDArray[Any]) -> Array:
    """(…, 3) vectors at length 1; those of no length stay 0."""
    v = np.asarray(v, np.float64)
    length = np.linalg.norm(v, axis=-1, keepdims=True)
    return np.divide(v, length, out=np.zeros_like(v), where=length > 1e-12)


def axis_angle_to_matrix(axis: npt.NDArray[Any], angle: npt.NDArray[Any] | float) -> Array:
    """Rotations (…, 3, 3) about unit axes (…, 3) by angles (…) in radians (Rodrigues)."""
    axis = np.asarray(axis, np.float64)
    half = 0.5 * np.asarray(angle, np.float64)
    half = np.broadcast_to(half, axis.shape[:-1])
    return quaternion_to_matrix(np.concatenate([np.cos(half)[..., None], axis * np.sin(half)[..., None]], -1))


def matrix_to_axis_angle(m: npt.NDArray[Any]) -> Array:
    """Rotation matrices (…, 3, 3) → rotation vectors (…, 3), radians, at most π long."""
    q = matrix_to_quaternion(m)
    sine = np.linalg.norm(q[..., 1:], axis=-1)
    angle = 2 * np.arctan2(sine, q[..., 0])
    return q[..., 1:] * np.where(sine > 1e-12, angle / np.maximum(sine, 1e-12), 2.0)[..., None]


def swing(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> Array:
    """The smallest rotations (…, 3, 3) that take unit vectors a (…, 3) to b (…, 3). For opposite vectors, half a turn about any axis."""
    a, b = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(b, np.float64))
    w = 1 + np.sum(a * b, -1)
    opposite = w < 1e-9
    xyz = np.cross(a, b)
    if opposite.any():
        helper = np.where(np.abs(a[..., :1]) < 0.9, (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
        xyz = np.where(opposite[..., None], unit(np.cross(a, helper)), xyz)
        w = np.where(opposite, 0.0, w)
    q = np.concatenate([w[..., None], xyz], -1)
    return quaternion_to_matrix(q / np.linalg.norm(q, axis=-1, keepdims=True))


def frame_from(primary: npt.NDArray[Any], secondary: npt.NDArray[Any]) -> Array:
    """Right-handed frames (…, 3, 3) whose first column is `primary` and whose second is `secondary` made square to it."""
    x = unit(primary)
    y = unit(secondary - np.sum(x * secondary, -1, keepdims=True) * x)
    return np.stack([x, y, np.cross(x, y)], -1)


def check_bones(rig: Rig, motion: Motion) -> None:
    """Raises UserError when the motion moves bones that the rig does not have."""
    absent = [name for name in motion.bones if name not in rig.names]
    if absent:
        raise UserError(
            f"This motion was made for {motion.rig_name or 'another rig'} and moves bones that {rig.name} does not have "
            f"({', '.join(absent[:3])}); retarget the video to {rig.name}."
        )


def rotations_of(rig: Rig, motion: Motion) -> Array:
    """(F, B, 3, 3) each of the rig's bones' own rotation; identity for bones the motion does not move.

    Raises UserError when the motion moves bones that the rig does not have.
    """
    check_bones(rig, motion)
    index = {name: i for i, name in enumerate(rig.names)}
    local = np.broadcast_to(np.eye(3), (motion.frame_count, len(rig.bones), 3, 3)).copy()
    if motion.bones:
        q = motion.rotation.astype(np.float64)
        q /= np.linalg.norm(q, axis=-1, keepdims=True)
        local[:, [index[name] for name in motion.bones]] = quaternion_to_matrix(q)
    return local


def pose(rig: Rig, local: Array, root_position: npt.NDArray[Any]) -> tuple[Array, Array]:
    """Armature-space heads (F, B, 3) and rotations (F, B, 3, 3).

    `local` (F, B, 3, 3) are the bones' own rotations from rest; `root_position` (F, 3) is where the hips' head is, in the world, metres.
    Blender's rule: pose = parent's pose · (parent's rest)⁻¹ · rest · own rotation.
    """
    frames = len(local)
    rest, parents = rig.rest, rig.parents
    heads = np.empty((frames, len(rig.bones), 3))
    rotations = np.empty((frames, len(rig.bones), 3, 3))
    hips = rig.index_of_role["hips"]
    for b, parent in enumerate(parents):
        if parent < 0:
            base, head = rest[b, :3, :3], np.broadcast_to(rest[b, :3, 3], (frames, 3))
        else:
            turn = rotations[:, parent] @ rest[parent, :3, :3].T
            base, head = turn @ rest[b, :3, :3], heads[:, parent] + turn @ (rest[b, :3, 3] - rest[parent, :3, 3])
        rotations[:, b] = base @ local[:, b]
        heads[:, b] = rig.to_armature(np.asarray(root_position, np.float64)) if b == hips else head
    return heads, rotations


def forward_kinematics(rig: Rig, motion: Motion) -> tuple[Array, Array]:
    """World heads (F, B, 3) in metres and world rotations (F, B, 3, 3), scale removed, of all of the rig's bones, in the rig's order.

    Raises UserError when the motion moves bones that the rig does not have.
    """
    heads, rotations = pose(rig, rotations_of(rig, motion), motion.root_position)
    return rig.to_world(heads), rig.world_rotation @ rotations


def local_from_turns(rig: Rig, turns: dict[str, Array]) -> tuple[Array, Array]:
    """Own rotations and turns of all bones, both (F, B, 3, 3), from the turns of some.

    A bone's turn is its world rotation relative to rest, D = R·R_rest⁻¹; `turns` maps roles to (F, 3, 3). A bone that is not in it is
    carried along by its parent; what the hips hang from stays at rest.
    """
    frames = len(next(iter(turns.values())))
    all_turns = np.empty((frames, len(rig.bones), 3, 3))
    local = np.empty_like(all_turns)
    for b, bone in enumerate(rig.bones):
        above = np.broadcast_to(np.eye(3), (frames, 3, 3)) if bone.parent < 0 else all_turns[:, bone.parent]
        all_turns[:, b] = turns.get(bone.role, above) if bone.role else above
        rest = rig.rest_rotations[b]
        local[:, b] = rest.T @ np.swapaxes(above, -1, -2) @ all_turns[:, b] @ rest
    return local, all_turns


def slerp_matrices(a: Array, b: Array, weight: npt.NDArray[Any] | float) -> Array:
    """From rotations a (weight 0) to b (weight 1), (…, 3, 3), the short way; `weight` (…)."""
    vector = matrix_to_axis_angle(np.swapaxes(a, -1, -2) @ b)
    return a @ rotation_vector_to_matrix(vector * np.asarray(weight, np.float64)[..., None])


def rotation_vector_to_matrix(vector: npt.NDArray[Any]) -> Array:
    """Rotation vectors (…, 3), radians → matrices (…, 3, 3)."""
    vector = np.asarray(vector, np.float64)
    return axis_angle_to_matrix(unit(vector), np.linalg.norm(vector, axis=-1))


def limit_angle(matrix: Array, limit: float) -> Array:
    """Rotations (…, 3, 3) turned by no more than `limit` radians."""
    vector = matrix_to_axis_angle(matrix)
    angle = np.linalg.norm(vector, axis=-1, keepdims=True)
    return rotation_vector_to_matrix(vector * np.minimum(1.0, limit / np.maximum(angle, 1e-9)))
