# SPDX-License-Identifier: GPL-3.0-or-later
"""Truths: what is put on a rig comes out again, and a true motion scores as true."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from ningyo.synth_data.characters.importing import rig_for
from ningyo.synth_data.retarget.bvh import write_bvh
from ningyo.synth_data.retarget.kinematics import axis_angle_to_matrix, local_from_turns, rotation_vector_to_matrix
from ningyo.synth_data.retarget.motion import Camera
from ningyo.synth_data.retarget.root import soles
from truth.file import Truth
from truth.metrics import camera_pitch
from truth.performance import joints_of, on_rig, standing, travelling
from truth.scores import GROUPS, evaluate

FRAMES, FPS = 30, 30.0


@pytest.fixture
def truth(empty_blender) -> Truth:
    """The built-in character waving everything about, seen by a level camera from its left front."""
    rig = rig_for("builtin:1")
    random = np.random.default_rng(5)
    phase = np.arange(FRAMES)[:, None] * 0.2
    turns = {
        role: rotation_vector_to_matrix(0.5 * np.sin(phase + random.uniform(0, 6, 3)) * random.uniform(0.2, 1, 3))
        for role in rig.index_of_role
    }
    all_turns = local_from_turns(rig, turns)[1]
    root = rig.head("hips") + 0.1 * np.sin(phase + np.array([0.0, 2.0, 4.0]))
    look = np.array([[1.0, 0, 0, 0], [0, 0, -1.0, 1], [0, 1.0, 0, 4]])
    look[:, :3] = look[:, :3] @ axis_angle_to_matrix(np.array([0, 0, 1.0]), np.radians(-40))
    return Truth(
        rig=rig,
        rig_spec="builtin:1",
        clip="test",
        fps=FPS,
        yaw=40.0,
        time=np.arange(FRAMES) / FPS,
        joints=joints_of(rig, all_turns, root),
        turns=all_turns,
        root=root,
        contact=np.ones((FRAMES, 4), bool),
        camera=Camera(711.0, 512, 512, look),
    )


def test_the_true_motion_has_no_error(truth: Truth, tmp_path) -> None:
    truth.save(tmp_path / "truth.npz")
    again = Truth.load(tmp_path)
    figures = evaluate(again.motion(), again)
    for name in ("MPJPE", "PA", *GROUPS, "finger", "acc", "root", "root abs", "px"):
        assert figures[name] == pytest.approx(0, abs=2e-3), name
    assert figures["frames"] == FRAMES


def test_an_estimate_in_a_world_of_its_own_is_turned_by_its_camera_and_no_further(truth: Truth) -> None:
    motion = truth.motion()
    turned = axis_angle_to_matrix(np.array([0, 0, 1.0]), np.radians(75))
    away = np.array([3.0, -1.0, 0.0])
    rotations = turned @ truth.turns
    own = dataclasses.replace(truth, turns=rotations, root=truth.root @ turned.T + away).motion()
    view = truth.camera.world_to_camera.copy()
    view[:, :3] = view[:, :3] @ turned.T
    view[:, 3] -= view[:, :3] @ away
    seen = dataclasses.replace(own, camera=Camera(711.0, 512, 512, view))
    figures = evaluate(seen, truth)
    for name in ("MPJPE", "u.arm", "root", "root abs", "px"):
        assert figures[name] == pytest.approx(0, abs=2e-3), name
    # The same motion before the true camera: 75° off.
    figures = evaluate(dataclasses.replace(own, camera=motion.camera), truth)
    assert figures["foot"] == pytest.approx(75, abs=0.01)
    assert figures["PA"] == pytest.approx(0, abs=2e-3)


def test_frames_are_matched_by_time(truth: Truth) -> None:
    motion = truth.motion()
    late = {name: getattr(motion, name)[7:] for name in ("time", "rotation", "root_position", "contact", "residual", "confidence")}
    figures = evaluate(dataclasses.replace(motion, **late, expression=None), truth)
    assert figures["frames"] == FRAMES - 7
    assert figures["MPJPE"] == pytest.approx(0, abs=2e-3)


def test_a_clip_read_from_bvh_is_the_motion_that_was_written(truth: Truth, tmp_path) -> None:
    from truth.clips import read_clip

    write_bvh(truth.rig, truth.motion(), tmp_path / "clip.bvh")
    clip = read_clip(tmp_path / "clip.bvh", FPS, None)
    rig = rig_for("builtin:1")
    turns, root = on_rig(rig, clip)
    assert len(root) == FRAMES
    off = joints_of(rig, turns, root) - truth.joints
    # The file has its hips in the origin at rest, so its floor is where the lowest sole is.
    assert np.ptp(off.reshape(-1, 3), axis=0).max() < 2e-3
    assert np.abs(off[..., :2]).max() < 2e-3
    assert soles(rig, joints_of(rig, turns, root), turns)[..., 2].min() == pytest.approx(rig.floor, abs=1e-3)


def test_somebody_who_walks_on_the_spot_travels_as_fast_as_the_floor_goes_back(truth: Truth) -> None:
    rig = truth.rig
    turns = np.broadcast_to(np.eye(3), (FRAMES, len(rig.bones), 3, 3))
    belt = 1.3 * np.arange(FRAMES)[:, None] / FPS * -rig.facing
    root = travelling(rig, turns, rig.head("hips") + belt, FPS)
    np.testing.assert_allclose(root, np.broadcast_to(rig.head("hips"), root.shape), atol=1e-6)


def test_a_sole_stands_when_it_is_low_and_slow(truth: Truth) -> None:
    rig = truth.rig
    turns = np.broadcast_to(np.eye(3), (FRAMES, len(rig.bones), 3, 3))
    root = np.broadcast_to(rig.head("hips"), (FRAMES, 3)).copy()
    root[10:20, 2] += 0.1
    root[20:, 0] += 0.5 * np.arange(10) / FPS
    points = soles(rig, joints_of(rig, turns, root), turns)
    down = standing(points, rig.floor, FPS)
    assert down[:9].all()
    assert not down[10:].any()


@pytest.mark.parametrize(("yaw", "pitch"), [(0.0, 0.0), (60.0, 0.0), (-45.0, 15.0), (180.0, -8.0)])
def test_the_camera_looks_as_it_is_told_and_has_everything_in_its_picture(truth: Truth, yaw: float, pitch: float) -> None:
    pytest.importorskip("av", reason="movies are written on the worker")
    from truth.make import BORDER, SIZE, Shot, camera_for

    camera = camera_for(truth.rig, truth.joints, truth.root, Shot("", "builtin:1", Path("clip.bvh"), FPS, yaw, pitch=pitch))
    assert camera_pitch(camera.world_to_camera) == pytest.approx(pitch)
    forward = camera.world_to_camera[2, :3]
    wanted = axis_angle_to_matrix(np.array([0, 0, 1.0]), np.radians(yaw)) @ [0, 1.0, 0]
    assert np.degrees(np.arctan2(*(forward[:2] @ [[wanted[1], wanted[0]], [-wanted[0], wanted[1]]]))) == pytest.approx(0, abs=1e-6)
    assert np.linalg.det(camera.world_to_camera[:, :3]) == pytest.approx(1)
    pixels, depth = camera.project(truth.joints)
    assert depth.min() > 0
    assert pixels.min() >= BORDER - 1e-6
    assert pixels.max() <= SIZE - BORDER + 1e-6
