# SPDX-License-Identifier: GPL-3.0-or-later
"""A motion of one rig on any other (numpy).

Every role's world turn from rest is carried over, corrected for what the two rest poses differ by (`rest_frames`). A spine of more or
fewer bones bends as far in all. The way of the hips grows with the legs, soles come as near to the floor as they were, and contacts are
held again.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...errors import UserError
from ...jobs.progress import SILENT, Reporter
from .body import SPINE, transpose
from .closed_form import moved_bones
from .edit import posed
from .feet import DOWN, OTHER_FLOOR, hold_feet
from .kinematics import Array, continuous, local_from_turns, matrix_to_quaternion, slerp_matrices
from .markers import MEASURED_LEG
from .motion import Camera, Motion
from .rest_frames import Frames, corrections, same_skeleton
from .rig import Rig
from .roles import ROLES
from .root import soles, standing_height

SAME_PLACE, SAME_TURN = 1e-4, 1e-4  # of the rig's height, and of a rest matrix: rigs that differ by less are one
# Soles follow the source's height over the floor in full while that is less than the first, and not at all above the second: in a handstand
# it is not they that stand. Shares of the leg.
NEAR_FLOOR, OFF_FLOOR = 0.15, 0.5


def transfer(motion: Motion, rig: Rig) -> Motion:
    """The motion on `rig`, in the same world, facing the same way.

    Places are scaled about the point of the floor under the world's origin, by the ratio of the legs, and the camera with them, so that the
    rig so posed lies over the person in the video. A role that `rig` lacks is left out, one that the motion's rig lacks is carried along by
    the bone above. Expressions, contacts, times and all else stay. On the rig that it was made for the motion is returned as it is.

    Raises UserError for a motion that does not know its rig.
    """
    source = motion.rig
    if source is None:
        raise UserError(
            f"This motion was written by an older Ningyo and does not hold its rig, {motion.rig_name or 'which is not named'}; make it "
            "again with `ningyo retarget` to have it on others."
        )
    if same_rig(source, rig):
        return motion
    heads, turns = posed(source, motion)
    size = rig.leg_length / source.leg_length
    twins = same_skeleton(source, rig)
    if twins:
        local, new_turns, bones = _of_one_skeleton(source, rig, motion, turns)
    else:
        by_role = {role: turns[:, index] for role, index in source.index_of_role.items()}
        local, new_turns = local_from_turns(rig, role_turns(source, rig, by_role))
        bones = moved_bones(rig)
    # The world's origin on the source's floor, and where it comes to lie: twins may stand in the air at rest.
    start = np.array([0.0, 0.0, standing_height(source)])
    end = start if twins else np.array([0.0, 0.0, standing_height(rig)])
    still_heads = _heads(rig, new_turns)
    root = (_between_hips(source, heads) - start) * size + end - _between_hips(rig, still_heads)
    camera = None if motion.camera is None else _scaled_view(motion.camera, size, start, end)
    rotation = continuous(matrix_to_quaternion(local[:, bones])).astype(np.float32)
    names = tuple(rig.names[bone] for bone in bones)
    moved = replace(motion, rig=rig, bones=names, rotation=rotation, root_position=root, camera=camera)
    if twins:
        return moved

    standing = soles(source, heads, turns)
    wanted = (standing - start) * size + end
    floor = (_floor(source, motion, standing[:, (0, 1, 3, 4), 2]) - start[2]) * size + end[2]
    reached = soles(rig, still_heads + root[:, None], new_turns)
    near = np.clip((OFF_FLOOR - (wanted[..., 2].min(axis=1) - floor) / rig.leg_length) / (OFF_FLOOR - NEAR_FLOOR), 0.0, 1.0)
    root[:, 2] += near * near * (3 - 2 * near) * (wanted[..., 2].min(axis=1) - reached[..., 2].min(axis=1))
    moved = replace(moved, root_position=root)
    return hold_feet(rig, moved, floor=floor) if (motion.contact > DOWN).any() else moved


def on_rig(motion: Motion, rig: Rig, *, report: Reporter = SILENT) -> Motion:
    """The motion as it can be played on `rig`: transferred where it was made for another, which is told to `report`.

    A motion that does not know its rig is taken as it is, with a warning where it is another's by its hash.
    """
    if motion.rig is None:
        if motion.rig_sha256 != rig.source_sha256:
            report.warning(f"The motion was made for {motion.rig_name}, not for {rig.name}; feet and proportions may not fit.")
        return motion
    moved = transfer(motion, rig)
    if moved is not motion and motion.rig_sha256 != rig.source_sha256:
        report.warning(f"The motion was made for {motion.rig_name} and is transferred to {rig.name}.")
    return moved


def same_rig(one: Rig, other: Rig) -> bool:
    """Whether two rigs are one and the same: bones, roles, rest poses and places in the world."""
    if one is other:
        return True
    if one.names != other.names or (one.parents != other.parents).any() or one.index_of_role != other.index_of_role:
        return False
    return bool(
        np.abs(one.rest_heads - other.rest_heads).max() < SAME_PLACE * one.height
        and np.abs(one.rest_rotations - other.rest_rotations).max() < SAME_TURN
    )


def role_turns(source: Rig, target: Rig, turns: Frames) -> Frames:
    """Turns from rest (F, 3, 3) by role on `target` for those on `source`; of roles without an equal on `source` only the spine's and the
    neck's, from what is above and below them."""
    correction = corrections(source, target)
    moved = {role: turns[role] @ correction[role] for role in ROLES if role in correction and role in turns}
    moved |= _spine(source, target, moved, turns, correction)
    if "neck" in target.index_of_role and "neck" not in moved:
        chest = [role for role in SPINE if role in target.index_of_role][-1]
        moved["neck"] = slerp_matrices(moved[chest], moved["head"], 0.5)
    return moved


