# SPDX-License-Identifier: GPL-3.0-or-later
"""Expressions: from the face's mesh to values of shape keys under ARKit's names."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..pose.filters import fill_gaps
from ..pose.track import PoseTrack
from .kinematics import Array

# "Left" is the person's, as in ARKit.
NAMES = (
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "jawOpen",
)
EYES = ((263, 386, 374, 362), (33, 159, 145, 133))  # per side: outer corner, upper lid, lower lid, inner corner
LIPS = (13, 14)  # inner edge of the upper and of the lower
BROW, CHIN = 10, 152
# Values at which a measure is taken for 0 and for 1: lids' distance over the eye's width; lips' distance over the face's height.
OPEN_EYE, SHUT_EYE = 0.28, 0.10
OPEN_JAW = 0.22


def expressions(face: npt.NDArray[Any], seen: npt.NDArray[Any], time: npt.NDArray[Any]) -> tuple[tuple[str, ...], Array]:
    """Names (E) and values (F, E) in 0…1 of what a face does.

    `face` (F, 478, 3) px, MediaPipe's mesh with its relative depth; `seen` (F,) 0…1, which fades the values out; frames in which it is 0
    may hold anything. `time` (F,) seconds. No names and (F, 0) where the face is never seen.
    """
    there = np.asarray(seen) > 0
    if not there.any():
        return (), np.zeros((len(face), 0))
    p = np.asarray(face[there], np.float64)

    def apart(a: int, b: int) -> Array:
        return np.linalg.norm(p[:, a] - p[:, b], axis=-1)

    values = [(OPEN_EYE - apart(upper, lower) / apart(outer, inner)) / (OPEN_EYE - SHUT_EYE) for outer, upper, lower, inner in EYES]
    values.append(apart(*LIPS) / apart(BROW, CHIN) / OPEN_JAW)
    out = np.zeros((len(face), len(NAMES)))
    out[there] = np.clip(np.stack(values, -1), 0, 1)
    return NAMES, fill_gaps(out, there) * np.asarray(seen, np.float64)[:, None]


def expressions_on_clock(track: PoseTrack, person: int, time: Array) -> tuple[tuple[str, ...], npt.NDArray[np.float32]]:
    """Names (E) and values (F, E) float32 in 0…1 of the person with the id `person` at `time` (F,), seconds in the track's clock.

    The person must be in the track. No names where their face was never seen.
    """
    p = int(np.flatnonzero(track.person_id == person)[0])
    face = track.face_image[p]
    seen = (np.isfinite(face).all(axis=(1, 2)) & (track.face_score[p] > 0)).astype(np.float64)
    names, values = expressions(face, seen, track.time)
    out = np.stack([np.interp(time, track.time, column) for column in values.T], -1) if names else np.zeros((len(time), 0))
    return names, out.astype(np.float32)
