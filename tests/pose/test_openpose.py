# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenPose's JSON, made and read; its folders, exported and imported."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ningyo.__main__ import build_parser
from ningyo.errors import UserError
from ningyo.jobs.progress import SILENT
from ningyo.synth_data.pose import openpose
from ningyo.synth_data.pose.landmarks import BODY_25, COCO_18, MEDIAPIPE_33
from ningyo.synth_data.pose.openpose_folder import UNSEEN_BELOW, export_track, import_folder
from ningyo.synth_data.pose.track import PoseTrack


def points(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.1, 1, (count, 3)) * (500, 400, 1)


def someone(seed: int = 0) -> list[np.ndarray]:
    parts = [points(count, seed + count + i) for i, count in enumerate((25, 70, 21, 21))]
    parts[0][3] = (np.nan, np.nan, 0)
    parts[2][:] = (7.0, 7.0, 0)  # a place without confidence is not a place
    return parts


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("count", [0, 1, 3])
def test_round_trip(tmp_path: Path, count):
    people = [someone(100 * i) for i in range(count)]
    document = openpose.document([openpose.person(*parts) for parts in people])
    found = openpose.read(write(tmp_path / "a_keypoints.json", document))
    assert len(found) == count
    for person, parts in zip(found, people, strict=True):
        assert person.points.shape == (137, 3)
        np.testing.assert_allclose(person.face70, parts[1], atol=1e-4)
        np.testing.assert_allclose(person.body25[4:], parts[0][4:], atol=1e-4)
        assert np.isnan(person.body25[3, :2]).all()
        assert person.body25[3, 2] == 0
        assert np.isnan(person.left21[:, :2]).all()


def test_form_is_openposes():
    record = openpose.person(*someone())
    assert len(record["pose_keypoints_2d"]) == 75
    assert len(record["face_keypoints_2d"]) == 210
    assert len(record["hand_left_keypoints_2d"]) == len(record["hand_right_keypoints_2d"]) == 63
    assert record["pose_keypoints_2d"][9:12] == [0, 0, 0]
    assert not any(record["hand_left_keypoints_2d"])
    json.dumps(openpose.document([record]), allow_nan=False)


def test_files_without_hands_and_faces(tmp_path: Path):
    record = {"person_id": [-1], "pose_keypoints_2d": np.ones(75).tolist(), "face_keypoints_2d": [], "hand_left_keypoints_2d": []}
    (person,) = openpose.read(write(tmp_path / "a.json", {"version": 1.3, "people": [record]}))
    assert (person.body25 == 1).all()
    assert np.isnan(person.face70[:, 0]).all()
    assert not person.right21[:, 2].any()


def test_coco_18_becomes_body_25(tmp_path: Path):
    body = points(18, 1)
    body[COCO_18.index("left_knee")] = 0
    (person,) = openpose.read(write(tmp_path / "a.json", {"people": [{"pose_keypoints_2d": body.reshape(-1).tolist()}]}))
    for name in COCO_18:
        if name != "left_knee":
            np.testing.assert_allclose(person.body25[BODY_25.index(name)], body[COCO_18.index(name)])
    hips = body[[COCO_18.index("left_hip"), COCO_18.index("right_hip")]]
    np.testing.assert_allclose(person.body25[8], [*hips[:, :2].mean(axis=0), hips[:, 2].min()])
    unseen = {BODY_25[i] for i in np.flatnonzero(person.body25[:, 2] == 0)}
    assert unseen == {"left_knee", *(f"{side}_{part}" for side in ("left", "right") for part in ("big_toe", "small_toe", "heel"))}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"persons": []}, "people"),
        ({"people": [{"pose_keypoints_2d": [1, 2]}]}, "pose_keypoints_2d"),
        ({"people": [{"pose_keypoints_2d": [0] * 60}]}, "20 points"),
        ({"people": [3]}, "not an OpenPose"),
        ([1], "not an OpenPose"),
        (None, "not an OpenPose"),
    ],
)
def test_wrong_files(tmp_path: Path, content, words):
    with pytest.raises(UserError, match=words) as error:
        openpose.read(write(tmp_path / "a.json", content))
    assert "\n" not in str(error.value)


