# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands and faces, found with the real networks around bodies that are known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest

pytest.importorskip("mediapipe")

from ningyo.synth_data.capture.landmarker import Landmarker, points, quiet_libraries
from ningyo.synth_data.capture.parts import Hand, PartFinder, one_hand_each
from ningyo.synth_data.video.read import Frame


@dataclass(frozen=True)
class Known:
    image: np.ndarray
    world: np.ndarray
    visibility: np.ndarray

    def moved(self, x: float, y: float, factor: float = 1.0) -> Known:
        return replace(self, image=self.image * factor + (x, y, 0))


@pytest.fixture(scope="module")
def bodies(actor_frames: list[np.ndarray]) -> list[Known]:
    height, width = actor_frames[0].shape[:2]
    found = []
    with quiet_libraries():
        follow = Landmarker("pose", video=True, num_poses=1)
        for index, rgb in enumerate(actor_frames):
            result = follow(rgb, index / 25)
            visibility = np.array([point.visibility for point in result.pose_landmarks[0]])
            image, world = points(result.pose_landmarks[0]) * (width, height, width), points(result.pose_world_landmarks[0])
            found.append(Known(image, world, visibility))
        follow.close()
    return found


@pytest.fixture
def finder() -> Iterator[PartFinder]:
    with quiet_libraries():
        made = PartFinder(threads=2)
    yield made
    made.close()


def frame_of(rgb: np.ndarray, index: int = 0) -> Frame:
    return Frame(index, index / 25, rgb)


def beside(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.hstack([left, right]))


def test_hands_and_face_lie_on_the_body(finder, actor_frames, bodies):
    found = list(finder.run((frame_of(rgb, i), {7: body}) for i, (rgb, body) in enumerate(zip(actor_frames, bodies, strict=True))))
    assert [frame.index for frame, _ in found] == list(range(len(actor_frames)))
    assert all(list(parts) == [7] for _, parts in found)
    for part in ("left", "right", "face"):
        seen = [parts[7].face if part == "face" else parts[7].hands[part == "right"] for _, parts in found]
        assert np.mean([each is not None for each in seen]) > 0.9, part
        assert np.mean([each.score for each in seen if each is not None]) > 0.6, part
    palms = [np.linalg.norm(hand.world[9] - hand.world[0]) for _, parts in found for hand in parts[7].hands if hand is not None]
    assert 0.06 < np.median(palms) < 0.13
    for (_, parts), body in zip(found, bodies, strict=True):
        tall = np.ptp(body.image[:, 1])
        for side, hand in enumerate(parts[7].hands):
            if hand is not None:
                assert np.linalg.norm(hand.image[0, :2] - body.image[15 + side, :2]) < 0.08 * tall
        if parts[7].face is not None:
            assert np.linalg.norm(parts[7].face.image[1, :2] - body.image[0, :2]) < 0.06 * tall


def test_the_number_of_threads_changes_nothing(finder, actor_frames, bodies):
    with quiet_libraries():
        alone = PartFinder(threads=1)
    for index in range(6):
        frame = frame_of(actor_frames[index], index)
        a, b = (each(frame, {0: bodies[index]})[0] for each in (finder, alone))
        for one, other in zip((*a.hands, a.face), (*b.hands, b.face), strict=True):
            assert (one is None) == (other is None)
            if one is not None and other is not None:
                np.testing.assert_array_equal(one.image, other.image)
    alone.close()


def test_two_people_have_their_own(finder, actor_frames, bodies):
    width = actor_frames[0].shape[1]
    for index in range(3):
        people = {3: bodies[index], 5: bodies[index + 20].moved(width, 0)}
        parts = finder(frame_of(beside(actor_frames[index], actor_frames[index + 20]), index), people)
        assert set(parts) == {3, 5}
        for person, right in ((3, False), (5, True)):
            for each in (*parts[person].hands, parts[person].face):
                assert each is not None
                assert (each.image[:, 0].mean() > width) == right


def test_another_persons_hand_and_face_are_not_taken(finder, actor_frames, bodies):
    rgb, body = actor_frames[0], bodies[0]
    tall = np.ptp(body.image[:, 1])
    alone = finder(frame_of(rgb), {0: body})[0]
    assert None not in (*alone.hands, alone.face)
    # Somebody unseen whose wrists and nose are said to be near, but not as near.
    parts = finder(frame_of(rgb, 1), {0: body, 1: body.moved(0.04 * tall, 0.04 * tall)})
    assert None not in (*parts[0].hands, parts[0].face)
    assert parts[1].hands == (None, None)
    assert parts[1].face is None


def test_a_hidden_wrist_lowers_the_score(finder, actor_frames, bodies):
    visible = finder(frame_of(actor_frames[0]), {0: bodies[0]})[0].hands[0]
    assert visible is not None
    visibility = bodies[0].visibility.copy()
    visibility[15] = 0.35
    hidden = finder(frame_of(actor_frames[0], 1), {0: replace(bodies[0], visibility=visibility)})[0].hands[0]
    assert hidden is None or hidden.score < 0.8 * visible.score
    visibility[15] = 0.1
    assert finder(frame_of(actor_frames[0], 2), {0: replace(bodies[0], visibility=visibility)})[0].hands[0] is None


def test_nothing_where_there_is_nothing(finder, actor_frames, bodies):
    blank = np.full_like(actor_frames[0], 120)
    parts = finder(frame_of(blank), {0: bodies[0]})[0]
    assert (parts.hands, parts.face) == ((None, None), None)
    tiny = bodies[0].moved(0, 0, 0.08)
    parts = finder(frame_of(actor_frames[0], 1), {0: tiny})[0]
    assert (parts.hands, parts.face) == ((None, None), None)
    outside = bodies[0].moved(-5000, 0)
    assert finder(frame_of(actor_frames[0], 2), {0: outside})[0].face is None
    assert finder(frame_of(actor_frames[0], 3), {}) == {}


def test_one_hand_is_not_two():
    def hand(x: float, score: float) -> Hand:
        return Hand(np.random.default_rng(0).uniform(0, 40, (21, 3)) + np.array([x, 0, 0]), np.zeros((21, 3)), score)

    left, right = hand(100, 0.9), hand(102, 0.5)
    assert one_hand_each(left, right) == (left, None)
    assert one_hand_each(right, left) == (None, left)
    far = hand(300, 0.5)
    assert one_hand_each(left, far) == (left, far)
    assert one_hand_each(None, far) == (None, far)
