# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bone has which role: names of all kinds, structure, and a person's own map."""

from __future__ import annotations

import json

import numpy as np
import pytest
from ningyo.errors import UserError
from ningyo.synth_data.retarget.bone_map import MAP, MIXAMO, NAMES, STRUCTURE, VRM, BoneMap, map_beside, recognise
from ningyo.synth_data.retarget.naming import vrm_roles
from ningyo.synth_data.retarget.roles import REQUIRED_ROLES, split_name

SIDES = ("left", "right")


def recognised(rig, names=None, **options):
    return recognise(names or rig.names, rig.parents.tolist(), rig.rest_heads, **options)


@pytest.mark.parametrize(
    "prefix",
    ["", "mixamorig:", "mixamorig1:", "mixamorig12:", "mixamorig_", "mixamorig", "MixamoRig:", "scene|mixamorig:", "a|b:mixamorig3:",
     "Amy:", "Character1_"],
)  # fmt: skip
@pytest.mark.parametrize("change", [str, str.lower, str.upper, lambda name: name + ".001"])
def test_any_prefix_case_and_suffix(make_rig, prefix, change):
    rig = make_rig(prefix=prefix)
    found = recognised(rig, [change(name) for name in rig.names])
    assert found.how == MIXAMO
    assert found.role_index == rig.index_of_role
    assert len(found.role_index) == 65
    assert found.prefix.lower() == prefix.lower()


@pytest.mark.parametrize("name", ["LeftArmTwist", "MyHips", "Spine3", "LeftHandThumb5", "mixamorigs:Hips2", "Hips.1", "HipsRoot"])
def test_names_that_are_not_mixamos(name):
    assert split_name(name) is None


def test_two_figures_in_one_armature_get_one_prefix(make_rig):
    rig = make_rig(prefix="mixamorig:")
    names = [*rig.names, "mixamorig1:Hips", "mixamorig1:Spine", "mixamorig:Hips.001"]
    parents = [*rig.parents.tolist(), -1, 65, -1]
    found = recognise(names, parents, np.zeros((len(names), 3)))
    assert found.prefix == "mixamorig:"
    assert found.roles(len(names))[-3:] == [None, None, None]


def test_a_bone_in_the_wrong_place_has_no_role(make_rig):
    rig = make_rig()
    parents = rig.parents.tolist()
    toe = rig.index_of_role["left_toe"]
    parents[toe] = rig.index_of_role["hips"]
    found = recognise(rig.names, parents, rig.rest_heads)
    assert "left_toe" not in found.role_index
    assert "left_foot" in found.role_index


def test_missing_bones_are_named(make_rig):
    rig = make_rig()
    heads = np.zeros((len(rig.names), 3))  # no structure to go by
    found = recognise([name.replace("LeftUpLeg", "Tail") for name in rig.names], rig.parents.tolist(), heads)
    assert found.missing == ["left_thigh"]
    assert recognise(["Bone"], [-1], np.zeros((1, 3))).missing == list(REQUIRED_ROLES)


def test_optional_bones_may_be_missing(make_rig):
    rig = make_rig(without=("spine1", "spine2", "neck", "shoulder", "toe", "eye", "thumb", "pinky", "end"))
    assert "left_index1" in rig.index_of_role
    assert "spine2" not in rig.index_of_role
    assert recognised(rig).role_index == rig.index_of_role


# Other programs' names by role, {} for the side and {n} for a finger's joint; what they have no bone for is left out.
def sided(table, left, right):
    return {
        f"{side}_{role}": name.replace("{}", mark) for side, mark in zip(SIDES, (left, right), strict=True) for role, name in table.items()
    }


def fingers(form, joints=(1, 2, 3), **special):
    return {f"{f}{n}": form.format("{}", f=special.get(f, f), n=n) for f in ("thumb", "index", "middle", "ring", "pinky") for n in joints}


