# SPDX-License-Identifier: GPL-3.0-or-later
"""Where OpenPose's 25 + 70 + 21 + 21 points are on a posed rig.

Most points are joints of the rig. Those that a Mixamo skeleton does not have are placed at rest and then move rigidly with a bone: the
face on the head, toes and heels on the feet. The face is a template scaled by the head's bones, so it is near the drawn face, not exactly
on it.

Order: body 25, face 70, left hand 21, right hand 21; "left" is the person's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ..pose.landmarks import BODY_25, HAND_21, POINTS
from .kinematics import unit
from .rig import Rig

Array = npt.NDArray[np.float64]

FACE, LEFT_HAND, RIGHT_HAND = 25, 95, 116
_ROLE_OF_JOINT = {"shoulder": "upper_arm", "elbow": "forearm", "wrist": "hand", "hip": "thigh", "knee": "shin", "ankle": "foot"}
_NOSE_TIP, _RIGHT_PUPIL, _LEFT_PUPIL = 30, 68, 69

# Proportions of a head. L is the height from the head's joint to its top; measured on Mixamo's characters where there is no eye bone
# to ask.
_HEAD_OF_HEIGHT = 0.103  # L of the character's height
_EYES_APART, _EYES_UP, _EYES_FORWARD = 0.315, 0.42, 0.5  # of L
_SURFACE = 0.1  # of L, the face in front of the eye bones
_HALF_WIDTH = 0.42  # of L, the head at the ears


@dataclass(frozen=True, eq=False)
class PointModel:
    """The points of one rig: each is the mean of two places, each fixed to a bone.

    `bones` (137, 2) int, −1 for a point the rig does not have; `offsets` (137, 2, 3) from the bone's head at rest, world metres; `normals`
    (137, 3) unit vectors out of the surface at rest, for points on the head, NaN for joints, which lie inside the body; `head_size` is L
    in metres.
    """

    bones: npt.NDArray[np.int64]
    offsets: Array
    normals: Array
    head_size: float
    rest_rotations: Array

    def points(self, heads: npt.NDArray[Any], rotations: npt.NDArray[Any]) -> Array:
        """World points (F, 137, 3) in metres from world heads (F, B, 3) and world rotations (F, B, 3, 3); NaN where the rig has none."""
        turns = np.asarray(rotations, np.float64) @ np.swapaxes(self.rest_rotations, -1, -2)
        places = np.asarray(heads, np.float64)[:, self.bones] + np.einsum("fpkij,pkj->fpki", turns[:, self.bones], self.offsets)
        places[:, self.bones[:, 0] < 0] = np.nan
        return places.mean(axis=2)

    def turned_normals(self, rotations: npt.NDArray[Any]) -> Array:
        """World normals (F, 137, 3); NaN for joints."""
        turns = np.asarray(rotations, np.float64) @ np.swapaxes(self.rest_rotations, -1, -2)
        return np.einsum("fpij,pj->fpi", turns[:, self.bones[:, 0]], self.normals)


def openpose_points(rig: Rig, heads: npt.NDArray[Any], rotations: npt.NDArray[Any]) -> Array:
    """World points (F, 137, 3) in metres, NaN where the rig has none (missing fingers), from `forward_kinematics`'s heads and rotations."""
    return point_model(rig).points(heads, rotations)


