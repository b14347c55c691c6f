# SPDX-License-Identifier: GPL-3.0-or-later
"""All the figures of one motion against one truth."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from ningyo.synth_data.retarget.kinematics import forward_kinematics, unit
from ningyo.synth_data.retarget.motion import Motion
from ningyo.synth_data.retarget.rig import Rig
from ningyo.synth_data.retarget.root import soles, standing_height
from numpy.typing import NDArray

from . import metrics
from .file import Truth

Array = NDArray[np.float64]
SIDES = ("left", "right")
LIMB_JOINTS = tuple(f"{side}_{joint}" for side in SIDES for joint in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot"))
GROUPS = {
    "u.arm": ("left_upper_arm", "right_upper_arm"),
    "f.arm": ("left_forearm", "right_forearm"),
    "thigh": ("left_thigh", "right_thigh"),
    "shin": ("left_shin", "right_shin"),
    "spine": ("spine", "spine1", "spine2"),
    "head": ("head",),
    "foot": ("left_foot", "right_foot"),
    "hand": ("left_hand", "right_hand"),
}
FEET = (0, 1, 3, 4)  # left heel, left ball, right heel, right ball among `soles`


def evaluate(motion: Motion, truth: Truth) -> dict[str, float]:
    """Every figure of `motion`, which is of the truth's rig, over the frames that both have.

    The estimate's world is turned about the vertical so that its camera looks where the true one does, and (for the absolute root alone)
    moved over the floor until the cameras stand on one spot; nothing else is fitted. Raises ValueError when they share no frame.
    """
    rig = truth.rig
    true_at, at = _shared(truth, motion)
    heads, rotations = forward_kinematics(rig, motion)
    heads, turns = heads[at], rotations[at] @ np.swapaxes(rig.rest_rotations, -1, -2)
    seen = None if motion.camera is None else motion.camera.project(heads)[0]
    view = truth.camera.world_to_camera
    move = np.zeros(3)
    if motion.camera is not None:
        own = motion.camera.world_to_camera
        heading = metrics.heading_between(own, view)
        heads, turns = heads @ heading.T, heading @ turns
        move = metrics.camera_centre(view) - heading @ metrics.camera_centre(own)
        move[2] = 0.0

    hips = rig.index_of_role["hips"]
    limbs = [rig.index_of_role[role] for role in LIMB_JOINTS]
    joints, true_turns, contact = truth.joints[true_at], truth.turns[true_at], truth.contact[true_at]
    centred, true_centred = heads[:, limbs] - heads[:, hips, None], joints[:, limbs] - joints[:, hips, None]
    feet = soles(rig, heads, turns)
    deep, deepest = metrics.penetration(feet, standing_height(rig))
    angles = {
        group: _mean(metrics.rotation_error(turns[:, b], true_turns[:, b]) for role in roles for b in _known(rig, role))
        for group, roles in GROUPS.items()
    }
    shown = [*limbs, hips, rig.index_of_role["head"]]
    pixels = None if seen is None else metrics.reprojection_error(seen[:, shown], truth.camera.project(joints[:, shown])[0])
    return {
        "frames": float(len(at)),
        "MPJPE": metrics.joint_error(centred, true_centred),
        "PA": metrics.aligned_joint_error(centred, true_centred),
        **angles,
        "finger": finger_error(rig, turns, true_turns),
        "slide": metrics.slide(feet[:, FEET], contact, truth.fps),
        "acc": metrics.acceleration_error(heads[:, limbs], joints[:, limbs]),
        "root": metrics.drift(heads[:, hips], joints[:, hips]),
        "root abs": metrics.distance(heads[:, hips] + move, joints[:, hips]),
        "px": float("nan") if pixels is None else pixels,
        "pen": deep,
        "pen max": deepest,
    }


def finger_error(rig: Rig, turns: Array, true_turns: Array) -> float:
    """Degrees: mean difference of the bends (knuckle and both joints) of the four fingers of both hands; NaN for a rig without any."""
    return _mean(
        np.abs(metrics.bend(turns[:, above], turns[:, bone], axis) - metrics.bend(true_turns[:, above], true_turns[:, bone], axis))
        for above, bone, axis in _finger_joints(rig)
    )


def _finger_joints(rig: Rig) -> Iterator[tuple[int, int, Array]]:
    """Bone above, bone, and the world axis at rest about which it closes."""
    known = rig.index_of_role
    for side in SIDES:
        if not {f"{side}_index1", f"{side}_pinky1"} <= known.keys():
            continue
        wrist = rig.head(f"{side}_hand")
        across = np.cross(rig.head(f"{side}_index1") - wrist, rig.head(f"{side}_pinky1") - wrist)
        palm = -across if side == "left" else across
        for finger in ("index", "middle", "ring", "pinky"):
            chain = [f"{side}_hand", *(f"{side}_{finger}{i}" for i in (1, 2, 3, 4))]
            for above, bone, end in zip(chain, chain[1:], chain[2:], strict=False):
                if above in known and bone in known and end in known:
                    yield known[above], known[bone], unit(np.cross(rig.head(end) - rig.head(bone), palm))


def _shared(truth: Truth, motion: Motion) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Frames of the truth, and of the motion the nearest in time to each, where both lie within half a frame of each other."""
    nearest = np.abs(motion.time[None] - truth.time[:, None]).argmin(axis=1)
    true_at = np.flatnonzero(np.abs(motion.time[nearest] - truth.time) < 0.5 / truth.fps)
    if len(true_at) < 3:
        raise ValueError("the motion and the truth share less than three frames")
    return true_at, nearest[true_at]


def _mean(values: Iterator[Array]) -> float:
    found = list(values)
    return float(np.mean(found)) if found else float("nan")


def _known(rig: Rig, role: str) -> list[int]:
    return [rig.index_of_role[role]] if role in rig.index_of_role else []
