# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape keys by which a character's meshes show expressions (bpy)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..retarget.shape_keys import Said, driven_keys

# On a mesh's data: what its file says of its shape keys, as JSON {key: [[expression, weight], …]}.
PROPERTY = "ningyo_expressions"


@dataclass(frozen=True)
class Drive:
    """The shape key `key` has the value of the mean of `expressions` times `weight`."""

    key: Any
    expressions: tuple[str, ...]
    weight: float


def drives_of(mesh: Any, expressions: Sequence[str]) -> list[Drive]:
    """What moves the shape keys of a mesh object, of these expressions (ARKit's names)."""
    keys: Any = mesh.data.shape_keys
    if keys is None:
        return []
    said = _said(mesh.data)
    driven = driven_keys([block.name for block in keys.key_blocks[1:]], expressions, said)
    return [
        Drive(keys.key_blocks[key], names, max((one.weight for one in said.get(key, ())), default=1.0)) for key, names in driven.items()
    ]


def shown_expressions(meshes: Iterable[Any], expressions: Sequence[str]) -> tuple[str, ...]:
    """Those of `expressions` that the meshes can show."""
    shown = {name for mesh in meshes for drive in drives_of(mesh, expressions) for name in drive.expressions}
    return tuple(name for name in expressions if name in shown)


def keep_expressions(meshes: Iterable[Any], of_file: Mapping[str, Mapping[int, list[Said]]]) -> None:
    """Remember with the meshes what their file says of them, in a saved file too. `of_file` is `Vrm.expressions`."""
    for mesh in meshes:
        keys: Any = mesh.data.shape_keys
        # Blender adds .001 to a name that it has already.
        said = of_file.get(mesh.data.name) or of_file.get(re.sub(r"\.\d{3,}$", "", mesh.data.name))
        if keys is not None and said is not None:
            blocks = keys.key_blocks[1:]
            mesh.data[PROPERTY] = json.dumps({blocks[i].name: said[i] for i in said if i < len(blocks)})


def _said(data: Any) -> dict[str, list[Said]]:
    try:
        kept = json.loads(data.get(PROPERTY, "{}"))
        return {key: [Said(str(name), float(weight)) for name, weight in entries] for key, entries in kept.items()}
    except (ValueError, TypeError, AttributeError):
        return {}  # a custom property that somebody changed; names tell enough
