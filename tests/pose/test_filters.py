# SPDX-License-Identifier: GPL-3.0-or-later
"""Smoothing without delay; gaps."""

from __future__ import annotations

import numpy as np
import pytest
from ningyo.synth_data.pose.filters import bridge, bridge_motion, fill_gaps, gaps, savitzky_golay

TIME = np.sort(np.random.default_rng(0).uniform(0, 6, 200)) + np.arange(200) * 1e-3  # a very variable rate


def test_parabolas_pass_unchanged():
    curve = np.stack([TIME**2 - 3 * TIME, 2 * TIME + 1], axis=1)
    np.testing.assert_allclose(savitzky_golay(curve, 0.8, TIME), curve, atol=2e-3)
    even = (np.arange(60.0) - 20) ** 2
    np.testing.assert_allclose(savitzky_golay(even, 9), even, atol=0.05)


def test_noise_falls_and_nothing_lags():
    time = np.arange(300) / 30
    wave = np.sin(2 * np.pi * time)
    noise = np.random.default_rng(1).normal(0, 0.1, (300, 33, 3))
    smooth = savitzky_golay(wave[:, None, None] + noise, 0.35, time)
    assert np.abs(np.diff(smooth - wave[:, None, None], axis=0)).mean() < np.abs(np.diff(noise, axis=0)).mean() / 3
    delays = [np.corrcoef(smooth[20:-20, 0, 0], wave[20 + d : 280 + d])[0, 1] for d in (-2, -1, 0, 1, 2)]
    assert int(np.argmax(delays)) == 2


def test_gaps_stay_and_do_not_leak():
    values = TIME**2
    values[50:55] = np.nan
    smooth = savitzky_golay(values, 0.8, TIME)
    assert np.flatnonzero(np.isnan(smooth)).tolist() == list(range(50, 55))
    np.testing.assert_allclose(np.delete(smooth, range(50, 55)), np.delete(TIME**2, range(50, 55)), atol=3e-3)


def test_weights_silence_what_is_not_trusted():
    values = np.ones((40, 2, 3))
    values[20, 0] = 50
    weights = np.ones((40, 2, 1))
    weights[20, 0] = 0
    smooth = savitzky_golay(values, 9, weights=weights)
    assert np.abs(np.delete(smooth[:, 0], 20, axis=0) - 1).max() < 1e-6
    assert savitzky_golay(values, 9)[19, 0, 0] > 5


@pytest.mark.parametrize("window", [0, 1, 2])
def test_narrow_windows_change_nothing(window):
    values = np.random.default_rng(0).normal(size=(20, 3))
    np.testing.assert_allclose(savitzky_golay(values, window), values, atol=1e-6)


def test_finding_and_bridging_gaps():
    seen = np.array([0, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0], bool)
    time = np.arange(12) / 10
    assert gaps(seen, time, 0.35) == [(2, 4)]
    assert gaps(seen, time, 0.5) == [(2, 4), (6, 10)]
    assert gaps(np.zeros(4, bool), time[:4], 1) == []
    values = np.stack([time, -time], axis=1)
    values[2:4] = np.nan
    np.testing.assert_allclose(bridge(values, time, (2, 4)), [[0.2, -0.2], [0.3, -0.3]])


def test_filling_all_gaps():
    values = np.array([9.0, 1, 9, 9, 4, 9])
    np.testing.assert_allclose(fill_gaps(values, np.array([0, 1, 0, 0, 1, 0], bool)), [1, 1, 2, 3, 4, 4])
    with pytest.raises(ValueError, match="nothing seen"):
        fill_gaps(values, np.zeros(6, bool))


def test_a_bridge_follows_the_motion():
    time = np.sort(np.concatenate([np.arange(20) / 25, np.arange(20) / 25 + 0.013]))
    turn = np.stack([np.cos(5 * time), np.sin(5 * time), time, np.full(40, 2.0)], axis=1)[:, None]
    hidden = turn.copy()
    hidden[15:25] = np.nan
    curve, line = bridge_motion(hidden, time, (15, 25)), bridge(hidden, time, (15, 25))
    assert np.abs(curve - turn[15:25]).max() < np.abs(line - turn[15:25]).max() * 0.6
    # What moves evenly or stands goes on so.
    np.testing.assert_allclose(curve[..., 2:], line[..., 2:], atol=1e-12)


def test_a_bridge_with_little_around_it():
    time = np.arange(8) / 10
    values = np.stack([time**2, np.where(time > 0.45, time**2, np.nan), time], axis=1)
    values[2:5] = np.nan
    values[0, 2] = values[6:, 2] = np.nan  # one sample on each side: a straight line
    curve = bridge_motion(values, time, (2, 5))
    assert np.isfinite(curve[:, [0, 2]]).all()
    assert np.isnan(curve[:, 1]).all()
    np.testing.assert_allclose(curve[:, 2], [0.2, 0.3, 0.4])
    lone = np.array([0.0, np.nan, np.nan, 3.0])
    np.testing.assert_allclose(bridge_motion(lone, time[:4], (1, 3)), [1.0, 2.0])
