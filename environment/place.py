# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the worker's environment lies, and the mark that says it is whole.

Under the add-on's folder:

    worker/env-N/        an environment; only the one that the mark names counts
    worker/ready.json    the mark, written last
    worker/downloads/    wheels and pip's cache while an environment is being made: what is in it is not downloaded again
    worker/tmp/          pip's temporary files, so that they fill no other disk
    worker/python/       a Python 3.11, where none was found and one was fetched
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from ..jobs.folder import write_atomically
from .requirements import fingerprint, requirements

INTERPRETER = Path("Scripts/python.exe") if sys.platform == "win32" else Path("bin/python")
PACKAGES = Path("Lib/site-packages") if sys.platform == "win32" else Path("lib/python3.11/site-packages")


@dataclass(frozen=True)
class Ready:
    """A whole environment."""

    folder: Path
    compute: str
    requirements: str  # their fingerprint when it was made

    @property
    def python(self) -> Path:
        return self.folder / INTERPRETER

    @property
    def is_current(self) -> bool:
        """Whether it has what this version of Ningyo needs."""
        return self.requirements == fingerprint(requirements())


@dataclass(frozen=True)
class Place:
    """The folders of the environment of an add-on whose own folder is `home`."""

    home: Path

    @property
    def folder(self) -> Path:
        return self.home / "worker"

    @property
    def mark(self) -> Path:
        return self.folder / "ready.json"

    @property
    def downloads(self) -> Path:
        return self.folder / "downloads"

    @property
    def temporary(self) -> Path:
        return self.folder / "tmp"

    @property
    def pythons(self) -> Path:
        return self.folder / "python"

    def ready(self) -> Ready | None:
        """The environment that may be used; None where there is none, or a half-made or moved one."""
        try:
            mark = json.loads(self.mark.read_text("utf-8"))
            found = Ready(Path(mark["folder"]), str(mark["compute"]), str(mark["requirements"]))
            # The paths inside an environment are absolute, so that a copy of it would run the original, or nothing.
            in_place = os.path.samefile(found.folder.parent, self.folder)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return found if in_place and found.python.is_file() else None

    def set_ready(self, folder: Path, compute: str, lines: tuple[str, ...]) -> Ready:
        mark = {"schema": "ningyo.environment", "version": 1, "folder": str(folder), "compute": compute, "requirements": fingerprint(lines)}
        write_atomically(self.mark, json.dumps(mark, indent=1, ensure_ascii=False))
        return Ready(folder, compute, mark["requirements"])

    def new_folder(self) -> Path:
        """The name for another environment; one that is in use stays as it is until the new one is whole."""
        return next(folder for number in range(1, 1000) if not (folder := self.folder / f"env-{number}").exists())

    def clear_half_made(self) -> None:
        """Remove environments that are not the ready one. On Windows one that a job still runs in stays until the next time."""
        ready = self.ready()
        for folder in self.folder.glob("env-*"):
            if ready is None or not os.path.samefile(folder, ready.folder):
                shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(self.temporary, ignore_errors=True)
