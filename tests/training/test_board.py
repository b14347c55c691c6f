# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (torch is looked for first)
"""TensorBoard shows scalars and previews, what a run lost is hidden, and without the package training goes on."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from ningyo.training.board import Board
from PIL import Image


def test_scalars_and_pictures_can_be_read_back(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "preview.png")
    first = Board(tmp_path / "board", 0)
    for step in (20, 40, 60):
        first.scalars(step, {"g": step / 10})
    first.picture(40, "preview", tmp_path / "preview.png")
    first.close()
    again = Board(tmp_path / "board", 40)  # resumed from a checkpoint of step 40
    again.scalars(60, {"g": 7.0})
    again.close()
    events = EventAccumulator(str(tmp_path / "board"), size_guidance={"scalars": 0, "images": 0}).Reload()
    assert [(event.step, event.value) for event in events.Scalars("g")] == [(20, 2.0), (40, 4.0), (60, 7.0)]
    assert [event.step for event in events.Images("preview")] == [40]


def test_without_tensorboard_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    board = Board(tmp_path / "board", 0)
    board.scalars(1, {"g": 1.0})
    board.picture(1, "preview", tmp_path / "missing.png")
    board.close()
    assert not (tmp_path / "board").exists()
