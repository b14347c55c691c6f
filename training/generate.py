# SPDX-License-Identifier: GPL-3.0-or-later
"""From a pose track to anime frames: a PNG a frame, on disk as soon as it is made, and a movie of them with the source's sound.

Track → motion of the model's own rig (joint angles, so its proportions stay) → joints seen through the video's camera → steady crop
→ conditioning → network → the picture pasted where the crop was cut. Every frame depends on the crop's clip and its own pose alone.
"""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from ..errors import UserError
from ..jobs.folder import sha256_of, write_atomically
from ..jobs.progress import SILENT, Reporter
from ..synth_data.pose.conditioning import draw_packed
from ..synth_data.pose.framing import crop_for, crop_intrinsics, smooth_crops, snap_crop
from ..synth_data.pose.head import head_square
from ..synth_data.pose.track import PoseTrack
from ..synth_data.retarget.kinematics import forward_kinematics
from ..synth_data.retarget.motion import Camera, Motion
from ..synth_data.retarget.openpose_points import openpose_points
from ..synth_data.retarget.rig import Rig
from ..synth_data.retarget.solver import retarget
from ..synth_data.video.write import MovieWriter
from .checkpoint import MODEL, RIG, load_model
from .data import straight
from .evaluate import LIGHT, runner

SCHEMA, VERSION = "ningyo.frames", 1
HEADER = "frames.json"


def generate(
    model: Path | str,
    track: Path | str,
    out: Path | str,
    *,
    person: int = 0,
    motion: Path | str | None = None,
    mp4: Path | str | None = None,
    video: Path | str | None = None,  # whose sound the movie gets; None: the one the track was made from, if it is still there
    report: Reporter = SILENT,
) -> dict[str, Any]:
    """Write 000000.png, 000001.png, … (straight alpha, the video's size) and frames.json (rate, times) to the folder `out`, and the
    movie `mp4`: the model's character in the poses of the track's person with the id `person`.

    They cover the whole track; before the person comes and after they have gone they are transparent.

    `motion` is the file of the person's motion on the model's rig, where that has been solved already; else it is solved first.
    Frames that are there already from the same model, track and motion are kept.

    Raises UserError. Returns {"frames", "made", "size", "fps"}.
    """
    model, track, out = Path(model), Path(track), Path(out)
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file; choose a folder for the frames.")
    generator, config = load_model(model)
    rig = Rig.load(model / RIG)
    poses = PoseTrack.load(track, person=person)
    size = poses.size
    solved = retarget(poses, rig, person=person, report=report) if motion is None else Motion.load(motion)
    # The motion's times are on the track's clock, which goes on where the person is not there.
    count = int(np.floor((poses.time[-1] - poses.time[0]) * solved.fps + 0.5)) + 1
    times = poses.time[0] + np.arange(count) / solved.fps
    ahead = round((solved.time[0] - poses.time[0]) * solved.fps)
    shots = _Shots(rig, solved, size, int(config["size"]))
    given = "" if motion is None else sha256_of(motion)
    request = hashlib.sha256(f"{sha256_of(model / MODEL)} {sha256_of(track)} {person} {given}".encode()).hexdigest()
    header = {
        "schema": SCHEMA,
        "version": VERSION,
        "request": request,
        "fps": solved.fps,
        "count": count,
        "start": float(times[0]),
        "times": [round(float(t), 6) for t in times],
        "size": list(size),
        "video": {key: poses.video[key] for key in ("name", "path", "sha256")},
    }
    finished = _finished(out, header)
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / HEADER, json.dumps(header, indent=1) + "\n")
    run = runner(generator)
    made = 0
    for i in range(count):
        if i not in finished:
            there = 0 <= i - ahead < solved.frame_count
            picture = shots.frame(i - ahead, run) if there else np.zeros((size[1], size[0], 4), np.uint8)
            write_atomically(frame_path(out, i), _png(picture))
            made += 1
            report.artefact("frame", frame_path(out, i))
        report.progress(i + 1, count, "frames")
    if mp4 is not None:
        source = Path(video if video is not None else poses.video["path"])
        write_movie(out, header, Path(mp4), source if source.is_file() else None, report)
    return {"frames": count, "made": made, "size": list(size), "fps": solved.fps}


def frame_path(folder: Path, index: int) -> Path:
    return folder / f"{index:06d}.png"


