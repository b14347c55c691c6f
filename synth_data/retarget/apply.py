# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing a Motion onto an armature in Blender, as a new Action."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...errors import UserError
from ...sequencer.strips import match_rate
from ..characters.importing import load_character, read_rig
from .kinematics import continuous, matrix_to_quaternion, pose, rotations_of
from .motion import Motion
from .resample import resample, resample_rotations
from .rig import Rig

if TYPE_CHECKING:
    import bpy

Array = npt.NDArray[np.float64]


def apply_motion(
    armature: Any, motion: Motion, *, name: str | None = None, start_frame: int = 1, scene_fps: float | None = None
) -> bpy.types.Action:
    """Give `armature` a new Action that plays `motion` from `start_frame` on, beside the Actions it had.

    Keys are on whole frames at `scene_fps` (default: the current scene's rate), taken from the motion by time stamps. Each bone keeps its
    rotation mode; the object's own transform, constraints, rest pose and rolls stay as they are. With `scene_fps == motion.fps`, frame
    `start_frame + i` is the motion's frame i.

    Raises UserError when the armature cannot be animated (linked, in the NLA's tweak mode), is not humanoid, or lacks the motion's bones.
    """
    import bpy

    if armature.type != "ARMATURE":
        raise UserError(f"{armature.name} is not an armature; pick the character's armature.")
    if armature.library is not None:
        raise UserError(
            f"{armature.name} is linked from another file; make a library override of it (Object, Library Override) and try again."
        )
    rig = read_rig(armature)
    local = rotations_of(rig, motion)
    data = armature.animation_data_create()
    if data is None or data.use_tweak_mode:
        raise UserError(f"{armature.name} is being edited in the NLA editor; leave tweak mode (Tab) and try again.")
    scene: Any = bpy.context.scene
    rate = float(scene_fps or scene.render.fps / scene.render.fps_base)

    location = _hips_location(rig, local, motion.root_position)
    moved = [rig.names.index(bone) for bone in motion.bones]
    quaternions = continuous(matrix_to_quaternion(local[:, moved]))
    times = motion.time - motion.time[0]
    count = int(np.floor(times[-1] * rate + 1e-6)) + 1
    wanted = np.arange(count, dtype=np.float64) / rate
    quaternions, location = resample_rotations(quaternions, times, wanted), resample(location, times, wanted)

    action = bpy.data.actions.new(name or Path(str(motion.source.get("video") or "Ningyo")).stem)
    action.use_frame_range = True
    action.frame_start, action.frame_end = start_frame, start_frame + count - 1
    old = data.action
    if old is not None:
        old.use_fake_user = True  # it would be lost on saving once nothing uses it
    channels = _channels(armature, action)
    frames = start_frame + np.arange(count, dtype=np.float64)
    hips = armature.pose.bones[rig.names[rig.index_of_role["hips"]]]
    _write(channels, hips, "location", location, frames)
    for bone_name, rotation in zip(motion.bones, np.moveaxis(quaternions, 1, 0), strict=True):
        bone = armature.pose.bones[bone_name]
        _write(channels, bone, *_in_mode(bone.rotation_mode, rotation), frames)
    return action


def save_motion_blend(motion: Motion, spec: Path | str, out: Path | str) -> None:
    """Write a .blend with the character of `spec` (see `load_character`) playing `motion` from frame 1 at the motion's rate.

    Empties the current Blender session: for the worker, not for a running Blender. Written beside and renamed.
    """
    import bpy

    out = Path(out).absolute()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene: Any = bpy.context.scene
    character = load_character(spec)
    match_rate(scene, motion.fps)
    action = apply_motion(character.armature, motion, scene_fps=motion.fps)
    scene.frame_start, scene.frame_end = (round(frame) for frame in action.frame_range)
    scene.frame_set(scene.frame_start)
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = out.with_name(f".{out.stem}.part.blend")
    bpy.ops.wm.save_as_mainfile(filepath=str(beside), check_existing=False, copy=True, compress=True)
    os.replace(beside, out)


def _hips_location(rig: Rig, local: Array, root_position: npt.NDArray[Any]) -> Array:
    """(F, 3) the hips' `location` channel: their offset from where the parent leaves them, in their own rest axes."""
    hips = rig.index_of_role["hips"]
    parent = int(rig.parents[hips])
    wanted = rig.to_armature(np.asarray(root_position, np.float64))
    rest = rig.rest[hips]
    if parent < 0:
        return (wanted - rest[:3, 3]) @ rest[:3, :3]
    heads, rotations = pose(rig, local, root_position)
    turn = rotations[:, parent] @ rig.rest[parent, :3, :3].T
    left_at = heads[:, parent] + turn @ (rest[:3, 3] - rig.rest[parent, :3, 3])
    return np.einsum("fij,fi->fj", turn @ rest[:3, :3], wanted - left_at)


def _in_mode(mode: str, quaternions: Array) -> tuple[str, Array]:
    """The channel that a bone of this rotation mode reads, and its values (N, 3 or 4)."""
    if mode == "QUATERNION":
        return "rotation_quaternion", quaternions
    from mathutils import Quaternion

    if mode == "AXIS_ANGLE":
        sine = np.linalg.norm(quaternions[:, 1:], axis=1, keepdims=True)
        axis = np.where(sine > 1e-9, quaternions[:, 1:] / np.maximum(sine, 1e-9), (0.0, 1.0, 0.0))
        # Neighbouring keys are interpolated component by component, so axes must not point away from each other.
        flip = np.cumprod(np.r_[1.0, np.where(np.sum(axis[1:] * axis[:-1], 1) < 0, -1.0, 1.0)])[:, None]
        angle = np.unwrap(2 * np.arctan2(sine * flip, quaternions[:, :1]), axis=0)
        return "rotation_axis_angle", np.hstack([angle, axis * flip])
    euler = None
    values = []
    for q in quaternions:
        quaternion = Quaternion(q)
        euler = quaternion.to_euler(mode) if euler is None else quaternion.to_euler(mode, euler)
        values.append((euler.x, euler.y, euler.z))
    return "rotation_euler", np.array(values)


def _channels(armature: Any, action: bpy.types.Action) -> Any:
    """What holds the F-curves and their groups: since Blender 4.4 the channels of a slot of the Action, before that the Action."""
    data: Any = armature.animation_data
    layered: Any = action
    if not hasattr(action, "slots"):
        data.action = action
        return action
    slot = layered.slots.new(id_type="OBJECT", name=armature.name)
    data.action = action
    data.action_slot = slot  # not chosen by itself for an Action made by hand
    strip = layered.layers.new("Layer").strips.new(type="KEYFRAME")
    return strip.channelbag(slot, ensure=True)


def _write(channels: Any, bone: Any, channel: str, values: Array, frames: Array) -> None:
    """F-curves for `bone`'s `channel`, one a component; a bone that does not move gets one key."""
    import bpy

    if np.ptp(values, axis=0).max() < 1e-7:
        values, frames = values[:1], frames[:1]
    interpolation: Any = bpy.types.Keyframe.bl_rna.properties["interpolation"]
    linear = interpolation.enum_items["LINEAR"].value
    group = channels.groups.get(bone.name) or channels.groups.new(bone.name)
    path = bone.path_from_id(channel)
    for index, component in enumerate(values.T):
        curve = channels.fcurves.new(path, index=index)
        curve.group = group
        curve.keyframe_points.add(len(frames))
        curve.keyframe_points.foreach_set("co", np.column_stack([frames, component]).astype(np.float32).ravel())
        curve.keyframe_points.foreach_set("interpolation", np.full(len(frames), linear, np.int32))
        curve.update()
