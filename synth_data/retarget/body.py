# SPDX-License-Identifier: GPL-3.0-or-later
"""Torso, limbs and feet: from joint positions to the bones' turns, frame by frame.

Everything is built from directions between joints, computed in the same way for the person and for the rig at rest, so that neither bone
rolls nor tails nor the kind of rest pose matter: a person who stands like the rest pose gives the rest pose.
"""

from __future__ import annotations

import math

import numpy as np

from ..pose.filters import savitzky_golay
from .kinematics import (
    Array,
    axis_angle_to_matrix,
    frame_from,
    limit_angle,
    matrix_to_axis_angle,
    rotation_vector_to_matrix,
    slerp_matrices,
    swing,
    unit,
)
from .markers import MEASURED_LEG, OFFSETS, Joints, rest_basis
from .rig import Rig

SIDES = ("left", "right")
SPINE = ("spine", "spine1", "spine2")

# How far the thighs tell the pelvis' tilt beside the trunk: a person who bends over tilts the pelvis by a part of it.
THIGHS_IN_PELVIS = 0.25
CLAVICLE_SHARE = 0.15  # of the arm's swing
TWIST_SECONDS = 0.35
STRAIGHT = 0.25  # weight of the resting twist against the sine of the bend: a straight limb has no twist of its own
SPINE_LIMIT, CLAVICLE_LIMIT, ANKLE_LIMIT = (math.radians(a) for a in (75, 25, 55))
ARM_TWIST_LIMIT, THIGH_TWIST_LIMIT = math.radians(120), math.radians(70)
ELBOW_LIMIT, KNEE_LIMIT = math.radians(152), math.radians(150)


def rest_joints(rig: Rig) -> Joints:
    """The rig's joints at rest, as (1, 3) arrays in world metres."""
    return {role: rig.rest_heads[index][None] for role, index in rig.index_of_role.items()}


def transpose(m: Array) -> Array:
    return np.swapaxes(m, -1, -2)


def pelvis_frame(joints: Joints) -> Array:
    """(F, 3, 3) columns left, up and forward of the pelvis."""
    hips, knees = joints["left_thigh"] + joints["right_thigh"], joints["left_shin"] + joints["right_shin"]
    up = (1 - THIGHS_IN_PELVIS) * trunk(joints) + THIGHS_IN_PELVIS * unit(hips - knees)
    return frame_from(joints["left_thigh"] - joints["right_thigh"], up)


def trunk(joints: Joints) -> Array:
    """(F, 3) unit vectors from between the hips to between the shoulders."""
    return unit(joints["left_upper_arm"] + joints["right_upper_arm"] - joints["left_thigh"] - joints["right_thigh"])


def chest_frame(joints: Joints) -> Array:
    """(F, 3, 3) columns left, up and forward of the chest; up is the trunk's direction exactly."""
    frame = frame_from(trunk(joints), joints["left_upper_arm"] - joints["right_upper_arm"])
    return np.stack([frame[..., 1], frame[..., 0], -frame[..., 2]], -1)


def torso(rig: Rig, joints: Joints) -> dict[str, Array]:
    """Turns of hips, spine and clavicles, such that the trunk's direction is the person's and the shoulders line up with theirs.

    The bend from hips to chest is spread evenly over the spine bones; the clavicles follow a share of the arms' swing. Both move the
    shoulders, so the chest is corrected until the trunk, seen from joint to joint, is right.
    """
    rest = rest_joints(rig)
    hips = pelvis_frame(joints) @ transpose(pelvis_frame(rest))
    wanted = chest_frame(joints)
    chest = wanted @ transpose(chest_frame(rest))
    # What the spine cannot bend, the pelvis follows.
    hips = chest @ transpose(limit_angle(transpose(hips) @ chest, SPINE_LIMIT))
    bones = [role for role in SPINE if role in rig.index_of_role]
    turns: dict[str, Array] = {}
    for _ in range(12):  # each step leaves less than half of the error
        bend = matrix_to_axis_angle(transpose(hips) @ chest)
        turns = {"hips": hips}
        for number, role in enumerate(bones, 1):
            turns[role] = hips @ rotation_vector_to_matrix(bend * (number / len(bones)))
        for side in SIDES:
            turns[f"{side}_shoulder"] = _clavicle(rest, joints, chest, side)
        reached = chest_frame(_shoulders(rig, turns))
        chest = wanted @ transpose(reached) @ chest
    return turns


