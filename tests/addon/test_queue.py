# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Blender is looked for first)
"""Jobs that wait for another one in their folder, on disk and over restarts; the list that is cleared; the status bar."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

from ningyo.addon import jobs, panels, status_bar, words
from ningyo.addon.properties import plan_of, statuses

PYTHON = Path(sys.executable)
ONE_STEP = """
job = WorkerJob(folder, "capture", [])
report = Reporter(job.sink, job.is_cancelled)
report.progress(1, 4, "frames")
try:
    while not (folder / "end").exists():
        time.sleep(0.01)
        report.check()
    report.emit("result", state=(folder / "end").read_text() or "done")
except Cancelled:
    report.emit("result", state="cancelled")
job.close()
"""


def two(tmp_path: Path) -> tuple[jobs.Job, jobs.Job]:
    first = jobs.start_job(PYTHON, "capture", [], tmp_path / "out")
    return first, jobs.start_job(PYTHON, "render", ["b"], tmp_path / "out", after=jobs.last_in(tmp_path / "out"))


def test_a_job_begins_when_the_one_before_has_ended_well(scripted_worker, until, tmp_path: Path) -> None:
    scripted_worker(ONE_STEP)
    first, second = two(tmp_path)
    assert words.headline(second) == "Render: waiting for Capture"
    third = jobs.start_job(PYTHON, "train", [], tmp_path / "out", after=jobs.last_in(tmp_path / "out"))
    elsewhere = jobs.start_job(PYTHON, "train", [], tmp_path / "else", after=jobs.last_in(tmp_path / "else"))
    assert words.headline(third) == "Train: waiting for Render"
    until(lambda: bool(first.view.progress) and bool(elsewhere.view.progress))
    assert second.process is None
    assert not (second.folder / "events.jsonl").exists()
    assert jobs.at_work() == [elsewhere, first]
    (first.folder / "end").touch()
    until(lambda: bool(second.view.progress))
    assert not second.is_queued
    assert third.is_queued
    for job in (second, third, elsewhere):
        (job.folder / "end").touch()
    until(lambda: not any(job.is_running for job in jobs.JOBS))
    assert {job.view.state for job in jobs.JOBS} == {"done"}
    assert not bpy.app.timers.is_registered(jobs.tick) or jobs.tick() is None


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_job_does_not_begin_after_one_that_did_not_end_well(scripted_worker, until, tmp_path: Path, state: str) -> None:
    scripted_worker(ONE_STEP)
    first, second = two(tmp_path)
    (first.folder / "end").write_text(state)
    until(lambda: not second.is_running)
    assert words.headline(second) == "Render: failed"
    assert "Capture did not end well" in second.view.error
    jobs.forget()
    jobs.find_again()
    again = jobs.find(str(second.folder))
    assert again is not None
    assert (again.view.state, again.view.error) == ("failed", second.view.error), "it is known on disk"
    assert not bpy.app.timers.is_registered(jobs.tick)
    assert bpy.ops.ningyo.retry(job=str(again.folder)) == {"FINISHED"}
    assert not jobs.JOBS[-1].is_queued
    jobs.JOBS[-1].cancel()
    until(lambda: not jobs.JOBS[-1].is_running)


def test_what_waits_can_be_taken_out_of_the_queue(scripted_worker, until, tmp_path: Path) -> None:
    scripted_worker(ONE_STEP)
    first, second = two(tmp_path)
    second.cancel()
    assert words.headline(second) == "Render: stopped"
    assert bpy.ops.ningyo.retry(job=str(second.folder)) == {"FINISHED"}
    assert words.headline(jobs.JOBS[-1]) == "Render: waiting for Capture"
    jobs.JOBS[-1].cancel()
    (first.folder / "end").touch()
    until(lambda: not first.is_running)
    assert second.process is None
    assert not any(job.is_running for job in jobs.JOBS)


def test_the_queue_outlives_blender_and_begins_once(scripted_worker, until, tmp_path: Path) -> None:
    scripted_worker(ONE_STEP)
    first, second = two(tmp_path)
    process = first.process
    until(lambda: bool(first.view.progress))
    # Two Blenders that both know the queue.
    of_another = jobs.Job.open(second.folder)
    jobs.forget()
    jobs.find_again()
    first, second = jobs.JOBS
    assert second.is_queued
    assert bpy.app.timers.is_registered(jobs.tick)
    (first.folder / "end").touch()
    until(lambda: bool(second.view.progress))
    assert process is not None
    process.wait(10)
    assert second.process is not None
    assert of_another.poll()
    assert (of_another.process, of_another.is_queued) == (None, False)
    assert of_another.poll()
    assert of_another.view.state == "running"
    (second.folder / "end").touch()
    until(lambda: not second.is_running)
    assert second.view.state == "done"


AT_FIRST = """
import ningyo
from pathlib import Path
ningyo.register()
from ningyo.addon import jobs, worker
worker.command = lambda interpreter, verb, arguments, job: [sys.executable, "-I", "-c", sys.argv[1], str(job)]
out = Path(sys.argv[2])
first = jobs.start_job(Path(sys.executable), "capture", [], out)
jobs.start_job(Path(sys.executable), "render", [], out, after=first)
"""
REOPENED = """
import time
import ningyo
from pathlib import Path
ningyo.register()
from ningyo.addon import jobs, words, worker
worker.command = lambda interpreter, verb, arguments, job: [sys.executable, "-I", "-c", sys.argv[1], str(job)]
first, second = jobs.JOBS
print(words.headline(first), "|", words.headline(second))
for job in (first, second):
    (job.folder / "end").touch()
