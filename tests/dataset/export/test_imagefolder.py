# SPDX-License-Identifier: GPL-3.0-or-later
"""Read back by Hugging Face's `datasets`, as the ControlNet training scripts of diffusers do."""

from __future__ import annotations

import json

import numpy as np
import pytest
from ningyo.synth_data.dataset.export import export
from ningyo.synth_data.dataset.pictures import picture
from ningyo.synth_data.dataset.png import decode_png


@pytest.fixture
def load(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets", reason="Hugging Face's datasets is not installed (pip install '.[readers]')")
    return lambda folder: datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))


def test_columns_are_those_that_controlnet_scripts_ask_for(drawn, tmp_path, load):
    export(drawn, "imagefolder", tmp_path / "out")
    read = load(tmp_path / "out")
    assert {split: len(rows) for split, rows in read.items()} == {"train": 6, "test": 2}
    assert set(read["train"].column_names) == {
        *("image", "conditioning_image", "text", "mask", "normal", "depth", "character", "clip"),
    }
    row = read["test"][0]
    sample = drawn.samples[3]
    assert row["text"] == "anime character, robot, walk, from behind, full body"
    assert np.array_equal(np.asarray(row["image"].convert("RGB")), picture(drawn, sample))
    assert np.array_equal(np.asarray(row["conditioning_image"].convert("RGB")), decode_png(drawn.file(sample, "skeleton").read_bytes()))
    assert np.array_equal(np.asarray(row["mask"]), decode_png(drawn.file(sample, "mask").read_bytes())[..., 0])


def test_depth_is_white_where_it_is_near(drawn, tmp_path):
    export(drawn, "imagefolder", tmp_path / "out")
    written = decode_png((tmp_path / "out/train/depth/000002.png").read_bytes())[..., 0]
    depth = decode_png(drawn.file(drawn.samples[2], "depth").read_bytes())[..., 0]
    assert written.dtype == np.uint8
    assert (written[depth == depth[depth > 0].min()] == 255).all()
    assert (written[depth == depth.max()] == 26).all()
    assert (written[depth == 0] == 0).all()


def test_kinds_that_not_every_sample_has_are_no_columns(drawn, tmp_path):
    index = drawn.path / "index.jsonl"
    first, *others = index.read_text().splitlines(keepends=True)
    data = json.loads(first)
    del data["files"]["depth"]
    index.write_text(json.dumps(data) + "\n" + "".join(others))
    from ningyo.synth_data.dataset.folder import Dataset

    export(Dataset.open(drawn.path), "imagefolder", tmp_path / "out")
    line = json.loads((tmp_path / "out/train/metadata.jsonl").read_text().splitlines()[1])
    assert "mask_file_name" in line
    assert "depth_file_name" not in line
