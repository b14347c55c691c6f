# SPDX-License-Identifier: GPL-3.0-or-later

"""The curves of a training: numbers that are missing or no numbers are left out, long trainings stay a small picture."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from ningyo.synth_data.dataset.png import decode_png
from ningyo.training.curves import DPI, POINTS, SIZE, curve, draw_curves


def test_a_curve_is_of_the_lines_that_have_the_number() -> None:
    lines = [{"seconds": 60.0, "g": 2.0}, {"seconds": 90.0}, {"seconds": 120.0, "g": float("nan")}, {"seconds": 180.0, "g": 1.0}]
    minutes, values = curve(lines, "g")
    assert minutes.tolist() == [1, 3]
    assert values.tolist() == [2, 1]
    assert len(curve(lines, "psnr_fg")[0]) == 0


def test_a_long_training_is_drawn_by_means() -> None:
    minutes, values = curve([{"seconds": 60.0 * i, "g": float(i % 2)} for i in range(20 * POINTS)], "g")
    assert len(minutes) == POINTS
    assert (np.diff(minutes) > 0).all()
    assert np.allclose(values, 0.5)


def test_what_is_known_is_drawn_from_the_first_line_on() -> None:
    start = [{"step": 20 * i, "seconds": 2.0 * i, "l1": 0.2 / i, "gradient": 0.0, "dice": 0.1} for i in (1, 2)]
    joined = [line | {"d_right": 0.6, "d_right_head": 0.95, "features": 0.3} for line in start]
    held_out = [{"step": 20, "seconds": 2.0, "psnr_fg": 11.0}, {"step": 40, "seconds": 4.0, "psnr_fg": 12.0, "sharpness": 0.5}]
    drawn = [decode_png(draw_curves(*lines)) for lines in ((start, []), (joined, []), (joined, held_out))]
    height, width = (round(DPI * side) for side in SIZE[::-1])
    assert all(picture.shape[:2] == (height, width) for picture in drawn)
    half = height // 2
    assert (drawn[0][half:] != drawn[1][half:]).any()
    assert (drawn[1][:half] != drawn[2][:half]).any()
