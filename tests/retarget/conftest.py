# SPDX-License-Identifier: GPL-3.0-or-later
"""Humanoid rigs made of numbers: with 65 bones, and any rest pose, rolls, proportions, prefix and object transform that a test asks for."""

from __future__ import annotations

import numpy as np
import pytest
from ningyo.synth_data.retarget.kinematics import matrix_to_quaternion, quaternion_to_matrix
from ningyo.synth_data.retarget.rig import Bone, Rig
from ningyo.synth_data.retarget.roles import FINGERS, ROLE_OF_BASE_NAME, mixamo_roles, other_side

BASE_NAME_OF_ROLE = {role: base for base, role in ROLE_OF_BASE_NAME.items()}
CENTRE = {
    "hips": (None, (0, 0, 1.0)),
    "spine": ("hips", (0, 0.01, 1.1)),
    "spine1": ("spine", (0, 0.02, 1.21)),
    "spine2": ("spine1", (0, 0.03, 1.34)),
    "neck": ("spine2", (0, 0.03, 1.5)),
    "head": ("neck", (0, 0, 1.6)),
    "head_end": ("head", (0, -0.05, 1.79)),
}
LEFT = {
    "shoulder": ("spine2", (0.06, 0.03, 1.44)),
    "upper_arm": ("shoulder", (0.19, 0.05, 1.44)),
    "forearm": ("upper_arm", (0.46, 0.055, 1.44)),
    "hand": ("forearm", (0.74, 0.05, 1.44)),
    "thigh": ("hips", (0.09, 0, 0.93)),
    "shin": ("thigh", (0.095, -0.01, 0.52)),
    "foot": ("shin", (0.09, 0.02, 0.1)),
    "toe": ("foot", (0.095, -0.1, 0.0)),
    "toe_end": ("toe", (0.095, -0.18, 0.0)),
}
for number, finger in enumerate(FINGERS):
    for joint in range(1, 5):
        start = (0.775, 0.02, 1.42) if finger == "thumb" else (0.86, 0.03 * number, 1.44)
        step = (0.03, -0.02, -0.018) if finger == "thumb" else (0.035, 0, 0)
        place = tuple(s + (joint - 1) * d for s, d in zip(start, step, strict=True))
        LEFT[f"{finger}{joint}"] = ("hand" if joint == 1 else f"{finger}{joint - 1}", place)


