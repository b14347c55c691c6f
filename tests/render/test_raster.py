# SPDX-License-Identifier: GPL-3.0-or-later
"""The z-buffer against rays tried on every triangle."""

from __future__ import annotations

import numpy as np
import pytest
from ningyo.synth_data.render.raster import ZBuffer, rasterise

SIZE = (40, 30)
FOCAL, CENTRE = 50.0, np.array([20.0, 15.0])


def seen(vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Camera-space vertices (V, 3) as px and depth."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return (*(FOCAL * vertices[:, :2].T / vertices[:, 2] + CENTRE[:, None]), vertices[:, 2])


def by_brute_force(vertices: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rays through all pixels' centres against every triangle (Moeller and Trumbore 1997): depth, triangle, weights."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]] + 0.5
    rays = np.stack([(x - CENTRE[0]) / FOCAL, (y - CENTRE[1]) / FOCAL, np.ones_like(x)], -1).reshape(-1, 3)
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    e1, e2 = b - a, c - a
    p = np.cross(rays[:, None], e2)
    det = (e1 * p).sum(-1)
    u = -(a * p).sum(-1) / det
    q = np.cross(-a, e1)
    v = rays @ q.T / det
    t = (e2 * q).sum(-1) / det
    t = np.where((u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0), t, np.inf)
    nearest = t.argmin(1)
    rows = np.arange(len(rays))
    u, v = u[rows, nearest], v[rows, nearest]
    return t[rows, nearest], nearest, np.stack([1 - u - v, u, v], 1)


def test_every_pixel_shows_the_nearest_triangle():
    random = np.random.default_rng(0)
    centres = random.uniform((-1, -0.8, 2), (1, 0.8, 5), (150, 1, 3))
    vertices = (centres + random.normal(size=(150, 3, 3)) * random.choice([0.02, 0.1, 0.5], (150, 1, 1))).reshape(-1, 3)
    triangles = np.asfortranarray(np.arange(450).reshape(-1, 3))
    found = rasterise(*seen(vertices), triangles, SIZE)
    depth, triangle, weights = by_brute_force(vertices, triangles)
    covered = np.isfinite(depth)
    assert 200 < covered.sum() < 1150
    np.testing.assert_array_equal(found.pixel, np.flatnonzero(covered))
    np.testing.assert_array_equal(found.triangle, triangle[covered])
    np.testing.assert_allclose(found.depth, depth[covered], rtol=1e-9)
    np.testing.assert_allclose(found.weights, weights[covered], atol=1e-7)
    np.testing.assert_allclose(found.mix(vertices[triangles[found.triangle]])[:, 2], found.depth, rtol=1e-9)


def test_shared_edges_leave_no_gap_and_of_equals_the_first_wins():
    corners = np.array([[-0.2, -0.2, 2], [0.2, -0.2, 2], [0.2, 0.2, 2], [-0.2, 0.2, 2]])
    sheet = np.array([[0, 1, 2], [0, 2, 3]])
    found = rasterise(*seen(corners), np.concatenate([sheet, sheet]), SIZE)
    assert len(found.pixel) == 100
    assert set(found.triangle) == {0, 1}


def test_triangles_at_the_camera_and_outside_are_left_out():
    vertices = np.array([[-1.0, -1, 0], [1, -1, 3], [0, 1, 3], [5, 5, 1], [6, 5, 1], [5, 6, 1], [0, 0, -1], [1, 0, -1], [0, 1, -1]])
    for triangle in ([0, 1, 2], [3, 4, 5], [6, 7, 8], [6, 1, 2]):
        found = rasterise(*seen(vertices), np.array([triangle]), SIZE)
        assert len(found.pixel) == 0
        assert found.region() == (0, 0, 0, 0)
        assert (found.at(np.array([[3.0, 4.0], [np.nan, 1.0]])) == -1).all()
    assert not found.dense(np.zeros((0, 2))).any()


def test_look_up_and_region():
    z = ZBuffer((4, 3), np.array([1, 6]), np.array([7, 9]), np.full((2, 3), 1 / 3), np.array([2.0, 3.0]))
    places = np.array([[1.0, 0.99], [1.999, 0.0], [2.5, 1.5], [0.5, 0.5], [4.0, 1.0], [-0.1, 0.0], [np.nan, 0.0]])
    np.testing.assert_array_equal(z.at(places), [0, 0, 1, -1, -1, -1, -1])
    assert z.region() == (1, 0, 3, 2)
    picture = z.dense(z.depth, np.inf)
    assert picture.shape == (3, 4)
    assert picture[0, 1] == 2
    assert picture[1, 2] == pytest.approx(3)
    assert np.isinf(picture).sum() == 10
