# SPDX-License-Identifier: GPL-3.0-or-later
"""Hair: a cap on the skull and tapered locks; every lock is a closed piece, so that the outline draws it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .head import Skull
from .mesh import Array, loft, outward, smoothstep

Mesh = tuple[Array, Array]
STYLES_FEMALE = ("long", "twin", "bob", "pony", "bun", "wave", "short")
STYLES_MALE = ("spiky", "short", "swept", "shag")


@dataclass
class Hair:
    """`pieces` are lit hair, `shine` the highlight, `ties` ribbons and rings; all world meshes."""

    pieces: list[Mesh]
    shine: list[Mesh]
    ties: list[Mesh]


def spline(points: Array | list, count: int) -> Array:
    """(count, 3) points of a Catmull-Rom curve through control points."""
    points = np.asarray(points, float)
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, len(points) - 1 - 1e-9, count)
    i = t.astype(int)
    f = (t - i)[:, None]
    a, b, c, d = (padded[i + k] for k in range(4))
    return 0.5 * (2 * b + (c - a) * f + (2 * a - 5 * b + 4 * c - d) * f**2 + (3 * b - a - 3 * c + d) * f**3)


def lock_rings(path: Array, out: Array, width: float, thick: float, *, root: float = 0.55, belly: float = 2.2, curl: float = 0.0) -> Array:
    """(R, 8, 3) sections of a tapered lock along (R, 3) `path`.

    `out` (R, 3) points away from the head; sizes in metres; `root` is the width at the root, as a share of the whole.
    """
    t = np.linspace(0, 1, len(path))
    along = np.gradient(path, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    side = np.cross(along, out)
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
    up = np.cross(side, along)
    profile = (root + (1 - root) * smoothstep(t, 0.0, 0.38)) * np.maximum(1 - t**belly, 0.0) ** 0.8
    # A lens that wraps around the head: its edges bend back towards the scalp.
    angle = np.arange(8) * np.pi / 4
    a, b = np.cos(angle), np.sign(np.sin(angle)) * np.sin(angle) ** 2
    flat = a[None, :, None] * side[:, None] - 0.21 * (a**2)[None, :, None] * up[:, None]
    rings = path[:, None] + (profile * width / 2)[:, None, None] * flat
    rings = rings + (np.maximum(profile, 0.05) * thick / 2)[:, None, None] * b[None, :, None] * up[:, None]
    return rings + curl * (t**3)[:, None, None] * up[:, None]


def closed(rings: Array) -> Mesh:
    """A closed surface through rings, turned outward."""
    return loft(rings, caps=True)


def lock(path: Array, out: Array, width: float, thick: float, **shape: float) -> Mesh:
    """A tapered lock as a mesh; see `lock_rings`."""
    return closed(lock_rings(path, out, width, thick, **shape))


def glint(rings: Array, low: float, high: float, lift: float) -> Mesh:
    """A kite of light on a lock's front between two heights (metres), longer in its middle."""
    strand = rings[:, [1, 2, 3]]
    up = strand[:, 1] - rings[:, 6]
    up /= np.maximum(np.linalg.norm(up, axis=1, keepdims=True), 1e-9)
    middle, reach = (low + high) / 2, (high - low) / 2
    points = np.empty((3, 3, 3))
    for column, share in enumerate((0.35, 1.0, 0.45)):
        heights = strand[:, column, 2]
        first = int(np.argmax(heights))
        for row, height in enumerate((middle - reach * share, middle, middle + reach * share * 0.7)):
            # Heights fall along the lock; np.interp wants them rising.
            at = np.interp(-height, -heights[first:], np.arange(first, len(heights)))
            i = min(int(at), len(heights) - 2)
            f = at - i
            points[row, column] = (strand[i, column] + up[i] * lift) * (1 - f) + (strand[i + 1, column] + up[i + 1] * lift) * f
    return loft(points[:, ::-1], wrap=False)


