# SPDX-License-Identifier: GPL-3.0-or-later
"""Which samples a job is made of."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from pathlib import Path

from ningyo.synth_data.dataset.splits import Clip, split_clips
from ningyo.synth_data.render.job import SAMPLED, Cameras, ClipJob, Poses
from ningyo.synth_data.render.plan import Plan

CAMERAS = Cameras(yaws=(0.0, 90.0, 180.0))
CLIPS = split_clips([Clip("a", 0, 20), Clip("b", 5, 15)])


def plan(count, variations=0.5, clips=CLIPS, seed=0, sampled=0.0, consecutive=1, **clip):
    jobs = [ClipJob(Path("m.npz"), **clip)] * len(clips)
    cameras = dataclasses.replace(CAMERAS, consecutive=consecutive)
    return Plan("doll", clips, jobs, count, 100, seed, cameras, Poses(variations=variations, sampled=sampled))


def runs_of(shots) -> list[list]:
    """Each with the shots that continue it."""
    runs: list[list] = []
    for shot in shots:
        if shot.first is None:
            runs.append([])
        runs[-1].append(shot)
    return runs


def training(shots) -> list:
    return [shot for shot in shots if not shot.steady and not shot.variation and not shot.sampled]


def test_without_a_count_every_frame_is_seen_from_every_camera_once():
    shots = plan(None)
    straight = [shot for shot in shots if not shot.variation]
    assert Counter((s.clip.name, s.frame, s.yaw) for s in straight).most_common(1)[0][1] == 1
    assert len(straight) == 30 * 3
    assert len(shots) == 180
    assert [shot.number for shot in shots] == list(range(100, 280))


def test_a_count_is_kept_and_shared():
    for count in (1, 2, 7, 30, 100, 400):
        shots = plan(count)
        assert len(shots) == count
        straight = sum(not shot.variation for shot in shots)
        assert straight == min(90, max(1, round(count / 2)))


def test_few_samples_are_spread_over_frames_and_cameras():
    shots = [shot for shot in plan(12, 0.0) if not shot.variation]
    frames = [(shot.clip.name, shot.frame) for shot in shots]
    assert len(set(frames)) == 12
    assert {name for name, _ in frames} == {"a", "a.tail", "b", "b.tail"}
    assert max(Counter(shot.yaw for shot in shots if not shot.steady).values()) == 4


def test_held_out_frames_are_consecutive_runs_from_steady_cameras():
    shots = [shot for shot in plan(200, 0.0, clips=split_clips([Clip("a", 10, 310)])) if shot.clip.split == "test"]
    assert len(shots) == 40
    assert all(shot.steady for shot in shots)
    for yaw in CAMERAS.yaws:
        frames = [shot.frame for shot in shots if shot.yaw == yaw]
        assert frames == list(range(frames[0], frames[0] + len(frames)))
        assert len(frames) in (13, 14)
    assert {shot.frame for shot in shots} >= {250, 309}


def test_variations_are_of_training_frames_only():
    varied = [shot for shot in plan(300) if shot.variation]
    assert {shot.clip.name for shot in varied} == {"a", "b"}
    assert 0.3 < sum(shot.mirrored for shot in varied) / len(varied) < 0.7
    assert all(shot.clip.start <= shot.frame < shot.clip.end for shot in varied)


def test_held_out_clips_alone_get_no_variations():
    shots = plan(500, clips=[Clip("a", 0, 20, "test")])
    assert len(shots) == 60
    assert not any(shot.variation for shot in shots)


def test_a_sample_depends_on_seed_and_number_alone():
    assert plan(200)[150] == plan(200)[150]
    assert list(plan(200)) != list(plan(200, seed=1))
    late = {shot.number: shot for shot in plan(400) if shot.variation}
    assert all(late.get(shot.number, shot) == shot for shot in plan(200) if shot.variation)


def test_every_go_through_a_clip_has_its_own_speed():
    shots = [shot for shot in plan(None, 0.0, speed=(0.5, 2.0), mirrored=0.5) if not shot.steady]
    goes: list[list] = [[]]
    for shot in shots:
        if goes[-1] and (shot.clip.name, shot.frame) < (goes[-1][-1].clip.name, goes[-1][-1].frame):
            goes.append([])
        goes[-1].append(shot)
    assert len(goes) == len(CAMERAS.yaws)
    for go in goes:
        for name in ("a", "b"):
            of_clip = [shot for shot in go if shot.clip.name == name]
            assert len({shot.speed for shot in of_clip}) == len({shot.mirrored for shot in of_clip}) == 1
            steps = {round(b.frame - a.frame - a.speed, 3) for a, b in itertools.pairwise(of_clip)}
            assert all(abs(step) < 2e-3 for step in steps)
            assert max(shot.frame for shot in of_clip) < of_clip[0].clip.end
    assert len({shot.speed for shot in shots}) == 6
    assert {shot.mirrored for shot in shots} == {True, False}


def test_sampled_poses_have_their_share():
    shots = list(plan(1000, 0.2, sampled=0.3))
    assert sum(shot.variation for shot in shots) / 1000 > 0.15
    sampled = [shot for shot in shots if shot.sampled]
    assert 250 < len(sampled) < 650  # as the clips have too few frames, both kinds fill up
    assert {shot.clip.name for shot in sampled} == {SAMPLED}
    assert all(shot.sampled for shot in plan(20, 0.0, clips=[], sampled=1.0))


def test_consecutive_frames_share_their_camera():
    shots = plan(None, consecutive=3, speed=(0.5, 2.0), mirrored=0.5)
    for run in runs_of(training(shots)):
        assert [shot.number for shot in run] == list(range(run[0].number, run[0].number + len(run)))
        assert {(shot.opener, shot.yaw, shot.clip, shot.speed, shot.mirrored) for shot in run} == {
            (run[0], run[0].yaw, run[0].clip, run[0].speed, run[0].mirrored)
        }
        for before, now in itertools.pairwise(run):
            assert abs(now.frame - before.frame - now.speed) < 2e-4
    assert all(shot.first is None for shot in shots if shot not in training(shots))
    assert shots[5] == list(shots)[5]


def test_without_a_count_every_frame_is_seen_from_every_camera_in_runs():
    shots = training(plan(None, 0.0, consecutive=4))
    assert sorted((s.clip.name, s.frame, s.yaw) for s in shots) == sorted((s.clip.name, s.frame, s.yaw) for s in training(plan(None, 0.0)))
    # 16 frames of the one clip and 8 of the other are whole runs.
    assert Counter(map(len, runs_of(shots))) == {4: 6 * 3}
    assert {tuple(shot.frame for shot in run) for run in runs_of(shots)} >= {(0, 1, 2, 3), (12, 13, 14, 15), (5, 6, 7, 8)}


def test_few_samples_are_whole_runs_spread_over_the_clips():
    clips = [Clip("a", 10, 310, "train"), Clip("b", 0, 100, "train")]
    for count in (60, 61, 200, 399):
        shots = list(plan(count, 0.0, clips=clips, consecutive=4))
        assert len(shots) == len({(shot.clip.name, shot.frame) for shot in shots}) == count
        runs = runs_of(shots)
        # Only the last run, and one that the end of the first clip cuts in two, are shorter.
        assert sum(len(run) < 4 for run in runs) <= 3
        assert max(map(len, runs)) == 4
        assert abs(sum(shot.clip.name == "a" for shot in shots) - count * 3 / 4) <= 4
        places = [run[0].frame + (290 if run[0].clip.name == "b" else -10) for run in runs if len(run) == 4]
        gaps = [after - before for before, after in itertools.pairwise(places)]
        assert max(gaps) <= 400 / (count / 4) + 5
        assert max(Counter(run[0].yaw for run in runs).values()) <= len(runs) / 3 + 2


def test_a_run_ends_with_its_clip():
    clips = [Clip(name, 0, frames, "train") for name, frames in (("a", 5), ("b", 3), ("c", 1), ("d", 7))]
    shots = list(plan(None, 0.0, clips=clips, consecutive=4))
    firsts = [(run[0].clip.name, [shot.frame for shot in run]) for run in runs_of(shots)]
    assert firsts[:7] == [
        ("a", [0, 1, 2, 3]), ("a", [4]), ("b", [0, 1, 2]), ("c", [0]), ("d", [0, 1, 2]), ("d", [3, 4, 5, 6]), ("a", [0, 1, 2, 3]),
    ]  # fmt: skip
    assert all(len({shot.clip for shot in run}) == 1 for run in runs_of(shots))


def test_held_out_runs_and_counts_are_as_without_runs():
    for count in (50, 200, None):
        alone, pairs = list(plan(count)), list(plan(count, consecutive=2))
        assert len(alone) == len(pairs)
        assert [shot for shot in alone if shot.steady] == [shot for shot in pairs if shot.steady]
        assert [shot for shot in alone if shot.variation] == [shot for shot in pairs if shot.variation]
