# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Blender is looked for first)
"""Training that waits for the dataset, generating that waits for the training, and what cannot be trained on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

from ningyo.addon import dataset_sources, jobs, training_panels, training_view, training_work, words
from ningyo.addon.looking import stamp
from ningyo.addon.properties import plan_of
from ningyo.synth_data.render.job import Background, RenderJob
from ningyo.synth_data.render.job_file import save_job

PANEL = training_panels.NINGYO_PT_dataset_training
UNTIL_END = """
job = WorkerJob(folder, "any", [])
report = Reporter(job.sink, job.is_cancelled)
try:
    while not (folder / "end").exists():
        report.check()
        time.sleep(0.01)
    report.emit("result", state="done")
except Cancelled:
    report.emit("result", state="cancelled")
job.close()
"""


@pytest.fixture
def dataset(addon: Any, doll: tuple[Path, Path], monkeypatch: Any) -> Path:
    """The folder of a dataset of two characters that is set up and nothing is made of."""
    monkeypatch.setattr("ningyo.addon.looking.SECONDS_BETWEEN_LOOKS", -1.0)  # what is drawn here is drawn once
    settings = bpy.context.scene.ningyo.dataset
    for number in range(2):
        character = settings.characters.add()
        character.kind, character.file, character.name = "FILE", str(doll[0]), f"doll {number}"
    settings.clips.add().file = str(doll[1])
    settings.size = 32
    return dataset_sources.out_of(bpy.context.scene)


def test_training_waits_for_the_dataset_and_generating_for_the_training(
    dataset: Path, settings_with_worker: Any, scripted_worker: Any, until: Any, drawn: Any
) -> None:
    scripted_worker(UNTIL_END)
    scene = bpy.context.scene
    assert training_work.train_obstacle(bpy.context) == "Render first: there are no samples yet"
    assert bpy.ops.ningyo.dataset_render() == {"FINISHED"}
    rendering = jobs.JOBS[-1]

    # Nothing is there of the dataset yet but the job that makes it.
    assert not dataset.exists()
    names = training_work.material(scene).characters
    assert len(names) == 2
    assert bpy.ops.ningyo.dataset_train() == {"FINISHED"}
    training = jobs.JOBS[-1]
    assert training.arguments[:3] == [str(dataset), "--out", str(training_work.models_of(scene))]
    assert "Train: waiting for Render" in drawn(PANEL)
    with pytest.raises(RuntimeError, match="at work on this dataset"):
        bpy.ops.ningyo.dataset_train()

    plan = plan_of(bpy.context)
    plan.out.mkdir(parents=True, exist_ok=True)
    plan.files.track.touch()
    assert bpy.ops.ningyo.dataset_generate(character=names[0]) == {"FINISHED"}
    generating = jobs.JOBS[-1]
    assert f"{names[0]}: Generate: waiting for Train" in drawn(PANEL)
    assert not any(job.process for job in (training, generating))
    (rendering.folder / "end").touch()
    until(lambda: training.process is not None)
    assert generating.process is None

    # What the running training has done with need not wait for the others.
    done = training_work.model_of(scene, names[1])
    done.mkdir(parents=True)
    (done / "stats.jsonl").write_text(json.dumps({"step": 20, "images": 80, "seconds": 600.0}) + "\n")
    (done / "config.json").write_text('{"preset": "tiny"}')
    assert training_view.awaited(done) is None
    assert training_view.awaited(training_work.model_of(scene, names[0])) is training
    assert bpy.ops.ningyo.dataset_generate(character=names[1]) == {"FINISHED"}
    at_once = jobs.JOBS[-1]
    assert not at_once.is_queued
    for job in (training, at_once):
        (job.folder / "end").touch()
    until(lambda: generating.process is not None)
    (generating.folder / "end").touch()
    until(lambda: not any(job.is_running for job in jobs.JOBS))
    assert {job.view.state for job in jobs.JOBS} == {"done"}


def test_a_training_does_not_begin_where_the_rendering_was_stopped(dataset: Path, scripted_worker: Any, until: Any) -> None:
    scripted_worker(UNTIL_END)
    assert bpy.ops.ningyo.dataset_render() == {"FINISHED"}
    assert bpy.ops.ningyo.dataset_train() == {"FINISHED"}
    rendering, training = jobs.JOBS
    rendering.cancel()
    until(lambda: not training.is_running)
    assert training.process is None
    assert "Render did not end well" in training.view.error
    assert "Render first" in training_work.train_obstacle(bpy.context)


def test_a_check_of_the_dataset_is_waited_for_too(dataset: Path, scripted_worker: Any, until: Any) -> None:
    scripted_worker(UNTIL_END)
    dataset.mkdir(parents=True)
    (dataset / "dataset.json").write_text('{"characters": {"ann": {}}, "count": 1, "size": [64, 64]}')
    (dataset / "index.jsonl").write_text("{}\n")
    assert bpy.ops.ningyo.dataset_verify() == {"FINISHED"}
    assert bpy.ops.ningyo.dataset_train() == {"FINISHED"}
    verifying, training = jobs.JOBS
    assert words.headline(training) == "Train: waiting for Verify"
    training.cancel()
    (verifying.folder / "end").touch()
    until(lambda: not verifying.is_running)


def test_what_cannot_be_trained_on_is_said_before(dataset: Path, drawn: Any) -> None:
    dataset.mkdir(parents=True)
    (dataset / "index.jsonl").write_text("{}\n")
    for more, reason in (
        ({"background": {"colours": ["ff0000"]}, "size": [256, 256]}, "without a background"),
        ({"size": [250, 250]}, "a multiple of 32 px, not of 250 px"),
    ):
        (dataset / "dataset.json").write_text(json.dumps({"characters": {"ann": {}}, "count": 1, **more}))
        with pytest.raises(RuntimeError, match=reason):
            bpy.ops.ningyo.dataset_train()
        assert reason in " ".join(drawn(PANEL))
    (dataset / "dataset.json").write_text(json.dumps({"characters": {"ann": {}}, "count": 1, "size": [256, 256]}))
    assert training_work.train_obstacle(bpy.context) == ""


def test_so_it_is_while_the_dataset_is_being_rendered(tmp_path: Path, doll: tuple[Path, Path]) -> None:
    job = RenderJob.from_flags([str(doll[0])], [doll[1]], size=64, count=4)
    for background, is_fit in ((Background(), True), (Background(colours=("ff0000",)), False)):
        file = tmp_path / f"{is_fit}.toml"
        save_job(replace(job, background=background), file)
        material = training_work._material_of_job(file, stamp(file) or (0, 0))
        assert material.characters == tuple(character.name for character in job.characters)
        assert (material.problem == "") == is_fit
