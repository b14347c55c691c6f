# SPDX-License-Identifier: GPL-3.0-or-later
"""Environments made for real: by venv and pip, from tiny wheels in a folder or on an index of this machine."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ningyo.environment import making, requirements
from ningyo.environment.making import Order, make
from ningyo.environment.place import Place
from ningyo.environment.requirements import Size
from ningyo.errors import Cancelled, UserError
from ningyo.jobs.folder import WorkerJob, request_cancel
from ningyo.jobs.lock import FileLock
from ningyo.jobs.progress import Event, Reporter

SMALL = {"cpu": Size(0.0, 0.001), "cuda": Size(0.0, 0.001)}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tiny packages need no gigabytes of disk."""
    monkeypatch.setattr(making, "size", lambda compute: SMALL[compute])


def said_by(python: Path, script: str) -> str:
    return subprocess.run([str(python), "-I", "-c", script], capture_output=True, text=True, check=True).stdout.strip()


def versions(python: Path) -> list[str]:
    return said_by(python, "import alpha, beta; print(alpha.VERSION, beta.VERSION)").split()


def check(python: Path, _report: Reporter) -> None:
    """In place of the doctor, who would miss torch."""
    assert len(versions(python)) == 2


def stages(events: list[Event]) -> list[str]:
    return [event["stage"] for event in events if event["type"] == "stage"]


def test_from_a_folder_of_wheels_and_again(base: Path, project: Path, wheels: Path, wheel: Callable[..., Path], tmp_path: Path) -> None:
    events: list[Event] = []
    home = tmp_path / "Größe mit Leerzeichen 人形"
    order = Order(home, base=base, wheels=wheels, project=project)
    ready = make(order, Reporter(events.append), check=check)
    assert versions(ready.python) == ["1.0", "2.0"]
    assert stages(events) == ["find Python", "create environment", "download", "install", "check"]
    installed = [event for event in events if event["type"] == "progress" and event["unit"] == "packages"]
    assert not installed or installed[-1]["total"] == 2
    place = Place(home)
    assert place.ready() == ready
    assert not place.downloads.exists()
    assert not place.temporary.exists()
    assert not ready.is_current, "it was made for other requirements than Ningyo's"

    # The next version wants a package that the folder lacks: the old environment stays.
    project.write_text(project.read_text("utf-8").replace('"alpha==1.0"', '"alpha==1.0", "gamma"'), "utf-8")
    requirements.requirements.cache_clear()
    with pytest.raises(UserError, match="The folder of wheels has no gamma"):
        make(order, Reporter(), check=check)
    assert place.ready() == ready
    assert versions(ready.python) == ["1.0", "2.0"]
    # After adding it, the same again takes its place.
    wheel(wheels, "gamma", "3.0")
    again = make(order, Reporter(), check=check)
    assert again.folder != ready.folder
    assert place.ready() == again
    assert not ready.folder.exists()
    assert not place.downloads.exists()


