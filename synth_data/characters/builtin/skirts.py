# SPDX-License-Identifier: GPL-3.0-or-later
"""What hangs from the waist: skirts, coats' tails, tight dresses. Strips of bones let it swing; left alone they follow the legs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..palette import Colour
from .body import normalised
from .fields import union
from .mesh import Array, Part, loft, painted, rimmed, smoothstep
from .skeleton import ExtraBone
from .tailor import Figure, Offset

STRIPS = 8
# The lines that run around a tartan skirt, above its hem.
_CHECKS = ((0.018, 0.030), (0.052, 0.064))
# The height of a pleat's outside and inside, over one pleat's width; the dark strip lies between the last two.
_PLEAT = {True: (0.0, 0.24, 0.48, 0.72, 0.78, 0.92), False: (0.0, 0.70, 0.80)}


@dataclass(frozen=True)
class Cut:
    """How a skirt falls. Heights `top` and `hem` in metres; `flare` (fraction of the height) is how much wider it is at the hem.

    `folds` are soft ones; `open_front` is the half angle (radians) left open in front, `slit` (height in metres) opens both sides below;
    `grow` how far from the body it lies; `follow` how far it goes along with the legs; `span` makes it an apron: only this far to both
    sides of the middle (radians). It flares from height `free` on (default: from its top); `end` cuts it off above its hem. `around` are
    the shells that it goes around, beside the body grown by `grow`.
    """

    top: float
    hem: float
    flare: float
    pleats: int = 0
    folds: int = 0
    open_front: float = 0.0
    slit: float | None = None
    grow: float = 0.016
    follow: float = 0.98
    span: float = 0.0
    free: float | None = None
    end: float | None = None
    around: Mapping[str, Offset] | None = None
    name: str = "skirt"


# (from, to): heights above the hem in fractions of the figure's height, and a colour.
Band = tuple[float, float, Colour]


def skirt(figure: Figure, shape: Cut, colour: Colour, *, bands: Sequence[Band] = (), checks: Colour | None = None) -> Part:
    """A skirt, painted, on bones `NAME_<strip>_<n>`, or a belt, which ends above the hips and needs none.

    `bands` run around near the hem; `checks` is the second colour of a tartan.
    """
    H = figure.H
    angle, recess = _angles(figure, shape)
    z = _rows(figure, shape, bands, checks is not None)
    radius = _radii(figure, shape, angle, z)
    radius = radius * (1 + _waves(shape, angle, (shape.top - z) / (shape.top - shape.hem)))
    heights = np.broadcast_to(z[:, None], radius.shape)
    points = np.stack([radius * np.sin(angle), -radius * np.cos(angle), heights], axis=-1)
    wrap = shape.open_front == 0 and shape.span == 0
    v, f = loft(points, wrap=wrap)
    columns = len(angle)
    row, column = np.divmod(np.arange(len(f)), columns if wrap else columns - 1)
    n = np.cross(v[f[:, 2]] - v[f[:, 0]], v[f[:, 3]] - v[f[:, 1]])
    if (n[:, :2] * v[f].mean(1)[:, :2]).sum() < 0:
        f = f[:, ::-1]
    tint = np.zeros(len(f), int)
    colours = [colour]

    def paint(faces: Array, with_colour: Colour) -> None:
        tint[faces] = len(colours)
        colours.append(with_colour)

    if checks is not None:
        # Two lines a pleat and two around: where they cross, the second colour; alone, a mixture.
        lines = np.isin(column % len(_PLEAT[figure.fine]), (1,) if figure.fine else (0,)) & (column // len(_PLEAT[figure.fine]) % 2 == 0)
        around = np.isin(row, np.flatnonzero(_is_band(z[:-1], z[1:], shape.hem, H, _CHECKS)))
        paint(lines ^ around, colour.mixed(checks, 0.45))
        paint(lines & around, checks)
    for low, high, band in bands:
        paint(np.isin(row, np.flatnonzero(_is_band(z[:-1], z[1:], shape.hem, H, [(low, high)]))), band)
    dark = recess[column]
    if shape.slit is not None:
        middle = v[f].mean(1)
        gone = (np.abs(np.abs(np.sin(np.arctan2(middle[:, 0], -middle[:, 1]))) - 1) < 0.02) & (middle[:, 2] < shape.slit)
        f, tint, dark = f[~gone], tint[~gone], dark[~gone]
    (v, f), source = rimmed((v, f), 0.0035)
    hangs = shape.hem < figure.joints["LeftUpLeg"][2] + 0.05 * H
    part = painted((v, f), colour, hanging_weights(figure, shape, v) if hangs else figure.weights(v))
    tint, dark = tint[source], dark[source]
    for index, with_colour in enumerate(colours):
        chosen = tint == index
        if index:
            part.paint(chosen, with_colour)
        if dark.any():
            part.paint(chosen & dark, Colour(with_colour.shade, with_colour.shade * 0.62))
    return part


def _is_band(upper: Array, lower: Array, hem: float, H: float, spans: Sequence[tuple[float, float]]) -> Array:
    middle = ((upper + lower) / 2 - hem) / H
    return np.any([(middle > low) & (middle < high) for low, high in spans], axis=0)


def _angles(figure: Figure, shape: Cut) -> tuple[Array, Array]:
    """Angles from the front of the columns, and which columns of faces are a pleat's dark inside."""
    if shape.pleats:
        steps = np.array(_PLEAT[figure.fine])
        angle = (((np.arange(shape.pleats)[:, None] - 0.36) + steps) * 2 * np.pi / shape.pleats).ravel()
        return angle, np.tile(steps >= (0.78 if figure.fine else 0.70), shape.pleats)
    count = 72 if figure.fine else 40
    if shape.span:
        count = 20 if figure.fine else 10
        angle = np.linspace(-shape.span, shape.span, count + 1)
    elif shape.open_front:
        angle = np.linspace(shape.open_front, 2 * np.pi - shape.open_front, count + 1)
    else:
        angle = np.arange(count) * 2 * np.pi / count
    return angle, np.zeros(count, bool)


