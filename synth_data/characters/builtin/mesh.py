# SPDX-License-Identifier: GPL-3.0-or-later
"""Polygon meshes as arrays: lofts, clipping, mirroring, rims, and the painted part of a character.

Faces are an (M, 4) int array; a triangle has −1 in its last column. Counter-clockwise seen from outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..palette import Colour

Array = np.ndarray
Mesh = tuple[Array, Array]


@dataclass
class Part:
    """A painted, weighted piece of a character.

    `vertices` (N, 3) metres; `faces` (M, 4); `base`, `shade` (N, 3) linear RGB; `flat` (N,) 1 where no shading falls;
    `line` (N,) outline width factor; `weights` (N, B) float, rows sum to 1; `outlined` says which of the two objects it goes to.
    `face_base`, `face_shade` (M, 3): colours of faces painted whole, so that they end sharply; NaN where the vertices' colours hold.
    """

    vertices: Array
    faces: Array
    base: Array
    shade: Array
    flat: Array
    line: Array
    weights: Array
    outlined: bool = True
    face_base: Array | None = None
    face_shade: Array | None = None

    def paint(self, faces: Array, colour: Colour) -> None:
        """Give whole faces, chosen by a (M,) mask, a colour of their own."""
        if self.face_base is None or self.face_shade is None:
            self.face_base = np.full((len(self.faces), 3), np.nan)
            self.face_shade = self.face_base.copy()
        self.face_base[faces] = colour.base
        self.face_shade[faces] = colour.shade

    def corner_colours(self) -> tuple[Array, Array]:
        """(L, 3) colours in light and in shade of the faces' corners, face by face."""
        used = self.faces >= 0
        result = []
        for of_vertices, of_faces in ((self.base, self.face_base), (self.shade, self.face_shade)):
            colours = of_vertices[self.faces[used]]
            if of_faces is not None:
                whole = np.repeat(of_faces, used.sum(1), axis=0)
                colours = np.where(np.isnan(whole), colours, whole)
            result.append(colours)
        return result[0], result[1]


def painted(
    mesh: Mesh,
    colour: Colour,
    weights: Array,
    *,
    flat: float | Array = 0.0,
    line: float | Array = 1.0,
    outlined: bool = True,
) -> Part:
    """A part of one colour. `mesh` is (vertices, faces); `weights` is (N, B) or (B,)."""
    vertices, faces = mesh
    n = len(vertices)
    return Part(
        vertices,
        faces,
        np.tile(colour.base, (n, 1)),
        np.tile(colour.shade, (n, 1)),
        np.broadcast_to(np.asarray(flat, float), (n,)).copy(),
        np.broadcast_to(np.asarray(line, float), (n,)).copy(),
        np.broadcast_to(weights, (n, weights.shape[-1])).copy(),
        outlined,
    )


def join(parts: Sequence[Part]) -> Part:
    """All parts in one, in order. Weights of parts that know fewer bones get columns of zeros."""
    starts = np.cumsum([0] + [len(p.vertices) for p in parts])[:-1]
    bones = max(p.weights.shape[1] for p in parts)

    def of_faces(part: Part, values: Array | None) -> Array:
        return values if values is not None else np.full((len(part.faces), 3), np.nan)

    stacked = {name: np.concatenate([getattr(p, name) for p in parts]) for name in ("vertices", "base", "shade", "flat", "line")}
    return Part(
        **stacked,
        faces=np.concatenate([np.where(p.faces >= 0, p.faces + start, -1) for p, start in zip(parts, starts, strict=True)]),
        weights=np.concatenate([np.pad(p.weights, ((0, 0), (0, bones - p.weights.shape[1]))) for p in parts]),
        outlined=parts[0].outlined,
        face_base=np.concatenate([of_faces(p, p.face_base) for p in parts]),
        face_shade=np.concatenate([of_faces(p, p.face_shade) for p in parts]),
    )


def sound(part: Part) -> Part:
    """The part without faces of no area: what has two corners in one place loses one of them, or goes."""
    faces = part.faces.copy()
    following = _edges(faces)
    length = np.linalg.norm(part.vertices[following[..., 0]] - part.vertices[following[..., 1]], axis=-1)
    short = (length < 1e-7) & (following >= 0).all(-1)
    quads = np.flatnonzero((faces[:, 3] >= 0) & short.any(1))
    first = short[quads].argmax(1)
    kept = (first[:, None] + np.array([1, 2, 3])) % 4
    faces[quads] = np.column_stack([faces[quads[:, None], kept], np.full(len(quads), -1)])
    a, b, c, d = (part.vertices[faces[:, i]] for i in range(4))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    flat = area + np.where(faces[:, 3] >= 0, np.linalg.norm(np.cross(c - a, d - a), axis=1), 0.0) < 1e-12
    of_faces = {name: getattr(part, name)[~flat] for name in ("face_base", "face_shade") if getattr(part, name) is not None}
    return replace(part, faces=faces[~flat], **of_faces)


