# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing a Motion onto an armature and its meshes in Blender, as new Actions."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...errors import UserError, listed
from ...jobs.progress import SILENT, Reporter
from ...sequencer.strips import match_rate
from ..characters.expressions import drives_of
from ..characters.importing import load_character, read_rig, rig_of
from .blending import AT_REST, STILL, Blend, shares
from .keys import angle_between, kept_keys, rotation_of
from .kinematics import continuous, matrix_to_quaternion, pose, rotations_of
from .motion import Camera, Motion
from .resample import resample, resample_rotations
from .rig import Rig
from .secondary import with_secondary
from .transfer import on_rig

if TYPE_CHECKING:
    import bpy

Array = npt.NDArray[np.float64]
Keep = Callable[[Array], npt.NDArray[np.int64]]  # channel values (N, C) → the indices of those that get keys

EXPRESSION_TOLERANCE = 0.01  # of a shape key's value, where keys are reduced


@dataclass
class KeyCount:
    """How many keys were made, of how many there would be without any reduction."""

    made: int = 0
    full: int = 0


@dataclass(frozen=True)
class Channels:
    """A motion in an armature's own channels: `quaternions` (F, B, 4), the bones' own rotations in the rig's order, and `location` (F, 3)
    of the bone `carrier`, which carries the whole character. `moved` are the motion's bones, `held` these and all that they hang from."""

    quaternions: Array
    location: Array
    carrier: int
    moved: frozenset[int]
    held: tuple[int, ...]


def channels_of(armature: Any, rig: Rig, motion: Motion) -> Channels:
    """Raises UserError when the motion moves bones that the rig, which is the armature's, does not have."""
    local = rotations_of(rig, motion)
    bones = [armature.pose.bones[bone] for bone in rig.names]
    heads, rotations = pose(rig, local, motion.root_position)
    for index, bone in enumerate(bones):
        if not bone.bone.use_inherit_rotation:  # such a bone stays at rest while its parent turns
            local[:, index] = rig.rest[index, :3, :3].T @ rotations[:, index]
    carrier, location = _location(rig, bones, heads, rotations)
    moved = frozenset(rig.names.index(bone) for bone in motion.bones)
    return Channels(continuous(matrix_to_quaternion(local)), location, carrier, moved, tuple(sorted(_on_the_way(rig) | moved)))


