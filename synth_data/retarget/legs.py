# SPDX-License-Identifier: GPL-3.0-or-later
"""Legs that reach where a foot belongs: the bend of a knee, and the little that hips give way (numpy)."""

from __future__ import annotations

import numpy as np

from .kinematics import Array, swing, unit

# Of the leg's full length, a knee bent by 16° and one by 6°: one drawn straight snaps, so from the first on it straightens less and less.
STRETCH, STRAIGHTEST = 0.99, 0.9985
FOLDED = 0.26  # of the leg's full length, a knee bent by 150°
BENT = 0.15  # sine of a knee's bend from which on the plane it bends in is its own
HIPS_SECONDS = 0.4  # the hips give way slowly
ROUNDS = 4


def reach_limits(thigh: Array, shin: Array) -> tuple[Array, Array]:
    """Shortest and longest way (F,) from hip to ankle that legs with bones `thigh` and `shin` (F, 3) may take: those of a bent knee, or
    their own where they are straighter or more folded than that."""
    full = np.linalg.norm(thigh, axis=-1) + np.linalg.norm(shin, axis=-1)
    now = np.linalg.norm(thigh + shin, axis=-1)
    return np.minimum(FOLDED * full, now), np.maximum(STRETCH * full, now)


def bend_legs(thigh: Array, shin: Array, wanted: Array, axis: Array) -> tuple[Array, Array]:
    """World rotations (F, 3, 3) of thighs and shins that take ankles from `thigh` + `shin` to `wanted`, all (F, 3) from the hip's joint.

    The knee bends as far as the law of cosines says, in the plane in which it is bent, or about the hinge's own `axis` (F, 3) the
    straighter it is; then the leg swings to its aim the short way. What is out of reach is pointed at, by a knee that is all but straight.
    An ankle that is where it belongs leaves its leg as it is.
    """
    upper, lower = np.linalg.norm(thigh, axis=-1), np.linalg.norm(shin, axis=-1)
    shortest, longest = reach_limits(thigh, shin)
    reach = np.maximum(np.linalg.norm(wanted, axis=-1), shortest)
    room = np.maximum(STRAIGHTEST * (upper + lower) - longest, 1e-9)
    reach = np.minimum(reach, longest + room * -np.expm1(-np.maximum(reach - longest, 0.0) / room))
    u, w = unit(thigh), unit(shin)
    cosine = (reach**2 - upper**2 - lower**2) / (2 * upper * lower)
    bend, bent = np.arccos(np.clip(cosine, -1, 1)), np.arctan2(np.linalg.norm(np.cross(u, w), axis=-1), np.sum(u * w, -1))
    change = bend - bent
    own = w - np.sum(u * w, -1, keepdims=True) * u
    hinge = unit(np.cross(axis, u))  # the way the shin goes when a knee bends
    needed = np.maximum(0.0, BENT - np.sin(bent)) * np.minimum(1.0, np.abs(change) / BENT)
    aside = unit(own + needed[:, None] * hinge)
    aside = np.where(np.linalg.norm(aside, axis=-1, keepdims=True) > 0.5, aside, hinge)
    new = np.cos(bend)[:, None] * u + np.sin(bend)[:, None] * aside
    turn = swing(unit(upper[:, None] * u + lower[:, None] * new), unit(wanted))
    return turn, turn @ swing(w, new)


def give_way(hips: Array, ankles: Array, longest: Array, fps: float) -> Array:
    """(F, 3) metres by which to move the body so that legs reach: smooth in time, and as little as that allows.

    `hips` (F, L, 3) the legs' joints, `ankles` (F, L, 3) where they shall be, NaN where that does not matter, `longest` (F, L).

    Per frame it is the smallest move onto all legs' spheres (alternating projections of Dykstra), which is then smoothed; what that leaves
    out of reach is met by lowering, under an envelope that is smooth.
    """
    held = np.isfinite(ankles).all(axis=-1)
    aim = np.where(held[..., None], ankles - hips, 0.0)
    move = np.zeros((len(hips), 3))
    window = HIPS_SECONDS * fps
    for _ in range(ROUNDS):
        more = _onto_spheres(aim - move[:, None], longest, held)
        if not more.any():
            return move
        move = move + averaged(more, window)
    rest = aim - move[:, None]
    room = longest**2 - np.sum(rest[..., :2] ** 2, -1)
    down = np.where(held & (room > 0), np.minimum(0.0, np.sqrt(np.maximum(room, 0.0)) + rest[..., 2]), 0.0).min(axis=1)
    return move + np.stack([0 * down, 0 * down, _smooth_below(down, window)], -1)


def averaged(values: Array, window: float) -> Array:
    """`values` (F, C) averaged over `window` frames under Hann's curve; towards the ends over those that there are."""
    if len(values) < 2:
        return values.copy()
    half = min(max(round(window / 2), 1), len(values) - 1)
    weights = np.hanning(2 * half + 3)[1:-1]
    mass = np.convolve(np.ones(len(values)), weights)[half : half + len(values)]
    return np.stack([np.convolve(column, weights)[half : half + len(values)] / mass for column in values.T], -1)


def _onto_spheres(aim: Array, radius: Array, held: Array) -> Array:
    """(F, 3) smallest moves m with |aim − m| ≤ radius for every held leg; `aim` (F, L, 3), `radius` and `held` (F, L)."""
    move = np.zeros((len(aim), 3))
    memory = np.zeros_like(aim)
    for _ in range(12):
        for leg in range(aim.shape[1]):
            start = move + memory[:, leg]
            way = aim[:, leg] - start
            excess = np.where(held[:, leg], np.maximum(np.linalg.norm(way, axis=-1) - radius[:, leg], 0.0), 0.0)
            move = start + unit(way) * excess[:, None]
            memory[:, leg] = start - move
    return move


def _smooth_below(values: Array, window: float) -> Array:
    """(F,) a smooth curve nowhere above `values`: their running minimum, averaged under a Hann window of the same width."""
    half = max(round(window / 2), 1)
    padded = np.pad(values, 2 * half, mode="edge")
    least = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1).min(axis=-1)
    weights = np.hanning(2 * half + 3)[1:-1]
    return np.convolve(least, weights / weights.sum(), mode="valid")
