# SPDX-License-Identifier: GPL-3.0-or-later
"""A posed character's surface as arrays, and as a camera sees it (numpy)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..dataset.sample import to_camera
from .cameras import View
from .raster import ZBuffer, rasterise

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Topology:
    """What of a surface no pose changes.

    `triangles` (T, 3) vertex indices; `bones` (T,) index of the bone that moves each triangle most; `parts` (T,) uint8 index into
    `dataset.labels.PARTS`; `corners` (T, 3) indices of normals; `uv` (T, 3, 2) float32, NaN where a mesh has no UV map.
    """

    triangles: Ints
    bones: Ints
    parts: npt.NDArray[np.uint8]
    corners: Ints
    uv: npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Surface:
    """A posed mesh: `vertices` (V, 3) world metres."""

    vertices: Array
    topology: Topology


@dataclass(frozen=True, eq=False)
class SeenSurface:
    """A surface as a camera sees it: `x`, `y` (V,) px and `z` (V,) metres along the view, of each vertex."""

    surface: Surface
    view: View
    x: Array
    y: Array
    z: Array

    def rasterised(self) -> ZBuffer:
        return rasterise(self.x, self.y, self.z, self.surface.topology.triangles, (self.view.size, self.view.size))


def seen_through(view: View, surface: Surface) -> SeenSurface:
    """Project a surface. Vertices that are not in front of the camera get no meaningful x and y."""
    seen = to_camera(surface.vertices, view.world_to_camera)
    z = np.ascontiguousarray(seen[:, 2])
    with np.errstate(divide="ignore", invalid="ignore"):
        x, y = (view.K[axis, axis] * seen[:, axis] / z + view.K[axis, 2] for axis in (0, 1))
    return SeenSurface(surface, view, x, y, z)


def pixel_centres(zbuffer: ZBuffer) -> npt.NDArray[Any]:
    """(N, 2) px, of the covered pixels."""
    width = zbuffer.size[0]
    return np.stack([zbuffer.pixel % width, zbuffer.pixel // width], 1) + 0.5
