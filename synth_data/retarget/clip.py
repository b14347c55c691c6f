# SPDX-License-Identifier: GPL-3.0-or-later
"""Animated nodes, as files hold them, become a Motion of a Rig (numpy).

What such files do not always say is the rest pose. A mesh that is bound to the bones tells it. Else it is what looks most like a T-pose
or an A-pose: the nodes as they lie in the file, the nodes without any rotation (which is how Mixamo's and most BVH files are made), or the
frame of the clip that comes nearest to one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...errors import UserError, listed
from ...jobs.progress import SILENT, Reporter
from .bone_map import BoneMap, Recognition, recognise
from .contacts import contacts, without_flicker
from .edit import posed
from .kinematics import Array, continuous, matrix_to_quaternion, unit
from .legs import averaged
from .markers import MEASURED_LEG
from .motion import Motion
from .rig import Bone, Rig
from .root import soles

METHOD = "clip"
# Degrees by which a rest pose of each kind may be further from a T-pose than another and still be the better one.
BOUND, IN_FILE, UNTURNED, OF_FRAME = 30.0, 1.0, 0.0, -5.0
UNSURE = 20.0  # degrees from a T-pose: what is further tells little of how limbs are turned
A_POSE = math.radians(60)  # arms may hang so far at rest
PERSON = (0.5, 3.0)  # metres; what is of another height is in another unit
UNITS = (1.0, 0.01, 0.1, 0.001, 0.0254, 0.056444, 0.3048)  # metres; the sixth is CMU's
LEAST_TURN = 1e-5  # of a rotation matrix; a bone that turns by less does not move
UP = np.array([0.0, 0.0, 1.0])
TALL = 1.65  # metres, where no unit fits
LEAF = 0.05  # metres
SPARSE_FPS, KEYED_FPS = 15.0, 30.0  # keys that are rarer than the first are an animator's, and are played at the second
FLOOR_BAND = (-0.04, 0.2)  # of the leg: a lowest foot within it stands on the floor at height 0
GLIDE, SPEED_SECONDS = 0.35, 0.1  # m/s of a leg as long as a person's, on average over so long
THICKEST_SOLE = 0.15  # of the leg: from the floor to the lowest joint of a foot


@dataclass(frozen=True, eq=False)
class Clip:
    """N nodes in F frames, parents first (−1 for roots), in the world's axes.

    `worlds` (F, N, 4, 4) may be scaled, evenly; `axes` (3, 3) are the file's own, whose up is taken to be Y and may be Z where it is not
    `up_known`; `rest` (N, 4, 4) as the nodes lie in the file, None where it has no such thing; `bound` are the nodes that a mesh is bound
    to there. `others` animations were left out.
    """

    name: str
    names: tuple[str, ...]
    parents: tuple[int, ...]
    worlds: Array
    fps: float
    axes: Array
    up_known: bool = True
    rest: Array | None = None
    bound: frozenset[int] = frozenset()
    others: int = 0


def even_times(keys: Array) -> tuple[Array, float]:
    """Evenly spaced times (F,) from a file's key times (K,), seconds, and their rate, which is that of most keys."""
    steps = np.diff(keys)
    step = float(np.median(steps[steps > 1e-4])) if (steps > 1e-4).any() else 1.0 / KEYED_FPS
    fps = KEYED_FPS if 1.0 / step < SPARSE_FPS else whole_rate(1.0 / step)
    count = round((float(keys[-1]) - float(keys[0])) * fps) + 1
    return keys[0] + np.arange(count) / fps, fps


def whole_rate(fps: float) -> float:
    """A rate as it was meant: files round the time of a frame."""
    return float(round(fps)) if abs(fps - round(fps)) < 3e-4 * fps else fps


def unique_names(names: Sequence[str]) -> tuple[str, ...]:
    """The names, with a number where one comes again, in Blender's way."""
    taken: set[str] = set()
    out = []
    for name in names:
        number, free = 0, name
        while free in taken:
            number += 1
            free = f"{name}.{number:03d}"
        taken.add(free)
        out.append(free)
    return tuple(out)


