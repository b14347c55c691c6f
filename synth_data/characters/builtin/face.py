# SPDX-License-Identifier: GPL-3.0-or-later
"""The face: flat-coloured patches that float a few millimetres before the skull, and the expressions that move them.

Sizes are in heads (chin to crown = 1), x to the character's left, z up from the chin.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np

from ..palette import Colour
from .head import Skull
from .mesh import Array, Part, join, loft, painted, smoothstep

WHITE = Colour.of("FFFFFF", "FFFFFF")
Pair = tuple[float, float]
_NONE: Pair = (0.0, 0.0)


@dataclass(frozen=True)
class Eye:
    """The lids' curves: how high they are in shares of the eye's height, where from the middle the upper one is highest (outward), how
    round they are (a small `round` and a large `power` are boxy); `tilt` raises the outer corner; `iris` is the size of the iris.
    """

    name: str = "soft"
    upper: float = 0.54
    peak: float = -0.06
    power: float = 2.7
    round: float = 0.72
    lower: float = 0.47
    low_power: float = 2.5
    low_round: float = 0.62
    tilt: float = 0.0
    iris: float = 1.0


EYES = {
    eye.name: eye
    for eye in (
        Eye(),
        Eye("round", 0.57, 0.0, 2.3, 0.56, 0.53, 2.2, 0.55, 0.0, 1.06),
        Eye("almond", 0.53, 0.08, 2.3, 0.86, 0.43, 2.2, 0.78, 0.012, 0.98),
        Eye("droopy", 0.52, -0.16, 2.5, 0.74, 0.47, 2.5, 0.55, -0.034, 1.02),
        Eye("sharp", 0.49, 0.16, 2.8, 0.76, 0.43, 2.5, 0.68, 0.022, 0.95),
        Eye("half-lidded", 0.30, -0.04, 4.2, 0.50, 0.47, 2.6, 0.60, -0.006, 1.0),
    )
}


@dataclass(frozen=True)
class Brow:
    """`thick` and `arch` in heads; `length` as a share of the eye's width; `angle` lowers the inner end (radians, about)."""

    name: str = "soft"
    thick: float = 0.020
    arch: float = 0.020
    length: float = 1.0
    angle: float = 0.0


BROWS = {
    brow.name: brow
    for brow in (
        Brow(),
        Brow("thin", 0.011, 0.024, 1.05),
        Brow("thick", 0.036, 0.014, 0.98, 0.10),
        Brow("short", 0.030, 0.010, 0.55),
        Brow("angled", 0.024, 0.008, 1.0, 0.20),
        Brow("worried", 0.018, 0.010, 0.95, -0.26),
    )
}


@dataclass(frozen=True)
class FaceStyle:
    """Sizes in heads (chin to crown = 1). `cat` bends the mouth like a cat's, `smirk` lifts one of its corners; `iris` says how irises are
    drawn: "plain", "ringed", with a lower "glow", "sparkle" or "slit"; `marks` are "freckles", "mole", "beauty spot" and "fang".
    """

    eye_x: float = 0.180
    eye_z: float = 0.395
    eye_width: float = 0.262
    eye_height: float = 0.215
    tilt: float = 0.010
    brow_lift: float = 0.085
    brow_tilt: float = 0.0
    mouth_z: float = 0.122
    mouth_width: float = 0.066
    smile: float = 0.6
    open: float = 0.0
    blush: float = 0.6
    jaw: float = 1.0
    width: float = 1.0
    lashes: float = 1.0
    lip: float = 1.0
    sclera: str = "FFFFFF"
    nose_stroke: bool = True
    eye: Eye = field(default_factory=Eye)
    brow: Brow = field(default_factory=Brow)
    iris: str = "plain"
    odd_eyes: bool = False
    cat: float = 0.0
    smirk: float = 0.0
    marks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Expression:
    """What a shape key changes, 0…1; pairs are the left and the right side."""

    blink: Pair = _NONE
    wide: Pair = _NONE
    squint: Pair = _NONE
    brow_down: Pair = _NONE
    brow_outer: Pair = _NONE
    brow_inner: float = 0.0
    smile: Pair = _NONE
    frown: Pair = _NONE
    cheek: Pair = _NONE
    jaw: float = 0.0
    pucker: float = 0.0
    funnel: float = 0.0


