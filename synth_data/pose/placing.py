# SPDX-License-Identifier: GPL-3.0-or-later
"""A person's landmarks placed in front of the camera that filmed them: the 137 points in camera space, without any rig.

MediaPipe gives places in the picture (px) and a body about its own hips (metres). The body is moved to where it covers its picture
best, which gives every joint a depth; each joint then stands on the ray through its own pixel. So the points fall exactly onto the
picture, and their depths are as good as the landmarks are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .filters import fill_gaps
from .framing import NEAR, steadied
from .landmarks import BODY_25, BODY_25_FROM_MEDIAPIPE, face_70, from_mediapipe
from .track import PoseTrack

FOCAL = 1.2  # of the picture's longer side, where nothing is known of the lens: a phone's, a little cropped by its stabiliser
HEIGHT_M = 1.7  # of someone of whom only the picture is known
DEPTH_SECONDS = 0.4  # smoothing of how far away the body is, which is the least certain of what a single view says
SURE = 0.5  # a hand or a face that is less certain is left out

_NOSE = BODY_25.index("nose")
_WRISTS = (BODY_25.index("left_wrist"), BODY_25.index("right_wrist"))
_MESH_NOSE = 1  # the nose's tip on MediaPipe's mesh
# Bones from the soles to the nose and the share of a person's height that they make up: ankles stand at 0.04 of it, the nose at 0.93.
_CHAIN = (("ankle", "knee"), ("knee", "hip"))
_CHAIN_SHARE = 0.89
_TALL = 0.95  # of a person's height, from the highest to the lowest joint of who stands upright

Array = NDArray[np.float64]


def camera_for(size: tuple[int, int], focal_px: float | None = None) -> Array:
    """K (3, 3) of a video of `size` (width, height) px, by its focal length or a usual one."""
    focal = FOCAL * max(size) if focal_px is None else focal_px
    return np.array([[focal, 0, size[0] / 2], [0, focal, size[1] / 2], [0, 0, 1]])


def placed(track: PoseTrack, index: int, K: NDArray) -> Array:
    """The person at `index` of a track's arrays: (F, 137, 3) camera-space metres (x right, y down, z forward), NaN where not seen.

    Of a track without depth (from OpenPose's files) the body stands upright on one plane, as far away as a person of HEIGHT_M is.
    """
    image, world = track.body_image[index].astype(np.float64), track.body_world[index].astype(np.float64)
    seen = track.body_seen[index]
    pixels, visibility = from_mediapipe(image[..., :2], track.body_visibility[index].astype(np.float64), BODY_25_FROM_MEDIAPIPE)
    points = np.full((len(image), 137, 3), np.nan)
    if not seen.any():
        return points
    solid = np.isfinite(world).all((-1, -2)) & seen
    if solid.any():
        relative, _ = from_mediapipe(world, track.body_visibility[index], BODY_25_FROM_MEDIAPIPE)
        away = np.full(len(image), np.nan)
        away[solid] = _distance(relative[solid], pixels[solid], visibility[solid], np.asarray(K, np.float64))
        depth = relative[..., 2] + _steady_depth(away, track.fps)[:, None]
    else:
        depth = np.full(pixels.shape[:2], flat_depth(pixels, K))
    depth = np.where(seen[:, None], depth, np.nan)
    points[:, :25] = on_rays(pixels, depth, K)
    focal = (K[0, 0] + K[1, 1]) / 2
    # Depths of hands and faces are in px of the picture, from the wrist and the nose on.
    for side, first in enumerate((95, 116)):
        hand = track.hand_image[index, :, side].astype(np.float64)
        _place_part(points, first, hand, hand[:, 0, 2], depth[:, _WRISTS[side]], track.hand_score[index, :, side], K, focal)
    mesh = track.face_image[index].astype(np.float64)
    _place_part(points, 25, face_70(mesh), mesh[:, _MESH_NOSE, 2], depth[:, _NOSE], track.face_score[index], K, focal)
    return points


def on_rays(pixels: NDArray, depth: NDArray, K: NDArray) -> Array:
    """Camera-space points (…, 3) metres of pixels (…, 2) at depths (…); NaN nearer than NEAR."""
    with np.errstate(invalid="ignore"):
        z = np.where(np.asarray(depth) > NEAR, depth, np.nan)
    xy = (np.asarray(pixels, np.float64) - K[:2, 2]) / (K[0, 0], K[1, 1]) * z[..., None]
    return np.concatenate([xy, z[..., None]], -1)


def body_height(points: NDArray) -> float:
    """Metres from soles to crown of the person whose points (F, 137, 3) these are, from the lengths of their bones; HEIGHT_M where no
    leg or no torso is ever seen. A drawn character's big head does not count: radii of limbs go by it.
    """
    total = 0.0
    for a, b in _CHAIN:
        both = [_length(points, f"{side}_{a}", f"{side}_{b}") for side in ("left", "right")]
        total += float(np.nanmean(both)) if np.isfinite(both).any() else np.nan
    total += _length(points, "mid_hip", "neck") + _length(points, "neck", "nose")
    return total / _CHAIN_SHARE if np.isfinite(total) and total > 0 else HEIGHT_M


def _length(points: NDArray, a: str, b: str) -> float:
    lengths = np.linalg.norm(points[:, BODY_25.index(a)] - points[:, BODY_25.index(b)], axis=-1)
    known = lengths[np.isfinite(lengths)]
    return float(np.median(known)) if len(known) else np.nan


def _distance(relative: Array, pixels: Array, weight: Array, K: Array) -> Array:
    """How far (F,) metres bodies (F, N, 3) about their own hips stand from the camera when they cover their pixels (F, N, 2) best.

    x_px = f·(X + tx)/(Z + tz) + cx is linear in t once multiplied out: f·tx − (x_px − cx)·tz = (x_px − cx)·Z − f·X, and so for y.
    """
    focal, offset = np.array([K[0, 0], K[1, 1]]), pixels - K[:2, 2]
    rows = np.zeros((*pixels.shape, 3))
    rows[..., 0, 0], rows[..., 1, 1] = focal
    rows[..., 2] = -offset
    right = offset * relative[..., 2:] - focal * relative[..., :2]
    known = np.isfinite(right).all(-1) & np.isfinite(weight)
    w = np.where(known, np.maximum(weight, 1e-3), 0.0)[..., None]
    rows, right = (
        (np.where(known[..., None, None], rows, 0) * w[..., None]).reshape(len(pixels), -1, 3),
        np.where(known[..., None], right, 0) * w,
    )
    found = np.einsum("fij,fj->fi", np.linalg.pinv(rows), right.reshape(len(pixels), -1))
    return found[:, 2]


def flat_depth(pixels: NDArray, K: NDArray) -> float:
    """Metres at which a person of HEIGHT_M is as tall as the joints (F, 25, 2) px of a clip are; NaN where none has a height."""
    known = np.isfinite(pixels[..., 1])
    tall = np.where(known, pixels[..., 1], -np.inf).max(1) - np.where(known, pixels[..., 1], np.inf).min(1)
    if not (tall > 1).any():
        return np.nan
    return float(K[1, 1] * HEIGHT_M * _TALL / np.quantile(tall[tall > 1], 0.9))  # who crouches is no further away


def _steady_depth(away: Array, fps: float) -> Array:
    good = np.isfinite(away) & (away > 4 * NEAR)
    if not good.any():
        return np.full(len(away), np.nan)
    return np.exp(steadied(fill_gaps(np.log(np.where(good, away, 1.0))[:, None], good), DEPTH_SECONDS * fps))[:, 0]


def _place_part(points: Array, first: int, part: Array, origin: Array, depth: Array, score: NDArray, K: NDArray, focal: float) -> None:
    """A hand or a face (F, N, 3) px into `points` from `first` on; `origin` (F,) is the px depth of what stands at `depth` (F,) metres."""
    z = depth[:, None] * (1 + (part[..., 2] - origin[:, None]) / focal)
    places = on_rays(part[..., :2], z, K)
    places[np.asarray(score) < SURE] = np.nan
    points[:, first : first + part.shape[1]] = places
