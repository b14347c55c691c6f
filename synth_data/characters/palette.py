# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours: every colour is a pair (lit, in shade), in linear RGB; sets of colours that belong together."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
# Below this saturation a colour counts as grey.
GREY = 0.08


def linear(srgb: Array) -> Array:
    """Linear RGB of sRGB values in 0…1 (IEC 61966-2-1)."""
    srgb = np.asarray(srgb, float)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def parse(text: str) -> Array:
    """sRGB in 0…1 of "RRGGBB"."""
    return np.array([int(text[i : i + 2], 16) for i in (0, 2, 4)]) / 255.0


def shade_of(srgb: Array, value: float = 0.74) -> Array:
    """The colour in shade: towards blue-violet, more saturated, darker (sRGB in, sRGB out)."""
    hue, saturation, brightness = colorsys.rgb_to_hsv(*(float(c) for c in srgb))
    if saturation < GREY:
        # White and grey have no hue of their own: their shade is a cool one.
        return np.array(colorsys.hsv_to_rgb(0.66, saturation + 0.075, brightness * (0.5 * value + 0.47)))
    turn = (0.70 - hue + 0.5) % 1.0 - 0.5
    hue = (hue + 0.03 * np.sign(turn) * min(1.0, abs(turn) / 0.03)) % 1.0
    return np.array(colorsys.hsv_to_rgb(hue, min(1.0, saturation * 1.18 + 0.06), brightness * value))


@dataclass(frozen=True)
class Colour:
    """Linear RGB (3,) in light and in shade."""

    base: Array
    shade: Array

    @staticmethod
    def of(text: str, shade: str | None = None, value: float = 0.74) -> Colour:
        srgb = parse(text)
        return Colour(linear(srgb), linear(parse(shade) if shade else shade_of(srgb, value)))

    @property
    def shaded(self) -> Colour:
        """A colour that is in shade everywhere (a painted shadow)."""
        return Colour(self.shade, self.shade)

    def mixed(self, other: Colour, amount: float) -> Colour:
        return Colour(self.base * (1 - amount) + other.base * amount, self.shade * (1 - amount) + other.shade * amount)


SKINS = [("FFE8D9", "F2BDAA"), ("FFDFC8", "EBAA92"), ("FFEDE4", "F2C6B8"), ("FAD3B4", "DB9C80"), ("E8B48C", "BE835F"), ("C98F68", "976044")]
SKIN_ODDS = [0.3, 0.25, 0.2, 0.1, 0.09, 0.06]

# Hair and the eyes that go with it.
HAIRS = [
    ("3A2E39", ["6B4A3A", "4A6FA5", "7B4B94"]),
    ("6B4232", ["3F8F6B", "8A5A2B", "4A6FA5"]),
    ("A8623A", ["3F9B6B", "5B7FB8", "8A5A2B"]),
    ("F2CF74", ["3C7FD0", "3F9B6B", "8E5BB5"]),
    ("F29BB2", ["4FA3B8", "C2476B", "6C8F3A"]),
    ("7FB6E6", ["3059B0", "B05A9B", "D08A2B"]),
    ("C9CEDF", ["B03A48", "5B6FC2", "7A52A8"]),
    ("8C5BA8", ["D09A2B", "4F9BA3", "B04A7A"]),
    ("B8323C", ["D0962B", "3F8F6B", "8A2B3A"]),
    ("4F9E8F", ["D0752B", "7A4FA0", "2F7F8F"]),
    ("2B3A5E", ["3C7FD0", "C2476B", "6B7A8F"]),
    ("F0E3CC", ["3C8FC0", "A04A5B", "6B8F4A"]),
]

# Three colours that go together per outfit: main, second, accent. Chosen by hand; random pairs clash.
TRIADS = {
    "sailor": [
        ("FFFFFF", "2C3E6B", "E0433F"),
        ("FFFFFF", "3B2F4A", "F2B632"),
        ("FFFAF0", "7A2438", "F4EDE4"),
        ("F4F7FB", "2F6B6B", "F2924B"),
        ("3A3F5C", "2B2F47", "E85C6B"),
        ("FFFFFF", "5B7FB8", "F7D154"),
    ],
    "blazer": [
        ("2B3556", "8D8578", "B8323C"),
        ("7A2438", "4A4550", "E0B04A"),
        ("4B5F4F", "B8A888", "8A2B3A"),
        ("8C6A4A", "3A3A4A", "3F6F8F"),
        ("3F4A5E", "5A6A8C", "E8C15A"),
        ("E4D8C3", "5B4A42", "6B8F71"),
    ],
    "hoodie": [
        ("F2B632", "3C4A63", "FFFFFF"),
        ("EE8A74", "4A4F5E", "FFF4E6"),
        ("6FB7A8", "39424E", "FFF7DC"),
        ("F7F4EC", "5E6F8F", "F2924B"),
        ("8A7FC2", "2F3145", "FFE3A3"),
        ("4F6F9F", "C9BFA8", "F2C6C0"),
        ("D6544E", "2F3A4A", "FFFFFF"),
    ],
    "coat": [
        ("C9A47A", "3B3A45", "B8323C"),
        ("3B4E6B", "4A3A36", "E8A33D"),
        ("8A3A44", "2F2B36", "F1E3CF"),
        ("5F7A66", "4A4038", "F0C987"),
        ("6A6F86", "2E3040", "E98F8F"),
        ("EFE6D8", "5C4A42", "5B8FA8"),
    ],
    "sport": [
        ("FFFFFF", "3A62A8", "F2573F"),
        ("F2C230", "2F3A4A", "FFFFFF"),
        ("4BB3A4", "2E3A52", "FFE9B0"),
        ("F27C6A", "3B3F58", "FFF3E0"),
        ("5B6FC2", "E7E3DA", "F7C948"),
    ],
}
