# SPDX-License-Identifier: GPL-3.0-or-later
"""The figure that training's tests are made with, a model of it that was hardly trained, and somebody who dances."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from ningyo.synth_data.pose.landmarks import BODY_25, MEDIAPIPE_33
from ningyo.synth_data.pose.track import PoseTrack
from ningyo.synth_data.retarget.kinematics import forward_kinematics
from ningyo.synth_data.retarget.openpose_points import openpose_points

_spec = importlib.util.spec_from_file_location("training_conftest", Path(__file__).parents[1] / "training" / "conftest.py")
assert _spec is not None
assert _spec.loader is not None
_training = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_training)
figure_dataset, figure_motion, make_figure_dataset = _training.figure_dataset, _training.figure_motion, _training.make_figure_dataset
one_thread = _training.one_thread

WIDTH, HEIGHT, FRAMES, FPS = 160, 120, 6, 12.0
FINGER = {"thumb": 4, "index": 8, "pinky": 20}


BLOCK = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "safetensors", "onnx", "onnxscript"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocked())
from ningyo.__main__ import main
main(sys.argv[1:])
"""


@pytest.fixture
def without_torch() -> Callable[..., subprocess.CompletedProcess[str]]:
    """`ningyo` with these arguments in a Python in which importing torch fails."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", BLOCK, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)

    return run


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory, figure_dataset: Path, figure_motion: Callable) -> SimpleNamespace:
    """A model that was hardly trained, and the track of somebody who dances in front of a camera."""
    pytest.importorskip("torch")
    from ningyo.training import presets
    from ningyo.training.loop import train

    folder = tmp_path_factory.mktemp("scene")
    presets.PRESETS["generate"] = presets.Preset((8, 16, 16, 16), (1, 1, 1, 1), 8, 4, batch=4, minutes=1, warm_up=1.0)
    try:
        train(figure_dataset, folder / "model", preset="generate", steps=60)
    finally:
        del presets.PRESETS["generate"]
    rig, motion = figure_motion(FRAMES)
    points = openpose_points(rig, *forward_kinematics(rig, motion))
    seen = points @ np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]).T + [0, 1, 4]  # camera space, 4 m in front
    world = np.empty((FRAMES, 33, 3))
    for i, name in enumerate(MEDIAPIPE_33):
        side, _, part = name.partition("_")
        if part in FINGER:
            world[:, i] = seen[:, (95 if side == "left" else 116) + FINGER[part]]
        else:
            twin = {"foot_index": "big_toe", "eye_inner": "eye", "eye_outer": "eye"}.get(part, part)
            twin = f"{part}_eye" if side == "mouth" else f"{side}_{twin}" if part else name
            world[:, i] = seen[:, BODY_25.index(twin)]
    video = {"name": "dance.mp4", "path": str(folder / "dance.mp4"), "sha256": "0" * 64, "width": WIDTH, "height": HEIGHT}
    video |= {"fps": FPS, "frame_count": FRAMES, "duration": FRAMES / FPS, "has_audio": False}
    track = PoseTrack.unseen(1, np.arange(FRAMES) / FPS, np.arange(FRAMES), video, {})
    hips = (world[:, [MEDIAPIPE_33.index("left_hip")]] + world[:, [MEDIAPIPE_33.index("right_hip")]]) / 2
    track.body_world[0] = world - hips
    track.body_image[0, ..., :2] = 150 * world[..., :2] / world[..., 2:] + [WIDTH / 2, HEIGHT / 2]
    track.body_image[0, ..., 2] = (world - hips)[..., 2] * 40
    track.body_visibility[0] = 1
    track.save(folder / "track.npz")
    return SimpleNamespace(model=folder / "model", track=folder / "track.npz", dataset=figure_dataset)
