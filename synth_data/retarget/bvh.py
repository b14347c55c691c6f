# SPDX-License-Identifier: GPL-3.0-or-later
"""A motion as a BVH file (Biovision hierarchy), which animation programs read (numpy)."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np

from ...jobs.folder import write_atomically
from .edit import posed
from .kinematics import Array
from .motion import Motion
from .rig import Rig

CENTIMETRES = 100.0
# The world's axes (Z up, a rig faces −Y) → BVH's (Y up, it faces +Z).
Y_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
LEAST_TIP = 1e-3  # metres; some programs drop bones of no length


def write_bvh(rig: Rig, motion: Motion, path: Path | str) -> None:
    """Write the motion on the rig's bones that have roles, and on what lies between them, as a .bvh beside `path`, and rename it.

    Y is up, lengths are centimetres, angles degrees. All rotations are 0 in the rig's rest pose, in which every joint's axes are the
    world's. The hips have six channels, their place absolute (their own offset is 0, because some programs add it and some do not); every
    other joint has three, to be applied as Rz·Rx·Ry. BVH keeps one rate: a frame lasts 1 / fps from the first on.

    Raises UserError when the motion moves bones that the rig does not have.
    """
    bones = _exported(rig)
    _, turns = posed(rig, motion)
    above = [int(rig.parents[bone]) for bone in bones]
    relative = np.swapaxes(turns[:, above], -1, -2) @ turns[:, bones]
    relative[:, 0] = turns[:, bones[0]]  # the hips' parent is the world
    angles = np.degrees(euler_zxy(Y_UP @ relative @ Y_UP.T))
    place = motion.root_position.astype(np.float64) @ Y_UP.T * CENTIMETRES
    rows = np.concatenate([place, angles.reshape(motion.frame_count, -1)], 1)

    text = io.StringIO()
    text.write("HIERARCHY\n")
    _write_joint(text, rig, bones, bones[0], _names(rig, bones), 0)
    text.write(f"MOTION\nFrames: {motion.frame_count}\nFrame Time: {1 / motion.fps:.9f}\n")
    np.savetxt(text, rows + 0.0, fmt="%.6f")  # + 0.0: no −0
    write_atomically(path, text.getvalue())


def euler_zxy(matrix: Array) -> Array:
    """Rotations (F, J, 3, 3) = Rz·Rx·Ry → their angles z, x, y (F, J, 3) in radians, each as near as can be to the frame before.

    Of the two triples of angles that each rotation has, and their whole turns, the nearer one is taken, so that programs which interpolate
    angles find nothing to jump over.
    """
    x = np.arctan2(matrix[..., 2, 1], np.hypot(matrix[..., 2, 0], matrix[..., 2, 2]))
    locked = np.abs(matrix[..., 2, 1]) > 1 - 1e-9  # z and y turn about one axis: all of it is z's
    z = np.where(locked, np.arctan2(matrix[..., 1, 0], matrix[..., 0, 0]), np.arctan2(-matrix[..., 0, 1], matrix[..., 1, 1]))
    y = np.where(locked, 0.0, np.arctan2(-matrix[..., 2, 0], matrix[..., 2, 2]))
    first = np.stack([z, x, y], -1)
    second = np.stack([z + np.pi, np.pi - x, y + np.pi], -1)
    out = np.empty_like(first)
    before = np.zeros_like(first[0])
    for frame in range(len(first)):
        near, far = (angles[frame] + 2 * np.pi * np.round((before - angles[frame]) / (2 * np.pi)) for angles in (first, second))
        nearer = np.abs(near - before).sum(-1) <= np.abs(far - before).sum(-1)
        out[frame] = before = np.where(nearer[..., None], near, far)
    return out


def _exported(rig: Rig) -> list[int]:
    """Bones with roles and all that lie between them and the hips, in the order in which BVH lists them: depth first from the hips."""
    hips = rig.index_of_role["hips"]
    kept = {hips}
    for bone in rig.index_of_role.values():
        way = []
        while bone >= 0 and bone not in kept:
            way.append(bone)
            bone = int(rig.parents[bone])
        if bone >= 0:
            kept.update(way)
    ordered, open_ends = [], [hips]
    while open_ends:
        ordered.append(open_ends.pop())
        open_ends += [bone for bone in sorted(kept, reverse=True) if rig.parents[bone] == ordered[-1]]
    return ordered


def _names(rig: Rig, bones: list[int]) -> dict[int, str]:
    """A name without white space for each bone, since that ends a name in BVH; no two alike."""
    names: dict[int, str] = {}
    for bone in bones:
        name = plain = re.sub(r"\s+", "_", rig.names[bone]) or "bone"
        number = 1
        while name in names.values():
            number += 1
            name = f"{plain}_{number}"
        names[bone] = name
    return names


def _write_joint(text: Any, rig: Rig, bones: list[int], bone: int, names: dict[int, str], depth: int) -> None:
    pad, inner = "\t" * depth, "\t" * (depth + 1)
    offset = np.zeros(3) if depth == 0 else rig.rest_heads[bone] - rig.rest_heads[rig.parents[bone]]
    channels = "6 Xposition Yposition Zposition" if depth == 0 else "3"
    text.write(f"{pad}{'JOINT' if depth else 'ROOT'} {names[bone]}\n{pad}{{\n{inner}OFFSET {_numbers(offset)}\n")
    text.write(f"{inner}CHANNELS {channels} Zrotation Xrotation Yrotation\n")
    children = [child for child in bones if rig.parents[child] == bone]
    for child in children:
        _write_joint(text, rig, bones, child, names, depth + 1)
    if not children:
        text.write(f"{inner}End Site\n{inner}{{\n{inner}\tOFFSET {_numbers(_tip(rig, bone))}\n{inner}}}\n")
    text.write(f"{pad}}}\n")


def _tip(rig: Rig, bone: int) -> Array:
    """(3,) from a last bone's head to its end, in the world, metres: along its own Y axis, as Blender draws it."""
    along = rig.armature_matrix[:3, :3] @ rig.rest[bone, :3, 1] * rig.bones[bone].length
    length = float(np.linalg.norm(along))
    return along if length >= LEAST_TIP else rig.rest_rotations[bone][:, 1] * LEAST_TIP


def _numbers(vector: Array) -> str:
    return " ".join(f"{value + 0.0:.6f}" for value in Y_UP @ vector * CENTIMETRES)
