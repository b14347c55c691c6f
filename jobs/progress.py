# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running stage says of itself, and the time it has left."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import Cancelled

Event = dict[str, Any]


class Reporter:
    """Passes a stage's events to `sink` and tells the stage when to stop.

    `sink` gets every event as a dict with "time" and "type" (see docs/architecture.md). `is_cancelled` is asked once a unit of work.
    The base object, `Reporter()`, is silent.
    """

    def __init__(self, sink: Callable[[Event], None] | None = None, is_cancelled: Callable[[], bool] | None = None) -> None:
        self._sink = sink
        self._is_cancelled = is_cancelled
        self._rate = RateEstimate()

    def emit(self, type: str, **fields: Any) -> None:
        if self._sink is not None:
            self._sink({"time": round(time.time(), 3), "type": type, **fields})

    def check(self) -> None:
        """Raise Cancelled if the user asked to stop."""
        if self._is_cancelled is not None and self._is_cancelled():
            raise Cancelled

    def stage(self, name: str) -> None:
        self.emit("stage", stage=name)

    def progress(self, done: float, total: float | None, unit: str, note: str = "") -> None:
        """Say that `done` of `total` units are done (`total` None: unknown). Raises Cancelled if the user asked to stop."""
        rate, seconds_left = self._rate.update(unit, done, total)
        self.emit("progress", done=done, total=total, unit=unit, rate=rate, seconds_left=seconds_left, note=note)
        self.check()

    def artefact(self, kind: str, path: Path | str) -> None:
        self.emit("artefact", kind=kind, path=str(path))

    def warning(self, text: str) -> None:
        self.emit("warning", text=text)


class RateEstimate:
    """Units a second since the stage began: robust against single slow units, and right when resuming half-way."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._unit: str | None = None
        self._start = (0.0, 0.0)  # time, units done
        self._last_done = 0.0

    def update(self, unit: str, done: float, total: float | None) -> tuple[float | None, float | None]:
        """Units a second and seconds left, or None while they cannot be known."""
        now = self._clock()
        if unit != self._unit or done < self._last_done:
            self._unit, self._start = unit, (now, done)
        self._last_done = done
        seconds, units = now - self._start[0], done - self._start[1]
        if seconds <= 0 or units <= 0:
            return None, None
        rate = units / seconds
        left = None if total is None else max(total - done, 0) / rate
        return round(rate, 3), None if left is None else round(left, 1)


SILENT = Reporter()
