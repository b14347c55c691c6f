# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips of files that Blender's own exporters write here."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from ningyo.errors import UserError
from ningyo.synth_data.retarget.bone_map import BoneMap, map_beside
from ningyo.synth_data.retarget.bvh import write_bvh
from ningyo.synth_data.retarget.edit import posed
from ningyo.synth_data.retarget.kinematics import axis_angle_to_matrix, matrix_to_quaternion, unit
from ningyo.synth_data.retarget.motion import Motion
from ningyo.synth_data.retarget.transfer import transfer

bpy = pytest.importorskip("bpy")

from ningyo.synth_data.characters.clips import load_clip  # noqa: E402
from ningyo.synth_data.characters.importing import read_rig  # noqa: E402
from ningyo.synth_data.retarget.apply import apply_motion  # noqa: E402

_spec = importlib.util.spec_from_file_location("ningyo_rigs_of_clips", Path(__file__).parents[1] / "retarget" / "conftest.py")
_rigs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_rigs)
FRAMES, FPS = 15, 30


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(a folder with one motion as skin.fbx, bare.fbx, skin.glb and clip.bvh, the motion as Blender shows it)"""
    folder = tmp_path_factory.mktemp("clips")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.fps, scene.frame_start, scene.frame_end = FPS, 1, FRAMES
    rig = _rigs.build_rig(rolls=False, object_scale=0.01, without=("head_end", "toe_end", "4"))
    armature = _rigs.build_armature(bpy, rig)
    rig = read_rig(armature)
    random = np.random.default_rng(0)
    axes = unit(random.normal(size=(len(rig.bones), 3)))
    swing = 0.5 * np.sin(np.linspace(0, 3, FRAMES)[:, None] + random.uniform(0, 6, len(rig.bones)))
    local = axis_angle_to_matrix(np.broadcast_to(axes, (FRAMES, *axes.shape)), swing)
    root = rig.head("hips") + np.stack([np.linspace(0, 0.3, FRAMES), np.linspace(0, -0.4, FRAMES), np.zeros(FRAMES)], -1)
    zeros = np.zeros(FRAMES)
    motion = Motion(
        float(FPS), rig.names, np.arange(FRAMES) / FPS, matrix_to_quaternion(local), root, np.zeros((FRAMES, 4)), zeros, zeros + 1, rig=rig
    )
    apply_motion(armature, motion)
    mesh = bpy.data.meshes.new("Skin")
    mesh.from_pydata([tuple(head) for head in rig.rest_heads], [], [(i, i + 1, i + 2) for i in range(len(rig.bones) - 2)])
    skin = bpy.data.objects.new("Skin", mesh)
    scene.collection.objects.link(skin)
    for index, name in enumerate(rig.names):
        skin.vertex_groups.new(name=name).add([index], 1.0, "REPLACE")
    skin.parent = armature
    skin.matrix_parent_inverse = armature.matrix_world.inverted()
    skin.modifiers.new("Armature", "ARMATURE").object = armature
    options = {"add_leaf_bones": False, "bake_anim": True, "bake_anim_use_nla_strips": False, "bake_anim_use_all_actions": False}
    bpy.ops.export_scene.fbx(filepath=str(folder / "skin.fbx"), **options)
    bpy.ops.export_scene.fbx(filepath=str(folder / "bare.fbx"), object_types={"ARMATURE"}, **options)
    bpy.ops.export_scene.fbx(filepath=str(folder / "still.fbx"), add_leaf_bones=False, bake_anim=False)
    bpy.ops.export_scene.gltf(filepath=str(folder / "skin.glb"), export_format="GLB")
    write_bvh(rig, motion, folder / "clip.bvh")
    motion.save(folder / "motion.npz")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return folder, motion


def joints(motion):
    heads, _ = posed(motion.rig, motion)
    return {role: heads[:, index] for role, index in motion.rig.index_of_role.items()}


@pytest.mark.parametrize("name", ["skin.fbx", "bare.fbx", "skin.glb", "clip.bvh", "motion.npz"])
def test_any_file_gives_the_motion(made, name):
    folder, motion = made
    found = load_clip(folder / name)
    assert found.frame_count == FRAMES
    assert found.fps == FPS
    assert found.rig is not None
    before, after = joints(motion), joints(found)
    assert set(after) == set(before)
    level = before["hips"][0] - after["hips"][0]  # a rest pose that is not in the file may have moved it up or down
    assert abs(level[2]) < 0.05
    assert np.abs(level[:2]).max() < 1e-3
    for role, places in before.items():
        np.testing.assert_allclose(after[role] + level, places, atol=1e-3, err_msg=role)
    again = joints(transfer(found, motion.rig))
    for role, places in before.items():
        np.testing.assert_allclose(again[role] - again["hips"], places - before["hips"], atol=2e-3, err_msg=role)


def contents():
    kinds = ("objects", "collections", "meshes", "armatures", "actions", "materials", "scenes", "images", "node_groups")
    return {kind: sorted(item.name for item in getattr(bpy.data, kind)) for kind in kinds}


@pytest.mark.parametrize("name", ["skin.fbx", "skin.glb", "still.fbx"])
def test_blender_is_left_as_it_was(made, empty_blender, name):
    folder, _ = made
    scene = bpy.context.scene
    scene.render.fps, scene.frame_start, scene.frame_end = 24, 5, 77
    scene.frame_set(9)
    cube = bpy.data.objects.new("Cube", None)
    scene.collection.objects.link(cube)
    cube.select_set(True)
    before = contents()
    try:
        load_clip(folder / name)
    except UserError:
        assert name == "still.fbx"
    assert contents() == before
    assert (scene.render.fps, scene.frame_start, scene.frame_end, scene.frame_current) == (24, 5, 77, 9)
    assert bpy.context.scene == scene
    assert cube.select_get()


def test_empties_for_bones(tmp_path, empty_blender):
    """As some exporters write skeletons: nodes without an armature."""
    rig = _rigs.build_rig(rolls=False)
    scene = bpy.context.scene
    scene.render.fps, scene.frame_start, scene.frame_end = FPS, 1, FRAMES
    objects = []
    for bone, head in zip(rig.bones, rig.rest_heads, strict=True):
        item = bpy.data.objects.new(bone.name, None)
        scene.collection.objects.link(item)
        if bone.parent >= 0:
            item.parent = objects[bone.parent]
            head = head - rig.rest_heads[bone.parent]
        item.location = head
        objects.append(item)
    arm = objects[rig.index_of_role["left_upper_arm"]]
    for frame in range(1, FRAMES + 1):
        arm.rotation_euler = (0.0, 0.05 * frame, 0.0)
        arm.keyframe_insert("rotation_euler", frame=frame)
    bpy.context.view_layer.update()
    bpy.ops.export_scene.fbx(filepath=str(tmp_path / "empties.fbx"), object_types={"EMPTY"}, bake_anim=True)
    found = load_clip(tmp_path / "empties.fbx")
    assert found.frame_count == FRAMES
    after = joints(found)
    way = after["left_forearm"] - after["left_upper_arm"]
    wanted = axis_angle_to_matrix(np.broadcast_to((0.0, 1.0, 0.0), (FRAMES, 3)), 0.05 * np.arange(1, FRAMES + 1)) @ (
        rig.head("left_forearm") - rig.head("left_upper_arm")
    )
    np.testing.assert_allclose(unit(way), unit(wanted), atol=2e-3)
    np.testing.assert_allclose(found.rig.height, rig.height, rtol=1e-3)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("walk.mp4", b"x", "not a motion's file"),
        ("missing.fbx", None, "There is no file"),
        ("missing.npz", None, "cannot be read"),
        ("damaged.fbx", b"Kaydara FBX Binary", "cannot read"),
        ("damaged.glb", b"glTF", "not a whole glTF"),
        ("damaged.bvh", b"HIERARCHY ROOT", "not a whole BVH"),
        ("damaged.npz", b"PK", "not a whole Ningyo motion"),
    ],
)
def test_unfit_files(tmp_path, empty_blender, name, content, words):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    before = contents()
    with pytest.raises(UserError, match=words) as raised:
        load_clip(path)
    assert name in str(raised.value)
    assert contents() == before


def test_a_file_without_animation_or_humanoid(made, tmp_path, empty_blender):
    folder, _ = made
    with pytest.raises(UserError, match="holds no animation"):
        load_clip(folder / "still.fbx")
    few = "HIERARCHY\nROOT hips\n{\nOFFSET 0 0 0\nCHANNELS 3 Zrotation Xrotation Yrotation\n}\nMOTION\nFrames: 1\nFrame Time: 0.1\n0 0 0\n"
    (tmp_path / "few.bvh").write_text(few)
    with pytest.raises(UserError, match=r"few\.bvh moves no humanoid"):
        load_clip(tmp_path / "few.bvh")


def test_a_bone_map_beside_the_clip(made, tmp_path):
    _, motion = made
    text = (made[0] / "clip.bvh").read_text()
    name = motion.rig.names[motion.rig.index_of_role["left_forearm"]]
    (tmp_path / "clip.bvh").write_text(text.replace(name, "elbow_thing"))
    BoneMap({"left_forearm": "elbow_thing"}).save(map_beside(tmp_path / "clip.bvh"))
    found = load_clip(tmp_path / "clip.bvh")
    assert found.rig.names[found.rig.index_of_role["left_forearm"]] == "elbow_thing"
    assert found.rig.recognised == "bone map"
