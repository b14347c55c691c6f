# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands and fingers: from hand landmarks to the bones' turns.

Landmarks of hands are rough: on a drawn hand of 40 px whose joints are known, a third of the hands is the mirror image in depth of what it
should be, and single joints are off by 15–25°. So everything is brought to angles that anatomy knows, held within its limits, smoothed over
time there, and drawn towards a hand at ease the less was seen.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

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
from .smoothing import robust_lines

# Greatest bend of a wrist towards the palm or its back, and sideways; and of the forearm's turning either way.
FLEXION_LIMIT, DEVIATION_LIMIT, PRONATION_LIMIT = math.radians(80), math.radians(30), math.radians(140)
FOREARM_SHARE = 0.5  # of the hand's pronation, so that the skin does not wring at the wrist
# Lowest and highest bends of a finger's three joints, and how far it spreads, radians.
BEND_LIMITS = np.radians([[-25.0, 0.0, 0.0], [95.0, 110.0, 85.0]])
SPREAD_LIMIT = math.radians(20)
THUMB_LIMITS, THUMB_BACK = np.radians([40.0, 60.0, 80.0]), math.radians(10)
THUMB_SHARE, THUMB_HINGE_SHARE = 0.3, 0.5  # of what is seen: on rendered hands, all of it is worse than a thumb at rest
# The last joint of a finger cannot bend alone: about so much of the middle one's bend. How much a measured bend of either is worth
# against that rule: (10° / its error)², the errors as measured on rendered hands.
COUPLING, MIDDLE_TRUST, LAST_TRUST = 0.6, (10 / 15) ** 2, (10 / 18) ** 2
# Knuckles are seen too straight, by 10–20° on rendered hands, and a finger mostly bends in all of its joints (Santello et al., "Postural
# hand synergies for tool use", Journal of Neuroscience 18, 1998): so much is added, and such a share is taken of the middle joint's bend.
KNUCKLE_OFFSET, SYNERGY, KNUCKLE_TO_MIDDLE = math.radians(4), 0.35, 0.8
# A hand at ease: bends of the three joints of the index, middle, ring and little finger; the thumb is as at rest.
AT_EASE = np.radians([[15, 22, 10], [19, 27, 13], [22, 31, 15], [24, 33, 16]])
HOLD_SECONDS = 0.3  # in which the trust in a hand that is no longer seen falls to a third
BELIEVED = 0.3  # a hand of this trust bends its fingers as seen; one of less the less
WRIST_SECONDS, FINGER_SECONDS, OUTLIER = 0.6, 0.3, math.radians(25)
STRAIGHT = 0.5  # of a turn that is fully seen: how much the forearm's untwisted state counts
WRIST_EASE = 0.5  # weight of a straight wrist against one that is seen
# A wrist bent by more than the first, or a forearm turned by more than the second, speaks for the hand's mirror image.
ODD_BEND, ODD_TURN = math.radians(40), math.radians(80)
CHANGE_COST = 1 / math.radians(30)  # of a change of the hand's turn from frame to frame, against what else speaks for a mirror image


def hand_turns(
    rig: Rig,
    points: Array,
    seen: Array,
    body: dict[str, Array],
    time: Array,
    view: npt.ArrayLike = (0.0, 1.0, 0.0),
) -> dict[str, Array]:
    """Turns (F, 3, 3) by role of both hands, their fingers, and of the forearms, which share the hands' pronation.

    `points` (F, 2, 21, 3) hand landmarks (left, right) in the axes of the turns, at any scale, not smoothed, finite; `seen` (F, 2)
    0…1 fades in and out and is less for a hand of a low score; `body` has the turns of "left_forearm" and "right_forearm", whose
    pronation is that of the hinge alone; `time` (F,) seconds; `view` (3,) where the camera looks, in the same axes. A hand that is not
    seen is carried by the forearm and at ease. Bones that the rig does not have get no turns.
    """
    turns: dict[str, Array] = {}
    for k, side in enumerate(("left", "right")):
        forearm = body[f"{side}_forearm"]
        if any(f"{side}_{finger}1" not in rig.index_of_role for finger in ("index", "middle", "pinky")):
            turns[f"{side}_hand"] = forearm
            continue
        trust = held(seen[:, k], time)
        wanted = right_way_round(rig, points[:, k], forearm, seen[:, k], side, unit(np.asarray(view, np.float64)))
        turns.update(hand_and_forearm(rig, wanted, forearm, seen[:, k], trust, time, side))
        turns.update(fingers(rig, wanted, turns[f"{side}_hand"], seen[:, k], trust, time, side))
    return turns


