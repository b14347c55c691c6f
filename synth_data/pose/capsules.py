# SPDX-License-Identifier: GPL-3.0-or-later
"""The conditioning picture for people and image generators: capsules in the colours of their parts, nearer ones before further ones."""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray

from .conditioning import PARTS, VALUES, draw_packed

_FACING = 1 + VALUES.index("normal_z")  # of a packed pixel; negative is towards the camera
_DARKEST = 0.35


_OF_PART = {"head": (1.0, 1.0, 0.9), "chest": (0.85, 0.6, 1.0), "pelvis": (0.65, 0.45, 0.9), "secondary": (1.0, 0.85, 0.4)}


def _colours() -> NDArray[np.float32]:
    """(parts, 3) RGB: head, chest and pelvis light; left limbs warm, right ones cool, as OpenPose's are apart."""
    rows = []
    for part in PARTS:
        side, _, limb = part.partition("_")
        if side in ("left", "right"):
            step = ("upper_arm", "forearm", "hand", "thigh", "shin", "foot").index(limb)
            rows.append(colorsys.hsv_to_rgb((0.02 if side == "left" else 0.52) + 0.055 * step, 0.85, 1.0))
        else:
            rows.append(_OF_PART[part])
    return 255 * np.array(rows, np.float32)


_COLOURS = _colours()


def draw_capsules(points: NDArray, K: NDArray, size: int, height_m: float) -> NDArray[np.uint8]:
    """(size, size, 3) RGB on black; the arguments as for `conditioning.draw_packed`: camera-space points (137 + 2·S, 3), K (3, 3), the
    rig's height.
    """
    packed = draw_packed(points, K, size, height_m)
    part = packed[..., 0].astype(np.int64) - 1
    facing = np.clip((128 - packed[..., _FACING].astype(np.float32)) / 127, 0, 1)
    lit = _COLOURS[np.maximum(part, 0)] * (_DARKEST + (1 - _DARKEST) * facing)[..., None]
    return np.where(part[..., None] >= 0, np.rint(lit), 0).astype(np.uint8)
