# SPDX-License-Identifier: GPL-3.0-or-later
"""What is put onto clothes: cords, buttons, collars, ties, scarves, and the drawn lines of seams and folds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ..palette import Colour
from .hair import lock, ribbon, spline
from .mesh import Array, Mesh, Part, flipped, loft, merge, outward, painted, triangles, vertex_normals, with_rim
from .skeleton import ExtraBone
from .tailor import Figure, Offset, thicker


def cord(path: Array, width: float, sides: int = 6, count: int = 9) -> Mesh:
    """A round cord along control points, `width` metres in radius."""
    points = spline(path, count)
    along = np.gradient(points, axis=0)
    x = np.cross(along, (0.2, 1.0, 0.1))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    y = np.cross(along, x)
    y /= np.linalg.norm(y, axis=1, keepdims=True)
    a = np.arange(sides) * 2 * np.pi / sides
    return loft(points[:, None] + width * (np.cos(a)[None, :, None] * x[:, None] + np.sin(a)[None, :, None] * y[:, None]), caps=True)


def button(centre: Array, radius: float, out: tuple[float, float, float] = (0.0, -1.0, 0.0), sides: int = 8) -> Mesh:
    """A flat round button that faces along `out`."""
    normal = np.array(out) / np.linalg.norm(out)
    x = np.cross(normal, (0.1, 0.2, 1.0))
    x /= np.linalg.norm(x)
    y = np.cross(normal, x)
    a = np.arange(sides) * 2 * np.pi / sides
    spoke = np.cos(a)[:, None] * x + np.sin(a)[:, None] * y
    rings = [spoke * r + normal * h for r, h in ((radius, -0.002), (radius, 0.003), (radius * 0.7, 0.004))]
    v, f = loft(centre + np.array(rings), caps=True)
    return v, outward(v, f)


def box(centre: Array, half: tuple[float, float, float], turn: Array | None = None, bevel: float = 0.25) -> Mesh:
    """A box with rounded edges: `half` its half sizes along x, y, z (metres), `turn` (3, 3) its rotation."""
    x, y, z = half
    b = bevel * min(half)
    outline = np.array([(x, y - b), (x - b, y), (b - x, y), (-x, y - b), (-x, b - y), (b - x, -y), (x - b, -y), (x, b - y)])
    inner = outline * (1 - b / max(x, y))
    rings = [np.column_stack([o, np.full(8, h)]) for o, h in ((inner, -z), (outline, b - z), (outline, z - b), (inner, z))]
    points = np.array(rings) @ (turn.T if turn is not None else np.eye(3))
    v, f = loft(centre + points, caps=True)
    return v, outward(v, f)


# Around the neck


def collar_ring(figure: Figure, rows: list[tuple[float, float, float, float]], gap: float = 0.0, columns: int | None = None) -> Mesh:
    """A loft around the neck. Each row: radius behind and in front, height behind and in front, fractions of the height of the figure
    from the neck joint. `gap` is the half angle left open in front."""
    columns = columns or (40 if figure.fine else 22)
    angle = np.linspace(gap, 2 * np.pi - gap, columns) if gap else np.arange(columns) * 2 * np.pi / columns
    ahead = 0.5 + 0.5 * np.cos(angle)
    rings = []
    for back, front_radius, low, high in rows:
        radius = back * (1 - ahead**0.8) + front_radius * ahead**0.8
        rings.append(np.column_stack([radius * np.sin(angle), -radius * np.cos(angle), low * (1 - ahead**1.3) + high * ahead**1.3]))
    points = figure.joints["Neck"] + figure.H * np.array(rings)
    v, f = loft(points, wrap=not gap)
    n = np.cross(v[f[:, 2]] - v[f[:, 0]], v[f[:, 3]] - v[f[:, 1]])
    # The outermost row faces away from the neck.
    centre = v[f].mean(1) - figure.joints["Neck"]
    last = slice(len(f) - (columns if not gap else columns - 1), None)
    return (v, f) if (n[last, :2] * centre[last, :2]).sum() > 0 else (v, f[:, ::-1])


def swept_ring(figure: Figure, radius: float, thick: Callable[[Array], Array], height: Callable[[Array], Array]) -> Mesh:
    """A ring of varying thickness around the neck (a hood at rest, a scarf), functions of the angle from the front."""
    columns, sides = (36, 10) if figure.fine else (20, 7)
    a = (np.arange(columns) * 2 * np.pi / columns)[:, None]
    b = (np.arange(sides) * 2 * np.pi / sides)[None]
    r = thick(a)
    away = radius + 0.7 * r + r * np.cos(b)
    points = np.stack([away * np.sin(a), -away * np.cos(a) * 0.95, height(a) + 0.85 * r * np.sin(b)], axis=-1)
    points = np.concatenate([points, points[:1]])
    v, f = loft(figure.joints["Neck"] + figure.H * points, wrap=True)
    # The last ring is the first one again.
    count = columns * sides
    f = np.where(f >= count, f - count, f)
    return v[:count], outward(v[:count], f)


def laid_collar(
    figure: Figure, shape: Mapping[str, Offset], colour: Colour, width: Callable[[Array], Array], *, stand: float = 0.020, gap: float = 0.12
) -> Part:
    """A turned-down collar: it stands around the neck, folds over at `stand` (fraction of the height, less in front) and lies on a shell,
    `width(angle)` wide; open in front by the half angle `gap`.
    """
    columns = 40 if figure.fine else 24
    angle = np.linspace(gap, 2 * np.pi - gap, columns)
    H, neck = figure.H, figure.joints["Neck"]
    up, deep = np.array([0, 0, 1.0]), np.array([0, 0, 0.085 * H])
    around = np.column_stack([np.sin(angle), -np.cos(angle), np.zeros(columns)])
    raised = thicker(shape, 0.0035)

    def lying(reach: Array | float) -> Array:
        return figure.outside(raised, neck - deep, H * around * np.broadcast_to(reach, (columns,))[:, None] + deep)

    base, wide = lying(0.0425), width(angle)
    tall = (stand * (0.62 + 0.38 * np.cos(angle + np.pi)) * H)[:, None] * up
    rows = [base - 0.010 * H * up - 0.003 * H * around, base + tall - 0.004 * H * around, base + tall + 0.001 * H * around]
    # It rolls down from the fold to where it lies.
    rows += [
        0.35 * rows[2] + 0.65 * lying(0.0475 + 0.25 * wide) + 0.002 * H * up,
        *(lying(0.0475 + share * wide) for share in (0.5, 0.75, 1.0)),
    ]
    v, f = loft(np.array(rows), wrap=False)
    n = np.cross(v[f[:, 2]] - v[f[:, 0]], v[f[:, 3]] - v[f[:, 1]])
    last = slice(len(f) - columns + 1, None)
    f = f if (n[last] * (around[:-1] + 0.5 * up)).sum() > 0 else f[:, ::-1]
    return figure.part(with_rim((v, f), 0.003), colour)


def shirt_collar(figure: Figure, shape: Mapping[str, Offset], colour: Colour, size: float = 1.0) -> Part:
    """A shirt's collar with two points in front, on a shell."""
    return laid_collar(
        figure, shape, colour, lambda a: 0.012 + 0.031 * size * np.exp(-(((np.abs(np.sin(a / 2)) - 0.16) / 0.17) ** 2)), gap=0.10
    )


