# SPDX-License-Identifier: GPL-3.0-or-later
"""Which points are hidden."""

from __future__ import annotations

import numpy as np
import pytest
from ningyo.synth_data.dataset.sample import OCCLUDED, OUTSIDE, VISIBLE, project
from ningyo.synth_data.pose.landmarks import BODY_25
from ningyo.synth_data.render.cameras import View, look_at
from ningyo.synth_data.render.visibility import OcclusionRule, Surface, first_hits, seen_through
from ningyo.synth_data.retarget.openpose_points import point_model

SIZE = 256
TWO_TRIANGLES = np.array([[0, 1, 2], [0, 2, 3]])


def view_from(yaw: float, elevation: float = 0.0, zoom: float = 1.0) -> View:
    K = np.array([[450.0 * zoom, 0, 128], [0, 450.0 * zoom, 128], [0, 0, 1]])
    return View(K, look_at(np.array([0, 0, 0.9]), yaw, elevation, 4.0), SIZE, yaw, elevation, 4.0)


def by_brute_force(origin: np.ndarray, towards: np.ndarray, surface: Surface) -> tuple[float, int]:
    """Ray against every triangle (Möller and Trumbore 1997): the least share of the way, and its part."""
    a, b, c = (surface.vertices[surface.triangles[:, i]] for i in range(3))
    e1, e2 = b - a, c - a
    p = np.cross(towards, e2)
    det = np.sum(e1 * p, axis=1)
    u = np.sum((origin - a) * p, axis=1) / det
    q = np.cross(origin - a, e1)
    v = q @ towards / det
    t = np.sum(e2 * q, axis=1) / det
    t = np.where((u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0), t, np.inf)
    nearest = int(t.argmin())
    return float(t[nearest]), int(surface.parts[nearest])


def test_first_hits_are_those_of_every_triangle_tried():
    random = np.random.default_rng(0)
    centres = random.uniform((-0.7, -0.7, 0.2), (0.7, 0.7, 1.6), (250, 1, 3))
    vertices = (centres + random.normal(size=(250, 3, 3)) * random.choice([0.02, 0.05, 0.2], (250, 1, 1))).reshape(-1, 3)
    surface = Surface(vertices, np.arange(750).reshape(-1, 3), random.integers(0, 9, 250))
    points = random.uniform((-0.6, -0.6, 0.3), (0.6, 0.6, 1.5), (137, 3))
    view = view_from(30, 10)
    pixels = project(points, view.K, view.world_to_camera)
    depth, part = first_hits(pixels, np.ones(137, bool), SIZE, seen_through(view, surface))
    rotation, shift = view.world_to_camera[:, :3], view.world_to_camera[:, 3]
    origin = -rotation.T @ shift
    hits = 0
    for i, point in enumerate(points):
        share, expected = by_brute_force(origin, point - origin, surface)
        if np.isfinite(share):
            hits += 1
            assert depth[i] == pytest.approx(share * (rotation @ point + shift)[2], rel=1e-6)
            assert part[i] == expected
        else:
            assert depth[i] == np.inf
    assert 30 < hits < 130


def wall(y: float, x: tuple[float, float], z: tuple[float, float], part: int) -> Surface:
    """A rectangle across the view from the front."""
    corners = np.array([(x[0], y, z[0]), (x[1], y, z[0]), (x[1], y, z[1]), (x[0], y, z[1])])
    return Surface(corners, TWO_TRIANGLES, np.full(2, part))


def visibility(rig, surface: Surface, view: View) -> dict[str, int]:
    model = point_model(rig)
    heads, rotations = rig.rest_heads, rig.rest_rotations
    points = model.points(heads[None], rotations[None])[0]
    seen = OcclusionRule(rig, model).visibility(points, rotations, view, seen_through(view, surface))
    return {name: int(seen[i]) for i, name in enumerate(BODY_25)} | {
        "face": int(np.median(seen[25:95])),
        "left_hand": int(seen[96:116].min()),
    }


NOTHING = Surface(np.zeros((3, 3)), np.array([[0, 1, 2]]), np.zeros(1, np.int64))


def test_a_joints_own_limb_does_not_hide_it_but_another_part_does(make_rig):
    rig = make_rig()
    part = rig.index_of_role
    elbow = rig.head("left_forearm")
    around = (elbow[0] - 0.05, elbow[0] + 0.05), (elbow[2] - 0.05, elbow[2] + 0.05)
    for role, distance, expected in (
        ("left_forearm", 0.03, VISIBLE),
        ("left_upper_arm", 0.03, VISIBLE),
        ("left_forearm", 0.3, OCCLUDED),  # its own limb, folded before it
        ("right_hand", 0.3, OCCLUDED),
        ("right_hand", 0.03, OCCLUDED),
        ("spine", 0.03, OCCLUDED),
        ("right_hand", -0.03, VISIBLE),  # behind the joint
    ):
        seen = visibility(rig, wall(elbow[1] - distance, *around, part[role]), view_from(0))
        assert seen["left_elbow"] == expected, (role, distance)
        assert seen["left_shoulder"] == seen["right_elbow"] == VISIBLE


def test_the_chest_does_not_hide_the_shoulders(make_rig):
    rig = make_rig()
    chest = wall(-0.12, (-0.25, 0.25), (1.0, 1.5), rig.index_of_role["spine2"])
    seen = visibility(rig, chest, view_from(0))
    assert [seen[name] for name in ("neck", "left_shoulder", "right_shoulder")] == [VISIBLE] * 3
    assert seen["mid_hip"] == VISIBLE


def test_a_face_is_seen_from_the_front_only(make_rig):
    rig = make_rig()
    for yaw, face, left_ear, right_ear in ((0, 2, 2, 2), (60, 2, 2, 1), (180, 1, 2, 2), (-60, 2, 1, 2)):
        seen = visibility(rig, NOTHING, view_from(yaw))
        assert seen["face"] == seen["nose"] == face
        assert (seen["left_ear"], seen["right_ear"]) == (left_ear, right_ear)
    palm = wall(-0.4, (-0.3, 0.3), (1.5, 1.9), rig.index_of_role["left_hand"])
    assert visibility(rig, palm, view_from(0))["face"] == OCCLUDED
    fringe = wall(rig.head("head")[1] - 0.13, (-0.3, 0.3), (1.5, 1.9), rig.index_of_role["head"])
    assert visibility(rig, fringe, view_from(0))["face"] == VISIBLE


def test_what_leaves_the_picture_or_does_not_exist_is_neither(make_rig):
    rig = make_rig(without=("index", "middle"))
    seen = visibility(rig, NOTHING, view_from(0, zoom=3))
    assert seen["left_ankle"] == seen["left_wrist"] == OUTSIDE
    assert seen["mid_hip"] == VISIBLE
    assert visibility(rig, NOTHING, view_from(0))["left_hand"] == OUTSIDE  # two fingers are unknown
