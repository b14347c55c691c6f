# SPDX-License-Identifier: GPL-3.0-or-later
"""The dataset's folder: header, index, splits (docs/architecture.md, "Dataset").

The index is the truth: a sample exists once its line does, and its line is appended only after its files are complete and on the disk.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ...errors import UserError
from ...jobs.folder import write_atomically
from .sample import SamplePose

SCHEMA, VERSION = "ningyo.dataset", 1
HEADER, INDEX, SPLITS = "dataset.json", "index.jsonl", "splits.json"
IMAGE, SKELETON, POSE = "image", "skeleton", "pose"
SUFFIX = {IMAGE: ".image.png", SKELETON: ".skeleton.png", POSE: ".pose.json"}


@dataclass(frozen=True)
class Sample:
    """One line of the index.

    `number` orders the samples; `frame` is the motion's frame; `camera` holds degrees and metres; `variation` is true for a pose that was
    sampled around the clip's, `mirrored` for one with left and right exchanged. `files` maps each kind to (path relative to the dataset,
    sha256).
    """

    number: int
    character: str
    clip: str
    frame: int
    camera: dict[str, float]
    split: str
    variation: bool
    mirrored: bool
    files: dict[str, tuple[str, str]]

    @property
    def id(self) -> str:
        return f"{self.number:06d}"

    def path_of(self, kind: str) -> str:
        return f"{self.character}/{self.clip}/{self.id}{SUFFIX[kind]}"

    def to_line(self) -> str:
        return (
            json.dumps(
                {
                    "id": self.id,
                    "character": self.character,
                    "clip": self.clip,
                    "frame": self.frame,
                    "camera": self.camera,
                    "split": self.split,
                    "variation": self.variation,
                    "mirrored": self.mirrored,
                    "files": {kind: list(entry) for kind, entry in self.files.items()},
                },
                separators=(",", ":"),
            )
            + "\n"
        )

    @classmethod
    def from_line(cls, line: str) -> Sample:
        """Raises ValueError for a line that is cut or foreign."""
        try:
            data = json.loads(line)
            files = {str(kind): (str(path), str(digest)) for kind, (path, digest) in data["files"].items()}
            if any(Path(path).is_absolute() or ".." in Path(path).parts for path, _ in files.values()):
                raise ValueError("a path leaves the dataset")
            return cls(
                int(data["id"]),
                str(data["character"]),
                str(data["clip"]),
                int(data["frame"]),
                dict(data["camera"]),
                str(data["split"]),
                bool(data.get("variation", False)),
                bool(data.get("mirrored", False)),
                files,
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("not a sample") from error


@dataclass(frozen=True)
class Dataset:
    """A dataset on disk. `bad_lines` are the 1-based numbers of lines of the index that are not samples (the last one may be cut by a
    crash).
    """

    path: Path
    header: dict[str, Any]
    samples: list[Sample]
    splits: dict[str, list[str]]
    bad_lines: list[int] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path | str) -> Dataset:
        """Raises UserError when there is no dataset that this version can read."""
        path = Path(path)
        if not path.exists():
            raise UserError(f"There is no dataset at {path}; make one with `ningyo render`.")
        header = read_header(path)
        if header is None:
            raise UserError(f"{path} is not a dataset (it has no {HEADER}); make one with `ningyo render`.")
        samples, bad = read_index(path)
        splits = _read_json(path / SPLITS)
        if not isinstance(splits, dict):
            raise UserError(f"{path / SPLITS} is missing or damaged; run the same `ningyo render` command again to mend it.")
        return cls(path, header, samples, splits, bad)

    @property
    def size(self) -> tuple[int, int]:
        width, height = self.header["size"]
        return int(width), int(height)

    @property
    def planned(self) -> int:
        """How many samples the dataset has when it is finished."""
        return int(self.header["count"])

    @cached_property
    def by_split(self) -> dict[str, list[Sample]]:
        return {split: [sample for sample in self.samples if sample.split == split] for split in ("train", "test")}

    def file(self, sample: Sample, kind: str) -> Path:
        """Raises UserError when the sample has no file of that kind ("image", "skeleton", "pose")."""
        if kind not in sample.files:
            raise UserError(f"Sample {sample.id} of {self.path} has no {kind}; render the dataset again with it.")
        return self.path / sample.files[kind][0]

    def pose(self, sample: Sample) -> SamplePose:
        return SamplePose.load(self.file(sample, POSE))

    def rig_path(self, character: str) -> Path:
        """The character's rig (JSON)."""
        return self.path / self.header["characters"][character]["rig"]


def read_header(path: Path) -> dict[str, Any] | None:
    """dataset.json, or None where there is none. Raises UserError when it is damaged, foreign or newer."""
    file = path / HEADER
    if not path.is_dir():
        raise UserError(f"{path} is a file, not a dataset's folder; choose a folder.")
    if not file.exists():
        return None
    header = _read_json(file)
    if not isinstance(header, dict) or header.get("schema") != SCHEMA or "size" not in header or "count" not in header:
        raise UserError(f"{file} is not a Ningyo dataset's header; choose another folder, or render again into an empty one.")
    if int(header.get("version", 0)) > VERSION:
        raise UserError(
            f"{path} was written by a newer Ningyo (version {header['version']} of the dataset format); update Ningyo to read it."
        )
    return header


def read_index(path: Path) -> tuple[list[Sample], list[int]]:
    """The samples in the index's order, and the numbers (from 1) of lines that are none. A last line without its end counts as one of
    those.
    """
    file = path / INDEX
    if not file.exists():
        return [], []
    samples: list[Sample] = []
    bad: list[int] = []
    *lines, rest = file.read_bytes().split(b"\n")
    for number, line in enumerate(lines, 1):
        try:
            samples.append(Sample.from_line(line.decode("utf-8")))
        except ValueError:  # broken JSON, broken UTF-8 and foreign content alike
            bad.append(number)
    if rest:
        bad.append(len(lines) + 1)
    return samples, bad


def write_index(path: Path, samples: Sequence[Sample]) -> None:
    """Write the whole index anew, in the samples' order."""
    write_atomically(path / INDEX, "".join(sample.to_line() for sample in sorted(samples, key=lambda s: s.number)))


class IndexWriter:
    """Appends samples to the index, each only after its files are on the disk.

    Files are forced to the disk in groups, since one `fsync` a file would cost more than the index is worth; a crash loses at most one
    group's lines, and their samples are made again.
    """

    GROUP = 16

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: list[Sample] = []

    def add(self, sample: Sample) -> None:
        self._waiting.append(sample)
        if len(self._waiting) >= self.GROUP:
            self.flush()

    def flush(self) -> None:
        """Put what waits into the index."""
        if not self._waiting:
            return
        for sample in self._waiting:
            for file, _ in sample.files.values():
                _sync(self._path / file)
        with open(self._path / INDEX, "ab") as index:
            index.write("".join(sample.to_line() for sample in self._waiting).encode("utf-8"))
            index.flush()
            os.fsync(index.fileno())
        self._waiting.clear()

    def __enter__(self) -> IndexWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # After a full disk the flush would fail again and hide the first error; the samples are made again when the render is resumed.
        if kind is None or not issubclass(kind, OSError):
            self.flush()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def leftovers(path: Path) -> Iterator[Path]:
    """Half-written files that a crash left (hidden, ending in ".part")."""
    yield from sorted(path.rglob(".*.part"))


def safe_name(name: str) -> str:
    """`name` as a folder's name on every system: letters, digits, ".", "-" and "_"."""
    return re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII).strip(".-") or "unnamed"


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return None
