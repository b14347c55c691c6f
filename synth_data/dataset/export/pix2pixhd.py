# SPDX-License-Identifier: GPL-3.0-or-later
"""pix2pixHD's folders for pictures as labels: `SPLIT_A/NNNNNN.png`, the skeleton, and `SPLIT_B/NNNNNN.png`, the picture on white.

Read by pix2pixHD with `--label_nc 0 --no_instance`.
"""

from __future__ import annotations

from ..folder import IMAGE, POSE, Sample
from ..pictures import picture, skeleton
from ..png import encode_png
from .work import Work


def export(work: Work) -> None:
    def write(sample: Sample) -> None:
        work.save(f"{sample.split}_A/{sample.id}.png", encode_png(skeleton(work.dataset, sample)))
        work.save(f"{sample.split}_B/{sample.id}.png", encode_png(picture(work.dataset, sample)))

    work.require(IMAGE, POSE)
    work.each_sample(write)
