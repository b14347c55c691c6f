# SPDX-License-Identifier: GPL-3.0-or-later
"""The closed form on people made of numbers: 33 landmarks on a posed rig, seen through a known camera."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from ningyo.errors import UserError
from ningyo.synth_data.pose.rows import PER_PERSON
from ningyo.synth_data.pose.track import PoseTrack
from ningyo.synth_data.retarget import level, root
from ningyo.synth_data.retarget.body import chest_frame, limb, rest_joints, torso
from ningyo.synth_data.retarget.closed_form import SEEN_BONES, retarget
from ningyo.synth_data.retarget.kinematics import (
    forward_kinematics,
    local_from_turns,
    matrix_to_axis_angle,
    pose,
    rotation_vector_to_matrix,
    unit,
)
from ningyo.synth_data.retarget.markers import LEFT_EAR, NOSE, OFFSETS, RIGHT_EAR, joints_from_landmarks, marker_positions, rest_basis

FPS, SIZE = 30.0, (640, 480)
EYE = np.array([0.2, -4.0, 1.1])


def landmarks_on(rig, turns, places):
    """(F, 33, 3) world landmarks on the rig posed by `turns` (role → (F, 3, 3)) with its hips at `places` (F, 3)."""
    local, all_turns = local_from_turns(rig, turns)
    heads = rig.to_world(pose(rig, local, places)[0])
    points = np.zeros((len(places), 33, 3))
    for landmark in OFFSETS:
        points[:, landmark] = marker_positions(rig, heads, all_turns, (landmark,))[:, 0]
    head, basis = rig.index_of_role["head"], rest_basis(rig)
    for landmark, offset in ((0, NOSE), (7, LEFT_EAR), (8, RIGHT_EAR)):
        points[:, landmark] = heads[:, head] + all_turns[:, head] @ (basis @ offset)
    return points


def track_of(points, *, visible=1.0, fps=FPS):
    frames = len(points)
    video = {"name": "v.mp4", "path": "", "sha256": "", "width": SIZE[0], "height": SIZE[1], "fps": fps, "frame_count": frames}
    video |= {"duration": frames / fps, "has_audio": False}
    track = PoseTrack.unseen(1, np.arange(frames) / fps, np.arange(frames), video, {})
    centred = points - 0.5 * (points[:, 23:24] + points[:, 24:25])
    track.body_world[0] = np.stack([centred[..., 0], -centred[..., 2], centred[..., 1]], -1)
    seen = points - EYE
    focal = root.guessed_focal(SIZE[1])
    track.body_image[0, ..., 0] = SIZE[0] / 2 + focal * seen[..., 0] / seen[..., 1]
    track.body_image[0, ..., 1] = SIZE[1] / 2 - focal * seen[..., 2] / seen[..., 1]
    track.body_image[0, ..., 2] = 0
    track.body_visibility[0] = visible
    return track


def turn(*vector):
    return rotation_vector_to_matrix(np.array([vector], float))


def angle_between(a, b):
    return np.degrees(np.arccos(np.clip(np.sum(unit(a) * unit(b), -1), -1, 1)))


def natural_joints(random):
    """Joints of a person in a random pose that elbows and knees can take: (1, 3) by role, metres."""
    body = rotation_vector_to_matrix(random.uniform(-0.6, 0.6, (1, 3)))
    bent = body @ rotation_vector_to_matrix(random.uniform(-0.3, 0.3, (1, 3)))
    at = {"left_thigh": (0.1, 0, 0), "right_thigh": (-0.1, 0, 0)}
    joints = {role: (body @ np.array(p))[:, :] for role, p in at.items()}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        joints[f"{side}_upper_arm"] = bent @ np.array([0.18 * sign, 0, 0.5])
        for upper, lower, end, carrier, straight, front in (
            ("upper_arm", "forearm", "hand", bent, np.array([sign, 0, 0]), np.array([0, -1.0, 0])),
            ("thigh", "shin", "foot", body, np.array([0, 0, -1.0]), np.array([0, 1.0, 0])),
        ):
            swung = carrier @ rotation_vector_to_matrix(random.uniform(-0.9, 0.9, (1, 3)))
            angle = random.uniform(0.1, 2.0)
            joints[f"{side}_{lower}"] = joints[f"{side}_{upper}"] + swung @ (0.3 * straight)
            along = np.cos(angle) * straight + np.sin(angle) * front
            joints[f"{side}_{end}"] = joints[f"{side}_{lower}"] + swung @ (0.28 * along)
    return joints


@pytest.mark.parametrize("seed", range(40))
def test_bones_point_where_the_joints_lie_on_any_rig(make_rig, seed):
    """Any rest pose, rolls, proportions, prefix, object scale and rotation: trunk and limbs within 0.1°."""
    random = np.random.default_rng(seed)
    rig = make_rig(
        seed=seed, rolls=True, bend=0.5, proportions=0.25, object_scale=float(10 ** random.uniform(-2, 1)), object_rotation=True,
        object_location=(1, 2, 0), prefix=("mixamorig:", "", "mixamorig7:", "mixamorig_")[seed % 4], extra_bones=seed % 3 == 0,
        without=() if seed % 5 else ("spine2", "shoulder", "neck"),
    )  # fmt: skip
    joints = natural_joints(random)
    turns, rest = torso(rig, joints), rest_joints(rig)
    for side in ("left", "right"):
        for arm, (upper, lower) in ((True, ("upper_arm", "forearm")), (False, ("thigh", "shin"))):
            turns[f"{side}_{upper}"], turns[f"{side}_{lower}"] = limb(rest, joints, np.zeros(1), side, arm=arm)
    local, _ = local_from_turns(rig, turns)
    heads = rig.to_world(pose(rig, local, np.zeros((1, 3)))[0])
    posed = {role: heads[:, index] for role, index in rig.index_of_role.items()}
    for role, end in SEEN_BONES.items():
        assert angle_between(posed[end] - posed[role], joints[end] - joints[role]) < 0.1
    assert np.degrees(np.linalg.norm(matrix_to_axis_angle(np.swapaxes(chest_frame(joints), 1, 2) @ chest_frame(posed)))) < 0.1


def test_standing_like_the_rest_pose_gives_the_rest_pose(make_rig):
    rig = make_rig(seed=5, rolls=True, proportions=0.2, object_scale=0.01, object_rotation=True)
    rest = rest_joints(rig)
    turns = torso(rig, rest)
    for side in ("left", "right"):
        turns[f"{side}_upper_arm"], turns[f"{side}_forearm"] = limb(rest, rest, np.zeros(1), side, arm=True)
    for role, matrix in turns.items():
        np.testing.assert_allclose(matrix[0], np.eye(3), atol=1e-6, err_msg=role)


def test_the_hinge_takes_the_way_the_lower_bone_goes(make_rig):
    """Arm down and forearm to the front, then to the side: the upper arm's twist differs by the quarter turn in between."""
    rig = make_rig()
    rest = rest_joints(rig)
    turns = []
    for forearm in ((0, -0.28, 0), (0.28, 0, 0)):
        joints = {role: value.copy() for role, value in rest.items()}
        joints["left_forearm"] = joints["left_upper_arm"] + (0, 0, -0.27)
        joints["left_hand"] = joints["left_forearm"] + forearm
        turns.append(limb(rest, joints, np.zeros(1), "left", arm=True)[0])
    twist = matrix_to_axis_angle(turns[1] @ np.swapaxes(turns[0], 1, 2))[0]
    np.testing.assert_allclose(np.degrees(twist), (0, 0, np.degrees(np.arctan(4))), atol=1)


