# SPDX-License-Identifier: GPL-3.0-or-later
"""Crops, and the way back from them."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("cv2")

from ningyo.synth_data.capture.crops import Box, body_region, face_box, face_region, hand_box, hand_region, pixels_a_metre


@pytest.mark.parametrize("up", [0.0, 0.4, np.pi / 2, -2.5])
def test_a_dot_is_found_where_it_was(up):
    picture = np.zeros((240, 320, 3), np.uint8)
    picture[100:104, 200:204] = 255  # its centre is (202, 102)
    box = Box(190, 110, 80, up)
    crop = box.cut(picture, 160).astype(float)[..., 0]
    y, x = np.indices(crop.shape) + 0.5
    centre = np.array([[(x * crop).sum() / crop.sum() / 160, (y * crop).sum() / crop.sum() / 160, 0.25]])
    np.testing.assert_allclose(box.to_image(centre), [[202, 102, 20]], atol=0.3)


def test_up_is_up():
    box = Box(0, 0, 10, np.pi / 2)  # the crop's top points right in the picture
    np.testing.assert_allclose(box.to_image(np.array([[0.5, 0.0, 0.0]])), [[5, 0, 0]], atol=1e-9)
    np.testing.assert_allclose(box.turn_world(np.array([[0.0, -1.0, 3.0]])), [[1, 0, 3]], atol=1e-9)


def test_black_outside_of_the_picture():
    crop = Box(0, 0, 40).cut(np.full((50, 50, 3), 255, np.uint8), 40)
    assert crop[:19, :19].max() == 0
    assert crop[21:, 21:].min() == 255


def standing() -> tuple[np.ndarray, np.ndarray]:
    """A made-up body: world metres, and its picture at 200 px a metre around (300, 400)."""
    world = np.random.default_rng(0).normal(0, 0.3, (33, 3))
    world[[13, 15, 17, 19]] = [[0.4, 0, 0], [0.4, 0.25, 0], [0.42, 0.33, 0], [0.38, 0.33, 0]]  # left forearm hangs down
    world[[2, 5, 9, 10]] = [[0.03, -0.6, 0], [-0.03, -0.6, 0], [0.02, -0.53, 0], [-0.02, -0.53, 0]]
    return world * 200 + (300, 400, 0), world


def test_boxes_follow_the_body():
    image, world = standing()
    assert pixels_a_metre(image, world) == pytest.approx(200)
    hand = hand_box(image, 200, 0)
    assert (hand.x, hand.y) == pytest.approx((380, 462.8), abs=1)
    assert abs(hand.up) == pytest.approx(np.pi)
    assert face_box(image, 200).up == pytest.approx(0)
    box = body_region(image)
    assert (np.abs(image[:, :2] - (box.x, box.y)) < box.side / 2).all()


def turned(points: np.ndarray, angle: float) -> np.ndarray:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.column_stack([points[:, :2] @ [[cos, sin], [-sin, cos]] + (300, 200), points[:, 2]])


@pytest.mark.parametrize("angle", [0.0, 1.0, -2.0])
def test_regions_turn_with_what_is_in_them(angle):
    hand = np.zeros((21, 3))  # fingers up: the wrist at the origin, joints 10 px apart
    for finger in range(5):
        hand[4 * finger + 1 : 4 * finger + 5, 0] = 8.0 * (finger - 2)
        hand[4 * finger + 1 : 4 * finger + 5, 1] = -30.0 - 10 * np.arange(4)
    region = hand_region(turned(hand, angle))
    assert region.up == pytest.approx(angle, abs=0.15)  # the middle finger's knuckle weighs most
    inside = (turned(hand, angle)[:, :2] - (region.x, region.y)) @ region._axes() / region.side
    assert (np.abs(inside) < 0.5).all()
    assert region.side == pytest.approx(2 * np.ptp(hand[[0, 2], 1]), rel=0.3)

    face = np.random.default_rng(0).uniform(-50, 50, (478, 3))
    face[33], face[263] = (-30, 5, 0), (30, 5, 0)
    region = face_region(turned(face, angle))
    assert region.up == pytest.approx(angle)
    assert region.side == pytest.approx(150, rel=0.05)
