# SPDX-License-Identifier: GPL-3.0-or-later
"""The cel look: two flat tones with a hard terminator, and an outline by an inverted hull.

`cel_material` draws the built-in characters from colour attributes; `apply_cel_look` gives the same look to imported ones.
Both work in Cycles and EEVEE; the view transform is to be Standard.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bpy
import numpy as np

from .palette import GREY, linear, shade_of

# Attributes of the built-in characters: colour in light, in shade (linear), and 1 where no shading falls.
BASE, SHADE, FLAT = "ningyo_base", "ningyo_shade", "ningyo_flat"
# Vertex group: how wide the outline is, 0…1.
LINE = "ningyo_line"
OUTLINE = "Ningyo outline"
# Custom property of materials that have the look already.
CEL = "ningyo_cel"
LIGHT = np.array([-0.45, -0.65, 0.62]) / np.linalg.norm([-0.45, -0.65, 0.62])
DEFAULT_WIDTH = 0.003
# Blender's node trees and sockets are typed so loosely that their attributes are unknown to a type checker.
Tree = Any
Socket = Any
Value = Any


def _nodes(material: bpy.types.Material) -> Tree:
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True
    tree: Tree = material.node_tree
    tree.nodes.clear()
    return tree


def _math(tree: Tree, operation: str, a: Value, b: Value, clamp: bool = False) -> Socket:
    node = tree.nodes.new("ShaderNodeMath")
    node.operation, node.use_clamp = operation, clamp
    for socket, value in zip(node.inputs, (a, b), strict=False):
        if isinstance(value, float):
            socket.default_value = value
        else:
            tree.links.new(value, socket)
    return node.outputs[0]


def _lit(tree: Tree) -> Socket:
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


def _mix(tree: Tree, factor: Socket, a: Socket, b: Socket) -> Socket:
    node = tree.nodes.new("ShaderNodeMix")
    node.data_type = "RGBA"
    tree.links.new(factor, node.inputs["Factor"])
    sockets = [s for s in node.inputs if s.type == "RGBA"]
    tree.links.new(a, sockets[0])
    tree.links.new(b, sockets[1])
    return next(s for s in node.outputs if s.type == "RGBA")


def _emit(tree: Tree, colour: Socket) -> Any:
    emission = tree.nodes.new("ShaderNodeEmission")
    tree.links.new(colour, emission.inputs["Color"])
    return emission


def cel_material(name: str) -> bpy.types.Material:
    """The built-in characters' one material; an existing one of this name is used again."""
    existing = bpy.data.materials.get(name)
    if existing is not None:
        return existing
    material = bpy.data.materials.new(name)
    material[CEL] = True
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


def add_outline(item: Any, width: float = DEFAULT_WIDTH) -> None:
    """Give a mesh object an inverted hull of `width` metres, after its other modifiers, in a material slot of its own."""
    slots = len(item.material_slots)
    item.data.materials.append(None)
    # Linked to the object: a mesh that other objects share gets no outline there.
    item.material_slots[slots].link = "OBJECT"
    item.material_slots[slots].material = outline_material()
    modifier = item.modifiers.new(OUTLINE, "SOLIDIFY")
    modifier.offset = 1.0
    modifier.use_rim = False
    modifier.use_flip_normals = True
    modifier.use_quality_normals = False
    # Clamped to the slots there are, so every face's hull gets the last one.
    modifier.material_offset = max(slots, 1)
    if LINE in item.vertex_groups:
        modifier.vertex_group = LINE
    set_outline_width([item], width)


def set_outline_width(meshes: Iterable[Any], metres: float) -> None:
    """Set the outlines' width, in metres at the subject (1.25 pixels there look right); at least 1 mm."""
    for item in meshes:
        modifier = item.modifiers.get(OUTLINE)
        if modifier is not None:
            scale = float(np.mean(np.abs(item.matrix_world.to_scale())))
            modifier.thickness = max(metres, 0.001) / max(scale, 1e-9)


def _shade(tree: Tree, colour: Socket) -> Socket:
    """`palette.shade_of` as nodes, for colours that are only known when rendering (textures)."""
    encode = tree.nodes.new("ShaderNodeGamma")
    encode.inputs["Gamma"].default_value = 1 / 2.2
    tree.links.new(colour, encode.inputs["Color"])
    apart = tree.nodes.new("ShaderNodeSeparateColor")
    apart.mode = "HSV"
    tree.links.new(encode.outputs[0], apart.inputs[0])
    hue, saturation, value = apart.outputs[0], apart.outputs[1], apart.outputs[2]
    # The way to hue 0.70 is wrapped to −0.5…0.5, and at most 0.03 of it is gone.
    turn = tree.nodes.new("ShaderNodeMath")
    turn.operation = "WRAP"
    tree.links.new(_math(tree, "SUBTRACT", 0.70, hue), turn.inputs[0])
    turn.inputs[1].default_value, turn.inputs[2].default_value = 0.5, -0.5
    step = _math(tree, "MINIMUM", _math(tree, "MAXIMUM", turn.outputs[0], -0.03), 0.03)
    coloured = _math(tree, "FRACT", _math(tree, "ADD", _math(tree, "ADD", hue, step), 1.0), 0.0)
    grey = _math(tree, "LESS_THAN", saturation, GREY)

    def either(for_grey: Value, otherwise: Value) -> Socket:
        kept = _math(tree, "MULTIPLY", otherwise, _math(tree, "SUBTRACT", 1.0, grey))
        return _math(tree, "ADD", _math(tree, "MULTIPLY", for_grey, grey), kept)

    together = tree.nodes.new("ShaderNodeCombineColor")
    together.mode = "HSV"
    richer = _math(tree, "ADD", _math(tree, "MULTIPLY", saturation, 1.18), 0.06, clamp=True)
    tree.links.new(either(0.66, coloured), together.inputs[0])
    tree.links.new(either(_math(tree, "ADD", saturation, 0.075), richer), together.inputs[1])
    tree.links.new(_math(tree, "MULTIPLY", value, either(0.84, 0.74)), together.inputs[2])
    decode = tree.nodes.new("ShaderNodeGamma")
    decode.inputs["Gamma"].default_value = 2.2
    tree.links.new(together.outputs[0], decode.inputs["Color"])
    return decode.outputs[0]


