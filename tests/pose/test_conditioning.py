# SPDX-License-Identifier: GPL-3.0-or-later
"""The rasteriser: exact capsules, nearest in front, front and back and left and right told apart, nothing broken by what is unknown."""

from __future__ import annotations

import numpy as np
import pytest
from ningyo.synth_data.pose import conditioning
from ningyo.synth_data.pose.conditioning import CHANNELS, PACKED, PARTS, draw_conditioning, draw_packed, expand
from ningyo.synth_data.pose.landmarks import BODY_25

SIZE, HEIGHT = 96, 1.7
AWAY = np.array([0, 0, 4.0])
K = np.array([[170.0, 0, 48], [0, 170, 48], [0, 0, 1]])
POINT = {name: i for i, name in enumerate(BODY_25)}


def figure() -> np.ndarray:
    """(137, 3): someone upright 4 m in front of the camera, facing it, arms a little away; camera space."""
    places = {
        "nose": (0, -0.62, -0.1),
        "neck": (0, -0.45, 0),
        "mid_hip": (0, 0.05, 0),
        "left_shoulder": (0.17, -0.42, 0),
        "left_elbow": (0.35, -0.2, 0),
        "left_wrist": (0.48, 0.02, 0),
        "left_hip": (0.09, 0.06, 0),
        "left_knee": (0.1, 0.46, 0),
        "left_ankle": (0.1, 0.85, 0.02),
        "left_eye": (0.03, -0.65, -0.08),
        "left_ear": (0.08, -0.63, 0),
        "left_big_toe": (0.11, 0.92, -0.16),
        "left_small_toe": (0.15, 0.92, -0.14),
        "left_heel": (0.1, 0.92, 0.05),
    }
    points = np.full((137, 3), np.nan)
    for name, (x, y, z) in places.items():
        points[POINT[name]] = x, y, z
        if name.startswith("left_"):
            points[POINT[name.replace("left", "right")]] = -x, y, z
    for hand, sign in ((95, 1), (116, -1)):
        points[hand] = sign * 0.48, 0.02, 0
        for finger in range(5):
            for joint in range(4):
                points[hand + 1 + 4 * finger + joint] = sign * (0.5 + 0.01 * joint), 0.09 + 0.02 * joint, -0.04 + 0.02 * finger
    for side, sign in ((0, -1), (1, 1)):
        points[25 + 68 + side] = sign * 0.03, -0.65, -0.1
        for i in range(6):
            points[25 + 36 + 6 * side + i] = sign * (0.02 + 0.004 * i), -0.65, -0.1
    for i in range(20):
        points[25 + 48 + i] = 0.002 * (i - 9.5), -0.57, -0.1
    return points + AWAY


def mirrored(points: np.ndarray) -> np.ndarray:
    """Reflected in the camera's x, left and right exchanged, so that it is again a figure with the right names."""
    out = points.copy()
    for i, name in enumerate(BODY_25):
        out[i] = points[POINT[name.replace("left", "?").replace("right", "left").replace("?", "right")]]
    out[95:116], out[116:137] = points[116:137], points[95:116]
    out[25 + 36 : 25 + 42], out[25 + 42 : 25 + 48] = points[25 + 42 : 25 + 48], points[25 + 36 : 25 + 42]
    out[[25 + 68, 25 + 69]] = points[[25 + 69, 25 + 68]]
    return out * [-1, 1, 1]


def turned(points: np.ndarray, yaw: float) -> np.ndarray:
    c, s = np.cos(yaw), np.sin(yaw)
    return (points - AWAY) @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T + AWAY


def draw(points: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip(CHANNELS, draw_conditioning(points, K, SIZE, HEIGHT), strict=True))


def part_at(channels: dict[str, np.ndarray], point: np.ndarray) -> str | None:
    x, y = (K[:2, :2] @ point[:2] / point[2] + K[:2, 2]).astype(int)
    return next((part for part in PARTS if channels[part][y, x]), None)


def test_shape_range_and_parts() -> None:
    picture = draw_conditioning(figure(), K, SIZE, HEIGHT)
    assert picture.shape == (len(CHANNELS), SIZE, SIZE)
    assert picture.dtype == np.float32
    assert np.abs(picture).max() <= 1
    channels = draw(figure())
    assert all(channels[part].any() == (part != "secondary") for part in PARTS)  # nothing swings here
    covered = sum(channels[part] for part in PARTS)
    assert set(np.unique(covered)) == {0, 1}  # one part a pixel
    assert not np.abs(picture[: CHANNELS.index("head_left"), covered == 0]).any()
    assert part_at(channels, (figure()[POINT["left_knee"]] + figure()[POINT["left_ankle"]]) / 2) == "left_shin"
    assert part_at(channels, (figure()[POINT["right_shoulder"]] + figure()[POINT["right_elbow"]]) / 2) == "right_upper_arm"


