# SPDX-License-Identifier: GPL-3.0-or-later
"""Tools for making clothes from the body's own fields: shells, overlays, skirts, shoes, ties."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from ..palette import Colour
from .body import Proportions, normalised, skin_weights
from .fields import Tube, front, surface
from .hair import spline
from .mesh import Array, Part, clip, loft, outward, painted, smoothstep, vertex_normals, with_rim
from .skeleton import ExtraBone

Mesh = tuple[Array, Array]
Offset = float | Callable[[Array], Array]
# Size of the grid's cells, as a fraction of the height.
CELL = 0.0100
# How finely a character is made: for close-ups, or with few vertices for pictures of the whole figure.
FULL, DATASET = "full", "dataset"


@dataclass
class Figure:
    """A body to be dressed. `bones` are the columns of the weights; `extra` those among them that are not Mixamo's."""

    proportions: Proportions
    joints: dict[str, Array]
    tubes: dict[str, Tube]
    bones: list[str]
    extra: list[ExtraBone] = field(default_factory=list)
    detail: str = FULL

    def add_bones(self, bones: Iterable[ExtraBone]) -> None:
        """Parts made from now on may be weighted to these bones, too; `join` widens the weights of those made before."""
        for bone in bones:
            self.extra.append(bone)
            self.bones.append(bone.name)

    @property
    def fine(self) -> bool:
        return self.detail == FULL

    @property
    def H(self) -> float:  # noqa: N802 (the formulas' name)
        return self.proportions.height

    def z(self, share: float) -> float:
        """Height between hips (0) and neck (1)."""
        hips, neck = self.joints["Hips"][2], self.joints["Neck"][2]
        return float(hips + share * (neck - hips))

    def weights(self, points: Array) -> Array:
        return skin_weights(points, self.tubes, self.joints, self.bones)

    def single(self, bone: str) -> Array:
        """(B,) all weight on one bone."""
        row = np.zeros(len(self.bones))
        row[self.bones.index(bone)] = 1.0
        return row

    def part(self, mesh: Mesh, colour: Colour, *, line: float = 1.0, flat: float = 0.0) -> Part:
        # A hull of no thickness would hide its own surface: what has no outline goes to the other object.
        return painted(mesh, colour, self.weights(mesh[0]), line=line, flat=flat, outlined=line > 0)

    # Shells

    def grown(self, offsets: Mapping[str, Offset]) -> list[Tube]:
        """The named tubes, thicker by their offsets (fractions of the height, or functions of t)."""
        result = []
        for name, offset in offsets.items():
            if name not in self.tubes:
                continue
            extra = (lambda t, f=offset: f(t) * self.H) if callable(offset) else offset * self.H
            result.append(self.tubes[name].grown(extra, max(self.tubes[name].blend, 0.03)))
        return result

    def shell(self, offsets: Mapping[str, Offset], *, gap: float | None = None, above: float = -9.0, below: float = 9.0) -> Mesh:
        """The surface around the named parts. `gap` (fraction of the height) keeps the legs that far from the middle;
        only heights between `above` and `below` are made (plus a margin to cut in)."""
        cell = CELL * self.H
        within = ((-9.0, -9.0, above - 3 * cell), (9.0, 9.0, below + 3 * cell))
        return surface(self.grown(offsets), cell, cut=self.leg_gap(gap) if gap is not None else None, within=within)

    def leg_gap(self, gap: float) -> Callable[[Array], Array]:
        crotch = self.joints["LeftUpLeg"][2] - 0.055 * self.H
        return lambda p: np.minimum(gap * self.H - p[:, 0], crotch - p[:, 2])

    def along_arm(self, t: float) -> float:
        """x of the point at t along the upper arm (0…1) and the forearm (1…2)."""
        a, b, c = (self.joints[n][0] for n in ("LeftArm", "LeftForeArm", "LeftHand"))
        return float(np.interp(t, [0, 1, 2], [a, b, c]))

    def neck_distance(self, p: Array, radius: float, tilt: float = 0.35) -> Array:
        """Distance from a cylinder (fraction of the height) around the neck, its front lowered by `tilt`."""
        neck = self.joints["Neck"]
        away = np.hypot(p[:, 0], p[:, 1] - neck[1] + tilt * 0.5 * (p[:, 2] - neck[2] + 0.02)) - radius * self.H
        return np.maximum(away, neck[2] - 0.07 * self.H - p[:, 2])

    def facing(self, p: Array) -> Array:
        """Positive where a point of the trunk faces forward."""
        return self.joints["Neck"][1] - p[:, 1]

    def vee(self, p: Array, bottom: float, slope: float, half: float = 0.0) -> Array:
        """≥ 0 outside a V-neck whose tip is at height `bottom` (metres); always ≥ 0 at the back."""
        outside = (np.abs(p[:, 0]) - half * self.H - np.maximum(p[:, 2] - bottom, -0.02) * slope) / np.hypot(1, slope)
        return np.where(self.facing(p) > 0, outside, 1.0)

    def front(self, offsets: Mapping[str, Offset], x: Array | list[float], z: Array, *, behind: bool = False) -> Array:
        """Points of a shell seen from the front."""
        points = front(self.grown(offsets), np.abs(np.asarray(x, float)), z, behind=behind)
        points[:, 0] = np.asarray(x, float).ravel()
        return points


