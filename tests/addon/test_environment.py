# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Blender is looked for first)
"""Set Up Worker in Blender: when it can be pressed, what it is told, what is shown, and what permissions that takes."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

from ningyo.addon import environment, jobs, path_panels, preferences, words, worker
from ningyo.addon.environment import Choices
from ningyo.environment.place import INTERPRETER, Place
from ningyo.environment.requirements import requirements
from ningyo.errors import UserError

ROOT = Path(__file__).parents[2]
AT_WORK = """
job = WorkerJob(folder, "setup", [])
report = Reporter(job.sink, job.is_cancelled)
report.stage("download")
report.progress(0, 900, "MB", note="torch.whl")
time.sleep(0.1)
report.progress(90, 900, "MB", note="torch.whl")
wait_for("go on")
proxied = sorted(name for name, value in os.environ.items() if value == "http://ann:geheim@host:8080")
report.emit("check", name="python", ok=True, found="3.11", advice="")
report.emit("result", state="done", proxied=proxied, kept=os.environ.get("FTP_PROXY"), offline=os.environ.get("NINGYO_OFFLINE"))
job.close()
"""


@pytest.fixture
def no_worker(addon: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is found but what Set Up Worker made."""
    monkeypatch.delenv("NINGYO_WORKER")
    find = worker.find_interpreter
    monkeypatch.setattr(worker, "find_interpreter", lambda folders: find([jobs.home()], {}))


SETUP = SimpleNamespace(draw=lambda self, context: environment.draw_setup(self.layout, context))
CHOSEN = SimpleNamespace(interpreter="", compute="CPU", base_python="", wheels="", proxy="")
PREFERENCES = SimpleNamespace(
    draw=lambda self, context: preferences.NINGYO_preferences.draw(SimpleNamespace(layout=self.layout, **vars(CHOSEN)), context)
)


def choose(monkeypatch: pytest.MonkeyPatch, chosen: Choices) -> None:
    """As the preferences would say, which a registered but not enabled add-on lacks."""
    monkeypatch.setattr(environment, "choices", lambda context: chosen)


def finish_env(python: Path) -> None:
    python.parent.mkdir(parents=True)
    python.touch()


def test_offline_the_button_says_what_to_do(no_worker: None, drawn: Any, monkeypatch: Any, tmp_path: Path) -> None:
    assert not bpy.app.online_access, "so it is where nobody allowed it"
    assert not bpy.ops.ningyo.set_up_worker.poll()
    text = " ".join(drawn(SETUP))
    assert "Allow online access in Preferences > System, or choose a folder of wheels" in text
    assert "downloads about 1 GB and takes up to" in text
    assert "GB are free" in text
    with pytest.raises(UserError, match="Allow online access"):
        environment.start(bpy.context)
    choose(monkeypatch, Choices(wheels=str(tmp_path)))
    assert bpy.ops.ningyo.set_up_worker.poll()
    text = " ".join(drawn(SETUP))
    assert "Nothing is downloaded" in text
    assert "Allow online access" not in text


def test_the_side_panel_and_the_preferences_lead_there(no_worker: None, drawn: Any) -> None:
    for panel in (path_panels.NINGYO_PT_view3d, path_panels.NINGYO_PT_sequencer, PREFERENCES):
        assert "button(ningyo.set_up_worker" in drawn(panel)


