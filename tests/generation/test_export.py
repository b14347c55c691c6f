# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (torch is looked for first)
"""From a trained model to ONNX in three precisions, beside torch."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

from ningyo.errors import UserError
from ningyo.generation.model import EXPORTED, open_model
from ningyo.generation.onnx import OnnxRunner, open_onnx
from ningyo.synth_data.pose.conditioning import CHANNELS
from ningyo.training import export as exporting
from ningyo.training.export import export, packed_file, to_onnx
from ningyo.training.runner import open_folder, torch_runner
from torch import nn
from torch.nn import functional


@pytest.fixture(scope="session")
def drawing() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    packed = rng.integers(0, 256, (64, 64, 14), np.uint8)
    packed[..., 0] = rng.integers(0, 16, (64, 64))
    return packed, np.array([30, 20, 16], np.float32)


def test_float32_is_torchs_network_in_a_file_that_is_enough_alone(scene: SimpleNamespace, tmp_path: Path, drawing: tuple) -> None:
    result = export(scene.model, tmp_path / "elsewhere" / "a.onnx")
    assert result["max_error"] <= 1e-3
    exported = open_model(tmp_path / "elsewhere" / "a.onnx")
    trained = open_folder(scene.model)
    assert np.abs(exported.run(*drawing) - trained.run(*drawing)).max() < 0.02 + 1e-3  # torch may compute in bfloat16 here
    assert exported.size == trained.size == 64
    assert exported.character.names == trained.character.names
    graph = onnx.load(tmp_path / "elsewhere" / "a.onnx").graph
    assert not {"BatchNormalization"} & {node.op_type for node in graph.node}
    before = (tmp_path / "elsewhere" / "a.onnx").read_bytes()
    export(scene.model, tmp_path / "elsewhere" / "a.onnx")
    assert (tmp_path / "elsewhere" / "a.onnx").read_bytes() == before
    assert str(Path.cwd()).encode() not in before  # nothing of this machine


def test_the_folder_is_where_it_is_written_unless_told(scene: SimpleNamespace) -> None:
    try:
        export(scene.model)
        assert open_onnx(scene.model / EXPORTED).size == 64
    finally:
        (scene.model / EXPORTED).unlink(missing_ok=True)


def test_another_size_and_batches(scene: SimpleNamespace, tmp_path: Path) -> None:
    assert export(scene.model, tmp_path / "wide.onnx", size=96)["max_error"] <= 1e-3
    model = open_onnx(tmp_path / "wide.onnx")
    assert model.size == 96
    rng = np.random.default_rng(1)
    packed = rng.integers(0, 16, (3, 96, 96, 14), np.uint8)
    assert isinstance(model.run, OnnxRunner)
    feed = {"packed": packed} | ({"head": np.tile(np.float32([40, 30, 20]), (3, 1))} if model.run.takes_head else {})
    three = model.run.session.run(None, feed)[0]
    assert np.abs(three[1] - model.run(packed[1], np.float32([40, 30, 20]))).max() < 1e-5
    for size in (100, 0, 8192):
        with pytest.raises(UserError, match="multiple of 32"):
            export(scene.model, tmp_path / "odd.onnx", size=size)


def test_half_precision_is_half_as_large_and_nearly_the_same(scene: SimpleNamespace, tmp_path: Path) -> None:
    large = export(scene.model, tmp_path / "fp32.onnx")["bytes"]
    result = export(scene.model, tmp_path / "fp16.onnx", precision="fp16")
    assert result["psnr_to_fp32"] > 45
    weights = [t for t in onnx.load(tmp_path / "fp16.onnx").graph.initializer if len(t.dims) == 4 and t.dims[2] > 1]
    assert sum(t.data_type == onnx.TensorProto.FLOAT16 for t in weights) >= len(weights) - 1
    assert result["bytes"] < large


def test_integers_are_calibrated_judged_and_leave_the_last_convolution_alone(scene: SimpleNamespace, tmp_path: Path) -> None:
    result = export(scene.model, tmp_path / "int8.onnx", precision="int8", dataset=scene.dataset)
    assert result["psnr_to_fp32"] > 25
    assert result["psnr_fg"]["fp32"] - result["psnr_fg"]["int8"] < 0.2
    graph = onnx.load(tmp_path / "int8.onnx").graph
    types = {t.name: t.data_type for t in graph.initializer}
    makers = {output: node for node in graph.node for output in node.output}
    quantised = []
    for node in graph.node:
        if node.op_type == "Conv":
            source = makers.get(node.input[1])
            quantised.append(source is not None and types[source.input[0]] == onnx.TensorProto.INT8)
    assert quantised.count(False) == 1
    with pytest.raises(UserError, match="--calibrate"):
        export(scene.model, tmp_path / "x.onnx", precision="int8")


def test_integers_that_cost_too_much_are_refused(scene: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoilt(model, examples):
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        # The finished picture, inverted.
        last = copy.graph.node[-1]
        name, last.output[0] = last.output[0], "picture"
        copy.graph.initializer.append(onnx.numpy_helper.from_array(np.float32(1), "one"))
        copy.graph.node.append(onnx.helper.make_node("Sub", ["one", "picture"], [name], "invert"))
        return copy

    monkeypatch.setattr(exporting, "quantised", spoilt)
    with pytest.raises(UserError, match="would cost"):
        export(scene.model, tmp_path / "int8.onnx", precision="int8", dataset=scene.dataset)
    assert not (tmp_path / "int8.onnx").exists()


class WithHead(nn.Module):
    """A network that brightens the head's square, cut out by grid_sample as a refiner would."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(len(CHANNELS), 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.last = nn.Conv2d(8, 4, 3, padding=1)
        nn.init.uniform_(self.norm.running_var, 0.5, 2)  # type: ignore[arg-type]

    def forward(self, conditioning: torch.Tensor, head: torch.Tensor | None = None) -> torch.Tensor:
        picture = torch.sigmoid(self.last(functional.relu(self.norm(self.first(conditioning)))))
        assert head is not None
        side = torch.where(head[:, 2] > 0, head[:, 2], torch.ones_like(head[:, 2]))[:, None]
        steps = torch.arange(64, dtype=torch.float32) + 0.5
        across, down = (steps - head[:, :1]) * 2 / side, (steps - head[:, 1:2]) * 2 / side
        grid = torch.stack([across[:, None].expand(-1, 64, -1), down[:, :, None].expand(-1, -1, 64)], -1)
        return picture + 0.5 * functional.grid_sample(torch.ones_like(picture), grid, align_corners=False)