def test_no_json(tmp_path: Path):
    with pytest.raises(UserError, match="no file"):
        openpose.read(tmp_path / "a.json")
    (tmp_path / "a.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="not an OpenPose"):
        openpose.read(tmp_path / "a.json")


def test_from_a_track():
    video = {"name": "", "path": "", "sha256": "", "width": 9, "height": 9, "fps": 9, "frame_count": 1, "duration": 1, "has_audio": False}
    track = PoseTrack.unseen(1, np.zeros(1), np.zeros(1), video, {})
    track.body_image[0, 0] = np.arange(33)[:, None]
    track.body_visibility[0, 0] = 0.5
    track.hand_image[0, 0, 1] = 3
    track.hand_score[0, 0, 1] = 0.8
    person = openpose.from_track(track, 0, 0)
    assert person.body25[BODY_25.index("left_wrist")].tolist() == [15, 15, 0.5]
    assert person.body25[BODY_25.index("neck")].tolist() == [11.5, 11.5, 0.5]
    assert np.isnan(person.left21[:, :2]).all()
    np.testing.assert_allclose(person.right21, np.tile([3, 3, 0.8], (21, 1)), rtol=1e-6)
    assert not person.face70[:, 2].any()


def text_of(*people: dict[str, np.ndarray], version: str = "1.3") -> str:
    """A file as OpenPose writes it: six digits, no spaces, empty lists for what was not looked for."""
    records = []
    for found in people:
        record = ['"person_id":[-1]'] if version == "1.3" else []
        for key in ("pose", "face", "hand_left", "hand_right"):
            numbers = ",".join(f"{value:.6g}" for value in np.asarray(found.get(key, [])).reshape(-1))
            record.append(f'"{key}_keypoints{"" if version == "1.0" else "_2d"}":[{numbers}]')
        if version != "1.0":
            record += [f'"{key}_keypoints_3d":[]' for key in ("pose", "face", "hand_left", "hand_right")]
        records.append("{" + ",".join(record) + "}")
    return f'{{"version":{version},"people":[{",".join(records)}]}}'


# BODY_25, 100 px tall, seen from the front, around (0, 0).
FIGURE = np.array(
    [
        (0, -45), (0, -33), (-12, -32), (-17, -14), (-18, 2), (12, -32), (17, -14), (18, 2), (0, 2), (-7, 2), (-7, 25), (-8, 47),
        (7, 2), (7, 25), (8, 47), (-3, -47), (3, -47), (-6, -45), (6, -45), (11, 54), (14, 53), (7, 50), (-11, 54), (-14, 53), (-7, 50),
    ],
    np.float64,
)  # fmt: skip


def figure(x: float, y: float, scale: float = 1.0, confidence: float = 0.9) -> np.ndarray:
    return np.column_stack([FIGURE * scale + (x, y), np.full(25, confidence)])


def folder_of(tmp_path: Path, frames: list[list[dict[str, np.ndarray]]], **more: str) -> Path:
    folder = tmp_path / "keypoints"
    folder.mkdir()
    for number, people in enumerate(frames):
        (folder / f"dance_{number:012d}_keypoints.json").write_text(text_of(*people, **more))
    return folder


def imported(folder: Path, out: Path, fps: float = 25.0, size: tuple[int, int] = (640, 360)) -> PoseTrack:
    video = {"name": "dance.mp4", "path": "", "sha256": "", "width": size[0], "height": size[1], "fps": fps, "frame_count": 1}
    import_folder(folder, out, {**video, "duration": 1.0, "has_audio": False}, lambda number: number / fps)
    assert sorted(path.name for path in out.parent.iterdir() if path.name.startswith(".")) == []
    return PoseTrack.load(out)


def test_a_row_holds_what_openpose_found():
    parts = someone(5)
    back = openpose.from_row(openpose.to_row(openpose.Person(*(openpose._seen(part) for part in parts))))
    places = ["neck", "mid_hip", "left_small_toe", "right_small_toe"]
    kept = [i for i in range(25) if BODY_25[i] not in places and i != 3]
    np.testing.assert_allclose(back.body25[kept], parts[0][kept])
    np.testing.assert_allclose(back.face70[:, :2], parts[1][:, :2])
    np.testing.assert_allclose(back.face70[:, 2], parts[1][:, 2].mean())
    np.testing.assert_allclose(back.right21[:, :2], parts[3][:, :2])
    shoulders = parts[0][[2, 5]]
    np.testing.assert_allclose(back.body25[1], [*shoulders[:, :2].mean(0), shoulders[:, 2].min()])
    row = openpose.to_row(openpose.Person(*(openpose._seen(part) for part in parts)))
    assert np.isnan(row["body_image"][:, 2]).all()
    assert np.isnan(row["body_image"][9]).all()  # MediaPipe's mouth
    assert row["body_visibility"][9] == 0
    assert np.isfinite(row["face_image"][:, :2]).all(axis=1).sum() == 70
    assert "body_world" not in row


def test_people_keep_their_ids(tmp_path: Path):
    """Two who walk past each other, listed in changing order; one is lost for some frames; a third comes late; a ghost."""
    random = np.random.default_rng(2)
    frames = []
    for i in range(40):
        people = {
            "left": figure(80 + 8 * i, 150),
            "right": figure(480 - 8 * i, 190, 1.5),  # nearer to the camera, so the main one
            "late": figure(560 + i % 3, 100, 0.5),
        }
        if 10 <= i < 18:
            del people["left"]
        if i < 25:
            del people["late"]
        if i == 30:
            people["ghost"] = figure(40, 300, 0.4)
        names = random.permutation(list(people))
        frames.append([{"pose": people[name] + random.normal(0, 0.3, (25, 3)) * (1, 1, 0)} for name in names])
    track = imported(folder_of(tmp_path, frames), tmp_path / "a.npz")
    assert track.person_id.tolist() == [0, 1, 2, 3]
    seen = track.body_seen
    hips = track.body_image[:, :, 23:25, 0].mean(axis=2)
    i = np.arange(40)
    np.testing.assert_allclose(hips[0], 480 - 8 * i, atol=1.5)
    away = (i >= 10) & (i < 18)
    np.testing.assert_allclose(hips[1][~away], (80 + 8 * i)[~away], atol=1.5)
    np.testing.assert_array_equal(seen[1], ~away)
    np.testing.assert_array_equal(seen[2], i >= 25)
    np.testing.assert_array_equal(seen[3], i == 30)
    assert [entry["frames"] for entry in track.header["people"]] == [40, 32, 15, 1]
    assert track.time == pytest.approx(i / 25)
    assert track.frame_index.tolist() == i.tolist()
    assert track.header["capture"] == {"source": "openpose", "layout": "BODY_25"}


def test_who_comes_back_late_is_somebody_new(tmp_path: Path):
    there = [{"pose": figure(200, 150)}]
    track = imported(folder_of(tmp_path, [there, *[[]] * 30, there]), tmp_path / "a.npz")
    assert track.people == 2
    assert track.body_seen.sum() == 2


def test_imported_and_exported_points_are_the_same(tmp_path: Path):
    """But for neck, mid-hip and small toes, which a track has no place for: they are made anew from their neighbours."""
    random = np.random.default_rng(0)
    frames = []
    for i in range(4):
        people = []
        for k in range(i):  # nobody in the first
            body = figure(90 + 150 * k + 3.7123 * i, 160, 1.1) + random.normal(0, 0.2, (25, 3)) * (1, 1, 0)
            body[:, 2] = random.uniform(0.06, 1, 25)
            body[[4, 16]] = 0
            face = np.column_stack([random.uniform(80, 120, (70, 2)), random.uniform(0.3, 1, 70)])
            face[60:] = 0
            hand = np.column_stack([random.uniform(80, 120, (21, 2)), random.uniform(0.3, 1, 21)])
            people.append({"pose": body, "face": face, "hand_left": hand} if k != 1 else {"pose": body})
        frames.append(people)
    folder = folder_of(tmp_path, frames)
    imported(folder, tmp_path / "a.npz")
    assert export_track(tmp_path / "a.npz", tmp_path / "back") == 4
    names = sorted(path.name for path in folder.iterdir())
    assert sorted(path.name for path in (tmp_path / "back").iterdir()) == names
    assert json.loads((tmp_path / "back" / names[0]).read_text()) == {"version": 1.3, "people": []}
    made_anew = [BODY_25.index(name) for name in ("neck", "mid_hip", "left_small_toe", "right_small_toe")]
    for name in names:
        before, after = openpose.read(folder / name), openpose.read(tmp_path / "back" / name)
        assert len(before) == len(after)
        for one in before:
            # Written main person first: find the same one by the nose.
            other = min(after, key=lambda found: abs(found.body25[0, 0] - one.body25[0, 0]))
            compared = np.delete(np.arange(137), made_anew)
            np.testing.assert_allclose(other.points[compared, :2], one.points[compared, :2], atol=1e-3)
            np.testing.assert_allclose(other.body25[compared[:21], 2], one.body25[compared[:21], 2], atol=1e-4)
            assert np.isfinite(other.body25[made_anew, :2]).all()


def test_what_was_hardly_seen_is_written_as_nought(tmp_path: Path):
    video = {"name": "a dance.mov", "path": "", "sha256": "", "width": 640, "height": 360, "fps": 25, "frame_count": 9, "duration": 1}
    track = PoseTrack.unseen(2, np.arange(3) / 25, np.array([7, 8, 9]), {**video, "has_audio": True}, {})
    track.person_id[:] = 0, 5
    track.body_image[0, :2, :, :2] = (100, 200)
    track.body_visibility[0] = 0.9
    track.body_visibility[0, :, 15] = UNSEEN_BELOW - 0.01  # left wrist
    track.body_visibility[0, :, 16] = UNSEEN_BELOW
    track.body_image[0, :, 27, :2] = (100, 361)  # left ankle, below the picture
    track.body_image[0, :, 28, :2] = (-0.5, 300)
    track.body_image[0, :, 26] = np.nan
    track.hand_image[0, 0, 1], track.hand_score[0, 0, 1] = 50, 0.7
    track.hand_image[0, 0, 1, 4, 0] = 700
    track.body_image[1, 1, :, :2] = (300, 100)
    track.body_visibility[1, 1] = 0.5
    track.body_image[0, 2], track.body_image[1, 2] = np.nan, 900  # in the last frame only somebody out of the picture
    track.body_visibility[1, 2] = 1
    track.save(tmp_path / "a.npz")
    assert export_track(tmp_path / "a.npz", tmp_path / "all") == 3
    names = [f"a dance_{number:012d}_keypoints.json" for number in (7, 8, 9)]
    assert sorted(path.name for path in (tmp_path / "all").iterdir()) == names
    files = [json.loads((tmp_path / "all" / name).read_text()) for name in names]
    assert [len(file["people"]) for file in files] == [1, 2, 0]
    assert files[0]["version"] == 1.3
    record = files[0]["people"][0]
    assert record["person_id"] == [-1]
    body = np.array(record["pose_keypoints_2d"]).reshape(25, 3)
    unseen = {BODY_25[i] for i in np.flatnonzero(~body.any(axis=1))}
    assert unseen == {"left_wrist", "left_ankle", "right_ankle", "right_knee"}
    np.testing.assert_allclose(body[BODY_25.index("right_wrist")], [100, 200, UNSEEN_BELOW], atol=1e-6)
    np.testing.assert_allclose(body[BODY_25.index("neck")], [100, 200, 0.9], atol=1e-4)
    right = np.array(record["hand_right_keypoints_2d"]).reshape(21, 3)
    assert np.flatnonzero(~right.any(axis=1)).tolist() == [4]
    assert not any(record["hand_left_keypoints_2d"] + record["face_keypoints_2d"])

    assert export_track(tmp_path / "a.npz", tmp_path / "one", person_id=5) == 3
    people = [openpose.read(tmp_path / "one" / name) for name in names]
    assert [len(found) for found in people] == [0, 1, 0]
    assert people[1][0].body25[0].tolist() == [300, 100, 0.5]
    with pytest.raises(UserError, match="no person 1; it has: 0, 5"):
        export_track(tmp_path / "a.npz", tmp_path / "none", person_id=1)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match="is a file"):
        export_track(tmp_path / "a.npz", tmp_path / "file")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.3"])
