# SPDX-License-Identifier: GPL-3.0-or-later
"""The actor's performance: an authored motion as world rotations of Mixamo bones, by smooth curves through a few poses (numpy only).

Axes: world metres, Z up, the actor faces −Y and stands at the origin; left is +X. Angles are degrees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .builtin.body import FINGERS
from .builtin.fields import monotone_cubic
from .builtin.skeleton import HIERARCHY, both_sides

Array = np.ndarray
FPS = 25
SECONDS = 6.0
REST_ARM = (14.0, 12.0, 20.0, 40.0)


@dataclass(frozen=True)
class Pose:
    """One key. `left` and `right` are an arm: how far the upper arm is raised from hanging (90 is level), how far it points forward (0 is
    sideways), the same two for the forearm. `palm` says where the palms face, as seen on the left side: 0 to the body, 1 to the camera.
    `feet` are (x, lift, yaw) of the left and the right foot.
    """

    time: float
    hips: tuple[float, float, float] = (0.0, 0.0, 0.0)
    yaw: float = 0.0
    chest_yaw: float = 0.0
    lean: float = 0.0
    bend: float = 0.0
    head_yaw: float = 0.0
    nod: float = 0.0
    left: tuple[float, float, float, float] = REST_ARM
    right: tuple[float, float, float, float] = REST_ARM
    palm: tuple[float, float] = (0.15, 0.15)
    curl: tuple[float, float] = (14.0, 14.0)
    left_foot: tuple[float, float, float] = (0.09, 0.0, 8.0)
    right_foot: tuple[float, float, float] = (-0.09, 0.0, -8.0)


UP = (106.0, 18.0, 166.0, 20.0)
OUT = (72.0, 24.0, 116.0, 34.0)
WAVE_IN, WAVE_OUT = (58.0, 30.0, 168.0, 20.0), (62.0, 26.0, 140.0, 10.0)
POSES = [
    Pose(0.0, hips=(0.010, 0, 0), lean=1.0),
    Pose(0.5, hips=(-0.012, 0, -0.004), lean=-1.0, head_yaw=-6, nod=2),
    # A step to the left, arms out.
    Pose(
        0.85,
        hips=(0.045, 0, -0.018),
        lean=3.0,
        left=(40, 20, 62, 40),
        right=(34, 20, 52, 45),
        palm=(0.6, 0.6),
        curl=(8, 8),
        left_foot=(0.17, 0.050, 10),
    ),
    Pose(1.15, hips=(0.105, 0, -0.024), lean=-2.0, left=OUT, right=OUT, palm=(1, 1), curl=(4, 4), left_foot=(0.24, 0.0, 12)),
    Pose(
        1.50,
        hips=(0.150, 0, -0.008),
        lean=-2.0,
        left=OUT,
        right=OUT,
        palm=(1, 1),
        curl=(4, 4),
        left_foot=(0.24, 0.0, 12),
        right_foot=(0.0, 0.045, -8),
    ),
    # Both arms up.
    Pose(
        1.85, hips=(0.140, 0, 0.0), nod=-6, left=UP, right=UP, palm=(1, 1), curl=(3, 3), left_foot=(0.24, 0, 12), right_foot=(0.05, 0, -8)
    ),
    Pose(
        2.15,
        hips=(0.132, 0, -0.006),
        nod=-6,
        lean=4,
        left=UP,
        right=UP,
        palm=(1, 1),
        curl=(3, 3),
        left_foot=(0.24, 0, 12),
        right_foot=(0.05, 0, -8),
    ),
    # Back to the right.
    Pose(
        2.50,
        hips=(0.070, 0, -0.020),
        lean=-3,
        left=OUT,
        right=OUT,
        palm=(1, 1),
        curl=(5, 5),
        left_foot=(0.24, 0, 12),
        right_foot=(-0.04, 0.045, -10),
    ),
    Pose(
        2.75,
        hips=(0.020, 0, -0.022),
        lean=2,
        left=(52, 40, 84, 70),
        right=(52, 40, 84, 70),
        palm=(0.7, 0.7),
        left_foot=(0.24, 0, 12),
        right_foot=(-0.10, 0, -10),
    ),
    Pose(
        3.05,
        hips=(0.0, 0, -0.020),
        left=(40, 60, 80, 85),
        right=(40, 60, 80, 85),
        palm=(0.4, 0.4),
        left_foot=(0.16, 0.045, 10),
        right_foot=(-0.10, 0, -10),
    ),
    # A small squat, hands before the chest.
    Pose(
        3.40,
        hips=(0, 0.050, -0.160),
        bend=20,
        nod=-10,
        left=(44, 72, 112, 100),
        right=(44, 72, 112, 100),
        palm=(0.6, 0.6),
        curl=(6, 6),
        left_foot=(0.10, 0, 14),
        right_foot=(-0.10, 0, -14),
    ),
    Pose(3.75, hips=(0, 0, 0), left=(26, 30, 40, 60), right=(26, 30, 40, 60), left_foot=(0.10, 0, 12), right_foot=(-0.10, 0, -12)),
    # Turns to both sides.
    Pose(
        4.15,
        hips=(0.015, 0, -0.012),
        yaw=28,
        chest_yaw=24,
        head_yaw=6,
        left=(36, 30, 60, 62),
        right=(44, 55, 90, 80),
        palm=(0.4, 0.6),
        curl=(8, 8),
        left_foot=(0.10, 0, 28),
        right_foot=(-0.10, 0.010, 12),
    ),
    Pose(
        4.40,
        hips=(0.0, 0, -0.004),
        yaw=0,
        left=(30, 35, 50, 60),
        right=(30, 35, 50, 60),
        palm=(0.4, 0.4),
        left_foot=(0.10, 0, 10),
        right_foot=(-0.10, 0, -10),
    ),
    Pose(
        4.70,
        hips=(-0.015, 0, -0.012),
        yaw=-28,
        chest_yaw=-24,
        head_yaw=-6,
        left=(44, 55, 90, 80),
        right=(36, 30, 60, 62),
        palm=(0.6, 0.4),
        curl=(8, 8),
        left_foot=(0.10, 0.010, -12),
        right_foot=(-0.10, 0, -28),
    ),
    # A wave to the camera.
    Pose(5.05, hips=(0.012, 0, -0.004), yaw=-4, lean=-2, head_yaw=2, right=WAVE_IN, palm=(0.15, 1), curl=(14, 3)),
    Pose(5.25, hips=(0.014, 0, -0.004), lean=-3, head_yaw=3, nod=3, right=WAVE_OUT, palm=(0.15, 1), curl=(14, 3)),
    Pose(5.45, hips=(0.014, 0, -0.004), lean=-3, head_yaw=4, nod=3, right=WAVE_IN, palm=(0.15, 1), curl=(14, 3)),
    Pose(5.65, hips=(0.014, 0, -0.004), lean=-3, head_yaw=3, nod=3, right=WAVE_OUT, palm=(0.15, 1), curl=(14, 3)),
    Pose(5.85, hips=(0.012, 0, -0.004), lean=-2, head_yaw=2, nod=2, right=WAVE_IN, palm=(0.15, 1), curl=(14, 3)),
    Pose(6.0, hips=(0.012, 0, -0.004), lean=-2, head_yaw=2, nod=2, right=(60, 28, 158, 16), palm=(0.15, 1), curl=(14, 3)),
]


def channels(time: float) -> dict[str, Array]:
    """Every field of a pose at `time`, by monotone cubics: no overshoot, so planted feet stay planted."""
    keys = np.array([p.time for p in POSES])
    result = {}
    for name in Pose.__dataclass_fields__:
        table = np.array([np.atleast_1d(getattr(p, name)) for p in POSES], float)
        result[name] = np.array([monotone_cubic(keys, column, np.array([time]))[0] for column in table.T])
    return result


def turn(axis: str, degrees: float) -> Array:
    """(3, 3) rotation about a world axis."""
    a = np.radians(degrees)
    c, s = np.cos(a), np.sin(a)
    rows = {"x": [[1, 0, 0], [0, c, -s], [0, s, c]], "y": [[c, 0, s], [0, 1, 0], [-s, 0, c]], "z": [[c, -s, 0], [s, c, 0], [0, 0, 1]]}
    return np.array(rows[axis], float)


def frame_of(along: Array, normal: Array) -> Array:
    """(3, 3) whose columns are `along`, the part of `normal` across it, and their cross product."""
    x = along / np.linalg.norm(along)
    y = normal - x * (x @ normal)
    y /= np.linalg.norm(y)
    return np.column_stack([x, y, np.cross(x, y)])


def _arm_direction(raised: float, forward: float, side: float) -> Array:
    a, b = np.radians(raised), np.radians(forward)
    return np.array([side * np.sin(a) * np.cos(b), -np.sin(a) * np.sin(b), -np.cos(a)])


def perform(time: float, rest: dict[str, Array]) -> tuple[Array, dict[str, Array]]:
    """The pose at `time` (seconds) of a figure with rest joints `rest` (left side and middle, metres).

    Returns the hips' position and, for every bone, its world rotation away from rest (3, 3).
    """
    c = channels(time)
    joints = both_sides(rest)
    breath = np.sin(2 * np.pi * time / 3.1)
    sway = np.sin(2 * np.pi * time / 2.3)
    hips_at = joints["Hips"] + c["hips"] + (0.004 * sway, 0, 0)
    world: dict[str, Array] = {}
    base = turn("z", c["yaw"][0]) @ turn("y", 0.5 * c["lean"][0]) @ turn("x", 0.25 * c["bend"][0])
    world["Hips"] = base
    for part, name in ((0.3, "Spine"), (0.65, "Spine1"), (1.0, "Spine2")):
        spine = turn("z", part * c["chest_yaw"][0]) @ turn("y", -0.8 * part * c["lean"][0]) @ turn("x", part * c["bend"][0] + 0.6 * breath)
        world[name] = base @ spine
    chest = world["Spine2"]
    gaze = turn("z", c["yaw"][0] * 0.45 + c["chest_yaw"][0] * 0.35 + c["head_yaw"][0])
    world["Neck"] = chest @ turn("x", -0.4 * c["bend"][0])
    world["Head"] = gaze @ turn("y", 1.5 * sway + 0.6 * c["lean"][0]) @ turn("x", c["nod"][0] + 0.3 * c["bend"][0])
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        arm = c[side.lower()]
        index = 0 if sign > 0 else 1
        palm, curl = c["palm"][index], c["curl"][index]
        upper, fore = _arm_direction(arm[0], arm[1], sign), _arm_direction(arm[2], arm[3], sign)
        inward = np.array([-sign, 0.25, 0.0])
        facing = inward * (1 - palm) + np.array([0.0, -1.0, -0.15]) * palm
        # Rest: along ±X, the palm faces down.
        rest_frame = frame_of(np.array([sign, 0, 0]), np.array([0, 0, -1.0]))
        elbow = facing * 0.6 + np.array([0, -0.4, -0.2])
        shrug = np.clip((arm[0] - 60) / 90, 0, 1)
        world[side + "Shoulder"] = chest @ turn("y", -sign * 16 * shrug)
        world[side + "Arm"] = chest @ frame_of(upper, elbow) @ rest_frame.T
        world[side + "ForeArm"] = chest @ frame_of(fore, 0.5 * elbow + 0.5 * facing) @ rest_frame.T
        hand = chest @ frame_of(fore, facing) @ rest_frame.T
        world[side + "Hand"] = hand
        for number, finger in enumerate(FINGERS):
            bent = np.eye(3)
            for joint in (1, 2, 3):
                amount = curl * (0.8 + 0.12 * number) if finger != "Thumb" else 0.35 * curl
                spread = sign * (0, -5, -1, 3, 8)[number] * (1 if joint == 1 else 0) * (1 - curl / 30)
                bent = bent @ turn("z", spread) @ turn("y", sign * amount)
                world[f"{side}Hand{finger}{joint}"] = hand @ bent
    for side, _sign in (("Left", 1.0), ("Right", -1.0)):
        _leg(side, c[f"{side.lower()}_foot"], hips_at, base, joints, world)
    for bone, parent in HIERARCHY:
        if bone not in world:
            world[bone] = world[parent] if parent else np.eye(3)
    return hips_at, world


def _leg(side: str, foot: Array, hips_at: Array, base: Array, joints: dict[str, Array], world: dict[str, Array]) -> None:
    """Two-bone inverse kinematics by the law of cosines; the knee points where the foot does."""
    x, lift, yaw = foot
    hip, knee, ankle = joints[side + "UpLeg"], joints[side + "Leg"], joints[side + "Foot"]
    start = hips_at + base @ (hip - joints["Hips"])
    heading = turn("z", yaw)
    # A lifted foot hangs with its toes down.
    world[side + "Foot"] = world[side + "ToeBase"] = heading @ turn("x", 260.0 * lift)
    end = np.array([x, 0.0, ankle[2] + lift]) + heading @ np.array([0, ankle[1], 0.0])
    a, b = np.linalg.norm(knee - hip), np.linalg.norm(ankle - knee)
    reach = end - start
    length = min(np.linalg.norm(reach), (a + b) * 0.9995)
    along = reach / np.linalg.norm(reach)
    cosine = (a * a + length * length - b * b) / (2 * a * length)
    forward = heading @ np.array([0, -1.0, 0]) + base @ np.array([0, -0.5, 0])
    forward = forward - along * (forward @ along)
    forward /= np.linalg.norm(forward)
    middle = start + a * (cosine * along + np.sqrt(max(1 - cosine**2, 0.0)) * forward)
    reached = start + along * length
    ahead = np.array([0, -1.0, 0])
    world[side + "UpLeg"] = frame_of(middle - start, forward) @ frame_of(knee - hip, ahead).T
    world[side + "Leg"] = frame_of(reached - middle, forward) @ frame_of(ankle - knee, ahead).T
