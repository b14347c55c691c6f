# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (torch is looked for first)
"""Every loss is non-zero where it must be, zero where it may be, and falls when followed downhill."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from ningyo.training import losses
from ningyo.training.discriminators import Discriminator


def pictures(seed: int, size: int = 32):
    generator = torch.Generator().manual_seed(seed)
    alpha = (torch.rand(2, 1, size, size, generator=generator) > 0.5).float()
    return torch.cat([torch.rand(2, 3, size, size, generator=generator) * alpha, alpha], 1)


def scales(seed: int, image):
    torch.manual_seed(seed)
    net = Discriminator(4, channels=3)
    return net(torch.zeros(2, 3, 32, 32), image)[0], net


def test_picture_losses_are_zero_for_equals_and_not_otherwise() -> None:
    a, b = pictures(0), pictures(1)
    weight = losses.pixel_weight(a[:, 3:], torch.zeros(2, 1, 32, 32))
    for loss in (lambda x, y: losses.weighted_l1(x, y, weight), losses.gradient_l1, lambda x, y: losses.dice(x[:, 3:], y[:, 3:])):
        assert loss(a, a) == pytest.approx(0, abs=1e-6)
        assert loss(a, b) > 0.05


def test_weights_favour_the_figure_and_most_the_head() -> None:
    alpha, head = torch.zeros(1, 1, 64, 64), torch.zeros(1, 1, 64, 64)
    alpha[..., 8:56, 24:40], head[..., 8:16, 24:40] = 1, 1
    weight = losses.pixel_weight(alpha, head)[0, 0]
    assert float(weight.mean()) == pytest.approx(1)
    assert weight[12, 30] > weight[50, 30] > weight[50, 2]
    assert weight[4, 30] > weight[50, 2]  # hair reaches beyond the skull


def test_gradient_tells_a_blurred_outline_from_a_crisp_one() -> None:
    crisp = torch.zeros(1, 4, 32, 32)
    crisp[..., 16:] = 1
    blurred = torch.nn.functional.avg_pool2d(crisp, (1, 5), 1, (0, 2))
    wrong = losses.weighted_l1(blurred, crisp, torch.ones(1))
    assert losses.gradient_l1(blurred, crisp) > 0.5 * wrong > 0
    assert losses.gradient_l1(crisp + wrong, crisp) < 1e-6  # as wrong on average, and as crisp


def test_adversarial_losses_are_not_zero_and_teach() -> None:
    real, fake = pictures(0), pictures(1).requires_grad_(True)
    on_real, net = scales(0, real)
    (on_fake,) = net(torch.zeros(2, 3, 32, 32), fake)
    assert len(on_real) == 2
    assert float(losses.hinge_d(on_real, on_fake).detach()) == pytest.approx(2, abs=0.5)  # it knows nothing yet
    for loss in (losses.hinge_g(on_fake), losses.feature_matching(on_real, on_fake)):
        assert loss != 0
        (gradient,) = torch.autograd.grad(loss, fake, retain_graph=True)
        assert gradient.abs().sum() > 0
    (again,) = net(torch.zeros(2, 3, 32, 32), real)
    assert float(losses.feature_matching(on_real, again).detach()) == pytest.approx(0, abs=1e-6)


def test_feature_matching_refuses_to_be_silently_zero() -> None:
    logits = torch.zeros(2, 1, 4, 4)
    with pytest.raises(ValueError, match="no features"):
        losses.feature_matching([(logits, [])], [(logits, [])])


def test_r1_is_the_squared_gradient_and_reaches_the_weights() -> None:
    real = torch.rand(3, 4, 8, 8, requires_grad=True)
    weight = torch.full((1, 4, 1, 1), 0.5, requires_grad=True)
    logits = torch.nn.functional.conv2d(real, weight)
    # Each of 64 patches has the gradient 0.5 in 4 channels at its own pixel: 4 · 0.25 a patch.
    penalty = losses.r1([(logits, [])], real)
    assert float(penalty.detach()) == pytest.approx(1.0)
    penalty.backward()
    assert weight.grad is not None
    assert weight.grad.abs().sum() > 0


def test_the_discriminator_learns_with_these_losses() -> None:
    real, fake = pictures(0), pictures(1)
    _, net = scales(0, real)
    condition = torch.zeros(2, 3, 32, 32)
    optimiser = torch.optim.Adam(net.parameters(), 2e-3)
    for _ in range(30):
        loss = losses.hinge_d(*net(condition, real, fake))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss < 1
