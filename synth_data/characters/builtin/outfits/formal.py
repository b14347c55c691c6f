# SPDX-License-Identifier: GPL-3.0-or-later
"""Coats, suits and dresses: belted coat, suit under a long open coat, summer dress, maid's dress."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ...palette import Colour
from ..mesh import Array, Part, pair
from ..skirts import Cut, skirt
from ..tailor import Offset, Shape, across, within
from ..trimmings import bow, button, laid_collar, motifs, over_shoulder, scarf, shirt_collar, strip, tie
from .common import GOLD, SKIRTS, WHITE, Dressing, flare, puff
from .school import SHIRT, shirt_front


def coat(d: Dressing) -> None:
    """A belted coat with a flared tail, a scarf or a broad collar, trousers and boots."""
    figure, H, cloth = d.figure, d.H, d.cloth
    waist = figure.z(0.20)
    offsets: Shape = {"torso": 0.0145, "bust": 0.009, "clavicle": 0.0145, "upper_arm": 0.0135, "forearm": lambda t: 0.0130 + 0.005 * t}
    g = d.top(offsets, cloth.main, hem=waist, sleeve=1.90, neck=0.043)
    d.cuffs(g, cloth.main.mixed(cloth.main.shaded, 0.4), 0.036)
    front = lambda c: figure.facing(c) > 0.02  # noqa: E731
    double = d.wear.variant < 0.6
    edge = 0.034 if double else 0.010
    g.paint(cloth.main.shaded, *within(lambda p: p[:, 0], edge * H, (edge + 0.0025) * H), where=front)
    d.finish(g, offsets, rim=0.006)
    hem = d.hip - (0.10 + 0.13 * d.wear.length) * H
    opening = 0.02 if d.wear.length < 0.5 else 0.10
    tail = Cut(waist + 0.004, hem, 0.070 + 0.02 * d.wear.variant, open_front=opening, grow=0.0175, name="coat")
    d.add(skirt(figure, tail, cloth.main))
    belt = Cut(waist + 0.014 * H, waist - 0.014 * H, 0.002, grow=0.0205, around={"bust": 0.014}, name="coat")
    d.add(skirt(figure, belt, cloth.trim))
    buckle = figure.front({"torso": 0.0200}, [0.0], np.array([waist]))[0] - (0, 0.003, 0)
    d.add(figure.stuck(button(buckle, 0.0125 * H, sides=4), GOLD, buckle, line=0.6))
    level = np.array([figure.z(0.36), figure.z(0.52), figure.z(0.68)])
    for x in (0.022, -0.034) if double else (0.0,):
        for centre in figure.front(offsets, np.full(3, x * H), level):
            d.add(figure.stuck(button(centre, 0.0070 * H), cloth.trim, centre, line=0.5))
    if d.wear.variant < 0.35 or d.wear.variant > 0.8:
        d.add(*scarf(figure, offsets, cloth.accent))
    else:
        d.add(broad_collar(d, cloth.accent if d.wear.pattern == "band" else cloth.main.mixed(cloth.main.shaded, 0.25), offsets))
    d.chest, d.wide = 0.02, 0.05
    if d.wear.bottom == "":
        d.feet(hem)
    else:
        d.trousers(cloth.second, d.wear.bottom, figure.z(0.10))


def broad_collar(d: Dressing, colour: Colour, shape: Mapping[str, Offset]) -> Part:
    """A coat's turned-down collar."""

    def width(a: Array) -> Array:
        return 0.026 + 0.028 * np.exp(-(((np.abs(np.sin(a / 2)) - 0.25) / 0.22) ** 2))

    return laid_collar(d.figure, shape, colour, width, stand=0.024, gap=0.16)


