# SPDX-License-Identifier: GPL-3.0-or-later
"""One reading of all a dataset's poses, counted as it goes: views, framing, joints, angles, and where hands and feet have been.

What is kept does not grow with the dataset, but for the index that the dataset itself holds.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import UserError
from ...jobs.progress import SILENT, Reporter
from ..pose.landmarks import BODY_25
from .body import ANGLES, STATES, TRUNCATED, box_of, framing, in_trunk_axes, joint_angles, states_of, view_angles
from .folder import POSE, Dataset, Sample, follows
from .sample import POINTS, SamplePose

Counts = npt.NDArray[np.int64]

YAW_EDGES = np.linspace(-180, 180, 25)
ELEVATION_EDGES = np.linspace(-90, 90, 37)
ELEVATION_DEGREES = np.linspace(-90, 90, 181)
SHARE_EDGES = np.linspace(0, 1, 51)
ANGLE_BINS = 36
REACH = 2.6  # trunk lengths to each side of the hips' middle that the maps of limbs show
REACH_CELLS = 52
LIMB_ENDS = {"hands": "wrist", "elbows": "elbow", "knees": "knee", "feet": "ankle"}
PLACE_CELLS = 32
KEPT_POSES = 2000  # for the map of poses
_CHUNK = 256


class Survey:
    """What was counted. Histograms are counts of samples, with numpy's bins over the edges above."""

    def __init__(self, dataset: Dataset) -> None:
        shares = len(SHARE_EDGES) - 1
        self.dataset = dataset
        self.counts: Counter[tuple[str, str, str]] = Counter()  # samples by character, clip and split
        self.variations = self.mirrored = 0
        self.following: Counter[str] = Counter()  # by split: samples that show what comes after the sample before them
        self.cameras = {key: np.full(len(dataset.samples), np.nan, np.float32) for key in ("yaw", "elevation", "distance")}
        self.read = 0
        self.unreadable = 0  # poses
        self.states = _zeros(POINTS, len(STATES))  # of each point in how many samples
        self.views = _zeros(len(YAW_EDGES) - 1, len(ELEVATION_EDGES) - 1)  # yaw around the trunk × elevation
        self.elevations = _zeros(len(ELEVATION_DEGREES) - 1)
        self.framings: Counter[str] = Counter()
        self.whole = 0  # samples that were to show the whole body,
        self.cut = 0  # and those of them with a joint of it outside of the picture
        self.heights, self.widths = _zeros(shares), _zeros(shares)  # of the body's box, as shares of the picture's
        self.places = _zeros(PLACE_CELLS, PLACE_CELLS)  # of the box's middle in the picture: rows from the top, columns from the left
        self.angles = _zeros(len(ANGLES), ANGLE_BINS)  # each over its own range of degrees
        self.reach = _zeros(len(LIMB_ENDS), 2, 2, REACH_CELLS, REACH_CELLS)  # limb's end; front, side; left, right; rows from below
        self.poses = np.zeros((0, 25, 3), np.float32)  # some, in trunk axes
        self.poses_of: list[Sample] = []  # whose those are
        self.bytes: Counter[str] = Counter()  # on the disk, by kind
        self.files: Counter[str] = Counter()
        self.missing: Counter[str] = Counter()


def _zeros(*shape: int) -> Counts:
    return np.zeros(shape, np.int64)


