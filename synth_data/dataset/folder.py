# SPDX-License-Identifier: GPL-3.0-or-later
"""The dataset's folder: header, index, splits (docs/architecture.md, "Dataset").

The index is the truth: a sample exists once its line does, and its line is appended only after its files are complete. Whether they are
still as they were is told by their hashes, which `verify` and a resumed render compare; so no file needs to be forced to the disk.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from ...errors import UserError, listed
from ...jobs.folder import write_atomically
from .sample import SamplePose

SCHEMA, VERSION = "ningyo.dataset", 2
HEADER, INDEX, SPLITS = "dataset.json", "index.jsonl", "splits.json"
RIG, CHARACTER = "rig.json", "character.json"  # in each character's folder
IMAGE, SKELETON, POSE = "image", "skeleton", "pose"
MASK, PARTS, DEPTH, NORMAL, UV, FLOW = "mask", "parts", "depth", "normal", "uv", "flow"
HEAD, LIMBS, CAPSULES = "head", "limbs", "capsules"
SUFFIX = {
    **{kind: f".{kind}.png" for kind in (IMAGE, SKELETON, MASK, PARTS, DEPTH, NORMAL, UV, FLOW, HEAD, CAPSULES)},
    POSE: ".pose.json",
    LIMBS: ".limbs.npz",
}
KINDS = tuple(SUFFIX)
_FIELDS = ("id", "character", "clip", "frame", "camera", "split", "variation", "mirrored", "files")


@dataclass(frozen=True)
class Sample:
    """One line of the index.

    `number` orders the samples; `frame` is the motion's frame, between two where a clip is played at another speed; `camera` holds degrees
    and metres; `variation` is true for a pose that was sampled around the clip's, `mirrored` for one with left and right exchanged. `files`
    maps each kind to (path relative to the dataset, sha256). `details` is what else the line says: see docs/architecture.md.
    """

    number: int
    character: str
    clip: str
    frame: float
    camera: dict[str, float]
    split: str
    variation: bool
    mirrored: bool
    files: dict[str, tuple[str, str]]
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.number:06d}"

    def path_of(self, kind: str) -> str:
        return f"{self.character}/{self.clip}/{self.id}{SUFFIX[kind]}"

    def to_line(self) -> str:
        line = {
            "id": self.id,
            "character": self.character,
            "clip": self.clip,
            "frame": int(self.frame) if self.frame == int(self.frame) else self.frame,
            "camera": self.camera,
            "split": self.split,
            "variation": self.variation,
            "mirrored": self.mirrored,
            **self.details,
            "files": {kind: list(entry) for kind, entry in self.files.items()},
        }
        return json.dumps(line, separators=(",", ":")) + "\n"

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
                float(data["frame"]),
                dict(data["camera"]),
                str(data["split"]),
                bool(data.get("variation", False)),
                bool(data.get("mirrored", False)),
                files,
                {key: value for key, value in data.items() if key not in _FIELDS},
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("not a sample") from error


def is_next(frame: float, before: float, speed: float) -> bool:
    """Whether a clip that is played at `speed` shows `frame` right after the frame `before`."""
    return abs(frame - before - speed) < 1e-3  # frames between two are rounded


def follows(now: Sample, before: Sample) -> bool:
    """Whether a sample shows the next moment of the other's clip, through the same camera and in the same look."""
    varied = now.variation or before.variation
    return (
        not varied
        and is_next(now.frame, before.frame, now.details.get("speed", 1.0))
        and (now.character, now.clip, now.mirrored, now.camera) == (before.character, before.clip, before.mirrored, before.camera)
        and all(now.details.get(name) == before.details.get(name) for name in ("look", "framing"))
    )


class Samples(Sequence[Sample]):
    """An index's samples, each read from the disk when it is asked for: memory grows by a few bytes a sample.

    `numbers` (N,) int64 and `splits` (N,) str are at hand without reading; `whose` (N,) int32 are places in `characters`, the names.
    """

    def __init__(
        self, file: Path, spans: npt.NDArray[np.int64], numbers: npt.NDArray[np.int64], splits: npt.NDArray[np.str_],
        whose: npt.NDArray[np.int32], characters: list[str],
    ) -> None:  # fmt: skip
        self._file, self._spans, self.numbers, self.splits = file, spans, numbers, splits
        self.whose, self.characters = whose, characters

    def __len__(self) -> int:
        return len(self._spans)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Samples: ...
    def __getitem__(self, index: int | slice) -> Sample | Samples:
        if isinstance(index, slice):
            return self.where(np.arange(len(self))[index])
        start, length = self._spans[index]
        with open(self._file, "rb") as file:
            file.seek(int(start))
            return Sample.from_line(file.read(int(length)).decode("utf-8"))

    def __iter__(self) -> Iterator[Sample]:
        if not len(self):
            return
        with open(self._file, "rb") as file:
            for start, length in self._spans:
                file.seek(int(start))
                yield Sample.from_line(file.read(int(length)).decode("utf-8"))

    def where(self, chosen: npt.NDArray[Any]) -> Samples:
        """The samples of these indices, or of this mask."""
        return Samples(
            self._file, self._spans[chosen], self.numbers[chosen], self.splits[chosen], self.whose[chosen], self.characters
        )  # fmt: skip

    def of(self, character: str) -> Samples:
        """The samples of one character; none where there is no such."""
        return self.where(self.whose == (self.characters.index(character) if character in self.characters else -1))


