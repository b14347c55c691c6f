# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Blender is looked for first)
"""Retargeting in the open scene: in closed form and on the worker, controls without solving again, several people, other Actions kept."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from ningyo.__main__ import build_parser
from ningyo.addon import jobs, motion_panels, panels
from ningyo.addon.apply import longer_side
from ningyo.addon.motions import shown_motion
from ningyo.addon.properties import plan_of, statuses
from ningyo.synth_data.characters.importing import load_character
from ningyo.synth_data.retarget.motion import Motion

FPS, FRAMES = 25.0, 12  # of `standing_track`


def animation_of(armature: Any) -> tuple[Any, float]:
    """The Action, and how much the armature's left hand moves in it, metres."""
    scene = bpy.context.scene
    hand = next(bone for bone in armature.pose.bones if bone.name.endswith("LeftHand"))
    places = []
    for frame in range(scene.frame_start, scene.frame_start + FRAMES):
        scene.frame_set(frame)
        places.append(np.array(armature.matrix_world @ hand.head))
    return armature.animation_data.action, float(np.ptp(places, axis=0).max())


def test_retargeting_loads_the_character_and_gives_it_an_action(standing_track, closed_form: Any) -> None:
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
    standing_track, scripted_worker, until, settings_with_worker: Any, monkeypatch: pytest.MonkeyPatch
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


def test_who_comes_later_moves_later(standing_track, closed_form: Any) -> None:
    standing_track(plan_of(bpy.context).files.track, first=3)
    assert bpy.ops.ningyo.retarget() == {"FINISHED"}
    scene = bpy.context.scene
    (armature,) = (obj for obj in scene.objects if obj.type == "ARMATURE")
    action, _ = animation_of(armature)
    assert (action.frame_start, action.frame_end) == (scene.frame_start + 3, scene.frame_start + FRAMES - 1)


def test_retargeting_says_what_is_wrong(standing_track, closed_form: Any, tmp_path: Path) -> None:
    track = plan_of(bpy.context).files.track
    track.parent.mkdir(parents=True)
    track.write_text("not a track")
    with pytest.raises(RuntimeError, match="not a pose track"):
        bpy.ops.ningyo.retarget()
    standing_track(track)
    closed_form.person = 5
    with pytest.raises(RuntimeError, match="5"):
        bpy.ops.ningyo.retarget()
    closed_form.person, closed_form.character = 0, "ARMATURE"
    closed_form.armature = bpy.data.objects.new("box", bpy.data.armatures.new("box"))
    standing_track(plan_of(bpy.context).files.track)
    with pytest.raises(RuntimeError, match="another scene"):
        bpy.ops.ningyo.retarget()
    bpy.context.scene.collection.objects.link(closed_form.armature)
    with pytest.raises(RuntimeError, match="box"):
        bpy.ops.ningyo.retarget()


SOLVES = """
import argparse, json
from ningyo.synth_data.pose.track import PoseTrack
from ningyo.synth_data.retarget.closed_form import retarget
from ningyo.synth_data.retarget.rig import Rig
parser = argparse.ArgumentParser()
parser.add_argument("track")
parser.add_argument("--rig")
parser.add_argument("--person", type=int)
parser.add_argument("--out", type=Path)
asked, _ = parser.parse_known_args(json.loads((folder / "job.json").read_text("utf-8"))["arguments"])
job = WorkerJob(folder, "retarget", [])
report = Reporter(job.sink, job.is_cancelled)
report.progress(1, 40, "frames")
if asked.rig.endswith(".json"):
    wait_for("end")
    from dataclasses import replace
    motion = retarget(PoseTrack.load(asked.track, person=asked.person), Rig.load(asked.rig), person=asked.person)
    known = {"focal_px": 640.0, "camera_height": 1.5, "camera_pitch": 4.0, "given": ["camera_height"]}
    replace(motion, estimate=known).save(asked.out)
report.emit("result", state="done")
job.close()
"""


