# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands and faces of people whose bodies are known.

A hand or face that was seen in the frame before is looked at where it was, moved along with the body; one that was not, in regions that the
body places, each look once more in the region that the look before it suggests. What is taken must be a hand or face to the network, lie on
the wrist or nose of its own body rather than of any other, and have a possible size and direction. Which hand it is, the body says; the
network's label does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..video.read import Frame
from .crops import Box, face_box, face_region, hand_box, hand_region, pixels_a_metre
from .landmark_model import LandmarkModel, Look

# Metres between where the body and where the network sees the wrist, or eyes and nose: agreement falls as exp(−(d / near)²), and beyond
# `far` it is another hand or face. On real footage the median is 0.03 m for wrists and 0.02 m for faces, 95 % are below 0.07 m.
HAND_NEAR, HAND_FAR = 0.10, 0.12
FACE_NEAR, FACE_FAR = 0.06, 0.12
# Metres: the larger side of a hand's palm, and from the wrist to the farthest point, as seen. 99 % of the certain hands are within; what is
# longer is often a forearm taken for a hand.
LEAST_PALM, MOST_PALM, MOST_REACH = 0.055, 0.16, 0.20
# Where a forearm is at least so long in the picture (metres), its hand is not on it: so far behind the body's wrist the hand's wrist may
# lie at most, and its middle before it.
FOREARM, MOST_BEHIND = 0.12, 0.04

LEAST_SCORE = 0.4  # below: not seen
SURE = 0.5  # no need to look again
LOOKS = 6  # at most, from the region that the body places on; also where it hardly moves any more each look finds further hands
HAND_HOPELESS, FACE_HOPELESS = 0.02, 1e-4  # presence below which looking again leads nowhere
# Of the source along a region's side: with so few, points are off by 5 % of it (hands; every seventh is missed) or 3 % (faces).
HAND_PIXELS, FACE_PIXELS = 24, 16
VISIBLE = 0.55  # joints that the body is less sure of count for less


class Body(Protocol):
    """What is needed of a body: `image` (33, 3) px, `world` (33, 3) metres, `visibility` (33,) 0…1 (that of bridged bodies is halved)."""

    @property
    def image(self) -> NDArray[Any]: ...
    @property
    def world(self) -> NDArray[Any]: ...
    @property
    def visibility(self) -> NDArray[Any]: ...


@dataclass(frozen=True)
class Hand:
    """`image` (21, 3) px, `world` (21, 3) metres, `score` 0…1: the network's certainty that it is a hand, times its agreement with the
    body's wrist, less where the body does not see its wrist."""

    image: NDArray[Any]
    world: NDArray[Any]
    score: float


@dataclass(frozen=True)
class Face:
    """`image` (478, 3) px, `score` 0…1: the network's certainty that it is a face, times its agreement with the body's nose and eyes."""

    image: NDArray[Any]
    score: float


@dataclass(frozen=True)
class Parts:
    """One person's hands (left, right) and face in one frame; None where not seen."""

    hands: tuple[Hand | None, Hand | None] = (None, None)
    face: Face | None = None


@dataclass(frozen=True)
class _Place:
    """Where a part was in the last frame, to look there again: its region, relative to a point of the body and at its scale."""

    region: Box
    anchor: NDArray[Any]  # (2,) px
    scale: float

    def moved(self, anchor: NDArray[Any], scale: float) -> Box:
        factor = scale / self.scale if 0.5 < scale / self.scale < 2 else 1.0
        x, y = anchor + ((self.region.x, self.region.y) - self.anchor) * factor
        return Box(float(x), float(y), self.region.side * factor, self.region.up)


P = TypeVar("P", Hand, Face)


@dataclass(frozen=True)
class _Found(Generic[P]):
    part: P | None = None
    place: _Place | None = None


_FaceFuture = Future[_Found[Face]]
_HandFutures = tuple[Future[_Found[Hand]], Future[_Found[Hand]]]


