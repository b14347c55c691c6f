# SPDX-License-Identifier: GPL-3.0-or-later
"""An animator's controls together, in the order in which they make sense."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from ...errors import UserError
from . import edit
from .feet import hold_feet
from .mirror import mirrored
from .motion import Motion
from .rig import Rig


@dataclass(frozen=True)
class Controls:
    """What is to be changed of a motion; nothing by default. Units are those of the functions in `edit`, and so are the UserErrors of
    what is out of range: raised here, since a solver may work for minutes before a motion is there to be changed."""

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

    def __post_init__(self) -> None:
        if self.fps is not None:
            edit.check_rate(self.fps)
        edit.check_smoothing(self.smooth)
        edit.check_spread(self.arm_spread)
        edit.check_shares(self.influence)
        for name, value in (("start", self.start), ("end", self.end), ("heading", self.heading), ("floor", self.floor)):
            if value is not None and not math.isfinite(value):
                raise UserError(f"A {name} of {value:g} is no number to go by; give a finite one.")


def edited(motion: Motion, rig: Rig, controls: Controls) -> Motion:
    """The motion changed as the controls say: time first, then the pose, then its place. UserError as the functions in `edit` raise.

    Where poses changed that feet stand in, feet hold the floor again.
    """
    if controls.start is not None or controls.end is not None:
        motion = edit.trim(motion, controls.start, controls.end)
    given = motion
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
    if motion.fps != given.fps or controls.smooth or controls.influence.get("hips", 1.0) < 1:
        motion = hold_feet(rig, motion, floor=edit.floor_of(rig, given))
    if controls.in_place:
        motion = edit.in_place(motion, rig)
    if controls.heading:
        motion = edit.heading(motion, rig, controls.heading)
    if controls.floor is not None:
        motion = edit.at_floor(motion, rig, controls.floor)
    return motion