def _constant(tree: Tree, rgb: np.ndarray) -> Socket:
    node = tree.nodes.new("ShaderNodeRGB")
    node.outputs[0].default_value = (*(float(c) for c in rgb), 1.0)
    return node.outputs[0]


def _encoded(rgb: np.ndarray) -> np.ndarray:
    """sRGB of linear RGB."""
    rgb = np.clip(rgb, 0.0, 1.0)
    return np.where(rgb <= 0.0031308, rgb * 12.92, 1.055 * rgb ** (1 / 2.4) - 0.055)


def _main_shader(material: bpy.types.Material) -> Any:
    """The node that holds a material's colour: its Principled shader, else the first shader with a colour."""
    nodes = list(material.node_tree.nodes) if material.node_tree is not None else []
    named = [n for n in nodes if n.type == "BSDF_PRINCIPLED"]
    return next(iter(named + [n for n in nodes if n.type.startswith("BSDF") and "Color" in n.inputs]), None)


def cel_copy(material: bpy.types.Material | None) -> bpy.types.Material:
    """A copy of a material with the cel look: base colour or base-colour texture and alpha are kept, the original is untouched."""
    if material is None:
        copy = bpy.data.materials.new("Cel")
        tree = _nodes(copy)
        shader, plain = None, np.full(3, 0.8)
    else:
        copy = material.copy()
        copy.name = f"{material.name} cel"
        shader = _main_shader(copy)
        plain = np.array(copy.diffuse_color[:3])
        tree: Tree = copy.node_tree if shader is not None else _nodes(copy)
    source, alpha = None, None
    if shader is not None:
        socket = shader.inputs["Base Color" if "Base Color" in shader.inputs else "Color"]
        if socket.is_linked:
            source = socket.links[0].from_socket
        else:
            plain = np.array(socket.default_value[:3])
        if "Alpha" in shader.inputs:
            opacity = shader.inputs["Alpha"]
            alpha = (
                opacity.links[0].from_socket if opacity.is_linked else (float(opacity.default_value) if opacity.default_value < 1 else None)
            )
    if source is not None:
        lit, shade = source, _shade(tree, source)
    else:
        lit, shade = _constant(tree, plain), _constant(tree, linear(shade_of(_encoded(plain))))
    surface = _emit(tree, _mix(tree, _lit(tree), shade, lit)).outputs[0]
    if alpha is not None:
        mix = tree.nodes.new("ShaderNodeMixShader")
        if isinstance(alpha, float):
            mix.inputs[0].default_value = alpha
        else:
            tree.links.new(alpha, mix.inputs[0])
        tree.links.new(tree.nodes.new("ShaderNodeBsdfTransparent").outputs[0], mix.inputs[1])
        tree.links.new(surface, mix.inputs[2])
        surface = mix.outputs[0]
    outputs = [n for n in tree.nodes if n.type == "OUTPUT_MATERIAL"] or [tree.nodes.new("ShaderNodeOutputMaterial")]
    for output in outputs:
        tree.links.new(surface, output.inputs["Surface"])
    return copy


def apply_cel_look(meshes: Iterable[Any], *, pixel_size: float | None = None, outline: bool = True) -> None:
    """Give imported mesh objects the cel look. `pixel_size` is a pixel's size in metres at the subject (outline: 1.25 of it).

    Copies of the materials go into the slots of the objects; the materials and the slots of the mesh data stay as they were.
    Done twice, it only sets the width anew.
    """
    width = 1.25 * pixel_size if pixel_size is not None else DEFAULT_WIDTH
    copies: dict[bpy.types.Material | None, bpy.types.Material] = {}
    for item in meshes:
        if item.type != "MESH":
            continue
        if item.modifiers.get(OUTLINE) is not None or any(s.material is not None and s.material.get(CEL) for s in item.material_slots):
            set_outline_width([item], width)
            continue
        if not item.material_slots:
            item.data.materials.append(None)
        for slot in item.material_slots:
            material = slot.material
            if material not in copies:
                copies[material] = cel_copy(material)
                copies[material][CEL] = True
            slot.link = "OBJECT"
            slot.material = copies[material]
        if outline:
            add_outline(item, width)
