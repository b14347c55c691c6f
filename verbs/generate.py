# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo generate`: a model and a pose track become anime frames."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..jobs.progress import Reporter
from .arguments import person_id

HELP = "Draw a model's character in the poses of a track: a PNG with alpha a frame (opaque of who was filmed), and a movie with the sound."
EXAMPLE = "ningyo generate model track.npz --out frames --mp4 anime.mp4"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, metavar="MODEL", help="folder made by `ningyo train`, or an .onnx file made by `ningyo export`")
    parser.add_argument("track", type=Path, metavar="TRACK.npz", help="pose track made by `ningyo capture`")
    parser.add_argument("--out", type=Path, required=True, metavar="FRAMES", help="folder for the frames")
    parser.add_argument("--person", type=person_id, default=0, metavar="ID", help="which person of the track: main (the default) or an id")
    parser.add_argument("--motion", type=Path, metavar="MOTION.npz", help="that person's motion on the model's rig (default: it is solved)")
    parser.add_argument("--mp4", type=Path, metavar="FILE", help="also write a movie of them")
    parser.add_argument("--video", type=Path, metavar="VIDEO", help="whose sound the movie gets (default: the track's own video)")


def run(args: argparse.Namespace, report: Reporter) -> dict[str, Any]:
    from ..generation.frames import generate

    result = generate(
        args.model, args.track, args.out, person=args.person, motion=args.motion, mp4=args.mp4, video=args.video, report=report
    )
    report.artefact("frames", args.out)
    return result
