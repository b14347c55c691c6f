# SPDX-License-Identifier: GPL-3.0-or-later
"""A clip of any length: what all its frames share from pieces of it, then its frames in overlapping windows."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..contacts import contacts
from ..kinematics import Array
from .minimise import minimise
from .skeleton import SCALES, Skeleton, attached, posed
from .start import TYPICAL_HEIGHT
from .terms import FRAMES_OF_EVIDENCE, VIEW, Expected, Observed, Pinned, Problem, State, Weights, joined, shared_values
from .view import KnownCamera

WINDOW = 480  # frames solved at once: memory is bounded by them
OVERLAP_SECONDS = 1.0
PIECES = 6  # of a longer clip from which the camera and the body's proportions are estimated
PIN = 1e4
FOOT_LANDMARKS = (29, 31, 30, 32)  # heels and toes, in the order of contacts
# Steps of each round; contacts are found anew between rounds.
ROUNDS, FAST_ROUNDS = (12, 8, 8), (5, 4)


def solve(
    skeleton: Skeleton,
    seen: Observed,
    start: State,
    known: KnownCamera,
    *,
    fast: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[State, Array]:
    """The motion and its contacts (F, 4) 0 or 1, from observations and a first guess, whose scales are taken for the likeliest.

    `progress` is called with the steps done and their greatest possible number, and may raise to stop.
    """
    weights = Weights()
    frames = len(start.root)
    rounds = FAST_ROUNDS if fast else ROUNDS
    windows = _windows(frames, round(OVERLAP_SECONDS * seen.fps))
    total = sum(rounds) * (len(windows) + (len(windows) > 1))
    done = 0

    def run(seen: Observed, state: State, expected: Expected, pinned: Pinned | None = None) -> tuple[State, Array]:
        nonlocal done
        first = done
        contact = touching(skeleton, state, seen)
        for number, steps in enumerate(rounds):

            def check(before: int = first + sum(rounds[:number])) -> None:
                nonlocal done
                done = max(done + 1, before)
                progress(min(done, total), total)

            problem = Problem(skeleton, seen, expected, weights, contact, pinned)
            state = minimise(problem, state, steps, check)
            contact = touching(skeleton, state, seen)
        done = first + sum(rounds)
        return state, contact

    expected = expectations(start, known, weights, frames)
    if len(windows) == 1:
        return run(seen, start, expected)
    length = WINDOW // PIECES
    pieces = [slice(round(k), round(k) + length) for k in np.linspace(0, frames - length, PIECES)]
    surveyed, _ = run(joined([seen.part(p) for p in pieces]), start.part(pieces), expected)
    fixed = Expected(expected.mean, expected.spread, np.zeros(len(expected.free), bool))
    whole = State(start.root.copy(), start.free.copy(), start.vectors.copy(), surveyed.view, surveyed.scales)
    contact = np.zeros((frames, 4))
    for number, window in enumerate(windows):
        pinned = None
        if number:
            strength = np.zeros(window.stop - window.start)
            strength[: windows[number - 1].stop - window.start - round(0.5 * OVERLAP_SECONDS * seen.fps)] = PIN
            pinned = Pinned(strength, whole.part([window]))
        begin = whole.part([window])
        if number:
            _continued(begin, start.part([window]), windows[number - 1].stop - window.start)
        state, down = run(seen.part(window), begin, fixed, pinned)
        keep = 0 if pinned is None else int((pinned.strength > 0).sum())
        at = slice(window.start + keep, window.stop)
        whole.root[at], whole.free[at], whole.vectors[at] = state.root[keep:], state.free[keep:], state.vectors[keep:]
        contact[at] = down[keep:]
    return whole, contact


def _continued(begin: State, guess: State, known: int) -> None:
    """Let the first guess of what follows go on from where the frames before end: their last place is where the guess' was."""
    begin.root[known:] += begin.root[known - 1] - guess.root[known - 1]


def _windows(frames: int, overlap: int) -> list[slice]:
    if frames <= WINDOW:
        return [slice(0, frames)]
    overlap = min(overlap, WINDOW // 3)
    count = math.ceil((frames - overlap) / (WINDOW - overlap))
    starts = np.linspace(0, frames - WINDOW, count).round().astype(int)
    return [slice(int(s), int(s) + WINDOW) for s in starts]


def expectations(start: State, known: KnownCamera, weights: Weights, frames: int) -> Expected:
    """What is expected of the shared unknowns, and which of them are free."""
    mean = shared_values(start)
    mean[1], mean[2] = math.radians(known.pitch or 0.0), known.height or TYPICAL_HEIGHT
    spread = np.array([weights.focal, weights.pitch, weights.height, *[weights.scale] * len(SCALES)])
    # The landmarks' errors hardly change from frame to frame, so that many frames together are one piece of evidence.
    spread /= math.sqrt(max(min(frames, WINDOW) / FRAMES_OF_EVIDENCE, 1.0))
    given = [known.focal_px is not None, known.pitch is not None, known.height is not None]
    free = np.ones(len(mean), bool)
    free[:VIEW] = ~np.array(given)
    return Expected(mean, spread, free)


def touching(skeleton: Skeleton, state: State, seen: Observed) -> Array:
    """(F, 4) 1 where heel or ball of the left or right foot touch the floor, else 0."""
    body = posed(skeleton, state.root, state.free, state.vectors, state.scales, derivatives=False)
    soles = attached(body, skeleton.soles)[0]
    edges = np.flatnonzero(~seen.linked) + 1
    visible = seen.weight[:, FOOT_LANDMARKS]
    pieces = zip(np.split(soles, edges), np.split(visible, edges), strict=True)
    return np.concatenate([contacts(sole, seen.fps, sure) for sole, sure in pieces]).astype(np.float64)
