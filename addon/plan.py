# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panel's settings ask for: each stage's arguments, what it waits for, and how far it is. No Blender in here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..verbs.run import Pipeline

STAGES = ("capture", "retarget", "render", "train", "generate")
WHOLE = ("run", "demo")
AFTER_CAPTURE = ("overlay", *STAGES[1:])


@dataclass(frozen=True)
class Plan:
    """The settings as the stages need them. A `…_problem` says why a setting cannot be used, and is empty where it can."""

    video: Path
    video_problem: str
    person: int
    rig: str
    rig_problem: str
    worker: Path | None
    out: Path
    minutes: float
    size: int
    count: int
    fast: bool = False
    known: tuple[str, ...] = ()  # of the filming, as the command line says it
    preset: str = "tiny"

    @property
    def files(self) -> Pipeline:
        """The names of what is made, the same as those of `ningyo run`."""
        return Pipeline(self.video, self.rig, self.out, self.minutes, self.count, self.size, self.preset, 0)

    @property
    def overlay(self) -> Path:
        """The movie that shows who is who."""
        return self.out / "overlay.mp4"

    def arguments(self, verb: str) -> list[str]:
        """The command line of a verb, without the job folder."""
        files = self.files
        pictures = ["--count", str(self.count), "--size", str(self.size)]
        training = ["--preset", self.preset, "--minutes", f"{self.minutes:g}"]
        person = ["--person", str(self.person)]
        fast = ["--fast"] if self.fast else []
        return {
            "capture": [str(files.video), "--out", str(files.track), *fast],
            "overlay": [str(files.track), "--out", str(self.overlay), "--video", str(files.video)],
            "retarget": [str(files.track), "--rig", self.rig, "--out", str(files.motion), *person, *fast, *self.known],
            "render": ["--rig", self.rig, "--motion", str(files.motion), "--out", str(files.dataset), *pictures],
            "train": [str(files.dataset), "--out", str(files.model), *training],
            "generate": [
                str(files.model),
                str(files.track),
                "--out",
                str(files.frames),
                "--motion",
                str(files.motion),
                "--mp4",
                str(files.movie),
                *person,
            ],
            "run": [str(files.video), "--rig", self.rig, "--out", str(files.out), *training, *pictures, *person, *fast, *self.known],
        }[verb]

    def made(self, verb: str) -> Path:
        """The file that is there when a stage is done."""
        files = self.files
        return {
            "capture": files.track,
            "overlay": self.overlay,
            "retarget": files.motion,
            "render": files.dataset / "dataset.json",
            "train": files.model / "model.safetensors",
            "generate": files.frames / "frames.json",
        }[verb]

    def sources(self, verb: str) -> tuple[Path, ...]:
        """The files a stage reads: those the user chose, and those earlier stages made."""
        return {
            "capture": (self.video,),
            "overlay": (self.made("capture"),),
            "retarget": (self.made("capture"),),
            "render": (self.made("retarget"),),
            "train": (self.made("render"),),
            "generate": (self.made("train"), self.made("capture"), self.made("retarget")),
        }[verb]

    def is_current(self, verb: str) -> bool:
        """Whether what a stage makes is there, and not older than what it is made from."""
        made = self.made(verb)
        return made.exists() and not any(source.exists() and source.stat().st_mtime > made.stat().st_mtime for source in self.sources(verb))

    def blocked(self, verb: str, *, needs_worker: bool = True) -> str:
        """Why a verb cannot start, as a short sentence; empty when it can."""
        if needs_worker and self.worker is None:
            return "Set the worker first"
        if verb in ("capture", "overlay", *WHOLE[:1]) and self.video_problem:
            return self.video_problem
        if verb in ("retarget", "render", *WHOLE[:1]) and self.rig_problem:
            return self.rig_problem
        if verb in AFTER_CAPTURE:
            for earlier in STAGES:
                if self.made(earlier) in self.sources(verb) and not self.made(earlier).exists():
                    return f"{earlier.capitalize()} first"
        return ""


@dataclass(frozen=True)
class Status:
    """How far a stage is: `kind` is blocked, todo, running, stopped, failed, stale or done; `text` says it in words."""

    kind: str
    text: str


def status(verb: str, plan: Plan, jobs: Sequence[Any]) -> Status:
    """How far a stage is, by what lies on disk and by the jobs (oldest first) for this output folder."""
    own = [job for job in jobs if job.note.get("out") == str(plan.out)]
    for job in reversed(own):
        if job.is_running and (job.verb == verb or (job.verb in WHOLE and job.view.stage == verb)):
            return Status("running", "stopping" if job.stopping_since else "running")
    last = next((job for job in reversed(own) if job.verb in (verb, *WHOLE)), None)
    if last is not None and last.verb == verb and last.view.state in ("failed", "lost"):
        return Status("failed", "failed")
    if last is not None and last.verb == verb and last.view.state == "cancelled":
        return Status("stopped", "stopped; goes on where it was")
    blocked = plan.blocked(verb)
    made = plan.made(verb)
    if not made.exists():
        return Status("blocked", blocked) if blocked else Status("todo", "to do")
    if last is not None and last.verb == verb and last.view.state == "done" and last.arguments != plan.arguments(verb):
        return Status("stale", "done with other settings")
    if not plan.is_current(verb):
        return Status("stale", "older than what it is made from")
    return Status("done", "done")