def motion_of(
    clip: Clip,
    source_name: str,
    source_sha256: str,
    *,
    bone_map: BoneMap | None = None,
    humanoid: Mapping[str, str] | None = None,
    report: Reporter = SILENT,
) -> Motion:
    """The clip's humanoid as a Motion that holds its Rig, whose bones have the nodes' names and axes; contacts are found by how feet move.

    `bone_map` and `humanoid` (role → node) tell roles beside the nodes' names. What is doubtful is told to `report`. Raises UserError when
    there is no humanoid among the nodes.
    """
    heads = clip.worlds[..., :3, 3]
    found = recognise(
        clip.names, clip.parents, heads[0] if clip.rest is None else clip.rest[:, :3, 3], bone_map=bone_map, humanoid=humanoid
    )
    if found.missing:
        raise UserError(
            f"{source_name} moves no humanoid whose bones are known (missing: {listed(found.missing, 6)}); name them like "
            "mixamorig:Hips, or say which they are in a bone map beside it."
        )
    kept = _of_the_body(clip.parents, found)
    number = {node: index for index, node in enumerate(kept)}
    role_index = {role: number[node] for role, node in found.role_index.items()}
    parents = [number.get(clip.parents[node], -1) for node in kept]
    rotations, heads, axes = turns_of(clip.worlds[:, kept]), heads[:, kept], clip.axes
    if not clip.up_known:
        upright = _upright(axes, parents, role_index, rotations, heads)
        rotations, heads, axes = upright @ rotations, heads @ upright.T, upright @ axes
    is_bound = all(node in clip.bound for node in found.role_index.values())
    in_file = None if clip.rest is None else (clip.rest[kept][:, :3, 3], turns_of(clip.rest[kept]))
    rest_heads, rest_rotations, sure = _rest(in_file, is_bound, axes, parents, role_index, rotations, heads)
    if not sure:
        report.warning(
            f"{source_name} does not hold its rest pose and comes nowhere near one; how limbs are turned about themselves may be off."
        )
    size = _metres(rest_heads, role_index)
    rest_heads, heads = rest_heads * size, heads * size
    if not is_bound:
        rest_heads, heads = _on_the_floor(rest_heads, heads, role_index)

    rest = np.tile(np.eye(4), (len(kept), 1, 1))
    rest[:, :3, :3], rest[:, :3, 3] = rest_rotations, rest_heads
    roles = Recognition(found.how, role_index).roles(len(kept))
    bones = tuple(Bone(clip.names[node], parents[i], roles[i], rest[i], _length(rest_heads, parents, i)) for i, node in enumerate(kept))
    try:
        rig = Rig(clip.name, source_name, source_sha256, found.prefix, np.eye(4), bones, found.how)
    except ValueError as error:
        raise UserError(f"The skeleton of {source_name} cannot be used ({error}); export it again.") from error
    frames, own = len(heads), _own(rig, rotations)
    moving = np.flatnonzero((np.abs(own - np.eye(3)) > LEAST_TURN).any(axis=(0, 2, 3)))
    motion = Motion(
        fps=clip.fps,
        bones=tuple(rig.names[bone] for bone in moving),
        time=np.arange(frames) / clip.fps,
        rotation=continuous(matrix_to_quaternion(own[:, moving])).astype(np.float32),
        root_position=heads[:, role_index["hips"]].astype(np.float32),
        contact=np.zeros((frames, 4), np.float32),
        residual=np.zeros(frames, np.float32),
        confidence=np.ones(frames, np.float32),
        method=METHOD,
        source={"clip": source_name},
        rig=rig,
    )
    for warning in rig.warnings:
        report.warning(warning)
    if clip.others:
        report.warning(f"{source_name} holds {clip.others + 1} animations; the longest was taken.")
    return with_contacts(motion, rig)


