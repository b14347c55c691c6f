# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample clip: a lifelike figure in a room, made and filmed by code, with a synthesised beat, so that there is a video to start from.

    python -m ningyo.synth_data.characters.actor_clip samples/actor.mp4

renders 150 frames of 448 × 512 with Cycles on the processor and writes H.264 with AAC sound; about ten minutes on two cores.
With `--frames 10` only ten single pictures, evenly spread, are rendered beside the movie's place, to look at.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import wave
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

from .actor_motion import FPS, SECONDS, perform
from .builtin import skeleton
from .builtin.body import Proportions
from .builtin.build import Geometry, geometry, mesh_object
from .builtin.design import Design
from .builtin.face import FaceStyle
from .builtin.looks import HairChoice
from .builtin.outfits import Wear
from .builtin.wardrobe import Colouring
from .cel import BASE

Array = np.ndarray
SIZE = (448, 512)
ACTOR = Design(
    proportions=Proportions(False, 1.74, 7.0, 0.522, 0.086, 0.069, 0.091, 0.0, 0.99, 1.05, 1.06, 0.100),
    face=FaceStyle(eye_x=0.142, eye_z=0.475, eye_width=0.170, eye_height=0.082, tilt=0.004, brow_lift=0.052, brow_tilt=-0.3, mouth_z=0.185,
                   mouth_width=0.100, smile=0.45, open=0.0, blush=0.12, lashes=0.9, lip=2.6, sclera="D8D2CE", nose_stroke=False, jaw=1.0),
    skin=("E8B896", "C08A68"), cut=HairChoice("swept", "swept"),
    clothes=Wear("tshirt", "straight", "ankle", "sneaker", 0.4, 0.5, 0.5, "band"),
    colours=Colouring("2F6F8F", "39424E", "E8EDF0", "E8EDF0", "F2F2F2", "E8E8E8", "3B2A22", "4A3626"), human=True,
)  # fmt: skip


