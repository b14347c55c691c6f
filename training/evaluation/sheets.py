# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is to look at: the grid, a sheet a row, and the movie that plays pictures beside their renders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ...jobs.folder import write_atomically
from ...synth_data.dataset.folder import Dataset, Sample
from ...synth_data.dataset.pictures import resized
from ...synth_data.dataset.png import encode_png
from ...synth_data.pose.skeleton import draw_skeleton
from ...synth_data.video.write import MovieWriter
from .held_out import HeldOut, truth_of
from .rows import Picture, displayed

COLUMNS = 8
MOVIE_FRAMES = 300  # at most
MOVIE_SIDE = 256  # px, at least: smaller pictures are enlarged by a whole number
_STRONG = 0.5  # the mean difference of the three colours that is shown darkest

Pixels = NDArray[np.uint8]


class _Samples(Protocol):
    """What is shown: its `samples` by number."""

    @property
    def samples(self) -> Sequence[Sample]: ...


def save_grid(path: Path, dataset: Dataset, test: _Samples, picture: Picture, columns: int = COLUMNS) -> None:
    """Samples of `test`, evenly spread: skeleton, generated, truth and the difference of the two, one below the other."""
    cells = []
    for index in spread(len(test.samples), columns):
        sample = test.samples[index]
        image, truth = picture(index), truth_of(dataset, sample)
        skeleton = draw_skeleton(dataset.pose(sample).skeleton_points(), dataset.size)
        cells.append(np.concatenate([skeleton, displayed(image), displayed(truth), difference(image, truth)], 0))
    write_atomically(path, encode_png(np.concatenate(cells, 1)))


def save_sheet(path: Path, test: HeldOut, picture: Picture) -> None:
    """A row's pictures at the places of the grid, their differences from the renders below."""
    cells = []
    for index in spread(len(test), COLUMNS):
        image = picture(index)
        cells.append(np.concatenate([displayed(image), difference(image, test.truth(index))], 0))
    write_atomically(path, encode_png(np.concatenate(cells, 1)))


def spread(count: int, most: int) -> list[int]:
    """At most `most` of `count` numbers, evenly spread, from the first to the last."""
    return sorted({int(i) for i in np.linspace(0, count - 1, min(count, most)).round()})


def difference(image: Tensor, truth: Tensor) -> Pixels:
    """(H, W, 3): white where two premultiplied pictures are equal over white, through red to black where they differ most."""
    wrong = np.abs(displayed(image, (1, 1, 1)).astype(np.float32) - displayed(truth, (1, 1, 1))).mean(2) / 255
    strength = np.clip(wrong / _STRONG, 0, 1)[..., None]
    red = np.array([214, 40, 40], np.float32)
    return np.rint(np.where(strength < 0.5, 255 + 2 * strength * (red - 255), 2 * (1 - strength) * red)).astype(np.uint8)


def save_movie(path: Path, test: HeldOut, found: list[list[int]], shown: Sequence[Picture]) -> None:
    """The longest run first, up to MOVIE_FRAMES: from left to right the driving skeleton, the render, and what each of `shown` makes."""
    order = [i for run in sorted(found, key=len, reverse=True) for i in run][:MOVIE_FRAMES]
    times = max(-(-MOVIE_SIDE // test.size), 1)
    side = times * test.size
    with MovieWriter(path, test.fps(order[0]), ((2 + len(shown)) * side, side)) as movie:
        for i in order:
            panels = (np.repeat(np.repeat(panel, times, 0), times, 1) for panel in _panels(test, i, shown))
            movie.write(np.concatenate(list(panels), 1))


def _panels(test: HeldOut, index: int, shown: Sequence[Picture]) -> Iterator[Any]:
    yield draw_skeleton(test.pose(index).skeleton_points(), (test.size, test.size))
    yield displayed(test.truth(index))
    for picture in shown:
        yield displayed(picture(index))


def thumbnail(pixels: Pixels, most: int) -> Pixels:
    """Shrunk where it is higher than `most` px."""
    height, width = pixels.shape[:2]
    return pixels if height <= most else resized(pixels, round(width * most / height), most)