# ARKit's names, without the side, of what each side has for itself.
_SIDED = {
    "eyeBlink": "blink", "eyeWide": "wide", "eyeSquint": "squint", "browDown": "brow_down", "browOuterUp": "brow_outer",
    "mouthSmile": "smile", "mouthFrown": "frown", "cheekSquint": "cheek",
}  # fmt: skip
_MIDDLE = {"browInnerUp": "brow_inner", "jawOpen": "jaw", "mouthPucker": "pucker", "mouthFunnel": "funnel"}
EXPRESSIONS = {
    **{name + "Left": replace(Expression(), **{what: (1.0, 0.0)}) for name, what in _SIDED.items()},
    **{name + "Right": replace(Expression(), **{what: (0.0, 1.0)}) for name, what in _SIDED.items()},
    **{name: replace(Expression(), **{what: 1.0}) for name, what in _MIDDLE.items()},
}


@dataclass(frozen=True)
class FaceColours:
    """`iris` of the left and the right eye."""

    skin: Colour
    iris: tuple[Colour, Colour]
    lash: Colour
    brow: Colour

    @property
    def ink(self) -> Colour:
        """Of thin lines on the skin."""
        return Colour(self.skin.shade * 0.28, self.skin.shade * 0.28)


@dataclass(frozen=True)
class Patch:
    """A grid (R, C) of points x, z on the face, `offset` before it (heads); a colour a row, or (R·C, 3) `lit` colours."""

    x: Array
    z: Array
    offset: float
    colours: Sequence[Colour]
    wrap: bool = False
    lit: Array | None = None


def _strip(x: Array, low: Array, high: Array, offset: float, colour: Colour | Sequence[Colour], rows: int = 2) -> Patch:
    """A strip between two curves (C,)."""
    v = np.linspace(0, 1, rows)[:, None]
    colours = [colour] * rows if isinstance(colour, Colour) else colour
    return Patch(np.broadcast_to(x, (rows, len(x))), low * (1 - v) + high * v, offset, colours)


def _disc(
    x: float, z: float, rx: float, rz: float, offset: float, colours: Sequence[Colour], sides: int = 16, inner: float = 0.02
) -> Patch:
    """An ellipse of rings; `colours` from the centre out."""
    angle = np.arange(sides) * 2 * np.pi / sides
    radius = np.linspace(inner, 1, len(colours))[:, None]
    return Patch(x + radius * rx * np.sin(angle), z + radius * rz * np.cos(angle), offset, colours, wrap=True)


@dataclass(frozen=True)
class _Side:
    """An expression at one side."""

    blink: float
    wide: float
    squint: float
    brow_down: float
    brow_outer: float
    brow_inner: float
    cheek: float

    @staticmethod
    def of(state: Expression, index: int) -> _Side:
        values = {f.name: getattr(state, f.name) for f in fields(_Side)}
        return _Side(**{name: value[index] if isinstance(value, tuple) else value for name, value in values.items()})


def _lids(style: FaceStyle, u: Array, side: _Side) -> tuple[Array, Array]:
    """Upper and lower lid above the eye's centre (heads) for u = −1 (inner corner)…1 (outer)."""
    eye, height = style.eye, style.eye_height
    tilt = (style.tilt + eye.tilt) * u
    highest = eye.upper * (1 + 0.20 * side.wide - 0.16 * side.squint)
    lowest = eye.lower * (1 + 0.10 * side.wide - 0.42 * side.squint - 0.24 * side.cheek)
    upper = highest * height * np.maximum(1 - np.abs(u - eye.peak * (1 - u**2)) ** eye.power, 0.0) ** eye.round + tilt
    lower = -lowest * height * np.maximum(1 - np.abs(u) ** eye.low_power, 0.0) ** eye.low_round + tilt
    closed = -0.72 * eye.lower * height * np.maximum(1 - np.abs(u) ** eye.low_power, 0.0) ** eye.low_round + 0.72 * tilt - 0.01
    return upper * (1 - side.blink) + closed * side.blink, lower * (1 - side.blink) + (closed - 0.004) * side.blink


