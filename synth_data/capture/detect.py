# SPDX-License-Identifier: GPL-3.0-or-later
"""One person's body, hands and face in a picture (MediaPipe's Tasks API), each followed from frame to frame.

Hands and faces are looked for in crops placed by the body, turned upright: MediaPipe's detectors miss them in the full picture of a whole
person. The crops move with the body, so inside of them a hand or face hardly moves and is followed more easily than in the full picture.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .crops import Box, body_box, face_box, hand_box, pixels_a_metre
from .models import bundle, load_mediapipe

CROP_PIXELS = 256  # the landmark models see 192 to 256 px
BODY_CROP_PIXELS = 384

# Metres between where the body and where the hand or face model sees the wrist, or eyes and nose: agreement falls as exp(−(d / near)²), and
# beyond `far` it is another hand or face. On real footage the median is 0.03 m for wrists and 0.02 m for faces.
HAND_NEAR, HAND_FAR = 0.10, 0.15
FACE_NEAR, FACE_FAR = 0.06, 0.12

# Below MediaPipe's own 0.5: the body has already said that there is a hand or a face, and agreement with it throws out what is wrong.
PART_CONFIDENCE = 0.3

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


@dataclass(frozen=True)
class Hand:
    """`image` (21, 3) px, `world` (21, 3) metres, `score` 0…1: the hand model's certainty times its agreement with the body."""

    image: NDArray[Any]
    world: NDArray[Any]
    score: float


@dataclass(frozen=True)
class Face:
    """`image` (478, 3) px, `score` 0…1: agreement of mesh and body on where nose and eyes are."""

    image: NDArray[Any]
    score: float


class _Landmarker:
    """One of MediaPipe's landmarkers with the clock that its video mode wants: whole milliseconds that rise."""

    def __init__(self, kind: str, video: bool, **options: Any) -> None:
        mediapipe = load_mediapipe()
        tasks = mediapipe.tasks
        name = kind.capitalize() + "Landmarker"
        mode = tasks.vision.RunningMode.VIDEO if video else tasks.vision.RunningMode.IMAGE
        base = tasks.BaseOptions(model_asset_buffer=bundle(kind))
        options_class = getattr(tasks.vision, name + "Options")
        self._landmarker = getattr(tasks.vision, name).create_from_options(options_class(base_options=base, running_mode=mode, **options))
        self._image, self._srgb = mediapipe.Image, mediapipe.ImageFormat.SRGB
        self._video = video
        self._last = -1

    def __call__(self, rgb: NDArray[Any], time: float) -> Any:
        image = self._image(image_format=self._srgb, data=rgb)
        if not self._video:
            return self._landmarker.detect(image)
        self._last = max(round(time * 1000), self._last + 1)
        return self._landmarker.detect_for_video(image, self._last)

    def close(self) -> None:
        self._landmarker.close()


class BodyDetector:
    """Follows the most prominent person. When lost, looks again in a crop around the last place, then in parts of the picture; so a
    person who is small or far is found too, and one who is found in the whole picture costs nothing extra."""

    def __init__(self) -> None:
        self._follow = _Landmarker("pose", video=True, num_poses=1)
        self._look = _Landmarker("pose", video=False, num_poses=1)
        self._last: Body | None = None
        self._seen_at = self._searched_at = -np.inf

    def __call__(self, rgb: NDArray[Any], time: float) -> Body | None:
        height, width = rgb.shape[:2]
        body = _body(self._follow(rgb, time), lambda points: points * (width, height, width))
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


class HandDetector:
    """Follows one hand of the body: `side` 0 the left, 1 the right. Which hand it is, the body's wrist says, not the model's label."""

    def __init__(self, side: int) -> None:
        self._side = side
        self._follow = _Landmarker(
            "hand",
            video=True,
            num_hands=1,
            min_hand_detection_confidence=PART_CONFIDENCE,
            min_hand_presence_confidence=PART_CONFIDENCE,
            min_tracking_confidence=PART_CONFIDENCE,
        )

    def __call__(self, rgb: NDArray[Any], time: float, body: Body) -> Hand | None:
        scale = body.scale
        box = hand_box(body.image, scale, self._side)
        if not _touches(box, rgb):
            return None
        result = self._follow(box.cut(rgb, CROP_PIXELS), time)
        if not result.hand_landmarks:
            return None
        image = box.to_image(_points(result.hand_landmarks[0]))
        apart = float(np.linalg.norm(image[0, :2] - body.image[15 + self._side, :2])) / scale
        if apart > HAND_FAR:
            return None
        world = box.turn_world(_points(result.hand_world_landmarks[0]))
        return Hand(image, world, float(result.handedness[0][0].score) * _agreement(apart, HAND_NEAR))

    def close(self) -> None:
        self._follow.close()


class FaceDetector:
    """Follows the body's face."""

    def __init__(self) -> None:
        self._follow = _Landmarker(
            "face",
            video=True,
            num_faces=1,
            min_face_detection_confidence=PART_CONFIDENCE,
            min_face_presence_confidence=PART_CONFIDENCE,
            min_tracking_confidence=PART_CONFIDENCE,
        )

    def __call__(self, rgb: NDArray[Any], time: float, body: Body) -> Face | None:
        scale = body.scale
        box = face_box(body.image, scale)
        if not _touches(box, rgb):
            return None
        result = self._follow(box.cut(rgb, CROP_PIXELS), time)
        if not result.face_landmarks:
            return None
        image = box.to_image(_points(result.face_landmarks[0]))
        # Nose tip, right and left iris on the mesh; nose, right and left eye of the body.
        apart = float(np.linalg.norm(image[[1, 468, 473], :2] - body.image[[0, 5, 2], :2], axis=1).mean()) / scale
        return None if apart > FACE_FAR else Face(image, _agreement(apart, FACE_NEAR))

    def close(self) -> None:
        self._follow.close()


def one_hand_each(left: Hand | None, right: Hand | None) -> tuple[Hand | None, Hand | None]:
    """Where both crops show the same hand, it belongs to the wrist that it fits better."""
    if left is None or right is None:
        return left, right
    size = np.linalg.norm(np.ptp(left.image[:, :2], axis=0))
    if np.linalg.norm(left.image[:, :2] - right.image[:, :2], axis=1).mean() > 0.25 * size:
        return left, right
    return (left, None) if left.score >= right.score else (None, right)


def _points(landmarks: Any) -> NDArray[Any]:
    return np.array([(point.x, point.y, point.z) for point in landmarks], np.float64)


def _body(result: Any, to_image: Any) -> Body | None:
    if not result.pose_landmarks:
        return None
    visibility = np.array([point.visibility for point in result.pose_landmarks[0]], np.float64)
    return Body(to_image(_points(result.pose_landmarks[0])), _points(result.pose_world_landmarks[0]), np.clip(visibility, 0, 1))


def _agreement(apart: float, near: float) -> float:
    return float(np.exp(-((apart / near) ** 2)))


def _touches(box: Box, rgb: NDArray[Any]) -> bool:
    """Whether the box is big enough to show something and its centre is in the picture."""
    return box.side >= 8 and 0 <= box.x < rgb.shape[1] and 0 <= box.y < rgb.shape[0]


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


@contextlib.contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keeps the C++ library's notes off standard error while models are loaded and first used; shows them if that fails.

    They are written to the file descriptor, past Python, and no setting turns them off.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as notes:
        os.dup2(notes.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(kept, 2)
            notes.seek(0)
            with os.fdopen(os.dup(2), "wb") as stderr:
                shutil.copyfileobj(notes, stderr)
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
