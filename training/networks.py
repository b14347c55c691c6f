# SPDX-License-Identifier: GPL-3.0-or-later
"""The generator and the discriminator: pure modules, no files, no devices.

The generator is a residual U-Net that starts at a quarter of the resolution, where most of its work is done; a thin path at half the
resolution makes the outlines. That is many times cheaper than the generators of pix2pixHD's family, which work at full resolution first
and last (benchmarks/run.py says how many). Batch norm, because instance norm ties every pixel's colour
to what else is in the frame (which flickers) and cannot be folded into the convolutions at inference. Upsampling is by pixel shuffle
with ICNR initialisation (Aitken et al. 2017, "Checkerboard artifact free sub-pixel convolution"), so that the four sub-pixels start
equal and no lattice is built in.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..synth_data.pose.conditioning import CHANNELS, PARTS

RGBA = 4
HEAD = 1 + PARTS.index("head")  # the head's number in packed conditioning
MULTIPLE = 32  # a picture's side must be a multiple of this: 4 in the stem, 8 in the three steps down


def expand(packed: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Packed conditioning (B, PACKED, H, W) uint8 → channels (B, C, H, W), channels last in memory: the twin of
    `synth_data.pose.conditioning.expand` on any device.
    """
    pixels = packed.permute(0, 2, 3, 1)
    channels = torch.empty((*pixels.shape[:3], len(CHANNELS)), dtype=dtype, device=packed.device)
    channels[..., : len(PARTS)] = pixels[..., :1] == torch.arange(1, len(PARTS) + 1, dtype=torch.uint8, device=packed.device)
    channels[..., len(PARTS) :] = pixels[..., 1:].float().sub_(128).mul_(1 / 127)
    return channels.permute(0, 3, 1, 2)


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions with batch norm, added to the input (He et al. 2016)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        nn.init.zeros_(self.norm2.weight)  # starts as the identity: deep nets then learn at once

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.norm1(self.conv1(x)))
        return functional.relu(x + self.norm2(self.conv2(y)))


def _conv(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=(kernel - stride + 1) // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())


def _shuffled(inputs: int, outputs: int, kernel: int) -> nn.Conv2d:
    """A convolution to be followed by pixel_shuffle(2), initialised so that the four sub-pixels of an output start equal (ICNR)."""
    conv = nn.Conv2d(inputs, 4 * outputs, kernel, padding=kernel // 2)
    with torch.no_grad():
        conv.weight.copy_(conv.weight[::4].repeat_interleave(4, 0))
        nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
    return conv


class Generator(nn.Module):
    """Conditioning (B, C, H, W) → premultiplied RGBA (B, 4, H, W), both linear in 0…1 display values; H and W multiples of MULTIPLE.

    `widths` are the channels at 1/4, 1/8, 1/16 and 1/32; `blocks` the residual blocks at each of these on the way down (the last is
    the bottom) and, but for the bottom, again on the way up; `head` the channels at 1/2, where outlines are made.
    """

    def __init__(self, widths: Sequence[int], blocks: Sequence[int], head: int, channels: int = len(CHANNELS)) -> None:
        super().__init__()
        self.stem = _conv(channels, widths[0], 4, 4)
        self.near = _conv(channels, head, 2, 2)
        self.down = nn.ModuleList()
        for i, (width, count) in enumerate(zip(widths, blocks, strict=True)):
            step = [] if i == 0 else [_conv(widths[i - 1], width, 4, 2)]
            self.down.append(nn.Sequential(*step, *(ResidualBlock(width) for _ in range(count))))
        self.up, self.merge = nn.ModuleList(), nn.ModuleList()
        for i in reversed(range(len(widths) - 1)):
            self.up.append(nn.Sequential(nn.Conv2d(widths[i + 1], widths[i], 1, bias=False), nn.BatchNorm2d(widths[i])))
            self.merge.append(nn.Sequential(*(ResidualBlock(widths[i]) for _ in range(blocks[i]))))
        self.to_half = _shuffled(widths[0], head, 1)
        self.outline = ResidualBlock(head)
        self.to_rgba = _shuffled(head, RGBA, 3)

    def forward(self, conditioning: Tensor) -> Tensor:
        near, x = self.near(conditioning), self.stem(conditioning)
        skips = []
        for level in self.down:
            x = level(x)
            skips.append(x)
        for up, merge, skip in zip(self.up, self.merge, reversed(skips[:-1]), strict=True):
            x = merge(functional.relu(functional.interpolate(up(x), scale_factor=2.0, mode="nearest") + skip))
        x = self.outline(functional.relu(functional.pixel_shuffle(self.to_half(x), 2) + near))
        raw = functional.pixel_shuffle(self.to_rgba(x), 2).float()
        alpha = torch.sigmoid(raw[:, 3:])
        if not self.training:
            # A sigmoid never reaches 0 or 1: without this, nothing would be faintly there.
            alpha = ((alpha - 0.02) / 0.96).clamp(0, 1)
        return torch.cat([torch.sigmoid(raw[:, :3]) * alpha, alpha], 1)


class PatchDiscriminator(nn.Module):
    """Says of each patch of (conditioning, premultiplied RGBA) whether it is a render: logits (B, 1, H/8, W/8), and the features on
    the way.

    The conditional patch discriminator of pix2pix (Isola et al. 2017) without normalisation, which R1 would work against.
    """

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        sizes = [channels + RGBA, width, 2 * width, 4 * width]
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
    """Patch discriminators at full and half resolution (pix2pixHD, Wang et al. 2018): a list of (logits, features), one a scale."""

    def __init__(self, width: int, scales: int = 2, channels: int = len(CHANNELS)) -> None:
        super().__init__()
        self.scales = nn.ModuleList(PatchDiscriminator(width, channels) for _ in range(scales))

    def forward(self, conditioning: Tensor, rgba: Tensor) -> list[tuple[Tensor, list[Tensor]]]:
        x = torch.cat([conditioning, rgba.to(conditioning.dtype)], 1)
        results = []
        for i, scale in enumerate(self.scales):
            if i:
                x = functional.avg_pool2d(x, 2)
            results.append(scale(x))
        return results
