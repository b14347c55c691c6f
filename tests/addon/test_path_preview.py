# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E402 (Blender is looked for first)
"""One picture of those that Render would make, shown before any is rendered."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

bpy = pytest.importorskip("bpy")

from ningyo.addon import dataset_preview
from ningyo.addon.properties import plan_of
from ningyo.synth_data.dataset.png import decode_png


def test_a_picture_of_the_path(settings: Any, doll: tuple[Path, Path]) -> None:
    with pytest.raises(RuntimeError, match="Retarget first"):
        bpy.ops.ningyo.path_preview()
    settings.character, settings.rig_file, settings.size, settings.count = "FILE", str(doll[0]), 64, 10
    plan = plan_of(bpy.context)
    plan.out.mkdir(parents=True)
    shutil.copyfile(doll[1], plan.files.motion)
    assert bpy.ops.ningyo.path_preview() == {"FINISHED"}
    shown = dataset_preview.last
    assert shown is not None
    assert (shown.job.size, shown.job.count, shown.job.characters[0].rig) == (64, 10, str(doll[0]))
    picture = decode_png((dataset_preview.folder() / "preview.png").read_bytes())
    assert picture.shape[0] >= 64
    assert picture.shape[1] >= 128, "the skeleton is beside it"
    assert picture.std() > 0
    assert not plan.files.dataset.exists()
