# SPDX-License-Identifier: GPL-3.0-or-later
"""A humanoid's roles from hierarchy and rest positions alone, for armatures whose bones' names say nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .roles import in_right_place, is_ancestor

Array = npt.NDArray[np.float64]

ANKLE_HEIGHT = 0.25  # of a leg: what is lower belongs to the foot
HIPS_HEIGHT = 0.3  # of the whole: where the legs part at the least
HEAD_TO_SHOULDERS = 1.1  # the heights above the floor of the head's joint and the arms'
ARM_TO_LEG = 0.65  # upper arm and forearm to thigh and shin, in people and in most characters


def structural_roles(parents: Sequence[int], heads: Array) -> dict[str, int]:
    """The index of the bone of each role, as far as it is found; empty where the armature does not look like a person.

    `parents` (−1 for roots) come before their children; `heads` (B, 3) are rest positions in a world whose Z is up. The person is taken to
    stand, arms somewhere between hanging and raised to the sides. Legs are the chains that reach lowest, the head is highest, the arms
    reach farthest to the sides. Which side is left is told by the toes, or the person is taken to face −Y. Fingers and eyes are not looked
    for.
    """
    if len(parents) < 14:
        return {}
    children: list[list[int]] = [[] for _ in parents]
    for index, parent in enumerate(parents):
        if parent >= 0:
            children[parent].append(index)
    leaves = [index for index, below in enumerate(children) if not below]
    middle = np.median(heads[:, :2], axis=0)
    # Highest and in the middle: a raised hand may be higher.
    floor, top = float(heads[:, 2].min()), max(leaves, key=lambda leaf: heads[leaf, 2] - np.linalg.norm(heads[leaf, :2] - middle))
    tall = float(heads[top, 2]) - floor
    feet = _feet(leaves, parents, heads, top, floor + HIPS_HEIGHT * tall)
    if feet is None:
        return {}
    one, other = feet
    hips = _common(_common(one, other, parents), top, parents)
    if hips < 0:
        return {}
    legs = [_leg(_path(hips, foot, parents), _common(one, other, parents), heads) for foot in feet]
    trunk = _path(hips, top, parents)
    if not all(legs) or len(trunk) < 2:
        return {}

    across = heads[legs[0]["thigh"]] - heads[legs[1]["thigh"]]
    across[2] = 0.0
    left = across / max(float(np.linalg.norm(across)), 1e-9)
    facing = _facing(legs, heads)
    if facing is None:
        facing = np.array([0.0, -1.0, 0.0])
    if np.cross((0.0, 0.0, 1.0), facing) @ left < 0:
        legs, left = legs[::-1], -left

    roles = {"hips": hips}
    for side, leg in zip(("left", "right"), legs, strict=True):
        roles.update({f"{side}_{role}": index for role, index in leg.items()})
    arms = _arms(leaves, trunk, parents, heads, left, _length(legs[0], heads))
    if arms is None:
        return {}
    branching = 0
    for side, (root, arm) in zip(("left", "right"), arms, strict=True):
        roles.update({f"{side}_{role}": index for role, index in arm.items()})
        branching = max(branching, trunk.index(root))
    spine, above = trunk[1 : branching + 1], trunk[branching + 1 :]
    if not spine or not above:
        return {}
    picked = spine if len(spine) <= 3 else [spine[0], spine[len(spine) // 2], spine[-1]]
    roles.update(zip(("spine", "spine1", "spine2"), picked, strict=False))
    shoulders = 0.5 * float(heads[roles["left_upper_arm"], 2] + heads[roles["right_upper_arm"], 2])
    if not _plausible(roles, heads):
        return {}
    return in_right_place(roles | _neck_and_head(above, heads, floor + HEAD_TO_SHOULDERS * (shoulders - floor)), parents)


def _path(above: int, below: int, parents: Sequence[int]) -> list[int]:
    """The bones from `above` down to `below`, both included."""
    path = [below]
    while path[-1] != above:
        path.append(parents[path[-1]])
    return path[::-1]


def _common(one: int, other: int, parents: Sequence[int]) -> int:
    """The lowest bone that both hang from (or are), −1 if there is none."""
    while one >= 0 and one != other and not is_ancestor(one, other, parents):
        one = parents[one]
    return one


def _feet(leaves: list[int], parents: Sequence[int], heads: Array, top: int, lowest_split: float) -> tuple[int, int] | None:
    """The ends of the two chains that reach lowest and part high enough to be legs rather than toes."""
    by_height = sorted((leaf for leaf in leaves if leaf != top), key=lambda leaf: heads[leaf, 2])
    for number, one in enumerate(by_height[:8]):
        for other in by_height[number + 1 : number + 12]:
            split = _common(one, other, parents)
            apart = np.linalg.norm(heads[one, :2] - heads[other, :2]) > 0.02 * np.ptp(heads[:, 2])
            if split >= 0 and heads[split, 2] >= lowest_split and apart and heads[other, 2] < lowest_split:
                return one, other
    return None


def _leg(path: list[int], split: int, heads: Array) -> dict[str, int]:
    """Thigh, shin, foot and toes on the way from the hips to a leg's end."""
    path = path[path.index(split) + 1 :] if split in path else path[1:]
    if len(path) < 3:
        return {}
    height = heads[path, 2] - heads[path, 2].min()
    ankle = next((i for i, z in enumerate(height) if i >= 2 and z <= ANKLE_HEIGHT * height[0]), 0)
    if ankle == 0:
        return {}
    knee = min(range(1, ankle), key=lambda i: abs(height[i] - 0.5 * (height[0] + height[ankle])))
    leg = {"thigh": path[0], "shin": path[knee], "foot": path[ankle]}
    leg.update(zip(("toe", "toe_end"), path[ankle + 1 :], strict=False))
    return leg