def _eye(style: FaceStyle, colours: FaceColours, index: int, side: _Side, fine: bool) -> Iterator[Patch]:
    """One eye with its lashes. The patches' sizes do not depend on the expression."""
    mirror = 1 - 2 * index
    half_width, columns, around = style.eye_width / 2, (17 if fine else 13), (24 if fine else 16)
    u = np.linspace(-1, 1, columns)
    upper, lower = _lids(style, u, side)
    ex, ez = style.eye_x, style.eye_z
    eye_white, shadow = Colour.of(style.sclera, "DDE3F2"), Colour.of("C9CCE6", "C9CCE6")
    yield _strip(
        ex + u * half_width, ez + lower, ez + upper, 0.004, [eye_white, eye_white, eye_white, eye_white.mixed(shadow, 0.35), shadow], 5
    )

    def clamped(patch: Patch) -> Patch:
        """Kept between the lids, so that a blink needs no mask."""
        up, low = _lids(style, np.clip((patch.x - ex) / half_width, -1, 1), side)
        return Patch(patch.x, np.clip(patch.z, ez + low, ez + up), patch.offset, patch.colours, patch.wrap, patch.lit)

    def disc(x: float, z: float, wide: float, tall: float, offset: float, shades: Sequence[Colour], inner: float = 0.02) -> Patch:
        return clamped(_disc(x, z, rx * wide, rz * tall, offset, shades, around, inner))

    x, z = ex - 0.012, ez + 0.002
    rx = min(0.385 * style.eye_height, 0.40 * style.eye_width) * style.eye.iris
    rz = 0.50 * style.eye_height * style.eye.iris
    hue = colours.iris[index].base
    dark, glow = Colour(hue * 0.07, hue * 0.07), Colour(0.55 * hue + 0.45, 0.55 * hue + 0.45)
    yield disc(x, z, 1, 1, 0.006, [Colour(hue * 0.16, hue * 0.16)] * 2)
    iris = disc(x, z, 0.89, 0.91, 0.008, [colours.iris[index]] * 5)
    # Dark under the lid, bright below.
    t = smoothstep(((iris.z - z) / (0.91 * rz)).reshape(-1), -0.9, 0.75)[:, None]
    yield Patch(iris.x, iris.z, iris.offset, iris.colours, True, (0.80 * hue + 0.20) * (1 - t) + 0.36 * hue * t)
    if style.iris == "ringed":
        bright = Colour(0.75 * hue + 0.25, 0.75 * hue + 0.25)
        yield disc(x, z, 0.72, 0.74, 0.0092, [bright] * 2, 0.80)
    pupil = {"slit": (0.15, 0.66), "sparkle": (0.32, 0.38)}.get(style.iris, (0.40, 0.46))
    yield disc(x, z + 0.006, *pupil, 0.010, [dark] * 2)
    low, wide, tall = (0.50, 0.66, 0.30) if style.iris == "glow" else (0.58, 0.46, 0.17)
    yield disc(x, z - rz * low, wide, tall, 0.011, [glow] * 2)
    # Highlights sit on the same side in both eyes, as from one window.
    for across, up, size_x, size_z in ((-0.40, 0.40, 0.36, 0.30), (0.42, -0.42, 0.17, 0.14)):
        yield disc(x - mirror * rx * across, z + rz * up, size_x, size_z, 0.013, [WHITE] * 2)
    if style.iris == "sparkle":
        for across, up, size in ((-0.40, -0.30, 0.11), (0.10, -0.66, 0.10)):
            yield disc(x - mirror * rx * across, z + rz * up, size, size, 0.013, [WHITE] * 2)

    # Upper lash: thick, with a wing outside; lower lash: a short line at the outer half; a crease above.
    line = np.linspace(-1.04, 1.14, columns + 2)
    up, _ = _lids(style, np.clip(line, -1, 1), side)
    thick = style.eye_height * style.lashes * (0.075 + 0.115 * smoothstep(line, -0.8, 0.7)) * (1 - smoothstep(line, 0.86, 1.14)) + 0.003
    thick = thick * (1 - 0.35 * side.blink) * smoothstep(line, -1.10, -0.80)
    wing = style.lashes * 0.022 * smoothstep(line, 0.80, 1.14) * (1 - 1.6 * side.blink)
    yield _strip(ex + line * half_width, ez + up + wing - 0.006, ez + up + wing + thick, 0.016, colours.lash)
    line = np.linspace(-0.15, 0.93, 11 if fine else 7)
    _, low_lid = _lids(style, line, side)
    taper = 0.010 * np.sin(np.pi * np.linspace(0.05, 0.97, len(line))) * style.lashes + 0.0015
    yield _strip(ex + line * half_width, ez + low_lid - taper, ez + low_lid + 0.001, 0.014, colours.lash)
    line = np.linspace(-0.72, 0.86, 11 if fine else 7)
    up, _ = _lids(style, line, _Side(0, 0, 0, 0, 0, 0, 0))
    taper = 0.006 * np.sin(np.pi * np.linspace(0.0, 1.0, len(line))) + 0.0006
    crease = ez + up + 0.215 * style.eye_height * (0.75 + 0.25 * line) * (1 - 0.5 * side.blink + 0.3 * side.wide)
    fold = Colour(colours.skin.shade * 0.62, colours.skin.shade * 0.62)
    yield _strip(ex + line * half_width, crease, crease + taper, 0.005, fold)


