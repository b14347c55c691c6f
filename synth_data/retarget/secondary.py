# SPDX-License-Identifier: GPL-3.0-or-later
"""Hair, skirts, coats, ribbons, ears and tails that swing with a motion (numpy).

Bones that are called so and have no role hang in chains from the body. The far end of each is a point on a spring, pulled to where it would
be if its chain were stiff and hung from the body as at rest, in the manner of VRM's spring bones; it falls when the body tilts, keeps its
distance from the joint above, and stays out of the body's capsules. A pendulum of the same length swings as fast as a spring without
stiffness. Points are moved by Verlet's method (Jakobsen, "Advanced Character Physics", GDC 2001) in steps that hardly depend on the rate.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .capsules import body_capsules
from .edit import DOWN, floor_of, posed
from .kinematics import Array, continuous, matrix_to_quaternion, pose, swing, unit
from .markers import rest_basis
from .motion import Motion
from .rig import Rig
from .root import standing_height

GRAVITY = np.array([0.0, 0.0, -9.81])
STEP = 1 / 120  # seconds, as near as whole steps a frame come to it
SETTLING, CALMING, SETTLED = 6.0, 1.0, 1e-6  # seconds at most before the first frame, of them calmed, and metres a step
TELEPORT = 12.0  # m/s; where the body is faster the motion was cut, and chains come along
AIR = 0.4  # 1/s: what air takes of a point's speed
FARTHEST = 1.8  # of the way along the chain: how far a point may be from where a stiff chain would have it
# Cloth that at rest lies before or behind a leg, by so much of its distance, stays there, as far to its sides as so many of its radii.
FRONT, WIDTH = 0.5, 1.6
BELOW_HIP = 0.3  # of a leg's bone: nearer to its joint less and less, since a waistband does not go along
YIELDING = 0.3  # of the way it would have to go there, at a time: so it does not tremble between both legs
SHOVE = 0.01  # metres a step: what is pushed further gets no more speed by it
UNBENDING = 60.0  # 1/s: how fast a bone comes back in line with the one above it
MOST_BENT = 0.6  # of a bone's length, the distance of its end from that line: from so much on, much faster
ROUNDS = 2  # of collisions and distances, a step
LEAF = 0.7  # a last bone without an end is so long, measured by the one above
LONGEST_LEAF = 0.3  # metres; importers make longer ones
CLEARANCE = 0.98  # of the distance at rest: clothes that lie closer than a capsule says are let be


@dataclass(frozen=True)
class Kind:
    """`stiffness` against the pull of gravity, `damping` (1: does not swing at all), `thickness` in legs, what it collides with, and
    whether it goes around the legs: then it stays on the side of them on which it is at rest."""

    words: tuple[str, ...]
    parts: tuple[str, ...]
    stiffness: float
    damping: float
    thickness: float
    body: tuple[str, ...]
    wraps: bool = False


_UPPER = ("head", "neck", "chest", "belly", "shoulder", "upper_arm")
_LOWER = ("pelvis", "belly", "thigh", "shin")
# A bone is of the first kind of which a word of its name is one of the words, or holds one of the parts.
KINDS = (
    Kind(
        ("bang", "bangs", "lock", "bun"),
        ("hair", "fringe", "braid", "ponytail", "pigtail", "twintail", "ahoge", "sidelock", "髪", "おさげ"),
        0.8, 0.35, 0.015, _UPPER,
    ),
    Kind(
        ("coat", "cape", "hem", "robe", "dress", "frill"),
        ("skirt", "cloth", "cloak", "coattail", "apron", "poncho", "スカート", "コート", "マント", "裾"),
        0.6, 0.8, 0.03, (*_LOWER, "chest"), True,
    ),
    Kind(
        ("bow", "tie", "cord", "string", "sash", "strap"),
        ("ribbon", "scarf", "muffler", "necktie", "tassel", "earring", "リボン", "ネクタイ", "マフラー"),
        0.5, 0.3, 0.015, (*_UPPER, *_LOWER),
    ),
    Kind(("tail", "tails"), ("尻尾", "しっぽ"), 2.0, 0.4, 0.02, _LOWER),
    Kind(("ear", "ears"), ("耳",), 12.0, 0.4, 0.0, ()),
)  # fmt: skip
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_a-zA-Z]+")
_CONTROLS = {"ctrl", "control", "ik", "fk", "pole", "target", "mch", "helper", "twist", "chair"}


@dataclass(frozen=True, eq=False)
class Chains:
    """P bones of a rig that swing, parents first. All lengths are metres, all directions the world's, at rest."""

    bones: npt.NDArray[np.int64]  # (P,)
    above: npt.NDArray[np.int64]  # (P,) the number of the swinging bone it hangs from, −1 for a chain's first
    anchor: npt.NDArray[np.int64]  # (P,) the rig's bone its chain hangs from
    start: Array  # (P, 3) a first bone's head, else the end of the one above
    end: Array  # (P, 3)
    way: Array  # (P,) from the chain's beginning to the end, along it
    kinds: tuple[Kind, ...]

    def levels(self) -> list[npt.NDArray[np.int64]]:
        """The numbers of first bones, of those that hang from them, and so on."""
        depth = np.zeros(len(self.bones), np.int64)
        for number, above in enumerate(self.above):
            depth[number] = 0 if above < 0 else depth[above] + 1
        return [np.flatnonzero(depth == level) for level in range(int(depth.max(initial=-1)) + 1)]


