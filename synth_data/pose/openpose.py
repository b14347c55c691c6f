# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenPose's JSON: one document a picture, 0 or more people of 25 body, 70 face and 2 × 21 hand points.

Every point is x, y in px and a confidence; OpenPose writes 0, 0, 0 for one that was not seen. Here such points are NaN with confidence 0.
Form and orders are those of OpenPose's doc/02_output.md; files of its versions before 1.3 (keys without "_2d", as in 1.0) are read too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from .landmarks import (
    BODY_25,
    BODY_25_FROM_MEDIAPIPE,
    COCO_18,
    FACE_70_FROM_MEDIAPIPE,
    FACE_POINTS,
    MEDIAPIPE_FROM_BODY_25,
    face_70,
    from_mediapipe,
)
from .rows import PER_PERSON
from .track import PoseTrack

VERSION = 1.3
# OpenPose's key → the rows of the 137 points (body 25, face 70, left hand 21, right hand 21).
KEYS = {
    "pose_keypoints_2d": slice(0, 25),
    "face_keypoints_2d": slice(25, 95),
    "hand_left_keypoints_2d": slice(95, 116),
    "hand_right_keypoints_2d": slice(116, 137),
}


@dataclass(frozen=True)
class Person:
    """Points (N, 3): x px, y px, confidence 0…1; NaN, NaN, 0 where not seen."""

    body25: NDArray[Any]
    face70: NDArray[Any]
    left21: NDArray[Any]
    right21: NDArray[Any]

    @property
    def points(self) -> NDArray[Any]:
        """All of them: (137, 3) body, face, left hand, right hand."""
        return np.concatenate([self.body25, self.face70, self.left21, self.right21])


def person(body25: NDArray[Any], face70: NDArray[Any], left21: NDArray[Any], right21: NDArray[Any]) -> dict[str, Any]:
    """One person of a document from points (25, 3), (70, 3), (21, 3), (21, 3): x px, y px, confidence. NaN or confidence 0: not seen."""
    record: dict[str, Any] = {"person_id": [-1]}
    for (key, rows), points in zip(KEYS.items(), (body25, face70, left21, right21), strict=True):
        points = np.asarray(points, np.float64)
        if points.shape != (rows.stop - rows.start, 3):
            raise ValueError(f"{key}: points {points.shape}")
        seen = np.isfinite(points).all(axis=1) & (points[:, 2] > 0)
        record[key] = [round(float(value), 4) for value in np.where(seen[:, None], points, 0.0).reshape(-1)]
    return record | {"pose_keypoints_3d": [], "face_keypoints_3d": [], "hand_left_keypoints_3d": [], "hand_right_keypoints_3d": []}


def document(people: list[dict[str, Any]]) -> dict[str, Any]:
    """The document of one picture from what `person` made."""
    return {"version": VERSION, "people": people}


def read(path: Path | str) -> list[Person]:
    """The people in a file written by OpenPose (BODY_25 or COCO-18) or by Ningyo. UserError in one sentence if it is none."""
    return read_with_layout(path)[0]


def read_with_layout(path: Path | str) -> tuple[list[Person], str | None]:
    """As `read`, and which body points the file holds: "BODY_25", "COCO_18", or None where it holds no body."""
    path = Path(path)
    try:
        found = [_parse(record) for record in json.loads(path.read_text("utf-8"))["people"]]
        layouts = {layout for _, layout in found if layout}
        if len(layouts) > 1:
            raise ValueError("its people are of different layouts")
    except FileNotFoundError as error:
        raise UserError(f"There is no file {path}; check the name.") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else str(error).split("\n")[0]
        raise UserError(f"{path} is not an OpenPose keypoint file ({reason}); give one that OpenPose's --write_json made.") from error
    return [person for person, _ in found], next(iter(layouts), None)


