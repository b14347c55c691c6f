# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies in one picture, in regions that are given and by searching."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

pytest.importorskip("mediapipe")

from ningyo.synth_data.capture.appearance import camera_motion, colours, is_cut, thumbnail, unlike
from ningyo.synth_data.capture.bodies import BodyModel, Searcher, is_part_of, places, same_body, similarity, tiles
from ningyo.synth_data.capture.crops import Box, body_region
from ningyo.synth_data.capture.landmarker import quiet_libraries
from ningyo.synth_data.capture.region_model import anchors


@pytest.fixture(scope="module")
def model() -> Iterator[BodyModel]:
    with quiet_libraries():
        made = BodyModel()
    yield made
    made.close()


@pytest.fixture(scope="module")
def searcher() -> Iterator[Searcher]:
    with quiet_libraries():
        made = Searcher()
    yield made
    made.close()


@pytest.fixture(scope="module")
def body(model, actor_frames):
    height, width = actor_frames[0].shape[:2]
    found = model.look(actor_frames[0], Box(width / 2, height / 2, 1.2 * height))
    assert found is not None
    return model.look(actor_frames[0], body_region(found.image))


def test_anchors_are_those_of_the_detector():
    centres = anchors()
    assert centres.shape == (2254, 2)
    assert centres[0] == pytest.approx([0.5 / 28, 0.5 / 28])
    assert centres[-1] == pytest.approx([6.5 / 7, 6.5 / 7])


def test_the_region_decides_and_not_the_detector(model, body, actor_frames):
    """The person is seen where we look, whichever way that region is turned; beside them nobody is."""
    region = body_region(body.image)
    for turn in (-0.6, 0.6, np.pi):
        turned = model.look(actor_frames[0], Box(region.x, region.y, region.side, region.up + turn))
        limit = 0.7 if turn < 3 else -1  # upside down nobody is known, but nothing fails
        assert turned is None or similarity(body, turned) > limit
    empty = model.look(np.full_like(actor_frames[0], 90), region)
    assert empty is None or not empty.is_there


def test_a_mirrored_look_gives_the_body_as_it_is(model, body, actor_frames):
    region = body_region(body.image)
    mirrored = model.look_mirrored(actor_frames[0], region)
    assert similarity(body, mirrored) > 0.9
    assert np.linalg.norm(body.world - mirrored.world, axis=1).mean() < 0.08
    assert np.abs(body.visibility - mirrored.visibility).mean() < 0.2


def test_similarity_is_of_places(body):
    import dataclasses

    moved = dataclasses.replace(body, image=body.image + np.array([0.05 * body.size, 0, 0]))
    far = dataclasses.replace(body, image=body.image + np.array([body.size, 0, 0]))
    assert similarity(body, body) == pytest.approx(1)
    assert similarity(body, moved) == pytest.approx(np.exp(-((0.05 / 0.14) ** 2)), abs=1e-6)
    assert same_body(body, moved)
    assert not same_body(body, far)
    hand = dataclasses.replace(body, image=body.image[15] + 0.1 * (body.image - body.image[23]))
    assert is_part_of(hand, body)
    assert not is_part_of(dataclasses.replace(hand, image=hand.image + np.array([body.size, 0, 0])), body)


def test_search_finds_everybody_once_and_nobody_who_is_known(searcher, actor_frames):
    import cv2

    scene = np.empty((480, 900, 3), np.uint8)
    scene[:] = actor_frames[0][4, 4]
    for x, y, height, rgb in ((20, 10, 460, actor_frames[0]), (520, 180, 200, actor_frames[8]), (750, 250, 110, actor_frames[16])):
        width = round(height * rgb.shape[1] / rgb.shape[0])
        scene[y : y + height, x : x + width] = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    found, crowd = searcher(scene)
    assert sorted(round(person.image[0, 0] / 100) for person in found) == [2, 6, 8]
    assert crowd
    rest, _ = searcher(scene, found[:2])
    assert len(rest) == 1
    assert not any(same_body(rest[0], known) for known in found[:2])
    assert searcher(np.full_like(scene, 128)) == ([], False)


def test_the_plain_parts_of_a_picture_are_passed_over():
    scene = np.full((400, 800, 3), 128, np.uint8)
    assert places(scene) == []
    scene[100:300, 500:700] = np.random.default_rng(0).integers(0, 255, (25, 25, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    found = places(scene)
    assert found
    assert all(430 < place.x < 770 and 30 < place.y < 370 for place in found)


def test_tiles_cover_the_picture():
    for width, height, side in ((640, 480, 480), (1280, 720, 259), (300, 300, 300)):
        covered = np.zeros((height, width), int)
        for tile in tiles(width, height, side):
            x, y = round(tile.x - side / 2), round(tile.y - side / 2)
            assert x >= 0
            assert y >= 0
            covered[y : y + side, x : x + side] += 1
        assert covered.min() >= 1


def test_colours_tell_people_apart(body, actor_frames):
    own, darker = (colours(picture, body) for picture in (actor_frames[0], (actor_frames[0] * 0.9).astype(np.uint8)))
    other = colours(np.ascontiguousarray(actor_frames[0][..., [2, 0, 1]]), body)
    assert unlike(own, own) == pytest.approx(0, abs=1e-6)
    assert unlike(own, darker) < 0.4 < unlike(own, other)
    outside = colours(actor_frames[0], type(body)(body.image + np.array([9999, 0, 0]), body.world, body.visibility, body.presence))
    assert not outside.any()
    assert unlike(own, outside) == 0.5


def test_cuts_and_the_cameras_motion():
    rng = np.random.default_rng(0)
    import cv2

    wide = cv2.GaussianBlur(rng.integers(0, 255, (400, 900, 3), np.uint8), (0, 0), 4)
    wide = cv2.normalize(wide, None, 0, 255, cv2.NORM_MINMAX)
    before, now = (thumbnail(np.ascontiguousarray(wide[:, x : x + 640])) for x in (100, 112))
    matrix = camera_motion(before, now, 2.0)
    np.testing.assert_allclose(matrix, [[1, 0, -12], [0, 1, 0]], atol=0.4)
    assert not is_cut(before, now)
    assert not is_cut(before, (before * 0.4).astype(np.uint8))  # the light went out
    assert is_cut(before, thumbnail(np.ascontiguousarray(255 - wide[::-1, 200:840] // 3)))
    np.testing.assert_array_equal(camera_motion(np.zeros((90, 160), np.uint8), np.zeros((90, 160), np.uint8), 1), np.eye(2, 3))
