# SPDX-License-Identifier: GPL-3.0-or-later
"""Values at other times, taken between the frames by their time stamps (numpy)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .kinematics import Array, continuous


def resample(values: npt.NDArray[Any], times: Array, wanted: Array) -> Array:
    """(F, …) values at `times` (F,) → linearly between them at `wanted` (N,), held at the ends."""
    low, high, weight = _between(times, wanted)
    weight = weight.reshape(-1, *[1] * (values.ndim - 1))
    return (1 - weight) * values[low] + weight * values[high]


def resample_rotations(quaternions: npt.NDArray[Any], times: Array, wanted: Array) -> Array:
    """(F, B, 4) unit quaternions at `times` → (N, B, 4) at `wanted`, by spherical interpolation (Shoemake 1985), held at the ends."""
    low, high, weight = _between(times, wanted)
    a, b = quaternions[low], quaternions[high]
    cosine = np.sum(a * b, -1, keepdims=True)
    b, cosine = np.where(cosine < 0, -b, b), np.abs(cosine)
    angle = np.arccos(np.clip(cosine, 0.0, 1.0))
    sine = np.sin(angle)
    t = weight[:, None, None]
    near = sine < 1e-6  # the weights of spherical interpolation tend to those of linear
    safe = np.where(near, 1.0, sine)
    q = np.where(near, 1 - t, np.sin((1 - t) * angle) / safe) * a + np.where(near, t, np.sin(t * angle) / safe) * b
    return continuous(q / np.linalg.norm(q, axis=-1, keepdims=True))


def _between(times: Array, wanted: Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Array]:
    place = np.interp(wanted, times, np.arange(len(times)))
    place = np.where(np.abs(place - np.round(place)) < 1e-6, np.round(place), place)  # a frame that is there is taken as it is
    low = np.floor(place)
    return low.astype(np.int64), np.minimum(low.astype(np.int64) + 1, len(times) - 1), place - low
