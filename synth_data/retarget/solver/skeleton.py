# SPDX-License-Identifier: GPL-3.0-or-later
"""The body that the solver poses: a rig's proportions in a pose of reference, its kinematics and their derivatives.

Axes: X the body's left, Y its back, Z up; in the reference pose it faces −Y with arms straight to the sides and legs straight down,
whatever the rig's rest pose is. A segment's *turn* is its world rotation from there; its own rotation is relative to its parent segment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..body import SIDES, bend_frame, rest_joints, transpose
from ..kinematics import Array, matrix_to_axis_angle, rotation_vector_to_matrix, swing, unit
from ..markers import LEFT_EAR, MEASURED_LEG, NOSE, OFFSETS, RIGHT_EAR, rest_basis
from ..rig import Rig
from ..root import soles

# Segment → parent segment, and what its length is scaled by.
SEGMENTS: dict[str, tuple[str | None, str]] = {
    "hips": (None, "trunk"),
    "spine": ("hips", "trunk"),
    "spine1": ("spine", "trunk"),
    "spine2": ("spine1", "trunk"),
    "neck": ("spine2", "trunk"),
    "head": ("neck", "head"),
    **{f"{side}_shoulder": ("spine2", "shoulders") for side in SIDES},
    **{f"{side}_upper_arm": (f"{side}_shoulder", "shoulders") for side in SIDES},
    **{f"{side}_forearm": (f"{side}_upper_arm", "upper_arms") for side in SIDES},
    **{f"{side}_thigh": ("hips", "hips") for side in SIDES},
    **{f"{side}_shin": (f"{side}_thigh", "thighs") for side in SIDES},
    **{f"{side}_foot": (f"{side}_shin", "shins") for side in SIDES},
    **{f"{side}_toe": (f"{side}_foot", "feet") for side in SIDES},
}
NAMES = tuple(SEGMENTS)
INDEX = {name: i for i, name in enumerate(NAMES)}
PARENTS = tuple(-1 if parent is None else INDEX[parent] for parent, _ in SEGMENTS.values())
# Proportions that are estimated, as natural logarithms of factors on the rig's own.
SCALES = ("trunk", "head", "shoulders", "upper_arms", "forearms", "hips", "thighs", "shins", "feet")
# Degrees of freedom: the joint's name, the segments that share its rotation vector evenly, and whether its rotation has no natural zero
# (then it is a rotation matrix with steps in its tangent space, else a rotation vector).
JOINTS: tuple[tuple[str, tuple[str, ...], bool], ...] = (
    ("hips", ("hips",), True),
    ("spine", ("spine", "spine1", "spine2"), False),
    ("neck", ("neck", "head"), False),
    *((f"{side}_{part}", (f"{side}_{part}",), part in ("upper_arm", "thigh")) for part in
      ("shoulder", "upper_arm", "forearm", "thigh", "shin", "foot", "toe") for side in SIDES),
)  # fmt: skip
JOINT = {name: i for i, (name, _, _) in enumerate(JOINTS)}
JOINT_OF_SEGMENT = tuple(next(j for j, (_, segments, _) in enumerate(JOINTS) if name in segments) for name in NAMES)
SHARE = tuple(1.0 / len(JOINTS[j][1]) for j in JOINT_OF_SEGMENT)
FREE = np.array([free for _, _, free in JOINTS])
DOF = 3 + 3 * len(JOINTS)  # a frame's unknowns: the root's place, then each joint's three


@dataclass(frozen=True)
class Points:
    """Points fixed to segments: the joint each hangs at, the segment that turns its offset, and offsets (M, 3), reference pose, metres."""

    joint: tuple[int, ...]
    carrier: tuple[int, ...]
    offset: Array


@dataclass(frozen=True)
class Skeleton:
    offset: Array  # (S, 3) of each segment's joint from its parent's, reference pose
    scale_of: npt.NDArray[np.int64]  # (S,) which of SCALES multiplies it
    ends: Points  # wrists, top of the head, tips of the toes: joints that begin no segment
    end_scale: tuple[str, ...]
    landmarks: tuple[int, ...]
    markers: Points  # where these landmarks are on the body
    soles: Points  # left heel, ball, tip, then right
    align: Array  # (S, 3, 3): turn on the rig (world, from its rest) = turn here · align
    role_segment: dict[str, int]  # roles of the rig that take a segment's turn

    def turns_on_rig(self, turns: Array) -> dict[str, Array]:
        """The rig's turns (F, 3, 3) by role, of turns (F, S, 3, 3) here."""
        return {role: turns[:, s] @ self.align[s] for role, s in self.role_segment.items()}

    def turns_from_rig(self, turns: dict[str, Array]) -> Array:
        """Turns (F, S, 3, 3) here, of the rig's by role; a segment whose role is not given follows its parent."""
        out: list[Array] = []
        role_of = {segment: role for role, segment in self.role_segment.items()}
        for s, parent in enumerate(PARENTS):
            role = role_of.get(s)
            if role in turns:
                out.append(turns[role] @ self.align[s].T)
            else:
                out.append(out[parent])
        return np.stack(out, 1)


