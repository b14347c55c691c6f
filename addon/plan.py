# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panel's settings ask for: each stage's arguments, what it waits for, and how far it is. No Blender in here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..training.presets import MULTIPLE
from ..verbs.run import Pipeline
from .language import said
from .words import name_of, waits

STAGES = ("capture", "retarget", "render", "train", "generate")
WHOLE = ("run", "demo")
AFTER_CAPTURE = ("overlay", *STAGES[1:])
# What `Plan.sources` are, in words.
SOURCES = {
    "capture": ("The video",),
    "overlay": ("The capture",),
    "retarget": ("The capture",),
    "render": ("The motion",),
    "train": ("The dataset",),
    "generate": ("The model", "The capture", "The motion"),
}
# Options of the command line, as the panel calls them; "" are the files that come first.
FILMING = {
    "--focal-mm": "Focal Length",
    "--sensor-mm": "Sensor",
    "--camera-height": "Camera Height",
    "--camera-pitch": "Camera Pitch",
    "--person-height": "Person Height",
}
OPTIONS = {
    "": "Video",
    "--rig": "Character",
    "--fast": "Fast",
    "--count": "Pictures",
    "--size": "Size",
    "--preset": "Preset",
    "--minutes": "Minutes",
    **FILMING,
}
ASIDE = "--set-aside"  # what was made with other settings
# Which options of the whole way a stage heeds.
HEEDED = {
    "capture": ("", "--fast"),
    "retarget": ("--rig", "--fast", *FILMING),
    "render": ("--rig", "--count", "--size"),
    "train": ("--preset", "--minutes"),
    "generate": (),
}


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
        return Pipeline(self.video, self.rig, self.out, self.minutes, self.count, self.size, self.preset, 0, self.person)

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
            "render": ["--rig", self.rig, "--motion", str(files.motion), "--out", str(files.dataset), *pictures, ASIDE],
            "train": [str(files.dataset), "--out", str(files.model), *training, ASIDE],
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
        return self.made(verb).exists() and not self.newer(verb)

    def newer(self, verb: str, looked: float = 0.0) -> str:
        """Which source of what a stage has made is newer than it, and than when the stage last `looked`, in words; empty where none is."""
        made = max(self.made(verb).stat().st_mtime, looked)
        changed = (name for name, source in zip(SOURCES[verb], self.sources(verb), strict=True) if _time_of(source) > made)
        return said(next(changed, ""))

    def blocked(self, verb: str, *, needs_worker: bool = True, coming: Collection[str] = ()) -> str:
        """Why a verb cannot start, as a short sentence; empty when it can. What the stages `coming` make counts as there."""
        if needs_worker and self.worker is None:
            return said("Set up the worker first")
        if verb in ("capture", "overlay", *WHOLE[:1]) and self.video_problem:
            return self.video_problem
        if verb in ("retarget", "render", *WHOLE[:1]) and self.rig_problem:
            return self.rig_problem
        if verb in ("render", *WHOLE[:1]) and self.size % MULTIPLE:
            return said("Size must be a multiple of {number}", number=MULTIPLE)
        if verb in AFTER_CAPTURE:
            for earlier in STAGES:
                if self.made(earlier) in self.sources(verb) and earlier not in coming and not self.made(earlier).exists():
                    return first(earlier)
        return ""


def first(verb: str) -> str:
    """ "Capture first"."""
    return said("{job} first", job=name_of(verb))


def _time_of(path: Path) -> float:
    """When a file was written; long ago where there is none."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


@dataclass(frozen=True)
class Status:
    """How far a stage is: `kind` is blocked, todo, queued, running, stopped, failed, stale or done; `text` says it in words.

    `job` is the one that is at work on it, or that failed.
    """

    kind: str
    text: str
    job: Any = field(default=None, compare=False)


def at_work(plan: Plan, jobs: Sequence[Any]) -> list[Any]:
    """The jobs that run, or wait to, in the plan's output folder, in the order in which they began."""
    return [job for job in jobs if job.is_running and job.note.get("out") == str(plan.out)]


def is_solving(job: Any) -> bool:
    """Whether a job solves a motion for armatures of a scene, which is no stage's."""
    return "retarget" in job.note


def coming(plan: Plan, jobs: Sequence[Any]) -> set[str]:
    """The stages that will be done when all jobs of the output folder have ended."""
    found: set[str] = set()
    for job in at_work(plan, jobs):
        if job.verb == "run":
            found |= {"run", *STAGES} if is_for(plan, job) else {"capture"}
        elif not is_solving(job) and is_for(plan, job):
            found.add(job.verb)
    return found


def is_for(plan: Plan, job: Any) -> bool:
    """Whether a job of the output folder makes what the plan would: all people of a video share the folder and the capture, no more."""
    if job.verb in WHOLE:
        return files_of(job).person == plan.person
    return is_solving(job) or options_of(job.arguments).get("--out") == options_of(plan.arguments(job.verb)).get("--out")


