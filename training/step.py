# SPDX-License-Identifier: GPL-3.0-or-later
"""One step of training, as set_input / forward / backward_d / backward_g. Knows no files and no clock, so that any engine can drive
it.
"""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn

from . import losses
from .networks import HEAD, Discriminator, Generator, expand
from .presets import Preset


class Trainer:
    """Generator, discriminator, their optimisers and the generator's moving average. Deterministic: it draws no random numbers after
    initialisation.
    """

    def __init__(self, preset: Preset, device: torch.device, *, mixed: bool) -> None:
        self.preset, self.device, self.mixed = preset, device, mixed
        self.G = Generator(preset.widths, preset.blocks, preset.head).to(device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]  # torch declares no such overload
        self.D = Discriminator(preset.discriminator).to(device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]  # torch declares no such overload
        self.ema = copy.deepcopy(self.G).eval().requires_grad_(False)
        self.opt_G = torch.optim.Adam(self.G.parameters(), preset.lr, betas=(0.9, 0.99))
        self.opt_D = torch.optim.Adam(self.D.parameters(), preset.lr_discriminator, betas=(0.0, 0.99))
        self.steps = 0
        self.losses: dict[str, Tensor] = {}

    def step(self, packed: Tensor, target: Tensor, progress: float) -> dict[str, Tensor]:
        """Learn from one batch: packed conditioning (B, PACKED, H, W) and premultiplied RGBA (B, 4, H, W), both uint8; `progress` 0…1 is
        the share of the training that is over. Returns the losses (scalars, detached).
        """
        self.losses = {}
        self._schedule(progress)
        self.set_input(packed, target)
        with_gan = progress >= self.preset.warm_up and self.preset.weights.gan > 0
        self.forward()
        if with_gan:
            self.opt_D.zero_grad(set_to_none=True)
            self.backward_d()
            self.opt_D.step()
        self.opt_G.zero_grad(set_to_none=True)
        self.backward_g(with_gan)
        self.opt_G.step()
        self.steps += 1
        self._average()
        return self.losses

    def set_input(self, packed: Tensor, target: Tensor) -> None:
        packed, target = packed.to(self.device, non_blocking=True), target.to(self.device, non_blocking=True)
        self.conditioning = expand(packed, torch.bfloat16 if self.mixed else torch.float32)
        self.target = (target.float() / 255).contiguous(memory_format=torch.channels_last)
        self.weight = losses.pixel_weight(self.target[:, 3:], (packed[:, :1] == HEAD).float())

    def forward(self) -> None:
        with self._autocast():
            self.image = self.G(self.conditioning)

    def backward_d(self) -> None:
        """Hinge loss on render and picture; R1 on the render every `r1_every` steps, multiplied by that so that its mean strength
        stays.
        """
        regularise = self.steps % self.preset.r1_every == 0
        with self._autocast():
            real = self.D(self.conditioning, self.target)
            fake = self.D(self.conditioning, self.image.detach())
            loss = losses.hinge_d(real, fake)
        self.losses["d"] = loss.detach()
        # How often the discriminator is right: 0.5 is helpless, 1 means that it has won and teaches nothing.
        rights = [((r[0] > 0).float().mean() + (f[0] < 0).float().mean()) / 2 for r, f in zip(real, fake, strict=True)]
        self.losses["d_right"] = torch.stack(rights).mean()
        if regularise:
            # Without autocast: second derivatives in bfloat16 are noise.
            target = self.target.detach().requires_grad_(True)
            penalty = losses.r1(self.D(self.conditioning.float(), target), target)
            self.losses["r1"] = penalty.detach()
            loss = loss + self.preset.weights.r1 * 0.5 * self.preset.r1_every * penalty
        loss.backward()

    def backward_g(self, with_gan: bool) -> None:
        weights = self.preset.weights
        terms = {
            "l1": losses.weighted_l1(self.image, self.target, self.weight),
            "gradient": losses.gradient_l1(self.image, self.target),
            "dice": losses.dice(self.image[:, 3:], self.target[:, 3:]),
        }
        if with_gan:
            self.D.requires_grad_(False)
            with self._autocast():
                fake = self.D(self.conditioning, self.image)
                with torch.no_grad():
                    real = self.D(self.conditioning, self.target)
                terms["gan"] = losses.hinge_g(fake)
                terms["features"] = losses.feature_matching(real, fake)
        total = torch.stack([getattr(weights, name) * term.float() for name, term in terms.items()]).sum()
        total.backward()
        self.D.requires_grad_(True)
        self.losses |= {name: term.detach() for name, term in terms.items()} | {"g": total.detach()}

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.mixed)

    def _schedule(self, progress: float) -> None:
        """A short rise, then a cosine to 0, never below; batch norm frozen towards the end, so that training and use agree."""
        rise = min((self.steps + 1) / 20, 1.0)
        fall = 0.5 * (1 + math.cos(math.pi * min(max(progress, 0.0), 1.0)))
        for optimiser, peak in ((self.opt_G, self.preset.lr), (self.opt_D, self.preset.lr_discriminator)):
            for group in optimiser.param_groups:
                group["lr"] = max(peak * rise * fall, 0.0)
        self.G.train()
        if progress >= self.preset.freeze:
            for module in self.G.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()

    @torch.no_grad()
    def _average(self) -> None:
        """Moving average of the generator; its memory grows with the training (half-life: a twentieth of the steps so far), at most
        1,000 steps long.
        """
        half_life = min(max(self.steps * 0.05, 1.0), 1000.0)
        keep = 0.5 ** (1 / half_life)
        for average, value in zip(self.ema.parameters(), self.G.parameters(), strict=True):
            average.lerp_(value, 1 - keep)
        for average, value in zip(self.ema.buffers(), self.G.buffers(), strict=True):
            average.copy_(value) if not average.is_floating_point() else average.lerp_(value, 1 - keep)


def mixed_precision_pays(device: torch.device) -> bool:
    """Whether bfloat16 is faster here: on a GPU, and on CPUs with matrix units for it (Intel's AMX); elsewhere it is emulated and
    slower.
    """
    return device.type == "cuda" or (device.type == "cpu" and torch.cpu._is_amx_tile_supported())


def best_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
