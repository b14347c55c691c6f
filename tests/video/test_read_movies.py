# SPDX-License-Identifier: GPL-3.0-or-later
"""Movies are read as a player shows them; what is no movie gives one sentence."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("av")

from ningyo.errors import UserError
from ningyo.jobs.folder import sha256_of
from ningyo.synth_data.video.read import exact_rate, probe, read_frames

RED, GREEN, BLACK, GREY = "red", "green", "black", "grey"


def quarters(rgb: np.ndarray) -> list[str]:
    """The colours of the quarters, row by row."""
    height, width = rgb.shape[:2]
    names = []
    for y, x in ((1, 1), (1, 3), (3, 1), (3, 3)):
        r, g, b = rgb[y * height // 4 - 4 :, x * width // 4 - 4 :][:8, :8].mean(axis=(0, 1))  # GIFs are dithered
        names.append(RED if r > 200 and g < 60 else GREEN if g > 150 and r < 60 else BLACK if r < 20 else GREY if abs(r - b) < 30 else "?")
    return names


@pytest.mark.parametrize(
    ("rotation", "expected"),
    [
        (None, [RED, GREEN, BLACK, GREY]),
        ((90, False), [GREEN, GREY, RED, BLACK]),  # counter-clockwise, as the display matrix means it
        ((-90, False), [BLACK, RED, GREY, GREEN]),
        ((180, False), [GREY, BLACK, GREEN, RED]),
        ((0, True), [GREEN, RED, GREY, BLACK]),
    ],
)
def test_turned_and_mirrored(make_movie, rotation, expected):
    path = make_movie("turned.mp4", rotation=rotation)
    frame = next(read_frames(path))
    info = probe(path)
    assert quarters(frame.rgb) == expected
    assert frame.rgb.shape == (info.height, info.width, 3)
    assert (info.width, info.height) == ((48, 64) if rotation and abs(rotation[0]) == 90 else (64, 48))
    assert frame.rgb.flags.c_contiguous


def test_variable_rate_keeps_its_times(make_movie):
    times = [0, 40, 80, 200, 210, 220, 400, 440, 480, 520, 560, 900]
    frames = list(read_frames(make_movie("variable.mp4", times=times)))
    assert [frame.time for frame in frames] == pytest.approx([t / 1000 for t in times], abs=1e-4)
    assert [frame.index for frame in frames] == list(range(12))


def test_times_count_from_the_first_frame(make_movie):
    frames = list(read_frames(make_movie("late.mkv", times=[500 + 40 * i for i in range(12)])))
    assert frames[0].time == 0
    assert frames[-1].time == pytest.approx(0.44)


def test_b_frames_come_in_order_of_presentation(make_movie):
    frames = list(read_frames(make_movie("b.mp4", frames=24, b_frames=3)))
    greys = [int(frame.rgb[40, 50, 0]) for frame in frames]
    assert greys == sorted(greys)
    assert greys[-1] > greys[0] + 60


def test_a_range_keeps_index_and_time(make_movie):
    path = make_movie("range.mp4", frames=24)
    frames = list(read_frames(path, 0.25, 0.5))
    assert [frame.index for frame in frames] == [6, 7, 8, 9, 10, 11]
    assert frames[0].time == pytest.approx(0.25)
    assert [f.index for f in read_frames(path, end=0.1)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("odd.mp4", {"size": (65, 49), "pixels": "yuv444p"}),
        ("ten_bits.mp4", {"pixels": "yuv422p10le"}),
        ("film.mkv", {"rate": Fraction(24000, 1001)}),
        ("old.avi", {"codec": "mpeg4"}),
        ("moving.gif", {"codec": "gif", "pixels": "rgb8", "rate": 25}),
    ],
)
def test_kinds_of_movie(make_movie, name, options):
    path = make_movie(name, **options)
    info = probe(path)
    frames = list(read_frames(path))
    assert len(frames) == 12
    assert quarters(frames[0].rgb) == [RED, GREEN, BLACK, GREY]
    assert frames[0].rgb.shape == (info.height, info.width, 3)
    assert (info.width, info.height) == options.get("size", (64, 48))
    assert float(info.fps) == pytest.approx(float(options.get("rate", 24)), rel=1e-3)
    assert not info.has_audio


def test_pixels_that_are_not_square(make_movie):
    path = make_movie("wide.mp4", aspect=Fraction(4, 3))
    assert (probe(path).width, probe(path).height) == (85, 48)
    assert next(read_frames(path)).rgb.shape == (48, 85, 3)


def test_what_probe_says(make_movie):
    path = make_movie("sound.mp4", sound=1.2, rate=Fraction(30000, 1001), frames=30)
    info = probe(path)
    assert info.fps == Fraction(30000, 1001)
    assert info.has_audio
    assert info.frame_count == 30
    assert info.duration == pytest.approx(1.001, abs=1e-3)
    header = info.header(sha256_of(path))
    assert header["name"] == "sound.mp4"
    assert len(header["sha256"]) == 64
    assert exact_rate(header["fps"]) == Fraction(30000, 1001)


def test_files_that_are_no_movie(tmp_path: Path, make_movie):
    whole = make_movie("whole.mp4", size=(160, 120), frames=60, noise=True).read_bytes()
    files = {
        "missing.mp4": (None, "no file"),
        "folder.mp4": ("folder", "is a folder"),
        "empty.mp4": (b"", "is empty"),
        "text.mp4": (b"a letter to a friend\n" * 50, "not a video"),
        "bytes.mp4": (np.random.default_rng(0).bytes(5000), "not a video"),
        "half.mp4": (whole[: len(whole) // 2], "cut short"),
    }
    for name, (content, words) in files.items():
        path = tmp_path / name
        if content == "folder":
            path.mkdir()
        elif content is not None:
            path.write_bytes(content)
        with pytest.raises(UserError, match=words) as error:
            probe(path)
        assert name in str(error.value)
        assert "\n" not in str(error.value)


def test_sound_alone_is_no_movie(make_movie):
    with pytest.raises(UserError, match="no picture"):
        probe(make_movie("song.m4a", frames=0, sound=1.2))


CUT = [
    ("cut.mp4", {"options": {"movflags": "+faststart"}}),
    ("cut.avi", {"codec": "mpeg4"}),
    ("cut.mkv", {}),
    ("cut.webm", {"codec": "libvpx-vp9"}),
]


@pytest.mark.parametrize(("name", "options"), CUT, ids=["mp4", "avi", "mkv", "webm"])
def test_a_movie_cut_short_is_told_at_the_start_and_read_up_to_there(make_movie, name, options):
    path = make_movie(name, size=(160, 120), frames=60, noise=True, **options)
    assert probe(path).cut_short is None
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    seen = []
    with pytest.raises(UserError, match="is cut short") as error:
        seen.extend(read_frames(path))
    assert not seen
    assert str(error.value) == probe(path).cut_short
    end = float(str(error.value).split("--end ")[1].split()[0])
    assert 1 < end < 2.5
    assert "of 2.5 s" in str(error.value)
    assert len(list(read_frames(path, end=end))) == pytest.approx(end * 24, abs=1)


def test_a_hole_in_the_data_names_the_frame(make_movie):
    path = make_movie("hole.mp4", size=(160, 120), frames=60, noise=True, options={"movflags": "+faststart"})
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4000] = bytes(4000)
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"breaks off at frame \d+"):
        list(read_frames(path))
