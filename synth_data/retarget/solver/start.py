# SPDX-License-Identifier: GPL-3.0-or-later
"""What the solver is given: observations on an even clock, and a first guess of the motion from the closed form."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from ...pose.filters import savitzky_golay
from ..closed_form import SMOOTH_SECONDS, Person, body_turns, on_rays, steadily_placed
from ..contacts import contacts
from ..kinematics import Array, axis_angle_to_matrix, unit
from ..level import LEAST_SECONDS, foot_droop, lean, levelled
from ..markers import TORSO_AND_LEGS
from ..rig import Rig
from ..root import guessed_focal
from .skeleton import Skeleton, attached, joints_from_turns, posed
from .terms import DIRECTIONS, Observed, State, Weights
from .view import KnownCamera, View

TYPICAL_HEIGHT = 1.3  # metres, of a camera above the floor


def observe(
    rig: Rig, skeleton: Skeleton, scales: Array, seen: Person, fps: float, size: tuple[int, int], known: KnownCamera
) -> tuple[Observed, State, Array]:
    """One person's observations, the first guess with the proportions `scales`, and the landmarks (F, 33, 3) behind it: smoothed, in the
    world's axes, metres."""
    focal = known.focal_px or guessed_focal(size[1])
    pitch = math.radians(known.pitch or 0.0)
    tilt = tilt_of(pitch)
    trust = seen.visibility[..., None] + 0.05
    points = on_rays(seen.detected, seen.detected_pixels, seen.visibility, size, focal) @ tilt.T
    smooth = savitzky_golay(points, SMOOTH_SECONDS, seen.time, trust)
    droop = None
    if seen.time[-1] - seen.time[0] >= LEAST_SECONDS:
        body, trunk = lean(smooth)
        ahead = -np.median(unit(smooth[:, 23] - smooth[:, 24])[:, 0])  # 1 where they face away, −1 where they face the camera
        angles = body, trunk - Weights.lean * float(ahead)
        points, smooth = levelled(points, angles), levelled(smooth, angles)
        droop = foot_droop(smooth)
    turns = skeleton.turns_from_rig(body_turns(rig, dataclasses.replace(seen, body=smooth, raw=points, droop=droop)))
    free, vectors = joints_from_turns(turns)

    directions, direction_weight = [], []
    for start, end, weight in DIRECTIONS:
        directions.append(unit(points[:, list(end)].mean(axis=1) - points[:, list(start)].mean(axis=1)))
        direction_weight.append(weight * seen.visibility[:, [*start, *end]].min(axis=1))
    tall = float(np.median(np.ptp(seen.detected_pixels[..., 1], axis=1)[seen.present > 0.5])) if (seen.present > 0.5).any() else size[1] / 2
    observed = Observed(
        fps=fps,
        pixels=seen.detected_pixels,
        weight=seen.visibility * (0.2 + 0.8 * seen.present[:, None]),
        directions=np.stack(directions, 1),
        direction_weight=np.stack(direction_weight, 1),
        guess=free,
        tall=max(tall, 20.0),
        linked=np.ones(len(seen.time) - 1, bool),
    )
    root = _placed(skeleton, scales, seen, free, vectors, tilt, focal, size)
    body = posed(skeleton, root, free, vectors, scales, derivatives=False)
    soles = attached(body, skeleton.soles)[0]
    down = contacts(soles, fps)
    lowest = soles[..., 2].min(axis=1)
    ground = float(np.median(lowest[down.any(axis=1)])) if down.any() else float(np.percentile(lowest, 10))
    height = known.height if known.height is not None else -ground
    root = root + np.array([0.0, 0.0, height])
    return observed, State(root, free, vectors, View(focal, pitch, height, *size), scales), smooth


def tilt_of(pitch: float) -> Array:
    """(3, 3) from a camera's own axes (X right, Y along the view, Z up in the picture) to the world's; `pitch` downwards, radians."""
    return axis_angle_to_matrix(np.array([1.0, 0.0, 0.0]), -pitch)


def _placed(
    skeleton: Skeleton, scales: Array, seen: Person, free: Array, vectors: Array, tilt: Array, focal: float, size: tuple[int, int]
) -> Array:
    """(F, 3) the root that lays the posed body over the landmarks, smooth; the camera at the origin, the world's axes."""
    body = posed(skeleton, np.zeros((len(free), 3)), free, vectors, scales, derivatives=False)
    at = [skeleton.landmarks.index(k) for k in TORSO_AND_LEGS]
    markers = attached(body, skeleton.markers)[0][:, at] @ tilt
    return steadily_placed(markers, seen.detected_pixels, seen.visibility, seen.time, focal, size)[0] @ tilt.T
