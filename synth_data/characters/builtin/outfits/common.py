# SPDX-License-Identifier: GPL-3.0-or-later
"""What all outfits share: their colours and choices, tops, and what legs wear."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from ...palette import Colour
from ..footwear import bare_feet, loose_socks, shoes, socks
from ..mesh import Array, Part, smoothstep
from ..skirts import Band, Cut, skirt
from ..tailor import Figure, Garment, Offset, Region, across, height, thicker, within
from ..trimmings import fold_lines

WHITE, GOLD = Colour.of("FFFFFF", "C9D3EA"), Colour.of("E8C15A", "B98A3C")
SKIRTS = ("pleated", "flared", "midi", "long", "tight")


@dataclass(frozen=True)
class Wear:
    """What a character has on. Numbers are 0…1, from short to long (`sleeve`, `length`) or between an outfit's variants (`variant`).

    `bottom`: one of SKIRTS, or "slim", "straight", "wide", "cropped" trousers, "shorts"; "" where the outfit has its own. `legwear`:
    "none", "ankle", "knee", "over", "tights", "loose". `pattern`: "", "checks", "stripes" or "band". `extras`: see `extras.EXTRAS`.
    """

    outfit: str
    bottom: str = ""
    legwear: str = "ankle"
    shoes: str = "sneaker"
    sleeve: float = 0.5
    length: float = 0.5
    variant: float = 0.5
    pattern: str = ""
    extras: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cloth:
    """An outfit's colours: three that belong together, those of trimmings, shoes, soles, socks and sneakers' marks, and the skin's."""

    main: Colour
    second: Colour
    accent: Colour
    trim: Colour
    shoe: Colour
    sole: Colour
    sock: Colour
    mark: Colour
    skin: Colour


