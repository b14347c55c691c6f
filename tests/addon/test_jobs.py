# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Blender is looked for first)
"""Jobs in real processes: what the panel says of them, stopping them, losing them, finding them again."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

bpy = pytest.importorskip("bpy")

from ningyo.addon import jobs, plan, words, worker
from ningyo.errors import UserError

PYTHON = Path(sys.executable)

TWO_STAGES = """
job = WorkerJob(folder, "run", [])
report = Reporter(job.sink, job.is_cancelled)
report.stage("render")
report.progress(30, 120, "pictures")
wait_for("go on")
report.warning("It is dark in there.")
report.stage("train")
report.progress(1, None, "steps")
wait_for("end")
report.artefact("frames", folder)
report.emit("result", state="done", frames=3)
job.close()
"""
OBEDIENT = """
job = WorkerJob(folder, "train", [])
report = Reporter(job.sink, job.is_cancelled)
try:
    while True:
        report.progress(1, 2, "steps")
        time.sleep(0.01)
except Cancelled:
    report.emit("result", state="cancelled")
job.close()
"""
DEAF = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
job = WorkerJob(folder, "train", [])
job.sink({"time": 0, "type": "progress", "done": 1, "total": 2, "unit": "steps"})
time.sleep(100)
"""


@pytest.mark.parametrize(("unit", "said"), [("pictures", "2.5 a second"), ("seconds", "")])
def test_how_many_seconds_a_second_is_not_said(unit: str, said: str) -> None:
    assert words.rate(SimpleNamespace(progress={"done": 5, "unit": unit, "rate": 2.5})) == said


def test_a_job_in_words_from_start_to_end(scripted_worker, until, tmp_path: Path) -> None:
    scripted_worker(TWO_STAGES)
    job = jobs.start_job(PYTHON, "run", ["video.mp4"], tmp_path / "out", scene="Scene")
    assert words.headline(job) == "Do It All: starting…"
    assert bpy.app.timers.is_registered(jobs.tick)
    until(lambda: bool(job.view.progress))
    assert words.headline(job) == "Do It All: Render"
    assert words.progress(job.view) == "30 of 120 pictures"
    assert job.view.fraction == 0.25
    (job.folder / "go on").touch()
    until(lambda: job.view.stage == "train" and bool(job.view.progress))
    assert words.progress(job.view) == "1 steps"
    assert job.view.fraction is None
    assert job.view.warnings == ["It is dark in there."]
    (job.folder / "end").touch()
    until(lambda: not job.is_running)
    assert words.headline(job) == "Do It All: done"
    assert job.view.result["frames"] == 3
    assert jobs.tick() is None, "the timer goes on although nothing runs"
    assert jobs.find(str(job.folder)) is job
    assert jobs.newest("run", out=tmp_path / "out") is job
    assert jobs.newest("run", out=tmp_path / "elsewhere") is None


def test_stopping_asks_first(scripted_worker, until, tmp_path: Path) -> None:
    scripted_worker(OBEDIENT)
    job = jobs.start_job(PYTHON, "train", [], tmp_path / "out")
    until(lambda: bool(job.view.progress))
    job.cancel()
    assert words.headline(job) == "Train: stopping…"
    until(lambda: not job.is_running)
    assert words.headline(job) == "Train: stopped"
    assert job.process is not None
    assert job.process.wait(10) == 0


def test_a_deaf_worker_is_made_to_stop(scripted_worker, until, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "TERMINATE_AFTER", 0.1)
    monkeypatch.setattr(jobs, "KILL_AFTER", 0.3)
    scripted_worker(DEAF)
    job = jobs.start_job(PYTHON, "train", [], tmp_path / "out")
    until(lambda: bool(job.view.progress))
    # As after a restart of Blender: only the folder tells which process it is.
    process, job.process = job.process, None
    job.cancel()
    assert process is not None
    until(lambda: not job.is_running or process.poll() is not None)
    until(lambda: not job.is_running)
    assert job.view.state == "cancelled"
    assert process.wait(10) == -signal.SIGKILL


def test_a_worker_that_dies(scripted_worker, until, tmp_path: Path) -> None:
    scripted_worker("""
job = WorkerJob(folder, "train", [])
os.kill(os.getpid(), signal.SIGKILL)
""")
    job = jobs.start_job(PYTHON, "train", [], tmp_path / "out")
    until(lambda: not job.is_running)
    assert words.headline(job) == "Train: died"
    assert "resumes" in job.view.error


def test_a_worker_that_never_begins(scripted_worker, until, tmp_path: Path) -> None:
    scripted_worker("sys.exit('no such thing here')")
    job = jobs.start_job(PYTHON, "train", [], tmp_path / "out")
    until(lambda: not job.is_running)
    assert job.view.state == "failed"
    assert "no such thing here" in job.view.error


