# SPDX-License-Identifier: GPL-3.0-or-later
"""What does the cel look cost in Cycles, how clean are its lines, and is it free of noise?

    .venv/bin/python benchmarks/cel.py CHARACTER [--size 256] [--rounds 5]

CHARACTER is a .glb, .fbx, .vrm or .blend with materials of its own. It turns a little before each picture, seen from the front by a camera
that frames it, on Cycles' CPU with persistent data, without bounces. Prints Markdown tables:

* the time of a picture with 4 samples: with its own materials under a sun and a grey sky, in the cel look without and with an outline. The
  ways take turns; medians, and the ratio of the medians.
* the error of pictures in the cel look against 256 samples, RMS over all pixels on grey, of 255, for numbers of samples and ways to spread
  them; and the largest difference between seeds in areas of one colour.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from ningyo.synth_data.characters import cel
from ningyo.synth_data.characters.importing import Character, load_character, rig_of

Array = np.ndarray
# (samples, the same places in every pixel, seed); seeds of the least error of 48 on a built-in character and Mixamo's Y Bot.
WAYS = ((4, False, 0), (4, True, 21), (5, True, 19), (6, False, 0), (6, True, 28), (8, False, 0), (8, True, 3), (16, False, 0))


class View:
    """A character before a camera."""

    def __init__(self, path: str, size: int, file: Path) -> None:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self.scene: Any = bpy.context.scene
        self.character: Character = load_character(path)
        rig = rig_of(self.character)
        self._layer: Any = bpy.context.view_layer
        self.pixel = 1.25 * rig.height / size
        camera: Any = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
        camera.data.lens_unit, camera.data.angle = "FOV", 2 * np.arctan(0.5 * 1.25 / 3)
        camera.location, camera.rotation_euler = (0, -3 * rig.height, rig.height / 2), (np.pi / 2, 0, 0)
        sun: Any = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
        sun.data.energy, sun.data.angle, sun.rotation_euler = 2.0, 0.0, (0.9, 0, 0.5)
        for item in (camera, sun):
            self.scene.collection.objects.link(item)
        world: Any = bpy.data.worlds.new("World")
        if bpy.app.version < (5, 0, 0):
            world.use_nodes = True
        world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.6, 0.6, 0.6, 1.0)
        self.scene.world, self.scene.camera = world, camera
        render, cycles = self.scene.render, self.scene.cycles
        render.engine, cycles.max_bounces = "CYCLES", 0
        cycles.use_adaptive_sampling = cycles.use_denoising = False
        render.use_persistent_data = render.film_transparent = True
        render.resolution_x = render.resolution_y = size
        render.dither_intensity = 0.0
        self.scene.view_settings.view_transform = "Standard"
        render.image_settings.file_format, render.image_settings.color_mode = "TARGA_RAW", "RGBA"
        render.filepath, render.use_file_extension = str(file), False
        self._turn, self._file, self._size = 0, file, size

    def sampled(self, samples: int, fixed: bool = False, seed: int = 0) -> None:
        cycles = self.scene.cycles
        cycles.samples, cycles.seed = samples, seed
        cycles.sampling_pattern, cycles.scrambling_distance = "TABULATED_SOBOL" if fixed else "AUTOMATIC", 0.0 if fixed else 1.0
        self.scene.update_tag()  # Cycles keeps the scene and would not look

    def picture(self) -> Array:
        """(N, N, 3) on grey, 0…255."""
        bpy.ops.render.render(write_still=True)
        pixels = np.frombuffer(self._file.read_bytes()[18:], np.uint8)[: 4 * self._size**2].reshape(self._size, self._size, 4).astype(float)
        return pixels[..., :3] * pixels[..., 3:] / 255 + 235 * (1 - pixels[..., 3:] / 255)

    def timed(self) -> float:
        """Seconds for a new pose and its picture."""
        self._turn += 1
        bone: Any = self.character.armature.pose.bones[0]
        start = time.perf_counter()
        bone.rotation_mode, bone.rotation_euler = "XYZ", (0.0, 0.02 * (self._turn % 2), 0.0)
        self._layer.update()
        bpy.ops.render.render(write_still=True)
        return time.perf_counter() - start


def costs(view: View, rounds: int) -> None:
    meshes = view.character.meshes
    looks = {
        "own materials": lambda: cel.remove_cel_look(meshes),
        "cel look, no outline": lambda: cel.apply_cel_look(meshes, outline=False),
        "cel look": lambda: cel.apply_cel_look(meshes, pixel_size=view.pixel),
    }
    times: dict[str, list[float]] = {name: [] for name in looks}
    view.sampled(4)
    for _ in range(rounds):
        for name, put_on in looks.items():
            put_on()
            view.timed()
            view.timed()
            times[name] += [view.timed() for _ in range(5)]
    own = statistics.median(times["own materials"])
    print(f"| {bpy.app.version_string}, {view._size}² | ms | ratio |\n|---|---|---|")
    for name, found in times.items():
        print(f"| {name} | {1000 * statistics.median(found):.0f} | {statistics.median(found) / own:.2f} |")


def errors(view: View) -> None:
    cel.apply_cel_look(view.character.meshes, pixel_size=view.pixel)
    view.sampled(256)
    exact = view.picture()
    print("\n| samples | places | error |\n|---|---|---|")
    for samples, fixed, seed in WAYS:
        view.sampled(samples, fixed, seed)
        error = np.sqrt(((view.picture() - exact) ** 2).mean())
        print(f"| {samples} | {f'the same in every pixel, seed {seed}' if fixed else 'its own in every pixel'} | {error:.2f} |")
    pictures = []
    for seed in range(4):
        view.sampled(4, False, seed)
        pictures.append(view.picture())
    stack = np.stack(pictures)
    calm = np.ones(exact.shape[:2], bool)
    for y in (-1, 0, 1):
        for x in (-1, 0, 1):
            calm &= np.abs(np.roll(stack, (y, x), (1, 2)) - stack).max((0, -1)) < 4
    calm &= np.abs(exact - 235).max(-1) > 4
    print(f"\nIn {calm.sum()} pixels of one colour, seeds differ by {np.ptp(stack, axis=0)[calm].max():.0f} of 255 at most.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("character", metavar="CHARACTER")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        view = View(args.character, args.size, Path(folder) / "picture.tga")
        costs(view, args.rounds)
        errors(view)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
