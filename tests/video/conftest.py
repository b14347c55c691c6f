# SPDX-License-Identifier: GPL-3.0-or-later
"""Movies made on the spot, in the forms that real ones come in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

CLICKS = (0.5, 1.0)  # seconds


def picture(width: int, height: int, index: int = 0) -> np.ndarray:
    """Red, green / black, grey quarters; the grey one brightens with the index."""
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[: height // 2, : width // 2] = (250, 20, 20)
    rgb[: height // 2, width // 2 :] = (20, 200, 20)
    rgb[height // 2 :, width // 2 :] = min(60 + index * 4, 250)
    return rgb


@pytest.fixture
def make_movie(tmp_path: Path) -> Callable[..., Path]:
    """make_movie(name, size=…, frames=…, …) → its path. `times` in ms; `sound` in seconds of a tone that clicks at CLICKS;
    without `frames` there is nothing else in it."""
    av = pytest.importorskip("av")

    def make(
        name: str,
        *,
        size: tuple[int, int] = (64, 48),
        frames: int = 12,
        rate: Fraction | int = 24,
        codec: str = "libx264",
        pixels: str = "yuv420p",
        rotation: tuple[float, bool] | None = None,
        times: Sequence[int] | None = None,
        sound: float = 0.0,
        options: dict[str, str] | None = None,
        aspect: Fraction | None = None,
        noise: bool = False,
        b_frames: int | None = None,
        key_frames: int | None = None,
    ) -> Path:
        path = tmp_path / name
        random = np.random.default_rng(0)
        coding = {name: str(value) for name, value in (("bf", b_frames), ("g", key_frames)) if value is not None}
        with av.open(str(path), "w", options=options or {}) as container:
            stream: Any = None
            if frames:
                stream = container.add_stream(codec, rate=rate, options=coding)
                stream.width, stream.height = size
                stream.pix_fmt = pixels
                if aspect:
                    stream.codec_context.sample_aspect_ratio = aspect
                if times:
                    stream.codec_context.time_base = Fraction(1, 1000)
                if rotation:
                    stream.set_display_rotation(rotation[0], hflip=rotation[1])
            audio: Any = container.add_stream("aac", rate=44100, layout="mono") if sound else None
            for index in range(frames):
                rgb = random.integers(0, 255, (size[1], size[0], 3), np.uint8) if noise else picture(*size, index)
                frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
                if times:
                    frame.pts, frame.time_base = times[index], Fraction(1, 1000)
                container.mux(stream.encode(frame))
            if frames:
                container.mux(stream.encode())
            if audio is not None:
                samples = np.zeros((1, int(sound * 44100)), np.float32)
                for click in CLICKS:
                    samples[0, int(click * 44100) :][:400] = 0.8 * np.sin(np.arange(400) * 0.3)
                for start in range(0, samples.shape[1], 1024):
                    block = av.AudioFrame.from_ndarray(samples[:, start : start + 1024], format="fltp", layout="mono")
                    block.sample_rate, block.pts, block.time_base = 44100, start, Fraction(1, 44100)
                    container.mux(audio.encode(block))
                container.mux(audio.encode())
        return path

    return make


@pytest.fixture
def clicks() -> Callable[[Path], tuple[list[float], float]]:
    """Seconds at which the clicks are heard in a movie, and how long its sound stream says it is."""
    av = pytest.importorskip("av")

    def listen(path: Path) -> tuple[list[float], float]:
        with av.open(str(path)) as container:
            stream = container.streams.audio[0]
            resampler = av.AudioResampler("fltp", "mono", 48000)
            parts, first = [], 0.0
            for frame in container.decode(stream):
                first = frame.time if not parts else first
                parts += [part.to_ndarray()[0] for part in resampler.resample(frame)]
            loud = np.flatnonzero(np.abs(np.concatenate(parts)) > 0.3)
            starts = loud[np.r_[True, np.diff(loud) > 4800]]
            return (starts / 48000 + first).tolist(), float(stream.duration * stream.time_base)

    return listen
