# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo motion`: a motion's joints as JSON, or a .blend with the rig playing it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..jobs.progress import Reporter

HELP = "Write out a motion: joints as JSON, or a .blend with the rig playing it."
EXAMPLE = "ningyo motion apply out/motion.npz --rig character.glb --out out/scene.blend"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_subparsers(dest="what", required=True, metavar="joints|apply")
    for name, out, text in (
        ("joints", "JOINTS.json", "every bone's head in every frame, world metres, Z up"),
        ("apply", "SCENE.blend", "the rig with the motion as an Action on it"),
    ):
        sub = what.add_parser(name, help=text, description=text)
        sub.add_argument("motion", type=Path, metavar="MOTION.npz", help="what `ningyo retarget` wrote")
        sub.add_argument(
            "--rig", required=True, metavar="RIG", help="the rig it was made for: .glb, .gltf, .fbx, .blend, .json or builtin[:SEED]"
        )
        sub.add_argument("--out", required=True, type=Path, metavar=out)


def run(args: argparse.Namespace, report: Reporter) -> dict[str, Any]:
    from ..synth_data.retarget.motion import Motion

    motion = Motion.load(args.motion)
    if args.out.is_dir():
        raise UserError(f"{args.out} is a folder; give the name of a file to write.")
    if args.what == "joints":
        _write_joints(motion, args.rig, args.out)
    else:
        from ..synth_data.retarget.apply import save_motion_blend

        save_motion_blend(motion, args.rig, args.out)
    report.artefact(args.what, args.out)
    return {args.what: str(args.out), "frames": motion.frame_count}


def _write_joints(motion: Any, spec: str, out: Path) -> None:
    from ..jobs.folder import write_atomically
    from ..synth_data.characters.importing import rig_for
    from ..synth_data.retarget.kinematics import forward_kinematics

    rig = rig_for(spec)
    heads, _ = forward_kinematics(rig, motion)
    frames = [dict(zip(rig.names, frame.round(6).tolist(), strict=True)) for frame in heads]
    write_atomically(out, json.dumps({"fps": motion.fps, "frames": frames}) + "\n")
