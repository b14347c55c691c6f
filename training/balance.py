# SPDX-License-Identifier: GPL-3.0-or-later
"""Watching a training: a discriminator that wins is slowed down, and losses that explode end it."""

from __future__ import annotations

import math

WON = 0.9  # share of patches; a discriminator that is right more often teaches the generator little
LEAST = 0.02  # of its learning rate is always left
EXPLODED = 50.0  # times what a loss was lately
LATELY = 0.05  # share of the newest value in what it was lately


class Balance:
    """How fast one discriminator may learn: `pace` 0…1 falls while it is right in more than WON of the patches, and else rises."""

    def __init__(self) -> None:
        self.right, self.pace = 0.5, 1.0

    def update(self, right: float) -> None:
        """`right` is the share of patches of this step that it was right about."""
        self.right += 0.1 * (right - self.right)
        self.pace = min(max(self.pace * (0.9 if self.right > WON else 1.05), LEAST), 1.0)


class Watch:
    """Tells when a training is lost: a loss that is no number, or many times what it was lately."""

    def __init__(self) -> None:
        self.lately: dict[str, float] = {}

    def lost(self, losses: dict[str, float]) -> bool:
        """Whether this step's losses are beyond hope."""
        for name, value in losses.items():
            if not math.isfinite(value):
                return True
            before = self.lately.get(name, value)
            if abs(value) > EXPLODED * max(abs(before), 1.0):
                return True
            self.lately[name] = before + LATELY * (value - before)
        return False
