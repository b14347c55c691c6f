# SPDX-License-Identifier: GPL-3.0-or-later
"""PoseTrack: who was where in a video, frame by frame. One `.npz` with a JSON header, no pickles (docs/architecture.md)."""

from __future__ import annotations

import io
import json
import os
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError

SCHEMA, VERSION = "ningyo.pose_track", 1

# Shapes in letters: P people, F frames. The order is the order in the file.
ARRAYS: dict[str, tuple[tuple[str | int, ...], type]] = {
    "time": (("F",), np.float64),
    "frame_index": (("F",), np.int64),
    "person_id": (("P",), np.int32),
    "body_image": (("P", "F", 33, 3), np.float32),
    "body_world": (("P", "F", 33, 3), np.float32),
    "body_visibility": (("P", "F", 33), np.float32),
    "hand_image": (("P", "F", 2, 21, 3), np.float32),
    "hand_world": (("P", "F", 2, 21, 3), np.float32),
    "hand_score": (("P", "F", 2), np.float32),
    "face_image": (("P", "F", 478, 3), np.float32),
    "face_score": (("P", "F"), np.float32),
    "bridged": (("P", "F"), np.bool_),
}
PER_PERSON = tuple(name for name, (shape, _) in ARRAYS.items() if shape[:2] == ("P", "F"))
# Of those, the shape of one frame of one person.
ONE_FRAME = {name: tuple(size for size in ARRAYS[name][0] if isinstance(size, int)) for name in ("time", "frame_index", *PER_PERSON)}
VIDEO_KEYS = ("name", "path", "sha256", "width", "height", "fps", "frame_count", "duration", "has_audio")


@dataclass
class PoseTrack:
    """The arrays of docs/architecture.md, under the same names; `header` is the JSON object beside them."""

    header: dict[str, Any]
    time: NDArray[Any]
    frame_index: NDArray[Any]
    person_id: NDArray[Any]
    body_image: NDArray[Any]
    body_world: NDArray[Any]
    body_visibility: NDArray[Any]
    hand_image: NDArray[Any]
    hand_world: NDArray[Any]
    hand_score: NDArray[Any]
    face_image: NDArray[Any]
    face_score: NDArray[Any]
    bridged: NDArray[Any]

    @property
    def frames(self) -> int:
        return len(self.time)

    @property
    def people(self) -> int:
        return len(self.person_id)

    @property
    def video(self) -> dict[str, Any]:
        return self.header["video"]

    @property
    def fps(self) -> float:
        return float(self.header["video"]["fps"])

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the video, px."""
        return int(self.header["video"]["width"]), int(self.header["video"]["height"])

    @classmethod
    def unseen(
        cls, people: int, time: NDArray[Any], frame_index: NDArray[Any], video: Mapping[str, Any], capture: Mapping[str, Any]
    ) -> PoseTrack:
        """A track of `people` of whom nothing was seen (NaN and 0), to be filled in."""
        arrays = {
            "time": np.asarray(time, np.float64),
            "frame_index": np.asarray(frame_index, np.int64),
            "person_id": np.arange(people, dtype=np.int32),
        }
        for name in PER_PERSON:
            fill = np.nan if name.endswith(("_image", "_world")) else 0
            arrays[name] = np.full((people, len(time), *ONE_FRAME[name]), fill, ARRAYS[name][1])
        return cls(header=make_header(video, capture), **arrays)

    def save(self, path: Path | str) -> None:
        """Write the file beside and rename. The same track gives the same bytes."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "header"}
        problem = _problem(self.header, arrays)
        if problem:
            raise ValueError(f"not a pose track: {problem}")
        with TrackFile(path, self.header) as file:
            for name, (_, dtype) in ARRAYS.items():
                array = np.ascontiguousarray(arrays[name], dtype)
                file.add(name, array.shape, [array.reshape(-1).view(np.uint8).data])

    @classmethod
    def load(cls, path: Path | str) -> PoseTrack:
        """Read a track; UserError (one sentence) if the file is missing, cut short, foreign, or from a newer Ningyo."""
        path = Path(path)
        if not path.exists():
            raise UserError(f"There is no pose track {path}; `ningyo capture VIDEO --out {path.name}` makes one.")
        foreign = f"{path} is not a pose track of Ningyo, or is damaged"
        again = "capture the video again"
        arrays: dict[str, NDArray[Any]] = {}
        try:
            with zipfile.ZipFile(path) as archive:
                header = read_header(path)
                for name in ARRAYS:
                    with archive.open(f"{name}.npy") as member:
                        arrays[name] = np.lib.format.read_array(member, allow_pickle=False)
        except KeyError as error:
            raise UserError(f"{foreign} ({str(error.args[0]).split(' in the archive')[0]}); {again}.") from error
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, NotImplementedError, RuntimeError, MemoryError) as error:
            raise UserError(f"{foreign}; {again}.") from error
        problem = _problem(header, arrays)
        if problem:
            raise UserError(f"{foreign} ({problem}); {again}.")
        return cls(header=header, **arrays)


def make_header(video: Mapping[str, Any], capture: Mapping[str, Any]) -> dict[str, Any]:
    return {"schema": SCHEMA, "version": VERSION, "video": {key: video[key] for key in VIDEO_KEYS}, "capture": dict(capture)}