def kind_of(name: str) -> Kind | None:
    """What a bone of this name is, if it is to swing."""
    words = [word.lower() for word in _WORD.findall(name)]
    if not _CONTROLS.isdisjoint(words):
        return None
    return next((kind for kind in KINDS if any(word in kind.words or any(part in word for part in kind.parts) for word in words)), None)


def chains_of(rig: Rig, without: Collection[str] = ()) -> Chains:
    """The rig's bones that swing, but those named in `without`: called so, without a role, hanging from the body, and carrying no bone with
    a role."""
    carries = [bone.role is not None for bone in rig.bones]
    for index in reversed(range(len(rig.bones))):
        if carries[index] and rig.bones[index].parent >= 0:
            carries[rig.bones[index].parent] = True
    below_role = [False] * len(rig.bones)
    chosen: dict[int, Kind] = {}
    for index, bone in enumerate(rig.bones):
        below_role[index] = bone.role is not None or (bone.parent >= 0 and below_role[bone.parent])
        kind = kind_of(bone.name)
        hangs = bone.parent >= 0 and below_role[bone.parent] and not carries[index]
        if kind is not None and hangs and bone.name not in without:
            chosen[index] = kind
    numbers = {index: number for number, index in enumerate(chosen)}
    above = np.array([numbers.get(rig.bones[index].parent, -1) for index in chosen], np.int64)
    children: dict[int, list[int]] = {}
    for index in chosen:
        children.setdefault(rig.bones[index].parent, []).append(index)
    heads = rig.rest_heads
    anchor, start, end, way, kinds = [], [], [], [], []
    for index, upper in zip(chosen, above.tolist(), strict=True):
        parent = rig.bones[index].parent
        anchor.append(parent if upper < 0 else anchor[upper])
        start.append(heads[index] if upper < 0 else end[upper])
        if index in children:
            tail = np.mean(heads[children[index]], axis=0)
        elif upper >= 0:
            tail = heads[index] + LEAF * (heads[index] - heads[parent])
        else:
            along = rig.armature_matrix[:3, :3] @ rig.rest[index, :3, 1] * rig.bones[index].length
            tail = heads[index] + along * min(1.0, LONGEST_LEAF / max(float(np.linalg.norm(along)), 1e-9))
        end.append(tail if np.linalg.norm(tail - start[-1]) > 1e-4 else start[-1] - (0.0, 0.0, 1e-2))
        way.append((way[upper] if upper >= 0 else 0.0) + float(np.linalg.norm(end[-1] - start[-1])))
        kinds.append(chosen[index])
    shape = (len(chosen), 3)
    return Chains(
        np.array(list(chosen), np.int64), above, np.array(anchor, np.int64), np.reshape(start, shape), np.reshape(end, shape),
        np.array(way), tuple(kinds),
    )  # fmt: skip


