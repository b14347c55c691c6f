# SPDX-License-Identifier: GPL-3.0-or-later
"""The character's network, a generator and a refiner of its head: pure modules, no files, no devices.

The generator is a residual U-Net that starts at a quarter of the resolution, where most of its work is done; a thin path at half the
resolution makes the outlines. That is many times cheaper than the generators of pix2pixHD's family, which work at full resolution first
and last (benchmarks/run.py says how many). Batch norm, because instance norm ties every pixel's colour
to what else is in the frame (which flickers) and cannot be folded into the convolutions at inference. Upsampling is by pixel shuffle
with ICNR initialisation (Aitken et al. 2017, "Checkerboard artifact free sub-pixel convolution"), so that the four sub-pixels start
equal and no lattice is built in.

The refiner sees the head alone, enlarged, because eyes and mouth are a few pixels that everyone looks at.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..synth_data.pose.conditioning import CHANNELS, PARTS
from .presets import MULTIPLE

RGBA = 4
HEAD = 1 + PARTS.index("head")  # the head's number in packed conditioning


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
        return premultiplied(self.raw(conditioning), finished=not self.training)

    def raw(self, conditioning: Tensor) -> Tensor:
        """Logits of straight colour and alpha, (B, 4, H, W) float32."""
        near, x = self.near(conditioning), self.stem(conditioning)
        skips = []
        for level in self.down:
            x = level(x)
            skips.append(x)
        for up, merge, skip in zip(self.up, self.merge, reversed(skips[:-1]), strict=True):
            x = merge(functional.relu(functional.interpolate(up(x), scale_factor=2.0, mode="nearest") + skip))
        x = self.outline(functional.relu(functional.pixel_shuffle(self.to_half(x), 2) + near))
        return functional.pixel_shuffle(self.to_rgba(x), 2).float()


def premultiplied(raw: Tensor, *, finished: bool) -> Tensor:
    """Logits of straight colour and alpha (B, 4, H, W) → premultiplied RGBA in 0…1. `finished`: for use, not for training."""
    alpha = torch.sigmoid(raw[:, 3:])
    if finished:
        # A sigmoid never reaches 0 or 1: without this, nothing would be faintly there.
        alpha = ((alpha - 0.02) / 0.96).clamp(0, 1)
    return torch.cat([torch.sigmoid(raw[:, :3]) * alpha, alpha], 1)


def cut(picture: Tensor, square: Tensor, side: int) -> Tensor:
    """What a square of a picture shows, at another size: (B, C, H, W) float → (B, C, side, side), 0 where it lies outside.

    `square` is (B, 3): centre x, centre y, side in px. Of a square whose side is 0 the result is empty.
    """
    steps = (torch.arange(side, device=picture.device, dtype=torch.float32) * 2 + 1) / side - 1
    x, y, s = square.float().unbind(1)
    across = (2 * x[:, None] + steps * s[:, None]) / picture.shape[3] - 1
    down = (2 * y[:, None] + steps * s[:, None]) / picture.shape[2] - 1
    grid = torch.stack([across[:, None].expand(-1, side, -1), down[:, :, None].expand(-1, -1, side)], -1)
    crop = functional.grid_sample(picture.float(), grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return crop * (s > 0).float()[:, None, None, None]


def paste(crop: Tensor, square: Tensor, size: tuple[int, int]) -> Tensor:
    """The inverse of `cut`: a picture of `size` (height, width) that is 0 but for the crop (B, C, S, S) in its square."""
    height, width = size
    x, y, s = square.float().unbind(1)
    side = torch.where(s > 0, s, torch.ones_like(s))[:, None]
    across = (torch.arange(width, device=crop.device, dtype=torch.float32) + 0.5 - x[:, None]) * 2 / side
    down = (torch.arange(height, device=crop.device, dtype=torch.float32) + 0.5 - y[:, None]) * 2 / side
    grid = torch.stack([across[:, None].expand(-1, height, -1), down[:, :, None].expand(-1, -1, width)], -1)
    picture = functional.grid_sample(crop.float(), grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return picture * (s > 0).float()[:, None, None, None]


class HeadRefiner(nn.Module):
    """Conditioning (B, C, H, W), raw picture (B, 4, H, W) and the head's square (B, 3) → what to add to the raw picture, 0 outside the
    square.

    A small residual U-Net on a crop of `side` px (a multiple of MULTIPLE), which shows the head enlarged. Added to logits, so that
    whatever it says is a valid picture; it begins by adding nothing.
    """

    def __init__(self, width: int, side: int, channels: int = len(CHANNELS)) -> None:
        super().__init__()
        self.side = side
        self.feather: Tensor
        wide = 2 * width
        self.stem = _conv(channels + RGBA, width, 4, 2)
        self.first = ResidualBlock(width)
        self.down1 = nn.Sequential(_conv(width, wide, 4, 2), ResidualBlock(wide))
        self.down2 = nn.Sequential(_conv(wide, wide, 4, 2), ResidualBlock(wide), ResidualBlock(wide))
        self.up1 = nn.Sequential(nn.Conv2d(wide, wide, 1, bias=False), nn.BatchNorm2d(wide))
        self.merge1 = ResidualBlock(wide)
        self.up2 = nn.Sequential(nn.Conv2d(wide, width, 1, bias=False), nn.BatchNorm2d(width))
        self.merge2 = ResidualBlock(width)
        self.out = nn.Conv2d(width, 4 * RGBA, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]
        rim = torch.minimum(torch.arange(side), torch.arange(side).flip(0)).float()
        fall = ((rim + 0.5) / (side / 8)).clamp(max=1)
        fall = fall * fall * (3 - 2 * fall)
        self.register_buffer("feather", (fall[:, None] * fall)[None, None], persistent=False)

    def forward(self, conditioning: Tensor, raw: Tensor, square: Tensor) -> Tensor:
        coarse = premultiplied(raw, finished=False)
        # Cut as float32 (places in bfloat16 would be pixels off), then as the convolutions like it.
        near = torch.cat([cut(conditioning, square, self.side), cut(coarse, square, self.side)], 1)
        near = near.to(conditioning.dtype).contiguous(memory_format=torch.channels_last)
        a = self.first(self.stem(near))
        b = self.down1(a)
        x = self.down2(b)
        x = self.merge1(functional.relu(functional.interpolate(self.up1(x), scale_factor=2.0, mode="nearest") + b))
        x = self.merge2(functional.relu(functional.interpolate(self.up2(x), scale_factor=2.0, mode="nearest") + a))
        residual = functional.pixel_shuffle(self.out(x), 2).float() * self.feather
        return paste(residual, square, (raw.shape[2], raw.shape[3]))


def refiner_side(size: int) -> int:
    """The side of the refiner's crop for pictures of `size` px: the head's square is about a quarter of them, and is enlarged twice."""
    return 2 * max(round(size / 4 / MULTIPLE), 1) * MULTIPLE


class CharacterModel(nn.Module):
    """Conditioning (B, C, H, W) and the head's square (B, 3: centre x, centre y, side in px; side 0: not seen) → premultiplied RGBA.

    `refiner` is the refiner's width, 0 for none; `side` that of its crop. Without a refiner, or without squares, the generator's picture
    is the result.
    """

    def __init__(self, widths: Sequence[int], blocks: Sequence[int], head: int, refiner: int, side: int) -> None:
        super().__init__()
        self.body = Generator(widths, blocks, head)
        self.refiner = HeadRefiner(refiner, side) if refiner else None
        self.refine = True  # the training begins without

    def forward(self, conditioning: Tensor, head: Tensor | None = None) -> Tensor:
        raw = self.body.raw(conditioning)
        if self.refiner is not None and self.refine and head is not None:
            raw = raw + self.refiner(conditioning, raw, head)
        return premultiplied(raw, finished=not self.training)
