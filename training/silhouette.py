# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the figure is in pictures without transparency (of somebody filmed): where the conditioning has a body, widened by what hair and
clothes reach beyond it. It is no matte: a little of the background is in it, and what hangs far off the body is not.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

REACH = 1 / 24  # of a whole picture's side, in which a person is 1 / 1.3 high: 9 cm of somebody of 1.7 m


def margin(size: int) -> int:
    """By how many px bodies are widened in pictures of `size` px."""
    return max(round(REACH * size), 1)


def silhouette(packed: Tensor, margin: int) -> Tensor:
    """(B, 1, H, W) float, 1 on the figure: capsules packed (B, PACKED, H, W) uint8, widened by `margin` px to all sides and corners."""
    body = torch.gt(packed[:, :1], 0).float()
    kernel = 2 * margin + 1
    # Rows, then columns: as one square it would take `kernel` times as long.
    return functional.max_pool2d(functional.max_pool2d(body, (1, kernel), 1, (0, margin)), (kernel, 1), 1, (margin, 0))


def figure(packed: NDArray[np.uint8]) -> Tensor:
    """(H, W) bool: `silhouette` of a whole picture's capsules, packed (H, W, PACKED) uint8."""
    return silhouette(torch.from_numpy(packed).permute(2, 0, 1)[None], margin(packed.shape[1]))[0, 0] > 0
