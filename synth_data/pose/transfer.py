# SPDX-License-Identifier: GPL-3.0-or-later
"""A motion onto somebody of whom only a video is known: as large, and where in the picture, as they would be.

The normalisation of "Everybody Dance Now" (Chan et al. 2019, global pose normalisation; held against the authors' code and three others'
implementations). In both videos the ankles on the floor lie between a lowest place in the picture (closest to the camera) and a highest
one (furthest). An ankle of the source goes to the target's place by the same share of the way, and the scale goes by the same share
between the ratios of both people's heights there:

    y' = t_far + (y − s_far) / (s_close − s_far) · (t_close − t_far)
    scale = T_far / S_far + (y − s_far) / (s_close − s_far) · (T_close / S_close − T_far / S_far)

with t, s the ankles' y and T, S the heights (ankle to nose, the tallest near that place) of target and source. As the authors' code does,
who moves less than the target did takes only as much of the target's floor, about its middle.

Other than there, a person is scaled about their own ankles; the furthest place is as far above the median as the closest is below it
(there, for which the paper allows some slack, a chosen share of that); and beyond both ends nobody stands: what is there has left the
floor, and keeps its distance from it, scaled. Where a rig is known none of this is needed: joint angles go onto its own bones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from .filters import fill_gaps
from .framing import MID_HIP, NECK, project, steady_crops
from .landmarks import BODY_25
from .placing import camera_for, on_rays, placed
from .track import PoseTrack

NEAREST = 0.1  # metres from the camera
MOST_PX = 32768  # a side of a video
TOLERANCE = 0.05  # of the height: ankles nearer to each other than this stand at one place
_ANKLES = [BODY_25.index("left_ankle"), BODY_25.index("right_ankle")]
_NOSE = BODY_25.index("nose")

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Spot:
    """Where somebody stands: the ankles' y and the height from ankles to nose, px, and how far away the hips are, metres."""

    ankle: float
    height: float
    depth: float

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Spot:
        """Raises KeyError, TypeError or ValueError for what is none."""
        return cls(_number(data["ankle"]), _number(data["height"], least=1e-3), _number(data["depth"], least=NEAREST))


@dataclass(frozen=True)
class Ground:
    """Where somebody stands in their video. `spots`: the closest and the furthest, the same where they stay at one; None where no ankle
    is ever seen. `x` is the middle of where they are, px; `hips` the hips' usual y, `torso` its usual length, px, `depth` theirs, metres.
    """

    spots: tuple[Spot, Spot] | None
    x: float
    hips: float
    torso: float
    depth: float

    def to_json(self) -> dict[str, Any]:
        spots = None if self.spots is None else [vars(spot) for spot in self.spots]
        return {"spots": spots, "x": self.x, "hips": self.hips, "torso": self.torso, "depth": self.depth}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Ground:
        """Raises KeyError, TypeError or ValueError for what is none."""
        spots = data["spots"]
        if spots is not None:
            close, far = spots
            spots = Spot.from_json(close), Spot.from_json(far)
        torso, depth = _number(data["torso"], least=1e-3), _number(data["depth"], least=NEAREST)
        return cls(spots, _number(data["x"]), _number(data["hips"]), torso, depth)


