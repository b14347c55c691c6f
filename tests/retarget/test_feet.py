# SPDX-License-Identifier: GPL-3.0-or-later
"""Feet that hold the floor, on rigs of numbers whose motions slide, float and sink."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ningyo.synth_data.retarget.feet import carry, hold, hold_feet
from ningyo.synth_data.retarget.kinematics import continuous, matrix_to_quaternion, pose, rotation_vector_to_matrix, rotations_of, unit
from ningyo.synth_data.retarget.legs import bend_legs, give_way
from ningyo.synth_data.retarget.motion import Camera, Motion
from ningyo.synth_data.retarget.root import soles, standing_height
from ningyo.synth_data.retarget.stances import Foot

FPS = 30.0
TOUCHING = (0, 1, 3, 4)


def still(rig, frames):
    return np.broadcast_to(np.eye(3), (frames, len(rig.bones), 3, 3)).copy(), np.tile(rig.head("hips"), (frames, 1))


def bent(rig, frames, angle=0.35):
    """Somebody who stands with bent knees, feet level, on the rig's floor: own rotations and root."""
    local, root = still(rig, frames)
    for side in ("left", "right"):
        for part, turn in (("thigh", -angle), ("shin", 2 * angle), ("foot", -angle)):
            bone = rig.index_of_role[f"{side}_{part}"]
            rest = rig.rest_rotations[bone]
            local[:, bone] = rest.T @ rotation_vector_to_matrix(turn * rig.left) @ rest
    points, _ = posed(rig, local, root)
    root[:, 2] -= points[..., 2].min() - standing_height(rig)
    return local, root


def posed(rig, local, root):
    """Soles (F, 6, 3) and heads (F, B, 3)."""
    heads, rotations = pose(rig, local, root)
    heads = rig.to_world(heads)
    return soles(rig, heads, rig.world_rotation @ rotations @ np.swapaxes(rig.rest_rotations, 1, 2)), heads


def motion_of(rig, local, root, down):
    frames = len(local)
    return Motion(
        fps=FPS, bones=rig.names, time=np.arange(frames) / FPS, rotation=continuous(matrix_to_quaternion(local)), root_position=root,
        contact=np.asarray(down, float), residual=np.zeros(frames), confidence=np.ones(frames), rig_name=rig.name,
    )  # fmt: skip


def steps(points):
    return np.linalg.norm(np.diff(points, axis=0), axis=-1)


def wandering(rig, frames, random):
    """Own rotations and root of a body that swings and shakes, and runs of contact that have nothing to do with it."""
    local, root = still(rig, frames)
    t = np.arange(frames)[:, None] / FPS
    swings = {"thigh": 0.4, "shin": 0.5, "foot": 0.5, "toe": 0.2}
    for index, bone in enumerate(rig.bones):
        size = swings.get((bone.role or "").split("_")[-1], 0.05)
        wave = size * np.sin(random.uniform(0, 6, 3) + random.uniform(1, 6, 3) * t) * random.uniform(0, 1, 3)
        local[:, index] = rotation_vector_to_matrix(wave + 0.01 * random.normal(size=(frames, 3)))
    root = root + np.concatenate([0.3 * t, 0.1 * np.sin(3 * t), 0.02 * np.sin(5 * t)], 1) + 0.003 * random.normal(size=(frames, 3))
    padded = np.pad(random.uniform(size=(frames, 4)), ((4, 4), (0, 0)), mode="edge")
    return local, root, np.lib.stride_tricks.sliding_window_view(padded, 9, axis=0).mean(axis=-1) > 0.5


