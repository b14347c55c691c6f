# SPDX-License-Identifier: GPL-3.0-or-later
"""What is worn on the head: glasses, bands, pins, flowers, hats, headphones, animals' ears. Sizes in heads, heights from the chin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..palette import Colour
from .face import FaceStyle
from .hair import ribbon, ring, spline
from .head import Skull
from .mesh import Array, Mesh, Part, loft, merge, outward, painted, pair, smoothstep
from .outfits import Cloth
from .skeleton import ExtraBone
from .tailor import Figure
from .trimmings import box, button, cord

GOLD, PEARL, DARK, PINK = (Colour.of(c) for c in ("E8C15A", "F6F2EA", "33343F", "F2A9A9"))
FRAMES = tuple(Colour.of(c) for c in ("33343F", "7A2E36", "C9A24A", "5A3A30", "2F3F6B"))


@dataclass
class Wearer:
    """A head that is being dressed. `variant` 0…1 chooses among colours and sizes; `hair` is the hair's colour; `parts` are the result."""

    figure: Figure
    skull: Skull
    face: FaceStyle
    cloth: Cloth
    hair: Colour
    variant: float
    parts: list[Part] = field(default_factory=list)

    @property
    def size(self) -> float:
        return self.skull.size

    def at(self, *points: float) -> Array:
        """The world position of a point in heads."""
        return self.skull.origin + self.size * np.array(points)

    def on_hair(self, azimuth: float, z: float, offset: float = 0.115) -> tuple[Array, Array]:
        """A place on the hair and the direction (unit) away from the head there."""
        a, b = (self.skull.section(np.array(azimuth), np.array(z), offset + k) for k in (0.0, 0.05))
        return a, (b - a) / np.linalg.norm(b - a)

    def put(self, mesh: Mesh, colour: Colour, line: float = 0.7) -> Part:
        """Add a stiff thing that goes with the head; without a `line` it is drawn flat and without an outline."""
        part = painted(mesh, colour, self.figure.single("Head"), line=line, flat=float(line == 0), outlined=line > 0)
        self.parts.append(part)
        return part

    @property
    def bright(self) -> Colour:
        """The clothes' accent, or their second colour where it would be lost in the hair."""
        choices = (self.cloth.accent, self.cloth.main, self.cloth.second, self.cloth.trim)
        far = [float(np.abs(colour.base**0.45 - self.hair.base**0.45).sum()) for colour in choices]
        return choices[0] if far[0] > 0.5 else choices[int(np.argmax(far))]


# Glasses


def _frame(w: Wearer, outline: Callable[[Array], tuple[Array, Array]], thick: float, upper: bool = False) -> None:
    """Two rims of this outline (angle → across and up from the eye's middle), a bridge and temples."""
    count = 26 if w.figure.fine else 18
    angle = np.linspace(-0.12 * np.pi, 1.12 * np.pi, count) if upper else np.linspace(0, 2 * np.pi, count + 1)
    across, up = outline(angle)
    colour, x0, z0 = FRAMES[int(w.variant * 97) % len(FRAMES)], w.face.eye_x + 0.006, w.face.eye_z - 0.012

    def curved(x: Array, z: Array) -> Array:
        points = w.skull.face(x, np.full_like(x, z0 + 0.06), 0.052)
        points[:, 2] = w.skull.origin[2] + w.size * z
        return points

    radius, sides = thick * w.size, 6 if w.figure.fine else 4
    rim = _tube(curved(x0 + across, z0 + up), radius, sides)
    bridge_x = np.linspace(-1, 1, 5) * (x0 - across.max())
    bridge = _tube(curved(bridge_x, z0 + 0.035 + 0.018 * (1 - (bridge_x / bridge_x[0]) ** 2)), radius, sides)
    start = curved(np.array([x0 + across.max()]), np.array([z0 + 0.04]))[0]
    half = 0.388 + 0.38 * (w.face.width - 1)
    temple = _tube(spline([start, w.at(half + 0.012, -0.20, z0 + 0.04), w.at(half + 0.012, 0.06, z0 + 0.02)], 6), radius, sides)
    w.put(merge([pair(rim), pair(temple), bridge]), colour, 0.0)


