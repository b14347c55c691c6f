# SPDX-License-Identifier: GPL-3.0-or-later
"""One step of training, as set_input / forward / backward_d / backward_g. Knows no files and no clock, so that any engine can drive
it.
"""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from dataclasses import asdict
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from ..synth_data.pose.conditions import CAPSULES, Condition
from . import losses
from .balance import Balance
from .batch import Batch
from .discriminators import Discriminator, Scales, covered, draw, recoloured
from .distributed import ALONE, World, share_statistics
from .networks import HEAD, CharacterModel, cut, expand, refiner_side
from .presets import Preset
from .raster import packed_of
from .silhouette import silhouette

WHOLE, HEADS, PAIRS = "whole", "head", "pair"  # what the discriminators look at
_VIEWS = 2  # purpose of random numbers: (seed, purpose, step); 0, 1, 3 and 4 are the batches'


class Learner(ABC):
    """A way to train: networks, their optimisers, and what a step does. All of its randomness is a function of (seed, step).

    `modules` and `optimisers` are what resuming needs, with `numbers` and `steps`; `model` is the network to use: (conditioning, head
    squares) → premultiplied RGBA, made anew by `training.methods` from `network`. `drawing` is what it is conditioned on.
    """

    drawing: ClassVar[Condition]
    windows: ClassVar[bool]  # whether it may learn from windows of the pictures
    modules: dict[str, nn.Module]
    optimisers: dict[str, torch.optim.Adam]
    model: nn.Module
    network: dict[str, Any]
    steps: int = 0

    @abstractmethod
    def step(self, batch: Batch, progress: float) -> dict[str, Tensor]:
        """Learn from one batch; `progress` 0…1 is the share of the training that is over. Returns the losses (scalars, detached)."""

    def numbers(self) -> dict[str, float]:
        """What else changes from step to step."""
        return {}

    def set_numbers(self, values: dict[str, float]) -> None:
        """Take what `numbers` gave back."""
        assert not values, "this method has none"


