# SPDX-License-Identifier: GPL-3.0-or-later
"""From a pose track to anime frames: a PNG a frame, on disk as soon as it is made, and a movie of them with the source's sound.

Track → motion of the model's own rig (joint angles, so its proportions stay) → joints seen through the video's camera → steady crop
→ conditioning → network → the picture pasted where the crop was cut. Of somebody filmed, who has no rig: track → where they would stand in
their own video (`filmed.py`) → … → the whole square. Every frame depends on the crop's clip and its own pose alone.
Drawing, network and writing work on several frames at once, each in a thread.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from ..errors import UserError
from ..jobs.folder import sha256_of, write_atomically
from ..jobs.progress import SILENT, Reporter
from ..synth_data.dataset.png import text_at_end, with_text
from ..synth_data.pose.track import PoseTrack
from ..synth_data.pose.transfer import FilmedTarget
from ..synth_data.retarget.motion import Motion
from ..synth_data.retarget.rig import Rig
from ..synth_data.retarget.solver import retarget
from ..synth_data.video.write import MovieWriter
from .filmed import FilmedShots
from .model import Model, open_model
from .shots import Shots

SCHEMA, VERSION = "ningyo.frames", 1
HEADER = "frames.json"
REQUEST = "ningyo request"  # in each picture: of which model, track and motion it is
LIGHT = (237, 237, 242)  # what movies are laid over
AHEAD = 3  # frames that wait between two threads: memory for so many, and none stands still for a slow one

Item = TypeVar("Item")
Result = TypeVar("Result")


def generate(
    model: Model | Path | str,
    track: Path | str,
    out: Path | str,
    *,
    person: int = 0,
    motion: Path | str | None = None,
    mp4: Path | str | None = None,
    video: Path | str | None = None,  # whose sound the movie gets; None: the one the track was made from, if it is still there
    report: Reporter = SILENT,
) -> dict[str, Any]:
    """Write 000000.png, 000001.png, … (straight alpha, the video's size; of a model of somebody filmed, whole squares of the model's size
    without transparency) and frames.json (rate, times) to the folder `out`, and the movie `mp4`: the model's character in the poses of the
    track's person with the id `person`.

    They cover the whole track; before the person comes and after they have gone they are transparent (black).

    `motion` is the file of the person's motion on the model's rig, where that has been solved already; else it is solved first.
    Frames that are there already from the same model, track and motion are kept; others stay until they are replaced, so that whoever shows
    them always has a picture. frames.json is there before the first frame, and says how to make them again.

    Raises UserError. Returns {"frames", "made", "size", "fps", "engine"}.
    """
    track, out = Path(track), Path(out)
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file; choose a folder for the frames.")
    made_by = {"model": model, "track": track, "motion": motion, "mp4": mp4}
    if not isinstance(model, Model):
        model = open_model(model)
    poses = PoseTrack.load(track, person=person)
    if isinstance(model.character, FilmedTarget):
        if motion is not None:
            raise UserError("The model is of somebody filmed, who has no rig for a motion; leave --motion out.")
        shots = FilmedShots(model.character, poses, person, model.size)
        fps, times, ahead = poses.fps, poses.time, shots.first
    else:
        solved = retarget(poses, model.character, person=person, report=report) if motion is None else Motion.load(motion)
        # The motion's times are on the track's clock, which goes on where the person is not there.
        count = int(np.floor((poses.time[-1] - poses.time[0]) * solved.fps + 0.5)) + 1
        fps, times = solved.fps, poses.time[0] + np.arange(count) / solved.fps
        ahead = round((solved.time[0] - poses.time[0]) * solved.fps)
        shots = Shots(model.character, solved, poses.size, model.size)
    size, count = shots.size, len(times)
    given = "" if motion is None else sha256_of(motion)
    request = hashlib.sha256(f"{model.sha256} {sha256_of(track)} {person} {given}".encode()).hexdigest()
    header = {
        "schema": SCHEMA,
        "version": VERSION,
        "request": request,
        "fps": fps,
        "count": count,
        "start": float(times[0]),
        "times": [round(float(t), 6) for t in times],
        "size": list(size),
        "opaque": isinstance(shots, FilmedShots),
        "video": {key: poses.video[key] for key in ("name", "path", "sha256")},
        "person": person,
        "character": model.character.name if isinstance(model.character, Rig) else "",
        "made_by": {kind: _seen_from(out, path) for kind, path in made_by.items() if isinstance(path, Path | str)},
    }
    finished = _finished(out, header)
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / HEADER, json.dumps(header, indent=1) + "\n")
    missing = [i for i in range(count) if i not in finished]
    for done, i in enumerate(_make(model, shots, out, missing, ahead, request), count - len(missing) + 1):
        report.artefact("frame", frame_path(out, i))
        report.progress(done, count, "frames")
    if mp4 is not None:
        source = Path(video if video is not None else poses.video["path"])
        write_movie(out, header, Path(mp4), source if source.is_file() else None, report)
    return {"frames": count, "made": len(missing), "size": list(size), "fps": fps, "engine": model.engine}


def frame_path(folder: Path, index: int) -> Path:
    return folder / f"{index:06d}.png"


def _seen_from(folder: Path, path: Path | str) -> str:
    """A path as it is to be kept in the folder, which may be moved together with what it names."""
    path = Path(path).resolve()
    try:
        return Path(os.path.relpath(path, folder.resolve())).as_posix()
    except ValueError:
        return str(path)  # another drive on Windows


def _make(model: Model, shots: Shots | FilmedShots, out: Path, indices: Iterable[int], ahead: int, request: str) -> Iterator[int]:
    """Write the frames `indices`; yields each as soon as it is on disk. The shots begin `ahead` frames later."""
    empty = shots.empty()

    def draw(i: int) -> tuple[int, Any]:
        return i, shots.drawing(i - ahead) if 0 <= i - ahead < len(shots) else None

    def paint(drawn: tuple[int, Any]) -> tuple[int, Any]:
        i, drawing = drawn
        return i, None if drawing is None else model.run(*drawing)

    def write(painted: tuple[int, Any]) -> int:
        i, rgba = painted
        png = empty if rgba is None else shots.png(i - ahead, rgba)
        write_atomically(frame_path(out, i), with_text(png, REQUEST, request))
        return i

    with ThreadPoolExecutor(1, "draw") as drawer, ThreadPoolExecutor(1, "write") as writer:
        yield from _through(writer, write, map(paint, _through(drawer, draw, indices)))


def _through(pool: ThreadPoolExecutor, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """`map` with the work done in the pool, at most AHEAD items before its results are taken. What has begun is finished when the
    caller stops early.
    """
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def write_movie(frames: Path, header: dict[str, Any], mp4: Path, sound_from: Path | None, report: Reporter) -> None:
    """The frames over a plain light colour, at their own times, with the sound of `sound_from`."""
    background = np.array(LIGHT, np.uint16)
    times = header["times"]
    with MovieWriter(mp4, header["fps"], tuple(header["size"]), sound_from=sound_from, sound_start=header["start"]) as movie:
        for i in range(header["count"]):
            with Image.open(frame_path(frames, i)) as image:
                rgba = np.asarray(image.convert("RGBA")).astype(np.uint16)
            alpha = rgba[..., 3:]
            movie.write(((rgba[..., :3] * alpha + background * (255 - alpha) + 127) // 255).astype(np.uint8), times[i] - times[0])
            report.progress(i + 1, header["count"], "movie frames")
    report.artefact("movie", mp4)


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
    # Frames of an earlier model or track: ours, so they may be replaced; those beyond the new end would be stale.
    for i in range(header["count"], int(earlier.get("count", 0))):
        frame_path(out, i).unlink(missing_ok=True)
    return {i for i in range(header["count"]) if text_at_end(frame_path(out, i), REQUEST, header["request"])}
