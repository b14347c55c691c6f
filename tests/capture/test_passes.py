# SPDX-License-Identifier: GPL-3.0-or-later
"""The passes over what is on the disk, without a network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mediapipe")

from ningyo.errors import UserError
from ningyo.synth_data.capture.passes import choose_people
from ningyo.synth_data.pose.spill import TrackSpill


def spill_of(folder: Path, frames: int, people: Mapping[int, tuple[int, int, float]]) -> TrackSpill:
    """`people`: first frame, one past the last, and height in px."""
    spill = TrackSpill(folder)
    body = np.random.default_rng(0).uniform(0, 1, (33, 3))
    for frame in range(frames):
        spill.begin_frame(frame / 25, frame)
        for person, (first, end, height) in people.items():
            if first <= frame < end:
                spill.put(person, body_image=height * body, body_visibility=0.9)
    return spill


def test_a_passer_by_can_be_asked_for_in_a_long_video(tmp_path: Path):
    people = {3: (0, 2000, 100.0), 5: (1200, 1220, 60.0), 6: (7, 9, 500.0)}  # the last is a chance finding
    spill = spill_of(tmp_path / "all", 2000, people)
    assert choose_people(spill, "all") == ([3, 5], [0, 1])
    assert spill.people() == [3, 5]
    assert choose_people(spill, 1) == ([5], [1])
    with pytest.raises(UserError, match="no person 2 in the video; there are 2"):
        choose_people(spill_of(tmp_path / "again", 2000, people), 2)


@pytest.mark.parametrize("person", ["all", "main", 0])
def test_who_is_seen_in_hardly_any_frame_is_nobody(tmp_path: Path, person: str | int):
    spill = spill_of(tmp_path / "all", 1000, {1: (500, 515, 100.0), 2: (600, 619, 90.0)})
    assert choose_people(spill, person) == ([], [])
    assert spill.people() == []
