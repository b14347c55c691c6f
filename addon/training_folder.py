# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the training in a model folder is, for panels that are drawn often. No Blender in here."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..training.balance import WON
from ..training.files import CONFIG, CURVES, HELD_OUT, PREVIEW, REPORT, STATS
from ..training.presets import DEFAULT, MULTIPLE, PRESETS
from . import words
from .language import said
from .looking import Looked, stamp
from .plan import options_of

PRESET_ITEMS = (
    ("tiny", "Tiny", "For minutes on two cores of a processor: soon something to look at"),
    ("small", "Small", "For half an hour and more on a processor with many cores; heads are refined"),
    ("medium", "Medium", "For an hour on a graphics card, or a night on a processor with many cores"),
    ("large", "Large", "For an hour and more on a graphics card with much memory"),
    ("xl", "Extra Large", "For a night on a large graphics card: the most detail"),
)
TAIL = 8192  # bytes of the end of a file of lines that are read
MANY = 1000  # folders that are remembered
VIEWS = {"d_right": "whole pictures", "d_right_head": "heads", "d_right_pair": "movement"}


@dataclass(frozen=True)
class Training:
    """What a model folder says of its training; all empty where there is none yet."""

    character: str = ""
    preset: str = ""
    seed: int = 0
    dataset: str = ""  # the SHA-256 of its header
    steps: int = 0
    images: int = 0
    seconds: float = 0.0  # of training, all runs together
    rate: float | None = None  # pictures a second, lately
    loss: float | None = None  # the generator's
    psnr: float | None = None  # of held-out pictures, dB: of all of them once it is measured, before that of the preview's
    sharpness: float | None = None  # likewise; 1 is as sharp as the render
    right: dict[str, float] = field(default_factory=dict)  # of a discriminator by what it looks at: the share of the patches
    is_model: bool = False  # something to generate with is there
    preview: tuple[int, int] | None = None  # the `stamp` of the picture; None where there is none

    @property
    def has_begun(self) -> bool:
        return self.is_model or self.steps > 0


def training_in(folder: Path) -> Training:
    """What is in a folder, looked up at most twice a second."""
    return _looked(folder)


def training_now(folder: Path) -> Training:
    """The same, in any case. What cannot be read counts as not there."""
    config = _dictionary(folder / CONFIG)
    about = _dictionary(config.get("training"))
    lines, shown = _last_lines(folder / STATS), _last_lines(folder / HELD_OUT)
    last = lines[-1] if lines else {}
    seconds = max(_number(about.get("seconds")) or 0.0, _number(last.get("seconds")) or 0.0)
    images = max(int(_number(about.get("images")) or 0), int(_number(last.get("images")) or 0))
    measured = _dictionary(_dictionary(_dictionary(folder / REPORT).get("rows")).get("ours")) or (shown[-1] if shown else {})
    right = {view: value for name, view in VIEWS.items() if (value := _number(last.get(name))) is not None}
    return Training(
        character=str(config.get("character", "")),
        preset=str(config.get("preset", "")),
        seed=int(_number(about.get("seed")) or 0),
        dataset=str(about.get("dataset", "")),
        steps=int(_number(last.get("step")) or 0),
        images=images,
        seconds=seconds,
        rate=_rate(lines),
        loss=_number(last.get("g")),
        psnr=_number(measured.get("psnr_fg")),
        sharpness=_number(measured.get("sharpness")),
        right=right,
        is_model=bool(config),
        preview=stamp(folder / PREVIEW),
    )


_looked: Looked[Path, Training] = Looked(training_now, MANY)


def _rate(lines: Sequence[dict[str, Any]]) -> float | None:
    """Pictures a second between the first and the last of the lines."""
    ends = [(_number(line.get("images")), _number(line.get("seconds"))) for line in lines]
    known = [(images, seconds) for images, seconds in ends if images is not None and seconds is not None]
    if len(known) < 2 or not known[-1][1] > known[0][1]:
        return None
    return (known[-1][0] - known[0][0]) / (known[-1][1] - known[0][1])


def _last_lines(file: Path) -> list[dict[str, Any]]:
    """The whole lines at the end of a file of JSON lines."""
    try:
        with open(file, "rb") as lines:
            lines.seek(max(os.path.getsize(file) - TAIL, 0))
            texts = lines.read().splitlines()
    except OSError:
        return []
    found = []
    for text in texts:
        try:
            line = json.loads(text)
        except ValueError:
            continue  # cut by the look, or being written
        if isinstance(line, dict):
            found.append(line)
    return found


