# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Blender is looked for first)
"""Results in the open scene: strips in the sequencer, and the character handed to the worker."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from ningyo.addon import jobs, panels, path_panels, results
from ningyo.addon.character import export_character, scene_armature, shorten_bones
from ningyo.addon.properties import plan_of, statuses
from ningyo.addon.results import show_frames
from ningyo.sequencer import timeline
from ningyo.sequencer.strips import find_images
from ningyo.synth_data.characters.importing import load_character
from ningyo.synth_data.dataset.png import decode_png, encode_png


def test_a_character_of_the_scene_goes_to_the_worker_at_rest(settings: Any, tmp_path: Path) -> None:
    """Posed, parented under a moved object, in pose mode: the worker's copy has the rest pose, and the scene stays as it was."""
    armature = load_character("builtin:1").armature
    settings.character, settings.armature = "ARMATURE", armature
    plan = plan_of(bpy.context)
    assert plan.rig == str(plan.out / "character.glb")
    assert scene_armature(bpy.context, plan) == armature
    rest = {bone.name: np.array(armature.matrix_world @ bone.head_local) for bone in armature.data.bones}
    bone = next(bone for bone in armature.pose.bones if bone.name.endswith("LeftArm"))
    bone.rotation_mode = "XYZ"
    bone.rotation_euler = (0.5, 0.5, 0.5)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="POSE")
    selected = [obj.name for obj in bpy.context.view_layer.objects if obj.select_get()]
    export_character(bpy.context, armature, Path(plan.rig))
    assert bpy.context.mode == "POSE"
    assert selected == [obj.name for obj in bpy.context.view_layer.objects if obj.select_get()]
    assert bone.rotation_euler[0] == pytest.approx(0.5)
    assert [path.name for path in plan.out.iterdir()] == ["character.glb"]
    bpy.ops.object.mode_set(mode="OBJECT")
    copy = load_character(plan.rig)
    assert copy.meshes
    for other in copy.armature.data.bones:
        if other.name in rest:
            assert np.array(copy.armature.matrix_world @ other.head_local) == pytest.approx(rest[other.name], abs=1e-3), other.name


def test_bones_that_hide_the_character_are_shortened(addon) -> None:
    """Some importers put tails ten metres away; where bones begin and how they are turned stays, and so does what is selected."""
    armature, other = load_character("builtin:1").armature, bpy.data.objects.new("other", None)
    bpy.context.scene.collection.objects.link(other)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for bone in armature.data.edit_bones:
        if not any(child.use_connect for child in bone.children):
            bone.length *= 100
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.context.view_layer.objects.active = other
    rest = {bone.name: np.array(bone.matrix_local) for bone in armature.data.bones}
    assert max(bone.length for bone in armature.data.bones) > 3
    shorten_bones(bpy.context, armature)
    assert max(bone.length for bone in armature.data.bones) < 1.8
    for bone in armature.data.bones:
        np.testing.assert_allclose(bone.matrix_local, rest[bone.name], atol=3e-5, err_msg=bone.name)
    assert bpy.context.view_layer.objects.active == other


def frames_at(folder: Path, count: int = 6, grey: int = 200) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        (folder / f"{index:06d}.png").write_bytes(encode_png(np.full((8, 8, 4), (grey, grey, grey, 255), np.uint8)))
    (folder / "frames.json").write_text(json.dumps({"fps": 30.0, "count": count, "start": 0.0}))


GENERATES = """
job = WorkerJob(folder, "generate", [])
report = Reporter(job.sink, job.is_cancelled)
wait_for("end")
report.emit("result", state="done")
job.close()
"""


def test_generated_frames_arrive_in_the_scene_that_asked(scripted_worker, until, tmp_path: Path) -> None:
    scripted_worker(GENERATES)
    out = tmp_path / "work"
    frames_at(out / "frames")
    scene = bpy.context.scene
    assert scene.view_settings.view_transform == "AgX"
    asked = {"scene": scene.name, "blend": "", "video": str(tmp_path / "gone.mp4")}
    job = jobs.start_job(Path("python"), "generate", [], out, **asked)
    elsewhere = jobs.start_job(Path("python"), "generate", [], out, **{**asked, "blend": "/another.blend"})
    for started in (job, elsewhere):
        (started.folder / "end").touch()
    until(lambda: not job.is_running and not elsewhere.is_running)
    (strip,) = find_images(scene, out / "frames")
    assert len(strip.elements) == 6
    assert (scene.render.fps, scene.frame_end) == (30, 6), "nothing was in the scene that depends on its rate and range"
    assert scene.view_settings.view_transform == "Standard"
    assert job.note["shown"]
    assert not elsewhere.note.get("shown"), "a job of another file is shown by its button, not by itself"
    assert jobs.Job.open(job.folder).note["shown"], "it would be added again after a restart"


