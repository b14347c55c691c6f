# SPDX-License-Identifier: GPL-3.0-or-later
"""A camera is recorded frame by frame with its times; a movie stands in for it."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("av")
pytest.importorskip("cv2")

import cv2
from ningyo.errors import Cancelled, UserError
from ningyo.jobs.progress import Reporter
from ningyo.synth_data.video import camera
from ningyo.synth_data.video.read import probe, read_frames

TIMES = [0, 40, 80, 200, 210, 220, 400, 440, 480, 520, 560, 900]  # ms


def test_every_frame_at_its_time(tmp_path: Path, make_movie):
    device = make_movie("device.mp4", times=TIMES)
    recording = camera.record(device, tmp_path / "out.mp4")
    source, frames = list(read_frames(device)), list(read_frames(recording.path))
    assert (recording.frames, recording.dropped, recording.ended) == (12, 0, camera.END)
    assert [frame.time for frame in frames] == pytest.approx([t / 1000 for t in TIMES], abs=2e-3)
    assert all(abs(a.rgb.astype(int) - b.rgb.astype(int)).mean() < 6 for a, b in zip(source, frames, strict=True))
    assert not list(tmp_path.glob(".*"))


def test_more_frames_than_can_wait(tmp_path: Path, make_movie):
    recording = camera.record(make_movie("device.mp4", frames=camera.QUEUE * 2), tmp_path / "out.mp4")
    assert recording.frames == camera.QUEUE * 2


def test_it_ends_when_the_time_is_over(tmp_path: Path, make_movie):
    recording = camera.record(make_movie("device.mp4", frames=48), tmp_path / "out.mp4", seconds=1.0)
    assert (recording.frames, recording.ended) == (24, camera.SECONDS)
    assert recording.seconds == pytest.approx(1.0)


@pytest.mark.parametrize("stopping", [Cancelled, KeyboardInterrupt])
def test_what_was_recorded_until_the_user_stops_is_kept(tmp_path: Path, make_movie, stopping):
    def sink(event):
        if event["type"] == "progress" and event["done"] >= 0.5:
            raise stopping

    recording = camera.record(make_movie("device.mp4", frames=48), tmp_path / "out.mp4", report=Reporter(sink))
    assert recording.ended == camera.STOPPED
    assert probe(tmp_path / "out.mp4").frame_count == recording.frames == 13


def test_odd_sizes(tmp_path: Path, make_movie):
    device = make_movie("device.mp4", size=(65, 49), pixels="yuv444p")
    assert camera.record(device, tmp_path / "out.mp4").frames == 12


def test_what_is_no_camera_gives_one_sentence(tmp_path: Path):
    text = tmp_path / "text.mp4"
    text.write_text("a letter")
    for device, words in (("97", "Camera 97 cannot"), (tmp_path / "none.mp4", "no camera or file"), (text, "not a video")):
        with pytest.raises(UserError, match=words) as error:
            camera.record(device, tmp_path / "out.mp4")
        assert "\n" not in str(error.value)
        assert not (tmp_path / "out.mp4").exists()


@contextmanager
def serving(pictures: int, hangs: bool) -> Iterator[str]:
    """A network camera (MJPEG over HTTP) that sends so many pictures and then ends or hangs."""
    release = threading.Event()

    class Camera(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if pictures:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
                self.end_headers()
            for index in range(pictures):
                jpeg = cv2.imencode(".jpg", np.full((48, 64, 3), 4 * index, np.uint8))[1].tobytes()
                self.wfile.write(b"--next\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(jpeg), jpeg))
                release.wait(0.02)
            if hangs:
                release.wait(30)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Camera)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        release.set()
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_network_camera(tmp_path: Path):
    with serving(40, hangs=False) as address:
        recording = camera.record(address, tmp_path / "out.mp4")
    assert recording.ended == camera.END
    assert recording.frames + recording.dropped >= 39
    frames = list(read_frames(recording.path))
    greys = [int(frame.rgb[20, 20, 0]) for frame in frames]
    assert greys == sorted(greys)
    assert all(a.time < b.time for a, b in pairwise(frames))


def test_a_stream_that_stalls_is_kept_up_to_there(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(camera, "STALL", 1.0)
    events = []
    with serving(40, hangs=True) as address:
        recording = camera.record(address, tmp_path / "out.mp4", report=Reporter(events.append))
    assert recording.ended == camera.STALLED
    assert len(list(read_frames(recording.path))) == recording.frames > 20
    assert any("sent no picture for 1 s" in event.get("text", "") for event in events)


def test_frames_that_cannot_be_followed_are_counted(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(camera, "QUEUE", 2)
    events = []

    def slow(event):
        events.append(event)
        if event["type"] == "progress":
            time.sleep(0.1)

    with serving(40, hangs=False) as address:
        recording = camera.record(address, tmp_path / "out.mp4", report=Reporter(slow))
    assert recording.dropped > 0
    assert any(f"{recording.dropped} frames were dropped" in event.get("text", "") for event in events)


def test_a_server_that_never_sends_a_picture(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(camera, "STALL", 1.0)
    with serving(0, hangs=True) as address, pytest.raises(UserError, match=r"sent no picture for 1 s"):
        camera.record(address, tmp_path / "out.mp4")
    assert not (tmp_path / "out.mp4").exists()
