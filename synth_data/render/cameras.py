# SPDX-License-Identifier: GPL-3.0-or-later
"""Cameras around a character (numpy). A picture is the crop that generation will cut out of a video, so `pose/framing.py` decides what it
holds.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..dataset.sample import to_camera
from ..pose.framing import HEAD_SHARE, MARGIN, UPPER_SHARE, crop_for, crop_intrinsics, head_crop_for, upper_crop_for
from ..retarget.motion import Motion
from .job import Cameras, Range

Array = npt.NDArray[np.float64]

_ELEVATION, _DISTANCE = 5.0, 2.5  # degrees, and character's heights, for motions that come without a camera
_NEAREST = 1.2  # heights; nearer, the picture would be all perspective
_FOCAL = 1000.0  # px of the uncropped picture: any number, since the crop decides the size
_FULL_FRAME = 36.0  # mm, the width of the sensor that lenses are told for


@dataclass(frozen=True, eq=False)
class View:
    """A camera: `K` (3, 3) px of a `size`² picture, `world_to_camera` (3, 4) metres (OpenCV's axes), and what it was made from."""

    K: Array
    world_to_camera: Array
    size: int
    yaw: float
    elevation: float
    distance: float
    framing: str = "body"

    def summary(self) -> dict[str, float]:
        """For the dataset's index: degrees and metres."""
        return {"yaw": round(self.yaw, 3), "elevation": round(self.elevation, 3), "distance": round(self.distance, 4)}

    def pixel(self) -> float:
        """How large a pixel is at the camera's target, metres."""
        return self.distance / self.K[0, 0]


@dataclass(frozen=True)
class Orbit:
    """Where a motion's cameras stand when nothing else is said: degrees, metres. Yaw 0 is in front of a rig at rest, 90 at its left."""

    yaw: float
    elevation: float
    distance: float


@dataclass(frozen=True)
class Aim:
    """A camera before it is known what it looks at: degrees, metres, and shares of the picture's side. `height` is metres above the
    floor, and goes before `elevation`.
    """

    yaw: float
    elevation: float
    distance: float
    height: float | None = None
    framing: str = "body"
    zoom: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)


def orbit_of(motion: Motion | None, height: float, cameras: Cameras, depth: float | None = None) -> Orbit:
    """From the motion's own camera, so that training pictures show the character as the video shows the person; else from the front.
    `depth` is how far the motion is from its camera, where that is known better than by `depth_of`.
    """
    yaw, elevation, distance = 0.0, _ELEVATION, _DISTANCE * height
    if motion is not None and motion.camera is not None:
        forward = motion.camera.world_to_camera[2, :3]
        yaw = float(np.degrees(np.arctan2(-forward[0], forward[1])))
        elevation = float(np.degrees(np.arcsin(np.clip(-forward[2], -1, 1))))
        distance = depth_of(motion) if depth is None else depth
    return Orbit(
        yaw,
        elevation if cameras.elevation is None else middle(cameras.elevation),
        max(distance if cameras.distance is None else middle(cameras.distance), _NEAREST * height),
    )


def depth_of(motion: Motion) -> float:
    """Metres from the motion's camera to the hips, along the view: the median of all frames."""
    assert motion.camera is not None
    return float(np.median(motion.camera.project(motion.root_position)[1]))


