# SPDX-License-Identifier: GPL-3.0-or-later
"""Clothes for every day: hoodie, T-shirt, tracksuit, sweater, dungarees."""

from __future__ import annotations

import numpy as np

from ..mesh import Array, merge, pair
from ..skirts import Cut, skirt
from ..tailor import Garment, Shape, across, height, thicker, within
from ..trimmings import button, cord, motifs, over_shoulder, roll_collar, standing_collar, strip, strokes, swept_ring
from .common import GOLD, SKIRTS, WHITE, Dressing, flare, in_front, tucked


def hoodie(d: Dressing) -> None:
    """A hooded sweater with a pouch and cords, or with a zip, over trousers, shorts or a skirt."""
    figure, H, neck, cloth = d.figure, d.H, d.neck, d.cloth
    zipped = d.wear.variant > 0.6
    hem = figure.joints["Hips"][2] - (0.020 if d.wear.bottom in SKIRTS else 0.052) * H
    end = figure.along_arm(1.94)
    offsets: Shape = {
        "torso": flare(0.0165, 0.006, 0.15, 0.62),
        "bust": 0.008,
        "clavicle": 0.0155,
        "upper_arm": lambda t: 0.0160 + 0.003 * t,
        "forearm": lambda t: 0.0195 - 0.001 * t,
        "thigh": 0.0185,
    }
    g = d.top(offsets, cloth.main, hem=hem + 0.016 * H, sleeve=1.94 - 0.14, neck=0.046, tilt=0.25)
    ribbing = cloth.main.mixed(cloth.main.shaded, 0.30)
    # Hem and cuffs are ribbed bands, a little tighter.
    tight = figure.shell(thicker(offsets, -0.0045), above=hem)
    waistband = Garment(figure, tight, ribbing).cut(*within(height, hem, hem + 0.024 * H), lambda p: 0.2 * H - across(p))
    cuffs = Garment(figure, tight, ribbing).cut(*within(across, figure.along_arm(1.80) - 0.006 * H, end))
    front = lambda c: figure.facing(c) > 0.02  # noqa: E731
    if zipped:
        g.paint(cloth.accent, *within(lambda p: p[:, 0], -0.0045 * H, 0.0045 * H), where=front)
        waistband.paint(cloth.accent, *within(lambda p: p[:, 0], -0.0045 * H, 0.0045 * H), where=front)
    if d.wear.pattern == "stripes":
        d.cuffs(g, cloth.accent, 0.014, 0.02)
        d.cuffs(g, cloth.accent, 0.014, 0.05)
    elif d.wear.pattern == "band":
        level = figure.z(0.50)
        g.paint(cloth.accent, *within(height, level - 0.032 * H, level + 0.032 * H), lambda p: 0.105 * H - across(p))
    part = d.finish(g, {k: v for k, v in offsets.items() if k != "thigh"} if not zipped else None, rim=0.008)
    d.add(waistband.part(rim=0.005), cuffs.part(rim=0.004))
    d.sleeve = 1.94
    # The hood at rest, thick behind and closing in front.
    behind = lambda a: 0.5 - 0.5 * np.cos(a)  # noqa: E731
    ahead = lambda a: 0.5 + 0.5 * np.cos(a)  # noqa: E731
    d.add(
        figure.part(
            swept_ring(
                figure, 0.034, lambda a: 0.0125 + 0.019 * behind(a) ** 1.2, lambda a: 0.007 - 0.022 * ahead(a) ** 2 + 0.012 * behind(a)
            ),
            cloth.main,
        ),
        figure.part(
            swept_ring(figure, 0.033, lambda a: 0.0085 + 0.010 * behind(a), lambda a: 0.015 - 0.022 * ahead(a) ** 2 + 0.016 * behind(a)),
            cloth.second if d.wear.variant < 0.3 else cloth.main.mixed(cloth.main.shaded, 0.6),
            line=0.4,
        ),
    )
    low, high = hem + 0.034 * H, hem + 0.115 * H
    wide = np.array([0.070, 0.070, 0.042]) * H
    if not zipped:
        pouch = g.lifted(0.006, cloth.main).cut(
            in_front(figure), *within(height, low, high), lambda p: np.interp(p[:, 2], [low, low + 0.03 * H, high], wide) - across(p)
        )
        d.add(pouch.part(rim=0.006))
    else:
        path = [np.array([(s * 0.052 * H, -0.2, low + 0.012 * H), (s * 0.066 * H, -0.2, high - 0.01 * H)]) for s in (1, -1)]
        points = [figure.front(offsets, p[:, 0], p[:, 2]) for p in path]
        d.add(strokes(figure, part, points, 0.006, cloth.main.shaded, taper=False))
    cords = []
    for side in (1, -1):
        start, sx = neck[2] - 0.030 * H, side * 0.020 * H
        zs = np.array([start, start - 0.03 * H, start - (0.060 + 0.03 * d.wear.length) * H])
        path = figure.front(offsets, np.array([sx, sx * 1.1, sx * 1.25]), zs) - (0, 0.006, 0)
        cords.append(cord(path, 0.0034 * H, *((6, 9) if figure.fine else (4, 4))))
    d.add(figure.part(merge(cords), cloth.accent, line=0.5))
    d.chest, d.wide = 0.02, 0.05
    d.under(hem)


