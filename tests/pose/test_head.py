# SPDX-License-Identifier: GPL-3.0-or-later
"""The head's square: around the head and its hair, as big as the head appears, and absent where it is unknown."""

from __future__ import annotations

import numpy as np
import pytest
from ningyo.synth_data.pose.head import head_square

HEIGHT = 1.7
K = np.array([[500.0, 0, 128], [0, 500, 128], [0, 0, 1]])
NECK, NOSE, EYES, EARS = 1, 0, [15, 16], [17, 18]


def head(depth: float = 4.0) -> np.ndarray:
    """(137, 3): a head above a neck, the rest unknown; camera space."""
    points = np.full((137, 3), np.nan)
    points[NECK] = 0.1, -0.45, depth
    points[NOSE] = 0.1, -0.62, depth - 0.1
    points[EYES] = [[0.07, -0.65, depth - 0.08], [0.13, -0.65, depth - 0.08]]
    points[EARS] = [[0.02, -0.63, depth], [0.18, -0.63, depth]]
    return points


def test_it_holds_the_head_with_room_for_hair_and_is_a_quarter_of_a_usual_picture() -> None:
    x, y, side = head_square(head(), K, HEIGHT)
    assert head_square(head(), K, HEIGHT).dtype == np.float32
    assert x == pytest.approx(500 * 0.1 / 4 + 128, abs=1)
    assert y < 500 * -0.63 / 4 + 128  # hair and skull are above the ears
    assert y + side / 2 > 500 * -0.5 / 4 + 128  # the chin
    assert side == pytest.approx(1.3 * HEIGHT * 500 / 4 / 4, rel=0.1)


def test_it_follows_size_distance_and_turning() -> None:
    _, _, side = head_square(head(), K, HEIGHT)
    assert head_square(head(8.0), K, HEIGHT)[2] == pytest.approx(side / 2, rel=1e-3)
    assert head_square(head(), K * [[2], [2], [1]], HEIGHT)[2] == pytest.approx(2 * side, rel=1e-3)
    big = head()
    big[EARS, 0] += [-0.1, 0.1]  # drawn characters have big heads
    assert head_square(big, K, HEIGHT)[2] > 1.5 * side
    turned = head()
    turned[EARS] = [[0.1, -0.63, 3.92], [0.1, -0.63, 4.08]]
    assert head_square(turned, K, HEIGHT) == pytest.approx(head_square(head(), K, HEIGHT), abs=1)


def test_of_what_is_known_it_makes_the_best_and_of_nothing_none() -> None:
    x, y, side = head_square(head(), K, HEIGHT)
    for unknown in (EARS, [*EARS, *EYES], [*EARS, NOSE], [*EARS, *EYES, NOSE]):
        points = head()
        points[unknown] = np.nan
        other = head_square(points, K, HEIGHT)
        assert np.abs(other[:2] - [x, y]).max() < side / 5
        assert other[2] == pytest.approx(side, rel=0.3)
    assert head_square(np.full((137, 3), np.nan), K, HEIGHT).tolist() == [0, 0, 0]
    assert head_square(head(-1.0), K, HEIGHT).tolist() == [0, 0, 0]
    assert head_square(head(0.0), K, HEIGHT).tolist() == [0, 0, 0]
