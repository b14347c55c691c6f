# SPDX-License-Identifier: GPL-3.0-or-later
"""A trained model as one ONNX file that needs no torch: packed conditioning and the head's square in, premultiplied RGBA out.

The graph makes the channels from the packed conditioning itself, so that whoever runs it has nothing to do and less to copy. The exporter
folds batch norm into the convolutions. The file's metadata hold all that generation wants to know (generation/onnx_file.py), the rig
too. Every file is run beside torch's network before it is kept.
"""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import ModelProto
from torch import Tensor, nn

from ..errors import UserError
from ..generation.model import EXPORTED, Runner
from ..generation.onnx import OnnxRunner
from ..generation.onnx_file import FILMED, KEY, MAX_SIDE, RIG, RIGGED_VERSION, SCHEMA, VERSION, describe
from ..generation.shots import Drawing
from ..jobs.folder import write_atomically
from ..jobs.progress import SILENT, Reporter
from ..synth_data.dataset.folder import IMAGE, Dataset, Sample
from ..synth_data.pose.conditioning import PACKED, PARTS, RASTERISER_VERSION, draw_packed
from ..synth_data.pose.framing import crop_for, crop_intrinsics
from ..synth_data.pose.head import head_square
from ..synth_data.pose.landmarks import BODY_25
from ..synth_data.retarget.rig import Rig
from . import metrics
from .checkpoint import load_character, load_model
from .data import filmed_target, open_character, premultiplied, read_rgba
from .presets import MULTIPLE
from .runner import refuse_baselines, takes_head, torch_runner
from .silhouette import figure
from .smaller import half, quantised

OPSET = 18  # GridSample came with 16; that of 20 is not computed on GPUs by all of ONNX Runtime's providers
PRECISIONS = ("fp32", "fp16", "int8")
MAX_ERROR = 1e-3  # between torch and float32, of values in 0…1
MAX_LOSS_DB = 0.2  # what integers may cost, foreground PSNR against the truth
# In heights from the soles, x to the person's left, y down, z from the camera.
_STANDING = {
    **{
        "nose": (0, -0.93, -0.06),
        "neck": (0, -0.82, 0),
        "mid_hip": (0, -0.53, 0),
        "left_eye": (0.02, -0.94, -0.05),
        "left_ear": (0.05, -0.93, 0),
    },
    **{"left_shoulder": (0.1, -0.82, 0), "left_elbow": (0.2, -0.66, 0), "left_wrist": (0.28, -0.52, 0)},
    **{"left_hip": (0.05, -0.53, 0), "left_knee": (0.06, -0.28, 0), "left_ankle": (0.06, -0.04, 0), "left_big_toe": (0.07, -0.01, -0.09)},
}
CALIBRATION, JUDGED = 48, 24  # pictures that ranges are measured on, and that the result is measured on


