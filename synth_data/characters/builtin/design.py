# SPDX-License-Identifier: GPL-3.0-or-later
"""What a seed means: the choices that make a character, before any geometry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..palette import HAIRS, SKIN_ODDS, SKINS, TRIADS
from .body import Proportions, random_proportions
from .hair import STYLES_FEMALE, STYLES_MALE
from .head import FaceStyle

LEGWEAR = {
    ("sailor", True): ("skirt",),
    ("blazer", True): ("skirt", "skirt", "trousers"),
    ("blazer", False): ("trousers",),
    ("hoodie", True): ("skirt", "shorts", "trousers"),
    ("hoodie", False): ("trousers", "shorts"),
    ("coat", True): ("slim",),
    ("coat", False): ("slim",),
    ("sport", True): ("shorts", "plain"),
    ("sport", False): ("shorts", "trousers"),
}


@dataclass(frozen=True)
class Design:
    """A character's choices. Colours are sRGB hex."""

    proportions: Proportions
    face: FaceStyle
    skin: tuple[str, str]
    hair: str
    iris: str
    hair_style: str
    fringe: str
    ahoge: bool
    outfit: str
    legwear: str
    triad: tuple[str, str, str]
    sock: str
    shoe: str
    human: bool = False


def design(seed: int, palette: int = 0) -> Design:
    """The choices of a seed; seed 0 is chosen by hand. `palette` other than 0: the same person in other colours, the skin's excepted."""
    rng = np.random.default_rng([seed, 20])
    if seed == 0:
        return Design(
            proportions=Proportions(True, 1.56, 5.7, 0.518, 0.090, 0.063, 0.077, 0.45),
            face=FaceStyle(eye_width=0.268, eye_height=0.225, smile=1.0, open=0.34, mouth_width=0.070, blush=0.85),
            skin=SKINS[0], hair="F29BB2", iris="3FA0C8", hair_style="twin", fringe="straight", ahoge=True,
            outfit="sailor", legwear="skirt", triad=("FFFFFF", "2C3E6B", "E0433F"), sock="2B3048", shoe="6B3F33",
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
    hair, irises = HAIRS[int(rng.integers(len(HAIRS)))]
    iris = irises[int(rng.integers(len(irises)))]
    styles = STYLES_FEMALE if female else STYLES_MALE
    style = styles[int(rng.integers(len(styles)))]
    fringe = ("straight", "swept", "parted", "straight")[int(rng.integers(4))]
    outfits = ("sailor", "blazer", "hoodie", "coat", "sport") if female else ("blazer", "hoodie", "coat", "sport")
    outfit = outfits[int(rng.integers(len(outfits)))]
    legs = LEGWEAR[outfit, female]
    legwear = legs[int(rng.integers(len(legs)))]
    triads = TRIADS[outfit]
    triad = triads[int(rng.integers(len(triads)))]
    dark_socks = bool(rng.uniform() < 0.5) and legwear in ("skirt", "plain")
    smart = outfit in ("sailor", "blazer", "coat")
    shoe = ("5A3A30", "3A2C2E", "7A4A38")[int(rng.integers(3))] if smart else ("FFFFFF", triad[2], "E8E4DC")[int(rng.integers(3))]
    return Design(proportions, face, skin, hair, iris, style, fringe, bool(rng.uniform() < 0.3), outfit, legwear, triad,
                  "2B2B3A" if dark_socks else "FFFFFF", shoe)  # fmt: skip
