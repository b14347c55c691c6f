# SPDX-License-Identifier: GPL-3.0-or-later
"""MediaPipe's hand and face landmark networks alone, in regions of a picture that the caller chooses.

The Tasks API's hand and face landmarkers find the regions themselves, with detectors that were made for selfies and miss most hands of a
whole person; and in video mode each of them holds the state of one hand or face. The networks behind them have no state and do well in any
region that is roughly right. The Tasks API runs a bare network and hands out its outputs under the name of image embedding.
"""

from __future__ import annotations

import importlib
import io
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .crops import Box
from .landmarker import assets
from .models import load_mediapipe


class Look(NamedTuple):
    """What a network makes of a region: `image` (21 or 478, 3) px, `presence` 0…1 (is there one at all), `world` (21, 3) metres (hands)."""

    image: NDArray[Any]
    presence: float
    world: NDArray[Any] | None


class LandmarkModel:
    """The network for "hand" or "face". Has no state; not for several threads at once.

    `folder` is where the user keeps models (see models.py). UserError if there are none.
    """

    def __init__(self, kind: str, folder: Path | None = None) -> None:
        with zipfile.ZipFile(io.BytesIO(assets(kind, folder))) as archive:
            model = archive.read(f"{kind}_landmarks_detector.tflite")
        mediapipe = load_mediapipe()
        tasks = mediapipe.tasks
        options = tasks.vision.ImageEmbedderOptions(
            base_options=tasks.BaseOptions(model_asset_buffer=model), l2_normalize=False, quantize=False
        )
        self._network = tasks.vision.ImageEmbedder.create_from_options(options)
        self._image, self._srgb = mediapipe.Image, mediapipe.ImageFormat.SRGB
        self._pixels = _input_side(model)
        self._presence_is_logit = kind == "face"
        self(np.zeros((8, 8, 3), np.uint8), Box(4, 4, 8))  # the first call loads the graph, and prints notes about it

    def __call__(self, rgb: NDArray[Any], region: Box) -> Look:
        """Look at a region of a picture (H, W, 3) uint8."""
        crop = self._image(image_format=self._srgb, data=region.cut(rgb, self._pixels))
        # In the order of MediaPipe's graphs: landmarks, presence; for hands also handedness and metric landmarks.
        outputs = [np.asarray(head.embedding, np.float64) for head in self._network.embed(crop).embeddings]
        presence = float(outputs[1][0])
        if self._presence_is_logit:
            presence = float(1 / (1 + np.exp(-np.clip(presence, -50, 50))))
        world = region.turn_world(outputs[3].reshape(-1, 3)) if len(outputs) > 3 else None
        return Look(region.to_image(outputs[0].reshape(-1, 3) / self._pixels), presence, world)

    def close(self) -> None:
        self._network.close()


def _input_side(model: bytes) -> int:
    """The side of the picture that a tflite model takes, px."""
    schema = importlib.import_module("mediapipe.tasks.metadata.schema_py_generated")
    graph = schema.Model.GetRootAsModel(model, 0).Subgraphs(0)
    return int(graph.Tensors(graph.Inputs(0)).Shape(1))
