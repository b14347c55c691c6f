# SPDX-License-Identifier: GPL-3.0-or-later
"""What a VRM file says of its character beside the bones: which way it faces, and what its expressions are made of.

VRM 0.x is glTF's extension `VRM`, 1.0 is `VRMC_vrm` (github.com/vrm-c/vrm-specification); Blender's glTF importer knows neither.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..retarget.shape_keys import Said

_GLB_HEADER, _GLB_JSON = struct.Struct("<4sIII4s"), b"JSON"


@dataclass(frozen=True)
class Vrm:
    """`version` 0 or 1. `expressions`: name of a mesh in the file → number of its shape key (0 is the first after the basis) → what moves
    it."""

    version: int
    expressions: Mapping[str, Mapping[int, list[Said]]] = field(default_factory=dict)

    @property
    def faces_back(self) -> bool:
        """Whether it comes into Blender facing +Y: 0.x faces glTF's −Z, 1.0 as glTF +Z."""
        return self.version == 0


def read_vrm(path: Path) -> Vrm | None:
    """None for a file that is no VRM; what is damaged in it is left out."""
    gltf = glb_json(path)
    try:
        extensions = gltf.get("extensions", {})
        if "VRMC_vrm" in extensions:
            return Vrm(1, _named(gltf, _expressions_1(gltf, extensions["VRMC_vrm"].get("expressions", {}))))
        if "VRM" in extensions:
            return Vrm(0, _named(gltf, _expressions_0(extensions["VRM"].get("blendShapeMaster", {}))))
    except AttributeError:
        pass
    return None


def glb_json(path: Path) -> Any:
    """What a GLB says of itself; {} for another or a damaged file, of which Blender's importer will say what is wrong with it."""
    with path.open("rb") as file:
        start = file.read(_GLB_HEADER.size)
        magic, _, _, length, kind = _GLB_HEADER.unpack(start) if len(start) == _GLB_HEADER.size else (b"", 0, 0, 0, b"")
        if magic != b"glTF" or kind != _GLB_JSON:
            return {}
        try:
            return json.loads(file.read(length))
        except ValueError:
            return {}


Bind = tuple[int, int, str, float]  # number of the mesh, of its morph target, name of the expression, the target's weight


def _expressions_0(master: Any) -> Iterable[Bind]:
    """`presetName` is one of VRM's, in lower case with _l and _r for the sides, or "unknown" for the author's own."""
    for group in _listed(master.get("blendShapeGroups")):
        preset = str(group.get("presetName", "unknown")).lower()
        name = str(group.get("name", "")) if preset == "unknown" else preset
        for bind in _listed(group.get("binds")):
            yield _number(bind, "mesh"), _number(bind, "index"), name, _share(bind.get("weight"), 100.0)


def _expressions_1(gltf: Any, expressions: Any) -> Iterable[Bind]:
    nodes = gltf.get("nodes", [])
    for group in ("preset", "custom"):
        for name, expression in expressions.get(group, {}).items():
            for bind in _listed(expression.get("morphTargetBinds")):
                node = _number(bind, "node")
                mesh = _number(nodes[node], "mesh") if 0 <= node < len(nodes) else -1
                yield mesh, _number(bind, "index"), str(name), _share(bind.get("weight"), 1.0)


def _named(gltf: Any, binds: Iterable[Bind]) -> dict[str, dict[int, list[Said]]]:
    meshes = gltf.get("meshes", [])
    found: dict[str, dict[int, list[Said]]] = {}
    for mesh, target, name, weight in binds:
        if not 0 <= mesh < len(meshes) or weight <= 0 or not name:
            continue
        key = _key_number(meshes[mesh], target)
        if key is not None:
            found.setdefault(_blender_name(meshes[mesh], mesh), {}).setdefault(key, []).append(Said(name, weight))
    return found


def _key_number(mesh: Any, target: int) -> int | None:
    """Targets that move no positions (but normals) do not become shape keys."""
    targets = [primitive.get("targets", []) for primitive in mesh.get("primitives", [])]
    moves = [any(len(some) > i and "POSITION" in some[i] for some in targets) for i in range(max(map(len, targets), default=0))]
    return sum(moves[:target]) if 0 <= target < len(moves) and moves[target] else None


def _blender_name(mesh: Any, number: int) -> str:
    return str(mesh.get("name") or f"Mesh_{number}")


def _listed(value: Any) -> list[Any]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _number(entry: Any, key: str) -> int:
    value = entry.get(key, -1)
    return value if isinstance(value, int) else -1


def _share(value: Any, whole: float) -> float:
    return min(float(value) / whole, 1.0) if isinstance(value, (int, float)) else 1.0
