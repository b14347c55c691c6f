# SPDX-License-Identifier: GPL-3.0-or-later
"""A seed's face, hair and what is worn on the head: the choices, before any geometry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from .body import Proportions
from .face import BROWS, EYES, FaceStyle
from .hairstyles import STYLES
from .headwear import HEADWEAR
from .outfits.common import Wear

# Odds, where there are two of women's and men's.
_EYES = (
    {"soft": 5, "round": 4, "almond": 3, "droopy": 3, "sharp": 2, "half-lidded": 1.5},
    {"soft": 3, "almond": 4, "sharp": 5, "droopy": 2, "half-lidded": 2.5, "round": 1},
)
_BROWS = (
    {"soft": 5, "thin": 4, "short": 2, "angled": 1.5, "worried": 2, "thick": 1},
    {"soft": 3, "thick": 4, "angled": 4, "thin": 1.5, "short": 0.7, "worried": 1},
)
_IRISES = {"plain": 4, "ringed": 3, "glow": 3, "sparkle": 2, "slit": 0.5}
_MOUTHS = {"smile": 5, "open": 2.5, "cat": 1, "smirk": 1.2, "flat": 1.5, "pout": 1.2, "grin": 1}
_MARKS = {"": 12, "freckles": 1.6, "mole": 1.6, "beauty spot": 1.0, "fang": 1.2}
# Kinds of a second colour of hair, and where it comes from.
_TONES = {"": 11, "tips": 3, "inner": 2, "streak": 3}
_SHADES = {"light": 3, "dark": 3, "accent": 3, "hue": 2}
# What goes with clothes, beside what goes with all.
_WITH = {
    "sailor": ("beret",), "coat": ("beret", "beanie"), "dress": ("straw hat", "straw hat", "flower"), "hoodie": ("beanie", "cap"),
    "tshirt": ("cap", "beanie"), "tracksuit": ("cap",), "sweater": ("beret", "beanie"), "dungarees": ("straw hat", "cap"),
    "yukata": ("flower", "flower"), "hakama": ("flower", "side bow"), "qipao": ("flower",),
}  # fmt: skip
_FOR_WOMEN = ("pins", "flower", "side bow", "hairband", "ribbon band", "bow", "cat ears", "rabbit ears", "fox ears", "bear ears", "horns")
_FOR_MEN = ("cat ears", "fox ears", "bear ears", "horns", "hairband", "pins")
_STIFF = ("knight", "suit", "gakuran")


def _pick(rng: np.random.Generator, odds: Mapping[str, float]) -> str:
    share = np.array(list(odds.values()), float)
    return list(odds)[int(rng.choice(len(share), p=share / share.sum()))]


def varied_face(rng: np.random.Generator, face: FaceStyle, proportions: Proportions) -> FaceStyle:
    """The face with shapes of eyes, brows and mouth of its own. Children have wider faces with larger and lower eyes."""
    who = 0 if proportions.female else 1
    grown = float(np.clip((proportions.heads - 5.0) / 3.0, 0.0, 1.0))
    mouth, mark = _pick(rng, _MOUTHS), _pick(rng, _MARKS)
    smile, gape, cat, smirk, wide = {
        "smile": (face.smile, 0.0, 0.0, 0.0, 1.0),
        "open": (face.smile, rng.uniform(0.2, 0.45), 0.0, 0.0, 1.05),
        "cat": (0.9, 0.0, 1.0, 0.0, 1.0),
        "smirk": (0.35, 0.0, 0.0, float(rng.choice([-0.6, 0.6])), 1.0),
        "flat": (0.05, 0.0, 0.0, 0.0, 1.0),
        "pout": (-0.40, 0.0, 0.0, 0.0, 0.85),
        "grin": (1.15, 0.5, 0.0, 0.0, 1.30),
    }[mouth]
    return replace(
        face,
        eye=EYES[_pick(rng, _EYES[who])],
        brow=BROWS[_pick(rng, _BROWS[who])],
        iris=_pick(rng, _IRISES),
        odd_eyes=bool(rng.uniform() < 0.03),
        eye_height=face.eye_height * (1.07 - 0.16 * grown),
        eye_width=face.eye_width * (1.03 - 0.07 * grown),
        eye_x=0.180 + rng.uniform(-0.006, 0.008),
        eye_z=face.eye_z - 0.012 + 0.026 * grown + rng.uniform(-0.006, 0.006),
        width=1.035 - 0.07 * grown + rng.uniform(-0.02, 0.02),
        jaw=face.jaw + rng.uniform(-0.06, 0.07),
        mouth_z=0.122 + rng.uniform(-0.008, 0.006),
        mouth_width=face.mouth_width * wide,
        smile=smile,
        open=gape,
        cat=cat,
        smirk=smirk,
        marks=(mark,) if mark else (),
    )


@dataclass(frozen=True)
class HairChoice:
    """`tone` is where a second colour is ("": nowhere, "tips", "inner", "streak"), `shade` where it comes from."""

    style: str
    fringe: str
    ahoge: bool = False
    tone: str = ""
    shade: str = "light"


def choose_hair(rng: np.random.Generator, female: bool) -> HairChoice:
    """A style, a fringe that goes with it, and whether there is a second colour."""
    styles = [name for name, style in STYLES.items() if ("f" if female else "m") in style.who]
    style = styles[int(rng.integers(len(styles)))]
    fringes = STYLES[style].fringes
    return HairChoice(
        style, fringes[int(rng.integers(len(fringes)))], bool(rng.uniform() < 0.22), _pick(rng, _TONES), _pick(rng, _SHADES)
    )  # fmt: skip


def choose_headwear(rng: np.random.Generator, female: bool, hair: HairChoice, wear: Wear) -> tuple[str, ...]:
    """Names of HEADWEAR: one thing on the head, and perhaps glasses and earrings."""
    worn = []
    draw, glasses, what, rings = rng.uniform(size=4)
    if glasses < 0.20:
        worn.append(("round glasses", "square glasses", "half-rim glasses", "round glasses", "square glasses")[int(glasses / 0.04)])
    elif glasses > 0.985:
        worn.append("eyepatch")
    choices: list[str] = list(_FOR_WOMEN if female else _FOR_MEN)
    if "headphones" not in wear.extras:
        choices.append("headphones")
    if STYLES[hair.style].hat:
        choices += ["beret", "cap", "beanie"]
    fitting = [name for name in _WITH.get(wear.outfit, ()) if STYLES[hair.style].hat or HEADWEAR[name].place != "hat"]
    choices += [name for name in fitting if female or name not in _FOR_WOMEN] * 3
    if wear.outfit == "maid":
        worn.append("frill")
    elif draw < (0.62 if female else 0.34) and (wear.outfit not in _STIFF or draw < 0.1):
        worn.append(choices[int(what * len(choices))])
    if rings < (0.22 if female else 0.07):
        worn.append("earrings")
    return tuple(worn)
