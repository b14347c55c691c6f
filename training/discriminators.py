# SPDX-License-Identifier: GPL-3.0-or-later
"""The discriminators, and what is done to what they see: pure modules and functions, no files, no devices."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ..synth_data.pose.conditioning import CHANNELS
from .networks import RGBA

Scales = list[tuple[Tensor, list[Tensor]]]  # what a Discriminator returns


class PatchDiscriminator(nn.Module):
    """Says of each patch of premultiplied RGBA, beside its conditioning, whether it is a render: logits (B, 1, H/8, W/8), and the features
    on the way.

    The conditional patch discriminator of pix2pix (Isola et al. 2017) without normalisation, which R1 would work against. The first layer
    is a sum over conditioning and picture, so that the conditioning's part is computed once for all pictures that it belongs to.
    """

    def __init__(self, width: int, conditions: int, channels: int) -> None:
        super().__init__()
        self.condition = nn.Conv2d(conditions, width, 2, 2, bias=False)
        sizes = [channels, width, 2 * width, 4 * width]
        self.layers = nn.ModuleList(nn.Conv2d(a, b, 4, 2, padding=1) for a, b in itertools.pairwise(sizes))
        self.logit = nn.Conv2d(sizes[-1], 1, 3, padding=1)
        for layer in (*self.layers, self.logit):
            # Torch's own initialisation lets the signal fade from layer to layer; without normalisation nothing would bring it back
            # (He et al. 2015).
            assert isinstance(layer, nn.Conv2d)
            assert layer.bias is not None
            nn.init.kaiming_normal_(layer.weight, a=0.2)
            nn.init.zeros_(layer.bias)

    def forward(self, condition: Tensor, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """`condition` is what `self.condition` makes of the conditioning."""
        features = []
        for i, layer in enumerate(self.layers):
            x = functional.leaky_relu(layer(x) if i else layer(x) + condition, 0.2)
            features.append(x)
        return self.logit(x), features


class Discriminator(nn.Module):
    """Patch discriminators at full and half resolution and so on (pix2pixHD, Wang et al. 2018).

    `pictures` is how many pictures, each with its conditioning, it sees at once: 2 for pairs of frames, whose movement it judges.
    """

    def __init__(self, width: int, scales: int = 2, pictures: int = 1, channels: int = len(CHANNELS)) -> None:
        super().__init__()
        self.scales = nn.ModuleList(PatchDiscriminator(width, pictures * channels, pictures * RGBA) for _ in range(scales))

    def forward(self, conditioning: Tensor, *candidates: Tensor) -> list[Scales]:
        """For each of the candidates (B, 4·pictures, H, W) for one conditioning (B, C·pictures, H, W) a list of (logits, features), one
        a scale.
        """
        results: list[Scales] = [[] for _ in candidates]
        candidates = tuple(rgba.to(conditioning.dtype) for rgba in candidates)
        for i, scale in enumerate(self.scales):
            if i:
                conditioning = functional.avg_pool2d(conditioning, 2)
                candidates = tuple(functional.avg_pool2d(rgba, 2) for rgba in candidates)
            assert isinstance(scale, PatchDiscriminator)
            condition = scale.condition(conditioning)
            for result, rgba in zip(results, candidates, strict=True):
                result.append(scale(condition, rgba))
        return results


class Draws(NamedTuple):
    """What is changed in each of B views: every row belongs to one."""

    hole: NDArray[np.int64]  # (B, 2) where the square that is cut out begins, x and y in px; it may reach outside
    colour: NDArray[np.float32]  # (B, 3) what is added to brightness, and what saturation and contrast are multiplied by

    def part(self, rows: NDArray[np.int64]) -> Draws:
        return Draws(self.hole[rows], self.colour[rows])


HOLE = 0.4  # share of the side


def draw(rng: np.random.Generator, count: int, side: int) -> Draws:
    """What to change in `count` views of `side` px."""
    hole = int(HOLE * side)
    colour = rng.uniform([-0.2, 0.5, 0.75], [0.2, 1.5, 1.25], (count, 3)).astype(np.float32)
    return Draws(rng.integers(-hole, side, (count, 2)), colour)


def covered(view: Tensor, draws: Draws) -> Tensor:
    """Views (B, C, H, W) of conditioning or pictures with a square of each cut out. Gradients pass."""
    height, width = view.shape[-2:]
    hole = int(HOLE * min(height, width))
    kept = np.ones((len(view), 1, height, width), np.float32)
    for one, (x, y) in zip(kept, draws.hole.tolist(), strict=True):
        one[:, max(y, 0) : max(y + hole, 0), max(x, 0) : max(x + hole, 0)] = 0
    return view * torch.from_numpy(kept).to(view)


def recoloured(rgba: Tensor, draws: Draws) -> Tensor:
    """Premultiplied pictures (B, 4·n, H, W) with their brightness, saturation and contrast changed, and alpha left. Gradients pass.

    With `covered`, the differentiable augmentation of Zhao et al. 2020, so that a discriminator cannot learn few pictures by heart; places
    need not be changed: batches are of random windows or shifted already.
    """
    count, _, height, width = rgba.shape
    grey = rgba.reshape(count, -1, RGBA, height, width)
    colour, alpha = grey[:, :, :3], grey[:, :, 3:]
    brightness, saturation, contrast = (
        torch.from_numpy(draws.colour[:, i].copy()).to(rgba)[:, None, None, None, None] for i in range(draws.colour.shape[1])
    )
    mean = colour.mean(2, keepdim=True)
    middle = colour.sum((1, 2, 3, 4), keepdim=True) / (3 * alpha.sum((1, 2, 3, 4), keepdim=True) + 1e-3)
    # Saturation about each pixel's grey, then contrast about the figure's.
    own = mean * (contrast * (1 - saturation)) + (middle * (1 - contrast) + brightness) * alpha
    return torch.cat([colour * (saturation * contrast) + own, alpha], 2).reshape(rgba.shape)
