# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments that several verbs take. Argparse turns errors of their types into exit code 2; what is out of range is a UserError."""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from typing import Any

from ..errors import UserError


def positive_number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number) or number <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return number


def positive_integer(text: str) -> int:
    number = int(text)
    if number <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above 0")
    return number


def person_id(text: str) -> int:
    """The id of a person in a pose track; `main` is 0."""
    number = 0 if text == "main" else int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is neither `main` nor the id of a person, 0 or above")
    return number


def influence(text: str) -> tuple[str, float]:
    """PART=SHARE."""
    part, equals, share = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text} is not PART=SHARE, such as head=0.5")
    return part.strip(), float(share)


def add_filming(parser: argparse.ArgumentParser) -> None:
    """Arguments that say what is known of how the video was filmed, for `Filming.of`."""
    group = parser.add_argument_group("what is known of the filming; what is not said is estimated, and the estimate is printed")
    group.add_argument("--focal-mm", type=float, metavar="MM", help="the lens's focal length; of a phone, its 35 mm equivalent")
    group.add_argument(
        "--sensor-mm", type=float, metavar="MM", help="the sensor's length along the picture's longer side (default: 36, full frame)"
    )
    group.add_argument("--camera-height", type=float, metavar="M", help="metres from the floor to the camera")
    group.add_argument("--camera-pitch", type=float, metavar="DEGREES", help="how far the camera looks down; up is negative")
    group.add_argument("--person-height", type=float, metavar="M", help="the person's height in metres (default: the rig's)")


@dataclass(frozen=True)
class Filming:
    """What a person says of the filming; None where nothing is said."""

    focal_mm: float | None = None
    sensor_mm: float | None = None
    camera_height: float | None = None
    camera_pitch: float | None = None
    person_height: float | None = None

    @classmethod
    def of(cls, args: argparse.Namespace) -> Filming:
        """UserError for what no camera and no person can be."""
        said = cls(args.focal_mm, args.sensor_mm, args.camera_height, args.camera_pitch, args.person_height)
        for value, low, high, wrong in (
            (said.focal_mm, 1, 5000, "--focal-mm {} is no lens; give its focal length in millimetres, such as 35."),
            (said.sensor_mm, 1, 500, "--sensor-mm {} is no sensor; give its longer side in millimetres, such as 36."),
            (said.camera_height, 0.01, 100, "--camera-height {} is no height; give metres above the floor, such as 1.5."),
            (said.camera_pitch, -79, 79, "--camera-pitch {} is too steep to see a floor; give degrees between -79 and 79, down positive."),
            (said.person_height, 0.3, 3, "--person-height {} is nobody's; give metres between 0.3 and 3."),
        ):
            if value is not None and not low <= value <= high:
                raise UserError(wrong.format(f"{value:g}"))
        if said.sensor_mm is not None and said.focal_mm is None:
            raise UserError("--sensor-mm says nothing without --focal-mm; give both, or neither.")
        return said

    @property
    def anything(self) -> bool:
        return self != Filming()

    def camera(self, size: tuple[int, int]) -> Any:
        """The solver's `KnownCamera`, for pictures of `size` (width, height)."""
        from ..synth_data.retarget.filming import FULL_FRAME, focal_px
        from ..synth_data.retarget.solver import KnownCamera

        focal = None if self.focal_mm is None else focal_px(self.focal_mm, size, self.sensor_mm or FULL_FRAME)
        return KnownCamera(focal_px=focal, height=self.camera_height, pitch=self.camera_pitch)


def add_controls(parser: argparse.ArgumentParser) -> None:
    """An animator's controls, for `controls_of`."""
    group = parser.add_argument_group("controls")
    group.add_argument("--start", type=float, metavar="S", help="begin here, seconds of the video")
    group.add_argument("--end", type=float, metavar="S", help="stop before this, seconds of the video")
    group.add_argument("--fps", type=float, metavar="N", help="frames a second of the motion, by time stamps (default: the video's)")
    group.add_argument("--mirror", action="store_true", help="exchange left and right")
    group.add_argument("--smooth", type=float, default=0.0, metavar="S", help="take away what is faster than this many seconds")
    group.add_argument(
        "--influence", type=influence, action="append", default=[], metavar="PART=SHARE",
        help="how much a part moves, 1 as seen, 0 as at rest: root, hips, torso, head, left_arm, right_arm, hands, fingers, legs or face; "
        "repeatable",
    )  # fmt: skip
    group.add_argument("--arm-spread", type=float, default=0.0, metavar="DEG", help="turn the upper arms away from the body")
    group.add_argument("--in-place", action="store_true", help="without the way over the floor; the sway stays")
    group.add_argument("--heading", type=float, default=0.0, metavar="DEG", help="turn it all, counter-clockwise seen from above")
    group.add_argument("--floor", type=float, metavar="M", help="height of the floor to stand on (default: the rig's)")


def controls_of(args: argparse.Namespace) -> Any:
    """The `Controls` asked for; UserError for what is out of range."""
    from ..synth_data.retarget.controls import Controls

    return Controls(
        start=args.start,
        end=args.end,
        fps=args.fps,
        mirror=args.mirror,
        smooth=args.smooth,
        arm_spread=args.arm_spread,
        influence=dict(args.influence),
        in_place=args.in_place,
        heading=args.heading,
        floor=args.floor,
    )
