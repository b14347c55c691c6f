# SPDX-License-Identifier: GPL-3.0-or-later
"""What filtering of captured landmarks is worth, on clips whose joints are known exactly and on real ones.

    .venv/bin/python benchmarks/filtering.py [--clips FOLDER] [VIDEO …]

Two clips are rendered with Blender (Cycles) from the sample clip's figure and room, get a sensor's noise, and are written as H.264: one in
which the figure stands, breathing, and one in which it waves an arm twice a second. They are kept in FOLDER (some minutes to make;
made once). MediaPipe looks at them in its video mode, which smooths by itself, and picture by picture; `ningyo capture --fast` looks in
regions of its own. Each track is then filtered in four ways. Printed, as Markdown:

* jitter of the standing figure: the median over joints and frames of |x(t) − x(t−1)| and of |x(t) − 2x(t−1) + x(t−2)|, and how many times
  smaller than the raw track's;
* of the waving wrist: lag in frames (peak of the cross-correlation, between frames by a parabola) behind the exact joint and behind the
  raw track, the share of the raw track's amplitude at the wave's rate that is kept, and the RMS distance from the exact joint, each about
  its mean;
* of each VIDEO: the same jitter in its quietest fifth, and the median error of bridges over frames that were hidden, straight and following
  the motion.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
FPS = 25
SIZE = (336, 384)
SENSOR_NOISE = 4.0  # standard deviation of each channel, of 255
SECONDS = {"stand": 4.0, "wave": 3.5}
WAVE_HZ = 2.0


def performance(clip: str) -> list[Any]:
    """The poses between which the figure moves."""
    from ningyo.synth_data.characters.actor_motion import Pose

    if clip == "stand":
        return [Pose(0.0), Pose(SECONDS[clip] / 2, hips=(0.004, 0, 0), lean=0.3), Pose(SECONDS[clip])]
    arm = (58.0, 30.0, 172.0, 20.0), (62.0, 26.0, 118.0, 14.0)
    turns = np.arange(round(2 * WAVE_HZ * SECONDS[clip]) + 1)
    return [Pose(float(i) / (2 * WAVE_HZ), right=arm[i % 2], palm=(0.15, 1), curl=(14, 3)) for i in turns]


def render(clip: str, folder: Path) -> None:
    """Write `clip`.mp4 and `clip`.npz, the joints' exact places: `names` (B,), `pixels` (F, B, 2), `metres` (F, B, 3)."""
    import bpy
    from ningyo.synth_data.characters import actor_clip, actor_motion
    from ningyo.synth_data.characters.builtin.skeleton import PREFIX
    from ningyo.synth_data.video.write import MovieWriter

    actor_motion.POSES[:] = performance(clip)
    armature, shape = actor_clip.build_scene()
    scene: Any = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = SIZE
    camera = scene.camera
    focal = SIZE[1] * camera.data.lens / camera.data.sensor_height
    noise = np.random.default_rng(0)
    metres = []
    with tempfile.TemporaryDirectory() as scratch, MovieWriter(folder / f"{clip}.mp4", FPS, SIZE) as movie:
        for index in range(round(SECONDS[clip] * FPS)):
            actor_clip.pose(armature, shape, index / FPS)
            picture = actor_clip.render_frame(Path(scratch) / "frame.png")
            movie.write(np.rint(np.clip(picture + noise.normal(0, SENSOR_NOISE, picture.shape), 0, 255)).astype(np.uint8))
            metres.append([armature.matrix_world @ bone.head for bone in armature.pose.bones])
    seen = np.array(metres)
    view = np.array(camera.matrix_world.inverted())
    x, y, z = np.moveaxis(seen @ view[:3, :3].T + view[:3, 3], -1, 0)
    pixels = np.stack([SIZE[0] / 2 - focal * x / z, SIZE[1] / 2 + focal * y / z], axis=-1)
    names = [bone.name.removeprefix(PREFIX) for bone in armature.pose.bones]
    np.savez(folder / f"{clip}.npz", names=names, pixels=pixels, metres=seen)


