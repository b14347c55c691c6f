# SPDX-License-Identifier: GPL-3.0-or-later
"""Smoothing without delay, and bridging of short gaps, for signals sampled at any times (numpy).

Savitzky and Golay, "Smoothing and differentiation of data by simplified least squares procedures", Analytical Chemistry 36 (1964); here
with weights and with the samples' own times, so a variable rate, gaps and the ends need no special treatment.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# A speed seen at a gap's edge is taken from this many frames, and tells of the motion for about so many seconds (measured on people who
# dance and gesture, with frames hidden: benchmarks/README.md).
SPEED_FRAMES, MOTION_SECONDS = 3, 0.3


def savitzky_golay(
    values: NDArray[Any], window: float, time: NDArray[Any] | None = None, weights: NDArray[Any] | None = None, order: int = 2
) -> NDArray[Any]:
    """Each sample replaced by a polynomial of degree `order` fitted to the samples around it; zero phase.

    `values` (F, …) with NaN where unseen; `window` in all, in the units of `time` (F,), which rises (None: frames); `weights` ≥ 0,
    anything that broadcasts against `values` (a joint's visibility for its three coordinates: (F, J, 1)). Samples towards the window's
    edge count less (tricube). NaN stays NaN; where too few samples determine the curve it becomes a line, or a mean. float64 (F, …).
    """
    values = np.asarray(values, np.float64)
    if window <= 0 or len(values) < 2:
        return values.copy()
    flat = values.reshape(len(values), -1)
    seen = np.isfinite(flat)
    filled = np.where(seen, flat, 0.0)
    # Without weights and gaps all channels share one fit a frame.
    weight = np.ones((len(values), 1))
    if weights is not None or not seen.all():
        given = np.ones(()) if weights is None else np.nan_to_num(np.asarray(weights, np.float64))
        weight = np.where(seen, np.broadcast_to(given, values.shape).reshape(flat.shape), 0.0)
    clock = np.arange(len(values), dtype=np.float64) if time is None else np.asarray(time, np.float64)
    half = window / 2
    powers = np.arange(order + 1)
    out = np.full(flat.shape, np.nan)
    starts, ends = np.searchsorted(clock, clock - half, "left"), np.searchsorted(clock, clock + half, "right")
    for frame, (start, end) in enumerate(zip(starts, ends, strict=True)):
        offset = (clock[start:end] - clock[frame]) / half
        w = weight[start:end] * ((1 - np.minimum(np.abs(offset), 1) ** 3) ** 3 + 1e-9)[:, None]
        basis = offset[:, None] ** powers
        # Normal equations of all channels at once, (C, order + 1, order + 1), with a trace of ridge on all but the constant.
        normal = np.einsum("kc,ki,kj->cij", w, basis, basis)
        mass = np.maximum(normal[:, 0, 0], 1e-12)
        normal += np.eye(order + 1) * (1e-6 * mass[:, None] * (powers > 0))[:, :, None]
        normal[:, 0, 0] = mass
        # The fit's value at the frame is the constant term: a weighted sum of the samples.
        constant = np.broadcast_to(np.eye(order + 1)[:, :1], (len(mass), order + 1, 1))
        share = np.einsum("ki,ci,kc->kc", basis, np.linalg.solve(normal, constant)[..., 0], w)
        out[frame] = (share * filled[start:end]).sum(axis=0)
        out[frame, (normal[:, 0, 0] <= 1e-12) | ~seen[frame]] = np.nan
    return out.reshape(values.shape)


def fill_gaps(values: NDArray[Any], seen: NDArray[Any]) -> NDArray[Any]:
    """Unseen frames filled: linear between seen ones, held at both ends. `values` (F, …), `seen` (F,) bool with at least one True."""
    at = np.flatnonzero(seen)
    if not len(at):
        raise ValueError("nothing seen in any frame")
    place = np.interp(np.arange(len(values)), at, np.arange(len(at)))
    before = np.floor(place).astype(int)
    after = np.minimum(before + 1, len(at) - 1)
    share = (place - before).reshape(-1, *[1] * (values.ndim - 1))
    return values[at[before]] * (1 - share) + values[at[after]] * share


def gaps(seen: NDArray[Any], time: NDArray[Any], longest: float) -> list[tuple[int, int]]:
    """Runs of unseen frames that lie between seen ones no more than `longest` seconds apart: [first, last + 1) each.

    `seen` (F,) bool, `time` (F,) seconds.
    """
    at = np.flatnonzero(seen)
    return [(a + 1, b) for a, b in zip(at[:-1].tolist(), at[1:].tolist(), strict=True) if b - a > 1 and time[b] - time[a] <= longest]


def bridge(values: NDArray[Any], time: NDArray[Any], gap: tuple[int, int]) -> NDArray[Any]:
    """Values over a gap [first, last + 1), linear in time between the frames around it: (last + 1 − first, …)."""
    first, end = gap
    share = (time[first:end] - time[first - 1]) / (time[end] - time[first - 1])
    share = share.reshape(-1, *[1] * (values.ndim - 1))
    return values[first - 1] * (1 - share) + values[end] * share


def bridge_motion(values: NDArray[Any], time: NDArray[Any], gap: tuple[int, int]) -> NDArray[Any]:
    """Values over a gap [first, last + 1) that go on as they moved before and arrive as they move after it: (last + 1 − first, …).

    Cubic Hermite curves between the frames around the gap; their speeds there are those of the nearest samples, and fade into the straight
    line's the longer the gap, as what was seen then says less. For places; what has bounds (a visibility) wants `bridge`.
    """
    first, end = gap
    before, after = np.asarray(values[first - 1], np.float64), np.asarray(values[end], np.float64)
    length = float(time[end] - time[first - 1])
    straight = (after - before) / length
    known = np.exp(-length / MOTION_SECONDS)
    edges = slice(max(first - SPEED_FRAMES, 0), first), slice(end, end + SPEED_FRAMES)
    leaving, arriving = (straight + known * (_speed(values[edge], time[edge], straight) - straight) for edge in edges)
    share = (time[first:end] - time[first - 1]) / length
    share = share.reshape(-1, *[1] * before.ndim)
    bend = share * (1 - share) * length * ((1 - share) * (leaving - straight) - share * (arriving - straight))
    return before * (1 - share) + after * share + bend


def _speed(values: NDArray[Any], time: NDArray[Any], otherwise: NDArray[Any]) -> NDArray[Any]:
    """Slope of the line fitted to a few samples (F, …), each element by its samples that are finite; `otherwise` of fewer than two."""
    values = np.asarray(values, np.float64)
    seen = np.isfinite(values)
    count = np.maximum(seen.sum(axis=0), 1)
    at = np.where(seen, time.reshape(-1, *[1] * (values.ndim - 1)), 0.0)
    at = np.where(seen, at - at.sum(axis=0) / count, 0.0)
    spread = np.square(at).sum(axis=0)
    return np.where(count > 1, (at * np.where(seen, values, 0.0)).sum(axis=0) / np.where(count > 1, spread, 1.0), otherwise)
