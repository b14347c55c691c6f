# SPDX-License-Identifier: GPL-3.0-or-later
"""WebDataset's shards: `SPLIT-NNNNNN.tar`, in which a sample's files share their name up to the first dot.

All the dataset's kinds go in as they are (000012.image.png, 000012.pose.json, …), with 000012.json for what the index says of the sample
and its caption. The same dataset gives the same bytes. Convention: webdataset's "The WebDataset Format".
"""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import PurePosixPath

from ..captions import caption
from ..folder import POSE, Dataset, Sample
from ..pictures import read
from .work import Work

SHARD = 100_000_000  # bytes, about: big enough for a disk to read in one go, small enough for many loading processes to have one each
_BLOCK = 512  # of a tar: a member takes one for its header, and its content is filled up to whole ones


def export(work: Work) -> None:
    work.require(POSE)
    done = 0
    for split, samples in work.by_split().items():
        for number, shard in enumerate(shards_of(work.dataset, samples, SHARD)):
            name = f"{split}-{number:06d}.tar"

            def write(name: str = name, shard: list[Sample] = shard, before: int = done) -> None:
                with work.beside(name) as file, tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
                    for i, sample in enumerate(shard, 1):
                        _add(work.dataset, sample, tar)
                        work.report.progress(before + i, len(work.dataset.samples), "samples")
                work.saved(name)

            work.unit(name, "".join(sample.to_line() for sample in shard), write)
            done += len(shard)
            work.report.progress(done, len(work.dataset.samples), "samples")


def shards_of(dataset: Dataset, samples: list[Sample], limit: int) -> list[list[Sample]]:
    """The samples in their order, cut where the next one would take a shard past `limit` bytes."""
    shards: list[list[Sample]] = []
    room = 0
    for sample in samples:
        size = 4 * _BLOCK  # the JSON's
        for kind in sample.files:
            path = dataset.file(sample, kind)
            length = path.stat().st_size if path.is_file() else 0
            size += _BLOCK + -(-length // _BLOCK) * _BLOCK
        if not shards or size > room:
            shards.append([])
            room = limit
        shards[-1].append(sample)
        room -= size
    return shards


def _add(dataset: Dataset, sample: Sample, tar: tarfile.TarFile) -> None:
    own = json.loads(sample.to_line())
    del own["files"]
    own["text"] = caption(dataset, sample, dataset.pose(sample))
    members = {f"{kind}{PurePosixPath(path).suffix}": read(dataset, sample, kind) for kind, (path, _) in sample.files.items()}
    members["json"] = json.dumps(own, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    for ending, data in members.items():
        member = tarfile.TarInfo(f"{sample.id}.{ending}")
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
