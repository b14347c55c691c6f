# SPDX-License-Identifier: GPL-3.0-or-later
"""One body of several looks at the same frame (numpy).

Each look has the mistakes about sides undone that set it apart from the path (`repair.find_path`), and the bodies are averaged around the
path: a landmark counts less the farther it lies from the path's (a Gaussian M-estimator, one step of Dennis and Welsch, "Techniques for
nonlinear least squares and robust regression", 1978). The averages carry less of the network's noise, and how far the looks lie apart says
where the network is unsure, better than the visibility that it gives (benchmarks/README.md).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .repair import ALL, ARMS, AS_DETECTED, FLIPPED, LEGS, States, repaired

Array = NDArray[Any]

NEAR = 0.06  # body heights from the path at which a landmark's weight has fallen to 1/e
LEAST_WEIGHT = 0.05  # of a landmark that is placed but not visible
# How unlike two bodies are: the mean over these landmarks of the distance in the picture (in METRES a body's height) and, at half the
# weight, in space, each landmark up to FARTHEST; and what is added for any change.
_KEY = np.r_[0, 7, 8, 11:17, 23:29, 31, 32]
METRES, SPACE, FARTHEST = 1.7, 0.5, 0.35
CHANGE = 0.01


def fuse(
    image: Array, world: Array, visibility: Array, look: NDArray[np.intp], states: States, height: float
) -> tuple[Array, Array, Array, Array]:
    """`image` and `world` (F, 33, 3), `visibility` and spread (F, 33) of several looks at each frame.

    `image` (F, L, 33, 3) px, `world` (F, L, 33, 3) metres and `visibility` (F, L, 33) 0…1, NaN where a look found nobody; `look` and
    `states` (F,) are the path through them, `height` the body's usual height in px. The spread is the weighted root mean square distance of
    the looks from the result, px; 0 where there is one look alone. Without a body (none seen, or LOST) places are NaN, the rest is 0.
    """
    frames, looks = image.shape[:2]
    at = np.arange(frames)
    path = repaired(image[at, look], world[at, look], visibility[at, look], states)
    seen = np.isfinite(image).all(axis=(2, 3)) & np.isfinite(world).all(axis=(2, 3))
    seen &= np.isfinite(path[0]).all(axis=(1, 2))[:, None]
    alike = [_towards(path, (image[:, n], world[:, n], visibility[:, n]), height) for n in range(looks)]
    pixels, points, visible = (np.stack(arrays, 1) for arrays in zip(*alike, strict=True))
    pixels, points, visible = (np.where(_as(seen, array), array, 0.0) for array in (pixels, points, visible))
    apart = np.linalg.norm(pixels[..., :2] - np.nan_to_num(path[0])[:, None, :, :2], axis=-1)
    weight = np.exp(-((apart / (NEAR * height)) ** 2)) * (LEAST_WEIGHT + visible) * seen[..., None]
    mass = weight.sum(axis=1)
    share = weight / np.where(mass > 0, mass, 1)[:, None]
    mean_image, mean_world = ((share[..., None] * array).sum(axis=1) for array in (pixels, points))
    square = ((pixels[..., :2] - mean_image[:, None, :, :2]) ** 2).sum(axis=-1)
    nobody = ~seen.any(axis=1)
    mean_image[nobody], mean_world[nobody] = np.nan, np.nan
    return mean_image, mean_world, (share * visible).sum(axis=1), np.sqrt((share * square).sum(axis=1))


def _towards(path: tuple[Array, Array, Array], body: tuple[Array, Array, Array], height: float) -> tuple[Array, Array, Array]:
    """Each frame's body (F, 33, …) in the state in which it is most like the path."""
    states = (AS_DETECTED, LEGS, ARMS, ALL, FLIPPED)
    changed = [repaired(*body, np.full(len(body[0]), state, np.uint8)) for state in states]
    wanted = _places(path, height)
    unlike = [
        np.minimum(np.linalg.norm(_places(other, height) - wanted, axis=-1), FARTHEST).mean(axis=1) + CHANGE * (state != AS_DETECTED)
        for state, other in zip(states, changed, strict=True)
    ]
    best = np.nan_to_num(np.stack(unlike), nan=np.inf).argmin(axis=0)
    at = np.arange(len(best))
    image, world, visibility = (np.stack(arrays)[best, at] for arrays in zip(*changed, strict=True))
    return image, world, visibility


def _places(body: tuple[Array, Array, Array], height: float) -> Array:
    return np.concatenate([METRES / height * body[0][:, _KEY, :2], SPACE * body[1][:, _KEY]], axis=-1)


def _as(seen: NDArray[np.bool_], array: Array) -> NDArray[np.bool_]:
    return seen.reshape(*seen.shape, *[1] * (array.ndim - 2))