def export(
    model: Path | str,
    out: Path | str | None = None,
    *,
    precision: str = "fp32",
    dataset: Path | str | None = None,
    size: int | None = None,
    report: Reporter = SILENT,
) -> dict[str, Any]:
    """Write the model in the folder `model` to the file `out` (None: model.onnx in it, where `ningyo generate` looks for it).

    precision: "fp32"; "fp16", half the size, for GPUs; "int8", fastest on CPUs, calibrated on the training clips of `dataset`, which it
    then needs. size: the side of its pictures, px (None: as trained).

    Returns {"precision", "size", "bytes", "max_error" to torch for fp32, else "psnr_to_fp32" (dB), and with a dataset "psnr_fg" of fp32
    and of this precision against the truth}. Raises UserError, also where int8 would cost more than MAX_LOSS_DB.
    """
    folder = Path(model)
    if precision not in PRECISIONS:
        raise UserError(f"There is no precision {precision!r}; choose one of {', '.join(PRECISIONS)}.")
    if precision == "int8" and dataset is None:
        raise UserError("int8 is calibrated on real poses: give the dataset that the model was trained on (--calibrate DATASET).")
    network, config = load_model(folder)
    refuse_baselines(folder, config)
    character = load_character(folder, config)
    side = int(config["size"]) if size is None else size
    if not 0 < side <= MAX_SIDE or side % MULTIPLE:
        raise UserError(f"Pictures of {side} px cannot be made; choose a multiple of {MULTIPLE} up to {MAX_SIDE}.")
    data = None if dataset is None else open_character(dataset, config.get("character"))
    out = folder / EXPORTED if out is None else Path(out)
    if out.suffix.lower() != ".onnx":
        raise UserError(f"{out.name} does not end in .onnx; exported models do.")
    description = {
        "schema": SCHEMA,
        "version": RIGGED_VERSION if isinstance(character, Rig) else VERSION,
        "character": config.get("character"),
        "size": side,
        "rasteriser": RASTERISER_VERSION,
        **({RIG: character.to_json()} if isinstance(character, Rig) else {FILMED: character.to_json()}),
    }
    plain = to_onnx(network, side)
    torch_run, plain_run = (
        torch_runner(network.cpu(), torch.device("cpu"), mixed=False),
        _runner(plain, description | {"precision": "fp32"}),
    )
    train, judged = _samples(data, "train", CALIBRATION), _samples(data, "test", JUDGED) or _samples(data, "train", JUDGED)
    drawings = (
        [_drawing(data, sample, side, character.height) for sample in judged[:4]]
        if data is not None
        else [_standing(character.height, side)]
    )
    result: dict[str, Any] = {"precision": precision, "size": side}
    error = max(float(np.abs(torch_run(*drawing) - plain_run(*drawing)).max()) for drawing in drawings)
    if not error <= MAX_ERROR:
        raise UserError(f"The exported network differs from the trained one by {error:.2g}; export it with another version of torch.")
    result["max_error"] = error
    report.stage(f"export {precision}")
    if precision == "fp32":
        final = plain
    elif precision == "fp16":
        final = half(plain)
    else:
        assert data is not None
        final = quantised(plain, lambda: (feed(plain, _drawing(data, sample, side, character.height)) for sample in train))
    content = packed_file(final, description | {"precision": precision})
    run = OnnxRunner(content, out.name, side)
    if precision != "fp32":
        result["psnr_to_fp32"] = round(psnr([plain_run(*d) for d in drawings], [run(*d) for d in drawings]), 2)
    if data is not None and side == data.size[0]:
        values = {"fp32": _psnr_fg(plain_run, data, judged, character.height)}
        values[precision] = values["fp32"] if precision == "fp32" else _psnr_fg(run, data, judged, character.height)
        result["psnr_fg"] = {key: round(value, 3) for key, value in values.items()}
        loss = values["fp32"] - values[precision]
        if precision == "int8" and not loss < MAX_LOSS_DB:
            raise UserError(f"int8 would cost {loss:.2f} dB, and at most {MAX_LOSS_DB} are allowed; export fp32 or fp16, or train longer.")
    write_atomically(out, content)
    report.artefact("model", out)
    return result | {"bytes": len(content)}


class FromPacked(nn.Module):
    """A network behind the step that makes its channels: packed (B, H, W, PACKED) uint8 → (B, H, W, 4)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("numbers", torch.arange(1, len(PARTS) + 1, dtype=torch.int32)[None, :, None, None])

    def forward(self, packed: Tensor) -> Tensor:
        return self.network(self.channels(packed)).permute(0, 2, 3, 1)

    def channels(self, packed: Tensor) -> Tensor:
        pixels = packed.permute(0, 3, 1, 2)
        parts = torch.eq(pixels[:, :1].to(torch.int32), self.get_buffer("numbers")).float()
        values = (pixels[:, 1:].float() - 128) * (1 / 127)
        return torch.cat([parts, values], 1)


class FromPackedAndHead(FromPacked):
    """The same for networks that want to know where the head is: (B, 3) float in px."""

    def forward(self, packed: Tensor, head: Tensor) -> Tensor:  # type: ignore[override]
        return self.network(self.channels(packed), head).permute(0, 2, 3, 1)


def to_onnx(network: nn.Module, size: int) -> ModelProto:
    """The network for pictures of `size` px, float32, any batch; checked by onnx.checker."""
    with_head = takes_head(network)
    whole = (FromPackedAndHead if with_head else FromPacked)(network).eval()
    # Two pictures: with one, the exporter would take the batch for a constant.
    example: dict[str, Tensor] = {"packed": torch.zeros(2, size, size, PACKED, dtype=torch.uint8)}
    if with_head:
        example["head"] = torch.tensor([[size / 2, size / 4, size / 4]] * 2)
    batch = torch.export.Dim("batch", min=1)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            whole,
            tuple(example.values()),
            dynamo=True,
            opset_version=OPSET,
            input_names=list(example),
            output_names=["rgba"],
            dynamic_shapes=tuple({0: batch} for _ in example),
            verbose=False,
        )
    assert program is not None
    buffer = io.BytesIO()
    program.save(buffer)  # pyright: ignore[reportArgumentType]  # files are taken as well as paths
    model = onnx.load_model_from_string(buffer.getvalue())
    _forget_origins(model)
    onnx.checker.check_model(model, full_check=True)
    return model


def packed_file(model: ModelProto, description: dict[str, Any]) -> bytes:
    """The file's content; the same model and description give the same bytes."""
    copy = ModelProto()
    copy.CopyFrom(model)
    copy.producer_name, copy.producer_version = "ningyo", ""
    del copy.metadata_props[:]
    entry = copy.metadata_props.add()
    entry.key, entry.value = KEY, json.dumps(description)
    used = {node.domain for node in copy.graph.node}
    opsets = [(o.domain, o.version) for o in copy.opset_import if o.domain in used | {""}]
    del copy.opset_import[:]
    copy.opset_import.extend(onnx.helper.make_opsetid(*opset) for opset in opsets)
    onnx.checker.check_model(copy, full_check=True)
    content = copy.SerializeToString(deterministic=True)
    describe(content, "the exported model")
    return content


