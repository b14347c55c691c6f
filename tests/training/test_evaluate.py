# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (torch is looked for first)
"""Evaluation: rows whose numbers are known come out so, what is measured is kept, and intervals are those of clips."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from ningyo.errors import UserError
from ningyo.jobs.folder import sha256_of
from ningyo.synth_data.dataset.folder import Dataset
from ningyo.synth_data.dataset.labels import encode_label, flow_pixels
from ningyo.synth_data.pose.landmarks import MEDIAPIPE_FROM_BODY_25
from ningyo.synth_data.video.read import read_frames
from ningyo.training import evaluate as evaluating
from ningyo.training import loop, presets, step
from ningyo.training.evaluate import evaluate
from ningyo.training.evaluation import nearest, table
from ningyo.training.evaluation.held_out import HeldOut, in_order, runs, units
from ningyo.training.evaluation.rows import displayed

TINY = presets.Preset((8, 16, 16, 16), (1, 1, 1, 1), 8, 4, batch=2, minutes=0.1, r1_every=2)
PLAIN = {"nearest_3d", "nearest_2d", "mean_image", "blank", "rig_render"}


@pytest.fixture(scope="module")
def model(figure_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model after one step. Not to be written to."""
    folder = tmp_path_factory.mktemp("model") / "model"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(presets.PRESETS, "tiny", TINY)
        patch.setattr(step.torch.cpu, "_is_amx_tile_supported", lambda: False)
        loop.train(figure_dataset, folder, preset="tiny", steps=1)
    return folder


def test_rows_whose_numbers_are_known(model: Path, figure_dataset: Path, tmp_path: Path) -> None:
    report = evaluate(model, figure_dataset, tmp_path / "report")
    assert json.loads((tmp_path / "report" / "report.json").read_text()) == report
    rows = report["rows"]
    assert set(rows) == {"ours"} | PLAIN
    assert report["clips"] == ["walk"]
    assert report["frames"] == 4
    assert report["networks"]["ours"]["images"] == TINY.batch
    truth = rows["rig_render"]
    assert (truth["psnr_fg"], truth["ssim_fg"], truth["alpha_iou"], truth["boundary_f"], truth["tdiff"]) == (60, 1, 1, 1, 0)
    assert truth["sharpness"] == pytest.approx(1)
    assert truth["flip"] == 0
    assert (rows["blank"]["alpha_iou"], rows["blank"]["boundary_f"], rows["blank"]["sharpness"]) == (0, 0, 0)
    assert rows["mean_image"]["tdiff"] == pytest.approx(1)
    assert rows["nearest_3d"]["sharpness"] == pytest.approx(1, abs=0.3)
    for name, row in rows.items():
        assert set(row) == set(table.METRICS)
        # Nobody looked for bodies, and the dataset has no flow.
        assert {metric for metric, value in row.items() if value is None} == {"pck", "detected", "flow_warp"}, name
    assert "1 clips" in report["resampled"]