class Scalp:
    """Where hair grows: the skull, grown by an offset, and paths along it."""

    def __init__(self, skull: Skull, rng: np.random.Generator) -> None:
        self.skull, self.rng, self.size = skull, rng, skull.size
        self.shine: list[Mesh] = []

    def path(
        self,
        azimuth: tuple[float, float],
        z: tuple[float, float],
        offset: tuple[float, float],
        rings: int = 10,
        flare: float = 0.0,
        hang: float = 0.46,
    ) -> tuple[Array, Array]:
        """Points and outward directions from (azimuth, z, offset) at the root to the tip; below `hang` it falls straight."""
        t = np.linspace(0, 1, rings)
        # Even steps along the curved crown: the height falls slowly at first.
        height = z[0] + (z[1] - z[0]) * (t**1.35 if z[0] > 0.85 else t)
        angle = azimuth[0] + (azimuth[1] - azimuth[0]) * t**0.8
        shift = offset[0] + (offset[1] - offset[0]) * t
        held = np.maximum(height, hang)
        points = self.skull.section(angle, held, shift)
        points[:, 2] += (height - held) * self.size
        out = np.stack([np.sin(angle), -np.cos(angle), np.zeros_like(angle)], axis=-1)
        lift = smoothstep(held, 0.62, 1.0)[:, None]
        out = out * (1 - lift) + np.array([0, 0, 1.0]) * lift
        out /= np.linalg.norm(out, axis=1, keepdims=True)
        points = points + out * (flare * self.size * t**2.5)[:, None]
        return points, out

    def lock(
        self,
        azimuth: tuple[float, float],
        z: tuple[float, float],
        offset: tuple[float, float],
        width: float,
        thick: float = 0.05,
        **options: float,
    ) -> Mesh:
        shape = {k: options.pop(k) for k in ("root", "belly", "curl") if k in options}
        rings = int(options.pop("rings", 10))
        light = options.pop("light", 0.0)
        points, out = self.path(azimuth, z, offset, rings, **options)
        sections = lock_rings(points, out, width * self.size, thick * self.size, **shape)
        if light:
            centre = self.skull.origin[2] + light * self.size
            self.shine.append(glint(sections, centre - 0.028 * self.size, centre + 0.028 * self.size, 0.012 * self.size))
        return closed(sections)

    def tail(self, controls: list[tuple[float, float, float]], width: float, count: int, spread: float, rings: int = 13) -> list[Mesh]:
        """A bunch of locks along control points (heads, from the skull's origin)."""
        pieces = []
        base = self.skull.origin + self.size * np.array(controls)
        for index in range(count):
            turn = 2 * np.pi * index / max(count, 1)
            jitter = np.outer(np.linspace(0, 1, len(base)) ** 0.9, [np.cos(turn), np.sin(turn), 0]) * spread * self.size
            ending = np.outer(np.linspace(0, 1, len(base)) ** 2, [*self.rng.normal(0, 0.04, 2), self.rng.uniform(-0.16, 0.05)]) * self.size
            path = spline(base + jitter + ending, rings)
            out = np.tile([np.cos(turn), np.sin(turn), 0.05], (rings, 1))
            pieces.append(lock(path, out, width * self.size, width * 0.72 * self.size, root=0.45, belly=2.6))
        return pieces

    def cap(self, offset: float, front: float, side: float, nape: float) -> Mesh:
        """The hair's base: the skull grown by `offset`, down to a hairline, its edge tucked in."""
        columns, rows = 40, 11
        angle = np.arange(columns) * 2 * np.pi / columns
        c = np.cos(angle)
        line = np.where(c > 0, side + (front - side) * smoothstep(c, 0.25, 0.8), side + (nape - side) * smoothstep(-c, 0.0, 0.8))
        t = np.linspace(0, 1, rows)[:, None]
        z = line + (0.995 - line) * np.sin(t * np.pi / 2) ** 1.05
        shift = offset * (0.15 + 0.85 * smoothstep(t, 0, 0.18)) + 0 * line
        return loft(self.skull.section(angle[None] + 0 * z, z, shift), caps=True)


