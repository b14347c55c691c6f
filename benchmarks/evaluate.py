# SPDX-License-Identifier: GPL-3.0-or-later
"""How much a model's silhouette trembles under a still pose whose joints are noisy, beside the rig itself in the same poses.

    .venv/bin/python benchmarks/evaluate.py MODEL DATASET [--poses N] [--out FOLDER]

takes pose and camera of N held-out samples (8, evenly spread), renders each as a clip that stands still (512², sensor noise,
H.264), and captures that clip, so that the noise of landmarks is that which MediaPipe has on this character: raw, and steadied as a capture
is. Then the same pose, its joints displaced by white noise of that size in 60 pictures, is drawn by the model and by Blender from the very
same joints. Printed, as one JSON object, for both noises:

* noise: standard deviation of a landmark's x and of its y, in per cent of the figure's height, the mean of the poses;
* model, rig, capsules: RMS second difference of the silhouette's centroid (px) and of its area (per cent), the root of the poses' mean
  square; capsules are the conditioning;
* ratio: model to rig. Above 1 the model trembles more than an exact renderer does under the same noise;
* ratios: each pose's.

FOLDER gets movies of the 60 pictures, rig left and model right. The dataset must have been rendered from motions with this version.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
FRAMES, FPS = 60, 25
CLIP_SIZE, SENSOR_NOISE = 512, 4.0  # px; standard deviation of each channel, of 255


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--poses", type=int, default=8)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    # Blender prints on the C level's stdout; ours is kept for the result.
    result = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    print(json.dumps(still_poses(args.model, args.dataset, args.poses, args.out), indent=1), file=result, flush=True)


def still_poses(model: Path, dataset: Path, poses: int, out: Path | None) -> dict[str, Any]:
    from ningyo.synth_data.pose.conditions import condition_named
    from ningyo.training.checkpoint import load_model
    from ningyo.training.data import open_character
    from ningyo.training.evaluate import runner
    from ningyo.training.evaluation.held_out import HeldOut
    from ningyo.training.evaluation.sheets import spread

    network, config = load_model(model)
    data = open_character(dataset, config.get("character"))
    test = HeldOut(data)
    drawing = condition_named(config["conditioning"])
    run = runner(network, drawing)
    noises: dict[str, list[float]] = {}
    shaken: dict[str, list[dict[str, Any]]] = {}
    for index in spread(len(test), poses):
        with _figure(test, index) as figure:
            for name, noise in landmark_noises(figure).items():
                noises.setdefault(name, []).append(100 * noise)
                movie = out / f"still_{name}_{test.samples[index].id}.mp4" if out is not None else None
                shaken.setdefault(name, []).append(_shaken(figure, noise, run, drawing, movie))
    result: dict[str, Any] = {"poses": len(next(iter(noises.values())))}
    for name, rows in shaken.items():
        rms = {kind: np.sqrt(np.mean(np.square([row[kind] for row in rows]), 0)) for kind in rows[0]}
        result[name] = {"noise": round(float(np.mean(noises[name])), 4)} | {kind: np.round(pair, 4).tolist() for kind, pair in rms.items()}
        result[name]["ratio"] = np.round(rms["model"] / rms["rig"], 3).tolist()
        result[name]["ratios"] = [np.round(np.divide(row["model"], row["rig"]), 2).tolist() for row in rows]
    return result


def _shaken(figure: _Figure, noise: float, run: Any, drawing: Any, movie: Path | None) -> dict[str, Any]:
    """How much each kind of silhouette trembles in one pose: (centroid, area)."""
    from ningyo.training import metrics
    from ningyo.training.evaluation.still import trembling

    shown: dict[str, list[Any]] = {"model": [], "rig": [], "capsules": []}
    pictures = []
    for pose in trembling(figure.rig, figure.pose, noise * figure.rig.height, FRAMES):
        packed, head = figure.conditioning(pose, drawing)
        made, rendered = run(packed, head), figure.render(pose)
        capsules = np.repeat((packed[None, ..., 0] > 0).astype(np.float32), 4, 0)
        for kind, picture in (("model", made), ("rig", rendered), ("capsules", _tensor(capsules))):
            shown[kind].append(metrics.silhouette(picture))
        pictures.append((rendered, made))
    if movie is not None:
        _write_movie(movie, pictures)
    return {kind: metrics.shake(np.array(rows)) for kind, rows in shown.items()}


def landmark_noises(figure: _Figure) -> dict[str, float]:
    """What `ningyo capture` makes of the figure standing still in a movie, raw and steadied."""
    from ningyo.synth_data.capture.capture import Settings, capture
    from ningyo.synth_data.video.write import MovieWriter
    from ningyo.training.evaluation.rows import displayed
    from ningyo.training.evaluation.still import landmark_noise

    picture = displayed(figure.render(figure.pose, CLIP_SIZE)).astype(np.float64)
    rng = np.random.default_rng(0)
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        movie = Path(scratch) / "still.mp4"
        with MovieWriter(movie, FPS, (CLIP_SIZE, CLIP_SIZE)) as writer:
            for _ in range(FRAMES):
                writer.write(np.rint(np.clip(picture + rng.normal(0, SENSOR_NOISE, picture.shape), 0, 255)).astype(np.uint8))
        for name, kind in (("raw", "none"), ("steadied", "offline")):
            settings = Settings(parts=False, filter=kind, bridge=0, fast=True)
            found[name] = landmark_noise(capture([movie], Path(scratch) / f"{name}.npz", settings=settings).body_image[0, ..., :2])
    return found


class _Figure:
    """The character of a held-out sample on a stage, in its pose and seen by its camera."""

    def __init__(self, stage: Any, test: Any, index: int) -> None:
        from ningyo.synth_data.dataset.splits import TAIL
        from ningyo.synth_data.render.cameras import View, direction
        from ningyo.synth_data.render.cast import motion_path
        from ningyo.synth_data.render.poses import PoseSource
        from ningyo.synth_data.retarget.motion import Motion
        from ningyo.synth_data.retarget.openpose_points import point_model

        self.stage, self.rig, sample = stage, stage.rig, test.samples[index]
        motion = Motion.load(motion_path(test.dataset.path, sample.clip.removesuffix(TAIL)))
        self.pose = PoseSource(self.rig, motion, mirrored=sample.mirrored, around=sample.frame).frame(sample.frame)
        self._known = known = test.pose(index)
        camera, look = sample.camera, sample.details["look"]
        self._model = point_model(self.rig)
        apart = np.nanmax(np.abs(self._points(self.pose) - known.points_3d))
        if apart > 1e-3:
            raise SystemExit(f"The pose made anew is {1000 * apart:.1f} mm from the dataset's; render the dataset with this version.")
        self.view = View(known.K, known.world_to_camera, test.size, camera["yaw"], camera["elevation"], camera["distance"])
        self._outline = look["outline"]
        stage.set_look(direction(*look["light"]), look["tones"], look["palette"])

    def _points(self, pose: Any) -> Array:
        heads, rotations = pose.evaluate(self.rig)
        return self._model.points(heads[None], rotations[None])[0]

    def conditioning(self, pose: Any, drawing: Any) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Packed conditioning and the head's square."""
        from ningyo.synth_data.pose.head import head_square
        from ningyo.synth_data.retarget.secondary_points import secondary_points

        heads, rotations = pose.evaluate(self.rig)
        swinging = secondary_points(self.rig, heads[None], rotations[None])[0]
        seen = dataclasses.replace(self._known, points_3d=self._points(pose), secondary_3d=swinging)
        drawn = drawing.draw(seen.drawn_points, seen.K, self.view.size, self.rig.height)
        return drawn, head_square(seen.points_camera, seen.K, self.rig.height)

    def render(self, pose: Any, size: int | None = None) -> Any:
        """The rig in a pose: premultiplied RGBA (4, H, W)."""
        from ningyo.synth_data.render.surface import seen_through
        from ningyo.training.data import premultiplied

        view = self.view
        if size is not None:
            K = view.K.copy()
            K[:2] *= size / view.size
            view = dataclasses.replace(view, K=K, size=size)
        self.stage.set_pose(pose, pose.evaluate(self.rig)[1])
        self.stage.set_outline(self._outline * self.view.pixel())
        self.stage.aim(view)
        picture = premultiplied(self.stage.render(seen_through(view, self.stage.surface())))
        return _tensor(np.moveaxis(picture.astype(np.float32) / 255, -1, 0))


@contextmanager
def _figure(test: Any, index: int) -> Iterator[_Figure]:
    from ningyo.synth_data.render.job import detail_of
    from ningyo.synth_data.render.job_file import JOB, load_job
    from ningyo.synth_data.render.scene import open_stage

    job = load_job(test.dataset.path / JOB)
    with (
        tempfile.TemporaryDirectory() as scratch,
        open_stage(job.characters[0].rig, Path(scratch) / "picture", detail=detail_of(job)) as stage,
    ):
        yield _Figure(stage, test, index)


def _tensor(picture: NDArray[np.float32]) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(picture))


def _write_movie(path: Path, pictures: list[tuple[Any, Any]]) -> None:
    from ningyo.synth_data.video.write import MovieWriter
    from ningyo.training.evaluation.rows import displayed

    height, width = pictures[0][0].shape[-2:]
    with MovieWriter(path, FPS, (2 * width, height)) as writer:
        for pair in pictures:
            writer.write(np.concatenate([displayed(picture) for picture in pair], 1))


if __name__ == "__main__":
    main()
