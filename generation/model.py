# SPDX-License-Identifier: GPL-3.0-or-later
"""A model that is ready to draw, whatever computes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..synth_data.pose.transfer import FilmedTarget
from ..synth_data.retarget.rig import Rig

EXPORTED = "model.onnx"  # an exported model's name in its folder


class Runner(Protocol):
    """Packed conditioning (H, W, PACKED) uint8 and the head's square (3,) float32 (`synth_data.pose.head`) → premultiplied RGBA
    (H, W, 4) float32 in 0…1.
    """

    def __call__(self, packed: NDArray[np.uint8], head: NDArray[np.float32]) -> NDArray[np.float32]: ...


@dataclass(frozen=True)
class Model:
    run: Runner
    size: int  # the side of its pictures, px
    character: Rig | FilmedTarget  # whom it draws
    sha256: str  # of the file that holds its weights
    engine: str  # what computes it, for people


def open_model(path: Path | str) -> Model:
    """From an .onnx file, or a folder made by `ningyo train`: with torch where it is installed, else from the folder's exported file.

    Raises UserError for what is not a whole model of ours.
    """
    path = Path(path)
    if path.suffix.lower() == ".onnx" or path.is_file():
        return _open_onnx(path)
    try:
        from ..training.runner import open_folder
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("torch", "safetensors"):
            raise
        if not path.exists():
            raise UserError(f"There is no model at {path}; make one with `ningyo train`.") from error
        if not (path / EXPORTED).is_file():
            raise UserError(
                f"This Python has no torch and {path} has no {EXPORTED}; make it where torch is: `ningyo export {path}`."
            ) from error
        return _open_onnx(path / EXPORTED)
    return open_folder(path)


def _open_onnx(path: Path) -> Model:
    from .onnx import open_onnx

    return open_onnx(path)