def with_secondary(motion: Motion, rig: Rig) -> Motion:
    """The motion with rotations for the chains of `rig` that it does not move itself; nothing else changes.

    It begins with chains that have come to rest in the first frame's pose. Raises UserError when the motion moves bones that the rig does
    not have.
    """
    chains = chains_of(rig, motion.bones)
    if not len(chains.bones):
        return motion
    heads, turns = posed(rig, motion)
    floor = floor_of(rig, motion) if (motion.contact > DOWN).any() else standing_height(rig)
    local = swung(rig, chains, heads, turns, motion.time, floor)
    return replace(
        motion,
        bones=(*motion.bones, *(rig.names[bone] for bone in chains.bones)),
        rotation=np.concatenate([motion.rotation, continuous(matrix_to_quaternion(local)).astype(np.float32)], 1),
    )


def hanging(rig: Rig, local: Array, root: Array) -> Array:
    """Own rotations (B, 3, 3) of one pose, its hips at `root` (3,), with the rig's chains at rest; those of all other bones stay."""
    chains = chains_of(rig)
    if not len(chains.bones):
        return local
    local = local.copy()
    local[chains.bones] = np.eye(3)
    heads, rotations = pose(rig, local[None], root[None])
    turns = rig.world_rotation @ rotations @ np.swapaxes(rig.rest_rotations, -1, -2)
    local[chains.bones] = swung(rig, chains, rig.to_world(heads), turns, np.zeros(1), standing_height(rig))[0]
    return local


def swung(rig: Rig, chains: Chains, heads: Array, turns: Array, time: Array, floor: float) -> Array:
    """(F, P, 3, 3) own rotations of the chains' bones on a body whose bones have world `heads` (F, B, 3) and turns from rest (F, B, 3, 3)
    at `time` (F,) seconds, over a floor at height `floor`, metres."""
    turn, at = turns[:, chains.anchor], heads[:, chains.anchor]

    def carried(points: Array) -> Array:
        return at + np.einsum("fpij,pj->fpi", turn, points - rig.rest_heads[chains.anchor])

    # A rest pose is one in which gravity is borne: what acts is how it differs from that of a body that is upright.
    fall = GRAVITY - np.einsum("fpij,j->fpi", turn, -np.linalg.norm(GRAVITY) * rig.up)
    body = _Body(chains, rig, floor)
    over = _Now(carried(chains.end), carried(chains.start), fall, body.capsules.ends(heads, turns), body.sides(turns))
    ends = _simulated(_Springs(chains, body), over, time)
    start = over.start

    own = np.empty((len(heads), len(chains.bones), 3, 3))
    reached = np.empty_like(own)
    for level in chains.levels():
        first = chains.above[level] < 0
        above = np.where(first[:, None, None], turn[:, level], reached[:, chains.above[level]])
        beginning = np.where(first[:, None], start[:, level], ends[:, chains.above[level]])
        way = np.einsum("fpij,pj->fpi", above, chains.end[level] - chains.start[level])
        reached[:, level] = swing(unit(way), unit(ends[:, level] - beginning)) @ above
        rest = rig.rest_rotations[chains.bones[level]]
        own[:, level] = np.swapaxes(rest, -1, -2) @ np.swapaxes(above, -1, -2) @ reached[:, level] @ rest
    return own


