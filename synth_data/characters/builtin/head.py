# SPDX-License-Identifier: GPL-3.0-or-later
"""Skull, ears and the pieces of the face: flat-coloured patches that float a few millimetres before the skull."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..palette import Colour
from .fields import monotone_cubic
from .mesh import Array, Part, loft, merge, outward, painted, smoothstep

_Z = np.array([0, 0.03, 0.07, 0.13, 0.20, 0.28, 0.38, 0.50, 0.62, 0.74, 0.85, 0.93, 0.98, 1.0])
_HALF = np.array([0.040, 0.092, 0.158, 0.238, 0.305, 0.350, 0.372, 0.382, 0.385, 0.368, 0.308, 0.222, 0.120, 0.010])
_FRONT = np.array([0.325, 0.360, 0.375, 0.385, 0.385, 0.385, 0.378, 0.395, 0.405, 0.385, 0.320, 0.235, 0.130, 0.010])
_BACK = np.array([-0.24, -0.17, -0.10, -0.01, 0.09, 0.21, 0.33, 0.40, 0.425, 0.405, 0.340, 0.250, 0.140, 0.010])
# A lifelike head: narrower, a fuller jaw, the nose higher up.
_HUMAN_HALF = np.array([0.070, 0.130, 0.185, 0.232, 0.262, 0.285, 0.303, 0.322, 0.328, 0.312, 0.262, 0.188, 0.100, 0.010])
_HUMAN_FRONT = np.array([0.350, 0.378, 0.386, 0.384, 0.384, 0.386, 0.386, 0.396, 0.408, 0.390, 0.330, 0.240, 0.132, 0.010])
_DENSE = np.linspace(0, 1, 201)


@dataclass(frozen=True)
class FaceStyle:
    """Sizes in heads (chin to crown = 1)."""

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
    lashes: float = 1.0
    lip: float = 1.0
    sclera: str = "FFFFFF"
    nose_stroke: bool = True


@dataclass(frozen=True)
class Expression:
    """What a shape key changes: per side (left, right) blink and smile, opening of the jaw, lift of the brows."""

    blink: tuple[float, float] = (0.0, 0.0)
    smile: tuple[float, float] = (0.0, 0.0)
    jaw: float = 0.0
    brow: float = 0.0


# ARKit's names.
EXPRESSIONS = {
    "eyeBlinkLeft": Expression(blink=(1.0, 0.0)),
    "eyeBlinkRight": Expression(blink=(0.0, 1.0)),
    "jawOpen": Expression(jaw=1.0),
    "mouthSmileLeft": Expression(smile=(1.0, 0.0)),
    "mouthSmileRight": Expression(smile=(0.0, 1.0)),
    "browInnerUp": Expression(brow=1.0),
}


@dataclass(frozen=True)
class Skull:
    """The head's shape. `size` is chin to crown in metres, `origin` the world position of the section's centre at the chin's height.

    `human` chooses a lifelike shape (for the filmed figure) instead of anime's.
    """

    size: float
    origin: Array
    jaw: float = 1.0
    human: bool = False
    tables: dict[str, Array] = field(init=False)

    def __post_init__(self) -> None:
        wide = np.where(_Z < 0.25, self.jaw, 1.0)
        half, front = (_HUMAN_HALF, _HUMAN_FRONT) if self.human else (_HALF, _FRONT)
        tables = {"half": half * wide, "front": front, "back": _BACK}
        object.__setattr__(self, "tables", {k: monotone_cubic(_Z, v, _DENSE) for k, v in tables.items()})

    def at(self, name: str, z: Array) -> Array:
        return np.interp(z, _DENSE, self.tables[name])

    def section(self, azimuth: Array, z: Array, offset: Array | float = 0.0) -> Array:
        """World points; azimuth 0 is the front, +π/2 the left; `z` in heads from the chin; `offset` outward in heads."""
        azimuth, z, offset = np.broadcast_arrays(azimuth, z, offset)
        c, s = np.cos(azimuth), np.sin(azimuth)
        # The crown's rings shrink to a point: an offset there moves up instead of out.
        half, front, back = self.at("half", z), self.at("front", z), self.at("back", z)
        power = np.where(c > 0, 2.35, 2.0)
        scale = (np.abs(s) ** power + np.abs(c) ** power) ** (-1.0 / power)
        depth = np.where(c > 0, front, back)
        slope = np.clip((z - 0.5) / 0.5, 0, 1)
        rise = slope**2
        grow = offset * np.sqrt(np.maximum(1 - rise**2, 0.0))
        x = (half + grow) * scale * s
        y = -(depth + grow) * scale * c
        return self.origin + self.size * np.stack([x, y, z + offset * rise], axis=-1)

    def face(self, x: Array, z: Array, offset: Array | float = 0.0) -> Array:
        """World points on the face at x, z (heads), `offset` heads in front of it."""
        x, z, offset = np.broadcast_arrays(np.asarray(x, float), np.asarray(z, float), offset)
        half, front = self.at("half", z), self.at("front", z)
        inside = np.maximum(1 - np.minimum(np.abs(x / half), 0.98) ** 2.35, 0.0)
        y = front * inside ** (1 / 2.35) + self.bump(x, z)
        # Offsets follow the face's normal near its sides, or the outer corners of the eyes would sink in.
        sideways = np.clip(x / half, -0.98, 0.98)
        return self.origin + self.size * np.stack([x + offset * 0.6 * sideways, -y - offset, z], axis=-1)

    def bump(self, x: Array, z: Array) -> Array:
        """The nose."""
        if self.human:
            return 0.085 * np.exp(-((x / 0.046) ** 2) - ((z - 0.315) / np.where(z > 0.315, 0.135, 0.030)) ** 2)
        return 0.040 * np.exp(-((x / 0.033) ** 2) - ((z - 0.255) / np.where(z > 0.255, 0.060, 0.028)) ** 2)


def skull_mesh(skull: Skull, rows: int = 30, columns: int = 44) -> tuple[Array, Array]:
    """The skull as a closed loft, denser around the face."""
    z = np.linspace(0, 1, rows)
    z = z - 0.035 * np.sin(2 * np.pi * z)
    angle = np.arange(columns) * 2 * np.pi / columns
    angle = angle - 0.25 * np.sin(angle)
    points = skull.section(angle[None], z[:, None])
    local = (points - skull.origin) / skull.size
    facing = np.abs(angle) < np.pi / 2
    facing |= np.abs(angle - 2 * np.pi) < np.pi / 2
    points[..., 1] -= skull.size * np.where(facing[None], skull.bump(local[..., 0], local[..., 2]), 0.0)
    return loft(points, caps=True)


def ear_mesh(skull: Skull) -> tuple[Array, Array]:
    """Two flattened ellipsoids."""
    theta, phi = np.linspace(0.15, np.pi - 0.15, 7)[:, None], np.arange(10)[None] * 2 * np.pi / 10
    shape = np.stack([0.030 * np.sin(theta) * np.cos(phi), 0.055 * np.sin(theta) * np.sin(phi), 0.085 * np.cos(theta) + 0 * phi], axis=-1)
    ears = []
    for side in (1, -1):
        points = shape * (side, 1, 1)
        points[..., 0] += side * 0.378
        points[..., 1] += 0.015
        points[..., 2] += 0.355
        ears.append(loft(skull.origin + skull.size * points, caps=True))
    return merge([(v, outward(v, f)) for v, f in ears])


@dataclass(frozen=True)
class FaceColours:
    skin: Colour
    iris: Colour
    lash: Colour
    brow: Colour


Patch = tuple[Array, Array, Array]


def _strip(x: Array, low: Array, high: Array, depth: float, rows: int = 2) -> Patch:
    """(x, z, offset) grids of a strip between two curves."""
    v = np.linspace(0, 1, rows)[:, None]
    return np.broadcast_to(x, (rows, len(x))).copy(), low * (1 - v) + high * v, np.full((rows, len(x)), depth)


def _lids(style: FaceStyle, u: Array, blink: float) -> tuple[Array, Array]:
    """Upper and lower lid above the eye's centre (heads) for u = −1 (inner corner)…1 (outer)."""
    eh = style.eye_height
    upper = 0.54 * eh * np.maximum(1 - np.abs(u + 0.06 * (1 - u**2)) ** 2.7, 0.0) ** 0.72 + style.tilt * u
    lower = -0.47 * eh * np.maximum(1 - np.abs(u) ** 2.5, 0.0) ** 0.62 + style.tilt * u
    closed = lower * 0.72 - 0.01
    return upper * (1 - blink) + closed * blink, lower * (1 - blink) + (closed - 0.004) * blink


