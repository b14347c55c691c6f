# SPDX-License-Identifier: GPL-3.0-or-later
"""Hair and skirts on rigs made of numbers."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from ningyo.synth_data.retarget import edit
from ningyo.synth_data.retarget.capsules import body_capsules
from ningyo.synth_data.retarget.edit import posed
from ningyo.synth_data.retarget.kinematics import axis_angle_to_matrix, forward_kinematics, matrix_to_quaternion, rotations_of
from ningyo.synth_data.retarget.motion import Motion
from ningyo.synth_data.retarget.rig import Bone, Rig
from ningyo.synth_data.retarget.secondary import chains_of, hanging, kind_of, with_secondary
from ningyo.synth_data.retarget.secondary_points import secondary_points

STRIPS, LOCKS, FRAMES = 8, 3, 60


def hung(rig: Rig) -> Rig:
    """The rig with a skirt of 8 strips on its hips, and 3 locks of hair."""
    bones = list(rig.bones)

    def add(name: str, parent: int, places: list[np.ndarray]) -> None:
        for number, (start, end) in enumerate(itertools.pairwise(places), 1):
            along = (end - start) / np.linalg.norm(end - start)
            side = np.cross(along, (0.3, 0.9, 0.1))
            side /= np.linalg.norm(side)
            matrix = np.eye(4)
            matrix[:3, :3] = rig.world_rotation.T @ np.stack([side, along, np.cross(side, along)], -1)
            matrix[:3, 3] = rig.to_armature(start)
            length = float(np.linalg.norm(end - start)) / np.cbrt(abs(np.linalg.det(rig.armature_matrix[:3, :3])))
            bones.append(Bone(f"{name}_{number}", parent, None, matrix, length))
            parent = len(bones) - 1

    hips, head = rig.head("hips"), rig.head("head")
    for strip in range(STRIPS):
        angle = 2 * np.pi * strip / STRIPS
        out = np.array([np.sin(angle), -np.cos(angle), 0.0])
        top, hem = hips + 0.15 * out + (0, 0, 0.05), hips + 0.25 * out - (0, 0, 0.35)
        add(f"skirt_{strip}", rig.index_of_role["hips"], [top + share * (hem - top) for share in np.linspace(0, 1, 4)])
    for lock in range(LOCKS):
        out = np.array([0.08 * (lock - 1), 0.11, 0.1])
        top, tip = head + out, head + out * (1, 1.5, 0) - (0, 0, 0.4)
        add(f"hair_{lock}", rig.index_of_role["head"], [top + share * (tip - top) for share in np.linspace(0, 1, 5)])
    return dataclasses.replace(rig, bones=tuple(bones))


@pytest.fixture(params=[{}, {"rolls": True, "object_scale": 0.01, "object_rotation": True}], ids=["plain", "strange axes"])
def rig(request, make_rig):
    return hung(make_rig(**request.param))


def turning(rig, turns, root=None, fps=30.0):
    """A motion in which roles turn: `turns` role → (F,) radians about the world's x axis; `root` (F, 3) beside the hips' rest."""
    frames = len(next(iter(turns.values()))) if turns else len(root)
    names = [rig.names[rig.index_of_role[role]] for role in turns]
    local = np.zeros((frames, len(names), 3, 3))
    for k, (role, angle) in enumerate(turns.items()):
        axes = rig.rest_rotations[rig.index_of_role[role]]
        about_x = axis_angle_to_matrix(np.broadcast_to((1.0, 0, 0), (frames, 3)), np.asarray(angle, float))
        local[:, k] = axes.T @ about_x @ axes
    root = rig.head("hips") + (np.zeros((frames, 3)) if root is None else root)
    zeros = np.zeros(frames)
    return Motion(
        fps=fps, bones=tuple(names), time=np.arange(frames) / fps, rotation=matrix_to_quaternion(local), root_position=root,
        contact=np.zeros((frames, 4)), residual=zeros, confidence=zeros + 1, rig=rig,
    )  # fmt: skip


def dancing(rig, frames=FRAMES, fps=30.0):
    t = np.arange(frames) / fps
    bends = {"hips": 0.5 * np.sin(5 * t), "head": 0.6 * np.sin(7 * t), "left_thigh": -0.9 + 0.9 * np.cos(6 * t)}
    bends["right_thigh"] = 0.4 * np.sin(6 * t)
    return turning(rig, bends, np.stack([0.4 * np.sin(4 * t), 0.2 * t, 0.1 * np.sin(8 * t)], -1), fps)


def ends_of(rig, motion):
    """(F, P, 3) the far ends of the chains' bones."""
    chains = chains_of(rig)
    heads, turns = posed(rig, motion)
    carried = np.einsum("fpij,pj->fpi", turns[:, chains.bones], chains.end - rig.rest_heads[chains.bones])
    return heads[:, chains.bones] + carried


