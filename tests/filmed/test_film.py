# SPDX-License-Identifier: GPL-3.0-or-later
"""Videos as datasets: the picture, its pose and its split belong together, without any rig."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ningyo.errors import UserError
from ningyo.synth_data.dataset.folder import IMAGE, Dataset
from ningyo.synth_data.dataset.png import decode_png
from ningyo.synth_data.dataset.verify import verify
from ningyo.synth_data.filmed import film as filmed
from ningyo.synth_data.filmed.film import film
from ningyo.synth_data.filmed.folder import cut_out, split_by_time
from ningyo.synth_data.pose.conditioning import draw_packed
from ningyo.synth_data.pose.framing import project
from ningyo.synth_data.pose.landmarks import MEDIAPIPE_33
from ningyo.synth_data.pose.placing import camera_for
from ningyo.synth_data.pose.track import PoseTrack
from ningyo.synth_data.pose.transfer import FilmedTarget, driven
from ningyo.synth_data.video.read import hash_source, probe
from ningyo.synth_data.video.write import MovieWriter
from ningyo.verbs import dataset as verb

WIDTH, HEIGHT, FRAMES, FPS = 160, 120, 60, 10
WRIST = 7  # BODY_25's left one
JOINTS = {
    **{"nose": (0, -0.65, 0), "left_eye": (0.03, -0.68, 0), "left_ear": (0.07, -0.66, 0.08), "left_shoulder": (0.17, -0.45, 0)},
    **{"left_elbow": (0.45, -0.5, 0), "left_wrist": (0.7, -0.55, 0), "left_hip": (0.1, 0, 0), "left_knee": (0.1, 0.42, 0)},
    **{"left_ankle": (0.1, 0.82, 0), "left_heel": (0.1, 0.88, 0.05), "left_foot_index": (0.12, 0.88, -0.15)},
}


def body() -> np.ndarray:
    points = np.full((33, 3), np.nan)
    for name, (x, y, z) in JOINTS.items():
        points[MEDIAPIPE_33.index(name)] = x, y, z
        points[MEDIAPIPE_33.index(name.replace("left", "right"))] = (-x if name != "nose" else x), y, z
    points[np.isnan(points).any(-1)] = 0, -0.5, 0
    return points


@pytest.fixture
def filming(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Writes a movie of someone who walks sideways with a bright wrist, and lets capture find just that."""

    def capture_files(videos: list[Path], out: Path, **_: object) -> list[Path]:
        if not out.exists():
            known(videos[0]).save(out)
        return [out]

    def known(video: Path) -> PoseTrack:
        info = probe(video)
        frames = info.frame_count
        track = PoseTrack.unseen(1, np.arange(frames) / FPS, np.arange(frames), info.header(hash_source(video)), {})
        places = body() + np.stack([np.linspace(-0.2, 0.2, frames), np.zeros(frames), np.full(frames, 4.0)], -1)[:, None]
        track.body_image[0, ..., :2] = project(places, camera_for((WIDTH, HEIGHT)))
        track.body_image[0, ..., 2] = 0
        track.body_world[0] = body()
        track.body_visibility[0] = 1
        track.bridged[0, 5] = True
        return track

    def make(name: str = "walk.mp4", frames: int = FRAMES) -> Path:
        video = tmp_path / name
        places = body() + np.stack([np.linspace(-0.2, 0.2, frames), np.zeros(frames), np.full(frames, 4.0)], -1)[:, None]
        wrists = project(places, camera_for((WIDTH, HEIGHT)))[:, MEDIAPIPE_33.index("left_wrist")]
        y, x = np.indices((HEIGHT, WIDTH)) + 0.5
        with MovieWriter(video, FPS, (WIDTH, HEIGHT)) as movie:
            for wrist in wrists:
                spot = np.exp(-((x - wrist[0]) ** 2 + (y - wrist[1]) ** 2) / 8)
                movie.write(np.repeat((40 + 200 * spot)[..., None], 3, -1).astype(np.uint8))
        return video

    monkeypatch.setattr(filmed, "capture_files", capture_files)
    return make