UNREAL = {
    "hips": "pelvis", "spine": "spine_01", "spine1": "spine_02", "spine2": "spine_03", "neck": "neck_01", "head": "head",
    **sided({"shoulder": "clavicle_{}", "upper_arm": "upperarm_{}", "forearm": "lowerarm_{}", "hand": "hand_{}", "thigh": "thigh_{}",
             "shin": "calf_{}", "foot": "foot_{}", "toe": "ball_{}", **fingers("{f}_0{n}_{0}")}, "l", "r"),
}  # fmt: skip
VROID = {
    "hips": "J_Bip_C_Hips", "spine": "J_Bip_C_Spine", "spine1": "J_Bip_C_Chest", "spine2": "J_Bip_C_UpperChest", "neck": "J_Bip_C_Neck",
    "head": "J_Bip_C_Head",
    **sided({"shoulder": "J_Bip_{}_Shoulder", "upper_arm": "J_Bip_{}_UpperArm", "forearm": "J_Bip_{}_LowerArm", "hand": "J_Bip_{}_Hand",
             "thigh": "J_Bip_{}_UpperLeg", "shin": "J_Bip_{}_LowerLeg", "foot": "J_Bip_{}_Foot", "toe": "J_Bip_{}_ToeBase",
             **{role: name.replace("Pinky", "Little") for role, name in fingers("J_Bip_{0}_{f}{n}").items()}}, "L", "R"),
}  # fmt: skip
VROID = {role: name.replace("_thumb", "_Thumb").replace("_pinky", "_Little") for role, name in VROID.items()}
METARIG = {
    "hips": "spine", "spine": "spine.001", "spine1": "spine.002", "spine2": "spine.003", "neck": "spine.004", "head": "spine.006",
    **sided({"shoulder": "shoulder.{}", "upper_arm": "upper_arm.{}", "forearm": "forearm.{}", "hand": "hand.{}", "thigh": "thigh.{}",
             "shin": "shin.{}", "foot": "foot.{}", "toe": "toe.{}", **fingers("f_{f}.0{n}.{0}"),
             **{f"thumb{n}": f"thumb.0{n}.{{}}" for n in (1, 2, 3)}}, "L", "R"),
}  # fmt: skip
BIPED = {
    "hips": "Bip01 Pelvis", "spine": "Bip01 Spine", "spine1": "Bip01 Spine1", "neck": "Bip01 Neck", "head": "Bip01 Head",
    **sided({"shoulder": "Bip01 {} Clavicle", "upper_arm": "Bip01 {} UpperArm", "forearm": "Bip01 {} Forearm", "hand": "Bip01 {} Hand",
             "thigh": "Bip01 {} Thigh", "shin": "Bip01 {} Calf", "foot": "Bip01 {} Foot", "toe": "Bip01 {} Toe0"}, "L", "R"),
}  # fmt: skip
DAZ = {
    "hips": "hip", "spine": "abdomenLower", "spine1": "abdomenUpper", "spine2": "chestUpper", "neck": "neckLower", "head": "head",
    **sided({"shoulder": "{}Collar", "upper_arm": "{}ShldrBend", "forearm": "{}ForearmBend", "hand": "{}Hand", "thigh": "{}ThighBend",
             "shin": "{}Shin", "foot": "{}Foot", "toe": "{}Toe"}, "l", "r"),
}  # fmt: skip
CHAT = {  # what worlds of virtual avatars call them
    "hips": "Hips", "spine": "Spine", "spine1": "Chest", "neck": "Neck", "head": "Head",
    **sided({"shoulder": "{} shoulder", "upper_arm": "{} arm", "forearm": "{} elbow", "hand": "{} wrist", "thigh": "{} leg",
             "shin": "{} knee", "foot": "{} ankle", "toe": "{} toe"}, "Left", "Right"),
}  # fmt: skip
BLENDER = {
    "hips": "hips", "spine": "spine", "spine1": "chest", "neck": "neck", "head": "head",
    **sided({"shoulder": "clavicle.{}", "upper_arm": "upper_arm.{}", "forearm": "lower_arm.{}", "hand": "hand.{}", "thigh": "thigh.{}",
             "shin": "shin.{}", "foot": "foot.{}", "toe": "toes.{}"}, "L", "R"),
}  # fmt: skip
CONVENTIONS = {"unreal": UNREAL, "vroid": VROID, "metarig": METARIG, "biped": BIPED, "daz": DAZ, "chat": CHAT, "blender": BLENDER}


def renamed(rig, names_of_roles, extra=()):
    """(names, parents, heads) of the rig's bones of these roles, named so; `extra` (name, role of the parent) bones with them."""
    kept = [bone for bone in rig.bones if bone.role in names_of_roles]
    place = {rig.names.index(bone.name): i for i, bone in enumerate(kept)}
    parents = []
    for bone in kept:
        above = bone.parent
        while above >= 0 and above not in place:
            above = rig.bones[above].parent
        parents.append(place.get(above, -1))
    names = [names_of_roles[bone.role] for bone in kept]
    heads = [rig.head(bone.role) for bone in kept]
    for name, role in extra:
        parents.append(names.index(names_of_roles[role]))
        names.append(name)
        heads.append(heads[parents[-1]])
    return names, parents, np.array(heads)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_other_programs_names(make_rig, convention):
    table = CONVENTIONS[convention]
    extra = [("upperarm_twist_01_l", "left_upper_arm"), ("ik_hand_l", "hips"), ("J_Sec_Hair1_01", "head")]
    names, parents, heads = renamed(make_rig(), table, extra)
    found = recognise(names, parents, heads)
    assert found.how == NAMES
    assert {role: names[index] for role, index in found.role_index.items()} == table


