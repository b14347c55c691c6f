# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene of our own in Blender: a character under a sun, seen by one camera, rendered by Cycles. What it brings is taken away again."""

from __future__ import annotations

import errno
import math
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import numpy.typing as npt
from mathutils import Matrix

from ...errors import UserError
from ..characters.importing import Character, load_character, rig_of
from ..dataset.png import PngError, strip_png
from ..pose.framing import MARGIN
from ..retarget.kinematics import matrix_to_quaternion
from ..retarget.rig import Rig
from .cameras import View
from .poses import Pose
from .visibility import SeenSurface, Surface

Array = npt.NDArray[np.float64]

SAMPLES = 4
OUTLINE = 1.25  # px, as thick as a line can be drawn without looking bold at any size
_BORDER = 3  # px around the character: half of Cycles' reconstruction filter, and the outline
_SENSOR = 36.0  # mm; any number, since the focal length is given relative to it


class Stage:
    """One character in a scene of its own. Use `with open_stage(…) as stage:`."""

    def __init__(self, spec: str, size: int, scratch: Path) -> None:
        """Load the character `spec` for pictures of `size`² px; pictures pass through the file `scratch`. Raises UserError as
        `load_character`.
        """
        self._scratch = scratch
        self._size = size
        self.scene: Any = bpy.data.scenes.new("Ningyo dataset")
        self._layer: Any = self.scene.view_layers[0]
        self.character: Character = load_character(spec, self.scene.collection)
        self.rig: Rig = rig_of(self.character)
        self._dress(spec)
        self._settings(size)
        self._light()
        camera = bpy.data.cameras.new("Ningyo dataset")
        camera.sensor_fit, camera.sensor_width, camera.clip_start, camera.clip_end = "HORIZONTAL", _SENSOR, 0.01, 1000.0
        self._camera = bpy.data.objects.new("Ningyo dataset", camera)
        self.scene.collection.objects.link(self._camera)
        self.scene.camera = self._camera

        armature: Any = self.character.armature
        pose_bones = armature.pose.bones
        for bone in pose_bones:
            # The joints that are written come from the rig's numbers: nothing else may move the bones that have a role.
            bone.rotation_mode = "QUATERNION"
            bone.bone.use_inherit_rotation = bone.bone.use_local_location = True
            if self.rig.bones[self.rig.names.index(bone.name)].role is not None:
                for constraint in bone.constraints:
                    constraint.mute = True
        place = {name: i for i, name in enumerate(self.rig.names)}
        self._order = np.array([place[bone.name] for bone in pose_bones])
        self._hips = pose_bones[self.rig.names[self.rig.index_of_role["hips"]]]
        self._topology: tuple[tuple[int, ...], npt.NDArray[np.int64], npt.NDArray[np.int64]] | None = None
        self._layer.update()

    def _dress(self, spec: str) -> None:
        """Cel look for a character that does not have it; outlines as thick as they shall be in these pictures."""
        from ..characters.cel import apply_cel_look, set_outline_width

        # Framing shows every character at one size, so a pixel is as big in one picture as in the next.
        pixel = MARGIN * self.rig.height / self._size
        if spec.partition(":")[0] != "builtin":
            apply_cel_look(self.character.meshes, pixel_size=pixel)
        set_outline_width(self.character.meshes, OUTLINE * pixel)
        for mesh in self.character.meshes:
            for slot in mesh.material_slots:
                if slot.material is not None:
                    # The cel look glows; gathering its triangles as lamps, anew for every pose, would take most of the time.
                    material: Any = slot.material
                    material.cycles.emission_sampling = "NONE"
            for modifier in mesh.modifiers:
                if modifier.type == "SOLIDIFY":
                    modifier.show_viewport = False  # the outline is of no use to `surface`, and costs more than the pose

    def _settings(self, size: int) -> None:
        scene = self.scene
        render, cycles = scene.render, scene.cycles
        render.engine = "CYCLES"
        cycles.device, cycles.samples, cycles.max_bounces = "CPU", SAMPLES, 0
        cycles.use_adaptive_sampling = cycles.use_denoising = cycles.use_animated_seed = False
        cycles.seed = 0  # the same noise in every picture flickers least
        if hasattr(cycles, "use_pixel_jitter"):  # since 5.x; without it, labels of sample 0 would lie beside the pixel's centre
            cycles.use_pixel_jitter = False
        render.resolution_x = render.resolution_y = size
        render.resolution_percentage = 100
        render.pixel_aspect_x = render.pixel_aspect_y = 1.0
        render.film_transparent = True
        render.use_persistent_data = True
        render.threads_mode, render.threads = "FIXED", _cores()
        render.use_compositing = render.use_sequencer = False
        render.dither_intensity = 0.0
        for name in dir(render):
            if name.startswith("use_stamp"):
                setattr(render, name, False)
        scene.view_settings.view_transform, scene.view_settings.look = "Standard", "None"
        scene.view_settings.exposure, scene.view_settings.gamma = 0.0, 1.0
        scene.display_settings.display_device = "sRGB"
        settings = render.image_settings
        if hasattr(settings, "media_type"):
            settings.media_type = "IMAGE"
        settings.file_format, settings.color_mode, settings.color_depth, settings.compression = "PNG", "RGBA", "8", 15
        render.use_file_extension, render.use_overwrite, render.use_placeholder = False, True, False
        render.filepath = str(self._scratch)

    def _light(self) -> None:
        """Even light from all around and a sun from the upper left, for materials that are lit by the scene."""
        world: Any = bpy.data.worlds.new("Ningyo dataset")
        if bpy.app.version < (5, 0):  # later ones always have nodes, and warn
            world.use_nodes = True
        world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.6, 0.6, 0.6, 1.0)
        self.scene.world = world
        light: Any = bpy.data.lights.new("Ningyo dataset", "SUN")
        light.energy, light.angle = 2.0, 0.0
        sun = bpy.data.objects.new("Ningyo dataset sun", light)
        sun.rotation_euler = (math.radians(50), 0.0, math.radians(30))
        self.scene.collection.objects.link(sun)

    def set_pose(self, pose: Pose, rotations: Array) -> None:
        """Pose the character; `rotations` (B, 3, 3) are the pose's world rotations."""
        armature: Any = self.character.armature
        quaternions = matrix_to_quaternion(pose.local)[self._order]
        armature.pose.bones.foreach_set("rotation_quaternion", quaternions.astype(np.float32).ravel())
        self._hips.location = self._hips_location(pose, rotations)
        armature.update_tag()  # foreach_set does not tell the dependency graph
        self._layer.update()

    def _hips_location(self, pose: Pose, rotations: Array) -> Array:
        """The hips' `location`: their offset from where the bone above leaves them, in their own rest axes and armature units."""
        rig, hips = self.rig, self.rig.index_of_role["hips"]
        parent = int(rig.parents[hips])
        offset = rig.to_armature(pose.root) - rig.rest[hips, :3, 3]
        turn = np.eye(3)
        if parent >= 0:
            turn = rig.world_rotation.T @ rotations[parent] @ rig.rest[parent, :3, :3].T
            heads, _ = pose.evaluate(rig)
            left_at = rig.to_armature(heads[parent]) + turn @ (rig.rest[hips, :3, 3] - rig.rest[parent, :3, 3])
            offset = rig.to_armature(pose.root) - left_at
        return (turn @ rig.rest[hips, :3, :3]).T @ offset

    def surface(self) -> Surface:
        """The posed meshes, without outlines."""
        evaluated = [mesh.evaluated_get(self._layer.depsgraph) for mesh in self.character.meshes if not mesh.hide_render]
        vertices = [_vertices(mesh) for mesh in evaluated]
        counts = tuple(map(len, vertices))
        if self._topology is None or self._topology[0] != counts:
            triangles, parts, start = [], [], 0
            for mesh, count in zip(evaluated, counts, strict=True):
                corners = _triangles(mesh)
                triangles.append(corners + start)
                parts.append(self._parts(mesh)[corners[:, 0]])
                start += count
            # One axis after the other in memory: that is how the triangles are read.
            self._topology = (counts, np.asfortranarray(np.concatenate(triangles)), np.concatenate(parts))
        return Surface(np.concatenate(vertices), self._topology[1], self._topology[2])

    def _parts(self, mesh: Any) -> npt.NDArray[np.int64]:
        """(V,) the index of the bone that moves each vertex most."""
        index = {name: i for i, name in enumerate(self.rig.names)}
        rigid = index.get(mesh.parent_bone, -1) if mesh.parent_type == "BONE" else -1
        if rigid < 0:
            rigid = self.rig.index_of_role["hips"]
        bones = [index.get(group.name, -1) for group in mesh.vertex_groups]
        parts = np.full(len(mesh.data.vertices), rigid)
        for vertex in mesh.data.vertices:
            best = max(((g.weight, bones[g.group]) for g in vertex.groups if bones[g.group] >= 0), default=None)
            if best is not None:
                parts[vertex.index] = best[1]
        return parts

    def aim(self, view: View, seen: SeenSurface) -> None:
        """Point the camera as `view` says, and render only the character's surroundings: the rest is empty, and the pixels are the same."""
        camera: Any = self._camera.data
        size = view.size
        camera.lens = view.K[0, 0] * _SENSOR / size
        camera.shift_x = 0.5 - view.K[0, 2] / size
        camera.shift_y = view.K[1, 2] / size - 0.5
        rotation = view.world_to_camera[:, :3].T
        matrix = np.eye(4)
        matrix[:3, :3] = rotation * (1.0, -1.0, -1.0)  # Blender's cameras look along −Z with Y up
        matrix[:3, 3] = -rotation @ view.world_to_camera[:, 3]
        self._camera.matrix_world = Matrix(matrix.tolist())
        self._set_border(view.size, seen)

    def _set_border(self, size: int, seen: SeenSurface) -> None:
        render = self.scene.render
        render.use_border = False
        if len(seen.z) == 0 or seen.z.min() <= 0.01:
            return
        low = np.clip(np.floor([seen.x.min(), seen.y.min()]) - _BORDER, 0, size)
        high = np.clip(np.ceil([seen.x.max(), seen.y.max()]) + _BORDER, 0, size)
        if (high - low).min() < 2:
            return
        render.use_border, render.use_crop_to_border = True, False
        render.border_min_x, render.border_max_x = low[0] / size, high[0] / size
        render.border_min_y, render.border_max_y = 1 - high[1] / size, 1 - low[1] / size

    def render(self) -> bytes:
        """The picture as PNG (RGBA, straight alpha) that holds nothing but pixels. Raises OSError when the disk is full."""
        self._scratch.unlink(missing_ok=True)
        try:
            bpy.ops.render.render(write_still=True, scene=self.scene.name)
            return strip_png(self._scratch.read_bytes())
        except (RuntimeError, FileNotFoundError, PngError) as error:
            if shutil.disk_usage(self._scratch.parent).free < 1 << 20:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._scratch)) from error
            reason = str(error).strip()
            raise UserError(f"Blender could not render {self.character.name} ({reason}); open it in Blender to see why.") from error


