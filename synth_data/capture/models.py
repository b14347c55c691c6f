# SPDX-License-Identifier: GPL-3.0-or-later
"""MediaPipe's task bundles, put together in memory from the model files that its wheel carries; nothing is downloaded.

A bundle is an uncompressed zip of tflite models under fixed names. The pose models lack the input normalisation that the Tasks API wants
to find in their metadata; it is added here (the values are those of MediaPipe's own pose graphs: the detector sees −1…1, the landmark
model 0…1). The face model is rearranged by face_model.py. Assembling all three takes a fraction of a second, so no copy is kept that
could go stale.
"""

from __future__ import annotations

import importlib
import io
import os
import zipfile
from pathlib import Path
from typing import Any

from ...errors import UserError
from .face_model import one_output

# Read when the C++ library loads: no notes about delegates and feedback managers between a user's progress lines.
os.environ.setdefault("GLOG_minloglevel", "3")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Bundle → name in the bundle → (file under mediapipe/modules, normalisation (mean, std, number of output tensors) to add).
_PARTS: dict[str, dict[str, tuple[str, tuple[float, float, int] | None]]] = {
    "pose": {
        "pose_detector.tflite": ("pose_detection/pose_detection.tflite", (127.5, 127.5, 2)),
        "pose_landmarks_detector.tflite": ("pose_landmark/pose_landmark_full.tflite", (0.0, 255.0, 5)),
    },
    "hand": {
        "hand_detector.tflite": ("palm_detection/palm_detection_full.tflite", None),
        "hand_landmarks_detector.tflite": ("hand_landmark/hand_landmark_full.tflite", None),
    },
    "face": {
        "face_detector.tflite": ("face_detection/face_detection_short_range.tflite", None),
        "face_landmarks_detector.tflite": ("face_landmark/face_landmark_with_attention.tflite", (0.0, 255.0, 2)),
    },
}


def load_mediapipe() -> Any:
    """The module `mediapipe`, or a UserError that says how to get it."""
    try:
        return importlib.import_module("mediapipe")
    except ImportError as error:
        text = f"MediaPipe cannot be loaded ({error}); `make env` builds an environment that has it, and Blender's preferences choose it."
        raise UserError(text) from error


def model_paths() -> dict[str, Path]:
    """The wheel's model files by their names in the bundles. UserError if this MediaPipe came without."""
    mediapipe = load_mediapipe()
    modules = Path(mediapipe.__file__).parent / "modules"
    paths = {name: modules / file for parts in _PARTS.values() for name, (file, _) in parts.items()}
    if not all(path.exists() for path in paths.values()):
        raise UserError(
            f"The installed MediaPipe {mediapipe.__version__} carries no models; install the version that does: "
            "pip install mediapipe==0.10.21 (Python 3.9 to 3.12)."
        )
    return paths


def bundle(kind: str) -> bytes:
    """The task bundle for "pose", "hand" or "face". UserError if this MediaPipe came without models."""
    paths = model_paths()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, (_, normalisation) in _PARTS[kind].items():
            model = paths[name].read_bytes()
            if name == "face_landmarks_detector.tflite":
                model = one_output(model)
            if normalisation is not None:
                model = _with_normalisation(model, *normalisation)
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), model)
    return out.getvalue()


def _with_normalisation(model: bytes, mean: float, std: float, outputs: int) -> bytes:
    """The tflite model with metadata that says: input image, (x − mean) / std."""
    schema = importlib.import_module("mediapipe.tasks.metadata.metadata_schema_py_generated")
    # As a statement, `import mediapipe.tasks.python.metadata.metadata` finds another package.
    populate = importlib.import_module("mediapipe.tasks.python.metadata.metadata")
    flatbuffers = importlib.import_module("flatbuffers")

    options = schema.NormalizationOptionsT()
    options.mean, options.std = [mean], [std]
    unit = schema.ProcessUnitT()
    unit.optionsType, unit.options = schema.ProcessUnitOptions.NormalizationOptions, options
    image = schema.ImagePropertiesT()
    image.colorSpace = schema.ColorSpaceType.RGB
    content = schema.ContentT()
    content.contentPropertiesType, content.contentProperties = schema.ContentProperties.ImageProperties, image
    tensor = schema.TensorMetadataT()
    tensor.content, tensor.processUnits = content, [unit]
    graph = schema.SubGraphMetadataT()
    graph.inputTensorMetadata, graph.outputTensorMetadata = [tensor], [schema.TensorMetadataT() for _ in range(outputs)]
    metadata = schema.ModelMetadataT()
    metadata.subgraphMetadata = [graph]

    builder = flatbuffers.Builder(0)
    builder.Finish(metadata.Pack(builder), populate.MetadataPopulator.METADATA_FILE_IDENTIFIER)
    populator = populate.MetadataPopulator.with_model_buffer(model)
    populator.load_metadata_buffer(bytes(builder.Output()))
    populator.populate()
    return bytes(populator.get_model_buffer())
