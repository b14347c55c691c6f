# SPDX-License-Identifier: GPL-3.0-or-later
"""From where a body is seen, how much of it, and how its limbs are bent: measured on a sample's joints (numpy).

Angles of the view are those between the camera and the trunk, not the world, so that someone who has turned around is seen from behind.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..pose.landmarks import BODY_25
from .sample import OCCLUDED, VISIBLE, SamplePose, inside

Array = npt.NDArray[np.float64]

UNKNOWN, TRUNCATED, HIDDEN, SEEN = range(4)  # the states of a point
STATES = ("unknown", "outside the picture", "hidden", "visible")
FULL_BODY, UPPER_BODY, CLOSE_UP, HEADLESS = "full body", "upper body", "close-up", "head out of the picture"

_JOINT = {name: i for i, name in enumerate(BODY_25)}
_UP = np.array([0.0, 0.0, 1.0])


def joint(points: npt.NDArray[Any], name: str) -> Array:
    """One of BODY_25's joints of points (…, 25 or more, D): (…, D)."""
    return points[..., _JOINT[name], :]


def states_of(pose: SamplePose) -> npt.NDArray[np.uint8]:
    """(137,) of each point: SEEN, HIDDEN by something, TRUNCATED by the picture's edge, or UNKNOWN because the rig has no such point."""
    states = np.full(len(pose.visibility), TRUNCATED, np.uint8)
    states[pose.visibility == VISIBLE] = SEEN
    states[pose.visibility == OCCLUDED] = HIDDEN
    # Without a flag a point is either outside or, though inside, of no known visibility.
    states[(states == TRUNCATED) & inside(pose.points_2d, pose.size)] = UNKNOWN
    states[~np.isfinite(pose.points_3d).all(axis=1)] = UNKNOWN
    return states


def framing(states: npt.NDArray[np.uint8]) -> str:
    """How much of a body is in the picture, by its points' states (137,): FULL_BODY, UPPER_BODY, CLOSE_UP or HEADLESS."""

    def any_in(*names: str) -> bool:
        return bool((states[[_JOINT[name] for name in names]] >= HIDDEN).any())

    if not any_in("nose", "left_eye", "right_eye", "left_ear", "right_ear"):
        return HEADLESS
    if any_in("left_ankle", "right_ankle"):
        return FULL_BODY
    return UPPER_BODY if any_in("left_hip", "right_hip", "mid_hip") else CLOSE_UP


def trunk_axes(points: npt.NDArray[Any]) -> Array:
    """World points (…, 25 or more, 3) → (…, 3, 3): rows are the trunk's left, forward and up, orthonormal; NaN where it is not known."""
    up = joint(points, "neck") - joint(points, "mid_hip")
    across = joint(points, "left_shoulder") - joint(points, "right_shoulder") + joint(points, "left_hip") - joint(points, "right_hip")
    up = _unit(up)
    left = _unit(across - (across * up).sum(axis=-1, keepdims=True) * up)
    return np.stack([left, np.cross(left, up), up], axis=-2)


def view_angles(points: npt.NDArray[Any], world_to_camera: npt.NDArray[Any]) -> Array:
    """From where the camera looks at a body, degrees: (…, 2) yaw around the trunk (0 in front of it, 90 at its left, ±180 behind) and
    elevation (90 from straight above), of points (…, 25 or more, 3) in world metres and world_to_camera (…, 3, 4). NaN where the trunk is
    not known.
    """
    rotation, shift = world_to_camera[..., :3], world_to_camera[..., 3:]
    minus_camera = (np.swapaxes(rotation, -1, -2) @ shift)[..., 0]
    towards = -_unit(joint(points, "mid_hip") + minus_camera)
    seen = (trunk_axes(points) @ towards[..., None])[..., 0]
    yaw = np.degrees(np.arctan2(seen[..., 0], seen[..., 1]))
    elevation = np.degrees(np.arcsin(np.clip(towards @ _UP, -1, 1)))
    return np.stack([yaw, np.where(np.isfinite(yaw), elevation, np.nan)], axis=-1)


