# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed distance fields of tapered elliptical tubes, and their surfaces by surface nets (S. F. Gibson, MICCAI 1998)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .mesh import clip, compact, mirrored

Array = np.ndarray
Numbers = Sequence[float] | np.ndarray
SAMPLES = 65
UP = np.array([0.0, 0.0, 1.0])


def monotone_cubic(x: Array, y: Array, at: Array) -> Array:
    """Monotone piecewise cubic interpolation (Fritsch and Carlson, 1980), constant outside."""
    x, y, at = np.asarray(x, float), np.asarray(y, float), np.clip(at, x[0], x[-1])
    if len(x) == 2:
        return np.interp(at, x, y)
    width, slope = np.diff(x), np.diff(y) / np.diff(x)
    left, right = slope[:-1], slope[1:]
    w1, w2 = 2 * width[1:] + width[:-1], width[1:] + 2 * width[:-1]
    same = left * right > 0
    inner = np.where(same, (w1 + w2) / (w1 / np.where(same, left, 1.0) + w2 / np.where(same, right, 1.0)), 0.0)
    tangent = np.concatenate([[slope[0]], inner, [slope[-1]]])
    i = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(x) - 2)
    t = (at - x[i]) / width[i]
    h00, h10, h01, h11 = (1 + 2 * t) * (1 - t) ** 2, t * (1 - t) ** 2, t * t * (3 - 2 * t), t * t * (t - 1)
    return h00 * y[i] + h10 * width[i] * tangent[i] + h01 * y[i + 1] + h11 * width[i] * tangent[i + 1]


@dataclass(frozen=True)
class Tube:
    """A tapered elliptical tube from `start` to `end`, rounded at its ends.

    `side` says where the section's x axis points; y = direction × x. `rx`, `ry` are radii and `sx`, `sy` shifts of the centre,
    each sampled evenly (SAMPLES values) over t = 0…1; `blend` is the radius in metres with which it melts into what came before.
    """

    bone: str
    start: Array
    end: Array
    side: Array
    rx: Array
    ry: Array
    sx: Array
    sy: Array
    blend: float
    cap: float = 1.0

    @property
    def radius(self) -> float:
        return float(np.median(np.minimum(self.rx, self.ry)))

    @cached_property
    def frame(self) -> tuple[Array, Array, Array, float]:
        """Section's x and y axes, direction, length."""
        along = self.end - self.start
        length = float(np.linalg.norm(along))
        along = along / length
        side = self.side
        if abs(side @ along) > 0.95:
            side = np.roll(side, 1)
        x = side - along * (side @ along)
        x = x / np.linalg.norm(x)
        return x, np.cross(along, x), along, length

    @cached_property
    def _tables(self) -> Array:
        return np.stack([self.rx, self.ry, self.sx, self.sy])

    def distance(self, points: Array) -> Array:
        """(N,) signed distance in metres (first-order near the surface), negative inside."""
        ex, ey, along, length = self.frame
        x, y, t = ((points - self.start) @ np.column_stack([ex, ey, along / length])).T
        clamped = np.clip(t, 0.0, 1.0)
        position = clamped * (SAMPLES - 1)
        low = np.minimum(position.astype(int), SAMPLES - 2)
        part = position - low
        rx, ry, sx, sy = self._tables[:, low] * (1 - part) + self._tables[:, low + 1] * part
        small = np.minimum(rx, ry)
        rc = self.cap * small
        x, y, e = (x - sx) / rx, (y - sy) / ry, (t - clamped) * length / rc
        q = np.sqrt(x * x + y * y + e * e)
        gradient = np.sqrt((x / rx) ** 2 + (y / ry) ** 2 + (e / rc) ** 2)
        return np.where(q < 0.3, -0.7 * small, q * (q - 1) / np.maximum(gradient, 1e-9))

    def bounds(self) -> tuple[Array, Array]:
        reach = max(self.rx.max(), self.ry.max()) + max(np.abs(self.sx).max(), np.abs(self.sy).max())
        return np.minimum(self.start, self.end) - reach, np.maximum(self.start, self.end) + reach

    def grown(self, offset: float | Callable[[Array], Array], blend: float | None = None) -> Tube:
        """The same tube, thicker by `offset` metres or by `offset(t)`."""
        extra = offset(np.linspace(0, 1, SAMPLES)) if callable(offset) else offset
        return replace(self, rx=self.rx + extra, ry=self.ry + extra, blend=self.blend if blend is None else blend)