@dataclass(frozen=True)
class FilmedTarget:
    """What is known of who was filmed: their video's size (width, height) px and focal length, px, their height, metres, their ground; and
    whether the squares that were cut out of it are its middle, rather than around the body.
    """

    size: tuple[int, int]
    focal_px: float
    height: float
    ground: Ground
    middle: bool = False

    @property
    def camera(self) -> Array:
        """K (3, 3) of their video."""
        return camera_for(self.size, self.focal_px)

    def squares(self, points: NDArray, fps: float) -> Array:
        """The squares (F, 3) centre x, centre y and side, whole px of their video, that are cut out around points (F, 137, 3) in its
        camera's space.
        """
        if self.middle:
            width, height = self.size
            return np.tile(np.array([width // 2, height // 2, min(width, height)], np.float64), (len(points), 1))
        return steady_crops(points, self.camera, self.height, fps)

    def to_json(self) -> dict[str, Any]:
        known = {"size": list(self.size), "focal_px": self.focal_px, "height": self.height, "ground": self.ground.to_json()}
        return known | {"middle": self.middle}

    @classmethod
    def from_json(cls, data: Any, origin: str) -> FilmedTarget:
        """Raises UserError, naming `origin`, for what does not say it."""
        try:
            size = data["size"]
            width, height = (int(_number(side, least=1, most=MOST_PX)) for side in size)
            focal_px, tall = _number(data["focal_px"], least=1), _number(data["height"], least=0.01, most=1000)
            middle = data.get("middle", False)
            if not isinstance(middle, bool):
                raise ValueError(f"{middle!r} is neither true nor false")
            return cls((width, height), focal_px, tall, Ground.from_json(data["ground"]), middle)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UserError(f"{origin} does not say how its person was filmed; make it again.") from error


def _number(value: Any, least: float = -1e6, most: float = 1e6) -> float:
    """A finite number of a file. Raises ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ValueError(f"{value!r} is not a number between {least:g} and {most:g}")
    return float(value)


def driven(track: PoseTrack, person: int, target: FilmedTarget) -> Array:
    """A track's person (their id) as the target: points (F, 137, 3), metres in the camera space of the target's video (`target.camera`
    and `target.size`); NaN where nobody was seen. Raises UserError for a person whose torso is never seen.
    """
    index = track.person_id.tolist().index(person)
    K = camera_for(track.size)
    return transferred(placed(track, index, K), K, target)


def transferred(points: NDArray, K: NDArray, target: FilmedTarget) -> Array:
    """Points (F, 137, 3) camera-space metres seen through K (3, 3) of the source's video → the same of the target's."""
    source, goal = ground_of(points, K), target.ground
    pixels = project(points, K)
    ankle, _ = _ankles_and_heights(pixels)
    if source.spots is None or goal.spots is None:
        # Without feet: by the torso.
        scale = np.full(len(points), goal.torso / source.torso)
        anchor, place = np.full(len(points), source.hips), np.full(len(points), goal.hips)
        depth = np.full(len(points), goal.depth)
    else:
        anchor = fill_gaps(ankle[:, None], np.isfinite(ankle))[:, 0]
        spots = narrowed(source.spots, goal.spots)
        scale, place, share = normalised(anchor, source.spots, spots)
        close, far = (1 / spot.depth for spot in spots)
        depth = 1 / (far + share * (close - far))
    goal_pixels = np.stack(
        [
            goal.x + scale[:, None] * (pixels[..., 0] - source.x),
            place[:, None] + scale[:, None] * (pixels[..., 1] - anchor[:, None]),
        ],
        -1,
    )
    # Depths about the hips, in metres of the target.
    own = np.asarray(points, np.float64)[..., 2]
    middle = fill_gaps(own[:, MID_HIP, None], np.isfinite(own[:, MID_HIP]))
    K_goal = target.camera
    metres = scale * (depth / K_goal[1, 1]) / (middle[:, 0] / K[1, 1])
    return on_rays(goal_pixels, depth[:, None] + metres[:, None] * (own - middle), K_goal)


def normalised(ankle: NDArray, source: tuple[Spot, Spot], goal: tuple[Spot, Spot]) -> tuple[Array, Array, Array]:
    """Of the source's ankles (F,) px: the scale, the place of the ankles in the target's picture (px), and the share 0…1 of the way from
    the furthest to the closest; (F,) each. `source` and `goal` are the closest and the furthest spot of each.
    """
    ankle = np.asarray(ankle, np.float64)
    (close, far), (goal_close, goal_far) = source, goal
    if close.ankle - far.ankle > TOLERANCE * close.height:
        floor = np.clip(ankle, far.ankle, close.ankle)
        share = (floor - far.ankle) / (close.ankle - far.ankle)
    else:
        floor, share = np.full(len(ankle), (far.ankle + close.ankle) / 2), np.full(len(ankle), 0.5)
    far_ratio, close_ratio = goal_far.height / far.height, goal_close.height / close.height
    scale = far_ratio + share * (close_ratio - far_ratio)
    place = goal_far.ankle + share * (goal_close.ankle - goal_far.ankle) + scale * (ankle - floor)
    return scale, place, share


def narrowed(source: tuple[Spot, Spot], goal: tuple[Spot, Spot]) -> tuple[Spot, Spot]:
    """The goal's closest and furthest spot drawn together about their middle, where the source's floor, scaled, is smaller than theirs:
    who steps from one foot to the other must not walk through the whole room.
    """
    sizes = [sum(spot.height for spot in spots) for spots in (source, goal)]
    own, whole = (source[0].ankle - source[1].ankle) * sizes[1] / sizes[0], goal[0].ankle - goal[1].ankle
    if own >= whole:
        return goal

    def between(share: float) -> Spot:
        ankle, height = (getattr(goal[1], name) + share * (getattr(goal[0], name) - getattr(goal[1], name)) for name in ("ankle", "height"))
        return Spot(ankle, height, 1 / (1 / goal[1].depth + share * (1 / goal[0].depth - 1 / goal[1].depth)))

    half = own / whole / 2
    return between(0.5 + half), between(0.5 - half)


def ground_of(points: NDArray, K: NDArray) -> Ground:
    """Where the person with the points (F, 137, 3) camera-space metres stands in the picture of the camera K. Raises UserError for one
    whose torso is never seen.
    """
    pixels, depth = project(points, K), np.asarray(points)[:, MID_HIP, 2]
    hips, neck = pixels[:, MID_HIP], pixels[:, NECK]
    torso = np.linalg.norm(hips - neck, axis=-1)
    if not np.isfinite(torso).any():
        raise UserError("Neither hips nor shoulders of the person are ever seen; choose a video that shows more of them.")
    ankle, height = _ankles_and_heights(pixels)
    known = np.isfinite(ankle) & np.isfinite(height) & np.isfinite(depth)
    spots = _spots(ankle[known], height[known], depth[known]) if known.any() else None
    usual = (float(np.nanmedian(v)) for v in (hips[:, 0], hips[:, 1], torso, depth))
    return Ground(spots, *usual)


def _ankles_and_heights(pixels: Array) -> tuple[Array, Array]:
    """(F,) the ankles' mean y and the distance from their mean to the nose, px; NaN where no ankle (or no nose) is known."""
    ankles = pixels[:, _ANKLES]
    known = np.isfinite(ankles).all(-1)
    count = known.sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known[..., None], ankles, 0).sum(1) / count[:, None]
    return mean[:, 1], np.linalg.norm(mean - pixels[:, _NOSE], axis=-1)


def _spots(ankle: Array, height: Array, depth: Array) -> tuple[Spot, Spot]:
    """The closest and the furthest spot. As in the paper the furthest is not the highest ankle of all, which is a jump's: it is among
    those about as far above the median as the closest is below it.
    """
    close, usual = ankle.max(), np.median(ankle)
    near = TOLERANCE * np.median(height)
    above = ankle[(ankle <= usual) & (np.abs((usual - ankle) - (close - usual)) < near)]
    far = above.max() if len(above) else ankle[usual - ankle <= close - usual].min()
    spots = []
    for place in (close, far):
        there = np.abs(ankle - place) <= near
        tallest = height[there].max()  # who bends down there is smaller, and nobody is larger
        upright = there & (height >= 0.9 * tallest)
        spots.append(Spot(float(place), float(tallest), float(np.median(depth[upright]))))
    return spots[0], spots[1]
