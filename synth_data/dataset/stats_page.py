# SPDX-License-Identifier: GPL-3.0-or-later
"""The statistics page: one HTML file with everything in it, so that it can be opened from a disk and sent to somebody."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path

from ...errors import UserError
from ...jobs.folder import write_atomically
from ...jobs.progress import SILENT, Reporter
from .findings import findings
from .folder import IMAGE, POSE, SKELETON, Dataset, Sample
from .label_pictures import all_labels, contact_pairs, contact_sheet, mean_picture, readable, spread
from .pictures import Pixels, resized
from .png import encode_png
from .stats import Figures
from .stats import figures as figures_of
from .survey import Survey

PAGE, FIGURES, SHEET, DRAWN = "stats.html", "stats.json", "contact.png", "figures"
LABELLED = 3  # samples that are shown with all their labels
_ROWS = 30  # of a table; what is left is summed up
_SIDE = 192  # px, of a picture in the page

_STYLE = """
:root {
  color-scheme: light dark;
  --ink: #1c2024; --dim: #5f6871; --line: #d9dde1; --ground: #ffffff; --card: #f6f7f8; --bar: #2a9d8f55; --warn: #b45309;
}
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaec; --dim: #9ba4ad; --line: #353b41; --ground: #14171a; --card: #1d2125; --bar: #2a9d8f66; --warn: #f5b041; }
}
* { box-sizing: border-box; }
body { margin: auto; max-width: 76rem; padding: 1rem; font: 16px/1.5 system-ui, sans-serif; background: var(--ground); color: var(--ink); }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2rem 0 .75rem; }
p { margin: .25rem 0; color: var(--dim); }
.cards { columns: 21rem; column-gap: 1rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem; margin: 0 0 1rem; }
.card { break-inside: avoid; }
.card h3 { font-size: 1rem; margin: 0 0 .25rem; }
.card p, figcaption { font-size: .875rem; color: var(--dim); }
.card svg, .card img { display: block; width: 100%; height: auto; margin-top: .5rem; }
.pictures { display: grid; gap: .5rem; grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); }
.pictures.pairs { grid-template-columns: repeat(auto-fill, minmax(10.5rem, 1fr)); }
.pictures figure { margin: 0; }
.pictures img { display: block; width: 100%; height: auto; border-radius: .25rem; }
.findings { list-style: none; margin: 1rem 0; padding: .75rem 1rem; background: var(--card); border: 1px solid var(--line); }
.findings { border-left: 4px solid var(--warn); border-radius: .25rem; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
td { padding: .2rem .4rem; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
"""
_FIGURES = {  # name of a figure → its heading, and how it is read
    "views": ("Views around the body", "Samples by the side the camera sees, seen from above; the body looks down the page."),
    "elevations": ("Views and the camera's height", "Samples by the side of the body and by how far above or below it the camera stands."),
    "distances": ("Camera's distance", "As the index says it."),
    "sizes": ("Size in the picture", "How much of the picture's height and width the body takes."),
    "places": ("Place in the picture", "Where the middle of the body is."),
    "poses": ("Map of poses", "Poses that are alike lie together; an empty region between pictures is a kind of pose that is missing."),
    "reach": (
        "Where hands and feet have been",
        "From the hips, the trunk being the grey line. Orange is the body's left, blue its right.",
    ),
    "angles": ("Joint angles", "The lighter, the more samples; the line goes from the 5th over the 50th to the 95th of a hundred."),
    "joints": (
        "Visibility of the joints",
        "In how many samples a joint is visible, hidden, cut off by the edge, or not in the rig.",
    ),
}


def write_page(found: Survey, out: Path, *, report: Reporter = SILENT) -> Figures:
    """Write the page, the figures as PNG and as JSON, and a contact sheet into the folder `out`; returns the figures.

    Raises UserError where matplotlib is missing (the JSON and the sheet are written then), or no picture can be read.
    """
    figures = figures_of(found)
    sentences = findings(figures)
    write_atomically(out / FIGURES, json.dumps(figures | {"findings": sentences}, indent=1) + "\n")
    write_atomically(out / SHEET, encode_png(contact_sheet(found.dataset)))
    try:
        from .stats_figures import draw
    except ImportError as error:
        raise UserError(
            f"The page needs matplotlib, which this Python does not have; run it with the worker's, or read {out / FIGURES}."
        ) from error
    drawn = draw(found, figures, report=report)
    for name, (png, _) in drawn.items():
        write_atomically(out / DRAWN / f"{name}.png", png)
    write_atomically(out / PAGE, page(found.dataset, figures, sentences, {name: svg for name, (_, svg) in drawn.items()}))
    return figures


def page(dataset: Dataset, figures: Figures, sentences: list[str], drawn: Mapping[str, str]) -> str:
    """The HTML; `drawn` are the figures as SVG elements."""
    name = escape(dataset.path.resolve().name)
    width, height = figures["size"]
    held_out, pairs = (
        ", ".join(f"{count} {escape(split)}" for split, count in figures[key].items())
        for key in ("by_split", "pairs_of_consecutive_frames")
    )
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{name}: what is in the dataset</title><style>{_STYLE}</style></head><body>",
        f"<h1>{name}</h1>",
        f"<p>{_number(figures['samples'], 'sample')} of {width} × {height} px ({held_out}), "
        f"{_number(len(figures['by_character']), 'character')}, {_number(len(figures['by_clip']), 'clip')}, "
        f"{_number(figures['variations'], 'varied pose')}, {figures['mirrored']} mirrored</p>",
        f"<p>Pairs of consecutive frames through one camera: {pairs}</p>",
        _findings(sentences),
        "<h2>Samples</h2>",
        _pictures((("", pair) for pair in readable(contact_pairs(dataset), spread(dataset, 24))), "pairs"),
        *_labelled(dataset),
        "<h2>Cameras</h2>",
        _cards(drawn, "views", "elevations", "distances", "sizes", "places", extra=[_framing(figures), _mean(dataset)]),
        "<h2>Poses</h2>",
        _cards(drawn, "poses", "angles", "reach"),
        "<h2>Labels</h2>",
        _cards(drawn, "joints", extra=[_files(figures)]),
        "<h2>Counts</h2>",
        '<div class="cards">',
        *(_table(what, figures[f"by_{what}"]) for what in ("split", "character", "clip")),
        "</div></body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _findings(sentences: list[str]) -> str:
    if not sentences:
        return ""
    return '<ul class="findings">' + "".join(f"<li>{escape(text[0].upper() + text[1:])}.</li>" for text in sentences) + "</ul>"


def _labelled(dataset: Dataset) -> Iterable[str]:
    """A few samples with all their labels, unless there are no others than those that the pairs show."""

    def labels(sample: Sample) -> str:
        return _pictures(all_labels(dataset, sample).items())

    for sample in spread(dataset, LABELLED):
        if not set(sample.files) - {IMAGE, SKELETON, POSE}:
            continue
        for pictures in readable(labels, [sample]):
            yield f"<h2>Sample {sample.id}</h2><p>{escape(sample.character)}, {escape(sample.clip)}, frame {sample.frame:g}</p>{pictures}"


def _pictures(named: Iterable[tuple[str, Pixels]], kind: str = "") -> str:
    cells = []
    for name, image in named:
        caption = f"<figcaption>{escape(name)}</figcaption>" if name else ""
        cells.append(f'<figure><img alt="{escape(name or "image and skeleton")}" src="{_embedded(image)}">{caption}</figure>')
    return f'<div class="pictures {kind}">{"".join(cells)}</div>'


def _embedded(image: Pixels) -> str:
    height, width = image.shape[:2]
    if height > _SIDE:
        image = resized(image, round(width * _SIDE / height), _SIDE)
    return "data:image/png;base64," + base64.b64encode(encode_png(image)).decode("ascii")


def _cards(drawn: Mapping[str, str], *names: str, extra: Iterable[str] = ()) -> str:
    cards = [f'<div class="card"><h3>{_FIGURES[name][0]}</h3><p>{_FIGURES[name][1]}</p>{drawn[name]}</div>' for name in names]
    return f'<div class="cards">{"".join([*cards, *extra])}</div>'


def _mean(dataset: Dataset) -> str:
    image = _embedded(mean_picture(dataset))
    return f'<div class="card"><h3>Mean picture</h3><p>Sharp where all samples are alike.</p><img alt="mean" src="{image}"></div>'


def _framing(figures: Figures) -> str:
    rows = [(name, f"{100 * share:.0f} %", share) for name, share in figures["framing"].items()]
    rows.append(("cut off by the edge (of whole bodies)", f"{100 * figures['cut_by_the_edge']:.0f} %", figures["cut_by_the_edge"]))
    return f'<div class="card"><h3>Framing</h3>{_rows(rows)}</div>'


def _files(figures: Figures) -> str:
    most = max((of_kind["megabytes"] for of_kind in figures["files"].values()), default=0)
    rows = []
    for kind, of_kind in sorted(figures["files"].items(), key=lambda item: -item[1]["megabytes"]):
        each = 1000 * of_kind["megabytes"] / max(of_kind["count"], 1)
        size = f"{of_kind['megabytes']:.2f} MB"
        rows.append((f"{kind}, {of_kind['count']} of {each:.1f} kB", size, of_kind["megabytes"] / (most or 1)))
    total = sum(of_kind["megabytes"] for of_kind in figures["files"].values())
    return f'<div class="card"><h3>Sizes on the disk</h3><p>{total:.1f} MB in all.</p>{_rows(rows)}</div>'


def _table(what: str, counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    rows = [(name, str(count), count / ordered[0][1]) for name, count in ordered[:_ROWS]]
    rest = ordered[_ROWS:]
    if rest:
        rows.append((f"{len(rest)} more", str(sum(count for _, count in rest)), 0.0))
    return f'<div class="card"><h3>By {what}</h3>{_rows(rows)}</div>'


def _rows(rows: Iterable[tuple[str, str, float]]) -> str:
    """A table of names and numbers, each with a bar of its share behind it."""
    cells = (
        f'<tr style="background: linear-gradient(90deg, var(--bar) {100 * share:.1f}%, transparent 0)"><td>{escape(name)}</td>'
        f'<td class="number">{text}</td></tr>'
        for name, text, share in rows
    )
    return f"<table>{''.join(cells)}</table>"
