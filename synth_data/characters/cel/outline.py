# SPDX-License-Identifier: GPL-3.0-or-later
"""Outlines by an inverted hull: the mesh once more, a little larger and inside out, so that only its far side is seen, beyond the edges.

Blender's Solidify makes the hull (in the same time as a third of what geometry nodes need to join it to the mesh). On other people's
meshes a node group before it numbers the faces, so that `faces.py` knows the hull's by their second-hand numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from .materials import outline_material

# Vertex group: how wide the outline is, 0…1.
LINE = "ningyo_line"
OUTLINE = "Ningyo outline"
# Of the character's larger dimension (standing in T-pose, its height): 3 mm of 1.70 m.
_WIDTH = 0.0018


def add_outline(item: Any, width: float | None = None) -> None:
    """Give a mesh object of our own a hull of `width` metres (default: `default_width`), in a material slot of its own."""
    slots = len(item.material_slots)
    item.data.materials.append(None)
    item.material_slots[slots].link = "OBJECT"
    item.material_slots[slots].material = outline_material(OUTLINE)
    # Clamped to the slots there are, so every face's hull gets the last one.
    add_hull(item).material_offset = max(slots, 1)
    set_outline_width([item], default_width([item]) if width is None else width)


def add_hull(item: Any) -> Any:
    """The hull's modifier, after those that are there."""
    modifier = item.modifiers.new(OUTLINE, "SOLIDIFY")
    modifier.offset = 1.0
    modifier.use_rim = False
    modifier.use_flip_normals = True
    modifier.use_quality_normals = False
    if LINE in item.vertex_groups:
        modifier.vertex_group = LINE
    return modifier


def default_width(meshes: Iterable[Any]) -> float:
    """A width in metres that suits the meshes' size at rest."""
    places = [_at_rest(item) for item in meshes if len(item.data.vertices)]
    return _WIDTH * float(np.ptp(np.concatenate(places), axis=0).max()) if places else 0.003


def _at_rest(item: Any) -> npt.NDArray[np.float64]:
    """(V, 3) the mesh's own vertices, without modifiers, in the world."""
    flat = np.empty(3 * len(item.data.vertices), np.float32)
    item.data.vertices.foreach_get("co", flat)
    matrix = np.array(item.matrix_world)
    return flat.reshape(-1, 3).astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]


def set_outline_width(meshes: Iterable[Any], metres: float) -> None:
    """Set the outlines' width in metres at the subject (1.25 times a pixel's size there looks right); with 0 there is none.

    Cheap enough for once a picture. Raises ValueError for a negative width.
    """
    if not (np.isfinite(metres) and metres >= 0):
        raise ValueError(f"an outline's width is 0 or more, not {metres}")
    for item in meshes:
        modifier = item.modifiers.get(OUTLINE)
        if modifier is not None:
            scale = float(np.mean(np.abs(item.matrix_world.to_scale())))
            modifier.thickness = metres / max(scale, 1e-9)
            modifier.show_render = metres > 0
            if metres == 0:
                modifier.show_viewport = False  # a hull of no thickness would hide its own surface


def outline_width(meshes: Iterable[Any]) -> float | None:
    """The outlines' width in metres; None where there is none."""
    for item in meshes:
        modifier = item.modifiers.get(OUTLINE)
        if modifier is not None and modifier.show_render:
            return float(modifier.thickness * np.mean(np.abs(item.matrix_world.to_scale())))
    return None