def apply_motion(
    armature: Any,
    motion: Motion,
    *,
    name: str | None = None,
    start_frame: int = 1,
    scene_fps: float | None = None,
    key_reduction: float = 0.0,
    blend: Blend | None = None,
    keys: KeyCount | None = None,
    report: Reporter = SILENT,
) -> bpy.types.Action:
    """Give `armature` a new Action that plays `motion` from `start_frame` on, beside the Actions it had.

    Keys are on whole frames at `scene_fps` (default: the current scene's rate), taken from the motion by time stamps. Each bone keeps its
    rotation mode; the object's own transform, constraints, rest pose, rolls and inheritance stay as they are. With `scene_fps ==
    motion.fps`, frame `start_frame + i` is the motion's frame i. An object that moves carries the character along: the motion's world is
    the one in which the object is as it is now.

    With `key_reduction` above 0, keys are left out as long as no bone's own rotation is off by more than so many degrees, and the hips by
    so many millimetres; `keys` counts them. With `blend`, the motion grows out of what was there before and goes back into it; expressions
    come and go with it. Shape keys of the armature's meshes that are named like the motion's expressions get Actions of their own.
    Constraints, drivers and settings that keep the pose from being the motion's are told to `report` as a warning.

    Raises UserError when the armature cannot be animated (linked, in edit mode, in the NLA's tweak mode), is not humanoid, or lacks the
    motion's bones.
    """
    import bpy

    refuse(armature)
    if not (np.isfinite(key_reduction) and key_reduction >= 0):
        raise UserError(f"A key reduction of {key_reduction:g}° is of no use; give 0 (every frame gets a key) or more.")
    rig = read_rig(armature)
    own = channels_of(armature, rig, motion)
    data = armature.animation_data_create()
    if data is None or data.use_tweak_mode:
        raise UserError(f"{armature.name} is being edited in the NLA editor; leave tweak mode (Tab) and try again.")
    for warning in obstacles(armature, rig):
        report.warning(warning)
    scene: Any = bpy.context.scene
    rate = float(scene_fps or scene.render.fps / scene.render.fps_base)
    times = motion.time - motion.time[0]
    count = int(np.floor(times[-1] * rate + 1e-6)) + 1
    wanted = np.arange(count, dtype=np.float64) / rate
    frames = start_frame + np.arange(count, dtype=np.float64)
    quaternions, location = resample_rotations(own.quaternions, times, wanted), resample(own.location, times, wanted)

    name = name or Path(str(motion.source.get("video") or motion.source.get("clip") or "Ningyo")).stem
    blend, keys = blend or Blend(), keys or KeyCount()
    was_animated = _animated_paths(data) | blend.paths  # before the old Action goes
    action, channels = _new_action(armature, "OBJECT", name, start_frame, count)
    millimetres = 1000.0 * float(np.linalg.norm(rig.armature_matrix[:3, :3], 2))
    for index in own.held:
        bone = armature.pose.bones[rig.names[index]]
        group = channels.groups.get(bone.name) or channels.groups.new(bone.name)
        mode = bone.rotation_mode
        channel = _rotation_channel(mode)
        if index in own.moved or not bone.bone.use_inherit_rotation or _strays(bone, channel, was_animated):
            path = bone.path_from_id(channel)
            values = _in_mode(mode, blend.rotations(path, mode, frames, quaternions[:, index]))
            _write(channels, path, values, frames, _keeping(key_reduction, partial(_rotation_error, mode)), group, keys)
        for channel in ("location", "scale"):
            carries = channel == "location" and index == own.carrier
            if carries or _strays(bone, channel, was_animated):
                path = bone.path_from_id(channel)
                values = blend.values(path, frames, location if carries else np.tile(AT_REST.get(channel, STILL), (count, 1)))
                scale = millimetres if channel == "location" else 1000.0
                _write(channels, path, values, frames, _keeping(key_reduction, partial(_distance, scale)), group, keys)
    shown = shares(count, blend.begin, blend.end)[:, None] * resample(np.asarray(motion.expression), times, wanted)
    _apply_expressions(armature, motion, shown, frames, name, key_reduction, keys, report)
    return action


def obstacles(armature: Any, rig: Rig) -> list[str]:
    """What keeps the armature from showing a motion as it is, a sentence each."""
    found = list(rig.warnings)
    held = {rig.names[index] for index in _on_the_way(rig)}
    led = [bone.name for bone in armature.pose.bones if bone.name in held and any(map(_leads, bone.constraints))]
    data = armature.animation_data
    for driver in data.drivers if data is not None else ():
        for bone in armature.pose.bones:
            if bone.name in held and driver.data_path.startswith(bone.path_from_id()) and not driver.mute and bone.name not in led:
                led.append(bone.name)
    if led:
        found.append(
            f"Constraints or drivers on {listed(led, 4)} of {armature.name} act on top of the motion; mute them to see it as it is."
        )
    if armature.data.pose_position == "REST":
        found.append(f"{armature.name} is shown at rest; switch its armature to Pose Position to see the motion.")
    if data is not None and (data.action_blend_type != "REPLACE" or data.action_influence < 1.0):
        found.append(
            f"Actions are blended into the NLA of {armature.name}; set them to Replace with influence 1 to see the motion as it is."
        )
    return found


def _leads(constraint: Any) -> bool:
    return not constraint.mute and constraint.influence > 0 and not constraint.type.startswith("LIMIT_")


def refuse(armature: Any) -> None:
    """Raises UserError for what cannot be given an Action."""
    if armature.type != "ARMATURE":
        raise UserError(f"{armature.name} is not an armature; pick the character's armature.")
    if armature.library is not None:
        raise UserError(
            f"{armature.name} is linked from another file; make a library override of it (Object, Library Override) and try again."
        )
    if armature.override_library is not None and armature.override_library.is_system_override:
        raise UserError(
            f"{armature.name} is a library override that cannot be edited; make it editable (Object, Library Override, Make) and try again."
        )
    if armature.mode == "EDIT":
        raise UserError(f"{armature.name} is in edit mode; leave it (Tab) and try again.")


def _on_the_way(rig: Rig) -> set[int]:
    """The indices of bones with roles and of those they hang from: where these are decides where the motion's are."""
    found: set[int] = set()
    for index, bone in enumerate(rig.bones):
        above = index
        while bone.role is not None and above >= 0 and above not in found:
            found.add(above)
            above = rig.bones[above].parent
    return found


