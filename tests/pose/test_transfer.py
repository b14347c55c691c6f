# SPDX-License-Identifier: GPL-3.0-or-later
"""Placing people in front of their camera, and the ankle-and-height normalisation, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from ningyo.errors import UserError
from ningyo.synth_data.pose.framing import project
from ningyo.synth_data.pose.landmarks import BODY_25, BODY_25_FROM_MEDIAPIPE, MEDIAPIPE_33, from_mediapipe
from ningyo.synth_data.pose.placing import HEIGHT_M, body_height, camera_for, on_rays, placed
from ningyo.synth_data.pose.track import PoseTrack
from ningyo.synth_data.pose.transfer import FilmedTarget, Ground, Spot, driven, ground_of, narrowed, normalised, transferred

K = camera_for((640, 480), 600.0)
VIDEO = {
    "name": "v",
    "path": "v",
    "sha256": "0" * 64,
    "width": 640,
    "height": 480,
    "fps": 25.0,
    "frame_count": 40,
    "duration": 1.6,
    "has_audio": False,
}
NECK, HIPS, NOSE = BODY_25.index("neck"), BODY_25.index("mid_hip"), BODY_25.index("nose")
ANKLES = [BODY_25.index("left_ankle"), BODY_25.index("right_ankle")]


def flat_person(ankle: np.ndarray, height: np.ndarray, depth: np.ndarray, x: float = 320.0) -> np.ndarray:
    """(F, 137, 3): ankles at `ankle` px, the nose `height` px above them, hips and neck between, all at one depth."""
    pixels = np.full((len(ankle), 137, 2), np.nan)
    for point, share in ((ANKLES[0], 0), (ANKLES[1], 0), (HIPS, 0.5), (NECK, 0.9), (NOSE, 1)):
        pixels[:, point] = np.stack([np.full(len(ankle), x), ankle - share * height], -1)
    return on_rays(pixels, np.broadcast_to(depth[:, None], pixels.shape[:2]), K)


def walking(close: float = 400, far: float = 300) -> np.ndarray:
    """Someone who walks from far (100 px tall, 6 m) to close (200 px tall, 3 m)."""
    share = np.linspace(0, 1, 41)
    height = 100 + 100 * share
    return flat_person(far + share * (close - far), height, 600 / height)


def spots(close: tuple[float, float, float], far: tuple[float, float, float], x: float = 100.0) -> Ground:
    return Ground((Spot(*close), Spot(*far)), x, 200.0, 40.0, 4.0)


def both(source: Ground, goal: Ground) -> tuple[tuple[Spot, Spot], tuple[Spot, Spot]]:
    assert source.spots is not None
    assert goal.spots is not None
    return source.spots, goal.spots


def test_the_formula() -> None:
    source = spots((400, 200, 3), (300, 100, 6))
    goal = spots((260, 120, 2), (220, 80, 4))
    scale, place, share = normalised(np.array([300.0, 400.0, 325.0]), *both(source, goal))
    # 80/100 far, 120/200 close; a quarter of the way: 0.8 + 0.25·(0.6 − 0.8) = 0.75 and 220 + 0.25·40 = 230.
    assert np.allclose(scale, [0.8, 0.6, 0.75])
    assert np.allclose(place, [220, 260, 230])
    assert np.allclose(share, [0, 1, 0.25])


def test_who_leaves_the_floor_keeps_the_distance_scaled() -> None:
    source, goal = spots((400, 200, 3), (300, 100, 6)), spots((260, 120, 2), (220, 80, 4))
    scale, place, _ = normalised(np.array([280.0]), *both(source, goal))
    assert np.allclose(scale, 0.8)
    assert np.allclose(place, 220 - 0.8 * 20)


@pytest.mark.parametrize("moves", ["source", "target"])
def test_who_stays_at_one_distance(moves: str) -> None:
    there, range_ = spots((300, 100, 5), (300, 100, 5)), spots((400, 200, 3), (300, 100, 6))
    source, goal = (range_, there) if moves == "source" else (there, range_)
    scale, place, share = normalised(np.array([300.0, 290.0, 350.0]), *both(source, goal))
    assert np.isfinite([*scale, *place, *share]).all()
    if moves == "target":
        assert np.allclose(share, 0.5)
        assert np.allclose(scale, (100 / 100 + 200 / 100) / 2)
        assert np.allclose(place, [350, 350 - 15, 350 + 75])
    else:
        assert np.allclose(scale, [1, 1, 0.75])
        assert np.allclose(place, [300, 290, 300])


def test_the_ground_is_where_people_stand_and_not_where_they_jump() -> None:
    points = np.concatenate([walking(), flat_person(np.array([215.0]), np.array([150.0]), np.array([4.0]))])
    ground = ground_of(points, K)
    assert ground.spots is not None
    close, far = ground.spots
    assert (close.ankle, close.height, close.depth) == pytest.approx((400, 200, 3), rel=0.05)
    assert 300 <= far.ankle < 312
    assert 100 <= far.height < 115
    assert 5 < far.depth <= 6


def test_people_become_as_large_and_stand_where_the_target_would() -> None:
    source = walking()
    target = FilmedTarget((320, 240), 300.0, 1.2, spots((200, 90, 4), (180, 60, 6), x=160.0))
    points = transferred(source, K, target)
    pixels = project(points, target.camera)
    assert np.allclose(pixels[-1, ANKLES[0]], (160, 200), atol=1e-6)
    assert pixels[-1, ANKLES[0], 1] - pixels[-1, NOSE, 1] == pytest.approx(90)
    assert points[-1, HIPS, 2] == pytest.approx(4)
    assert pixels[0, ANKLES[0], 1] == pytest.approx(180, abs=4)
    assert points[0, HIPS, 2] == pytest.approx(6, rel=0.05)


def test_depths_scale_with_the_person() -> None:
    source = walking()
    deep = source.copy()
    deep[:, NOSE, 2] -= 0.3
    deep[:, NOSE] = on_rays(project(source[:, NOSE][:, None], K)[:, 0], deep[:, NOSE, 2], K)  # nearer, at the same pixel
    target = FilmedTarget((640, 480), 600.0, 0.85, spots((400, 100, 3), (300, 50, 6), x=320.0))  # half as tall at the same places
    relative = transferred(deep, K, target)[..., 2] - transferred(source, K, target)[..., 2]
    assert np.allclose(relative[-1, NOSE], -0.15, atol=0.01)
    assert np.allclose(relative[-1, HIPS], 0)


def test_without_feet_the_torso_decides() -> None:
    source = walking()
    source[:, ANKLES] = np.nan
    target = FilmedTarget((640, 480), 600.0, 1.7, spots((400, 100, 3), (300, 50, 6)))
    points = transferred(source, K, target)
    torso = project(points, target.camera)[:, HIPS, 1] - project(points, target.camera)[:, NECK, 1]
    assert np.median(torso) == pytest.approx(40)
    assert np.isfinite(points[:, [NOSE, NECK, HIPS]]).all()
    ground = ground_of(source, K)
    assert ground.spots is None
    with pytest.raises(UserError, match="hips"):
        ground_of(np.full((3, 137, 3), np.nan), K)


def test_ground_and_target_survive_their_file() -> None:
    for ground in (spots((400, 200, 3), (300, 100, 6)), Ground(None, 1, 2, 3, 4)):
        target = FilmedTarget((640, 480), 600.0, 1.5, ground)
        assert FilmedTarget.from_json(target.to_json(), "x") == target


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("size",), [640]),
        (("size",), [0, 480]),
        (("size",), [640, 10**9]),
        (("focal_px",), float("nan")),
        (("focal_px",), None),
        (("height",), "1.7"),
        (("height",), True),
        (("height",), -1.7),
        (("middle",), 1),
        (("ground",), []),
        (("ground", "torso"), 0),
        (("ground", "depth"), 0.0),
        (("ground", "x"), float("inf")),
        (("ground", "spots"), [{"ankle": 1, "height": 1, "depth": 1}]),
        (("ground", "spots", 0), {"ankle": 1, "height": 1}),
        (("ground", "spots", 1, "height"), "tall"),
        (("ground", "spots", 1, "depth"), 0),
    ],
)
def test_what_is_no_target_is_refused_in_a_sentence(place: tuple, value: object) -> None:
    data = FilmedTarget((640, 480), 600.0, 1.5, spots((400, 200, 3), (300, 100, 6))).to_json()
    inner = data
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    with pytest.raises(UserError, match="x does not say how its person was filmed"):
        FilmedTarget.from_json(data, "x")
    with pytest.raises(UserError, match="x does not say"):
        FilmedTarget.from_json("filmed", "x")


def test_who_hardly_moves_stays_about_the_middle_of_the_targets_floor() -> None:
    source, goal = spots((310, 100, 3), (290, 100, 3)), spots((400, 200, 3), (200, 100, 6))
    near, far = narrowed(*both(source, goal))
    # 20 px at a height of 100 are 30 at one of 150: from 285 to 315 about 300, which are shares of 0.425 and 0.575.
    assert (near.ankle, far.ankle) == pytest.approx((315, 285))
    assert (near.height, far.height) == pytest.approx((157.5, 142.5))
    assert 1 / near.depth == pytest.approx(1 / 6 + 0.575 / 6)
    whole = both(source, goal)[1]
    assert narrowed(whole, whole) == whole
    points = transferred(
        flat_person(np.array([310.0, 290.0] * 20), np.full(40, 100.0), np.full(40, 6.0)), K, FilmedTarget((640, 480), 600.0, 1.7, goal)
    )
    pixels = project(points, K)[:, ANKLES[0], 1]
    assert np.ptp(pixels) == pytest.approx(30, abs=0.5)
    assert pixels.mean() == pytest.approx(300, abs=0.5)


def track_of(distance: np.ndarray, *, solid: bool = True) -> tuple[PoseTrack, np.ndarray]:
    """A track of a stiff body at these distances (F,), through K, and its points (F, 33, 3)."""
    frames = len(distance)
    track = PoseTrack.unseen(1, np.arange(frames) / 25, np.arange(frames), VIDEO, {})
    rng = np.random.default_rng(2)
    body = rng.uniform((-0.4, -0.9, -0.2), (0.4, 0.9, 0.2), (33, 3))
    for name, y in (("shoulder", -0.45), ("hip", 0.0), ("knee", 0.42), ("ankle", 0.82)):
        for side, x in (("left", 0.12), ("right", -0.12)):
            body[MEDIAPIPE_33.index(f"{side}_{name}")] = x, y, 0
    body[MEDIAPIPE_33.index("nose")] = 0, -0.65, 0
    points = body + np.stack([0 * distance, 0 * distance, distance], -1)[:, None]
    track.body_image[0, ..., :2] = project(points, K)
    track.body_image[0, ..., 2] = body[:, 2] * 600 / distance[:, None]
    if solid:
        track.body_world[0] = body
    track.body_visibility[0] = 1
    return track, points


def test_a_body_is_placed_where_it_was() -> None:
    track, points = track_of(np.full(40, 3.5))
    want, _ = from_mediapipe(points, np.ones((40, 33)), BODY_25_FROM_MEDIAPIPE)
    found = placed(track, 0, K)
    assert np.allclose(found[:, :25], want, atol=2e-2)
    assert np.allclose(project(found[:, :25], K), project(want, K), atol=1e-3)  # exactly onto the picture
    assert np.isnan(found[:, 25:]).all()
    assert body_height(found) == pytest.approx((0.82 + 0.45 + 0.2) / 0.89, rel=0.02)


def test_unseen_frames_stay_unknown_and_hands_follow_the_wrist() -> None:
    track, _ = track_of(np.linspace(3, 4, 40))
    track.body_image[0, 10:15], track.body_world[0, 10:15] = np.nan, np.nan
    wrist = track.body_image[0, :, MEDIAPIPE_33.index("left_wrist")]
    track.hand_image[0, :, 0] = wrist[:, None] + np.arange(21)[:, None] * np.array([1.0, 0, -1.0])
    track.hand_image[0, :, 0, :, 2] -= wrist[:, None, 2] * 2  # its own zero
    track.hand_score[0, :, 0] = 1
    found = placed(track, 0, K)
    assert np.isnan(found[10:15]).all()
    assert np.isfinite(found[:10, :25]).all()
    assert np.allclose(found[:10, 95], found[:10, BODY_25.index("left_wrist")], atol=1e-3)
    assert (np.diff(found[:10, 95:116, 2], axis=1) < 0).all()
    track.hand_score[0, :, 0] = 0.1
    assert np.isnan(placed(track, 0, K)[:, 95:]).all()


def test_a_track_without_depth_stands_on_a_plane() -> None:
    track, points = track_of(np.full(40, 3.5), solid=False)
    found = placed(track, 0, K)
    assert np.ptp(found[:, :25, 2]) < 1e-9
    assert np.allclose(project(found[:, :25], K), project(from_mediapipe(points, np.ones((40, 33)), BODY_25_FROM_MEDIAPIPE)[0], K))
    tall = np.ptp(found[0, :25, 1])
    assert tall == pytest.approx(0.95 * HEIGHT_M, rel=0.02)


def test_a_track_drives_a_filmed_target() -> None:
    track, _ = track_of(np.linspace(3, 4, 40))
    target = FilmedTarget((320, 240), 400.0, 1.7, spots((200, 100, 4), (180, 80, 5), x=160.0))
    points = driven(track, 0, target)
    assert points.shape == (40, 137, 3)
    pixels = project(points, target.camera)
    assert ((pixels[:, ANKLES, 1] > 175) & (pixels[:, ANKLES, 1] < 205)).all()
