# SPDX-License-Identifier: GPL-3.0-or-later
"""Ningyo against the bare loops that one would write by hand, as ratios in one run.

    .venv/bin/python benchmarks/run.py [capture] [render] [generate] [--video VIDEO]

Prints one JSON object. Absolute rates depend on the machine and on what else it does; both sides of a ratio run in turns, so compare
those.

* capture: frames a second of `ningyo capture --fast` over the whole movie, against bare loops of MediaPipe's landmarkers in video mode over
  the same frames, decoded alike: bodies alone against PoseLandmarker (one pose); body, hands and face against that, and against
  PoseLandmarker, HandLandmarker (two hands) and FaceLandmarker on the whole frame. Of the sample clip, or of `--video`.
* render: samples a second of `ningyo render` (picture, skeleton picture, exact joints with visibility, hashes, index) against
  `bpy.ops.render.render(write_still=True)` over the same scene and poses.
* generate: frames a second of the generators against pix2pixHD's global generator (64 filters, 3 downs, 9 blocks, random weights),
  512², batch 1, on the CPU in float32.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[1]
ACTOR = ROOT / "samples" / "actor.mp4"
ROUNDS = 3
SAMPLES = 24
WARM_UP = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", metavar="WHAT", help="capture, render, generate (default: all)")
    parser.add_argument("--video", type=Path, default=ACTOR, help="what is captured (default: the sample clip)")
    args = parser.parse_args()
    what = args.what or ["capture", "render", "generate"]
    measure = {"capture": lambda: capture(args.video), "render": render, "generate": generate}
    out = sys.stdout
    if "render" in what:
        # Blender prints a line a picture on the C level's stdout; keep ours for the result.
        out = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)
    result: dict[str, Any] = {"cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()}
    for name in what:
        result[name] = measure[name]()
    print(json.dumps(result, indent=1), file=out)
    out.flush()
    os._exit(0)  # Blender's module before 5.0 can hang while the interpreter shuts down


def rounded(rates: dict[str, list[float]], ours: str = "ningyo") -> dict[str, Any]:
    """Median rates, and the median over rounds of our rate divided by each other's."""
    result: dict[str, Any] = {f"{name}_per_second": round(median(values), 2) for name, values in rates.items()}
    for name, values in rates.items():
        if name != ours:
            result[f"ratio_to_{name}"] = round(median(a / b for a, b in zip(rates[ours], values, strict=True)), 3)
    return result


def capture(video: Path) -> dict[str, Any]:
    from ningyo.synth_data.capture.capture import Settings, capture_files
    from ningyo.synth_data.capture.landmarker import Landmarker, quiet_libraries
    from ningyo.synth_data.pose.track_file import TrackReader
    from ningyo.synth_data.video.read import read_frames

    def ours(parts: bool) -> int:
        with tempfile.TemporaryDirectory() as folder:
            (track,) = capture_files([video], Path(folder) / "track.npz", settings=Settings(parts=parts, fast=True))
            with TrackReader(track) as file:
                return file.frames

    def bare(kinds: dict[str, dict[str, int]]) -> int:
        with quiet_libraries():
            landmarkers = [Landmarker(kind, True, **options) for kind, options in kinds.items()]
            count = 0
            for frame in read_frames(video):
                for each in landmarkers:
                    each(frame.rgb, frame.time)
                count += 1
            for each in landmarkers:
                each.close()
        return count

    pose = {"pose": {"num_poses": 1}}
    works: dict[str, Callable[[], int]] = {
        "bodies": lambda: ours(False),
        "everything": lambda: ours(True),
        "bare_pose": lambda: bare(pose),
        "bare_pose_hands_face": lambda: bare(pose | {"hand": {"num_hands": 2}, "face": {}}),
    }
    rates: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, work in works.items():
            start = time.perf_counter()
            rates[name].append(work() / (time.perf_counter() - start))
    everything = rates.pop("everything")
    bodies = {"ningyo": rates.pop("bodies"), "bare_pose": rates["bare_pose"]}
    return {"bodies": rounded(bodies), "everything": rounded({"ningyo": everything, **rates})}


