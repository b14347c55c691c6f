# SPDX-License-Identifier: GPL-3.0-or-later
"""A job is a folder: request, events, log, lock and cancel (docs/architecture.md)."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import UserError
from .lock import FileLock, is_locked
from .progress import Event

REQUEST, EVENTS, LOG, LOCK, CANCEL = "job.json", "events.jsonl", "log.txt", "lock", "cancel"
LOCK_TRIES = 6
REPLACE_TRIES = 20


def write_atomically(path: Path | str, data: bytes | str) -> None:
    """Write `data` beside `path` and rename, so that `path` is never half-written, also where several processes write it."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    if isinstance(data, str):
        data = data.encode("utf-8")
    beside.write_bytes(data)
    for left in reversed(range(REPLACE_TRIES)):
        try:
            os.replace(beside, path)
            return
        except PermissionError:  # on Windows, while another program reads it: Blender shows pictures that are replaced
            if not left:
                beside.unlink()
                raise
            time.sleep(0.05)


def set_aside(folder: Path) -> Path:
    """Rename a folder to NAME-1, or the first such name that is free, and return its new place. Raises UserError."""
    place = next(place for place in (folder.with_name(f"{folder.name}-{number}") for number in range(1, 10_000)) if not place.exists())
    try:
        return folder.rename(place)
    except OSError as error:
        raise UserError(f"{folder} cannot be renamed ({error.strerror}); close what shows its files, and try again.") from error


def sha256_of(path: Path | str) -> str:
    """Hex digest of a file, read in pieces. Raises OSError when it cannot be read."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def request_job(folder: Path | str, verb: str, arguments: list[str], versions: dict[str, str] | None = None) -> Path:
    """Make the job folder and its request, for a worker that is started afterwards. Clears an earlier `cancel`."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CANCEL).unlink(missing_ok=True)
    request = {"schema": "ningyo.job", "version": 1, "verb": verb, "arguments": arguments, "versions": versions or {}}
    write_atomically(folder / REQUEST, json.dumps(request, indent=1))
    return folder


def request_cancel(folder: Path | str) -> None:
    """Ask the worker to stop after its current unit."""
    (Path(folder) / CANCEL).touch()


class WorkerJob:
    """The worker's side of a job folder: holds the lock, appends events, sees `cancel`.

    Raises UserError when another worker is at work in the folder.
    """

    def __init__(self, folder: Path | str, verb: str, arguments: list[str], versions: dict[str, str] | None = None) -> None:
        self.folder = Path(folder)
        if self.folder.exists() and not self.folder.is_dir():
            raise UserError(f"The job folder {self.folder} is a file; choose another folder.")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self.folder / LOCK)
        # A watcher asking whether the lock is held holds it for a moment itself.
        for _ in range(LOCK_TRIES):
            if self._lock.acquire():
                break
            time.sleep(0.1)
        else:
            raise UserError(f"Another worker is busy in {self.folder}; wait for it, or cancel it first.")
        if not (self.folder / REQUEST).exists():
            request_job(self.folder, verb, arguments, versions)
        self._events = open(self.folder / EVENTS, "a", encoding="utf-8")
        self.sink({"time": round(time.time(), 3), "type": "started", "verb": verb, "pid": os.getpid()})

    def sink(self, event: Event) -> None:
        self._events.write(json.dumps(event) + "\n")
        self._events.flush()

    def is_cancelled(self) -> bool:
        return (self.folder / CANCEL).exists()

    def close(self) -> None:
        (self.folder / CANCEL).unlink(missing_ok=True)
        self._events.close()
        self._lock.release()


@dataclass
class JobView:
    """What a watcher knows of a job: built up by `poll`, which reads only what was appended since."""

    folder: Path
    verb: str = ""
    state: str = "waiting"  # waiting, running, done, failed, cancelled, lost
    stage: str = ""
    progress: Event = field(default_factory=dict)
    artefacts: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    error: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    began: float = 0.0  # when the worker did, and ended; 0 before
    ended: float = 0.0
    _offset: int = 0

    def __post_init__(self) -> None:
        self.folder = Path(self.folder)
        try:
            self.verb = json.loads((self.folder / REQUEST).read_text("utf-8"))["verb"]
        except (OSError, ValueError, KeyError):
            self.verb = ""

    def poll(self) -> bool:
        """Read new events; True if anything changed. A worker that died without a result leaves the state "lost"."""
        before = (self._offset, self.state)
        # Asked before reading, so that a result written in between is not mistaken for a loss.
        alive = is_locked(self.folder / LOCK)
        try:
            with open(self.folder / EVENTS, "rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return False
        complete = data[: data.rfind(b"\n") + 1]  # a line still being written waits for the next poll
        self._offset += len(complete)
        for line in complete.splitlines():
            try:
                self._apply(json.loads(line))
            except ValueError:
                continue  # a line cut short by a crash
        if self.state == "running" and not alive:
            self.state = "lost"
            self.error = "The worker stopped without a word; its log says more. Running the job again resumes it."
        return (self._offset, self.state) != before

    def _apply(self, event: Event) -> None:
        kind = event.get("type")
        if kind == "started":
            self.state, self.error, self.progress, self.stage = "running", "", {}, ""
            self.began = event.get("time", 0.0)
        elif kind == "stage":
            self.stage, self.progress = event["stage"], {}
        elif kind == "progress":
            self.progress = event
        elif kind == "artefact":
            self.artefacts[event["kind"]] = event["path"]
        elif kind == "warning":
            self.warnings.append(event["text"])
        elif kind == "error":
            self.error = event["text"]
        elif kind == "result":
            self.state, self.result, self.ended = event["state"], event, event.get("time", 0.0)

    @property
    def is_running(self) -> bool:
        return self.state in ("waiting", "running")

    @property
    def fraction(self) -> float | None:
        total = self.progress.get("total")
        return None if not total else min(self.progress["done"] / total, 1.0)
