# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Blender is looked for first)
"""Results in the open scene: an Action on the character, strips in the sequencer, the character handed to the worker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from ningyo.addon import jobs, panels
from ningyo.addon.character import export_character, scene_armature
from ningyo.addon.properties import plan_of, statuses
from ningyo.addon.results import show_frames
from ningyo.sequencer.strips import find_images
from ningyo.synth_data.characters.importing import load_character
from ningyo.synth_data.dataset.png import decode_png, encode_png
from ningyo.synth_data.pose.track import PoseTrack

FPS, FRAMES = 25.0, 12
# Where a standing person's landmarks are: metres from the hips' middle, to the person's left, up, to the front.
LEFT_LANDMARKS = {
    11: (0.18, 0.5, 0.0),
    13: (0.25, 0.25, 0.0),
    15: (0.28, 0.0, 0.05),
    17: (0.29, -0.07, 0.05),
    19: (0.28, -0.09, 0.07),
    21: (0.26, -0.05, 0.08),
    23: (0.1, 0.0, 0.0),
    25: (0.1, -0.43, 0.02),
    27: (0.1, -0.84, -0.02),
    29: (0.1, -0.9, -0.06),
    31: (0.12, -0.9, 0.14),
    7: (0.07, 0.68, 0.02),
    9: (0.03, 0.63, 0.1),
    1: (0.02, 0.7, 0.1),
    2: (0.03, 0.7, 0.1),
    3: (0.04, 0.7, 0.09),
}
LANDMARKS = np.zeros((33, 3))
LANDMARKS[0] = (0.0, 0.67, 0.12)
for _index, _place in LEFT_LANDMARKS.items():
    LANDMARKS[_index] = _place
    LANDMARKS[_index + (3 if _index < 4 else 1)] = np.array(_place) * (-1, 1, 1)


def standing_track(path: Path, first: int = 0) -> None:
    """A person who faces the camera and lifts the left arm to the side; there from frame `first` on."""
    video = {
        "name": "dance.mp4",
        "path": str(path.with_name("dance.mp4")),
        "sha256": "",
        "width": 640,
        "height": 480,
        "fps": FPS,
        "frame_count": FRAMES,
        "duration": FRAMES / FPS,
        "has_audio": False,
    }
    track = PoseTrack.unseen(1, np.arange(FRAMES) / FPS, np.arange(FRAMES), video, {})
    # Facing the camera, the person's left is the picture's right; y down; z away from the camera.
    places = np.repeat(LANDMARKS[None], FRAMES, 0)
    for frame, angle in enumerate(np.linspace(0, 1.5, FRAMES)):
        turn = np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
        arm = [13, 15, 17, 19, 21]
        places[frame, arm] = (places[frame, arm] - LANDMARKS[11]) @ turn + LANDMARKS[11]
    world = places * np.array((1, -1, -1))
    seen = world + np.array((0, 0, 4))
    image = np.stack([320 + 500 * seen[..., 0] / seen[..., 2], 240 + 500 * seen[..., 1] / seen[..., 2], world[..., 2] * 125], -1)
    track.body_world[0], track.body_image[0], track.body_visibility[0] = world, image, 1.0
    track.body_image[0, :first] = track.body_world[0, :first] = np.nan
    path.parent.mkdir(parents=True, exist_ok=True)
    track.save(path)


def animation_of(armature: Any) -> tuple[Any, float]:
    """The Action, and how much the armature's left hand moves in it, metres."""
    scene = bpy.context.scene
    hand = next(bone for bone in armature.pose.bones if bone.name.endswith("LeftHand"))
    places = []
    for frame in range(scene.frame_start, scene.frame_start + FRAMES):
        scene.frame_set(frame)
        places.append(np.array(armature.matrix_world @ hand.head))
    return armature.animation_data.action, float(np.ptp(places, axis=0).max())