def render() -> dict[str, Any]:
    import bpy
    import numpy as np
    from ningyo.jobs.progress import Reporter
    from ningyo.synth_data.characters.importing import rig_for
    from ningyo.synth_data.render.batch import render_dataset
    from ningyo.synth_data.render.cameras import orbit_of, view_of
    from ningyo.synth_data.render.job import Cameras, CharacterJob, ClipJob, RenderJob
    from ningyo.synth_data.render.poses import PoseSource
    from ningyo.synth_data.render.scene import open_stage
    from ningyo.synth_data.render.visibility import seen_through
    from ningyo.synth_data.retarget.kinematics import forward_kinematics
    from ningyo.synth_data.retarget.motion import Motion
    from ningyo.synth_data.retarget.openpose_points import openpose_points

    def rate(times: list[float]) -> float:
        return (len(times) - 1 - WARM_UP) / (times[-1] - times[WARM_UP])

    def swaying(rig: Any) -> Motion:
        """The rig's rest pose with every bone turned a little, another way each frame."""
        turns = np.random.default_rng(0).uniform(-0.15, 0.15, (SAMPLES, len(rig.bones), 4))
        turns[..., 0] = 1
        nothing = np.zeros(SAMPLES)
        return Motion(
            fps=25.0,
            bones=rig.names,
            time=np.arange(SAMPLES) / 25,
            rotation=turns / np.linalg.norm(turns, axis=-1, keepdims=True),
            root_position=np.tile(rig.head("hips"), (SAMPLES, 1)),
            contact=np.zeros((SAMPLES, 4)),
            residual=nothing,
            confidence=nothing,
        )

    with tempfile.TemporaryDirectory() as folder:
        rig = rig_for("builtin")
        motion = swaying(rig)
        motion.save(Path(folder) / "sway.npz")

        def ours(size: int, number: int) -> float:
            clip = ClipJob(Path(folder) / "sway.npz", split="train")
            job = RenderJob((CharacterJob("builtin"),), (clip,), size=size, count=SAMPLES)
            times: list[float] = []
            report = Reporter(lambda event: times.append(time.perf_counter()) if event["type"] == "progress" else None)
            render_dataset(job, Path(folder) / f"dataset-{size}-{number}", report=report)
            return rate(times)

        def bare(size: int, number: int) -> float:
            times = [time.perf_counter()]
            with open_stage("builtin", size, Path(folder) / "scratch.png") as stage:
                source, scene, cameras = PoseSource(rig, motion), stage.scene, Cameras()
                points = openpose_points(rig, *(array[:1] for array in forward_kinematics(rig, motion)))[0]
                orbit = orbit_of(motion, rig.height, cameras)
                view = view_of(points, rig.head("hips"), rig.height, size, orbit, 0, cameras, None)
                stage.aim(view, seen_through(view, stage.surface()))
                scene.render.use_border = False
                for index in range(SAMPLES):
                    pose = source.frame(index)
                    stage.set_pose(pose, pose.evaluate(rig)[1])
                    scene.render.filepath = str(Path(folder) / f"bare-{index:03d}.png")
                    bpy.ops.render.render(write_still=True, scene=scene.name)
                    times.append(time.perf_counter())
            return rate(times)

        result = {}
        for size in (256, 512):
            rates: dict[str, list[float]] = {"ningyo": [], "bare": []}
            for number in range(ROUNDS):
                rates["ningyo"].append(ours(size, number))
                rates["bare"].append(bare(size, number))
            result[str(size)] = rounded(rates)
    return result


def generate() -> dict[str, Any]:
    import torch
    from ningyo.synth_data.pose.conditioning import CHANNELS
    from ningyo.training.networks import Generator
    from ningyo.training.presets import PRESETS

    sys.path.insert(0, str(Path(__file__).parent))
    from pix2pixhd import GlobalGenerator

    def rate(network: torch.nn.Module, channels: int, count: int) -> float:
        network = network.eval().to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]  # torch declares no such overload
        picture = torch.randn(1, channels, 512, 512).to(memory_format=torch.channels_last)
        with torch.inference_mode():
            network(picture)
            start = time.perf_counter()
            for _ in range(count):
                network(picture)
        return count / (time.perf_counter() - start)

    channels = 35  # dance_now's conditioning: 24 limbs, 10 fingers, background
    pix2pixhd = GlobalGenerator(channels, 3)
    rates: dict[str, list[float]] = {"pix2pixhd": []}
    generators = {name: Generator(PRESETS[name].widths, PRESETS[name].blocks, PRESETS[name].head) for name in ("tiny", "small", "medium")}
    for _ in range(ROUNDS):
        rates["pix2pixhd"].append(rate(pix2pixhd, channels, 1))
        for name, network in generators.items():
            rates.setdefault(name, []).append(rate(network, len(CHANNELS), 5))
    result = {f"{name}_fps": round(median(values), 2) for name, values in rates.items()}
    for name in generators:
        result[f"ratio_{name}_to_pix2pixhd"] = round(median(a / b for a, b in zip(rates[name], rates["pix2pixhd"], strict=True)), 1)
    return result


if __name__ == "__main__":
    main()
