# SPDX-License-Identifier: GPL-3.0-or-later
"""Which points of a character are hidden: a ray from the camera to each point against the posed mesh (numpy).

Joints lie inside the body, so "something is nearer" would hide them all. A joint is hidden when the first surface before it belongs to
another part of the body, or to its own but further away than a limb is thick. A point of the face is hidden when it faces away, or a
surface is well before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..dataset.sample import OCCLUDED, OUTSIDE, VISIBLE, inside, project, to_camera
from ..pose.landmarks import BODY_25, HAND_21
from ..retarget.openpose_points import FACE, LEFT_HAND, POINTS, RIGHT_HAND, PointModel
from ..retarget.rig import Rig
from .cameras import View

Array = npt.NDArray[np.float64]

_TOUCH = 0.004  # of the height: nearer than this, another part touches rather than hides
_THICK_TORSO, _THICK_LIMB, _THICK_FINGER = 0.14, 0.06, 0.03  # of the height: the most that the own part may be before a joint
_THICK_FACE, _THICK_RIM = 0.3, 1.0  # of the head's size: hair and the template's own error; the jaw and the ears, from the front
_GRAZING = -0.05  # cosine at which a surface has turned away; ears are seen from the front and from behind
_CELLS = 128  # the picture is divided so to find triangles near points

_TORSO = ("hips", "spine", "spine1", "spine2")
_OWN: dict[str, tuple[str, ...]] = {  # what may be before a joint of BODY_25; S stands for its side
    "neck": ("neck", "head", "spine1", "spine2", "left_shoulder", "right_shoulder"),
    "mid_hip": (*_TORSO, "left_thigh", "right_thigh"),
    "shoulder": ("spine1", "spine2", "S_shoulder", "S_upper_arm"),
    "elbow": ("S_upper_arm", "S_forearm"),
    "wrist": ("S_forearm", "S_hand"),
    "hip": ("hips", "spine", "S_thigh"),
    "knee": ("S_thigh", "S_shin"),
    "ankle": ("S_shin", "S_foot"),
    "big_toe": ("S_foot", "S_toe"),
    "small_toe": ("S_foot", "S_toe"),
    "heel": ("S_shin", "S_foot"),
}
_RIM = [*range(FACE, FACE + 17), BODY_25.index("left_ear"), BODY_25.index("right_ear")]
_IN_TORSO = ("neck", "mid_hip", "shoulder", "hip")


@dataclass(frozen=True, eq=False)
class Surface:
    """A posed mesh: `vertices` (V, 3) world metres, `triangles` (T, 3), `parts` (T,) the index of the bone that moves each triangle
    most.
    """

    vertices: Array
    triangles: npt.NDArray[np.int64]
    parts: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SeenSurface:
    """A surface as a camera sees it: `x`, `y` (V,) px and `z` (V,) metres along the view, of each vertex."""

    surface: Surface
    x: Array
    y: Array
    z: Array


def seen_through(view: View, surface: Surface) -> SeenSurface:
    """Project a surface. Vertices that are not in front of the camera get no meaningful x and y."""
    seen = to_camera(surface.vertices, view.world_to_camera)
    z = np.ascontiguousarray(seen[:, 2])
    with np.errstate(divide="ignore", invalid="ignore"):
        x, y = (view.K[axis, axis] * seen[:, axis] / z + view.K[axis, 2] for axis in (0, 1))
    return SeenSurface(surface, x, y, z)


class OcclusionRule:
    """What may be before each of a rig's points without hiding it."""

    def __init__(self, rig: Rig, model: PointModel) -> None:
        self._model = model
        roles = [_role_above(rig, b) for b in range(len(rig.bones))]
        self._own = np.zeros((POINTS, len(rig.bones)), bool)
        self._thickness = np.full(POINTS, _THICK_LIMB * rig.height)
        self._touch = _TOUCH * rig.height
        self._on_head = np.isfinite(model.normals).all(axis=1)
        for point in range(POINTS):
            own, thickness = _own_parts(point)
            self._own[point] = [role in own for role in roles]
            self._thickness[point] = thickness * rig.height
        self._own[self._on_head] = [role in ("head", "head_end", "left_eye", "right_eye") for role in roles]
        self._thickness[self._on_head] = _THICK_FACE * model.head_size
        self._thickness[_RIM] = _THICK_RIM * model.head_size

    def visibility(self, points: Array, rotations: Array, view: View, seen: SeenSurface) -> npt.NDArray[np.uint8]:
        """(137,) 2 visible, 1 occluded, 0 outside the picture or unknown. `points` (137, 3) world metres, `rotations` (B, 3, 3) world."""
        size = (view.size, view.size)
        pixels = project(points, view.K, view.world_to_camera)
        in_frame = inside(pixels, size)
        depth = to_camera(points, view.world_to_camera)[:, 2]
        first, part = first_hits(pixels, in_frame, view.size, seen)
        gap = np.where(np.isfinite(first), depth - first, 0.0)
        own = self._own[np.arange(POINTS), part]
        hidden = (gap > self._thickness) | ((gap > self._touch) & ~own)
        centre = -view.world_to_camera[:, :3].T @ view.world_to_camera[:, 3]
        normals = self._model.turned_normals(rotations[None])[0]
        to_centre = centre - points
        with np.errstate(invalid="ignore"):
            hidden |= np.sum(normals * to_centre, axis=1) < _GRAZING * np.linalg.norm(to_centre, axis=1)
        return np.where(in_frame, np.where(hidden, OCCLUDED, VISIBLE), OUTSIDE).astype(np.uint8)


