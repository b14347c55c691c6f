# SPDX-License-Identifier: GPL-3.0-or-later
"""An animator's controls together, in the order in which they make sense."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from . import edit
from .mirror import mirrored
from .motion import Motion
from .rig import Rig


@dataclass(frozen=True)
class Controls:
    """What is to be changed of a motion; nothing by default. Units are those of the functions in `edit`."""

    start: float | None = None
    end: float | None = None
    fps: float | None = None
    mirror: bool = False
    smooth: float = 0.0
    arm_spread: float = 0.0
    influence: Mapping[str, float] = field(default_factory=dict)
    in_place: bool = False
    heading: float = 0.0
    floor: float | None = None


def edited(motion: Motion, rig: Rig, controls: Controls) -> Motion:
    """The motion changed as the controls say: time first, then the pose, then its place. UserError as the functions in `edit` raise."""
    if controls.start is not None or controls.end is not None:
        motion = edit.trim(motion, controls.start, controls.end)
    if controls.fps is not None:
        motion = edit.at_rate(motion, controls.fps)
    if controls.mirror:
        motion = mirrored(motion, rig)
    if controls.smooth:
        motion = edit.smoothed(motion, controls.smooth)
    if controls.influence:
        motion = edit.influence(motion, rig, controls.influence)
    if controls.arm_spread:
        motion = edit.arm_spread(motion, rig, controls.arm_spread)
    if controls.in_place:
        motion = edit.in_place(motion, rig)
    if controls.heading:
        motion = edit.heading(motion, rig, controls.heading)
    if controls.floor is not None:
        motion = edit.at_floor(motion, rig, controls.floor)
    return motion