def merge(meshes: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Several meshes side by side in one."""
    vertices, faces, start = [], [], 0
    for v, f in meshes:
        vertices.append(v)
        faces.append(np.where(f >= 0, f + start, -1))
        start += len(v)
    return np.concatenate(vertices), np.concatenate(faces)


def pair(mesh: Mesh) -> Mesh:
    """A mesh and its mirror image at the other side of x = 0."""
    return merge([mesh, (mesh[0] * (-1, 1, 1), flipped(mesh[1]))])


def triangles(faces: Array) -> Array:
    """(K, 3) triangles of quads and triangles."""
    quads = faces[:, 3] >= 0
    return np.concatenate([faces[:, :3], faces[quads][:, [0, 2, 3]]])


def compact(vertices: Array, faces: Array) -> tuple[Array, Array]:
    """The mesh without vertices that no face uses."""
    used = np.zeros(len(vertices), bool)
    used[faces[faces >= 0]] = True
    index = np.cumsum(used) - 1
    return vertices[used], np.where(faces >= 0, index[faces], -1)


def face_normals(vertices: Array, faces: Array) -> Array:
    """(M, 3) normals, as long as twice the area, by the diagonals."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    d = vertices[np.where(faces[:, 3] >= 0, faces[:, 3], faces[:, 0])]
    return np.cross(c - a, d - b)


def vertex_normals(vertices: Array, faces: Array) -> Array:
    """(N, 3) unit normals, weighted by area."""
    total = np.zeros_like(vertices)
    normals = face_normals(vertices, faces)
    for corner in range(4):
        index = faces[:, corner]
        ok = index >= 0
        np.add.at(total, index[ok], normals[ok])
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)


def flipped(faces: Array) -> Array:
    """The same faces seen from the other side."""
    quads = faces[:, ::-1]
    return np.where(faces[:, 3:] >= 0, quads, np.column_stack([faces[:, 2], faces[:, 1], faces[:, 0], faces[:, 3]]))


def outward(vertices: Array, faces: Array) -> Array:
    """Faces turned so that a closed (or nearly closed) mesh encloses a positive volume."""
    a, b, c = (vertices[triangles(faces)[:, i]] - vertices.mean(0) for i in range(3))
    return faces if np.einsum("ij,ij->", a, np.cross(b, c)) >= 0 else flipped(faces)


def grid_faces(rows: int, columns: int, wrap: bool) -> Array:
    """Faces of a grid of vertices stored row by row; `wrap` joins the last column to the first."""
    index = np.arange(rows * columns).reshape(rows, columns)
    if wrap:
        index = np.concatenate([index, index[:, :1]], axis=1)
    return np.stack([index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]], axis=-1).reshape(-1, 4)


def loft(rings: Array, *, wrap: bool = True, caps: bool = False) -> tuple[Array, Array]:
    """A surface through (R, S, 3) rings; with `caps` both ends are closed by fans and the result is turned outward."""
    rows, columns, _ = rings.shape
    vertices, faces = rings.reshape(-1, 3), grid_faces(rows, columns, wrap)
    if not caps:
        return vertices, faces
    ring = np.arange(columns)
    following = np.roll(ring, -1)
    n = len(vertices)
    last = (rows - 1) * columns
    fans = [
        np.column_stack([following, ring, np.full(columns, n), np.full(columns, -1)]),
        np.column_stack([ring + last, following + last, np.full(columns, n + 1), np.full(columns, -1)]),
    ]
    vertices = np.concatenate([vertices, rings[[0, -1]].mean(1)])
    faces = np.concatenate([faces, *fans])
    return vertices, outward(vertices, faces)


def _edges(faces: Array) -> Array:
    """(M, 4, 2) the edges of each face, from each corner to the next; −1 where a triangle has no fourth."""
    following = np.where(faces >= 0, np.roll(faces, -1, axis=1), -1)
    triangle = faces[:, 3] < 0
    following[triangle, 2] = faces[triangle, 0]
    return np.stack([faces, following], axis=-1)