def _rows(figure: Figure, shape: Cut, bands: Sequence[Band], checked: bool) -> Array:
    """Heights of the rows from the top down, those of the bands' edges among them."""
    length = shape.top - shape.hem
    rows = int(np.clip(length / figure.H * (40 if figure.fine else 24), 5 if figure.fine else 4, 16 if figure.fine else 9))
    spans = [(low, high) for low, high, _ in bands] + (list(_CHECKS) if checked else [])
    edges = np.array([shape.hem + value * figure.H for span in spans for value in span])
    last = shape.hem if shape.end is None else shape.end
    even = shape.top - (shape.top - last) * np.linspace(0, 1, rows) ** 0.9
    # Even rows close to a band's edge would make slivers.
    clear = np.array([not (np.abs(edges - z) < 0.008 * figure.H).any() for z in even])
    clear[[0, -1]] = True
    return np.unique(np.concatenate([even[clear], edges[(edges > last) & (edges < shape.top)]]))[::-1]


def _radii(figure: Figure, shape: Cut, angle: Array, z: Array) -> Array:
    """(R, C) distance from the axis: clear of the body, hanging from the widest place above, flaring."""
    H = figure.H
    legs = ("thigh", "shin") if z[-1] < 0.28 * H else ("thigh",) if z[-1] < figure.joints["Hips"][2] else ()
    body = figure.grown(dict.fromkeys(("torso", *legs), shape.grow))
    if shape.around is not None:
        body += figure.grown(shape.around)
    direction = np.column_stack([np.sin(angle), -np.cos(angle)])
    size = (len(z), len(angle))
    low, high = np.full(size, 0.02), np.full(size, 0.45)
    for _ in range(14):
        middle = (low + high) / 2
        points = np.stack([np.abs(middle * direction[:, 0]), middle * direction[:, 1], np.broadcast_to(z[:, None], size)], axis=-1)
        outside = union(body, points.reshape(-1, 3)).reshape(size) > 0
        high = np.where(outside, middle, high)
        low = np.where(outside, low, middle)
    free = min(shape.free or shape.top, shape.top)
    u = np.clip((free - z) / (free - shape.hem), 0, 1)
    if shape.flare > 0:
        radius = np.maximum.accumulate(high, axis=0)
        ramp = smoothstep(u, 0.0, 0.45) * 0.55 + u * 0.45
        wanted = radius[0][None] + (shape.flare * H * ramp)[:, None] * (0.9 + 0.1 * np.abs(np.sin(angle)))[None]
        radius = np.maximum(radius, wanted)
    else:
        # A tight one follows the legs inward again.
        radius = np.maximum(high, high[0][None] * 0.9 + shape.flare * H * u[:, None])
    for _ in range(8 if figure.fine else 4):
        if shape.open_front or shape.span:
            radius[:, 1:-1] = 0.5 * radius[:, 1:-1] + 0.25 * (radius[:, :-2] + radius[:, 2:])
        else:
            radius = 0.5 * radius + 0.25 * (np.roll(radius, 1, 1) + np.roll(radius, -1, 1))
    radius[1:-1] = 0.5 * radius[1:-1] + 0.25 * (radius[:-2] + radius[2:])
    return radius