def test_what_swings_is_drawn_by_depth_and_each_bone_is_told_from_the_others() -> None:
    points, there = figure(), {name: figure()[POINT[name]] for name in ("left_knee", "right_knee")}
    towards, away = np.array([0, 0, -0.3]), np.array([0, 0, 0.3])
    low = np.array([0, 0.1, 0])
    left, right = there["left_knee"], there["right_knee"]
    before = draw(np.concatenate([points, [left + towards, left + towards + low, right + towards, right + towards + low]]))
    behind = draw(np.concatenate([points, [left + away, left + away + low, right + away, right + away + low]]))
    middles = [place + towards + low / 2 for place in (left, right)]
    assert [part_at(before, middle) for middle in middles] == ["secondary", "secondary"]
    assert part_at(behind, left) != "secondary"
    x, y = np.array([(K[:2, :2] @ middle[:2] / middle[2] + K[:2, 2]).astype(int) for middle in middles]).T
    assert np.abs(before["along"][y, x] - [0.25, 0.75]).max() < 0.1
    unknown = draw(np.concatenate([points, np.full((4, 3), np.nan)]))
    assert all(np.array_equal(a, b) for a, b in zip(unknown.values(), draw(points).values(), strict=True))


def test_packed_and_channels_agree_for_any_picture_shape() -> None:
    packed = draw_packed(figure(), K, (SIZE, 64), HEIGHT)
    assert packed.shape == (64, SIZE, PACKED)
    assert packed.dtype == np.uint8
    assert expand(packed).shape == (len(CHANNELS), 64, SIZE)
    # A smaller window on the same picture is the same picture.
    assert np.array_equal(packed, draw_packed(figure(), K, SIZE, HEIGHT)[:64])


def test_a_capsule_is_where_geometry_says() -> None:
    # Seen head on, a forearm along the view is a disc of its own radius; its nearest point is a radius in front of the elbow.
    points = np.full((137, 3), np.nan)
    points[POINT["left_elbow"]] = 0, 0, 2
    points[POINT["left_wrist"]] = 0, 0, 2.2
    channels = draw(points)
    area = channels["left_forearm"].sum()
    radius = 0.021 * HEIGHT
    assert area == pytest.approx(np.pi * (170 * radius / np.sqrt(4 - radius**2)) ** 2, rel=0.15)
    assert channels["normal_z"][48, 48] == pytest.approx(-1, abs=0.05)
    assert channels["along"][48, 48] == pytest.approx(0, abs=0.05)


def test_normals_are_unit_and_look_at_the_camera() -> None:
    channels = draw(figure())
    inside = sum(channels[part] for part in PARTS) > 0
    for frame in (("normal_x", "normal_y", "normal_z"), ("local_left", "local_up", "local_forward")):
        length = np.sqrt(sum(channels[name][inside] ** 2 for name in frame))
        assert np.abs(length - 1).max() < 0.03
    assert channels["normal_z"][inside].mean() < -0.5
    assert (channels["normal_z"][inside] < 0.3).all()


def test_the_nearer_limb_wins_whatever_the_order() -> None:
    for wrist, other in (("left_wrist", "right_forearm"), ("right_wrist", "left_forearm")):
        points = figure()
        side = wrist.split("_")[0]
        points[95:] = np.nan
        points[POINT[f"{side}_elbow"]] = [-0.2 if side == "left" else 0.2, -0.2, 3.5]
        points[POINT[wrist]] = [-0.5 if side == "left" else 0.5, 0.0, 3.5]
        away = points.copy()
        away[[POINT[f"{side}_elbow"], POINT[wrist]], 2] = 4.5
        near_picture, far_picture = draw(points), draw(away)
        assert near_picture[f"{side}_forearm"].sum() > 0
        assert near_picture[other].sum() < far_picture[other].sum()
        spot = near_picture[f"{side}_forearm"] > 0
        assert near_picture["depth"][spot].mean() > 0.5 > 0 > far_picture["depth"][far_picture[f"{side}_forearm"] > 0].mean()


def test_front_and_back_differ_where_the_silhouette_does_not() -> None:
    front, back = draw(figure()), draw(turned(figure(), np.pi))
    for part in ("chest", "head"):
        assert front["local_forward"][front[part] > 0].mean() > 0.4
        assert back["local_forward"][back[part] > 0].mean() < -0.4
    assert front["eyes"].max() > 0.8
    assert front["mouth"].max() > 0.8
    assert not back["eyes"].any()
    assert not back["mouth"].any()


