# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads from faces made of numbers: the mesh's stable points, turned, seen through a camera."""

from __future__ import annotations

import numpy as np
import pytest
from ningyo.synth_data.retarget.head import FACE_SHAPE, HEAD_LIMIT, face_trust, face_turns, head_turns, level_with_ears
from ningyo.synth_data.retarget.kinematics import matrix_to_axis_angle, rotation_vector_to_matrix, swing, unit
from ningyo.synth_data.retarget.markers import LEFT_EAR, NOSE, RIGHT_EAR

SIZE, FOCAL = (640, 480), 600.0


def turned(*degrees):
    return rotation_vector_to_matrix(np.radians(np.array([degrees], float)))


def angle_between(a, b):
    return np.degrees(np.linalg.norm(matrix_to_axis_angle(np.swapaxes(a, -1, -2) @ b), axis=-1))


def meshes(turns, at=(320.0, 240.0), width=80.0):
    """(F, N, 3) px: the points that the head needs, of faces turned so as seen from where they are."""
    points = np.einsum("fij,nj->fni", turns, FACE_SHAPE - FACE_SHAPE.mean(axis=0)) * width
    return np.stack([points[..., 0] + at[0], -points[..., 2] + at[1], points[..., 1]], -1)


def body(turns):
    """(F, 33, 3) landmarks with the ears and the nose of heads so turned."""
    points = np.zeros((len(turns), 33, 3))
    for landmark, offset in ((0, NOSE), (7, LEFT_EAR), (8, RIGHT_EAR)):
        points[:, landmark] = turns @ offset
    return points


def test_a_turned_face_tells_its_turn():
    turns = np.concatenate([turned(0, 0, 0), turned(20, 0, 0), turned(0, 15, 0), turned(0, 0, 40), turned(-10, 20, -30)])
    np.testing.assert_allclose(angle_between(face_turns(meshes(turns), SIZE, FOCAL), turns), 0, atol=0.01)


def test_a_face_beside_the_middle_is_seen_from_the_side():
    """Who looks at the camera from the right edge of the picture has turned towards it."""
    x = 560.0
    ray = unit(np.array([(x - 320) / FOCAL, 1.0, 0.0]))
    found = face_turns(meshes(turned(0, 0, 0), at=(x, 240.0)), SIZE, FOCAL)
    np.testing.assert_allclose(angle_between(found, swing(np.array([0.0, 1.0, 0.0]), ray)[None]), 0, atol=0.2)
    facing = found[0] @ (0.0, -1.0, 0.0)
    assert facing[0] < -0.3


@pytest.mark.parametrize("seed", range(6))
def test_the_head_of_any_rig_turns_as_the_face(make_rig, seed):
    rig = make_rig(seed=seed, rolls=True, proportions=0.2, object_scale=0.01, object_rotation=True, without=("neck",) if seed == 5 else ())
    wanted = np.repeat(turned(10, -5, 30), 9, 0)
    chest, one = np.repeat(turned(0, 0, 12), 9, 0), np.ones(9)
    out = head_turns(rig, chest, body(wanted), one, face_turns(meshes(wanted), SIZE, FOCAL), one, np.arange(9) / 25)
    np.testing.assert_allclose(angle_between(out["head"], wanted), 0, atol=0.1)
    bend = angle_between(chest, out["neck"]) / angle_between(chest, out["head"])
    np.testing.assert_allclose(bend, 0.4, atol=0.01)


def test_without_a_face_the_ears_tell_and_without_ears_the_chest(make_rig):
    rig, still = make_rig(), np.repeat(turned(0, 0, 0), 5, 0)
    wanted, chest = np.repeat(turned(5, 0, -25), 5, 0), np.repeat(turned(0, 0, 15), 5, 0)
    zero, one, time = np.zeros(5), np.ones(5), np.arange(5) / 25
    np.testing.assert_allclose(angle_between(head_turns(rig, chest, body(wanted), one, still, zero, time)["head"], wanted), 0, atol=0.1)
    np.testing.assert_allclose(angle_between(head_turns(rig, chest, body(wanted), zero, still, zero, time)["head"], chest), 0, atol=0.1)


def test_a_head_does_not_turn_to_the_back(make_rig):
    rig, wanted = make_rig(), np.repeat(turned(0, 0, 150), 5, 0)
    chest, one = np.repeat(turned(0, 0, 0), 5, 0), np.ones(5)
    out = head_turns(rig, chest, body(wanted), one, wanted, one, np.arange(5) / 25)
    assert angle_between(chest, out["head"]).max() <= np.degrees(HEAD_LIMIT) + 0.1


def test_a_face_seen_from_the_side_is_not_believed():
    turns = np.concatenate([turned(0, 0, 0), turned(0, 0, 25), turned(0, 0, -42), turned(0, 0, 75)])
    trust = face_trust(body(turns))
    np.testing.assert_allclose(trust[:2], 1)
    assert 0 < trust[2] < 0.6
    assert trust[3] == 0


def test_a_face_that_seems_to_look_down_all_the_time_is_levelled_by_the_ears():
    time = np.arange(250) / 25
    heads = rotation_vector_to_matrix(np.stack([0.3 * np.sin(3 * time), 0 * time, 0.4 * np.sin(time)], -1))
    low = heads @ turned(12, 0, 0)
    found = level_with_ears(low, heads, np.ones(250), time)
    assert angle_between(found, heads).max() < 4
    # Of a still hardly anything is known, and an unseen face says nothing.
    assert angle_between(level_with_ears(low[:1], heads[:1], np.ones(1), time[:1]), low[:1]).max() < 0.1
    np.testing.assert_array_equal(level_with_ears(low, heads, np.zeros(250), time), low)


def test_a_trembling_face_makes_a_calm_head(make_rig):
    rig, frames = make_rig(), 60
    noise = rotation_vector_to_matrix(np.random.default_rng(0).normal(size=(frames, 3)) * np.radians(3))
    one, chest = np.ones(frames), np.repeat(turned(0, 0, 0), frames, 0)
    out = head_turns(rig, chest, body(noise), one, noise, one, np.arange(frames) / 25)["head"]
    assert angle_between(out[:-1], out[1:]).mean() < 0.3 * angle_between(noise[:-1], noise[1:]).mean()
