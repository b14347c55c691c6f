# SPDX-License-Identifier: GPL-3.0-or-later
"""Poses from nothing: at random within what joints can do, standing, sitting, kneeling, lying or in the air (numpy).

Everything is in a body's own axes (left, back, up) and relative to a T-pose, for the left side; the right is its mirror image. A few
candidates are drawn at once, of which the first is taken that does not pass through itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ..retarget.body import SIDES, SPINE
from ..retarget.capsules import Capsules, body_capsules
from ..retarget.kinematics import Array, local_from_turns, pose, rotation_vector_to_matrix, swing
from ..retarget.legs import bend_legs
from ..retarget.markers import rest_basis
from ..retarget.rest_frames import knows_hands, rest_frames
from ..retarget.rig import Rig
from ..retarget.roles import FINGERS, ROLES, role_above
from ..retarget.root import soles, standing_height
from ..retarget.secondary import hanging
from .poses import Pose

LEFT, BACK, UP = np.eye(3)
CANDIDATES = 12
STRETCH = 0.985  # of a leg's full length that it reaches at most
OVERLAP = 0.7  # of two capsules' radii: so near flesh may come
SAMPLES = 6  # along a capsule, to measure distances by

# Degrees that joints stay within: towards the front, to the side, about themselves; lowest and highest.
TRUNK = ((-20, 50), (-25, 25), (-40, 40))  # bend, lean, twist of the whole spine
HEAD = ((-35, 40), (-25, 25), (-60, 60))  # of neck and head together
ARM_AROUND, ARM_UP, ARM_TWIST = (-35, 125), (-85, 85), (-70, 70)  # from pointing to the side: to the front, up, about itself
ELBOW, PRONATION, WRIST_BEND, WRIST_SIDE = (0, 145), (-75, 75), (-60, 65), (-20, 20)
FINGER_BENDS, FINGER_SPREAD = ((-10, 85), (0, 100), (0, 65)), (-10, 10)
HIP_BEND, HIP_SIDE, HIP_TWIST = (-25, 125), (-12, 60), (-35, 45)
KNEE, ANKLE = (0, 150), (-25, 50)  # ankle: toes up, toes down


Turns = dict[str, Array]
_LEG = ("thigh", "shin", "foot", "toe")


@dataclass(frozen=True)
class _Foot:
    """Where feet (N,) stand: `left` and `back` in legs from below the hips, `heading` to the left and the `heel` raised, degrees; but those
    that are `free`."""

    left: Array
    back: Array
    heading: Array
    heel: Array
    free: npt.NDArray[np.bool_]


@dataclass
class _Draw:
    """Random numbers of all candidates, and the turns (N, 3, 3) from a T-pose by role that they become."""

    rng: np.random.Generator
    turns: Turns = field(default_factory=dict)

    def normal(self, mean: float, deviation: float, limits: tuple[float, float]) -> Array:
        """(N,) degrees, kept within `limits`."""
        return np.clip(self.rng.normal(mean, deviation, CANDIDATES), *limits)

    def uniform(self, low: float, high: float) -> Array:
        return self.rng.uniform(low, high, CANDIDATES)

    def happens(self, chance: float) -> npt.NDArray[np.bool_]:
        return self.rng.random(CANDIDATES) < chance


def sampled_pose(rig: Rig, rng: np.random.Generator) -> Pose:
    """A plausible pose, facing about as the rig does at rest, its hips over where they are at rest. A generator's state gives one pose.

    In half of the poses the body stands, both feet or one on the floor; in the others it sits, kneels, lies, or is in the air. Limbs and
    head stay within the limits above; what hangs from the body hangs.
    """
    mannequin = _mannequin(rig)
    draw = _Draw(rng)
    families: tuple[tuple[float, Callable[[_Mannequin, _Draw], Array]], ...] = (
        (0.50, _standing), (0.12, _on_a_chair), (0.10, _on_the_floor), (0.10, _kneeling), (0.08, _lying), (0.10, _in_the_air),
    )  # fmt: skip
    chances = np.array([chance for chance, _ in families])
    family = families[int(rng.choice(len(families), p=chances / chances.sum()))][1]
    root = family(mannequin, draw)
    local, heads, turns = mannequin.posed(draw.turns, root)
    best = int(np.argmin(mannequin.overlap(heads, turns)))
    return Pose(hanging(rig, local[best], root[best]), root[best])


def _rotation(x: npt.ArrayLike = 0.0, y: npt.ArrayLike = 0.0, z: npt.ArrayLike = 0.0) -> Array:
    """(N, 3, 3) by rotation vectors of degrees about left, back and up."""
    return rotation_vector_to_matrix(np.radians(np.stack(np.broadcast_arrays(x, y, z), -1).astype(np.float64)))


def _on_side(turn: Array, side: str) -> Array:
    """A left limb's turn as that of `side`."""
    mirror = np.diag([1.0 if side == "left" else -1.0, 1.0, 1.0])
    return mirror @ turn @ mirror


