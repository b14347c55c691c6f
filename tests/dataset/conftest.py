# SPDX-License-Identifier: GPL-3.0-or-later
"""A small dataset without Blender: pictures of noise, poses of random points."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from ningyo.synth_data.dataset.folder import HEADER, SPLITS, Dataset, IndexWriter, Sample
from ningyo.synth_data.dataset.png import encode_png
from ningyo.synth_data.dataset.sample import SamplePose

SIZE = 32


def random_pose(seed: int = 0) -> SamplePose:
    random = np.random.default_rng(seed)
    points = random.uniform(-0.5, 0.5, (137, 3))
    points[100] = np.nan
    world_to_camera = np.concatenate([np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]), np.array([[0.0], [0], [3]])], axis=1)
    K = np.array([[60.0, 0, 16], [0, 60, 15], [0, 0, 1]])
    visibility = random.integers(0, 3, 137).astype(np.uint8)
    visibility[100] = 0
    return SamplePose(points, visibility, K, world_to_camera, (SIZE, SIZE))


def write_dataset(path: Path, count: int = 6) -> Dataset:
    path.mkdir(parents=True)
    header = {
        "schema": "ningyo.dataset",
        "version": 1,
        "rasteriser": 1,
        "size": [SIZE, SIZE],
        "count": count,
        "characters": {"doll": {"rig": "doll/rig.json", "sha256": "0" * 64}},
        "clips": {"walk": {"frames": 4, "fps": 25}, "walk.tail": {"frames": 2, "fps": 25}},
        "seed": 0,
    }
    (path / HEADER).write_text(json.dumps(header))
    (path / SPLITS).write_text(json.dumps({"train": ["walk"], "test": ["walk.tail"]}))
    random = np.random.default_rng(1)
    with IndexWriter(path) as index:
        for number in range(count):
            clip, split = ("walk", "train") if number < 4 else ("walk.tail", "test")
            sample = Sample(
                number, "doll", clip, number, {"yaw": 10.0 * number, "elevation": 5.0, "distance": 4.0}, split, False, False, {}
            )
            contents = {
                "image": encode_png(random.integers(0, 256, (SIZE, SIZE, 4)).astype(np.uint8)),
                "skeleton": encode_png(np.full((SIZE, SIZE, 3), number, np.uint8)),
                "pose": random_pose(number).to_json().encode(),
            }
            for kind, content in contents.items():
                file = path / sample.path_of(kind)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
                sample.files[kind] = (sample.path_of(kind), hashlib.sha256(content).hexdigest())
            index.add(sample)
    (path / "doll/rig.json").write_text("{}\n")
    return Dataset.open(path)


@pytest.fixture
def dataset(tmp_path):
    return write_dataset(tmp_path / "data")


@pytest.fixture
def make_pose():
    return random_pose
