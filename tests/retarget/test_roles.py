# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ningyo.errors import UserError
from ningyo.synth_data.retarget.roles import assign_roles, split_name


@pytest.mark.parametrize(
    "prefix", ["", "mixamorig:", "mixamorig1:", "mixamorig12:", "mixamorig_", "mixamorig", "scene|mixamorig:", "a|b:mixamorig3:", "Amy:"]
)
def test_any_prefix(make_rig, prefix):
    rig = make_rig(prefix=prefix)
    assert rig.prefix == prefix
    assert len(rig.index_of_role) == 65
    assert rig.bones[rig.index_of_role["left_thigh"]].name == prefix + "LeftUpLeg"


@pytest.mark.parametrize("name", ["LeftArmTwist", "MyHips", "Spine3", "leftarm", "LeftHandThumb5", "Hips.001", "mixamorigs:Hips2"])
def test_names_that_are_not_mixamos(name):
    assert split_name(name) is None


def test_two_figures_in_one_armature_get_one_prefix(make_rig):
    rig = make_rig(prefix="mixamorig:")
    names = [*rig.names, "mixamorig1:Hips", "mixamorig1:Spine"]
    parents = [*rig.parents.tolist(), -1, 65]
    prefix, roles = assign_roles(names, parents)
    assert prefix == "mixamorig:"
    assert roles[-2:] == [None, None]


def test_a_bone_in_the_wrong_place_has_no_role(make_rig):
    rig = make_rig()
    parents = rig.parents.tolist()
    toe = rig.index_of_role["left_toe"]
    parents[toe] = rig.index_of_role["hips"]
    _, roles = assign_roles(rig.names, parents)
    assert roles[toe] is None
    assert "left_foot" in roles


def test_missing_bones_are_named(make_rig):
    rig = make_rig()
    names = [name.replace("LeftUpLeg", "Tail") for name in rig.names]
    with pytest.raises(UserError, match="left_thigh"):
        assign_roles(names, rig.parents.tolist(), "Dragon")
    with pytest.raises(UserError, match=r"Cube .*hips"):
        assign_roles(["Bone"], [-1], "Cube")


def test_optional_bones_may_be_missing(make_rig):
    rig = make_rig(without=("spine1", "spine2", "neck", "shoulder", "toe", "eye", "thumb", "pinky", "end"))
    assert "left_index1" in rig.index_of_role
    assert "spine2" not in rig.index_of_role