class _Mannequin:
    """A rig whose bones are turned from a T-pose, in its body's axes."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.leg, self.floor = rig, rig.leg_length, standing_height(rig)
        self._world = swing(rig.up, UP) @ rest_basis(rig)  # of a body that stands, even if the rig lies at rest
        self._capsules = body_capsules(rig)
        self._free = _apart(self._capsules)
        frames = rest_frames(rig, hands=knows_hands(rig))
        # Role → what a turn from a T-pose is multiplied by to be one from the rig's rest (see `rest_frames`).
        self._from_rest: dict[str, Array] = {}
        for role in ROLES:
            if role in rig.index_of_role:
                if role in frames and "thumb" not in role:
                    own = self._world @ _t_pose_frame(role) @ frames[role].T
                else:
                    own = self._from_rest[role_above(role, self._from_rest)]
                self._from_rest[role] = own

    def posed(self, turns: Turns, root: Array) -> tuple[Array, Array, Array]:
        """Own rotations (N, B, 3, 3), world heads (N, B, 3) and turns from rest (N, B, 3, 3), with the hips at `root` (N, 3)."""
        world = self._world
        known = {role: world @ turn @ world.T @ self._from_rest[role] for role, turn in turns.items() if role in self._from_rest}
        local, all_turns = local_from_turns(self.rig, known)
        return local, self.rig.to_world(pose(self.rig, local, root)[0]), all_turns

    def overlap(self, heads: Array, turns: Array) -> Array:
        """(N,) how much of the body is inside another part of it or under the floor, metres; the first without any has the least."""
        ends = self._capsules.ends(heads, turns)
        share = np.linspace(0, 1, SAMPLES)[:, None]
        points = ends[..., :1, :] + share * (ends[..., 1:, :] - ends[..., :1, :])  # (N, K, S, 3)
        radii = self._capsules.radii[:, :1] + share[:, 0] * np.diff(self._capsules.radii, axis=1)  # (K, S)
        one, other = self._free
        away = points[:, one, :, None] - points[:, other, None]
        near = np.sqrt(np.einsum("npabi,npabi->npab", away, away)) - OVERLAP * (radii[one, :, None] + radii[other, None])
        inside = np.maximum(-near.min(axis=(2, 3)), 0.0).sum(axis=1)
        under = np.maximum(self.floor - (points[..., 2] - OVERLAP * radii).min(axis=(1, 2)), 0.0)
        return inside + under

    def place(self, left: npt.ArrayLike, back: npt.ArrayLike, up: npt.ArrayLike) -> Array:
        """(N, 3) world places, in legs from the floor below where the hips are at rest."""
        offset = np.stack(np.broadcast_arrays(left, back, up, np.zeros(CANDIDATES))[:3], -1) * self.leg
        return self.rig.head("hips") * (1.0, 1.0, 0.0) + self.floor * UP + offset @ self._world.T

    def laid(self, turns: Turns, root: Array, above: npt.ArrayLike = 0.0) -> Array:
        """Roots (N, 3) with the lowest of trunk, head and legs `above` the floor, in legs."""
        _, heads, all_turns = self.posed(turns, root)
        arms = [name.endswith(("arm", "hand")) for name in self._capsules.names]
        lowest = (self._capsules.ends(heads, all_turns)[..., 2] - self._capsules.radii)[:, ~np.array(arms)].min(axis=(1, 2))
        lowest = np.minimum(lowest, soles(self.rig, heads, all_turns)[..., 2].min(axis=1))
        return root + (self.floor + np.asarray(above) * self.leg - lowest)[:, None] * UP

    def stand(self, turns: Turns, root: Array, feet: dict[str, _Foot]) -> Array:
        """Bend legs so that their feet stand where they shall. Returns roots (N, 3), lowered to where the legs reach."""
        index = self.rig.index_of_role
        hung = {side: [turns.get(f"{side}_{role}") for role in _LEG] for side in feet}
        for side, foot in feet.items():
            turned = _rotation(z=foot.heading)
            raised = turned @ _rotation(x=foot.heel)
            for role, turn in zip(_LEG, (turned, turned @ _rotation(x=np.full(CANDIDATES, 8.0)), raised, turned), strict=True):
                turns[f"{side}_{role}"] = turn
        _, heads, _ = self.posed(turns, root)
        wanted = {side: self._ankle(root, side, foot) for side, foot in feet.items()}
        down = np.zeros(CANDIDATES)
        for side, foot in feet.items():
            hip = heads[:, index[f"{side}_thigh"]]
            level = np.sum(((wanted[side] - hip) * (1.0, 1.0, 0.0)) ** 2, axis=1)
            reach = np.sqrt(np.maximum((STRETCH * self.leg) ** 2 - level, (0.3 * self.leg) ** 2))
            down = np.minimum(down, np.where(foot.free, 0.0, wanted[side][:, 2] + reach - hip[:, 2]))
        for side, foot in feet.items():
            hip, knee, ankle = (heads[:, index[f"{side}_{role}"]] for role in ("thigh", "shin", "foot"))
            axis = (_rotation(z=foot.heading) @ LEFT) @ self._world.T
            bends = bend_legs(knee - hip, ankle - knee, wanted[side] - hip - down[:, None] * UP, axis)
            for role, bend in zip(("thigh", "shin"), bends, strict=True):
                turns[f"{side}_{role}"] = self._world.T @ bend @ self._world @ turns[f"{side}_{role}"]
            for role, turn in zip(_LEG, hung[side], strict=True):
                if turn is not None:
                    turns[f"{side}_{role}"] = np.where(foot.free[:, None, None], turn, turns[f"{side}_{role}"])
        return root + down[:, None] * UP

    def _ankle(self, root: Array, side: str, foot: _Foot) -> Array:
        """(N, 3) where the ankle is of a foot whose sole, or the ball of it, is on the floor."""
        rig = self.rig
        ankle = rig.head(f"{side}_foot")
        toe = f"{side}_toe"
        ball = self._world.T @ swing(rig.up, UP) @ (rig.head(toe) - ankle) if toe in rig.index_of_role else np.zeros(3)
        turned = _rotation(z=foot.heading)
        lifted = (turned - turned @ _rotation(x=foot.heel)) @ ball
        below = (root - self.place(0.0, 0.0, 0.0)) * (1.0, 1.0, 0.0)
        return below + self.place(foot.left, foot.back, (float(ankle @ rig.up) - rig.floor) / self.leg) + lifted @ self._world.T


@lru_cache(maxsize=4)
def _mannequin(rig: Rig) -> _Mannequin:
    return _Mannequin(rig)


def _t_pose_frame(role: str) -> Array:
    """(3, 3) a role's axes (see `rest_frames`) in a T-pose, in the body's."""
    side, _, part = role.partition("_")
    outward = LEFT if side == "left" else -LEFT
    if part in ("thigh", "shin"):
        along, second = -UP, BACK
    elif part in ("foot", "toe"):
        along, second = -BACK, UP
    elif part in ("upper_arm", "forearm", "hand") or part.rstrip("1234") in FINGERS:
        along, second = outward, -BACK
    else:
        return np.eye(3)
    return np.stack([along, second, np.cross(along, second)], -1)


def _apart(capsules: Capsules) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The pairs of capsules that must not meet: limbs against what they do not hang from."""
    parts = [name.removeprefix("left_").removeprefix("right_") for name in capsules.names]
    one_side = [name.partition("_")[0] for name in capsules.names]
    against = {
        "hand": {"head", "neck", "chest", "belly", "pelvis", "thigh", "shin", "foot", "hand", "forearm"},
        "forearm": {"head", "neck", "chest", "belly", "pelvis", "thigh", "shin", "foot", "forearm"},
        "upper_arm": {"head", "belly", "thigh", "shin"},
        "thigh": {"head", "chest"},
        "shin": {"head", "chest", "belly", "pelvis", "shin"},
        "foot": {"head", "chest", "belly", "pelvis", "shin", "foot", "thigh"},
    }
    hangs = {("hand", "forearm"), ("foot", "shin")}
    pairs = [
        (a, b)
        for a, part in enumerate(parts)
        for b, other in enumerate(parts)
        if a != b and other in against.get(part, ()) and (a < b or part != other)
        if (part, other) not in hangs or one_side[a] != one_side[b]
    ]
    one, other = np.array(pairs).T
    return one, other


