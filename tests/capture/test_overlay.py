# SPDX-License-Identifier: GPL-3.0-or-later
"""The overlay movie: whom it shows, when, and what its marks say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("cv2")
pytest.importorskip("av")

from ningyo.__main__ import build_parser
from ningyo.errors import Cancelled, UserError
from ningyo.jobs.progress import SILENT, Reporter
from ningyo.synth_data.capture.labels import Label, draw_labels
from ningyo.synth_data.capture.overlay import BRIDGED, LEFT, RIGHT, frame_picture, write_overlay
from ningyo.synth_data.pose.colours import person_colour
from ningyo.synth_data.pose.landmarks import FACE_70_FROM_MEDIAPIPE
from ningyo.synth_data.pose.rows import unseen_rows
from ningyo.synth_data.pose.spill import TrackSpill
from ningyo.synth_data.pose.track_file import make_header
from ningyo.synth_data.video.read import probe, read_frames
from ningyo.synth_data.video.write import MovieWriter
from ningyo.verbs import overlay as verb

ACTOR = Path(__file__).parents[2] / "samples" / "actor.mp4"
GREY = 128
# A standing person who faces the camera, in heights from the top of the head: x to the picture's right (their left), y down.
BODY = {
    **dict.fromkeys(range(11), (0.0, 0.08)),
    **{11: (0.1, 0.2), 13: (0.15, 0.35), 15: (0.2, 0.48), 17: (0.21, 0.5), 19: (0.21, 0.52), 21: (0.19, 0.5)},
    **{23: (0.06, 0.5), 25: (0.07, 0.75), 27: (0.08, 0.95), 29: (0.07, 0.98), 31: (0.12, 1.0)},
}


def person(x: float, top: float, height: float, **more: Any) -> Any:
    """A row of somebody who is certain of all of the body, and shows neither hands nor face."""
    row = unseen_rows(1)[0]
    for joint, (right, down) in BODY.items():
        row["body_image"][joint] = (x + right * height, top + down * height, 0)
        if joint >= 11:
            row["body_image"][joint + 1] = (x - right * height, top + down * height, 0)
    row["body_visibility"] = 1.0
    for name, value in more.items():
        row[name] = value
    return row


def with_hands_and_face(row: Any) -> Any:
    """The same, with small hands at the wrists and a face at the head, all of one score."""
    for hand, wrist in enumerate((15, 16)):
        spread = np.column_stack([np.linspace(-1, 1, 21), np.linspace(0, 1, 21), np.zeros(21)])
        row["hand_image"][hand] = row["body_image"][wrist] + 12 * spread
    angles = np.linspace(0, 6, len(FACE_70_FROM_MEDIAPIPE))
    row["face_image"] = row["body_image"][0]
    row["face_image"][list(FACE_70_FROM_MEDIAPIPE), :2] += 15 * np.column_stack([np.cos(angles), np.sin(angles)])
    row["hand_score"], row["face_score"] = 0.9, 0.9
    return row


def picture(width: int = 480, height: int = 360) -> np.ndarray:
    return np.full((height, width, 3), GREY, np.uint8)


def near(rgb: np.ndarray, colour: tuple[int, ...], far: int = 60) -> np.ndarray:
    """Where the picture has about this colour."""
    return np.abs(rgb.astype(int) - colour).max(axis=-1) < far


def drawn_at(rgb: np.ndarray) -> tuple[float, float]:
    """First and last column in which anything is drawn."""
    columns = np.flatnonzero((np.abs(rgb.astype(int) - GREY).max(axis=2) > 40).any(axis=0))
    return (float(columns[0]), float(columns[-1])) if len(columns) else (np.nan, np.nan)


def test_a_picture_without_people_stays_as_it_is() -> None:
    before = picture()
    assert (frame_picture(before, []) == before).all()
    assert (frame_picture(before, [(0, unseen_rows(1)[0])]) == before).all()


def test_left_is_warm_right_is_cool_and_the_rest_is_the_persons_own() -> None:
    before = picture()
    drawn = frame_picture(before, [(1, person(240, 60, 250))])
    assert (before == GREY).all(), "the source's picture is not drawn into"
    left, right = near(drawn, LEFT), near(drawn, RIGHT)
    assert left[:, 245:].sum() > 100
    assert right[:, :235].sum() > 100
    assert not left[:, :230].any()
    assert not right[:, 250:].any()
    shoulders = 60 + round(0.2 * 250)
    assert near(drawn[shoulders, 240], person_colour(1)), "what joins the sides"
    assert not near(drawn, person_colour(4), 25).any()


def test_the_box_has_the_persons_colour_and_size() -> None:
    drawn = frame_picture(picture(), [(1, person(240, 60, 250))])
    rows, columns = np.nonzero(near(drawn, person_colour(1), 30))
    assert rows.max() == pytest.approx(60 + 250 + 10, abs=5)
    assert (columns.min(), columns.max()) == pytest.approx((240 - 52 - 11, 240 + 52 + 11), abs=5)
    label = near(drawn[:69], person_colour(1), 10)
    assert label.sum() > 300, "the label lies over the box"


def test_bridged_bodies_are_grey_and_dashed() -> None:
    seen, bridged = (frame_picture(picture(), [(2, person(240, 60, 250, bridged=flag))]) for flag in (False, True))
    assert near(seen, LEFT).any()
    assert not near(bridged, LEFT).any()
    assert not near(bridged, RIGHT).any()
    thigh = bridged[60 + 140 : 60 + 175, 250:265]
    along = near(thigh, BRIDGED, 25).any(axis=1)
    assert 0.2 < along.mean() < 0.95, "dashes, not one line"


def test_hidden_joints_are_faint_and_hollow() -> None:
    row = person(240, 60, 250)
    row["body_visibility"][[25, 27]] = 0.0
    drawn = frame_picture(picture(), [(0, row)])
    knee = np.rint(row["body_image"][25, :2]).astype(int)
    sure_knee = np.rint(row["body_image"][26, :2]).astype(int)
    shin = np.rint(row["body_image"][[25, 27], :2].mean(axis=0)).astype(int)
    sure_shin = np.rint(row["body_image"][[26, 28], :2].mean(axis=0)).astype(int)

    def strength(place: np.ndarray) -> int:
        around = drawn[place[1] - 1 : place[1] + 2, place[0] - 2 : place[0] + 3].astype(int)
        return int(np.ptp(around, axis=2).max())  # grey has none

    assert strength(shin) < 0.6 * strength(sure_shin)
    assert np.ptp(drawn[sure_knee[1], sure_knee[0]].astype(int)) > 1.5 * np.ptp(drawn[knee[1], knee[0]].astype(int))


def test_hands_and_faces_of_large_people_only() -> None:
    def share(height: float) -> float:
        plain, full = person(240, 20, height), with_hands_and_face(person(240, 20, height))
        full["body_image"], plain["body_image"] = plain["body_image"], full["body_image"]
        drawn, bare = (frame_picture(picture(), [(0, row)]) for row in (full, plain))
        return float((drawn != bare).any(axis=2).sum() / height)

    assert share(300) > 3
    small, bare = with_hands_and_face(person(240, 100, 40)), person(240, 100, 40)
    for row in (small, bare):  # equally large boxes
        row["hand_image"][:, :, :2] = np.nan
        row["face_image"][:, :2] = row["body_image"][0, :2]
    assert (frame_picture(picture(), [(1, small)]) == frame_picture(picture(), [(1, bare)])).all()


def test_marks_tell_what_was_seen_and_repaired() -> None:
    def label(**more: Any) -> np.ndarray:
        return frame_picture(picture(), [(0, person(240, 60, 250, **more))])[:69]

    plain = label()
    assert (plain == label()).all()
    assert near(label(hand_score=(0.8, 0)), LEFT, 35).any()
    assert not near(plain, LEFT, 35).any()
    assert near(label(hand_score=(0, 0.8)), RIGHT, 35).any()
    exchanged, turned = label(repaired=1), label(repaired=2)
    assert (exchanged != plain).any()
    assert (exchanged != turned).any()


def test_labels_of_people_who_stand_close_together_do_not_hide_each_other() -> None:
    colours = [person_colour(number) for number in range(4)]
    labels = [
        Label(f"{number} 90%", (), np.array([100.0 + 9 * number, 100, 160 + 9 * number, 300]), colour, True, 0)
        for number, colour in enumerate(colours)
    ]
    out = picture()
    draw_labels(out, labels)
    alone = picture()
    draw_labels(alone, labels[:1])
    whole = near(alone, colours[0], 3).sum()
    assert [near(out, colour, 3).sum() > 0.7 * whole for colour in colours] == [True] * 4
    edge = picture()
    draw_labels(edge, [Label("0 main 90%", (("F90", LEFT),), np.array([-50.0, -20, 900, 700]), colours[0], True, 0)])
    assert near(edge, colours[0], 3).sum() > whole, "inside the picture where the box is not"


def test_points_that_are_unknown_or_far_away() -> None:
    row = person(240, 60, 250)
    row["body_image"][[13, 25, 0], :] = np.nan
    row["body_image"][15, :2] = 1e9, -1e9
    row["body_image"][:, 2] = np.nan  # points from 2-D files
    assert (frame_picture(picture(), [(0, row)]) != GREY).any()
    outside = person(-900, -900, 250)
    frame_picture(picture(), [(0, outside)], {0: np.array([[-900.0, 0], [-800, 5]])})
    frame_picture(picture(1, 1), [(0, person(0, 0, 1))])


def test_neighbours_in_number_differ_in_colour() -> None:
    colours = np.array([person_colour(number) for number in range(12)], float)
    apart = np.abs(colours[:, None] - colours).max(axis=2) + 1000 * np.eye(12)
    assert apart[:6, :6].min() >= 90
    assert apart.min() >= 30
    weights = (0.2126, 0.7152, 0.0722)
    assert (colours @ weights).min() > 90, "dark colours vanish in dark pictures"


@pytest.fixture
def filmed(tmp_path: Path) -> tuple[Path, Path]:
    """An odd-sized movie of 20 grey frames at a varying rate, and a track of its frames 4 to 15: person 0 walks to the right through all of
    them, person 2 stands at the right from the tenth frame on."""
    size, times = (321, 241), np.cumsum([0.04, 0.08] * 10) - 0.04
    with MovieWriter(tmp_path / "a.mp4", 16, size) as movie:
        for time in times:
            movie.write(picture(*size), time)
    info = probe(tmp_path / "a.mp4")
    shown = [frame.time for frame in read_frames(tmp_path / "a.mp4")]
    spill = TrackSpill(tmp_path / "spill")
    for index in range(4, 16):
        spill.begin_frame(shown[index], index)
        rows = {0: person(60 + 6 * (index - 4), 30, 180)} | ({2: person(260, 30, 180)} if index >= 10 else {})
        for number, row in rows.items():
            spill.put(number, **{name: row[name] for name in ("body_image", "body_visibility")})
    settings = {"start": shown[4], "end": shown[16], "fps": None}
    spill.save(tmp_path / "track.npz", make_header(info.header("0" * 64), settings), [0, 2], [0, 2])
    spill.discard()
    return tmp_path / "a.mp4", tmp_path / "track.npz"


def test_everyone_is_shown_when_they_are_there(filmed: tuple[Path, Path], tmp_path: Path) -> None:
    video, track = filmed
    events: list[dict[str, Any]] = []
    write_overlay(video, track, tmp_path / "overlay.mp4", report=Reporter(events.append))
    drawn = list(read_frames(tmp_path / "overlay.mp4"))
    source = list(read_frames(video))[4:16]
    assert len(drawn) == 12
    np.testing.assert_allclose([frame.time for frame in drawn], [frame.time - source[0].time for frame in source], atol=2e-3)
    assert drawn[0].rgb.shape[:2] == (242, 322), "movies have even sizes"
    for index, frame in enumerate(drawn):
        first, last = drawn_at(frame.rgb[60:220])  # under the labels
        trail = 6 * index if index > 8 else 0
        assert first == pytest.approx(60 + 6 * index - 48 - trail, abs=12 + trail)
        assert last == pytest.approx(308 if index >= 6 else 60 + 6 * index + 48, abs=12)
        assert near(frame.rgb, person_colour(2), 60).any() == (index >= 6)
    assert [event["done"] for event in events if event["type"] == "progress"] == list(range(1, 13))
    assert events[-1]["total"] == 12


def test_a_thinned_track_is_shown_at_its_own_frames(filmed: tuple[Path, Path], tmp_path: Path) -> None:
    video, _ = filmed
    info = probe(video)
    spill = TrackSpill(tmp_path / "thin")
    kept = [(frame.index, frame.time) for frame in read_frames(video, None, None, 5)]
    for index, time in kept:
        spill.begin_frame(time, index)
        spill.put(0, body_image=person(160, 30, 180)["body_image"])
    spill.save(tmp_path / "thin.npz", make_header(info.header("0" * 64), {"start": None, "end": None, "fps": 5.0}), [0])
    spill.discard()
    write_overlay(video, tmp_path / "thin.npz", tmp_path / "overlay.mp4")
    times = [frame.time for frame in read_frames(tmp_path / "overlay.mp4")]
    np.testing.assert_allclose(times, [time - kept[0][1] for _, time in kept], atol=2e-3)
    assert float(probe(tmp_path / "overlay.mp4").fps) < 7


def test_the_sources_sound_goes_along(tmp_path: Path) -> None:
    info = probe(ACTOR)
    assert info.has_audio
    spill = TrackSpill(tmp_path / "spill")
    for frame in read_frames(ACTOR, 1.0, 1.4):
        spill.begin_frame(frame.time, frame.index)
        spill.put(0, body_image=person(info.width / 2, 10, 0.9 * info.height)["body_image"])
    spill.save(tmp_path / "track.npz", make_header(info.header("0" * 64), {"start": 1.0, "end": 1.4, "fps": None}), [0])
    spill.discard()
    write_overlay(ACTOR, tmp_path / "track.npz", tmp_path / "overlay.mp4")
    made = probe(tmp_path / "overlay.mp4")
    assert made.has_audio
    assert made.frame_count == 10
    drawn, source = next(read_frames(tmp_path / "overlay.mp4")).rgb, next(read_frames(ACTOR, 1.0)).rgb
    difference = np.abs(drawn.astype(int) - source).max(axis=2) > 60
    assert 0.005 < difference.mean() < 0.15, "drawn over the source, not in its place"


def test_the_command_finds_the_tracks_video(filmed: tuple[Path, Path], tmp_path: Path) -> None:
    video, track = filmed
    command = ["overlay", str(track), "--out", str(tmp_path / "out" / "overlay.mp4")]
    assert verb.run(build_parser().parse_args(command), SILENT) == {"overlay": str(tmp_path / "out" / "overlay.mp4")}
    assert probe(tmp_path / "out" / "overlay.mp4").frame_count == 12
    moved = video.rename(tmp_path / "moved.mp4")
    with pytest.raises(UserError, match=r"a\.mp4"):
        verb.run(build_parser().parse_args(command), SILENT)
    verb.run(build_parser().parse_args([*command, "--video", str(moved)]), SILENT)
    with pytest.raises(UserError, match="another size"):
        verb.run(build_parser().parse_args([*command, "--video", str(ACTOR)]), SILENT)


def test_a_walk_leaves_a_trail(filmed: tuple[Path, Path]) -> None:
    row, path = person(240, 60, 250), np.column_stack([np.linspace(60, 240, 25), np.full(25, 185.0)])
    own = near(frame_picture(picture(), [(0, row)], {0: path}), person_colour(0), 60)
    assert own[180:190, 130:200].any()
    still = near(frame_picture(picture(), [(0, row)], {0: path[-3:]}), person_colour(0), 60)
    assert not still[180:190, 130:200].any()


def test_stopping_leaves_no_movie(filmed: tuple[Path, Path], tmp_path: Path) -> None:
    video, track = filmed
    events: list[Any] = []
    stop: Callable[[], bool] = lambda: len(events) >= 3  # noqa: E731
    with pytest.raises(Cancelled):
        write_overlay(video, track, tmp_path / "overlay.mp4", report=Reporter(events.append, stop))
    assert not list(tmp_path.glob("*overlay*"))
