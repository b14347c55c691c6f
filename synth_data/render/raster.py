# SPDX-License-Identifier: GPL-3.0-or-later
"""A z-buffer of a posed mesh, sampled at pixels' centres (numpy).

Cycles' first sample goes through the pixel's centre, so what is found here is what the engine would say, and costs a fraction of asking it.
All triangles are drawn at once: each is paired with the pixels of its bounding box, the pairs whose pixel's centre it covers are kept, and
of these the nearest wins. Barycentric coordinates are perspectively correct (J. F. Blinn, "Hyperbolic interpolation", IEEE CG&A 1992).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NEAR = 1e-3  # metres; a triangle that comes nearer to the camera's plane is not drawn


@dataclass(frozen=True, eq=False)
class ZBuffer:
    """What is seen in a picture of `size` (width, height) px, one entry a covered pixel.

    `pixel` (N,) index y·width + x, rising; `triangle` (N,) index; `weights` (N, 3) of the triangle's corners, sums of 1; `depth` (N,)
    metres along the view.
    """

    size: tuple[int, int]
    pixel: Ints
    triangle: Ints
    weights: Array
    depth: Array

    @cached_property
    def entry(self) -> npt.NDArray[np.int32]:
        """(H·W,) which entry a pixel has, −1 for none."""
        found = np.full(self.size[0] * self.size[1], -1, np.int32)
        found[self.pixel] = np.arange(len(self.pixel), dtype=np.int32)
        return found

    def at(self, pixels: npt.NDArray[Any]) -> Ints:
        """(…) the entry at places (…, 2) in px; −1 where nothing is, outside the picture, and for NaN."""
        width, height = self.size
        with np.errstate(invalid="ignore"):
            inside = ((pixels >= 0) & (pixels < (width, height))).all(-1)
        place = np.where(inside[..., None], pixels, 0).astype(np.int64)
        return np.where(inside, self.entry[place[..., 1] * width + place[..., 0]], -1)

    def dense(self, values: npt.NDArray[Any], empty: Any = 0) -> npt.NDArray[Any]:
        """(N, …) values of the entries as a picture (H, W, …), `empty` elsewhere."""
        width, height = self.size
        picture = np.full((height * width, *values.shape[1:]), empty, values.dtype)
        picture[self.pixel] = values
        return picture.reshape(height, width, *values.shape[1:])

    def mix(self, values: npt.NDArray[Any]) -> Array:
        """(N, K) of values at the triangles' corners (N, 3, K)."""
        return np.einsum("nc,nck->nk", self.weights, values)

    def region(self) -> tuple[int, int, int, int]:
        """x0, y0, x1, y1 around all entries, the ends not included; zeros where there are none."""
        if not len(self.pixel):
            return 0, 0, 0, 0
        x, y = self.pixel % self.size[0], self.pixel // self.size[0]
        return int(x.min()), int(y[0]), int(x.max()) + 1, int(y[-1]) + 1


def rasterise(x: Array, y: Array, z: Array, triangles: Ints, size: tuple[int, int]) -> ZBuffer:
    """The z-buffer of a mesh whose vertices are seen at `x`, `y` (V,) px and `z` (V,) metres along the view; `triangles` (T, 3).

    Both sides of a triangle are drawn. A triangle that reaches nearer than NEAR is left out.
    """
    width, height = size
    a, b, c = triangles.T
    # Pixels' centres at whole numbers. A triangle covers some only if one lies between its leftmost and its rightmost vertex.
    with np.errstate(invalid="ignore"):
        x, y = np.clip(x - 0.5, -1e7, 1e7), np.clip(y - 0.5, -1e7, 1e7)
    above, below = np.ceil(x).astype(np.int32), np.floor(x).astype(np.int32)
    left = np.minimum(np.minimum(above[a], above[b]), above[c])
    right = np.maximum(np.maximum(below[a], below[b]), below[c])
    some = np.flatnonzero((right >= left) & (right >= 0) & (left < width))
    a, b, c = a[some], b[some], c[some]
    above, below = np.ceil(y).astype(np.int32), np.floor(y).astype(np.int32)
    top = np.minimum(np.minimum(above[a], above[b]), above[c])
    bottom = np.maximum(np.maximum(below[a], below[b]), below[c])
    nearest = np.minimum(np.minimum(z[a], z[b]), z[c])
    also = np.flatnonzero((bottom >= top) & (bottom >= 0) & (top < height) & (nearest > NEAR))
    left, right = np.maximum(left[some][also], 0), np.minimum(right[some][also], width - 1)
    top, bottom = np.maximum(top[also], 0), np.minimum(bottom[also], height - 1)
    some, a, b, c = some[also], a[also], b[also], c[also]

    columns = right - left + 1
    counts = columns * (bottom - top + 1)
    of = np.repeat(np.arange(len(some), dtype=np.int32), counts)
    step = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)
    row = step // columns[of]
    px, py = left[of] + step - row * columns[of], top[of] + row
    ax, bx, cx = x[a][of] - px, x[b][of] - px, x[c][of] - px
    ay, by, cy = y[a][of] - py, y[b][of] - py, y[c][of] - py
    # Twice the signed areas that the pixel's centre spans with the edges.
    area_a, area_b, area_c = bx * cy - cx * by, cx * ay - ax * cy, ax * by - bx * ay
    least, most = np.minimum(np.minimum(area_a, area_b), area_c), np.maximum(np.maximum(area_a, area_b), area_c)
    hit = np.flatnonzero(((least >= 0) | (most <= 0)) & (least != most))
    of = of[hit]
    # Over depth they interpolate perspectively.
    closeness = 1 / np.where(z > NEAR, z, 1.0)
    weight_a, weight_b, weight_c = area_a[hit] * closeness[a][of], area_b[hit] * closeness[b][of], area_c[hit] * closeness[c][of]
    total = weight_a + weight_b + weight_c
    depth = (area_a[hit] + area_b[hit] + area_c[hit]) / total
    place = py[hit].astype(np.int64) * width + px[hit]
    # Painted from far to near, so that the nearest is what stays; of two at one depth, the one that comes first in the mesh.
    order = np.argsort(-depth[::-1], kind="stable")
    order = len(depth) - 1 - order
    winner = np.full(width * height, -1, np.int64)
    winner[place[order]] = order
    pixel = np.flatnonzero(winner >= 0)
    won = winner[pixel]
    weights = np.stack((weight_a[won], weight_b[won], weight_c[won]), 1) / total[won][:, None]
    return ZBuffer(size, pixel, some[of[won]].astype(np.int64), weights, depth[won])
