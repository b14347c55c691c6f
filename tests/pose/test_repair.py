# SPDX-License-Identifier: GPL-3.0-or-later
"""Repairs, of one look and of several, on a stick person whose sides are known: walking, waving, turning round, seen from four metres."""

from __future__ import annotations

import numpy as np
import pytest
from ningyo.synth_data.pose.fusion import fuse
from ningyo.synth_data.pose.landmarks import MEDIAPIPE_33
from ningyo.synth_data.pose.repair import ALL, ARMS, AS_DETECTED, FLIPPED, LEGS, LOST, REPAIRED, find_path, find_repairs, repaired

FPS = 25.0
# The left side of someone who faces the camera: x to their left, y down, z to their back, metres from between the hips.
LEFT = {
    "eye_inner": (0.02, -0.68, -0.12), "eye": (0.03, -0.68, -0.11), "eye_outer": (0.04, -0.68, -0.10), "ear": (0.07, -0.66, 0.0),
    "shoulder": (0.17, -0.50, 0.0), "elbow": (0.22, -0.24, 0.03), "wrist": (0.24, 0.0, -0.05), "pinky": (0.25, 0.07, -0.06),
    "index": (0.24, 0.08, -0.09), "thumb": (0.22, 0.05, -0.10), "hip": (0.11, 0.0, 0.0), "knee": (0.12, 0.40, -0.03),
    "ankle": (0.12, 0.80, 0.02), "heel": (0.12, 0.84, 0.06), "foot_index": (0.14, 0.86, -0.12),
}  # fmt: skip
SWUNG = {"arm": ("elbow", "wrist", "pinky", "index", "thumb"), "leg": ("knee", "ankle", "heel", "foot_index")}


def person(yaw, *, walk=0.0, wave=0.0, fps=FPS, place=0.0, seed=0):
    """Image, world and visibility of a person turned by `yaw` (F,) degrees to their left, with landmarks 5 mm unsure."""
    frames = len(yaw)
    clock = np.arange(frames) / fps
    body = np.zeros((frames, 33, 3))
    for index, name in enumerate(MEDIAPIPE_33):
        side, _, part = name.partition("_")
        sign = -1.0 if side == "right" or name == "mouth_right" else 1.0
        swing = walk * sign * np.sin(2 * np.pi * 0.9 * clock)
        at = {"nose": (0.0, -0.64, -0.14), "mouth_left": (0.025, -0.60, -0.11), "mouth_right": (0.025, -0.60, -0.11)}.get(name)
        x, y, z = np.array(at if at is not None else LEFT[part])[:, None] * np.ones(frames)
        if part in SWUNG["leg"]:
            z = z - 0.55 * swing * y
        if part in SWUNG["arm"]:
            z = z + 0.55 * swing * (y + 0.5)
            if sign > 0:
                y = y - wave * (1 + np.sin(2 * np.pi * clock)) * (y + 0.5)
        body[:, index] = np.stack([sign * x, y, z], -1)
    c, s = np.cos(np.radians(yaw)), np.sin(np.radians(yaw))
    x, y, z = np.moveaxis(body, -1, 0)
    world = np.stack([c[:, None] * x - s[:, None] * z, y, s[:, None] * x + c[:, None] * z], -1)
    world += np.random.default_rng(seed).normal(0, 0.005, world.shape)
    depth = world[..., 2] + 4.0
    image = np.stack([320 + 600 * (world[..., 0] + place) / depth, 200 + 600 * (world[..., 1] - 0.3) / depth, world[..., 2] * 150], -1)
    return image.astype(np.float32), world.astype(np.float32), np.full((frames, 33), 0.95, np.float32), clock


