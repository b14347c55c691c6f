# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""The jobs the add-on started: remembered on disk, found again after a restart, watched by one timer while any of them runs."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import bpy
from bpy.app.translations import pgettext_rpt as rpt_

from ..errors import UserError
from ..jobs.folder import EVENTS, LOCK, LOG, REQUEST, JobView, request_cancel, request_job, write_atomically
from ..jobs.lock import is_locked
from . import words, worker
from .language import said

ROOT_PACKAGE = (__package__ or "").rpartition(".")[0]
NOTE = "blender.json"  # what the add-on wants to remember of a job, beside the worker's files
INDEX = "jobs.txt"  # one job folder a line, the newest last
REMEMBERED = 20
SECONDS_BETWEEN_POLLS = 0.5
# From the request to stop: when the worker gets a signal, and when it is made to stop.
TERMINATE_AFTER, KILL_AFTER = 20.0, 30.0
# A worker that has not begun after this long never will, if nobody holds its process.
START_DEADLINE = 60.0
BEGUN = "begun"  # in the folder of a job that was queued, from the moment that one Blender begins it


@dataclass
class Job:
    """A job folder, and what only the Blender that started it knows.

    `note` holds: "scene", the name of the scene the result is for; "blend", the file it is in; "out", the folder of the results;
    "video"; "after" and "waits_for", while it is queued, the folder and the verb (or what of a dataset is done) of the job before it, and
    "interpreter", what then runs it; "shown", whether the result is in the scene; "show", whether an overlay is wanted as a "strip" or as
    a "frame"; "retarget", the `Request` of a job that solves motions for the scene; "dataset", the dataset it is
    about; "made", the folder of what it makes.
    """

    folder: Path
    view: JobView
    arguments: list[str]
    note: dict[str, Any] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    stopping_since: float | None = None
    _signals: int = 0

    @classmethod
    def open(cls, folder: Path) -> Job:
        """A job found on disk. Raises OSError, ValueError or KeyError where there is none."""
        request = json.loads((folder / REQUEST).read_text("utf-8"))
        job = cls(folder, JobView(folder), [str(argument) for argument in request["arguments"]])
        if (folder / NOTE).exists():
            job.note = json.loads((folder / NOTE).read_text("utf-8"))
        if not job.is_queued:
            job.poll()
        return job

    @property
    def verb(self) -> str:
        return self.view.verb

    @property
    def is_running(self) -> bool:
        return self.view.is_running

    @property
    def is_queued(self) -> bool:
        """Whether it begins only when another job has ended well."""
        return "after" in self.note

    def remember(self, **note: Any) -> None:
        self.note.update(note)
        write_atomically(self.folder / NOTE, json.dumps(self.note, indent=1))

    def cancel(self) -> None:
        if self.is_queued:
            self._end("cancelled")
        elif self.is_running and self.stopping_since is None:
            request_cancel(self.folder)
            self.stopping_since = time.monotonic()

    def poll(self) -> bool:
        """Read what is new; True if anything changed. Ends a worker that was asked to stop and does not."""
        if self.is_queued:
            return self._wait()
        view, before = self.view, self.view.state
        changed = view.poll()
        code = self.process.poll() if self.process else None
        if code is not None:
            view.poll()  # what it wrote between the first look and its end
        if view.state == "waiting" and (code is not None or (self.process is None and self._never_began())):
            view.state = "failed"
            words_left = worker.last_words(self.folder / LOG) or said("it said nothing")
            view.error = said("The worker did not start: {reason}", reason=words_left)
        if view.state == "lost" and self.stopping_since is not None:
            view.state, view.error = "cancelled", ""
        if view.is_running and self.stopping_since is not None:
            self._press(time.monotonic() - self.stopping_since)
        return changed or view.state != before

    def _wait(self) -> bool:
        """Begin when the job before has ended well, or end where it has not; True if either happened."""
        before = find(self.note["after"])
        if before is None:
            try:
                before = Job.open(Path(self.note["after"]))
            except (OSError, ValueError, KeyError):
                before = None  # moved away
        if before is not None and before.is_running:
            return False
        if before is not None and before.view.state == "done":
            self._begin()
        else:
            text = "{job} did not end well, so this did not begin. Have {job} done first, then go on with this."
            self._end("failed", said(text, job=words.before(self)))
        return True

    def _begin(self) -> None:
        """Start the worker, unless another Blender that found the same queue has done so."""
        interpreter = Path(self.note["interpreter"])
        try:
            (self.folder / BEGUN).touch(exist_ok=False)
        except FileExistsError:
            self._leave_queue()
            return
        os.utime(self.folder / REQUEST)  # the time from which the worker is waited for
        self._leave_queue()
        try:
            self.process = worker.start(interpreter, self.verb, self.arguments, self.folder, online=bpy.app.online_access)
        except OSError as error:
            self._end("failed", not_started(error, interpreter))

    def _end(self, state: str, error: str = "") -> None:
        """Say in the worker's place how a job ended that never began."""
        events = [{"type": "error", "text": error}] if error else []
        with open(self.folder / EVENTS, "a", encoding="utf-8") as file:
            for event in (*events, {"type": "result", "state": state}):
                file.write(json.dumps({"time": round(time.time(), 3), **event}) + "\n")
        self._leave_queue()
        self.view.poll()

    def _leave_queue(self) -> None:
        for name in ("after", "waits_for", "interpreter"):
            self.note.pop(name, None)
        self.remember()

    def _never_began(self) -> bool:
        age = time.time() - (self.folder / REQUEST).stat().st_mtime
        return age > START_DEADLINE and not is_locked(self.folder / LOCK)

    def _press(self, waited: float) -> None:
        wanted = (waited > TERMINATE_AFTER) + (waited > KILL_AFTER)
        if wanted > self._signals:
            self._signals = wanted
            pid = self.process.pid if self.process else self._pid()
            if pid is not None:
                worker.stop(pid, force=wanted > 1)

    def _pid(self) -> int | None:
        """The process of a worker that an earlier Blender started; None unless it is alive, for then the number may be another's."""
        if not is_locked(self.folder / LOCK):
            return None
        started = [event for event in self.events() if event.get("type") == "started"]
        return int(started[-1]["pid"]) if started else None

    def events(self) -> list[dict[str, Any]]:
        """All events that are whole."""
        try:
            lines = (self.folder / EVENTS).read_text("utf-8").splitlines()
        except FileNotFoundError:
            return []
        found = []
        for line in lines:
            try:
                found.append(json.loads(line))
            except ValueError:
                continue  # being written, or cut short by a crash
        return found


