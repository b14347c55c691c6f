# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from ningyo.errors import UserError
from ningyo.synth_data.retarget import kinematics as k
from ningyo.synth_data.retarget.motion import Motion


def motion_for(rig, rotation, root):
    frames = len(rotation)
    return Motion(
        fps=30.0,
        bones=rig.names,
        time=np.arange(frames) / 30,
        rotation=rotation,
        root_position=root,
        contact=np.zeros((frames, 4)),
        residual=np.zeros(frames),
        confidence=np.ones(frames),
        rig_name="test",
    )


def test_quaternions_and_matrices_agree():
    q = np.random.default_rng(0).normal(size=(500, 4))
    q[:4] = np.eye(4)  # half turns, where naive formulas divide by nothing
    q /= np.linalg.norm(q, axis=1, keepdims=True)
    p = np.roll(q, 1, axis=0)
    m = k.quaternion_to_matrix(q)
    np.testing.assert_allclose(np.linalg.det(m), 1)
    np.testing.assert_allclose(np.abs(np.sum(k.matrix_to_quaternion(m) * q, 1)), 1)
    np.testing.assert_allclose(k.quaternion_to_matrix(k.quaternion_multiply(p, q)), k.quaternion_to_matrix(p) @ m, atol=1e-12)
    np.testing.assert_allclose(k.quaternion_to_matrix(k.quaternion_conjugate(q)), np.swapaxes(m, 1, 2), atol=1e-12)
    np.testing.assert_allclose(k.rotation_vector_to_matrix(k.matrix_to_axis_angle(m)), m, atol=1e-9)


def test_swing_is_the_shortest_way():
    random = np.random.default_rng(1)
    a, b = k.unit(random.normal(size=(300, 3))), k.unit(random.normal(size=(300, 3)))
    b[0], b[1] = a[0], -a[1]
    m = k.swing(a, b)
    np.testing.assert_allclose(np.einsum("fij,fj->fi", m, a), b, atol=1e-9)
    angle = np.linalg.norm(k.matrix_to_axis_angle(m), axis=1)
    np.testing.assert_allclose(angle, np.arccos(np.clip(np.sum(a * b, 1), -1, 1)), atol=1e-6)


def test_continuous_never_takes_the_long_way():
    q = np.random.default_rng(2).normal(size=(50, 3, 4))
    q /= np.linalg.norm(q, axis=-1, keepdims=True)
    c = k.continuous(q)
    assert (np.sum(c[1:] * c[:-1], -1) >= 0).all()
    np.testing.assert_allclose(np.abs(np.sum(c * q, -1)), 1)


def test_at_rest_nothing_moves(make_rig):
    rig = make_rig(rolls=True, bend=0.6, object_scale=0.01, object_rotation=True, object_location=(1, 2, 3), extra_bones=True)
    rest = motion_for(rig, np.tile([1.0, 0, 0, 0], (2, len(rig.bones), 1)), np.tile(rig.head("hips"), (2, 1)))
    heads, rotations = k.forward_kinematics(rig, rest)
    np.testing.assert_allclose(heads, np.broadcast_to(rig.rest_heads, heads.shape), atol=1e-5)
    np.testing.assert_allclose(rotations, np.broadcast_to(rig.rest_rotations, rotations.shape), atol=1e-6)


def test_turns_and_own_rotations_are_two_views_of_one_pose(make_rig, random_rotations):
    rig = make_rig(rolls=True, bend=0.5, object_scale=0.01, object_rotation=True)
    q = random_rotations(3, len(rig.bones))
    _, rotations = k.forward_kinematics(rig, motion_for(rig, q, np.zeros((3, 3))))
    turns = rotations @ np.swapaxes(rig.rest_rotations, 1, 2)
    local, again = k.local_from_turns(rig, {bone.role: turns[:, b] for b, bone in enumerate(rig.bones)})
    np.testing.assert_allclose(again, turns, atol=1e-9)
    np.testing.assert_allclose(np.abs(np.sum(k.matrix_to_quaternion(local) * q, -1)), 1, atol=1e-5)


def test_another_rigs_motion_is_refused(make_rig):
    rig = make_rig()
    motion = motion_for(rig, np.tile([1.0, 0, 0, 0], (1, 65, 1)), np.zeros((1, 3)))
    with pytest.raises(UserError, match="does not have"):
        k.forward_kinematics(make_rig(prefix=""), motion)
    part = dataclasses.replace(motion, bones=motion.bones[:3], rotation=motion.rotation[:, :3])
    heads, _ = k.forward_kinematics(rig, part)
    assert heads.shape == (1, 65, 3)


@pytest.mark.parametrize("seed", range(3))
def test_blender_evaluates_the_same_pose(make_rig, make_armature, random_rotations, empty_blender, seed):
    from ningyo.synth_data.characters.importing import read_rig
    from ningyo.synth_data.retarget.apply import apply_motion

    bpy = empty_blender
    wanted = make_rig(
        seed=seed, rolls=True, bend=0.8, proportions=0.2, prefix=("mixamorig:", "", "mixamorig1:")[seed], object_scale=(0.01, 1, 2)[seed],
        object_rotation=True, object_location=(0.5, -1, 0.2), extra_bones=seed == 2,
    )  # fmt: skip
    armature = make_armature(bpy, wanted)
    rig = read_rig(armature)
    order = [wanted.names.index(name) for name in rig.names]
    assert sorted(order) == list(range(len(wanted.bones)))
    np.testing.assert_allclose(rig.rest_heads, wanted.rest_heads[order], atol=2e-6)
    frames = 6
    root = np.random.default_rng(seed).normal(size=(frames, 3))
    motion = motion_for(rig, random_rotations(frames, len(rig.bones), 2.5, seed), root)
    apply_motion(armature, motion, start_frame=11, scene_fps=30)
    heads, rotations = k.forward_kinematics(rig, motion)
    for frame in range(frames):
        bpy.context.scene.frame_set(11 + frame)
        evaluated = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        matrices = np.array([evaluated.matrix_world @ evaluated.pose.bones[name].matrix for name in rig.names])
        np.testing.assert_allclose(matrices[:, :3, 3], heads[frame], atol=1e-5)
        own = matrices[:, :3, :3] / np.linalg.norm(matrices[:, :3, :3], axis=1, keepdims=True)
        np.testing.assert_allclose(own, rotations[frame], atol=1e-4)
