# SPDX-License-Identifier: GPL-3.0-or-later
"""A motion that grows out of what its armature showed before, and goes back into it, on the values of animation channels (numpy)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from .keys import rotation_of
from .kinematics import Array, continuous, matrix_to_quaternion, quaternion_to_matrix, slerp_matrices

# Blender's channels of a bone at rest; of its other rotation modes, 0 in all three.
AT_REST = {"rotation_quaternion": (1.0, 0.0, 0.0, 0.0), "rotation_axis_angle": (0.0, 0.0, 1.0, 0.0), "scale": (1.0, 1.0, 1.0)}
STILL = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Blend:
    """From what to what a motion is blended: `begin` frames at its start and `end` frames at its end, counted in keys.

    What was there before is `curves`, F-curves as Blender has them ("data_path", "array_index", "evaluate(frame)"), and where they say
    nothing `pose`, from a bone's data path ('pose.bones["Hips"].location') to its values, and else rest.
    """

    begin: int = 0
    end: int = 0
    curves: Sequence[Any] = ()
    pose: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def paths(self) -> set[str]:
        """The data paths of all that was moved or not at rest."""
        return {curve.data_path for curve in self.curves} | set(self.pose)

    def before(self, path: str, frames: Array) -> Array:
        """(N, 3 or 4) what the bone's channel `path` showed at `frames` (N,)."""
        rest = AT_REST.get(path.rpartition(".")[2], STILL)
        values = np.tile(np.array(self.pose.get(path, rest), np.float64), (len(frames), 1))
        for curve in self.curves:
            if curve.data_path == path and curve.array_index < values.shape[1]:
                values[:, curve.array_index] = [curve.evaluate(frame) for frame in frames]
        return values

    def values(self, path: str, frames: Array, after: npt.NDArray[Any]) -> Array:
        """Locations or scales (N, 3) blended evenly into `after`, the motion's own."""
        share = shares(len(frames), self.begin, self.end)
        mixed, values = share < 1, np.array(after, np.float64)
        weight = share[mixed, None]
        values[mixed] = (1 - weight) * self.before(path, frames[mixed]) + weight * values[mixed]
        return values

    def rotations(self, path: str, mode: str, frames: Array, after: npt.NDArray[Any]) -> Array:
        """Unit quaternions (N, 4) blended into `after` along the shortest arcs; `mode` is the bone's rotation mode, `path` its channel."""
        share = shares(len(frames), self.begin, self.end)
        mixed, values = share < 1, np.array(after, np.float64)
        if not mixed.any():
            return values
        before = quaternion_to_matrix(rotation_of(mode, self.before(path, frames[mixed])))
        values[mixed] = matrix_to_quaternion(slerp_matrices(before, quaternion_to_matrix(values[mixed]), share[mixed]))
        return continuous(values)


def shares(count: int, begin: int, end: int) -> Array:
    """(N,) how much of the motion shows in each of `count` frames: none in the first and all from frame `begin` on, and the same towards
    the last one over `end` frames. It starts and stops without a jerk (3t² − 2t³)."""
    at = np.arange(count, dtype=np.float64)
    rising = np.clip(at / begin, 0, 1) if begin > 0 else np.ones(count)
    falling = np.clip(at[::-1] / end, 0, 1) if end > 0 else np.ones(count)
    return _eased(rising) * _eased(falling)


def _eased(t: Array) -> Array:
    return t * t * (3 - 2 * t)
