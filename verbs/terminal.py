# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's events on the terminal: as a bar, or as JSON lines."""

from __future__ import annotations

import json
import time
from typing import TextIO

from ..jobs.progress import Event

BAR_WIDTH = 24
REDRAW_SECONDS = 0.1
PASSING_ARTEFACTS = ("frame", "checkpoint", "preview")  # for a watcher that shows pictures; too many for a terminal
LINE_SECONDS = 15.0  # between lines where there is no terminal to redraw a bar on


class JsonLines:
    """Each event as one JSON object a line."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def __call__(self, event: Event) -> None:
        self._out.write(json.dumps(event) + "\n")
        self._out.flush()


class ProgressBar:
    """A bar on `bar` (stderr), what was made on `out` (stdout)."""

    def __init__(self, bar: TextIO, out: TextIO) -> None:
        self._bar = bar
        self._out = out
        self._stage = ""
        self._drawn_at = 0.0
        self._pending: Event | None = None
        self._width = 0

    def __call__(self, event: Event) -> None:
        kind = event["type"]
        if kind == "progress":
            self._pending = event
            interval = REDRAW_SECONDS if self._bar.isatty() else LINE_SECONDS
            if time.monotonic() - self._drawn_at >= interval:
                self._draw()
            return
        if kind in ("stage", "result"):
            self._draw()
            self._end_line()
        if kind == "stage":
            self._stage = event["stage"]
            self._drawn_at = 0.0
        elif kind == "summary":
            self._out.write(event["text"] + "\n")
            self._out.flush()
        elif kind == "artefact" and event["kind"] not in PASSING_ARTEFACTS:
            self._clear()
            self._out.write(f"{event['kind']}: {event['path']}\n")
            self._out.flush()
        elif kind == "check":
            self._out.write(
                f"{'ok ' if event['ok'] else 'NO '} {event['name']:<17} {event['found']}{'' if event['ok'] else '  ' + event['advice']}\n"
            )
            self._out.flush()
        elif kind == "warning":
            self._clear()
            self._bar.write(f"ningyo: note: {event['text']}\n")
        elif kind == "error":
            self._clear()
            self._pending = None
            self._bar.write(f"ningyo: {event['text']}\n")
        elif kind == "result" and event["state"] == "cancelled":
            self._bar.write("ningyo: cancelled; run the same command again to go on.\n")
        self._bar.flush()

    def _draw(self) -> None:
        if self._pending is None:
            return
        text = bar_text(self._stage, self._pending)
        self._drawn_at = time.monotonic()
        self._pending = None
        if self._bar.isatty():
            self._bar.write("\r" + text.ljust(self._width))
            self._width = len(text)
        else:
            self._bar.write(text + "\n")
        self._bar.flush()

    def _clear(self) -> None:
        if self._bar.isatty() and self._width:
            self._bar.write("\r" + " " * self._width + "\r")
            self._width = 0

    def _end_line(self) -> None:
        if self._bar.isatty() and self._width:
            self._bar.write("\n")
            self._width = 0


def bar_text(stage: str, event: Event) -> str:
    """One line: stage, bar, counts, rate, time left."""
    done, total, unit = event["done"], event["total"], event["unit"]
    parts = [f"{stage:>9}" if stage else ""]
    if total:
        fraction = min(done / total, 1.0)
        filled = round(BAR_WIDTH * fraction)
        parts.append(f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {fraction:4.0%}")
        parts.append(f"{done:g}/{total:g} {unit}")
    else:
        parts.append(f"{done:g} {unit}")
    if event.get("rate"):
        parts.append(f"{event['rate']:.3g}/s")
    if event.get("seconds_left") is not None:
        parts.append(f"{duration_text(event['seconds_left'])} left")
    if event.get("note"):
        parts.append(event["note"])
    return "  ".join(part for part in parts if part)


def duration_text(seconds: float) -> str:
    """'45 s', '3 min 20 s' or '2 h 05 min'."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"
