# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of a dataset, and what they say it lacks."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest
from ningyo.errors import UserError
from ningyo.jobs.progress import Reporter
from ningyo.synth_data.dataset import survey as surveying
from ningyo.synth_data.dataset.findings import findings
from ningyo.synth_data.dataset.folder import Dataset
from ningyo.synth_data.dataset.stats import figures
from ningyo.synth_data.dataset.survey import survey
from ningyo.synth_data.pose.landmarks import BODY_25


def test_figures_of_a_dataset_from_all_around(drawn):
    found = figures(survey(drawn))
    assert found["samples"] == found["planned"] == 8
    assert found["by_split"] == {"train": 6, "test": 2}
    assert found["by_character"] == {"doll": 4, "robot": 4}
    assert found["seen_from"] == {"front": 0.25, "left side": 0.25, "behind": 0.25, "right side": 0.25}
    assert found["framing"]["full body"] == 1
    assert found["elevation"]["middle"] == pytest.approx(0, abs=1)
    assert found["cameras"]["distance"] == [2.6, 2.6]
    # Arms go up evenly from 0 to 131°.
    assert found["angles"]["left arm raised"]["high"] == pytest.approx(131, abs=5)
    assert found["angles"]["left arm raised"]["middle"] == pytest.approx(66, abs=10)
    assert found["files"]["mask"]["count"] == 8
    on_disk = sum(drawn.file(sample, "pose").stat().st_size for sample in drawn.samples)
    assert found["files"]["pose"]["megabytes"] == pytest.approx(on_disk / 1e6, abs=1e-4)
    assert json.loads(json.dumps(found)) == found


