# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies in one picture: looked at in a region that is known, or searched for in the picture and in parts of it.

MediaPipe's detector proposes, its landmark model decides: a proposal is looked at in its own region until it is steady, then again
mirrored, from closer and from farther. A person looks the same each time; a hand, a shoe or a printed shirt taken for a body does not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..pose.landmarks import MEDIAPIPE_LIMBS, MIRRORED_33
from .crops import Box, body_region
from .landmarker import Landmarker, points

REGION_PIXELS = 256  # what the landmark model sees
TILE_PIXELS = 256  # the detector sees 224
MOST_IN_A_TILE = 5

# Nose, shoulders, arms, hips, legs: the joints that tell one body from another.
CORE = np.r_[0, 11:17, 23:29]
TRUNK = np.r_[0, 11, 12, 23, 24]
# At this distance, in body sizes, a joint's part in the similarity has fallen to 1/e.
FALLOFF = 0.14

# A proposal becomes a person from these values on; found on pictures of COCO and of a street by looking at what is lost and what is wrong.
LEAST_PRESENCE, LEAST_CONFIDENCE, LEAST_SURENESS = 0.6, 0.35, 0.5
SAME_BODY = 0.5
# Who is smaller than this share of the picture's shorter side is small; regions for such people, as shares of it; grey levels' deviation
# below which there is nobody; what the landmark model has to say of a region in which nobody was proposed.
SMALL, PLACES, PLAIN, SURE_AT_ONCE = 0.45, (0.28, 0.44), 18.0, 0.5
# A "body" this much smaller than another, on one of its limbs, is its hand, foot or face.
PART_OF_BODY, ON_A_LIMB = 0.5, 0.1


@dataclass(frozen=True)
class Body:
    """`image` (33, 3) px, `world` (33, 3) metres, `visibility` (33,) and `presence` (33,) 0…1 (in the region at all, and not hidden)."""

    image: NDArray[Any]
    world: NDArray[Any]
    visibility: NDArray[Any]
    presence: NDArray[Any]

    @property
    def size(self) -> float:
        """The longer side of the core joints' box, px."""
        return max(float(np.ptp(self.image[CORE, :2], axis=0).max()), 1.0)

    @property
    def confidence(self) -> float:
        """How sure the landmark model is of the core joints, 0…1."""
        return float((self.visibility[CORE] * self.presence[CORE]).mean())

    @property
    def is_there(self) -> bool:
        """Whether this is a body at all; the landmark model always gives one."""
        return float(self.presence[CORE].mean()) >= LEAST_PRESENCE and self.confidence >= LEAST_CONFIDENCE


def similarity(a: Body, b: Body, joints: NDArray[Any] = CORE) -> float:
    """Object keypoint similarity, 0…1: COCO's measure (Lin et al. 2014) with one fall-off for all joints, weighted by visibility."""
    apart = np.linalg.norm(a.image[joints, :2] - b.image[joints, :2], axis=1) / (0.5 * (a.size + b.size))
    weight = np.sqrt(np.clip(a.visibility[joints], 0.05, 1) * np.clip(b.visibility[joints], 0.05, 1))
    return float((weight * np.exp(-((apart / FALLOFF) ** 2))).sum() / weight.sum())


def same_body(a: Body, b: Body) -> bool:
    """Whether two findings are of one person: all joints agree, or head and trunk do (limbs may be seen in two ways)."""
    return similarity(a, b) > SAME_BODY or similarity(a, b, TRUNK) > SAME_BODY + 0.2


