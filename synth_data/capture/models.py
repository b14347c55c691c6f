# SPDX-License-Identifier: GPL-3.0-or-later
"""Where MediaPipe's models come from, and its task bundles put together from them in memory.

Looked for in this order: a folder that the user names (`--models`, NINGYO_MODELS), the installed MediaPipe (wheels up to 0.10 carry the
models, 1.x does not), Ningyo's cache, which download.py fills. The folder may hold Google's task bundles, which are used as they are.

A bundle is an uncompressed zip of tflite models under fixed names. The wheel's pose models lack the input normalisation that the Tasks API
wants to find in their metadata; it is added here (the values are those of MediaPipe's own pose graphs: the detector sees −1…1, the
landmark model 0…1). The face model is rearranged by face_model.py. As both depends on these very models, their SHA-256 is checked.
Assembling all three takes a fraction of a second, so no copy is kept that could go stale.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import importlib.util
import io
import os
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ...errors import UserError
from ...jobs.folder import sha256_of
from .face_model import one_output

# Read when the C++ library loads: no notes about delegates and feedback managers between a user's progress lines.
os.environ.setdefault("GLOG_minloglevel", "3")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

MODELS_VARIABLE = "NINGYO_MODELS"


class Part(NamedTuple):
    """A model file of MediaPipe's wheel."""

    file: str  # under mediapipe/modules
    sha256: str  # the same in the wheels of all platforms, and in 0.10.5 to 0.10.21
    normalisation: tuple[float, float, int] | None = None  # mean, std and number of output tensors, to add as metadata


# Bundle → name in the bundle → model.
PARTS: dict[str, dict[str, Part]] = {
    "pose": {
        "pose_detector.tflite": Part(
            "pose_detection/pose_detection.tflite",
            "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
            (127.5, 127.5, 2),
        ),
        "pose_landmarks_detector.tflite": Part(
            "pose_landmark/pose_landmark_full.tflite",
            "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
            (0.0, 255.0, 5),
        ),
    },
    "hand": {
        "hand_detector.tflite": Part(
            "palm_detection/palm_detection_full.tflite", "1b14e9422c6ad006cde6581a46c8b90dd573c07ab7f3934b5589e7cea3f89a54"
        ),
        "hand_landmarks_detector.tflite": Part(
            "hand_landmark/hand_landmark_full.tflite", "11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3"
        ),
    },
    "face": {
        "face_detector.tflite": Part(
            "face_detection/face_detection_short_range.tflite", "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8"
        ),
        "face_landmarks_detector.tflite": Part(
            "face_landmark/face_landmark_with_attention.tflite",
            "e06a804e0144f9929eda782122916b35d60c697c3c9344013ca2bbe76a6ce2b4",
            (0.0, 255.0, 2),
        ),
    },
}
KINDS = tuple(PARTS)

# Google's bundles by their published names; of several the first is taken: the size that the wheel has comes before the others.
TASKS = {
    "pose": ("pose_landmarker.task", "pose_landmarker_full.task", "pose_landmarker_heavy.task", "pose_landmarker_lite.task"),
    "hand": ("hand_landmarker.task",),
    "face": ("face_landmarker.task",),
}


@dataclass(frozen=True)
class Source:
    """Where one kind's models come from: the wheel's two model files in the order of PARTS, or one task bundle."""

    kind: str
    origin: str
    files: tuple[Path, ...]

    @property
    def is_task(self) -> bool:
        return self.files[0].suffix == ".task"


def load_mediapipe() -> Any:
    """The module `mediapipe`, or a UserError that says how to get it."""
    try:
        return importlib.import_module("mediapipe")
    except ImportError as error:
        text = f"MediaPipe cannot be loaded ({error}); `make env` builds an environment that has it, and Blender's preferences choose it."
        raise UserError(text) from error


def find(kind: str, folder: Path | None = None) -> Source:
    """Where the models for "pose", "hand" or "face" come from. Imports nothing and reads no model.

    `folder` is the user's (default: the one in NINGYO_MODELS). UserError if it lacks a file, or if there are no models anywhere.
    """
    if folder is None and os.environ.get(MODELS_VARIABLE):
        folder = Path(os.environ[MODELS_VARIABLE])
    if folder is not None:
        return _in_users_folder(kind, folder)
    spec = importlib.util.find_spec("mediapipe")
    version = None
    if spec is not None and spec.origin is not None:
        version = importlib.metadata.version("mediapipe")
        files = _tflite_files(kind, Path(spec.origin).parent / "modules")
        if all(file.is_file() for file in files):
            return Source(kind, f"the installed MediaPipe {version}", files)
    files = _tflite_files(kind, cache_folder())
    if all(file.is_file() for file in files):
        return Source(kind, "Ningyo's cache", files)
    why = f"the installed MediaPipe {version} carries none" if version else "MediaPipe is not installed here"
    raise UserError(f"There are no models for the {kind} ({why}); run `ningyo models download`, or name a folder with --models.")