def _clavicle(rest: Joints, joints: Joints, chest: Array, side: str) -> Array:
    arm_rest = unit(rest[f"{side}_forearm"] - rest[f"{side}_upper_arm"])
    arm = unit(joints[f"{side}_forearm"] - joints[f"{side}_upper_arm"])
    vector = matrix_to_axis_angle(swing(arm_rest, np.einsum("fji,fj->fi", chest, arm)))
    return chest @ limit_angle(rotation_vector_to_matrix(CLAVICLE_SHARE * vector), CLAVICLE_LIMIT)


def _shoulders(rig: Rig, turns: dict[str, Array]) -> Joints:
    """Where hip and shoulder joints come to lie, the hips' head being the origin, by what each hangs from: some rigs' legs hang from the
    spine."""
    head = rig.rest_heads

    def place(index: int) -> Array:
        if rig.bones[index].role == "hips":
            return np.zeros((len(turns["hips"]), 3))
        above = int(rig.parents[index])
        while rig.bones[above].role not in turns:  # carried along
            above = int(rig.parents[above])
        return place(above) + turns[str(rig.bones[above].role)] @ (head[index] - head[above])

    return {role: place(rig.index_of_role[role]) for side in SIDES for role in (f"{side}_thigh", f"{side}_upper_arm")}


def limb(rest: Joints, joints: Joints, time: Array, side: str, *, arm: bool) -> tuple[Array, Array]:
    """Turns of a limb's two bones, (F, 3, 3) each.

    The upper bone points to the next joint; its twist lets the hinge bend the way the lower bone goes, and falls back to the twist of a
    plain swing from hanging down (legs) or pointing sideways (arms) as the limb straightens. The lower bone swings from there. A hinge
    that is seen bent the wrong way has its depth mistaken, and is bent the right way by as much.
    """
    upper, hinge, end = (f"{side}_{role}" for role in (("upper_arm", "forearm", "hand") if arm else ("thigh", "shin", "foot")))
    lower = unit(joints[end] - joints[hinge])
    u = unit(joints[hinge] - joints[upper])
    limit = ARM_TWIST_LIMIT if arm else THIGH_TWIST_LIMIT
    q = _bend_direction(u, lower, _bend_reference(joints, u, side, arm=arm), limit, time)
    frame = np.stack([u, q, np.cross(u, q)], -1)
    lower = _hinge_limited(frame, lower, ELBOW_LIMIT if arm else KNEE_LIMIT)
    turn = frame @ transpose(bend_frame(rest, side, arm=arm))
    lower_rest = unit(rest[end] - rest[hinge])
    return turn, swing(np.einsum("fij,fj->fi", turn, np.broadcast_to(lower_rest, lower.shape)), lower) @ turn


def bend_frame(rest: Joints, side: str, *, arm: bool) -> Array:
    """(1, 3, 3) of a rig's limb at rest: columns along its upper bone, the way its hinge bends, the hinge's axis."""
    upper, hinge, end = (f"{side}_{role}" for role in (("upper_arm", "forearm", "hand") if arm else ("thigh", "shin", "foot")))
    u, w = unit(rest[hinge] - rest[upper]), unit(rest[end] - rest[hinge])
    q = _bend_direction(u, w, _bend_reference(rest, u, side, arm=arm), math.pi, None)
    return np.stack([u, q, np.cross(u, q)], -1)