class _Body:
    """Which of the chains' ends collide with which capsules, how near they may come, and on which side of the legs they are."""

    def __init__(self, chains: Chains, rig: Rig, floor: float) -> None:
        self.capsules = body_capsules(rig)
        still = np.broadcast_to(np.eye(3), (len(rig.bones), 3, 3))
        ends = self.capsules.ends(rig.rest_heads, still)
        parts = [name.removeprefix("left_").removeprefix("right_") for name in self.capsules.names]
        thickness = np.array([kind.thickness for kind in chains.kinds])[:, None] * rig.leg_length
        self._thickness = np.where([[part in kind.body for part in parts] for kind in chains.kinds], thickness, -np.inf)
        away, distance, _, _ = _apart(chains.end, ends, self.capsules.radii)
        self._nearest = CLEARANCE * distance
        # A rig that hovers or lies at rest hangs its hems where it likes.
        self.lowest = floor + np.minimum(thickness[:, 0], np.maximum(chains.end @ rig.up - rig.floor, 0.0))
        # What goes around the legs lies on their front or on their back, as wide as it reaches over them.
        wraps = np.array([kind.wraps for kind in chains.kinds])
        self._legs = [k for k, part in enumerate(parts) if part in ("thigh", "shin") and wraps.any()]
        ahead = -rest_basis(rig)[:, 1]
        before = away[:, self._legs] @ ahead
        lies = wraps[:, None] & (np.abs(before) > FRONT * distance[:, self._legs])
        self._side = np.where(lies, np.sign(before), 0.0)[..., None] * ahead  # (P, L, 3) at rest, in the world
        self._before = CLEARANCE * np.abs(before)

    def sides(self, turns: Array) -> Array:
        """(F, P, L, 3) unit vectors out of the front or the back of the legs on which ends lie, on a body whose bones have the turns
        (F, B, 3, 3); 0 for all others."""
        return np.einsum("flij,plj->fpli", turns[:, self.capsules.bones[self._legs, 0]], self._side)

    def push(self, points: Array, now: _Now) -> tuple[Array, Array]:
        """(P, 3) by how much points (P, 3) are pushed out of the body's capsules, and cloth is drawn off the legs it lies on."""
        away, distance, radius, share = _apart(points, now.capsules, self.capsules.radii)
        depth = np.maximum(np.minimum(radius + self._thickness, self._nearest) - distance, 0.0) / np.maximum(distance, 1e-9)
        out, drawn = np.einsum("pk,pki->pi", depth, away), np.zeros_like(points)
        if self._legs:
            legs, least = away[:, self._legs], np.maximum(radius + self._thickness, 1e-9)[:, self._legs]
            before = np.einsum("pli,pli->pl", legs, now.sides)
            aside = np.maximum(distance[:, self._legs] ** 2 - before**2, 0.0) / (WIDTH * least) ** 2
            height = np.minimum(least * np.sqrt(np.maximum(1.0 - aside, 0.0)), self._before)
            wanted = height * np.minimum(share[:, self._legs] / BELOW_HIP, 1.0)
            missing = np.where((wanted > before) & now.sides.any(axis=-1), wanted - before, 0.0)
            drawn = YIELDING * np.einsum("pl,pli->pi", missing, now.sides)
        return out, drawn


def _apart(points: Array, ends: Array, radii: Array) -> tuple[Array, Array, Array, Array]:
    """From the nearest points of capsules' axes (K, 2, 3) to `points` (P, 3): (P, K, 3), its length (P, K), the radii there, and at which
    share of the axes that is."""
    along = ends[:, 1] - ends[:, 0]
    from_start = points[:, None] - ends[:, 0]
    share = np.einsum("pki,ki->pk", from_start, along) / np.maximum(np.einsum("ki,ki->k", along, along), 1e-12)
    share = np.minimum(np.maximum(share, 0.0), 1.0)
    away = from_start - share[..., None] * along
    return away, np.sqrt(np.einsum("pki,pki->pk", away, away)), radii[:, 0] + share * (radii[:, 1] - radii[:, 0]), share


