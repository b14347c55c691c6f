# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (torch is looked for first)
"""A step on real pictures: every loss is there, is not zero and has a gradient; both sides are changed alike; nobody wins unnoticed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from ningyo.synth_data.pose.conditions import CAPSULES, Condition
from ningyo.training import raster
from ningyo.training.balance import LEAST, Balance, Watch
from ningyo.training.baselines.dance_now import DanceNow, DanceNowMended
from ningyo.training.baselines.pix2pix import Pix2Pix
from ningyo.training.batch import Batch
from ningyo.training.data import Pairs, Sampler, open_dataset
from ningyo.training.discriminators import covered, draw, recoloured
from ningyo.training.methods import METHODS, learner
from ningyo.training.presets import Preset
from ningyo.training.step import Trainer

TINY = Preset((8, 16, 16, 16), (1, 1, 1, 1), 8, 4, batch=4, minutes=0.1, refiner=8, warm_up=0.0, refine_from=0.0, r1_every=2, pairs_every=2)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def batches(figure_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[Batch]]:
    """Batches of the held-out clip, whose frames follow each other: the second one of pairs."""

    def make(drawing: Condition = CAPSULES, count: int = 2) -> list[Batch]:
        pairs = Pairs(open_dataset(figure_dataset), "test", tmp_path_factory.mktemp("cache"), drawing)
        sampler = Sampler(pairs, TINY, 0, lambda step: 1.0)
        made = [next(sampler) for _ in range(count)]
        sampler.close()
        return made

    return make


def trained(batch: Batch, preset: Preset = TINY) -> Trainer:
    """After a step, when the refiner no longer adds nothing."""
    trainee = learner("ours", preset, 64, CPU, mixed=False, seed=0)
    assert isinstance(trainee, Trainer)
    trainee.step(batch, 0.1)
    return trainee


def test_every_loss_is_there_and_teaches(batches: Callable[..., list[Batch]]) -> None:
    single, paired = batches()
    assert paired.paired
    assert not single.paired
    trainer = trained(single)
    trainer.set_input(paired)
    trainer.forward()
    trainer.set_views(paired)
    trainer.backward_d()
    terms = trainer.terms()
    assert set(terms) == {
        "l1",
        "gradient",
        "dice",
        *(f"{kind}{view}" for kind in ("gan", "features") for view in ("", "_head", "_pair")),
    }
    for name, term in terms.items():
        assert math.isfinite(float(term.detach())), name
        assert term != 0, name
        for part in (trainer.G.body, trainer.G.refiner):
            assert part is not None
            gradients = torch.autograd.grad(term, list(part.parameters()), retain_graph=True)
            assert sum(float(gradient.abs().sum()) for gradient in gradients) > 0, name


def test_every_discriminator_learns_and_is_watched(batches: Callable[..., list[Batch]]) -> None:
    single, paired = batches()
    trainer = trained(single)
    before = {name: [p.clone() for p in net.parameters()] for name, net in trainer.D.items()}
    losses: dict[str, float] = {}
    for _ in range(2):  # R1 comes every second time
        losses |= {name: float(value) for name, value in trainer.step(paired, 0.1).items()}
    for view in ("", "_head", "_pair"):
        for name in ("d", "r1"):
            assert losses[name + view] > 0
        assert 0 < losses["d_right" + view] <= 1
        assert losses["d_pace" + view] > 0
    for name, net in trainer.D.items():
        assert any(not torch.equal(a, b) for a, b in zip(before[name], net.parameters(), strict=True)), name


def test_a_discriminator_that_wins_is_slowed_down_and_then_let_go() -> None:
    balance = Balance()
    for _ in range(40):
        balance.update(0.8)
    assert balance.pace == 1
    for _ in range(400):
        balance.update(1.0)
    assert balance.pace == pytest.approx(LEAST)
    for _ in range(200):
        balance.update(0.6)
    assert balance.pace == 1


def test_the_slow_one_has_the_smaller_learning_rate(batches: Callable[..., list[Batch]]) -> None:
    single, _ = batches()
    trainer = trained(single)
    trainer.balances["whole"].right = trainer.balances["whole"].pace = 1.0
    trainer.balances["whole"].pace = 0.5
    trainer.balances["head"].pace = 1.0
    trainer.step(single, 0.1)
    whole, head, _ = (group["lr"] for group in trainer.opt_D.param_groups)
    assert 0 < whole < 0.7 * head


def test_a_lost_training_is_told_from_a_rough_one() -> None:
    watch = Watch()
    for i in range(100):
        assert not watch.lost({"g": 20 * math.sin(i), "d": 2.0 + i % 3})
    assert watch.lost({"g": math.nan, "d": 1.0})
    assert watch.lost({"g": 1.0, "d": 500.0})
    assert not watch.lost({"g": 1.0, "d": 3.0})


def test_views_are_cut_alike_and_only_colours_are_the_pictures_own() -> None:
    rng = np.random.default_rng(0)
    alpha = (torch.rand(3, 1, 32, 32) > 0.4).float()
    picture = torch.cat([torch.rand(3, 3, 32, 32) * alpha, alpha], 1).requires_grad_(True)
    draws = draw(rng, 3, 32)
    conditioning, changed = covered(alpha.repeat(1, 2, 1, 1), draws), recoloured(covered(picture, draws), draws)
    assert torch.equal(conditioning[:, :1], changed[:, 3:])  # what the conditioning shows is where alpha is
    assert not torch.equal(conditioning[:, :1], alpha)
    assert not (changed[:, :3] * (changed[:, 3:] == 0)).any()  # no colour where nothing is
    (gradient,) = torch.autograd.grad(changed.square().sum(), picture)
    assert gradient.abs().sum() > 0
    # The same draws do the same to another picture; of two pictures at once, to both.
    again = recoloured(covered(picture.detach(), draws), draws)
    assert torch.equal(again, changed)
    both = recoloured(covered(torch.cat([picture, picture], 1), draws), draws)
    assert torch.allclose(both[:, :4], both[:, 4:])
    nothing = draws._replace(hole=np.full((3, 2), 99), colour=np.array([[0, 1, 1]] * 3, np.float32))
    assert torch.allclose(recoloured(covered(picture, nothing), nothing), picture, atol=1e-6)
    # Without saturation a pixel is grey; without contrast all of a figure has one colour.
    grey = recoloured(picture, draws._replace(colour=np.array([[0, 0, 1]] * 3, np.float32)))
    assert torch.allclose(grey[:, 0], grey[:, 2], atol=1e-6)
    flat = recoloured(picture.detach(), draws._replace(colour=np.array([[0.1, 1, 0]] * 3, np.float32)))[0, :3, alpha[0, 0] > 0]
    assert float(flat.std()) < 1e-5


@pytest.mark.parametrize("method", [Pix2Pix, DanceNow, DanceNowMended])
def test_baselines_have_their_published_losses(method: type, batches: Callable[..., list[Batch]], small_baselines: None) -> None:
    trainee = learner(
        {Pix2Pix: "pix2pix", DanceNow: "dance_now", DanceNowMended: "dance_now_mended"}[method], TINY, 64, CPU, mixed=False, seed=0
    )
    single, _ = batches(trainee.drawing)
    first = trainee.step(single, 0.0)
    expected = {
        Pix2Pix: {"gan", "l1"},
        DanceNow: {"gan"},  # no L1; its feature matching was a silent zero
        DanceNowMended: {"gan", "l1", "features"},
    }[method]
    assert set(first) == expected | {"d", "g"}
    assert all(float(value) > 0 for value in first.values())
    for _ in range(15):
        last = trainee.step(single, 0.0)
    if "l1" in expected:
        assert last["l1"] < first["l1"]
    assert last["d"] < first["d"]
    for progress in (0.0, 0.5, 1.0, 2.0):
        assert trainee.rate(progress) >= 0
    image = trainee.model.eval()(raster.expand(single.packed, trainee.drawing), single.head)
    assert image.shape == single.target.shape
    assert 0 <= image.min() <= image.max() <= 1
    assert (image[:, :3] <= image[:, 3:]).all()
    if method is DanceNow:
        assert image[:, 3].amax((1, 2)).tolist() == pytest.approx([1] * 4, abs=0.02)  # stretched, frame by frame


def test_steps_depend_on_seed_and_step_alone(batches: Callable[..., list[Batch]], small_baselines: None) -> None:
    for method in ("ours", "pix2pix"):
        results = []
        for noise in (0, 1):
            made = batches(METHODS[method].drawing)
            trainee = learner(method, replace(TINY), 64, CPU, mixed=False, seed=3)
            torch.manual_seed(noise)  # whatever else drew random numbers
            results.append([trainee.step(batch, 0.1)["g"].item() for batch in made * 2])
        assert results[0] == results[1], method
