# SPDX-License-Identifier: GPL-3.0-or-later
"""Hugging Face's imagefolder: `SPLIT/images/NNNNNN.png`, `SPLIT/conditioning/NNNNNN.png` and `SPLIT/metadata.jsonl` with captions.

`datasets.load_dataset(FOLDER)` gives the columns image, conditioning_image and text, which the ControlNet scripts of diffusers ask for by
default. Where all samples have them, mask, normal and depth are columns too, each an other condition to train with.
"""

from __future__ import annotations

import json
from typing import Any

from ..captions import caption
from ..folder import DEPTH, IMAGE, MASK, NORMAL, POSE, Sample
from ..pictures import nearness, picture, pixels, pose_of, read, skeleton
from ..png import encode_png
from .work import Work


def export(work: Work) -> None:
    others = [kind for kind, count in work.have((MASK, NORMAL, DEPTH)).items() if count == len(work.samples)]

    def write(sample: Sample) -> dict[str, Any]:
        dataset, name = work.dataset, f"{sample.id}.png"
        contents = {
            "images": encode_png(picture(dataset, sample)),
            "conditioning": encode_png(skeleton(dataset, sample)),
        }
        for kind in others:
            contents[kind] = encode_png(nearness(pixels(dataset, sample, kind)[..., 0])) if kind == DEPTH else read(dataset, sample, kind)
        for folder, data in contents.items():
            work.save(f"{sample.split}/{folder}/{name}", data)
        line = {"file_name": f"images/{name}", "conditioning_image_file_name": f"conditioning/{name}"}
        line |= {f"{kind}_file_name": f"{kind}/{name}" for kind in others}
        return line | {"text": caption(dataset, sample, pose_of(dataset, sample)), "character": sample.character, "clip": sample.clip}

    work.require(IMAGE, POSE)
    work.each_sample(write)
    for split in work.splits:
        work.write_lines(f"{split}/metadata.jsonl", (json.dumps(line, ensure_ascii=False) for line in work.entries(split)))
