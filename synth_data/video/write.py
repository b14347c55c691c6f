# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing H.264 movies frame by frame, with the sound of another movie (PyAV)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from numpy.typing import NDArray

from ...errors import UserError
from .pictures import is_picture, is_sequence
from .source import exact_rate

# One frame is this many ticks of the movie's clock: constant rates are exact, given times are kept to 1/256 of a frame.
TICKS = 256
SOUND_BLOCK = 1024  # samples an AAC packet holds


class MovieWriter:
    """`with MovieWriter(path, fps, (width, height), sound_from=source) as movie: movie.write(rgb)`; H.264, yuv420p, .mp4, AAC sound.

    Odd sizes are padded by one row or column that repeats the edge (yuv420p needs even ones). The file is written beside and renamed
    at the end; nothing is left if the block raises. `sound_from` is a movie whose sound from `sound_start` (seconds from its first
    frame) is laid under the picture, cut to the picture's length; if it has none, or none that can be decoded, the movie is silent from
    there on, and `sound_problem` says why.
    """

    def __init__(
        self,
        path: Path | str,
        fps: Fraction | float,
        size: tuple[int, int],
        sound_from: Path | str | None = None,
        sound_start: float = 0.0,
    ) -> None:
        self.path = Path(path)
        self.size = size
        self.frames = 0
        self.sound_problem = ""
        if self.path.is_dir():
            raise UserError(f"{self.path} is a folder; give the movie a file name that ends in .mp4.")
        if self.path.suffix.lower() != ".mp4":
            raise UserError(f"{self.path.name} does not end in .mp4; movies are written as .mp4.")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        rate = exact_rate(fps)
        self._beside = self.path.with_name(f".{self.path.name}.part")
        self._container = av.open(str(self._beside), "w", format="mp4", options={"movflags": "+faststart"})
        self._stream: Any = self._container.add_stream("libx264", rate=rate, options={"preset": "veryfast", "crf": "18"})
        self._stream.width, self._stream.height = (side + side % 2 for side in size)
        self._stream.pix_fmt = "yuv420p"
        # Said in the file, because players guess by the size where nothing is said, and not all guess alike.
        codec = self._stream.codec_context
        codec.colorspace, codec.color_range = Colorspace.ITU709, ColorRange.MPEG
        codec.color_primaries, codec.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        self._clock = Fraction(rate.denominator, rate.numerator * TICKS)
        self._stream.codec_context.time_base = self._clock
        self._next_tick = 0
        self._sound: Iterator[NDArray[Any]] | None = None
        self._sound_stream: Any = None
        self._sound_rate = 0
        self._sound_samples = 0
        if sound_from is not None:
            self._add_sound(Path(sound_from), sound_start)

    def write(self, rgb: NDArray[Any], time: float | None = None) -> None:
        """One frame (H, W, 3) uint8; shown one frame's length after the last, or at `time` (seconds; rising) where the rate varies."""
        if rgb.shape != (self.size[1], self.size[0], 3) or rgb.dtype != np.uint8:
            raise ValueError(f"frame {rgb.dtype} {rgb.shape} in a movie of {self.size}")
        width, height = self.size
        if width % 2 or height % 2:
            rgb = np.pad(rgb, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        tick = self._next_tick if time is None else max(round(Fraction(time) / self._clock), self._next_tick - TICKS + 1)
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
        picture = picture.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG)
        picture.pts, picture.time_base = tick, self._clock
        # The last frame's length is the packet's own.
        picture.duration = TICKS
        for packet in self._stream.encode(picture):
            self._container.mux(packet)
        self.frames += 1
        self._next_tick = tick + TICKS
        # Sound goes in as the picture does; muxed at the end it would lie behind all of the picture in the file and in memory.
        self._write_sound(float(self._next_tick * self._clock), last=False)

    def __enter__(self) -> MovieWriter:
        return self

    def __exit__(self, kind: object, value: object, trace: object) -> None:
        try:
            if kind is None:
                for packet in self._stream.encode():
                    self._container.mux(packet)
                self._write_sound(float(self._next_tick * self._clock), last=True)
            self._container.close()
            if kind is None:
                os.replace(self._beside, self.path)
        finally:
            self._beside.unlink(missing_ok=True)

    def _add_sound(self, source: Path, start: float) -> None:
        if is_sequence(source) or is_picture(source):
            return
        try:
            with av.open(str(source), metadata_errors="ignore") as container:
                if not container.streams.audio:
                    return
                rate = container.streams.audio[0].rate or 0
        except (FFmpegError, OSError) as error:
            self.sound_problem = f"the sound of {source.name} cannot be read ({error})"
            return
        # AAC knows the common rates only; others are resampled.
        rate = rate if rate in (22050, 32000, 44100, 48000) else 48000
        self._sound_stream = self._container.add_stream("aac", rate=rate, layout="stereo", options={"b": "160k"})
        self._sound_rate = rate
        self._sound = self._sound_blocks(source, start, rate)

    def _write_sound(self, until: float, last: bool) -> None:
        """Mux sound up to `until` seconds; at the `last` call the final block is cut there and the encoder emptied."""
        if self._sound is None:
            return
        end = round(until * self._sound_rate)
        while self._sound_samples + (0 if last else SOUND_BLOCK) < end:
            block = next(self._sound, None)
            if block is None:
                break
            block = block[:, : end - self._sound_samples]
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout="stereo")
            frame.sample_rate, frame.pts, frame.time_base = self._sound_rate, self._sound_samples, Fraction(1, self._sound_rate)
            self._sound_samples += block.shape[1]
            for packet in self._sound_stream.encode(frame):
                self._container.mux(packet)
        if last:
            for packet in self._sound_stream.encode():
                self._container.mux(packet)

    def _sound_blocks(self, source: Path, start: float, rate: int) -> Iterator[NDArray[Any]]:
        """Blocks (2, ≤ SOUND_BLOCK) float32 of the source's sound from `start` on, silence where the source has a gap."""
        with av.open(str(source), metadata_errors="ignore") as container:
            audio = container.streams.audio[0]
            video = container.streams.video[0] if container.streams.video else None
            zero = float(video.start_time * (video.time_base or 0)) if video is not None and video.start_time is not None else 0.0
            resampler = av.AudioResampler(format="fltp", layout="stereo", rate=rate)
            ready = np.zeros((2, 0), np.float32)
            position = round((zero + start) * rate)  # of the end of `ready`, in samples of the source's clock
            running = False
            decoded = container.decode(audio)
            while True:
                try:
                    frame = next(decoded, None)
                    parts = [part.to_ndarray() for part in resampler.resample(frame)]
                except (FFmpegError, ValueError) as error:
                    self.sound_problem = f"the sound of {source.name} breaks off ({error})"
                    break
                fresh = np.concatenate([np.zeros((2, 0), np.float32), *parts], axis=1)
                if frame is not None and frame.pts is not None:
                    gap = round(float(frame.pts * (frame.time_base or 0)) * rate) - position
                    # Once running, small differences are rounding of the source's clock; larger ones are real gaps or overlaps.
                    if not running or abs(gap) > rate // 10:
                        fresh = np.pad(fresh, ((0, 0), (gap, 0))) if gap > 0 else fresh[:, -gap:]
                running = running or fresh.shape[1] > 0
                position += fresh.shape[1]
                ready = np.concatenate([ready, fresh], axis=1)
                while ready.shape[1] >= SOUND_BLOCK:
                    yield ready[:, :SOUND_BLOCK]
                    ready = ready[:, SOUND_BLOCK:]
                if frame is None:
                    break
            if ready.shape[1]:
                yield ready
