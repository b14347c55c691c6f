# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (torch is looked for first)
"""A dataset of several characters: each is learnt from its own pictures alone, into a folder of its own, one after the other or at
once.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from ningyo.__main__ import build_parser, run_verb
from ningyo.errors import Cancelled, UserError
from ningyo.jobs.progress import Event, Reporter
from ningyo.synth_data.dataset.folder import Dataset
from ningyo.synth_data.dataset.png import encode_png
from ningyo.training import presets, step
from ningyo.training.data import Pairs, Sampler, open_character
from ningyo.training.evaluate import evaluate
from ningyo.training.evaluation.held_out import HeldOut
from ningyo.training.loop import train
from ningyo.training.many import train_characters

TINY = presets.Preset((8, 16, 16, 16), (1, 1, 1, 1), 8, 4, batch=2, minutes=0.1, r1_every=2, pairs_every=2)
GREY = {"ann": 50, "bob": 150, "cat": 250}


@pytest.fixture(autouse=True)
def tiny_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that takes milliseconds; no bfloat16, whatever the machine has."""
    monkeypatch.setitem(presets.PRESETS, "tiny", TINY)
    monkeypatch.setattr(step.torch.cpu, "_is_amx_tile_supported", lambda: False)


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three characters, each of one grey all over, whose samples lie between each other's. Not to be written to."""
    from .conftest import make_dataset

    path = make_dataset(tmp_path_factory.mktemp("cast") / "dataset", train=4, test=2, stride=1)
    lines = [json.loads(line) for line in (path / "index.jsonl").read_text().splitlines()]
    index = []
    for line in lines:
        for name, grey in GREY.items():
            files = {kind: [entry[0].replace("figure", name), entry[1]] for kind, entry in line["files"].items()}
            for kind, (file, _) in files.items():
                (path / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path / line["files"][kind][0], path / file)
            (path / files["image"][0]).write_bytes(encode_png(np.full((64, 64, 4), (grey, grey, grey, 255), np.uint8)))
            index.append(line | {"id": f"{len(index):06d}", "character": name, "files": files})
    (path / "index.jsonl").write_text("".join(json.dumps(line) + "\n" for line in index))
    header = json.loads((path / "dataset.json").read_text())
    characters = dict.fromkeys(GREY, header["characters"]["figure"])
    (path / "dataset.json").write_text(json.dumps(header | {"characters": characters, "count": len(index)}))
    return path


@pytest.fixture
def damaged(cast: Path, tmp_path: Path) -> Path:
    """The same; none of ann's pictures can be read."""
    copy = shutil.copytree(cast, tmp_path / "damaged")
    for file in (copy / "ann").rglob("*.image.png"):
        file.write_bytes(b"\x89PNG\r\n")
    return copy


def models_in(out: Path) -> list[str]:
    return sorted(file.parent.relative_to(out).as_posix() for file in out.rglob("model.safetensors"))


def character_of(model: Path) -> str:
    return json.loads((model / "config.json").read_text())["character"]


def test_a_dataset_of_one_character_is_a_part_of_it(cast: Path) -> None:
    whole = Dataset.open(cast)
    for name in GREY:
        part = whole.of(name)
        assert part.character == name
        assert {sample.character for sample in part.samples} == {name}
        assert [(split, len(samples)) for split, samples in part.by_split.items()] == [("train", 4), ("test", 2)]
    assert sorted(number for name in GREY for number in whole.of(name).samples.numbers) == list(range(18))
    assert len(whole.samples.of("nobody")) == 0
    with pytest.raises(UserError, match="no character named dora; it holds ann, bob, cat"):
        whole.of("dora")


