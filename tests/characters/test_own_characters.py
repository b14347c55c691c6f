# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters as Mixamo makes them: textures, several meshes and materials, scales, prefixes, with and without fingers and eyes."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from ningyo.synth_data.characters import cel  # noqa: E402
from ningyo.synth_data.characters.importing import load_character, rig_of  # noqa: E402

SKIN, CLOTH = (0.9, 0.6, 0.5), (0.1, 0.2, 0.7)
KINDS = ("fbx", "packed fbx", "glb", "gltf", "blend")


def export(folder, kind):
    """The character in Blender as a file of its own, in `folder`."""
    folder.mkdir(exist_ok=True)
    path = folder / f"hero.{kind.split()[-1]}"
    if path.suffix == ".fbx":
        packed = kind.startswith("packed")
        bpy.ops.export_scene.fbx(
            filepath=str(path), add_leaf_bones=False, path_mode="COPY" if packed else "RELATIVE", embed_textures=packed
        )
    elif path.suffix == ".blend":
        bpy.ops.wm.save_as_mainfile(filepath=str(path), relative_remap=True)
    else:
        bpy.ops.export_scene.gltf(filepath=str(path), export_format="GLB" if kind == "glb" else "GLTF_SEPARATE")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return path


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("prefix", "without"),
    [("mixamorig:", ()), ("mixamorig1:", ("thumb", "index", "middle", "ring", "pinky")), ("mixamorig9_", ()), ("", ("toe_end",))],
)
def test_it_comes_with_its_meshes_materials_and_pictures(person, tmp_path, kind, prefix, without):
    rig = person(prefix=prefix, without=without)
    character = load_character(export(tmp_path, kind))
    back = rig_of(character)
    assert set(back.index_of_role) == set(rig.index_of_role)
    for role in rig.index_of_role:
        np.testing.assert_allclose(back.head(role), rig.head(role), atol=2e-4, err_msg=role)
    survey = character.survey
    assert {(part.name, part.materials) for part in survey.meshes} == {("Body", ("skin", "cloth")), ("Face", ("skin",))}
    assert {(t.name.removesuffix(".png"), t.material, t.size) for t in survey.textures} == {
        ("skin", "skin", (16, 16)),
        ("cloth", "cloth", (16, 16)),
    }
    assert character.unreadable == []
    assert [problem for problem in character.problems if "face will not move" not in problem] == []


@pytest.mark.parametrize("kind", ["fbx", "glb"])
def test_the_cel_look_shows_its_pictures(person, tmp_path, view, kind):
    person()
    path = export(tmp_path, kind)
    character = load_character(path)
    cel.apply_cel_look(character.meshes, outline=False)
    scene = bpy.context.scene
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location, camera.rotation_euler = (0, -5, 1.0), (np.pi / 2, 0, 0)
    camera.data.type, camera.data.ortho_scale = "ORTHO", 2.0
    scene.collection.objects.link(camera)
    scene.camera, scene.render.engine, scene.cycles.samples = camera, "CYCLES", 1
    scene.render.resolution_x = scene.render.resolution_y = 40
    scene.render.film_transparent, scene.view_settings.view_transform = True, "Standard"
    scene.render.filepath = str(tmp_path / "hero.png")
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(scene.render.filepath)
    pixels = np.array(image.pixels[:]).reshape(40, 40, 4)  # from below
    np.testing.assert_allclose(pixels[10, 20, :3], CLOTH, atol=0.02)
    np.testing.assert_allclose(pixels[25, 20, :3], SKIN, atol=0.02)


def missing(path):
    path.unlink()


def no_picture(path):
    path.write_bytes(b"no picture")


@pytest.mark.parametrize("harm", [missing, no_picture])
@pytest.mark.parametrize("kind", ["fbx", "gltf", "blend"])
def test_a_picture_that_cannot_be_read_is_named(person, tmp_path, kind, harm):
    person()
    path = export(tmp_path, kind)
    harm(tmp_path / "cloth.png")
    shutil.rmtree(tmp_path / "hero.fbm", ignore_errors=True)
    character = load_character(path)
    (sentence,) = character.unreadable
    assert "cloth" in sentence
    assert "cannot be read" in sentence
    assert "skin" not in sentence
    packed = kind == "gltf" and harm is no_picture  # Blender's importer packs what it finds
    assert ("export the character again" if packed else str(tmp_path / "cloth.png")) in sentence
    assert sentence in character.problems


def test_a_damaged_picture_in_a_glb_is_named(person, tmp_path):
    person()
    path = export(tmp_path, "glb")
    data = bytearray(path.read_bytes())
    start = data.find(b"\x89PNG")
    data[start : start + 40] = b"?" * 40
    path.write_bytes(data)
    assert len(load_character(path).unreadable) == 1


def test_pictures_that_are_not_seen_do_not_matter(person, tmp_path):
    """A normal map that is lost changes nothing of the look."""
    person()
    material = bpy.data.materials["skin"]
    nodes, links = material.node_tree.nodes, material.node_tree.links
    texture, normal = nodes.new("ShaderNodeTexImage"), nodes.new("ShaderNodeNormalMap")
    texture.image = bpy.data.images.new("bumps", 4, 4)
    texture.image.source, texture.image.filepath = "FILE", str(tmp_path / "bumps.png")
    links.new(texture.outputs[0], normal.inputs["Color"])
    links.new(normal.outputs[0], nodes["Principled BSDF"].inputs["Normal"])
    character = load_character(export(tmp_path, "blend"))
    assert character.unreadable == []


def test_a_character_without_a_face_says_so(person, tmp_path):
    person()
    path = export(tmp_path, "glb")
    assert any("no shape keys for expressions" in problem for problem in load_character(path).problems)


def test_a_character_with_a_face_tells_its_expressions(person, tmp_path):
    person(keys=("eyeBlink_L", "eyeBlink_R", "Fcl_MTH_A", "hat off"))
    character = load_character(export(tmp_path, "fbx"))
    assert character.survey.expressions == ("eyeBlinkLeft", "eyeBlinkRight", "jawOpen")
    assert character.problems == []


def test_a_character_that_faces_elsewhere_says_so(person, tmp_path):
    person(keys=("jawOpen",), heading=np.pi / 2)
    (problem,) = load_character(export(tmp_path, "glb")).problems
    assert "faces +X" in problem


def test_skeletons_without_skin_say_so(person, tmp_path):
    person()
    for item in [item for item in bpy.data.objects if item.type == "MESH"]:
        bpy.data.objects.remove(item)
    (problem,) = load_character(export(tmp_path, "glb")).problems
    assert "no mesh" in problem
