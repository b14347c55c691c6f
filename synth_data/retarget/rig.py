# SPDX-License-Identifier: GPL-3.0-or-later
"""Rig: an armature at rest, as numbers (docs/architecture.md, "Rig")."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import UserError
from ...jobs.folder import write_atomically
from .bone_map import MIXAMO, STRUCTURE
from .roles import REQUIRED_ROLES, ROLES

Array = npt.NDArray[np.float64]
SCHEMA, VERSION = "ningyo.rig", 1


@dataclass(frozen=True, eq=False)
class Bone:
    """`matrix` is the 4×4 rest matrix in armature space (Blender's `Bone.matrix_local`); `length` is in armature units and is not to be
    trusted: importers invent tails."""

    name: str
    parent: int
    role: str | None
    matrix: Array
    length: float


@dataclass(frozen=True, eq=False)
class Rig:
    """A humanoid armature at rest. Bones come parents first; all derived lengths and places are in world metres."""

    name: str
    source_name: str
    source_sha256: str
    prefix: str
    armature_matrix: Array  # (4, 4) the object's world matrix, scale and all
    bones: tuple[Bone, ...]
    recognised: str = MIXAMO  # how the roles were found: a constant of `bone_map`

    def __post_init__(self) -> None:
        for index, bone in enumerate(self.bones):
            if not -1 <= bone.parent < index:
                raise ValueError(f"bone {bone.name!r} comes before its parent")
            if bone.matrix.shape != (4, 4) or not np.isfinite(bone.matrix).all():
                raise ValueError(f"bone {bone.name!r} has no proper rest matrix")
        if len(set(self.names)) != len(self.names):
            raise ValueError("two bones have the same name")
        matrix = self.armature_matrix
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all() or abs(np.linalg.det(matrix[:3, :3])) < 1e-12:
            raise ValueError("the armature's matrix cannot be inverted")
        missing = [role for role in REQUIRED_ROLES if role not in self.index_of_role]
        if missing:
            raise ValueError(f"the roles {', '.join(missing)} are missing")

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(bone.name for bone in self.bones)

    @cached_property
    def parents(self) -> npt.NDArray[np.int64]:
        """(B,) index of each bone's parent, −1 for roots."""
        return np.array([bone.parent for bone in self.bones], np.int64)

    @cached_property
    def index_of_role(self) -> dict[str, int]:
        return {bone.role: index for index, bone in enumerate(self.bones) if bone.role is not None}

    @cached_property
    def rest(self) -> Array:
        """(B, 4, 4) rest matrices in armature space."""
        return np.stack([bone.matrix for bone in self.bones]).astype(np.float64)

    @cached_property
    def world_rotation(self) -> Array:
        """(3, 3) the armature object's rotation: the nearest orthonormal matrix to its world matrix, scale removed.

        The polar factor, so that unequal scales tilt nothing more than they must. A mirrored object (negative scale) keeps determinant −1.
        """
        u, _, vt = np.linalg.svd(self.armature_matrix[:3, :3])
        return np.matmul(u, vt)

    @cached_property
    def rest_rotations(self) -> Array:
        """(B, 3, 3) world rest rotations, scale removed."""
        return self.world_rotation @ self.rest[:, :3, :3]

    @cached_property
    def rest_heads(self) -> Array:
        """(B, 3) world rest positions of the bones' heads, metres."""
        return self.to_world(self.rest[:, :3, 3])

    def to_world(self, points: Array) -> Array:
        """Armature-space points (…, 3) in world metres."""
        return np.add(points @ self.armature_matrix[:3, :3].T, self.armature_matrix[:3, 3])

    def to_armature(self, points: Array) -> Array:
        """World points (…, 3), metres, in armature space."""
        return (points - self.armature_matrix[:3, 3]) @ np.linalg.inv(self.armature_matrix[:3, :3]).T

    def head(self, role: str) -> Array:
        """(3,) world rest position of a role's head. KeyError if the rig has no such role."""
        return self.rest_heads[self.index_of_role[role]]

    def distance(self, *chain: str) -> float:
        """Length in metres along the heads of these roles, at rest."""
        heads = np.stack([self.head(role) for role in chain])
        return float(np.linalg.norm(np.diff(heads, axis=0), axis=1).sum())

    @cached_property
    def leg_length(self) -> float:
        """Thigh and shin together, the mean of both sides, metres."""
        return float(np.mean([self.distance(f"{side}_thigh", f"{side}_shin", f"{side}_foot") for side in ("left", "right")]))

    @cached_property
    def left(self) -> Array:
        """(3,) unit vector to the character's left at rest, in the world."""
        return _unit(self.head("left_thigh") - self.head("right_thigh"))

    @cached_property
    def up(self) -> Array:
        """(3,) unit vector up the character at rest, in the world.

        Of the world's vertical and the armature's own axes it is the one nearest to the way from hips to head, so that a hunched rest pose
        does not tilt the floor; that way itself if none is near.
        """
        rise = self.head("head") - 0.5 * (self.head("left_thigh") + self.head("right_thigh"))
        rise = _unit(rise - (rise @ self.left) * self.left)
        axes = np.stack([np.array([0.0, 0.0, 1.0]), *self.world_rotation.T])
        along = axes @ rise
        nearest = int(np.argmax(np.abs(along)))
        if abs(along[nearest]) < math.cos(math.radians(25)):
            return rise
        return math.copysign(1.0, along[nearest]) * axes[nearest]

    @cached_property
    def facing(self) -> Array:
        """(3,) unit vector the character faces at rest, in the world."""
        return _unit(np.cross(self.left, self.up))

    @cached_property
    def floor(self) -> float:
        """Metres along `up`, from the world's origin, to the plane the character stands on at rest.

        It goes through the armature's origin (rigs are made standing on it) unless the feet say otherwise: then through their lowest joint.
        """
        origin = float(self.armature_matrix[:3, 3] @ self.up)
        lowest = min(float(self.head(role) @ self.up) for role in self._foot_roles)
        top = max(float(head @ self.up) for head in self.rest_heads)
        return origin if -0.02 <= (lowest - origin) / max(top - lowest, 1e-9) <= 0.08 else lowest

    @cached_property
    def height(self) -> float:
        """Metres from `floor` to the top of the head. Without a bone there, a head is 0.13 of the height."""
        if "head_end" in self.index_of_role:
            return float(self.head("head_end") @ self.up) - self.floor
        return (float(self.head("head") @ self.up) - self.floor) / 0.87

    @property
    def warnings(self) -> list[str]:
        """What a person should know before they trust this rig, a sentence each."""
        found = []
        if self.recognised == STRUCTURE:
            found.append(
                f"The names of {self.name}'s bones are not known: their places told which is which; look with `ningyo rig`, and mend what "
                "is wrong in a bone map."
            )
        scale = np.linalg.svd(self.armature_matrix[:3, :3], compute_uv=False)
        if scale[0] > 1.01 * scale[-1]:
            found.append(
                f"{self.name} is scaled by unequal amounts ({', '.join(f'{s:.3g}' for s in scale)}), which bends its bones' directions as "
                "it moves; apply the scale (Object, Apply, Scale) for a true pose."
            )
        return found

    @property
    def _foot_roles(self) -> list[str]:
        wanted = (f"{side}_{role}" for side in ("left", "right") for role in ("foot", "toe", "toe_end"))
        return [role for role in wanted if role in self.index_of_role]

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "version": VERSION,
            "name": self.name,
            "source": {"name": self.source_name, "sha256": self.source_sha256},
            "prefix": self.prefix,
            "recognised": self.recognised,
            "height": self.height,
            "leg_length": self.leg_length,
            "armature_matrix": self.armature_matrix.tolist(),
            "bones": [
                {"name": b.name, "parent": b.parent, "role": b.role, "matrix": b.matrix.tolist(), "length": b.length} for b in self.bones
            ],
        }

    @classmethod
    def from_json(cls, data: Any, origin: str) -> Rig:
        """Raises UserError, which names `origin`, when `data` is not a rig that this version can read."""
        if not isinstance(data, dict) or data.get("schema") != SCHEMA:
            raise UserError(f"{origin} is not a Ningyo rig; give a .glb, .fbx or .blend, or a rig that Ningyo wrote.")
        version = data.get("version")
        if isinstance(version, int) and version > VERSION:
            raise UserError(f"{origin} was written by a newer Ningyo (version {version} of the rig format); update Ningyo to read it.")
        try:
            bones = tuple(
                Bone(
                    str(b["name"]),
                    int(b["parent"]),
                    b["role"] if b["role"] in ROLES else None,
                    np.array(b["matrix"], np.float64),
                    float(b["length"]),
                )
                for b in data["bones"]
            )
            return cls(
                str(data["name"]),
                str(data["source"]["name"]),
                str(data["source"]["sha256"]),
                str(data["prefix"]),
                np.array(data["armature_matrix"], np.float64),
                bones,
                str(data.get("recognised", MIXAMO)),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{origin} is a damaged rig ({error}); make it again from the character's file.") from error

    def save(self, path: Path | str) -> None:
        write_atomically(path, json.dumps(self.to_json(), indent=1) + "\n")

    @classmethod
    def load(cls, path: Path | str) -> Rig:
        """Raises UserError for a file that is missing, foreign, damaged or newer."""
        path = Path(path)
        try:
            data = json.loads(path.read_text("utf-8"))
        except OSError as error:
            raise UserError(f"The rig {path} cannot be read ({error.strerror}); check the path.") from error
        except ValueError as error:
            raise UserError(f"{path} is not a Ningyo rig (not JSON); give a .glb, .fbx or .blend, or a rig that Ningyo wrote.") from error
        return cls.from_json(data, str(path))


def _unit(vector: Array) -> Array:
    length = float(np.linalg.norm(vector))
    if length < 1e-9:
        raise ValueError("joints that should be apart are in one place")
    return vector / length
