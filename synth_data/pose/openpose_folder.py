# SPDX-License-Identifier: GPL-3.0-or-later
"""Pose tracks to and from folders as OpenPose's --write_json makes them: one file a frame with everyone in it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from ...jobs.folder import write_atomically
from ...jobs.progress import SILENT, Reporter
from .landmarks import MEDIAPIPE_FROM_BODY_25
from .openpose import Person, document, from_row, person, read_with_layout, to_row
from .spill import TrackSpill
from .track_file import TrackReader, make_header, read_header

# A joint less visible is written as not seen. OpenPose itself keeps no body part below this (its `nms_threshold`) and draws none
# (`render_threshold`), so what it was sure of comes back.
UNSEEN_BELOW = 0.05
NAME = re.compile(r"(?P<stem>.*?)(?:_?(?P<number>\d+))?_keypoints\.json")

# People are followed by the mean distance of the joints seen both times, in diagonals of the body's box: a runner moves 3 of them in a
# second. Somebody who was lost is looked for where they were and where they were going, but not farther from there than the cap.
SLACK, SPEED, FARTHEST = 0.15, 3.0, 0.6
LOST_SECONDS = 1.0
LEAST_SHARED = 3  # joints; OpenPose reports nobody with fewer


def export_track(track: Path | str, out: Path | str, *, person_id: int | None = None, report: Reporter = SILENT) -> int:
    """Write `<video's name>_<frame index, 12 digits>_keypoints.json` for every frame of a track into the folder `out`, with everyone of
    the track or with one; returns how many. One frame at a time is in memory. Raises UserError."""
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file; choose a folder for OpenPose's files.")
    with TrackReader(track) as file:
        if person_id is not None:
            file.index_of(person_id)
        stem = Path(str(file.header["video"]["name"])).stem or "video"
        size = file.header["video"]["width"], file.header["video"]["height"]
        for frame, number in enumerate(file.frame_index.tolist()):
            people = [row for i, row in file.frame(frame) if person_id in (None, i)]
            records = [record for record in (_record(from_row(row), size) for row in people) if record]
            write_atomically(out / f"{stem}_{number:012d}_keypoints.json", json.dumps(document(records), separators=(",", ":")) + "\n")
            report.progress(frame + 1, file.frames, "frames")
        return file.frames


def _record(found: Person, size: tuple[float, float]) -> dict[str, Any] | None:
    """A person as written: what is hardly visible or outside of the picture was not seen. None if nothing is left."""
    parts = []
    for points in (found.body25, found.face70, found.left21, found.right21):
        with np.errstate(invalid="ignore"):
            inside = ((points[:, :2] >= 0) & (points[:, :2] <= size)).all(axis=1)
        parts.append(np.where((inside & (points[:, 2] >= UNSEEN_BELOW))[:, None], points, 0.0))
    return person(*parts) if any(part.any() for part in parts) else None


def frame_files(folder: Path | str) -> dict[int, Path]:
    """The folder's keypoint files by the frame number in their names, in order. UserError if there are none, or of several videos."""
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}; give the one that OpenPose's --write_json made.")
    named = [(match, path) for path in folder.iterdir() if (match := NAME.fullmatch(path.name))]
    if not named:
        raise UserError(f"{folder} holds no files that end in _keypoints.json; give the folder that OpenPose's --write_json made.")
    stems = sorted({match["stem"] for match, _ in named})
    if len(stems) > 1:
        raise UserError(
            f"{folder} holds files of several videos ({stems[0]}, {stems[1]}); put each video's files into a folder of its own."
        )
    files = {int(match["number"] or 0): path for match, path in named}
    if len(files) < len(named):
        raise UserError(f"Two files in {folder} have the same frame number; take one of them away.")
    return dict(sorted(files.items()))


def import_folder(
    folder: Path | str,
    out: Path | str,
    video: Mapping[str, Any],
    time_of: Callable[[int], float],
    *,
    report: Reporter = SILENT,
) -> dict[str, Any]:
    """Write the track `out` (.npz) of what OpenPose found, BODY_25 or COCO-18, with or without hands and faces. Returns its header.

    `video` is the header's "video"; `time_of` gives a frame's time in seconds by its number. People are followed from frame to frame by
    the place of their joints; the main one (id 0) is who fills most of the picture for longest. Frames without a file are left out.
    Raises UserError, and leaves nothing then.
    """
    folder, out = Path(folder), Path(out)
    if out.is_dir() or out.suffix != ".npz":
        raise UserError(f"{out} is not a file name that ends in .npz; --out is the track's file, such as track.npz.")
    files = frame_files(folder)
    spill = TrackSpill(out.with_name(f".{out.name}.frames"))
    try:
        layout: str | None = None
        farthest = np.zeros(2)
        follow = Follower()
        for done, (number, path) in enumerate(files.items(), 1):
            people, own = read_with_layout(path)
            if own and layout and own != layout:
                raise UserError(f"{path} holds {own} where earlier files hold {layout}; put each kind into a folder of its own.")
            layout = layout or own
            time = time_of(number)
            spill.begin_frame(time, number)
            people = [found for found in people if _has_body(found)]
            for i, found in zip(follow(people, time), people, strict=True):
                spill.put(i, **to_row(found))
                farthest = np.fmax(farthest, np.nanmax(found.body25[:, :2], axis=0))
            report.progress(done, len(files), "files")
        if not spill.people():
            raise UserError(f"Nobody is in the files in {folder}; run OpenPose on a video with people in it.")
        _check_size(farthest, (float(video["width"]), float(video["height"])))
        main = max(spill.people(), key=follow.prominence.__getitem__)
        order = [main, *(i for i in spill.people() if i != main)]
        spill.save(out, make_header(video, {"source": "openpose", "layout": layout}), order)
    finally:
        spill.discard()
    return read_header(out)


