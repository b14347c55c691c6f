# SPDX-License-Identifier: GPL-3.0-or-later
"""Built-in characters that change their colours."""

from __future__ import annotations

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from ningyo.synth_data.characters.builtin import build_character  # noqa: E402
from ningyo.synth_data.characters.builtin.palettes import Palettes  # noqa: E402
from ningyo.synth_data.characters.cel import BASE, SHADE  # noqa: E402
from ningyo.synth_data.render.meshes import triangulate  # noqa: E402


def colours(mesh, name: str) -> np.ndarray:
    """The colour of each corner as (x, y, z of its vertex, r, g, b), sorted: however the faces are divided."""
    data = mesh.data
    rgba = np.empty(4 * len(data.loops), np.float32)
    data.attributes[name].data.foreach_get("color", rgba)
    places = np.empty(3 * len(data.vertices), np.float32)
    data.vertices.foreach_get("co", places)
    vertex = np.empty(len(data.loops), np.int32)
    data.loops.foreach_get("vertex_index", vertex)
    return np.unique(np.column_stack([places.reshape(-1, 3)[vertex], rgba.reshape(-1, 4)[:, :3]]).round(5), axis=0)


def test_worn_colours_are_those_the_character_would_be_built_in(empty_blender):
    worn = build_character(5, detail="dataset").meshes
    palettes = Palettes(worn, 5, "dataset")
    own = [colours(mesh, BASE) for mesh in worn]
    for mesh in worn:
        triangulate(mesh.data)
    palettes.wear(2)
    built = build_character(5, detail="dataset", palette=2).meshes
    for mine, other in zip(worn, built, strict=True):
        for name in (BASE, SHADE):
            np.testing.assert_array_equal(colours(mine, name), colours(other, name))
    assert not np.array_equal(colours(worn[0], BASE), own[0])
    palettes.wear(0)
    assert all(np.array_equal(colours(mesh, BASE), before) for mesh, before in zip(worn, own, strict=True))
