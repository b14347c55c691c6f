# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (torch is looked for first)
"""The number of threads is the one that was fastest, and is looked for again."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from ningyo.training.threads import Threads


def test_the_fastest_number_is_found_and_found_again() -> None:
    now = 0.0
    cost = {4: 10.0, 2: 5.0, 1: 1.0}

    def work() -> str:
        nonlocal now
        now += cost[torch.get_num_threads()]
        return "done"

    threads = Threads(every=30, most=4, clock=lambda: now)
    try:
        assert threads.candidates == [4, 2, 1]
        for _ in range(12):
            assert threads.run(work) == "done"
        assert threads.best == 1
        cost.update({4: 1.0, 1: 20.0})
        for _ in range(40):
            threads.run(work)
        assert threads.best == 4
    finally:
        threads.close()
    assert torch.get_num_threads() == 1
