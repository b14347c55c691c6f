# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo render`: a character and motions become a dataset of picture and pose pairs."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..jobs.progress import Reporter

HELP = "Render a character in the poses of motions: pictures with transparency, skeletons and exact joints. Run again to resume."
EXAMPLE = "ningyo render --rig character.glb --motion dance.npz --out dataset --size 256 --count 800"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job_file", nargs="?", type=Path, metavar="JOB.toml", help="a job file, instead of the flags below")
    parser.add_argument(
        "--rig", action="append", metavar="RIG",
        help="a .glb, .gltf, .vrm, .fbx or .blend with a rigged character, builtin[:SEED], or builtin:1-50 for fifty; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--motion",
        action="append",
        type=Path,
        metavar="MOTION",
        help="a motion (.npz), or a clip (.fbx, .glb, .bvh); may be given several times",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DATASET", help="the dataset's folder")
    parser.add_argument("--size", type=int, metavar="PX", help="side of the pictures (default: 256)")
    parser.add_argument("--count", type=int, metavar="N", help="samples in all (default: every frame from every camera, and variations)")
    parser.add_argument(
        "--consecutive", type=int, metavar="N",
        help="frames of a clip in a row that one camera sees, in one look, for programs that train on sequences (default: 1)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, help="of everything random (default: 0)")
    parser.add_argument(
        "--labels", metavar="KINDS",
        help="what is written beside picture and joints, with commas between: skeleton (the default), mask, parts, depth, normal, uv, "
        "flow, head, limbs, capsules; or all",
    )  # fmt: skip
    parser.add_argument(
        "--set-aside", action="store_true",
        help="where DATASET holds one of another job, rename that to DATASET-1 and begin anew, instead of refusing",
    )  # fmt: skip
    parser.add_argument(
        "--ray", metavar="ADDRESS", help="render on a Ray cluster: auto for the one this machine is in, local for one of this machine alone"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="processes that render (default: one a core)")


def run(args: argparse.Namespace, report: Reporter) -> dict[str, Any]:
    """Render; returns where the dataset is and what is in it."""
    from ..synth_data.render.batch import render_dataset
    from ..synth_data.render.job import LABELS, RenderJob
    from ..synth_data.render.job_file import load_job

    flags = {
        "--rig": args.rig, "--motion": args.motion, "--size": args.size, "--count": args.count, "--seed": args.seed,
        "--labels": args.labels, "--consecutive": args.consecutive,
    }  # fmt: skip
    if args.job_file is not None:
        given = [flag for flag, value in flags.items() if value is not None]
        if given:
            raise UserError(f"Give a job file or {given[0]}, not both; the job file says it all.")
        job = load_job(args.job_file)
    else:
        if args.rig is None or not args.motion:
            raise UserError("Say what to render: --rig and --motion, or a job file (JOB.toml).")
        labels = "skeleton" if args.labels is None else args.labels
        job = RenderJob.from_flags(
            args.rig,
            args.motion,
            size=256 if args.size is None else args.size,
            count=args.count,
            seed=args.seed or 0,
            labels=LABELS if labels == "all" else [kind.strip() for kind in labels.split(",") if kind.strip()],
            consecutive=1 if args.consecutive is None else args.consecutive,
        )
    crew = None if args.ray is None else _on_cluster(args.ray)
    dataset = render_dataset(job, args.out, sets_aside=args.set_aside, workers=args.workers, crew=crew, report=report)
    report.artefact("dataset", args.out)
    counts = {split: len(samples) for split, samples in dataset.by_split.items()}
    return {"dataset": str(args.out), "samples": len(dataset.samples), **counts}


def _on_cluster(address: str) -> Callable[[Path, int | None], Any]:
    try:
        from ..synth_data.render.cluster import Cluster
    except ModuleNotFoundError as error:
        raise UserError("This Python has no Ray; install it with pip install 'ningyo[cluster]', or leave --ray out.") from error
    return lambda out, size: Cluster(out, size, address)
