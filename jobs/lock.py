# SPDX-License-Identifier: GPL-3.0-or-later
"""A lock file that the operating system releases when its owner dies, on Linux, macOS and Windows."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import BinaryIO

if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: BinaryIO) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(file: BinaryIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


class FileLock:
    """Exclusive lock on `path`. `acquire` returns False when another live process holds it."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._file: BinaryIO | None = None

    def acquire(self) -> bool:
        file = open(self.path, "a+b")
        try:
            _try_lock(file)
        except OSError:
            file.close()
            return False
        # Children must not inherit the lock, or it would outlive its owner.
        os.set_inheritable(file.fileno(), False)
        self._file = file
        return True

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def is_locked(path: Path | str) -> bool:
    """Whether a live process holds the lock file (False where there is none)."""
    if not Path(path).exists():
        return False
    lock = FileLock(path)
    if lock.acquire():
        lock.release()
        return False
    return True
