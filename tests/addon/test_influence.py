# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Blender is looked for first)
"""The influence of parts of the body: the panel's sliders, and what Apply makes of them."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from ningyo.addon import motion_panels
from ningyo.addon.motions import shown_motion
from ningyo.addon.properties import plan_of
from ningyo.synth_data.retarget.edit import PARTS
from ningyo.synth_data.retarget.motion import Motion

ANGLE = 0.4  # radians, by which every bone is turned
SIDES, FINGERS, LEG = ("Left", "Right"), ("Thumb", "Index", "Middle", "Ring", "Pinky"), ("UpLeg", "Leg", "Foot", "ToeBase")
OF = {  # which bones, by Mixamo's names
    "torso": {"Spine", "Spine1", "Spine2"},
    "head": {"Neck", "Head"},
    "left_arm": {"LeftShoulder", "LeftArm", "LeftForeArm"},
    "right_arm": {"RightShoulder", "RightArm", "RightForeArm"},
    "hands": {"LeftHand", "RightHand"},
    "fingers": {f"{side}Hand{finger}{joint}" for side in SIDES for finger in FINGERS for joint in (1, 2, 3)},
    "legs": {f"{side}{bone}" for side in SIDES for bone in LEG},
}
ALL = set[str]().union(*OF.values())


@pytest.fixture
def shown(closed_form: Any, standing_track) -> Any:
    """A motion on the built-in character in which every bone is turned by the same angle."""
    standing_track(plan_of(bpy.context).files.track)
    assert bpy.ops.ningyo.retarget() == {"FINISHED"}
    found = shown_motion(bpy.context)
    motion = Motion.load(found.path)
    bones = tuple(bone.name for bone in found.armature.pose.bones if short(bone) in ALL)
    turn = np.array([math.cos(ANGLE / 2), *np.full(3, math.sin(ANGLE / 2) / math.sqrt(3))])
    rotation = np.broadcast_to(turn, (motion.frame_count, len(bones), 4))
    dataclasses.replace(motion, bones=bones, rotation=rotation, contact=np.zeros_like(motion.contact)).save(found.path)
    return found


def short(bone: Any) -> str:
    return bone.name.rpartition(":")[2]


def angles(shown: Any) -> dict[str, float]:
    """How far each of ALL is turned in the middle of the Action."""
    assert bpy.ops.ningyo.apply() == {"FINISHED"}
    bpy.context.scene.frame_set(round(shown.action.frame_start + 5))
    return {short(bone): bone.matrix_basis.to_quaternion().angle for bone in shown.armature.pose.bones if short(bone) in ALL}


@pytest.mark.parametrize("part", OF)
def test_a_part_takes_part_in_as_much_as_its_slider_says(shown: Any, part: str) -> None:
    full = angles(shown)
    assert full == pytest.approx(dict.fromkeys(ALL, ANGLE), abs=1e-3)
    for share in (0.5, 0.0):
        setattr(shown, part, share)
        wanted = {name: share * ANGLE if name in OF[part] else ANGLE for name in ALL}
        assert angles(shown) == pytest.approx(wanted, abs=2e-3)
    setattr(shown, part, 1.0)
    assert angles(shown) == pytest.approx(full, abs=1e-3), "the solved motion is still whole"


def test_several_sliders_at_once(shown: Any) -> None:
    shown.left_arm = shown.right_arm = shown.hands = shown.head = 0.0
    held = OF["left_arm"] | OF["right_arm"] | OF["hands"] | OF["head"]
    assert angles(shown) == pytest.approx({name: 0.0 if name in held else ANGLE for name in ALL}, abs=2e-3)


def test_every_part_has_a_slider(shown: Any, drawn) -> None:
    drawn(motion_panels.NINGYO_PT_influence)  # which asks for each of them
    assert {shown.bl_rna.properties[part].subtype for part in PARTS} == {"FACTOR"}
