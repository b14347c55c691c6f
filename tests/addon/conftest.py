# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on registered in an empty Blender, and workers that behave as told."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
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
def worker_text() -> Callable[[str], str]:
    """The whole Python text of a worker that behaves as a script says."""
    return lambda script: WORKER.format(root=str(PACKAGE_PARENT), script=script)


@pytest.fixture
def scripted_worker(addon: Any, worker_text: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """From now on, jobs run this Python text in a process of its own, whatever their verb; `folder` is the job's."""
    worker = importlib.import_module("ningyo.addon.worker")

    def use(script: str) -> None:
        text = worker_text(script)
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


LEAVE = "\nsys.stdout.flush(); sys.stderr.flush(); import os; os._exit(0)\n"


@pytest.fixture
def in_another_blender(tmp_path: Path, isolated: Callable[[str], dict[str, str]]) -> Callable[..., str]:
    """Runs a script in a Blender of its own, whose user has nothing yet but what earlier ones of the same test left; what it prints."""

    def run(script: str, *arguments: str) -> str:
        # An exception must end the process the quick way too: old Blenders hang when the interpreter shuts down.
        body = "".join(f"    {line}\n" for line in script.splitlines())
        guarded = (
            f"import os, sys, traceback\ntry:\n{body}"
            f"except BaseException:\n    traceback.print_exc(); sys.stderr.flush(); os._exit(1)\n{LEAVE}"
        )
        command = [sys.executable, "-c", guarded, *arguments]
        done = subprocess.run(command, env=isolated(str(tmp_path)), capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


class WrittenDown:
    """A layout that keeps the texts it is given, since a module without a window draws nothing."""

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts

    def label(self, *, text: str = "", icon: str = "NONE", translate: bool = True) -> None:
        self.texts.append(text)

    def progress(self, *, factor: float, type: str, text: str) -> None:
        self.texts.append(f"progress({text}")

    def operator(self, name: str, **_how: Any) -> Any:
        group, _, verb = name.partition(".")
        assert verb in dir(getattr(importlib.import_module("bpy").ops, group)), name
        self.texts.append(f"button({name}")
        return type("Properties", (), {})()

    def operator_menu_enum(self, name: str, _property: str, **_how: Any) -> Any:
        return self.operator(name)

    def prop(self, data: Any, name: str, **_how: Any) -> None:
        assert hasattr(data, name), name

    def template_icon(self, *, icon_value: int, scale: float) -> None:
        assert icon_value >= 0  # 0 where there is no window
        self.texts.append("picture")

    def separator(self) -> None:
        pass

    def popover(self, *, panel: str, **_how: Any) -> None:
        assert hasattr(importlib.import_module("bpy").types, panel), panel
        self.texts.append(f"popover({panel}")

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


TRACK_FPS, TRACK_FRAMES = 25.0, 12
# Where a standing person's landmarks are: metres from the hips' middle, to the person's left, up, to the front.
LEFT_LANDMARKS = {
    11: (0.18, 0.5, 0.0),
    13: (0.25, 0.25, 0.0),
    15: (0.28, 0.0, 0.05),
    17: (0.29, -0.07, 0.05),
    19: (0.28, -0.09, 0.07),
    21: (0.26, -0.05, 0.08),
    23: (0.1, 0.0, 0.0),
    25: (0.1, -0.43, 0.02),
    27: (0.1, -0.84, -0.02),
    29: (0.1, -0.9, -0.06),
    31: (0.12, -0.9, 0.14),
    7: (0.07, 0.68, 0.02),
    9: (0.03, 0.63, 0.1),
    1: (0.02, 0.7, 0.1),
    2: (0.03, 0.7, 0.1),
    3: (0.04, 0.7, 0.09),
}
LANDMARKS = np.zeros((33, 3))
LANDMARKS[0] = (0.0, 0.67, 0.12)
for _index, _place in LEFT_LANDMARKS.items():
    LANDMARKS[_index] = _place
    LANDMARKS[_index + (3 if _index < 4 else 1)] = np.array(_place) * (-1, 1, 1)


def write_standing_track(path: Path, first: int = 0, people: int = 1) -> None:
    """People who face the camera and lift the left arm, each half a metre beside the one before; there from frame `first` on."""
    video = {
        "name": "dance.mp4",
        "path": str(path.with_name("dance.mp4")),
        "sha256": "",
        "width": 640,
        "height": 480,
        "fps": TRACK_FPS,
        "frame_count": TRACK_FRAMES,
        "duration": TRACK_FRAMES / TRACK_FPS,
        "has_audio": False,
    }
    from ningyo.synth_data.pose.track import PoseTrack

    track = PoseTrack.unseen(people, np.arange(TRACK_FRAMES) / TRACK_FPS, np.arange(TRACK_FRAMES), video, {})
    # Facing the camera, the person's left is the picture's right; y down; z away from the camera.
    places = np.repeat(LANDMARKS[None], TRACK_FRAMES, 0)
    for frame, angle in enumerate(np.linspace(0, 1.5, TRACK_FRAMES)):
        turn = np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
        arm = [13, 15, 17, 19, 21]
        places[frame, arm] = (places[frame, arm] - LANDMARKS[11]) @ turn + LANDMARKS[11]
    world = places * np.array((1, -1, -1))
    for person in range(people):
        seen = world + np.array((0.5 * person, 0, 4))
        image = np.stack([320 + 500 * seen[..., 0] / seen[..., 2], 240 + 500 * seen[..., 1] / seen[..., 2], world[..., 2] * 125], -1)
        track.body_world[person], track.body_image[person], track.body_visibility[person] = world, image, 1.0
    track.body_image[:, :first] = track.body_world[:, :first] = np.nan
    path.parent.mkdir(parents=True, exist_ok=True)
    track.save(path)


@pytest.fixture
def standing_track() -> Callable[..., None]:
    """Writes a small track: see `write_standing_track`."""
    return write_standing_track


@pytest.fixture
def closed_form(settings: Any) -> Any:
    """Settings for retargeting without a worker."""
    settings.solving.method = "CLOSED_FORM"
    return settings