def _upper_body(draw: _Draw, bend: tuple[float, float] = (4, 12), forward: Array | float = 1.0) -> None:
    """Trunk, head, arms and hands on hips that are turned already; the trunk bends by about `bend` degrees (mean, deviation), and arms go
    to the front by a share `forward` of what they would."""
    turns = draw.turns
    around = [draw.normal(*bend, TRUNK[0]), draw.normal(0, 9, TRUNK[1]), draw.normal(0, 14, TRUNK[2])]
    for number, role in enumerate(SPINE):
        turns[role] = turns["hips"] @ _rotation(*(angle * (number + 1) / len(SPINE) for angle in around))
    chest = turns[SPINE[-1]]
    # A head looks about, but rather ahead than where a bent trunk looks.
    nod = np.clip(draw.normal(0, 14, HEAD[0]) - 0.5 * around[0], *HEAD[0])
    look = [nod, draw.normal(0, 9, HEAD[1]), draw.normal(0, 24, HEAD[2])]
    turns["neck"], turns["head"] = (chest @ _rotation(*(share * angle for angle in look)) for share in (0.45, 1.0))
    drawn = [_arm(draw) for _ in SIDES]
    alike = draw.happens(0.3)
    for number, side in enumerate(SIDES):
        # Both arms do the same in some poses, one after the other's mirror image, not quite.
        arm = [np.where(alike, first + 0.15 * (own - first), own) for first, own in zip(drawn[0], drawn[number], strict=True)]
        _hang_arm(draw, side, chest, arm[0] * forward, *arm[1:])