def _tube(path: Array, radius: float, sides: int) -> Mesh:
    along = np.gradient(path, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    x = np.cross(along, (0.1, 1.0, 0.2))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    y = np.cross(along, x)
    a = np.arange(sides) * 2 * np.pi / sides
    return loft(path[:, None] + radius * (np.cos(a)[None, :, None] * x[:, None] + np.sin(a)[None, :, None] * y[:, None]), caps=True)


def round_glasses(w: Wearer) -> None:
    _frame(w, lambda a: (0.145 * np.cos(a), 0.140 * np.sin(a)), 0.0070)


def square_glasses(w: Wearer) -> None:
    def outline(a: Array) -> tuple[Array, Array]:
        c, s = np.cos(a), np.sin(a)
        return 0.150 * np.sign(c) * np.abs(c) ** 0.45, 0.108 * np.sign(s) * np.abs(s) ** 0.5

    _frame(w, outline, 0.0085)


def half_rim_glasses(w: Wearer) -> None:
    def outline(a: Array) -> tuple[Array, Array]:
        c, s = np.cos(a), np.sin(a)
        return 0.148 * np.sign(c) * np.abs(c) ** 0.6, -0.105 * np.sign(s) * np.abs(s) ** 0.6

    _frame(w, outline, 0.0085, upper=True)


def eyepatch(w: Wearer) -> None:
    """A white patch before the right eye, on a string."""
    angle, radius = np.arange(14) * 2 * np.pi / 14, np.linspace(0.05, 1, 3)[:, None]
    x = -w.face.eye_x + 0.145 * radius * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.7
    z = w.face.eye_z + 0.125 * radius * np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** 0.7
    vertices, faces = loft(w.skull.face(x, z, 0.034 - 0.006 * radius + 0 * x), caps=True)
    w.put((vertices, outward(vertices, faces)), PEARL, 0.55)
    for ends in (((-0.30, 0.47), (-0.365, 0.55)), ((-0.06, 0.48), (0.36, 0.66))):
        x, z = (np.linspace(ends[0][k], ends[1][k], 8) for k in (0, 1))
        w.put(_tube(w.skull.face(x, z, 0.012), 0.005 * w.size, 4), DARK, 0.0)


# Bands


def _over_head(
    w: Wearer, y: float, reach: float, width: float, thick: float, grow: float = 0.0, wave: Callable[[Array], Array] | None = None
) -> Mesh:
    """A band over the crown from ear to ear, `reach` radians to both sides."""
    t = np.linspace(-reach, reach, 33 if w.figure.fine else 21)
    rise = np.zeros_like(t) if wave is None else wave(t)
    rings = []
    for side, out in ((-0.5, 0.0), (0.5, 0.0), (0.5, 1.0), (-0.5, 1.0)):
        lift = grow + out * (thick + rise)
        rings.append(np.column_stack([(0.462 + lift) * np.sin(t), y + side * width + 0 * t, 0.50 + (0.572 + lift) * np.cos(t)]))
    points = w.skull.origin + w.size * np.moveaxis(np.array(rings), 0, 1)
    return loft(points, caps=True)


def hairband(w: Wearer) -> None:
    w.put(_over_head(w, -0.09, 1.5, 0.075, 0.022), w.bright)


def ribbon_band(w: Wearer) -> None:
    hairband(w)
    out = np.array([0.55, -0.75, 0.6])
    w.put(merge(ribbon(w.at(0.24, -0.12, 1.02), 0.20 * w.size, out)), w.bright)


def frill(w: Wearer) -> None:
    """A maid's headdress."""
    w.put(_over_head(w, -0.055, 1.05, 0.045, 0.115, wave=lambda t: 0.030 * np.abs(np.sin(11 * t)) - 0.05 * (t / 1.05) ** 4), PEARL)
    w.put(_over_head(w, -0.082, 1.35, 0.050, 0.026), w.bright)


def headphones(w: Wearer) -> None:
    colour = DARK if w.variant < 0.5 else PEARL
    w.put(_over_head(w, -0.02, 1.5, 0.085, 0.035, 0.012), colour)
    for d in (1, -1):
        for out, radius, shade in ((0.455, 0.135, colour), (0.500, 0.105, w.bright)):
            disc = button(np.zeros(3), radius, (float(d), 0, 0), 14)
            # A button is flat; a cushion is not.
            mesh = disc[0] * (8.0, 1, 1) + (d * out, -0.02, 0.40)
            w.put((w.skull.origin + w.size * mesh, disc[1]), shade)


# Small things


def pins(w: Wearer) -> None:
    """Two bars across the fringe, at the left."""
    for z, turn in ((0.70, 0.55), (0.645, 0.35)):
        at, out = w.on_hair(0.78, z, 0.120)
        side = np.cross(out, (0, 0, 1.0))
        side /= np.linalg.norm(side)
        up = np.cross(side, out)
        axes = np.stack([np.cos(turn) * side + np.sin(turn) * up, out, np.cos(turn) * up - np.sin(turn) * side], axis=-1)
        w.put(box(at, (0.062 * w.size, 0.010 * w.size, 0.013 * w.size), axes), w.bright, 0.5)


def flower(w: Wearer) -> None:
    """A flower at the left."""
    at, out = w.on_hair(1.0, 0.74, 0.135)
    side = np.cross(out, (0, 0, 1.0))
    side /= np.linalg.norm(side)
    up = np.cross(side, out)
    petals = []
    for k in range(5):
        a = 2 * np.pi * k / 5 + 0.3
        spoke = np.cos(a) * side + np.sin(a) * up
        petals.append(button(at + 0.060 * w.size * spoke, 0.050 * w.size, tuple(out + 0.35 * spoke), 8))
    colour = (w.bright, PEARL, PINK)[int(w.variant * 89) % 3]
    w.put(merge(petals), colour, 0.5)
    w.put(button(at + 0.016 * w.size * out, 0.030 * w.size, tuple(out), 8), GOLD, 0.4)


def bow(w: Wearer) -> None:
    """A big bow at the back of the crown, seen from the front, too."""
    w.put(merge(ribbon(w.at(0.0, 0.16, 1.03), 0.32 * w.size, np.array([0.0, -1.0, 0.35]))), w.bright)


def side_bow(w: Wearer) -> None:
    at, out = w.on_hair(1.05, 0.72, 0.13)
    w.put(merge(ribbon(at, 0.19 * w.size, out)), w.bright)


def earrings(w: Wearer) -> None:
    colour = (GOLD, PEARL, w.cloth.accent)[int(w.variant * 83) % 3]
    x = 0.400 + 0.38 * (w.face.width - 1)
    if w.variant < 0.5:
        mesh = button(w.at(x, 0.0, 0.262), 0.024 * w.size, (1.0, -0.3, 0), 8)
    else:
        mesh = ring(w.at(x, 0.0, 0.235), np.array([0.3, 1.0, 0.0]), 0.036 * w.size, 0.007 * w.size)
    w.put(pair(mesh), colour, 0.4)


# Hats


def _dome(w: Wearer, offset: float, front: float, back: float, puff: Callable[[Array], Array] | None = None) -> Array:
    """(R, C, 3) rings of a hat's crown, from its edge up; `puff` is what it is wider by, over 0 (edge) to 1 (top)."""
    columns, rows = (32, 11) if w.figure.fine else (22, 8)
    angle = np.arange(columns) * 2 * np.pi / columns
    line = (front + back) / 2 + (front - back) / 2 * np.cos(angle)
    t = np.linspace(0, 1, rows)[:, None]
    z = line + (0.995 - line) * np.sin(t * np.pi / 2)
    grow = offset + (puff(t) if puff is not None else 0.0)
    return w.skull.section(angle[None] + 0 * z, z, grow + 0 * z)


def _brim(w: Wearer, azimuth: Array, z: Array, inner: float, outer: Array, droop: float, wrap: bool) -> Mesh:
    """A stiff brim along azimuths (C,), from `inner` to `outer` (C,) heads out of the skull."""
    a = w.skull.section(azimuth, z, inner)
    out = np.column_stack([np.sin(azimuth), -np.cos(azimuth), np.full(len(azimuth), -droop)])
    b = a + w.size * (outer - inner)[:, None] * out
    thick = np.array([0, 0, 0.018 * w.size])
    rings = np.stack([a + thick, b + 0.5 * thick, b - 0.5 * thick, a - thick], axis=1)
    if wrap:
        mesh = loft(np.concatenate([rings, rings[:1]]))
        return mesh[0], outward(*mesh)
    return loft(rings, caps=True)


def beret(w: Wearer) -> None:
    rings = _dome(w, 0.115, 0.76, 0.66, lambda t: 0.15 * np.sin(np.pi * np.clip(t * 1.25, 0, 1)) ** 0.8)
    w.put(loft(_tilted(w, rings), caps=True), w.cloth.accent if w.variant < 0.6 else w.cloth.second)
    stalk = np.stack([w.at(0.0, 0.0, 1.08), w.at(0.0, 0.0, 1.16)])
    w.put(cord(_tilted(w, stalk), 0.016 * w.size, 5, 3), DARK, 0.5)


def _tilted(w: Wearer, points: Array, angle: float = 0.16) -> Array:
    """Turned about the crown, to the right."""
    c, s = np.cos(angle), np.sin(angle)
    centre = w.at(0.0, 0.0, 0.85)
    return (points - centre) @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]) + centre