def face_parts(skull: Skull, style: FaceStyle, colours: FaceColours, head: Array, state: Expression) -> list[Part]:
    """The face's pieces for one expression. Their topology does not depend on it. `head` (B,) are the head's weights."""
    parts: list[Part] = []
    black, eye_white = colours.lash, Colour.of(style.sclera, "DDE3F2")

    def add(patch: Patch, colour: Colour, mirror: int = 1, wrap: bool = False) -> Part:
        x, z, offset = patch
        points = skull.face(mirror * x, z, offset)
        vertices, faces = loft(points, wrap=wrap)
        normal = np.cross(vertices[faces[:, 2]] - vertices[faces[:, 0]], vertices[faces[:, 3]] - vertices[faces[:, 1]])
        if normal[:, 1].sum() > 0:
            faces = faces[:, ::-1]
        part = painted((vertices, faces), colour, head, flat=1.0, line=0.0, outlined=False)
        parts.append(part)
        return part

    def colour_rows(part: Part, rows: list[Colour], columns: int) -> None:
        part.base[:] = np.repeat([c.base for c in rows], columns, axis=0)
        part.shade[:] = np.repeat([c.shade for c in rows], columns, axis=0)

    u = np.linspace(-1, 1, 17)
    half_width = style.eye_width / 2
    for index, side in enumerate((1, -1)):
        blink = state.blink[index]
        upper, lower = _lids(style, u, blink)
        x = style.eye_x + u * half_width
        ez = style.eye_z
        white_part = add(_strip(x, ez + lower, ez + upper, 0.004, 5), eye_white, side)
        shadow = Colour.of("C9CCE6", "C9CCE6")
        colour_rows(white_part, [eye_white, eye_white, eye_white, eye_white.mixed(shadow, 0.35), shadow], 17)

        def clamped(px: Array, pz: Array, blink: float = blink) -> tuple[Array, Array]:
            """Keep points between the lids, so that a blink needs no mask."""
            up, low = _lids(style, np.clip((px - style.eye_x) / half_width, -1, 1), blink)
            return px, np.clip(pz, style.eye_z + low, style.eye_z + up)

        def disc(
            cx: float,
            cz: float,
            rx: float,
            rz: float,
            depth: float,
            shades: list[Colour],
            lit: Callable[[Array], Array] | None = None,
            clamped: Callable[[Array, Array], tuple[Array, Array]] = clamped,
            side: int = side,
        ) -> None:
            """An ellipse of rings; `shades` from the centre out."""
            angle = np.arange(24) * 2 * np.pi / 24
            radius = np.linspace(0.02, 1, len(shades))[:, None]
            px, pz = clamped(cx + radius * rx * np.sin(angle), cz + radius * rz * np.cos(angle))
            part = add((px, pz, np.full_like(px, depth)), shades[0], side, wrap=True)
            colour_rows(part, shades, 24)
            if lit is not None:
                height = ((pz - cz) / rz).reshape(-1)
                part.base[:] = lit(height)
                part.shade[:] = lit(height)

        iris_x, iris_z = style.eye_x - 0.012, style.eye_z + 0.002
        rx, rz = min(0.385 * style.eye_height, 0.40 * style.eye_width), 0.50 * style.eye_height
        hue = colours.iris.base
        disc(iris_x, iris_z, rx, rz, 0.006, [Colour(hue * 0.16, hue * 0.16)] * 2)

        def gradient(height: Array, hue: Array = hue) -> Array:
            """Dark under the lid, bright below."""
            t = smoothstep(height, -0.9, 0.75)[:, None]
            return (0.80 * hue + 0.20) * (1 - t) + 0.36 * hue * t

        disc(iris_x, iris_z, rx * 0.89, rz * 0.91, 0.008, [colours.iris] * 5, gradient)
        disc(iris_x, iris_z + 0.006, rx * 0.40, rz * 0.46, 0.010, [Colour(hue * 0.07, hue * 0.07)] * 2)
        glow = Colour(0.55 * hue + 0.45, 0.55 * hue + 0.45)
        disc(iris_x, iris_z - rz * 0.58, rx * 0.46, rz * 0.17, 0.011, [glow] * 2)
        # Highlights sit on the same side in both eyes, as from one window.
        pure = Colour.of("FFFFFF", "FFFFFF")
        disc(iris_x - side * rx * -0.40, iris_z + rz * 0.40, rx * 0.36, rz * 0.30, 0.013, [pure] * 2)
        disc(iris_x - side * rx * 0.42, iris_z - rz * 0.42, rx * 0.17, rz * 0.14, 0.013, [pure] * 2)

        # Upper lash: thick, with a wing outside; lower lash: a short line at the outer half; a crease above.
        wide = np.linspace(-1.04, 1.14, 19)
        up, low = _lids(style, np.clip(wide, -1, 1), blink)
        thick = style.eye_height * style.lashes * (0.075 + 0.115 * smoothstep(wide, -0.8, 0.7)) * (1 - smoothstep(wide, 0.86, 1.14)) + 0.003
        thick = thick * (1 - 0.35 * blink) * smoothstep(wide, -1.10, -0.80)
        wing = style.lashes * 0.022 * smoothstep(wide, 0.80, 1.14) * (1 - 1.6 * blink)
        lx = style.eye_x + wide * half_width
        add(_strip(lx, ez + up + wing - 0.006, ez + up + wing + thick, 0.016), black, side)
        line = np.linspace(-0.15, 0.93, 11)
        _, low = _lids(style, line, blink)
        taper = 0.010 * np.sin(np.pi * np.linspace(0.05, 0.97, 11)) * style.lashes + 0.0015
        add(_strip(style.eye_x + line * half_width, ez + low - taper, ez + low + 0.001, 0.014), black, side)
        line = np.linspace(-0.72, 0.86, 11)
        up, _ = _lids(style, line, 0.0)
        taper = 0.006 * np.sin(np.pi * np.linspace(0.0, 1.0, 11)) + 0.0006
        crease = ez + up + 0.215 * style.eye_height * (0.75 + 0.25 * line) * (1 - 0.5 * blink)
        add(
            _strip(style.eye_x + line * half_width, crease, crease + taper, 0.005),
            Colour(colours.skin.shade * 0.62, colours.skin.shade * 0.62),
            side,
        )

        # Brow.
        line = np.linspace(-0.82, 0.92, 11)
        arch = style.eye_z + 0.5 * style.eye_height + style.brow_lift + 0.020 * (1 - line**2) - style.brow_tilt * 0.03 * line
        arch = arch + state.brow * 0.045 * (0.75 - 0.45 * line)
        taper = 0.020 * (1 - smoothstep(line, 0.1, 1.0)) * smoothstep(line, -1.0, -0.7) + 0.004
        add(_strip(style.eye_x + line * half_width, arch - taper / 2, arch + taper / 2, 0.010), colours.brow, side)

        # Blush: melts into the skin at its rim.
        angle = np.arange(16) * 2 * np.pi / 16
        radius = np.linspace(0.02, 1, 4)[:, None]
        part = add(
            (0.225 + radius * 0.085 * np.sin(angle), 0.245 + radius * 0.036 * np.cos(angle), np.full((4, 16), 0.0035)),
            colours.skin,
            side,
            wrap=True,
        )
        rosy = Colour.of("F58A84", "F58A84")
        colour_rows(part, [colours.skin.mixed(rosy, a * style.blush) for a in (0.50, 0.42, 0.20, 0.0)], 16)

    # Mouth: the inside (dark), tongue and teeth between two lips' curves; a line along the upper lip.
    s = np.linspace(-1, 1, 15)
    smile = style.smile + 0.9 * np.where(s > 0, state.smile[0], state.smile[1])
    width = style.mouth_width * (1 + 0.18 * max(state.smile) - 0.12 * state.jaw)
    corner = 0.026 * smile * np.abs(s) ** 1.7
    opening = (style.open + (1 - style.open) * state.jaw) * 0.100 * np.maximum(1 - s**2, 0.0) ** 0.62
    top = style.mouth_z + corner - 0.006 * smile
    bottom = top - opening
    mx = s * width
    add(_strip(mx, bottom - 0.001, top, 0.006, 3), Colour.of("7A2F3A", "7A2F3A"))
    tongue = np.maximum(bottom, np.minimum(top, bottom + opening * 0.42 * np.maximum(1 - np.abs(s) ** 3, 0)))
    add(_strip(mx * 0.8, bottom + 0.001, tongue, 0.008), Colour.of("E8837F", "E8837F"))
    teeth = top - np.minimum(opening * 0.24, 0.02)
    add(_strip(mx * 0.86, teeth, top, 0.0085), Colour.of("FFFFFF", "FFFFFF"))
    lip = Colour(colours.skin.shade * 0.28, colours.skin.shade * 0.28)
    taper = style.lip * 0.0085 * np.maximum(1 - np.abs(s) ** 2.6, 0.0) + 0.003
    add(_strip(mx * 1.04, top - taper / 2, top + taper / 2, 0.0095), lip)
    if style.nose_stroke:
        # The nose: a short stroke of shade.
        line = np.linspace(0, 1, 5)
        add(
            _strip(0.004 + 0.014 * line, 0.238 - 0.004 * line, 0.249 - 0.002 * line, 0.004),
            Colour(colours.skin.shade * 0.85, colours.skin.shade * 0.85),
        )
    return parts
