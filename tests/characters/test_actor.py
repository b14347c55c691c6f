# SPDX-License-Identifier: GPL-3.0-or-later
"""The actor's performance and the sample clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("bpy")

import ningyo
from ningyo.synth_data.characters.actor_clip import ACTOR, beat
from ningyo.synth_data.characters.actor_motion import FPS, SECONDS, perform
from ningyo.synth_data.characters.builtin import body, skeleton

CLIP = Path(ningyo.__file__).parent / "samples" / "actor.mp4"


@pytest.fixture(scope="module")
def joints():
    rest = body.joints(ACTOR.proportions)
    both = skeleton.both_sides(rest)
    frames = []
    for index in range(round(FPS * SECONDS)):
        hips, world = perform(index / FPS, rest)
        for rotation in world.values():
            np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
            assert np.linalg.det(rotation) == pytest.approx(1.0)
        position = {"Hips": hips}
        for bone, parent in skeleton.HIERARCHY:
            if parent:
                position[bone] = position[parent] + world[parent] @ (both[bone] - both[parent])
        frames.append(position)
    return frames


def test_planted_feet_do_not_skate(joints) -> None:
    for side in ("Left", "Right"):
        ankle = np.array([f[f"{side}Foot"] for f in joints])
        speed = np.linalg.norm(np.diff(ankle[:, :2], axis=0), axis=1) * FPS
        down = np.maximum(ankle[:-1, 2], ankle[1:, 2]) < ankle[:, 2].min() + 0.004
        assert down.mean() > 0.5
        assert np.percentile(speed[down], 90) < 0.35


def test_movement_is_smooth(joints) -> None:
    for bone in ("LeftHand", "RightHand", "Head"):
        path = np.array([f[bone] for f in joints])
        step = np.linalg.norm(np.diff(path, axis=0), axis=1)
        assert step.max() < 0.16, bone


def test_it_ends_with_a_raised_right_hand(joints) -> None:
    last = joints[-1]
    assert last["RightHand"][2] > last["RightForeArm"][2] + 0.15
    assert last["LeftHand"][2] < last["LeftForeArm"][2]


def test_beat_is_sound() -> None:
    sound = beat(1.0)
    assert len(sound) == 44100
    assert 0.3 < np.abs(sound).max() <= 1.0


def test_the_sample_is_a_short_movie_with_sound() -> None:
    av = pytest.importorskip("av")
    assert CLIP.stat().st_size < 2_000_000
    with av.open(str(CLIP)) as movie:
        assert movie.streams.audio
        assert movie.streams.video[0].frames == round(FPS * SECONDS)
        assert float(movie.streams.video[0].average_rate) == FPS
