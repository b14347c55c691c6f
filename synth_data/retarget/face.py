# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions: from the face's mesh to values of shape keys under ARKit's names.

Distances between points of the mesh, in the head's own axes and in widths of the face, are compared with the person's own face at rest:
what it mostly shows in the clip. What a distance does from frame to frame without meaning anything is measured, too, and does not count: of
a face of 30 px, blinks can hardly be told from noise, and are left out rather than guessed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..pose.filters import fill_gaps
from ..pose.track import PoseTrack
from .head import FACE_INDEX, fitted
from .kinematics import Array
from .smoothing import local_lines

# "Left" is the person's, as in ARKit.
NAMES = (
    "eyeBlinkLeft", "eyeBlinkRight", "jawOpen", "mouthSmileLeft", "mouthSmileRight", "mouthPucker", "browInnerUp", "browDownLeft",
    "browDownRight", "browOuterUpLeft", "browOuterUpRight",
)  # fmt: skip
# Per side, left first: pairs of upper and lower lid, and the eye's corners.
LIDS = (((386, 374), (385, 380), (387, 373)), ((159, 145), (158, 153), (160, 144)))
CORNERS = ((263, 362), (33, 133))
INNER_LIPS = ((13, 14), (82, 87), (312, 317))
MOUTH = (291, 61)
INNER_BROW, OUTER_BROW = ((336, 285), (107, 55)), ((300, 293), (70, 63))
MEASURES = 11  # of `_measured`: two lids, lips, two corners' distances and heights, two inner and two outer brows

# The face at rest, in widths of the face (the lids: of the eye), where a clip is too short to tell; the medians of people filmed.
AT_REST = np.array([0.27, 0.27, 0.012, 0.17, 0.17, 0.0, 0.0, 0.115, 0.115, 0.125, 0.125])
# The percentile of a clip at which a measure is at rest: eyes are mostly open, mouths mostly closed.
PERCENTILE = np.array([70, 70, 30, 50, 50, 50, 50, 50, 50, 50, 50])
KNOWN_SECONDS = 4.0  # a clip of so many seconds tells as much of a face at rest as what is known of faces does
# Changes from rest that make a value of 1.
SHUT = 0.65  # of the lids' distance
JAW, SMILE_OUT, SMILE_UP, PUCKER, BROW_UP, BROW_DOWN = 0.14, 0.03, 0.03, 0.045, 0.04, 0.03
NOISE = 3.0  # so many typical changes from frame to frame count as none
TOGETHER = 0.4  # lids whose values differ by less are taken to move together
FAR_EYE = 0.4  # of a head turned by this sine, only the eye that is nearer to the camera tells
# Lids, the corners of the mouth and brows of a face as narrow as the first, px, are not believed, of one as the second fully: of filmed
# faces of 30–35 px behind glasses, "shut" lids and "lowered" brows were wrong.
FINE, SMALL = [i for i, name in enumerate(NAMES) if name != "jawOpen"], (20.0, 42.0)
SIDEWAYS = np.cos(np.radians([25, 50]))  # of a face turned farther from the camera less is believed, and at the second nothing
BLINK_SECONDS, OTHER_SECONDS = 0.12, 0.3  # a blink lasts 0.15–0.3 s
CHUNK = 4096  # frames read at a time


def expressions(face: npt.NDArray[Any], seen: npt.NDArray[Any], time: npt.NDArray[Any]) -> tuple[tuple[str, ...], Array]:
    """Names (E) and values (F, E) in 0…1 of what a face does.

    `face` (F, 478, 3) px, MediaPipe's mesh with its relative depth; `seen` (F,) 0…1, which fades the values out; frames in which it is 0
    may hold anything. `time` (F,) seconds. No names and (F, 0) where the face is never seen.
    """
    seen, time = np.asarray(seen, np.float64), np.asarray(time, np.float64)
    there = seen > 0
    if not there.any():
        return (), np.zeros((len(face), 0))
    at = np.flatnonzero(there)
    parts = [_measured(np.asarray(face[at[i : i + CHUNK]], np.float64)) for i in range(0, len(at), CHUNK)]
    measures, frontal, sideways, width = (np.concatenate(each) for each in zip(*parts, strict=True))
    rest = _at_rest(measures, frontal, time[at])
    # Typical change from frame to frame; of a still or two frames it cannot be told, and is taken to be that of a face of 60 px.
    noise = np.median(np.abs(np.diff(measures, axis=0)), axis=0) if len(at) > 8 else 0.04 * AT_REST.clip(0.1)
    values = _valued(measures, rest, NOISE * noise, sideways) * frontal[:, None]
    values[:, FINE] *= np.clip((width[:, None] - SMALL[0]) / (SMALL[1] - SMALL[0]), 0, 1)
    whole = np.zeros((len(face), len(NAMES)))
    whole[there] = values
    whole = fill_gaps(whole, there)
    for columns, window in ((slice(0, 2), BLINK_SECONDS), (slice(2, None), OTHER_SECONDS)):
        whole[:, columns] = local_lines(whole[:, columns], time, seen, window)
    return NAMES, np.multiply(np.clip(whole, 0, 1), seen[:, None])