def test_there_is_something_to_look_at(model: Path, figure_dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    evaluate(model, figure_dataset, out)
    page = (out / "report.html").read_text()
    for text in ("<b>", "Nearest pose, 3-D", "bootstrap", "The worst frames", "data:image/png;base64,", "data:video/mp4;base64,"):
        assert text in page
    assert "://" not in page  # it needs nothing else
    assert "src=" not in page.replace('src="data:', "")
    frames = list(read_frames(out / "side_by_side.mp4"))
    assert len(frames) == 4
    assert frames[0].rgb.shape == (256, 4 * 256, 3)
    assert (out / "grid.png").stat().st_size > 1000
    assert {path.stem for path in (out / "sheets").iterdir()} == {"ours"} | PLAIN
    assert [path.name for path in out.rglob(".*")] == []


def test_what_is_measured_is_kept(model: Path, figure_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, measured = tmp_path / "report", []
    original = evaluating.measure

    def counted(picture, *args):
        measured.append(picture)
        return original(picture, *args)

    monkeypatch.setattr(evaluating, "measure", counted)
    first = evaluate(model, figure_dataset, out)
    assert len(measured) == 6
    again = evaluate(model, figure_dataset, out)
    assert len(measured) == 6
    assert again["rows"] == first["rows"]
    assert again["intervals"] == first["intervals"]
    (out / "rows" / "blank.json").write_text("{")  # cut short
    assert evaluate(model, figure_dataset, out)["rows"] == first["rows"]
    assert len(measured) == 7
    # Of another model only its own row is new.
    other = shutil.copytree(model, tmp_path / "other")
    monkeypatch.setitem(presets.PRESETS, "tiny", TINY)
    monkeypatch.setattr(step.torch.cpu, "_is_amx_tile_supported", lambda: False)
    monkeypatch.setattr(loop, "evaluate", lambda *args, **kwargs: None)
    loop.train(figure_dataset, other, preset="tiny", steps=3)
    assert evaluate(other, figure_dataset, out)["rows"]["ours"] != first["rows"]["ours"]
    assert len(measured) == 8
    # Where bodies are looked for all rows are measured, since they have one number more.
    evaluate(other, figure_dataset, out, detect=lambda rgb: None)
    assert len(measured) == 14


def test_poses_are_those_that_the_detector_finds(model: Path, figure_dataset: Path, tmp_path: Path) -> None:
    test = HeldOut(Dataset.open(figure_dataset))
    known = {}
    for i in range(len(test)):
        landmarks = np.full((33, 3), np.nan)
        there = MEDIAPIPE_FROM_BODY_25 >= 0
        landmarks[there, :2] = test.pose(i).points_2d[MEDIAPIPE_FROM_BODY_25[there]]
        landmarks[11 if i else 13, 0] += 1000  # one joint is wrong on the render, too
        known[displayed(test.truth(i)).tobytes()] = landmarks
    report = evaluate(model, figure_dataset, tmp_path / "report", detect=lambda rgb: known.get(rgb.tobytes()))
    assert report["on_renders"] == {"pck": pytest.approx(11 / 12, abs=1e-3), "detected": 1}
    assert (report["rows"]["rig_render"]["pck"], report["rows"]["rig_render"]["detected"]) == (1, 1)
    assert (report["rows"]["ours"]["pck"], report["rows"]["ours"]["detected"]) == (0, 0)


def test_flow_is_used_where_the_dataset_has_it(model: Path, figure_dataset: Path, tmp_path: Path) -> None:
    dataset = shutil.copytree(figure_dataset, tmp_path / "dataset")
    lines = [json.loads(line) for line in (dataset / "index.jsonl").read_text().splitlines()]
    still = encode_label(flow_pixels(np.zeros((64, 64, 2)), np.ones((64, 64), bool)))
    for line in lines:
        path = line["files"]["image"][0].replace("image", "flow")
        (dataset / path).write_bytes(still)
        line["files"]["flow"] = [path, sha256_of(dataset / path)]
    (dataset / "index.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    rows = evaluate(model, dataset, tmp_path / "report")["rows"]
    assert rows["rig_render"]["flow_warp"] == 0
    # A picture that never changes follows a flow of nothing, which the moving renders do not.
    assert rows["blank"]["flow_warp"] == rows["mean_image"]["flow_warp"] < -1


def test_baselines_are_trained_by_the_same_loop(model: Path, figure_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def train(dataset, out, *, character, preset, method, minutes, measured, report):
        asked.append((Path(out).name, method, character, preset, minutes, measured))
        shutil.copytree(model, out)

    monkeypatch.setattr(loop, "train", train)
    report = evaluate(model, figure_dataset, tmp_path / "report", baselines=3)
    assert asked == [(name, name, "figure", "tiny", 3, False) for name in ("pix2pix", "dance_now", "dance_now_mended")]
    assert set(report["rows"]) == {"ours", "pix2pix", "dance_now", "dance_now_mended"} | PLAIN
    assert report["rows"]["pix2pix"] == report["rows"]["ours"]
    assert "dance_now, mended" in (tmp_path / "report" / "report.html").read_text()


def test_wrong_inputs_get_one_sentence(model: Path, figure_dataset: Path, tmp_path: Path, make_figure_dataset) -> None:
    file = tmp_path / "file"
    file.write_text("hello")
    with pytest.raises(UserError, match="is a file"):
        evaluate(model, figure_dataset, file)
    with pytest.raises(UserError, match="makes pictures of 64 px"):
        evaluate(model, make_figure_dataset(tmp_path / "large", size=96, train=1, test=1), tmp_path / "report")
    none = shutil.copytree(figure_dataset, tmp_path / "none")
    (none / "index.jsonl").write_text(
        (none / "index.jsonl").read_text().replace('"split": "test"', '"split": "train"').replace('"split":"test"', '"split":"train"')
    )
    with pytest.raises(UserError, match="no test clip"):
        evaluate(model, none, tmp_path / "report")


def test_the_nearest_pose_is_the_same_whatever_the_blocks(figure_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = Dataset.open(figure_dataset)
    test, train = HeldOut(dataset), HeldOut(dataset, "train")
    monkeypatch.setattr(nearest, "BLOCK", 3)
    flat, solid = nearest.nearest_poses(test, train, tmp_path)
    for i in range(len(test)):
        by_hand = [
            np.linalg.norm(test.pose(i).points_2d - train.pose(k).points_2d, axis=1)[nearest.JOINTS].mean() for k in range(len(train))
        ]
        assert flat[i] == int(np.argmin(by_hand))
    own_flat, own_solid = nearest.nearest_poses(train, train, tmp_path)
    assert own_flat.tolist() == own_solid.tolist() == list(range(len(train)))
    assert set(solid.tolist()) <= set(range(len(train)))
    assert list(tmp_path.iterdir()) == []


def test_joints_that_nobody_knows_do_not_count() -> None:
    pose = np.array([[0.0, 0], [1, 1], [np.nan, 0]])
    others = np.array([[[0.0, 1], [np.nan, 1], [5, 5]], [[np.nan] * 2] * 3])
    assert nearest.distances(pose, others).tolist() == [1, 1e9]


def test_runs_are_consecutive_frames_through_one_camera(figure_dataset: Path) -> None:
    test = HeldOut(Dataset.open(figure_dataset))
    found = runs(test.samples)
    assert found == [[0, 1, 2, 3]]
    assert list(in_order(found)) == [(0, None), (1, 0), (2, 1), (3, 2)]
    # Every fourth frame is in the training split, so nothing follows there.
    assert [len(run) for run in runs(HeldOut(Dataset.open(figure_dataset), "train").samples)] == [1] * 8


def test_units_are_clips_where_there_are_enough(figure_dataset: Path) -> None:
    samples = HeldOut(Dataset.open(figure_dataset), "train").samples
    numbers, words = units(samples, [[0, 1, 2], [3, 4, 5, 6, 7]])
    assert numbers.tolist() == [0, 0, 0, 1, 1, 1, 1, 1]
    assert "only 1 clips" in words

    class Clips(list):
        pass

    three = Clips(type("Sample", (), {"clip": name})() for name in "abcabc")
    numbers, words = units(three, [[0, 3], [1, 4], [2, 5]])  # type: ignore[arg-type]
    assert numbers.tolist() == [0, 0, 1, 1, 2, 2]
    assert words == "3 clips"


def columns(**given: list[float]) -> dict[str, np.ndarray]:
    count = len(next(iter(given.values())))
    names = {*table.METRICS, *(m.over for m in table.METRICS.values() if m.over)}
    return {name: np.array(given.get(name, [np.nan] * count), float) for name in names}


def test_intervals_are_of_units_not_of_frames() -> None:
    # A hundred frames a clip that are all alike are worth no more than one.
    values = np.repeat([20.0, 22, 24, 26, 28], 100)
    alike = columns(psnr_fg=list(values))
    numbers = np.repeat(np.arange(5), 100)
    row, intervals, worst = table.summarised(alike, alike, numbers)
    few, few_intervals, _ = table.summarised(*[columns(psnr_fg=[20.0, 22, 24, 26, 28])] * 2, np.arange(5))
    assert row["psnr_fg"] == few["psnr_fg"] == 24
    assert intervals["psnr_fg"] == few_intervals["psnr_fg"]
    low, high = intervals["psnr_fg"]
    assert low == pytest.approx(24 - 2.5, abs=0.5)  # 1.96 standard errors of the mean of five: 1.96 · 2.83 / √5 = 2.48
    assert high == pytest.approx(24 + 2.5, abs=0.5)
    assert worst["psnr_fg"] == 20  # the lowest fifty
    _, single, _ = table.summarised(alike, alike, np.zeros(500, int))
    assert single["psnr_fg"] is None  # one clip says nothing of others


def test_quotients_are_of_sums_and_poses_are_told_as_shares_of_the_renders() -> None:
    nan = float("nan")
    ours = columns(tdiff=[nan, 1, 0], moved=[nan, 1, 9], pck=[2, nan, 4], joints=[12, nan, 12], flip=[0.1, 0.2, 0.9])
    ceiling = columns(pck=[6, nan, 12], joints=[12, nan, 12])
    row, _, worst = table.summarised(ours, ceiling, np.array([0, 1, 2]))
    assert row["tdiff"] == pytest.approx(0.1)
    assert row["pck"] == pytest.approx((6 / 24) / (18 / 24), abs=1e-4)
    assert row["sharpness"] is None
    assert worst["flip"] == pytest.approx(0.9)  # for FLIP more is worse


def test_the_best_is_the_nearest_to_what_a_render_gets() -> None:
    rows = {
        "a": {"sharpness": 1.6, "psnr_fg": 20.0, "flip": 0.2},
        "b": {"sharpness": 0.7, "psnr_fg": 25.0, "flip": 0.1},
        "c": {"flip": None},
    }
    assert [table.best(rows, name) for name in ("sharpness", "psnr_fg", "flip", "pck")] == [0.7, 25.0, 0.1, None]
