# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
"""What a character looked like before the live preview, kept with its own data as long as something else is shown.

So it comes back even from an undo step or an automatic save that was made meanwhile: whenever a state is read that has the custom
property, what that says is put back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

import bpy

KEPT = "ningyo_pose_before"  # on an armature its pose, by bone and channel, and on shape keys their values; as JSON
ROTATIONS = {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}


def shape_keys(name: str) -> bpy.types.Key | None:
    """The shape keys of this name that are not linked from another file."""
    return bpy.data.shape_keys.get((name, None))


def keep(armature: bpy.types.Object, bones: Iterable[str], faces: Mapping[str, Iterable[str]]) -> None:
    """Keep the pose of these bones, and the values of these shape keys, by the names of what holds them."""
    pose = {}
    for name in bones:
        bone = armature.pose.bones.get(name)
        if bone is not None:
            channels = ("location", ROTATIONS.get(bone.rotation_mode, "rotation_euler"), "scale")
            pose[name] = {channel: list(getattr(bone, channel)) for channel in channels}
    armature[KEPT] = json.dumps(pose)
    for name, wanted in faces.items():
        keys = shape_keys(name)
        if keys is not None:
            keys[KEPT] = json.dumps({key: keys.key_blocks[key].value for key in wanted if key in keys.key_blocks})


def put_back() -> list[bpy.types.ID]:
    """Have everything as it was that was kept; returns what that is. What is linked from another file is its own file's to put right."""
    found: list[bpy.types.ID] = []
    for armature in bpy.data.objects:
        if armature.type == "ARMATURE" and armature.library is None and KEPT in armature:
            for name, channels in json.loads(armature[KEPT]).items():
                bone = armature.pose.bones.get(name)
                for channel, value in channels.items() if bone is not None else ():
                    setattr(bone, channel, value)
            found.append(armature)
    for keys in bpy.data.shape_keys:
        if keys.library is None and KEPT in keys:
            for key, value in json.loads(keys[KEPT]).items():
                if key in keys.key_blocks:
                    keys.key_blocks[key].value = value
            found.append(keys)
    for data in found:
        del data[KEPT]
    return found
