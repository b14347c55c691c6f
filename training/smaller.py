# SPDX-License-Identifier: GPL-3.0-or-later
"""ONNX models with smaller numbers: half precision for GPUs, 8-bit integers for CPUs."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

Feed = dict[str, NDArray[Any]]  # a graph's inputs by name
_HALF, _FLOAT = ".half", ".float"  # added to the names of values
# What is computed between convolutions as precisely as they are.
_BETWEEN = ("Add", "Relu", "Resize", "DepthToSpace")


def half(model: ModelProto) -> ModelProto:
    """With float16 weights and arithmetic from the first convolution to those before the last; inputs and outputs as they were.

    Outside, pixels' places are computed, which would be pixels off.
    """
    copy = ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    inside = _between_convolutions(copy)
    floats = {tensor.name: tensor for tensor in graph.initializer if tensor.data_type == TensorProto.FLOAT}
    halves = {output for node in graph.node if node.name in inside for output in node.output}
    made: set[str] = set()
    nodes: list[NodeProto] = []

    def as_half(name: str) -> str:
        """What holds the value `name` in half precision; made where it is first needed."""
        if name in halves:
            return name
        if name + _HALF not in made:
            made.add(name + _HALF)
            if name in floats:
                graph.initializer.append(
                    onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(floats[name]).astype(np.float16), name + _HALF)
                )
            else:
                nodes.append(onnx.helper.make_node("Cast", [name], [name + _HALF], f"cast_{name}", to=TensorProto.FLOAT16))
        return name + _HALF

    def as_float(name: str) -> str:
        if name not in halves:
            return name
        if name + _FLOAT not in made:
            made.add(name + _FLOAT)
            nodes.append(onnx.helper.make_node("Cast", [name], [name + _FLOAT], f"cast_{name}", to=TensorProto.FLOAT))
        return name + _FLOAT

    for node in graph.node:
        for i, name in enumerate(node.input):
            # A Resize's factors are float32 whatever the picture is.
            if name and node.name not in inside:
                node.input[i] = as_float(name)
            elif name and (i == 0 or node.op_type != "Resize"):
                node.input[i] = as_half(name)
        nodes.append(node)
    nodes = [NodeProto.FromString(node.SerializeToString()) for node in nodes]  # the graph's own end with its list
    del graph.node[:], graph.value_info[:]
    graph.node.extend(nodes)
    used = {name for node in nodes for name in node.input}
    kept = [TensorProto.FromString(tensor.SerializeToString()) for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    return copy


def quantised(model: ModelProto, examples: Callable[[], Iterable[Feed]]) -> ModelProto:
    """With 8-bit weights (a scale a channel) and activations, whose ranges are those that occur with the `examples`.

    The last convolutions, which make the picture, and all that is not between convolutions stay in float.
    """
    inside = _between_convolutions(model)

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self._feeds = iter(examples())

        def get_next(self) -> Feed | None:  # type: ignore[override]
            return next(self._feeds, None)

    copy = ModelProto()
    copy.CopyFrom(model)  # ONNX Runtime moves the weights of what it is given to a file
    logging.getLogger().setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "int8.onnx"
        quantize_static(
            copy,
            path,
            Reader(),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv", *_BETWEEN],
            nodes_to_quantize=sorted(inside),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return onnx.load(path)


def _between_convolutions(model: ModelProto) -> set[str]:
    """The names of all convolutions but the last (after which no other comes before an output), and of what computes from them alone."""
    graph = model.graph
    maker = {output: node for node in graph.node for output in node.output}
    constants = {"", *(tensor.name for tensor in graph.initializer)}
    last: set[str] = set()
    waiting, seen = [output.name for output in graph.output], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in maker:
            continue
        seen.add(name)
        if maker[name].op_type == "Conv":
            last.add(maker[name].name)
        else:
            waiting.extend(maker[name].input)
    inside: set[str] = set()
    for node in graph.node:  # a graph's nodes come in the order of computing
        sources = [name for name in node.input if name not in constants]
        follows = bool(sources) and all(name in maker and maker[name].name in inside for name in sources)
        if (node.op_type == "Conv" and node.name not in last) or (node.op_type in _BETWEEN and follows):
            inside.add(node.name)
    return inside
