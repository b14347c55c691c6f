# SPDX-License-Identifier: GPL-3.0-or-later
"""From numbers of frames to the report's table: means, intervals by bootstrap over clips, and the worst tenth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

DRAWS = 1000
COVER = 95  # per cent
WORST = 0.1

Columns = Mapping[str, NDArray[np.float64]]  # of each frame; NaN where there is no such number
Row = dict[str, float | None]


@dataclass(frozen=True)
class Metric:
    """A number of a row: the mean of a column over frames, or with `over` the quotient of two columns' sums. `goal` is what renders
    themselves get: the nearer, the better. With `ceiling` the number is divided by what is found on renders.
    """

    title: str
    text: str
    goal: float
    over: str | None = None
    ceiling: bool = False


METRICS: dict[str, Metric] = {
    "psnr_fg": Metric("PSNR, dB", "On the figure's pixels, the error over three backgrounds, so that alpha counts.", 60.0),
    "ssim_fg": Metric("SSIM", "Structural similarity of the luma over white, on the figure's pixels.", 1.0),
    "alpha_iou": Metric("IoU", "Overlap of the half-opaque silhouettes.", 1.0),
    "boundary_f": Metric("Outline F", "How much of the silhouettes' outlines lies within 2 px of the other's.", 1.0),
    "psnr_head": Metric("Head PSNR, dB", "As PSNR, in the head's square at 128 × 128 px.", 60.0),
    "ssim_head": Metric("Head SSIM", "As SSIM, in the head's square at 128 × 128 px.", 1.0),
    "sharpness": Metric("Sharpness", "Mean absolute Laplacian on the figure, of the render's: below 1 blurred, above noisy.", 1.0),
    "flip": Metric("FLIP", "Perceived difference on the figure's pixels over white at 67 pixels per degree; 0 is none.", 0.0),
    "tdiff": Metric("tDiff", "Wrong change from frame to frame, of the right change: 1 is as wrong as a frozen picture.", 0.0, "moved"),
    "flow_warp": Metric(
        "Flow warp", "Change along the exact flow from frame to frame, less that of the renders, in 1/255: flicker; blur lowers it, too.",
        0.0, "flow_pixels",
    ),
    "pck": Metric("PCK", "Joints that MediaPipe finds within a fifth of the torso, of those it finds on renders.", 1.0, "joints", True),
    "detected": Metric("Detected", "Share of the frames in which MediaPipe finds a body.", 1.0),
}  # fmt: skip


def summarised(columns: Columns, ceiling: Columns, units: NDArray[np.int64], seed: int = 0) -> tuple[Row, dict[str, Any], Row]:
    """Of a row's `columns` (F,): every metric, its interval [low, high], and the mean of the worst tenth of the frames (of metrics that are
    means). `ceiling` are the columns of the renders themselves; `units` (F,) numbers what is resampled. None where a metric has no value.
    """
    row: Row = {}
    intervals: dict[str, Any] = {}
    worst: Row = {}
    count = int(units.max()) + 1 if len(units) else 0
    draws = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), DRAWS) if count else np.zeros((0, 0))
    for name, metric in METRICS.items():
        top, bottom = _sums(columns, name, metric, units, count)
        if metric.ceiling:
            most, of = _sums(ceiling, name, metric, units, count)
            value = _quotient(top.sum() * of.sum(), bottom.sum() * most.sum())
            spread = _quotient((draws @ top) * (draws @ of), (draws @ bottom) * (draws @ most))
        else:
            value, spread = _quotient(top.sum(), bottom.sum()), _quotient(draws @ top, draws @ bottom)
        row[name] = _rounded(value)
        spread = spread[np.isfinite(spread)]
        outside = (100 - COVER) / 2
        intervals[name] = [_rounded(v) for v in np.percentile(spread, [outside, 100 - outside])] if len(spread) and count > 1 else None
        worst[name] = _worst(columns[name], metric) if metric.over is None else None
    return row, intervals, worst


def best(rows: Mapping[str, Row], name: str) -> float | None:
    """The best value of a metric among `rows`."""
    values = [value for row in rows.values() if (value := row.get(name)) is not None]
    return min(values, key=lambda value: abs(value - METRICS[name].goal), default=None)


def _sums(columns: Columns, name: str, metric: Metric, units: NDArray[np.int64], count: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Of each unit, what is divided by what."""
    top = columns[name]
    known = np.isfinite(top)
    bottom = known.astype(np.float64) if metric.over is None else np.where(known, columns[metric.over], 0)
    return (np.bincount(units, weights, count) for weights in (np.where(known, top, 0), bottom))  # pyright: ignore[reportReturnType]


def _quotient(top: Any, bottom: Any) -> NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.asarray(bottom) > 0, np.divide(top, bottom), np.nan)


def _worst(values: NDArray[np.float64], metric: Metric) -> float | None:
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    return _rounded(values[np.argsort(np.abs(values - metric.goal))[-max(round(WORST * len(values)), 1) :]].mean())


def _rounded(value: Any) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None