def bangs(scalp: Scalp, kind: str, count: int) -> list[Mesh]:
    """Fringe: wide locks from the crown over the forehead, every second one above its neighbours so that their edges show."""
    rng = scalp.rng
    pieces = []
    parting = 0.42
    for i, angle in enumerate(np.linspace(-1.12, 1.12, count)):
        over = i % 2
        root, lean = angle * 0.66, 0.05 * np.sin(i * 2.4)
        tip = 0.585 - 0.075 * np.abs(angle) ** 2.2 + rng.uniform(-0.015, 0.015) - 0.022 * over
        if kind == "swept":
            lean = -0.34 + 0.10 * angle if angle < parting else 0.22
            root = angle * 0.50 + 0.20
            tip -= 0.030 * (angle < parting)
        elif kind == "parted":
            lean = 0.36 * np.tanh(angle * 4)
            root = angle * 0.55
            tip += 0.045 * np.exp(-((angle / 0.3) ** 2)) - 0.035
        width = (0.205 if over else 0.27) * (9 / count) ** 0.5
        light = 0.795 + 0.014 * np.cos(i * 2.1) - 0.02 * angle**2
        offset = (0.030 + 0.012 * over, 0.048 + 0.034 * over)
        bend = (float(root), float(angle + lean))
        pieces.append(
            scalp.lock(bend, (0.975, float(tip)), offset, width, 0.060, belly=1.75 if over else 2.2, rings=11, root=0.5, light=float(light))
        )
    return pieces


def sides(scalp: Scalp, low: float, width: float = 0.15) -> list[Mesh]:
    """Locks that frame the face, in front of the ears."""
    pieces = []
    for s in (1, -1):
        pieces.append(scalp.lock((s * 0.95, s * 1.28), (0.95, low), (0.035, 0.068), width, 0.06, belly=3.0, rings=12, hang=0.40))
        pieces.append(
            scalp.lock((s * 1.15, s * 1.52), (0.95, low + 0.13), (0.035, 0.060), width * 1.1, 0.05, belly=2.6, rings=11, hang=0.40)
        )
    return pieces


def curtain(
    scalp: Scalp,
    low: float,
    count: int,
    *,
    width: float = 0.26,
    flare: float = 0.0,
    curl: float = 0.0,
    ragged: float = 0.05,
    thick: float = 0.07,
    reach: float = 1.45,
) -> list[Mesh]:
    """Hair at the back and the sides, down to `low` heads above the chin (negative: below it)."""
    pieces = []
    rings = int(np.clip(9 + 5 * max(0.0, 0.4 - low), 9, 16))
    for i, angle in enumerate(np.linspace(np.pi - reach, np.pi + reach, count)):
        end = low + scalp.rng.uniform(-ragged, ragged)
        inner = 0.0 if i % 2 else 0.028
        pieces.append(
            scalp.lock(
                (angle, angle),
                (0.93, end),
                (0.03 + inner, 0.055 + inner),
                width,
                thick,
                belly=4.0,
                rings=rings,
                flare=flare,
                curl=curl * scalp.size,
                root=0.7,
            )
        )
    return pieces


def spikes(scalp: Scalp, count: int, length: float, down: float, reach_down: float = 0.62) -> list[Mesh]:
    """Tufts that stand out from crown and back, `reach_down` heads down from the crown."""
    pieces = []
    for i in range(count):
        golden = i * 2.39996
        z = 0.93 - reach_down * (i / count)
        angle = golden % (2 * np.pi)
        # None over the face: those of the lower rows go to the back half.
        if np.cos(angle) > -0.15 and z < 0.86:
            angle = np.pi + 0.55 * np.sin(golden)
        base = scalp.skull.section(np.array(angle), np.array(z), 0.0)
        out = np.array([np.sin(angle), -np.cos(angle), 0.30 + 0.9 * max(0.0, z - 0.6) / 0.4])
        out /= np.linalg.norm(out)
        reach = length * scalp.rng.uniform(0.8, 1.2) * scalp.size
        sweep = np.array([np.sin(angle) * 0.5, -np.cos(angle) * 0.3 + 0.5, -down])
        path = spline([base - out * 0.08 * scalp.size, base + out * 0.45 * reach, base + (out * 0.9 + sweep * 0.45) * reach], 8)
        pieces.append(lock(path, np.tile(out + np.array([0, 0, 0.6]), (8, 1)), 0.26 * scalp.size, 0.13 * scalp.size, root=0.9, belly=1.5))
    return pieces


