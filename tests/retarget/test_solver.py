# SPDX-License-Identifier: GPL-3.0-or-later
"""The solver on people made of numbers: markers of a body in motion, seen through a known camera."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy", reason="the solver runs on the worker, Blender's own Python has no SciPy")

from ningyo.errors import UserError
from ningyo.jobs.progress import Cancelled, Reporter
from ningyo.synth_data.pose.track import PoseTrack
from ningyo.synth_data.retarget.kinematics import forward_kinematics, rotation_vector_to_matrix
from ningyo.synth_data.retarget.rig import Rig
from ningyo.synth_data.retarget.root import soles
from ningyo.synth_data.retarget.solver import KnownCamera, retarget, retarget_people, solve
from ningyo.synth_data.retarget.solver.skeleton import FREE, JOINT, JOINTS, SCALES, attached, posed, skeleton_of
from ningyo.synth_data.retarget.solver.system import NormalEquations
from ningyo.synth_data.retarget.solver.view import View

FPS, SIZE, FOCAL = 30.0, (512, 512), 700.0
LIMBS = [f"{side}_{part}" for side in ("left", "right") for part in ("forearm", "hand", "shin", "foot")]


def hinged(frames, time):
    """Rotations of somebody who stands, arms down, and swings arms and one leg."""
    free = np.tile(np.eye(3), (frames, len(JOINTS), 1, 1))
    vectors = np.zeros((frames, len(JOINTS), 3))
    swing = np.sin(2 * np.pi * 0.7 * time)

    def about(axis, angle):
        return rotation_vector_to_matrix(np.outer(np.broadcast_to(angle, (frames,)), axis))

    for side, sign in (("left", 1.0), ("right", -1.0)):
        free[:, JOINT[f"{side}_upper_arm"]] = about((1, 0, 0), -0.3 + 0.4 * sign * swing) @ about((0, 1, 0), 1.2 * sign)
        vectors[:, JOINT[f"{side}_forearm"], 2] = -sign * (0.6 + 0.3 * swing)
        free[:, JOINT[f"{side}_thigh"]] = about((1, 0, 0), -0.2)
        vectors[:, JOINT[f"{side}_shin"], 0] = 0.3
        vectors[:, JOINT[f"{side}_foot"], 0] = -0.1
    vectors[:, JOINT["spine"], 0] = 0.15
    return free, vectors


def filmed(rig, *, frames=60, view=None, places=(), glide=(0.0, 0.0), noise=0.0, seed=0, scales=None, height=None):
    """A track of people on `rig` at `places` (x, y) who glide at a speed (x, y), metres a second, and what was filmed."""
    view = view or View(FOCAL, 0.0, 1.0, *SIZE)
    random = np.random.default_rng(seed)
    time = np.arange(frames) / FPS
    skeleton = skeleton_of(rig, 1.0 if height is None else height / rig.height)
    scales = np.zeros(len(SCALES)) if scales is None else scales
    free, vectors = hinged(frames, time)
    marks = list(skeleton.landmarks)
    video = {"name": "v.mp4", "path": "", "sha256": "", "width": SIZE[0], "height": SIZE[1], "fps": FPS, "frame_count": frames}
    video |= {"duration": frames / FPS, "has_audio": False}
    track = PoseTrack.unseen(len(places), time, np.arange(frames), video, {})
    roots = []
    for p, (x, y) in enumerate(places):
        root = np.tile([x, y, 0.0], (frames, 1)) + time[:, None] * [*glide, 0.0]
        body = posed(skeleton, root, free, vectors, scales, derivatives=False)
        root[:, 2] -= attached(body, skeleton.soles)[0][..., 2].min()
        body = posed(skeleton, root, free, vectors, scales, derivatives=False)
        marked = attached(body, skeleton.markers)[0]
        pixels, local = view.project(marked)
        track.body_image[p] = 0
        track.body_image[p, :, marks, :2] = np.moveaxis(pixels + random.normal(0, noise, pixels.shape), 1, 0)
        centre = local[:, [marks.index(23), marks.index(24)]].mean(axis=1, keepdims=True)
        track.body_world[p] = 0
        track.body_world[p, :, marks] = np.moveaxis(local - centre + random.normal(0, noise / 300, local.shape), 1, 0)
        track.body_visibility[p] = 0
        track.body_visibility[p, :, marks] = 1
        roots.append(root)
    return track, skeleton, (roots, free, vectors, scales)


def joints_of(rig, motion):
    heads = forward_kinematics(rig, motion)[0]
    hips = heads[:, [rig.index_of_role["hips"]]]
    return heads[:, [rig.index_of_role[role] for role in LIMBS]] - hips


def true_joints(skeleton, truth, person=0):
    from ningyo.synth_data.retarget.solver.skeleton import INDEX, NAMES

    roots, free, vectors, scales = truth
    body = posed(skeleton, roots[person], free, vectors, scales, derivatives=False)
    at = {**INDEX, "left_hand": len(NAMES), "right_hand": len(NAMES) + 1}
    return body.joints[:, [at[role] for role in LIMBS]] - body.joints[:, :1]


def test_what_was_filmed_comes_back(make_rig):
    rig = make_rig(seed=1, rolls=True, object_scale=0.01, object_rotation=True)
    track, skeleton, truth = filmed(rig, places=[(-0.8, 4.5)], glide=(0.8, 0.0))
    motion = retarget(track, rig, camera=KnownCamera(FOCAL, 1.0, 0.0))
    error = np.linalg.norm(joints_of(rig, motion) - true_joints(skeleton, truth), axis=-1)
    assert error.mean() < 0.06
    travel = motion.root_position - motion.root_position.mean(axis=0) - (truth[0][0] - truth[0][0].mean(axis=0))
    assert np.abs(travel).max() < 0.05
    assert motion.residual.max() < 1.5  # per cent of the person's height
    assert motion.method == "solver"
    assert motion.estimate["given"] == ["focal_px", "camera_height", "camera_pitch"]
    assert motion.estimate["focal_px"] == FOCAL


def test_a_cameras_pitch_is_estimated_from_somebody_who_walks_about(make_rig):
    rig = make_rig()
    track, _, _ = filmed(rig, frames=90, view=View(618.0, 0.2, 1.9, *SIZE), places=[(0.0, 5.0)], glide=(0.0, 0.9))
    estimate = retarget(track, rig).estimate
    assert abs(np.radians(estimate["camera_pitch"]) - 0.2) < 0.1
    assert estimate["given"] == []


def test_the_same_twice(make_rig):
    rig = make_rig()
    track, _, _ = filmed(rig, frames=40, places=[(0.0, 4.0)], noise=2.0)
    first, second = retarget(track, rig), retarget(track, rig)
    np.testing.assert_array_equal(first.rotation, second.rotation)
    np.testing.assert_array_equal(first.root_position, second.root_position)


def test_a_still_person_stands_still(make_rig):
    rig = make_rig()
    track, _, _ = filmed(rig, frames=75, places=[(0.0, 4.5)], noise=1.5, seed=3)
    motion = retarget(track, rig)
    heads, rotations = forward_kinematics(rig, motion)
    feet = soles(rig, heads, rotations @ np.swapaxes(rig.rest_rotations, -1, -2))
    assert np.linalg.norm(np.diff(feet, axis=0), axis=-1).max() < 0.002
    assert feet[..., 2].min() > -0.006


@pytest.mark.parametrize("odd", [{"proportions": 0.3}, {"bend": 0.4, "without": ("spine1", "shoulder", "neck", "toe")}])
def test_rotations_go_to_rigs_of_other_proportions_and_rest_poses(make_rig, odd):
    """Who was filmed is not built like the rig; limbs point the same way."""
    track, skeleton, truth = filmed(make_rig(), places=[(0.0, 4.5)])
    rig = make_rig(seed=7, **odd)
    motion = retarget(track, rig)
    mine, theirs = joints_of(rig, motion), true_joints(skeleton, truth)
    for end, start in ((1, 0), (3, 2), (5, 4), (7, 6)):
        a, b = mine[:, end] - mine[:, start], theirs[:, end] - theirs[:, start]
        cosine = np.sum(a * b, -1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
        assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean() < 15


def test_a_long_clip_is_solved_in_windows_without_seams(make_rig, monkeypatch):
    rig = make_rig()
    track, skeleton, truth = filmed(rig, frames=150, places=[(-1.2, 4.5)], glide=(0.5, 0.0))
    known = KnownCamera(FOCAL, 1.0, 0.0)
    whole = retarget(track, rig, camera=known)
    monkeypatch.setattr(solve, "WINDOW", 60)
    pieces = retarget(track, rig, camera=known)
    apart = np.linalg.norm(joints_of(rig, pieces) - joints_of(rig, whole), axis=-1)
    assert apart.max() < 0.04
    steps = [np.linalg.norm(np.diff(m.root_position, axis=0), axis=1).max() for m in (whole, pieces)]
    assert steps[1] < 1.3 * steps[0]
    error = np.linalg.norm(joints_of(rig, pieces) - true_joints(skeleton, truth), axis=-1)
    assert error.mean() < 0.06


def test_people_stand_where_they_stood_to_each_other(make_rig):
    rig = make_rig()
    track, _, _ = filmed(rig, places=[(-0.6, 4.2), (0.7, 5.6)])
    motions = retarget_people(track, {0: rig, 1: rig}, camera=KnownCamera(FOCAL, 1.0, 0.0))
    between = np.mean(motions[1].root_position - motions[0].root_position, axis=0)
    np.testing.assert_allclose(between[:2], (1.3, 1.4), atol=0.12)
    assert motions[0].camera is not None
    assert motions[1].camera is not None
    np.testing.assert_array_equal(motions[0].camera.world_to_camera, motions[1].camera.world_to_camera)


def test_a_doll_is_moved_like_a_person_and_its_steps_are_as_long_as_its_legs(make_rig):
    """A rig in other units: a known camera height is still in metres of a person."""
    rig = make_rig()
    track, _, truth = filmed(rig, places=[(-0.8, 4.5)], glide=(0.8, 0.0))
    tenth = rig.armature_matrix * np.array([[0.1], [0.1], [0.1], [1.0]])
    small = Rig("doll", "", "", rig.prefix, tenth, rig.bones)
    motion = retarget(track, small, camera=KnownCamera(FOCAL, 1.0, 0.0), person_height=rig.height)
    travel = np.ptp(motion.root_position[:, 0]) / np.ptp(truth[0][0][:, 0])
    assert 0.09 < travel < 0.11


def test_a_single_frame(make_rig):
    rig = make_rig()
    track, skeleton, truth = filmed(rig, frames=1, places=[(0.0, 4.5)])
    motion = retarget(track, rig, camera=KnownCamera(FOCAL, 1.0, 0.0))
    assert motion.frame_count == 1
    assert np.linalg.norm(joints_of(rig, motion) - true_joints(skeleton, truth), axis=-1).mean() < 0.06


def test_it_can_be_cancelled_and_tells_how_far_it_is(make_rig):
    rig = make_rig()
    track, _, _ = filmed(rig, places=[(0.0, 4.5)])
    seen = []

    class Impatient(Reporter):
        def emit(self, type, **fields):
            seen.append((fields["done"], fields["total"]))

        def check(self):
            if len(seen) > 5:
                raise Cancelled

    with pytest.raises(Cancelled):
        retarget(track, rig, report=Impatient())
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert all(done <= total for done, total in seen)


def test_what_cannot_be(make_rig):
    rig = make_rig()
    track, _, _ = filmed(rig, frames=5, places=[(0.0, 4.5)])
    with pytest.raises(UserError, match="no person 3"):
        retarget(track, rig, person=3)
    with pytest.raises(ValueError, match="positive"):
        KnownCamera(focal_px=-1.0)
    with pytest.raises(ValueError, match="straight"):
        KnownCamera(pitch=90.0)


def test_normal_equations_are_those_of_dense_least_squares():
    random = np.random.default_rng(0)
    frames, size, shared = 7, 4, 3
    dense = np.zeros((0, frames * size + shared))
    values = np.zeros(0)
    system = NormalEquations(frames, size, shared)
    for stencil in ((1.0,), (-1.0, 1.0), (1.0, -2.0, 1.0)):
        rows = frames - len(stencil) + 1
        residual, weight = random.normal(size=(rows, 6)), random.uniform(0.1, 2, (rows, 6))
        own, border = random.normal(size=(frames, 6, size)), random.normal(size=(rows, 6, shared))
        system.add(residual, weight, own, border, stencil)
        for t in range(rows):
            block = np.zeros((6, frames * size + shared))
            for k, factor in enumerate(stencil):
                block[:, (t + k) * size : (t + k + 1) * size] = factor * own[t + k]
            block[:, -shared:] = border[t]
            root = np.sqrt(weight[t])
            dense, values = np.vstack([dense, root[:, None] * block]), np.r_[values, root * residual[t]]
    step, shared_step = system.solve(0.0)
    expected = np.linalg.lstsq(dense, -values, rcond=None)[0]
    np.testing.assert_allclose(np.r_[step.ravel(), shared_step], expected, atol=1e-6)


def test_a_free_joint_is_one_without_a_natural_zero():
    assert {name for (name, _, free) in JOINTS if free} == {"hips", "left_upper_arm", "right_upper_arm", "left_thigh", "right_thigh"}
    assert FREE.sum() == 5
