# SPDX-License-Identifier: GPL-3.0-or-later
"""Smoothing without lag of what was seen now and then, surely or not, with outliers (numpy)."""

from __future__ import annotations

import numpy as np

from .kinematics import Array


def local_lines(values: Array, time: Array, weight: Array, seconds: float) -> Array:
    """Each sample replaced by the line fitted to the samples around it; zero phase.

    `values` (F, C); `time` (F,) seconds, rising; `weight` (F,) ≥ 0; `seconds` the whole window, towards whose edges samples count less
    (tricube). Where nothing has weight, a plain mean of the window. (Cleveland, "Robust locally weighted regression and smoothing
    scatterplots", Journal of the American Statistical Association 74, 1979.)
    """
    frames = len(values)
    if frames < 2:
        return np.array(values, np.float64)
    weight = weight + 1e-4
    half = 0.5 * seconds
    step = max(float(np.median(np.diff(time))), 1e-9)
    reach = min(int(half / step + 0.5), frames - 1)
    sums, slopes = np.zeros((3, frames)), np.zeros((2, *values.shape))
    for lag in range(-reach, reach + 1):
        here, there = slice(max(-lag, 0), frames - max(lag, 0)), slice(max(lag, 0), frames - max(-lag, 0))
        offset = (time[there] - time[here]) / half
        w = weight[there] * (1 - np.minimum(np.abs(offset), 1.0) ** 3) ** 3
        for power in range(3):
            sums[power, here] += w * offset**power
        slopes[0, here] += w[:, None] * values[there]
        slopes[1, here] += (w * offset)[:, None] * values[there]
    mass, first, second = sums
    second = second + 1e-6 * mass
    return (second[:, None] * slopes[0] - first[:, None] * slopes[1]) / (mass * second - first**2)[:, None]


def robust_lines(values: Array, time: Array, weight: Array, seconds: float, outlier: float) -> Array:
    """As `local_lines`; samples that are about `outlier` or more from those around them (over all C values) count less."""
    smooth, trust = values, weight
    for _ in range(3):
        smooth = local_lines(values, time, trust, seconds)
        trust = weight / (1 + np.sum((values - smooth) ** 2, -1) / outlier**2)
    return smooth
