# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at the disk for panels, which are drawn many times a second: on slow drives it would be felt. No Blender in here."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Generic, TypeVar

SECONDS_BETWEEN_LOOKS = 0.5

Key = TypeVar("Key", bound=Hashable)
Found = TypeVar("Found")


class Looked(Generic[Key, Found]):
    """What `look` finds for a key, looked for at most twice a second; for `most` keys at most it is remembered."""

    def __init__(self, look: Callable[[Key], Found], most: int = 1) -> None:
        self._look, self._most = look, most
        self._known: dict[Key, tuple[float, Found]] = {}

    def __call__(self, key: Key) -> Found:
        now = time.monotonic()
        known = self._known.get(key)
        if known is None or now - known[0] >= SECONDS_BETWEEN_LOOKS:
            if key not in self._known and len(self._known) >= self._most:
                self._known.clear()
            known = self._known[key] = now, self._look(key)
        return known[1]

    def forget(self) -> None:
        self._known.clear()


def stamp(file: Path) -> tuple[int, int] | None:
    """What changes when a file is written anew; None where there is none."""
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size
