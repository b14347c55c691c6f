# SPDX-License-Identifier: GPL-3.0-or-later
"""PoseTrack: who was where in a video, frame by frame, in memory. One `.npz` with a JSON header, no pickles (docs/architecture.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .rows import ARRAYS, PER_PERSON, ROW, body_seen, person_entry, seen_span, unseen
from .track_file import TrackFile, TrackReader, make_header, problem_with, rate_of


@dataclass
class PoseTrack:
    """The arrays of docs/architecture.md, under the same names, dense: those of a row are (P, F, …), unseen (NaN and 0) where the person
    has none. `header` is the JSON object beside them."""

    header: dict[str, Any]
    time: NDArray[Any]
    frame_index: NDArray[Any]
    person_id: NDArray[Any]
    body_image: NDArray[Any]
    body_world: NDArray[Any]
    body_visibility: NDArray[Any]
    body_spread: NDArray[Any]
    hand_image: NDArray[Any]
    hand_world: NDArray[Any]
    hand_score: NDArray[Any]
    face_image: NDArray[Any]
    face_score: NDArray[Any]
    bridged: NDArray[Any]
    repaired: NDArray[Any]

    @property
    def frames(self) -> int:
        return len(self.time)

    @property
    def people(self) -> int:
        return len(self.person_id)

    @property
    def video(self) -> dict[str, Any]:
        return self.header["video"]

    @property
    def fps(self) -> float:
        """Frames a second at which the track was taken."""
        return rate_of(self.header)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the video, px."""
        return int(self.header["video"]["width"]), int(self.header["video"]["height"])

    @property
    def body_seen(self) -> NDArray[np.bool_]:
        """(P, F): whether any joint of the body is known."""
        return body_seen(self.body_image)

    @classmethod
    def unseen(
        cls, people: int, time: NDArray[Any], frame_index: NDArray[Any], video: Mapping[str, Any], capture: Mapping[str, Any]
    ) -> PoseTrack:
        """A track of `people` of whom nothing was seen (NaN and 0), to be filled in."""
        return cls(
            header=make_header(video, capture),
            time=np.asarray(time, np.float64),
            frame_index=np.asarray(frame_index, np.int64),
            person_id=np.arange(people, dtype=np.int32),
            **{name: _dense(name, people, len(time)) for name in PER_PERSON},
        )

    def save(self, path: Path | str) -> None:
        """Write the file beside and rename; each person from the first to the last frame in which a body is known. The header's "people"
        is made anew. The same track gives the same bytes. ValueError where these arrays are no track, or somebody was never seen."""
        arrays = {name: getattr(self, name) for name in ARRAYS if name not in ("first", "count")}
        wrong = {name for name in PER_PERSON if arrays[name].shape[:2] != (self.people, self.frames)}
        if wrong:
            raise ValueError(f"not a pose track: {', '.join(sorted(wrong))} are not of {self.people} people and {self.frames} frames")
        spans = [seen_span([{"body_image": images}]) for images in self.body_image]
        if (0, 0) in spans:
            raise ValueError(f"person {self.person_id[spans.index((0, 0))]} was never seen")
        arrays["first"], arrays["count"] = (np.array(pair, np.int64) for pair in zip(*((a, b - a) for a, b in spans), strict=True))
        entries = []
        for p, (first, end) in enumerate(spans):
            own = {name: arrays[name][p, first:end] for name in PER_PERSON}
            entries.append(person_entry(self.person_id[p], self.time, first, [own]))
        for name in PER_PERSON:
            arrays[name] = np.concatenate([arrays[name][p, first:end] for p, (first, end) in enumerate(spans)])
        header = {**self.header, "people": entries}
        problem = problem_with(header, arrays)
        if problem:
            raise ValueError(f"not a pose track: {problem}")
        with TrackFile(path, header) as file:
            for name in ARRAYS:
                file.add(name, len(arrays[name]), [arrays[name]])

    @classmethod
    def load(cls, path: Path | str, person: int | None = None) -> PoseTrack:
        """Read a track, of everyone or of the person with the id `person` alone (over all its frames).

        UserError as in TrackReader, and if there is no such person.
        """
        with TrackReader(path) as file:
            people = range(len(file.person_id)) if person is None else [file.index_of(person)]
            arrays = {name: _dense(name, len(people), file.frames) for name in PER_PERSON}
            for out, p in enumerate(people):
                frames = slice(int(file.first[p]), int(file.first[p] + file.count[p]))
                for name, array in arrays.items():
                    array[out, frames] = file.read(name, file.rows_of(p))
            header = {**file.header, "people": [file.header["people"][p] for p in people]}
            return cls(header, file.time, file.frame_index, file.person_id[list(people)], **arrays)


def _dense(name: str, people: int, frames: int) -> NDArray[Any]:
    return np.full((people, frames, *ROW[name].shape), unseen(name), ROW[name].base)
