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


OPERATORS = [cls for cls in CLASSES if issubclass(cls, bpy.types.Operator)]
# What changes nothing that undo knows: they start jobs, look at what is there, or write files.
NO_DATA = {
    *(
        "capture",
        "render",
        "train",
        "generate",
        "run",
        "demo",
        "set_up_worker",
        "check_worker",
        "cancel",
        "retry",
        "clear_jobs",
        "show_log",
    ),
    *(
        "open_folder",
        "export_bvh",
        "live_preview",
        "overlay_frame",
        "path_preview",
        "path_preset_add",
        "dataset_preset_add",
        "set_model_aside",
    ),
    *("dataset_save_job", "dataset_preview", "dataset_render", "dataset_verify", "dataset_stats", "dataset_export", "dataset_train"),
    *("dataset_generate", "show_training"),
}
SMALL = {"a", "an", "and", "for", "from", "in", "of", "on", "the", "to", "with"}
NAMES = {"pix2pix", "pix2pixHD", "ControlNet (imagefolder)", "dance_now", "wheel"}  # of programs, as these write them


def short(cls: Any) -> str:
    return str(cls.bl_idname).removeprefix("ningyo.")


def rna_of(cls: Any) -> Any:
    return getattr(bpy.ops.ningyo, short(cls)).get_rna_type()


def own_properties() -> dict[str, Any]:
    """Ours, not those that Blender's helpers for files and presets bring along."""
    groups = [(cls.__name__, cls.bl_rna, cls) for cls in CLASSES if hasattr(cls, "bl_rna") and not issubclass(cls, bpy.types.Operator)]
    groups += [(cls.__name__, rna_of(cls), cls) for cls in OPERATORS]
    return {
        f"{name}.{prop.identifier}": prop
        for name, rna, cls in groups
        for prop in rna.properties
        if any(prop.identifier in vars(base).get("__annotations__", {}) for base in cls.__mro__ if ".addon." in base.__module__)
    }


def assert_title_case(text: str, where: str) -> None:
    for number, word in enumerate(text.rstrip("…").split()):
        assert text in NAMES or not word[0].islower() or (number and word in SMALL), f"{where}: {text}"


def assert_tooltip(text: str, where: str) -> None:
    assert not text.endswith("."), f"{where}: {text}"
    assert text == " ".join(text.split()), f"{where}: {text}"
    assert not text[0].islower() or text in NAMES, f"{where}: {text}"


def test_every_button_says_what_it_does(addon) -> None:
    for cls in OPERATORS:
        description = rna_of(cls).description
        assert len(description) > 10, cls
        assert_tooltip(description, cls.__name__)
        assert_title_case(cls.bl_label, cls.__name__)


def test_panels_and_settings_are_named_as_blender_names_them(addon) -> None:
    for cls in (cls for cls in CLASSES if issubclass(cls, bpy.types.Panel | bpy.types.Menu)):
        assert_title_case(cls.bl_label, cls.__name__)
    found = own_properties()
    assert len(found) > 150
    for where, prop in found.items():
        if prop.name != prop.identifier:  # otherwise nobody is shown it
            assert_title_case(prop.name, where)
            assert prop.description or prop.is_hidden or "_OT_" in where, f"{where} says nothing"
        items = list(prop.enum_items) if prop.type == "ENUM" else []
        for text in filter(None, [prop.description, *(item.description for item in items)]):
            assert_tooltip(text, where)
        for item in items:
            assert_title_case(item.name, where)


def test_what_changes_data_can_be_undone(addon) -> None:
    for cls in OPERATORS:
        assert (short(cls) not in NO_DATA) == ("UNDO" in getattr(cls, "bl_options", set())), cls
    assert {short(cls) for cls in OPERATORS} >= NO_DATA


def test_the_search_offers_nothing_that_only_a_button_can_call(addon, empty_blender) -> None:
    """What needs to be told something that is hidden has no use in the search, which tells it nothing."""
    for cls in OPERATORS:
        needs = [
            prop.identifier for prop in rna_of(cls).properties if prop.identifier in ("person", "frame", "model", "character", "which")
        ]
        hidden = {prop.identifier for prop in rna_of(cls).properties if prop.is_hidden} & set(needs)
        if "job" in rna_of(cls).properties and short(cls) != "add_strips":  # which takes the path's frames without one
            hidden.add("job")
        assert bool(hidden) <= ("INTERNAL" in getattr(cls, "bl_options", set())), cls


def test_a_grey_button_says_why(addon, empty_blender) -> None:
    """Whatever refuses in an empty scene does so in words: without them, Blender says just that the context is wrong."""
    refused = 0
    for cls in OPERATORS:
        if getattr(bpy.ops.ningyo, short(cls)).poll():
            continue
        with pytest.raises(RuntimeError) as error:
            getattr(bpy.ops.ningyo, short(cls))("EXEC_DEFAULT")
        assert "context is incorrect" not in str(error.value), cls
        refused += 1
    assert refused > 15


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
