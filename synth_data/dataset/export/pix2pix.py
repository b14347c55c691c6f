# SPDX-License-Identifier: GPL-3.0-or-later
"""pix2pix's aligned pairs: `SPLIT/NNNNNN.png` with the skeleton (A, what is given) beside the picture on white (B, what is wanted).

Read by pytorch-CycleGAN-and-pix2pix with `--dataset_mode aligned`, in its default direction, A to B.
"""

from __future__ import annotations

import numpy as np

from ..folder import IMAGE, POSE, Sample
from ..pictures import picture, skeleton
from ..png import encode_png
from .work import Work


def export(work: Work) -> None:
    def write(sample: Sample) -> None:
        pair = np.concatenate([skeleton(work.dataset, sample), picture(work.dataset, sample)], axis=1)
        work.save(f"{sample.split}/{sample.id}.png", encode_png(pair))

    work.require(IMAGE, POSE)
    work.each_sample(write)
