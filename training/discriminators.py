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
    """Says of each patch of (conditioning, premultiplied RGBA) whether it is a render: logits (B, 1, H/8, W/8), and the features on
    the way. `channels` are both's together.

    The conditional patch discriminator of pix2pix (Isola et al. 2017) without normalisation, which R1 would work against.
    """

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
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

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        features = []
        for layer in self.layers:
            x = functional.leaky_relu(layer(x), 0.2)
            features.append(x)
        return self.logit(x), features


class Discriminator(nn.Module):
    """Patch discriminators at full and half resolution and so on (pix2pixHD, Wang et al. 2018): a list of (logits, features), one a scale.

    `pictures` is how many pictures, each with its conditioning, it sees at once: 2 for pairs of frames, whose movement it judges.
    """

    def __init__(self, width: int, scales: int = 2, pictures: int = 1, channels: int = len(CHANNELS)) -> None:
        super().__init__()
        self.scales = nn.ModuleList(PatchDiscriminator(width, pictures * (channels + RGBA)) for _ in range(scales))

    def forward(self, conditioning: Tensor, rgba: Tensor) -> Scales:
        x = torch.cat([conditioning, rgba.to(conditioning.dtype)], 1)
        results = []
        for i, scale in enumerate(self.scales):
            if i:
                x = functional.avg_pool2d(x, 2)
            results.append(scale(x))
        return results


class Draws(NamedTuple):
    """What is changed in each of B views: every row belongs to one."""

    shift: NDArray[np.int64]  # (B, 2) by how many px to the right and down
    hole: NDArray[np.int64]  # (B, 2) where the square that is cut out begins, x and y in px; it may reach outside
    colour: NDArray[np.float32]  # (B, 3) what is added to brightness, and what saturation and contrast are multiplied by

    def part(self, rows: NDArray[np.int64]) -> Draws:
        return Draws(self.shift[rows], self.hole[rows], self.colour[rows])


SHIFT = 0.12  # share of the side
HOLE = 0.4


def draw(rng: np.random.Generator, count: int, side: int) -> Draws:
    """What to change in `count` views of `side` px."""
    reach, hole = int(SHIFT * side), int(HOLE * side)
    colour = rng.uniform([-0.2, 0.5, 0.75], [0.2, 1.5, 1.25], (count, 3)).astype(np.float32)
    return Draws(rng.integers(-reach, reach + 1, (count, 2)), rng.integers(-hole, side, (count, 2)), colour)


def augmented(conditioning: Tensor, rgba: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
    """The same views with their place, a part of them and their colours changed (Zhao et al. 2020, "Differentiable augmentation"), so that
    a discriminator cannot learn few pictures by heart: (B, C, H, W) and premultiplied (B, 4·n, H, W).

    Conditioning and picture are moved and cut alike; the colours are the picture's alone, and leave alpha. Gradients pass.
    """
    count, _, height, width = rgba.shape
    grey = rgba.reshape(count, -1, RGBA, height, width)
    colour, alpha = grey[:, :, :3], grey[:, :, 3:]
    brightness, saturation, contrast = (
        torch.from_numpy(draws.colour[:, i].copy()).to(rgba)[:, None, None, None, None] for i in range(draws.colour.shape[1])
    )
    mean = colour.mean(2, keepdim=True)
    colour = (colour - mean) * saturation + mean
    middle = colour.sum((1, 2, 3, 4), keepdim=True) / (3 * alpha.sum((1, 2, 3, 4), keepdim=True) + 1e-3)
    colour = (colour - middle * alpha) * contrast + (middle + brightness) * alpha
    both = torch.cat([conditioning, torch.cat([colour, alpha], 2).reshape(rgba.shape).to(conditioning.dtype)], 1)
    hole, views = int(HOLE * min(height, width)), []
    for i in range(count):
        (right, down), (x, y) = draws.shift[i].tolist(), draws.hole[i].tolist()
        kept = torch.ones((1, height, width), dtype=both.dtype, device=both.device)
        kept[:, max(y, 0) : max(y + hole, 0), max(x, 0) : max(x + hole, 0)] = 0
        views.append(functional.pad(both[i], (right, -right, down, -down)) * kept)
    stacked = torch.stack(views)
    return stacked[:, : conditioning.shape[1]], stacked[:, conditioning.shape[1] :]