def test_the_solvers_motion_is_put_on_by_itself(standing_track, scripted_worker, until, drawn, settings_with_worker: Any) -> None:
    """And what it found of the filming is said; then the worker prepares the motion that pictures are rendered from."""
    scripted_worker(SOLVES)
    scene, solving = bpy.context.scene, settings_with_worker.solving
    standing_track(plan_of(bpy.context).files.track)
    solving.fast, solving.knows_height, solving.height = True, True, 1.5
    assert bpy.ops.ningyo.retarget() == {"FINISHED"}
    job = jobs.JOBS[-1]
    asked = build_parser().parse_args(["retarget", *job.arguments, "--job", "folder"])
    assert (asked.fast, asked.closed_form, asked.person, asked.camera_height) == (True, False, [0], 1.5)
    assert (asked.focal_mm, asked.sensor_mm, asked.camera_pitch, asked.person_height) == (None,) * 4
    assert not bpy.data.actions
    until(lambda: bool(job.view.progress))
    assert statuses(plan_of(bpy.context))["retarget"].kind == "running"
    assert "progress(1 of 40 frames" in drawn(panels.Jobs)
    (job.folder / "end").touch()
    until(lambda: not job.is_running)
    assert job.note["shown"], job.note
    shown = shown_motion(bpy.context)
    action, moved = animation_of(shown.armature)
    assert shown.action == action
    assert moved > 0.3
    assert (scene.render.fps, scene.frame_end) == (FPS, FRAMES), "nothing depended on the scene's rate and range"
    said = " ".join(drawn(motion_panels.NINGYO_PT_motion))
    assert "Focal Length 36.0 mm, estimated" in said
    assert "Camera Height 1.50 m, given" in said
    assert "Camera Pitch 4.0°, estimated" in said
    assert jobs.JOBS[-1].arguments == plan_of(bpy.context).arguments("retarget"), "the worker's own motion, for rendering"
    until(lambda: not any(one.is_running for one in jobs.JOBS))
    assert len(jobs.JOBS) == 2


@pytest.mark.slow
def test_two_people_by_the_real_solver(standing_track, until, settings_with_worker: Any) -> None:
    """The real command line in a real process: two armatures move, as far apart as the people are seen to be."""
    pytest.importorskip("scipy", reason="the solver runs in the worker's environment")
    second = load_character("builtin:1").armature
    solving = settings_with_worker.solving
    bpy.ops.ningyo.add_pair()
    solving.others[0].armature = second
    standing_track(plan_of(bpy.context).files.track, people=2)
    solving.fast, solving.knows_focal, solving.knows_height, solving.knows_pitch, solving.knows_person = (True,) * 5
    solving.focal, solving.sensor, solving.height, solving.pitch = 28.125, 36.0, 1.0, math.radians(1)
    assert bpy.ops.ningyo.retarget() == {"FINISHED"}
    job = jobs.JOBS[-1]
    until(lambda: not job.is_running, 120)
    assert job.note.get("shown"), (job.view, job.note, (job.folder / "log.txt").read_text("utf-8"))
    motions = settings_with_worker.motions
    assert [motion.person for motion in motions] == [0, 1]
    first = motions[0].armature
    assert animation_of(second)[1] > 0.3
    assert animation_of(first)[1] > 0.3
    assert hand_at(second, 3)[0] - hand_at(first, 3)[0] == pytest.approx(0.5, abs=0.2)
    assert "given" in motions[0].said
    jobs.JOBS[-1].cancel()  # the worker's own motion, for rendering
    until(lambda: not any(one.is_running for one in jobs.JOBS))


def test_a_motion_for_another_file_waits_for_its_button(standing_track, scripted_worker, until, drawn, settings_with_worker: Any) -> None:
    scripted_worker(SOLVES)
    standing_track(plan_of(bpy.context).files.track)
    assert bpy.ops.ningyo.retarget() == {"FINISHED"}
    job = jobs.JOBS[-1]
    job.remember(blend="/another.blend")
    (job.folder / "end").touch()
    until(lambda: not job.is_running)
    assert not bpy.data.actions
    assert "button(ningyo.put_on" in drawn(panels.Jobs)
    settings_with_worker.solving.method = "CLOSED_FORM"  # the button knows what was asked for then
    (armature,) = (obj for obj in bpy.context.scene.objects if obj.type == "ARMATURE")
    armature.name = "somebody else"
    with pytest.raises(RuntimeError, match="no armature Ningyo 0 in this scene any more"):
        bpy.ops.ningyo.put_on(job=str(job.folder))
    armature.name = "Ningyo 0"
    assert bpy.ops.ningyo.put_on(job=str(job.folder)) == {"FINISHED"}
    assert armature.animation_data.action == shown_motion(bpy.context).action
    assert "button(ningyo.put_on" not in drawn(panels.Jobs)
    with pytest.raises(RuntimeError, match="not known any more"):
        bpy.ops.ningyo.put_on(job="nowhere")


