# SPDX-License-Identifier: GPL-3.0-or-later
"""Bringing a character into Blender from GLB, glTF, VRM, FBX, .blend or the built-in ones."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import UserError
from ...jobs.progress import SILENT, Reporter
from ..retarget.bone_map import STRUCTURE, BoneMap, map_beside
from ..retarget.rig import Rig
from .expressions import keep_expressions
from .humanoid import described_roles, keep_roles, read_rig, recognition_of
from .vrm import Vrm, read_vrm

if TYPE_CHECKING:
    import bpy

    from .survey import Survey

BUILTIN = "builtin"
FILE_TYPES = (".glb", ".gltf", ".vrm", ".fbx", ".blend")
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

    @cached_property
    def survey(self) -> Survey:
        """What it is made of; reads its textures."""
        from .survey import survey

        return survey(self.meshes)

    @property
    def unreadable(self) -> list[str]:
        """A sentence for each texture without which the character cannot be shown as it is meant to be."""
        from .survey import unreadable

        return [unreadable(texture) for texture in self.survey.textures if texture.size is None]

    @property
    def problems(self) -> list[str]:
        """What a person should know before they render it, a sentence each; `unreadable` among it, the rig's own warnings not."""
        from .survey import problems_of

        return problems_of(self.name, self.survey, rig_of(self))


@dataclass(frozen=True)
class Hints:
    """What is known of a file beside what Blender reads in it: a person's map of the bones beside it, and VRM's descriptions in it."""

    bone_map: BoneMap | None = None
    vrm: dict[str, str] = field(default_factory=dict)
    described: Vrm | None = None

    @classmethod
    def of(cls, path: Path) -> Hints:
        """Raises UserError when the map cannot be read."""
        beside = map_beside(path)
        return cls(BoneMap.load(beside) if beside.is_file() else None, described_roles(path), read_vrm(path))


def rig_for(spec: Path | str, *, report: Reporter = SILENT) -> Rig:
    """The rig of a .json that Ningyo wrote (without Blender), of a character's file, or of `builtin[:SEED]`.

    A file's bone map, `NAME.bones.json` beside it, is found by itself. Leaves nothing in Blender; what is doubtful is told to `report`.
    Raises UserError as `Rig.load` and `load_character` do.
    """
    if Path(spec).suffix.lower() == ".json":
        rig = Rig.load(spec)
    else:
        with undone():
            rig = rig_of(load_character(spec, detail="dataset"))
    for warning in rig.warnings:
        report.warning(warning)
    return rig


def rig_of(character: Character) -> Rig:
    return read_rig(character.armature, name=character.name, source_name=character.source_name, source_sha256=character.source_sha256)


def load_character(spec: Path | str, collection: bpy.types.Collection | None = None, *, detail: str = "full") -> Character:
    """Load a character at rest, as new objects in `collection` (default: a new one in the current scene).

    `spec` is a .glb, .gltf, .vrm, .fbx or .blend, or `builtin[:SEED]`; a bone map beside the file is kept on the armature. What else the
    file holds (lights, cameras, other figures) is not kept; the file's actions are, unused. VRM's expressions are kept with the meshes, and
    a VRM 0.x, which faces the other way, is turned round. Nothing that was in Blender before changes: not the selection, the frame range or
    the frame rate. `detail`, "full" or "dataset" (at most 25,000 vertices), matters to built-in characters only.

    Raises UserError for a file that is missing, of another type, damaged, without an armature or without a humanoid one.
    """
    import bpy

    kind, _, seed = str(spec).partition(":")
    if kind == BUILTIN:
        return _load_builtin(seed, collection, detail)
    path = Path(spec)
    check_file(path)
    hints = Hints.of(path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()

    before = _present()
    try:
        with context_kept():
            import_file(path)
        new = [obj for obj in bpy.data.objects if obj not in before["objects"]]
        armature = _humanoid(path, new, hints)
        meshes = [obj for obj in new if obj.type == "MESH" and moves_with(obj, armature)]
        if collection is None:
            collection = _new_collection(path.stem)
        kept = {armature, *meshes}
        for obj in list(kept):
            kept.update(_ancestors(obj))
        _settle(kept, new, collection)
        _put_at_rest(armature)
        if hints.described is not None:
            keep_expressions(meshes, hints.described.expressions)
            if hints.described.faces_back:
                _turn_round(kept)
    except BaseException:
        _remove_new(before)
        raise
    _remove_new({**before, "objects": before["objects"] | kept, "collections": before["collections"] | {collection}}, unused_only=True)
    _context().view_layer.update()
    return Character(path.stem, armature, meshes, path.name, sha256)


def _load_builtin(seed: str, collection: bpy.types.Collection | None, detail: str) -> Character:
    from .builtin import build_character

    try:
        number = int(seed or "0")
    except ValueError:
        raise UserError(f"{BUILTIN}:{seed} has no number as its seed; write {BUILTIN} or {BUILTIN}:7.") from None
    name = f"{BUILTIN}:{number}"
    built = build_character(number, _new_collection(name) if collection is None else collection, detail=detail)
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


def import_file(path: Path) -> None:
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
            _context().view_layer.update()
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


def check_file(path: Path) -> None:
    if path.suffix.lower() not in FILE_TYPES:
        raise UserError(f"{path} is not a character's file; give a {', '.join(FILE_TYPES[:-1])} or {FILE_TYPES[-1]}, or {BUILTIN}[:SEED].")
    if not path.is_file():
        raise UserError(f"There is no file {path}; check the path of the character.")


def _humanoid(path: Path, objects: list[Any], hints: Hints) -> Any:
    """The humanoid armature among `objects`: of several, one whose names are known, then the one that moves most vertices."""
    armatures = [obj for obj in objects if obj.type == "ARMATURE"]
    if not armatures:
        raise UserError(f"{path} has no armature; choose a rigged character, in Mixamo: download with skin.")
    fit: list[tuple[bool, int, Any]] = []
    complaint: UserError | None = None
    for armature in armatures:
        try:
            recognition_of(armature, hints.bone_map, hints.vrm)  # a wrong map's file is named
            keep_roles(armature, bone_map=hints.bone_map, vrm=hints.vrm)
            rig = read_rig(armature)
        except UserError as error:
            complaint = error
        else:
            weight = sum(len(obj.data.vertices) for obj in objects if obj.type == "MESH" and moves_with(obj, armature))
            fit.append((rig.recognised != STRUCTURE, weight, armature))
    if not fit:
        raise UserError(f"{path}: {complaint}") from complaint
    return max(fit, key=lambda pair: pair[:2])[2]


def moves_with(obj: Any, armature: Any) -> bool:
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


def _turn_round(objects: set[Any]) -> None:
    """Half a turn about the world's vertical."""
    from mathutils import Matrix

    for obj in objects:
        if obj.parent is None:
            obj.matrix_world = Matrix.Rotation(math.pi, 4, "Z") @ obj.matrix_world


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
def undone() -> Iterator[None]:
    """Removes what the block brings into Blender."""
    before = _present()
    try:
        yield
    finally:
        _remove_new(before)


@contextmanager
def context_kept() -> Iterator[None]:
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
