# SPDX-License-Identifier: GPL-3.0-or-later
"""A pose bundle that takes the whole picture for the region of a person, so that the caller says where to look.

MediaPipe's Tasks API finds regions with its own detector, which misses people who fill too much or too little of the picture, are seen from
behind or cut off; its landmark model does well on all of them when shown the right region. So the bundle's detector is replaced by a model
without operations, whose outputs are constants: one certain detection, upright in the middle.
"""

from __future__ import annotations

import importlib
import io
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

DETECTOR = "pose_detector.tflite"
INPUT = 224  # px, the detector's picture
# Stride in px and anchors a cell of the detector's layers (SsdAnchorsCalculatorOptions of MediaPipe's pose_detection graph).
LAYERS = ((8, 2), (16, 2), (32, 6))
# MediaPipe makes a region of 2 × 1.25 times the distance between the two keypoints of a detection (its RectTransformation).
REGION_TO_REACH = 2 * 1.25


def with_given_region(bundle: bytes) -> bytes:
    """The pose bundle (a zip of tflite models) with a detector that always finds one person whose region is the picture, upright.

    ValueError if the detector's outputs are not those of MediaPipe's pose detector.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(bundle)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as target:
        for name in source.namelist():
            data = source.read(name)
            target.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), _constant(data) if name == DETECTOR else data)
    return out.getvalue()


def anchors() -> NDArray[Any]:
    """The centres of the detector's anchors in 0…1: (2254, 2)."""
    centres = []
    for stride, a_cell in LAYERS:
        cells = (np.arange(INPUT // stride) + 0.5) * stride / INPUT
        x, y = np.meshgrid(cells, cells)
        centres.append(np.repeat(np.stack([x, y], -1).reshape(-1, 2), a_cell, axis=0))
    return np.concatenate(centres)


def _constant(model: bytes) -> bytes:
    schema = importlib.import_module("mediapipe.tasks.metadata.schema_py_generated")
    flatbuffers = importlib.import_module("flatbuffers")
    net = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(model, 0))
    graph = net.subgraphs[0]
    inputs, outputs = ([graph.tensors[index] for index in side] for side in (graph.inputs, graph.outputs))
    values = _one_detection()
    if [list(tensor.shape) for tensor in outputs] != [list(value.shape) for value in values]:
        raise ValueError("not MediaPipe's pose detector")
    # The metadata (how pictures are normalised) stay; they are named by the index of their buffer.
    kept = [net.buffers[entry.buffer] for entry in net.metadata or []]
    for index, entry in enumerate(net.metadata or []):
        entry.buffer = index + 1
    net.buffers = [schema.BufferT(), *kept]
    for tensor, value in zip(outputs, values, strict=True):
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(value.tobytes(), np.uint8)
        net.buffers.append(buffer)
        tensor.buffer, tensor.quantization = len(net.buffers) - 1, None
    for tensor in inputs:
        tensor.buffer = 0
    graph.tensors, graph.operators, net.operatorCodes = [*inputs, *outputs], [], []
    graph.inputs = list(range(len(inputs)))
    graph.outputs = list(range(len(inputs), len(graph.tensors)))
    net.signatureDefs = None
    builder = flatbuffers.Builder(len(model))
    builder.Finish(net.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _one_detection() -> tuple[NDArray[Any], NDArray[Any]]:
    """The detector's raw boxes (1, 2254, 12) and scores (1, 2254, 1), float32.

    A box is its centre, size and four keypoints in px of the detector's picture from the anchor's centre; the first keypoint is the middle
    of the hips, the second a point straight above at the region's reach.
    """
    centres = anchors()
    boxes = np.zeros((1, len(centres), 12), np.float32)
    scores = np.full((1, len(centres), 1), -100, np.float32)  # through a sigmoid
    nearest = int(np.abs(centres - 0.5).sum(axis=1).argmin())
    middle = (0.5 - centres[nearest]) * INPUT
    above = middle - (0, INPUT / REGION_TO_REACH)
    boxes[0, nearest] = np.concatenate([middle, (INPUT / 2, INPUT / 2), middle, above, middle, above])
    scores[0, nearest] = 100
    return boxes, scores
