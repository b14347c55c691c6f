# SPDX-License-Identifier: GPL-3.0-or-later
"""The closed form on rigs of every kind, as Blender itself evaluates them."""

from __future__ import annotations

import numpy as np
import pytest
from ningyo.jobs.progress import Reporter
from ningyo.synth_data.retarget.body import limb, rest_joints, torso, trunk
from ningyo.synth_data.retarget.closed_form import SEEN_BONES, moved_bones
from ningyo.synth_data.retarget.kinematics import (
    continuous,
    forward_kinematics,
    local_from_turns,
    matrix_to_quaternion,
    quaternion_to_matrix,
    rotation_vector_to_matrix,
    unit,
)
from ningyo.synth_data.retarget.markers import joints_from_landmarks
from ningyo.synth_data.retarget.motion import Motion

bpy = pytest.importorskip("bpy")

from mathutils import Matrix  # noqa: E402
from ningyo.synth_data.characters.importing import read_rig  # noqa: E402
from ningyo.synth_data.retarget.apply import apply_motion, obstacles  # noqa: E402

FRAMES = 8
LANDMARKS = {"upper_arm": 11, "forearm": 13, "hand": 15, "thigh": 23, "shin": 25, "foot": 27}
MODES = ("QUATERNION", "XYZ", "XZY", "YXZ", "YZX", "ZXY", "ZYX", "AXIS_ANGLE")
WITHOUT = ((), ("spine2", "shoulder", "neck"), ("thumb", "pinky", "toe"), ("spine1", "spine2", "head_end", "index", "middle", "ring"))


def moving_landmarks(random):
    """(F, 33, 3) a person's landmarks in a random pose that moves, within what elbows and knees can do: metres, Z up."""
    phase = np.linspace(0, 2, FRAMES)

    def turns(most, sway=0.15):
        wave = np.sin(phase[:, None] + random.uniform(0, 6, 3))
        return rotation_vector_to_matrix(random.uniform(-most, most, 3) + sway * wave)

    body = rotation_vector_to_matrix(np.outer(np.ones(FRAMES), (0, 0, random.uniform(-3, 3)))) @ turns(0.5)
    chest = body @ turns(0.3, 0.1)
    points = np.zeros((FRAMES, 33, 3))
    for side, sign in enumerate((1.0, -1.0)):
        for (upper, hinge, end), carrier, at, straight, front in (
            ((11, 13, 15), chest, (0.18 * sign, 0, 0.5), np.array([sign, 0, 0]), np.array([0, -1.0, 0])),
            ((23, 25, 27), body, (0.1 * sign, 0, 0), np.array([0, 0, -1.0]), np.array([0, 1.0, 0])),
        ):
            swung = carrier @ turns(0.8)
            angle = random.uniform(0.4, 1.9) + 0.1 * np.sin(phase)
            points[:, upper + side] = carrier @ np.array(at)
            points[:, hinge + side] = points[:, upper + side] + swung @ (0.42 * straight)
            along = np.cos(angle)[:, None] * straight + np.sin(angle)[:, None] * front
            points[:, end + side] = points[:, hinge + side] + np.einsum("fij,fj->fi", swung, 0.4 * along)
    return points


def closed_form_of(rig, points, places):
    """The closed form's motion for exact landmarks, with the hips' head at `places` (F, 3)."""
    joints, rest, time = joints_from_landmarks(points), rest_joints(rig), np.arange(len(points)) / 30
    turns = torso(rig, joints)
    for side in ("left", "right"):
        for arm, (upper, lower) in ((True, ("upper_arm", "forearm")), (False, ("thigh", "shin"))):
            turns[f"{side}_{upper}"], turns[f"{side}_{lower}"] = limb(rest, joints, time, side, arm=arm)
    local, _ = local_from_turns(rig, turns)
    return motion_of(rig, local, places), joints