def _animated_paths(data: Any) -> set[str]:
    """Data paths of all channels that the armature's Action and NLA tracks move."""
    actions = [data.action, *(strip.action for track in data.nla_tracks for strip in track.strips)]
    return {curve.data_path for action in actions if action is not None for curve in _curves(action)}


def _curves(action: Any) -> list[Any]:
    if not hasattr(action, "layers"):
        return list(action.fcurves)
    bags = [bag for layer in action.layers for strip in layer.strips for bag in strip.channelbags]
    return [curve for bag in bags for curve in bag.fcurves]


def curves_of(action: Any, slot: str = "") -> list[Any]:
    """The F-curves of an Action's slot with this identifier; where it has none such, of its first for objects."""
    if not hasattr(action, "slots"):
        return _curves(action)
    slots = sorted(action.slots, key=lambda one: (one.identifier != slot, one.target_id_type != "OBJECT"))
    bags = [bag for layer in action.layers for strip in layer.strips for bag in strip.channelbags]
    return [curve for bag in bags if slots and bag.slot_handle == slots[0].handle for curve in bag.fcurves]


def pose_values(armature: Any) -> dict[str, list[float]]:
    """All of a pose that is not at rest, by data path: 'pose.bones["Hips"].location'."""
    found = {}
    for bone in armature.pose.bones:
        for channel in (_rotation_channel(bone.rotation_mode), "location", "scale"):
            if _strays(bone, channel, set()):
                found[bone.path_from_id(channel)] = list(getattr(bone, channel))
    return found


def _strays(bone: Any, channel: str, was_animated: set[str]) -> bool:
    """Whether a channel that the motion does not move is not at rest, or may not be when another Action has played."""
    if bone.path_from_id(channel) in was_animated:
        return True
    value = np.array(getattr(bone, channel))
    if channel == "rotation_axis_angle":
        return abs(value[0]) > 1e-6
    return bool(np.abs(value - AT_REST.get(channel, STILL)).max() > 1e-6)


def _apply_expressions(
    armature: Any, motion: Motion, values: Array, frames: Array, name: str, key_reduction: float, count: KeyCount, report: Reporter
) -> None:
    """New Actions on the shape keys of the armature's meshes; `values` (N, E) at `frames` (N,)."""
    linked, faces = [], faces_of(armature, motion.expressions, values)
    for face in faces:
        keys: Any = face.mesh.data.shape_keys
        data = None if keys.library is not None else keys.animation_data_create()
        if data is None or data.use_tweak_mode:
            linked.append(face.mesh.name)
            continue
        _, channels = _new_action(keys, "KEY", f"{name} {face.mesh.name}", int(frames[0]), len(frames))
        for key, value in face.values.items():
            path = keys.key_blocks[key].path_from_id("value")
            keep = None if key_reduction == 0 else partial(kept_keys, distance=partial(_distance, 1.0), tolerance=EXPRESSION_TOLERANCE)
            _write(channels, path, value[:, None], frames, keep, None, count)
    if motion.expressions and not faces:
        report.warning(f"{armature.name} has no shape keys for expressions (eyeBlinkLeft, jawOpen and the like): its face does not move.")
    if linked:
        report.warning(
            f"The shape keys of {', '.join(linked)} are linked from another file or in the NLA's tweak mode and cannot be animated; the "
            "expressions were left out there."
        )


@dataclass(frozen=True)
class Face:
    """What a mesh's shape keys show of a motion: values (F,) by the name of the key."""

    mesh: Any
    values: dict[str, Array]


def faces_of(armature: Any, expressions: Sequence[str], values: Array) -> list[Face]:
    """The armature's meshes that have shape keys for any of `expressions` (E,), and what these have with `values` (F, E)."""
    column = {expression: values[:, i] for i, expression in enumerate(expressions)}
    found = []
    for mesh in _meshes_of(armature) if column else ():
        shown = {}
        for drive in drives_of(mesh, expressions):
            value = drive.weight * np.mean([column[expression] for expression in drive.expressions], axis=0)
            shown[drive.key.name] = value.clip(drive.key.slider_min, drive.key.slider_max)
        found += [Face(mesh, shown)] if shown else []
    return found


