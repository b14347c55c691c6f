# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast frames are generated on the CPU: the network beside dance_now's, and everything from a video to PNGs. Without Blender.

    .venv/bin/python benchmarks/generate.py [--preset NAME] [--rounds N] [--video VIDEO]

Prints one JSON object:

* ours_fps: frames a second of the preset's network alone (random weights, 512², batch 1, conditioning of the video's person), exported
  as fp32 and as int8 and run by ONNX Runtime on all cores; the faster is named in `ours`, both are in `precisions`.
* dance_now_fps: the same of the generator that dance_now uses (pix2pixHD's global one, 64 filters, 3 downs, 9 blocks, 35 channels in;
  random weights) in torch, float32. Both sides in turns, `rounds` times; medians. ratio: the median of the rounds' ratios.
* video_to_frames_fps: the video's frames divided by the seconds from its first to the last PNG: capture `--fast` (bodies, hands and faces),
  retargeting, conditioning, network, writing at the video's size. `seconds` says what took how long; models are loaded by then.
* load: the machine's load (1 minute) before and after; with more than the cores, rates say little.
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

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command line does

import numpy as np

ROOT = Path(__file__).parents[1]
ACTOR = ROOT / "samples" / "actor.mp4"
SIZE = 512
CHANNELS = 35  # dance_now's conditioning: 24 limbs, 10 fingers, background


def main() -> None:
    from ningyo.generation.frames import generate
    from ningyo.generation.model import Model
    from ningyo.generation.onnx import OnnxRunner, cores
    from ningyo.generation.shots import Shots
    from ningyo.synth_data.capture.capture import Settings, capture_files
    from ningyo.synth_data.pose.track import PoseTrack
    from ningyo.synth_data.retarget.solver import retarget
    from ningyo.training.presets import DEFAULT

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default=DEFAULT, help=f"whose network is measured (default: {DEFAULT}, as `ningyo train` takes here)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--video", type=Path, default=ACTOR, help="default: the sample clip")
    args = parser.parse_args()
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rig = figure()
        whole: list[float] = []
        parts: dict[str, list[float]] = {"capture": [], "retarget": [], "frames": []}

        def clocked(part: str, work: Callable[[], Any]) -> Any:
            start = time.perf_counter()
            result = work()
            parts[part].append(time.perf_counter() - start)
            return result

        def capture(i: int) -> Path:
            return capture_files([args.video], folder / f"track{i}.npz", settings=Settings(fast=True))[0]

        track = PoseTrack.load(capture(-1))
        motion = retarget(track, rig)
        shots = Shots(rig, motion, track.size, SIZE)
        drawings = [drawing for i in range(motion.frame_count) if (drawing := shots.drawing(i)) is not None]
        files = networks(args.preset, rig, drawings)
        runners = {precision: OnnxRunner(content, precision, SIZE) for precision, content in files.items()}
        sides: dict[str, Callable[[], float]] = {"dance_now": dance_now()}
        sides |= {precision: lambda run=run: rate(lambda i: run(*drawings[i % len(drawings)]), 20) for precision, run in runners.items()}
        rates: dict[str, list[float]] = {side: [] for side in sides}
        for _ in range(args.rounds):
            for side, measure in sides.items():
                rates[side].append(measure())
        best = max(runners, key=lambda precision: median(rates[precision]))
        model = Model(runners[best], SIZE, rig, "0" * 64, best)
        for i in range(args.rounds):
            start = time.perf_counter()
            file = clocked("capture", lambda i=i: capture(i))
            clocked("retarget", lambda file=file: retarget(PoseTrack.load(file), rig).save(folder / "motion.npz"))
            arguments = (model, file, folder / f"frames{i}")
            clocked("frames", lambda arguments=arguments: generate(*arguments, motion=folder / "motion.npz"))
            whole.append(track.frames / (time.perf_counter() - start))
    result = {
        "ours": f"{args.preset} {best}",
        "ours_fps": round(median(rates[best]), 2),
        "dance_now_fps": round(median(rates["dance_now"]), 3),
        "ratio": round(median(a / b for a, b in zip(rates[best], rates["dance_now"], strict=True)), 1),
        "video_to_frames_fps": round(median(whole), 2),
        "precisions": {precision: round(median(rates[precision]), 2) for precision in runners},
        "seconds": {part: round(median(values), 2) for part, values in parts.items()},
        "frames": track.frames,
        "size": list(track.size),
        "cores": cores(),
        "load": [round(before, 2), round(os.getloadavg()[0], 2)],
    }
    print(json.dumps(result, indent=1))


