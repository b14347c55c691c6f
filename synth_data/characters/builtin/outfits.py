# SPDX-License-Identifier: GPL-3.0-or-later
"""The outfits. Each is a function of a figure and its colours; it returns the clothes and says which skin stays visible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..palette import Colour
from .hair import lock, ribbon, spline
from .mesh import Array, Part, merge, painted, smoothstep, with_rim
from .tailor import Figure, across, button, collar_ring, cord, cut, height, hemmed, lifted, shoes, skirt, swept_ring, tie, within

Visible = Callable[[Array], Array]


@dataclass
class Outfit:
    """`parts` of cloth, and `skin`: a function that is ≥ 0 where the body's skin is to be kept."""

    parts: list[Part]
    skin: Visible


@dataclass(frozen=True)
class Cloth:
    main: Colour
    second: Colour
    accent: Colour
    shoe: Colour
    sock: Colour
    legwear: str


def _skin(figure: Figure, *, sleeve: float, legs: tuple[float, float] | None, chest: float = 0.075) -> Visible:
    """Skin that stays: the neck with a disc of chest, arms beyond the sleeve (t along the arm), legs between two heights."""
    H, neck = figure.H, figure.joints["Neck"]
    wrist = figure.along_arm(2.0)

    def keep(p: Array) -> Array:
        x = np.abs(p[:, 0])
        throat = np.minimum(p[:, 2] - (neck[2] - chest * H), 0.062 * H - x)
        arm = np.minimum(x - figure.along_arm(sleeve) + 0.02, wrist + 0.004 - x)
        result = np.maximum(throat, arm)
        if legs is not None:
            result = np.maximum(result, np.minimum(p[:, 2] - legs[0], legs[1] - p[:, 2]))
        return result

    return keep


def _skirt(figure: Figure, colour: Colour, top: float, hem: float, flare: float, pleats: int) -> Part:
    mesh, weights, depth = skirt(figure, top, hem, flare, pleats=pleats)
    part = painted(mesh, colour, weights)
    recess = depth > 0.5
    part.base[recess] = colour.shade
    part.shade[recess] = colour.shade * 0.62
    return part


def _socks(figure: Figure, colour: Colour, top: float) -> list[Part]:
    """Socks up to height `top` (metres), with a ribbed edge."""
    offsets = (
        {"thigh": 0.0022, "shin": 0.0026, "foot": 0.0015} if top > figure.joints["LeftLeg"][2] - 0.02 else {"shin": 0.0026, "foot": 0.0015}
    )
    mesh = figure.shell(offsets, gap=0.001, below=top)
    return [figure.part(hemmed(mesh, *within(height, 0.018 * figure.H, top), depth=0.002), colour)]


def _trousers(figure: Figure, colour: Colour, hem: float, *, loose: float = 0.0, waist: float = 0.2, flare: float = 0.006) -> list[Part]:
    """Trousers or shorts from the waist down to height `hem` (metres)."""
    H = figure.H
    offsets = {"torso": 0.007, "thigh": lambda t: 0.008 + loose * t, "shin": lambda t: 0.010 + loose + flare * smoothstep(t, 0.3, 1.0)}
    if hem > figure.joints["LeftLeg"][2]:
        offsets.pop("shin")
    mesh = figure.shell(offsets, gap=0.0035, above=hem, below=figure.z(waist))
    top = figure.z(waist)
    cloth = hemmed(mesh, *within(height, hem, top), lambda p: 0.2 * H - across(p), depth=0.005)
    return [figure.part(cloth, colour)]