def psnr(a: Sequence[NDArray[np.floating]], b: Sequence[NDArray[np.floating]]) -> float:
    """dB between two lists of pictures in 0…1."""
    error = np.mean([np.mean((x.astype(np.float64) - y) ** 2) for x, y in zip(a, b, strict=True)])
    return float(-10 * np.log10(max(error, 1e-12)))


def _forget_origins(model: ModelProto) -> None:
    """Without the exporter's notes, which hold paths of this machine and stack traces."""
    del model.metadata_props[:]
    graph = model.graph
    for item in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del item.metadata_props[:]
        item.doc_string = ""


def _runner(model: ModelProto, description: dict[str, Any]) -> OnnxRunner:
    return OnnxRunner(packed_file(model, description), "the exported model", int(description["size"]))


def feed(model: ModelProto, drawing: Drawing) -> dict[str, NDArray[Any]]:
    """What a graph made by `to_onnx` is given for one picture."""
    arrays = {"packed": drawing[0][None], "head": drawing[1][None]}
    return {entry.name: arrays[entry.name] for entry in model.graph.input}


def _samples(data: Dataset | None, split: str, most: int) -> list[Sample]:
    """At most so many of a split, evenly spread."""
    samples = [] if data is None else data.by_split[split]
    return [samples[i] for i in np.unique(np.linspace(0, len(samples) - 1, min(most, len(samples))).round().astype(int))] if samples else []


def _drawing(data: Dataset, sample: Sample, side: int, height: float) -> Drawing:
    pose = data.pose(sample)
    K = np.diag([side / data.size[0], side / data.size[0], 1.0]) @ pose.K
    return draw_packed(pose.drawn_points, K, side, height), head_square(pose.points_camera, K, height)


def _standing(height: float, side: int) -> Drawing:
    """Somebody who stands there with the arms away from the body, seen from the front: what files are tried on without a dataset."""
    points = np.full((137, 3), np.nan)
    for name, place in _STANDING.items():
        points[BODY_25.index(name)] = place
        if name.startswith("left"):
            points[BODY_25.index(name.replace("left", "right"))] = place * np.array([-1, 1, 1])
    seen = height * (points + np.array([0, 0.5, 3]))
    K = np.array([[1000.0, 0, 0], [0, 1000, 0], [0, 0, 1]])
    K = crop_intrinsics(K, crop_for(seen, K, height), side)
    return draw_packed(seen, K, side, height), head_square(seen, K, height)


def _psnr_fg(run: Runner, data: Dataset, samples: list[Sample], height: float) -> float:
    """Mean over samples of the foreground PSNR against the dataset's pictures, dB."""
    filmed, values = filmed_target(data) is not None, []
    for sample in samples:
        truth = premultiplied(read_rgba(data.file(sample, IMAGE), data.size[0])).astype(np.float32) / 255
        drawing = _drawing(data, sample, data.size[0], height)
        pair = [torch.from_numpy(x.copy()).permute(2, 0, 1) for x in (run(*drawing), truth)]
        if filmed:
            where = figure(drawing[0])
            pair = [metrics.cut_out(x, where) for x in pair]
        values.append(metrics.psnr_fg(*pair))
    return float(np.mean(values))
