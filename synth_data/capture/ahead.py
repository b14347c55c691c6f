# SPDX-License-Identifier: GPL-3.0-or-later
"""Decoding while the networks are at work."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator

from ..video.read import Frame


def ahead(frames: Iterator[Frame], most: int) -> Generator[Frame, None, None]:
    """The same frames, decoded by a thread that runs up to `most` frames ahead. Its errors are raised here."""
    waiting: queue.Queue[Frame | BaseException | None] = queue.Queue(most)
    stop = threading.Event()

    def put(item: Frame | BaseException | None) -> bool:
        while not stop.is_set():
            try:
                waiting.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def decode() -> None:
        try:
            for frame in frames:
                if not put(frame):
                    break
            put(None)
        except BaseException as error:
            put(error)

    thread = threading.Thread(target=decode, daemon=True)
    thread.start()
    try:
        while True:
            item = waiting.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()