def with_contacts(motion: Motion, rig: Rig) -> Motion:
    """The motion with contacts that are found by how the rig's soles move; nothing else changes.

    A clip is exact, unlike what was seen in a video: what glides, as all feet do in a walk on the spot, does not stand.
    """
    points = soles(rig, *posed(rig, motion)) * (MEASURED_LEG / rig.leg_length)
    feet = points[:, (0, 1, 3, 4), :2]
    speed = np.linalg.norm(np.gradient(feet, axis=0), axis=-1) * motion.fps if len(feet) > 1 else np.zeros(feet.shape[:2])
    down = contacts(points, motion.fps) & (averaged(speed, SPEED_SECONDS * motion.fps) < GLIDE)
    return replace(motion, contact=without_flicker(down).astype(np.float32))


def turns_of(worlds: Array) -> Array:
    """(…, 3, 3) rotations of matrices (…, 4, 4), scale and mirroring removed."""
    axes = worlds[..., :3, :3]
    length = np.linalg.norm(axes, axis=-2, keepdims=True)
    axes = axes / np.maximum(length, 1e-12)
    x = axes[..., 0]
    y = unit(axes[..., 1] - np.sum(x * axes[..., 1], -1, keepdims=True) * x)
    return np.stack([x, y, np.cross(x, y)], -1)


def _of_the_body(parents: tuple[int, ...], found: Recognition) -> list[int]:
    """The nodes with a role, those they hang from, and all that hangs from the hips."""
    wanted = set(found.role_index.values())
    below = set()
    for node, parent in enumerate(parents):
        if node == found.role_index["hips"] or parent in below:
            below.add(node)
    for node in list(wanted):
        while node >= 0 and node not in below:
            wanted.add(node)
            node = parents[node]
    above = found.role_index["hips"]
    while above >= 0:
        wanted.add(above)
        above = parents[above]
    return sorted(wanted | below)


def from_t_pose(joints: dict[str, Array], up: Array) -> Array:
    """(F,) degrees by which poses differ from that of a rest, on average over trunk and limbs.

    `joints` (F, 3) by role. Legs hang, the trunk stands along `up` (3,), and straight arms are held to the sides, anywhere between level
    and 60° down.
    """
    left = unit(joints["left_thigh"] - joints["right_thigh"])
    trunk = joints["head"] - 0.5 * (joints["left_thigh"] + joints["right_thigh"])
    off = [_between(trunk, up), _between(left - (left @ up)[:, None] * up, left)]
    ahead = np.cross(left, up)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        shoulder, elbow, wrist, hip, knee, ankle = (
            joints[f"{side}_{role}"] for role in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot")
        )
        arm = unit(elbow - shoulder)
        down = np.arctan2(-(arm @ up), sign * np.sum(arm * left, -1))
        off += [
            _between(knee - hip, -up), _between(ankle - knee, -up), _between(wrist - elbow, arm),
            np.hypot(np.arcsin(np.clip(np.sum(arm * ahead, -1), -1, 1)), np.maximum(np.abs(down - A_POSE / 2) - A_POSE / 2, 0.0)),
        ]  # fmt: skip
    return np.degrees(np.mean(off, axis=0))


def _between(a: Array, b: Array) -> Array:
    """(F,) radians between vectors (F, 3)."""
    cosine = np.sum(unit(a) * unit(np.broadcast_to(b, a.shape)), -1)
    return np.arccos(np.clip(cosine, -1, 1))


def _rest(
    in_file: tuple[Array, Array] | None,
    is_bound: bool,
    axes: Array,
    parents: list[int],
    role_index: dict[str, int],
    rotations: Array,
    heads: Array,
) -> tuple[Array, Array, bool]:
    """Heads (N, 3) and rotations (N, 3, 3) at rest, and whether they are to be trusted."""
    unturned = _unturned(axes, parents, role_index["hips"], rotations, heads)
    nearest = int(np.argmin(from_t_pose(_joints(heads, role_index), UP)))
    candidates = [(*unturned, UNTURNED), (heads[nearest], rotations[nearest], OF_FRAME)]
    if in_file is not None:
        candidates.append((*in_file, BOUND if is_bound else IN_FILE))
    off = [float(from_t_pose(_joints(at[None], role_index), UP)[0]) for at, _, _ in candidates]
    best = min(range(len(candidates)), key=lambda i: off[i] - candidates[i][2])
    at, turn, _ = candidates[best]
    return at, turn, off[best] < UNSURE or (is_bound and candidates[best][2] == BOUND)


