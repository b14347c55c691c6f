# SPDX-License-Identifier: GPL-3.0-or-later
"""dance_now (2020), the nearest project of its kind: pix2pixHD's global generator (Wang et al. 2018) on a channel a limb, written from a
description of what it does.

As it is: least-squares GAN alone. Its feature matching is a silent zero (the discriminator returns no features), it has no L1, and every
picture is stretched to its own darkest and brightest value, which flickers. Mended: features are matched, L1 is added, the learning rate
falls to 0, nothing is stretched. Left out of both: its VGG loss, whose weights would have to be downloaded (so that what is left of the
original is weaker than it was), and its second network for the face. Both have a fourth channel, alpha, since ours are measured with
theirs.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...synth_data.pose.conditions import LIMBS, Condition
from .. import losses
from ..discriminators import Scales
from ..distributed import ALONE, World
from ..networks import RGBA
from ..presets import Preset
from .learner import Baseline, start

LR, BETAS = 2e-4, (0.5, 0.999)
WIDTH = 64
DOWN, BLOCKS = 3, 9
FEATURES, L1 = 10.0, 10.0  # pix2pixHD's weight; and L1 in the place of VGG, with its weight


def _padded(inputs: int, outputs: int, kernel: int) -> list[nn.Module]:
    return [nn.ReflectionPad2d(kernel // 2), nn.Conv2d(inputs, outputs, kernel), nn.InstanceNorm2d(outputs)]


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*_padded(width, width, 3), nn.ReLU(), *_padded(width, width, 3))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class GlobalGenerator(nn.Module):
    """7×7, three steps down, nine blocks, three steps up, 7×7: conditioning (B, C, H, W) → premultiplied RGBA (B, 4, H, W).

    `stretched`: in use, the picture's least value is made 0 and its greatest 1.
    """

    def __init__(self, channels: int, width: int = WIDTH, *, stretched: bool) -> None:
        super().__init__()
        self.stretched = stretched
        layers = [*_padded(channels, width, 7), nn.ReLU()]
        for i in range(DOWN):
            w = width * 2**i
            layers += [nn.Conv2d(w, 2 * w, 3, 2, 1), nn.InstanceNorm2d(2 * w), nn.ReLU()]
        layers += [Block(width * 2**DOWN) for _ in range(BLOCKS)]
        for i in reversed(range(DOWN)):
            w = width * 2**i
            layers += [nn.ConvTranspose2d(2 * w, w, 3, 2, 1, output_padding=1), nn.InstanceNorm2d(w), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(width, RGBA, 7), nn.Tanh())
        start(self)

    def forward(self, conditioning: Tensor, head: Tensor | None = None) -> Tensor:
        x = (self.layers(conditioning).float() + 1) / 2
        if self.stretched and not self.training:
            low, high = x.amin((1, 2, 3), keepdim=True), x.amax((1, 2, 3), keepdim=True)
            x = (x - low) / (high - low).clamp_min(1e-6)
        return torch.cat([torch.minimum(x[:, :3], x[:, 3:]), x[:, 3:]], 1)


class MultiscaleDiscriminator(nn.Module):
    """70×70 patches at two scales, with instance norm: (conditioning, RGBA) → [(logits, features)]; no features where not `features`."""

    def __init__(self, channels: int, width: int = WIDTH, *, features: bool) -> None:
        super().__init__()
        self.features = features
        self.scales = nn.ModuleList()
        for _ in range(2):
            widths, layers = [width, 2 * width, 4 * width, 8 * width], nn.ModuleList()
            for i, w in enumerate(widths):
                conv = nn.Conv2d(channels + RGBA if i == 0 else widths[i - 1], w, 4, 2 if i < 3 else 1, 2)
                layers.append(nn.Sequential(conv, *([nn.InstanceNorm2d(w)] if i else []), nn.LeakyReLU(0.2)))
            layers.append(nn.Conv2d(widths[-1], 1, 4, 1, 2))
            self.scales.append(layers)
        start(self)

    def forward(self, conditioning: Tensor, rgba: Tensor) -> Scales:
        x, results = torch.cat([conditioning, rgba.to(conditioning.dtype) * 2 - 1], 1), []
        for scale in self.scales:
            y, features = x, []
            assert isinstance(scale, nn.ModuleList)
            for layer in scale:
                y = layer(y)
                features.append(y)
            results.append((features.pop(), features if self.features else []))
            x = functional.avg_pool2d(x, 3, 2, 1, count_include_pad=False)
        return results


def least_squares(logits: Scales, real: float) -> Tensor:
    """Least squares to `real` (1 or 0), over all scales (Mao et al. 2017)."""
    return torch.stack([(scale[0].float() - real).square().mean() for scale in logits]).sum()


class DanceNow(Baseline):
    drawing: ClassVar[Condition] = LIMBS
    mended: ClassVar[bool] = False

    def __init__(
        self, preset: Preset, size: int, device: torch.device, *, mixed: bool, seed: int = 0, world: World = ALONE,
    ) -> None:  # fmt: skip
        self.network = {"width": WIDTH}
        discriminator = MultiscaleDiscriminator(len(self.drawing.channels), WIDTH, features=self.mended)
        super().__init__(self.build(self.network), discriminator, preset, device, mixed=mixed, seed=seed, world=world, lr=LR, betas=BETAS)

    @classmethod
    def build(cls, network: dict[str, int]) -> nn.Module:
        return GlobalGenerator(len(cls.drawing.channels), int(network["width"]), stretched=not cls.mended)

    def rate(self, progress: float) -> float:
        return 1.0

    def loss_d(self, real: Scales, fake: Scales) -> Tensor:
        return 0.5 * (least_squares(real, 1) + least_squares(fake, 0))

    def terms(self, image: Tensor, target: Tensor, real: Scales, fake: Scales) -> dict[str, tuple[float, Tensor]]:
        return {"gan": (1.0, least_squares(fake, 1))}


class DanceNowMended(DanceNow):
    mended: ClassVar[bool] = True

    def rate(self, progress: float) -> float:
        """Constant for half of the training, then falling to 0 and never below."""
        return min(max(2 - 2 * progress, 0.0), 1.0)

    def terms(self, image: Tensor, target: Tensor, real: Scales, fake: Scales) -> dict[str, tuple[float, Tensor]]:
        matched = losses.feature_matching(real, fake, over_all=self.world.mean)
        return super().terms(image, target, real, fake) | {
            "features": (FEATURES, matched),
            "l1": (L1, 2 * (image - target).abs().mean()),
        }