def tshirt(d: Dressing) -> None:
    """A T-shirt, with shorts, a skirt or trousers."""
    figure, H, cloth = d.figure, d.H, d.cloth
    inside = d.wear.bottom in (*SKIRTS, "wide")
    sleeve = 0.42 + 0.40 * d.wear.sleeve
    hem = figure.z(0.20) - 0.018 * H if inside else figure.joints["Hips"][2] - 0.045 * H
    offsets: Shape = {
        "torso": tucked(figure, 0.0085) if inside else flare(0.0105, 0.004, 0.12, 0.5),
        "bust": 0.006,
        "clavicle": 0.0105,
        "upper_arm": lambda t: 0.0115 + 0.011 * t,
        "thigh": 0.0130,
    }
    if inside:
        offsets.pop("thigh")
    edge = cloth.accent if np.abs(cloth.accent.base - cloth.main.base).max() > 0.2 else cloth.second
    g = d.top(offsets, cloth.main, hem=hem, sleeve=sleeve, neck=0.0430)
    g.paint(edge, lambda p: 0.0075 * H - figure.neck_distance(p, 0.0430), where=lambda c: c[:, 2] > figure.z(0.8))
    d.cuffs(g, edge, 0.011)
    if d.wear.pattern == "band":
        level = figure.z(0.56)
        g.paint(edge, *within(height, level - 0.017 * H, level + 0.017 * H), lambda p: 0.093 * H - across(p))
    elif d.wear.pattern == "stripes":
        for level in np.arange(0.20, 0.80, 0.13):
            z = figure.z(float(level))
            g.paint(edge, *within(height, z, z + 0.010 * H), lambda p: 0.093 * H - across(p))
    elif d.wear.variant > 0.6:
        # Raglan sleeves in another colour.
        g.paint(
            cloth.second if not inside else edge, lambda p: across(p) - 0.052 * H - 0.45 * np.maximum(d.neck[2] - 0.03 * H - p[:, 2], 0)
        )
    part = d.finish(g, rim=0.005)
    if d.wear.pattern == "" and d.wear.variant <= 0.6:
        # A print on the chest.
        at = figure.front(offsets, [0.0], np.array([figure.z(0.58)]))
        d.add(motifs(figure, part, at, 0.034, edge, petals=(0, 4, 5, 6)[int(d.wear.variant * 6.6)]))
    d.chest = 0.05
    if inside:
        d.over(figure.z(0.20), offsets)
    else:
        d.under(hem)


