# SPDX-License-Identifier: GPL-3.0-or-later
"""The rig over its video: every mark where the motion's camera sees it, in the colour that it should have."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

pytest.importorskip("cv2")
pytest.importorskip("av")

from ningyo.errors import UserError
from ningyo.synth_data.capture.motion_overlay import CONTACT, GREY, write_motion_overlay
from ningyo.synth_data.capture.overlay import LEFT, RIGHT
from ningyo.synth_data.retarget.edit import posed
from ningyo.synth_data.retarget.motion import Camera, Motion
from ningyo.synth_data.retarget.root import soles
from ningyo.synth_data.video.read import probe, read_frames
from ningyo.synth_data.video.write import MovieWriter

SIZE, FPS, FRAMES = (320, 400), 10.0, 8
DARK = 40


@pytest.fixture
def video(tmp_path):
    with MovieWriter(tmp_path / "v.mp4", FPS, SIZE) as movie:
        for _ in range(FRAMES):
            movie.write(np.full((SIZE[1], SIZE[0], 3), DARK, np.uint8))
    return tmp_path / "v.mp4"


def standing(rig, start=0.0, frames=FRAMES, **changes) -> Motion:
    """At rest 3 m before a level camera 1 m high, drifting to the left; the left heel is on the floor; the last two frames are doubtful."""
    look = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    contact = np.tile((1.0, 0, 0, 0), (frames, 1))
    confidence = np.r_[np.full(frames - 2, 0.9), 0.1, 0.1]
    root = rig.head("hips") + np.linspace(0, 0.1, frames)[:, None] * (1, 0, 0)
    camera = Camera(450.0, *SIZE, np.c_[look, look @ -np.array([0.0, -3.0, 1.0])])
    motion = Motion(
        FPS, rig.names, start + np.arange(frames) / FPS, np.tile((1.0, 0, 0, 0), (frames, len(rig.bones), 1)), root, contact,
        np.zeros(frames), confidence, rig.name, camera=camera, source={"person": 0},
    )  # fmt: skip
    return dataclasses.replace(motion, **changes)


def pictures(path):
    return [frame.rgb.astype(int) for frame in read_frames(path)]


def has(rgb, place, colour, reach=4, far=70):
    x, y = np.rint(place).astype(int)
    patch = rgb[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1]
    return (np.abs(patch - colour).max(axis=-1) < far).any()


def test_marks_lie_where_the_camera_sees_them(make_rig, video, tmp_path):
    rig = make_rig()
    motion = standing(rig)
    write_motion_overlay(video, [(rig, motion)], tmp_path / "o.mp4")
    drawn = pictures(tmp_path / "o.mp4")
    assert len(drawn) == FRAMES
    heads, turns = posed(rig, motion)
    pixels, _ = motion.camera.project(heads)
    feet, _ = motion.camera.project(soles(rig, heads, turns))
    index = rig.index_of_role
    for frame in (0, 5):
        left, right = (pixels[frame, [index[f"{side}_thigh"], index[f"{side}_shin"]]].mean(axis=0) for side in ("left", "right"))
        assert has(drawn[frame], left, LEFT)
        assert not has(drawn[frame], left, RIGHT)
        assert has(drawn[frame], right, RIGHT)
        assert not has(drawn[frame], right, LEFT)
        assert has(drawn[frame], feet[frame, 0], CONTACT)
        assert not has(drawn[frame], feet[frame, 3], CONTACT, reach=2)
    left = pixels[-1, [index["left_thigh"], index["left_shin"]]].mean(axis=0)
    assert has(drawn[-1], left, GREY, far=40)
    assert not has(drawn[-1], left, LEFT)


def test_only_the_time_of_the_motion_is_written_and_odd_rates_are_interpolated(make_rig, video, tmp_path):
    rig = make_rig()
    motion = standing(rig, start=0.2, frames=4)  # 0.2 … 0.5 s
    write_motion_overlay(video, [(rig, motion)], tmp_path / "o.mp4")
    assert probe(tmp_path / "o.mp4").frame_count == 4
    sparse = dataclasses.replace(standing(rig, frames=3), fps=4.0, time=np.array([0.0, 0.35, 0.7]), confidence=np.ones(3))
    write_motion_overlay(video, [(rig, sparse)], tmp_path / "o.mp4")
    heads, _ = posed(rig, sparse)
    thigh, shin = (rig.index_of_role[f"left_{role}"] for role in ("thigh", "shin"))
    middle = heads[0] + 0.2 / 0.35 * (heads[1] - heads[0])
    place = sparse.camera.project(middle[[thigh, shin]])[0].mean(axis=0)
    assert has(pictures(tmp_path / "o.mp4")[2], place, LEFT)  # at 0.2 s, between 0 and 0.35


def test_two_people_are_drawn_in_one_picture(make_rig, video, tmp_path):
    rig = make_rig()
    one = standing(rig)
    other = dataclasses.replace(one, root_position=one.root_position + np.array([0.6, 0, 0]), source={"person": 3})
    write_motion_overlay(video, [(rig, one), (rig, other)], tmp_path / "o.mp4")
    drawn = pictures(tmp_path / "o.mp4")[0]
    for motion in (one, other):
        pixels, _ = motion.camera.project(posed(rig, motion)[0][0])
        assert has(drawn, pixels[[rig.index_of_role["left_thigh"], rig.index_of_role["left_shin"]]].mean(axis=0), LEFT)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"camera": None}, "no camera"),
        ({"camera": Camera(450.0, 640, 480, np.eye(3, 4))}, "not the video"),
        ({"time": 50.0 + np.arange(FRAMES)}, "ends before"),
    ],
)
def test_what_does_not_belong_to_the_video_is_refused_and_leaves_nothing(make_rig, video, tmp_path, changes, words):
    rig = make_rig()
    with pytest.raises(UserError, match=words):
        write_motion_overlay(video, [(rig, standing(rig, **changes))], tmp_path / "o.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["v.mp4"]
