# SPDX-License-Identifier: GPL-3.0-or-later
"""Sampled poses: within limits, on the floor, not through the body."""

from __future__ import annotations

import numpy as np
import pytest
from ningyo.synth_data.render import sampled
from ningyo.synth_data.render.sampled import sampled_pose
from ningyo.synth_data.retarget.capsules import body_capsules
from ningyo.synth_data.retarget.kinematics import unit
from ningyo.synth_data.retarget.rest_frames import rest_frames
from ningyo.synth_data.retarget.root import soles

SEEDS = range(60)
UP = np.array([0.0, 0.0, 1.0])


@pytest.fixture(scope="module")
def rigs():
    """A plain rig and one of other proportions, axes and rest pose, without fingers."""
    import importlib.util
    from pathlib import Path

    spec = importlib.util.spec_from_file_location("ningyo_rigs_again", Path(__file__).parents[1] / "retarget" / "conftest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    odd = {"rolls": True, "object_scale": 0.01, "object_rotation": True, "proportions": 0.15, "bend": 0.2, "seed": 3}
    return module.build_rig(), module.build_rig(**odd, without=("thumb", "index", "middle", "ring", "pinky"))


@pytest.fixture(scope="module", params=[0, 1], ids=["plain", "strange"])
def poses(request, rigs):
    """(rig, [(pose, heads, turns)])"""
    rig = rigs[request.param]
    found = []
    for seed in SEEDS:
        pose = sampled_pose(rig, np.random.default_rng(seed))
        heads, rotations = pose.evaluate(rig)
        found.append((pose, heads, rotations @ np.swapaxes(rig.rest_rotations, -1, -2)))
    return rig, found


def angle(a, b):
    return float(np.degrees(np.arccos(np.clip(unit(a) @ unit(b), -1, 1))))


def place(rig, heads, role):
    return heads[rig.index_of_role[role]]


def test_the_same_state_gives_the_same_pose_and_others_differ(rigs):
    one, again, other = (sampled_pose(rigs[0], np.random.default_rng(seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.local, again.local)
    np.testing.assert_array_equal(one.root, again.root)
    assert np.abs(one.local - other.local).max() > 0.1


def test_rotations_are_rotations(poses):
    _, found = poses
    for pose, _, _ in found:
        np.testing.assert_allclose(pose.local @ np.swapaxes(pose.local, 1, 2), np.broadcast_to(np.eye(3), pose.local.shape), atol=1e-6)
        assert np.linalg.det(pose.local).min() > 0


def test_elbows_and_knees_bend_their_own_way_within_their_limits(poses):
    """The limits are those from a straight limb: what a rest pose is bent by comes on top."""
    rig, found = poses
    frames = rest_frames(rig)
    limbs = {"forearm": ("upper_arm", "hand", sampled.ELBOW[1]), "shin": ("thigh", "foot", sampled.KNEE[1])}
    bends = {hinge: [] for hinge in limbs}
    for _, heads, turns in found:
        for side in ("left", "right"):
            for hinge, (upper, end, limit) in limbs.items():
                a, b, c = (place(rig, heads, f"{side}_{role}") for role in (upper, hinge, end))
                bends[hinge].append(angle(b - a, c - b))
                assert bends[hinge][-1] <= limit + 6
                if bends[hinge][-1] > 25:
                    way = turns[rig.index_of_role[f"{side}_{upper}"]] @ frames[f"{side}_{upper}"][:, 1]
                    aside = (c - b) - ((c - b) @ unit(b - a)) * unit(b - a)
                    assert angle(aside, way) < 60
    assert np.ptp(bends["forearm"]) > 90
    assert np.ptp(bends["shin"]) > 80


def test_heads_and_trunks_turn_within_their_limits(poses):
    rig, found = poses
    most = 0.0
    for _, _, turns in found:
        hips, chest, head = (turns[rig.index_of_role[role]] for role in ("hips", "spine2", "head"))
        for below, above, limits in ((hips, chest, sampled.TRUNK), (chest, head, sampled.HEAD)):
            turned = np.degrees(np.arccos(np.clip((np.trace(below.T @ above) - 1) / 2, -1, 1)))
            reach = np.linalg.norm([max(abs(low), abs(high)) for low, high in limits])
            assert turned < reach
            most = max(most, turned)
    assert most > 25


def test_bodies_stand_on_the_floor_lie_on_it_or_are_in_the_air(poses):
    rig, found = poses
    capsules = body_capsules(rig)
    flat, above = 0, 0
    for _, heads, turns in found:
        low = soles(rig, heads[None], turns[None])[0, :, 2] - rig.floor
        body = (capsules.ends(heads, turns)[..., 2] - capsules.radii).min() - rig.floor
        assert low.min() > -0.03 * rig.leg_length
        assert body > -0.08 * rig.leg_length
        for foot in (low[:3], low[3:]):
            flat += bool(np.abs(foot).max() < 1e-3 * rig.leg_length)
        above += bool(min(low.min(), body) > 0.04 * rig.leg_length)
    assert flat > 0.4 * len(SEEDS)  # feet of two
    assert 0 < above < 0.3 * len(SEEDS)


def test_there_are_poses_of_all_kinds(poses):
    rig, found = poses
    heights = np.array([(place(rig, heads, "hips") - (0, 0, rig.floor))[2] for _, heads, _ in found]) / rig.leg_length
    lying = sum(angle(place(rig, heads, "head") - place(rig, heads, "hips"), UP) > 60 for _, heads, _ in found)
    assert (heights > 0.95).sum() > 20
    assert (heights < 0.6).sum() > 5
    assert 0 < lying < 15


def test_hands_are_not_inside_the_body(poses):
    rig, found = poses
    capsules = body_capsules(rig)
    hands = [capsules.names.index(f"{side}_hand") for side in ("left", "right")]
    trunk = [capsules.names.index(name) for name in ("head", "chest", "belly", "pelvis")]
    through = 0
    for _, heads, turns in found:
        ends = capsules.ends(heads, turns)
        points = ends[hands].mean(axis=1)
        for part in trunk:
            start, end = ends[part]
            share = np.clip((points - start) @ (end - start) / ((end - start) @ (end - start)), 0, 1)
            distance = np.linalg.norm(points - start - share[:, None] * (end - start), axis=1)
            through += int((distance < 0.5 * capsules.radii[part].mean()).sum())
    assert through == 0
