# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Blender is looked for first)
"""Who is in the track and who of them is meant: the list, the choice, and the overlay movie in the sequencer and in an image editor."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from ningyo.addon import jobs, looking, panels, people, swatches
from ningyo.addon.overlay import image_editor
from ningyo.addon.people import Person, cast_of, listed
from ningyo.addon.properties import plan_of
from ningyo.addon.swatches import swatch
from ningyo.sequencer.strips import add_overlay, find_movie, span
from ningyo.sequencer.timeline import every_strip
from ningyo.synth_data.pose.colours import person_colour
from ningyo.synth_data.pose.track import PoseTrack

ACTOR = Path(__file__).parents[2] / "samples" / "actor.mp4"
FPS, FRAMES = 25.0, 50


def save_track(file: Path, count: int = 3, start: float | None = None, path: Path = ACTOR) -> None:
    """Person p stands from frame 10 p on, 100 + 10 p pixels tall; the main person's left hand is seen in half of the frames."""
    video = {"name": "a.mp4", "path": str(path), "sha256": "", "width": 640, "height": 480}
    video |= {"fps": FPS, "frame_count": FRAMES, "duration": FRAMES / FPS, "has_audio": False}
    track = PoseTrack.unseen(count, np.arange(FRAMES) / FPS, np.arange(FRAMES), video, {"start": start, "fps": None})
    for person in range(count):
        points = np.full((33, 3), 50.0)
        points[:, 1] = np.linspace(0, 100 + 10 * person, 33)
        track.body_image[person, min(10 * person, FRAMES - 5) :] = points
    track.hand_image[0, ::2, 0], track.hand_score[0, ::2, 0] = 50.0, 0.8
    file.parent.mkdir(parents=True, exist_ok=True)
    track.save(file)


