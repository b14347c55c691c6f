# SPDX-License-Identifier: GPL-3.0-or-later
"""What a seed wears: an outfit and its variants, and colours that go together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..palette import HAIRS, SCHEMES, harmony, varied
from .body import Proportions
from .outfits.common import Wear


@dataclass(frozen=True)
class Choices:
    """What an outfit may be combined with. `odds` for women and men; `heads` is the least height in heads of who wears it."""

    odds: tuple[float, float]
    bottoms: tuple[tuple[str, ...], tuple[str, ...]]
    legwear: tuple[str, ...]
    shoes: tuple[tuple[str, ...], tuple[str, ...]]
    patterns: tuple[str, ...] = ("",)
    extras: tuple[str, ...] = ()
    heads: float = 0.0


# Outfits whose shoes and socks come in any of their colours.
CASUAL = ("hoodie", "tshirt", "tracksuit", "dungarees")
_SCHOOL_LEGS = ("knee", "over", "ankle", "knee", "loose", "tights")
_SMART = (("loafer", "maryjane"), ("loafer",))
_STREET = ("sneaker", "hightop", "sneaker")
_SCHOOL_BAGS = ("satchel", "backpack", "armband", "wristband")
CHOICES = {
    "sailor": Choices((1.3, 0), (("pleated",), ()), _SCHOOL_LEGS, _SMART, ("", "", "band"), _SCHOOL_BAGS),
    "blazer": Choices((1.0, 1.0), (("pleated", "pleated", "flared", "straight"), ("straight", "slim")), _SCHOOL_LEGS, _SMART,
                      ("", "checks", "checks", "stripes"), _SCHOOL_BAGS),
    "vest": Choices((1.0, 0.9), (("pleated", "pleated", "tight", "slim"), ("straight", "slim")), _SCHOOL_LEGS, _SMART,
                    ("", "checks", "stripes"), _SCHOOL_BAGS),
    "gakuran": Choices((0, 1.0), ((), ("straight", "slim")), ("ankle",), _SMART, ("", "stripes"), _SCHOOL_BAGS),
    "hoodie": Choices((0.8, 1.0), (("pleated", "shorts", "slim", "wide"), ("straight", "shorts", "slim", "cropped")),
                      ("ankle", "knee", "over"), (_STREET, _STREET), ("", "", "stripes", "band"), ("backpack", "satchel")),
    "tshirt": Choices((0.8, 1.0), (("shorts", "flared", "slim", "wide", "midi"), ("shorts", "straight", "slim", "cropped")),
                      ("ankle", "ankle", "knee"), (_STREET, _STREET), ("", "band", "stripes"),
                      ("wristband", "satchel", "headphones", "necklace", "watch", "bandage")),
    "tracksuit": Choices((0.6, 0.8), (("straight", "slim", "shorts", "pleated"), ("straight", "straight", "shorts")), ("ankle", "knee"),
                         (_STREET, _STREET), ("",), ("wristband", "headphones", "bandage")),
    "sweater": Choices((0.9, 0.8), (("long", "midi", "flared", "slim"), ("straight", "slim", "cropped")), ("tights", "ankle", "knee"),
                       (("boot", "maryjane", "loafer"), ("loafer", "boot", "hightop")), ("", "stripes", "band"), ("satchel", "necklace")),
    "dungarees": Choices((0.8, 0.6), (("cropped", "wide", "flared", "shorts"), ("straight", "cropped", "shorts")), ("ankle", "knee"),
                         (("sneaker", "hightop", "maryjane"), ("hightop", "boot", "sneaker")), ("", "", "band"), ("satchel", "watch")),
    "coat": Choices((0.9, 0.9), (("slim", "", ""), ("slim", "straight")), ("tights", "over"),
                    (("boot", "long boot"), ("boot", "loafer")), ("", "band"), ("gloves",)),
    "suit": Choices((0.35, 1.0), (("slim", "tight"), ("straight", "slim")), ("tights", "ankle"), (("pump", "loafer"), ("loafer",)), ("",),
                    ("gloves", "watch"), 6.2),
    "dress": Choices((1.3, 0), (("flared", "midi", "midi", "long"), ()), ("none", "none", "ankle"), (("sandal", "pump", "maryjane"), ()),
                     ("", "", "band", "stripes"), ("necklace", "satchel", "wristband")),
    "maid": Choices((0.9, 0), (("flared", "midi", "long", "flared"), ()), ("over", "tights", "knee"), (("maryjane", "boot"), ())),
    "yukata": Choices((0.9, 0.9), (("",), ("",)), ("none", "ankle"), (("zori",), ("zori",)), ("", "stripes", "band")),
    "hakama": Choices((0.7, 0.6), (("",), ("",)), ("ankle",), (("boot", "zori"), ("zori",)), ("",)),
    "qipao": Choices((0.8, 0.5), (("",), ("straight",)), ("none", "none", "over"), (("pump", "maryjane"), ("loafer",)), ("", "band"),
                     heads=6.0),
    "knight": Choices((0.6, 0.9), (("slim",), ("slim",)), ("tights",), (("long boot",), ("long boot", "boot")), ("",),
                      ("cape", "cape", "pouch", "gloves")),
    "traveller": Choices((0.8, 0.6), (("pleated", "midi", "slim"), ("slim", "straight")), ("over", "tights", "knee"),
                         (("boot", "long boot"), ("boot", "long boot")), ("", "band"), ("cape", "pouch", "gloves", "satchel")),
}  # fmt: skip


def choose(rng: np.random.Generator, proportions: Proportions) -> Wear:
    """An outfit for a figure. The same generator state gives the same one."""
    who = 0 if proportions.female else 1
    names = [n for n, c in CHOICES.items() if c.odds[who] > 0 and proportions.heads >= c.heads]
    odds = np.array([CHOICES[n].odds[who] for n in names])
    name = names[int(rng.choice(len(names), p=odds / odds.sum()))]
    options = CHOICES[name]

    def one(of: tuple[str, ...]) -> str:
        return of[int(rng.integers(len(of)))]

    bottom, legwear, shoes, pattern = one(options.bottoms[who]), one(options.legwear), one(options.shoes[who]), one(options.patterns)
    sleeve, length, variant = rng.uniform(size=3)
    extras = [one(options.extras)] if options.extras and rng.uniform() < 0.55 else []
    if options.extras and rng.uniform() < 0.2:
        extras.append(one(options.extras))
    return Wear(name, bottom, legwear, shoes, float(sleeve), float(length), float(variant), pattern, tuple(dict.fromkeys(extras)))


@dataclass(frozen=True)
class Colouring:
    """Colours as sRGB hex: of the clothes (see `Cloth`), hair and eyes; and which scheme of the outfit and which hair they are."""

    main: str
    second: str
    accent: str
    trim: str
    shoe: str
    sock: str
    hair: str
    iris: str
    scheme: int = 0
    hair_number: int = 0


def colouring(rng: np.random.Generator, outfit: str, own: Colouring | None = None, palette: int = 0) -> Colouring:
    """Colours for an outfit: one of its schemes, slightly varied, with hair that goes with it.

    A `palette` other than 0 takes another scheme and other hair than a character's `own`; palettes in a row take schemes in turn.
    """
    schemes = [s.split() for s in SCHEMES[outfit]]
    if own is None:
        number = int(rng.integers(len(schemes)))
    else:
        number = (own.scheme + 1 + (palette - 1) % (len(schemes) - 1)) % len(schemes)
    scheme = schemes[number]
    odds = np.array([harmony(hair, scheme) * (own is None or i != own.hair_number) for i, (hair, _) in enumerate(HAIRS)])
    hair_number = int(rng.choice(len(HAIRS), p=odds / odds.sum()))
    hair, irises = HAIRS[hair_number]
    iris = irises[int(rng.integers(len(irises)))]
    main, second, accent = (varied(rng, colour) for colour in scheme[:3])
    trim, shoe, sock = scheme[3:]
    if outfit in CASUAL:
        shoe = (shoe, shoe, accent, second, "3A3D4A")[int(rng.integers(5))]
        sock = (sock, sock, sock, second, trim)[int(rng.integers(5))]
    return Colouring(main, second, accent, trim, shoe, sock, varied(rng, hair), iris, number, hair_number)