def tube(
    bone: str,
    start: Sequence[float] | Array,
    end: Sequence[float] | Array,
    t: Numbers,
    rx: Numbers,
    ry: Numbers | None = None,
    *,
    side: Sequence[float] = (0.0, 1.0, 0.0),
    sx: Numbers | None = None,
    sy: Numbers | None = None,
    blend: float = 0.02,
    cap: float = 1.0,
) -> Tube:
    """A tube whose radii and shifts are given at stations `t` and interpolated monotonely."""
    at = np.linspace(0, 1, SAMPLES)
    tables = [
        monotone_cubic(np.asarray(t), np.asarray(v), at) if v is not None else np.zeros(SAMPLES)
        for v in (rx, ry if ry is not None else rx, sx, sy)
    ]
    return Tube(bone, np.asarray(start, float), np.asarray(end, float), np.asarray(side, float), *tables, blend=blend, cap=cap)


def ball(bone: str, centre: Numbers, radii: Sequence[float], blend: float) -> Tube:
    """An ellipsoid: a tube so short that only its caps are left. `radii` are along x, y; the cap follows the smaller."""
    centre = np.asarray(centre, float)
    return tube(bone, centre - UP * 1e-4, centre + UP * 1e-4, [0, 1], [radii[0]] * 2, [radii[1]] * 2, side=(1, 0, 0), blend=blend)


def smooth_min(a: Array, b: Array, k: float) -> Array:
    """Polynomial smooth minimum with blend radius k."""
    return np.minimum(a, b) - np.maximum(k - np.abs(a - b), 0.0) ** 2 / (4.0 * k)


def union(tubes: Sequence[Tube], points: Array, cut: Callable[[Array], Array] | None = None) -> Array:
    """(N,) distance to the smooth union, in order; `cut` (a distance, positive outside) is taken away sharply."""
    total = np.full(len(points), 1.0)
    for item in tubes:
        total = smooth_min(total, item.distance(points), item.blend)
    return total if cut is None else np.maximum(total, cut(points))


def gradient(tubes: Sequence[Tube], points: Array, cut: Callable[[Array], Array] | None = None, step: float = 1e-3) -> Array:
    """(N, 3) central differences of `union`."""
    offsets = np.concatenate([np.eye(3), -np.eye(3)]) * step
    values = union(tubes, (points[None] + offsets[:, None]).reshape(-1, 3), cut).reshape(6, -1)
    return ((values[:3] - values[3:]) / (2 * step)).T


Stretch = Sequence[Callable[[Array], Array] | None]


def grid_axis(low: float, high: float, cell: float, stretch: Callable[[Array], Array] | None) -> Array:
    """Positions from `low` to beyond `high`, `cell` metres apart, or `cell` × `stretch(position)`."""
    if stretch is None:
        return low + cell * np.arange(int(np.ceil((high - low) / cell)) + 1)
    at = np.linspace(low, high + 3 * cell, 400)
    count = np.concatenate([[0.0], np.cumsum(np.diff(at) / (cell * stretch((at[:-1] + at[1:]) / 2)))])
    return np.interp(np.arange(int(np.ceil(np.interp(high, at, count))) + 1), count, at)


def surface(
    tubes: Sequence[Tube],
    cell: float,
    *,
    half: bool = True,
    cut: Callable[[Array], Array] | None = None,
    within: tuple[Sequence[float], Sequence[float]] | None = None,
    stretch: Stretch = (None, None, None),
) -> tuple[Array, Array]:
    """The union's surface with cells of `cell` metres, on each axis times `stretch(position)`: long limbs need fewer along than around.

    `half`: only x ≥ 0 is computed and mirrored, so the result is exactly symmetric. `within` limits the box (low, high).
    """
    boxes = [item.bounds() for item in tubes]
    low, high = np.min([b[0] for b in boxes], axis=0) - 2 * cell, np.max([b[1] for b in boxes], axis=0) + 2 * cell
    if within is not None:
        low, high = np.maximum(low, within[0]), np.minimum(high, within[1])
    if half:
        low[0] = -1.5 * cell
    axes = [grid_axis(float(low[i]), float(high[i]), cell, stretch[i]) for i in range(3)]
    size = np.array([len(axis) for axis in axes])
    field = np.full(size, 1.0)
    for item, (a, b) in zip(tubes, boxes, strict=True):
        margin = item.blend + 3 * cell
        first = np.array([np.searchsorted(axis, v) for axis, v in zip(axes, a - margin, strict=True)])
        last = np.array([np.searchsorted(axis, v) for axis, v in zip(axes, b + margin, strict=True)])
        if (last <= first).any():
            continue
        box = tuple(slice(f, s) for f, s in zip(first, last, strict=True))
        points = np.stack(np.meshgrid(*(axis[s] for axis, s in zip(axes, box, strict=True)), indexing="ij"), axis=-1).reshape(-1, 3)
        field[box] = smooth_min(field[box], item.distance(points).reshape(last - first), item.blend)
    if cut is not None:
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
        field = np.maximum(field, cut(points).reshape(size))
    vertices, faces = nets(field, axes)
    vertices = settle(vertices, faces, tubes, cell, cut)
    if not half:
        return compact(vertices, faces)
    # A vertex almost on the mirror plane is moved onto it: no slivers along the seam.
    near = np.abs(vertices[:, 0]) < 0.25 * cell
    if cut is not None:
        # What was cut apart there (legs) stays apart.
        apart = cut(vertices) > -0.25 * cell
        vertices[:, 0] = np.where(apart, np.maximum(vertices[:, 0], 5e-4), vertices[:, 0])
        near &= ~apart
    vertices[near, 0] = 0.0
    vertices, faces = clip((vertices, faces), vertices[:, 0])
    # A face with all its corners on the mirror plane would be doubled by mirroring.
    on_plane = np.where(faces >= 0, np.abs(vertices[:, 0])[faces], 0.0).max(1) < 1e-7
    return mirrored(compact(vertices, faces[~on_plane]))