def test_the_solver_needs_a_worker(standing_track, settings: Any) -> None:
    standing_track(plan_of(bpy.context).files.track)
    assert settings.solving.method == "SOLVER"
    assert not bpy.ops.ningyo.retarget.poll()
    settings.solving.method = "CLOSED_FORM"
    assert bpy.ops.ningyo.retarget.poll()


@pytest.fixture
def on_the_character(standing_track, closed_form: Any) -> Any:
    """What the scene remembers of a motion in closed form on the built-in character, at the scene's 25 frames a second."""
    standing_track(plan_of(bpy.context).files.track)
    assert bpy.ops.ningyo.retarget() == {"FINISHED"}
    shown = shown_motion(bpy.context)
    assert shown is not None
    return shown


def hand_at(armature: Any, frame: int, side: str = "Left") -> np.ndarray:
    bpy.context.scene.frame_set(frame)
    return np.array(armature.matrix_world @ next(bone for bone in armature.pose.bones if bone.name.endswith(f"{side}Hand")).head)


def test_controls_change_the_action_without_solving_again(on_the_character: Any) -> None:
    shown, armature = on_the_character, on_the_character.armature
    solved, name = shown.path.read_bytes(), shown.action.name
    up = hand_at(armature, FRAMES)[2]
    assert hand_at(armature, 1)[2] < up - 0.3
    shown.mirror = True
    assert bpy.ops.ningyo.apply() == {"FINISHED"}
    assert hand_at(armature, FRAMES, "Right")[2] == pytest.approx(up, abs=0.02)
    assert hand_at(armature, FRAMES)[2] < up - 0.3
    shown.mirror, shown.left_arm, shown.trims, shown.start = False, 0.0, True, 4 / FPS
    shown.has_start_frame, shown.start_frame = True, 101
    assert bpy.ops.ningyo.apply() == {"FINISHED"}
    assert (shown.action.frame_start, shown.action.frame_end) == (101, 101 + FRAMES - 5)
    assert hand_at(armature, 101) == pytest.approx(hand_at(armature, 101 + FRAMES - 5), abs=0.02), "the arm takes no part"
    shown.has_start_frame = False
    assert bpy.ops.ningyo.apply() == {"FINISHED"}
    assert shown.action.frame_start == bpy.context.scene.frame_start + 4, "in time with the video"
    assert shown.path.read_bytes() == solved
    assert [action.name for action in bpy.data.actions] == [name], "one Action, made anew"
    assert armature.animation_data.action == shown.action
    shown.start, shown.end = 50.0, 60.0
    with pytest.raises(RuntimeError, match="No frame is left"):
        bpy.ops.ningyo.apply()


def test_only_the_addons_own_action_is_replaced(on_the_character: Any) -> None:
    shown, data = on_the_character, on_the_character.armature.animation_data
    first = shown.action
    track = data.nla_tracks.new()
    strip = track.strips.new("mine", 1, first)
    mine = first.copy()
    mine.name = "by hand"
    data.action = mine
    keys = curve_values(mine)
    shown.heading = math.radians(90)
    assert bpy.ops.ningyo.apply() == {"FINISHED"}
    assert data.action == shown.action == strip.action, "strips follow"
    assert curve_values(mine) == keys
    assert mine.use_fake_user, "it is not lost on saving"
    before = shown.action
    assert bpy.ops.ningyo.retarget() == {"FINISHED"}
    assert shown.action != before, "solved anew, a new Action beside the old one"
    assert {mine.name, before.name, shown.action.name} <= set(bpy.data.actions.keys())
    assert curve_values(shown.action) == curve_values(before), "with the same controls"


def test_expressions_are_replaced_along_with_the_pose(on_the_character: Any) -> None:
    shown = on_the_character
    before = {action.name for action in bpy.data.actions}
    motion = Motion.load(shown.path)
    smile = np.linspace(0, 1, FRAMES)[:, None]
    dataclasses.replace(motion, expressions=("jawOpen",), expression=smile).save(shown.path)
    assert bpy.ops.ningyo.apply() == {"FINISHED"}
    (face,) = shown.faces
    assert face.keys.animation_data.action == face.action
    name = face.action.name
    assert max(curve_values(face.action)) == pytest.approx(1)
    shown.face = 0.5
    assert bpy.ops.ningyo.apply() == {"FINISHED"}
    (face,) = shown.faces
    assert face.keys.animation_data.action == face.action
    assert max(curve_values(face.action)) == pytest.approx(0.5)
    assert shown.keys == len(curve_values(shown.action)) + len(curve_values(face.action))
    assert {action.name for action in bpy.data.actions} == before | {name}


