# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo retarget`: people of a pose track onto rigs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..jobs.progress import Reporter
from .arguments import Filming, add_controls, add_filming, controls_of, person_id

HELP = "Put the motion of a person in a video, or of several, onto rigs."
EXAMPLE = "ningyo retarget out/track.npz --rig character.glb --focal-mm 35 --out out/motion.npz"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("track", type=Path, metavar="TRACK.npz", help="what `ningyo capture` wrote")
    parser.add_argument(
        "--rig", required=True, action="append", metavar="RIG",
        help="a .glb, .gltf, .vrm, .fbx, .blend or rig .json, or builtin[:SEED]; of several people one for each, or one for all",
    )  # fmt: skip
    parser.add_argument(
        "--person", type=person_id, action="append", metavar="ID",
        help="which person of the track: main (the default) or an id; repeat it for several, who keep their places in one world",
    )  # fmt: skip
    parser.add_argument(
        "--out", required=True, type=Path, metavar="MOTION.npz|FOLDER",
        help="the motion to write; of several people a folder for their person-ID.npz",
    )  # fmt: skip
    parser.add_argument("--fast", action="store_true", help="fewer steps of the solver: quicker, a little less exact")
    parser.add_argument("--closed-form", action="store_true", help="no solver: frame by frame, in a moment, with a guessed level camera")
    add_filming(parser)
    add_controls(parser)


def run(args: argparse.Namespace, report: Reporter) -> dict[str, Any]:
    people = args.person or [0]
    filming, controls = Filming.of(args), controls_of(args)
    pairs = _pairs(people, args.rig)
    if len(people) > 1 and (args.out.is_file() or args.out.suffix == ".npz"):
        raise UserError(f"{args.out} is to hold {len(people)} people; give the name of a folder.")
    if len(people) == 1 and args.out.is_dir():
        raise UserError(f"{args.out} is a folder; give the name of a file to write, such as {args.out / 'motion.npz'}.")
    if args.closed_form and (filming.anything or args.fast):
        raise UserError("The closed form guesses a level camera and has no slower way; leave --closed-form away, or what is said of both.")
    if args.closed_form and len(people) > 1:
        raise UserError("The closed form knows nothing of where people stand to each other; leave --closed-form away, or take one person.")

    from ..synth_data.characters.importing import rig_for
    from ..synth_data.pose.track import PoseTrack
    from ..synth_data.retarget.controls import edited

    track = PoseTrack.load(args.track, person=people[0] if len(people) == 1 else None)
    rigs = {spec: rig_for(spec, report=report) for spec in dict.fromkeys(args.rig)}
    solved = motions_of(
        track,
        {person: rigs[spec] for person, spec in pairs},
        filming,
        closed_form=args.closed_form,
        fast=args.fast,
        track_name=args.track.name,
        report=report,
    )
    made = {person: edited(solved[person], rigs[spec], controls) for person, spec in pairs}
    files = {people[0]: args.out} if len(people) == 1 else {person: args.out / f"person-{person}.npz" for person in people}
    for person, motion in made.items():
        motion.save(files[person])
        report.artefact("motion", files[person])
    report.emit("summary", text="\n".join(summary(list(made.values()), filming)))
    told = {person: result_of(motion) | {"motion": str(files[person])} for person, motion in made.items()}
    return told[people[0]] if len(people) == 1 else {"motion": str(args.out), "people": told}


def motions_of(
    track: Any, rigs: dict[int, Any], filming: Filming, *, closed_form: bool, fast: bool, track_name: str, report: Reporter
) -> dict[int, Any]:
    """By person, the Motion of `track` on their Rig: by the solver, or the one person's in closed form."""
    if closed_form:
        from ..synth_data.retarget import closed_form as way

        return {person: way.retarget(track, rig, person=person, track_name=track_name, report=report) for person, rig in rigs.items()}
    from ..synth_data.retarget.solver import retarget_people

    return retarget_people(
        track,
        rigs,
        camera=filming.camera(track.size),
        person_height=filming.person_height,
        fast=fast,
        track_name=track_name,
        report=report,
    )


def summary(motions: Sequence[Any], filming: Filming) -> list[str]:
    """What a person wants to know of the motions, a line each."""
    from ..synth_data.retarget.filming import FULL_FRAME, doubts, estimate_in_words, residual_in_words

    lines = []
    for motion in motions:
        if len(motions) > 1:
            lines.append(f"person {motion.source['person']}:")
        lines += estimate_in_words(motion, filming.sensor_mm or FULL_FRAME)
        lines.append(f"mean residual {residual_in_words(motion)}, {motion.frame_count} frames at {motion.fps:g} a second")
        lines += doubts(motion)
    return lines


def result_of(motion: Any) -> dict[str, Any]:
    """What goes into the `result` event of one motion."""
    return {
        "frames": motion.frame_count,
        "fps": motion.fps,
        "method": motion.method,
        "estimate": motion.estimate,
        "mean_residual": float(motion.residual.mean()),  # in the method's unit, see docs/architecture.md
        "untrusted": motion.untrusted,
    }


def _pairs(people: list[int], specs: list[str]) -> list[tuple[int, str]]:
    """Who goes onto which rig."""
    if len(set(people)) < len(people):
        raise UserError("A person is named twice with --person; name each once.")
    if len(specs) == 1:
        return [(person, specs[0]) for person in people]
    if len(specs) != len(people):
        raise UserError(f"There are {len(specs)} rigs for {len(people)} of the people; give each --person one --rig, in the same order.")
    return list(zip(people, specs, strict=True))
