# SPDX-License-Identifier: GPL-3.0-or-later
"""The models, put together from MediaPipe's wheel."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mediapipe")

import mediapipe
from ningyo.errors import UserError
from ningyo.synth_data.capture import models
from ningyo.synth_data.capture.face_model import REFINED_OUTPUTS, gather_indices


def test_bundles_are_whole_and_the_same_each_time():
    for kind, names in (("pose", 2), ("hand", 2), ("face", 2)):
        data = models.bundle(kind)
        assert data == models.bundle(kind)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert len(archive.namelist()) == names
            assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())
            assert all(archive.read(name)[4:8] == b"TFL3" for name in archive.namelist())


def test_a_wheel_without_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(mediapipe, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(UserError, match=r"pip install mediapipe==0\.10\.21"):
        models.bundle("pose")


def test_every_face_number_comes_from_somewhere():
    indices = gather_indices().reshape(478, 3)
    assert len(np.unique(indices[:, :2])) == 478 * 2
    refined = {point for points in REFINED_OUTPUTS.values() for point in points}
    assert len(refined) == sum(len(points) for points in REFINED_OUTPUTS.values())
    from_mesh = indices[:, 0] < 468 * 3
    assert set(np.flatnonzero(~from_mesh)) == refined
    assert (indices[:, 2] < 468 * 3).all()
    assert indices.max() == 468 * 3 + 2 * len(refined) - 1


def test_the_face_model_says_what_mediapipes_own_graph_says(actor_frames):
    from ningyo.synth_data.capture.landmarker import Landmarker, quiet_libraries

    head = np.ascontiguousarray(actor_frames[10][20:180, 130:290])
    with quiet_libraries():
        found = Landmarker("face", video=False)(head, 0.0).face_landmarks
        with mediapipe.solutions.face_mesh.FaceMesh(static_image_mode=True, refine_landmarks=True) as own:
            expected = own.process(head).multi_face_landmarks
    ours, theirs = (np.array([(point.x, point.y, point.z) for point in face]) * 160 for face in (found[0], expected[0].landmark))
    assert ours.shape == (478, 3)
    assert np.abs(ours[:, :2] - theirs[:, :2]).max() < 0.5  # px
    assert np.abs(ours[:468, 2] - theirs[:468, 2]).max() < 0.5


def test_nothing_is_printed_by_the_libraries(actor: Path, tmp_path: Path):
    code = "import sys; from ningyo.synth_data.capture.capture import capture_files; capture_files(sys.argv[1:2], sys.argv[2], end=0.3)"
    command = [sys.executable, "-W", "ignore", "-c", code, str(actor), str(tmp_path / "a.npz")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert done.stderr == ""


def test_notes_are_shown_when_something_fails(capfd: pytest.CaptureFixture[str]):
    from ningyo.synth_data.capture.landmarker import quiet_libraries

    def fail() -> None:
        with quiet_libraries():
            os.write(2, b"why it failed\n")
            raise RuntimeError

    with quiet_libraries():
        os.write(2, b"chatter\n")
    with pytest.raises(RuntimeError):
        fail()
    assert capfd.readouterr().err == "why it failed\n"