@contextmanager
def open_stage(spec: str, size: int, scratch: Path) -> Iterator[Stage]:
    """A Stage, and afterwards Blender as it was before: everything that came with it is removed."""
    before = {item for collection in _collections() for item in collection}
    try:
        yield Stage(spec, size, scratch)
    finally:
        bpy.data.batch_remove([item for collection in _collections() for item in collection if item not in before])
        scratch.unlink(missing_ok=True)


def _collections() -> list[Any]:
    """All of Blender's lists of data that a scene can bring along."""
    kept = ("screens", "window_managers", "workspaces", "texts")
    return [getattr(bpy.data, p.identifier) for p in bpy.data.bl_rna.properties if p.type == "COLLECTION" and p.identifier not in kept]


def _vertices(mesh: Any) -> Array:
    """(V, 3) world metres of an evaluated mesh object."""
    positions = mesh.data.attributes["position"].data
    flat = np.empty(3 * len(positions), np.float32)
    positions.foreach_get("vector", flat)
    matrix = np.array(mesh.matrix_world)
    return flat.reshape(-1, 3).astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]


def _triangles(mesh: Any) -> npt.NDArray[np.int64]:
    """(T, 3) vertex indices of an evaluated mesh object."""
    mesh.data.calc_loop_triangles()
    corners = np.empty(3 * len(mesh.data.loop_triangles), np.int32)
    mesh.data.loop_triangles.foreach_get("vertices", corners)
    return corners.reshape(-1, 3).astype(np.int64)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
