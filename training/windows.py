# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows of pictures: where they begin, and what of the picture they show. Joints alone decide, so no conditioning need be drawn first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..synth_data.pose.framing import NEAR
from ..synth_data.pose.landmarks import BODY_25_LIMBS

_LIMBS = np.array(BODY_25_LIMBS)


def corner_on_body(
    points: NDArray, K: NDArray, head: NDArray, size: int, window: int, rng: np.random.Generator
) -> NDArray[np.int64]:  # fmt: skip
    """(2,) int64 x, y in px, where a window of `window` px begins: half of them have a place of the head's square near their middle, the
    others one of a limb, all parts of all limbs alike; of a picture that shows no body any place.

    points: (137, 3) camera-space metres, NaN unknown; K: (3, 3) and head: (3,), the head's square, in px of a picture of `size` px.
    """
    low, high = np.maximum(head[:2] - head[2] / 2, 0), np.minimum(head[:2] + head[2] / 2, size)
    place = rng.uniform(low, high) if (low < high).all() and rng.random() < 0.5 else _on_a_limb(points, K, size, rng)
    if place is None:
        return rng.integers(0, size - window + 1, 2)
    return np.floor(place).astype(np.int64) - window // 2 + rng.integers(-window // 4, window // 4 + 1, 2)


def _on_a_limb(points: NDArray, K: NDArray, size: int, rng: np.random.Generator) -> NDArray[np.float64] | None:
    """(2,) px, a place of the limbs' lines in the picture; None where there is none."""
    ends = np.asarray(points, np.float64)[_LIMBS]
    with np.errstate(invalid="ignore"):
        ends = ends[(ends[..., 2] > NEAR).all(1)]
    ends = ends[..., :2] / ends[..., 2:] * K[(0, 1), (0, 1)] + K[:2, 2]
    start, along = ends[:, 0], ends[:, 1] - ends[:, 0]
    along[np.abs(along) < 1e-6] = 1e-6
    # Between which shares of its length a limb lies in the picture.
    crossings = np.sort((np.array([0, size])[:, None, None] - start) / along, 0)
    first, last = crossings[0].max(-1).clip(0, 1), crossings[1].min(-1).clip(0, 1)
    lengths = (last - first).clip(0) * np.linalg.norm(along, axis=-1)
    if not lengths.sum() > 0:
        return None
    limb = rng.choice(len(lengths), p=lengths / lengths.sum())
    return start[limb] + along[limb] * rng.uniform(first[limb], last[limb])


def overlap(corner: int, side: int, size: int) -> tuple[slice, slice]:
    """Of a window that begins at `corner`: which of its pixels lie in the picture, and which of the picture's they are (one axis)."""
    start, stop = max(corner, 0), min(corner + side, size)
    if start >= stop:
        return slice(0, 0), slice(0, 0)
    return slice(start - corner, stop - corner), slice(start, stop)


def square_seen(square: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """The square (centre x, centre y, side), or one of side 0 where less than half of it is in a window of `side` px."""
    x, y, s = (float(v) for v in square)
    if s <= 0:
        return np.zeros(3, np.float32)
    inside = [max(min(v + s / 2, side) - max(v - s / 2, 0), 0) / s for v in (x, y)]
    return square if inside[0] * inside[1] >= 0.5 else np.zeros(3, np.float32)
