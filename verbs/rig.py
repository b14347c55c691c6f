# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo rig`: what is recognised in a character's armature, and a bone map to put it right."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..jobs.progress import Reporter

HELP = "Show which bone of a character is what; write a bone map to edit, or the rig."
EXAMPLE = "ningyo rig character.fbx --map"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "character",
        metavar="CHARACTER",
        help="a .glb, .gltf, .vrm, .fbx, .blend or rig .json, or builtin[:SEED]; CHARACTER.bones.json is used",
    )
    parser.add_argument(
        "--map",
        action="store_true",
        help="write CHARACTER.bones.json beside the character: each role's bone, or null; edit it, and every verb goes by it",
    )
    parser.add_argument("--out", type=Path, metavar="RIG.json", help="write the rig")


def run(args: argparse.Namespace, report: Reporter) -> dict[str, Any]:
    from ..synth_data.characters.importing import FILE_TYPES, recognition_for, rig_for
    from ..synth_data.retarget.bone_map import BoneMap, map_beside
    from ..synth_data.retarget.roles import ROLES

    if args.map and Path(args.character).suffix.lower() not in FILE_TYPES:
        raise UserError(f"{args.character} needs no bone map; make one for a {', '.join(FILE_TYPES[:-1])} or {FILE_TYPES[-1]}.")
    names, recognition = recognition_for(args.character)
    bones = {role: names[index] for role, index in recognition.role_index.items()}
    for line in _table(ROLES, bones):
        report.emit("summary", text=line)
    report.emit("summary", text=f"{len(bones)} of {len(ROLES)} roles, by {recognition.how}; {len(names) - len(bones)} other bones follow")
    if args.map:
        beside = map_beside(args.character)
        BoneMap({role: bones.get(role) for role in ROLES}).save(beside)
        report.artefact("bone_map", beside)
    if recognition.missing:
        text = f"{args.character} is not a humanoid yet: {', '.join(recognition.missing)} must have bones"
        if args.out is not None or not args.map:
            raise UserError(f"{text}; fill them in where `ningyo rig {args.character} --map` says null.")
        report.warning(f"{text}; fill them in in {map_beside(args.character)}.")
    else:
        rig = rig_for(args.character, report=report)
        if args.out is not None:
            rig.save(args.out)
            report.artefact("rig", args.out)
    return {"recognised": recognition.how, "bones": bones, "missing": recognition.missing}


def _table(roles: tuple[str, ...], bones: Mapping[str, str]) -> list[str]:
    """A line a role, left and right beside each other."""
    rows = [(role, bones.get(role, "-"), "") for role in roles if not role.startswith(("left_", "right_"))]
    for role in roles:
        if role.startswith("left_"):
            rest = role.removeprefix("left_")
            rows.append((rest, bones.get(role, "-"), bones.get(f"right_{rest}", "-")))
    wide = [max(len(row[column]) for row in rows) for column in range(2)]
    return [f"{role:{wide[0]}}  {left:{wide[1]}}  {right}".rstrip() for role, left, right in rows]
