# SPDX-License-Identifier: GPL-3.0-or-later
"""How inexact captured joints are: characters are rendered into a clip, standing still and moving, captured, and held against their rigs.

    .venv/bin/python benchmarks/pose_noise.py [--rig RIG …] [--motion CLIP] [--frames N] [--size PX] [--out FOLDER]

RIG is a character's file or builtin:SEED (default: builtin:0); CLIP a clip or a motion, played in place (default: every bone sways about
its place in the T-pose). Standing still is the clip's first frame, held. Pictures have the sensor's noise of a plain camera (2 of 255)
over a plain background and are encoded as `ningyo` writes movies; `ningyo capture` gets the movie with its default settings, and the
joints are placed in front of the true camera (`pose.placing`). Prints one JSON object; with --out the clips and tracks are kept there.

A captured joint is not where a rig's is: a person's elbow is inside the arm, a rig's where its maker put it. That constant part (the mean
over the clip) is `offset`; what is left is noise. Of each group of joints, RMS over its joints and frames:

* offset_px, noise_px: in the picture, a 512th of its side, along each axis;
* jitter_px: of noise, what changes from frame to frame (second differences / √6, which is the deviation of white noise);
* depth_offset, depth_noise: along the view, from the hips, per cent of the character's height;
* turn: noise of bones' directions, degrees about each of the two axes across them.

`distance` is the noise of the hips' distance from the camera, per cent of it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
FPS = 25
SENSOR = 2.0  # of 255
BACKGROUND = 215
GROUPS = {
    "head": np.r_[0, 15:19],
    "shoulders": np.array([2, 5]),
    "hips": np.array([9, 12]),
    "elbows": np.array([3, 6]),
    "wrists": np.array([4, 7]),
    "knees": np.array([10, 13]),
    "ankles": np.array([11, 14]),
    "toes": np.array([19, 22]),
    "fingers": np.r_[96:116, 117:137],
    "face": np.r_[25:95],
}
# From which point to which, by what hangs on the first (the names of `pose.noise.TURNS`).
BONES = {
    "torso": [(8, 1)],
    "head": [(1, 0)],
    "shoulder": [(2, 3), (5, 6)],
    "elbow": [(3, 4), (6, 7)],
    "wrist": [(95, 104), (116, 125)],
    "finger": [(first + 4 * k + 1, first + 4 * k + 3) for first in (95, 116) for k in range(1, 5)],
    "hip": [(9, 10), (12, 13)],
    "knee": [(10, 11), (13, 14)],
    "ankle": [(11, 22), (14, 19)],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rig", nargs="+", default=["builtin:0"])
    parser.add_argument("--motion", type=Path)
    parser.add_argument("--frames", type=int, default=75)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    # Blender prints on the C level's stdout; ours is kept for the result.
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = (args.out or Path(scratch)).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        result = {Path(rig).name: of_character(rig, folder, args) for rig in args.rig}
    print(json.dumps(result, indent=1), file=out)
    out.flush()
    os._exit(0)  # Blender's module before 5.0 can hang while the interpreter shuts down


def of_character(rig: str, folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    from ningyo.synth_data.dataset.folder import safe_name

    found: dict[str, Any] = {}
    for name in ("still", "moving"):
        clip = folder / f"{safe_name(Path(rig).name)}.{name}.mp4"
        points, K, height = filmed(rig, clip, args, moving=name == "moving")
        track = clip.with_suffix(".npz")
        command = [sys.executable, "-m", "ningyo", "capture", str(clip), "--out", str(track), "--person", "main"]
        # From the folder above the repository, so that it is the package `ningyo` whatever the working directory.
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT.parent)})
        found[name] = noise_of(track, points, K, height, args.size)
    return found


def filmed(rig: str, clip: Path, args: argparse.Namespace, *, moving: bool) -> tuple[np.ndarray, np.ndarray, float]:
    """Render the clip; its true points (F, 137, 3) camera-space metres, K (3, 3) and the character's height."""
    from ningyo.synth_data.dataset.sample import to_camera
    from ningyo.synth_data.render.cameras import Aim, view_of
    from ningyo.synth_data.render.poses import Pose, PoseSource
    from ningyo.synth_data.render.scene import open_stage
    from ningyo.synth_data.render.surface import seen_through
    from ningyo.synth_data.retarget.openpose_points import point_model
    from ningyo.synth_data.video.write import MovieWriter

    rng = np.random.default_rng(0)
    with open_stage(rig, clip.with_suffix(".part"), threads=1) as stage:
        source = PoseSource(stage.rig, motion_of(stage.rig, args))
        model, truth = point_model(stage.rig), []
        poses = [source.frame(i if moving else 0) for i in range(args.frames)]
        middle = np.mean([pose.root for pose in poses], 0)
        poses = [Pose(pose.local, np.array([middle[0], middle[1], pose.root[2]])) for pose in poses]
        places = []
        for pose in poses:
            heads, rotations = pose.evaluate(stage.rig)
            places.append((pose, rotations, model.points(heads[None], rotations[None])[0]))
        # One camera for the clip, which all of its frames fit into.
        body = np.stack([points for _, _, points in places])
        view = view_of(body[0], middle, stage.rig.height, args.size, Aim(10, 5, 4 * stage.rig.height), model.head_size)
        stage.set_outline(args.size / 512 * view.pixel())
        image = np.zeros(())
        with MovieWriter(clip, FPS, (args.size, args.size)) as movie:
            for number, (pose, rotations, points) in enumerate(places):
                if moving or number == 0:
                    stage.set_pose(pose, rotations)
                    stage.aim(view)
                    image = stage.render(seen_through(view, stage.surface())).astype(np.float64)
                alpha = image[..., 3:] / 255
                picture = image[..., :3] * alpha + BACKGROUND * (1 - alpha) + rng.normal(0, SENSOR, (args.size, args.size, 3))
                movie.write(np.clip(np.rint(picture), 0, 255).astype(np.uint8))
                truth.append(to_camera(points, view.world_to_camera))
        return np.stack(truth), view.K, stage.rig.height