def test_left_and_right_differ() -> None:
    channels = draw(figure())
    columns = np.arange(SIZE)
    for part in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot"):
        left = (channels[f"left_{part}"].sum(0) * columns).sum() / channels[f"left_{part}"].sum()
        right = (channels[f"right_{part}"].sum(0) * columns).sum() / channels[f"right_{part}"].sum()
        assert left > 48 > right  # the left of who faces the camera is to the right in the picture


def test_mirroring_the_figure_mirrors_the_picture() -> None:
    points = turned(figure(), 0.5)
    points[POINT["left_wrist"]] += [0.1, -0.5, -0.2]
    points[95:116] += [0.1, -0.5, -0.2]
    one, other = draw(points), draw(mirrored(points))
    for name, channel in one.items():
        twin = name.replace("left_", "?").replace("right_", "left_").replace("?", "right_") if name in PARTS else name
        sign = -1 if name in ("normal_x", "local_left", "head_left") else 1
        assert np.abs(channel - sign * other[twin][:, ::-1]).mean() < 2e-3, name


def test_around_the_head_pixels_know_their_place_in_its_axes() -> None:
    front, back = draw(figure()), draw(turned(figure(), np.pi))
    halo = (np.abs(front["head_left"]) + np.abs(front["head_up"])) > 0
    skull = front["head"] > 0
    assert halo.sum() > 3 * skull.sum()
    x, y = (K[:2, :2] @ figure()[POINT["nose"], :2] / 4 + K[:2, 2]).astype(int)
    assert front["head_left"][y, x + 6] > 0.2 > -0.2 > front["head_left"][y, x - 6]  # its left is to the right when it faces us
    assert back["head_left"][y, x + 6] < -0.2
    assert front["head_up"][y - 8, x] > front["head_up"][y, x]
    side = draw(turned(figure(), np.pi / 2))
    assert np.abs(side["head_left"]).max() < 0.1 < np.abs(side["head_forward"]).max()


def test_turning_the_camera_roll_keeps_local_normals() -> None:
    quarter = (figure() - AWAY) @ np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]).T + AWAY
    upright, lying = draw(figure()), draw(quarter)
    for name in ("local_left", "local_up", "local_forward", "head_up", "depth", "chest", "left_shin"):
        assert np.abs(np.rot90(upright[name], -1) - lying[name]).mean() < 2e-2, name


def test_unknown_fingers_leave_a_hand_and_nothing_else_changes() -> None:
    points = figure()
    points[95:] = np.nan
    whole, without = draw(figure()), draw(points)
    for part in PARTS[:-1]:  # nothing swings
        if not part.endswith("hand"):
            overlap = np.minimum(whole[part], without[part]).sum() / np.maximum(whole[part], without[part]).sum()
            assert overlap > 0.85, part
        assert without[part].any(), part


@pytest.mark.parametrize("seed", range(30))
def test_any_points_may_be_unknown_behind_or_far_outside(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = figure()
    points[rng.random(137) < 0.5] = np.nan
    points[rng.random(137) < 0.1, 2] *= -1
    points[rng.random(137) < 0.1, 2] = 0
    points[rng.random(137) < 0.1] += 1e6
    with np.errstate(all="raise"):
        picture = draw_conditioning(points, K, SIZE, HEIGHT)
    assert np.isfinite(picture).all()


def test_nothing_known_draws_nothing() -> None:
    assert not draw_conditioning(np.full((137, 3), np.nan), K, SIZE, HEIGHT).any()


def test_pictures_scale_with_their_camera() -> None:
    double = np.diag([2.0, 2, 1]) @ K
    small, large = draw_conditioning(figure(), K, SIZE, HEIGHT), draw_conditioning(figure(), double, 2 * SIZE, HEIGHT)
    halved = large.reshape(len(CHANNELS), SIZE, 2, SIZE, 2).mean((2, 4))
    assert np.abs(halved - small).mean() < 0.02


@pytest.mark.parametrize("seed", range(5))
def test_no_pixel_that_a_capsule_covers_is_left_out(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # The same picture as when every pixel is tried with every capsule, also for what is near, outside or seen end on.
    points = figure() + np.random.default_rng(seed).normal(0, 0.15, (137, 3))
    points[:, 2] -= 0.8 * seed
    ours = draw_packed(points, K, (SIZE, 64), HEIGHT)

    def everything(c, K, width, height):
        ids, y, x = (index.ravel() for index in np.indices((len(c.part), height, width)))
        return ids, x, y

    monkeypatch.setattr(conditioning, "_candidates", everything)
    assert np.array_equal(ours, draw_packed(points, K, (SIZE, 64), HEIGHT))
