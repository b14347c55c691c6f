# SPDX-License-Identifier: GPL-3.0-or-later
"""A knight's tunic with armour, and a traveller's cape."""

from __future__ import annotations

import numpy as np

from ...palette import Colour
from ..body import normalised
from ..mesh import Array, Part, loft, outward, painted, pair, rimmed, smoothstep
from ..skeleton import ExtraBone
from ..skirts import Cut, skirt
from ..tailor import Shape, across, within
from ..trimmings import button, standing_collar
from .common import GOLD, WHITE, Dressing, tucked
from .formal import broad_collar

STEEL = Colour.of("C9D2DE", "8A94AC")
LEATHER = Colour.of("7A4F36", "55352A")


def cape(d: Dressing, colour: Colour, lining: Colour, hem: float, *, strips: int = 4) -> Part:
    """A cape that hangs behind from the shoulders to height `hem` (metres), on bones `cloth_cape<strip>_<n>`."""
    figure, H, neck = d.figure, d.H, d.neck
    rows, columns = (12, 17) if figure.fine else (8, 11)
    u = np.linspace(0, 1, rows)
    s = np.linspace(-1, 1, columns)
    top = neck[2] - 0.018 * H
    z = top + (hem - top) * u

    def half(u: Array) -> Array:
        return np.interp(u, [0, 0.10, 0.35, 1.0], [0.052, figure.proportions.shoulder * 1.05, 0.112, 0.175]) * H

    def away(u: Array) -> Array:
        return np.interp(u, [0, 0.12, 0.4, 1.0], [0.0, 0.004, 0.012, 0.060]) * H

    # On the shoulders and the back first, then away from it.
    shape: Shape = {"torso": 0.024, "clavicle": 0.024, "upper_arm": 0.020, "thigh": 0.020}

    def behind(x: Array, z: Array) -> Array:
        y = figure.front(shape, x.ravel(), np.maximum(z, d.hip).ravel(), behind=True)[:, 1].reshape(x.shape)
        return np.maximum.accumulate(np.where(y < -0.3, -0.02, y), axis=0)

    x = half(u)[:, None] * s
    fold = 0.012 * H * np.cos(s * 9.0)[None] * smoothstep(u, 0.1, 0.8)[:, None]
    y = behind(x, np.broadcast_to(z[:, None], x.shape)) + away(u)[:, None] - 0.03 * H * u[:, None] * s**2 + fold
    drop = np.interp(u, [0, 0.1, 1.0], [0.0, 0.010, 0.0])[:, None] * H * (s**2)[None]
    mesh = loft(np.stack([x, y, z[:, None] - drop], axis=-1), wrap=False)
    v, f = mesh
    n = np.cross(v[f[:, 2]] - v[f[:, 0]], v[f[:, 3]] - v[f[:, 1]])
    f = f if n[:, 1].sum() > 0 else f[:, ::-1]
    # The inside, in the lining's colour: what is seen from in front, between the legs.
    count = len(v)
    inner = v - np.array([0, 0.006, 0])
    v = np.concatenate([v, inner])
    outer_faces = len(f)
    f = np.concatenate([f, f[:, ::-1] + count])
    border = np.concatenate(
        [
            np.arange(columns),
            columns * np.arange(1, rows) + columns - 1,
            columns * (rows - 1) + np.arange(columns - 1)[::-1],
            columns * np.arange(1, rows - 1)[::-1],
        ]
    )
    following = np.roll(border, -1)
    f = np.concatenate([f, np.column_stack([border, following, following + count, border + count])])
    f = outward(v, f)
    joints = np.linspace(top - 0.08 * H, hem, 4)
    down = (top - joints) / (top - hem)
    middle = behind(np.zeros(4), joints)
    names = []
    for strip in range(strips):
        at = -1 + (2 * strip + 1) / strips
        places = np.column_stack([half(down) * at, middle + away(down) - 0.03 * H * down * at**2, joints])
        bones = [f"cloth_cape{strip + 1}_{k}" for k in (1, 2, 3)]
        figure.add_bones(map(ExtraBone, bones, ["Spine2", *bones[:-1]], places[:-1], places[1:]))
        names.append(bones)
    w = np.zeros((len(v), len(figure.bones)))
    index = figure.bones.index
    sideways = (np.tile(np.tile(s, rows), 2) + 1) / 2 * strips - 0.5
    first = np.clip(np.floor(sideways), 0, strips - 1).astype(int)
    second = np.clip(first + 1, 0, strips - 1)
    share = np.clip(sideways - first, 0, 1)
    along = np.clip((joints[0] - v[:, 2]) / (joints[0] - joints[-1]) * 3, -1, 3)
    loose = smoothstep(along, -0.4, 0.25)
    for strip, part in ((first, 1 - share), (second, share)):
        for k in range(3):
            lower = smoothstep(along, k - 0.35, k + 0.35) if k else np.ones(len(v))
            upper = 1 - smoothstep(along, k + 0.65, k + 1.35) if k < 2 else np.ones(len(v))
            for q in range(strips):
                w[:, index(names[q][k])] += np.where(strip == q, loose * part * lower * upper, 0.0)
    w[:, index("Spine2")] += 1 - loose
    result = painted((v, f), colour, normalised(w))
    result.paint(np.arange(len(f)) >= outer_faces, lining)
    return result