def _brow(style: FaceStyle, colour: Colour, side: _Side, fine: bool) -> Patch:
    brow = style.brow
    line = np.linspace(-0.82, 0.92, 11 if fine else 8)
    across = 0.05 + (line - 0.05) * brow.length
    z = style.eye_z + 0.5 * style.eye_height + style.brow_lift + brow.arch * (1 - line**2)
    z = z - (style.brow_tilt * 0.03 - brow.angle * 0.10) * line
    inner, outer = smoothstep(-line, -0.6, 0.9), smoothstep(line, -0.6, 0.9)
    z = z + side.brow_inner * 0.045 * (0.2 + 0.8 * inner) + side.brow_outer * 0.042 * (0.15 + 0.85 * outer)
    z = z - side.brow_down * 0.042 * (0.45 + 0.75 * inner)
    taper = brow.thick * (1 - smoothstep(line, 0.1, 1.0)) * smoothstep(line, -1.0, -0.7) + 0.004
    return _strip(style.eye_x + across * style.eye_width / 2, z - taper / 2, z + taper / 2, 0.010, colour)


def _cheek(style: FaceStyle, skin: Colour, side: _Side) -> Patch:
    """Blush: melts into the skin at its rim."""
    rosy = Colour.of("F58A84", "F58A84")
    colours = [skin.mixed(rosy, a * style.blush) for a in (0.50, 0.42, 0.20, 0.0)]
    return _disc(0.225, 0.245 + 0.020 * side.cheek, 0.085, 0.036 * (1 + 0.3 * side.cheek), 0.0035, colours)


def _marks(style: FaceStyle, colours: FaceColours) -> Iterator[tuple[Patch, int]]:
    """What is painted on the skin, and at which side."""
    if "freckles" in style.marks:
        tan = Colour(colours.skin.shade * 0.72, colours.skin.shade * 0.72)
        for mirror in (1, -1):
            for x, z in ((0.150, 0.262), (0.188, 0.246), (0.222, 0.268), (0.255, 0.250), (0.110, 0.248)):
                yield _disc(x, z, 0.0085, 0.0075, 0.0045, [tan] * 2, 5), mirror
    spots = {"mole": (0.215, 0.262, 1), "beauty spot": (0.088, 0.082, -1)}
    for name, (x, z, mirror) in spots.items():
        if name in style.marks:
            yield _disc(x, z, 0.011, 0.011, 0.0050, [colours.ink] * 2, 8), mirror


