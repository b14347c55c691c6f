# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rig's rest pose means: for each role, axes that are the same on every rig in the same pose (numpy).

They are built from where joints are, never from bones' own axes, so that a T-pose and an A-pose, rolls and tails make no difference. A bone
with the frame F at rest on one rig and G on another is in the same pose where its turns from rest there are D and D·F·Gᵀ.
"""

from __future__ import annotations

import math

import numpy as np

from .body import SIDES, SPINE, bend_frame, rest_joints
from .kinematics import Array, axis_angle_to_matrix, frame_from, swing, unit
from .markers import rest_basis
from .rig import Rig
from .roles import FINGERS, ROLES, role_above

# A rest pose leaning by less than the first stands upright by its maker's intention; by more than the second it is hunched.
UPRIGHT, HUNCHED = math.radians(10), math.radians(25)
NECK_UPRIGHT, NECK_HUNCHED = math.radians(35), math.radians(60)
# Joints of one skeleton lie in its bones' own axes in the same directions (cosine), at the same distances (share).
SAME_DIRECTION, SAME_LENGTH = math.cos(math.radians(2)), 0.02
Frames = dict[str, Array]


def rest_frames(rig: Rig, *, hands: bool = True) -> Frames:
    """Role → (3, 3) world axes of that bone at rest, right-handed; for those of the rig's roles whose direction is known.

    The columns' meaning differs from role to role: trunk, neck, head and eyes have left, back and up of a body that stands; limbs their
    direction, the way the joint at their end bends, and its axis; hands and fingers their direction, towards the index finger, and what is
    square to both; feet are level. Without `hands` these are left out, and do not tell how the forearms are turned.
    """
    basis, heads = rest_basis(rig), {role: rig.rest_heads[index] for role, index in rig.index_of_role.items()}
    hips = 0.5 * (heads["left_thigh"] + heads["right_thigh"])
    chest = _leaning(heads["neck" if "neck" in heads else "head"] - hips, rig.up, UPRIGHT, HUNCHED) @ basis
    frames: Frames = {"hips": basis, **dict.fromkeys(SPINE, chest), "head": basis}
    if "neck" in heads:
        frames["neck"] = _leaning(heads["head"] - heads["neck"], rig.up, NECK_UPRIGHT, NECK_HUNCHED) @ basis
    for side in SIDES:
        of_side = {role.removeprefix(f"{side}_"): head for role, head in heads.items() if role.startswith(f"{side}_")}
        found = {"eye": basis, "shoulder": chest, **_limbs(rig, of_side, side)}
        if hands and knows_hands(rig):
            found |= _hand(of_side)
        frames |= {f"{side}_{role}": frame for role, frame in found.items()}
    return {role: frame for role, frame in frames.items() if role in heads}


def knows_hands(rig: Rig) -> bool:
    """Whether both hands have two fingers or more, beside the thumb."""
    return all(sum(f"{side}_{finger}1" in rig.index_of_role for finger in FINGERS[1:]) > 1 for side in SIDES)


def corrections(source: Rig, target: Rig) -> Frames:
    """Role → (3, 3) C such that a turn D from rest on `source` is D·C on `target`, for the roles that both have.

    Where the rigs are one skeleton in two rest poses, C is exact. Where one of them does not tell a bone's axes (a finger's last joint
    without a tip, a hand without fingers), C is that of the bone it hangs from.
    """
    both = [role for role in ROLES if role in source.index_of_role and role in target.index_of_role]
    if same_skeleton(source, target):
        axes = [{role: rig.rest_rotations[rig.index_of_role[role]] for role in both} for rig in (source, target)]
    else:
        hands = knows_hands(source) and knows_hands(target)
        axes = [rest_frames(rig, hands=hands) for rig in (source, target)]
    found: Frames = {}
    for role in both:
        if role in axes[0] and role in axes[1]:
            found[role] = axes[0][role] @ axes[1][role].T
        else:
            found[role] = found[role_above(role, found)]
    return found


def same_skeleton(source: Rig, target: Rig) -> bool:
    """Whether these are one skeleton, at any two sizes and in any two rest poses: the same roles, and each joint at the same place in the
    axes of the bone it hangs from."""
    if set(source.index_of_role) != set(target.index_of_role):
        return False
    places = []
    for rig in (source, target):
        below = [rig.index_of_role[role] for role in ROLES if role in rig.index_of_role and role != "hips"]
        above = [_carrier(rig, bone) for bone in below]
        offset = (rig.rest_heads[below] - rig.rest_heads[above])[..., None]
        places.append((np.swapaxes(rig.rest_rotations[above], -1, -2) @ offset)[..., 0] / rig.leg_length)
    a, b = places
    long, short = (choose(np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)) for choose in (np.maximum, np.minimum))
    return bool((long - short < SAME_LENGTH * long + 1e-6).all() and (np.sum(a * b, axis=1) > SAME_DIRECTION * long * short - 1e-9).all())


def _carrier(rig: Rig, bone: int) -> int:
    """The nearest bone with a role that a bone hangs from; itself where there is none."""
    above = int(rig.parents[bone])
    while above >= 0 and rig.bones[above].role is None:
        above = int(rig.parents[above])
    return above if above >= 0 else bone


def _leaning(direction: Array, up: Array, upright: float, hunched: float) -> Array:
    """(3, 3) what tilts `up` to `direction`, by less the less that is."""
    axis = np.cross(up, unit(direction))
    angle = math.atan2(float(np.linalg.norm(axis)), float(up @ unit(direction)))
    share = min(max((angle - upright) / (hunched - upright), 0.0), 1.0)
    return axis_angle_to_matrix(unit(axis), share * share * (3 - 2 * share) * angle)


def _limbs(rig: Rig, heads: Frames, side: str) -> Frames:
    """Frames of an arm and a leg; `heads` are of this side alone, by roles without their side, and so are those of the result."""
    frames: Frames = {}
    for arm, (upper, lower, end) in ((True, ("upper_arm", "forearm", "hand")), (False, ("thigh", "shin", "foot"))):
        frames[upper] = bend_frame(rest_joints(rig), side, arm=arm)[0]
        frames[lower] = swing(unit(heads[lower] - heads[upper]), unit(heads[end] - heads[lower])) @ frames[upper]
    way = (heads["toe"] if "toe" in heads else heads["foot"]) - heads["foot"]
    level = way - (way @ rig.up) * rig.up
    towards = level if np.linalg.norm(level) > 0.2 * np.linalg.norm(heads["foot"] - heads["shin"]) else rig.facing
    frames["foot"] = frames["toe"] = frame_from(towards, rig.up)
    return frames


def _hand(heads: Frames) -> Frames:
    """Frames of a hand, its fingers and its forearm, as `_limbs`."""
    knuckles = [heads[f"{finger}1"] for finger in FINGERS[1:] if f"{finger}1" in heads]
    across = unit(knuckles[0] - knuckles[-1])
    middle = heads["middle1"] if "middle1" in heads else np.mean(knuckles, axis=0)
    hand = frame_from(middle - heads["hand"], across)
    # At rest a forearm is not wrung: it is turned as its hand is.
    frames = {"forearm": frame_from(heads["hand"] - heads["forearm"], across), "hand": hand}
    for finger in FINGERS:
        for joint in (1, 2, 3):
            if f"{finger}{joint + 1}" in heads:
                along = heads[f"{finger}{joint + 1}"] - heads[f"{finger}{joint}"]
                frames[f"{finger}{joint}"] = frame_from(along, hand[:, 2] if finger == "thumb" else across)
    return frames
