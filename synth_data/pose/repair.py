# SPDX-License-Identifier: GPL-3.0-or-later
"""The mistakes a pose network makes about sides, found over time and undone (numpy).

It takes left for right, of all limbs or of the arms or legs alone; and it takes a person's back for the front: seen from far away, a body
and its mirror image in depth with the sides exchanged have one silhouette (the reflection ambiguity of Sminchisescu and Triggs,
"Kinematic jump processes for monocular 3D human tracking", CVPR 2003, here of the body as a whole). So each frame is in one of a few
states, and the clip's states are those that together cost least (Viterbi 1967). Where a network wavers between front and back it
answers with their mean, a body without width: such frames are neither, and are given up. Where there are several looks at each frame
(its region shown mirrored, or turned) the path runs over them, too: a network seldom makes the same mistake in all.

All terms are costs without a unit, about 1 for a body turned over in a tenth of a second. Landmarks move like Brownian motion, so a
step costs its square over the time it took: turning round in half a second is cheap, in two frames it is not, and over a gap it says
little. What holds for as long as a state lasts (anatomy, evidence of the facing, distrust of a change) is counted by the second, whatever
the rate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from .landmarks import MIRRORED_33

Array = npt.NDArray[np.float64]
States = npt.NDArray[np.uint8]
Piece = slice | npt.NDArray[np.int64]
Looks = tuple[Array, ...]  # image and world (K, L, 33, 3), visibility (K, L, 33)

AS_DETECTED, LEGS, ARMS, ALL, FLIPPED, LOST = range(6)
# What a PoseTrack says of each state.
REPAIRED = np.array([0, 1, 1, 1, 2, 0], np.uint8)

_ARMS, _LEGS = slice(11, 23), slice(23, 33)
_CHANGES = 5  # LOST is no state to be in


def _orders() -> npt.NDArray[np.int64]:
    """(5, 33) the landmark that stands in each one's place, by state."""
    orders = np.tile(np.arange(33), (_CHANGES, 1))
    for state, part in ((LEGS, _LEGS), (ARMS, _ARMS), (ALL, slice(None)), (FLIPPED, slice(None))):
        orders[state, part] = MIRRORED_33[part]
    return orders


_ORDER = _orders()
_HIPS, _TRUNK = (23, 24), (11, 12, 23, 24)
# The landmarks compared from frame to frame, and where each part's begin.
_KEY = np.array([0, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28, 31, 32])
_PARTS = (slice(0, 3), slice(3, 9), slice(9, 17))

SPEED = 0.7  # metres in a second by which the landmarks of a part may spread without much cost
INSTANT = 0.02  # seconds added to each step: noise of the detector, which does not shrink with it
FARTHEST = 0.5  # metres beyond which a landmark costs no more
SWITCH, OTHER_LOOK = 0.6, 0.02  # of going over to another state, and to another look at the same frame
# A step is a cut to another view, and tells nothing of sides, the more it leaves the body unlike itself in every state (metres), or moves
# the trunk (metres, and metres a second) or changes its size (a share, and one a second) beyond what a person does.
CUT, JUMP, GROWTH = 0.2, (0.15, 4.0), (0.1, 1.0)
MOST_SECONDS = 0.2  # that one frame may stand for
# Costs a second. Distrust of the detection; a body that is twisted, or bends, by more than joints can.
DISTRUST = np.array([0.0, 0.8, 0.8, 1.2, 0.8])
ANATOMY = 20.0
# Toes lie lower in the picture than heels when they point at a camera above the floor. It may balance distrust, never outweigh it:
# heels may be raised.
TOES, TOES_LOWER = 0.3, 0.03
FACE, NO_FACE = 4.0, 0.5  # a face that was found; that none was found where one was looked for
# A trunk with less of its usual width is between two states. For how long a body may be given up, seconds.
LEAST_SHOULDERS, LEAST_HIPS = 0.55, 0.28
LONGEST_LOST = 0.4
_CHUNK = 2048


def find_repairs(
    image: npt.NDArray[Any],
    world: npt.NDArray[Any],
    visibility: npt.NDArray[Any],
    time: npt.NDArray[Any],
    facing: npt.NDArray[Any] | None = None,
) -> States:
    """The state of each frame of one person, (F,) uint8: AS_DETECTED, LEGS, ARMS or ALL exchanged, FLIPPED front to back, or LOST (the
    detection is between two states, for a moment); what `repaired` does.

    `image` (F, 33, 3) px, `world` (F, 33, 3) metres in MediaPipe's axes (x right, y down, z away), NaN in frames without a body,
    `visibility` (F, 33) 0…1, `time` (F,) seconds, rising. `facing` (F,) 0…1: how surely a face was seen; NaN where nobody looked.
    The arrays may lie on the disk: they are read in pieces, and what is kept is a few numbers a frame.
    """

    def read(piece: Piece) -> Looks:
        return tuple(np.asarray(array[piece], np.float64)[:, None] for array in (image, world, visibility))

    return _cheapest_path(read, 1, np.asarray(time, np.float64), facing)[1]


