# SPDX-License-Identifier: GPL-3.0-or-later
"""Job files and flags: what is read, and what is refused in one sentence."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from pathlib import Path

import pytest
from ningyo.errors import UserError
from ningyo.synth_data.render.job import LABELS, Background, Cameras, CharacterJob, ClipJob, Look, Poses, RenderJob, expanded
from ningyo.synth_data.render.job_file import in_rows, job_data, load_job, save_job

WHOLE = """
size = 128
count = 50
seed = 3
[[characters]]
rig = "a/doll.glb"
[[characters]]
rig = "builtin:7"
name = "girl"
[[clips]]
motion = "dance.npz"
end = 40
split = "test"
characters = ["girl"]
[[clips]]
motion = "/elsewhere/walk.npz"
name = "slow walk"
start = 5
[cameras]
yaws = [0, 90.5]
elevation = 12
[poses]
variations = 0
"""


def load(tmp_path, text):
    (tmp_path / "job.toml").write_text(text)
    return load_job(tmp_path / "job.toml")


def test_a_whole_job(tmp_path):
    job = load(tmp_path, WHOLE)
    assert (job.size, job.count, job.seed) == (128, 50, 3)
    assert [(c.rig, c.name) for c in job.characters] == [(str(tmp_path / "a/doll.glb"), "doll"), ("builtin:7", "girl")]
    first, second = job.clips
    assert (first.motion, first.name, first.start, first.end, first.split) == (tmp_path / "dance.npz", "dance", 0, 40, "test")
    assert (str(second.motion), second.name, second.start, second.end, second.split) == ("/elsewhere/walk.npz", "slow-walk", 5, None, None)
    assert job.cameras.yaws == (0.0, 90.5)
    assert (job.cameras.elevation, job.cameras.distance) == ((12.0, 12.0), None)
    assert job.poses.variations == 0
    assert [[clip.name for clip in job.clips_of(c)] for c in job.characters] == [["slow-walk"], ["dance", "slow-walk"]]


def test_flags_make_the_same_job_as_a_file(tmp_path):
    job = RenderJob.from_flags("builtin:7", ["a.npz", "b.npz"], size=64, count=9, seed=1, consecutive=2)
    text = 'size=64\ncount=9\nseed=1\n[[characters]]\nrig="builtin:7"\n[[clips]]\nmotion="a.npz"\n[[clips]]\nmotion="b.npz"\n'
    text += "[cameras]\nconsecutive=2\n"
    loaded = load(tmp_path, text)
    assert job.characters == loaded.characters
    assert [clip.name for clip in job.clips] == [clip.name for clip in loaded.clips]
    assert (job.size, job.count, job.seed, job.cameras, job.poses) == (loaded.size, loaded.count, loaded.seed, loaded.cameras, loaded.poses)


MINIMAL = '[[characters]]\nrig="a.glb"\n[[clips]]\nmotion="m.npz"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("size = ", "proper TOML"),
        ("", "no character"),
        ('[[characters]]\nrig="a.glb"', "no motion"),
        ("[[characters]]\n[[clips]]", "character 1 names no rig"),
        ('characters = "a.glb"', "list of tables"),
        ("sise = 3\n" + MINIMAL, 'unknown key "sise"'),
        ("size = 3\n" + MINIMAL, "size from 16"),
        ('size = "big"\n' + MINIMAL, "size must be a whole number"),
        ("count = 0\n" + MINIMAL, "count of 1 or more"),
        ("seed = -1\n" + MINIMAL, "seed"),
        (MINIMAL + "start = 9\nend = 9", "ends before it starts"),
        (MINIMAL + 'name = "m.tail"', "gives that name itself"),
        (MINIMAL + 'split = "dev"', '"train" or "test"'),
        (MINIMAL + 'characters = ["b"]', "none of the characters"),
        (MINIMAL + '[[clips]]\nmotion="x/m.npz"', 'two clips of the name "m"'),
        (MINIMAL + "[cameras]\nyaws = []", "at least one angle"),
        (MINIMAL + "[cameras]\nyaws = [true]", "list of numbers"),
        (MINIMAL + "[cameras]\ndistance = -1", "within 0.1 to 1000"),
        (MINIMAL + "[cameras]\nelevation = [20, 10]", "smaller number first"),
        (MINIMAL + "[cameras]\nelevation = [1, 2, 3]", "range of two"),
        (MINIMAL + "[cameras]\nelevation = 3\nheight = 1", "not both"),
        (MINIMAL + '[cameras]\nframings = ["feet"]', 'no framing "feet"'),
        ('labels = ["masks"]\n' + MINIMAL, 'no label "masks"'),
        (MINIMAL + "speed = 0", "speed of clip"),
        (MINIMAL + "attributes = {action = 1}", "clip 1: attributes must be a table of texts"),
        (MINIMAL.replace("[[clips]]", 'attributes = "red hair"\n[[clips]]'), "character 1: attributes must be a table of texts"),
        (MINIMAL + "[look]\ntones = 5", "tones must be"),
        (MINIMAL + "[look]\npalettes = 1.5", "whole number"),
        (MINIMAL + '[background]\ncolours = ["red"]', "six hexadecimal"),
        (MINIMAL + "[poses]\nvariations = 0.6\nsampled = 0.5", "leave room"),
        (MINIMAL + "[cameras]\nelevation = nan", "not a number"),
        (MINIMAL + "[cameras]\nfocus = 50", 'unknown key "focus"'),
        (MINIMAL + "[cameras]\nconsecutive = 0", "choose from 1 to 1000, such as 2"),
        (MINIMAL + "[cameras]\nconsecutive = 2.5", "consecutive must be a whole number"),
        (MINIMAL + "[poses]\nvariations = 1", "less than 1"),
        (MINIMAL + '[poses]\nmirrored = "half"', "must be a number"),
    ],
)
def test_malformed_jobs_are_refused_in_one_sentence(tmp_path, text, words):
    with pytest.raises(UserError, match=words) as error:
        load(tmp_path, text)
    assert str(tmp_path / "job.toml") in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_job_file(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        load_job(tmp_path / "none.toml")


EVERYTHING = """
size = 64
count = 50
labels = ["mask", "flow", "head"]
head_size = 32
[[characters]]
rig = "builtin:3-5"
[[clips]]
motion = "dance.fbx"
speed = [0.8, 1.25]
mirrored = 0.5
[cameras]
height = [0.5, 2]
lens = 50
framings = ["body", "head"]
consecutive = 2
[poses]
sampled = 0.1
expressions = 0.3
[look]
light_yaw = [-60, 60]
outline = 0
tones = [2, 3]
palettes = 4
[background]
colours = ["F4F1EA"]
pictures = "photos"
"""


def test_a_job_is_kept_as_json_and_read_back(tmp_path):
    for text in (WHOLE, MINIMAL, EVERYTHING):
        job = load(tmp_path, text)
        (tmp_path / "job.json").write_text(json.dumps(job_data(job)))
        assert load_job(tmp_path / "job.json") == job
    assert [c.name for c in job.characters] == ["builtin-3", "builtin-4", "builtin-5"]
    assert job.labels == ("mask", "flow", "head")
    assert job.clips[0].speed == (0.8, 1.25)
    assert job.cameras.lens == (50.0, 50.0)
    assert job.cameras.consecutive == 2
    assert job.background.pictures == tmp_path / "photos"


def test_the_same_job_is_the_same_text_however_its_numbers_were_written(tmp_path):
    whole, fractions = (load(tmp_path, MINIMAL + f"mirrored = {m}\n[poses]\nvariations = {v}\n") for m, v in (("1", "0"), ("1.0", "0.0")))
    by_hand = dataclasses.replace(whole, poses=Poses(variations=0))
    assert json.dumps(job_data(whole)) == json.dumps(job_data(fractions)) == json.dumps(job_data(by_hand))


def test_ranges_of_seeds():
    assert expanded("builtin:9-11") == ["builtin:9", "builtin:10", "builtin:11"]
    assert expanded("builtin") == ["builtin"]
    assert expanded("doll.glb") == ["doll.glb"]
    with pytest.raises(UserError, match="ends before"):
        expanded("builtin:4-2")
    with pytest.raises(UserError, match="more than"):
        expanded("builtin:0-9999999")


def odd_job(folder: Path) -> RenderJob:
    """Everything otherwise than by default, and names that are hard to write."""
    return RenderJob(
        (
            CharacterJob(str(folder / 'dolls/a "doll"\\ with\ttabs\x7f.glb'), "first"),
            *(CharacterJob(rig) for rig in expanded("builtin:7-9")),
            CharacterJob("builtin:10", "ten"),
            CharacterJob("builtin:3"),
            CharacterJob("builtin"),
            CharacterJob("/elsewhere/人形.vrm", attributes=(("hair", 'long "black"'), ("worn on top", "着物"))),
        ),
        (
            ClipJob(folder / "dance.npz", "", 3, 40, "test", ("first", "ten"), (0.5, 1.25), 0.3),
            ClipJob(Path("/elsewhere/walk.bvh"), "stroll", attributes=(("action", "walking"),)),
        ),
        96, 123, 2**62, LABELS, 40,
        Cameras(tuple(i * 360 / 7 for i in range(7)), 0.1, (-5.0, 30.0), 1e-9, None, (2.0, 2.5), 0.2, None, ("head", "body"), 0.0, 3),
        Poses(0.1, 0.2, 1.5, 0.3, 1.0), Look((-60.0, 60.0), (20.0, 70.0), (0.0, 1.75), (3, 2), 12),
        Background(("F4F1EA", "2B3556"), folder / "photos"),
    )  # fmt: skip


def test_a_job_is_written_for_people_and_read_back(tmp_path: Path) -> None:
    for job in (odd_job(tmp_path), RenderJob.from_flags("builtin:7", [tmp_path / "a.npz"])):
        save_job(job, tmp_path / "written" / "job.toml")
        assert load_job(tmp_path / "written" / "job.toml") == job
    sampled = RenderJob((CharacterJob("builtin:1"),), (), count=5, poses=Poses(0.0, sampled=1.0))
    save_job(sampled, tmp_path / "sampled.toml")
    assert load_job(tmp_path / "sampled.toml") == sampled


def test_what_is_written_is_short_and_can_be_moved(tmp_path: Path) -> None:
    save_job(odd_job(tmp_path), tmp_path / "job.toml")
    data = tomllib.loads((tmp_path / "job.toml").read_text("utf-8"))
    assert data["characters"][1:5] == [
        {"rig": "builtin:7-9"},
        {"rig": "builtin:10", "name": "ten"},
        {"rig": "builtin:3"},
        {"rig": "builtin"},
    ]
    assert [clip["motion"] for clip in data["clips"]] == ["dance.npz", "/elsewhere/walk.bvh"]
    assert data["background"]["pictures"] == "photos"
    assert data["look"]["outline"] == [0, 1.75]
    (tmp_path / "moved").mkdir()
    moved = (tmp_path / "job.toml").rename(tmp_path / "moved" / "job.toml")
    assert load_job(moved).clips[0].motion == tmp_path / "moved" / "dance.npz"
    save_job(RenderJob.from_flags("builtin:2", [tmp_path / "a.npz"]), tmp_path / "plain.toml")
    text = (tmp_path / "plain.toml").read_text("utf-8")
    assert text == (
        '# What to render: ningyo render plain.toml --out FOLDER\nsize = 256\nseed = 0\nlabels = ["skeleton"]\n\n'
        '[[characters]]\nrig = "builtin:2"\n\n[[clips]]\nmotion = "a.npz"\n'
    )


def test_characters_of_rising_seeds_are_a_row() -> None:
    job = RenderJob.from_flags(["builtin:4-6", "builtin:7", "builtin:2", "a.glb", "builtin:8"], ["m.npz"])
    assert [(character.rig, count) for character, count in in_rows(job.characters)] == [
        ("builtin:4", 4), ("builtin:2", 1), ("a.glb", 1), ("builtin:8", 1),
    ]  # fmt: skip