def test_a_knee_never_bends_forwards(make_rig):
    rig = make_rig()
    rest = rest_joints(rig)
    joints = {role: value.copy() for role, value in rest.items()}
    joints["left_foot"] = joints["left_shin"] + (0, -0.2, -0.35)
    thigh, shin = limb(rest, joints, np.zeros(1), "left", arm=False)
    down = shin @ unit(rest["left_foot"] - rest["left_shin"])[0]
    assert down[0, 1] > 0.3
    assert angle_between(thigh @ np.array([0, -1.0, 0]), np.array([[0, -1.0, 0]])) < 20


def test_landmarks_become_the_joints_they_are_offset_from(make_rig):
    rig = make_rig()
    turns = {"hips": turn(0, 0, 0.7), "left_upper_arm": turn(0, 1.0, 0.7), "left_thigh": turn(-0.8, 0, 0.7)}
    points = landmarks_on(rig, turns, rig.head("hips")[None])
    local, _ = local_from_turns(rig, turns)
    heads = rig.to_world(pose(rig, local, rig.head("hips")[None])[0])
    joints = joints_from_landmarks(points)
    for role, place in joints.items():
        np.testing.assert_allclose(place, heads[:, rig.index_of_role[role]], atol=0.016, err_msg=role)


def standing(rig, frames):
    """A still person, arms down and knees a little bent."""
    still = np.broadcast_to(np.eye(3), (frames, 3, 3))
    turns = {"hips": still}
    for side, sign in (("left", 1), ("right", -1)):
        turns[f"{side}_upper_arm"] = np.repeat(turn(0, sign * 1.3, 0), frames, 0)
        turns[f"{side}_forearm"] = np.repeat(turn(-0.3, sign * 1.2, 0), frames, 0)
    return turns, np.tile(rig.head("hips"), (frames, 1))


