# SPDX-License-Identifier: GPL-3.0-or-later
"""Shoes and what legs wear beneath the hem: socks, stockings, boots."""

from __future__ import annotations

import numpy as np

from ..palette import Colour
from .fields import surface
from .mesh import Array, Mesh, Part, clip, loft, merge, outward, smoothstep
from .tailor import Figure, Garment, Offset, across, height, within
from .trimmings import strokes

WHITE, RUBBER = Colour.of("FFFFFF", "C9D3EA"), Colour.of("F2EFE8", "C4C6D6")


def foot_mesh(figure: Figure, offsets: dict[str, Offset], top: float) -> Mesh:
    """A shell around both feet (and shins), up to height `top` (metres)."""
    return surface(
        figure.grown(offsets),
        (0.0076 if figure.fine else 0.0125 * figure.coarser) * figure.H,
        cut=lambda p: np.maximum(0.0005 - p[:, 2], 0.002 * figure.H - p[:, 0]),
        within=((0, -9, -0.05), (9, 9, top + 0.03 * figure.H)),
        stretch=(None, None, figure.stretch()[2]),
    )


def _opening(figure: Figure, heel: float, instep: float, slope: float = 1.2) -> tuple:
    """A region below a shoe's opening: `heel` and `instep` are heights (fractions) behind and before the ankle."""
    H, ankle = figure.H, figure.joints["LeftFoot"][1]

    def keep(p: Array) -> Array:
        ahead = smoothstep(ankle - p[:, 1], 0.0, 0.055 * H)
        return (heel * (1 - ahead) + instep * ahead) * H + slope * np.maximum(ankle - 0.055 * H - p[:, 1], 0) - p[:, 2]

    return (keep,)


def _plan(figure: Figure, grow: float, first: float = 0.0, last: float = 1.0) -> Array:
    """(K, 2) outline of the left foot seen from above, from `first` to `last` along heel to toe, `grow` (fraction) wider."""
    foot = figure.tubes["foot"]
    count = 8 if figure.fine else 6
    t = first + (last - first) * (0.5 - 0.5 * np.cos(np.linspace(0.12, np.pi - 0.12, count)))
    half = np.interp(t, np.linspace(0, 1, len(foot.rx)), foot.rx) + grow * figure.H
    y = foot.start[1] + (foot.end[1] - foot.start[1]) * t
    x = foot.start[0]
    inner, outer = 0.92, 1.04
    side = np.concatenate([np.column_stack([x + outer * half, y]), np.column_stack([x - inner * half, y])[::-1]])
    reach = (grow + 0.010) * figure.H
    tips = []
    if last == 1.0:
        tips.append((count, [(x + 0.004 * figure.H, y[-1] - reach)]))
    if first == 0.0:
        tips.append((0, [(x, y[0] + reach)]))
    for place, points in tips:
        side = np.insert(side, place, points, axis=0)
    return side


def sole(figure: Figure, low: float, high: float, *, grow: float = 0.004, first: float = 0.0, last: float = 1.0) -> Mesh:
    """A pair of soles (or heels) between two heights, fractions of the figure's."""
    plan = _plan(figure, grow, first, last)
    middle = plan.mean(0)
    H = figure.H
    rings = []
    for shrink, z in ((0.93, low), (1.0, low + 0.3 * (high - low)), (1.0, high), (0.90, high + 0.0005)):
        rings.append(np.column_stack([middle + (plan - middle) * shrink, np.full(len(plan), z * H)]))
    v, f = loft(np.array(rings), caps=True)
    f = outward(v, f)
    return merge([(v, f), (v * (-1, 1, 1), outward(v * (-1, 1, 1), f))])