def _legs(figure: Figure, cloth: Cloth, top: float) -> tuple[list[Part], tuple[float, float] | None]:
    """Skirt, shorts or trousers with socks: parts, and the heights between which the legs are bare."""
    H, j = figure.H, figure.joints
    knee = j["LeftLeg"][2]
    kind = cloth.legwear
    parts: list[Part] = []
    bare: tuple[float, float] | None
    if kind in ("skirt", "plain"):
        hem = j["LeftUpLeg"][2] - (0.105 if kind == "skirt" else 0.115) * H
        sock = {True: knee + 0.075 * H, False: knee - 0.050 * H}[bool(cloth.sock.base.sum() < 1.0)]
        parts.append(_skirt(figure, cloth.second, top, hem, 0.062, 16 if kind == "skirt" else 0))
        parts += _socks(figure, cloth.sock, sock)
        bare = (sock - 0.02, hem + 0.022 * H)
    elif kind == "shorts":
        hem = j["LeftUpLeg"][2] - 0.13 * H
        sock = 0.115 * H
        parts += _trousers(figure, cloth.second, hem, loose=0.010, waist=0.24) + _socks(figure, cloth.sock, sock)
        bare = (sock - 0.02, hem + 0.02)
    else:
        parts += _trousers(figure, cloth.second, 0.040 * H, loose=0.002 if kind == "slim" else 0.005)
        parts += _socks(figure, cloth.sock, 0.075 * H)
        bare = None
    return parts, bare


def _collar_wings(figure: Figure, colour: Colour) -> list[Part]:
    """A shirt's collar: a standing band that folds over to two points in front."""
    rows = [(0.038, 0.038, -0.005, -0.020), (0.037, 0.038, 0.023, 0.006), (0.040, 0.046, 0.025, 0.007), (0.045, 0.077, 0.004, -0.047)]
    mesh = with_rim(collar_ring(figure, rows, gap=0.13), 0.003)
    return [figure.part(mesh, colour)]


def sailor(figure: Figure, cloth: Cloth, rng: np.random.Generator) -> Outfit:
    """A sailor uniform: blouse with a striped collar and a bow, pleated skirt."""
    H, neck = figure.H, figure.joints["Neck"]
    sleeve = 0.62 if cloth.main.base.sum() > 2 else 1.86
    hem, tip = figure.z(0.10), figure.z(0.66)
    offsets = {
        "torso": lambda t: 0.008 + 0.006 * (1 - smoothstep(t, 0.15, 0.55)),
        "bust": 0.006,
        "clavicle": 0.008,
        "upper_arm": lambda t: 0.008 + 0.008 * np.sin(np.pi * np.clip(t / 0.75, 0, 1)),
    }
    if sleeve > 1:
        offsets["forearm"] = lambda t: 0.009 + 0.002 * t
    mesh = figure.shell(offsets, above=hem)
    end = figure.along_arm(sleeve)

    def keep(p: Array) -> Array:
        open_neck = np.minimum(figure.neck_distance(p, 0.041), figure.vee(p, tip + 0.01 * H, 0.42))
        return np.minimum(np.minimum(p[:, 2] - hem, end - np.abs(p[:, 0])), open_neck)

    parts = [figure.part(hemmed(mesh, keep), cloth.main)]
    light = cloth.second.base.sum() < 1.2
    trim = Colour.of("FFFFFF") if light else cloth.accent
    cuff = 0.026 * H
    parts.append(figure.part(cut(lifted(mesh, 0.0030), *within(across, end - cuff, end + 0.001)), cloth.second))
    parts.append(figure.part(cut(lifted(mesh, 0.0045), *within(across, end - 0.66 * cuff, end - 0.40 * cuff)), trim, line=0.0))
    # The collar.
    shape = {"torso": 0.0145, "bust": 0.010, "clavicle": 0.0135, "neck": 0.006}
    around = figure.shell(shape, above=figure.z(0.55))
    shoulder, low_back = neck[2] - 0.030 * H, neck[2] - 0.118 * H

    def outer_edge(p: Array) -> Array:
        ahead = figure.facing(p) > 0
        wide = 0.088 * H - np.where(ahead, np.maximum(shoulder - p[:, 2], 0) * 0.088 * H / (shoulder - tip + 0.012 * H), 0.0)
        return np.where(ahead, (wide - np.abs(p[:, 0])) * 0.85, np.minimum(wide - np.abs(p[:, 0]), p[:, 2] - low_back))

    def opening(p: Array) -> Array:
        return np.minimum(figure.neck_distance(p, 0.0405), figure.vee(p, tip, 0.40))

    parts.append(figure.part(hemmed(around, outer_edge, opening, depth=0.005), cloth.second))
    stripe = cut(lifted(around, 0.0016), *within(outer_edge, 0.0070 * H, 0.0115 * H), lambda p: opening(p) - 0.003 * H)
    parts.append(figure.part(stripe, trim, line=0.0))
    bow_at = figure.front(shape, [0.0], np.array([tip + 0.004 * H]))[0] - (0, 0.008, 0)
    bow = merge(ribbon(bow_at, 0.046 * H, np.array([0, -1.0, 0.12])))
    parts.append(painted(bow, cloth.accent, figure.weights(bow_at[None])[0], line=0.8))
    more, bare = _legs(figure, cloth, figure.z(0.20))
    parts += more + shoes(figure, cloth.shoe, cloth.shoe.shaded)
    return Outfit(parts, _skin(figure, sleeve=sleeve, legs=bare, chest=0.115))