def detect(video: Path, mode: str) -> dict[str, Any]:
    """MediaPipe's body of every frame: `time` (F,), `image` (F, 33, 2) px, `world` (F, 33, 3) metres, `visibility` (F, 33)."""
    from ningyo.synth_data.capture.capture import Settings, capture
    from ningyo.synth_data.capture.landmarker import Landmarker, points, quiet_libraries
    from ningyo.synth_data.video.read import read_frames

    if mode == "capture":
        with tempfile.TemporaryDirectory() as scratch:
            track = capture([video], Path(scratch) / "track.npz", settings=Settings(parts=False, filter="none", bridge=0, fast=True))
        places, world, visibility = track.body_image[0, ..., :2], track.body_world[0], track.body_visibility[0]
        return {"time": track.time, "image": places.astype(float), "world": world.astype(float), "visibility": visibility}
    rows: dict[str, list[Any]] = {"time": [], "image": [], "world": [], "visibility": []}
    with quiet_libraries():
        landmarker = Landmarker("pose", video=mode == "video", num_poses=1)
        for frame in read_frames(video):
            height, width = frame.rgb.shape[:2]
            found = landmarker(frame.rgb, frame.time)
            seen = bool(found.pose_landmarks)
            rows["time"].append(frame.time)
            rows["image"].append(points(found.pose_landmarks[0])[:, :2] * (width, height) if seen else np.full((33, 2), np.nan))
            rows["world"].append(points(found.pose_world_landmarks[0]) if seen else np.full((33, 3), np.nan))
            rows["visibility"].append([point.visibility for point in found.pose_landmarks[0]] if seen else np.zeros(33))
        landmarker.close()
    return {name: np.array(values) for name, values in rows.items()}


def height_of(values: Array) -> float:
    return float(np.nanmedian(np.ptp(values[..., 1], axis=1)))


def filtered(values: Array, time: Array, visibility: Array) -> dict[str, Array]:
    from ningyo.synth_data.pose.filters import savitzky_golay
    from ningyo.synth_data.pose.one_euro import OneEuro
    from ningyo.synth_data.pose.steady import steady

    height = height_of(values)
    one_euro = OneEuro(min_cutoff=1.0, beta=40.0)  # of body heights a second
    return {
        "raw": values,
        "steady": steady(values, time, visibility, height),
        "1€, online": np.array([one_euro.filter(row / height, at) for row, at in zip(values, time, strict=True)]) * height,
        "Savitzky-Golay 0.35 s": savitzky_golay(values, 0.35, time, visibility[..., None] + 0.05),
        "Savitzky-Golay 0.5 s": savitzky_golay(values, 0.5, time, visibility[..., None] + 0.05),
    }


def jitter(values: Array, frames: Array | None = None) -> Array:
    """Medians of the first and the second difference's length; `frames` (F,) bool: only there."""
    lengths = [np.linalg.norm(np.diff(values, order, axis=0), axis=-1) for order in (1, 2)]
    return np.array([np.nanmedian(each if frames is None else each[frames[-len(each) :]]) for each in lengths])


def lag(course: Array, exact: Array) -> float:
    """Frames by which `course` (F, D) comes after `exact` (F, D)."""
    most, frames = 6, len(course)
    a, b = course - course.mean(axis=0), exact - exact.mean(axis=0)
    inner = b[most : frames - most]
    match = [float((a[most + d : frames - most + d] * inner).sum()) for d in range(-most, most + 1)]
    best = int(np.clip(np.argmax(match), 1, 2 * most - 1))
    before, peak, after = match[best - 1 : best + 2]
    return best - most + (before - after) / 2 / (before - 2 * peak + after)


def amplitude(course: Array, time: Array) -> float:
    swing = (course - course.mean(axis=0)) * (np.hanning(len(time)) * np.exp(-2j * np.pi * WAVE_HZ * time))[:, None]
    return float(np.linalg.norm(swing.sum(axis=0)))