def numbers(rig, word):
    return [i for i, bone in enumerate(chains_of(rig).bones) if word in rig.names[bone]]


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("hair_3_2", "hair"), ("J_Sec_Hair1_01", "hair"), ("mixamorig:PonytailA", "ponytail"), ("Bangs.L.001", "bangs"), ("前髪_02", "髪"),
        ("skirt_0_1", "skirt"), ("J_Sec_L_SkirtBack0_01", "skirt"), ("CoatTail_L_3", "coat"), ("スカート_1_0", "skirt"), ("cape.1", "coat"),
        ("Ribbon_L", "ribbon"), ("necktie_2", "ribbon"), ("scarf.003", "ribbon"), ("fox_tail_3", "tail"), ("BunnyEar_L1", "ear"),
    ],
)  # fmt: skip
def test_what_swings_by_its_name(name, word):
    kind = kind_of(name)
    assert kind is not None
    assert any(word in own for own in (*kind.words, *kind.parts))


@pytest.mark.parametrize(
    "name", ["mixamorig:Spine", "LeftForeArm", "chair", "Head", "hair_ctrl", "skirt_IK", "Detail", "Bear", "Heart", "Tire", "eye_L"]
)
def test_what_does_not(name):
    assert kind_of(name) is None


def test_chains_are_of_bones_without_a_role_that_hang_from_the_body(rig):
    chains = chains_of(rig)
    assert len(chains.bones) == STRIPS * 3 + LOCKS * 4
    assert [len(level) for level in chains.levels()] == [STRIPS + LOCKS, STRIPS + LOCKS, STRIPS + LOCKS, LOCKS]
    anchors = {rig.bones[bone].role for bone in chains.anchor}
    assert anchors == {"hips", "head"}
    first = chains.bones[0]
    np.testing.assert_allclose(chains.start[0], rig.rest_heads[first], atol=1e-9)
    np.testing.assert_allclose(chains.end[0], rig.rest_heads[first + 1], atol=1e-9)
    bones = [dataclasses.replace(bone, name="hair_root") if bone.role == "neck" else bone for bone in rig.bones]
    bones.append(Bone("tail_of_nobody", -1, None, np.eye(4), 1.0))
    assert len(chains_of(dataclasses.replace(rig, bones=tuple(bones))).bones) == len(chains.bones)


def test_a_rig_without_chains_keeps_its_motion(make_rig):
    bare = make_rig()
    motion = dancing(bare)
    assert with_secondary(motion, bare) is motion
    local = rotations_of(bare, motion)[3]
    assert hanging(bare, local, motion.root_position[3]) is local


def test_only_rotations_of_the_chains_are_added(rig):
    motion = dancing(rig)
    result = with_secondary(motion, rig)
    chains = chains_of(rig)
    assert result.bones == (*motion.bones, *(rig.names[bone] for bone in chains.bones))
    np.testing.assert_array_equal(result.rotation[:, : len(motion.bones)], motion.rotation)
    np.testing.assert_array_equal(result.root_position, motion.root_position)
    assert with_secondary(result, rig) is result
    np.testing.assert_array_equal(with_secondary(motion, rig).rotation, result.rotation)


