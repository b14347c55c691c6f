# SPDX-License-Identifier: GPL-3.0-or-later
"""The global generator of pix2pixHD, from its paper, with random weights: what pose-to-picture projects commonly use, for
comparisons of speed.

Wang, Liu, Zhu, Tao, Kautz, Catanzaro: "High-Resolution Image Synthesis and Semantic Manipulation with Conditional GANs" (2018),
after Johnson et al. (2016): c7s1-64, three strided convolutions, nine residual blocks, three transposed convolutions, c7s1-3;
instance norm, reflection padding.
"""

from __future__ import annotations

from torch import Tensor, nn


class Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(*_layer(nn.Conv2d(width, width, 3), 1), *_layer(nn.Conv2d(width, width, 3), 1)[:-1])

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def _layer(conv: nn.Module, padding: int = 0) -> list[nn.Module]:
    width = conv.out_channels
    assert isinstance(width, int)
    return [*([nn.ReflectionPad2d(padding)] if padding else []), conv, nn.InstanceNorm2d(width), nn.ReLU()]


class GlobalGenerator(nn.Sequential):
    """(B, channels, H, W) → (B, out_channels, H, W) in −1…1; H and W multiples of 2**downs."""

    def __init__(self, channels: int, out_channels: int = 3, filters: int = 64, downs: int = 3, blocks: int = 9) -> None:
        layers = _layer(nn.Conv2d(channels, filters, 7), 3)
        width = filters
        for _ in range(downs):
            layers += _layer(nn.Conv2d(width, 2 * width, 3, stride=2, padding=1))
            width *= 2
        layers += [Residual(width) for _ in range(blocks)]
        for _ in range(downs):
            layers += _layer(nn.ConvTranspose2d(width, width // 2, 3, stride=2, padding=1, output_padding=1))
            width //= 2
        super().__init__(*layers, nn.ReflectionPad2d(3), nn.Conv2d(width, out_channels, 7), nn.Tanh())