def ring(centre: Array, normal: Array, radius: float, thick: float) -> Mesh:
    """A torus: a tie for a tail."""
    normal = normal / np.linalg.norm(normal)
    x = np.cross(normal, (0.3, 1.0, 0.2))
    x /= np.linalg.norm(x)
    y = np.cross(normal, x)
    a, b = (np.arange(14) * 2 * np.pi / 14)[:, None], (np.arange(6) * 2 * np.pi / 6)[None]
    spoke = np.cos(a)[..., None] * x + np.sin(a)[..., None] * y
    points = centre + spoke * (radius + thick * np.cos(b))[..., None] + normal * (thick * np.sin(b))[..., None]
    closed = np.concatenate([points, points[:1]])
    vertices, faces = loft(closed, wrap=True)
    return vertices, outward(vertices, faces)


def ribbon(centre: Array, size: float, out: Array) -> list[Mesh]:
    """A bow: two loops, two ends and a knot, in the plane across `out`."""
    out = out / np.linalg.norm(out)
    side = np.cross(out, (0, 0, 1.0))
    side /= np.linalg.norm(side)
    up = np.cross(side, out)
    pieces = []
    for s in (1, -1):
        for ends, w in (
            ([(0, 0, 0), (0.55, 0.22, 0.12), (1.05, 0.30, 0.05)], 0.62),
            ([(0, 0, 0), (0.30, -0.35, 0.08), (0.52, -0.95, 0.04)], 0.34),
        ):
            path = spline([centre + size * (s * a * side + b * up + c * out) for a, b, c in ends], 7)
            t = np.linspace(0, 1, 7)
            grow = w * size * (0.30 + 0.70 * t) / 2
            along = np.gradient(path, axis=0)
            across = np.cross(along, out)
            across /= np.linalg.norm(across, axis=1, keepdims=True)
            angle = np.arange(8) * np.pi / 4
            rings = (
                path[:, None]
                + np.cos(angle)[None, :, None] * (grow[:, None, None] * across[:, None])
                + np.sin(angle)[None, :, None] * 0.10 * size * out
            )
            v, f = loft(rings, caps=True)
            pieces.append((v, outward(v, f)))
    theta, phi = np.linspace(0.1, np.pi - 0.1, 5)[:, None], np.arange(8)[None] * np.pi / 4
    ball = np.sin(theta)[..., None] * (np.cos(phi)[..., None] * side + np.sin(phi)[..., None] * out) + np.cos(theta)[..., None] * up
    v, f = loft(centre + 0.17 * size * ball + 0.10 * size * out, caps=True)
    pieces.append((v, outward(v, f)))
    return pieces


