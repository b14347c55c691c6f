# SPDX-License-Identifier: GPL-3.0-or-later
"""A body to be dressed, and clothes made from the body's own fields: shells that are cut and painted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from ..palette import Colour
from .body import Proportions, skin_weights
from .fields import Stretch, Tube, front, gradient, surface, union
from .mesh import Array, Mesh, Part, clip, compact, painted, rimmed, smoothstep, split, vertex_normals
from .skeleton import ExtraBone

Offset = float | Callable[[Array], Array]
# Size of the grid's cells for close-ups and for pictures of the whole figure, as a fraction of the height.
CELL, COARSE = 0.0080, 0.0150
# How finely a character is made: for close-ups, or with few vertices for pictures of the whole figure.
FULL, DATASET = "full", "dataset"


Shape = dict[str, Offset]


def thicker(offsets: Mapping[str, Offset], by: float, only: Iterable[str] | None = None) -> Shape:
    """The same shells, `by` (fraction of the height) further out; of all parts, or `only` of some."""

    def more(offset: Offset) -> Offset:
        return (lambda t: offset(t) + by) if callable(offset) else offset + by

    return {name: more(offset) for name, offset in offsets.items() if only is None or name in only}


@dataclass
class Figure:
    """A body to be dressed. `bones` are the columns of the weights; `extra` those among them that are not Mixamo's. Grids are `coarser`
    than the detail says by this factor.
    """

    proportions: Proportions
    joints: dict[str, Array]
    tubes: dict[str, Tube]
    bones: list[str]
    extra: list[ExtraBone] = field(default_factory=list)
    detail: str = FULL
    coarser: float = 1.0
    # Tubes that clothes alone have (a gown's legs in one), beside those of the body.
    forms: dict[str, Tube] = field(default_factory=dict)

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

    def along_torso(self, z: float) -> float:
        """t along the torso's tube (what offsets are functions of) at height `z` (metres)."""
        torso = self.tubes["torso"]
        return float((z - torso.start[2]) / (torso.end[2] - torso.start[2]))

    def weights(self, points: Array) -> Array:
        return skin_weights(points, self.tubes, self.joints, self.bones)

    def single(self, bone: str) -> Array:
        """(B,) all weight on one bone."""
        row = np.zeros(len(self.bones))
        row[self.bones.index(bone)] = 1.0
        return row

    def part(self, mesh: Mesh, colour: Colour, *, line: float = 1.0, flat: float = 0.0) -> Part:
        # A hull of no thickness would hide its own surface: what has no outline goes to the other object.
        wide = line * self.creases(mesh[0])
        return painted(mesh, colour, self.weights(mesh[0]), line=wide, flat=flat, outlined=line > 0)

    def creases(self, points: Array) -> Array:
        """(N,) how wide outlines may be: less in armpits and at the groin, where folded cloth would show its hull as specks, and where the
        hands begin.
        """
        j, H = self.joints, self.H
        armpit = j["LeftArm"] + np.array([-0.012, 0.0, -0.040]) * H
        groin = j["LeftUpLeg"] * (0.5, 1, 1) + np.array([0.0, 0.0, -0.055]) * H
        half = np.abs(points[:, :1]) * (1, 0, 0) + points * (0, 1, 1)
        far = [
            smoothstep(np.linalg.norm((half - at) * (1, 0.7, 1), axis=1), 0.3 * r * H, r * H) for at, r in ((armpit, 0.055), (groin, 0.06))
        ]
        wrist = smoothstep(np.abs(half[:, 0] - j["LeftHand"][0]), 0.004 * H, 0.016 * H)
        return (0.25 + 0.75 * np.minimum(*far)) * (0.15 + 0.85 * wrist)

    def stuck(self, mesh: Mesh, colour: Colour, at: Array, *, line: float = 0.7) -> Part:
        """A small stiff thing (a button, a bow) that moves as the body does at the point `at` (3,)."""
        return painted(mesh, colour, self.weights(at[None])[0], line=line, outlined=line > 0)

    # Shells

    def grown(self, offsets: Mapping[str, Offset]) -> list[Tube]:
        """The named tubes, thicker by their offsets (fractions of the height, or functions of t)."""
        result = []
        for name, offset in offsets.items():
            item = self.tubes.get(name) or self.forms.get(name)
            if item is None:
                continue
            extra = (lambda t, f=offset: f(t) * self.H) if callable(offset) else offset * self.H
            result.append(item.grown(extra, max(item.blend, 0.03)))
        return result

    def shell(self, offsets: Mapping[str, Offset], *, gap: float | None = None, above: float = -9.0, below: float = 9.0) -> Mesh:
        """The surface around the named parts. `gap` (fraction of the height) keeps the legs that far from the middle;
        only heights between `above` and `below` are made (plus a margin to cut in)."""
        cell = self.cell
        within = ((-9.0, -9.0, above - 3 * cell), (9.0, 9.0, below + 3 * cell))
        cut = self.leg_gap(gap) if gap is not None else None
        return surface(self.grown(offsets), cell, cut=cut, within=within, stretch=self.stretch())

    @property
    def cell(self) -> float:
        """Metres between the points of the body's and the clothes' grids."""
        return (CELL if self.fine else COARSE) * self.coarser * self.H

    def stretch(self) -> Stretch:
        """How much further apart grid points may be along arms (x) and legs (z), where nothing changes fast."""
        most = 1.3 if self.fine else 1.75
        arm, elbow, wrist = (self.joints[n][0] for n in ("LeftArm", "LeftForeArm", "LeftHand"))
        crotch, knee, ankle = (self.joints[n][2] - k * self.H for n, k in (("LeftUpLeg", 0.05), ("LeftLeg", 0.0), ("LeftFoot", 0.0)))
        reach = 0.045 * self.H

        def along(value: Array, joints: tuple[float, ...], limb: Array) -> Array:
            near = np.max([1 - smoothstep(np.abs(value - joint), 0.3 * reach, reach) for joint in joints], axis=0)
            return 1 + (most - 1) * limb * (1 - 0.8 * near)

        return (
            lambda x: along(x, (elbow, wrist), smoothstep(x, arm + 0.01 * self.H, arm + 0.05 * self.H)),
            None,
            lambda z: along(z, (knee, ankle), smoothstep(-z, -crotch, -crotch + 0.03 * self.H)),
        )

    def garment(self, offsets: Mapping[str, Offset], colour: Colour, **limits: float) -> Garment:
        """A shell (see `shell`) of one colour, to be cut and painted."""
        return Garment(self, self.shell(offsets, **limits), colour)

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

    def outside(self, offsets: Mapping[str, Offset], origin: Array, directions: Array) -> Array:
        """(N, 3) where rays (N, 3) from a point inside leave a shell, found by bisection."""
        tubes = self.grown(offsets)
        directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        low, high = np.zeros(len(directions)), np.full(len(directions), 0.35 * self.H)
        for _ in range(16):
            middle = (low + high) / 2
            points = origin + directions * middle[:, None]
            inside = union(tubes, np.abs(points) * (1, 0, 0) + points * (0, 1, 1)) < 0
            low, high = np.where(inside, middle, low), np.where(inside, high, middle)
        return origin + directions * high[:, None]

    def settled(self, offsets: Mapping[str, Offset], points: Array) -> Array:
        """Points near a shell, moved onto it."""
        tubes = self.grown(offsets)
        for _ in range(3):
            half = np.abs(points) * (1, 0, 0) + points * (0, 1, 1)
            step = np.clip(union(tubes, half), -0.01, 0.01)[:, None] * self.normals(offsets, points)
            points = points - step
        return points

    def normals(self, offsets: Mapping[str, Offset], points: Array) -> Array:
        """(N, 3) unit normals of a shell at points near it."""
        slope = gradient(self.grown(offsets), np.abs(points) * (1, 0, 0) + points * (0, 1, 1))
        slope[:, 0] *= np.where(points[:, 0] < 0, -1, 1)
        return slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-9)

    def front(self, offsets: Mapping[str, Offset], x: Array | list[float], z: Array, *, behind: bool = False) -> Array:
        """Points of a shell seen from the front."""
        points = front(self.grown(offsets), np.abs(np.asarray(x, float)), z, behind=behind)
        points[:, 0] = np.asarray(x, float).ravel()
        return points


