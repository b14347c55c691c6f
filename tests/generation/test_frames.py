# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (torch is looked for first)
"""From a model and a pose track to frames and a movie; resuming; folders that are not ours."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("av")

from ningyo.errors import UserError
from ningyo.generation.frames import frame_path, generate
from ningyo.synth_data.pose.rows import PER_PERSON
from ningyo.synth_data.pose.track import PoseTrack
from ningyo.synth_data.video.read import probe, read_frames
from PIL import Image

WIDTH, HEIGHT, FRAMES, FPS = 160, 120, 6, 12.0


def test_frames_lie_over_the_person_at_the_videos_size_and_times(scene: SimpleNamespace, tmp_path: Path) -> None:
    result = generate(scene.model, scene.track, tmp_path / "frames", mp4=tmp_path / "anime.mp4")
    assert result["made"] == result["frames"] == FRAMES
    header = json.loads((tmp_path / "frames" / "frames.json").read_text())
    assert (header["fps"], header["count"], header["size"]) == (FPS, FRAMES, [WIDTH, HEIGHT])
    assert header["times"] == pytest.approx(np.arange(FRAMES) / FPS, abs=1e-5)
    track = PoseTrack.load(scene.track)
    for i in range(FRAMES):
        alpha = np.asarray(Image.open(frame_path(tmp_path / "frames", i)))[..., 3]
        assert alpha.shape == (HEIGHT, WIDTH)
        rows, columns = np.nonzero(alpha > 128)
        assert len(rows) > 100
        body = track.body_image[0, i, 11:29, :2]
        assert np.abs([columns.mean(), rows.mean()] - body.mean(0)).max() < 14
        assert not alpha[0].any()  # nothing faint where nobody is
    info = probe(tmp_path / "anime.mp4")
    assert (info.width, info.height, float(info.fps)) == (WIDTH, HEIGHT, FPS)
    assert len(list(read_frames(tmp_path / "anime.mp4"))) == FRAMES


def test_frames_are_empty_while_the_person_is_not_there(scene: SimpleNamespace, tmp_path: Path) -> None:
    """Person 4 is there in frames 2 and 3 alone; the frames are those of the whole clip."""
    track = PoseTrack.load(scene.track)
    two = PoseTrack.unseen(2, track.time, track.frame_index, track.video, {})
    two.person_id[1] = 4
    for name in PER_PERSON:
        getattr(two, name)[0] = getattr(track, name)[0]
        getattr(two, name)[1, 2:4] = getattr(track, name)[0, 2:4]
    two.save(tmp_path / "two.npz")
    result = generate(scene.model, tmp_path / "two.npz", tmp_path / "frames", person=4, mp4=tmp_path / "anime.mp4")
    assert result["frames"] == FRAMES
    assert json.loads((tmp_path / "frames" / "frames.json").read_text())["times"] == pytest.approx(np.arange(FRAMES) / FPS, abs=1e-5)
    pictures = [np.asarray(Image.open(frame_path(tmp_path / "frames", i))) for i in range(FRAMES)]
    assert [bool(picture.any()) for picture in pictures] == [False, False, True, True, False, False]
    assert len(list(read_frames(tmp_path / "anime.mp4"))) == FRAMES
    assert generate(scene.model, tmp_path / "two.npz", tmp_path / "frames", person=0)["made"] == FRAMES  # not those of person 4
    with pytest.raises(UserError, match="no person 1; it has: 0, 4"):
        generate(scene.model, tmp_path / "two.npz", tmp_path / "other", person=1)


def test_finished_frames_are_kept_and_missing_ones_made_the_same(scene: SimpleNamespace, tmp_path: Path) -> None:
    generate(scene.model, scene.track, tmp_path / "frames")
    before = [frame_path(tmp_path / "frames", i).read_bytes() for i in range(FRAMES)]
    frame_path(tmp_path / "frames", 2).unlink()
    assert generate(scene.model, scene.track, tmp_path / "frames")["made"] == 1
    assert [frame_path(tmp_path / "frames", i).read_bytes() for i in range(FRAMES)] == before
    assert generate(scene.model, scene.track, tmp_path / "frames")["made"] == 0


def test_folders_and_models_that_are_not_ours_are_left_alone(scene: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "000000.png").write_text("precious")
    with pytest.raises(UserError, match="not Ningyo's"):
        generate(scene.model, scene.track, tmp_path / "mine")
    assert (tmp_path / "mine" / "000000.png").read_text() == "precious"
    with pytest.raises(UserError, match="is a file"):
        generate(scene.model, scene.track, tmp_path / "mine" / "000000.png")
    with pytest.raises(UserError, match="no model at"):
        generate(tmp_path / "nowhere", scene.track, tmp_path / "frames")
    with pytest.raises(UserError, match="no pose track"):
        generate(scene.model, tmp_path / "nowhere.npz", tmp_path / "frames")
    assert not (tmp_path / "frames").exists()
