# SPDX-License-Identifier: GPL-3.0-or-later
"""What a character is made of beside its bones: meshes, materials, textures and expressions, and what is wrong with them (bpy)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import bpy
import numpy as np

from ..retarget.face import NAMES
from ..retarget.rig import Rig
from .expressions import shown_expressions

# Inputs of shaders from which a colour or an opacity comes; others (normals, roughness) can be missed.
_SEEN = {
    "Base Color",
    "Color",
    "Alpha",
    "Emission Color",
    "Emission Strength",
    "Strength",
    "Fac",
    "Shader",
    "Emissive Color",
    "Transparency",
}


@dataclass(frozen=True)
class MeshParts:
    """A mesh object; `materials` of its slots, "-" for an empty one; `keys` are its shape keys but for the basis."""

    name: str
    vertices: int
    materials: tuple[str, ...]
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Texture:
    """A picture of a material's; `size` in pixels, None where it cannot be read; `path` where it should lie, "" where it is in the file."""

    name: str
    material: str
    size: tuple[int, int] | None
    path: str = ""


@dataclass(frozen=True)
class Survey:
    """`expressions` are those of `face.NAMES` that can be shown."""

    meshes: tuple[MeshParts, ...]
    textures: tuple[Texture, ...]
    expressions: tuple[str, ...]


def survey(meshes: Sequence[Any]) -> Survey:
    """What the mesh objects of a character are made of. Reads their textures from the disk."""
    parts = tuple(
        MeshParts(
            mesh.name,
            len(mesh.data.vertices),
            tuple("-" if slot.material is None else slot.material.name for slot in mesh.material_slots),
            () if mesh.data.shape_keys is None else tuple(block.name for block in mesh.data.shape_keys.key_blocks[1:]),
        )
        for mesh in meshes
    )
    return Survey(parts, tuple(textures_of(meshes)), shown_expressions(meshes, NAMES))


def problems_of(name: str, survey: Survey, rig: Rig | None = None) -> list[str]:
    """What a person should know before they render the character, a sentence each; without a rig, what does not depend on it."""
    found = [unreadable(texture) for texture in survey.textures if texture.size is None]
    if not survey.meshes:
        found.append(f"{name} has no mesh that its bones move; there is nothing to render. In Mixamo, download with skin.")
    elif not survey.expressions:
        found.append(f"{name} has no shape keys for expressions (eyeBlinkLeft, jawOpen and the like): its face will not move.")
    if rig is not None and rig.facing[1] > -np.cos(np.radians(45)):
        x, y, _ = rig.facing
        side = ("+X" if x > 0 else "−X") if abs(x) > abs(y) else "+Y" if y > 0 else "up or down"
        found.append(f"{name} faces {side} at rest, where Ningyo's characters face −Y: cameras in front would stand elsewhere; turn it.")
    return found


def unreadable(texture: Texture) -> str:
    """In a sentence, with the way out."""
    way_out = (
        f"put the picture at {texture.path}, or choose a file with its textures packed" if texture.path else "export the character again"
    )
    return f"The texture {texture.name} of the material {texture.material} cannot be read; {way_out}."


def textures_of(meshes: Iterable[Any]) -> Iterator[Texture]:
    """The pictures on which colour or opacity of the meshes' materials depend, each once. Reads them."""
    known = set()
    for mesh in meshes:
        for slot in mesh.material_slots:
            if slot.material is None or slot.material in known or slot.material.node_tree is None:
                continue
            known.add(slot.material)
            for image in _images(slot.material.node_tree):
                if image not in known:
                    known.add(image)
                    width, height = image.size  # asking makes Blender read it
                    path = "" if image.packed_file is not None else bpy.path.abspath(image.filepath)
                    name = PurePath(image.filepath.replace("\\", "/")).name or image.name
                    yield Texture(name, slot.material.name, (int(width), int(height)) if width and height else None, path)


def _images(tree: Any) -> list[Any]:
    """The pictures that what is seen of a material depends on."""
    outputs = [node for node in tree.nodes if node.type == "OUTPUT_MATERIAL" and node.is_active_output]
    found: dict[Any, None] = {}
    seen: set[Any] = set()

    def upstream(sockets: Iterable[Any]) -> None:
        for socket in sockets:
            for link in socket.links:
                visit(link.from_node)

    def visit(node: Any) -> None:
        if node in seen:
            return
        seen.add(node)
        if node.type == "TEX_IMAGE" and node.image is not None:
            found[node.image] = None
        is_shader = any(socket.type == "SHADER" for socket in node.outputs) and node.type != "GROUP"
        upstream(socket for socket in node.inputs if not is_shader or socket.name in _SEEN)
        if node.type == "GROUP" and node.node_tree is not None:
            for inner in node.node_tree.nodes:
                if inner.type == "GROUP_OUTPUT":
                    visit(inner)

    for output in outputs:
        upstream([output.inputs["Surface"]])
    return list(found)
