# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (torch is looked for first)
"""Training from a folder to a folder: it learns, resumes to the same weights, survives being killed, and says what is wrong in a
sentence.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from ningyo.errors import UserError
from ningyo.jobs.progress import Reporter
from ningyo.synth_data.dataset.folder import Dataset, Sample
from ningyo.synth_data.pose.conditions import CONDITIONS
from ningyo.training import presets, step
from ningyo.training.checkpoint import STATE, load_model
from ningyo.training.data import Pairs, Sampler, consecutive, open_character, open_dataset
from ningyo.training.loop import train

TINY = presets.Preset((8, 16, 16, 16), (1, 1, 1, 1), 8, 4, batch=2, minutes=0.1, r1_every=2)


@pytest.fixture(autouse=True)
def tiny_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that takes milliseconds; no bfloat16, whatever the machine has."""
    monkeypatch.setitem(presets.PRESETS, "tiny", TINY)
    monkeypatch.setattr(step.torch.cpu, "_is_amx_tile_supported", lambda: False)


def test_eight_pictures_are_learnt_by_heart(figure_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = presets.Preset((32, 48, 64, 64), (1, 1, 1, 1), 16, 8, batch=8, minutes=1, lr=5e-3, shift=0.0, warm_up=0.8)
    monkeypatch.setitem(presets.PRESETS, "by_heart", small)
    # Measured on what it was trained on: the held-out samples are the training ones.
    dataset = shutil.copytree(figure_dataset, tmp_path / "dataset")
    lines = [json.loads(line) for line in (dataset / "index.jsonl").read_text().splitlines()]
    train_lines = [line for line in lines if line["split"] == "train"]
    twins = [line | {"split": "test", "id": f"{100 + i:06d}"} for i, line in enumerate(train_lines)]
    (dataset / "index.jsonl").write_text("".join(json.dumps(line) + "\n" for line in train_lines + twins))
    result = train(dataset, tmp_path / "model", preset="by_heart", steps=200)
    ours = result["rows"]["ours"]
    assert ours["psnr_fg"] > 17
    assert ours["alpha_iou"] > 0.97
    assert ours["psnr_fg"] > result["rows"]["mean_image"]["psnr_fg"] + 3
    losses = [json.loads(line) for line in (tmp_path / "model" / "stats.jsonl").read_text().splitlines()]
    assert losses[-1]["g"] < losses[0]["g"] / 2
    for name in ("l1", "gradient", "dice", "gan", "features", "d", "r1"):
        assert losses[-1][name] != 0, name
    assert 0 <= losses[-1]["lr"] < losses[0]["lr"]
    assert {path.name for path in (tmp_path / "model").iterdir()} >= {
        *("model.safetensors", "config.json", "rig.json", "report.json", "grid.png", "preview.png", "stats.jsonl", "state"),
    }


def test_a_spent_budget_returns_at_once_and_a_larger_one_goes_on(figure_dataset: Path, tmp_path: Path) -> None:
    first = train(figure_dataset, tmp_path / "model", preset="tiny", minutes=0.02)
    state = (tmp_path / "model" / STATE).read_bytes()
    again = train(figure_dataset, tmp_path / "model", preset="tiny", minutes=0.02)
    assert again == first
    assert (tmp_path / "model" / STATE).read_bytes() == state
    longer = train(figure_dataset, tmp_path / "model", preset="tiny", minutes=0.04)
    assert longer["steps"] > first["steps"]
    assert longer["seconds"] >= 0.04 * 60


SCRIPT = """
import sys
import torch
from ningyo.training import loop, presets
torch.set_num_threads(1)
loop.CHECKPOINT_SECONDS = 0.0
presets.PRESETS["tiny"] = presets.Preset((8, 16, 16, 16), (1, 1, 1, 1), 8, 4, batch=2, minutes=0.1, r1_every=2)
loop.train(sys.argv[1], sys.argv[2], preset="tiny", steps=100000)
"""


def test_killing_it_at_any_time_loses_nothing_but_the_last_steps(figure_dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    reached = 0
    for _ in range(2):
        worker = subprocess.Popen([sys.executable, "-c", SCRIPT, str(figure_dataset), str(out)], stderr=subprocess.PIPE)
        try:
            deadline = time.monotonic() + 60
            while not images_of(out) > reached + 4 and time.monotonic() < deadline:
                assert worker.poll() is None, worker.stderr.read().decode() if worker.stderr else ""
                time.sleep(0.01)
        finally:
            worker.send_signal(signal.SIGKILL)
            worker.communicate()
        now = images_of(out)
        assert now > reached
        reached = now
        load_model(out)
    result = train(figure_dataset, out, preset="tiny", steps=reached // 2 + 3)
    assert result["steps"] >= reached // 2 + 3 > reached // 2


def images_of(model: Path) -> int:
    try:
        return json.loads((model / "config.json").read_text())["training"]["images"]
    except FileNotFoundError:
        return 0


def test_divergence_ends_in_a_sentence_and_keeps_the_last_good_model(
    figure_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(figure_dataset, tmp_path / "model", preset="tiny", steps=4)
    good = (tmp_path / "model" / "model.safetensors").read_bytes()
    original = step.Trainer.step

    def broken(self, *args):
        return original(self, *args) | {"g": torch.tensor(float("nan"))}

    monkeypatch.setattr(step.Trainer, "step", broken)
    with pytest.raises(UserError, match="diverged at step 4"):
        train(figure_dataset, tmp_path / "model", preset="tiny", steps=8)
    assert (tmp_path / "model" / "model.safetensors").read_bytes() == good


def test_wrong_inputs_get_one_sentence(figure_dataset: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("hello")
    with pytest.raises(UserError, match="is a file"):
        train(figure_dataset, file, preset="tiny", steps=1)
    with pytest.raises(UserError, match="no dataset"):
        train(tmp_path / "nowhere", tmp_path / "out", preset="tiny", steps=1)
    with pytest.raises(UserError, match="no preset"):
        train(figure_dataset, tmp_path / "out", preset="huge", steps=1)
    with pytest.raises(UserError, match="more than 0"):
        train(figure_dataset, tmp_path / "out", preset="tiny", minutes=0)
    train(figure_dataset, tmp_path / "model", preset="tiny", steps=1)
    with pytest.raises(UserError, match="another dataset, character, method, preset or seed"):
        train(figure_dataset, tmp_path / "model", preset="tiny", steps=2, seed=1)
    assert not (tmp_path / "out").exists()


def test_a_model_of_another_training_is_set_aside_where_that_is_asked_for(figure_dataset: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    train(figure_dataset, model, preset="tiny", steps=1)
    first = (model / "model.safetensors").read_bytes()
    told: list[dict] = []
    assert train(figure_dataset, model, preset="tiny", steps=1, seed=1, sets_aside=True, report=Reporter(told.append))["steps"] == 1
    assert any("kept as model-1" in event.get("text", "") for event in told)
    assert (tmp_path / "model-1" / "model.safetensors").read_bytes() == first != (model / "model.safetensors").read_bytes()
    train(figure_dataset, model, preset="tiny", steps=2, seed=1, sets_aside=True)  # its own is gone on with
    assert not (tmp_path / "model-2").exists()
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(config | {"rasteriser": 0}))
    train(figure_dataset, model, preset="tiny", steps=1, seed=1, sets_aside=True)
    assert (tmp_path / "model-2" / "config.json").is_file()


def changed(dataset: Path, out: Path, **fields: object) -> Path:
    shutil.copytree(dataset, out)
    header = json.loads((out / "dataset.json").read_text())
    (out / "dataset.json").write_text(json.dumps(header | fields))
    return out


def test_datasets_that_do_not_fit_are_refused(figure_dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="another version of the skeleton rasteriser"):
        open_dataset(changed(figure_dataset, tmp_path / "a", rasteriser=99))
    with pytest.raises(UserError, match="multiple of 32"):
        open_dataset(changed(figure_dataset, tmp_path / "b", size=[70, 70]))
    entry = {"rig": "figure.rig.json", "sha256": "0"}
    without = changed(figure_dataset, tmp_path / "f")
    (without / "figure.rig.json").unlink()
    with pytest.raises(UserError, match="neither the rig of figure nor how they were filmed"):
        open_character(without, None)
    with pytest.raises(UserError, match=r"several characters .* say which one: a, b"):
        open_character(changed(figure_dataset, tmp_path / "c", characters={"a": entry, "b": entry}), None)
    with pytest.raises(UserError, match="painted backgrounds"):
        open_dataset(changed(figure_dataset, tmp_path / "e", background={"colours": ["FF0000"]}))
    damaged = changed(figure_dataset, tmp_path / "d")
    next(damaged.rglob("*.image.png")).write_bytes(b"\x89PNG\r\n")
    with pytest.raises(UserError, match="missing or damaged"):
        train(damaged, tmp_path / "model", preset="tiny", steps=4)


def test_models_that_are_not_ours_get_one_sentence(figure_dataset: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    train(figure_dataset, model, preset="tiny", steps=1)
    config = json.loads((model / "config.json").read_text())
    for fields, words in (
        ({"version": 99}, "newer Ningyo"),
        ({"schema": "other"}, "not a Ningyo model"),
        ({"rasteriser": 0}, "another version of the skeleton rasteriser"),
        ({"network": {"widths": [8, 16, 16, 10**9], "blocks": [1, 1, 1, 1], "head": 8, "refiner": 0}}, "damaged"),
        ({"network": {"widths": [16, 16, 16, 16], "blocks": [1, 1, 1, 1], "head": 8, "refiner": 0}}, "damaged"),
        ({"network": None}, "damaged"),
        ({"method": "magic"}, "damaged"),
        ({"version": 1}, "older Ningyo"),
        ({"conditioning": "limbs", "rasteriser": 1}, "another version of the skeleton rasteriser"),
        ({"conditioning": "oils"}, "no drawing 'oils'"),
    ):
        (model / "config.json").write_text(json.dumps(config | fields))
        with pytest.raises(UserError, match=words):
            load_model(model)
    (model / "config.json").write_text(json.dumps(config | {"rasteriser": 0}))
    with pytest.raises(UserError, match="another version of the skeleton rasteriser"):
        train(figure_dataset, model, preset="tiny", steps=2)
    (model / "config.json").write_text("{")
    with pytest.raises(UserError, match="cannot be read"):
        load_model(model)
    (model / "config.json").write_text(json.dumps(config))
    for content in (b"", b"\x80\x04pickle", (model / "model.safetensors").read_bytes()[:-100]):
        (model / "model.safetensors").write_bytes(content)
        with pytest.raises(UserError, match="damaged"):
            load_model(model)
    with pytest.raises(UserError, match="no model at"):
        load_model(tmp_path / "nowhere")
    with pytest.raises(UserError, match="is not a model"):
        load_model(figure_dataset)


@pytest.mark.parametrize("progress", [0.0, 1.0], ids=["windows", "whole pictures"])
def test_both_sides_of_a_pair_are_cut_alike(make_figure_dataset: Callable[..., Path], tmp_path: Path, progress: float) -> None:
    pairs = Pairs(open_dataset(make_figure_dataset(tmp_path / "dataset", size=128, train=8, test=1)), "train", tmp_path)
    preset = replace(TINY, batch=4, shift=0.2)
    sampler = Sampler(pairs, preset, 3, lambda step: progress)
    batches = [next(sampler) for _ in range(5)]
    sampler.close()
    for packed, image, *_ in batches:
        body, alpha = packed[:, 0] > 0, image[:, 3] > 0
        # The test's pictures cover the capsules; stored joints are rounded, which may move a pixel.
        assert float((body != alpha).float().mean()) < 2e-3
        assert bool(body.any())
    assert not torch.equal(batches[0][0], batches[1][0])
    # A sampler that starts later gives the same batches.
    late = Sampler(pairs, preset, 3, lambda step: progress, start=4)
    for ours, theirs in zip(next(late)[:3], batches[4][:3], strict=True):
        assert torch.equal(ours, theirs)
    late.close()


def test_consecutive_frames_are_of_one_clip_camera_and_look() -> None:
    def sample(number: int, frame: float, clip: str = "dance", yaw: float = 0.0, look: float = 0.0, **fields: bool) -> Sample:
        details = {"look": {"light_yaw": look}, "speed": 1.25}
        flags = {"variation": False, "mirrored": False} | fields
        return Sample(number, "figure", clip, frame, {"yaw": yaw}, "train", flags["variation"], flags["mirrored"], {}, details)

    frames = [5.25, 4.0, 6.5, 9.0, 10.25]  # in any order; played a quarter faster; with a gap
    samples = [sample(i, frame) for i, frame in enumerate(frames)]
    others = [
        *(sample(5, 7.0, clip="walk"), sample(6, 7.0, yaw=1.0), sample(7, 7.0, look=1.0)),
        *(sample(8, 7.0, mirrored=True), sample(9, 7.0, variation=True)),
    ]
    assert sorted(consecutive(samples + others)) == [[1, 0, 2], [3, 4]]


def test_pairs_of_frames_are_cut_alike(make_figure_dataset: Callable[..., Path], tmp_path: Path) -> None:
    dataset = make_figure_dataset(tmp_path / "dataset", size=128, train=6, test=1, stride=1)
    pairs = Pairs(open_dataset(dataset), "train", tmp_path)
    assert pairs.following.tolist() == [[i, i + 1] for i in range(5)]
    sampler = Sampler(pairs, replace(TINY, batch=4, pairs_every=2), 0, lambda step: 0.0)
    single, paired = next(sampler), next(sampler)
    sampler.close()
    assert not single.paired
    assert paired.paired
    assert paired.rows.tolist() == [0, 1, 2, 3]
    for i in range(2):
        # The next frame through the same window is nearly the same picture, and another one than another pair's.
        first, second, other = (paired.target[k, 3].float() for k in (i, i + 2, 1 - i))
        assert 0 < (first - second).abs().mean() < 0.5 * (first - other).abs().mean()
        assert (paired.head[i] - paired.head[i + 2]).abs().max() < 6 or paired.head[i, 2] == 0


def test_heads_are_where_the_windows_show_them(make_figure_dataset: Callable[..., Path], tmp_path: Path) -> None:
    pairs = Pairs(open_dataset(make_figure_dataset(tmp_path / "dataset", size=128, train=2, test=1)), "train", tmp_path)
    x, y, side = pairs.head(0).tolist()
    corner = np.array([int(x) - 32, int(y) - 20])
    packed, _, head = pairs.batch(np.array([0, 0]), np.array([corner, corner + 90]), 64)
    assert head[0].tolist() == pytest.approx([x - corner[0], y - corner[1], side])
    assert head[1, 2] == 0
    rows, columns = np.nonzero(packed[0, 0].numpy() == 1)
    assert np.abs(columns + 0.5 - float(head[0, 0])).max() < side / 2
    assert np.abs(rows + 0.5 - float(head[0, 1])).max() < side / 2


def test_windows_are_half_the_picture_then_it_is_whole(tmp_path: Path, make_figure_dataset: Callable[..., Path]) -> None:
    dataset = make_figure_dataset(tmp_path / "dataset", size=128, train=4, test=1)
    pairs = Pairs(open_dataset(dataset), "train", tmp_path)
    sampler = Sampler(pairs, TINY, 0, lambda step: step / 10)
    sides = [next(sampler)[0].shape[-1] for _ in range(10)]
    sampler.close()
    assert sides == [64] * 9 + [128]


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_window_may_lie_partly_or_wholly_outside(name: str, figure_dataset: Path, tmp_path: Path) -> None:
    pairs = Pairs(open_dataset(figure_dataset), "train", tmp_path, CONDITIONS[name])
    packed, image, _ = pairs.batch(np.array([0, 0, 0]), np.array([[-16, 8], [200, 0], [0, 0]]), 32)
    whole, whole_image, _ = pairs.batch(np.array([0]))
    assert torch.equal(packed[0, :, :, 16:], whole[0, :, 8:40, :16])
    assert torch.equal(image[2], whole_image[0, :, :32, :32])
    empty = torch.from_numpy(CONDITIONS[name].empty)[:, None, None]
    assert bool((packed[1] == empty).all())
    assert not bool((whole[0] == empty).all())
    assert not image[1].any()


@pytest.mark.parametrize("name", CONDITIONS)
def test_hidden_joints_are_drawn_since_a_captured_person_has_them_too(
    name: str, figure_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Pairs(open_dataset(figure_dataset), "train", tmp_path, CONDITIONS[name]).pair(0)
    hidden, as_stored = np.arange(137) % 3, Dataset.pose
    monkeypatch.setattr(Dataset, "pose", lambda self, sample: replace(as_stored(self, sample), visibility=hidden.astype(np.uint8)))
    assert np.array_equal(Pairs(open_dataset(figure_dataset), "train", tmp_path, CONDITIONS[name]).pair(0), whole)


def test_every_epoch_shows_every_picture_once(figure_dataset: Path, tmp_path: Path) -> None:
    pairs = Pairs(open_dataset(figure_dataset), "train", tmp_path)
    seen: list[int] = []
    original = pairs.pair
    pairs.pair = lambda index: seen.append(index) or original(index)  # type: ignore[method-assign]
    sampler = Sampler(pairs, replace(TINY, batch=2), 0, lambda step: 1.0)
    for _ in range(8):
        next(sampler)
    sampler.close()
    assert sorted(seen[:8]) == sorted(seen[8:16]) == list(range(8))
    assert seen[:8] != seen[8:16]


def test_the_learning_rate_is_never_negative_and_the_average_follows() -> None:
    trainer = step.Trainer(replace(TINY), 64, torch.device("cpu"), mixed=False)
    for progress in (0.0, 0.5, 1.0, 1.5, 7.0):
        trainer._schedule(progress)
        assert 0 <= trainer.opt_G.param_groups[0]["lr"] <= TINY.lr