def test_no_other_character_is_ever_in_a_batch(cast: Path, tmp_path: Path) -> None:
    for name, grey in GREY.items():
        data = open_character(cast, name)
        pairs = Pairs(data, "train", tmp_path)
        assert (pairs.character, len(pairs), len(pairs.following)) == (name, 4, 3)
        sampler = Sampler(pairs, TINY, 0, lambda step: 0.9)
        for _ in range(8):
            image = next(sampler).target
            assert set(image[:, 0][image[:, 3] > 0].unique().tolist()) == {grey}
        sampler.close()
        for split in ("train", "test"):
            held_out = HeldOut(data, split)
            seen = {round(float(value) * 255) for i in range(len(held_out)) for value in held_out.truth(i)[0].unique()}
            assert seen == {grey}


def test_each_becomes_a_model_of_its_own_and_what_is_finished_is_skipped(cast: Path, tmp_path: Path) -> None:
    events: list[Event] = []
    out = tmp_path / "models"
    result = train_characters(cast, out, steps=2, report=Reporter(events.append))
    assert models_in(out) == list(result["models"]) == ["ann", "bob", "cat"]
    assert [character_of(out / name) for name in GREY] == list(GREY)
    told = [(event["done"], event["total"]) for event in events if event["type"] == "progress"]
    assert told == sorted(told)
    assert told[0] == (1, 6)
    assert told[-1] == (6, 6)
    assert [event["stage"] for event in events if event["type"] == "stage"] == [f"train {n} ({i} of 3)" for i, n in enumerate(GREY, 1)]

    before = {name: (out / name / "state" / "checkpoint.safetensors").stat().st_mtime_ns for name in GREY}
    shutil.rmtree(out / "bob")
    assert train_characters(cast, out, steps=2)["models"]["bob"]["steps"] == 2
    assert all((out / name / "state" / "checkpoint.safetensors").stat().st_mtime_ns == before[name] for name in ("ann", "cat"))
    # The same weights as when it is trained alone.
    train(cast, tmp_path / "alone", character="bob", steps=2)
    assert (tmp_path / "alone" / "model.safetensors").read_bytes() == (out / "bob" / "model.safetensors").read_bytes()
    with pytest.raises(UserError, match="is a model, and 3 characters become a folder each"):
        train_characters(cast, tmp_path / "alone", steps=2)
    with pytest.raises(UserError, match="another dataset, character"):
        train(cast, tmp_path / "alone", character="ann", steps=2)


def test_a_cancelled_one_goes_on(cast: Path, tmp_path: Path) -> None:
    told: list[float] = []
    stop = Reporter(lambda event: told.append(event["done"]) if event["type"] == "progress" else None, lambda: told[-1:] == [5])
    with pytest.raises(Cancelled):
        train_characters(cast, tmp_path, characters=("cat", "ann"), steps=4, report=stop)
    assert models_in(tmp_path) == ["ann", "cat"]
    assert [json.loads((tmp_path / name / "config.json").read_text())["training"]["images"] for name in ("cat", "ann")] == [8, 2]
    train_characters(cast, tmp_path, characters=("cat", "ann"), steps=4)
    assert json.loads((tmp_path / "ann" / "config.json").read_text())["training"]["images"] == 8


