# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands and fingers: from hand landmarks to the bones' turns."""

from __future__ import annotations

import math

import numpy as np

from ..pose.filters import savitzky_golay
from .body import transpose
from .kinematics import (
    Array,
    axis_angle_to_matrix,
    frame_from,
    limit_angle,
    matrix_to_axis_angle,
    rotation_vector_to_matrix,
    swing,
    unit,
)
from .rig import Rig
from .roles import FINGERS

WRIST_LIMIT = math.radians(75)
# Up to here a hand's pronation is believed; towards half a turn it fades away, because there left and right turns are one.
PRONATION_LIMIT = math.radians(110)
FOREARM_SHARE = 0.5  # of the hand's pronation, so that the skin does not wring at the wrist
# Lowest and highest bend of a finger's three joints, and how far it spreads, radians.
BEND_LIMITS = tuple((math.radians(low), math.radians(high)) for low, high in ((-25, 95), (0, 110), (0, 85)))
SPREAD_LIMIT = math.radians(20)
THUMB_LIMITS = tuple(math.radians(a) for a in (45, 60, 80))
SMOOTH_SECONDS = 0.35


def hand_turns(rig: Rig, points: Array, seen: Array, body: dict[str, Array], time: Array) -> dict[str, Array]:
    """Turns (F, 3, 3) by role of both hands, their fingers, and of the forearms, which share the hands' pronation.

    `points` (F, 2, 21, 3) hand landmarks (left, right) in the axes of the turns, at any scale, not smoothed; `seen` (F, 2)
    0…1 fades in and out and is less for a hand of a low score; `body` has the turns of "left_forearm" and "right_forearm", whose
    pronation is that of the hinge alone; `time` (F,) seconds.
    """
    turns: dict[str, Array] = {}
    for k, side in enumerate(("left", "right")):
        forearm = body[f"{side}_forearm"]
        if not seen[:, k].any():
            turns[f"{side}_hand"] = forearm
            continue
        smooth = savitzky_golay(points[:, k], SMOOTH_SECONDS, time)
        turns.update(hand_and_forearm(rig, smooth, forearm, seen[:, k], side))
        turns.update(fingers(rig, smooth, turns[f"{side}_hand"], seen[:, k], side))
    return turns


def hand_and_forearm(rig: Rig, points: Array, forearm: Array, seen: Array, side: str) -> dict[str, Array]:
    """Turns of hand and forearm; `points` (F, 21, 3) hand landmarks with Z up, `forearm` (F, 3, 3) its turn by the hinge alone.

    `seen` (F,) 0…1: an unseen hand is carried by the forearm.
    """
    knuckles = [f"{side}_{finger}1" for finger in ("middle", "index", "pinky")]
    if any(role not in rig.index_of_role for role in knuckles):
        return {f"{side}_hand": forearm, f"{side}_forearm": forearm}
    middle, index, pinky = (rig.head(role) for role in knuckles)
    wrist = rig.head(f"{side}_hand")
    rest = frame_from(middle - wrist, index - pinky)
    turn = frame_from(points[:, 9] - points[:, 0], points[:, 5] - points[:, 17]) @ transpose(rest)
    own = transpose(forearm) @ turn
    # Swing-twist decomposition about the forearm's axis: bending of the wrist, and pronation.
    axis = unit(wrist - rig.head(f"{side}_forearm"))
    bend = swing(axis, own @ axis)
    twist = matrix_to_axis_angle(transpose(bend) @ own) @ axis
    twist = twist * np.clip((math.pi - np.abs(twist)) / (math.pi - PRONATION_LIMIT), 0, 1) * seen
    bend = rotation_vector_to_matrix(matrix_to_axis_angle(limit_angle(bend, WRIST_LIMIT)) * seen[:, None])
    axes = np.broadcast_to(axis, (len(twist), 3))
    rolled = forearm @ axis_angle_to_matrix(axes, FOREARM_SHARE * twist)
    return {f"{side}_hand": forearm @ bend @ axis_angle_to_matrix(axes, twist), f"{side}_forearm": rolled}


