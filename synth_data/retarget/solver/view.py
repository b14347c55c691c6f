# SPDX-License-Identifier: GPL-3.0-or-later
"""The camera through which a clip was seen: what is known of it, and how points are seen through it.

The world's floor is at height 0 and the camera above the origin, looking along +Y and `pitch` downwards.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..kinematics import Array


@dataclass(frozen=True)
class KnownCamera:
    """What is known of the filming; None is estimated. `focal_px` in pixels of the track's pictures, `height` of the camera above the floor
    in metres, `pitch` in degrees, positive downwards."""

    focal_px: float | None = None
    height: float | None = None
    pitch: float | None = None

    def __post_init__(self) -> None:
        if self.focal_px is not None and not self.focal_px > 0:
            raise ValueError("a focal length is positive")
        if self.pitch is not None and not abs(self.pitch) < 80:
            raise ValueError("a camera that looks straight up or down sees no floor to stand on")


@dataclass(frozen=True)
class View:
    focal: float  # px
    pitch: float  # radians, positive downwards
    height: float  # metres
    width_px: int
    height_px: int

    @property
    def rotation(self) -> Array:
        """(3, 3) world → camera: rows right, down, forward."""
        c, s = math.cos(self.pitch), math.sin(self.pitch)
        return np.array([[1.0, 0.0, 0.0], [0.0, -s, -c], [0.0, c, -s]])

    @property
    def world_to_camera(self) -> Array:
        """(3, 4), metres."""
        return np.concatenate([self.rotation, (self.rotation @ [0.0, 0.0, -self.height])[:, None]], 1)

    def seen(self, points: Array) -> Array:
        """World points (…, 3) in the camera's axes, metres."""
        return (points - np.array([0.0, 0.0, self.height])) @ self.rotation.T

    def project(self, points: Array) -> tuple[Array, Array]:
        """World points (F, M, 3) → pixels (F, M, 2) and their points in the camera's axes; no nearer than 0.1 m."""
        local = self.seen(points)
        local[..., 2] = np.maximum(local[..., 2], 0.1)
        centre = np.array([0.5 * self.width_px, 0.5 * self.height_px])
        return self.focal * local[..., :2] / local[..., 2:] + centre, local

    def derivatives(self, local: Array) -> tuple[Array, Array]:
        """Of pixels, by world points: (F, M, 2, 3); by the logarithm of the focal length, the pitch and the height: (F, M, 2, 3)."""
        x, y, z = np.moveaxis(local, -1, 0)
        by_local = np.zeros((*local.shape[:-1], 2, 3))
        by_local[..., 0, 0] = by_local[..., 1, 1] = self.focal / z
        by_local[..., 0, 2], by_local[..., 1, 2] = -self.focal * x / z**2, -self.focal * y / z**2
        turned = np.stack([np.zeros_like(x), -z, y], -1)
        raised = self.rotation @ [0.0, 0.0, -1.0]
        by_focal = self.focal * local[..., :2] / local[..., 2:]
        by_view = np.stack([by_focal, (by_local @ turned[..., None])[..., 0], by_local @ raised], -1)
        return by_local @ self.rotation, by_view
