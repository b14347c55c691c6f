# SPDX-License-Identifier: GPL-3.0-or-later
"""The poses to render: those of clips, on any character, and varied at random within what joints can do (numpy)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..retarget import kinematics, mirror
from ..retarget.edit import trim
from ..retarget.kinematics import axis_angle_to_matrix, matrix_to_axis_angle, rotations_of, slerp_matrices, unit
from ..retarget.motion import Motion
from ..retarget.rig import Rig
from ..retarget.secondary import hanging, with_secondary
from ..retarget.transfer import on_rig
from .cameras import depth_of

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
# Seconds, where the pose at a single frame is asked for: what of a motion is put on the rig, and how long before the frame what hangs
# begins to swing. It has forgotten all else by then; and feet that are held depend on what is near, but for the height of the floor.
PART, _RUN_UP, _AFTER = 40.0, 5.0, 1.0


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
    """The poses of a motion on a rig, at any time. A motion of another rig is transferred, `mirrored` exchanges left and right, and what
    hangs from the body swings along. With `around`, only frames next to that one may be asked for, which takes no longer with a long motion
    than with a short one.

    Raises UserError when the motion does not know its rig and moves bones that `rig` does not have.
    """

    def __init__(self, rig: Rig, motion: Motion, *, mirrored: bool = False, around: float | None = None) -> None:
        time = None if around is None else float(motion.time[min(max(int(around), 0), motion.frame_count - 1)])
        part = motion if time is None else _part(motion, time)
        self.fitted = on_rig(part, rig)  # not mirrored: it has the camera
        self.depth = None if part.camera is None else depth_of(self.fitted) * (depth_of(motion) / depth_of(part))  # from the camera, metres
        played = mirror.mirrored(self.fitted, rig) if mirrored else self.fitted
        if time is not None:
            played = trim(played, time - _RUN_UP, time + _AFTER)
        self._first = int(np.searchsorted(motion.time, played.time[0]))
        self.motion = with_secondary(played, rig)
        self.local = rotations_of(rig, self.motion)
        self.root = self.motion.root_position.astype(np.float64)

    def frame(self, time: float) -> Pose:
        """The pose at a frame, or between two: rotations spherically, the place of the hips linearly. Held at the ends."""
        low, high, share = self._around(time)
        if share == 0:
            return Pose(self.local[low], self.root[low])
        local = slerp_matrices(self.local[low], self.local[high], np.full(len(self.local[low]), share))
        return Pose(local, (1 - share) * self.root[low] + share * self.root[high])

    def expression(self, time: float) -> dict[str, float]:
        """The values of shape keys, 0…1, at a frame or between two."""
        low, high, share = self._around(time)
        values = np.asarray(self.motion.expression)
        return dict(zip(self.motion.expressions, ((1 - share) * values[low] + share * values[high]).tolist(), strict=True))

    def _around(self, time: float) -> tuple[int, int, float]:
        place = min(max(float(time) - self._first, 0.0), len(self.root) - 1.0)
        low = int(place)
        return low, min(low + 1, len(self.root) - 1), place - low


def _part(motion: Motion, time: float) -> Motion:
    """A motion's `PART` seconds in whose middle `time` is, or, near its ends, its first or last ones."""
    start = max(min(time - PART / 2, float(motion.time[-1]) - PART), float(motion.time[0]))
    return trim(motion, start, start + PART + 1 / motion.fps)


def varied(rig: Rig, pose: Pose, rng: np.random.Generator, spread: float = 1.0) -> Pose:
    """The pose with every joint moved at random: ball joints by a small rotation within their limit, elbows and knees about their hinge
    only.

    `spread` scales how far; what hangs from the body comes to rest there. The same generator state gives the same pose.
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
    return Pose(hanging(rig, local, pose.root), pose.root)


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
