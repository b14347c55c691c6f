# SPDX-License-Identifier: GPL-3.0-or-later
"""VRM 0.x and 1.0: which way they face, their expressions under ARKit's names, and MToon's textures. The files are made here."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from ningyo.synth_data.characters.vrm import read_vrm
from ningyo.synth_data.retarget.bone_map import VRM
from ningyo.synth_data.retarget.motion import Motion

bpy = pytest.importorskip("bpy")

from ningyo.synth_data.characters import cel  # noqa: E402
from ningyo.synth_data.characters.importing import load_character, rig_of  # noqa: E402
from ningyo.synth_data.retarget.apply import apply_motion  # noqa: E402

# A VRoid figure's keys are called otherwise than its expressions; here nothing can be told from the names.
KEYS = ("m0", "m1", "m2", "m3", "m4", "m5")
MEANT = {"blinkLeft": 0, "blinkRight": 1, "aa": 2, "happy": 3, "surprised": 4, "browInnerUp": 5}
IN_VERSION_0 = {"blinkLeft": "blink_l", "blinkRight": "blink_r", "aa": "a", "happy": "joy"}
BONES = {
    "hips": "hips", "spine": "spine", "spine1": "chest", "neck": "neck", "head": "head", "left_eye": "leftEye",
    **{f"{side}_{role}": side + bone for side in ("left", "right") for role, bone in {
        "upper_arm": "UpperArm", "forearm": "LowerArm", "hand": "Hand", "thigh": "UpperLeg", "shin": "LowerLeg", "foot": "Foot"}.items()},
}  # fmt: skip


def described(rig, version):
    """A change to a GLB that makes it a VRM of this version whose bones' names tell nothing."""

    def change(gltf):
        node = {entry["name"]: i for i, entry in enumerate(gltf["nodes"])}
        bones = {bone: node[rig.names[rig.index_of_role[role]]] for role, bone in BONES.items() if role in rig.index_of_role}
        for name in rig.names:
            gltf["nodes"][node[name]]["name"] = f"bone{node[name]}"
        face = gltf["nodes"][node["Face"]]["mesh"]
        for mesh in gltf["meshes"]:
            mesh.get("extras", {}).pop("targetNames", None)
        gltf["meshes"][face].setdefault("extras", {})["targetNames"] = list(KEYS)
        for material in gltf["materials"]:
            material["extensions"] = {"KHR_materials_unlit": {}}
            if version == 1:
                shade = {"shadeColorFactor": [0.5, 0.4, 0.6], "shadeMultiplyTexture": material["pbrMetallicRoughness"]["baseColorTexture"]}
                material["extensions"]["VRMC_materials_mtoon"] = {"specVersion": "1.0", **shade}
        used = ["KHR_materials_unlit", *(["VRMC_materials_mtoon", "VRMC_vrm"] if version else ["VRM"])]
        gltf["extensionsUsed"] = [*gltf.get("extensionsUsed", []), *used]
        extensions = gltf.setdefault("extensions", {})
        if version == 1:

            def expression(name, weight):
                return {"morphTargetBinds": [{"node": node["Face"], "index": MEANT[name], "weight": weight}]}

            extensions["VRMC_vrm"] = {
                "specVersion": "1.0",
                "humanoid": {"humanBones": {bone: {"node": index} for bone, index in bones.items()}},
                "expressions": {
                    "preset": {name: expression(name, 0.8 if name == "aa" else 1.0) for name in MEANT if name != "browInnerUp"},
                    "custom": {"BrowInnerUp": expression("browInnerUp", 1.0)},
                },
            }
        else:
            groups = [
                {"name": name.title(), "presetName": IN_VERSION_0.get(name, "unknown"),
                 "binds": [{"mesh": face, "index": number, "weight": 80 if name == "aa" else 100}]}
                for name, number in MEANT.items()
            ]  # fmt: skip
            groups[-1]["name"] = "BrowInnerUp"
            extensions["VRM"] = {
                "specVersion": "0.0",
                "humanoid": {"humanBones": [{"bone": bone, "node": index} for bone, index in bones.items()]},
                "blendShapeMaster": {"blendShapeGroups": groups},
                "materialProperties": [{"name": m["name"], "shader": "VRM/MToon"} for m in gltf["materials"]],
            }
            for root in gltf["scenes"][0]["nodes"]:
                gltf["nodes"][root]["rotation"] = [0, 1, 0, 0]  # VRM 0.x faces −Z

    return change


@pytest.fixture(params=[0, 1], ids=["VRM 0.x", "VRM 1.0"])
def vrm(request, person, change_glb, tmp_path):
    """(a VRM file, its rig by Mixamo's names)"""
    rig = person(keys=KEYS)
    bpy.ops.export_scene.gltf(filepath=str(tmp_path / "plain.glb"), export_format="GLB", export_animations=False)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return change_glb(tmp_path / "plain.glb", tmp_path / "hero.vrm", described(rig, request.param)), rig


