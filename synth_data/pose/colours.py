# SPDX-License-Identifier: GPL-3.0-or-later
"""A colour for each person of a track, the same wherever people are told apart: in the overlay movie and in Blender's panel."""

from __future__ import annotations

# Bright enough to stand out from dark pictures and from each other, to the colour-blind too (their lightness differs where their hue does
# not); without orange and blue, which tell left from right in skeletons, and grey, which is for what was not seen.
_COLOURS = ((250, 225, 50), (245, 95, 160), (0, 195, 125), (120, 235, 245), (235, 75, 60), (165, 130, 255))


def person_colour(person: int) -> tuple[int, int, int]:
    """RGB 0…255 of the person with this id. Every second round through the colours is a paler one."""
    colour = _COLOURS[person % len(_COLOURS)]
    if person // len(_COLOURS) % 2:
        red, green, blue = ((value + 255) // 2 for value in colour)
        return red, green, blue
    return colour
