# SPDX-License-Identifier: GPL-3.0-or-later
"""A track's frames as whole pictures of somebody who was filmed: where they would stand in their own video, the square around them there,
and what the network makes of it.

The background in it is that of their video, so a picture has no place in the driver's; it is the square that training saw, opaque.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..synth_data.dataset.png import VALUES, encode_png
from ..synth_data.pose.conditioning import draw_packed
from ..synth_data.pose.filters import fill_gaps
from ..synth_data.pose.framing import MID_HIP, crop_intrinsics
from ..synth_data.pose.head import head_square
from ..synth_data.pose.track import PoseTrack
from ..synth_data.pose.transfer import FilmedTarget, driven
from .shots import Drawing


class FilmedShots:
    """The person with the id `person` of a track as `target`, in squares of `side` px; from the first frame they are seen in to the last.
    In between they move on evenly where they are not seen. Raises UserError for a person whose torso is never seen.
    """

    def __init__(self, target: FilmedTarget, track: PoseTrack, person: int, side: int) -> None:
        self.size, self.side, self.height, self.K = (side, side), side, target.height, target.camera
        points = driven(track, person, target)
        seen = np.isfinite(points[:, MID_HIP]).all(-1)
        self.first, last = np.flatnonzero(seen)[[0, -1]].tolist()
        self.points = fill_gaps(points, seen)[self.first : last + 1]
        self.crops = target.squares(self.points, track.fps)

    def __len__(self) -> int:
        return len(self.points)

    def drawing(self, index: int) -> Drawing:
        """What the network is given for a frame, counted from the first one."""
        K = crop_intrinsics(self.K, self.crops[index], self.side)
        return draw_packed(self.points[index], K, self.side, self.height), head_square(self.points[index], K, self.height)

    def png(self, index: int, rgba: NDArray[np.float32]) -> bytes:
        """The network's premultiplied picture (side, side, 4) as an opaque PNG, whatever its alpha: training's pictures had none."""
        return encode_png(np.rint(np.clip(rgba[..., :3], 0, 1) * 255).astype(np.uint8), VALUES)

    def empty(self) -> bytes:
        """The PNG of a frame without anybody: black, since what is behind them is known only around them."""
        return encode_png(np.zeros((self.side, self.side, 3), np.uint8))