def blazer(figure: Figure, cloth: Cloth, rng: np.random.Generator) -> Outfit:
    """A blazer over a shirt with a tie or a bow, trousers or a skirt."""
    H, neck = figure.H, figure.joints["Neck"]
    white = Colour.of("FFFFFF", "C9D3EA")
    skirted = cloth.legwear in ("skirt", "plain")
    # Over a skirt the jacket is shorter, or it would show through when the legs lift.
    hem = figure.joints["Hips"][2] - 0.008 * H if skirted else figure.joints["LeftUpLeg"][2] - 0.005 * H
    tip, end = figure.z(0.46), figure.along_arm(1.90)
    shirt = {"torso": 0.0055, "bust": 0.004, "clavicle": 0.0055}
    under = figure.shell(shirt, above=figure.z(0.3))

    def keep_shirt(p: Array) -> Array:
        return np.minimum(
            np.minimum(figure.neck_distance(p, 0.037), 0.072 * H - np.abs(p[:, 0])),
            np.minimum(figure.facing(p) + 0.02, p[:, 2] - tip + 0.03),
        )

    parts = [figure.part(hemmed(under, keep_shirt), Colour.of("EBEFF8", "BFC9E2")), *_collar_wings(figure, white)]
    flared = 0.010 if skirted else 0.004
    jacket = {
        "torso": lambda t: 0.0125 + flared * (1 - smoothstep(t, 0.10, 0.5)),
        "bust": 0.009,
        "clavicle": 0.0125,
        "upper_arm": 0.0115,
        "forearm": lambda t: 0.0115 + 0.003 * t,
        "thigh": 0.015,
    }
    if skirted:
        jacket.pop("thigh")
    mesh = figure.shell(jacket, above=hem)

    def keep(p: Array) -> Array:
        below = np.where(figure.facing(p) > 0, np.abs(p[:, 0]) - 0.5 * np.maximum(hem + 0.035 * H - p[:, 2], -0.01), 1.0)
        return np.minimum(
            np.minimum(np.minimum(p[:, 2] - hem, end - np.abs(p[:, 0])), below),
            np.minimum(figure.neck_distance(p, 0.045), figure.vee(p, tip, 0.30)),
        )

    parts.append(figure.part(hemmed(mesh, keep, depth=0.006), cloth.main))
    dark = cloth.main.shaded
    ahead = lambda p: figure.facing(p) - 0.02  # noqa: E731
    closing = cut(lifted(mesh, 0.0010), ahead, *within(lambda p: p[:, 0], 0.0, 0.003), *within(height, hem + 0.03 * H, tip))
    parts.append(figure.part(closing, dark, line=0.0))
    # Lapels.
    shape = {"torso": 0.0160, "bust": 0.012, "clavicle": 0.0155, "neck": 0.008}
    around = figure.shell(shape, above=figure.z(0.35))
    top = neck[2] - 0.012 * H

    def lapel(p: Array) -> Array:
        front_wide = np.interp(p[:, 2], [tip, top - 0.05 * H, top - 0.047 * H, top], [0.002, 0.074, 0.058, 0.060]) * H
        outer = np.where(figure.facing(p) > 0, front_wide - np.abs(p[:, 0]), 0.060 * H - np.hypot(p[:, 0], p[:, 1] - neck[1]))
        return np.minimum(outer, np.minimum(figure.neck_distance(p, 0.0445), figure.vee(p, tip - 0.006, 0.295)))

    parts.append(figure.part(hemmed(around, lapel, depth=0.004), cloth.main.mixed(dark, 0.35)))
    gold = Colour.of("E8C15A")
    level = np.array([tip - 0.022 * H, tip - 0.068 * H])
    for centre in figure.front(jacket, np.full(2, 0.012 * H), level):
        parts.append(painted(button(centre, 0.0068 * H), gold, figure.weights(centre[None])[0], line=0.5))
    slant = lambda p: p[:, 2] - 0.1 * across(p)  # noqa: E731
    flap = (*within(across, 0.030 * H, 0.074 * H), *within(slant, hem + 0.0575 * H, hem + 0.0665 * H))
    parts.append(figure.part(cut(lifted(mesh, 0.0010), ahead, *flap), dark, line=0.0))
    if skirted and rng.uniform() < 0.6:
        at = figure.front(shirt, [0.0], np.array([neck[2] - 0.036 * H]))[0] - (0, 0.008, 0)
        parts.append(painted(merge(ribbon(at, 0.036 * H, np.array([0, -1.0, 0.15]))), cloth.accent, figure.weights(at[None])[0], line=0.8))
    else:
        mesh = tie(figure, shirt | {"neck": 0.010}, neck[2] - 0.014 * H, tip + 0.012 * H, 0.034)
        parts.append(figure.part(mesh, cloth.accent, line=0.7))
    more, bare = _legs(figure, cloth, figure.z(0.12))
    parts += more + shoes(figure, cloth.shoe, cloth.shoe.shaded)
    return Outfit(parts, _skin(figure, sleeve=1.90, legs=bare, chest=0.03))