def curve_values(action: Any) -> list[float]:
    curves = action.fcurves if hasattr(action, "fcurves") else action.layers[0].strips[0].channelbags[0].fcurves
    return [point.co[1] for curve in curves for point in curve.keyframe_points]


def test_a_motion_goes_along_with_its_armature(on_the_character: Any) -> None:
    """The character was put somewhere else in the scene: controls do not bring it back."""
    armature = on_the_character.armature
    place = hand_at(armature, 5)
    armature.location.x += 2.0
    armature.rotation_euler.z += math.radians(90)
    bpy.context.view_layer.update()
    moved = hand_at(armature, 5)
    assert bpy.ops.ningyo.apply() == {"FINISHED"}
    assert hand_at(armature, 5) == pytest.approx(moved, abs=1e-4)
    assert np.linalg.norm(moved - place) > 1


def test_what_hinders_the_controls_is_said(on_the_character: Any) -> None:
    shown, armature = on_the_character, on_the_character.armature
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    armature.data.edit_bones[3].length *= 2
    armature.data.edit_bones[3].tail.x += 0.2
    bpy.ops.object.mode_set(mode="OBJECT")
    with pytest.raises(RuntimeError, match="retarget again"):
        bpy.ops.ningyo.apply()
    shown.path.unlink()
    with pytest.raises(RuntimeError, match="not there any more"):
        bpy.ops.ningyo.apply()
    bpy.data.objects.remove(armature)
    assert not bpy.ops.ningyo.apply.poll()


def test_linked_armatures_are_refused_and_overrides_are_not(standing_track, closed_form: Any, tmp_path: Path) -> None:
    armature = load_character("builtin:1").armature
    objects = {armature, *(obj for obj in bpy.context.scene.objects if obj.type == "MESH")}
    bpy.data.libraries.write(str(tmp_path / "library.blend"), objects)
    name = armature.name
    for obj in objects:
        bpy.data.objects.remove(obj)
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_held, wanted):
        wanted.objects = [name]
    linked = bpy.data.objects[name]
    bpy.context.scene.collection.objects.link(linked)
    closed_form.character, closed_form.armature = "ARMATURE", linked
    standing_track(plan_of(bpy.context).files.track)
    with pytest.raises(RuntimeError, match="linked from another file"):
        bpy.ops.ningyo.retarget()
    override = linked.override_create(remap_local_usages=True)
    closed_form.armature = override
    standing_track(plan_of(bpy.context).files.track)
    override.override_library.is_system_override = True
    with pytest.raises(RuntimeError, match="make it editable"):
        bpy.ops.ningyo.retarget()
    override.override_library.is_system_override = False
    assert bpy.ops.ningyo.retarget() == {"FINISHED"}
    assert override.animation_data.action == shown_motion(bpy.context).action
    shown_motion(bpy.context).smooth = 0.2
    assert bpy.ops.ningyo.apply() == {"FINISHED"}