def beat(seconds: float, rate: int = 44100) -> Array:
    """(N,) float −1…1: drums and a bass line at 120 beats a minute."""
    rng = np.random.default_rng(7)
    n = int(seconds * rate)
    sound = np.zeros(n + rate)

    def add(start: float, note: Array, gain: float) -> None:
        first = int(start * rate)
        sound[first : first + len(note)] += gain * note

    def decay(length: float, speed: float) -> tuple[Array, Array]:
        t = np.arange(int(length * rate)) / rate
        return t, np.exp(-speed * t)

    t, fade = decay(0.30, 14)
    kick = np.sin(2 * np.pi * (48 * t + 14 * (1 - np.exp(-28 * t)))) * fade
    t, fade = decay(0.06, 70)
    hat = np.diff(rng.normal(size=len(t) + 1)) * fade * 0.3
    t, fade = decay(0.18, 22)
    clap = np.diff(rng.normal(size=len(t) + 1)) * fade * 0.35
    melody = [0, 7, 12, 7, 3, 10, 15, 10, 5, 12, 17, 12, 7, 14, 12, 10]
    for step in range(int(seconds * 4)):
        at = step * 0.25
        if step % 2 == 0:
            add(at, kick if step % 4 == 0 else clap, 0.55 if step % 4 == 0 else 0.22)
        add(at, hat, 0.12)
        t, fade = decay(0.26, 9)
        pitch = 220 * 2 ** (melody[step % 16] / 12)
        add(at, (np.sin(2 * np.pi * pitch * t) + 0.3 * np.sin(4 * np.pi * pitch * t)) * fade, 0.12)
        if step % 4 in (0, 3):
            add(at, np.sin(2 * np.pi * 55 * 2 ** (melody[step % 16 // 4 * 4] / 12) * t) * fade, 0.25)
    sound = sound[:n] * np.clip((seconds - np.arange(n) / rate) / 0.15, 0, 1)
    return sound / np.abs(sound).max() * 0.7


def write_wave(path: Path, sound: Array, rate: int = 44100) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((sound * 32767).astype("<i2").tobytes())


def _plain(name: str, colour: tuple[float, float, float], roughness: float = 0.7) -> Any:
    material: Any = bpy.data.materials.new(name)
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True
    shader = next(n for n in material.node_tree.nodes if n.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = (*colour, 1.0)
    shader.inputs["Roughness"].default_value = roughness
    return material


def _painted_material() -> Any:
    """Real light on the figure's own colours."""
    material = _plain("Actor", (0.8, 0.8, 0.8), 0.6)
    tree = material.node_tree
    shader = next(n for n in tree.nodes if n.type == "BSDF_PRINCIPLED")
    attribute = tree.nodes.new("ShaderNodeAttribute")
    attribute.attribute_name = BASE
    tree.links.new(attribute.outputs["Color"], shader.inputs["Base Color"])
    return material


def _box(name: str, low: tuple[float, float, float], high: tuple[float, float, float], material: Any) -> None:
    a, b = np.array(low), np.array(high)
    corners = [(a[0] if i & 1 else b[0], a[1] if i & 2 else b[1], a[2] if i & 4 else b[2]) for i in range(8)]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(corners, [], [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)])
    mesh.materials.append(material)
    scene: Any = bpy.context.scene
    scene.collection.objects.link(bpy.data.objects.new(name, mesh))


def _light(
    kind: str, at: tuple[float, float, float], to: tuple[float, float, float], power: float, size: float, colour: tuple[float, float, float]
) -> None:
    lights: Any = bpy.data.lights
    data = lights.new(kind, kind)
    data.energy, data.color = power, colour
    if kind == "AREA":
        data.size = size
    item = bpy.data.objects.new(kind, data)
    item.location = at
    item.rotation_euler = (Vector(to) - Vector(at)).to_track_quat("-Z", "Y").to_euler()
    scene: Any = bpy.context.scene
    scene.collection.objects.link(item)


def _room() -> None:
    wall, floor = _plain("Wall", (0.62, 0.58, 0.52)), _plain("Floor", (0.30, 0.19, 0.11), 0.5)
    white, plank = _plain("Skirting", (0.75, 0.74, 0.72)), _plain("Plank", (0.25, 0.155, 0.09), 0.5)
    _box("Floor", (-4, -6, -0.1), (4, 1.6, 0.0), floor)
    for i in range(-9, 10, 2):
        _box("Plank", (i * 0.22, -6, -0.05), (i * 0.22 + 0.22, 1.6, 0.0008), plank)
    _box("Wall", (-4, 1.5, 0), (4, 1.6, 3.2), wall)
    _box("Skirting", (-4, 1.47, 0), (4, 1.5, 0.11), white)
    _box("Frame", (0.52, 1.46, 1.30), (1.12, 1.5, 1.78), _plain("Frame", (0.10, 0.07, 0.05)))
    _box("Picture", (0.57, 1.455, 1.35), (1.07, 1.5, 1.73), _plain("Picture", (0.30, 0.42, 0.40)))
    _box("Shelf", (-1.45, 1.20, 0), (-0.78, 1.5, 0.72), _plain("Wood", (0.42, 0.28, 0.16)))
    for i, colour in enumerate([(0.35, 0.10, 0.08), (0.10, 0.18, 0.32), (0.55, 0.45, 0.22), (0.14, 0.26, 0.16)]):
        _box("Book", (-1.40 + 0.07 * i, 1.28, 0.72), (-1.345 + 0.07 * i, 1.46, 0.94 - 0.02 * (i % 2)), _plain("Book", colour))


def build_scene() -> tuple[Any, Geometry]:
    """The room, the lights, the camera and the actor, in an emptied file. Returns armature and geometry."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene: Any = bpy.context.scene
    shape = geometry(ACTOR, 1)
    armature = skeleton.build_armature("Actor", shape.figure.joints, scene.collection)
    material = _painted_material()
    for name, part in (("Actor body", shape.body), ("Actor face", shape.face)):
        mesh_object(name, shape, part, armature, material, scene.collection)
    _room()
    _light("AREA", (-1.6, -3.2, 3.0), (0, 0, 1.1), 210, 1.6, (1.0, 0.94, 0.86))
    _light("AREA", (2.4, -2.6, 1.8), (0, 0, 1.2), 70, 2.0, (0.86, 0.92, 1.0))
    _light("AREA", (0.5, 1.2, 3.0), (0, 0, 1.4), 18, 1.0, (1.0, 1.0, 1.0))
    world: Any = bpy.data.worlds.new("Room")
    if bpy.app.version < (5, 0, 0):
        world.use_nodes = True
    background = next(n for n in world.node_tree.nodes if n.type == "BACKGROUND")
    background.inputs["Color"].default_value = (0.75, 0.80, 0.90, 1.0)
    background.inputs["Strength"].default_value = 0.35
    scene.world = world
    camera: Any = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    scene.camera = camera
    camera.data.sensor_fit, camera.data.sensor_height, camera.data.lens = "VERTICAL", 24.0, 50.0
    camera.location = (0.06, -4.40, 1.12)
    camera.rotation_euler = (Vector((0.06, 0, 0.955)) - camera.location).to_track_quat("-Z", "Y").to_euler()
    render, cycles = scene.render, scene.cycles
    render.engine = "CYCLES"
    cycles.device, cycles.samples, cycles.use_adaptive_sampling, cycles.max_bounces = "CPU", 4, False, 0
    cycles.use_denoising, cycles.denoising_quality, cycles.denoising_prefilter = True, "FAST", "FAST"
    render.resolution_x, render.resolution_y = SIZE
    render.use_persistent_data = True
    render.image_settings.file_format = "PNG"
    scene.view_settings.view_transform = "Standard"
    return armature, shape


def pose(armature: Any, shape: Geometry, time: float) -> None:
    """Put the actor into the performance's pose at `time`."""
    hips, world = perform(time, shape.figure.joints)
    for bone in armature.data.bones:
        name = bone.name.removeprefix(skeleton.PREFIX)
        rest = np.array(bone.matrix_local)[:3, :3]
        parent = world[bone.parent.name.removeprefix(skeleton.PREFIX)] if bone.parent else np.eye(3)
        local = rest.T @ parent.T @ world[name] @ rest
        item = armature.pose.bones[bone.name]
        item.rotation_mode = "QUATERNION"
        item.rotation_quaternion = Matrix(local.tolist()).to_quaternion()
        if bone.parent is None:
            item.location = Vector(rest.T @ (hips - np.array(bone.head_local)))


def render_frame(path: Path) -> Array:
    """Render to `path` (PNG) and read it back: (H, W, 3) uint8."""
    scene: Any = bpy.context.scene
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    image: Any = bpy.data.images.load(str(path), check_existing=False)
    image.colorspace_settings.name = "Non-Color"
    width, height = image.size
    pixels = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    return np.rint(pixels.reshape(height, width, 4)[::-1, :, :3] * 255).astype(np.uint8)


def make_clip(out: Path, frames: int | None = None) -> None:
    """Render and write the whole clip to `out`; with `frames`, only that many single pictures beside it."""
    from ..video.write import MovieWriter

    armature, shape = build_scene()
    total = round(SECONDS * FPS)
    if frames is not None:
        for index in np.linspace(0, total - 1, frames).astype(int):
            pose(armature, shape, index / FPS)
            render_frame(out.with_name(f"{out.stem}_{index:03d}.png"))
        return
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "beat.wav"
        write_wave(sound, beat(SECONDS))
        with MovieWriter(out, FPS, SIZE, sound_from=sound) as movie:
            for index in range(total):
                pose(armature, shape, index / FPS)
                movie.write(render_frame(Path(folder) / "frame.png"))


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the sample clip of an actor.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--frames", type=int, help="render only this many single pictures, to look at")
    args = parser.parse_args()
    make_clip(args.out, args.frames)
    # bpy as a module can hang while Python shuts down.
    os._exit(0)


if __name__ == "__main__":
    main()
