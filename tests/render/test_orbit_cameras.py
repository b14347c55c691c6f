# SPDX-License-Identifier: GPL-3.0-or-later
"""Cameras around the character."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from ningyo.synth_data.dataset.sample import project, to_camera
from ningyo.synth_data.pose.framing import MARGIN, crop_for
from ningyo.synth_data.render.cameras import Aim, Orbit, aim_of, head_view, held, look_at, orbit_of, view_of
from ningyo.synth_data.render.job import Cameras
from ningyo.synth_data.retarget.kinematics import forward_kinematics
from ningyo.synth_data.retarget.motion import Camera
from ningyo.synth_data.retarget.openpose_points import openpose_points

HEAD = 0.22  # metres, chin to crown
STEADY = Cameras(yaw_jitter=0, elevation_jitter=0, distance_jitter=0, framing_jitter=0)


@pytest.mark.parametrize(("yaw", "right"), [(0, (1, 0, 0)), (90, (0, 1, 0)), (180, (-1, 0, 0)), (-90, (0, -1, 0))])
def test_look_at_is_upright_and_centred(yaw, right):
    target = np.array([1.0, 2, 3])
    camera = look_at(target, yaw, 20, 4)
    np.testing.assert_allclose(to_camera(target, camera), (0, 0, 4), atol=1e-12)
    np.testing.assert_allclose(camera[:, :3] @ camera[:, :3].T, np.eye(3), atol=1e-12)
    assert np.linalg.det(camera[:, :3]) > 0
    beside, above = (to_camera(target + np.array(step), camera) for step in (right, (0, 0, 1)))
    assert beside[0] == pytest.approx(1)
    assert above[1] < 0  # up is up
    assert abs(above[0]) < 1e-12
    centre = -camera[:, :3].T @ camera[:, 3]
    assert centre[2] > target[2]  # from above


def points_of(rig, motion):
    return openpose_points(rig, *forward_kinematics(rig, motion))


def test_a_steady_view_is_exactly_the_crop_of_generation(make_rig, make_motion):
    rig = make_rig()
    points = points_of(rig, make_motion(rig))[3]
    aim = aim_of(Orbit(0, 5, 4), 40, rig.height, HEAD, STEADY, np.random.default_rng(0))
    view = view_of(points, rig.head("hips"), rig.height, 256, aim, HEAD)
    assert (view.yaw, view.elevation, view.distance) == (40, 5, 4)
    box = crop_for(to_camera(points, view.world_to_camera), view.K, rig.height)
    np.testing.assert_allclose(box, (128, 128, 256), atol=1e-6)
    pixels = project(points, view.K, view.world_to_camera)
    assert ((pixels > 0) & (pixels < 256)).all()


def test_jitters_stay_within_what_was_asked(make_rig, make_motion):
    rig = make_rig()
    points = points_of(rig, make_motion(rig))[0]
    cameras = Cameras(yaw_jitter=10, elevation_jitter=5, distance_jitter=0.1, framing_jitter=0.03)
    random = np.random.default_rng(0)
    aims = [aim_of(Orbit(15, 5, 4), 30, rig.height, HEAD, cameras, random) for _ in range(200)]
    views = [view_of(points, rig.head("hips"), rig.height, 100, aim, HEAD) for aim in aims]
    yaw, elevation, distance = (np.array([getattr(view, name) for view in views]) for name in ("yaw", "elevation", "distance"))
    for values, middle, reach in ((yaw, 45, 10), (elevation, 5, 5), (distance, 4, 0.4)):
        assert np.abs(values - middle).max() <= reach
        assert np.ptp(values) > 1.5 * reach
    boxes = np.array([crop_for(to_camera(points, view.world_to_camera), view.K, rig.height) for view in views])
    assert np.abs(boxes[:, :2] - 50).max() <= 3.2
    assert np.abs(boxes[:, 2] - 100).max() <= 3.2
    assert np.ptp(boxes[:, 2]) > 4


def test_the_orbit_starts_at_the_motions_own_camera(make_rig, make_motion):
    rig = make_rig()
    seen_from = look_at(rig.head("hips"), 25, 12, 6)
    motion = make_motion(rig, camera=Camera(900.0, 640, 480, seen_from))
    orbit = orbit_of(motion, rig.height, Cameras())
    assert orbit.yaw == pytest.approx(25)
    assert orbit.elevation == pytest.approx(12)
    assert orbit.distance == pytest.approx(6, abs=0.25)
    asked = orbit_of(motion, rig.height, Cameras(elevation=(2, 4), distance=(5, 5)))
    assert (asked.elevation, asked.distance) == (3, 5)
    without = orbit_of(dataclasses.replace(motion, camera=None), rig.height, Cameras())
    assert (without.yaw, without.distance) == (0, pytest.approx(2.5 * rig.height))


def test_the_character_has_one_size_in_all_pictures(make_rig, make_motion):
    rig = make_rig()
    points = points_of(rig, make_motion(rig))[0]
    for yaw, distance in ((0, 3), (120, 6)):
        aim = aim_of(Orbit(0, 5, distance), yaw, rig.height, HEAD, STEADY, None)
        view = view_of(points, rig.head("hips"), rig.height, 200, aim, HEAD)
        depth = to_camera(points[8], view.world_to_camera)[2]
        assert view.K[0, 0] * rig.height / depth == pytest.approx(200 / MARGIN)


def test_a_camera_s_height_and_lens_are_kept(make_rig, make_motion):
    rig = make_rig()
    points, hips = points_of(rig, make_motion(rig))[0], rig.head("hips")
    cameras = dataclasses.replace(STEADY, height=(0.3, 1.9), lens=(35.0, 85.0))
    random = np.random.default_rng(0)
    heights = []
    for _ in range(50):
        aim = aim_of(Orbit(0, 5, 4), 20, rig.height, HEAD, cameras, random)
        view = view_of(points, hips, rig.height, 200, aim, HEAD)
        centre = -view.world_to_camera[:, :3].T @ view.world_to_camera[:, 3]
        assert centre[2] == pytest.approx(aim.height)
        heights.append(centre[2])
        # The focal length, told for a picture 36 mm wide.
        assert 34 < view.K[0, 0] * 36 / 200 < 88
    assert min(heights) < 0.6 < 1.5 < max(heights)


def test_a_held_camera_keeps_the_angle_that_its_height_had(make_rig, make_motion):
    rig = make_rig()
    points, hips = points_of(rig, make_motion(rig))[0], rig.head("hips")
    aim = Aim(20, 5, 4, height=1.7)
    kept = held(aim, hips)
    assert view_of(points, hips, rig.height, 200, kept, HEAD).elevation == view_of(points, hips, rig.height, 200, aim, HEAD).elevation
    lower = hips - (0, 0, 0.3)
    elevations = [view_of(points, lower, rig.height, 200, one, HEAD).elevation for one in (kept, aim)]
    assert elevations[0] == kept.elevation
    assert elevations[1] > kept.elevation + 3
    assert held(kept, lower) == kept


def test_framings_hold_what_they_are_named_for(make_rig, make_motion):
    rig = make_rig()
    points, hips = points_of(rig, make_motion(rig))[0], rig.head("hips")
    for framing, inside, outside in (("upper", [0, 1, 2, 5], [11, 14]), ("head", [0, 15, 16, 17, 18], [8, 4, 11]), ("body", range(25), [])):
        aim = Aim(30, 5, 4, framing=framing)
        view = view_of(points, hips, rig.height, 100, aim, HEAD)
        pixels = project(points, view.K, view.world_to_camera)
        within = ((pixels > 0) & (pixels < 100)).all(1)
        assert within[list(inside)].all(), framing
        assert not within[list(outside)].any(), framing


def test_the_head_s_own_picture_is_taken_from_the_same_place(make_rig, make_motion):
    rig = make_rig()
    points = points_of(rig, make_motion(rig))[2]
    view = view_of(points, rig.head("hips"), rig.height, 256, Aim(-20, 10, 4), HEAD)
    closer = head_view(view, points, HEAD, 128)
    assert np.array_equal(closer.world_to_camera, view.world_to_camera)
    whole, head = (project(points[15:17], v.K, v.world_to_camera) for v in (view, closer))
    zoom = np.linalg.norm(head[0] - head[1]) / np.linalg.norm(whole[0] - whole[1])
    assert 1.5 < zoom < 4
    assert np.abs(project(points[[0, 15, 16, 17, 18]], closer.K, closer.world_to_camera) - 64).max() < 45
