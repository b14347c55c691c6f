# SPDX-License-Identifier: GPL-3.0-or-later
"""One row of the report: every held-out frame once, in order, measured against its render; kept in a file when it is done."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...jobs.folder import write_atomically
from ...synth_data.dataset.sample import OUTSIDE, SamplePose
from ...synth_data.pose.landmarks import BODY_25_FROM_MEDIAPIPE
from .. import metrics
from .held_out import HeldOut, in_order

Picture = Callable[[int], Tensor]  # number of a held-out sample → premultiplied RGBA (4, H, W)
Detector = Callable[[NDArray[np.uint8]], NDArray[Any] | None]  # (H, W, 3) → MediaPipe's 33 landmarks (33, 2 or more) px; None: nobody

VERSION = 2  # raise it whenever a number would come out otherwise: rows measured by another version are measured again
# Frames, evenly spread, that FLIP is computed of, and in which bodies are searched for: each takes longer than all the rest.
FLIP_FRAMES, LOOKED_AT = 200, 60
LIGHT = (0.93, 0.93, 0.95)  # what pictures for people are laid over
_NECK, _MID_HIP = 1, 8
_COLUMNS = (
    *("psnr_fg", "ssim_fg", "alpha_iou", "boundary_f", "psnr_head", "ssim_head", "sharpness", "flip"),
    *("tdiff", "moved", "flow_warp", "flow_pixels", "pck", "joints", "detected"),
)


@dataclass(frozen=True, eq=False)
class Measured:
    """`columns` (F,) of the frames in the order of `in_order`, NaN where there is no such number; `seconds` (F,) each picture took."""

    columns: dict[str, NDArray[np.float64]]
    seconds: NDArray[np.float64]

    def save(self, path: Path, key: str) -> None:
        columns = {name: [None if np.isnan(v) else round(float(v), 6) for v in values] for name, values in self.columns.items()}
        content = {"key": key, "columns": columns, "seconds": np.round(self.seconds, 5).tolist()}
        write_atomically(path, json.dumps(content, separators=(",", ":")) + "\n")

    @classmethod
    def load(cls, path: Path, key: str) -> Measured | None:
        """What was saved under that key; None where nothing was, or something else."""
        try:
            content = json.loads(path.read_text("utf-8"))
            if content["key"] != key:
                return None
            columns = {name: np.array(content["columns"][name], np.float64) for name in _COLUMNS}
            return cls(columns, np.array(content["seconds"], np.float64))
        except (OSError, ValueError, KeyError, TypeError):
            return None


def measure(picture: Picture, test: HeldOut, found: list[list[int]], detect: Detector | None, progress: Callable[[int], None]) -> Measured:
    """Measure a row: `found` are the runs of `test`, and `progress` is told how many frames are done."""
    columns = {name: np.full(len(test), np.nan) for name in _COLUMNS}
    seconds = np.zeros(len(test))
    flip_every, look_every = (max(-(-len(test) // most), 1) for most in (FLIP_FRAMES, LOOKED_AT))
    last: tuple[Tensor, Tensor, Tensor | None] | None = None
    picture(found[0][0])  # what is loaded or searched for at first is no picture's time
    for at, (i, before) in enumerate(in_order(found)):
        start = time.monotonic()
        image = picture(i)
        seconds[at] = time.monotonic() - start
        truth, pose = test.truth(i), test.pose(i)
        where = test.figure(i)
        if where is not None:  # as generation does, whatever alpha the network gives
            image = metrics.cut_out(image, torch.ones_like(where))
        values = still_metrics(image, truth, test.head(i), where)
        if detect is not None and at % look_every == 0:
            hits, joints, seen = detected(detect, image, pose)
            values |= {"pck": hits, "joints": joints, "detected": seen}
        if at % flip_every == 0:
            values["flip"] = metrics.flip(*_figures((image, truth), where))
        if before is not None and last is not None:
            # Of both frames the same is cut out: a moving edge would be a movement that both sides have in common.
            either = None if where is None or last[2] is None else where | last[2]
            wrong, moved = metrics.tdiff(_figures((last[0], image), either), _figures((last[1], truth), either))
            values |= {"tdiff": wrong, "moved": moved}
            flow = test.flow(before)
            if flow is not None:
                wrong, pixels = metrics.flow_warp((last[0], image), (last[1], truth), *flow)
                values |= {"flow_warp": wrong, "flow_pixels": pixels}
        for name, value in values.items():
            columns[name][at] = value
        last = image, truth, where
        progress(at + 1)
    return Measured(columns, seconds)


def still_metrics(image: Tensor, truth: Tensor, head: NDArray[np.float32], where: Tensor | None = None) -> dict[str, float]:
    """The cheap numbers of one picture by itself; `head` (3,) is the head's square.

    `where` (H, W) bool is the figure, of pictures without transparency: it is cut out of both, so that what stays the same behind it counts
    for nothing, and of outlines, which both then have in common, nothing is said.
    """
    sharpness = metrics.sharpness(image, truth, where)
    image, truth = _figures((image, truth), where)
    a, b = (metrics.head_crop(x, head) for x in (image, truth))
    return {
        "psnr_fg": metrics.psnr_fg(image, truth),
        "ssim_fg": metrics.ssim_fg(image, truth),
        "alpha_iou": metrics.alpha_iou(image, truth) if where is None else float("nan"),
        "boundary_f": metrics.boundary_f(image, truth) if where is None else float("nan"),
        "psnr_head": float("nan") if a is None or b is None else metrics.psnr_fg(a, b),
        "ssim_head": float("nan") if a is None or b is None else metrics.ssim_fg(a, b),
        "sharpness": sharpness,
    }


def _figures(pictures: tuple[Tensor, Tensor], where: Tensor | None) -> tuple[Tensor, Tensor]:
    """What is measured of two pictures: what lies in `where`, of pictures without transparency; else all."""
    a, b = pictures
    return pictures if where is None else (metrics.cut_out(a, where), metrics.cut_out(b, where))


def detected(detect: Detector, image: Tensor, pose: SamplePose) -> tuple[int, int, bool]:
    """(joints found in their places, joints in the picture, whether a body was found) by `detect` in the picture."""
    landmarks = detect(displayed(image))
    body = None if landmarks is None else np.asarray(landmarks)[BODY_25_FROM_MEDIAPIPE, :2].mean(1)
    points = pose.points_camera
    torso = pose.K[0, 0] * float(np.linalg.norm(points[_NECK] - points[_MID_HIP])) / points[_MID_HIP, 2]
    hits, joints = metrics.pck(body, pose.points_2d[:25], pose.visibility[:25] > OUTSIDE, torso)
    return hits, joints, body is not None


def displayed(rgba: Tensor, background: tuple[float, float, float] = LIGHT) -> NDArray[np.uint8]:
    """Premultiplied RGBA (4, H, W) as people see it: (H, W, 3) uint8."""
    return (metrics.over(rgba, background).clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()