def build_hair(skull: Skull, style: str, fringe: str, rng: np.random.Generator, ahoge: bool) -> Hair:
    """Hair of one style. Raises KeyError for an unknown one."""
    s = Scalp(skull, rng)
    h, o = skull.size, skull.origin
    pieces: list[Mesh] = []
    ties: list[Mesh] = []
    pieces.append(s.cap(0.050, 0.80, 0.47, 0.14 if style not in ("twin", "bun", "pony") else 0.18))
    pieces += bangs(s, fringe, 9)
    if style == "long":
        pieces += sides(s, -0.15) + curtain(s, -1.15, 13, width=0.27, flare=0.05)
    elif style == "wave":
        pieces += sides(s, -0.02) + curtain(s, -0.62, 13, width=0.30, flare=0.13, curl=0.06, ragged=0.07, thick=0.10)
    elif style == "bob":
        pieces += sides(s, 0.06, 0.18) + curtain(s, -0.02, 14, width=0.28, flare=0.075, curl=-0.09, ragged=0.02, thick=0.09, reach=1.6)
    elif style == "short":
        pieces += sides(s, 0.20) + curtain(s, 0.10, 13, width=0.26, flare=0.04, curl=-0.02, thick=0.08)
    elif style == "twin":
        pieces += sides(s, -0.02, 0.13) + curtain(s, 0.22, 11, width=0.25, thick=0.05, ragged=0.02, curl=-0.05)
        for side in (1, -1):
            root = np.array([side * 0.40, 0.10, 0.80])
            controls = [
                tuple(root),
                (side * 0.62, 0.13, 0.86),
                (side * 0.74, 0.16, 0.45),
                (side * 0.72, 0.18, -0.15),
                (side * 0.80, 0.16, -0.75),
            ]
            pieces += s.tail(controls, 0.22, 6, 0.085)
            ties.append(ring(o + h * (root + np.array([side * 0.09, 0, 0.035])), np.array([side, 0.05, 0.45]), 0.085 * h, 0.030 * h))
            ties += ribbon(o + h * (root + np.array([side * 0.09, -0.07, 0.09])), 0.20 * h, np.array([side * 0.45, -1.0, 0.25]))
    elif style == "pony":
        pieces += sides(s, 0.02, 0.13) + curtain(s, 0.24, 11, width=0.25, thick=0.05, ragged=0.02, curl=-0.05)
        root = np.array([0, 0.44, 0.80])
        pieces += s.tail([tuple(root), (0, 0.66, 0.86), (0, 0.80, 0.45), (0, 0.74, -0.10), (0, 0.80, -0.60)], 0.26, 7, 0.09)
        ties.append(ring(o + h * (root + np.array([0, 0.07, 0.03])), np.array([0, 1, 0.4]), 0.09 * h, 0.032 * h))
        ties += ribbon(o + h * (root + np.array([0, 0.08, 0.13])), 0.26 * h, np.array([0.0, 1.0, 0.5]))
    elif style == "bun":
        pieces += sides(s, -0.02, 0.13) + curtain(s, 0.22, 11, width=0.25, thick=0.05, ragged=0.02, curl=-0.05)
        for side in (1, -1):
            centre = o + h * np.array([side * 0.30, 0.10, 0.99])
            theta, phi = np.linspace(0.05, np.pi - 0.05, 9)[:, None], np.arange(14)[None] * 2 * np.pi / 14
            swirl = 1 + 0.05 * np.sin(3 * phi + 5 * theta)
            ball = np.stack(
                [np.sin(theta) * np.cos(phi) * swirl, np.sin(theta) * np.sin(phi) * swirl, np.cos(theta) * 0.9 + 0 * phi], axis=-1
            )
            v, f = loft(centre + 0.165 * h * ball, caps=True)
            pieces.append((v, outward(v, f)))
            ties.append(ring(centre - (side * 0.04 * h, 0, 0.10 * h), np.array([side * 0.35, 0, 1]), 0.115 * h, 0.026 * h))
    elif style == "spiky":
        pieces += curtain(s, 0.16, 11, width=0.25, flare=0.02, thick=0.06) + spikes(s, 26, 0.26, 0.5)
        pieces += [s.lock((d * 1.05, d * 1.42), (0.93, 0.30), (0.03, 0.07), 0.17, 0.05, belly=2.0) for d in (1, -1)]
    elif style == "swept":
        pieces += curtain(s, 0.13, 12, width=0.26, flare=0.02, thick=0.07, ragged=0.03)
        pieces += [s.lock((d * 1.05, d * 1.40), (0.94, 0.26), (0.03, 0.07), 0.18, 0.055, belly=2.2) for d in (1, -1)] + spikes(
            s, 9, 0.15, 0.9
        )
    elif style == "shag":
        pieces += (
            sides(s, 0.18, 0.14) + curtain(s, 0.0, 13, width=0.24, flare=0.10, ragged=0.07, thick=0.08) + spikes(s, 9, 0.20, 0.7, 0.16)
        )
    else:
        raise KeyError(style)
    if ahoge:
        base = o + h * np.array([0.0, 0.06, 1.02])
        for way, w in ((1.0, 0.115), (-0.62, 0.085)):
            arc = np.array(
                [(0, 0, 0), (0.03 * way, -0.01, 0.12), (0.12 * way, -0.04, 0.20 * abs(way)), (0.25 * way, -0.07, 0.13 * abs(way))]
            )
            pieces.append(lock(spline(base + h * arc, 10), np.tile([0, -1.0, 0.4], (10, 1)), w * h, 0.05 * h, root=0.55, belly=1.5))
    return Hair(pieces, s.shine, ties)