def test_stopped_midway_it_goes_on_without_downloading_again(
    base: Path, project: Path, wheels: Path, index: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.folder = wheels
    monkeypatch.setenv("PIP_INDEX_URL", f"http://{index.address}/simple")
    monkeypatch.setattr(making.Pip, "renew", lambda self: None)
    job, end = WorkerJob(tmp_path / "job", "setup", []), threading.Event()

    def stop_at_beta(name: str) -> None:
        if name.startswith("beta"):
            request_cancel(job.folder)
            end.wait(60)

    index.before_file = stop_at_beta
    order = Order(tmp_path / "home", base=base, project=project)
    with pytest.raises(Cancelled):
        make(order, Reporter(job.sink, job.is_cancelled), check=check)
    end.set()
    job.close()
    assert Place(order.home).ready() is None, "a half-made environment counts as ready"
    index.before_file = lambda name: None
    ready = make(order, Reporter(), check=check)
    assert versions(ready.python) == ["1.0", "2.0"]
    assert index.asked["alpha-1.0-py3-none-any.whl"] == 1
    assert index.asked["beta-2.0-py3-none-any.whl"] == 2


def test_an_unfit_environment_is_not_ready(base: Path, project: Path, wheels: Path, tmp_path: Path) -> None:
    """Here the check is the true one, which misses torch and all the rest."""
    events: list[Event] = []
    with pytest.raises(UserError, match=r"Everything is installed, but does not work here: .*torch: does not import"):
        make(Order(tmp_path, base=base, wheels=wheels, project=project), Reporter(events.append))
    assert Place(tmp_path).ready() is None
    found = {event["name"]: event["ok"] for event in events if event["type"] == "check"}
    assert found["python"]
    assert not found["torch"]


def test_the_wanted_build_of_torch(
    base: Path, project: Path, wheel: Callable[..., Path], index: Any, builds: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From its own index where that answers; the standard one, with a warning, where it does not."""
    wheel(index.folder, "torch", "1.0", requires=("alpha",))
    wheel(index.folder, "alpha", "1.0")
    wheel(builds.folder, "torch", "1.0+cpu", requires=("alpha",))
    monkeypatch.setenv("PIP_INDEX_URL", f"http://{index.address}/simple")
    monkeypatch.setattr(making.Pip, "renew", lambda self: None)
    monkeypatch.setattr(making, "torch_index", lambda compute: f"http://{builds.address}/whl/{compute}")
    project.write_text('[project]\ndependencies = ["alpha"]\n[project.optional-dependencies]\nworker = ["torch==1.0"]\n', "utf-8")
    for home, version, warned in (("first", "1.0+cpu", 0), ("second", "1.0", 1)):
        events: list[Event] = []
        found: list[str] = []

        def look(python: Path, _report: Reporter, found: list[str] = found) -> None:
            found.append(said_by(python, "import torch; print(torch.VERSION)"))

        make(Order(tmp_path / home, base=base, project=project), Reporter(events.append), check=look)
        assert found == [version]
        warnings = [event["text"] for event in events if event["type"] == "warning"]
        assert len(warnings) == warned
        assert not warned or "its standard build is taken, which is for CUDA" in warnings[0]
        builds.close()
    monkeypatch.setitem(SMALL, "cuda", Size(0.0, 1e9))
    with pytest.raises(UserError, match=r"takes about 1e\+09 GB"):
        make(Order(tmp_path / "third", base=base, project=project), Reporter(), check=check)
    assert builds.asked["torch"] == 1
    assert not builds.asked["alpha"], "only torch comes from its own index"


def test_what_is_refused_before_it_begins(project: Path, wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="There are no wheels in"):
        make(Order(home, wheels=tmp_path / "empty", project=project), Reporter())
    with pytest.raises(UserError, match="cannot be the worker's base: it cannot be run"):
        make(Order(home, base=tmp_path / "no such python", wheels=wheels, project=project), Reporter())
    lock = FileLock(Place(home).folder / "lock")
    assert lock.acquire()
    with pytest.raises(UserError, match="being set up already"):
        make(Order(home, wheels=wheels, project=project), Reporter())
    lock.release()
    monkeypatch.setattr(making, "size", lambda compute: Size(1.0, 1e9))
    with pytest.raises(UserError, match=r"takes about 1e\+09 GB on the disk of .*home, where .* GB are free"):
        make(Order(home, wheels=wheels, project=project), Reporter())
    assert [path.name for path in Place(home).folder.iterdir()] == ["lock"]


def test_a_mark_counts_only_where_it_was_written(tmp_path: Path) -> None:
    place = Place(tmp_path / "home")
    assert place.ready() is None
    folder = place.new_folder()
    made = place.set_ready(folder, "cpu", requirements.requirements())
    assert place.ready() is None, "there is no interpreter"
    made.python.parent.mkdir(parents=True)
    made.python.touch()
    assert place.ready() == made
    assert made.is_current
    assert not place.set_ready(folder, "cpu", ("torch==1",)).is_current
    place.home.rename(tmp_path / "moved")
    assert Place(tmp_path / "moved").ready() is None
    text: Any = (tmp_path / "moved" / "worker" / "ready.json").read_text("utf-8")
    (tmp_path / "moved" / "worker" / "ready.json").write_text(text[:20], "utf-8")
    assert Place(tmp_path / "moved").ready() is None
