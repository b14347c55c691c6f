# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Blender is looked for first)
"""A training as Blender shows it: what a model folder says, the panel, the picture that stays up to date, stopping and going on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from ningyo.addon import jobs, training_panels, training_view, training_work
from ningyo.addon.plan import Plan
from ningyo.addon.properties import plan_of
from ningyo.addon.training_folder import (
    PRESET_ITEMS,
    Training,
    balance,
    belongs,
    described,
    minutes_of,
    stamp,
    time_spent,
    training_now,
)
from ningyo.synth_data.dataset.png import encode_png
from ningyo.training.presets import PRESETS

PANEL = training_panels.NINGYO_PT_step_train
LINE = {"step": 20, "images": 80, "seconds": 2.0, "lr": 0.001, "l1": 0.2, "g": 1.5}
# Writes what a training writes, as far as `until`, the job's event that it waits for, lets it.
TRAINS = """
import json
arguments = {arguments!r}
model = Path(arguments[arguments.index("--out") + 1])
model.mkdir(parents=True, exist_ok=True)
job = WorkerJob(folder, "train", arguments)
report = Reporter(job.sink, job.is_cancelled)
def write(step, colour):
    line = {{"step": step, "images": 4 * step, "seconds": step / 10, "g": 2.0, "d_right": 0.95, "d_right_head": 0.5}}
    with open(model / "stats.jsonl", "a") as file:
        file.write(json.dumps(line) + "\\n")
    import struct, zlib
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = (b"\\0" + bytes(colour) * 8) * 8
    png = b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0))
    for name in ("preview", "curves"):
        beside = model / (name + ".part")
        beside.write_bytes(png + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
        os.replace(beside, model / (name + ".png"))
        report.artefact(name, model / (name + ".png"))
try:
    for step, colour in ((100, (255, 0, 0)), (200, (0, 255, 0))):
        write(step, colour)
        while not (folder / str(step)).exists():
            report.progress(step / 10, 60.0, "seconds", "pictures")
            time.sleep(0.01)
    about = {{"preset": "tiny", "character": "ann", "training": {{"seconds": 20.0, "images": 800, "seed": 0, "dataset": ""}}}}
    (model / "config.json").write_text(json.dumps(about))
    report.emit("result", state="done")
except Cancelled:
    report.emit("result", state="cancelled")
job.close()
"""


def write_lines(file: Path, *lines: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_what_a_model_folder_says(tmp_path: Path) -> None:
    assert training_now(tmp_path / "nothing") == Training()
    model = tmp_path / "model"
    write_lines(model / "stats.jsonl", *({**LINE, "step": 20 * i, "images": 80 * i, "seconds": 2.0 * i} for i in range(1, 200)))
    with open(model / "stats.jsonl", "a") as file:
        file.write('{"step": 4000, "ima')
    found = training_now(model)
    assert (found.steps, found.images, found.seconds, found.loss, found.rate) == (3980, 15920, 398.0, 1.5, 40.0)
    assert found.has_begun
    assert not found.is_model
    assert described(found) == ["Step 3,980", "15,920 pictures, 40 a second", "Loss 1.5"]
    assert time_spent(found, 20) == "7 min of 20 min"

    write_lines(model / "held_out.jsonl", {"step": 100, "psnr_fg": 11.0, "sharpness": 0.5}, {"step": 200, "psnr_fg": 12.04})
    assert described(training_now(model))[-1] == "Loss 1.5, PSNR 12.0 dB"
    config = {"character": "ann", "preset": "small", "training": {"seconds": 400.0, "images": 16000, "seed": 3, "dataset": "abc"}}
    (model / "config.json").write_text(json.dumps(config))
    (model / "report.json").write_text('{"rows": {"ours": {"psnr_fg": 13.26, "sharpness": 0.876}}}')
    found = training_now(model)
    assert (found.character, found.preset, found.seed, found.seconds, found.images) == ("ann", "small", 3, 400.0, 16000)
    assert described(found)[-1] == "Loss 1.5, PSNR 13.3 dB, sharpness 88 %"

    for name in ("config.json", "report.json", "stats.jsonl", "held_out.jsonl"):
        for text in ("[1, 2]", "not JSON", '{"training": 5, "rows": [], "step": "x"}', ""):
            (model / name).write_text(text)
            described(training_now(model))


def test_a_side_that_wins_is_named() -> None:
    assert balance(Training()) == ("", False)
    text, wins = balance(Training(right={"whole pictures": 0.55, "heads": 0.65}))
    assert not wins
    assert "60 %" in text
    text, wins = balance(Training(right={"whole pictures": 0.55, "heads": 0.93}))
    assert wins
    assert "heads: right in 93 %" in text
    assert "whole" not in text


def test_which_model_can_be_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text("{}")
    mine = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"  # SHA-256 of {}
    assert belongs(Training(), "small", tmp_path) == ""
    model = Training(is_model=True, preset="small", dataset=mine)
    assert belongs(model, "small", tmp_path) == ""
    assert belongs(model, "tiny", tmp_path) == "The model there is of the preset Small"
    assert belongs(replace(model, dataset="0" * 64), "small", tmp_path) == "The model there is of another dataset"
    assert belongs(replace(model, dataset="0" * 64), "small", tmp_path / "none") == ""


def test_minutes_of_a_command_line() -> None:
    assert minutes_of(["d", "--minutes", "3.5"]) == 3.5
    assert minutes_of(["d", "--preset", "medium"]) == PRESETS["medium"].minutes
    assert minutes_of(["d"]) == PRESETS["tiny"].minutes
    assert minutes_of(["d", "--preset", "huge"]) is None


def test_every_preset_can_be_chosen(settings_with_worker: Any) -> None:
    assert [key for key, *_ in PRESET_ITEMS] == list(PRESETS)
    for preset in PRESETS:
        settings_with_worker.preset = preset
        plan = plan_of(bpy.context)
        assert plan.files.preset == preset
        for verb in ("train", "run"):
            arguments = plan.arguments(verb)
            assert arguments[arguments.index("--preset") + 1] == preset


@pytest.fixture
def plan(settings_with_worker: Any, scripted_worker: Callable[[str], None], monkeypatch: Any) -> Plan:
    """A rendered dataset in the path's output folder, and a worker that trains at once."""
    monkeypatch.setattr("ningyo.addon.looking.SECONDS_BETWEEN_LOOKS", -1.0)  # what is drawn here is drawn once
    plan = plan_of(bpy.context)
    plan.files.dataset.mkdir(parents=True)
    (plan.files.dataset / "dataset.json").write_text('{"characters": {"ann": {}}, "count": 5}')
    scripted_worker(TRAINS.format(arguments=plan.arguments("train")))
    return plan


def test_the_panel_from_the_first_step_to_more_minutes(plan: Plan, until: Any, drawn: Any, scripted_worker: Any) -> None:
    assert "picture" not in drawn(PANEL)
    assert bpy.ops.ningyo.train() == {"FINISHED"}
    job = jobs.JOBS[-1]
    until(lambda: "preview" in job.view.artefacts and bool(job.view.progress))
    text = " ".join(drawn(PANEL))
    assert "picture" in text
    assert "progress(10 s of 10 min" in text
    assert "Step 100" in text
    assert "A discriminator wins" in text
    assert {"button(ningyo.show_training", "button(ningyo.cancel"} <= set(drawn(PANEL))
    assert "button(ningyo.train_more" not in drawn(PANEL)

    assert bpy.ops.ningyo.cancel(job=str(job.folder)) == {"FINISHED"}
    until(lambda: not job.is_running)
    assert "button(ningyo.retry" in drawn(PANEL)
    assert bpy.ops.ningyo.retry(job=str(job.folder)) == {"FINISHED"}
    job = jobs.JOBS[-1]
    for step in ("100", "200"):
        (job.folder / step).touch()
    until(lambda: not job.is_running)
    assert job.view.state == "done", job.view.error
    texts = drawn(PANEL)
    assert "button(ningyo.train_more" in texts
    assert "button(ningyo.retry" not in texts

    settings = bpy.context.scene.ningyo
    settings.preset, settings.minutes = "small", 1.0
    assert "of the preset Tiny" in " ".join(drawn(PANEL))
    assert bpy.ops.ningyo.train_more(model=str(plan.files.model), minutes=5.0) == {"FINISHED"}
    job = jobs.JOBS[-1]
    assert (settings.preset, round(settings.minutes, 3)) == ("tiny", 5.4)  # 20 seconds are spent
    assert job.arguments == plan_of(bpy.context).arguments("train")
    until(lambda: job.view.state == "running")
    with pytest.raises(RuntimeError, match="is being trained"):
        bpy.ops.ningyo.set_model_aside(model=str(plan.files.model))
    job.cancel()
    until(lambda: not job.is_running)
    assert bpy.ops.ningyo.set_model_aside(model=str(plan.files.model)) == {"FINISHED"}
    assert not plan.files.model.exists()
    assert (plan.out / "model-1" / "config.json").is_file()


def test_an_image_editor_stays_up_to_date(plan: Plan, until: Any) -> None:
    file = plan.files.model / "preview.png"
    with pytest.raises(RuntimeError, match="nothing to see yet"):
        bpy.ops.ningyo.show_training(model=str(plan.files.model))
    area = bpy.context.window_manager.windows[0].screen.areas[0]
    before, area.type = area.type, "IMAGE_EDITOR"
    try:
        assert bpy.ops.ningyo.train() == {"FINISHED"}
        job = jobs.JOBS[-1]
        until(file.exists)
        assert bpy.ops.ningyo.show_training(model=str(plan.files.model)) == {"FINISHED"}
        image = area.spaces.active.image
        assert image.filepath == str(file)
        assert colour(image) == (1, 0, 0)
        (job.folder / "100").touch()
        until(lambda: colour(image) == (0, 1, 0))
        assert bpy.ops.ningyo.show_training(model=str(plan.files.model)) == {"FINISHED"}
        assert area.spaces.active.image == image
        assert len(bpy.data.images) == 1, "one for each time it was shown"
        assert bpy.ops.ningyo.show_training(model=str(plan.files.model), picture="CURVES") == {"FINISHED"}
        assert area.spaces.active.image.filepath == str(file.with_name("curves.png"))

        # What nobody looks at is let be.
        file.write_bytes(encode_png(np.full((8, 8, 3), (0, 0, 255), np.uint8)))
        jobs.tick()
        assert colour(image) == (0, 1, 0)
        area.spaces.active.image = image
        jobs.tick()
        assert colour(image) == (0, 0, 1)
        # Nor is a picture of the user's own, or one that is gone.
        file.unlink()
        jobs.tick()
        (job.folder / "200").touch()
        until(lambda: not job.is_running)
    finally:
        area.type = before


def colour(image: Any) -> tuple[float, ...]:
    return tuple(round(value, 2) for value in image.pixels[:3])


def test_the_picture_in_the_panel_is_read_again(plan: Plan, tmp_path: Path) -> None:
    file = tmp_path / "preview.png"
    for age, colour in ((10, (255, 0, 0)), (0, (0, 255, 0))):
        file.write_bytes(encode_png(np.full((8, 8, 3), colour, np.uint8)))
        os.utime(file, (time.time() - age, time.time() - age))
        training_view.icon(file, stamp(file) or (0, 0))
        shown = training_view._icons["all"][str(file)].image_pixels_float[:3]
        assert [round(value) for value in shown] == [value // 255 for value in colour]
    training_view.forget()
    assert not training_view._icons


AGAIN = """
import os, sys
from pathlib import Path
import bpy
import ningyo
from ningyo.addon import jobs, training_view
from ningyo.addon.training_folder import training_now
jobs.home = lambda: Path(sys.argv[1])
ningyo.register()
model = Path(sys.argv[2])
job = training_view.trained_by(model)
assert bpy.app.timers.is_registered(jobs.tick), "nobody watches"
print("FOUND", job.is_running, training_view.is_training(model, job), training_now(model).steps)
job.cancel()
sys.stdout.flush()
os._exit(0)
"""


def test_the_next_blender_finds_the_training(plan: Plan, until: Any, isolated: Any, tmp_path: Path) -> None:
    assert bpy.ops.ningyo.train() == {"FINISHED"}
    job = jobs.JOBS[-1]
    until(lambda: "preview" in job.view.artefacts)
    environment = isolated(str(tmp_path / "resources"))
    command = [sys.executable, "-c", AGAIN, str(jobs.home()), str(plan.files.model)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "FOUND True True 100" in done.stdout
    until(lambda: not job.is_running)
    assert job.view.state == "cancelled", "the other Blender's Stop is heard"


@pytest.fixture
def cast(addon: Any, tmp_path: Path, monkeypatch: Any) -> Path:
    """A finished dataset of three characters, as far as a panel looks."""
    monkeypatch.setattr("ningyo.addon.looking.SECONDS_BETWEEN_LOOKS", -1.0)
    out = tmp_path / "pairs"
    out.mkdir()
    (out / "dataset.json").write_text('{"characters": {"ann": {}, "Bøb 2": {}, "cat": {}}, "count": 1}')
    (out / "index.jsonl").write_text("{}\n")
    bpy.context.scene.ningyo.dataset.output = str(out)
    return out


IN_TURN = """
job = WorkerJob(folder, "train", [])
report = Reporter(job.sink, job.is_cancelled)
try:
    for number, name in enumerate(("ann", "Bøb 2", "cat"), 1):
        report.stage(f"train {name} ({number} of 3)")
        while not (folder / str(number)).exists():
            report.check()
            time.sleep(0.01)
except Cancelled:
    report.emit("result", state="cancelled")
job.close()
"""


def test_characters_in_turn(cast: Path, scripted_worker: Any, until: Any, drawn: Any) -> None:
    panel, scene = training_panels.NINGYO_PT_dataset_training, bpy.context.scene
    scripted_worker(IN_TURN)
    models = cast.with_name("pairs-models")
    assert sum(text == "button(ningyo.dataset_generate" for text in drawn(panel)) == 3
    assert [training_panels.state(training_work.model_of(scene, name), True) for name in ("ann", "cat")] == ["to do", "to do"]
    assert bpy.ops.ningyo.dataset_train() == {"FINISHED"}
    job = jobs.JOBS[-1]
    assert job.arguments == [str(cast), "--out", str(models), "--preset", "tiny", "--minutes", "10"]
    write_lines(models / "ann" / "stats.jsonl", {**LINE, "seconds": 120.0})
    until(lambda: job.view.stage.startswith("train ann"))
    states = [training_panels.state(training_work.model_of(scene, name), True) for name in ("ann", "Bøb 2", "cat")]
    assert states == ["2 min of 10 min", "waits", "waits"]
    assert "Step 20" in " ".join(drawn(panel)), "the one that is being trained is shown"
    (job.folder / "1").touch()
    until(lambda: "2 of 3" in job.view.stage)
    assert training_panels.state(training_work.model_of(scene, "ann"), True) == "2 min of 10 min, waits"
    assert training_view.is_training(training_work.model_of(scene, "Bøb 2"), job)
    assert not training_view.is_training(models / "cat", job)
    with pytest.raises(RuntimeError, match="at work on this dataset"):
        bpy.ops.ningyo.dataset_train()
    job.cancel()
    until(lambda: not job.is_running)
    assert training_panels.state(models / "ann", True) == "2 min of 10 min, stopped"
    assert "button(ningyo.retry" in drawn(panel)


def test_chosen_characters(cast: Path, scripted_worker: Any, until: Any, drawn: Any) -> None:
    scripted_worker(IN_TURN)
    panel, settings = training_panels.NINGYO_PT_dataset_training, bpy.context.scene.ningyo.dataset
    choose = bpy.ops.ningyo.dataset_model
    for name in ("ann", "Bøb 2", "cat"):
        choose(character=name, what="TRAIN")
    assert training_work.train_obstacle(bpy.context) == "Choose a character"
    assert "Choose a character" in drawn(panel)
    choose(character="Bøb 2", what="TRAIN")
    settings.preset, settings.minutes = "small", 2.5
    assert bpy.ops.ningyo.dataset_train() == {"FINISHED"}
    job = jobs.JOBS[-1]
    model = training_work.model_of(bpy.context.scene, "Bøb 2")
    assert job.arguments[2] == str(model)
    assert model.name.isascii()
    assert job.arguments[3:] == ["--preset", "small", "--minutes", "2.5", "--character", "Bøb 2"]
    assert training_view.trained_by(model) is job
    assert training_view.trained_by(model.with_name("ann")) is None
    job.cancel()
    until(lambda: not job.is_running)
    (model / "config.json").parent.mkdir(parents=True)
    (model / "config.json").write_text('{"preset": "tiny", "character": "Bøb 2"}')
    assert "Bøb 2: the model there is of the preset Tiny" in training_work.train_obstacle(bpy.context)
    settings.preset = "tiny"
    assert training_work.train_obstacle(bpy.context) == ""
    (cast / "index.jsonl").write_text("")
    assert "Render first" in training_work.train_obstacle(bpy.context)


FAILS = """
job = WorkerJob(folder, "generate", [])
Reporter(job.sink).emit("result", state="failed")
job.close()
"""


def test_each_model_draws_whoever_is_in_the_video(cast: Path, settings_with_worker: Any, scripted_worker: Any, until: Any) -> None:
    scripted_worker(FAILS)
    with pytest.raises(RuntimeError, match="Capture first"):
        bpy.ops.ningyo.dataset_generate(character="cat")
    plan = plan_of(bpy.context)
    plan.out.mkdir(parents=True)
    plan.files.track.touch()
    with pytest.raises(RuntimeError, match="no model yet"):
        bpy.ops.ningyo.dataset_generate(character="cat")
    model = training_work.model_of(bpy.context.scene, "cat")
    model.mkdir(parents=True)
    (model / "config.json").write_text('{"character": "cat"}')
    assert bpy.ops.ningyo.dataset_generate(character="cat") == {"FINISHED"}
    job = jobs.JOBS[-1]
    assert job.arguments[:2] == [str(model), str(plan.files.track)]
    assert "--motion" not in job.arguments, "the path's motion is another rig's"
    assert Path(job.note["out"]) / "frames" == Path(job.arguments[3])
    until(lambda: not job.is_running)