def test_several_people_at_once(standing_track, closed_form: Any, drawn) -> None:
    second = load_character("builtin:1").armature
    solving = closed_form.solving
    assert not bpy.ops.ningyo.remove_pair.poll()
    assert bpy.ops.ningyo.add_pair() == {"FINISHED"}
    (other,) = solving.others
    assert other.person == 1, "somebody who is not taken"
    standing_track(plan_of(bpy.context).files.track, people=2)
    with pytest.raises(RuntimeError, match="Choose the armature that takes person 1's place"):
        bpy.ops.ningyo.retarget()
    other.armature = second
    assert "line(1" in drawn(motion_panels.NINGYO_PT_others)
    assert bpy.ops.ningyo.retarget() == {"FINISHED"}
    motions = closed_form.motions
    assert [motion.person for motion in motions] == [0, 1]
    assert motions[1].armature == second
    assert motions[0].action != motions[1].action
    # The controls are those of the character that is active, by its mesh too.
    for obj in (second, next(obj for obj in bpy.context.scene.objects if obj.find_armature() == second)):
        bpy.context.view_layer.objects.active = obj
        assert shown_motion(bpy.context).armature == second
    motions[1].floor, motions[1].has_floor = 1.0, True
    low = hand_at(second, 3)[2]
    kept = curve_values(motions[0].action)
    assert bpy.ops.ningyo.apply() == {"FINISHED"}
    assert hand_at(second, 3)[2] == pytest.approx(low + 1, abs=0.1)
    assert curve_values(motions[0].action) == kept
    other.person = 0
    with pytest.raises(RuntimeError, match="Person 0 is in the list twice"):
        bpy.ops.ningyo.retarget()
    other.person, other.armature = 1, motions[0].armature
    with pytest.raises(RuntimeError, match="two people's places"):
        bpy.ops.ningyo.retarget()
    assert bpy.ops.ningyo.remove_pair() == {"FINISHED"}
    assert not solving.others


def test_a_bvh_file_of_what_is_shown(on_the_character: Any, tmp_path: Path) -> None:
    on_the_character.has_rate, on_the_character.rate = True, 50.0
    path = tmp_path / "dance.bvh"
    assert bpy.ops.ningyo.export_bvh(filepath=str(path)) == {"FINISHED"}
    lines = path.read_text("ascii").splitlines()
    assert lines[0] == "HIERARCHY"
    assert f"Frames: {2 * FRAMES - 1}" in lines
    with pytest.raises(RuntimeError, match="choose another place"):
        bpy.ops.ningyo.export_bvh(filepath=str(path / "under a file.bvh"))


def test_doubtful_frames_are_listed_and_shown(on_the_character: Any, drawn) -> None:
    shown = on_the_character
    assert not motion_panels.NINGYO_PT_doubtful.poll(bpy.context)
    motion = Motion.load(shown.path)
    motion.confidence[:] = 1.0
    motion.confidence[[1, 3, 10]] = 0.1
    motion.save(shown.path)
    assert bpy.ops.ningyo.apply() == {"FINISHED"}
    assert [(span.first, span.last) for span in shown.doubtful] == [(2, 4), (11, 11)], "what is near is one"
    assert motion_panels.NINGYO_PT_doubtful.poll(bpy.context)
    texts = drawn(motion_panels.NINGYO_PT_doubtful)
    assert {"2 to 4", "11"} <= set(texts)
    assert texts.count("button(ningyo.jump") == 2
    assert bpy.ops.ningyo.jump(frame=9) == {"FINISHED"}
    assert bpy.context.scene.frame_current == 9


def test_the_lens_of_the_scenes_camera(closed_form: Any) -> None:
    scene, solving = bpy.context.scene, closed_form.solving
    assert not bpy.ops.ningyo.lens_from_camera.poll()
    scene.camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    lens = scene.camera.data
    lens.lens, lens.sensor_width, lens.sensor_height = 28.0, 32.0, 20.0
    scene.render.resolution_x, scene.render.resolution_y = 1920, 1080
    assert bpy.ops.ningyo.lens_from_camera() == {"FINISHED"}
    assert (solving.knows_focal, solving.focal, solving.sensor) == (True, 28.0, 32.0)
    for lens.sensor_fit in ("AUTO", "HORIZONTAL", "VERTICAL"):
        for scene.render.resolution_x, scene.render.resolution_y in ((1920, 1080), (1080, 1920)):
            corners = np.array(lens.view_frame(scene=scene))  # what Blender itself sees
            seen = np.ptp(corners, axis=0).max() / -corners[0, 2]
            assert longer_side(scene) / lens.lens == pytest.approx(seen, rel=1e-4), lens.sensor_fit
    lens.type = "ORTHO"
    assert not bpy.ops.ningyo.lens_from_camera.poll()


def test_motion_panels_in_all_states(on_the_character: Any, drawn) -> None:
    panels_of_motion = [cls for cls in motion_panels.CLASSES if issubclass(cls, bpy.types.Panel)]
    for method in ("SOLVER", "CLOSED_FORM"):
        bpy.context.scene.ningyo.solving.method = method
        for panel in panels_of_motion:
            drawn(panel)
    on_the_character.armature = None
    assert any("Retarget first" in text for text in drawn(motion_panels.NINGYO_PT_controls))