@dataclass
class Dressing:
    """A figure being dressed: `parts` of cloth so far, and which skin stays bare."""

    figure: Figure
    wear: Wear
    cloth: Cloth
    parts: list[Part] = field(default_factory=list)
    # Where skin shows: arms from `sleeve` (along the arm, 0…2) on, the chest down to `chest` (fraction of the height) below the neck and
    # `wide` to each side, legs between two heights.
    sleeve: float = 2.0
    chest: float = 0.06
    wide: float = 0.062
    legs: tuple[float, float] | None = None
    # The shells of the outermost top, and the colour of gloves.
    outer: Mapping[str, Offset] = field(default_factory=lambda: {"torso": 0.012, "bust": 0.008, "clavicle": 0.012})
    hands: Colour | None = None

    @property
    def H(self) -> float:  # noqa: N802 (the formulas' name)
        return self.figure.H

    @property
    def hip(self) -> float:
        return float(self.figure.joints["LeftUpLeg"][2])

    @property
    def neck(self) -> Array:
        return self.figure.joints["Neck"]

    def add(self, *parts: Part | None) -> None:
        self.parts += [part for part in parts if part is not None]

    def top(
        self,
        offsets: Mapping[str, Offset],
        colour: Colour,
        *,
        hem: float,
        sleeve: float,
        neck: float = 0.042,
        tilt: float = 0.35,
        vee: tuple[float, float] | None = None,
    ) -> Garment:
        """A top down to height `hem` (metres), with sleeves to `sleeve` along the arm; its neck hole is a circle of radius `neck`, or a V
        whose tip is at a height, with a slope.
        """
        self.sleeve, self.outer = sleeve, offsets
        end = self.figure.along_arm(sleeve)
        garment = self.figure.garment(offsets, colour, above=hem)
        garment.cut(lambda p: p[:, 2] - hem, lambda p: end - across(p), lambda p: self.figure.neck_distance(p, neck, tilt))
        if vee is not None:
            garment.cut(lambda p: self.figure.vee(p, *vee))
        return garment

    def cuffs(self, garment: Garment, colour: Colour, width: float, start: float = 0.0) -> None:
        """Paint a band near the sleeves' ends: `width` and the distance `start` from the end, fractions of the height."""
        end = self.figure.along_arm(self.sleeve)
        garment.paint(colour, *within(across, end - (start + width) * self.H, end - start * self.H + (0.01 if start == 0 else 0.0)))

    def finish(self, garment: Garment, offsets: Mapping[str, Offset] | None = None, *, rim: float = 0.004, line: float = 1.0) -> Part:
        """Add a garment's part, with the folds it has by itself where its offsets are given."""
        part = garment.part(rim=rim, line=line)
        self.add(part)
        if offsets is not None:
            self.add(fold_lines(self.figure, part, offsets, garment.colours[0], sleeve=self.sleeve))
        return part

    # Below the waist

    def trousers(
        self, colour: Colour, kind: str, top: float, *, over: bool = False, stripe: Colour | None = None, cuff: Colour | None = None
    ) -> None:
        """Trousers: "slim", "straight", "wide", "cropped" or "shorts", from height `top` (metres), under the top or `over` it."""
        H, knee = self.H, self.figure.joints["LeftLeg"][2]
        loose, end, hem = {
            "slim": (0.0045, 0.0075, 0.046 * H),
            "straight": (0.0075, 0.0110, 0.036 * H),
            "wide": (0.016, 0.034, 0.034 * H),
            "cropped": (0.008, 0.013, (0.10 + 0.05 * (1 - self.wear.length)) * H),
            "shorts": (0.012, 0.012, knee + (0.02 + 0.10 * (1 - self.wear.length)) * H),
        }[kind]
        waist = 0.0105 if over else 0.0050
        thigh = lambda t: waist * (1 - t) + (loose + 0.002) * t + (0.010 * t if kind == "shorts" else 0.0)  # noqa: E731
        offsets: dict[str, Offset] = {"torso": waist, "thigh": thigh}
        if hem < knee:
            offsets["shin"] = lambda t: loose + 0.002 + (end - loose) * t
        g = self.figure.garment(offsets, colour, gap=0.003, above=hem, below=top)
        g.cut(*within(height, hem, top), lambda p: 0.2 * H - across(p))
        if stripe is not None:
            ex = self.figure.joints["LeftUpLeg"][0]
            g.paint(
                stripe,
                *within(lambda p: p[:, 1] - 0.004 * H, -0.009 * H, 0.009 * H),
                where=lambda c: (across(c) > ex) & (c[:, 2] < self.hip + 0.07 * H),
            )
        if cuff is not None:
            g.paint(cuff, lambda p: hem + 0.022 * H - p[:, 2])
        self.add(g.part(rim=0.005))
        self.feet(hem, covered=True)

    def skirt(
        self,
        colour: Colour,
        kind: str,
        top: float,
        *,
        free: float | None = None,
        bands: list[Band] | None = None,
        grow: float = 0.012,
        around: Mapping[str, Offset] | None = None,
    ) -> Cut:
        """A skirt from height `top` (metres), tight down to `free`; its hem by kind and `wear.length`. Returns its shape."""
        H, hip, length = self.H, self.hip, self.wear.length
        ankle = 0.085 * H
        hem = {
            "pleated": hip - (0.082 + 0.080 * length) * H,
            "flared": hip - (0.085 + 0.085 * length) * H,
            "tight": hip - (0.130 + 0.080 * length) * H,
            "midi": hip - (0.20 + 0.07 * length) * H,
            "long": max(ankle, hip - (0.32 + 0.08 * length) * H),
        }[kind]
        shape = {
            "pleated": Cut(top, hem, 0.062, pleats=16, grow=grow, free=free, around=around),
            "flared": Cut(top, hem, 0.076, folds=9, grow=grow, free=free, around=around),
            "tight": Cut(top, hem, 0.0, grow=min(grow, 0.010), free=free, around=around),
            "midi": Cut(top, hem, 0.085, folds=8, grow=grow, free=free, around=around),
            "long": Cut(top, hem, 0.085, folds=7, grow=grow, free=free, around=around),
        }[kind]
        checks = self.cloth.accent if self.wear.pattern == "checks" and kind == "pleated" else None
        if self.wear.pattern == "band" and not bands:
            bands = [(0.012, 0.022, self.cloth.accent)]
        self.add(skirt(self.figure, shape, colour, bands=bands or [], checks=checks))
        self.feet(hem)
        return shape

    def under(self, hem: float, colour: Colour | None = None, *, stripe: Colour | None = None) -> None:
        """Whatever `wear.bottom` says, worn under a top that ends at height `hem` (metres)."""
        colour = colour or self.cloth.second
        if self.wear.bottom in SKIRTS:
            self.skirt(colour, self.wear.bottom, hem + 0.035 * self.H, free=hem - 0.002 * self.H, grow=0.009)
        else:
            self.trousers(colour, self.wear.bottom, hem + 0.03 * self.H, stripe=stripe)

    def over(self, waist: float, around: Mapping[str, Offset], colour: Colour | None = None) -> None:
        """Whatever `wear.bottom` says, with the top (whose shells are `around`) tucked into it at height `waist` (metres)."""
        colour = colour or self.cloth.second
        if self.wear.bottom in SKIRTS:
            grown = thicker(around, 0.003, ("torso", "bust"))
            self.skirt(colour, self.wear.bottom, waist, around=grown)
        else:
            self.trousers(colour, self.wear.bottom, waist, over=True)

    def feet(self, hem: float, covered: bool = False) -> None:
        """Socks and shoes below a hem at height `hem` (metres); `covered` legs are hidden by the garment above it."""
        H, figure, cloth, wear = self.H, self.figure, self.cloth, self.wear
        knee = figure.joints["LeftLeg"][2]
        boots = {"boot": 0.10, "long boot": 0.21, "hightop": 0.07}.get(wear.shoes, 0.0) * H
        bare_foot = wear.shoes in ("sandal", "zori")
        top = {
            "none": 0.0,
            "ankle": 0.115 * H,
            "loose": 0.17 * H,
            "knee": knee - 0.045 * H,
            "over": knee + 0.085 * H,
            "tights": self.hip - 0.07 * H,
        }[wear.legwear]
        top = max(top, 0.04 * H)
        if wear.legwear != "none":
            under = min(top, hem + 0.05 * H)
            if under > boots + 0.02 * H:
                if wear.legwear == "loose":
                    self.add(*loose_socks(figure, cloth.sock))
                else:
                    bands = (
                        [(0.012, 0.020, cloth.accent)] if wear.pattern == "stripes" and wear.legwear in ("knee", "over", "ankle") else None
                    )
                    low = max(boots - 0.01 * H, (0.06 if bare_foot else 0.018) * H)
                    self.add(*socks(figure, cloth.sock, under, bands=bands, low=low / H))
        if bare_foot:
            stocking = wear.legwear != "none"
            self.add(
                *bare_feet(figure, cloth.sock if stocking else cloth.skin, grow=0.0022 if stocking else 0.0, split_toe=wear.shoes == "zori")
            )
        self.add(*shoes(figure, wear.shoes, cloth.shoe, cloth.sole, cloth.mark))
        low = max(top - 0.02 * H if wear.legwear != "none" else 0.0, boots, (0.068 if bare_foot else 0.02) * H)
        high = hem + (0.022 if covered else 0.055) * H
        self.legs = (low, high) if high > low + 0.01 * H else None

    def skin(self, p: Array) -> Array:
        """≥ 0 where the body's skin is to be kept."""
        figure, H, neck = self.figure, self.H, self.neck
        x = np.abs(p[:, 0])
        throat = np.minimum(p[:, 2] - (neck[2] - self.chest * H), self.wide * H - x)
        inside = figure.along_arm(self.sleeve) - 0.02 if self.sleeve > 0 else figure.joints["LeftArm"][0] - 0.05 * H
        arm = np.minimum(x - inside, figure.along_arm(2.0) + 0.004 - x)
        arm = np.where(p[:, 2] > figure.joints["LeftUpLeg"][2], arm, -1.0)
        result = np.maximum(throat, arm)
        if self.legs is not None:
            result = np.maximum(result, np.minimum(p[:, 2] - self.legs[0], self.legs[1] - p[:, 2]))
        return result


def flare(base: float, extra: float, low: float = 0.12, high: float = 0.55) -> Callable[[Array], Array]:
    """An offset of the torso that grows towards the hem."""
    return lambda t: base + extra * (1 - smoothstep(t, low, high))


def tucked(figure: Figure, base: float, waist: float = 0.20) -> Callable[[Array], Array]:
    """An offset of the torso for a top that is tucked in at height `waist` (between hips and neck): fuller just above, tight below."""
    at = figure.along_torso(figure.z(waist))
    return lambda t: base + 0.0045 * np.exp(-(((t - at - 0.075) / 0.05) ** 2)) - 0.0015 * (1 - smoothstep(t, at - 0.02, at + 0.02))


def puff(base: float, extra: float, end: float) -> Callable[[Array], Array]:
    """An offset of the upper arm that swells and is gathered at `end`."""
    return lambda t: base + extra * np.sin(np.pi * np.clip(t / end, 0, 1)) ** 0.7


def in_front(figure: Figure, margin: float = 0.02) -> Region:
    """The trunk's front."""
    return lambda p: figure.facing(p) - margin
