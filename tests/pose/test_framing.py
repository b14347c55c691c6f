# SPDX-License-Identifier: GPL-3.0-or-later
"""The box around the character, its camera, and its steadiness over a clip."""

from __future__ import annotations

import numpy as np
import pytest
from ningyo.synth_data.pose.framing import MARGIN, crop_for, crop_intrinsics, project, smooth_crops, snap_crop

K = np.array([[900.0, 0, 640], [0, 900, 360], [0, 0, 1]])
HEIGHT = 1.6


def standing(x: float = 0.3, z: float = 4.0) -> np.ndarray:
    """(137, 3) points spread over a body of the given place in camera space."""
    rng = np.random.default_rng(0)
    points = rng.uniform([-0.4, -0.8, -0.2], [0.4, 0.8, 0.2], (137, 3))
    points[8] = 0
    return points + np.array([x, 0, z])


def test_the_box_has_the_characters_size_and_holds_its_joints() -> None:
    box = crop_for(standing(), K, HEIGHT)
    assert box[2] == pytest.approx(MARGIN * HEIGHT * 900 / 4)
    pixels = project(standing(), K)
    assert (np.abs(pixels - box[:2]) < box[2] / 2).all()
    low, high = pixels[np.r_[0:25, 95:137]].min(0), pixels[np.r_[0:25, 95:137]].max(0)
    assert box[:2] == pytest.approx((low + high) / 2)


def test_leading_axes_and_cameras_broadcast() -> None:
    points = np.stack([standing(0), standing(1)])
    boxes = crop_for(points, np.stack([K, 2 * K]), HEIGHT)
    assert boxes.shape == (2, 3)
    assert boxes[0] == pytest.approx(crop_for(points[0], K, HEIGHT))
    assert crop_intrinsics(K, boxes, 128).shape == (2, 3, 3)


def test_the_crops_camera_sees_the_box() -> None:
    box = crop_for(standing(), K, HEIGHT)
    inner = crop_intrinsics(K, box, 256)
    shifted = (project(standing(), K) - (box[:2] - box[2] / 2)) * 256 / box[2]
    assert project(standing(), inner) == pytest.approx(shifted)


def test_unknown_points_do_not_matter_and_no_points_give_no_box() -> None:
    points = standing()
    points[30:] = np.nan
    points[3, 2] = -1
    assert np.isfinite(crop_for(points, K, HEIGHT)).all()
    points[8] = np.nan  # the hips' depth: the others' mean stands in
    assert crop_for(points, K, HEIGHT)[2] == pytest.approx(MARGIN * HEIGHT * 900 / 4, rel=0.1)
    assert np.isnan(crop_for(np.full((137, 3), np.nan), K, HEIGHT)).all()


def test_smoothing_keeps_the_zoom_still_and_follows_the_walk() -> None:
    rng = np.random.default_rng(1)
    t = np.arange(100) / 25
    truth = np.stack([200 + 80 * t, np.full(100, 300.0), np.full(100, 400.0)], -1)
    noisy = truth + rng.normal(0, [4, 4, 8], truth.shape)
    noisy[40:45] = np.nan
    boxes = smooth_crops(noisy, 25)
    assert np.abs(np.diff(boxes[:, 2])).max() < 0.6
    assert np.abs(boxes[:, 2] - 400).max() < 8
    assert np.abs(boxes[:, :2] - truth[:, :2]).max() < 8
    assert np.abs(np.diff(boxes[:, :2], axis=0) - [3.2, 0]).max() < 2


def test_smoothing_short_clips_and_clips_of_nobody() -> None:
    one = np.array([[10.0, 20, 30]])
    assert smooth_crops(one, 25) == pytest.approx(one)
    assert smooth_crops(np.repeat(one, 2, 0), 25) == pytest.approx(np.repeat(one, 2, 0))
    assert np.isnan(smooth_crops(np.full((3, 3), np.nan), 25)).all()


def test_snapped_boxes_have_whole_corners_and_are_near() -> None:
    boxes = np.random.default_rng(2).uniform(50, 500, (50, 3))
    snapped = snap_crop(boxes)
    corner = snapped[:, :2] - snapped[:, 2:] / 2
    assert np.array_equal(corner, np.round(corner))
    assert np.array_equal(snapped[:, 2], np.round(snapped[:, 2]))
    assert np.abs(snapped - boxes).max() <= 1
