# SPDX-License-Identifier: GPL-3.0-or-later
"""Retargeting measured against exact ground truth.

    .venv/bin/python benchmarks/retarget.py --rigs FOLDER [--only NAME …] [--out FOLDER]
    .venv/bin/python benchmarks/retarget.py --rig RIG --clip CLIP [--fps N] [--frames A B] [--yaw DEGREES] [--walks] [--rest RIG]

A clip is put on a rig and rendered with Blender by a known camera; joints, rotations and contacts of every frame are written down
(truth.npz beside video.mp4). The video is then captured and retargeted as a user would, in several ways, and a table is printed for each
clip and for their mean. The first form films the standard shots, for which FOLDER holds ybot.glb, dancing.glb, walking.glb and look.fbx;
the second one shot of your own. Its rig is what `ningyo retarget --rig` takes; its clip a GLB, FBX, BVH, .blend or a Ningyo motion made
for the rig; --walks adds the forward travel to somebody who walks on the spot; --rest is the character of a clip of bare nodes. Videos,
truths and tracks are kept in --out and made once.

The columns:

* MPJPE, PA: mean distance of 12 limb joints, mm, relative to the hips, true scale; PA after the best similarity of each frame.
* u.arm … hand: mean angle to the true rotation, degrees, twist included; finger: of the bends of four fingers.
* slide: horizontal speed of heels and balls of the feet while they truly stand, cm/s; the first row is the truth's own.
* acc: difference of the limb joints' second differences, mm/frame². root: distance of the hips, cm, its mean taken away; abs: not taken.
* px: distance of 14 joints in the picture, each through its own camera. pen: depth of the soles beyond 2 cm under the floor, cm; the most.

An estimate that knows nothing of the camera has a world of its own: it is turned about the vertical until its camera looks where the true
one does (and, for `abs` only, shifted over the floor until the cameras meet); nothing else is fitted.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from ningyo.synth_data.capture.capture import Settings, capture
from ningyo.synth_data.pose.filters import savitzky_golay
from ningyo.synth_data.pose.track import PoseTrack
from ningyo.synth_data.retarget import closed_form, solver
from ningyo.synth_data.retarget.motion import Motion
from ningyo.synth_data.retarget.root import standing_height
from truth.file import Truth
from truth.make import ACTOR, FOCAL, Shot, make
from truth.metrics import camera_centre, camera_pitch
from truth.naive import swings
from truth.scores import evaluate

STUDY = tuple(f"{clip}-{yaw}" for clip in ("dancing", "walking", "look") for yaw in (0, 60))
# The solver's weights were chosen on these, and on the first three motions through cameras that look down or up.
TUNED = ("dancing_b-30", "dancing_builtin-0", "look_builtin-0", "walking-0")
SMOOTH_SECONDS = 0.35
Row = dict[str, float]


def standard_shots(folder: Path, out: Path) -> list[Shot]:
    ybot, builtin, actor = str(folder / "ybot.glb"), "builtin:1", out / ACTOR
    nodes: dict[str, Any] = {"fps": 30.0, "rest": folder / "ybot.glb"}
    dancing, walking, look = (folder / name for name in ("dancing.glb", "walking.glb", "look.fbx"))
    shots = []
    for yaw in (0.0, 60.0):
        shots += [
            Shot(f"dancing-{yaw:.0f}", ybot, dancing, yaw=yaw, frames=(0, 90), **nodes),
            Shot(f"walking-{yaw:.0f}", ybot, walking, yaw=yaw, frames=(0, 39), repeat=90, walks=True, **nodes),
            Shot(f"look-{yaw:.0f}", ybot, look, fps=15.0, yaw=yaw, frames=(0, 67)),
        ]
    return [
        *shots,
        Shot("dancing_b-30", ybot, dancing, yaw=30.0, frames=(200, 320), **nodes),
        Shot("look_builtin-0", builtin, look, fps=15.0, yaw=0.0, frames=(0, 67)),
        Shot("dancing_builtin-0", builtin, dancing, yaw=0.0, frames=(0, 90), **nodes),
        Shot("dancing_c-0", ybot, dancing, yaw=0.0, frames=(400, 520), **nodes),
        Shot("dancing_d-60", ybot, dancing, yaw=60.0, frames=(520, 620), **nodes),
        Shot("walking_builtin-45", "builtin:4", walking, yaw=-45.0, frames=(0, 39), repeat=90, walks=True, **nodes),
        Shot("performance-0", ybot, actor, fps=25.0, yaw=0.0),
        Shot("performance_human-0", str(actor), actor, fps=25.0, yaw=0.0),
        Shot("performance_p12-30", str(actor), actor, fps=25.0, yaw=30.0, pitch=12.0, focal_px=500.0),
        Shot("walking_human-30", str(actor), walking, yaw=30.0, frames=(0, 39), repeat=90, walks=True, **nodes),
        Shot("still_human-0", str(actor), actor, fps=25.0, yaw=0.0, frames=(0, 1), repeat=60),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rigs", type=Path, metavar="FOLDER", help="where ybot.glb, dancing.glb, walking.glb and look.fbx are")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="of the standard shots, only these")
    parser.add_argument("--rig", metavar="RIG", help="for a shot of your own: the character")
    parser.add_argument("--clip", type=Path, metavar="CLIP", help="for a shot of your own: the motion")
    parser.add_argument("--yaw", type=float, default=0.0, metavar="DEGREES", help="how far around the figure the camera is (default: 0)")
    parser.add_argument("--pitch", type=float, default=0.0, metavar="DEGREES", help="how far down it looks (default: 0)")
    parser.add_argument(
        "--focal-px", type=float, default=FOCAL, metavar="PX", help=f"its focal length (default: {FOCAL:g}; the picture: 512)"
    )
    parser.add_argument("--fps", type=float, default=30.0, metavar="N", help="frames a second of the video (default: 30)")
    parser.add_argument("--frames", type=int, nargs=2, default=(0, 120), metavar=("A", "B"), help="of the clip (default: 0 120)")
    parser.add_argument("--walks", action="store_true", help="add forward travel to somebody who walks on the spot")
    parser.add_argument("--rest", type=Path, metavar="RIG", help="the rigged glTF of a clip of bare nodes")
    parser.add_argument("--out", type=Path, default=Path("out/truth"), metavar="FOLDER", help="where all is kept (default: out/truth)")
    parser.add_argument("--film", action="store_true", help="make the videos and truths, and no more")
    args = parser.parse_args()
    if args.clip is not None and args.rig is not None:
        shot = Shot("", args.rig, args.clip, args.fps, args.yaw, tuple(args.frames), walks=args.walks, rest=args.rest)
        shot = replace(shot, pitch=args.pitch, focal_px=args.focal_px)
        known = hashlib.sha256(repr(shot).encode()).hexdigest()[:8]  # what is kept must be of the same shot
        shots = [replace(shot, name=f"{args.clip.stem}_{Path(args.rig).stem}_{known}".replace(":", ""))]
    elif args.rigs is not None:
        shots = [shot for shot in standard_shots(args.rigs, args.out) if args.only is None or shot.name in args.only]
    else:
        parser.error("give --rigs FOLDER, or --rig and --clip")

    tables: dict[str, dict[str, Row]] = {}
    for shot in shots:
        folder = args.out / shot.name
        truth = make(shot, folder)
        if not args.film:
            tables[shot.name] = measure(truth, folder)
            title = (
                f"{shot.name}: {shot.clip.name}, {len(truth.time)} frames at {shot.fps:g} a second; used for tuning: {use_of(shot.name)}"
            )
            print_table(title, tables[shot.name])
    if len(tables) > 1:
        for title, names in groups_of(list(tables)).items():
            print_table(f"Mean of {title}: {', '.join(names)}", mean_of([tables[name] for name in names]))
        print_summary(tables)


def use_of(name: str) -> str:
    """Whether a shot was used for tuning: yes, its motion on another figure or through another camera, or no."""
    if name in TUNED:
        return "yes"
    return "its motion" if motion_of(name) in map(motion_of, TUNED) else "no"


def motion_of(name: str) -> str:
    """From a shot's name, MOTION_FIGURE-YAW, with Y Bot unsaid."""
    return name.rpartition("-")[0].removesuffix("_builtin").removesuffix("_human")