def _mouth(style: FaceStyle, colours: FaceColours, state: Expression, fine: bool) -> Iterator[Patch]:
    """The inside (dark), tongue and teeth between two lips' curves; a line along the upper lip."""
    s = np.linspace(-1, 1, 15 if fine else 11)
    # The middle goes with both sides.
    left = np.clip(0.5 + 2 * s, 0, 1)

    def sides(pair: Pair) -> Array:
        return left * pair[0] + (1 - left) * pair[1]

    smile = style.smile + sides((style.smirk, -0.6 * style.smirk)) + 0.9 * sides(state.smile) - 1.5 * sides(state.frown)
    narrow = 0.12 * state.jaw + 0.46 * state.pucker + 0.36 * state.funnel - 0.18 * sides(state.smile)
    corner = 0.026 * smile * np.abs(s) ** 1.7 * (1 - 0.8 * max(state.pucker, state.funnel))
    gape = (style.open + (1 - style.open) * state.jaw) * 0.100 + 0.020 * state.pucker + 0.052 * state.funnel
    opening = gape * np.maximum(1 - s**2, 0.0) ** 0.62
    rise = 0.014 * state.funnel + 0.008 * state.pucker
    top = style.mouth_z + corner - 0.006 * smile - 0.020 * style.cat * np.abs(np.sin(np.pi * s)) ** 0.8 + rise * (1 - s**2)
    bottom = top - opening
    x = s * style.mouth_width * (1 - narrow)
    yield _strip(x, bottom - 0.001, top, 0.006, Colour.of("7A2F3A", "7A2F3A"), 3)
    tongue = np.maximum(bottom, np.minimum(top, bottom + opening * 0.42 * np.maximum(1 - np.abs(s) ** 3, 0)))
    yield _strip(x * 0.8, bottom + 0.001, tongue, 0.008, Colour.of("E8837F", "E8837F"))
    yield _strip(x * 0.86, top - np.minimum(opening * 0.24, 0.02), top, 0.0085, WHITE)
    taper = style.lip * 0.0085 * np.maximum(1 - np.abs(s) ** 2.6, 0.0) * (1 + 0.9 * state.pucker + 0.5 * state.funnel) + 0.003
    yield _strip(x * 1.04, top - taper / 2, top + taper / 2, 0.0095, colours.ink)
    if "fang" in style.marks:
        at = np.array([-0.62, -0.46, -0.30])
        edge = np.interp(at, s, top)
        yield _strip(np.interp(at, s, x), edge - np.array([0.0, 0.024, 0.0]), edge, 0.0105, WHITE)


def _patches(style: FaceStyle, colours: FaceColours, state: Expression, fine: bool) -> Iterator[tuple[Patch, int]]:
    """All patches, and the side (1 left, −1 right, whose x is mirrored)."""
    for index, mirror in enumerate((1, -1)):
        side = _Side.of(state, index)
        for patch in _eye(style, colours, index, side, fine):
            yield patch, mirror
        yield _brow(style, colours.brow, side, fine), mirror
        yield _cheek(style, colours.skin, side), mirror
    for patch in _mouth(style, colours, state, fine):
        yield patch, 1
    yield from _marks(style, colours)
    if style.nose_stroke:
        line = np.linspace(0, 1, 5)
        shade = Colour(colours.skin.shade * 0.72, colours.skin.shade * 0.72)
        yield _strip(0.002 + 0.018 * line, 0.234 - 0.004 * line, 0.249 - 0.003 * line, 0.004, shade), 1


def _placed(skull: Skull, patches: Sequence[tuple[Patch, int]]) -> Array:
    """(N, 3) world positions of all patches' points."""
    x = np.concatenate([mirror * patch.x.ravel() for patch, mirror in patches])
    z = np.concatenate([patch.z.ravel() for patch, _ in patches])
    return skull.face(x, z, np.concatenate([np.full(patch.x.size, patch.offset) for patch, _ in patches]))


def draw_face(skull: Skull, style: FaceStyle, colours: FaceColours, head: Array, fine: bool = True) -> tuple[Part, dict[str, Array]]:
    """The face at rest, and for each of EXPRESSIONS where its vertices are then, (N, 3). `head` (B,) are the head's weights."""
    rest = list(_patches(style, colours, Expression(), fine))
    points = _placed(skull, rest)
    parts, start = [], 0
    for patch, _ in rest:
        count = patch.x.size
        vertices, faces = loft(points[start : start + count].reshape(*patch.x.shape, 3), wrap=patch.wrap)
        start += count
        normal = np.cross(vertices[faces[:, 2]] - vertices[faces[:, 0]], vertices[faces[:, 3]] - vertices[faces[:, 1]])
        if normal[:, 1].sum() > 0:
            faces = faces[:, ::-1]
        part = painted((vertices, faces), patch.colours[0], head, flat=1.0, line=0.0, outlined=False)
        for name, attribute in (("base", part.base), ("shade", part.shade)):
            rows = np.repeat([getattr(colour, name) for colour in patch.colours], patch.x.shape[1], axis=0)
            attribute[:] = rows if patch.lit is None else patch.lit
        parts.append(part)
    shown = {name: _placed(skull, list(_patches(style, colours, state, fine))) for name, state in EXPRESSIONS.items()}
    return join(parts), shown
