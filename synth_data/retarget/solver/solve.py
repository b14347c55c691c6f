# SPDX-License-Identifier: GPL-3.0-or-later
"""A clip of any length, solved in overlapping windows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..kinematics import Array
from ..root import contacts
from .minimise import minimise
from .skeleton import SCALES, Skeleton, attached, posed
from .start import TYPICAL_HEIGHT
from .terms import SHARED, VIEW, Expected, Observed, Problem, State, Weights, shared_values
from .view import KnownCamera


def expectations(state: State, known: KnownCamera, weights: Weights, *, free: bool = True) -> Expected:
    mean = shared_values(state)
    mean[1], mean[2] = math.radians(known.pitch or 0.0), known.height or TYPICAL_HEIGHT
    spread = np.array([weights.focal, weights.pitch, weights.height, *[weights.scale] * len(SCALES)])
    given = [known.focal_px is not None, known.pitch is not None, known.height is not None, *[False] * len(SCALES)]
    return Expected(mean, spread, np.array([free and not g for g in given]))


def touching(skeleton: Skeleton, state: State, fps: float) -> Array:
    body = posed(skeleton, state.root, state.free, state.vectors, state.scales, derivatives=False)
    return contacts(attached(body, skeleton.soles)[0], fps).astype(np.float64)


def solve(
    skeleton: Skeleton,
    seen: Observed,
    state: State,
    known: KnownCamera,
    check: Callable[[], None],
    weights: Weights | None = None,
    rounds=((12,), (8,), (8,)),
    scales=True,
) -> tuple[State, Array]:
    weights = weights or Weights()
    expected = expectations(state, known, weights)
    if not scales:
        expected.free[VIEW:] = False
    contact = touching(skeleton, state, seen.fps)
    for (iterations,) in rounds:
        problem = Problem(skeleton, seen, expected, weights, contact)
        state = minimise(problem, state, iterations, check)
        contact = touching(skeleton, state, seen.fps)
    return state, contact