def _joints(heads: Array, role_index: dict[str, int]) -> dict[str, Array]:
    return {role: heads[:, index] for role, index in role_index.items()}


def _unturned(axes: Array, parents: list[int], hips: int, rotations: Array, heads: Array) -> tuple[Array, Array]:
    """Heads (N, 3) and rotations (N, 3, 3) where the hips and all below have the file's own axes; what they hang from is as it begins."""
    at, turn = heads[0].copy(), rotations[0].copy()
    below = [False] * len(parents)
    for node, parent in enumerate(parents):
        below[node] = node == hips or (parent >= 0 and below[parent])
        if not below[node]:
            continue
        turn[node] = axes
        if node != hips:
            offset = np.einsum("fji,fj->fi", rotations[:, parent], heads[:, node] - heads[:, parent])
            at[node] = at[parent] + axes @ np.median(offset, axis=0)
    return at, turn


def _upright(axes: Array, parents: list[int], role_index: dict[str, int], rotations: Array, heads: Array) -> Array:
    """(3, 3) what turns the clip so that Z is up: nothing, or what turns a file that has Z up itself back.

    The pose without rotations tells it; where that is no pose of a person, how they are on average over the clip."""
    back = axes.T  # the file's Z is where its Y was taken to be up
    at, _ = _unturned(axes, parents, role_index["hips"], rotations, heads)
    off = [float(from_t_pose(_joints(at[None] @ turn.T, role_index), UP)[0]) for turn in (np.eye(3), back)]
    if min(off) < UNSURE:
        return np.eye(3) if off[0] <= off[1] else back
    joints = _joints(heads, role_index)
    body = np.mean(joints["head"] - 0.5 * (joints["left_foot"] + joints["right_foot"]), axis=0)
    return np.eye(3) if body[2] >= (back @ body)[2] else back


def _metres(heads: Array, role_index: dict[str, int]) -> float:
    """Metres in the clip's unit of length, told by how tall the person would be."""
    places = heads[list(role_index.values())]
    tall = float(np.ptp(places[:, 2]))
    fits = [size for size in UNITS if PERSON[0] <= size * tall <= PERSON[1]]
    return fits[0] if fits else TALL / max(tall, 1e-9)


def _on_the_floor(rest: Array, heads: Array, role_index: dict[str, int]) -> tuple[Array, Array]:
    """Heads at rest (N, 3) and in the clip (F, N, 3), moved so that the rest stands as high over the floor at height 0 as the clip does.

    A clip that stands on no floor at 0 is put there."""
    feet = [index for role, index in role_index.items() if role.partition("_")[2] in ("foot", "toe", "toe_end")]
    leg = float(np.linalg.norm(np.diff(rest[[role_index[f"left_{role}"] for role in ("thigh", "shin", "foot")]], axis=0), axis=1).sum())
    lowest = float(np.percentile(heads[:, feet, 2].min(axis=1), 5))
    if not FLOOR_BAND[0] * leg <= lowest <= FLOOR_BAND[1] * leg:
        heads, lowest = heads - (0.0, 0.0, lowest), 0.0
    clear = min(max(lowest, 0.0), THICKEST_SOLE * leg)
    return rest - (0.0, 0.0, rest[feet, 2].min() - clear), heads


def _own(rig: Rig, rotations: Array) -> Array:
    """(F, N, 3, 3) the bones' own rotations from rest for world rotations (F, N, 3, 3)."""
    own = np.empty_like(rotations)
    for bone, parent in enumerate(rig.parents.tolist()):
        above = np.eye(3) if parent < 0 else rig.rest_rotations[parent] @ np.swapaxes(rotations[:, parent], -1, -2)
        own[:, bone] = rig.rest_rotations[bone].T @ above @ rotations[:, bone]
    return own


def _length(heads: Array, parents: list[int], bone: int) -> float:
    """Metres to the nearest joint that hangs from a bone; where none does, a few centimetres."""
    lengths = [float(np.linalg.norm(heads[child] - heads[bone])) for child, parent in enumerate(parents) if parent == bone]
    return max(min(lengths, default=LEAF), 1e-3)
