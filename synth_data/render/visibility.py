# SPDX-License-Identifier: GPL-3.0-or-later
"""Which points of a character are hidden: what the z-buffer holds at each point's pixel (numpy).

Joints lie inside the body, so "something is nearer" would hide them all. A joint is hidden when the first surface before it belongs to
another part of the body, or to its own but further away than a limb is thick. A point of the face is hidden when it faces away, or a
surface is well before it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..dataset.sample import OCCLUDED, OUTSIDE, VISIBLE, inside, project, to_camera
from ..pose.landmarks import BODY_25, HAND_21
from ..retarget.openpose_points import FACE, LEFT_HAND, POINTS, RIGHT_HAND, PointModel
from ..retarget.rig import Rig
from .raster import ZBuffer
from .surface import SeenSurface

Array = npt.NDArray[np.float64]

_TOUCH = 0.004  # of the height: nearer than this, another part touches rather than hides
_THICK_TORSO, _THICK_LIMB, _THICK_FINGER = 0.14, 0.06, 0.03  # of the height: the most that the own part may be before a joint
_THICK_FACE, _THICK_RIM = 0.3, 1.0  # of the head's size: hair and the template's own error; the jaw and the ears, from the front
_GRAZING = -0.05  # cosine at which a surface has turned away; ears are seen from the front and from behind

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


class OcclusionRule:
    """What may be before each of a rig's points without hiding it."""

    def __init__(self, rig: Rig, model: PointModel) -> None:
        self._model = model
        roles = [role_above(rig, b) for b in range(len(rig.bones))]
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

    def visibility(self, points: Array, rotations: Array, seen: SeenSurface, zbuffer: ZBuffer) -> npt.NDArray[np.uint8]:
        """(137,) 2 visible, 1 occluded, 0 outside the picture or unknown. `points` (137, 3) world metres, `rotations` (B, 3, 3) world."""
        entry = zbuffer.at(project(points, seen.view.K, seen.view.world_to_camera))
        met = entry >= 0
        first, bone = np.full(POINTS, np.inf), np.zeros(POINTS, np.int64)
        first[met] = zbuffer.depth[entry[met]]
        bone[met] = seen.surface.topology.bones[zbuffer.triangle[entry[met]]]
        return self.judged(points, rotations, seen, first, bone)

    def judged(
        self, points: Array, rotations: Array, seen: SeenSurface, first: Array, bone: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.uint8]:
        """As `visibility`, from what is met first on the way to each point: `first` (137,) metres along the view, inf where nothing is;
        `bone` (137,) moves what is met.
        """
        view = seen.view
        in_frame = inside(project(points, view.K, view.world_to_camera), (view.size, view.size))
        depth = to_camera(points, view.world_to_camera)[:, 2]
        gap = np.where(np.isfinite(first), depth - first, 0.0)
        own = self._own[np.arange(POINTS), bone]
        hidden = (gap > self._thickness) | ((gap > self._touch) & ~own)
        centre = -view.world_to_camera[:, :3].T @ view.world_to_camera[:, 3]
        normals = self._model.turned_normals(rotations[None])[0]
        to_centre = centre - points
        with np.errstate(invalid="ignore"):
            hidden |= np.sum(normals * to_centre, axis=1) < _GRAZING * np.linalg.norm(to_centre, axis=1)
        return np.where(in_frame, np.where(hidden, OCCLUDED, VISIBLE), OUTSIDE).astype(np.uint8)


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


def role_above(rig: Rig, bone: int) -> str | None:
    """The role of a bone, or of the nearest bone above that has one: hair and skirts count as the part they hang from."""
    while bone >= 0:
        if rig.bones[bone].role is not None:
            return rig.bones[bone].role
        bone = rig.bones[bone].parent
    return None
