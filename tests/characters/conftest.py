# SPDX-License-Identifier: GPL-3.0-or-later
"""A small picture of what is in Blender, and a plane to look at."""

from __future__ import annotations

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
        kinds = ("materials", "node_groups", "images", "meshes", "textures", "objects")
        users = {kind: {d.name: d.users for d in getattr(bpy.data, kind) if d.name != "Render Result"} for kind in kinds}
        nodes = {m.name: sorted(n.name for n in m.node_tree.nodes) for m in bpy.data.materials if m.node_tree is not None}
        return {"objects": objects, "users": users, "nodes": nodes}

    return take