def groups_of(names: list[str]) -> dict[str, list[str]]:
    """Those of more than one shot."""
    groups = {"the six of the study, on Y Bot": [name for name in names if name in STUDY]}
    for title, use in (("motions never used for tuning", "no"), ("motions used in other shots", "its motion"), ("shots used", "yes")):
        groups[title] = [name for name in names if use_of(name) == use]
    return {title: chosen for title, chosen in groups.items() if len(chosen) > 1}


def measure(truth: Truth, folder: Path) -> dict[str, Row]:
    """The rows of a clip's table."""
    video = folder / "video.mp4"
    track = capture([video], folder / "track.npz")
    one_look = capture([video], folder / "track_fast.npz", settings=Settings(fast=True))
    plain = capture([video], folder / "track_unfiltered.npz", settings=Settings(filter="none", parts=False, fast=True))
    view = truth.camera.world_to_camera
    height = float(camera_centre(view)[2]) - standing_height(truth.rig)
    known = solver.KnownCamera(focal_px=truth.camera.focal_px, height=height, pitch=camera_pitch(view))
    rows: dict[str, Row] = {}
    ways: dict[str, Callable[[], Motion]] = {
        "the truth itself": truth.motion,
        "naive swings, frame by frame": lambda: swings(plain, truth.rig),
        "naive, Savitzky-Golay 0.35 s": lambda: swings(smoothed(plain), truth.rig),
        "closed form": lambda: closed_form.retarget(track, truth.rig),
        "closed form, Savitzky-Golay 0.35 s": lambda: closed_form.retarget(smoothed(track), truth.rig),
        "solver, camera given": lambda: solver.retarget(track, truth.rig, camera=known),
        "solver, nothing given": lambda: solver.retarget(track, truth.rig),
        "capture and solver --fast, nothing given": lambda: solver.retarget(one_look, truth.rig, fast=True),
    }
    for name, way in ways.items():
        start = time.perf_counter()
        motion = way()
        seconds = time.perf_counter() - start
        rows[name] = {**evaluate(motion, truth), "s": seconds}
        motion.save(folder / f"{name.replace(' ', '_').replace(',', '')}.motion.npz")
    return rows