def lifted(mesh: Mesh, distance: float) -> Mesh:
    """The mesh moved along its normals."""
    return mesh[0] + vertex_normals(*mesh) * distance, mesh[1]


Region = Callable[[Array], Array]


def cut(mesh: Mesh, *keeps: Region) -> Mesh:
    """The part where every function of the points is ≥ 0. Cut one after the other: a strip may be narrower than a face."""
    for keep in keeps:
        mesh = clip(mesh, keep(mesh[0]))
    return mesh


def hemmed(mesh: Mesh, *keeps: Region, depth: float = 0.004) -> Mesh:
    """The part where every `keep` is ≥ 0, with a folded edge."""
    return with_rim(cut(mesh, *keeps), depth)


def within(value: Region, low: float, high: float) -> tuple[Region, Region]:
    """Two cuts: low ≤ value ≤ high."""
    return (lambda p: value(p) - low), (lambda p: high - value(p))


def across(p: Array) -> Array:
    """Distance from the middle plane."""
    return np.abs(p[:, 0])


def height(p: Array) -> Array:
    return p[:, 2]


def cord(path: Array, width: float, sides: int = 6) -> Mesh:
    """A round cord along control points."""
    points = spline(path, 9)
    along = np.gradient(points, axis=0)
    x = np.cross(along, (0.2, 1.0, 0.1))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    y = np.cross(along, x)
    y /= np.linalg.norm(y, axis=1, keepdims=True)
    a = np.arange(sides) * 2 * np.pi / sides
    return loft(points[:, None] + width * (np.cos(a)[None, :, None] * x[:, None] + np.sin(a)[None, :, None] * y[:, None]), caps=True)


def button(centre: Array, radius: float) -> Mesh:
    """A flat round button that faces forward."""
    a = np.arange(10) * 2 * np.pi / 10
    rings = [
        np.column_stack([np.cos(a) * r, np.full(10, y), np.sin(a) * r])
        for r, y in ((radius, 0.002), (radius, -0.003), (radius * 0.7, -0.004))
    ]
    v, f = loft(centre + np.array(rings), caps=True)
    return v, outward(v, f)


def collar_ring(figure: Figure, rows: list[tuple[float, float, float, float]], gap: float = 0.0, columns: int = 40) -> Mesh:
    """A loft around the neck. Each row: radius behind and in front, height behind and in front, fractions of the height of the figure
    from the neck joint. `gap` is the half angle left open in front."""
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


def swept_ring(
    figure: Figure, radius: float, thick: Callable[[Array], Array], height: Callable[[Array], Array], columns: int = 36, sides: int = 10
) -> Mesh:
    """A ring of varying thickness around the neck (a hood at rest, a scarf)."""
    a = (np.arange(columns + 1) * 2 * np.pi / columns)[:, None]
    b = (np.arange(sides) * 2 * np.pi / sides)[None]
    r = thick(a)
    away = radius + 0.7 * r + r * np.cos(b)
    points = np.stack([away * np.sin(a), -away * np.cos(a) * 0.95, height(a) + 0.85 * r * np.sin(b)], axis=-1)
    v, f = loft(figure.joints["Neck"] + figure.H * points, wrap=True)
    return v, outward(v, f)


