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
    picture = np.zeros((height * width, 3), np.float32)
    line, pixel, cover = covered_pixels(points_2d, size, _PAIRS, _WIDTHS)
    # Lines are painted one over the other. All first layers of all pixels at once, then all second ones, and so on.
    by_pixel = np.argsort(pixel, kind="stable")
    layer = np.empty(len(pixel), np.int64)
    first = np.flatnonzero(np.diff(pixel[by_pixel], prepend=-1))
    layer[by_pixel] = np.arange(len(pixel)) - np.repeat(first, np.diff(first, append=len(pixel)))
    for k in range(int(layer.max(initial=-1)) + 1):
        now = layer == k
        at = pixel[now]
        picture[at] += cover[now, None] * (_COLOURS[line[now]] - picture[at])
    return np.rint(picture).astype(np.uint8).reshape(height, width, 3)


def draw_limbs(points_2d: NDArray, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Each limb of the body in a channel of its own: (24, height, width) uint8, 255 on the limb, in the order of BODY_LIMBS; points and
    `size` as for `draw_skeleton`. What crosses stays apart, which one picture cannot show.
    """
    width, height = size
    picture = np.zeros((len(BODY_LIMBS), height * width), np.uint8)
    line, pixel, cover = covered_pixels(points_2d, size, np.array(BODY_LIMBS), np.ones(len(BODY_LIMBS), np.float32))
    picture[line, pixel] = np.rint(cover * 255)
    return picture.reshape(-1, height, width)


def covered_pixels(
    points_2d: NDArray, size: tuple[int, int], pairs: NDArray[np.int64], widths: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Which lines between `pairs` (N, 2) of points cover which pixels, and how much (0…1): three arrays, line after line."""
    width, height = size
    points = np.asarray(points_2d, np.float32)
    with np.errstate(invalid="ignore"):
        known = np.isfinite(points).all(-1) & (points[:, 2] > 0)
    lines = np.flatnonzero(known[pairs].all(-1))
    a, b = points[pairs[lines, 0], :2], points[pairs[lines, 1], :2]
    radii = np.maximum(widths[lines] * (max(width, height) / 256), 0.5)
    reach, d = radii + 1, b - a
    # Row after row of each line, and of these rows the pixels between where the line enters and leaves its surroundings.
    top = np.clip(np.floor(np.minimum(a[:, 1], b[:, 1]) - reach), 0, height).astype(np.int64)
    bottom = np.clip(np.ceil(np.maximum(a[:, 1], b[:, 1]) + reach), 0, height).astype(np.int64)
    of, row = spread(top, bottom)
    with np.errstate(divide="ignore", invalid="ignore"):
        enter, leave = ((row + np.float32(0.5) + side * reach[of] - a[of, 1]) / d[of, 1] for side in (-1, 1))
    flat = np.abs(d[of, 1]) < 1e-6
    enter, leave = (np.clip(np.where(flat, ends, t), 0, 1) for ends, t in ((0, enter), (1, leave)))
    x = np.stack([a[of, 0] + enter * d[of, 0], a[of, 0] + leave * d[of, 0]])
    left = np.clip(np.floor(x.min(0) - reach[of]), 0, width).astype(np.int64)
    right = np.clip(np.ceil(x.max(0) + reach[of]), 0, width).astype(np.int64)
    span, column = spread(left, right)
    of, row = of[span], row[span]
    x, y = column + np.float32(0.5) - a[of, 0], row + np.float32(0.5) - a[of, 1]
    along = np.clip((x * d[of, 0] + y * d[of, 1]) / np.maximum((d * d).sum(1), 1e-9)[of], 0, 1)
    distance = np.hypot(x - along * d[of, 0], y - along * d[of, 1])
    cover = np.clip(radii[of] + 0.5 - distance, 0, 1).astype(np.float32)
    some = cover > 0
    return lines[of[some]], (row * width + column)[some], cover[some]


def spread(start: NDArray[np.int64], stop: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All whole numbers of the ranges start (N,) … stop − 1, and of which range each is."""
    counts = np.maximum(stop - start, 0)
    of = np.repeat(np.arange(len(start)), counts)
    return of, start[of] + np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)
