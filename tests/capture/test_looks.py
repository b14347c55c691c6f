# SPDX-License-Identifier: GPL-3.0-or-later
"""Further looks at a body that is known."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import numpy as np
import pytest

pytest.importorskip("mediapipe")

from ningyo.synth_data.capture.bodies import Body, BodyModel, similarity
from ningyo.synth_data.capture.crops import Box, body_region
from ningyo.synth_data.capture.landmarker import quiet_libraries
from ningyo.synth_data.capture.looks import LOOKS, LookAgain
from ningyo.synth_data.video.read import Frame


@pytest.fixture(scope="module")
def known(actor_frames) -> Body:
    height, width = actor_frames[0].shape[:2]
    with quiet_libraries(), closing(BodyModel()) as model:
        found = model.look(actor_frames[0], Box(width / 2, height / 2, 1.2 * height))
        assert found is not None
        body = model.look(actor_frames[0], body_region(found.image))
    assert body is not None
    return body


@pytest.fixture(scope="module")
def look_again() -> Callable[..., list[dict[int, list[Body | None]]]]:
    def look(pictures, bodies, threads: int = 2):
        frames = [(Frame(index, index / 25, rgb), known) for index, (rgb, known) in enumerate(zip(pictures, bodies, strict=True))]
        with quiet_libraries(), closing(LookAgain(threads=threads)) as again:
            return list(again.run(frames))

    return look


def test_every_look_shows_the_body_where_it_is(look_again, known, actor_frames):
    seen = look_again([actor_frames[0]] * 3, [{7: known.image}, {}, {7: known.image, 9: known.image}])
    assert [sorted(found) for found in seen] == [[7], [], [7, 9]]
    assert len(seen[0][7]) == len(LOOKS) == 3
    for body in seen[0][7]:
        assert similarity(body, known) > 0.9  # left is left in the mirror, too
        apart = np.linalg.norm(body.image[:, :2] - known.image[:, :2], axis=1)
        assert np.median(apart) < 0.02 * known.size
        assert apart.max() > 0  # each is a look of its own
        assert np.abs(body.world - known.world).max() < 0.3
        up = body.world[[11, 12]].mean(axis=0) - body.world[[23, 24]].mean(axis=0)
        assert np.degrees(np.arctan2(up[0], -up[1])) == pytest.approx(0, abs=8)  # turned back, too
    assert len({body.image.tobytes() for body in seen[0][7]}) == 3


def test_the_result_does_not_depend_on_the_threads(look_again, known, actor_frames):
    pictures, bodies = actor_frames[:3], [{0: known.image}] * 3
    for one, two in zip(look_again(pictures, bodies, 1), look_again(pictures, bodies, 3), strict=True):
        for a, b in zip(one[0], two[0], strict=True):
            np.testing.assert_array_equal(a.image, b.image)


def test_nobody_and_somebody_else_are_no_look(look_again, known, actor_frames):
    height, width = actor_frames[0].shape[:2]
    picture = np.full((height, 2 * width, 3), actor_frames[0][4, 4], np.uint8)
    picture[:, :width] = actor_frames[0]
    # The regions of the first two hold the person, but not where or as large as somebody is known to be.
    beside = known.image + np.array([0.3 * known.size, 0, 0])
    large = known.image + 0.9 * (known.image - known.image[[23, 24]].mean(axis=0))
    empty = known.image + np.array([width, 0, 0])
    (found,) = look_again([picture], [{0: beside, 1: large, 2: empty, 3: known.image}])
    assert found[0] == found[1] == found[2] == [None] * 3
    assert None not in found[3]
