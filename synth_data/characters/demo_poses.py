# SPDX-License-Identifier: GPL-3.0-or-later
"""A few poses to look at characters in, said by directions, so that they fit any humanoid rig (numpy)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..retarget.kinematics import axis_angle_to_matrix, local_from_turns, pose, swing, unit
from ..retarget.rig import Rig
from ..retarget.secondary import hanging

Array = npt.NDArray[np.float64]
Direction = tuple[float, float, float]

# Limb → the role at its other end.
_LIMBS = {"upper_arm": "forearm", "forearm": "hand", "thigh": "shin", "shin": "foot"}
_TRUNK = ("hips", "spine", "spine1", "spine2", "neck", "head")


@dataclass(frozen=True)
class DemoPose:
    """`limbs` (roles to directions) in the body's own axes: outward from the body, forward, up. `trunk` (roles to degrees) turns further
    than the bone above: to the left, bowed forward, leaning to the left. `curl` is the fingers' bend per joint, degrees; `toes` lets
    feet hang down by so many degrees (left, right).
    """

    limbs: dict[str, Direction] = field(default_factory=dict)
    trunk: dict[str, Direction] = field(default_factory=dict)
    curl: float = 12.0
    toes: tuple[float, float] = (0.0, 0.0)


def _both(part: str, direction: Direction) -> dict[str, Direction]:
    return {f"left_{part}": direction, f"right_{part}": direction}


_HANGING = _both("upper_arm", (0.22, 0.0, -1.0)) | _both("forearm", (0.12, 0.22, -1.0))
DEMO_POSES: dict[str, DemoPose] = {
    "t": DemoPose(curl=0.0),
    "stand": DemoPose(_HANGING, {"head": (6, 2, 0)}),
    "walk": DemoPose(
        {
            "left_upper_arm": (0.20, -0.42, -1.0), "left_forearm": (0.05, -0.05, -1.0),
            "right_upper_arm": (0.20, 0.45, -1.0), "right_forearm": (0.05, 1.0, -0.75),
            "left_thigh": (0.02, 0.50, -1.0), "left_shin": (0.0, 0.18, -1.0),
            "right_thigh": (0.02, -0.28, -1.0), "right_shin": (0.0, -0.75, -1.0),
        },
        {"hips": (-6, 3, 0), "spine1": (8, 0, 0), "spine2": (6, 0, 0), "head": (-4, -2, 0)},
        toes=(-8.0, 30.0),
    ),
    "run": DemoPose(
        {
            "left_upper_arm": (0.25, -0.95, -0.6), "left_forearm": (0.0, 0.35, -1.0),
            "right_upper_arm": (0.25, 0.55, -0.8), "right_forearm": (-0.15, 1.0, 0.55),
            "left_thigh": (0.02, 1.0, -0.45), "left_shin": (0.0, -0.25, -1.0),
            "right_thigh": (0.04, -0.50, -1.0), "right_shin": (0.0, -1.0, -0.35),
        },
        {"hips": (-8, 12, 0), "spine1": (10, 3, 0), "spine2": (8, 0, 0), "head": (-6, -12, 0)},
        curl=35.0,
        toes=(0.0, 35.0),
    ),
    "sit": DemoPose(
        {
            **_both("upper_arm", (0.25, 0.25, -1.0)), **_both("forearm", (-0.15, 1.0, -0.45)),
            **_both("thigh", (0.10, 1.0, -0.05)), **_both("shin", (0.02, 0.10, -1.0)),
        },
        {"hips": (0, 2, 0), "head": (8, 6, 3)},
        toes=(4.0, 4.0),
    ),
    "dance": DemoPose(
        {
            "left_upper_arm": (0.75, 0.25, 0.85), "left_forearm": (-0.55, 0.30, 1.0),
            "right_upper_arm": (1.0, 0.1, -0.25), "right_forearm": (0.45, 0.75, 0.35),
            "left_thigh": (0.45, 0.15, -1.0), "left_shin": (0.30, -0.12, -1.0),
            "right_thigh": (0.30, 0.75, -0.85), "right_shin": (0.0, -0.62, -1.0),
        },
        {"hips": (-14, 0, -6), "spine1": (8, 0, 6), "spine2": (8, -4, 8), "head": (10, 0, -10)},
        curl=8.0,
        toes=(0.0, 30.0),
    ),
    "kick": DemoPose(
        {
            "left_upper_arm": (1.0, -0.2, 0.1), "left_forearm": (0.7, 0.7, 0.2),
            "right_upper_arm": (0.5, 0.8, -0.1), "right_forearm": (-0.6, 0.6, 0.6),
            "left_thigh": (0.10, -0.10, -1.0), "left_shin": (0.05, -0.22, -1.0),
            "right_thigh": (0.15, 1.0, 0.25), "right_shin": (0.05, 1.0, 0.15),
        },
        {"hips": (10, -6, 0), "spine1": (-8, 6, 0), "head": (4, -4, 0)},
        curl=30.0,
        toes=(0.0, 20.0),
    ),
    "kneel": DemoPose(
        {
            **_both("upper_arm", (0.30, 0.35, -1.0)), **_both("forearm", (-0.40, 0.8, -0.6)),
            **_both("thigh", (0.10, 1.0, -0.30)), **_both("shin", (0.05, -1.0, -0.16)),
        },
        {"hips": (0, -4, 0), "head": (0, 6, 0)},
        toes=(70.0, 70.0),
    ),
    "cheer": DemoPose(
        {
            "left_upper_arm": (0.75, 0.1, 0.75), "left_forearm": (0.35, 0.0, 1.0),
            "right_upper_arm": (0.85, 0.1, 0.65), "right_forearm": (0.05, 0.25, 1.0),
            "left_thigh": (0.12, 0.0, -1.0), "left_shin": (0.08, -0.02, -1.0),
            "right_thigh": (0.05, 0.25, -1.0), "right_shin": (0.0, -1.0, -0.55),
        },
        {"spine1": (4, -4, 0), "head": (6, -8, -4)},
        curl=4.0,
        toes=(6.0, 40.0),
    ),
}  # fmt: skip


def demo_pose(rig: Rig, name: str) -> tuple[Array, Array]:
    """The bones' own rotations from rest (B, 3, 3) and the hips' place (3,), world metres, for one of `DEMO_POSES`.

    The lowest foot stands where feet stand at rest, and what hangs has come to rest. KeyError for a pose that there is not.
    """
    spec = DEMO_POSES[name]
    turns: dict[str, Array] = {}
    axes = np.stack([rig.left, rig.facing, rig.up])

    def above(bone: int) -> Array:
        """The turn of the nearest bone above that has one."""
        parent = int(rig.parents[bone])
        while parent >= 0:
            role = rig.bones[parent].role
            if role in turns:
                return turns[role]
            parent = int(rig.parents[parent])
        return np.eye(3)

    for bone, item in enumerate(rig.bones):
        role = item.role
        if role is None:
            continue
        side, _, part = role.partition("_")
        if role in _TRUNK:
            yaw, bow, lean = np.radians(spec.trunk.get(role, (0.0, 0.0, 0.0)))
            turn = axis_angle_to_matrix(rig.up, yaw) @ axis_angle_to_matrix(rig.left, bow) @ axis_angle_to_matrix(rig.facing, lean)
            turns[role] = above(bone) @ turn
        elif role in spec.limbs:
            outward, forward, upward = spec.limbs[role]
            wanted = unit(np.array([outward if side == "left" else -outward, forward, upward]) @ axes)
            rest = unit(rig.head(f"{side}_{_LIMBS[part]}") - rig.rest_heads[bone])
            before = above(bone)
            turns[role] = swing(before @ rest, wanted) @ before
        elif part == "foot" and f"{side}_thigh" in spec.limbs:
            # Feet stay level, or hang, whatever the leg does.
            flat = turns.get("hips", np.eye(3))
            turns[role] = flat @ axis_angle_to_matrix(rig.left, np.radians(spec.toes[side == "right"]))
        elif spec.curl and part[:-1] in ("index", "middle", "ring", "pinky") and part[-1] in "123":
            before = above(bone)
            along = (
                before @ unit(rig.head(f"{side}_{part[:-1]}{int(part[-1]) + 1}") - rig.rest_heads[bone]) if _has_tip(rig, role) else None
            )
            if along is not None:
                palm = before @ -rig.up
                turns[role] = axis_angle_to_matrix(unit(np.cross(along, palm)), np.radians(spec.curl)) @ before
    local, _ = local_from_turns(rig, {role: turn[None] for role, turn in turns.items()} or {"hips": np.eye(3)[None]})
    root = rig.head("hips")
    heads, _ = pose(rig, local, root[None])
    feet = [rig.index_of_role[r] for r in ("left_foot", "right_foot", "left_toe", "right_toe") if r in rig.index_of_role]
    posed, rest_heads = rig.to_world(heads[0])[feet] @ rig.up, rig.rest_heads[feet] @ rig.up
    root = root - rig.up * float((posed - rest_heads).min())
    return hanging(rig, local[0], root), root


def _has_tip(rig: Rig, role: str) -> bool:
    return f"{role[:-1]}{int(role[-1]) + 1}" in rig.index_of_role
