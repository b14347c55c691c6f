# SPDX-License-Identifier: GPL-3.0-or-later
"""COCO's keypoint task: `annotations/person_keypoints_{train,val}.json` with 17 keypoints a person, and the pictures in `train/`, `val/`.

As in COCO, v is 2 for a point that is seen, 1 for one that something hides, and 0, with x = y = 0, for one outside the picture or unknown;
pixels are counted from 0 at the top-left pixel's centre for keypoints, boxes from its corner. Form: cocodataset.org, "Data format".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from ...pose.landmarks import BODY_25, COCO_17
from ..body import HIDDEN, SEEN, STATES, box_of, states_of
from ..folder import IMAGE, MASK, POSE, Sample
from ..pictures import flattened, pixels, pose_of, silhouette
from ..png import encode_png
from ..sample import SamplePose
from .work import Work

_FLAG = np.array([{HIDDEN: 1, SEEN: 2}.get(state, 0) for state in range(len(STATES))])
_FROM_BODY_25 = [BODY_25.index(name) for name in COCO_17]
_LINKS = (
    *(("left_ankle", "left_knee"), ("left_knee", "left_hip"), ("right_ankle", "right_knee"), ("right_knee", "right_hip")),
    *(("left_hip", "right_hip"), ("left_shoulder", "left_hip"), ("right_shoulder", "right_hip"), ("left_shoulder", "right_shoulder")),
    *(("left_shoulder", "left_elbow"), ("right_shoulder", "right_elbow"), ("left_elbow", "left_wrist"), ("right_elbow", "right_wrist")),
    *(("left_eye", "right_eye"), ("nose", "left_eye"), ("nose", "right_eye"), ("left_eye", "left_ear"), ("right_eye", "right_ear")),
    *(("left_ear", "left_shoulder"), ("right_ear", "right_shoulder")),
)
_CATEGORY = {
    "supercategory": "person",
    "id": 1,
    "name": "person",
    "keypoints": list(COCO_17),
    "skeleton": [[COCO_17.index(a) + 1, COCO_17.index(b) + 1] for a, b in _LINKS],
}


def export(work: Work) -> None:
    """COCO calls what is held out "val", and so does this export, unless the dataset has a split of that name beside "test"."""
    named = {split: "val" if split == "test" and "val" not in work.splits else split for split in work.splits}

    def write(sample: Sample) -> dict[str, Any]:
        image = pixels(work.dataset, sample, IMAGE)
        covered = silhouette(pixels(work.dataset, sample, MASK) if MASK in sample.files else image)
        work.save(f"{named[sample.split]}/{sample.id}.png", encode_png(flattened(image)))
        return annotation(sample.number + 1, pose_of(work.dataset, sample), covered)

    work.require(IMAGE, POSE)
    work.each_sample(write)
    for split in work.splits:
        work.write_lines(f"annotations/person_keypoints_{named[split]}.json", _document(work, split))


def annotation(number: int, pose: SamplePose, covered: npt.NDArray[np.bool_] | None) -> dict[str, Any]:
    """One person's annotation; `number` is its id and its picture's, from 1, as 0 means "no match" to COCO's own evaluation.

    Box, area and segmentation (uncompressed RLE) are those of the mask `covered` (H, W). Without a mask the box is that around all points
    in the picture, the area is the box's, and there is no segmentation.
    """
    states = states_of(pose)
    flags = _FLAG[states[_FROM_BODY_25]]
    places = np.where(flags[:, None] > 0, np.maximum(pose.points_2d[_FROM_BODY_25] - 0.5, 0), 0)
    found: dict[str, Any] = {
        "id": number,
        "image_id": number,
        "category_id": 1,
        "iscrowd": 0,
        "num_keypoints": int((flags > 0).sum()),
        "keypoints": [_plain(value) for place, flag in zip(places, flags, strict=True) for value in (*place, flag)],
    }
    if covered is not None:
        rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
        box = [0, 0, 0, 0]
        if len(rows):
            box = [int(columns[0]), int(rows[0]), int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1)]
        rle = {"counts": run_lengths(covered), "size": list(covered.shape)}
        return found | {"bbox": box, "area": int(covered.sum()), "segmentation": rle}
    left, top, right, bottom = box_of(pose.points_2d, states) or (0.0, 0.0, 0.0, 0.0)
    box = [round(value, 2) for value in (left, top, right - left, bottom - top)]
    return found | {"bbox": box, "area": round(box[2] * box[3], 2)}


def run_lengths(mask: npt.NDArray[np.bool_]) -> list[int]:
    """COCO's uncompressed RLE of a mask (H, W): lengths of runs down the columns, the first one of zeros (0 where it begins with a one)."""
    line = mask.ravel(order="F")
    changes = np.flatnonzero(np.diff(line)) + 1
    lengths = np.diff(np.concatenate([[0], changes, [len(line)]]))
    return ([0] if line[0] else []) + lengths.tolist()


def _document(work: Work, split: str) -> Iterator[str]:
    """The JSON's lines, so that it need not be in memory as a whole."""
    width, height = work.dataset.size
    yield '{"info":{"description":"made by Ningyo"},"licenses":[],'
    yield f'"categories":[{json.dumps(_CATEGORY)}],'
    comma = '"images":['
    for found in work.entries(split):
        image = {"id": found["image_id"], "file_name": f"{found['image_id'] - 1:06d}.png", "width": width, "height": height}
        yield comma + json.dumps(image, separators=(",", ":"))
        comma = ","
    comma = '],"annotations":['
    for found in work.entries(split):
        yield comma + json.dumps(found, separators=(",", ":"))
        comma = ","
    yield "]}"


def _plain(value: float) -> float | int:
    value = round(float(value), 2)
    return int(value) if value == int(value) else value
