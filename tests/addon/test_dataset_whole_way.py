# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Blender and the worker's libraries are looked for first)
"""A dataset of two characters, from the first button to their strips over somebody in a video, by the real worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")
av = pytest.importorskip("av")
pytest.importorskip("mediapipe")
pytest.importorskip("torch")

from ningyo.addon import jobs, training_work
from ningyo.addon.properties import plan_of
from ningyo.sequencer.frames import FrameFolder
from ningyo.sequencer.strips import folder_of
from ningyo.sequencer.timeline import every_strip, span
from ningyo.synth_data.dataset.png import decode_png
from ningyo.synth_data.pose.track import PoseTrack

ACTOR = Path(__file__).parents[2] / "samples" / "actor.mp4"
FRAMES = 20
TORSO = (11, 12, 23, 24)  # shoulders and hips


def beginning_of(video: Path, path: Path) -> Path:
    with av.open(str(video)) as source, av.open(str(path), "w") as movie:
        stream = movie.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = source.streams.video[0].width, source.streams.video[0].height, "yuv420p"
        for frame, _ in zip(source.decode(video=0), range(FRAMES), strict=False):
            movie.mux(stream.encode(av.VideoFrame.from_ndarray(frame.to_ndarray(format="rgb24"), format="rgb24")))
        movie.mux(stream.encode())
    return path


@pytest.mark.slow
def test_two_characters_of_a_dataset_take_a_persons_place(addon: Any, until: Any, tmp_path: Path) -> None:
    scene = bpy.context.scene
    settings, dataset = scene.ningyo, scene.ningyo.dataset
    settings.video, settings.fast = str(beginning_of(ACTOR, tmp_path / "actor.mp4")), True
    for seed in range(2):
        character = dataset.characters.add()
        character.kind, character.seed = "BUILTIN", seed
    # The first of the half minute goes to warming up, on a slow machine more than half of it.
    dataset.size, dataset.count, dataset.poses.sampled, dataset.minutes = 64, 24, 1.0, 0.5
    assert bpy.ops.ningyo.capture() == {"FINISHED"}
    until(lambda: not jobs.JOBS[-1].is_running, 200)
    assert bpy.ops.ningyo.dataset_render() == {"FINISHED"}
    assert bpy.ops.ningyo.dataset_train() == {"FINISHED"}
    names = training_work.material(scene).characters
    for name in names:
        assert bpy.ops.ningyo.dataset_generate(character=name) == {"FINISHED"}
    until(lambda: not any(job.is_running for job in jobs.JOBS), 400)
    assert [(job.verb, job.view.state, job.view.error) for job in jobs.JOBS] == [
        (verb, "done", "") for verb in ("capture", "render", "train", "generate", "generate")
    ]
    images = sorted((strip for strip in every_strip(scene) if strip.type == "IMAGE"), key=lambda strip: strip.channel)
    assert [span(strip) for strip in images] == [(1, 1 + FRAMES)] * 2
    points = PoseTrack.load(plan_of(bpy.context).files.track, person=0).body_image[0, :, TORSO, :2]
    pictures = []
    for strip, name in zip(images, names, strict=True):
        folder = FrameFolder.read(folder_of(strip))
        assert folder.path.parent.name == f"{name}-in-actor"
        assert (folder.missing, len(folder.files)) == (0, FRAMES)
        alpha = []
        for index, file in enumerate(folder.files):
            picture = decode_png((folder.path / str(file)).read_bytes())
            alpha += [picture[int(y), int(x), 3] for x, y in points[:, index]]
        pictures.append(picture)
        assert np.mean(alpha) > 128, "the character is where the person is"
        assert picture[:20, :20, 3].mean() < 32, "and nowhere else"
    assert np.abs(pictures[0].astype(int) - pictures[1]).mean() > 1, "they are two"