@lru_cache(maxsize=16)
def point_model(rig: Rig) -> PointModel:
    """The rig's points; rigs compare by identity, so one is worked out once."""
    bones = np.full((POINTS, 2), -1)
    offsets = np.zeros((POINTS, 2, 3))
    normals = np.full((POINTS, 3), np.nan)
    index = rig.index_of_role

    def place(point: int, role: str, offset: npt.NDArray[Any] | float = 0.0, role_2: str | None = None) -> None:
        bones[point] = index[role], index[role_2 or role]
        offsets[point] = offset

    place(BODY_25.index("neck"), "left_upper_arm", role_2="right_upper_arm")
    place(BODY_25.index("mid_hip"), "left_thigh", role_2="right_thigh")
    for side in ("left", "right"):
        for joint, role in _ROLE_OF_JOINT.items():
            place(BODY_25.index(f"{side}_{joint}"), f"{side}_{role}")
        for name, (role, offset) in _foot_points(rig, side).items():
            place(BODY_25.index(f"{side}_{name}"), role, offset)
        first = LEFT_HAND if side == "left" else RIGHT_HAND
        place(first, f"{side}_hand")
        for number, name in enumerate(HAND_21[1:], first + 1):
            found = _finger_point(rig, side, name)
            if found is not None:
                place(number, *found)

    axes = np.stack([rig.left, rig.up, rig.facing])  # rows
    template, template_normals, ears = _face(rig, axes)
    on_head = {FACE + i: template[i] for i in range(70)} | {
        BODY_25.index("nose"): template[_NOSE_TIP],
        BODY_25.index("right_eye"): template[_RIGHT_PUPIL],
        BODY_25.index("left_eye"): template[_LEFT_PUPIL],
        BODY_25.index("right_ear"): ears[0],
        BODY_25.index("left_ear"): ears[1],
    }
    for point, position in on_head.items():
        place(point, "head", position @ axes)
    normals[FACE : FACE + 70] = template_normals @ axes
    for name, source in (("nose", _NOSE_TIP), ("right_eye", _RIGHT_PUPIL), ("left_eye", _LEFT_PUPIL)):
        normals[BODY_25.index(name)] = normals[FACE + source]
    normals[BODY_25.index("right_ear")], normals[BODY_25.index("left_ear")] = -rig.left, rig.left
    return PointModel(bones, offsets, normals, head_size(rig), rig.rest_rotations)


def head_size(rig: Rig) -> float:
    """L: metres from the head's joint to the top of the head, along the character's height."""
    if "head_end" in rig.index_of_role:
        size = float((rig.head("head_end") - rig.head("head")) @ rig.up)
        if size > 0.03 * rig.height:  # some exporters put the end on the joint itself
            return size
    return _HEAD_OF_HEIGHT * rig.height


def _foot_points(rig: Rig, side: str) -> dict[str, tuple[str, Array]]:
    """Big toe, small toe and heel: the bone that carries each, and the offset from its head."""
    index, up = rig.index_of_role, rig.up
    ankle = rig.head(f"{side}_foot")
    outward = rig.left if side == "left" else -rig.left
    tip_role = next((f"{side}_{role}" for role in ("toe_end", "toe") if f"{side}_{role}" in index), None)
    carrier = f"{side}_toe" if f"{side}_toe" in index else f"{side}_foot"
    if tip_role is None:
        tip = ankle + 0.12 * rig.height * rig.facing
        tip = tip - ((tip - ankle) @ up + ankle @ up - rig.floor) * up
    else:
        tip = rig.head(tip_role)
    along = tip - ankle
    along = along - (along @ up) * up
    length = float(np.linalg.norm(along))
    forward = unit(along)
    sole = min(float(tip @ up), float(rig.head(carrier) @ up))
    outward = unit(outward - (outward @ forward) * forward)
    big = tip - 0.06 * length * outward
    small = tip - 0.22 * length * forward + 0.26 * length * outward
    heel = ankle - 0.25 * length * forward
    heel = heel + (sole - heel @ up) * up
    start = rig.head(carrier)
    return {"big_toe": (carrier, big - start), "small_toe": (carrier, small - start), "heel": (f"{side}_foot", heel - ankle)}


def _finger_point(rig: Rig, side: str, name: str) -> tuple[str, Array] | None:
    """The bone and offset of a finger's joint; a tip without a bone continues the last phalanx. None where the rig has no such finger."""
    role = f"{side}_{name}"
    if role in rig.index_of_role:
        return role, np.zeros(3)
    finger, joint = name[:-1], int(name[-1])
    last, before = f"{side}_{finger}3", f"{side}_{finger}2"
    if joint == 4 and last in rig.index_of_role and before in rig.index_of_role:
        return last, 0.8 * (rig.head(last) - rig.head(before))
    return None


