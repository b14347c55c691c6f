# SPDX-License-Identifier: GPL-3.0-or-later
"""A baseline's step: a generator and a discriminator in turn, as pix2pix's family has it; no moving average, no regularisation."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..batch import Batch
from ..discriminators import Scales
from ..distributed import World, share_statistics
from ..presets import Preset
from ..raster import expand, packed_of
from ..step import Learner


class Baseline(Learner):
    """`lr` and `betas` are Adam's, of both networks."""

    windows: ClassVar[bool] = False

    def __init__(
        self, generator: nn.Module, discriminator: nn.Module, preset: Preset, device: torch.device, *,
        mixed: bool, seed: int, world: World, lr: float, betas: tuple[float, float],
    ) -> None:  # fmt: skip
        self.device, self.mixed, self.seed, self.world, self.lr = device, mixed, seed, world, lr
        self.G, self.D = (net.to(device, memory_format=torch.channels_last) for net in (generator, discriminator))  # pyright: ignore[reportCallIssue]  # torch declares no such overload
        share_statistics(self.G, world)
        share_statistics(self.D, world)
        self.opt_G = torch.optim.Adam(self.G.parameters(), lr, betas=betas)
        self.opt_D = torch.optim.Adam(self.D.parameters(), lr, betas=betas)
        self.modules, self.model = {"G": self.G, "D": self.D}, self.G
        self.optimisers = {"opt_G": self.opt_G, "opt_D": self.opt_D}

    @classmethod
    @abstractmethod
    def build(cls, network: dict[str, Any]) -> nn.Module:
        """The generator that `network`, a model's configuration, describes."""

    @abstractmethod
    def rate(self, progress: float) -> float:
        """What the learning rate is multiplied by when `progress` (0…1) of the training is over."""

    @abstractmethod
    def loss_d(self, real: Scales, fake: Scales) -> Tensor:
        """The discriminator's loss."""

    @abstractmethod
    def terms(self, image: Tensor, target: Tensor, real: Scales, fake: Scales) -> dict[str, tuple[float, Tensor]]:
        """The generator's losses with their weights."""

    def step(self, batch: Batch, progress: float) -> dict[str, Tensor]:
        for optimiser in self.optimisers.values():
            for group in optimiser.param_groups:
                group["lr"] = self.lr * self.rate(progress)
        conditioning = expand(packed_of(batch, self.device), self.drawing, torch.bfloat16 if self.mixed else torch.float32)
        target = batch.target.to(self.device).float() / 255
        self.G.train()
        # Dropout's randomness, a function of the step.
        with torch.random.fork_rng(), torch.autocast(self.device.type, torch.bfloat16, enabled=self.mixed):
            torch.manual_seed((self.seed * 1_000_003 + self.steps) * self.world.size + self.world.rank)
            image = self.G(conditioning)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.mixed):
            loss_d = self.loss_d(self.D(conditioning, target), self.D(conditioning, image.detach()))
        self._learn(self.opt_D, self.D, loss_d)
        self.D.requires_grad_(False)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.mixed):
            with torch.no_grad():
                real = self.D(conditioning, target)
            terms = self.terms(image, target, real, self.D(conditioning, image))
        total = torch.stack([weight * term.float() for weight, term in terms.values()]).sum()
        self._learn(self.opt_G, self.G, total)
        self.D.requires_grad_(True)
        self.steps += 1
        return {name: term.detach() for name, (_, term) in terms.items()} | {"d": loss_d.detach(), "g": total.detach()}

    def _learn(self, optimiser: torch.optim.Adam, network: nn.Module, loss: Tensor) -> None:
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.world.average_gradients(network.parameters())
        optimiser.step()


def start(network: nn.Module) -> None:
    """Weights as pix2pix's family begins: from a normal distribution of 0.02."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0, 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1, 0.02)
