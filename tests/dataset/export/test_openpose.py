# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenPose's files: read back as such."""

from __future__ import annotations

import json

import numpy as np
from ningyo.synth_data.dataset.export import export
from ningyo.synth_data.pose import openpose


def test_openpose_files(drawn, tmp_path):
    export(drawn, "openpose", tmp_path / "out")
    assert len(list((tmp_path / "out/test").glob("*_keypoints.json"))) == 2
    file = tmp_path / "out/train/000001_keypoints.json"
    assert set(json.loads(file.read_text())) == {"version", "people"}
    (person,) = openpose.read(file)
    pose = drawn.pose(drawn.samples[1])
    seen = pose.visibility > 0
    np.testing.assert_allclose(person.points[seen, :2], pose.points_2d[seen], atol=1e-3)
    assert (person.points[~seen, 2] == 0).all()
    assert (tmp_path / "out/train/000001.png").read_bytes() == drawn.file(drawn.samples[1], "image").read_bytes()
