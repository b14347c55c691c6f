# SPDX-License-Identifier: GPL-3.0-or-later
"""Held-out clips."""

from __future__ import annotations

from ningyo.synth_data.dataset.splits import Clip, split_clips, splits_of


def test_of_a_single_clip_the_last_fifth_is_held_out():
    clips = split_clips([Clip("dance", 10, 110)])
    assert clips == [Clip("dance", 10, 90, "train"), Clip("dance.tail", 90, 110, "test")]
    assert splits_of(clips) == {"train": ["dance"], "test": ["dance.tail"]}


def test_of_five_clips_one_is_held_out_whole():
    clips = split_clips([Clip(name, 0, 50) for name in "abcdef"])
    assert splits_of(clips) == {"train": ["a", "b", "c", "d", "f"], "test": ["e"]}
    assert all(clip.frames == 50 for clip in clips)


def test_what_was_asked_for_stays():
    clips = [Clip("a", 0, 50), Clip("b", 0, 50, "test"), Clip("c", 0, 50, "train")]
    assert splits_of(split_clips(clips)) == {"train": ["a", "c"], "test": ["b"]}
    assert splits_of(split_clips([Clip("a", 0, 50, "train")])) == {"train": ["a"], "test": []}


def test_no_frame_is_in_two_clips_and_none_is_lost():
    for frames in range(1, 40):
        clips = split_clips([Clip("a", 3, 3 + frames)])
        covered = [frame for clip in clips for frame in range(clip.start, clip.end)]
        assert covered == list(range(3, 3 + frames))
        assert clips[0].frames > 0
