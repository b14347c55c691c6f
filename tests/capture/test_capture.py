# SPDX-License-Identifier: GPL-3.0-or-later
"""From a video to a pose track."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mediapipe")

from ningyo.errors import Cancelled, UserError
from ningyo.jobs.folder import sha256_of
from ningyo.jobs.progress import Reporter
from ningyo.synth_data.capture.ahead import ahead
from ningyo.synth_data.capture.capture import Settings, capture, capture_files, record_and_capture
from ningyo.synth_data.pose.landmarks import face_70
from ningyo.synth_data.pose.track import PoseTrack
from ningyo.synth_data.video.read import Frame, probe, read_frames


@pytest.fixture(scope="module")
def captured(actor: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[PoseTrack, Path, list[dict]]:
    """The sample's second to third second, with overlay and events."""
    folder = tmp_path_factory.mktemp("captured")
    events: list[dict] = []
    track = capture(
        [actor], folder / "track.npz", settings=Settings(start=1.0, end=3.0), overlay=folder / "overlay.mp4", report=Reporter(events.append)
    )
    return track, folder, events


def test_body_hands_and_face_are_found(captured):
    track, _, _ = captured
    assert (track.people, track.frames) == (1, 50)
    assert track.frame_index.tolist() == list(range(25, 75))
    assert track.time == pytest.approx(np.arange(25, 75) / 25, abs=1e-4)
    assert np.isfinite(track.body_image).all()
    assert track.body_visibility.mean() > 0.9
    assert (track.hand_score > 0).mean() > 0.9
    assert (track.face_score > 0.5).mean() > 0.9
    assert not track.bridged.any()
    seen = track.header["people"][0]["seen"]
    assert seen["body"] == 1
    assert seen["left_hand"] == pytest.approx((track.hand_score[0, :, 0] > 0).mean(), abs=1e-3)


def test_unseen_is_never_a_place(captured):
    track, _, _ = captured
    np.testing.assert_array_equal(np.isfinite(track.hand_image).all(axis=(3, 4)), track.hand_score > 0)
    np.testing.assert_array_equal(np.isnan(track.hand_world).all(axis=(3, 4)), track.hand_score == 0)
    np.testing.assert_array_equal(np.isfinite(track.face_image).all(axis=(2, 3)), track.face_score > 0)


def test_parts_belong_to_the_body(captured):
    track, _, _ = captured
    body = track.body_image[0, :, :, :2]
    tall = np.nanmedian(np.ptp(body[..., 1], axis=1))
    for side in (0, 1):  # left, right
        apart = np.linalg.norm(track.hand_image[0, :, side, 0, :2] - body[:, 15 + side], axis=1)
        assert np.nanmedian(apart) < 0.03 * tall
        # The fingers are on the far side of the wrist from the elbow.
        forearm = body[:, 15 + side] - body[:, 13 + side]
        hand = track.hand_image[0, :, side, 9, :2] - track.hand_image[0, :, side, 0, :2]
        assert np.nanmean(np.sum(forearm * hand, axis=1) > 0) > 0.9
    assert (body[:, 11, 0] > body[:, 12, 0]).all()  # faces the camera: its left is on the picture's right
    face = face_70(track.face_image[0, :, :, :2])
    assert np.nanmedian(np.linalg.norm(face[:, 30] - body[:, 0], axis=1)) < 0.03 * tall
    eyes = face[:, 36:42].mean(axis=1), face[:, 42:48].mean(axis=1)
    assert (eyes[0][:, 0] < eyes[1][:, 0]).all()  # right eye first
    assert (np.linalg.norm(face[:, 68] - eyes[0], axis=1) < 0.02 * tall).all()
    assert (face[:, 8, 1] > face[:, 57, 1]).all()  # chin under lips
    assert (face[:, 57, 1] > face[:, 33, 1]).all()  # lips under nose
    assert (face[:, 33, 1] > eyes[0][:, 1]).all()
    assert (face[:, 19, 1] < eyes[0][:, 1]).all()  # brow over eye
    assert (face[:, 0, 0] < face[:, 16, 0]).all()