# What an arm may be doing: how often, and means and deviations of where it points (around, up), its twist and the elbow's bend.
_ARMS = np.array(
    [
        [0.30, 45, 30, -74, 8, 0, 20, 22, 16],  # hanging
        [0.30, 65, 30, -20, 25, 0, 30, 75, 35],  # before the body
        [0.14, 30, 35, 55, 20, 0, 25, 40, 35],  # raised
        [0.14, 0, 20, -10, 20, 0, 30, 30, 30],  # to the side
        [0.06, 0, 12, -48, 8, 45, 12, 100, 12],  # on the hip
        [0.06, 105, 12, -15, 15, 10, 20, 90, 25],  # across the chest
    ]
)


def _arm(draw: _Draw) -> list[Array]:
    kind = draw.rng.choice(len(_ARMS), CANDIDATES, p=_ARMS[:, 0])
    noise = np.clip(draw.rng.normal(size=(4, CANDIDATES)), -2.5, 2.5)
    drawn = [_ARMS[kind, 1 + 2 * k] + _ARMS[kind, 2 + 2 * k] * noise[k] for k in range(4)]
    return [np.clip(angle, *limits) for angle, limits in zip(drawn, (ARM_AROUND, ARM_UP, ARM_TWIST, ELBOW), strict=True)]


def _hang_arm(draw: _Draw, side: str, chest: Array, around: Array, up: Array, twist: Array, elbow: Array) -> None:
    turns = draw.turns
    a, e = np.radians(around), np.radians(up)
    way = np.stack([np.cos(e) * np.cos(a), -np.cos(e) * np.sin(a), np.sin(e)], -1)
    lifted = swing(LEFT, way)
    turns[f"{side}_shoulder"] = chest @ _on_side(_rotation(y=-0.15 * up, z=-0.1 * around), side)
    turns[f"{side}_upper_arm"] = chest @ _on_side(lifted @ _rotation(x=twist), side)
    pronation = draw.normal(0, 30, PRONATION)
    turns[f"{side}_forearm"] = turns[f"{side}_upper_arm"] @ _on_side(_rotation(z=-elbow) @ _rotation(x=0.5 * pronation), side)
    wrist = _rotation(x=0.5 * pronation) @ _rotation(y=draw.normal(0, 18, WRIST_BEND), z=draw.normal(0, 6, WRIST_SIDE))
    turns[f"{side}_hand"] = turns[f"{side}_forearm"] @ _on_side(wrist, side)
    _fingers(draw, side)


