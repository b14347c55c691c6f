# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles of a humanoid's bones, which hangs from which, and Mixamo's names for them."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence

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
# "Hips", any of them behind namespaces "a|b:" or a figure's name, in any case, and Blender adds ".001" to what comes a second time.
_ROLE_OF_LOWER = {base.lower(): role for base, role in ROLE_OF_BASE_NAME.items()}
_NAME = re.compile(
    r"^(?P<prefix>(?:.*[^a-z0-9])?(?:mixamorig\d*[:_. -]?)?)(?P<base>"
    + "|".join(sorted(_ROLE_OF_LOWER, key=len, reverse=True))
    + r")(?P<suffix>\.\d{3})?$",
    re.DOTALL | re.IGNORECASE,
)


def split_name(name: str) -> tuple[str, str, str] | None:
    """(prefix, role, suffix) of a bone named in Mixamo's way, or None."""
    match = _NAME.match(name)
    return None if match is None else (match["prefix"], _ROLE_OF_LOWER[match["base"].lower()], match["suffix"] or "")


def mixamo_roles(names: Sequence[str], parents: Sequence[int]) -> tuple[str, dict[str, int]]:
    """The rig's one prefix, and the index of the bone that has each role by Mixamo's names.

    Of several prefixes (or of Blender's suffixes) in one armature the one with most roles wins.
    """
    figures: dict[tuple[str, str], dict[str, int]] = {}
    for index, name in enumerate(names):
        found = split_name(name)
        if found is not None:
            prefix, role, suffix = found
            figures.setdefault((prefix, suffix), {}).setdefault(role, index)
    kept = {figure: in_right_place(role_index, parents) for figure, role_index in figures.items()}
    best = max(kept, key=lambda figure: len(kept[figure]), default=("", ""))
    return best[0], kept.get(best, {})


def missing_roles(role_index: Mapping[str, object]) -> list[str]:
    return [role for role in REQUIRED_ROLES if role not in role_index]


def in_right_place(role_index: Mapping[str, int], parents: Sequence[int]) -> dict[str, int]:
    """Those of `role_index` whose place in the hierarchy agrees with their role: a left shin hangs from the left thigh.

    `parents` are indices, −1 for roots.
    """
    kept: dict[str, int] = {}
    for role in ROLES:  # parents first
        if role not in role_index:
            continue
        above = role_above(role, role_index)
        if role == "hips" or (above in kept and is_ancestor(kept[above], role_index[role], parents)):
            kept[role] = role_index[role]
    return kept


def role_above(role: str, present: Container[str]) -> str:
    """The role among `present` that `role` hangs from: in a rig without spine1, spine2 hangs from spine. "" for the hips."""
    above = ANCESTOR_OF_ROLE.get(role)
    while above is not None and above not in present:
        above = ANCESTOR_OF_ROLE.get(above)
    return above or ""


def is_ancestor(above: int, below: int, parents: Sequence[int]) -> bool:
    index = parents[below]
    while index >= 0:
        if index == above:
            return True
        index = parents[index]
    return False


def other_side(role: str | None) -> str | None:
    """A left role's right one and the other way round; what lies in the middle stays."""
    if role is None:
        return None
    side, _, rest = role.partition("_")
    opposite = {"left": "right", "right": "left"}.get(side)
    return role if opposite is None else f"{opposite}_{rest}"
