# SPDX-License-Identifier: GPL-3.0-or-later
"""Collecting a track of any number of people on the disk, so that a long video needs no more memory than a short one."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from .rows import PER_PERSON, ROW, chunks, person_entry, seen_span, unseen_rows
from .track_file import TrackFile

OPEN_FILES = 32  # at a time; a crowd has more people than a process may have files


@dataclass
class _Person:
    first: int  # frame of the first row
    count: int


class Rows:
    """A person's rows where they lie on the disk, by array: `rows["body_image"][10:20]` is a copy, `rows["bridged"][3] = True` writes.
    `dtype` is that of a row.

    Only the rows asked for are mapped, and only meanwhile: pages of a map that stays would gather in memory as the file is gone through.
    """

    def __init__(self, path: Path, count: int, dtype: np.dtype[Any] = ROW) -> None:
        self._path, self._count, self.dtype = path, count, dtype

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, name: str) -> Column:
        return Column(self, name)

    def part(self, start: int, stop: int) -> NDArray[Any]:
        """The rows from `start` to before `stop`, mapped for as long as the array lives."""
        if start >= stop:
            return np.empty(0, self.dtype)
        return np.memmap(self._path, self.dtype, "r+", start * self.dtype.itemsize, (stop - start,))


class Column:
    """One array of `Rows`, (N, …), indexed as numpy's are; along the first axis by a number, numbers (K,) or a slice that runs forwards."""

    def __init__(self, rows: Rows, name: str) -> None:
        self._rows, self._name = rows, name
        self.dtype, shape = rows.dtype[name].base, rows.dtype[name].shape
        self.shape = (len(rows), *shape)
        self.ndim, self.size = len(self.shape), int(np.prod(self.shape))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        values, inside = self._at(key)
        return values[inside].copy()

    def __setitem__(self, key: Any, value: Any) -> None:
        values, inside = self._at(key)
        values[inside] = value

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        parts = [self[part] for part in chunks(len(self))]  # never all of the file mapped at once
        return np.concatenate([self[:0], *parts], dtype=dtype or self.dtype)

    def _at(self, key: Any) -> tuple[NDArray[Any], tuple[Any, ...]]:
        """The mapped rows that `key` is about, and the same key in them."""
        first, *more = key if isinstance(key, tuple) else (key,)
        if first is Ellipsis:
            first, more = slice(None), [Ellipsis, *more]
        if isinstance(first, slice):
            start, stop, step = first.indices(len(self))
            first = slice(None, None, step)
        else:
            at = np.asarray(first)
            at = np.where(at < 0, at + len(self), at)
            if at.size and (at.min() < 0 or at.max() >= len(self)):
                raise IndexError(f"row {first} of {len(self)}")
            start, stop = (int(at.min()), int(at.max()) + 1) if at.size else (0, 0)
            first = at - start if at.ndim else int(at) - start
        return self._rows.part(start, stop)[self._name], (first, *more)


