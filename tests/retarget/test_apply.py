# SPDX-License-Identifier: GPL-3.0-or-later
"""A motion written onto an armature, evaluated by Blender itself."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from ningyo.errors import UserError
from ningyo.synth_data.retarget.keys import angle_between, kept_keys, rotation_of
from ningyo.synth_data.retarget.kinematics import forward_kinematics, matrix_to_quaternion, rotation_vector_to_matrix
from ningyo.synth_data.retarget.motion import Camera, Motion
from ningyo.synth_data.retarget.shape_keys import driven_keys

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


def curves_of(owner):
    """{(data path, index): F-curve} of what an object or a Key plays."""
    data = owner.animation_data
    if not hasattr(data.action, "layers"):
        return {(curve.data_path, curve.array_index): curve for curve in data.action.fcurves}
    bag = data.action.layers[0].strips[0].channelbag(data.action_slot)
    return {(curve.data_path, curve.array_index): curve for curve in bag.fcurves}


@pytest.mark.parametrize("mode", ["QUATERNION", "ZXY", "AXIS_ANGLE"])
def test_fewer_keys_within_the_tolerance(scene, mode):
    from ningyo.synth_data.retarget.apply import apply_motion

    bpy, armature, rig, motion = scene
    frames = 120
    t = np.arange(frames) / 24
    random = np.random.default_rng(0)
    waves = 0.7 * np.sin(random.uniform(0, 6, (len(motion.bones), 3)) + random.uniform(1, 3, (len(motion.bones), 3)) * t[:, None, None])
    motion = Motion(
        fps=24.0, bones=motion.bones, time=t, rotation=matrix_to_quaternion(rotation_vector_to_matrix(waves)),
        root_position=np.stack([t, np.sin(t), 1 + 0 * t], -1), contact=np.zeros((frames, 4)), residual=np.zeros(frames),
        confidence=np.ones(frames),
    )  # fmt: skip
    for bone in armature.pose.bones:
        bone.rotation_mode = mode
    apply_motion(armature, motion, scene_fps=24)
    every = sum(len(curve.keyframe_points) for curve in curves_of(armature).values())
    tolerance = 1.5
    apply_motion(armature, motion, scene_fps=24, key_reduction=tolerance)
    kept = sum(len(curve.keyframe_points) for curve in curves_of(armature).values())
    assert kept < 0.4 * every
    worst, off = 0.0, 0.0
    heads, _ = forward_kinematics(rig, motion)
    for frame in range(0, frames, 7):
        hips = evaluated_heads(bpy, armature, rig, 1 + frame)[rig.index_of_role["hips"]]
        off = max(off, float(np.linalg.norm(hips - heads[frame, rig.index_of_role["hips"]])))
        posed = armature.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose
        for name, wanted in zip(motion.bones, motion.rotation[frame], strict=True):
            basis = np.array(posed.bones[name].matrix_basis.to_quaternion())
            worst = max(worst, float(angle_between(basis[None], wanted[None].astype(float))[0]))
    assert 0.5 * tolerance < worst < tolerance + 0.02
    assert off < 0.001 * tolerance + 1e-5


def test_kept_keys_are_those_that_matter():
    ramp = np.concatenate([np.linspace(0, 1, 50), np.linspace(1, 0, 30), np.zeros(20)])[:, None]

    def far(a, b):
        return np.abs(a - b)[:, 0]

    assert kept_keys(ramp, far, 1e-6).tolist() == [0, 49, 50, 79, 99]
    assert kept_keys(np.ones((40, 3)), lambda a, b: np.linalg.norm(a - b, axis=-1), 0.1).tolist() == [0]
    assert kept_keys(np.zeros((1, 3)), far, 0.1).tolist() == [0]


@pytest.mark.parametrize("mode", MODES)
def test_channel_values_are_the_rotations_that_blender_makes_of_them(mode):
    from mathutils import Euler, Quaternion

    random = np.random.default_rng(1)
    for values in random.normal(size=(20, 3 if mode not in ("QUATERNION", "AXIS_ANGLE") else 4)):
        if mode == "QUATERNION":
            wanted = Quaternion(values).normalized()
        elif mode == "AXIS_ANGLE":
            wanted = Quaternion(values[1:], values[0])
        else:
            wanted = Euler(values, mode).to_quaternion()
        assert angle_between(rotation_of(mode, values[None]), np.array(wanted)[None])[0] < 1e-3


EXPRESSIONS = ("eyeBlinkLeft", "eyeBlinkRight", "jawOpen")


@pytest.mark.parametrize(
    ("keys", "driven"),
    [
        (["eyeBlinkLeft", "eyeBlinkRight", "jawOpen", "browInnerUp"], {n: (n,) for n in EXPRESSIONS}),
        (["EyeBlink_L", "eye_blink_right", "JAWOPEN"],
         {"EyeBlink_L": EXPRESSIONS[:1], "eye_blink_right": EXPRESSIONS[1:2], "JAWOPEN": EXPRESSIONS[2:]}),
        (["blendShape1.eyeBlinkL", "head:jawOpen"], {"blendShape1.eyeBlinkL": EXPRESSIONS[:1], "head:jawOpen": EXPRESSIONS[2:]}),
        (["Blink", "Blink_L", "Blink_R", "A"], {"Blink_L": EXPRESSIONS[:1], "Blink_R": EXPRESSIONS[1:2], "A": EXPRESSIONS[2:]}),
        (["Fcl_EYE_Close", "Fcl_MTH_A", "eyeBlinkUp"], {"Fcl_EYE_Close": EXPRESSIONS[:2], "Fcl_MTH_A": EXPRESSIONS[2:]}),
        (["blink", "eyeBlinkLeft"], {"eyeBlinkLeft": EXPRESSIONS[:1]}),
        (["smile", "Key 1"], {}),
    ],
)  # fmt: skip
def test_shape_keys_are_known_by_their_names(keys, driven):
    assert driven_keys(keys, EXPRESSIONS) == driven


@pytest.fixture
def face(scene):
    """(bpy, armature, rig, motion with expressions, a mesh with shape keys that the armature moves)"""
    bpy, armature, rig, motion = scene
    data = bpy.data.meshes.new("Face")
    data.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    mesh = bpy.data.objects.new("Face", data)
    bpy.context.scene.collection.objects.link(mesh)
    mesh.parent = armature
    for key in ("Basis", "eyeBlink_L", "eyeBlink_R", "mouthSmile"):
        mesh.shape_key_add(name=key, from_mix=False)
    t = np.linspace(0, 1, motion.frame_count)
    motion = dataclasses.replace(motion, expressions=EXPRESSIONS, expression=np.stack([t, 1 - t, 0.5 + 0 * t], -1))
    return bpy, armature, rig, motion, mesh


def test_expressions_move_shape_keys_beside_their_old_action(face):
    from ningyo.synth_data.retarget.apply import apply_motion

    bpy, armature, _, motion, mesh = face
    keys = mesh.data.shape_keys
    keys.key_blocks["mouthSmile"].keyframe_insert("value", frame=1)
    old = keys.animation_data.action
    apply_motion(armature, motion, name="Take", scene_fps=24, start_frame=5)
    assert keys.animation_data.action != old
    assert old.use_fake_user
    assert keys.animation_data.action.name == "Take Face"
    assert {path for path, _ in curves_of(keys)} == {'key_blocks["eyeBlink_L"].value', 'key_blocks["eyeBlink_R"].value'}
    for frame in (0, 11, 23):
        bpy.context.scene.frame_set(5 + frame)
        evaluated = mesh.evaluated_get(bpy.context.evaluated_depsgraph_get()).data.shape_keys or keys
        assert evaluated.key_blocks["eyeBlink_L"].value == pytest.approx(motion.expression[frame, 0], abs=1e-5)
        assert evaluated.key_blocks["eyeBlink_R"].value == pytest.approx(motion.expression[frame, 1], abs=1e-5)
    apply_motion(armature, motion, name="Take", scene_fps=24, key_reduction=1)
    assert {len(curve.keyframe_points) for curve in curves_of(keys).values()} == {2}


def test_a_motion_without_expressions_leaves_the_face_alone(face):
    from ningyo.synth_data.retarget.apply import apply_motion

    _, armature, _, motion, mesh = face
    apply_motion(armature, dataclasses.replace(motion, expressions=(), expression=None), scene_fps=24)
    assert mesh.data.shape_keys.animation_data is None


def test_several_people_in_one_scene_before_the_camera_they_were_seen_by(empty_blender, random_rotations, tmp_path):
    """Two characters, one of whom comes half a second later: places, times and the picture agree with the motions."""
    from bpy_extras.object_utils import world_to_camera_view
    from mathutils import Vector
    from ningyo.synth_data.characters.importing import read_rig, rig_for
    from ningyo.synth_data.retarget.apply import save_motion_blend
    from ningyo.synth_data.retarget.secondary import with_secondary

    bpy = empty_blender
    look = rotation_vector_to_matrix(np.array([np.pi / 2 + 0.2, 0, 0])).T * np.array([[1.0], [-1.0], [-1.0]])
    camera = Camera(900.0, 640, 480, np.concatenate([look, -(look @ np.array([0.3, -4.0, 1.5]))[:, None]], 1))
    takes = []
    for seed, (x, begin) in enumerate(((-0.7, 2.0), (0.9, 2.5))):
        rig = rig_for(f"builtin:{seed}")
        bones = tuple(bone.name for bone in rig.bones if bone.role is not None)
        t = np.arange(12) / 24
        motion = Motion(
            fps=24.0, bones=bones, time=begin + t, rotation=random_rotations(12, len(bones), 0.5, seed), camera=camera,
            root_position=np.stack([x + 0.1 * t, 0.2 * t, 0.9 + 0 * t], -1), contact=np.zeros((12, 4)), residual=np.zeros(12),
            confidence=np.ones(12),
        )  # fmt: skip
        takes.append((motion, f"builtin:{seed}"))
    save_motion_blend(takes, tmp_path / "two.blend", start_frame=10)
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "two.blend"))
    scene = bpy.context.scene
    assert (scene.frame_start, scene.frame_end) == (10, 10 + 12 + 11)
    assert (scene.render.resolution_x, scene.render.resolution_y) == (640, 480)
    armatures = [obj for obj in bpy.data.objects if obj.type == "ARMATURE"]
    assert len({obj.animation_data.action for obj in armatures}) == 2
    for armature, (motion, _), first in zip(sorted(armatures, key=lambda obj: obj.name), takes, (10, 22), strict=True):
        rig = read_rig(armature)
        heads, _ = forward_kinematics(rig, with_secondary(motion, rig))
        for frame in (0, 11):
            np.testing.assert_allclose(evaluated_heads(bpy, armature, rig, first + frame), heads[frame], atol=1e-5)
        pixels, depth = camera.project(heads[0])
        for place, wanted, z in zip(heads[0, ::9], pixels[::9], depth[::9], strict=True):
            seen = world_to_camera_view(scene, scene.camera, Vector(place))
            np.testing.assert_allclose((seen.x * 640, (1 - seen.y) * 480, seen.z), (*wanted, z), atol=1e-2)


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