def _bend_reference(joints: Joints, u: Array, side: str, *, arm: bool) -> Array:
    """(F, 3) square to the upper bone's direction u (F, 3): the way a limb bends that has swung there from its place at the body's side."""
    body = chest_frame(joints) if arm else pelvis_frame(joints)
    left, up, front = body[..., 0], body[..., 1], body[..., 2]
    if arm:
        return (swing(left if side == "left" else -left, u) @ front[..., None])[..., 0]
    return (swing(-up, u) @ -front[..., None])[..., 0]


def _bend_direction(u: Array, w: Array, reference: Array, limit: float, time: Array | None) -> Array:
    """(F, 3) unit vectors square to u, towards which the limb bends: w's own, or the reference the straighter the limb.

    With `time` (F,) the direction is held within `limit` of the reference, and smoothed: a nearly straight limb's bend is mostly noise.
    """
    side = np.cross(u, reference)
    towards = np.stack([np.sum(w * reference, -1), np.sum(w * side, -1)], -1)
    if time is not None:
        # Fades towards the opposite of the reference, so that a limb which seems bent backwards does not spin to and fro.
        apart = math.pi - np.abs(np.arctan2(towards[:, 1], towards[:, 0]))
        towards = towards * np.clip(apart / (math.pi - limit), 0.0, 1.0)[:, None]
        towards = savitzky_golay(towards, TWIST_SECONDS, time)
    angle = np.clip(np.arctan2(towards[:, 1], towards[:, 0] + STRAIGHT), -limit, limit)[:, None]
    return np.cos(angle) * reference + np.sin(angle) * side


def _hinge_limited(frame: Array, lower: Array, limit: float) -> Array:
    """(F, 3) the lower bone's direction within what the hinge can do; `frame` columns: along the upper bone, the way it bends, the axis."""
    seen = np.einsum("fji,fj->fi", frame, lower)
    seen[:, 1] = np.abs(seen[:, 1])
    sine = np.linalg.norm(seen[:, 1:], axis=-1)
    bend = np.minimum(np.arctan2(sine, seen[:, 0]), limit)
    across = seen[:, 1:] / np.maximum(sine, 1e-9)[:, None]
    seen = np.concatenate([np.cos(bend)[:, None], np.sin(bend)[:, None] * across], -1)
    return unit(np.einsum("fij,fj->fi", frame, seen))


def foot(rig: Rig, points: Array, shin: Array, side: str, seen: Array, droop: float | None = None) -> Array:
    """Turn (F, 3, 3) of a foot from heel and toe landmarks, `points` (F, 33, 3) world metres; `seen` (F,) 0…1: unseen, it follows the shin.

    Its roll is the floor's while it lies flat, and the shin's when it points down. `droop` is the pitch, in radians downwards, at which the
    landmarks of a flat foot lie; by default that of the offsets in `markers`.
    """
    k = side == "right"
    basis, scale = rest_basis(rig), rig.leg_length / MEASURED_LEG
    length_rest = rig.head(f"{side}_toe") - rig.head(f"{side}_foot") if f"{side}_toe" in rig.index_of_role else 0.126 * scale * rig.facing
    forward_rest = unit(length_rest + basis @ (OFFSETS[31 + k][2] - OFFSETS[29 + k][2]) * scale)
    forward = unit(points[:, 31 + k] - points[:, 29 + k])
    if droop is not None:
        across = unit(np.cross(forward, (0.0, 0.0, 1.0)))
        raised = axis_angle_to_matrix(across, droop + math.asin(float(forward_rest @ rig.up)))
        forward = np.einsum("fij,fj->fi", raised, forward)
    flat = np.clip((0.85 - np.abs(forward[:, 2])) / 0.4, 0.0, 1.0)[:, None]
    up = flat * (0.0, 0.0, 1.0) + (1 - flat) * (shin @ rig.up)
    turn = frame_from(forward, up) @ transpose(frame_from(forward_rest, rig.up))
    ankle = limit_angle(transpose(shin) @ turn, ANKLE_LIMIT)
    return slerp_matrices(shin, shin @ ankle, seen)
