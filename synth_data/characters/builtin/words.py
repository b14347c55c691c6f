# SPDX-License-Identifier: GPL-3.0-or-later
"""A built-in character in plain words, for captions."""

from __future__ import annotations

import colorsys

from ..palette import SKINS, parse
from .design import Design
from .hairstyles import STYLES
from .headwear import HEADWEAR

# Up to which hue (degrees) a colour is called so.
_HUES = (
    (14, "red"), (42, "orange"), (66, "yellow"), (165, "green"), (194, "teal"), (252, "blue"), (318, "purple"), (346, "pink"), (361, "red"),
)  # fmt: skip
_SKIN = dict(zip(SKINS, ("fair", "fair", "pale", "fair", "tan", "dark"), strict=True))
_FRINGES = {
    "straight": "straight bangs", "blunt": "blunt bangs", "swept": "side-swept bangs", "parted": "parted bangs",
    "curtains": "curtain bangs", "one eye": "bangs over one eye", "choppy": "choppy bangs", "wispy": "wispy bangs", "back": "no bangs",
}  # fmt: skip
_TONES = {"tips": "{} tips", "inner": "{} inner hair", "streak": "a {} streak"}
_MARKS = {"freckles": "freckles", "mole": "a mole under one eye", "beauty spot": "a beauty spot", "fang": "a fang"}
# Outfit → words, with the colours that it is made of; "{bottom}" is what is worn below.
_OUTFITS = {
    "sailor": "{main} sailor uniform with a {collar} collar and {bottom}", "blazer": "{main} school blazer with {bottom}",
    "vest": "{main} vest over a shirt with {bottom}", "gakuran": "{main} stand-collar school uniform",
    "hoodie": "{main} hoodie with {bottom}", "tshirt": "{main} T-shirt with {bottom}", "tracksuit": "{main} tracksuit",
    "sweater": "{main} sweater with {bottom}", "dungarees": "{second} dungarees over a {main} shirt", "coat": "{main} coat",
    "suit": "{main} suit with a {accent} tie", "dress": "{main} dress", "maid": "{main} maid dress with a white apron",
    "yukata": "{main} yukata", "hakama": "{main} kimono with a {second} hakama", "qipao": "{main} Chinese dress",
    "knight": "{main} knight's surcoat with armour", "traveller": "{main} traveller's outfit",
}  # fmt: skip
_BOTTOMS = {
    "pleated": "a pleated {} skirt", "flared": "a flared {} skirt", "tight": "a narrow {} skirt", "midi": "a {} midi skirt",
    "long": "a long {} skirt", "straight": "{} trousers", "slim": "slim {} trousers", "wide": "wide {} trousers",
    "cropped": "cropped {} trousers", "shorts": "{} shorts",
}  # fmt: skip
_EXTRAS = {
    "satchel": "a shoulder bag", "backpack": "a backpack", "armband": "an armband", "wristband": "wristbands", "watch": "a watch",
    "bandage": "a bandage", "headphones": "headphones around the neck", "necklace": "a necklace", "pouch": "a belt pouch",
    "gloves": "gloves", "cape": "a cape",
}  # fmt: skip


def colour_name(srgb: str) -> str:
    """Plain English for sRGB "RRGGBB": "navy", "light blue", "brown"."""
    hue, saturation, value = colorsys.rgb_to_hsv(*(float(c) for c in parse(srgb)))
    degrees = 360 * hue
    if value < 0.26:
        return "black"
    if saturation < 0.13:
        return "white" if value > 0.92 else "light grey" if value > 0.75 else "grey" if value > 0.4 else "dark grey"
    name = next(word for limit, word in _HUES if degrees < limit)
    if name in ("orange", "yellow"):
        if saturation < 0.38 and value > 0.78:
            return "cream" if value > 0.9 or saturation < 0.2 else "beige"
        if value < 0.74 and degrees < 50:
            return "light brown" if value > 0.6 else "brown"
        return "olive" if name == "yellow" and value < 0.6 else name
    if name == "red":
        if value > 0.75 and saturation < 0.55:
            return "pink"
        return "dark red" if value < 0.58 else name
    if name == "blue":
        return "navy" if value < 0.48 else "light blue" if saturation < 0.52 and value > 0.68 else name
    if name == "purple" and value > 0.68 and saturation < 0.42:
        return "lavender"
    return f"dark {name}" if value < 0.42 else f"light {name}" if value > 0.75 and saturation < 0.35 and name != "pink" else name


def hair_colour_name(srgb: str) -> str:
    """The same as one says it of hair: "blonde", "silver"."""
    name = colour_name(srgb)
    words = {
        "yellow": "blonde",
        "cream": "platinum blonde",
        "beige": "ash blonde",
        "light grey": "silver",
        "grey": "silver",
        "white": "white",
    }
    return words.get(name, name)


def attributes(design: Design) -> dict[str, str]:
    """What a character looks like: "person", "hair", "eyes", "skin", "face" where something is to be said of it, "outfit", and
    "accessories" where there are any. Each text is understood alone.
    """
    child = design.proportions.heads < 5.8
    who = ("girl", "woman") if design.proportions.female else ("boy", "man")
    found = {
        "person": who[0] if child else who[1],
        "hair": _hair(design),
        "eyes": _eyes(design),
        "skin": f"{_SKIN.get(design.skin, 'fair')} skin",
        "face": _and([_MARKS[mark] for mark in design.face.marks]),
        "outfit": _outfit(design),
        "accessories": _and([HEADWEAR[name].words for name in design.headwear] + [_EXTRAS[name] for name in design.clothes.extras]),
    }
    return {name: text for name, text in found.items() if text}


def _hair(design: Design) -> str:
    cut, colour = design.cut, hair_colour_name(design.hair)
    details = [] if "cut" in STYLES[cut.style].words and cut.fringe == "blunt" else [_FRINGES[cut.fringe]]
    if STYLES[cut.style].fringes == (cut.fringe,):
        details = []
    second = hair_colour_name(design.second_hair)
    if cut.tone:
        other = second if second != colour else "lighter" if _lightness(design.second_hair) > _lightness(design.hair) else "darker"
        details.append(_TONES[cut.tone].format(other))
    words = STYLES[cut.style].words.format(colour)
    return f"{words}, {_and(details)}" if details else words


def _lightness(srgb: str) -> float:
    return float(parse(srgb).sum())


def _eyes(design: Design) -> str:
    shape = "" if design.face.eye.name == "soft" else f"{design.face.eye.name} "
    left, right = colour_name(design.iris), colour_name(design.other_iris)
    return f"odd {shape}eyes, {left} and {right}" if left != right else f"{shape}{left} eyes"


def _outfit(design: Design) -> str:
    wear, colours = design.clothes, design.colours
    main, second = colour_name(colours.main), colour_name(colours.second)
    bottom = _BOTTOMS.get(wear.bottom, "").format(second)
    template = _OUTFITS[wear.outfit]
    if not bottom:
        template = template.removesuffix(" with {bottom}")
    return _a(template.format(main=main, second=second, collar=second, accent=colour_name(colours.accent), bottom=bottom))


def _a(text: str) -> str:
    plural = text.split(" ")[1:2] == ["dungarees"] or "dungarees over" in text
    return text if plural else f"{'an' if text[0] in 'aeiou' else 'a'} {text}"


def _and(items: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(items[:-1]), items[-1]])) if items else ""
