# SPDX-License-Identifier: GPL-3.0-or-later
"""Humanoid bone names that are not Mixamo's: VRM and VRoid, Blender's metarig, Unreal, 3ds Max's Biped, Daz, Character Creator and kin.

These differ in separators, in where the side stands and in a handful of words, so one table of words serves them all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from .roles import FINGERS, in_right_place, is_ancestor

# VRM's humanoid bones. Its 1.0 renamed the thumb's: what 0.x called proximal is the metacarpal.
_VRM_CENTRE = {"hips": "hips", "spine": "spine", "chest": "spine1", "upperChest": "spine2", "neck": "neck", "head": "head"}
_VRM_SIDED = {
    "Eye": "eye",
    "Shoulder": "shoulder",
    "UpperArm": "upper_arm",
    "LowerArm": "forearm",
    "Hand": "hand",
    "UpperLeg": "thigh",
    "LowerLeg": "shin",
    "Foot": "foot",
    "Toes": "toe",
    **{
        f"{'Little' if finger == 'pinky' else finger.capitalize()}{segment}": f"{finger}{number}"
        for finger in FINGERS[1:]
        for number, segment in enumerate(("Proximal", "Intermediate", "Distal"), 1)
    },
}
_VRM_THUMBS = {
    False: {"ThumbProximal": "thumb1", "ThumbIntermediate": "thumb2", "ThumbDistal": "thumb3"},
    True: {"ThumbMetacarpal": "thumb1", "ThumbProximal": "thumb2", "ThumbDistal": "thumb3"},
}


def vrm_roles(human_bones: Mapping[str, str], *, version_1: bool) -> dict[str, str]:
    """Role → bone name from VRM's humanoid bone → bone name. Bones that have no role here (the jaw) are left out."""
    table = dict(_VRM_CENTRE)
    for side in ("left", "right"):
        table.update({f"{side}{name}": f"{side}_{role}" for name, role in (_VRM_SIDED | _VRM_THUMBS[version_1]).items()})
    return {table[name]: bone for name, bone in human_bones.items() if name in table and bone}


