# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo retarget` and `ningyo motion` from end to end, on a track of a person made of numbers and the built-in character."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from ningyo.synth_data.pose.track import PoseTrack
from ningyo.synth_data.retarget.motion import Motion

FRAMES = 12
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
    done = ningyo("retarget", folder / "track.npz", "--rig", "builtin:2", "--out", folder / "motion.npz", "--json")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[-1]["state"] == "done"
    motion = Motion.load(folder / "motion.npz")
    assert motion.frame_count == FRAMES
    assert motion.source == {"track": "track.npz", "video": "v.mp4", "person": 0}

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
    ],
)
def test_one_sentence_and_no_output(folder, arguments, words):
    pytest.importorskip("bpy")
    before = sorted(p.name for p in folder.iterdir())
    places = [folder / a if a in (".",) or a.endswith((".npz", ".glb", ".json", ".blend")) else a for a in arguments]
    done = ningyo(*places)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(p.name for p in folder.iterdir()) == before
