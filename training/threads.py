# SPDX-License-Identifier: GPL-3.0-or-later
"""How many threads to compute with: as many as pay, found by trying.

Where other programs (a Blender, say) use the cores, two threads of a small network wait for each other at every layer, and were
measured to be up to ten times slower than one. Which is better changes while a training runs, so it is tried again now and then.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import torch

Result = TypeVar("Result")
TRIALS = 4  # calls a candidate gets; the first one prepares things for its number of threads and does not count


class Threads:
    """Runs pieces of work of one kind, each with the number of threads that was fastest when last tried.

    `every` is the time between trials, seconds. `most` is the greatest number tried: torch's own choice unless given.
    """

    def __init__(self, every: float = 30.0, most: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._before = torch.get_num_threads()
        most = self._before if most is None else most
        self.candidates = sorted({1, max(most // 2, 1), most}, reverse=True)
        self.best = most
        self._every, self._clock = every, clock
        self._queue: list[int] = []
        self._times: dict[int, list[float]] = {}
        self._next_trial = clock()

    def run(self, work: Callable[[], Result]) -> Result:
        """What `work()` returns."""
        if len(self.candidates) == 1:
            return work()
        start = self._clock()
        if not self._queue and start >= self._next_trial:
            self._queue = [count for count in self.candidates for _ in range(TRIALS)]
            self._times = {count: [] for count in self.candidates}
        count = self._queue.pop(0) if self._queue else self.best
        torch.set_num_threads(count)
        start = self._clock()
        result = work()
        if self._times:
            self._times[count].append(self._clock() - start)
            if not self._queue:
                # The mean, not the least: threads that wait for each other are now and then quick.
                self.best = min(self._times, key=lambda n: sum(self._times[n][1:]))
                self._times = {}
                self._next_trial = self._clock() + self._every
        return result

    def close(self) -> None:
        """Give torch its own number back."""
        torch.set_num_threads(self._before)
