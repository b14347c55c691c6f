# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (the worker's libraries are looked for first)
"""`ningyo run`, for one person of a video and then for another, into the same folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

av = pytest.importorskip("av")
bpy = pytest.importorskip("bpy")
pytest.importorskip("mediapipe")
pytest.importorskip("torch")

from ningyo.errors import UserError
from ningyo.jobs.progress import SILENT
from ningyo.sequencer.frames import FrameFolder
from ningyo.verbs.run import Pipeline, run_pipeline

ACTOR = Path(__file__).parents[2] / "samples" / "actor.mp4"
FRAMES = 16


def two_actors(path: Path) -> Path:
    """The sample clip twice beside each other, the second one smaller."""
    with av.open(str(ACTOR)) as source, av.open(str(path), "w") as movie:
        stream = movie.add_stream("libx264", rate=25)
        for frame, _ in zip(source.decode(video=0), range(FRAMES), strict=False):
            picture = frame.to_ndarray(format="rgb24")
            small = frame.to_ndarray(format="rgb24", width=frame.width * 3 // 4, height=frame.height * 3 // 4)
            lower = np.full((frame.height, small.shape[1], 3), small[0, 0], np.uint8)
            lower[-len(small) :] = small
            both = np.ascontiguousarray(np.hstack([picture, lower])[: frame.height // 2 * 2, : (frame.width + small.shape[1]) // 2 * 2])
            if not stream.codec_context.is_open:
                stream.width, stream.height, stream.pix_fmt = both.shape[1], both.shape[0], "yuv420p"
            movie.mux(stream.encode(av.VideoFrame.from_ndarray(both, format="rgb24")))
        movie.mux(stream.encode())
    return path


@pytest.mark.slow
def test_two_people_of_a_video_one_after_the_other(tmp_path: Path) -> None:
    video = two_actors(tmp_path / "two.mp4")
    out = tmp_path / "out"

    def run(person: int) -> Pipeline:
        pipeline = Pipeline(video, "builtin", out, 0.05, 8, 64, "tiny", 0, person=person, fast=True)
        run_pipeline(pipeline, SILENT)
        return pipeline

    main = run(0)
    kept = {path: path.read_bytes() for path in (main.motion, main.dataset / "index.jsonl", main.contact_sheet, main.report, main.movie)}
    other = run(1)
    assert all(path.read_bytes() == content for path, content in kept.items())
    first, second = FrameFolder.read(main.frames), FrameFolder.read(other.frames)
    assert (first.person, second.person) == (0, 1)
    assert (first.header["made_by"]["model"], second.header["made_by"]["model"]) == ("../model", "../model-person-1")
    assert json.loads(other.report.read_text("utf-8"))["generate"]["frames"] == FRAMES
    bpy.ops.wm.open_mainfile(filepath=str(main.scene))
    editor = bpy.context.scene.sequence_editor
    everything = editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all
    assert [strip.name for strip in everything if strip.type == "IMAGE"] == ["Ningyo", "Ningyo person 1"]
    bpy.ops.wm.read_factory_settings(use_empty=True)


def test_what_training_would_refuse_is_said_before_the_capture(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="multiple of 32 px, not 100"):
        run_pipeline(Pipeline(ACTOR, "builtin", tmp_path / "out", 1, 8, 100, "tiny", 0), SILENT)
    assert not (tmp_path / "out").exists()
