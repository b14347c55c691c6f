# SPDX-License-Identifier: GPL-3.0-or-later
"""Exported models, run by ONNX Runtime."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ..errors import UserError
from ..jobs.machine import cores
from ..synth_data.pose.conditioning import PACKED
from ..synth_data.pose.transfer import FilmedTarget
from ..synth_data.retarget.rig import Rig
from .model import Model
from .onnx_file import FILMED, MAX_BYTES, describe

# The first that this ONNX Runtime was built with is used; what it cannot compute falls to the CPU.
PROVIDERS = ("CUDAExecutionProvider", "DmlExecutionProvider", "CPUExecutionProvider")


def open_onnx(path: Path | str) -> Model:
    """The model in a file made by `ningyo export`. Raises UserError for any other file."""
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(f"{path} is larger than {MAX_BYTES >> 20} MB, which no model of Ningyo's is.")
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise UserError(f"There is no model at {path}; make one with `ningyo export`.") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from error
    description = describe(data, str(path))
    if FILMED in description:
        character = FilmedTarget.from_json(description[FILMED], str(path))
    else:
        character = Rig.from_json(description["rig"], str(path))
    size = int(description["size"])
    runner = OnnxRunner(data, str(path), size)
    return Model(runner, size, character, hashlib.sha256(data).hexdigest(), runner.engine)


class OnnxRunner:
    """A `Runner` from the bytes of a file that `describe` has let through. `name` is the file's, for messages."""

    def __init__(self, data: bytes, name: str, size: int) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = cores()
        # What was checked is what is loaded: without this, another format would be taken, too.
        options.add_session_config_entry("session.load_model_format", "ONNX")
        # Threads that wait by spinning would take the cores from drawing and writing.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        available = onnxruntime.get_available_providers()
        providers = [provider for provider in PROVIDERS if provider in available]
        try:
            self.session = onnxruntime.InferenceSession(data, options, providers=providers)
            inputs = {i.name: (i.type, i.shape[1:]) for i in self.session.get_inputs()}
            outputs = {o.name: (o.type, o.shape[1:]) for o in self.session.get_outputs()}
        except Exception as error:  # ONNX Runtime's errors have no base of their own
            raise UserError(f"{name} is damaged; export the model again with `ningyo export`.") from error
        self.engine = f"ONNX Runtime {onnxruntime.__version__} ({self.session.get_providers()[0].removesuffix('ExecutionProvider')})"
        self.takes_head = "head" in inputs
        expected: dict[str, tuple[str, list[int]]] = {"packed": ("tensor(uint8)", [size, size, PACKED])}
        if self.takes_head:
            expected["head"] = ("tensor(float)", [3])
        if inputs != expected or outputs != {"rgba": ("tensor(float)", [size, size, 4])}:
            raise UserError(f"{name} does not have the inputs and outputs of Ningyo's models; export it again with `ningyo export`.")

    def __call__(self, packed: NDArray[np.uint8], head: NDArray[np.float32]) -> NDArray[np.float32]:
        feed: dict[str, Any] = {"packed": packed[None]}
        if self.takes_head:
            feed["head"] = head[None]
        return np.asarray(self.session.run(["rgba"], feed)[0])[0]
