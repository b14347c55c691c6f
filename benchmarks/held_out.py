# SPDX-License-Identifier: GPL-3.0-or-later
"""Our generator beside what others would use, on clips that none of them has seen: the whole comparison from characters and clips.

    .venv/bin/python benchmarks/held_out.py OUT --rig builtin:0 --rig ybot.glb --train dance.glb --train dancer.mp4 --test walk.glb
        [--count 2000] [--size 256] [--minutes 6] [--preset tiny]

Clips are Mixamo's, or videos, which are captured and retargeted first. For each character OUT/data-NAME gets `--count` pictures from all
around (a yaw every 45°, ±22°, elevation −5…25°; a quarter are variations of training poses), OUT/model-NAME our generator and
OUT/report-NAME the report with the baselines, each trained for `--minutes` with both cores. Leave the machine alone meanwhile. Run it
again to go on. Printed, as one JSON object: each character's rows of the report and what it was measured on.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".webm")
JOB = """size = {size}
count = {count}
labels = ["flow"]
[[characters]]
rig = {rig}
{clips}
[cameras]
yaws = [0, 45, 90, 135, 180, 225, 270, 315]
yaw_jitter = 22
elevation = [-5, 25]
[poses]
variations = 0.25
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--rig", action="append", required=True)
    parser.add_argument("--train", action="append", required=True, type=Path)
    parser.add_argument("--test", action="append", required=True, type=Path)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--minutes", type=float, default=6)
    parser.add_argument("--preset", default="tiny")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    motions = {(path, split): _motion(path, args.rig[0], args.out) for split in ("train", "test") for path in getattr(args, split)}
    clips = "\n".join(f"[[clips]]\nmotion = {json.dumps(str(motion))}\nname = {json.dumps(path.stem)}\nsplit = {json.dumps(split)}"
                      for (path, split), motion in motions.items())  # fmt: skip
    result = {}
    for rig in args.rig:
        name = rig.split(":")[0] if rig.startswith("builtin") else Path(rig).stem
        data, model, report = (args.out / f"{kind}-{name}" for kind in ("data", "model", "report"))
        job = args.out / f"{name}.toml"
        where = rig if rig.startswith("builtin") else str(Path(rig).absolute())
        job.write_text(JOB.format(size=args.size, count=args.count, rig=json.dumps(where), clips=clips), "utf-8")
        minutes = str(args.minutes)
        _ningyo("render", job, "--out", data)
        _ningyo("train", data, "--out", model, "--preset", args.preset, "--minutes", minutes)
        _ningyo("evaluate", model, data, "--out", report, "--baselines", minutes)
        found = json.loads((report / "report.json").read_text("utf-8"))
        result[name] = {key: found[key] for key in ("rows", "clips", "frames", "train_frames", "networks", "on_renders")}
    print(json.dumps(result, indent=1))


def _motion(path: Path, rig: str, out: Path) -> Path:
    if path.suffix.lower() not in VIDEOS:
        return path.absolute()
    track, motion = out / f"{path.stem}.npz", out / f"{path.stem}.motion.npz"
    if not track.exists():
        _ningyo("capture", path, "--out", track, "--fast")
    if not motion.exists():
        _ningyo("retarget", track, "--rig", rig, "--fast", "--out", motion)
    return motion.absolute()


def _ningyo(*arguments: str | Path) -> None:
    done = subprocess.run([sys.executable, "-m", "ningyo", *map(str, arguments)], stdout=sys.stderr, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)


if __name__ == "__main__":
    main()
