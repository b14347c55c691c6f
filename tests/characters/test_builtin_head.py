# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads of the built-in characters: hair that hangs on bones, faces that show expressions, what is worn on the head."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

pytest.importorskip("bpy")

import bpy
from ningyo.synth_data.characters import palette
from ningyo.synth_data.characters.builtin import skeleton
from ningyo.synth_data.characters.builtin.build import BUDGET, Geometry, geometry, make_skull
from ningyo.synth_data.characters.builtin.design import design
from ningyo.synth_data.characters.builtin.face import BROWS, EXPRESSIONS, EYES
from ningyo.synth_data.characters.builtin.hairstyles import STYLES
from ningyo.synth_data.characters.builtin.headwear import HEADWEAR
from ningyo.synth_data.characters.builtin.looks import HairChoice
from ningyo.synth_data.characters.builtin.tailor import DATASET, FULL
from ningyo.synth_data.characters.humanoid import read_rig
from ningyo.synth_data.render.faces import EXPRESSIONS as SHOWN
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
    return geometry(dataclasses.replace(own, cut=HairChoice(style, STYLES[style].fringes[0])), 0, detail)


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


@pytest.fixture(scope="module")
def faces() -> list[Geometry]:
    """A woman, and a man with another kind of eyes."""
    man = next(seed for seed in range(1, 99) if not design(seed).proportions.female and design(seed).face.eye.name == "sharp")
    return [geometry(design(seed), seed, DATASET) for seed in (0, man)]


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_is_seen_on_its_side_and_stays_before_the_skull(faces, name) -> None:
    for shape, seed_design in zip(faces, (design(0), None), strict=True):
        rest, shown = shape.face.vertices, shape.expressions[name]
        moved = np.linalg.norm(shown - rest, axis=1)
        # A head crop of 256 px shows some 0.36 m: 1.4 mm a pixel.
        assert moved.max() > 0.003
        side = {"Left": 1, "Right": -1}.get(next((s for s in ("Left", "Right") if name.endswith(s)), ""), 0)
        if side:
            assert (side * rest[moved > 1e-4][:, 0] > (-0.006 if name.startswith("mouth") else 0)).all()
        if seed_design is None:
            continue
        skull = make_skull(shape.figure, seed_design.face)
        flat = (shown - skull.origin) / skull.size
        face = np.flatnonzero(moved > 1e-4)
        surface = skull.face(flat[face, 0], flat[face, 2])
        assert (shown[face, 1] < surface[:, 1] - 0.0005).all()


def test_every_expression_that_pictures_use_is_there(faces) -> None:
    assert set(faces[0].expressions) == set(SHOWN)


def test_a_blink_hides_the_iris(faces) -> None:
    shape = faces[0]
    at, size = shape.figure.joints["LeftEye"], shape.figure.proportions.head
    x, _, z = (shape.face.vertices - at).T / size
    near = (np.abs(x) < 0.06) & (np.abs(z) < 0.08)
    shut = shape.expressions["eyeBlinkLeft"][near, 2]
    assert np.ptp(shut) < 0.25 * np.ptp(shape.face.vertices[near, 2])


@pytest.mark.parametrize("name", HEADWEAR)
def test_headwear_is_on_the_head_and_affordable(name) -> None:
    own = dataclasses.replace(design(0), cut=HairChoice("short", "straight"))
    bare, dressed = (geometry(dataclasses.replace(own, headwear=worn), 0, DATASET) for worn in ((), (name,)))
    assert dressed.evaluated <= BUDGET
    for part, before in ((dressed.body, bare.body), (dressed.face, bare.face)):
        there = {tuple(v) for v in np.round(before.vertices, 6)}
        new = np.array([tuple(v) not in there for v in np.round(part.vertices, 6)])
        if not new.any():
            continue
        ears = [i for i, bone in enumerate(dressed.figure.bones) if bone == "Head" or bone.startswith("ear_")]
        np.testing.assert_allclose(part.weights[new][:, ears].sum(1), 1.0, atol=1e-9)
        assert part.vertices[new, 2].min() > own.proportions.chin
    assert dressed.evaluated > bare.evaluated


def test_a_hat_covers_the_hair() -> None:
    own = dataclasses.replace(design(0), cut=HairChoice("pixie", "straight"), headwear=("beanie",))
    shape = geometry(own, 0, DATASET)
    hair = palette.Colour.of(own.hair).base
    of_hair = np.abs(shape.body.base - hair).max(1) < 1e-6
    top = own.proportions.chin + 0.96 * own.proportions.head
    assert shape.body.vertices[:, 2].max() > shape.body.vertices[of_hair, 2].max() + 0.005
    assert of_hair.any()
    assert shape.body.vertices[of_hair, 2].max() > top, "the hair is there, under it"


def test_seeds_differ() -> None:
    designs = [design(seed) for seed in range(1200)]
    assert {d.cut.style for d in designs} == set(STYLES)
    assert {d.face.eye.name for d in designs} == set(EYES)
    assert {d.face.brow.name for d in designs} == set(BROWS)
    assert {name for d in designs for name in d.headwear} == set(HEADWEAR)
    looks = {(d.cut.style, d.cut.fringe, d.cut.tone, d.face.eye.name, d.face.iris, d.headwear, d.colours.hair_number) for d in designs}
    assert len(looks) > 1100
    # What is worn takes different places of the head.
    for d in designs:
        places = [HEADWEAR[name].place for name in d.headwear]
        assert len(set(places)) == len(places)


def test_a_second_colour_of_hair_is_another_one() -> None:
    for seed in range(300):
        for number in (0, 1):
            own = design(seed, number)
            if own.cut.tone:
                assert np.abs(palette.parse(own.second_hair) - palette.parse(own.hair)).sum() > 0.2
    own = dataclasses.replace(design(0), cut=HairChoice("long", "straight"))
    plain, dyed = (geometry(dataclasses.replace(own, cut=HairChoice("long", "straight", tone=tone)), 0, DATASET) for tone in ("", "tips"))
    changed = np.abs(plain.body.base - dyed.body.base).max(1) > 0.01
    hair = on_hair(plain) > 0.5
    assert changed[hair].mean() > 0.2
    assert plain.body.vertices[changed & hair, 2].mean() < plain.body.vertices[hair, 2].mean()