def shoes(figure: Figure, kind: str, upper: Colour, second: Colour, mark: Colour) -> list[Part]:
    """A pair of shoes: "loafer", "maryjane", "sneaker", "hightop", "boot", "long boot", "sandal", "zori" or "pump". KeyError for others.

    `second` is the colour of soles and caps, `mark` of stripes and heels on sneakers.
    """
    H, ankle = figure.H, figure.joints["LeftFoot"]
    toe = figure.tubes["foot"].end[1]
    dark = upper.shaded
    parts: list[Part] = []

    def shell(offsets: dict[str, Offset], top: float) -> Garment:
        # What the sole hides is left out.
        mesh = foot_mesh(figure, offsets, top * H)
        return Garment(figure, clip(mesh, mesh[0][:, 2] - 0.006 * H), upper)

    def add_sole(low: float, high: float, colour: Colour, **options: float) -> None:
        parts.append(figure.part(sole(figure, low, high, **options), colour))

    def laces(part: Part, offsets: dict[str, Offset], levels: tuple[float, ...], colour: Colour) -> None:
        """Short bars across the instep at heights `levels` (fractions)."""
        x = np.array([-0.0115, 0.0, 0.0115]) * H + figure.tubes["foot"].start[0]
        rows = [figure.front(offsets, x, np.full(3, level * H)) for level in levels]
        drawn = strokes(figure, part, [row * (side, 1, 1) for row in rows for side in (1, -1)], 0.0045, colour, taper=False)
        if drawn is not None:
            parts.append(drawn)

    if kind == "loafer":
        g = shell({"foot": 0.0045}, 0.055).cut(*_opening(figure, 0.050, 0.034))
        g.paint(dark, *within(lambda p: ankle[1] - p[:, 1], 0.060 * H, 0.072 * H), where=lambda c: c[:, 2] > 0.02 * H)
        parts.append(g.part())
        add_sole(0.0, 0.009, second)
        add_sole(0.0, 0.013, second, grow=0.003, last=0.30)
    elif kind == "maryjane":
        g = shell({"foot": 0.0042}, 0.05).cut(*_opening(figure, 0.044, 0.022, 0.9))
        parts.append(g.part())
        strap = Garment(figure, foot_mesh(figure, {"foot": 0.0055}, 0.055 * H), upper)
        strap.cut(*within(lambda p: ankle[1] - p[:, 1] + 0.35 * p[:, 2], 0.036 * H, 0.047 * H), lambda p: p[:, 2] - 0.012 * H)
        parts.append(strap.part(rim=0.003))
        add_sole(0.0, 0.009, second)
        add_sole(0.0, 0.016, second, grow=0.003, last=0.32)
    elif kind in ("sneaker", "hightop"):
        tall = kind == "hightop"
        offsets: dict[str, Offset] = {"foot": 0.0068}
        if tall:
            offsets["shin"] = 0.0125
        g = shell(offsets, 0.085 if tall else 0.06)
        g.cut(*(within(height, -1.0, 0.080 * H) if tall else _opening(figure, 0.056, 0.044)))
        g.paint(second, lambda p: (toe + 0.026 * H) - p[:, 1], lambda p: (0.040 if tall else 0.030) * H - p[:, 2])
        heel = figure.tubes["foot"].start[1]
        g.paint(mark, lambda p: p[:, 1] - heel + 0.012 * H, lambda p: (0.075 if tall else 0.048) * H - p[:, 2])
        # A stripe on the outer side (a round badge on a high shoe).
        outside = lambda c: across(c) > ankle[0] + 0.006 * H  # noqa: E731
        if tall:
            badge = lambda p: 0.012 * H - np.hypot(p[:, 1] - ankle[1] + 0.002 * H, p[:, 2] - 0.058 * H)  # noqa: E731
            g.paint(mark, badge, where=outside)
        else:
            slant = lambda p: ankle[1] - p[:, 1] + 0.8 * p[:, 2]  # noqa: E731
            for start in (0.046, 0.066):
                g.paint(mark, *within(slant, start * H, (start + 0.010) * H), where=outside)
        part = g.part(rim=0.005)
        parts.append(part)
        laces(part, offsets, (0.036, 0.044, 0.054, 0.064) if tall else (0.033, 0.039, 0.045), WHITE)
        add_sole(0.0, 0.0155, RUBBER, grow=0.0065)
    elif kind in ("boot", "long boot"):
        top = 0.115 if kind == "boot" else 0.225
        shaft = lambda t: 0.012 + 0.006 * (1 - smoothstep(t, 0.2, 0.9))  # noqa: E731
        offsets = {"foot": 0.0062, "shin": shaft}
        g = shell(offsets, top).cut(lambda p: top * H - p[:, 2])
        g.paint(second if kind == "boot" else dark, lambda p: p[:, 2] - (top - 0.016) * H)
        part = g.part(rim=0.005)
        parts.append(part)
        if kind == "boot":
            laces(part, offsets, (0.044, 0.055, 0.067, 0.079, 0.091), second)
        add_sole(0.0, 0.010, dark, grow=0.0055)
        add_sole(0.0, 0.019, dark, grow=0.0050, last=0.34)
    elif kind == "pump":
        g = shell({"foot": 0.0036}, 0.045).cut(*_opening(figure, 0.040, 0.018, 0.7))
        parts.append(g.part())
        add_sole(0.0, 0.007, second, grow=0.0025)
        add_sole(0.0, 0.020, second, grow=0.001, last=0.26)
    elif kind in ("sandal", "zori"):
        add_sole(0.0, 0.012, second, grow=0.005)
        foot = Garment(figure, foot_mesh(figure, {"foot": 0.0050}, 0.06 * H), upper)
        strap = Garment(figure, foot.mesh, upper)
        if kind == "sandal":
            strap.cut(*within(lambda p: ankle[1] - p[:, 1] + 0.5 * p[:, 2], 0.070 * H, 0.090 * H), lambda p: p[:, 2] - 0.010 * H)
            parts.append(strap.part(rim=0.003))
            around = Garment(figure, foot_mesh(figure, {"foot": 0.0050, "shin": 0.0052}, 0.075 * H), upper)
            parts.append(around.cut(*within(height, 0.052 * H, 0.063 * H)).part(rim=0.003))
        else:
            x = figure.tubes["foot"].start[0]
            ahead = lambda p: ankle[1] - p[:, 1] - 0.022 * H - (0.034 * H - np.abs(across(p) - x) * 1.5)  # noqa: E731
            strap.cut(*within(ahead, 0.0, 0.011 * H), lambda p: p[:, 2] - 0.012 * H)
            parts.append(strap.part(rim=0.003))
    else:
        raise KeyError(kind)
    return parts


