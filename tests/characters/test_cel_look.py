# SPDX-License-Identifier: GPL-3.0-or-later
"""The cel look put on and taken away: what is seen of each slot, and that everything is as it was afterwards."""

from __future__ import annotations

import numpy as np
import pytest
from ningyo.errors import UserError

bpy = pytest.importorskip("bpy")

from ningyo.synth_data.characters import cel  # noqa: E402
from ningyo.synth_data.characters.builtin import build_character  # noqa: E402

COLOURS = ((0.8, 0.1, 0.1), (0.1, 0.6, 0.1), (0.1, 0.2, 0.9), (0.7, 0.7, 0.1))


@pytest.fixture
def paints(empty_blender):
    """Four materials that show their colour whatever the light: with the look (in its light) and without it they are the same."""
    made = []
    for number, colour in enumerate(COLOURS):
        material = bpy.data.materials.new(f"Paint {number}")
        if bpy.app.version < (5, 0, 0):
            material.use_nodes = True
        tree = material.node_tree
        tree.nodes.clear()
        light, output = tree.nodes.new("ShaderNodeEmission"), tree.nodes.new("ShaderNodeOutputMaterial")
        light.inputs["Color"].default_value = (*colour, 1.0)
        tree.links.new(light.outputs[0], output.inputs[0])
        made.append(material)
    return made


def all_slots_of_the_mesh(plane, paints):
    return plane(*paints)


def all_slots_of_the_object(plane, paints):
    """The mesh's own slots are empty; one of them twice."""
    item = plane(None, None, None, None)
    for slot, paint in zip(item.material_slots, [*paints[:3], paints[0]], strict=True):
        slot.link, slot.material = "OBJECT", paint
    return item


def some_slots_of_the_object(plane, paints):
    """What the mesh has beneath is something else."""
    item = plane(paints[3], paints[3], paints[1], paints[1])
    for number in (0, 3):
        item.material_slots[number].link, item.material_slots[number].material = "OBJECT", paints[number]
    item.material_slots[0].link = "DATA"  # what the object has is kept beneath in turn
    return item


def one_material_twice(plane, paints):
    return plane(paints[0], paints[1], paints[0], paints[2])


def fewer_slots_than_indices(plane, paints):
    item = plane(*paints)
    index = [face.material_index for face in item.data.polygons]
    item.data.materials.clear()
    for paint in paints[:2]:
        item.data.materials.append(paint)
    item.data.polygons.foreach_set("material_index", index)
    return item


SLOTS = [all_slots_of_the_mesh, all_slots_of_the_object, some_slots_of_the_object, one_material_twice, fewer_slots_than_indices]


@pytest.mark.parametrize("outline", [True, False])
@pytest.mark.parametrize("slots", SLOTS)
def test_every_slot_shows_its_material_and_comes_back(view, plane, paints, snapshot, slots, outline):
    item = slots(plane, paints)
    bare, before = view.render(), snapshot()
    assert bare[1:-1, 1:-1, 3].min() > 0.99
    cel.apply_cel_look([item], outline=outline)
    np.testing.assert_allclose(view.render(), bare, atol=0.01)
    cel.apply_cel_look([item], outline=outline, pixel_size=0.01)  # again
    np.testing.assert_allclose(view.render(), bare, atol=0.01)
    cel.set_light((0, 1, 0))
    assert (view.render()[..., :3].sum(-1) < bare[..., :3].sum(-1) - 0.1).all(), "all are in shade"
    assert snapshot()["objects"][item.name]["slots"] == before["objects"][item.name]["slots"]
    cel.remove_cel_look([item])
    cel.remove_cel_look([item])
    assert snapshot() == before
    np.testing.assert_allclose(view.render(), bare, atol=0.01)


@pytest.mark.parametrize("slots", SLOTS)
def test_it_comes_back_from_a_saved_file(view, plane, paints, snapshot, slots, tmp_path):
    name = slots(plane, paints).name
    for paint in paints:  # what nothing uses is not saved
        paint.use_fake_user = True
    before = snapshot()
    cel.apply_cel_look([bpy.data.objects[name]])
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "cel.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "cel.blend"))
    item = bpy.data.objects[name]
    assert cel.has_cel_look(item)
    cel.remove_cel_look([item])
    assert snapshot() == before


@pytest.mark.parametrize("slots", [(), (None,)])
def test_no_material_is_light_grey(view, plane, snapshot, slots):
    item = plane(*slots)
    before = snapshot()
    cel.apply_cel_look([item])
    np.testing.assert_allclose(view.render()[4, 4], (0.906, 0.906, 0.906, 1), atol=0.01)
    cel.remove_cel_look([item])
    assert snapshot() == before


def test_a_mesh_that_two_objects_share_changes_for_one_alone(view, plane, paints, snapshot):
    item = plane(*paints)
    other = bpy.data.objects.new("Twin", item.data)
    other.location.x = 3
    view.scene.collection.objects.link(other)
    before = snapshot()
    twin = before["objects"]["Twin"]
    cel.apply_cel_look([item])
    assert snapshot()["objects"]["Twin"] == twin
    cel.apply_cel_look([other])
    cel.remove_cel_look([item])
    assert cel.has_cel_look(other)
    cel.remove_cel_look([item, other])
    assert snapshot() == before


