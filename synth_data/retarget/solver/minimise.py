# SPDX-License-Identifier: GPL-3.0-or-later
"""Levenberg-Marquardt over a stretch of frames (Levenberg 1944, Marquardt 1963; Gauss-Newton where nothing is damped)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..kinematics import Array, rotation_vector_to_matrix
from .skeleton import DOF, FREE, JOINTS
from .system import LinAlgError, NormalEquations
from .terms import SHARED, VIEW, Problem, State

ENOUGH = 3e-4  # relative decrease of the objective below which a solution is taken
LEAST_DAMPING, MOST_DAMPING = 1e-6, 1e8
LONGEST_TURN = 1.0  # radians a joint turns in one step, at most


def minimise(problem: Problem, state: State, iterations: int, check: Callable[[], None]) -> State:
    """The state with the least objective that so many steps find; `check` is called once a step and may raise to stop."""
    damping = 1e-3
    value = problem.evaluate(state)
    for _ in range(iterations):
        check()
        system = NormalEquations(len(state.root), DOF, int(problem.expected.free.sum()))
        problem.evaluate(state, system)
        before = value
        while damping < MOST_DAMPING:
            try:
                candidate = _moved(state, problem, *system.solve(damping))
            except LinAlgError:
                damping = max(damping, 1e-4) * 10
                continue
            found = problem.evaluate(candidate)
            if found < value:
                state, value = candidate, found
                damping = max(damping * 0.2, LEAST_DAMPING)
                break
            damping *= 6
        if before - value < ENOUGH * before:
            break
    return state


def _moved(state: State, problem: Problem, step: Array, shared_step: Array) -> State:
    turns = step[:, 3:].reshape(len(step), len(JOINTS), 3)
    length = np.linalg.norm(turns, axis=-1, keepdims=True)
    turns = turns * np.minimum(1.0, LONGEST_TURN / np.maximum(length, 1e-9))
    shared = np.zeros(SHARED)
    shared[problem.expected.free] = shared_step
    view = replace(
        state.view,
        focal=state.view.focal * math.exp(np.clip(shared[0], -0.3, 0.3)),
        pitch=float(np.clip(state.view.pitch + np.clip(shared[1], -0.1, 0.1), -1.3, 1.3)),
        height=state.view.height + float(shared[2]),
    )
    free = state.free.copy()
    free[:, FREE] = free[:, FREE] @ rotation_vector_to_matrix(turns[:, FREE])
    vectors = state.vectors + np.where(FREE[:, None], 0.0, turns)
    return State(state.root + step[:, :3], free, vectors, view, state.scales + np.clip(shared[VIEW:], -0.2, 0.2))
