# SPDX-License-Identifier: GPL-3.0-or-later
"""Who renders a batch: this process, or processes of their own on this machine. `cluster.py` has those on other machines.

A member of a crew is given samples' numbers and answers each with an event: {"done": number, "line": the index's}; {"refused": number,
"character", "clip", "text"}; {"failed": text, "errno"} when nothing more can be made. {"warning": text} may come at any time, and
{"lost": True} when a member died.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections import deque
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NoReturn, Protocol

from ...errors import UserError
from ...jobs.progress import Reporter

Event = dict[str, Any]
WORKER = "--render-worker"  # what `__main__.py` is started with to be a member
_LEAVE = 20.0  # seconds that a member has to finish what it is at


class Crew(Protocol):
    """`size` members who render, known by numbers from 0; each is given up to `ahead` samples at a time, so that it need not wait."""

    size: int
    ahead: int

    def give(self, member: int, number: int) -> None: ...
    def next_event(self) -> tuple[int, Event]: ...
    def replace(self, member: int) -> None: ...
    def close(self) -> None: ...


class InProcess:
    """This process, on all cores: no other has to be started, which is worth it for few samples."""

    size, ahead = 1, 1

    def __init__(self, out: Path, report: Reporter) -> None:
        from .renderer import Renderer

        self._renderer = Renderer(out, report=report)
        self._given: deque[int] = deque()

    def give(self, member: int, number: int) -> None:
        self._given.append(number)

    def next_event(self) -> tuple[int, Event]:
        from .renderer import answer

        return 0, answer(self._renderer, self._given.popleft())

    def replace(self, member: int) -> None:
        raise AssertionError("this process cannot be lost")

    def close(self) -> None:
        self._renderer.close()


class Processes:
    """A process a core, each on one thread: where pictures are small, Blender does not use two threads twice as fast."""

    ahead = 2

    def __init__(self, out: Path, size: int) -> None:
        self.size = size
        self._out = out
        self._events: SimpleQueue[tuple[subprocess.Popen[str], int, Event]] = SimpleQueue()
        self._members = [self._started(member) for member in range(size)]

    def _started(self, member: int) -> subprocess.Popen[str]:
        main = Path(__file__).parents[2] / "__main__.py"
        # numpy's own threads would wait for each other across the members.
        quiet = {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL")}
        process = subprocess.Popen(
            [sys.executable, "-u", str(main), WORKER, str(self._out)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", bufsize=1, env=os.environ | quiet,
        )  # fmt: skip
        threading.Thread(target=self._listen, args=(process, member), daemon=True).start()
        return process

    def _listen(self, process: subprocess.Popen[str], member: int) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self._events.put((process, member, json.loads(line)))
        self._events.put((process, member, {"lost": True}))

    def give(self, member: int, number: int) -> None:
        stdin = self._members[member].stdin
        assert stdin is not None
        with suppress(OSError):  # it died; its listener says so
            stdin.write(f"{number}\n")
            stdin.flush()

    def next_event(self) -> tuple[int, Event]:
        while True:
            try:
                process, member, event = self._events.get(timeout=0.5)
            except Empty:
                continue  # lets a signal in, which Windows does not while something is waited for
            if process is self._members[member]:
                return member, event

    def replace(self, member: int) -> None:
        self._members[member].kill()
        self._members[member].wait()
        self._members[member] = self._started(member)

    def close(self) -> None:
        for process in self._members:
            if process.stdin is not None:
                with suppress(OSError):
                    process.stdin.close()
        for process in self._members:
            try:
                process.wait(_LEAVE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def serve(out: Path) -> NoReturn:
    """A member's life: numbers in on stdin, events out on stdout, until stdin ends."""
    events = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # forty lines a picture
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends Ctrl-C to all; whoever gave the work decides

    def tell(event: Event) -> None:
        if event["type"] == "warning":
            events.write(json.dumps({"warning": event["text"]}) + "\n")

    report = Reporter(tell)
    try:
        from .renderer import Renderer, answer

        renderer = Renderer(out, 1, report)
        for line in sys.stdin:
            events.write(json.dumps(answer(renderer, int(line))) + "\n")
    except BrokenPipeError:
        pass  # whoever gave the work is gone
    except Exception as error:
        traceback.print_exc()
        text = str(error) if isinstance(error, UserError) else f"A process that renders could not start ({type(error).__name__}: {error})."
        events.write(json.dumps({"failed": text, "errno": None}) + "\n")
    sys.stdout.flush()
    sys.stderr.flush()
    (out / f".render-{os.getpid()}.part").unlink(missing_ok=True)
    os._exit(0)  # Blender's module before 5.0 can hang or crash while the interpreter shuts down
