# SPDX-License-Identifier: GPL-3.0-or-later
"""Lenses in an animator's units, and what is said of a motion in words."""

from __future__ import annotations

import numpy as np
import pytest
from ningyo.synth_data.retarget.filming import MANY, doubts, estimate_in_words, focal_mm, focal_px, residual_in_words
from ningyo.synth_data.retarget.motion import Camera, Motion

FPS = 10.0


def motion(confidence, residual=None, **more) -> Motion:
    frames = len(confidence)
    residual = np.ones(frames) if residual is None else residual
    rest = np.zeros((frames, 0, 4))
    return Motion(FPS, (), np.arange(frames) / FPS, rest, np.zeros((frames, 3)), np.zeros((frames, 4)), residual, confidence, **more)


@pytest.mark.parametrize(("size", "px"), [((1920, 1080), 1920), ((1080, 1920), 1920), ((512, 512), 512)])
def test_a_36_mm_lens_on_full_frame_is_as_long_as_the_pictures_longer_side(size, px):
    assert focal_px(36, size) == pytest.approx(px)
    assert focal_px(18, size, 18) == pytest.approx(px)
    assert focal_mm(focal_px(50, size, 24), size, 24) == pytest.approx(50)


def test_it_agrees_with_blenders_own_camera(empty_blender):
    """A point at a known angle comes where Blender's camera, with its sensor fitted to the longer side, has it."""
    bpy = empty_blender
    from bpy_extras.object_utils import world_to_camera_view
    from mathutils import Vector

    camera = bpy.data.objects.new("c", bpy.data.cameras.new("c"))
    bpy.context.scene.collection.objects.link(camera)
    camera.data.lens, camera.data.sensor_width = 28, 36
    for size in ((640, 480), (480, 640)):
        bpy.context.scene.render.resolution_x, bpy.context.scene.render.resolution_y = size
        bpy.context.view_layer.update()
        u, _, _ = world_to_camera_view(bpy.context.scene, camera, Vector((0.2, 0.0, -1.0)))
        assert (u - 0.5) * size[0] == pytest.approx(0.2 * focal_px(28, size), rel=1e-5)


def test_spans_are_told_with_their_reasons_and_near_ones_together():
    confidence, residual = np.ones(60), np.ones(60)
    confidence[10:15] = confidence[16:20] = 0.1  # hidden; one good frame between is told with them
    confidence[40:45], residual[40:45] = 0.2, 9.0  # seen, but the pose is elsewhere
    confidence[50] = 0.0
    assert doubts(motion(confidence, residual)) == [
        "Frames from 1.0 to 1.9 s are not to be trusted: the person was hidden, cut off, or hardly seen.",
        "Frames from 4.0 to 4.4 s are not to be trusted: the pose does not fit what was seen.",
        "The frame at 5.0 s is not to be trusted: the person was hidden, cut off, or hardly seen.",
    ]
    assert doubts(motion(np.ones(5))) == []


def test_of_many_spans_the_first_are_told_and_the_others_counted():
    confidence = np.ones(100)
    confidence[::5] = 0
    lines = doubts(motion(confidence))
    assert len(lines) == MANY + 1
    assert lines[-1].startswith("12 more")


def test_what_is_given_and_what_is_estimated_is_said():
    camera = Camera(800.0, 1280, 720, np.eye(3, 4))
    estimate = {"focal_px": 800.0, "camera_height": 1.5, "camera_pitch": -3.0, "proportions": {"upper_arms": 1.1}}
    estimate["given"] = ["camera_height"]
    lines = estimate_in_words(motion(np.ones(2), camera=camera, estimate=estimate, method="solver"))
    assert lines == [
        "focal length 22.5 mm on a sensor of 36 mm, 800 px (estimated)",
        "camera 1.50 m above the floor (given)",
        "camera pitched 3.0° up (estimated)",
        "proportions of the person, 1 being the rig's: upper arms 1.10",
    ]
    assert estimate_in_words(motion(np.ones(2), camera=camera)) == ["focal length 22.5 mm on a sensor of 36 mm, 800 px (guessed)"]
    assert estimate_in_words(motion(np.ones(2))) == []
    assert residual_in_words(motion(np.ones(2), np.array([2.0, 4.0]), method="solver")) == "3.0 % of the person's height"