def _meshes_of(armature: Any) -> list[Any]:
    """The meshes that the armature moves, one for each mesh's data."""
    import bpy

    found: dict[Any, Any] = {}
    objects: Any = bpy.data.objects
    for obj in objects:
        if obj.type != "MESH" or not (obj.parent == armature or any(m.type == "ARMATURE" and m.object == armature for m in obj.modifiers)):
            continue
        found.setdefault(obj.data, obj)
    return list(found.values())


def save_motion_blend(
    takes: Sequence[tuple[Motion, Path | str]],
    out: Path | str,
    *,
    start_frame: int = 1,
    scene_fps: float | None = None,
    key_reduction: float = 0.0,
    report: Reporter = SILENT,
) -> None:
    """Write a .blend with a character for each of `takes`, (motion, what to load: see `load_character`), playing its motion.

    A motion that was made for another rig is transferred; hair, skirts and the like swing along. They stand where their motions say, which
    share one world, before the camera that the first motion came through. The first of them to appear in the video begins at `start_frame`,
    the others as much later as there. The scene's rate is `scene_fps` (default: the first motion's). Empties the current Blender session:
    for the worker, not for a running Blender. Written beside and renamed.

    Raises UserError as `load_character` and `apply_motion` do.
    """
    import bpy

    out = Path(out).absolute()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene: Any = bpy.context.scene
    rate = scene_fps or takes[0][0].fps
    match_rate(scene, rate)
    begin = min(motion.time[0] for motion, _ in takes)
    ends, cameras = [], []
    for motion, spec in takes:
        character = load_character(spec)
        rig = rig_of(character)
        fitted = with_secondary(on_rig(motion, rig, report=report), rig)
        cameras += [fitted.camera] if fitted.camera is not None else []
        first = start_frame + round((motion.time[0] - begin) * rate)
        action = apply_motion(
            character.armature, fitted, start_frame=first, scene_fps=rate, key_reduction=key_reduction, report=report
        )  # fmt: skip
        ends.append(round(action.frame_range[1]))
    if cameras:
        _add_camera(scene, cameras[0])
    scene.frame_start, scene.frame_end = start_frame, max(ends)
    scene.frame_set(scene.frame_start)
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = out.with_name(f".{out.stem}.part.blend")
    bpy.ops.wm.save_as_mainfile(filepath=str(beside), check_existing=False, copy=True, compress=True)
    os.replace(beside, out)


def _add_camera(scene: Any, seen: Camera) -> None:
    """The scene's camera and resolution become those of the video."""
    import bpy
    from mathutils import Matrix

    camera: Any = bpy.data.cameras.new("Video camera")
    camera.sensor_fit = "HORIZONTAL"
    camera.lens = seen.focal_px * camera.sensor_width / seen.width
    camera.clip_start, camera.clip_end = 0.01, 1000.0
    rotation = seen.world_to_camera[:, :3].T
    matrix = np.eye(4)
    matrix[:3, :3] = rotation * (1.0, -1.0, -1.0)  # Blender's cameras look along −Z with Y up
    matrix[:3, 3] = -rotation @ seen.world_to_camera[:, 3]
    obj = bpy.data.objects.new("Video camera", camera)
    scene.collection.objects.link(obj)
    obj.matrix_world = Matrix(matrix.tolist())
    scene.camera = obj
    scene.render.resolution_x, scene.render.resolution_y = seen.width, seen.height
    scene.render.resolution_percentage = 100


def _location(rig: Rig, bones: Sequence[Any], heads: Array, rotations: Array) -> tuple[int, Array]:
    """The index of the bone that carries the whole character to its place, and its `location` channel (F, 3).

    `heads` (F, B, 3), `rotations` (F, B, 3, 3) from `pose`. It is the hips, or if these are connected to the bone above, which takes their
    location away, the first above that is not.
    """
    hips = carrier = rig.index_of_role["hips"]
    while bones[carrier].bone.use_connect and rig.parents[carrier] >= 0:
        carrier = int(rig.parents[carrier])
    offset = heads[:, hips] - _left_at(rig, hips, heads, rotations)
    parent = int(rig.parents[carrier])
    axes = rig.rest[carrier, :3, :3] if parent < 0 else rotations[:, parent] @ rig.rest[parent, :3, :3].T @ rig.rest[carrier, :3, :3]
    if not bones[carrier].bone.use_local_location:
        axes = np.eye(3) if parent < 0 else rotations[:, parent]
    return carrier, np.einsum("fij,fi->fj", np.broadcast_to(axes, (len(heads), 3, 3)), offset)