def pauldrons(d: Dressing, colour: Colour, trim: Colour) -> Part:
    """Two plates over the shoulders."""
    figure, H = d.figure, d.H
    rows, columns = (7, 16) if figure.fine else (5, 10)
    arm = figure.joints["LeftArm"]
    theta = np.linspace(0.10, 1.65, rows)[:, None]
    phi = np.arange(columns)[None] * 2 * np.pi / columns
    # The dome's top looks up and outward.
    local = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta) + 0 * phi], axis=-1)
    tilt = np.radians(28)
    turn = np.array([[np.cos(tilt), 0, np.sin(tilt)], [0, 1, 0], [-np.sin(tilt), 0, np.cos(tilt)]])
    points = (local * np.array([0.062, 0.062, 0.056]) * H) @ turn.T + arm + np.array([0.010, 0, -0.006]) * H
    v, f = loft(points)
    f = outward(v, f)
    (v, f), source = rimmed((v, f), 0.006)
    last = (rows - 2) * columns
    both = pair((v, f))
    w = np.zeros((len(both[0]), len(figure.bones)))
    left = both[0][:, 0] > 0
    for side, here in (("Left", left), ("Right", ~left)):
        w[here, figure.bones.index(f"{side}Arm")] = 0.55
        w[here, figure.bones.index(f"{side}Shoulder")] = 0.45
    part = painted(both, colour, w)
    edge = np.tile(source >= last, 2)
    part.paint(edge, trim)
    return part


def knight(d: Dressing) -> None:
    """A tunic with a belt and trim, pauldrons and bracers, a cape, boots."""
    figure, H, cloth = d.figure, d.H, d.cloth
    waist = figure.z(0.18)
    offsets: Shape = {"torso": 0.0120, "bust": 0.008, "clavicle": 0.0125, "upper_arm": 0.0120, "forearm": 0.0105}
    g = d.top(offsets, cloth.main, hem=waist, sleeve=1.88, neck=0.0430)
    # A coloured panel down the chest.
    g.paint(cloth.second, lambda p: 0.034 * H + 0.10 * (p[:, 2] - waist) - across(p), where=lambda c: figure.facing(c) > 0.01)
    g.paint(
        cloth.accent,
        *within(lambda p: across(p) - 0.034 * H - 0.10 * (p[:, 2] - waist), 0.0, 0.006 * H),
        where=lambda c: figure.facing(c) > 0.01,
    )
    d.finish(g, offsets, rim=0.006)
    bracers = figure.garment({"forearm": 0.0155}, STEEL if d.wear.variant > 0.5 else LEATHER)
    bracers.cut(*within(across, figure.along_arm(1.30), figure.along_arm(1.90)))
    for t in (1.30, 1.86):
        x = figure.along_arm(t)
        bracers.paint(cloth.accent, *within(across, x - 0.002, x + 0.010 * H))
    d.add(bracers.part(rim=0.004))
    hem = d.hip - (0.07 + 0.07 * d.wear.length) * H
    d.add(skirt(figure, Cut(waist + 0.004, hem, 0.045, folds=8, grow=0.0150), cloth.main, bands=[(0.0, 0.011, cloth.accent)]))
    d.add(skirt(figure, Cut(waist + 0.014 * H, waist - 0.014 * H, 0.003, grow=0.0185), LEATHER))
    buckle = figure.front({"torso": 0.0200}, [0.0], np.array([waist]))[0] - (0, 0.003, 0)
    d.add(figure.stuck(button(buckle, 0.0135 * H, sides=6), GOLD, buckle, line=0.6))
    if d.wear.variant > 0.35:
        d.add(pauldrons(d, STEEL if d.wear.variant > 0.5 else LEATHER, GOLD))
    d.add(standing_collar(figure, cloth.main, tall=0.028, gap=0.20))
    if "cape" in d.wear.extras:
        d.add(cape(d, cloth.second, cloth.accent.mixed(cloth.second, 0.3), hem - 0.12 * H))
    d.chest, d.wide = 0.03, 0.05
    d.trousers(cloth.sock, d.wear.bottom, figure.z(0.06))


