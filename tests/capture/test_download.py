# SPDX-License-Identifier: GPL-3.0-or-later
"""The download of the models: real pip, with a folder of wheels in place of the package index."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mediapipe")

from ningyo.errors import Cancelled, UserError
from ningyo.jobs.lock import FileLock
from ningyo.jobs.progress import Reporter
from ningyo.synth_data.capture import download, models

ROOT = Path(__file__).parents[2]
WHEEL_NAME = "mediapipe-0.10.21-cp312-cp312-manylinux_2_28_x86_64.whl"
FILES = {Path(part.file).name: part for parts in models.PARTS.values() for part in parts.values()}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ningyo's cache, not there yet. pip is set to a package index with nothing in it and to the folder `wheels`."""
    for variable in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(variable)
    (tmp_path / "index").mkdir()
    (tmp_path / "wheels").mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "index").as_uri())
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.delenv("NINGYO_OFFLINE", raising=False)
    for module in (models, download):
        monkeypatch.setattr(module, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def offer(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Puts a wheel with the installed MediaPipe's models into the folder `wheels`, and its SHA-256 where the real wheel's is pinned."""
    installed = [models.find(kind).files for kind in models.KINDS]

    def make(replaced: str = "") -> None:
        wheel = cache.parent / "wheels" / WHEEL_NAME
        with zipfile.ZipFile(wheel, "w") as archive:
            for file in (file for files in installed for file in files):
                model = b"something else" if file.name == replaced else file.read_bytes()
                archive.writestr(f"mediapipe/modules/{FILES[file.name].file}", model)
            about = "mediapipe-0.10.21.dist-info"
            archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: mediapipe\nVersion: 0.10.21\n")
            archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp312-cp312-manylinux_2_28_x86_64\n")
            archive.writestr(f"{about}/RECORD", "")
        monkeypatch.setattr(download, "WHEEL_SHA256", hashlib.sha256(wheel.read_bytes()).hexdigest())

    return make


def kept(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir() if path.name != download.LOCK)


def test_the_models_and_nothing_else_are_kept(cache: Path, offer: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    offer()
    events = []
    assert download.download(report=Reporter(events.append)) == cache
    assert kept(cache) == sorted(FILES)
    assert all(hashlib.sha256((cache / name).read_bytes()).hexdigest() == part.sha256 for name, part in FILES.items())
    assert [event["unit"] for event in events if event["type"] == "progress"][-1] == "MB"
    # What is there is not fetched again, so going online need not be allowed.
    monkeypatch.setenv("NINGYO_OFFLINE", "1")
    assert download.download() == cache


def test_a_damaged_model_is_fetched_again(cache: Path, offer: Callable[..., None]) -> None:
    offer()
    download.download()
    (cache / "pose_detection.tflite").write_bytes(b"damaged")
    download.download()
    assert hashlib.sha256((cache / "pose_detection.tflite").read_bytes()).hexdigest() == FILES["pose_detection.tflite"].sha256


def test_another_wheel_is_refused_and_not_kept(cache: Path, offer: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    offer()
    monkeypatch.setattr(download, "WHEEL_SHA256", "0" * 64)
    with pytest.raises(UserError, match="not the expected file, or only a part of it, and was thrown away"):
        download.download()
    assert kept(cache) == []


def test_another_model_in_the_wheel_is_refused_and_nothing_kept(cache: Path, offer: Callable[..., None]) -> None:
    offer(replaced="face_landmark_with_attention.tflite")
    with pytest.raises(UserError, match=r"face_landmark_with_attention.tflite .* is not the model that was expected"):
        download.download()
    assert kept(cache) == []


def test_nobody_goes_online_when_it_is_forbidden(cache: Path, offer: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    offer()
    monkeypatch.setenv("NINGYO_OFFLINE", "1")
    with pytest.raises(UserError, match=r"NINGYO_OFFLINE=1 forbids it; allow it .* or name a folder of models with --models"):
        download.download()
    assert not cache.exists()


def test_an_index_without_the_wheel(cache: Path) -> None:
    with pytest.raises(UserError, match=r"does not have mediapipe==0.10.21; set another"):
        download.download()
    assert kept(cache) == []


def test_an_index_that_cannot_be_reached(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://127.0.0.1:9/simple")
    monkeypatch.setattr(download, "RETRIES", "1")
    with pytest.raises(UserError, match="cannot be reached; check the connection"):
        download.download()
    assert kept(cache) == []


def test_a_python_without_pip(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(UserError, match=r"has no pip; .* -m ensurepip"):
        download.download()
    assert kept(cache) == []


def test_it_can_be_cancelled(cache: Path, offer: Callable[..., None]) -> None:
    offer()
    with pytest.raises(Cancelled):
        download.download(report=Reporter(is_cancelled=lambda: True))
    assert kept(cache) == []


def test_one_at_a_time_and_a_killed_ones_remains_are_cleared(cache: Path, offer: Callable[..., None]) -> None:
    offer()
    (cache / download.SCRATCH / "pip").mkdir(parents=True)
    lock = FileLock(cache / download.LOCK)
    assert lock.acquire()
    with pytest.raises(UserError, match="Another download"):
        download.download()
    lock.release()
    download.download()
    assert kept(cache) == sorted(FILES)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(os.environ.get("NINGYO_OFFLINE") == "1", reason="goes online")
def test_mediapipe_1_with_the_downloaded_models_sees_the_same(tmp_path: Path) -> None:
    """In an environment of its own: the real download, and the same capture as here."""
    from ningyo.synth_data.pose.track import PoseTrack

    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "mediapipe==1.2.2", "av==18.1.0"], check=True)
    # Where Ningyo's cache is, but where pip's settings are only on macOS, which has no variable for caches alone.
    moved = ("HOME",) if sys.platform == "darwin" else ("XDG_CACHE_HOME", "LOCALAPPDATA")
    environment = {**os.environ, **dict.fromkeys(moved, str(tmp_path / "home"))}
    environment.pop(models.MODELS_VARIABLE, None)

    def ningyo(python: Path | str, *arguments: object) -> None:
        subprocess.run([python, ROOT / "__main__.py", *map(str, arguments)], check=True, env=environment)

    ningyo(python, "models", "download")
    clip, tracks = ROOT / "samples" / "actor.mp4", []
    for name, each in (("old", sys.executable), ("new", python)):
        ningyo(each, "capture", clip, "--out", tmp_path / f"{name}.npz", "--end", 1)
        tracks.append(PoseTrack.load(tmp_path / f"{name}.npz"))
    for array in ("body_image", "hand_image", "face_image"):
        old, new = (getattr(track, array)[..., :2] for track in tracks)
        assert (np.isfinite(old) == np.isfinite(new)).mean() > 0.9
        # Tracking feeds back what it found, so small differences grow; most points stay together.
        assert np.nanmedian(np.abs(old - new)) < 0.5  # px
