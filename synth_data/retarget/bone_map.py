# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bone has which role: by a person's own map, by the file's humanoid description, by names, or by the skeleton's structure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import UserError
from ...jobs.folder import write_atomically
from .naming import named_roles
from .roles import ROLES, in_right_place, missing_roles, mixamo_roles, role_above
from .structure import structural_roles

SCHEMA, VERSION = "ningyo.bone_map", 1
SUFFIX = ".bones.json"
MAP, VRM, MIXAMO, NAMES, STRUCTURE = "bone map", "VRM", "Mixamo's names", "names", "structure"


@dataclass(frozen=True)
class BoneMap:
    """Role → the name of its bone, or None: no bone has this role. Of roles that are not in it, names decide.

    `origin` says in messages where it is from.
    """

    bones: Mapping[str, str | None]
    origin: str = "the bone map"

    def to_json(self) -> dict[str, Any]:
        return {"schema": SCHEMA, "version": VERSION, "bones": dict(self.bones)}

    @classmethod
    def from_json(cls, data: Any, origin: str) -> BoneMap:
        """Raises UserError, which names `origin`, when `data` is no bone map that this version can read."""
        if not isinstance(data, dict) or data.get("schema") != SCHEMA or not isinstance(data.get("bones"), dict):
            raise UserError(f'{origin} is not a bone map; make one with `ningyo rig CHARACTER --map` and edit its "bones".')
        version = data.get("version")
        if not isinstance(version, int) or version > VERSION:
            raise UserError(f"{origin} was written by a newer Ningyo (version {version} of bone maps); update Ningyo to read it.")
        for role, bone in data["bones"].items():
            if role not in ROLES:
                raise UserError(f"{origin} names a role {role!r} that does not exist{_nearest(role, ROLES)}.")
            if bone is not None and not isinstance(bone, str):
                raise UserError(f"{origin} gives {role} the value {bone!r}; write a bone's name in quotes, or null.")
        return cls(data["bones"], origin)

    @classmethod
    def load(cls, path: Path | str) -> BoneMap:
        """Raises UserError for a file that cannot be read or is no bone map."""
        try:
            data = json.loads(Path(path).read_text("utf-8"))
        except OSError as error:
            raise UserError(f"The bone map {path} cannot be read ({error.strerror}); check the file.") from error
        except ValueError as error:
            raise UserError(f"The bone map {path} is not JSON ({error}); mend it, or delete it and make it again.") from error
        return cls.from_json(data, str(path))

    def save(self, path: Path | str) -> None:
        write_atomically(path, json.dumps(self.to_json(), indent=1, ensure_ascii=False) + "\n")


def map_beside(character: Path | str) -> Path:
    """Where the map of a character's file lies: `hero.bones.json` beside `hero.glb`."""
    return Path(character).with_suffix(SUFFIX)


@dataclass(frozen=True)
class Recognition:
    """`role_index` maps roles to bones' indices; `how` is one of the constants above; `prefix` is Mixamo's, if it is that."""

    how: str
    role_index: dict[str, int]
    prefix: str = ""

    @property
    def missing(self) -> list[str]:
        return missing_roles(self.role_index)

    def roles(self, count: int) -> list[str | None]:
        """Each bone's role."""
        roles: list[str | None] = [None] * count
        for role, index in self.role_index.items():
            roles[index] = role
        return roles


def recognise(
    names: Sequence[str],
    parents: Sequence[int],
    heads: npt.NDArray[np.float64],
    *,
    bone_map: BoneMap | None = None,
    humanoid: Mapping[str, str] | None = None,
) -> Recognition:
    """The roles of an armature's bones; look at `missing` to see whether it is a humanoid.

    `parents` are indices, parents first, −1 for roots; `heads` (B, 3) rest positions in the world. `humanoid` is role → bone name as the
    character's file describes it (VRM). A map decides over everything, for the roles it has; then the file; then names; where those do not
    make a humanoid, the structure adds what they lack. A bone whose place in the hierarchy contradicts its name has no role.

    Raises UserError when the map names a bone that is not there, one bone twice, or bones that do not hang from each other.
    """
    if bone_map is not None and bone_map.bones:
        given = _checked(bone_map, names, parents)
        rest = _best(_by_name(names, parents, humanoid or {}))
        free = {role: index for role, index in rest.role_index.items() if role not in bone_map.bones}
        return Recognition(MAP, in_right_place(_beside(free, given), parents), rest.prefix)
    ways = _by_name(names, parents, humanoid or {})
    named = _best(ways)
    if not named.missing:
        return named
    structure = structural_roles(parents, np.asarray(heads, np.float64))
    if not structure:
        return named
    both = in_right_place(_beside(structure, named.role_index), parents)
    return _best([Recognition(STRUCTURE, both, named.prefix), Recognition(STRUCTURE, structure), named])


def _beside(some: Mapping[str, int], sure: Mapping[str, int]) -> dict[str, int]:
    """`sure`, and of `some` the roles that it lacks, of bones that it does not use."""
    taken = set(sure.values())
    return {role: index for role, index in some.items() if role not in sure and index not in taken} | dict(sure)


def _by_name(names: Sequence[str], parents: Sequence[int], humanoid: Mapping[str, str]) -> list[Recognition]:
    """The surest first."""
    index = {name: i for i, name in enumerate(names)}
    described = in_right_place({role: index[bone] for role, bone in humanoid.items() if bone in index}, parents)
    prefix, mixamo = mixamo_roles(names, parents)
    return [Recognition(VRM, described), Recognition(MIXAMO, mixamo, prefix), Recognition(NAMES, named_roles(names, parents))]


def _best(ways: Sequence[Recognition]) -> Recognition:
    """The first that makes a humanoid; if none does, the one that knows most bones."""
    return next((way for way in ways if not way.missing), max(ways, key=lambda way: len(way.role_index)))


def _checked(bone_map: BoneMap, names: Sequence[str], parents: Sequence[int]) -> dict[str, int]:
    """The map's roles → bones' indices. Raises UserError."""
    index = {name: i for i, name in enumerate(names)}
    given: dict[str, int] = {}
    for role in ROLES:
        bone = bone_map.bones.get(role)
        if bone is None:
            continue
        if bone not in index:
            raise UserError(f"{bone_map.origin} gives {role} the bone {bone!r}, which the armature does not have{_nearest(bone, names)}.")
        if index[bone] in given.values():
            first = next(other for other, i in given.items() if i == index[bone])
            raise UserError(f"{bone_map.origin} gives the bone {bone!r} to both {first} and {role}; give it to one, and null to the other.")
        given[role] = index[bone]
    kept = in_right_place(given, parents)
    for role, i in given.items():
        above = role_above(role, given)
        if role not in kept and above:
            raise UserError(
                f"{bone_map.origin} says that {role} is {names[i]!r}, which does not hang from {above} ({names[given[above]]!r}) in the "
                "armature; give another bone."
            )
    return given


def _nearest(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, 1, 0.5)
    return f"; perhaps {near[0]!r} is meant" if near else ""
