# SPDX-License-Identifier: GPL-3.0-or-later
"""A dataset folder of pictures that were filmed, not rendered: the same format, without a rig.

The header's entry of such a character has no "rig"; its `character.json` says under "filmed" what a rig would
(`pose.transfer.FilmedTarget`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from ...jobs.folder import write_atomically
from ...jobs.progress import Reporter
from ..dataset.folder import (
    CHARACTER,
    HEADER,
    IMAGE,
    POSE,
    SCHEMA,
    SKELETON,
    SPLITS,
    VERSION,
    IndexWriter,
    Sample,
    read_header,
    read_index,
    write_index,
    write_json,
)
from ..dataset.pictures import resized
from ..dataset.png import DRAWN, VALUES, encode_png
from ..dataset.sample import OCCLUDED, OUTSIDE, VISIBLE, SamplePose, inside, project
from ..dataset.splits import HELD_OUT, TAIL, TEST, TRAIN, Clip, splits_of
from ..dataset.verify import damage, write_checksums
from ..pose.conditioning import RASTERISER_VERSION
from ..pose.framing import crop_intrinsics
from ..pose.skeleton import draw_skeleton
from ..pose.transfer import FilmedTarget

GAP_SECONDS = 2.0  # between what is trained on and what is held out, since people hardly change in less
EDGE = 4  # px
# Camera space seen as a world: z up, the camera looks along +Y from the origin.
WORLD_TO_CAMERA = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0]])

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Shot:
    """One picture to be: of which clip and frame, the points (137, 3) camera-space metres, whether each is seen well (137,) bool, the
    camera K (3, 3) of the whole picture, and the box (centre x, centre y, side; whole px) that is cut out of it.
    """

    clip: Clip
    frame: int
    points: NDArray[Any]
    sure: NDArray[np.bool_]
    K: NDArray[Any]
    box: NDArray[Any]


def split_by_time(name: str, time: NDArray[Any]) -> list[Clip]:
    """The frames of a video, shown at `time` (F,) seconds, as a clip for training and one that is held out: its last fifth, after a gap
    of GAP_SECONDS (a tenth of a short video).
    """
    length = float(time[-1] - time[0])
    cut = time[0] + length * (1 - 1 / HELD_OUT)
    end = int(np.searchsorted(time, cut - min(GAP_SECONDS, length / 10)))
    return [Clip(name, 0, end, TRAIN), Clip(name + TAIL, int(np.searchsorted(time, cut)), len(time), TEST)]


def cut_out(picture: Pixels, box: NDArray[Any], size: int) -> Pixels:
    """The box (centre x, centre y, side; whole px) of a picture (H, W, 3) as (size, size, 3). Outside of the picture goes on what is a
    little inside of its edge, as videos' outermost lines are often not of the picture.
    """
    side = round(float(box[2]))
    rows, columns = (
        _within(round(float(centre - box[2] / 2)), side, length) for centre, length in zip(box[1::-1], picture.shape[:2], strict=True)
    )
    square = picture[rows[:, None], columns]
    return square if side == size else resized(square, size, size)


def _within(start: int, side: int, length: int) -> NDArray[np.intp]:
    index = np.arange(start, start + side)
    inner = min(EDGE, length // 4)
    return np.where(index < 0, inner, np.where(index >= length, length - 1 - inner, index))


def header_of(
    name: str, source: str, sha256: str, size: int, clips: Sequence[Clip], fps: Mapping[str, float], count: int
) -> dict[str, Any]:
    """dataset.json of one character that was filmed; `fps` is each clip's rate."""
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "rasteriser": RASTERISER_VERSION,
        "size": [size, size],
        "count": count,
        "characters": {name: {"source": source, "sha256": sha256}},
        "clips": {clip.name: {"frames": clip.frames, "fps": fps[clip.name], "start": clip.start} for clip in clips},
        "seed": 0,
        "labels": [SKELETON],
    }


def write_dataset(
    out: Path,
    header: dict[str, Any],
    target: FilmedTarget,
    shots: Sequence[Shot],
    pictures: Callable[[set[int]], Iterator[tuple[int, Pixels]]],
    others: Sequence[str],
    report: Reporter,
) -> int:
    """Write the dataset, or what is missing of it; returns how many samples were made.

    `pictures` gives the whole pictures (H, W, 3) of these of the shots' numbers, in order. `others` are files that lie in the folder
    already, relative to it. Raises UserError when the folder holds another dataset.
    """
    earlier = read_header(out) if out.exists() else None
    if earlier is not None and earlier != header:
        raise UserError(f"{out} holds a dataset of something else; choose a new folder with --out.")
    (name,) = header["characters"]
    write_json(out / HEADER, header)
    write_json(out / name / CHARACTER, {"filmed": target.to_json(), "attributes": {}})
    clips = list({shot.clip.name: shot.clip for shot in shots}.values())
    write_json(out / SPLITS, splits_of(clips))
    samples, bad = read_index(out)
    whole = np.array([not damage(out, sample) for sample in samples], bool)
    if bad or not whole.all():
        write_index(out, samples.where(whole))
    missing = set(range(len(shots))) - set(samples.numbers[whole].tolist())
    size, done = header["size"][0], len(shots) - len(missing)
    # One for all frames of a clip: its frames are seen through one camera, and whoever looks for consecutive frames goes by that.
    distances = {clip.name: float(np.nanmedian([shot.points[:, 2] for shot in shots if shot.clip.name == clip.name])) for clip in clips}
    with IndexWriter(out) as index:
        for number, picture in pictures(missing):
            shot = shots[number]
            pose = _pose_of(shot, size)
            camera = {"yaw": 0.0, "elevation": 0.0, "distance": round(distances[shot.clip.name], 4)}
            sample = Sample(number, name, shot.clip.name, shot.frame, camera, str(shot.clip.split), False, False, {})
            content = {
                IMAGE: encode_png(cut_out(picture, shot.box, size), VALUES),
                SKELETON: encode_png(draw_skeleton(pose.skeleton_points(), (size, size)), DRAWN),
                POSE: pose.to_json().encode(),
            }
            for kind, data in content.items():
                write_atomically(out / sample.path_of(kind), data)
                sample.files[kind] = (sample.path_of(kind), hashlib.sha256(data).hexdigest())
            index.add(sample)
            done += 1
            report.progress(done, len(shots), "samples")
    write_checksums(out, [f"{name}/{CHARACTER}", *others])
    return len(missing)


def refuse_other_contents(out: Path, own: Sequence[str] = ()) -> None:
    """An output folder must be new, empty, or a dataset; `own` are names that may lie in it before. Raises UserError."""
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file; choose a folder for the dataset with --out.")
    if out.is_dir() and not (out / HEADER).exists():
        foreign = next((path.name for path in sorted(out.iterdir()) if not path.name.startswith(".") and path.name not in own), None)
        if foreign is not None:
            raise UserError(f"{out} already holds other things ({foreign}); choose a new folder with --out.")


def _pose_of(shot: Shot, size: int) -> SamplePose:
    world = np.asarray(shot.points, np.float64) @ WORLD_TO_CAMERA[:, :3]
    K = crop_intrinsics(shot.K, shot.box, size)
    seen = inside(project(world, K, WORLD_TO_CAMERA), (size, size))
    visibility = np.where(seen, np.where(shot.sure, VISIBLE, OCCLUDED), OUTSIDE).astype(np.uint8)
    return SamplePose(world, visibility, K, WORLD_TO_CAMERA, (size, size))
