# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters whose bones' names say nothing: VRM files, bone maps beside the file, and what the VRM add-on keeps."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from ningyo.errors import UserError
from ningyo.jobs.progress import Reporter
from ningyo.synth_data.retarget.bone_map import MAP, STRUCTURE, VRM, BoneMap, map_beside

bpy = pytest.importorskip("bpy")

from ningyo.synth_data.characters.builtin import build_character  # noqa: E402
from ningyo.synth_data.characters.examine import examine  # noqa: E402
from ningyo.synth_data.characters.humanoid import save_roles_beside  # noqa: E402
from ningyo.synth_data.characters.importing import load_character, read_rig, rig_for  # noqa: E402

VRM_NAMES = {"spine1": "chest", "spine2": "upperChest", "forearm": "LowerArm", "thigh": "UpperLeg", "shin": "LowerLeg", "toe": "Toes"}
SEGMENTS = ("Proximal", "Intermediate", "Distal")


def vrm_name(role):
    """VRM 0.x's humanoid bone of one of our roles."""
    if role in ("hips", "spine", "neck", "head") or role in VRM_NAMES:
        return VRM_NAMES.get(role, role)
    side, _, part = role.partition("_")
    if part[:-1] in ("thumb", "index", "middle", "ring", "pinky"):
        return f"{side}{'Little' if part.startswith('pinky') else part[:-1].capitalize()}{SEGMENTS[int(part[-1]) - 1]}"
    return side + VRM_NAMES.get(part, "".join(word.capitalize() for word in part.split("_")))


@pytest.fixture(scope="module")
def hero(tmp_path_factory):
    """(a GLB of a built-in character, its rig)"""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    built = build_character(3)
    bpy.context.view_layer.update()
    rig = read_rig(built.armature, name="hero")
    path = tmp_path_factory.mktemp("hero") / "hero.glb"
    bpy.ops.export_scene.gltf(filepath=str(path), export_format="GLB", export_animations=False)
    return path, rig


def rewritten(source, path, change):
    """The GLB `source` with `change` applied to its JSON, as `path`."""
    data = source.read_bytes()
    length = struct.unpack_from("<I", data, 12)[0]
    gltf = json.loads(data[20 : 20 + length])
    change(gltf)
    text = json.dumps(gltf).encode()
    text += b" " * (-len(text) % 4)
    rest = data[20 + length :]
    path.write_bytes(struct.pack("<4sIII4s", b"glTF", 2, 20 + len(text) + len(rest), len(text), b"JSON") + text + rest)
    return path


def nameless(rig, *, vrm=None):
    """A change to a GLB that takes the bones' names away, and describes them as a VRM of this version."""

    def change(gltf):
        node = {entry["name"]: i for i, entry in enumerate(gltf["nodes"])}
        bones = {vrm_name(b.role): node[b.name] for b in rig.bones if b.role and b.role[-1] != "4" and "_end" not in b.role}
        for name in rig.names:
            gltf["nodes"][node[name]]["name"] = f"node{node[name]}"
        if vrm == 0:
            humanoid = {"humanBones": [{"bone": bone, "node": index, "useDefaultValues": True} for bone, index in bones.items()]}
            gltf.setdefault("extensions", {})["VRM"] = {"specVersion": "0.0", "humanoid": humanoid}
            for root in gltf["scenes"][0]["nodes"]:
                gltf["nodes"][root]["rotation"] = [0, 1, 0, 0]  # VRM 0.x faces −Z
        elif vrm == 1:
            for side in ("left", "right"):
                thumb = [bones.pop(f"{side}Thumb{segment}") for segment in SEGMENTS]
                bones.update(zip((f"{side}Thumb{segment}" for segment in ("Metacarpal", "Proximal", "Distal")), thumb, strict=True))
            humanoid = {"humanBones": {bone: {"node": index} for bone, index in bones.items()}}
            gltf.setdefault("extensions", {})["VRMC_vrm"] = {"specVersion": "1.0", "humanoid": humanoid}
        if vrm is not None:
            gltf.setdefault("extensionsUsed", []).append("VRM" if vrm == 0 else "VRMC_vrm")

    return change


@pytest.mark.parametrize("version", [0, 1])
def test_a_vrm_file_describes_its_own_bones(hero, empty_blender, tmp_path, version):
    source, rig = hero
    path = rewritten(source, tmp_path / "hero.vrm", nameless(rig, vrm=version))
    character = load_character(path)
    back = read_rig(character.armature)
    assert back.recognised == VRM
    described = {b.role for b in rig.bones if b.role and b.role[-1] != "4" and "_end" not in b.role}
    assert set(back.index_of_role) == described
    for role in described:
        np.testing.assert_allclose(back.head(role), rig.head(role), atol=2e-4, err_msg=role)


def test_the_description_outlives_saving(hero, empty_blender, tmp_path):
    source, rig = hero
    load_character(rewritten(source, tmp_path / "hero.vrm", nameless(rig, vrm=1)))
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert rig_for(tmp_path / "scene.blend").recognised == VRM


