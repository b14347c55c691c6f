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


def varied(rng: np.random.Generator, text: str) -> str:
    """A colour close to another, by a few degrees of hue and a little lightness; white stays white."""
    turn, richer, lighter = rng.uniform(-1, 1, 3)
    hue, saturation, value = colorsys.rgb_to_hsv(*parse(text))
    rgb = colorsys.hsv_to_rgb(
        (hue + 0.014 * turn) % 1.0, min(1.0, saturation * (1 + 0.08 * richer)), min(1.0, value * (1 + 0.04 * lighter))
    )
    return "".join(f"{round(255 * c):02X}" for c in (rgb if saturation > 0.03 else parse(text)))


def harmony(hair: str, scheme: list[str]) -> float:
    """How well hair goes with a scheme's main and second colours, 0…1: neutrals go with all, alike and opposite hues well, those a sixth of
    the circle apart badly; and hair that is as light as what lies beside it is lost.
    """
    hue, saturation, value = colorsys.rgb_to_hsv(*parse(hair))
    strength = min(1.0, saturation * value / 0.35)
    total = 1.0
    for colour, share in ((scheme[0], 1.0), (scheme[1], 0.5)):
        other, rich, light = colorsys.rgb_to_hsv(*parse(colour))
        apart = abs((hue - other + 0.5) % 1.0 - 0.5) * 360
        fit = float(np.interp(apart, [0, 25, 45, 80, 110, 150, 180], [0.75, 0.85, 0.2, 0.2, 0.6, 0.95, 1.0]))
        both = strength * min(1.0, rich * light / 0.30) * share
        total *= 1 - both * (1 - fit)
        if abs(value - light) < 0.12 and apart < 30 and abs(saturation - rich) < 0.2:
            total *= 1 - 0.5 * share
    return total


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

