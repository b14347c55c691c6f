# SPDX-License-Identifier: GPL-3.0-or-later
"""Poses as inexact as a capture's, for training: joint angles and the whole body's turn and depth are disturbed, never points alone,
so that bones stay as long as they are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .framing import MID_HIP, NECK
from .landmarks import BODY_25, HAND_21

Array = NDArray[np.float64]

# Standard deviations about each axis, degrees, of what hangs on a joint. Together with all that it hangs on, a quarter of what was measured
# on a dancing character (`benchmarks/pose_noise.py`; its README has the figures); who stands still has less, from 0.2 to 1.6 a bone. Not
# all of it, because a generator that is asked for the old picture of a pose that has moved far learns to blur.
TURNS = {
    "body": 0.8,
    "torso": 0.8,
    "head": 0.4,
    "shoulder": 3.0,
    "elbow": 2.7,
    "wrist": 2.0,
    "finger": 1.8,
    "hip": 1.75,
    "knee": 2.35,
    "ankle": 2.4,
}
DEPTH = 0.004  # of the body's distance: all that was measured

_FACE = np.r_[25:95]
_HEAD = np.r_[BODY_25.index("nose"), [BODY_25.index(f"{side}_{part}") for side in ("left", "right") for part in ("eye", "ear")], _FACE]


def _joints() -> tuple[tuple[str, int, NDArray[np.intp] | slice], ...]:
    """Name, pivot and what hangs on it, from the ends of the limbs to the middle: a turn moves what later turns have not moved yet."""
    found: list[tuple[str, int, NDArray[np.intp] | slice]] = []
    above = [NECK, *_HEAD.tolist()]
    for side, first in (("left", 95), ("right", 116)):
        shoulder, elbow, wrist, hip, knee, ankle = (
            BODY_25.index(f"{side}_{joint}") for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
        )
        hand = np.arange(first, first + 21)
        for name in ("thumb", "index", "middle", "ring", "pinky"):
            base = first + HAND_21.index(f"{name}1")
            found.append(("finger", base, np.arange(base + 1, base + 4)))
        foot = np.array([BODY_25.index(f"{side}_{point}") for point in ("big_toe", "small_toe", "heel")])
        found += [
            ("wrist", wrist, hand),
            ("elbow", elbow, np.r_[wrist, hand]),
            ("shoulder", shoulder, np.r_[elbow, wrist, hand]),
            ("ankle", ankle, foot),
            ("knee", knee, np.r_[ankle, foot]),
            ("hip", hip, np.r_[knee, ankle, foot]),
        ]
        above += [shoulder, elbow, wrist, *hand.tolist()]
    found += [("head", NECK, _HEAD), ("torso", MID_HIP, np.array(above)), ("body", MID_HIP, slice(None))]
    return tuple(found)


_JOINTS = _joints()


def jittered(points: NDArray, rng: np.random.Generator, sigma: float = 1.0) -> Array:
    """Points (…, 137 + 2·S, 3) camera-space metres with `sigma` times the noise of TURNS and DEPTH; NaN stays. All frames of a clip get
    the same, since a capture's errors last for longer than a frame, and flicker is not what is to be learnt.
    """
    points = np.array(points, np.float64)
    turns = rng.normal(size=(len(_JOINTS), 3))
    depth = rng.normal()
    for (name, pivot, moved), turn in zip(_JOINTS, turns, strict=True):
        centre = points[..., pivot, None, :]
        places = centre + (points[..., moved, :] - centre) @ _rotation(np.radians(sigma * TURNS[name]) * turn).T
        points[..., moved, :] = np.where(np.isfinite(centre), places, points[..., moved, :])
    away = points[..., MID_HIP, None, :] * (sigma * DEPTH * depth)
    points += np.where(np.isfinite(away), away, 0.0)
    return points


def _rotation(vector: Array) -> Array:
    """(3, 3) of a rotation vector in radians (Rodrigues)."""
    angle = float(np.linalg.norm(vector))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
