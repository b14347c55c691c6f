# SPDX-License-Identifier: GPL-3.0-or-later
"""Running another program while watching it: its lines as they come, the wish to stop, and nothing secret in the log."""

from __future__ import annotations

import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from ..jobs.progress import Reporter

SECONDS_BETWEEN_LOOKS = 0.2
SECONDS_TO_END = 5.0
CREDENTIALS = re.compile(r"(?<=://)[^/\s@]+@")
HIDDEN = subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0


class Failed(Exception):
    """A program ended with an error; its text is all that it said."""


def run(
    command: list[str],
    report: Reporter,
    *,
    environment: Mapping[str, str] | None = None,
    on_line: Callable[[str], bool] | None = None,
    on_look: Callable[[], None] | None = None,
) -> str:
    """What the program said. Its lines go to our own output, but for those that `on_line` takes for itself by returning True.

    `on_look` is called a few times a second. Raises Failed, and Cancelled after ending the program.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=dict(os.environ if environment is None else environment),
        creationflags=HIDDEN,
    )
    lines: queue.Queue[str | None] = queue.Queue()
    reader = threading.Thread(target=read_lines, args=(process, lines), daemon=True)
    reader.start()
    said: list[str] = []
    try:
        while True:
            report.check()
            if on_look is not None:
                on_look()
            try:
                line = lines.get(timeout=SECONDS_BETWEEN_LOOKS)
            except queue.Empty:
                continue
            if line is None:
                break
            if on_line is None or not on_line(line):
                said.append(without_credentials(line))
                print(said[-1], flush=True)
    except BaseException:
        end(process)
        raise
    text = "\n".join(said)
    if process.wait() != 0:
        raise Failed(text or f"{Path(command[0]).name} ended with code {process.returncode}")
    return text


def read_lines(process: subprocess.Popen[bytes], lines: queue.Queue[str | None]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line.decode("utf-8", "replace").rstrip())
    lines.put(None)


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def without_credentials(text: str) -> str:
    """Names and passwords in addresses become stars."""
    return CREDENTIALS.sub("***@", text)
