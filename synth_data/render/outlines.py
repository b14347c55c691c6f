# SPDX-License-Identifier: GPL-3.0-or-later
"""Outlines for many pictures: hulls as objects of their own, coarser than the surfaces they are around, in place of the look's modifiers.

A line of a pixel's width does not show whether its hull has every triangle of the surface; with a quarter of them, a picture takes a third
less time. (bpy)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import bmesh
import bpy
import numpy as np

from ..characters.cel import LINE, OUTLINE, default_width, outline_material, slots_in_look

_SHARE, _ENOUGH = 0.25, 8000  # of a surface's triangles, and how many a hull has at least where there are as many
_SAME = 1e-5  # metres; vertices nearer to each other are one: importers take surfaces apart where colours meet, and hulls would gape there


class Outlines:
    """The outlines of mesh objects, which get the cel look's materials straight into their slots and lose its modifiers.

    The objects must be nobody else's. Where `coarse` is false hulls are as fine as the surfaces. Meshes with shape keys keep theirs:
    `objects` are the hulls, whose shape keys are to be set with the surfaces'.
    """

    def __init__(self, meshes: Sequence[Any], scene: Any, *, coarse: bool) -> None:
        self.objects: list[Any] = []
        self.width = 0.0  # metres at the character
        self._layer = scene.view_layers[0]
        for mesh in meshes:
            inks = slots_in_look(mesh)
            hull = mesh.copy()
            hull.name, hull.data = f"{mesh.name} {OUTLINE}", mesh.data.copy()
            scene.collection.objects.link(hull)
            for item in (mesh, hull):
                for modifier in [modifier for modifier in item.modifiers if modifier.name == OUTLINE]:
                    item.modifiers.remove(modifier)
            if coarse and hull.data.shape_keys is None:
                self._make_coarse(hull)
            hull.data.flip_normals()
            for slot, ink in zip(hull.material_slots, inks, strict=True):
                slot.link, slot.material = "OBJECT", ink or outline_material(OUTLINE)
            outward = hull.modifiers.new(OUTLINE, "DISPLACE")
            outward.direction, outward.mid_level = "NORMAL", 0.0
            if LINE in hull.vertex_groups:
                outward.vertex_group = LINE
            hull.hide_viewport = True  # of no use to whoever reads surfaces
            self.objects.append(hull)
        self.set_width(default_width(meshes))

    def set_width(self, metres: float) -> None:
        """How wide the lines are at the character; 0: there are none."""
        self.width = metres
        for hull in self.objects:
            scale = float(np.mean(np.abs(hull.matrix_world.to_scale())))
            hull.modifiers[OUTLINE].strength = -metres / max(scale, 1e-9)  # the faces look inward
            hull.hide_render = metres <= 0

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """No outlines for the block."""
        before = [hull.hide_render for hull in self.objects]
        try:
            for hull in self.objects:
                hull.hide_render = True
            yield
        finally:
            for hull, hide in zip(self.objects, before, strict=True):
                hull.hide_render = hide

    def _make_coarse(self, hull: Any) -> None:
        """Give a hull fewer triangles. Done once, at rest: afterwards it bends as the surface does."""
        joined = bmesh.new()
        joined.from_mesh(hull.data)
        bmesh.ops.remove_doubles(
            joined, verts=joined.verts[:], dist=_SAME / max(float(np.mean(np.abs(hull.matrix_world.to_scale()))), 1e-9)
        )
        joined.to_mesh(hull.data)
        joined.free()
        triangles = max(len(hull.data.polygons), 1)
        kept = [(modifier, modifier.show_viewport) for modifier in hull.modifiers]
        for modifier, _ in kept:
            modifier.show_viewport = False
        fewer = hull.modifiers.new("Fewer", "DECIMATE")
        fewer.ratio = min(max(_SHARE, _ENOUGH / triangles), 1.0)
        self._layer.update()
        depsgraph = self._layer.depsgraph
        whole = hull.data
        hull.data = bpy.data.meshes.new_from_object(hull.evaluated_get(depsgraph), preserve_all_data_layers=True, depsgraph=depsgraph)
        bpy.data.meshes.remove(whole)
        hull.modifiers.remove(fewer)
        for modifier, shown in kept:
            modifier.show_viewport = shown