@pytest.fixture
def track(addon: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The track of the scene's video, and no time between looks at it."""
    monkeypatch.setattr(looking, "SECONDS_BETWEEN_LOOKS", 0.0)
    video = tmp_path / "dance.mp4"
    shutil.copy(ACTOR, video)
    os.utime(video, (1e9, 1e9))
    bpy.context.scene.ningyo.video = str(video)
    track = plan_of(bpy.context).files.track
    save_track(track)
    return track


@pytest.fixture
def overlay(track: Path) -> Path:
    """An overlay movie, as if drawn."""
    overlay = plan_of(bpy.context).overlay
    shutil.copy(ACTOR, overlay)
    return overlay


def test_everyone_of_the_track_is_known(track: Path) -> None:
    cast = cast_of(track)
    assert [person.id for person in cast.people] == [0, 1, 2]
    assert (cast.fps, cast.start, cast.problem) == (FPS, 0, "")
    assert [person.seconds for person in cast.people] == pytest.approx([1.96, 1.56, 1.16], abs=0.01)
    assert [person.height for person in cast.people] == [100, 110, 120]
    assert (cast.people[0].body, cast.people[0].hands, cast.people[0].face) == (1, 0.25, 0)
    assert cast.has(2)
    assert not cast.has(3)
    save_track(track, count=2, start=1.5)
    assert len(cast_of(track).people) == 2, "another file, another cast"
    assert cast_of(track).start == 1.5
    track.write_text("no track")
    assert "not a pose track" in cast_of(track).problem
    track.unlink()
    assert cast_of(track) == people.Cast()


def test_looking_often_costs_little(track: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "SECONDS_BETWEEN_LOOKS", 3600.0)
    before = cast_of(track)
    track.unlink()
    assert cast_of(track) is before, "not even looked for again"


def test_of_a_crowd_those_who_matter_are_listed() -> None:
    crowd = [Person(number, float(number % 20), 100.0, 1.0, 0.0, 0.0) for number in range(40)]
    shown = [person.id for person in listed(crowd, 21)]
    assert len(shown) == people.LISTED
    assert shown == sorted(shown)
    assert {0, 21, 19, 39, 18} <= set(shown)
    assert listed(crowd[:3], 99) == crowd[:3]


def test_the_panel_lists_people_and_the_button_chooses(track: Path, drawn) -> None:
    texts = drawn(panels.People)
    assert texts.count("button(ningyo.choose_person") == 3
    assert {"2 s", "100", "110", "120", "25"} <= set(texts)
    settings = bpy.context.scene.ningyo
    assert bpy.ops.ningyo.choose_person(person=2) == {"FINISHED"}
    assert settings.person == 2
    for verb in ("retarget", "generate", "run"):
        arguments = plan_of(bpy.context).arguments(verb)
        assert arguments[arguments.index("--person") + 1] == "2"
    settings.person = 7
    assert any("no person 7" in text for text in drawn(panels.People))
    save_track(track, count=12)
    texts = drawn(panels.People)
    assert texts.count("button(ningyo.choose_person") == people.LISTED
    assert "And 4 more, by number" in texts
    track.unlink()
    assert any("Capture first" in text for text in drawn(panels.People))
    track.write_text("no track")
    assert "not a pose track" in " ".join(drawn(panels.People))


def test_people_have_icons_of_their_own_colours(addon: Any) -> None:
    # Without a window all icons have number 0.
    for person in (*range(6), *range(6)):
        swatch(person)
    icons = list(swatches._made["icons"].values())
    assert len(icons) == 6
    middle = 4 * (swatches.SIDE * swatches.SIDE // 2 + swatches.SIDE // 2)
    shown = [np.array(icon.icon_pixels_float)[middle : middle + 4] * 255 for icon in icons]
    np.testing.assert_allclose(shown, [(*person_colour(person), 255) for person in range(6)], atol=1)


def test_the_overlay_lies_over_the_video(overlay: Path, track: Path, drawn) -> None:
    scene = bpy.context.scene
    assert bpy.ops.ningyo.show_overlay() == {"FINISHED"}
    source, strip = find_movie(scene, Path(scene.ningyo.video)), find_movie(scene, overlay)
    assert strip.channel > source.channel
    assert span(strip) == span(source) == (scene.frame_start, scene.frame_end + 1)
    assert scene.render.fps / scene.render.fps_base == FPS
    strip.mute = True
    assert bpy.ops.ningyo.show_overlay() == {"FINISHED"}
    assert not strip.mute
    drawn(panels.People)
    save_track(track, start=2.0)
    shutil.copy(ACTOR, overlay)
    assert bpy.ops.ningyo.show_overlay() == {"FINISHED"}
    assert span(find_movie(scene, overlay))[0] == scene.frame_start + 50, "the track begins two seconds into the video"


DRAWS = """
import shutil
job = WorkerJob(folder, "overlay", [])
shutil.copy({actor!r}, folder.parents[1] / "overlay.mp4")
job.sink({{"time": 0, "type": "result", "state": "done"}})
job.close()
"""


def test_a_missing_overlay_is_drawn_first(scripted_worker: Any, until: Any, track: Path) -> None:
    scripted_worker(DRAWS.format(actor=str(ACTOR)))
    scene, plan = bpy.context.scene, plan_of(bpy.context)
    assert bpy.ops.ningyo.show_overlay() == {"FINISHED"}
    (job,) = jobs.JOBS
    assert (job.verb, job.arguments) == ("overlay", plan.arguments("overlay"))
    assert not list(every_strip(scene))
    assert not bpy.ops.ningyo.show_overlay.poll(), "two jobs would write over each other"
    until(lambda: not job.is_running)
    assert find_movie(scene, plan.overlay) is not None
    assert job.note["shown"]
    # It is older than a track that is made anew, and drawn again.
    os.utime(plan.overlay, (1e9, 1e9))
    assert bpy.ops.ningyo.show_overlay() == {"FINISHED"}
    assert len(jobs.JOBS) == 2
    until(lambda: not jobs.JOBS[1].is_running)
    assert len([strip for strip in every_strip(scene) if strip.name.startswith("Ningyo overlay")]) == 1


def test_another_character_takes_over_the_capture_of_the_same_video(scripted_worker: Any, until: Any, track: Path, tmp_path: Path) -> None:
    scripted_worker(DRAWS.format(actor=str(ACTOR)))
    settings = bpy.context.scene.ningyo
    save_track(track.parent.parent / "newer" / track.name, count=1)  # of another video
    video = plan_of(bpy.context).video
    save_track(track, path=video)
    settings.seed = 7
    other = plan_of(bpy.context).files.track
    assert other != track
    assert not other.exists()
    assert bpy.ops.ningyo.capture() == {"FINISHED"}
    assert other.read_bytes() == track.read_bytes()
    until(lambda: not jobs.JOBS[-1].is_running)
    other.write_bytes(b"its own")
    assert bpy.ops.ningyo.capture() == {"FINISHED"}
    assert other.read_bytes() == b"its own", "what is there is the worker's to look at"


def test_what_stands_in_the_overlays_way_is_said(track: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bpy.ops.ningyo.show_overlay.poll()
    assert bpy.ops.ningyo.overlay_frame.poll()
    track.unlink()
    assert not bpy.ops.ningyo.show_overlay.poll()
    assert not bpy.ops.ningyo.overlay_frame.poll()
    save_track(track)
    plan = plan_of(bpy.context)
    plan.overlay.write_text("no movie")
    with pytest.raises(RuntimeError, match="cannot read"):
        bpy.ops.ningyo.show_overlay()
    monkeypatch.delenv("NINGYO_WORKER")
    monkeypatch.setattr("ningyo.addon.worker.find_interpreter", lambda folders: None)
    assert bpy.ops.ningyo.show_overlay.poll(), "what is there already needs no worker"
    plan.overlay.unlink()
    assert not bpy.ops.ningyo.show_overlay.poll()


def test_the_overlays_frame_in_an_image_editor(overlay: Path, track: Path) -> None:
    scene = bpy.context.scene
    assert image_editor(bpy.context, bpy.data.images.new("any", 8, 8)) is None
    assert bpy.ops.ningyo.overlay_frame() == {"FINISHED"}, "without an image editor it says so"
    area = bpy.context.window_manager.windows[0].screen.areas[0]
    before, area.type = area.type, "IMAGE_EDITOR"
    try:
        scene.render.fps, scene.render.fps_base = 25, 1.0
        save_track(track, start=0.4)
        shutil.copy(ACTOR, overlay)
        assert bpy.ops.ningyo.overlay_frame() == {"FINISHED"}
        space = area.spaces.active
        user = space.image_user
        assert Path(space.image.filepath).resolve() == overlay
        assert space.image.source == "MOVIE"
        assert user.use_auto_refresh
        assert (user.frame_start - user.frame_offset, user.frame_duration) == (scene.frame_start + 10, space.image.frame_duration)
        # Along with the strip, wherever that lies.
        add_overlay(scene, overlay, start=2.0)
        bpy.ops.ningyo.overlay_frame()
        assert user.frame_start - user.frame_offset == scene.frame_start + 50
        # At another rate than the video's: the right picture, standing still.
        scene.render.fps = 50
        scene.frame_set(scene.frame_start + 50 + 20)
        bpy.ops.ningyo.overlay_frame()
        assert not user.use_auto_refresh
        assert scene.frame_current - user.frame_start + user.frame_offset == 10
        assert [image.source for image in bpy.data.images].count("MOVIE") == 1
    finally:
        area.type = before
