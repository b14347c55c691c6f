# SPDX-License-Identifier: GPL-3.0-or-later
"""The skeleton picture people know from OpenPose: coloured limbs, hands and white face points on black. For eyes, never for training."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

# Limbs and colours as OpenPose's documentation shows them; a limb has the colour of its second point.
BODY_LIMBS = (
    *((1, 8), (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (8, 9), (9, 10), (10, 11), (8, 12), (12, 13), (13, 14)),
    *((1, 0), (0, 15), (15, 17), (0, 16), (16, 18), (14, 19), (19, 20), (14, 21), (11, 22), (22, 23), (11, 24)),
)
BODY_COLOURS = (
    *((255, 0, 85), (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0), (255, 0, 0)),
    *((0, 255, 85), (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (255, 0, 170), (170, 0, 255)),
    *((255, 0, 255), (85, 0, 255), (0, 0, 255), (0, 0, 255), (0, 0, 255), (0, 255, 255), (0, 255, 255), (0, 255, 255)),
)
FINGER_COLOURS = ((255, 0, 0), (255, 255, 0), (0, 255, 125), (0, 125, 255), (255, 0, 255))  # at the tip; darker towards the wrist
FACE, LEFT_HAND, RIGHT_HAND = 25, 95, 116
FACE_CHAINS = (
    range(0, 17),
    range(17, 22),
    range(22, 27),
    range(27, 31),
    range(31, 36),
    (*range(36, 42), 36),
    (*range(42, 48), 42),
    (*range(48, 60), 48),
)


def _segments() -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Every line of the picture, in paint order: point pairs (N, 2), colours (N, 3), widths relative to a body limb's (N,). A dot is
    a pair of equals.
    """
    rows: list[tuple[int, int, tuple[float, ...], float]] = []
    for chain in FACE_CHAINS:
        ids = [FACE + i for i in chain]
        rows += [(a, b, (255, 255, 255), 0.3) for a, b in itertools.pairwise(ids)]
    rows += [(FACE + i, FACE + i, (255, 255, 255), 0.6) for i in (68, 69)]
    rows += [(a, b, BODY_COLOURS[b], 1.0) for a, b in BODY_LIMBS]
    rows += [(i, i, colour, 1.4) for i, colour in enumerate(BODY_COLOURS)]
    for hand in (LEFT_HAND, RIGHT_HAND):
        for finger, colour in enumerate(FINGER_COLOURS):
            ids = [hand, *(hand + 1 + 4 * finger + i for i in range(4))]
            for i in range(4):
                shade = 0.4 + 0.2 * i
                rows.append((ids[i], ids[i + 1], tuple(c * shade for c in colour), 0.4))
    return (
        np.array([row[:2] for row in rows], np.int64),
        np.array([row[2] for row in rows], np.float32),
        np.array([row[3] for row in rows], np.float32),
    )


_PAIRS, _COLOURS, _WIDTHS = _segments()


def draw_skeleton(points_2d: NDArray, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Draw (137, 3) points (x px, y px, visibility; body 25, face 70, left hand 21, right hand 21) on black.

    A point is unknown, and what hangs on it is not drawn, when it is NaN or its visibility is 0 or less. Points outside the picture
    are fine.
    `size` is (width, height); returns (height, width, 3) uint8 RGB. Lines are anti-aliased and as thick as the picture is big.
    """
    width, height = size
    points = np.asarray(points_2d, np.float32)
    picture = np.zeros((height, width, 3), np.float32)
    with np.errstate(invalid="ignore"):
        known = np.isfinite(points).all(-1) & (points[:, 2] > 0)
    radii = np.maximum(_WIDTHS * (max(width, height) / 256), 0.5)
    for i in np.flatnonzero(known[_PAIRS].all(-1)):
        a, b = points[_PAIRS[i], :2]
        reach = radii[i] + 1
        x0, y0 = np.floor(np.minimum(a, b) - reach)
        x1, y1 = np.ceil(np.maximum(a, b) + reach)
        x0, y0, x1, y1 = int(max(x0, 0)), int(max(y0, 0)), int(min(x1, width)), int(min(y1, height))
        if x0 >= x1 or y0 >= y1:
            continue
        x = np.arange(x0, x1, dtype=np.float32) + (0.5 - a[0])
        y = np.arange(y0, y1, dtype=np.float32)[:, None] + (0.5 - a[1])
        d = b - a
        along = np.clip((x * d[0] + y * d[1]) / max(float(d @ d), 1e-9), 0, 1)
        distance = np.hypot(x - along * d[0], y - along * d[1])
        cover = np.clip(radii[i] + 0.5 - distance, 0, 1)[..., None]
        view = picture[y0:y1, x0:x1]
        view += cover * (_COLOURS[i] - view)
    return np.rint(picture).astype(np.uint8)
