# SPDX-License-Identifier: GPL-3.0-or-later
"""A body of capsules around a rig's bones: what hair, clothes and the character's own limbs must not pass through (numpy)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .body import SIDES
from .kinematics import Array
from .markers import rest_basis
from .rig import Rig

# For a body with legs (thigh and shin) of 1: radii of limbs at their two ends, of built-in characters and people alike.
_LIMBS = {
    "upper_arm": ("forearm", 0.062, 0.050),
    "forearm": ("hand", 0.050, 0.036),
    "thigh": ("shin", 0.115, 0.080),
    "shin": ("foot", 0.080, 0.048),
}
SHOULDER, HAND, FOOT, NECK, PELVIS, BELLY, CHEST = 0.070, 0.042, 0.055, 0.065, 0.130, 0.125, 0.130
HAND_LENGTH, FOOT_LENGTH = 0.16, 0.25
CHEST_WIDTH = 0.45  # of the way from the middle to the shoulders' joints
HEAD_RADIUS, HEAD_SPAN = 0.43, (0.42, 0.58)  # of the way from the head's joint to its top: a head's radius, and between where it lies
HEAD_OF_HEIGHT = 0.13  # where the rig has no top of the head


@dataclass(frozen=True, eq=False)
class Capsules:
    """K capsules, tapered: `bones` (K, 2) what carries their ends, `offsets` (K, 2, 3) from those bones' heads at rest, in the world, and
    `radii` (K, 2), metres."""

    names: tuple[str, ...]
    bones: npt.NDArray[np.int64]
    offsets: Array
    radii: Array

    def ends(self, heads: Array, turns: Array) -> Array:
        """(…, K, 2, 3) the ends on a body whose bones have world `heads` (…, B, 3) and turns from rest (…, B, 3, 3)."""
        carried = np.einsum("...kij,...kj->...ki", turns[..., self.bones.ravel(), :, :], self.offsets.reshape(-1, 3))
        placed = heads[..., self.bones.ravel(), :] + carried
        return placed.reshape(*placed.shape[:-2], len(self.names), 2, 3)


def body_capsules(rig: Rig) -> Capsules:
    """Around the rig's trunk, head and limbs; named like the roles of their upper ends, and `pelvis`, `belly`, `chest`."""
    index, heads, leg = rig.index_of_role, rig.rest_heads, rig.leg_length
    names: list[str] = []
    rows: list[tuple[int, Array, int, Array, float, float]] = []

    def add(name: str, start: tuple[str, Array], end: tuple[str, Array], first: float, second: float) -> None:
        names.append(name)
        rows.append((index[start[0]], start[1] - heads[index[start[0]]], index[end[0]], end[1] - heads[index[end[0]]], first, second))

    def at(role: str) -> tuple[str, Array]:
        return role, heads[index[role]]

    top = next(role for role in ("spine2", "spine1", "spine") if role in index)
    chest = [heads[index[top]] + CHEST_WIDTH * (rig.head(f"{side}_upper_arm") - heads[index[top]]) for side in SIDES]
    add("pelvis", ("hips", rig.head("left_thigh")), ("hips", rig.head("right_thigh")), PELVIS * leg, PELVIS * leg)
    add("belly", at("spine"), (top, np.mean(chest, axis=0)), BELLY * leg, BELLY * leg)
    add("chest", (top, chest[0]), (top, chest[1]), CHEST * leg, CHEST * leg)
    neck = "neck" if "neck" in index else top
    shoulders = 0.5 * (rig.head("left_upper_arm") + rig.head("right_upper_arm"))
    add("neck", at("neck") if neck == "neck" else (top, shoulders), at("head"), NECK * leg, NECK * leg)
    crown = rig.head("head_end") - rig.head("head") if "head_end" in index else HEAD_OF_HEIGHT * rig.height * rig.up
    size = float(np.linalg.norm(crown))
    chin, brow = (("head", rig.head("head") + share * crown) for share in HEAD_SPAN)
    add("head", chin, brow, HEAD_RADIUS * size, HEAD_RADIUS * size)
    ahead = -rest_basis(rig)[:, 1]
    for side in SIDES:
        inner = f"{side}_shoulder" if f"{side}_shoulder" in index else top
        add(f"{side}_shoulder", at(inner), at(f"{side}_upper_arm"), SHOULDER * leg, SHOULDER * leg)
        for role, (end, first, second) in _LIMBS.items():
            add(f"{side}_{role}", at(f"{side}_{role}"), at(f"{side}_{end}"), first * leg, second * leg)
        arm = rig.head(f"{side}_hand") - rig.head(f"{side}_forearm")
        tip = rig.head(f"{side}_hand") + HAND_LENGTH * leg * arm / np.linalg.norm(arm)
        add(f"{side}_hand", at(f"{side}_hand"), (f"{side}_hand", tip), HAND * leg, HAND * leg)
        ankle = rig.head(f"{side}_foot")
        sole = ankle - max(float(ankle @ rig.up) - rig.floor - FOOT * leg, 0.0) * rig.up
        add(f"{side}_foot", (f"{side}_foot", sole), (f"{side}_foot", sole + FOOT_LENGTH * leg * ahead), FOOT * leg, FOOT * leg)
    bones = np.array([[row[0], row[2]] for row in rows])
    offsets = np.array([[row[1], row[3]] for row in rows])
    return Capsules(tuple(names), bones, offsets, np.array([[row[4], row[5]] for row in rows]))
