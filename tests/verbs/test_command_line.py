# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line as a shell sees it: help, exit codes, one-line errors, events, jobs."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ningyo.__main__ import VERBS
from ningyo.jobs.folder import JobView

ROOT = Path(__file__).parents[2]
ACTOR = ROOT / "samples" / "actor.mp4"
HAS_WORKER = all(importlib.util.find_spec(name) for name in ("torch", "mediapipe", "av", "bpy"))


def ningyo(*arguments: object, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ningyo", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)


def assert_one_sentence(result: subprocess.CompletedProcess[str], *words: str) -> None:
    assert result.returncode == 1, result.stderr
    lines = [line for line in result.stderr.splitlines() if line]
    assert len(lines) == 1, result.stderr
    assert "Traceback" not in result.stderr
    assert "unforeseen" not in result.stderr, result.stderr
    for word in words:
        assert word in lines[0]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_with_an_example(verb: str) -> None:
    result = ningyo(verb, "--help")
    assert result.returncode == 0
    assert f"example:\n  ningyo {verb}" in result.stdout


def test_bad_arguments_exit_with_2() -> None:
    assert ningyo("capture").returncode == 2
    assert ningyo("dance").returncode == 2


def test_it_runs_by_path_from_a_folder_of_any_name(tmp_path: Path) -> None:
    """As Blender's add-on starts it; other folders of the package must not become top-level modules."""
    copy = tmp_path / "any name (1)"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "out", "tests", "dist", "docs", "__pycache__"))
    code = "import sys; sys.argv[0] = %r; import runpy; runpy.run_path(sys.argv[0], run_name='__main__')"
    for command in ([str(copy / "__main__.py")], ["-c", code % str(copy / "__main__.py")]):
        result = subprocess.run([sys.executable, "-I", "-u", *command, "--help"], capture_output=True, text=True, check=False, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        assert "usage: ningyo" in result.stdout


def test_help_imports_nothing_heavy() -> None:
    heavy = ("bpy", "torch", "mediapipe", "cv2", "av", "numpy")
    code = f"import sys, ningyo.__main__ as m; m.build_parser(); print([n for n in {heavy} if n in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.skipif(HAS_WORKER, reason="needs an interpreter without torch or mediapipe")
@pytest.mark.parametrize(
    ("missing", "arguments"),
    [("mediapipe", ["capture", ACTOR, "--out", "track.npz"]), ("torch", ["train", "dataset", "--out", "model"])],
)
def test_a_worker_that_lacks_a_package_says_so(missing: str, arguments: list, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert_one_sentence(ningyo(*arguments), "make env")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not HAS_WORKER, reason="needs the whole worker")
def test_doctor_finds_everything_in_the_whole_environment(tmp_path: Path) -> None:
    result = ningyo("doctor", "--json", "--job", tmp_path / "job")
    assert result.returncode == 0, result.stdout
    events = [json.loads(line) for line in result.stdout.splitlines()]
    names = [event["name"] for event in events if event["type"] == "check"]
    assert {"python", "bpy", "torch", "mediapipe", "mediapipe models"} <= set(names)
    assert events[-1]["state"] == "done"
    view = JobView(tmp_path / "job")
    view.poll()
    assert view.state == "done"


@pytest.mark.skipif(HAS_WORKER, reason="needs an interpreter without torch or mediapipe")
def test_doctor_names_what_is_missing() -> None:
    result = ningyo("doctor")
    assert_one_sentence(result, "torch", "mediapipe", "make env")
    assert "NO  torch" in result.stdout


@pytest.mark.skipif(not HAS_WORKER, reason="needs mediapipe")
class TestCapture:
    def test_wrong_files_get_one_sentence_and_leave_nothing(self, tmp_path: Path) -> None:
        text = tmp_path / "text.mp4"
        text.write_text("this is not a movie\n" * 100)
        truncated = tmp_path / "truncated.mp4"
        truncated.write_bytes(ACTOR.read_bytes()[:20_000])
        for video in (tmp_path / "missing.mp4", text, truncated):
            assert_one_sentence(ningyo("capture", video, "--out", tmp_path / "out" / "track.npz"), video.name)
        assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"text.mp4", "truncated.mp4"}

    def test_an_output_folder_that_is_a_file_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("mine")
        assert_one_sentence(ningyo("run", ACTOR, "--out", tmp_path / "file"), "is a file")
        assert (tmp_path / "file").read_text() == "mine"

    def test_ctrl_c_cancels_with_130_and_a_killed_worker_can_be_repeated(self, tmp_path: Path) -> None:
        arguments = ["capture", ACTOR, "--out", tmp_path / "track.npz", "--job", tmp_path / "job"]
        command = [sys.executable, "-m", "ningyo", *map(str, arguments)]
        for number, code in ((signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            view = JobView(tmp_path / "job")
            end = time.monotonic() + 120
            while not (view.poll() and view.progress.get("done", 0) >= 3):
                assert process.poll() is None, "ended before it could be stopped"
                assert time.monotonic() < end
                time.sleep(0.05)
            os.kill(process.pid, number)
            assert process.wait(60) == code
            assert not (tmp_path / "track.npz").exists()
            (tmp_path / "job" / "events.jsonl").unlink()
        assert subprocess.run(command, capture_output=True, check=False).returncode == 0
        assert (tmp_path / "track.npz").exists()
