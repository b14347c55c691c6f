# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenPose's JSON, made and read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ningyo.errors import UserError
from ningyo.synth_data.pose import openpose
from ningyo.synth_data.pose.landmarks import BODY_25, COCO_18
from ningyo.synth_data.pose.track import PoseTrack


def points(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.1, 1, (count, 3)) * (500, 400, 1)


def someone(seed: int = 0) -> list[np.ndarray]:
    parts = [points(count, seed + count + i) for i, count in enumerate((25, 70, 21, 21))]
    parts[0][3] = (np.nan, np.nan, 0)
    parts[2][:] = (7.0, 7.0, 0)  # a place without confidence is not a place
    return parts


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("count", [0, 1, 3])
def test_round_trip(tmp_path: Path, count):
    people = [someone(100 * i) for i in range(count)]
    document = openpose.document([openpose.person(*parts) for parts in people])
    found = openpose.read(write(tmp_path / "a_keypoints.json", document))
    assert len(found) == count
    for person, parts in zip(found, people, strict=True):
        assert person.points.shape == (137, 3)
        np.testing.assert_allclose(person.face70, parts[1], atol=1e-4)
        np.testing.assert_allclose(person.body25[4:], parts[0][4:], atol=1e-4)
        assert np.isnan(person.body25[3, :2]).all()
        assert person.body25[3, 2] == 0
        assert np.isnan(person.left21[:, :2]).all()


def test_form_is_openposes():
    record = openpose.person(*someone())
    assert len(record["pose_keypoints_2d"]) == 75
    assert len(record["face_keypoints_2d"]) == 210
    assert len(record["hand_left_keypoints_2d"]) == len(record["hand_right_keypoints_2d"]) == 63
    assert record["pose_keypoints_2d"][9:12] == [0, 0, 0]
    assert not any(record["hand_left_keypoints_2d"])
    json.dumps(openpose.document([record]), allow_nan=False)


def test_files_without_hands_and_faces(tmp_path: Path):
    record = {"person_id": [-1], "pose_keypoints_2d": np.ones(75).tolist(), "face_keypoints_2d": [], "hand_left_keypoints_2d": []}
    (person,) = openpose.read(write(tmp_path / "a.json", {"version": 1.3, "people": [record]}))
    assert (person.body25 == 1).all()
    assert np.isnan(person.face70[:, 0]).all()
    assert not person.right21[:, 2].any()


def test_coco_18_becomes_body_25(tmp_path: Path):
    body = points(18, 1)
    body[COCO_18.index("left_knee")] = 0
    (person,) = openpose.read(write(tmp_path / "a.json", {"people": [{"pose_keypoints_2d": body.reshape(-1).tolist()}]}))
    for name in COCO_18:
        if name != "left_knee":
            np.testing.assert_allclose(person.body25[BODY_25.index(name)], body[COCO_18.index(name)])
    hips = body[[COCO_18.index("left_hip"), COCO_18.index("right_hip")]]
    np.testing.assert_allclose(person.body25[8], [*hips[:, :2].mean(axis=0), hips[:, 2].min()])
    unseen = {BODY_25[i] for i in np.flatnonzero(person.body25[:, 2] == 0)}
    assert unseen == {"left_knee", *(f"{side}_{part}" for side in ("left", "right") for part in ("big_toe", "small_toe", "heel"))}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"persons": []}, "people"),
        ({"people": [{"pose_keypoints_2d": [1, 2]}]}, "pose_keypoints_2d"),
        ({"people": [{"pose_keypoints_2d": [0] * 60}]}, "20 points"),
        ({"people": [3]}, "not an OpenPose"),
        ([1], "not an OpenPose"),
        (None, "not an OpenPose"),
    ],
)
def test_wrong_files(tmp_path: Path, content, words):
    with pytest.raises(UserError, match=words) as error:
        openpose.read(write(tmp_path / "a.json", content))
    assert "\n" not in str(error.value)


def test_no_json(tmp_path: Path):
    with pytest.raises(UserError, match="no file"):
        openpose.read(tmp_path / "a.json")
    (tmp_path / "a.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="not an OpenPose"):
        openpose.read(tmp_path / "a.json")


def test_from_a_track():
    video = {"name": "", "path": "", "sha256": "", "width": 9, "height": 9, "fps": 9, "frame_count": 1, "duration": 1, "has_audio": False}
    track = PoseTrack.unseen(1, np.zeros(1), np.zeros(1), video, {})
    track.body_image[0, 0] = np.arange(33)[:, None]
    track.body_visibility[0, 0] = 0.5
    track.hand_image[0, 0, 1] = 3
    track.hand_score[0, 0, 1] = 0.8
    person = openpose.from_track(track, 0, 0)
    assert person.body25[BODY_25.index("left_wrist")].tolist() == [15, 15, 0.5]
    assert person.body25[BODY_25.index("neck")].tolist() == [11.5, 11.5, 0.5]
    assert np.isnan(person.left21[:, :2]).all()
    np.testing.assert_allclose(person.right21, np.tile([3, 3, 0.8], (21, 1)), rtol=1e-6)
    assert not person.face70[:, 2].any()
