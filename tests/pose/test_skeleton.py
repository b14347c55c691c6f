# SPDX-License-Identifier: GPL-3.0-or-later
"""The skeleton picture: OpenPose's limbs and colours, and points that may be missing or outside."""

from __future__ import annotations

import numpy as np
from ningyo.synth_data.pose.skeleton import BODY_COLOURS, BODY_LIMBS, draw_skeleton


def test_a_limb_has_its_colour_and_place() -> None:
    points = np.zeros((137, 3))
    points[2], points[3] = (100, 50, 1), (100, 180, 1)  # right shoulder, right elbow
    picture = draw_skeleton(points, (192, 288))
    assert picture.shape == (288, 192, 3)
    assert picture.dtype == np.uint8
    assert tuple(picture[100, 100]) == BODY_COLOURS[3]
    assert not picture[:, 120:].any()
    assert not picture[200:].any()


def test_every_limb_is_drawn_and_an_unknown_end_takes_it_away() -> None:
    rng = np.random.default_rng(0)
    for a, b in BODY_LIMBS:
        points = np.zeros((137, 3))
        points[[a, b], :2], points[[a, b], 2] = rng.uniform(20, 100, (2, 2)), 1
        with_limb = np.count_nonzero(draw_skeleton(points, (128, 128)))
        for unknown in (0.0, np.nan):
            points[b, 2] = unknown
            assert np.count_nonzero(draw_skeleton(points, (128, 128))) < with_limb


def test_lines_are_anti_aliased_and_scale_with_the_picture() -> None:
    points = np.zeros((137, 3))
    points[1], points[8] = (30, 10, 1), (45, 100, 1)
    small = draw_skeleton(points, (128, 128))
    assert len(np.unique(small[..., 0])) > 8
    large = draw_skeleton(points * [4, 4, 1], (512, 512))
    assert 0.4 < (np.count_nonzero(large) / large.size) / (np.count_nonzero(small) / small.size) < 1.1


def test_points_anywhere_are_safe() -> None:
    rng = np.random.default_rng(0)
    for scale in (1e2, 1e4, 1e9):
        points = np.concatenate([rng.normal(0, scale, (137, 2)), np.ones((137, 1))], 1)
        points[::7] = np.nan
        assert draw_skeleton(points, (64, 64)).shape == (64, 64, 3)
    assert not draw_skeleton(np.full((137, 3), np.nan), (32, 32)).any()
