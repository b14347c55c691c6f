# SPDX-License-Identifier: GPL-3.0-or-later
"""Cameras around a character (numpy). A picture is the crop that generation will cut out of a video, so `pose/framing.py` decides what it
holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..dataset.sample import to_camera
from ..pose.framing import crop_for, crop_intrinsics
from ..retarget.motion import Motion
from .job import Cameras

Array = npt.NDArray[np.float64]

_ELEVATION, _DISTANCE = 5.0, 2.5  # degrees, and character's heights, for motions that come without a camera
_NEAREST = 1.2  # heights; nearer, the picture would be all perspective
_FOCAL = 1000.0  # px of the uncropped picture: any number, since the crop decides the size


@dataclass(frozen=True, eq=False)
class View:
    """A camera: `K` (3, 3) px of a `size`² picture, `world_to_camera` (3, 4) metres (OpenCV's axes), and what it was made from."""

    K: Array
    world_to_camera: Array
    size: int
    yaw: float
    elevation: float
    distance: float

    def summary(self) -> dict[str, float]:
        """For the dataset's index: degrees and metres."""
        return {"yaw": round(self.yaw, 3), "elevation": round(self.elevation, 3), "distance": round(self.distance, 4)}


@dataclass(frozen=True)
class Orbit:
    """Where a motion's cameras stand when nothing else is said: degrees, metres. Yaw 0 is in front of a rig at rest, 90 at its left."""

    yaw: float
    elevation: float
    distance: float


def orbit_of(motion: Motion, height: float, cameras: Cameras) -> Orbit:
    """From the motion's own camera, so that training pictures show the character as the video shows the person; else from the front."""
    yaw, elevation, distance = 0.0, _ELEVATION, _DISTANCE * height
    if motion.camera is not None:
        forward = motion.camera.world_to_camera[2, :3]
        yaw = float(np.degrees(np.arctan2(-forward[0], forward[1])))
        elevation = float(np.degrees(np.arcsin(np.clip(-forward[2], -1, 1))))
        distance = float(np.median(motion.camera.project(motion.root_position)[1]))
    return Orbit(
        yaw,
        elevation if cameras.elevation is None else cameras.elevation,
        max(distance if cameras.distance is None else cameras.distance, _NEAREST * height),
    )


def look_at(target: npt.NDArray[Any], yaw: float, elevation: float, distance: float) -> Array:
    """world_to_camera (3, 4) of an upright camera `distance` metres from `target`, looking at it. Degrees; yaw 0 stands at −Y, 90 at +X."""
    y, e = np.radians([yaw, elevation])
    back = np.array([np.cos(e) * np.sin(y), -np.cos(e) * np.cos(y), np.sin(e)])  # from the target to the camera
    right = np.array([np.cos(y), np.sin(y), 0.0])
    forward = -back
    rotation = np.stack([right, np.cross(forward, right), forward])
    return np.concatenate([rotation, -rotation @ (np.asarray(target, np.float64) + distance * back)[:, None]], axis=1)


def view_of(
    points: npt.NDArray[Any],
    target: npt.NDArray[Any],
    height: float,
    size: int,
    orbit: Orbit,
    yaw: float,
    cameras: Cameras,
    rng: np.random.Generator | None,
) -> View:
    """A view of a character whose points (137, 3) are in world metres: `yaw` degrees further around than `orbit`, with the jitters of
    `cameras` (`rng` None: without).
    """
    turn, rise, further, zoom, shift_x, shift_y = np.zeros(6) if rng is None else rng.uniform(-1, 1, 6)
    yaw = orbit.yaw + yaw + turn * cameras.yaw_jitter
    elevation = float(np.clip(orbit.elevation + rise * cameras.elevation_jitter, -85, 85))
    distance = orbit.distance * (1 + further * cameras.distance_jitter)
    world_to_camera = look_at(target, yaw, elevation, distance)
    K = np.array([[_FOCAL, 0, 0], [0, _FOCAL, 0], [0, 0, 1.0]])
    box = crop_for(to_camera(points, world_to_camera), K, height)
    side = box[2] * (1 + zoom * cameras.framing_jitter)
    box = np.array([box[0] + shift_x * cameras.framing_jitter * side, box[1] + shift_y * cameras.framing_jitter * side, side])
    return View(crop_intrinsics(K, box, size), world_to_camera, size, yaw, elevation, distance)