def test_while_it_is_set_up(no_worker: None, scripted_worker: Any, until: Any, drawn: Any, monkeypatch: Any, tmp_path: Path) -> None:
    """Bytes, rate and time left; the proxy reaches the worker and is written nowhere; then the one that was made is used."""
    monkeypatch.setenv("FTP_PROXY", "the system's")
    monkeypatch.setenv("HTTPS_PROXY", "http://overruled:1")
    choose(monkeypatch, Choices("cuda", "/base/python3.11", str(tmp_path), "http://ann:geheim@host:8080"))
    scripted_worker(AT_WORK)
    assert bpy.ops.ningyo.set_up_worker() == {"FINISHED"}
    job = jobs.newest("setup")
    assert job is not None
    assert job.arguments == ["--home", str(jobs.home()), "--compute", "cuda", "--base", "/base/python3.11", "--wheels", str(tmp_path)]
    until(lambda: job.view.progress.get("done") == 90)
    assert words.headline(job) == "Set Up Worker: download"
    texts = drawn(SETUP)
    bar = next(text for text in texts if text.startswith("progress("))
    assert bar.startswith("progress(90 of 900 MB, ")
    assert bar.endswith(" MB/s")
    assert " left, " in bar
    assert "torch.whl" in texts
    assert "button(ningyo.cancel" in texts
    assert "button(ningyo.set_up_worker" not in texts
    assert not bpy.ops.ningyo.set_up_worker.poll()
    chosen = SimpleNamespace(interpreter="/usr/bin/some python")
    monkeypatch.setattr(environment, "preferences", lambda context: chosen)
    (job.folder / "go on").touch()
    until(lambda: not job.is_running)
    assert job.view.result["proxied"] == ["HTTPS_PROXY", "HTTP_PROXY", "http_proxy", "https_proxy"]
    assert job.view.result["kept"] == "the system's"
    assert job.view.result["offline"] == "1"
    assert not [path for path in job.folder.rglob("*") if path.is_file() and b"geheim" in path.read_bytes()]
    assert chosen.interpreter == "", "the one that was set up is not the one that is used"
    assert "python: 3.11" in drawn(PREFERENCES)


def test_a_failure_is_said_and_tried_again(no_worker: None, until: Any, drawn: Any, monkeypatch: Any, tmp_path: Path) -> None:
    """The real command, on Blender's own Python, with a folder that has no wheels in it."""
    choose(monkeypatch, Choices(wheels=str(tmp_path)))
    assert bpy.ops.ningyo.set_up_worker() == {"FINISHED"}
    job = jobs.newest("setup")
    assert job is not None
    until(lambda: not job.is_running)
    assert job.view.state == "failed"
    assert job.view.error.startswith(f"There are no wheels in {tmp_path}")
    texts = drawn(SETUP)
    assert "There are no wheels in" in " ".join(texts)
    assert "button(ningyo.set_up_worker" in texts
    assert "button(ningyo.show_log" in texts
    assert " ".join(drawn(PREFERENCES)).count("There are no wheels in") == 1, "it is said twice"
    assert bpy.ops.ningyo.retry(job=str(job.folder)) == {"FINISHED"}, "it cannot be retried from the list of jobs"
    again = jobs.newest("setup")
    assert again is not None
    assert again is not job
    until(lambda: not again.is_running)


def test_stopped_it_says_that_it_goes_on(no_worker: None, scripted_worker: Any, until: Any, drawn: Any, monkeypatch: Any) -> None:
    choose(monkeypatch, Choices(wheels="//"))
    scripted_worker(
        """
job = WorkerJob(folder, "setup", [])
report = Reporter(job.sink, job.is_cancelled)
report.warning("another build is taken")
wait_for("cancel")
report.emit("result", state="cancelled")
job.close()
"""
    )
    assert bpy.ops.ningyo.set_up_worker() == {"FINISHED"}
    job = jobs.newest("setup")
    assert job is not None
    until(lambda: bool(job.view.warnings))
    assert "another build is taken" in drawn(SETUP)
    assert bpy.ops.ningyo.cancel(job=str(job.folder)) == {"FINISHED"}
    until(lambda: not job.is_running)
    texts = " ".join(drawn(SETUP))
    assert "Setting up the worker was stopped; what was downloaded is kept" in texts
    assert "another build is taken" in texts


