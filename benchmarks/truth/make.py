# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendering a clip on a rig, with everything about it written down."""

from __future__ import annotations

import math
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix
from ningyo.errors import UserError
from ningyo.synth_data.characters.importing import rig_for
from ningyo.synth_data.render.poses import Pose
from ningyo.synth_data.render.scene import Stage
from ningyo.synth_data.retarget.kinematics import forward_kinematics
from ningyo.synth_data.retarget.markers import rest_basis
from ningyo.synth_data.retarget.motion import Camera, Motion
from ningyo.synth_data.retarget.rig import Rig
from ningyo.synth_data.retarget.root import soles, standing_height
from ningyo.synth_data.video.write import MovieWriter
from numpy.typing import NDArray

from .actor import read_performance, save_figure
from .clips import read_clip
from .file import Truth
from .performance import joints_of, local_of, on_rig, standing, travelling

Array = NDArray[np.float64]
SIZE, FOCAL, PERSON = 512, 711.0, 270.0  # px
AIM = 1.0  # metres above the floor, at which the camera looks
ACTOR = "actor.blend"
BORDER = 10.0  # px of the picture's edge that no joint comes into
WRITTEN = 1e-5  # metres by which numpy's joints may differ from Blender's


@dataclass(frozen=True)
class Shot:
    """A clip to be filmed.

    `rig` as `load_character` takes it; `clip` a file, or of ACTOR's .blend its performance; `frames` [first, end) at `fps`; `repeat` how
    many frames to fill by repeating them; `walks`: forward travel is added to somebody who walks on the spot; `rest` the rigged character
    of a clip of bare nodes. The camera stands `yaw` degrees around from the rig's front and looks down by `pitch` degrees.
    """

    name: str
    rig: str
    clip: Path
    fps: float
    yaw: float
    frames: tuple[int, int | None] = (0, None)
    repeat: int | None = None
    walks: bool = False
    rest: Path | None = None
    pitch: float = 0.0
    focal_px: float = FOCAL


def perform(shot: Shot) -> tuple[Rig, Array, Array]:
    """The rig, its bones' turns (F, B, 3, 3) and the hips' head (F, 3)."""
    rig = rig_for(shot.rig)
    if shot.clip.suffix.lower() == ".npz":
        motion = Motion.load(shot.clip)
        rotations = forward_kinematics(rig, motion)[1]
        turns, root = rotations @ np.swapaxes(rig.rest_rotations, -1, -2), motion.root_position.astype(np.float64)
    else:
        clip = read_performance(shot.clip, shot.fps) if shot.clip.name == ACTOR else read_clip(shot.clip, shot.fps, shot.rest)
        turns, root = on_rig(rig, clip)
    chosen = np.arange(len(root))[slice(*shot.frames)]
    if len(chosen) == 0:
        raise UserError(f"{shot.clip} has {len(root)} frames, so there is nothing in {shot.frames}.")
    if shot.repeat is not None:
        chosen = np.resize(chosen, shot.repeat)
    turns, root = turns[chosen], root[chosen]
    return rig, turns, travelling(rig, turns, root, shot.fps) if shot.walks else root


def camera_for(rig: Rig, joints: Array, root: Array, shot: Shot) -> Camera:
    """A camera that looks at the middle of the path, AIM above the floor, from where a standing figure is about PERSON px tall; from
    further away where the figure would leave the picture."""
    basis, yaw, pitch = rest_basis(rig), math.radians(shot.yaw), math.radians(shot.pitch)
    aside = math.sin(yaw) * basis[:, 0] - math.cos(yaw) * basis[:, 1]
    back = math.cos(pitch) * aside + math.sin(pitch) * rig.up  # from the figure to the camera
    middle = 0.5 * (root.min(axis=0) + root.max(axis=0))
    target = middle + (standing_height(rig) + AIM - middle @ rig.up) * rig.up
    right = np.cross(rig.up, aside)
    axes = np.stack([right, np.cross(-back, right), -back])
    at = (joints - target) @ axes.T
    room = 0.5 * SIZE - BORDER
    needed = shot.focal_px * np.abs(at[..., :2]).max(axis=-1) / room - at[..., 2]
    distance = max(shot.focal_px * rig.height / PERSON, float(needed.max()))
    return Camera(shot.focal_px, SIZE, SIZE, np.concatenate([axes, -(axes @ (target + distance * back))[:, None]], 1))


