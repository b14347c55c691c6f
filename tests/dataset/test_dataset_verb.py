# SPDX-License-Identifier: GPL-3.0-or-later
"""`ningyo dataset stats` and `export` as a shell sees them."""

from __future__ import annotations

import importlib.util
import json

import pytest
from ningyo.__main__ import build_parser, run_verb


@pytest.fixture
def ningyo(capfd):
    """Runs a command; gives (exit code, standard output, standard error)."""

    def run(*arguments: object) -> tuple[int, str, str]:
        argv = [str(argument) for argument in arguments]
        code = run_verb(build_parser().parse_args(argv), argv)
        return code, *capfd.readouterr()

    return run


def test_export(ningyo, drawn, tmp_path):
    code, out, _ = ningyo("dataset", "export", drawn.path, "--form", "coco", "--out", tmp_path / "coco")
    assert (code, out) == (0, f"export: {tmp_path / 'coco'}\n")
    assert (tmp_path / "coco/annotations/person_keypoints_val.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--out", "x"), "with --form: coco, dance_now, imagefolder, openpose, pix2pix, pix2pixhd, webdataset."),
        (("--form", "coco"), "with --out"),
        (("--form", "gif", "--out", "x"), 'no export to "gif"'),
    ],
)
def test_what_an_export_needs_is_asked_for(ningyo, drawn, arguments, words):
    code, _, err = ningyo("dataset", "export", drawn.path, *arguments)
    assert code == 1
    assert words in err


def test_stats_on_a_terminal(ningyo, drawn):
    code, out, err = ningyo("dataset", "stats", drawn.path)
    assert code == 0
    assert "samples           8 of 8, 64 × 48 px" in out
    assert "seen from         front 25%, left side 25%, behind 25%, right side 25%" in out
    assert "left heel         hidden 100%" in out
    assert "note: left heel: never visible" in err


def test_stats_as_json_and_as_a_page(ningyo, drawn, tmp_path):
    code, out, _ = ningyo("dataset", "stats", drawn.path, "--out", tmp_path / "stats", "--json")
    events = [json.loads(line) for line in out.splitlines()]
    assert (tmp_path / "stats/stats.json").is_file()
    if importlib.util.find_spec("matplotlib") is None:
        assert code == 1
        assert "needs matplotlib" in events[-2]["text"] + events[-1].get("text", "")
        return
    assert code == 0
    assert events[-1]["joints"]["nose"]["visible"] == 1
    assert {"kind": "page", "path": str(tmp_path / "stats/stats.html")}.items() <= events[-2].items()
    (tmp_path / "file").write_text("x")
    assert ningyo("dataset", "stats", drawn.path, "--out", tmp_path / "file")[0] == 1
