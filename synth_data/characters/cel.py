# SPDX-License-Identifier: GPL-3.0-or-later
"""The cel look: two flat tones with a hard terminator, and an outline by an inverted hull.

`cel_material` draws the built-in characters from colour attributes; `apply_cel_look` gives the same look to imported ones.
Both work in Cycles and EEVEE; the view transform is to be Standard.
"""

from __future__ import annotations

from collections.abc import Iterable

import bpy
import numpy as np

# Attributes of the built-in characters: colour in light, in shade (linear), and 1 where no shading falls.
BASE, SHADE, FLAT = "ningyo_base", "ningyo_shade", "ningyo_flat"
# Vertex group: how wide the outline is, 0…1.
LINE = "ningyo_line"
OUTLINE = "Ningyo outline"
LIGHT = np.array([-0.45, -0.65, 0.62]) / np.linalg.norm([-0.45, -0.65, 0.62])
DEFAULT_WIDTH = 0.003


def _nodes(material: bpy.types.Material) -> bpy.types.NodeTree:
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    return tree


def _math(
    tree: bpy.types.NodeTree, operation: str, a: bpy.types.NodeSocket, b: bpy.types.NodeSocket | float, clamp: bool = False
) -> bpy.types.NodeSocket:
    node = tree.nodes.new("ShaderNodeMath")
    node.operation, node.use_clamp = operation, clamp
    tree.links.new(a, node.inputs[0])
    if isinstance(b, float):
        node.inputs[1].default_value = b
    else:
        tree.links.new(b, node.inputs[1])
    return node.outputs[0]


def _lit(tree: bpy.types.NodeTree) -> bpy.types.NodeSocket:
    """1 where the light falls, 0 in shade and on back faces, with a narrow ramp between."""
    geometry = tree.nodes.new("ShaderNodeNewGeometry")
    dot = tree.nodes.new("ShaderNodeVectorMath")
    dot.operation = "DOT_PRODUCT"
    tree.links.new(geometry.outputs["Normal"], dot.inputs[0])
    dot.inputs[1].default_value = tuple(float(v) for v in LIGHT)
    ramp = tree.nodes.new("ShaderNodeMapRange")
    ramp.inputs["From Min"].default_value = -0.02
    ramp.inputs["From Max"].default_value = 0.03
    tree.links.new(dot.outputs["Value"], ramp.inputs["Value"])
    return _math(tree, "SUBTRACT", ramp.outputs["Result"], geometry.outputs["Backfacing"], clamp=True)


def _mix(tree: bpy.types.NodeTree, factor: bpy.types.NodeSocket, a: bpy.types.NodeSocket, b: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
    node = tree.nodes.new("ShaderNodeMix")
    node.data_type = "RGBA"
    tree.links.new(factor, node.inputs["Factor"])
    sockets = [s for s in node.inputs if s.type == "RGBA"]
    tree.links.new(a, sockets[0])
    tree.links.new(b, sockets[1])
    return next(s for s in node.outputs if s.type == "RGBA")


def _emit(tree: bpy.types.NodeTree, colour: bpy.types.NodeSocket) -> bpy.types.Node:
    emission = tree.nodes.new("ShaderNodeEmission")
    tree.links.new(colour, emission.inputs["Color"])
    return emission


def cel_material(name: str) -> bpy.types.Material:
    """The built-in characters' one material; an existing one of this name is used again."""
    existing = bpy.data.materials.get(name)
    if existing is not None:
        return existing
    material = bpy.data.materials.new(name)
    tree = _nodes(material)
    attribute = {}
    for key in (BASE, SHADE, FLAT):
        node = tree.nodes.new("ShaderNodeAttribute")
        node.attribute_name = key
        attribute[key] = node
    lit = _math(tree, "MAXIMUM", _lit(tree), attribute[FLAT].outputs["Fac"])
    colour = _mix(tree, lit, attribute[SHADE].outputs["Color"], attribute[BASE].outputs["Color"])
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(_emit(tree, colour).outputs[0], output.inputs["Surface"])
    return material


def outline_material(name: str = OUTLINE) -> bpy.types.Material:
    """Dark where seen from inside the hull, transparent from outside."""
    existing = bpy.data.materials.get(name)
    if existing is not None:
        return existing
    material = bpy.data.materials.new(name)
    tree = _nodes(material)
    attribute = tree.nodes.new("ShaderNodeAttribute")
    attribute.attribute_name = SHADE
    tint = tree.nodes.new("ShaderNodeVectorMath")
    tint.operation = "MULTIPLY_ADD"
    tree.links.new(attribute.outputs["Vector"], tint.inputs[0])
    tint.inputs[1].default_value = (0.12, 0.12, 0.12)
    tint.inputs[2].default_value = (0.0106, 0.0053, 0.0088)
    geometry = tree.nodes.new("ShaderNodeNewGeometry")
    clear = tree.nodes.new("ShaderNodeBsdfTransparent")
    mix = tree.nodes.new("ShaderNodeMixShader")
    tree.links.new(geometry.outputs["Backfacing"], mix.inputs[0])
    tree.links.new(_emit(tree, tint.outputs[0]).outputs[0], mix.inputs[1])
    tree.links.new(clear.outputs[0], mix.inputs[2])
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(mix.outputs[0], output.inputs["Surface"])
    material.use_backface_culling = True
    return material


def add_outline(item: bpy.types.Object, width: float = DEFAULT_WIDTH) -> None:
    """Give a mesh an inverted hull, after its other modifiers. Its mesh data gets one more material slot."""
    material = outline_material()
    slots = len(item.data.materials)
    if OUTLINE not in item.data.materials:
        item.data.materials.append(material)
    else:
        slots = list(item.data.materials).index(material)
    modifier = item.modifiers.new(OUTLINE, "SOLIDIFY")
    modifier.thickness = width
    modifier.offset = 1.0
    modifier.use_rim = False
    modifier.use_flip_normals = True
    modifier.use_quality_normals = False
    modifier.material_offset = slots
    if LINE in item.vertex_groups:
        modifier.vertex_group = LINE


def set_outline_width(meshes: Iterable[bpy.types.Object], metres: float) -> None:
    """Set the outlines' width, in metres at the subject (1.25 pixels there look right); at least 1 mm."""
    for item in meshes:
        modifier = item.modifiers.get(OUTLINE)
        if modifier is not None:
            scale = float(np.mean(np.abs(item.matrix_world.to_scale())))
            modifier.thickness = max(metres, 0.001) / max(scale, 1e-9)
