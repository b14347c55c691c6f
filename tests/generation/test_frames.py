# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (torch is looked for first)
"""From a model and a pose track to frames and a movie; resuming; folders that are not ours."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("av")

from ningyo.errors import UserError
from ningyo.generation.frames import frame_path, generate
from ningyo.generation.model import open_model
from ningyo.jobs.progress import Reporter
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


def test_frames_of_an_earlier_model_stay_until_they_are_replaced(scene: SimpleNamespace, tmp_path: Path) -> None:
    """Strips that show them always have a picture, and after a stop only what is not of the new model is made."""
    out = tmp_path / "frames"
    generate(scene.model, scene.track, out)
    model = open_model(scene.model)
    other = replace(model, sha256="1" * 64, run=lambda *drawing: model.run(*drawing) * np.float32(0.5))
    there: list[int] = []
    before = [frame_path(out, i).read_bytes() for i in range(FRAMES)]

    def watch(event: dict) -> None:
        if event["type"] == "artefact":
            there.append(len(list(out.glob("0*.png"))))
            if len(there) == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(other, scene.track, out, report=Reporter(watch))
    assert there == [FRAMES, FRAMES]
    made = [i for i in range(FRAMES) if frame_path(out, i).read_bytes() != before[i]]
    assert made == list(range(len(made)))
    assert 2 <= len(made) < FRAMES
    assert generate(other, scene.track, out)["made"] == FRAMES - len(made)
    assert all(frame_path(out, i).read_bytes() != before[i] for i in range(FRAMES))
    assert generate(scene.model, scene.track, out)["made"] == FRAMES
    assert [frame_path(out, i).read_bytes() for i in range(FRAMES)] == before


def test_a_folder_of_frames_says_how_to_make_them_again(scene: SimpleNamespace, tmp_path: Path) -> None:
    out = tmp_path / "work" / "frames"
    generate(scene.model, scene.track, out, mp4=tmp_path / "work" / "anime.mp4")
    header = json.loads((out / "frames.json").read_text())
    made_by = {kind: (out / path).resolve() for kind, path in header["made_by"].items()}
    assert made_by == {"model": scene.model.resolve(), "track": scene.track.resolve(), "mp4": tmp_path / "work" / "anime.mp4"}
    assert header["made_by"]["mp4"] == "../anime.mp4", "the folder may be moved"
    assert header["person"] == 0
    assert header["character"] == open_model(scene.model).character.name


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