def _face(rig: Rig, axes: Array) -> tuple[Array, Array, Array]:
    """The 70 points (70, 3), their normals (70, 3) and the ears (2, 3; right, left) at rest, from the head's joint, in (left, up, forward)
    metres.
    """
    L = head_size(rig)
    index = rig.index_of_role
    if "left_eye" in index and "right_eye" in index:
        left, right = (axes @ (rig.head(f"{side}_eye") - rig.head("head")) for side in ("left", "right"))
        apart = float(abs(left[0] - right[0]))
        middle = 0.5 * (left + right)
    else:
        apart, middle = _EYES_APART * L, np.array([0.0, _EYES_UP * L, _EYES_FORWARD * L])
    # A human chin is 1.7 times as far below the eyes as the head's joint is; in big-eyed, drawn faces it is close to the joint.
    chin = max(middle[1], 0.2 * L) * float(np.clip(1.69 - 7.5 * (apart / L - 0.315), 1.1, 1.8))
    origin = middle + np.array([0.0, 0.0, _SURFACE * L])
    template = _template()
    scale = np.stack([np.full(70, 0.5 * apart), np.full(70, chin), np.full(70, L)], axis=1)
    scale[:17, 0] = _HALF_WIDTH * L
    points = template * scale
    side = np.clip(points[:, 0] / (_HALF_WIDTH * L), -1, 1)
    forward = np.sqrt(1.0 - 0.95 * side**2)
    forward[:17] = np.maximum(forward[:17], 0.75)  # the jaw is the edge of the face, not of the skull: it is not seen from behind
    normals = unit(np.stack([side, np.zeros(70), forward], axis=1))
    ears = np.array([[sign * _HALF_WIDTH * L, -0.15 * chin, -0.75 * L] for sign in (-1.0, 1.0)])
    return np.add(points, origin), normals, np.add(ears, origin)


@lru_cache(maxsize=1)
def _template() -> Array:
    """A plain face in the order of OpenPose's 70 points: (70, 3) left, up, forward from between the eyes.

    Units: half the distance between the eyes for `left` (half the head's width for the jaw), from the eyes down to the chin for `up`, L
    for `forward`.
    """
    face = np.zeros((70, 3))
    turn = np.linspace(0, np.pi, 17)  # jaw, from the right ear to the left one
    face[:17] = np.stack([-np.cos(turn), -(np.sin(turn) ** 0.9), -0.7 * np.abs(np.cos(turn)) ** 1.5], axis=1)
    face[:17, 0] *= 1 - 0.18 * np.sin(turn) ** 2
    for first, sign in ((17, -1.0), (22, 1.0)):
        x = np.linspace(1.65, 0.4, 5)
        brow = np.stack([sign * x, 0.34 + 0.06 * np.sin(np.linspace(0.3, 2.6, 5)), -0.05 * (x - 0.4)], axis=1)
        face[first : first + 5] = brow if sign < 0 else brow[::-1]
    face[27:31] = [[0, y, z] for y, z in ((0.02, 0.02), (-0.12, 0.05), (-0.26, 0.08), (-0.4, 0.11))]
    face[31:36] = [[x, -0.47 - 0.03 * (1 - abs(x) / 0.3), 0.05] for x in (-0.3, -0.15, 0.0, 0.15, 0.3)]
    around = np.deg2rad([180, 125, 55, 0, -55, -125])  # right eye: outer corner, over the upper lid, inner corner, back below
    for first, centre in ((36, -1.0), (42, 1.0)):
        face[first : first + 6] = np.stack([centre + 0.55 * np.cos(around), 0.13 * np.sin(around), np.zeros(6)], axis=1)
    mouth = np.array([0.0, -0.68, 0.03])
    outer = np.deg2rad(np.linspace(180, -150, 12))
    inner = np.deg2rad(np.linspace(180, -135, 8))
    face[48:60] = mouth + np.stack([0.62 * np.cos(outer), 0.1 * np.sin(outer), -0.02 * np.cos(outer) ** 2], axis=1)
    face[60:68] = mouth + np.stack([0.45 * np.cos(inner), 0.03 * np.sin(inner), -0.02 * np.cos(inner) ** 2], axis=1)
    face[68], face[69] = (-1.0, 0.0, 0.0), (1.0, 0.0, 0.0)
    return face
