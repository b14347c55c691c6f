# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker: another Python that does the heavy stages. Finding it, starting it, stopping it. No Blender in here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from ..environment.place import INTERPRETER, Place
from ..jobs.folder import LOG

ROOT = Path(__file__).resolve().parents[1]
WINDOWS = sys.platform == "win32"
# What Blender or its launcher set for Blender's own Python and libraries would mislead another Python.
MISLEADING = ("PYTHON", "__PYVENV", "LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_", "BLENDER_SYSTEM_")


def find_interpreter(folders: list[Path], environment: Mapping[str, str] = os.environ) -> Path | None:
    """The worker's Python where nobody named one: NINGYO_WORKER, or in one of `folders` what Set Up Worker made, or `.venv`."""
    named = environment.get("NINGYO_WORKER")
    candidates = [Path(named)] if named else []
    candidates += [ready.python for folder in folders if (ready := Place(folder).ready()) is not None]
    candidates += [folder / ".venv" / INTERPRETER for folder in folders]
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def blenders_python(binary: str) -> Path | None:
    """Blender's own Python, never Blender (`binary`) itself; None where it is not found."""
    version = ".".join(map(str, sys.version_info[:2]))
    places = [Path(sys.executable)] if sys.executable else []
    places += [
        Path(sys.prefix) / name for name in (("bin/python.exe", "python.exe") if WINDOWS else (f"bin/python{version}", "bin/python3"))
    ]
    for place in places:
        if place.name.lower().startswith("python") and place != Path(binary) and place.is_file():
            return place
    return None


def command(interpreter: Path, verb: str, arguments: list[str], job: Path) -> list[str]:
    """Isolated (-I), so that neither the user's packages nor the current folder get in its way."""
    return [str(interpreter), "-I", "-u", str(ROOT / "__main__.py"), verb, *arguments, "--job", str(job), "--json"]


def clean_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.upper().startswith(MISLEADING)}


def start(
    interpreter: Path, verb: str, arguments: list[str], job: Path, *, online: bool, more: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start the worker in a process group of its own, so that it outlives Blender and can be stopped with its children.

    Where Blender may not go `online`, the worker is told not to either. Its environment gets `more`. Raises OSError when the interpreter
    cannot be run.
    """
    with open(job / LOG, "ab") as log:
        return subprocess.Popen(
            command(interpreter, verb, arguments, job),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # the events, which are in the job folder too
            stderr=log,
            env=clean_environment() | ({} if online else {"NINGYO_OFFLINE": "1"}) | dict(more or {}),
            cwd=job,
            start_new_session=not WINDOWS,
            creationflags=(subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW) if sys.platform == "win32" else 0,
        )


def stop(pid: int, *, force: bool) -> None:
    """Ask the process group of worker `pid` to end, or make it. Nothing happens when it is gone."""
    if sys.platform == "win32":
        subprocess.run(
            ["taskkill", "/T", *(["/F"] if force else []), "/PID", str(pid)],
            check=False,
            capture_output=True,
            creationflags=subprocess.CREATE_NO_WINDOW,
        )
        return
    try:
        os.killpg(pid, signal.SIGKILL if force else signal.SIGTERM)
    except ProcessLookupError:
        return


def last_words(log: Path, lines: int = 1) -> str:
    """The end of a log: its last non-empty lines."""
    try:
        with open(log, "rb") as file:
            file.seek(max(os.path.getsize(log) - 8192, 0))
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    return "\n".join([line.rstrip() for line in text.splitlines() if line.strip()][-lines:])