@pytest.mark.parametrize("seed", range(8))
def test_what_is_held_neither_slides_nor_floats_nor_sinks_on_any_rig(make_rig, seed):
    rig = make_rig(
        seed=seed, rolls=True, bend=0.3 * (seed % 3), proportions=0.2 * (seed % 2), object_scale=(1.0, 0.01, 2.5)[seed % 3],
        object_rotation=seed % 2 == 0, extra_bones=seed % 4 == 0, without=("toe",) if seed == 5 else ("toe_end",) if seed == 6 else (),
    )  # fmt: skip
    local, root, down = wandering(rig, 90, np.random.default_rng(seed))
    floor = standing_height(rig)
    new, place, held = hold(rig, local, root, down, FPS, floor)
    points, heads = posed(rig, new, place)
    # A foot of one piece stands on its tip.
    feet = points[:, (0, 2, 3, 5) if "left_toe" not in rig.index_of_role else TOUCHING]
    assert held.sum() > 0.1 * down.sum()
    before, _ = posed(rig, local, root)
    assert steps(before[:, TOUCHING])[held[1:] & held[:-1]].max() > 0.01
    assert steps(feet)[held[1:] & held[:-1]].max() < 1e-5
    np.testing.assert_allclose(feet[held][:, 2], floor, atol=1e-5)
    assert points[..., 2].min() > floor - 1e-3
    legs = {rig.index_of_role.get(f"{side}_{part}") for side in ("left", "right") for part in ("thigh", "shin", "foot", "toe")}
    others = [bone for bone in range(len(rig.bones)) if bone not in legs]
    np.testing.assert_array_equal(new[:, others], local[:, others])
    again, there, same = hold(rig, new, place, held, FPS, floor)
    assert np.abs(posed(rig, again, there)[1] - heads).max() < 1e-5
    np.testing.assert_array_equal(same, held)


def test_a_motion_held_twice_is_the_same_through_single_precision(make_rig):
    rig = make_rig()
    local, root, down = wandering(rig, 60, np.random.default_rng(0))
    once = hold_feet(rig, motion_of(rig, local, root, down))
    twice = hold_feet(rig, once)
    first, second = (posed(rig, rotations_of(rig, m), m.root_position.astype(float))[1] for m in (once, twice))
    assert np.abs(first - second).max() < 1e-4
    np.testing.assert_array_equal(once.contact, twice.contact)


def test_a_standing_person_with_shaking_hips_has_still_feet(make_rig):
    rig = make_rig(object_scale=0.01, object_rotation=True, rolls=True)
    local, root = bent(rig, 90)
    random = np.random.default_rng(1)
    hips = rig.index_of_role["hips"]
    local[:, hips] = rotation_vector_to_matrix(0.02 * random.normal(size=(90, 3)))
    shaken = root + 0.004 * random.normal(size=(90, 3))
    motion = hold_feet(rig, motion_of(rig, local, shaken, np.ones((90, 4))))
    points, heads = posed(rig, rotations_of(rig, motion), motion.root_position.astype(float))
    assert steps(posed(rig, local, shaken)[0]).max() > 0.01
    assert steps(points).max() < 1e-5
    assert motion.contact.min() == 1
    assert np.abs(heads[:, hips] - shaken).max() < 0.02


def test_toes_stay_on_the_floor_and_bend_while_the_heel_rises(make_rig):
    rig = make_rig()
    frames = 60
    local, root = bent(rig, frames)
    foot = rig.index_of_role["left_foot"]
    rest = rig.rest_rotations[foot]
    pitch = 0.6 * np.clip((np.arange(frames) - 30) / 20, 0, 1)
    local[:, foot] = rest.T @ rotation_vector_to_matrix(pitch[:, None] * rig.left) @ rest @ local[:, foot]
    down = np.ones((frames, 4), bool)
    down[31:, 0] = False
    new, place, held = hold(rig, local, root, down, FPS, 0.0)
    points, _ = posed(rig, new, place)
    np.testing.assert_array_equal(held, down)
    assert points[-1, 0, 2] > 0.05
    assert np.abs(points[:, 1:3, 2]).max() < 1e-6
    assert steps(points[:, 1]).max() < 1e-6
    # A toe joint that lies above the floor goes on a little over the ball; the toes do with it.
    assert steps(points[:, 2]).max() < 2e-3
    assert (points[31:, 0, 2] >= -1e-9).all()