def test_a_mistake_undone_twice_is_the_mistake():
    image, world, visibility, _ = person(np.full(6, 20.0), walk=1.0)
    visibility[:, (11, 25)] = 0.2
    states = np.array([AS_DETECTED, LEGS, ARMS, ALL, FLIPPED, FLIPPED], np.uint8)
    once = repaired(image, world, visibility, states)
    for value, changed, back in zip((image, world, visibility), once, repaired(*once, states), strict=True):
        np.testing.assert_allclose(back, value, atol=1e-4)
        assert np.abs(changed[1:] - value[1:]).max(axis=tuple(range(1, value.ndim))).min() > 0.05
    np.testing.assert_array_equal(once[1][4, 23, :2], world[4, 24, :2])
    np.testing.assert_allclose(once[1][4, 0, 2], world[4, (23, 24), 2].sum() - world[4, 0, 2], atol=1e-6)
    np.testing.assert_array_equal(REPAIRED[states], [0, 1, 1, 1, 2, 2])


@pytest.mark.parametrize("yaw", [0.0, 40.0, 70.0, 180.0])
@pytest.mark.parametrize("mistake", [LEGS, ARMS, ALL, FLIPPED])
@pytest.mark.parametrize("length", [1, 4, 20])
def test_mistakes_are_undone_and_nothing_else_is_changed(yaw, mistake, length):
    image, world, visibility, clock = person(np.full(80, yaw), walk=0.7, wave=0.6)
    states = np.zeros(80, np.uint8)
    states[30 : 30 + length] = mistake
    np.testing.assert_array_equal(find_repairs(*repaired(image, world, visibility, states), clock), states)


