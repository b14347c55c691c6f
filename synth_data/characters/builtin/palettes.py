# SPDX-License-Identifier: GPL-3.0-or-later
"""A built-in character that changes its colours from picture to picture (bpy)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..cel import BASE, SHADE
from .build import geometry
from .design import design

_CORNER = "ningyo_corner"  # a face's corner's number as the character was built


class Palettes:
    """The sets of colours of the character `seed` in `detail`, whose mesh objects (body and face) are `meshes`, as they were built.

    What is done to their faces afterwards does not matter: their corners are numbered.
    """

    def __init__(self, meshes: Sequence[Any], seed: int, detail: str) -> None:
        self._meshes, self._seed, self._detail = meshes, seed, detail
        self._colours: dict[int, list[tuple[npt.NDArray[np.float32], ...]]] = {}
        self._worn = 0
        for mesh in meshes:
            numbers = np.arange(len(mesh.data.loops), dtype=np.int32)
            mesh.data.attributes.new(_CORNER, "INT", "CORNER").data.foreach_set("value", numbers)

    def wear(self, palette: int) -> None:
        """Show the character in one of its sets of colours."""
        if palette == self._worn:
            return
        if palette not in self._colours:
            self._colours[palette] = self._made(palette)
        for mesh, colours in zip(self._meshes, self._colours[palette], strict=True):
            for name, rgba in zip((BASE, SHADE), colours, strict=True):
                mesh.data.attributes[name].data.foreach_set("color", rgba)
            mesh.update_tag()
        self._worn = palette

    def _made(self, palette: int) -> list[tuple[npt.NDArray[np.float32], ...]]:
        shape = geometry(design(self._seed, palette), self._seed, self._detail)
        made = []
        for mesh, part in zip(self._meshes, (shape.body, shape.face), strict=True):
            corners = mesh.data.attributes[_CORNER].data
            numbers = np.empty(len(corners), np.int32)
            corners.foreach_get("value", numbers)
            both = (np.column_stack([values, np.ones(len(values))])[numbers] for values in part.corner_colours())
            made.append(tuple(rgba.astype(np.float32).ravel() for rgba in both))
        return made