def suit(d: Dressing) -> None:
    """A waistcoat, shirt and tie with trousers, under a long open coat (or a white one)."""
    figure, H, cloth = d.figure, d.H, d.cloth
    tip, hem = figure.z(0.50), figure.joints["Hips"][2] - 0.004 * H
    shirt = shirt_front(d, SHIRT, tip)
    d.add(shirt_collar(figure, shirt, WHITE))
    inner: Shape = {"torso": flare(0.0105, 0.003), "bust": 0.007, "clavicle": 0.0100, "thigh": 0.0115}
    g = figure.garment(inner, cloth.second, above=hem)
    g.cut(
        lambda p: p[:, 2] - hem,
        lambda p: 0.090 * H - across(p),
        lambda p: figure.neck_distance(p, 0.046),
        lambda p: figure.vee(p, tip, 0.30),
        lambda p: figure.facing(p) + 0.03 * H,
    )
    d.finish(g, rim=0.004)
    for centre in figure.front(inner, np.zeros(3), tip - (0.018 + 0.036 * np.arange(3)) * H):
        d.add(figure.stuck(button(centre, 0.0055 * H), GOLD, centre, line=0.5))
    d.add(figure.part(tie(figure, shirt | {"neck": 0.010}, d.neck[2] - 0.014 * H, tip + 0.002 * H, 0.034), cloth.accent, line=0.7))
    # The coat, open in front.
    waist = figure.z(0.22)
    shape: Shape = {"torso": 0.0175, "bust": 0.010, "clavicle": 0.0165, "upper_arm": 0.0150, "forearm": lambda t: 0.0145 + 0.005 * t}
    over = d.top(shape, cloth.main, hem=waist, sleeve=1.90, neck=0.047)
    over.cut(lambda p: np.where(figure.facing(p) > 0, across(p) - 0.036 * H, 1.0))
    d.cuffs(over, cloth.main.mixed(cloth.main.shaded, 0.4), 0.030)
    d.finish(over, shape, rim=0.006)
    hem = d.hip - (0.13 + 0.14 * d.wear.length) * H
    reach = figure.front(shape, [0.036 * H], np.array([waist]))[0]
    opening = float(np.arctan2(0.036 * H, -reach[1]))
    d.add(skirt(figure, Cut(waist + 0.012, hem, 0.062, open_front=opening, grow=0.0195, name="coat"), cloth.main))
    lapel = cloth.main.mixed(cloth.main.shaded, 0.35)
    collar = figure.garment(
        {k: 0.0215 if k == "torso" else 0.015 if k == "bust" else 0.0205 for k in ("torso", "bust", "clavicle")} | {"neck": 0.010},
        lapel,
        above=figure.z(0.38),
    )
    top = d.neck[2] - 0.012 * H

    def shape_of(p: Array) -> Array:
        wide = np.interp(p[:, 2], [figure.z(0.40), top - 0.055 * H, top - 0.045 * H, top], [0.037, 0.080, 0.066, 0.064]) * H
        return np.where(
            figure.facing(p) > 0, np.minimum(wide - across(p), across(p) - 0.0355 * H), 0.062 * H - np.hypot(p[:, 0], p[:, 1] - d.neck[1])
        )

    collar.cut(shape_of, lambda p: figure.neck_distance(p, 0.0465))
    d.add(collar.part(rim=0.005))
    if d.wear.bottom in SKIRTS:
        d.skirt(cloth.second, d.wear.bottom, figure.z(0.10), grow=0.006)
    else:
        d.trousers(cloth.second, d.wear.bottom, figure.z(0.08))


def dress(d: Dressing) -> None:
    """A summer dress: bodice with straps or short sleeves, sash, flared skirt, sometimes flowered."""
    figure, H, cloth = d.figure, d.H, d.cloth
    waist = figure.z(0.22)
    offsets: Shape = {"torso": 0.0070, "bust": 0.0055, "clavicle": 0.0075}
    straps = d.wear.sleeve < 0.4
    neckline = figure.z(0.74)
    if straps:
        g = figure.garment(offsets, cloth.main, above=waist)
        low = figure.joints["LeftArm"][2] - 0.030 * H
        heart = lambda p: neckline - 0.011 * H * np.cos(p[:, 0] / (0.045 * H) * np.pi)  # noqa: E731
        g.cut(lambda p: p[:, 2] - waist, lambda p: np.where(figure.facing(p) > 0, heart(p), low) - p[:, 2], lambda p: 0.105 * H - across(p))
        g.cut(lambda p: low - p[:, 2] + 0.9 * np.maximum(0.072 * H - across(p), 0))
        d.sleeve, d.chest, d.wide, d.outer = 0.0, 0.19, 0.2, offsets
        d.finish(g, rim=0.003)
        path = over_shoulder(
            figure,
            {"torso": 0.0, "bust": 0.002, "clavicle": 0.0},
            (0.044 * H, neckline - 0.012 * H),
            (0.040 * H, low - 0.008 * H),
            0.050 * H,
        )
        left = strip(figure, {"torso": 0.0, "bust": 0.0, "clavicle": 0.0}, path, 0.0105)
        d.add(figure.part(pair(left), cloth.main))
    else:
        sleeve = 0.45 + 0.2 * d.wear.sleeve
        offsets["upper_arm"] = puff(0.009, 0.018, sleeve)
        g = d.top(offsets, cloth.main, hem=waist, sleeve=sleeve, neck=0.050, vee=(figure.z(0.70), 0.9))
        d.cuffs(g, cloth.accent, 0.008)
        d.chest = 0.12
        d.finish(g, rim=0.004)
        if d.wear.variant > 0.5:
            d.add(laid_collar(figure, offsets, WHITE, lambda a: 0.036 + 0.012 * np.cos(a), stand=0.004, gap=0.30))
    bands = {
        "band": [(0.010, 0.022, cloth.accent)],
        "stripes": [(0.010, 0.020, cloth.accent), (0.034, 0.044, cloth.accent), (0.058, 0.068, cloth.accent)],
    }.get(d.wear.pattern, [])
    before = len(d.parts)
    d.skirt(cloth.main, d.wear.bottom, waist + 0.006 * H, bands=bands, grow=0.0085)
    sash = skirt(figure, Cut(waist + 0.016 * H, waist - 0.014 * H, 0.002, grow=0.0125), cloth.accent)
    d.add(sash)
    if d.wear.variant < 0.5:
        back = figure.front({"torso": 0.016}, [0.0], np.array([waist]), behind=True)[0] + (0, 0.010, 0)
        d.add(bow(figure, back, 0.070, cloth.accent, (0, 1.0, 0.1)))
    if d.wear.pattern == "":
        rng = np.random.default_rng(int(d.wear.variant * 1e6))
        hanging = d.parts[before]
        count = 26
        turn, rise = rng.uniform(0, 2 * np.pi, count), rng.uniform(0.06, 0.95, count)
        z = hanging.vertices[:, 2]
        level = z.min() + rise * (z.max() - z.min())
        places = np.column_stack([0.2 * np.sin(turn), -0.2 * np.cos(turn), level])
        petals = 5 if d.wear.variant > 0.3 else 0
        d.add(motifs(figure, hanging, places, 0.0105 if petals else 0.0065, cloth.second, petals=petals))


