# SPDX-License-Identifier: GPL-3.0-or-later
"""Where feet that are on the floor belong: one placement of the foot a stance, whose length is the rig's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .contacts import Flags, runs
from .kinematics import Array, rotation_vector_to_matrix, swing, unit
from .rig import Rig
from .root import soles

UP = np.array([0.0, 0.0, 1.0])
SLOW = 0.15  # m/s: where a foot is faster, its place says little of where it stands


@dataclass(frozen=True)
class Foot:
    """A rig's leg and foot: bones by index, and points at rest, world metres, from the ankle; at rest the sole is on the floor."""

    thigh: int
    shin: int
    foot: int
    toe: int | None
    heel: Array  # (3,)
    ball: Array  # (3,)
    toe_joint: Array  # (3,) where the toes bend; the ball for a rig without toes
    tip: Array  # (3,) of the toes, from `toe_joint`
    across: Array  # (3,) unit, square to the foot's length and to the rig's up
    upright: Array  # (3, 3) the rig's up at rest → the world's

    @classmethod
    def of(cls, rig: Rig, side: str) -> Foot:
        index = rig.index_of_role
        still = np.broadcast_to(np.eye(3), (1, len(rig.bones), 3, 3))
        k = 3 * (side == "right")
        ankle, toe = index[f"{side}_foot"], index.get(f"{side}_toe")
        heel, ball, tip = soles(rig, rig.rest_heads[None], still)[0, k : k + 3] - rig.rest_heads[ankle]
        if toe is None:
            ball = tip  # a foot of one piece rolls over its tip
        joint = ball if toe is None else rig.rest_heads[toe] - rig.rest_heads[ankle]
        return cls(
            index[f"{side}_thigh"], index[f"{side}_shin"], ankle, toe, heel, ball, joint, tip - joint,
            unit(np.cross(rig.up, ball - heel)), swing(rig.up, UP),
        )  # fmt: skip

    @property
    def length(self) -> float:
        """Metres from heel to ball."""
        return float(np.linalg.norm(self.ball - self.heel))

    def heading(self, turn: Array) -> Array:
        """(…) radians about the world's vertical by which feet turned by `turn` (…, 3, 3) are turned from an upright rig's.

        Told by the foot's breadth, which stays level while a foot rolls from heel to toe.
        """
        across, now = self.upright @ self.across, turn @ self.across
        return np.arctan2(across[0] * now[..., 1] - across[1] * now[..., 0], across[0] * now[..., 0] + across[1] * now[..., 1])

    def flat(self, heading: Array) -> Array:
        """(…, 3, 3) turns of feet flat on the floor."""
        return rotation_vector_to_matrix(np.asarray(heading)[..., None] * UP) @ self.upright

    def along(self, heading: Array) -> Array:
        """(…, 2) from heel to ball of feet flat on the floor, metres."""
        return (self.flat(heading) @ (self.ball - self.heel))[..., :2]


@dataclass(frozen=True)
class Stances:
    """Where one foot's heel and ball belong, (F, 2) over the floor, and how it is headed where both are down, (F,); NaN elsewhere."""

    heel: Array
    ball: Array
    heading: Array


def stances(foot: Foot, heel: Array, ball: Array, heading: Array, down: Flags, fps: float) -> Stances:
    """Placements for a foot's contacts `down` (F, 2) heel and toe, from where `heel` and `ball` (F, 3) are and its `heading` (F,).

    A run of contact has one place: the median of the point's places, the slower the more. Where a heel's and a toe's run overlap the foot
    is flat, and the two places are as far apart as on the rig, in the median heading. What overlaps is settled from the longest on.
    """
    points = (heel[:, :2], ball[:, :2])
    weights = [_slowness(point, fps) for point in points]
    spans = [runs(down[:, k]) for k in range(2)]
    guess = [[_median(points[k][a:b], weights[k][a:b]) for a, b in spans[k]] for k in range(2)]
    mass = [[float(weights[k][a:b].sum()) for a, b in spans[k]] for k in range(2)]
    settled: list[dict[int, Array]] = [{}, {}]
    headings = np.full(len(heel), np.nan)
    flat = [(i, j, max(a, c), min(b, d)) for i, (a, b) in enumerate(spans[0]) for j, (c, d) in enumerate(spans[1]) if max(a, c) < min(b, d)]
    while flat:
        i, j, start, end = max(flat, key=lambda f: (f[0] in settled[0] or f[1] in settled[1], f[3] - f[2], -f[2]))
        flat.remove((i, j, start, end))
        weight = (weights[0] + weights[1])[start:end]
        about = heading[start]
        turned = (heading[start:end] - about + np.pi) % (2 * np.pi) - np.pi
        way = about + _median(turned[:, None], weight)[0]
        headings[start:end] = way
        along = foot.along(way)
        if i in settled[0]:
            settled[1][j] = settled[0][i] + along
        elif j in settled[1]:
            settled[0][i] = settled[1][j] - along
        else:
            share = mass[1][j] / (mass[0][i] + mass[1][j])
            settled[1][j] = share * guess[1][j] + (1 - share) * (guess[0][i] + along)
            settled[0][i] = settled[1][j] - along
    places = [np.full((len(heel), 2), np.nan) for _ in range(2)]
    for k in range(2):
        for number, (start, end) in enumerate(spans[k]):
            places[k][start:end] = settled[k].get(number, guess[k][number])
    return Stances(places[0], places[1], headings)


def _slowness(point: Array, fps: float) -> Array:
    if len(point) < 2:
        return np.ones(len(point))
    speed = np.linalg.norm(np.gradient(point, axis=0), axis=-1) * fps
    return 1.0 / (1.0 + (speed / SLOW) ** 2)


def _median(values: Array, weights: Array) -> Array:
    """(C,) the weighted median of each column of `values` (F, C): halfway between the two middle ones where the weight is split evenly."""
    order = np.argsort(values, axis=0, kind="stable")
    total = np.cumsum(weights[order], axis=0)
    half = 0.5 * total[-1]
    low = np.argmax(total >= half * (1 - 1e-9), axis=0)
    high = np.argmax(total > half * (1 + 1e-9), axis=0)
    ranked = np.take_along_axis(values, order, axis=0)
    columns = np.arange(values.shape[1])
    return 0.5 * (ranked[low, columns] + ranked[high, columns])
