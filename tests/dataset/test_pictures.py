# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures on backgrounds, other sizes, and labels to look at."""

from __future__ import annotations

import numpy as np
import pytest
from ningyo.errors import UserError
from ningyo.synth_data.dataset.label_pictures import all_labels, colours, contact_sheet, mean_picture, readable, shown, spread, thumbnail
from ningyo.synth_data.dataset.pictures import flattened, nearness, picture, pixels, resized, silhouette, skeleton


def test_resizing_agrees_with_pillow():
    image = pytest.importorskip("PIL.Image")
    noise = np.random.default_rng(0).integers(0, 256, (40, 56, 3)).astype(np.uint8)
    for size in ((112, 80), (28, 20), (100, 33), (56, 40)):
        expected = np.asarray(image.fromarray(noise).resize(size, image.Resampling.BILINEAR))
        assert np.abs(resized(noise, *size).astype(int) - expected).max() <= 1
    assert np.array_equal(resized(noise, 56, 40), noise)


def test_transparency_is_laid_on_grey():
    image = np.array([[[10, 20, 30, 255], [10, 20, 30, 0], [100, 200, 0, 128]]], np.uint8)
    assert flattened(image, 200)[0].tolist() == [[10, 20, 30], [200, 200, 200], [150, 200, 100]]
    assert flattened(np.array([[[7]]], np.uint8)).tolist() == [[[7, 7, 7]]]
    assert silhouette(image).tolist() == [[True, False, True]]
    assert silhouette(image[..., :3]) is None


def test_the_nearest_is_white():
    assert nearness(np.array([[1000, 2000, 0]], np.uint16)).tolist() == [[255, 26, 0]]
    assert nearness(np.array([[1000, 1000]], np.uint16)).tolist() == [[255, 255]]
    assert nearness(np.zeros((1, 2), np.uint16)).tolist() == [[0, 0]]


def test_every_kind_can_be_looked_at(drawn):
    sample = drawn.samples[1]
    labels = all_labels(drawn, sample)
    assert set(labels) == set(sample.files) - {"pose"}
    assert all(image.dtype == np.uint8 and image.shape[2] == 3 for image in labels.values())
    parts = pixels(drawn, sample, "parts")[..., 0]
    # One-hot limbs and part ids are the same thing twice, and so are their colours.
    assert np.array_equal(labels["limbs"], labels["parts"])
    assert len(np.unique(labels["parts"].reshape(-1, 3), axis=0)) == len(np.unique(parts))
    covered = parts > 0
    assert (labels["flow"][~covered] == 128).all()
    right_and_up = labels["flow"][covered][0]
    assert right_and_up[0] == 255  # 2 px to the right and 1 up: between red and magenta
    assert right_and_up[2] > right_and_up[1]
    y, x = np.argwhere(covered)[0]
    assert labels["uv"][y, x].tolist() == pytest.approx([255 * (x + 0.5) / 64, 255 * (y + 0.5) / 48, 0], abs=1)
    assert (labels["uv"][~covered] == 0).all()


def test_what_is_no_picture_is_left_out(drawn):
    assert shown(drawn, drawn.samples[0], "pose") is None
    limbs = drawn.file(drawn.samples[0], "limbs")
    limbs.write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(UserError, match="damaged"):
        shown(drawn, drawn.samples[0], "limbs")


def test_colours_of_neighbouring_ids_differ():
    table = colours(np.arange(60)).astype(int)
    assert (table[0] == 0).all()
    assert len({tuple(colour) for colour in table.tolist()}) == 60
    assert np.abs(np.diff(table[1:], axis=0)).sum(axis=1).min() > 100


def test_thumbnails_are_cut_out_and_keep_transparency(drawn):
    small = thumbnail(drawn, drawn.samples[0], 24)
    assert small.shape == (24, 24, 4)
    assert (small[[0, 0, -1, -1], [0, -1, 0, -1], 3] == 0).all()  # corners
    assert small[12, 12, 3] > 200
    rows = np.flatnonzero((small[..., 3] > 0).any(axis=1))
    assert np.ptp(rows) > 18  # the figure fills it


def test_contact_sheet_and_mean(drawn, dataset):
    sheet = contact_sheet(dataset)
    assert sheet.shape == (32, 6 * 64, 3)
    for i in range(6):
        assert (sheet[:, 64 * i + 32 : 64 * i + 64] == i).all()
    whole = np.mean([picture(drawn, sample, 235).astype(float) for sample in drawn.samples], axis=0)
    np.testing.assert_allclose(mean_picture(drawn), whole, atol=0.51)
    assert np.array_equal(contact_sheet(drawn)[:48, 64:128], skeleton(drawn, drawn.samples[0]))


def test_samples_are_spread_evenly(drawn):
    assert [sample.number for sample in spread(drawn, 4)] == [1, 3, 5, 7]
    assert [sample.number for sample in spread(drawn, 100)] == list(range(8))


def test_broken_samples_are_left_out_of_sheets(drawn):
    drawn.file(drawn.samples[2], "image").write_bytes(b"")
    assert len(list(readable(lambda sample: picture(drawn, sample), drawn.samples))) == 7
    assert contact_sheet(drawn).shape == (2 * 48, 6 * 128, 3)
    for sample in drawn.samples:
        drawn.file(sample, "image").unlink(missing_ok=True)
    with pytest.raises(UserError, match="No picture"):
        contact_sheet(drawn)