class PartFinder:
    """Finds hands and faces of any number of people, frame after frame, on `threads` threads.

    Between frames it keeps where each person's hands and face were, nothing else: the networks have no state and serve everybody. The
    result does not depend on the number of threads. `folder` is where the user keeps models. UserError if there are none.
    """

    def __init__(self, folder: Path | None = None, threads: int = 2) -> None:
        self._models: list[LandmarkModel] = []
        self._hand_models, self._face_models = (self._make(kind, folder, threads) for kind in ("hand", "face"))
        self._pool = ThreadPoolExecutor(threads)
        self._hands_before: dict[tuple[int, int], _Place | None] = {}
        self._faces_before: dict[int, _FaceFuture] = {}

    def _make(self, kind: str, folder: Path | None, count: int) -> SimpleQueue[LandmarkModel]:
        models = [LandmarkModel(kind, folder) for _ in range(count)]
        self._models += models
        free: SimpleQueue[LandmarkModel] = SimpleQueue()
        for model in models:
            free.put(model)
        return free

    def __call__(self, frame: Frame, bodies: Mapping[int, Body]) -> dict[int, Parts]:
        """The parts of every person in a frame; `bodies` by the person's id. Frames must come in order."""
        return next(self.run([(frame, bodies)]))[1]

    def run(self, frames: Iterable[tuple[Frame, Mapping[int, Body]]]) -> Generator[tuple[Frame, dict[int, Parts]], None, None]:
        """The same for frame after frame. Two frames are in work: the next one is read and its faces are looked for while the hands of this
        one are, so that no thread waits."""
        waiting: tuple[Frame, dict[int, _HandFutures], dict[int, _FaceFuture]] | None = None
        for frame, bodies in frames:
            faces = self._start_faces(frame.rgb, bodies)
            if waiting is not None:
                yield self._finish(*waiting)
            waiting = frame, self._start_hands(frame.rgb, bodies), faces
        if waiting is not None:
            yield self._finish(*waiting)

    def _start_faces(self, rgb: NDArray[Any], bodies: Mapping[int, Body]) -> dict[int, _FaceFuture]:
        noses = [body.image[0, :2] for body in bodies.values()]
        started = {}
        for number, (person, body) in enumerate(bodies.items()):
            others = noses[:number] + noses[number + 1 :]
            # The frame before may still be in work: its result is waited for by the thread that needs it.
            before = self._faces_before.get(person)
            started[person] = self._pool.submit(self._lent, self._face_models, _find_face, rgb, body, others, before)
        self._faces_before = started
        return started

    def _start_hands(self, rgb: NDArray[Any], bodies: Mapping[int, Body]) -> dict[int, _HandFutures]:
        wrists = {
            (person, side): body.image[15 + side, :2]
            for person, body in bodies.items()
            for side in (0, 1)
            if body.visibility[15 + side] >= VISIBLE
        }
        started = {}
        for person, body in bodies.items():
            left, right = (
                self._pool.submit(
                    self._lent,
                    self._hand_models,
                    _find_hand,
                    rgb,
                    body,
                    side,
                    [wrist for whose, wrist in wrists.items() if whose != (person, side)],
                    self._hands_before.get((person, side)),
                )
                for side in (0, 1)
            )
            started[person] = left, right
        return started

    def _finish(self, frame: Frame, hands: Mapping[int, _HandFutures], faces: Mapping[int, _FaceFuture]) -> tuple[Frame, dict[int, Parts]]:
        self._hands_before, parts = {}, {}
        for person, futures in hands.items():
            found = [future.result() for future in futures]
            pair = one_hand_each(*(each.part for each in found))
            # Who lost a hand to the other wrist looks for its own afresh.
            for side in (0, 1):
                if pair[side] is not None:
                    self._hands_before[person, side] = found[side].place
            parts[person] = Parts(pair, faces[person].result().part)
        return frame, parts

    def _lent(self, models: SimpleQueue[LandmarkModel], find: Callable[..., _Found[P]], *arguments: Any) -> _Found[P]:
        """Call `find` with a model that no other thread uses meanwhile; there are as many as threads."""
        model = models.get()
        try:
            return find(model, *arguments)
        finally:
            models.put(model)

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
        for model in self._models:
            model.close()


def one_hand_each(left: Hand | None, right: Hand | None) -> tuple[Hand | None, Hand | None]:
    """Where both regions show the same hand, it belongs to the wrist that it fits better."""
    if left is None or right is None:
        return left, right
    size = np.linalg.norm(np.ptp(left.image[:, :2], axis=0))
    if np.linalg.norm(left.image[:, :2] - right.image[:, :2], axis=1).mean() > 0.25 * size:
        return left, right
    return (left, None) if left.score >= right.score else (None, right)


