# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo retarget` and `ningyo motion` from end to end, on a track of a person made of numbers and the built-in character."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from ningyo.__main__ import build_parser
from ningyo.errors import UserError
from ningyo.jobs.progress import SILENT
from ningyo.synth_data.pose.track import PoseTrack
from ningyo.synth_data.retarget.motion import Motion

FRAMES = 12
TRACK_ARRAYS = ("body_image", "body_world", "body_visibility", "hand_image", "hand_world", "hand_score", "face_image", "face_score")
BODY = {
    0: (0, 0.7, -0.1), 7: (0.07, 0.72, 0), 8: (-0.07, 0.72, 0), 11: (0.17, 0.5, 0), 12: (-0.17, 0.5, 0), 13: (0.25, 0.25, 0),
    14: (-0.25, 0.25, 0), 15: (0.25, 0.03, -0.1), 16: (-0.25, 0.03, -0.1), 23: (0.1, 0, 0), 24: (-0.1, 0, 0), 25: (0.1, -0.4, -0.02),
    26: (-0.1, -0.4, -0.02), 27: (0.1, -0.8, 0.02), 28: (-0.1, -0.8, 0.02), 29: (0.1, -0.87, 0.07), 30: (-0.1, -0.87, 0.07),
    31: (0.1, -0.89, -0.15), 32: (-0.1, -0.89, -0.15),
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a pose track and the rig of a built-in character."""
    folder = tmp_path_factory.mktemp("motion")
    video = {"name": "v.mp4", "path": "", "sha256": "", "width": 320, "height": 240, "fps": 24.0, "frame_count": FRAMES}
    track = PoseTrack.unseen(1, np.arange(FRAMES) / 24, np.arange(FRAMES), {**video, "duration": 0.5, "has_audio": False}, {})
    points = np.zeros((33, 3))
    for landmark, (x, up, away) in BODY.items():
        points[landmark] = (x, -up, away)
    track.body_world[0] = points
    track.body_image[0] = points * 60 + (160, 110, 0)
    track.body_visibility[0] = 1
    track.save(folder / "track.npz")
    return folder


def ningyo(*args):
    return subprocess.run(
        [sys.executable, "-m", "ningyo", *map(str, args)], capture_output=True, text=True, env={**os.environ, "PYTHONWARNINGS": "ignore"}
    )


def test_track_to_motion_to_joints_and_scene(folder):
    bpy = pytest.importorskip("bpy")
    done = ningyo("retarget", folder / "track.npz", "--rig", "builtin:2", "--closed-form", "--out", folder / "motion.npz", "--json")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[-1]["state"] == "done"
    motion = Motion.load(folder / "motion.npz")
    assert motion.frame_count == FRAMES
    assert motion.source == {"track": "track.npz", "video": "v.mp4", "person": 0}
    assert (events[-1]["frames"], events[-1]["method"]) == (FRAMES, "closed_form")

    done = ningyo("motion", "joints", folder / "motion.npz", "--rig", "builtin:2", "--out", folder / "joints.json")
    assert done.returncode == 0, done.stderr
    joints = json.loads((folder / "joints.json").read_text())
    assert joints["fps"] == 24
    assert len(joints["frames"]) == FRAMES
    frame = joints["frames"][3]
    assert len(frame) >= 65
    assert frame["mixamorig:Head"][2] > frame["mixamorig:Hips"][2] > frame["mixamorig:LeftFoot"][2] > 0
    assert frame["mixamorig:LeftHand"][0] > frame["mixamorig:RightHand"][0]

    done = ningyo("motion", "apply", folder / "motion.npz", "--rig", "builtin:2", "--out", folder / "scene.blend")
    assert done.returncode == 0, done.stderr
    bpy.ops.wm.open_mainfile(filepath=str(folder / "scene.blend"))
    scene = bpy.context.scene
    assert (scene.render.fps, scene.frame_start, scene.frame_end) == (24, 1, FRAMES)
    armature = next(obj for obj in bpy.data.objects if obj.type == "ARMATURE")
    scene.frame_set(4)
    posed = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    for name, place in frame.items():
        np.testing.assert_allclose(posed.matrix_world @ posed.pose.bones[name].head, place, atol=1e-4)
    assert sorted(p.name for p in folder.iterdir()) == ["joints.json", "motion.npz", "scene.blend", "track.npz"]


@pytest.fixture(scope="module")
def rig_file(folder, tmp_path_factory):
    """The rig of a built-in character as a file, which is read in no time."""
    pytest.importorskip("bpy")
    from ningyo.synth_data.characters.importing import rig_for

    path = tmp_path_factory.mktemp("rig") / "rig.json"
    rig_for("builtin:2").save(path)
    return path


@pytest.fixture(scope="module")
def solved(folder, rig_file, tmp_path_factory):
    """A motion in closed form."""
    path = tmp_path_factory.mktemp("solved") / "motion.npz"
    done = ningyo("retarget", folder / "track.npz", "--rig", rig_file, "--closed-form", "--out", path)
    assert done.returncode == 0, done.stderr
    return path


def test_the_estimate_and_the_residual_are_printed(folder, rig_file, tmp_path):
    done = ningyo("retarget", folder / "track.npz", "--rig", rig_file, "--closed-form", "--sensor-mm", "36", "--out", tmp_path / "m.npz")
    assert done.returncode == 1
    assert "--focal-mm" in done.stderr
    done = ningyo("retarget", folder / "track.npz", "--rig", rig_file, "--closed-form", "--out", tmp_path / "m.npz")
    assert "focal length" in done.stdout
    assert "guessed" in done.stdout
    assert "mean residual" in done.stdout


def test_the_solver_holds_what_is_known_and_says_what_it_found(folder, rig_file, tmp_path):
    pytest.importorskip("scipy")
    done = ningyo(
        "retarget", folder / "track.npz", "--rig", rig_file, "--fast", "--focal-mm", 45, "--sensor-mm", 36, "--camera-height", 1.2,
        "--out", tmp_path / "m.npz",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    motion = Motion.load(tmp_path / "m.npz")
    assert motion.method == "solver"
    assert motion.camera.focal_px == pytest.approx(45 / 36 * 320, abs=0.1)
    assert "45.0 mm on a sensor of 36 mm, 400 px (given)" in done.stdout
    assert "camera 1.20 m above the floor (given)" in done.stdout
    assert "(estimated)" in done.stdout


def test_two_people_come_into_one_folder(folder, rig_file, tmp_path):
    pytest.importorskip("scipy")
    track = PoseTrack.load(folder / "track.npz", person=None)
    arrays = {name: np.concatenate([getattr(track, name)] * 2) for name in TRACK_ARRAYS}
    arrays["body_image"][1, ..., 0] += 60
    both = PoseTrack.unseen(2, track.time, track.frame_index, track.video, {})
    for name, values in arrays.items():
        getattr(both, name)[:] = values
    both.save(tmp_path / "two.npz")
    out = tmp_path / "motions"
    done = ningyo("retarget", tmp_path / "two.npz", "--rig", rig_file, "--person", 0, "--person", 1, "--fast", "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    one, other = (Motion.load(out / f"person-{person}.npz") for person in (0, 1))
    np.testing.assert_allclose(one.camera.world_to_camera, other.camera.world_to_camera, atol=0.005)
    assert other.root_position[0, 0] - one.root_position[0, 0] > 0.5
    assert set(json.loads(done.stdout.splitlines()[-1])["people"]) == {"0", "1"}
    assert sorted(p.name for p in out.iterdir()) == ["person-0.npz", "person-1.npz"]


def test_controls_change_the_motion_that_is_made(folder, rig_file, solved, tmp_path):
    controls = ["--start", 0.125, "--end", 0.375, "--fps", 12, "--heading", 90, "--influence", "head=0.5", "--mirror", "--floor", 0.2]
    done = ningyo("retarget", folder / "track.npz", "--rig", rig_file, "--closed-form", "--out", tmp_path / "m.npz", *controls)
    assert done.returncode == 0, done.stderr
    motion = Motion.load(tmp_path / "m.npz")
    np.testing.assert_allclose(motion.time, np.arange(2, 5) / 12)
    assert motion.fps == 12
    assert motion.camera is None
    done = ningyo("motion", "edit", solved, "--rig", rig_file, "--out", tmp_path / "e.npz", *controls)
    assert done.returncode == 0, done.stderr
    again = Motion.load(tmp_path / "e.npz")
    np.testing.assert_array_equal(again.rotation, motion.rotation)
    np.testing.assert_array_equal(again.root_position, motion.root_position)


def test_motion_to_bvh_and_to_a_scene_of_two_from_a_frame_on(solved, rig_file, tmp_path):
    bpy = pytest.importorskip("bpy")
    done = ningyo("motion", "bvh", solved, "--rig", rig_file, "--out", tmp_path / "m.bvh")
    assert done.returncode == 0, done.stderr
    assert f"Frames: {FRAMES}" in (tmp_path / "m.bvh").read_text()
    assert "note" not in done.stderr
    done = ningyo("motion", "bvh", solved, "--rig", "builtin:3", "--out", tmp_path / "other.bvh")
    assert "made for builtin2 and is transferred to builtin3" in done.stderr

    done = ningyo("motion", "edit", solved, "--rig", rig_file, "--start", 0.25, "--out", tmp_path / "late.npz")
    assert done.returncode == 0, done.stderr
    done = ningyo(
        "motion", "apply", solved, tmp_path / "late.npz", "--rig", "builtin:2", "--start-frame", 101, "--out", tmp_path / "two.blend"
    )
    assert done.returncode == 0, done.stderr
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "two.blend"))
    armatures = [obj for obj in bpy.data.objects if obj.type == "ARMATURE"]
    spans = sorted(tuple(arm.animation_data.action.frame_range) for arm in armatures)
    assert spans == [(101, 100 + FRAMES), (107, 100 + FRAMES)]
    assert (bpy.context.scene.frame_start, bpy.context.scene.frame_end) == (101, 100 + FRAMES)


def test_motion_over_its_video(solved, rig_file, tmp_path):
    pytest.importorskip("cv2")
    pytest.importorskip("av")
    from ningyo.synth_data.video.read import probe
    from ningyo.synth_data.video.write import MovieWriter

    with MovieWriter(tmp_path / "v.mp4", 24, (320, 240)) as movie:
        for _ in range(FRAMES):
            movie.write(np.full((240, 320, 3), 90, np.uint8))
    done = ningyo("motion", "overlay", solved, "--rig", rig_file, "--video", tmp_path / "v.mp4", "--out", tmp_path / "o.mp4")
    assert done.returncode == 0, done.stderr
    assert probe(tmp_path / "o.mp4").frame_count == FRAMES


def test_a_clip_is_imported_and_put_on_a_character(solved, rig_file, tmp_path):
    pytest.importorskip("bpy")
    done = ningyo("motion", "bvh", solved, "--rig", rig_file, "--out", tmp_path / "walk.bvh")
    assert done.returncode == 0, done.stderr
    done = ningyo("motion", "--json", "import", tmp_path / "walk.bvh", "--out", tmp_path / "own.npz")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert (result["state"], result["frames"], result["fps"]) == ("done", FRAMES, 24.0)
    assert f"{FRAMES} frames, 0.5 s at 24 a second, on walk: " in done.stdout
    own = Motion.load(tmp_path / "own.npz")
    assert own.rig is not None
    assert (own.method, own.source, own.rig_name) == ("clip", {"clip": "walk.bvh"}, "walk")
    done = ningyo("motion", "import", tmp_path / "own.npz", "--rig", rig_file, "--out", tmp_path / "on.npz")
    assert done.returncode == 0, done.stderr
    moved, before = Motion.load(tmp_path / "on.npz"), Motion.load(solved)
    assert moved.rig_sha256 == before.rig_sha256
    np.testing.assert_allclose(moved.root_position, before.root_position, atol=0.02)
    done = ningyo("motion", "joints", tmp_path / "walk.bvh", "--rig", rig_file, "--out", tmp_path / "j.json")
    assert "is transferred to" in done.stderr
    frame = json.loads((tmp_path / "j.json").read_text())["frames"][0]
    np.testing.assert_allclose(frame["mixamorig:Hips"], before.root_position[0], atol=0.02)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["retarget", "missing.npz", "--rig", "builtin", "--out", "m.npz"], "no pose track"),
        (["retarget", "track.npz", "--rig", "nobody.glb", "--out", "m.npz"], "no file"),
        (["retarget", "track.npz", "--rig", "track.npz", "--out", "m.npz"], "not a character's file"),
        (["retarget", "track.npz", "--rig", "builtin", "--out", "m.npz", "--person", "4"], "no person 4"),
        (["retarget", "track.npz", "--rig", "builtin", "--out", "."], "is a folder"),
        (["motion", "joints", "track.npz", "--rig", "builtin", "--out", "j.json"], "not a"),
        (["motion", "apply", "missing.npz", "--rig", "builtin", "--out", "s.blend"], "cannot be read"),
        (["motion", "import", "missing.bvh", "--out", "m.npz"], "There is no file"),
        (["motion", "import", "track.npz", "--out", "m.npz"], "not a Ningyo motion"),
    ],
)
def test_one_sentence_and_no_output(folder, arguments, words):
    pytest.importorskip("bpy")
    before = sorted(p.name for p in folder.iterdir())
    places = [folder / a if a in (".",) or a.endswith((".npz", ".glb", ".json", ".blend", ".bvh")) else a for a in arguments]
    done = ningyo(*places)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(p.name for p in folder.iterdir()) == before


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--focal-mm", "-35"], "--focal-mm -35 is no lens"),
        (["--focal-mm", "nan"], "is no lens"),
        (["--camera-pitch", "95"], "too steep"),
        (["--camera-height", "0"], "no height"),
        (["--person-height", "17"], "nobody's"),
        (["--fps", "0"], "not possible"),
        (["--arm-spread", "100"], "between -90 and 90"),
        (["--smooth", "-1"], "no use"),
        (["--heading", "inf"], "finite"),
        (["--influence", "head=2"], "between 0 and 1"),
        (["--rig", "builtin:1"], "2 rigs for 1"),
        (["--person", "0", "--person", "1"], "name of a folder"),
        (["--person", "0", "--person", "main"], "named twice"),
        (["--person", "0", "--person", "1", "--out", "d", "--closed-form"], "closed form"),
        (["--closed-form", "--focal-mm", "35"], "guesses a level camera"),
        (["--closed-form", "--start", "9"], "No frame is left"),
        (["--influence", "tail=1"], "no part 'tail'"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_done(folder, rig_file, tmp_path, more, words):
    command = ["retarget", str(folder / "track.npz"), "--rig", str(rig_file), "--out", str(tmp_path / "m.npz"), *more]
    args = build_parser().parse_args(command)
    with pytest.raises(UserError, match=words):
        args.run(args, SILENT)
    assert not list(tmp_path.iterdir())
