# SPDX-License-Identifier: GPL-3.0-or-later
"""How the character sits in a picture: the one definition, used by the renderer of training pictures and by generation.

A picture is a square. Its side is MARGIN times the character's height as it appears at the hips' depth, so the character has the
same size in every picture whatever it does; its centre is the centre of the projected joints' bounding box, so raised arms and
crouching stay inside.
A box is (centre x, centre y, side) in px of the source image; axes as everywhere: x right, y down, pixel centres at +0.5.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MARGIN = 1.3  # arms stretched overhead reach about 1.27 heights above the soles
NEAR = 0.05  # metres; what is nearer to the camera's plane (or behind it) cannot be projected
NECK, MID_HIP = 1, 8  # BODY_25
HEAD_POINTS = np.r_[0, 15:19]  # nose, eyes, ears
UPPER_SHARE = 0.6  # of a whole body's picture: from the hips to above raised elbows
HEAD_SHARE = 2.4  # of the head's height: hair, hats and their surroundings
BODY_AND_HANDS = np.r_[0:25, 95:137]  # the face adds nothing to the box but noise
CENTRE_SECONDS = 0.2  # smoothing of the box's centre: short, or a jump would leave the picture
SIDE_SECONDS = 1.5  # smoothing of its side: long, because the eye sees a breathing zoom at once

Array = NDArray[np.float64]


def project(points: NDArray, K: NDArray) -> Array:
    """Pixels of camera-space points: (…, N, 3) metres and (…, 3, 3) → (…, N, 2); NaN for points unknown or nearer than NEAR."""
    points, K = np.asarray(points, np.float64), np.asarray(K, np.float64)
    z = points[..., 2]
    with np.errstate(invalid="ignore"):
        z = np.where(z > NEAR, z, np.nan)
    focal = np.stack([K[..., 0, 0], K[..., 1, 1]], -1)
    return focal[..., None, :] * points[..., :2] / z[..., None] + K[..., None, :2, 2]


def crop_for(points_camera: NDArray, K: NDArray, height_m: float) -> Array:
    """The box around a character: (…, 137, 3) camera-space metres, K (3, 3) or (…, 3, 3), the rig's height → (…, 3) centre x, centre
    y, side in px.

    NaN where no body point, or not the hips' depth, is known. Frames are taken one by one; for a clip pass the result through
    `smooth_crops`.
    """
    points, K = np.asarray(points_camera, np.float64)[..., BODY_AND_HANDS, :], np.asarray(K, np.float64)
    pixels = project(points, K)
    known = np.isfinite(pixels).all(-1)
    some = known.any(-1)
    low = np.where(known[..., None], pixels, np.inf).min(-2)
    high = np.where(known[..., None], pixels, -np.inf).max(-2)
    with np.errstate(invalid="ignore"):
        centre = np.where(some[..., None], (low + high) / 2, np.nan)
    depth = points[..., MID_HIP, 2]
    mean_depth = np.where(known, points[..., 2], 0).sum(-1) / np.maximum(known.sum(-1), 1)
    with np.errstate(invalid="ignore"):
        depth = np.where(depth > NEAR, depth, np.where(some & (mean_depth > NEAR), mean_depth, np.nan))
    focal = (K[..., 0, 0] + K[..., 1, 1]) / 2
    side = focal * MARGIN * height_m / depth
    return np.concatenate([centre, side[..., None]], -1)


def upper_crop_for(points_camera: NDArray, K: NDArray, height_m: float) -> Array:
    """The box around head, chest and arms at ease, as `crop_for`; NaN where the neck or the hips are unknown."""
    points = np.asarray(points_camera, np.float64)
    centre = 0.75 * points[..., NECK, :] + 0.25 * points[..., MID_HIP, :]
    return _box_around(centre, K, UPPER_SHARE * MARGIN * height_m)


def head_crop_for(points_camera: NDArray, K: NDArray, head_m: float) -> Array:
    """The box around a head, from its joints alone, as `crop_for`; `head_m` is the head's height, chin to crown, metres.

    NaN where no point of the head is known.
    """
    points = np.asarray(points_camera, np.float64)[..., HEAD_POINTS, :]
    known = np.isfinite(points).all(-1)
    count = known.sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = np.where(known[..., None], points, 0).sum(-2) / count[..., None]
    return _box_around(np.where(count[..., None] > 0, centre, np.nan), K, HEAD_SHARE * head_m)


def _box_around(centre: Array, K: NDArray, side_m: float) -> Array:
    """The box that is `side_m` metres wide at a camera-space point (…, 3); NaN where that is unknown or not in front of the camera."""
    K = np.asarray(K, np.float64)
    pixel = project(centre[..., None, :], K)[..., 0, :]
    focal = (K[..., 0, 0] + K[..., 1, 1]) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        side = np.where(np.isfinite(pixel[..., 0]), focal * side_m / centre[..., 2], np.nan)
    return np.concatenate([pixel, side[..., None]], -1)


def smooth_crops(boxes: NDArray, fps: float) -> Array:
    """Boxes of a clip's frames, (F, 3), made steady: gaps bridged, the side nearly constant, the centre following softly. All NaN
    stays NaN.
    """
    boxes = np.array(boxes, np.float64)
    known = np.isfinite(boxes).all(-1)
    if not known.any():
        return boxes
    frames = np.arange(len(boxes))
    for i in range(3):
        boxes[:, i] = np.interp(frames, frames[known], boxes[known, i])
    centre = steadied(boxes[:, :2], CENTRE_SECONDS * fps)
    side = np.exp(steadied(np.log(boxes[:, 2:]), SIDE_SECONDS * fps))
    return np.concatenate([centre, side], -1)


def snap_crop(box: NDArray) -> Array:
    """The nearest box with whole pixels for corners and side, so that a generated square can be pasted back without resampling
    twice. (…, 3).
    """
    box = np.asarray(box, np.float64)
    side = np.maximum(np.round(box[..., 2:]), 1)
    corner = np.round(box[..., :2] - side / 2)
    return np.concatenate([corner + side / 2, side], -1)


def steady_crops(points_camera: NDArray, K: NDArray, height_m: float, fps: float) -> Array:
    """The squares (F, 3) that are cut out around a clip's points (F, 137, 3): `crop_for`, made steady, in whole pixels."""
    return snap_crop(smooth_crops(crop_for(points_camera, K, height_m), fps))


def crop_intrinsics(K: NDArray, box: NDArray, size: int) -> Array:
    """The camera that sees exactly `box`, as a size × size picture: K (3, 3) or (…, 3, 3), box (…, 3) → (…, 3, 3)."""
    K, box = np.asarray(K, np.float64), np.asarray(box, np.float64)
    scale = size / box[..., 2]
    shift = np.zeros((*box.shape[:-1], 3, 3))
    shift[..., 0, 0] = shift[..., 1, 1] = scale
    shift[..., 0, 2] = size / 2 - scale * box[..., 0]
    shift[..., 1, 2] = size / 2 - scale * box[..., 1]
    shift[..., 2, 2] = 1
    return shift @ K


def steadied(values: Array, sigma: float) -> Array:
    """Gaussian smoothing along axis 0; the ends are continued by point reflection, so that a steady drift is not flattened there."""
    reach = int(min(np.ceil(3 * sigma), len(values) - 1))
    if reach < 1:
        return values
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    before = 2 * values[:1] - values[reach:0:-1]
    after = 2 * values[-1:] - values[-2 : -2 - reach : -1]
    padded = np.concatenate([before, values, after])
    return np.stack([np.convolve(column, weights, "valid") for column in padded.T], -1)
