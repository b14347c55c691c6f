# SPDX-License-Identifier: GPL-3.0-or-later
"""The normal equations of a clip: unknowns of frames that touch only their next two neighbours, and a few that all frames share.

A block-banded matrix with an arrow's border: the border is eliminated by its Schur complement, the band by LAPACK's banded Cholesky.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.linalg import LinAlgError, solveh_banded

from ..kinematics import Array

REACH = 2  # frames to each side that a frame's unknowns touch


class NormalEquations:
    """JᵀWJ and JᵀWr, summed up term by term, of F frames of `size` unknowns and `shared` further unknowns."""

    def __init__(self, frames: int, size: int, shared: int) -> None:
        self.blocks = [np.zeros((max(frames - k, 0), size, size)) for k in range(REACH + 1)]
        self.border = np.zeros((frames, size, shared))
        self.corner = np.zeros((shared, shared))
        self.right, self.right_shared = np.zeros((frames, size)), np.zeros(shared)

    def add(
        self, residual: Array, weight: Array, derivative: Array, shared: Array | None = None, stencil: tuple[float, ...] = (1.0,)
    ) -> None:
        """Add Σ w·r² for residuals (T, R) with weights (T, R).

        `derivative` (T + len(stencil) − 1, R, size) by the unknowns of each frame; the residual of row t is made of frames t … t +
        len(stencil) − 1 with the factors `stencil`. `shared` (T, R, shared) by the shared unknowns.
        """
        rows = len(residual)
        root = np.sqrt(weight)[..., None]
        right = root[..., 0] * residual
        parts = [root * (factor * derivative[k : k + rows]) for k, factor in enumerate(stencil)]
        for k, part in enumerate(parts):
            turned = np.swapaxes(part, 1, 2)
            for further in range(k, len(parts)):
                self.blocks[further - k][k : k + rows] += turned @ parts[further]
            self.right[k : k + rows] += (turned @ right[..., None])[..., 0]
        if shared is not None:
            edge = root * shared
            flat = edge.reshape(-1, edge.shape[-1])
            self.corner += flat.T @ flat
            self.right_shared += flat.T @ right.ravel()
            for k, part in enumerate(parts):
                self.border[k : k + rows] += np.swapaxes(part, 1, 2) @ edge

    def add_diagonal(self, residual: Array, weight: Array, columns: slice) -> None:
        """Add Σ w·x² for unknowns themselves, residuals (F, C) in `columns`."""
        at = np.arange(self.right.shape[1])[columns]
        self.blocks[0][:, at, at] += weight
        self.right[:, at] += weight * residual

    def solve(self, damping: float) -> tuple[Array, Array]:
        """The step (F, size), (shared,) that minimises the sum, the diagonal enlarged by the share `damping` (Levenberg-Marquardt).

        Raises LinAlgError where the matrix is not positive definite.
        """
        frames, size = self.right.shape
        band = _banded(self.blocks)
        diagonal = band[0] * (1 + damping) + 1e-9
        band[0] = diagonal
        right = np.concatenate([-self.right.reshape(-1, 1), self.border.reshape(frames * size, -1)], 1)
        solved = solveh_banded(band, right, overwrite_ab=True, overwrite_b=True, lower=True, check_finite=False)
        own, by_shared = solved[:, 0], solved[:, 1:]
        if by_shared.shape[1] == 0:
            return own.reshape(frames, size), np.zeros(0)
        border = self.border.reshape(frames * size, -1)
        corner = self.corner + np.diag(np.diag(self.corner)) * damping - border.T @ by_shared
        step = np.linalg.solve(corner, -self.right_shared - border.T @ own)
        return (own - by_shared @ step).reshape(frames, size), step


def _banded(blocks: list[npt.NDArray[np.float64]]) -> Array:
    """LAPACK's lower band storage, ab[i − j, j] = A[i, j], of blocks A[t, t + k] (F − k, n, n)."""
    frames, size, _ = blocks[0].shape
    panel = np.zeros((frames, (len(blocks) + 1) * size, size))
    for k, block in enumerate(blocks):
        panel[: frames - k, k * size : (k + 1) * size] = np.swapaxes(block, 1, 2)
    rows, columns = np.arange(len(blocks) * size)[:, None], np.arange(size)[None]
    return np.moveaxis(panel[:, rows + columns, columns], 1, 0).reshape(len(blocks) * size, frames * size)


__all__ = ["LinAlgError", "NormalEquations"]
