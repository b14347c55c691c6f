# SPDX-License-Identifier: GPL-3.0-or-later
"""A clip on a rig: exact rotations, joints and contacts of every frame (numpy)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ningyo.synth_data.retarget.kinematics import local_from_turns, pose, swing, unit
from ningyo.synth_data.retarget.markers import rest_basis
from ningyo.synth_data.retarget.rig import Rig
from ningyo.synth_data.retarget.root import soles, standing_height
from numpy.typing import NDArray

Array = NDArray[np.float64]
CONTACT_HEIGHT, CONTACT_SPEED = 0.025, 0.2  # metres above the floor, m/s: a sole that is lower and slower stands
FEET = (0, 1, 3, 4)  # left heel, left ball, right heel, right ball among `soles`

# Bone → the joint it points at; a limb's rest direction tells a T-pose from an A-pose.
POINTS_AT = {
    f"{side}_{bone}": f"{side}_{end}"
    for side in ("left", "right")
    for bone, end in (
        ("upper_arm", "forearm"),
        ("forearm", "hand"),
        ("hand", "middle1"),
        ("thigh", "shin"),
        ("shin", "foot"),
        *((f"{finger}{i}", f"{finger}{i + 1}") for finger in ("thumb", "index", "middle", "ring", "pinky") for i in (1, 2, 3)),
    )
}


@dataclass(frozen=True, eq=False)
class Clip:
    """A motion apart from any rig. Axes: x to the body's left at rest, y to its back, z up.

    `turns` maps roles to (F, 3, 3), world rotations relative to rest; `hips` (F, 3) is how far the hips are from where they are at rest,
    in leg lengths; `points` maps roles to (3,), the unit direction of the bone at rest; `from_floor`: the hips' height at rest tells where
    the clip's floor is.
    """

    fps: float
    turns: dict[str, Array]
    hips: Array
    points: dict[str, Array]
    from_floor: bool


def rest_directions(rig: Rig) -> dict[str, Array]:
    """Role → (3,) unit direction of the bone at rest, in the body's axes."""
    basis = rest_basis(rig)
    known = rig.index_of_role
    return {role: unit(rig.head(end) - rig.head(role)) @ basis for role, end in POINTS_AT.items() if role in known and end in known}


def on_rig(rig: Rig, clip: Clip) -> tuple[Array, Array]:
    """World rotations relative to rest (F, B, 3, 3) of the rig's bones, and the hips' head (F, 3) in metres.

    Every bone turns in the world as the clip's does; a limb whose rest direction differs (A-pose, T-pose) points where the clip's points.
    Where a clip does not know its floor, the lowest sole stands on the rig's.
    """
    basis, here = rest_basis(rig), rest_directions(rig)
    turns = {}
    for role, turn in clip.turns.items():
        if role not in rig.index_of_role:
            continue
        if role in here and role in clip.points:
            turn = turn @ swing(here[role], clip.points[role])
        turns[role] = basis @ turn @ basis.T
    all_turns = local_from_turns(rig, turns)[1]
    root = rig.head("hips") + clip.hips @ basis.T * rig.leg_length
    if not clip.from_floor:
        lowest = soles(rig, joints_of(rig, all_turns, root), all_turns)[..., 2].min()
        root = root + np.array([0.0, 0.0, standing_height(rig) - lowest])
    return all_turns, root


def joints_of(rig: Rig, turns: Array, root: Array) -> Array:
    """World heads (F, B, 3) of all bones from their turns (F, B, 3, 3) and the hips' head (F, 3)."""
    return rig.to_world(pose(rig, local_of(rig, turns), root)[0])


def local_of(rig: Rig, turns: Array) -> Array:
    """(F, B, 3, 3) each bone's own rotation from rest, from the turns in the world."""
    rest, above = rig.rest_rotations, np.concatenate([turns, np.broadcast_to(np.eye(3), (len(turns), 1, 3, 3))], 1)[:, rig.parents]
    return np.swapaxes(rest, -1, -2) @ np.swapaxes(above, -1, -2) @ turns @ rest


def standing(points: Array, floor: float, fps: float) -> NDArray[np.bool_]:
    """(F, 4) which of left heel, left toe, right heel, right toe are on the floor; `points` (F, 6, 3) from `soles`."""
    feet = points[:, FEET]
    speed = np.linalg.norm(np.gradient(feet, axis=0), axis=-1) * fps if len(feet) > 1 else np.zeros(feet.shape[:2])
    return (feet[..., 2] - floor < CONTACT_HEIGHT) & (speed < CONTACT_SPEED)


def travelling(rig: Rig, turns: Array, root: Array, fps: float) -> Array:
    """`root` (F, 3) of somebody who walks on the spot, moved forward at the even speed at which the feet that stand do so on average."""
    feet = soles(rig, joints_of(rig, turns, root), turns)[:, FEET]
    velocity = np.gradient(feet, axis=0)[..., :2] * fps
    low = feet[..., 2] - feet[..., 2].min() < CONTACT_HEIGHT
    slip = np.median(velocity[low], axis=0)
    for _ in range(20):
        held = low & (np.linalg.norm(velocity - slip, axis=-1) < CONTACT_SPEED)
        slip = velocity[held].mean(axis=0)
    along = rig.facing * (rig.facing[:2] @ -slip)
    return root + np.arange(len(root))[:, None] / fps * (along - (along @ rig.up) * rig.up)
