# SPDX-License-Identifier: GPL-3.0-or-later
"""Polygon meshes as arrays: lofts, clipping, mirroring, rims, and the painted part of a character.

Faces are an (M, 4) int array; a triangle has −1 in its last column. Counter-clockwise seen from outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
    mesh: tuple[Array, Array],
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

    return Part(
        np.concatenate([p.vertices for p in parts]),
        np.concatenate([np.where(p.faces >= 0, p.faces + start, -1) for p, start in zip(parts, starts, strict=True)]),
        *(np.concatenate([getattr(p, name) for p in parts]) for name in ("base", "shade", "flat", "line")),
        np.concatenate([np.pad(p.weights, ((0, 0), (0, bones - p.weights.shape[1]))) for p in parts]),
        parts[0].outlined,
        np.concatenate([of_faces(p, p.face_base) for p in parts]),
        np.concatenate([of_faces(p, p.face_shade) for p in parts]),
    )


def merge(meshes: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Several meshes side by side in one."""
    vertices, faces, start = [], [], 0
    for v, f in meshes:
        vertices.append(v)
        faces.append(np.where(f >= 0, f + start, -1))
        start += len(v)
    return np.concatenate(vertices), np.concatenate(faces)


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


def clip(mesh: tuple[Array, Array], keep: Array) -> tuple[Array, Array]:
    """The part of a mesh where the vertex values `keep` (N,) are ≥ 0; faces are cut along the zero line, so that edges are sharp."""
    vertices, faces = mesh
    inside = keep >= 0
    corner = np.where(faces >= 0, inside[faces], inside[faces[:, :1]])
    whole, crossing = corner.all(1), corner.any(1) & ~corner.all(1)
    cut = triangles(faces[crossing])
    entire = cut[inside[cut].all(1)]
    cut = cut[inside[cut].any(1) & ~inside[cut].all(1)]
    # Each cut triangle is turned so that its lone corner (the one whose side differs) comes first.
    sides = inside[cut]
    lone_inside = sides.sum(1) == 1
    lone = np.argmax(sides == lone_inside[:, None], axis=1)
    cut = cut[np.arange(len(cut))[:, None], (lone[:, None] + np.arange(3)) % 3]
    pairs = np.concatenate([cut[:, [0, 1]], cut[:, [0, 2]]])
    unique, inverse = np.unique(np.sort(pairs, axis=1), axis=0, return_inverse=True)
    inverse = inverse.reshape(-1) + len(vertices)
    a, b = keep[unique[:, 0]], keep[unique[:, 1]]
    t = (a / np.where(a == b, 1.0, a - b))[:, None]
    points = vertices[unique[:, 0]] * (1 - t) + vertices[unique[:, 1]] * t
    p, q = inverse[: len(cut)], inverse[len(cut) :]
    tips = np.column_stack([cut[:, 0], p, q, np.full(len(cut), -1)])[lone_inside]
    stumps = np.column_stack([p, cut[:, 1], cut[:, 2], q])[~lone_inside]
    entire = np.column_stack([entire, np.full(len(entire), -1)])
    return compact(np.concatenate([vertices, points]), np.concatenate([faces[whole], entire, tips, stumps]))


def mirrored(mesh: tuple[Array, Array]) -> tuple[Array, Array]:
    """A half mesh (x ≥ 0) with its mirror image, sewn where x = 0."""
    vertices, faces = mesh
    seam = np.abs(vertices[:, 0]) < 1e-7
    vertices = vertices.copy()
    vertices[seam, 0] = 0.0
    twin = np.where(seam, np.arange(len(vertices)), len(vertices) + np.cumsum(~seam) - 1)
    other = np.where(faces >= 0, twin[faces], -1)
    return np.concatenate([vertices, vertices[~seam] * (-1, 1, 1)]), np.concatenate([faces, flipped(other)])


def with_rim(mesh: tuple[Array, Array], depth: float) -> tuple[Array, Array]:
    """The mesh with every open edge folded inward by `depth` metres, so that hems have a thickness and take an outline."""
    vertices, faces = mesh
    following = np.where(faces >= 0, np.roll(faces, -1, axis=1), -1)
    tri = faces[:, 3] < 0
    following[tri, 2] = faces[tri, 0]
    edges = np.stack([faces, following], axis=-1).reshape(-1, 2)
    edges = edges[(edges >= 0).all(1)]
    key, back = edges[:, 0] * len(vertices) + edges[:, 1], edges[:, 1] * len(vertices) + edges[:, 0]
    edges = edges[~np.isin(key, back)]
    border = np.unique(edges)
    inner = np.full(len(vertices), -1)
    inner[border] = len(vertices) + np.arange(len(border))
    folded = vertices[border] - vertex_normals(vertices, faces)[border] * depth
    rim = np.column_stack([edges[:, 1], edges[:, 0], inner[edges[:, 0]], inner[edges[:, 1]]])
    return np.concatenate([vertices, folded]), np.concatenate([faces, rim])


def smoothstep(value: Array, low: float | Array, high: float | Array) -> Array:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)
