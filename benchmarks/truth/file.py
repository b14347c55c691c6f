# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known exactly of a rendered clip, as a file."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ningyo.jobs.folder import write_atomically
from ningyo.synth_data.retarget.kinematics import matrix_to_quaternion
from ningyo.synth_data.retarget.motion import Camera, Motion
from ningyo.synth_data.retarget.rig import Rig
from numpy.typing import NDArray

from .performance import local_of

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Truth:
    """F frames of a rig's B bones, in the rig's world (metres, Z up).

    `time` (F,) seconds; `joints` (F, B, 3) the bones' heads; `turns` (F, B, 3, 3) world rotations relative to rest; `root` (F, 3) the
    hips' head; `contact` (F, 4) bool left heel, left toe, right heel, right toe; `camera` the one that filmed it.
    """

    rig: Rig
    rig_spec: str
    clip: str
    fps: float
    yaw: float
    time: Array
    joints: Array
    turns: Array
    root: Array
    contact: NDArray[np.bool_]
    camera: Camera

    def save(self, path: Path) -> None:
        camera = {**asdict(self.camera), "world_to_camera": self.camera.world_to_camera.tolist()}
        header: dict[str, Any] = {
            "rig_spec": self.rig_spec,
            "rig": self.rig.to_json(),
            "bones": list(self.rig.names),
            "clip": self.clip,
            "fps": self.fps,
            "yaw": self.yaw,
            **camera,
        }
        arrays = {name: getattr(self, name) for name in ("time", "joints", "turns", "root", "contact")}
        buffer = io.BytesIO()
        np.savez_compressed(buffer, header=np.array(json.dumps(header)), **arrays)
        write_atomically(path, buffer.getvalue())

    @classmethod
    def load(cls, path: Path | str) -> Truth:
        """From a truth's folder or its truth.npz."""
        path = Path(path)
        with np.load(path / "truth.npz" if path.is_dir() else path, allow_pickle=False) as file:
            header = json.loads(str(file["header"][()]))
            arrays = {name: file[name] for name in ("time", "joints", "turns", "root", "contact")}
        camera = Camera(header["focal_px"], header["width"], header["height"], np.array(header["world_to_camera"]))
        known = {name: header[name] for name in ("rig_spec", "clip", "fps", "yaw")}
        return cls(rig=Rig.from_json(header["rig"], str(path)), camera=camera, **known, **arrays)

    def motion(self) -> Motion:
        """The truth as a motion of its rig."""
        frames = len(self.time)
        return Motion(
            fps=self.fps,
            bones=self.rig.names,
            time=self.time,
            rotation=matrix_to_quaternion(local_of(self.rig, self.turns)).astype(np.float32),
            root_position=self.root.astype(np.float32),
            contact=self.contact.astype(np.float32),
            residual=np.zeros(frames, np.float32),
            confidence=np.ones(frames, np.float32),
            rig=self.rig,
            camera=self.camera,
            method="truth",
        )