def held(seen: Array, time: Array) -> Array:
    """(F,) `seen`, but fading over `HOLD_SECONDS` where it ends: over a short gap what lies between its ends is still believed."""
    decay = np.exp(-np.diff(time) / HOLD_SECONDS)
    out = np.array(seen, np.float64)
    for i in range(1, len(out)):
        out[i] = max(out[i], out[i - 1] * decay[i - 1])
    for i in range(len(out) - 2, -1, -1):
        out[i] = max(out[i], out[i + 1] * decay[i])
    return out


def right_way_round(rig: Rig, points: Array, forearm: Array, seen: Array, side: str, view: Array) -> Array:
    """`points` (F, 21, 3), mirrored along `view` in those frames in which the hand was taken for one of the other side.

    A left hand seen from its back looks like a right one seen from its palm; where the network takes one for the other, its depths are the
    wrong way round. That shows in fingers that curl to the back of the hand, in a thumb that lies behind it, and in a wrist that could not
    bend so. Which it is in each frame is decided for the whole clip, as hands do not turn over from frame to frame (Viterbi).
    """
    mirrored = points - 2 * (points @ view)[..., None] * view
    both = np.stack([points, mirrored], 1)
    flat = both.reshape(-1, 21, 3)
    palm = _palm_frame(flat, side)
    turn = palm @ _palm_frame(_rest_points(rig, side)[None], side)[0].T
    twist, bend = _wrist_angles(rig, np.repeat(forearm, 2, 0), turn, side)
    odd = np.clip((np.linalg.norm(bend, axis=-1) - ODD_BEND) / ODD_BEND, 0, 2) + np.clip((np.abs(twist) - ODD_TURN) / ODD_TURN, 0, 2)
    cost = (0.7 * odd - np.clip(_curled(flat, palm) / 3, -1, 1)).reshape(-1, 2) * seen[:, None]
    turn = turn.reshape(-1, 2, 3, 3)
    step = np.einsum("faij,fbij->fab", turn[:-1], turn[1:])  # trace of the turn between them
    change = CHANGE_COST * np.minimum(np.arccos(np.clip(0.5 * (step - 1), -1, 1)), 0.5 * math.pi)
    total, best = cost[0], []
    for frame in range(1, len(points)):
        ways = total[:, None] + change[frame - 1]
        best.append(np.argmin(ways, axis=0))
        total = ways.min(axis=0) + cost[frame]
    choice = [int(np.argmin(total))]
    for before in reversed(best):
        choice.append(int(before[choice[-1]]))
    return both[np.arange(len(points)), choice[::-1]]


