# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene of our own in Blender: a character, seen by one camera, rendered by Cycles. What it brings is taken away again."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import numpy.typing as npt
from mathutils import Matrix

from ...errors import UserError
from ...jobs.machine import cores
from ..characters.builtin.palettes import Palettes
from ..characters.cel import OUTLINE, is_built_in, set_light, set_tones
from ..characters.expressions import drives_of
from ..characters.importing import BUILTIN, Character, load_character, rig_of
from ..retarget.kinematics import matrix_to_quaternion
from ..retarget.rig import Rig
from .cameras import View
from .crops import crops
from .faces import EXPRESSIONS
from .meshes import Meshes
from .outlines import Outlines
from .poses import Pose
from .surface import SeenSurface, Surface

Array = npt.NDArray[np.float64]

# Six samples at the same places in every pixel, those with the least error of outlines (`benchmarks/cel.py`), are nearer to the truth than
# eight at random ones. The first is the pixel's centre whatever the seed.
SAMPLES, _PATTERN_SEED = 6, 28
_TRANSPARENT = 32  # surfaces that a ray passes: cards of hair, each with its outline
_BORDER = 3  # px around the character: half of Cycles' reconstruction filter, and a little
_SENSOR = 36.0  # mm; any number, since the focal length is given relative to it
_TARGA_HEADER = 18


