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
from ningyo.synth_data.characters.builtin.tailor import DATASET, FULL
from ningyo.synth_data.characters.builtin.wardrobe import CHOICES


def first_seeds() -> dict[str, int]:
    """For every outfit the first seed that wears it."""
    found: dict[str, int] = {}
    for seed in range(400):
        found.setdefault(design(seed).clothes.outfit, seed)
    return found


SEEDS = tuple(sorted(first_seeds().values()))


@pytest.fixture(scope="module")
def shapes():
    return {seed: geometry(design(seed), seed, DATASET) for seed in SEEDS}


def test_every_outfit_is_worn_and_has_colours() -> None:
    assert set(first_seeds()) == set(OUTFITS) == set(CHOICES) == set(palette.SCHEMES)
    assert len(OUTFITS) >= 8


def test_same_seed_same_vertices_other_seed_others(shapes) -> None:
    first, second = SEEDS[:2]
    again = geometry(design(first), first, DATASET)
    assert np.array_equal(again.body.vertices, shapes[first].body.vertices)
    assert np.array_equal(again.face.vertices, shapes[first].face.vertices)
    assert len(shapes[second].body.vertices) != len(shapes[first].body.vertices)


@pytest.mark.parametrize("seed", SEEDS)
def test_weights_sum_to_one(shapes, seed) -> None:
    for part in (shapes[seed].body, shapes[seed].face):
        assert np.isfinite(part.weights).all()
        assert part.weights.min() >= 0
        np.testing.assert_allclose(part.weights.sum(1), 1.0, atol=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_budget_and_place(shapes, seed) -> None:
    shape = shapes[seed]
    assert shape.evaluated <= 25_000
    points = shape.body.vertices
    assert abs(points[:, 2].min()) < 0.01, "stands on the floor"
    assert np.isfinite(points).all()
    height = shape.figure.proportions.height
    assert points[:, 2].max() == pytest.approx(height, abs=0.15 * height)
    # T-pose, facing −Y: the arms reach out, the face's pieces are in front.
    assert points[:, 0].max() == pytest.approx(-points[:, 0].min(), abs=0.03)
    assert points[:, 0].max() > 0.4 * height
    face = shape.face.vertices[: len(shape.face.vertices) // 2]
    assert face[:, 1].mean() < shape.figure.joints["Head"][1]


@pytest.mark.parametrize("seed", SEEDS)
def test_faces_name_vertices_that_exist(shapes, seed) -> None:
    for part in (shapes[seed].body, shapes[seed].face):
        assert part.faces[:, :3].min() >= 0
        assert part.faces.max() < len(part.vertices)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_face_of_the_body_has_no_area(shapes, seed) -> None:
    part = shapes[seed].body
    quads = part.faces[part.faces[:, 3] >= 0]
    corners = [part.vertices[f] for f in (part.faces[part.faces[:, 3] < 0][:, :3], quads[:, :3], quads[:, [0, 2, 3]])]
    areas = [np.linalg.norm(np.cross(c[:, 1] - c[:, 0], c[:, 2] - c[:, 0]), axis=1) for c in corners]
    assert areas[0].min() > 0
    assert (areas[1] + areas[2]).min() > 0


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
    assert hand.sum() > 200
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


def area(vertices, faces) -> float:
    corners = vertices[mesh.triangles(faces)]
    return float(np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1).sum() / 2)


def square(count: int = 21):
    x, y = np.meshgrid(np.linspace(0, 1, count), np.linspace(0, 1, count))
    return mesh.loft(np.stack([x, y, 0 * x], axis=-1), wrap=False)


def test_clip_cuts_along_the_line() -> None:
    whole = square(6)
    vertices, faces = mesh.clip(whole, whole[0][:, 0] - 0.37)
    assert vertices[:, 0].min() == pytest.approx(0.37)
    assert area(vertices, faces) == pytest.approx(0.63)


@pytest.mark.parametrize("angle", np.radians([0, 17, 45, 90, 133, 200]))
def test_split_follows_a_line_exactly_and_leaves_no_hole(angle) -> None:
    def value(points):
        return (points[:, 0] - 0.47) * np.cos(angle) + (points[:, 1] - 0.52) * np.sin(angle)

    whole = square()
    (vertices, faces), source, inside = mesh.split(whole, value(whole[0]))
    assert area(vertices, faces) == pytest.approx(1.0)
    for side, sign in ((faces[inside], 1), (faces[~inside], -1)):
        assert (sign * value(vertices[side[side >= 0]]) > -1e-9).all()
    # Where faces are cut on one side of a line only, the mesh stays whole.
    again, _, _ = mesh.split((vertices, faces), vertices[:, 0] - 0.31, active=inside, zone=inside.astype(int))
    assert area(*again) == pytest.approx(1.0)
    edges, _ = mesh.open_edges(again[1], len(again[0]))
    ends = again[0][edges]
    on_rim = (np.isclose(ends[..., :2], 0) | np.isclose(ends[..., :2], 1)).any(-1)
    assert on_rim.all(), "only the square's own rim is open"
    assert source.max() < len(whole[1])


def test_painted_faces_keep_their_colour_to_the_edge() -> None:
    red, white = palette.Colour.of("E0433F"), palette.Colour.of("FFFFFF")
    part = mesh.painted(square(3), white, np.ones(1))
    part.paint(np.array([True, False, False, False]), red)
    base, _ = mesh.join([part, mesh.painted(square(3), white, np.ones(2) / 2)]).corner_colours()
    np.testing.assert_allclose(base[:4], np.tile(red.base, (4, 1)))
    np.testing.assert_allclose(base[4:], np.tile(white.base, (len(base) - 4, 1)))


def test_grid_may_be_coarser_along_an_axis() -> None:
    tube = fields.tube("x", (0, 0, 0), (0, 0, 1.0), [0, 1], [0.1, 0.1])
    fine = fields.surface([tube], 0.02)
    coarse = fields.surface([tube], 0.02, stretch=(None, None, lambda z: np.full_like(z, 2.0)))
    assert len(coarse[0]) < 0.65 * len(fine[0])
    around = coarse[0][np.abs(coarse[0][:, 2] - 0.5) < 0.3]
    np.testing.assert_allclose(np.hypot(around[:, 0], around[:, 1]), 0.1, atol=0.002)


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


def test_palettes_change_colours_and_nothing_else() -> None:
    for seed in SEEDS[1:3]:
        own = design(seed)
        shapes = [geometry(design(seed, number), seed, DATASET) for number in (0, 1, 2)]
        for number, shape in enumerate(shapes[1:], 1):
            other = design(seed, number)
            assert np.array_equal(shape.body.vertices, shapes[0].body.vertices)
            assert np.array_equal(shape.body.faces, shapes[0].body.faces)
            assert np.array_equal(shape.body.weights, shapes[0].body.weights)
            assert np.array_equal(shape.face.vertices, shapes[0].face.vertices)
            assert (other.skin, other.proportions, other.clothes) == (own.skin, own.proportions, own.clothes)
        colours = [design(seed, number).colours for number in range(4)]
        assert len({c.scheme for c in colours}) == 4
        assert all(c.hair_number != own.colours.hair_number for c in colours[1:])


def test_both_details_are_one_person() -> None:
    for seed in SEEDS[4::9]:
        full, few = (geometry(design(seed), seed, detail) for detail in (FULL, DATASET))
        assert [bone.name for bone in full.figure.extra] == [bone.name for bone in few.figure.extra]
        for one, other in zip(full.figure.extra, few.figure.extra, strict=True):
            np.testing.assert_allclose(one.head, other.head, atol=1e-6)
        for axis in range(3):
            assert full.body.vertices[:, axis].max() == pytest.approx(few.body.vertices[:, axis].max(), abs=0.02)
            assert full.body.vertices[:, axis].min() == pytest.approx(few.body.vertices[:, axis].min(), abs=0.02)
        assert len(few.body.vertices) < 0.75 * len(full.body.vertices)


def test_proportions_run_from_five_to_eight_heads() -> None:
    rng = np.random.default_rng(0)
    drawn = [body.random_proportions(rng, bool(i % 2)) for i in range(600)]
    heads = np.array([p.heads for p in drawn])
    assert 5.0 <= heads.min() < 5.4
    assert 7.5 < heads.max() <= 8.0
    heights = np.array([p.height for p in drawn])
    assert np.corrcoef(heads, heights)[0, 1] > 0.7, "children are small"
    assert all(p.bust == 0 for p in drawn if p.heads < 5.8 or not p.female)


@pytest.mark.parametrize("seed", SEEDS)
def test_texture_coordinates_lie_in_the_half_that_a_face_looks_to(shapes, seed) -> None:
    shape = shapes[seed]
    for part in (shape.body, shape.face):
        uv = shape.uv(part)
        assert uv.min() >= 0
        assert uv.max() <= 1
        corners = (part.faces >= 0).sum(1)
        start = np.concatenate([[0], np.cumsum(corners)[:-1]])
        behind = uv[:, 0] > 0.5
        first = behind[start]
        assert (np.repeat(first, corners) == behind).all(), "no face runs from one half to the other"
        assert 0.1 < first.mean() < 0.9 or part is shape.face


@pytest.mark.parametrize("seed", SEEDS)
def test_what_hangs_has_bones_and_follows_the_legs(shapes, seed) -> None:
    shape = shapes[seed]
    columns = {name: i for i, name in enumerate(shape.figure.bones)}
    hanging = [bone for bone in shape.figure.extra if bone.name.split("_")[0] in ("skirt", "coat")]
    for bone in hanging:
        assert shape.body.weights[:, columns[bone.name]].max() > 0.2, bone.name
        if bone.name.endswith("_1"):
            assert bone.parent == ("LeftUpLeg" if bone.head[0] > 0 else "RightUpLeg")
    if hanging:
        assert len({bone.name.rsplit("_", 1)[0] for bone in hanging}) in (8, 16)


def test_legs_do_not_pull_at_each_other_below_the_crotch(shapes) -> None:
    trousers = next(s for s in SEEDS if design(s).clothes.bottom in ("straight", "slim"))
    shape = shapes[trousers]
    low = shape.body.vertices[:, 2] < shape.figure.joints["LeftLeg"][2]
    index = shape.figure.bones.index
    left, right = shape.body.weights[low][:, index("LeftLeg")], shape.body.weights[low][:, index("RightLeg")]
    assert np.minimum(left, right).max() < 1e-6


@pytest.mark.slow
def test_budget_over_many_seeds() -> None:
    worst = max((geometry(design(seed), seed, DATASET).evaluated, seed) for seed in range(400))
    assert worst[0] <= 25_000, worst