def motion_of(rig: Any, args: argparse.Namespace) -> Any:
    from ningyo.synth_data.characters.clips import load_clip
    from ningyo.synth_data.retarget.motion import Motion

    if args.motion is None:
        from pairs import swaying

        return swaying(rig, args.frames)
    return Motion.load(args.motion) if args.motion.suffix == ".npz" else load_clip(args.motion)


def noise_of(track: Path, truth: np.ndarray, K: np.ndarray, height: float, size: int) -> dict[str, Any]:
    """The figures; `truth` (F, 137, 3) camera-space metres."""
    from ningyo.synth_data.pose.framing import project
    from ningyo.synth_data.pose.placing import placed
    from ningyo.synth_data.pose.track import PoseTrack

    warnings.filterwarnings("ignore", "Mean of empty slice")  # of what was never seen nothing is known
    captured = placed(PoseTrack.load(track), 0, K)
    frames = min(len(captured), len(truth))
    captured, truth = captured[:frames], truth[:frames]
    # MediaPipe's metres are those of a usual person: the character's own are the distance's ratio.
    ratio = np.nanmedian(truth[:, 8, 2]) / np.nanmedian(captured[:, 8, 2])
    pixels = (project(captured, K) - project(truth, K)) * 512 / size
    deep = 100 * (relative_depth(captured) * ratio - relative_depth(truth)) / height
    distance = captured[:, 8, 2] * ratio / truth[:, 8, 2]
    found: dict[str, Any] = {"frames": frames, "seen": share(captured[:, 8, 0]), "distance": round(100 * float(np.nanstd(distance)), 2)}
    for name, joints in GROUPS.items():
        error, depth = pixels[:, joints], deep[:, joints]
        offset, depth_offset = np.nanmean(error, 0), np.nanmean(depth, 0)
        noise = error - offset
        second = (noise[2:] - 2 * noise[1:-1] + noise[:-2]) / np.sqrt(6)
        found[name] = {
            "seen": share(error[..., 0]),
            "offset_px": rms(offset),
            "noise_px": rms(noise),
            "jitter_px": rms(second),
            "depth_offset": rms(depth_offset),
            "depth_noise": rms(depth - depth_offset),
        }
    found["turn"] = {name: turn(captured, truth, bones) for name, bones in BONES.items()}
    return found


def relative_depth(points: np.ndarray) -> np.ndarray:
    return points[..., 2] - points[:, 8, None, 2]


def turn(captured: np.ndarray, truth: np.ndarray, bones: list[tuple[int, int]]) -> float | None:
    errors = []
    for a, b in bones:
        ours, real = (unit(points[:, b] - points[:, a]) for points in (captured, truth))
        error = np.cross(real, ours)  # the sine of the angle about each axis
        errors.append((error - np.nanmean(error, 0)) / np.sqrt(2))
    return rms(np.degrees(np.linalg.norm(np.stack(errors), axis=-1)))


def unit(v: np.ndarray) -> np.ndarray:
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


def rms(values: np.ndarray) -> float | None:
    return round(float(np.sqrt(np.nanmean(values**2))), 2) if np.isfinite(values).any() else None


def share(values: np.ndarray) -> float:
    return round(float(np.isfinite(values).mean()), 2)


if __name__ == "__main__":
    main()