def test_pictures_and_poses_belong_together(filming: Callable[..., Path], tmp_path: Path) -> None:
    made = film([filming()], tmp_path / "out", size=96)
    dataset = Dataset.open(tmp_path / "out")
    assert made["samples"] == made["made"] == len(dataset.samples) == dataset.planned
    assert verify(dataset) == []
    assert len({sample.camera["distance"] for sample in dataset.samples if sample.clip == "walk"}) == 1  # one camera
    height = dataset.height("walk")
    assert height == pytest.approx((0.82 + 0.65) / 0.89, rel=0.03)
    for sample in list(dataset.samples)[:: len(dataset.samples) // 6]:
        image, pose = decode_png(dataset.file(sample, IMAGE).read_bytes()), dataset.pose(sample)
        assert image.shape == (96, 96, 3)
        row, column = np.unravel_index(image[..., 0].argmax(), (96, 96))
        assert np.allclose(pose.points_2d[WRIST], (column + 0.5, row + 0.5), atol=1.6)
        parts = draw_packed(pose.points_camera, pose.K, 96, height)[..., 0]
        assert parts[row - 2 : row + 3, column - 2 : column + 3].any()  # conditioning is drawn where the picture is
        assert 10 < np.nonzero(parts)[0].mean() < 86


def test_the_end_is_held_out_after_a_gap(filming: Callable[..., Path], tmp_path: Path) -> None:
    film([filming()], tmp_path / "out", size=64)
    dataset = Dataset.open(tmp_path / "out")
    assert dataset.splits == {"train": ["walk"], "test": ["walk.tail"]}
    frames = {split: [sample.frame for sample in samples] for split, samples in dataset.by_split.items()}
    assert min(frames["test"]) / FPS - max(frames["train"]) / FPS > 0.5
    assert len(frames["test"]) == pytest.approx(FRAMES / 5, abs=1)
    assert 5 not in frames["train"]  # the body was interpolated there
    train, test = split_by_time("long", np.arange(3000) / 25)
    assert (train.split, test.split) == ("train", "test")
    assert (test.start - train.end) / 25 == pytest.approx(2, abs=0.05)
    assert test.frames == pytest.approx(600, abs=1)


def test_what_was_interrupted_is_continued_with_the_same_bytes(filming: Callable[..., Path], tmp_path: Path) -> None:
    video, out = filming(), tmp_path / "out"
    film([video], out, size=64)
    whole = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    lines = (out / "index.jsonl").read_text().splitlines(keepends=True)
    (out / "index.jsonl").write_text("".join(lines[:7]) + lines[7][:20])
    sample = Dataset.open(out).samples[2]
    (out / sample.files[IMAGE][0]).unlink()
    made = film([video], out, size=64)
    assert made["made"] == len(lines) - 6
    again = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    changed = {path.name for path in whole if again.get(path) != whole[path]}
    assert changed <= {"index.jsonl", "checksums.json"}  # in another order
    assert verify(Dataset.open(out)) == []


def test_several_videos_are_one_character_and_another_request_is_refused(filming: Callable[..., Path], tmp_path: Path) -> None:
    one, two, out = filming("a b.mp4"), filming("c.mp4", 40), tmp_path / "out"
    film([one, two], out, size=64)
    dataset = Dataset.open(out)
    assert list(dataset.header["characters"]) == ["a-b"]
    assert dataset.splits["test"] == ["a-b.tail", "c.tail"]
    with pytest.raises(UserError, match="something else"):
        film([one], out, size=64)
    with pytest.raises(UserError, match="fewer than"):
        film([filming("short.mp4", 12)], tmp_path / "short", size=64)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "diary.txt").touch()
    with pytest.raises(UserError, match="diary"):
        film([one], tmp_path / "full")


def test_the_dataset_says_how_to_drive_its_person(filming: Callable[..., Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    film([filming()], out, size=64)
    target = FilmedTarget.from_json(Dataset.open(out).about("walk")["filmed"], "it")
    track = PoseTrack.load(out / "clips" / "walk.npz")
    pixels = project(driven(track, 0, target), target.camera)
    want = project(body() + np.array([0, 0, 4.0]), camera_for((WIDTH, HEIGHT)))[MEDIAPIPE_33.index("left_ankle")]
    assert np.allclose(pixels[:, 14, 1], want[1], atol=1.5)  # whoever drives themselves stays where they were


def test_outside_of_the_picture_it_goes_on() -> None:
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[..., 0] = np.arange(60)
    picture[:, -1] = 255  # a line that is not of the picture
    cut = cut_out(picture, np.array([55.0, 20.0, 30.0]), 30)
    assert cut[:, 0, 0].tolist() == [40] * 30
    assert cut[15, -1, 0] == 55
    assert (cut[:, 20:, 0] < 60).all()


def test_the_verb_says_what_is_missing(filming: Callable[..., Path], tmp_path: Path) -> None:
    import argparse

    from ningyo.jobs.progress import SILENT

    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    with pytest.raises(UserError, match="--out"):
        verb.run(parser.parse_args(["film", str(filming())]), SILENT)
    with pytest.raises(UserError, match="takes one folder"):
        verb.run(parser.parse_args(["verify", "a", "b"]), SILENT)
    out = tmp_path / "made"
    verb.run(parser.parse_args(["film", str(filming()), "--out", str(out), "--size", "64"]), SILENT)
    assert verb.run(parser.parse_args(["verify", str(out)]), SILENT)["whole"]
    assert json.loads((out / "dataset.json").read_text())["size"] == [64, 64]
