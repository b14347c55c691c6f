# SPDX-License-Identifier: GPL-3.0-or-later
"""An animator's controls: Motion and Rig in, Motion out (numpy). None of them changes what it is given.

The motion's camera stays the one through which the posed rig lies over the person in the video, or becomes None where there is none such.
Angles are in degrees, times in seconds of the video's clock, places in world metres.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import UserError
from ..pose.filters import savitzky_golay
from .kinematics import (
    Array,
    axis_angle_to_matrix,
    continuous,
    forward_kinematics,
    matrix_to_quaternion,
    quaternion_to_matrix,
    rotation_vector_to_matrix,
    rotations_of,
    swing,
    unit,
)
from .motion import Camera, Motion
from .resample import resample, resample_rotations
from .rig import Rig
from .root import soles

UP = np.array([0.0, 0.0, 1.0])
PATH_SECONDS = 0.5  # standard deviation of the Gaussian that tells the path a person travels from their sway
SPREAD_IN_FULL = math.sin(math.radians(45))  # of the angle between arm and sideways: below, arms are spread by less
DOWN = 0.5  # a contact above this is one
PARTS = ("root", "hips", "torso", "head", "left_arm", "right_arm", "hands", "fingers", "legs", "face")
_PER_FRAME = ("time", "rotation", "root_position", "contact", "residual", "confidence", "expression")


def trim(motion: Motion, start: float | None = None, end: float | None = None) -> Motion:
    """The frames from `start` to before `end`, seconds of the video's clock (None: from the first, to the last); times stay as they are.

    UserError when no frame is left.
    """
    first, last = -math.inf if start is None else start, math.inf if end is None else end
    keep = (motion.time >= first - 1e-6) & (motion.time < last - 1e-6)
    if not keep.any():
        lasts = f"the motion lasts from {motion.time[0]:.2f} to {motion.time[-1]:.2f} s of its video"
        raise UserError(f"No frame is left between the start and the end asked for; {lasts}.")
    return replace(motion, **{name: getattr(motion, name)[keep] for name in _PER_FRAME})


def at_rate(motion: Motion, fps: float) -> Motion:
    """The same motion at `fps` frames a second, at whole multiples of 1 / `fps` of the video's clock, so that people of one video stay
    together. Rotations are interpolated spherically, all else linearly, by time stamps. UserError for a rate out of range."""
    check_rate(fps)
    if fps == motion.fps:
        return motion
    first, last = math.ceil(motion.time[0] * fps - 1e-6), math.floor(motion.time[-1] * fps + 1e-6)
    wanted = np.arange(first, last + 1) / fps if last >= first else motion.time[:1]
    arrays = {name: resample(getattr(motion, name), motion.time, wanted) for name in _PER_FRAME[2:]}
    rotation = resample_rotations(motion.rotation.astype(np.float64), motion.time, wanted)
    return replace(motion, fps=float(fps), time=wanted, rotation=_normalised(rotation), **arrays)


def smoothed(motion: Motion, seconds: float) -> Motion:
    """Rotations and root without what is faster than about `seconds`: a polynomial of second degree fitted to the frames that lie within
    `seconds` around each (Savitzky and Golay 1964), in quaternions of continuous sign, normalised; no lag. Expressions stay, lest blinks
    go. Feet that stood still no longer quite do: hold them again (`feet.hold_feet`). UserError for a time out of range."""
    check_smoothing(seconds)
    if seconds == 0:
        return motion
    rotation = continuous(motion.rotation)
    root = savitzky_golay(motion.root_position, seconds, motion.time)
    return replace(motion, rotation=_normalised(savitzky_golay(rotation, seconds, motion.time), rotation), root_position=root)


def in_place(motion: Motion, rig: Rig) -> Motion:
    """The motion without its travel over the floor: the path of the hips, smoothed over about a second, is taken away horizontally; what
    is faster (the sway of a step) stays, and so does all height. It stays where its path begins.

    Feet that stood now slide beneath the body, so there are no contacts left, and no fixed camera sees it as the video does.
    """
    path = _slow(motion.root_position[:, :2].astype(np.float64), PATH_SECONDS * motion.fps)
    root = motion.root_position.astype(np.float64)
    root[:, :2] += path[0] - path
    return replace(motion, root_position=root, contact=np.zeros_like(motion.contact), camera=None)


def heading(motion: Motion, rig: Rig, degrees: float) -> Motion:
    """The whole motion turned by `degrees` about the vertical through its start, counter-clockwise seen from above; the camera with it."""
    return _carried(motion, rig, axis_angle_to_matrix(UP, math.radians(degrees)), motion.root_position[0].astype(np.float64), np.zeros(3))


def at_floor(motion: Motion, rig: Rig, height: float) -> Motion:
    """The whole motion raised or lowered so that the floor it stands on (`floor_of`) is at `height`; the camera with it."""
    return _carried(motion, rig, np.eye(3), np.zeros(3), np.array([0.0, 0.0, height - floor_of(rig, motion)]))


def floor_of(rig: Rig, motion: Motion) -> float:
    """World height of what the motion stands on: the median height of soles in contact; without contacts, nearly the lowest of all."""
    heads, turns = posed(rig, motion)
    height = soles(rig, heads, turns)[..., 2]
    down = motion.contact > DOWN
    if down.any():
        return float(np.median(height[:, (0, 1, 3, 4)][down]))
    return float(np.percentile(height.min(axis=1), 5))


def arm_spread(motion: Motion, rig: Rig, degrees: float) -> Motion:
    """Upper arms turned sideways away from the body by `degrees` (negative: towards it), with all that hangs from them.

    An arm is turned in the plane through itself and the chest's own sideways axis, in full where it is 45° or more away from that axis and
    by less the nearer it is, so that arms that are held out stay where they are. UserError beyond ±90°.
    """
    check_spread(degrees)
    heads, turns = posed(rig, motion)
    index = rig.index_of_role
    chest = turns[:, index[next(role for role in ("spine2", "spine1", "spine") if role in index)]]
    local = rotations_of(rig, motion)
    moved = []
    for side, sign in (("left", 1.0), ("right", -1.0)):
        shoulder, elbow = index[f"{side}_upper_arm"], index[f"{side}_forearm"]
        arm, sideways = unit(heads[:, elbow] - heads[:, shoulder]), chest @ (sign * rig.left)
        axis = np.cross(arm, sideways)
        sine = np.linalg.norm(axis, axis=1)
        apart = np.arctan2(sine, np.sum(arm * sideways, axis=1))
        angle = np.minimum(math.radians(degrees) * np.minimum(sine / SPREAD_IN_FULL, 1.0), apart)
        turn = axis_angle_to_matrix(unit(axis), angle) @ turns[:, shoulder]
        local[:, shoulder] = _own_rotation(rig, turns, shoulder, turn)
        moved.append(shoulder)
    return _with_rotations(motion, rig, local, moved)


def influence(motion: Motion, rig: Rig, shares: Mapping[str, float]) -> Motion:
    """How much of the motion each of PARTS takes part in: 1 all of it, 0 rest, evenly in between. Parts that are not named keep all.

    `root` is the way of the hips, from their start at rest height; `hips` their tilt (not where they face); `torso` the spine, `head` neck
    and head, `left_arm` and `right_arm` from shoulder to forearm, `hands` the wrists, `legs` from thigh to toe, `face` the expressions.
    Where legs or root do not follow in full there are no contacts left, and the camera is gone where the root does not. After another
    change of the hips, feet are to be held again. UserError for an unknown part or a share that is not 0…1.
    """
    check_shares(shares)
    local = rotations_of(rig, motion)
    for bone in (rig.names.index(name) for name in motion.bones):
        share = shares.get(_part_of(rig, bone), 1.0)
        if share == 1:
            continue
        if rig.bones[bone].role == "hips":
            _, turns = posed(rig, motion)
            local[:, bone] = _own_rotation(rig, turns, bone, _less_tilted(rig, turns[:, bone], share))
        else:
            local[:, bone] = _power(local[:, bone], share)

    root = motion.root_position.astype(np.float64)
    share = shares.get("root", 1.0)
    start = np.array([*root[0, :2], rig.rest_heads[rig.index_of_role["hips"], 2] if rig.up[2] > 0.7 else np.median(root[:, 2])])
    assert motion.expression is not None  # set by Motion itself
    feet_follow = min(share, shares.get("legs", 1.0)) == 1
    changed = replace(
        motion,
        root_position=start + share * (root - start),
        contact=motion.contact if feet_follow else np.zeros_like(motion.contact),
        camera=motion.camera if share == 1 else None,
        expression=shares.get("face", 1.0) * motion.expression,
    )
    return _with_rotations(changed, rig, local)


def check_rate(fps: float) -> None:
    """UserError for a frame rate that is none; so do the next three for what their controls cannot be."""
    if not 0 < fps <= 1000:
        raise UserError(f"{fps:g} frames a second are not possible; give a rate above 0 and up to 1000.")


def check_smoothing(seconds: float) -> None:
    if not 0 <= seconds <= 60:
        raise UserError(f"Smoothing over {seconds:g} s is of no use; give a time from 0 to 60 s.")


def check_spread(degrees: float) -> None:
    if not -90 <= degrees <= 90:
        raise UserError(f"Arms cannot be spread by {degrees:g} degrees; give between -90 and 90.")


def check_shares(shares: Mapping[str, float]) -> None:
    for part, share in shares.items():
        if part not in PARTS:
            raise UserError(f"There is no part {part!r} to give an influence to; the parts are {', '.join(PARTS)}.")
        if not 0 <= share <= 1:
            raise UserError(f"An influence of {share:g} on {part} is out of range; give a share between 0 and 1.")


def posed(rig: Rig, motion: Motion) -> tuple[Array, Array]:
    """World heads (F, B, 3) in metres and turns (F, B, 3, 3), the bones' world rotations relative to rest."""
    heads, rotations = forward_kinematics(rig, motion)
    return heads, rotations @ np.swapaxes(rig.rest_rotations, -1, -2)


