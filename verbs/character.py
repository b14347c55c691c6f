# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo character`: many characters in one picture, to choose from and to judge by eye."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..jobs.progress import Reporter
from .arguments import positive_integer

HELP = "Make a contact sheet: characters in one picture, at rest, posed, or in a motion's frames."
EXAMPLE = "ningyo character sheet --seeds 0-23 --out sheet.png"
VIEWS = ("front", "back", "side", "closeup")
POSES = ("t", "stand", "walk", "run", "sit", "dance", "kick", "kneel", "cheer")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_subparsers(dest="what", required=True, metavar="sheet")
    sheet = what.add_parser("sheet", help="a PNG with a character a cell", description="A PNG with a character a cell.")
    who = sheet.add_mutually_exclusive_group()
    who.add_argument("--seeds", default="0-23", metavar="SEEDS", help="built-in characters: 0-23, or 1,5,8-11 (default: 0-23)")
    who.add_argument("--rig", action="append", metavar="RIG", help="a character's file or builtin[:SEED]; may be given several times")
    sheet.add_argument("--out", type=Path, required=True, metavar="SHEET.png")
    sheet.add_argument("--view", choices=VIEWS, default="front", help="from where (default: front)")
    sheet.add_argument(
        "--pose", default="t", metavar="POSE", help=f"{', '.join(POSES)}; several, with commas, are taken in turn (default: t)"
    )
    sheet.add_argument(
        "--motion",
        type=Path,
        metavar="MOTION",
        help="frames of a motion (.npz) or a clip (.fbx, .glb, .bvh, …) instead, evenly spread over it",
    )
    sheet.add_argument("--columns", type=positive_integer, default=6, metavar="N", help="characters in a row (default: 6)")
    sheet.add_argument("--size", type=positive_integer, default=256, metavar="PX", help="a cell's height (default: 256)")


def run(args: argparse.Namespace, report: Reporter) -> dict[str, Any]:
    from ..synth_data.characters.clips import load_clip
    from ..synth_data.characters.contact_sheet import Sheet, contact_sheet, motion_poses, named_pose

    if args.out.suffix.lower() != ".png":
        raise UserError(f"{args.out} is not a PNG's name; let it end in .png.")
    specs = args.rig or [f"builtin:{seed}" for seed in seeds(args.seeds)]
    if args.motion is not None:
        posing = motion_poses(load_clip(args.motion, report=report), len(specs))
    else:
        names = [name.strip() for name in args.pose.split(",")]
        unknown = [name for name in names if name not in POSES]
        if unknown:
            raise UserError(f"There is no pose {unknown[0]!r}; choose of {', '.join(POSES)}.")
        posing = [named_pose(name) for name in names]
    contact_sheet(Sheet(specs, args.columns, args.size, args.view), posing, args.out, report=report)
    report.artefact("sheet", args.out)
    return {"sheet": str(args.out), "characters": len(specs)}


def seeds(text: str) -> list[int]:
    """The numbers of "0-23" or "1,5,8-11". Raises UserError for anything else."""
    found: list[int] = []
    for piece in text.split(","):
        first, dash, last = piece.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()) or (dash and int(last) < int(first)):
            raise UserError(f"{text!r} does not say which seeds; write 0-23, or 1,5,8-11.")
        found += range(int(first), int(last or first) + 1)
    return found
