# SPDX-License-Identifier: GPL-3.0-or-later
"""Shader nodes of the cel look: helpers, and the node groups that all its materials share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy
import numpy as np
import numpy.typing as npt

from ..palette import GREY

# Custom property of the materials and node groups that belong to the look; of a node group it says which, and of which making.
CEL = "ningyo_cel"
VERSION = 1
LIGHT_GROUP, SHADE_GROUP = "Ningyo cel light", "Ningyo cel shade"
# Inputs of the light's node group.
BASE_INPUT, SHADE_INPUT, FLAT_INPUT, GLOW_INPUT, THIRD_INPUT = "Base", "Shade", "Flat", "Glow", "Third Tone"
_LIGHT_NODE = "Light"

LIGHT = np.array([-0.45, -0.65, 0.62]) / np.linalg.norm([-0.45, -0.65, 0.62])
# The cosine between normal and light at which the first shade begins, and the second of three tones; each over a few hundredths, so that
# the edge is smooth by itself however few samples there are.
_FIRST, _SECOND, _EDGE = -0.02, -0.45, 0.05

# Blender's node trees and sockets are typed so loosely that their attributes are unknown to a type checker.
Tree = Any
Socket = Any
Value = Any  # a socket, or what a socket holds: a number, (r, g, b), (x, y, z)


def connect(tree: Tree, value: Value, target: Socket) -> None:
    """Link a socket to `target`, or give `target` a constant."""
    if isinstance(value, bpy.types.NodeSocket):
        tree.links.new(value, target)
    elif isinstance(value, float):
        target.default_value = value
    else:
        rgb = tuple(float(v) for v in value)
        target.default_value = (*rgb, 1.0) if target.type == "RGBA" else rgb


def math(tree: Tree, operation: str, a: Value, b: Value = 0.0, clamp: bool = False) -> Socket:
    node = tree.nodes.new("ShaderNodeMath")
    node.operation, node.use_clamp = operation, clamp
    connect(tree, a, node.inputs[0])
    connect(tree, b, node.inputs[1])
    return node.outputs[0]


def mix(tree: Tree, factor: Value, a: Value, b: Value, blend: str = "MIX") -> Socket:
    """Colours `a` (factor 0) and `b` (1) mixed; with another `blend`, b brought upon a."""
    node = tree.nodes.new("ShaderNodeMix")
    node.data_type, node.blend_type = "RGBA", blend
    connect(tree, factor, node.inputs["Factor"])
    first, second = [socket for socket in node.inputs if socket.type == "RGBA"]
    connect(tree, a, first)
    connect(tree, b, second)
    return next(socket for socket in node.outputs if socket.type == "RGBA")


def emission(tree: Tree, colour: Value) -> Socket:
    node = tree.nodes.new("ShaderNodeEmission")
    connect(tree, colour, node.inputs["Color"])
    return node.outputs[0]


def seen_through(tree: Tree, alpha: Value, surface: Socket) -> Socket:
    """The shader `surface`, transparent where `alpha` is 0."""
    node = tree.nodes.new("ShaderNodeMixShader")
    connect(tree, alpha, node.inputs[0])
    tree.links.new(tree.nodes.new("ShaderNodeBsdfTransparent").outputs[0], node.inputs[1])
    tree.links.new(surface, node.inputs[2])
    return node.outputs[0]


def geometry(tree: Tree, output: str) -> Socket:
    return tree.nodes.new("ShaderNodeNewGeometry").outputs[output]


def attribute(tree: Tree, name: str, output: str) -> Socket:
    node = tree.nodes.new("ShaderNodeAttribute")
    node.attribute_name = name
    return node.outputs[output]


def in_group(tree: Tree, group: Any, **inputs: Value) -> Any:
    """A node that stands for `group`, with what its inputs of these names (`_` for a space) get; its first output is the result."""
    node = tree.nodes.new("ShaderNodeGroup")
    node.node_tree = group
    for name, value in inputs.items():
        connect(tree, value, node.inputs[name.replace("_", " ")])
    return node


def new_group(name: str, kind: str, fill: Callable[[Tree], None], tree_type: Any = "ShaderNodeTree") -> Any:
    """The file's node group of this kind, made by `fill` where there is none yet."""
    for group in bpy.data.node_groups:
        if group.get(CEL) == f"{kind} {VERSION}" and group.library is None:
            return group
    group = bpy.data.node_groups.new(name, tree_type)
    group[CEL] = f"{kind} {VERSION}"
    fill(group)
    return group