DRAWS = """
job = WorkerJob(folder, "generate", [])
report = Reporter(job.sink, job.is_cancelled)
frames = folder.parents[1] / "frames"
try:
    for index in range(6):
        wait_for(f"frame {index}")
        (frames / f"{index:06d}.png").write_bytes((frames.parent / "picture.png").read_bytes())
        report.artefact("frame", frames / f"{index:06d}.png")
        report.progress(index + 1, 6, "frames")
    wait_for("end")
    report.emit("result", state="done")
except Cancelled:
    report.emit("result", state="cancelled")
job.close()
"""


@pytest.fixture
def drawing(scripted_worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[jobs.Job, Path]:
    """A job that makes six frames, each when it is told to, for the open scene."""
    scripted_worker(DRAWS)
    monkeypatch.setattr(results, "SECONDS_BETWEEN_LOOKS", 0.0)
    monkeypatch.setattr(results, "SHARE", 1.0)
    out = tmp_path / "work"
    frames_at(out / "frames", count=6)
    (out / "picture.png").write_bytes((out / "frames" / "000000.png").read_bytes())
    for path in (out / "frames").glob("*.png"):
        path.unlink()
    asked = {"scene": bpy.context.scene.name, "blend": bpy.data.filepath, "video": str(tmp_path / "gone.mp4")}
    return jobs.start_job(Path("python"), "generate", ["--out", str(out / "frames")], out, **asked), out / "frames"


def test_frames_are_seen_while_others_are_being_made(drawing, until, tmp_path: Path) -> None:
    job, frames = drawing
    scene = bpy.context.scene
    until(lambda: job.view.state == "running")
    assert not find_images(scene, frames), "there are no frames yet"
    (job.folder / "frame 0").touch()
    until(lambda: bool(find_images(scene, frames)))
    assert scene.frame_end == 6, "the scene is as long as the frames will be"
    assert job.is_running
    (strip,) = find_images(scene, frames)
    strip.name = "mine"
    for index in (1, 2, 3):
        (job.folder / f"frame {index}").touch()
    until(lambda: len(strip.elements) == 4)
    assert timeline.span(strip) == (1, 5)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved é.blend"))
    for index in (4, 5):
        (job.folder / f"frame {index}").touch()
    until(lambda: len(strip.elements) == 6)
    (job.folder / "end").touch()
    until(lambda: not job.is_running)
    assert [one.name for one in find_images(scene, frames)] == ["mine"]
    assert timeline.span(strip) == (1, 7)
    assert strip[results.JOB] == job.folder.name


def test_strips_that_were_taken_back_do_not_come_again(drawing, until) -> None:
    """Adding is one step that can be undone; growing is none."""
    job, frames = drawing
    preferences = bpy.context.preferences.edit
    assert preferences.use_global_undo
    bpy.ops.ed.undo_push(message="before")
    (job.folder / "frame 0").touch()
    until(lambda: bool(find_images(bpy.context.scene, frames)))
    (job.folder / "frame 1").touch()
    until(lambda: len(find_images(bpy.context.scene, frames)[0].elements) == 2)
    bpy.ops.ed.undo()
    assert not find_images(bpy.context.scene, frames), "one step back, and they are gone"
    (job.folder / "frame 2").touch()
    until(lambda: job.view.progress.get("done") == 3)
    for _ in range(3):
        jobs.tick()
    assert not find_images(bpy.context.scene, frames)
    bpy.ops.ed.redo()
    assert find_images(bpy.context.scene, frames), "one step forward, and they are back"
    (job.folder / "frame 3").touch()
    until(lambda: len(find_images(bpy.context.scene, frames)[0].elements) == 4)
    (job.folder / "frame 4").touch()
    (job.folder / "frame 5").touch()
    (job.folder / "end").touch()
    until(lambda: not job.is_running)
    assert len(find_images(bpy.context.scene, frames)[0].elements) == 6


def test_a_strip_that_redo_brings_back_shows_what_was_made_since(drawing, until) -> None:
    """Growing is no step of undo, so Blender brings a strip back as short as it was."""
    job, frames = drawing
    bpy.ops.ed.undo_push(message="before")
    (job.folder / "frame 0").touch()
    until(lambda: bool(find_images(bpy.context.scene, frames)))
    for index in range(1, 6):
        (job.folder / f"frame {index}").touch()
    (job.folder / "end").touch()
    until(lambda: not job.is_running)
    assert len(find_images(bpy.context.scene, frames)[0].elements) == 6
    for act in (bpy.ops.ed.undo, bpy.ops.ed.redo):
        act()
        assert bpy.app.timers.is_registered(results.show_again)
    assert len(find_images(bpy.context.scene, frames)[0].elements) < 6
    assert results.show_again() is None
    (strip,) = find_images(bpy.context.scene, frames)
    assert len(strip.elements) == 6
    assert timeline.span(strip) == (1, 7)


def test_what_a_stopped_job_made_is_seen(drawing, until) -> None:
    job, frames = drawing
    for index in (0, 1, 2):
        (job.folder / f"frame {index}").touch()
    until(lambda: bool(find_images(bpy.context.scene, frames)))
    until(lambda: job.view.progress.get("done") == 3)
    job.cancel()
    (job.folder / "frame 3").touch()
    until(lambda: not job.is_running)
    assert job.view.state == "cancelled"
    assert len(find_images(bpy.context.scene, frames)[0].elements) == 4


def test_a_job_of_another_scene_or_file_adds_nothing(drawing, until) -> None:
    job, frames = drawing
    job.note["blend"] = "/another.blend"
    (job.folder / "frame 0").touch()
    until(lambda: bool(job.view.progress))
    for _ in range(3):
        jobs.tick()
    assert not find_images(bpy.context.scene, frames)
    job.cancel()
    (job.folder / "frame 1").touch()
    until(lambda: not job.is_running)


@pytest.mark.parametrize(
    ("verb", "arguments", "name"),
    [
        ("generate", ["m", "t.npz", "--out", "/a b/pictures", "--person", "3"], "/a b/pictures"),
        ("run", ["v.mp4", "--out", "/a b", "--person", "3"], "/a b/frames-person-3"),
        ("run", ["v.mp4", "--out", "/a b", "--person", "0"], "/a b/frames"),
        ("demo", ["--out", "/a b"], "/a b/frames"),
    ],
)
def test_where_a_jobs_frames_are(addon, tmp_path: Path, verb: str, arguments: list[str], name: str) -> None:
    assert results.frames_of(jobs.Job(tmp_path, SimpleNamespace(verb=verb), arguments, {"out": "/a b"})) == Path(name)


def test_frames_that_were_made_anew_are_seen_in_the_strip_that_is_there(addon, tmp_path: Path) -> None:
    scene = bpy.context.scene
    scene.view_settings.view_transform = "Standard"
    scene.render.resolution_x = scene.render.resolution_y = 32
    scene.render.filepath = str(tmp_path / "seen.png")

    def seen() -> int:
        bpy.ops.render.render(write_still=True)
        return int(decode_png((tmp_path / "seen.png").read_bytes())[16, 16, 0])

    for grey, says in ((100, "Strips from frame 1 to 6"), (200, "The strips show the new frames")):
        frames_at(tmp_path / "frames", grey=grey)
        assert show_frames(scene, tmp_path / "frames", tmp_path / "no movie") == says
        assert seen() == pytest.approx(grey, abs=2)
    assert len(find_images(scene, tmp_path / "frames")) == 1


def test_a_result_that_cannot_be_shown_says_why(scripted_worker, until, tmp_path: Path) -> None:
    scripted_worker(GENERATES)
    job = jobs.start_job(Path("python"), "run", [], tmp_path / "work", scene=bpy.context.scene.name, blend="", video="")
    (job.folder / "end").touch()
    until(lambda: not job.is_running)
    assert "not a folder of generated frames" in job.note["problem"]


def test_start_and_stop_by_the_buttons(scripted_worker, until, drawn, settings_with_worker: Any) -> None:
    scripted_worker("""
job = WorkerJob(folder, "capture", [])
report = Reporter(job.sink, job.is_cancelled)
try:
    while True:
        report.progress(1, 4, "frames")
        time.sleep(0.01)
except Cancelled:
    report.emit("result", state="cancelled")
job.close()
""")
    plan = plan_of(bpy.context)
    assert statuses(plan)["capture"].text == "to do"
    assert bpy.ops.ningyo.capture() == {"FINISHED"}
    (job,) = jobs.JOBS
    until(lambda: bool(job.view.progress))
    assert statuses(plan)["capture"].kind == "running"
    assert not bpy.ops.ningyo.capture.poll(), "two jobs would write over each other"
    assert "progress(1 of 4 frames" in " ".join(drawn(panels.Jobs))
    assert bpy.ops.ningyo.cancel(job=str(job.folder)) == {"FINISHED"}
    until(lambda: not job.is_running)
    assert any("Capture: stopped" in text for text in drawn(panels.Jobs))
    assert bpy.ops.ningyo.show_log(job=str(job.folder)) == {"FINISHED"}
    assert bpy.data.texts[-1].as_string().startswith("capture ")
    assert bpy.ops.ningyo.retry(job=str(job.folder)) == {"FINISHED"}
    again = jobs.JOBS[-1]
    assert (again.verb, again.arguments) == (job.verb, job.arguments)
    again.cancel()
    until(lambda: not again.is_running)


def test_the_last_step_says_where_the_frames_are(settings: Any, drawn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ningyo.addon.looking.SECONDS_BETWEEN_LOOKS", 0.0)
    step = path_panels.NINGYO_PT_step_generate
    assert "The strip needs frames: Generate first" in drawn(step)
    frames_at(plan_of(bpy.context).files.frames)
    texts = drawn(step)
    assert "6 frames, 30 fps" in texts
    assert "The frames are in the sequencer" not in texts
    Path(settings.video).unlink()
    assert bpy.ops.ningyo.add_strips() == {"FINISHED"}, "frames are shown without their movie too"
    assert "The frames are in the sequencer" in drawn(step)
    assert "The frames are in the sequencer" in drawn(path_panels.NINGYO_PT_sequencer_generate)
    assert not panels.Jobs.poll(bpy.context)
