# SPDX-License-Identifier: GPL-3.0-or-later
"""The 1€ filter: smoothing while the frames come in, for what is shown live (numpy).

Casiez, Roussel and Vogel, "1€ Filter: a simple speed-based low-pass filter for noisy input in interactive systems", CHI 2012. What is
slow is smoothed more, what is fast lags less. Where the whole clip is there already, `steady` does better, without any lag.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class OneEuro:
    """Filters arrays of one shape frame by frame, each element on its own.

    `min_cutoff` in Hz is the cut-off of what stands still (lower: less tremble, more lag), `beta` in Hz per unit and second raises it
    with the speed (so it depends on the values' unit), `d_cutoff` in Hz is that of the speed itself.
    """

    def __init__(self, min_cutoff: float = 1.0, beta: float = 0.0, d_cutoff: float = 1.0) -> None:
        if min_cutoff <= 0 or beta < 0 or d_cutoff <= 0:
            raise ValueError(f"cut-offs of {min_cutoff} and {d_cutoff} Hz, beta {beta}")
        self.min_cutoff, self.beta, self.d_cutoff = min_cutoff, beta, d_cutoff
        self._time: float | None = None
        self._values = self._speed = np.empty(0)

    def filter(self, values: NDArray[Any], time: float) -> NDArray[Any]:
        """`values` at `time` (seconds, later than the last), filtered; float64. NaN is unseen: it stays, and that element starts anew."""
        values = np.asarray(values, np.float64)
        if self._time is None:
            self._time, self._values, self._speed = time, values.copy(), np.zeros(values.shape)
            return values.copy()
        step = time - self._time
        if step <= 0 or values.shape != self._values.shape:
            raise ValueError(f"{values.shape} at {time} s after {self._values.shape} at {self._time} s")
        goes_on = np.isfinite(values) & np.isfinite(self._values)
        # The paper's order: the speed is that of the new sample against the last filtered one.
        speed = (values - self._values) / step
        speed = np.where(goes_on, self._speed + _share(self.d_cutoff, step) * (speed - self._speed), 0.0)
        share = _share(self.min_cutoff + self.beta * np.abs(speed), step)
        self._values = np.where(goes_on, self._values + share * (values - self._values), values)
        self._time, self._speed = time, speed
        return self._values.copy()


def _share(cutoff: Any, step: float) -> Any:
    """α: the share of the new sample in a low-pass of that cut-off, 1 / (1 + τ/Tₑ) with τ = 1 / 2πf."""
    return 1 / (1 + 1 / (2 * np.pi * cutoff * step))
