# SPDX-License-Identifier: GPL-3.0-or-later
"""Contacts found in the places of soles: of a made walk whose contacts are known, under noise, drift, and floors that nobody knows."""

from __future__ import annotations

import numpy as np
import pytest
from ningyo.synth_data.retarget.contacts import contacts, runs, without_flicker

FPS = 30.0
HEEL_TO_BALL, BALL_TO_TIP = 0.17, 0.06


def made_walk(frames=150, fps=FPS, speed=1.2, direction=(1.0, 0.0)):
    """Soles (F, 6, 3) and contacts (F, 4) of a walk: each foot stands for 60 % of a second's cycle, rolls over heel and toe, and swings."""
    t = np.arange(frames) / fps
    points, down = np.zeros((frames, 6, 3)), np.zeros((frames, 4), bool)
    for foot in range(2):
        phase = (t + 0.5 * foot) % 1.0
        step = np.floor(t + 0.5 * foot)
        swing = np.clip((phase - 0.6) / 0.4, 0, 1)
        gone = swing**3 * (10 - 15 * swing + 6 * swing**2)
        pitch = 0.5 * np.clip((phase - 0.4) / 0.25, 0, 1) - 0.8 * gone + 0.3 * np.clip((0.1 - phase) / 0.1, 0, 1) * -1
        ball = speed * (step + gone) - 0.5 * foot * speed
        height = 0.12 * np.sin(np.pi * swing) ** 2
        lift_heel = HEEL_TO_BALL * np.sin(np.maximum(pitch, 0))
        lift_ball = HEEL_TO_BALL * np.sin(np.maximum(-pitch, 0))
        points[:, 3 * foot] = np.stack([ball - HEEL_TO_BALL * np.cos(pitch), 0 * t, height + lift_heel], -1)
        points[:, 3 * foot + 1] = np.stack([ball, 0 * t, height + lift_ball], -1)
        points[:, 3 * foot + 2] = np.stack([ball + BALL_TO_TIP, 0 * t, height + lift_ball], -1)
        down[:, 2 * foot] = (phase < 0.42) & (lift_heel < 0.02)
        down[:, 2 * foot + 1] = (phase < 0.6) & (lift_ball < 0.02)
        points[:, 3 * foot : 3 * foot + 3, 1] += 0.1 - 0.2 * foot
    along, across = np.array(direction), np.array([-direction[1], direction[0]])
    points[..., :2] = points[..., :1] * along + points[..., 1:2] * across
    return points, down


def drifting(points, seed):
    """As depth from one camera makes it: the whole body drifts, far more along the view; the floor is tilted and at no known height."""
    random = np.random.default_rng(seed)
    kernel = np.hanning(15) / np.linalg.norm(np.hanning(15))

    def smooth(*shape):
        noise = random.normal(size=(len(points) + 28, *shape))
        return np.apply_along_axis(lambda v: np.convolve(v, kernel, "same")[14:-14], 0, noise)

    out = points + smooth(1, 3) * (0.01, 0.05, 0.01) + smooth(6, 3) * (0.004, 0.015, 0.004)
    out[..., 2] += 0.06 * out[..., 1] + 0.7
    return out


def agreement(found, true):
    """Precision and recall."""
    both = (found & true).sum()
    return both / max(found.sum(), 1), both / true.sum()


@pytest.mark.parametrize("direction", [(1.0, 0.0), (0.7, -0.7), (0.0, -1.0)])
def test_a_walk_in_any_direction(direction):
    points, true = made_walk(direction=direction)
    precision, recall = agreement(contacts(points, FPS), true)
    assert precision > 0.85
    assert recall > 0.9
    both = [agreement(contacts(drifting(points, seed), FPS), true) for seed in range(5)]
    assert np.mean(both, axis=0)[0] > 0.75
    assert np.mean(both, axis=0)[1] > 0.75


def test_heel_and_toe_are_told_apart():
    points, true = made_walk()
    found = contacts(points, FPS)
    rolling = true[:, 1] & ~true[:, 0] & (points[:, 0, 2] > 0.05)
    assert rolling.sum() > 5
    assert found[rolling, 1].mean() > 0.8
    assert found[rolling, 0].mean() < 0.3


def test_the_rate_does_not_matter():
    shares = [contacts(made_walk(frames=round(5 * fps), fps=fps)[0], fps).mean() for fps in (15.0, 30.0, 60.0)]
    assert np.ptp(shares) < 0.05


def test_who_stands_stands_on_whatever_height():
    random = np.random.default_rng(0)
    still = np.tile(made_walk(frames=1)[0], (90, 1, 1))
    still[..., 2] = 1.3
    assert contacts(still, FPS).all()
    assert contacts(still + 0.002 * random.normal(size=still.shape), FPS).all()
    assert contacts(still[:1], FPS).all()


def test_a_small_step_to_the_side_is_a_step():
    points = np.tile(made_walk(frames=1)[0], (90, 1, 1))
    points[..., 2] = 0.0
    share = np.clip((np.arange(90) - 38) / 14, 0, 1)
    points[:, :3, 0] += (0.16 * share**3 * (10 - 15 * share + 6 * share**2))[:, None]
    found = contacts(points, FPS)
    assert not found[43:48, :2].any()
    assert found[:, 2:].all()
    assert found[:36].all()
    assert found[54:].all()


def test_of_a_hidden_foot_nothing_is_said():
    points = np.tile(made_walk(frames=1)[0], (60, 1, 1))
    points[..., 2] = 0.0
    seen = np.ones((60, 4))
    seen[20:40, :2] = 0.05
    found = contacts(points, FPS, seen)
    assert not found[21:39, :2].any()
    assert found[:, 2:].all()
    assert found[:18].all()


def test_nothing_is_down_in_a_jump():
    still = np.tile(made_walk(frames=1)[0], (90, 1, 1))
    still[..., 2] = 0.0
    t = (np.arange(90) - 40) / FPS
    still[..., 2] += np.maximum(0.0, 0.4 - 0.5 * 9.81 * t**2)[:, None]
    found = contacts(still, FPS)
    up = still[:, 0, 2] > 0.15
    assert not found[up].any()
    assert found[:25].all()
    assert found[60:].all()


def test_a_contact_lasts_and_flicker_is_closed():
    flags = np.zeros((30, 1), bool)
    flags[[2, 3, 8, 9, 10, 14, 15, 16, 17, 25]] = True
    assert runs(without_flicker(flags)[:, 0]) == [(8, 18)]
    assert runs(without_flicker(without_flicker(flags))[:, 0]) == [(8, 18)]
    for seed in range(5):
        found = contacts(drifting(made_walk()[0], seed), FPS)
        for column in found.T:
            assert min(end - start for start, end in runs(column)) >= 3
            assert min((end - start for start, end in runs(~column)[1:-1]), default=4) > 3
