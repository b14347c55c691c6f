# SPDX-License-Identifier: GPL-3.0-or-later
"""What the settings ask for: commands the command line understands, and how far each stage is."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("bpy")

from ningyo.__main__ import build_parser
from ningyo.addon.plan import STAGES, Plan, Status, all_statuses, coming, status


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    video = tmp_path / "dance é.mp4"
    video.touch()
    return Plan(video, "", 2, "builtin:3", "", Path(sys.executable), tmp_path / "out", 1.5, 256, 100)


def make(path: Path, age: float = 0.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    now = path.stat().st_mtime
    os.utime(path, (now - age, now - age))


def job(verb: str, plan: Plan, state: str, **more: object) -> SimpleNamespace:
    view = SimpleNamespace(state=state, stage=more.pop("stage", ""), began=more.pop("began", 0.0), ended=more.pop("ended", 0.0))
    arguments = plan.arguments(verb)
    running = state in ("waiting", "running")
    note = {"out": str(plan.out), **more.pop("note", {})}
    known = {"arguments": arguments, "stopping_since": None, **more}
    return SimpleNamespace(verb=verb, view=view, note=note, is_running=running, is_queued="after" in note, **known)


def test_a_stage_that_found_nothing_to_change_is_not_out_of_date_for_ever(plan: Plan) -> None:
    for age, verb in enumerate(reversed(STAGES)):
        make(plan.made(verb), 10.0 * age)
    make(plan.made("retarget"), -5.0)  # solved again, to the same
    solved = plan.made("retarget").stat().st_mtime
    for before, after in (
        (job("render", plan, "done", began=solved - 1), job("render", plan, "done", began=solved + 1)),
        (job("run", plan, "done", began=solved - 1), job("run", plan, "done", began=solved - 1, ended=solved + 1)),
    ):
        assert status("render", plan, [before]) == Status("stale", "The motion is newer")
        assert status("render", plan, [after]).kind == "done"


@pytest.mark.parametrize("verb", [*STAGES, "overlay", "run"])
def test_the_command_line_understands_what_the_buttons_ask(plan: Plan, verb: str) -> None:
    arguments = build_parser().parse_args([verb, *plan.arguments(verb), "--job", "folder", "--json"])
    assert arguments.verb == verb
    assert str(getattr(arguments, "out", "")).startswith(str(plan.out))
    if verb in ("retarget", "render", "run"):
        assert arguments.rig in ("builtin:3", ["builtin:3"])
    if verb in ("retarget", "generate", "run"):
        assert arguments.person in (2, [2])
    quick = replace(plan, fast=True, known=("--focal-mm", "35"))
    arguments = build_parser().parse_args([verb, *quick.arguments(verb), "--job", "folder", "--json"])
    assert getattr(arguments, "fast", False) == (verb in ("capture", "retarget", "run"))
    if verb == "run":
        assert arguments.focal_mm == 35
    if verb == "capture":
        assert arguments.person == "all", "whom to show is chosen afterwards"


def test_each_stage_waits_for_the_one_before(plan: Plan) -> None:
    assert plan.blocked("capture") == ""
    assert status("capture", plan, []) == Status("todo", "to do")
    for earlier, verb in pairwise(STAGES):
        assert plan.blocked(verb).endswith("first")
        assert status(verb, plan, []).kind == "blocked"
        make(plan.made(earlier))
        assert plan.blocked(verb) == ""
        assert status(verb, plan, []) == Status("todo", "to do")
    make(plan.made("generate"))
    assert {status(verb, plan, []).kind for verb in STAGES} == {"done"}


def test_the_overlay_needs_a_track_and_follows_it(plan: Plan) -> None:
    assert plan.blocked("overlay") == "Capture first"
    assert not plan.is_current("overlay")
    make(plan.video, age=30)
    make(plan.made("capture"), age=10)
    assert plan.blocked("overlay") == ""
    assert "Set up the worker" in replace(plan, worker=None).blocked("overlay")
    make(plan.overlay)
    assert plan.is_current("overlay")
    make(plan.overlay, age=20)
    assert not plan.is_current("overlay"), "the track was made anew"
    assert status("capture", plan, [job("overlay", plan, "failed")]) == Status("done", "done"), "an overlay is no capture"


def test_what_is_missing_is_said(plan: Plan) -> None:
    assert "worker" in replace(plan, worker=None).blocked("capture")
    assert replace(plan, worker=None).blocked("capture", needs_worker=False) == ""
    assert replace(plan, video_problem="Choose a video").blocked("run") == "Choose a video"
    assert replace(plan, rig_problem="Choose the character's file").blocked("run") == "Choose the character's file"
    assert plan.blocked("run") == ""
    assert plan.blocked("demo") == ""
    make(plan.made("retarget"))
    for verb in ("render", "run"):
        assert replace(plan, size=250).blocked(verb) == "Size must be a multiple of 32", "or Train would refuse it, after the rendering"


def test_what_is_older_than_its_source_says_so(plan: Plan) -> None:
    make(plan.made("capture"), age=50)
    make(plan.made("retarget"), age=100)
    make(plan.video, age=200)
    assert status("capture", plan, []).kind == "done"
    assert status("retarget", plan, []) == Status("stale", "The capture is newer")


def test_what_is_made_from_something_out_of_date_says_so(plan: Plan) -> None:
    for age, verb in enumerate(reversed(STAGES)):
        make(plan.made(verb), age=10 * age)
    make(plan.video, age=100)
    assert {one.kind for one in all_statuses(plan, []).values()} == {"done"}
    make(plan.made("retarget"), age=200)
    found = all_statuses(plan, [])
    assert found["capture"].kind == "done"
    assert found["retarget"].text == "The capture is newer"
    assert found["render"] == Status("stale", "Retarget is out of date")
    assert found["train"] == Status("stale", "Render is out of date")


def test_settings_that_changed_are_named(plan: Plan) -> None:
    for age, verb in enumerate(reversed(STAGES)):
        make(plan.made(verb), age=10 * age)
    make(plan.video, age=100)
    rendered, whole = job("render", plan, "done"), job("run", plan, "done")
    larger = replace(plan, count=200, size=512, minutes=9)
    assert status("render", larger, [rendered]) == Status("stale", "Pictures, Size changed")
    assert status("render", larger, [whole]) == Status("stale", "Pictures, Size changed")
    assert status("train", larger, [whole]) == Status("stale", "Minutes changed")
    before = job("render", plan, "done")
    before.arguments.remove("--set-aside")  # how an earlier version started it
    assert status("render", plan, [before]).kind == "done"
    assert status("capture", larger, [whole]).kind == "done", "the whole way's other settings are not its own"
    assert status("generate", replace(plan, person=0), [whole]).kind == "blocked", "another person has files of their own"
    assert status("retarget", replace(plan, known=("--camera-height", "2")), [whole]) == Status("stale", "Camera Height changed")
    solved = job("retarget", plan, "done", arguments=["else"], note={"retarget": {}})
    assert status("retarget", plan, [solved]).kind == "done", "a motion for the scene is not the one for rendering"


def test_people_of_a_video_have_files_and_stages_of_their_own(plan: Plan) -> None:
    main = replace(plan, person=0)
    for age, verb in enumerate(reversed(STAGES)):
        make(main.made(verb), age=10 * age)
    make(plan.video, age=100)
    assert {one.kind for one in all_statuses(main, []).values()} == {"done"}
    assert [one.kind for one in all_statuses(plan, []).values()] == ["done", "todo", *["blocked"] * 3]
    assert not {plan.made(verb) for verb in STAGES[1:]} & {main.made(verb) for verb in STAGES[1:]}
    assert plan.files.scene == main.files.scene, "all lie over the same movie"

    # What another person's jobs have done or failed to do is not this one's.
    for verb in STAGES[1:]:
        make(plan.made(verb))
        of_main = job(verb, main, "failed")
        assert status(verb, plan, [of_main]).kind == "done"
        assert status(verb, main, [of_main, job(verb, plan, "done")]).kind == "failed"
        assert status(verb, main, [job(verb, main, "done"), job(verb, plan, "done")]).kind == "done"
    whole = job("run", main, "running", stage="render")
    assert status("render", main, [whole]).kind == "running"
    assert status("render", plan, [whole]).kind == "done"
    assert coming(main, [whole]) >= set(STAGES)
    assert coming(plan, [whole]) == {"capture"}
    assert coming(plan, [job("train", main, "running")]) == set()
    assert status("capture", plan, [job("run", main, "running", stage="capture")]).kind == "running", "that is of everyone"


def test_what_waits_says_for_what(plan: Plan) -> None:
    waiting = job("render", plan, "waiting", note={"after": "folder", "waits_for": "retarget"})
    running = job("retarget", plan, "running")
    assert status("render", plan, [running, waiting]) == Status("queued", "waiting for Retarget")
    assert coming(plan, [running, waiting]) == {"retarget", "render"}
    assert status("train", plan, [running, waiting]) == Status("todo", "to do"), "it can be queued too"
    assert status("generate", plan, [running, waiting]) == Status("blocked", "Capture first")
    assert coming(plan, [job("run", plan, "running")]) >= set(STAGES)
    assert coming(plan, [job("retarget", plan, "running", note={"retarget": {}})]) == set()
    assert plan.blocked("render") == "Retarget first"
    assert plan.blocked("render", coming=("retarget",)) == ""


def test_jobs_decide_first(plan: Plan) -> None:
    make(plan.made("capture"))
    make(plan.video, age=10)
    assert status("capture", plan, [job("capture", plan, "running")]).text == "running"
    assert status("capture", plan, [job("capture", plan, "running", stopping_since=1.0)]).text == "stopping…"
    assert status("capture", plan, [job("run", plan, "running", stage="capture")]).kind == "running"
    assert status("capture", plan, [job("run", plan, "running", stage="train")]).kind == "done"
    assert status("capture", plan, [job("capture", plan, "failed")]).kind == "failed"
    assert status("capture", plan, [job("capture", plan, "cancelled")]).kind == "stopped"
    assert status("capture", plan, [job("capture", plan, "cancelled"), job("run", plan, "done")]).kind == "done"
    assert status("capture", plan, [job("capture", plan, "done", arguments=["other.mp4", *plan.arguments("capture")[1:]])]) == Status(
        "stale", "Video changed"
    )
    elsewhere = job("capture", plan, "failed")
    elsewhere.note["out"] = "elsewhere"
    assert status("capture", plan, [elsewhere]).kind == "done"
