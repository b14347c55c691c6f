# SPDX-License-Identifier: GPL-3.0-or-later
"""Does the memory that `ningyo capture` needs grow with the video's length?

    .venv/bin/python benchmarks/memory.py [--minutes 10] [--overlay] [--body-only] [--video VIDEO]

The video's frames are looped (its packets copied, nothing is encoded again) into a clip of 10 seconds and one of so many minutes, and the
command is run on each in a process of its own. Prints a Markdown table of peaks in MB:

* resident: all memory of the process that was in RAM at once, as the kernel counts it (ru_maxrss). Pages of mapped files count: they are a
  view of the file cache, which the kernel takes back when memory is short.
* of it anonymous, and files': RssAnon and RssFile, sampled ten times a second, so a peak of moments can be missed. Anonymous is what the
  process has allocated. They peak at different times: their sum is no peak.

Linux only, as the samples come from /proc.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import av

ROOT = Path(__file__).parents[1]
SHORT = 10.0  # seconds
SAMPLE_EVERY = 0.1  # seconds
MOST_GROWTH = 100.0  # MB


class Peaks(NamedTuple):
    """MB."""

    resident: float
    anonymous: float
    files: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, metavar="N", help="length of the long clip (default: 10)")
    parser.add_argument("--overlay", action="store_true", help="also write the overlay")
    parser.add_argument("--body-only", action="store_true", help="no hands and faces")
    parser.add_argument("--video", type=Path, default=ROOT / "samples" / "actor.mp4")
    args = parser.parse_args()
    print("| clip | frames | resident, MB | anonymous, MB | files, MB | frames/s |\n|---|---|---|---|---|---|", flush=True)
    found: list[Peaks] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, seconds in (("short", SHORT), ("long", 60 * args.minutes)):
            clip = Path(folder) / f"{name}{args.video.suffix}"
            frames = loop(args.video, clip, seconds)
            command = ["capture", str(clip), "--out", str(clip.with_suffix(".npz"))]
            command += ["--overlay", str(clip.with_suffix(".overlay.mp4"))] if args.overlay else []
            command += ["--body-only"] if args.body_only else []
            start = time.perf_counter()
            peaks = run(command)
            rate = frames / (time.perf_counter() - start)
            print(f"| {seconds:g} s | {frames} | {' | '.join(f'{value:.0f}' for value in peaks)} | {rate:.1f} |", flush=True)
            found.append(peaks)
    growth = [after - before for before, after in zip(*found, strict=True)]
    print(f"| growth | | {' | '.join(f'{value:+.0f}' for value in growth)} | |")
    if growth[0] >= MOST_GROWTH:
        sys.exit(f"The resident memory grew by {MOST_GROWTH:g} MB or more.")


def loop(video: Path, out: Path, seconds: float) -> int:
    """Write the video's frames again and again up to `seconds`, by copying its packets; returns their number."""
    count = 0
    with av.open(str(video)) as source, av.open(str(out), "w") as target:
        stream = source.streams.video[0]
        rate, tick = stream.average_rate, stream.time_base
        if rate is None or tick is None:
            sys.exit(f"{video} has no rate.")
        copy = target.add_stream_from_template(stream)
        wanted, offset = round(seconds * rate), 0
        while count < wanted:
            source.seek(0)
            packets = [packet for packet in source.demux(stream) if packet.size][: wanted - count]
            for packet in packets:
                packet.pts, packet.dts, packet.stream = (packet.pts or 0) + offset, (packet.dts or 0) + offset, copy
                target.mux(packet)
            count += len(packets)
            offset += round(len(packets) / (rate * tick))
    return count


def run(command: list[str]) -> Peaks:
    """The peaks of `ningyo COMMAND`."""
    with subprocess.Popen([sys.executable, "-m", "ningyo", *command], stdout=subprocess.DEVNULL) as process:
        anonymous = files = 0.0
        status = Path(f"/proc/{process.pid}/status")
        while True:
            pid, code, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
            if "RssAnon" in fields:  # it has not ended meanwhile
                anonymous, files = (max(peak, kilobytes(fields[name])) for peak, name in ((anonymous, "RssAnon"), (files, "RssFile")))
            time.sleep(SAMPLE_EVERY)
        process.returncode = os.waitstatus_to_exitcode(code)
    if process.returncode:
        sys.exit(f"ningyo {' '.join(command)} ended with {process.returncode}.")
    return Peaks(usage.ru_maxrss / 1024, anonymous / 1024, files / 1024)


def kilobytes(text: str) -> float:
    return float(text.split()[0])


if __name__ == "__main__":
    main()
