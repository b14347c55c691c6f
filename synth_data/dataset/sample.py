# SPDX-License-Identifier: GPL-3.0-or-later
"""One sample's joints: `NNNNNN.pose.json`, OpenPose's JSON with a key of our own.

    {"version": 1.3,
     "people": [{"person_id": [-1], "pose_keypoints_2d": 25×(x, y, c), "face_keypoints_2d": 70×, "hand_left_keypoints_2d": 21×,
                 "hand_right_keypoints_2d": 21×}],
     "ningyo": {"size": [width, height], "camera": {"K": 3×3, "world_to_camera": 3×4}, "points_3d": 137×(x, y, z) or null, "visibility":
     137, "secondary_3d": 2·S×(x, y, z), "expression": {shape key: value}, "head": {"size", "K": 3×3}}}

x and y are in px as everywhere in Ningyo (the centre of the top-left pixel is at 0.5, 0.5). `c` is 1 for a point that is seen, 0.5 for one
that something hides, and 0, with x = y = 0 as OpenPose writes it, for one outside the picture or unknown. `points_3d` are world metres in
the order body, face, left hand, right hand, null where the rig has no such point. `visibility`: 2 visible, 1 occluded, 0 outside the frame
or unknown. `secondary_3d`: beginning and end of each bone of hair, skirt and the like, world metres; left out where there are none.
Readers of OpenPose's format ignore the added key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import UserError
from ..pose.landmarks import POINTS

MOST_SEGMENTS = 1024
PEOPLE_KEYS = {  # OpenPose's name → which of the 137 points
    "pose_keypoints_2d": slice(0, 25),
    "face_keypoints_2d": slice(25, 95),
    "hand_left_keypoints_2d": slice(95, 116),
    "hand_right_keypoints_2d": slice(116, 137),
}
OUTSIDE, OCCLUDED, VISIBLE = 0, 1, 2
NEAR = 1e-3  # metres; a point nearer to the camera's plane has no place in the picture


@dataclass(frozen=True, eq=False)
class SamplePose:
    """The character's points in one picture.

    `points_3d` (137, 3) float64 world metres, NaN where the rig has no such point; `visibility` (137,) uint8 (2 visible, 1 occluded, 0
    outside or unknown); `K` (3, 3) and `world_to_camera` (3, 4) float64, OpenCV's axes; `size` (width, height) px. `expression`: values of
    shape keys, 0…1, those at 0 left out. `head_K` (3, 3) is that of the head's own picture of `head_size`² px, from the same place; None
    where there is none. `secondary_3d` (2·S, 3) are the ends of bones that swing (`retarget.secondary_points`), world metres.
    """

    points_3d: npt.NDArray[np.float64]
    visibility: npt.NDArray[np.uint8]
    K: npt.NDArray[np.float64]
    world_to_camera: npt.NDArray[np.float64]
    size: tuple[int, int]
    expression: Mapping[str, float] = field(default_factory=dict)
    head_K: npt.NDArray[np.float64] | None = None
    head_size: int = 0
    secondary_3d: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 3)))

    @property
    def points_camera(self) -> npt.NDArray[np.float64]:
        """(137, 3) camera-space metres."""
        return to_camera(self.points_3d, self.world_to_camera)

    @property
    def drawn_points(self) -> npt.NDArray[np.float64]:
        """(137 + 2·S, 3) camera-space metres: what a generator's conditioning is drawn from, `points_camera` and what swings."""
        return np.concatenate([self.points_camera, to_camera(self.secondary_3d, self.world_to_camera)])

    @property
    def points_2d(self) -> npt.NDArray[np.float64]:
        """(137, 2) px; NaN where unknown or behind the camera. Points outside the picture keep their place."""
        return project(self.points_3d, self.K, self.world_to_camera)

    def skeleton_points(self) -> npt.NDArray[np.float64]:
        """(137, 3): x, y in px and OpenPose's confidence (1 visible, 0.5 occluded, 0 outside), NaN made 0: what `draw_skeleton` takes."""
        confidence = np.array([0.0, 0.5, 1.0])[self.visibility]
        points = np.concatenate([self.points_2d, confidence[:, None]], axis=1)
        points[confidence == 0] = 0
        return points

    def to_json(self) -> str:
        """The file's text; the same sample gives the same text."""
        points = np.round(self.skeleton_points(), 3)
        people = {"person_id": [-1]} | {key: _plain(points[part].ravel()) for key, part in PEOPLE_KEYS.items()}
        own = {
            "size": list(self.size),
            "camera": {"K": self.K.tolist(), "world_to_camera": self.world_to_camera.tolist()},
            "points_3d": [
                _plain(point) if known else None
                for point, known in zip(np.round(self.points_3d, 6), np.isfinite(self.points_3d).all(1).tolist(), strict=True)
            ],
            "visibility": self.visibility.tolist(),
            **({"secondary_3d": [_plain(point) for point in np.round(self.secondary_3d, 6)]} if len(self.secondary_3d) else {}),
            **({"expression": dict(self.expression)} if self.expression else {}),
            **({"head": {"size": self.head_size, "K": self.head_K.tolist()}} if self.head_K is not None else {}),
        }
        return json.dumps({"version": 1.3, "people": [people], "ningyo": own}, separators=(",", ":")) + "\n"

    @classmethod
    def from_json(cls, text: str, origin: str) -> SamplePose:
        """Raises UserError, naming `origin`, for a text that is not a sample of ours."""
        try:
            own = json.loads(text)["ningyo"]
            points = np.array([[np.nan] * 3 if p is None else p for p in own["points_3d"]], np.float64).reshape(POINTS, 3)
            visibility = np.array(own["visibility"], np.uint8).reshape(POINTS)
            K = np.array(own["camera"]["K"], np.float64).reshape(3, 3)
            world_to_camera = np.array(own["camera"]["world_to_camera"], np.float64).reshape(3, 4)
            secondary = np.array(own.get("secondary_3d", []), np.float64).reshape(-1, 3)
            if len(secondary) % 2 or len(secondary) > 2 * MOST_SEGMENTS or not np.isfinite(secondary).all():
                raise ValueError("not segments")
            expression = {str(name): float(value) for name, value in own.get("expression", {}).items()}
            head = own.get("head")
            head_K = None if head is None else np.array(head["K"], np.float64).reshape(3, 3)
            size = int(own["size"][0]), int(own["size"][1])
            head_size = 0 if head is None else int(head["size"])
            return cls(points, visibility, K, world_to_camera, size, expression, head_K, head_size, secondary)
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            raise UserError(f"{origin} is not a whole Ningyo pose; `ningyo dataset verify` lists what else is damaged.") from error

    @classmethod
    def load(cls, path: Path | str) -> SamplePose:
        """Raises UserError for a file that is missing or damaged."""
        try:
            text = Path(path).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"{path} cannot be read; `ningyo dataset verify` lists what is missing.") from error
        return cls.from_json(text, str(path))


def to_camera(points: npt.NDArray[Any], world_to_camera: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """World points (…, 3) in camera space (…, 3), metres."""
    return np.asarray(points, np.float64) @ world_to_camera[:, :3].T + world_to_camera[:, 3]


def project(points: npt.NDArray[Any], K: npt.NDArray[Any], world_to_camera: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """World points (…, 3) in px (…, 2); NaN for those unknown or not in front of the camera."""
    seen = to_camera(points, world_to_camera)
    with np.errstate(invalid="ignore"):
        depth = np.where(seen[..., 2] > NEAR, seen[..., 2], np.nan)
    return (seen[..., :2] / depth[..., None]) @ K[:2, :2].T + K[:2, 2]


def inside(points_2d: npt.NDArray[Any], size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """(…) whether pixels (…, 2) are in a picture of `size` (width, height); False for NaN."""
    with np.errstate(invalid="ignore"):
        return ((points_2d >= 0) & (points_2d < np.array(size, np.float64))).all(axis=-1)


def _plain(values: npt.NDArray[np.float64]) -> list[float | int]:
    """Whole numbers without ".0", as a third of a file is zeros and ones; and no minus zero."""
    return [int(v) if v == int(v) else v for v in values.tolist()]
