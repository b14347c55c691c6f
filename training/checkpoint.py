# SPDX-License-Identifier: GPL-3.0-or-later
"""Model and training state on disk: safetensors and JSON, written beside and renamed; nothing in them can run code.

The state is one file, so that weights, optimisers and step can never be of different moments.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from ..errors import UserError
from ..jobs.folder import write_atomically
from ..synth_data.pose.conditions import CAPSULES, condition_named
from ..synth_data.pose.transfer import FilmedTarget
from ..synth_data.retarget.rig import Rig
from .files import CONFIG, MODEL, RIG
from .methods import build
from .presets import MULTIPLE
from .step import Learner

# Version 3 may be of somebody filmed. Models with a rig are still written as version 2, which earlier readers take.
SCHEMA, VERSION, RIGGED_VERSION = "ningyo.model", 3, 2
FILMED = "filmed"  # in config.json, of a model without a rig: how its person was filmed (`pose.transfer.FilmedTarget`)
STATE = Path("state") / "checkpoint.safetensors"
_KEY = "ningyo"  # the metadata entry that holds our JSON


class Outdated(UserError):
    """The model is of an older version, which this one cannot use."""


def save_model(folder: Path, model: nn.Module, config: dict[str, Any]) -> None:
    """Write the network and config.json. Convolutions are stored as float16: half the file, and no visible difference."""
    tensors = {name: t.half() if t.dim() == 4 else t for name, t in model.state_dict().items()}
    about = {"schema": SCHEMA, "version": VERSION if FILMED in config else RIGGED_VERSION}
    _save(folder / MODEL, tensors, about)
    write_atomically(folder / CONFIG, json.dumps(about | config, indent=1) + "\n")


def load_config(folder: Path | str) -> dict[str, Any]:
    """config.json of a model, checked. Raises UserError when it is missing, foreign, newer or made with another drawing."""
    folder = Path(folder)
    if not folder.exists():
        raise UserError(f"There is no model at {folder}; make one with `ningyo train`.")
    path = folder / CONFIG
    try:
        config = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{folder} is not a model (it has no {CONFIG}); make one with `ningyo train`.") from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read; train the model again.") from error
    if not isinstance(config, dict) or config.get("schema") != SCHEMA:
        raise UserError(f"{path} is not a Ningyo model's; make a model with `ningyo train`.")
    if not isinstance(config.get("version"), int) or config["version"] > VERSION:
        raise UserError(
            f"{folder} was written by a newer Ningyo (version {config.get('version')} of the model format); update Ningyo to use it."
        )
    if config["version"] < RIGGED_VERSION:
        raise Outdated(f"{folder} was written by an older Ningyo, whose networks were others; train it again.")
    if config.get("rasteriser") != condition_named(str(config.get("conditioning", CAPSULES.name))).version:
        raise Outdated(f"{folder} was trained with another version of the skeleton rasteriser; train it again with this Ningyo.")
    return config


def load_model(folder: Path | str) -> tuple[nn.Module, dict[str, Any]]:
    """The network, ready for use, and its config: (conditioning of the kind `config["conditioning"]` (B, C, H, W), head squares (B, 3)) →
    premultiplied RGBA (B, 4, H, W), whatever `config["method"]`. Raises UserError for anything that is not a whole model of ours.
    """
    folder = Path(folder)
    config = load_config(folder)
    damaged = f"The model {folder} is damaged or not Ningyo's; train it again (`ningyo train` resumes if its state is whole)."
    try:
        size = int(config["size"])
        if not (0 < size <= 4096 and size % MULTIPLE == 0):
            raise UserError(damaged)
        model = build(config["method"], config["network"], size)
        tensors = load_file(folder / MODEL)
        model.load_state_dict({name: t.float() if t.is_floating_point() else t for name, t in tensors.items()})
    except FileNotFoundError as error:
        raise UserError(f"{folder} has no {MODEL}; run `ningyo train` again to finish it.") from error
    except (KeyError, TypeError, ValueError, AttributeError, OSError, SafetensorError, RuntimeError) as error:
        raise UserError(damaged) from error
    return model.eval().requires_grad_(False), config


def load_character(folder: Path | str, config: dict[str, Any]) -> Rig | FilmedTarget:
    """Whom a model draws: their rig, or how they were filmed. Raises UserError where neither is there, or not whole."""
    folder = Path(folder)
    return FilmedTarget.from_json(config[FILMED], str(folder / CONFIG)) if FILMED in config else Rig.load(folder / RIG)


def save_state(folder: Path, learner: Learner, info: dict[str, Any]) -> None:
    """Everything resuming needs: weights, average, optimisers, and `info` (step, seconds, what is being trained on what)."""
    tensors: dict[str, Tensor] = {}
    for name, module in learner.modules.items():
        tensors |= {f"{name}.{key}": value for key, value in module.state_dict().items()}
    for name, optimiser in learner.optimisers.items():
        for index, values in optimiser.state_dict()["state"].items():
            tensors |= {f"{name}.{index}.{key}": value for key, value in values.items()}
    _save(folder / STATE, tensors, info | {"steps": learner.steps, "numbers": learner.numbers()})


def read_state_info(folder: Path) -> dict[str, Any] | None:
    """The `info` of a saved state, or None where there is none. Raises UserError when it is damaged."""
    path = folder / STATE
    if not path.exists():
        return None
    try:
        with safe_open(path, "pt") as file:
            info = json.loads((file.metadata() or {})[_KEY])
        if not isinstance(info["steps"], int) or not isinstance(info["seconds"], int | float):
            raise ValueError("not a training state")
    except (KeyError, TypeError, ValueError, OSError, SafetensorError) as error:
        raise UserError(f"{path} is damaged; remove that file to start the training anew.") from error
    return info


def load_state(folder: Path, learner: Learner) -> None:
    """Put a saved state into `learner`. Raises UserError when it does not fit."""
    path = folder / STATE
    info = read_state_info(folder) or {}
    try:
        tensors = load_file(path)
        for name, module in learner.modules.items():
            module.load_state_dict({key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")})
        for name, optimiser in learner.optimisers.items():
            state: dict[int, dict[str, Tensor]] = {}
            for key, value in tensors.items():
                if key.startswith(f"{name}."):
                    _, index, field = key.split(".")
                    state.setdefault(int(index), {})[field] = value
            optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
        learner.steps = int(info["steps"])
        learner.set_numbers(info["numbers"])
    except (KeyError, TypeError, ValueError, OSError, SafetensorError, RuntimeError) as error:
        raise UserError(f"{path} does not fit this version of Ningyo or is damaged; train into another folder.") from error


def _save(path: Path, tensors: dict[str, Tensor], info: dict[str, Any]) -> None:
    plain = {name: t.detach().to("cpu", memory_format=torch.contiguous_format) for name, t in tensors.items()}
    # Not save_file, which makes files that nobody else may read.
    write_atomically(path, save(plain, {_KEY: json.dumps(info)}))
