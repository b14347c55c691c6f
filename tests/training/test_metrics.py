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


def test_head_box_holds_the_head_and_stays_inside() -> None:
    K = np.array([[100.0, 0, 32], [0, 100, 32], [0, 0, 1]])
    points = np.full((137, 3), np.nan)
    assert metrics.head_box(points, K, 1.7, 64) is None
    points[[0, 15, 16, 17, 18]] = [0, -0.5, 4]
    rows, columns = metrics.head_box(points, K, 1.7, 64)
    assert rows.start < 19 < rows.stop
    assert columns.start < 32 < columns.stop
    assert rows.start >= 0
    points[[0, 15, 16, 17, 18]] = [50, 0, 4]
    assert metrics.head_box(points, K, 1.7, 64) is None