def test_a_map_beside_the_file_is_found_by_itself(hero, empty_blender, tmp_path):
    source, rig = hero
    path = rewritten(source, tmp_path / "hero.glb", nameless(rig))
    found = examine(path)
    names, recognition = found.bones, found.recognition
    assert recognition.how == STRUCTURE
    mended = {role: names[index] for role, index in recognition.role_index.items()} | {"left_shoulder": None}
    BoneMap(mended).save(map_beside(path))
    back = rig_for(path)
    assert back.recognised == MAP
    assert "left_shoulder" not in back.index_of_role
    armature = load_character(path).armature
    path.unlink()
    assert read_rig(armature).index_of_role == back.index_of_role

    BoneMap({"left_hand": "Claw"}).save(tmp_path / "hero.bones.json")
    rewritten(source, path, nameless(rig))
    with pytest.raises(UserError, match=r"hero\.bones\.json gives left_hand the bone 'Claw'"):
        load_character(path)


def test_what_names_do_not_tell_goes_with_an_exported_file(hero, empty_blender, tmp_path):
    source, rig = hero
    armature = load_character(rewritten(source, tmp_path / "hero.vrm", nameless(rig, vrm=1))).armature
    wanted = read_rig(armature).index_of_role
    bpy.ops.export_scene.gltf(filepath=str(tmp_path / "copy.glb"), export_format="GLB", export_animations=False)
    save_roles_beside(armature, tmp_path / "copy.glb")
    back = rig_for(tmp_path / "copy.glb")
    assert back.recognised == MAP
    assert set(back.index_of_role) == set(wanted)
    save_roles_beside(load_character(source).armature, tmp_path / "copy.glb")
    assert not map_beside(tmp_path / "copy.glb").exists()


def test_structure_is_used_with_a_warning(hero, empty_blender, tmp_path):
    source, rig = hero
    path = rewritten(source, tmp_path / "hero.glb", nameless(rig))
    events = []
    back = rig_for(path, report=Reporter(events.append))
    assert back.recognised == STRUCTURE
    assert [event["type"] for event in events] == ["warning"]
    for role in ("hips", "head", "left_hand", "right_foot", "left_shin"):
        np.testing.assert_allclose(back.head(role), rig.head(role), atol=2e-4, err_msg=role)


def test_a_rig_remembers_how_it_was_recognised(hero, empty_blender, tmp_path):
    source, rig = hero
    rig_for(rewritten(source, tmp_path / "hero.glb", nameless(rig))).save(tmp_path / "rig.json")
    events = []
    assert rig_for(tmp_path / "rig.json", report=Reporter(events.append)).recognised == STRUCTURE
    assert events


def test_a_mirrored_object_is_seen_mirrored(hero, empty_blender):
    source, rig = hero
    armature = load_character(source).armature
    armature.scale = (-1, 1, 1)
    bpy.context.view_layer.update()
    back = read_rig(armature)
    assert back.bones[back.index_of_role["left_hand"]].name == "mixamorig:RightHand"
    np.testing.assert_allclose(back.head("left_hand"), rig.head("left_hand"), atol=2e-4)
    np.testing.assert_allclose(back.facing, (0, -1, 0), atol=0.05)


def test_what_the_vrm_addon_keeps_is_read(hero, empty_blender, tmp_path):
    """The add-on's properties, registered here under its names."""

    def group(name, **properties):
        return type(name, (bpy.types.PropertyGroup,), {"__annotations__": properties})

    def one(cls):
        return bpy.props.PointerProperty(type=cls)

    node = group("Node", bone_name=bpy.props.StringProperty())
    bpy.utils.register_class(node)
    human_bone = group("HumanBone", bone=bpy.props.StringProperty(), node=one(node))
    bpy.utils.register_class(human_bone)
    humanoid = group("Humanoid", human_bones=bpy.props.CollectionProperty(type=human_bone))
    bpy.utils.register_class(humanoid)
    vrm0 = group("Vrm0", humanoid=one(humanoid))
    bpy.utils.register_class(vrm0)
    extension = group("Extension", vrm0=one(vrm0))
    bpy.utils.register_class(extension)
    source, rig = hero
    armature = load_character(source).armature
    bpy.types.Armature.vrm_addon_extension = bpy.props.PointerProperty(type=extension)
    try:
        for number, bone in enumerate(list(armature.data.bones)):
            role = rig.bones[rig.names.index(bone.name)].role
            bone.name = f"bone {number}"
            if role and role[-1] != "4" and "_end" not in role:
                entry = armature.data.vrm_addon_extension.vrm0.humanoid.human_bones.add()
                entry.bone, entry.node.bone_name = vrm_name(role), bone.name
        back = read_rig(armature)
        assert back.recognised == VRM
        np.testing.assert_allclose(back.head("left_index2"), rig.head("left_index2"), atol=2e-4)
    finally:
        del bpy.types.Armature.vrm_addon_extension
        for cls in (extension, vrm0, humanoid, human_bone, node):
            bpy.utils.unregister_class(cls)