def bare_feet(figure: Figure, colour: Colour, *, grow: float = 0.0, split_toe: bool = False) -> list[Part]:
    """Feet without shoes (or in thin socks), up to the ankles; `split_toe` draws the gap of a tabi."""
    H = figure.H
    mesh = foot_mesh(figure, {"foot": grow, "shin": grow}, 0.075 * H)
    part = Garment(figure, mesh, colour).cut(lambda p: 0.075 * H - p[:, 2], lambda p: p[:, 2] - 0.004 * H).part(rim=0)
    x, toe = figure.tubes["foot"].start[0], figure.tubes["foot"].end[1]
    gaps = (-0.008,) if split_toe else (-0.009, -0.001, 0.006, 0.012)
    paths = []
    for side in (1, -1):
        for i, dx in enumerate(gaps):
            y = toe + (0.004 + 0.003 * i) * H
            paths.append(
                np.array(
                    [
                        (side * (x + dx * H), y - 0.018 * H, 0.008 * H),
                        (side * (x + dx * H), y, 0.016 * H),
                        (side * (x + dx * H), y + 0.012 * H, 0.03 * H),
                    ]
                )
            )
    drawn = strokes(figure, part, paths, 0.0026, colour.shaded)
    return [part] + ([drawn] if drawn is not None else [])


def socks(
    figure: Figure, colour: Colour, top: float, *, bands: list[tuple[float, float, Colour]] | None = None, low: float = 0.018
) -> list[Part]:
    """Socks up to height `top` (metres); `bands` (from, to, colour) are fractions of the height below their edge."""
    H = figure.H
    offsets: dict[str, Offset] = {"shin": 0.0026, "foot": 0.0015}
    if top > figure.joints["LeftLeg"][2] - 0.02:
        offsets = {"thigh": 0.0022, **offsets}
    g = figure.garment(offsets, colour, gap=0.001, below=top).cut(*within(height, low * H, top))
    for first, last, band in bands or []:
        g.paint(band, *within(height, top - last * H, top - first * H))
    return [g.part(rim=0.002)]


def loose_socks(figure: Figure, colour: Colour) -> list[Part]:
    """Wide socks in soft rolls above the shoes."""

    def roll(t: Array) -> Array:
        return 0.006 + 0.011 * smoothstep(t, 0.55, 0.95) * (0.6 + 0.4 * np.sin(26 * t))

    top = 0.17 * figure.H
    g = figure.garment({"shin": roll, "foot": 0.002}, colour, gap=0.001, below=top).cut(*within(height, 0.040 * figure.H, top))
    return [g.part(rim=0.004)]
