# SPDX-License-Identifier: GPL-3.0-or-later
"""Poses to render beside those of the clips: mirrored, and varied at random within what joints can do (numpy)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..retarget import kinematics
from ..retarget.kinematics import axis_angle_to_matrix, matrix_to_axis_angle, rotations_of, slerp_matrices, unit
from ..retarget.motion import Motion
from ..retarget.rig import Rig

Array = npt.NDArray[np.float64]

# Role (without its side) → standard deviation and greatest rotation from rest, degrees. A clip's own pose may go beyond the limit.
_BALL = {
    "hips": (4, 180),
    "spine": (4, 35),
    "spine1": (4, 35),
    "spine2": (4, 35),
    "neck": (7, 45),
    "head": (9, 50),
    "shoulder": (4, 25),
    "upper_arm": (22, 170),
    "hand": (14, 70),
    "thigh": (13, 115),
    "foot": (8, 45),
    "toe": (5, 40),
    **{f"{finger}{joint}": (6, 90) for finger in ("thumb", "index", "middle", "ring", "pinky") for joint in (1, 2, 3)},
}
# Hinge → the bones before and after it, standard deviation and greatest bend in degrees, and whether it bends forwards.
_HINGE = {"forearm": ("upper_arm", "hand", 25, 145, True), "shin": ("thigh", "foot", 14, 140, False)}
_STRAIGHT = np.radians(12)  # below this bend the pose does not tell the hinge's axis


@dataclass(frozen=True, eq=False)
class Pose:
    """`local` (B, 3, 3) each bone's own rotation from rest; `root` (3,) world position of the hips' head, metres."""

    local: Array
    root: Array

    def evaluate(self, rig: Rig) -> tuple[Array, Array]:
        """World heads (B, 3) and rotations (B, 3, 3)."""
        heads, rotations = kinematics.pose(rig, self.local[None], self.root[None])
        return rig.to_world(heads[0]), rig.world_rotation @ rotations[0]


class PoseSource:
    """The poses of a motion on a rig, frame by frame. Raises UserError when the motion moves bones that the rig does not have."""

    def __init__(self, rig: Rig, motion: Motion) -> None:
        self.local = rotations_of(rig, motion)
        self.root = motion.root_position.astype(np.float64)

    def frame(self, time: float) -> Pose:
        """At a frame, or between two; the first and the last hold on beyond the ends."""
        time = min(max(time, 0.0), len(self.root) - 1.0)
        first = int(time)
        weight = time - first
        if weight == 0:
            return Pose(self.local[first], self.root[first])
        local = slerp_matrices(self.local[first], self.local[first + 1], weight)
        return Pose(local, self.root[first] * (1 - weight) + self.root[first + 1] * weight)


def mirrored(rig: Rig, pose: Pose) -> Pose:
    """The pose seen in a mirror: left and right limbs exchange what they do. Bones without a role keep their own rotation."""
    S = np.eye(3) - 2 * np.outer(rig.left, rig.left)
    _, rotations = pose.evaluate(rig)
    turns = rotations @ np.swapaxes(rig.rest_rotations, -1, -2)  # from rest, in the world
    index = rig.index_of_role
    new_turns = np.empty_like(turns)
    local = pose.local.copy()
    for b, bone in enumerate(rig.bones):
        rest = rig.rest_rotations[b]
        above = new_turns[bone.parent] if bone.parent >= 0 else np.eye(3)
        partner = index.get(_other_side(bone.role)) if bone.role is not None else None
        if partner is None:
            new_turns[b] = above @ rest @ local[b] @ rest.T
        else:
            new_turns[b] = S @ turns[partner] @ S
            local[b] = rest.T @ above.T @ new_turns[b] @ rest
    return Pose(local, S @ pose.root)


def _other_side(role: str) -> str:
    side, part = _side_and_part(role)
    return {"left": f"right_{part}", "right": f"left_{part}"}.get(side, role)


def varied(rig: Rig, pose: Pose, rng: np.random.Generator, spread: float = 1.0) -> Pose:
    """The pose with every joint moved at random: ball joints by a small rotation within their limit, elbows and knees about their hinge
    only.

    `spread` scales how far. The same generator state gives the same pose.
    """
    local = pose.local.copy()
    for b, bone in enumerate(rig.bones):
        if bone.role is None:
            continue
        side, part = _side_and_part(bone.role)
        if part in _BALL:
            deviation, limit = np.radians(_BALL[part])
            step = np.clip(rng.normal(size=3), -2, 2) * deviation * spread
            local[b] = _limited(local[b] @ _rotation(step), max(limit, _angle(local[b])))
        elif part in _HINGE:
            local[b] = _bent(rig, side, part, local[b], float(np.clip(rng.normal(), -2, 2)) * spread)
    return Pose(local, pose.root)


def _side_and_part(role: str) -> tuple[str, str]:
    side, _, part = role.partition("_")
    return (side, part) if side in ("left", "right") else ("", role)


def _bent(rig: Rig, side: str, part: str, local: Array, amount: float) -> Array:
    """The hinge bone's rotation with its bend changed by `amount` standard deviations, kept between straight and the limit."""
    before, after, deviation, limit, forwards = _HINGE[part]
    b = rig.index_of_role[f"{side}_{part}"]
    axes = rig.rest_rotations[b].T
    upper = unit(axes @ (rig.rest_heads[b] - rig.head(f"{side}_{before}")))
    lower = unit(local @ axes @ (rig.head(f"{side}_{after}") - rig.rest_heads[b]))
    bend = float(np.arccos(np.clip(upper @ lower, -1, 1)))
    if bend > _STRAIGHT:
        hinge = unit(np.cross(upper, lower))
    else:
        hinge = unit(np.cross(upper, axes @ (rig.facing if forwards else -rig.facing)))
    wanted = np.clip(bend + np.radians(deviation) * amount, 0, max(np.radians(limit), bend))
    return axis_angle_to_matrix(hinge, float(wanted - bend)) @ local


def _rotation(vector: Array) -> Array:
    angle = float(np.linalg.norm(vector))
    return axis_angle_to_matrix(unit(vector), angle)


def _angle(matrix: Array) -> float:
    return float(np.arccos(np.clip((np.trace(matrix) - 1) / 2, -1, 1)))


def _limited(matrix: Array, limit: float) -> Array:
    vector = matrix_to_axis_angle(matrix)
    angle = float(np.linalg.norm(vector))
    return matrix if angle <= limit else axis_angle_to_matrix(unit(vector), limit)
