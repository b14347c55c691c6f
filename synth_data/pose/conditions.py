# SPDX-License-Identifier: GPL-3.0-or-later
"""What a generator may be conditioned on: three drawings of the same points behind one interface, so that methods are compared on the
same data.

* `capsules`: `conditioning.py`'s z-buffered body. What Ningyo trains with.
* `sticks`: OpenPose's coloured skeleton as one picture, as pix2pixHD and "Everybody Dance Now" (Chan et al. 2019) take it.
* `limbs`: a binary channel a limb and a finger, and one for the rest, as dance_now takes it.

In all of them a joint that is not known is not drawn, nor what hangs on it, while one that is known but hidden behind the body is: of a
captured person nothing else is known, either. What reaches out of the picture is drawn up to its border.

Each has a version of its own, which is raised whenever its pictures change: models made with another version are refused.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from . import conditioning
from .framing import project
from .landmarks import HAND_21
from .skeleton import BODY_LIMBS, LEFT_HAND, RIGHT_HAND, covered_pixels, draw_skeleton

Array = NDArray[np.float32]
Packed = NDArray[np.uint8]

_FINGERS = ("thumb", "index", "middle", "ring", "pinky")
_BODY_WIDTH, _FINGER_WIDTH = 5 / 512, 3 / 512  # of a limb's line, of the picture's longer side


@dataclass(frozen=True, eq=False)
class Condition:
    """One way to draw points for a generator.

    `channels`: names of what the network sees; `packed`: bytes a pixel as it is cached; `empty` (packed,) uint8: a pixel where there is
    nothing, for what lies outside a picture.
    `draw(points, K, size, height_m)` takes camera-space points (137 + 2·S, 3) in metres (NaN: unknown, left out; the last ones are of bones
    that swing, which capsules alone show), K (3, 3) in px, the side or
    (width, height), and the character's height in metres, and gives (H, W, packed) uint8.
    `expand(packed)` makes channels (C, H, W) float32 of that: −1…1, 0 where there is nothing (but for the channel `background`).
    """

    name: str
    version: int
    channels: tuple[str, ...]
    packed: int
    empty: Packed
    draw: Callable[[NDArray, NDArray, int | tuple[int, int], float], Packed]
    expand: Callable[[Packed], Array]


def _flat_points(points: NDArray, K: NDArray) -> NDArray[np.float64]:
    """(137, 3): x, y in px and 1, or NaN and 0 for what is unknown or behind the camera."""
    pixels = project(points, K)
    known = np.isfinite(pixels).all(-1)
    return np.concatenate([pixels, known[:, None]], -1)


def _width_and_height(size: int | tuple[int, int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else size


def _draw_sticks(points: NDArray, K: NDArray, size: int | tuple[int, int], height_m: float) -> Packed:
    return draw_skeleton(_flat_points(points[: conditioning.POINTS], K), _width_and_height(size))


def _expand_sticks(packed: Packed) -> Array:
    return np.ascontiguousarray(np.moveaxis(packed, -1, 0), np.float32) / 255


def _lines() -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Every line of `limbs`: point pairs (N, 2), the channel of each (N,), its width in px of a picture of side 1 (N,)."""
    rows: list[tuple[int, int, int, float]] = [(a, b, channel, _BODY_WIDTH) for channel, (a, b) in enumerate(BODY_LIMBS)]
    for hand, first in enumerate((LEFT_HAND, RIGHT_HAND)):
        for finger, name in enumerate(_FINGERS):
            joints = [first, *(first + HAND_21.index(f"{name}{joint}") for joint in (1, 2, 3, 4))]
            channel = len(BODY_LIMBS) + 5 * hand + finger
            rows += [(a, b, channel, _FINGER_WIDTH) for a, b in itertools.pairwise(joints)]
    return (
        np.array([row[:2] for row in rows], np.int64),
        np.array([row[2] for row in rows], np.int64),
        np.array([row[3] for row in rows], np.float32),
    )


_PAIRS, _CHANNEL, _WIDTHS = _lines()
_LIMBS = (
    *(f"limb_{a}_{b}" for a, b in BODY_LIMBS),
    *(f"{side}_{finger}" for side in ("left", "right") for finger in _FINGERS),
    "background",
)
_LIMB_BYTES = -(-len(_LIMBS) // 8)  # a bit a channel
_NO_LIMB = np.packbits(np.array([name == "background" for name in _LIMBS]))


def _draw_limbs(points: NDArray, K: NDArray, size: int | tuple[int, int], height_m: float) -> Packed:
    width, height = _width_and_height(size)
    packed = np.zeros((height * width, _LIMB_BYTES), np.uint8)
    # `covered_pixels` takes half a line's width relative to 1/256 of the longer side, as the skeleton's lines are.
    line, pixel, cover = covered_pixels(_flat_points(points, K), (width, height), _PAIRS, _WIDTHS / 2 * 256)
    on = cover >= 0.5
    channel = _CHANNEL[line[on]]
    np.bitwise_or.at(packed, (pixel[on], channel // 8), (128 >> channel % 8).astype(np.uint8))
    nothing = np.ones(len(packed), bool)
    nothing[pixel[on]] = False
    packed[nothing] = _NO_LIMB
    return packed.reshape(height, width, _LIMB_BYTES)


def _expand_limbs(packed: Packed) -> Array:
    return np.moveaxis(np.unpackbits(packed, axis=-1, count=len(_LIMBS)), -1, 0).astype(np.float32)


_NOTHING = np.full(conditioning.PACKED, 128, np.uint8)
_NOTHING[0] = 0

CAPSULES = Condition(
    "capsules",
    conditioning.RASTERISER_VERSION,
    conditioning.CHANNELS,
    conditioning.PACKED,
    _NOTHING,
    conditioning.draw_packed,
    conditioning.expand,
)
STICKS = Condition("sticks", 2, ("red", "green", "blue"), 3, np.zeros(3, np.uint8), _draw_sticks, _expand_sticks)
LIMBS = Condition("limbs", 2, _LIMBS, _LIMB_BYTES, _NO_LIMB, _draw_limbs, _expand_limbs)
CONDITIONS = {condition.name: condition for condition in (CAPSULES, STICKS, LIMBS)}


def condition_named(name: str) -> Condition:
    """Raises UserError for a name that this version does not know."""
    if name not in CONDITIONS:
        raise UserError(f"There is no drawing {name!r}; the model was made by another Ningyo, train it again with this one.")
    return CONDITIONS[name]