class Stage:
    """One character in a scene of its own. Use `with open_stage(…) as stage:`."""

    def __init__(self, spec: str, scratch: Path, *, threads: int | None = None, detail: str = "dataset") -> None:
        """Load the character `spec`, a built-in one in this `detail`; pictures pass through the file `scratch`. Raises UserError as
        `load_character`, and for a texture that cannot be read.
        """
        self._scratch = scratch
        self.scene: Any = bpy.data.scenes.new("Ningyo dataset")
        self._layer: Any = self.scene.view_layers[0]
        self.character: Character = load_character(spec, self.scene.collection, detail=detail)
        if self.character.unreadable:
            raise UserError(self.character.unreadable[0])
        self.rig: Rig = rig_of(self.character)
        kind, _, seed = spec.partition(":")
        self._palettes = Palettes(self.character.meshes, int(seed or 0), detail) if kind == BUILTIN else None
        self._settings(threads or cores())
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
        self.meshes = Meshes(self.character.meshes, self.rig)
        self.outlines = Outlines(self._outlined(), self.scene, coarse=detail == "dataset")
        moving = [*self.character.meshes, *self.outlines.objects]
        self._drives = [drive for mesh in moving for drive in drives_of(mesh, EXPRESSIONS)]
        self._layer.update()

    @property
    def expressions(self) -> tuple[str, ...]:
        """ARKit's names of what the character's face can show."""
        return tuple(dict.fromkeys(name for drive in self._drives for name in drive.expressions))

    @property
    def depsgraph(self) -> Any:
        return self._layer.depsgraph

    def _outlined(self) -> list[Any]:
        """The meshes that get outlines: all, but of a built-in character those that were made to have one."""
        return [mesh for mesh in self.character.meshes if not mesh.hide_render and (not is_built_in(mesh) or OUTLINE in mesh.modifiers)]

    def _settings(self, threads: int) -> None:
        scene = self.scene
        render, cycles = scene.render, scene.cycles
        render.engine = "CYCLES"
        cycles.device, cycles.samples, cycles.max_bounces = "CPU", SAMPLES, 0
        cycles.use_adaptive_sampling = cycles.use_denoising = cycles.use_animated_seed = False
        cycles.sampling_pattern, cycles.scrambling_distance, cycles.seed = "TABULATED_SOBOL", 0.0, _PATTERN_SEED
        cycles.transparent_max_bounces = cycles.min_transparent_bounces = _TRANSPARENT  # below the least, what passes is drawn by lot
        if hasattr(cycles, "use_pixel_jitter"):  # since 5.x; without it, labels of sample 0 would lie beside the pixel's centre
            cycles.use_pixel_jitter = False
        render.resolution_percentage = 100
        render.pixel_aspect_x = render.pixel_aspect_y = 1.0
        render.film_transparent = True
        render.use_persistent_data = True
        render.threads_mode, render.threads = "FIXED", threads
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
        # Uncompressed, because it is read at once and written by ourselves.
        settings.file_format, settings.color_mode = "TARGA_RAW", "RGBA"
        render.use_file_extension, render.use_overwrite, render.use_placeholder = False, True, False
        render.filepath = str(self._scratch)

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

    def set_expression(self, values: Mapping[str, float]) -> None:
        """Show an expression (ARKit's names, 0…1); what is not named goes to 0, and what the character cannot show is left out.

        Takes effect with the next `set_pose`.
        """
        for drive in self._drives:
            value = drive.weight * sum(values.get(name, 0.0) for name in drive.expressions) / len(drive.expressions)
            if drive.key.value != value:
                drive.key.value = value

    def surface(self) -> Surface:
        """The posed meshes, without outlines."""
        return self.meshes.surface(self._layer.depsgraph)

    def normals(self, corners: npt.NDArray[np.int64]) -> Array:
        """World unit normals (N, 3, 3) at corners (N, 3) of the posed meshes; after `surface`."""
        return self.meshes.normals(self._layer.depsgraph, corners)

    def set_look(self, light: Array, tones: int, palette: int = 0) -> None:
        """Light from `light` (world unit vector towards it), in two or three tones; a built-in character in one of its sets of colours."""
        set_light(light)
        set_tones(self.character.meshes, tones)
        if self._palettes is not None:
            self._palettes.wear(palette)

    @property
    def has_palettes(self) -> bool:
        """Whether the character can appear in several sets of colours."""
        return self._palettes is not None

    def set_outline(self, width: float) -> None:
        """Outlines as wide as `width`, metres at the character."""
        self.outlines.set_width(float(width))

    def aim(self, view: View) -> None:
        """Point the camera as `view` says; pictures get its size."""
        camera: Any = self._camera.data
        size = view.size
        self.scene.render.resolution_x = self.scene.render.resolution_y = size
        camera.lens = view.K[0, 0] * _SENSOR / size
        camera.shift_x = 0.5 - view.K[0, 2] / size
        camera.shift_y = view.K[1, 2] / size - 0.5
        rotation = view.world_to_camera[:, :3].T
        matrix = np.eye(4)
        matrix[:3, :3] = rotation * (1.0, -1.0, -1.0)  # Blender's cameras look along −Z with Y up
        matrix[:3, 3] = -rotation @ view.world_to_camera[:, 3]
        self._camera.matrix_world = Matrix(matrix.tolist())

    def render(self, seen: SeenSurface | None = None) -> npt.NDArray[np.uint8]:
        """(H, W, 4) the picture, straight alpha. Where the character is `seen`, only its surroundings are rendered, as far as outline and
        film's filter reach. The rest is empty, and the pixels are the same.

        Raises OSError when the disk is full.
        """
        size, render = self.scene.render.resolution_x, self.scene.render
        picture = np.zeros((size, size, 4), np.uint8)
        for x0, y0, x1, y1 in [(0, 0, size, size)] if seen is None else crops(seen, _BORDER, self.outlines.width):
            render.use_border = render.use_crop_to_border = (x1 - x0, y1 - y0) != (size, size)
            # Blender rounds borders to pixels; a hundredth of one keeps 0.1·size/size from falling short.
            render.border_min_x, render.border_max_x = (x0 + 0.01) / size, (x1 + 0.01) / size
            render.border_min_y, render.border_max_y = (size - y1 + 0.01) / size, (size - y0 + 0.01) / size
            picture[y0:y1, x0:x1] = self._rendered((y1 - y0, x1 - x0))
        return picture

    def _rendered(self, shape: tuple[int, int]) -> npt.NDArray[np.uint8]:
        self._scratch.unlink(missing_ok=True)
        try:
            bpy.ops.render.render(write_still=True, scene=self.scene.name)
            data = self._scratch.read_bytes()
            width, height = int.from_bytes(data[12:14], "little"), int.from_bytes(data[14:16], "little")
            if (height, width) != shape or len(data) < _TARGA_HEADER + 4 * width * height:
                raise RuntimeError("the picture is not whole")
        except (RuntimeError, FileNotFoundError) as error:
            if shutil.disk_usage(self._scratch.parent).free < 1 << 20:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._scratch)) from error
            reason = str(error).strip()
            raise UserError(f"Blender could not render {self.character.name} ({reason}); open it in Blender to see why.") from error
        pixels = np.frombuffer(data, np.uint8, 4 * width * height, _TARGA_HEADER).reshape(height, width, 4)
        return pixels[::-1, :, [2, 1, 0, 3]]  # from the bottom up, blue first


@contextmanager
def open_stage(spec: str, scratch: Path, *, threads: int | None = None, detail: str = "dataset") -> Iterator[Stage]:
    """A Stage, and afterwards Blender as it was before: everything that came with it is removed."""
    before = {item for collection in _collections() for item in collection}
    try:
        yield Stage(spec, scratch, threads=threads, detail=detail)
    finally:
        for scene in bpy.data.scenes:
            if scene not in before:
                # What a render has kept of a scene points to it; Blender would go on reading it when the scene is gone.
                scene.render.use_persistent_data = False
        bpy.data.batch_remove([item for collection in _collections() for item in collection if item not in before])
        scratch.unlink(missing_ok=True)


def _collections() -> list[Any]:
    """All of Blender's lists of data that a scene can bring along."""
    kept = ("screens", "window_managers", "workspaces", "texts")
    return [getattr(bpy.data, p.identifier) for p in bpy.data.bl_rna.properties if p.type == "COLLECTION" and p.identifier not in kept]