def test_a_generated_rig_with_several_skeletons_gives_one_of_them(make_rig):
    names, parents, heads = renamed(make_rig(), METARIG)
    both = [*(f"ORG-{name}" for name in names), *(f"DEF-{name}" for name in names), "DEF-upper_arm.L.001"]
    at = len(names)
    parents = [*parents, *(p + at if p >= 0 else -1 for p in parents), at + names.index("upper_arm.L")]
    found = recognise(both, parents, np.concatenate([heads, heads, heads[:1]]))
    assert len({both[index][:4] for index in found.role_index.values()}) == 1
    assert {role: both[index][4:] for role, index in found.role_index.items()} == METARIG


def test_vrms_own_description_goes_before_names(make_rig):
    rig = make_rig()
    names, parents, heads = renamed(rig, VROID)
    odd = [f"node_{i}" for i in range(len(names))]
    of = dict(zip(names, odd, strict=True))
    bones = {"hips": "hips", "spine": "spine", "chest": "spine1", "upperChest": "spine2", "neck": "neck", "head": "head"}
    for side in SIDES:
        for vrm, role in {"UpperArm": "upper_arm", "LowerArm": "forearm", "Hand": "hand", "UpperLeg": "thigh", "LowerLeg": "shin", "Foot":
                          "foot", "Toes": "toe", "ThumbProximal": "thumb2", "LittleDistal": "pinky3"}.items():  # fmt: skip
            bones[side + vrm] = f"{side}_{role}"
    described = vrm_roles({vrm: of[VROID[role]] for vrm, role in bones.items()}, version_1=True)
    found = recognise(odd, parents, heads, humanoid=described)
    assert found.how == VRM
    assert found.role_index == {role: names.index(VROID[role]) for role in bones.values()}
    older = vrm_roles({"leftThumbProximal": "a", "leftThumbIntermediate": "b", "jaw": "c", "leftEye": ""}, version_1=False)
    assert older == {"left_thumb1": "a", "left_thumb2": "b"}


BODY = [role for role in REQUIRED_ROLES if role != "spine"]


@pytest.mark.parametrize("seed", range(25))
def test_structure_tells_where_names_do_not(make_rig, seed):
    """Any proportions and object, arms hanging or raised, facing anywhere: with fingers or without, with a root and twist bones or not."""
    without = ((), ("thumb", "index", "middle", "ring", "pinky"), ("spine2", "shoulder", "neck"), ("head_end", "toe"))[seed % 4]
    rig = make_rig(
        seed=seed, rolls=True, bend=0.25, proportions=0.12, object_scale=0.01, object_rotation=True, extra_bones=seed % 3 == 0,
        heading=0.0 if "toe" in without else 1.3 * seed, without=without,
    )  # fmt: skip
    found = recognised(rig, [f"bone_{i}" for i in range(len(rig.names))])
    assert found.how == STRUCTURE
    assert {role: found.role_index[role] for role in BODY} == {role: rig.index_of_role[role] for role in BODY}
    assert {"spine", "head"} <= found.role_index.keys()


def test_structure_does_not_see_people_in_everything():
    random = np.random.default_rng(0)
    for bones in (1, 15, 40):
        parents = [-1, *(int(random.integers(0, i)) for i in range(1, bones))]
        found = recognise([f"b{i}" for i in range(bones)], parents, random.normal(size=(bones, 3)))
        assert found.missing
    chain = [-1, *range(29)]
    assert recognise([f"b{i}" for i in range(30)], chain, np.arange(90.0).reshape(30, 3)).missing


def test_a_map_decides_and_names_do_the_rest(make_rig, tmp_path):
    rig = make_rig(extra_bones=True)
    names = [name.replace("LeftForeArm", "Tentacle") for name in rig.names]
    bone_map = BoneMap({"left_forearm": "mixamorig:Tentacle", "left_eye": None, "right_toe": None})
    bone_map.save(tmp_path / "hero.bones.json")
    found = recognised(rig, names, bone_map=BoneMap.load(map_beside(tmp_path / "hero.fbx")))
    assert found.how == MAP
    assert found.role_index == {r: i for r, i in rig.index_of_role.items() if r not in ("right_toe", "right_toe_end")} | {
        "right_toe_end": rig.index_of_role["right_toe_end"]
    }
    assert not found.missing


