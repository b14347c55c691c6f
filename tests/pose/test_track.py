# SPDX-License-Identifier: GPL-3.0-or-later
"""Pose tracks: what is saved is what is loaded, and foreign files give one sentence."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from ningyo.errors import UserError
from ningyo.synth_data.pose.rows import ARRAYS, PER_PERSON, ROW, body_seen, unseen_rows
from ningyo.synth_data.pose.spill import OPEN_FILES, TrackSpill
from ningyo.synth_data.pose.track import PoseTrack
from ningyo.synth_data.pose.track_file import TrackReader, make_header, read_header

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
SPANS = ((0, 5), (2, 4))  # of some_track's people


def some_track(people: int = 2, frames: int = 5) -> PoseTrack:
    """Everything random; the second person is there in frames 2 and 3 alone."""
    random = np.random.default_rng(3)
    track = PoseTrack.unseen(people, np.arange(frames) / 30, np.arange(frames), VIDEO, {"version": 1})
    for person, (first, end) in zip(range(people), SPANS, strict=False):
        for name in PER_PERSON:
            array = getattr(track, name)[person, first:end]
            if array.dtype == np.float32:
                array[...] = random.normal(size=array.shape)
            else:
                array[...] = random.integers(0, 2, array.shape)
    track.face_image[0, 2] = np.nan
    track.body_image[0, 1] = np.nan  # lost for a frame
    track.body_image[0, 3, 0] = np.nan  # without its nose
    return track


def test_round_trip_and_same_bytes(tmp_path: Path):
    track = some_track()
    track.save(tmp_path / "new folder" / "a.npz")
    loaded = PoseTrack.load(tmp_path / "new folder" / "a.npz")
    loaded.save(tmp_path / "b.npz")
    assert (tmp_path / "b.npz").read_bytes() == (tmp_path / "new folder" / "a.npz").read_bytes()
    for name in ("time", "frame_index", "person_id", *PER_PERSON):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(track, name))
        assert getattr(loaded, name).dtype == ARRAYS[name][1]
    assert {**loaded.header, "people": []} == track.header
    assert (loaded.people, loaded.frames, loaded.size, loaded.fps) == (2, 5, (640, 360), 29.97002997)
    with np.load(tmp_path / "b.npz", allow_pickle=False) as plain:  # an ordinary npz for other programs
        assert set(plain.files) == {"header", *ARRAYS}
        assert json.loads(str(plain["header"]))["schema"] == "ningyo.pose_track"
        assert json.loads(str(plain["header"]))["version"] == 3
        assert plain["first"].tolist() == [0, 2]
        assert plain["count"].tolist() == [5, 2]
        np.testing.assert_array_equal(plain["body_image"][5:], track.body_image[1, 2:4])


def test_one_person_alone(tmp_path: Path):
    track = some_track()
    track.person_id[:] = 0, 7
    track.save(tmp_path / "a.npz")
    alone = PoseTrack.load(tmp_path / "a.npz", person=7)
    assert (alone.people, alone.frames, alone.person_id.tolist()) == (1, 5, [7])
    assert [entry["id"] for entry in alone.header["people"]] == [7]
    for name in PER_PERSON:
        np.testing.assert_array_equal(getattr(alone, name)[0], getattr(track, name)[1])
    for missing in (1, -1):
        with pytest.raises(UserError, match=f"no person {missing}; it has: 0, 7"):
            PoseTrack.load(tmp_path / "a.npz", person=missing)


def test_the_header_tells_of_people(tmp_path: Path):
    track = PoseTrack.unseen(2, np.arange(10) / 10, np.arange(10), VIDEO, {})
    # Person 0: frames 1 to 8, of which 4 is lost and 5 bridged; 100 px tall but once.
    track.body_image[0, 1:9] = np.linspace(50, 150, 33)[:, None]
    track.body_image[0, 1, :, 1] *= 3
    track.body_image[0, 4] = np.nan
    track.body_image[0, 6, :10] = np.nan
    track.bridged[0, 5] = True
    track.repaired[0, 6:8] = 1, 2
    track.hand_score[0, [2, 3], 0] = 0.5
    track.hand_score[0, 3, 1] = 0.5
    track.face_score[0, 1:9] = 1
    track.body_image[1, 9] = 1.0
    track.save(tmp_path / "a.npz")
    first, second = read_header(tmp_path / "a.npz")["people"]
    assert first == {
        "id": 0,
        "start": 0.1,
        "end": 0.8,
        "frames": 6,
        "height": 100.0,
        "seen": {"body": 0.75, "left_hand": 0.25, "right_hand": 0.125, "face": 1.0, "bridged": 0.125, "repaired": 0.25},
    }
    assert second["frames"] == 1
    assert second["start"] == second["end"] == 0.9


def test_a_body_is_seen_where_any_joint_is():
    image = np.full((2, 3, 33, 3), np.nan)
    image[0, 1, 20] = 1
    image[1, 1, 4, 0] = 1  # half a point is none
    image[1, 2, 4, :2] = 1  # made from 2-D points
    assert body_seen(image).tolist() == [[False, True, False], [False, False, True]]


def test_the_rate_is_that_of_the_capture():
    for settings, rate in (({}, 29.97002997), ({"fps": None}, 29.97002997), ({"fps": 10}, 10.0), ({"fps": 60}, 29.97002997)):
        assert PoseTrack.unseen(1, np.zeros(1), np.zeros(1), VIDEO, settings).fps == rate


def test_unseen_is_nan_and_zero():
    track = PoseTrack.unseen(1, np.arange(2) / 25, np.arange(2), VIDEO, {})
    assert np.isnan(track.body_image).all()
    assert np.isnan(track.hand_world).all()
    assert not track.body_visibility.any()
    assert not track.face_score.any()
    assert not track.repaired.any()
    rows = unseen_rows(3)
    assert rows.dtype == ROW
    for name in PER_PERSON:
        np.testing.assert_array_equal(rows[name], np.broadcast_to(getattr(track, name)[0, 0], rows[name].shape))


def spilled(track: PoseTrack, folder: Path) -> TrackSpill:
    spill = TrackSpill(folder)
    for frame in range(track.frames):
        spill.begin_frame(float(track.time[frame]), int(track.frame_index[frame]))
        for p, person in enumerate(track.person_id.tolist()):
            if body_seen(track.body_image[p, frame]):
                arrays = {name: getattr(track, name)[p, frame] for name in PER_PERSON}
                spill.put(person, **{name: arrays.pop(name) for name in ("hand_image", "face_score")})
                spill.put(person, **arrays)
    return spill


def test_spilled_track_has_the_same_bytes(tmp_path: Path):
    track = some_track()
    for name in PER_PERSON:  # a frame without a body has no rest
        getattr(track, name)[0, 1] = getattr(PoseTrack.unseen(1, track.time, track.frame_index, VIDEO, {}), name)[0, 0]
    track.save(tmp_path / "saved.npz")
    spill = spilled(track, tmp_path / ".frames")
    assert (spill.frames, spill.people(), [spill.span(person) for person in (0, 1)]) == (5, [0, 1], [(0, 5), (2, 4)])
    np.testing.assert_array_equal(spill.time, track.time)
    np.testing.assert_array_equal(spill.frame_index, track.frame_index)
    np.testing.assert_array_equal(spill.rows(1)["face_image"], track.face_image[1, 2:4])
    spill.save(tmp_path / "spilled.npz", make_header(VIDEO, {"version": 1}), [0, 1])
    assert (tmp_path / "spilled.npz").read_bytes() == (tmp_path / "saved.npz").read_bytes()
    spill.save(tmp_path / "other.npz", track.header, [1, 0], ids=[4, 2])
    spill.discard()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.npz", "saved.npz", "spilled.npz"]
    other = PoseTrack.load(tmp_path / "other.npz")
    assert other.person_id.tolist() == [4, 2]
    np.testing.assert_array_equal(other.body_world, track.body_world[::-1])


def test_a_spill_can_be_changed_on_disk(tmp_path: Path):
    spill = TrackSpill(tmp_path / ".frames")
    for frame in range(9):
        spill.begin_frame(frame / 25, frame)
        if frame in (2, 3, 7):
            spill.put(5, body_image=np.full((33, 3), frame), body_visibility=0.5)
        if frame == 4:
            spill.put(6, body_image=np.ones((33, 3)))
    assert spill.span(5) == (2, 8)
    rows = spill.rows(5)
    assert body_seen(rows["body_image"]).tolist() == [True, True, False, False, False, True]
    rows["bridged"][2] = True
    rows["body_image"][2] = 4
    assert rows["body_image"][[-1, 0], 0, 0].tolist() == [7, 2]
    assert rows["body_visibility"][2:2].shape == (0, 33)
    with pytest.raises(IndexError):
        rows["bridged"][6]
    further = spill.beside(5, np.dtype([("half", np.float32, (2, 3))]))
    assert (len(further), further["half"].shape, np.any(further["half"])) == (6, (6, 2, 3), False)
    further["half"][4, 1] = 0.5
    assert further["half"][4:].sum(axis=(1, 2)).tolist() == [1.5, 0.0]
    spill.put(5, body_image=np.full((33, 3), 8))  # comes back
    assert spill.rows(5)["body_visibility"][:, 0].tolist() == [0.5, 0.5, 0, 0, 0, 0.5, 0]
    spill.drop(6)
    assert spill.people() == [5]
    spill.save(tmp_path / "a.npz", make_header(VIDEO, {}), [5])
    spill.drop(5)
    assert [path.name for path in (tmp_path / ".frames").iterdir()] == ["5.beside"]
    spill.discard()
    assert not (tmp_path / ".frames").exists()
    track = PoseTrack.load(tmp_path / "a.npz")
    assert np.flatnonzero(track.body_seen[0]).tolist() == [2, 3, 4, 7, 8]
    assert track.body_image[0, [2, 3, 4, 7, 8], 0, 0].tolist() == [2, 3, 4, 7, 8]
    assert np.flatnonzero(track.bridged[0]).tolist() == [4]


def test_a_spill_of_a_crowd(tmp_path: Path):
    people = 3 * OPEN_FILES
    spill = TrackSpill(tmp_path / "new" / ".frames")
    for frame in range(3):
        spill.begin_frame(frame / 25, frame)
        for person in range(people):
            spill.put(person, body_image=np.full((33, 3), 100 * frame + person))
    spill.save(tmp_path / "a.npz", make_header(VIDEO, {}), [*range(1, people), 0])
    spill.discard()
    assert not (tmp_path / "new").exists()
    track = PoseTrack.load(tmp_path / "a.npz")
    assert track.person_id.tolist() == list(range(people))
    np.testing.assert_array_equal(track.body_image[:, 2, 0, 0], 200 + np.roll(np.arange(people), -1))


def test_a_long_track_needs_no_more_memory_than_a_short_one(tmp_path: Path):
    """Collected, saved and read frame by frame in a process of its own: 60 MB of rows, from which little may stay in memory."""
    pytest.importorskip("resource")
    code = f"""
