# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes and settings by name: plain numbers, every one of them here."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import UserError

MULTIPLE = 32  # a picture's side must be a multiple of this: 4 in the networks' stem, 8 in their three steps down


@dataclass(frozen=True)
class Weights:
    """What each loss counts for."""

    l1: float = 5.0
    gradient: float = 5.0
    dice: float = 1.0
    gan: float = 1.0
    features: float = 2.0
    r1: float = 0.02


@dataclass(frozen=True)
class Preset:
    widths: tuple[int, int, int, int]  # the generator's channels at 1/4, 1/8, 1/16 and 1/32
    blocks: tuple[int, int, int, int]  # its residual blocks there
    head: int  # its channels at 1/2
    discriminator: int  # the discriminators' first channels
    batch: int
    minutes: float  # how long `train` runs when it is not told
    refiner: int = 0  # the head refiner's channels; 0: there is none
    lr: float = 6e-3  # the generator's peak learning rate
    lr_discriminator: float = 1e-3
    windows_until: float = 0.9  # share of the training that sees windows of the pictures, not the whole
    refine_from: float = 0.3  # share of the training before the head refiner joins
    warm_up: float = 0.2  # share of the training before the discriminators join
    pairs_every: int = 4  # so many steps: one on pairs of consecutive frames, where the dataset has them
    freeze: float = 0.8  # share after which batch norm's statistics stay as they are
    r1_every: int = 16
    shift: float = 0.06  # pictures are shifted by up to this share of their side
    noise: float = 0.0  # poses are as inexact as this many times what `synth_data.pose.noise` has; the pictures stay
    weights: Weights = field(default_factory=Weights)


PRESETS: dict[str, Preset] = {
    # For minutes on two cores.
    "tiny": Preset((32, 64, 96, 96), (1, 1, 1, 1), 16, 16, batch=4, minutes=10),
    "small": Preset((32, 64, 128, 192), (1, 2, 2, 2), 16, 24, batch=8, minutes=20, refiner=24),
    "medium": Preset((48, 96, 192, 256), (1, 2, 2, 2), 24, 32, batch=8, minutes=60, refiner=32, lr=3e-3),
    "large": Preset((64, 128, 256, 256), (2, 2, 2, 3), 32, 48, batch=16, minutes=60, refiner=48, lr=2e-3),
    "xl": Preset((96, 192, 320, 384), (2, 2, 3, 4), 48, 64, batch=16, minutes=600, refiner=64, lr=1e-3),
}
DEFAULT = "tiny"


def preset_named(name: str) -> Preset:
    if name not in PRESETS:
        raise UserError(f"There is no preset {name!r}; choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]
