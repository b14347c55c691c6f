# SPDX-License-Identifier: GPL-3.0-or-later
"""Which points are hidden."""

from __future__ import annotations

import numpy as np
from ningyo.synth_data.dataset.sample import OCCLUDED, OUTSIDE, VISIBLE
from ningyo.synth_data.pose.landmarks import BODY_25
from ningyo.synth_data.render.cameras import View, look_at
from ningyo.synth_data.render.surface import Surface, Topology, seen_through
from ningyo.synth_data.render.visibility import OcclusionRule
from ningyo.synth_data.retarget.openpose_points import point_model

SIZE = 256
TWO_TRIANGLES = np.array([[0, 1, 2], [0, 2, 3]])


def view_from(yaw: float, elevation: float = 0.0, zoom: float = 1.0) -> View:
    K = np.array([[450.0 * zoom, 0, 128], [0, 450.0 * zoom, 128], [0, 0, 1]])
    return View(K, look_at(np.array([0, 0, 0.9]), yaw, elevation, 4.0), SIZE, yaw, elevation, 4.0)


def wall(y: float, x: tuple[float, float], z: tuple[float, float], part: int) -> Surface:
    """A rectangle across the view from the front."""
    corners = np.array([(x[0], y, z[0]), (x[1], y, z[0]), (x[1], y, z[1]), (x[0], y, z[1])])
    return surface_of(corners, TWO_TRIANGLES, np.full(2, part))


def surface_of(vertices: np.ndarray, triangles: np.ndarray, bones: np.ndarray) -> Surface:
    nothing = np.full((len(triangles), 3, 2), np.nan, np.float32)
    return Surface(vertices, Topology(triangles, bones, bones.astype(np.uint8), triangles, nothing))


def visibility(rig, surface: Surface, view: View) -> dict[str, int]:
    model = point_model(rig)
    heads, rotations = rig.rest_heads, rig.rest_rotations
    points = model.points(heads[None], rotations[None])[0]
    surface_seen = seen_through(view, surface)
    seen = OcclusionRule(rig, model).visibility(points, rotations, surface_seen, surface_seen.rasterised())
    return {name: int(seen[i]) for i, name in enumerate(BODY_25)} | {
        "face": int(np.median(seen[25:95])),
        "left_hand": int(seen[96:116].min()),
    }


NOTHING = surface_of(np.zeros((3, 3)), np.array([[0, 1, 2]]), np.zeros(1, np.int64))


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
