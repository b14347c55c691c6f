# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the head is in a picture: the one definition, used in training and in generation, of the square that the head refiner works on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .framing import NEAR

REACH = 2.6  # of the skull's radius: as far as hair and hats reach (and as far as the conditioning says where a pixel is on the head)
_SKULL = 0.062  # the skull's radius, as a share of the height
_NECK, _FACE, _EARS = 1, [0, 15, 16], [17, 18]  # BODY_25: the face's are nose and eyes


def head_square(points_camera: NDArray, K: NDArray, height_m: float) -> NDArray[np.float32]:
    """The square around the head and its hair: (3,) float32 centre x, centre y and side in px of the picture that K belongs to.

    points_camera: (137, 3) camera-space metres, NaN where unknown; K: (3, 3); height_m: the character's height. From the ears where they
    are known, else from what there is of the face, else from the neck. The side is 0 where the head is unknown or not in front of the
    camera; the square may lie outside the picture.
    """
    points, K = np.asarray(points_camera, np.float64), np.asarray(K, np.float64)
    ears, neck = points[_EARS], points[_NECK]
    radius = _SKULL * height_m
    with np.errstate(invalid="ignore"):
        face = points[_FACE][np.isfinite(points[_FACE]).all(-1)]
    if np.isfinite(ears).all():
        # Drawn characters have big heads.
        radius = max(radius, 0.5 * float(np.linalg.norm(ears[0] - ears[1])))
        centre = ears.mean(0)
        up = centre - neck
        length = float(np.linalg.norm(up))
        if length > 1e-6:  # False for NaN too
            centre = centre + 0.25 * radius * up / length
    elif len(face):
        centre = face.mean(0)
    else:
        centre = neck - [0, 1.8 * radius, 0]
    if not (np.isfinite(centre).all() and centre[2] > NEAR):
        return np.zeros(3, np.float32)
    x, y = K[0, 0] * centre[0] / centre[2] + K[0, 2], K[1, 1] * centre[1] / centre[2] + K[1, 2]
    return np.array([x, y, (K[0, 0] + K[1, 1]) * REACH * radius / centre[2]], np.float32)
