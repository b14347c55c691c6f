# SPDX-License-Identifier: GPL-3.0-or-later
"""A face model that the Tasks API understands, made from the one that MediaPipe's wheel carries.

The Tasks API's FaceLandmarker reads one output of 478 × 3 numbers. The wheel has a model of 468 points, which it would read askew, and
one with attention, whose mesh, lips, eyes and irises are separate outputs. To the latter two operations are added that put the parts
together as MediaPipe's own face graph does: x and y of lips, eyes and irises from their own outputs, z from the mesh.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Which of the 478 points the refined outputs are, in their order (from the options of the wheel's own face graph). "Left" and "right" in
# the names of the outputs are those of the picture; the person's are the other way round.
_LIPS = (
    61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 185, 40, 39, 37, 0, 267, 269, 270, 409, 78, 95, 88, 178, 87, 14, 317, 402, 318, 324,
    308, 191, 80, 81, 82, 13, 312, 311, 310, 415, 76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306, 184, 74, 73, 72, 11, 302, 303, 304, 408,
    62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292, 183, 42, 41, 38, 12, 268, 271, 272, 407,
)  # fmt: skip
_LEFT_EYE = (
    33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173, 130, 25, 110, 24, 23, 22, 26, 112, 243, 247, 30, 29, 27,
    28, 56, 190, 226, 31, 228, 229, 230, 231, 232, 233, 244, 113, 225, 224, 223, 222, 221, 189, 35, 124, 46, 53, 52, 65, 143, 111, 117, 118,
    119, 120, 121, 128, 245, 156, 70, 63, 105, 66, 107, 55, 193,
)  # fmt: skip
_RIGHT_EYE = (
    263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398, 359, 255, 339, 254, 253, 252, 256, 341, 463, 467, 260,
    259, 257, 258, 286, 414, 446, 261, 448, 449, 450, 451, 452, 453, 464, 342, 445, 444, 443, 442, 441, 413, 265, 353, 276, 283, 282, 295,
    372, 340, 346, 347, 348, 349, 350, 357, 465, 383, 300, 293, 334, 296, 336, 285, 417,
)  # fmt: skip
_LEFT_IRIS, _RIGHT_IRIS = tuple(range(468, 473)), tuple(range(473, 478))
# The irises have no z of their own; they take that of the upper lid's middle.
_LEFT_LID, _RIGHT_LID = 159, 386

MESH_OUTPUT = b"output_mesh_identity"
REFINED_OUTPUTS = {
    b"output_lips": _LIPS,
    b"output_left_eye": _LEFT_EYE,
    b"output_right_eye": _RIGHT_EYE,
    b"output_left_iris": _LEFT_IRIS,
    b"output_right_iris": _RIGHT_IRIS,
}
FLAG_OUTPUT = b"conv_faceflag"


def gather_indices() -> NDArray[Any]:
    """For each of the 478 × 3 numbers its place in mesh (468 × 3), lips, eyes and irises (× 2 each) laid end to end: (1434,) int32."""
    place = np.zeros((478, 3), np.int32)
    place[:468] = np.arange(468 * 3).reshape(468, 3)
    place[list(_LEFT_IRIS), 2], place[list(_RIGHT_IRIS), 2] = place[_LEFT_LID, 2], place[_RIGHT_LID, 2]
    start = 468 * 3
    for points in REFINED_OUTPUTS.values():
        place[list(points), :2] = start + np.arange(2 * len(points)).reshape(-1, 2)
        start += 2 * len(points)
    return place.reshape(-1)


def one_output(model: bytes) -> bytes:
    """The attention model (tflite) with outputs [1, 1, 1, 1434] and the face flag."""
    schema = importlib.import_module("mediapipe.tasks.metadata.schema_py_generated")
    flatbuffers = importlib.import_module("flatbuffers")
    net = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(model, 0))
    graph = net.subgraphs[0]
    outputs = {graph.tensors[index].name: index for index in graph.outputs}

    def tensor(name: bytes, shape: list[int], kind: int, data: NDArray[Any] | None = None) -> int:
        buffer = schema.BufferT()
        if data is not None:
            buffer.data = np.frombuffer(data.tobytes(), np.uint8)
        net.buffers.append(buffer)
        new = schema.TensorT()
        new.name, new.shape, new.type, new.buffer = name, shape, kind, len(net.buffers) - 1
        graph.tensors.append(new)
        return len(graph.tensors) - 1

    def operator(code: int, inputs: list[int], output: int, kind: int, options: Any) -> None:
        opcode = schema.OperatorCodeT()
        opcode.builtinCode = opcode.deprecatedBuiltinCode = code
        opcode.version = 1
        net.operatorCodes.append(opcode)
        new = schema.OperatorT()
        new.opcodeIndex, new.inputs, new.outputs = len(net.operatorCodes) - 1, inputs, [output]
        new.builtinOptionsType, new.builtinOptions = kind, options
        graph.operators.append(new)

    parts = [outputs[MESH_OUTPUT], *(outputs[name] for name in REFINED_OUTPUTS)]
    length = sum(int(graph.tensors[part].shape[-1]) for part in parts)
    float32, int32 = schema.TensorType.FLOAT32, schema.TensorType.INT32
    joined = tensor(b"joined", [1, 1, 1, length], float32)
    concatenation = schema.ConcatenationOptionsT()
    concatenation.axis = 3
    operator(schema.BuiltinOperator.CONCATENATION, parts, joined, schema.BuiltinOptions.ConcatenationOptions, concatenation)
    indices = tensor(b"indices", [478 * 3], int32, gather_indices())
    landmarks = tensor(b"landmarks", [1, 1, 1, 478 * 3], float32)
    gather = schema.GatherOptionsT()
    gather.axis = 3
    operator(schema.BuiltinOperator.GATHER, [joined, indices], landmarks, schema.BuiltinOptions.GatherOptions, gather)
    graph.outputs = [landmarks, outputs[FLAG_OUTPUT]]
    # They describe outputs that are gone.
    net.metadata, net.metadataBuffer, net.signatureDefs = None, None, None

    builder = flatbuffers.Builder(len(model))
    builder.Finish(net.Pack(builder), b"TFL3")
    return bytes(builder.Output())
