# SPDX-License-Identifier: GPL-3.0-or-later
"""The Mixamo skeleton: 65 bones and two eyes, named as Mixamo names them, and bones of a character's own for what hangs from it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import bpy
import numpy as np

from .body import FINGERS

Array = np.ndarray
PREFIX = "mixamorig:"


def _side(side: str) -> list[tuple[str, str]]:
    arm = [("Shoulder", "Spine2"), ("Arm", side + "Shoulder"), ("ForeArm", side + "Arm"), ("Hand", side + "ForeArm")]
    fingers = []
    for finger in FINGERS:
        fingers += [(f"Hand{finger}{n}", f"{side}Hand" if n == 1 else f"{side}Hand{finger}{n - 1}") for n in (1, 2, 3, 4)]
    return [(side + name, parent) for name, parent in arm + fingers]


def _leg(side: str) -> list[tuple[str, str]]:
    chain = ["UpLeg", "Leg", "Foot", "ToeBase", "Toe_End"]
    return [(side + name, side + chain[i - 1] if i else "Hips") for i, name in enumerate(chain)]


# (name, parent), parents first.
HIERARCHY: list[tuple[str, str | None]] = [
    ("Hips", None),
    *[
        (b, a)
        for a, b in zip(
            ("Hips", "Spine", "Spine1", "Spine2", "Neck", "Head"), ("Spine", "Spine1", "Spine2", "Neck", "Head", "HeadTop_End"), strict=True
        )
    ],
    ("LeftEye", "Head"),
    ("RightEye", "Head"),
    *_side("Left"),
    *_side("Right"),
    *_leg("Left"),
    *_leg("Right"),
]
BONES = [name for name, _ in HIERARCHY]
# The child a bone points at, where it has several.
_TOWARDS = {"Hips": "Spine", "Spine2": "Neck", "Head": "HeadTop_End", "LeftHand": "LeftHandMiddle1", "RightHand": "RightHandMiddle1"}


def both_sides(joints: dict[str, Array]) -> dict[str, Array]:
    """Joints with the right side added."""
    right = {name.replace("Left", "Right"): value * (-1, 1, 1) for name, value in joints.items() if name.startswith("Left")}
    return {**joints, **right}


class ExtraBone(NamedTuple):
    """A bone beside Mixamo's, for hair, skirts and the like: `hair_tail_1`, counted from the root of its chain.

    `parent` is a bone of `BONES` or an extra bone that comes before; `head` and `tail` (3,) are world positions at rest, metres.
    """

    name: str
    parent: str
    head: Array
    tail: Array


def bone_name(name: str) -> str:
    """The name in the armature: Mixamo's bones have its prefix, the others none."""
    return PREFIX + name if name in BONES else name


def build_armature(
    name: str, joints: dict[str, Array], collection: bpy.types.Collection, extra: Iterable[ExtraBone] = ()
) -> bpy.types.Object:
    """An armature object with the Mixamo bones and the `extra` ones at rest, in T-pose, linked into `collection`.

    Bones can only be made in edit mode; the active object, the selection and the mode are put back afterwards.
    """
    joints = both_sides(joints)
    children: dict[str, list[str]] = {name: [] for name in BONES}
    for bone, parent in HIERARCHY:
        if parent:
            children[parent].append(bone)
    data: Any = bpy.data.armatures.new(name)
    armature = bpy.data.objects.new(name, data)
    layer: Any = bpy.context.view_layer
    scene: Any = bpy.context.scene
    root = scene.collection
    root.objects.link(armature)
    before = layer.objects.active
    selected = [o for o in layer.objects if o.select_get()]
    mode = before.mode if before is not None else "OBJECT"
    if mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for bone, parent in HIERARCHY:
        edit = data.edit_bones.new(PREFIX + bone)
        edit.head = joints[bone]
        target = _TOWARDS.get(bone) or (children[bone][0] if children[bone] else None)
        if bone.endswith("Eye"):
            edit.tail = joints[bone] + (0, -0.03, 0)
        elif target is not None:
            edit.tail = joints[target]
        elif parent is not None:
            along = joints[bone] - joints[parent]
            edit.tail = joints[bone] + along / np.linalg.norm(along) * (0.05 if bone == "HeadTop_End" else 0.02)
        # The bone's z axis: forward for what is upright, up for the arms, as in Mixamo's rigs.
        lying = "Arm" in bone or "Hand" in bone or "Shoulder" in bone or "Eye" in bone or "Toe" in bone
        edit.align_roll((0, 0, 1) if lying else (0, -1, 0))
        if parent is not None:
            edit.parent = data.edit_bones[PREFIX + parent]
    for bone in extra:
        edit = data.edit_bones.new(bone.name)
        edit.head, edit.tail = bone.head, bone.tail
        edit.align_roll((0, -1, 0))
        edit.parent = data.edit_bones[bone_name(bone.parent)]
    bpy.ops.object.mode_set(mode="OBJECT")
    if collection != root:
        collection.objects.link(armature)
        root.objects.unlink(armature)
    for item in selected:
        item.select_set(True)
    layer.objects.active = before
    if mode != "OBJECT":
        bpy.ops.object.mode_set(mode=mode)
    data.display_type = "STICK"
    armature.show_in_front = True
    return armature
