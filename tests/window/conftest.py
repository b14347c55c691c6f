# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Blender's window with a fresh profile, into which the extension's zip is installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ningyo.addon.build import build

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SECONDS = 1500  # for one scenario: software OpenGL on two cores is slow


@dataclass(frozen=True)
class Seen:
    """What a scenario noted, what Blender said, and where its pictures are."""

    noted: dict[str, Any]
    said: str
    folder: Path


@pytest.fixture(scope="session")
def blender() -> str:
    """The Blender to try: BLENDER, or the one on the path. Skips where there is none, or no screen to open its window on."""
    command = os.environ.get("BLENDER") or shutil.which("blender")
    if not command:
        pytest.skip("No Blender was found; say where it is with BLENDER=/path/to/blender")
    if not shutil.which(command):
        pytest.fail(f"BLENDER={command} cannot be run")
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        pytest.skip("There is no screen for Blender's window; run the tests with xvfb-run")
    return command


@pytest.fixture(scope="session")
def numpy_in_blender(blender: str) -> None:
    """Skips where Blender's own Python has no numpy, which Blender's own builds bring and a distribution's package may leave out."""
    ask = "import importlib.util; print('numpy:', importlib.util.find_spec('numpy') is not None)"
    command = [blender, "--background", "--factory-startup", "--python-expr", ask]
    said = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=120, check=False).stdout
    if "numpy: True" not in said:
        assert "numpy: False" in said, said[-2000:]
        pytest.skip("This Blender's Python has no numpy, which motions and datasets need; install it there (Debian: python3-numpy)")


@pytest.fixture(scope="module")
def place() -> Path:
    """A folder inside the repository's own, so that a Blender in a container that sees the repository sees it too. It is kept."""
    parent = ROOT / "out" / "window"
    parent.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="profile ü ", dir=parent))


@pytest.fixture(scope="module")
def act(blender: str, place: Path) -> Callable[..., Seen]:
    """Runs a scenario of this folder in a window of its own; the profile stays from one to the next, as a user's does."""
    profile = place / "profile"
    profile.mkdir()
    archive = build(place)
    environment = {
        **os.environ,
        "BLENDER_USER_RESOURCES": str(profile),
        "NINGYO_WORKER": os.environ.get("NINGYO_WORKER", sys.executable),
        "NINGYO_TRIED": json.dumps({"zip": str(archive), "place": str(place), "video": str(ROOT / "samples" / "actor.mp4")}),
    }

    def run(scenario: str, blend: Path | None = None) -> Seen:
        results = place / scenario
        results.mkdir()
        opened = [str(blend)] if blend else []
        quiet = ["--python-expr", "import bpy; bpy.context.preferences.view.show_splash = False"]
        command = [blender_command, "-p", "0", "0", "1600", "1000", *opened, *quiet, "--python", str(HERE / "press.py")]
        command += ["--", str(HERE / f"{scenario}.py"), str(results)]
        log = results / "said.txt"
        with open(log, "wb") as file:
            subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, env=environment, timeout=SECONDS, check=False)
        said = log.read_text("utf-8", "replace")
        result = results / "result.json"
        assert result.exists(), f"Blender ended without a result: {said[-2000:]}"
        noted = json.loads(result.read_text("utf-8"))
        assert noted["problem"] is None, f"{noted['problem']}\n{said[-2000:]}"
        # What a panel's drawing raises is only printed.
        assert "Traceback" not in said, said[said.index("Traceback") :][:3000]
        return Seen(noted, said, results)

    blender_command = blender
    return run