def in_trunk_axes(points: npt.NDArray[Any]) -> Array:
    """Points (…, N, 3) from the hips' middle along the trunk's left, forward and up, in trunk lengths (hips to neck): (…, N, 3)."""
    hips = joint(points, "mid_hip")
    length = np.linalg.norm(joint(points, "neck") - hips, axis=-1)[..., None, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        return (points - hips[..., None, :]) @ np.swapaxes(trunk_axes(points), -1, -2) / length


ANGLES = {  # what is measured → its least and greatest value, degrees
    "head turned": (-120, 120),
    "trunk leaning": (0, 180),
    "trunk twisted": (-90, 90),
    "left arm raised": (0, 180),
    "right arm raised": (0, 180),
    "left elbow bent": (0, 180),
    "right elbow bent": (0, 180),
    "left leg raised": (0, 180),
    "right leg raised": (0, 180),
    "left knee bent": (0, 180),
    "right knee bent": (0, 180),
}


def joint_angles(points: npt.NDArray[Any]) -> Array:
    """The ANGLES of world points (…, 25 or more, 3), in their order: (…, 11) degrees, NaN where a joint is not known.

    Bends are 0 for a straight limb; arms and legs are raised 0 where they hang along the trunk, 90 to any side, 180 overhead; the trunk
    leans 0 upright and 90 lying; head and shoulders are turned to the left (of hips and shoulders) by more than 0.
    """

    def bend(a: str, b: str, c: str) -> Array:
        return _angle(joint(points, b) - joint(points, a), joint(points, c) - joint(points, b))

    up = trunk_axes(points)[..., 2, :]
    hips = joint(points, "left_hip") - joint(points, "right_hip")
    shoulders = joint(points, "left_shoulder") - joint(points, "right_shoulder")
    ears = (joint(points, "left_ear") + joint(points, "right_ear")) / 2
    nose = joint(points, "nose") - ears
    ahead = np.cross(shoulders, up)
    found = [
        _signed(nose, ahead, np.cross(up, ahead)),
        _angle(up, np.broadcast_to(_UP, up.shape)),
        _signed(shoulders, hips, np.cross(up, hips)),
        *(_angle(joint(points, f"{side}_elbow") - joint(points, f"{side}_shoulder"), -up) for side in ("left", "right")),
        *(bend(f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist") for side in ("left", "right")),
        *(_angle(joint(points, f"{side}_knee") - joint(points, f"{side}_hip"), -up) for side in ("left", "right")),
        *(bend(f"{side}_hip", f"{side}_knee", f"{side}_ankle") for side in ("left", "right")),
    ]
    return np.stack(found, axis=-1)


def box_of(points_2d: npt.NDArray[Any], states: npt.NDArray[np.uint8]) -> tuple[float, float, float, float] | None:
    """left, top, right, bottom in px around the points (137, 2) that are in the picture; None where there are fewer than two."""
    found = points_2d[states >= HIDDEN]
    if len(found) < 2:
        return None
    (left, top), (right, bottom) = found.min(axis=0), found.max(axis=0)
    return float(left), float(top), float(right), float(bottom)


def _unit(vectors: npt.NDArray[Any]) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _angle(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> Array:
    """Between vectors (…, 3): (…) degrees, 0 … 180."""
    return np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), (a * b).sum(axis=-1)))


def _signed(vector: npt.NDArray[Any], zero: npt.NDArray[Any], quarter: npt.NDArray[Any]) -> Array:
    """The angle of vectors (…, 3) from `zero` (0°) towards `quarter` (90°), seen in the plane of the two: (…) degrees."""
    return np.degrees(np.arctan2((vector * _unit(quarter)).sum(axis=-1), (vector * _unit(zero)).sum(axis=-1)))