class _Shots:
    """All frames' joints, seen through the motion's camera, and the crop around each."""

    def __init__(self, rig: Rig, motion: Motion, size: tuple[int, int], side: int) -> None:
        self.size, self.side, self.height = size, side, rig.height
        camera = motion.camera or _default_camera(rig, motion, size)
        # The camera may have been solved on a picture of another size than the canvas.
        scale = size[0] / camera.width
        self.K = np.array([[camera.focal_px * scale, 0, size[0] / 2], [0, camera.focal_px * scale, size[1] / 2], [0, 0, 1]])
        points = openpose_points(rig, *forward_kinematics(rig, motion))
        self.points = points @ camera.world_to_camera[:, :3].T + camera.world_to_camera[:, 3]
        self.crops = snap_crop(smooth_crops(crop_for(self.points, self.K, self.height), motion.fps))

    def frame(self, index: int, run: Any) -> NDArray[np.uint8]:
        """The whole picture (H, W, 4), straight alpha."""
        width, height = self.size
        canvas = np.zeros((height, width, 4), np.uint8)
        crop = self.crops[index]
        # Nobody to be seen, or so near that the crop would not fit into memory.
        if not np.isfinite(crop).all() or crop[2] > 4 * max(self.size):
            return canvas
        x0, y0, side = (int(v) for v in np.round([crop[0] - crop[2] / 2, crop[1] - crop[2] / 2, crop[2]]))
        left, top, right, bottom = max(x0, 0), max(y0, 0), min(x0 + side, width), min(y0 + side, height)
        if left >= right or top >= bottom:
            return canvas
        points, K = self.points[index], crop_intrinsics(self.K, crop, self.side)
        image = resized(run(draw_packed(points, K, self.side, self.height), head_square(points, K, self.height)), side)
        visible = image[:, top - y0 : bottom - y0, left - x0 : right - x0]
        canvas[top:bottom, left:right] = straight(visible.permute(1, 2, 0).numpy())
        return canvas


def resized(rgba: Tensor, side: int) -> Tensor:
    """A premultiplied picture (4, S, S) at another size; smooth when it grows, averaged when it shrinks."""
    if rgba.shape[-1] == side:
        return rgba
    shrinks = side < rgba.shape[-1]
    return functional.interpolate(rgba[None], (side, side), mode="bicubic", align_corners=False, antialias=shrinks)[0].clamp(0, 1)


def write_movie(frames: Path, header: dict[str, Any], mp4: Path, sound_from: Path | None, report: Reporter) -> None:
    """The frames over a plain light colour, at their own times, with the sound of `sound_from`."""
    background = np.rint(np.array(LIGHT) * 255).astype(np.uint16)
    times = header["times"]
    with MovieWriter(mp4, header["fps"], tuple(header["size"]), sound_from=sound_from, sound_start=header["start"]) as movie:
        for i in range(header["count"]):
            with Image.open(frame_path(frames, i)) as image:
                rgba = np.asarray(image.convert("RGBA")).astype(np.uint16)
            alpha = rgba[..., 3:]
            movie.write(((rgba[..., :3] * alpha + background * (255 - alpha) + 127) // 255).astype(np.uint8), times[i] - times[0])
            report.progress(i + 1, header["count"], "movie frames")
    report.artefact("movie", mp4)


def _default_camera(rig: Rig, motion: Motion, size: tuple[int, int]) -> Camera:
    """For motions without one: in front of the character, which fills two thirds of the picture's height."""
    distance = 4.0 * rig.height
    focal = distance * 0.66 * size[1] / rig.height
    centre = motion.root_position.astype(np.float64).mean(0)
    rotation = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # looks along +Y
    translation = np.array([0, 0, distance]) - rotation @ centre
    return Camera(focal, size[0], size[1], np.concatenate([rotation, translation[:, None]], 1))


def _finished(out: Path, header: dict[str, Any]) -> set[int]:
    """Which frames are there already from the same request. Raises UserError when the folder is another's."""
    if not out.exists() or not any(out.iterdir()):
        return set()
    try:
        earlier = json.loads((out / HEADER).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{out} is not empty and its content is not Ningyo's; choose another folder for the frames.") from error
    if not isinstance(earlier, dict) or earlier.get("schema") != SCHEMA:
        raise UserError(f"{out} is not empty and its content is not Ningyo's; choose another folder for the frames.")
    if earlier.get("request") != header["request"]:
        # Frames of an earlier model or track: ours, so they may be replaced; those beyond the new end would be stale.
        for i in range(int(earlier.get("count", 0))):
            frame_path(out, i).unlink(missing_ok=True)
        return set()
    return {i for i in range(header["count"]) if frame_path(out, i).is_file()}


def _png(rgba: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgba).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
