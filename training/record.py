# SPDX-License-Identifier: GPL-3.0-or-later
"""What a training writes down of itself beside the model: losses, numbers of held-out pictures, curves, TensorBoard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..jobs.folder import write_atomically
from ..jobs.progress import Reporter
from .balance import WON
from .board import FOLDER, Board
from .files import CURVES, HELD_OUT, PREVIEW, STATS


class _Lines:
    """A file of JSON lines, each with a "step". Those of steps after the checkpoint that is resumed from are dropped."""

    def __init__(self, path: Path, steps: int) -> None:
        self._path = path
        self.lines: list[dict[str, Any]] = []
        if path.exists():
            for text in path.read_text("utf-8").splitlines():
                try:
                    line = json.loads(text)
                    if line["step"] <= steps:
                        self.lines.append(line)
                except (ValueError, KeyError, TypeError):
                    continue  # cut short by a kill
            path.write_text("".join(json.dumps(line) + "\n" for line in self.lines), "utf-8")

    def add(self, line: dict[str, Any]) -> None:
        self.lines.append(line)
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


class Record:
    """Of the training into `out`, from `steps` on."""

    def __init__(self, out: Path, steps: int) -> None:
        self._out = out
        self._stats, self._held_out = _Lines(out / STATS, steps), _Lines(out / HELD_OUT, steps)
        self._board = Board(out / FOLDER, steps)
        self._sums: dict[str, list[float]] = {}
        self._warned = False

    def add(self, values: Mapping[str, float]) -> None:
        """The losses of one step."""
        for name, value in values.items():
            self._sums.setdefault(name, []).append(value)

    def write(self, step: int, images: int, seconds: float, lr: float, report: Reporter) -> None:
        """The losses' means since the last time."""
        means = {name: round(sum(values) / len(values), 5) for name, values in self._sums.items()}
        self._sums.clear()
        self._stats.add({"step": step, "images": images, "seconds": round(seconds, 1), "lr": lr, **means})
        self._board.scalars(step, {"lr": lr, **means})
        won = sorted(name for name, value in means.items() if name.startswith("d_right") and value > WON)
        if won and not self._warned:
            self._warned = True
            report.warning(f"A discriminator is right too often ({', '.join(won)}) and is slowed down; the pictures may stay soft.")

    def show(self, step: int, seconds: float, held_out: Mapping[str, float], report: Reporter) -> None:
        """The preview is there, and these are the numbers of its pictures: everything that people look at is made new."""
        numbers = {name: round(value, 4) for name, value in held_out.items()}
        self._held_out.add({"step": step, "seconds": round(seconds, 1), **numbers})
        self._board.scalars(step, {f"held_out/{name}": value for name, value in numbers.items()})
        self._board.picture(step, "preview", self._out / PREVIEW)
        report.artefact("preview", self._out / PREVIEW)
        self._draw(report)

    def _draw(self, report: Reporter) -> None:
        try:
            from .curves import LEAST, draw_curves
        except ImportError:
            return  # as without TensorBoard: the numbers are there all the same
        if len(self._stats.lines) >= LEAST:
            write_atomically(self._out / CURVES, draw_curves(self._stats.lines, self._held_out.lines))
            report.artefact("curves", self._out / CURVES)

    def close(self) -> None:
        self._board.close()