@pytest.mark.parametrize(
    ("bones", "words"),
    [
        ({"left_elbow": "x"}, "left_elbow.* does not exist"),
        ({"left_forarm": "x"}, "'left_forearm' is meant"),
        ({"left_forearm": 3}, "in quotes"),
        ({"left_forearm": "mixamorig:LeftForearn"}, "does not have; perhaps 'mixamorig:LeftForeArm'"),
        ({"left_hand": "mixamorig:LeftHand", "left_forearm": "mixamorig:LeftHand"}, "to both left_forearm and left_hand"),
        ({"left_hand": "mixamorig:LeftForeArm", "left_forearm": "mixamorig:LeftHand"}, "does not hang from left_forearm"),
    ],
)
def test_wrong_maps_are_said_in_one_sentence(make_rig, bones, words):
    rig = make_rig()
    with pytest.raises(UserError, match=words) as caught:
        recognised(rig, bone_map=BoneMap.from_json({"schema": "ningyo.bone_map", "version": 1, "bones": bones}, "hero.bones.json"))
    assert str(caught.value).startswith("hero.bones.json")


def test_files_that_are_no_map(tmp_path):
    cases = {
        "a.json": ("{", "not JSON"),
        "b.json": (json.dumps({"schema": "ningyo.rig"}), "not a bone map"),
        "c.json": (json.dumps({"schema": "ningyo.bone_map", "version": 2, "bones": {}}), "newer"),
    }
    for name, (text, words) in cases.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(UserError, match=words):
            BoneMap.load(tmp_path / name)
    with pytest.raises(UserError, match="cannot be read"):
        BoneMap.load(tmp_path / "none.json")


def tree(chains: str) -> tuple[list[str], list[int]]:
    """Names and parents of chains, each of which begins at a joint that is there already; @ stands for both sides."""
    names: list[str] = []
    parents: list[int] = []
    lines = [line for line in chains.strip().splitlines() if "@" not in line]
    for line in chains.strip().splitlines():
        if "@" in line:
            chain, _, sides = line.partition(" : ")
            lines += [chain.replace("@", side) for side in sides.split()]
    for line in lines:
        above = -1
        for name in line.split():
            if name not in names:
                names.append(name)
                parents.append(above)
            above = names.index(name)
    return names, parents


JOINTS = {
    "by joints": (
        """Hips Chest Chest2 Chest3 Chest4 Neck Head
        Chest4 @Collar @Shoulder @Elbow @Wrist : Left Right
        Hips @Hip @Knee @Ankle @Toe : Left Right""",
        ("LeftCollar", "LeftShoulder", "LeftElbow", "LeftWrist", "LeftHip", "LeftKnee", "LeftAnkle", "LeftToe"),
    ),
    "SMPL": (
        """Pelvis Spine1 Spine2 Spine3 Neck Head
        Pelvis @_Hip @_Knee @_Ankle @_Foot : L R
        Spine3 @_Collar @_Shoulder @_Elbow @_Wrist @_Hand : L R""",
        ("L_Collar", "L_Shoulder", "L_Elbow", "L_Wrist", "L_Hip", "L_Knee", "L_Ankle", "L_Foot"),
    ),
    "CMU": (
        """hip lowerback upperback thorax lowerneck upperneck head
        hip @hipjoint @femur @tibia @foot @toes : l r
        thorax @clavicle @humerus @radius @wrist @hand @fingers : l r""",
        ("lclavicle", "lhumerus", "lradius", "lwrist", "lfemur", "ltibia", "lfoot", "ltoes"),
    ),
    "initials": (
        """Hip Ab Chest Neck Head
        Hip @Thigh @Shin @Foot @Toe : L R
        Chest @Shoulder @UArm @FArm @Hand : L R""",
        ("LShoulder", "LUArm", "LFArm", "LHand", "LThigh", "LShin", "LFoot", "LToe"),
    ),
}


@pytest.mark.parametrize("kind", JOINTS)
def test_joints_of_motion_capture_files(kind):
    chains, wanted = JOINTS[kind]
    names, parents = tree(chains)
    found = recognise(names, parents, np.zeros((len(names), 3)))
    assert found.how == NAMES
    roles = ("shoulder", "upper_arm", "forearm", "hand", "thigh", "shin", "foot", "toe")
    assert tuple(names[found.role_index[f"left_{role}"]] for role in roles) == wanted
    assert names[found.role_index["head"]].lower() == "head"
    assert len({found.role_index[role] for role in REQUIRED_ROLES}) == len(REQUIRED_ROLES)
