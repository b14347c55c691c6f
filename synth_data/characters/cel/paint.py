# SPDX-License-Identifier: GPL-3.0-or-later
"""What colour a material has and how opaque it is, read from its shader nodes, whatever shaders they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy

from .nodes import CEL, Socket, Tree, Value, math, mix

BLACK = (0.0, 0.0, 0.0)
PART = "part"  # a node group of the look's own, made for one material
_COLOUR_INPUTS = ("Base Color", "Color")


@dataclass(frozen=True)
class Paint:
    """Sockets or constants: the colour (linear RGB), the light that is given off on top of it, and the opacity; None for none, and for
    opaque. `emits`: the colour is itself light."""

    colour: Value
    glow: Value = None
    alpha: Value = None
    emits: bool = False

    @property
    def is_clear(self) -> bool:
        return isinstance(self.alpha, float) and self.alpha == 0.0


def paint_of(tree: Tree, shader: Socket) -> Paint | None:
    """The paint of what comes out of the shader socket `shader`, for the camera; None where that has no colour (a volume).

    New nodes in `tree` may be needed for it; a node group that holds shaders is exchanged for a copy that lets its colours out.
    """
    node = shader.node
    readers = {
        "REROUTE": lambda: _behind(tree, node.inputs[0]),
        "GROUP": lambda: _of_group(tree, node, shader),
        "MIX_SHADER": lambda: _of_mix(tree, node),
        "ADD_SHADER": lambda: _of_sum(tree, node),
        "BSDF_TRANSPARENT": lambda: Paint(BLACK, alpha=0.0),
        "BSDF_PRINCIPLED": lambda: _of_principled(tree, node),
        "EMISSION": lambda: Paint(_scaled(tree, node, "Color", "Strength"), emits=True),
        "BACKGROUND": lambda: Paint(_scaled(tree, node, "Color", "Strength"), emits=True),
        "EEVEE_SPECULAR": lambda: _of_specular(tree, node),
    }
    if node.type in readers:
        return readers[node.type]()
    colour = next((node.inputs[name] for name in _COLOUR_INPUTS if name in node.inputs), None)
    return Paint(value_of(colour)) if colour is not None and not node.type.startswith("VOLUME") else None


def value_of(socket: Socket) -> Value:
    """What an input gets: the socket it is linked to, else its constant."""
    if socket.is_linked and not socket.links[0].is_muted:
        return socket.links[0].from_socket
    value = socket.default_value
    return float(value) if isinstance(value, (int, float)) else tuple(float(v) for v in value)[:3]


def _behind(tree: Tree, socket: Socket) -> Paint | None:
    return paint_of(tree, socket.links[0].from_socket) if socket.is_linked else None


def _scaled(tree: Tree, node: Any, colour_name: str, strength_name: str) -> Value:
    """A colour times a strength."""
    colour, strength = value_of(node.inputs[colour_name]), value_of(node.inputs[strength_name])
    if isinstance(strength, float):
        if isinstance(colour, tuple):
            return tuple(c * strength for c in colour)
        if strength == 1.0:
            return colour
        strength = (strength, strength, strength)
    return mix(tree, 1.0, colour, strength, "MULTIPLY")


def _of_principled(tree: Tree, node: Any) -> Paint:
    colour, glow = value_of(node.inputs["Base Color"]), _scaled(tree, node, "Emission Color", "Emission Strength")
    alpha = value_of(node.inputs["Alpha"])
    alpha = None if isinstance(alpha, float) and alpha >= 1.0 else alpha
    if isinstance(glow, tuple) and max(glow) <= 0.0:
        glow = None
    if glow is not None and isinstance(colour, tuple) and max(colour) <= 0.0:
        return Paint(glow, None, alpha, emits=True)  # some exporters' way of saying unlit
    return Paint(colour, glow, alpha)


def _of_specular(tree: Tree, node: Any) -> Paint:
    clear = value_of(node.inputs["Transparency"])
    glow = value_of(node.inputs["Emissive Color"])
    alpha = 1.0 - clear if isinstance(clear, float) else math(tree, "SUBTRACT", 1.0, clear)
    return Paint(
        value_of(node.inputs["Base Color"]),
        None if isinstance(glow, tuple) and max(glow) <= 0.0 else glow,
        None if isinstance(alpha, float) and alpha >= 1.0 else alpha,
    )


def _of_mix(tree: Tree, node: Any) -> Paint | None:
    first, second = (_behind(tree, socket) for socket in node.inputs[1:3])
    share = value_of(node.inputs[0])
    if not isinstance(share, float) and share.node.type == "LIGHT_PATH":
        share = 1.0 if share.name == "Is Camera Ray" else 0.0  # this is about what a camera sees
    if first is None or second is None or (isinstance(share, float) and share in (0.0, 1.0)):
        return (second or first) if share == 1.0 or first is None else (first or second)
    alpha = _mixed_alpha(tree, share, first.alpha, second.alpha)
    if first.is_clear or second.is_clear:
        seen = second if first.is_clear else first
        return Paint(seen.colour, seen.glow, alpha, seen.emits)
    glow = None if first.glow is None and second.glow is None else mix(tree, share, first.glow or BLACK, second.glow or BLACK)
    return Paint(mix(tree, share, first.colour, second.colour), glow, alpha, first.emits and second.emits)


def _mixed_alpha(tree: Tree, share: Value, first: Value, second: Value) -> Value:
    if first is None and second is None:
        return None
    first, second = (1.0 if alpha is None else alpha for alpha in (first, second))
    if all(isinstance(value, float) for value in (share, first, second)):
        return first + share * (second - first)
    if isinstance(first, float) and first == 0.0:
        return share if isinstance(second, float) and second == 1.0 else math(tree, "MULTIPLY", share, second)
    rest = math(tree, "SUBTRACT", 1.0, share)
    if isinstance(second, float) and second == 0.0:
        return rest if isinstance(first, float) and first == 1.0 else math(tree, "MULTIPLY", rest, first)
    return math(tree, "ADD", math(tree, "MULTIPLY", rest, first), math(tree, "MULTIPLY", share, second))


def _of_sum(tree: Tree, node: Any) -> Paint | None:
    first, second = (_behind(tree, socket) for socket in node.inputs[:2])
    if first is None or second is None or first.is_clear or second.is_clear:
        seen = [paint for paint in (first, second) if paint is not None]
        return next((paint for paint in seen if not paint.is_clear), seen[0] if seen else None)
    if first.emits:
        first, second = second, first
    total = _sum(tree, first.glow, second.glow)
    if second.emits and not first.emits:
        return Paint(first.colour, _sum(tree, total, second.colour), first.alpha)
    return Paint(_sum(tree, first.colour, second.colour), total, first.alpha, first.emits)


def _sum(tree: Tree, first: Value, second: Value) -> Value:
    if first is None or second is None:
        return first or second
    return mix(tree, 1.0, first, second, "ADD")


def _of_group(tree: Tree, node: Any, shader: Socket) -> Paint | None:
    """The paint inside a node group, let out through sockets of a copy of it."""
    if node.node_tree is None:
        return None
    inside: Tree = node.node_tree.copy()
    inside[CEL] = PART
    node.node_tree = inside
    exits = sorted((other for other in inside.nodes if other.type == "GROUP_OUTPUT"), key=lambda other: not other.is_active_output)
    doors: Any = exits[0].inputs if exits else ()
    door = next((socket for socket in doors if socket.identifier == shader.identifier), None)
    paint = None if door is None else _behind(inside, door)
    if paint is None:
        return None

    def let_out(value: Value, kind: str) -> Value:
        if not isinstance(value, bpy.types.NodeSocket):
            return value
        new = inside.interface.new_socket("Ningyo", in_out="OUTPUT", socket_type=f"NodeSocket{kind}").identifier
        inside.links.new(value, next(socket for socket in doors if socket.identifier == new))
        return next(socket for socket in node.outputs if socket.identifier == new)

    return Paint(let_out(paint.colour, "Color"), let_out(paint.glow, "Color"), let_out(paint.alpha, "Float"), paint.emits)
