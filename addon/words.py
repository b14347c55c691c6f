# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's state in words. No Blender in here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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


def duration(seconds: float) -> str:
    """Two figures at most: "45 s", "3 min", "2 h 5 min"."""
    if seconds < 99.5:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def clock(seconds: float) -> str:
    """As short as a narrow column: "45 s", "12:05", "1:02:05"."""
    whole = max(round(seconds), 1)
    if whole < 100:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02d}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def waits(job: Any) -> str:
    """What a job that is queued waits for: "waiting for Capture"."""
    return f"waiting for {before(job)}"


def before(job: Any) -> str:
    """What a job that is queued comes after, as its button is called."""
    verb: str = job.note["waits_for"]
    return (TITLES | DATASET_TITLES).get(verb, verb)


def headline(job: Any, said: Callable[[str], str] = str) -> str:
    """ "Do It All: render", "Capture: stopping…", "Retarget: done", "Retarget for Rendering: done"; `said` translates."""
    view = job.view
    if view.state == "running":
        state = "stopping…" if job.stopping_since is not None else TITLES.get(view.stage, view.stage) or STATES["running"]
    else:
        state = waits(job) if job.is_queued and job.is_running else STATES[view.state]
    return f"{said(title(job))}: {said(state)}"


def title(job: Any) -> str:
    """What a job does, in a word or two."""
    verb: str = job.verb
    if verb == "dataset":
        return DATASET_TITLES.get(job.arguments[0], verb)
    if verb == "render" and "dataset" in job.note:
        return "Dataset"
    if verb == "retarget" and "retarget" not in job.note:
        return "Retarget for Rendering"  # the other kind is put onto armatures of the scene
    return TITLES.get(verb, verb)


def about(job: Any) -> str:
    """Which of all the videos and characters a job is for: the name of the folder of its results."""
    folder = str(job.note.get("dataset") or job.note.get("out") or "").replace("\\", "/")
    return folder.rstrip("/").rpartition("/")[2]


def in_short(job: Any, said: Callable[[str], str] = str) -> str:
    """A running job in half a line: "Train 42 %, 3 min left"."""
    event, fraction = job.view.progress, job.view.fraction
    stage = TITLES.get(job.view.stage, "")
    text = said(title(job)) + (f" ({said(stage)})" if stage else "")
    if fraction is not None:
        text += f" {100 * fraction:.0f} %"
    left = event.get("seconds_left")
    return text if left is None else f"{text}, " + said("{} left").format(duration(left))


def progress(view: Any) -> str:
    """ "120 of 500 frames, 40 s left"; empty while nothing is known."""
    event = view.progress
    if not event:
        return ""
    total, left, unit = event.get("total"), event.get("seconds_left"), event.get("unit", "")
    text = f"{event['done']:g}{f' of {total:g}' if total else ''} {unit}".strip()
    if left is not None:
        text += f", {duration(left)} left"
    elif event.get("rate"):
        text += f", {rate(view)}"
    return text


def rate(view: Any) -> str:
    """ "9.25 a second"; empty while it is not known."""
    known = view.progress.get("rate")
    return f"{known:.3g} a second" if known else ""