def cap(w: Wearer) -> None:
    """A cap with a peak."""
    rings = _dome(w, 0.135, 0.735, 0.56)
    w.put(loft(rings, caps=True), w.cloth.main if w.variant < 0.5 else w.cloth.accent)
    azimuth = np.linspace(-0.95, 0.95, 13 if w.figure.fine else 9)
    outer = 0.10 + 0.36 * np.cos(azimuth * 1.45)
    z = 0.6475 + 0.0875 * np.cos(azimuth)
    w.put(_brim(w, azimuth, z, 0.10, np.maximum(outer, 0.11), 0.28, False), w.cloth.second)
    w.put(button(w.at(0, 0, 1.135), 0.03 * w.size, (0, 0, 1.0)), w.cloth.second, 0.4)


def beanie(w: Wearer) -> None:
    colour = w.cloth.accent if w.variant < 0.5 else w.cloth.second
    w.put(loft(_dome(w, 0.140, 0.72, 0.50, lambda t: 0.05 * t), caps=True), colour)
    count = 28 if w.figure.fine else 20
    azimuth = np.arange(count) * 2 * np.pi / count
    turned_up = ((0, 0.12), (0, 0.165), (0.11, 0.175), (0.11, 0.13))
    a = [w.skull.section(azimuth, 0.61 + 0.11 * np.cos(azimuth) + up, offset) for up, offset in turned_up]
    rings = np.stack(a, axis=1)
    vertices, faces = loft(np.concatenate([rings, rings[:1]]))
    w.put((vertices, outward(vertices, faces)), colour.mixed(w.cloth.trim, 0.35))


