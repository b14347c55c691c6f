# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker needs, read from pyproject.toml, the one place with versions; and how much that is."""

from __future__ import annotations

import hashlib
import re
import sys
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"
PYTHON = (3, 11)  # bpy 4.5 and mediapipe 0.10 have wheels for no other
# Where PyTorch publishes its builds, one index for each kind of device.
TORCH_BUILDS = "https://download.pytorch.org/whl/"


@dataclass(frozen=True)
class Size:
    """Gigabytes (10⁹ bytes) to download, and on the disk when it is fullest: downloads, what is being unpacked, the environment."""

    download: float
    disk: float


# Linux's CPU build was measured; the others follow from it and the sizes of the wheels that differ, packed and unpacked.
SIZES = {
    ("linux", "cpu"): Size(1.0, 4.2),
    ("linux", "cuda"): Size(3.5, 13.0),
    ("win32", "cpu"): Size(1.0, 4.2),
    ("win32", "cuda"): Size(2.6, 9.0),
    ("darwin", "cpu"): Size(0.9, 4.0),
}


@lru_cache(maxsize=8)
def requirements(project: Path = PROJECT) -> tuple[str, ...]:
    """The worker's requirements, as pip takes them; of what is pinned the pin alone, or pip may look at another version first."""
    table = tomllib.loads(project.read_text("utf-8"))["project"]
    pinned = table["optional-dependencies"]["worker"]
    return (*(line for line in table["dependencies"] if package_of(line) not in map(package_of, pinned)), *pinned)


@lru_cache(maxsize=8)
def tool(name: str, project: Path = PROJECT) -> str:
    """The requirement of a tool that sets up with: pip or uv."""
    table = tomllib.loads(project.read_text("utf-8"))["project"]
    return next(line for line in table["optional-dependencies"]["setup"] if package_of(line) == name)


def package_of(requirement: str) -> str:
    """ "torch" of "torch==2.13.0"."""
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower()


def pinned_version(requirement: str) -> str:
    """ "2.13.0" of "torch==2.13.0"; empty where it is open."""
    return requirement.partition(";")[0].partition("==")[2].strip()


def wheel_of(requirement: str, folder: Path) -> Path | None:
    """The wheel of a pinned requirement in a folder; rather a build for one device (2.13.0+cpu) than the standard one."""
    wanted = package_of(requirement).replace("-", "_"), pinned_version(requirement)
    found = []
    for wheel in folder.glob("*.whl"):
        name, version, *_ = wheel.name.split("-")
        if (name.lower(), version.partition("+")[0]) == wanted:
            found.append(wheel)
    return max(found, key=lambda wheel: "+" in wheel.name, default=None)


def fingerprint(lines: tuple[str, ...]) -> str:
    """Changes when any requirement does."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def size(compute: str, platform: str = sys.platform) -> Size:
    """How much an environment for `compute` is here, roughly."""
    return SIZES.get((platform, compute), SIZES["linux", compute])


def torch_index(compute: str, platform: str = sys.platform) -> str | None:
    """The index with the wanted build of torch, where the standard index has another: CUDA on Linux, CPU elsewhere."""
    if platform == "linux" and compute == "cpu":
        return TORCH_BUILDS + "cpu"
    if platform == "win32" and compute == "cuda":
        return TORCH_BUILDS + "cu130"
    return None
