# SPDX-License-Identifier: GPL-3.0-or-later
"""Read back, and judged, by COCO's own tools."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ningyo.synth_data.dataset.export import export
from ningyo.synth_data.dataset.export.coco import annotation, run_lengths
from ningyo.synth_data.dataset.png import decode_png
from ningyo.synth_data.pose.landmarks import BODY_25, COCO_17

WITHOUT = "pycocotools is not installed (pip install '.[readers]')"


def test_pycocotools_reads_pictures_boxes_masks_and_keypoints(drawn, tmp_path):
    coco = pytest.importorskip("pycocotools.coco", reason=WITHOUT)
    mask_tools = pytest.importorskip("pycocotools.mask")
    export(drawn, "coco", tmp_path / "out")
    read = coco.COCO(str(tmp_path / "out/annotations/person_keypoints_train.json"))
    assert len(read.getImgIds()) == 6
    assert read.loadCats(read.getCatIds())[0]["keypoints"] == list(COCO_17)
    for number, sample in enumerate(drawn.samples):
        if sample.split != "train":
            continue
        (found,) = read.loadAnns(read.getAnnIds(imgIds=number + 1))
        (image,) = read.loadImgs(number + 1)
        pixels = decode_png((tmp_path / "out/train" / image["file_name"]).read_bytes())
        assert pixels.shape == (image["height"], image["width"], 3)
        mask = decode_png(drawn.file(sample, "mask").read_bytes())[..., 0] > 0
        assert np.array_equal(read.annToMask(found), mask)
        rle = read.annToRLE(found)
        assert found["area"] == mask_tools.area(rle)
        assert found["bbox"] == mask_tools.toBbox(rle).tolist()
        pose = drawn.pose(sample)
        keypoints = np.reshape(found["keypoints"], (17, 3))
        for name, (x, y, flag) in zip(COCO_17, keypoints, strict=True):
            i = BODY_25.index(name)
            assert flag == pose.visibility[i]
            if flag:
                # COCO counts from the first pixel's centre, Ningyo from its corner.
                np.testing.assert_allclose((x + 0.5, y + 0.5), pose.points_2d[i], atol=0.006)
        assert found["num_keypoints"] == (keypoints[:, 2] > 0).sum()


def test_cocos_evaluation_gives_the_truth_full_marks(drawn, tmp_path, capsys):
    coco = pytest.importorskip("pycocotools.coco", reason=WITHOUT)
    evaluation = pytest.importorskip("pycocotools.cocoeval")
    export(drawn, "coco", tmp_path / "out")
    file = tmp_path / "out/annotations/person_keypoints_val.json"
    truth = coco.COCO(str(file))

    def precision(shift: float) -> np.ndarray:
        guesses = []
        for found in json.loads(file.read_text())["annotations"]:
            points = np.reshape(found["keypoints"], (17, 3)) + np.array([shift, 0, 0])
            guesses.append({"image_id": found["image_id"], "category_id": 1, "keypoints": points.ravel().tolist(), "score": 1.0})
        assert len(guesses) == 2
        judge = evaluation.COCOeval(truth, truth.loadRes(guesses), "keypoints")
        judge.params.areaRng, judge.params.areaRngLbl = [[0, 1e9]], ["all"]  # the drawn figure is smaller than what COCO counts
        judge.evaluate()
        judge.accumulate()
        return judge.eval["precision"]

    assert precision(0).min() == 1.0
    assert precision(20).max() < 0.5


def test_without_a_mask_alpha_tells_and_without_alpha_the_joints(make_drawn, make_figure, tmp_path):
    export(make_drawn("with"), "coco", tmp_path / "a")
    export(make_drawn("without", kinds=("image", "pose")), "coco", tmp_path / "b")
    for name in ("annotations/person_keypoints_train.json", "annotations/person_keypoints_val.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    pose = make_figure(0.0)
    found = annotation(1, pose, None)
    seen = pose.points_2d[pose.visibility > 0]
    np.testing.assert_allclose(found["bbox"], [*seen.min(axis=0), *np.ptp(seen, axis=0)], atol=0.01)
    assert found["area"] == pytest.approx(found["bbox"][2] * found["bbox"][3], abs=0.01)
    assert "segmentation" not in found


def test_points_outside_are_zero_and_not_counted(make_figure):
    found = annotation(1, make_figure(0.0, distance=0.9), np.ones((48, 64), bool))
    keypoints = np.reshape(found["keypoints"], (17, 3))
    ankle = keypoints[COCO_17.index("left_ankle")]
    assert ankle.tolist() == [0, 0, 0]
    assert found["num_keypoints"] == (keypoints[:, 2] > 0).sum() < 17
    assert (found["bbox"], found["area"]) == ([0, 0, 64, 48], 64 * 48)


def test_an_empty_mask_is_an_empty_box(make_figure):
    found = annotation(1, make_figure(0.0), np.zeros((48, 64), bool))
    assert (found["bbox"], found["area"], found["segmentation"]["counts"]) == ([0, 0, 0, 0], 0, [48 * 64])


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_run_lengths_are_cocos(height, width, seed, share):
    mask_tools = pytest.importorskip("pycocotools.mask", reason=WITHOUT)
    mask = np.random.default_rng(seed).random((height, width)) < share
    counts = run_lengths(mask)
    rle = mask_tools.frPyObjects({"counts": counts, "size": [height, width]}, height, width)
    assert np.array_equal(mask_tools.decode(rle).astype(bool), mask)
    assert rle["counts"] == mask_tools.encode(np.asfortranarray(mask, np.uint8))["counts"]
