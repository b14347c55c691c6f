# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture's labels from its z-buffer (numpy): mask, parts, depth, normals, UV and flow, exact at pixels' centres, encoded as files."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..dataset import folder as kinds
from ..dataset.labels import depth_pixels, encode_label, flow_pixels, normal_pixels, uv_pixels
from .raster import ZBuffer
from .surface import Array, SeenSurface, pixel_centres

RASTERISED = (kinds.MASK, kinds.PARTS, kinds.DEPTH, kinds.NORMAL, kinds.UV, kinds.FLOW)
_HIDDEN = 0.01  # of the depth's scale: how much further than what is seen there a point must be in the next frame to be hidden


@dataclass(frozen=True, eq=False)
class Labels:
    """What is seen, and from where. `normals` (N, 3, 3) world unit vectors at the corners of the entries' triangles, None when they are not
    asked for; `after` is the same surface in the next frame, through its camera, None where there is no next frame.
    """

    seen: SeenSurface
    zbuffer: ZBuffer
    normals: Array | None = None
    after: SeenSurface | None = None

    def files(self, wanted: Collection[str]) -> dict[str, bytes]:
        """The contents of the label files that are wanted (of RASTERISED)."""
        z, region = self.zbuffer, self.zbuffer.region()
        topology = self.seen.surface.topology
        made: dict[str, npt.NDArray[Any]] = {}
        if kinds.MASK in wanted:
            made[kinds.MASK] = np.full(len(z.pixel), 255, np.uint8)
        if kinds.PARTS in wanted:
            made[kinds.PARTS] = topology.parts[z.triangle]
        if kinds.DEPTH in wanted:
            made[kinds.DEPTH] = depth_pixels(z.depth)
        if kinds.NORMAL in wanted:
            made[kinds.NORMAL] = normal_pixels(self.normal())
        if kinds.UV in wanted:
            made[kinds.UV] = uv_pixels(z.mix(topology.uv[z.triangle]))
        if kinds.FLOW in wanted:
            made[kinds.FLOW] = flow_pixels(*self.flow())
        return {kind: encode_label(z.dense(pixels), region) for kind, pixels in made.items()}

    def normal(self) -> Array:
        """(N, 3) unit normals in camera space, x right, y up, z towards the camera; interpolated between the triangles' corners."""
        assert self.normals is not None
        turned = (self.zbuffer.mix(self.normals) @ self.seen.view.world_to_camera[:, :3].T) * (1.0, -1.0, -1.0)
        return turned / np.maximum(np.sqrt((turned * turned).sum(1, keepdims=True)), 1e-12)

    def flow(self) -> tuple[Array, npt.NDArray[np.bool_]]:
        """(N, 2) px to where the point is in the next frame, NaN where that is behind its camera; (N,) whether it is seen there."""
        if self.after is None:
            return np.full((len(self.zbuffer.pixel), 2), np.nan), np.zeros(len(self.zbuffer.pixel), bool)
        z, triangles = self.zbuffer, self.seen.surface.topology.triangles[self.zbuffer.triangle]
        view = self.after.view
        points = z.mix(self.after.surface.vertices[triangles])
        camera = points @ view.world_to_camera[:, :3].T + view.world_to_camera[:, 3]
        depth = camera[:, 2]
        with np.errstate(divide="ignore", invalid="ignore"):
            place = (camera[:, :2] / depth[:, None]) @ view.K[:2, :2].T + view.K[:2, 2]
            place[depth <= 1e-3] = np.nan
        nearest = self.after.rasterised()
        entry = nearest.at(place)
        with np.errstate(invalid="ignore"):
            seen = (entry >= 0) & (depth <= nearest.depth[entry] * (1 + _HIDDEN)) if len(nearest.pixel) else np.zeros(len(depth), bool)
        return place - pixel_centres(z), seen

    def box(self) -> tuple[list[int] | None, bool]:
        """x, y, width and height in px of what is seen, None where nothing is; and whether some of it lies outside the picture."""
        x0, y0, x1, y1 = self.zbuffer.region()
        size, front = self.seen.view.size, self.seen.z > 1e-3
        x, y = self.seen.x[front], self.seen.y[front]
        cut = bool(len(x) < len(front) or (x.min() < 0) or (y.min() < 0) or (x.max() > size) or (y.max() > size))
        return [x0, y0, x1 - x0, y1 - y0] if x1 > x0 else None, cut


def over(image: npt.NDArray[np.uint8], background: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """(H, W, 4) straight alpha over (H, W, 3): an opaque (H, W, 3)."""
    alpha = image[..., 3:].astype(np.uint16)
    mixed = image[..., :3].astype(np.uint16) * alpha + background.astype(np.uint16) * (255 - alpha)
    return ((mixed + 127) // 255).astype(np.uint8)