def _has_body(found: Person) -> bool:
    """Whether any joint of the body is seen that a track has a place for."""
    return bool((found.body25[MEDIAPIPE_FROM_BODY_25[MEDIAPIPE_FROM_BODY_25 >= 0], 2] > 0).any())


def _check_size(farthest: NDArray[Any], size: tuple[float, float]) -> None:
    """OpenPose's --keypoint_scale can write fractions of the picture, or the pixels of another size."""
    if (farthest <= 1).all():
        raise UserError("The points are fractions of the picture, not pixels; run OpenPose with --keypoint_scale 0.")
    if (farthest > 1.05 * np.array(size)).any():
        reach = " × ".join(f"{value:.0f}" for value in farthest)
        raise UserError(f"The points reach to {reach} px, beyond the picture of {size[0]:.0f} × {size[1]:.0f}; give the video they are of.")


class Follower:
    """Gives people the same ids from frame to frame: those who fit best are joined first, while they are near enough (greedy)."""

    def __init__(self) -> None:
        self.prominence: dict[int, float] = {}  # by id: the body's size, summed over frames
        self._last: dict[int, tuple[float, NDArray[Any], NDArray[Any]]] = {}  # by id: when, where (25, 3) and how fast (2,) they were last

    def __call__(self, people: list[Person], time: float) -> list[int]:
        """The ids of `people`, all in one frame at `time` seconds, later than the last."""
        self._last = {i: known for i, known in self._last.items() if time - known[0] <= LOST_SECONDS}
        candidates = list(self._last)
        bodies = [found.body25 for found in people]
        seconds = np.array([time - self._last[i][0] for i in candidates])
        there = [self._last[i][1] for i in candidates]
        ahead = [body + np.append(self._last[i][2] * gap, 0) for i, body, gap in zip(candidates, there, seconds, strict=True)]
        cost = np.minimum(costs(there, bodies, seconds), costs(ahead, bodies, seconds))
        ids: list[int | None] = [None] * len(people)
        for _ in range(min(cost.shape)):
            old, new = np.unravel_index(int(np.argmin(cost)), cost.shape)
            if not np.isfinite(cost[old, new]):
                break
            ids[new] = candidates[old]
            cost[old], cost[:, new] = np.inf, np.inf
        given = []
        for body, known in zip(bodies, ids, strict=True):
            i = len(self.prominence) if known is None else known
            self.prominence[i] = self.prominence.get(i, 0.0) + float(_diagonal(body[None])[0])
            self._last[i] = time, body, np.zeros(2) if known is None else _velocity(*self._last[known][:2], time, body)
            given.append(i)
        return given


def costs(earlier: list[NDArray[Any]], later: list[NDArray[Any]], seconds: NDArray[Any]) -> NDArray[Any]:
    """(K, N): the mean distance of the joints seen in both of two bodies (25, 3), in diagonals of the larger one's box; infinite where
    they are too far apart for the `seconds` (K,) between them, or share too few joints."""
    if not earlier or not later:
        return np.full((len(earlier), len(later)), np.inf)
    a, b = np.stack(earlier)[:, None], np.stack(later)[None]
    shared = (a[..., 2] > 0) & (b[..., 2] > 0)
    apart = np.where(shared, np.linalg.norm(a[..., :2] - b[..., :2], axis=-1), 0.0).sum(axis=-1) / np.maximum(shared.sum(axis=-1), 1)
    cost = apart / np.maximum(_diagonal(a), _diagonal(b))
    reach = np.minimum(SLACK + SPEED * seconds, FARTHEST)[:, None]
    return np.where((shared.sum(axis=-1) >= LEAST_SHARED) & (cost <= reach), cost, np.inf)


def _velocity(time: float, body: NDArray[Any], later: float, moved: NDArray[Any]) -> NDArray[Any]:
    """(2,) px a second: of the middle of the joints seen both times."""
    shared = (body[:, 2] > 0) & (moved[:, 2] > 0)
    return (moved[shared, :2] - body[shared, :2]).mean(axis=0) / (later - time)


def _diagonal(bodies: NDArray[Any]) -> NDArray[Any]:
    """(…, 25, 3) → (…) px: of the box around the joints seen, at least 1."""
    places = np.where(bodies[..., 2:] > 0, bodies[..., :2], np.nan)
    return np.maximum(np.linalg.norm(np.nanmax(places, axis=-2) - np.nanmin(places, axis=-2), axis=-1), 1.0)