@dataclass(frozen=True)
class Dataset:
    """A dataset on disk. `bad_lines` are the 1-based numbers of lines of the index that are not samples (the last one may be cut by a
    crash).
    """

    path: Path
    header: dict[str, Any]
    samples: Samples
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
        splits = read_json(path / SPLITS)
        if not isinstance(splits, dict):
            raise UserError(f"{path / SPLITS} is missing or damaged; `ningyo dataset verify {path} --repair` mends it.")
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
    def by_split(self) -> dict[str, Samples]:
        return {split: self.samples.where(self.samples.splits == split) for split in ("train", "test")}

    @property
    def characters(self) -> list[str]:
        return list(self.header["characters"])

    @property
    def character(self) -> str:
        """The one character of a dataset that has one (`of`)."""
        (character,) = self.characters
        return character

    def of(self, character: str) -> Dataset:
        """This dataset as if it held that one of its characters alone. Raises UserError where it holds no such."""
        if character not in self.characters:
            raise UserError(
                f"{self.path} holds no character named {character}; it holds {listed(self.characters)}: choose one, or another dataset."
            )
        header = self.header | {"characters": {character: self.header["characters"][character]}}
        return replace(self, header=header, samples=self.samples.of(character))

    def file(self, sample: Sample, kind: str) -> Path:
        """Raises UserError when the sample has no file of that kind (KINDS)."""
        if kind not in sample.files:
            raise UserError(f"Sample {sample.id} of {self.path} has no {kind}; render the dataset again with it.")
        return self.path / sample.files[kind][0]

    def pose(self, sample: Sample) -> SamplePose:
        return SamplePose.load(self.file(sample, POSE))

    def rig_path(self, character: str) -> Path:
        """The character's rig (JSON); there is no such file for one that was filmed."""
        return self.path / self.header["characters"][character].get("rig", f"{character}/{RIG}")

    def about(self, character: str) -> dict[str, Any]:
        """What is known of a character beside its rig (`character.json`): its attributes in words, and what it lacks; of one that was
        filmed how it stood before the camera ("filmed": `pose.transfer.FilmedTarget`). Empty where nothing is.
        """
        found = read_json(self.rig_path(character).with_name(CHARACTER))
        return found if isinstance(found, dict) else {}

    def height(self, character: str) -> float:
        """The character's height in metres, by its rig or by how it was filmed. Raises UserError where neither says it."""
        filmed = self.about(character).get("filmed")
        known = filmed if isinstance(filmed, dict) else read_json(self.rig_path(character))
        try:
            return float(known["height"])
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{self.path} does not say how tall {character} is; make the dataset again.") from error


def read_header(path: Path) -> dict[str, Any] | None:
    """dataset.json, or None where there is none. Raises UserError when it is damaged, foreign or newer."""
    file = path / HEADER
    if not path.is_dir():
        raise UserError(f"{path} is a file, not a dataset's folder; choose a folder.")
    if not file.exists():
        return None
    header = read_json(file)
    if not isinstance(header, dict) or header.get("schema") != SCHEMA or "size" not in header or "count" not in header:
        raise UserError(f"{file} is not a Ningyo dataset's header; choose another folder, or render again into an empty one.")
    if int(header.get("version", 0)) > VERSION:
        raise UserError(
            f"{path} was written by a newer Ningyo (version {header['version']} of the dataset format); update Ningyo to read it."
        )
    return header


def read_index(path: Path) -> tuple[Samples, list[int]]:
    """The samples in the index's order, and the numbers (from 1) of lines that are none. A last line without its end counts as one of
    those.
    """
    file = path / INDEX
    spans: list[tuple[int, int]] = []
    numbers: list[int] = []
    splits: list[str] = []
    whose: list[int] = []
    places: dict[str, int] = {}
    bad: list[int] = []
    start = 0
    if file.exists():
        with open(file, "rb") as lines:
            for count, line in enumerate(lines, 1):
                try:
                    sample = Sample.from_line(line.decode("utf-8"))
                    if not line.endswith(b"\n"):
                        raise ValueError("the line has no end")
                except ValueError:  # broken JSON, broken UTF-8 and foreign content alike
                    bad.append(count)
                else:
                    spans.append((start, len(line)))
                    numbers.append(sample.number)
                    splits.append(sample.split)
                    whose.append(places.setdefault(sample.character, len(places)))
                start += len(line)
    columns = np.array(spans, np.int64).reshape(-1, 2), np.array(numbers, np.int64), np.array(splits, np.str_), np.array(whose, np.int32)
    return Samples(file, *columns, list(places)), bad


def write_index(path: Path, samples: Samples | Iterable[Sample]) -> None:
    """Write the whole index anew, in the samples' order."""
    if isinstance(samples, Samples):
        samples = samples.where(np.argsort(samples.numbers, kind="stable"))
    else:
        samples = sorted(samples, key=lambda sample: sample.number)
    beside = path / f".{INDEX}.part"
    with open(beside, "w", encoding="utf-8", newline="\n") as file:
        file.writelines(sample.to_line() for sample in samples)
    os.replace(beside, path / INDEX)


class IndexWriter:
    """Appends samples to the index, each after its files are complete."""

    def __init__(self, path: Path) -> None:
        self._file = open(path / INDEX, "a", encoding="utf-8", newline="\n")

    def add(self, sample: Sample) -> None:
        self._file.write(sample.to_line())
        self._file.flush()

    def __enter__(self) -> IndexWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def leftovers(path: Path) -> Iterator[Path]:
    """Half-written files that a crash left (hidden, ending in ".part")."""
    yield from sorted(path.rglob(".*.part"))


def safe_name(name: str) -> str:
    """`name` as a folder's name on every system: letters, digits, ".", "-" and "_"."""
    return re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII).strip(".-") or "unnamed"


def write_json(file: Path, content: Any) -> None:
    """Write JSON for people to read; the same content gives the same bytes."""
    write_atomically(file, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def read_json(file: Path) -> Any:
    """What a JSON file holds, or None where it cannot be read."""
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return None