def build_rig(
    *,
    seed: int = 0,
    prefix: str = "mixamorig:",
    rolls: bool = False,
    bend: float = 0.0,
    proportions: float = 0.0,
    object_scale: float = 1.0,
    object_rotation: bool = False,
    object_location: tuple[float, float, float] = (0.0, 0.0, 0.0),
    extra_bones: bool = False,
    legs_on_spine: bool = False,
    mirrored: bool = False,
    heading: float = 0.0,
    without: tuple[str, ...] = (),
) -> Rig:
    """A Mixamo rig facing −Y. `bend` radians by which rest joints are turned at random, `proportions` the spread of bone lengths.

    `object_rotation` turns the armature's own axes (its object is turned back): Mixamo's Y-up in a Z-up world, and stranger ones.
    `mirrored` gives the object a negative scale, `heading` (radians) turns the character about the vertical.
    """
    random = np.random.default_rng(seed)
    table: dict[str, tuple[str | None, np.ndarray]] = {role: (parent, np.array(at, float)) for role, (parent, at) in CENTRE.items()}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        for role, (parent, at) in LEFT.items():
            above = parent if parent in CENTRE else f"{side}_{parent}"
            table[f"{side}_{role}"] = (above, np.array(at, float) * (sign, 1, 1))
    whole = dict(table)
    for role in [role for role in whole if any(word in role for word in without)]:
        del table[role]
    for role, (parent, at) in table.items():
        while parent is not None and parent not in table:
            parent = whole[parent][0]
        table[role] = (parent, at)

    heads: dict[str, np.ndarray] = {}
    turns: dict[str, np.ndarray] = {}
    stretch = {role.removeprefix("left_").removeprefix("right_"): np.exp(proportions * random.uniform(-1, 1)) for role in table}
    for role, (parent, at) in table.items():
        if parent is None:
            heads[role], turns[role] = at, np.eye(3)
            continue
        offset = (at - table[parent][1]) * stretch[role.removeprefix("left_").removeprefix("right_")]
        heads[role] = heads[parent] + turns[parent] @ offset
        bends = bend if any(word in role for word in ("arm", "hand", "thigh", "shin")) else 0.2 * bend
        turns[role] = turns[parent] @ rotation(random.uniform(-1, 1, 3) * bends)
    if legs_on_spine:  # as in 3ds Max
        for side in ("left", "right"):
            table[f"{side}_thigh"] = ("spine", table[f"{side}_thigh"][1])
    standing = min(heads[f"{side}_foot"][2] for side in ("left", "right"))
    for role in heads:
        heads[role] = heads[role] - (0, 0, standing - 0.1)

    around = rotation(np.array([0.0, 0.0, heading]))
    heads = {role: around @ at for role, at in heads.items()}
    names = [prefix + BASE_NAME_OF_ROLE[role] for role in table]
    parents = [-1 if parent is None else list(table).index(parent) for parent, _ in table.values()]
    places = list(heads.values())
    if extra_bones:  # a root, a twist bone beside the forearm and one between forearm and hand
        names, parents = ["Armature root", *names], [-1, *(0 if p < 0 else p + 1 for p in parents)]
        places = [np.zeros(3), *places]
        for side in ("Left", "Right"):
            arm, hand = names.index(f"{prefix}{side}ForeArm"), names.index(f"{prefix}{side}Hand")
            names.insert(hand, f"twist.{side[0]}")
            places.insert(hand, 0.5 * (places[arm] + places[hand]))
            parents = [p + (p >= hand) for p in parents]
            parents.insert(hand, arm)
            if side == "Right":
                parents[hand + 1] = hand

    turned = rotation(random.uniform(-2, 2, 3)) if object_rotation else np.eye(3)
    matrix = np.eye(4)
    flip = np.diag([-1.0 if mirrored else 1.0, 1.0, 1.0])
    matrix[:3, :3] = flip @ turned * object_scale  # left is on the right then, so roles change sides
    matrix[:3, 3] = object_location
    found_prefix, role_index = mixamo_roles(names, parents)
    role_of = {index: other_side(role) if mirrored else role for role, index in role_index.items()}
    roles = [role_of.get(index) for index in range(len(names))]
    bones = []
    for name, parent, role, at in zip(names, parents, roles, places, strict=True):
        rest = np.eye(4)
        # Blender stores single precision; so do these rest matrices, lest comparisons measure that.
        rest[:3, :3] = turned.T @ rotation(random.uniform(-3, 3, 3) if rolls else np.array([np.pi / 2, 0, 0]))
        rest[:3, 3] = turned.T @ at / object_scale
        bones.append(Bone(name, parent, role, rest.astype(np.float32).astype(np.float64), 0.05 / object_scale))
    return Rig("test", "test.glb", "0" * 64, found_prefix, matrix.astype(np.float32).astype(np.float64), tuple(bones))


def rotation(vector: np.ndarray) -> np.ndarray:
    angle = float(np.linalg.norm(vector))
    if angle == 0:
        return np.eye(3)
    return quaternion_to_matrix(np.r_[np.cos(angle / 2), np.sin(angle / 2) * np.asarray(vector) / angle])


def build_armature(bpy, rig: Rig):
    """The rig as an armature object in the current scene."""
    from mathutils import Matrix

    data = bpy.data.armatures.new("Armature")
    armature = bpy.data.objects.new("Armature", data)
    bpy.context.scene.collection.objects.link(armature)
    armature.matrix_world = Matrix(rig.armature_matrix.tolist())
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for bone in rig.bones:
        edit = data.edit_bones.new(bone.name)
        edit.head, edit.tail = (0, 0, 0), (0, bone.length, 0)
        edit.matrix = Matrix(bone.matrix.tolist())
        if bone.parent >= 0:
            edit.parent = data.edit_bones[rig.bones[bone.parent].name]
    bpy.ops.object.mode_set(mode="OBJECT")
    bpy.context.view_layer.update()
    return armature


@pytest.fixture
def make_rig():
    return build_rig


@pytest.fixture
def make_armature():
    return build_armature


@pytest.fixture
def random_rotations():
    """(F, B, 4) unit quaternions of at most `angle` radians, changing smoothly from frame to frame."""

    def make(frames: int, bones: int, angle: float = 1.0, seed: int = 0) -> np.ndarray:
        random = np.random.default_rng(seed)
        phase, speed = random.uniform(0, 6, (bones, 3)), random.uniform(0.5, 1.5, (bones, 3))
        vectors = angle / np.sqrt(3) * np.sin(phase + speed * np.arange(frames)[:, None, None] * 0.3)
        matrices = np.stack([[rotation(v) for v in frame] for frame in vectors])
        return matrix_to_quaternion(matrices)

    return make
