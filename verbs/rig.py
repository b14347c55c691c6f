# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo rig`: what is recognised in a character, what is wrong with it, and a bone map to put it right."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from ..jobs.progress import Reporter

if TYPE_CHECKING:
    from ..synth_data.characters.examine import Findings
    from ..synth_data.characters.survey import Survey

HELP = "Show what is recognised in a character: bones, meshes, textures, expressions; write a bone map to edit, or the rig."
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
    from ..synth_data.characters.examine import examine
    from ..synth_data.characters.importing import FILE_TYPES
    from ..synth_data.retarget.bone_map import BoneMap, map_beside
    from ..synth_data.retarget.roles import ROLES

    if args.map and Path(args.character).suffix.lower() not in FILE_TYPES:
        raise UserError(f"{args.character} needs no bone map; make one for a {', '.join(FILE_TYPES[:-1])} or {FILE_TYPES[-1]}.")
    found = examine(args.character)
    recognition = found.recognition
    bones = {role: found.bones[index] for role, index in recognition.role_index.items()}
    for line in [*_roles(ROLES, bones), *_summary(found, len(ROLES)), *_parts(found.parts)]:
        report.emit("summary", text=line)
    for problem in found.problems:
        report.warning(problem)
    if args.map:
        beside = map_beside(args.character)
        BoneMap({role: bones.get(role) for role in ROLES}).save(beside)
        report.artefact("bone_map", beside)
    if found.rig is None:
        text = f"{args.character} is not a humanoid yet: {', '.join(recognition.missing)} must have bones"
        if args.out is not None or not args.map:
            raise UserError(f"{text}; fill them in where `ningyo rig {args.character} --map` says null.")
        report.warning(f"{text}; fill them in in {map_beside(args.character)}.")
    elif args.out is not None:
        found.rig.save(args.out)
        report.artefact("rig", args.out)
    return {
        "recognised": recognition.how,
        "bones": bones,
        "missing": recognition.missing,
        "chains": dict(found.chains),
        "swinging": found.swinging,
        **({} if found.parts is None else _as_json(found.parts)),
        "problems": found.problems,
    }


def _roles(roles: tuple[str, ...], bones: Mapping[str, str]) -> list[str]:
    """A line a role, left and right beside each other."""
    rows = [(role, bones.get(role, "-"), "") for role in roles if not role.startswith(("left_", "right_"))]
    for role in roles:
        if role.startswith("left_"):
            rest = role.removeprefix("left_")
            rows.append((rest, bones.get(role, "-"), bones.get(f"right_{rest}", "-")))
    return _columns(rows)


def _summary(found: Findings, roles: int) -> list[str]:
    recognised = found.recognition.role_index
    fingers = [side for side in ("left", "right") if f"{side}_index1" in recognised]
    eyes = [side for side in ("left", "right") if f"{side}_eye" in recognised]
    lines = [
        "",
        f"{len(recognised)} of {roles} roles, by {found.recognition.how}; {len(found.bones) - len(recognised)} other bones follow",
        f"fingers: {_sides(fingers)}; bones of the eyes: {_sides(eyes)}",
    ]
    if found.chains:
        some = ", ".join(f"{name} ({count} bones)" for name, count in found.chains[:6])
        more = f" and {len(found.chains) - 6} more" if len(found.chains) > 6 else ""
        lines.append(f"chains that hang from the body: {some}{more}; {found.swinging} bones swing with motions")
    return lines


def _sides(sides: list[str]) -> str:
    return {0: "no", 1: f"on the {''.join(sides)} alone", 2: "yes"}[len(sides)]


def _parts(parts: Survey | None) -> list[str]:
    if parts is None:
        return []
    rows = [("mesh", "vertices", "shape keys", "materials")]
    for mesh in parts.meshes:
        materials = ", ".join(mesh.materials) or "-"
        rows.append((mesh.name, f"{mesh.vertices:,}", str(len(mesh.keys)) if mesh.keys else "-", materials))
    lines = ["", *_columns(rows)] if parts.meshes else []
    if parts.textures:
        lines.append("")
        lines += _columns(
            [
                ("texture", "pixels", "material"),
                *((t.name, f"{t.size[0]}×{t.size[1]}" if t.size else "cannot be read", t.material) for t in parts.textures),
            ]
        )
    lines += ["", f"expressions: {', '.join(parts.expressions)}" if parts.expressions else "expressions: none"]
    return lines


def _as_json(parts: Survey) -> dict[str, Any]:
    return {
        "meshes": [
            {"name": m.name, "vertices": m.vertices, "materials": list(m.materials), "shape_keys": list(m.keys)} for m in parts.meshes
        ],
        "textures": [{"name": t.name, "material": t.material, "size": list(t.size) if t.size else None} for t in parts.textures],
        "expressions": list(parts.expressions),
    }


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, wide, strict=True)).rstrip() for row in rows]
