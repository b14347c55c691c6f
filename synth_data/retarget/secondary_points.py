# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the bones are that swing: hair, skirts and the like as segments, for those who draw poses (numpy)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from .kinematics import Array
from .rig import Rig
from .secondary import Chains, chains_of


def secondary_points(rig: Rig, heads: npt.NDArray[Any], rotations: npt.NDArray[Any]) -> Array:
    """World points (F, 2·S, 3) in metres: beginning and end of each of the rig's S bones that swing, chain after chain, from
    `forward_kinematics`'s heads (F, B, 3) and rotations (F, B, 3, 3).
    """
    chains = _chains(rig)
    turns = np.asarray(rotations, np.float64)[:, chains.bones] @ np.swapaxes(rig.rest_rotations[chains.bones], -1, -2)
    starts = np.asarray(heads, np.float64)[:, chains.bones]
    ends = starts + np.einsum("fsij,sj->fsi", turns, chains.end - rig.rest_heads[chains.bones])
    return np.stack([starts, ends], 2).reshape(len(starts), -1, 3)


@lru_cache(maxsize=16)
def _chains(rig: Rig) -> Chains:
    return chains_of(rig)
