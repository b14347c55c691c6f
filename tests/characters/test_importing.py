# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters from files of each kind: a built-in one is exported, and must come back with the rig it had."""

from __future__ import annotations

import numpy as np
import pytest
from ningyo.errors import UserError

bpy = pytest.importorskip("bpy")

from ningyo.synth_data.characters.builtin import build_character  # noqa: E402
from ningyo.synth_data.characters.importing import load_character, read_rig, rig_for, rig_of  # noqa: E402

KINDS = ("glb", "gltf", "fbx", "blend")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """({kind: path}, the rig they hold)"""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    folder = tmp_path_factory.mktemp("files")
    built = build_character(3)
    bpy.context.view_layer.update()
    rig = read_rig(built.armature, name="hero")
    light = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
    bpy.context.scene.collection.objects.link(light)
    paths = {kind: folder / f"hero.{kind}" for kind in KINDS}
    bpy.ops.export_scene.gltf(filepath=str(paths["glb"]), export_format="GLB")
    bpy.ops.export_scene.gltf(filepath=str(paths["gltf"]), export_format="GLTF_SEPARATE")
    bpy.ops.export_scene.fbx(filepath=str(paths["fbx"]), add_leaf_bones=False)
    bpy.ops.wm.save_as_mainfile(filepath=str(paths["blend"]))
    rig.save(folder / "hero.json")
    return paths, rig


def names_of_data():
    return {
        name: sorted(item.name for item in getattr(bpy.data, name)) for name in ("objects", "collections", "meshes", "armatures", "lights")
    }


@pytest.mark.parametrize("kind", KINDS)
def test_the_rig_survives_the_file(files, empty_blender, kind):
    paths, rig = files
    character = load_character(paths[kind])
    back = rig_of(character)
    assert character.name == "hero"
    assert character.source_name == f"hero.{kind}"
    assert len(character.source_sha256) == 64
    assert character.meshes
    assert set(back.index_of_role) == set(rig.index_of_role)
    for role in rig.index_of_role:
        np.testing.assert_allclose(back.head(role), rig.head(role), atol=2e-4, err_msg=role)
    assert not bpy.data.lights
    assert {obj.name for obj in character.armature.users_collection[0].objects} >= {obj.name for obj in character.meshes}


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_the_users_changes(files, empty_blender, kind):
    paths, _ = files
    scene = bpy.context.scene
    cube = bpy.data.objects.new("Cube", bpy.data.meshes.new("Cube"))
    scene.collection.objects.link(cube)
    cube.select_set(True)
    bpy.context.view_layer.objects.active = cube
    scene.render.fps, scene.frame_start, scene.frame_end = 29, 7, 77
    scene.frame_set(33)
    character = load_character(paths[kind])
    assert bpy.context.view_layer.objects.active == cube
    assert [obj.name for obj in bpy.context.selected_objects] == ["Cube"]
    assert (scene.render.fps, scene.frame_start, scene.frame_end, scene.frame_current) == (29, 7, 77, 33)
    assert cube not in (character.armature, *character.meshes)


@pytest.mark.parametrize("spec", [*KINDS, "json", "builtin"])
def test_reading_a_rig_leaves_nothing_behind(files, empty_blender, spec):
    paths, rig = files
    before = names_of_data()
    path = "builtin:3" if spec == "builtin" else paths["glb"].with_suffix(f".{spec}")
    back = rig_for(path)
    assert names_of_data() == before
    assert back.leg_length == pytest.approx(rig.leg_length, abs=1e-3)
    assert back.height == pytest.approx(rig.height, abs=1e-3)


def test_two_loads_are_two_characters(files, empty_blender):
    paths, _ = files
    first, second = load_character(paths["glb"]), load_character(paths["glb"])
    assert first.armature != second.armature
    assert not {m.name for m in first.meshes} & {m.name for m in second.meshes}
    assert first.source_sha256 == second.source_sha256


def test_a_character_comes_at_rest_and_keeps_its_actions(files, empty_blender, tmp_path):
    paths, rig = files
    character = load_character(paths["blend"])
    hips = character.armature.pose.bones[rig.names[rig.index_of_role["hips"]]]
    hips.location = (0, 1, 0)
    hips.keyframe_insert("location", frame=1)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "moving.blend"))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    again = load_character(tmp_path / "moving.blend")
    assert len(bpy.data.actions) == 1
    pose = again.armature.evaluated_get(bpy.context.evaluated_depsgraph_get()).pose
    np.testing.assert_allclose(pose.bones[rig.names[rig.index_of_role["hips"]]].location, 0, atol=1e-6)


def test_of_several_armatures_the_humanoid_one(files, empty_blender, tmp_path):
    paths, rig = files
    load_character(paths["blend"])
    props = bpy.data.armatures.new("Props")
    crane = bpy.data.objects.new("Crane", props)
    bpy.context.scene.collection.objects.link(crane)
    bpy.context.view_layer.objects.active = crane
    bpy.ops.object.mode_set(mode="EDIT")
    props.edit_bones.new("Hook").tail = (0, 0, 1)
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "two.blend"))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    character = load_character(tmp_path / "two.blend")
    assert len(character.armature.data.bones) == len(rig.bones)
    assert "Crane" not in bpy.data.objects


def export_without_rig(path, humanoid):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    data = bpy.data.armatures.new("Tail") if humanoid is not None else bpy.data.meshes.new("Rock")
    obj = bpy.data.objects.new(data.name, data)
    bpy.context.scene.collection.objects.link(obj)
    if humanoid is not None:
        bpy.context.view_layer.objects.active = obj
        bpy.ops.object.mode_set(mode="EDIT")
        data.edit_bones.new("Hips").tail = (0, 0, 1)
        bpy.ops.object.mode_set(mode="OBJECT")
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.read_factory_settings(use_empty=True)


def test_unfit_files_are_named_in_one_sentence_and_leave_nothing(empty_blender, tmp_path):
    export_without_rig(tmp_path / "rock.blend", None)
    export_without_rig(tmp_path / "tail.blend", False)
    for kind in ("glb", "gltf", "fbx", "blend"):
        (tmp_path / f"text.{kind}").write_text("hello")
    (tmp_path / "hero.obj").write_text("")
    cases = {
        "missing.glb": "no file",
        "hero.obj": "not a character's file",
        "rock.blend": "no armature",
        "tail.blend": r"not a humanoid .*spine",
        **{f"text.{kind}": "cannot read" for kind in ("glb", "gltf", "fbx", "blend")},
    }
    before = names_of_data()
    for name, words in cases.items():
        with pytest.raises(UserError, match=words):
            load_character(tmp_path / name)
        assert names_of_data() == before, name
    with pytest.raises(UserError, match="seed"):
        load_character("builtin:red")