def test_objects_share_the_copies_of_their_materials(plane, paints):
    first, second = plane(paints[0]), plane(paints[0])
    cel.apply_cel_look([first, second])
    assert sorted(m.name for m in bpy.data.materials if m.name.endswith(" cel")) == ["Paint 0 cel"]


def test_what_was_added_meanwhile_is_kept(view, plane, paints):
    item = plane(*paints[:2])
    cel.apply_cel_look([item])
    item.modifiers.new("Mine", "SUBSURF")
    item.data.materials.append(paints[2])
    item.vertex_groups.new(name="Mine")
    cel.remove_cel_look([item])
    assert [m.name for m in item.modifiers] == ["Mine"]
    assert [s.material for s in item.material_slots] == paints[:3]
    assert "Mine" in item.vertex_groups


def test_the_look_is_made_anew_from_changed_materials(view, plane, paints):
    item = plane(paints[0])
    cel.apply_cel_look([item])
    paints[0].node_tree.nodes["Emission"].inputs["Color"].default_value = (0, 0, 1, 1)
    cel.apply_cel_look([item])
    np.testing.assert_allclose(view.render()[4, 4], (0, 0, 1, 1), atol=0.01)


def test_objects_of_another_file_are_refused_in_words(plane, paints, tmp_path):
    item = plane(paints[0])
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, wanted):
        wanted.objects = ["Plane"]
    own = bpy.data.objects.new("Own", bpy.data.meshes.new("Own"))
    linked = bpy.data.objects["Plane"]
    with pytest.raises(UserError, match="Plane is linked from another file; make a library override"):
        cel.apply_cel_look([own, linked])
    assert not own.modifiers  # nothing was begun
    with pytest.raises(UserError, match="linked"):
        cel.remove_cel_look([linked])
    item = bpy.data.objects.new("Local", linked.data)  # an object of ours whose mesh is linked will do
    cel.apply_cel_look([item])
    assert cel.has_cel_look(item)
    cel.remove_cel_look([item])
    assert not item.modifiers


def test_built_in_characters_keep_their_look(empty_blender, snapshot):
    built = build_character(0)
    before = snapshot()
    cel.apply_cel_look(built.meshes, pixel_size=0.004)
    assert cel.outline_width(built.meshes) == pytest.approx(0.005)
    cel.apply_cel_look(built.meshes, outline=False)
    assert cel.outline_width(built.meshes) is None
    cel.remove_cel_look(built.meshes)
    cel.apply_cel_look(built.meshes, pixel_size=0.004)
    assert cel.outline_width(built.meshes) == pytest.approx(0.005)
    assert snapshot() == before
    assert all(map(cel.has_cel_look, built.meshes))


# Outlines


@pytest.fixture
def ball(empty_blender, paints):
    """Of 0.6 m, white, with its own bone-like scale."""
    bpy.ops.mesh.primitive_uv_sphere_add(radius=30, segments=48, ring_count=24)
    item = bpy.context.object
    item.scale = (0.01, 0.01, 0.01)
    bpy.context.view_layer.update()
    item.data.materials.append(paints[3])
    return item


def dark_pixels(pixels):
    """How many pixels' worth of near-black is in the middle row."""
    row = pixels[len(pixels) // 2]
    return float((row[:, 3] * (row[:, :3].max(1) < 0.25)).sum())


def test_the_outline_is_as_wide_as_was_asked(view, ball):
    size = 128
    view.scene.cycles.samples = 32
    for pixels in (1, 2, 4):
        cel.apply_cel_look([ball], pixel_size=pixels / cel.look.LINE_PIXELS / size)
        found = view.render(size)
        assert dark_pixels(found) / 2 == pytest.approx(pixels, abs=0.75)
        row = found[size // 2, :, 3] > 0.5
        assert row.sum() == pytest.approx(0.6 * size + 2 * pixels, abs=2)
    cel.set_outline_width([ball], 0.0)
    assert dark_pixels(view.render(size)) == 0
    cel.set_outline_width([ball], 2 / size)
    assert dark_pixels(view.render(size)) / 2 == pytest.approx(2, abs=0.75)
    cel.apply_cel_look([ball], outline=False)
    assert dark_pixels(view.render(size)) == 0


def test_without_a_width_the_outline_suits_the_size(ball):
    cel.apply_cel_look([ball])
    assert cel.outline_width([ball]) == pytest.approx(0.0018 * 0.6, rel=1e-3)
    cel.set_outline_width([ball], 0.01)
    cel.apply_cel_look([ball])
    assert cel.outline_width([ball]) == pytest.approx(0.01)
    for wrong in (-1.0, float("nan")):
        with pytest.raises(ValueError, match="0 or more"):
            cel.set_outline_width([ball], wrong)


def test_a_hull_that_is_hidden_alone_does_no_harm(view, ball):
    cel.apply_cel_look([ball], pixel_size=0.02)
    ball.modifiers[cel.OUTLINE].show_render = False
    pixels = view.render(32)
    seen = pixels[..., 3] > 0.99
    assert (pixels[seen][:, :3].max(1) > 0.4).all()
