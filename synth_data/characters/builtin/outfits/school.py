# SPDX-License-Identifier: GPL-3.0-or-later
"""School uniforms: sailor, blazer, knitted vest or cardigan, and the high-collared gakuran."""

from __future__ import annotations

import numpy as np

from ...palette import Colour
from ..mesh import Array
from ..tailor import Region, Shape, across, within
from ..trimmings import bow, button, shirt_collar, standing_collar, tie
from .common import GOLD, SKIRTS, WHITE, Dressing, flare, puff, tucked

SHIRT = Colour.of("F4F6FB", "C3CCE4")


def _sleeve(d: Dressing, short: float = 0.60) -> float:
    return short if d.wear.sleeve < 0.55 else 1.88


def sailor(d: Dressing) -> None:
    """A sailor uniform: blouse with a striped collar and a bow or a neckerchief, pleated skirt."""
    figure, H, neck, cloth = d.figure, d.H, d.neck, d.cloth
    hem, tip, sleeve = figure.z(0.21) - 0.018 * H, figure.z(0.64), _sleeve(d)
    offsets: Shape = {
        "torso": tucked(figure, 0.0085),
        "bust": 0.006,
        "clavicle": 0.0095,
        "upper_arm": puff(0.010, 0.007, 0.75) if sleeve < 1 else 0.0110,
    }
    if sleeve > 1:
        offsets["forearm"] = lambda t: 0.0115 + 0.004 * np.sin(np.pi * t)
    g = d.top(offsets, cloth.main, hem=hem, sleeve=sleeve, neck=0.041, vee=(tip + 0.01 * H, 0.42))
    d.cuffs(g, cloth.second, 0.024)
    d.cuffs(g, cloth.trim, 0.0045, 0.008)
    d.finish(g, offsets)
    d.chest = 0.115
    # The collar.
    shape: Shape = {"torso": 0.0150, "bust": 0.010, "clavicle": 0.0145, "neck": 0.006}
    shoulder, low_back = neck[2] - 0.030 * H, neck[2] - (0.108 + 0.02 * d.wear.variant) * H

    def outer_edge(p: Array) -> Array:
        ahead = figure.facing(p) > 0
        wide = 0.088 * H - np.where(ahead, np.maximum(shoulder - p[:, 2], 0) * 0.088 * H / (shoulder - tip + 0.012 * H), 0.0)
        return np.where(ahead, (wide - np.abs(p[:, 0])) * 0.85, np.minimum(wide - np.abs(p[:, 0]), p[:, 2] - low_back))

    collar = figure.garment(shape, cloth.second, above=figure.z(0.55))
    collar.cut(outer_edge, lambda p: np.minimum(figure.neck_distance(p, 0.0405), figure.vee(p, tip, 0.40)))
    collar.paint(cloth.trim, *within(outer_edge, 0.0065 * H, 0.0112 * H))
    d.add(collar.part(rim=0.005))
    at = figure.front(shape, [0.0], np.array([tip + 0.004 * H]))[0] - (0, 0.008, 0)
    if d.wear.variant < 0.7:
        d.add(bow(figure, at, 0.040 + 0.012 * d.wear.variant, cloth.accent))
    else:
        blade = tie(figure, offsets, tip + 0.012 * H, tip - 0.10 * H, 0.042)
        d.add(figure.part(blade, cloth.accent, line=0.7))
    d.over(figure.z(0.21), offsets)


def _lapels(d: Dressing, tip: float, colour: Colour, *, wide: float = 0.074, neck: float = 0.0445) -> None:
    """Notched lapels from height `tip` up and around the neck."""
    figure, H, nape = d.figure, d.H, d.neck
    shape: Shape = {"torso": 0.0165, "bust": 0.012, "clavicle": 0.0160, "neck": 0.008}
    top = nape[2] - 0.012 * H

    def lapel(p: Array) -> Array:
        front_wide = np.interp(p[:, 2], [tip, top - 0.052 * H, top - 0.044 * H, top], [0.002, wide, wide - 0.016, wide - 0.014]) * H
        return np.where(figure.facing(p) > 0, front_wide - np.abs(p[:, 0]), 0.060 * H - np.hypot(p[:, 0], p[:, 1] - nape[1]))

    g = figure.garment(shape, colour, above=tip - 0.03 * H)
    g.cut(lapel, lambda p: np.minimum(figure.neck_distance(p, neck), figure.vee(p, tip - 0.006, 0.295)))
    d.add(g.part())