def test_what_the_clip_moves_itself_is_left_to_it(rig):
    chains = chains_of(rig)
    motion = dancing(rig)
    own = np.broadcast_to((np.cos(0.3), np.sin(0.3), 0, 0), (FRAMES, 1, 4))
    name = rig.names[chains.bones[0]]
    motion = dataclasses.replace(motion, bones=(*motion.bones, name), rotation=np.concatenate([motion.rotation, own], 1))
    result = with_secondary(motion, rig)
    np.testing.assert_array_equal(result.rotation[:, result.bones.index(name)], own[:, 0].astype(np.float32))
    assert len(result.bones) == len(motion.bones) + len(chains.bones) - 1


def test_upright_and_still_everything_is_as_at_rest(rig):
    result = with_secondary(turning(rig, {"hips": np.zeros(5)}), rig)
    np.testing.assert_allclose(np.abs(result.rotation[..., 0]), 1.0, atol=1e-6)


def test_a_pose_that_is_held_is_still_from_the_first_frame_on_and_hangs(rig):
    motion = turning(rig, {"hips": np.full(40, -0.9), "left_thigh": np.full(40, -1.2)})
    result = with_secondary(motion, rig)
    ends = ends_of(rig, result)
    assert np.abs(np.diff(ends, axis=0)).max() < 2e-4  # metres a frame
    assert np.abs(ends - ends[0]).max() < 5e-3
    stiff = ends_of(rig, motion)[0]
    tips = [i for i in numbers(rig, "hair") if rig.names[chains_of(rig).bones[i]].endswith("_4")]
    assert (stiff[tips, 2] - ends[0, tips, 2]).min() > 0.05
    alone = hanging(rig, rotations_of(rig, motion)[0], motion.root_position[0].astype(float))
    once = dataclasses.replace(result, bones=rig.names, rotation=np.repeat(matrix_to_quaternion(alone)[None], 40, 0))
    np.testing.assert_allclose(ends_of(rig, once)[0], ends[0], atol=0.06)


def test_it_lags_behind_and_comes_to_rest(rig):
    way = np.zeros((90, 3))
    way[15:, 0] = np.minimum(np.arange(75) / 8, 1.0) * 0.6
    motion = turning(rig, {"hips": np.zeros(90)}, way)
    ends, stiff = ends_of(rig, with_secondary(motion, rig)), ends_of(rig, motion)
    behind = (ends - stiff)[..., 0]
    hair = numbers(rig, "hair")
    assert behind[20][hair].max() < -0.01
    assert behind[24:40][:, hair].max() > 0.01
    assert np.abs(behind[-1]).max() < 5e-3


@pytest.mark.parametrize("fps", [15.0, 60.0, 23.976])
def test_the_rate_hardly_matters(rig, fps):
    fine = dancing(rig, 360, 180.0)
    one, other = (ends_of(rig, with_secondary(edit.at_rate(fine, rate), rig)) for rate in (30.0, fps))
    times = [np.arange(len(ends)) / rate for ends, rate in ((one, 30.0), (other, fps))]
    there = times[0][times[0] <= times[1][-1]]
    resampled = np.stack([[np.interp(there, times[1], column) for column in point.T] for point in other.swapaxes(0, 1)]).transpose(2, 0, 1)
    apart = np.linalg.norm(one[: len(there)] - resampled, axis=-1)
    swing = np.linalg.norm(one - ends_of(rig, edit.at_rate(fine, 30.0)), axis=-1)
    assert apart.mean() < 0.12 * swing.mean()


