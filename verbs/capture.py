# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo capture`: the people in a video as a pose track."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..jobs.progress import Reporter
from .arguments import positive_number

HELP = "Find the people in a video: body, hands and face of each in every frame."
EXAMPLE = "ningyo capture dance.mp4 --out out/track.npz --overlay out/overlay.mp4"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "videos",
        type=Path,
        nargs="*",
        metavar="VIDEO",
        help="a movie, a GIF, a picture, or a folder of pictures (an image sequence); of several each becomes a track of its own",
    )
    parser.add_argument(
        "--camera", metavar="DEVICE", help="record a webcam (its number, from 0) or a stream (its address), and capture that"
    )
    parser.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="TRACK.npz",
        help="the pose track to write; for several videos the folder for their tracks",
    )
    parser.add_argument("--overlay", type=Path, metavar="FILE.mp4", help="also write the video with what was found drawn over it")
    parser.add_argument(
        "--person", type=_person, default="all", metavar="all|main|ID", help="whom to keep (default: all; 0 is the main one)"
    )
    parser.add_argument("--start", type=float, metavar="S", help="begin here, seconds from the first frame")
    parser.add_argument("--end", type=float, metavar="S", help="stop before this, seconds from the first frame")
    parser.add_argument("--fps", type=positive_number, metavar="N", help="take so many frames a second; of an image sequence, its rate")
    parser.add_argument("--body-only", action="store_true", help="no hands and faces")
    parser.add_argument("--fast", action="store_true", help="one look at each body instead of four: about half the time, less exact")
    parser.add_argument(
        "--filter", choices=("offline", "online", "none"), default="offline", help="steadying: without delay, as if live, or none"
    )
    parser.add_argument(
        "--bridge", type=float, default=0.5, metavar="S", help="interpolate bodies over gaps up to this (default: 0.5; 0: none)"
    )
    parser.add_argument("--models", type=Path, metavar="FOLDER", help="MediaPipe's models, where they are not those installed")


def run(args: argparse.Namespace, report: Reporter) -> dict[str, Any]:
    if bool(args.videos) == (args.camera is not None):
        raise UserError("Give a video, or --camera and none.")
    from ..synth_data.capture.capture import Settings, capture_files, record_and_capture
    from ..synth_data.pose.track_file import read_header

    settings = Settings(args.start, args.end, args.fps, args.person, not args.body_only, args.filter, args.bridge, args.models, args.fast)
    if args.camera is not None:
        tracks = [record_and_capture(args.camera, args.out, settings=settings, overlay=args.overlay, report=report)]
    else:
        tracks = capture_files(args.videos, args.out, settings=settings, overlay=args.overlay, report=report)
    return {"tracks": {str(track): read_header(track)["people"] for track in tracks}}


def _person(text: str) -> str | int:
    if text in ("all", "main"):
        return text
    if text.isdecimal():
        return int(text)
    raise argparse.ArgumentTypeError(f"{text} is not all, main or a person's number")