def open_edges(faces: Array, count: int) -> tuple[Array, Array]:
    """(E, 2) edges that only one face has, in its direction, and (E,) which face; `count` is the number of vertices."""
    edges = _edges(faces).reshape(-1, 2)
    real = (edges >= 0).all(1)
    a, b = edges[real].T
    alone = ~np.isin(a * count + b, b * count + a)
    return edges[real][alone], np.repeat(np.arange(len(faces)), 4)[real][alone]


def split(mesh: Mesh, values: Array, *, active: Array | None = None, zone: Array | None = None) -> tuple[Mesh, Array, Array]:
    """Faces cut along the zero line of the vertex values (N,), where `active` (M,) is true (default: everywhere).

    Vertices close to the line are moved onto it, so that no slivers arise; those on open edges and between faces of different `zone` (M,)
    stay. Returns the mesh, for each of its faces the one it comes from, and whether it lies on the side of values ≥ 0.
    """
    vertices, faces = mesh[0].copy(), mesh[1]
    values = np.asarray(values, float).copy()
    n = len(vertices)
    edges = _edges(faces)
    lower, upper = edges.min(-1), edges.max(-1)
    real = lower >= 0
    wanted = real & active[:, None] if active is not None else real

    def crossed(a: Array, b: Array) -> Array:
        return values[a] * values[b] < 0

    # Unique edges on the line.
    keys = np.unique((lower * n + upper)[wanted & crossed(lower, upper)])
    if len(keys):
        a, b = keys // n, keys % n
        fixed = np.zeros(n, bool)
        fixed[open_edges(faces, n)[0]] = True
        if zone is not None:
            low, high = np.full(n, np.iinfo(int).max), np.full(n, -1)
            for corner in range(4):
                there = faces[:, corner] >= 0
                np.minimum.at(low, faces[there, corner], zone[there])
                np.maximum.at(high, faces[there, corner], zone[there])
            fixed |= low != high
        end, other = np.concatenate([a, b]), np.concatenate([b, a])
        share = np.abs(values[end]) / (np.abs(values[end]) + np.abs(values[other]))
        order = np.argsort(-share, kind="stable")
        order = order[(share[order] < 0.22) & ~fixed[end[order]]]
        # The last one written, the shortest way, holds.
        moved = vertices.copy()
        moved[end[order]] = vertices[end[order]] + share[order, None] * (vertices[other[order]] - vertices[end[order]])
        vertices = moved
        values[end[order]] = 0.0
        keys = keys[crossed(a, b)]
    a, b = keys // n, keys % n
    t = (values[a] / np.where(values[a] == values[b], 1.0, values[a] - values[b]))[:, None]
    vertices = np.concatenate([vertices, vertices[a] * (1 - t) + vertices[b] * t])
    values = np.concatenate([values, np.zeros(len(keys))])
    place = np.searchsorted(keys, lower * n + upper)
    on = real & (place < len(keys))
    on[on] = keys[place[on]] == (lower * n + upper)[on]
    middle = np.where(on, n + place, -1)
    new, source = _cut_faces(faces, middle)
    # A line through two opposite corners of a quad cuts no edge.
    v = np.where(new >= 0, values[np.maximum(new, 0)], np.nan)
    for first in (0, 1):
        across = (v[:, first] == 0) & (v[:, first + 2] == 0) & (v[:, first + 1] * v[:, (first + 3) % 4] < 0)
        f, none = new[across], np.full(int(across.sum()), -1)
        halves = [np.column_stack([f[:, (first + k) % 4] for k in ks] + [none]) for ks in ((0, 1, 2), (0, 2, 3))]
        new, source = np.concatenate([new[~across], *halves]), np.concatenate([source[~across], source[across], source[across]])
        v = np.where(new >= 0, values[np.maximum(new, 0)], np.nan)
    corners = np.where(new >= 0, values[np.maximum(new, 0)], 0.0)
    return (vertices, new), source, corners.sum(1) >= 0


