# SPDX-License-Identifier: GPL-3.0-or-later
"""Bringing a character into Blender from GLB, glTF, FBX, .blend or the built-in ones, and reading its rig."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import UserError
from ..retarget.rig import Bone, Rig
from ..retarget.roles import assign_roles

if TYPE_CHECKING:
    import bpy

BUILTIN = "builtin"
FILE_TYPES = (".glb", ".gltf", ".fbx", ".blend")
_COLLECTIONS_OF_DATA = (
    "objects", "collections", "meshes", "armatures", "materials", "node_groups", "images", "textures", "actions", "cameras", "lights",
    "curves",
)  # fmt: skip


@dataclass
class Character:
    """A character's objects in Blender, standing at rest. `armature` carries the humanoid rig; `meshes` are what it moves."""

    name: str
    armature: bpy.types.Object
    meshes: list[bpy.types.Object] = field(default_factory=list)
    source_name: str = ""
    source_sha256: str = ""


def rig_for(spec: Path | str) -> Rig:
    """The rig of a .json that Ningyo wrote (without Blender), of a character's file, or of `builtin[:SEED]`.

    Leaves nothing in Blender. Raises UserError as `Rig.load` and `load_character` do.
    """
    if Path(spec).suffix.lower() == ".json":
        return Rig.load(spec)
    with _undone():
        return rig_of(load_character(spec))


def rig_of(character: Character) -> Rig:
    return read_rig(character.armature, name=character.name, source_name=character.source_name, source_sha256=character.source_sha256)


def load_character(spec: Path | str, collection: bpy.types.Collection | None = None) -> Character:
    """Load a character at rest, as new objects in `collection` (default: a new one in the current scene).

    `spec` is a .glb, .gltf, .fbx or .blend, or `builtin[:SEED]`. What else the file holds (lights, cameras, other figures) is not kept; the
    file's actions are, unused. Nothing that was in Blender before changes: not the selection, the frame range or the frame rate.

    Raises UserError for a file that is missing, of another type, damaged, without an armature or without a humanoid one.
    """
    import bpy

    kind, _, seed = str(spec).partition(":")
    if kind == BUILTIN:
        return _load_builtin(seed, collection)
    path = Path(spec)
    if path.suffix.lower() not in FILE_TYPES:
        raise UserError(f"{path} is not a character's file; give a {', '.join(FILE_TYPES[:-1])} or {FILE_TYPES[-1]}, or {BUILTIN}[:SEED].")
    if not path.is_file():
        raise UserError(f"There is no file {path}; check the path of the character.")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()

    before = _present()
    try:
        with _context_kept():
            _import(path)
        new = [obj for obj in bpy.data.objects if obj not in before["objects"]]
        armature = _humanoid(path, new)
        meshes = [obj for obj in new if obj.type == "MESH" and _moves_with(obj, armature)]
        if collection is None:
            collection = _new_collection(path.stem)
        kept = {armature, *meshes}
        for obj in list(kept):
            kept.update(_ancestors(obj))
        _settle(kept, new, collection)
        _put_at_rest(armature)
    except BaseException:
        _remove_new(before)
        raise
    _remove_new({**before, "objects": before["objects"] | kept, "collections": before["collections"] | {collection}}, unused_only=True)
    _context().view_layer.update()
    return Character(path.stem, armature, meshes, path.name, sha256)


def read_rig(armature: Any, *, name: str = "", source_name: str = "", source_sha256: str = "") -> Rig:
    """The armature's rest pose as numbers. Raises UserError when it is not humanoid.

    Without a source, the hash is that of the rest pose itself.
    """
    if armature.type != "ARMATURE":
        raise UserError(f"{armature.name} is not an armature; pick the character's armature.")
    bones = _parents_first(list(armature.data.bones))
    index = {bone.name: i for i, bone in enumerate(bones)}
    parents = [-1 if bone.parent is None else index[bone.parent.name] for bone in bones]
    prefix, roles = assign_roles([bone.name for bone in bones], parents, armature.name)
    matrices = [np.array(bone.matrix_local, np.float64) for bone in bones]
    if not source_sha256:
        content = "\n".join(bone.name for bone in bones).encode() + np.stack(matrices).astype("<f4").tobytes()
        source_sha256 = hashlib.sha256(content).hexdigest()
    try:
        return Rig(
            name=name or armature.name,
            source_name=source_name or armature.name,
            source_sha256=source_sha256,
            prefix=prefix,
            armature_matrix=np.array(armature.matrix_world, np.float64),
            bones=tuple(
                Bone(bone.name, parent, role, matrix, float(bone.length))
                for bone, parent, role, matrix in zip(bones, parents, roles, matrices, strict=True)
            ),
        )
    except ValueError as error:
        raise UserError(f"The armature {armature.name} cannot be used ({error}); mend it in Blender and try again.") from error


def _load_builtin(seed: str, collection: bpy.types.Collection | None) -> Character:

    from .builtin import build_character

    try:
        number = int(seed or "0")
    except ValueError:
        raise UserError(f"{BUILTIN}:{seed} has no number as its seed; write {BUILTIN} or {BUILTIN}:7.") from None
    name = f"{BUILTIN}:{number}"
    built = build_character(number, _new_collection(name) if collection is None else collection)
    _context().view_layer.update()
    rig = read_rig(built.armature)
    return Character(f"{BUILTIN}{number}", built.armature, list(built.meshes), name, rig.source_sha256)


def _context() -> Any:
    """Blender's context, whose members depend on where it is asked."""
    import bpy

    return bpy.context


def _new_collection(name: str) -> bpy.types.Collection:
    import bpy

    collection = bpy.data.collections.new(name)
    _context().scene.collection.children.link(collection)
    return collection


