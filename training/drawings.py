# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of drawing that generators are conditioned on: ours, and those of the baselines."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import UserError
from ..synth_data.dataset.sample import SamplePose
from ..synth_data.pose.conditioning import CHANNELS, PACKED, draw_packed
from ..synth_data.pose.skeleton import BODY_LIMBS, draw_skeleton
from . import networks

CAPSULES, STICKS, LIMBS = "capsules", "sticks", "limbs"
HANDS = (95, 116)  # where the left and the right hand's 21 points begin
# dance_now's channels: the body's limbs, five fingers of each hand, and the background.
FINGERS = tuple(
    tuple((hand + (0 if joint == 0 else 4 * finger + joint), hand + 4 * finger + joint + 1) for joint in range(4))
    for hand in HANDS
    for finger in range(5)
)
_BODY_WIDTH, _FINGER_WIDTH = 5 / 512, 3 / 512  # 1 px dilated by 5×5 and by 3×3, of pictures of 512 px


class Drawing(NamedTuple):
    """`draw(pose, size, height_m)` → (H, W, packed) uint8; `expand(packed (B, packed, H, W), dtype)` → (B, channels, H, W) float; `empty`
    (packed,) uint8 is a pixel where nobody is.
    """

    channels: int
    draw: Callable[[SamplePose, int, float], NDArray[np.uint8]]
    expand: Callable[[Tensor, torch.dtype], Tensor]
    empty: NDArray[np.uint8]


def drawing(kind: str) -> Drawing:
    """Raises UserError for a kind that this version does not know."""
    if kind not in _DRAWINGS:
        raise UserError(f"There is no drawing {kind!r}; the model was made by another Ningyo, train it again with this one.")
    return _DRAWINGS[kind]


def draw_limbs(points: NDArray[np.floating], size: int) -> NDArray[np.uint8]:
    """dance_now's drawing of (137, 3) points (x px, y px, visibility): (size, size, 35) uint8, 255 on each limb in a channel of its own,
    each finger, and where nothing is.
    """
    picture = np.zeros((size, size, len(BODY_LIMBS) + len(FINGERS) + 1), np.uint8)
    known = np.isfinite(points).all(-1) & (points[:, 2] > 0)
    for channel, chain in enumerate([*((limb,) for limb in BODY_LIMBS), *FINGERS]):
        width = max((_BODY_WIDTH if channel < len(BODY_LIMBS) else _FINGER_WIDTH) * size, 1.0)
        for a, b in chain:
            if known[a] and known[b]:
                _line(picture[..., channel], points[a, :2], points[b, :2], width)
    picture[..., -1] = np.where(picture[..., :-1].any(-1), 0, 255)
    return picture


def _line(picture: NDArray[np.uint8], a: NDArray[np.floating], b: NDArray[np.floating], width: float) -> None:
    size = len(picture)
    low = np.clip(np.floor(np.minimum(a, b) - width), 0, size).astype(int)
    high = np.clip(np.ceil(np.maximum(a, b) + width), 0, size).astype(int)
    x = np.arange(low[0], high[0]) + 0.5 - a[0]
    y = (np.arange(low[1], high[1]) + 0.5 - a[1])[:, None]
    d = b - a
    along = np.clip((x * d[0] + y * d[1]) / max(float(d @ d), 1e-9), 0, 1)
    near = np.hypot(x - along * d[0], y - along * d[1]) <= width / 2 + 0.2  # thin lines would have gaps
    picture[low[1] : high[1], low[0] : high[0]][near] = 255


def _binary(packed: Tensor, dtype: torch.dtype) -> Tensor:
    return (packed.float() / 255).to(dtype)


def _background(channels: int, value: int) -> NDArray[np.uint8]:
    empty = np.zeros(channels, np.uint8)
    empty[-1] = value
    return empty


_NOTHING = np.r_[np.uint8(0), np.full(PACKED - 1, 128, np.uint8)]  # 128 is the packed form of 0
_LIMBS = len(BODY_LIMBS) + len(FINGERS) + 1
_DRAWINGS = {
    CAPSULES: Drawing(
        len(CHANNELS), lambda pose, size, height: draw_packed(pose.points_camera, pose.K, size, height), networks.expand, _NOTHING
    ),
    STICKS: Drawing(3, lambda pose, size, _: draw_skeleton(pose.skeleton_points(), (size, size)), _binary, _background(3, 0)),
    LIMBS: Drawing(_LIMBS, lambda pose, size, _: draw_limbs(pose.skeleton_points(), size), _binary, _background(_LIMBS, 255)),
}
