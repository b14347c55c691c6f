# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames in which the detector took left for right, found by what is steady over time."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

UPPER = ((11, 12), (13, 14), (15, 16), (17, 18), (19, 20), (21, 22))
LOWER = ((23, 24), (25, 26), (27, 28), (29, 30), (31, 32))
# A swap must pay for itself: its cost a frame, in body heights, about; a jump costs at most LONGEST.
SWAP_COST, LONGEST = 0.035, 0.6


def find_swaps(image: npt.NDArray[Any], world: npt.NDArray[Any], pairs: tuple[tuple[int, int], ...], fps: float) -> npt.NDArray[np.bool_]:
    """(F,) True where exchanging left and right of these landmark `pairs` makes the whole clip steadiest.

    `image` (F, 33, 2) px, `world` (F, 33, 3) metres. The best of the 2^F choices by dynamic programming (Viterbi 1967): each frame costs
    its step from the one before, and a little if it is exchanged.
    """
    left, right = (list(side) for side in zip(*pairs, strict=True))
    height = max(float(np.median(np.ptp(image[..., 1], axis=1))), 1.0)
    features = np.concatenate([image * (1.7 / height), 0.5 * world], -1)
    plain = features[:, left + right].reshape(len(features), -1)
    crossed = features[:, right + left].reshape(len(features), -1)
    points = len(left + right)
    both = np.stack([plain, crossed], 1)
    # A body moves on between frames: at a low rate, by more.
    scale = np.sqrt(fps / 30)
    steps = np.linalg.norm((both[1:, :, None] - both[:-1, None]).reshape(-1, 2, 2, points, 5), axis=-1).mean(-1)
    steps = np.minimum(steps * scale, LONGEST)
    own = np.array([0.0, SWAP_COST])
    cost = own
    came_from = np.zeros((len(features), 2), np.int64)
    for frame in range(1, len(features)):
        total = cost[None] + steps[frame - 1]  # [now, before]
        came_from[frame] = total.argmin(axis=1)
        cost = total.min(axis=1) + own
    state = int(cost.argmin())
    swapped = np.zeros(len(features), bool)
    for frame in range(len(features) - 1, -1, -1):
        swapped[frame] = bool(state)
        state = int(came_from[frame, state])
    return swapped


def exchanged(values: npt.NDArray[Any], pairs: tuple[tuple[int, int], ...], where: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
    """`values` (F, 33, …) with left and right of `pairs` exchanged in the frames `where` (F,)."""
    left, right = (list(side) for side in zip(*pairs, strict=True))
    order = np.arange(values.shape[1])
    order[left + right] = right + left
    return np.where(where.reshape(-1, *[1] * (values.ndim - 1)), values[:, order], values)
