# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (onnx is looked for first)
"""Files from strangers: what they ask for is refused in one sentence before any runtime sees them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from ningyo.errors import UserError
from ningyo.generation import onnx_file
from ningyo.generation.onnx import open_onnx
from ningyo.generation.onnx_file import describe
from ningyo.synth_data.pose.conditioning import PACKED, RASTERISER_VERSION
from ningyo.synth_data.pose.transfer import FilmedTarget, Ground
from ningyo.synth_data.retarget.rig import Rig
from onnx import TensorProto, helper, numpy_helper

Change = Callable[[onnx.ModelProto], None]


FILMED = FilmedTarget((160, 120), 200.0, 1.7, Ground(None, 80, 60, 30, 4)).to_json()


def filmed_by(figure_motion: Callable, filmed: object) -> bytes:
    return made(figure_motion, take=("rig",), version=2, filmed=filmed)


def made(figure_motion: Callable, change: Change = lambda model: None, take: tuple[str, ...] = (), **description: object) -> bytes:
    """A small model with our metadata (without the keys `take`): the first four bytes of the packed conditioning as a picture."""
    rig, _ = figure_motion(1)
    nodes = [
        helper.make_node("Slice", ["packed", "from", "to", "axis"], ["cut"], "slice"),
        helper.make_node("Cast", ["cut"], ["float"], "cast", to=TensorProto.FLOAT),
        helper.make_node("Mul", ["float", "scale"], ["rgba"], "mul"),
    ]
    tensors = [numpy_helper.from_array(np.array([value], np.int64), name) for name, value in (("from", 0), ("to", 4), ("axis", 3))]
    tensors.append(numpy_helper.from_array(np.float32([1 / 255]), "scale"))
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("packed", TensorProto.UINT8, ["batch", 32, 32, PACKED])],
        [helper.make_tensor_value_info("rgba", TensorProto.FLOAT, ["batch", 32, 32, 4])],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    entry = model.metadata_props.add()
    ours = {"schema": "ningyo.onnx", "version": 1, "size": 32, "rasteriser": RASTERISER_VERSION, "rig": rig.to_json()}
    ours |= description
    entry.key, entry.value = "ningyo", json.dumps({key: value for key, value in ours.items() if key not in take})
    change(model)
    return model.SerializeToString()


def test_our_own_file_draws(tmp_path: Path, figure_motion: Callable) -> None:
    (tmp_path / "m.onnx").write_bytes(made(figure_motion))
    model = open_onnx(tmp_path / "m.onnx")
    packed = np.random.default_rng(0).integers(0, 256, (32, 32, PACKED), np.uint8)
    assert np.allclose(model.run(packed, np.zeros(3, np.float32)), packed[..., :4] / 255, atol=1e-6)
    assert isinstance(model.character, Rig)
    (tmp_path / "f.onnx").write_bytes(filmed_by(figure_motion, FILMED))
    assert open_onnx(tmp_path / "f.onnx").character == FilmedTarget.from_json(FILMED, "it")


def external(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[3]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def external_in_attribute(model: onnx.ModelProto) -> None:
    tensor = TensorProto(name="t", data_type=TensorProto.FLOAT, dims=[1])
    tensor.external_data.add(key="location", value="*/_ORT_MEM_ADDR_/*")
    model.graph.node.append(helper.make_node("Constant", [], ["c"], "c", value=tensor))


def custom_domain(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Gelu", ["rgba"], ["c"], "c", domain="com.microsoft"))


def custom_opset(model: onnx.ModelProto) -> None:
    model.opset_import.append(helper.make_opsetid("evil.ops", 1))


def functions(model: onnx.ModelProto) -> None:
    model.functions.append(helper.make_function("here", "F", ["x"], ["x"], [], [helper.make_opsetid("", 18)]))


def loop(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Loop", ["", ""], ["c"], "c", body=helper.make_graph([], "b", [], [])))


def sparse(model: onnx.ModelProto) -> None:
    model.graph.sparse_initializer.add()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (external, "keeps weights outside"),
        (external_in_attribute, "keeps weights outside"),
        (custom_domain, "needs operators of 'com.microsoft'"),
        (custom_opset, r"needs operators of 'evil\.ops'"),
        (functions, "brings functions"),
        (loop, "holds loops"),
        (sparse, "holds sparse"),
    ],
)
def test_what_no_model_of_ours_needs_is_refused(change: Change, words: str, tmp_path: Path, figure_motion: Callable) -> None:
    (tmp_path / "m.onnx").write_bytes(made(figure_motion, change))
    with pytest.raises(UserError, match=rf"m\.onnx {words}.*; Ningyo does not run such files"):
        open_onnx(tmp_path / "m.onnx")


def test_foreign_newer_and_damaged_files_get_a_sentence(tmp_path: Path, figure_motion: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    good = made(figure_motion)
    cases = {
        "another's": (made(figure_motion, lambda model: model.ClearField("metadata_props")), "not exported by Ningyo"),
        "schema": (made(figure_motion, schema="other"), "not exported by Ningyo"),
        "newer": (made(figure_motion, version=3), "newer Ningyo"),
        "rasteriser": (made(figure_motion, rasteriser=RASTERISER_VERSION + 1), "another version of the skeleton rasteriser"),
        "size": (made(figure_motion, size=33), "damaged"),
        "large": (made(figure_motion, size=1 << 20), "damaged"),
        "other size": (made(figure_motion, size=64), "inputs and outputs"),
        "rig": (made(figure_motion, rig=[]), "damaged"),
        "rig and filmed": (made(figure_motion, filmed=FILMED), "damaged"),
        "filmed is no object": (filmed_by(figure_motion, "yes"), "damaged"),
        "filmed by nothing": (filmed_by(figure_motion, {}), "how its person was filmed"),
        "filmed from nowhere": (filmed_by(figure_motion, FILMED | {"focal_px": float("nan")}), "how its person was filmed"),
        "neither": (made(figure_motion, take=("rig",)), "damaged"),
        "empty": (b"", "not an ONNX file"),
        "text": (b"This is not a model at all.", "not an ONNX file"),
        "two": (good + good, "not an ONNX file"),
    }
    for name, (content, words) in cases.items():
        (tmp_path / f"{name}.onnx").write_bytes(content)
        with pytest.raises(UserError, match=words):
            open_onnx(tmp_path / f"{name}.onnx")
    with pytest.raises(UserError, match="no model at"):
        open_onnx(tmp_path / "nowhere.onnx")
    monkeypatch.setattr("ningyo.generation.onnx.MAX_BYTES", len(good) - 1)
    (tmp_path / "m.onnx").write_bytes(good)
    with pytest.raises(UserError, match="larger than"):
        open_onnx(tmp_path / "m.onnx")


def test_cut_short_anywhere_it_is_refused(figure_motion: Callable) -> None:
    good = made(figure_motion)
    describe(good, "m")
    for length in range(0, len(good), 97):
        with pytest.raises(UserError):
            describe(good[:length], "m")


def test_flipped_bits_never_raise_anything_else(tmp_path: Path, figure_motion: Callable) -> None:
    good = bytearray(made(figure_motion))
    rng = np.random.default_rng(0)
    start = good.index(b"ningyo.onnx")  # before it lies the graph, behind it the rig
    for _ in range(200):
        bad = bytearray(good)
        bad[rng.integers(min(start, 600))] ^= 1 << rng.integers(8)
        (tmp_path / "m.onnx").write_bytes(bytes(bad))
        with contextlib.suppress(UserError):
            open_onnx(tmp_path / "m.onnx")


def test_all_occurrences_of_a_field_are_looked_at() -> None:
    """Protobuf merges messages that come twice; the second must not be overlooked."""
    tensor = TensorProto(name="t").SerializeToString()
    tensor += TensorProto(data_location=TensorProto.EXTERNAL).SerializeToString()
    graph = b"\x2a" + bytes([len(tensor)]) + tensor  # field 5, initializer
    with pytest.raises(onnx_file._Refused):
        onnx_file._checked(memoryview(b"\x3a" + bytes([len(graph)]) + graph))
