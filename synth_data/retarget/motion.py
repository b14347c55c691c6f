# SPDX-License-Identifier: GPL-3.0-or-later
"""Motion: a rig's pose over time (docs/architecture.md, "Motion")."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import UserError
from ...jobs.folder import write_atomically
from .rig import Rig

SCHEMA, VERSION = "ningyo.motion", 3
_DTYPES = {
    "time": np.float64,
    "rotation": np.float32,
    "root_position": np.float32,
    "contact": np.float32,
    "residual": np.float32,
    "confidence": np.float32,
    "expression": np.float32,
}
TRUSTED = 0.5  # a frame of less confidence is not to be trusted


@dataclass(frozen=True, eq=False)
class Camera:
    """A pinhole camera in OpenCV's axes (x right, y down, z forward), its centre in the middle of the picture.

    `world_to_camera` is 3×4, metres: `x_px = focal_px·X/Z + width/2`, `y_px = focal_px·Y/Z + height/2`.
    """

    focal_px: float
    width: int
    height: int
    world_to_camera: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        if not (self.focal_px > 0 and self.width > 0 and self.height > 0):
            raise ValueError("the camera's focal length and size must be positive")
        if self.world_to_camera.shape != (3, 4) or not np.isfinite(self.world_to_camera).all():
            raise ValueError("world_to_camera must be a finite 3×4 matrix")

    def project(self, points: npt.NDArray[Any]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """World points (…, 3) in metres → pixels (…, 2) and depth along the view (…) in metres."""
        seen = np.asarray(points, np.float64) @ self.world_to_camera[:, :3].T + self.world_to_camera[:, 3]
        depth = seen[..., 2]
        with np.errstate(divide="ignore", invalid="ignore"):
            pixels = self.focal_px * seen[..., :2] / depth[..., None]
        centre = np.array([0.5 * self.width, 0.5 * self.height])
        return pixels + centre, depth


@dataclass(frozen=True, eq=False)
class Motion:
    """F frames of a rig's B bones.

    `time` (F,) float64 seconds in the video's clock, rising; `rotation` (F, B, 4) float32 unit quaternions (w, x, y, z), each bone's
    rotation from rest in its own axes; `root_position` (F, 3) float32 world metres, the hips' head; `contact` (F, 4) float32:
    left heel, left toe, right heel, right toe; `residual` (F,) float32, see docs/architecture.md; `confidence` (F,) float32 0…1;
    `expression` (F, E) float32 0…1, the values of the shape keys `expressions` (ARKit's names); none by default. `rig` is the one it was
    made for, whose name and hash are then `rig_name` and `rig_sha256`; None for a motion of a file of version 2.
    """

    fps: float
    bones: tuple[str, ...]
    time: npt.NDArray[np.float64]
    rotation: npt.NDArray[np.float32]
    root_position: npt.NDArray[np.float32]
    contact: npt.NDArray[np.float32]
    residual: npt.NDArray[np.float32]
    confidence: npt.NDArray[np.float32]
    rig_name: str = ""
    rig_sha256: str = ""
    camera: Camera | None = None
    source: dict[str, Any] = field(default_factory=dict)  # "track", "video", "person"
    expressions: tuple[str, ...] = ()
    expression: npt.NDArray[np.float32] | None = None
    method: str = "closed_form"
    estimate: dict[str, Any] = field(default_factory=dict)
    rig: Rig | None = None

    def __post_init__(self) -> None:
        if self.rig is not None:
            object.__setattr__(self, "rig_name", self.rig.name)
            object.__setattr__(self, "rig_sha256", self.rig.source_sha256)
            foreign = sorted(set(self.bones) - set(self.rig.names))
            if foreign:
                raise ValueError(f"its rig has no bone {foreign[0]!r}")
        if self.expression is None:
            object.__setattr__(self, "expression", np.zeros((len(self.time), len(self.expressions))))
        for name, dtype in _DTYPES.items():
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), dtype))
        frames, bones = len(self.time), len(self.bones)
        shapes = {
            "time": (frames,),
            "rotation": (frames, bones, 4),
            "root_position": (frames, 3),
            "contact": (frames, 4),
            "residual": (frames,),
            "confidence": (frames,),
            "expression": (frames, len(self.expressions)),
        }
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.shape != shape:
                raise ValueError(f"{name} has shape {array.shape}, not {shape}")
            if not np.isfinite(array).all():
                raise ValueError(f"{name} has values that are not numbers")
        if frames == 0:
            raise ValueError("there are no frames")
        if len(set(self.bones)) != bones or len(set(self.expressions)) != len(self.expressions):
            raise ValueError("two bones or expressions have the same name")
        if not self.fps > 0:
            raise ValueError("fps must be positive")
        if (np.diff(self.time) <= 0).any():
            raise ValueError("time does not rise")
        if bones and np.abs(np.linalg.norm(self.rotation, axis=-1) - 1).max() > 1e-3:
            raise ValueError("rotation holds quaternions that are not of unit length")

    @property
    def frame_count(self) -> int:
        return len(self.time)

    @property
    def untrusted(self) -> list[tuple[float, float]]:
        """Spans in seconds, [first frame's, last frame's], whose frames are not to be trusted."""
        doubtful = np.diff(np.r_[0, (self.confidence < TRUSTED).astype(np.int8), 0])
        starts, ends = np.flatnonzero(doubtful == 1), np.flatnonzero(doubtful == -1)
        return [(float(self.time[a]), float(self.time[b - 1])) for a, b in zip(starts, ends, strict=True)]

    def save(self, path: Path | str) -> None:
        """Write the file beside `path` and rename it."""
        write_atomically(path, self.to_bytes())

    def to_bytes(self) -> bytes:
        """The content of its file. The same motion gives the same bytes."""
        camera = None
        if self.camera is not None:
            camera = {
                "focal_px": self.camera.focal_px,
                "width": self.camera.width,
                "height": self.camera.height,
                "world_to_camera": self.camera.world_to_camera.tolist(),
            }
        header = {
            "schema": SCHEMA,
            "version": VERSION,
            "fps": self.fps,
            "bones": list(self.bones),
            "expressions": list(self.expressions),
            "method": self.method,
            "estimate": self.estimate,
            "source": self.source,
            "rig": {"name": self.rig_name, "sha256": self.rig_sha256, "rest": None if self.rig is None else self.rig.to_json()},
            "camera": camera,
        }
        buffer = io.BytesIO()
        np.savez_compressed(buffer, header=np.array(json.dumps(header)), **{name: getattr(self, name) for name in _DTYPES})
        return buffer.getvalue()

    @classmethod
    def load(cls, path: Path | str) -> Motion:
        """Raises UserError for a file that is missing, foreign, damaged or newer."""
        path = Path(path)
        try:
            with np.load(path, allow_pickle=False) as file:
                header = json.loads(str(file["header"][()]))
                if not isinstance(header, dict) or header.get("schema") != SCHEMA:
                    raise UserError(f"{path} is not a Ningyo motion; make one with `ningyo retarget`.")
                if int(header["version"]) > VERSION:
                    raise UserError(
                        f"{path} was written by a newer Ningyo (version {header['version']} of the motion format); update Ningyo."
                    )
                arrays = {name: file[name] for name in _DTYPES}
            view, rest = header["camera"], header["rig"].get("rest")
            camera = None
            if view is not None:
                matrix = np.array(view["world_to_camera"], np.float64)
                camera = Camera(float(view["focal_px"]), int(view["width"]), int(view["height"]), matrix)
            return cls(
                fps=float(header["fps"]),
                bones=tuple(map(str, header["bones"])),
                expressions=tuple(map(str, header["expressions"])),
                method=str(header["method"]),
                estimate=dict(header["estimate"]),
                rig_name=str(header["rig"]["name"]),
                rig_sha256=str(header["rig"]["sha256"]),
                camera=camera,
                source=dict(header["source"]),
                rig=None if rest is None else Rig.from_json(rest, f"The rig in {path}"),
                **arrays,
            )
        except OSError as error:
            if isinstance(error, FileNotFoundError | IsADirectoryError | PermissionError):
                raise UserError(f"The motion {path} cannot be read ({error.strerror}); check the path.") from error
            raise UserError(f"{path} is not a Ningyo motion; make one with `ningyo retarget`.") from error
        except (KeyError, TypeError, ValueError, AttributeError, EOFError, zipfile.BadZipFile) as error:
            raise UserError(f"{path} is not a whole Ningyo motion; make it again with `ningyo retarget`.") from error
