# SPDX-License-Identifier: GPL-3.0-or-later
"""The joints of a BVH file (Biovision hierarchy), of any program: any channels in any order, in any unit, with Y or Z up (numpy)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import UserError
from .bvh import Y_UP
from .clip import Clip, unique_names, whole_rate
from .kinematics import Array, axis_angle_to_matrix

_AXES = "XYZ"
DEEPEST = 500  # joints that hang from each other


@dataclass
class _Joint:
    name: str
    parent: int
    offset: tuple[float, float, float]
    channels: tuple[str, ...] = ()


def read_bvh(path: Path | str) -> Clip:
    """All joints and the ends of the last ones, over all frames.

    A joint's place is its offset, or what its position channels say; its rotation is that of its channels in the order in which the file
    has them. Raises UserError for a file that is damaged or has no frames.
    """
    path = Path(path)
    try:
        words = path.read_text("utf-8", errors="replace").split()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); check the path.") from error
    try:
        joints, at = _hierarchy(words)
        values, seconds = _motion(words, at, sum(len(joint.channels) for joint in joints))
    except (ValueError, IndexError, StopIteration) as error:
        raise UserError(f"{path} is not a whole BVH file ({str(error) or 'it ends too early'}); export it again.") from error
    if len(values) == 0:
        raise UserError(f"{path} holds no frames; export it with its animation.")
    worlds = np.tile(np.eye(4), (len(values), len(joints), 1, 1))
    column = 0
    for index, joint in enumerate(joints):
        own = values[:, column : column + len(joint.channels)]
        column += len(joint.channels)
        turn, place = _local(joint, own)
        if joint.parent >= 0:
            above = worlds[:, joint.parent]
            turn, place = above[:, :3, :3] @ turn, above[:, :3, 3] + np.einsum("fij,fj->fi", above[:, :3, :3], place)
        worlds[:, index, :3, :3], worlds[:, index, :3, 3] = turn, place
    worlds[..., :3, :] = Y_UP.T @ worlds[..., :3, :]
    return Clip(
        name=path.stem,
        names=unique_names([joint.name for joint in joints]),
        parents=tuple(joint.parent for joint in joints),
        worlds=worlds,
        fps=whole_rate(1.0 / seconds),
        axes=Y_UP.T,
        up_known=False,
    )


def _hierarchy(words: list[str]) -> tuple[list[_Joint], int]:
    """The joints, parents first, and where the motion begins among the words."""
    if not words or words[0].upper() != "HIERARCHY":
        raise ValueError("it does not begin with HIERARCHY")
    joints: list[_Joint] = []
    above: list[int] = []
    at = 1
    while words[at].upper() != "MOTION":
        word = words[at].upper()
        if word == "}":
            above.pop()
            at += 1
            continue
        end = next(i for i in range(at + 1, len(words)) if words[i] == "{")
        if word in ("ROOT", "JOINT"):
            name = " ".join(words[at + 1 : end])
        elif word == "END":
            name = f"{joints[above[-1]].name}_End"
        else:
            raise ValueError(f"{words[at]!r} is no part of a hierarchy")
        offset, channels = (0.0, 0.0, 0.0), ()
        at = end + 1
        while words[at].upper() in ("OFFSET", "CHANNELS"):
            if words[at].upper() == "OFFSET":
                offset = (float(words[at + 1]), float(words[at + 2]), float(words[at + 3]))
                at += 4
            else:
                count = int(words[at + 1])
                channels = tuple(word.capitalize() for word in words[at + 2 : at + 2 + count])
                at += 2 + count
                unknown = [each for each in channels if each[:1] not in _AXES or each[1:] not in ("rotation", "position")]
                if unknown:
                    raise ValueError(f"{unknown[0]!r} is no channel")
        joints.append(_Joint(name, above[-1] if above else -1, offset, channels))
        above.append(len(joints) - 1)
        if len(above) > DEEPEST:
            raise ValueError("its joints hang from each other without end")
    if not joints or above:
        raise ValueError("its hierarchy is not complete")
    return joints, at + 1


def _motion(words: list[str], at: int, width: int) -> tuple[Array, float]:
    """(F, C) the channels' values, and the seconds of a frame."""
    if words[at].upper() != "FRAMES:" or [word.upper() for word in words[at + 2 : at + 4]] != ["FRAME", "TIME:"]:
        raise ValueError("its frames are not announced")
    frames, seconds = int(words[at + 1]), float(words[at + 4])
    if not 1e-4 < seconds < 10:
        raise ValueError(f"a frame of {seconds:g} s is none")
    values = np.array(words[at + 5 :], np.float64)
    if width == 0 or len(values) < frames * width:
        raise ValueError(f"it has {len(values)} values for {frames} frames of {width}")
    values = values[: frames * width].reshape(frames, width)
    if not np.isfinite(values).all():
        raise ValueError("it holds values that are not numbers")
    return values, seconds


def _local(joint: _Joint, values: Array) -> tuple[Array, Array]:
    """A joint's rotations (F, 3, 3) and places (F, 3) in its parent's axes."""
    frames = len(values)
    turn, place = np.broadcast_to(np.eye(3), (frames, 3, 3)), np.tile(np.array(joint.offset), (frames, 1))
    for number, channel in enumerate(joint.channels):
        axis = _AXES.index(channel[0])
        if channel.endswith("position"):
            place[:, axis] = values[:, number]
        else:
            about = np.broadcast_to(np.eye(3)[axis], (frames, 3))
            turn = turn @ axis_angle_to_matrix(about, np.radians(values[:, number]))
    return turn, place
