# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy", reason="the solver runs on the worker, Blender's own Python has no SciPy")

from ningyo.synth_data.retarget.kinematics import local_from_turns, pose, rotation_vector_to_matrix
from ningyo.synth_data.retarget.solver.skeleton import (
    DOF,
    FREE,
    INDEX,
    JOINTS,
    NAMES,
    SCALES,
    attached,
    joints_from_turns,
    posed,
    skeleton_of,
)


def random_state(frames: int, seed: int = 0):
    random = np.random.default_rng(seed)
    free = rotation_vector_to_matrix(random.normal(0, 0.7, (frames, len(JOINTS), 3)))
    vectors = random.normal(0, 0.4, (frames, len(JOINTS), 3))
    return random.normal(0, 1, (frames, 3)), free, vectors, random.normal(0, 0.1, len(SCALES))


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"bend": 0.4, "rolls": True, "object_scale": 0.01, "object_rotation": True},
        {"bend": 0.2, "without": ("spine1", "shoulder", "toe", "neck")},
    ],
)
def test_its_joints_are_the_rigs(make_rig, odd):
    rig = make_rig(seed=3, **odd)
    skeleton = skeleton_of(rig)
    root, free, vectors, _ = random_state(5)
    body = posed(skeleton, root, free, vectors, np.zeros(len(SCALES)), derivatives=False)
    turns = skeleton.turns_on_rig(body.turns)
    local, _ = local_from_turns(rig, turns)
    heads = rig.to_world(pose(rig, local, root)[0])
    for role, index in rig.index_of_role.items():
        if role in INDEX and role not in ("spine", "spine1", "spine2"):
            np.testing.assert_allclose(body.joints[:, INDEX[role]], heads[:, index], atol=1e-5, err_msg=role)
    for k, role in enumerate(("left_hand", "right_hand")):
        np.testing.assert_allclose(body.joints[:, len(NAMES) + k], heads[:, rig.index_of_role[role]], atol=1e-5)
    back = skeleton.turns_from_rig(turns)
    present = [s for role, s in skeleton.role_segment.items()]
    np.testing.assert_allclose(back[:, present], body.turns[:, present], atol=1e-6)


def test_rotations_come_back_from_turns(make_rig):
    skeleton = skeleton_of(make_rig())
    root, free, vectors, scales = random_state(4)
    body = posed(skeleton, root, free, vectors, scales, derivatives=False)
    free_again, vectors_again = joints_from_turns(body.turns)
    again = posed(skeleton, root, free_again, vectors_again, scales, derivatives=False)
    np.testing.assert_allclose(again.joints, body.joints, atol=1e-9)


def test_derivatives_are_those_of_finite_differences(make_rig):
    skeleton = skeleton_of(make_rig(seed=1))
    root, free, vectors, scales = random_state(2, seed=2)
    body = posed(skeleton, root, free, vectors, scales, derivatives=True)
    _, slide, stretch = attached(body, skeleton.soles)
    assert slide is not None
    assert stretch is not None
    step = 1e-6

    def moved(k: int, sign: float):
        r, f, v = root.copy(), free.copy(), vectors.copy()
        if k < 3:
            r[:, k] += sign * step
        else:
            j, c = divmod(k - 3, 3)
            if FREE[j]:
                f[:, j] = f[:, j] @ rotation_vector_to_matrix(sign * step * np.eye(3)[c])
            else:
                v[:, j, c] += sign * step
        other = posed(skeleton, r, f, v, scales, derivatives=False)
        return other.joints, attached(other, skeleton.soles)[0]

    for k in range(DOF):
        (a, sole_a), (b, sole_b) = moved(k, 1), moved(k, -1)
        np.testing.assert_allclose(body.slide[..., k], (a - b) / (2 * step), atol=1e-7)
        np.testing.assert_allclose(slide[..., k], (sole_a - sole_b) / (2 * step), atol=1e-7)
    for k in range(len(SCALES)):
        up, down = (
            posed(skeleton, root, free, vectors, scales + sign * step * np.eye(len(SCALES))[k], derivatives=False) for sign in (1, -1)
        )
        np.testing.assert_allclose(body.stretch[..., k], (up.joints - down.joints) / (2 * step), atol=1e-7)