def _find_hand(
    model: LandmarkModel, rgb: NDArray[Any], body: Body, side: int, others: Sequence[NDArray[Any]], before: _Place | None
) -> _Found[Hand]:
    scale = pixels_a_metre(body.image, body.world)
    box, wrist = hand_box(body.image, scale, side), body.image[15 + side, :2]
    if not _shows_something(box, rgb, HAND_PIXELS):
        return _Found()
    forearm = (wrist - body.image[13 + side, :2]) / scale
    length = float(np.linalg.norm(forearm))
    visible = min(1.0, float(body.visibility[15 + side]) / VISIBLE)

    def score(look: Look) -> float:
        apart = float(np.linalg.norm(look.image[0, :2] - wrist))
        if apart > HAND_FAR * scale or _nearer(look.image[0, :2], others, apart):
            return 0.0
        palm = hand_region(look.image).side / 2 / scale
        reach = float(np.linalg.norm(look.image[:, :2] - look.image[0, :2], axis=1).max()) / scale
        if not LEAST_PALM <= palm <= MOST_PALM or reach > MOST_REACH:
            return 0.0
        if length > FOREARM:
            along = (look.image[:, :2] - wrist) @ forearm / (length * scale)
            if along[0] < -MOST_BEHIND or along.mean() < 0:
                return 0.0
        return look.presence * _agreement(apart / scale, HAND_NEAR) * visible

    best, value = _look_around(model, rgb, box, before and before.moved(wrist, scale), hand_region, HAND_HOPELESS, score)
    if best is None or best.world is None:
        return _Found()
    return _Found(Hand(best.image, best.world, value), _Place(hand_region(best.image), wrist, scale))


def _find_face(
    model: LandmarkModel, rgb: NDArray[Any], body: Body, others: Sequence[NDArray[Any]], previous: _FaceFuture | None
) -> _Found[Face]:
    before = previous.result().place if previous is not None else None
    scale = pixels_a_metre(body.image, body.world)
    box, eyes = face_box(body.image, scale), body.image[[0, 5, 2], :2]
    if not _shows_something(box, rgb, FACE_PIXELS):
        return _Found()
    visible = min(1.0, float(body.visibility[0]) / VISIBLE)

    def score(look: Look) -> float:
        # Nose tip, right and left iris on the mesh; nose, right and left eye of the body.
        apart = float(np.linalg.norm(look.image[[1, 468, 473], :2] - eyes, axis=1).mean())
        nose = float(np.linalg.norm(look.image[1, :2] - eyes[0]))
        if apart > FACE_FAR * scale or _nearer(look.image[1, :2], others, nose):
            return 0.0
        return look.presence * _agreement(apart / scale, FACE_NEAR) * visible

    best, value = _look_around(model, rgb, box, before and before.moved(eyes[0], scale), face_region, FACE_HOPELESS, score)
    if best is None:
        return _Found()
    return _Found(Face(best.image, value), _Place(face_region(best.image), eyes[0], scale))


def _look_around(
    model: LandmarkModel,
    rgb: NDArray[Any],
    first: Box,
    followed: Box | None,
    region_of: Callable[[NDArray[Any]], Box],
    hopeless: float,
    score: Callable[[Look], float],
) -> tuple[Look | None, float]:
    """The best look and its score: at the followed region, and unless that makes sure, at the first one and where it leads."""
    best, value = None, LEAST_SCORE
    if followed is not None:
        look = model(rgb, followed)
        if score(look) >= value:
            best, value = look, score(look)
    region = first
    for _ in range(LOOKS):
        if value >= SURE:
            break
        look = model(rgb, region)
        if score(look) >= value:
            best, value = look, score(look)
        if look.presence < hopeless:
            break
        region = region_of(look.image)
    return best, value


def _nearer(point: NDArray[Any], others: Sequence[NDArray[Any]], apart: float) -> bool:
    """Whether a point is nearer to one of the others than `apart`."""
    return any(np.linalg.norm(point - other) < apart for other in others)


def _agreement(apart: float, near: float) -> float:
    return float(np.exp(-((apart / near) ** 2)))


def _shows_something(box: Box, rgb: NDArray[Any], pixels: int) -> bool:
    """Whether the box shows enough of the source and its centre is in the picture."""
    return box.side >= pixels and 0 <= box.x < rgb.shape[1] and 0 <= box.y < rgb.shape[0]
