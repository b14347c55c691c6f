# SPDX-License-Identifier: GPL-3.0-or-later
# pyright: basic, reportAttributeAccessIssue=false, reportInvalidTypeForm=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false, reportOptionalMemberAccess=false
"""Icons in the colours that people have in the overlay movie."""

from __future__ import annotations

from typing import Any

import bpy.utils.previews

from ..synth_data.pose.colours import person_colour

SIDE, EDGE = 32, 4  # px; the edge is left transparent
_made: dict[str, Any] = {}


def swatch(person: int) -> int:
    """The number of the icon in this person's colour."""
    if "icons" not in _made:
        _made["icons"] = bpy.utils.previews.new()
    icons = _made["icons"]
    colour = person_colour(person)
    name = "{}-{}-{}".format(*colour)
    if name not in icons:
        icon = icons.new(name)
        icon.icon_size = (SIDE, SIDE)
        inside = range(EDGE, SIDE - EDGE)
        full, empty = [value / 255 for value in colour] + [1.0], [0.0] * 4
        icon.icon_pixels_float = [
            value for y in range(SIDE) for x in range(SIDE) for value in (full if x in inside and y in inside else empty)
        ]
    return icons[name].icon_id


def forget() -> None:
    if "icons" in _made:
        bpy.utils.previews.remove(_made.pop("icons"))
