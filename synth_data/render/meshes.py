# SPDX-License-Identifier: GPL-3.0-or-later
"""A character's mesh objects read from Blender as arrays: what their pose is now, and what of them no pose changes (bpy)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bmesh
import numpy as np
import numpy.typing as npt

from ...errors import UserError
from ..dataset.labels import part_of_role
from ..retarget.rig import Rig
from .surface import Array, Ints, Surface, Topology
from .visibility import role_above

PART = "ningyo_part"  # attribute of the faces: index into dataset.labels.PARTS, for Blender's own shaders


class Meshes:
    """The mesh objects `objects`, moved by an armature whose rest pose is `rig`.

    Their faces become triangles: how Blender divides a quad depends on its pose, and ours must be the division that is rendered. Modifiers
    must keep the number of vertices from pose to pose. Raises UserError when there is nothing to see.
    """

    def __init__(self, objects: Sequence[Any], rig: Rig) -> None:
        self._objects = [item for item in objects if not item.hide_render]
        self._rig = rig
        self._counts: tuple[int, ...] | None = None
        self._topology: Topology | None = None
        self._normal_lists: list[str] = []
        for mesh in {item.data for item in self._objects}:
            triangulate(mesh)
        index = {name: i for i, name in enumerate(rig.names)}
        self._bones_of = [_face_bones(item, index, rig.index_of_role["hips"]) for item in self._objects]
        roles = [role_above(rig, bone) for bone in range(len(rig.bones))]
        parts = np.array([part_of_role(role or "hips") for role in roles], np.uint8)
        self._part_of_bone = parts
        for item, bones in zip(self._objects, self._bones_of, strict=True):
            attribute = item.data.attributes.get(PART) or item.data.attributes.new(PART, "FLOAT", "FACE")
            attribute.data.foreach_set("value", parts[bones].astype(np.float32))

    def bones_of_faces(self, item: int) -> Ints:
        """(F,) index of the bone that moves each face of an object most."""
        return self._bones_of[item]

    def surface(self, depsgraph: Any) -> Surface:
        """The meshes as they are posed now, without what is hidden in the viewport (outlines)."""
        evaluated = [item.evaluated_get(depsgraph) for item in self._objects]
        vertices = [_vertices(item) for item in evaluated]
        counts = tuple(map(len, vertices))
        if self._topology is None or self._counts != counts:
            self._topology, self._counts = self._read_topology(evaluated, counts), counts
        return Surface(np.concatenate(vertices), self._topology)

    def normals(self, depsgraph: Any, corners: Ints) -> Array:
        """World normals at (N, 3) of the topology's `corners`, (N, 3, 3) unit vectors. After `surface`."""
        found = np.empty((*corners.shape, 3))
        first = 0
        for item, name in zip(self._objects, self._normal_lists, strict=True):
            evaluated = item.evaluated_get(depsgraph)
            normals = getattr(evaluated.data, name)
            own = ((corners >= first) & (corners < first + len(normals))).all(1)
            if own.any():
                flat = np.empty(3 * len(normals), np.float32)
                normals.foreach_get("vector", flat)
                matrix = evaluated.matrix_world.to_3x3().inverted_safe()  # normals turn by the inverse, transposed
                found[own] = flat.reshape(-1, 3)[corners[own] - first] @ np.array(matrix, np.float64)
            first += len(normals)
        return found / np.maximum(np.sqrt((found * found).sum(-1, keepdims=True)), 1e-12)

    def _read_topology(self, evaluated: Sequence[Any], counts: tuple[int, ...]) -> Topology:
        triangles, bones, corners, uv = [], [], [], []
        self._normal_lists = []
        first_vertex = first_normal = 0
        for item, of_faces, count in zip(evaluated, self._bones_of, counts, strict=True):
            mesh = item.data
            mesh.calc_loop_triangles()
            number = len(mesh.loop_triangles)
            vertices, loops, faces = np.empty(3 * number, np.int32), np.empty(3 * number, np.int32), np.empty(number, np.int32)
            mesh.loop_triangles.foreach_get("vertices", vertices)
            mesh.loop_triangles.foreach_get("loops", loops)
            mesh.loop_triangles.foreach_get("polygon_index", faces)
            if len(mesh.polygons) != len(of_faces):
                raise UserError(f"{item.name} has a modifier that makes or removes faces; apply it in Blender and save again.")
            smooth = mesh.normals_domain == "POINT"
            self._normal_lists.append("vertex_normals" if smooth else "corner_normals")
            triangles.append(vertices.reshape(-1, 3) + first_vertex)
            corners.append((vertices if smooth else loops).reshape(-1, 3) + first_normal)
            bones.append(of_faces[faces])
            uv.append(_uv(mesh, loops))
            first_vertex += count
            first_normal += count if smooth else len(mesh.loops)
        if not first_vertex or not sum(map(len, triangles)):
            raise UserError(f"{self._rig.name} has no mesh that could be seen; choose a character with its skin.")
        all_bones = np.concatenate(bones)
        # One axis after the other in memory: that is how the triangles are read.
        return Topology(
            np.asfortranarray(np.concatenate(triangles), np.int64),
            all_bones,
            self._part_of_bone[all_bones],
            np.concatenate(corners).astype(np.int64),
            np.concatenate(uv),
        )


