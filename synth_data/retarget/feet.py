# SPDX-License-Identifier: GPL-3.0-or-later
"""Feet that stand where they stand: legs bent a little so that feet on the floor neither slide nor float."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..pose.filters import savitzky_golay
from .kinematics import Array, swing, unit
from .rig import Rig
from .root import runs

FADE_SECONDS = 0.2  # in which a correction comes and goes before and after a contact
SMOOTH_SECONDS = 0.15
FURTHEST = 0.10  # metres; a foot further from where it stood was not standing
STRETCH = 0.995  # of the leg's full length: a leg drawn straight snaps


def plant_feet(
    rig: Rig, turns: Array, heads: Array, standing: Array, down: npt.NDArray[np.bool_], floor: float, fps: float
) -> dict[str, Array]:
    """New turns (F, 3, 3) of thighs and shins, by role, that keep each foot in place while it is down; the feet's turns stay.

    `turns` (F, B, 3, 3) and `heads` (F, B, 3) of the posed rig in world metres, `standing` (F, 6, 3) its `soles`, `down` (F, 4) the
    contacts, `floor` the height of the soles that are down.
    """
    out: dict[str, Array] = {}
    for k, side in enumerate(("left", "right")):
        shift = _shift(standing[:, 3 * k : 3 * k + 2], down[:, 2 * k : 2 * k + 2], floor, fps)
        hip, knee, ankle = (rig.index_of_role[f"{side}_{role}"] for role in ("thigh", "shin", "foot"))
        new_knee, new_ankle = _bent(heads[:, hip], heads[:, knee], heads[:, ankle], heads[:, ankle] + shift)
        for role, bone, old, new in (
            (f"{side}_thigh", hip, heads[:, knee] - heads[:, hip], new_knee - heads[:, hip]),
            (f"{side}_shin", knee, heads[:, ankle] - heads[:, knee], new_ankle - new_knee),
        ):
            out[role] = swing(unit(old), unit(new)) @ turns[:, bone]
    return out


def _shift(points: Array, down: npt.NDArray[np.bool_], floor: float, fps: float) -> Array:
    """(F, 3) by how much a foot is to move; `points` (F, 2, 3) heel and ball, `down` (F, 2).

    While a point is down it belongs where it was, on the median over that time; of two, the mean counts.
    """
    frames = len(points)
    total, weight = np.zeros((frames, 3)), np.zeros(frames)
    fade = max(round(FADE_SECONDS * fps), 1)
    for point in range(2):
        for start, end in runs(down[:, point]):
            anchor = np.median(points[start:end, point], axis=0)
            anchor[2] = floor
            miss = anchor - points[start:end, point]
            miss *= np.minimum(1.0, FURTHEST / np.maximum(np.linalg.norm(miss, axis=1), 1e-9))[:, None]
            total[start:end] += miss
            weight[start:end] += 1
            for edge, frame, step in ((miss[0], start, -1), (miss[-1], end - 1, 1)):
                for away in range(1, fade):
                    at = frame + step * away
                    if 0 <= at < frames:
                        share = (1 - away / fade) ** 2 * (1 + 2 * away / fade)
                        total[at] += share * edge
                        weight[at] += share
    return savitzky_golay(total / np.maximum(weight, 1.0)[:, None], SMOOTH_SECONDS * fps)


def _bent(hip: Array, knee: Array, ankle: Array, wanted: Array) -> tuple[Array, Array]:
    """Knee and ankle (F, 3) of a leg whose ankle goes where it is `wanted`, the knee staying in the plane it bends in (law of cosines)."""
    thigh, shin = np.linalg.norm(knee - hip, axis=1), np.linalg.norm(ankle - knee, axis=1)
    before, line = unit(ankle - hip), unit(wanted - hip)
    reach = np.linalg.norm(wanted - hip, axis=1)
    # A leg that was straighter than that to begin with may stay so.
    longest = np.maximum(STRETCH * (thigh + shin), np.linalg.norm(ankle - hip, axis=1))
    reach = np.clip(reach, np.abs(thigh - shin) + 1e-3, longest)
    across = (knee - hip) - np.sum((knee - hip) * before, 1, keepdims=True) * before
    pole = np.einsum("fij,fj->fi", swing(before, line), unit(across))
    along = (reach**2 + thigh**2 - shin**2) / (2 * reach)
    aside = np.sqrt(np.maximum(thigh**2 - along**2, 0.0))
    return hip + along[:, None] * line + aside[:, None] * pole, hip + reach[:, None] * line
