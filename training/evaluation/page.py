# SPDX-License-Identifier: GPL-3.0-or-later
"""`report.html`: the report as one page that needs nothing else, for eyes."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...synth_data.dataset.png import encode_png
from .table import COVER, METRICS, best

ROWS: dict[str, tuple[str, str]] = {
    "ours": ("Ours", "The model that is measured."),
    "pix2pix": ("pix2pix", "A U-Net 256 with a patch discriminator (Isola et al. 2017), trained on the same pictures for the time given."),
    "dance_now": ("dance_now", "A published pipeline's generator and losses as its code has them, trained likewise."),
    "dance_now_mended": ("dance_now, mended", "The same with its mistakes mended, trained likewise."),
    "nearest_3d": ("Nearest pose, 3-D", "The training picture whose joints, in space seen from the camera, are nearest."),
    "nearest_2d": ("Nearest pose, 2-D", "The training picture whose joints in the picture are nearest."),
    "mean_image": ("Mean picture", "The mean of training pictures, always the same."),
    "blank": ("Blank", "Nothing at all."),
    "rig_render": (
        "The truth",
        "The rig rendered in the known pose, or, of somebody filmed, the video's own frame: its numbers say what is the most. A render "
        "needs the rig and a renderer; both know how hair and skirt were swinging, which a single pose does not tell.",
    ),
}
_BAR = 96  # px, of a bar's whole width
_NO_MATTE = (
    "<p>The pictures are frames of a video and have no transparency. The figure is where the body is drawn in the conditioning, widened "
    "by a twenty-fourth of the picture's side; it is cut out of both pictures before anything is measured. Numbers of whole frames would "
    "mostly be the background's.</p>"
)
_STYLE = """
:root { color-scheme: light dark; --ink: #1c2024; --dim: #5f6871; --line: #d9dde1; --ground: #fff; --card: #f6f7f8; --bar: #2a9d8f; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaec; --dim: #9ba4ad; --line: #353b41; --ground: #14171a; --card: #1d2125; }
}
* { box-sizing: border-box; }
body { margin: auto; max-width: 90rem; padding: 1rem; font: 16px/1.5 system-ui, sans-serif; background: var(--ground); color: var(--ink); }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2rem 0 .75rem; }
p, dd, figcaption, .interval { color: var(--dim); }
p { margin: .25rem 0; max-width: 60rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; }
th, td { padding: .3rem .45rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
td { font-variant-numeric: tabular-nums; }
tr.most td { color: var(--dim); font-style: italic; }
.interval { display: block; font-size: .75rem; }
.bars { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr)); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem; }
.card h3 { font-size: 1rem; margin: 0 0 .25rem; }
.card p { font-size: .8rem; }
.card table { width: 100%; }
.card td { border: 0; padding: .1rem .3rem; }
svg { display: block; } svg .bar { fill: var(--bar); opacity: .55; } svg .whisker { stroke: var(--ink); stroke-width: 1.5; }
figure { margin: 0 0 1rem; }
figure img, video { display: block; max-width: 100%; height: auto; border: 1px solid var(--line); }
figcaption { font-size: .875rem; }
.frames { display: grid; gap: .75rem; grid-template-columns: repeat(auto-fill, minmax(16rem, 1fr)); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; font-size: .875rem; } dd { margin: 0; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } }
"""


def page(
    report: Mapping[str, Any],
    title: str,
    grid: Path,
    movie: Path,
    sheets: Mapping[str, Path],
    worst: Sequence[tuple[str, NDArray[np.uint8]]],
) -> str:
    """The HTML of a report: `grid` and the rows' `sheets` are PNG files, `movie` is an MP4, `worst` captions and pictures (H, W, 3)."""
    rows: Mapping[str, Any] = report["rows"]
    shown = [name for name in METRICS if any(row.get(name) is not None for row in rows.values())]
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        f"<p>{report['frames']} held-out frames of {len(report['clips'])} clips ({escape(', '.join(report['clips']))}), which training has "
        f"not seen; {report['train_frames']} training pictures.</p>",
        f"<p>Under each mean its {COVER} % interval, by bootstrap over {escape(report['resampled'])}. The best of a column is bold; the "
        "render itself, with which everything is compared, is in italics and does not compete.</p>",
        *([_NO_MATTE] if report["filmed"] else []),
        _table(report, rows, shown),
        "<h2>What the networks cost</h2>",
        _costs(report["networks"]),
        "<h2>At a glance</h2>",
        f'<div class="bars">{"".join(_bars(report, rows, name) for name in shown)}</div>',
        "<h2>Pictures</h2>",
        _figure(grid.read_bytes(), "From above: the driving skeleton, ours, the render, and their difference."),
        _video(movie.read_bytes(), "From left: the driving skeleton, the render, ours, the training picture with the nearest pose (3-D)."),
        *(_figure(path.read_bytes(), f"{_title(name)}. {ROWS[name][1]}") for name, path in sheets.items()),
        "<h2>The worst frames of ours</h2><p>Render and generated picture, by PSNR.</p>",
        f'<div class="frames">{"".join(_figure(encode_png(image), caption) for caption, image in worst)}</div>',
        "<h2>Worst tenth</h2><p>The mean of each row's worst tenth of the frames.</p>",
        _worst(report, rows, shown),
        "<h2>What the numbers are</h2>",
        f"<dl>{''.join(f'<dt>{escape(METRICS[n].title)}</dt><dd>{escape(METRICS[n].text)}</dd>' for n in shown)}</dl>",
        f"<h2>What the rows are</h2><dl>{''.join(f'<dt>{escape(_title(n))}</dt><dd>{escape(ROWS[n][1])}</dd>' for n in rows)}</dl>",
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _title(name: str) -> str:
    return ROWS[name][0]


