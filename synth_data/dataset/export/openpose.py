# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenPose's files: `SPLIT/NNNNNN_keypoints.json` as its `--write_json` gives them, beside `NNNNNN.png`."""

from __future__ import annotations

import json

from ..folder import IMAGE, POSE, Sample
from ..pictures import read
from .work import Work


def export(work: Work) -> None:
    """The picture is the dataset's own, transparency included; the JSON has no key of ours."""

    def write(sample: Sample) -> None:
        pose = json.loads(read(work.dataset, sample, POSE))
        people = {"version": pose["version"], "people": pose["people"]}
        work.save(f"{sample.split}/{sample.id}_keypoints.json", json.dumps(people, separators=(",", ":")) + "\n")
        work.save(f"{sample.split}/{sample.id}.png", read(work.dataset, sample, IMAGE))

    work.require(IMAGE, POSE)
    work.each_sample(write)