def _carried(motion: Motion, rig: Rig, turn: Array, pivot: Array, shift: Array) -> Motion:
    """The motion and its camera moved rigidly: a point x goes to turn·(x − pivot) + pivot + shift."""
    hips = rig.index_of_role["hips"]
    local = rotations_of(rig, motion)
    _, turns = posed(rig, motion)
    local[:, hips] = _own_rotation(rig, turns, hips, turn @ turns[:, hips])
    root = (motion.root_position - pivot) @ turn.T + pivot + shift
    camera = motion.camera
    if camera is not None:
        look = camera.world_to_camera[:, :3] @ turn.T
        behind = camera.world_to_camera[:, 3] - look @ (pivot + shift - turn @ pivot)
        camera = Camera(camera.focal_px, camera.width, camera.height, np.concatenate([look, behind[:, None]], 1))
    return _with_rotations(replace(motion, root_position=root, camera=camera), rig, local, [hips])


def _own_rotation(rig: Rig, turns: Array, bone: int, turn: Array) -> Array:
    """(F, 3, 3) a bone's own rotation that gives it the world `turn`, its parent's being that of `turns` (F, B, 3, 3)."""
    parent = int(rig.parents[bone])
    above = np.broadcast_to(np.eye(3), turn.shape) if parent < 0 else turns[:, parent]
    rest = rig.rest_rotations[bone]
    return rest.T @ np.swapaxes(above, -1, -2) @ turn @ rest