def aim_of(orbit: Orbit, yaw: float, height: float, head_m: float, cameras: Cameras, rng: np.random.Generator | None) -> Aim:
    """A camera `yaw` degrees further around than `orbit`, with values from the ranges of `cameras` and their jitters; with `rng` None the
    ranges' middles and no jitter. `height` is the character's, `head_m` its head's, metres.
    """
    turn, rise, further, zoom, shift_x, shift_y = np.zeros(6) if rng is None else rng.uniform(-1, 1, 6)
    framings = cameras.framings
    framing = framings[0] if rng is None or len(framings) == 1 else framings[int(rng.integers(len(framings)))]
    elevation, distance = orbit.elevation, orbit.distance
    if cameras.elevation is not None:
        elevation = drawn(cameras.elevation, rng)
    if cameras.distance is not None:
        distance = max(drawn(cameras.distance, rng), _NEAREST * height)
    if cameras.lens is not None:
        side = {"body": MARGIN * height, "upper": UPPER_SHARE * MARGIN * height, "head": HEAD_SHARE * head_m}[framing]
        distance = max(drawn(cameras.lens, rng) / _FULL_FRAME, _NEAREST / MARGIN) * side
    return Aim(
        orbit.yaw + yaw + turn * cameras.yaw_jitter,
        float(np.clip(elevation + rise * cameras.elevation_jitter, -85, 85)),
        distance * (1 + further * cameras.distance_jitter),
        None if cameras.height is None else drawn(cameras.height, rng),
        framing,
        zoom * cameras.framing_jitter,
        (shift_x * cameras.framing_jitter, shift_y * cameras.framing_jitter),
    )


def held(aim: Aim, target: npt.NDArray[Any]) -> Aim:
    """The camera with the elevation, instead of the height, from which it looks at `target` (3,), world metres."""
    if aim.height is None:
        return aim
    elevation = float(np.degrees(np.arcsin(np.clip((aim.height - target[2]) / aim.distance, -0.99, 0.99))))
    return dataclasses.replace(aim, elevation=elevation, height=None)


def look_at(target: npt.NDArray[Any], yaw: float, elevation: float, distance: float) -> Array:
    """world_to_camera (3, 4) of an upright camera `distance` metres from `target`, looking at it. Degrees; yaw 0 stands at −Y, 90 at +X."""
    back = direction(yaw, elevation)  # from the target to the camera
    y = np.radians(yaw)
    right = np.array([np.cos(y), np.sin(y), 0.0])
    forward = -back
    rotation = np.stack([right, np.cross(forward, right), forward])
    return np.concatenate([rotation, -rotation @ (np.asarray(target, np.float64) + distance * back)[:, None]], axis=1)


def direction(yaw: float, elevation: float) -> Array:
    """(3,) unit vector towards what stands there, degrees: yaw 0 is −Y, 90 is +X."""
    y, e = np.radians([yaw, elevation])
    return np.array([np.cos(e) * np.sin(y), -np.cos(e) * np.cos(y), np.sin(e)])


def view_of(points: npt.NDArray[Any], target: npt.NDArray[Any], height: float, size: int, aim: Aim, head_m: float) -> View:
    """What the camera `aim` sees of a character whose points (137, 3) are in world metres; `target` (3,) is looked at, `height` the
    character's and `head_m` its head's, metres.
    """
    elevation = held(aim, target).elevation
    world_to_camera = look_at(target, aim.yaw, elevation, aim.distance)
    K = np.array([[_FOCAL, 0, 0], [0, _FOCAL, 0], [0, 0, 1.0]])
    seen = to_camera(points, world_to_camera)
    if aim.framing == "head":
        box = head_crop_for(seen, K, head_m)
    else:
        box = (upper_crop_for if aim.framing == "upper" else crop_for)(seen, K, height)
    side = box[2] * (1 + aim.zoom)
    box = np.array([box[0] + aim.shift[0] * side, box[1] + aim.shift[1] * side, side])
    return View(crop_intrinsics(K, box, size), world_to_camera, size, aim.yaw, elevation, aim.distance, aim.framing)


def head_view(view: View, points: npt.NDArray[Any], head_m: float, size: int) -> View:
    """The same camera with a longer lens: its picture holds the head alone."""
    box = head_crop_for(to_camera(points, view.world_to_camera), view.K, head_m)
    return dataclasses.replace(view, K=crop_intrinsics(view.K, box, size), size=size, framing="head")


def middle(values: Range) -> float:
    return (values[0] + values[1]) / 2


def drawn(values: Range, rng: np.random.Generator | None) -> float:
    """A value of a range; its middle without random numbers."""
    return middle(values) if rng is None or values[0] == values[1] else float(rng.uniform(*values))
