# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a clip's motion with Blender: FBX, GLB, glTF, BVH or .blend with an armature, or glTF whose bones are bare nodes."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from ningyo.errors import UserError
from ningyo.synth_data.characters.importing import read_rig, rig_for
from ningyo.synth_data.retarget.markers import rest_basis
from ningyo.synth_data.retarget.rig import Rig
from ningyo.synth_data.retarget.roles import split_name
from numpy.typing import NDArray

from .performance import Clip, rest_directions

Array = NDArray[np.float64]
SCENE_FPS = 30
# glTF has Y up, Blender Z.
_FROM_GLTF = np.array([[1.0, 0, 0, 0], [0, 0, -1.0, 0], [0, 1.0, 0, 0], [0, 0, 0, 1.0]])


def read_clip(path: Path, fps: float, rest: Path | None) -> Clip:
    """The whole clip of `path` at `fps`. Empties Blender.

    `rest` is a rigged glTF of the same skeleton, from whose inverse bind matrices bare nodes get their rest pose. Raises UserError for a
    file that has no animated figure, and for bare nodes without `rest`.
    """
    bare = rig_for(rest) if rest is not None and path.suffix.lower() in (".glb", ".gltf") else None
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene: Any = bpy.context.scene
    scene.render.fps, scene.render.fps_base = SCENE_FPS, 1.0
    _import(path)
    rate = scene.render.fps / scene.render.fps_base
    animated: list[Any] = [obj for obj in bpy.data.objects if obj.animation_data and obj.animation_data.action]
    figure = next((obj for obj in animated if obj.type == "ARMATURE"), None)
    if figure is not None:
        first, last = figure.animation_data.action.frame_range
        frames = _frames(first, last, rate, fps)
        return _of_armature(figure, frames, fps)
    named = [(split_name(obj.name), obj) for obj in bpy.data.objects if obj.type == "EMPTY"]
    nodes: dict[str, Any] = {found[1]: obj for found, obj in named if found is not None}
    if "hips" not in nodes:
        raise UserError(f"{path} has no animated figure; give a clip with an armature or with nodes named in Mixamo's way.")
    if bare is None or rest is None:
        raise UserError(f"The nodes of {path} have no rest pose; give the rigged character of the same skeleton (--rest).")
    ranges = np.array([obj.animation_data.action.frame_range for obj in animated])
    frames = _frames(ranges[:, 0].min(), ranges[:, 1].max(), rate, fps)
    return _of_nodes(nodes, bare, bind_rotations(rest), frames, fps)


def _frames(first: float, last: float, rate: float, fps: float) -> Array:
    return first + np.arange(int(np.floor((last - first) / rate * fps + 1e-6)) + 1) * rate / fps


def _import(path: Path) -> None:
    kind = path.suffix.lower()
    operators: Any = bpy.ops
    if kind in (".glb", ".gltf"):
        operators.import_scene.gltf(filepath=str(path), disable_bone_shape=True)
    elif kind == ".fbx":
        operator = operators.wm.fbx_import if "fbx_import" in dir(operators.wm) else operators.import_scene.fbx
        operator(filepath=str(path))
    elif kind == ".bvh":
        operators.import_anim.bvh(filepath=str(path), use_fps_scale=True)
    elif kind == ".blend":
        libraries: Any = bpy.data.libraries
        with libraries.load(str(path), link=False) as (held, wanted):
            wanted.objects, wanted.scenes = list(held.objects), held.scenes[:1]
        scene: Any = bpy.context.scene
        for own in wanted.scenes:  # its keys are at its own rate
            scene.render.fps, scene.render.fps_base = own.render.fps, own.render.fps_base
        for obj in wanted.objects:
            scene.collection.objects.link(obj)
    else:
        raise UserError(f"{path} is not a clip; give a .glb, .gltf, .fbx, .bvh or .blend.")


def _of_armature(figure: Any, frames: Array, fps: float) -> Clip:
    rig = read_rig(figure)
    basis = rest_basis(rig)
    rotations, hips = [], []
    place = {bone.name: i for i, bone in enumerate(figure.pose.bones)}
    order = [place[name] for name in rig.names]
    for frame in frames:
        _go_to(frame)
        bones = list(figure.pose.bones)
        matrices = np.array([bone.matrix for bone in bones])[order]
        rotations.append(_rotation(rig.armature_matrix @ matrices))
        hips.append(rig.to_world(matrices[rig.index_of_role["hips"], :3, 3]))
    turns = np.array(rotations) @ np.swapaxes(_rotation(rig.armature_matrix @ rig.rest), -1, -2)
    # BVH often has the hips in the world's origin at rest, so that nothing says where the floor is.
    from_floor = abs(float(rig.armature_matrix[:3, 3] @ rig.up) - rig.floor) < 0.1 * rig.leg_length
    return Clip(
        fps,
        {role: basis.T @ turns[:, i] @ basis for role, i in rig.index_of_role.items()},
        (np.array(hips) - rig.head("hips")) @ basis / rig.leg_length,
        rest_directions(rig),
        from_floor,
    )


def _of_nodes(nodes: dict[str, Any], rig: Rig, bind: dict[str, Array], frames: Array, fps: float) -> Clip:
    basis = rest_basis(rig)
    rotations: dict[str, list[Array]] = {role: [] for role in nodes if role in bind}
    hips = []
    for frame in frames:
        _go_to(frame)
        for role, found in rotations.items():
            found.append(_rotation(np.array(nodes[role].matrix_world)))
        hips.append(np.array(nodes["hips"].matrix_world.translation))
    return Clip(
        fps,
        {role: basis.T @ np.array(found) @ bind[role].T @ basis for role, found in rotations.items()},
        (np.array(hips) - rig.head("hips")) @ basis / rig.leg_length,
        rest_directions(rig),
        True,
    )


def bind_rotations(path: Path) -> dict[str, Array]:
    """Role → (3, 3) rotation of a glTF skin's joint when it was bound, in Blender's axes."""
    data = path.read_bytes()
    length = struct.unpack("<I", data[12:16])[0]
    content = json.loads(data[20 : 20 + length])
    binary = data[20 + length + 8 :]
    found: dict[str, Array] = {}
    for skin in content["skins"]:
        accessor = content["accessors"][skin["inverseBindMatrices"]]
        view = content["bufferViews"][accessor["bufferView"]]
        start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
        numbers = np.frombuffer(binary, "<f4", 16 * accessor["count"], start).astype(np.float64)
        for joint, inverse in zip(skin["joints"], numbers.reshape(-1, 4, 4).transpose(0, 2, 1), strict=True):
            named = split_name(content["nodes"][joint]["name"])
            if named is not None:
                found[named[1]] = _rotation(_FROM_GLTF @ np.linalg.inv(inverse) @ _FROM_GLTF.T)
    return found


def _rotation(matrices: Array) -> Array:
    """(…, 4, 4) → (…, 3, 3) the nearest rotation: scale removed."""
    u, _, vt = np.linalg.svd(matrices[..., :3, :3])
    return np.matmul(u, vt)


def _go_to(frame: float) -> None:
    scene: Any = bpy.context.scene
    whole = int(np.floor(frame + 1e-6))
    scene.frame_set(whole, subframe=float(np.clip(frame - whole, 0.0, 0.999999)))
