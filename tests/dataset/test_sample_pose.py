# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample's joints as OpenPose JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest
from ningyo.errors import UserError
from ningyo.synth_data.dataset.sample import SamplePose


def test_saved_and_loaded_is_the_same(make_pose, tmp_path):
    pose = make_pose(3)
    (tmp_path / "a.json").write_text(pose.to_json())
    loaded = SamplePose.load(tmp_path / "a.json")
    np.testing.assert_allclose(loaded.points_3d, pose.points_3d, atol=1e-6)
    assert np.array_equal(loaded.visibility, pose.visibility)
    assert np.array_equal(loaded.K, pose.K)
    assert np.array_equal(loaded.world_to_camera, pose.world_to_camera)
    assert loaded.size == pose.size


def test_projection_is_the_architectures(make_pose):
    """x right, y down, z forward; this camera stands at −Y and looks along +Y."""
    pose = make_pose()
    points = np.zeros((137, 3))
    points[1] = (0.1, 0, 0.2)  # to the right of the picture, and up
    points[2] = (0, -4, 0)  # behind the camera
    moved = SamplePose(points, pose.visibility, pose.K, pose.world_to_camera, pose.size)
    np.testing.assert_allclose(moved.points_2d[0], (16, 15))
    np.testing.assert_allclose(moved.points_2d[1], (16 + 60 * 0.1 / 3, 15 - 60 * 0.2 / 3))
    assert np.isnan(moved.points_2d[2]).all()


def test_layout_and_confidence_are_openposes(make_pose):
    pose = make_pose(5)
    people = json.loads(pose.to_json())["people"]
    assert len(people) == 1
    lengths = {key: len(value) for key, value in people[0].items()}
    assert lengths == {
        "person_id": 1,
        "pose_keypoints_2d": 75,
        "face_keypoints_2d": 210,
        "hand_left_keypoints_2d": 63,
        "hand_right_keypoints_2d": 63,
    }
    body = np.array(people[0]["pose_keypoints_2d"]).reshape(25, 3)
    for point, (x, y, confidence) in enumerate(body):
        assert confidence == (0, 0.5, 1)[pose.visibility[point]]
        expected = pose.points_2d[point] if pose.visibility[point] else (0, 0)
        np.testing.assert_allclose((x, y), expected, atol=1e-3)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"ningyo": {"points_3d": [1, 2]}}', '{"people": []}', "null"])
def test_other_files_are_refused(text, tmp_path):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(UserError, match=r"a\.json is not a whole Ningyo pose"):
        SamplePose.load(tmp_path / "a.json")
    with pytest.raises(UserError, match="cannot be read"):
        SamplePose.load(tmp_path / "b.json")