def _spine(source: Rig, target: Rig, moved: Frames, turns: Frames, correction: Frames) -> Frames:
    """Turns of the target's spine, at the same shares of the way from hips to chest as the source's."""
    theirs, ours = ([role for role in SPINE if role in rig.index_of_role] for rig in (source, target))
    if theirs == ours:
        return {}
    # All of a spine has one correction, and the first bone is on every rig.
    along = [moved["hips"], *(turns[role] @ correction["spine"] for role in theirs)]
    found = {}
    for number, role in enumerate(ours, 1):
        place = number * len(theirs) / len(ours)
        low = min(int(place + 1e-9), len(theirs) - 1)
        found[role] = slerp_matrices(along[low], along[low + 1], place - low)
    return found


def _of_one_skeleton(source: Rig, rig: Rig, motion: Motion, turns: Array) -> tuple[Array, Array, list[int]]:
    """Own rotations and turns (F, B, 3, 3) of all bones of a rig whose skeleton is the source's, which leave all bones that both have as
    they are, if they have a role or not; and which bones to name."""
    frames = len(turns)
    world, local = np.empty((frames, len(rig.bones), 3, 3)), np.empty((frames, len(rig.bones), 3, 3))
    theirs = {name: index for index, name in enumerate(source.names)} | {
        rig.names[rig.index_of_role[role]]: index for role, index in source.index_of_role.items()
    }
    for bone, (name, parent) in enumerate(zip(rig.names, rig.parents.tolist(), strict=True)):
        rest = rig.rest_rotations[bone]
        above = world[:, parent] if parent >= 0 else np.broadcast_to(np.eye(3), (frames, 3, 3))
        world[:, bone] = above
        if name in theirs:
            world[:, bone] = turns[:, theirs[name]] @ source.rest_rotations[theirs[name]] @ rest.T
        local[:, bone] = rest.T @ transpose(above) @ world[:, bone] @ rest
    moved = {theirs[name] for name in motion.bones if name in theirs}
    bones = [bone for bone, name in enumerate(rig.names) if theirs.get(name) in moved]
    return local, world, sorted({*moved_bones(rig), *bones})


def _floor(rig: Rig, motion: Motion, height: Array) -> float:
    """World height of the floor that the motion stands on: the rig's, unless contacts, at the `height` (F, 4) of heels and toes, say that
    it is another."""
    own, down = standing_height(rig), motion.contact > DOWN
    found = float(np.median(height[down])) if down.any() else own
    return own if abs(found - own) < OTHER_FLOOR * rig.leg_length / MEASURED_LEG else found


def _heads(rig: Rig, turns: Array) -> Array:
    """(F, B, 3) world heads of the hips and what hangs from them, for turns from rest (F, B, 3, 3), with the hips at the origin."""
    heads = np.zeros(turns.shape[:3])
    for bone, parent in enumerate(rig.parents.tolist()):
        if parent >= 0 and bone != rig.index_of_role["hips"]:
            heads[:, bone] = heads[:, parent] + turns[:, parent] @ (rig.rest_heads[bone] - rig.rest_heads[parent])
    return heads


def _between_hips(rig: Rig, heads: Array) -> Array:
    """(F, 3) the middle between the thighs' joints: where rigs have their hips' own joint differs."""
    return 0.5 * (heads[:, rig.index_of_role["left_thigh"]] + heads[:, rig.index_of_role["right_thigh"]])


def _scaled_view(camera: Camera, size: float, start: Array, end: Array) -> Camera:
    """The camera in a world in which x went to (x − start)·size + end: what it saw lies in the picture where it lay."""
    look, at = camera.world_to_camera[:, :3], camera.world_to_camera[:, 3]
    moved = size * (look @ start + at) - look @ end
    return replace(camera, world_to_camera=np.concatenate([look, moved[:, None]], 1))