def expressions_on_clock(track: PoseTrack, person: int, time: Array) -> tuple[tuple[str, ...], npt.NDArray[np.float32]]:
    """Names (E) and values (F, E) float32 in 0…1 of the person with the id `person` at `time` (F,), seconds in the track's clock.

    The person must be in the track. No names where their face was never seen.
    """
    p = int(np.flatnonzero(track.person_id == person)[0])
    face, score = track.face_image[p], track.face_score[p]
    there = (score > 0) & np.isfinite(face[:, list(FACE_INDEX)]).all(axis=(1, 2))
    names, values = expressions(face, there * np.clip(score / 0.8, 0, 1), track.time)
    out = np.stack([np.interp(time, track.time, column) for column in values.T], -1) if names else np.zeros((len(time), 0))
    return names, out.astype(np.float32)


def _measured(face: Array) -> tuple[Array, Array, Array, Array]:
    """What is measured of faces (F, 478, 3) px: (F, MEASURES); how frontal each is: (F,) 0…1; the sine of the angle by which its left
    side is turned away: (F,); its width: (F,) px."""
    turn, width = fitted(face[:, FACE_INDEX])
    p = np.stack([face[..., 0], face[..., 2], -face[..., 1]], -1)
    p = np.einsum("fji,fnj->fni", turn, p) / np.maximum(width, 1e-6)[:, None, None]  # left, back, up

    def apart(pairs: tuple[tuple[int, int], ...]) -> Array:
        return np.mean([np.linalg.norm(p[:, a] - p[:, b], axis=-1) for a, b in pairs], axis=0)

    def height(points: tuple[int, ...]) -> Array:
        return p[:, points, 2].mean(axis=1)

    middle = p[:, (2, 168), 0].mean(axis=1)  # under the nose, and its bridge
    lips = height((13, 14))
    columns = [apart(LIDS[side]) / np.maximum(apart((CORNERS[side],)), 1e-6) for side in range(2)]
    columns.append(apart(INNER_LIPS))
    columns += [np.abs(p[:, MOUTH[side], 0] - middle) for side in range(2)]
    columns += [p[:, MOUTH[side], 2] - lips for side in range(2)]
    columns += [height(brow[side]) - height(CORNERS[side]) for brow in (INNER_BROW, OUTER_BROW) for side in range(2)]
    t = np.clip((turn[:, 1, 1] - SIDEWAYS[1]) / (SIDEWAYS[0] - SIDEWAYS[1]), 0, 1)
    return np.stack(columns, -1), t * t * (3 - 2 * t), turn[:, 1, 0], width


def _at_rest(measures: Array, frontal: Array, time: Array) -> Array:
    """(MEASURES,) of the person's face at rest: what the clip shows, as far as it is long enough, and what faces mostly are."""
    use = measures[frontal > 0.5] if (frontal > 0.5).any() else measures
    own = np.array([np.percentile(column, percent) for column, percent in zip(use.T, PERCENTILE, strict=True)])
    step = float(np.median(np.diff(time))) if len(time) > 1 else 0.0
    seconds = min(len(use) * step, float(np.ptp(time)) if len(time) > 1 else 0.0)
    share = seconds / (seconds + KNOWN_SECONDS)
    return share * own + (1 - share) * AT_REST


def _valued(measures: Array, rest: Array, quiet: Array, sideways: Array) -> Array:
    """(F, E) values of `NAMES`, 0…1, of `measures` (F, MEASURES) against those at `rest`; changes of `quiet` or less count as none;
    `sideways` (F,) as from `_measured`."""
    change = np.subtract(measures, rest)
    change = np.multiply(np.sign(change), np.maximum(np.abs(change) - quiet, 0))
    lids = -change[:, :2] / np.maximum(SHUT * rest[:2] - quiet[:2], 0.1 * rest[:2])
    lids = lids.clip(0, 1)
    near = np.clip(0.5 + 0.5 * np.stack([-sideways, sideways], -1) / FAR_EYE, 0, 1)
    both = np.sum(near * lids, axis=1, keepdims=True)
    apart = (
        np.clip((np.abs(lids[:, :1] - lids[:, 1:]) - TOGETHER) / TOGETHER, 0, 1) * (1 - np.clip(np.abs(sideways) / FAR_EYE, 0, 1))[:, None]
    )
    lids = both + apart * (lids - both)
    jaw = change[:, 2] / JAW
    # An open mouth is narrower, and its corners lie higher against the middle of the lips than those of a closed one: neither is a smile.
    out = change[:, 3:5] + 0.1 * np.maximum(change[:, 2:3], 0)
    smile = 0.5 * (out / SMILE_OUT + change[:, 5:7] / SMILE_UP)
    pucker = -out.mean(axis=1) / PUCKER
    inner, outer = change[:, 7:9], change[:, 9:11]
    columns = [
        *lids.T,
        jaw,
        *smile.T,
        pucker,
        inner.mean(axis=1) / BROW_UP,
        *(-inner / BROW_DOWN).T,
        *(outer / BROW_UP).T,
    ]
    return np.stack(columns, -1).clip(0, 1)