def _fingers(draw: _Draw, side: str) -> None:
    """A hand at ease, a fist, an open hand, a pointing one, or any."""
    curls = np.array([[0.28] * 4, [0.95] * 4, [0.03] * 4, [0.05, 0.9, 0.95, 0.95], [0.1, 0.1, 0.9, 0.9]])
    kind = draw.rng.choice(len(curls), CANDIDATES, p=(0.55, 0.13, 0.17, 0.09, 0.06))
    spread = np.where(kind == 2, 7.0, 0.0) + draw.normal(0, 2, FINGER_SPREAD)
    for number, finger in enumerate(FINGERS[1:]):
        curl = np.clip(curls[kind, number] + draw.rng.normal(0.03 * number, 0.06, CANDIDATES), 0.0, 1.0)
        turn = draw.turns[f"{side}_hand"]
        for joint, (_, most) in enumerate(FINGER_BENDS, 1):
            aside = np.clip((number - 1.4) * spread, *FINGER_SPREAD) * (1 - curl) if joint == 1 else 0.0
            turn = turn @ _on_side(_rotation(y=np.broadcast_to(curl * most, CANDIDATES), z=aside), side)
            draw.turns[f"{side}_{finger}{joint}"] = turn


def _leg(draw: _Draw, side: str, hip: tuple[Array, Array, Array], knee: Array, ankle: Array | float = 20.0) -> None:
    """A leg that hangs from the hips: degrees of the `hip`'s bend, to the side and about itself, of knee and ankle."""
    turns, (bend, aside, twist) = draw.turns, hip
    a, b = np.radians(np.clip(bend, *HIP_BEND)), np.radians(np.clip(aside, *HIP_SIDE))
    way = np.stack([np.sin(b), -np.cos(b) * np.sin(a), -np.cos(b) * np.cos(a)], -1)
    lifted = swing(-UP, way) @ _rotation(z=np.clip(twist, *HIP_TWIST))
    turns[f"{side}_thigh"] = turns["hips"] @ _on_side(lifted, side)
    turns[f"{side}_shin"] = turns[f"{side}_thigh"] @ _rotation(x=np.clip(knee, *KNEE))
    turns[f"{side}_foot"] = turns[f"{side}_toe"] = turns[f"{side}_shin"] @ _rotation(x=np.broadcast_to(np.clip(ankle, *ANKLE), CANDIDATES))


def _upright(draw: _Draw, lean: tuple[float, float] = (3, 6)) -> Array:
    """Hips that face about ahead. Returns by how many degrees they are turned to the left, (N,)."""
    facing = draw.normal(0, 12, (-30, 30))
    draw.turns["hips"] = _rotation(z=facing) @ _rotation(x=draw.normal(*lean, (-15, 30)), y=draw.normal(0, 4, (-10, 10)))
    return facing


def _standing(body: _Mannequin, draw: _Draw) -> Array:
    """On both feet, which may be a stride apart, or on one."""
    facing = _upright(draw)
    _upper_body(draw)
    squat = np.where(draw.happens(0.2), draw.uniform(0.1, 0.5), np.abs(draw.normal(0, 0.03, (-0.1, 0.1))))
    stride, wide = draw.normal(0, 0.18, (-0.45, 0.45)), 0.11 + np.abs(draw.normal(0, 0.1, (-0.3, 0.3)))
    on_one, left_lifted = draw.happens(0.18), draw.happens(0.5)
    feet = {}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        _leg(draw, side, (draw.uniform(0, 95), draw.normal(5, 9, HIP_SIDE), draw.normal(5, 10, HIP_TWIST)), draw.uniform(25, 120))
        back = np.where(on_one, 0.0, sign * stride)
        heel = np.where(draw.happens(0.4), np.clip(130 * (back - 0.1), 0, 45), 0.0)
        feet[side] = _Foot(
            np.where(on_one, 0.03, wide) * sign,
            back,
            facing + sign * draw.normal(10, 9, (-5, 35)),
            heel,
            on_one & (left_lifted if sign > 0 else ~left_lifted),
        )
    # As high as the legs let the hips be, but for a squat.
    return body.stand(draw.turns, body.stand(draw.turns, body.place(0.0, 0.0, 2.0), feet) - squat[:, None] * body.leg * UP, feet)


def _on_a_chair(body: _Mannequin, draw: _Draw) -> Array:
    """On a seat of any height, feet on the floor before it."""
    facing = _upright(draw, (-4, 7))
    _upper_body(draw, (8, 14))
    root = body.place(0.0, 0.0, draw.uniform(0.45, 0.8))
    feet = {}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        before = draw.normal(0.5, 0.14, (0.2, 0.85))
        outward = facing + sign * draw.normal(8, 10, (-10, 35))
        wide = 0.11 + np.abs(draw.normal(0, 0.07, (-0.2, 0.2)))
        feet[side] = _Foot(sign * wide, -before, outward, np.zeros(CANDIDATES), np.zeros(CANDIDATES, bool))
    return body.stand(draw.turns, root, feet)


