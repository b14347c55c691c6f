# SPDX-License-Identifier: GPL-3.0-or-later
"""The job folder, seen from both sides, with a real second process where it matters."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ningyo.errors import Cancelled, UserError
from ningyo.jobs.folder import EVENTS, LOCK, JobView, WorkerJob, request_cancel, request_job, set_aside, write_atomically
from ningyo.jobs.lock import is_locked
from ningyo.jobs.progress import RateEstimate, Reporter

WORKER = """
import sys, time
from ningyo.jobs.folder import WorkerJob
from ningyo.jobs.progress import Reporter
job = WorkerJob(sys.argv[1], "capture", [])
report = Reporter(job.sink, job.is_cancelled)
for done in range(1000):
    report.progress(done, 1000, "frames")
    time.sleep(0.02)
"""


def wait_for(condition, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


@pytest.fixture
def worker(tmp_path: Path):
    request_job(tmp_path / "job", "capture", ["video.mp4"])
    process = subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path / "job")], stderr=subprocess.PIPE)
    yield process, tmp_path / "job"
    process.kill()
    process.wait()


def test_a_watcher_sees_progress_and_the_loss_of_a_killed_worker(worker) -> None:
    process, folder = worker
    view = JobView(folder)
    assert view.verb == "capture"
    wait_for(lambda: view.poll() and view.progress.get("done", 0) > 3)
    assert view.state == "running"
    assert 0 < view.fraction < 1
    assert view.progress["seconds_left"] > 0
    process.send_signal(signal.SIGKILL)
    process.wait()
    view.poll()
    assert view.state == "lost"
    assert not is_locked(folder / LOCK)
    assert not view.is_running


def test_a_second_worker_is_refused_while_the_first_lives(worker) -> None:
    process, folder = worker
    wait_for(lambda: is_locked(folder / LOCK))
    with pytest.raises(UserError, match="busy"):
        WorkerJob(folder, "capture", [])
    process.kill()
    process.wait()
    WorkerJob(folder, "capture", []).close()


def test_cancel_reaches_the_worker_and_is_gone_afterwards(worker) -> None:
    process, folder = worker
    wait_for(lambda: (folder / EVENTS).exists())
    request_cancel(folder)
    assert process.wait(20) == 1
    assert b"Cancelled" in process.stderr.read()
    job = WorkerJob(folder, "capture", [])
    job.close()
    assert not job.is_cancelled()


def test_a_line_cut_short_is_read_once_it_is_whole(tmp_path: Path) -> None:
    job = WorkerJob(tmp_path, "train", [])
    view = JobView(tmp_path)
    view.poll()
    line = json.dumps({"time": 0, "type": "warning", "text": "careful"})
    with open(tmp_path / EVENTS, "a") as file:
        file.write(line[:10])
        file.flush()
        view.poll()
        assert view.warnings == []
        file.write(line[10:] + "\n")
    view.poll()
    assert view.warnings == ["careful"]
    job.sink({"time": 0, "type": "result", "state": "done", "model": "m"})
    job.close()
    view.poll()
    assert (view.state, view.result["model"]) == ("done", "m")


def test_a_reporter_stops_the_stage_when_asked() -> None:
    asked = False
    events = []
    report = Reporter(events.append, lambda: asked)
    report.progress(1, 2, "frames")
    asked = True
    with pytest.raises(Cancelled):
        report.progress(2, 2, "frames")
    assert [event["done"] for event in events] == [1, 2]


def test_time_left_counts_from_where_a_resumed_stage_began() -> None:
    now = 0.0
    rate = RateEstimate(lambda: now)
    assert rate.update("frames", 100, 200) == (None, None)
    now = 10.0
    assert rate.update("frames", 120, 200) == (2.0, 40.0)
    assert rate.update("pictures", 0, 50) == (None, None)


def test_writing_replaces_whole_files_only(tmp_path: Path) -> None:
    path = tmp_path / "a" / "report.json"
    write_atomically(path, "one")
    write_atomically(path, b"two")
    assert path.read_text() == "two"
    assert [entry.name for entry in path.parent.iterdir()] == ["report.json"]


def test_a_file_that_is_being_read_is_replaced_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, where a file cannot be replaced while somebody has it open."""
    replace, refused = os.replace, []

    def refuse(*paths: object) -> None:
        if len(refused) < 3:
            refused.append(paths)
            raise PermissionError
        replace(*paths)

    monkeypatch.setattr(os, "replace", refuse)
    write_atomically(tmp_path / "a.png", "new")
    assert (tmp_path / "a.png").read_text() == "new"
    assert len(refused) == 3


def test_a_job_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file"):
        WorkerJob(tmp_path / "file", "train", [])


def test_a_folder_is_set_aside_under_the_next_free_name(tmp_path: Path) -> None:
    for content in ("one", "two"):
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / content).touch()
        set_aside(tmp_path / "data")
    assert (tmp_path / "data-1" / "one").exists()
    assert (tmp_path / "data-2" / "two").exists()
    with pytest.raises(UserError, match="cannot be renamed"):
        set_aside(tmp_path / "none")
