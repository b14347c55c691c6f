# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (torch is looked for first)
"""The metrics: right on cases whose answer is known, and not fooled by blank or blurred pictures."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from ningyo.training import metrics


def square(left: int = 20, colour: float = 0.5, size: int = 64):
    picture = torch.zeros(4, size, size)
    picture[:3, 20:44, left : left + 24] = colour
    picture[3, 20:44, left : left + 24] = 1
    return picture


def test_equal_pictures_are_perfect() -> None:
    a = square()
    assert metrics.psnr_fg(a, a) == pytest.approx(60)
    assert metrics.ssim_fg(a, a) == pytest.approx(1, abs=1e-5)
    assert metrics.alpha_iou(a, a) == 1
    assert metrics.sharpness(a, a) == pytest.approx(1)


def test_psnr_is_of_the_figure_alone() -> None:
    a, b = square(colour=0.5), square(colour=0.6)
    assert metrics.psnr_fg(a, b) == pytest.approx(-10 * math.log10(0.01), abs=0.01)


def test_blank_and_shifted_pictures_score_badly() -> None:
    blank, truth = torch.zeros(4, 64, 64), square()
    assert metrics.psnr_fg(blank, truth) < 10
    assert metrics.alpha_iou(blank, truth) == 0
    assert metrics.alpha_iou(square(26), truth) == pytest.approx(18 / 30)
    assert metrics.ssim_fg(blank, truth) < metrics.ssim_fg(square(21), truth) < 1


def test_specks_far_away_make_nothing_better() -> None:
    truth, drawn = square(), square(23)
    specked = drawn.clone()
    specked[3, 2:4, 2:4] = 0.5
    assert metrics.ssim_fg(specked, truth) < metrics.ssim_fg(drawn, truth)
    assert metrics.flip(specked, truth) > metrics.flip(drawn, truth)


def test_alpha_counts_even_where_colour_is_right_on_one_background() -> None:
    white, nothing = square(colour=1.0), torch.zeros(4, 64, 64)
    assert metrics.psnr_fg(nothing, white) < 6  # over white they are equal


def test_sharpness_sees_blur() -> None:
    truth = square()
    blurred = torch.nn.functional.avg_pool2d(truth[None], 5, 1, 2)[0]
    assert metrics.sharpness(blurred, truth) < 0.7


def test_tdiff_of_frozen_and_right_movement() -> None:
    truth = [square(20 + i) for i in range(4)]
    wrong, moved = metrics.tdiff([truth[0]] * 4, truth)
    assert wrong / moved == pytest.approx(1)
    wrong, moved = metrics.tdiff(truth, truth)
    assert wrong == 0 < moved


def test_head_crops_are_of_one_size_and_know_where_there_is_no_head() -> None:
    picture = square()
    crop = metrics.head_crop(picture, np.array([32, 32, 10.0]))
    assert crop is not None
    assert crop.shape == (4, 128, 128)
    assert bool((crop[3] == 1).all())  # all of it lies inside the square
    assert metrics.head_crop(picture, np.array([32, 32, 0.0])) is None
    assert metrics.head_crop(picture, np.array([200, 32, 10.0])) is None
    half = metrics.head_crop(picture, np.array([0, 32, 40.0]))  # half outside of the picture, where nothing is
    assert half is not None
    assert not half[:, :, :60].any()
    large = metrics.head_crop(torch.ones(4, 300, 300), np.array([150, 150, 256.0]))
    assert large is not None
    assert float((large - 1).abs().max()) < 1e-5


def test_boundary_f_forgives_two_pixels_and_no_more() -> None:
    truth = square(20)
    assert metrics.boundary_f(truth, truth) == 1
    assert metrics.boundary_f(square(22), truth) == pytest.approx(1)
    assert metrics.boundary_f(square(24), truth) < 0.75
    assert metrics.boundary_f(torch.zeros(4, 64, 64), truth) == 0
    assert metrics.boundary_f(torch.zeros(4, 64, 64), torch.zeros(4, 64, 64)) == 1


def test_flip_tells_equal_from_near_from_far() -> None:
    truth = square(colour=0.5)
    assert metrics.flip(truth, truth) == 0
    near, far = metrics.flip(square(colour=0.55), truth), metrics.flip(square(colour=0.9), truth)
    assert 0 < near < far < 1
    assert math.isnan(metrics.flip(torch.zeros(4, 64, 64), torch.zeros(4, 64, 64)))
    # Of the figure's surroundings alone: a larger empty picture around it changes nothing.
    wide = [torch.nn.functional.pad(x, (40, 40, 40, 40)) for x in (square(colour=0.9), truth)]
    assert metrics.flip(*wide) == pytest.approx(far, abs=2e-3)


def test_flow_warp_sees_flicker_and_not_movement() -> None:
    before, after = square(20), square(23)
    flow = np.zeros((64, 64, 2), np.float32)
    flow[..., 0] = 3
    seen = np.zeros((64, 64), bool)
    seen[20:44, 20:44] = True
    wrong, pixels = metrics.flow_warp((before, after), (before, after), flow, seen)
    assert (wrong, pixels) == (pytest.approx(0, abs=1e-2), 24 * 24)
    flicker, _ = metrics.flow_warp((before, square(23, colour=0.6)), (before, after), flow, seen)
    assert flicker / pixels == pytest.approx(25.5, abs=0.1)
    # What the renders themselves change is not held against the pictures.
    same, _ = metrics.flow_warp((before, square(23, colour=0.6)), (before, square(23, colour=0.6)), flow, seen)
    assert same == pytest.approx(0, abs=1e-2)
    assert metrics.flow_warp((before, after), (before, after), flow, np.zeros((64, 64), bool)) == (0.0, 0)


def test_shake_is_of_second_differences() -> None:
    even = np.stack([metrics.silhouette(square(left)) for left in range(10, 20, 2)])
    assert even[0, :2] == pytest.approx([22, 32])
    assert even[0, 2] == 24 * 24
    assert metrics.shake(even) == (pytest.approx(0), pytest.approx(0))
    jumping = np.stack([metrics.silhouette(square(20 + k % 2)) for k in range(6)])
    assert metrics.shake(jumping) == (pytest.approx(2), pytest.approx(0))
    assert math.isnan(metrics.shake(even[:2])[0])


def test_pck_counts_joints_near_enough_and_misses_all_where_nobody_was_found() -> None:
    rng = np.random.default_rng(0)
    true = rng.uniform(0, 64, (25, 2))
    known = np.ones(25, bool)
    known[4] = False
    off = true + np.array([2.9, 0])
    off[3] += [0.3, 0]
    off[8] += 50  # not one of the joints that count
    assert metrics.pck(off, true, known, 15.0) == (10, 11)
    assert metrics.pck(None, true, known, 15.0) == (0, 11)
