# SPDX-License-Identifier: GPL-3.0-or-later
"""The head's shape: skull and ears."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .fields import monotone_cubic
from .mesh import Array, loft, merge, outward

_Z = np.array([0, 0.03, 0.07, 0.13, 0.20, 0.28, 0.38, 0.50, 0.62, 0.74, 0.85, 0.93, 0.98, 1.0])
_HALF = np.array([0.040, 0.092, 0.158, 0.238, 0.305, 0.350, 0.372, 0.382, 0.385, 0.368, 0.308, 0.222, 0.120, 0.010])
_FRONT = np.array([0.325, 0.360, 0.375, 0.385, 0.385, 0.385, 0.378, 0.395, 0.405, 0.385, 0.320, 0.235, 0.130, 0.010])
_BACK = np.array([-0.24, -0.17, -0.10, -0.01, 0.09, 0.21, 0.33, 0.40, 0.425, 0.405, 0.340, 0.250, 0.140, 0.010])
# A lifelike head: narrower, a fuller jaw, the nose higher up.
_HUMAN_HALF = np.array([0.070, 0.130, 0.185, 0.232, 0.262, 0.285, 0.303, 0.322, 0.328, 0.312, 0.262, 0.188, 0.100, 0.010])
_HUMAN_FRONT = np.array([0.350, 0.378, 0.386, 0.384, 0.384, 0.386, 0.386, 0.396, 0.408, 0.390, 0.330, 0.240, 0.132, 0.010])
_DENSE = np.linspace(0, 1, 201)


@dataclass(frozen=True)
class Skull:
    """The head's shape. `size` is chin to crown in metres, `origin` the world position of the section's centre at the chin's height.

    `jaw` and `width` are factors of the width of the jaw and of the whole face. `human` chooses a lifelike shape (for the filmed figure)
    instead of anime's.
    """

    size: float
    origin: Array
    jaw: float = 1.0
    width: float = 1.0
    human: bool = False
    tables: dict[str, Array] = field(init=False)

    def __post_init__(self) -> None:
        # The cranium, on which hair grows, stays as it is.
        wide = np.where(_Z < 0.25, self.jaw, 1.0) * np.interp(_Z, [0.55, 0.85], [self.width, 1.0])
        half, front = (_HUMAN_HALF, _HUMAN_FRONT) if self.human else (_HALF, _FRONT)
        tables = {"half": half * wide, "front": front, "back": _BACK}
        object.__setattr__(self, "tables", {k: monotone_cubic(_Z, v, _DENSE) for k, v in tables.items()})

    def at(self, name: str, z: Array) -> Array:
        return np.interp(z, _DENSE, self.tables[name])

    def section(self, azimuth: Array, z: Array, offset: Array | float = 0.0) -> Array:
        """World points; azimuth 0 is the front, +π/2 the left; `z` in heads from the chin; `offset` outward in heads."""
        azimuth, z, offset = np.broadcast_arrays(azimuth, z, offset)
        c, s = np.cos(azimuth), np.sin(azimuth)
        # The crown's rings shrink to a point: an offset there moves up instead of out.
        half, front, back = self.at("half", z), self.at("front", z), self.at("back", z)
        power = np.where(c > 0, 2.35, 2.0)
        scale = (np.abs(s) ** power + np.abs(c) ** power) ** (-1.0 / power)
        depth = np.where(c > 0, front, back)
        slope = np.clip((z - 0.5) / 0.5, 0, 1)
        rise = slope**2
        grow = offset * np.sqrt(np.maximum(1 - rise**2, 0.0))
        x = (half + grow) * scale * s
        y = -(depth + grow) * scale * c
        return self.origin + self.size * np.stack([x, y, z + offset * rise], axis=-1)

    def face(self, x: Array, z: Array, offset: Array | float = 0.0) -> Array:
        """World points on the face at x, z (heads), `offset` heads in front of it."""
        x, z, offset = np.broadcast_arrays(np.asarray(x, float), np.asarray(z, float), offset)
        half, front = self.at("half", z), self.at("front", z)
        inside = np.maximum(1 - np.minimum(np.abs(x / half), 0.98) ** 2.35, 0.0)
        y = front * inside ** (1 / 2.35) + self.bump(x, z)
        # Offsets follow the face's normal near its sides, or the outer corners of the eyes would sink in.
        sideways = np.clip(x / half, -0.98, 0.98)
        return self.origin + self.size * np.stack([x + offset * 0.6 * sideways, -y - offset, z], axis=-1)

    def bump(self, x: Array, z: Array) -> Array:
        """The nose."""
        if self.human:
            return 0.085 * np.exp(-((x / 0.046) ** 2) - ((z - 0.315) / np.where(z > 0.315, 0.135, 0.030)) ** 2)
        return 0.040 * np.exp(-((x / 0.033) ** 2) - ((z - 0.255) / np.where(z > 0.255, 0.060, 0.028)) ** 2)


def skull_mesh(skull: Skull, rows: int = 30, columns: int = 44) -> tuple[Array, Array]:
    """The skull as a closed loft, denser around the face."""
    z = np.linspace(0, 1, rows)
    z = z - 0.035 * np.sin(2 * np.pi * z)
    angle = np.arange(columns) * 2 * np.pi / columns
    angle = angle - 0.25 * np.sin(angle)
    points = skull.section(angle[None], z[:, None])
    local = (points - skull.origin) / skull.size
    facing = np.abs(angle) < np.pi / 2
    facing |= np.abs(angle - 2 * np.pi) < np.pi / 2
    points[..., 1] -= skull.size * np.where(facing[None], skull.bump(local[..., 0], local[..., 2]), 0.0)
    return loft(points, caps=True)


def ear_mesh(skull: Skull) -> tuple[Array, Array]:
    """Two flattened ellipsoids."""
    theta, phi = np.linspace(0.15, np.pi - 0.15, 7)[:, None], np.arange(10)[None] * 2 * np.pi / 10
    shape = np.stack([0.030 * np.sin(theta) * np.cos(phi), 0.055 * np.sin(theta) * np.sin(phi), 0.085 * np.cos(theta) + 0 * phi], axis=-1)
    ears = []
    for side in (1, -1):
        points = shape * (side, 1, 1)
        points[..., 0] += side * (0.378 + 0.38 * (skull.width - 1))
        points[..., 1] += 0.015
        points[..., 2] += 0.355
        ears.append(loft(skull.origin + skull.size * points, caps=True))
    return merge([(v, outward(v, f)) for v, f in ears])
