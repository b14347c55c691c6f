# SPDX-License-Identifier: GPL-3.0-or-later
"""Movies of every kind are shown right, found by time, and chosen at a rate."""

from __future__ import annotations

import gc
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("av")

import av
from ningyo.synth_data.video import movies
from ningyo.synth_data.video.read import hash_source, probe, read_frames, stills_in

COLOUR = (210, 60, 40)
BT601, BT709, TV, FULL = 6, 1, 1, 2


def coloured(
    path: Path,
    pixels: str,
    matrix: int | None,
    span: int,
    size: tuple[int, int] = (64, 48),
    trc: int | None = None,
    colour: tuple[int, int, int] = COLOUR,
) -> Path:
    """A movie of one colour, whose matrix, range and transfer function are as said; matrix None: BT.709 that is not tagged."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        codec = stream.codec_context
        if matrix is not None:
            codec.colorspace, codec.color_range = matrix, span
        if trc is not None:
            codec.color_trc, codec.color_primaries = trc, 9
        frame = av.VideoFrame.from_ndarray(np.full((size[1], size[0], 3), colour, np.uint8), format="rgb24")
        known = {BT601: "ITU601", 9: "BT2020"}.get(matrix or BT709, "ITU709")
        frame = frame.reformat(format=pixels, dst_colorspace=known, dst_color_range="MPEG" if span == TV else "JPEG")
        if matrix is None:
            frame.colorspace = 2
        if trc is not None:
            frame.color_trc, frame.color_primaries = trc, 9
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize(
    ("pixels", "matrix", "span", "size"),
    [
        ("yuv420p", BT709, TV, (64, 48)),
        ("yuv420p", BT601, TV, (64, 48)),
        ("yuvj420p", BT709, FULL, (64, 48)),
        ("yuvj420p", BT601, FULL, (64, 48)),
        ("yuv422p", BT709, TV, (64, 48)),
        ("yuv444p", BT601, TV, (64, 48)),
        ("yuv420p10le", BT709, TV, (64, 48)),
        ("yuv420p", None, TV, (1280, 720)),
    ],
)
def test_colours(tmp_path: Path, pixels, matrix, span, size):
    rgb = next(read_frames(coloured(tmp_path / "a.mp4", pixels, matrix, span, size))).rgb
    assert rgb[20, 20].tolist() == pytest.approx(COLOUR, abs=4)


@pytest.mark.parametrize(("trc", "white"), [(16, 148), (18, 191)], ids=["PQ", "HLG"])
def test_white_of_a_high_dynamic_range_is_white(tmp_path: Path, trc, white):
    """BT.2408: diffuse white is 58 % of PQ's and 75 % of HLG's signal."""
    path = coloured(tmp_path / "a.mp4", "yuv420p10le", 9, TV, trc=trc, colour=(white,) * 3)
    assert next(read_frames(path)).rgb[20, 20].tolist() == pytest.approx((235,) * 3, abs=20)


def test_interlaced_fields_are_woven(tmp_path: Path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("mpeg2video", rate=25, options={"flags": "+ildct+ilme", "q:v": "2"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for index in range(10):
            rgb = np.zeros((64, 96, 3), np.uint8)
            rgb[0::2, 8 * index : 8 * index + 16] = 255
            rgb[1::2, 8 * index + 4 : 8 * index + 20] = 255  # the second field is later
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv420p")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with av.open(str(path)) as container:
        raw = list(container.decode(video=0))
    assert raw[0].interlaced_frame
    frames = list(read_frames(path))
    assert [(frame.index, frame.time) for frame in frames] == [(i, pytest.approx(i / 25, abs=1e-3)) for i in range(10)]

    def comb(rgb: np.ndarray) -> float:
        return float(np.abs(np.diff(rgb[..., 0].astype(int), axis=0)).mean())

    for index in (2, 5, 7):
        assert comb(frames[index].rgb) < 0.3 * comb(raw[index].to_ndarray(format="rgb24"))


@pytest.mark.parametrize(
    ("name", "codec", "pixels"), [("a.mp4", "libx264", "yuv444p"), ("a.mkv", "ffv1", "yuv420p"), ("a.webm", "libvpx-vp9", "yuv420p")]
)
def test_odd_sizes_are_exact(make_movie, name, codec, pixels):
    path = make_movie(name, size=(333, 251), codec=codec, pixels=pixels, frames=2)
    assert (probe(path).width, probe(path).height) == (333, 251)
    rgb = next(read_frames(path)).rgb
    assert rgb.shape == (251, 333, 3)
    assert rgb[10, 10].tolist() == pytest.approx((250, 20, 20), abs=12)
    assert rgb[250, 332, 0] == pytest.approx(60, abs=8)


def test_a_movie_with_alpha_lies_over_black(tmp_path: Path):
    path = tmp_path / "a.mov"
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("qtrle", rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 16, "argb"
        rgba = np.full((16, 32, 4), 200, np.uint8)
        rgba[:, :16, 3], rgba[:, 16:, 3] = 0, 128
        container.mux(stream.encode(av.VideoFrame.from_ndarray(rgba, format="rgba").reformat(format="argb")))
        container.mux(stream.encode())
    rgb = next(read_frames(path)).rgb
    assert rgb[:, :16].max() == 0
    assert rgb[:, 16:].tolist() == np.full((16, 16, 3), 100).tolist()


def test_sound_longer_than_the_picture(make_movie):
    for name in ("a.mp4", "a.mkv"):
        info = probe(make_movie(name, sound=2.0, frames=24))
        assert info.duration == pytest.approx(1.0, abs=0.01)
        assert info.frame_count == 24
        assert info.has_audio


@pytest.mark.parametrize("first", [-200, 480])
def test_a_first_frame_that_is_not_at_zero(make_movie, first):
    """The mp4 gets an edit list; a time below 0 is as encoders with a delay write it."""
    for name in ("a.mp4", "a.mkv", "a.ts"):
        path = make_movie(name, frames=36, times=[first + 40 * i for i in range(36)], b_frames=2)
        frames = list(read_frames(path))
        assert [frame.index for frame in frames] == list(range(len(frames)))
        assert [frame.time for frame in frames] == pytest.approx([0.04 * i for i in range(len(frames))], abs=1.1e-3)
        assert len(frames) >= 30
        same_as_part_of(path, 0.6, 1.0)


def same_as_part_of(path: Path, start: float, end: float) -> None:
    every = [(frame.index, frame.time, int(frame.rgb.sum())) for frame in read_frames(path)]
    part = [(frame.index, frame.time, int(frame.rgb.sum())) for frame in read_frames(path, start, end)]
    assert part == [frame for frame in every if start - 1e-6 <= frame[1] < end - 1e-6]
    assert part


TIMES = [40 * i + (15 if i % 3 == 0 else 0) for i in range(72)]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", {}),
        ("a.mkv", {"rate": Fraction(30000, 1001)}),
        ("variable.mp4", {"times": TIMES}),
        ("variable.mkv", {"times": TIMES}),
        ("a.webm", {"codec": "libvpx-vp9"}),
        ("a.avi", {"codec": "mpeg4"}),
        ("a.ts", {}),
        ("fragmented.mp4", {"options": {"movflags": "frag_keyframe+empty_moov"}}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_range_is_the_same_frames(make_movie, name, options):
    path = make_movie(name, frames=72, b_frames=2 if "x264" in options.get("codec", "libx264") else None, key_frames=10, **options)
    for start, end in ((0.1, 0.3), (1.3, 1.5), (2.0, 9.0)):
        same_as_part_of(path, start, end)


def test_what_is_before_the_start_is_not_decoded(make_movie, monkeypatch):
    converted = []
    convert = movies._to_rgb
    monkeypatch.setattr(movies, "_to_rgb", lambda picture, *rest: converted.append(picture.pts) or convert(picture, *rest))
    path = make_movie("a.mp4", frames=72, key_frames=10)
    numbered = list(movies.frames(path, 2.0, None))
    assert 40 <= numbered[0].index <= 48
    assert not converted
    assert len(list(read_frames(path, 2.0, 2.5))) == len(converted) == 12


def test_frames_at_a_rate(make_movie):
    path = make_movie("a.mp4", frames=48)  # 24 fps
    assert [frame.index for frame in read_frames(path, fps=8)] == list(range(0, 48, 3))
    assert [frame.index for frame in read_frames(path, fps=10)][:6] == [0, 2, 4, 7, 9, 12]
    assert [frame.index for frame in read_frames(path, fps=60)] == list(range(48))  # none is invented
    assert [frame.index for frame in read_frames(path, 1.0, 1.5, fps=8)] == [24, 27, 30, 33]
    assert [frame.time for frame in read_frames(path, fps=8)] == pytest.approx([k / 8 for k in range(16)])
    rounded = make_movie("b.mkv", frames=60, rate=30)  # its times are whole milliseconds
    assert [frame.index for frame in read_frames(rounded, fps=15)] == list(range(0, 60, 2))
    variable = make_movie("c.mp4", times=[0, 40, 80, 200, 210, 220, 400, 440, 480, 520, 560, 900])
    assert [frame.index for frame in read_frames(variable, fps=10)] == [0, 2, 3, 5, 6, 8, 10, 11]


def test_a_movies_hash_is_its_files(make_movie):
    import hashlib

    path = make_movie("a.mp4")
    assert hash_source(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    assert stills_in(path) == []


def test_a_movie_called_gif(make_movie):
    path = make_movie("a.mp4")
    path = path.rename(path.with_suffix(".gif"))
    assert probe(path).frame_count == len(list(read_frames(path))) == 12


def test_frames_do_not_pile_up(make_movie):
    """Decoded pictures go when they are done with, and not when Python happens to look for cycles."""
    path = make_movie("a.mp4", frames=60)

    def alive() -> int:
        # Not isinstance, which asks lazy modules for their class and so loads them.
        return sum(type(thing) is av.VideoFrame for thing in gc.get_objects())

    gc.collect()
    before = alive()
    gc.disable()
    try:
        for frame in read_frames(path):
            assert frame.index < 40 or alive() < before + 12
    finally:
        gc.enable()
