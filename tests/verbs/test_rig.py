# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo rig` on a .blend whose bones are named in part."""

from __future__ import annotations

import json

import pytest
from ningyo.__main__ import build_parser
from ningyo.errors import UserError
from ningyo.jobs.progress import Reporter
from ningyo.synth_data.retarget.rig import Rig


@pytest.fixture
def hero(empty_blender, tmp_path):
    """A .blend of the built-in character with its left thigh called otherwise, and lying down, so that structure does not help."""
    from ningyo.synth_data.characters.importing import load_character

    armature = load_character("builtin:1").armature
    armature.data.bones["mixamorig:LeftUpLeg"].name = "Stump"
    armature.rotation_euler = (1.5707963, 0, 0)
    path = tmp_path / "hero.blend"
    empty_blender.ops.wm.save_as_mainfile(filepath=str(path))
    empty_blender.ops.wm.read_factory_settings(use_empty=True)
    return path


def run(*words):
    events = []
    args = build_parser().parse_args(["rig", *map(str, words)])
    return args.run(args, Reporter(events.append)), events


def test_a_map_is_begun_edited_and_used(hero, tmp_path):
    with pytest.raises(UserError, match=r"left_thigh must have bones.*--map"):
        run(hero)
    result, events = run(hero, "--map")
    assert result["missing"] == ["left_thigh"]
    assert any(event["type"] == "warning" and "left_thigh" in event["text"] for event in events)
    lines = [event["text"] for event in events if event["type"] == "summary"]
    assert "hand       mixamorig:LeftHand         mixamorig:RightHand" in lines
    assert "thigh      -                          mixamorig:RightUpLeg" in lines

    path = tmp_path / "hero.bones.json"
    data = json.loads(path.read_text())
    assert (data["schema"], data["version"], data["bones"]["left_thigh"]) == ("ningyo.bone_map", 1, None)
    data["bones"]["left_thigh"] = "Stump"
    path.write_text(json.dumps(data))
    result, _ = run(hero, "--out", tmp_path / "rig.json")
    assert result["recognised"] == "bone map"
    rig = Rig.load(tmp_path / "rig.json")
    assert rig.bones[rig.index_of_role["left_thigh"]].name == "Stump"
    assert run(tmp_path / "rig.json")[0]["bones"] == result["bones"]


def test_what_has_no_file_gets_no_map(empty_blender):
    with pytest.raises(UserError, match="needs no bone map"):
        run("builtin", "--map")
    assert run("builtin")[0]["missing"] == []


@pytest.fixture
def dressed(empty_blender, tmp_path):
    """A .blend of the built-in character with hair bones in place of its own chains, and a textured material whose picture is lost."""
    bpy = empty_blender
    from ningyo.synth_data.characters.importing import load_character

    character = load_character("builtin:1")
    bpy.context.view_layer.objects.active = character.armature
    bpy.ops.object.mode_set(mode="EDIT")
    bones = character.armature.data.edit_bones
    for bone in [bone for bone in bones if not bone.name.startswith("mixamorig:")]:
        bones.remove(bone)
    above = bones["mixamorig:Head"]
    for number in (1, 2, 3):
        bone = bones.new(f"hair_left_{number}")
        bone.head, bone.tail = (0.1, 0, 1.5 - 0.1 * number), (0.1, 0, 1.4 - 0.1 * number)
        bone.parent, above = above, bone
    bpy.ops.object.mode_set(mode="OBJECT")
    material = bpy.data.materials.new("Cloth")
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True
    texture = material.node_tree.nodes.new("ShaderNodeTexImage")
    texture.image = bpy.data.images.new("cloth", 4, 4)
    texture.image.source, texture.image.filepath = "FILE", str(tmp_path / "cloth.png")
    shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    material.node_tree.links.new(texture.outputs[0], shader.inputs["Base Color"])
    character.meshes[0].data.materials.append(material)
    path = tmp_path / "dressed.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return path


def test_what_a_character_is_made_of_is_shown(dressed):
    result, events = run(dressed)
    text = "\n".join(event["text"] for event in events if event["type"] == "summary")
    assert "67 of 67 roles, by Mixamo's names; 3 other bones follow" in text
    assert "fingers: yes; bones of the eyes: yes" in text
    assert "chains that hang from the body: hair_left_1 (3 bones); 3 bones swing with motions" in text
    assert "cannot be read  Cloth" in text
    assert "expressions: eyeBlinkLeft, eyeBlinkRight, jawOpen" in text
    assert result["chains"] == {"hair_left_1": 3}
    assert result["textures"] == [{"name": "cloth.png", "material": "Cloth", "size": None}]
    assert {mesh["name"] for mesh in result["meshes"]} == {"Ningyo 1 body", "Ningyo 1 face"}
    (warning,) = [event["text"] for event in events if event["type"] == "warning"]
    assert "cloth.png" in warning
    assert result["problems"] == [warning]


def test_of_a_rig_alone_the_bones_are_shown(dressed, tmp_path):
    run(dressed, "--out", tmp_path / "rig.json")
    result, events = run(tmp_path / "rig.json")
    assert "meshes" not in result
    assert result["chains"] == {"hair_left_1": 3}
    assert any("67 of 67 roles" in event["text"] for event in events if event["type"] == "summary")


def test_what_is_not_humanoid_shows_its_parts_too(hero):
    result, _ = run(hero, "--map")
    assert {mesh["name"] for mesh in result["meshes"]} == {"Ningyo 1 body", "Ningyo 1 face"}