def standing_collar(figure: Figure, colour: Colour, *, tall: float = 0.030, gap: float = 0.16, loose: float = 0.0) -> Part:
    """A band that stands around the neck, open in front by the half angle `gap` (0: closed)."""
    rows = [
        (0.043 + loose, 0.044 + loose, -0.012, -0.030),
        (0.0385 + loose, 0.040 + loose, 0.004, -0.010),
        (0.0375 + loose, 0.0395 + loose, tall * 0.95, tall * 0.62),
    ]
    return figure.part(with_rim(collar_ring(figure, rows, gap=gap), 0.004), colour)


def roll_collar(figure: Figure, colour: Colour) -> Part:
    """A turtleneck, folded over once."""
    rows = [
        (0.044, 0.046, -0.014, -0.030),
        (0.036, 0.037, 0.006, -0.008),
        (0.0365, 0.0375, 0.034, 0.020),
        (0.041, 0.0425, 0.035, 0.021),
        (0.044, 0.046, 0.006, -0.010),
    ]
    return figure.part(with_rim(collar_ring(figure, rows), 0.003), colour)


def tie(figure: Figure, offsets: Mapping[str, Offset], top: float, bottom: float, width: float) -> Mesh:
    """A necktie's knot and blade lying on a shell, heights in metres."""
    H = figure.H
    count = 6 if figure.fine else 4
    z = np.concatenate([[top, top - 0.012 * H, top - 0.024 * H], np.linspace(top - 0.028 * H, bottom + 0.02 * H, count), [bottom]])
    half = np.concatenate([[0.013, 0.014, 0.008], np.linspace(0.009, 0.5 * width, count), [0.001]]) * H
    middle = figure.front(offsets, np.zeros(len(z)), z)
    angle = np.arange(6) * np.pi / 3
    thick = np.concatenate([[0.007, 0.009, 0.005], np.full(count + 1, 0.004)])
    rings = middle[:, None] + np.stack(
        [np.cos(angle)[None] * half[:, None], -0.003 + np.sin(angle)[None] * thick[:, None], 0 * angle[None] + 0 * z[:, None]], axis=-1
    )
    v, f = loft(rings, caps=True)
    return v, outward(v, f)


