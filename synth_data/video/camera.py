# SPDX-License-Identifier: GPL-3.0-or-later
"""Recording a webcam or a network stream to a movie, without sound (OpenCV opens cameras on every platform)."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ...errors import Cancelled, UserError
from ...jobs.progress import SILENT, Reporter
from .source import check_size
from .write import MovieWriter

STALL = 10.0  # seconds without a picture after which a stream counts as dead; cameras and servers need a few to start
QUEUE = 64  # frames that wait for the writer
USUAL_RATE = 30.0  # where the device does not say

END, SECONDS, STOPPED, STALLED = "the stream ended", "the time is over", "stopped", "the stream stalled"


@dataclass(frozen=True)
class Recording:
    """What was recorded: `ended` says why it is no longer (END, SECONDS, STOPPED or STALLED); `dropped` frames are missing."""

    path: Path
    frames: int
    seconds: float
    dropped: int
    ended: str


@dataclass(frozen=True)
class _Opened:
    fps: float


_Item = _Opened | tuple[NDArray[Any], float] | UserError | None  # None: the stream has ended


def record(device: int | str | Path, out_movie: Path | str, *, seconds: float | None = None, report: Reporter = SILENT) -> Recording:
    """Record `device` to an .mp4 whose frames have the times at which they came.

    `device` is a camera's number ("0"), a stream's address ("rtsp://…", "http://…") or a movie that stands in for a camera, whose own
    times are kept. Ends after `seconds`, with the stream, or when the user stops it (`report` raises Cancelled, or Ctrl-C): what was
    recorded by then is kept. UserError, and no file, if the device cannot be opened or gives no picture.
    """
    if seconds is not None and seconds <= 0:
        raise UserError("The recording would be empty; give more than 0 seconds, or none and stop it yourself.")
    path, device = Path(out_movie), str(device)
    grabber = _Grabber(device)
    try:
        recording = _record(grabber, device, path, seconds, report)
    finally:
        grabber.stop()
    if recording.dropped:
        report.warning(f"{recording.dropped} frames were dropped because this computer could not write them fast enough.")
    if recording.ended == STALLED:
        report.warning(f"{device} sent no picture for {STALL:.0f} s; what came before is kept in {path}.")
    report.artefact("movie", path)
    return recording


def _record(grabber: _Grabber, device: str, path: Path, seconds: float | None, report: Reporter) -> Recording:
    try:
        opened = grabber.take(report.check)
        first = grabber.take(report.check) if isinstance(opened, _Opened) else opened
    except (Cancelled, KeyboardInterrupt):
        raise Cancelled from None  # there is nothing to keep yet
    if isinstance(first, UserError):
        raise first
    if not isinstance(opened, _Opened) or not isinstance(first, tuple):
        raise UserError(f"{device} sends no picture; check that the camera is switched on and the address is right.")
    size = (first[0].shape[1], first[0].shape[0])
    check_size(Path(device), *size)
    item: Any = first
    ended, length = END, 0.0
    with MovieWriter(path, opened.fps, size) as movie:
        try:
            while True:
                if item is None:
                    break
                if isinstance(item, UserError):
                    ended = STALLED
                    break
                picture, at = item
                at -= first[1]
                if seconds is not None and at >= seconds:
                    ended = SECONDS
                    break
                if picture.shape != first[0].shape:  # a phone that was turned; a movie has one size
                    picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
                movie.write(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), at)
                length = at
                report.progress(round(at, 2), seconds, "seconds", note=f"{movie.frames} frames")
                item = grabber.take(report.check)
        except (Cancelled, KeyboardInterrupt):
            ended = STOPPED
    return Recording(path, movie.frames, length + 1 / opened.fps, grabber.dropped, ended)


class _Grabber:
    """A thread that opens the device and puts its frames with their times into a queue, so that none waits for the writer."""

    def __init__(self, device: str) -> None:
        self.dropped = 0
        self._device = device
        # A camera goes on whether or not we follow; a file waits.
        self._is_file = not device.isdigit() and "://" not in device
        self._items: queue.Queue[_Item] = queue.Queue(QUEUE)
        self._stop = threading.Event()
        if self._is_file and not device.startswith("/dev/") and not Path(device).is_file():
            raise UserError(f"There is no camera or file {device}; give a camera's number (0 is the first), an address or a movie.")
        self._is_file = self._is_file and not device.startswith("/dev/")
        # A driver may hang for ever in a call; a daemon does not keep the program from ending.
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def take(self, check: Callable[[], None]) -> _Item:
        """The next item; a UserError is one too. `check` is called while waiting and may raise."""
        until = time.monotonic() + STALL
        while time.monotonic() < until:
            try:
                return self._items.get(timeout=0.1)
            except queue.Empty:
                check()
        return UserError(f"{self._device} sent no picture for {STALL:.0f} s; check the camera and the connection, and try again.")

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=1.0)

    def _run(self) -> None:
        try:
            self._grab()
        except Exception as error:  # whatever a driver throws has to reach the user
            self._put(UserError(f"{self._device} cannot be read ({str(error).splitlines()[0]}); try another camera."))

    def _grab(self) -> None:
        cv2.setLogLevel(0)  # it prints of every camera that is not there
        capture = _open(self._device)
        try:
            if not capture.isOpened():
                self._put(UserError(_why_not(self._device)))
                return
            fps = capture.get(cv2.CAP_PROP_FPS)
            self._put(_Opened(fps if 1 <= fps <= 240 else USUAL_RATE))
            while not self._stop.is_set():
                there, picture = capture.read()
                if not there:
                    break
                if self._is_file:
                    self._put((picture, capture.get(cv2.CAP_PROP_POS_MSEC) / 1000))
                    continue
                try:
                    self._items.put_nowait((np.ascontiguousarray(picture), time.monotonic()))
                except queue.Full:
                    self.dropped += 1
            self._put(None)
        finally:
            capture.release()

    def _put(self, item: _Item) -> None:
        while not self._stop.is_set():
            try:
                self._items.put(item, timeout=0.1)
                return
            except queue.Full:
                continue


def _open(device: str) -> Any:
    if device.isdigit():
        return cv2.VideoCapture(int(device))
    if device.startswith("/dev/"):
        return cv2.VideoCapture(device)
    patience = int(2000 * STALL)  # ms; longer than ours, because it takes a stall for the stream's end
    wait = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, patience, cv2.CAP_PROP_READ_TIMEOUT_MSEC, patience]
    return cv2.VideoCapture(device, cv2.CAP_FFMPEG, wait)


def _why_not(device: str) -> str:
    if device.isdigit() or device.startswith("/dev/"):
        return (
            f"Camera {device} cannot be opened: it is not there, another program uses it, or this one may not; "
            "connect it, close the other program, or allow the camera in the system's privacy settings."
        )
    if "://" in device:
        return f"{device} does not answer or is no video stream; check the address, the password and the network."
    return f"{device} is not a video that can be read; give a camera's number, an address or a movie."
