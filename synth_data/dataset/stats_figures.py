# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of the statistics page, drawn with matplotlib (the only module of `dataset/` that needs more than numpy).

Every figure is narrow enough for a phone, and its text takes the page's colour, so that it can be read in light and in dark.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, OffsetImage

from ...jobs.progress import SILENT, Reporter
from .body import ANGLES, STATES
from .label_pictures import readable, thumbnail
from .stats import GROUPS, Figures
from .survey import ANGLE_BINS, ELEVATION_EDGES, LIMB_ENDS, REACH, SHARE_EDGES, YAW_EDGES, Survey

WIDTH = 4.8  # inches; on a phone's screen about its width, with letters of a readable size
_INK = "#010203"  # stands for the page's text colour
_LEFT, _RIGHT, _PLAIN = "#E69F00", "#0072B2", "#2A9D8F"
_STATE_COLOURS = dict(zip(STATES, ("#999999", "#CC79A7", "#E69F00", "#009E73"), strict=True))
_STYLE: Any = {
    "svg.fonttype": "none",
    "font.size": 9,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": "#888888",
    "axes.linewidth": 0.6,
    "axes.titlesize": 9,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": "#88888860",
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "image.cmap": "viridis",
}
_MAP_CELLS, _THUMBNAIL = 6, 44


def draw(found: Survey, figures: Figures, *, report: Reporter = SILENT) -> dict[str, tuple[bytes, str]]:
    """Every figure by its name: as a PNG on white, and as SVG to put into a page."""
    drawn = {}
    for done, (name, make) in enumerate(_FIGURES.items(), 1):
        with rc_context(_STYLE | {"svg.hashsalt": name}):
            figure = make(found, figures)
            png, svg = io.BytesIO(), io.StringIO()
            figure.savefig(png, format="png", dpi=160, facecolor="white", metadata={"Software": None})
            figure.savefig(svg, format="svg", dpi=150, metadata={"Date": None, "Creator": None})
        drawn[name] = (png.getvalue(), _for_page(svg.getvalue(), name))
        report.progress(done, len(_FIGURES), "figures")
    return drawn


def _for_page(svg: str, name: str) -> str:
    """Only the element, as wide as its place, its text in the page's colour; names in it that are nobody else's on the page."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1), count=1)
    svg = re.sub(r'\b(id="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    return svg.replace(_INK, "currentColor").replace("<svg ", '<svg role="img" ', 1)


def _figure(height: float) -> Figure:
    return Figure(figsize=(WIDTH, height), layout="constrained")


def _counts(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Where nothing was counted nothing is drawn."""
    return np.ma.masked_equal(values, 0)


def _rose(found: Survey, _: Figures) -> Figure:
    figure = _figure(4.2)
    axes = figure.add_subplot(projection="polar")
    axes.set_theta_zero_location("S")  # type: ignore[attr-defined]  # polar axes have more than axes
    middles = np.radians((YAW_EDGES[:-1] + YAW_EDGES[1:]) / 2)
    axes.bar(middles, found.views.sum(axis=1), np.radians(14.0), color=_PLAIN, edgecolor="none")
    axes.set_xticks(np.radians([0, 45, 90, 135, 180, 225, 270, 315]))
    axes.set_xticklabels(["front", "", "its left", "", "behind", "", "its right", ""])
    axes.tick_params(axis="y", labelsize=7)
    axes.set_axisbelow(True)
    return figure


def _elevations(found: Survey, _: Figures) -> Figure:
    figure = _figure(2.9)
    axes = figure.add_subplot()
    mesh = axes.pcolormesh(YAW_EDGES, ELEVATION_EDGES, _counts(found.views.T), rasterized=True)
    axes.set_xticks([-180, -90, 0, 90, 180], ["behind", "right", "front", "left", "behind"])
    axes.set_yticks([-90, -45, 0, 45, 90], ["−90°", "−45°", "level", "45°", "above"])
    axes.grid(True)
    figure.colorbar(mesh, ax=axes, label="samples")
    return figure