def triangulate(mesh: Any) -> None:
    """Divide a mesh's faces into triangles."""
    if all(face.loop_total == 3 for face in mesh.polygons):
        return
    made = bmesh.new()
    made.from_mesh(mesh)
    bmesh.ops.triangulate(made, faces=made.faces[:], quad_method="FIXED", ngon_method="EAR_CLIP")
    made.to_mesh(mesh)
    made.free()


def _face_bones(item: Any, index: dict[str, int], hips: int) -> Ints:
    """(F,) the index of the bone that moves each face of an object most."""
    mesh = item.data
    rigid = index.get(item.parent_bone, hips) if item.parent_type == "BONE" else hips
    groups = [index.get(group.name, -1) for group in item.vertex_groups]
    rows = [(v.index, groups[g.group], g.weight) for v in mesh.vertices for g in v.groups if groups[g.group] >= 0]
    if not rows:
        return np.full(len(mesh.polygons), rigid)
    vertex, bone, weight = (np.array(column) for column in zip(*rows, strict=True))
    used, column = np.unique(bone, return_inverse=True)
    of_vertex = np.zeros((len(mesh.vertices), len(used)), np.float32)
    of_vertex[vertex, column.reshape(-1)] = weight
    loops, sizes = np.empty(len(mesh.loops), np.int32), np.empty(len(mesh.polygons), np.int32)
    mesh.loops.foreach_get("vertex_index", loops)
    mesh.polygons.foreach_get("loop_total", sizes)
    faces = np.repeat(np.arange(len(sizes)), sizes)
    of_face = np.zeros((len(sizes), len(used)), np.float32)
    for k in range(len(used)):
        of_face[:, k] = np.bincount(faces, of_vertex[loops, k], len(sizes))
    return np.where(of_face.any(1), used[of_face.argmax(1)], rigid)


def _vertices(item: Any) -> Array:
    """(V, 3) world metres of an evaluated mesh object."""
    positions = item.data.attributes["position"].data
    flat = np.empty(3 * len(positions), np.float32)
    positions.foreach_get("vector", flat)
    matrix = np.array(item.matrix_world)
    return flat.reshape(-1, 3).astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]


def _uv(mesh: Any, loops: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """(T, 3, 2) of the UV map that renders use; NaN without one."""
    layer = next((layer for layer in mesh.uv_layers if layer.active_render), None)
    if layer is None:
        return np.full((len(loops) // 3, 3, 2), np.nan, np.float32)
    flat = np.empty(2 * len(layer.uv), np.float32)
    layer.uv.foreach_get("vector", flat)
    return flat.reshape(-1, 2)[loops].reshape(-1, 3, 2)