def hoodie(figure: Figure, cloth: Cloth, rng: np.random.Generator) -> Outfit:
    """A hooded sweater with a pouch and cords, over trousers, shorts or a skirt."""
    H, neck = figure.H, figure.joints["Neck"]
    hem, end = figure.joints["LeftUpLeg"][2] - 0.022 * H, figure.along_arm(1.92)
    loose = {
        "torso": lambda t: 0.016 + 0.013 * (1 - smoothstep(t, 0.15, 0.62)),
        "bust": 0.008,
        "clavicle": 0.015,
        "upper_arm": lambda t: 0.015 + 0.003 * t,
        "forearm": lambda t: 0.018 - 0.002 * t,
        "thigh": 0.020,
    }
    mesh = figure.shell(loose, above=hem)

    def keep(p: Array) -> Array:
        return np.minimum(np.minimum(p[:, 2] - hem - 0.016 * H, end - 0.020 * H - np.abs(p[:, 0])), figure.neck_distance(p, 0.046, 0.25))

    parts = [figure.part(hemmed(mesh, keep, depth=0.008), cloth.main)]
    # Hem and cuffs are ribbed bands, a little tighter.
    tight = lifted(mesh, -0.006)
    ribbing = cloth.main.mixed(cloth.main.shaded, 0.30)
    parts.append(figure.part(hemmed(tight, *within(height, hem, hem + 0.022 * H), lambda p: 0.2 * H - across(p), depth=0.005), ribbing))

    parts.append(figure.part(hemmed(tight, *within(across, end - 0.026 * H, end + 0.006 * H), depth=0.004), ribbing))
    # The hood at rest, thick behind and closing in front.
    hood = swept_ring(
        figure,
        0.034,
        lambda a: 0.0125 + 0.019 * (0.5 - 0.5 * np.cos(a)) ** 1.2,
        lambda a: 0.007 - 0.022 * (0.5 + 0.5 * np.cos(a)) ** 2 + 0.012 * (0.5 - 0.5 * np.cos(a)),
    )
    parts.append(figure.part(hood, cloth.main))
    inside = swept_ring(
        figure,
        0.033,
        lambda a: 0.0085 + 0.010 * (0.5 - 0.5 * np.cos(a)),
        lambda a: 0.015 - 0.022 * (0.5 + 0.5 * np.cos(a)) ** 2 + 0.016 * (0.5 - 0.5 * np.cos(a)),
    )
    parts.append(figure.part(inside, cloth.main.mixed(cloth.main.shaded, 0.6), line=0.4))
    low, high = hem + 0.030 * H, hem + 0.112 * H
    slope = lambda p: np.interp(p[:, 2], [low, low + 0.03 * H, high], [0.070 * H, 0.070 * H, 0.040 * H]) - across(p)  # noqa: E731
    pouch = hemmed(lifted(mesh, 0.006), lambda p: figure.facing(p) - 0.02, *within(height, low, high), slope, depth=0.006)
    parts.append(figure.part(pouch, cloth.main))
    cords = []
    for side in (1, -1):
        start = neck[2] - 0.030 * H
        sx = side * 0.020 * H
        zs = np.array([start, start - 0.03 * H, start - 0.075 * H])
        path = figure.front(loose, np.array([sx, sx * 1.1, sx * 1.25]), zs) - (0, 0.006, 0)
        cords.append(cord(path, 0.0034 * H))
    parts.append(figure.part(merge(cords), cloth.accent, line=0.5))
    more, bare = _legs(figure, cloth, figure.z(0.05))
    parts += more + shoes(figure, cloth.shoe, Colour.of("FFFFFF", "C9D3EA"), grow=0.0065)
    return Outfit(parts, _skin(figure, sleeve=1.92, legs=bare, chest=0.02))


