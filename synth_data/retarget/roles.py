# SPDX-License-Identifier: GPL-3.0-or-later
"""What each bone of a Mixamo-named armature is: bone names → roles."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...errors import UserError

FINGERS = ("thumb", "index", "middle", "ring", "pinky")

_CENTRE = {
    "Hips": "hips",
    "Spine": "spine",
    "Spine1": "spine1",
    "Spine2": "spine2",
    "Neck": "neck",
    "Head": "head",
    "HeadTop_End": "head_end",
}
_SIDED = {
    "Shoulder": "shoulder",
    "Arm": "upper_arm",
    "ForeArm": "forearm",
    "Hand": "hand",
    "UpLeg": "thigh",
    "Leg": "shin",
    "Foot": "foot",
    "ToeBase": "toe",
    "Toe_End": "toe_end",
    "Eye": "eye",
    **{f"Hand{finger.capitalize()}{joint}": f"{finger}{joint}" for finger in FINGERS for joint in (1, 2, 3, 4)},
}
ROLE_OF_BASE_NAME: dict[str, str] = {
    **_CENTRE,
    **{f"{side.capitalize()}{base}": f"{side}_{role}" for side in ("left", "right") for base, role in _SIDED.items()},
}

# The joint a role hangs from. Bones in between (twist bones, a second neck) are allowed: it need not be the parent.
_ABOVE = {
    "spine": "hips",
    "spine1": "spine",
    "spine2": "spine1",
    "neck": "spine",
    "head": "spine",
    "head_end": "head",
}
_ABOVE_SIDED = {
    "shoulder": "spine",
    "upper_arm": "spine",
    "forearm": "upper_arm",
    "hand": "forearm",
    "thigh": "hips",
    "shin": "thigh",
    "foot": "shin",
    "toe": "foot",
    "toe_end": "toe",
    "eye": "head",
    **{f"{finger}{joint}": "hand" if joint == 1 else f"{finger}{joint - 1}" for finger in FINGERS for joint in (1, 2, 3, 4)},
}
ANCESTOR_OF_ROLE: dict[str, str] = {
    **_ABOVE,
    **{
        f"{side}_{role}": above if above in ("hips", "spine", "head") else f"{side}_{above}"
        for side in ("left", "right")
        for role, above in _ABOVE_SIDED.items()
    },
}
ROLES: tuple[str, ...] = ("hips", *ANCESTOR_OF_ROLE)
REQUIRED_ROLES: tuple[str, ...] = (
    "hips",
    "spine",
    "head",
    *(f"{side}_{role}" for side in ("left", "right") for role in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot")),
)

# Exporters write "mixamorig:Hips", "mixamorig1:Hips" (a second import), "mixamorig_Hips" (Collada), "mixamorigHips" (three.js),
# "Hips", and any of them behind namespaces "a|b:".
_NAME = re.compile(
    r"^(?P<prefix>(?:.*[:|])?(?:mixamorig\d*[:_. -]?)?)(?P<base>" + "|".join(sorted(ROLE_OF_BASE_NAME, key=len, reverse=True)) + r")$",
    re.DOTALL,
)


def split_name(name: str) -> tuple[str, str] | None:
    """(prefix, role) of a bone named in Mixamo's way, or None."""
    match = _NAME.match(name)
    return None if match is None else (match["prefix"], ROLE_OF_BASE_NAME[match["base"]])


def assign_roles(names: Sequence[str], parents: Sequence[int], rig_name: str = "This armature") -> tuple[str, list[str | None]]:
    """The rig's one prefix and each bone's role (None: none).

    `parents` are indices, −1 for roots. Of several prefixes in one armature the one with most roles wins. A bone whose place in the
    hierarchy contradicts its name (a `LeftLeg` that does not hang from `LeftUpLeg`) gets no role.

    Raises UserError when the armature is not humanoid, naming what is missing.
    """
    by_prefix: dict[str, dict[str, int]] = {}
    for index, name in enumerate(names):
        found = split_name(name)
        if found is not None:
            by_prefix.setdefault(found[0], {}).setdefault(found[1], index)
    kept = {prefix: _in_right_place(role_index, parents) for prefix, role_index in by_prefix.items()}
    prefix = max(kept, key=lambda p: len(kept[p]), default="")
    role_index = kept.get(prefix, {})
    missing = [role for role in REQUIRED_ROLES if role not in role_index]
    if missing:
        listed = ", ".join(missing[:6]) + (f" and {len(missing) - 6} more" if len(missing) > 6 else "")
        raise UserError(
            f"{rig_name} is not a humanoid with Mixamo's bone names (missing: {listed}); use a rig from Mixamo, or rename its bones like "
            "mixamorig:Hips."
        )
    roles: list[str | None] = [None] * len(names)
    for role, index in role_index.items():
        roles[index] = role
    return prefix, roles


def _in_right_place(role_index: dict[str, int], parents: Sequence[int]) -> dict[str, int]:
    if "hips" not in role_index:
        return {}
    kept: dict[str, int] = {}
    for role in ROLES:  # parents first
        if role not in role_index:
            continue
        above: str | None = ANCESTOR_OF_ROLE.get(role)
        while above is not None and above not in role_index:  # a rig without Spine1: its Spine2 hangs from Spine
            above = ANCESTOR_OF_ROLE.get(above)
        if above is None or (above in kept and _is_ancestor(kept[above], role_index[role], parents)):
            kept[role] = role_index[role]
    return kept


def _is_ancestor(above: int, below: int, parents: Sequence[int]) -> bool:
    index = parents[below]
    while index >= 0:
        if index == above:
            return True
        index = parents[index]
    return False