def hand_and_forearm(rig: Rig, points: Array, forearm: Array, seen: Array, trust: Array, time: Array, side: str) -> dict[str, Array]:
    """Turns of hand and forearm; `points` (F, 21, 3) hand landmarks, `forearm` (F, 3, 3) its turn by the hinge alone.

    `seen` (F,) 0…1 weighs the frames, `trust` (F,) 0…1 what comes of them: a hand without trust is carried by the forearm.
    """
    turn = _palm_frame(points, side) @ _palm_frame(_rest_points(rig, side)[None], side)[0].T
    twist, bend = _wrist_angles(rig, forearm, turn, side)
    curl, normal = _wrist_axes(rig, side)
    # The twist is smoothed as a direction, so that half a turn to the left is next to half a turn to the right.
    wanted = np.column_stack([bend @ curl, bend @ normal, np.cos(twist), np.sin(twist)])
    smooth = robust_lines(wanted, time, seen, WRIST_SECONDS, OUTLIER)
    limits = np.array([FLEXION_LIMIT, DEVIATION_LIMIT])
    bend = np.clip(smooth[:, :2], -limits, limits) * (trust / (trust + WRIST_EASE))[:, None]
    twist = np.arctan2(trust * smooth[:, 3], trust * smooth[:, 2] + STRAIGHT)
    twist = np.clip(twist, -PRONATION_LIMIT, PRONATION_LIMIT)
    axes = np.broadcast_to(_forearm_axis(rig, side), (len(twist), 3))
    bent = rotation_vector_to_matrix(bend[:, :1] * curl + bend[:, 1:] * normal)
    return {
        f"{side}_hand": forearm @ bent @ axis_angle_to_matrix(axes, twist),
        f"{side}_forearm": forearm @ axis_angle_to_matrix(axes, FOREARM_SHARE * twist),
    }


def fingers(rig: Rig, points: Array, hand: Array, seen: Array, trust: Array, time: Array, side: str) -> dict[str, Array]:
    """Turns of the finger bones; `points` (F, 21, 3), `hand` (F, 3, 3) the hand's turn; `seen` and `trust` (F,) as for the wrist.

    Each finger's joints bend about the line of the knuckles and the first spreads about the palm's normal: landmarks are too rough for
    more.
    """
    index = rig.index_of_role
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
        wanted = np.einsum("fji,fkj->fki", person, unit(np.diff(points[:, joints], axis=1)))[:, 1:]
        rest = np.einsum("ji,kj->ki", own, unit(np.diff(rest_points[joints], axis=0)))[1:]
        if finger == "thumb":
            relative = _thumb(rest, wanted, 1.0 if side == "left" else -1.0, seen, trust, time)
        else:
            relative = _bends(rest, _joint_angles(wanted), AT_EASE[number - 1], seen, trust, time)
        for role, turn in zip(roles, relative, strict=True):
            turns[role] = hand @ (own @ turn @ own.T)
    return turns


def _belief(trust: Array) -> Array:
    """(F,) the share of what was seen against the hand at ease."""
    return np.clip(trust / BELIEVED, 0, 1)


def _forearm_axis(rig: Rig, side: str) -> Array:
    return unit(rig.head(f"{side}_hand") - rig.head(f"{side}_forearm"))


def _wrist_axes(rig: Rig, side: str) -> tuple[Array, Array]:
    """(3,) each: the axes of the wrist's bend towards the palm, and sideways, at rest in the world; square to the forearm."""
    axis = _forearm_axis(rig, side)
    frame = _palm_frame(_rest_points(rig, side)[None], side)[0]
    curl = unit(frame[:, 2] - (frame[:, 2] @ axis) * axis)
    return curl, np.cross(axis, curl)


def _wrist_angles(rig: Rig, forearm: Array, turn: Array, side: str) -> tuple[Array, Array]:
    """A hand's turn (F, 3, 3) relative to its forearm's: twist (F,) about the forearm, radians, and bend (F, 3), a rotation vector square
    to it (swing-twist decomposition)."""
    axis = _forearm_axis(rig, side)
    own = transpose(forearm) @ turn
    bend = swing(axis, own @ axis)
    return matrix_to_axis_angle(transpose(bend) @ own) @ axis, matrix_to_axis_angle(bend)


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


def _curled(points: Array, palm: Array) -> Array:
    """(F,) how far fingers and thumb curl to the palm's face, as they must: about −3…6, below 0 for a hand's mirror image."""
    total = np.zeros(len(points))
    for number in range(1, 5):
        segments = unit(np.diff(points[:, 1 + 4 * number : 5 + 4 * number], axis=1))
        sines = np.cross(segments[:, :-1], segments[:, 1:])
        total += np.einsum("fki,fi->f", sines, palm[..., 2])
    thumb = points[:, 4] - points[:, 0]
    return total + 8 * np.sum(unit(thumb) * palm[..., 1], -1)


