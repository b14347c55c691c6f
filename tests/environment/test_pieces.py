# SPDX-License-Identifier: GPL-3.0-or-later
"""The pieces of setting up that need no environment: requirements, Pythons, pip's lines, the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ningyo.environment import pythons
from ningyo.environment.pip_output import PipOutput
from ningyo.environment.place import Place
from ningyo.environment.requirements import fingerprint, package_of, pinned_version, requirements, size, tool, torch_index, wheel_of
from ningyo.errors import UserError

ROOT = Path(__file__).parents[2]


def test_requirements_are_the_projects() -> None:
    lines = requirements()
    names = [package_of(line) for line in lines]
    assert {"torch", "bpy", "mediapipe", "av", "onnxruntime", "numpy"} <= set(names)
    assert all("==" in line for line in lines)
    assert len(set(names)) == len(names)
    assert "==" in tool("pip")
    assert "==" in tool("uv")
    assert fingerprint(lines) != fingerprint(lines[1:])
    assert package_of("bpy==4.5.15; python_version == '3.11'") == "bpy"


def test_builds_of_torch() -> None:
    assert (torch_index("cpu", "linux") or "").endswith("/cpu")
    assert torch_index("cuda", "linux") is None, "the standard index has CUDA's"
    assert torch_index("cpu", "win32") is None, "the standard index has the CPU's"
    assert "/cu" in (torch_index("cuda", "win32") or "")
    assert torch_index("cpu", "darwin") is None
    assert size("cuda", "linux").download > 2 * size("cpu", "linux").download
    assert size("cuda", "darwin") == size("cuda", "linux")


def test_the_wheel_of_a_requirement(tmp_path: Path) -> None:
    names = (
        "torch-2.13.0-cp311-x.whl",
        "torch-2.13.0+cpu-cp311-x.whl",
        "torch-2.12.0+cpu-cp311-x.whl",
        "opencv_contrib_python-4.11.0.86-y.whl",
    )
    for name in names:
        (tmp_path / name).touch()
    assert wheel_of("torch==2.13.0", tmp_path) == tmp_path / names[1]
    assert wheel_of("opencv-contrib-python==4.11.0.86; python_version == '3.11'", tmp_path) == tmp_path / names[3]
    assert wheel_of("torch==2.14.0", tmp_path) is None
    assert pinned_version("numpy>=1.26; python_version == '3.11'") == ""


SAID = """\
Collecting torch==2.13.0
  Downloading https://index/torch-2.13.0-cp311.whl.metadata (28 kB)
Collecting numpy==1.26.4
  Using cached numpy-1.26.4-cp311.whl (18.3 MB)
Downloading https://index/torch-2.13.0-cp311.whl (192.3 MB)
Progress 1000000 of 192300000
Progress 100000000 of 192300000
""".splitlines()


def test_how_far_pip_is() -> None:
    output = PipOutput()
    counted = [output.read(line) for line in SAID]
    assert counted == [line.startswith("Progress") for line in SAID]
    assert output.name == "torch-2.13.0-cp311.whl"
    assert output.cached == 18.3e6
    assert output.done == 118.3e6
    assert output.known == 18.3e6 + 192.3e6
    assert output.packages == 0
    output.read("Downloading small.whl (900 bytes)")
    output.read("Installing collected packages: numpy, torch")
    assert output.packages == 2
    assert output.done == output.known == 18.3e6 + 192.3e6 + 900


def test_wheels_of_a_folder_count_by_their_size(tmp_path: Path) -> None:
    (tmp_path / "a b-1-py3-none-any.whl").write_bytes(b"x" * 500)
    output = PipOutput()
    output.read(f"Processing {tmp_path}/a b-1-py3-none-any.whl")
    output.read(f"Processing {tmp_path}/gone-1-py3-none-any.whl")
    output.read(f"Processing {tmp_path}/a b-1-py3-none-any.whl (from somebody)")
    assert output.done == 500


@pytest.mark.skipif(sys.platform == "win32", reason="scripts stand in for Pythons")
def test_only_a_fit_python_is_taken(tmp_path: Path) -> None:
    def stand_in(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
        path.chmod(0o755)
        return path

    old = stand_in("bin/python3", "echo 3 10 2 True")
    narrow = stand_in("narrow", "echo 3 11 9 False")
    bare = stand_in("bare", "echo \"ModuleNotFoundError: No module named 'ensurepip'\" >&2; exit 1")
    assert pythons.unfit(old) == "it is Python 3.10.2"
    assert pythons.unfit(narrow) == "it is a 32-bit Python"
    assert "ensurepip" in pythons.unfit(bare)
    assert "cannot be run" in pythons.unfit(tmp_path / "missing")
    good = stand_in("home/worker/python/cpython-3.11.9/bin/python3.11", "echo 3 11 9 True")
    environment = {"PATH": str(old.parent), "HOME": str(tmp_path)}
    assert pythons.find(Place(tmp_path / "home"), environment=environment) == good, "one that was fetched comes first"
    found = list(pythons.candidates(Place(tmp_path / "home"), environment))
    assert found[:2] == [good, old]
    assert found[-1] == Path(sys.executable), "the Python that sets up comes last"
    with pytest.raises(UserError, match=r"it is Python 3\.10\.2; choose a Python 3\.11 as Base Python"):
        pythons.find(Place(tmp_path), old)


BARE = """
import runpy, sys

class OnlyTheStandardLibrary:
    def find_spec(self, name, path=None, target=None):
        top = name.split(".")[0]
        if top not in sys.stdlib_module_names and top != "ningyo":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, OnlyTheStandardLibrary())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_the_command_runs_on_a_bare_python(tmp_path: Path) -> None:
    """With nothing but the standard library; where Blender may not go online it says so, in the job's events too."""
    command = [sys.executable, "-I", "-c", BARE, str(ROOT / "__main__.py"), "setup"]
    command += ["--home", str(tmp_path / "home"), "--job", str(tmp_path / "job")]
    done = subprocess.run(command, env={**os.environ, "NINGYO_OFFLINE": "1"}, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stderr
    assert done.stderr.strip() == (
        "ningyo: Blender may not go online; allow online access in Preferences > System, or choose a folder of wheels."
    )
    events = [json.loads(line) for line in (tmp_path / "job" / "events.jsonl").read_text("utf-8").splitlines()]
    assert events[-1]["state"] == "failed"
    assert not (tmp_path / "home").exists()
