# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Blender and torch are looked for first)
"""A dataset's characters trained by the real worker, with the panel's buttons: one after the other, stopped, gone on with, trained more."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")
pytest.importorskip("torch")

from ningyo.addon import jobs, training_panels, training_work
from ningyo.addon.training_folder import training_now

NAMES = ("ann", "bob")


@pytest.fixture
def dataset(addon: Any, tmp_path: Path, monkeypatch: Any) -> Path:
    """Two characters with a few small pictures each, as if the panel had rendered them."""
    spec = importlib.util.spec_from_file_location("ningyo_training_figures", Path(__file__).parents[1] / "training" / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    figures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(figures)
    out = figures.make_dataset(tmp_path / "pairs", train=4, test=2)
    lines, index = [json.loads(line) for line in (out / "index.jsonl").read_text().splitlines()], []
    for name in NAMES:
        shutil.copytree(out / "figure", out / name)
        for line in lines:
            files = {kind: [file.replace("figure", name), sha256] for kind, (file, sha256) in line["files"].items()}
            index.append(line | {"id": f"{len(index):06d}", "character": name, "files": files})
    (out / "index.jsonl").write_text("".join(json.dumps(line) + "\n" for line in index))
    header = json.loads((out / "dataset.json").read_text())
    characters = dict.fromkeys(NAMES, header["characters"]["figure"])
    (out / "dataset.json").write_text(json.dumps(header | {"characters": characters, "count": len(index)}))
    monkeypatch.setattr("ningyo.addon.looking.SECONDS_BETWEEN_LOOKS", -1.0)  # what is drawn here is drawn once
    settings = bpy.context.scene.ningyo.dataset
    settings.output, settings.minutes = str(out), 0.1
    return out


def test_both_characters_by_the_real_worker(dataset: Path, until: Any, drawn: Any) -> None:
    panel, scene = training_panels.NINGYO_PT_dataset_training, bpy.context.scene
    models = [training_work.model_of(scene, name) for name in NAMES]
    assert bpy.ops.ningyo.dataset_train() == {"FINISHED"}
    job = jobs.JOBS[-1]
    until(lambda: "bob" in job.view.stage, 180)
    assert training_now(models[0]).psnr is not None
    states = [training_panels.state(model, True) for model in models]
    assert re.fullmatch(r"\d+ s, [\d.]+ dB", states[0])  # a slow machine's last step goes over the time
    assert states[1].endswith("s of 6 s")
    job.cancel()
    until(lambda: not job.is_running)
    assert job.view.state == "cancelled", job.view.error
    stopped = training_now(models[1])
    assert stopped.images > 0
    assert training_panels.state(models[1], True).endswith("s of 6 s, stopped")
    assert "button(ningyo.retry" in drawn(panel)

    assert bpy.ops.ningyo.retry(job=str(job.folder)) == {"FINISHED"}
    job = jobs.JOBS[-1]
    until(lambda: not job.is_running, 180)
    assert job.view.state == "done", job.view.error
    for model, name in zip(models, NAMES, strict=True):
        found = training_now(model)
        assert (found.character, found.preset) == (name, "tiny")
        assert found.seconds >= 6
        assert found.preview is not None
        stats = model / "stats.jsonl"
        if stats.is_file() and len(stats.read_text("utf-8").splitlines()) > 1:  # a slow machine makes few steps in this time
            assert (model / "curves.png").read_bytes().startswith(b"\x89PNG")

    other, before = training_now(models[0]), training_now(models[1])
    assert bpy.ops.ningyo.train_more(model=str(models[1]), minutes=0.1) == {"FINISHED"}
    job = jobs.JOBS[-1]
    until(lambda: not job.is_running, 180)
    assert job.view.state == "done", job.view.error
    after = training_now(models[1])
    assert after.images > before.images
    assert after.seconds >= before.seconds + 6
    assert training_now(models[0]) == other, "the other one is let be"