def solves(plan: Plan, jobs: Sequence[Any]) -> bool:
    """Whether a motion is being solved for the scene; when it is put on, the one that pictures are rendered from is made too."""
    return any(is_solving(job) for job in at_work(plan, jobs))


def promised(plan: Plan, jobs: Sequence[Any]) -> set[str]:
    """The stages whose results other stages can count on: those that are coming, and the motion where one is being solved."""
    return coming(plan, jobs) | ({"retarget"} if solves(plan, jobs) else set())


def status(verb: str, plan: Plan, jobs: Sequence[Any]) -> Status:
    """How far a stage is, by what lies on disk and by the jobs (oldest first) for this output folder."""
    everyones = [job for job in jobs if job.note.get("out") == str(plan.out)]
    if verb == "capture":
        own = [job for job in everyones if job.verb in ("capture", *WHOLE)]
    else:
        own = [job for job in everyones if job.verb in (verb, *WHOLE) and is_for(plan, job)]
    for job in reversed(own):
        if job.is_running and job.verb == verb and job.is_queued:
            return Status("queued", waits(job), job)
        if job.is_running and (job.verb == verb or (job.verb in WHOLE and job.view.stage == verb)):
            return Status("running", said("stopping…" if job.stopping_since else "running"), job)
    last = next((job for job in reversed(own) if not job.is_running), None)
    if last is not None and last.verb == verb and last.view.state in ("failed", "lost"):
        return Status("failed", said("failed"), last)
    if last is not None and last.verb == verb and last.view.state == "cancelled":
        return Status("stopped", said("stopped; goes on where it was"))
    if not plan.made(verb).exists():
        blocked = plan.blocked(verb, coming=promised(plan, jobs))
        return Status("blocked", blocked) if blocked else Status("todo", said("to do"))
    if last is not None and last.view.state == "done" and not is_solving(last):
        others = changed(verb, plan, last)
        if others:
            return Status("stale", said("{settings} changed", settings=", ".join(others)))
    newer = plan.newer(verb, looked(verb, last))
    return Status("stale", said("{file} is newer", file=newer)) if newer else Status("done", said("done"))


def looked(verb: str, job: Any) -> float:
    """When a job that is done last looked at a stage's sources: it leaves results that they would not change as they were."""
    if job is None or job.view.state != "done" or is_solving(job):
        return 0.0
    # The whole way makes its stages' sources itself.
    return job.view.began if job.verb == verb else job.view.ended


def all_statuses(plan: Plan, jobs: Sequence[Any]) -> dict[str, Status]:
    """Every stage's; what is made from something out of date is so too."""
    found: dict[str, Status] = {}
    for verb in STAGES:
        found[verb] = status(verb, plan, jobs)
        if found[verb].kind == "done":
            stale = [earlier for earlier in found if plan.made(earlier) in plan.sources(verb) and found[earlier].kind == "stale"]
            if stale:
                found[verb] = Status("stale", said("{job} is out of date", job=name_of(stale[0])))
    return found


def changed(verb: str, plan: Plan, job: Any) -> list[str]:
    """Which settings of a stage are not those that a job had, as the panel calls them."""
    if job.verb == "demo":
        return []  # its settings are its own
    before, now = options_of(job.arguments), options_of(plan.arguments(job.verb))
    names = HEEDED[verb] if job.verb in WHOLE else tuple(dict.fromkeys((*now, *before)))
    return [said(OPTIONS.get(name, name.strip("-").capitalize())) for name in names if name != ASIDE and before.get(name) != now.get(name)]


def files_of(job: Any) -> Pipeline:
    """The names of what a job of the whole way makes."""
    given = options_of(job.arguments)
    out = Path(given["--out"][-1] if given.get("--out") else job.note["out"])
    person = (given.get("--person") or ("0",))[-1]
    return Pipeline(Path(), "", out, 0, 0, 0, "", 0, int(person) if person.isdecimal() else 0)


def about(job: Any) -> str:
    """Which video, character and person a job is for: the name of the folder of its results, and who it is where not the main person."""
    if job.verb == "setup":
        return ""  # that is for none
    folder = str(job.note.get("dataset") or job.note.get("out") or "").replace("\\", "/").rstrip("/").rpartition("/")[2]
    person = (options_of(job.arguments).get("--person") or ("0",))[0]
    return folder if person == "0" else said("{folder}, person {person}", folder=folder, person=person)


def options_of(arguments: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """A command line by its options; "" are the words before the first one."""
    found: dict[str, tuple[str, ...]] = {}
    name = ""
    for word in arguments:
        if word.startswith("--"):
            name = word
            found.setdefault(name, ())
        else:
            found[name] = (*found.get(name, ()), word)
    return found
