# SPDX-License-Identifier: GPL-3.0-or-later
"""The training pictures whose poses are nearest to held-out ones, found block by block: memory does not grow with the dataset."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .held_out import HeldOut

JOINTS = np.r_[0:25, 95 + 4, 95 + 8, 95 + 20, 116 + 4, 116 + 8, 116 + 20]  # what poses are compared by: the body and some fingertips
BLOCK = 512
_MID_HIP = 8

Array = NDArray[np.float32]


def nearest_poses(test: HeldOut, train: HeldOut, scratch: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of each held-out sample the training sample with the nearest pose: (T,) by joints in the picture, in shares of its side, and (T,) by
    joints in space seen from the camera, in heights from the hips. Poses of training samples pass through a nameless file in `scratch`.
    """
    flat, solid = np.zeros(len(test), np.int64), np.zeros(len(test), np.int64)
    with tempfile.TemporaryFile(dir=scratch) as file:
        for block in _blocks(len(train)):
            file.write(_poses(train, block).tobytes())
        file.flush()
        for rows in _blocks(len(test)):
            wanted = _poses(test, rows)
            best = [(np.full(len(wanted), np.inf, np.float32), found) for found in (flat, solid)]
            for block in _blocks(len(train)):
                file.seek(block.start * 5 * len(JOINTS) * 4)
                known = np.frombuffer(file.read(len(block) * 5 * len(JOINTS) * 4), np.float32).reshape(-1, len(JOINTS), 5)
                for (least, found), part in zip(best, (slice(0, 2), slice(2, 5)), strict=True):
                    for k, pose in enumerate(wanted[..., part]):
                        apart = distances(pose, known[..., part])
                        at = int(apart.argmin())
                        if apart[at] < least[k]:
                            least[k], found[rows.start + k] = apart[at], block.start + at
    return flat, solid


def distances(pose: NDArray[Any], others: NDArray[Any]) -> NDArray[Any]:
    """Mean distance of the joints of `pose` (J, D) from those of each of `others` (N, J, D); joints unknown in either are left out. (N,)"""
    apart = np.sqrt(((others - pose) ** 2).sum(-1))
    known = np.isfinite(apart)
    mean = np.where(known, apart, 0).sum(-1) / np.maximum(known.sum(-1), 1)
    return np.where(known.any(-1), mean, 1e9)


def _blocks(count: int) -> Iterator[range]:
    return (range(start, min(start + BLOCK, count)) for start in range(0, count, BLOCK))


def _poses(samples: HeldOut, block: range) -> Array:
    """(N, J, 5): in the picture, then in space."""
    poses = np.empty((len(block), len(JOINTS), 5), np.float32)
    for k, index in enumerate(block):
        pose = samples.pose(index)
        points = pose.points_camera
        poses[k, :, :2] = pose.points_2d[JOINTS] / samples.size
        poses[k, :, 2:] = (points[JOINTS] - points[_MID_HIP]) / samples.height
    return poses