def socket_of(tree: Tree, name: str, kind: str, *, output: bool = False, default: Value = None) -> None:
    """A socket on the outside of a node group."""
    socket = tree.interface.new_socket(name, in_out="OUTPUT" if output else "INPUT", socket_type=f"NodeSocket{kind}")
    if default is not None:
        socket.default_value = default


def light_group() -> Any:
    """How the light falls, for all materials of the look: base colour and shade, what lies flat in the light (0…1), what glows on top of
    it, and whether there is a third tone (0 or 1), to the colour that is seen.

    Back faces are in shade. The third tone is the shade once more.
    """
    return new_group(LIGHT_GROUP, "light", _fill_light)


def _fill_light(tree: Tree) -> None:
    socket_of(tree, BASE_INPUT, "Color", default=(0.8, 0.8, 0.8, 1.0))
    socket_of(tree, SHADE_INPUT, "Color", default=(0.5, 0.5, 0.6, 1.0))
    socket_of(tree, FLAT_INPUT, "Float", default=0.0)
    socket_of(tree, GLOW_INPUT, "Color", default=(0.0, 0.0, 0.0, 1.0))
    socket_of(tree, THIRD_INPUT, "Float", default=0.0)
    socket_of(tree, "Color", "Color", output=True)
    given = tree.nodes.new("NodeGroupInput").outputs
    normal = tree.nodes.new("ShaderNodeNormal")
    normal.name = normal.label = _LIGHT_NODE
    normal.outputs["Normal"].default_value = tuple(float(v) for v in LIGHT)
    tree.links.new(geometry(tree, "Normal"), normal.inputs[0])
    cosine, behind = normal.outputs["Dot"], geometry(tree, "Backfacing")

    def lit(start: float) -> Socket:
        ramp = tree.nodes.new("ShaderNodeMapRange")
        ramp.inputs["From Min"].default_value, ramp.inputs["From Max"].default_value = start, start + _EDGE
        tree.links.new(cosine, ramp.inputs["Value"])
        return math(tree, "MAXIMUM", math(tree, "SUBTRACT", ramp.outputs["Result"], behind, clamp=True), given[FLAT_INPUT])

    base, shade = given[BASE_INPUT], given[SHADE_INPUT]
    # What shading did to the base it does to the shade; never lighter. (What Blender's engines divide by 0 differs.)
    lost = mix(tree, 1.0, shade, mix(tree, 1.0, base, (0.01, 0.01, 0.01), "LIGHTEN"), "DIVIDE")
    deeper = mix(tree, 1.0, mix(tree, 1.0, shade, lost, "MULTIPLY"), shade, "DARKEN")
    third = math(tree, "MULTIPLY", math(tree, "SUBTRACT", 1.0, lit(_SECOND)), given[THIRD_INPUT])
    seen = mix(tree, lit(_FIRST), mix(tree, third, shade, deeper), base)
    out = tree.nodes.new("NodeGroupOutput")
    tree.links.new(mix(tree, 1.0, seen, given[GLOW_INPUT], "ADD"), out.inputs[0])


def set_light(direction: npt.ArrayLike) -> None:
    """Turn the light of all cel materials in the file; `direction` (3,) points towards the light, in the world. Raises ValueError for a
    direction without length."""
    vector = np.asarray(direction, float).reshape(3)
    length = np.linalg.norm(vector)
    if not np.isfinite(length) or length < 1e-9:
        raise ValueError(f"a direction needs a length: {direction}")
    for node in light_nodes():
        node.outputs["Normal"].default_value = tuple(float(v) for v in vector / length)


