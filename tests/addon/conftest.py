# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on registered in an empty Blender, and workers that behave as told."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

PACKAGE_PARENT = Path(__file__).parents[2]


@pytest.fixture
def addon(empty_blender: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """`ningyo.addon`, registered, with the test's own interpreter as the worker and nothing remembered."""
    jobs = importlib.import_module("ningyo.addon.jobs")
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setattr(jobs, "home", lambda: home)
    monkeypatch.setenv("NINGYO_WORKER", sys.executable)
    module = importlib.import_module("ningyo.addon")
    module.register()
    empty_blender.context.scene.ningyo.output = str(tmp_path / "out")
    yield module
    for job in jobs.JOBS:
        if job.process is not None and job.process.poll() is None:
            job.process.kill()
            job.process.wait()
    module.unregister()


# A worker that does real worker things by itself: job folder, lock, events; `script` says which.
WORKER = """
import importlib.util, os, signal, sys, time
from pathlib import Path
root = Path({root!r})
spec = importlib.util.spec_from_file_location("ningyo", root / "__init__.py", submodule_search_locations=[str(root)])
sys.modules["ningyo"] = package = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
from ningyo.errors import Cancelled
from ningyo.jobs.folder import WorkerJob
from ningyo.jobs.progress import Reporter
folder = Path(sys.argv[1])
def wait_for(name):
    while not (folder / name).exists():
        time.sleep(0.01)
{script}
"""


@pytest.fixture
def scripted_worker(addon: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """From now on, jobs run this Python text in a process of its own, whatever their verb; `folder` is the job's."""
    worker = importlib.import_module("ningyo.addon.worker")

    def use(script: str) -> None:
        text = WORKER.format(root=str(PACKAGE_PARENT), script=script)
        monkeypatch.setattr(worker, "command", lambda interpreter, verb, arguments, job: [sys.executable, "-I", "-c", text, str(job)])

    return use


@pytest.fixture
def until(addon: Any) -> Callable[..., None]:
    """Ticks, as Blender's timer would, until `condition` holds."""
    jobs = importlib.import_module("ningyo.addon.jobs")

    def wait(condition: Callable[[], bool], seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, [(job.verb, job.view) for job in jobs.JOBS]
            time.sleep(0.02)
            jobs.tick()

    return wait


@pytest.fixture
def isolated() -> Callable[[str], dict[str, str]]:
    """An environment for a Blender in another process that never touches a person's own preferences."""

    def make(resources: str) -> dict[str, str]:
        return {**os.environ, "BLENDER_USER_RESOURCES": resources, "NINGYO_WORKER": sys.executable}

    return make


class WrittenDown:
    """A layout that keeps the texts it is given, since a module without a window draws nothing."""

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts

    def label(self, *, text: str = "", icon: str = "NONE") -> None:
        self.texts.append(text)

    def progress(self, *, factor: float, type: str, text: str) -> None:
        self.texts.append(f"progress({text}")

    def operator(self, name: str, **_how: Any) -> Any:
        group, _, verb = name.partition(".")
        assert verb in dir(getattr(importlib.import_module("bpy").ops, group)), name
        self.texts.append(f"button({name}")
        return type("Properties", (), {})()

    def prop(self, data: Any, name: str, **_how: Any) -> None:
        assert hasattr(data, name), name

    def template_icon(self, *, icon_value: int, scale: float) -> None:
        assert icon_value >= 0  # 0 where there is no window
        self.texts.append("picture")

    def separator(self) -> None:
        pass

    def menu(self, name: str, **_how: Any) -> None:
        assert hasattr(importlib.import_module("bpy").types, name), name
        self.texts.append(f"menu({name}")

    def template_list(self, kind: str, _id: str, data: Any, name: str, active: Any, active_name: str, **_how: Any) -> None:
        assert hasattr(importlib.import_module("bpy").types, kind), kind
        assert hasattr(active, active_name), active_name
        for item in getattr(data, name):
            bpy = importlib.import_module("bpy")
            self.texts.append(f"line({getattr(item, 'person', item.name)}")
            getattr(bpy.types, kind).draw_item(None, bpy.context, self, data, item, 0, active, active_name, 0)

    def part(self, *, heading: str = "", **_how: Any) -> WrittenDown:
        self.texts += [heading] if heading else []
        return WrittenDown(self.texts)

    row = column = split = box = grid_flow = part


@pytest.fixture
def drawn(addon: Any) -> Callable[[Any], list[str]]:
    """The texts that a panel shows."""

    def draw(panel: Any) -> list[str]:
        texts: list[str] = []
        panel.draw(SimpleNamespace(layout=WrittenDown(texts)), importlib.import_module("bpy").context)
        return texts

    return draw


@pytest.fixture(scope="session")
def doll(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The files of a character of blocks, and of a motion of another rig."""
    bpy = pytest.importorskip("bpy")
    spec = importlib.util.spec_from_file_location("ningyo_render_actor", PACKAGE_PARENT / "tests" / "render" / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    folder = tmp_path_factory.mktemp("doll")
    made.build_block_character(bpy, made._rigs.build_rig(rolls=True), folder / "blocks.blend")
    theirs = made._rigs.build_rig(seed=3, proportions=0.2)
    dataclasses.replace(made.build_motion(theirs), rig=theirs).save(folder / "swing.npz")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return folder / "blocks.blend", folder / "swing.npz"


@pytest.fixture
def settings_with_worker(addon: Any, tmp_path: Path) -> Any:
    """A scene's settings with a video chosen."""
    video = tmp_path / "dance.mp4"
    video.touch()
    chosen = importlib.import_module("bpy").context.scene.ningyo
    chosen.video = str(video)
    return chosen


@pytest.fixture
def settings(settings_with_worker: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The same without a worker: this is about Blender alone."""
    monkeypatch.delenv("NINGYO_WORKER")
    monkeypatch.setattr("ningyo.addon.worker.find_interpreter", lambda folders: None)
    return settings_with_worker
