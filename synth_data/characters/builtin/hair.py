# SPDX-License-Identifier: GPL-3.0-or-later
"""What hair is made of: a cap on the skull, tapered locks, tails, braids and curls; every piece is closed, so that the outline draws it.

What hangs below the chin hangs on chains of bones `hair_<lock>_<n>`, which swing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from .head import Skull
from .mesh import Array, Mesh, loft, outward, smoothstep
from .skeleton import ExtraBone


@dataclass(frozen=True)
class Chain:
    """Bones `hair_NAME_<n>` of K joints' `places` (K, 3), world metres, from the root down."""

    name: str
    places: Array

    def bones(self) -> Iterator[ExtraBone]:
        above = "Head"
        for number, (start, end) in enumerate(zip(self.places[:-1], self.places[1:], strict=True), 1):
            yield ExtraBone(f"hair_{self.name}_{number}", above, start, end)
            above = f"hair_{self.name}_{number}"

    def at_height(self, z: Array) -> Array:
        """Where along the chain heights (metres) are, counted in bones; before its root less than 0. For chains that fall."""
        down, count = -self.places[:, 2], np.arange(len(self.places))
        first = (z - self.places[0, 2]) / (down[1] - down[0])
        return np.where(z > self.places[0, 2], -first, np.interp(-z, down, count))


@dataclass(frozen=True)
class Piece:
    """A piece of hair or of what holds it: a closed world mesh of N vertices.

    `along` (N,) goes from 0 at the root to 1 at the tip. `hangs` are the chains that it hangs on, with shares that sum to 1, and `at` (N,)
    where along them its vertices are, counted in bones; without, it sits on the head. `tone` says what a second colour may do to it:
    "outer" and "inner" hair, "streak" for the lock that is chosen for one.
    """

    mesh: Mesh
    along: Array
    hangs: tuple[tuple[Chain, float], ...] = ()
    at: Array | None = None
    tone: str = "outer"

    def weights(self, bones: list[str]) -> Array:
        """(N, B) weights, smooth from bone to bone."""
        w = np.zeros((len(self.along), len(bones)))
        head = np.ones(len(w)) if self.at is None else 1 - smoothstep(self.at, -0.35, 0.35)
        w[:, bones.index("Head")] = head
        for chain, share in self.hangs:
            assert self.at is not None
            count = len(chain.places) - 1
            for n in range(count):
                begun = smoothstep(self.at, n - 0.35, n + 0.35)
                ended = smoothstep(self.at, n + 0.65, n + 1.35) if n < count - 1 else 0.0
                w[:, bones.index(f"hair_{chain.name}_{n + 1}")] += share * (begun - ended)
        return w


@dataclass
class Hair:
    """`pieces` are lit hair, `shine` the highlight (on the head), `ties` ribbons and rings."""

    pieces: list[Piece]
    shine: list[Mesh]
    ties: list[Piece]

    @property
    def chains(self) -> list[Chain]:
        """Each once, in the order in which they come."""
        found = {chain.name: chain for piece in self.pieces + self.ties for chain, _ in piece.hangs}
        return list(found.values())


def spline(points: Array | list, count: int) -> Array:
    """(count, 3) points of a Catmull-Rom curve through control points."""
    points = np.asarray(points, float)
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, len(points) - 1 - 1e-9, count)
    i = t.astype(int)
    f = (t - i)[:, None]
    a, b, c, d = (padded[i + k] for k in range(4))
    return 0.5 * (2 * b + (c - a) * f + (2 * a - 5 * b + 4 * c - d) * f**2 + (3 * b - a - 3 * c + d) * f**3)


