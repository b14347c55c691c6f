# SPDX-License-Identifier: GPL-3.0-or-later
"""Which picture each scene frame shows, and which channels are free."""

from __future__ import annotations

from pathlib import Path

import pytest
from ningyo.errors import UserError
from ningyo.sequencer.frames import FrameFolder, free_channels


def folder(count: int, fps: float, start: float = 0.0, missing: tuple[int, ...] = ()) -> FrameFolder:
    times = tuple(start + index / fps for index in range(count))
    files = tuple(None if index in missing else f"{index:06d}.png" for index in range(count))
    return FrameFolder(Path("frames"), fps, times, files)


def indices(elements: list[str]) -> list[int]:
    return [int(element[:6]) for element in elements]


def test_equal_rates_show_each_picture_once() -> None:
    for fps in (23.0, 25.0, 24000 / 1001, 30000 / 1001, 60.0):
        first, elements = folder(500, fps).elements(fps)
        assert first == 0
        assert indices(elements) == list(range(500)), fps


@pytest.mark.parametrize(("video_fps", "fps"), [(23.0, 24.0), (50.0, 24.0), (24.0, 60.0), (30000 / 1001, 25.0)])
def test_other_rates_keep_the_length_in_seconds(video_fps: float, fps: float) -> None:
    _, elements = folder(500, video_fps).elements(fps)
    assert len(elements) == round(500 / video_fps * fps)
    for frame, index in enumerate(indices(elements)):
        shown_for = frame / fps - index / video_fps
        assert -0.003 <= shown_for < 1 / video_fps + 0.003


def test_a_later_start_is_an_offset() -> None:
    first, elements = folder(23, 23.0, start=2.0).elements(24.0)
    assert (first, len(elements)) == (48, 24)
    assert indices(elements)[0] == 0


def test_variable_rate_follows_the_time_stamps() -> None:
    times = (0.0, 0.1, 0.5, 0.6)
    frames = FrameFolder(Path("frames"), 10.0, times, tuple(f"{index:06d}.png" for index in range(4)))
    assert indices(frames.elements(10.0)[1]) == [0, 1, 1, 1, 1, 2, 3]


def test_missing_pictures_are_held_and_counted() -> None:
    frames = folder(10, 10.0, missing=(0, 4, 5, 9))
    first, elements = frames.elements(10.0)
    assert first == 1
    assert indices(elements) == [1, 2, 3, 3, 3, 6, 7, 8]
    assert frames.missing == 4


def test_reading_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a folder of generated frames"):
        FrameFolder.read(tmp_path)
    header = tmp_path / "frames.json"
    for text in (
        "{",
        "{}",
        '{"fps": 0, "count": 2}',
        '{"fps": 2, "count": 2, "times": [1, 0]}',
        '{"fps": 2, "count": 2, "times": [1]}',
        "[1]",
    ):
        header.write_text(text)
        with pytest.raises(UserError, match="cannot be understood"):
            FrameFolder.read(tmp_path)
    header.write_text('{"fps": 2, "count": 2}')
    with pytest.raises(UserError, match="no frames yet"):
        FrameFolder.read(tmp_path)
    (tmp_path / "000001.png").touch()
    read = FrameFolder.read(tmp_path)
    assert read.files == (None, "000001.png")
    assert read.times == (0.0, 0.5)


def test_free_channels_lie_above_what_overlaps() -> None:
    occupied = [(1, 1.0, 50.0), (7, 100.0, 200.0)]
    assert free_channels([], 1, 10, 3, 128) == 1
    assert free_channels(occupied, 40, 60, 3, 128) == 2
    assert free_channels(occupied, 50, 100, 3, 128) == 1
    assert free_channels(occupied, 40, 120, 3, 128) == 8
    with pytest.raises(UserError, match="no 3 free channels"):
        free_channels([(126, 1.0, 50.0)], 1, 10, 3, 128)
