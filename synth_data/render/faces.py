# SPDX-License-Identifier: GPL-3.0-or-later
"""Random expressions (numpy), as values of ARKit's blend shapes."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from ..retarget.face import NAMES

# Moods, each a set of shapes that go together, with the range of each. Left and right differ a little.
_MOODS: tuple[dict[str, tuple[float, float]], ...] = (
    {"mouthSmile": (0.4, 1.0), "cheekSquint": (0.0, 0.5), "browInnerUp": (0.0, 0.3)},
    {"mouthSmile": (0.5, 1.0), "jawOpen": (0.3, 0.9), "eyeSquint": (0.0, 0.4)},
    {"mouthFrown": (0.4, 1.0), "browInnerUp": (0.3, 1.0), "eyeSquint": (0.0, 0.3)},
    {"browDown": (0.5, 1.0), "mouthFrown": (0.0, 0.6), "jawOpen": (0.0, 0.3), "eyeSquint": (0.0, 0.5)},
    {"eyeWide": (0.5, 1.0), "browInnerUp": (0.4, 1.0), "browOuterUp": (0.3, 1.0), "jawOpen": (0.3, 1.0)},
    {"jawOpen": (0.1, 0.7), "mouthPucker": (0.0, 0.4), "mouthFunnel": (0.0, 0.5)},
    {"mouthPucker": (0.4, 1.0), "browInnerUp": (0.0, 0.4)},
    {},
)
_MIDDLE = ("browInnerUp", "jawOpen", "mouthPucker", "mouthFunnel")  # the others have a left and a right
_SIDED = sorted({name for mood in _MOODS for name in mood} - set(_MIDDLE))
EXPRESSIONS = tuple(dict.fromkeys((*NAMES, *_MIDDLE, *(name + side for name in _SIDED for side in ("Left", "Right")))))
_SHUT, _WINKS = 0.12, 0.05  # shares of expressions with shut eyes, and with one


def random_expression(known: Collection[str], rng: np.random.Generator) -> dict[str, float]:
    """Values 0…1 of the shapes that are `known` of a character; empty where it has none of ARKit's names."""
    mood = _MOODS[int(rng.integers(len(_MOODS)))]
    values: dict[str, float] = {}
    for name, (low, high) in mood.items():
        value, lean = rng.uniform(low, high), rng.uniform(-0.15, 0.15)
        for side, sign in (("", 0),) if name in _MIDDLE else (("Left", 1), ("Right", -1)):
            if name + side in known:
                values[name + side] = round(float(np.clip(value + sign * lean, 0, 1)), 3)
    blink, amount = rng.random(), rng.uniform(0.0, 0.25)
    for side, winks in (("Left", blink < _SHUT + _WINKS / 2), ("Right", blink < _SHUT or _SHUT + _WINKS / 2 <= blink < _SHUT + _WINKS)):
        if f"eyeBlink{side}" in known:
            values[f"eyeBlink{side}"] = 1.0 if winks else round(float(amount), 3)
    return {name: value for name, value in values.items() if value > 0}
