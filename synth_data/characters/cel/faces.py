# SPDX-License-Identifier: GPL-3.0-or-later
"""Which face shows which material, decided by geometry nodes at the end of a mesh's modifiers: its slots and its data stay as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bpy

from .materials import outline_material
from .nodes import CEL, Socket, Tree, new_group, socket_of
from .outline import OUTLINE

MARK, LOOK = "Ningyo faces", "Ningyo cel"
LOOK_KIND = "look"
_FACE = "ningyo_face"


@dataclass(frozen=True)
class Dress:
    """A material slot: its material, whether that is the mesh's own (and not the object's), its copy in the look, and the outline's where
    that is not the same for all."""

    original: bpy.types.Material | None
    of_mesh: bool
    copy: bpy.types.Material
    ink: bpy.types.Material | None


def mark_group() -> Any:
    """Numbers the faces. A modifier that copies faces copies the numbers."""
    return new_group("Ningyo faces", "faces", _fill_mark, "GeometryNodeTree")


def _fill_mark(tree: Tree) -> None:
    geometry, leave = _modifier(tree)
    store = tree.nodes.new("GeometryNodeStoreNamedAttribute")
    store.data_type, store.domain = "INT", "FACE"
    store.inputs["Name"].default_value = _FACE
    tree.links.new(geometry, store.inputs["Geometry"])
    tree.links.new(tree.nodes.new("GeometryNodeInputIndex").outputs[0], _enabled(store.inputs, "Value"))
    tree.links.new(store.outputs[0], leave)


def look_group(name: str, slots: Sequence[Dress], bare: Dress) -> Any:
    """Faces of each slot get its copy, those of a hull behind `mark_group` the outline; without slots, `bare` is for all."""
    tree: Tree = bpy.data.node_groups.new(name, "GeometryNodeTree")
    tree[CEL] = LOOK_KIND
    geometry, leave = _modifier(tree)
    slot = tree.nodes.new("GeometryNodeInputMaterialIndex").outputs[0]
    hull, count = _is_hull(tree), len(slots)
    surface = _logic(tree, "NOT", hull)

    def dressed(material: Any, where: Socket) -> None:
        nonlocal geometry
        node = tree.nodes.new("GeometryNodeSetMaterial")
        node.inputs["Material"].default_value = material
        tree.links.new(geometry, node.inputs["Geometry"])
        tree.links.new(where, node.inputs["Selection"])
        geometry = node.outputs[0]

    def of_slot(index: int, part: Socket) -> Socket:
        return _logic(tree, "AND", part, _compare(tree, "EQUAL", slot, index))

    if count:
        # Blender shows the last slot's material where there is no slot.
        last = tree.nodes.new("GeometryNodeSetMaterialIndex")
        last.inputs["Material Index"].default_value = count - 1
        tree.links.new(geometry, last.inputs["Geometry"])
        tree.links.new(_compare(tree, "GREATER_EQUAL", slot, count), last.inputs["Selection"])
        geometry = last.outputs[0]
    # Materials come into the mesh after those of the slots: what is below `count` has not been dressed yet.
    for index, dress in enumerate(slots):
        if dress.ink is not None:
            dressed(dress.ink, of_slot(index, hull))
    dressed(outline_material(OUTLINE), _logic(tree, "AND", hull, _compare(tree, "LESS_THAN", slot, count)) if count else hull)
    # Exchanged where that is possible: a material that stays in the mesh is loaded with its textures, and may ask for tangents.
    exchanged = {d.original: d.copy for d in slots if d.original is not None} if all(d.of_mesh for d in slots) else {}
    for original, copy in exchanged.items():
        node = tree.nodes.new("GeometryNodeReplaceMaterial")
        node.inputs["Old"].default_value, node.inputs["New"].default_value = original, copy
        tree.links.new(geometry, node.inputs["Geometry"])
        geometry = node.outputs[0]
    for index, dress in enumerate(slots):
        if dress.original not in exchanged:
            dressed(dress.copy, of_slot(index, surface))
    if not count:
        dressed(bare.copy, surface)
    tree.links.new(geometry, leave)
    return tree


def materials_of(tree: Tree) -> set[Any]:
    """The materials that a `look_group` gives."""
    inputs = {"SET_MATERIAL": "Material", "REPLACE_MATERIAL": "New"}
    return {node.inputs[inputs[node.type]].default_value for node in tree.nodes if node.type in inputs} - {None}


def _modifier(tree: Tree) -> tuple[Socket, Socket]:
    """The sockets for what comes in and what goes out."""
    tree.is_modifier = True
    socket_of(tree, "Geometry", "Geometry")
    socket_of(tree, "Geometry", "Geometry", output=True)
    return tree.nodes.new("NodeGroupInput").outputs[0], tree.nodes.new("NodeGroupOutput").inputs[0]


def _is_hull(tree: Tree) -> Socket:
    """Faces whose number is another's."""
    number = tree.nodes.new("GeometryNodeInputNamedAttribute")
    number.data_type = "INT"
    number.inputs["Name"].default_value = _FACE
    other = _compare(tree, "NOT_EQUAL", _enabled(number.outputs, "Attribute"), tree.nodes.new("GeometryNodeInputIndex").outputs[0])
    return _logic(tree, "AND", number.outputs["Exists"], other)


def _compare(tree: Tree, operation: str, a: Socket, b: Socket | int) -> Socket:
    node = tree.nodes.new("FunctionNodeCompare")
    node.data_type, node.operation = "INT", operation
    tree.links.new(a, _enabled(node.inputs, "A"))
    second = _enabled(node.inputs, "B")
    if isinstance(b, int):
        second.default_value = b
    else:
        tree.links.new(b, second)
    return node.outputs[0]


def _logic(tree: Tree, operation: str, *parts: Socket) -> Socket:
    node = tree.nodes.new("FunctionNodeBooleanMath")
    node.operation = operation
    for socket, part in zip(node.inputs, parts, strict=False):
        tree.links.new(part, socket)
    return node.outputs[0]


def _enabled(sockets: Any, name: str) -> Socket:
    """Of the sockets of a name, one for each type of data, that of the type which is chosen."""
    return next(socket for socket in sockets if socket.name == name and socket.enabled)
