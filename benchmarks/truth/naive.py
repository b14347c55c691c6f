# SPDX-License-Identifier: GPL-3.0-or-later
"""What a short script does: MediaPipe's landmarks taken for the rig's joints, each bone swung onto its direction, frame by frame."""

from __future__ import annotations

import numpy as np
from ningyo.synth_data.pose.filters import fill_gaps
from ningyo.synth_data.pose.track import PoseTrack
from ningyo.synth_data.retarget.kinematics import frame_from, local_from_turns, matrix_to_quaternion, pose, swing, unit
from ningyo.synth_data.retarget.motion import Camera, Motion
from ningyo.synth_data.retarget.rig import Rig
from ningyo.synth_data.retarget.root import guessed_focal, place_before_camera, soles, standing_height
from numpy.typing import NDArray

Array = NDArray[np.float64]
# Bone → the bone it is carried by, and the landmarks it points from and to; of the left side, the right has the next numbers.
LIMBS = {
    "upper_arm": ("spine2", 11, 13),
    "forearm": ("upper_arm", 13, 15),
    "hand": ("forearm", 15, 19),
    "thigh": ("hips", 23, 25),
    "shin": ("thigh", 25, 27),
    "foot": ("shin", 29, 31),
}
ENDS = {"upper_arm": "forearm", "forearm": "hand", "hand": "middle1", "thigh": "shin", "shin": "foot", "foot": "toe"}
JOINTS = {11: "upper_arm", 13: "forearm", 15: "hand", 23: "thigh", 25: "shin", 27: "foot"}


def swings(track: PoseTrack, rig: Rig) -> Motion:
    """The first person of `track` on a rig in Mixamo's T-pose that faces −Y; the root is where the joints cover the landmarks, the lens
    is guessed, the camera level."""
    there = np.isfinite(track.body_world[0]).all(axis=(1, 2))
    span = slice(int(np.flatnonzero(there)[0]), int(np.flatnonzero(there)[-1]) + 1)
    world, image = (fill_gaps(a[0, span].astype(np.float64), there[span]) for a in (track.body_world, track.body_image))
    weight = np.nan_to_num(track.body_visibility[0, span].astype(np.float64)) ** 2 + 1e-4
    p = np.stack([world[..., 0], world[..., 2], -world[..., 1]], -1)

    turns = _trunk(rig, p)
    for k, side in enumerate(("left", "right")):
        for bone, (above, start, end) in LIMBS.items():
            carried = turns[above if above in turns else f"{side}_{above}"]
            rest = _rest_direction(rig, side, bone)
            seen = unit(p[:, end + k] - p[:, start + k])
            turns[f"{side}_{bone}"] = carried @ swing(rest, np.einsum("fji,fj->fi", carried, seen))
    local, all_turns = local_from_turns(rig, turns)
    heads = rig.to_world(pose(rig, local, np.zeros((len(p), 3)))[0])

    focal = guessed_focal(track.size[1])
    marks = [landmark + k for landmark in JOINTS for k in (0, 1)]
    joints = [rig.index_of_role[f"{side}_{role}"] for role in JOINTS.values() for side in ("left", "right")]
    place, _ = place_before_camera(heads[:, joints], image[:, marks, :2], weight[:, marks], focal, track.size)
    low = soles(rig, heads + place[:, None], all_turns)[..., 2].min(axis=1)
    eye = standing_height(rig) - float(np.percentile(low, 10))
    root = place + np.array([0.0, 0.0, eye])
    look = np.array([[1.0, 0, 0, 0], [0, 0, -1.0, eye], [0, 1.0, 0, 0]])
    frames = len(p)
    return Motion(
        fps=track.fps,
        bones=rig.names,
        time=track.time[span],
        rotation=matrix_to_quaternion(local).astype(np.float32),
        root_position=root.astype(np.float32),
        contact=np.zeros((frames, 4), np.float32),
        residual=np.zeros(frames, np.float32),
        confidence=np.ones(frames, np.float32),
        camera=Camera(focal, *track.size, look),
        method="naive",
        rig=rig,
    )


def _trunk(rig: Rig, p: Array) -> dict[str, Array]:
    up = unit(p[:, 11] + p[:, 12] - p[:, 23] - p[:, 24])
    rest_up = unit(rig.head("left_upper_arm") + rig.head("right_upper_arm") - rig.head("left_thigh") - rig.head("right_thigh"))
    turns = {}
    for role, left, right, joint in (("hips", 23, 24, "thigh"), ("spine2", 11, 12, "upper_arm")):
        rest = frame_from(rest_up, rig.head(f"left_{joint}") - rig.head(f"right_{joint}"))
        turns[role] = frame_from(up, p[:, left] - p[:, right]) @ rest.T
    turns["spine"] = turns["spine1"] = turns["spine2"]
    ears = frame_from(p[:, 7] - p[:, 8], p[:, 0] - 0.5 * (p[:, 7] + p[:, 8]))
    rest = frame_from(rig.left, rig.facing)
    turns["head"] = ears @ rest.T
    return turns


def _rest_direction(rig: Rig, side: str, bone: str) -> Array:
    end = f"{side}_{ENDS[bone]}"
    if end not in rig.index_of_role:
        return rig.facing if bone == "foot" else _rest_direction(rig, side, "forearm")
    direction = rig.head(end) - rig.head(f"{side}_{bone}")
    if bone == "foot":  # heel to toe is level on a standing foot
        direction = direction - (direction @ rig.up) * rig.up
    return unit(direction)