def test_pairs_of_consecutive_frames_are_counted(drawn):
    assert figures(survey(drawn))["pairs_of_consecutive_frames"] == {"train": 0, "test": 0}
    lines = [json.loads(line) for line in (drawn.path / "index.jsonl").read_text().splitlines()]
    for line in lines:
        line |= {"character": "doll", "variation": False, "camera": {"yaw": 20.0 * (line["frame"] > 4), "elevation": 0.0, "distance": 2.6}}
    (drawn.path / "index.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    # Frames 0 1 2 | 3 (held out) | 4 (another clip than 3) | 5 6 (another camera than 4) | 7 (held out).
    assert figures(survey(Dataset.open(drawn.path)))["pairs_of_consecutive_frames"] == {"train": 3, "test": 0}


def test_visibility_is_counted_by_state(dataset, drawn):
    visibility = np.stack([dataset.pose(sample).visibility for sample in dataset.samples])
    found = figures(survey(dataset))["joints"]
    assert found["nose"]["visible"] == round(float((visibility[:, 0] == 2).mean()), 3)
    assert found["face"]["hidden"] == round(float((visibility[:, 25:95] == 1).mean()), 3)
    found = figures(survey(drawn))["joints"]
    assert found["left_small_toe"] == {"unknown": 1, "outside the picture": 0, "hidden": 0, "visible": 0}
    assert found["left_heel"]["hidden"] == 1
    assert found["nose"]["visible"] == 1


def test_heights_are_shares_of_the_picture(drawn):
    found = survey(drawn)
    heights = []
    for sample in drawn.samples:
        pose = drawn.pose(sample)
        seen = pose.points_2d[pose.visibility > 0]
        heights.append(np.ptp(seen[:, 1]) / 48)
    assert figures(found)["height_in_picture"]["middle"] == pytest.approx(np.median(heights), abs=0.02)
    assert found.heights.sum() == found.places.sum() == found.views.sum() == 8


def test_where_hands_have_been_is_counted_from_the_hips(drawn):
    found = survey(drawn)
    edges = np.linspace(-surveying.REACH, surveying.REACH, surveying.REACH_CELLS + 1)
    wrist = drawn.pose(drawn.samples[7]).points_3d[BODY_25.index("left_wrist")]
    up, left = (wrist[2] - 0.85) / 0.5, wrist[0] / 0.5  # the trunk is half a metre long
    cell = np.searchsorted(edges, (up, left)) - 1
    assert found.reach[0, 0, 0, cell[0], cell[1]] >= 1
    assert found.reach[0, 0, 1, cell[0], surveying.REACH_CELLS - 1 - cell[1]] >= 1  # the right hand is its mirror image
    assert found.reach[0, 0].sum() == 16


def test_one_reading_in_chunks_is_the_same(drawn, monkeypatch):
    whole = survey(drawn)
    monkeypatch.setattr(surveying, "_CHUNK", 3)
    parts = survey(drawn)
    assert figures(whole) == figures(parts)
    np.testing.assert_array_equal(whole.poses, parts.poses)
    assert whole.poses_of == parts.poses_of == list(drawn.samples)
    monkeypatch.setattr(surveying, "KEPT_POSES", 4)
    assert [sample.number for sample in survey(drawn).poses_of] == [1, 3, 5, 7]


def test_progress_and_cancel(drawn):
    events = []
    survey(drawn, report=Reporter(sink=events.append))
    assert [event["done"] for event in events] == list(range(1, 9))


def test_broken_poses_are_counted_and_left_out(drawn):
    drawn.file(drawn.samples[0], "pose").write_text("{")
    drawn.file(drawn.samples[1], "pose").unlink()
    found = figures(survey(drawn))
    assert (found["unreadable_poses"], found["files"]["pose"]["missing"]) == (2, 1)
    assert any("2 files or lines" in text or "3 files or lines" in text for text in findings(found))
    for sample in drawn.samples:
        drawn.file(sample, "pose").unlink(missing_ok=True)
    with pytest.raises(UserError, match="No pose of"):
        survey(drawn)
    (drawn.path / "index.jsonl").write_text("")
    with pytest.raises(UserError, match="no samples yet"):
        survey(Dataset.open(drawn.path))


def test_memory_does_not_grow_with_the_dataset(make_drawn, monkeypatch):
    """The same eight samples over and over: the 288 more of them take no 300 bytes each, where a pose in memory has 5,000."""
    monkeypatch.setattr(surveying, "_CHUNK", 16)
    monkeypatch.setattr(surveying, "KEPT_POSES", 8)
    small = make_drawn(kinds=("pose",))
    peaks = []
    for times in (4, 40):
        dataset = Dataset(small.path, small.header, small.samples.where(np.tile(np.arange(8), times)), small.splits)
        survey(dataset)
        tracemalloc.start()
        survey(dataset)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert (peaks[1] - peaks[0]) / 288 < 300


def changed(drawn, **values):
    return figures(survey(drawn)) | values


def test_a_dataset_from_all_sides_lacks_no_side(drawn):
    sentences = findings(figures(survey(drawn)))
    assert not any("samples from" in text for text in sentences)
    assert "all cameras look from about one height" in " ".join(sentences)
    assert "left small toe: the characters' rigs have no such point" in sentences
    assert "left heel: never visible" in sentences
    assert any("left knee hardly ever bends" in text for text in sentences)
    assert not any("arm is hardly ever raised" in text for text in sentences)


def test_what_is_missing_is_said(drawn):
    sides = {"front": 0.99, "left side": 0.01, "behind": 0.0, "right side": 0.0}
    assert {text for text in findings(changed(drawn, seen_from=sides)) if "samples from" in text} == {
        "hardly any (1.0 %) samples from the left side",
        "no samples from behind",
        "no samples from the right side",
    }
    assert any(text.startswith("unfinished: 8 of 20") for text in findings(changed(drawn, planned=20)))
    assert any("nothing is held out" in text for text in findings(changed(drawn, by_split={"train": 8})))
    assert any(
        "characters are uneven: 90 samples of a, 1 of b" in text for text in findings(changed(drawn, by_character={"a": 90, "b": 1}))
    )
    assert any("bodies are small" in text for text in findings(changed(drawn, height_in_picture={"middle": 0.2})))
    assert any("cuts off a joint in 50 %" in text for text in findings(changed(drawn, cut_by_the_edge=0.5)))


def test_a_clip_in_two_splits_leaks(drawn):
    index = drawn.path / "index.jsonl"
    lines = index.read_text().splitlines(keepends=True)
    lines[5] = lines[5].replace('"split": "train"', '"split": "test"')  # robot's wave
    index.write_text("".join(lines))
    found = figures(survey(Dataset.open(drawn.path)))
    assert found["clips_in_several_splits"] == ["wave"]
    assert any(text.startswith("splits leak: the same clip, wave") for text in findings(found))


def test_kinds_that_some_samples_lack(drawn):
    index = drawn.path / "index.jsonl"
    lines = index.read_text().splitlines()
    data = json.loads(lines[0])
    del data["files"]["depth"]
    index.write_text("\n".join([json.dumps(data), *lines[1:]]) + "\n")
    assert "1 of 8 samples have no depth" in findings(figures(survey(Dataset.open(drawn.path))))
