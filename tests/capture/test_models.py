# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the models are looked for, and the bundles put together from them."""

from __future__ import annotations

import io
import os
import shutil
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
            assert archive.testzip() is None
            assert len(archive.namelist()) == names
            assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())
            assert all(archive.read(name)[4:8] == b"TFL3" for name in archive.namelist())


def test_the_bundles_find_the_actor(actor_frames: list[np.ndarray]):
    assert_found(actor_frames[10])


def test_googles_bundles_in_the_users_folder_come_first(actor_frames: list[np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for kind, name in (("pose", "pose_landmarker_heavy.task"), ("hand", "hand_landmarker.task"), ("face", "face_landmarker.task")):
        (tmp_path / name).write_bytes(models.bundle(kind))
    before = models.fingerprint()
    monkeypatch.setenv("NINGYO_MODELS", str(tmp_path))
    assert models.find("pose").files == (tmp_path / "pose_landmarker_heavy.task",)
    assert models.fingerprint() == models.fingerprint(tmp_path) != before
    assert_found(actor_frames[10])


@pytest.mark.parametrize("layout", ["flat", "as in the wheel"])
def test_the_wheels_files_in_the_users_folder(tmp_path: Path, layout: str):
    copy_models(tmp_path, flat=layout == "flat")
    assert all(models.find(kind, tmp_path).origin == f"the folder {tmp_path}" for kind in models.KINDS)
    assert models.bundle("face", tmp_path) == models.bundle("face")
    assert models.fingerprint(tmp_path) == models.fingerprint()


def test_a_mediapipe_without_models_uses_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    expected = models.bundle("pose"), models.fingerprint()
    copy_models(tmp_path, flat=True)
    monkeypatch.setattr(mediapipe.__spec__, "origin", str(tmp_path / "mediapipe" / "__init__.py"))
    monkeypatch.setattr(models, "cache_folder", lambda: tmp_path / "empty")
    with pytest.raises(UserError, match=r"`ningyo models download`, or name a folder with --models"):
        models.bundle("pose")
    monkeypatch.setattr(models, "cache_folder", lambda: tmp_path)
    assert models.find("pose").origin == "Ningyo's cache"
    assert (models.bundle("pose"), models.fingerprint()) == expected


def test_a_users_folder_that_lacks_something(tmp_path: Path):
    with pytest.raises(UserError, match="is not a folder"):
        models.bundle("pose", tmp_path / "models")
    copy_models(tmp_path, flat=True)
    (tmp_path / "hand_landmark_full.tflite").unlink()
    models.bundle("pose", tmp_path)
    for look in (lambda: models.bundle("hand", tmp_path), lambda: models.fingerprint(tmp_path)):
        with pytest.raises(UserError, match=r"lacks hand_landmark_full.tflite, or hand_landmarker.task instead"):
            look()


def test_damaged_files_are_named(tmp_path: Path):
    copy_models(tmp_path, flat=True)
    model = tmp_path / "face_landmark_with_attention.tflite"
    model.write_bytes(model.read_bytes()[:-1] + b"?")
    with pytest.raises(UserError, match=r"face_landmark_with_attention.tflite is damaged"):
        models.bundle("face", tmp_path)

    whole, task = models.bundle("hand"), tmp_path / "hand_landmarker.task"
    altered = bytearray(whole)
    altered[len(whole) // 2] ^= 1
    compressed = io.BytesIO()
    with zipfile.ZipFile(compressed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in models.PARTS["hand"]:
            archive.writestr(name, b"TFL3")
    for data in (whole[: len(whole) // 2], bytes(altered), compressed.getvalue(), models.bundle("face"), b""):
        task.write_bytes(data)
        with pytest.raises(UserError, match=r"hand_landmarker.task is damaged, or not a bundle for MediaPipe's hand landmarker"):
            models.bundle("hand", tmp_path)


def test_the_verb_lists_them(tmp_path: Path):
    copy_models(tmp_path, flat=True)
    command = [sys.executable, "-m", "ningyo", "models", "--models", str(tmp_path)]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    for parts in models.PARTS.values():
        for part in parts.values():
            assert f"{part.sha256}  {tmp_path / Path(part.file).name}" in shown


def assert_found(picture: np.ndarray) -> None:
    from ningyo.synth_data.capture.landmarker import Landmarker, points, quiet_libraries

    height, width = picture.shape[:2]
    with quiet_libraries():
        landmarkers = {kind: Landmarker(kind, video=False) for kind in models.KINDS}
        body = points(landmarkers["pose"](picture, 0.0).pose_landmarks[0])[:, :2] * (width, height)
        hand = points(landmarkers["hand"](picture, 0.0).hand_landmarks[0])[:, :2] * (width, height)
        face = points(landmarkers["face"](np.ascontiguousarray(picture[20:180, 130:290]), 0.0).face_landmarks[0])[:, :2] * 160 + (130, 20)
        for landmarker in landmarkers.values():
            landmarker.close()
    # The three agree about wrist and nose.
    assert min(np.linalg.norm(body[wrist] - hand[0]) for wrist in (15, 16)) < 15  # px
    assert np.linalg.norm(body[0] - face[1]) < 15


def copy_models(folder: Path, *, flat: bool) -> None:
    for kind in models.KINDS:
        for source, part in zip(models.find(kind).files, models.PARTS[kind].values(), strict=True):
            target = folder / (Path(part.file).name if flat else part.file)
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(source, target)


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
    code = (
        "import sys; from ningyo.synth_data.capture.capture import Settings, capture_files; "
        "capture_files(sys.argv[1:2], sys.argv[2], settings=Settings(end=0.3))"
    )
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
