# SPDX-License-Identifier: GPL-3.0-or-later
"""Pose tracks: what is saved is what is loaded, and foreign files give one sentence."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from ningyo.errors import UserError
from ningyo.synth_data.pose.track import ARRAYS, PER_PERSON, PoseTrack, TrackSpill, read_header

VIDEO = {
    "name": "dance.mp4",
    "path": "/videos/dance.mp4",
    "sha256": "0" * 64,
    "width": 640,
    "height": 360,
    "fps": 29.97002997,
    "frame_count": 5,
    "duration": 0.1668,
    "has_audio": True,
}


def some_track(people: int = 2, frames: int = 5) -> PoseTrack:
    random = np.random.default_rng(3)
    track = PoseTrack.unseen(people, np.arange(frames) / 30, np.arange(frames), VIDEO, {"version": 1})
    for name in PER_PERSON:
        array = getattr(track, name)
        array[...] = random.normal(size=array.shape) > 0 if array.dtype == bool else random.normal(size=array.shape)
    track.face_image[0, 2] = np.nan
    return track


def test_round_trip_and_same_bytes(tmp_path: Path):
    track = some_track()
    track.save(tmp_path / "new folder" / "a.npz")
    loaded = PoseTrack.load(tmp_path / "new folder" / "a.npz")
    loaded.save(tmp_path / "b.npz")
    assert (tmp_path / "b.npz").read_bytes() == (tmp_path / "new folder" / "a.npz").read_bytes()
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(loaded, name), getattr(track, name))
        assert getattr(loaded, name).dtype == ARRAYS[name][1]
    assert loaded.header == track.header
    assert (loaded.people, loaded.frames, loaded.size, loaded.fps) == (2, 5, (640, 360), 29.97002997)
    with np.load(tmp_path / "b.npz", allow_pickle=False) as plain:  # an ordinary npz for other programs
        assert set(plain.files) == {"header", *ARRAYS}
        assert json.loads(str(plain["header"]))["schema"] == "ningyo.pose_track"


def test_unseen_is_nan_and_zero():
    track = PoseTrack.unseen(1, np.arange(2) / 25, np.arange(2), VIDEO, {})
    assert np.isnan(track.body_image).all()
    assert np.isnan(track.hand_world).all()
    assert not track.body_visibility.any()
    assert not track.face_score.any()


def test_spilled_track_has_the_same_bytes(tmp_path: Path):
    track = some_track(people=1)
    track.save(tmp_path / "saved.npz")
    spill = TrackSpill(tmp_path / ".frames")
    for frame in range(track.frames):
        arrays = {name: getattr(track, name)[0, frame] for name in PER_PERSON}
        spill.append(float(track.time[frame]), int(track.frame_index[frame]), **arrays)
    np.testing.assert_array_equal(spill.array("face_image"), track.face_image[0])
    spill.save(tmp_path / "spilled.npz", track.header)
    spill.discard()
    assert (tmp_path / "spilled.npz").read_bytes() == (tmp_path / "saved.npz").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["saved.npz", "spilled.npz"]


def test_a_spill_can_be_changed_on_disk(tmp_path: Path):
    spill = TrackSpill(tmp_path / ".frames")
    for frame in range(3):
        spill.append(frame / 25, frame)
    bridged = spill.array("bridged")
    bridged[1] = True
    bridged.flush()
    spill.save(tmp_path / "a.npz", some_track().header)
    spill.discard()
    track = PoseTrack.load(tmp_path / "a.npz")
    assert track.bridged.tolist() == [[False, True, False]]
    assert np.isnan(track.body_image).all()


def rewritten(path: Path, name: str, array: np.ndarray, allow_pickle: bool = False) -> Path:
    """The track with one member replaced."""
    with np.load(path, allow_pickle=False) as old:
        arrays = {**{key: old[key] for key in old.files}, name: array}
    out = path.with_name("changed.npz")
    with zipfile.ZipFile(out, "w") as archive:
        for key, value in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.asanyarray(value), allow_pickle=allow_pickle)
            archive.writestr(f"{key}.npy", member.getvalue())
    return out


def header_with(track: PoseTrack, **changes: object) -> np.ndarray:
    return np.array(json.dumps({**track.header, **changes}))


def test_foreign_files_give_one_sentence(tmp_path: Path):
    track = some_track()
    path = tmp_path / "good.npz"
    track.save(path)
    data = path.read_bytes()
    text, cut, other = tmp_path / "text.npz", tmp_path / "cut.npz", tmp_path / "other.npz"
    text.write_text("hello")
    cut.write_bytes(data[: len(data) // 2])
    np.savez(other, a=np.zeros(3))
    flipped = tmp_path / "flipped.npz"
    flipped.write_bytes(data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 255]) + data[len(data) // 2 + 1 :])
    cases = [
        (tmp_path / "missing.npz", "There is no pose track"),
        (tmp_path, "not a pose track"),
        (text, "not a pose track"),
        (cut, "not a pose track"),
        (other, "not a pose track"),
        (flipped, "damaged"),
    ]
    for file, words in cases:
        with pytest.raises(UserError, match=words) as error:
            PoseTrack.load(file)
        assert "\n" not in str(error.value)
    changes = [
        ("header", header_with(track, schema="ningyo.motion"), "not a pose track"),
        ("header", header_with(track, version=2), "newer Ningyo"),
        ("header", header_with(track, video={"width": 3}), "header lacks"),
        ("header", header_with(track, video={**VIDEO, "fps": 0}), "size or rate"),
        ("header", np.array("[1, 2"), "not a pose track"),
        ("body_image", track.body_image[:, :4], "body_image"),
        ("hand_score", track.hand_score.astype(np.float64), "hand_score"),
        ("time", track.time[::-1].copy(), "times"),
        ("time", np.full(5, np.nan), "times"),
    ]
    for name, array, words in changes:
        with pytest.raises(UserError, match=words):
            PoseTrack.load(rewritten(path, name, array))


def test_pickles_are_not_opened(tmp_path: Path):
    class Bomb:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "opened",))

    track = some_track()
    track.save(tmp_path / "good.npz")
    bomb = np.empty(5, object)
    bomb[0] = Bomb()
    for name in ("time", "header"):
        with pytest.raises(UserError, match="not a pose track"):
            PoseTrack.load(rewritten(tmp_path / "good.npz", name, bomb, allow_pickle=True))
    assert not (tmp_path / "opened").exists()


def test_wrong_tracks_are_not_saved(tmp_path: Path):
    track = some_track()
    track.hand_score = track.hand_score[:, :2]
    with pytest.raises(ValueError, match="hand_score"):
        track.save(tmp_path / "a.npz")
    assert not list(tmp_path.iterdir())


def test_header_alone(tmp_path: Path):
    some_track().save(tmp_path / "a.npz")
    assert read_header(tmp_path / "a.npz")["video"]["name"] == "dance.mp4"