Region = Callable[[Array], Array]


class Garment:
    """A surface on its way to becoming a part: it is cut, and its faces are painted, along sharp lines.

    Regions are functions of points (N, 3) that are ≥ 0 inside.
    """

    def __init__(self, figure: Figure, mesh: Mesh, colour: Colour) -> None:
        self.figure, self.mesh = figure, mesh
        self.zone = np.zeros(len(mesh[1]), int)
        self.colours = [colour]

    def cut(self, *keeps: Region) -> Garment:
        """Keep what lies in every region. One after the other: a strip may be narrower than a face."""
        for keep in keeps:
            (vertices, faces), source, inside = split(self.mesh, keep(self.mesh[0]), zone=self.zone)
            self.mesh, self.zone = compact(vertices, faces[inside]), self.zone[source][inside]
        return self

    def paint(self, colour: Colour, *regions: Region, where: Callable[[Array], Array] | None = None) -> Garment:
        """Paint what lies in every region; `where` (of face centres, bool) says which faces are looked at at all, so that lines do not
        run on around the body.
        """
        inside = np.ones(len(self.mesh[1]), bool)
        if where is not None:
            faces = self.mesh[1]
            inside = where((self.mesh[0][faces[:, 0]] + self.mesh[0][faces[:, 2]]) / 2)
        for region in regions:
            if not inside.any():
                return self
            self.mesh, source, side = split(self.mesh, region(self.mesh[0]), active=inside, zone=self.zone)
            self.zone, inside = self.zone[source], inside[source] & side
        self.zone[inside] = len(self.colours)
        self.colours.append(colour)
        return self

    def lifted(self, distance: float, colour: Colour | None = None) -> Garment:
        """A copy moved along its normals by metres, in one colour."""
        return Garment(self.figure, lifted(self.mesh, distance), colour or self.colours[0])

    def part(self, *, rim: float = 0.004, line: float = 1.0) -> Part:
        """The finished part; open edges are folded inward by `rim` metres, so that hems have a thickness."""
        mesh, zone = self.mesh, self.zone
        if rim:
            mesh, source = rimmed(mesh, rim)
            zone = zone[source]
        part = self.figure.part(mesh, self.colours[0], line=line)
        for index, colour in enumerate(self.colours[1:], 1):
            if (zone == index).any():
                part.paint(zone == index, colour)
        return part


def lifted(mesh: Mesh, distance: float) -> Mesh:
    """The mesh moved along its normals."""
    return mesh[0] + vertex_normals(*mesh) * distance, mesh[1]


def cut(mesh: Mesh, *keeps: Region) -> Mesh:
    """The part where every function of the points is ≥ 0. Cut one after the other: a strip may be narrower than a face."""
    for keep in keeps:
        mesh = clip(mesh, keep(mesh[0]))
    return mesh


def within(value: Region, low: float, high: float) -> tuple[Region, Region]:
    """Two regions: low ≤ value ≤ high."""
    return (lambda p: value(p) - low), (lambda p: high - value(p))


def across(p: Array) -> Array:
    """Distance from the middle plane."""
    return np.abs(p[:, 0])


def height(p: Array) -> Array:
    return p[:, 2]