JOBS: list[Job] = []
# Called with a job when it ends while Blender watches.
on_end: list[Callable[[Job], None]] = []
# Called with each running job whenever it is looked at.
on_look: list[Callable[[Job], None]] = []


def home() -> Path:
    """The add-on's own folder for what it keeps. Never beside its code, which updates replace."""
    if ROOT_PACKAGE.startswith("bl_ext."):
        return Path(bpy.utils.extension_path_user(ROOT_PACKAGE, create=True))
    return Path(bpy.utils.user_resource("DATAFILES", path="ningyo", create=True))


def start_job(
    interpreter: Path, verb: str, arguments: list[str], out: Path,
    *, after: Job | None = None, environment: Mapping[str, str] | None = None, **note: Any,
) -> Job:  # fmt: skip
    """Start a worker on a new job folder under `out`, or queue it `after` another job. Its `environment` is written nowhere, so no job that
    needs one can be queued. Raises UserError in one sentence.
    """
    assert after is None or environment is None
    folder = new_folder(out / "jobs", verb)
    try:
        request_job(folder, verb, arguments, {"blender": bpy.app.version_string})
        job = Job(folder, JobView(folder), arguments)
        if after is not None:
            doing = after.arguments[0] if after.verb == "dataset" else after.verb
            note |= {"after": str(after.folder), "waits_for": doing, "interpreter": str(interpreter)}
        job.remember(out=str(out), **note)
        if after is None:
            job.process = worker.start(interpreter, verb, arguments, folder, online=bpy.app.online_access, more=environment)
        with open(home() / INDEX, "a", encoding="utf-8") as index:
            index.write(f"{folder}\n")
    except OSError as error:
        raise UserError(not_started(error, interpreter)) from error
    JOBS.append(job)
    watch()
    return job


