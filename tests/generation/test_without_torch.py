# SPDX-License-Identifier: GPL-3.0-or-later
"""Generation where there is no torch: a Python in which importing it fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
pytest.importorskip("av")
Image = pytest.importorskip("PIL.Image")


def test_frames_without_torch_are_those_with_it(scene: SimpleNamespace, without_torch: Callable, tmp_path: Path) -> None:
    from ningyo.generation.frames import frame_path, generate
    from ningyo.training.export import export

    export(scene.model, tmp_path / "hero.onnx")
    done = without_torch("generate", tmp_path / "hero.onnx", scene.track, "--out", tmp_path / "frames", "--mp4", tmp_path / "a.mp4")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.mp4").stat().st_size > 0
    generate(scene.model, scene.track, tmp_path / "torch")
    for i in range(json.loads((tmp_path / "frames" / "frames.json").read_text())["count"]):
        a, b = (np.asarray(Image.open(frame_path(tmp_path / folder, i))).astype(float) for folder in ("frames", "torch"))
        assert a[..., 3].any()
        assert np.abs(a[..., :3] * a[..., 3:] - b[..., :3] * b[..., 3:]).max() / 255 < 12  # torch may compute in bfloat16


def test_a_models_folder_is_enough_once_it_was_exported(scene: SimpleNamespace, without_torch: Callable, tmp_path: Path) -> None:
    from ningyo.training.export import export

    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "rig.json").write_text("{}")
    failed = without_torch("generate", folder, scene.track, "--out", tmp_path / "frames")
    assert failed.returncode == 1
    assert [line for line in failed.stderr.splitlines() if line] == [
        f"ningyo: This Python has no torch and {folder} has no model.onnx; make it where torch is: `ningyo export {folder}`."
    ]
    export(scene.model, folder / "model.onnx")
    done = without_torch("generate", folder, scene.track, "--out", tmp_path / "frames")
    assert done.returncode == 0, done.stderr