def from_row(row: Mapping[str, Any] | NDArray[Any]) -> Person:
    """One person in one frame of a track, by the names of its arrays (a row of `rows.ROW`, or a dict).

    Confidences are the body's visibilities and the hands' and face's scores. Neck and mid-hip are the middles of shoulders and hips with
    the lower visibility of the two; both toes of a foot are MediaPipe's one.
    """
    body, visibility = from_mediapipe(row["body_image"][..., :2], row["body_visibility"], BODY_25_FROM_MEDIAPIPE)
    face = face_70(row["face_image"])[:, :2]
    hands, scores = row["hand_image"][..., :2], row["hand_score"]
    return Person(
        _seen(np.column_stack([body, visibility])),
        _seen(np.column_stack([face, np.full(len(face), row["face_score"])])),
        *(_seen(np.column_stack([hands[side], np.full(21, scores[side])])) for side in (0, 1)),
    )


def to_row(person: Person) -> dict[str, NDArray[Any] | float]:
    """What a track can hold of an OpenPose person, by the names of its arrays: the reverse of `from_row`.

    There is no depth, and nothing in metres: z and `…_world` stay NaN. MediaPipe's points that OpenPose lacks are NaN with visibility 0;
    OpenPose's neck, mid-hip and small toes have no place and are lost. A hand's and the face's score is the mean of its seen points'.
    """
    row: dict[str, NDArray[Any] | float] = {}
    known = MEDIAPIPE_FROM_BODY_25 >= 0
    image, row["body_visibility"] = np.full((33, 3), np.nan), np.zeros(33)
    image[known, :2] = person.body25[MEDIAPIPE_FROM_BODY_25[known], :2]
    row["body_visibility"][known] = person.body25[MEDIAPIPE_FROM_BODY_25[known], 2]
    row["body_image"] = image
    hands, scores = np.full((2, 21, 3), np.nan), np.zeros(2)
    for side, points in enumerate((person.left21, person.right21)):
        hands[side, :, :2], scores[side] = points[:, :2], _score(points)
    row["hand_image"], row["hand_score"] = hands, scores
    mesh = np.full((FACE_POINTS, 3), np.nan)
    mesh[FACE_70_FROM_MEDIAPIPE, :2] = person.face70[:, :2]
    row["face_image"], row["face_score"] = mesh, _score(person.face70)
    return row


def from_track(track: PoseTrack, index: int, frame: int) -> Person:
    """The person at `index` of a track's arrays in one frame, as `from_row`."""
    return from_row({name: getattr(track, name)[index, frame] for name in PER_PERSON})


def _parse(record: dict[str, Any]) -> tuple[Person, str | None]:
    parts, layout = {}, None
    for key, rows in KEYS.items():
        count = rows.stop - rows.start
        points = np.asarray(record.get(key, record.get(key.removesuffix("_2d"))) or [], np.float64)
        if points.size and (points.ndim != 1 or points.size % 3):
            raise ValueError(f"{key} is not a list of x, y, confidence")
        points = points.reshape(-1, 3)
        if key == "pose_keypoints_2d" and len(points):
            layout = "COCO_18" if len(points) == len(COCO_18) else "BODY_25"
            points = _from_coco_18(points) if layout == "COCO_18" else points
        if len(points) not in (0, count):
            raise ValueError(f"{key} has {len(points)} points")
        parts[key] = _seen(points if len(points) else np.zeros((count, 3)))
    return Person(*parts.values()), layout


def _from_coco_18(points: NDArray[Any]) -> NDArray[Any]:
    """BODY_25 from COCO-18: the same points where there are such, the middle of the hips from both, no feet."""
    out = np.zeros((len(BODY_25), 3))
    for name, point in zip(COCO_18, points, strict=True):
        out[BODY_25.index(name)] = point
    hips = points[[COCO_18.index("right_hip"), COCO_18.index("left_hip")]]
    if (hips[:, 2] > 0).all():
        out[BODY_25.index("mid_hip")] = (*hips[:, :2].mean(axis=0), hips[:, 2].min())
    return out


def _seen(points: NDArray[Any]) -> NDArray[Any]:
    """Points (N, 3) with NaN, NaN, 0 where the confidence is 0 or the place unknown."""
    seen = np.isfinite(points).all(axis=1) & (points[:, 2] > 0)
    return np.where(seen[:, None], points, (np.nan, np.nan, 0.0))


def _score(points: NDArray[Any]) -> float:
    seen = points[:, 2] > 0
    return float(points[seen, 2].mean()) if seen.any() else 0.0