def test_it_faces_the_camera_whatever_its_version(vrm):
    path, rig = vrm
    character = load_character(path)
    back = rig_of(character)
    assert back.recognised == VRM
    np.testing.assert_allclose(back.facing, (0, -1, 0), atol=1e-3)
    for role in set(BONES) & set(back.index_of_role):
        np.testing.assert_allclose(back.head(role), rig.head(role), atol=2e-4, err_msg=role)
    body = next(mesh for mesh in character.meshes if mesh.name == "Face")
    assert all((body.matrix_world @ v.co).y < 0 for v in body.data.vertices), "the meshes are turned with the bones"
    assert character.problems == []


def test_its_expressions_come_under_arkits_names(vrm, tmp_path):
    path, _ = vrm
    character = load_character(path)
    shown = ("eyeBlinkLeft", "eyeBlinkRight", "jawOpen", "mouthSmileLeft", "mouthSmileRight", "browInnerUp")
    assert character.survey.expressions == shown
    # A motion moves them, also after the character was saved and loaded again.
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "hero.blend"))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    character = load_character(tmp_path / "hero.blend")
    rig = rig_of(character)
    count = 5
    values = np.zeros((count, len(shown)))
    values[2] = (1.0, 0.25, 0.5, 0.6, 0.2, 0.75)
    still = np.zeros((count, len(rig.names), 4))
    still[..., 0] = 1
    zeros = np.zeros(count)
    motion = Motion(
        24.0, rig.names, np.arange(count) / 24, still, np.tile(rig.head("hips"), (count, 1)), np.zeros((count, 4)), zeros, zeros,
        rig.name, rig.source_sha256, None,
    )  # fmt: skip
    motion = dataclasses.replace(motion, expressions=shown, expression=values)
    bpy.context.scene.render.fps = 24
    apply_motion(character.armature, motion)
    keys = next(mesh for mesh in character.meshes if mesh.data.shape_keys).data.shape_keys.key_blocks
    bpy.context.scene.frame_set(3)
    np.testing.assert_allclose([keys[name].value for name in KEYS], (1.0, 0.25, 0.8 * 0.5, 0.4, 0.0, 0.75), atol=1e-5)


def test_mtoons_textures_are_seen_in_the_cel_look(vrm):
    path, _ = vrm
    character = load_character(path)
    assert {(t.material, t.size) for t in character.survey.textures} == {("skin", (16, 16)), ("cloth", (16, 16))}
    cel.apply_cel_look(character.meshes)
    copies = [material for material in bpy.data.materials if material.name.endswith(" cel")]
    assert len(copies) == 2
    for copy in copies:
        light = next(node for node in copy.node_tree.nodes if node.type == "GROUP" and "Base" in node.inputs)
        assert light.inputs["Base"].links[0].from_node.type == "TEX_IMAGE"


def test_what_is_damaged_is_left_out(vrm, change_glb, tmp_path):
    path, _ = vrm

    def harm(gltf):
        if "VRM" in gltf["extensions"]:
            groups = gltf["extensions"]["VRM"]["blendShapeMaster"]["blendShapeGroups"]
            groups[0]["binds"] = [{"mesh": 99, "index": 0}, {"mesh": "x"}, None, {"mesh": 0, "index": 99, "weight": 100}]
            groups[1] = None
        else:
            preset = gltf["extensions"]["VRMC_vrm"]["expressions"]["preset"]
            preset["blinkLeft"]["morphTargetBinds"] = [{"node": 99, "index": 0}, {"node": "x"}, None, {"node": 0, "index": 99}]
            preset["blinkRight"]["morphTargetBinds"] = None

    harmed = change_glb(path, tmp_path / "harmed.vrm", harm)
    said = {one.name for keys in read_vrm(harmed).expressions.values() for ones in keys.values() for one in ones}
    assert {"aa", "a"} & said
    assert not {name for name in said if "blink" in name}
    assert "jawOpen" in load_character(harmed).survey.expressions


@pytest.mark.parametrize("content", [b"", b"glTF", b"not a glTF at all, but longer than a header"])
def test_other_files_are_no_vrm(tmp_path, content):
    (tmp_path / "some.vrm").write_bytes(content)
    assert read_vrm(tmp_path / "some.vrm") is None


def test_targets_that_move_nothing_are_not_counted(tmp_path, change_glb):
    gltf = {
        "meshes": [{"name": "Face", "primitives": [{"targets": [{"NORMAL": 0}, {"POSITION": 1}, {"POSITION": 2}]}]}],
        "nodes": [{"mesh": 0}],
        "extensions": {"VRMC_vrm": {"expressions": {"preset": {"aa": {"morphTargetBinds": [{"node": 0, "index": 2, "weight": 1}]},
                                                               "oh": {"morphTargetBinds": [{"node": 0, "index": 0, "weight": 1}]}}}}},
    }  # fmt: skip
    empty = tmp_path / "empty.glb"
    text = json.dumps({}).encode() + b"  "
    empty.write_bytes(
        b"glTF" + (2).to_bytes(4, "little") + (20 + len(text)).to_bytes(4, "little") + len(text).to_bytes(4, "little") + b"JSON" + text
    )
    path = change_glb(empty, tmp_path / "face.vrm", lambda there: there.update(gltf))
    assert {number: [tuple(one) for one in said] for number, said in read_vrm(path).expressions["Face"].items()} == {1: [("aa", 1.0)]}
