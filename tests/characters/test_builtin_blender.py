# SPDX-License-Identifier: GPL-3.0-or-later
"""Built-in characters and the cel look inside Blender."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("bpy")

import bpy
from mathutils import Quaternion
from ningyo.synth_data.characters import cel
from ningyo.synth_data.characters.builtin import build_character
from ningyo.synth_data.characters.builtin.build import VOLUME, geometry
from ningyo.synth_data.characters.builtin.design import design
from ningyo.synth_data.characters.humanoid import read_rig

SIDES = ("Left", "Right")
MIXAMO = {
    *("Hips", "Spine", "Spine1", "Spine2", "Neck", "Head", "HeadTop_End"),
    *(f"{s}{b}" for s in SIDES for b in ("Shoulder", "Arm", "ForeArm", "Hand", "UpLeg", "Leg", "Foot", "ToeBase", "Toe_End")),
    *(f"{s}Hand{f}{n}" for s in SIDES for f in ("Thumb", "Index", "Middle", "Ring", "Pinky") for n in (1, 2, 3, 4)),
}


@pytest.fixture
def empty():
    bpy.ops.wm.read_factory_settings(use_empty=True)


def evaluated(item) -> np.ndarray:
    bpy.context.view_layer.update()
    graph = bpy.context.evaluated_depsgraph_get()
    data = item.evaluated_get(graph).to_mesh()
    points = np.empty(len(data.vertices) * 3, np.float32)
    data.vertices.foreach_get("co", points)
    return points.reshape(-1, 3)


def test_rig_has_mixamos_bones(empty) -> None:
    armature = build_character(0).armature
    names = {bone.name for bone in armature.data.bones}
    assert len(MIXAMO) == 65
    mixamos = {name for name in names if name.startswith("mixamorig:")}
    assert mixamos == {f"mixamorig:{name}" for name in MIXAMO} | {"mixamorig:LeftEye", "mixamorig:RightEye"}
    parents = {b.name.split(":")[-1]: b.parent.name.split(":")[-1] if b.parent else None for b in armature.data.bones}
    assert parents["Hips"] is None
    assert parents["LeftUpLeg"] == "Hips"
    assert parents["LeftShoulder"] == "Spine2"
    assert parents["RightHandPinky1"] == "RightHand"
    assert parents["RightHandPinky4"] == "RightHandPinky3"
    assert parents["LeftEye"] == "Head"
    heads = {b.name.split(":")[-1]: np.array(b.head_local) for b in armature.data.bones}
    assert heads["LeftHand"][0] > heads["LeftForeArm"][0] > heads["LeftArm"][0] > 0, "left is +X"
    assert heads["LeftToe_End"][1] < heads["LeftFoot"][1], "faces −Y"
    assert np.isclose(heads["LeftArm"][2], heads["LeftHand"][2]), "T-pose"


def test_a_skirts_bones_hang_in_chains_from_the_legs(empty) -> None:
    rig = read_rig(build_character(0).armature)
    strips = [bone for bone in rig.bones if bone.name.startswith("skirt_")]
    assert len(strips) == 16
    for bone in strips:
        assert bone.role is None
        above = rig.bones[bone.parent].name
        strip, number = bone.name.rsplit("_", 1)
        assert above == f"{strip}_{int(number) - 1}" if number != "1" else above.endswith("UpLeg")


def test_dataset_detail_keeps_its_budget_in_blender(empty) -> None:
    for seed in (0, 6):
        built = build_character(seed, detail="dataset")
        assert sum(len(evaluated(item)) for item in built.meshes) <= 25_000
        assert sum(len(evaluated(item)) for item in built.meshes) == geometry(design(seed), seed, "dataset").evaluated


def test_details_share_their_skeleton_and_palettes_their_mesh(empty) -> None:
    full, few, other = build_character(0), build_character(0, detail="dataset"), build_character(0, detail="dataset", palette=3)
    bones = [{b.name: tuple(np.round(b.head_local, 5)) for b in c.armature.data.bones} for c in (full, few, other)]
    assert bones[0] == bones[1] == bones[2]
    np.testing.assert_array_equal(evaluated(few.meshes[0]), evaluated(other.meshes[0]))
    colours = []
    for built in (few, other):
        data = built.meshes[0].data.attributes[cel.BASE].data
        values = np.empty(4 * len(data), np.float32)
        data.foreach_get("color", values)
        colours.append(values)
    assert (colours[0] != colours[1]).any()


def test_meshes_have_a_texture_map(empty) -> None:
    for item in build_character(0, detail="dataset").meshes:
        layer = item.data.uv_layers["UVMap"]
        uv = np.empty(2 * len(layer.uv), np.float32)
        layer.uv.foreach_get("vector", uv)
        uv = uv.reshape(-1, 2)
        assert len(uv) == len(item.data.loops)
        assert uv.min() >= 0
        assert uv.max() <= 1
        assert np.ptp(uv, axis=0).min() > 0.05


def test_a_raised_leg_takes_the_skirt_along(empty) -> None:
    """The thigh of a lifted leg stays inside the skirt, with no simulation: no skin pokes through the cloth in front of it."""
    built = build_character(0, detail="dataset")
    body = built.meshes[0]
    count = len(body.data.vertices)
    before = evaluated(body)[:count]
    bone = built.armature.pose.bones["mixamorig:LeftUpLeg"]
    bone.rotation_mode = "XYZ"
    rest = np.array(bone.bone.matrix_local)[:3, :3]
    axis = rest.T @ (1.0, 0.0, 0.0)
    bone.rotation_mode = "AXIS_ANGLE"
    bone.rotation_axis_angle = (-1.1, *axis)
    after = evaluated(body)[:count]
    groups = {g.name: g.index for g in body.vertex_groups}
    skirt = {i for name, i in groups.items() if name.startswith("skirt_")}
    cloth = np.array([sum(g.weight for g in v.groups if g.group in skirt) > 0.6 for v in body.data.vertices])
    hip = np.array(built.armature.data.bones["mixamorig:LeftUpLeg"].head_local)
    front = cloth & (before[:, 0] > 0.03) & (before[:, 1] < hip[1] - 0.05)
    assert front.sum() > 10
    # The leg went forward (−Y) and up, and the front of the skirt with it.
    assert (after[front][:, 2] - before[front][:, 2]).min() > -0.01
    assert after[front][:, 2].mean() > before[front][:, 2].mean() + 0.05


def test_nothing_that_exists_is_touched(empty) -> None:
    scene = bpy.context.scene
    mesh = bpy.data.meshes.new("Mine")
    mine = bpy.data.objects.new("Mine", mesh)
    scene.collection.objects.link(mine)
    bpy.context.view_layer.objects.active = mine
    mine.select_set(True)
    bpy.ops.object.mode_set(mode="EDIT")
    shelf = bpy.data.collections.new("Shelf")
    scene.collection.children.link(shelf)
    built = build_character(2, shelf)
    assert bpy.context.view_layer.objects.active == mine
    assert mine.mode == "EDIT"
    assert mine.select_get()
    assert {o.name for o in shelf.objects} == {built.armature.name, *(m.name for m in built.meshes)}
    assert list(scene.collection.objects) == [mine]
    bpy.ops.object.mode_set(mode="OBJECT")


def test_two_characters_share_one_material(empty) -> None:
    first, second = build_character(0), build_character(3)
    assert first.armature.name != second.armature.name
    assert first.meshes[0].material_slots[0].material == second.meshes[0].material_slots[0].material


def test_every_vertex_is_weighted_to_one(empty) -> None:
    for item in build_character(2).meshes:
        bones = {g.index for g in item.vertex_groups if g.name not in (cel.LINE, VOLUME)}
        sums = np.array([sum(g.weight for g in v.groups if g.group in bones) for v in item.data.vertices])
        np.testing.assert_allclose(sums, 1.0, atol=1e-5)


def test_shoulders_do_not_swell_when_arms_hang_down(empty) -> None:
    built = build_character(9)
    body = built.meshes[0]
    at_rest = evaluated(body)[: len(body.data.vertices)]
    bone = built.armature.pose.bones["mixamorig:LeftArm"]
    shoulder = np.array(bone.bone.head_local)
    rest = bone.bone.matrix_local.to_quaternion()
    bone.rotation_mode = "QUATERNION"
    bone.rotation_quaternion = rest.inverted() @ Quaternion((0, 1, 0), 1.35) @ rest
    posed = evaluated(body)[: len(body.data.vertices)]
    near = np.linalg.norm(at_rest - shoulder, axis=1) < 0.13
    radius = (at_rest[near, 2] - shoulder[2]).max()
    assert (posed[near, 0] - shoulder[0]).max() < 0.98 * radius


def test_an_arm_moves_its_hand_and_nothing_else(empty) -> None:
    built = build_character(0)
    body = built.meshes[0]
    before = evaluated(body)
    bone = built.armature.pose.bones["mixamorig:LeftArm"]
    bone.rotation_mode = "QUATERNION"
    bone.rotation_quaternion = (math.cos(0.5), math.sin(0.5), 0, 0)
    moved = np.linalg.norm(evaluated(body) - before, axis=1)
    count = len(body.data.vertices)
    hand = before[:count, 0] > 0.55
    other = before[:count, 0] < 0.0
    assert (moved[:count][hand] > 0.1).all()
    assert moved[:count][other].max() < 1e-5


def test_expressions_rest_at_zero(empty) -> None:
    keys = build_character(0).meshes[1].data.shape_keys.key_blocks
    assert {"eyeBlinkLeft", "eyeBlinkRight", "jawOpen"} <= {k.name for k in keys}
    assert all(k.value == 0 for k in keys if k.name != "Basis")


def set_up_render(size: int = 64) -> None:
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.max_bounces, scene.cycles.use_denoising = 4, 0, False
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.render.film_transparent = True
    scene.view_settings.view_transform = "Standard"
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    camera.data.type, camera.data.ortho_scale = "ORTHO", 2.0
    camera.location, camera.rotation_euler = (0, -4, 0.85), (math.pi / 2, 0, 0)
    scene.camera = camera
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGBA"


def picture(path, size: int = 64) -> np.ndarray:
    bpy.context.scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(path))
    pixels = np.empty(size * size * 4, np.float32)
    image.pixels.foreach_get(pixels)
    return pixels.reshape(size, size, 4)[::-1]


def shares(rgba: np.ndarray, colour: str) -> float:
    """Share of the silhouette within 12/255 of a colour."""
    inside = rgba[..., 3] > 0.95
    wanted = np.array([int(colour[i : i + 2], 16) for i in (0, 2, 4)]) / 255
    return float((np.abs(rgba[inside][:, :3] - wanted).max(1) < 12 / 255).mean())


def test_a_render_shows_skin_hair_and_cloth(empty, tmp_path) -> None:
    built = build_character(0)
    set_up_render()
    cel.set_outline_width(built.meshes, 0.004)
    rgba = picture(tmp_path / "a.png")
    assert 0.05 < (rgba[..., 3] > 0.5).mean() < 0.5
    assert rgba[:2, :, 3].max() == 0, "the background is transparent"
    for colour in ("FFE8D9", "F29BB2", "2C3E6B"):
        assert shares(rgba, colour) > 0.01, colour