def _distances(found: Survey, _: Figures) -> Figure:
    figure = _figure(2.2)
    axes = figure.add_subplot()
    distances = found.cameras["distance"]
    axes.hist(distances[np.isfinite(distances)], 24, color=_PLAIN)
    axes.set_xlabel("camera's distance, metres")
    axes.set_ylabel("samples")
    return figure


def _sizes(found: Survey, _: Figures) -> Figure:
    figure = _figure(2.4)
    axes = figure.add_subplot()
    for values, colour, label in ((found.heights, _PLAIN, "height"), (found.widths, _LEFT, "width")):
        axes.stairs(values, 100 * SHARE_EDGES, color=colour, fill=True, alpha=0.45)
        axes.stairs(values, 100 * SHARE_EDGES, color=colour, label=label)
    axes.set_xlabel("of the picture, per cent")
    axes.set_ylabel("samples")
    axes.legend(frameon=False)
    return figure


def _places(found: Survey, _: Figures) -> Figure:
    figure = _figure(3.9)
    axes = figure.add_subplot()
    width, height = found.dataset.size
    shown = axes.imshow(_counts(found.places), extent=(0, width, height, 0))
    axes.set_xlabel("px")
    figure.colorbar(shown, ax=axes, label="samples")
    return figure


def _angles(found: Survey, figures: Figures) -> Figure:
    figure = _figure(0.32 * len(ANGLES) + 0.6)
    axes = figure.add_subplot()
    for row, ((name, (low, high)), counts) in enumerate(zip(ANGLES.items(), found.angles, strict=True)):
        shares = counts / max(counts.max(), 1)
        strip = _counts(np.sqrt(shares))[None]  # the rare is to be seen too
        axes.pcolormesh(np.linspace(low, high, ANGLE_BINS + 1), [row - 0.36, row + 0.36], strip, vmin=0, vmax=1, rasterized=True)
        axes.plot([low, low, high, high, low], row + 0.36 * np.array([-1, 1, 1, -1, -1]), color="#888888", linewidth=0.5)
        quantiles = figures["angles"][name]
        if quantiles:
            marks = [quantiles["low"], quantiles["middle"], quantiles["high"]]
            axes.plot(marks, [row] * 3, color=_INK, linewidth=1, marker="|", markersize=9)
    axes.set_yticks(range(len(ANGLES)), list(ANGLES))
    axes.set_xticks(range(-90, 181, 45), [f"{angle}°".replace("-", "−") for angle in range(-90, 181, 45)])
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.spines[:].set_visible(False)
    return figure


def _reach(found: Survey, _: Figures) -> Figure:
    figure = _figure(2.6)
    grid = figure.subplots(2, len(LIMB_ENDS), sharex=True, sharey=True)
    extent = (-REACH, REACH, -REACH, REACH)
    for column, name in enumerate(LIMB_ENDS):
        for row, view in enumerate(("from the front", "from its right")):
            axes = grid[row, column]
            shares = np.log1p(found.reach[column, row]) / max(np.log1p(found.reach[column, row].max()), 1e-9)
            # Seen from the front, the body's left is on the right, as in the pictures; seen from its right, it looks to the right.
            axes.imshow(_two_colours(shares), extent=extent, origin="lower")
            axes.plot([0, 0], [0, 1], color="#888888", linewidth=1.5, solid_capstyle="round")
            axes.set_xticks([])
            axes.set_yticks([])
            if row == 0:
                axes.set_title(name)
            if column == 0:
                axes.set_ylabel(view)
    return figure