def test_what_cannot_be_started(addon, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for interpreter, out in ((tmp_path / "nothing", tmp_path / "out"), (tmp_path / "file", tmp_path / "out"), (PYTHON, tmp_path / "file")):
        with pytest.raises(UserError, match="look at the worker's path and the output folder"):
            jobs.start_job(interpreter, "train", [], out)
        assert not jobs.JOBS


def test_found_again_by_the_next_blender(scripted_worker, until, tmp_path: Path) -> None:
    scripted_worker(TWO_STAGES)
    running = jobs.start_job(PYTHON, "run", ["a"], tmp_path / "out", scene="Scene")
    scripted_worker(OBEDIENT)
    stopped = jobs.start_job(PYTHON, "train", ["b"], tmp_path / "out")
    until(lambda: running.view.stage == "render" and bool(stopped.view.progress))
    stopped.cancel()
    until(lambda: not stopped.is_running)
    process, running.process = running.process, None
    gone = jobs.start_job(PYTHON, "train", [], tmp_path / "gone")
    gone.cancel()
    until(lambda: not gone.is_running)
    gone.folder.rename(tmp_path / "moved")

    jobs.forget()
    assert not jobs.JOBS
    assert not bpy.app.timers.is_registered(jobs.tick)
    jobs.find_again()
    assert [(job.verb, job.arguments, job.view.state) for job in jobs.JOBS] == [("run", ["a"], "running"), ("train", ["b"], "cancelled")]
    assert jobs.JOBS[0].note["scene"] == "Scene"
    assert bpy.app.timers.is_registered(jobs.tick)
    jobs.find_again()
    assert len(jobs.JOBS) == 2
    (running.folder / "go on").touch()
    (running.folder / "end").touch()
    until(lambda: not jobs.JOBS[0].is_running)
    assert jobs.JOBS[0].view.state == "done"
    assert process is not None
    process.wait(10)


def test_the_worker_is_kept_from_blenders_python(tmp_path: Path) -> None:
    environment = {"PATH": "/bin", "PYTHONHOME": "/blender", "PYTHONPATH": "x", "LD_LIBRARY_PATH": "/blender/lib", "HTTPS_PROXY": "p"}
    assert worker.clean_environment(environment) == {"PATH": "/bin", "HTTPS_PROXY": "p"}
    interpreter = tmp_path / ".venv" / worker.INTERPRETER
    assert worker.find_interpreter([tmp_path], {}) is None
    interpreter.parent.mkdir(parents=True)
    interpreter.touch()
    assert worker.find_interpreter([tmp_path / "other", tmp_path], {}) == interpreter
    assert worker.find_interpreter([tmp_path], {"NINGYO_WORKER": sys.executable}) == PYTHON


def test_the_doctor_answers_without_blocking(addon, until, tmp_path: Path) -> None:
    """The real command line in a real process: says what is there and what is missing, in words."""
    assert bpy.ops.ningyo.check_worker() == {"FINISHED"}
    job = jobs.newest("doctor")
    assert job is not None
    assert job.is_running
    until(lambda: not job.is_running, 180)
    checks = {event["name"]: event["ok"] for event in job.events() if event.get("type") == "check"}
    assert checks["python"]
    assert checks["bpy"]
    assert job.view.state == ("done" if all(checks.values()) else "failed")
    assert all(name in job.view.error for name, ok in checks.items() if not ok)
    assert os.path.exists(job.folder / "log.txt")


def test_the_worker_goes_online_only_where_blender_may(scripted_worker, until, tmp_path: Path) -> None:
    says = """
job = WorkerJob(folder, "capture", [])
job.sink({"time": 0, "type": "result", "state": "done", "offline": os.environ.get("NINGYO_OFFLINE", "")})
job.close()
"""
    scripted_worker(says)
    assert not bpy.app.online_access, "so it is where nobody allowed it"
    job = jobs.start_job(PYTHON, "capture", [], tmp_path / "out")
    until(lambda: not job.is_running)
    assert job.view.result["offline"] == "1"
    folder = tmp_path / "allowed"
    folder.mkdir()
    process = worker.start(PYTHON, "capture", [], folder, online=True)
    assert process.wait(60) == 0
    assert '"offline": ""' in (folder / "events.jsonl").read_text("utf-8")


def test_durations_in_words() -> None:
    assert [words.clock(seconds) for seconds in (0.2, 45.4, 100, 3725)] == ["1 s", "45 s", "1:40", "1:02:05"]
    assert [words.duration(seconds) for seconds in (0.2, 45.4, 100, 5999, 7500)] == ["1 s", "45 s", "2 min", "1 h 40 min", "2 h 5 min"]


def test_a_jobs_line_tells_videos_characters_and_people_apart() -> None:
    def about(verb: str, *arguments: str, **note: str) -> str:
        return plan.about(SimpleNamespace(verb=verb, arguments=arguments, note=note))

    out = "C:\\films\\dance-ybot\\"
    assert about("generate", "m", "--person", "0", out=out) == "dance-ybot"
    assert about("generate", "m", "--person", "2", "--out", "x", out=out) == "dance-ybot, person 2"
    assert about("render", dataset="/films/many") == "many"
    assert about("setup", out=out) == ""


def test_sentences_are_broken_where_their_script_allows_it() -> None:
    english = "The heavy stages run in a Python of their own, the worker."
    assert words.wrapped(english, 26) == ["The heavy stages run in a", "Python of their own, the", "worker."]
    japanese = "オンラインアクセスを許可するか、wheel のフォルダーを選んでください"
    assert words.wrapped(japanese, 30) == ["オンラインアクセスを許可する", "か、wheel のフォルダーを選んで", "ください"]
    assert words.wrapped("許可（空き 27 GB）。", 8) == ["許可（空", "き 27", "GB）。"], "points and brackets are not left alone"
    path = "/a/folder/with/a/very/long/name"
    assert words.wrapped(f"Not there: {path}", 20) == ["Not there:", path[:20], path[20:]]
    assert words.wrapped("", 20) == []
