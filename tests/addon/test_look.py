# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Blender is looked for first)
"""The cel look's buttons: on and off for the selected character, with undo and words where they cannot."""

from __future__ import annotations

from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

from ningyo.addon.character import export_character
from ningyo.addon.look_panel import NINGYO_PT_look
from ningyo.synth_data.characters import cel
from ningyo.synth_data.characters.builtin import build_character


@pytest.fixture
def hero(addon: Any) -> Any:
    """An armature that carries two meshes with a material each; nothing is selected."""
    scene = bpy.context.scene
    armature = bpy.data.objects.new("Hero", bpy.data.armatures.new("Hero"))
    scene.collection.objects.link(armature)
    for name in ("Body", "Hair"):
        data = bpy.data.meshes.new(name)
        data.from_pydata([(0, 0, 0), (1, 0, 0), (1, 0, 2), (0, 0, 2)], [], [(0, 1, 2, 3)])
        data.materials.append(bpy.data.materials.new(name))
        mesh = bpy.data.objects.new(name, data)
        scene.collection.objects.link(mesh)
        mesh.parent = armature
        mesh.modifiers.new("Armature", "ARMATURE").object = armature
    bpy.context.view_layer.update()
    return armature


def select(*objects: Any) -> None:
    for obj in bpy.context.scene.objects:
        obj.select_set(obj in objects)


def meshes() -> list[Any]:
    return [bpy.data.objects["Body"], bpy.data.objects["Hair"]]


@pytest.mark.parametrize("chosen", ["Hero", "Hair"])
def test_on_and_off_for_the_whole_character(hero: Any, chosen: str) -> None:
    select(bpy.data.objects[chosen])
    before = [m.name for m in bpy.data.materials]
    assert not bpy.ops.ningyo.remove_cel_look.poll()
    assert bpy.ops.ningyo.cel_look(tones="3", width=2.0) == {"FINISHED"}
    assert all(map(cel.has_cel_look, meshes()))
    assert cel.outline_width(meshes()) == pytest.approx(2 * 0.0018 * 2)
    assert bpy.ops.ningyo.cel_look(outline=False) == {"FINISHED"}
    assert cel.outline_width(meshes()) is None
    assert bpy.ops.ningyo.remove_cel_look() == {"FINISHED"}
    assert not any(map(cel.has_cel_look, meshes()))
    assert [m.name for m in bpy.data.materials] == before
    assert [[m.type for m in mesh.modifiers] for mesh in meshes()] == [["ARMATURE"], ["ARMATURE"]]


def test_it_can_be_undone(hero: Any) -> None:
    select(hero)
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.ningyo.cel_look()
    bpy.ops.ed.undo_push(message="after")
    bpy.ops.ed.undo()
    assert not any(map(cel.has_cel_look, meshes()))
    bpy.ops.ed.redo()
    assert all(map(cel.has_cel_look, meshes()))
    assert {"REGISTER", "UNDO"} <= bpy.types.NINGYO_OT_cel_look.bl_options


def test_without_a_character_the_buttons_say_why(hero: Any, drawn: Any) -> None:
    select()
    for operator in (bpy.ops.ningyo.cel_look, bpy.ops.ningyo.remove_cel_look):
        assert not operator.poll()
        with pytest.raises(RuntimeError, match="Select a character"):
            operator()
    select(hero)
    with pytest.raises(RuntimeError, match="has no cel look"):
        bpy.ops.ningyo.remove_cel_look()
    built = build_character(0)
    select(built.armature)
    with pytest.raises(RuntimeError, match="Built-in characters have no other look"):
        bpy.ops.ningyo.remove_cel_look()
    assert bpy.ops.ningyo.cel_look(width=2.0) == {"FINISHED"}
    assert cel.outline_width(built.meshes) == pytest.approx(2 * cel.default_width(built.meshes))


def test_a_linked_character_is_refused_in_words(hero: Any, tmp_path: Any) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"), copy=True)
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, wanted):
        wanted.objects = ["Body", "Hair", "Hero"]
    for obj in wanted.objects:
        bpy.context.scene.collection.objects.link(obj)
    select(wanted.objects[2])
    with pytest.raises(RuntimeError, match="linked from another file"):
        bpy.ops.ningyo.cel_look()


def test_the_panel_shows_the_light_once_there_is_one(hero: Any, drawn: Any) -> None:
    select(hero)
    assert "Light, from above" not in drawn(NINGYO_PT_look)
    bpy.ops.ningyo.cel_look()
    assert "Light, from above" in drawn(NINGYO_PT_look)
    bpy.context.scene.view_settings.view_transform = "AgX"
    assert any("Standard" in text for text in drawn(NINGYO_PT_look))


def test_the_worker_gets_the_characters_own_materials(hero: Any, tmp_path: Any) -> None:
    """Rendering puts the look on by itself; with it, colours and textures would be lost in the GLB."""
    select(hero)
    bpy.ops.ningyo.cel_look()
    export_character(bpy.context, hero, tmp_path / "hero.glb")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(tmp_path / "hero.glb"))
    assert {m.name for m in bpy.data.materials} == {"Body", "Hair"}
    assert {len(mesh.data.vertices) for mesh in meshes()} == {4}