def survey(dataset: Dataset, *, report: Reporter = SILENT) -> Survey:
    """Read all poses. Raises UserError when there are no samples, or none of their poses can be read."""
    if not len(dataset.samples):
        raise UserError(f"{dataset.path} has no samples yet; run `ningyo render` to make some.")
    found = Survey(dataset)
    total = len(dataset.samples)
    keep = {(2 * i + 1) * total // (2 * min(total, KEPT_POSES)) for i in range(min(total, KEPT_POSES))}  # spread evenly
    kept: list[npt.NDArray[np.float32]] = []
    chunk: list[tuple[int, Sample, SamplePose]] = []
    before: Sample | None = None
    for i, sample in enumerate(dataset.samples):
        _tell(found, i, sample)
        found.following[sample.split] += before is not None and follows(sample, before)
        before = sample
        pose = _pose(found, sample)
        if pose is not None:
            chunk.append((i, sample, pose))
        if chunk and (len(chunk) == _CHUNK or i == total - 1):
            in_axes = _count(found, chunk)
            for (index, of, _), points in zip(chunk, in_axes, strict=True):
                if index in keep and np.isfinite(points).any():
                    kept.append(points.astype(np.float32))
                    found.poses_of.append(of)
            chunk = []
        report.progress(i + 1, total, "poses")
    if not found.read:
        raise UserError(f"No pose of {dataset.path} can be read; `ningyo dataset verify` lists what is missing.")
    if kept:
        found.poses = np.stack(kept)
    return found


def _tell(found: Survey, index: int, sample: Sample) -> None:
    """Count what the index says, and weigh the files."""
    found.counts[sample.character, sample.clip, sample.split] += 1
    found.variations += sample.variation
    found.mirrored += sample.mirrored
    for key, values in found.cameras.items():
        values[index] = sample.camera.get(key, np.nan)
    for kind, (path, _) in sample.files.items():
        try:
            found.bytes[kind] += (found.dataset.path / path).stat().st_size
            found.files[kind] += 1
        except OSError:
            found.missing[kind] += 1


def _pose(found: Survey, sample: Sample) -> SamplePose | None:
    if POSE not in sample.files:
        return None
    try:
        return found.dataset.pose(sample)
    except UserError:
        found.unreadable += 1
        return None


def _count(found: Survey, chunk: list[tuple[int, Sample, SamplePose]]) -> npt.NDArray[np.float64]:
    """Count some poses, and return their bodies in trunk axes (n, 25, 3)."""
    poses = [pose for _, _, pose in chunk]
    found.read += len(poses)
    points = np.stack([pose.points_3d[:25] for pose in poses])
    states = np.stack([states_of(pose) for pose in poses])
    for state in range(len(STATES)):
        found.states[:, state] += (states == state).sum(axis=0)
    yaw, elevation = view_angles(points, np.stack([pose.world_to_camera for pose in poses])).T
    found.views += _histogram((yaw, elevation), (YAW_EDGES, ELEVATION_EDGES))
    found.elevations += np.histogram(elevation[np.isfinite(elevation)], ELEVATION_DEGREES)[0]
    for (_, sample, pose), of_points in zip(chunk, states, strict=True):
        found.framings[framing(of_points)] += 1
        if sample.details.get("framing", "body") == "body":
            found.whole += 1
            found.cut += bool((of_points[:25] == TRUNCATED).any())
        box = _box(sample, pose, of_points)
        if box is None:
            continue
        (left, top, right, bottom), (width, height) = box, pose.size
        found.heights += np.histogram((bottom - top) / height, SHARE_EDGES)[0]
        found.widths += np.histogram((right - left) / width, SHARE_EDGES)[0]
        row, column = (top + bottom) / 2 / height, (left + right) / 2 / width
        found.places[min(int(row * PLACE_CELLS), PLACE_CELLS - 1), min(int(column * PLACE_CELLS), PLACE_CELLS - 1)] += 1
    measured = joint_angles(points)
    for i, (low, high) in enumerate(ANGLES.values()):
        values = measured[:, i]
        found.angles[i] += np.histogram(np.clip(values[np.isfinite(values)], low, high), ANGLE_BINS, (low, high))[0]
    in_axes = in_trunk_axes(points)
    edges = np.linspace(-REACH, REACH, REACH_CELLS + 1)
    for i, name in enumerate(LIMB_ENDS.values()):
        for side, word in enumerate(("left", "right")):
            left, forward, up = in_axes[:, BODY_25.index(f"{word}_{name}")].T
            found.reach[i, 0, side] += _histogram((up, left), (edges, edges))
            found.reach[i, 1, side] += _histogram((up, forward), (edges, edges))
    return in_axes


def _box(sample: Sample, pose: SamplePose, states: npt.NDArray[np.uint8]) -> tuple[float, float, float, float] | None:
    """The body's, by the index where that says it, else around the joints."""
    if "bbox" in sample.details:
        box = sample.details["bbox"]
        return None if box is None else (box[0], box[1], box[0] + box[2], box[1] + box[3])
    return box_of(pose.points_2d, states)


def _histogram(values: tuple[npt.NDArray[Any], npt.NDArray[Any]], edges: tuple[npt.NDArray[Any], npt.NDArray[Any]]) -> Counts:
    known = np.isfinite(values[0]) & np.isfinite(values[1])
    return np.histogram2d(values[0][known], values[1][known], edges)[0].astype(np.int64)
