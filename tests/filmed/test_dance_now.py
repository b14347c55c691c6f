# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders that dance_now reads: pictures and keypoints with the same names."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ningyo.errors import UserError
from ningyo.jobs.progress import Reporter
from ningyo.synth_data.dataset.folder import IMAGE, Dataset
from ningyo.synth_data.dataset.png import decode_png, encode_png
from ningyo.synth_data.dataset.verify import verify
from ningyo.synth_data.filmed.dance_now import import_dance_now
from ningyo.synth_data.pose.conditions import LIMBS
from ningyo.synth_data.pose.framing import crop_intrinsics
from ningyo.synth_data.pose.landmarks import BODY_25
from ningyo.synth_data.pose.transfer import FilmedTarget

PLACES = {"nose": (64, 20), "neck": (64, 35), "mid_hip": (64, 70), "left_knee": (70, 90), "left_ankle": (72, 118), "left_hip": (70, 70)}


def write(folder: Path, split: str, count: int, *, nobody: tuple[int, ...] = (), shape: tuple[int, int] = (128, 128)) -> None:
    (folder / f"{split}_img").mkdir(parents=True)
    (folder / f"{split}_label").mkdir()
    for i in range(count):
        image = np.full((*shape, 3), 255, np.uint8)
        image[19:22, 63:66] = (255, 0, 0)
        keypoints = np.zeros((25, 3))
        for name, place in PLACES.items():
            keypoints[BODY_25.index(name)] = *place, 0.9
        people = [] if i in nobody else [{"pose_keypoints_2d": keypoints.ravel().tolist()}]
        (folder / f"{split}_img" / f"img_{i:04d}.png").write_bytes(encode_png(image))
        (folder / f"{split}_label" / f"img_{i:04d}_keypoints.json").write_text(json.dumps({"version": 1.3, "people": people}))


def test_pictures_and_keypoints_belong_together(tmp_path: Path) -> None:
    write(tmp_path / "hero", "train", 30)
    import_dance_now(tmp_path / "hero", tmp_path / "out", size=64)
    dataset = Dataset.open(tmp_path / "out")
    assert verify(dataset) == []
    assert dataset.splits == {"train": ["hero"], "test": ["hero.tail"]}
    sample = dataset.samples[0]
    pose, image = dataset.pose(sample), decode_png(dataset.file(sample, IMAGE).read_bytes())
    assert np.allclose(pose.points_2d[0], (32, 10), atol=1e-3)
    assert image[10, 32].tolist() == pytest.approx([255, 0, 0], abs=60)
    limbs = LIMBS.expand(LIMBS.draw(pose.points_camera, pose.K, 64, dataset.height("hero")))
    drawn = {name for name, channel in zip(LIMBS.channels, limbs, strict=True) if channel.any()}
    assert drawn == {"limb_1_8", "limb_8_12", "limb_12_13", "limb_13_14", "limb_1_0", "background"}  # only what is known


def test_its_own_test_pictures_are_held_out_and_nobody_is_left_out(tmp_path: Path) -> None:
    write(tmp_path / "hero", "train", 8, nobody=(3,))
    write(tmp_path / "hero", "test", 4)
    (tmp_path / "hero" / "test_label" / "img_0002_keypoints.json").unlink()
    told: list[str] = []
    made = import_dance_now(
        tmp_path / "hero", tmp_path / "out", size=64, report=Reporter(lambda event: told.append(str(event.get("text", ""))))
    )
    dataset = Dataset.open(tmp_path / "out")
    assert made["samples"] == 7 + 3
    assert [len(dataset.by_split[split]) for split in ("train", "test")] == [7, 3]
    assert any("1 labels show nobody" in text for text in told)


def test_of_oblong_pictures_the_middle_is_taken(tmp_path: Path) -> None:
    write(tmp_path / "hero", "train", 30, shape=(128, 192))
    import_dance_now(tmp_path / "hero", tmp_path / "out", size=64)
    dataset = Dataset.open(tmp_path / "out")
    pose = dataset.pose(dataset.samples[0])
    assert np.allclose(pose.points_2d[0], (16, 10), atol=1e-3)
    # Whoever is drawn from the model is drawn in the same square, wherever they go.
    target = FilmedTarget.from_json(dataset.about("hero")["filmed"], "it")
    squares = target.squares(np.full((3, 137, 3), np.nan), 25)
    assert np.allclose(crop_intrinsics(target.camera, squares[2], 64), pose.K)


def test_other_folders_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="train_img"):
        import_dance_now(tmp_path / "empty", tmp_path / "out")
    write(tmp_path / "nobody", "train", 3, nobody=(0, 1, 2))
    with pytest.raises(UserError, match="shows anybody"):
        import_dance_now(tmp_path / "nobody", tmp_path / "out")
