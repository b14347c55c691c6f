# SPDX-License-Identifier: GPL-3.0-or-later
"""pix2pix (Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks"): a U-Net and a 70×70 patch
discriminator, as the paper's appendix has them.

Conditioned on the stick figure in colours that its users draw. Its pictures have a fourth channel, alpha, since ours are measured with
theirs; and where it is used there is no dropout, which would make it flicker. Batch norm uses the picture's own statistics there, as
published.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...synth_data.pose.conditions import STICKS, Condition
from ..discriminators import Scales
from ..distributed import ALONE, World
from ..networks import RGBA
from ..presets import Preset
from .learner import Baseline, start

LR, BETAS, L1 = 2e-4, (0.5, 0.999), 100.0
WIDTH = 64
MOST_LEVELS = 8  # for 256 px; a smaller picture has fewer


def levels_for(size: int) -> int:
    """How many times pictures of `size` px can be halved, at most MOST_LEVELS."""
    return min((size & -size).bit_length() - 1, MOST_LEVELS)


def _norm(channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels, track_running_stats=False)


class UNet(nn.Module):
    """C64-C128-C256-C512-C512… and back with skips: conditioning (B, C, H, W) → premultiplied RGBA (B, 4, H, W)."""

    def __init__(self, channels: int, levels: int, width: int = WIDTH) -> None:
        super().__init__()
        widths = [min(width * 2**i, 8 * width) for i in range(levels)]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for i, w in enumerate(widths):
            norm = [] if i in (0, levels - 1) else [_norm(w)]  # neither the first nor, of one pixel, the last
            activation = [] if i == 0 else [nn.LeakyReLU(0.2)]
            self.down.append(nn.Sequential(*activation, nn.Conv2d(channels if i == 0 else widths[i - 1], w, 4, 2, 1), *norm))
        for i in reversed(range(levels)):
            inputs = widths[i] * (1 if i == levels - 1 else 2)
            conv = nn.ConvTranspose2d(inputs, RGBA if i == 0 else widths[i - 1], 4, 2, 1)
            last = [nn.Tanh()] if i == 0 else [_norm(widths[i - 1])]
            dropout = [nn.Dropout(0.5)] if levels - 4 <= i < levels - 1 else []
            self.up.append(nn.Sequential(nn.ReLU(), conv, *last, *dropout))
        start(self)

    def forward(self, conditioning: Tensor, head: Tensor | None = None) -> Tensor:
        x, skips = conditioning * 2 - 1, []
        for down in self.down:
            x = down(x)
            skips.append(x)
        skips.pop()
        for i, up in enumerate(self.up):
            x = up(x if i == 0 else torch.cat([x, skips.pop()], 1))
        x = (x.float() + 1) / 2
        return torch.cat([torch.minimum(x[:, :3], x[:, 3:]), x[:, 3:]], 1)


class PatchGAN(nn.Module):
    """C64-C128-C256-C512 and a logit a patch of 70×70 px: (conditioning, RGBA) → [(logits, features)]."""

    def __init__(self, channels: int, width: int = WIDTH) -> None:
        super().__init__()
        widths = [width, 2 * width, 4 * width, 8 * width]
        self.layers = nn.ModuleList()
        for i, w in enumerate(widths):
            conv = nn.Conv2d(channels + RGBA if i == 0 else widths[i - 1], w, 4, 2 if i < 3 else 1, 1)
            self.layers.append(nn.Sequential(conv, *([_norm(w)] if i else []), nn.LeakyReLU(0.2)))
        self.logit = nn.Conv2d(widths[-1], 1, 4, 1, 1)
        start(self)

    def forward(self, conditioning: Tensor, rgba: Tensor) -> Scales:
        x = torch.cat([conditioning * 2 - 1, rgba.to(conditioning.dtype) * 2 - 1], 1)
        features = []
        for layer in self.layers:
            x = layer(x)
            features.append(x)
        return [(self.logit(x), features)]


def gan_d(real: Scales, fake: Scales) -> Tensor:
    """Cross-entropy of the discriminator, halved: it is to learn more slowly than the generator."""
    return 0.5 * (functional.softplus(-real[0][0].float()).mean() + functional.softplus(fake[0][0].float()).mean())


def gan_g(fake: Scales) -> Tensor:
    """The generator's cross-entropy, in the form that does not vanish (Goodfellow et al. 2014)."""
    return functional.softplus(-fake[0][0].float()).mean()


class Pix2Pix(Baseline):
    drawing: ClassVar[Condition] = STICKS

    def __init__(
        self, preset: Preset, size: int, device: torch.device, *, mixed: bool, seed: int = 0, world: World = ALONE,
    ) -> None:  # fmt: skip
        channels = len(self.drawing.channels)
        self.network = {"levels": levels_for(size), "width": WIDTH}
        generator, discriminator = self.build(self.network), PatchGAN(channels, WIDTH)
        super().__init__(generator, discriminator, preset, device, mixed=mixed, seed=seed, world=world, lr=LR, betas=BETAS)

    @classmethod
    def build(cls, network: dict[str, int]) -> nn.Module:
        return UNet(len(cls.drawing.channels), int(network["levels"]), int(network["width"]))

    def rate(self, progress: float) -> float:
        """Constant for half of the training, then falling to 0."""
        return min(max(2 - 2 * progress, 0.0), 1.0)

    def loss_d(self, real: Scales, fake: Scales) -> Tensor:
        return gan_d(real, fake)

    def terms(self, image: Tensor, target: Tensor, real: Scales, fake: Scales) -> dict[str, tuple[float, Tensor]]:
        return {"gan": (1.0, gan_g(fake)), "l1": (L1, 2 * (image - target).abs().mean())}  # published for −1…1: twice that of 0…1