def _cut_faces(faces: Array, middle: Array) -> tuple[Array, Array]:
    """Faces divided at the vertices `middle` (M, 4) on their edges (−1: none); and which face each comes from."""
    index = np.arange(len(faces))
    quad = faces[:, 3] >= 0
    cuts = (middle >= 0).sum(1)
    # A quad whose corners alternate becomes two triangles first.
    many = quad & (cuts > 2)
    f, m = faces[many], middle[many]
    none = np.full(len(f), -1)
    halves = [
        (np.column_stack([f[:, [0, 1, 2]], none]), np.column_stack([m[:, [0, 1]], none, none])),
        (np.column_stack([f[:, [0, 2, 3]], none]), np.column_stack([none, m[:, [2, 3]], none])),
    ]
    faces = np.concatenate([faces[~many], *(h[0] for h in halves)])
    middle = np.concatenate([middle[~many], *(h[1] for h in halves)])
    index = np.concatenate([index[~many], index[many], index[many]])
    quad, cuts = faces[:, 3] >= 0, (middle >= 0).sum(1)
    done, source = [faces[cuts == 0]], [index[cuts == 0]]

    def turned(mask: Array, first: Array, sides: int) -> tuple[Array, Array]:
        """Corners and cuts of the faces, turned so that edge `first` comes first."""
        roll = (first[mask, None] + np.arange(sides)) % sides
        rows = np.flatnonzero(mask)[:, None]
        return faces[rows, roll].T, middle[rows, roll].T

    def emit(mask: Array, *polygons: tuple[Array, ...]) -> None:
        for polygon in polygons:
            columns = list(polygon) + [np.full(int(mask.sum()), -1)] * (4 - len(polygon))
            done.append(np.column_stack(columns))
            source.append(index[mask])

    hit = middle >= 0
    for sides, kind in ((4, quad), (3, ~quad)):
        one = kind & (cuts == 1)
        v, m = turned(one, hit.argmax(1), sides)
        if sides == 4:
            emit(one, (v[0], m[0], v[3]), (m[0], v[1], v[2]), (m[0], v[2], v[3]))
        else:
            emit(one, (v[0], m[0], v[2]), (m[0], v[1], v[2]))
        # Two neighbouring cuts: the first of them is the one whose next edge is cut too.
        edge = hit[:, :sides]
        adjacent = edge & np.roll(edge, -1, axis=1)
        two = kind & (cuts == 2) & adjacent.any(1)
        v, m = turned(two, adjacent.argmax(1), sides)
        emit(two, (m[0], v[1], m[1]))
        if sides == 4:
            emit(two, (v[0], m[0], m[1], v[3]), (m[1], v[2], v[3]))
            opposite = kind & (cuts == 2) & ~adjacent.any(1)
            v, m = turned(opposite, hit.argmax(1), 4)
            emit(opposite, (v[0], m[0], m[2], v[3]), (m[0], v[1], v[2], m[2]))
        else:
            emit(two, (v[0], m[0], m[1], v[2]))
    return np.concatenate(done), np.concatenate(source)


def clip(mesh: Mesh, keep: Array) -> Mesh:
    """The part of a mesh where the vertex values `keep` (N,) are ≥ 0; faces are cut along the zero line, so that edges are sharp."""
    (vertices, faces), _, inside = split(mesh, keep)
    return compact(vertices, faces[inside])


def mirrored(mesh: Mesh) -> Mesh:
    """A half mesh (x ≥ 0) with its mirror image, sewn where x = 0."""
    vertices, faces = mesh
    seam = np.abs(vertices[:, 0]) < 1e-7
    vertices = vertices.copy()
    vertices[seam, 0] = 0.0
    twin = np.where(seam, np.arange(len(vertices)), len(vertices) + np.cumsum(~seam) - 1)
    other = np.where(faces >= 0, twin[faces], -1)
    return np.concatenate([vertices, vertices[~seam] * (-1, 1, 1)]), np.concatenate([faces, flipped(other)])


def with_rim(mesh: Mesh, depth: float) -> Mesh:
    """The mesh with every open edge folded inward by `depth` metres, so that hems have a thickness and take an outline."""
    return rimmed(mesh, depth)[0]


def rimmed(mesh: Mesh, depth: float) -> tuple[Mesh, Array]:
    """`with_rim`, and for each face of the result the face of `mesh` that it is or folds."""
    vertices, faces = mesh
    edges, owner = open_edges(faces, len(vertices))
    border = np.unique(edges)
    inner = np.full(len(vertices), -1)
    inner[border] = len(vertices) + np.arange(len(border))
    folded = vertices[border] - vertex_normals(vertices, faces)[border] * depth
    rim = np.column_stack([edges[:, 1], edges[:, 0], inner[edges[:, 0]], inner[edges[:, 1]]])
    return (np.concatenate([vertices, folded]), np.concatenate([faces, rim])), np.concatenate([np.arange(len(faces)), owner])


def smoothstep(value: Array, low: float | Array, high: float | Array) -> Array:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)