def _length(leg: dict[str, int], heads: Array) -> float:
    return float(np.linalg.norm(heads[leg["thigh"]] - heads[leg["shin"]]) + np.linalg.norm(heads[leg["shin"]] - heads[leg["foot"]]))


def _plausible(roles: dict[str, int], heads: Array) -> bool:
    """Whether upper and lower bones, left and right, and arms and legs have lengths that go together."""
    bones = [("thigh", "shin"), ("shin", "foot"), ("upper_arm", "forearm"), ("forearm", "hand")]
    lengths = np.array(
        [[np.linalg.norm(heads[roles[f"{side}_{b}"]] - heads[roles[f"{side}_{a}"]]) for a, b in bones] for side in ("left", "right")]
    )
    if lengths.min() <= 0:
        return False
    ratios = [
        lengths[:, 0] / lengths[:, 1],
        lengths[:, 2] / lengths[:, 3],
        lengths[0] / lengths[1],
        lengths[:, 2:].sum() / lengths[:, :2].sum(),
    ]
    return all(np.abs(np.log(ratio)).max() < np.log(2.5) for ratio in ratios)


def _facing(legs: list[dict[str, int]], heads: Array) -> Array | None:
    """(3,) where the toes point, level; None where there are none."""
    toes = [heads[leg.get("toe_end", leg.get("toe", leg["foot"]))] - heads[leg["foot"]] for leg in legs]
    level = np.sum(toes, axis=0) * (1.0, 1.0, 0.0)
    return level if np.linalg.norm(level) > 0.05 * _length(legs[0], heads) else None


def _arms(
    leaves: list[int], trunk: list[int], parents: Sequence[int], heads: Array, left: Array, leg: float
) -> list[tuple[int, dict[str, int]]] | None:
    """For the left and the right arm, the trunk's bone it hangs from and its roles."""
    aside = (heads - heads[trunk[0]]) @ left
    candidates = [(leaf, next((i for i in reversed(trunk) if is_ancestor(i, leaf, parents)), -1)) for leaf in leaves]
    candidates = [(leaf, root) for leaf, root in candidates if root in trunk[1:] and leaf not in trunk]
    arms = []
    for sign in (1.0, -1.0):
        if not candidates:
            return None
        leaf, root = max(candidates, key=lambda pair: sign * aside[pair[0]])
        arm = _arm(_path(root, leaf, parents)[1:], parents, heads, leg) if sign * aside[leaf] > 0 else {}
        if not arm:
            return None
        arms.append((root, arm))
    return arms


def _arm(path: list[int], parents: Sequence[int], heads: Array, leg: float) -> dict[str, int]:
    """Shoulder, upper arm, forearm and hand on the way to a fingertip: the three joints whose distances are most like an arm's."""
    fingers = [sum(1 for parent in parents if parent == index) for index in path]

    def unlike(i: int, j: int, k: int) -> float:
        upper, lower = np.linalg.norm(heads[path[j]] - heads[path[i]]), np.linalg.norm(heads[path[k]] - heads[path[j]])
        if min(upper, lower) < 1e-6 * leg:
            return np.inf
        return float(abs(np.log(upper / lower)) + abs(np.log((upper + lower) / (ARM_TO_LEG * leg))) - 0.5 * (fingers[k] >= 2))

    count = len(path)
    triples = [(i, j, k) for i in range(min(count, 3)) for j in range(i + 1, count) for k in range(j + 1, count)]
    if not triples:
        return {}
    i, j, k = min(triples, key=lambda triple: unlike(*triple))
    arm = {"upper_arm": path[i], "forearm": path[j], "hand": path[k]}
    return arm | ({"shoulder": path[i - 1]} if i > 0 else {})


def _neck_and_head(above: list[int], heads: Array, expected: float) -> dict[str, int]:
    """The head is the bone whose joint is nearest to the expected height; what is below it is the neck."""
    at = min(range(len(above)), key=lambda i: abs(float(heads[above[i], 2]) - expected))
    found = {"head": above[at]}
    if at > 0:
        found["neck"] = above[0]
    if at + 1 < len(above):
        found["head_end"] = above[at + 1]
    return found