def test_world_is_in_metres(captured):
    track, _, _ = captured
    world = track.body_world[0]
    np.testing.assert_allclose(world[:, [23, 24]].mean(axis=1), 0, atol=0.02)
    assert 0.3 < np.median(np.linalg.norm(world[:, 25] - world[:, 27], axis=1)) < 0.5  # left shin
    assert (world[:, 0, 1] < world[:, 27, 1]).all()  # y down
    hand = np.linalg.norm(track.hand_world[0, :, :, 12] - track.hand_world[0, :, :, 0], axis=-1)
    assert 0.1 < np.nanmedian(hand) < 0.25


def test_header_tells_of_video_and_settings(captured, actor):
    track, _, _ = captured
    info = probe(actor)
    assert track.video["sha256"] == sha256_of(actor)
    assert track.size == (info.width, info.height)
    assert track.fps == float(info.fps)
    assert track.video["has_audio"] == info.has_audio
    assert (track.header["capture"]["start"], track.header["capture"]["end"]) == (1.0, 3.0)


def test_events_and_files(captured):
    _, folder, events = captured
    steps = [event for event in events if event["type"] == "progress" and event["unit"] == "frames"]
    assert [event["note"] for event in steps] == ["bodies"] * 50 + ["a closer look, hands, faces"] * 50
    assert (np.diff([event["done"] for event in steps]) > 0).all()  # in frames done with
    assert steps[-1]["done"] == 50
    assert {event["total"] for event in steps} == {50}
    assert [event["kind"] for event in events if event["type"] == "artefact"] == ["pose track", "overlay"]
    assert sorted(path.name for path in folder.iterdir()) == ["overlay.mp4", "track.npz"]


def test_a_finished_track_is_kept(captured, actor, tmp_path):
    _, folder, _ = captured
    out = tmp_path / "track.npz"
    shutil.copy(folder / "track.npz", out)
    before = out.stat().st_mtime_ns
    events: list[dict] = []
    capture([actor], out, settings=Settings(start=1.0, end=3.0), report=Reporter(events.append))
    assert out.stat().st_mtime_ns == before
    assert "kept" in next(event["note"] for event in events if event["type"] == "progress")
    again = capture([actor], out, settings=Settings(start=1.0, end=1.2))  # other settings
    assert again.frames == 5
    assert capture([actor], out, settings=Settings(start=1.0, end=1.2)).frames == 5


def test_the_same_bytes_again(actor, tmp_path):
    for name in ("a.npz", "b.npz"):
        capture_files([actor], tmp_path / name, settings=Settings(end=0.4))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_short_loss_is_bridged_and_a_long_one_is_not(actor_frames, movie_of, tmp_path):
    blank = np.full_like(actor_frames[0], 120)
    short, long = 8, 20
    assert short / 25 < Settings().bridge < long / 25
    pictures = [*actor_frames[:8], *[blank] * short, *actor_frames[8:16], *[blank] * long, *actor_frames[16:24]]
    track = capture([movie_of("a.mp4", pictures)], tmp_path / "a.npz")
    seen = np.isfinite(track.body_image[0]).all(axis=(1, 2))
    assert track.bridged[0, 8:16].sum() >= short - 2  # the detector may hold on for a frame
    assert not track.bridged[0, :8].any()
    assert seen[:24].all()
    assert (track.body_visibility[0, track.bridged[0]] < 0.6).all()
    assert not track.bridged[0, 24:].any()
    assert not seen[27:44].any()
    assert not track.body_visibility[0, ~seen].any()


def test_a_small_person_is_found(actor_frames, movie_of, tmp_path):
    import cv2

    pictures = []
    for rgb in actor_frames[:12]:
        small = cv2.resize(rgb, (105, 120), interpolation=cv2.INTER_AREA)
        pictures.append(np.full((600, 960, 3), small[2, 2], np.uint8))
        pictures[-1][400:520, 700:805] = small
    track = capture([movie_of("a.mp4", pictures)], tmp_path / "a.npz")
    assert track.header["people"][0]["seen"]["body"] == 1
    nose = track.body_image[0, -1, 0, :2]
    assert 700 < nose[0] < 805
    assert 400 < nose[1] < 450
    assert not track.body_spread.any()  # too low in the picture to be looked at again


