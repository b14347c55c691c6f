# SPDX-License-Identifier: GPL-3.0-or-later
"""Movies and frame folders for the sequencer's tests, made with what every Blender has."""

from __future__ import annotations

import json
import math
import struct
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ningyo.synth_data.dataset.png import encode_png

WIDTH, HEIGHT = 64, 48
MovieMaker = Callable[..., Path]
FramesMaker = Callable[..., Path]


def grey(index: int) -> int:
    """The grey level that tells picture `index` apart from its neighbours."""
    return 20 + 4 * index


@pytest.fixture
def frames_folder(tmp_path: Path) -> FramesMaker:
    """Makes a folder as `ningyo generate` leaves it: picture i is opaque green of level grey(i) left, transparent right."""

    def make(count: int, fps: float, *, name: str = "frames", missing: tuple[int, ...] = (), **header: object) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        for index in set(range(count)) - set(missing):
            image = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
            image[:, : WIDTH // 2] = (0, grey(index), 0, 255)
            (folder / f"{index:06d}.png").write_bytes(encode_png(image))
        (folder / "frames.json").write_text(json.dumps({"fps": fps, "count": count, "start": 0.0, "size": [WIDTH, HEIGHT], **header}))
        return folder

    return make


@pytest.fixture
def make_movie(tmp_path: Path) -> MovieMaker:
    """Makes an mp4 whose picture i is grey of level grey(i), or that shows the `picture` throughout, with a tone if `sound`."""
    bpy = pytest.importorskip("bpy")

    def make(
        count: int,
        fps: int,
        *,
        fps_base: float = 1.0,
        sound: bool = True,
        name: str = "movie.mp4",
        picture: np.ndarray | None = None,
    ) -> Path:
        height, width = (HEIGHT, WIDTH) if picture is None else picture.shape[:2]
        bpy.ops.wm.read_factory_settings(use_empty=True)
        scene = bpy.context.scene
        scene.view_settings.view_transform = "Standard"
        render = scene.render
        render.fps, render.fps_base = fps, fps_base
        render.resolution_x, render.resolution_y, render.resolution_percentage = width, height, 100
        scene.frame_start, scene.frame_end = 1, count
        editor = scene.sequence_editor_create()
        strips = editor.strips if hasattr(editor, "strips") else editor.sequences
        pictures = tmp_path / f"{name}.pictures"
        pictures.mkdir()
        for index in range(count):
            shown = np.full((HEIGHT, WIDTH, 3), grey(index), np.uint8) if picture is None else picture
            (pictures / f"{index:06d}.png").write_bytes(encode_png(shown))
        strip = strips.new_image(name="p", filepath=str(pictures / "000000.png"), channel=2, frame_start=1, fit_method="FIT")
        for index in range(1, count):
            strip.elements.append(f"{index:06d}.png")
        sound = sound and bpy.app.build_options.audaspace
        if sound:
            tone = tmp_path / "tone.wav"
            with wave.open(str(tone), "wb") as file:
                file.setparams((1, 2, 8000, 0, "NONE", ""))
                samples = int(8000 * count * fps_base / fps)
                file.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(k / 5))) for k in range(samples)))
            strips.new_sound(name="s", filepath=str(tone), channel=1, frame_start=1)
        if hasattr(render.image_settings, "media_type"):
            render.image_settings.media_type = "VIDEO"
        render.image_settings.file_format = "FFMPEG"
        render.ffmpeg.format, render.ffmpeg.codec = "MPEG4", "H264"
        render.ffmpeg.constant_rate_factor = "PERC_LOSSLESS"
        render.ffmpeg.audio_codec = "AAC" if sound else "NONE"
        path = tmp_path / name
        render.filepath, render.use_file_extension = str(path), False
        bpy.ops.render.render(animation=True)
        assert path.stat().st_size > 0
        bpy.ops.wm.read_factory_settings(use_empty=True)
        return path

    return make
