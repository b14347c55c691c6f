# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import json
import pickle

import numpy as np
import pytest
from ningyo.errors import UserError
from ningyo.synth_data.retarget.motion import Camera, Motion


@pytest.fixture
def motion(random_rotations):
    look = np.array([[1.0, 0, 0, 0], [0, 0, -1, 1.2], [0, 1, 0, 4]])
    return Motion(
        fps=23.976,
        bones=("mixamorig:Hips", "mixamorig:Spine"),
        time=np.arange(5) / 23.976,
        rotation=random_rotations(5, 2),
        root_position=np.ones((5, 3)),
        contact=np.zeros((5, 4)),
        residual=np.zeros(5),
        confidence=np.ones(5),
        rig_name="ybot",
        rig_sha256="ab",
        camera=Camera(700.0, 640, 480, look),
        source={"track": "t.npz", "video": "v.mp4", "person": 0},
    )


def test_saved_and_loaded_is_the_same(motion, tmp_path):
    motion.save(tmp_path / "a.npz")
    motion.save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    back = Motion.load(tmp_path / "a.npz")
    for name in ("time", "rotation", "root_position", "contact", "residual", "confidence"):
        np.testing.assert_array_equal(getattr(back, name), getattr(motion, name))
    assert (back.fps, back.bones, back.rig_name, back.rig_sha256, back.source) == (
        motion.fps, motion.bones, motion.rig_name, motion.rig_sha256, motion.source,
    )  # fmt: skip
    assert back.camera is not None
    assert back.camera.focal_px == 700.0
    np.testing.assert_array_equal(back.camera.world_to_camera, motion.camera.world_to_camera)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.npz", "b.npz"]


def test_the_camera_projects_as_the_architecture_says(motion):
    pixels, depth = motion.camera.project(np.array([[0.5, 0.0, 1.2], [0.0, 0.0, 2.2]]))
    np.testing.assert_allclose(depth, 4)
    np.testing.assert_allclose(pixels, [[320 + 700 * 0.5 / 4, 240], [320, 240 - 700 / 4]])


@pytest.mark.parametrize(
    "wrong",
    [
        {"rotation": np.zeros((5, 2, 4))},
        {"rotation": np.full((5, 2, 4), np.nan)},
        {"root_position": np.zeros((4, 3))},
        {"time": np.zeros(5)},
        {"bones": ("a", "a")},
        {"fps": 0.0},
    ],
)
def test_impossible_motions_are_refused(motion, wrong):
    with pytest.raises(ValueError, match=r".+"):
        dataclasses.replace(motion, **wrong)


def test_unfit_files(motion, tmp_path):
    good = tmp_path / "good.npz"
    motion.save(good)
    (tmp_path / "cut.npz").write_bytes(good.read_bytes()[:-200])
    (tmp_path / "text.npz").write_text("hello")
    (tmp_path / "empty.npz").write_bytes(b"")
    (tmp_path / "pickle.npz").write_bytes(pickle.dumps({"a": 1}))
    np.savez(tmp_path / "foreign.npz", a=np.zeros(3))
    np.savez(tmp_path / "object.npz", header=np.array([{"schema": "ningyo.motion"}], object), allow_pickle=True)
    for name in ("cut", "text", "empty", "pickle", "foreign", "object", "missing"):
        with pytest.raises(UserError, match="motion"):
            Motion.load(tmp_path / f"{name}.npz")


def test_a_newer_file_says_so(motion, tmp_path):
    motion.save(tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz") as file:
        arrays = dict(file)
    arrays["header"] = np.array(json.dumps({**json.loads(str(arrays["header"])), "version": 9}))
    np.savez(tmp_path / "new.npz", **arrays)
    with pytest.raises(UserError, match="newer"):
        Motion.load(tmp_path / "new.npz")


class TestItsRig:
    @pytest.fixture
    def on_rig(self, make_rig, random_rotations):
        rig = make_rig(rolls=True, object_scale=0.01, object_rotation=True)
        frames = 40
        return Motion(
            fps=30.0,
            bones=rig.names,
            time=np.arange(frames) / 30,
            rotation=random_rotations(frames, len(rig.bones)),
            root_position=np.zeros((frames, 3)),
            contact=np.zeros((frames, 4)),
            residual=np.zeros(frames),
            confidence=np.ones(frames),
            rig=rig,
        )

    def test_it_is_in_the_file_exactly_and_takes_little_room(self, on_rig, tmp_path):
        on_rig.save(tmp_path / "a.npz")
        back = Motion.load(tmp_path / "a.npz")
        assert back.rig is not None
        assert back.rig.to_json() == on_rig.rig.to_json()
        np.testing.assert_array_equal(back.rig.rest, on_rig.rig.rest)
        assert (back.rig_name, back.rig_sha256) == (on_rig.rig.name, on_rig.rig.source_sha256)
        dataclasses.replace(on_rig, rig=None).save(tmp_path / "bare.npz")
        assert (tmp_path / "a.npz").stat().st_size - (tmp_path / "bare.npz").stat().st_size < 20_000

    def test_another_rig_brings_its_own_name(self, on_rig):
        other = dataclasses.replace(on_rig.rig, name="other", source_sha256="ff")
        assert dataclasses.replace(on_rig, rig=other).rig_name == "other"

    def test_a_file_of_version_2_has_none(self, on_rig, tmp_path):
        on_rig.save(tmp_path / "m.npz")
        with np.load(tmp_path / "m.npz") as file:
            arrays = dict(file)
        header = json.loads(str(arrays["header"]))
        old = {**header, "version": 2, "rig": {"name": "ybot", "sha256": "ab"}}
        np.savez(tmp_path / "old.npz", **{**arrays, "header": np.array(json.dumps(old))})
        back = Motion.load(tmp_path / "old.npz")
        assert (back.rig, back.rig_name, back.rig_sha256) == (None, "ybot", "ab")
        np.testing.assert_array_equal(back.rotation, on_rig.rotation)
        damaged = {**header, "rig": {**header["rig"], "rest": {**header["rig"]["rest"], "bones": []}}}
        np.savez(tmp_path / "bad.npz", **{**arrays, "header": np.array(json.dumps(damaged))})
        with pytest.raises(UserError, match="damaged rig"):
            Motion.load(tmp_path / "bad.npz")

    def test_bones_that_it_does_not_have_are_refused(self, on_rig):
        with pytest.raises(ValueError, match="no bone 'tail'"):
            dataclasses.replace(on_rig, bones=("tail", *on_rig.bones[1:]))
