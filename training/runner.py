# SPDX-License-Identifier: GPL-3.0-or-later
"""A trained model as a `Runner` of generation, computed by torch on the best device."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import UserError
from ..generation.model import Model, Runner
from ..jobs.folder import sha256_of
from ..synth_data.pose.conditions import CAPSULES, Condition
from .checkpoint import MODEL, load_character, load_model
from .raster import expand
from .step import best_device, mixed_precision_pays
from .threads import Threads


def open_folder(folder: Path | str) -> Model:
    """The model in a folder made by `ningyo train`. Raises UserError for anything else."""
    folder = Path(folder)
    network, config = load_model(folder)
    refuse_baselines(folder, config)
    device = best_device()
    engine = f"torch {torch.__version__} ({device.type})"
    return Model(
        torch_runner(network, device, mixed=mixed_precision_pays(device)),
        int(config["size"]),
        load_character(folder, config),
        sha256_of(folder / MODEL),
        engine,
    )


def refuse_baselines(folder: Path, config: dict[str, Any]) -> None:
    """Frames are made from our own models alone: baselines draw poses otherwise, and are there to be measured. Raises UserError."""
    if config.get("conditioning", CAPSULES.name) != CAPSULES.name:
        raise UserError(f"{folder} is a baseline ({config.get('method')}), there to be measured; train a model without --method.")


def takes_head(network: torch.nn.Module) -> bool:
    """Whether the network wants to know where the head is."""
    return "head" in inspect.signature(network.forward).parameters


def torch_runner(network: torch.nn.Module, device: torch.device, *, mixed: bool, drawing: Condition = CAPSULES) -> Runner:
    """`mixed`: in bfloat16, else in float32; `drawing`: what the network is conditioned on."""
    network = network.to(device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]  # torch declares no such overload
    threads = Threads(most=None if device.type == "cpu" else 1)
    with_head = takes_head(network)

    @torch.inference_mode()
    def run(packed: NDArray[np.uint8], head: NDArray[np.float32]) -> NDArray[np.float32]:
        pixels = torch.from_numpy(np.ascontiguousarray(packed))[None].permute(0, 3, 1, 2).to(device)
        square = (torch.from_numpy(head)[None].to(device),) if with_head else ()
        with torch.autocast(device.type, torch.bfloat16, enabled=mixed):
            rgba = network(expand(pixels, drawing, torch.bfloat16 if mixed else torch.float32), *square)[0]
        return rgba.float().permute(1, 2, 0).cpu().numpy()

    return lambda packed, head: threads.run(lambda: run(packed, head))