def bow(figure: Figure, at: Array, size: float, colour: Colour, out: tuple[float, float, float] = (0.0, -1.0, 0.12)) -> Part:
    """A bow of `size` (fraction of the height) before the point `at`."""
    return figure.stuck(merge(ribbon(at, size * figure.H, np.array(out))), colour, at, line=0.8)


def scarf(figure: Figure, shape: Mapping[str, Offset], colour: Colour) -> list[Part]:
    """A scarf around the neck whose end hangs in front, on bones of its own."""
    H, neck = figure.H, figure.joints["Neck"]
    ring = swept_ring(
        figure,
        0.031,
        lambda a: 0.0225 + 0.0025 * np.sin(3 * a) + 0.003 * np.cos(a),
        lambda a: 0.014 + 0.006 * np.cos(a + 2.4) - 0.013 * np.cos(a),
    )
    zs = neck[2] - np.array([0.030, 0.085, 0.160]) * H
    path = figure.front(shape, np.array([0.022, 0.030, 0.034]) * H, zs) - (0, 0.018, 0)
    path[0] = figure.front(shape, [0.02 * H], zs[:1])[0] - (0, 0.020, -0.010 * H)
    count = 8 if figure.fine else 5
    points = spline(path, count)
    end = lock(points, np.tile([0, -1.0, 0], (count, 1)), 0.052 * H, 0.020 * H, root=0.8, belly=40.0)
    figure.add_bones([ExtraBone("scarf_1_1", "Spine2", path[0], path[1]), ExtraBone("scarf_1_2", "scarf_1_1", path[1], path[2])])
    weights = figure.weights(end[0])
    loose = np.clip((path[0][2] - end[0][:, 2]) / (0.05 * H), 0, 1)
    tip = np.clip((path[1][2] + 0.02 * H - end[0][:, 2]) / (0.04 * H), 0, 1)
    weights = weights * (1 - loose[:, None])
    weights[:, figure.bones.index("scarf_1_1")] += loose * (1 - tip)
    weights[:, figure.bones.index("scarf_1_2")] += loose * tip
    return [figure.part(ring, colour, line=0.8), painted(end, colour, weights, line=0.8)]


def strip(
    figure: Figure, offsets: Mapping[str, Offset], path: Array, width: Array | float, *, thick: float = 0.0024, closed: bool = False
) -> Mesh:
    """A flat band that lies on a shell along `path` (K, 3), `width` (fractions of the height; a number or K of them) wide."""
    count = len(path)
    normal = figure.normals(offsets, path)
    if closed:
        along = np.roll(path, -1, axis=0) - np.roll(path, 1, axis=0)
    else:
        along = np.gradient(path, axis=0)
    side = np.cross(normal, along)
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
    half = np.broadcast_to(np.asarray(width, float), (count,))[:, None] * figure.H / 2
    high = thick * figure.H
    rings = np.stack(
        [
            path - side * half - normal * 0.004,
            path - side * half + normal * high,
            path + side * half + normal * high,
            path + side * half - normal * 0.004,
        ],
        axis=1,
    )
    if closed:
        v, f = loft(np.concatenate([rings, rings[:1]]))
        f = np.where(f >= 4 * count, f - 4 * count, f)
        v = v[: 4 * count]
        return v, outward(v, f)
    return loft(rings, caps=True)


