# SPDX-License-Identifier: GPL-3.0-or-later
"""Disturbed poses: bones keep their lengths, joints their places relative to what they hang on, unknown points stay unknown."""

from __future__ import annotations

import numpy as np
import pytest
from ningyo.synth_data.pose.landmarks import BODY_25, BODY_25_LIMBS, HAND_LIMBS
from ningyo.synth_data.pose.noise import TURNS, jittered


def figure() -> np.ndarray:
    points = np.random.default_rng(1).uniform((-0.6, -0.9, -0.3), (0.6, 0.9, 0.3), (137, 3))
    for side, hand in (("left", 95), ("right", 116)):
        points[hand] = points[BODY_25.index(f"{side}_wrist")]
    points[1] = (points[2] + points[5]) / 2
    points[8] = (points[9] + points[12]) / 2
    return points + np.array([0.3, -0.1, 4.0])


def lengths(points: np.ndarray) -> np.ndarray:
    pairs = [*BODY_25_LIMBS, *((hand + a, hand + b) for hand in (95, 116) for a, b in HAND_LIMBS), (0, 55), (2, 5), (9, 12)]
    return np.array([np.linalg.norm(points[a] - points[b]) for a, b in pairs])


def test_bones_keep_their_lengths() -> None:
    points = figure()
    for seed in range(5):
        found = jittered(points, np.random.default_rng(seed))
        assert np.abs(found - points)[:25].max() > 1e-3
        assert np.allclose(lengths(found), lengths(points), atol=1e-9)
        assert np.allclose(found[95], found[BODY_25.index("left_wrist")])
        assert np.allclose(found[1], (found[2] + found[5]) / 2)
        face = found[25:95] - found[0]
        assert np.allclose(np.linalg.norm(face, axis=-1), np.linalg.norm(points[25:95] - points[0], axis=-1))


def test_it_is_as_large_as_asked_for_and_no_larger() -> None:
    points, drawn = figure(), [np.random.default_rng(seed) for seed in range(300)]
    knee, ankle = BODY_25.index("left_knee"), BODY_25.index("left_ankle")
    bone = (points[ankle] - points[knee]) / np.linalg.norm(points[ankle] - points[knee])
    found = np.stack([jittered(points, rng) for rng in drawn])
    ours = (found[:, ankle] - found[:, knee]) / np.linalg.norm(found[:, ankle] - found[:, knee], axis=-1)[:, None]
    angle = np.degrees(np.sqrt((np.cross(bone, ours) ** 2).sum(-1).mean() / 2))
    assert angle == pytest.approx(np.sqrt(sum(TURNS[name] ** 2 for name in ("knee", "hip", "body"))), rel=0.15)
    half = np.stack([jittered(points, np.random.default_rng(seed), 0.5) for seed in range(300)])
    assert np.std(half[:, :25] - points[:25]) == pytest.approx(np.std(found[:, :25] - points[:25]) / 2, rel=0.1)
    assert np.allclose(jittered(points, np.random.default_rng(0), 0.0), points)


def test_the_hips_keep_their_pixel() -> None:
    points = figure()
    found = jittered(points, np.random.default_rng(4))
    assert np.allclose(found[8, :2] / found[8, 2], points[8, :2] / points[8, 2])
    assert found[8, 2] != points[8, 2]


def test_a_clip_does_not_flicker() -> None:
    clip = np.repeat(figure()[None], 3, 0)
    found = jittered(clip, np.random.default_rng(0))
    assert np.array_equal(found[0], found[2])
    assert np.array_equal(found[1], jittered(clip[1], np.random.default_rng(0)))


@pytest.mark.parametrize("pivot", [8, 1, 6, 13, 95])
def test_what_is_unknown_stays_so_and_spoils_nothing(pivot: int) -> None:
    points = figure()
    points[[pivot, 30]] = np.nan
    found = jittered(points, np.random.default_rng(0))
    assert np.array_equal(np.isnan(found), np.isnan(points))
