# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading an armature's rig in Blender, and what tells its bones' roles beside their names: a person's map, and VRM's description."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import UserError, listed
from ..retarget.bone_map import MIXAMO, BoneMap, Recognition, map_beside, recognise
from ..retarget.naming import vrm_roles
from ..retarget.rig import Bone, Rig
from ..retarget.roles import ROLES, other_side
from .vrm import glb_json

# On an armature object: the roles that its names do not tell, as JSON {"map": {role: bone or null}, "vrm": {role: bone}}.
PROPERTY = "ningyo_bones"


def described_roles(path: Path) -> dict[str, str]:
    """Role → bone name as a GLB's VRM extension says (0.x and 1.0); empty where there is none."""
    return roles_in(glb_json(path))


def roles_in(gltf: Any) -> dict[str, str]:
    """As `described_roles`, from a glTF's JSON; also by the description of a VRM animation."""
    try:
        extensions = gltf.get("extensions", {})
        newer = next((name for name in ("VRMC_vrm", "VRMC_vrm_animation") if name in extensions), None)
        if newer is not None:
            bones = {name: bone["node"] for name, bone in extensions[newer]["humanoid"]["humanBones"].items()}
        elif "VRM" in extensions:
            bones = {bone["bone"]: bone["node"] for bone in extensions["VRM"]["humanoid"]["humanBones"]}
        else:
            return {}
        named = {bone: gltf["nodes"][node].get("name", "") for bone, node in bones.items()}
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return {}  # names may do without this
    return vrm_roles(named, version_1=newer is not None)


def keep_roles(armature: Any, *, bone_map: BoneMap | None = None, vrm: Mapping[str, str] | None = None) -> None:
    """Remember on the armature object which bone has which role, for whoever reads its rig later, in a saved file too."""
    kept = _kept(armature)
    if bone_map is not None:
        kept["map"] = dict(bone_map.bones)
    if vrm:
        kept["vrm"] = dict(vrm)
    if kept:
        armature[PROPERTY] = json.dumps(kept)


def bone_map_of(armature: Any) -> BoneMap | None:
    """The map that `keep_roles` left on the armature."""
    bones = _kept(armature).get("map")
    return None if bones is None else BoneMap.from_json(BoneMap(bones).to_json(), f"The bone map of {armature.name}")


def save_roles_beside(armature: Any, character: Path) -> None:
    """Say in a bone map beside `character`, a file that the armature was written to, what its bones' names do not.

    Where names do, a map that lies there from before goes. Raises UserError as `recognition_of`.
    """
    bones, recognition = recognition_of(armature)
    beside = map_beside(character)
    if recognition.how == MIXAMO or recognition.missing:
        beside.unlink(missing_ok=True)
        return
    BoneMap({role: bones[recognition.role_index[role]].name if role in recognition.role_index else None for role in ROLES}).save(beside)


def recognition_of(armature: Any, bone_map: BoneMap | None = None, vrm: Mapping[str, str] | None = None) -> tuple[list[Any], Recognition]:
    """The armature's bones, parents first, and their roles. `bone_map` and `vrm` go before what the armature itself carries.

    Raises UserError for what is no armature, and as `recognise` does.
    """
    if armature.type != "ARMATURE":
        raise UserError(f"{armature.name} is not an armature; pick the character's armature.")
    bones = parents_first(list(armature.data.bones))
    index = {bone.name: i for i, bone in enumerate(bones)}
    parents = [-1 if bone.parent is None else index[bone.parent.name] for bone in bones]
    world = np.array(armature.matrix_world, np.float64)
    heads = np.array([bone.head_local for bone in bones], np.float64).reshape(-1, 3) @ world[:3, :3].T + world[:3, 3]
    return bones, recognise(
        list(index), parents, heads,
        bone_map=bone_map or bone_map_of(armature), humanoid=vrm or _kept(armature).get("vrm") or _of_vrm_addon(armature),
    )  # fmt: skip


def read_rig(armature: Any, *, name: str = "", source_name: str = "", source_sha256: str = "") -> Rig:
    """The armature's rest pose as numbers, standing where its object stands now. Raises UserError when it is not humanoid.

    Without a source, the hash is that of the rest pose itself. In a mirrored object (negative scale) left is what is seen as left, which is
    the right by the bones' names.
    """
    bones, recognition = recognition_of(armature)
    missing = recognition.missing
    if missing:
        raise UserError(
            f"{armature.name} is not a humanoid whose bones are known (missing: {listed(missing, 6)}); say which bones they are in a bone "
            "map (`ningyo rig CHARACTER --map` begins one), or name them like mixamorig:Hips."
        )
    world = np.array(armature.matrix_world, np.float64)
    roles = recognition.roles(len(bones))
    if np.linalg.det(world[:3, :3]) < 0:
        roles = [other_side(role) for role in roles]
    index = {bone.name: i for i, bone in enumerate(bones)}
    matrices = [np.array(bone.matrix_local, np.float64) for bone in bones]
    if not source_sha256:
        content = "\n".join(index).encode() + np.stack(matrices).astype("<f4").tobytes()
        source_sha256 = hashlib.sha256(content).hexdigest()
    try:
        return Rig(
            name=name or armature.name,
            source_name=source_name or armature.name,
            source_sha256=source_sha256,
            prefix=recognition.prefix,
            armature_matrix=world,
            bones=tuple(
                Bone(bone.name, -1 if bone.parent is None else index[bone.parent.name], role, matrix, float(bone.length))
                for bone, role, matrix in zip(bones, roles, matrices, strict=True)
            ),
            recognised=recognition.how,
        )
    except ValueError as error:
        raise UserError(f"The armature {armature.name} cannot be used ({error}); mend it in Blender and try again.") from error


def _kept(armature: Any) -> dict[str, Any]:
    try:
        kept = json.loads(armature.get(PROPERTY, "{}"))
    except (ValueError, TypeError):
        kept = None
    if not isinstance(kept, dict):
        raise UserError(f"The custom property {PROPERTY} of {armature.name} is damaged; delete it and load the character again.")
    return kept


def _of_vrm_addon(armature: Any) -> dict[str, str]:
    """Role → bone name as the VRM add-on for Blender keeps it on the armature's data while it is enabled."""
    extension = getattr(armature.data, "vrm_addon_extension", None)
    if extension is None:
        return {}
    old: Any = getattr(getattr(getattr(extension, "vrm0", None), "humanoid", None), "human_bones", ())
    roles = vrm_roles({bone.bone: bone.node.bone_name for bone in old}, version_1=False)
    new: Any = getattr(getattr(getattr(extension, "vrm1", None), "humanoid", None), "human_bones", None)
    if new is not None:
        nodes = {key: getattr(getattr(new, key, None), "node", None) for key in new.bl_rna.properties.keys()}  # noqa: SIM118
        named = {re.sub(r"_(\w)", lambda m: m[1].upper(), key): node.bone_name for key, node in nodes.items() if node is not None}
        newer = vrm_roles(named, version_1=True)
        roles = newer if len(newer) >= len(roles) else roles
    return roles


def parents_first(bones: list[Any]) -> list[Any]:
    ordered: list[Any] = []

    def add(bone: Any) -> None:
        ordered.append(bone)
        for child in bone.children:
            add(child)

    for bone in bones:
        if bone.parent is None:
            add(bone)
    return ordered