def motion_of(rig, local, places):
    bones = moved_bones(rig)
    frames = len(local)
    return Motion(
        fps=30.0, bones=tuple(rig.names[i] for i in bones), time=np.arange(frames) / 30,
        rotation=continuous(matrix_to_quaternion(local[:, bones])), root_position=places,
        contact=np.zeros((frames, 4)), residual=np.zeros(frames), confidence=np.ones(frames),
    )  # fmt: skip


def evaluated(armature, rig, frame):
    """(B, 3) world heads as Blender poses them."""
    bpy.context.scene.frame_set(frame)
    posed = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return np.array([posed.matrix_world @ posed.pose.bones[name].head for name in rig.names])


def angle_between(a, b):
    a, b = unit(a), unit(b)
    return np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), np.sum(a * b, -1)))


def oddly_set(random, armature):
    """Rotation modes, flags and a parent as users have them; none of it moves the armature at rest."""
    bones = list(armature.pose.bones)
    for bone in bones:
        bone.rotation_mode = random.choice(MODES)
        if random.random() < 0.1:
            bone.bone.use_inherit_rotation = False
        if random.random() < 0.1:
            bone.bone.inherit_scale = random.choice(("NONE", "ALIGNED", "AVERAGE"))
        if random.random() < 0.2:
            bone.bone.use_local_location = False
        bone.lock_rotation = bone.lock_location = (random.random(3) < 0.3).tolist()
    if random.random() < 0.4:
        world = armature.matrix_world.copy()
        empty = bpy.data.objects.new("Cart", None)
        bpy.context.scene.collection.objects.link(empty)
        empty.location, empty.rotation_euler = random.uniform(-3, 3, 3), random.uniform(-3, 3, 3)
        armature.parent = empty
        bpy.context.view_layer.update()
        armature.matrix_world = world
    bpy.context.view_layer.update()


def settings_of(armature):
    """What must not change: rest pose, modes, flags, constraints, the object's place."""
    return (
        [tuple(armature.matrix_world[i]) for i in range(4)],
        [(b.name, b.rotation_mode, len(b.constraints), tuple(b.lock_rotation)) for b in armature.pose.bones],
        [(b.use_inherit_rotation, b.inherit_scale, b.use_local_location, b.use_connect) for b in armature.data.bones],
        [tuple(b.matrix_local[i]) for b in armature.data.bones for i in range(3)],
    )


