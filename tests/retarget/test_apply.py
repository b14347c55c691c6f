# SPDX-License-Identifier: GPL-3.0-or-later
"""A motion written onto an armature, evaluated by Blender itself."""

from __future__ import annotations

import numpy as np
import pytest
from ningyo.errors import UserError
from ningyo.synth_data.retarget.kinematics import forward_kinematics
from ningyo.synth_data.retarget.motion import Motion

MODES = ("QUATERNION", "XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX", "AXIS_ANGLE")


@pytest.fixture
def scene(empty_blender, make_rig, make_armature, random_rotations):
    """(bpy, armature, rig, motion of 24 frames at 24 a second)"""
    pytest.importorskip("bpy")
    from ningyo.synth_data.characters.importing import read_rig

    armature = make_armature(empty_blender, make_rig(rolls=True, bend=0.3, object_scale=0.01, object_rotation=True, extra_bones=True))
    rig = read_rig(armature)
    bones = tuple(bone.name for bone in rig.bones if bone.role is not None)
    frames = 24
    t = np.arange(frames) / 24
    motion = Motion(
        fps=24.0, bones=bones, time=5.0 + t, rotation=random_rotations(frames, len(bones), 2.8), rig_name="test",
        root_position=np.stack([t, 0.5 * t, 1 + 0 * t], -1), contact=np.zeros((frames, 4)), residual=np.zeros(frames),
        confidence=np.ones(frames), source={"video": "walk in park.mp4"},
    )  # fmt: skip
    return empty_blender, armature, rig, motion


def evaluated_heads(bpy, armature, rig, frame):
    bpy.context.scene.frame_set(int(frame), subframe=frame - int(frame))
    posed = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return np.array([posed.matrix_world @ posed.pose.bones[name].head for name in rig.names])


def test_every_rotation_mode_plays_the_same(scene):
    from ningyo.synth_data.retarget.apply import apply_motion

    bpy, armature, rig, motion = scene
    modes = {}
    for i, bone in enumerate(armature.pose.bones):
        bone.rotation_mode = modes[bone.name] = MODES[i % len(MODES)]
    matrix = armature.matrix_world.copy()
    action = apply_motion(armature, motion, start_frame=1, scene_fps=24)
    heads, _ = forward_kinematics(rig, motion)
    for frame in range(0, 24, 5):
        np.testing.assert_allclose(evaluated_heads(bpy, armature, rig, 1 + frame), heads[frame], atol=1e-5)
    assert {bone.name: bone.rotation_mode for bone in armature.pose.bones} == modes
    assert armature.matrix_world == matrix
    assert action.name == "walk in park"
    assert tuple(action.frame_range) == (1, 24)


def test_the_scenes_rate_is_met_by_time_stamps(scene):
    from ningyo.synth_data.retarget.apply import apply_motion

    bpy, armature, rig, motion = scene
    bpy.context.scene.render.fps = 48
    action = apply_motion(armature, motion, start_frame=10)
    assert tuple(action.frame_range) == (10, 10 + 2 * 23)
    heads, _ = forward_kinematics(rig, motion)
    for frame in (0, 7, 23):
        np.testing.assert_allclose(evaluated_heads(bpy, armature, rig, 10 + 2 * frame), heads[frame], atol=1e-5)
    between = evaluated_heads(bpy, armature, rig, 10 + 15)[rig.index_of_role["hips"]]
    np.testing.assert_allclose(between, heads[7:9, rig.index_of_role["hips"]].mean(0), atol=1e-5)


def test_a_new_action_beside_the_old_ones(scene):
    from ningyo.synth_data.retarget.apply import apply_motion

    bpy, armature, _, motion = scene
    first = apply_motion(armature, motion, name="First", scene_fps=24)
    second = apply_motion(armature, motion, name="Second", scene_fps=24)
    assert armature.animation_data.action == second
    assert first.use_fake_user
    assert {action.name for action in bpy.data.actions} == {"First", "Second"}
    if hasattr(armature.animation_data, "action_slot"):
        assert armature.animation_data.action_slot is not None


def test_saved_and_opened_it_still_plays(scene, tmp_path):
    from ningyo.synth_data.retarget.apply import apply_motion

    bpy, armature, rig, motion = scene
    apply_motion(armature, motion, scene_fps=24)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    heads, _ = forward_kinematics(rig, motion)
    np.testing.assert_allclose(evaluated_heads(bpy, bpy.data.objects["Armature"], rig, 12), heads[11], atol=1e-5)


def test_a_bone_that_is_held_gets_one_key(scene):
    from ningyo.synth_data.retarget.apply import apply_motion

    _, armature, _, motion = scene
    rotation = motion.rotation.copy()
    rotation[:, 3] = (1, 0, 0, 0)
    motion.rotation[:] = rotation
    action = apply_motion(armature, motion, scene_fps=24)
    curves = action.layers[0].strips[0].channelbag(action.slots[0]).fcurves if hasattr(action, "layers") else action.fcurves
    keys = {len(curve.keyframe_points) for curve in curves if motion.bones[3] in curve.data_path}
    assert keys == {1}


def test_what_cannot_be_animated_is_said(scene, tmp_path):
    from ningyo.synth_data.retarget.apply import apply_motion

    bpy, armature, _, motion = scene
    mesh = bpy.data.objects.new("Cube", bpy.data.meshes.new("Cube"))
    with pytest.raises(UserError, match="not an armature"):
        apply_motion(mesh, motion)
    armature.data.bones[motion.bones[20]].name = "renamed"
    with pytest.raises(UserError, match="does not have"):
        apply_motion(armature, motion)
    assert len(bpy.data.actions) == 0

    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, wanted):
        wanted.objects = ["Armature"]
    with pytest.raises(UserError, match="library override"):
        apply_motion(bpy.data.objects["Armature"], motion)
