# SPDX-License-Identifier: GPL-3.0-or-later
"""The losses: pure functions of tensors, each a mean so that its weight means the same at every size. Nothing pretrained.

Pictures are premultiplied RGBA (B, 4, H, W) in 0…1: where alpha is 0 colour is 0, so the colour behind nothing is neither learnt nor
punished.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from .discriminators import Scales

Mean = Callable[[Tensor], Tensor]


def alone(mean: Tensor) -> Tensor:
    """What makes the mean of one process's pictures that of all processes' where there is one."""
    return mean


def pixel_weight(alpha: Tensor, head: Tensor, foreground: float = 4.0, face: float = 8.0, over_all: Mean = alone) -> Tensor:
    """(B, 1, H, W) weights with mean 1: 1 + foreground on the figure + face around the head.

    `alpha` is the target's, `head` the conditioning's head channel; it is widened by a tenth of the picture, since hair reaches
    beyond the skull. Without weights a blank picture is already a good one: most of it is background.
    """
    # The widening is done at an eighth of the resolution: a wide max pool is slow, and its border need not be exact.
    small = functional.max_pool2d(head, 8)
    reach = max(head.shape[-1] // 160, 1)
    around = functional.interpolate(functional.max_pool2d(small, 2 * reach + 1, 1, reach), scale_factor=8.0, mode="nearest")
    weight = 1 + foreground * (alpha > 0.02).float() + face * around
    return weight / over_all(weight.mean())


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


def hinge_d(real: Scales, fake: Scales, seen: Tensor | None = None) -> Tensor:
    """Hinge loss for the discriminator (Lim & Ye 2017). `seen` (B,): what each view counts for, 0 for one that shows nothing."""
    terms = [_mean(functional.relu(1 - r[0]) + functional.relu(1 + f[0]), seen) for r, f in zip(real, fake, strict=True)]
    return torch.stack(terms).mean()


def hinge_g(fake: Scales, seen: Tensor | None = None) -> Tensor:
    """Hinge loss for the generator."""
    return torch.stack([_mean(-f[0], seen) for f in fake]).mean()


def rightness(real: Scales, fake: Scales, seen: Tensor | None = None, over_all: Mean = alone) -> Tensor:
    """In which share of the patches the discriminator is right: 0.5 is helpless, 1 means that it has won and teaches nothing."""
    terms = [((r[0] > 0).float() + (f[0] < 0).float()) / 2 for r, f in zip(real, fake, strict=True)]
    if seen is None:
        return over_all(torch.stack([term.mean() for term in terms]).mean())
    # No view at all is no evidence.
    share, right = over_all(seen.mean()), over_all(torch.stack([_mean(term, seen) for term in terms]).mean())
    return torch.where(share > 0, right / share.clamp_min(1e-6), 0.5)


def feature_matching(real: Scales, fake: Scales, seen: Tensor | None = None, over_all: Mean = alone) -> Tensor:
    """L1 between the discriminator's features of render and picture (pix2pixHD), each divided by the render's mean magnitude, so
    that its size does not drift with the discriminator's weights. Raises ValueError when there are no features: a silent zero has
    cost others their training.
    """
    terms = []
    for (_, real_features), (_, fake_features) in zip(real, fake, strict=True):
        for r, f in zip(real_features, fake_features, strict=True):
            r = r.detach().float()
            terms.append(_mean((f.float() - r).abs(), seen) / (over_all(r.abs().mean()) + 1e-6))
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


def _mean(values: Tensor, seen: Tensor | None) -> Tensor:
    """Mean over pictures of each one's mean (B, …), times `seen`."""
    each = values.float().mean(tuple(range(1, values.dim())))
    return (each if seen is None else each * seen).mean()
