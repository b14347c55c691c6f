# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a dataset is missing, cut short or altered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...jobs.folder import sha256_of
from ...jobs.progress import SILENT, Reporter
from .folder import INDEX, Dataset, Sample
from .png import PngError, chunks


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
    for character, entry in dataset.header.get("characters", {}).items():
        if not (dataset.path / entry["rig"]).is_file():
            problems.append(Problem(None, f"{entry['rig']}, the rig of {character}, is missing"))
    return problems


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
    elif not data.endswith(b"\n"):
        return "is cut short"
    return "was altered since it was rendered"
