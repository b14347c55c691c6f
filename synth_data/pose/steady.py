# SPDX-License-Identifier: GPL-3.0-or-later
"""Steadying of captured landmarks without delay: what stands still trembles less, what moves fast stays as it was (numpy).

Local quadratics are fitted around every frame, in a narrow, a wide and a wider window (Savitzky and Golay 1964; here with weights and on
the frames' own times), which parts a landmark's course into bands: the widest fit, what each narrower one adds to it, and what the samples
add to that. Each of the finer bands is kept by the share of its local energy that noise does not explain: the local Wiener filter (Lee,
"Digital image enhancement and noise filtering by use of local statistics", IEEE TPAMI 2, 1980) over scales. How much noise there is says
the finest band itself, as long as that is no more than landmarks are known to tremble. So at worst, for a motion as small as the noise,
the result is the widest fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Half the windows in seconds; at low rates in frames, as a fit of fewer samples has no noise to tell.
HALVES = (0.12, 0.25, 0.5)
HALVES_FRAMES = (2.5, 5.0, 10.0)
# Half the windows over which a band's energy and the noise are averaged, seconds: the shorter spans half a turn of a wave.
ENERGY, NOISE = 0.3, 1.0
# How much of each band noise explains, from the finest on, as a multiple of the finest band's energy: measured on MediaPipe's landmarks of
# a still person (0.6 of it in the second band of single pictures, 1.7 in its smoothed video mode), and enough that chance peaks are not
# kept.
SHARES = (3.0, 2.4, 2.4)
# Landmarks tremble by no more than this share of the body's height (root of the finest band's energy); more is motion.
MOST_NOISE = 0.0025
# In one frame most joints move so far (in body heights) only where the picture is cut.
CUT = 0.25
LEAST_WEIGHT = 0.05  # of a joint that is placed but not visible
BLOCK_VALUES = 1 << 19  # at once; bounds the memory


def steady(values: Array, time: Array, visibility: Array | None, scale: float) -> Array:
    """Landmarks `values` (F, …, D) with less tremble: float64 of the same shape, zero phase, NaN where it was NaN.

    `time` (F,) seconds, rising; `visibility` 0…1, anything that broadcasts against (F, …) (a body's (F, J), a hand's score (F, 1)), or
    None; `scale` the body's height in the units of `values` (px, metres), by which noise is told from motion. x and y share one choice;
    a third channel is taken for depth, which trembles more, and has its own. Nothing is mixed across the picture's cuts.
    """
    out = np.array(values, np.float64)
    steady_in_place(out, time, visibility, scale)
    return out


def steady_in_place(values: Array, time: Array, visibility: Array | None, scale: float) -> None:
    """As `steady`, written over `values`, which may be a slice of a memory map: the memory used does not grow with F."""
    if not np.isfinite(scale) or scale <= 0:
        raise ValueError(f"a body of height {scale}")
    clock = np.asarray(time, np.float64)
    if len(clock) < 3 or not values.size:
        return
    step = float(np.median(np.diff(clock)))
    halves = [max(half, frames * step) for half, frames in zip(HALVES, HALVES_FRAMES, strict=True)]
    reach = halves[-1] + max(NOISE, ENERGY)
    block = max(BLOCK_VALUES // max(values[0].size, 1), 64)
    shown = np.ones(values.shape[:-1]) if visibility is None else np.broadcast_to(np.asarray(visibility), values.shape[:-1])
    # What was read and is still needed is held as it was before it is written over.
    held = np.empty((0, *values.shape[1:]))
    first = read = 0
    for start in range(0, len(clock), block):
        end = min(start + block, len(clock))
        low, high = np.searchsorted(clock, (clock[start] - reach, clock[end - 1] + reach))
        held = np.concatenate([held[low - first :], np.asarray(values[read:high], np.float64)])
        first, read = int(low), int(high)
        points = held.reshape(len(held), -1, values.shape[-1])
        part = _steady_part(points, clock[first:read], shown[first:read].reshape(points.shape[:2]), halves, scale)
        values[start:end] = part[start - first : end - first].reshape(end - start, *values.shape[1:])


def _steady_part(points: Array, time: Array, visibility: Array, halves: list[float], scale: float) -> Array:
    """`points` (F, J, D), `visibility` (F, J); (F, J, D)."""
    seen = np.isfinite(points).all(axis=-1)
    weight = np.where(seen, np.nan_to_num(visibility).clip(0, 1) + LEAST_WEIGHT, 0.0)
    filled = np.where(seen[..., None], points, 0.0)
    both = seen[1:] & seen[:-1]
    moved = np.linalg.norm(np.diff(filled[..., :2], axis=0), axis=-1)
    far = (both & (moved > CUT * scale)).sum(axis=1) * 2 > both.sum(axis=1)
    shot = np.concatenate([[0], np.cumsum(far)])
    if (weight == weight[:, :1]).all():
        weight = weight[:, :1]  # one fit a frame is shared by all points
    fits = [filled, *(local_quadratic(filled, time, weight, half, shot) for half in halves)]
    bands = [finer - coarser for finer, coarser in pairwise(fits)]
    out = fits[-1]
    for own in (slice(0, 2), slice(2, None)):
        _add_what_is_motion(out[..., own], [band[..., own] for band in bands], time, weight, shot, scale)
    return np.where(seen[..., None], out, np.nan)


def _add_what_is_motion(out: Array, bands: list[Array], time: Array, weight: Array, shot: Array, scale: float) -> None:
    """Add to `out` (F, J, D) the `bands`, the finest first, each by the share of its energy that noise does not explain."""
    energies = [np.square(band).sum(axis=-1) for band in bands]
    noise = np.minimum(_around(energies[0], time, weight, NOISE, shot), (MOST_NOISE * scale) ** 2)
    for band, energy, share in zip(bands, energies, SHARES, strict=True):
        # Wiener's gain with the noise's share squared: what stands clearly above the noise is left as it is.
        kept = 1 - (share * noise / np.maximum(_around(energy, time, weight, ENERGY, shot), 1e-30)) ** 2
        out += kept.clip(0, 1)[..., None] * band


def local_quadratic(values: Array, time: Array, weight: Array, half: float, shot: Array) -> Array:
    """Each sample replaced by a weighted quadratic fitted to those less than `half` seconds away in the same shot (tricube weights).

    `values` (F, J, D) finite, `weight` (F, J) or (F, 1) for all, `shot` (F,) int. Where too few samples determine the quadratic
    it becomes a line, or a mean. All frames at once, in closed form: the fit's value at the frame is its constant term.
    """
    moments = [np.zeros(weight.shape) for _ in range(5)]
    sums = [np.zeros(values.shape) for _ in range(3)]
    for to, of, offset in _neighbours(time, half, shot):
        w = weight[of] * ((1 - np.abs(offset) ** 3) ** 3)[:, None]
        u = offset[:, None]
        for power in range(5):
            moments[power][to] += w
            if power < 3:
                sums[power][to] += w[..., None] * values[of]
            w = w * u
    m0, m1, m2, m3, m4 = moments
    m0 = m0 + 1e-12
    m2, m4 = m2 + 1e-6 * m0, m4 + 1e-6 * m0  # ridge
    # The first row of the normal equations' adjugate.
    cofactors = m2 * m4 - m3 * m3, m2 * m3 - m1 * m4, m1 * m3 - m2 * m2
    determinant = m0 * cofactors[0] + m1 * cofactors[1] + moments[2] * cofactors[2]
    share = [(cofactor / determinant)[..., None] for cofactor in cofactors]
    return share[0] * sums[0] + share[1] * sums[1] + share[2] * sums[2]


def _around(energy: Array, time: Array, weight: Array, half: float, shot: Array) -> Array:
    """Weighted mean of `energy` (F, J) over the frames less than `half` seconds away (biweight)."""
    total, mass = np.zeros(energy.shape), np.zeros(weight.shape)
    for to, of, offset in _neighbours(time, half, shot):
        w = weight[of] * ((1 - offset**2) ** 2)[:, None]
        total[to] += w * energy[of]
        mass[to] += w
    return total / np.maximum(mass, 1e-12)


def _neighbours(time: Array, half: float, shot: Array) -> Iterator[tuple[slice, slice, Array]]:
    """Every pair of frames less than `half` apart, by their distance in frames: (frames, their neighbours, offset −1…1).

    Pairs of different shots, and those too far apart, have offset 1, at which the weights vanish.
    """
    frames = len(time)
    at = np.arange(frames)
    low, high = np.searchsorted(time, time - half, "right"), np.searchsorted(time, time + half, "left") - 1
    for k in range(-int((at - low).max()), int((high - at).max()) + 1):
        to, of = slice(max(0, -k), frames - max(0, k)), slice(max(0, k), frames + min(0, k))
        offset = (time[of] - time[to]) / half
        yield to, of, np.where(shot[of] == shot[to], offset, 1.0).clip(-1, 1)