def test_characters_are_chosen_on_the_command_line(cast: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def run(*words: str) -> int:
        argv = ["train", str(cast), "--minutes", "0.001", *words]
        return run_verb(build_parser().parse_args(argv), argv)

    assert run("--out", str(tmp_path / "one"), "--character", "bob") == 0
    assert models_in(tmp_path / "one") == ["."]
    assert character_of(tmp_path / "one") == "bob"
    assert run("--out", str(tmp_path / "two"), "--character", "cat", "--character", "ann") == 0
    assert models_in(tmp_path / "two") == ["ann", "cat"]
    assert run("--out", str(tmp_path / "none"), "--character", "ann", "--character", "dora") == 1
    assert "no character named dora; it holds ann, bob, cat" in capfd.readouterr().err
    assert not (tmp_path / "none").exists()


def test_one_that_fails_is_told_and_the_others_go_on(damaged: Path, tmp_path: Path) -> None:
    events: list[Event] = []
    with pytest.raises(
        UserError, match=r"1 of 3 characters could not be trained: ann \(.* is missing or damaged; .*\) The others are done"
    ):
        train_characters(damaged, tmp_path / "models", steps=2, report=Reporter(events.append))
    assert models_in(tmp_path / "models") == ["bob", "cat"]
    (warning,) = [event["text"] for event in events if event["type"] == "warning"]
    assert warning.startswith("ann is left out: ")


def test_a_model_is_measured_on_its_own_character_alone(cast: Path, figure_dataset: Path, tmp_path: Path) -> None:
    train(cast, tmp_path / "bob", character="bob", steps=1, measured=False)
    result = evaluate(tmp_path / "bob", cast, tmp_path / "report")
    assert (result["frames"], result["train_frames"]) == (2, 4)
    # All of bob's pictures are alike, and no one else's are like them.
    assert result["rows"]["mean_image"]["alpha_iou"] == 1
    assert result["rows"]["mean_image"]["psnr_fg"] > 50
    with pytest.raises(UserError, match="no character named bob; it holds figure"):
        evaluate(tmp_path / "bob", figure_dataset, tmp_path / "other")


def test_cores_are_shared_out() -> None:
    cluster = pytest.importorskip("ningyo.training.cluster", reason="Ray is an extra (pip install 'ningyo[cluster]')")
    for nodes, count, cores in (
        ([(8, None)], 1, 8),
        ([(8, None)], 3, 2),
        ([(2, None)], 50, 1),
        ([(8, None), (4, None)], 2, 4),  # 6 would leave the second machine idle
        ([(16, 4)], 50, 4),
        ([(16, 4), (8, 0)], 2, 8),
        ([(16, 1), (8, 1)], 2, 8),
        ([], 3, 1),
    ):
        assert cluster.cores_each(nodes, count) == cores, (nodes, count)


class Watcher:
    """Keeps warnings, and calls `act` at every progress until it has `done` something."""

    def __init__(self, act: Callable[[Event], bool]) -> None:
        self.warnings: list[str] = []
        self.done = False
        self._act = act

    def __call__(self, event: Event) -> None:
        if event["type"] == "warning":
            self.warnings.append(event["text"])
        if not self.done and event["type"] == "progress":
            self.done = self._act(event)


def kill_one(_: Event) -> bool:
    found = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    trainings = [int(line.split()[0]) for line in found.splitlines() if "ray::_train" in line]
    if trainings:
        os.kill(trainings[0], signal.SIGKILL)
    return bool(trainings)


def test_all_at_once_where_one_fails_and_another_is_killed(damaged: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Ray is an extra (pip install 'ningyo[cluster]')")
    out = tmp_path / "models"
    watcher = Watcher(kill_one)
    with pytest.raises(
        UserError, match=r"1 of 3 characters could not be trained: ann \(.* is missing or damaged; .*\) The others are done"
    ):
        train_characters(damaged, out, ray="local", steps=4, report=Reporter(watcher))
    assert watcher.done
    assert any("was lost; another one goes on" in text for text in watcher.warnings)
    assert models_in(out) == ["bob", "cat"]
    for name in ("bob", "cat"):
        assert character_of(out / name) == name
        assert json.loads((out / name / "config.json").read_text())["training"]["images"] == 16
        assert (out / name / "report.json").is_file()


def test_all_at_once_are_cancelled_after_they_saved(cast: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Ray is an extra (pip install 'ningyo[cluster]')")
    watcher = Watcher(lambda event: event["done"] > 0)
    with pytest.raises(Cancelled):
        train_characters(
            cast, tmp_path, characters=("ann", "cat"), ray="local", minutes=30, report=Reporter(watcher, lambda: watcher.done)
        )  # fmt: skip
    saved = models_in(tmp_path)
    assert saved
    assert set(saved) <= {"ann", "cat"}
    for name in saved:
        assert json.loads((tmp_path / name / "config.json").read_text())["training"]["seconds"] < 60