def test_bones_keep_their_length_and_nothing_explodes(rig):
    chains = chains_of(rig)
    jumping = dancing(rig)
    root = jumping.root_position.copy()
    root[30:] += (4.0, -3.0, 1.0)
    for motion in (dancing(rig, 20, 10.0), dataclasses.replace(jumping, root_position=root)):
        result = with_secondary(motion, rig)
        ends, (heads, _) = ends_of(rig, result), posed(rig, result)
        assert np.isfinite(ends).all()
        length = np.linalg.norm(ends - heads[:, chains.bones], axis=-1)
        np.testing.assert_allclose(length, np.broadcast_to(np.linalg.norm(chains.end - chains.start, axis=1), length.shape), rtol=1e-3)
        stiff = ends_of(rig, motion)
        assert (np.linalg.norm(ends - stiff, axis=-1) < 2.0 * chains.way).all()
    before, after = (ends_of(rig, with_secondary(motion, rig)) for motion in (jumping, dataclasses.replace(jumping, root_position=root)))
    np.testing.assert_allclose(after[:29], before[:29], atol=1e-9)
    calm = np.linalg.norm((after - root[:, None]) - (before - jumping.root_position[:, None]), axis=-1)
    assert calm.max() < 0.25  # a cut does not fling them


def test_thighs_push_a_skirt_out(rig):
    motion = turning(rig, {"left_thigh": -np.linspace(0, 1.5, 30), "right_thigh": 0.6 * np.linspace(0, 1, 30)})
    result = with_secondary(motion, rig)
    skirt = numbers(rig, "skirt")
    capsules = body_capsules(rig)
    heads, turns = posed(rig, result)
    legs = [k for k, name in enumerate(capsules.names) if name.endswith("thigh")]

    def depth(points):
        """How deep the deepest of these points is in a thigh, metres."""
        ends = capsules.ends(heads[-1], turns[-1])[legs]
        along = ends[:, 1] - ends[:, 0]
        away = points[:, None] - ends[:, 0]
        share = np.clip(np.einsum("pki,ki->pk", away, along) / np.sum(along**2, 1), 0, 1)
        distance = np.linalg.norm(away - share[..., None] * along, axis=-1)
        radius = capsules.radii[legs, 0] + share * np.diff(capsules.radii[legs], axis=1)[:, 0]
        return float((radius - distance).max())

    assert depth(ends_of(rig, motion)[-1][skirt]) > 0.04
    assert depth(ends_of(rig, result)[-1][skirt]) < 0.01


def test_what_hangs_lies_on_the_floor(rig):
    """Of a body that lies on its back just over the floor."""
    low = np.zeros((20, 3))
    low[:, 2] = rig.floor + 0.2 - rig.head("hips")[2]
    motion = turning(rig, {"hips": np.full(20, -np.pi / 2)}, low)
    stiff, ends = ends_of(rig, motion)[-1], ends_of(rig, with_secondary(motion, rig))[-1]
    assert stiff[:, 2].min() < rig.floor - 0.02
    assert ends[:, 2].min() > rig.floor - 0.01


def test_segments_are_the_bones_in_every_frame(rig):
    """A bone begins where the one above ends, however they swing, and stays as long as it is; those without the chains have none."""
    nods = np.sin(np.arange(FRAMES) / 5)
    motion = with_secondary(turning(rig, {"spine": 0.4 * nods, "head": 0.5 * nods}), rig)
    segments = secondary_points(rig, *forward_kinematics(rig, motion)).reshape(FRAMES, -1, 2, 3)
    chains = chains_of(rig)
    assert segments.shape[1] == len(chains.bones) == 3 * STRIPS + 4 * LOCKS
    hanging_on = np.flatnonzero(chains.above >= 0)
    assert np.abs(segments[:, hanging_on, 0] - segments[:, chains.above[hanging_on], 1]).max() < 1e-6
    lengths = np.linalg.norm(segments[:, :, 1] - segments[:, :, 0], axis=-1)
    assert np.abs(lengths - np.linalg.norm(chains.end - chains.start, axis=-1)).max() < 1e-6
    assert np.ptp(segments[:, :, 1], axis=0).max() > 0.05
    bare = dataclasses.replace(rig, bones=tuple(bone for bone in rig.bones if kind_of(bone.name) is None))
    assert secondary_points(bare, *forward_kinematics(bare, turning(bare, {"spine": nods}))).shape == (FRAMES, 0, 3)