def test_coco_and_older_versions_are_imported(tmp_path: Path, version: str):
    coco = np.array([figure(300, 150)[BODY_25.index(name)] for name in COCO_18])
    coco[COCO_18.index("left_ear")] = 0
    hand = np.column_stack([np.full((21, 2), 250.0), np.full(21, 0.4)])
    folder = folder_of(tmp_path, [[{"pose": coco, "hand_right": hand}], [], [{"pose": coco}]], version=version)
    track = imported(folder, tmp_path / "a.npz")
    assert track.header["capture"]["layout"] == "COCO_18"
    assert (track.people, track.frames) == (1, 3)
    assert track.body_seen[0].tolist() == [True, False, True]
    for name in COCO_18:
        if name in MEDIAPIPE_33:
            point = track.body_image[0, 0, MEDIAPIPE_33.index(name), :2]
            if name == "left_ear":
                assert np.isnan(point).all()
            else:
                np.testing.assert_allclose(point, figure(300, 150)[BODY_25.index(name), :2], atol=1e-3)
    assert np.isnan(track.body_image[0, 0, 29:, :2]).all()  # no feet
    assert np.isnan(track.body_world).all()
    assert track.hand_score[0, 0].tolist() == pytest.approx([0, 0.4])
    assert not track.face_score.any()