class Studio(Stage):
    """The dataset's scene with the character in its own materials (the built-in ones are cel-shaded) under a sun, before grey."""

    def __init__(self, spec: str, scratch: Path) -> None:
        super().__init__(spec, scratch)
        self.scene.render.film_transparent = False
        self.scene.render.resolution_x = self.scene.render.resolution_y = SIZE
        world: Any = bpy.data.worlds.new("Ningyo truth")
        if bpy.app.version < (5, 0):  # later ones always have nodes, and warn
            world.use_nodes = True
        world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.6, 0.6, 0.6, 1.0)
        self.scene.world = world
        light: Any = bpy.data.lights.new("Ningyo truth", "SUN")
        light.energy, light.angle = 2.0, 0.0
        sun = bpy.data.objects.new("Ningyo truth", light)
        sun.rotation_euler = (math.radians(50), 0.0, math.radians(30))
        self.scene.collection.objects.link(sun)

    def _dress(self, spec: str) -> None:
        if spec.partition(":")[0] == "builtin":
            super()._dress(spec)

    def film_with(self, camera: Camera) -> None:
        data: Any = self._camera.data
        data.lens = camera.focal_px * data.sensor_width / camera.width
        rotation = camera.world_to_camera[:, :3].T
        matrix = np.eye(4)
        matrix[:3, :3] = rotation * (1.0, -1.0, -1.0)
        matrix[:3, 3] = -rotation @ camera.world_to_camera[:, 3]
        self._camera.matrix_world = Matrix(matrix.tolist())

    def joints(self) -> Array:
        """(B, 3) where Blender has the bones' heads."""
        armature: Any = self.character.armature
        bones = armature.pose.bones
        return self.rig.to_world(np.array([bones[name].head for name in self.rig.names], np.float64))


def make(shot: Shot, folder: Path) -> Truth:
    """Write video.mp4 and truth.npz into `folder`; made already, they are only read. Empties Blender."""
    if (folder / "truth.npz").is_file() and (folder / "video.mp4").is_file():
        return Truth.load(folder)
    with _quiet():
        for spec in (Path(shot.rig), shot.clip):
            if spec.name == ACTOR:
                save_figure(spec)
        rig, turns, root = perform(shot)
        joints = joints_of(rig, turns, root)
        camera = camera_for(rig, joints, root, shot)
        contact = standing(soles(rig, joints, turns), standing_height(rig), shot.fps)
        time = np.arange(len(root)) / shot.fps
        truth = Truth(rig, shot.rig, shot.clip.name, shot.fps, shot.yaw, time, joints, turns, root, contact, camera)
        folder.mkdir(parents=True, exist_ok=True)
        film(truth, folder / "video.mp4")
    truth.save(folder / "truth.npz")
    return truth


def film(truth: Truth, path: Path) -> None:
    """Render the movie. Raises AssertionError when Blender has a joint elsewhere than the truth says."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    local = local_of(truth.rig, truth.turns)
    with tempfile.TemporaryDirectory() as scratch, MovieWriter(path, truth.fps, (SIZE, SIZE)) as movie:
        studio = Studio(truth.rig_spec, Path(scratch) / "frame.part")
        studio.film_with(truth.camera)
        for i in range(len(truth.time)):
            pose = Pose(local[i], truth.root[i])
            studio.set_pose(pose, pose.evaluate(truth.rig)[1])
            off = float(np.abs(studio.joints() - truth.joints[i]).max())
            assert off < WRITTEN, f"frame {i}: Blender's joints are {off:.1e} m off"
            movie.write(np.ascontiguousarray(studio.render()[..., :3]))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Blender's lines about every file and picture, some of which it writes past Python."""
    sys.stdout.flush()
    kept = os.dup(1)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