def test_a_still_person_is_still_and_stands_on_the_floor(make_rig):
    rig = make_rig(object_scale=0.01, rolls=True, object_rotation=True)
    turns, places = standing(rig, 90)
    points = landmarks_on(rig, turns, places)
    motion = retarget(track_of(points), rig)
    heads, _ = forward_kinematics(rig, motion)
    assert np.ptp(heads, axis=0).max() < 1e-5
    feet = heads[:, [rig.index_of_role[f"{side}_toe"] for side in ("left", "right")], 2]
    np.testing.assert_allclose(feet, 0, atol=0.015)
    assert (motion.contact == 1).all()
    assert motion.residual.max() < 0.5
    assert motion.confidence.min() > 0.95
    np.testing.assert_allclose(motion.root_position[:, :2], np.tile(rig.head("hips")[:2], (90, 1)), atol=1e-4)


def test_jitter_neither_shakes_a_standing_person_nor_sinks_the_feet(make_rig):
    rig = make_rig()
    turns, places = standing(rig, 120)
    points = landmarks_on(rig, turns, places)
    noise = np.random.default_rng(0).normal(size=points.shape) * (0.006, 0.02, 0.006)  # depth is the weak axis
    motion = retarget(track_of(points + noise), rig)
    heads, rotations = forward_kinematics(rig, motion)
    hips = heads[:, rig.index_of_role["hips"]]
    assert np.linalg.norm(np.diff(hips, axis=0), axis=1).mean() < 0.004
    turned = rotations @ np.swapaxes(rig.rest_rotations, 1, 2)
    soles = root.soles(rig, heads, turned)[..., 2]
    assert soles.min() > -0.015
    steps = np.linalg.norm(np.diff(root.soles(rig, heads, turned)[:, (0, 1, 3, 4)], axis=0), axis=-1)
    assert steps.mean() < 0.003
    assert motion.contact.mean() > 0.8


def test_the_rig_seen_through_the_camera_covers_the_person(make_rig):
    """A person who walks about and turns; the camera is the one the track was made with, where the rig's world says it is."""
    rig = make_rig()
    frames = 90
    t = np.linspace(0, 1, frames)
    hips = rotation_vector_to_matrix(np.stack([0 * t, 0 * t, 2.0 * t], -1))
    turns = {"hips": hips, "left_thigh": hips @ rotation_vector_to_matrix(np.stack([-0.5 * np.sin(9 * t), 0 * t, 0 * t], -1))}
    places = rig.head("hips") + np.stack([1.2 * t - 0.6, 0.8 * t, 0 * t], -1)
    points = landmarks_on(rig, turns, places)
    track = track_of(points)
    motion = retarget(track, rig)
    heads, rotations = forward_kinematics(rig, motion)
    markers = marker_positions(rig, heads, rotations @ np.swapaxes(rig.rest_rotations, 1, 2), (11, 12, 23, 24))
    pixels, _ = motion.camera.project(markers)
    miss = np.linalg.norm(pixels - track.body_image[0][:, (11, 12, 23, 24), :2], axis=-1)
    assert np.median(miss) < 3
    travel = motion.root_position[-1] - motion.root_position[0]
    np.testing.assert_allclose(travel[:2], (1.2, 0.8), atol=0.12)


