# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the whole-clip solver takes, and whether its memory grows with the clip.

    .venv/bin/python benchmarks/solver.py TRACK.npz --rig RIG [--frames 1000 5000]

The main person of the track, played forwards and backwards in turns until there are so many frames, is put on the rig, without MediaPipe,
each time in a process of its own. Prints a Markdown table:

* seconds of the wall's clock and of the processor in each 1,000 frames; the first grows with what else the machine does.
* MB: the process with the track loaded, before solving; its peak; and the difference. The motion and the person's landmarks take some
  kilobytes a frame in memory, so a little growth is theirs. Linux only, as these come from /proc.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from ningyo.synth_data.pose.track import PoseTrack
from ningyo.synth_data.retarget import solver
from ningyo.synth_data.retarget.rig import Rig

NOT_ROWS = ("header", "time", "frame_index", "person_id")  # what has not a row for every person and frame


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("track", type=Path, metavar="TRACK.npz")
    parser.add_argument("--rig", required=True, metavar="RIG", help="as for `ningyo retarget`")
    parser.add_argument("--frames", type=int, nargs="+", default=[1000, 5000], metavar="N", help="(default: 1000 5000)")
    parser.add_argument("--once", choices=("default", "fast"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.once is not None:
        print(json.dumps(once(args.track, Path(args.rig), args.frames[0], args.once == "fast")))
        return

    from ningyo.synth_data.characters.importing import rig_for

    with tempfile.TemporaryDirectory() as folder:
        rig = Path(folder) / "rig.json"
        rig_for(args.rig).save(rig)
        print("| | frames | s per 1,000 frames | processor's s | MB before | MB at the peak | more |", flush=True)
        print("|---|---|---|---|---|---|---|", flush=True)
        for mode in ("default", "fast"):
            for frames in args.frames:
                command = [sys.executable, __file__, str(args.track), "--rig", str(rig), "--frames", str(frames), "--once", mode]
                found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                per_thousand = (f"{1000 / frames * found[name]:.0f}" for name in ("wall", "processor"))
                memory = f"{found['before']:.0f} | {found['peak']:.0f} | {found['peak'] - found['before']:+.0f}"
                print(f"| {mode} | {frames} | {' | '.join(per_thousand)} | {memory} |", flush=True)


def once(track: Path, rig: Path, frames: int, fast: bool) -> dict[str, float]:
    """Seconds and MB of one run in this process."""
    seen, on = repeated(PoseTrack.load(track, person=0), frames), Rig.load(rig)
    _forget_peak()
    before = _resident("VmRSS")
    wall, processor = time.perf_counter(), time.process_time()
    solver.retarget(seen, on, fast=fast)
    return {
        "wall": time.perf_counter() - wall,
        "processor": time.process_time() - processor,
        "before": before,
        "peak": _resident("VmHWM"),
    }


def repeated(track: PoseTrack, frames: int) -> PoseTrack:
    """The track forwards and backwards in turns, `frames` long."""
    there = np.arange(track.frames)
    order = np.resize(np.concatenate([there, there[-2:0:-1]]), frames)
    changed: dict[str, Any] = {field.name: getattr(track, field.name)[:, order] for field in fields(track) if field.name not in NOT_ROWS}
    header = {**track.header, "video": {**track.video, "frame_count": frames, "duration": frames / track.fps}}
    return replace(track, header=header, time=np.arange(frames) / track.fps, frame_index=np.arange(frames), **changed)


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")  # the peak is from now on (proc(5)); loading the track has one of its own


def _resident(which: str) -> float:
    """MB: VmRSS now, VmHWM at the peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(which)).split()[1]) / 1024


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # Blender's module before 5.0 can hang while the interpreter shuts down
