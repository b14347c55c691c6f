# SPDX-License-Identifier: GPL-3.0-or-later
"""Which samples a job is made of."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

from ningyo.synth_data.dataset.splits import Clip, split_clips
from ningyo.synth_data.render.job import SAMPLED, Cameras, ClipJob, Poses
from ningyo.synth_data.render.plan import Plan

CAMERAS = Cameras(yaws=(0.0, 90.0, 180.0))
CLIPS = split_clips([Clip("a", 0, 20), Clip("b", 5, 15)])


def plan(count, variations=0.5, clips=CLIPS, seed=0, sampled=0.0, **clip):
    jobs = [ClipJob(Path("m.npz"), **clip)] * len(clips)
    return Plan("doll", clips, jobs, count, 100, seed, CAMERAS, Poses(variations=variations, sampled=sampled))


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
