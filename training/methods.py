# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to train by name: ours and the baselines'."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ..errors import UserError
from .baselines.dance_now import DanceNow, DanceNowMended
from .baselines.learner import Baseline
from .baselines.pix2pix import Pix2Pix
from .networks import CharacterModel, refiner_side
from .step import Learner, Trainer

OURS = "ours"
BASELINES: dict[str, type[Baseline]] = {"pix2pix": Pix2Pix, "dance_now": DanceNow, "dance_now_mended": DanceNowMended}
METHODS: dict[str, type[Trainer] | type[Baseline]] = {OURS: Trainer, **BASELINES}


def method_named(name: str) -> type[Trainer] | type[Baseline]:
    """Raises UserError for a name that is none."""
    if name not in METHODS:
        raise UserError(f"There is no method {name!r}; choose one of {', '.join(METHODS)}.")
    return METHODS[name]


def build(method: str, network: dict[str, Any], size: int) -> nn.Module:
    """The network that a model's configuration describes, untrained. Raises KeyError, TypeError or ValueError where it describes none, or
    one that would fill the memory.
    """
    if method in BASELINES:
        if not all(0 < int(value) <= 256 for value in network.values()):
            raise ValueError("not a network")
        return BASELINES[method].build(network)
    if method != OURS:
        raise ValueError("not a method")
    widths, blocks = ([int(v) for v in network[key]] for key in ("widths", "blocks"))
    head, refiner = int(network["head"]), int(network["refiner"])
    if not (len(widths) == len(blocks) == 4 and all(0 < v <= 1024 for v in (*widths, head)) and 0 <= refiner <= 256):
        raise ValueError("not a network")
    if not all(0 <= v <= 16 for v in blocks):
        raise ValueError("not a network")
    return CharacterModel(widths, blocks, head, refiner, refiner_side(size))


def learner(method: str, *args: Any, seed: int, **keywords: Any) -> Learner:
    """A method's learner, its networks' first weights a function of the seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return method_named(method)(*args, seed=seed, **keywords)
