# SPDX-License-Identifier: GPL-3.0-or-later
"""Clothes of East Asia: yukata and kimono, hakama, qipao and changshan."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...palette import Colour
from ..fields import tube
from ..hair import spline
from ..mesh import Part, loft, outward, painted, pair, smoothstep, with_rim
from ..skeleton import ExtraBone
from ..skirts import Cut, hanging_weights, skirt
from ..tailor import Figure, Garment, Offset, Shape, across, height, thicker, within
from ..trimmings import bow, box, button, motifs, standing_collar, strip
from .common import Dressing, flare
from .school import armhole


def hanging_sleeves(d: Dressing, colour: Colour, *, depth: float) -> Part:
    """Wide sleeves that hang from the arms, on bones of their own; `depth` (fraction of the height) is how deep."""
    figure, H = d.figure, d.H
    columns, sides = (11, 16) if figure.fine else (6, 10)
    u = np.linspace(0, 1, columns)
    xs = np.array([figure.along_arm(t) for t in 0.09 + 1.63 * u])
    arm = figure.joints["LeftForeArm"]
    limb = figure.proportions.limb
    deep = depth * H * smoothstep(u, 0.12, 0.62)
    above, wide = (0.0278 * limb + 0.0165) * H, (0.0278 * limb + 0.0175 - 0.004 * u) * H
    angle = np.arange(sides) * 2 * np.pi / sides
    up = np.cos(angle)
    rings = []
    for x, down, half in zip(xs, deep, wide, strict=True):
        narrow = 1 - 0.55 * smoothstep(-up, 0.0, 1.0) * min(1.0, down / (0.03 * H))
        z = np.where(up > 0, above * up, (above + down) * up)
        rings.append(np.column_stack([np.full(sides, x), arm[1] + half * narrow * np.sin(angle), arm[2] + z]))
    v, f = loft(np.array(rings))
    f = outward(v, f)
    mesh = with_rim(pair((v, f)), 0.004)
    root = np.array([figure.along_arm(1.5), arm[1], arm[2] - 0.03 * H])
    for side, sign in (("Left", 1), ("Right", -1)):
        ends = root * (sign, 1, 1), (root - (0, 0, depth * H)) * (sign, 1, 1)
        figure.add_bones([ExtraBone(f"cloth_sleeve{side}_1", f"{side}ForeArm", *ends)])
    points = mesh[0]
    weights = figure.weights(points)
    hang = smoothstep(arm[2] - points[:, 2], 0.03 * H, 0.03 * H + 0.6 * depth * H)[:, None] * 0.95
    # Where the arm bends, its two halves share the cloth by the place along the arm, whatever hangs below.
    along = smoothstep(np.abs(points[:, 0]), arm[0] - 0.03 * H, arm[0] + 0.05 * H)
    shoulder = 1 - smoothstep(np.abs(points[:, 0]), xs[0], xs[0] + 0.05 * H)[:, None]
    base, swing = np.zeros_like(weights), np.zeros_like(weights)
    for side, here in (("Left", points[:, 0] > 0), ("Right", points[:, 0] <= 0)):
        index = figure.bones.index
        base[:, index(f"{side}Arm")] += here * (1 - along)
        base[:, index(f"{side}ForeArm")] += here * along
        swing[:, index(f"cloth_sleeve{side}_1")] += here * along
        swing[:, index(f"{side}Arm")] += here * (1 - along)
    return painted(mesh, colour, (base * (1 - hang) + swing * hang) * (1 - shoulder) + weights * shoulder)


def crossed_collar(d: Dressing, colour: Colour, offsets: Mapping[str, Offset], low: float) -> None:
    """The band along the edges of a robe, left over right, down to height `low` (metres)."""
    figure, H, neck = d.figure, d.H, d.neck
    count = 22 if figure.fine else 12
    for side, lift in ((-1, 0.0), (1, 0.0018)):
        shape = thicker(offsets, 0.0005 + lift, ("torso", "bust", "clavicle"))
        turn = np.radians([180, 140, 100, 70])
        origin = neck - (0, 0, 0.075 * H)
        ring = np.column_stack([0.046 * np.sin(turn), -0.046 * np.cos(turn), np.full(4, 0.075)])
        behind = figure.outside(shape, origin, ring)
        share = np.array([0.25, 0.5, 0.75, 1.0])
        top = behind[-1]
        x = top[0] + share * (-0.016 * H - top[0])
        z = top[2] + share * (low - top[2])
        path = np.concatenate([behind, figure.front(shape, x, z)]) * (side, 1, 1)
        path = figure.settled(shape, spline(path, count))
        d.add(figure.part(strip(figure, shape, path, 0.0300, thick=0.0030), colour))


def _reach(figure: Figure, t: float) -> float:
    """How far out (fraction of the height) a leg reaches at t along the thigh."""
    thigh = figure.tubes["thigh"]
    return float((figure.joints["LeftUpLeg"][0] + np.interp(t, np.linspace(0, 1, len(thigh.rx)), thigh.rx)) / figure.H)


def _gown(figure: Figure, waist: float, hem: float, loose: float, end: float) -> None:
    """A form around both legs from the waist to the hem, `loose` around the hips and `end` wide at the hem, called "gown"."""
    H, p = figure.H, figure.proportions
    hips, knees = max(p.hip, _reach(figure, 0.1)) + loose, _reach(figure, 0.75) + loose
    figure.forms["gown"] = tube(
        "Hips", (0, 0.004 * H, waist), (0, 0.004 * H, hem - 0.03 * H), [0, 0.22, 0.5, 1.0],
        np.array([p.waist + loose, hips, max(knees, 0.92 * hips), end]) * H,
        np.array([0.050 + loose, 0.068 + loose, 0.064 + loose, 0.72 * end]) * H, side=(1, 0, 0), blend=0.03, cap=0.3,
    )  # fmt: skip


def _hung(figure: Figure, garment: Garment, shape: Cut, rim: float) -> Part:
    """The part of a garment that is a top above the waist and hangs like a skirt below it."""
    part = garment.part(rim=rim)
    hanging = hanging_weights(figure, shape, part.vertices)
    down = smoothstep(-part.vertices[:, 2], -shape.top, -(shape.top - 0.03))[:, None]
    upper = np.pad(part.weights, ((0, 0), (0, hanging.shape[1] - part.weights.shape[1])))
    part.weights = hanging * down + upper * (1 - down)
    return part


def _robe(d: Dressing, hem: float, colour: Colour) -> tuple[Part, Shape]:
    """The body of a robe down to height `hem`, closed left over right."""
    figure, H = d.figure, d.H
    waist, tip = figure.z(0.2), figure.z(0.50)
    offsets: Shape = {"torso": flare(0.0105, 0.003), "bust": 0.005, "clavicle": 0.0115, "upper_arm": 0.0115}
    _gown(figure, waist, hem, 0.012, 0.098)
    g = figure.garment({**offsets, "gown": 0.0}, colour, above=hem)
    end = figure.along_arm(0.22)
    g.cut(lambda q: q[:, 2] - hem, lambda q: end - across(q), lambda q: figure.neck_distance(q, 0.044), lambda q: figure.vee(q, tip, 0.30))
    front = lambda c: (figure.facing(c) > 0.02) & (c[:, 2] < waist)  # noqa: E731
    g.paint(colour.shaded, *within(lambda q: q[:, 0], -0.040 * H, -0.037 * H), where=front)
    if d.wear.pattern == "band":
        g.paint(d.cloth.accent, *within(height, hem + 0.03 * H, hem + 0.075 * H))
    elif d.wear.pattern == "stripes":
        pale = d.cloth.second.mixed(colour, 0.5)
        for turn in np.arange(-2.9, 2.9, 0.42):
            g.paint(
                pale,
                *within(lambda q: np.arctan2(q[:, 0], -q[:, 1]), turn, turn + 0.10),
                where=lambda c: (across(c) < 0.11 * H) & (np.abs(np.arctan2(c[:, 0], -c[:, 1])) < 2.95),
            )
    return _hung(figure, g, Cut(waist, hem, 0.03, follow=0.96), 0.005), offsets


def yukata(d: Dressing) -> None:
    """A summer kimono with hanging sleeves, a broad or narrow sash, and sandals."""
    figure, H, cloth = d.figure, d.H, d.cloth
    female = figure.proportions.female
    hem = (0.085 if d.wear.length > 0.35 else 0.30) * H
    part, offsets = _robe(d, hem, cloth.main)
    d.add(part)
    sleeves = hanging_sleeves(d, cloth.main, depth=0.055 + 0.050 * d.wear.sleeve)
    d.add(sleeves)
    crossed_collar(d, cloth.trim, offsets, figure.z(0.40))
    if d.wear.pattern == "":
        rng = np.random.default_rng(int(d.wear.variant * 1e6))
        turn, level = rng.uniform(0, 2 * np.pi, 18), rng.uniform(hem + 0.03 * H, figure.z(0.05), 18)
        d.add(motifs(figure, part, np.column_stack([0.2 * np.sin(turn), -0.2 * np.cos(turn), level]), 0.0145, cloth.second))
        xs = rng.uniform(figure.along_arm(0.9), figure.along_arm(1.6), 8) * np.array([1, -1] * 4)
        z = figure.joints["LeftArm"][2] - rng.uniform(0.0, 0.09, 8) * H
        d.add(motifs(figure, sleeves, np.column_stack([xs, np.tile([-0.2, -0.2, 0.2, 0.2], 2), z]), 0.0145, cloth.second))
    around: Shape = {"torso": flare(0.0160, 0.003), "bust": 0.011, "gown": 0.006}
    if female:
        top, low, level = figure.z(0.46), figure.z(0.10), figure.z(0.28)
        d.add(skirt(figure, Cut(top, low, 0.001, around=around, grow=0.01), cloth.accent))
        cord = thicker(around, 0.0065)
        d.add(skirt(figure, Cut(level + 0.006 * H, level - 0.006 * H, 0.001, around=cord, grow=0.01), cloth.second))
        back = figure.front({"torso": 0.020}, [0.0], np.array([figure.z(0.34)]), behind=True)[0] + (0, 0.016 * H, 0)
        d.add(bow(figure, back, 0.095, cloth.accent, (0, 1.0, 0.1)))
    else:
        level = figure.z(0.06)
        d.add(skirt(figure, Cut(level + 0.022 * H, level - 0.020 * H, 0.001, around=around, grow=0.01), cloth.accent))
    d.sleeve, d.chest = 1.40, 0.12
    d.feet(hem)


def hakama(d: Dressing) -> None:
    """A kimono top with a pleated hakama tied above the waist, boots or sandals."""
    figure, H, cloth = d.figure, d.H, d.cloth
    waist = figure.z(0.36)
    offsets: Shape = {"torso": flare(0.0105, 0.002), "bust": 0.005, "clavicle": 0.0115, "upper_arm": 0.0115}
    g = d.top(offsets, cloth.main, hem=waist - 0.03 * H, sleeve=0.22, neck=0.044, vee=(figure.z(0.50), 0.30))
    d.finish(g)
    d.add(hanging_sleeves(d, cloth.main, depth=0.055 + 0.050 * d.wear.sleeve))
    crossed_collar(d, cloth.trim, offsets, figure.z(0.40))
    hem = (0.085 + 0.05 * (1 - d.wear.length)) * H
    d.add(skirt(figure, Cut(waist, hem, 0.105, pleats=12, grow=0.0165), cloth.second))
    d.add(skirt(figure, Cut(waist + 0.012 * H, waist - 0.016 * H, 0.001, grow=0.0195, around={"bust": 0.012}), cloth.accent))
    at = figure.front({"torso": 0.021}, [0.0], np.array([waist]))[0] - (0, 0.006, 0)
    d.add(bow(figure, at, 0.046, cloth.accent, (0, -1.0, 0.1)))
    d.sleeve, d.chest = 1.40, 0.12
    d.feet(hem)


def qipao(d: Dressing) -> None:
    """A tight dress with a standing collar and slits; worn by men, a long straight gown with trousers."""
    figure, H, cloth = d.figure, d.H, d.cloth
    female = figure.proportions.female
    waist = figure.z(0.2)
    hem = d.hip - (0.16 + 0.28 * d.wear.length) * H if female else 0.17 * H
    hem = max(hem, 0.10 * H)
    sleeve = (0.10, 0.45, 1.86)[int(d.wear.sleeve * 2.999)] if female else 1.90
    offsets: Shape = {"torso": 0.0060 if female else 0.0105, "bust": 0.004, "clavicle": 0.0075 if female else 0.0115}
    if sleeve > 0.2:
        offsets["upper_arm"] = (lambda t: 0.0085 + 0.006 * t) if sleeve < 1 else 0.0115
    if sleeve > 1:
        offsets["forearm"] = lambda t: 0.0110 + 0.012 * t**2
    _gown(figure, waist, hem, 0.005 if female else 0.014, 0.088 if female else 0.112)
    g = figure.garment({**offsets, "gown": 0.0}, cloth.main, above=hem)
    g.cut(lambda q: q[:, 2] - hem, lambda q: figure.neck_distance(q, 0.0425))
    if sleeve > 0.2:
        end = figure.along_arm(sleeve)
        g.cut(lambda q: end - across(q))
        d.sleeve = sleeve
        d.cuffs(g, cloth.accent, 0.010)
    else:
        g.cut(armhole(d, 0.070))
        d.sleeve = 0.0
        d.wide = 0.2
    slit = d.hip - (0.03 if female else 0.12) * H
    # The slits, and their trim and the hem's.
    aside = lambda q: np.abs(q[:, 1] - 0.004 * H)  # noqa: E731
    opened = lambda q: aside(q) - np.clip((slit - q[:, 2]) * 0.10, -0.004, 0.010 * H)  # noqa: E731
    g.cut(lambda q: np.where(q[:, 2] < slit + 0.01 * H, opened(q), 0.01))
    g.paint(cloth.accent, lambda q: 0.008 * H - opened(q), lambda q: slit + 0.004 * H - q[:, 2], where=lambda c: across(c) > 0.05 * H)
    g.paint(cloth.accent, lambda q: hem + 0.009 * H - q[:, 2])
    part = _hung(figure, g, Cut(waist, hem, 0.0, follow=0.97), 0.004)
    d.add(part)
    d.add(standing_collar(figure, cloth.main, tall=0.034, gap=0.10))
    d.add(standing_collar(figure, cloth.accent, tall=0.0375, gap=0.115, loose=-0.0008))
    # Frog fastenings run from the collar to the side.
    line = [(0.0, d.neck[2] - 0.046 * H), (0.022 * H, figure.z(0.80)), (0.055 * H, figure.z(0.70))]
    for x, z in line:
        at = figure.front(offsets, [x], np.array([z]))[0]
        d.add(figure.stuck(box(at - (0, 0.002, 0), (0.0135 * H, 0.003, 0.0032 * H)), cloth.accent, at, line=0.4))
        d.add(figure.stuck(button(at - (0, 0.003, 0), 0.0052 * H), cloth.accent, at, line=0.4))
    if d.wear.pattern == "" and female:
        rng = np.random.default_rng(int(d.wear.variant * 1e6))
        turn = rng.uniform(-1.2, 1.2, 9)
        level = rng.uniform(hem + 0.03 * H, figure.z(0.7), 9)
        d.add(motifs(figure, part, np.column_stack([0.2 * np.sin(turn), -0.2 * np.cos(turn), level]), 0.0135, cloth.second))
    d.chest = 0.03 if d.sleeve else 0.14
    if not d.sleeve:
        d.wide = 0.2
    if female:
        d.feet(hem)
        if d.legs is not None:
            d.legs = (d.legs[0], d.hip - 0.01 * H)
    else:
        d.trousers(cloth.second, "straight", figure.z(0.0))