def compare(folder: Path, mode: str, kind: str) -> None:
    stand, wave = (detect(folder / f"{clip}.mp4", mode) for clip in SECONDS)
    truth = np.load(folder / "wave.npz")
    joint = truth["pixels" if kind == "image" else "metres"][:, list(truth["names"]).index("RightHand")]
    if kind == "world":
        hips = truth["metres"][:, list(truth["names"]).index("Hips")]
        joint = ((joint - hips) * (1, 1, -1))[:, [0, 2, 1]]  # to MediaPipe's axes
    unit, scale = ("px", 1) if kind == "image" else ("mm", 1000)
    rows = filtered(stand[kind], stand["time"], stand["visibility"]), filtered(wave[kind], wave["time"], wave["visibility"])
    print(f"\n{ {'video': 'video mode', 'pictures': 'single pictures', 'capture': 'ningyo capture'}[mode] }, {kind}\n")
    print(
        f"| | jitter 1st, 2nd difference ({unit}) | smaller by | lag behind truth, raw (frames) | amplitude kept | wrist's error ({unit}) |"
    )
    print("|---|---|---|---|---|---|")
    still, raw = jitter(rows[0]["raw"]), rows[1]["raw"][:, 16]
    for name in rows[0]:
        first, second = jitter(rows[0][name])
        wrist = rows[1][name][:, 16]
        error = np.linalg.norm((wrist - wrist.mean(axis=0)) - (joint - joint.mean(axis=0)), axis=-1)
        print(
            f"| {name} | {first * scale:.3f}, {second * scale:.3f} | {still[0] / first:.1f}, {still[1] / second:.1f} "
            f"| {lag(wrist, joint):+.2f}, {lag(wrist, raw):+.2f} | {amplitude(wrist, wave['time']) / amplitude(raw, wave['time']):.3f} "
            f"| {np.sqrt((error**2).mean()) * scale:.2f} |"
        )


def real(video: Path) -> None:
    from ningyo.synth_data.pose.filters import bridge, bridge_motion, savitzky_golay

    for mode in ("video", "pictures", "capture"):
        track = detect(video, mode)
        values, time = track["image"], track["time"]
        moved = np.linalg.norm(np.diff(savitzky_golay(values, 0.7, time), axis=0, append=np.nan), axis=-1)
        moved = savitzky_golay(np.median(moved, axis=1), 1.0, time)  # of frames in which all joints are placed
        quiet = moved <= np.nanquantile(moved, 0.2)
        rows = {name: jitter(each, quiet) for name, each in filtered(values, time, track["visibility"]).items()}
        print(f"\n{video.name}, {mode}: jitter of the quietest fifth, 1st and 2nd difference (px), and how many times smaller\n")
        for name, (first, second) in rows.items():
            print(f"* {name}: {first:.3f}, {second:.3f}; {rows['raw'][0] / first:.1f}, {rows['raw'][1] / second:.1f}")
        seen, height = np.isfinite(values).all(axis=(1, 2)), height_of(values)
        for length in (5, 10, 15):
            rng = np.random.default_rng(0)
            errors: dict[Any, list[Any]] = {bridge: [], bridge_motion: []}
            for first in rng.integers(4, len(values) - length - 4, 300).tolist():
                if seen[first - 4 : first + length + 4].all():
                    for way, found in errors.items():
                        found.append(np.linalg.norm(way(values, time, (first, first + length)) - values[first : first + length], axis=-1))
            straight, motion = (100 * np.median(found) / height for found in errors.values())
            print(f"* {length} frames hidden: median error straight {straight:.2f} %, following the motion {motion:.2f} % of the height")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--clips", type=Path, default=Path(tempfile.gettempdir()) / "ningyo-filtering", help="where the rendered clips are kept"
    )
    parser.add_argument("videos", nargs="*", type=Path, metavar="VIDEO", help="real videos")
    args = parser.parse_args()
    args.clips.mkdir(parents=True, exist_ok=True)
    for clip in SECONDS:
        if not (args.clips / f"{clip}.npz").exists():
            render(clip, args.clips)
    for mode in ("video", "pictures", "capture"):
        for kind in ("image", "world"):
            compare(args.clips, mode, kind)
    for video in args.videos:
        real(video)
    sys.stdout.flush()
    os._exit(0)  # Blender's module before 5.0 can hang while the interpreter shuts down


if __name__ == "__main__":
    main()
