# SPDX-License-Identifier: GPL-3.0-or-later
"""Movies are written at their true rate, whole or not at all, with the source's sound in its place."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("av")

from ningyo.errors import UserError
from ningyo.synth_data.video.read import probe, read_frames
from ningyo.synth_data.video.write import MovieWriter


def grey(value: int, size: tuple[int, int] = (64, 48)) -> np.ndarray:
    return np.full((size[1], size[0], 3), value, np.uint8)


@pytest.mark.parametrize("fps", [Fraction(23), Fraction(30000, 1001), 29.97002997, 12.5, 60])
def test_rate_and_frames(tmp_path: Path, fps):
    with MovieWriter(tmp_path / "a.mp4", fps, (64, 48)) as movie:
        for i in range(30):
            movie.write(grey(5 * i))
    info = probe(tmp_path / "a.mp4")
    frames = list(read_frames(tmp_path / "a.mp4"))
    assert info.fps == Fraction(fps).limit_denominator(1001)
    assert info.duration == pytest.approx(30 / float(fps), abs=1e-3)
    assert [frame.time for frame in frames] == pytest.approx([i / float(fps) for i in range(30)], abs=1e-4)
    assert [int(frame.rgb[20, 20, 0]) for frame in frames] == pytest.approx([5 * i for i in range(30)], abs=4)


def test_odd_sizes_are_padded_with_the_edge(tmp_path: Path):
    with MovieWriter(tmp_path / "a.mp4", 25, (33, 21)) as movie:
        movie.write(grey(200, (33, 21)))
    rgb = next(read_frames(tmp_path / "a.mp4")).rgb
    assert rgb.shape == (22, 34, 3)
    assert np.abs(rgb.astype(int) - 200).max() < 6


def test_given_times(tmp_path: Path):
    times = [0, 0.04, 0.08, 0.3, 0.31, 0.5]
    with MovieWriter(tmp_path / "a.mp4", 25, (64, 48)) as movie:
        for time in times:
            movie.write(grey(90), time)
    assert [frame.time for frame in read_frames(tmp_path / "a.mp4")] == pytest.approx(times, abs=1e-3)


@pytest.mark.parametrize(("start", "frames", "expected"), [(0.0, 36, [0.5, 1.0]), (0.4, 24, [0.1, 0.6]), (0.7, 12, [0.3])])
def test_sound_is_cut_to_the_picture(tmp_path: Path, make_movie, clicks, start, frames, expected):
    source = make_movie("source.mp4", frames=36, sound=3.0)  # sound longer than picture
    with MovieWriter(tmp_path / "a.mp4", 24, (64, 48), sound_from=source, sound_start=start) as movie:
        for _ in range(frames):
            movie.write(grey(90))
    heard, length = clicks(tmp_path / "a.mp4")
    assert heard == pytest.approx(expected, abs=0.005)
    assert length == pytest.approx(frames / 24, abs=0.001)
    assert movie.sound_problem == ""


def test_sound_shorter_than_the_picture(tmp_path: Path, make_movie, clicks):
    source = make_movie("source.mp4", sound=1.2)
    with MovieWriter(tmp_path / "a.mp4", 24, (64, 48), sound_from=source) as movie:
        for _ in range(48):
            movie.write(grey(90))
    heard, length = clicks(tmp_path / "a.mp4")
    assert heard == pytest.approx([0.5, 1.0], abs=0.005)
    assert length < 1.3
    assert probe(tmp_path / "a.mp4").duration == pytest.approx(2.0)


def test_no_sound_in_the_source(tmp_path: Path, make_movie):
    with MovieWriter(tmp_path / "a.mp4", 24, (64, 48), sound_from=make_movie("silent.mp4")) as movie:
        movie.write(grey(90))
    assert not probe(tmp_path / "a.mp4").has_audio


def test_pictures_have_no_sound(tmp_path: Path):
    from PIL import Image

    (tmp_path / "s").mkdir()
    Image.new("RGB", (64, 48)).save(tmp_path / "s" / "1.png")
    for source in (tmp_path / "s", tmp_path / "s" / "1.png", tmp_path / "s" / "%d.png"):
        with MovieWriter(tmp_path / "a.mp4", 24, (64, 48), sound_from=source) as movie:
            movie.write(grey(90))
        assert movie.sound_problem == ""
        assert not probe(tmp_path / "a.mp4").has_audio


def test_a_failure_leaves_what_was_there(tmp_path: Path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"before")

    def interrupted() -> None:
        with MovieWriter(path, 25, (64, 48)) as movie:
            movie.write(grey(1))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"before"
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


def test_wrong_names_and_frames(tmp_path: Path):
    with pytest.raises(UserError, match=r"\.mp4"):
        MovieWriter(tmp_path / "a.avi", 25, (64, 48))
    with pytest.raises(UserError, match="is a folder"):
        MovieWriter(tmp_path, 25, (64, 48))
    with pytest.raises(ValueError, match="frame"), MovieWriter(tmp_path / "a.mp4", 25, (64, 48)) as movie:
        movie.write(grey(1, (48, 64)))


@pytest.mark.parametrize("size", [(64, 48), (1280, 720)])
def test_colours_are_kept_and_said(tmp_path: Path, size):
    import av

    colour = np.broadcast_to(np.array([220, 60, 30], np.uint8), (size[1], size[0], 3))
    with MovieWriter(tmp_path / "a.mp4", 25, size) as movie:
        movie.write(colour)
    assert np.abs(next(read_frames(tmp_path / "a.mp4")).rgb.astype(int) - colour).max() < 5
    with av.open(str(tmp_path / "a.mp4")) as container:
        codec = container.streams.video[0].codec_context
        assert (codec.colorspace, codec.color_range, codec.color_primaries, codec.color_trc) == (1, 1, 1, 1)
