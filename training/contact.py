# SPDX-License-Identifier: GPL-3.0-or-later
"""The contact sheet: source, skeleton and generated frame, one above the other, at moments spread over the clip."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from ..jobs.folder import write_atomically
from ..synth_data.pose.openpose import from_track
from ..synth_data.pose.skeleton import draw_skeleton
from ..synth_data.pose.track import PoseTrack
from ..synth_data.video.read import read_frames

COLUMNS = 8
TILE_HEIGHT = 240
BACKGROUND = (216, 222, 232)


def contact_sheet(video: Path, track: PoseTrack, times: np.ndarray, frames: list[Path], out: Path, *, columns: int = COLUMNS) -> None:
    """Write a sheet of three rows: frames of `video`, the skeletons of the track's first person, and the generated RGBA pictures.

    The k-th of `frames` shows the moment `times[k]` (seconds); `columns` of them are shown, evenly spread.
    """
    chosen = np.linspace(0, len(frames) - 1, min(columns, len(frames))).round().astype(int)
    sources = frames_at(video, times[chosen])
    columns_of_tiles = []
    for source, index in zip(sources, chosen, strict=True):
        nearest = int(np.abs(track.time - times[index]).argmin())
        skeleton = draw_skeleton(from_track(track, 0, nearest).points, track.size)
        columns_of_tiles.append((tile(source), tile(skeleton), tile(over_background(frames[index]))))
    width = max(image.width for column in columns_of_tiles for image in column)
    sheet = Image.new("RGB", (width * len(columns_of_tiles), TILE_HEIGHT * 3), BACKGROUND)
    for column, tiles in enumerate(columns_of_tiles):
        for row, image in enumerate(tiles):
            sheet.paste(image, (column * width + (width - image.width) // 2, row * TILE_HEIGHT))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", optimize=True)
    write_atomically(out, buffer.getvalue())


def frames_at(video: Path, times: np.ndarray) -> list[np.ndarray]:
    """The frames of `video` shown at `times` (ascending, seconds), each (H, W, 3) uint8."""
    found: list[np.ndarray] = []
    last: np.ndarray | None = None
    for frame in read_frames(video):
        while last is not None and len(found) < len(times) and frame.time > times[len(found)] + 1e-6:
            found.append(last)
        if len(found) == len(times):
            return found
        last = frame.rgb
    while last is not None and len(found) < len(times):
        found.append(last)
    return found


def tile(pixels: np.ndarray) -> Image.Image:
    image = Image.fromarray(pixels)
    return image.resize((max(1, round(image.width * TILE_HEIGHT / image.height)), TILE_HEIGHT), Image.Resampling.LANCZOS)


def over_background(path: Path) -> np.ndarray:
    """An RGBA picture over the sheet's background, (H, W, 3) uint8."""
    with Image.open(path) as image:
        rgba = image.convert("RGBA")
    canvas = Image.new("RGBA", rgba.size, (*BACKGROUND, 255))
    canvas.alpha_composite(rgba)
    return np.asarray(canvas.convert("RGB"))