# Colours that go together, per outfit, chosen by hand because random ones clash: main, second, accent, trimmings, shoes, socks.
SCHEMES = {
    "sailor": [
        "FFFFFF 2C3E6B E0433F FFFFFF 6B3F33 2B3048",
        "FFFFFF 3B2F4A F2B632 FFFFFF 3A2C2E FFFFFF",
        "FFFAF0 7A2438 F4E3C0 FFFAF0 4A2C2A FFFFFF",
        "F4F7FB 2F6B6B F2924B FFFFFF 5A3A30 FFFFFF",
        "3A3F5C 2B2F47 E85C6B FFFFFF 3A2C2E 23263A",
        "FFFFFF 5B7FB8 F7D154 FFFFFF 5A3A30 FFFFFF",
        "FFF3F1 B5617C 7B3B52 FFFFFF 5A3A30 FFFFFF",
        "35303B 241F2A C4343C E8D9B0 2A2226 241F2A",
        "F3EAD8 6B4A3A 3F7A6B FFF7E6 4A332A 4A3A33",
        "EEF3EC 3F5F4B C23B4A FFFFFF 4A332A FFFFFF",
        "F3F4FF 7468AE F2A0B5 FFFFFF 4A3A4A 3A3350",
        "FFFFFF 22324F 5FA8C9 9CD0E6 2E2A33 22324F",
    ],
    "blazer": [
        "2B3556 8D8578 B8323C F2D06B 4A332A FFFFFF",
        "7A2438 4A4550 E0B04A F7EEDC 3A2C2E 2B2B3A",
        "4B5F4F B8A888 8A2B3A E8D9B0 5A3A30 3A332E",
        "8C6A4A 3A3A4A 3F6F8F F2E3C0 4A332A 2B2B3A",
        "3F4A5E 5A6A8C E8C15A FFFFFF 3A2C2E FFFFFF",
        "E4D8C3 5B4A42 6B8F71 FFFFFF 5A3A30 5B4A42",
        "23242E 8A3A44 C9485B E8C15A 2A2226 23242E",
        "5C6F9E E2DED3 E8A33D FFFFFF 5A3A30 FFFFFF",
        "6F7F86 2F3A44 D97B5A FFFFFF 3A2C2E 2F3A44",
        "9A7FA8 4C4462 F2D06B FFFFFF 3A2C2E 3A3350",
    ],
    "vest": [
        "F2E3C6 7A4A3A 8A2B3A B8323C 5A3A30 3A2C2E",
        "2F3F5F 8D8578 C9485B F2F2F2 4A332A 2F3F5F",
        "B8464A 3A3F54 F2C94C FFF3E0 3A2C2E 3A3F54",
        "7D9A6F 4F4038 E8B04A FFF7E0 5A3A30 FFFFFF",
        "E8B7A8 6B5A6E 7B3B52 FFFFFF 5A3A30 FFFFFF",
        "8FA9C9 3B4663 E2725B FFFFFF 3A2C2E FFFFFF",
        "5E4A44 B8A07A C0563C F2E3C6 3F2C26 3A2C2E",
        "F4F1EA 40597A E0A93B 40597A 4A332A FFFFFF",
        "4A6B5F C9BFA0 E8C15A F4EFE0 4A332A 2F3A36",
        "C9A24A 4B3B36 7A2E36 FFF3D6 4A332A 4B3B36",
    ],
    "gakuran": [
        "2B2C36 2B2C36 E8C15A FFFFFF 2A2226 FFFFFF",
        "2A3656 2A3656 E8C15A FFFFFF 2E2A33 FFFFFF",
        "F2F2F0 3A4464 3A4464 FFFFFF 4A332A FFFFFF",
        "5B2B34 2E2A33 E8C15A FFFFFF 2E2228 FFFFFF",
        "4A5250 33393B C9A24A FFFFFF 2E2A2A FFFFFF",
        "6B7A94 3B4358 E2E6EE FFFFFF 33303A FFFFFF",
    ],
    "hoodie": [
        "F2B632 3C4A63 FFFFFF FFFFFF FFFFFF FFFFFF",
        "EE8A74 4A4F5E FFF4E6 FFF4E6 FFFFFF FFFFFF",
        "6FB7A8 39424E FFF7DC FFF7DC F2EFE8 FFFFFF",
        "F7F4EC 5E6F8F F2924B F2924B F2924B FFFFFF",
        "8A7FC2 2F3145 FFE3A3 FFE3A3 FFFFFF FFFFFF",
        "4F6F9F C9BFA8 F2C6C0 FFFFFF FFFFFF FFFFFF",
        "D6544E 2F3A4A FFFFFF FFFFFF FFFFFF FFFFFF",
        "3A3D4A 7C8796 E8504A FFFFFF E8504A FFFFFF",
        "F4B8C4 5A5B75 FFFFFF FFFFFF FFFFFF FFFFFF",
        "7E9A5B 4A4036 F4E6C0 F4E6C0 E8D9B0 FFFFFF",
        "BFD3E6 43506B F2785C FFFFFF FFFFFF FFFFFF",
        "5F4B6B C8A2C8 F7D774 FFFFFF FFFFFF FFFFFF",
    ],
    "tshirt": [
        "FFFFFF 3A62A8 F2573F F2573F F2573F FFFFFF",
        "F2C230 2F3A4A FFFFFF FFFFFF FFFFFF FFFFFF",
        "4BB3A4 2E3A52 FFE9B0 FFE9B0 FFFFFF FFFFFF",
        "F27C6A 3B3F58 FFF3E0 FFF3E0 FFFFFF FFFFFF",
        "5B6FC2 E7E3DA F7C948 F7C948 FFFFFF FFFFFF",
        "2F3340 6E7FA6 E8504A FFFFFF E8504A FFFFFF",
        "E9F1F7 58749E F2A03D 58749E FFFFFF FFFFFF",
        "8FBF73 4D5A45 FFFBE6 FFFBE6 E8E4DC FFFFFF",
        "F6C9CF 6B83AE FFFFFF FFFFFF FFFFFF FFFFFF",
        "B85C8A 3E3550 F7D774 FFFFFF FFFFFF FFFFFF",
        "F4EBDD 7A5C46 3F7F8C 3F7F8C E8D9B0 FFFFFF",
        "D94F4F F2EFE6 2F3E5E FFFFFF 2F3E5E FFFFFF",
    ],
    "tracksuit": [
        "C8323C 2E2E3A FFFFFF FFFFFF FFFFFF FFFFFF",
        "2F5DA8 24324A F4F6FB FFFFFF FFFFFF FFFFFF",
        "2F7F6B 23423C F2E7C0 F2E7C0 FFFFFF FFFFFF",
        "34363F 5A5F6E F2B632 F2B632 F2B632 FFFFFF",
        "6F4FA0 2F2A44 F4C6DC FFFFFF FFFFFF FFFFFF",
        "F0EDE6 3B4A6B E2574C E2574C E2574C FFFFFF",
        "E88C3A 3A3A48 FFF3E0 FFF3E0 FFFFFF FFFFFF",
        "5FA8C9 2C3C58 FFFFFF FFFFFF FFFFFF FFFFFF",
        "E89AB0 4A4A60 FFFFFF FFFFFF FFFFFF FFFFFF",
    ],
    "sweater": [
        "C9803F 4A3B36 F4E3C0 F4E3C0 5A3A30 3A2C2E",
        "F1E7D6 7A5C50 B8464A B8464A 6B4232 5B4A42",
        "7A2E3E 3A3540 F0CFA8 F0CFA8 4A2C2A 3A3540",
        "5F7A66 C9BFA0 F4EFD8 F4EFD8 5A3A30 F4EFD8",
        "3F5578 B7A894 F2C98A F2C98A 5A3A30 2F3A4A",
        "E6B8B0 6E5A6A FFF6EE FFF6EE 6B4A42 FFFFFF",
        "A9B8C9 43506B F6F2E8 F6F2E8 4A3A36 F6F2E8",
        "D9B34A 4F5A4A FFF7DC FFF7DC 5A3A30 4F5A4A",
        "4A4E57 8C8F98 E2725B E2725B 33303A 33303A",
        "B9A6CF 4C4462 FFF6DC FFF6DC 4A3A4A FFFFFF",
    ],
    "dungarees": [
        "4A6A9F FFFFFF D9534F E8C15A F2EFE8 FFFFFF",
        "7A5A42 F4E6C4 C9803F E8C15A 8A5A3A F4E6C4",
        "34507A F6D06F F2F2F2 E8C15A D9534F FFFFFF",
        "5F7F5A FFF6E2 D98A3D E8C15A 7A5240 FFF6E2",
        "B85A4A FBEFE0 3F5F7A E8C15A 5A3A30 FBEFE0",
        "3A3F4F E8E4DC E2574C C9D2DE E2574C FFFFFF",
        "8FB0D6 FFF7F2 F29BA8 E8C15A FFFFFF FFFFFF",
        "C9A46A 5A6F8F FFF7E0 E8C15A 7A5240 FFFFFF",
    ],
    "coat": [
        "C9A47A 3B3A45 B8323C 6B4A3A 5A3A30 3A2C2E",
        "3B4E6B 4A3A36 E8A33D 2B3348 5A3A30 2B3348",
        "8A3A44 2F2B36 F1E3CF 4A2A30 3A2C2E 2F2B36",
        "5F7A66 4A4038 F0C987 4A4038 5A3A30 4A4038",
        "6A6F86 2E3040 E98F8F 3A3D50 2E2A33 2E3040",
        "EFE6D8 5C4A42 5B8FA8 8A6A50 6B4232 5C4A42",
        "3A3440 6B5F6E C9485B 241F2A 2A2226 241F2A",
        "D98A8F 5A4A56 FFF3E6 8A4A56 5A3A30 5A4A56",
        "D9B34A 3F4658 4F6F8F 6B4A3A 5A3A30 3F4658",
        "A9B4BF 33405A D9534F 4A5668 33303A 33405A",
    ],
    "suit": [
        "3A3F4F 2B2E3A B8323C C9D2DE 2A2226 2B2E3A",
        "6B5A4A 3F3A38 C9A24A E8D9B0 4A332A 3F3A38",
        "F2F2F0 4A5A74 3F7F8C FFFFFF 3A2C2E 4A5A74",
        "2E2A33 5B2B34 E8C15A C9A24A 2A2226 2E2A33",
        "2F4A4A 23302F D9B36A E8D9B0 2E2A26 23302F",
        "7F8A99 3A4254 D97B5A F2F2F2 33303A 3A4254",
        "4A3B5A 2C2638 D9A0B8 E8DFF0 2A2430 2C2638",
        "B79F7A 4A4F5E 7A2E36 F2E3C6 4A332A 4A4F5E",
    ],
    "dress": [
        "FFFFFF F2A0A8 7FB6E6 FFFFFF D9A066 FFFFFF",
        "F6D06F FFF7E0 C9683F FFF7E0 A0673F FFFFFF",
        "9CC9E6 FFFFFF FFF3C4 FFFFFF C99A66 FFFFFF",
        "F4A7B0 FFF4F2 B8485A FFF4F2 A0673F FFFFFF",
        "4F7F6B F4EBD0 E8C15A F4EBD0 7A5240 FFFFFF",
        "B9A6DC FFF8F0 6F5AA0 FFFFFF B08A66 FFFFFF",
        "D9534F FFF3E0 3A3F54 FFFFFF 7A4A3A FFFFFF",
        "3F5F8F FFFFFF F2D06B FFFFFF B08A66 FFFFFF",
        "F7F1E3 8FB07A D98A5A FFFFFF A0673F FFFFFF",
        "2F3340 E8B7C0 E8B7C0 FFFFFF 3A2C2E FFFFFF",
        "F2B88A FFF6E8 7A8F5A FFF6E8 8A5A3A FFFFFF",
        "8FCFC0 FFFFFF F2785C FFFFFF C99A66 FFFFFF",
    ],
    "maid": [
        "2E2C3A FFFFFF B8323C FFFFFF 2A2226 FFFFFF",
        "23324F FFFFFF E8C15A FFFFFF 2E2A33 FFFFFF",
        "5B2B3A FFF8F2 E8B7C0 FFF8F2 3A2228 FFFFFF",
        "2F4A42 FFFFFF D9B36A FFFFFF 2E2A26 FFFFFF",
        "7A5AA0 FFFFFF F2C6DC FFFFFF 3A3050 FFFFFF",
        "7A8FB8 FFFFFF 3F4A6B FFFFFF 3A2C2E FFFFFF",
        "5A4038 FFF6E6 C9683F FFF6E6 3F2C26 FFF6E6",
        "E8A0B0 FFFFFF B0405A FFFFFF 7A3A4A FFFFFF",
    ],
    "yukata": [
        "2F3F6B F2C6D0 D9534F F4EFE6 7A4A3A FFFFFF",
        "F6F1E6 5B7FB8 3A4464 B8323C 6B3F33 FFFFFF",
        "E8A0B0 FFF4F2 7A3A5A FFFFFF 7A3A4A FFFFFF",
        "8FB0D6 FFFFFF E8A33D FFFFFF 8A5A3A FFFFFF",
        "4A3A5A D9B8E0 E8C15A F4EFE6 4A2C3A FFFFFF",
        "F2D98A D9683F 4F6F4A FFFFFF 7A4A3A FFFFFF",
        "2E2C33 B8323C C9A24A F4EFE6 2A2226 FFFFFF",
        "5F8F7A F4EBD0 C9485B FFFFFF 6B3F33 FFFFFF",
        "B8464A FBE3C0 2F3A5A FBEFE0 4A2C2A FFFFFF",
        "7A8794 3A4254 2E3040 E2E6EE 33303A FFFFFF",
    ],
    "hakama": [
        "F4A7B0 6B2F4A FFFFFF FFF4F2 5A3A30 FFFFFF",
        "FFFFFF B8323C B8323C FFFFFF 7A3A34 FFFFFF",
        "B9A6DC 3F3A6B F2D06B FFFFFF 4A332A FFFFFF",
        "F2E3C6 3F5F4B D98A5A FFFFFF 5A3A30 FFFFFF",
        "9CC9E6 2F3F6B FFFFFF FFFFFF 4A332A FFFFFF",
        "FFFFFF 2E3348 5F6F94 E2E6EE 33303A FFFFFF",
        "E8C98A 7A4A3A F4EFE6 FFF7E6 5A3A30 FFFFFF",
        "4A5A74 2B3040 C9D2DE F2F2F2 33303A FFFFFF",
    ],
    "qipao": [
        "C8323C F2D06B E8C15A FFF3E0 7A1F2A FFFFFF",
        "2F5D5A F2E3C0 D9B36A FFF7E6 3A2C2E FFFFFF",
        "2B3556 9CC9E6 E8C15A F4F6FB 2A2C3A FFFFFF",
        "F4EFE6 E8A0B0 B8485A FFFFFF B8485A FFFFFF",
        "6B3F7A F2C6DC E8C98A FFFFFF 3A2C4A FFFFFF",
        "2E2A33 C8323C E8C15A F4EFE6 2A2226 FFFFFF",
        "8FCFC0 FFFFFF 3F7F6B FFFFFF 3F5F54 FFFFFF",
        "E89AB0 FFF4F2 8A3A5A FFFFFF 8A3A5A FFFFFF",
    ],
    "knight": [
        "34507A E8E4DC E8C15A FFFFFF 5A3A30 3A3F4F",
        "8A2B34 2E2A33 E8C15A F4EFE6 4A2C2A 3A3438",
        "3F5F4B E2D6B8 C9A24A FFFFFF 5A3A30 4A4038",
        "E8E4DC 3F5F9F D9B36A FFFFFF 6B4A3A 5B6272",
        "4A3A5A B9A6CF E8C98A FFFFFF 3A2C33 33303F",
        "2E3A3F B8464A C9D2DE FFFFFF 33262A 2A3034",
        "C9803F 4A3B36 F4E3C0 FFFFFF 5A3A30 4A3B36",
        "5F6F86 C8323C E8E4DC FFFFFF 3A2C2E 3A4254",
    ],
    "traveller": [
        "3A3F6B 6B5A8F E8C15A FFFFFF 5A3A30 2E3048",
        "5F3A34 8A6A4A 4F9B8F F4E3C0 5A3A30 3A2C2A",
        "2F5A4A A08A5A E8C98A FFFFFF 5A3A30 2F3A33",
        "7A3A5A 3A3A4A F2C6A0 FFFFFF 4A2C33 33303A",
        "4F6F9F E2DED3 F2A03D FFFFFF 6B4A3A 3A4A63",
        "2E2C38 5B2B34 C9A24A F4EFE6 2A2226 2A2833",
        "C9A24A 5A4A3A 7A2E36 FFF7E0 5A3A30 4A3B33",
        "8FA98A 4A5A5A F2E3C0 FFFFFF 6B4A3A 3F4A4A",
    ],
}