def frames(path: Array, out: Array) -> tuple[Array, Array]:
    """Unit vectors (R, 3) across a path (R, 3) and away from the head, near `out` (R, 3)."""
    along = np.gradient(path, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    side = np.cross(along, out)
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
    return side, np.cross(side, along)


def lock_rings(
    path: Array, out: Array, width: float, thick: float, *, root: float = 0.55, belly: float = 2.2, curl: float = 0.0, sides: int = 8
) -> Array:
    """(R, S, 3) sections of a tapered lock along (R, 3) `path`.

    `out` (R, 3) points away from the head; sizes in metres; `root` is the width at the root, as a share of the whole; a greater `belly`
    makes its end blunter.
    """
    t = np.linspace(0, 1, len(path))
    side, up = frames(path, out)
    profile = (root + (1 - root) * smoothstep(t, 0.0, 0.38)) * np.maximum(1 - t**belly, 0.0) ** 0.8
    # A lens that wraps around the head: its edges bend back towards the scalp.
    angle = np.arange(sides) * 2 * np.pi / sides
    a, b = np.cos(angle), np.sign(np.sin(angle)) * np.sin(angle) ** 2
    flat = a[None, :, None] * side[:, None] - 0.21 * (a**2)[None, :, None] * up[:, None]
    rings = path[:, None] + (profile * width / 2)[:, None, None] * flat
    rings = rings + (np.maximum(profile, 0.05) * thick / 2)[:, None, None] * (b / b.max())[None, :, None] * up[:, None]
    return rings + curl * (t**3)[:, None, None] * up[:, None]


def closed(rings: Array) -> Mesh:
    """A closed surface through rings, turned outward."""
    return loft(rings, caps=True)


def lock(path: Array, out: Array, width: float, thick: float, *, root: float = 0.55, belly: float = 2.2) -> Mesh:
    """A tapered lock as a mesh; see `lock_rings`."""
    return closed(lock_rings(path, out, width, thick, root=root, belly=belly))


def strand(rings: Array, **more: object) -> Piece:
    """A piece through rings (R, S, 3) from the root to the tip."""
    t = np.linspace(0, 1, len(rings))
    return Piece(closed(rings), np.append(np.repeat(t, rings.shape[1]), (0.0, 1.0)), **more)  # pyright: ignore[reportArgumentType]


def fixed(mesh: Mesh) -> Piece:
    """A piece that sits on the head and has neither root nor tip."""
    return Piece(mesh, np.zeros(len(mesh[0])))


def shine_band(rings: Array, high: float, thick: float, lift: float) -> Mesh | None:
    """A lock's part of the ring of light around the head: from edge to edge, below the height `high` (metres), with a tooth `thick` metres
    long in the lock's middle. None where the lock does not reach so far."""
    sides = rings.shape[1]
    angle = np.arange(sides) * 2 * np.pi / sides
    up = np.einsum("s,rsi->ri", np.sin(angle), rings)
    up /= np.maximum(np.linalg.norm(up, axis=1, keepdims=True), 1e-9)
    columns = np.arange(sides // 2 + 1)
    points = np.empty((2, len(columns), 3))
    for column in columns:
        front = rings[:, column] + lift * up
        heights = front[:, 2]
        first = int(np.argmax(heights))
        low = high - thick * (0.30 + 0.70 * np.sin(np.pi * column / columns[-1]))
        if heights[first] < high or heights[-1] > low:
            return None
        for row, height in enumerate((low, high)):
            # Heights fall along the lock; np.interp wants them rising.
            at = np.interp(-height, -heights[first:], np.arange(first, len(heights)))
            i = min(int(at), len(heights) - 2)
            points[row, column] = front[i] * (1 - (at - i)) + front[i + 1] * (at - i)
    return loft(points[:, ::-1], wrap=False)


@dataclass
class Scalp:
    """Where hair grows: the skull, grown by an offset, and paths along it. Sizes in heads.

    With `fine` off locks have fewer sides and rings. What grows is collected in `hair`.
    """

    skull: Skull
    rng: np.random.Generator
    fine: bool = True
    hair: Hair = field(default_factory=lambda: Hair([], [], []))

    @property
    def size(self) -> float:
        return self.skull.size

    @property
    def sides(self) -> int:
        return 8 if self.fine else 6

    def rings(self, count: int) -> int:
        return count if self.fine else max(6, round(0.8 * count))

    def place(self, *point: float) -> Array:
        """The world position of a point in heads from the skull's origin."""
        return self.skull.origin + self.size * np.array(point)

    def path(
        self,
        azimuth: tuple[float, float],
        z: tuple[float, float],
        offset: tuple[float, float],
        rings: int = 10,
        flare: float = 0.0,
        hang: float = 0.46,
        behind: float = 0.0,
    ) -> tuple[Array, Array]:
        """Points and outward directions from (azimuth, z, offset) at the root to the tip; below `hang` it falls straight, with `behind` so
        far behind the neck that it lies on the back.
        """
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
        if behind:
            wanted = np.maximum(points[:, 1], self.place(0, behind, 0)[1])
            points[:, 1] += smoothstep(-height, -0.25, 0.25) * (wanted - points[:, 1])
        return points, out

    def lock(
        self,
        azimuth: tuple[float, float],
        z: tuple[float, float],
        offset: tuple[float, float],
        width: float,
        thick: float = 0.05,
        *,
        light: bool = False,
        wave: float = 0.0,
        hangs: tuple[tuple[Chain, float], ...] = (),
        tone: str = "outer",
        rings: int = 10,
        flare: float = 0.0,
        hang: float = 0.46,
        behind: float = 0.0,
        **shape: float,
    ) -> None:
        """Let a lock grow; with `light` it has its part of the highlight; `wave` is how far it swings to and fro; `shape` as in
        `lock_rings`, `curl` in heads.
        """
        points, out = self.path(azimuth, z, offset, self.rings(rings), flare, hang, behind)
        if wave:
            depth = (self.place(0, 0, 0.5)[2] - points[:, 2]) / self.size
            phase = 9.0 * depth + 2.0 * azimuth[1]
            side, _ = frames(points, out)
            points = points + (wave * self.size * smoothstep(depth, 0.0, 0.5))[:, None] * (
                np.sin(phase)[:, None] * side + np.cos(phase)[:, None] * out
            )
        if "curl" in shape:
            shape["curl"] *= self.size
        sections = lock_rings(points, out, width * self.size, thick * self.size, sides=self.sides, **shape)
        if light:
            # An arc: highest in the middle of the forehead and behind.
            around = min(abs(azimuth[1]), abs(2 * np.pi - abs(azimuth[1])))
            high = 0.842 - 0.050 * min(around, np.pi - around) ** 2
            band = shine_band(sections, self.place(0, 0, high)[2], 0.075 * self.size, 0.008 * self.size)
            self.hair.shine += [band] if band is not None else []
        piece = strand(sections, hangs=hangs, tone=tone)
        if hangs:
            piece = replace(piece, at=hangs[0][0].at_height(piece.mesh[0][:, 2]))
        self.hair.pieces.append(piece)

    def falling(
        self,
        name: str,
        azimuth: float,
        z: tuple[float, float],
        low: float,
        bones: int,
        offset: float,
        flare: float = 0.0,
        behind: float = 0.0,
    ) -> Chain:
        """A chain along a lock that grows at `z[0]` and ends at `low`, from the height `z[1]` on, close to the body."""
        points, _ = self.path((azimuth, azimuth), (z[0], low), (offset, offset), 60, flare, behind=behind)
        heights = self.skull.origin[2] + self.size * np.linspace(z[1], low, bones + 1)
        places = np.column_stack([np.interp(-heights, -points[:, 2], points[:, axis]) for axis in range(2)] + [heights])
        return Chain(name, places)

    def tail(
        self,
        name: str,
        controls: Sequence[Sequence[float]],
        width: float,
        count: int,
        spread: float,
        *,
        bones: int = 4,
        rings: int = 13,
        wave: float = 0.0,
        tone: str = "outer",
    ) -> None:
        """A bunch of locks along control points (heads, from the skull's origin), on a chain along their middle."""
        base = self.skull.origin + self.size * np.array(controls)
        chain = Chain(name, spline(base, bones + 1))
        steps = np.linspace(0, 1, len(base))
        rings = self.rings(rings)
        t = np.linspace(0, 1, rings)
        for index in range(count):
            turn = 2 * np.pi * index / max(count, 1)
            jitter = np.outer(steps**0.9, [np.cos(turn), np.sin(turn), 0]) * spread * self.size
            ending = np.outer(steps**2, [*self.rng.normal(0, 0.04, 2), self.rng.uniform(-0.16, 0.05)]) * self.size
            path = spline(base + jitter + ending, rings)
            out = np.tile([np.cos(turn), np.sin(turn), 0.05], (rings, 1))
            if wave:
                path = path + out * (1, 1, 0) * (wave * self.size * t * np.sin(t * 3.4 * np.pi))[:, None]
            sections = lock_rings(path, out, width * self.size, width * 0.72 * self.size, root=0.45, belly=2.6, sides=self.sides)
            self._hang(sections, chain, tone)

    def _hang(self, sections: Array, chain: Chain, tone: str = "outer") -> None:
        piece = strand(sections, hangs=((chain, 1.0),), tone=tone)
        self.hair.pieces.append(replace(piece, at=piece.along * (len(chain.places) - 1)))

    def braid(self, name: str, controls: Sequence[Sequence[float]], width: float, turns: float, *, bones: int = 4) -> None:
        """Two strands around each other along control points, tied near the end, with a tuft below."""
        base = self.skull.origin + self.size * np.array(controls)
        chain = Chain(name, spline(base, bones + 1))
        rings = round((5.0 if self.fine else 4.0) * turns) + 4
        t = np.linspace(0, 1, rings)
        middle = spline(base, rings)
        side, up = frames(middle, np.tile([0.2, -1.0, 0.1], (rings, 1)))
        knot = 0.88
        # What is left below the tie opens again.
        thick = width * self.size * (0.75 + 0.25 * smoothstep(t, 0, 0.15)) * (1 - 0.45 * t)
        thick = thick * (1 - 0.45 * np.exp(-(((t - knot) / 0.035) ** 2))) * np.maximum(1 - np.maximum(t - knot, 0) / 0.13, 0.12)
        angle = np.arange(self.sides) * 2 * np.pi / self.sides
        for phase in (0.0, np.pi):
            turn = 2 * np.pi * turns * t + phase
            apart = (0.42 * thick * (1 - smoothstep(t, knot - 0.05, knot)))[:, None]
            centre = middle + apart * (np.cos(turn)[:, None] * side + 0.55 * np.sin(turn)[:, None] * up)
            circle = np.cos(angle)[None, :, None] * side[:, None] + np.sin(angle)[None, :, None] * up[:, None]
            self._hang(centre[:, None] + (0.62 * thick)[:, None, None] * circle, chain)
        self.tie(
            ring(spline(base, 101)[round(100 * knot)], base[-1] - base[-2], 0.30 * width * self.size, 0.11 * width * self.size), chain, knot
        )

    def drill(self, name: str, controls: Sequence[Sequence[float]], width: float, turns: float, *, bones: int = 3) -> None:
        """A curl wound like a drill around control points, narrower towards its end."""
        base = self.skull.origin + self.size * np.array(controls)
        chain = Chain(name, spline(base, bones + 1))
        rings = round((9 if self.fine else 7) * turns)
        t = np.linspace(0, 1, rings)
        middle = spline(base, rings)
        radius = width * self.size * (0.55 + 0.45 * smoothstep(t, 0.0, 0.2)) * (1 - t**1.6) ** 0.7
        turn = 2 * np.pi * turns * t
        spoke = np.column_stack([np.cos(turn), np.sin(turn), np.zeros(rings)])
        pitch = np.linalg.norm(base[-1] - base[0]) / turns
        angle = np.arange(self.sides) * 2 * np.pi / self.sides
        # A flattened tube, upright, so wide that its windings touch.
        tall = np.maximum(0.54 * pitch * np.minimum(1.0, radius / radius.max() + 0.25), 0.1 * width * self.size)
        centre = middle + 0.62 * radius[:, None] * spoke
        sections = centre[:, None] + np.cos(angle)[None, :, None] * (0.40 * radius)[:, None, None] * spoke[:, None]
        sections = sections + np.sin(angle)[None, :, None] * tall[:, None, None] * np.array([0.0, 0.0, -1.0])
        self._hang(sections, chain)

    def tie(self, mesh: Mesh, chain: Chain | None = None, at: float = 0.0) -> None:
        """Put a ring or a bow, on the head or at a place along a chain (0…1)."""
        piece = fixed(mesh)
        if chain is not None:
            piece = replace(piece, hangs=((chain, 1.0),), at=np.full(len(mesh[0]), at * (len(chain.places) - 1)))
        self.hair.ties.append(piece)

    def ball(self, centre: Array, radius: float) -> None:
        """A knot of hair, swirled."""
        rows, columns = (9, 14) if self.fine else (7, 11)
        theta, phi = np.linspace(0.05, np.pi - 0.05, rows)[:, None], np.arange(columns)[None] * 2 * np.pi / columns
        swirl = 1 + 0.05 * np.sin(3 * phi + 5 * theta)
        shape = np.stack([np.sin(theta) * np.cos(phi) * swirl, np.sin(theta) * np.sin(phi) * swirl, np.cos(theta) * 0.9 + 0 * phi], axis=-1)
        self.hair.pieces.append(fixed(loft(centre + radius * self.size * shape, caps=True)))

    def cap(self, offset: float, front: float, side: float, nape: float) -> None:
        """The hair's base: the skull grown by `offset`, down to a hairline, its edge tucked in."""
        columns, rows = (40, 11) if self.fine else (30, 9)
        angle = np.arange(columns) * 2 * np.pi / columns
        c = np.cos(angle)
        line = np.where(c > 0, side + (front - side) * smoothstep(c, 0.25, 0.8), side + (nape - side) * smoothstep(-c, 0.0, 0.8))
        t = np.linspace(0, 1, rows)[:, None]
        z = line + (0.995 - line) * np.sin(t * np.pi / 2) ** 1.05
        shift = offset * (0.15 + 0.85 * smoothstep(t, 0, 0.18)) + 0 * line
        self.hair.pieces.append(fixed(loft(self.skull.section(angle[None] + 0 * z, z, shift), caps=True)))


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