def _on_the_floor(body: _Mannequin, draw: _Draw) -> Array:
    """Legs crossed, stretched out, drawn up, or under the body."""
    _upright(draw, (-6, 6))
    _upper_body(draw, (10, 12))
    kinds = np.array([[84, 46, 35, 128, 20], [86, 10, 8, 8, 15], [112, 8, 5, 118, 15], [86, 6, 2, 146, 45]], np.float64)
    kind = draw.rng.integers(len(kinds), size=CANDIDATES)
    for side in SIDES:
        bend, aside, twist, knee, ankle = (kinds[kind, k] + draw.rng.normal(0, 4, CANDIDATES) for k in range(5))
        _leg(draw, side, (bend, aside, twist), knee, ankle)
    return body.laid(draw.turns, body.place(0.0, 0.0, 0.3))


def _kneeling(body: _Mannequin, draw: _Draw) -> Array:
    """On both knees, or on one with the other foot before it."""
    facing = _upright(draw, (0, 5))
    _upper_body(draw)
    on_one, left_kneels = draw.happens(0.55), draw.happens(0.5)
    for side in SIDES:
        bend = draw.normal(0, 8, (-20, 25))
        _leg(
            draw,
            side,
            (bend, draw.normal(5, 5, HIP_SIDE), draw.normal(3, 5, HIP_TWIST)),
            88 + bend + draw.normal(0, 4, (-8, 8)),
            draw.uniform(25, 50),
        )
    root = body.laid(draw.turns, body.place(0.0, 0.0, 0.6))
    feet = {}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        before, outward = draw.normal(0.48, 0.05, (0.35, 0.6)), facing + sign * draw.normal(5, 8, (-10, 25))
        kneels = ~on_one | (left_kneels if sign > 0 else ~left_kneels)
        feet[side] = _Foot(sign * draw.uniform(0.1, 0.2), -before, outward, np.zeros(CANDIDATES), kneels)
    return body.stand(draw.turns, root, feet)


def _lying(body: _Mannequin, draw: _Draw) -> Array:
    """On the back, on the front or on a side."""
    side_on = draw.rng.choice([0.0, 85.0, -85.0], CANDIDATES, p=(0.5, 0.25, 0.25)) + draw.normal(0, 8, (-15, 15))
    face_down = draw.happens(0.4) & (np.abs(side_on) < 45)
    down = np.where(face_down, 90.0, -90.0)
    draw.turns["hips"] = _rotation(z=draw.uniform(-180, 180)) @ _rotation(x=down) @ _rotation(z=side_on)
    _upper_body(draw, (0, 5), np.where(face_down, -0.1, np.where(np.abs(side_on) < 45, 0.6, 0.3)))
    for side in SIDES:
        bend = np.where(face_down, draw.normal(0, 6, (-10, 15)), np.abs(draw.normal(8, 28, HIP_BEND)))
        knee = np.clip(1.1 * bend * ~face_down + np.abs(draw.normal(5, 14, KNEE)), *KNEE)
        _leg(draw, side, (bend, draw.normal(6, 7, HIP_SIDE), draw.normal(10, 10, HIP_TWIST)), knee, draw.uniform(15, 50))
    return body.laid(draw.turns, body.place(0.0, 0.0, 0.3))


def _in_the_air(body: _Mannequin, draw: _Draw) -> Array:
    _upright(draw, (6, 10))
    _upper_body(draw)
    alike, first = draw.happens(0.4), draw.normal(20, 32, HIP_BEND)
    for side in SIDES:
        bend = np.where(alike, first + draw.normal(0, 6, (-12, 12)), draw.normal(20, 35, HIP_BEND))
        knee = np.clip(np.abs(bend) * 0.9 + draw.normal(12, 25, (-40, 90)), *KNEE)
        _leg(draw, side, (bend, draw.normal(8, 12, HIP_SIDE), draw.normal(5, 10, HIP_TWIST)), knee, draw.uniform(10, 50))
    return body.laid(draw.turns, body.place(0.0, 0.0, 1.0), above=draw.uniform(0.05, 0.6))