# What a bone of each role is called, the surest word first; written without separators.
_CENTRE_WORDS = {
    "hips": ("hips", "pelvis", "hip"),
    "neck": ("neck", "necklower", "lowerneck"),
    "head": ("head",),
    "head_end": ("headtopend", "headtop", "headend", "headnub"),
}
_SPINE_WORDS = {
    "spine", "spinelower", "spinemid", "spinemiddle", "spineupper", "abdomen", "abdomenlower", "abdomenupper", "waist", "torso", "stomach",
    "chest", "chestlower", "chestupper", "upperchest", "ribcage", "lowerback", "upperback", "thorax", "ab",
}  # fmt: skip
_SIDED_WORDS = {
    "shoulder": ("clavicle", "collar", "collarbone", "shoulder"),
    "upper_arm": ("upperarm", "uparm", "armupper", "bicep", "shldrbend", "shldr", "humerus", "uarm", "arm"),
    "forearm": ("forearm", "lowerarm", "lowarm", "armlower", "forearmbend", "radius", "farm", "elbow"),
    "hand": ("hand", "wrist"),
    "thigh": ("thigh", "upperleg", "upleg", "legupper", "thighbend", "femur", "hip"),
    "shin": ("shin", "calf", "lowerleg", "lowleg", "leglower", "tibia", "leg", "knee"),
    "foot": ("foot", "ankle"),
    "toe": ("toes", "toe", "toebase", "ball"),
    "toe_end": ("toeend", "toetip", "toenub"),
    "eye": ("eye", "faceeye"),
}
_SHIN_BESIDE_LEG = ("knee", "shin", "calf", "lowerleg")
_FINGER_WORDS = {
    "thumb": "thumb",
    "index": "index",
    "middle": "middle",
    "mid": "middle",
    "ring": "ring",
    "pinky": "pinky",
    "little": "pinky",
}
_SIDES = {"l": "left", "left": "left", "r": "right", "right": "right"}
# Rigify keeps several skeletons in one armature, told apart by these words.
_FAMILY_WORDS = {"def", "org"}
_NOISE_WORDS = {"j", "bip", "adj", "c", "cc", "base", "valve", "biped", "bone", "jnt", "joint", "b", "sk", "skel"}
# Bones that accompany others or control them.
_HELPER_WORDS = {
    "twist", "roll", "ik", "fk", "pole", "target", "ctrl", "control", "mch", "helper", "tweak", "corrective", "metacarpal", "palm", "vis",
    "sec", "share", "socket", "parent", "master", "heel",
}  # fmt: skip
_UNDIVIDED = re.compile(
    r"(left|right)(.+)|([lr])(thigh|shin|shldr\w*|foot|hand|collar|forearm\w*|toes?|eye|uarm|farm|femur|tibia|clavicle|humerus|radius|wrist"
    r"|thumb)$"
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def named_roles(names: Sequence[str], parents: Sequence[int]) -> dict[str, int]:
    """The index of the bone that has each role, by the words in the bones' names.

    Of several skeletons in one armature, told apart by the words that all of one's bones have, the one with most roles wins.
    """
    families: dict[tuple[str, ...], list[tuple[int, str, str]]] = {}
    for index, name in enumerate(names):
        family, side, base = _words(name)
        if base:
            families.setdefault(family, []).append((index, side, base))
    found = [in_right_place(_roles_of(bones, parents), parents) for bones in families.values()]
    return max(found, key=len, default={})


def _words(name: str) -> tuple[tuple[str, ...], str, str]:
    """A name's (family words, side or "", base); the base is "" for helpers."""
    namespace, _, name = name.replace("|", ":").rpartition(":")
    family, side, base = [namespace], "", ""
    words = [word.lower() for word in _WORD.findall(name)]
    if not _HELPER_WORDS.isdisjoint(words) and not {"thumb", "metacarpal"}.issubset(words):
        return (), "", ""
    for word in words:
        if word in _SIDES and not side:
            side = _SIDES[word]
        elif word in _FAMILY_WORDS:
            family.append(word)
        elif not word.isdigit() and word not in _NOISE_WORDS:
            base += word
    if not side:  # "leftarm", "larm": no separator and no capital
        match = _UNDIVIDED.match(base)
        if match is not None:
            side, base = _SIDES[match[1] or match[3]], match[2] or match[4]
    return tuple(family), side, base


def _roles_of(bones: list[tuple[int, str, str]], parents: Sequence[int]) -> dict[str, int]:
    depth = _depths(parents)
    sided = {(side, base): index for index, side, base in sorted(bones, key=lambda bone: -depth[bone[0]]) if side}  # the uppermost stays
    middle = sorted(((index, base) for index, side, base in bones if not side), key=lambda bone: depth[bone[0]])
    roles: dict[str, int] = {}
    for side in ("left", "right"):
        for role, words in _SIDED_WORDS.items():
            index = next((sided[side, word] for word in words if (side, word) in sided), None)
            if index is not None:
                roles[f"{side}_{role}"] = index
        # Where the thigh is called a leg, the shin is called otherwise.
        if f"{side}_thigh" not in roles and (side, "leg") in sided:
            knee = next((sided[side, word] for word in _SHIN_BESIDE_LEG if (side, word) in sided), None)
            if knee is not None:
                roles[f"{side}_thigh"], roles[f"{side}_shin"] = sided[side, "leg"], knee
        # Where joints are called by what they are, a shoulder is where the upper arm begins, beside a collar, and a foot may be the toes'.
        shoulder, collar = sided.get((side, "shoulder"), -1), roles.get(f"{side}_shoulder", -1)
        if f"{side}_upper_arm" not in roles and shoulder >= 0 and collar >= 0 and is_ancestor(collar, shoulder, parents):
            roles[f"{side}_upper_arm"] = shoulder
        for role, upper, below in (("foot", "ankle", "toe"), ("hand", "wrist", None)):
            joint, further = sided.get((side, upper), -1), roles.get(f"{side}_{role}", -1)
            if joint >= 0 and further >= 0 and is_ancestor(joint, further, parents):
                roles[f"{side}_{role}"] = joint
                if below is not None:
                    roles.setdefault(f"{side}_{below}", further)
        # Where the upper arm is called a shoulder, it is not a clavicle as well.
        if f"{side}_upper_arm" not in roles and f"{side}_forearm" in roles and f"{side}_shoulder" in roles:
            roles[f"{side}_upper_arm"] = roles.pop(f"{side}_shoulder")
        roles.update(_fingers(bones, side, depth))
    for role, words in _CENTRE_WORDS.items():
        for word in words:
            index = next((i for i, base in middle if base == word and (role != "hips" or _carries(i, roles, parents))), None)
            if index is not None:
                roles[role] = index
                break
    trunk = [index for index, base in middle if base in _SPINE_WORDS]
    return roles | _trunk(trunk, roles, parents)


def _trunk(trunk: list[int], roles: dict[str, int], parents: Sequence[int]) -> dict[str, int]:
    """Hips, spine, neck and head among the bones called spine, chest …, uppermost first in the hierarchy (depth rising).

    Blender's metarig calls the hips `spine` and neck and head `spine.004` to `spine.006`: what carries the legs is the hips, and what
    comes after the arms' branching is neck and head.
    """
    found: dict[str, int] = {}
    if "hips" not in roles:
        carrying = [index for index in trunk if _carries(index, roles, parents)]
        if not carrying:
            return {}
        found["hips"] = carrying[-1]
    hips = found.get("hips", roles.get("hips", -1))
    arms = [roles[f"{side}_upper_arm"] for side in ("left", "right") if f"{side}_upper_arm" in roles]
    chain = [index for index in trunk if is_ancestor(hips, index, parents)]
    spine = [index for index in chain if any(is_ancestor(index, arm, parents) for arm in arms)]
    above = [index for index in chain if index not in spine and spine and is_ancestor(spine[-1], index, parents)]
    if "head" not in roles and above:
        found["head"] = above[-1]
        if "neck" not in roles and len(above) > 1:
            found["neck"] = above[0]
    picked = spine if len(spine) <= 3 else [spine[0], spine[len(spine) // 2], spine[-1]]
    return found | dict(zip(("spine", "spine1", "spine2"), picked, strict=False))


def _carries(index: int, roles: Mapping[str, int], parents: Sequence[int]) -> bool:
    """Whether both legs and the arms hang from this bone."""
    limbs = [roles.get(f"{side}_{role}", -1) for side in ("left", "right") for role in ("thigh", "upper_arm")]
    return all(limb >= 0 and is_ancestor(index, limb, parents) for limb in limbs)


def _fingers(bones: list[tuple[int, str, str]], side: str, depth: Sequence[int]) -> dict[str, int]:
    chains: dict[str, list[int]] = {}
    for index, bone_side, base in bones:
        word = re.sub(r"^(hand|finger|f)|(finger|metacarpal|proximal|intermediate|distal|end|tip|nub)+$", "", base)
        if bone_side == side and word in _FINGER_WORDS:
            chains.setdefault(_FINGER_WORDS[word], []).append(index)
    return {
        f"{side}_{finger}{number}": index
        for finger, chain in chains.items()
        for number, index in enumerate(sorted(chain, key=lambda i: depth[i])[:4], 1)
    }


def _depths(parents: Sequence[int]) -> list[int]:
    """Bones above each bone; `parents` come first."""
    depth: list[int] = []
    for parent in parents:
        depth.append(0 if parent < 0 else depth[parent] + 1)
    return depth
