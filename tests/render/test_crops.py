# SPDX-License-Identifier: GPL-3.0-or-later
"""Boxes around a seen surface: nothing of it is left out, nothing is rendered twice, and emptiness is not rendered."""

from __future__ import annotations

import numpy as np
import pytest
from ningyo.synth_data.render.cameras import View
from ningyo.synth_data.render.crops import crops
from ningyo.synth_data.render.surface import SeenSurface, Surface, Topology

SIZE = 200


def seen(x, y, z=4.0) -> SeenSurface:
    """Triangles with corners (N, 3) at `x`, `y` px."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    corners = np.arange(x.size).reshape(-1, 3)
    topology = Topology(corners, corners[:, 0], corners[:, 0].astype(np.uint8), corners, np.zeros((*corners.shape, 2), np.float32))
    view = View(np.array([[400.0, 0, 100], [0, 400, 100], [0, 0, 1]]), np.eye(4)[:3], SIZE, 0, 0, 4.0)
    depth = np.broadcast_to(z, x.size).astype(float)
    return SeenSurface(Surface(np.zeros((x.size, 3)), topology), view, x.reshape(-1), y.reshape(-1), depth)


def covered(boxes) -> np.ndarray:
    """(H, W) how often each pixel is rendered."""
    picture = np.zeros((SIZE, SIZE), int)
    for x0, y0, x1, y1 in boxes:
        assert 0 <= x0 < x1 <= SIZE
        assert 0 <= y0 < y1 <= SIZE
        picture[y0:y1, x0:x1] += 1
    return picture


@pytest.mark.parametrize("seed", range(20))
def test_all_of_every_triangle_is_in_one_box(seed):
    rng = np.random.default_rng(seed)
    middle, spread = rng.uniform(-50, 250, (12, 1, 2)), rng.choice([2.0, 15.0, 120.0], (12, 1, 1))
    points = middle + rng.normal(size=(12, 3, 2)) * spread
    picture = covered(crops(seen(points[..., 0], points[..., 1]), 3))
    assert picture.max() <= 1
    inside = rng.dirichlet((1, 1, 1), 400)
    places = np.einsum("sk,tkc->tsc", inside, points).reshape(-1, 2)
    for offset in ((0, 0), (3, 0), (-3, 0), (0, 3), (0, -3)):
        pixels = np.floor(places + offset).astype(int)
        pixels = pixels[((pixels >= 0) & (pixels < SIZE)).all(1)]
        assert (picture[pixels[:, 1], pixels[:, 0]] == 1).all()


def test_what_is_empty_between_outstretched_arms_and_feet_is_left_out():
    arms, body = ([5, 195, 100], [40, 40, 46]), ([90, 110, 100], [20, 20, 190])
    boxes = crops(seen(*np.stack([arms, body], 1)), 3)
    assert len(boxes) > 1
    picture = covered(boxes)
    assert picture[:, 20][100:].max() == 0
    assert picture.sum() < 0.4 * SIZE * SIZE


def test_a_line_around_it_is_as_wide_as_it_is_where_the_surface_is_nearest():
    far = covered(crops(seen([[90, 110, 100]], [[90, 90, 110]]), 3, 0.01))
    near = covered(crops(seen([[90, 110, 100]], [[90, 90, 110]], (4.0, 4.0, 0.4)), 3, 0.01))
    assert far[100, 86]
    assert not far[100, 82]
    assert near[100, 77]


def test_the_whole_picture_where_something_is_behind_the_camera_and_none_where_nothing_is_seen():
    assert crops(seen([[0, 1, 2]], [[0, 1, 2]], (1.0, 1.0, -1.0)), 3) == [(0, 0, SIZE, SIZE)]
    assert crops(seen([[-90, -80, -70]], [[0, 1, 2]]), 3) == []