@dataclass(frozen=True)
class _Now:
    """At one or more times: `stiff` (…, P, 3) ends and `start` (…, P, 3) beginnings of stiff chains, `fall` (…, P, 3) m/s² what pulls
    beside the springs, the body's `capsules` (…, K, 2, 3), and the `sides` of its legs (…, P, L, 3)."""

    stiff: Array
    start: Array
    fall: Array
    capsules: Array
    sides: Array

    def __getitem__(self, index: int) -> _Now:
        return _Now(*(values[index] for values in self._all))

    def between(self, weights: Array, frames: npt.NDArray[np.int64]) -> _Now:
        """Weighted (N, M) from some frames (M,)."""
        return _Now(*(np.tensordot(weights, values[frames], 1) for values in self._all))

    @property
    def _all(self) -> tuple[Array, ...]:
        return self.stiff, self.start, self.fall, self.capsules, self.sides


class _Springs:
    """The forces on the chains' ends, and what keeps them where they may be."""

    def __init__(self, chains: Chains, body: _Body) -> None:
        self._body = body
        kinds = chains.kinds
        # 1/s²: of a pendulum as long as the chain, and of what is stiffer.
        self._pull = ((1 + np.array([kind.stiffness for kind in kinds])) * np.linalg.norm(GRAVITY) / chains.way)[:, None]
        self._drag = 2 * np.sqrt(self._pull)
        self._damping = np.array([kind.damping for kind in kinds])[:, None]
        self._length = np.linalg.norm(chains.end - chains.start, axis=1)[:, None]
        self._farthest = FARTHEST * chains.way[:, None]
        self._levels = [(level, chains.above[level]) for level in chains.levels()]
        self._bent = np.flatnonzero(chains.above >= 0)
        self._upper = chains.above[self._bent]
        above = chains.above[self._upper]
        self._from_start, self._above = (above < 0)[:, None], above

    def step(
        self, now: _Now, later: _Now, ends: Array, speed: Array, step: float, damping: Array | float | None = None
    ) -> tuple[Array, Array]:
        """Ends (P, 3) and their speeds `step` seconds on, while the body goes from `now` to `later`."""
        if len(self._bent):
            # What draws a bone in line with the one above it gives it no speed, lest it swing about that line, and the next ones more.
            ends, off = ends.copy(), self._in_line(later, ends) - ends[self._bent]
            chord = np.sqrt(np.einsum("pi,pi->p", off, off))[:, None] / self._length[self._bent]
            ends[self._bent] -= np.expm1(-UNBENDING * step * (1 + (chord / MOST_BENT) ** 4)) * off
        force = self._pull * (later.stiff - ends) + later.fall - AIR * speed
        force -= self._drag * (self._damping if damping is None else damping) * (speed - (later.stiff - now.stiff) / step)
        new, back = self._held(ends + step * (speed + step * force), later)
        return new, (new - back - ends) / step

    def _in_line(self, now: _Now, ends: Array) -> Array:
        """Where the ends of bones would be that are as straight to the ones above them as at rest."""
        base = np.where(self._from_start, now.start[self._upper], ends[self._above])
        stiff = np.where(self._from_start, now.start[self._upper], now.stiff[self._above])
        way = now.stiff[self._bent] - now.stiff[self._upper]
        return ends[self._upper] + _turned_along(_unit(now.stiff[self._upper] - stiff), _unit(ends[self._upper] - base), way)

    def _held(self, ends: Array, now: _Now) -> tuple[Array, Array]:
        """Ends that are not too far away, out of the body, and a bone's length from each other; and what of that is to give no speed."""
        away = ends - now.stiff
        distance = np.sqrt(np.einsum("pi,pi->p", away, away))[:, None]
        ends = now.stiff + away * np.minimum(1.0, self._farthest / np.maximum(distance, 1e-9))
        brought = np.zeros_like(ends)
        for _ in range(ROUNDS):
            out, drawn = self._body.push(ends, now)
            far = np.maximum(np.sqrt(np.einsum("pi,pi->p", out, out))[:, None], 1e-9)
            ends, brought = ends + out + drawn, brought + out * np.maximum(0.0, 1.0 - SHOVE / far) + drawn
            ends[:, 2] = np.maximum(ends[:, 2], self._body.lowest)
            for number, (level, above) in enumerate(self._levels):
                base = now.start[level] if number == 0 else ends[above]
                ends[level] = base + self._length[level] * _unit(ends[level] - base)
        return ends, brought