def read_header(path: Path | str) -> dict[str, Any]:
    """The header alone, checked, without reading the arrays; UserError as in PoseTrack.load."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open("header.npy") as member:
            header = json.loads(str(np.lib.format.read_array(member, allow_pickle=False)[()]))
        if header["schema"] != SCHEMA:
            raise ValueError(header["schema"])
        version = int(header["version"])
    except (OSError, ValueError, KeyError, TypeError, IndexError, EOFError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise UserError(f"{path} is not a pose track of Ningyo, or is damaged; capture the video again.") from error
    if version > VERSION:
        raise UserError(f"{path} was written by a newer Ningyo (pose track version {version}, this one knows {VERSION}); update Ningyo.")
    return header


def _problem(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> str | None:
    """What keeps these from being a pose track, in a few words, or None."""
    video = header.get("video")
    if not isinstance(video, dict) or any(key not in video for key in VIDEO_KEYS) or not isinstance(header.get("capture"), dict):
        return "its header lacks the video or the settings"
    numbers = [video[key] for key in ("width", "height", "fps")]
    if not all(isinstance(value, int | float) and np.isfinite(value) and value > 0 for value in numbers):
        return "its video has no size or rate"
    sizes = {"P": arrays["person_id"].size, "F": arrays["time"].size}
    if 0 in sizes.values():
        return "it holds no frames or no people"
    for name, (letters, dtype) in ARRAYS.items():
        shape = tuple(sizes[letter] if isinstance(letter, str) else letter for letter in letters)
        if arrays[name].shape != shape or arrays[name].dtype != dtype:
            return f"{name} is {arrays[name].dtype} {arrays[name].shape} where {np.dtype(dtype)} {shape} belongs"
    if not np.isfinite(arrays["time"]).all() or (np.diff(arrays["time"]) <= 0).any():
        return "its times do not rise"
    return None


class TrackFile:
    """Writes a track's file member by member, so that arrays larger than memory can be streamed into it. A context manager: leaves
    nothing behind if its block raises."""

    def __init__(self, path: Path | str, header: Mapping[str, Any]) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._beside = self.path.with_name(f".{self.path.name}.part")
        self._zip = zipfile.ZipFile(self._beside, "w", zipfile.ZIP_STORED)
        member = io.BytesIO()
        np.lib.format.write_array(member, np.array(json.dumps(header, sort_keys=True)), allow_pickle=False)
        with self._open("header") as file:
            file.write(member.getvalue())

    def _open(self, name: str) -> Any:
        # A fixed date: the same track has the same bytes.
        return self._zip.open(zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), "w", force_zip64=True)

    def add(self, name: str, shape: tuple[int, ...], parts: list[Any]) -> None:
        """Add array `name` of `shape`; `parts` are its bytes in C order, one after the other: buffers or open binary files."""
        with self._open(name) as file:
            description = {"descr": np.dtype(ARRAYS[name][1]).str, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, description)
            for part in parts:
                if hasattr(part, "read"):
                    shutil.copyfileobj(part, file, 1 << 20)
                else:
                    file.write(part)

    def __enter__(self) -> TrackFile:
        return self

    def __exit__(self, kind: object, value: object, trace: object) -> None:
        self._zip.close()
        if kind is None:
            os.replace(self._beside, self.path)
        else:
            self._beside.unlink(missing_ok=True)


class TrackSpill:
    """Collects one person's arrays frame by frame in a folder on disk, so that a long video needs no more memory than a short one.

    `folder` is made; `discard` removes the files written here, the folder, and the one above if it was made for it and stays empty.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        above = self.folder.parent
        self._made = [self.folder] if above.exists() else [self.folder, above]
        self.folder.mkdir(parents=True, exist_ok=True)
        self.frames = 0
        self._files: dict[str, BinaryIO] = {name: open(self._path(name), "w+b") for name in ("time", "frame_index", *PER_PERSON)}

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.raw"

    def append(self, time: float, frame_index: int, **arrays: NDArray[Any] | float | bool) -> None:
        """One frame. `arrays` by their names in ARRAYS without the P and F axes; what is left out was not seen."""
        for name, file in self._files.items():
            if name == "time":
                value: Any = time
            elif name == "frame_index":
                value = frame_index
            else:
                value = arrays.get(name, np.nan if name.endswith(("_image", "_world")) else 0)
            file.write(np.ascontiguousarray(np.broadcast_to(np.asarray(value, ARRAYS[name][1]), ONE_FRAME[name])).tobytes())
        self.frames += 1

    def array(self, name: str) -> np.memmap[Any, Any]:
        """The frames of one array so far, (F, …), on disk: what is changed in it is changed in the track."""
        self._files[name].flush()
        return np.memmap(self._path(name), ARRAYS[name][1], "r+", shape=(self.frames, *ONE_FRAME[name]))

    def save(self, path: Path | str, header: Mapping[str, Any]) -> None:
        """Write the track of this one person (id 0) to `path`, beside and renamed."""
        with TrackFile(path, header) as out:
            for name, (letters, dtype) in ARRAYS.items():
                shape = tuple({"P": 1, "F": self.frames}[size] if isinstance(size, str) else size for size in letters)
                if name == "person_id":
                    out.add(name, shape, [np.zeros(1, dtype).tobytes()])
                else:
                    self._files[name].flush()
                    self._files[name].seek(0)
                    out.add(name, shape, [self._files[name]])

    def discard(self) -> None:
        for name, file in self._files.items():
            file.close()
            self._path(name).unlink(missing_ok=True)
        for folder in self._made:
            if not any(folder.iterdir()):
                folder.rmdir()
