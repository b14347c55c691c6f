# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo retarget`: a pose track onto a rig."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..jobs.progress import Reporter
from .arguments import person_id

HELP = "Put the motion of a person in a video onto a rig."
EXAMPLE = "ningyo retarget out/track.npz --rig character.glb --out out/motion.npz"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("track", type=Path, metavar="TRACK.npz", help="what `ningyo capture` wrote")
    parser.add_argument("--rig", required=True, metavar="RIG", help="a .glb, .gltf, .fbx, .blend or rig .json, or builtin[:SEED]")
    parser.add_argument("--out", required=True, type=Path, metavar="MOTION.npz", help="the motion to write")
    parser.add_argument("--fps", type=float, metavar="N", help="frames a second of the motion (default: the video's)")
    parser.add_argument("--person", type=person_id, default=0, metavar="ID", help="which person of the track: main (the default) or an id")


def run(args: argparse.Namespace, report: Reporter) -> dict[str, Any]:
    if args.out.is_dir():
        raise UserError(f"{args.out} is a folder; give the name of a file to write, such as {args.out / 'motion.npz'}.")
    from ..synth_data.characters.importing import rig_for
    from ..synth_data.pose.track import PoseTrack
    from ..synth_data.retarget.closed_form import retarget

    track = PoseTrack.load(args.track, person=args.person)
    rig = rig_for(args.rig)
    motion = retarget(track, rig, person=args.person, fps=args.fps, track_name=args.track.name, report=report)
    motion.save(args.out)
    report.artefact("motion", args.out)
    return {
        "motion": str(args.out),
        "frames": motion.frame_count,
        "fps": motion.fps,
        "mean_residual_degrees": float(motion.residual.mean()),
    }