def light_direction() -> npt.NDArray[np.float64]:
    """(3,) unit vector towards the light of the file's cel materials, in the world."""
    for node in light_nodes():
        vector = np.array(node.outputs["Normal"].default_value, float)
        return vector / max(float(np.linalg.norm(vector)), 1e-9)
    return LIGHT.copy()


def light_nodes() -> list[Any]:
    """The node that holds the light's direction; several where files with the look were appended to this one."""
    kinds = [group for group in bpy.data.node_groups if str(group.get(CEL)).startswith("light ") and group.library is None]
    return [group.nodes[_LIGHT_NODE] for group in kinds if _LIGHT_NODE in group.nodes]


def shade_group() -> Any:
    """`palette.shade_of` as nodes, for colours that are only known when rendering (textures)."""
    return new_group(SHADE_GROUP, "shade", _fill_shade)


def _fill_shade(tree: Tree) -> None:
    socket_of(tree, "Color", "Color", default=(0.8, 0.8, 0.8, 1.0))
    socket_of(tree, "Shade", "Color", output=True)
    given = tree.nodes.new("NodeGroupInput").outputs
    apart = tree.nodes.new("ShaderNodeSeparateColor")
    apart.mode = "HSV"
    # sRGB without its linear piece, which is below 0.04.
    encoded = _multiply_add(tree, _power(tree, given["Color"], 1 / 2.4), 1.055, -0.055)
    tree.links.new(mix(tree, 1.0, encoded, (0.0, 0.0, 0.0), "LIGHTEN"), apart.inputs[0])
    hue, saturation, value = apart.outputs[0], apart.outputs[1], apart.outputs[2]
    # The way to hue 0.70 is wrapped to −0.5…0.5, and at most 0.03 of it is gone.
    turn = tree.nodes.new("ShaderNodeMath")
    turn.operation = "WRAP"
    tree.links.new(math(tree, "SUBTRACT", 0.70, hue), turn.inputs[0])
    turn.inputs[1].default_value, turn.inputs[2].default_value = 0.5, -0.5
    step = math(tree, "MINIMUM", math(tree, "MAXIMUM", turn.outputs[0], -0.03), 0.03)
    coloured = math(tree, "FRACT", math(tree, "ADD", math(tree, "ADD", hue, step), 1.0))
    grey = math(tree, "LESS_THAN", saturation, GREY)

    def either(for_grey: Value, otherwise: Value) -> Socket:
        kept = math(tree, "MULTIPLY", otherwise, math(tree, "SUBTRACT", 1.0, grey))
        return math(tree, "ADD", math(tree, "MULTIPLY", for_grey, grey), kept)

    together = tree.nodes.new("ShaderNodeCombineColor")
    together.mode = "HSV"
    richer = math(tree, "ADD", math(tree, "MULTIPLY", saturation, 1.18), 0.06, clamp=True)
    tree.links.new(either(0.66, coloured), together.inputs[0])
    tree.links.new(either(math(tree, "ADD", saturation, 0.075), richer), together.inputs[1])
    tree.links.new(math(tree, "MULTIPLY", value, either(0.84, 0.74)), together.inputs[2])
    decoded = _power(tree, _multiply_add(tree, together.outputs[0], 1 / 1.055, 0.055 / 1.055), 2.4)
    tree.links.new(decoded, tree.nodes.new("NodeGroupOutput").inputs[0])


def _power(tree: Tree, colour: Socket, exponent: float) -> Socket:
    node = tree.nodes.new("ShaderNodeGamma")
    node.inputs["Gamma"].default_value = exponent
    tree.links.new(colour, node.inputs["Color"])
    return node.outputs[0]


def _multiply_add(tree: Tree, colour: Socket, factor: float, addend: float) -> Socket:
    node = tree.nodes.new("ShaderNodeVectorMath")
    node.operation = "MULTIPLY_ADD"
    tree.links.new(colour, node.inputs[0])
    node.inputs[1].default_value, node.inputs[2].default_value = (factor,) * 3, (addend,) * 3
    return node.outputs[0]