def fingers(rig: Rig, points: Array, hand: Array, seen: Array, side: str) -> dict[str, Array]:
    """Turns of the finger bones; `hand` (F, 3, 3) the hand's turn, `seen` (F,) 0…1: unseen fingers are at rest in the hand.

    Each finger's joints bend about the line of the knuckles and the first spreads about the palm's normal: landmarks are too rough for
    more.
    """
    index = rig.index_of_role
    if any(f"{side}_{finger}1" not in index for finger in ("index", "middle", "pinky")):
        return {}
    rest_points = _rest_points(rig, side)
    person = _palm_frame(points, side)
    own = _palm_frame(rest_points[None], side)[0]
    turns: dict[str, Array] = {}
    for number, finger in enumerate(FINGERS):
        joints = [0, *range(1 + 4 * number, 5 + 4 * number)]
        roles = [f"{side}_{finger}{joint}" for joint in (1, 2, 3)]
        if any(role not in index for role in roles):
            continue
        # Directions of the finger's segments in the palm's frame: along the hand, towards the palm's face, along the knuckles.
        wanted = np.einsum("fji,fkj->fki", person, unit(np.diff(points[:, joints], axis=1)))
        rest = np.einsum("ji,kj->ki", own, unit(np.diff(rest_points[joints], axis=0)))
        relative = (_thumb if finger == "thumb" else _bends)(rest[1:], wanted[:, 1:], seen)
        for role, turn in zip(roles, relative, strict=True):
            turns[role] = hand @ (own @ turn @ own.T)
    return turns


def _rest_points(rig: Rig, side: str) -> Array:
    """(21, 3) the rig's hand at rest in the order of the landmarks. A missing fingertip lies straight on."""
    points = np.zeros((21, 3))
    points[0] = rig.head(f"{side}_hand")
    for number, finger in enumerate(FINGERS):
        for joint in (1, 2, 3, 4):
            at = 4 * number + joint
            role = f"{side}_{finger}{joint}"
            if role in rig.index_of_role:
                points[at] = rig.head(role)
            elif joint > 2:
                points[at] = 2 * points[at - 1] - points[at - 2]
    return points


def _palm_frame(points: Array, side: str) -> Array:
    """(F, 3, 3) columns: along the hand, out of the palm's face, and the axis about which the fingers curl towards it."""
    along = points[:, 9] - points[:, 0]
    across = points[:, 17] - points[:, 5] if side == "left" else points[:, 5] - points[:, 17]
    frame = frame_from(along, across)  # the third column, along × across, comes out of the back of the hand
    return np.stack([frame[..., 0], -frame[..., 2], frame[..., 1]], -1)


def _bends(rest: Array, wanted: Array, seen: Array) -> list[Array]:
    """Three turns (F, 3, 3) in the palm's frame for segment directions `rest` (3, 3) and `wanted` (F, 3, 3), by the share `seen` (F,)."""
    curl = np.array([0.0, 0.0, 1.0])
    normal = np.array([0.0, 1.0, 0.0])
    bend_wanted, bend_rest = _joint_angles(wanted), _joint_angles(rest[None])[0]
    spread = np.arcsin(np.clip(wanted[:, 0, 2], -1, 1)) - math.asin(float(np.clip(rest[0, 2], -1, 1)))
    # A finger that is bent has no spread to speak of: its direction is nearly square to the palm.
    spread = np.clip(spread, -SPREAD_LIMIT, SPREAD_LIMIT) * np.clip(np.cos(bend_wanted[:, 0]), 0, 1)
    turns = []
    total = np.zeros(len(wanted))
    base = axis_angle_to_matrix(np.broadcast_to(normal, (len(wanted), 3)), -spread * seen)
    for joint, (low, high) in enumerate(BEND_LIMITS):
        total = total + np.clip(bend_wanted[:, joint], low, high) - bend_rest[joint]
        turns.append(base @ axis_angle_to_matrix(np.broadcast_to(curl, (len(wanted), 3)), total * seen))
    return turns


def _joint_angles(segments: Array) -> Array:
    """(F, 3) bends of a finger's joints, radians, for segment directions (F, 3, 3) in the palm's frame; the knuckle's has a sign."""
    knuckle = np.arctan2(segments[:, 0, 1], segments[:, 0, 0])
    knuckle = np.where(knuckle < -0.5 * math.pi, knuckle + 2 * math.pi, knuckle)
    # The outer joints bend one way only, and their angle alone is steadier than any sign read from rough landmarks.
    outer = np.arccos(np.clip(np.sum(segments[:, 1:] * segments[:, :-1], -1), -1, 1))
    return np.concatenate([knuckle[:, None], outer], 1)


def _thumb(rest: Array, wanted: Array, seen: Array) -> list[Array]:
    """Three turns (F, 3, 3) in the palm's frame: the thumb's joints are no plain hinges, so each segment swings to its place."""
    turns: list[Array] = []
    above = part = np.broadcast_to(np.eye(3), (len(wanted), 3, 3))
    for joint, limit in enumerate(THUMB_LIMITS):
        reach = limit_angle(swing(above @ rest[joint], wanted[:, joint]), limit)
        above = reach @ above
        part = rotation_vector_to_matrix(matrix_to_axis_angle(reach) * seen[:, None]) @ part
        turns.append(part)
    return turns
