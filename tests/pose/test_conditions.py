# SPDX-License-Identifier: GPL-3.0-or-later
"""The three drawings: one interface, each what it says it is, the same points in the same places."""

from __future__ import annotations

import numpy as np
import pytest
from ningyo.errors import UserError
from ningyo.synth_data.pose.conditions import CONDITIONS, LIMBS, STICKS, condition_named
from ningyo.synth_data.pose.framing import project
from ningyo.synth_data.pose.landmarks import BODY_25
from ningyo.synth_data.pose.skeleton import BODY_COLOURS, BODY_LIMBS

HEIGHT = 1.7
WRIST, ELBOW = BODY_25.index("left_wrist"), BODY_25.index("left_elbow")


def camera(size: int) -> np.ndarray:
    return np.array([[1.8 * size, 0, size / 2], [0, 1.8 * size, size / 2], [0, 0, 1.0]])


def cloud(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform((-0.8, -0.8, 3.5), (0.8, 0.8, 4.5), (137, 3))


@pytest.mark.parametrize("name", CONDITIONS)
def test_one_interface(name: str) -> None:
    condition = CONDITIONS[name]
    packed = condition.draw(cloud(), camera(96), (96, 64), HEIGHT)
    assert packed.shape == (64, 96, condition.packed)
    assert packed.dtype == np.uint8
    channels = condition.expand(packed)
    assert channels.shape == (len(condition.channels), 64, 96)
    assert channels.dtype == np.float32
    assert 0.5 < np.abs(channels).max() <= 1


@pytest.mark.parametrize("name", CONDITIONS)
def test_nothing_known_is_the_empty_pixel_everywhere(name: str) -> None:
    condition = CONDITIONS[name]
    points = cloud()
    points[:, 2] *= -1  # behind the camera
    for nothing in (np.full((137, 3), np.nan), points):
        packed = condition.draw(nothing, camera(64), 64, HEIGHT)
        assert (packed == condition.empty).all()
    silent = [name for name in condition.channels if name != "background"]
    assert not condition.expand(packed)[: len(silent)].any()


@pytest.mark.parametrize("name", CONDITIONS)
def test_the_same_limb_is_at_the_same_place(name: str) -> None:
    points = np.full((137, 3), np.nan)
    points[ELBOW], points[WRIST] = (-0.2, 0.1, 4), (0.3, -0.2, 4)
    channels = CONDITIONS[name].expand(CONDITIONS[name].draw(points, camera(128), 128, HEIGHT))
    drawn = [i for i, channel in enumerate(CONDITIONS[name].channels) if channel != "background"]
    x, y = project((points[ELBOW] + points[WRIST])[None] / 2, camera(128))[0]
    rows, columns = np.nonzero(channels[drawn].any(0))
    assert channels[drawn][:, int(y), int(x)].any()
    assert columns.mean() == pytest.approx(x, abs=6)  # capsules add a hand to the wrist
    assert rows.mean() == pytest.approx(y, abs=6)


@pytest.mark.parametrize("name", CONDITIONS)
def test_what_is_unknown_is_drawn_nowhere_and_what_leaves_the_picture_reaches_its_border(name: str) -> None:
    condition = CONDITIONS[name]
    points = np.full((137, 3), np.nan)
    points[ELBOW], points[WRIST] = (0.3, 0.1, 4), (1.5, 0.1, 4)
    drawn = (condition.draw(points, camera(128), 128, HEIGHT) != condition.empty).any(-1)
    rows, columns = np.nonzero(drawn)
    assert columns.max() == 127
    assert columns.min() > 64
    assert rows.min() > 56
    points[WRIST] = np.nan
    assert not (condition.draw(points, camera(128), 128, HEIGHT)[:56, :64] != condition.empty).any()


def test_unknown_drawings_get_a_sentence() -> None:
    assert condition_named("limbs") is LIMBS
    with pytest.raises(UserError, match="no drawing 'oils'"):
        condition_named("oils")


def test_sticks_have_openposes_colours() -> None:
    points = np.full((137, 3), np.nan)
    points[ELBOW], points[WRIST] = (-0.4, 0, 4), (0.4, 0, 4)
    colours = STICKS.expand(STICKS.draw(points, camera(512), 512, HEIGHT))[:, 256, 256]
    assert np.allclose(colours * 255, BODY_COLOURS[WRIST])


def test_limbs_stay_apart_where_they_cross_and_the_rest_is_background() -> None:
    points = np.full((137, 3), np.nan)
    points[ELBOW], points[WRIST] = (-0.4, 0, 4), (0.4, 0, 4)
    knee, ankle = BODY_25.index("right_knee"), BODY_25.index("right_ankle")
    points[knee], points[ankle] = (0, -0.4, 4), (0, 0.4, 4)
    channels = LIMBS.expand(LIMBS.draw(points, camera(512), 512, HEIGHT))
    assert set(np.unique(channels)) == {0, 1}
    on = [LIMBS.channels[i] for i in np.flatnonzero(channels[:, 256, 256])]
    assert on == [f"limb_{a}_{b}" for a, b in BODY_LIMBS if {a, b} in ({ELBOW, WRIST}, {knee, ankle})]
    assert np.array_equal(channels[-1], ~channels[:-1].any(0))
    arm = channels[BODY_LIMBS.index((ELBOW, WRIST))]
    assert arm[:, 200].sum() in (4, 5, 6)  # five pixels of 512


def test_each_finger_has_a_channel() -> None:
    points = cloud()
    used = LIMBS.expand(LIMBS.draw(points, camera(256), 256, HEIGHT)).any((1, 2))
    assert used.all()
    points[116:] = np.nan
    used = LIMBS.expand(LIMBS.draw(points, camera(256), 256, HEIGHT)).any((1, 2))
    assert [name for name, there in zip(LIMBS.channels, used, strict=True) if not there] == [
        f"right_{finger}" for finger in ("thumb", "index", "middle", "ring", "pinky")
    ]