class BodyModel:
    """MediaPipe's landmark model in regions that we choose. Not for several threads at once."""

    def __init__(self, models: Path | None = None) -> None:
        self._in_region = Landmarker("pose", video=False, given_region=True, models=models, num_poses=1, min_pose_presence_confidence=0.1)
        # The first call loads the graph, and prints notes about it.
        self._in_region(np.zeros((REGION_PIXELS, REGION_PIXELS, 3), np.uint8), 0.0)

    def look(self, rgb: NDArray[Any], region: Box) -> Body | None:
        """The body in a region of a picture (H, W, 3) uint8, or None."""
        found = _bodies(self._in_region(region.cut(rgb, REGION_PIXELS), 0.0), region.to_image, region.turn_world)
        return found[0] if found else None

    def look_mirrored(self, rgb: NDArray[Any], region: Box) -> Body | None:
        """The same, the region shown mirrored; the body is as it is in the picture."""
        crop = np.ascontiguousarray(region.cut(rgb, REGION_PIXELS)[:, ::-1])

        def to_image(found: NDArray[Any]) -> NDArray[Any]:
            return region.to_image(np.column_stack([1 - found[:, 0], found[:, 1:]])[MIRRORED_33])

        def turn_world(found: NDArray[Any]) -> NDArray[Any]:
            return region.turn_world((found * (-1, 1, 1))[MIRRORED_33])

        found = _bodies(self._in_region(crop, 0.0), to_image, turn_world)
        if not found:
            return None
        body = found[0]
        return Body(body.image, body.world, body.visibility[MIRRORED_33], body.presence[MIRRORED_33])

    def settle(self, rgb: NDArray[Any], body: Body) -> Body | None:
        """A proposal looked at in its own region, and in that of what is seen there; None unless it comes to rest on a body."""
        first = self.look(rgb, body_region(body.image))
        if first is None or first.confidence < 0.7 * LEAST_CONFIDENCE:
            return None
        second = self.look(rgb, body_region(first.image))
        return second if second is not None and second.is_there and similarity(first, second) > 0.6 else None

    def sureness(self, rgb: NDArray[Any], body: Body) -> float:
        """0…1: how alike the body looks mirrored, from closer and from farther."""
        region = body_region(body.image)
        total = 0.0
        for seen in (
            lambda: self.look_mirrored(rgb, region),
            lambda: self.look(rgb, Box(region.x, region.y, region.side * 0.8, region.up)),
            lambda: self.look(rgb, Box(region.x, region.y, region.side * 1.28, region.up)),
        ):
            other = seen()
            alike = 0.0 if other is None else similarity(body, other)
            if alike < 0.3:
                return 0.0
            total += alike / 3
        return total

    def close(self) -> None:
        self._in_region.close()


class Searcher:
    """Finds people of whom nothing is known. Not for several threads at once."""

    def __init__(self, models: Path | None = None) -> None:
        self._model = BodyModel(models)
        self._detect = Landmarker(
            "pose",
            video=False,
            models=models,
            num_poses=MOST_IN_A_TILE,
            min_pose_detection_confidence=0.25,
            min_pose_presence_confidence=0.1,
        )
        self._detect(np.zeros((TILE_PIXELS, TILE_PIXELS, 3), np.uint8), 0.0)

    def __call__(
        self, rgb: NDArray[Any], known: Sequence[Body] = (), *, deep: bool = True, share: tuple[int, int] = (0, 1)
    ) -> tuple[list[Body], bool]:
        """Everyone in a picture who is not among the `known`, the surest first; and whether there is a crowd of small people.

        The whole picture and squares of its shorter side are searched always; `deep`, then squares of 0.6 of it, and of 0.36 of it where
        somebody is small enough for more such people to be overlooked. In a crowd the landmark model itself goes over the picture, as the
        detector misses most of those who are small: over a `share` (n, of) of the places, as it takes long.
        """
        height, width = rgb.shape[:2]
        short = min(width, height)
        everyone = list(known)
        whole = [Box(width / 2, height / 2, max(width, height))] + (tiles(width, height, short) if width != height else [])
        everyone += self._settled(rgb, self._proposals(rgb, whole), everyone)
        crowd = False
        if deep:
            everyone += self._settled(rgb, self._proposals(rgb, tiles(width, height, 0.6 * short)), everyone)
            if any(body.size < SMALL * short for body in everyone):
                everyone += self._settled(rgb, self._proposals(rgb, tiles(width, height, 0.36 * short)), everyone)
                crowd = sum(body.size < SMALL * short for body in everyone) > 1
        if crowd:
            seen = [self._model.look(rgb, place) for place in places(rgb)[share[0] :: share[1]]]
            sure = [body for body in seen if body is not None and body.is_there and body.confidence > SURE_AT_ONCE]
            everyone += self._settled(rgb, sorted(sure, key=lambda body: -body.confidence), everyone)
        return everyone[len(known) :], crowd

    def _propose(self, rgb: NDArray[Any], tile: Box) -> list[Body]:
        """What the detector finds in a part of the picture."""
        found = _bodies(self._detect(tile.cut(rgb, TILE_PIXELS), 0.0), tile.to_image, tile.turn_world)
        return [body for body in found if body.size < 1.6 * tile.side and body.presence[CORE].mean() > 0.2]

    def _proposals(self, rgb: NDArray[Any], boxes: Sequence[Box]) -> list[Body]:
        return sorted((body for box in boxes for body in self._propose(rgb, box)), key=lambda body: -body.confidence)

    def _settled(self, rgb: NDArray[Any], proposals: Sequence[Body], known: Sequence[Body]) -> list[Body]:
        """The proposals that are people, once each, without the known."""
        fresh: list[Body] = []
        for body in proposals:
            if not any(similarity(body, other) > SAME_BODY for other in (*known, *fresh)):
                fresh.append(body)
        settled = [seen for body in fresh if (seen := self._model.settle(rgb, body)) is not None]
        fresh = []
        for body in sorted(settled, key=lambda body: -body.confidence):
            if not any(same_body(body, other) for other in (*known, *fresh)):
                fresh.append(body)
        sure = [self._model.sureness(rgb, body) for body in fresh]
        kept: list[Body] = []
        for index in np.argsort(sure)[::-1].tolist():
            body = fresh[index]
            if sure[index] >= LEAST_SURENESS and not any(same_body(body, other) or is_part_of(body, other) for other in (*known, *kept)):
                kept.append(body)
        return [body for body in kept if not any(is_part_of(body, other) for other in kept)]

    def close(self) -> None:
        self._model.close()
        self._detect.close()


