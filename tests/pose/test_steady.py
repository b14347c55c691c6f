# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands still trembles less, what moves stays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ningyo.synth_data.pose import steady as module
from ningyo.synth_data.pose.steady import steady, steady_in_place

HEIGHT = 400.0
NOISE = 0.4  # px: what MediaPipe's landmarks of single pictures tremble by at this size


def clock(frames: int, fps: float = 25.0) -> np.ndarray:
    return np.arange(frames) / fps


def noisy(truth: np.ndarray, seed: int = 0) -> np.ndarray:
    return truth + np.random.default_rng(seed).normal(0, NOISE, truth.shape)


def wave(time: np.ndarray, hertz: float = 2.0, reach: float = 40.0) -> np.ndarray:
    """(F, 1, 2) a hand that swings to and fro."""
    angle = 2 * np.pi * hertz * time
    return np.stack([reach * np.sin(angle), 5 * time], axis=-1)[:, None]


def phasor(course: np.ndarray, time: np.ndarray, hertz: float) -> complex:
    return complex((course * np.hanning(len(time)) * np.exp(-2j * np.pi * hertz * time)).sum())


@pytest.mark.parametrize("fps", [15, 25, 30, 60])
@pytest.mark.parametrize("size", [1.0, 0.004])  # in pixels, and in metres
def test_what_stands_still_trembles_a_third_at_most(fps, size):
    still = noisy(np.zeros((200, 33, 3)))
    smooth = steady(still * size, clock(200, fps), None, HEIGHT * size) / size
    for order in (1, 2):
        assert np.median(np.abs(np.diff(smooth, order, axis=0))) < np.median(np.abs(np.diff(still, order, axis=0))) / 3


@pytest.mark.parametrize("hertz", [1.0, 2.0, 2.5])
def test_a_fast_wave_keeps_its_reach_and_does_not_lag(hertz):
    time = clock(150)
    truth = wave(time, hertz)
    smooth = steady(noisy(truth), time, None, HEIGHT)
    share = phasor(smooth[:, 0, 0], time, hertz) / phasor(truth[:, 0, 0], time, hertz)
    assert abs(share) > 0.95
    assert abs(np.angle(share)) / (2 * np.pi * hertz) * 25 < 0.1  # frames
    assert np.abs(smooth - truth)[10:-10].mean() < np.abs(noisy(truth) - truth)[10:-10].mean()


def test_a_wave_beside_a_still_joint_does_not_spoil_it():
    time = clock(150)
    truth = np.concatenate([wave(time), np.zeros((150, 1, 2))], axis=1)
    smooth = steady(noisy(truth), time, None, HEIGHT)
    assert np.abs(np.diff(smooth[:, 1], axis=0)).mean() < np.abs(np.diff(noisy(truth)[:, 1], axis=0)).mean() / 3


def test_a_step_stays_where_and_as_high_as_it_was():
    truth = np.zeros((100, 1, 2))
    truth[50:] = 60.0
    smooth = steady(noisy(truth), clock(100), None, 400.0)
    assert np.abs(smooth - truth)[:46].max() < 1.5
    assert np.abs(smooth - truth)[54:].max() < 1.5
    assert np.abs(smooth - truth).max() < 6.0  # of 60
    assert int(np.argmax(np.diff(smooth[:, 0, 0]))) == 49


def test_nothing_is_mixed_across_a_cut():
    values = np.random.default_rng(0).normal(0, NOISE, (80, 33, 2))
    values[40:] += 300
    smooth = steady(values, clock(80), None, HEIGHT)
    np.testing.assert_allclose(smooth[:40], steady(values[:40], clock(80)[:40], None, HEIGHT), atol=1e-9)
    np.testing.assert_allclose(smooth[40:], steady(values[40:], clock(80)[40:], None, HEIGHT), atol=1e-9)


def test_unseen_stays_unseen_and_does_not_leak():
    values = np.full((60, 4, 3), 7.0)
    values[20:25, 1] = np.nan
    values[:, 2] = np.nan
    smooth = steady(values, clock(60), None, HEIGHT)
    np.testing.assert_array_equal(np.isnan(smooth), np.isnan(values))
    np.testing.assert_allclose(smooth[np.isfinite(smooth)], 7.0, rtol=1e-6)


def test_what_is_not_visible_weighs_less():
    values = noisy(np.zeros((61, 1, 2)))
    values[30] += 3.0
    visibility = np.ones((61, 1))
    visibility[30] = 0
    beside = [29, 31]
    assert (
        np.abs(steady(values, clock(61), visibility, HEIGHT)[beside]).max()
        < np.abs(steady(values, clock(61), None, HEIGHT)[beside]).max() / 2
    )


@settings(deadline=None, max_examples=25)
@given(
    steps=st.lists(st.floats(0.005, 0.2), min_size=3, max_size=60),
    line=st.tuples(st.floats(-50, 50), st.floats(-300, 300), st.floats(-100, 100)),
    hidden=st.sets(st.integers(0, 60)),
)
def test_parabolas_pass_at_any_rate(steps, line, hidden):
    time = np.cumsum(steps)
    truth = (line[0] + line[1] * time + line[2] * time**2)[:, None, None] * np.ones((1, 2, 3))
    truth[[i for i in hidden if i < len(time)]] = np.nan
    scale = 1e6  # nothing of it is a cut
    np.testing.assert_allclose(steady(truth, time, None, scale), truth, atol=0.05)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_in_windows_is_as_at_once(tmp_path_factory, seed, small):
    rng = np.random.default_rng(seed)
    time = np.cumsum(rng.uniform(0.02, 0.06, 400))
    values = np.cumsum(rng.normal(0, 1, (400, 3, 3)), axis=0)
    values[rng.random((400, 3)) < 0.1] = np.nan
    values[200:] += 500
    visibility = rng.random((400, 3))
    at_once = steady(values, time, visibility, HEIGHT)
    spilled = np.memmap(tmp_path_factory.mktemp("spill") / "a.raw", np.float64, "w+", shape=(400, 2, 3, 3))
    spilled[:, 1] = values
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK_VALUES", 64 * 9 * small)
        steady_in_place(spilled[:, 1], time, visibility, HEIGHT)
    np.testing.assert_array_equal(spilled[:, 1], at_once)
    assert not spilled[:, 0].any()


def test_hands_and_faces_by_their_scores():
    hands = noisy(np.zeros((60, 2, 21, 3)))
    score = np.ones((60, 2))
    hands[10:20, 1], score[10:20, 1] = np.nan, 0
    smooth = steady(hands.astype(np.float32), clock(60), score[..., None], HEIGHT)
    assert smooth.shape == hands.shape
    np.testing.assert_array_equal(np.isnan(smooth), np.isnan(hands))
    np.testing.assert_allclose(smooth[:, 0], steady(hands[:, 0], clock(60), None, HEIGHT), atol=1e-5)


@pytest.mark.parametrize("frames", [0, 1, 2])
def test_too_few_frames_are_left_alone(frames):
    values = np.random.default_rng(0).normal(size=(frames, 33, 3))
    np.testing.assert_array_equal(steady(values, clock(frames), None, HEIGHT), values)


def test_a_body_has_a_height():
    with pytest.raises(ValueError, match="height"):
        steady(np.zeros((9, 1, 2)), clock(9), None, 0.0)
