# SPDX-License-Identifier: GPL-3.0-or-later
"""Built-in characters: are they people to MediaPipe?

    .venv/bin/python benchmarks/characters.py [--seeds 50] [--pose stand] [--size PX …] [--out FOLDER]

renders the first seeds with a dataset's vertices and samples, before white, whole, from the front, and looks for a body in each picture as
`ningyo capture` looks for people, and with a bare PoseLandmarker in image mode at its own thresholds; and with a FaceLandmarker for a face
in a picture of each head, 256 px. Prints one JSON object: at each size the share in which a body was found whose nose lies in the
character's head, how far shoulders, elbows, wrists, hips, knees and ankles are from the rig's joints (median, % of the height), and the
share that the bare PoseLandmarker found; the share of faces; and the seeds that were missed. With --out the pictures are kept.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

# Role → number of MediaPipe's landmark, on the left; the right one follows.
LANDMARKS = {"upper_arm": 11, "forearm": 13, "hand": 15, "thigh": 23, "shin": 25, "foot": 27}
NOSE = 0
FIGURE, HEAD = 1.2, 0.42  # what a picture shows: of a figure, in its heights, and of a head, in metres
DISTANCE, OUTLINE, HEAD_PIXELS = 6.0, 1.25, 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--pose", default="stand")
    parser.add_argument("--size", type=int, nargs="+", default=[512, 256])
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    # Blender prints on the C level's stdout; ours is kept for the result.
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    with tempfile.TemporaryDirectory() as name:
        print(json.dumps(measured(args, Path(name)), indent=1), file=out)
    out.flush()
    os._exit(0)  # Blender's module before 5.0 can hang while the interpreter shuts down


def measured(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    from ningyo.synth_data.capture.bodies import Searcher
    from ningyo.synth_data.capture.landmarker import Landmarker, points, quiet_libraries

    with quiet_libraries():
        search, bare, face = Searcher(), Landmarker("pose", video=False), Landmarker("face", video=False)
        for landmarker in (bare, face):
            landmarker(np.zeros((256, 256, 3), np.uint8), 0.0)
    found: dict[int, list[bool]] = {size: [] for size in args.size}
    found_bare: dict[int, list[bool]] = {size: [] for size in args.size}
    errors: dict[int, list[float]] = {size: [] for size in args.size}
    faces: list[bool] = []
    for seed in range(args.seeds):
        pictures, joints = rendered(f"builtin:{seed}", args.pose, args.size, folder / "picture.tga")
        for size in args.size:
            bodies = [body.image[:, :2] for body in search(pictures[size])[0]]
            alone = [size * points(body)[:, :2] for body in bare(pictures[size], 0.0).pose_landmarks]
            body = with_nose_in_head(bodies, joints[size])
            found[size].append(body is not None)
            found_bare[size].append(with_nose_in_head(alone, joints[size]) is not None)
            if body is not None:
                errors[size].append(error(body, joints[size]) / (size / FIGURE))
        faces.append(bool(face(pictures[HEAD], 0.0).face_landmarks))
        if args.out is not None:
            keep(args.out, seed, pictures)
    result: dict[str, Any] = {"characters": args.seeds, "pose": args.pose}
    for size in args.size:
        result[str(size)] = {
            "found": round(float(np.mean(found[size])), 3),
            "joints_off_percent": round(100 * float(np.median(errors[size])), 2),
            "found_by_bare_landmarker": round(float(np.mean(found_bare[size])), 3),
            "missed": [seed for seed, there in enumerate(found[size]) if not there],
        }
    result["faces"] = {"found": round(float(np.mean(faces)), 3), "missed": [seed for seed, there in enumerate(faces) if not there]}
    return result


def rendered(spec: str, pose_name: str, sizes: list[int], scratch: Path) -> tuple[dict[Any, Any], dict[int, dict[str, Any]]]:
    """Pictures (S, S, 3) uint8 by size, and under HEAD of the head; by size the projected joints by role, px."""
    from ningyo.synth_data.characters.demo_poses import demo_pose
    from ningyo.synth_data.render.cameras import View, look_at
    from ningyo.synth_data.render.poses import Pose
    from ningyo.synth_data.render.scene import open_stage
    from ningyo.synth_data.render.surface import seen_through

    pictures: dict[Any, Any] = {}
    points: dict[int, dict[str, Any]] = {}
    with open_stage(spec, scratch) as stage:
        rig = stage.rig
        posed = Pose(*demo_pose(rig, pose_name))
        heads, rotations = posed.evaluate(rig)
        stage.set_pose(posed, rotations)
        surface = stage.surface()
        height = float(surface.vertices[:, 2].max())

        def picture(target: Any, extent: float, size: int) -> tuple[Any, Any]:
            focal = size * DISTANCE / extent
            K = np.array([[focal, 0, size / 2], [0, focal, size / 2], [0, 0, 1.0]])
            view = View(K, look_at(target, 0.0, 4.0, DISTANCE), size, 0.0, 4.0, DISTANCE)
            stage.set_outline(OUTLINE * view.pixel())
            stage.aim(view)
            rgba = stage.render(seen_through(view, surface)).astype(float)
            alpha = rgba[..., 3:] / 255
            camera = view.world_to_camera
            seen = (heads @ camera[:, :3].T + camera[:, 3]) @ K.T
            return np.rint(rgba[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8), seen[:, :2] / seen[:, 2:]

        head, top = heads[rig.index_of_role["head"]], heads[rig.index_of_role["head_end"]]
        for size in sizes:
            pictures[size], pixels = picture(np.array([0.0, 0.0, height / 2]), FIGURE * height, size)
            points[size] = {role: pixels[index] for role, index in rig.index_of_role.items()}
        pictures[HEAD], _ = picture((head + top) / 2, HEAD, HEAD_PIXELS)
        return pictures, points


def with_nose_in_head(bodies: list[Any], joints: dict[str, Any]) -> Any:
    """The first of bodies (33, 2) px whose nose is in the head, or None."""
    middle = (joints["head"] + joints["head_end"]) / 2
    reach = 0.75 * np.linalg.norm(joints["head_end"] - joints["head"])
    return next((body for body in bodies if np.linalg.norm(body[NOSE] - middle) < reach), None)


def error(body: Any, joints: dict[str, Any]) -> float:
    """The median distance of landmarks from the rig's joints, px."""
    sides = (("left", 0), ("right", 1))
    away = [body[number + k] - joints[f"{side}_{role}"] for role, number in LANDMARKS.items() for side, k in sides]
    return float(np.median(np.linalg.norm(away, axis=1)))


def keep(folder: Path, seed: int, pictures: dict[Any, Any]) -> None:
    from ningyo.synth_data.dataset.png import encode_png

    folder.mkdir(parents=True, exist_ok=True)
    for size, rgb in pictures.items():
        (folder / f"{seed:03d}-{'head' if size == HEAD else size}.png").write_bytes(encode_png(rgb))


if __name__ == "__main__":
    main()