def test_a_wrong_choice_is_said(no_worker: None, until: Any, drawn: Any, monkeypatch: Any, tmp_path: Path) -> None:
    """A Python that is not there; then one that lacks things, whose answer does not stay when another is chosen."""
    chosen = SimpleNamespace(**{**vars(CHOSEN), "interpreter": str(tmp_path / "python")})
    monkeypatch.setattr(environment, "preferences", lambda context: chosen)
    monkeypatch.setattr(preferences, "preferences", lambda context: chosen)
    monkeypatch.setattr(sys.modules[__name__], "CHOSEN", chosen)
    assert preferences.worker_python(bpy.context) is None
    for panel in (path_panels.NINGYO_PT_view3d, PREFERENCES):
        assert "Worker's Python in the preferences is not there" in " ".join(drawn(panel))
    chosen.interpreter = sys.executable
    monkeypatch.setattr(worker, "command", lambda interpreter, verb, arguments, job: [sys.executable, "-c", "import sys; sys.exit('odd')"])
    assert bpy.ops.ningyo.check_worker() == {"FINISHED"}
    job = jobs.newest("doctor")
    assert job is not None
    until(lambda: not job.is_running)
    texts = " ".join(drawn(PREFERENCES))
    assert "The worker did not start: odd" in texts
    assert "is not there" not in texts
    chosen.interpreter = ""
    assert "did not start" not in " ".join(drawn(PREFERENCES))


def test_only_what_is_ready_is_used(no_worker: None, drawn: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(jobs.home())
    folder = place.new_folder()
    finish_env(folder / INTERPRETER)
    assert preferences.worker_python(bpy.context) is None, "a half-made environment is used"
    ready = place.set_ready(folder, "cpu", requirements())
    assert preferences.worker_python(bpy.context) == ready.python
    for shown in (PREFERENCES, path_panels.NINGYO_PT_view3d):
        assert "The worker is of an older version" not in " ".join(drawn(shown))
    place.set_ready(folder, "cpu", (*requirements(), "something=="))
    assert preferences.worker_python(bpy.context) == ready.python, "it may still do"
    for shown in (PREFERENCES, path_panels.NINGYO_PT_view3d, path_panels.NINGYO_PT_sequencer):
        assert "The worker is of an older version: set it up again" in " ".join(drawn(shown))
    monkeypatch.setattr(environment, "preferences", lambda context: SimpleNamespace(**{**vars(CHOSEN), "interpreter": sys.executable}))
    assert "older version" not in " ".join(drawn(path_panels.NINGYO_PT_view3d)), "another Python is the worker"


def test_blenders_own_python_is_never_blender(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert worker.blenders_python("") == Path(sys.executable)
    blender = tmp_path / "blender"
    blender.touch()
    monkeypatch.setattr(sys, "executable", str(blender))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "5.2" / "python"))
    assert worker.blenders_python(str(blender)) is None
    names = ("python.exe",) if sys.platform == "win32" else ("bin", f"python{sys.version_info[0]}.{sys.version_info[1]}")
    own = tmp_path.joinpath("5.2", "python", *names)
    finish_env(own)
    assert worker.blenders_python(str(blender)) == own


ENABLED = """
import sys
import bpy
before = set(sys.modules)
import ningyo
ningyo.register()
print(*sorted({name.split(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names) - {"bpy"}))
sys.stdout.flush()
import os
os._exit(0)
"""


def test_enabling_imports_nothing_but_itself(isolated: Any, tmp_path: Path) -> None:
    command = [sys.executable, "-c", ENABLED]
    done = subprocess.run(command, env=isolated(str(tmp_path)), capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.splitlines()[-1:] == ["ningyo"], done.stdout + done.stderr


def test_the_manifest_asks_for_what_is_used() -> None:
    """Each permission has its reason, as short as Blender wants it, and a place in the code that uses it."""
    permissions = tomllib.loads((ROOT / "blender_manifest.toml").read_text("utf-8"))["permissions"]
    assert all(0 < len(reason) <= 64 and reason[-1].isalnum() for reason in permissions.values())
    code = "\n".join(path.read_text("utf-8") for part in ("addon", "sequencer") for path in (ROOT / part).rglob("*.py"))
    uses = {
        "files": "write_atomically" in code,
        "network": "online_access" in code,
        "clipboard": ".clipboard" in code,
        "camera": '"--camera"' in code,
        "microphone": "microphone" in code,
    }
    assert set(permissions) == {name for name, used in uses.items() if used}