def find_path(
    image: npt.NDArray[Any], world: npt.NDArray[Any], visibility: npt.NDArray[Any], time: npt.NDArray[Any]
) -> tuple[npt.NDArray[np.intp], States]:
    """Of several looks at each frame the one (F,), and its state (F,) as `find_repairs` gives them, that together cost least over time.

    `image` and `world` (F, L, 33, 3) and `visibility` (F, L, 33) are as in `find_repairs`, NaN where a look found nobody. A mistake that
    not all looks make is undone by going over to another look, which costs less than to doubt them all.
    """

    def read(piece: Piece) -> Looks:
        return tuple(np.asarray(array[piece], np.float64) for array in (image, world, visibility))

    return _cheapest_path(read, image.shape[1], np.asarray(time, np.float64), None)


def repaired(
    image: npt.NDArray[Any], world: npt.NDArray[Any], visibility: npt.NDArray[Any], states: npt.NDArray[Any]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """Copies of `image` and `world` (F, 33, 3) and `visibility` (F, 33) with each frame's state (F,) undone: landmarks change places,
    and of a flipped body depth is mirrored about the hips. LOST bodies become unseen: NaN, and visibility 0."""
    order = _ORDER[np.where(states == LOST, AS_DETECTED, states)]
    flipped, lost = states == FLIPPED, states == LOST
    bodies = []
    for points in (image, world):
        changed = np.take_along_axis(np.asarray(points), order[..., None], axis=1)
        hips = changed[flipped][:, _HIPS, 2].mean(axis=1, keepdims=True)
        changed[flipped, :, 2] = 2 * hips - changed[flipped, :, 2]
        changed[lost] = np.nan
        bodies.append(changed)
    visible = np.take_along_axis(np.asarray(visibility), order, axis=1)
    visible[lost] = 0
    return bodies[0], bodies[1], visible


def _cheapest_path(
    read: Callable[[Piece], Looks], looks: int, clock: Array, facing: npt.NDArray[Any] | None
) -> tuple[npt.NDArray[np.intp], States]:
    """(F,) the look and (F,) its state on the cheapest path; `read` gives image, world and visibility (K, L, …) of some frames."""
    chosen, states = np.zeros(len(clock), np.intp), np.zeros(len(clock), np.uint8)
    seen, sound = _soundness(read, len(clock), looks)
    at = np.flatnonzero(sound.any(axis=1))
    if len(at) < 2:
        chosen[:] = seen.argmax(axis=1)
        return chosen, states  # one frame alone is left as it is
    path = _viterbi(read, clock, facing, at, sound)
    chosen[at], states[at] = path // _CHANGES, path % _CHANGES
    between = np.flatnonzero(seen.any(axis=1) & ~sound.any(axis=1))
    place = np.searchsorted(at, between)
    before, after = at[np.maximum(place - 1, 0)], at[np.minimum(place, len(at) - 1)]
    states[between] = states[np.where(clock[between] - clock[before] <= clock[after] - clock[between], before, after)]
    chosen[between] = seen[between].argmax(axis=1)
    inside = (place > 0) & (place < len(at)) & (clock[after] - clock[before] <= LONGEST_LOST)
    states[between[inside]] = LOST
    return chosen, states


def _soundness(read: Callable[[Piece], Looks], frames: int, looks: int) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """(F, L) whether there is a body, and whether its trunk is about as wide as it mostly is."""
    widths = np.full((frames, looks, 2), np.nan)
    for start in range(0, frames, _CHUNK):
        piece = slice(start, start + _CHUNK)
        pixels, points, _ = read(piece)
        there = np.isfinite(points).all(axis=(2, 3)) & np.isfinite(pixels).all(axis=(2, 3))
        trunk = np.stack([points[:, :, 11] - points[:, :, 12], points[:, :, 23] - points[:, :, 24]], 2)
        widths[piece] = np.where(there[..., None], np.linalg.norm(trunk, axis=-1), np.nan)
    seen = np.isfinite(widths[..., 0])
    if not seen.any():
        return seen, seen
    usual = np.maximum(np.quantile(widths[seen], 0.75, axis=0), 1e-6)
    return seen, seen & (np.nan_to_num(widths) >= usual * (LEAST_SHOULDERS, LEAST_HIPS)).all(axis=-1)


def _viterbi(
    read: Callable[[Piece], Looks],
    clock: Array,
    facing: npt.NDArray[Any] | None,
    at: npt.NDArray[np.int64],
    sound: npt.NDArray[np.bool_],
) -> npt.NDArray[np.int64]:
    """(K,) of the frames `at` the cheapest path (Viterbi 1967): look × 5 + state. Of equals the first look, as detected."""
    looks = sound.shape[1]
    pause = np.diff(clock[at])
    around = np.minimum(np.r_[pause[0], pause, pause[-1]], MOST_SECONDS)
    lasts = (around[:-1] + around[1:]) / 2
    came_from = np.zeros((len(at), looks * _CHANGES), np.uint8)
    cost = np.zeros(looks * _CHANGES)
    chunk = max(_CHUNK // looks**2, 1)
    for start in range(0, len(at), chunk):
        first = max(start - 1, 0)  # one more, for the step from it
        own = slice(first, start + chunk)
        frames = at[own]
        pixels, points, trust = read(frames)
        ok = sound[frames]
        trust = np.where(ok[..., None], np.nan_to_num(trust).clip(0, 1), 0.0)
        pixels, points = (np.where(ok[..., None, None], array, _of_first(array, ok)) for array in (pixels, points))
        steps = _steps(pixels, points, trust, ok, pause[first : first + len(frames) - 1])
        face = None if facing is None else np.asarray(facing[frames], np.float64)
        bad = np.stack([_badness(pixels[:, look], points[:, look], trust[:, look], face) for look in range(looks)], 1)
        bad = np.where(ok[..., None], bad * lasts[own, None, None], np.inf).reshape(len(frames), -1)
        if start == 0:
            cost = bad[0]
        for frame in range(max(start, 1), first + len(frames)):
            total = steps[frame - 1 - first] + cost  # [after, before]
            came_from[frame] = total.argmin(axis=1)
            cost = total.min(axis=1) + bad[frame - first]
    path = np.zeros(len(at), np.int64)
    state = int(cost.argmin())
    for frame in range(len(at) - 1, -1, -1):
        path[frame] = state
        state = int(came_from[frame, state])
    return path


def _of_first(array: Array, ok: npt.NDArray[np.bool_]) -> Array:
    """(K, 1, …) of (K, L, …): the first look that is `ok` (K, L)."""
    return array[np.arange(len(ok)), ok.argmax(axis=1)][:, None]


def _steps(pixels: Array, points: Array, trust: Array, ok: npt.NDArray[np.bool_], pause: Array) -> Array:
    """(K − 1, 5 L after, 5 L before) what going from one frame's body to the next one's costs, in every look and state of either.

    `pixels` and `points` (K, L, 33, 3), `trust` (K, L, 33), `ok` (K, L).
    """
    frames, looks = ok.shape
    scale = np.median(_pixels_a_metre(pixels.reshape(-1, 33, 3), points.reshape(-1, 33, 3)).reshape(frames, looks), axis=1)
    middle = np.median(pixels[:, :, _TRUNK, :2].mean(axis=2), axis=1)
    # Depth, the detector's weak axis, adds nothing here that the places in the picture do not tell.
    places = (pixels[..., :2] - middle[:, None, None]) / scale[:, None, None, None]
    shown, weight = (
        array[:, :, _ORDER[:, _KEY]].astype(np.float32).reshape(frames, looks * _CHANGES, len(_KEY), *array.shape[3:])
        for array in (places, trust)
    )
    moved = np.minimum(((shown[1:, :, None] - shown[:-1, None]) ** 2).sum(axis=-1), FARTHEST**2)
    both = weight[1:, :, None] * weight[:-1, None] + 0.02
    parts = np.stack([(moved[..., part] * both[..., part]).sum(-1) / both[..., part].sum(-1) for part in _PARTS])
    known = np.repeat(ok, _CHANGES, axis=1)
    unlike = np.where(known[1:, :, None] & known[:-1, None], parts.mean(axis=0), np.inf).min(axis=(1, 2)) / CUT**2
    jump = np.linalg.norm(middle[1:] - middle[:-1], axis=-1) / np.minimum(scale[1:], scale[:-1]) / (JUMP[0] + JUMP[1] * pause)
    growth = np.log(scale[1:] / scale[:-1]) / (GROWTH[0] + GROWTH[1] * pause)
    sure = np.exp(-(unlike + jump**2 + growth**2))
    look, change = np.divmod(np.arange(looks * _CHANGES), _CHANGES)
    switch = SWITCH * (change[:, None] != change) + OTHER_LOOK * (look[:, None] != look)
    return (parts.sum(axis=0) / (SPEED**2 * (pause + INSTANT))[:, None, None] + switch) * sure[:, None, None]


def _badness(pixels: Array, points: Array, trust: Array, facing: Array | None) -> Array:
    """(K, 5) what each state costs a second by itself."""
    bad = np.tile(DISTRUST, (len(points), 1))
    for state in (AS_DETECTED, LEGS, ARMS, ALL):
        bad[:, state] += ANATOMY * _contortion(points[:, _ORDER[state]], trust[:, _ORDER[state]])
    # Mirrored in depth and relabelled a body bends as it did: anatomy does not tell front from back.
    bad[:, FLIPPED] += bad[:, AS_DETECTED] - DISTRUST[AS_DETECTED]
    toes = points[:, (31, 32)] - points[:, (29, 30)]
    towards = -toes[..., 2] / np.maximum(np.hypot(toes[..., 0], toes[..., 2]), 0.05)
    lower = (pixels[:, (31, 32), 1] - pixels[:, (29, 30), 1]) / (1.7 * _pixels_a_metre(pixels, points))[:, None]
    seen = trust[:, (31, 32)] * trust[:, (29, 30)]
    agree = (seen * towards * np.clip(lower / TOES_LOWER, -1, 1)).mean(axis=1)
    # With the sides exchanged alone the feet still point where they did.
    bad += np.outer(TOES * agree, np.where(np.arange(_CHANGES) == FLIPPED, 1, -1))
    if facing is not None:
        # A face is missed more often than seen where there is none.
        nose = points[:, 0] - points[:, (7, 8)].mean(axis=1)
        looks = -nose[:, 2] / np.maximum(np.linalg.norm(nose, axis=-1), 0.05)
        face = 2 * np.nan_to_num(facing, nan=0.5).clip(0, 1) - 1
        bad += np.outer(np.where(face > 0, FACE, NO_FACE) * face * looks, np.where(np.arange(_CHANGES) == FLIPPED, 1, -1))
    return bad


def _contortion(points: Array, trust: Array) -> Array:
    """(K,) by how much bodies (K, 33, 3) are put together wrongly: 0 for any that a person can do, about 1 for each thing that is not."""
    up = _unit(points[:, (11, 12)].mean(axis=1) - points[:, _HIPS].mean(axis=1))

    def across(left: int, right: int) -> Array:
        line = points[:, left] - points[:, right]
        return _unit(line - (line * up).sum(-1, keepdims=True) * up)

    shoulders, hips = across(11, 12), across(23, 24)
    chest, pelvis = np.cross(shoulders, up), np.cross(hips, up)  # where they face: x right, y down, z away is right-handed
    nose = _unit(points[:, 0] - points[:, (7, 8)].mean(axis=1))
    wrong = _opposed(shoulders, hips) + 0.5 * _opposed(across(7, 8), shoulders) + _opposed(nose, chest)
    for hip, knee, ankle, heel, toe in ((23, 25, 27, 29, 31), (24, 26, 28, 30, 32)):
        thigh, shin = points[:, knee] - points[:, hip], points[:, ankle] - points[:, knee]
        bend = thigh - shin  # from the line of hip and ankle towards the knee, about
        along = _unit(thigh + shin)
        bend = bend - (bend * along).sum(-1, keepdims=True) * along
        backward = np.clip(-(bend * pelvis).sum(-1) / 0.3, 0, 1)
        wrong += 0.5 * trust[:, knee] * trust[:, ankle] * backward
        wrong += 0.5 * trust[:, heel] * trust[:, toe] * _opposed(_unit(points[:, toe] - points[:, heel]), pelvis)
    return wrong


def _opposed(a: Array, b: Array) -> Array:
    """0 for unit vectors up to 90° apart, 1 for opposite ones."""
    return np.maximum(-(a * b).sum(-1), 0)


def _unit(vectors: Array) -> Array:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _pixels_a_metre(pixels: Array, points: Array) -> Array:
    """(K,) from the spread of the landmarks in the picture and in space."""
    spread = [np.sqrt(((p[..., :2] - p[..., :2].mean(axis=1, keepdims=True)) ** 2).sum(axis=(1, 2))) for p in (pixels, points)]
    return np.maximum(spread[0], 1e-6) / np.maximum(spread[1], 1e-6)
