# SPDX-License-Identifier: GPL-3.0-or-later
"""A small picture of what is in Blender, and a plane to look at."""

from __future__ import annotations

import importlib.util
import json
import struct
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def view(empty_blender: Any, tmp_path: Path) -> SimpleNamespace:
    """`view.render() -> (N, N, 4) sRGB and alpha, 0…1` of what an orthographic camera at −Y sees within 1 m around the origin."""
    bpy = empty_blender
    scene = bpy.context.scene
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location, camera.rotation_euler = (0, -5, 0), (np.pi / 2, 0, 0)
    camera.data.type, camera.data.ortho_scale = "ORTHO", 1.0
    scene.collection.objects.link(camera)
    scene.camera = camera
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.max_bounces, scene.cycles.seed = 4, 0, 0
    scene.cycles.use_denoising = scene.cycles.use_adaptive_sampling = False
    scene.render.film_transparent = True
    scene.render.threads_mode, scene.render.threads = "FIXED", 2
    scene.render.dither_intensity = 0.0
    scene.view_settings.view_transform = "Standard"
    scene.render.image_settings.file_format, scene.render.image_settings.color_mode = "PNG", "RGBA"
    scene.render.filepath = str(tmp_path / "view.png")

    def render(size: int = 8) -> np.ndarray:
        scene.render.resolution_x = scene.render.resolution_y = size
        bpy.ops.render.render(write_still=True)
        image = bpy.data.images.load(scene.render.filepath)
        pixels = np.empty(size * size * 4, np.float32)
        image.pixels.foreach_get(pixels)
        bpy.data.images.remove(image)
        return pixels.reshape(size, size, 4)[::-1].astype(float)

    return SimpleNamespace(scene=scene, camera=camera, render=render)


@pytest.fixture
def plane(empty_blender: Any) -> Callable[..., Any]:
    """`plane(*materials)`: a square of 1 m at the origin that faces the camera of `view`, in four quads, each with the next of the
    materials; with UVs."""
    bpy = empty_blender

    def make(*materials: Any) -> Any:
        data = bpy.data.meshes.new("Plane")
        corners = [(x / 2 - 0.5, 0.0, z / 2 - 0.5) for z in range(3) for x in range(3)]
        data.from_pydata(corners, [], [(i, i + 1, i + 4, i + 3) for i in (0, 1, 3, 4)])
        uv = data.uv_layers.new(name="UVMap")
        for loop in data.loops:
            x, _, z = data.vertices[loop.vertex_index].co
            uv.data[loop.index].uv = (x + 0.5, z + 0.5)
        for material in materials:
            data.materials.append(material)
        for face in data.polygons:
            face.material_index = face.index % max(len(materials), 1)
        item = bpy.data.objects.new("Plane", data)
        bpy.context.scene.collection.objects.link(item)
        return item

    return make


@pytest.fixture
def snapshot(empty_blender: Any) -> Callable[[], Any]:
    """`snapshot()`: everything that taking a look away must bring back, to be compared."""
    bpy = empty_blender

    def take() -> Any:
        objects = {}
        for item in bpy.data.objects:
            if item.type != "MESH":
                continue
            slots = []
            for slot in item.material_slots:
                link, seen = slot.link, slot.material
                slots.append((link, seen and seen.name))
            data = item.data
            index = np.empty(len(data.polygons), np.int32)
            data.polygons.foreach_get("material_index", index)
            objects[item.name] = {
                "slots": slots,
                "data": data.name,
                "materials": [m and m.name for m in data.materials],
                "index": index.tolist(),
                "modifiers": [(m.name, m.type, m.show_viewport, m.show_render) for m in item.modifiers],
                "groups": [g.name for g in item.vertex_groups],
                "attributes": sorted(a.name for a in data.attributes if not a.name.startswith(".")),
                "properties": sorted(item.keys()) + sorted(data.keys()),
            }
        kinds = ["materials", "meshes", "textures", "objects"]
        if bpy.app.version >= (4, 3):
            # Before, Blender counts what a copied material's nodes use once too often, until the file is opened again.
            kinds += ["node_groups", "images"]
        users = {kind: {d.name: d.users for d in getattr(bpy.data, kind) if d.name != "Render Result"} for kind in kinds}
        nodes = {m.name: sorted(n.name for n in m.node_tree.nodes) for m in bpy.data.materials if m.node_tree is not None}
        return {"objects": objects, "users": users, "nodes": nodes}

    return take


