# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Blender is looked for first)
"""Enabling and disabling, from the sources and from the built zip; buttons that never crash while being drawn."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

import ningyo
from ningyo.addon import CLASSES, jobs

ROOT = Path(__file__).parents[2]


def everything() -> dict[str, Any]:
    """All that an add-on may leave behind."""
    handlers = {name: getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers)}
    drawn = {name: getattr(getattr(bpy.types, name), "draw", None) for name in dir(bpy.types)}
    keys = bpy.context.window_manager.keyconfigs.addon
    return {
        "types": set(dir(bpy.types)),
        "scene": set(dir(bpy.types.Scene)),
        "manager": set(dir(bpy.types.WindowManager)),
        "operators": set(dir(bpy.ops.ningyo)),
        "handlers": {name: len(value) for name, value in handlers.items() if isinstance(value, list)},
        "drawn": {name: len(getattr(draw, "_draw_funcs", [draw])) for name, draw in drawn.items() if not name.startswith("NINGYO")},
        "keys": {keymap.name: len(keymap.keymap_items) for keymap in keys.keymaps} if keys else {},
        "presets": [path for what in ("path", "dataset") for path in bpy.utils.preset_paths(f"ningyo/{what}")],
        "timer": bpy.app.timers.is_registered(jobs.tick),
    }


def test_nothing_is_left_behind(empty_blender) -> None:
    before = everything()
    for _ in range(2):
        ningyo.register()
        during = everything()
        seen = [cls for cls in CLASSES if not issubclass(cls, bpy.types.PropertyGroup | bpy.types.AddonPreferences)]
        assert len(during["types"] - before["types"]) >= len(seen)
        assert "ningyo" in during["scene"]
        assert during["drawn"]["STATUSBAR_HT_header"] == before["drawn"]["STATUSBAR_HT_header"] + 1
        ningyo.unregister()
        assert everything() == before
        assert not jobs.JOBS
        assert not jobs.on_end


def test_every_button_says_what_it_does() -> None:
    for cls in (cls for cls in CLASSES if issubclass(cls, bpy.types.Operator)):
        text = getattr(cls, "bl_description", "") or (cls.__doc__ or "")
        assert len(text.strip()) > 10, cls
        assert not text.strip().endswith("."), cls
        assert cls.bl_label, cls


def test_no_button_crashes_while_it_is_drawn(addon, empty_blender) -> None:
    operators = sorted(name for name in dir(bpy.ops.ningyo) if not name.startswith("_"))
    assert len(operators) == sum(issubclass(cls, bpy.types.Operator) for cls in CLASSES)
    settings = bpy.context.scene.ningyo
    armature = bpy.data.objects.new("rig", bpy.data.armatures.new("rig"))
    for character in ("BUILTIN", "FILE", "ARMATURE"):
        for chosen in (None, armature):
            for video in ("", "/nowhere/it is.mp4", __file__):
                settings.character, settings.armature, settings.video = character, chosen, video
                assert {getattr(bpy.ops.ningyo, name).poll() for name in operators} <= {True, False}
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert {getattr(bpy.ops.ningyo, name).poll() for name in operators} <= {True, False}


HOOK = """
import sys, time

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "mediapipe", "cv2", "av", "PIL", "safetensors"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
import bpy
"""
FROM_SOURCE = """
start = time.monotonic()
import ningyo
ningyo.register()
seconds = time.monotonic() - start
from ningyo.addon.properties import plan_of, statuses
print(len(statuses(plan_of(bpy.context))))
ningyo.unregister()
assert not {name.split(".")[0] for name in sys.modules} & {"torch", "mediapipe", "cv2", "av"}
assert seconds < 2.0, seconds  # half a second where nothing else runs
"""
FROM_ZIP = """
import addon_utils
name = "bl_ext.user_default.ningyo"
bpy.ops.extensions.package_install_files(filepath=sys.argv[1], repo="user_default", enable_on_install=True)
assert name in bpy.context.preferences.addons, list(bpy.context.preferences.addons.keys())
assert addon_utils.check(name)[1]
from bl_ext.user_default.ningyo.addon import jobs
from bl_ext.user_default.ningyo.addon.preferences import preferences, worker_python
from bl_ext.user_default.ningyo.addon.properties import plan_of
assert jobs.ROOT_PACKAGE == name
preferences(bpy.context).interpreter = sys.executable
plan = plan_of(bpy.context)
assert str(plan.worker) == sys.executable
assert str(plan.out).startswith(sys.argv[2]), plan.out  # its results do not go beside its code
assert ".user" in plan.out.parts
assert bpy.ops.ningyo.demo.poll()
assert hasattr(bpy.types, "NINGYO_PT_sequencer")
assert "ningyo" not in sys.modules
addon_utils.disable(name)
assert not hasattr(bpy.types, "NINGYO_PT_sequencer")
assert not hasattr(bpy.types.Scene, "ningyo")
"""


def test_enabling_needs_no_heavy_package(in_another_blender: Callable[..., str]) -> None:
    assert in_another_blender(HOOK + FROM_SOURCE).strip().endswith("5")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "ningyo.addon.build", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.iterdir()
    return built


def test_the_zip_holds_the_extension_and_nothing_else(archive: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text("utf-8"))
    assert manifest["version"] == project["version"]
    assert manifest["license"] == [f"SPDX:{project['license']}"]
    assert archive.name == f"ningyo-{project['version']}.zip"
    with zipfile.ZipFile(archive) as file:
        names = set(file.namelist())
    assert {
        "blender_manifest.toml",
        "__init__.py",
        "__main__.py",
        "LICENSE",
        "addon/panels.py",
        "addon/languages/ja_JP.json",
        "jobs/folder.py",
        "verbs/run.py",
    } <= names
    tops = {name.split("/")[0] for name in names}
    code = {"addon", "environment", "generation", "jobs", "samples", "sequencer", "synth_data", "training", "verbs"}
    assert tops - code == {
        "__init__.py",
        "__main__.py",
        "errors.py",
        "blender_manifest.toml",
        "pyproject.toml",
        "LICENSE",
        *(tops & {"README.md"}),
    }
    assert not [name for name in names if "__pycache__" in name or "/." in name or name.startswith(".")]


def test_the_zip_installs_enables_and_disables(archive: Path, in_another_blender: Callable[..., str], tmp_path: Path) -> None:
    in_another_blender(HOOK + FROM_ZIP, str(archive), str(tmp_path.resolve()))
