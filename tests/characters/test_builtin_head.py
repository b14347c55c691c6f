# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads of the built-in characters: hair that hangs on bones, faces that show expressions, what is worn on the head."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

pytest.importorskip("bpy")

import bpy
from ningyo.synth_data.characters.builtin import skeleton
from ningyo.synth_data.characters.builtin.build import Geometry, geometry
from ningyo.synth_data.characters.builtin.design import design
from ningyo.synth_data.characters.builtin.hairstyles import STYLES
from ningyo.synth_data.characters.builtin.tailor import DATASET, FULL
from ningyo.synth_data.characters.humanoid import read_rig
from ningyo.synth_data.retarget.capsules import body_capsules
from ningyo.synth_data.retarget.edit import posed
from ningyo.synth_data.retarget.kinematics import axis_angle_to_matrix, matrix_to_quaternion
from ningyo.synth_data.retarget.motion import Motion
from ningyo.synth_data.retarget.rig import Rig
from ningyo.synth_data.retarget.secondary import chains_of, with_secondary

HANGING = ("long", "wave", "twin", "low twin", "pony", "braids", "half up", "drills")


def worn(style: str, detail: str = DATASET) -> Geometry:
    """Seed 0 with another hair style."""
    own = design(0)
    return geometry(dataclasses.replace(own, hair_style=style, fringe=STYLES[style].fringes[0]), 0, detail)


def rig_of(shape: Geometry) -> Rig:
    scene: Any = bpy.context.scene
    armature = skeleton.build_armature("Test", shape.figure.joints, scene.collection, shape.figure.extra)
    return read_rig(armature, name="Test", source_name="Test", source_sha256="")


def turning_head(rig: Rig, frames: int = 40, fps: float = 25.0) -> Motion:
    """The head turns from side to side while the body hops."""
    t = np.arange(frames) / fps
    head = rig.index_of_role["head"]
    up = rig.rest_rotations[head].T @ rig.up
    local = axis_angle_to_matrix(np.broadcast_to(up, (frames, 3)), 0.7 * np.sin(2 * np.pi * t / 1.2))
    root = rig.head("hips") + np.outer(0.10 * np.abs(np.sin(2 * np.pi * t / 1.2)), (0, 0, 1))
    none = np.zeros(frames)
    return Motion(
        fps, (rig.names[head],), t, matrix_to_quaternion(local)[:, None].astype(np.float32), root.astype(np.float32),
        np.zeros((frames, 4), np.float32), none, none, rig=rig,
    )  # fmt: skip


def skinned(rig: Rig, motion: Motion, shape: Geometry, chosen: np.ndarray) -> np.ndarray:
    """(F, N, 3) chosen vertices of the body in a motion."""
    heads, turns = posed(rig, motion)
    points, weights = shape.body.vertices[chosen], shape.body.weights[chosen]
    columns = [rig.names.index(skeleton.bone_name(bone)) for bone in shape.figure.bones]
    moved = np.zeros((len(heads), *points.shape))
    for column, bone in enumerate(columns):
        share = weights[:, column]
        if share.any():
            here = np.einsum("fij,nj->fni", turns[:, bone], points - rig.rest_heads[bone]) + heads[:, None, bone]
            moved += share[:, None] * here
    return moved


def depth_in_chest(rig: Rig, motion: Motion, points: np.ndarray) -> np.ndarray:
    """(F, N) metres that points (F, N, 3) lie inside the chest's capsule; negative outside."""
    capsules = body_capsules(rig)
    chest = capsules.names.index("chest")
    a, b = np.moveaxis(capsules.ends(*posed(rig, motion))[:, chest], 1, 0)
    way = b - a
    share = np.einsum("fni,fi->fn", points - a[:, None], way) / np.einsum("fi,fi->f", way, way)[:, None]
    nearest = a[:, None] + np.clip(share, 0, 1)[..., None] * way[:, None]
    return capsules.radii[chest, 0] - np.linalg.norm(points - nearest, axis=-1)


@pytest.fixture(scope="module")
def swinging() -> dict[str, Any]:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    found = {}
    for style in HANGING:
        shape = worn(style)
        rig = rig_of(shape)
        found[style] = (shape, rig, turning_head(rig))
    return found


def on_hair(shape: Geometry) -> np.ndarray:
    """(N,) the share of each vertex that hangs on bones of hair."""
    columns = [i for i, name in enumerate(shape.figure.bones) if name.startswith("hair_")]
    return shape.body.weights[:, columns].sum(1)


@pytest.mark.parametrize("style", STYLES)
def test_hair_below_the_chin_hangs_on_few_chains(style) -> None:
    shape = worn(style)
    bones = [bone for bone in shape.figure.extra if bone.name.startswith("hair_")]
    firsts = [bone for bone in bones if bone.parent == "Head"]
    assert len(firsts) <= 8
    assert all(2 <= sum(b.name.startswith(first.name[:-1]) for b in bones) <= 4 for first in firsts)
    free = on_hair(shape)
    low = shape.figure.proportions.chin - 0.25 * shape.figure.proportions.head
    if len(firsts):
        assert shape.body.vertices[free > 0.5][:, 2].min() < low
        assert shape.body.vertices[free > 0.99][:, 2].max() < shape.figure.proportions.height + 0.05
    np.testing.assert_allclose(shape.body.weights.sum(1), 1.0, atol=1e-9)
    assert shape.body.weights.min() >= -1e-12


@pytest.mark.parametrize("style", HANGING)
def test_hair_swings_and_stays_out_of_the_chest(swinging, style) -> None:
    shape, rig, motion = swinging[style]
    assert any(rig.names[bone].startswith("hair_") for bone in chains_of(rig).bones)
    free = on_hair(shape) > 0.9
    swung = with_secondary(motion, rig)
    stiff, loose = (skinned(rig, m, shape, free) for m in (motion, swung))
    away = np.linalg.norm(loose - stiff, axis=-1)
    low = shape.body.vertices[free][:, 2] < np.quantile(shape.body.vertices[free][:, 2], 0.15)
    assert away[:, low].max() > 0.10, "tips lag behind the head"
    assert np.ptp(away[:, low].mean(1)) > 0.02, "and do not just hang elsewhere"
    at_rest = depth_in_chest(rig, motion, np.broadcast_to(shape.body.vertices[free], loose.shape))[0]
    inside = depth_in_chest(rig, swung, loose)[:, at_rest < -0.01]
    assert inside.max() < 0.045
    assert (inside > 0.005).mean() < 0.012
    again = with_secondary(motion, rig)
    np.testing.assert_array_equal(again.rotation, swung.rotation)


def test_weights_change_smoothly_along_a_chain() -> None:
    shape = worn("pony", FULL)
    columns = [i for i, name in enumerate(shape.figure.bones) if name.startswith("hair_")]
    hair = on_hair(shape) > 0
    used = shape.body.faces[(shape.body.faces[:, :3] >= 0).all(1) & hair[shape.body.faces[:, 0]]]
    jump = np.abs(shape.body.weights[used[:, 0]] - shape.body.weights[used[:, 2]]).max()
    assert 0 < jump < 0.75
    assert (shape.body.weights[hair][:, columns] > 0.05).sum(1).max() == 2