def traveller(d: Dressing) -> None:
    """A shoulder cape over a blouse, skirt or trousers, boots: a young wizard."""
    figure, H, cloth = d.figure, d.H, d.cloth
    waist = figure.z(0.20)
    offsets: Shape = {
        "torso": tucked(figure, 0.0085),
        "bust": 0.006,
        "clavicle": 0.0095,
        "upper_arm": lambda t: 0.0110 + 0.004 * t,
        "forearm": lambda t: 0.0150 + 0.004 * np.sin(np.pi * t),
    }
    g = d.top(offsets, WHITE, hem=waist - 0.018 * H, sleeve=1.90, neck=0.042)
    d.cuffs(g, cloth.second, 0.020)
    d.finish(g, offsets)
    d.add(shoulder_cape(d, cloth.main, cloth.accent))
    d.add(broad_collar(d, cloth.main.mixed(cloth.main.shaded, 0.25), {"torso": 0.020, "bust": 0.016, "clavicle": 0.020}))
    at = figure.front({"torso": 0.020, "clavicle": 0.020}, [0.0], np.array([d.neck[2] - 0.045 * H]))[0] - (0, 0.010, 0)
    d.add(figure.stuck(button(at, 0.0125 * H), GOLD, at, line=0.6))
    d.add(figure.stuck(button(at - (0, 0.003, 0), 0.0070 * H), cloth.accent, at, line=0.4))
    if "cape" in d.wear.extras:
        d.add(cape(d, cloth.main, cloth.second, d.hip - (0.12 + 0.2 * d.wear.length) * H))
    d.chest, d.wide = 0.02, 0.05
    d.over(waist, offsets)
    d.add(skirt(figure, Cut(waist + 0.012 * H, waist - 0.014 * H, 0.001, grow=0.0165, around={"torso": 0.0165}), LEATHER))


def shoulder_cape(d: Dressing, colour: Colour, trim: Colour) -> Part:
    """A short cape around the shoulders, open in front."""
    figure, H, neck = d.figure, d.H, d.neck
    shape: Shape = {"torso": 0.020, "bust": 0.016, "clavicle": 0.020, "upper_arm": lambda t: 0.018 + 0.020 * t}
    low = figure.z(0.52)
    g = figure.garment(shape, colour, above=low - 0.02 * H)
    reach = figure.along_arm(0.52)
    edge = lambda p: np.minimum(reach - across(p), p[:, 2] - low + 0.30 * np.maximum(0.03 * H - across(p), 0))  # noqa: E731
    opening = lambda p: np.where(figure.facing(p) > 0, across(p) - 0.004 * H - 0.42 * np.maximum(neck[2] - 0.05 * H - p[:, 2], 0), 1.0)  # noqa: E731
    g.cut(lambda p: p[:, 2] - low, lambda p: reach - across(p), lambda p: figure.neck_distance(p, 0.044), opening)
    g.paint(trim, *within(lambda p: np.minimum(edge(p), opening(p)), 0.006 * H, 0.012 * H))
    return g.part(rim=0.006)
