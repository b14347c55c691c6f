# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at a character before it is used: what is recognised in it, what it is made of, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import UserError
from ..retarget import secondary
from ..retarget.bone_map import Recognition
from ..retarget.rig import Rig
from .expressions import keep_expressions
from .humanoid import recognition_of
from .importing import BUILTIN, Hints, check_file, context_kept, import_file, load_character, moves_with, rig_of, undone
from .survey import Survey, problems_of, survey


@dataclass(frozen=True)
class Findings:
    """`bones` and `parents` (indices, −1 for roots) of the armature, parents first; `rig` is None for what is not (yet) humanoid, `parts`
    for a rig without its character (a .json). `problems` are sentences."""

    bones: list[str]
    parents: list[int]
    recognition: Recognition
    rig: Rig | None
    parts: Survey | None
    problems: list[str]

    @property
    def chains(self) -> list[tuple[str, int]]:
        """The first bone of each chain without roles that hangs from the body (hair, skirts), and how many bones it has, two at least."""
        return chains_of(self.bones, self.parents, set(self.recognition.role_index.values()))

    @property
    def swinging(self) -> int:
        """How many of the bones swing with motions: those that are called hair, skirt and the like."""
        return 0 if self.rig is None else len(secondary.chains_of(self.rig).bones)


def examine(spec: Path | str) -> Findings:
    """Look at a character, also at one that is not (yet) humanoid: then at the armature that comes nearest.

    `spec` is a .json that Ningyo wrote, a character's file, or `builtin[:SEED]`. Leaves nothing in Blender. Raises UserError for a file
    that cannot be read, that has no armature, or whose bone map is wrong.
    """
    path = Path(spec)
    if path.suffix.lower() == ".json":
        rig = Rig.load(path)
        return Findings(
            list(rig.names), rig.parents.tolist(), Recognition(rig.recognised, rig.index_of_role, rig.prefix), rig, None, rig.warnings
        )
    with undone():
        try:
            character = load_character(spec)
        except UserError:
            if str(spec).partition(":")[0] == BUILTIN:
                raise
            return _nearest(path)
        bones, recognition = recognition_of(character.armature)
        rig = rig_of(character)
        problems = [*rig.warnings, *problems_of(character.name, character.survey, rig)]
        return Findings(*_tree(bones), recognition, rig, character.survey, problems)


def _nearest(path: Path) -> Findings:
    """Of a file that has no humanoid."""
    import bpy

    check_file(path)
    hints = Hints.of(path)
    objects: Any = bpy.data.objects
    before = set(objects)
    with context_kept():
        import_file(path)
    new = [obj for obj in objects if obj not in before]
    armatures = [obj for obj in new if obj.type == "ARMATURE"]
    if not armatures:
        raise UserError(f"{path} has no armature; choose a rigged character, in Mixamo: download with skin.")
    known = [(*recognition_of(armature, hints.bone_map, hints.vrm), armature) for armature in armatures]
    bones, recognition, armature = max(known, key=lambda one: (not one[1].missing, len(one[1].role_index), len(one[0])))
    meshes = [obj for obj in new if obj.type == "MESH" and moves_with(obj, armature)]
    if hints.described is not None:
        keep_expressions(meshes, hints.described.expressions)
    parts = survey(meshes)
    return Findings(*_tree(bones), recognition, None, parts, problems_of(path.stem, parts))


def _tree(bones: list[Any]) -> tuple[list[str], list[int]]:
    index = {bone.name: i for i, bone in enumerate(bones)}
    return list(index), [-1 if bone.parent is None else index[bone.parent.name] for bone in bones]


def chains_of(names: list[str], parents: list[int], with_role: set[int]) -> list[tuple[str, int]]:
    """As `Findings.chains`; `parents` come first."""
    carries = [index in with_role for index in range(len(names))]
    sizes = [1] * len(names)
    for index in reversed(range(len(names))):
        if parents[index] >= 0:
            carries[parents[index]] |= carries[index]
            sizes[parents[index]] += sizes[index]
    return [
        (names[index], sizes[index])
        for index, parent in enumerate(parents)
        if not carries[index] and parent >= 0 and carries[parent] and sizes[index] > 1
    ]
