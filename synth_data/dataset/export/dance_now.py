# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders that dance_now trains a character from: CHARACTER/{train,test}_{img,label,headimg}.

Pictures on white and OpenPose's JSON, both of 512 × 512 px as its loader takes keypoints to be, and heads of 64 × 64 px cut out around the
tip of the nose (face point 30) as its `make_real_head` cuts them.

Its loader draws lines between all points whatever their confidence, so "not seen" as OpenPose writes it, 0, 0, 0, becomes a line to the
picture's corner. Here a point outside the picture stands at its edge, and one that the rig does not have on the next point of the same
limb that it has; both with confidence 0.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from ...pose.landmarks import BODY_25, BODY_25_LIMBS, HAND_LIMBS
from ..folder import IMAGE, POSE, Sample
from ..pictures import Pixels, picture, pose_of, resized
from ..png import encode_png
from ..sample import PEOPLE_KEYS, POINTS, SamplePose, inside
from .work import Work

SIZE, HEAD = 512, 64
_FACE, _LEFT_HAND, _RIGHT_HAND = 25, 95, 116
_NOSE_TIP = _FACE + 30


def _neighbours() -> list[list[int]]:
    """Of each of the 137 points those it may stand on, the nearest along its limbs first."""
    pairs = [*BODY_25_LIMBS]
    for hand, wrist in ((_LEFT_HAND, "left_wrist"), (_RIGHT_HAND, "right_wrist")):
        pairs += [(hand + a, hand + b) for a, b in HAND_LIMBS] + [(BODY_25.index(wrist), hand)]
    pairs += [(BODY_25.index("nose"), _NOSE_TIP)] + [(_NOSE_TIP, _FACE + i) for i in range(70) if i != 30]
    linked: list[list[int]] = [[] for _ in range(POINTS)]
    for a, b in pairs:
        linked[a].append(b)
        linked[b].append(a)
    found = []
    for start in range(POINTS):
        order = [start]
        for point in order:
            order += [other for other in linked[point] if other not in order]
        found.append(order[1:])
    return found


_STANDS_ON = _neighbours()


def export(work: Work) -> None:
    def write(sample: Sample) -> dict[str, Any]:
        folder, name = f"{sample.character}/{sample.split}", f"img_{sample.id}"
        image = square(picture(work.dataset, sample))
        points = keypoints(pose_of(work.dataset, sample))
        people = {"person_id": [-1]} | {key: np.round(points[part], 3).ravel().tolist() for key, part in PEOPLE_KEYS.items()}
        document = json.dumps({"version": 1.3, "people": [people]}, separators=(",", ":"))
        work.save(f"{folder}_label/{name}_keypoints.json", document + "\n")
        work.save(f"{folder}_img/{name}.png", encode_png(image))
        head = head_of(image, points)
        if head is not None:
            work.save(f"{folder}_headimg/{name}.png", encode_png(head))
        return {"head": head is not None}

    work.require(IMAGE, POSE)
    work.each_sample(write)
    headless = sum(not entry["head"] for entry in work.entries())
    if headless:
        work.report.warning(f"{headless} samples have no whole head in the picture; dance_now's step for faces deletes those it is given.")


def square(image: Pixels) -> Pixels:
    """(H, W, 3) → (512, 512, 3): the middle square."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    image = image[top : top + side, left : left + side]
    return image if side == SIZE else resized(image, SIZE, SIZE)


def keypoints(pose: SamplePose) -> npt.NDArray[np.float64]:
    """(137, 3) x, y in px of `square`'s picture and OpenPose's confidence; nothing is NaN, nothing lies outside."""
    width, height = pose.size
    side = min(width, height)
    points = (pose.points_2d - ((width - side) // 2, (height - side) // 2)) * (SIZE / side)
    confidence = np.where(inside(points, (SIZE, SIZE)), pose.skeleton_points()[:, 2], 0.0)
    known = np.isfinite(points).all(axis=1)
    for i in np.flatnonzero(~known):
        points[i] = next((points[other] for other in _STANDS_ON[i] if known[other]), 0.0)
    return np.concatenate([np.clip(points, 0, SIZE - 1), confidence[:, None]], axis=1)


def head_of(image: Pixels, points: npt.NDArray[np.float64]) -> Pixels | None:
    """(64, 64, 3) around the nose's tip; None where that reaches out of the picture or the tip is not in it."""
    x, y, confidence = points[_NOSE_TIP]
    left, top = int(x) - HEAD // 2, int(y) - HEAD // 2
    # dance_now wants the last row and column to be strictly inside.
    if confidence == 0 or min(left, top) < 0 or max(left, top) + HEAD >= SIZE:
        return None
    return image[top : top + HEAD, left : left + HEAD]