def test_a_foot_that_lands_rolls_from_the_heel(make_rig):
    rig = make_rig()
    frames = 40
    local, root = bent(rig, frames)
    root = root + np.linspace(0, 0.05, frames)[:, None] * rig.facing
    down = np.zeros((frames, 4), bool)
    down[10:, 2], down[20:, 3] = True, True
    foot = rig.index_of_role["right_foot"]
    rest = rig.rest_rotations[foot]
    pitch = -0.4 * np.clip((22 - np.arange(frames)) / 12, 0, 1)
    local[:, foot] = rest.T @ rotation_vector_to_matrix(pitch[:, None] * rig.left) @ rest @ local[:, foot]
    new, place, held = hold(rig, local, root, down, FPS, 0.0)
    points, _ = posed(rig, new, place)
    np.testing.assert_array_equal(held, down)
    assert steps(points[10:, 3]).max() < 1e-6
    assert steps(points[20:, 4]).max() < 1e-6
    assert points[11, 4, 2] > 0.02
    length = Foot.of(rig, "right").length
    np.testing.assert_allclose(np.linalg.norm(points[20:, 4] - points[20:, 3], axis=1), length, atol=1e-6)


def test_a_foot_that_travels_is_not_held(make_rig):
    """On a treadmill what is called standing moves at walking speed."""
    rig = make_rig()
    local, root = bent(rig, 60)
    root = root + np.arange(60)[:, None] / FPS * 1.3 * rig.facing
    new, place, held = hold(rig, local, root, np.ones((60, 4), bool), FPS, 0.0)
    assert not held.any()
    np.testing.assert_allclose(new, local, atol=1e-9)
    np.testing.assert_allclose(place, root, atol=1e-9)


def test_a_short_slip_is_let_go_and_the_rest_is_held(make_rig):
    rig = make_rig()
    local, root = bent(rig, 90)
    root[70:] += 0.04 * np.arange(20)[:, None] * rig.facing
    _, _, held = hold(rig, local, root, np.ones((90, 4), bool), FPS, 0.0)
    assert held[:65].all()
    assert not held[85:].any()


def test_hips_give_way_where_a_leg_would_not_reach(make_rig):
    rig = make_rig()
    local, root = bent(rig, 90, angle=0.1)
    root = root + np.array([0.0, 0.0, 0.04]) * np.exp(-(((np.arange(90) - 45) / 8.0) ** 2))[:, None]
    new, place, held = hold(rig, local, root, np.ones((90, 4), bool), FPS, 0.0)
    points, heads = posed(rig, new, place)
    assert held.all()
    assert steps(points).max() < 1e-6
    assert np.abs(np.diff(place, 2, axis=0)).max() < 0.004
    for side in ("left", "right"):
        hip, knee, ankle = (heads[:, rig.index_of_role[f"{side}_{part}"]] for part in ("thigh", "shin", "foot"))
        straightness = np.sum(unit(knee - hip) * unit(ankle - knee), axis=1)
        assert np.degrees(np.arccos(straightness)).min() > 8
        assert np.abs(np.diff(knee, 2, axis=0)).max() < 0.01


def test_corrections_come_and_go_without_a_jerk(make_rig):
    rig = make_rig()
    local, root = bent(rig, 90)
    down = np.zeros((90, 4), bool)
    down[30:50] = True
    root = root + 0.06 * np.sin(np.arange(90) / 12)[:, None] * rig.left
    new, place, held = hold(rig, local, root, down, FPS, 0.0)
    before, after = posed(rig, local, root)[0], posed(rig, new, place)[0]
    added = np.diff(after - before, 2, axis=0) * FPS**2
    assert held[30:50].all()
    assert np.linalg.norm(after - before, axis=-1).max() > 0.02
    assert np.linalg.norm(added, axis=-1).max() < 8
    assert np.abs((after - before)[:10]).max() < 0.004


def test_the_curve_between_what_is_known():
    known = np.zeros(60, bool)
    known[[10, 11, 40, 41]] = True
    values = np.zeros((60, 1))
    values[10:12, 0], values[40:42, 0] = (0.02, 0.03), (-0.01, -0.01)
    curve = carry(values, known, FPS)
    np.testing.assert_array_equal(curve[known], values[known])
    bend = np.abs(np.diff(curve[:, 0], 2)) * FPS**2
    assert bend.max() < 8
    assert np.abs(curve[25:27]).max() < 0.004
    assert not carry(values, np.zeros(60, bool), FPS).any()