def _left_at(rig: Rig, bone: int, heads: Array, rotations: Array) -> Array:
    """(F, 3) where the bone's head would be, had it no location of its own."""
    parent = int(rig.parents[bone])
    if parent < 0:
        return np.broadcast_to(rig.rest[bone, :3, 3], (len(heads), 3))
    turn = rotations[:, parent] @ rig.rest[parent, :3, :3].T
    return heads[:, parent] + turn @ (rig.rest[bone, :3, 3] - rig.rest[parent, :3, 3])


def _rotation_error(mode: str, a: Array, b: Array) -> Array:
    return angle_between(rotation_of(mode, a), rotation_of(mode, b))


def _distance(scale: float, a: Array, b: Array) -> Array:
    return scale * np.linalg.norm(a - b, axis=-1)


def _keeping(tolerance: float, distance: Callable[[Array, Array], Array]) -> Keep | None:
    return partial(kept_keys, distance=distance, tolerance=tolerance) if tolerance > 0 else None


def _rotation_channel(mode: str) -> str:
    return {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}.get(mode, "rotation_euler")


def _in_mode(mode: str, quaternions: Array) -> Array:
    """Rotations as the channel of a bone of this rotation mode has them, (N, 3 or 4)."""
    if mode == "QUATERNION":
        return quaternions
    from mathutils import Quaternion

    if mode == "AXIS_ANGLE":
        sine = np.linalg.norm(quaternions[:, 1:], axis=1, keepdims=True)
        axis = np.where(sine > 1e-9, quaternions[:, 1:] / np.maximum(sine, 1e-9), (0.0, 1.0, 0.0))
        # Neighbouring keys are interpolated component by component, so axes must not point away from each other.
        flip = np.cumprod(np.r_[1.0, np.where(np.sum(axis[1:] * axis[:-1], 1) < 0, -1.0, 1.0)])[:, None]
        angle = np.unwrap(2 * np.arctan2(sine * flip, quaternions[:, :1]), axis=0)
        return np.hstack([angle, axis * flip])
    euler = None
    values = []
    for q in quaternions:
        quaternion = Quaternion(q)
        euler = quaternion.to_euler(mode) if euler is None else quaternion.to_euler(mode, euler)
        values.append((euler.x, euler.y, euler.z))
    return np.array(values)


def _new_action(owner: Any, kind: str, name: str, start: int, count: int) -> tuple[bpy.types.Action, Any]:
    """A new Action on `owner` in place of the one it plays, and what holds its F-curves and their groups: since Blender 4.4 the channels of
    a slot of the Action, before that the Action. `kind` is the owner's id type; `start` and `count` are the frames it lasts."""
    import bpy

    data = owner.animation_data
    action: Any = bpy.data.actions.new(name)
    action.use_frame_range = True
    action.frame_start, action.frame_end = start, start + count - 1
    old = data.action
    if old is not None and old.library is None:
        old.use_fake_user = True  # it would be lost on saving once nothing uses it
    data.action = action
    if not hasattr(action, "slots"):
        return action, action
    slot = action.slots.new(id_type=kind, name=owner.name)
    data.action_slot = slot  # not chosen by itself for an Action made by hand
    strip = action.layers.new("Layer").strips.new(type="KEYFRAME")
    return action, strip.channelbag(slot, ensure=True)


def _write(channels: Any, path: str, values: Array, frames: Array, keep: Keep | None, group: Any, count: KeyCount) -> None:
    """F-curves for the channel `path`, one a component; what does not move gets one key."""
    import bpy

    if np.ptp(values, axis=0).max() < 1e-7:
        values, frames = values[:1], frames[:1]
    count.full += values.size
    if len(values) > 1 and keep is not None:
        kept = keep(values)
        values, frames = values[kept], frames[kept]
    count.made += values.size
    interpolation: Any = bpy.types.Keyframe.bl_rna.properties["interpolation"]
    linear = interpolation.enum_items["LINEAR"].value
    for index, component in enumerate(values.T):
        curve = channels.fcurves.new(path, index=index)
        if group is not None:
            curve.group = group
        curve.keyframe_points.add(len(frames))
        curve.keyframe_points.foreach_set("co", np.column_stack([frames, component]).astype(np.float32).ravel())
        curve.keyframe_points.foreach_set("interpolation", np.full(len(frames), linear, np.int32))
        curve.update()
