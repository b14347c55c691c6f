# SPDX-License-Identifier: GPL-3.0-or-later
"""When feet are on the floor: heels and toes apart, from the places of a rig's soles."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .kinematics import Array

Flags = npt.NDArray[np.bool_]

# A foot is down when it is slower and lower than the first of each pair, until it is faster or higher than the second: m/s, metres.
# Towards the camera it may seem faster, because depth jitters.
CONTACT_SPEED, CONTACT_SPEED_IN_DEPTH, CONTACT_HEIGHT = (0.35, 0.55), (1.0, 1.5), (0.07, 0.10)
CONTACT_SECONDS = 0.1
FLOOR_SECONDS = 1.5  # how far to each side a foot's height is compared with the lowest ones
LONGEST_GAP, SHORTEST_RUN = 3, 3  # frames: what is shorter is the noise of a threshold


def contacts(points: Array, fps: float) -> Flags:
    """(F, 4) left heel, left toe, right heel, right toe on the floor; `points` (F, 6, 3) from `root.soles`.

    Height is above the lowest that any sole was near that moment, because an unknown tilt of the camera makes the floor slope.
    """
    feet = points[:, (0, 1, 3, 4)]
    frames = len(points)
    if frames > 1:
        velocity = np.abs(np.gradient(feet, axis=0)) * fps
    else:
        velocity = np.zeros((frames, 4, 3))
    speed, in_depth = np.hypot(velocity[..., 0], velocity[..., 2]), velocity[..., 1]
    lowest = points[..., 2].min(axis=1)
    reach = max(round(FLOOR_SECONDS * fps), 1)
    ground = np.array([np.percentile(lowest[max(i - reach, 0) : i + reach + 1], 10) for i in range(frames)])
    height = feet[..., 2] - ground[:, None]
    enter, stay = ((speed < CONTACT_SPEED[i]) & (in_depth < CONTACT_SPEED_IN_DEPTH[i]) & (height < CONTACT_HEIGHT[i]) for i in range(2))
    down = np.zeros((frames, 4), bool)
    for foot in range(4):
        for start, end in runs(stay[:, foot]):
            down[start:end, foot] = enter[start:end, foot].any() and (end - start >= CONTACT_SECONDS * fps or end - start == frames)
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
