# SPDX-License-Identifier: GPL-3.0-or-later
"""A z-buffer of a posed mesh, sampled at pixels' centres (numpy).

Cycles' first sample goes through the pixel's centre, so what is found here is what the engine would say, and costs a fraction of asking it.
Triangles are drawn many at once: each is paired with the pixels of its bounding box, the pairs whose pixel's centre it covers are kept, and
of these the nearest wins. Barycentric coordinates are perspectively correct (J. F. Blinn, "Hyperbolic interpolation", IEEE CG&A 1992).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]

NEAR = 1e-3  # metres; a triangle that comes nearer to the camera's plane is not drawn
# Boxes between two of these sizes are looked at together (wide and tall apart), so many pixels at a time.
_SIZES = (1, 2, 3, 4, 6, *(2**power for power in range(3, 13)))
_STEP = np.searchsorted(_SIZES, np.arange(_SIZES[-1] + 1)).astype(np.int32)
_AT_ONCE = 1 << 21
_ROUGH = 1e-5  # px² of a box of one pixel: more than single precision is off


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

    Both sides of a triangle are drawn. A triangle that reaches nearer than NEAR is left out. Of two at one depth, the one that comes first
    in the mesh is seen.
    """
    width = size[0]
    # Pixels' centres at whole numbers.
    with np.errstate(invalid="ignore"):
        x, y = np.clip(x - 0.5, -1e7, 1e7), np.clip(y - 0.5, -1e7, 1e7)
    some, left, top, wide, tall = _boxes(x, y, z, triangles, size)
    a, b, c = triangles[some].T
    ax, bx, cx = x.take(a) - left, x.take(b) - left, x.take(c) - left
    ay, by, cy = y.take(a) - top, y.take(b) - top, y.take(c) - top
    # Twice the signed areas that a pixel's centre spans with the edges: at the box's first pixel, and by how much they grow along x and y.
    areas = np.stack((bx * cy - cx * by, cx * ay - ax * cy, ax * by - bx * ay, by - cy, cy - ay, ay - by, cx - bx, ax - cx, bx - ax))
    areas *= np.where(areas[0] + areas[1] + areas[2] < 0, -1.0, 1.0)
    of, u, v = _candidates(areas.astype(np.float32), wide, tall)
    area_a, area_b, area_c = ((areas[k].take(of) + areas[3 + k].take(of) * u) + areas[6 + k].take(of) * v for k in range(3))
    least, most = np.minimum(np.minimum(area_a, area_b), area_c), np.maximum(np.maximum(area_a, area_b), area_c)
    hit = np.flatnonzero((least >= 0) & (most > 0) & (u < wide.take(of)) & (v < tall.take(of)))
    of, u, v, area_a, area_b, area_c = (values.take(hit) for values in (of, u, v, area_a, area_b, area_c))
    # Over depth they interpolate perspectively.
    closeness = 1 / np.where(z > NEAR, z, 1.0)
    weight_a, weight_b, weight_c = (area * closeness.take(corner.take(of)) for area, corner in ((area_a, a), (area_b, b), (area_c, c)))
    total = weight_a + weight_b + weight_c
    depth = (area_a + area_b + area_c) / total
    place = (top.take(of) + v).astype(np.int64) * width + left.take(of) + u
    nearest = np.full(width * size[1], np.inf)
    np.minimum.at(nearest, place, depth)
    won = np.flatnonzero(depth == nearest[place])
    triangle = some.take(of[won])
    first = np.full(width * size[1], len(triangles), np.int64)
    np.minimum.at(first, place[won], triangle)
    won = won[triangle == first[place[won]]]
    won = won[np.argsort(place[won], kind="stable")]
    weights = np.stack((weight_a[won], weight_b[won], weight_c[won]), 1) / total[won][:, None]
    return ZBuffer(size, place[won], some.take(of[won]), weights, depth[won])


def _boxes(x: Array, y: Array, z: Array, triangles: Ints, size: tuple[int, int]) -> tuple[Ints, Int32s, Int32s, Int32s, Int32s]:
    """The triangles that may cover a pixel's centre, those with boxes of like size together: (S,) indices, and each one's box of pixels
    (left, top, how wide, how tall).
    """
    a, b, c = np.ascontiguousarray(triangles.T)
    left, right = _span(x, a, b, c)
    some = np.flatnonzero((right >= left) & (right >= 0) & (left < size[0]))
    left, right = left[some], right[some]
    a, b, c = a.take(some), b.take(some), c.take(some)
    top, bottom = _span(y, a, b, c)
    nearest = np.minimum(np.minimum(z.take(a), z.take(b)), z.take(c))
    also = np.flatnonzero((bottom >= top) & (bottom >= 0) & (top < size[1]) & (nearest > NEAR))
    left, right = np.maximum(left[also], 0), np.minimum(right[also], size[0] - 1)
    top, bottom = np.maximum(top[also], 0), np.minimum(bottom[also], size[1] - 1)
    wide, tall = right - left + 1, bottom - top + 1
    order = np.argsort(_box_kind(wide, tall), kind="stable")
    return some[also].take(order), left.take(order), top.take(order), wide.take(order), tall.take(order)


def _span(values: Array, a: Ints, b: Ints, c: Ints) -> tuple[Int32s, Int32s]:
    """The first and the last whole number between the corners of each triangle; the last is less where there is none."""
    of_a, of_b, of_c = values.take(a), values.take(b), values.take(c)
    least, most = np.minimum(np.minimum(of_a, of_b), of_c), np.maximum(np.maximum(of_a, of_b), of_c)
    return np.ceil(least).astype(np.int32), np.floor(most).astype(np.int32)


def _box_kind(wide: Int32s, tall: Int32s) -> npt.NDArray[np.uint16]:
    """(N,) the same number for boxes that are looked at together."""
    return (_STEP[wide] * len(_SIZES) + _STEP[tall]).astype(np.uint16)


def _candidates(areas: npt.NDArray[np.float32], wide: Int32s, tall: Int32s) -> tuple[Int32s, Int32s, Int32s]:
    """Pairs of a triangle (its number) and a pixel that it may cover (from its box's first), some of them a little too many.

    Boxes of about a size are one array, which needs no list of pixels for each triangle; single precision is enough for a first choice.
    """
    which, across, down = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
    kind = _box_kind(wide, tall).astype(np.int32)
    starts = np.flatnonzero(np.diff(kind, prepend=-1)).tolist()
    for start, end in itertools.pairwise([*starts, len(kind)]):
        columns, rows = int(wide[start:end].max()), int(tall[start:end].max())
        u = np.arange(columns, dtype=np.float32)[:, None]
        v = np.arange(rows, dtype=np.float32)[:, None, None]
        many = max(_AT_ONCE // (columns * rows), 1)
        for first in range(start, end, many):
            part = slice(first, min(first + many, end))
            a, b, c = ((areas[edge, part] + areas[3 + edge, part] * u) + areas[6 + edge, part] * v for edge in range(3))
            inside = np.flatnonzero(np.minimum(np.minimum(a, b), c) >= -_ROUGH * (columns * rows + 1)).astype(np.int32)
            pixel, number = np.divmod(inside, np.int32(part.stop - first))
            row, column = np.divmod(pixel, np.int32(columns))
            which.append(number + np.int32(first))
            across.append(column)
            down.append(row)
    return np.concatenate(which), np.concatenate(across), np.concatenate(down)
