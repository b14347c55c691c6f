# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in characters' geometry: numpy only in what it computes, though its module imports bpy."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("bpy")

from ningyo.synth_data.characters import palette
from ningyo.synth_data.characters.builtin import body, fields, mesh, skeleton
from ningyo.synth_data.characters.builtin.build import geometry
from ningyo.synth_data.characters.builtin.design import design
from ningyo.synth_data.characters.builtin.outfits import OUTFITS

SEEDS = (0, 2, 3, 6, 11)


@pytest.fixture(scope="module")
def shapes():
    return {seed: geometry(design(seed), seed) for seed in SEEDS}


def test_the_seeds_tried_here_wear_every_outfit() -> None:
    assert {design(seed).outfit for seed in SEEDS} == set(OUTFITS)


def test_same_seed_same_vertices_other_seed_others(shapes) -> None:
    again = geometry(design(2), 2)
    assert np.array_equal(again.body.vertices, shapes[2].body.vertices)
    assert np.array_equal(again.face.vertices, shapes[2].face.vertices)
    assert len(shapes[3].body.vertices) != len(shapes[2].body.vertices)


@pytest.mark.parametrize("seed", SEEDS)
def test_weights_sum_to_one(shapes, seed) -> None:
    for part in (shapes[seed].body, shapes[seed].face):
        assert np.isfinite(part.weights).all()
        assert part.weights.min() >= 0
        np.testing.assert_allclose(part.weights.sum(1), 1.0, atol=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_budget_and_place(shapes, seed) -> None:
    shape = shapes[seed]
    assert len(shape.body.vertices) + len(shape.face.vertices) <= 27_000
    points = shape.body.vertices
    assert abs(points[:, 2].min()) < 0.01, "stands on the floor"
    assert np.isfinite(points).all()
    height = shape.figure.proportions.height
    assert points[:, 2].max() == pytest.approx(height, abs=0.12 * height)
    # T-pose, facing −Y: the arms reach out, the face's pieces are in front.
    assert points[:, 0].max() == pytest.approx(-points[:, 0].min(), abs=0.02)
    assert points[:, 0].max() > 0.4 * height
    face = shape.face.vertices[: len(shape.face.vertices) // 2]
    assert face[:, 1].mean() < shape.figure.joints["Head"][1]


@pytest.mark.parametrize("seed", SEEDS)
def test_faces_name_vertices_that_exist(shapes, seed) -> None:
    for part in (shapes[seed].body, shapes[seed].face):
        assert part.faces[:, :3].min() >= 0
        assert part.faces.max() < len(part.vertices)


def test_expressions_move_only_their_own_side(shapes) -> None:
    shape = shapes[0]
    rest = shape.face.vertices
    moved = np.linalg.norm(shape.expressions["eyeBlinkLeft"] - rest, axis=1) > 1e-4
    assert moved.any()
    assert (rest[moved, 0] > 0).all(), "the left eye is at +X"
    jaw = np.linalg.norm(shape.expressions["jawOpen"] - rest, axis=1) > 1e-4
    eyes = shape.figure.joints["LeftEye"][2]
    assert jaw.any()
    assert (rest[jaw, 2] < eyes).all()


def test_hands_follow_the_hands_bones(shapes) -> None:
    shape = shapes[0]
    wrist = shape.figure.joints["LeftHand"][0]
    hand = shape.body.vertices[:, 0] > wrist + 0.05
    columns = [i for i, name in enumerate(skeleton.BONES) if name.startswith("LeftHand")]
    assert hand.sum() > 500
    assert (shape.body.weights[hand][:, columns].sum(1) > 0.9).all()


def test_surface_of_a_ball_is_round_and_closed() -> None:
    tube = fields.ball("x", np.array([0.0, 0.0, 0.5]), (0.1, 0.1), 0.01)
    vertices, faces = fields.surface([tube], 0.02)
    radius = np.linalg.norm(vertices - (0, 0, 0.5), axis=1)
    np.testing.assert_allclose(radius, 0.1, atol=0.003)
    triangles = mesh.triangles(faces)
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    volume = np.einsum("ij,ij->", a, np.cross(b, c)) / 6
    assert volume == pytest.approx(4 / 3 * np.pi * 0.1**3, rel=0.05)


def test_clip_cuts_along_the_line() -> None:
    x, y = np.meshgrid(np.linspace(0, 1, 6), np.linspace(0, 1, 6))
    grid = np.stack([x, y, 0 * x], axis=-1)
    vertices, faces = mesh.clip(mesh.loft(grid, wrap=False), grid.reshape(-1, 3)[:, 0] - 0.37)
    assert vertices[:, 0].min() == pytest.approx(0.37)
    corners = vertices[mesh.triangles(faces)]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1).sum() / 2
    assert area == pytest.approx(0.63)


def test_monotone_cubic_passes_through_and_does_not_overshoot() -> None:
    x, y = np.array([0.0, 1, 2, 3, 4]), np.array([0.0, 0, 1, 1, 0.2])
    fine = fields.monotone_cubic(x, y, np.linspace(0, 4, 401))
    np.testing.assert_allclose(fields.monotone_cubic(x, y, x), y, atol=1e-12)
    assert fine.min() >= 0
    assert fine.max() <= 1


def test_right_side_mirrors_left() -> None:
    p = body.random_proportions(np.random.default_rng(5), True)
    j = body.joints(p)
    parts = body.tubes(p, j)
    points = np.random.default_rng(1).uniform((-0.5, -0.1, 0.1), (0.5, 0.1, 1.3), (200, 3))
    here = body.skin_weights(points, parts, j, skeleton.BONES)
    there = body.skin_weights(points * (-1, 1, 1), parts, j, skeleton.BONES)
    swap = [skeleton.BONES.index(b.replace("Left", "#").replace("Right", "Left").replace("#", "Right")) for b in skeleton.BONES]
    np.testing.assert_allclose(here, there[:, swap], atol=1e-9)


@pytest.mark.parametrize("colour", ["FFFFFF", "808080", "E0433F", "2C3E6B", "F2CF74"])
def test_shade_is_darker(colour) -> None:
    pair = palette.Colour.of(colour)
    assert pair.shade.sum() < pair.base.sum()


def test_shade_of_white_is_cool() -> None:
    shade = palette.shade_of(palette.parse("FFFFFF"))
    assert shade[2] > shade[0]