def shirt_front(d: Dressing, colour: Colour, tip: float, *, neck: float = 0.037) -> Shape:
    """The part of a shirt that shows in a jacket's opening; its offsets."""
    figure, H = d.figure, d.H
    shape: Shape = {"torso": 0.0055, "bust": 0.004, "clavicle": 0.0055}
    g = figure.garment(shape, colour, above=tip - 0.03 * H)
    g.cut(
        lambda p: figure.neck_distance(p, neck),
        lambda p: np.minimum(0.072 * H - across(p), figure.facing(p) + 0.02),
        lambda p: p[:, 2] - tip + 0.025 * H,
    )
    d.add(g.part(rim=0))
    d.chest, d.wide = 0.03, 0.05
    return shape


def _neckwear(d: Dressing, shape: Shape, tip: float) -> None:
    figure, H, neck = d.figure, d.H, d.neck
    if d.wear.bottom in SKIRTS and d.wear.variant < 0.55:
        at = figure.front(shape, [0.0], np.array([neck[2] - 0.036 * H]))[0] - (0, 0.008, 0)
        d.add(bow(figure, at, 0.034, d.cloth.accent, (0, -1.0, 0.15)))
    else:
        d.add(figure.part(tie(figure, shape | {"neck": 0.010}, neck[2] - 0.014 * H, tip + 0.012 * H, 0.034), d.cloth.accent, line=0.7))


def blazer(d: Dressing) -> None:
    """A blazer over a shirt with a tie or a bow, trousers or a skirt."""
    figure, H, cloth = d.figure, d.H, d.cloth
    skirted = d.wear.bottom in SKIRTS
    hem = figure.joints["Hips"][2] - (0.0 if skirted else 0.030) * H
    tip = figure.z(0.46)
    shirt = shirt_front(d, SHIRT, tip)
    offsets: Shape = {
        "torso": flare(0.0125, 0.009 if skirted else 0.003, 0.10, 0.5),
        "bust": 0.009,
        "clavicle": 0.0130,
        "upper_arm": 0.0120,
        "forearm": lambda t: 0.0115 + 0.003 * t,
        "thigh": 0.0130,
    }
    if skirted:
        offsets.pop("thigh")
    g = d.top(offsets, cloth.main, hem=hem, sleeve=1.90, neck=0.045, vee=(tip, 0.30))
    # The front's rounded corners.
    g.cut(lambda p: np.where(figure.facing(p) > 0, across(p) - 0.5 * np.maximum(hem + 0.035 * H - p[:, 2], -0.01), 1.0))
    dark = cloth.main.shaded
    front = lambda c: figure.facing(c) > 0.02  # noqa: E731
    g.paint(dark, *within(lambda p: p[:, 0], 0.0, 0.003), lambda p: tip - p[:, 2], where=front)
    slant = lambda p: p[:, 2] - 0.1 * across(p)  # noqa: E731
    low = hem + (0.050 if skirted else 0.062) * H
    g.paint(dark, *within(slant, low, low + 0.008 * H), *within(across, 0.030 * H, 0.072 * H), where=front)
    if d.wear.pattern == "stripes":
        d.cuffs(g, cloth.accent, 0.006, 0.012)
        d.cuffs(g, cloth.accent, 0.006, 0.026)
    d.finish(g, offsets, rim=0.006)
    _lapels(d, tip, cloth.main.mixed(dark, 0.35))
    count = 2 if d.wear.variant < 0.7 else 3
    level = tip - (0.020 + 0.042 * np.arange(count)) * H
    for centre in figure.front(offsets, np.full(count, 0.012 * H), level):
        d.add(figure.stuck(button(centre, 0.0066 * H), GOLD, centre, line=0.5))
    if d.wear.pattern != "stripes":
        at = figure.front(offsets, [0.050 * H], np.array([figure.z(0.60)]))[0]
        d.add(figure.stuck(button(at - (0, 0.001, 0), 0.011 * H, sides=5), cloth.accent, at, line=0.5))
    d.add(shirt_collar(figure, shirt, WHITE))
    _neckwear(d, shirt, tip)
    d.under(hem)