def test_a_twisted_spine_is_spread_over_its_bones(make_rig):
    rig = make_rig()
    joints = {role: value.copy() for role, value in rest_joints(rig).items()}
    for side in ("left", "right"):
        for role in ("upper_arm", "forearm", "hand"):
            joints[f"{side}_{role}"] = joints[f"{side}_{role}"] @ turn(0, 0, 0.9)[0].T
    turns = torso(rig, joints)
    yaw = [np.degrees(matrix_to_axis_angle(turns[role])[0, 2]) for role in ("hips", "spine", "spine1", "spine2")]
    np.testing.assert_allclose(np.diff(yaw), np.degrees(0.9) / 3, atol=3)


def test_a_clip_that_leans_to_the_camera_is_levelled(make_rig):
    rig = make_rig()
    turns, places = standing(rig, 90)
    points = landmarks_on(rig, turns, places)
    tilted = points @ rotation_vector_to_matrix(np.array([0.2, 0, 0])).T
    bowed = tilted.copy()
    hips = tilted[:, 23:25].mean(axis=1, keepdims=True)
    bowed[:, :23] = (tilted[:, :23] - hips) @ rotation_vector_to_matrix(np.array([0.25, 0, 0])).T + hips
    back = level.levelled(bowed, level.lean(bowed))
    trunk, legs = back[:, 11] - back[:, 23], back[:, 23] - back[:, 27]
    assert np.abs(np.degrees(np.arctan2(trunk[:, 1], trunk[:, 2]))).max() < 3
    assert np.abs(np.degrees(np.arctan2(legs[:, 1], legs[:, 2]))).max() < 6
    for start, end in ((11, 13), (13, 15), (7, 0)):
        np.testing.assert_allclose(back[:, end] - back[:, start], bowed[:, end] - bowed[:, start], atol=1e-9)
    lying = points @ rotation_vector_to_matrix(np.array([1.4, 0, 0])).T
    assert level.lean(lying) == (0.0, 0.0)


def test_gaps_are_filled_and_not_trusted(make_rig):
    rig = make_rig()
    turns, places = standing(rig, 60)
    track = track_of(landmarks_on(rig, turns, places))
    for name in ("body_world", "body_image"):
        getattr(track, name)[0, 20:30] = np.nan
    track.body_visibility[0, 20:30] = 0
    motion = retarget(track, rig)
    assert motion.confidence[22:28].max() == 0
    assert motion.confidence[:15].min() > 0.9
    assert np.ptp(motion.root_position, axis=0).max() < 0.02


@pytest.mark.parametrize("fps", [24.0, 15.0, 60.0])
def test_the_rate_is_changed_by_time_stamps(make_rig, fps):
    rig = make_rig()
    frames = 61
    t = np.arange(frames) / FPS
    turns, places = standing(rig, frames)
    places = places + np.stack([0.3 * t, 0 * t, 0 * t], -1)
    motion = retarget(track_of(landmarks_on(rig, turns, places)), rig, fps=fps)
    assert motion.fps == fps
    assert motion.frame_count == round(2 * fps) + 1
    np.testing.assert_allclose(np.diff(motion.time), 1 / fps)


