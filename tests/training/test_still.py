# SPDX-License-Identifier: GPL-3.0-or-later
"""A figure that stands still: its landmarks' noise is found again, and poses tremble as much as they are told to."""

from __future__ import annotations

import numpy as np
import pytest
from ningyo.synth_data.render.poses import Pose
from ningyo.synth_data.retarget.kinematics import rotations_of
from ningyo.training.evaluation.still import landmark_noise, trembling


def test_noise_is_found_whatever_drifts() -> None:
    rng = np.random.default_rng(0)
    still = rng.uniform(0, 200, (33, 2))
    still[:2, 1] = 0, 200
    drift = np.linspace(0, 30, 400)[:, None, None]
    assert landmark_noise(still + drift + np.zeros((400, 33, 2))) == pytest.approx(0, abs=1e-9)
    assert landmark_noise(still + drift + rng.normal(0, 0.8, (400, 33, 2))) == pytest.approx(0.8 / 200, rel=0.05)


def test_poses_tremble_as_told(figure_motion) -> None:
    rig, motion = figure_motion(3)
    pose = Pose(rotations_of(rig, motion)[1], motion.root_position[1].astype(float))
    heads, _ = pose.evaluate(rig)
    (same,) = trembling(rig, pose, 0.0, 1)
    assert np.allclose(same.local, pose.local, atol=1e-9)
    assert np.allclose(same.root, pose.root)
    moved = np.array([each.evaluate(rig)[0] for each in trembling(rig, pose, 0.01, 200)])
    elbow, hand, hips = (rig.index_of_role[role] for role in ("left_forearm", "left_hand", "hips"))
    # Lengths stay, and so the hips carry the noise itself and the wrist that of its direction, too.
    assert np.allclose(np.linalg.norm(moved[:, hand] - moved[:, elbow], axis=-1), np.linalg.norm(heads[hand] - heads[elbow]), atol=1e-9)
    assert (moved[:, hips] - heads[hips]).std() == pytest.approx(0.01, rel=0.1)
    assert 0.01 < (moved[:, hand] - heads[hand]).std() < 0.03
    # From picture to picture the noise is new.
    steps = moved[1:, hips] - moved[:-1, hips]
    assert np.corrcoef(steps[1:, 0], steps[:-1, 0])[0, 1] == pytest.approx(-0.5, abs=0.15)