def _simulated(springs: _Springs, over: _Now, time: Array) -> Array:
    """(F, P, 3) the chains' ends while the body goes as `over` F frames at `time` (F,) seconds."""
    ends, speed = _settled(springs, over[0], CALMING if len(time) == 1 else SETTLING)
    out = np.empty_like(over.stiff)
    out[0] = ends
    gaps = np.diff(time)
    cut = (np.linalg.norm(np.diff(over.stiff, axis=0), axis=-1) > TELEPORT * gaps[:, None]).any(axis=1)
    shot = np.r_[0, np.cumsum(cut)]
    for frame, gap in enumerate(gaps.tolist()):
        if cut[frame]:
            ends = ends + over.stiff[frame + 1] - over.stiff[frame]
            out[frame + 1] = ends
            continue
        count = max(round(gap / STEP), 1)
        near = np.clip(np.arange(frame - 1, frame + 3), 0, len(time) - 1)
        near = np.where(shot[near] == shot[frame], near, np.where(near < frame, frame, frame + 1))
        course = over.between(_between(count), near)
        now = over[frame]
        for number in range(count):
            later = course[number]
            ends, speed = springs.step(now, later, ends, speed, gap / count)
            now = later
        out[frame + 1] = ends
    return out


def _settled(springs: _Springs, now: _Now, longest: float) -> tuple[Array, Array]:
    """Ends (P, 3), and what they keep of a speed, of chains that have come to rest on a body that does not move, in `longest` seconds."""
    ends, speed = now.stiff, np.zeros_like(now.stiff)
    for number in range(round(longest / STEP)):
        before = ends
        ends, speed = springs.step(now, now, ends, speed, STEP, damping=1.0 if number < CALMING / STEP else None)
        if number > CALMING / STEP and np.abs(ends - before).max() < SETTLED:
            break
    return ends, speed


def _unit(vectors: Array) -> Array:
    return vectors / np.maximum(np.sqrt(np.einsum("pi,pi->p", vectors, vectors)), 1e-9)[:, None]


def _turned_along(a: Array, b: Array, vectors: Array) -> Array:
    """Vectors (P, 3) turned as the smallest rotations turn unit vectors a to b (P, 3)."""
    axis = _cross(a, b)
    cosine = np.einsum("pi,pi->p", a, b)[:, None]
    along = np.einsum("pi,pi->p", axis, vectors)[:, None] / np.maximum(1 + cosine, 1e-3)
    return cosine * vectors + _cross(axis, vectors) + along * axis


def _cross(a: Array, b: Array) -> Array:
    """(P, 3); NumPy's own takes longer for so few."""
    x, y, z = a.T
    u, v, w = b.T
    return np.stack([y * w - z * v, z * u - x * w, x * v - y * u], -1)


def _between(count: int) -> Array:
    """(count, 4) weights of the frame before, two frames and the one after for `count` steps from the first of the two to the second
    (Catmull and Rom 1974)."""
    t = np.arange(1, count + 1) / count
    return 0.5 * np.stack([-(t**3) + 2 * t**2 - t, 3 * t**3 - 5 * t**2 + 2, -3 * t**3 + 4 * t**2 + t, t**3 - t**2], -1)
