# SPDX-License-Identifier: GPL-3.0-or-later
"""The losses: pure functions of tensors, each a mean so that its weight means the same at every size. Nothing pretrained.

Pictures are premultiplied RGBA (B, 4, H, W) in 0…1: where alpha is 0 colour is 0, so the colour behind nothing is neither learnt nor
punished.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

Scales = list[tuple[Tensor, list[Tensor]]]  # what networks.Discriminator returns


def pixel_weight(alpha: Tensor, head: Tensor, foreground: float = 4.0, face: float = 8.0) -> Tensor:
    """(B, 1, H, W) weights with mean 1: 1 + foreground on the figure + face around the head.

    `alpha` is the target's, `head` the conditioning's head channel; it is widened by a tenth of the picture, since hair reaches
    beyond the skull. Without weights a blank picture is already a good one: most of it is background.
    """
    # The widening is done at an eighth of the resolution: a wide max pool is slow, and its border need not be exact.
    small = functional.max_pool2d(head, 8)
    reach = max(head.shape[-1] // 160, 1)
    around = functional.interpolate(functional.max_pool2d(small, 2 * reach + 1, 1, reach), scale_factor=8.0, mode="nearest")
    weight = 1 + foreground * (alpha > 0.02).float() + face * around
    return weight / weight.mean()


def weighted_l1(image: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    return ((image - target).abs() * weight).mean()


def gradient_l1(image: Tensor, target: Tensor) -> Tensor:
    """L1 between horizontal and vertical differences: what tells a crisp outline from a blurred one of the same mean colour."""
    difference = image - target
    return difference.diff(dim=-1).abs().mean() + difference.diff(dim=-2).abs().mean()


def dice(alpha: Tensor, target: Tensor) -> Tensor:
    """1 − Dice overlap of two mattes (B, 1, H, W) (Milletari et al. 2016): counts a thin arm as much as its area is of the figure's."""
    both = (alpha * target).sum((1, 2, 3))
    either = (alpha * alpha + target * target).sum((1, 2, 3))
    return (1 - (2 * both + 1) / (either + 1)).mean()


def hinge_d(real: Scales, fake: Scales) -> Tensor:
    """Hinge loss for the discriminator (Lim & Ye 2017)."""
    terms = [functional.relu(1 - r[0]).mean() + functional.relu(1 + f[0]).mean() for r, f in zip(real, fake, strict=True)]
    return torch.stack(terms).mean()


def hinge_g(fake: Scales) -> Tensor:
    """Hinge loss for the generator."""
    return torch.stack([-f[0].mean() for f in fake]).mean()


def feature_matching(real: Scales, fake: Scales) -> Tensor:
    """L1 between the discriminator's features of render and picture (pix2pixHD), each divided by the render's mean magnitude, so
    that its size does not drift with the discriminator's weights. Raises ValueError when there are no features: a silent zero has
    cost others their training.
    """
    terms = []
    for (_, real_features), (_, fake_features) in zip(real, fake, strict=True):
        for r, f in zip(real_features, fake_features, strict=True):
            r = r.detach().float()
            terms.append((f.float() - r).abs().mean() / (r.abs().mean() + 1e-6))
    if not terms:
        raise ValueError("the discriminator returned no features to match")
    return torch.stack(terms).mean()


def r1(logits: Scales, real: Tensor) -> Tensor:
    """Squared gradient of the discriminator's logits at real pictures, which must require grad (Mescheder et al. 2018), per patch:
    the gradients of different patches hardly overlap, so that of their sum, divided by their number, is a patch's own.
    """
    total = torch.stack([scale[0].float().sum() / scale[0][0].numel() ** 0.5 for scale in logits]).sum()
    (gradient,) = torch.autograd.grad(total, real, create_graph=True)
    return gradient.square().sum((1, 2, 3)).mean()