def rate(work: Callable[[int], Any], count: int) -> float:
    """Calls a second, the first left out."""
    work(0)
    start = time.perf_counter()
    for i in range(count):
        work(i)
    return count / (time.perf_counter() - start)


def dance_now() -> Callable[[], float]:
    import torch

    sys.path.insert(0, str(Path(__file__).parent))
    from pix2pixhd import GlobalGenerator

    network = GlobalGenerator(CHANNELS, 3).eval().to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]  # torch declares no such overload
    picture = torch.randn(1, CHANNELS, SIZE, SIZE).to(memory_format=torch.channels_last)

    def measure() -> float:
        with torch.inference_mode():
            return rate(lambda _: network(picture), 2)

    return measure


def networks(preset: str, rig: Any, drawings: list[Any]) -> dict[str, bytes]:
    """The preset's network with random weights as the contents of files, by precision."""
    from ningyo.generation.onnx_file import SCHEMA, VERSION
    from ningyo.synth_data.pose.conditioning import RASTERISER_VERSION
    from ningyo.training.export import feed, packed_file, to_onnx
    from ningyo.training.networks import CharacterModel, refiner_side
    from ningyo.training.presets import preset_named
    from ningyo.training.smaller import quantised

    settings = preset_named(preset)
    network = CharacterModel(settings.widths, settings.blocks, settings.head, settings.refiner, refiner_side(SIZE))
    plain = to_onnx(network.eval(), SIZE)
    description = {"schema": SCHEMA, "version": VERSION, "size": SIZE, "rasteriser": RASTERISER_VERSION, "rig": rig.to_json()}
    integers = quantised(plain, lambda: (feed(plain, drawing) for drawing in drawings[:8]))
    return {"fp32": packed_file(plain, description), "int8": packed_file(integers, description)}


def figure() -> Any:
    """A rig 1.7 m high in T-pose, facing −Y, its left at +X."""
    from ningyo.synth_data.retarget.rig import Rig
    from ningyo.synth_data.retarget.roles import ROLE_OF_BASE_NAME

    middle = (("Hips", 1.0), ("Spine", 1.1), ("Spine1", 1.2), ("Spine2", 1.3), ("Neck", 1.42), ("Head", 1.48), ("HeadTop_End", 1.7))
    arm = (("Shoulder", 0.05), ("Arm", 0.15), ("ForeArm", 0.42), ("Hand", 0.67))
    leg = (("UpLeg", 0.0, 0.95), ("Leg", 0.0, 0.52), ("Foot", 0.02, 0.09), ("ToeBase", -0.1, 0.02), ("Toe_End", -0.17, 0.02))
    rows: list[tuple[str, int, tuple[float, float, float]]] = []
    rows += [(name, i - 1, (0.0, 0.0, z)) for i, (name, z) in enumerate(middle)]
    for side, sign in (("Left", 1), ("Right", -1)):
        start = len(rows)
        rows += [(side + name, 3 if i == 0 else start + i - 1, (sign * x, 0.0, 1.4)) for i, (name, x) in enumerate(arm)]
        hand = len(rows) - 1
        for f, finger in enumerate(("Thumb", "Index", "Middle", "Ring", "Pinky")):
            for joint in range(4):
                x, y = (0.70 + 0.02 * joint, -0.05) if f == 0 else (0.76 + 0.03 * joint, 0.02 * (f - 2.5))
                rows.append((f"{side}Hand{finger}{joint + 1}", hand if joint == 0 else len(rows) - 1, (sign * x, y, 1.4)))
        start = len(rows)
        rows += [(side + name, 0 if i == 0 else start + i - 1, (sign * 0.09, y, z)) for i, (name, y, z) in enumerate(leg)]
    bones = []
    for name, parent, place in rows:
        matrix = np.eye(4)
        matrix[:3, 3] = place
        bones.append({"name": name, "parent": parent, "role": ROLE_OF_BASE_NAME.get(name), "matrix": matrix.tolist(), "length": 0.1})
    source = {"name": "figure", "sha256": "0" * 64}
    head = {"schema": "ningyo.rig", "version": 1, "name": "figure", "source": source, "prefix": "", "armature_matrix": np.eye(4).tolist()}
    return Rig.from_json(head | {"bones": bones}, "the benchmark's figure")


if __name__ == "__main__":
    main()
