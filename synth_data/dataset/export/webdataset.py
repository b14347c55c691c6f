# SPDX-License-Identifier: GPL-3.0-or-later
"""WebDataset's shards: `SPLIT-NNNNNN.tar`, in which a sample's files share their name up to the first dot.

All the dataset's kinds go in as they are (000012.image.png, 000012.pose.json, …), with 000012.json for what the index says of the sample
and its caption. The same dataset gives the same bytes. Convention: webdataset's "The WebDataset Format".
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

import numpy as np

from ..captions import caption
from ..folder import POSE, Dataset, Sample
from ..pictures import pose_of, read
from .work import Work

SHARD = 100_000_000  # bytes, about: big enough for a disk to read in one go, small enough for many loading processes to have one each
_BLOCK = 512  # of a tar: a member takes one for its header, and its content is filled up to whole ones


def export(work: Work) -> None:
    work.require(POSE)
    done, total = 0, len(work.samples)
    for split in work.splits:
        chosen = np.flatnonzero(work.samples.splits == split)
        first = 0
        for number, shard in enumerate(shards_of(work.dataset, work.samples.where(chosen), SHARD)):
            name = f"{split}-{number:06d}.tar"

            def write(name: str = name, shard: list[Sample] = shard, before: int = done) -> None:
                with work.beside(name) as file, tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
                    for i, sample in enumerate(shard, 1):
                        _add(work.dataset, sample, tar)
                        work.report.progress(before + i, total, "samples")
                work.saved(name)

            work.unit(int(chosen[first]), "".join([name, *(sample.to_line() for sample in shard)]), write)
            first += len(shard)
            done += len(shard)
            work.report.progress(done, total, "samples")


def shards_of(dataset: Dataset, samples: Iterable[Sample], limit: int) -> Iterator[list[Sample]]:
    """The samples in their order, cut where the next one would take a shard past `limit` bytes."""
    shard: list[Sample] = []
    room = limit
    for sample in samples:
        size = 4 * _BLOCK  # the JSON's
        for kind in sample.files:
            path = dataset.file(sample, kind)
            length = path.stat().st_size if path.is_file() else 0
            size += _BLOCK + -(-length // _BLOCK) * _BLOCK
        if shard and size > room:
            yield shard
            shard, room = [], limit
        shard.append(sample)
        room -= size
    if shard:
        yield shard


def _add(dataset: Dataset, sample: Sample, tar: tarfile.TarFile) -> None:
    own = json.loads(sample.to_line())
    del own["files"]
    own["text"] = caption(dataset, sample, pose_of(dataset, sample))
    members = {f"{kind}{PurePosixPath(path).suffix}": read(dataset, sample, kind) for kind, (path, _) in sample.files.items()}
    members["json"] = json.dumps(own, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    for ending, data in members.items():
        member = tarfile.TarInfo(f"{sample.id}.{ending}")
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
