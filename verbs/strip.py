# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo strip`: generated frames over their movie in the sequencer of a new .blend."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..jobs.progress import Reporter

HELP = "A Blender file whose sequencer shows the frames over their movie, with its sound."
EXAMPLE = "ningyo strip out/frames --video dance.mp4 --out out/scene.blend"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("frames", type=Path, nargs="+", metavar="FRAMES", help="folders that `ningyo generate` made, one a person")
    parser.add_argument("--video", type=Path, required=True, metavar="VIDEO", help="the movie the frames were made from")
    parser.add_argument("--out", type=Path, required=True, metavar="SCENE.blend")


def run(args: argparse.Namespace, report: Reporter) -> dict[str, Any]:
    from ..sequencer.frames import FrameFolder
    from ..sequencer.strips import save_strip_blend

    missing = sum(FrameFolder.read(frames).missing for frames in args.frames)
    if missing:
        report.warning(f"{missing} frames are missing; the one before is shown in their place.")
    scene = save_strip_blend(args.frames, args.video, args.out)
    report.artefact("Blender file", scene)
    return {"scene": str(scene)}
