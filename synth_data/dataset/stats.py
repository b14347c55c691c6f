# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in a dataset, in figures: counts, views, framing, joints, angles, sizes; and what it lacks, in words."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt

from ..pose.landmarks import BODY_25
from .body import ANGLES, CLOSE_UP, FULL_BODY, HEADLESS, STATES, UPPER_BODY
from .survey import ANGLE_BINS, ELEVATION_DEGREES, SHARE_EDGES, YAW_EDGES, Survey

Figures = dict[str, Any]

GROUPS = {  # what is counted together → the points
    **{name: slice(i, i + 1) for i, name in enumerate(BODY_25)},
    "face": slice(25, 95),
    "left hand": slice(95, 116),
    "right hand": slice(116, 137),
}
SIDES = {"front": 0.0, "left side": 90.0, "behind": 180.0, "right side": -90.0}
_QUANTILES = {"least": 0.0, "low": 0.05, "middle": 0.5, "high": 0.95, "greatest": 1.0}


def figures(found: Survey) -> Figures:
    """What `found` says, as plain numbers (JSON).

    Shares are rounded to a thousandth, and of the samples whose poses could be read; those cut by the edge are a share of those that were
    to show a whole body.
    """
    dataset = found.dataset
    return {
        "samples": len(dataset.samples),
        "planned": dataset.planned,
        "size": list(dataset.size),
        "by_character": _counts(found, 0),
        "by_clip": _counts(found, 1),
        "by_split": _counts(found, 2),
        "variations": found.variations,
        "mirrored": found.mirrored,
        "pairs_of_consecutive_frames": dict(found.following),
        "cameras": {key: _range(values) for key, values in found.cameras.items() if np.isfinite(values).any()},
        "seen_from": {name: _share(found, found.views[_near(yaw)].sum()) for name, yaw in SIDES.items()},
        "elevation": _quantiles(found.elevations, ELEVATION_DEGREES),
        "framing": {name: _share(found, found.framings[name]) for name in (FULL_BODY, UPPER_BODY, CLOSE_UP, HEADLESS)},
        "cut_by_the_edge": round(found.cut / max(found.whole, 1), 3),
        "height_in_picture": _quantiles(found.heights, SHARE_EDGES),
        "joints": {name: _states(found.states[part]) for name, part in GROUPS.items()},
        "angles": {
            name: _quantiles(counts, np.linspace(*limits, ANGLE_BINS + 1))
            for (name, limits), counts in zip(ANGLES.items(), found.angles, strict=True)
        },
        "files": {
            kind: {"count": found.files[kind], "megabytes": round(found.bytes[kind] / 1e6, 4), "missing": found.missing[kind]}
            for kind in dict.fromkeys([*found.files, *found.missing])
        },
        "unreadable_poses": found.unreadable,
        "bad_index_lines": len(dataset.bad_lines),
        "clips_in_several_splits": _leaks(found),
    }


def _near(yaw: float) -> npt.NDArray[np.intp]:
    """The bins of YAW_EDGES within 45° of `yaw`."""
    middles = (YAW_EDGES[:-1] + YAW_EDGES[1:]) / 2
    return np.flatnonzero(np.abs((middles - yaw + 180) % 360 - 180) <= 45)


def _share(found: Survey, count: float) -> float:
    return round(float(count) / found.read, 3)


def _range(values: npt.NDArray[Any]) -> list[float]:
    return [round(float(np.nanmin(values)), 2), round(float(np.nanmax(values)), 2)]


def _quantiles(counts: npt.NDArray[np.int64], edges: npt.NDArray[Any]) -> dict[str, float]:
    """Of a histogram, to about a bin's width; empty where nothing was counted."""
    if not counts.sum():
        return {}
    used = np.flatnonzero(counts)
    steps = np.concatenate([[0], np.cumsum(counts)]) / counts.sum()
    first, last = edges[used[0]], edges[used[-1] + 1]
    return {name: round(float(np.clip(np.interp(q, steps, edges), first, last)), 3) for name, q in _QUANTILES.items()}


def _states(counts: npt.NDArray[np.int64]) -> dict[str, float]:
    total = counts.sum()
    return {state: round(float(of_state) / total, 3) for state, of_state in zip(STATES, counts.sum(axis=0), strict=True)}


def _counts(found: Survey, which: int) -> dict[str, int]:
    """Samples by character, clip or split."""
    counts: Counter[str] = Counter()
    for key, count in found.counts.items():
        counts[key[which]] += count
    return dict(counts)


def _leaks(found: Survey) -> list[str]:
    """Clips of which one character has samples in more than one split."""
    pairs = Counter((character, clip) for character, clip, _ in found.counts)
    return sorted({clip for (_, clip), splits in pairs.items() if splits > 1})