def _two_colours(shares: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Densities (2, H, W) of left and right, 0…1 → (H, W, 4): their colours mixed, as opaque as the denser of the two."""
    colours = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in (_LEFT, _RIGHT)])
    total = shares.sum(axis=0)
    mixed = np.einsum("shw,sc->hwc", shares, colours) / np.maximum(total, 1e-9)[..., None]
    opaque = np.where(total > 0, 0.25 + 0.75 * shares.max(axis=0), 0)
    return np.concatenate([mixed, opaque[..., None]], axis=2)


def _poses(found: Survey, _: Figures) -> Figure:
    figure = _figure(4.8)
    axes = figure.add_subplot()
    places, explained = principal_components(found.poses)
    for split in dict.fromkeys(sample.split for sample in found.poses_of):
        of_split = np.array([sample.split == split for sample in found.poses_of])
        colour = _PLAIN if split == "train" else _LEFT
        axes.scatter(*places[of_split].T, s=5, color=colour, alpha=0.5, linewidths=0, label=split, rasterized=True)
    chosen = _one_a_cell(places)

    def small(index: int) -> tuple[int, Any]:
        return index, thumbnail(found.dataset, found.poses_of[index], 2 * _THUMBNAIL)

    for index, image in readable(small, chosen):
        box = OffsetImage(image, zoom=0.5 * 72 / 100)
        axes.add_artist(AnnotationBbox(box, tuple(places[index]), frameon=False, pad=0))
    axes.set_xticks([])
    axes.set_yticks([])
    axes.margins(0.1)
    axes.set_xlabel(f"first component, {explained[0]:.0%} of how the poses differ")
    axes.set_ylabel(f"second, {explained[1]:.0%}")
    axes.legend(frameon=False, loc="upper left", markerscale=2.5)
    return figure


def principal_components(poses: npt.NDArray[Any]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Poses (N, 25, 3), NaN where unknown → places (N, 2) along the two directions in which they differ most, and those directions' shares
    of the variance (2,). Unknown joints stand at their mean.
    """
    flat = poses.reshape(len(poses), 75).astype(np.float64)
    known = np.isfinite(flat)
    mean = np.where(known, flat, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, flat - mean, 0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    variance = np.concatenate([sizes**2, [0, 0]])[:2] / max((sizes**2).sum(), 1e-12)
    places = np.zeros((len(poses), 2))
    places[:, : min(2, len(sizes))] = (left * sizes)[:, :2]
    return places, variance


def _one_a_cell(places: npt.NDArray[np.float64]) -> list[int]:
    """Of a grid over the places (N, 2), the index nearest to the middle of each cell that has any."""
    if not len(places):
        return []
    low, high = places.min(axis=0), places.max(axis=0)
    scaled = (places - low) / np.maximum(high - low, 1e-9) * _MAP_CELLS
    cells = np.minimum(scaled.astype(int), _MAP_CELLS - 1)
    distance = np.linalg.norm(scaled - cells - 0.5, axis=1)
    order = np.argsort(distance, kind="stable")
    nearest: dict[tuple[int, ...], int] = {}
    for index in order.tolist():
        nearest.setdefault(tuple(cells[index].tolist()), index)
    return sorted(nearest.values())


def _joints(found: Survey, figures: Figures) -> Figure:
    figure = _figure(0.2 * len(GROUPS) + 0.7)
    axes = figure.add_subplot()
    left = np.zeros(len(GROUPS))
    for state in reversed(STATES):
        shares = np.array([100 * figures["joints"][name][state] for name in GROUPS])
        axes.barh(range(len(GROUPS)), shares, 0.8, left=left, color=_STATE_COLOURS[state], label=state)
        left += shares
    axes.set_yticks(range(len(GROUPS)), [name.replace("_", " ") for name in GROUPS])
    axes.set_xlim(0, 100)
    axes.set_xlabel("per cent of the samples")
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.spines[:].set_visible(False)
    figure.legend(loc="outside upper center", ncols=4, frameon=False, handlelength=1, columnspacing=1, fontsize=8)
    return figure


_FIGURES: dict[str, Callable[[Survey, Figures], Figure]] = {
    "views": _rose,
    "elevations": _elevations,
    "distances": _distances,
    "sizes": _sizes,
    "places": _places,
    "poses": _poses,
    "reach": _reach,
    "angles": _angles,
    "joints": _joints,
}