def smoothed(track: PoseTrack) -> PoseTrack:
    """The track with its bodies through a Savitzky-Golay filter of order 2."""
    weights = track.body_visibility[..., None] + 0.05

    def smooth(values: Any) -> Any:
        people = [savitzky_golay(v, SMOOTH_SECONDS, track.time, w) for v, w in zip(values, weights, strict=True)]
        return np.stack(people).astype(np.float32)

    return replace(track, body_image=smooth(track.body_image), body_world=smooth(track.body_world))


def mean_of(tables: list[dict[str, Row]]) -> dict[str, Row]:
    names = [name for name in tables[0] if all(name in table for table in tables)]
    return {name: {key: _mean([table[name][key] for table in tables]) for key in tables[0][name]} for name in names}


def _mean(values: list[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def print_table(title: str, rows: dict[str, Row]) -> None:
    columns = [key for key in next(iter(rows.values())) if key != "frames"]
    print(f"\n{title}\n\n| | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for name, row in rows.items():
        print(f"| {name} | {' | '.join(shown(key, row[key]) for key in columns)} |", flush=True)


def print_summary(tables: dict[str, dict[str, Row]]) -> None:
    """MPJPE and slide of every clip, one column a way."""
    ways = [way for way in next(iter(tables.values())) if all(way in rows for rows in tables.values())]
    print(f"\nMPJPE, mm (slide, cm/s)\n\n| | used for tuning | {' | '.join(ways)} |\n|---|---|{'---|' * len(ways)}")
    for name, rows in tables.items():
        cells = [f"{shown('MPJPE', rows[way]['MPJPE'])} ({shown('slide', rows[way]['slide'])})" for way in ways]
        print(f"| {name} | {use_of(name)} | {' | '.join(cells)} |", flush=True)


def shown(key: str, value: float) -> str:
    if np.isnan(value):
        return "–"
    return f"{value:.2f}" if key.startswith("pen") else f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}"


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # Blender's module before 5.0 can hang while the interpreter shuts down
