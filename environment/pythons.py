# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding a Python 3.11 to make the worker's environment with, or fetching one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..errors import UserError
from ..jobs.progress import Reporter
from . import process
from .place import INTERPRETER, Place
from .requirements import PYTHON, tool

WANTED = ".".join(map(str, PYTHON))
# What an environment cannot be made without; Debian, for one, leaves ensurepip out of a bare Python.
PROBE = "import ctypes, ensurepip, ssl, sys, venv, zlib; print(*sys.version_info[:3], sys.maxsize > 2**32)"
PROBE_SECONDS = 30.0
INSTALL_IT = f"install Python {WANTED} from python.org, choose it as Base Python in the add-on's preferences, and set up the worker again"


def unfit(python: Path) -> str:
    """Why an interpreter is not fit for the environment, in words; empty when it is."""
    try:
        done = subprocess.run(
            [str(python), "-I", "-c", PROBE],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PROBE_SECONDS,
            check=False,
            creationflags=process.HIDDEN,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"it cannot be run ({error.strerror if isinstance(error, OSError) else 'it does not answer'})"
    if done.returncode:
        return f"it lacks a part of Python ({done.stderr.strip().splitlines()[-1] if done.stderr.strip() else done.returncode})"
    *version, wide = done.stdout.split()
    if tuple(map(int, version[:2])) != PYTHON:
        return f"it is Python {'.'.join(version)}"
    return "" if wide == "True" else "it is a 32-bit Python"


def candidates(place: Place, environment: Mapping[str, str] = os.environ) -> Iterator[Path]:
    """Where a Python 3.11 may be, the likeliest first; Blender's own, which goes with Blender, last."""
    yield from sorted(place.pythons.glob(f"*/{'python.exe' if sys.platform == 'win32' else f'bin/python{WANTED}'}"))
    for name in (f"python{WANTED}", "python3", "python"):
        found = shutil.which(name, path=environment.get("PATH"))
        if found:
            yield Path(found)
    home = Path(environment.get("USERPROFILE" if sys.platform == "win32" else "HOME") or Path.home())
    if sys.platform == "win32":
        yield from windows_pythons(environment)
    else:
        for folder in (
            "/usr/bin",
            "/usr/local/bin",
            "/opt/homebrew/bin",
            f"/Library/Frameworks/Python.framework/Versions/{WANTED}/bin",
            f"/opt/homebrew/opt/python@{WANTED}/bin",
        ):
            yield Path(folder) / f"python{WANTED}"
        yield from sorted(home.glob(f".pyenv/versions/{WANTED}.*/bin/python{WANTED}"), reverse=True)
        yield from sorted(home.glob(f".local/share/uv/python/cpython-{WANTED}.*/bin/python{WANTED}"), reverse=True)
    yield Path(sys.executable)


def windows_pythons(environment: Mapping[str, str]) -> Iterator[Path]:
    """What Windows' launcher knows, and the places where Python's installer puts it."""
    launcher = shutil.which("py", path=environment.get("PATH"))
    if launcher:
        asked = [launcher, f"-{WANTED}", "-I", "-c", "import sys; print(sys.executable)"]
        done = subprocess.run(asked, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, creationflags=process.HIDDEN)
        if done.returncode == 0 and done.stdout.strip():
            yield Path(done.stdout.strip())
    folder = "Python" + WANTED.replace(".", "")
    for base in (environment.get("LOCALAPPDATA", "") + "\\Programs\\Python", environment.get("ProgramFiles", ""), "C:"):
        yield Path(base + "\\" + folder + "\\python.exe")


def find(place: Place, chosen: Path | None = None, environment: Mapping[str, str] = os.environ) -> Path | None:
    """A fit Python, or None. UserError where the `chosen` one is not fit."""
    if chosen is not None:
        reason = unfit(chosen)
        if reason:
            raise UserError(f"{chosen} cannot be the worker's base: {reason}; choose a Python {WANTED} as Base Python, or leave it empty.")
        return chosen
    tried: set[Path] = set()
    for candidate in candidates(place, environment):
        if candidate not in tried and candidate.is_file():
            tried.add(candidate)
            reason = unfit(candidate)
            if not reason:
                return candidate
            print(f"{candidate}: {reason}", flush=True)
    return None


def fetch(place: Place, report: Reporter, project: Path, environment: Mapping[str, str]) -> Path:
    """A Python 3.11 by uv, which fetches the builds that its makers publish. Raises UserError where that cannot be done."""
    helper = place.temporary / "uv"
    try:
        process.run([sys.executable, "-I", "-m", "venv", str(helper)], report)
        python = str(helper / INTERPRETER)
        process.run([python, "-I", "-m", "pip", "install", "--only-binary=:all:", tool("uv", project)], report, environment=environment)
        process.run(
            [str((helper / INTERPRETER).with_name("uv")), "python", "install", WANTED],
            report,
            environment={
                **environment,
                "UV_PYTHON_INSTALL_DIR": str(place.pythons),
                "UV_CACHE_DIR": str(place.downloads / "uv"),
                # Only for Ningyo: neither a command for the user's shell nor an entry in Windows' registry.
                "UV_PYTHON_INSTALL_BIN": "0",
                "UV_PYTHON_INSTALL_REGISTRY": "0",
                "UV_NO_CONFIG": "1",
            },
        )
    except process.Failed as failure:
        print(failure, flush=True)
        raise UserError(f"No Python {WANTED} was found, and fetching one failed; {INSTALL_IT}.") from failure
    fetched = find(place)
    if fetched is None:
        raise UserError(f"No Python {WANTED} was found, and the fetched one does not run here; {INSTALL_IT}.")
    return fetched
