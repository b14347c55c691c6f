# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Blender is looked for first)
"""Datasets on a real worker: begun, followed, stopped, gone on with, checked, told about and exported, all with the panel's buttons."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

from ningyo.addon import dataset_panels, dataset_work, jobs, panels, words
from ningyo.addon.dataset_folder import OWN_JOB, Found, look_now
from ningyo.addon.dataset_sources import out_of
from ningyo.addon.dataset_work import asked
from ningyo.synth_data.dataset.folder import Dataset
from ningyo.synth_data.render.job_file import load_job

COUNT = 80
PANELS = (dataset_panels.NINGYO_PT_dataset_render, dataset_panels.NINGYO_PT_dataset_made)


@pytest.fixture
def dataset(addon: Any, doll: tuple[Path, Path], tmp_path: Path, monkeypatch: Any) -> Any:
    monkeypatch.setattr("ningyo.addon.looking.SECONDS_BETWEEN_LOOKS", -1.0)  # what is drawn here is drawn once
    settings = bpy.context.scene.ningyo.dataset
    character, clip = settings.characters.add(), settings.clips.add()
    character.kind, character.file = "FILE", str(doll[0])
    clip.file = str(doll[1])
    settings.size, settings.count = 32, COUNT
    settings.limits_workers, settings.workers = True, 1
    settings.output = str(tmp_path / "pairs")
    return settings


def there() -> Found:
    return look_now(out_of(bpy.context.scene), asked(bpy.context).job)


def reason(operator: str) -> str:
    """Why a button is grey."""
    with pytest.raises(RuntimeError) as caught:
        getattr(bpy.ops.ningyo, operator)()
    return str(caught.value)


def test_a_dataset_from_the_first_click_to_the_export(dataset: Any, until: Any, drawn: Any, monkeypatch: Any) -> None:
    opened: list[Path] = []
    monkeypatch.setattr(dataset_work, "open_page", opened.append)
    out = out_of(bpy.context.scene)
    assert there() == Found("new")
    assert "no samples yet" in reason("dataset_stats")

    assert bpy.ops.ningyo.dataset_render() == {"FINISHED"}
    job = jobs.JOBS[-1]
    assert words.headline(job) == "Dataset: starting…"
    assert load_job(job.arguments[0]) == asked(bpy.context).job
    assert "at work on this dataset" in reason("dataset_render")
    until(lambda: job.view.progress.get("done", 0) >= 3, 120)
    text = " ".join(drawn(PANELS[0]))
    assert "Dataset: running" in text
    assert f"of {COUNT} samples" in text
    assert "left" in text
    assert "a second" in text
    assert job not in panels.shown_jobs()
    assert bpy.ops.ningyo.cancel(job=str(job.folder)) == {"FINISHED"}
    until(lambda: not job.is_running)
    assert job.view.state == "cancelled"
    found = there()
    assert (found.kind, found.total) == ("unfinished", COUNT)
    assert 3 <= found.done < COUNT
    assert f"{found.done} of {COUNT} samples are there" in drawn(PANELS[0])

    assert bpy.ops.ningyo.dataset_render() == {"FINISHED"}
    job = jobs.JOBS[-1]
    until(lambda: bool(job.view.progress))
    assert job.view.progress["done"] >= found.done, "it began anew"
    until(lambda: not job.is_running, 120)
    assert words.headline(job) == "Dataset: done", job.view.error
    assert there() == Found("finished", COUNT, COUNT)
    assert len(Dataset.open(out).samples) == COUNT
    assert load_job(out / OWN_JOB) == asked(bpy.context).job
    assert f"All {COUNT} samples are there" in reason("dataset_render")
    assert {path.name for path in out.parent.iterdir()} >= {"pairs", "pairs-job"}

    assert ended(until, bpy.ops.ningyo.dataset_verify).view.state == "done"
    assert f"Every file of the {COUNT} samples is as it was rendered" in " ".join(drawn(PANELS[0]))
    next(out.rglob("*.image.png")).unlink()
    job = ended(until, bpy.ops.ningyo.dataset_verify)
    assert (job.view.state, words.headline(job)) == ("failed", "Verify: failed")
    assert ended(until, bpy.ops.ningyo.dataset_verify, repair=True).view.state == "done"

    dataset.form = "openpose"
    job = ended(until, bpy.ops.ningyo.dataset_export)
    assert words.headline(job) == "Export: done"
    folder = Path(panels.folder_of(job))
    assert folder == out.with_name("pairs-openpose")
    assert len(list(folder.rglob("*_keypoints.json"))) == COUNT
    drawn(PANELS[1])

    page = out.with_name("pairs-stats") / "stats.html"
    shutil.copytree(folder, page.parent)
    page.write_text("made before")
    assert bpy.ops.ningyo.dataset_stats() == {"FINISHED"}
    assert opened == [page]


def ended(until: Any, button: Any, **properties: Any) -> jobs.Job:
    """The job that a button starts, when it is over."""
    assert button(**properties) == {"FINISHED"}
    job = jobs.JOBS[-1]
    until(lambda: not job.is_running, 120)
    return job


STATS = """
job = WorkerJob(folder, "dataset", [])
report = Reporter(job.sink, job.is_cancelled)
report.artefact("page", folder / "stats.html")
report.warning("no samples from behind")
report.emit("result", state="done")
job.close()
"""


def test_statistics_open_when_they_are_ready(
    dataset: Any, scripted_worker: Callable[[str], None], until: Any, drawn: Any, monkeypatch: Any
) -> None:
    opened: list[Path] = []
    monkeypatch.setattr(dataset_work, "open_page", opened.append)
    out = out_of(bpy.context.scene)
    out.mkdir()
    (out / "dataset.json").write_text('{"count": 5}')
    (out / "index.jsonl").write_text("{}\n")
    scripted_worker(STATS)
    job = ended(until, bpy.ops.ningyo.dataset_stats)
    assert opened == [job.folder / "stats.html"]
    assert job.arguments == ["stats", str(out), "--out", str(out.with_name("pairs-stats"))]
    text = " ".join(drawn(PANELS[0]))
    assert "Statistics: done" in text
    assert "no samples from behind" in text


def test_other_folders_are_left_alone(dataset: Any, drawn: Any) -> None:
    out = out_of(bpy.context.scene)
    out.mkdir()
    assert there() == Found("new")
    (out / "my notes.txt").touch()
    assert there() == Found("foreign")
    assert "holds other things" in reason("dataset_render")
    (out / "dataset.json").write_text('{"count": 5}')
    assert there() == Found("another", 0, 5)
    assert "another job" in reason("dataset_render")
    assert {"button(ningyo.dataset_new_folder", "button(ningyo.dataset_load_job"} <= set(drawn(PANELS[0]))
    assert bpy.ops.ningyo.dataset_new_folder() == {"FINISHED"}
    assert there() == Found("new")
    dataset.output = str(out / "my notes.txt")
    assert there() == Found("foreign")


def test_without_a_worker(dataset: Any, drawn: Any, monkeypatch: Any) -> None:
    monkeypatch.delenv("NINGYO_WORKER")
    monkeypatch.setattr("ningyo.addon.worker.find_interpreter", lambda folders: None)
    assert "Set up the worker" in reason("dataset_render")
    assert "Set up the worker" in reason("dataset_verify")
    assert "button(preferences.addon_show" in drawn(PANELS[0])
    assert bpy.ops.ningyo.dataset_preview.poll()


def test_what_goes_wrong_is_said_and_can_be_tried_again(dataset: Any, until: Any, drawn: Any, tmp_path: Path) -> None:
    broken = tmp_path / "broken.glb"
    broken.write_bytes(b"not a character")
    dataset.characters[0].file = str(broken)
    job = ended(until, bpy.ops.ningyo.dataset_render)
    assert (job.view.state, words.headline(job)) == ("failed", "Dataset: failed")
    assert "cannot read" in job.view.error
    texts = drawn(PANELS[0])
    assert "button(ningyo.retry" in texts
    assert bpy.ops.ningyo.retry(job=str(job.folder)) == {"FINISHED"}
    assert jobs.JOBS[-1].note["dataset"] == str(out_of(bpy.context.scene))
    until(lambda: not jobs.JOBS[-1].is_running)