# The rigs made of numbers are those of the retargeting tests.
_spec = importlib.util.spec_from_file_location("ningyo_test_rigs_of_characters", Path(__file__).parents[1] / "retarget" / "conftest.py")
assert _spec is not None
assert _spec.loader is not None
_rigs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_rigs)

SKIN, CLOTH = (0.9, 0.6, 0.5), (0.1, 0.2, 0.7)  # sRGB


@pytest.fixture
def person(empty_blender: Any, tmp_path: Path) -> Callable[..., Any]:
    """`person(keys=(…), **rig)`: a textured figure in Blender as Mixamo makes them, in scene units of 0.01: a mesh of two materials with
    pictures `skin.png` and `cloth.png` in `tmp_path`, and a face with shape keys; `rig` as in `build_rig` of the retargeting tests. Returns
    its Rig."""
    bpy = empty_blender

    def material(name: str, colour: tuple[float, ...]) -> Any:
        image = bpy.data.images.new(name, 16, 16)
        image.generated_color = (*colour, 1.0)
        image.filepath_raw, image.file_format = str(tmp_path / f"{name}.png"), "PNG"
        image.save()
        bpy.data.images.remove(image)
        made = bpy.data.materials.new(name)
        if bpy.app.version < (5, 0, 0):
            made.use_nodes = True
        texture = made.node_tree.nodes.new("ShaderNodeTexImage")
        texture.image = bpy.data.images.load(str(tmp_path / f"{name}.png"))
        shader = next(node for node in made.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
        made.node_tree.links.new(texture.outputs[0], shader.inputs["Base Color"])
        return made

    def skinned(name: str, data: Any, armature: Any, bone: str) -> Any:
        item = bpy.data.objects.new(name, data)
        bpy.context.scene.collection.objects.link(item)
        item.vertex_groups.new(name=bone).add(range(len(data.vertices)), 1.0, "REPLACE")
        item.modifiers.new("Armature", "ARMATURE").object = armature
        item.parent = armature
        item.matrix_parent_inverse = armature.matrix_world.inverted()
        return item

    def make(keys: tuple[str, ...] = (), **how: Any) -> Any:
        rig = _rigs.build_rig(**{"object_scale": 0.01, **how})
        armature = _rigs.build_armature(bpy, rig)
        around = np.array([[-0.15, -0.1], [0.15, -0.1], [0.15, 0.1], [-0.15, 0.1]])
        body = bpy.data.meshes.new("Body")
        body.from_pydata(
            [(x, y, z) for z in (0.1, 1.0, 1.5) for x, y in around.tolist()],
            [],
            [(4 * row + i, 4 * row + (i + 1) % 4, 4 * row + (i + 1) % 4 + 4, 4 * row + i + 4) for row in (0, 1) for i in range(4)],
        )
        body.uv_layers.new(name="UVMap")
        for name, colour in (("skin", SKIN), ("cloth", CLOTH)):
            body.materials.append(material(name, colour))
        for face in body.polygons:
            face.material_index = int(face.index < 4)
        skinned("Body", body, armature, rig.names[rig.index_of_role["hips"]])
        face = bpy.data.meshes.new("Face")
        face.from_pydata([(-0.1, -0.1, 1.55), (0.1, -0.1, 1.55), (0.1, -0.1, 1.75), (-0.1, -0.1, 1.75)], [], [(0, 1, 2, 3)])
        face.uv_layers.new(name="UVMap")
        face.materials.append(body.materials[0])
        item = skinned("Face", face, armature, rig.names[rig.index_of_role["head"]])
        for number, key in enumerate(("Basis", *keys) if keys else ()):
            block = item.shape_key_add(name=key, from_mix=False)
            block.value = 0.0
            for point in block.data:
                point.co.z += 0.02 * number
        bpy.context.view_layer.update()
        return rig

    return make


def changed_glb(source: Path, path: Path, change: Callable[[Any], None]) -> Path:
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


@pytest.fixture
def change_glb() -> Callable[..., Path]:
    return changed_glb
