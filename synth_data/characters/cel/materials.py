# SPDX-License-Identifier: GPL-3.0-or-later
"""The look's materials: the built-in characters' one, copies of others' in the look, and the outline's."""

from __future__ import annotations

from typing import Any

import bpy

from .nodes import (
    CEL,
    THIRD_INPUT,
    VERSION,
    Socket,
    Tree,
    Value,
    attribute,
    connect,
    emission,
    geometry,
    in_group,
    light_group,
    seen_through,
    shade_group,
)
from .paint import Paint, paint_of

# Attributes of the built-in characters: colour in light, in shade (linear), and 1 where no shading falls. The last counts on any mesh.
BASE, SHADE, FLAT = "ningyo_base", "ningyo_shade", "ningyo_flat"
# What material[CEL] says: the built-in characters' material, a copy of someone's, an outline.
BUILT_IN, COPY, INK = f"built in {VERSION}", "copy", f"ink {VERSION}"
_INK = (0.0106, 0.0053, 0.0088)


def _emptied(material: bpy.types.Material) -> Tree:
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True
    tree: Tree = material.node_tree
    tree.nodes.clear()
    return tree


def _own(name: str, kind: str) -> tuple[bpy.types.Material, bool]:
    """The file's material of this kind, and whether it has still to be made."""
    for material in bpy.data.materials:
        if material.get(CEL) == kind and material.library is None:
            return material, False
    material = bpy.data.materials.new(name)
    material[CEL] = kind
    return material, True


def cel_material(name: str) -> bpy.types.Material:
    """The built-in characters' one material; one that is in the file is used again."""
    material, is_new = _own(name, BUILT_IN)
    if is_new:
        tree = _emptied(material)
        base, shade = attribute(tree, BASE, "Color"), attribute(tree, SHADE, "Color")
        lit = in_group(tree, light_group(), Base=base, Shade=shade, Flat=attribute(tree, FLAT, "Fac"))
        _finish(material, tree, emission(tree, lit.outputs[0]))
    return material


def outline_material(name: str) -> bpy.types.Material:
    """Dark, with a tint of the built-in characters' shade, on the sides that look away from the hull; transparent on the others."""
    material, is_new = _own(name, INK)
    if is_new:
        _finish(material, *_ink(_emptied(material)))
        material.use_backface_culling = True
        material.diffuse_color = (*_INK, 1.0)
    return material


def _ink(tree: Tree) -> tuple[Tree, Socket]:
    tint = tree.nodes.new("ShaderNodeVectorMath")
    tint.operation = "MULTIPLY_ADD"
    tree.links.new(attribute(tree, SHADE, "Vector"), tint.inputs[0])
    tint.inputs[1].default_value, tint.inputs[2].default_value = (0.12, 0.12, 0.12), _INK
    node = tree.nodes.new("ShaderNodeMixShader")
    tree.links.new(geometry(tree, "Backfacing"), node.inputs[0])
    tree.links.new(emission(tree, tint.outputs[0]), node.inputs[1])
    tree.links.new(tree.nodes.new("ShaderNodeBsdfTransparent").outputs[0], node.inputs[2])
    return tree, node.outputs[0]


def cel_copy(material: bpy.types.Material | None, tones: int = 2) -> tuple[bpy.types.Material, bpy.types.Material | None]:
    """A copy of a material in the look, and one of the outline for it where it is not opaque everywhere (else None: `outline_material`).

    Base colour, its textures and alpha are kept; the original is left as it is. None (no material) is Blender's light grey.
    """
    copy, tree, paint = _painted(material, "cel")
    shade = in_group(tree, shade_group(), Color=paint.colour).outputs[0]
    lit = in_group(tree, light_group(), Base=paint.colour, Shade=shade, Flat=attribute(tree, FLAT, "Fac"))
    if paint.glow is not None:
        connect(tree, paint.glow, lit.inputs["Glow"])
    surface = emission(tree, lit.outputs[0])
    if paint.alpha is None:
        _finish(copy, tree, surface)
        return set_third(copy, tones), None
    _finish(copy, tree, seen_through(tree, paint.alpha, surface))
    ink, tree, paint = _painted(material, "outline")
    _finish(ink, tree, seen_through(tree, paint.alpha, _ink(tree)[1]))
    ink.use_backface_culling = True
    return set_third(copy, tones), ink


def _painted(material: bpy.types.Material | None, suffix: str) -> tuple[bpy.types.Material, Tree, Paint]:
    """A copy of a material, its node tree, and its paint in there."""
    if material is None:
        copy = bpy.data.materials.new(f"No material {suffix}")
        copy[CEL] = COPY
        return copy, _emptied(copy), Paint((0.8, 0.8, 0.8))
    copy = material.copy()
    copy.name = f"{material.name} {suffix}"
    copy[CEL] = COPY
    copy.use_fake_user = False
    copy.asset_clear()
    tree: Tree = copy.node_tree if bpy.app.version >= (5, 0, 0) or copy.use_nodes else None
    output = None if tree is None else tree.get_output_node("ALL") or tree.get_output_node("CYCLES") or tree.get_output_node("EEVEE")
    paint = None
    if output is not None and output.inputs["Surface"].is_linked:
        paint = paint_of(tree, output.inputs["Surface"].links[0].from_socket)
    if paint is None:
        tree = _emptied(copy)
        paint = Paint(tuple(float(v) for v in copy.diffuse_color[:3]))
    return copy, tree, paint


def _finish(material: Any, tree: Tree, surface: Socket) -> None:
    """Make `surface` what the material shows in every engine."""
    for output in [node for node in tree.nodes if node.type == "OUTPUT_MATERIAL"]:
        tree.nodes.remove(output)
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(surface, output.inputs["Surface"])
    material.use_backface_culling = False  # Cycles does not cull; and the inside of a skirt is to be seen
    if hasattr(material, "cycles"):
        # The look glows; gathering its triangles as lamps, anew for every pose, would take most of the time.
        material.cycles.emission_sampling = "NONE"


def light_nodes_of(material: Any) -> list[Any]:
    """The nodes in a material that stand for the light."""
    nodes = [] if material is None or material.node_tree is None else material.node_tree.nodes
    return [node for node in nodes if node.type == "GROUP" and str((node.node_tree or {}).get(CEL)).startswith("light ")]


def set_third(material: Any, tones: int) -> Any:
    """Give a material of the look two or three tones; returns it."""
    if tones not in (2, 3):
        raise ValueError(f"there are two or three tones, not {tones}")
    for node in light_nodes_of(material):
        node.inputs[THIRD_INPUT].default_value = float(tones - 2)
    return material


def is_cel(material: Any, *kinds: Value) -> bool:
    """Whether a material belongs to the look (as one of `kinds`)."""
    said = None if material is None else material.get(CEL)
    return said is not None and (not kinds or said in kinds)