class Trainer(Learner):
    """Generator with head refiner, three discriminators (whole pictures, heads, pairs of frames), and the generator's moving average."""

    drawing: ClassVar[Condition] = CAPSULES
    windows: ClassVar[bool] = True

    def __init__(
        self, preset: Preset, size: int, device: torch.device, *, mixed: bool, seed: int = 0, world: World = ALONE,
    ) -> None:  # fmt: skip
        self.preset, self.device, self.mixed, self.seed, self.world = preset, device, mixed, seed, world
        self.network = {key: asdict(preset)[key] for key in ("widths", "blocks", "head", "refiner")}
        self.G = CharacterModel(**self.network, side=refiner_side(size)).to(device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]  # torch declares no such overload
        self.D = nn.ModuleDict(
            {
                WHOLE: Discriminator(preset.discriminator),
                HEADS: Discriminator(preset.discriminator, scales=1),
                PAIRS: Discriminator(preset.discriminator, scales=1, pictures=2),
            }
        ).to(device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]  # torch declares no such overload
        self.crop = refiner_side(size) if preset.refiner else refiner_side(size) // 2  # the heads' side for their discriminator
        self.ema = copy.deepcopy(self.G).eval().requires_grad_(False)
        share_statistics(self.G, world)
        self.opt_G = torch.optim.Adam(self.G.parameters(), preset.lr, betas=(0.9, 0.99))
        groups = [{"params": list(net.parameters())} for net in self.D.values()]
        self.opt_D = torch.optim.Adam(groups, preset.lr_discriminator, betas=(0.0, 0.99))
        self.balances = {name: Balance() for name in self.D}
        self.modules = {"G": self.G, "D": self.D, "ema": self.ema}
        self.optimisers = {"opt_G": self.opt_G, "opt_D": self.opt_D}
        self.model = self.ema
        self.losses: dict[str, Tensor] = {}
        self.real_views: dict[str, Scales] = {}
        # Elsewhere compiling takes longer than it saves. The discriminators stay as they are: R1 differentiates them twice.
        self._run_G = torch.compile(self.G) if device.type == "cuda" else self.G

    def numbers(self) -> dict[str, float]:
        return {f"{name}.{key}": value for name, balance in self.balances.items() for key, value in vars(balance).items()}

    def set_numbers(self, values: dict[str, float]) -> None:
        for name, balance in self.balances.items():
            for key in vars(balance):
                setattr(balance, key, float(values[f"{name}.{key}"]))

    def step(self, batch: Batch, progress: float) -> dict[str, Tensor]:
        self.losses = {}
        with_gan = progress >= self.preset.warm_up and self.preset.weights.gan > 0
        self._schedule(progress)
        self.set_input(batch)
        self.forward()
        self.conditions, self.fakes, self.reals, self.real_views = {}, {}, {}, {}
        if with_gan:
            self.set_views(batch)
            self.opt_D.zero_grad(set_to_none=True)
            self.backward_d()
            self.world.average_gradients(self.D.parameters())
            self.opt_D.step()
        self.opt_G.zero_grad(set_to_none=True)
        self.backward_g()
        self.world.average_gradients(self.G.parameters())
        self.opt_G.step()
        self.steps += 1
        self._average()
        return self.losses

    def set_input(self, batch: Batch) -> None:
        packed = packed_of(batch, self.device)
        target, self.head = (x.to(self.device, non_blocking=True) for x in (batch.target, batch.head))
        self.conditioning = expand(packed, torch.bfloat16 if self.mixed else torch.float32)
        self.target = (target.float() / 255).contiguous(memory_format=torch.channels_last)
        figure = silhouette(packed, batch.margin) if batch.margin else self.target[:, 3:]
        self.weight = losses.pixel_weight(figure, (packed[:, :1] == HEAD).float(), over_all=self.world.mean)

    def forward(self) -> None:
        with self._autocast():
            self.image = self._run_G(self.conditioning, self.head)

    def set_views(self, batch: Batch) -> None:
        """What the discriminators are shown, changed alike on both sides: the picture, its head, and pairs of frames."""
        rng = np.random.default_rng((self.seed, _VIEWS, self.steps))
        half = len(batch.rows) // 2
        rows = {WHOLE: batch.rows, HEADS: batch.rows} | ({PAIRS: batch.rows[:half]} if batch.paired else {})
        sides = {WHOLE: self.image.shape[-1], HEADS: self.crop, PAIRS: self.image.shape[-1]}
        draws = {name: draw(rng, batch.whole, side) for name, side in sides.items()}
        shared = {name: draws[name].part(numbers) for name, numbers in rows.items()}
        self.seen = {HEADS: (self.head[:, 2] > 0).float()}

        def views(x: Tensor) -> dict[str, Tensor]:
            found = {WHOLE: x, HEADS: cut(x, self.head, self.crop).to(x.dtype)}
            if batch.paired:
                found[PAIRS] = torch.cat([x[:half], x[half:]], 1)
            return {name: covered(view, shared[name]) for name, view in found.items()}

        def pictures(image: Tensor) -> dict[str, Tensor]:
            return {name: recoloured(view, shared[name]) for name, view in views(image).items()}

        self.conditions, self.fakes = views(self.conditioning), pictures(self.image)
        self.reals = pictures(self.target)

    def backward_d(self) -> None:
        """Hinge loss on render and picture; R1 on the render every `r1_every` steps, multiplied by that so that its mean strength
        stays.
        """
        regularise = self.steps // self._step_of_its_kind() % self.preset.r1_every == 0
        total = torch.zeros((), device=self.device)
        for name, conditioning in self.conditions.items():
            rgba, seen = self.reals[name], self.seen.get(name)
            with self._autocast():
                real, fake = self.D[name](conditioning, rgba, self.fakes[name].detach())
            self.real_views[name] = [(logits.detach(), [f.detach() for f in features]) for logits, features in real]
            loss = losses.hinge_d(real, fake, seen)
            right = losses.rightness(real, fake, seen, over_all=self.world.mean)
            self.balances[name].update(float(right))
            self.losses |= {_named("d", name): loss.detach(), _named("d_right", name): right}
            self.losses[_named("d_pace", name)] = torch.tensor(self.balances[name].pace, device=self.device)
            if regularise:
                # Without autocast: second derivatives in bfloat16 are noise.
                leaf = rgba.detach().float().requires_grad_(True)
                (judged,) = self.D[name](conditioning.float(), leaf)
                penalty = losses.r1(judged, leaf)
                self.losses[_named("r1", name)] = penalty.detach()
                loss = loss + self.preset.weights.r1 * 0.5 * self.preset.r1_every * penalty
            total = total + loss
        for group, balance in zip(self.opt_D.param_groups, self.balances.values(), strict=True):
            group["lr"] *= balance.pace
        total.backward()

    def backward_g(self) -> None:
        weights = self.preset.weights
        terms = self.terms()
        total = torch.stack([getattr(weights, name.split("_")[0]) * term.float() for name, term in terms.items()]).sum()
        total.backward()
        self.D.requires_grad_(True)
        self.losses |= {name: term.detach() for name, term in terms.items()} | {"g": total.detach()}

    def terms(self) -> dict[str, Tensor]:
        """The generator's losses by name; those of the discriminators' views where they have been set."""
        terms = {
            "l1": losses.weighted_l1(self.image, self.target, self.weight),
            "gradient": losses.gradient_l1(self.image, self.target),
            "dice": losses.dice(self.image[:, 3:], self.target[:, 3:]),
        }
        self.D.requires_grad_(False)
        for name, rgba in self.fakes.items():
            seen = self.seen.get(name)
            with self._autocast():
                (fake,) = self.D[name](self.conditions[name], rgba)
            terms[_named("gan", name)] = losses.hinge_g(fake, seen)
            terms[_named("features", name)] = losses.feature_matching(self.real_views[name], fake, seen, over_all=self.world.mean)
        return terms

    def _step_of_its_kind(self) -> int:
        """Every how many steps the present kind of step comes: R1 must meet steps with pairs as well."""
        return self.preset.pairs_every if PAIRS in self.reals else 1

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
        self.G.refine = progress >= self.preset.refine_from
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


def _named(loss: str, view: str) -> str:
    return loss if view == WHOLE else f"{loss}_{view}"


def mixed_precision_pays(device: torch.device) -> bool:
    """Whether bfloat16 is faster here: on a GPU, and on CPUs with matrix units for it (Intel's AMX); elsewhere it is emulated and
    slower.
    """
    return device.type == "cuda" or (device.type == "cpu" and torch.cpu._is_amx_tile_supported())


def best_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