def _waves(shape: Cut, angle: Array, u: Array) -> Array:
    """(R, C) relative changes of the radius: pleats or soft folds, deeper towards the hem."""
    if shape.pleats:
        phase = (angle * shape.pleats / (2 * np.pi) + 0.36) % 1.0
        saw = np.where(phase < 0.72, phase / 0.72, (1 - phase) / 0.28)
        return 0.105 * (saw[None] - 0.5) * (0.18 + 0.82 * u[:, None])
    if shape.folds:
        return 0.055 * np.cos(shape.folds * angle + 0.6)[None] * (smoothstep(u, 0.15, 1.0) ** 1.3)[:, None]
    return np.zeros((len(u), len(angle)))


def _strips(figure: Figure, shape: Cut) -> tuple[Array, list[list[str]]]:
    """Heights of the strips' joints, and the names of their bones, which are added where they are not there yet."""
    hip, H = figure.joints["LeftUpLeg"][2], figure.H
    there = [bone for bone in figure.extra if bone.name.startswith(f"{shape.name}_")]
    if there:
        first = [bone for bone in there if bone.name.startswith(f"{shape.name}_1_")]
        joints = np.array([bone.head[2] for bone in first] + [first[-1].tail[2]])
        return joints, [[f"{shape.name}_{strip}_{n}" for n in range(1, len(joints))] for strip in range(1, STRIPS + 1)]
    start = min(hip + 0.012 * H, shape.top - 0.01 * H)
    joints = np.linspace(start, shape.hem, 3 if start - shape.hem < 0.22 * H else 4)
    # From the body, not from the cloth's mesh: the skeleton does not depend on the detail.
    centres = (np.arange(STRIPS) + 0.5) * 2 * np.pi / STRIPS
    around = np.column_stack([np.sin(centres), -np.cos(centres), np.zeros(STRIPS)])
    near = figure.outside({"torso": shape.grow, "thigh": shape.grow}, np.array([0.0, 0.0, start]), around)
    lower = near[:, None] + around[:, None] * (shape.flare * H * np.linspace(0, 1, len(joints)))[:, None]
    names = []
    for strip, places in enumerate(lower, 1):
        places = np.column_stack([places[:, :2], joints])
        bones = [f"{shape.name}_{strip}_{n}" for n in range(1, len(joints))]
        names.append(bones)
        parents = ["LeftUpLeg" if places[0, 0] > 0 else "RightUpLeg", *bones[:-1]]
        figure.add_bones(map(ExtraBone, bones, parents, places[:-1], places[1:]))
    return joints, names


def hanging_weights(figure: Figure, shape: Cut, v: Array) -> Array:
    """(N, B) weights of points (N, 3) of what hangs as `shape` says. From the hips down a strip belongs to the leg on its side."""
    H, j = figure.H, figure.joints
    hip, knee = j["LeftUpLeg"][2], j["LeftLeg"][2]
    joints, names = _strips(figure, shape)
    count = len(joints) - 1
    w = np.zeros((len(v), len(figure.bones)))
    index = figure.bones.index
    around = np.arctan2(v[:, 0], -v[:, 1])
    ahead = 0.5 + 0.5 * np.cos(around)
    # In front the cloth folds at the groin, behind it starts to follow above the seat.
    centre = hip + (-0.020 * ahead + 0.004 * (1 - ahead)) * H
    legs = shape.follow * smoothstep(-v[:, 2], -(centre + 0.05 * H), -(centre - 0.05 * H))
    shin = 0.55 * smoothstep(-v[:, 2], -(knee + 0.02 * H), -(knee - 0.12 * H))
    position = (around / (2 * np.pi) * STRIPS - 0.5) % STRIPS
    first = np.floor(position).astype(int) % STRIPS
    share = smoothstep(position - np.floor(position), 0.0, 1.0)
    length = joints[0] - joints[-1]
    along = np.clip((joints[0] - v[:, 2]) / length * count, 0, count)
    for strip, part in ((first, 1 - share), ((first + 1) % STRIPS, share)):
        for n in range(count):
            lower = smoothstep(along, n - 0.35, n + 0.35) if n else np.ones(len(v))
            upper = 1 - smoothstep(along, n + 0.65, n + 1.35) if n < count - 1 else np.ones(len(v))
            value = legs * (1 - shin) * part * lower * upper
            for s in range(STRIPS):
                w[:, index(names[s][n])] += np.where(strip == s, value, 0.0)
        for s in range(STRIPS):
            leg = "LeftLeg" if s < STRIPS // 2 else "RightLeg"
            w[:, index(leg)] += np.where(strip == s, legs * shin * part, 0.0)
    w[:, index("Hips")] += 1 - legs
    up = smoothstep(v[:, 2], j["Hips"][2], j["Spine"][2] + 0.04)[:, None]
    return normalised(w * (1 - up) + figure.weights(v) * up)