def _import(path: Path) -> None:
    import bpy

    operators: Any = bpy.ops
    libraries: Any = bpy.data.libraries
    suffix = path.suffix.lower()
    try:
        if suffix == ".blend":
            with libraries.load(str(path.absolute()), link=False) as (held, wanted):
                wanted.objects = list(held.objects)
            for obj in wanted.objects:  # only what is in a scene has a world matrix
                if obj is not None:
                    _context().scene.collection.objects.link(obj)
        elif suffix == ".fbx":
            if "fbx_import" in dir(operators.wm):
                result = operators.wm.fbx_import(filepath=str(path))
            else:
                result = operators.import_scene.fbx(filepath=str(path))
            if "FINISHED" not in result:
                raise RuntimeError("the importer gave up")
        else:
            result = operators.import_scene.gltf(filepath=str(path), disable_bone_shape=True)
            if "FINISHED" not in result:
                raise RuntimeError("the importer gave up")
    except AttributeError as error:
        raise UserError(f"Blender's importer for {suffix} files is switched off; enable it under Preferences, Add-ons.") from error
    except (RuntimeError, OSError, ValueError, KeyError, TypeError) as error:
        reason = str(error).strip().splitlines()
        detail = f" ({reason[-1].removeprefix('Error: ').rstrip('.')})" if reason else ""
        raise UserError(f"Blender cannot read {path}{detail}; export the character again.") from error


def _humanoid(path: Path, objects: list[Any]) -> Any:
    """The humanoid armature among `objects`: of several, the one that moves most vertices."""
    armatures = [obj for obj in objects if obj.type == "ARMATURE"]
    if not armatures:
        raise UserError(f"{path} has no armature; choose a rigged character, in Mixamo: download with skin.")
    fit: list[tuple[int, Any]] = []
    complaint: UserError | None = None
    for armature in armatures:
        try:
            read_rig(armature)
        except UserError as error:
            complaint = error
        else:
            weight = sum(len(obj.data.vertices) for obj in objects if obj.type == "MESH" and _moves_with(obj, armature))
            fit.append((weight, armature))
    if not fit:
        raise UserError(f"{path}: {complaint}") from complaint
    return max(fit, key=lambda pair: pair[0])[1]


def _moves_with(obj: Any, armature: Any) -> bool:
    return armature in _ancestors(obj) or any(m.type == "ARMATURE" and m.object == armature for m in obj.modifiers)


def _ancestors(obj: Any) -> list[Any]:
    found = []
    while obj.parent is not None:
        obj = obj.parent
        found.append(obj)
    return found


def _settle(kept: set[Any], new: list[Any], collection: bpy.types.Collection) -> None:
    """Keep only `kept` of the new objects, all in `collection`."""
    import bpy

    for obj in new:
        if obj not in kept:
            bpy.data.objects.remove(obj)
            continue
        for user in list(obj.users_collection):
            user.objects.unlink(obj)
        collection.objects.link(obj)


def _put_at_rest(armature: Any) -> None:
    """Its own animation set aside and the pose cleared: a motion moves some bones, and the others must not keep a pose of some old clip."""
    data = armature.animation_data
    if data is not None:
        if data.action is not None:
            data.action.use_fake_user = True
            data.action = None
        for track in data.nla_tracks:
            track.mute = True
    for bone in armature.pose.bones:
        bone.location = (0.0, 0.0, 0.0)
        bone.scale = (1.0, 1.0, 1.0)
        bone.rotation_quaternion = (1.0, 0.0, 0.0, 0.0)
        bone.rotation_euler = (0.0, 0.0, 0.0)
        bone.rotation_axis_angle = (0.0, 0.0, 1.0, 0.0)


def _parents_first(bones: list[Any]) -> list[Any]:
    ordered: list[Any] = []

    def add(bone: Any) -> None:
        ordered.append(bone)
        for child in bone.children:
            add(child)

    for bone in bones:
        if bone.parent is None:
            add(bone)
    return ordered


def _present() -> dict[str, set[Any]]:
    import bpy

    return {name: set(getattr(bpy.data, name)) for name in _COLLECTIONS_OF_DATA}


def _remove_new(before: dict[str, set[Any]], unused_only: bool = False) -> None:
    """Remove the data that is not in `before`: all of it, or what nothing uses (a file's actions are kept: they have a fake user)."""
    import bpy

    for name in _COLLECTIONS_OF_DATA:
        data = getattr(bpy.data, name)
        for item in [item for item in data if item not in before[name]]:
            empty = name == "collections" and not item.all_objects
            if empty or not unused_only or (name not in ("objects", "collections") and item.users == 0):
                data.remove(item)


@contextmanager
def _undone() -> Iterator[None]:
    """Removes what the block brings into Blender."""
    before = _present()
    try:
        yield
    finally:
        _remove_new(before)


@contextmanager
def _context_kept() -> Iterator[None]:
    """Importers select things, change the frame rate and need object mode; this puts the user's state back."""
    import bpy

    context = _context()
    scene, layer = context.scene, context.view_layer
    render = scene.render
    active, mode = layer.objects.active, context.mode
    selected = [obj for obj in layer.objects if obj.select_get()]
    timing = (render.fps, render.fps_base, scene.frame_start, scene.frame_end, scene.frame_current)
    if active is not None and mode != "OBJECT":
        mode = active.mode
        bpy.ops.object.mode_set(mode="OBJECT")
    try:
        yield
    finally:
        render.fps, render.fps_base, scene.frame_start, scene.frame_end = timing[:4]
        if scene.frame_current != timing[4]:
            scene.frame_set(timing[4])
        for obj in layer.objects:
            obj.select_set(obj in selected)
        layer.objects.active = active
        if active is not None and mode != "OBJECT":
            bpy.ops.object.mode_set(mode=mode)
