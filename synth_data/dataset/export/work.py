# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder an export is written to, and what has been written there already.

`.ningyo-export.jsonl` in it says in its first line of which dataset and in which form it is an export, and has a line for every sample
(or shard) that is complete: its key, a digest of what it was made from, its files, and what the form wants to remember of it. So an export
that was stopped goes on, one that is repeated makes only what is new, and nobody else's folder is written into.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from ....errors import UserError
from ....jobs.folder import write_atomically
from ....jobs.lock import FileLock
from ....jobs.progress import Reporter
from ..folder import Dataset, Sample

LEDGER, LOCK = ".ningyo-export.jsonl", ".ningyo-export.lock"
SCHEMA = "ningyo.export"
VERSION = 1  # of what the forms write; counted up when one of them writes something else


class Work:
    """One export at work: a context, holding the folder's lock.

    Raises UserError on entering for a folder with anything in it that is not an earlier export of the same dataset in the same form.
    """

    def __init__(self, dataset: Dataset, form: str, out: Path, report: Reporter) -> None:
        self.dataset, self.form, self.out, self.report = dataset, form, out, report
        self._identity = {"schema": SCHEMA, "version": VERSION, "form": form, "dataset": _fingerprint(dataset)}
        self._done: dict[str, tuple[str, int]] = {}  # key → digest, where its line begins
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
        samples = self.dataset.samples
        for kind in kinds:
            without = sum(kind not in sample.files for sample in samples)
            if without:
                which = "The samples" if without == len(samples) else f"{without} of {len(samples)} samples"
                raise UserError(f"{which} of {self.dataset.path} have no {kind}, which {self.form} needs; render them with it.")

    def each_sample(self, write: Callable[[Sample], dict[str, Any] | None]) -> None:
        """`write` every sample that was not written before; what it returns is remembered for `entries`."""
        for done, sample in enumerate(self.dataset.samples, 1):
            self.unit(sample.id, sample.to_line(), lambda sample=sample: write(sample))
            self.report.progress(done, len(self.dataset.samples), "samples")

    def unit(self, key: str, made_from: str, write: Callable[[], dict[str, Any] | None]) -> None:
        """Call `write`, which calls `save`, unless that was done before, from the same, and all its files are there."""
        digest = hashlib.sha256(made_from.encode("utf-8")).hexdigest()
        if key in self._done and self._done[key][0] == digest and self._is_there(key):
            return
        self._files = []
        entry = write()
        line = {"key": key, "digest": digest, "files": self._files, "entry": entry or {}}
        self._done[key] = (digest, self._ledger.seek(0, 2))
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

    def entry(self, key: str) -> dict[str, Any]:
        """What `write` returned for a unit."""
        return self._line(key)["entry"]

    def entries(self, samples: list[Sample]) -> Iterator[tuple[Sample, dict[str, Any]]]:
        """What `write` returned for each of `samples`, read from the disk one by one."""
        for sample in samples:
            yield sample, self.entry(sample.id)

    def by_split(self) -> dict[str, list[Sample]]:
        """The samples by the names of their splits, in the index's order."""
        found: dict[str, list[Sample]] = {}
        for sample in self.dataset.samples:
            found.setdefault(sample.split, []).append(sample)
        return found

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
            place = 0
            self._ledger.seek(0)
            for line in self._ledger:
                data = _json(line)
                if data is not None and line.endswith(b"\n"):
                    end = place + len(line)
                    if "key" in data:
                        self._done[data["key"]] = (data["digest"], place)
                place += len(line)
        self._ledger.truncate(end)
        if not end:
            self._ledger.write(json.dumps(self._identity).encode("utf-8") + b"\n")
            self._ledger.flush()

    def _line(self, key: str) -> dict[str, Any]:
        self._ledger.seek(self._done[key][1])
        return json.loads(self._ledger.readline())

    def _is_there(self, key: str) -> bool:
        return all((self.out / name).is_file() for name in self._line(key)["files"])


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