def maid(d: Dressing) -> None:
    """A dark dress with puffed sleeves under a white apron, with a collar and bows."""
    figure, H, cloth = d.figure, d.H, d.cloth
    waist = figure.z(0.22)
    long_sleeves = d.wear.sleeve > 0.6
    end = 0.60
    offsets: Shape = {"torso": 0.0080, "bust": 0.0055, "clavicle": 0.0090, "upper_arm": puff(0.012, 0.024, 0.62)}
    if long_sleeves:
        offsets["upper_arm"] = lambda t: 0.012 + 0.020 * np.sin(np.pi * np.clip(t / 0.8, 0, 1)) ** 0.8
        offsets["forearm"] = 0.0075
        end = 1.92
    g = d.top(offsets, cloth.main, hem=waist, sleeve=end, neck=0.0415)
    d.cuffs(g, WHITE, 0.022 if long_sleeves else 0.012)
    d.finish(g, rim=0.004)
    d.add(shirt_collar(figure, offsets, WHITE, 0.9))
    d.chest, d.wide = 0.02, 0.05
    at = figure.front(offsets, [0.0], np.array([d.neck[2] - 0.040 * H]))[0] - (0, 0.008, 0)
    d.add(bow(figure, at, 0.036, cloth.accent, (0, -1.0, 0.15)))
    gown = d.skirt(cloth.main, d.wear.bottom, waist + 0.006 * H, bands=[(0.010, 0.017, WHITE)], grow=0.0100)
    # The apron: a panel in front, a bib, a belt and a great bow behind.
    white = cloth.trim
    low = gown.hem + 0.045 * H
    apron = replace(gown, grow=0.0150, span=0.95, end=low)
    d.add(skirt(figure, apron, white, bands=[(0.045, 0.052, white.mixed(white.shaded, 0.4))]))
    shape: Shape = {"torso": 0.0120, "bust": 0.009, "clavicle": 0.0125}
    top = figure.z(0.72)
    bib = figure.garment(shape, white, above=waist)
    bib.cut(lambda p: p[:, 2] - waist, lambda p: figure.facing(p) - 0.01, lambda p: top - p[:, 2])
    bib.cut(lambda p: 0.046 * H + 0.16 * (top - p[:, 2]) * 0.5 - across(p))
    d.add(bib.part(rim=0.003))
    path = over_shoulder(figure, shape, (0.046 * H, top - 0.010 * H), (0.034 * H, waist), 0.052 * H)
    wide = 0.018 + 0.016 * np.exp(-(((np.linspace(0, 1, len(path)) - 0.36) / 0.20) ** 2))
    left = strip(figure, shape, path, wide, thick=0.004)
    d.add(figure.part(pair(left), white))
    d.add(skirt(figure, Cut(waist + 0.017 * H, waist - 0.013 * H, 0.002, grow=0.0165, around={"bust": 0.011}), white))
    back = figure.front({"torso": 0.018}, [0.0], np.array([waist]), behind=True)[0] + (0, 0.012, 0)
    d.add(bow(figure, back, 0.085, white, (0, 1.0, 0.1)))
