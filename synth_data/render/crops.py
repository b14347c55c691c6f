# SPDX-License-Identifier: GPL-3.0-or-later
"""Which parts of a picture have to be rendered: boxes one below the other around what a surface can touch (numpy).

With outstretched arms most of a figure's box is empty, and empty pixels cost a tenth of full ones. Once a pose is in the renderer, another
box of the same picture costs next to nothing.
"""

from __future__ import annotations

import numpy as np

from .surface import Ints, SeenSurface

Box = tuple[int, int, int, int]  # x0, y0, x1, y1 in px, the ends not included

_NEAR = 0.01  # metres
_BANDS = 32  # that a picture is divided into, to choose where boxes begin and end
_BOX = 4000  # px: as many empty ones take as long as beginning another box


def crops(seen: SeenSurface, margin: int, around: float = 0.0) -> list[Box]:
    """Boxes from top to bottom, none where nothing is seen, which hold every pixel that is `margin` px or less from the surface grown by
    `around` metres.

    The whole picture where some of the surface is not in front of the camera.
    """
    size = seen.view.size
    nearest = float(seen.z.min()) - around if len(seen.z) else 0.0
    if nearest <= _NEAR:
        return [(0, 0, size, size)]
    margin += int(np.ceil(around * seen.view.K[0, 0] / nearest))
    step = -(-size // _BANDS)
    left, right = _extents(seen, margin, step)
    return [(x0, y0, x1, min(y1, size)) for x0, y0, x1, y1 in _cheapest(left.tolist(), right.tolist(), step)]


def _extents(seen: SeenSurface, margin: int, step: int) -> tuple[Ints, Ints]:
    """Of each band of `step` rows the columns that are `margin` px or less from the surface, as the first and the one after the last; both
    0 where none are.
    """
    bands = -(-seen.view.size // step)
    corners = [seen.surface.topology.triangles[:, corner] for corner in range(3)]
    y = [seen.y.take(corner) for corner in corners]
    first = np.floor((np.minimum(np.minimum(y[0], y[1]), y[2]) - margin) / step)
    last = np.floor((np.maximum(np.maximum(y[0], y[1]), y[2]) + margin) / step)
    x = [seen.x.take(corner) for corner in corners]
    low, high = np.floor(np.minimum(np.minimum(x[0], x[1]), x[2])), np.floor(np.maximum(np.maximum(x[0], x[1]), x[2]))
    inside = np.flatnonzero((last >= 0) & (first < bands) & (high >= -margin) & (low < seen.view.size + margin))
    first, last = np.clip(first[inside], 0, bands - 1).astype(np.int64), np.clip(last[inside], 0, bands - 1).astype(np.int64)
    low, high = low[inside], high[inside]
    left, right = np.full(bands, np.inf), np.full(bands, -np.inf)
    while len(first):
        np.minimum.at(left, first, low)
        np.maximum.at(right, first, high)
        longer = last > first
        first, last, low, high = first[longer] + 1, last[longer], low[longer], high[longer]
    size = seen.view.size
    return np.clip(left - margin, 0, size).astype(np.int64) * (left <= right), np.clip(right + margin + 1, 0, size).astype(np.int64)


def _cheapest(left: list[int], right: list[int], step: int) -> list[Box]:
    """The boxes around runs of bands that take the least time in all."""
    some = [band for band in range(len(left)) if right[band] > left[band]]
    best: list[tuple[float, int]] = [(0.0, -1)]  # of the first so many bands: the cost, and where the last box begins
    for end in range(len(some)):
        x0, x1 = left[some[end]], right[some[end]]
        choices = []
        for begin in range(end, -1, -1):
            x0, x1 = min(x0, left[some[begin]]), max(x1, right[some[begin]])
            rows = (some[end] + 1 - some[begin]) * step
            choices.append((best[begin][0] + (x1 - x0) * rows + _BOX, begin))
        best.append(min(choices))
    boxes: list[Box] = []
    end = len(some)
    while end:
        begin = best[end][1]
        bands = some[begin:end]
        boxes.append((min(left[b] for b in bands), bands[0] * step, max(right[b] for b in bands), (bands[-1] + 1) * step))
        end = begin
    return boxes[::-1]
