# SPDX-License-Identifier: GPL-3.0-or-later
"""A pose track's arrays, and one row of them: what is known of one person in one frame (docs/architecture.md, "PoseTrack")."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Shapes in letters: P people, F frames, R rows. The order is the order in the file.
ARRAYS: dict[str, tuple[tuple[str | int, ...], type]] = {
    "time": (("F",), np.float64),
    "frame_index": (("F",), np.int64),
    "person_id": (("P",), np.int32),
    "first": (("P",), np.int64),
    "count": (("P",), np.int64),
    "body_image": (("R", 33, 3), np.float32),
    "body_world": (("R", 33, 3), np.float32),
    "body_visibility": (("R", 33), np.float32),
    "body_spread": (("R", 33), np.float32),
    "hand_image": (("R", 2, 21, 3), np.float32),
    "hand_world": (("R", 2, 21, 3), np.float32),
    "hand_score": (("R", 2), np.float32),
    "face_image": (("R", 478, 3), np.float32),
    "face_score": (("R",), np.float32),
    "bridged": (("R",), np.bool_),
    "repaired": (("R",), np.uint8),
}
PER_PERSON = tuple(name for name, (shape, _) in ARRAYS.items() if shape[0] == "R")
# One person in one frame. Aligned, so that rows in a file can be used where they lie.
ROW = np.dtype([(name, ARRAYS[name][1], ARRAYS[name][0][1:]) for name in PER_PERSON], align=True)
CHUNK = 512  # rows worked on at a time, some 4 MB


def unseen(name: str) -> float:
    """What fills array `name` where nothing was seen: places are unknown, scores are nought."""
    return np.nan if name.endswith(("_image", "_world")) else 0


def unseen_rows(count: int) -> NDArray[Any]:
    """(count,) of ROW in which nothing was seen."""
    rows = np.zeros(count, ROW)
    for name in PER_PERSON:
        rows[name] = unseen(name)
    return rows


def body_seen(body_image: NDArray[Any]) -> NDArray[np.bool_]:
    """(…, 33, 3) px → (…) bool: whether any joint of the body is known. Its depth need not be: 2-D points have none."""
    return np.isfinite(body_image[..., :2]).all(axis=-1).any(axis=-1)


def chunks(count: int) -> Iterator[slice]:
    """`count` rows in slices of at most CHUNK."""
    return (slice(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK))


def seen_span(parts: Iterable[Any]) -> tuple[int, int]:
    """First and one past the last row in which a body was seen, (0, 0) if in none.

    `parts` are the rows in order, some at a time: arrays of ROW, or dicts of arrays by the same names.
    """
    first = end = at = 0
    for part in parts:
        seen = body_seen(np.asarray(part["body_image"]))
        there = np.flatnonzero(seen)
        if len(there):
            first, end = first if end else at + int(there[0]), at + int(there[-1]) + 1
        at += len(seen)
    return first, end


def person_entry(person: int, time: NDArray[Any], first: int, parts: Iterable[Any]) -> dict[str, Any]:
    """The entry of one person in the header's "people".

    `parts` are the person's rows from frame `first` on, as in `seen_span`; `time` (F,) the whole track's. Shares are of those rows; a
    bridged body was not seen.
    """
    count = 0
    sums = dict.fromkeys(("body", "left_hand", "right_hand", "face", "bridged", "repaired"), 0)
    heights: list[NDArray[Any]] = [np.zeros(0)]
    for part in parts:
        image, bridged, hands = (np.asarray(part[name]) for name in ("body_image", "bridged", "hand_score"))
        body = body_seen(image) & ~bridged
        face, repaired = (np.asarray(part[name]) > 0 for name in ("face_score", "repaired"))
        for name, flags in zip(sums, (body, hands[:, 0] > 0, hands[:, 1] > 0, face, bridged, repaired), strict=True):
            sums[name] += int(flags.sum())
        y = image[body, :, 1]
        heights.append(np.nanmax(y, axis=1) - np.nanmin(y, axis=1))
        count += len(bridged)
    height = np.concatenate(heights)
    return {
        "id": int(person),
        "start": float(time[first]),
        "end": float(time[first + count - 1]),
        "frames": sums["body"],
        "height": round(float(np.median(height)), 1) if len(height) else 0.0,
        "seen": {name: round(total / count, 4) for name, total in sums.items()},
    }
