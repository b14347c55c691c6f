# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (torch is looked for first)
"""From the sample's video to a model of who is in it, and from that to frames: with torch and without."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("av")
pytest.importorskip("mediapipe")
pytest.importorskip("onnxscript")

from ningyo.errors import UserError
from ningyo.generation.filmed import FilmedShots
from ningyo.generation.frames import frame_path, generate
from ningyo.generation.model import open_model
from ningyo.synth_data.dataset.folder import Dataset
from ningyo.synth_data.filmed.film import film
from ningyo.synth_data.pose.conditioning import draw_packed
from ningyo.synth_data.pose.rows import PER_PERSON
from ningyo.synth_data.pose.track import PoseTrack
from ningyo.synth_data.pose.transfer import FilmedTarget
from ningyo.synth_data.video.read import probe, read_frames
from ningyo.synth_data.video.write import MovieWriter
from ningyo.training.export import export
from PIL import Image

ACTOR = Path(__file__).parents[2] / "samples" / "actor.mp4"
SIDE = 64


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """The sample's first seconds as a dataset, a model that has seen it a little, and the track of the one who is in it."""
    from ningyo.training import presets
    from ningyo.training.loop import train

    folder = tmp_path_factory.mktemp("filmed")
    pictures = [frame.rgb for frame in read_frames(ACTOR, end=1.0)]
    with MovieWriter(folder / "actor.mp4", 25, (pictures[0].shape[1], pictures[0].shape[0])) as movie:
        for rgb in pictures:
            movie.write(rgb)
    film([folder / "actor.mp4"], folder / "dataset", size=SIDE)
    with pytest.MonkeyPatch.context() as patch:
        preset = presets.Preset((8, 16, 16, 16), (1, 1, 1, 1), 8, 4, batch=4, minutes=1, warm_up=1.0)
        patch.setitem(presets.PRESETS, "filmed", preset)
        train(folder / "dataset", folder / "model", preset="filmed", steps=60, measured=False)
    export(folder / "model", folder / "model.onnx")
    return SimpleNamespace(
        folder=folder,
        dataset=folder / "dataset",
        model=folder / "model",
        onnx=folder / "model.onnx",
        track=folder / "dataset/clips/actor.npz",
    )


def pictures_in(folder: Path) -> list[np.ndarray]:
    count = json.loads((folder / "frames.json").read_text())["count"]
    return [np.asarray(Image.open(frame_path(folder, i))) for i in range(count)]


def test_who_drives_themselves_is_drawn_as_in_training(filmed: SimpleNamespace) -> None:
    dataset = Dataset.open(filmed.dataset)
    target = FilmedTarget.from_json(dataset.about("actor")["filmed"], "it")
    shots = FilmedShots(target, PoseTrack.load(filmed.track, person=0), 0, SIDE)
    for sample in list(dataset.samples)[::6]:
        pose = dataset.pose(sample)
        trained = draw_packed(pose.points_camera, pose.K, SIDE, target.height)
        driven, head = shots.drawing(int(sample.frame) - shots.first)
        both, either = ((driven[..., 0] > 0) & (trained[..., 0] > 0)).sum(), ((driven[..., 0] > 0) | (trained[..., 0] > 0)).sum()
        assert both / either > 0.8
        assert head[2] > 4


def test_frames_are_whole_squares_with_the_background_of_the_video(filmed: SimpleNamespace, tmp_path: Path) -> None:
    result = generate(filmed.model, filmed.track, tmp_path / "frames", mp4=tmp_path / "anime.mp4")
    track = PoseTrack.load(filmed.track)
    assert (result["frames"], result["size"]) == (len(track.time), [SIDE, SIDE])
    header = json.loads((tmp_path / "frames" / "frames.json").read_text())
    assert header["opaque"] is True
    assert header["times"] == pytest.approx(track.time, abs=1e-5)
    made = pictures_in(tmp_path / "frames")
    assert {picture.shape for picture in made} == {(SIDE, SIDE, 3)}
    # A network that has learnt for a second knows where it is bright and where dark, and that somebody moves.
    dataset = Dataset.open(filmed.dataset)
    sample = next(sample for sample in dataset.samples if sample.frame == 8)
    truth = np.asarray(Image.open(dataset.path / sample.files["image"][0])).astype(float)
    assert np.corrcoef(made[8].astype(float).ravel(), truth.ravel())[0, 1] > 0.7
    assert np.abs(made[2].astype(float) - made[20]).mean() > 0.5
    info = probe(tmp_path / "anime.mp4")
    assert (info.width, info.height) == (SIDE, SIDE)
    assert generate(filmed.model, filmed.track, tmp_path / "frames")["made"] == 0


def test_without_torch_they_are_the_same(filmed: SimpleNamespace, without_torch: Callable, tmp_path: Path) -> None:
    assert open_model(filmed.onnx).character == open_model(filmed.model).character
    done = without_torch("generate", filmed.onnx, filmed.track, "--out", tmp_path / "frames")
    assert done.returncode == 0, done.stderr
    generate(filmed.model, filmed.track, tmp_path / "torch")
    for a, b in zip(pictures_in(tmp_path / "frames"), pictures_in(tmp_path / "torch"), strict=True):
        assert a.any()
        assert np.abs(a.astype(float) - b).max() < 12  # torch may compute in bfloat16


def test_integers_are_judged_by_the_figure(filmed: SimpleNamespace, tmp_path: Path) -> None:
    result = export(filmed.model, tmp_path / "int8.onnx", precision="int8", dataset=filmed.dataset)
    assert abs(result["psnr_fg"]["fp32"] - result["psnr_fg"]["int8"]) < 0.2
    assert 8 < result["psnr_fg"]["fp32"] < 40


def test_they_go_on_where_the_person_is_lost_and_are_black_without_them(filmed: SimpleNamespace, tmp_path: Path) -> None:
    track = PoseTrack.load(filmed.track)
    for name in PER_PERSON:
        rows = getattr(track, name)[0]
        for gap in (slice(0, 3), slice(10, 14)):
            rows[gap] = np.nan if rows.dtype.kind == "f" else 0
    track.save(tmp_path / "gaps.npz")
    generate(filmed.model, tmp_path / "gaps.npz", tmp_path / "frames")
    made = pictures_in(tmp_path / "frames")
    assert [bool(picture.any()) for picture in made] == [False] * 3 + [True] * (len(made) - 3)
    whole = FilmedShots(open_model(filmed.model).character, PoseTrack.load(filmed.track), 0, SIDE)  # type: ignore[arg-type]
    gapped = FilmedShots(open_model(filmed.model).character, PoseTrack.load(tmp_path / "gaps.npz"), 0, SIDE)  # type: ignore[arg-type]
    assert gapped.first == 3
    hips = 8
    assert np.abs(gapped.points[8, hips] - whole.points[11 - whole.first, hips]).max() < 0.15


def test_a_motion_is_for_rigs(filmed: SimpleNamespace, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no rig for a motion"):
        generate(filmed.model, filmed.track, tmp_path / "frames", motion=tmp_path / "motion.npz")
    assert not (tmp_path / "frames").exists()
