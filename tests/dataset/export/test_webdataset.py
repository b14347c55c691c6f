# SPDX-License-Identifier: GPL-3.0-or-later
"""Shards: read back by `webdataset`, equal byte for byte, cut by size."""

from __future__ import annotations

import io
import tarfile

import numpy as np
import pytest
from ningyo.synth_data.dataset.export import export, webdataset
from ningyo.synth_data.dataset.pictures import pixels


def test_webdataset_reads_every_kind(drawn, tmp_path):
    wds = pytest.importorskip("webdataset", reason="webdataset is not installed (pip install '.[readers]')")
    export(drawn, "webdataset", tmp_path / "out")
    read = list(wds.WebDataset(str(tmp_path / "out/train-000000.tar"), shardshuffle=False).decode("rgba8"))
    assert [row["__key__"] for row in read] == [sample.id for sample in drawn.samples if sample.split == "train"]
    row, sample = read[2], drawn.samples[2]
    assert {key for key in row if not key.startswith("__")} == {
        *("image.png", "skeleton.png", "mask.png", "parts.png", "depth.png", "normal.png", "uv.png", "flow.png", "head.png"),
        *("capsules.png", "pose.json", "limbs.npz", "json"),
    }
    assert np.array_equal(row["image.png"], pixels(drawn, sample, "image"))
    assert row["pose.json"]["ningyo"]["size"] == [64, 48]
    assert (row["json"]["character"], row["json"]["clip"], row["json"]["split"]) == ("doll", "wave", "train")
    assert row["json"]["text"] == "anime character, doll, wave, from the left side, full body"
    assert "files" not in row["json"]


def test_bytes_do_not_depend_on_when_and_who(drawn, tmp_path):
    export(drawn, "webdataset", tmp_path / "out")
    with tarfile.open(tmp_path / "out/test-000000.tar") as tar:
        members = tar.getmembers()
        assert {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) for m in members} == {(0, 0, 0, "", "", 0o644)}
        limbs = tar.extractfile("000003.limbs.npz")
        assert limbs is not None
        assert np.load(io.BytesIO(limbs.read()))["limbs"].shape == (24, 48, 64)


def test_shards_are_cut_by_size_and_only_the_last_grows(drawn, tmp_path, monkeypatch):
    export(drawn, "webdataset", tmp_path / "one")
    size = (tmp_path / "one/train-000000.tar").stat().st_size
    limit = size // 3
    monkeypatch.setattr(webdataset, "SHARD", limit)
    shards = list(webdataset.shards_of(drawn, drawn.by_split["train"], limit))
    assert [len(shard) for shard in shards] == [2, 2, 2]
    assert [s.id for shard in shards for s in shard] == [s.id for s in drawn.samples if s.split == "train"]
    export(drawn, "webdataset", tmp_path / "cut")
    names = sorted(path.name for path in (tmp_path / "cut").glob("train-*.tar"))
    assert names == ["train-000000.tar", "train-000001.tar", "train-000002.tar"]
    # A tar ends with empty blocks up to a whole record of 10,240 bytes.
    assert all(path.stat().st_size <= limit + 10240 for path in (tmp_path / "cut").glob("train-*.tar"))


def test_a_sample_bigger_than_a_shard_gets_one_of_its_own(drawn):
    assert [len(shard) for shard in webdataset.shards_of(drawn, drawn.samples[:3], 10)] == [1, 1, 1]