@pytest.mark.parametrize("seconds", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("fps", [12.5, 25.0, 60.0])
def test_turning_round_is_no_mistake(seconds, fps):
    clock = np.arange(round((seconds * 2 + 4) * fps)) / fps
    yaw = np.interp(clock, [1, 1 + seconds, 2.5 + seconds, 2.5 + 2 * seconds], [0, 180, 180, 360])
    image, world, visibility, clock = person(yaw, wave=0.3, fps=fps)
    assert not find_repairs(image, world, visibility, clock).any()


def test_a_quick_look_back_at_a_low_rate_is_no_mistake():
    clock = np.arange(24) / 8
    yaw = np.interp(clock, [1.0, 1.35, 1.65, 2.0], [0, 180, 180, 360])
    image, world, visibility, clock = person(yaw, wave=0.3, fps=8)
    assert not find_repairs(image, world, visibility, clock).any()


def test_walking_across_the_view_is_no_mistake():
    image, world, visibility, clock = person(np.full(100, 90.0), walk=1.0)
    assert not find_repairs(image, world, visibility, clock).any()


def test_a_mistake_at_the_end_of_a_gap_is_undone_and_a_long_gap_tells_nothing():
    image, world, visibility, clock = person(np.zeros(90), walk=0.5)
    states = np.zeros(90, np.uint8)
    states[41:55] = FLIPPED
    image, world, visibility = repaired(image, world, visibility, states)
    unseen = np.r_[38:41, 70:74]
    image[unseen], world[unseen], visibility[unseen] = np.nan, np.nan, 0
    np.testing.assert_array_equal(find_repairs(image, world, visibility, clock), states)
    # Nobody turns round between two frames, but in five seconds that nobody saw they may.
    image, world, visibility, clock = person(np.r_[np.zeros(40), np.full(15, 180.0)])
    np.testing.assert_array_equal(find_repairs(image, world, visibility, clock), FLIPPED * (np.arange(55) >= 40))
    clock[40:] += 5.0
    assert not find_repairs(image, world, visibility, clock).any()


def test_a_cut_to_another_view_is_no_mistake():
    parts = [person(np.full(30, yaw), place=place) for yaw, place in ((0, 0.0), (180, 0.8), (0, 0.0))]
    image, world, visibility = (np.concatenate(arrays) for arrays in list(zip(*parts, strict=True))[:3])
    assert not find_repairs(image, world, visibility, np.arange(90) / FPS).any()


def test_a_body_between_front_and_back_is_given_up():
    image, world, visibility, clock = person(np.zeros(60))
    states = np.zeros(60, np.uint8)
    states[22:40] = FLIPPED
    flipped = repaired(image, world, visibility, np.full(60, FLIPPED, np.uint8))
    image, world, visibility = repaired(image, world, visibility, states)
    for frame in (21, 40, 41):
        image[frame], world[frame] = (0.5 * (front[frame] + back[frame]) for front, back in ((image, flipped[0]), (world, flipped[1])))
    image[40:42], world[40:42] = image[21], world[21]
    states[[21, 40, 41]] = LOST
    found = find_repairs(image, world, visibility, clock)
    np.testing.assert_array_equal(found, states)
    mended = repaired(image, world, visibility, found)
    assert np.isnan(mended[0][21]).all()
    assert np.isnan(mended[1][40]).all()
    assert not mended[2][41].any()
    np.testing.assert_array_equal(REPAIRED[found[20:23]], [0, 0, 2])


def test_a_whole_clip_the_wrong_way_round_needs_to_be_told():
    image, world, visibility, clock = person(np.zeros(40), wave=0.5)
    everywhere = np.full(40, FLIPPED, np.uint8)
    wrong = repaired(image, world, visibility, everywhere)
    assert not find_repairs(*wrong, clock).any()
    face = np.full(40, np.nan)
    face[10:30:4] = 0.9
    np.testing.assert_array_equal(find_repairs(*wrong, clock, face), everywhere)
    assert not find_repairs(image, world, visibility, clock, face).any()
    # Legs that belong to someone who faces the other way show by themselves.
    legs = np.full(40, LEGS, np.uint8)
    np.testing.assert_array_equal(find_repairs(*repaired(image, world, visibility, legs), clock), legs)


@pytest.mark.parametrize("mistaken", [slice(0, 40), slice(20, 60)])
def test_feet_on_the_floor_tell_which_part_of_a_clip_is_wrong(mistaken):
    image, world, visibility, clock = person(np.zeros(60))
    states = np.zeros(60, np.uint8)
    states[mistaken] = FLIPPED
    np.testing.assert_array_equal(find_repairs(*repaired(image, world, visibility, states), clock), states)


@pytest.mark.parametrize("frames", [0, 1, 2])
def test_few_frames(frames):
    image, world, visibility, clock = person(np.zeros(frames))
    assert find_repairs(image, world, visibility, clock).tolist() == [AS_DETECTED] * frames
    nobody = np.full_like(image, np.nan), np.full_like(world, np.nan), np.zeros_like(visibility)
    assert find_repairs(*nobody, clock).tolist() == [AS_DETECTED] * frames
    assert [part.shape for part in repaired(*nobody, np.zeros(frames, np.uint8))] == [image.shape, world.shape, visibility.shape]


def test_rows_on_the_disk_are_read_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr("ningyo.synth_data.pose.repair._CHUNK", 16)
    image, world, visibility, clock = person(np.linspace(0, 90, 100), walk=0.5)
    states = np.zeros(100, np.uint8)
    states[16:32], states[40:42], states[60:90] = FLIPPED, LEGS, ARMS
    image, world, visibility = repaired(image, world, visibility, states)
    rows = np.memmap(tmp_path / "rows", [("image", "f4", (33, 3)), ("world", "f4", (33, 3)), ("visibility", "f4", 33)], "w+", shape=100)
    rows["image"], rows["world"], rows["visibility"] = image, world, visibility
    np.testing.assert_array_equal(find_repairs(rows["image"], rows["world"], rows["visibility"], clock), states)


def looks_at(body, seeds=(1, 2, 3, 4), noise=2.0):
    """(F, L, …) of several looks at a body (image, world, visibility), each with noise of its own."""
    image, world, visibility = body
    random = [np.random.default_rng(seed) for seed in seeds]
    shape = (len(seeds), *image.shape)
    errors = np.array([one.normal(0, 1, image.shape) for one in random]).reshape(shape)
    looks = image + noise * errors, world + noise / 300 * errors, np.repeat(visibility[None], len(seeds), 0)
    return tuple(np.moveaxis(look, 0, 1) for look in looks)


def with_mistakes(looks, mistakes):
    """`mistakes`: (look, frames, state)."""
    looks = tuple(array.copy() for array in looks)
    for look, frames, state in mistakes:
        wrong = repaired(*(array[frames, look] for array in looks), np.full(frames.stop - frames.start, state, np.uint8))
        for array, values in zip(looks, wrong, strict=True):
            array[frames, look] = values
    return looks


def test_a_mistake_that_not_all_looks_make_is_outvoted():
    image, world, visibility, clock = person(np.full(60, 30.0), walk=0.5, wave=0.3)
    looks = with_mistakes(
        looks_at((image, world, visibility)), [(0, slice(10, 30), LEGS), (2, slice(25, 50), ALL), (3, slice(40, 45), ARMS)]
    )
    chosen, states = find_path(*looks, clock)
    fused = fuse(*looks, chosen, states, 300.0)
    error = np.linalg.norm(fused[0][..., :2] - image[..., :2], axis=-1)
    assert error.max() < 6
    assert np.sqrt((error**2).mean()) < 0.65 * np.sqrt(2) * 2.0  # of four looks half the noise is left
    assert np.abs(fused[1] - world).max() < 0.03
    np.testing.assert_allclose(fused[2], visibility, atol=1e-6)
    # One look in all frames is that look, repaired.
    alone = tuple(array[:, :1] for array in looks)
    only, found = find_path(*alone, clock)
    np.testing.assert_array_equal(found, find_repairs(*(array[:, 0] for array in alone), clock))
    for values, expected in zip(fuse(*alone, only, found, 300.0), repaired(*(array[:, 0] for array in alone), found), strict=False):
        np.testing.assert_allclose(values, expected, atol=1e-9)
    assert not fuse(*alone, only, found, 300.0)[3].any()


def test_the_spread_says_where_looks_disagree():
    image, world, visibility, clock = person(np.zeros(40), walk=0.5)
    looks = looks_at((image, world, visibility), noise=1.0)
    looks[0][20:25, :, 15, 0] += np.array([-9, 9, -6, 6])
    looks[0][30, 3, 16] += 200  # one that is far from the others counts for nothing
    spread = fuse(*looks, *find_path(*looks, clock), 300.0)[3]
    usual = np.delete(spread, [15, 16], axis=1)
    assert (spread[20:25, 15] > 2 * usual.max()).all()
    fused = fuse(*looks, *find_path(*looks, clock), 300.0)[0]
    assert np.linalg.norm(fused[30, 16, :2] - image[30, 16, :2]) < 4


def test_looks_that_found_nobody():
    image, world, visibility, clock = person(np.zeros(30), wave=0.5)
    looks = looks_at((image, world, visibility))
    unseen = [(slice(4, 9), slice(0, 3)), (slice(12, 20), slice(1, 2)), (slice(22, 25), slice(None))]
    for place in unseen:
        looks[0][place], looks[1][place], looks[2][place] = np.nan, np.nan, 0
    chosen, states = find_path(*looks, clock)
    assert (chosen[4:9] == 3).all()
    assert (chosen[12:20] != 1).all()
    fused = fuse(*looks, chosen, states, 300.0)
    nobody = np.zeros(30, bool)
    nobody[22:25] = True
    for values in fused[:2]:
        np.testing.assert_array_equal(np.isnan(values).any(axis=(1, 2)), nobody)
    for values in fused[2:]:
        assert not values[nobody].any()
    assert not fused[3][4:9].any()  # a look alone has no spread
    assert (fused[3][12:20] > 0).all()
    nowhere = tuple(np.full_like(array, np.nan) for array in looks)
    assert find_path(*nowhere, clock)[1].tolist() == [AS_DETECTED] * 30
    assert np.isnan(fuse(*nowhere, *find_path(*nowhere, clock), 300.0)[0]).all()


def test_several_looks_are_read_in_pieces(monkeypatch):
    image, world, visibility, clock = person(np.linspace(0, 90, 80), walk=0.7)
    looks = with_mistakes(
        looks_at((image, world, visibility)), [(0, slice(10, 30), FLIPPED), (1, slice(28, 60), ALL), (2, slice(0, 80), LEGS)]
    )
    whole = find_path(*looks, clock)
    monkeypatch.setattr("ningyo.synth_data.pose.repair._CHUNK", 16)  # of which the steps are worked out one at a time
    for values, expected in zip(find_path(*looks, clock), whole, strict=True):
        np.testing.assert_array_equal(values, expected)