def tracksuit(d: Dressing) -> None:
    """A zipped track jacket with stripes down the arms and the legs."""
    figure, H, cloth = d.figure, d.H, d.cloth
    hem = figure.joints["Hips"][2] - 0.028 * H
    offsets: Shape = {
        "torso": flare(0.0135, 0.004, 0.1, 0.5),
        "bust": 0.008,
        "clavicle": 0.0135,
        "upper_arm": 0.0135,
        "forearm": lambda t: 0.0140 + 0.001 * t,
        "thigh": 0.0155,
    }
    g = d.top(offsets, cloth.main, hem=hem, sleeve=1.93, neck=0.0435)
    arm = figure.joints["LeftArm"]
    front = lambda c: figure.facing(c) > 0.02  # noqa: E731
    if d.wear.variant > 0.5:
        # A yoke in the second colour.
        g.paint(cloth.accent, lambda p: p[:, 2] - figure.z(0.70) - 0.25 * across(p), lambda p: 0.092 * H - across(p))
    # Two stripes on top of the sleeves.
    for shift in (-0.0085, 0.0085):
        g.paint(
            cloth.trim, *within(lambda p, s=shift: p[:, 1] - arm[1] - s * H, -0.0036 * H, 0.0036 * H), lambda p: across(p) - 0.055 * H,
            where=lambda c: c[:, 2] > arm[2],
        )  # fmt: skip
    ribbing = cloth.main.mixed(cloth.main.shaded, 0.35)
    d.cuffs(g, ribbing, 0.018)
    g.paint(ribbing, lambda p: hem + 0.018 * H - p[:, 2])
    g.paint(cloth.trim, *within(lambda p: p[:, 0], -0.0035 * H, 0.0035 * H), where=front)
    part = d.finish(g, {k: v for k, v in offsets.items() if k != "thigh"}, rim=0.006)
    points = [figure.front(offsets, [s * 0.045 * H, s * 0.064 * H], np.array([figure.z(0.16), figure.z(0.03)])) for s in (1, -1)]
    d.add(strokes(figure, part, points, 0.006, cloth.main.shaded, taper=False))
    d.add(standing_collar(figure, cloth.main, tall=0.030, gap=0.07, loose=0.002))
    d.chest, d.wide = 0.02, 0.05
    colour = cloth.main if d.wear.variant < 0.65 else cloth.second
    d.under(hem, colour, stripe=cloth.trim)


def sweater(d: Dressing) -> None:
    """A knitted sweater with a roll or round collar, and a long skirt or trousers."""
    figure, H, cloth = d.figure, d.H, d.cloth
    rolled = d.wear.variant < 0.55
    hem = figure.joints["Hips"][2] - 0.020 * H
    offsets: Shape = {
        "torso": flare(0.0155, 0.005, 0.12, 0.5),
        "bust": 0.008,
        "clavicle": 0.0155,
        "upper_arm": lambda t: 0.0150 + 0.004 * t,
        "forearm": lambda t: 0.0190 - 0.004 * smooth_end(t),
        "thigh": 0.017,
    }
    g = d.top(offsets, cloth.main, hem=hem, sleeve=1.96, neck=0.042 if rolled else 0.048)
    ribbing = cloth.main.mixed(cloth.main.shaded, 0.35)
    if d.wear.pattern == "stripes":
        for level in np.arange(0.10, 0.80, 0.17):
            z = figure.z(float(level))
            g.paint(cloth.accent, *within(height, z, z + 0.019 * H), lambda p: 0.098 * H - across(p))
    elif d.wear.pattern == "band":
        g.paint(cloth.accent, *within(height, figure.z(0.66), figure.z(0.72)), lambda p: 0.102 * H - across(p))
        g.paint(cloth.accent, *within(height, figure.z(0.56), figure.z(0.60)), lambda p: 0.102 * H - across(p))
    d.cuffs(g, ribbing, 0.024)
    g.paint(ribbing, lambda p: hem + 0.024 * H - p[:, 2])
    if not rolled:
        g.paint(ribbing, lambda p: 0.010 * H - figure.neck_distance(p, 0.048), where=lambda c: c[:, 2] > figure.z(0.8))
    part = d.finish(g, {k: v for k, v in offsets.items() if k != "thigh"}, rim=0.007)
    if d.wear.pattern == "":
        # Cable stitches.
        zs = np.linspace(figure.z(0.22), figure.z(0.72), 6)
        paths = [figure.front(offsets, np.full(6, x * H), zs) for x in (-0.034, -0.026, 0.026, 0.034)]
        d.add(strokes(figure, part, paths, 0.0028, cloth.main.shaded, taper=False))
    if rolled:
        d.add(roll_collar(figure, cloth.main))
    d.chest, d.wide = (0.02, 0.05) if rolled else (0.06, 0.062)
    d.under(hem)