def places(rgb: NDArray[Any]) -> list[Box]:
    """Regions in which small people may be, over the whole picture but where it is plain."""
    height, width = rgb.shape[:2]
    short = min(width, height)
    small = cv2.resize(rgb, (max(width // 8, 1), max(height // 8, 1)), interpolation=cv2.INTER_AREA).mean(axis=2)
    found = []
    for side in (PLACES[0] * short, PLACES[1] * short):
        step = 0.25 * side
        for y in np.arange(step, height - step / 2, step):
            for x in np.arange(step, width - step / 2, step):
                reach = side / 4
                rows, columns = (slice(max(int((at - reach) / 8), 0), int((at + reach) / 8) + 1) for at in (y, x))
                if small[rows, columns].std() > PLAIN:
                    found.append(Box(float(x), float(y), float(side)))
    return found


def tiles(width: int, height: int, side: float) -> list[Box]:
    """Squares of `side` px that cover the picture, with at least 0.4 of overlap."""
    boxes = [[length / 2] if length <= side else _spread(length, side) for length in (width, height)]
    return [Box(x, y, side) for y in boxes[1] for x in boxes[0]]


def _spread(length: int, side: float) -> list[float]:
    count = int(np.ceil((length - side) / (0.6 * side))) + 1
    return np.linspace(side / 2, length - side / 2, count).tolist()


def is_part_of(body: Body, other: Body) -> bool:
    """Whether a finding is small and lies on a limb, the trunk or the face of another."""
    if body.size > PART_OF_BODY * other.size:
        return False
    middle = body.image[CORE, :2].mean(axis=0)
    joints = other.image[:, :2]
    shoulders, hips = joints[[11, 12]].mean(axis=0), joints[[23, 24]].mean(axis=0)
    ends = np.concatenate([joints[np.array(MEDIAPIPE_LIMBS)], [[joints[0], shoulders], [shoulders, hips]]])  # (limbs, 2, 2)
    along = ends[:, 1] - ends[:, 0]
    share = np.clip(((middle - ends[:, 0]) * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-9), 0, 1)
    apart = np.linalg.norm(middle - ends[:, 0] - share[:, None] * along, axis=1)
    return float(apart.min()) < ON_A_LIMB * other.size


def _bodies(
    result: Any, to_image: Callable[[NDArray[Any]], NDArray[Any]], turn_world: Callable[[NDArray[Any]], NDArray[Any]]
) -> list[Body]:
    bodies = []
    for image, world in zip(result.pose_landmarks, result.pose_world_landmarks, strict=True):
        visibility, presence = np.clip([(point.visibility, point.presence) for point in image], 0, 1).T
        bodies.append(Body(to_image(points(image)), turn_world(points(world)), visibility, presence))
    return bodies
