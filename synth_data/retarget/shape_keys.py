# SPDX-License-Identifier: GPL-3.0-or-later
"""Which shape keys show which expressions: ARKit's names in their spellings, VRM's and VRoid's, and what a file itself says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SIDES = {"l": "left", "left": "left", "r": "right", "right": "right"}
_BLINK, _SMILE = ("eyeBlinkLeft", "eyeBlinkRight"), ("mouthSmileLeft", "mouthSmileRight")
_FROWN, _RAISE = ("browDownLeft", "browDownRight"), ("browInnerUp", "browOuterUpLeft", "browOuterUpRight")
# What other conventions call them, written as `plain` does; the mean of the expressions drives the key.
_ALIASES = {
    "blinkleft": _BLINK[:1],
    "blinkright": _BLINK[1:],
    "blink": _BLINK,
    "fcleyecloseleft": _BLINK[:1],
    "fcleyecloseright": _BLINK[1:],
    "fcleyeclose": _BLINK,
    "winkleft": _BLINK[:1],
    "winkright": _BLINK[1:],
    "a": ("jawOpen",),
    "aa": ("jawOpen",),
    "fclmtha": ("jawOpen",),
    "mouthopen": ("jawOpen",),
    "fclmthu": ("mouthPucker",),
    "fclmthfun": _SMILE,
    "mouthsmile": _SMILE,
    "fclbrwangry": _FROWN,
    "fclbrwsurprised": _RAISE,
}
# VRM's own expressions (0.x: blend shape presets), of which one clearly is one of ARKit's, written as `plain` does.
_OF_VRM = {
    "blink": _BLINK,
    "blinkleft": _BLINK[:1],
    "blinkright": _BLINK[1:],
    "a": ("jawOpen",),
    "aa": ("jawOpen",),
    "u": ("mouthPucker",),
    "ou": ("mouthPucker",),
    "joy": _SMILE,
    "happy": _SMILE,
}


class Said(NamedTuple):
    """What a file says of a shape key: it belongs to the expression `name` (VRM's or the author's) and has the value `weight` then."""

    name: str
    weight: float


def plain(name: str) -> str:
    """A name without separators and capitals, its side in full at the end: `eyeBlink_L` → `eyeblinkleft`."""
    words = [word.lower() for word in _WORD.findall(name)]
    sides = [_SIDES[word] for word in words if word in _SIDES]
    return "".join(word for word in words if word not in _SIDES) + "".join(sides[:1])


def driven_keys(
    keys: Sequence[str], expressions: Sequence[str], said: Mapping[str, Sequence[Said]] | None = None
) -> dict[str, tuple[str, ...]]:
    """Shape key → the expressions whose mean is its value; `said` is what the character's file says of its keys.

    A key that has an expression's own name, with or without a prefix that ends in `.`, `:` or `|`, or to which the file gives it, goes
    before those of other conventions; one for each side before one for both; and names before what VRM's expressions are made of.
    """
    said = said or {}
    own = {plain(name): (name,) for name in expressions}
    found: dict[str, tuple[str, ...]] = {}
    for key in keys:
        spellings = [plain(key), plain(re.split(r"[.:|]", key)[-1]), *(plain(one.name) for one in said.get(key, ()))]
        names = next((own[spelling] for spelling in spellings if spelling in own), None)
        if names is not None:
            found[key] = names
    for most in (1, len(expressions)):
        for ways in (
            lambda key: [_ALIASES.get(plain(key), ())],
            lambda key: [_OF_VRM.get(plain(one.name), ()) for one in said.get(key, ())],
        ):
            told = {name for names in found.values() for name in names}
            for key in keys:
                for names in ways(key):
                    if key not in found and 0 < len(names) <= most and set(names) <= set(expressions) and told.isdisjoint(names):
                        found[key] = names
    return found