@pytest.mark.parametrize("fps", [FPS, 12.5])
def test_the_motion_lasts_as_long_as_the_person_is_there(make_rig, fps):
    """Somebody who comes late and goes early moves as in a clip of their own, at the clip's times."""
    rig = make_rig()
    frames, there = 60, slice(14, 44)
    t = np.arange(frames) / FPS
    turns, places = standing(rig, frames)
    whole = track_of(landmarks_on(rig, turns, places + np.stack([0.3 * t, 0 * t, 0 * t], -1)))
    whole.time += 5.0
    alone = dataclasses.replace(
        whole, **{name: getattr(whole, name)[:, there] for name in PER_PERSON}, time=whole.time[there], frame_index=whole.frame_index[there]
    )
    for name in ("body_image", "body_world"):
        gone = getattr(whole, name)
        gone[:, : there.start] = gone[:, there.stop :] = np.nan
    motion, other = retarget(whole, rig, fps=fps), retarget(alone, rig, fps=fps)
    assert motion.frame_count == other.frame_count == round((frames - 31) * fps / FPS) + 1
    steps = (motion.time - 5.0) * fps
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-6)
    assert abs(motion.time[0] - whole.time[there.start]) <= 0.5 / fps + 1e-9
    if fps == FPS:
        np.testing.assert_allclose(motion.time, whole.time[there])
        np.testing.assert_allclose(motion.rotation, other.rotation, atol=1e-6)
        np.testing.assert_allclose(motion.root_position, other.root_position, atol=1e-6)


def test_hands_and_fingers(make_rig):
    """A fist seen for the second half: fingers bend towards the palm; in the unseen first half, and on the other side, they are at ease."""
    rig = make_rig()
    turns, places = standing(rig, 90)
    track = track_of(landmarks_on(rig, turns, places))
    hand = np.zeros((21, 3))
    hand[[5, 9, 13, 17]] = [(0.09, -0.03, 0), (0.095, 0, 0), (0.09, 0.03, 0), (0.08, 0.055, 0)]
    hand[1:5] = [(0.02, -0.03, -0.01), (0.04, -0.045, -0.02), (0.06, -0.05, -0.03), (0.075, -0.05, -0.04)]
    for knuckle in (5, 9, 13, 17):  # the joints bent by 60°, 60° and 36° towards the palm, which faces down
        at, bend = hand[knuckle], 0.0
        for joint, angle in enumerate((60, 60, 36), 1):
            bend += np.radians(angle)
            at = at + 0.03 * np.array([np.cos(bend), 0, -np.sin(bend)])
            hand[knuckle + joint] = at
    carried = hand @ turn(0, 1.2, 0)[0].T
    track.hand_world[0, 60:, 0] = np.stack([carried[:, 0], -carried[:, 2], carried[:, 1]], -1)
    track.hand_score[0, 60:, 0] = 1
    motion = retarget(track, rig)
    angle = np.degrees(2 * np.arccos(np.clip(motion.rotation[..., 0], -1, 1)))
    for joint, ease, bent in ((1, 19, 60), (2, 27, 60), (3, 13, 36)):
        bends = angle[:, motion.bones.index(f"mixamorig:LeftHandMiddle{joint}")]
        np.testing.assert_allclose(bends[:20], ease, atol=1)
        assert bends[-10] == pytest.approx(bent, abs=3)
        assert np.abs(np.diff(bends)).max() < 5
        np.testing.assert_allclose(angle[:, motion.bones.index(f"mixamorig:RightHandMiddle{joint}")], ease, atol=0.1)


def test_who_is_not_there_is_said(make_rig):
    rig = make_rig()
    turns, places = standing(rig, 5)
    track = track_of(landmarks_on(rig, turns, places))
    with pytest.raises(UserError, match="no person 3"):
        retarget(track, rig, person=3)
    track.body_world[:] = np.nan
    with pytest.raises(UserError, match="2-D points alone"):
        retarget(track, rig)
    track.body_image[:] = np.nan
    with pytest.raises(UserError, match="Nobody"):
        retarget(track, rig)
    with pytest.raises(UserError, match="frame rate"):
        retarget(track_of(landmarks_on(rig, turns, places)), rig, fps=-1)


def test_one_frame_is_enough(make_rig):
    rig = make_rig()
    turns, places = standing(rig, 1)
    motion = retarget(track_of(landmarks_on(rig, turns, places)), rig)
    assert motion.frame_count == 1
    assert np.isfinite(motion.rotation).all()
