# SPDX-License-Identifier: GPL-3.0-or-later
"""Motions from other programs' files: FBX (through Blender's importer), glTF and BVH."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import UserError
from ...jobs.progress import SILENT, Reporter
from ..retarget.bvh_read import read_bvh
from ..retarget.clip import Clip, motion_of, turns_of, unique_names, whole_rate
from ..retarget.gltf import Z_UP, read_gltf
from ..retarget.kinematics import Array
from ..retarget.motion import Motion
from .humanoid import parents_first, roles_in
from .importing import Hints, context_kept, import_file, undone

FILE_TYPES = (".npz", ".fbx", ".glb", ".gltf", ".vrma", ".bvh")


def load_clip(path: Path | str, *, report: Reporter = SILENT) -> Motion:
    """The motion in a file, with its rig: a Ningyo motion (.npz), or the animation of a .fbx, .glb, .gltf, .vrma or .bvh.

    The skeleton may have a mesh or none, and its bones may be nodes of any kind; of several animations the longest is taken. Times begin
    at 0, at the file's own rate. A bone map beside the file (`walk.bones.json`) tells bones whose names do not. Blender is left as it was.
    What is doubtful is told to `report`.

    Raises UserError for a file that is missing, of another type, damaged, without animation or without a humanoid.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in FILE_TYPES:
        raise UserError(f"{path} is not a motion's file; give a {', '.join(FILE_TYPES[:-1])} or {FILE_TYPES[-1]}.")
    if suffix == ".npz":
        return Motion.load(path)
    if not path.is_file():
        raise UserError(f"There is no file {path}; check the path of the motion.")
    hints = Hints.of(path)
    humanoid = hints.vrm
    if suffix == ".fbx":
        clip = _read_fbx(path)
    elif suffix == ".bvh":
        clip = read_bvh(path)
    else:
        clip, gltf = read_gltf(path)
        humanoid = roles_in(gltf)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return motion_of(clip, path.name, sha256, bone_map=hints.bone_map, humanoid=humanoid, report=report)


def _read_fbx(path: Path) -> Clip:
    """The bones of the armature that has most, or else the empties, as Blender's importer makes them of the file."""
    import bpy

    with undone():
        before = set(bpy.data.objects), set(bpy.data.actions)
        with context_kept():
            import_file(path)
            scene: Any = bpy.context.scene
            rate = whole_rate(scene.render.fps / scene.render.fps_base)
        objects: list[Any] = [obj for obj in bpy.data.objects if obj not in before[0]]
        actions: list[Any] = [action for action in bpy.data.actions if action not in before[1]]
        if not actions:
            raise UserError(f"{path} holds no animation; export it with one.")
        armatures = [obj for obj in objects if obj.type == "ARMATURE"]
        # In a scene of its own the clip is played without all that the user's scene holds.
        scene = bpy.data.scenes.new("Ningyo clip")
        try:
            if armatures:
                armature = max(armatures, key=lambda each: len(each.data.bones))
                skinned = any(m.type == "ARMATURE" and m.object == armature for obj in objects for m in obj.modifiers)
                return _of_armature(path.stem, scene, armature, actions, rate, skinned)
            return _of_objects(path.stem, scene, [obj for obj in objects if obj.type == "EMPTY"], actions, rate)
        finally:
            bpy.data.scenes.remove(scene)


def _of_armature(name: str, scene: Any, armature: Any, actions: list[Any], rate: float, skinned: bool) -> Clip:
    data = armature.animation_data_create()
    own = data.action
    action = max(actions, key=lambda each: (np.ptp(each.frame_range), each == own))
    if action != own:
        data.action = action
        if hasattr(data, "action_slot") and data.action_slot is None and action.slots:
            data.action_slot = action.slots[0]
    bones = parents_first(list(armature.data.bones))
    at = {bone.name: index for index, bone in enumerate(bones)}
    order = np.argsort([at[bone.name] for bone in armature.pose.bones])

    def now(evaluated: Any) -> Array:
        flat = np.empty(16 * len(bones), np.float32)
        evaluated.pose.bones.foreach_get("matrix", flat)
        own = flat.reshape(-1, 4, 4).swapaxes(1, 2).astype(np.float64)
        return np.array(evaluated.matrix_world, np.float64) @ own[order]

    _link(scene, [armature])
    frames = np.stack([now(armature.evaluated_get(graph)) for graph in _played(scene, action.frame_range)])
    world = np.array(armature.matrix_world, np.float64)
    return Clip(
        name=name,
        names=tuple(at),
        parents=tuple(at[bone.parent.name] if bone.parent is not None else -1 for bone in bones),
        worlds=frames,
        fps=rate,
        axes=turns_of(world),
        rest=np.array([world @ np.array(bone.matrix_local, np.float64) for bone in bones]),
        bound=frozenset(range(len(bones))) if skinned else frozenset(),
        others=len(actions) - 1,
    )


def _of_objects(name: str, scene: Any, objects: list[Any], actions: list[Any], rate: float) -> Clip:
    ordered = [obj for obj, _ in sorted(((obj, _depth(obj)) for obj in objects), key=lambda pair: pair[1])]
    at = {obj: index for index, obj in enumerate(ordered)}
    _link(scene, ordered)
    spans = np.array([action.frame_range for action in actions])
    frames = [
        [np.array(obj.evaluated_get(graph).matrix_world, np.float64) for obj in ordered]
        for graph in _played(scene, (spans[:, 0].min(), spans[:, 1].max()))
    ]
    return Clip(
        name=name,
        names=unique_names([obj.name for obj in ordered]),
        parents=tuple(at.get(obj.parent, -1) for obj in ordered),
        worlds=np.array(frames).reshape(len(frames), len(ordered), 4, 4),
        fps=rate,
        axes=Z_UP,
    )


def _depth(obj: Any) -> int:
    return 0 if obj.parent is None else 1 + _depth(obj.parent)


def _link(scene: Any, objects: list[Any]) -> None:
    """Bring objects and what they hang from into the scene."""
    wanted = set(objects)
    for obj in objects:
        while obj.parent is not None:
            obj = obj.parent
            wanted.add(obj)
    for obj in wanted:
        scene.collection.objects.link(obj)


def _played(scene: Any, span: Sequence[float]) -> Iterator[Any]:
    """The scene's dependency graph at each whole frame of a span, first and last included."""
    for frame in range(int(np.floor(span[0] + 1e-3)), int(np.ceil(span[1] - 1e-3)) + 1):
        scene.frame_set(frame)
        yield scene.view_layers[0].depsgraph
