# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo overlay`: what a pose track holds, drawn over its video."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..jobs.progress import Reporter

HELP = "The video with everyone of a track drawn over it: to see who is who, and what was found."
EXAMPLE = "ningyo overlay track.npz --out overlay.mp4"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("track", type=Path, metavar="TRACK.npz", help="pose track made by `ningyo capture`")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.mp4")
    parser.add_argument("--video", type=Path, metavar="VIDEO", help="where its video is now (default: where it was captured from)")


def run(args: argparse.Namespace, report: Reporter) -> dict[str, Any]:
    from ..synth_data.capture.overlay import write_overlay
    from ..synth_data.pose.track_file import read_header

    video = args.video or Path(read_header(args.track)["video"]["path"])
    write_overlay(video, args.track, args.out, report=report)
    report.artefact("overlay", args.out)
    return {"overlay": str(args.out)}
