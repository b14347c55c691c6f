# SPDX-License-Identifier: GPL-3.0-or-later
"""The cel look's light and tones: one for all, without noise, alike in both engines."""

from __future__ import annotations

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from ningyo.synth_data.characters import cel  # noqa: E402
from ningyo.synth_data.characters.builtin import build_character  # noqa: E402

FRONT, BEHIND, LEFT = (0, -1, 0), (0, 1, 0), (1, 0, 0)


@pytest.fixture
def ball(empty_blender):
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.4, segments=64, ring_count=32)
    bpy.ops.object.shade_smooth()
    item = bpy.context.object
    cel.apply_cel_look([item], outline=False)
    return item


def row(pixels):
    """(N,) brightness along the middle row where the ball is."""
    middle = pixels[len(pixels) // 2]
    return middle[middle[:, 3] > 0.99][:, :3].mean(1)


def calm(pixels, reach=2):
    """Pixels whose surroundings have one colour."""
    spread = np.zeros(pixels.shape[:2])
    for y in range(-reach, reach + 1):
        for x in range(-reach, reach + 1):
            spread = np.maximum(spread, np.abs(np.roll(pixels, (y, x), (0, 1)) - pixels).max(-1))
    return (spread < 0.02) & (pixels[..., 3] > 0.99)


@pytest.mark.parametrize("persistent", [False, True])
def test_the_light_turns_between_pictures(view, ball, persistent):
    """Nothing but the direction changes: Cycles must notice though it keeps the scene."""
    view.scene.render.use_persistent_data = persistent
    pictures = []
    for direction in (FRONT, LEFT, BEHIND, FRONT):
        cel.set_light(direction)
        np.testing.assert_allclose(cel.light_direction(), direction, atol=1e-6)
        pictures.append(view.render(32))
    front, left, behind = map(row, pictures[:3])
    assert front[8] > behind[8] + 0.1
    assert left[-6] > left[5] + 0.1, "+X is on the right of a camera at −Y"
    np.testing.assert_array_equal(pictures[0], pictures[3])
    assert len(np.unique(front.round(2))) <= 3


def test_one_light_for_all(view, ball):
    built = build_character(0)
    groups = [group for group in bpy.data.node_groups if group.name.startswith("Ningyo cel light")]
    assert len(groups) == 1
    users = {m.name for m in bpy.data.materials if any(n.type == "GROUP" and n.node_tree == groups[0] for n in m.node_tree.nodes)}
    assert users == {"No material cel", built.meshes[0].material_slots[0].material.name}


def test_what_was_appended_obeys_as_well(view, ball, tmp_path):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "ball.blend"), copy=True)
    with bpy.data.libraries.load(str(tmp_path / "ball.blend")) as (held, wanted):
        wanted.objects = [name for name in held.objects if name.startswith("Sphere")]
    ball.location.x = 3
    view.scene.collection.objects.link(wanted.objects[0])
    cel.set_light(FRONT)
    front = view.render(32)
    cel.set_light(BEHIND)
    assert row(view.render(32))[8] < row(front)[8] - 0.1


@pytest.mark.parametrize("direction", [(0, 0, 0), (np.nan, 0, 1)])
def test_a_light_from_nowhere_is_refused(ball, direction):
    with pytest.raises(ValueError, match="length"):
        cel.set_light(direction)


def test_two_tones_and_three(view, ball):
    cel.set_light(LEFT)
    counts = []
    for tones in (2, 3, 2):
        cel.set_tones([ball], tones)
        pixels = view.render(96)
        counts.append(len(np.unique(pixels[calm(pixels)][:, :3].round(2), axis=0)))
    assert counts == [2, 3, 2]
    cel.set_tones([ball], 3)
    across = row(view.render(96))
    assert across[3] < across[len(across) // 2 - 6] < across[-4], "the deepest tone is farthest from the light"
    cel.apply_cel_look([ball], outline=False, tones=3)
    np.testing.assert_allclose(row(view.render(96)), across)
    with pytest.raises(ValueError, match="two or three"):
        cel.set_tones([ball], 4)
    with pytest.raises(ValueError, match="two or three"):
        cel.apply_cel_look([ball], tones=1)


def test_there_is_no_noise(view, ball):
    """Whatever the samples' seed, and with as few as four, flat areas are one colour to the bit."""
    cel.apply_cel_look([ball], pixel_size=1 / 64, tones=3)
    pictures = []
    for seed in range(4):
        view.scene.cycles.seed = seed
        view.scene.update_tag()
        pictures.append(view.render(64))
    stack = np.stack(pictures)
    where = np.logical_and.reduce([calm(picture, 1) for picture in pictures])
    assert where.sum() > 800
    assert stack.std(0)[where].max() == 0
    assert stack.std(0).max() > 0.01, "the seeds do differ at the edges"


def test_the_meshs_own_normals_count(view, plane):
    """A flat square whose normals were turned away from the light by hand is in shade."""
    item = plane()
    cel.apply_cel_look([item], outline=False)
    cel.set_light(LEFT)
    for face in item.data.polygons:
        face.use_smooth = True
    seen = []
    for direction in ((0.8, -0.6, 0), (-0.8, -0.6, 0)):
        item.data.normals_split_custom_set([direction] * len(item.data.loops))
        item.data.update()
        seen.append(view.render()[4, 4, :3].mean())
    assert seen[0] > seen[1] + 0.1


def test_flat_parts_and_back_faces(view, plane):
    item = plane()
    cel.apply_cel_look([item], outline=False)
    cel.set_light(BEHIND)
    dark = view.render()[4, 4, :3].mean()
    flat = item.data.attributes.new(cel.FLAT, "FLOAT", "POINT")
    flat.data.foreach_set("value", np.ones(len(item.data.vertices), np.float32))
    lit = view.render()[4, 4, :3].mean()
    assert lit > dark + 0.1
    item.data.attributes.remove(item.data.attributes[cel.FLAT])
    cel.set_light(FRONT)
    assert view.render()[4, 4, :3].mean() == pytest.approx(lit, abs=0.01)
    item.rotation_euler = (0, 0, np.pi)
    assert view.render()[4, 4, :3].mean() == pytest.approx(dark, abs=0.01), "the inside of a skirt is in shade"


@pytest.mark.slow
def test_eevee_shows_the_same_as_cycles(view, ball):
    """EEVEE without a graphics card takes half a minute for its first picture."""
    ball.location = (-0.1, 0, 0.1)
    ball.scale = (0.8, 0.8, 0.8)
    built = build_character(0)
    built.armature.scale, built.armature.location = (0.5, 0.5, 0.5), (0.15, -1, -0.45)
    bpy.context.view_layer.update()
    cel.apply_cel_look([ball, *built.meshes], pixel_size=1 / 128, tones=3)
    view.scene.cycles.samples = 64
    cycles = view.render(128)
    view.scene.render.engine = "BLENDER_EEVEE_NEXT" if bpy.app.version < (5, 0, 0) else "BLENDER_EEVEE"
    view.scene.eevee.taa_render_samples = 16
    eevee = view.render(128)
    where = calm(cycles)
    assert where.sum() > 1000
    assert np.abs(cycles - eevee)[where].max() <= 2.5 / 255
    assert (np.abs(cycles - eevee).max(-1) > 16 / 255).mean() < 0.06, "and the edges lie in the same places"
