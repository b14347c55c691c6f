# SPDX-License-Identifier: GPL-3.0-or-later
"""A motion with left and right exchanged, on rigs with any rest axes (numpy)."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from .edit import UP, posed
from .kinematics import Array, continuous, matrix_to_quaternion, swing, unit
from .motion import Motion
from .rig import Rig
from .roles import FINGERS

_SIDES = {"left": "right", "right": "left", "Left": "Right", "Right": "Left", "LEFT": "RIGHT", "RIGHT": "LEFT"}
_SIDE = re.compile("|".join(_SIDES))
_LETTER = re.compile(r"(?<=[._-])[LRlr](?=$|[._-])")
_EXCHANGED = str.maketrans("LRlr", "RLrl")
# Role without its side → roles that may lie at its bone's far end, the first that the rig has counts.
_FAR_END: dict[str, tuple[str, ...]] = {
    "spine": ("spine1", "spine2", "neck", "head"),
    "spine1": ("spine2", "neck", "head"),
    "spine2": ("neck", "head"),
    "neck": ("head",),
    "head": ("head_end",),
    "shoulder": ("upper_arm",),
    "upper_arm": ("forearm",),
    "forearm": ("hand",),
    "hand": ("middle1", "index1"),
    "thigh": ("shin",),
    "shin": ("foot",),
    "foot": ("toe",),
    "toe": ("toe_end",),
    **{f"{finger}{joint}": (f"{finger}{joint + 1}",) for finger in FINGERS for joint in (1, 2, 3)},
}


def mirrored(motion: Motion, rig: Rig) -> Motion:
    """Left and right exchanged: the motion as a mirror shows it that stands upright beside the rig at rest, beginning at the same place.

    A bone's world turn becomes S·D·S of its other side's turn D, S being the reflection in the rig's own sagittal plane; where the rests of
    both sides are no mirror images of each other, bones' directions are what is mirrored. Contacts and the names of expressions are
    exchanged too. The video is not mirrored, so that no camera is left through which the rig would lie over the person.
    """
    _, turns = posed(rig, motion)
    upright = swing(rig.up, UP)
    left = unit(rig.left - (rig.left @ rig.up) * rig.up)
    at_rest, in_world = _reflection(left), _reflection(upright @ left)
    others = [_other_side(rig, bone) for bone in range(len(rig.bones))]
    new, local = np.empty_like(turns), np.empty_like(turns)
    for bone, other in enumerate(others):
        parent = int(rig.parents[bone])
        above = np.broadcast_to(np.eye(3), turns[:, 0].shape) if parent < 0 else new[:, parent]
        rest = rig.rest_rotations[bone]
        if other is None:
            new[:, bone], local[:, bone] = above, np.eye(3)
            continue
        new[:, bone] = in_world @ turns[:, other] @ at_rest @ _aligned(rig, bone, other, at_rest)
        local[:, bone] = rest.T @ np.swapaxes(above, -1, -2) @ new[:, bone] @ rest

    moved = {rig.names.index(name) for name in motion.bones}
    moved |= {bone for bone, other in enumerate(others) if other in moved}
    bones = sorted(moved)
    start = motion.root_position[0].astype(np.float64)
    return replace(
        motion,
        bones=tuple(rig.names[bone] for bone in bones),
        rotation=continuous(matrix_to_quaternion(local[:, bones])),
        root_position=start + (motion.root_position - start) @ in_world.T,
        contact=motion.contact[:, (2, 3, 0, 1)],
        expressions=tuple(_exchanged(name) for name in motion.expressions),
        camera=None,
    )


def _reflection(normal: Array) -> Array:
    """(3, 3) in the plane through the origin with this unit normal (Householder)."""
    return np.eye(3) - 2 * np.outer(normal, normal)


def _exchanged(name: str) -> str:
    """The name of the other side's: `eyeBlinkLeft`, `twist.R`; the same where no side is named."""
    worded = _SIDE.sub(lambda match: _SIDES[match[0]], name)
    return worded if worded != name else _LETTER.sub(lambda match: match[0].translate(_EXCHANGED), name)


def _other_side(rig: Rig, bone: int) -> int | None:
    """The bone on the other side, itself in the middle; None for one that is only carried along, as there is none like it there."""
    role = rig.bones[bone].role
    if role is not None:
        return rig.index_of_role.get(_exchanged(role))
    named = _exchanged(rig.names[bone])
    if named != rig.names[bone]:
        return rig.names.index(named) if named in rig.names else None
    above = bone
    while above >= 0 and rig.bones[above].role is None:
        above = int(rig.parents[above])
    return None if above >= 0 and _exchanged(str(rig.bones[above].role)) != rig.bones[above].role else bone


def _aligned(rig: Rig, bone: int, other: int, at_rest: Array) -> Array:
    """(3, 3) what turns a bone's rest direction to the mirror image of its other side's."""
    own, theirs = _direction(rig, bone), _direction(rig, other)
    return np.eye(3) if own is None or theirs is None else swing(own, at_rest @ theirs)


def _direction(rig: Rig, bone: int) -> Array | None:
    """(3,) from a bone's head to its far end at rest, in the world; None where that is not known."""
    role = rig.bones[bone].role or ""
    side = role[: role.index("_") + 1] if role.startswith(("left_", "right_")) else ""
    for end in _FAR_END.get(role.removeprefix(side), ()):
        at = rig.index_of_role.get(side + end)
        if at is not None:
            return unit(rig.rest_heads[at] - rig.rest_heads[bone])
    return None
