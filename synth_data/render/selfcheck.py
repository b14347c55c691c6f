# SPDX-License-Identifier: GPL-3.0-or-later
"""Our labels against the engine's own: the same scene rendered once more by Cycles with one sample, which goes through each pixel's centre,
and surfaces that glow in their part's number and their depth (bpy).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import numpy.typing as npt

from .meshes import PART
from .raster import ZBuffer
from .scene import Stage
from .surface import SeenSurface

EVERY = 500  # samples
_SHARE, _FEW = 1e-4, 3  # of the foreground, and pixels on top: edges that fall on a centre in single precision
_DEPTH, _STEP = 2e-4, 5e-4  # of the depth: its single precision; and metres: half a step of the label
_MATERIAL = "Ningyo labels"


@dataclass(frozen=True)
class Check:
    """How many pixels of `foreground` differ from the engine's own in what is seen (`parts`), and how many of the others in depth."""

    foreground: int
    parts: int
    depth: int

    @property
    def passed(self) -> bool:
        return max(self.parts, self.depth) <= _SHARE * self.foreground + _FEW


def check_labels(stage: Stage, seen: SeenSurface, zbuffer: ZBuffer) -> Check:
    """Compare the z-buffer with what Cycles samples at the pixels' centres; the stage is left as it was. `stage` is posed and aimed."""
    parts, depth = engine_labels(stage)
    ours = zbuffer.dense(seen.surface.topology.parts[zbuffer.triangle])
    our_depth = zbuffer.dense(zbuffer.depth)
    differs = ours != parts
    both = (ours > 0) & ~differs
    far = both & (np.abs(our_depth - depth) > np.maximum(_DEPTH * our_depth, _STEP))
    return Check(int((ours > 0).sum()), int(differs.sum()), int(far.sum()))


def engine_labels(stage: Stage) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """(H, W) part ids, 0 where nothing is, and (H, W) metres along the view, of Cycles' sample at each pixel's centre."""
    scene = stage.scene
    layer, render, settings = scene.view_layers[0], scene.render, scene.render.image_settings
    path = Path(render.filepath)
    with _kept(layer, material_override=_material()), _kept(scene.cycles, samples=1), _kept(render, use_border=False):
        with _kept(settings, file_format="OPEN_EXR", color_mode="RGBA", color_depth="32", exr_codec="NONE"), stage.outlines.hidden():
            bpy.ops.render.render(write_still=True, scene=scene.name)
        image: Any = bpy.data.images.load(str(path))
        try:
            image.colorspace_settings.name = "Non-Color"
            width, height = image.size
            pixels = np.empty(4 * width * height, np.float32)
            image.pixels.foreach_get(pixels)
        finally:
            bpy.data.images.remove(image)
    pixels = pixels.reshape(height, width, 4)[::-1]
    return np.rint(pixels[..., 0]).astype(np.uint8), pixels[..., 1].copy()


def _material() -> Any:
    """Glows in (part, depth along the view, 0)."""
    material: Any = bpy.data.materials.get(_MATERIAL)
    if material is not None:
        return material
    material = bpy.data.materials.new(_MATERIAL)
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    part, camera = tree.nodes.new("ShaderNodeAttribute"), tree.nodes.new("ShaderNodeCameraData")
    part.attribute_name = PART
    together, emission = tree.nodes.new("ShaderNodeCombineColor"), tree.nodes.new("ShaderNodeEmission")
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(part.outputs["Fac"], together.inputs[0])
    tree.links.new(camera.outputs["View Z Depth"], together.inputs[1])
    tree.links.new(together.outputs[0], emission.inputs["Color"])
    tree.links.new(emission.outputs[0], output.inputs["Surface"])
    material.cycles.emission_sampling = "NONE"
    return material


@contextmanager
def _kept(owner: Any, **values: Any) -> Iterator[None]:
    """Attributes set for the block, and put back."""
    before = {name: getattr(owner, name) for name in values}
    try:
        for name, value in values.items():
            setattr(owner, name, value)
        yield
    finally:
        for name in before:
            setattr(owner, name, before[name])