def _with_rotations(motion: Motion, rig: Rig, local: Array, more: list[int] | None = None) -> Motion:
    """The motion with its bones' own rotations, and those of `more` bones, out of `local` (F, B, 3, 3) of all of the rig's."""
    names = list(dict.fromkeys([*motion.bones, *(rig.names[bone] for bone in more or ())]))
    rotation = continuous(matrix_to_quaternion(local[:, [rig.names.index(name) for name in names]]))
    return replace(motion, bones=tuple(names), rotation=rotation)


def _less_tilted(rig: Rig, turn: Array, share: float) -> Array:
    """Turns of the hips (F, 3, 3) with a `share` of their tilt; which way they face stays (their rotation about the vertical)."""
    upright = swing(rig.up, UP)  # as it stands; a rig may lie at rest
    q = matrix_to_quaternion(turn @ upright.T)
    about = np.stack([q[:, 0], np.zeros(len(q)), np.zeros(len(q)), q[:, 3]], -1)
    facing = quaternion_to_matrix(_normalised(about, np.broadcast_to((1.0, 0.0, 0.0, 0.0), q.shape)))
    tilt = np.swapaxes(facing, -1, -2) @ turn @ upright.T
    return facing @ _power(tilt, share) @ upright


def _power(matrix: Array, share: float) -> Array:
    """Rotations (F, 3, 3) by a `share` of their angles, which run on beyond half a turn, so that frames follow from each other."""
    q = continuous(matrix_to_quaternion(matrix))
    sine = np.linalg.norm(q[:, 1:], axis=1, keepdims=True)
    return rotation_vector_to_matrix(unit(q[:, 1:]) * (2 * share * np.arctan2(sine, q[:, :1])))


def _part_of(rig: Rig, bone: int) -> str:
    """The part that a bone belongs to; one without a role, that of the bone it hangs from."""
    at = bone
    while at >= 0 and rig.bones[at].role is None:
        at = int(rig.parents[at])
    side, _, role = str(rig.bones[at].role if at >= 0 else "").partition("_")
    if side not in ("left", "right"):
        return {"hips": "hips", "neck": "head", "head": "head"}.get(side, "torso" if side.startswith("spine") else "")
    if role in ("shoulder", "upper_arm", "forearm"):
        return f"{side}_arm"
    return {"hand": "hands", "eye": "head"}.get(role, "legs" if role in ("thigh", "shin", "foot", "toe", "toe_end") else "fingers")


def _normalised(q: npt.NDArray[Any], otherwise: npt.NDArray[Any] | None = None) -> Array:
    """Quaternions (…, 4) at unit length; `otherwise` where they have next to none."""
    q = np.asarray(q, np.float64)
    length = np.linalg.norm(q, axis=-1, keepdims=True)
    safe = q / np.maximum(length, 1e-9)
    return safe if otherwise is None else np.where(length > 1e-3, safe, otherwise)


def _slow(values: Array, sigma: float) -> Array:
    """(F, C) values through a Gaussian of `sigma` frames. At the ends they go on as their mirror through the end point, so that a steady
    walk keeps its speed."""
    reach = math.ceil(3 * sigma)
    if len(values) < 2 or reach < 1:
        return values.copy()
    longer = np.pad(values, ((reach, reach), (0, 0)), mode="reflect", reflect_type="odd")
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    return np.stack([np.convolve(column, kernel / kernel.sum(), mode="valid") for column in longer.T], -1)
