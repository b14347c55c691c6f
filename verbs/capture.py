# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo capture`: the person in a video as a pose track."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..jobs.progress import Reporter

HELP = "Find the person in a video: body, hands and face in every frame."
EXAMPLE = "ningyo capture dance.mp4 --out out/track.npz --overlay out/overlay.mp4"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("videos", type=Path, nargs="+", metavar="VIDEO", help="a video; of several each becomes a track of its own")
    parser.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="TRACK.npz",
        help="the pose track to write; for several videos the folder for their tracks",
    )
    parser.add_argument("--overlay", type=Path, metavar="FILE.mp4", help="also write the video with what was found drawn over it")
    parser.add_argument("--start", type=float, metavar="S", help="begin here, seconds from the first frame")
    parser.add_argument("--end", type=float, metavar="S", help="stop before this, seconds from the first frame")


def run(args: argparse.Namespace, report: Reporter) -> dict[str, Any]:
    from ..synth_data.capture.capture import capture_files
    from ..synth_data.pose.track_file import read_header

    tracks = capture_files(args.videos, args.out, start=args.start, end=args.end, overlay=args.overlay, report=report)
    return {"tracks": {str(track): read_header(track)["people"][0]["seen"] for track in tracks}}
