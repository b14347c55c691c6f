# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a dataset is missing, cut short or altered. A sample's files have their hashes in the index, all others in `checksums.json`,
which is written when a dataset is finished.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ...jobs.folder import sha256_of
from ...jobs.progress import SILENT, Reporter
from .folder import HEADER, INDEX, SPLITS, Dataset, Sample, read_json, write_json
from .png import PngError, chunks

CHECKSUMS = "checksums.json"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. `sample` is None when it is no sample's file."""

    sample: Sample | None
    text: str


def verify(dataset: Dataset, *, report: Reporter = SILENT) -> list[Problem]:
    """Everything that is wrong, in words; empty for a whole dataset. Reads every file."""
    problems = [Problem(None, f"line {number} of {INDEX} is cut or damaged") for number in dataset.bad_lines]
    seen: set[int] = set()
    for done, sample in enumerate(dataset.samples, 1):
        if sample.number in seen:
            problems.append(Problem(sample, f"sample {sample.id} is twice in {INDEX}"))
        seen.add(sample.number)
        problems += [Problem(sample, text) for text in damage(dataset.path, sample)]
        report.progress(done, len(dataset.samples), "samples")
    missing = dataset.planned - len(seen)
    if missing > 0:
        problems.append(Problem(None, f"{missing} of {dataset.planned} samples are not rendered yet"))
    return problems + [Problem(None, text) for text in other_damage(dataset, finished=missing <= 0)]


def other_damage(dataset: Dataset, *, finished: bool) -> list[str]:
    """What is wrong with the files that are no sample's."""
    found = []
    for character, entry in dataset.header.get("characters", {}).items():
        if "rig" in entry and not (dataset.path / entry["rig"]).is_file():
            found.append(f"{entry['rig']}, the rig of {character}, is missing")
    if not finished or int(dataset.header.get("version", 1)) < 2:
        return found
    sums = read_json(dataset.path / CHECKSUMS)
    if not isinstance(sums, dict):
        return [*found, f"{CHECKSUMS} is {'damaged' if (dataset.path / CHECKSUMS).exists() else 'missing'}"]
    for name, digest in sums.items():
        file = dataset.path / name
        if not file.is_file():
            if not name.endswith("rig.json"):
                found.append(f"{name} is missing")
        elif sha256_of(file) != digest:
            found.append(f"{name} was altered since it was written")
    return found


def write_checksums(path: Path, others: Iterable[str]) -> None:
    """Keep the hashes of the header, the index, the splits and of `others`, paths relative to the dataset; to be written last."""
    names = [HEADER, INDEX, SPLITS, *sorted(others)]
    write_json(path / CHECKSUMS, {name: sha256_of(path / name) for name in names})


def damage(path: Path, sample: Sample) -> list[str]:
    """What is wrong with a sample's files."""
    found = []
    for file, digest in sample.files.values():
        whole = path / file
        if not whole.is_file():
            found.append(f"{file} is missing")
        elif sha256_of(whole) != digest:
            found.append(f"{file} {_what_happened(whole)}")
    return found


def _what_happened(path: Path) -> str:
    data = path.read_bytes()
    if not data:
        return "is empty"
    if path.suffix == ".png":
        try:
            chunks(data)
        except PngError as error:
            return str(error)
    elif path.suffix == ".json" and not data.endswith(b"\n"):
        return "is cut short"
    return "was altered since it was rendered"
