# SPDX-License-Identifier: GPL-3.0-or-later
"""A pose track as a file: its header, writing it array by array, and reading single frames of it where they lie."""

from __future__ import annotations

import io
import json
import os
import struct
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from .rows import ARRAYS, PER_PERSON, ROW, body_seen

SCHEMA, VERSION = "ningyo.pose_track", 3
# Arrays by the version that brought them: tracks of an earlier one, back to OLDEST, have noughts there.
OLDEST, SINCE = 2, {"body_spread": 3}
VIDEO_KEYS = ("name", "path", "sha256", "width", "height", "fps", "frame_count", "duration", "has_audio")
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, IndexError, EOFError, zipfile.BadZipFile, NotImplementedError, RuntimeError)


def make_header(video: Mapping[str, Any], capture: Mapping[str, Any], people: Iterable[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """The header of a track. `people` are entries as `rows.person_entry` makes them; saving a track fills them in."""
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "video": {key: video[key] for key in VIDEO_KEYS},
        "capture": dict(capture),
        "people": [dict(entry) for entry in people],
    }


def read_header(path: Path | str) -> dict[str, Any]:
    """The header alone, checked, without reading the arrays; UserError as in TrackReader."""
    path = Path(path)
    if not path.exists():
        raise UserError(f"There is no pose track {path}; `ningyo capture VIDEO --out {path.name}` makes one.")
    try:
        with zipfile.ZipFile(path) as archive, archive.open("header.npy") as member:
            header = json.loads(str(np.lib.format.read_array(member, allow_pickle=False)[()]))
        if header["schema"] != SCHEMA:
            raise ValueError(header["schema"])
        version = int(header["version"])
    except _UNREADABLE as error:
        raise UserError(f"{path} is not a pose track of Ningyo, or is damaged; capture the video again.") from error
    if version > VERSION:
        raise UserError(f"{path} was written by a newer Ningyo (pose track version {version}, this one knows {VERSION}); update Ningyo.")
    if version < OLDEST:
        raise UserError(f"{path} was written by an earlier Ningyo; capture the video again.")
    return header


def rate_of(header: Mapping[str, Any]) -> float:
    """Frames a second of the track with this header: the video's, unless the capture was told a lower one."""
    told = header["capture"].get("fps")
    video = float(header["video"]["fps"])
    return min(float(told), video) if isinstance(told, int | float) else video


def problem_with(header: Mapping[str, Any], arrays: Mapping[str, Any]) -> str | None:
    """What keeps a header and the arrays of ARRAYS from being a pose track, in a few words, or None. Of the rows' arrays only shape and
    dtype are asked."""
    video, people = header.get("video"), header.get("people")
    if not isinstance(video, dict) or any(key not in video for key in VIDEO_KEYS) or not isinstance(header.get("capture"), dict):
        return "its header lacks the video or the settings"
    numbers = [video[key] for key in ("width", "height", "fps")]
    if not all(isinstance(value, int | float) and np.isfinite(value) and value > 0 for value in numbers):
        return "its video has no size or rate"
    sizes = {letter: int(np.prod(arrays[name].shape)) for letter, name in (("P", "person_id"), ("F", "time"), ("R", "bridged"))}
    if 0 in sizes.values():
        return "it holds no frames or no people"
    for name, (letters, dtype) in ARRAYS.items():
        shape = tuple(sizes[letter] if isinstance(letter, str) else letter for letter in letters)
        if arrays[name].shape != shape or arrays[name].dtype != dtype:
            return f"{name} is {arrays[name].dtype} {arrays[name].shape} where {np.dtype(dtype)} {shape} belongs"
    if not np.isfinite(arrays["time"]).all() or (np.diff(arrays["time"]) <= 0).any():
        return "its times do not rise"
    ids, first, count = (arrays[name] for name in ("person_id", "first", "count"))
    said = [entry.get("id") if isinstance(entry, dict) else None for entry in people] if isinstance(people, list) else None
    if len(np.unique(ids)) < len(ids) or said != ids.tolist():
        return "its people are not those of its header"
    if (first < 0).any() or (count < 1).any() or (count > sizes["F"] - first).any() or int(count.sum()) != sizes["R"]:
        return "its people's rows are not where it says"
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

    def add(self, name: str, count: int, parts: Iterable[NDArray[Any]]) -> None:
        """Add array `name` of `count` entries along its first axis, which `parts` hold one after the other."""
        letters, dtype = ARRAYS[name]
        shape = (count, *(size for size in letters if isinstance(size, int)))
        with self._open(name) as file:
            np.lib.format.write_array_header_1_0(file, {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": shape})
            for part in parts:
                file.write(np.ascontiguousarray(part, dtype).reshape(-1).view(np.uint8).data)

    def __enter__(self) -> TrackFile:
        return self

    def __exit__(self, kind: object, value: object, trace: object) -> None:
        self._zip.close()
        if kind is None:
            os.replace(self._beside, self.path)
        else:
            self._beside.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Place:
    """Where an array's bytes begin in the file (None: it is all noughts and not in the file), and what they are."""

    offset: int | None
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class TrackReader:
    """A track's file opened without loading it: `header`, `time` and `frame_index` (F,), `person_id`, `first` and `count` (P,); people's
    rows are read when asked for, from where they lie. A context manager.

    UserError (one sentence) if the file is missing, cut short, damaged, foreign, or from another version of Ningyo. To know that it is
    whole, it is read through once.
    """

    def __init__(self, path: Path | str) -> None:
        path = Path(path)
        self.header = read_header(path)
        names = [name for name in ARRAYS if SINCE.get(name, OLDEST) <= self.header["version"]]
        self.header["version"] = VERSION
        foreign = f"{path} is not a pose track of Ningyo, or is damaged"
        again = "capture the video again"
        self._file = open(path, "rb")
        try:
            with zipfile.ZipFile(self._file) as archive:
                damaged = archive.testzip()
                if damaged:
                    raise ValueError(damaged)
                self._places = {name: _place(self._file, archive.getinfo(f"{name}.npy")) for name in names}
            for name in ARRAYS.keys() - set(names):
                self._places[name] = _Place(None, (*self._places["bridged"].shape, *ROW[name].shape), ROW[name].base)
            small = {name: self.read(name) for name in ARRAYS if name not in PER_PERSON}
            reason = problem_with(self.header, {**self._places, **small})
            if reason:
                raise UserError(f"{foreign} ({reason}); {again}.")
        except KeyError as error:
            self.close()
            raise UserError(f"{foreign} ({str(error.args[0]).split(' in the archive')[0]}); {again}.") from error
        except (*_UNREADABLE, MemoryError, struct.error) as error:
            self.close()
            raise UserError(f"{foreign}; {again}.") from error
        except UserError:
            self.close()
            raise
        self.time, self.frame_index, self.person_id, self.first, self.count = small.values()
        self._start = np.cumsum(self.count) - self.count

    @property
    def frames(self) -> int:
        return len(self.time)

    def index_of(self, person: int) -> int:
        """Where the person with this id is in `person_id`; UserError if there is none such."""
        at = np.flatnonzero(self.person_id == person)
        if len(at) == 0:
            raise UserError(f"The track has no person {person}; it has: {', '.join(str(i) for i in self.person_id)}.")
        return int(at[0])

    def rows_of(self, index: int) -> slice:
        """The rows of the person at `index` of `person_id`; the first of them is of frame `first[index]`."""
        return slice(int(self._start[index]), int(self._start[index] + self.count[index]))

    def frame(self, index: int) -> list[tuple[int, NDArray[Any]]]:
        """(id, row) of everyone whose body is known in frame `index`, in the order of `person_id`; a row is a 0-d array of ROW, a copy."""
        found = []
        for p in np.flatnonzero((self.first <= index) & (index < self.first + self.count)):
            at = self._start[p] + index - self.first[p]
            row = np.zeros((), ROW)
            for name in PER_PERSON:
                row[name] = self.read(name, slice(at, at + 1))[0]
                if name == "body_image" and not body_seen(row[name]):
                    break
            else:
                found.append((int(self.person_id[p]), row))
        return found

    def read(self, name: str, part: slice | None = None) -> NDArray[Any]:
        """Array `name` of ARRAYS, or a `part` of it along its first axis, which has a start and a stop."""
        place = self._places[name]
        start, stop = (0, place.shape[0]) if part is None else (part.start, part.stop)
        if place.offset is None:
            return np.zeros((int(stop - start), *place.shape[1:]), place.dtype)
        each = int(np.prod(place.shape[1:]))
        self._file.seek(place.offset + int(start) * each * place.dtype.itemsize)
        found = np.fromfile(self._file, place.dtype, int(stop - start) * each)
        return found.reshape(-1, *place.shape[1:])

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> TrackReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _place(file: BinaryIO, info: zipfile.ZipInfo) -> _Place:
    """Where an array of the archive is. Members are stored as they are, after a local header of 30 bytes, name and extra field
    (APPNOTE.TXT 4.3.7)."""
    if info.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{info.filename} is compressed")
    file.seek(info.header_offset + 26)
    name, extra = struct.unpack("<HH", file.read(4))
    begin = info.header_offset + 30 + name + extra
    file.seek(begin)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError(f"{info.filename} has another form")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    offset = file.tell()
    if not shape or fortran or dtype.hasobject or offset + int(np.prod(shape)) * dtype.itemsize != begin + info.file_size:
        raise ValueError(f"{info.filename} has another form")
    return _Place(offset, shape, dtype)