def test_folders_that_cannot_be_imported(tmp_path: Path):
    def import_(folder: Path, **options: tuple[int, int]) -> None:
        imported(folder, tmp_path / "out" / "a.npz", **options)

    body = [{"pose": figure(300, 150)}]
    for name, files, words in (
        ("empty", {}, "holds no files that end in _keypoints.json"),
        ("other", {"notes.json": "{}"}, "holds no files"),
        ("nobody", {"a_000_keypoints.json": text_of()}, "Nobody"),
        ("hands", {"a_000_keypoints.json": text_of({"hand_left": np.ones((21, 3))})}, "Nobody"),
        ("broken", {"a_000_keypoints.json": text_of(*body), "a_001_keypoints.json": text_of(*body)[:200]}, "a_001_keypoints.json is not"),
        ("deep", {"a_000_keypoints.json": "[" * 100_000}, "is not an OpenPose"),
        ("two", {"a_000_keypoints.json": text_of(*body), "b_000_keypoints.json": text_of(*body)}, r"several videos \(a, b\)"),
        ("twice", {"a_1_keypoints.json": text_of(*body), "a_01_keypoints.json": text_of(*body)}, "same frame number"),
        ("mixed", {"a_0_keypoints.json": text_of(*body), "a_1_keypoints.json": text_of({"pose": np.ones((18, 3))})}, "COCO_18 where"),
        ("in one", {"a_0_keypoints.json": text_of(*body, {"pose": np.ones((18, 3))})}, "different layouts"),
        ("scaled", {"a_0_keypoints.json": text_of({"pose": figure(0.5, 0.5, 0.005)})}, "keypoint_scale 0"),
        ("large", {"a_0_keypoints.json": text_of({"pose": figure(1200, 150)})}, "beyond the picture of 640 × 360"),
    ):
        (tmp_path / name).mkdir()
        for file, text in files.items():
            (tmp_path / name / file).write_text(text)
        with pytest.raises(UserError, match=words) as error:
            import_(tmp_path / name)
        assert "\n" not in str(error.value)
        assert not (tmp_path / "out").exists()
    with pytest.raises(UserError, match="no folder"):
        import_(tmp_path / "missing")
    with pytest.raises(UserError, match=r"ends in \.npz"):
        imported(tmp_path / "two", tmp_path / "out.json")


