# SPDX-License-Identifier: GPL-3.0-or-later
"""Smoothing without delay, and bridging of short gaps, for signals sampled at any times (numpy).

Savitzky and Golay, "Smoothing and differentiation of data by simplified least squares procedures", Analytical Chemistry 36 (1964); here
with weights and with the samples' own times, so a variable rate, gaps and the ends need no special treatment.
"""

from __future__ import annotations

import numpy as np


def savitzky_golay(values: np.ndarray, time: np.ndarray, window: float, weights: np.ndarray | None = None, order: int = 2) -> np.ndarray:
    """Each sample replaced by a polynomial of degree `order` fitted to the samples around it; zero phase.

    `values` (F, …) with NaN where unseen, `time` (F,) seconds, rising, `window` seconds in all, `weights` (F, …) or anything that
    broadcasts against `values` from the left (a joint's visibility for its three coordinates: (F, J, 1)); ≥ 0, None: all alike.
    Samples at the window's edge count less (tricube). NaN stays NaN; a sample with fewer than order + 1 neighbours is fitted by a lower
    degree. Returns float64 (F, …).
    """
    values = np.asarray(values, np.float64)
    flat = values.reshape(len(values), -1)
    seen = np.isfinite(flat)
    weight = np.ones(values.shape) if weights is None else np.broadcast_to(np.asarray(weights, np.float64), values.shape)
    weight = np.where(seen, np.nan_to_num(weight.reshape(flat.shape)), 0.0)
    filled = np.where(seen, flat, 0.0)
    out = np.full(flat.shape, np.nan)
    half = window / 2
    starts = np.searchsorted(time, time - half, "left")
    ends = np.searchsorted(time, time + half, "right")
    powers = np.arange(order + 1)
    for frame, (start, end) in enumerate(zip(starts, ends, strict=True)):
        offset = (time[start:end] - time[frame]) / half
        w = weight[start:end] * ((1 - np.minimum(np.abs(offset), 1) ** 3) ** 3 + 1e-9)[:, None]
        basis = offset[:, None] ** powers
        # Normal equations of every channel at once: (C, order + 1, order + 1).
        normal = np.einsum("kc,ki,kj->cij", w, basis, basis)
        right = np.einsum("kc,ki,kc->ci", w, basis, filled[start:end])
        mass = normal[:, 0, 0]
        known = (mass > 1e-12) & seen[frame]
        if not known.any():
            continue
        # A trace of ridge on all but the constant: where too few samples determine the curve, it becomes a line, or a mean.
        ridge = 1e-6 * mass[:, None] * (powers > 0)
        normal += ridge[:, :, None] * np.eye(order + 1)
        out[frame, known] = np.linalg.solve(normal[known], right[known][..., None])[:, 0, 0]
    return out.reshape(values.shape)


def gaps(seen: np.ndarray, time: np.ndarray, longest: float) -> list[tuple[int, int]]:
    """Runs of unseen frames that lie between seen ones no more than `longest` seconds apart: [first, last + 1) each.

    `seen` (F,) bool, `time` (F,) seconds.
    """
    at = np.flatnonzero(seen)
    return [(a + 1, b) for a, b in zip(at[:-1].tolist(), at[1:].tolist(), strict=True) if b - a > 1 and time[b] - time[a] <= longest]


def bridge(values: np.ndarray, time: np.ndarray, gap: tuple[int, int]) -> np.ndarray:
    """Values over a gap [first, last + 1), linear in time between the frames around it: (last + 1 − first, …)."""
    first, end = gap
    share = (time[first:end] - time[first - 1]) / (time[end] - time[first - 1])
    share = share.reshape(-1, *[1] * (values.ndim - 1))
    return values[first - 1] * (1 - share) + values[end] * share
