# SPDX-License-Identifier: GPL-3.0-or-later
"""Where MediaPipe's landmarks sit relative to a Mixamo rig's joints.

MediaPipe's hip is 44 mm above Mixamo's thigh joint and its shoulder 43 mm above the arm's: taking them for the joints bends raised
arms down and puts the body at the wrong depth. The offsets were measured on rendered Mixamo clips with exact joints, each clip left out in
turn (standard deviation 1–8 mm).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .kinematics import frame_from, unit
from .rig import Rig

Array = npt.NDArray[np.float64]
Joints = dict[str, Array]

# The legs (thigh and shin) of the rig on which the offsets were measured, metres.
MEASURED_LEG = 0.827
# Landmark → (role of the joint, role of the bone it is fixed to, offset in mm at rest: left, back, up). The right side is mirrored.
_LEFT: dict[int, tuple[str, str, tuple[float, float, float]]] = {
    11: ("upper_arm", "shoulder", (-10, -15, 43)),
    13: ("forearm", "upper_arm", (-10, 0, 3)),
    15: ("hand", "forearm", (3, -3, 3)),
    23: ("thigh", "hips", (4, -9, 44)),
    25: ("shin", "thigh", (0, 0, 41)),
    27: ("foot", "shin", (-7, 10, 30)),
    29: ("foot", "foot", (-16, 53, -42)),
    31: ("toe", "toe", (-11, -58, 39)),
}
OFFSETS: dict[int, tuple[str, str, Array]] = {}
for _landmark, (_joint, _bone, _offset) in _LEFT.items():
    for _side, _sign in (("left", 1.0), ("right", -1.0)):
        _roles = [role if role == "hips" else f"{_side}_{role}" for role in (_joint, _bone)]
        OFFSETS[_landmark + (_side == "right")] = (_roles[0], _roles[1], np.array(_offset) * (_sign * 0.001, 0.001, 0.001))
NOSE, LEFT_EAR, RIGHT_EAR = (np.array(offset) * 0.001 for offset in ((0, -99, 26), (45, -29, 52), (-45, -29, 52)))

TORSO_AND_LEGS = (11, 12, 13, 14, 23, 24, 25, 26, 27, 28)


def rest_basis(rig: Rig) -> Array:
    """(3, 3) columns left, back, up of the rig at rest, in the world."""
    left = unit(rig.left - (rig.left @ rig.up) * rig.up)
    return np.stack([left, -rig.facing, rig.up], -1)


def marker_positions(rig: Rig, heads: Array, turns: Array, landmarks: tuple[int, ...]) -> Array:
    """Where these landmarks would be on the posed rig: (F, K, 3) world metres.

    `heads` (F, B, 3), `turns` (F, B, 3, 3) the bones' world rotations relative to rest.
    """
    basis, scale = rest_basis(rig), rig.leg_length / MEASURED_LEG
    places = []
    for landmark in landmarks:
        joint, bone, offset = OFFSETS[landmark]
        index = rig.index_of_role
        carrier = index.get(bone, index[joint])
        at = index.get(joint, index[joint.replace("toe", "foot")] if joint.endswith("toe") else 0)
        places.append(heads[:, at] + turns[:, carrier] @ (basis @ offset * scale))
    return np.stack(places, 1)


def joints_from_landmarks(landmarks: npt.NDArray[Any]) -> Joints:
    """Joint positions (F, 3) by role, from world landmarks (F, 33, 3) in metres with Z up.

    Shoulders and hips are taken down by their offsets in the torso's own axes; knees and ankles lie below their landmarks along the bone.
    """
    p = np.asarray(landmarks, np.float64)
    thigh = np.linalg.norm(p[:, (25, 26)] - p[:, (23, 24)], axis=-1)
    shin = np.linalg.norm(p[:, (27, 28)] - p[:, (25, 26)], axis=-1)
    scale = float(np.median(np.r_[thigh.ravel(), shin.ravel()])) * 2 / MEASURED_LEG
    up = unit(p[:, 11] + p[:, 12] - p[:, 23] - p[:, 24])
    joints: Joints = {}
    for line, landmark in ((p[:, 11] - p[:, 12], 11), (p[:, 23] - p[:, 24], 23)):
        frame = frame_from(up, line)  # columns: up, left, and up × left = back
        basis = np.stack([frame[..., 1], frame[..., 2], frame[..., 0]], -1)
        for index in (landmark, landmark + 1):
            role, _, offset = OFFSETS[index]
            joints[role] = p[:, index] - basis @ (offset * scale)
    for side, k in (("left", 0), ("right", 1)):
        joints[f"{side}_forearm"] = p[:, 13 + k]
        joints[f"{side}_hand"] = p[:, 15 + k]
        along_thigh = unit(p[:, 25 + k] - joints[f"{side}_thigh"])
        joints[f"{side}_shin"] = p[:, 25 + k] + along_thigh * (0.041 * scale)
        along_shin = unit(p[:, 27 + k] - joints[f"{side}_shin"])
        joints[f"{side}_foot"] = p[:, 27 + k] + along_shin * (0.030 * scale)
    return joints