def skirt(
    figure: Figure,
    top: float,
    hem: float,
    flare: float,
    *,
    pleats: int = 0,
    open_front: float = 0.0,
    columns: int = 96,
    rows: int = 8,
    grow: float = 0.016,
) -> tuple[Mesh, Array, Array]:
    """A skirt or a coat's tail from height `top` to `hem` (metres): mesh, weights, each vertex's depth in a pleat (0…1)."""
    H, j = figure.H, figure.joints
    body = figure.grown({"torso": grow, "thigh": grow})
    angle = np.linspace(open_front, 2 * np.pi - open_front, columns) if open_front else np.arange(columns) * 2 * np.pi / columns
    u = np.linspace(0, 1, rows)
    z = top + (hem - top) * u
    direction = np.column_stack([np.sin(angle), -np.cos(angle)])
    # How far the body reaches in each direction, at each height: bisection on the field from outside.
    low, high = np.full((rows, columns), 0.02), np.full((rows, columns), 0.45)
    for _ in range(22):
        middle = (low + high) / 2
        points = np.stack([np.abs(middle * direction[:, 0]), middle * direction[:, 1], np.broadcast_to(z[:, None], middle.shape)], axis=-1)
        distance = np.min([t.distance(points.reshape(-1, 3)) for t in body], axis=0).reshape(middle.shape)
        outside = distance > 0
        high = np.where(outside, middle, high)
        low = np.where(outside, low, middle)
    reach = high
    waist = reach[0].copy()
    # A cloth hangs from the widest place above it, and flares.
    radius = np.maximum.accumulate(reach, axis=0)
    ramp = smoothstep(u, 0.0, 0.45) * 0.55 + u * 0.45
    wanted = waist[None] + (flare * H * ramp)[:, None] * (0.9 + 0.1 * np.abs(np.sin(angle)))[None]
    radius = np.maximum(radius, wanted)
    for _ in range(6):
        if open_front:
            radius[:, 1:-1] = 0.5 * radius[:, 1:-1] + 0.25 * (radius[:, :-2] + radius[:, 2:])
        else:
            radius = 0.5 * radius + 0.25 * (np.roll(radius, 1, 1) + np.roll(radius, -1, 1))
    radius[1:-1] = 0.5 * radius[1:-1] + 0.25 * (radius[:-2] + radius[2:])
    depth = np.zeros((rows, columns))
    if pleats:
        phase = (angle * pleats / (2 * np.pi) + 0.5) % 1.0
        saw = np.where(phase < 0.72, phase / 0.72, (1 - phase) / 0.28)
        radius = radius * (1 + 0.105 * (saw[None] - 0.5) * (0.18 + 0.82 * u[:, None]))
        depth = np.broadcast_to((phase > 0.74).astype(float), depth.shape) * np.ones((rows, 1))
    points = np.stack([radius * direction[:, 0], radius * direction[:, 1], np.broadcast_to(z[:, None], radius.shape)], axis=-1)
    v, f = loft(points, wrap=not open_front)
    n = np.cross(v[f[:, 2]] - v[f[:, 0]], v[f[:, 3]] - v[f[:, 1]])
    if (n[:, :2] * v[f].mean(1)[:, :2]).sum() < 0:
        f = f[:, ::-1]
    # Weights: legs take over downward; each leg rules its side.
    hip, knee = j["LeftUpLeg"][2], j["LeftLeg"][2]
    legs = 0.98 * smoothstep(-v[:, 2], -(hip + 0.045 * H), -(hip - 0.055 * H))
    left = smoothstep(v[:, 0], -0.055 * H, 0.055 * H)
    shin = 0.55 * smoothstep(-v[:, 2], -(knee + 0.02 * H), -(knee - 0.12 * H))
    w = np.zeros((len(v), len(figure.bones)))
    index = figure.bones.index
    w[:, index("Hips")] = 1 - legs
    for side, share in (("Left", left), ("Right", 1 - left)):
        w[:, index(side + "UpLeg")] = legs * share * (1 - shin)
        w[:, index(side + "Leg")] = legs * share * shin
    above = figure.weights(v)
    up = smoothstep(v[:, 2], j["Hips"][2], j["Spine"][2] + 0.04)[:, None]
    w = normalised(w * (1 - up) + above * up)
    return (v, f), w, depth.reshape(-1)


def shoes(
    figure: Figure, upper: Colour, sole: Colour, *, top: float = 0.052, instep: float = 0.036, grow: float = 0.005, boot: float = 0.0
) -> list[Part]:
    """A pair of shoes; `top` and `instep` are the opening's heights at the heel and in front; `boot` the height of a shaft (0: none)."""
    H = figure.H
    offsets: dict[str, Offset] = {"foot": grow}
    if boot:
        offsets["shin"] = 0.0145
    mesh = surface(
        figure.grown(offsets),
        0.0076 * H,
        cut=lambda p: np.maximum(0.0005 - p[:, 2], 0.002 * H - p[:, 0]),
        within=((0, -9, -0.05), (9, 9, max(boot, top) * H + 0.04)),
    )
    ankle = figure.joints["LeftFoot"][1]

    def keep(p: Array) -> Array:
        if boot:
            return boot * H - p[:, 2]
        ahead = smoothstep(ankle - p[:, 1], 0.0, 0.055 * H)
        return (top * (1 - ahead) + instep * ahead) * H + 1.2 * np.maximum(ankle - 0.055 * H - p[:, 1], 0) - p[:, 2]

    # What the sole hides is left out.
    shoe = hemmed(mesh, keep, lambda p: p[:, 2] - 0.010 * H)
    bottom = cut(lifted(mesh, 0.0025), lambda p: 0.0125 * H - p[:, 2])
    return [figure.part(shoe, upper), figure.part(with_rim(bottom, 0.003), sole)]


def tie(figure: Figure, offsets: Mapping[str, Offset], top: float, bottom: float, width: float) -> Mesh:
    """A necktie's knot and blade lying on a shell, heights in metres."""
    H = figure.H
    z = np.concatenate([[top, top - 0.012 * H, top - 0.024 * H], np.linspace(top - 0.028 * H, bottom + 0.02 * H, 6), [bottom]])
    half = np.concatenate([[0.013, 0.014, 0.008], np.linspace(0.009, 0.5 * width, 6), [0.001]]) * H
    middle = figure.front(offsets, np.zeros(len(z)), z)
    angle = np.arange(8) * np.pi / 4
    thick = np.concatenate([[0.007, 0.009, 0.005], np.full(7, 0.004)])
    rings = middle[:, None] + np.stack(
        [np.cos(angle)[None] * half[:, None], -0.003 + np.sin(angle)[None] * thick[:, None], 0 * angle[None] + 0 * z[:, None]], axis=-1
    )
    v, f = loft(rings, caps=True)
    return v, outward(v, f)