def nets(field: Array, axes: Sequence[Array]) -> tuple[Array, Array]:
    """Surface nets of a (X, Y, Z) grid of distances: one vertex a cell that the surface crosses, one quad a crossed grid edge.

    `axes` are the grid's positions on each axis.
    """
    inside = field < 0
    size = np.array(field.shape) - 1
    corners = [(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    count = np.zeros(size, np.int8)
    for i, j, k in corners:
        count += inside[i : i + size[0], j : j + size[1], k : k + size[2]]
    active = (count > 0) & (count < 8)
    cells = np.argwhere(active)
    index = np.full(active.shape, -1)
    index[active] = np.arange(len(cells))
    total, number = np.zeros((len(cells), 3)), np.zeros(len(cells))
    for a in corners:
        for axis in range(3):
            if a[axis]:
                continue
            b = tuple(1 if i == axis else a[i] for i in range(3))
            fa, fb = field[tuple((cells + a).T)], field[tuple((cells + b).T)]
            crossing = (fa < 0) != (fb < 0)
            t = fa[crossing] / (fa[crossing] - fb[crossing])
            point = np.tile(np.array(a, float), (len(t), 1))
            point[:, axis] += t
            total[crossing] += point
            number[crossing] += 1
    places = cells + total / number[:, None]
    vertices = np.column_stack([np.interp(places[:, i], np.arange(len(axes[i])), axes[i]) for i in range(3)])
    faces = []
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        lower = np.take(inside, range(size[axis]), axis)
        upper = np.take(inside, range(1, size[axis] + 1), axis)
        edges = np.argwhere(lower != upper)
        edges = edges[(edges[:, u] > 0) & (edges[:, v] > 0) & (edges[:, u] < size[u]) & (edges[:, v] < size[v])]
        quad = []
        for du, dv in ((-1, -1), (0, -1), (0, 0), (-1, 0)):
            shifted = edges.copy()
            shifted[:, u] += du
            shifted[:, v] += dv
            quad.append(index[tuple(shifted.T)])
        quad = np.stack(quad, axis=1)
        leaving = lower[tuple(edges.T)]
        faces.append(np.where(leaving[:, None], quad, quad[:, ::-1]))
    return vertices, np.concatenate(faces)


def settle(vertices: Array, faces: Array, tubes: Sequence[Tube], cell: float, cut: Callable[[Array], Array] | None) -> Array:
    """Two rounds of evening out the vertices and putting them back onto the surface by a Newton step."""
    edges = np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2)
    edges = np.unique(np.sort(edges, axis=1), axis=0)
    degree = np.maximum(np.bincount(edges.reshape(-1), minlength=len(vertices)), 1)[:, None]
    for _ in range(2):
        mean = np.zeros_like(vertices)
        np.add.at(mean, edges[:, 0], vertices[edges[:, 1]])
        np.add.at(mean, edges[:, 1], vertices[edges[:, 0]])
        vertices = 0.4 * vertices + 0.6 * mean / degree
        slope = gradient(tubes, vertices, cut)
        steep = np.maximum(np.linalg.norm(slope, axis=1), 0.5)
        # Deep inside a tube the field jumps, so the step is limited in length, not only in value.
        step = np.clip(union(tubes, vertices, cut) / steep, -0.7 * cell, 0.7 * cell)
        vertices = vertices - (step / steep)[:, None] * slope
    return vertices


def front(tubes: Sequence[Tube], x: Array, z: Array, start: float = -0.4, behind: bool = False) -> Array:
    """(N, 3) points of the surface seen from the front (or from behind) at x, z, by sphere tracing along y."""
    x, z = np.broadcast_arrays(np.asarray(x, float), np.asarray(z, float))
    sign = -1.0 if behind else 1.0
    points = np.column_stack([x.ravel(), np.full(x.size, sign * start), z.ravel()])
    for _ in range(24):
        points[:, 1] += sign * np.clip(union(tubes, points), -0.02, 0.05) * 0.8
    return points
