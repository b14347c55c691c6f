# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder an export is written to, and what has been written there already.

`.ningyo-export.jsonl` in it says in its first line of which dataset and in which form it is an export, and has a line for every sample
(or shard) that is complete: its number, a digest of what it was made from, its files, and what the form wants to remember of it. So an
export that was stopped goes on, one that is repeated makes only what is new, and nobody else's folder is written into.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ....errors import UserError
from ....jobs.folder import write_atomically
from ....jobs.lock import FileLock
from ....jobs.progress import Reporter
from ..folder import Dataset, Sample

LEDGER, LOCK = ".ningyo-export.jsonl", ".ningyo-export.lock"
SCHEMA = "ningyo.export"
VERSION = 1  # of what the forms write; counted up when one of them writes something else


class Work:
    """One export at work: a context, holding the folder's lock. `samples` are the dataset's in the order of their numbers.

    Raises UserError on entering for a folder with anything in it that is not an earlier export of the same dataset in the same form.
    """

    def __init__(self, dataset: Dataset, form: str, out: Path, report: Reporter) -> None:
        self.dataset, self.form, self.out, self.report = dataset, form, out, report
        self.samples = dataset.samples.where(np.argsort(dataset.samples.numbers, kind="stable"))
        self._identity = {"schema": SCHEMA, "version": VERSION, "form": form, "dataset": _fingerprint(dataset)}
        self._places = np.full(len(self.samples), -1, np.int64)  # where the ledger's line of each sample begins, −1 for none
        self._files: list[str] = []  # of what is being written

    def __enter__(self) -> Work:
        self._refuse()
        self.out.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self.out / LOCK)
        if not self._lock.acquire():
            raise UserError(f"Another export is at work in {self.out}; wait for it, or choose another folder with --out.")
        self._ledger: BinaryIO = open(self.out / LEDGER, "a+b")
        self._read()
        return self

    def __exit__(self, *_: object) -> None:
        self._ledger.close()
        self._lock.release()

    def require(self, *kinds: str) -> None:
        """Raises UserError unless every sample has files of these kinds."""
        have = self.have(kinds)
        for kind in kinds:
            without = len(self.samples) - have[kind]
            if without:
                which = "The samples" if not have[kind] else f"{without} of {len(self.samples)} samples"
                raise UserError(f"{which} of {self.dataset.path} have no {kind}, which {self.form} needs; render them with it.")

    def have(self, kinds: Sequence[str]) -> Counter[str]:
        """How many samples have files of these kinds."""
        return Counter(kind for sample in self.samples for kind in kinds if kind in sample.files)

    def each_sample(self, write: Callable[[Sample], dict[str, Any] | None]) -> None:
        """`write` every sample that was not written before; what it returns is remembered for `entries`."""
        for position, sample in enumerate(self.samples):
            self.unit(position, sample.to_line(), lambda sample=sample: write(sample))
            self.report.progress(position + 1, len(self.samples), "samples")

    def unit(self, position: int, made_from: str, write: Callable[[], dict[str, Any] | None]) -> None:
        """Call `write`, which calls `save`, unless that was done before, from the same, and all its files are there. A unit is known by the
        position of its (first) sample.
        """
        digest = hashlib.sha256(made_from.encode("utf-8")).hexdigest()
        if self._places[position] >= 0:
            line = self._line(position)
            if line["digest"] == digest and all((self.out / name).is_file() for name in line["files"]):
                return
        self._files = []
        entry = write()
        line = {"number": int(self.samples.numbers[position]), "digest": digest, "files": self._files, "entry": entry or {}}
        self._places[position] = self._ledger.seek(0, os.SEEK_END)
        self._ledger.write(json.dumps(line, separators=(",", ":")).encode("utf-8") + b"\n")
        self._ledger.flush()

    def save(self, name: str, data: bytes | str) -> None:
        """Write a file of the current unit; `name` is relative to the folder, with forward slashes."""
        write_atomically(self.out / name, data)
        self.saved(name)

    def saved(self, name: str) -> None:
        """Count a file that was written otherwise, to the current unit."""
        self._files.append(name)

    def write_lines(self, name: str, lines: Iterable[str]) -> None:
        """Write a file that belongs to no unit, line by line, so that it need not be in memory as a whole."""
        with self.beside(name) as file:
            for line in lines:
                file.write(line.encode("utf-8") + b"\n")

    @contextmanager
    def beside(self, name: str) -> Iterator[BinaryIO]:
        """A file to write to, which takes its name when it is complete."""
        path = self.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        try:
            with open(part, "wb") as file:
                yield file
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)

    def entries(self, split: str | None = None) -> Iterator[dict[str, Any]]:
        """What `write` returned for each sample, of one split or of all, read from the disk one by one."""
        chosen = np.arange(len(self.samples)) if split is None else np.flatnonzero(self.samples.splits == split)
        return (self._line(position)["entry"] for position in chosen.tolist())

    @property
    def splits(self) -> list[str]:
        return np.unique(self.samples.splits).tolist()

    def _refuse(self) -> None:
        out, own = self.out.resolve(), self.dataset.path.resolve()
        if self.out.exists() and not self.out.is_dir():
            raise UserError(f"{self.out} is a file; choose another folder with --out.")
        if out == own or own in out.parents:
            raise UserError(f"{self.out} is {'' if out == own else 'in '}the dataset itself; choose another folder with --out.")
        found = {file.name for file in self.out.iterdir()} if self.out.is_dir() else set()
        if not found - {LEDGER, LOCK}:
            return
        if LEDGER not in found:
            raise UserError(f"{self.out} holds something else already; choose another folder with --out.")
        first = self._first_line()
        if first != self._identity:
            what = "this dataset" if first.get("dataset") == self._identity["dataset"] else "another dataset"
            how = f"as {first.get('form')}" if first.get("form") != self.form else f"of version {first.get('version')}"
            raise UserError(f"{self.out} holds an export of {what} {how}; choose another folder with --out.")

    def _first_line(self) -> dict[str, Any]:
        with open(self.out / LEDGER, "rb") as file:
            return _json(file.readline()) or {}

    def _read(self) -> None:
        """What is done according to the ledger; what a crash cut off goes, and so does a ledger of another export that wrote nothing."""
        end = 0
        if self._first_line() == self._identity:
            self._ledger.seek(0)
            place = 0
            for line in self._ledger:
                data = _json(line)
                if data is not None and line.endswith(b"\n"):
                    end = place + len(line)
                    if "number" in data:
                        self._keep(data["number"], place)
                place += len(line)
        self._ledger.truncate(end)
        if not end:
            self._ledger.write(json.dumps(self._identity).encode("utf-8") + b"\n")
            self._ledger.flush()

    def _keep(self, number: int, place: int) -> None:
        position = int(np.searchsorted(self.samples.numbers, number))
        if position < len(self.samples) and self.samples.numbers[position] == number:
            self._places[position] = place

    def _line(self, position: int) -> dict[str, Any]:
        self._ledger.seek(int(self._places[position]))
        return json.loads(self._ledger.readline())


def _fingerprint(dataset: Dataset) -> str:
    """Of the dataset's header: the same wherever the dataset lies, and however much of it is rendered."""
    header = {key: value for key, value in dataset.header.items() if key != "count"}
    return hashlib.sha256(json.dumps(header, sort_keys=True).encode("utf-8")).hexdigest()


def _json(line: bytes) -> dict[str, Any] | None:
    try:
        data = json.loads(line)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None
