# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (torch is looked for first)
"""Conditioning drawn by the step is what would have been drawn and kept; noise changes poses alone; joints say where windows are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from ningyo.synth_data.dataset.folder import Dataset
from ningyo.synth_data.pose.conditions import CAPSULES, STICKS
from ningyo.synth_data.pose.landmarks import BODY_25_LIMBS
from ningyo.training import loop, presets, step
from ningyo.training.batch import Batch, Poses
from ningyo.training.data import Pairs, Sampler, open_dataset
from ningyo.training.distributed import World
from ningyo.training.raster import packed_of
from ningyo.training.silhouette import silhouette
from ningyo.training.step import Trainer
from ningyo.training.windows import corner_on_body

TINY = presets.Preset((8, 16, 16, 16), (1, 1, 1, 1), 8, 4, batch=4, minutes=0.1, r1_every=2, pairs_every=2)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def moving_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Training frames of 128 px that follow each other."""
    from .conftest import make_dataset

    return make_dataset(tmp_path_factory.mktemp("moving") / "dataset", size=128, train=6, test=1, stride=1)


@pytest.fixture
def larger_than_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies reach beyond all four borders of the pictures."""
    as_stored = Dataset.pose

    def pose(self, sample):
        found = as_stored(self, sample)
        K = found.K.copy()
        K[:2] = K[:2] * 1.8 - 0.8 * np.array([[0, 0, 64], [0, 0, 64]])
        return replace(found, K=K)

    monkeypatch.setattr(Dataset, "pose", pose)


@pytest.fixture
def without_hips(monkeypatch: pytest.MonkeyPatch) -> None:
    as_stored = Dataset.pose

    def pose(self, sample):
        found = as_stored(self, sample)
        points = found.points_3d.copy()
        points[8] = np.nan
        return replace(found, points_3d=points)

    monkeypatch.setattr(Dataset, "pose", pose)


def batches(pairs: Pairs, preset: presets.Preset, progress: float = 0.0, count: int = 2, seed: int = 0, **options: World) -> list[Batch]:
    sampler = Sampler(pairs, preset, seed, lambda _: progress, **options)
    made = [next(sampler) for _ in range(count)]
    sampler.close()
    return made


def assert_same(ours: torch.Tensor, want: torch.Tensor) -> None:
    """As in test_raster.py."""
    assert ours.shape == want.shape
    assert ours.is_contiguous(memory_format=torch.channels_last)
    assert ((ours[:, 1:].int() - want[:, 1:].int()).abs() > 1).any(1).float().mean() <= 1e-3
    assert (ours[:, 0] != want[:, 0]).float().mean() <= 1e-3
    assert (want[:, 0] > 0).float().mean() > 0.01


@pytest.mark.parametrize("kind", ["plain", "larger_than_the_picture", "without_hips"])
def test_windows_drawn_are_the_windows_kept(kind: str, moving_dataset: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if kind != "plain":
        request.getfixturevalue(kind)
    kept, drawn = (Pairs(open_dataset(moving_dataset), "train", tmp_path, on_the_fly=fly) for fly in (False, True))
    corners = np.array([[0, 0], [20, 37], [-21, 70], [90, -30], [35, 64], [300, 0]])
    for where, side in ((corners, 64), (corners // 10, 128)):
        packed, target, heads = kept.batch(np.arange(6), where, side)
        poses, same_target, same_heads = drawn.batch(np.arange(6), where, side)
        assert isinstance(poses, Poses)
        assert torch.equal(target, same_target)
        assert torch.equal(heads, same_heads)
        found = packed_of(Batch(poses, target, heads, False, np.arange(6), 6), CPU)
        assert_same(found, packed)
        if side == 64:
            empty = torch.from_numpy(CAPSULES.empty)[:, None, None]
            assert bool((found[2, :, :, :21] == empty).all())
            assert bool((found[5] == empty).all())
    assert drawn.pair(0).shape == (128, 128, 4)


def test_a_step_learns_the_same_from_both(moving_dataset: Path, tmp_path: Path, make_filmed_dataset: Callable[..., Path]) -> None:
    filmed = make_filmed_dataset(tmp_path / "filmed", size=128, train=6, test=1, stride=1)
    for dataset in (moving_dataset, filmed):
        weights = []
        for fly in (False, True):
            batch = batches(Pairs(open_dataset(dataset), "train", tmp_path, on_the_fly=fly), TINY)[1]
            assert batch.paired
            assert isinstance(batch.packed, Poses) == fly
            trainer = Trainer(TINY, 128, CPU, mixed=False)
            trainer.set_input(batch)
            assert trainer.conditioning.shape == (4, len(CAPSULES.channels), 64, 64)
            weights.append(trainer.weight)
        assert float((weights[0] - weights[1]).abs().mean()) < 1e-3 * float(weights[0].mean())
    assert batch.margin > 0
    assert 0 <= int(batch.packed.corners.min()) <= int(batch.packed.corners.max()) <= 64
    assert bool((silhouette(packed_of(batch, CPU), batch.margin).amax((1, 2, 3)) == 1).all())


def test_noise_is_of_the_poses_alone_and_a_function_of_seed_step_and_row(moving_dataset: Path, tmp_path: Path) -> None:
    pairs = Pairs(open_dataset(moving_dataset), "train", tmp_path, on_the_fly=True)
    noisy = replace(TINY, noise=1.0)
    for progress in (0.0, 1.0):
        plain, ours, again = (batches(pairs, preset, progress) for preset in (TINY, noisy, noisy))
        for a, b, c in zip(plain, ours, again, strict=True):
            assert torch.equal(a.target, b.target)
            assert torch.equal(a.packed.corners, b.packed.corners)
            moved = (b.packed.points - a.packed.points).norm(dim=-1)
            assert bool((moved[:, 4] > 1e-3).all())
            assert float(moved.nanmedian()) < 0.1
            assert torch.equal(b.packed.points.nan_to_num(), c.packed.points.nan_to_num())
            seen = (a.head[:, 2] > 0) & (b.head[:, 2] > 0)
            assert not torch.equal(a.head[seen], b.head[seen])
            assert float((a.head[seen] - b.head[seen]).abs().max()) < 6
        # Noise of the same picture is another one in both frames of a pair, in another step, and with another seed.
        depths = [batch.packed.points[:, 8, 2] / same.packed.points[:, 8, 2] - 1 for batch, same in zip(ours, plain, strict=True)]
        assert ours[1].paired
        assert float(torch.cat(depths).sort().values.diff().min()) > 1e-6
    other = batches(pairs, noisy, 1.0, seed=1)
    assert not torch.equal(other[0].packed.points.nan_to_num(), ours[0].packed.points.nan_to_num())
    # Later by resuming, and shared between processes, it is the same.
    sampler = Sampler(pairs, noisy, 0, lambda _: 1.0, start=1)
    late = next(sampler)
    sampler.close()
    shares = [batches(pairs, noisy, 1.0, world=World(rank, 2))[1] for rank in (0, 1)]
    shared = torch.cat([share.packed.points for share in shares])[[0, 2, 1, 3]]
    for points in (late.packed.points, shared):
        assert torch.equal(points.nan_to_num(), ours[1].packed.points.nan_to_num())


def test_what_is_kept_has_no_noise(moving_dataset: Path, tmp_path: Path) -> None:
    pairs = Pairs(open_dataset(moving_dataset), "train", tmp_path, STICKS)
    for a, b in zip(batches(pairs, TINY), batches(pairs, replace(TINY, noise=1.0)), strict=True):
        assert torch.equal(a.packed, b.packed)
        assert torch.equal(a.head, b.head)


def test_only_our_own_training_with_noise_draws_on_the_fly_here(
    figure_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_baselines: None
) -> None:
    monkeypatch.setattr(step.torch.cpu, "_is_amx_tile_supported", lambda: False)
    monkeypatch.setattr(loop, "best_device", lambda: CPU)
    made: list[Pairs] = []
    monkeypatch.setattr(loop, "Pairs", lambda *args, **options: made.append(Pairs(*args, **options)) or made[-1])
    for noise, method in ((0.0, "ours"), (1.0, "ours"), (1.0, "pix2pix")):
        monkeypatch.setitem(presets.PRESETS, "tiny", replace(TINY, noise=noise))
        loop.train(figure_dataset, tmp_path / f"{method}{noise}", preset="tiny", steps=1, method=method, measured=False)
    assert [pairs.on_the_fly for pairs in made] == [False, True, False]


def centres(points: np.ndarray, K: np.ndarray, head: np.ndarray, window: int, count: int = 400) -> np.ndarray:
    rngs = [np.random.default_rng((7, i)) for i in range(count)]
    return np.array([corner_on_body(points, K, head, 128, window, rng) for rng in rngs]) + window // 2


def lines(points: np.ndarray, K: np.ndarray) -> np.ndarray:
    """(N, 2) px all along the limbs."""
    places = points[..., :2] / points[..., 2:] * K[(0, 1), (0, 1)] + K[:2, 2]
    a, b = places[np.array(BODY_25_LIMBS)].transpose(1, 0, 2)
    found = (a[:, None] + np.linspace(0, 1, 60)[:, None] * (b - a)[:, None]).reshape(-1, 2)
    return found[np.isfinite(found).all(1)]


def test_windows_are_around_heads_and_limbs(moving_dataset: Path, tmp_path: Path) -> None:
    pairs = Pairs(open_dataset(moving_dataset), "train", tmp_path, on_the_fly=True)
    (points, K), head = pairs.joints(0), pairs.head(0)
    # A window of 4 px is shifted by 1 px at most.
    found = centres(points, K, head, 4)
    assert np.array_equal(found, centres(points, K, head, 4))
    on_head = (np.abs(found + 0.5 - head[:2]) < head[2] / 2 + 2).all(1)
    assert 0.5 <= on_head.mean() < 0.7
    apart = np.linalg.norm(found[~on_head, None] + 0.5 - lines(points, K), axis=-1).min(1)
    assert apart.max() < 3.5
    found = centres(points, K, np.zeros(3), 4)
    shifted = centres(points, K, np.zeros(3), 64) - found
    assert 14 <= np.abs(shifted).max() <= 17
    assert shifted.std() > 7
    # Unknown points are left out, and with all of them the windows are anywhere.
    legless = points.copy()
    legless[[10, 11, 13, 14, *range(19, 25)]] = np.nan
    assert centres(legless, K, head, 4)[:, 1].max() < lines(points[[8] * 137], K)[0, 1] + 4
    nowhere = centres(np.full_like(points, np.nan), K, np.zeros(3), 64) - 32
    assert nowhere.min() >= 0
    assert nowhere.max() <= 64
    assert np.ptp(nowhere) > 50


def test_limbs_are_as_likely_as_they_are_long_in_the_picture() -> None:
    points = np.full((137, 3), np.nan)
    points[[0, 15]], points[[12, 13]] = [(10, 20, 1), (20, 20, 1)], [(38, 100, 1), (300, 100, 1)]  # of the latter 90 px of 128
    found = centres(points, np.eye(3), np.zeros(3), 4)
    assert (found[:, 1] > 60).mean() == pytest.approx(0.9, abs=0.05)


def test_windows_show_what_the_picture_shows(moving_dataset: Path, tmp_path: Path, larger_than_the_picture: None) -> None:
    pairs = Pairs(open_dataset(moving_dataset), "train", tmp_path, on_the_fly=True)
    (points, K), head = pairs.joints(0), pairs.head(0)
    assert lines(points, K).min() < -5
    found = centres(points, K, head, 4)
    assert found.min() >= -2
    assert found.max() <= 130
    # The head lies beyond the border: so do no windows.
    found = centres(points, K, head + np.float32([0, -200, 0]), 4)
    apart = np.linalg.norm(found[:, None] + 0.5 - lines(points, K), axis=-1).min(1)
    assert apart.max() < 3.5
