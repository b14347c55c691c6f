# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (torch is looked for first)
"""The rasteriser for batches draws what the one rasteriser draws."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from ningyo.synth_data.pose.conditioning import PACKED, PARTS, draw_packed
from ningyo.synth_data.pose.conditions import CONDITIONS
from ningyo.synth_data.pose.framing import crop_for, crop_intrinsics
from ningyo.synth_data.retarget.kinematics import forward_kinematics
from ningyo.synth_data.retarget.openpose_points import openpose_points
from ningyo.training import raster
from ningyo.training.raster import draw, expand

Scene = tuple[np.ndarray, np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def scene(figure_motion: Callable) -> Scene:
    """Points (8, 137 + 6, 3) of a dance, with three bones that swing about the hips, seen by a camera that is
    nearer each time, K (8, 3, 3) for pictures of 96 px, heights (8,)."""
    rig, motion = figure_motion(40)
    points = openpose_points(rig, *forward_kinematics(rig, motion))[::5]
    swinging = points[:, [8, 8, 8, 1, 1, 8]] + np.random.default_rng(1).normal(0, 0.2, (len(points), 6, 3))
    points = np.concatenate([points, swinging], 1)
    world_to_camera = np.array([[1.0, 0, 0, 0], [0, 0, -1, 1], [0, 1, 0, 4]])
    seen = points @ world_to_camera[:, :3].T + world_to_camera[:, 3]
    seen[..., 2] -= np.linspace(0, 2.2, 8)[:, None]
    K = np.array([[500.0, 0, 0], [0, 500, 0], [0, 0, 1]])
    return seen, crop_intrinsics(K, crop_for(seen, K, rig.height), 96), np.full(8, rig.height)


def both(points: np.ndarray, K: np.ndarray, size: int | tuple[int, int], heights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ours = draw(torch.from_numpy(points), torch.from_numpy(K), size, torch.from_numpy(heights))
    assert ours.dtype == torch.uint8
    assert ours.shape[:2] == (len(points), PACKED)
    want = np.stack([draw_packed(p, k, size, float(h)) for p, k, h in zip(points, K, heights, strict=True)])
    return ours.permute(0, 2, 3, 1).numpy(), want


def assert_same(ours: np.ndarray, want: np.ndarray) -> None:
    parts = ours[..., 0] != want[..., 0]
    values = (np.abs(ours[..., 1:].astype(int) - want[..., 1:]) > 1).any(-1)
    assert (want[..., 0] > 0).mean() > 0.01
    assert parts.mean() <= 1e-3
    assert values.mean() <= 1e-3


def test_the_same_picture_whole_and_oblong(scene: Scene) -> None:
    assert_same(*both(*scene[:2], 96, scene[2]))
    assert_same(*both(*scene[:2], (96, 64), scene[2]))


def test_heights_and_cameras_are_each_samples_own(scene: Scene) -> None:
    points, K, heights = scene
    assert_same(
        *both(points, K * np.linspace(0.7, 1.6, 8)[:, None, None] ** np.array([[1, 1, 1], [1, 1, 1], [0, 0, 0]]), 96, heights * 1.2)
    )


def test_what_is_unknown_or_behind_is_left_out_alike(scene: Scene) -> None:
    points, K, heights = (v.copy() for v in scene)
    rng = np.random.default_rng(0)
    points[rng.random(points.shape[:2]) < 0.2] = np.nan
    points[0, 95:] = np.nan
    points[1, [15, 16, 17, 18]] = np.nan
    points[2, 8] = np.nan
    points[3, rng.random(points.shape[1]) < 0.3, 2] *= -1
    points[4] = np.nan
    ours, want = both(points, K, 96, heights)
    assert_same(ours, want)
    assert not ours[4, ..., 0].any()


def test_small_portions_give_the_same(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    points, K, heights = (torch.from_numpy(v) for v in scene)
    whole = draw(points, K, 96, heights)
    monkeypatch.setattr(raster, "PORTION", 9000)
    assert torch.equal(draw(points, K, 96, heights), whole)


@pytest.mark.parametrize("name", CONDITIONS)
def test_channels_are_the_same_on_both_sides(name: str, scene: Scene) -> None:
    condition = CONDITIONS[name]
    packed = condition.draw(scene[0][0], scene[1][0], (96, 64), float(scene[2][0]))
    ours = expand(torch.from_numpy(packed).permute(2, 0, 1)[None], condition)
    assert ours.shape == (1, len(condition.channels), 64, 96)
    assert np.allclose(ours[0].numpy(), condition.expand(packed), atol=1e-6)
    assert ours.any()
    assert ours.is_contiguous(memory_format=torch.channels_last)


def test_what_swings_is_there(scene: Scene) -> None:
    ours, _ = both(*scene[:2], 96, scene[2])
    assert (ours[..., 0] == len(PARTS)).any(axis=(1, 2)).sum() >= 6
