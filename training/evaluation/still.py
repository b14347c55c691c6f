# SPDX-License-Identifier: GPL-3.0-or-later
"""A figure that should stand still: how noisy its landmarks are, and poses that tremble as much."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...synth_data.render.poses import Pose
from ...synth_data.retarget.kinematics import local_from_turns, swing, unit
from ...synth_data.retarget.rig import Rig

# Role → roles of which the first that the rig has is at its end; bones that are not named go with the one above.
_LIMBS = (("upper_arm", "forearm"), ("forearm", "hand"), ("hand", "middle1"), ("thigh", "shin"), ("shin", "foot"), ("foot", "toe"))
_ENDS: dict[str, tuple[str, ...]] = {
    "hips": ("spine",),
    "spine": ("spine1", "spine2", "neck"),
    "spine1": ("spine2", "neck"),
    "spine2": ("neck",),
    "neck": ("head",),
    "head": ("head_end",),
    **{f"{side}_{bone}": (f"{side}_{end}",) for side in ("left", "right") for bone, end in _LIMBS},
}


def landmark_noise(landmarks: NDArray[Any]) -> float:
    """Standard deviation of the white noise on landmarks (F, J, 2) px of a figure that stands still, as a share of its height in them. From
    second differences, in which slow drift does not count; the median over landmarks.
    """
    second = np.diff(np.asarray(landmarks, np.float64), 2, axis=0)
    deviation = np.sqrt(np.nanmean(second**2, axis=(0, 2)) / 6)  # white noise's second difference has 1 + 4 + 1 times its variance
    return float(np.median(deviation) / np.nanmedian(np.ptp(landmarks[..., 1], axis=1)))


def trembling(rig: Rig, pose: Pose, deviation: float, count: int, seed: int = 0) -> Iterator[Pose]:
    """`count` poses near `pose`: every joint displaced by white noise of so many metres an axis, and the bones turned to point from
    displaced joint to displaced joint, as retargeting does, so that lengths stay. Hair and clothes keep their place on the body.
    """
    heads, rotations = pose.evaluate(rig)
    turns = rotations @ np.swapaxes(rig.rest_rotations, -1, -2)
    has_role = np.array([bone.role is not None for bone in rig.bones])
    rng = np.random.default_rng(seed)
    for _ in range(count):
        displaced = heads + rng.normal(0, deviation, heads.shape)
        swung: dict[int, NDArray[np.float64]] = {}
        turned: dict[str, NDArray[np.float64]] = {}
        for b, bone in enumerate(rig.bones):
            if bone.role is None:
                continue
            end = next((rig.index_of_role[role] for role in _ENDS.get(bone.role, ()) if role in rig.index_of_role), None)
            if end is None:
                swung[b] = swung.get(bone.parent, np.eye(3))
            else:
                swung[b] = swing(unit(heads[end] - heads[b]), unit(displaced[end] - displaced[b]))
            turned[bone.role] = (swung[b] @ turns[b])[None]
        local = np.where(has_role[:, None, None], local_from_turns(rig, turned)[0][0], pose.local)
        hips = rig.index_of_role["hips"]
        yield Pose(local, pose.root + displaced[hips] - heads[hips])
