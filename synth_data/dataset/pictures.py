# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample's files, checked against the index, and its pictures as arrays."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import UserError
from ..pose.skeleton import draw_skeleton
from .folder import IMAGE, POSE, SKELETON, Dataset, Sample
from .png import PngError, decode_png
from .sample import SamplePose

WHITE = 255
_FURTHEST = 0.1  # the grey of the furthest point, so that it is not taken for the background
_OPAQUE = 128  # alpha and masks from here on count as the character's

Pixels = npt.NDArray[np.uint8]


def read(dataset: Dataset, sample: Sample, kind: str) -> bytes:
    """The content of a sample's file. Raises UserError for one that is missing or not what was rendered."""
    path = dataset.file(sample, kind)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} is missing; `ningyo dataset verify` lists what else is.") from error
    if hashlib.sha256(data).hexdigest() != sample.files[kind][1]:
        raise UserError(f"{path} is damaged; `ningyo dataset verify` lists what else is.")
    return data


def pose_of(dataset: Dataset, sample: Sample) -> SamplePose:
    """A sample's joints. Raises UserError for a file that is missing or damaged."""
    return SamplePose.from_json(read(dataset, sample, POSE).decode("utf-8"), str(dataset.file(sample, POSE)))


def pixels(dataset: Dataset, sample: Sample, kind: str) -> npt.NDArray[Any]:
    """A picture as it was stored: (H, W, channels) uint8 or uint16. Raises UserError for one that is missing or damaged."""
    try:
        return decode_png(read(dataset, sample, kind))
    except PngError as error:
        raise UserError(f"{dataset.file(sample, kind)} {error}; `ningyo dataset verify` lists what else is wrong.") from error


def picture(dataset: Dataset, sample: Sample, background: int = WHITE) -> Pixels:
    """The image (H, W, 3), transparency laid on a grey of `background`."""
    return flattened(pixels(dataset, sample, IMAGE), background)


def skeleton(dataset: Dataset, sample: Sample) -> Pixels:
    """The skeleton picture (H, W, 3); drawn from the pose where the dataset was rendered without."""
    if SKELETON in sample.files:
        return flattened(pixels(dataset, sample, SKELETON))
    return draw_skeleton(pose_of(dataset, sample).skeleton_points(), dataset.size)


def flattened(image: npt.NDArray[Any], background: int = WHITE) -> Pixels:
    """(H, W, 1…4) uint8 → (H, W, 3): straight alpha laid on a grey of `background`."""
    if image.shape[2] in (2, 4):
        alpha = image[..., -1:].astype(np.float32) / 255
        image = np.rint(image[..., :-1] * alpha + background * (1 - alpha)).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3)))


def silhouette(image: npt.NDArray[Any]) -> npt.NDArray[np.bool_] | None:
    """(H, W) where the character is, by a mask (H, W, 1) or an image's alpha; None for an image without alpha."""
    if image.shape[2] == 3:
        return None
    return image[..., -1] >= _OPAQUE


def nearness(depth: npt.NDArray[Any]) -> Pixels:
    """Millimetres (H, W), 0 for background → (H, W) uint8 as depth ControlNets take it: the nearest point white, the background black."""
    known = depth > 0
    if not known.any():
        return np.zeros(depth.shape, np.uint8)
    inverse = np.divide(1.0, depth, out=np.zeros(depth.shape), where=known)
    low, high = inverse[known].min(), inverse[known].max()
    share = (inverse - low) / (high - low) if high > low else np.ones(depth.shape)
    return np.where(known, np.rint(255 * (_FURTHEST + (1 - _FURTHEST) * share)), 0).astype(np.uint8)


def resized(image: Pixels, width: int, height: int) -> Pixels:
    """(H, W, C) → (height, width, C) by a triangle filter that is never narrower than a pixel of either picture, so nothing is skipped."""
    rows, columns = _weights(image.shape[0], height), _weights(image.shape[1], width)
    out = np.einsum("yh,hwc->ywc", rows, image.astype(np.float32), optimize=True)
    out = np.einsum("xw,ywc->yxc", columns, out, optimize=True)
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)


def _weights(old: int, new: int) -> npt.NDArray[np.float32]:
    """(new, old): how much of each old pixel is in each new one."""
    scale = old / new
    centres = (np.arange(new) + 0.5) * scale
    distance = np.abs(centres[:, None] - (np.arange(old) + 0.5)) / max(scale, 1)
    weights = np.maximum(1 - distance, 0)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
