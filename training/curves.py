# SPDX-License-Identifier: GPL-3.0-or-later
"""The curves of a training as one picture, for people without TensorBoard and for Blender's image editors."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from .balance import WON

Line = Mapping[str, Any]

SIZE, DPI = (10.24, 7.68), 100  # inches, and pixels in one
POINTS = 200  # of a curve at most; more lines are drawn as means of several
LEAST = 2  # lines that make a curve
_STYLE: Any = {
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#3a3d42",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.5,
    "legend.frameon": False,
    "legend.fontsize": 10,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.titlecolor", "xtick.labelcolor", "ytick.labelcolor"), "#d8dadd"),
    **dict.fromkeys(("axes.edgecolor", "xtick.color", "ytick.color"), "#6b7078"),
    "figure.facecolor": "#1d1f22",
    "axes.facecolor": "#232529",
}
# Told apart by people who see few colours, and all light enough for the dark ground (Okabe and Ito).
_ORANGE, _SKY, _GREEN, _YELLOW, _PINK, _DIM = "#E69F00", "#56B4E9", "#2BC59B", "#F0E442", "#E08BBE", "#8b9097"
_LOSSES = {
    "l1": ("Colour", _SKY),
    "gradient": ("Edges", _ORANGE),
    "dice": ("Silhouette", _GREEN),
    "features": ("Features", _YELLOW),
    "features_head": ("Features, heads", _PINK),
}
_RIGHT = {"d_right": ("Whole pictures", _SKY), "d_right_head": ("Heads", _ORANGE), "d_right_pair": ("Movement", _GREEN)}


def draw_curves(stats: Sequence[Line], held_out: Sequence[Line]) -> bytes:
    """A PNG of the lines of stats.jsonl and held_out.jsonl over the minutes of training."""
    with rc_context(_STYLE):
        figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
        places: Any = figure.subplot_mosaic([["held out", "held out"], ["losses", "right"]])
        _held_out(places["held out"], held_out)
        _losses(places["losses"], stats)
        _rightness(places["right"], stats)
        last = max(float(line["seconds"]) for line in (*stats, *held_out)) / 60
        for axes in places.values():
            axes.set_xlim(0, 1.02 * last)
            axes.locator_params(axis="x", nbins=6)
            axes.set_xlabel("minutes of training")
        png = io.BytesIO()
        figure.savefig(png, format="png", metadata={"Software": None})
    return png.getvalue()


def _held_out(axes: Axes, lines: Sequence[Line]) -> None:
    axes.set_title("Pictures it has not been trained on")
    axes.set_ylabel("PSNR, dB")
    minutes, values = curve(lines, "psnr_fg")
    axes.plot(minutes, values, color=_SKY, marker="o", markersize=4, label="PSNR: likeness to the render")
    other = axes.twinx()
    other.grid(visible=False)
    other.set_ylabel("Sharpness, %")
    minutes, values = curve(lines, "sharpness")
    other.plot(minutes, 100 * values, color=_ORANGE, linestyle="--", marker="s", markersize=4, label="Sharpness: 100 is the render's")
    handles = [*axes.get_lines(), *other.get_lines()]
    axes.legend(handles, [str(handle.get_label()) for handle in handles], loc="lower right")


def _losses(axes: Axes, lines: Sequence[Line]) -> None:
    axes.set_title("What the generator still does wrong")
    axes.set_yscale("log")
    for name, (label, colour) in _LOSSES.items():
        minutes, values = curve(lines, name)
        if (values > 0).any():
            axes.plot(minutes, np.where(values > 0, values, np.nan), color=colour, label=label)
    # Plain numbers; powers of ten are for other people.
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(FuncFormatter(lambda _value, _place: ""))
    if axes.get_lines():
        low, high = axes.get_ylim()
        axes.set_ylim(low, high * (high / low) ** 0.3)  # room for the legend
        axes.legend(loc="upper right", ncols=2)


def _rightness(axes: Axes, lines: Sequence[Line]) -> None:
    axes.set_title("How often the discriminators are right, %")
    axes.set_ylim(40, 100)
    axes.axhline(50, color=_DIM, linewidth=1)
    axes.axhline(100 * WON, color=_DIM, linewidth=1, linestyle="--")
    axes.annotate("guessing", (0.01, 50), xycoords=("axes fraction", "data"), color=_DIM, va="bottom", fontsize=10)
    axes.annotate("winning: slowed down", (0.01, 100 * WON), xycoords=("axes fraction", "data"), color=_DIM, va="bottom", fontsize=10)
    for name, (label, colour) in _RIGHT.items():
        minutes, values = curve(lines, name)
        if len(values):
            axes.plot(minutes, 100 * values, color=colour, label=label)
            axes.legend(loc="upper right")


def curve(lines: Sequence[Line], name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(P,) minutes and (P,) values of one number, of the lines that have it; P is at most POINTS."""
    found = np.array([(line["seconds"] / 60, line[name]) for line in lines if name in line], np.float64).reshape(-1, 2)
    found = found[np.isfinite(found).all(1)]
    if len(found) > POINTS:
        found = np.array([part.mean(0) for part in np.array_split(found, POINTS)])
    return found[:, 0], found[:, 1]