def bundle(kind: str, folder: Path | None = None) -> bytes:
    """The task bundle for "pose", "hand" or "face". UserError if there are no models (see `find`) or they are damaged."""
    source = find(kind, folder)
    if source.is_task:
        return _checked_task(source)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for file, (name, part) in zip(source.files, PARTS[kind].items(), strict=True):
            model = _checked_model(file, part)
            if name == "face_landmarks_detector.tflite":
                model = one_output(model)
            if part.normalisation is not None:
                model = _with_normalisation(model, *part.normalisation)
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), model)
    return out.getvalue()


def fingerprint(folder: Path | None = None) -> str:
    """16 hex digits that change when a model does, wherever it comes from: the same files elsewhere have the same fingerprint.

    UserError as `find`.
    """
    digests = [sha256_of(file) for kind in KINDS for file in find(kind, folder).files]
    return hashlib.sha256(" ".join(digests).encode()).hexdigest()[:16]


def cache_folder() -> Path:
    """The platform's usual place for what can be fetched again; it need not exist."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "ningyo" / "models"


def _in_users_folder(kind: str, folder: Path) -> Source:
    if not folder.is_dir():
        raise UserError(f"{folder}, which --models or {MODELS_VARIABLE} names, is not a folder; name one that holds MediaPipe's models.")
    for name in TASKS[kind]:
        if (folder / name).is_file():
            return Source(kind, f"the folder {folder}", (folder / name,))
    files = _tflite_files(kind, folder)
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise UserError(
            f"The folder {folder} lacks {' and '.join(missing)}, or {TASKS[kind][0]} instead; "
            "put that there, or do not name a folder of models."
        )
    return Source(kind, f"the folder {folder}", files)


def _tflite_files(kind: str, folder: Path) -> tuple[Path, ...]:
    """The kind's model files in `folder`, which has the wheel's sub-folders or all files side by side; they may not exist."""
    parts = [Path(part.file) for part in PARTS[kind].values()]
    return tuple(folder / part if (folder / part).is_file() else folder / part.name for part in parts)


def _checked_model(file: Path, part: Part) -> bytes:
    model = file.read_bytes()
    if hashlib.sha256(model).hexdigest() != part.sha256:
        raise UserError(
            f"{file} is damaged, or not the model that MediaPipe 0.10.21 has under that name; "
            "replace it (in Ningyo's cache `ningyo models download` does)."
        )
    return model


def _checked_task(source: Source) -> bytes:
    """The bundle's bytes, after a look for what MediaPipe would reject without a word on which file it was."""
    data = source.files[0].read_bytes()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            stored = {info.filename for info in archive.infolist() if info.compress_type == zipfile.ZIP_STORED}
            whole = archive.testzip() is None and stored.issuperset(PARTS[source.kind])
    except zipfile.BadZipFile:
        whole = False
    if not whole:
        raise UserError(f"{source.files[0]} is damaged, or not a bundle for MediaPipe's {source.kind} landmarker; replace it.")
    return data


def _with_normalisation(model: bytes, mean: float, std: float, outputs: int) -> bytes:
    """The tflite model with metadata that says: input image, (x − mean) / std.

    As MediaPipe's own MetadataPopulator writes it, which does not load in 1.x.
    """
    metadata_schema = importlib.import_module("mediapipe.tasks.metadata.metadata_schema_py_generated")
    schema = importlib.import_module("mediapipe.tasks.metadata.schema_py_generated")
    flatbuffers = importlib.import_module("flatbuffers")

    options = metadata_schema.NormalizationOptionsT()
    options.mean, options.std = [mean], [std]
    unit = metadata_schema.ProcessUnitT()
    unit.optionsType, unit.options = metadata_schema.ProcessUnitOptions.NormalizationOptions, options
    image = metadata_schema.ImagePropertiesT()
    image.colorSpace = metadata_schema.ColorSpaceType.RGB
    content = metadata_schema.ContentT()
    content.contentPropertiesType, content.contentProperties = metadata_schema.ContentProperties.ImageProperties, image
    tensor = metadata_schema.TensorMetadataT()
    tensor.content, tensor.processUnits = content, [unit]
    graph = metadata_schema.SubGraphMetadataT()
    graph.inputTensorMetadata = [tensor]
    graph.outputTensorMetadata = [metadata_schema.TensorMetadataT() for _ in range(outputs)]
    metadata = metadata_schema.ModelMetadataT()
    metadata.subgraphMetadata = [graph]
    builder = flatbuffers.Builder(0)
    builder.Finish(metadata.Pack(builder), b"M001")

    net = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(model, 0))
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(bytes(builder.Output()), np.uint8)
    net.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name, entry.buffer = b"TFLITE_METADATA", len(net.buffers) - 1
    net.metadata = [*(net.metadata or []), entry]
    builder = flatbuffers.Builder(len(model))
    builder.Finish(net.Pack(builder), b"TFL3")
    return bytes(builder.Output())