def test_networks_that_want_the_heads_place_get_it(tmp_path: Path, drawing: tuple, scene: SimpleNamespace) -> None:
    torch.manual_seed(0)
    network = WithHead().eval()
    rig = open_folder(scene.model).character
    description = {"schema": "ningyo.onnx", "version": 1, "size": 64, "rasteriser": exporting.RASTERISER_VERSION, "rig": rig.to_json()}
    run = OnnxRunner(packed_file(to_onnx(network, 64), description), "test", 64)
    expected = torch_runner(network, torch.device("cpu"), mixed=False)
    for head in ([30, 20, 16], [10, 50, 30], [0, 0, 0]):
        square = np.float32(head)
        assert np.abs(run(drawing[0], square) - expected(drawing[0], square)).max() <= 1e-3
    assert np.abs(run(drawing[0], np.float32([30, 20, 16])) - run(drawing[0], np.float32([10, 50, 30]))).max() > 0.3


def test_what_cannot_be_exported_is_said_in_a_sentence(scene: SimpleNamespace, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no precision"):
        export(scene.model, tmp_path / "a.onnx", precision="bf16")
    with pytest.raises(UserError, match=r"end in \.onnx"):
        export(scene.model, tmp_path / "a.pt")
    with pytest.raises(UserError, match="no model at"):
        export(tmp_path / "nowhere", tmp_path / "a.onnx")
