# SPDX-License-Identifier: GPL-3.0-or-later
"""What one step learns from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


class Poses(NamedTuple):
    """What capsules are drawn from (`training.raster.draw_windows`): `points` (B, 137 + 2·S, 3) float32 camera-space metres, NaN unknown;
    `K` (B, 3, 3) float32 in px of whole pictures, whose side is `size`; `heights` (B,) float32 metres; `corners` (B, 2) int64 px, where the
    windows of the pictures begin.
    """

    points: Tensor
    K: Tensor
    heights: Tensor
    corners: Tensor
    size: int


class Batch(NamedTuple):
    """`packed` (B, P, H, W) uint8 conditioning as its drawing packs it, or what it is to be drawn from, `target` (B, 4, H, W) uint8
    premultiplied RGBA, `head` (B, 3) float32 squares around the heads (centre x, centre y, side in px; side 0: not seen).

    Where `paired`, row i + B/2 is the frame after row i, seen by the same camera and cut alike. `rows` (B,) are the rows' numbers in the
    batch of all processes together, which holds `whole` rows. `margin`: where the pictures have no transparency, by how many px the body in
    the conditioning is widened to be the figure (`training.silhouette`); 0: alpha says where it is.
    """

    packed: Tensor | Poses
    target: Tensor
    head: Tensor
    paired: bool
    rows: NDArray[np.int64]
    whole: int
    margin: int = 0
