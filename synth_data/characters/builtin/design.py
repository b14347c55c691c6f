# SPDX-License-Identifier: GPL-3.0-or-later
"""What a seed means: the choices that make a character, before any geometry."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np

from ..palette import SKIN_ODDS, SKINS, parse
from .body import Proportions, random_proportions
from .face import FaceStyle
from .looks import HairChoice, choose_hair, choose_headwear, varied_face
from .outfits import Wear
from .wardrobe import Colouring, choose, colouring


@dataclass(frozen=True)
class Design:
    """A character's choices. Colours are sRGB hex."""

    proportions: Proportions
    face: FaceStyle
    skin: tuple[str, str]
    cut: HairChoice
    clothes: Wear
    colours: Colouring
    headwear: tuple[str, ...] = ()
    human: bool = False

    @property
    def hair(self) -> str:
        return self.colours.hair

    @property
    def second_hair(self) -> str:
        """The colour of tips or streaks: lighter or darker, of another hue, or the clothes' accent, but always clearly another one."""
        hue, saturation, value = colorsys.rgb_to_hsv(*parse(self.hair))
        shades = {
            "accent": self.colours.accent,
            "hue": _hex((hue + 0.10) % 1.0, saturation, max(value, 0.55)),
            "light": _hex(hue, 0.45 * saturation, min(1.0, value + 0.40)),
            "dark": _hex(hue, min(1.0, 1.3 * saturation + 0.15), 0.50 * value),
        }
        apart = {name: float(np.abs(parse(shade) - parse(self.hair)).sum()) for name, shade in shades.items()}
        wanted = self.cut.shade
        return shades[wanted if apart[wanted] > 0.45 else max(("light", "dark"), key=apart.__getitem__)]

    @property
    def iris(self) -> str:
        return self.colours.iris

    @property
    def other_iris(self) -> str:
        """The right eye's colour: that of the left one, but where eyes are odd."""
        hue, saturation, value = colorsys.rgb_to_hsv(*parse(self.iris))
        return _hex((hue + 0.42) % 1.0, saturation, value) if self.face.odd_eyes else self.iris

    @property
    def triad(self) -> tuple[str, str, str]:
        """Main, second and accent colour of the clothes."""
        return self.colours.main, self.colours.second, self.colours.accent


def _hex(hue: float, saturation: float, value: float) -> str:
    return "".join(f"{round(255 * c):02X}" for c in colorsys.hsv_to_rgb(hue, saturation, value))


# The colours of seed 0.
OWN = Colouring("FFFFFF", "2C3E6B", "E0433F", "FFFFFF", "6B3F33", "2B3048", "F29BB2", "3FA0C8", 0, 4)


def design(seed: int, palette: int = 0) -> Design:
    """The choices of a seed; seed 0 is chosen by hand. `palette` other than 0: the same person in other colours, the skin's excepted."""
    rng = np.random.default_rng([seed, 20])
    if seed == 0:
        return Design(
            proportions=Proportions(True, 1.56, 5.7, 0.518, 0.090, 0.063, 0.077, 0.45, shoulder=0.079, slope=0.033),
            face=FaceStyle(eye_width=0.268, eye_height=0.225, smile=1.0, open=0.34, mouth_width=0.070, blush=0.85),
            skin=SKINS[0], cut=HairChoice("twin", "straight", ahoge=True),
            clothes=Wear("sailor", "pleated", "over", "loafer", 0.3, 0.45, 0.4),
            colours=_colours(0, "sailor", palette, OWN),
        )  # fmt: skip
    female = bool(rng.uniform() < 0.62)
    proportions = random_proportions(rng, female)
    if female:
        face = FaceStyle(
            eye_width=rng.uniform(0.248, 0.272),
            eye_height=rng.uniform(0.195, 0.222),
            tilt=rng.uniform(-0.004, 0.018),
            brow_tilt=rng.uniform(-0.4, 0.3),
            smile=rng.uniform(0.5, 1.1),
            open=float(rng.uniform() < 0.25) * 0.3,
            blush=rng.uniform(0.4, 0.9),
            mouth_width=rng.uniform(0.055, 0.072),
        )
    else:
        face = FaceStyle(
            eye_width=rng.uniform(0.226, 0.246),
            eye_height=rng.uniform(0.142, 0.170),
            tilt=rng.uniform(0.002, 0.022),
            eye_z=0.392,
            brow_lift=0.070,
            brow_tilt=rng.uniform(-0.9, -0.2),
            smile=rng.uniform(0.3, 0.9),
            open=float(rng.uniform() < 0.2) * 0.25,
            blush=0.12,
            mouth_width=rng.uniform(0.066, 0.085),
            jaw=1.10,
            lashes=0.62,
        )
    skin = SKINS[int(rng.choice(len(SKINS), p=SKIN_ODDS))]
    clothes = choose(np.random.default_rng([seed, 22]), proportions)
    rng = np.random.default_rng([seed, 24])
    cut = choose_hair(rng, female)
    worn = choose_headwear(rng, female, cut, clothes)
    return Design(proportions, varied_face(rng, face, proportions), skin, cut, clothes, _colours(seed, clothes.outfit, palette), worn)


def _colours(seed: int, outfit: str, palette: int, own: Colouring | None = None) -> Colouring:
    own = own or colouring(np.random.default_rng([seed, 23]), outfit)
    return own if palette == 0 else colouring(np.random.default_rng([seed, 23, palette]), outfit, own, palette)
