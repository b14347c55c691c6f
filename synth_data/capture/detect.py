# SPDX-License-Identifier: GPL-3.0-or-later
"""One person's body in a picture, followed from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .crops import Box, body_box, pixels_a_metre
from .landmarker import Landmarker, points

BODY_CROP_PIXELS = 384

LOOK_NEARBY = 1.0  # seconds for which a lost person is looked for around the last place
LOOK_EVERYWHERE = 0.25  # seconds between searches of the picture's parts while there is nobody


@dataclass(frozen=True)
class Body:
    """`image` (33, 3) px, `world` (33, 3) metres, `visibility` (33,) 0…1."""

    image: NDArray[Any]
    world: NDArray[Any]
    visibility: NDArray[Any]

    @property
    def scale(self) -> float:
        """Pixels a metre."""
        return pixels_a_metre(self.image, self.world)


class BodyDetector:
    """Follows the most prominent person. When lost, looks again in a crop around the last place, then in parts of the picture; so a
    person who is small or far is found too, and one who is found in the whole picture costs nothing extra."""

    def __init__(self) -> None:
        self._follow = Landmarker("pose", video=True, num_poses=1)
        self._look = Landmarker("pose", video=False, num_poses=1)
        self._last: Body | None = None
        self._seen_at = self._searched_at = -np.inf

    def __call__(self, rgb: NDArray[Any], time: float) -> Body | None:
        height, width = rgb.shape[:2]
        body = _body(self._follow(rgb, time), lambda found: found * (width, height, width))
        if body is None and self._last is not None and time - self._seen_at <= LOOK_NEARBY:
            body = self._look_in(rgb, time, body_box(self._last.image))
        if body is None and time - max(self._searched_at, self._seen_at) >= LOOK_EVERYWHERE:
            self._searched_at = time
            found = [self._look_in(rgb, time, box) for box in _parts(width, height)]
            body = max((b for b in found if b is not None), key=lambda b: float(b.visibility.mean()) * b.scale, default=None)
        if body is not None:
            self._last, self._seen_at = body, time
        return body

    def warm_up(self) -> None:
        """The first call loads the graph, and prints notes about it."""
        self._follow(np.zeros((64, 64, 3), np.uint8), 0.0)

    def _look_in(self, rgb: NDArray[Any], time: float, box: Box) -> Body | None:
        return _body(self._look(box.cut(rgb, BODY_CROP_PIXELS), time), box.to_image)

    def close(self) -> None:
        self._follow.close()
        self._look.close()


def _body(result: Any, to_image: Any) -> Body | None:
    if not result.pose_landmarks:
        return None
    visibility = np.array([point.visibility for point in result.pose_landmarks[0]], np.float64)
    return Body(to_image(points(result.pose_landmarks[0])), points(result.pose_world_landmarks[0]), np.clip(visibility, 0, 1))


def _parts(width: int, height: int) -> list[Box]:
    """Overlapping squares in which a person may fill more of the view: along the longer side, then at 0.6 of the shorter."""
    boxes = []
    short = min(width, height)
    for side in (short, 0.6 * short):
        across, down = (int(np.ceil((length - side) / (0.6 * side))) + 1 for length in (width, height))
        if across * down == 1:
            continue  # the whole picture has been looked at
        boxes += [Box(x, y, side) for y in _spread(height, side, down) for x in _spread(width, side, across)]
    return boxes


def _spread(length: int, side: float, count: int) -> list[float]:
    return np.linspace(side / 2, length - side / 2, count).tolist() if count > 1 else [length / 2]