def test_several_videos(actor, actor_frames, movie_of, tmp_path):
    videos = [movie_of("first.mp4", actor_frames[:4]), movie_of("second.mp4", actor_frames[4:7])]
    track = capture(videos, tmp_path / "tracks")
    assert track.video["name"] == "first.mp4"
    assert [PoseTrack.load(tmp_path / "tracks" / f"{name}.npz").frames for name in ("first", "second")] == [4, 3]


def test_a_video_without_anybody(movie_of, tmp_path):
    video = movie_of("empty.mp4", [np.full((120, 160, 3), 30 + i, np.uint8) for i in range(10)])
    with pytest.raises(UserError, match="No person was found in empty"):
        capture([video], tmp_path / "out" / "a.npz")
    assert not (tmp_path / "out").exists()


def test_cancelling_leaves_nothing(actor, tmp_path):
    events: list[dict] = []
    with pytest.raises(Cancelled):
        capture([actor], tmp_path / "a.npz", report=Reporter(events.append, lambda: len(events) >= 3))
    assert not list(tmp_path.iterdir())
    assert len(events) == 3


def test_wrong_arguments(actor, tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "text.mp4").write_text("no movie")
    cases = [
        ([tmp_path / "none.mp4"], "a.npz", {}, "no file"),
        ([tmp_path / "text.mp4"], "a.npz", {}, "not a video"),
        ([actor], "file/a.npz", {}, "is a file"),
        ([actor], "a.mp4", {}, r"ends in \.npz"),
        ([actor, actor], "a.npz", {}, "give a folder"),
        ([actor, actor], "folder", {}, "same name"),
        ([actor, actor], "folder", {"overlay": tmp_path / "o.mp4"}, "one video at a time"),
        ([actor, tmp_path / "text.mp4"], "file", {}, "is a file"),
        ([actor], "a.npz", {"settings": {"start": 3.0, "end": 2.0}}, "range is empty"),
        ([actor], "a.npz", {"settings": {"start": -1.0}}, "range is empty"),
        ([actor], "a.npz", {"settings": {"start": 500.0}}, "no frames in that range"),
        ([actor], "a.npz", {"settings": {"bridge": -1.0}}, "--bridge"),
        ([actor], "a.npz", {"settings": {"person": 7, "end": 0.4}}, "no person 7"),
        ([], "a.npz", {}, "No video"),
    ]
    for videos, out, options, words in cases:
        with pytest.raises(UserError, match=words) as error:
            _capture(videos, tmp_path / out, **options)
        assert "\n" not in str(error.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "text.mp4"]
    assert (tmp_path / "file").read_text() == "mine"