import resource, sys
import numpy as np
from ningyo.synth_data.pose.spill import TrackSpill
from ningyo.synth_data.pose.track_file import TrackReader, make_header
def megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << (20 if sys.platform == "darwin" else 10))
def track(frames):
    spill = TrackSpill("frames")
    for frame in range(frames):
        spill.begin_frame(frame / 25, frame)
        for person in (0, 1):
            spill.put(person, body_image=np.ones((33, 3)), face_image=np.ones((478, 3)))
    spill.save("a.npz", make_header({VIDEO}, {{}}), [0, 1])
    spill.discard()
    with TrackReader("a.npz") as file:
        return sum(len(file.frame(frame)) for frame in range(file.frames))
track(20)
before = megabytes()
assert track(4000) == 8000
print(megabytes() - before)
"""
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert float(result.stdout) < 20


def test_nobody_who_was_never_seen_is_saved(tmp_path: Path):
    track = some_track()
    track.body_image[1] = np.nan
    with pytest.raises(ValueError, match="person 1 was never seen"):
        track.save(tmp_path / "a.npz")
    spill = TrackSpill(tmp_path / ".frames")
    spill.begin_frame(0, 0)
    spill.put(3, face_score=0.5)
    with pytest.raises(ValueError, match="person 3 was never seen"):
        spill.save(tmp_path / "a.npz", track.header, [3])
    spill.discard()
    assert not list(tmp_path.iterdir())


def test_frames_are_read_where_they_lie(tmp_path: Path):
    track = some_track()
    track.save(tmp_path / "a.npz")
    with TrackReader(tmp_path / "a.npz") as file:
        assert file.header["people"][1]["id"] == 1
        assert (file.time.tolist(), file.person_id.tolist()) == (track.time.tolist(), [0, 1])
        there = [[person for person, _ in file.frame(index)] for index in range(5)]
        assert there == [[0], [], [0, 1], [0, 1], [0]]
        for p, row in file.frame(3):
            for name in PER_PERSON:
                np.testing.assert_array_equal(row[name], getattr(track, name)[p, 3])
        kept = file.frame(3)[1][1]
    assert kept["body_image"][0, 0] == track.body_image[1, 3, 0, 0]  # outlives the file


def rewritten(path: Path, name: str, array: np.ndarray | None, allow_pickle: bool = False, compression: int = zipfile.ZIP_STORED) -> Path:
    """The track with one member replaced, or without it."""
    with np.load(path, allow_pickle=False) as old:
        arrays = {**{key: old[key] for key in old.files if key != name}, **({} if array is None else {name: array})}
    out = path.with_name("changed.npz")
    with zipfile.ZipFile(out, "w", compression) as archive:
        for key, value in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.asanyarray(value), allow_pickle=allow_pickle)
            archive.writestr(f"{key}.npy", member.getvalue())
    return out


def header_with(track: PoseTrack, **changes: object) -> np.ndarray:
    return np.array(json.dumps({**track.header, **changes}))


def test_a_track_of_version_2_has_no_spread(tmp_path: Path):
    track = some_track()
    track.save(tmp_path / "a.npz")
    header = json.loads(str(np.load(tmp_path / "a.npz")["header"]))
    old = rewritten(rewritten(tmp_path / "a.npz", "header", np.array(json.dumps({**header, "version": 2}))), "body_spread", None)
    loaded = PoseTrack.load(old)
    assert loaded.body_spread.shape == (2, 5, 33)
    assert not loaded.body_spread.any()
    np.testing.assert_array_equal(loaded.body_visibility, track.body_visibility)
    with TrackReader(old) as reader:
        assert reader.frame(0)[0][1]["body_spread"].tolist() == [0.0] * 33
    loaded.save(tmp_path / "new.npz")
    assert read_header(tmp_path / "new.npz")["version"] == 3
    np.testing.assert_array_equal(PoseTrack.load(tmp_path / "new.npz").body_image, track.body_image)
    with pytest.raises(UserError, match="body_spread"):
        PoseTrack.load(rewritten(tmp_path / "a.npz", "body_spread", None))


def test_foreign_files_give_one_sentence(tmp_path: Path):
    path = tmp_path / "good.npz"
    some_track().save(path)
    track = PoseTrack.load(path)
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
        for read in (PoseTrack.load, TrackReader):
            with pytest.raises(UserError, match=words) as error:
                read(file)
            assert "\n" not in str(error.value)
    with np.load(path) as arrays:
        hand_score, body_image = arrays["hand_score"], arrays["body_image"]
    people = track.header["people"]
    changes = [
        ("header", header_with(track, schema="ningyo.motion"), "not a pose track"),
        ("header", header_with(track, version=4), "newer Ningyo"),
        ("header", header_with(track, version=1), "earlier Ningyo; capture the video again"),
        ("header", header_with(track, video={"width": 3}), "header lacks"),
        ("header", header_with(track, video={**VIDEO, "fps": 0}), "size or rate"),
        ("header", header_with(track, people=people[:1]), "its people"),
        ("header", header_with(track, people=[3, None]), "its people"),
        ("header", np.array("[1, 2"), "not a pose track"),
        ("body_image", body_image[:, :4], "body_image"),
        ("body_image", np.asfortranarray(body_image), "not a pose track"),
        ("hand_score", hand_score.astype(np.float64), "hand_score"),
        ("time", track.time[::-1].copy(), "times"),
        ("time", np.full(5, np.nan), "times"),
        ("first", np.array([0, 4]), "rows"),
        ("first", np.array([-1, 2]), "rows"),
        ("count", np.array([5, 1]), "rows"),
        ("count", np.array([7, 0]), "rows"),
        ("person_id", np.array([1, 1], np.int32), "its people"),
    ]
    for name, array, words in changes:
        with pytest.raises(UserError, match=words):
            PoseTrack.load(rewritten(path, name, array))
    assert PoseTrack.load(rewritten(path, "time", track.time)).frames == 5
    with pytest.raises(UserError, match="not a pose track"):
        PoseTrack.load(rewritten(path, "time", track.time, compression=zipfile.ZIP_DEFLATED))


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