def smooth_end(t: Array) -> Array:
    return np.clip((t - 0.75) / 0.25, 0, 1)


def dungarees(d: Dressing) -> None:
    """Dungarees or a pinafore skirt with a bib, over a striped or plain shirt."""
    figure, H, cloth = d.figure, d.H, d.cloth
    sleeve = 0.55 if d.wear.sleeve < 0.5 else 1.90
    shirt: Shape = {"torso": 0.0080, "bust": 0.005, "clavicle": 0.0095, "upper_arm": 0.0115}
    if sleeve < 1:
        shirt["upper_arm"] = lambda t: 0.0105 + 0.007 * t
    if sleeve > 1:
        shirt["forearm"] = lambda t: 0.0115 + 0.002 * t
    g = d.top(shirt, cloth.second, hem=figure.z(0.02), sleeve=sleeve, neck=0.0440)
    if d.wear.pattern != "band":
        for level in np.arange(0.30, 0.95, 0.105):
            z = figure.z(float(level))
            g.paint(cloth.accent, *within(height, z, z + 0.010 * H), lambda p: 0.092 * H - across(p))
        if sleeve > 1:
            for t in np.arange(0.3, 1.8, 0.2):
                x = figure.along_arm(float(t))
                g.paint(cloth.accent, *within(across, x, x + 0.012 * H))
    d.finish(g, shirt)
    d.chest = 0.05
    # Bib and straps lie on the shirt.
    bib: Shape = {"torso": 0.0125, "bust": 0.008, "clavicle": 0.0130}
    d.outer = bib
    waist, top, back = figure.z(0.16), figure.z(0.62), figure.z(0.42)

    def sides(p: Array) -> Array:
        """The bib narrows upwards in front; behind there is a low point in the middle."""
        rise = np.clip((p[:, 2] - figure.z(0.26)) / (top - figure.z(0.26)), 0, 1)
        return (0.100 - 0.052 * rise**0.7) * H - across(p)

    panel = figure.garment(bib, cloth.main, above=waist)
    panel.cut(lambda p: p[:, 2] - waist, sides)
    panel.cut(lambda p: np.where(figure.facing(p) > 0, top, back - 0.9 * across(p)) - p[:, 2])
    pocket = cloth.main.mixed(cloth.main.shaded, 0.45)
    panel.paint(
        pocket, lambda p: 0.026 * H - across(p), *within(height, figure.z(0.36), figure.z(0.52)), where=lambda c: figure.facing(c) > 0.02
    )
    d.add(panel.part(rim=0.004))
    path = over_shoulder(figure, bib, (0.038 * H, top - 0.020 * H), (0.020 * H, back - 0.022 * H), 0.046 * H)
    left = strip(figure, bib, path, 0.0165)
    d.add(figure.part(pair(left), cloth.main))
    for side in (1, -1):
        at = figure.front(bib, [side * 0.038 * H], np.array([top - 0.012 * H]))[0] - (0, 0.003, 0)
        d.add(figure.stuck(button(at, 0.0062 * H), GOLD, at, line=0.5))
    around: Shape = {"torso": 0.0115, "bust": 0.006}
    cuff = cloth.main.mixed(WHITE, 0.35) if d.wear.variant > 0.4 else None
    if d.wear.bottom in SKIRTS:
        d.skirt(cloth.main, d.wear.bottom, figure.z(0.24), around=around)
    else:
        d.trousers(cloth.main, d.wear.bottom, figure.z(0.26), over=True, cuff=cuff)
    belt = Cut(figure.z(0.26), figure.z(0.17), 0.001, grow=0.0130, around={"torso": 0.0130, "thigh": 0.0125})
    d.add(skirt(figure, belt, cloth.main))