class TrackSpill:
    """People's rows, frame after frame, in a folder on the disk: one file a person.

    `folder` is made; `discard` removes the files written here, the folder, and the one above if it was made for it and stays empty.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        above = self.folder.parent
        self._made = [self.folder] if above.exists() else [self.folder, above]
        self.folder.mkdir(parents=True, exist_ok=True)
        self._time, self._frame_index = array("d"), array("q")
        self._people: dict[int, _Person] = {}
        self._files: OrderedDict[int, BinaryIO] = OrderedDict()
        self._paths: set[Path] = set()

    @property
    def frames(self) -> int:
        return len(self._time)

    @property
    def time(self) -> NDArray[np.float64]:
        """(F,) seconds, a copy."""
        return np.array(self._time, np.float64)

    @property
    def frame_index(self) -> NDArray[np.int64]:
        """(F,), a copy."""
        return np.array(self._frame_index, np.int64)

    def begin_frame(self, time: float, frame_index: int) -> None:
        """From now on `put` is about this frame: `time` in seconds, `frame_index` in decoding order."""
        self._time.append(float(time))
        self._frame_index.append(int(frame_index))

    def put(self, person: int, **arrays: NDArray[Any] | float | bool) -> None:
        """What is known of `person` in the frame begun last. `arrays` by their names in ROW, without axes for people and frames; what is
        left out was not seen, or stays what an earlier `put` said. Frames that the person was left out of are filled with unseen rows."""
        if not self.frames:
            raise ValueError("no frame was begun")
        frame = self.frames - 1
        known = self._people.setdefault(person, _Person(frame, 0))
        while known.first + known.count < frame:
            padding = unseen_rows(min(frame - known.first - known.count, 512))
            self._write(person, known.count, padding)
            known.count += len(padding)
        row = self._read(person, known.count - 1) if known.first + known.count > frame else unseen_rows(1)
        for name, value in arrays.items():
            row[name] = value
        at = frame - known.first
        self._write(person, at, row)
        known.count = at + 1

    def people(self) -> list[int]:
        """Everyone, in the order of their first `put`."""
        return list(self._people)

    def span(self, person: int) -> tuple[int, int]:
        """The person's first frame, and one past the last."""
        known = self._people[person]
        return known.first, known.first + known.count

    def rows(self, person: int) -> Rows:
        """The person's rows from their first frame on: what is changed in them is changed in the track."""
        return Rows(self._path(person), self._people[person].count)

    def beside(self, person: int, dtype: np.dtype[Any]) -> Rows:
        """As many further rows of the person, of another `dtype`, for what is needed until `discard`: noughts at first."""
        path = self._path(person).with_suffix(".beside")
        self._paths.add(path)
        count = self._people[person].count
        with open(path, "wb") as file:
            file.truncate(count * dtype.itemsize)
        return Rows(path, count, dtype)

    def drop(self, person: int) -> None:
        """Forget a person."""
        del self._people[person]
        self._close(person)
        self._path(person).unlink(missing_ok=True)

    def save(self, path: Path | str, header: Mapping[str, Any], order: Sequence[int], ids: Sequence[int] | None = None) -> None:
        """Write the track of the people in `order`, each from the first to the last frame in which a body is known, beside and renamed.

        They get `ids`, or 0, 1, 2, … The header's "people" is filled in. ValueError if one of them was never seen.
        """
        ids = range(len(order)) if ids is None else ids
        time, spans = self.time, []
        for person in order:
            begin, _ = self.span(person)
            start, end = seen_span(self._parts(person, *self.span(person)))
            if start == end:
                raise ValueError(f"person {person} was never seen")
            spans.append((begin + start, begin + end))
        entries = [person_entry(i, time, span[0], self._parts(person, *span)) for i, person, span in zip(ids, order, spans, strict=True)]
        with TrackFile(path, {**header, "people": entries}) as out:
            out.add("time", self.frames, [time])
            out.add("frame_index", self.frames, [self.frame_index])
            out.add("person_id", len(order), [np.array(ids)])
            out.add("first", len(order), [np.array([first for first, _ in spans])])
            out.add("count", len(order), [np.array([end - first for first, end in spans])])
            for name in PER_PERSON:
                parts = (part[name] for person, span in zip(order, spans, strict=True) for part in self._parts(person, *span))
                out.add(name, sum(end - first for first, end in spans), parts)

    def discard(self) -> None:
        """Remove what was written here."""
        for person in list(self._files):
            self._close(person)
        self._people.clear()
        for path in self._paths:
            path.unlink(missing_ok=True)
        for folder in self._made:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def _path(self, person: int) -> Path:
        return self.folder / f"{person}.rows"

    def _parts(self, person: int, first: int, end: int) -> Iterator[NDArray[Any]]:
        """The person's rows in the frames from `first` to before `end`, some at a time, so that few of the file's pages are held."""
        rows, skipped = self.rows(person), first - self._people[person].first
        for part in chunks(end - first):
            yield rows.part(skipped + part.start, skipped + part.stop)

    def _write(self, person: int, at: int, rows: NDArray[Any]) -> None:
        file = self._file(person)
        file.seek(at * ROW.itemsize)
        file.write(rows.tobytes())

    def _read(self, person: int, at: int) -> NDArray[Any]:
        file = self._file(person)
        file.seek(at * ROW.itemsize)
        return np.frombuffer(bytearray(file.read(ROW.itemsize)), ROW)

    def _file(self, person: int) -> BinaryIO:
        """The person's file, unbuffered, so that `rows` sees at once what was put."""
        if person not in self._files:
            if len(self._files) >= OPEN_FILES:
                self._close(next(iter(self._files)))
            path = self._path(person)
            self._files[person] = open(path, "r+b" if path in self._paths and path.exists() else "w+b", buffering=0)
            self._paths.add(path)
        self._files.move_to_end(person)
        return self._files[person]

    def _close(self, person: int) -> None:
        file = self._files.pop(person, None)
        if file is not None:
            file.close()
