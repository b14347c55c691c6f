# SPDX-License-Identifier: GPL-3.0-or-later
"""What is carried and worn besides clothes: bags, bands, watch, headphones, necklace, gloves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..palette import Colour
from .mesh import pair
from .outfits.common import GOLD, WHITE, Dressing
from .tailor import Garment, Shape, across, thicker, within
from .trimmings import box, button, cord, over_shoulder, strip

LEATHERS = tuple(Colour.of(c) for c in ("6B3F33", "3A2C2E", "8A5A3A", "2F3A4A"))


def _leather(d: Dressing) -> Colour:
    return LEATHERS[int(d.wear.variant * 97) % len(LEATHERS)]


def _over(d: Dressing, by: float) -> Shape:
    """The shells of what is worn on the trunk, grown."""
    return thicker(d.outer, by, ("torso", "bust", "clavicle", "thigh"))


def satchel(d: Dressing) -> None:
    """A bag at the right hip on a strap over the left shoulder."""
    figure, H = d.figure, d.H
    colour = _leather(d)
    shells = _over(d, 0.002)
    low = figure.z(0.0)
    side = figure.outside(shells, np.array([0.0, 0.004, low]), np.array([[-1.0, 0.0, 0.0]]))[0]
    path = over_shoulder(figure, shells, (side[0] * 0.86, low), (side[0] * 0.86, low), 0.040 * H)
    d.add(figure.part(strip(figure, shells, path, 0.0150), colour))
    at = side + np.array([-0.024, 0.0, -0.030]) * H
    bag = figure.stuck(box(at, (0.024 * H, 0.066 * H, 0.048 * H)), colour, side, line=0.9)
    flap = figure.stuck(
        box(at + np.array([-0.004, 0, 0.020]) * H, (0.0235 * H, 0.069 * H, 0.030 * H)), colour.mixed(WHITE, 0.12), side, line=0.9
    )
    clasp = at + np.array([-0.0295, 0, -0.002]) * H
    d.add(bag, flap, figure.stuck(button(clasp, 0.009 * H, (-1.0, 0, 0)), GOLD, side, line=0.5))


def backpack(d: Dressing) -> None:
    """A pack on the back with two straps."""
    figure, H = d.figure, d.H
    child = figure.proportions.heads < 5.8
    colour = Colour.of(("C8323C", "4A3A36", "7A4F9A", "2F5DA8")[int(d.wear.variant * 89) % 4]) if child else d.cloth.second
    shells = _over(d, 0.002)
    middle = figure.z(0.58)
    back = figure.front(shells, [0.0], np.array([middle]), behind=True)[0]
    half = np.array([0.072, 0.034, 0.088]) * H
    at = back + np.array([0.0, half[1] * 0.85, 0.0])
    d.add(figure.stuck(box(at, tuple(half)), colour, back, line=0.9))
    flap = box(at + np.array([0, 0.006, 0.034]) * H, (half[0] * 1.03, half[1] * 0.98, half[2] * 0.62))
    d.add(figure.stuck(flap, colour.mixed(WHITE, 0.14), back, line=0.9))
    if not child:
        pocket = box(at + np.array([0, 0.030, -0.046]) * H, (half[0] * 0.72, half[1] * 0.5, half[2] * 0.36))
        d.add(figure.stuck(pocket, colour.mixed(colour.shaded, 0.35), back, line=0.7))
    path = over_shoulder(figure, shells, (0.058 * H, figure.z(0.52)), (0.048 * H, middle), 0.050 * H)
    d.add(figure.part(pair(strip(figure, shells, path, 0.0165)), colour.mixed(colour.shaded, 0.35)))


def _ring(d: Dressing, tube: str, low: float, high: float, grow: float, colour: Colour, side: int = 1) -> None:
    """A band around one limb, between two distances along it (0…1)."""
    item = d.figure.tubes[tube]
    along, length = item.frame[2], item.frame[3]
    share = lambda p: ((np.abs(p) * (1, 0, 0) + p * (0, 1, 1)) - item.start) @ along / length  # noqa: E731
    mesh = d.figure.shell({tube: grow}, above=-9.0 if tube in ("upper_arm", "forearm") else item.end[2] - 0.05)
    g = Garment(d.figure, mesh, colour).cut(lambda p: side * p[:, 0], *within(share, low, high))
    d.add(g.part(rim=0.003, line=0.8))


def armband(d: Dressing) -> None:
    """A band around the left sleeve."""
    item = d.figure.tubes["upper_arm"]
    mesh = d.figure.shell(thicker({"upper_arm": d.outer.get("upper_arm", 0.0)}, 0.0022))
    low, high = (item.start[0] + (item.end[0] - item.start[0]) * t for t in (0.34, 0.62))
    g = Garment(d.figure, mesh, d.cloth.accent).cut(lambda p: p[:, 0], *within(across, low, high))
    d.add(g.part(rim=0.003, line=0.8))


def wristband(d: Dressing) -> None:
    """Bands around the bare wrists."""
    if d.sleeve < 1.6:
        _ring(d, "forearm", 0.80, 0.96, 0.0035, d.cloth.accent)
        if d.wear.variant > 0.4:
            _ring(d, "forearm", 0.80, 0.96, 0.0035, d.cloth.accent, -1)


def watch(d: Dressing) -> None:
    """A watch on the bare left wrist."""
    if d.sleeve < 1.6:
        _ring(d, "forearm", 0.88, 0.95, 0.0022, _leather(d))
        wrist, elbow = d.figure.joints["LeftHand"], d.figure.joints["LeftForeArm"]
        at = wrist + 0.085 * (elbow - wrist) + (0, 0, 0.0155 * d.H)
        d.add(d.figure.stuck(button(at, 0.0105 * d.H, (0, 0, 1.0)), GOLD, at, line=0.5))
        d.add(d.figure.stuck(button(at + np.array([0, 0, 0.002]), 0.0075 * d.H, (0, 0, 1.0)), WHITE, at, line=0.3))


def bandage(d: Dressing) -> None:
    """A white bandage around a bare knee or arm."""
    if d.legs is not None and d.legs[0] < d.figure.joints["LeftLeg"][2] - 0.10 * d.H:
        _ring(d, "shin", 0.16, 0.34, 0.0022, WHITE)
    elif d.sleeve < 1.2:
        _ring(d, "forearm", 0.30, 0.66, 0.0022, WHITE, -1)


def headphones(d: Dressing) -> None:
    """Headphones around the neck."""
    figure, H, neck = d.figure, d.H, d.neck
    angle = np.linspace(np.radians(62), np.radians(298), 9)
    ahead = 0.5 + 0.5 * np.cos(angle)
    path = neck + H * np.column_stack([0.056 * np.sin(angle), -0.056 * np.cos(angle), 0.026 - 0.044 * ahead])
    colour = d.cloth.trim if d.wear.variant > 0.5 else Colour.of("33353F")
    d.add(figure.stuck(cord(path, 0.0058 * H, *((8, 17) if figure.fine else (5, 10))), colour, neck, line=0.8))
    for side, at in ((1, path[0]), (-1, path[-1])):
        out = np.array([side * 0.86, -0.45, 0.1])
        for lift, radius, shade in ((0.0, 0.026, colour.mixed(colour.shaded, 0.5)), (0.010, 0.021, d.cloth.accent)):
            ear = button(at + out * lift * H, radius * H, tuple(out), 12)
            d.add(figure.stuck((at + (ear[0] - at) * (1, 1, 1), ear[1]), shade, neck, line=0.7))


def necklace(d: Dressing) -> None:
    """A fine chain with a pendant, on the skin or the collar."""
    figure, H, neck = d.figure, d.H, d.neck
    bare: Shape = dict.fromkeys(("torso", "bust", "clavicle", "neck"), 0.0012)
    shells = _over(d, 0.0015) if d.chest < 0.07 else bare
    angle = np.linspace(0, 2 * np.pi, 17)
    ahead = 0.5 + 0.5 * np.cos(angle)
    deep = 0.085
    direction = np.column_stack([np.sin(angle) * 0.043, -np.cos(angle) * (0.043 + 0.030 * ahead**3), deep - 0.055 * ahead**3])
    path = figure.outside(shells, neck - (0, 0, deep * H), direction)
    d.add(figure.part(cord(path, 0.0017 * H, 4, 33 if figure.fine else 17), GOLD, line=0.35))
    at = path[0] - np.array([0, 0.003, 0.010 * H])
    d.add(figure.stuck(button(at, 0.0085 * H, sides=4 if d.wear.variant < 0.5 else 8), d.cloth.accent, at, line=0.5))


def pouch(d: Dressing) -> None:
    """A pouch on the belt."""
    figure, H = d.figure, d.H
    level = figure.z(0.12)
    for x in (0.055, -0.062) if d.wear.variant > 0.6 else (0.055,):
        at = figure.front({"torso": 0.020, "thigh": 0.016}, [x * H], np.array([level - 0.018 * H]))[0] - (0, 0.010 * H, 0)
        d.add(figure.stuck(box(at, (0.022 * H, 0.014 * H, 0.024 * H)), LEATHERS[2], at, line=0.8))
        lid = at + np.array([0, -0.002, 0.010]) * H
        d.add(figure.stuck(box(lid, (0.0235 * H, 0.0145 * H, 0.014 * H)), LEATHERS[0], at, line=0.8))
        d.add(figure.stuck(button(lid - (0, 0.015 * H, 0.006 * H), 0.0045 * H), GOLD, at, line=0.4))


def gloves(d: Dressing) -> None:
    """Gloves: the hands are painted, with a cuff at the wrist."""
    d.hands = d.cloth.trim if d.wear.outfit == "suit" else d.cloth.shoe
    if d.sleeve > 1.6:
        x = d.figure.joints["LeftHand"][0]
        g = Garment(d.figure, d.figure.shell({"forearm": 0.0045, "palm": 0.0030}), d.hands)
        d.add(g.cut(*within(across, x - 0.020 * d.H, x + 0.012 * d.H)).part(rim=0.003, line=0.8))


EXTRAS: dict[str, Callable[[Dressing], None]] = {
    "satchel": satchel,
    "backpack": backpack,
    "armband": armband,
    "wristband": wristband,
    "watch": watch,
    "bandage": bandage,
    "headphones": headphones,
    "necklace": necklace,
    "pouch": pouch,
    "gloves": gloves,
}


def add_extras(d: Dressing) -> None:
    """What `wear.extras` names. A cape is part of the outfits that have one."""
    for name in d.wear.extras:
        if name != "cape":
            EXTRAS[name](d)