def coat(figure: Figure, cloth: Cloth, rng: np.random.Generator) -> Outfit:
    """A belted coat with a flared tail, a scarf, slim trousers and boots."""
    H, neck = figure.H, figure.joints["Neck"]
    waist, end = figure.z(0.20), figure.along_arm(1.90)
    shape = {"torso": 0.0140, "bust": 0.009, "clavicle": 0.0135, "upper_arm": 0.0125, "forearm": lambda t: 0.0125 + 0.005 * t}
    mesh = figure.shell(shape, above=waist)

    def keep(p: Array) -> Array:
        return np.minimum(np.minimum(p[:, 2] - waist, end - np.abs(p[:, 0])), figure.neck_distance(p, 0.043))

    parts = [figure.part(hemmed(mesh, keep, depth=0.006), cloth.main)]
    parts.append(
        figure.part(cut(lifted(mesh, 0.0035), *within(across, end - 0.038 * H, end + 0.001)), cloth.main.mixed(cloth.main.shaded, 0.4))
    )
    seam = cut(lifted(mesh, 0.0010), lambda p: figure.facing(p) - 0.02, *within(lambda p: p[:, 0], 0.011 * H, 0.013 * H))
    parts.append(figure.part(seam, cloth.main.shaded, line=0.0))
    tail, weights, _ = skirt(figure, waist + 0.004, 0.335 * H, 0.085, open_front=0.10, columns=72, rows=10, grow=0.017)
    parts.append(painted(tail, cloth.main, weights))
    belt, belt_weights, _ = skirt(figure, waist + 0.014 * H, waist - 0.016 * H, 0.0, columns=48, rows=3, grow=0.0185)
    parts.append(painted(belt, cloth.second, belt_weights))
    buckle = figure.front({"torso": 0.0185}, [0.0], np.array([waist]))[0] - (0, 0.003, 0)
    parts.append(painted(button(buckle, 0.0125 * H), Colour.of("E8C15A"), figure.weights(buckle[None])[0], line=0.6))
    level = np.array([figure.z(0.36), figure.z(0.50), figure.z(0.64)])
    for side in (1, -1):
        for centre in figure.front(shape, np.full(3, side * 0.034 * H), level):
            parts.append(painted(button(centre, 0.0070 * H), cloth.second, figure.weights(centre[None])[0], line=0.5))
    scarf = swept_ring(
        figure,
        0.031,
        lambda a: 0.0235 + 0.0025 * np.sin(3 * a) + 0.003 * np.cos(a),
        lambda a: 0.014 + 0.006 * np.cos(a + 2.4) - 0.013 * np.cos(a),
    )
    parts.append(figure.part(scarf, cloth.accent, line=0.8))
    base = figure.front(shape, [0.02 * H], np.array([neck[2] - 0.040 * H]))[0]
    zs = np.array([neck[2] - 0.020 * H, neck[2] - 0.075 * H, neck[2] - 0.150 * H])
    path = figure.front(shape, np.array([0.022, 0.030, 0.034]) * H, zs) - (0, 0.016, 0)
    path[0] = base - (0, 0.02, -0.012 * H)
    end_piece = lock(spline(path, 8), np.tile([0, -1.0, 0], (8, 1)), 0.050 * H, 0.020 * H, root=0.8, belly=40.0)
    parts.append(figure.part(end_piece, cloth.accent, line=0.8))
    trousers = Cloth(cloth.main, cloth.second, cloth.accent, cloth.shoe, cloth.sock, "slim")
    parts += _trousers(figure, trousers.second, 0.10 * H, waist=0.16, flare=-0.003)
    parts += shoes(figure, cloth.shoe, cloth.shoe.shaded, boot=0.185)
    return Outfit(parts, _skin(figure, sleeve=1.90, legs=None, chest=0.02))


