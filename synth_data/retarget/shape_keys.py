# SPDX-License-Identifier: GPL-3.0-or-later
"""Which shape keys show which expressions: ARKit's names in their spellings, and VRM's."""

from __future__ import annotations

import re
from collections.abc import Sequence

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SIDES = {"l": "left", "left": "left", "r": "right", "right": "right"}
# What other conventions call them, written as `plain` does; the mean of the expressions drives the key.
_ALIASES = {
    "blinkleft": ("eyeBlinkLeft",),
    "blinkright": ("eyeBlinkRight",),
    "blink": ("eyeBlinkLeft", "eyeBlinkRight"),
    "fcleyecloseleft": ("eyeBlinkLeft",),
    "fcleyecloseright": ("eyeBlinkRight",),
    "fcleyeclose": ("eyeBlinkLeft", "eyeBlinkRight"),
    "winkleft": ("eyeBlinkLeft",),
    "winkright": ("eyeBlinkRight",),
    "a": ("jawOpen",),
    "aa": ("jawOpen",),
    "fclmtha": ("jawOpen",),
    "mouthopen": ("jawOpen",),
}


def plain(name: str) -> str:
    """A name without separators and capitals, its side in full at the end: `eyeBlink_L` → `eyeblinkleft`."""
    words = [word.lower() for word in _WORD.findall(name)]
    sides = [_SIDES[word] for word in words if word in _SIDES]
    return "".join(word for word in words if word not in _SIDES) + "".join(sides[:1])


def driven_keys(keys: Sequence[str], expressions: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Shape key → the expressions whose mean is its value.

    A key that has an expression's own name, with or without a prefix that ends in `.`, `:` or `|`, goes before those of other conventions,
    and one for each side before one for both.
    """
    own = {plain(name): (name,) for name in expressions}
    found: dict[str, tuple[str, ...]] = {}
    for key in keys:
        spellings = (plain(key), plain(re.split(r"[.:|]", key)[-1]))
        names = next((own[spelling] for spelling in spellings if spelling in own), None)
        if names is not None:
            found[key] = names
    for sides in (1, 2):
        told = {name for names in found.values() for name in names}
        for key in keys:
            names = _ALIASES.get(plain(key), ())
            if key not in found and len(names) == sides and set(names) <= set(expressions) and told.isdisjoint(names):
                found[key] = names
    return found