def over_shoulder(
    figure: Figure, offsets: Mapping[str, Offset], front: tuple[float, float], back: tuple[float, float], top: float
) -> Array:
    """A path on a shell over the left shoulder: from (x, z) in front to (x, z) behind, crossing the shoulder at x = `top`; metres."""
    H, neck = figure.H, figure.joints["Neck"]
    middle = neck[2] - 0.085 * H
    t = np.linspace(0, 1, 15 if figure.fine else 9)
    ends = []
    for x, z in (front, back):
        # Where the straight line to the shoulder's top passes the height from which on the path goes around.
        share = np.clip((middle - z) / (neck[2] - 0.02 * H - z), 0, 1) if z < middle else 0.0
        ends.append(x + (top - x) * share)
    x = np.interp(t, [0, 0.5, 1], [ends[0], top, ends[1]])
    around = np.column_stack([x, -0.075 * H * np.cos(np.pi * t), 0.085 * H * np.sin(np.pi * t)])
    arc = figure.outside(offsets, np.array([0.0, neck[1], middle]), around)
    arc = arc[np.where(arc[:, 1] < neck[1], arc[:, 2] >= front[1], arc[:, 2] >= back[1])]
    pieces = [arc]
    for (x0, z), end, behind in ((front, ends[0], False), (back, ends[1], True)):
        if z < middle:
            rise = np.linspace(0, 1, int((middle - z) / ((0.02 if figure.fine else 0.035) * H)) + 2)[:-1]
            line = figure.front(offsets, x0 + (end - x0) * rise, z + (middle - z) * rise, behind=behind)
            pieces = [*pieces, line[::-1]] if behind else [line, *pieces]
    return np.concatenate(pieces)


# Drawn lines


def attach(mesh: Mesh, points: Array) -> tuple[Array, Array, Array, Array]:
    """The nearest places on a mesh: points (P, 3), unit normals (P, 3), the triangles' corners (P, 3) and barycentrics (P, 3)."""
    vertices, faces = mesh
    corners = triangles(faces)
    normals = vertex_normals(vertices, faces)
    a, b, c = (vertices[corners[:, i]] for i in range(3))
    centre, e1, e2 = (a + b + c) / 3, b - a, c - a
    result = np.empty((len(points), 3)), np.empty((len(points), 3)), np.empty((len(points), 3), int), np.empty((len(points), 3))
    d11, d12, d22 = (np.einsum("ij,ij->i", *pair) for pair in ((e1, e1), (e1, e2), (e2, e2)))
    scale = np.maximum(d11 * d22 - d12**2, 1e-20)
    for row, point in enumerate(points):
        near = np.argpartition(((centre - point) ** 2).sum(1), min(24, len(centre) - 1))[:25]
        v = point - a[near]
        d1, d2 = (v * e1[near]).sum(1), (v * e2[near]).sum(1)
        s, t = (d22[near] * d1 - d12[near] * d2) / scale[near], (d11[near] * d2 - d12[near] * d1) / scale[near]
        bary = np.maximum(np.column_stack([1 - s - t, s, t]), 0)
        bary /= bary.sum(1, keepdims=True)
        foot = np.einsum("ij,ijk->ik", bary, vertices[corners[near]])
        best = int(((foot - point) ** 2).sum(1).argmin())
        chosen = corners[near[best]]
        normal = bary[best] @ normals[chosen]
        result[0][row], result[1][row] = foot[best], normal / max(np.linalg.norm(normal), 1e-9)
        result[2][row], result[3][row] = chosen, bary[best]
    return result


def strokes(
    figure: Figure, part: Part, paths: list[Array], width: float, colour: Colour, *, taper: bool = True, lift: float = 0.0014
) -> Part | None:
    """Drawn lines on a part: each of `paths` (K, 3) is laid onto its surface, `width` (fraction of the height) wide, and moves with it.

    With `taper` they end in points, as folds do; without, they are stitches, stripes or laces.
    """
    if not paths:
        return None
    meshes, weights = [], []
    mesh = (part.vertices, part.faces)
    for path in paths:
        length = np.linalg.norm(np.diff(path, axis=0), axis=1).sum()
        count = int(np.clip(length / ((0.008 if figure.fine else 0.014) * figure.H), 3, 14))
        middle, normal, _, _ = attach(mesh, spline(path, count))
        along = np.gradient(middle, axis=0)
        side = np.cross(normal, along)
        side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
        half = np.full(count, width * figure.H / 2)
        if taper:
            half = half * np.sin(np.pi * np.linspace(0.06, 0.94, count)) ** 0.8
        edges = np.concatenate([middle - side * half[:, None], middle + side * half[:, None]])
        foot, normal, corner, bary = attach(mesh, edges)
        v, f = loft((foot + normal * lift).reshape(2, count, 3), wrap=False)
        n = np.cross(v[f[:, 2]] - v[f[:, 0]], v[f[:, 3]] - v[f[:, 1]])
        meshes.append((v, f if (n * normal[f[:, 0]]).sum() > 0 else f[:, ::-1]))
        weights.append(np.einsum("pk,pkb->pb", bary, part.weights[corner]))
    return painted(merge(meshes), colour, np.concatenate(weights), line=0.0, outlined=False)


