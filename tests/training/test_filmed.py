# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (torch is looked for first)
"""Learning from pictures without transparency, of somebody without a rig."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from ningyo.errors import UserError
from ningyo.synth_data.pose.conditioning import PACKED
from ningyo.synth_data.pose.transfer import FilmedTarget
from ningyo.training import presets, step
from ningyo.training.checkpoint import load_character, load_config
from ningyo.training.data import Pairs, Sampler, filmed_target, open_character, open_dataset
from ningyo.training.evaluate import evaluate
from ningyo.training.evaluation.held_out import HeldOut
from ningyo.training.evaluation.rows import still_metrics
from ningyo.training.files import STATS
from ningyo.training.loop import train
from ningyo.training.silhouette import margin, silhouette
from ningyo.training.step import Trainer

TINY = presets.Preset((8, 16, 16, 16), (1, 1, 1, 1), 8, 4, batch=2, minutes=0.1, r1_every=2)


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(presets.PRESETS, "tiny", TINY)
    monkeypatch.setattr(step.torch.cpu, "_is_amx_tile_supported", lambda: False)


@pytest.fixture
def dataset(make_filmed_dataset: Callable[..., Path], tmp_path: Path) -> Path:
    return make_filmed_dataset(tmp_path / "dataset", stride=1)


def test_what_was_filmed_is_taken_and_what_is_said_wrongly_of_it_is_not(dataset: Path) -> None:
    target = filmed_target(open_dataset(dataset))
    assert target is not None
    file = dataset / "figure" / "character.json"
    file.write_text(json.dumps({"filmed": target.to_json() | {"height": None}}))
    with pytest.raises(UserError, match="does not say how its person was filmed"):
        open_character(dataset, None)
    file.write_text("{}")
    with pytest.raises(UserError, match="neither"):
        open_character(dataset, None)


def test_nothing_outside_of_a_picture_is_learnt_as_transparent(dataset: Path, tmp_path: Path) -> None:
    pairs = Pairs(open_dataset(dataset), "train", tmp_path)
    corners = np.array([[-16, 8], [200, -3], [40, 40]])
    packed, image, heads = pairs.batch(np.array([0, 0, 0]), corners, 32)
    whole, whole_image, whole_heads = pairs.batch(np.array([0]))
    assert bool((image[:, 3] == 255).all())
    for i, (x, y) in enumerate([(0, 8), (32, 0), (32, 32)]):
        assert torch.equal(packed[i], whole[0, :, y : y + 32, x : x + 32])
        assert torch.equal(image[i], whole_image[0, :, y : y + 32, x : x + 32])
        if heads[i, 2] > 0:
            assert heads[i].tolist() == pytest.approx(
                [float(whole_heads[0, 0]) - x, float(whole_heads[0, 1]) - y, float(whole_heads[0, 2])]
            )
    for progress in (0.0, 1.0):
        sampler = Sampler(pairs, replace(TINY, shift=0.3), 0, lambda _, now=progress: now)
        batches = [next(sampler) for _ in range(8)]
        sampler.close()
        assert all(bool((batch.target[:, 3] == 255).all()) and batch.margin == margin(64) == 3 for batch in batches)
        assert any(batch.paired for batch in batches)


def test_the_figure_is_the_body_widened() -> None:
    packed = torch.zeros(2, PACKED, 32, 32, dtype=torch.uint8)
    packed[0, 0, 10, 12] = 3
    packed[:, 1:] = 128
    found = silhouette(packed, 4)
    expected = torch.zeros(2, 1, 32, 32)
    expected[0, 0, 6:15, 8:17] = 1
    assert torch.equal(found, expected)


def test_the_figure_counts_more_than_what_is_behind_it(dataset: Path, tmp_path: Path) -> None:
    pairs = Pairs(open_dataset(dataset), "train", tmp_path)
    sampler = Sampler(pairs, TINY, 0, lambda _: 1.0)
    batch = next(sampler)
    sampler.close()
    trainer = Trainer(TINY, 64, torch.device("cpu"), mixed=False)
    trainer.set_input(batch)
    body = batch.packed[:, :1] > 0
    rim = (silhouette(batch.packed, batch.margin) > 0) & ~body
    far = silhouette(batch.packed, 20) == 0
    assert far.any()
    assert rim.any()
    assert trainer.weight[body].min() > 3 * trainer.weight[far].max()
    assert trainer.weight[rim].min() > 3 * trainer.weight[far].max()


def test_the_model_says_how_its_person_was_filmed(dataset: Path, figure_dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    train(dataset, out, preset="tiny", steps=2, measured=False)
    config = load_config(out)
    assert (config["version"], config["filmed"]) == (3, json.loads((dataset / "figure" / "character.json").read_text())["filmed"])
    assert not (out / "rig.json").exists()
    assert load_character(out, config) == filmed_target(open_dataset(dataset))
    assert train(dataset, out, preset="tiny", steps=4, measured=False)["steps"] == 4
    (out / "config.json").write_text(json.dumps(config | {"filmed": config["filmed"] | {"size": ["wide", 3]}}))
    with pytest.raises(UserError, match=r"config\.json does not say how its person was filmed"):
        load_character(out, load_config(out))
    train(figure_dataset, tmp_path / "rigged", preset="tiny", steps=1, measured=False)
    config = load_config(tmp_path / "rigged")
    assert (config["version"], "filmed" in config) == (2, False)  # as readers that know nothing of filming take it
    assert not isinstance(load_character(tmp_path / "rigged", config), FilmedTarget)


def test_it_learns(dataset: Path, tmp_path: Path) -> None:
    train(dataset, tmp_path / "model", preset="tiny", steps=160, measured=False)
    lines = [json.loads(line) for line in (tmp_path / "model" / STATS).read_text().splitlines()]
    assert lines[-1]["l1"] < 0.6 * lines[0]["l1"]
    assert lines[-1]["dice"] < 0.1  # opaque all over


def test_the_report_is_of_the_figure(dataset: Path, tmp_path: Path) -> None:
    train(dataset, tmp_path / "model", preset="tiny", steps=2, measured=False)
    report = evaluate(tmp_path / "model", dataset, tmp_path / "report")
    rows = report["rows"]
    assert report["filmed"]
    assert (rows["rig_render"]["psnr_fg"], rows["rig_render"]["ssim_fg"], rows["rig_render"]["tdiff"]) == (60, 1, 0)
    assert rows["rig_render"]["sharpness"] == pytest.approx(1)
    for row in rows.values():
        assert row["alpha_iou"] is None
        assert row["boundary_f"] is None
    assert rows["blank"]["psnr_fg"] < 15
    assert rows["mean_image"]["tdiff"] == pytest.approx(1)  # it never moves
    assert rows["nearest_3d"]["psnr_fg"] > rows["blank"]["psnr_fg"]
    text = (tmp_path / "report" / "report.html").read_text()
    assert "have no transparency" in text
    assert ">IoU<" not in text


def test_what_is_behind_the_figure_does_not_count(dataset: Path) -> None:
    test = HeldOut(open_dataset(dataset))
    truth, where = test.truth(0), test.figure(0)
    assert where is not None
    assert 0.05 < float(where.float().mean()) < 0.7
    behind, on = truth.clone(), truth.clone()
    behind[:3, ~where] = 1 - behind[:3, ~where]
    on[:3, where] = 1 - on[:3, where]
    good, bad = (still_metrics(image, truth, test.head(0), where) for image in (behind, on))
    assert (good["psnr_fg"], good["ssim_fg"]) == (60, 1)
    assert bad["psnr_fg"] < 12
    assert np.isnan(good["alpha_iou"])
    assert np.isnan(good["boundary_f"])
    blurred = torch.nn.functional.avg_pool2d(truth[None], 5, 1, 2)[0]
    assert still_metrics(blurred, truth, test.head(0), where)["sharpness"] < 0.6


def test_pictures_with_transparency_say_themselves_where_the_figure_is(figure_dataset: Path) -> None:
    assert HeldOut(open_dataset(figure_dataset)).figure(0) is None
