# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's state in words. No Blender in here."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from .language import said

TITLES = {
    "capture": "Capture",
    "overlay": "Overlay",
    "retarget": "Retarget",
    "render": "Render",
    "train": "Train",
    "generate": "Generate",
    "run": "Do It All",
    "demo": "Demo",
    "setup": "Set Up Worker",
    "doctor": "Check",
}
DATASET_TITLES = {"verify": "Verify", "stats": "Statistics", "export": "Export"}
STATES = {
    "waiting": "starting…",
    "running": "running",
    "done": "done",
    "failed": "failed",
    "cancelled": "stopped",
    "lost": "died",
}


FRACTIONS = ("MB", "seconds")  # units of which a tenth is worth a letter
# What a line may be broken after: a word with its spaces, or a letter of a script that has no gaps between words. Their points and closing
# brackets stay with what is before them, opening ones with what is after them.
_PIECE = re.compile(r"[（「『]*(?:[^\s\u2e80-\uffef]+|[\u2e80-\uffef])[、。，．）」』！？ーっゃゅょッャュョ…:;,.)]*\s*")


def wrapped(text: str, width: int) -> list[str]:
    """In lines of `width` letters at most, of which Chinese, Japanese and Korean ones count two. Longer words are broken."""
    lines = [""]
    for piece in _PIECE.findall(" ".join(text.split())):
        if lines[-1] and _width(lines[-1]) + _width(piece.rstrip()) > width:
            lines.append("")
        while _width(piece.rstrip()) > width:
            lines[-1:] = [piece[:width], ""]
            piece = piece[width:]
        lines[-1] += piece
    return [line.rstrip() for line in lines if line]


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def duration(seconds: float) -> str:
    """Two figures at most: "45 s", "3 min", "2 h 5 min"."""
    if seconds < 99.5:
        return said("{seconds} s", seconds=max(round(seconds), 1))
    minutes = round(seconds / 60)
    if minutes < 100:
        return said("{minutes} min", minutes=minutes)
    return said("{hours} h {minutes} min", hours=minutes // 60, minutes=minutes % 60)


def clock(seconds: float) -> str:
    """As short as a narrow column: "45 s", "12:05", "1:02:05"."""
    whole = max(round(seconds), 1)
    if whole < 100:
        return said("{seconds} s", seconds=whole)
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02d}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def waits(job: Any) -> str:
    """What a job that is queued waits for: "waiting for Capture"."""
    return said("waiting for {job}", job=before(job))


def before(job: Any) -> str:
    """What a job that is queued comes after, as its button is called."""
    verb: str = job.note["waits_for"]
    return said((TITLES | DATASET_TITLES).get(verb, verb))


def name_of(verb: str) -> str:
    """A stage as its button calls it; the worker's own steps as the worker does."""
    return said(TITLES.get(verb, verb))


def headline(job: Any) -> str:
    """ "Do It All: Render", "Capture: stopping…", "Retarget: done", "Retarget for Rendering: done"."""
    view = job.view
    if view.state == "running":
        state = said("stopping…") if job.stopping_since is not None else name_of(view.stage) if view.stage else said(STATES["running"])
    else:
        state = waits(job) if job.is_queued and job.is_running else said(STATES[view.state])
    return f"{title(job)}: {state}"


def title(job: Any) -> str:
    """What a job does, in a word or two."""
    verb: str = job.verb
    if verb == "dataset":
        return said(DATASET_TITLES.get(job.arguments[0], verb))
    if verb == "render" and "dataset" in job.note:
        return said("Dataset")
    if verb == "retarget" and "retarget" not in job.note:
        return said("Retarget for Rendering")  # the other kind is put onto armatures of the scene
    return name_of(verb)


def in_short(job: Any) -> str:
    """A running job in half a line: "Train 42 %, 3 min left"."""
    event, fraction = job.view.progress, job.view.fraction
    text = title(job) + (f" ({name_of(job.view.stage)})" if job.view.stage in TITLES else "")
    if fraction is not None:
        text += f" {100 * fraction:.0f} %"
    left = event.get("seconds_left")
    return text if left is None else said("{progress}, {time} left", progress=text, time=duration(left))


def progress(view: Any) -> str:
    """ "120 of 500 frames, 40 s left"; empty while nothing is known."""
    event = view.progress
    if not event:
        return ""
    unit, total = event.get("unit") or "", event.get("total")
    done = f"{event['done']:g}" if unit in FRACTIONS else f"{event['done']:.0f}"
    if total:
        text = said("{done} of {total} {unit}", done=done, total=f"{total:g}", unit=said(unit)).strip()
    else:
        text = said("{done} {unit}", done=done, unit=said(unit)).strip()
    if event.get("seconds_left") is not None:
        return said("{progress}, {time} left", progress=text, time=duration(event["seconds_left"]))
    return f"{text}, {rate(view)}" if event.get("rate") else text


def rate(view: Any) -> str:
    """ "9.25 a second"; empty while it is not known, and of what is counted in seconds."""
    known = view.progress.get("rate") if view.progress.get("unit") != "seconds" else None
    return said("{number} a second", number=f"{known:.3g}") if known else ""
