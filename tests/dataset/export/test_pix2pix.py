# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs for pix2pix and pix2pixHD, cut apart as their loaders do it."""

from __future__ import annotations

import numpy as np
import pytest
from ningyo.synth_data.dataset.export import export
from ningyo.synth_data.dataset.png import decode_png


def on_white(dataset, number):
    image = decode_png(dataset.file(dataset.samples[number], "image").read_bytes()).astype(float)
    alpha = image[..., 3:] / 255
    return image[..., :3] * alpha + 255 * (1 - alpha)


def test_pairs_have_the_skeleton_beside_the_picture_on_white(drawn, tmp_path):
    image = pytest.importorskip("PIL.Image", reason="Pillow is what pix2pix reads with")
    export(drawn, "pix2pix", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out/test").iterdir()) == ["000003.png", "000007.png"]
    pair = np.asarray(image.open(tmp_path / "out/test/000003.png").convert("RGB"))
    a, b = pair[:, : pair.shape[1] // 2], pair[:, pair.shape[1] // 2 :]
    assert np.array_equal(a, decode_png(drawn.file(drawn.samples[3], "skeleton").read_bytes()))
    np.testing.assert_allclose(b, on_white(drawn, 3), atol=0.51)


def test_pix2pixhd_has_a_folder_each(drawn, tmp_path):
    export(drawn, "pix2pixhd", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if not path.name.startswith(".")) == [
        "test_A",
        "test_B",
        "train_A",
        "train_B",
    ]
    assert np.array_equal(
        decode_png((tmp_path / "out/train_A/000001.png").read_bytes()),
        decode_png(drawn.file(drawn.samples[1], "skeleton").read_bytes()),
    )
    np.testing.assert_allclose(decode_png((tmp_path / "out/train_B/000001.png").read_bytes()), on_white(drawn, 1), atol=0.51)


def test_a_dataset_without_skeletons_gets_them_drawn(make_drawn, tmp_path):
    without = make_drawn("without", count=4, kinds=("image", "pose"))
    export(without, "pix2pixhd", tmp_path / "out")
    export(make_drawn("with", count=4), "pix2pixhd", tmp_path / "with-skeletons")
    for name in ("train_A/000001.png", "train_B/000001.png"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "with-skeletons" / name).read_bytes()