def fold_lines(figure: Figure, part: Part, offsets: Mapping[str, Offset], colour: Colour, *, sleeve: float = 0.0) -> Part | None:
    """The folds that sleeves have in the crook of the elbow, drawn in the colour's shade; none where they are too small to see."""
    if not figure.fine or sleeve < 1.3 or "forearm" not in offsets:
        return None
    shells = dict(zip([n for n in offsets if n in figure.tubes], figure.grown(offsets), strict=True))

    def on(name: str, t: float, angle: float, side: int) -> Array:
        """A point on an arm's shell: t along it, `angle` around it (degrees)."""
        item = shells[name]
        ex, ey, along, length = item.frame
        place, turn = round(t * 64), np.radians(angle)
        point = item.start + along * length * t + ex * item.rx[place] * np.sin(turn) + ey * item.ry[place] * np.cos(turn)
        return point * (side, 1, 1)

    paths = []
    for side in (1, -1):
        paths += [
            np.array([on("upper_arm", 0.93, -58, side), on("upper_arm", 0.985, -88, side), on("forearm", 0.03, -118, side)]),
            np.array([on("forearm", 0.055, -72, side), on("forearm", 0.075, -95, side), on("forearm", 0.09, -122, side)]),
        ]
    return strokes(figure, part, paths, 0.0032, colour.shaded)


def motifs(figure: Figure, part: Part, places: Array, size: float, colour: Colour, *, petals: int = 5) -> Part:
    """Flowers (`petals` 0: dots) printed on a part, nearest to `places` (P, 3), `size` (fraction of the height) in radius."""
    foot, normal, _, _ = attach((part.vertices, part.faces), places)
    x = np.cross(normal, (0.1, 0.2, 1.0))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    y = np.cross(normal, x)
    # Large ones follow the surface by rings between the middle and the rim.
    rings = 1 if size < 0.02 else 4
    count = 2 * petals or 8 * min(2, rings)
    angle = np.arange(count) * 2 * np.pi / count + np.arange(len(places))[:, None]
    radius = size * figure.H * (np.where(np.arange(count) % 2, 0.55, 1.0) if petals else 1.0)
    rim = (np.cos(angle) * radius)[..., None] * x[:, None] + (np.sin(angle) * radius)[..., None] * y[:, None]
    share = (np.arange(1, rings + 1) / rings)[:, None, None]
    points = np.concatenate([foot[:, None], (foot[:, None, None] + share * rim[:, None]).reshape(len(places), -1, 3)], axis=1).reshape(
        -1, 3
    )
    on, out, corner, bary = attach((part.vertices, part.faces), points)
    start = np.arange(len(places))[:, None] * (rings * count + 1)
    ring = np.arange(count)[None] + 1 + start
    following = np.roll(ring, -1, axis=1)
    f = [np.stack([np.broadcast_to(start, ring.shape), ring, following, np.full_like(ring, -1)], axis=-1)]
    f += [
        np.stack([ring + k * count, ring + (k + 1) * count, following + (k + 1) * count, following + k * count], axis=-1)
        for k in range(rings - 1)
    ]
    f = np.concatenate(f).reshape(-1, 4)
    v = on + out * 0.0014
    n = np.cross(v[f[:, 1]] - v[f[:, 0]], v[f[:, 2]] - v[f[:, 0]])
    f = np.where(((n * out[f[:, 0]]).sum(1) > 0)[:, None], f, flipped(f))
    return painted((v, f), colour, np.einsum("pk,pkb->pb", bary, part.weights[corner]), line=0.0, outlined=False)