deadline = time.monotonic() + 60
while any(job.is_running for job in jobs.JOBS) and time.monotonic() < deadline:
    jobs.tick()
    time.sleep(0.02)
print(words.headline(first), "|", words.headline(second))
"""


def test_blender_closed_and_opened_again_finds_them(in_another_blender, worker_text, tmp_path: Path) -> None:
    """The worker goes on without Blender, and what waits for it begins in the next one."""
    text = worker_text(ONE_STEP)
    in_another_blender(AT_FIRST, text, str(tmp_path / "out é"))
    said = in_another_blender(REOPENED, text, str(tmp_path / "out é")).strip().splitlines()
    assert said[-2].endswith("| Render: waiting for Capture")
    assert said[-1] == "Capture: done | Render: done"


def test_buttons_queue_what_comes_next(scripted_worker, until, drawn, settings_with_worker: Any) -> None:
    scripted_worker(ONE_STEP)
    plan = plan_of(bpy.context)
    assert not bpy.ops.ningyo.render.poll()
    assert bpy.ops.ningyo.capture() == {"FINISHED"}
    assert not bpy.ops.ningyo.capture.poll()
    assert not bpy.ops.ningyo.render.poll(), "nobody makes the motion"
    assert bpy.ops.ningyo.retarget() == {"FINISHED"}
    assert not bpy.ops.ningyo.retarget.poll()
    assert statuses(plan)["render"].text == "to do", "the motion to render from is made too"
    for verb in ("render", "train", "generate"):
        assert getattr(bpy.ops.ningyo, verb)() == {"FINISHED"}
    titles = ["Capture", "Retarget", "Retarget for Rendering", "Render", "Train", "Generate"]
    assert [words.title(job) for job in jobs.JOBS] == titles, "a motion for the scene, and one that pictures are rendered from"
    assert [job.is_queued for job in jobs.JOBS] == [False, *[True] * 5]
    assert [one.text for one in statuses(plan).values()][1:3] == ["waiting for Retarget", "waiting for Retarget"]
    texts = drawn(panels.Jobs)
    assert "Retarget: waiting for Capture" in texts
    assert "Train: waiting for Render" in texts
    assert texts.count("button(ningyo.cancel") == 6
    jobs.JOBS[0].cancel()
    until(lambda: not any(job.is_running for job in jobs.JOBS))
    assert [job.view.state for job in jobs.JOBS] == ["cancelled", *["failed"] * 5]


def test_clearing_forgets_what_has_ended_and_deletes_nothing(scripted_worker, until, drawn, tmp_path: Path) -> None:
    scripted_worker(ONE_STEP)
    first, other = (jobs.start_job(PYTHON, "capture", [], tmp_path / name) for name in ("one", "two"))
    assert not bpy.ops.ningyo.clear_jobs.poll()
    (first.folder / "end").touch()
    until(lambda: not first.is_running)
    assert bpy.ops.ningyo.clear_jobs() == {"FINISHED"}
    assert list(jobs.JOBS) == [other]
    assert (first.folder / "events.jsonl").is_file()
    process = other.process
    jobs.forget()
    jobs.find_again()
    assert [job.folder for job in jobs.JOBS] == [other.folder]
    (other.folder / "end").touch()
    until(lambda: not jobs.JOBS[0].is_running)
    assert process is not None
    process.wait(10)


def test_the_status_bar_says_what_is_at_work(scripted_worker, until, drawn, tmp_path: Path) -> None:
    bar = SimpleNamespace(draw=status_bar.draw)
    assert drawn(bar) == []
    scripted_worker(ONE_STEP)
    job = jobs.start_job(PYTHON, "capture", [], tmp_path / "out")
    until(lambda: bool(job.view.progress))
    assert drawn(bar) == ["Capture 25 %"]
    job.view.progress["seconds_left"] = 42.0
    other = jobs.start_job(PYTHON, "train", [], tmp_path / "other")
    assert drawn(bar) == ["Train", "and 1 more"]
    other.cancel()
    until(lambda: not other.is_running)
    assert drawn(bar) == ["Capture 25 %, 42 s left"]
    (job.folder / "end").touch()
    until(lambda: not job.is_running)
    assert drawn(bar) == []