def _bends(rest: Array, bends: Array, ease: Array, seen: Array, trust: Array, time: Array) -> list[Array]:
    """Three turns (F, 3, 3) in the palm's frame for a finger with segment directions `rest` (3, 3) and the `bends` (F, 4) that it shall
    have, by `_joint_angles`; `ease` (3,) its bends at ease."""
    at_rest = _joint_angles(rest[None])[0]
    # A finger that is bent has no spread to speak of: its direction is nearly square to the palm.
    spread = np.clip(bends[:, 3] - at_rest[3], -SPREAD_LIMIT, SPREAD_LIMIT) * np.clip(np.cos(bends[:, 0]), 0, 1)
    # Least squares of the two outer joints' measured bends and of the rule that couples them.
    a, b, c = MIDDLE_TRUST, LAST_TRUST, COUPLING
    middle = (a * (b + 1) * bends[:, 1] + c * b * bends[:, 2]) / (a * (b + 1) + c * c * b)
    last = (b * bends[:, 2] + c * middle) / (b + 1)
    knuckle = bends[:, 0] + KNUCKLE_OFFSET
    knuckle = knuckle + SYNERGY * (KNUCKLE_TO_MIDDLE * middle - knuckle)
    angles = np.stack([knuckle, middle, last], -1)
    smooth = robust_lines(np.column_stack([np.clip(angles, *BEND_LIMITS), spread]), time, seen, FINGER_SECONDS, OUTLIER)
    belief = _belief(trust)[:, None]
    angles, spread = ease + belief * (np.clip(smooth[:, :3], *BEND_LIMITS) - ease), belief[:, 0] * smooth[:, 3]
    curl, normal = (np.broadcast_to(axis, (len(bends), 3)) for axis in ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0)))
    base = axis_angle_to_matrix(normal, -spread)
    total = np.cumsum(angles - at_rest[:3], axis=1)
    return [base @ axis_angle_to_matrix(curl, total[:, joint]) for joint in range(3)]


def _joint_angles(segments: Array) -> Array:
    """(F, 4) bends of a finger's three joints and its spread, radians, for segment directions (F, 3, 3) in the palm's frame; the knuckle's
    bend has a sign."""
    knuckle = np.arctan2(segments[:, 0, 1], segments[:, 0, 0])
    knuckle = np.where(knuckle < -0.5 * math.pi, knuckle + 2 * math.pi, knuckle)
    # The outer joints bend one way only, and their angle alone is steadier than any sign read from rough landmarks.
    outer = np.arccos(np.clip(np.sum(segments[:, 1:] * segments[:, :-1], -1), -1, 1))
    return np.column_stack([knuckle, outer, np.arcsin(np.clip(segments[:, 0, 2], -1, 1))])


def _thumb(rest: Array, wanted: Array, pinky: float, seen: Array, trust: Array, time: Array) -> list[Array]:
    """Three turns (F, 3, 3) in the palm's frame: the thumb's root swings towards where it is seen, its other joints are hinges that bend
    across the palm; `pinky` ±1: where the little finger is, along the frame's last axis."""
    root = THUMB_SHARE * matrix_to_axis_angle(limit_angle(swing(rest[0], wanted[:, 0]), THUMB_LIMITS[0]))

    def bends(segments: Array) -> Array:
        return np.arccos(np.clip(np.sum(segments[..., 1:, :] * segments[..., :-1, :], -1), -1, 1))

    hinges = np.clip(bends(wanted) - bends(rest), -THUMB_BACK, THUMB_LIMITS[1:])
    smooth = robust_lines(np.column_stack([root, hinges]), time, seen, FINGER_SECONDS, OUTLIER) * _belief(trust)[:, None]
    axis = unit(np.cross(rest[0], (0.3, 0.6, 0.75 * pinky)))
    axes = np.broadcast_to(axis, root.shape)
    turns = [rotation_vector_to_matrix(smooth[:, :3])]
    for joint in (3, 4):
        turns.append(turns[-1] @ axis_angle_to_matrix(axes, THUMB_HINGE_SHARE * smooth[:, joint]))
    return turns