def check(make_rig, make_armature, seed):
    """The largest angle in degrees between the evaluated limbs and trunk and the landmarks' directions on one random rig."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    random = np.random.default_rng(seed)
    armature = make_armature(
        bpy,
        make_rig(
            seed=seed, rolls=True, bend=0.5, proportions=0.3, object_scale=float(10 ** random.uniform(-2, 1)), object_rotation=True,
            object_location=tuple(random.uniform(-3, 3, 3)), heading=float(random.uniform(-3.14, 3.14)), mirrored=seed % 7 == 3,
            prefix=("mixamorig:", "", "mixamorig7:", "mixamorig_", "scene|mixamorig:")[seed % 5], extra_bones=seed % 3 == 0,
            legs_on_spine=seed % 11 == 5, without=WITHOUT[seed % 4],
        ),
    )  # fmt: skip
    oddly_set(random, armature)
    before = settings_of(armature)
    rig = read_rig(armature)
    points = moving_landmarks(random)
    places = random.uniform(-2, 2, 3) + 0.02 * np.arange(FRAMES)[:, None] * random.normal(size=3)
    motion, joints = closed_form_of(rig, points, places)
    apply_motion(armature, motion, scene_fps=30)
    assert settings_of(armature) == before
    worst = 0.0
    for frame in range(0, FRAMES, 3):
        heads = evaluated(armature, rig, 1 + frame)
        np.testing.assert_allclose(heads[rig.index_of_role["hips"]], places[frame], atol=2e-4)
        for role, end in SEEN_BONES.items():
            bone = heads[rig.index_of_role[end]] - heads[rig.index_of_role[role]]
            worst = max(worst, float(angle_between(bone, (joints[end] - joints[role])[frame])))
        at = {role: heads[index][None] for role, index in rig.index_of_role.items()}
        worst = max(worst, float(angle_between(trunk(at)[0], trunk(joints)[frame])))
    return worst


@pytest.mark.parametrize("first", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(20, 100, 20))])
def test_a_hundred_random_rigs_point_where_the_landmarks_do(make_rig, make_armature, first):
    """Any rest pose, rolls, proportions, scale, heading, mirroring, prefix, rotation modes, flags and parents."""
    worst = {seed: check(make_rig, make_armature, seed) for seed in range(first, first + 20)}
    print(f"largest error {max(worst.values()):.5f} degrees")
    assert max(worst.values()) < 0.1, {seed: round(angle, 3) for seed, angle in worst.items() if angle >= 0.1}


def posed(make_rig, make_armature, random_rotations, **options):
    """(armature, rig, a motion of random rotations)"""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    armature = make_armature(bpy, make_rig(rolls=True, bend=0.3, object_scale=0.01, object_rotation=True, extra_bones=True, **options))
    rig = read_rig(armature)
    local = np.broadcast_to(np.eye(3), (FRAMES, len(rig.bones), 3, 3)).copy()
    named = [i for i, bone in enumerate(rig.bones) if bone.role is not None]
    q = random_rotations(FRAMES, len(named), 1.5)
    local[:, named] = quaternion_to_matrix(q)
    places = np.array([1.0, 2.0, 1.0]) + 0.1 * np.arange(FRAMES)[:, None] * (1, 0.5, 0.2)
    return armature, rig, motion_of(rig, local, places)


def agrees(armature, rig, motion, without=()):
    heads, _ = forward_kinematics(rig, motion)
    chosen = [i for i, name in enumerate(rig.names) if name not in without]
    for frame in (0, 3, FRAMES - 1):
        np.testing.assert_allclose(evaluated(armature, rig, 1 + frame)[chosen], heads[frame, chosen], atol=1e-4)


@pytest.fixture
def moving(make_rig, make_armature, random_rotations):
    return posed(make_rig, make_armature, random_rotations)


def test_bones_that_do_not_inherit_rotation(moving):
    armature, rig, motion = moving
    for role in ("left_forearm", "spine1", "head", "hips"):
        armature.data.bones[rig.names[rig.index_of_role[role]]].use_inherit_rotation = False
    apply_motion(armature, motion, scene_fps=30)
    agrees(armature, rig, motion)


@pytest.mark.parametrize("connected", [False, True])
def test_hips_whose_location_is_in_other_axes_or_taken_away(moving, connected):
    armature, rig, motion = moving
    hips = rig.names[rig.index_of_role["hips"]]
    if connected:
        bpy.context.view_layer.objects.active = armature
        bpy.ops.object.mode_set(mode="EDIT")
        edit = armature.data.edit_bones
        edit["Armature root"].tail = edit[hips].head
        edit[hips].use_connect = True
        bpy.ops.object.mode_set(mode="OBJECT")
        rig = read_rig(armature)
    for bone in armature.data.bones:
        bone.use_local_location = False
    apply_motion(armature, motion, scene_fps=30)
    agrees(armature, rig, motion, without=("Armature root",) if connected else ())  # which carries the hips then


def test_a_posed_armature_and_one_that_played_before(moving):
    """Locations, scales and rotations that the motion does not move are put to rest, those that a former Action moves too."""
    armature, rig, motion = moving
    spine, root = armature.pose.bones[rig.names[rig.index_of_role["spine"]]], armature.pose.bones["Armature root"]
    spine.location, spine.scale, root.rotation_quaternion = (0, 9, 0), (2, 2, 2), (0, 1, 0, 0)
    neck = armature.pose.bones[rig.names[rig.index_of_role["neck"]]]
    for frame, where in ((1, (0, 0, 0)), (10, (5, 0, 0))):
        neck.location = where
        neck.keyframe_insert("location", frame=frame)
    bpy.context.scene.frame_set(1)
    former = armature.animation_data.action
    apply_motion(armature, motion, scene_fps=30)
    agrees(armature, rig, motion)
    armature.animation_data.action = former
    assert former.use_fake_user


def test_the_character_is_carried_by_a_moving_object(moving):
    armature, rig, motion = moving
    cart = bpy.data.objects.new("Cart", None)
    bpy.context.scene.collection.objects.link(cart)
    world = armature.matrix_world.copy()
    armature.parent = cart
    armature.matrix_world = world
    for frame, where in ((1, (0, 0, 0)), (31, (30, 0, 0))):
        cart.location = where
        cart.keyframe_insert("location", frame=frame)
    bpy.context.scene.frame_set(1)
    apply_motion(armature, motion, scene_fps=30)
    heads, _ = forward_kinematics(rig, motion)
    for frame in (0, 5):
        here = evaluated(armature, rig, 1 + frame)
        np.testing.assert_allclose(here - (cart.matrix_world.translation.x, 0, 0), heads[frame], atol=1e-4)


def test_a_twist_bone_follows_and_keeps_its_constraint(moving):
    armature, rig, motion = moving
    twist = armature.pose.bones["twist.L"]
    constraint = twist.constraints.new("COPY_ROTATION")
    constraint.target, constraint.subtarget = armature, rig.names[rig.index_of_role["left_hand"]]
    constraint.influence = 0.5
    said = []
    apply_motion(armature, motion, scene_fps=30, report=Reporter(said.append))
    assert [c.type for c in twist.constraints] == ["COPY_ROTATION"]
    assert not said  # it moves nothing that the motion does
    agrees(armature, rig, motion)
    armature.pose.bones[rig.names[rig.index_of_role["left_forearm"]]].constraints.new("COPY_ROTATION")
    apply_motion(armature, motion, scene_fps=30, report=Reporter(said.append))
    assert len(said) == 1
    assert "LeftForeArm" in said[0]["text"]


def test_what_hides_the_motion_is_said(moving):
    armature, rig, _ = moving
    assert obstacles(armature, rig) == []
    hand = armature.pose.bones[rig.names[rig.index_of_role["left_hand"]]]
    hand.driver_add("rotation_euler", 0)
    armature.data.pose_position = "REST"
    armature.animation_data.action_blend_type = "ADD"
    armature.scale = (0.01, 0.01, 0.02)
    bpy.context.view_layer.update()
    text = " ".join(obstacles(armature, read_rig(armature)))
    for words in ("LeftHand", "at rest", "Replace", "unequal"):
        assert words in text


def test_a_library_override_plays_and_its_file_stays(moving, tmp_path):
    _, rig, motion = moving
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "library.blend"))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, wanted):
        wanted.objects = ["Armature"]
    linked = bpy.data.objects["Armature"]
    bpy.context.scene.collection.objects.link(linked)
    bpy.context.view_layer.update()
    own = linked.override_create(remap_local_usages=True)
    bpy.context.view_layer.update()
    own.pose.bones[0].rotation_mode = "XYZ"
    action = apply_motion(own, motion, scene_fps=30)
    assert action.library is None
    agrees(own, rig, motion)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    own = next(obj for obj in bpy.data.objects if obj.override_library is not None)
    agrees(own, rig, motion)


def test_a_lying_or_mirrored_armature_keeps_its_transform(make_rig, make_armature, random_rotations):
    armature, _, _ = posed(make_rig, make_armature, random_rotations)
    armature.matrix_world = Matrix.Rotation(1.3, 4, "X") @ Matrix.Diagonal((-1, 1, 1, 1)) @ armature.matrix_world
    bpy.context.view_layer.update()
    rig = read_rig(armature)
    named = [bone.role is not None for bone in rig.bones]
    local = np.broadcast_to(np.eye(3), (FRAMES, len(named), 3, 3)).copy()
    local[:, named] = rotation_vector_to_matrix(np.random.default_rng(0).normal(size=(FRAMES, sum(named), 3)))
    motion = motion_of(rig, local, np.ones((FRAMES, 3)))
    apply_motion(armature, motion, scene_fps=30)
    agrees(armature, rig, motion)
