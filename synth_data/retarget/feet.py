# SPDX-License-Identifier: GPL-3.0-or-later
"""Feet that hold the floor: contacts solved again on the rig, exactly.

While a heel or a toe is in contact it stays in one place on the floor, and the foot rolls from heel to toe about it. In between, what had
to be corrected comes and goes with the least acceleration. Holding a motion again changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .body import ANKLE_LIMIT, SIDES, bend_frame, rest_joints, transpose
from .contacts import Flags, runs, shortest, without_flicker
from .kinematics import (
    Array,
    check_bones,
    continuous,
    matrix_to_axis_angle,
    matrix_to_quaternion,
    pose,
    rotation_vector_to_matrix,
    rotations_of,
    swing,
    unit,
)
from .legs import averaged, bend_legs, give_way, reach_limits
from .markers import MEASURED_LEG
from .motion import Motion
from .rig import Rig
from .roles import REQUIRED_ROLES
from .root import soles, standing_height
from .stances import Foot, Stances, stances

DOWN = 0.5  # a contact above it is one
# Metres; a foot further from where it would have to stand is let go: off the hips that follow, and in all.
FURTHEST, FURTHEST_IN_ALL = 0.15, 0.25
OTHER_FLOOR = 0.01  # metres; a motion whose lowest soles are by more off the floor is raised or lowered as a whole
FADE = 10.0  # 1/s: corrections fade as fast as a beam on springs straightens, to a fifth in 0.2 s
FORGOTTEN_SECONDS = 1.0  # after a contact, in which nothing is left of its correction
LIFTS = 6
HIPS_SECONDS = 1.0  # the hips follow what feet are corrected by, slowly
NOTHING = 2e-5  # metres; what is nearer needs no lifting
TOE_LIMIT = np.radians(70)


@dataclass(frozen=True)
class _Leg:
    """One leg as it was: places (F, 3) and turns (F, 3, 3)."""

    foot: Foot
    hip: Array
    knee: Array
    ankle: Array
    thigh_turn: Array
    shin_turn: Array
    foot_turn: Array
    toe_turn: Array

    def at(self, point: Array) -> Array:
        return self.ankle + self.foot_turn @ point


def hold_feet(rig: Rig, motion: Motion, *, floor: float | None = None) -> Motion:
    """The motion on `rig` with feet that hold the floor at world height `floor`, metres (default: the one the rig stands on).

    A motion that stands higher or lower is moved there as a whole, the camera with it, so that it still lies over the person in the video.
    The new motion's `contact` says which contacts are held: without flicker, and without those that would need a foot to go further than
    15 cm. Raises UserError when the motion moves bones that the rig does not have.
    """
    check_bones(rig, motion)
    body = _body_of(rig)
    kept = [k for k, bone in enumerate(motion.bones) if bone in body.names]
    part = replace(motion, bones=tuple(motion.bones[k] for k in kept), rotation=motion.rotation[:, kept])
    local, root = rotations_of(body, part), motion.root_position.astype(np.float64)
    floor = standing_height(rig) if floor is None else floor
    down = without_flicker(motion.contact > DOWN)
    lowest = soles(body, *_posed(body, local, root))[..., 2].min(axis=1)
    rise = np.array([0.0, 0.0, _to_the_floor(lowest, down.any(axis=1), floor, OTHER_FLOOR * rig.leg_length / MEASURED_LEG)])
    camera = motion.camera
    if camera is not None:
        view = camera.world_to_camera.copy()
        view[:, 3] -= view[:, :3] @ rise
        camera = replace(camera, world_to_camera=view)
    local, root, down = hold(body, local, root + rise, down, motion.fps, floor)
    roles = [f"{side}_{part}" for side in SIDES for part in ("thigh", "shin", "foot", "toe")]
    legs = [body.names[body.index_of_role[role]] for role in roles if role in body.index_of_role]
    turned = continuous(matrix_to_quaternion(local[:, [body.names.index(name) for name in legs]]))
    names = list(dict.fromkeys([*motion.bones, *legs]))
    rotation = np.empty((motion.frame_count, len(names), 4), np.float32)
    rotation[:, : len(motion.bones)] = motion.rotation
    rotation[:, [names.index(name) for name in legs]] = turned
    return replace(motion, bones=tuple(names), rotation=rotation, root_position=root, contact=down.astype(np.float32), camera=camera)


def _body_of(rig: Rig) -> Rig:
    """The rig without what hangs from its hands and head: that does not move its feet, and is most of its bones."""
    wanted = {*REQUIRED_ROLES, "head_end", *(f"{side}_{part}" for side in SIDES for part in ("toe", "toe_end"))}
    keep = [False] * len(rig.bones)
    for index in reversed(range(len(rig.bones))):
        keep[index] = keep[index] or rig.bones[index].role in wanted
        if keep[index] and rig.bones[index].parent >= 0:
            keep[rig.bones[index].parent] = True
    number = np.cumsum(keep) - 1
    kept = (bone for bone, wanted_one in zip(rig.bones, keep, strict=True) if wanted_one)
    return replace(rig, bones=tuple(replace(bone, parent=int(number[bone.parent]) if bone.parent >= 0 else -1) for bone in kept))


def hold(rig: Rig, local: Array, root: Array, down: Flags, fps: float, floor: float) -> tuple[Array, Array, Flags]:
    """Own rotations (F, B, 3, 3), hips' places (F, 3) and contacts (F, 4) that hold, from those of a motion that is about the floor.

    Contacts are those of left heel, left toe, right heel, right toe; `floor` is the world height they are on.
    """
    heads, turns = _posed(rig, local, root)
    legs = [_leg(Foot.of(rig, side), heads, turns) for side in SIDES]
    down = without_flicker(down)
    size = rig.leg_length / MEASURED_LEG  # what is far or fast for a person is so many times that for the rig
    standing = [np.stack([leg.at(leg.foot.heel), leg.at(leg.foot.ball)], 1) for leg in legs]
    places = [
        stances(leg.foot, sole[:, 0], sole[:, 1], leg.foot.heading(leg.foot_turn), down[:, 2 * k : 2 * k + 2], fps / size)
        for k, (leg, sole) in enumerate(zip(legs, standing, strict=True))
    ]
    misses = [_miss(sole, place, floor) for sole, place in zip(standing, places, strict=True)]
    follow = _hips_follow([_mean_miss(miss) for miss in misses], fps)
    held = np.zeros_like(down)
    aims: list[tuple[Array, Array]] = []
    for k, (leg, place, miss) in enumerate(zip(legs, places, misses, strict=True)):
        both = slice(2 * k, 2 * k + 2)
        held[:, both] = _holdable(leg, place, miss / size, follow / size, down[:, both])
        aims.append(_aim(leg, held[:, both], place, floor, fps))
    hips = np.stack([leg.hip for leg in legs], 1)
    wanted = np.stack([np.where(held[:, 2 * k : 2 * k + 2].any(axis=1)[:, None], ankle, np.nan) for k, (_, ankle) in enumerate(aims)], 1)
    longest = np.stack([reach_limits(leg.knee - leg.hip, leg.ankle - leg.knee)[1] for leg in legs], 1)
    shift = _hips_follow([np.nan_to_num(wanted[:, k] - leg.ankle) for k, leg in enumerate(legs)], fps)
    shift = shift + give_way(hips + shift[:, None], wanted, longest, fps)

    given: dict[int, Array] = {}
    rest = rest_joints(rig)
    for k, (side, leg, (turn, ankle)) in enumerate(zip(SIDES, legs, aims, strict=True)):
        axis = leg.thigh_turn @ bend_frame(rest, side, arm=False)[0, :, 2]
        thigh, shin = leg.knee - leg.hip, leg.ankle - leg.knee
        upper, lower = bend_legs(thigh, shin, ankle - leg.hip - shift, axis)
        given[leg.foot.thigh], given[leg.foot.shin], given[leg.foot.foot] = upper @ leg.thigh_turn, lower @ leg.shin_turn, turn
        if leg.foot.toe is not None:
            reached = leg.hip + shift + (upper @ thigh[..., None] + lower @ shin[..., None])[..., 0]
            given[leg.foot.toe] = _toes(leg, turn, reached, held[:, 2 * k + 1], floor, fps)
    return _with_turns(rig, local, turns, given), root + shift, held


def _posed(rig: Rig, local: Array, root: Array) -> tuple[Array, Array]:
    """World heads (F, B, 3) and turns (F, B, 3, 3)."""
    heads, rotations = pose(rig, local, root)
    return rig.to_world(heads), rig.world_rotation @ rotations @ transpose(rig.rest_rotations)


def _leg(foot: Foot, heads: Array, turns: Array) -> _Leg:
    toe = foot.foot if foot.toe is None else foot.toe
    bones = (foot.thigh, foot.shin, foot.foot)
    return _Leg(foot, *(heads[:, bone] for bone in bones), *(turns[:, bone] for bone in (*bones, toe)))


def _to_the_floor(lowest: Array, standing: Flags, floor: float, least: float) -> float:
    """Metres to raise a whole motion by that stands at another height than the floor's, by `least` or more; `lowest` (F,) the height of its
    lowest sole."""
    if not standing.any():
        return 0.0
    off = floor - float(np.median(lowest[standing]))
    return off if abs(off) > least else 0.0


def _miss(sole: Array, places: Stances, floor: float) -> Array:
    """(F, 2, 3) from where heel and ball are, `sole` (F, 2, 3), to where they belong; NaN where they are not down."""
    place = np.stack([places.heel, places.ball], 1)
    return np.concatenate([place, np.full((*place.shape[:2], 1), floor)], -1) - sole


def _mean_miss(miss: Array) -> Array:
    """(F, 3) by how far a foot is off: the mean of its points that are down, 0 where none is."""
    seen = np.isfinite(miss).all(axis=-1)
    return np.where(seen[..., None], miss, 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)[:, None]


def _hips_follow(misses: list[Array], fps: float) -> Array:
    """(F, 3) how the hips follow feet that are off by `misses` (F, 3) each: where both are, the hips were wrong; where one is, by half."""
    return averaged(np.mean(misses, axis=0), HIPS_SECONDS * fps)


def _holdable(leg: _Leg, places: Stances, miss: Array, follow: Array, down: Flags) -> Flags:
    """Contacts (F, 2) of one foot that can be held.

    Let go is what would have to move too far, `miss` (F, 2, 3) of which hips `follow` (F, 3), both in a person's metres, or to bend the
    ankle further than it goes; of each run the longest part stays, and nothing if that is the smaller part of it: a foot that slides so
    far is not standing.
    """
    flat = np.isfinite(places.heading)
    own = _angle(transpose(leg.shin_turn) @ leg.foot_turn)
    ankle = _angle(transpose(leg.shin_turn) @ leg.foot.flat(np.where(flat, places.heading, 0.0)))
    far, by_leg = (np.nan_to_num(np.linalg.norm(way, axis=-1), nan=np.inf) for way in (miss, miss - follow[:, None]))
    near = (far < FURTHEST_IN_ALL) & (by_leg < FURTHEST)
    held = np.zeros_like(down)
    for k in range(2):
        fits = down[:, k] & near[:, k]
        if k == 0:
            fits &= ~flat | (ankle < np.maximum(ANKLE_LIMIT, own + 1e-6))
        for start, end in runs(down[:, k]):
            parts = runs(fits[start:end])
            a, b = max(parts, key=lambda part: part[1] - part[0], default=(0, 0))
            if 2 * (b - a) > end - start and b - a >= shortest(len(down)):
                held[start + a : start + b, k] = True
    return held


def _aim(leg: _Leg, held: Flags, places: Stances, floor: float, fps: float) -> tuple[Array, Array]:
    """Turns (F, 3, 3) of the foot and places (F, 3) of the ankle: held ones exact, the others on the way from one to the next."""
    foot, flat = leg.foot, held.all(axis=1)
    standing = held.any(axis=1)
    known = np.where(flat, places.heading, 0.0)
    missing = matrix_to_axis_angle(foot.flat(known) @ transpose(leg.foot_turn))
    turn = rotation_vector_to_matrix(carry(missing, flat, fps)) @ leg.foot_turn
    turn = np.where(flat[:, None, None], foot.flat(known), turn)

    # Rolling on heel or toe, the other end stays above the floor, and the ankle within what it can do.
    bend = transpose(leg.shin_turn) @ turn
    own = np.maximum(ANKLE_LIMIT, _angle(transpose(leg.shin_turn) @ leg.foot_turn))
    over = (_angle(bend) > own + 1e-6) & ~flat
    turn[over] = leg.shin_turn[over] @ _limited(bend[over], own[over])
    on_toe = held[:, 1]
    pivot = np.where(on_toe[:, None], foot.ball, foot.heel)
    far = (turn @ (np.where(on_toe[:, None], foot.heel, foot.ball) - pivot)[..., None])[..., 0]
    sinks = standing & ~flat & (far[:, 2] < 0)
    turn[sinks] = swing(unit(far[sinks]), unit(far[sinks] * (1.0, 1.0, 0.0))) @ turn[sinks]

    place = np.where(on_toe[:, None], places.ball, places.heel)
    pinned = np.concatenate([place, np.full((len(place), 1), floor)], 1)
    wanted = pinned - (turn @ pivot[..., None])[..., 0]
    missing = np.where(standing[:, None], wanted - leg.ankle, 0.0)
    moved = carry(missing, standing, fps)
    above = np.stack([(turn @ point)[:, 2] for point in (foot.heel, foot.ball)], -1).min(axis=1)
    moved[:, 2] = _lifted(moved[:, 2], missing[:, 2], standing, floor - leg.ankle[:, 2] - above, fps)
    return turn, np.where(standing[:, None], wanted, leg.ankle + moved)


def _lifted(moved: Array, missing: Array, known: Flags, least: Array, fps: float) -> Array:
    """Corrections (F,) that are nowhere under `least`: where they would be, the worst frame is set right and carries its neighbours."""
    known, missing = known.copy(), missing.copy()
    for _ in range(LIFTS):
        under = ~known & (least - moved > NOTHING)
        if not under.any():
            break
        for start, end in runs(under):
            worst = start + int(np.argmax((least - moved)[start:end]))
            known[worst], missing[worst] = True, least[worst]
        moved = carry(missing[:, None], known, fps)[:, 0]
    return np.where(known, moved, np.maximum(moved, least))


def _toes(leg: _Leg, turn: Array, ankle: Array, on_toe: Flags, floor: float, fps: float) -> Array:
    """(F, 3, 3) turns of the toes: flat on the floor while they are on it, and never under it."""
    foot = leg.foot
    joint = ankle + turn @ foot.toe_joint
    own = transpose(leg.foot_turn) @ leg.toe_turn
    laid = _tip_at(foot.flat(foot.heading(turn)), foot.tip, floor - joint[:, 2], on_toe)
    bend = transpose(turn) @ laid
    missing = carry(matrix_to_axis_angle(transpose(own) @ bend), on_toe, fps)
    toes = turn @ own @ rotation_vector_to_matrix(missing)
    toes = np.where(on_toe[:, None, None], laid, toes)
    return _tip_at(toes, foot.tip, floor - joint[:, 2], joint[:, 2] + (toes @ foot.tip)[:, 2] < floor)


def _tip_at(toes: Array, tip: Array, height: Array, where: Flags) -> Array:
    """Toes (F, 3, 3) swung up or down `where` (F,), until their `tip` (3,) is at `height` (F,) over their joint, if they reach so far."""
    way = toes @ tip
    length = np.linalg.norm(way, axis=-1)
    rise = np.clip(height, -0.95 * length, np.sin(TOE_LIMIT) * length)
    level = np.sqrt(length**2 - rise**2)[:, None] * unit(way * (1.0, 1.0, 0.0))
    aim = np.concatenate([level[:, :2], rise[:, None]], 1)
    return np.where(where[:, None, None], swing(unit(way), unit(aim)) @ toes, toes)


def carry(values: Array, known: Flags, fps: float) -> Array:
    """`values` (F, C) where they are `known` (F,), and what is between: the curve of least acceleration that is drawn to zero.

    It minimises Σ |c''|² + FADE⁴ |c|² over the unknown frames, so speeds go on at the edges and no acceleration is larger than it must be.
    """
    out = np.where(known[:, None], values, 0.0)
    reach = max(round(FORGOTTEN_SECONDS * fps), 2)
    for start, end in runs(~known):
        before, after = min(start, 2), min(len(known) - end, 2)
        if end - start <= 2 * reach and before and after:
            _fill(out, start, end, before, after, fps)
            continue
        if before:
            _fill(out, start, min(start + reach, end), before, 0, fps)
        if after:
            _fill(out, max(end - reach, start), end, 0, after, fps)
    return out


def _fill(out: Array, start: int, end: int, before: int, after: int, fps: float) -> None:
    """Fill [start, end) of `out` from the `before` and `after` frames around it."""
    count = end - start + before + after
    bend = np.diff(np.eye(count), 2, axis=0) * fps**2
    normal = bend.T @ bend
    free = slice(before, before + end - start)
    given = np.concatenate([out[start - before : start], out[end : end + after]])
    beside = np.concatenate([normal[free, :before], normal[free, count - after :]], 1)
    out[start:end] = np.linalg.solve(normal[free, free] + FADE**4 * np.eye(end - start), -beside @ given)


def _angle(matrix: Array) -> Array:
    """(F,) radians by which rotations (F, 3, 3) turn."""
    return np.linalg.norm(matrix_to_axis_angle(matrix), axis=-1)


def _limited(matrix: Array, limit: Array) -> Array:
    vector = matrix_to_axis_angle(matrix)
    return rotation_vector_to_matrix(unit(vector) * np.minimum(np.linalg.norm(vector, axis=-1), limit)[:, None])


def _with_turns(rig: Rig, local: Array, turns: Array, given: dict[int, Array]) -> Array:
    """Own rotations (F, B, 3, 3) that give some bones new world turns; all others keep their own."""
    local, new = local.copy(), dict[int, Array]()
    for bone, parent in enumerate(rig.parents.tolist()):
        if bone not in given and parent not in new:
            continue
        above = new.get(parent, turns[:, parent]) if parent >= 0 else np.broadcast_to(np.eye(3), (len(local), 3, 3))
        rest = rig.rest_rotations[bone]
        if bone in given:
            local[:, bone] = rest.T @ transpose(above) @ given[bone] @ rest
            new[bone] = given[bone]
        else:
            new[bone] = above @ rest @ local[:, bone] @ rest.T
    return local
