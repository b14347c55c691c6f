# SPDX-License-Identifier: GPL-3.0-or-later
"""The statistics page: whole in itself, and nothing in it that the dataset's names could break."""

from __future__ import annotations

import json
import re
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from ningyo.errors import UserError
from ningyo.synth_data.dataset.png import decode_png
from ningyo.synth_data.dataset.stats_page import page, write_page
from ningyo.synth_data.dataset.survey import survey

FIGURES = {"views", "elevations", "distances", "sizes", "places", "poses", "reach", "angles", "joints"}


class Page(HTMLParser):
    """Its elements, and whether every one that was opened is closed."""

    EMPTY = frozenset({"meta", "img", "path", "use", "image", "rect", "stop", "circle", "line", "polyline", "polygon", "ellipse"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.EMPTY:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_a_page_with_everything_in_it(drawn, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is the worker's")
    figures = write_page(survey(drawn), tmp_path / "out")
    text = (tmp_path / "out/stats.html").read_text("utf-8")
    read = Page(text)
    assert read.open == []
    links = [value for _, attributes in read.tags for key, value in attributes.items() if key.split(":")[-1] in ("src", "href") and value]
    assert all(link.startswith(("data:image/png;base64,", "#")) for link in links)  # nothing is fetched
    ids = [attributes["id"] for _, attributes in read.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    assert set(re.findall(r"url\(#([^)]+)\)", text)) <= set(ids)
    assert "Left heel: never visible." in " ".join(read.text)
    assert "Pairs of consecutive frames through one camera: 0 train, 0 test" in read.text
    assert {"image", "skeleton", "mask", "parts", "depth", "normal", "uv", "flow", "head", "limbs", "capsules"} <= set(read.text)
    # The figures take the page's colour and width.
    drawings = [attributes for tag, attributes in read.tags if tag == "svg"]
    assert len(drawings) == len(FIGURES)
    assert not any({"width", "height"} & set(attributes) for attributes in drawings)
    assert "currentColor" in text
    assert "#010203" not in text
    # The same are there as files, and the figures as JSON.
    assert {path.stem for path in (tmp_path / "out/figures").iterdir()} == FIGURES
    for path in (tmp_path / "out/figures").iterdir():
        image = decode_png(path.read_bytes())
        assert (image[0, 0] == 255).all()
        assert image.std() > 5
    assert json.loads((tmp_path / "out/stats.json").read_text()).items() >= figures.items()
    assert decode_png((tmp_path / "out/contact.png").read_bytes()).shape == (2 * 48, 6 * 128, 3)


def test_the_same_dataset_gives_the_same_page_and_one_sample_is_enough(make_drawn, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is the worker's")
    found = survey(make_drawn(count=1, kinds=("image", "pose")))
    for name in ("a", "b"):
        write_page(found, tmp_path / name)
    assert Page((tmp_path / "a/stats.html").read_text("utf-8")).open == []
    assert (tmp_path / "a/stats.html").read_bytes() == (tmp_path / "b/stats.html").read_bytes()


def test_principal_components_find_the_directions_of_most_difference():
    pytest.importorskip("matplotlib", reason="matplotlib is the worker's")
    from ningyo.synth_data.dataset.stats_figures import principal_components

    random = np.random.default_rng(3)
    weights = random.normal(size=(200, 2)) * (3, 1)
    directions = np.linalg.qr(random.normal(size=(75, 2)))[0].T
    poses = (random.normal(size=75) + weights @ directions).reshape(200, 25, 3)
    poses[:, 7] = np.nan
    places, shares = principal_components(poses.astype(np.float32))
    assert abs(np.corrcoef(places[:, 0], weights[:, 0])[0, 1]) > 0.98
    assert shares.sum() == pytest.approx(1, abs=1e-3)
    places, shares = principal_components(poses[:1])
    assert places.tolist() == [[0, 0]]


def test_names_cannot_break_the_page(drawn):
    from ningyo.synth_data.dataset.stats import figures

    found = figures(survey(drawn)) | {"by_character": {f"<script>{i}": 1 for i in range(50)}}
    text = page(drawn, found, ["a < b"], dict.fromkeys(FIGURES, "<svg></svg>"))
    assert "<script" not in text
    assert "A &lt; b." in text
    assert "20 more" in text


def test_without_matplotlib_the_rest_is_written(drawn, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "ningyo.synth_data.dataset.stats_figures", raising=False)
    with pytest.raises(UserError, match="needs matplotlib"):
        write_page(survey(drawn), tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["contact.png", "stats.json"]