@pytest.fixture
def settings(addon: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A scene's settings with a video chosen, and no worker: this is about Blender alone."""
    monkeypatch.delenv("NINGYO_WORKER")
    monkeypatch.setattr("ningyo.addon.worker.find_interpreter", lambda folders: None)
    video = tmp_path / "dance.mp4"
    video.touch()
    chosen = bpy.context.scene.ningyo
    chosen.video = str(video)
    return chosen


def test_retargeting_loads_the_character_and_gives_it_an_action(settings: Any) -> None:
    plan = plan_of(bpy.context)
    assert not bpy.ops.ningyo.retarget.poll()
    standing_track(plan.files.track)
    assert bpy.ops.ningyo.retarget.poll()
    assert bpy.ops.ningyo.retarget() == {"FINISHED"}
    scene = bpy.context.scene
    assert scene.render.fps / scene.render.fps_base == FPS, "nothing depended on the scene's rate, so it becomes the video's"
    (armature,) = (obj for obj in scene.objects if obj.type == "ARMATURE")
    action, moved = animation_of(armature)
    assert action.name.startswith("dance")
    assert (action.frame_start, action.frame_end) == (scene.frame_start, scene.frame_start + FRAMES - 1)
    assert moved > 0.3
    assert scene.frame_end == action.frame_end
    # Again: the same character, a new Action, and this time the scene's rate stays.
    scene.render.fps = 50
    assert bpy.ops.ningyo.retarget() == {"FINISHED"}
    assert [obj for obj in scene.objects if obj.type == "ARMATURE"] == [armature]
    again = armature.animation_data.action
    assert again != action
    assert again.frame_end - again.frame_start == pytest.approx(2 * (FRAMES - 1), abs=1)
    assert scene.render.fps == 50


def test_a_blender_without_numpy_leaves_retargeting_to_the_worker(
    scripted_worker, until, settings_with_worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted_worker("""
job = WorkerJob(folder, "retarget", [])
job.sink({"time": 0, "type": "result", "state": "done"})
job.close()
""")
    standing_track(plan_of(bpy.context).files.track)
    with monkeypatch.context() as patch:
        patch.setattr("importlib.util.find_spec", lambda name: None)
        assert bpy.ops.ningyo.retarget() == {"FINISHED"}
    until(lambda: not jobs.JOBS[-1].is_running)
    assert jobs.JOBS[-1].verb == "retarget"
    assert not bpy.data.actions


def test_who_comes_later_moves_later(settings: Any) -> None:
    standing_track(plan_of(bpy.context).files.track, first=3)
    assert bpy.ops.ningyo.retarget() == {"FINISHED"}
    scene = bpy.context.scene
    (armature,) = (obj for obj in scene.objects if obj.type == "ARMATURE")
    action, _ = animation_of(armature)
    assert (action.frame_start, action.frame_end) == (scene.frame_start + 3, scene.frame_start + FRAMES - 1)


def test_retargeting_says_what_is_wrong(settings: Any, tmp_path: Path) -> None:
    track = plan_of(bpy.context).files.track
    track.parent.mkdir(parents=True)
    track.write_text("not a track")
    with pytest.raises(RuntimeError, match="not a pose track"):
        bpy.ops.ningyo.retarget()
    standing_track(track)
    settings.person = 5
    with pytest.raises(RuntimeError, match="5"):
        bpy.ops.ningyo.retarget()
    settings.person, settings.character = 0, "ARMATURE"
    settings.armature = bpy.data.objects.new("box", bpy.data.armatures.new("box"))
    standing_track(plan_of(bpy.context).files.track)
    with pytest.raises(RuntimeError, match="another scene"):
        bpy.ops.ningyo.retarget()
    bpy.context.scene.collection.objects.link(settings.armature)
    with pytest.raises(RuntimeError, match="box"):
        bpy.ops.ningyo.retarget()


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
    asked = {"scene": scene.name, "blend": "", "video": str(tmp_path / "gone.mp4")}
    job = jobs.start_job(Path("python"), "generate", [], out, **asked)
    elsewhere = jobs.start_job(Path("python"), "generate", [], out, **{**asked, "blend": "/another.blend"})
    for started in (job, elsewhere):
        (started.folder / "end").touch()
    until(lambda: not job.is_running and not elsewhere.is_running)
    (strip,) = find_images(scene, out / "frames")
    assert len(strip.elements) == 6
    assert (scene.render.fps, scene.frame_end) == (30, 6), "nothing was in the scene that depends on its rate and range"
    assert job.note["shown"]
    assert not elsewhere.note.get("shown"), "a job of another file is shown by its button, not by itself"
    assert jobs.Job.open(job.folder).note["shown"], "it would be added again after a restart"


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


@pytest.fixture
def settings_with_worker(addon: Any, tmp_path: Path) -> Any:
    video = tmp_path / "dance.mp4"
    video.touch()
    bpy.context.scene.ningyo.video = str(video)
    return bpy.context.scene.ningyo


def test_panels_say_what_is_missing(settings: Any, drawn) -> None:
    texts = " ".join(drawn(panels.Main))
    assert "choose it in the preferences" in texts
    assert "button(ningyo.run" in texts
    texts = drawn(panels.Stages)
    assert "Set the worker first" in texts
    assert texts[texts.index("Strips") + 1] == "Generate first"
    frames_at(plan_of(bpy.context).files.frames)
    texts = drawn(panels.Stages)
    assert texts[texts.index("Strips") + 1] == "to do"
    Path(settings.video).unlink()
    assert bpy.ops.ningyo.add_strips() == {"FINISHED"}, "frames are shown without their movie too"
    texts = drawn(panels.Stages)
    assert texts[texts.index("Strips") + 1] == "in the sequencer"
    for character in ("FILE", "ARMATURE"):
        settings.character = character
        drawn(panels.Main)
    drawn(panels.Details)
    assert not panels.Jobs.poll(bpy.context)
