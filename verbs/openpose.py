# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo openpose`: pose tracks to and from OpenPose's JSON files."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..jobs.progress import Reporter
from .arguments import person_id, positive_number

HELP = "Write a pose track as OpenPose's JSON files, or make a track of the files that OpenPose wrote."
EXAMPLE = "ningyo openpose export track.npz --out keypoints"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        choices=("export", "import"),
        help="export: a track as one file a frame with everyone in it, named as OpenPose's --write_json names them; import: a track of "
        "what OpenPose found (BODY_25 or COCO), in 2-D, so without the depth that retargeting needs",
    )
    parser.add_argument("source", type=Path, metavar="TRACK.npz|FOLDER", help="export: the pose track; import: the folder of JSON files")
    parser.add_argument("--out", required=True, type=Path, metavar="PATH", help="export: the folder to write; import: the TRACK.npz")
    parser.add_argument("--person", type=person_id, metavar="ID", help="export: only this person, main or an id (default: everyone)")
    parser.add_argument("--video", type=Path, metavar="VIDEO", help="import: the video OpenPose looked at, for its size, times and sound")
    parser.add_argument("--size", type=picture_size, metavar="WxH", help="import without a video: the pictures' size in px, as 1920x1080")
    parser.add_argument("--fps", type=positive_number, metavar="N", help="import without a video: frames a second")


def picture_size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([1-9]\d*)[x×]([1-9]\d*)", text.strip().lower())
    if not match:
        raise argparse.ArgumentTypeError(f"{text} is not a width and a height in pixels, such as 1920x1080")
    return int(match[1]), int(match[2])


def run(args: argparse.Namespace, report: Reporter) -> dict[str, Any]:
    if args.what == "export":
        if args.video is not None or args.size is not None or args.fps is not None:
            raise UserError("--video, --size and --fps are for `ningyo openpose import`; leave them out.")
        from ..synth_data.pose.openpose_folder import export_track

        files = export_track(args.source, args.out, person_id=args.person, report=report)
        report.artefact("OpenPose files", args.out)
        return {"files": files}
    if args.person is not None:
        raise UserError("--person is for `ningyo openpose export`; an import takes everyone, so leave it out.")
    from ..synth_data.pose.openpose_folder import frame_files, import_folder

    last = max(frame_files(args.source))
    size, fps = args.size, args.fps
    if args.video is not None and size is None and fps is None:
        video, times = _of_video(args.video, last, report)
        header = import_folder(args.source, args.out, video, lambda number: times[number], report=report)
    elif args.video is None and size is not None and fps is not None:
        video = {"name": args.source.resolve().name, "path": "", "sha256": "", "width": size[0], "height": size[1]}
        video |= {"fps": fps, "frame_count": last + 1, "duration": (last + 1) / fps, "has_audio": False}
        header = import_folder(args.source, args.out, video, lambda number: number / fps, report=report)
    else:
        raise UserError("Say what OpenPose looked at: either --video VIDEO, or both --size WxH and --fps N.")
    report.artefact("pose track", args.out)
    return {"track": str(args.out), "people": header["people"]}


def _of_video(path: Path, last: int, report: Reporter) -> tuple[dict[str, Any], list[float]]:
    """The header's "video", and the times in seconds of its frames up to number `last`, which have to be read to be known."""
    from ..synth_data.video.read import hash_source, probe, read_frames

    info = probe(path)
    times: list[float] = []
    for frame in read_frames(path):
        times.append(frame.time)
        report.progress(len(times), max(last + 1, len(times)), "frames")
        if len(times) > last:
            break
    if len(times) <= last:
        raise UserError(f"OpenPose's files go up to frame {last}, but {path} ends with frame {len(times) - 1}; give the video they are of.")
    return info.header(hash_source(path)), times