def test_two_people_keep_their_ids_and_either_can_be_asked_for(actor_frames, movie_of, tmp_path):
    """One stands; the other, mirrored and in other colours, walks past behind and is hidden for a while."""
    height, width = actor_frames[0].shape[:2]
    narrow = slice(width // 5, width - width // 5)
    pictures = []
    for n in range(45):
        stands, walks = actor_frames[n % 30], actor_frames[(2 * n) % 30][:, ::-1, [2, 0, 1]]
        picture = np.full((height, 3 * width, 3), actor_frames[0][4, 4], np.uint8)
        for figure, x in ((walks, round(0.2 * width + n * 1.9 * width / 44)), (stands, width)):
            picture[:, x : x + narrow.stop - narrow.start] = figure[:, narrow]
        pictures.append(picture)
    movie = movie_of("a.mp4", pictures)
    path = capture_files([movie], tmp_path / "all.npz", settings=Settings(parts=False))[0]
    track = PoseTrack.load(path)
    assert track.person_id.tolist() == [0, 1]
    hips = track.body_image[:, :, [23, 24], 0].mean(axis=2)
    stands = int(np.argmin(np.nanstd(hips, axis=1)))
    assert np.nanmax(np.abs(hips[stands] - np.nanmedian(hips[stands]))) < 0.12 * width
    walks = hips[1 - stands]
    assert np.nanmin(walks) < 0.8 * width
    assert np.nanmax(walks) > 2.0 * width
    assert np.isnan(track.face_image).all()
    assert not track.hand_score.any()
    # One of them, by id, is the same as in the track of all; the other is not in it.
    one = PoseTrack.load(capture_files([movie], tmp_path / "one.npz", settings=Settings(parts=False, person=1))[0])
    assert one.person_id.tolist() == [1]
    np.testing.assert_array_equal(one.body_image[0], track.body_image[1])


def test_filters_and_rates(actor, tmp_path):
    tracks = {
        kind: PoseTrack.load(capture_files([actor], tmp_path / f"{kind}.npz", settings=Settings(end=1.0, parts=False, filter=kind))[0])
        for kind in ("none", "offline", "online")
    }
    tremble = {kind: np.median(np.abs(np.diff(track.body_image[0, :, 11:17, :2], n=2, axis=0))) for kind, track in tracks.items()}
    assert tremble["offline"] < 0.5 * tremble["none"]
    assert tremble["online"] < tremble["none"]
    slow = PoseTrack.load(capture_files([actor], tmp_path / "slow.npz", settings=Settings(end=2.0, fps=5, parts=False))[0])
    assert slow.time == pytest.approx(np.arange(10) / 5, abs=0.03)
    assert slow.fps == 5


def test_four_looks_are_steadier_than_one(actor, tmp_path):
    tracks = [
        PoseTrack.load(
            capture_files([actor], tmp_path / f"{fast}.npz", settings=Settings(end=1.0, parts=False, filter="none", fast=fast))[0]
        )
        for fast in (False, True)
    ]
    tremble = [np.median(np.abs(np.diff(track.body_image[0, :, :, :2], n=2, axis=0))) for track in tracks]
    assert tremble[0] < 0.75 * tremble[1]
    apart = np.linalg.norm((tracks[0].body_image - tracks[1].body_image)[..., :2], axis=-1)
    assert np.median(apart) < 0.01 * tracks[0].header["people"][0]["height"]
    assert (tracks[0].body_spread > 0).all()
    assert np.median(tracks[0].body_spread) < 0.02 * tracks[0].header["people"][0]["height"]
    assert not tracks[1].body_spread.any()
    assert [track.header["capture"]["fast"] for track in tracks] == [False, True]


def test_a_camera_is_recorded_and_captured(actor_frames, movie_of, tmp_path):
    device = movie_of("device.mp4", actor_frames[:10])
    out = tmp_path / "live" / "take.npz"
    record_and_capture(str(device), out, settings=Settings(parts=False))
    assert PoseTrack.load(out).frames == 10
    assert len(list(read_frames(out.with_suffix(".mp4")))) == 10
    with pytest.raises(UserError, match="exists and is kept"):
        record_and_capture(str(device), out)


def test_pictures_of_different_sizes_are_captured_alone(actor_frames, tmp_path):
    from PIL import Image

    (tmp_path / "stills").mkdir()
    for name, rgb in (("b", actor_frames[0]), ("a", actor_frames[5][10:, 12:])):
        Image.fromarray(rgb).save(tmp_path / "stills" / f"{name}.png")
    tracks = capture_files([tmp_path / "stills"], tmp_path / "out", settings=Settings(parts=False))
    assert sorted(track.name for track in tracks) == ["a.npz", "b.npz"]
    assert all(PoseTrack.load(track).frames == 1 for track in tracks)


def _capture(videos, out, settings=None, **options):
    capture(videos, out, settings=Settings(**(settings or {})), **options)


def test_decoding_ahead_keeps_order_and_errors():
    def frames(count: int):
        for index in range(count):
            yield Frame(index, index / 25, np.zeros((1, 1, 3), np.uint8))
        raise UserError("breaks off")

    all_of_them = ahead(frames(20), 4)
    assert [next(all_of_them).index for _ in range(20)] == list(range(20))
    with pytest.raises(UserError, match="breaks off"):
        next(all_of_them)
    some = ahead(frames(1000), 4)
    assert [next(some).index for _ in range(3)] == [0, 1, 2]
    some.close()  # does not hang