def first_hits(pixels: Array, wanted: npt.NDArray[Any], size: int, seen: SeenSurface) -> tuple[Array, npt.NDArray[np.int64]]:
    """What rays through `pixels` (N, 2) meet first: depth (N,) in metres along the view, inf where nothing or not `wanted`, and the part
    (N,).
    """
    depth, part = np.full(len(pixels), np.inf), np.zeros(len(pixels), np.int64)
    rays = np.flatnonzero(wanted)
    if not len(rays):
        return depth, part
    x, y, z, surface = seen.x, seen.y, seen.z, seen.surface
    triangle, ray = _near_pairs(x, y, z, surface.triangles, pixels[rays], size)
    a, b, c = surface.triangles[triangle].T
    px, py = pixels[rays[ray]].T
    # Twice the signed areas that the point spans with the edges; over depth they interpolate perspectively.
    area_a = (x[b] - px) * (y[c] - py) - (x[c] - px) * (y[b] - py)
    area_b = (x[c] - px) * (y[a] - py) - (x[a] - px) * (y[c] - py)
    area_c = (x[a] - px) * (y[b] - py) - (x[b] - px) * (y[a] - py)
    whole = area_a + area_b + area_c
    same_sign = ((area_a >= 0) & (area_b >= 0) & (area_c >= 0)) | ((area_a <= 0) & (area_b <= 0) & (area_c <= 0))
    hit = np.flatnonzero(same_sign & (whole != 0))
    a, b, c, ray, triangle = a[hit], b[hit], c[hit], ray[hit], triangle[hit]
    hit_depth = whole[hit] / (area_a[hit] / z[a] + area_b[hit] / z[b] + area_c[hit] / z[c])
    order = np.lexsort((triangle, hit_depth, ray))
    met, where = np.unique(ray[order], return_index=True)
    depth[rays[met]] = hit_depth[order[where]]
    part[rays[met]] = surface.parts[triangle[order[where]]]
    return depth, part


def _near_pairs(
    x: Array, y: Array, z: Array, triangles: npt.NDArray[np.int64], rays: Array, size: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """(triangle, ray) pairs, each ray being in a cell that the triangle's bounding box touches: few enough to test one by one."""
    scale = _CELLS / size
    cell = np.clip((rays * scale).astype(np.int64), 0, _CELLS - 1)
    flat = cell[:, 1] * _CELLS + cell[:, 0]
    counts = np.bincount(flat, minlength=_CELLS * _CELLS)
    sums = np.zeros((_CELLS + 1, _CELLS + 1), np.int64)  # rays above and to the left of each cell's corner
    sums[1:, 1:] = counts.reshape(_CELLS, _CELLS).cumsum(axis=0).cumsum(axis=1)

    a, b, c = triangles.T
    front = np.flatnonzero(np.minimum(np.minimum(z[a], z[b]), z[c]) > 1e-3)
    a, b, c = a[front], b[front], c[front]
    x0, x1, y0, y1 = (
        np.clip(np.floor(reach(reach(v[a], v[b]), v[c]) * scale), -1, _CELLS).astype(np.int64)
        for v, reach in ((x, np.minimum), (x, np.maximum), (y, np.minimum), (y, np.maximum))
    )
    low_x, low_y, high_x, high_y = np.maximum(x0, 0), np.maximum(y0, 0), np.minimum(x1 + 1, _CELLS), np.minimum(y1 + 1, _CELLS)
    low_x, low_y = np.minimum(low_x, high_x), np.minimum(low_y, high_y)
    inside_box = sums[high_y, high_x] - sums[low_y, high_x] - sums[high_y, low_x] + sums[low_y, low_x]
    near = np.flatnonzero(inside_box)

    wide = (high_x - low_x)[near]
    cells = wide * (high_y - low_y)[near]
    of = np.repeat(np.arange(len(near)), cells)
    step = np.arange(len(of)) - np.repeat(np.cumsum(cells) - cells, cells)
    at = (low_y[near][of] + step // wide[of]) * _CELLS + low_x[near][of] + step % wide[of]
    of, at = of[counts[at] > 0], at[counts[at] > 0]

    by_cell = np.argsort(flat, kind="stable")
    start = np.searchsorted(flat[by_cell], at)
    repeat = counts[at]
    pair = np.repeat(np.arange(len(at)), repeat)
    step = np.arange(len(pair)) - np.repeat(np.cumsum(repeat) - repeat, repeat)
    return front[near[of[pair]]], by_cell[start[pair] + step]


def _own_parts(point: int) -> tuple[set[str], float]:
    """Roles that may be before a point, and how far, as a share of the height. Points on the head have a rule of their own."""
    if point < FACE:
        name = BODY_25[point]
        side, _, joint = name.partition("_")
        if side not in ("left", "right"):
            side, joint = "", name
        own = {role.replace("S_", f"{side}_") for role in _OWN.get(joint, ())}
        return own, _THICK_TORSO if joint in _IN_TORSO else _THICK_LIMB
    if point < LEFT_HAND:
        return set(), _THICK_LIMB
    side, name = ("left", HAND_21[point - LEFT_HAND]) if point < RIGHT_HAND else ("right", HAND_21[point - RIGHT_HAND])
    if name == "wrist":
        return {f"{side}_forearm", f"{side}_hand"}, _THICK_LIMB
    own = {f"{side}_{name[:-1]}{joint}" for joint in (1, 2, 3, 4)}
    return (own | {f"{side}_hand"} if name.endswith("1") else own), _THICK_FINGER


def _role_above(rig: Rig, bone: int) -> str | None:
    """The role of a bone, or of the nearest bone above that has one: hair and skirts count as the part they hang from."""
    while bone >= 0:
        if rig.bones[bone].role is not None:
            return rig.bones[bone].role
        bone = rig.bones[bone].parent
    return None