def test_another_floor(make_rig):
    rig = make_rig()
    local, root = bent(rig, 30)
    motion = hold_feet(rig, motion_of(rig, local, root, np.ones((30, 4))), floor=0.4)
    points, _ = posed(rig, rotations_of(rig, motion), motion.root_position.astype(float))
    np.testing.assert_allclose(points[:, TOUCHING, 2], 0.4, atol=1e-5)
    np.testing.assert_allclose(motion.root_position - root, [[0, 0, 0.4]] * 30, atol=0.01)


def test_a_motion_that_floats_sinks_as_a_whole_and_still_lies_over_the_person(make_rig):
    rig = make_rig()
    local, root = bent(rig, 30)
    view = np.array([[1.0, 0, 0, 0], [0, 0, -1.0, 1.0], [0, 1.0, 0, 4.0]])
    motion = replace(motion_of(rig, local, root + np.array([0, 0, 0.03]), np.ones((30, 4))), camera=Camera(700, 512, 512, view))
    held = hold_feet(rig, motion)
    np.testing.assert_allclose(rotations_of(rig, held), local, atol=1e-5)
    np.testing.assert_allclose(held.root_position, root, atol=1e-5)
    seen = [m.camera.project(m.root_position)[0] for m in (motion, held)]
    np.testing.assert_allclose(seen[0], seen[1], atol=1e-2)


def test_one_frame_and_bones_that_the_motion_did_not_move(make_rig):
    rig = make_rig()
    _, root = bent(rig, 1)
    motion = Motion(
        fps=FPS, bones=(rig.names[0],), time=np.zeros(1), rotation=np.array([[[1.0, 0, 0, 0]]]), root_position=root + 0.01,
        contact=np.ones((1, 4)), residual=np.zeros(1), confidence=np.ones(1),
    )  # fmt: skip
    held = hold_feet(rig, motion)
    points, _ = posed(rig, rotations_of(rig, held), held.root_position.astype(float))
    np.testing.assert_allclose(points[:, TOUCHING, 2], 0, atol=1e-4)
    assert rig.names[rig.index_of_role["left_thigh"]] in held.bones


def test_a_knee_bends_in_its_own_plane_and_a_straight_one_about_its_hinge():
    axis = np.array([[1.0, 0.0, 0.0]])
    thigh, shin = np.array([[0.0, -0.1, -0.4]]), np.array([[0.0, 0.1, -0.4]])
    upper, lower = bend_legs(thigh, shin, np.array([[0.0, 0.0, -0.7]]), axis)
    knee, ankle = (upper @ thigh[0]), (upper @ thigh[0] + lower @ shin[0])
    np.testing.assert_allclose(ankle, [[0, 0, -0.7]], atol=1e-12)
    assert knee[0, 0] == pytest.approx(0, abs=1e-12)
    assert knee[0, 1] < -0.1
    for lean in (-1e-4, 0.0, 1e-4):  # bent to either side by next to nothing
        thigh, shin = np.array([[lean, 0.0, -0.4]]), np.array([[-lean, 0.0, -0.4]])
        upper, lower = bend_legs(thigh, shin, np.array([[0.0, 0.0, -0.7]]), axis)
        knee = upper @ thigh[0]
        assert knee[0, 1] < -0.15
        assert abs(knee[0, 0]) < 0.01
    same = bend_legs(thigh, shin, thigh + shin, axis)
    np.testing.assert_allclose(same, [np.eye(3)[None]] * 2, atol=1e-12)


def test_hips_move_no_further_than_legs_need():
    hips = np.tile([[[0.1, 0.0, 0.9], [-0.1, 0.0, 0.9]]], (60, 1, 1))
    ankles = hips - (0, 0, 0.8)
    longest = np.full((60, 2), 0.85)
    assert not give_way(hips, ankles, longest, FPS).any()
    ankles[20:40, 0, 1] += 0.4
    move = give_way(hips, ankles, longest, FPS)
    reach = np.linalg.norm(ankles - hips - move[:, None], axis=-1)
    assert reach.max() < 0.852
    assert np.abs(move).max() < 0.1
    assert np.abs(np.diff(move, 2, axis=0)).max() < 0.005