def skeleton_of(rig: Rig, size: float = 1.0) -> Skeleton:
    """The rig's body in the pose of reference, `size` times as large as it stands in the world, in metres."""
    basis, index = rest_basis(rig), rig.index_of_role
    scale = size * rig.leg_length / MEASURED_LEG
    place = {role: basis.T @ rig.head(role) * size for role in index}
    spine = [role for role in ("spine", "spine1", "spine2") if role in index]
    # Of fewer than three spine bones each takes the turn of the segment at its share of the way; missing joints lie on the next one up.
    segment_of_spine = {role: round(3 * (i + 1) / len(spine)) for i, role in enumerate(spine)}
    for number, name in enumerate(("spine", "spine1", "spine2"), 1):
        place[name] = size * basis.T @ rig.head(next(role for role, segment in segment_of_spine.items() if segment >= number))
    place.setdefault("neck", place["head"])
    for side in SIDES:
        place.setdefault(f"{side}_shoulder", place[f"{side}_upper_arm"])
        foot = place[f"{side}_foot"]
        place.setdefault(f"{side}_toe", foot + np.array([0.0, -0.126, size * rig.floor - foot[2]]) * (scale, scale, 0.8))
        place.setdefault(f"{side}_toe_end", place[f"{side}_toe"] + np.array([0.0, -0.06, 0.0]) * scale)
    place.setdefault("head_end", place["head"] + np.array([0.0, 0.0, 0.2]) * scale)

    align = np.tile(np.eye(3), (len(NAMES), 1, 1))
    rest = rest_joints(rig)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        for upper, lower, along, bends in (
            ("upper_arm", "forearm", (sign, 0.0, 0.0), (0.0, -1.0, 0.0)),
            ("thigh", "shin", (0.0, 0.0, -1.0), (0.0, 1.0, 0.0)),
        ):
            own = basis.T @ bend_frame(rest, side, arm=upper == "upper_arm")[0]
            wanted = np.stack([along, bends, np.cross(along, bends)], -1)
            first, second = INDEX[f"{side}_{upper}"], INDEX[f"{side}_{lower}"]
            align[first] = wanted @ own.T
            end = "hand" if lower == "forearm" else "foot"
            reach = align[first] @ unit(place[f"{side}_{end}"] - place[f"{side}_{lower}"])
            align[second] = swing(reach, np.array(along)) @ align[first]
        ahead = place[f"{side}_toe"] - place[f"{side}_foot"]
        turn = swing(unit(ahead * (1, 1, 0)), np.array([0.0, -1.0, 0.0]))
        align[INDEX[f"{side}_foot"]] = align[INDEX[f"{side}_toe"]] = turn

    offset = np.zeros((len(NAMES), 3))
    for s, (name, parent) in enumerate(zip(NAMES, PARENTS, strict=True)):
        if parent >= 0:
            offset[s] = align[parent] @ (place[name] - place[NAMES[parent]])
    ends, end_scale = [], []
    for name, at, group in (
        *((f"{side}_hand", f"{side}_forearm", "forearms") for side in SIDES),
        ("head_end", "head", "head"),
        *((f"{side}_toe_end", f"{side}_toe", "feet") for side in SIDES),
    ):
        ends.append((INDEX[at], INDEX[at], align[INDEX[at]] @ (place[name] - place[at])))
        end_scale.append(group)

    joint_index = {**INDEX, **{f"{side}_hand": len(NAMES) + k for k, side in enumerate(SIDES)}}
    markers = {
        landmark: (joint_index[joint], INDEX[bone], where * scale)
        for landmark, (joint, bone, where) in OFFSETS.items()
        if bone in INDEX and joint in joint_index
    }
    for landmark, where in ((0, NOSE), (7, LEFT_EAR), (8, RIGHT_EAR)):
        markers[landmark] = (INDEX["head"], INDEX["head"], where * scale)
    heads = rig.rest_heads[None]
    turns = np.broadcast_to(np.eye(3), (1, len(rig.bones), 3, 3))
    under = size * soles(rig, heads, turns)[0] @ basis
    standing = []
    for k, point in enumerate(under):
        side = SIDES[k // 3]
        part = f"{side}_toe" if k % 3 == 2 else f"{side}_foot"
        standing.append((INDEX[part], INDEX[part], align[INDEX[part]] @ (point - place[part])))
    roles = {name: s for name, s in INDEX.items() if name in index and name not in ("spine", "spine1", "spine2")}
    roles.update(segment_of_spine)
    return Skeleton(
        offset=offset,
        scale_of=np.array([SCALES.index(group) for _, group in SEGMENTS.values()]),
        ends=_points(ends),
        end_scale=tuple(end_scale),
        landmarks=tuple(sorted(markers)),
        markers=_points([markers[landmark] for landmark in sorted(markers)]),
        soles=_points(standing),
        align=align @ basis.T,
        role_segment=roles,
    )


def leg_length(skeleton: Skeleton, scales: Array) -> float:
    """Thigh and shin together, metres, the mean of both sides."""
    factor = np.exp(scales)[skeleton.scale_of]
    parts = [INDEX[f"{side}_{part}"] for side in SIDES for part in ("shin", "foot")]
    return 0.5 * float((np.linalg.norm(skeleton.offset[parts], axis=1) * factor[parts]).sum())


# Lengths as shares of a person's height (Drillis and Contini 1966; shoulders and hips: half the distance of the joints; trunk: from hips
# to shoulders; head: from there to its top).
HUMAN = {
    "trunk": 0.288, "head": 0.182, "shoulders": 0.129, "upper_arms": 0.186, "forearms": 0.146,
    "hips": 0.05, "thighs": 0.245, "shins": 0.246, "feet": 0.1,
}  # fmt: skip
WITHIN = 0.15  # logarithm of a factor up to which a rig's proportion is a person's


def human_proportions(skeleton: Skeleton, height: float) -> Array:
    """(len(SCALES),) logarithms of the factors on the rig's own lengths that are likeliest in a person of that `height` in metres: 0 where
    the rig is built like people, else as much as it takes to be nearly so."""
    identity = np.tile(np.eye(3), (1, len(JOINTS), 1, 1))
    body = posed(skeleton, np.zeros((1, 3)), identity, np.zeros((1, len(JOINTS), 3)), np.zeros(len(SCALES)), derivatives=False).joints[0]

    def apart(a: str, b: str) -> float:
        return float(np.linalg.norm(body[INDEX[a]] - body[INDEX[b]]))

    shoulders = 0.5 * (body[INDEX["left_upper_arm"]] + body[INDEX["right_upper_arm"]])
    hips = 0.5 * (body[INDEX["left_thigh"]] + body[INDEX["right_thigh"]])
    own = {
        "trunk": float(np.linalg.norm(shoulders - hips)),
        "head": float(np.linalg.norm(body[len(NAMES) + 2] - shoulders)),
        "shoulders": 0.5 * apart("left_upper_arm", "right_upper_arm"),
        "upper_arms": apart("left_upper_arm", "left_forearm"),
        "forearms": float(np.linalg.norm(body[len(NAMES)] - body[INDEX["left_forearm"]])),
        "hips": 0.5 * apart("left_thigh", "right_thigh"),
        "thighs": apart("left_thigh", "left_shin"),
        "shins": apart("left_shin", "left_foot"),
        "feet": apart("left_foot", "left_toe"),
    }
    wanted = np.log([HUMAN[name] * height / max(own[name], 1e-6) for name in SCALES])
    return wanted - np.clip(wanted, -WITHIN, WITHIN)


def _points(rows: list[tuple[int, int, Array]]) -> Points:
    return Points(tuple(r[0] for r in rows), tuple(r[1] for r in rows), np.stack([r[2] for r in rows]))


def joints_from_turns(turns: Array) -> tuple[Array, Array]:
    """Rotation matrices (F, J, 3, 3) of the free joints (elsewhere identity) and rotation vectors (F, J, 3) of the others (elsewhere 0)."""
    free, vectors = np.tile(np.eye(3), (len(turns), len(JOINTS), 1, 1)), np.zeros((len(turns), len(JOINTS), 3))
    for j, (_, segments, manifold) in enumerate(JOINTS):
        parent = PARENTS[INDEX[segments[0]]]
        own = turns[:, INDEX[segments[-1]]]
        if parent >= 0:
            own = transpose(turns[:, parent]) @ own
        if manifold:
            free[:, j] = own
        else:
            vectors[:, j] = matrix_to_axis_angle(own)
    return free, vectors


@dataclass
class Posed:
    """Joints (F, S + E, 3) in metres, the ends last, and turns (F, S, 3, 3). Where asked for, derivatives by a frame's unknowns: `spin`
    (F, S, 3, DOF) of the turns, as world rotation vectors, and `slide` (F, S + E, 3, DOF) of the joints; `stretch` (F, S + E, 3, SCALES) of
    the joints by the scales' logarithms."""

    joints: Array
    turns: Array
    spin: Array | None = None
    slide: Array | None = None
    stretch: Array | None = None


def posed(skeleton: Skeleton, root: Array, free: Array, vectors: Array, scales: Array, *, derivatives: bool) -> Posed:
    """Forward kinematics; `root` (F, 3), `free` (F, J, 3, 3), `vectors` (F, J, 3), `scales` (len(SCALES),) logarithms."""
    frames, count = len(root), len(NAMES)
    ends = len(skeleton.ends.joint)
    factor = np.exp(scales)[skeleton.scale_of]
    joints, turns = np.empty((frames, count + ends, 3)), np.empty((frames, count, 3, 3))
    spin = slide = stretch = None
    if derivatives:
        spin, slide = np.zeros((frames, count, 3, DOF)), np.zeros((frames, count + ends, 3, DOF))
        stretch = np.zeros((frames, count + ends, 3, len(SCALES)))
        slide[:, 0, :, :3] = np.eye(3)
    own = [free[:, j] if FREE[j] else rotation_vector_to_matrix(vectors[:, j] / len(JOINTS[j][1])) for j in range(len(JOINTS))]
    right = [None if FREE[j] else _right_jacobian(vectors[:, j] / len(JOINTS[j][1])) for j in range(len(JOINTS))]
    for s, parent in enumerate(PARENTS):
        j = JOINT_OF_SEGMENT[s]
        if parent < 0:
            joints[:, s], turns[:, s] = root, own[j]
        else:
            arm = turns[:, parent] @ (skeleton.offset[s] * factor[s])
            joints[:, s] = joints[:, parent] + arm
            turns[:, s] = turns[:, parent] @ own[j]
            if slide is not None and spin is not None and stretch is not None:
                slide[:, s] = slide[:, parent] + _carried(spin[:, parent], arm)
                stretch[:, s] = stretch[:, parent]
                stretch[:, s, :, skeleton.scale_of[s]] += arm
                spin[:, s] = spin[:, parent]
        if spin is not None:
            own_step = right[j]
            step = turns[:, s] if own_step is None else turns[:, s] @ own_step
            spin[:, s, :, 3 + 3 * j : 6 + 3 * j] += SHARE[s] * step
    for e, (at, offset, group) in enumerate(zip(skeleton.ends.joint, skeleton.ends.offset, skeleton.end_scale, strict=True)):
        scale = SCALES.index(group)
        arm = turns[:, at] @ (offset * np.exp(scales[scale]))
        joints[:, count + e] = joints[:, at] + arm
        if slide is not None and spin is not None and stretch is not None:
            slide[:, count + e] = slide[:, at] + _carried(spin[:, at], arm)
            stretch[:, count + e] = stretch[:, at]
            stretch[:, count + e, :, scale] += arm
    return Posed(joints, turns, spin, slide, stretch)


def attached(pose: Posed, points: Points) -> tuple[Array, Array | None, Array | None]:
    """Places (F, M, 3) of points on the body and their derivatives as in `Posed`."""
    joint, carrier = list(points.joint), list(points.carrier)
    arm = np.einsum("fmij,mj->fmi", pose.turns[:, carrier], points.offset)
    places = pose.joints[:, joint] + arm
    if pose.slide is None or pose.spin is None or pose.stretch is None:
        return places, None, None
    slide = pose.slide[:, joint]
    for m, c in enumerate(carrier):
        slide[:, m] += _carried(pose.spin[:, c], arm[:, m])
    return places, slide, pose.stretch[:, joint]


def _carried(spin: Array, arm: Array) -> Array:
    """(F, 3, K) how the tip of `arm` (F, 3) moves when what carries it turns: spin × arm."""
    x, y, z = arm[:, 0, None], arm[:, 1, None], arm[:, 2, None]
    a, b, c = spin[:, 0], spin[:, 1], spin[:, 2]
    return np.stack([b * z - c * y, c * x - a * z, a * y - b * x], 1)


def _right_jacobian(vector: Array) -> Array:
    """(F, 3, 3) with exp(v + dv) = exp(v)·exp(J dv) to first order (Chirikjian 2011, eq. 10.86)."""
    angle = np.linalg.norm(vector, axis=-1)[:, None, None]
    safe = np.maximum(angle, 1e-6)
    small = angle < 1e-4
    first = np.where(small, 0.5, (1 - np.cos(safe)) / safe**2)
    second = np.where(small, 1 / 6, (safe - np.sin(safe)) / safe**3)
    cross = np.zeros((len(vector), 3, 3))
    cross[:, 0, 1], cross[:, 0, 2], cross[:, 1, 2] = -vector[:, 2], vector[:, 1], -vector[:, 0]
    cross -= transpose(cross)
    return np.eye(3) - first * cross + second * cross @ cross