def vest(d: Dressing) -> None:
    """A shirt with a knitted vest, or a cardigan over it, a tie or a bow, skirt or trousers."""
    figure, H, cloth = d.figure, d.H, d.cloth
    cardigan = d.wear.sleeve >= 0.5
    tip, hem = figure.z(0.55), figure.joints["Hips"][2] - 0.006 * H
    knit: Shape = {"torso": flare(0.0125, 0.006, 0.10, 0.45), "bust": 0.009, "clavicle": 0.0120, "thigh": 0.0150}
    ribbing = cloth.main.mixed(cloth.main.shaded, 0.35)
    edge = cloth.accent if d.wear.pattern == "stripes" else ribbing
    if cardigan:
        shirt = shirt_front(d, SHIRT, tip)
        offsets: Shape = {**knit, "upper_arm": 0.0125, "forearm": lambda t: 0.0125 + 0.004 * t}
        g = d.top(offsets, cloth.main, hem=hem, sleeve=1.96, neck=0.044, vee=(tip, 0.27))
        d.cuffs(g, ribbing, 0.020)
        g.paint(
            ribbing,
            *within(lambda p: p[:, 0], -0.009 * H, 0.009 * H),
            lambda p: tip + 0.004 * H - p[:, 2],
            where=lambda c: figure.facing(c) > 0.02,
        )
        g.paint(edge, lambda p: 0.0085 * H - figure.vee(p, tip, 0.27), where=lambda c: (figure.facing(c) > 0) & (c[:, 2] > tip - 0.01 * H))
    else:
        # The shirt's sleeves; its body is hidden by the vest.
        sleeve = 0.66 if d.wear.sleeve < 0.3 else 1.90
        shirt: Shape = {"torso": 0.0060, "bust": 0.004, "clavicle": 0.0075, "upper_arm": puff(0.0085, 0.007, 0.8) if sleeve < 1 else 0.0095}
        if sleeve > 1:
            shirt["forearm"] = lambda t: 0.0095 + 0.003 * np.sin(np.pi * t)
        under = d.top(shirt, SHIRT, hem=tip - 0.03 * H, sleeve=sleeve, neck=0.037)
        if sleeve > 1:
            d.cuffs(under, WHITE, 0.020)
        d.finish(under, shirt)
        offsets = knit
        d.outer = knit | {"upper_arm": shirt["upper_arm"]}
        g = figure.garment(offsets, cloth.main, above=hem)
        g.cut(lambda p: p[:, 2] - hem, armhole(d, 0.078), lambda p: figure.neck_distance(p, 0.046), lambda p: figure.vee(p, tip, 0.30))
        g.paint(edge, lambda p: 0.0085 * H - figure.vee(p, tip, 0.30), where=lambda c: (figure.facing(c) > 0) & (c[:, 2] > tip - 0.01 * H))
        d.chest, d.wide = 0.03, 0.05
    g.paint(ribbing, lambda p: hem + 0.020 * H - p[:, 2])
    d.finish(g, offsets if cardigan else None, rim=0.006)
    if cardigan:
        level = tip - (0.020 + 0.040 * np.arange(3)) * H
        for centre in figure.front(offsets, np.zeros(3), level):
            d.add(figure.stuck(button(centre, 0.0058 * H), cloth.second if d.wear.pattern == "stripes" else WHITE, centre, line=0.5))
    d.add(shirt_collar(figure, dict.fromkeys(("torso", "bust", "clavicle"), 0.0105), WHITE))
    _neckwear(d, shirt, tip)
    d.under(hem)


def armhole(d: Dressing, inset: float) -> Region:
    """Region of a sleeveless top: inside of `inset` (fraction of the height) at the shoulder, whole below the arm."""
    low = d.figure.joints["LeftArm"][2] - 0.045 * d.H

    def keep(p: Array) -> Array:
        below = np.clip((low - p[:, 2]) / (0.02 * d.H), 0, 1)
        return inset * d.H * d.figure.proportions.shoulder / 0.079 + 0.2 * d.H * below - across(p)

    return keep


def gakuran(d: Dressing) -> None:
    """A closed jacket with a standing collar and a row of buttons."""
    figure, H, neck, cloth = d.figure, d.H, d.neck, d.cloth
    hem = figure.joints["Hips"][2] - 0.035 * H
    offsets: Shape = {
        "torso": flare(0.0125, 0.003, 0.1, 0.5),
        "clavicle": 0.0135,
        "bust": 0.008,
        "upper_arm": 0.0125,
        "forearm": lambda t: 0.0120 + 0.003 * t,
        "thigh": 0.0125,
    }
    g = d.top(offsets, cloth.main, hem=hem, sleeve=1.92, neck=0.0425)
    dark, front = cloth.main.shaded, lambda c: figure.facing(c) > 0.02
    g.paint(dark, *within(lambda p: p[:, 0], -0.016 * H, -0.0125 * H), where=front)
    if d.wear.pattern == "stripes":
        d.cuffs(g, cloth.accent, 0.007, 0.018)
    d.finish(g, offsets, rim=0.006)
    d.add(standing_collar(figure, cloth.main, gap=0.10))
    inner = standing_collar(figure, WHITE, tall=0.034, gap=0.12, loose=-0.002)
    d.add(inner)
    level = neck[2] - (0.062 + 0.054 * np.arange(5)) * H
    level = level[level > hem + 0.03 * H]
    for centre in figure.front(offsets, np.zeros(len(level)), level):
        d.add(figure.stuck(button(centre, 0.0072 * H), GOLD, centre, line=0.5))
    d.chest, d.wide = 0.02, 0.05
    d.under(hem)
