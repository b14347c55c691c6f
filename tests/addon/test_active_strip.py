# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Blender is looked for first)
"""The panel and the buttons of a strip of generated frames."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from ningyo.__main__ import build_parser
from ningyo.addon import active_strip, jobs
from ningyo.addon.results import show_frames
from ningyo.sequencer import timeline
from ningyo.sequencer.strips import find_images
from ningyo.synth_data.dataset.png import encode_png

HEADER = {
    "fps": 24.0,
    "count": 4,
    "video": {"name": "dance é.mp4", "path": "/videos/dance é.mp4"},
    "person": 2,
    "character": "hero",
    "made_by": {"model": "../model", "track": "../track.npz", "motion": "../gone.npz", "mp4": "../anime.mp4"},
}


@pytest.fixture
def frames(addon, tmp_path: Path) -> Path:
    """Three of four frames as person 2's, shown by the active strip."""
    folder = tmp_path / "wörk" / "frames-person-2"
    folder.mkdir(parents=True)
    for index in range(3):
        (folder / f"{index:06d}.png").write_bytes(encode_png(np.full((8, 8, 4), (0, 200, 0, 128), np.uint8)))
    (folder / "frames.json").write_text(json.dumps(HEADER))
    (folder.parent / "model").mkdir()
    (folder.parent / "track.npz").touch()
    active_strip.forget()
    scene = bpy.context.scene
    show_frames(scene, folder, Path("/no video"))
    scene.sequence_editor.active_strip = find_images(scene, folder)[0]
    return folder


def test_the_panel_says_how_the_frames_were_made(frames: Path, drawn) -> None:
    panel = active_strip.NINGYO_PT_strip
    assert panel.poll(bpy.context)
    texts = drawn(panel)
    for title, value in (("Video", "dance é.mp4"), ("Character", "hero"), ("Model", "model"), ("Person", "2")):
        assert texts[texts.index(title) + 1] == value
    assert texts[texts.index("Frames") + 1] == "3 of 4, 1 missing"
    film = "This view transform changes the colors"
    assert film not in " ".join(texts)
    bpy.context.scene.view_settings.view_transform = "AgX"
    assert film in " ".join(drawn(panel))
    assert {f"button(ningyo.{name}" for name in ("redo_strip", "open_folder", "strip_background", "strip_proxies")} <= set(texts)
    bpy.context.scene.sequence_editor.active_strip = None
    assert not panel.poll(bpy.context)
    assert not bpy.ops.ningyo.redo_strip.poll()


def test_other_image_strips_are_left_alone(frames: Path, tmp_path: Path) -> None:
    scene = bpy.context.scene
    picture = tmp_path / "holiday.png"
    picture.write_bytes(encode_png(np.zeros((8, 8, 3), np.uint8)))
    strip = timeline.strips_of(scene.sequence_editor).new_image(name="mine", filepath=str(picture), channel=9, frame_start=1)
    scene.sequence_editor.active_strip = strip
    assert active_strip.active_frames(bpy.context) is None
    assert not bpy.ops.ningyo.strip_background.poll()


def test_redo_starts_the_job_that_made_the_frames(frames: Path, scripted_worker, until) -> None:
    scripted_worker("""
job = WorkerJob(folder, "generate", [])
report = Reporter(job.sink, job.is_cancelled)
wait_for("end")
report.emit("result", state="done")
job.close()
""")
    assert bpy.ops.ningyo.redo_strip() == {"FINISHED"}
    (job,) = jobs.JOBS
    asked = build_parser().parse_args([job.verb, *job.arguments])
    work = frames.parent.resolve()
    assert (asked.model, asked.track, asked.out) == (work / "model", work / "track.npz", frames.resolve())
    assert (asked.person, asked.mp4) == (2, work / "anime.mp4")
    assert asked.motion is None, "it is not there any more, and is solved again"
    assert job.note["out"] == str(work)
    with pytest.raises(RuntimeError, match="A job is at work"):
        bpy.ops.ningyo.redo_strip()
    (job.folder / "end").touch()
    until(lambda: not job.is_running)
    assert len(find_images(bpy.context.scene, frames)) == 1


def test_redo_says_what_is_missing(frames: Path) -> None:
    (frames.parent / "track.npz").unlink()
    with pytest.raises(RuntimeError, match="put it back"):
        bpy.ops.ningyo.redo_strip()
    header: dict[str, Any] = {key: value for key, value in HEADER.items() if key != "made_by"}
    (frames / "frames.json").write_text(json.dumps(header))
    active_strip.forget()
    with pytest.raises(RuntimeError, match="do not say how they were made"):
        bpy.ops.ningyo.redo_strip()
    assert not jobs.JOBS


def test_backgrounds_by_their_buttons(frames: Path, drawn, tmp_path: Path) -> None:
    scene = bpy.context.scene
    wall = tmp_path / "wall.png"
    wall.write_bytes(encode_png(np.zeros((8, 8, 3), np.uint8)))

    def lying() -> list[str]:
        return sorted(strip.type for strip in timeline.strips_of(scene.sequence_editor))

    assert bpy.ops.ningyo.strip_background(kind="COLOR") == {"FINISHED"}
    assert lying() == ["COLOR", "IMAGE"]
    drawn(active_strip.NINGYO_PT_strip)
    assert bpy.ops.ningyo.strip_background(kind="FILE", filepath=str(wall)) == {"FINISHED"}
    assert lying() == ["IMAGE", "IMAGE"]
    assert bpy.ops.ningyo.strip_background(kind="VIDEO") == {"FINISHED"}
    assert lying() == ["IMAGE"]
    with pytest.raises(RuntimeError, match="choose a picture"):
        bpy.ops.ningyo.strip_background(kind="FILE")
    with pytest.raises(RuntimeError, match="nothing to make proxies of"):
        bpy.ops.ningyo.strip_proxies(size="50")
