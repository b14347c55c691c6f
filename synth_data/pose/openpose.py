# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenPose's JSON: one document a picture, 0 or more people of 25 body, 70 face and 2 × 21 hand points.

Every point is x, y in px and a confidence; OpenPose writes 0, 0, 0 for one that was not seen. Here such points are NaN with confidence 0.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from .landmarks import BODY_25, BODY_25_FROM_MEDIAPIPE, COCO_18, face_70, from_mediapipe
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
    path = Path(path)
    try:
        people = json.loads(path.read_text("utf-8"))["people"]
        return [_parse(record) for record in people]
    except FileNotFoundError as error:
        raise UserError(f"There is no file {path}; check the name.") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else str(error).split("\n")[0]
        raise UserError(f"{path} is not an OpenPose keypoint file ({reason}); give one that OpenPose's --write_json made.") from error


def from_track(track: PoseTrack, row: int, frame: int) -> Person:
    """Person `row` of a track in one frame; the confidences are body's visibilities and hands' and face's scores."""
    body, visibility = from_mediapipe(track.body_image[row, frame, :, :2], track.body_visibility[row, frame], BODY_25_FROM_MEDIAPIPE)
    face = face_70(track.face_image[row, frame])[:, :2]
    hands = track.hand_image[row, frame, :, :, :2]
    scores = track.hand_score[row, frame]
    return Person(
        _seen(np.column_stack([body, visibility])),
        _seen(np.column_stack([face, np.full(len(face), track.face_score[row, frame])])),
        *(_seen(np.column_stack([hands[side], np.full(21, scores[side])])) for side in (0, 1)),
    )


def _parse(record: dict[str, Any]) -> Person:
    parts = {}
    for key, rows in KEYS.items():
        count = rows.stop - rows.start
        points = np.asarray(record.get(key) or [], np.float64)
        if points.size and (points.ndim != 1 or points.size % 3):
            raise ValueError(f"{key} is not a list of x, y, confidence")
        points = points.reshape(-1, 3)
        if key == "pose_keypoints_2d" and len(points) == len(COCO_18):
            points = _from_coco_18(points)
        if len(points) not in (0, count):
            raise ValueError(f"{key} has {len(points)} points")
        parts[key] = _seen(points if len(points) else np.zeros((count, 3)))
    return Person(*parts.values())


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
