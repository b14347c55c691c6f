# SPDX-License-Identifier: GPL-3.0-or-later
"""Ningyo against the bare loops that one would write by hand, as ratios in one run.

    .venv/bin/python benchmarks/run.py [capture] [generate] [--video VIDEO]

Prints one JSON object. Absolute rates depend on the machine and on what else it does; both sides of a ratio run in turns, so compare
those.

* capture: frames a second of `ningyo capture --fast` over the whole movie, against bare loops of MediaPipe's landmarkers in video mode over
  the same frames, decoded alike: bodies alone against PoseLandmarker (one pose); body, hands and face against that, and against
  PoseLandmarker, HandLandmarker (two hands) and FaceLandmarker on the whole frame. Of the sample clip, or of `--video`.
* generate: frames a second of the generators against pix2pixHD's global generator (64 filters, 3 downs, 9 blocks, random weights),
  512², batch 1, on the CPU in float32.
"""

from __future__ import annotations

import argparse
import json
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", metavar="WHAT", help="capture, generate (default: both)")
    parser.add_argument("--video", type=Path, default=ACTOR, help="what is captured (default: the sample clip)")
    args = parser.parse_args()
    what = args.what or ["capture", "generate"]
    measure = {"capture": lambda: capture(args.video), "generate": generate}
    from ningyo.jobs.machine import cores

    result: dict[str, Any] = {"cores": cores()}
    for name in what:
        result[name] = measure[name]()
    print(json.dumps(result, indent=1))


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