def _dictionary(value: Any) -> dict[str, Any]:
    """A dictionary, or what a JSON file holds; empty where it is none."""
    if isinstance(value, Path):
        try:
            value = json.loads(value.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def time_spent(training: Training, minutes: float | None = None) -> str:
    """ "8 min of 20 min"; `minutes` is how long it shall be, where that is known."""
    spent = words.duration(training.seconds) if training.seconds else said("{seconds} s", seconds=0)
    return said("{done} of {total}", done=spent, total=words.duration(60 * minutes)) if minutes else spent


def described(training: Training) -> list[str]:
    """How far a training is and how well it goes, in a few lines."""
    figures = [
        *([said("Loss {number}", number=f"{training.loss:.3g}")] if training.loss is not None else []),
        *([said("PSNR {number} dB", number=f"{training.psnr:.1f}")] if training.psnr is not None else []),
        *([said("sharpness {percent} %", percent=f"{100 * training.sharpness:.0f}")] if training.sharpness is not None else []),
    ]
    pictures = said("{count} pictures", count=f"{training.images:,}")
    rate = f", {said('{number} a second', number=f'{training.rate:.3g}')}" if training.rate else ""
    return [
        said("Step {number}", number=f"{training.steps:,}"),
        f"{pictures}{rate}",
        *([", ".join(figures)] if figures else []),
    ]


def balance(training: Training) -> tuple[str, bool]:
    """How the discriminators fare, in a sentence, and whether one of them wins; an empty sentence before they join."""
    if not training.right:
        return "", False
    winning = [
        said("{view}: right in {percent} %", view=said(view), percent=f"{100 * share:.0f}")
        for view, share in training.right.items()
        if share > WON
    ]
    if winning:
        text = said("A discriminator wins ({which}) and is slowed down; the pictures may stay soft", which=", ".join(winning))
        return text, True
    share = sum(training.right.values()) / len(training.right)
    return said("No side wins: the discriminators are right in {percent} %", percent=f"{100 * share:.0f}"), False


def minutes_of(arguments: Sequence[str]) -> float | None:
    """How long the trainings of a command line shall be, each."""
    given = options_of(arguments)
    try:
        return float(given["--minutes"][-1]) if "--minutes" in given else PRESETS[given.get("--preset", (DEFAULT,))[-1]].minutes
    except (KeyError, ValueError, IndexError):
        return None


def belongs(training: Training, preset: str, dataset: Path) -> str:
    """Why a model cannot be trained further with this preset on this dataset, as a short sentence; empty where it can."""
    if not training.is_model:
        return ""
    if training.preset != preset:
        names = {key: name for key, name, _ in PRESET_ITEMS}
        return said("The model there is of the preset {preset}", preset=said(names.get(training.preset, training.preset)))
    header = dataset / "dataset.json"
    at = stamp(header)
    if at is not None and training.dataset and _sha256(header, at) != training.dataset:
        return said("The model there is of another dataset")
    return ""


@lru_cache(maxsize=16)
def _sha256(file: Path, _stamp: tuple[int, int]) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""


def pictures_of(folder: Path) -> dict[str, Path]:
    """What can be shown of a training, by the names that `ningyo.show_training` has for them."""
    return {"GRID": folder / PREVIEW, "CURVES": folder / CURVES}


@dataclass(frozen=True)
class Material:
    """What a dataset has to train on: its characters, in order, the side of its pictures, px, and whether these have backgrounds."""

    characters: tuple[str, ...] = ()
    side: int = 0
    is_painted: bool = False

    @property
    def problem(self) -> str:
        """Why none of it can be trained on, as a short sentence; empty where it can."""
        if self.is_painted:
            return said("Training takes pictures without a background: render a dataset with a transparent one")
        if self.side % MULTIPLE:
            text = "Training takes pictures whose side is a multiple of {multiple} px, not of {size} px"
            return said(text, multiple=MULTIPLE, size=self.side)
        return ""


def material_in(dataset: Path) -> Material:
    """What the dataset in a folder has; nothing where there is none yet."""
    header = dataset / "dataset.json"
    at = stamp(header)
    return _material(header, at) if at is not None else Material()


@lru_cache(maxsize=4)
def _material(header: Path, _stamp: tuple[int, int]) -> Material:
    about = _dictionary(header)
    size = about.get("size")
    side = size[0] if isinstance(size, list) and size and isinstance(size[0], int) else 0
    return Material(tuple(map(str, _dictionary(about.get("characters")))), side, bool(about.get("background")))
