# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders laid out for dance_now become a dataset: {train,test}_img with pictures, {train,test}_label with OpenPose's JSON of the same
names.

Such keypoints have no depth: all stand on one plane, as far away as a person of usual height would be. Sticks and limbs are drawn from
them exactly; of capsules, what lies in front of what is not known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import UserError
from ...jobs.folder import sha256_of
from ...jobs.progress import SILENT, Reporter
from ..dataset.folder import safe_name
from ..dataset.splits import TEST, TRAIN, Clip
from ..pose import openpose
from ..pose.placing import HEIGHT_M, camera_for, flat_depth, on_rays
from ..pose.transfer import FilmedTarget, ground_of
from ..video.read import probe, read_frames
from .folder import Pixels, Shot, header_of, refuse_other_contents, split_by_time, write_dataset

FPS = 25.0  # of pictures whose rate nothing says: for the gap between what is trained on and held out
PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}
SURE = 0.5


def import_dance_now(folder: Path | str, out: Path | str, *, size: int = 512, report: Reporter = SILENT) -> dict[str, Any]:
    """Make the dataset `out` in pictures of size² px. Without test_img the last fifth of the pictures, by name, is held out.

    Pictures that have no label, or whose label shows nobody, are left out with a warning. Of oblong pictures the middle square is
    taken. Raises UserError. Returns {"samples", "made"}.
    """
    folder, out = Path(folder), Path(out)
    refuse_other_contents(out)
    found = {split: _pairs(folder, split) for split in (TRAIN, TEST)}
    if not found[TRAIN]:
        raise UserError(f"{folder} has no pictures in train_img with labels in train_label; give a folder that dance_now is trained from.")
    name = safe_name(folder.resolve().name)
    clips = [Clip(split, 0, len(pairs), split) for split, pairs in found.items() if pairs]
    pairs = [pair for of_split in found.values() for pair in of_split]
    if not found[TEST]:
        clips = split_by_time(name, np.arange(len(pairs)) / FPS)
    of_pair = {}
    for clip in clips:
        first = len(found[TRAIN]) if clip.name == TEST else 0
        of_pair |= {first + frame: (clip, frame) for frame in range(clip.start, clip.end)}
    points = np.full((len(pairs), 137, 3), np.nan)
    for i, (_, label) in enumerate(pairs):
        people = openpose.read(label)
        if people:
            points[i] = max(people, key=lambda person: person.points[:, 2].sum()).points
        report.progress(i + 1, len(pairs), "labels")
    someone = np.isfinite(points[:, :25]).all(-1).sum(-1) >= 3
    if not someone.all():
        report.warning(f"{np.count_nonzero(~someone)} labels show nobody; their pictures are left out.")
    if not someone.any():
        raise UserError(f"No label of {folder} shows anybody; run OpenPose on its pictures first.")
    infos = [probe(picture) for picture, _ in pairs]
    places = {}
    for size_px in {(info.width, info.height) for info in infos}:
        of_size = np.array([(info.width, info.height) == size_px for info in infos]) & someone
        if of_size.any():
            K = camera_for(size_px)
            away = flat_depth(points[of_size, :25, :2], K)
            places |= {int(i): (K, on_rays(points[i, :, :2], np.full(137, away), K), size_px) for i in np.flatnonzero(of_size)}
    numbers = [i for i in of_pair if i in places]
    shots = []
    for i in numbers:
        K, placed, (width, height) = places[i]
        box = np.array([width // 2, height // 2, min(width, height)], np.float64)
        clip, frame = of_pair[i]
        shots.append(Shot(clip, frame, placed, points[i, :, 2] >= SURE, K, box))
    K, _, size_px = places[numbers[0]]
    ground = ground_of(np.stack([places[i][1] for i in numbers if places[i][2] == size_px]), K)
    target = FilmedTarget(size_px, float(K[0, 0]), HEIGHT_M, ground, middle=True)
    hashes = "".join(sha256_of(file) for pair in pairs for file in pair)
    header = header_of(
        name,
        folder.name,
        hashlib.sha256(hashes.encode()).hexdigest(),
        size,
        clips,
        dict.fromkeys((clip.name for clip in clips), FPS),
        len(shots),
    )

    def pictures(wanted: set[int]) -> Iterator[tuple[int, Pixels]]:
        for number in sorted(wanted):
            yield number, next(iter(read_frames(pairs[numbers[number]][0]))).rgb

    made = write_dataset(out, header, target, shots, pictures, [], report)
    return {"samples": len(shots), "made": made}


def _pairs(folder: Path, split: str) -> list[tuple[Path, Path]]:
    """Pictures and their labels, in the order of their names."""
    images, labels = folder / f"{split}_img", folder / f"{split}_label"
    if not images.is_dir() or not labels.is_dir():
        return []
    files = sorted(path for path in images.iterdir() if path.suffix.lower() in PICTURES)
    return [(path, label) for path in files if (label := labels / f"{path.stem}_keypoints.json").is_file()]
