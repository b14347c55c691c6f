# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Blender is looked for first)
"""Retarget pressed while the video is still being captured: the motions come onto the armatures by themselves afterwards."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from ningyo.__main__ import build_parser
from ningyo.addon import jobs, motion_panels, panels, worker
from ningyo.addon.properties import plan_of, sequencer_scene
from ningyo.synth_data.characters.importing import load_character

FPS, FRAMES = 25.0, 12  # of `standing_track`
CAPTURES = """
import json, shutil
arguments = json.loads((folder / "job.json").read_text("utf-8"))["arguments"]
job = WorkerJob(folder, "capture", [])
report = Reporter(job.sink, job.is_cancelled)
report.progress(1, 4, "frames")
wait_for("track.npz")
out = Path(arguments[arguments.index("--out") + 1])
out.parent.mkdir(parents=True, exist_ok=True)
shutil.copyfile(folder / "track.npz", out)
report.emit("result", state="done")
job.close()
"""


@pytest.fixture
def capture(worker_text, standing_track, settings_with_worker: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """Presses Capture; what it returns ends that well, with such a track as `standing_track` makes. All other verbs are the real ones."""
    text, real = worker_text(CAPTURES), worker.command

    def command(interpreter: Path, verb: str, arguments: list[str], job: Path) -> list[str]:
        if verb == "capture":
            return [sys.executable, "-I", "-c", text, str(job)]
        return real(interpreter, verb, arguments, job)

    monkeypatch.setattr(worker, "command", command)

    def press() -> Callable[..., None]:
        assert bpy.ops.ningyo.capture() == {"FINISHED"}
        job = jobs.JOBS[-1]

        def end(**track: Any) -> None:
            standing_track(tmp_path / "captured.npz", **track)
            (tmp_path / "captured.npz").rename(job.folder / "track.npz")  # at once

        return end

    return press


def solving() -> list[jobs.Job]:
    return [job for job in jobs.JOBS if "retarget" in job.note]


def hand_moves(armature: Any) -> float:
    """Metres between where the left hand begins and ends."""
    scene, action = bpy.context.scene, armature.animation_data.action
    hand = next(bone for bone in armature.pose.bones if bone.name.endswith("LeftHand"))
    places = []
    for frame in (action.frame_start, action.frame_end):
        scene.frame_set(int(frame))
        places.append(np.array(armature.matrix_world @ hand.head))
    return float(np.linalg.norm(places[1] - places[0]))


@pytest.mark.parametrize("method", ["CLOSED_FORM", pytest.param("SOLVER", marks=pytest.mark.slow)])
def test_the_character_here_gets_its_motion_by_itself(capture, until, drawn, settings_with_worker: Any, method: str) -> None:
    if method == "SOLVER":
        pytest.importorskip("scipy", reason="the solver runs in the worker's environment")
    scene, chosen = bpy.context.scene, settings_with_worker.solving
    chosen.method, chosen.fast, chosen.knows_height, chosen.height = method, True, True, 1.0
    end = capture()
    assert bpy.ops.ningyo.retarget() == {"FINISHED"}
    (job,) = solving()
    assert (job.is_queued, job.note["waits_for"]) == (True, "capture")
    asked = build_parser().parse_args(["retarget", *job.arguments, "--job", "folder"])
    assert (asked.closed_form, asked.fast) == (method == "CLOSED_FORM", method == "SOLVER")
    assert not bpy.ops.ningyo.retarget.poll()
    assert "Waiting for Capture" in drawn(motion_panels.NINGYO_PT_motion)
    (armature,) = (obj for obj in scene.objects if obj.type == "ARMATURE")
    end(first=3)
    until(lambda: not job.is_running, 120)
    assert job.note.get("shown"), (job.view, job.note, (job.folder / "log.txt").read_text("utf-8"))
    action = armature.animation_data.action
    assert (action.frame_start, action.frame_end) == (scene.frame_start + 3, scene.frame_start + FRAMES - 1), "read from the track"
    assert scene.render.fps / scene.render.fps_base == FPS, "nothing depended on the scene's rate, so it becomes the video's"
    assert scene.frame_end == action.frame_end
    assert hand_moves(armature) > 0.3
    assert jobs.JOBS[-1].arguments == plan_of(bpy.context).arguments("retarget"), "then the motion that pictures are rendered from"
    jobs.JOBS[-1].cancel()
    until(lambda: not any(one.is_running for one in jobs.JOBS))


def test_several_people_in_closed_form_come_one_after_another(capture, until, settings_with_worker: Any) -> None:
    scene, chosen = bpy.context.scene, settings_with_worker.solving
    chosen.method = "CLOSED_FORM"
    second = load_character("builtin:1").armature
    bpy.ops.ningyo.add_pair()
    chosen.others[0].armature = second
    end = capture()
    assert bpy.ops.ningyo.retarget() == {"FINISHED"}
    assert [len(job.note["retarget"]["people"]) for job in solving()] == [1, 1]
    end(people=2)
    until(lambda: all(job.note.get("shown") for job in solving()), 120)
    assert [motion.person for motion in settings_with_worker.motions] == [0, 1]
    assert settings_with_worker.motions[1].armature == second
    assert hand_moves(second) > 0.3
    assert scene.frame_end == max(motion.action.frame_end for motion in settings_with_worker.motions)
    jobs.JOBS[-1].cancel()
    until(lambda: not any(one.is_running for one in jobs.JOBS))


def test_a_track_that_is_being_made_anew_is_waited_for(capture, until, standing_track, settings_with_worker: Any) -> None:
    """That there is one of before does not count: it knows other people."""
    settings_with_worker.solving.method, settings_with_worker.person = "CLOSED_FORM", 1
    standing_track(plan_of(bpy.context).files.track)
    with pytest.raises(RuntimeError, match="no person 1"):
        bpy.ops.ningyo.retarget()
    end = capture()
    assert bpy.ops.ningyo.retarget() == {"FINISHED"}
    assert not bpy.data.actions
    end(people=2)
    (job,) = solving()
    until(lambda: not job.is_running)
    assert job.note.get("shown"), (job.view, job.note)
    jobs.JOBS[-1].cancel()
    until(lambda: not any(one.is_running for one in jobs.JOBS))


def test_what_is_wrong_then_stands_with_the_job(capture, until, drawn, settings_with_worker: Any) -> None:
    settings_with_worker.solving.method, settings_with_worker.person = "CLOSED_FORM", 4
    end = capture()
    assert bpy.ops.ningyo.retarget() == {"FINISHED"}
    (armature,) = (obj for obj in bpy.context.scene.objects if obj.type == "ARMATURE")
    end()
    (job,) = solving()
    until(lambda: not job.is_running)
    assert job.view.state == "failed"
    assert "person 4" in " ".join(drawn(panels.Jobs))
    # A character that was edited, or went, while it was waited for.
    settings_with_worker.person = 0
    end = capture()
    assert bpy.ops.ningyo.retarget() == {"FINISHED"}
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    end()
    job = solving()[-1]
    until(lambda: not job.is_running)
    said = " ".join(drawn(panels.Jobs))
    assert f"{armature.name} is in edit mode" in said
    assert "button(ningyo.put_on" in said
    bpy.ops.object.mode_set(mode="OBJECT")
    assert bpy.ops.ningyo.put_on(job=str(job.folder)) == {"FINISHED"}
    assert hand_moves(armature) > 0.3
    assert "in edit mode" not in " ".join(drawn(panels.Jobs))
    Path(job.note["retarget"]["track"]).unlink()
    with pytest.raises(RuntimeError, match="no pose track"):
        bpy.ops.ningyo.put_on(job=str(job.folder))
    job.remember(retarget={"people": [], "video_fps": 25.0})
    with pytest.raises(RuntimeError, match="another version of Ningyo"):
        bpy.ops.ningyo.put_on(job=str(job.folder))
    jobs.JOBS[-1].cancel()
    until(lambda: not any(one.is_running for one in jobs.JOBS))


def test_the_scene_in_the_window_counts_and_not_the_sequencers(capture, until, settings_with_worker: Any) -> None:
    """Since Blender 5.0 the sequencer may show another scene."""
    settings_with_worker.solving.method = "CLOSED_FORM"
    scene, other = bpy.context.scene, bpy.data.scenes.new("edit")
    if hasattr(bpy.context.workspace, "sequencer_scene"):
        bpy.context.workspace.sequencer_scene = other
        assert sequencer_scene(bpy.context) == other
    end = capture()
    assert bpy.ops.ningyo.retarget() == {"FINISHED"}
    end()
    (job,) = solving()
    until(lambda: not job.is_running)
    assert job.note.get("shown"), (job.view, job.note)
    assert scene.ningyo.motions[0].action is not None
    jobs.JOBS[-1].cancel()
    until(lambda: not any(one.is_running for one in jobs.JOBS))
