# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo motion`: a motion from another program's file, changed, on any rig in a .blend, as BVH, as joints, or drawn over its video."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..jobs.progress import Reporter
from .arguments import add_controls, controls_of

HELP = "Read a clip, change a motion, put it on any rig in a .blend, write it as BVH or joints, or draw it over its video."
EXAMPLE = "ningyo motion apply out/motion.npz --rig character.glb --out out/scene.blend"
WHAT = (
    ("import", "MOTION.npz", "a motion from a clip of Mixamo or another program, with --rig already on that character"),
    ("apply", "SCENE.blend", "a .blend with the rig and the motion as an Action on it; several motions in one scene"),
    ("bvh", "MOTION.bvh", "the motion as BVH: Y up, centimetres"),
    ("edit", "MOTION.npz", "another motion, changed by an animator's controls"),
    ("joints", "JOINTS.json", "every bone's head in every frame, world metres, Z up"),
    ("overlay", "OVERLAY.mp4", "the rig's joints and bones drawn over the video; several motions in one picture"),
)
SEVERAL = ("apply", "overlay")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_subparsers(dest="what", required=True, metavar="|".join(name for name, _, _ in WHAT))
    for name, out, text in WHAT:
        sub = what.add_parser(name, help=text, description=text)
        several, is_import = name in SEVERAL, name == "import"
        sub.add_argument(
            "motion", type=Path, nargs="+" if several else 1, metavar="CLIP" if is_import else "MOTION.npz",
            help="a .fbx, .glb, .gltf, .vrma, .bvh or .npz" if is_import
            else "what `ningyo retarget` or `import` wrote, or a clip" + ("; of several people several" * several),
        )  # fmt: skip
        sub.add_argument(
            "--rig", required=not is_import, action="append", metavar="RIG",
            help="whose motion it shall be: a character's file, rig .json or builtin[:SEED]" + ("; one for each, or one for all" * several)
            + (" (default: the clip's own skeleton)" * is_import),
        )  # fmt: skip
        if name == "overlay":
            sub.add_argument("--video", type=Path, required=True, metavar="VIDEO", help="the video that it was captured from")
        if name == "apply":
            sub.add_argument("--start-frame", type=int, default=1, metavar="N", help="frame of the first key (default: 1)")
            sub.add_argument(
                "--key-reduction", type=float, default=0.0, metavar="DEG", help="leave out keys that the curve misses by less than this"
            )
        if name == "edit":
            add_controls(sub)
        sub.add_argument("--out", required=True, type=Path, metavar=out)


def run(args: argparse.Namespace, report: Reporter) -> dict[str, Any]:
    if args.out.is_dir():
        raise UserError(f"{args.out} is a folder; give the name of a file to write.")
    specs = args.rig or []
    if args.what == "import":
        if len(specs) > 1:
            raise UserError("A clip is imported for one rig; give --rig once.")
        motion = _import(args.motion[0], specs[0] if specs else None, args.out, report)
        rig = motion.rig
        known = f", on {rig.name}: {len(rig.index_of_role)} roles by {rig.recognised}" if rig is not None else ""
        seconds, standing = motion.frame_count / motion.fps, (motion.contact > 0.5).any(axis=1).mean()
        report.emit("summary", text=f"{motion.frame_count} frames, {seconds:.1f} s at {motion.fps:g} a second{known}")
        report.emit(
            "summary", text=f"{len(motion.bones)} bones move, {len(motion.expressions)} expressions; a foot stands in {standing:.0%}"
        )
        report.artefact("motion", args.out)
        return {"import": str(args.out), "frames": motion.frame_count, "fps": motion.fps, "bones": len(motion.bones)}
    if len(specs) not in (1, len(args.motion)):
        raise UserError(f"There are {len(specs)} rigs for {len(args.motion)} of the motions; give each motion one, or one for all.")
    from ..synth_data.characters.clips import load_clip

    specs = specs * len(args.motion) if len(specs) == 1 else specs
    takes = [(load_clip(path, report=report), spec) for path, spec in zip(args.motion, specs, strict=True)]
    {"apply": _apply, "bvh": _bvh, "edit": _edit, "joints": _joints, "overlay": _overlay}[args.what](takes, args, report)
    report.artefact("motion" if args.what == "edit" else args.what, args.out)
    return {args.what: str(args.out), "frames": max(motion.frame_count for motion, _ in takes)}


def _import(clip: Path, spec: str | None, out: Path, report: Reporter) -> Any:
    from ..synth_data.characters.clips import load_clip
    from ..synth_data.characters.importing import rig_for
    from ..synth_data.retarget.transfer import transfer

    motion = load_clip(clip, report=report)
    if spec is not None:
        motion = transfer(motion, rig_for(spec, report=report))
    motion.save(out)
    return motion


def _apply(takes: list[tuple[Any, str]], args: argparse.Namespace, report: Reporter) -> None:
    from ..synth_data.retarget.apply import save_motion_blend

    save_motion_blend(takes, args.out, start_frame=args.start_frame, key_reduction=args.key_reduction, report=report)


def _bvh(takes: list[tuple[Any, str]], args: argparse.Namespace, report: Reporter) -> None:
    from ..synth_data.retarget.bvh import write_bvh

    write_bvh(*_fitted(*takes[0], report), args.out)


def _edit(takes: list[tuple[Any, str]], args: argparse.Namespace, report: Reporter) -> None:
    from ..synth_data.retarget.controls import edited

    controls = controls_of(args)
    rig, motion = _fitted(*takes[0], report)
    edited(motion, rig, controls).save(args.out)


def _joints(takes: list[tuple[Any, str]], args: argparse.Namespace, report: Reporter) -> None:
    from ..jobs.folder import write_atomically
    from ..synth_data.retarget.kinematics import forward_kinematics
    from ..synth_data.retarget.secondary import with_secondary

    rig, motion = _fitted(*takes[0], report)
    motion = with_secondary(motion, rig)
    heads, _ = forward_kinematics(rig, motion)
    frames = [dict(zip(rig.names, frame.round(6).tolist(), strict=True)) for frame in heads]
    write_atomically(args.out, json.dumps({"fps": motion.fps, "frames": frames}) + "\n")


def _overlay(takes: list[tuple[Any, str]], args: argparse.Namespace, report: Reporter) -> None:
    from ..synth_data.capture.motion_overlay import write_motion_overlay

    people = [_fitted(motion, spec, report) for motion, spec in takes]
    write_motion_overlay(args.video, people, args.out, report=report)


def _fitted(motion: Any, spec: str, report: Reporter) -> tuple[Any, Any]:
    """The rig of `spec`, and the motion on it."""
    from ..synth_data.characters.importing import rig_for
    from ..synth_data.retarget.transfer import on_rig

    rig = rig_for(spec)
    return rig, on_rig(motion, rig, report=report)
