# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may import whom (docs/architecture.md), read from the sources."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PARTS = ("addon", "environment", "generation", "jobs", "sequencer", "synth_data", "training", "verbs", "samples")
SOURCES = sorted(
    [
        *(ROOT / file for file in ("__init__.py", "__main__.py", "errors.py")),
        *(path for part in PARTS for path in (ROOT / part).rglob("*.py")),
    ]
)

# Module → the places that may import it.
ALLOWED = {
    "bpy": ("addon/", "sequencer/", "synth_data/characters/", "synth_data/render/", "synth_data/retarget/apply.py"),
    "torch": ("training/",),
    "mediapipe": ("synth_data/capture/",),
    "cv2": ("synth_data/capture/", "synth_data/video/camera.py"),
    "av": ("synth_data/video/",),
    "PIL": ("training/", "generation/", "synth_data/video/"),
    "onnxruntime": ("generation/onnx.py", "training/smaller.py"),
    "onnx": ("training/export.py", "training/smaller.py"),
    "safetensors": ("training/",),
    "ray": ("synth_data/render/cluster.py", "training/cluster.py"),
    "scipy": ("synth_data/retarget/solver/",),
    "matplotlib": ("synth_data/dataset/stats_figures.py", "training/curves.py"),
}
ALLOWED["bmesh"] = ALLOWED["bpy_extras"] = ALLOWED["mathutils"] = ALLOWED["addon_utils"] = ALLOWED["bpy"]
# `ningyo doctor` looks whether things import; that is its work.
EXEMPT = {"verbs/doctor.py"}
NUMPY_ONLY = ("synth_data/pose/", "synth_data/dataset/")
STANDARD_LIBRARY_ONLY = ("environment/", "jobs/", "errors.py")


def imports(path: Path, *, top_level_only: bool = False) -> set[str]:
    """Absolute names of what a file imports; our own modules as `ningyo.…`."""
    package = ("ningyo", *path.relative_to(ROOT).with_suffix("").parts[:-1])
    found = set()
    tree = ast.parse(path.read_text("utf-8"))
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(node.module or "")
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1] + ((node.module,) if node.module else ()))
            found.update(f"{base}.{alias.name}" for alias in node.names)
    return found


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_third_party_modules_only_where_they_belong(path: Path) -> None:
    if name(path) in EXEMPT:
        return
    for imported in imports(path):
        places = ALLOWED.get(imported.split(".")[0])
        assert places is None or name(path).startswith(places), f"{name(path)} must not import {imported}"


@pytest.mark.parametrize("path", [path for path in SOURCES if name(path).startswith(NUMPY_ONLY + STANDARD_LIBRARY_ONLY)], ids=name)
def test_the_core_is_light(path: Path) -> None:
    own = ("ningyo.errors", "ningyo.jobs", *(("ningyo.environment",) if name(path).startswith("environment/") else ()))
    pure = ("ningyo.synth_data.pose", "ningyo.synth_data.dataset") if name(path).startswith(NUMPY_ONLY) else ()
    for imported in imports(path):
        if imported.startswith("ningyo"):
            assert imported.startswith(own + pure), f"{name(path)} must not import {imported}"
            continue
        module = imported.split(".")[0]
        numpy_allowed = module == "numpy" and name(path).startswith(NUMPY_ONLY)
        drawing_allowed = module == "matplotlib" and name(path) in ALLOWED["matplotlib"]
        assert module in sys.stdlib_module_names or numpy_allowed or drawing_allowed, f"{name(path)} must not import {imported}"


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_nothing_imports_the_addon_and_no_absolute_self_imports(path: Path) -> None:
    if name(path) in ("__init__.py", "__main__.py"):
        return
    for imported in imports(path):
        assert name(path).startswith("addon/") or not imported.startswith("ningyo.addon"), f"{name(path)} imports the add-on"
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            assert not (node.module or "").startswith("ningyo"), (
                f"{name(path)}: the extension has another name inside Blender; import relatively"
            )


@pytest.mark.parametrize("path", [path for path in SOURCES if name(path).startswith("verbs/")], ids=name)
def test_verbs_import_their_stages_late(path: Path) -> None:
    light = ("ningyo.errors", "ningyo.jobs", "ningyo.verbs")
    for imported in imports(path, top_level_only=True):
        own = imported.startswith("ningyo")
        assert imported.startswith(light) if own else imported.split(".")[0] in sys.stdlib_module_names, (
            f"{name(path)} imports {imported} early"
        )


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_files_are_licensed_described_and_short(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.startswith("# SPDX-License-Identifier: GPL-3.0-or-later")
    assert len(text.splitlines()) <= 500
    if text.count("\n") > 1:
        assert ast.get_docstring(ast.parse(text)), f"{name(path)} does not say what it is"
