# SPDX-License-Identifier: GPL-3.0-or-later
"""BVH files, read back with Blender's own importer."""

from __future__ import annotations

import dataclasses
import math
import re

import numpy as np
import pytest
from ningyo.synth_data.retarget.bvh import euler_zxy, write_bvh
from ningyo.synth_data.retarget.kinematics import axis_angle_to_matrix, forward_kinematics
from ningyo.synth_data.retarget.motion import Motion


def wild_motion(rig, random_rotations, frames=14, fps=25.0) -> Motion:
    """All bones turned far, the hips right round and walking away."""
    rotation = random_rotations(frames, len(rig.bones), 1.5)
    root = rig.head("hips") + np.c_[np.linspace(0, 2, frames), np.linspace(0, -1, frames), 0.2 * np.sin(np.arange(frames))]
    zeros = np.zeros(frames)
    time = 3.0 + np.arange(frames) / fps
    return Motion(fps, rig.names, time, rotation, root, np.zeros((frames, 4)), zeros, zeros, rig.name)


@pytest.mark.parametrize(
    "kind",
    [
        {},
        {"rolls": True, "object_scale": 0.01, "object_rotation": True, "object_location": (0.5, 1.0, 0.0)},
        {"mirrored": True, "heading": 2.0},
        {"extra_bones": True, "bend": 0.4, "proportions": 0.2, "without": ("pinky",)},
    ],
    ids=["plain", "strange axes", "negative scale", "extra bones"],
)
def test_blender_reads_every_joint_where_the_motion_has_it(empty_blender, tmp_path, make_rig, random_rotations, kind):
    bpy, rig = empty_blender, make_rig(seed=3, **kind)
    motion = wild_motion(rig, random_rotations)
    if rig.names[0] == "Armature root":  # BVH's world begins at the hips; what is above them stays at rest in every motion
        rotation = motion.rotation.copy()
        rotation[:, 0] = (1, 0, 0, 0)
        motion = dataclasses.replace(motion, rotation=rotation)
    write_bvh(rig, motion, tmp_path / "motion.bvh")
    bpy.ops.import_anim.bvh(filepath=str(tmp_path / "motion.bvh"), global_scale=0.01, rotate_mode="NATIVE", update_scene_fps=True)
    armature = bpy.context.object
    scene = bpy.context.scene
    assert scene.render.fps / scene.render.fps_base == pytest.approx(25)
    heads, _ = forward_kinematics(rig, motion)
    with_roles = [i for i, bone in enumerate(rig.bones) if bone.role is not None]
    names = {bone.name for bone in armature.data.bones}
    assert {rig.names[i] for i in with_roles} <= names
    assert "twist.L" not in names  # beside the way to the hand, twist.R lies on it
    assert ("twist.R" in names) == ("twist.R" in rig.names)
    for frame in range(motion.frame_count):
        scene.frame_set(frame + 1)
        read = [armature.matrix_world @ armature.pose.bones[rig.names[i]].head for i in with_roles]
        np.testing.assert_allclose(read, heads[frame, with_roles], atol=5e-4)


def test_the_rest_pose_has_no_angles_and_the_file_is_whole(tmp_path, make_rig):
    rig = make_rig(rolls=True, object_scale=0.01, object_rotation=True)
    frames, bones = 3, len(rig.bones)
    zeros = np.zeros(frames)
    rest = np.tile((1.0, 0, 0, 0), (frames, bones, 1))
    root = np.tile(rig.head("hips"), (frames, 1))
    motion = Motion(24.0, rig.names, np.arange(frames) / 24, rest, root, np.zeros((frames, 4)), zeros, zeros)
    write_bvh(rig, motion, tmp_path / "rest.bvh")
    text = (tmp_path / "rest.bvh").read_text()
    head, rows = text.split("MOTION\n")
    assert head.count("{") == head.count("}")
    assert len(re.findall(r"ROOT|JOINT", head)) == bones
    assert rows.startswith("Frames: 3\nFrame Time: 0.041666667\n")
    values = np.array([row.split() for row in rows.splitlines()[2:]], float)
    assert values.shape == (3, 3 + 3 * bones)
    x, y, z = rig.head("hips")
    np.testing.assert_allclose(values[:, :3], np.tile([100 * x, 100 * z, -100 * y], (3, 1)), atol=1e-4)
    np.testing.assert_allclose(values[:, 3:], 0, atol=1e-4)
    assert [p.name for p in tmp_path.iterdir()] == ["rest.bvh"]


def test_white_space_in_names_does_not_end_them(tmp_path, make_rig):
    rig = make_rig(prefix="my rig:")
    zeros = np.zeros(1)
    motion = Motion(30.0, (), zeros, np.zeros((1, 0, 4)), np.zeros((1, 3)), np.zeros((1, 4)), zeros, zeros)
    write_bvh(rig, motion, tmp_path / "m.bvh")
    names = re.findall(r"(?:ROOT|JOINT) (.+)", (tmp_path / "m.bvh").read_text())
    assert names[0] == "my_rig:Hips"
    assert len(set(names)) == len(rig.bones)


def test_angles_do_not_jump_where_a_bone_turns_round_and_round_or_over_the_pole():
    t = np.linspace(0, 4 * math.pi, 200)
    about_y = axis_angle_to_matrix(np.tile((0.0, 1.0, 0.0), (200, 1)), t)
    over_the_pole = axis_angle_to_matrix(np.tile((math.sqrt(0.99), 0.1, 0.0), (200, 1)), t)
    angles = euler_zxy(np.stack([about_y, over_the_pole], 1))
    assert np.abs(np.diff(angles[:, 0], axis=0)).max() < 0.07
    assert angles[-1, 0, 2] == pytest.approx(4 * math.pi)
    z, x, y = np.moveaxis(angles, -1, 0)
    rz, rx, ry = (axis_angle_to_matrix(np.broadcast_to(np.eye(3)[k], (200, 2, 3)), angle) for k, angle in ((2, z), (0, x), (1, y)))
    np.testing.assert_allclose(rz @ rx @ ry, np.stack([about_y, over_the_pole], 1), atol=1e-9)
    assert np.abs(np.diff(angles[:, 1], axis=0)).max() < 0.9  # near the pole angles are fast, but none leaps by half a turn
