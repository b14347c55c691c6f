# SPDX-License-Identifier: GPL-3.0-or-later
"""Job files and flags: what is read, and what is refused in one sentence."""

from __future__ import annotations

import pytest
from ningyo.errors import UserError
from ningyo.synth_data.render.job import RenderJob

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
    return RenderJob.load(tmp_path / "job.toml")


def test_a_whole_job(tmp_path):
    job = load(tmp_path, WHOLE)
    assert (job.size, job.count, job.seed) == (128, 50, 3)
    assert [(c.rig, c.name) for c in job.characters] == [(str(tmp_path / "a/doll.glb"), "doll"), ("builtin:7", "girl")]
    first, second = job.clips
    assert (first.motion, first.name, first.start, first.end, first.split) == (tmp_path / "dance.npz", "dance", 0, 40, "test")
    assert (str(second.motion), second.name, second.start, second.end, second.split) == ("/elsewhere/walk.npz", "slow-walk", 5, None, None)
    assert job.cameras.yaws == (0.0, 90.5)
    assert (job.cameras.elevation, job.cameras.distance) == (12.0, None)
    assert job.poses.variations == 0
    assert [[clip.name for clip in job.clips_of(c)] for c in job.characters] == [["slow-walk"], ["dance", "slow-walk"]]


def test_flags_make_the_same_job_as_a_file(tmp_path):
    job = RenderJob.from_flags("builtin:7", ["a.npz", "b.npz"], size=64, count=9, seed=1)
    text = 'size=64\ncount=9\nseed=1\n[[characters]]\nrig="builtin:7"\n[[clips]]\nmotion="a.npz"\n[[clips]]\nmotion="b.npz"\n'
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
        (MINIMAL + 'name = "m.tail"', "held-out ends"),
        (MINIMAL + 'split = "dev"', '"train" or "test"'),
        (MINIMAL + 'characters = ["b"]', "none of the characters"),
        (MINIMAL + '[[clips]]\nmotion="x/m.npz"', 'two clips of the name "m"'),
        (MINIMAL + "[cameras]\nyaws = []", "at least one angle"),
        (MINIMAL + "[cameras]\nyaws = [true]", "angles in degrees"),
        (MINIMAL + "[cameras]\ndistance = -1", "more than 0"),
        (MINIMAL + "[cameras]\nelevation = nan", "not a number"),
        (MINIMAL + "[cameras]\nlens = 50", 'unknown key "lens"'),
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
        RenderJob.load(tmp_path / "none.toml")
