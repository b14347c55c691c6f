# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies in one picture: looked at in a region that is known, or searched for in the picture and in parts of it.

MediaPipe's detector proposes, its landmark model decides: a proposal is looked at in its own region until it is steady, then again
mirrored, from closer and from farther. A person looks the same each time; a hand, a shoe or a printed shirt taken for a body does not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..pose.landmarks import MEDIAPIPE_LIMBS, MIRRORED_33
from .crops import Box, body_region, pixels_a_metre
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
    def scale(self) -> float:
        """Pixels a metre."""
        return pixels_a_metre(self.image, self.world)

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
    """MediaPipe's landmark model in regions that we choose, and its detector in tiles. Not for several threads at once."""

    def __init__(self, models: Path | None = None) -> None:
        self._in_region = Landmarker("pose", video=False, given_region=True, models=models, num_poses=1, min_pose_presence_confidence=0.1)
        self._detect = Landmarker(
            "pose",
            video=False,
            models=models,
            num_poses=MOST_IN_A_TILE,
            min_pose_detection_confidence=0.25,
            min_pose_presence_confidence=0.1,
        )
        for landmarker in (self._in_region, self._detect):  # the first call loads the graph, and prints notes about it
            landmarker(np.zeros((REGION_PIXELS, REGION_PIXELS, 3), np.uint8), 0.0)

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

    def propose(self, rgb: NDArray[Any], tile: Box) -> list[Body]:
        """What the detector finds in a part of the picture."""
        found = _bodies(self._detect(tile.cut(rgb, TILE_PIXELS), 0.0), tile.to_image, tile.turn_world)
        return [body for body in found if body.size < 1.6 * tile.side and body.presence[CORE].mean() > 0.2]

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
        self._detect.close()


def search(
    rgb: NDArray[Any], models: Sequence[BodyModel], pool: Executor, known: Sequence[Body] = (), *, deep: bool = True
) -> tuple[list[Body], bool]:
    """Everyone in a picture who is not among the `known`, the surest first; and whether the picture was searched in its smallest parts.

    The whole picture and squares of its shorter side are searched always; `deep`, then squares of 0.6 of it, and of 0.36 of it where
    somebody is small enough for more such people to be overlooked.
    """
    height, width = rgb.shape[:2]
    short = min(width, height)
    whole = [Box(width / 2, height / 2, max(width, height))] + (tiles(width, height, short) if width != height else [])
    found: list[Body] = []
    proposals = _proposals(rgb, whole, models, pool)
    found = _settled(rgb, proposals, [*known], models, pool)
    if not deep:
        return found, False
    found += _settled(rgb, _proposals(rgb, tiles(width, height, 0.6 * short), models, pool), [*known, *found], models, pool)
    if not any(body.size < 0.45 * short for body in (*known, *found)):
        return found, False
    found += _settled(rgb, _proposals(rgb, tiles(width, height, 0.36 * short), models, pool), [*known, *found], models, pool)
    return found, True


def tiles(width: int, height: int, side: float) -> list[Box]:
    """Squares of `side` px that cover the picture, with at least 0.4 of overlap."""
    boxes = [[length / 2] if length <= side else _spread(length, side) for length in (width, height)]
    return [Box(x, y, side) for y in boxes[1] for x in boxes[0]]


def _spread(length: int, side: float) -> list[float]:
    count = int(np.ceil((length - side) / (0.6 * side))) + 1
    return np.linspace(side / 2, length - side / 2, count).tolist()


def _each(work: Callable[[BodyModel, Any], Any], items: Sequence[Any], models: Sequence[BodyModel], pool: Executor) -> list[Any]:
    """`work(model, item)` for every item, the items dealt out to the models, each model in a thread of its own. In the items' order."""
    share = len(models)
    done = list(pool.map(lambda n: [work(models[n], item) for item in items[n::share]], range(share)))
    return [done[index % share][index // share] for index in range(len(items))]


def _proposals(rgb: NDArray[Any], boxes: Sequence[Box], models: Sequence[BodyModel], pool: Executor) -> list[Body]:
    found = _each(lambda model, box: model.propose(rgb, box), boxes, models, pool)
    return sorted((body for bodies in found for body in bodies), key=lambda body: -body.confidence)


def _settled(rgb: NDArray[Any], proposals: list[Body], known: list[Body], models: Sequence[BodyModel], pool: Executor) -> list[Body]:
    """The proposals that are people, once each, without the known."""
    fresh: list[Body] = []
    for body in proposals:
        if not any(similarity(body, other) > SAME_BODY for other in (*known, *fresh)):
            fresh.append(body)

    settled = [body for body in _each(lambda model, body: model.settle(rgb, body), fresh, models, pool) if body is not None]
    fresh = []
    for body in sorted(settled, key=lambda body: -body.confidence):
        if not any(same_body(body, other) for other in (*known, *fresh)):
            fresh.append(body)
    sure = _each(lambda model, body: model.sureness(rgb, body), fresh, models, pool)
    order = [index for index in np.argsort(sure)[::-1].tolist() if sure[index] >= LEAST_SURENESS]
    kept: list[Body] = []
    for body in (fresh[index] for index in order):
        others = (*known, *kept)
        if not any(same_body(body, other) or is_part_of(body, other) for other in others):
            kept.append(body)
    return [body for body in kept if not any(is_part_of(body, other) for other in kept)]


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