def not_started(error: OSError, interpreter: Path) -> str:
    text = "{error}: {path}; look at the worker's path and the output folder."
    return said(text, error=error.strerror, path=error.filename or interpreter)


def new_folder(parent: Path, verb: str) -> Path:
    """The name of a folder that is not there yet, by the time of day."""
    stamp = f"{datetime.now():%Y%m%d-%H%M%S}-{verb}"
    names = [stamp, *(f"{stamp}-{number}" for number in range(2, 100))]
    return next(parent / name for name in names if not (parent / name).exists())


def newest(*verbs: str, out: Path | None = None) -> Job | None:
    """The job that was started last, of these verbs and for this output folder."""
    for job in reversed(JOBS):
        if job.verb in verbs and (out is None or job.note.get("out") == str(out)):
            return job
    return None


def find(folder: str) -> Job | None:
    return next((job for job in JOBS if str(job.folder) == folder), None)


def last_in(out: Path | str) -> Job | None:
    """The job of an output folder after which another one can come: the last that runs there, or waits to."""
    return next((job for job in reversed(JOBS) if job.is_running and job.note.get("out") == str(out)), None)


def at_work() -> list[Job]:
    """The jobs that a worker is at, the newest first."""
    return [job for job in reversed(JOBS) if job.is_running and not job.is_queued]


def forget_ended() -> None:
    """Take the jobs that have ended off the list; their folders stay as they are."""
    ended = {str(job.folder) for job in JOBS if not job.is_running}
    JOBS[:] = [job for job in JOBS if job.is_running]
    index = home() / INDEX
    if index.exists():
        kept = [line for line in index.read_text("utf-8").splitlines() if line not in ended]
        write_atomically(index, "".join(f"{line}\n" for line in kept))


def tick() -> float | None:
    """Look at the running jobs; the timer's answer: seconds until the next look, or None when none runs."""
    for job in [job for job in JOBS if job.is_running]:
        if job.poll():
            redraw()
        if not job.is_running:
            acts = on_end
        else:
            acts = [] if job.is_queued else on_look
        for act in acts:
            act(job)
    return SECONDS_BETWEEN_POLLS if any(job.is_running for job in JOBS) else None


def watch() -> None:
    """Have the timer run if there is anything to watch."""
    if any(job.is_running for job in JOBS) and not bpy.app.timers.is_registered(tick):
        bpy.app.timers.register(tick, first_interval=SECONDS_BETWEEN_POLLS, persistent=True)


def reported(error: RuntimeError) -> str:
    """What an operator reported, of the exception that it becomes for scripts: Blender puts its own word for an error before it."""
    return str(error).removeprefix(f"{rpt_('Error')}: ").strip()


def redraw() -> None:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("VIEW_3D", "SEQUENCE_EDITOR", "PREFERENCES"):
                area.tag_redraw()
    # The status bar is no area of a screen; it is drawn anew when this is published.
    bpy.msgbus.publish_rna(key=(bpy.types.Window, "view_layer"))


def find_again() -> None:
    """Fill JOBS from disk: what earlier Blenders started, whether it still runs or not."""
    index = home() / INDEX
    folders = index.read_text("utf-8").splitlines() if index.exists() else []
    known = {job.folder for job in JOBS}
    for folder in map(Path, dict.fromkeys(folders[-REMEMBERED:])):
        if folder not in known and (folder / REQUEST).is_file():
            try:
                JOBS.append(Job.open(folder))
            except (OSError, ValueError, KeyError):
                continue  # moved away or spoilt: nothing to show
    watch()


def forget() -> None:
    """Stop watching. The workers go on, and are found again."""
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
    JOBS.clear()
    on_end.clear()
    on_look.clear()