def test_frame_numbers_are_those_in_the_names(tmp_path: Path):
    folder = tmp_path / "keypoints"
    folder.mkdir()
    for number in (10, 9, 100):
        (folder / f"shot 2_{number}_keypoints.json").write_text(text_of({"pose": figure(300, 150)}))
    track = imported(folder, tmp_path / "a.npz", fps=10)
    assert track.frame_index.tolist() == [9, 10, 100]
    assert track.time.tolist() == [0.9, 1.0, 10.0]


class TestCommandLine:
    def run(self, *words: object) -> dict:
        args = build_parser().parse_args(["openpose", *map(str, words)])
        return args.run(args, SILENT)

    def test_there_and_back(self, tmp_path: Path):
        folder = folder_of(tmp_path, [[{"pose": figure(300, 150)}]] * 3)
        result = self.run("import", folder, "--out", tmp_path / "a.npz", "--size", "640x360", "--fps", 12.5)
        assert [entry["frames"] for entry in result["people"]] == [3]
        track = PoseTrack.load(tmp_path / "a.npz")
        assert (track.size, track.fps, track.time[2]) == ((640, 360), 12.5, 0.16)
        assert self.run("export", tmp_path / "a.npz", "--out", tmp_path / "back", "--person", "main") == {"files": 3}
        assert len(list((tmp_path / "back").iterdir())) == 3

    def test_times_are_the_videos(self, tmp_path: Path):
        pytest.importorskip("av")
        folder = folder_of(tmp_path, [[{"pose": figure(200, 150)}]] * 3)
        actor = Path(__file__).parents[2] / "samples" / "actor.mp4"
        self.run("import", folder, "--out", tmp_path / "a.npz", "--video", actor)
        track = PoseTrack.load(tmp_path / "a.npz")
        assert track.video["name"] == "actor.mp4"
        assert track.time == pytest.approx(np.arange(3) / 25, abs=1e-4)
        (folder / "dance_000000099999_keypoints.json").write_text(text_of())
        with pytest.raises(UserError, match="go up to frame 99999"):
            self.run("import", folder, "--out", tmp_path / "b.npz", "--video", actor)

    def test_what_openpose_looked_at_has_to_be_said(self, tmp_path: Path):
        folder = folder_of(tmp_path, [[{"pose": figure(300, 150)}]])
        for options in ([], ["--fps", "25"], ["--size", "640x360"], ["--video", "a.mp4", "--size", "640x360"]):
            with pytest.raises(UserError, match="either --video"):
                self.run("import", folder, "--out", tmp_path / "a.npz", *options)
        for options in (["--size", "640"], ["--size", "0x360"], ["--fps", "-1"]):
            with pytest.raises(SystemExit):
                self.run("import", folder, "--out", tmp_path / "a.npz", *options)
