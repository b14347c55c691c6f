# SPDX-License-Identifier: GPL-3.0-or-later
"""When feet are on the floor: heels and toes apart, from the places of a rig's soles."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .kinematics import Array
from .legs import averaged

Flags = npt.NDArray[np.bool_]

# Log-odds of a point's being down: what a point has that is as slow and as low as any, and what it loses by speed and height, in units
# of the second numbers. Fitted to renders with exact contacts (a dance, a walk, a look around), seen by the closed form, by the solver's
# first guess, and under made noise. Depth is the least sure, so speed along the view weighs least; how high the floor is and how it
# slopes hardly matters, because the lowest point of a frame is nearly always down.
BIAS = 2.2
IMAGE_SPEED, FASTER_THAN_SLOWEST, DEPTH_SPEED = (0.65, 0.2), (0.9, 0.2), (0.35, 0.6)  # of ln(1 + speed²), m/s
ABOVE_LOWEST, MOST_ABOVE = (0.65, 0.05), 0.15  # metres; higher than the second is all the same
OFF_FLOOR, CLEAR_OF_FLOOR = (1.0, 0.05), 0.12  # metres above the floor, from the second on: in a jump nothing is down
# What gets so far across the view, metres, stands only while it is no faster, m/s: a small step to the side is one.
GLIDE, GLIDE_SPEED, GLIDE_SECONDS = 0.15, 0.2, 0.2
HIDDEN = 0.2
SWITCH = 1.0  # what it costs to touch down or lift off
ODDS_FPS = 30.0  # the rate at which frames count in full
FLOOR_SECONDS = 1.5  # how far to each side a foot's height is compared with the lowest ones
STEEPEST = 0.1  # slope of the floor that is as likely as a foot 2 cm off it
LONGEST_GAP, SHORTEST_RUN = 3, 3  # frames: what is shorter is the noise of a threshold


def contacts(points: Array, fps: float, seen: Array | None = None) -> Flags:
    """(F, 4) left heel, left toe, right heel, right toe on the floor; `points` (F, 6, 3) from `root.soles`, metres.

    The world's axes: X across the view, Y along it as seen from above, Z up. The likeliest course of each point's being down or not
    (Viterbi), without flicker. `seen` (F, 4) 0…1 is how well the points were seen: of hidden ones nothing can be said, so they are not
    down.
    """
    feet = points[:, (0, 1, 3, 4)]
    velocity = np.gradient(feet, axis=0) * fps if len(points) > 1 else np.zeros_like(feet)
    across, depth = np.hypot(velocity[..., 0], velocity[..., 2]), np.abs(velocity[..., 1])
    above = feet[..., 2] - points[..., 2].min(axis=1, keepdims=True)
    odds = BIAS - ABOVE_LOWEST[0] * np.minimum(above, MOST_ABOVE) / ABOVE_LOWEST[1]
    speeds = ((across, IMAGE_SPEED), (across - across.min(axis=1, keepdims=True), FASTER_THAN_SLOWEST), (depth, DEPTH_SPEED))
    for speed, (weight, unit) in speeds:
        odds -= weight * np.log1p((speed / unit) ** 2)
    odds -= OFF_FLOOR[0] * np.maximum(_height(points, fps) - CLEAR_OF_FLOOR, 0.0) / OFF_FLOOR[1]
    if seen is not None:
        odds = np.where(seen < HIDDEN, -SWITCH, odds)
    down = without_flicker(_likeliest(odds * (ODDS_FPS / fps)))
    sideways = np.abs(averaged(velocity[..., 0], GLIDE_SECONDS * fps))
    for point, column in enumerate(down.T):
        for start, end in runs(column):
            if np.ptp(feet[start:end, point, 0]) > GLIDE:
                column[start:end] = sideways[start:end, point] < GLIDE_SPEED
    return without_flicker(down)


def _height(points: Array, fps: float) -> Array:
    """(F, 4) metres of heels and toes above the floor: a plane under the lowest points of the clip, and their low tenth nearby.

    The plane is the 15th percentile's (quantile regression by re-weighted least squares), and is not steep without need.
    """
    feet, frames = points[:, (0, 1, 3, 4)], len(points)
    lowest = points[np.arange(frames), points[..., 2].argmin(axis=1)]
    middle = lowest[:, :2].mean(axis=0)
    basis = np.concatenate([np.ones((frames, 1)), lowest[:, :2] - middle], 1)
    ridge = np.diag([0.0, 1.0, 1.0]) * (frames * 0.02 / 120 / STEEPEST**2)
    plane = np.array([np.percentile(lowest[:, 2], 20), 0.0, 0.0])
    for _ in range(30):
        off = lowest[:, 2] - basis @ plane
        weight = np.where(off > 0, 0.15, 0.85) / np.maximum(np.abs(off), 0.01)
        plane = np.linalg.solve((basis * weight[:, None]).T @ basis + ridge, (basis * weight[:, None]).T @ lowest[:, 2])
    off = lowest[:, 2] - basis @ plane
    reach = max(round(FLOOR_SECONDS * fps), 1)
    floor = np.array([np.percentile(off[max(i - reach, 0) : i + reach + 1], 10) for i in range(frames)])
    return feet[..., 2] - plane[0] - (feet[..., :2] - middle) @ plane[1:] - floor[:, None]


def _likeliest(odds: Array) -> Flags:
    """(F, C) the course of on and off with the greatest sum of `odds` (F, C) where it is on, less what changes cost."""
    frames, channels = odds.shape
    best, came_from = np.zeros((2, channels)), np.zeros((frames, 2, channels), np.int64)
    for frame in range(frames):
        kept, changed = best, best[::-1] - SWITCH
        came_from[frame] = np.where(kept >= changed, np.array([[0], [1]]), np.array([[1], [0]]))
        best = np.maximum(kept, changed) + np.stack([np.zeros(channels), odds[frame]])
    state, down = (best[1] > best[0]).astype(np.int64), np.zeros((frames, channels), bool)
    for frame in range(frames - 1, -1, -1):
        down[frame] = state == 1
        state = came_from[frame, state, np.arange(channels)]
    return down


def runs(flags: Flags) -> list[tuple[int, int]]:
    """[start, end) of each run of True."""
    edges = np.flatnonzero(np.diff(np.r_[False, flags, False].astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def without_flicker(down: Flags) -> Flags:
    """Contacts (F, C) with gaps of up to three frames closed, and then runs of less than three frames (in a clip that has them) gone."""
    clean = down.copy()
    for column in clean.T:
        for start, end in runs(~column):
            if start > 0 and end < len(column) and end - start <= LONGEST_GAP:
                column[start:end] = True
        for start, end in runs(column):
            if end - start < shortest(len(column)):
                column[start:end] = False
    return clean


def shortest(frames: int) -> int:
    """Frames that a contact lasts at least, in a clip of so many."""
    return min(SHORTEST_RUN, frames)