def straw_hat(w: Wearer) -> None:
    straw = Colour.of("EBCF8E")
    w.put(loft(_dome(w, 0.135, 0.76, 0.66), caps=True), straw)
    count = 32 if w.figure.fine else 24
    azimuth = np.arange(count) * 2 * np.pi / count
    z = 0.71 + 0.05 * np.cos(azimuth)
    w.put(_brim(w, azimuth, z, 0.10, np.full(len(azimuth), 0.50), 0.22, True), straw)
    w.put(_brim(w, azimuth, z + 0.05, 0.12, np.full(len(azimuth), 0.155), -0.2, True), w.bright, 0.4)


# Ears and horns


def _ears(w: Wearer, root: Array, way: Array, width: float, depth: float, profile: Array, bones: int, inner: Colour | None) -> None:
    """A pair of animal's ears on bones `ear_<side>_<n>`: from `root` along `way` (heads), elliptic, as wide as `profile` (R,) says."""
    rows, columns = len(profile), 10
    t = np.linspace(0, 1, rows)
    angle = np.arange(columns) * 2 * np.pi / columns
    for d, name in ((1, "left"), (-1, "right")):
        start, end = w.at(d * root[0], *root[1:]), w.at(d * (root[0] + way[0]), *(root[1:] + way[1:]))
        places = start + np.linspace(0.15, 1, bones + 1)[:, None] * (end - start)
        names = [f"ear_{name}_{n}" for n in range(1, bones + 1)]
        w.figure.add_bones(map(ExtraBone, names, ["Head", *names[:-1]], places[:-1], places[1:]))
        along = (end - start) / np.linalg.norm(end - start)
        side = np.cross((0.0, -1.0, 0.0), along)
        side /= np.linalg.norm(side)
        ahead = np.cross(along, side)
        circle = width * np.cos(angle)[:, None] * side + depth * np.sin(angle)[:, None] * ahead
        points = start + t[:, None, None] * (end - start) + w.size * profile[:, None, None] * circle
        mesh = loft(points, caps=True)
        weights = np.zeros((len(mesh[0]), len(w.figure.bones)))
        at = np.append(np.repeat(t, columns), (0.0, 1.0)) * bones
        for n, bone in enumerate(names):
            begun = smoothstep(at, n - 0.3, n + 0.3) if n else np.ones(len(at))
            ended = smoothstep(at, n + 0.7, n + 1.3) if n < bones - 1 else np.zeros(len(at))
            weights[:, w.figure.bones.index(bone)] = begun - ended
        part = painted(mesh, w.hair, weights, line=0.7)
        if inner is not None:
            middle = mesh[0][np.maximum(mesh[1], 0)].mean(1)
            centre = start + ((middle - start) @ along)[:, None] * along
            front = (mesh[1][:, 3] >= 0) & ((middle - centre) @ np.array([0.0, -1.0, 0.0]) > 0.35 * np.linalg.norm(middle - centre, axis=1))
            height = (middle - start) @ along / np.linalg.norm(end - start)
            part.paint(front & (height > 0.12) & (height < 0.85), inner)
        w.parts.append(part)


