# SPDX-License-Identifier: GPL-3.0-or-later
"""The dataset's folder: opened, verified, and what is wrong with it said in words."""

from __future__ import annotations

import dataclasses
import json

import pytest
from ningyo.errors import UserError
from ningyo.synth_data.dataset.folder import Dataset, Sample, follows, read_index, safe_name, write_index
from ningyo.synth_data.dataset.verify import verify


def test_samples_splits_and_poses(dataset):
    assert dataset.size == (32, 32)
    assert [sample.id for sample in dataset.samples] == [f"{i:06d}" for i in range(6)]
    assert [len(dataset.by_split[split]) for split in ("train", "test")] == [4, 2]
    assert dataset.splits == {"train": ["walk"], "test": ["walk.tail"]}
    assert dataset.pose(dataset.samples[2]).points_3d.shape == (137, 3)
    assert Sample.from_line(dataset.samples[3].to_line()) == dataset.samples[3]


def test_what_follows_a_sample_is_the_next_moment_through_the_same_camera():
    details = {"speed": 1.25, "look": {"tones": 2}, "framing": "body"}
    before = Sample(4, "doll", "walk", 3.75, {"yaw": 30.0}, "train", False, False, {}, details)
    now = dataclasses.replace(before, number=5, frame=5.0)
    assert follows(now, before)
    assert not follows(before, now)
    for change in (
        *({"frame": 4.75}, {"clip": "run"}, {"character": "robot"}, {"camera": {"yaw": 31.0}}, {"mirrored": True}, {"variation": True}),
        *({"details": details | {"look": {"tones": 3}}}, {"details": details | {"framing": "head"}}),
    ):
        assert not follows(dataclasses.replace(now, **change), before), change
    filmed = dataclasses.replace(before, details={}, frame=7.0)
    assert follows(dataclasses.replace(filmed, frame=8.0), filmed)


def test_a_whole_dataset_has_no_faults(dataset):
    assert verify(dataset) == []


def test_every_kind_of_damage_is_found(dataset):
    path = dataset.path
    image = path / "doll/walk/000000.image.png"
    image.write_bytes(image.read_bytes()[:100])
    (path / "doll/walk/000001.skeleton.png").unlink()
    pose = path / "doll/walk/000002.pose.json"
    pose.write_text(pose.read_text().replace("1", "2", 1))
    (path / "doll/walk/000003.image.png").write_bytes(b"")
    (path / "doll/walk.tail/000004.pose.json").write_text("{")
    swapped = path / "doll/walk.tail/000005.skeleton.png"
    swapped.write_bytes((path / "doll/walk.tail/000004.skeleton.png").read_bytes())
    with open(path / "index.jsonl", "a") as index:
        index.write('{"id": "00')
    (path / "doll/rig.json").unlink()
    assert [problem.text for problem in verify(Dataset.open(path))] == [
        "line 7 of index.jsonl is cut or damaged",
        "doll/walk/000000.image.png is cut short",
        "doll/walk/000001.skeleton.png is missing",
        "doll/walk/000002.pose.json was altered since it was rendered",
        "doll/walk/000003.image.png is empty",
        "doll/walk.tail/000004.pose.json is cut short",
        "doll/walk.tail/000005.skeleton.png was altered since it was rendered",
        "doll/rig.json, the rig of doll, is missing",
    ]


def test_unfinished_and_repeated_samples_are_found(dataset):
    samples, _ = read_index(dataset.path)
    write_index(dataset.path, [*samples[:4], samples[0]])
    assert [problem.text for problem in verify(Dataset.open(dataset.path))] == [
        "sample 000000 is twice in index.jsonl",
        "2 of 6 samples are not rendered yet",
    ]


@pytest.mark.parametrize("line", ['{"id": 3}', "[]", "3", "\xff\xfe", '{"id":"000000","character":"a"'])
def test_foreign_lines_of_the_index_are_numbered(dataset, line):
    index = dataset.path / "index.jsonl"
    index.write_bytes(line.encode("latin-1") + b"\n" + index.read_bytes())
    samples, bad = read_index(dataset.path)
    assert (len(samples), bad) == (6, [1])


def test_a_path_that_leaves_the_dataset_is_refused(dataset):
    line = dataset.samples[0].to_line()
    for path in ("../secret.png", "/etc/passwd"):
        with pytest.raises(ValueError, match="leaves"):
            Sample.from_line(line.replace("doll/walk/000000.image.png", path))


def test_samples_are_read_from_the_disk_one_by_one(dataset):
    samples = dataset.samples
    assert [sample.number for sample in samples] == samples.numbers.tolist() == list(range(6))
    assert samples[-1] == samples[5]
    assert [sample.number for sample in samples[1:5:2]] == [1, 3]
    assert [sample.number for sample in samples.where(samples.splits == "test")] == [4, 5]
    with pytest.raises(IndexError):
        samples[6]


def test_what_a_newer_line_says_is_kept(dataset):
    sample = dataset.samples[0]
    richer = Sample.from_line(sample.to_line().replace('"split"', '"bbox":[1,2,3,4],"split"'))
    assert richer.details == {"bbox": [1, 2, 3, 4]}
    assert Sample.from_line(richer.to_line()) == richer
    between = dataclasses.replace(sample, frame=2.5)
    assert Sample.from_line(between.to_line()).frame == 2.5


def test_what_is_no_dataset_is_said_in_a_sentence(dataset, tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    cases = {"nowhere": "no dataset at", "file": "is a file", "empty": "is not a dataset"}
    for name, words in cases.items():
        with pytest.raises(UserError, match=words):
            Dataset.open(tmp_path / name)
    header = dataset.path / "dataset.json"
    newer = json.loads(header.read_text()) | {"version": 99}
    for text, words in ((json.dumps(newer), "newer Ningyo"), ("{", "is not a Ningyo dataset's header"), ("[]", "is not a Ningyo")):
        header.write_text(text)
        with pytest.raises(UserError, match=words):
            Dataset.open(dataset.path)


def test_names_are_safe_everywhere():
    assert safe_name("Ch 14/öö:x") == "Ch-14-x"
    assert safe_name("builtin:7") == "builtin-7"
    assert safe_name("..") == "unnamed"