def _costs(networks: Mapping[str, Any]) -> str:
    """Training and use, on the machine that the report was made on."""
    lines = (
        f"<tr><td>{escape(_title(name))}</td><td>{cost['minutes']:.1f}</td><td>{cost['images'] or 0:,}</td><td>{cost['megabytes']:.1f}</td>"
        f"<td>{1000 * cost['frame']:.0f}</td><td>{1000 * cost['frame_p95']:.0f}</td></tr>"
        for name, cost in networks.items()
    )
    head = "<th></th><th>Training, min</th><th>Pictures seen</th><th>Size, MB</th><th>A frame, ms</th><th>Slowest twentieth, ms</th>"
    return f'<div class="wide"><table><tr>{head}</tr>{"".join(lines)}</table></div>'


def number(value: float | None, name: str) -> str:
    """A metric's value as people read it."""
    if value is None:
        return "–"
    return f"{value:.1f}" if METRICS[name].goal > 1 else f"{value:.3f}" if name != "flow_warp" else f"{value:.2f}"


def _table(report: Mapping[str, Any], rows: Mapping[str, Any], shown: Sequence[str]) -> str:
    rivals = {name: row for name, row in rows.items() if name != "rig_render"}

    def cell(row: str, name: str) -> str:
        value, interval = rows[row][name], report["intervals"][row][name]
        text = number(value, name)
        if row in rivals and value is not None and text == number(best(rivals, name), name):
            text = f"<b>{text}</b>"
        if interval is not None and row != "rig_render":
            text += f'<span class="interval">{"…".join(number(v, name) for v in interval)}</span>'
        return f"<td>{text}</td>"

    return _grid(rows, shown, cell)


def _worst(report: Mapping[str, Any], rows: Mapping[str, Any], shown: Sequence[str]) -> str:
    alone = [name for name in shown if METRICS[name].over is None]
    return _grid(rows, alone, lambda row, name: f"<td>{number(report['worst_decile'][row][name], name)}</td>")


def _grid(rows: Iterable[str], shown: Sequence[str], cell: Any) -> str:
    head = "".join(f"<th>{escape(METRICS[name].title)}</th>" for name in shown)
    lines = (
        f"<tr{' class=most' if row == 'rig_render' else ''}><td>{escape(_title(row))}</td>{''.join(cell(row, name) for name in shown)}</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><tr><th></th>{head}</tr>{"".join(lines)}</table></div>'


def _bars(report: Mapping[str, Any], rows: Mapping[str, Any], name: str) -> str:
    """A bar a row, from 0 to the greatest value there is, with its interval; the render's is left out, since it dwarfs the others."""
    values = {row: rows[row][name] for row in rows if row != "rig_render" and rows[row][name] is not None}
    most = max([abs(v) for v in values.values()] + [max(map(abs, report["intervals"][row][name] or [0])) for row in values] + [1e-9])
    lines = []
    for row, value in values.items():
        x = _BAR * max(value, 0) / most
        low, high = (_BAR * max(v, 0) / most for v in (report["intervals"][row][name] or (value, value)))
        svg = (
            f'<svg width="{_BAR}" height="14"><rect class="bar" y="2" width="{x:.1f}" height="10"/>'
            f'<line class="whisker" x1="{low:.1f}" x2="{high:.1f}" y1="7" y2="7"/></svg>'
        )
        lines.append(f"<tr><td>{escape(_title(row))}</td><td>{svg}</td><td>{number(value, name)}</td></tr>")
    metric = METRICS[name]
    aim = "more is better" if metric.goal > 1 else f"{metric.goal:g} is best"
    return f'<div class="card"><h3>{escape(metric.title)}</h3><p>{aim}</p><table>{"".join(lines)}</table></div>'


def _figure(png: bytes, caption: str) -> str:
    data = base64.b64encode(png).decode("ascii")
    return f'<figure><img alt="{escape(caption)}" src="data:image/png;base64,{data}"><figcaption>{escape(caption)}</figcaption></figure>'


def _video(mp4: bytes, caption: str) -> str:
    data = base64.b64encode(mp4).decode("ascii")
    return (
        f'<figure><video controls loop muted src="data:video/mp4;base64,{data}"></video><figcaption>{escape(caption)}</figcaption></figure>'
    )