def cat_ears(w: Wearer) -> None:
    _ears(w, np.array([0.23, 0.02, 0.90]), np.array([0.13, 0.0, 0.36]), 0.155, 0.065, np.array([1, 0.98, 0.88, 0.68, 0.40, 0.04]), 2, PINK)


def fox_ears(w: Wearer) -> None:
    profile = np.array([0.9, 1.0, 0.95, 0.78, 0.48, 0.04])
    _ears(w, np.array([0.22, 0.02, 0.90]), np.array([0.17, 0.0, 0.50]), 0.17, 0.075, profile, 2, Colour.of("F6F2EA"))


def rabbit_ears(w: Wearer) -> None:
    profile = np.array([0.62, 0.85, 1.0, 1.0, 0.92, 0.70, 0.05])
    _ears(w, np.array([0.14, 0.02, 0.95]), np.array([0.13, 0.04, 0.80]), 0.105, 0.045, profile, 3, PINK)


def bear_ears(w: Wearer) -> None:
    profile = np.sqrt(1 - np.linspace(-0.75, 0.995, 7) ** 2)
    _ears(w, np.array([0.25, 0.02, 0.92]), np.array([0.10, 0.0, 0.22]), 0.125, 0.065, profile, 2, PINK)


def horns(w: Wearer) -> None:
    for d in (1, -1):
        path = spline([w.at(d * 0.20, -0.06, 0.96), w.at(d * 0.29, -0.10, 1.10), w.at(d * 0.27, -0.14, 1.24)], 7)
        angle = np.arange(7) * 2 * np.pi / 7
        radius = 0.055 * w.size * (1 - 0.95 * np.linspace(0, 1, 7) ** 1.3)
        circle = np.column_stack([np.cos(angle), np.sin(angle), 0 * angle])
        w.put(loft(path[:, None] + radius[:, None, None] * circle, caps=True), Colour.of("4A3A44") if w.variant < 0.5 else PEARL)


@dataclass(frozen=True)
class Headwear:
    """How it is put on, what it is called, and the place it takes: of one place one thing is worn."""

    put: Callable[[Wearer], None]
    words: str
    place: str


HEADWEAR = {
    "round glasses": Headwear(round_glasses, "round glasses", "eyes"),
    "square glasses": Headwear(square_glasses, "square glasses", "eyes"),
    "half-rim glasses": Headwear(half_rim_glasses, "half-rim glasses", "eyes"),
    "eyepatch": Headwear(eyepatch, "a white eyepatch", "eyes"),
    "earrings": Headwear(earrings, "earrings", "ears"),
    "hairband": Headwear(hairband, "a hairband", "crown"),
    "ribbon band": Headwear(ribbon_band, "a hairband with a bow", "crown"),
    "frill": Headwear(frill, "a maid headdress", "crown"),
    "headphones": Headwear(headphones, "headphones", "crown"),
    "bow": Headwear(bow, "a large hair bow", "crown"),
    "pins": Headwear(pins, "hair pins", "side"),
    "flower": Headwear(flower, "a hair flower", "side"),
    "side bow": Headwear(side_bow, "a hair bow", "side"),
    "beret": Headwear(beret, "a beret", "hat"),
    "cap": Headwear(cap, "a cap", "hat"),
    "beanie": Headwear(beanie, "a beanie", "hat"),
    "straw hat": Headwear(straw_hat, "a straw hat", "hat"),
    "cat ears": Headwear(cat_ears, "cat ears", "animal"),
    "fox ears": Headwear(fox_ears, "fox ears", "animal"),
    "rabbit ears": Headwear(rabbit_ears, "rabbit ears", "animal"),
    "bear ears": Headwear(bear_ears, "bear ears", "animal"),
    "horns": Headwear(horns, "small horns", "animal"),
}
