# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in a dataset: counts, cameras, joint visibility, sizes, and a sheet of its pictures."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import UserError
from ...jobs.folder import write_atomically
from ...jobs.progress import SILENT, Reporter
from ..pose.landmarks import BODY_25
from .folder import IMAGE, SKELETON, Dataset, Sample
from .png import PngError, decode_png, encode_png
from .sample import OCCLUDED, POINTS, VISIBLE

_GROUPS = {"face": slice(25, 95), "left hand": slice(95, 116), "right hand": slice(116, 137)}
_BACKGROUND = 235  # of a picture with transparency
SHEET = (4, 6)  # rows and columns of (image, skeleton) pairs


def statistics(dataset: Dataset, *, report: Reporter = SILENT) -> dict[str, Any]:
    """Counts by split, clip and character; ranges of the cameras; in how many samples each joint is visible and occluded; megabytes.

    Raises UserError for a pose that is missing or damaged.
    """
    samples = dataset.samples
    seen = np.zeros((len(samples), POINTS), np.uint8)
    for i, sample in enumerate(samples):
        seen[i] = dataset.pose(sample).visibility
        report.progress(i + 1, len(samples), "poses")
    cameras = {key: np.array([sample.camera.get(key, np.nan) for sample in samples]) for key in ("yaw", "elevation", "distance")}
    sizes: Counter[str] = Counter()
    for sample in samples:
        for kind, (path, _) in sample.files.items():
            whole = dataset.path / path
            sizes[kind] += whole.stat().st_size if whole.is_file() else 0
    groups = {**{name: slice(i, i + 1) for i, name in enumerate(BODY_25)}, **_GROUPS}
    return {
        "samples": len(samples),
        "planned": dataset.planned,
        "size": list(dataset.size),
        "by_split": dict(Counter(sample.split for sample in samples)),
        "by_clip": dict(Counter(sample.clip for sample in samples)),
        "by_character": dict(Counter(sample.character for sample in samples)),
        "variations": sum(sample.variation for sample in samples),
        "mirrored": sum(sample.mirrored for sample in samples),
        "cameras": {key: [round(float(v), 2) for v in (values.min(), values.max())] for key, values in cameras.items() if len(values)},
        "joints": {name: _shares(seen[:, part]) for name, part in groups.items()} if samples else {},
        "megabytes": {kind: round(size / 1e6, 2) for kind, size in sizes.items()},
    }


def _shares(seen: npt.NDArray[np.uint8]) -> dict[str, float]:
    return {"visible": round(float((seen == VISIBLE).mean()), 3), "occluded": round(float((seen == OCCLUDED).mean()), 3)}


def contact_sheet(dataset: Dataset, path: Path | str) -> None:
    """Write a PNG with image and skeleton of samples that are spread evenly over the dataset. Raises UserError when there are none."""
    if not dataset.samples:
        raise UserError(f"{dataset.path} has no samples yet; run `ningyo render` to make some.")
    rows, columns = SHEET
    count = min(rows * columns, len(dataset.samples))
    chosen = [dataset.samples[i * len(dataset.samples) // count] for i in range(count)]
    pairs = [np.concatenate([picture(dataset, sample, kind) for kind in (IMAGE, SKELETON)], axis=1) for sample in chosen]
    blank = np.full_like(pairs[0], 255)
    columns = min(columns, count)
    pairs += [blank] * (-count % columns)
    lines = [np.concatenate(pairs[i : i + columns], axis=1) for i in range(0, len(pairs), columns)]
    write_atomically(path, encode_png(np.concatenate(lines)))


def picture(dataset: Dataset, sample: Sample, kind: str, background: int = _BACKGROUND) -> npt.NDArray[np.uint8]:
    """(H, W, 3) uint8, transparency laid on a grey of `background`. Raises UserError for a file that is missing or damaged."""
    path = dataset.file(sample, kind)
    try:
        pixels = decode_png(path.read_bytes())
    except (OSError, PngError) as error:
        raise UserError(f"{path} is missing or damaged; `ningyo dataset verify` lists what else is.") from error
    return flattened(pixels, background)


def flattened(pixels: npt.NDArray[Any], background: int) -> npt.NDArray[np.uint8]:
    """(H, W, 1…4) uint8 → (H, W, 3) uint8: straight alpha laid on a grey of `background`."""
    if pixels.shape[2] in (2, 4):
        alpha = pixels[..., -1:].astype(np.float32) / 255
        pixels = np.rint(pixels[..., :-1] * alpha + background * (1 - alpha)).astype(np.uint8)
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3))
