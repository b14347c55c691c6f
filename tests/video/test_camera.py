# SPDX-License-Identifier: GPL-3.0-or-later
"""A camera is recorded frame by frame with its times; a movie stands in for it."""

from __future__ import annotations

import http.server
import threading
from pathlib import Path

import pytest

pytest.importorskip("av")
pytest.importorskip("cv2")

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


def test_a_server_that_never_sends_a_picture(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(camera, "STALL", 1.0)
    release = threading.Event()

    class Silent(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            release.wait(30)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with pytest.raises(UserError, match=r"sent no picture for 1 s|does not answer"):
            camera.record(f"http://127.0.0.1:{server.server_port}/", tmp_path / "out.mp4")
    finally:
        release.set()
        server.shutdown()
        thread.join()
        server.server_close()
    assert not (tmp_path / "out.mp4").exists()