def sport(figure: Figure, cloth: Cloth, rng: np.random.Generator) -> Outfit:
    """A T-shirt with a chest stripe, shorts or trousers, trainers."""
    H = figure.H
    sleeve, hem = 0.58, figure.joints["Hips"][2] - 0.045 * H
    shape = {
        "torso": lambda t: 0.0095 + 0.006 * (1 - smoothstep(t, 0.12, 0.5)),
        "bust": 0.006,
        "clavicle": 0.0095,
        "upper_arm": lambda t: 0.0105 + 0.008 * t,
        "thigh": 0.013,
    }
    mesh = figure.shell(shape, above=hem)
    end = figure.along_arm(sleeve)

    def keep(p: Array) -> Array:
        return np.minimum(np.minimum(p[:, 2] - hem, end - np.abs(p[:, 0])), figure.neck_distance(p, 0.0425))

    parts = [figure.part(hemmed(mesh, keep), cloth.main)]
    edge = cloth.accent if np.abs(cloth.accent.base - cloth.main.base).max() > 0.2 else cloth.second
    parts.append(figure.part(cut(lifted(mesh, 0.0022), *within(lambda p: figure.neck_distance(p, 0.0425), -0.001, 0.0075 * H)), edge))
    parts.append(figure.part(cut(lifted(mesh, 0.0020), *within(across, end - 0.012 * H, end + 0.001)), edge))
    level = figure.z(0.56)
    parts.append(
        figure.part(
            cut(lifted(mesh, 0.0014), *within(height, level - 0.016 * H, level + 0.016 * H), lambda p: 0.093 * H - across(p)),
            edge,
            line=0.0,
        )
    )
    more, bare = _legs(figure, cloth, figure.z(0.1))
    parts += more + shoes(figure, cloth.shoe, Colour.of("FFFFFF", "C9D3EA"), grow=0.0065)
    return Outfit(parts, _skin(figure, sleeve=sleeve, legs=bare, chest=0.05))


OUTFITS: dict[str, Callable[[Figure, Cloth, np.random.Generator], Outfit]] = {
    "sailor": sailor,
    "blazer": blazer,
    "hoodie": hoodie,
    "coat": coat,
    "sport": sport,
}
